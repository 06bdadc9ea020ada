// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Batches in which an allocation or a user copy fails: what was done before is done
 * and counted, of the rest nothing is left, and nothing is missing.
 */
#include "mbox_fault.h"

#define BATCH FIXTURE_DATA(batch)
#define BATCH_HOW FIXTURE_VARIANT(batch)

#define MANY		70	/* more than pass under one hold of the lock */
#define LONG_LEN	5000
#define PIECES		12	/* more than the kernel takes on its stack */

FIXTURE(batch) {
	int h;
	int pipe[2];
	struct mbox_msg_args args[MANY];
	struct mbox_ext ext[MANY];
	struct iovec iov[MANY][PIECES];
	int fds[MANY];
	char data[MANY][LONG_LEN];
};

FIXTURE_VARIANT(batch) {
	int n;
	__u32 len;
	bool files;		/* each has one */
	bool pieces;
	__u32 flags;		/* of the receives */
	int send_nomem;		/* as long as none was sent */
	int send_fault;
	int send_some;		/* so many ways to send some */
	int recv_nomem;
	int recv_fault;
	int recv_some;
	int made_good;		/* of the steps of each receive, by a second try */
};

/* Each message but the first: memory for it, its struct, its payload; header. */
FIXTURE_VARIANT_ADD(batch, few) {
	.n = 4, .len = 10,
	.send_nomem = 1, .send_fault = 1 + 2, .send_some = 3 * 3,
	.recv_fault = 1 + 3, .recv_some = 3 * 3, .made_good = 2,
};

FIXTURE_VARIANT_ADD(batch, leased) {
	.n = 4, .len = 10, .flags = MBOX_LEASE,
	.send_nomem = 1, .send_fault = 1 + 2, .send_some = 3 * 3,
	.recv_fault = 1 + 3, .recv_some = 3 * 3,
};

/* A page more: the array, the pages. */
FIXTURE_VARIANT_ADD(batch, long) {
	.n = 3, .len = LONG_LEN,
	.send_nomem = 4, .send_fault = 1 + 3, .send_some = 2 * 7,
	.recv_fault = 1 + 4, .recv_some = 2 * 4,
};

/* The extension, the descriptor. */
FIXTURE_VARIANT_ADD(batch, files) {
	.n = 3, .len = 10, .files = true,
	.send_nomem = 2, .send_fault = 1 + 4, .send_some = 2 * 6,
	.recv_fault = 1 + 5, .recv_some = 2 * 5,
};

/* The extension, the array; of the pieces nothing is known here. */
FIXTURE_VARIANT_ADD(batch, in_pieces) {
	.n = 3, .len = 10 * PIECES, .pieces = true,
	.send_nomem = 2, .send_fault = 1 + 3, .send_some = 2 * 5,
	.recv_nomem = 1, .recv_fault = 1 + 4, .recv_some = 2 * 5,
};

/* Some of so many are hidden by others' steps. */
FIXTURE_VARIANT_ADD(batch, many) {
	.n = MANY, .len = 10,
	.send_nomem = 1, .send_fault = 1 + 2, .send_some = MANY * 5 / 2,
	.recv_fault = 1 + 3, .recv_some = MANY * 5 / 2, .made_good = 2,
};

/* Where the payload of an entry is, or goes. */
static void buffer_set(BATCH *self, const BATCH_HOW *variant, int i, char *buf)
{
	int j;

	if (!variant->pieces) {
		self->args[i].buf = (unsigned long)buf;
		self->args[i].len = variant->len;
		return;
	}
	for (j = 0; j < PIECES; j++)
		self->iov[i][j] = (struct iovec){ buf + 10 * j, 10 };
	self->ext[i].iov = (unsigned long)self->iov[i];
	self->ext[i].iov_count = PIECES;
}

FIXTURE_SETUP(batch)
{
	int i;

	MB_NEED_FAULTS();
	self->h = mb_create_small(2 * MANY);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	for (i = 0; i < variant->n; i++) {
		memset(self->data[i], 'a' + i % 20, LONG_LEN);
		self->args[i] = (struct mbox_msg_args){
			.flags = MBOX_WAIT_NONE,
		};
		self->fds[i] = self->pipe[1];
		self->ext[i].size = sizeof(struct mbox_ext);
		if (variant->files) {
			self->ext[i].files = (unsigned long)&self->fds[i];
			self->ext[i].file_count = 1;
		}
		if (variant->files || variant->pieces) {
			self->args[i].flags |= MBOX_EXT;
			self->args[i].ext = (unsigned long)&self->ext[i];
		}
		buffer_set(self, variant, i, self->data[i]);
	}
}

FIXTURE_TEARDOWN(batch)
{
	close(self->h);
	close(self->pipe[1]);
	EXPECT_TRUE(pipe_closed(self->pipe[0]));
}

static int batch(BATCH *self, unsigned long cmd, int n)
{
	struct mbox_batch_args args = {
		.msgs = (unsigned long)self->args,
		.count = n,
	};

	return mb_ioctl(self->h, cmd, &args);
}

/* The first @n, as they were sent, and no others. */
static void there_are(struct __test_metadata *_metadata, BATCH *self,
		      const BATCH_HOW *variant, int n)
{
	static char got[LONG_LEN];
	struct files f;
	int i;

	EXPECT_EQ(n, mb_messages(self->h));
	for (i = 0; i < n; i++) {
		files_init(&f, 1);
		f.args.buf = (unsigned long)got;
		f.args.len = sizeof(got);
		ASSERT_EQ(0, mb_recv(self->h, &f.args));
		EXPECT_EQ(variant->len, f.args.out_len);
		EXPECT_EQ(0, memcmp(got, self->data[i], variant->len));
		EXPECT_EQ(variant->files, f.ext.out_file_count);
		if (variant->files)
			EXPECT_EQ(0, close(f.fds[0]));
	}
}

TEST_F_WALK(batch, g02_that_fails_midway_has_sent_what_it_says)
{
	struct walk w = {
		.nomem = variant->send_nomem,
		.fault = variant->send_fault,
		.late = variant->send_some,
	};

	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		int n = INJECT(&w, batch(self, MBOX_IOC_SENDV, variant->n));

		if (!w.injected)
			EXPECT_EQ(variant->n, n);
		if (n > 0 && n < variant->n)
			walk_late(&w);
		n = n < 0 ? 0 : n;
		there_are(_metadata, self, variant, n);
		before.stat.sent += n;
		before.stat.received += n;
		EXPECT_UNCHANGED(self->h, &before);
	}
}

/* Where the receives of a batch write to. */
static void receives_init(BATCH *self, const BATCH_HOW *variant,
			  char got[][LONG_LEN])
{
	int i;

	for (i = 0; i < variant->n; i++) {
		self->args[i].flags |= variant->flags;
		buffer_set(self, variant, i, got[i]);
		mb_poison(&self->args[i]);
	}
}

static void received(struct __test_metadata *_metadata, BATCH *self,
		     const BATCH_HOW *variant, int i, const char *got)
{
	const struct mbox_msg_args *args = &self->args[i];

	EXPECT_EQ(variant->len, args->out_len);
	EXPECT_EQ(0, memcmp(got, self->data[i], variant->len));
	EXPECT_EQ(0, args->out_flags);
	EXPECT_EQ(1, args->out_deliveries);
	EXPECT_EQ(!!variant->flags, !!args->out_token);
	if (args->out_token)
		EXPECT_EQ(0, num_finish(self->h, args->out_token, MBOX_FINISH_DONE));
	if (variant->files) {
		EXPECT_EQ(0, close(self->fds[i]));
		self->fds[i] = self->pipe[1];
	}
}

TEST_F_WALK(batch, g02_that_fails_midway_has_received_what_it_says)
{
	static char got[MANY][LONG_LEN];
	struct walk w = {
		.nomem = variant->recv_nomem,
		.fault = variant->recv_fault - variant->made_good,
		.late = variant->recv_some - variant->made_good * (variant->n - 1),
	};
	struct mbox_msg_args sends[MANY];
	int i;

	memcpy(sends, self->args, sizeof(sends));
	ASSERT_EQ(variant->n, batch(self, MBOX_IOC_SENDV, variant->n));
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		int n;

		receives_init(self, variant, got);
		n = INJECT(&w, batch(self, MBOX_IOC_RECVV, variant->n));
		if (!w.injected)
			EXPECT_EQ(variant->n, n);
		if (n < 0)
			EXPECT_UNCHANGED(self->h, &before);
		if (n > 0 && n < variant->n)
			walk_late(&w);
		n = n < 0 ? 0 : n;
		for (i = 0; i < n; i++)
			received(_metadata, self, variant, i, got[i]);
		/* The rest is still there, in order, and comes in the next round. */
		for (; i < variant->n; i++) {
			EXPECT_TRUE(mb_poisoned(&self->args[i]));
			self->fds[i] = self->pipe[1];
		}
		if (!n)
			continue;
		receives_init(self, variant, got);
		memmove(self->args, self->args + n, (variant->n - n) * sizeof(*self->args));
		if (n < variant->n)
			EXPECT_EQ(variant->n - n, batch(self, MBOX_IOC_RECVV, variant->n - n));
		memmove(self->args + n, self->args, (variant->n - n) * sizeof(*self->args));
		for (i = n; i < variant->n; i++)
			received(_metadata, self, variant, i, got[i]);
		EXPECT_EQ(0, mb_messages(self->h));
		memcpy(self->args, sends, sizeof(sends));
		for (i = 0; i < variant->n; i++)
			buffer_set(self, variant, i, self->data[i]);
		ASSERT_EQ(variant->n, batch(self, MBOX_IOC_SENDV, variant->n));
	}
}

/* ---- the first one waits ---- */

static void take_one(struct partner *p)
{
	p->ret = num_recv_type(p->h, MBOX_SELECT_EQUAL, 1);
}

TEST_F_WALK(batch, whose_first_waits_for_room)
{
	struct walk w = { .nomem = variant->send_nomem, .fault = variant->send_fault };
	struct partner p = {
		.h = self->h, .waits = "mbox-waiting-senders", .act = take_one,
	};

	if (variant->n == MANY)
		return;
	ASSERT_EQ(0, mb_set_max_messages(self->h, 1));
	self->args[0].flags = (self->args[0].flags & ~MBOX_WAIT_MASK) | MBOX_WAIT_FOREVER;
	FAULT_EACH(&w) {
		__u64 bytes = user_bytes();
		struct state before;

		ASSERT_EQ(0, num_send(self->h, 1, 9, 100));
		before = state_of(self->h);
		p.ret = -1;
		partner_start(&p);
		INJECT(&w, batch(self, MBOX_IOC_SENDV, variant->n));
		partner_end(&p);
		if (w.ret < 0) {
			EXPECT_EQ(-1, p.ret);
			EXPECT_UNCHANGED(self->h, &before);
			EXPECT_EQ(100, num_recv(self->h));
		} else {
			EXPECT_EQ(1, w.ret);
			EXPECT_EQ(100, p.ret);
			there_are(_metadata, self, variant, 1);
		}
		EXPECT_EQ(before.query.user_files, user_files());
		EXPECT_EQ(bytes, user_bytes());
	}
}

static void send_four(struct partner *p)
{
	struct peer *second = peer_recv(p->h);

	if (!peer_start(second) || !receivers_blocked(p->h, 2))
		abort();
	p->arg = second;
	p->ret = num_send(p->h, 0, 0, 4711);
}

/* Who comes after gets what the batch could not take. */
TEST_F_WALK(batch, whose_first_waits_and_fails_passes_it_on)
{
	struct walk w = {
		.nomem = variant->recv_nomem, .fault = variant->recv_fault, .late = 2,
	};
	static char got[MANY][LONG_LEN];
	struct partner p = {
		.h = self->h, .waits = "mbox-waiting-receivers", .act = send_four,
	};

	if (variant->len != 10 || variant->n == MANY || variant->files)
		return;
	receives_init(self, variant, got);
	self->args[0].flags = (self->args[0].flags & ~MBOX_WAIT_MASK) | MBOX_WAIT_FOREVER;
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		p.ret = -1;
		partner_start(&p);
		INJECT(&w, batch(self, MBOX_IOC_RECVV, variant->n));
		partner_end(&p);
		if (p.ret) {
			EXPECT_GT(0, w.ret);
			EXPECT_UNCHANGED(self->h, &before);
			continue;
		}
		if (w.ret < 0) {
			walk_late(&w);
		} else {
			EXPECT_EQ(1, w.ret);
			EXPECT_EQ(0, !variant->flags ? num_send(self->h, 0, 0, 4711) :
				  num_finish(self->h, self->args[0].out_token,
					     MBOX_FINISH_BACK));
		}
		EXPECT_EQ(4711, peer_number(p.arg));
		EXPECT_TRUE(all_over(self->h));
	}
}

/* ---- a user who has no account yet ---- */

FIXTURE(stranger) {
	int h;
};

FIXTURE_SETUP(stranger)
{
	MB_NEED_FAULTS();
	self->h = mb_create_small(2);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(stranger)
{
	close(self->h);
}

static void send_as_stranger(struct __test_metadata *_metadata, void *arg)
{
	const int h = *(int *)arg;
	struct mbox_msg_args msg = { .flags = MBOX_WAIT_NONE };
	struct mbox_batch_args args = { .msgs = (unsigned long)&msg, .count = 1 };
	struct walk w = { .nomem = 1 + 1, .fault = 2 };
	char byte;

	FAULT_EACH(&w) {
		struct state before = state_of(h);

		if (INJECT(&w, mb_ioctl(h, MBOX_IOC_SENDV, &args)) < 0) {
			EXPECT_UNCHANGED(h, &before);
		} else {
			EXPECT_EQ(0, mb_get(h, &byte, 1));
			EXPECT_PASSED(h, &before);
		}
	}
}

TEST_F_WALK(stranger, leaves_no_account)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, send_as_stranger, &self->h));
}

TEST_HARNESS_MAIN
