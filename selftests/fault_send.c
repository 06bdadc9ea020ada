// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Sends in which an allocation or a user copy fails: nothing of them is left, and who
 * waits for a message, or for room, goes on waiting.
 */
#include "mbox_fault.h"

#include <sys/uio.h>

#define SENDING FIXTURE_DATA(send)
#define SENDING_HOW FIXTURE_VARIANT(send)

#define LONG_LEN	(3 * 4096 + 100)
#define PIECES		12		/* more than the kernel takes on its stack */
#define TYPE		77
#define PRIORITY	5

/* What is sent: all kinds of payload, and what may go with it. */
FIXTURE(send) {
	int h;			/* of the mailbox, both rights */
	int s;			/* the same, with a badge */
	int to;			/* another, for replies */
	int pipe[2];
	int fds[3];
	struct mbox_msg_args args;
	struct mbox_ext ext;
	struct iovec iov[PIECES];
	char data[LONG_LEN];
	char got[LONG_LEN];
};

FIXTURE_VARIANT(send) {
	__u32 len;
	bool pieces;
	bool files;
	bool async;
	__u64 badge;
	int nomem;		/* the message, and what is below */
	int fault;		/* the struct and the payload, and what is below */
};

FIXTURE_VARIANT_ADD(send, small) {
	.len = 5, .nomem = 1, .fault = 2,
};

FIXTURE_VARIANT_ADD(send, empty) {
	.len = 0, .nomem = 1, .fault = 1,
};

FIXTURE_VARIANT_ADD(send, badged) {
	.len = 5, .badge = 4711, .nomem = 1, .fault = 2,
};

/* An array of chunks, four of them, each with a copy of its own. */
FIXTURE_VARIANT_ADD(send, long) {
	.len = LONG_LEN, .nomem = 1 + 1 + 4, .fault = 1 + 4,
};

/* The extension, the array and its copy, a copy for each piece but the first. */
FIXTURE_VARIANT_ADD(send, in_pieces) {
	.len = 10 * PIECES, .pieces = true,
	.nomem = 1 + 1, .fault = 2 + 1 + (sizeof(long) > 4) + PIECES - 1,
};

/* The extension, the descriptors; their files. */
FIXTURE_VARIANT_ADD(send, files) {
	.len = 5, .files = true, .nomem = 1 + 1, .fault = 2 + 2,
};

/* The extension; the call, the slot for its reply. */
FIXTURE_VARIANT_ADD(send, async) {
	.len = 5, .async = true, .nomem = 1 + 2, .fault = 2 + 1,
};

FIXTURE_VARIANT_ADD(send, async_long_with_files) {
	.len = LONG_LEN, .files = true, .async = true,
	.nomem = 6 + 1 + 7, .fault = 1 + 4 + 2,
};

FIXTURE_SETUP(send)
{
	unsigned int i;

	MB_NEED_FAULTS();
	self->h = mb_create_small(2);
	self->to = mb_create_small(1);
	ASSERT_LE(0, self->h);
	ASSERT_LE(0, self->to);
	self->s = variant->badge ? mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, variant->badge) :
				   mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->s);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	self->fds[0] = self->pipe[1];
	self->fds[1] = self->s;
	self->fds[2] = self->pipe[1];

	for (i = 0; i < LONG_LEN; i++)
		self->data[i] = i % 251;
	for (i = 0; i < PIECES; i++)
		self->iov[i] = (struct iovec){ self->data + 10 * i, 10 };
	self->ext.size = sizeof(self->ext);
	self->args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE,
		.type = TYPE,
		.priority = PRIORITY,
		.buf = (unsigned long)self->data,
		.len = variant->len,
	};
	if (variant->pieces || variant->files || variant->async) {
		self->args.flags |= MBOX_EXT;
		self->args.ext = (unsigned long)&self->ext;
	}
	if (variant->pieces) {
		self->args.buf = 0;
		self->args.len = 0;
		self->ext.iov = (unsigned long)self->iov;
		self->ext.iov_count = PIECES;
	}
	if (variant->files) {
		self->ext.files = (unsigned long)self->fds;
		self->ext.file_count = 3;
	}
	if (variant->async) {
		self->args.flags |= MBOX_REPLY_TO;
		self->args.reply_len = variant->len;
		self->args.id = 99;
		self->ext.reply_to = self->to;
	}
}

/* Nothing that was refused, or received, holds a file any more. */
FIXTURE_TEARDOWN(send)
{
	close(self->pipe[1]);
	EXPECT_TRUE(pipe_closed(self->pipe[0]));
	close(self->pipe[0]);
	close(self->s);
	close(self->h);
	close(self->to);
}

/* The message as it was sent; what it owes is paid. */
static void looked_at(struct __test_metadata *_metadata, SENDING *self,
		      const SENDING_HOW *variant, const struct mbox_msg_args *got)
{
	EXPECT_EQ(variant->len, got->out_len);
	EXPECT_EQ(0, memcmp(self->data, self->got, variant->len));
	EXPECT_EQ(TYPE, got->out_type);
	EXPECT_EQ(PRIORITY, got->out_priority);
	EXPECT_EQ(variant->badge, got->out_badge);
	EXPECT_EQ(getpid(), got->out_pid);
	EXPECT_EQ(variant->async ? MBOX_MSG_CALL : 0,
		  got->out_flags & ~MBOX_MSG_FILES_LOST);
	if (!variant->async)
		return;
	EXPECT_EQ(0, num_reply(self->h, got->out_token, 4242));
	EXPECT_EQ(4242, num_recv_type(self->to, MBOX_SELECT_EQUAL, 99));
}

/* It is there, once and whole. */
static void arrived(struct __test_metadata *_metadata, SENDING *self,
		    const SENDING_HOW *variant)
{
	struct mbox_ext ext = { .size = sizeof(ext) };
	int fds[3] = { -1, -1, -1 };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_EXT,
		.buf = (unsigned long)self->got,
		.len = sizeof(self->got),
		.ext = (unsigned long)&ext,
	};
	int i;

	if (variant->files) {
		ext.files = (unsigned long)fds;
		ext.file_count = 3;
	}
	memset(self->got, MB_POISON, sizeof(self->got));
	ASSERT_EQ(0, mb_recv(self->h, &args));
	looked_at(_metadata, self, variant, &args);
	EXPECT_EQ(variant->files ? 3 : 0, ext.out_file_count);
	for (i = 0; variant->files && i < 3; i++)
		EXPECT_EQ(0, close(fds[i]));
}

TEST_F_WALK(send, g02_that_is_refused_leaves_nothing)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };

	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		struct state there = state_of(self->to);

		mb_poison(&self->args);
		if (INJECT(&w, mb_ioctl(self->s, MBOX_IOC_SEND, &self->args)) < 0) {
			EXPECT_UNCHANGED(self->h, &before);
			EXPECT_UNCHANGED(self->to, &there);
		} else {
			arrived(_metadata, self, variant);
			EXPECT_PASSED(self->h, &before);
		}
		EXPECT_TRUE(mb_poisoned(&self->args));
	}
}

TEST_F_WALK(send, behind_others_leaves_them_as_they_are)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };

	FAULT_EACH(&w) {
		struct state before;

		ASSERT_EQ(0, num_send(self->h, 1, PRIORITY - 1, 100));
		before = state_of(self->h);
		if (INJECT(&w, mb_send(self->s, &self->args)) < 0) {
			EXPECT_UNCHANGED(self->h, &before);
		} else {
			arrived(_metadata, self, variant);
			EXPECT_PASSED(self->h, &before);
		}
		EXPECT_EQ(100, num_recv(self->h));
	}
}

/* There is no room in the end: all that was made for it is given back. */
TEST_F_WALK(send, that_finds_no_room_leaves_nothing)
{
	struct walk w = {
		.nomem = variant->nomem, .fault = variant->fault, .end = -EAGAIN,
	};

	ASSERT_EQ(0, num_send(self->h, 1, 0, 100));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 101));
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		struct state there = state_of(self->to);

		EXPECT_GT(0, INJECT(&w, mb_send(self->s, &self->args)));
		EXPECT_UNCHANGED(self->h, &before);
		EXPECT_UNCHANGED(self->to, &there);
	}
}

TEST_F_WALK(send, that_would_drop_others_drops_none)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };

	ASSERT_EQ(0, mb_set_overflow(self->h, MBOX_OVERFLOW_DROP));
	FAULT_EACH(&w) {
		struct state before;

		ASSERT_EQ(0, num_send(self->h, 1, 0, 100));
		ASSERT_EQ(0, num_send(self->h, 1, 0, 101));
		before = state_of(self->h);
		if (INJECT(&w, mb_send(self->s, &self->args)) < 0) {
			EXPECT_UNCHANGED(self->h, &before);
			EXPECT_EQ(100, num_recv(self->h));
		} else {
			EXPECT_EQ(before.stat.drops + 1, mb_drops(self->h));
			arrived(_metadata, self, variant);
		}
		EXPECT_EQ(101, num_recv(self->h));
	}
}

static void take_one(struct partner *p)
{
	p->ret = num_recv_type(p->h, MBOX_SELECT_EQUAL, 1);
}

TEST_F_WALK(send, that_waits_for_room)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };
	struct partner p = { .h = self->h, .waits = "mbox-waiting-senders", .act = take_one };

	self->args.flags = (self->args.flags & ~MBOX_WAIT_MASK) | MBOX_WAIT_FOREVER;
	ASSERT_EQ(0, num_send(self->h, 1, 0, 100));
	FAULT_EACH(&w) {
		struct state before;

		ASSERT_EQ(0, num_send(self->h, 1, 0, 101));
		before = state_of(self->h);
		p.ret = -1;
		partner_start(&p);
		INJECT(&w, mb_send(self->s, &self->args));
		partner_end(&p);
		if (w.ret < 0) {
			EXPECT_EQ(-1, p.ret);
			EXPECT_UNCHANGED(self->h, &before);
			EXPECT_EQ(100, num_recv(self->h));
		} else {
			EXPECT_EQ(100, p.ret);
			arrived(_metadata, self, variant);
		}
		/* The one that is left is 100 now. */
		EXPECT_EQ(101, num_recv(self->h));
		EXPECT_EQ(0, num_send(self->h, 1, 0, 100));
	}
}

/* Who waits for it goes on waiting, until it comes. */
TEST_F_WALK(send, to_who_waits)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };
	struct peer *p = NULL;

	FAULT_EACH(&w) {
		struct state before;

		if (!p) {
			p = peer_recv(self->h);
			p->args.buf = (unsigned long)self->got;
			p->args.len = sizeof(self->got);
			ASSERT_TRUE(peer_blocks(p));
		}
		before = state_of(self->h);
		if (INJECT(&w, mb_send(self->s, &self->args)) < 0) {
			EXPECT_TRUE(!peer_done(p));
			EXPECT_UNCHANGED(self->h, &before);
		} else {
			EXPECT_EQ(0, peer_join(p));
			looked_at(_metadata, self, variant, &p->args);
			before.stat.waiting_receivers--;
			EXPECT_PASSED(self->h, &before);
			p = NULL;
		}
	}
}

/* The first message of a user makes its account; whoever fails leaves none. */
static void send_as_stranger(struct __test_metadata *_metadata, void *arg)
{
	SENDING *self = arg;
	struct walk w = { .nomem = 1 + 1, .fault = 2 };

	self->args.len = 5;
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		if (INJECT(&w, mb_send(self->s, &self->args)) < 0) {
			EXPECT_UNCHANGED(self->h, &before);
		} else {
			EXPECT_EQ(5, mb_get(self->h, self->got, 5));
			EXPECT_PASSED(self->h, &before);
		}
	}
}

FIXTURE(stranger) {
	SENDING send;
};

FIXTURE_SETUP(stranger)
{
	MB_NEED_FAULTS();
	self->send.h = mb_create_small(2);
	self->send.s = mb_narrow(self->send.h, MBOX_SEND, 0);
	ASSERT_LE(0, self->send.s);
	self->send.args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->send.data,
	};
}

FIXTURE_TEARDOWN(stranger)
{
	close(self->send.s);
	close(self->send.h);
}

TEST_F_WALK(stranger, leaves_no_account)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, send_as_stranger, &self->send));
}

TEST_F_WALK(stranger, in_a_namespace_leaves_no_account)
{
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER, send_as_stranger, &self->send));
}

/* ---- memory that no account and no detector shows: single pages ---- */

#define HUGE	(1 << 20)
#define PAGES	(HUGE / 4096)

FIXTURE(huge) {
	int h;
	char *data;
};

FIXTURE_SETUP(huge)
{
	MB_NEED_FAULTS();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->data = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->data);
}

FIXTURE_TEARDOWN(huge)
{
	close(self->h);
}

static long free_mib(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	long n = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld", &n) == 1)
			break;
	fclose(f);
	return n >> 10;
}

/* If those before the page that is missing were lost: 128 MiB in the end. */
TEST_F_WALK(huge, send_that_fails_leaves_no_pages)
{
	struct walk w = { .nomem = PAGES / 2, .fault = PAGES / 2 };
	long before = free_mib();

	FAULT_EACH(&w) {
		if (INJECT(&w, mb_put(self->h, self->data, HUGE)) >= 0)
			EXPECT_EQ(HUGE, mb_get(self->h, self->data, HUGE));
	}
	EXPECT_LT(before - 64, free_mib());
}

/* ---- write(2) ---- */

TEST_F_WALK(send, by_write)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };
	int n = variant->pieces ? PIECES : 1;

	if (variant->files || variant->async || !variant->len)
		return;
	/* Its arguments are no struct, and no extension. */
	w.fault -= variant->pieces ? 2 : 1;
	if (!variant->pieces)
		self->iov[0].iov_len = variant->len;
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		ssize_t ret;

		ret = INJECT(&w, (writev(self->s, self->iov, n) < 0 ? -errno : 0));
		if (ret < 0) {
			EXPECT_UNCHANGED(self->h, &before);
			continue;
		}
		EXPECT_EQ(variant->len, mb_get(self->h, self->got, LONG_LEN));
		EXPECT_EQ(0, memcmp(self->got, self->data, variant->len));
		EXPECT_PASSED(self->h, &before);
	}
}

TEST_HARNESS_MAIN
