// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Receives in which a user copy or an allocation fails, most of them after the message
 * was taken: it is at its place again, as if nobody had come, or with the next who waits.
 */
#include "mbox_fault.h"

#include <sys/uio.h>

#define RECEIVING FIXTURE_DATA(receive)
#define RECEIVING_HOW FIXTURE_VARIANT(receive)
#define BLOCKED FIXTURE_DATA(blocked)
#define TABLE FIXTURE_DATA(table)

#define LONG_LEN	(3 * 4096 + 100)
#define PIECES		12		/* more than the kernel takes on its stack */
#define TYPE		77
#define PRIORITY	5
#define OTHER		100		/* a message behind it */

FIXTURE(receive) {
	int h;
	int to;			/* where replies go */
	int pipe[2];
	int fds[3];		/* received */
	struct mbox_msg_args args;
	struct mbox_ext ext;
	struct iovec iov[PIECES];
	char data[LONG_LEN];	/* sent */
	char got[LONG_LEN];
};

/* What is received, and how. */
FIXTURE_VARIANT(receive) {
	__u32 len;
	__u32 flags;
	__u64 lease_time;
	bool pieces;
	bool files;
	bool async;		/* a call */
	int nomem;
	int fault;		/* the struct, the payload, the header, and what is below */
	int made_good;		/* so many of them by a second try, if it is there already */
};

FIXTURE_VARIANT_ADD(receive, small) {
	.len = 5, .fault = 3, .made_good = 2,
};

FIXTURE_VARIANT_ADD(receive, empty) {
	.len = 0, .fault = 2, .made_good = 1,
};

FIXTURE_VARIANT_ADD(receive, long) {
	.len = LONG_LEN, .fault = 2 + 4,
};

FIXTURE_VARIANT_ADD(receive, peeked_at) {
	.len = 5, .flags = MBOX_PEEK, .fault = 3,
};

FIXTURE_VARIANT_ADD(receive, leased) {
	.len = 5, .flags = MBOX_LEASE, .fault = 3,
};

/* The extension. */
FIXTURE_VARIANT_ADD(receive, leased_for_a_time) {
	.len = 5, .flags = MBOX_LEASE, .lease_time = 1000 * NSEC_PER_SEC, .fault = 3 + 1,
};

/* The extension, the array, each piece. */
FIXTURE_VARIANT_ADD(receive, in_pieces) {
	.len = 10 * PIECES, .pieces = true,
	.nomem = 1, .fault = 2 + 1 + (sizeof(long) > 4) + PIECES,
};

/* The extension, the descriptors. */
FIXTURE_VARIANT_ADD(receive, files) {
	.len = 5, .files = true, .fault = 3 + 2,
};

FIXTURE_VARIANT_ADD(receive, leased_files) {
	.len = 5, .flags = MBOX_LEASE, .files = true, .fault = 3 + 2,
};

FIXTURE_VARIANT_ADD(receive, call) {
	.len = 5, .async = true, .fault = 3,
};

FIXTURE_VARIANT_ADD(receive, leased_long_call_with_files) {
	.len = LONG_LEN, .flags = MBOX_LEASE, .files = true, .async = true,
	.fault = 2 + 4 + 2,
};

FIXTURE_SETUP(receive)
{
	unsigned int i;

	MB_NEED_FAULTS();
	self->h = mb_create_small(4);
	self->to = mb_create_small(1);
	ASSERT_LE(0, self->h);
	ASSERT_LE(0, self->to);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	for (i = 0; i < LONG_LEN; i++)
		self->data[i] = i % 251;
	for (i = 0; i < PIECES; i++)
		self->iov[i] = (struct iovec){ self->got + 10 * i, 10 };

	self->ext.size = sizeof(self->ext);
	self->ext.lease_time = variant->lease_time;
	self->args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE | variant->flags,
		.select = MBOX_SELECT_EQUAL,
		.type = TYPE,
		.buf = (unsigned long)self->got,
		.len = variant->len,
	};
	if (variant->pieces || variant->files || variant->lease_time) {
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
}

/* Nothing that was received, or came back, holds a file any more. */
FIXTURE_TEARDOWN(receive)
{
	close(self->h);
	close(self->to);
	close(self->pipe[1]);
	EXPECT_TRUE(pipe_closed(self->pipe[0]));
	close(self->pipe[0]);
}

static int send_it(RECEIVING *self, const RECEIVING_HOW *variant)
{
	const int fds[] = { self->pipe[1], self->pipe[1], self->pipe[1] };
	struct mbox_ext ext = {
		.size = sizeof(ext),
		.files = variant->files ? (unsigned long)fds : 0,
		.file_count = variant->files ? 3 : 0,
		.reply_to = variant->async ? self->to : 0,
	};
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_EXT,
		.type = TYPE,
		.priority = PRIORITY,
		.buf = (unsigned long)self->data,
		.len = variant->len,
		.ext = (unsigned long)&ext,
	};

	if (variant->async) {
		args.flags |= MBOX_REPLY_TO;
		args.id = 99;
		args.reply_len = 4;
	}
	return mb_send(self->h, &args);
}

static int receive_it(RECEIVING *self)
{
	memset(self->got, MB_POISON, sizeof(self->got));
	mb_poison(&self->args);
	return mb_ioctl(self->h, MBOX_IOC_RECV, &self->args);
}

/* It came whole; what it owes is paid. */
static void looked_at(struct __test_metadata *_metadata, RECEIVING *self,
		      const RECEIVING_HOW *variant)
{
	const struct mbox_msg_args *args = &self->args;
	int i;

	EXPECT_EQ(variant->len, args->out_len);
	EXPECT_EQ(0, memcmp(self->data, self->got, variant->len));
	EXPECT_EQ(TYPE, args->out_type);
	EXPECT_EQ(PRIORITY, args->out_priority);
	/* Those who did not get it are not counted. */
	EXPECT_EQ(1, args->out_deliveries);
	EXPECT_EQ(variant->async ? MBOX_MSG_CALL : 0, args->out_flags);
	for (i = 0; variant->files && i < 3; i++)
		EXPECT_EQ(0, close(self->fds[i]));
	EXPECT_EQ(variant->async || (variant->flags & MBOX_LEASE), !!args->out_token);
	if (args->out_token)
		EXPECT_EQ(0, num_finish(self->h, args->out_token, MBOX_FINISH_DONE));
	if (variant->async)
		EXPECT_EQ(0, num_recv_type(self->to, MBOX_SELECT_EQUAL, 99));
}

TEST_F_WALK(receive, g02_that_fails_leaves_it)
{
	struct walk w = {
		.nomem = variant->nomem,
		.fault = variant->fault - variant->made_good,
	};

	ASSERT_EQ(0, send_it(self, variant));
	ASSERT_EQ(0, num_send(self->h, 1, PRIORITY - 1, OTHER));
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		struct state there = state_of(self->to);

		if (INJECT(&w, receive_it(self)) < 0) {
			EXPECT_TRUE(mb_poisoned(&self->args));
			EXPECT_UNCHANGED(self->h, &before);
			EXPECT_UNCHANGED(self->to, &there);
		} else {
			looked_at(_metadata, self, variant);
			if (!(variant->flags & MBOX_PEEK))
				ASSERT_EQ(0, send_it(self, variant));
		}
	}
	EXPECT_EQ(OTHER, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
}

struct sender {
	RECEIVING *self;
	const RECEIVING_HOW *variant;
};

static void send_now(struct partner *p)
{
	struct sender *s = p->arg;

	p->ret = send_it(s->self, s->variant);
}

/* It was handed over already; it is queued like one for which nobody waited. */
TEST_F_WALK(receive, g02_that_waited_and_fails_leaves_it)
{
	struct walk w = {
		.nomem = variant->nomem,
		.fault = variant->fault,
		.late = variant->len ? 2 : 1,	/* the payload, and the header */
	};
	struct sender sender = { .self = self, .variant = variant };
	struct partner p = {
		.h = self->h,
		.waits = "mbox-waiting-receivers",
		.act = send_now,
		.arg = &sender,
	};

	self->args.flags = (self->args.flags & ~MBOX_WAIT_MASK) | MBOX_WAIT_FOREVER;
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		p.ret = -1;
		partner_start(&p);
		INJECT(&w, receive_it(self));
		partner_end(&p);
		if (w.ret < 0) {
			EXPECT_TRUE(mb_poisoned(&self->args));
			if (p.ret) {
				EXPECT_UNCHANGED(self->h, &before);
				continue;
			}
			walk_late(&w);
			EXPECT_EQ(before.stat.received, mb_stat_of(self->h).received);
			EXPECT_EQ(1, mb_messages(self->h));
			EXPECT_EQ(0, mb_stat_of(self->h).tokens);
			ASSERT_EQ(0, receive_it(self));
		}
		EXPECT_EQ(0, p.ret);
		looked_at(_metadata, self, variant);
		if (variant->flags & MBOX_PEEK) {
			self->args.flags &= ~MBOX_PEEK;
			EXPECT_EQ(0, receive_it(self));
			self->args.flags |= MBOX_PEEK;
		}
		EXPECT_PASSED(self->h, &before);
	}
}

static void second_comes(struct partner *p)
{
	struct peer *second = peer_recv(p->h);

	if (!peer_start(second) || !receivers_blocked(p->h, 2))
		abort();
	p->arg = second;
	p->ret = num_send(p->h, TYPE, PRIORITY, 4711);
}

TEST_F_WALK(receive, that_waited_and_fails_passes_it_on)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault, .late = 2 };
	struct partner p = { .h = self->h, .waits = "mbox-waiting-receivers", .act = second_comes };

	/* What it is makes no difference to who is next. */
	if (variant->files || variant->async || variant->len == LONG_LEN)
		return;
	self->args.flags = (self->args.flags & ~MBOX_WAIT_MASK) | MBOX_WAIT_FOREVER;
	if (!variant->pieces)
		self->args.len = sizeof(self->got);
	w.fault += !variant->len;
	w.fault -= variant->pieces ? PIECES - 1 : 0;
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		p.ret = -1;
		partner_start(&p);
		INJECT(&w, receive_it(self));
		partner_end(&p);
		if (p.ret) {
			EXPECT_GT(0, w.ret);
			EXPECT_UNCHANGED(self->h, &before);
			continue;
		}
		if (w.ret < 0) {
			walk_late(&w);
		} else if (!(variant->flags & MBOX_PEEK)) {
			EXPECT_EQ(4, self->args.out_len);
			EXPECT_EQ(0, self->args.out_token ?
				  num_finish(self->h, self->args.out_token, MBOX_FINISH_BACK) :
				  num_send(self->h, TYPE, 0, 4711));
		}
		EXPECT_EQ(4711, peer_number(p.arg));
		EXPECT_EQ(before.stat.messages, mb_messages(self->h));
	}
}

/* ---- read(2) ---- */

/* A call ends by it, files are closed; but not before it is certain. */
TEST_F_WALK(receive, by_read)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };
	int n = variant->pieces ? PIECES : 1;

	if (!variant->len || variant->flags & ~MBOX_LEASE)
		return;
	/* It has no struct and no header, no extension, and takes no files. */
	w.fault -= 2 + !!(self->args.flags & MBOX_EXT) + variant->files;
	if (!variant->pieces)
		self->iov[0].iov_len = variant->len;
	ASSERT_EQ(0, send_it(self, variant));
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		struct state there = state_of(self->to);
		ssize_t ret;

		ret = INJECT(&w, (readv(self->h, self->iov, n) < 0 ? -errno : 0));
		if (ret < 0) {
			EXPECT_UNCHANGED(self->h, &before);
			EXPECT_UNCHANGED(self->to, &there);
			continue;
		}
		EXPECT_EQ(0, memcmp(self->data, self->got, variant->len));
		EXPECT_EQ(0, mb_messages(self->h));
		EXPECT_EQ(0, mb_stat_of(self->h).calls);
		EXPECT_EQ(variant->async ? 0 : -EAGAIN, num_recv(self->to));
		ASSERT_EQ(0, send_it(self, variant));
	}
}

/* ---- refused for want of room ---- */

TEST_F_WALK(receive, that_has_no_room_leaves_it)
{
	struct walk w = { .fault = 2, .end = -EMSGSIZE };

	if (variant->pieces || (!variant->len && !variant->files))
		return;
	self->args.len -= !variant->files;
	self->ext.file_count = variant->files ? 2 : 0;
	ASSERT_EQ(0, send_it(self, variant));
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		if (INJECT(&w, receive_it(self)) == -EMSGSIZE) {
			EXPECT_EQ(variant->len, self->args.out_len);
			EXPECT_EQ(0, self->args.out_seq);
			EXPECT_EQ(variant->files ? 3 : 0, self->ext.out_file_count);
		} else {
			EXPECT_TRUE(mb_poisoned(&self->args));
		}
		EXPECT_UNCHANGED(self->h, &before);
	}
}

/* ---- a message whose sender was blocked ---- */

FIXTURE(blocked) {
	int h;			/* full */
	struct peer *sender;
};

FIXTURE_SETUP(blocked)
{
	MB_NEED_FAULTS();
	self->h = mb_create_small(1);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, num_send(self->h, 1, 0, OTHER));
}

FIXTURE_TEARDOWN(blocked)
{
	EXPECT_EQ(OTHER, num_recv(self->h));
	close(self->h);
}

/* It is as it was; or, once its message was in hand, that is queued. */
static void blocked_failed(struct __test_metadata *_metadata, BLOCKED *self,
			   const struct state *before, struct walk *w)
{
	if (waiting_senders(self->h)) {
		EXPECT_UNCHANGED(self->h, before);
		EXPECT_TRUE(!peer_done(self->sender));
		return;
	}
	walk_late(w);
	EXPECT_EQ(0, peer_join(self->sender));
	self->sender = NULL;
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(before->stat.sent + 1, mb_stat_of(self->h).sent);
	EXPECT_EQ(before->stat.received, mb_stat_of(self->h).received);
	EXPECT_EQ(4711, num_recv_type(self->h, MBOX_SELECT_EQUAL, TYPE));
}

TEST_F_WALK(blocked, sender_is_let_go_once_and_its_message_stays)
{
	struct walk w = { .fault = 3, .late = 2 };
	__u32 number;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.select = MBOX_SELECT_EQUAL,
		.type = TYPE,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};

	FAULT_EACH(&w) {
		struct state before;

		if (!self->sender) {
			self->sender = peer_send(self->h, TYPE, 0, 4711);
			ASSERT_TRUE(peer_blocks(self->sender));
		}
		before = state_of(self->h);
		if (INJECT(&w, mb_recv(self->h, &args)) < 0) {
			EXPECT_TRUE(mb_poisoned(&args));
			blocked_failed(_metadata, self, &before, &w);
		} else {
			EXPECT_EQ(4711, number);
			EXPECT_EQ(0, peer_join(self->sender));
			self->sender = NULL;
		}
	}
}

/* ---- descriptors for whose table there is no memory ---- */

FIXTURE(table) {
	int h;
	int pipe[2];
	struct walk *in_child;
};

FIXTURE_SETUP(table)
{
	MB_NEED_FAULTS();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	self->in_child = mmap(NULL, sizeof(*self->in_child), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->in_child);
}

FIXTURE_TEARDOWN(table)
{
	close(self->h);
	close(self->pipe[1]);
	EXPECT_TRUE(pipe_closed(self->pipe[0]));
}

/* The first of three files gets the last place of the table, which then must grow. */
static void receive_into_new_table(struct __test_metadata *_metadata, void *arg)
{
	TABLE *self = arg;
	struct walk *w = self->in_child;
	struct state before;
	struct files f;
	int i;

	ASSERT_TRUE(fault_open());
	while (dup(0) < 62)
		;
	before = state_of(self->h);
	files_init(&f, 3);
	mb_poison(&f.args);
	if (INJECT(w, mb_ioctl(self->h, MBOX_IOC_RECV, &f.args)) < 0) {
		EXPECT_TRUE(mb_poisoned(&f.args));
		EXPECT_UNCHANGED(self->h, &before);
		return;
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(63 + i, f.fds[i]);
}

TEST_F_WALK(table, that_cannot_grow_leaves_the_message)
{
	const int fds[] = { self->pipe[1], self->pipe[1], self->pipe[1] };
	struct walk w = { .nomem = 2, .fault = 4 };

	ASSERT_EQ(0, files_send(self->h, fds, 3));
	FAULT_EACH(&w) {
		*self->in_child = w;
		EXPECT_EQ(0, mb_wait(mb_fork(_metadata, receive_into_new_table, self)));
		w.tried = true;
		w.injected = self->in_child->injected;
		w.ret = self->in_child->ret;
		w.nomem_seen = self->in_child->nomem_seen;
		w.fault_seen = self->in_child->fault_seen;
		if (w.ret >= 0)
			ASSERT_EQ(0, files_send(self->h, fds, 3));
	}
}

TEST_HARNESS_MAIN
