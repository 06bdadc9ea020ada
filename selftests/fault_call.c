// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Calls and synchronous sends in which an allocation or a user copy fails: before the
 * request is out nothing is left; after that the call can be resumed, and its reply is
 * got once. And what their callers see of receives that fail.
 */
#include "mbox_fault.h"

#define CALLING FIXTURE_DATA(call)
#define CALLING_HOW FIXTURE_VARIANT(call)
#define WAITING FIXTURE_DATA(waiting)
#define WAITING_HOW FIXTURE_VARIANT(waiting)

#define LONG_LEN	(3 * 4096 + 100)
#define PIECES		12
#define TYPE		77
#define CODE		99

FIXTURE(call) {
	int h;			/* the server's */
	int c;			/* the caller's */
	int pipe[2];
	struct mbox_msg_args args;
	struct mbox_ext ext;
	struct iovec iov[PIECES];
	char data[LONG_LEN];	/* the request, and the reply */
	char got[LONG_LEN];
};

FIXTURE_VARIANT(call) {
	__u32 len;
	__u32 reply_len;
	bool pieces;
	bool files;
	bool full;		/* the mailbox: the caller waits for room */
	bool refused;		/* by the server, with a code */
	int nomem;		/* the message, the call, the slot */
	int fault;		/* the struct, the payload; reply and header */
	int late;		/* of which with a reply at hand */
};

FIXTURE_VARIANT_ADD(call, small) {
	.len = 5, .reply_len = 8, .nomem = 3, .fault = 2 + 2, .late = 2,
};

FIXTURE_VARIANT_ADD(call, without_payloads) {
	.nomem = 3, .fault = 1 + 1, .late = 1,
};

FIXTURE_VARIANT_ADD(call, long) {
	.len = LONG_LEN, .reply_len = LONG_LEN,
	.nomem = 3 + 5 + 5, .fault = 1 + 4 + 4 + 1, .late = 4 + 1,
};

FIXTURE_VARIANT_ADD(call, in_pieces_with_files) {
	.len = 10 * PIECES, .reply_len = 8, .pieces = true, .files = true,
	.nomem = 3 + 2, .fault = 2 + (sizeof(long) > 4) + 1 + PIECES + 2, .late = 2,
};

FIXTURE_VARIANT_ADD(call, blocked) {
	.len = 5, .reply_len = 8, .full = true, .nomem = 3, .fault = 2 + 2, .late = 2,
};

FIXTURE_VARIANT_ADD(call, refused) {
	.len = 5, .reply_len = 8, .refused = true, .nomem = 3, .fault = 2 + 1, .late = 1,
};

FIXTURE_SETUP(call)
{
	unsigned int i;

	MB_NEED_FAULTS();
	self->h = mb_create_small(2);
	self->c = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->c);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	if (variant->full) {
		ASSERT_EQ(0, num_send(self->h, 1, 9, 100));
		ASSERT_EQ(0, num_send(self->h, 1, 9, 100));
	}
	for (i = 0; i < LONG_LEN; i++)
		self->data[i] = i % 251;
	for (i = 0; i < PIECES; i++)
		self->iov[i] = (struct iovec){ self->data + 10 * i, 10 };
	self->ext.size = sizeof(self->ext);
	self->args = (struct mbox_msg_args){
		.type = TYPE,
		.buf = (unsigned long)self->data,
		.len = variant->len,
		.reply_buf = (unsigned long)self->got,
		.reply_len = variant->reply_len,
	};
	if (variant->pieces || variant->files) {
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
		self->ext.files = (unsigned long)&self->pipe[1];
		self->ext.file_count = 1;
	}
}

FIXTURE_TEARDOWN(call)
{
	close(self->c);
	close(self->h);
	close(self->pipe[1]);
	EXPECT_TRUE(pipe_closed(self->pipe[0]));
	close(self->pipe[0]);
}

struct server {
	CALLING *self;
	const CALLING_HOW *variant;
	char got[LONG_LEN];
};

/* Take the request and answer it. The result is 0 if it came whole. */
static void serve(struct partner *p)
{
	struct server *server = p->arg;
	const CALLING_HOW *variant = server->variant;
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_EQUAL,
		.type = TYPE,
		.buf = (unsigned long)server->got,
		.len = sizeof(server->got),
	};
	struct mbox_msg_args reply = {
		.buf = (unsigned long)server->self->data,
		.len = variant->reply_len,
	};

	p->ret = mb_recv(p->h, &args);
	if (p->ret)
		return;
	reply.id = args.out_token;
	p->ret = variant->refused ? num_fail(p->h, args.out_token, CODE) :
				    mb_finish(p->h, &reply);
	if (args.out_len != variant->len || args.out_reply_max != variant->reply_len ||
	    memcmp(server->got, server->self->data, variant->len))
		p->ret = -EILSEQ;
}

static int call_it(CALLING *self)
{
	memset(self->got, MB_POISON, sizeof(self->got));
	return mb_call(self->c, &self->args);
}

/* The end of a call: what the server said. */
static void answered(struct __test_metadata *_metadata, CALLING *self,
		     const CALLING_HOW *variant, int ret)
{
	const struct mbox_msg_args *args = &self->args;

	EXPECT_EQ(variant->refused ? -EREMOTEIO : 0, ret);
	EXPECT_EQ(variant->refused ? MBOX_MSG_REPLY | MBOX_MSG_FAILED : MBOX_MSG_REPLY,
		  args->out_flags);
	EXPECT_EQ(variant->refused ? CODE : 0, args->out_code);
	EXPECT_EQ(variant->refused ? 0 : variant->reply_len, args->out_len);
	EXPECT_EQ(0, memcmp(self->got, self->data, args->out_len));
	EXPECT_EQ(getpid(), args->out_pid);
	EXPECT_EQ(0, args->id);
}

TEST_F_WALK(call, g02_that_fails_leaves_nothing_or_is_resumed)
{
	static struct server server;
	struct walk w = {
		.nomem = variant->nomem,
		.fault = variant->fault,
		.late = variant->late,
		.end = variant->refused ? -EREMOTEIO : 0,
	};
	struct partner p = {
		.h = self->h, .waits = "mbox-calls", .act = serve, .arg = &server,
	};

	server.self = self;
	server.variant = variant;
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		int ret;

		p.ret = -1;
		partner_start(&p);
		ret = INJECT(&w, call_it(self));
		partner_end(&p);
		if (p.ret == -1) {
			EXPECT_TRUE(mb_poisoned(&self->args));
			EXPECT_EQ(0, self->args.id);
			EXPECT_UNCHANGED(self->h, &before);
			continue;
		}
		EXPECT_EQ(0, p.ret);
		if (ret == -EFAULT) {
			walk_late(&w);
			EXPECT_TRUE(mb_poisoned(&self->args));
			ASSERT_NE(0, self->args.id);
			ret = call_it(self);
			self->args.id = 0;
		}
		answered(_metadata, self, variant, ret);
		EXPECT_PASSED(self->h, &before);
	}
}

/* A call that is over, but whose caller could not be told. */
static void leave_call(struct __test_metadata *_metadata, CALLING *self,
		       const CALLING_HOW *variant)
{
	static struct server server;
	struct partner p = {
		.h = self->h, .waits = "mbox-calls", .act = serve, .arg = &server,
	};
	int ret;

	server.self = self;
	server.variant = variant;
	self->args.id = 0;
	self->args.reply_buf = 0;
	partner_start(&p);
	ret = call_it(self);
	partner_end(&p);
	self->args.reply_buf = (unsigned long)self->got;
	ASSERT_EQ(-EFAULT, ret);
	ASSERT_NE(0, self->args.id);
}

TEST_F_WALK(call, whose_reply_cannot_be_copied_stays_to_be_resumed)
{
	struct walk w = { .fault = 1 + variant->late };

	if (!variant->reply_len || variant->refused)
		return;
	leave_call(_metadata, self, variant);
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		__u64 id = self->args.id;

		if (INJECT(&w, call_it(self)) < 0) {
			EXPECT_TRUE(mb_poisoned(&self->args));
			EXPECT_NE(0, self->args.id);
			EXPECT_UNCHANGED(self->h, &before);
			continue;
		}
		/* It is not written where there is nothing to resume. */
		EXPECT_EQ(id, self->args.id);
		self->args.id = 0;
		answered(_metadata, self, variant, 0);
		leave_call(_metadata, self, variant);
	}
	EXPECT_EQ(0, mb_abandon(self->c, self->args.id));
}

TEST_F_WALK(call, that_cannot_be_abandoned_now_is_abandoned_later)
{
	struct walk w = { .fault = 1 };
	struct state before = state_of(self->h);

	if (!variant->reply_len || variant->refused)
		return;
	leave_call(_metadata, self, variant);
	FAULT_EACH(&w) {
		struct state left = state_of(self->h);

		if (INJECT(&w, mb_abandon(self->c, self->args.id)) < 0) {
			EXPECT_UNCHANGED(self->h, &left);
			continue;
		}
		EXPECT_PASSED(self->h, &before);
		EXPECT_EQ(-ESRCH, mb_abandon(self->c, self->args.id));
		leave_call(_metadata, self, variant);
	}
	EXPECT_EQ(0, mb_abandon(self->c, self->args.id));
	EXPECT_EQ(before.query.user_bytes, user_bytes());
}

/* ---- rendezvous ---- */

static void take(struct partner *p)
{
	p->ret = num_recv_type(p->h, MBOX_SELECT_EQUAL, TYPE);
}

TEST_F_WALK(call, that_is_a_synchronous_send)
{
	struct walk w = { .nomem = 2, .fault = 2 };
	struct partner p = { .h = self->h, .waits = "mbox-calls", .act = take };
	__u32 number = 4711;
	struct mbox_msg_args args = {
		.flags = MBOX_SYNC,
		.type = TYPE,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};

	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		p.ret = -1;
		partner_start(&p);
		INJECT(&w, mb_send(self->c, &args));
		partner_end(&p);
		EXPECT_TRUE(mb_poisoned(&args));
		EXPECT_EQ(0, args.id);
		if (w.ret < 0) {
			EXPECT_EQ(-1, p.ret);
			EXPECT_UNCHANGED(self->h, &before);
		} else {
			EXPECT_EQ(4711, p.ret);
			EXPECT_PASSED(self->h, &before);
		}
	}
}

/* ---- what callers see of a receive that fails ---- */

FIXTURE(waiting) {
	int h;
	struct peer *p;
	__u32 number;
	struct mbox_msg_args args;
};

FIXTURE_VARIANT(waiting) {
	bool sync;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(waiting, caller) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(waiting, caller_whose_request_is_leased) {
	.flags = MBOX_LEASE,
};

FIXTURE_VARIANT_ADD(waiting, sender) {
	.sync = true,
};

FIXTURE_VARIANT_ADD(waiting, sender_whose_message_is_leased) {
	.sync = true, .flags = MBOX_LEASE,
};

FIXTURE_SETUP(waiting)
{
	MB_NEED_FAULTS();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE | variant->flags,
		.buf = (unsigned long)&self->number,
		.len = sizeof(self->number),
	};
}

FIXTURE_TEARDOWN(waiting)
{
	EXPECT_TRUE(all_over(self->h));
	close(self->h);
}

static void received(struct __test_metadata *_metadata, WAITING *self,
		     const WAITING_HOW *variant)
{
	__u32 token = self->args.out_token;

	EXPECT_EQ(4711, self->number);
	EXPECT_EQ(1, self->args.out_deliveries);
	EXPECT_EQ(variant->sync ? 0 : MBOX_MSG_CALL, self->args.out_flags);
	if (variant->sync) {
		EXPECT_EQ(0, peer_join(self->p));
		EXPECT_EQ(0, token ? num_finish(self->h, token, MBOX_FINISH_DONE) : 0);
	} else {
		EXPECT_EQ(0, num_reply(self->h, token, 4242));
		EXPECT_EQ(4242, peer_reply(self->p));
	}
	self->p = NULL;
}

TEST_F_WALK(waiting, does_not_see_a_receive_that_fails)
{
	struct walk w = { .fault = 3 };

	FAULT_EACH(&w) {
		struct state before;

		if (!self->p) {
			self->p = variant->sync ? peer_sync(self->h, TYPE, 0, 4711) :
						  peer_call(self->h, TYPE, 0, 4711);
			ASSERT_TRUE(peer_calls(self->p));
		}
		before = state_of(self->h);
		if (INJECT(&w, mb_recv(self->h, &self->args)) < 0) {
			EXPECT_TRUE(mb_poisoned(&self->args));
			EXPECT_TRUE(!peer_done(self->p));
			EXPECT_UNCHANGED(self->h, &before);
		} else {
			received(_metadata, self, variant);
		}
	}
}

TEST_HARNESS_MAIN
