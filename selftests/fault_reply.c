// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Answers in which an allocation or a user copy fails: the token is still there, and
 * who waits gets one answer, once it was given. In MBOX_IOC_REPLY_RECV, which does two
 * things, id tells which of them was done.
 */
#include "mbox_fault.h"

#define ANSWERING FIXTURE_DATA(answer)
#define ANSWERING_HOW FIXTURE_VARIANT(answer)
#define SERVING FIXTURE_DATA(server)
#define SERVING_HOW FIXTURE_VARIANT(server)

#define LONG_LEN	(3 * 4096 + 100)
#define PIECES		12
#define REQUEST		42
#define NEXT		43		/* what is received after the reply */
#define ID		99		/* of the asynchronous call */
#define CODE		7

FIXTURE(answer) {
	int h;
	int to;			/* where the reply goes */
	__u32 token;
	__u32 reply_max;	/* what is longer than a page is copied in another way */
	struct mbox_msg_args args;
	struct mbox_ext ext;
	struct iovec iov[PIECES];
	struct peer *caller;
	char data[LONG_LEN];
	char got[LONG_LEN];
};

FIXTURE_VARIANT(answer) {
	__u32 len;
	__u8 how;		/* MBOX_FINISH_* */
	bool pieces;
	bool caller;		/* waits for it; else a message comes of it */
	int nomem;
	int fault;
};

FIXTURE_VARIANT_ADD(answer, small) {
	.len = 5, .fault = 2,
};

FIXTURE_VARIANT_ADD(answer, empty) {
	.len = 0, .fault = 1,
};

FIXTURE_VARIANT_ADD(answer, long) {
	.len = LONG_LEN, .fault = 1 + 4,
};

FIXTURE_VARIANT_ADD(answer, in_pieces) {
	.len = 10 * PIECES, .pieces = true,
	.nomem = 1, .fault = 2 + (sizeof(long) > 4) + PIECES,
};

FIXTURE_VARIANT_ADD(answer, to_a_caller) {
	.len = 5, .caller = true, .fault = 2,
};

FIXTURE_VARIANT_ADD(answer, long_to_a_caller) {
	.len = LONG_LEN, .caller = true, .fault = 1 + 4,
};

FIXTURE_VARIANT_ADD(answer, refusal) {
	.how = MBOX_FINISH_FAIL, .fault = 1,
};

FIXTURE_VARIANT_ADD(answer, refusal_to_a_caller) {
	.how = MBOX_FINISH_FAIL, .caller = true, .fault = 1,
};

FIXTURE_VARIANT_ADD(answer, throwing_away) {
	.how = MBOX_FINISH_DONE, .fault = 1,
};

FIXTURE_VARIANT_ADD(answer, putting_back) {
	.how = MBOX_FINISH_BACK, .fault = 1,
};

FIXTURE_SETUP(answer)
{
	unsigned int i;

	MB_NEED_FAULTS();
	self->h = mb_create_anon();
	self->to = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_LE(0, self->to);
	for (i = 0; i < LONG_LEN; i++)
		self->data[i] = i % 251;
	for (i = 0; i < PIECES; i++)
		self->iov[i] = (struct iovec){ self->data + 10 * i, 10 };
	self->reply_max = variant->len;
	self->args.select = variant->how;
	if (variant->how == MBOX_FINISH_FAIL)
		self->args.type = CODE;
	if (variant->how != MBOX_FINISH_REPLY)
		return;
	self->args.buf = (unsigned long)self->data;
	self->args.len = variant->len;
	if (variant->pieces) {
		self->args.flags = MBOX_EXT;
		self->args.buf = 0;
		self->args.len = 0;
		self->args.ext = (unsigned long)&self->ext;
		self->ext.size = sizeof(self->ext);
		self->ext.iov = (unsigned long)self->iov;
		self->ext.iov_count = PIECES;
	}
}

FIXTURE_TEARDOWN(answer)
{
	EXPECT_TRUE(all_over(self->h));
	EXPECT_TRUE(all_over(self->to));
	close(self->h);
	close(self->to);
}

/* A request, of one who waits for the answer or not, that was received. */
static void ask(struct __test_metadata *_metadata, ANSWERING *self, bool waits)
{
	if (waits) {
		self->caller = peer_call(self->h, 0, 0, REQUEST);
		self->caller->args.reply_buf = (unsigned long)self->got;
		self->caller->args.reply_len = self->reply_max;
		ASSERT_TRUE(peer_calls(self->caller));
	} else {
		ASSERT_EQ(0, num_call_async(self->h, self->to, ID, self->reply_max, REQUEST));
	}
	memset(self->got, MB_POISON, sizeof(self->got));
	ASSERT_EQ(REQUEST, num_take(self->h, &self->token));
	self->args.id = self->token;
}

/* What who asked gets: the result, and the arguments with the header. */
static int answer_comes(ANSWERING *self, struct mbox_msg_args *args)
{
	int ret;

	*args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->got,
		.len = sizeof(self->got),
	};
	if (!self->caller)
		return mb_recv(self->to, args);
	ret = peer_join(self->caller);
	*args = self->caller->args;
	self->caller = NULL;
	return ret;
}

static void answered(struct __test_metadata *_metadata, ANSWERING *self,
		     const ANSWERING_HOW *variant)
{
	const bool fails = variant->how == MBOX_FINISH_FAIL;
	struct mbox_msg_args args;

	EXPECT_EQ(fails && variant->caller ? -EREMOTEIO : 0, answer_comes(self, &args));
	EXPECT_EQ(variant->len, args.out_len);
	EXPECT_EQ(0, memcmp(self->data, self->got, variant->len));
	EXPECT_EQ(MBOX_MSG_REPLY | (variant->how ? MBOX_MSG_FAILED : 0), args.out_flags);
	EXPECT_EQ(fails ? CODE : 0, args.out_code);
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token, MBOX_FINISH_DONE));
}

TEST_F_WALK(answer, g02_that_fails_leaves_the_token)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };

	ask(_metadata, self, variant->caller);
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		struct state there = state_of(self->to);

		if (INJECT(&w, mb_finish(self->h, &self->args)) < 0) {
			EXPECT_UNCHANGED(self->h, &before);
			EXPECT_UNCHANGED(self->to, &there);
			EXPECT_TRUE(!self->caller || !peer_done(self->caller));
		} else if (variant->how == MBOX_FINISH_BACK) {
			ASSERT_EQ(REQUEST, num_take(self->h, &self->token));
			self->args.id = self->token;
		} else {
			answered(_metadata, self, variant);
			ask(_metadata, self, variant->caller);
		}
		EXPECT_TRUE(mb_poisoned(&self->args));
	}
	/* Who still waits is not forgotten. */
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(variant->caller ? -ECONNRESET : 0,
		  variant->caller ? peer_join(self->caller) : num_recv(self->to));
}

/* ---- MBOX_IOC_REPLY_RECV ---- */

FIXTURE(server) {
	ANSWERING answer;
	struct partner p;
	__u32 next;
};

FIXTURE_VARIANT(server) {
	__u32 len;		/* of the reply */
	bool caller;
	bool waits;		/* for the next message */
	__u32 flags;
	int fault;		/* the struct, the reply, the next payload, its header */
	int made_good;		/* the last two, by a second try, if it is there already */
};

FIXTURE_VARIANT_ADD(server, small) {
	.len = 5, .fault = 4, .made_good = 2,
};

FIXTURE_VARIANT_ADD(server, long) {
	.len = LONG_LEN, .fault = 4 + 3, .made_good = 2,
};

FIXTURE_VARIANT_ADD(server, leasing) {
	.len = 5, .flags = MBOX_LEASE, .fault = 4,
};

FIXTURE_VARIANT_ADD(server, waiting) {
	.len = 5, .waits = true, .fault = 4,
};

FIXTURE_VARIANT_ADD(server, of_a_caller) {
	.len = LONG_LEN, .caller = true, .fault = 4 + 3, .made_good = 2,
};

FIXTURE_VARIANT_ADD(server, waiting_of_a_caller) {
	.len = 5, .caller = true, .waits = true, .fault = 4,
};

static void send_next(struct partner *p)
{
	p->ret = num_send(p->h, 0, 0, NEXT);
}

FIXTURE_SETUP(server)
{
	ANSWERING *answer = &self->answer;
	unsigned int i;

	MB_NEED_FAULTS();
	answer->h = mb_create_anon();
	answer->to = mb_create_anon();
	ASSERT_LE(0, answer->h);
	ASSERT_LE(0, answer->to);
	for (i = 0; i < LONG_LEN; i++)
		answer->data[i] = i % 251;
	answer->reply_max = LONG_LEN;
	answer->args = (struct mbox_msg_args){
		.flags = variant->flags,
		.buf = (unsigned long)&self->next,
		.len = sizeof(self->next),
		.reply_buf = (unsigned long)answer->data,
		.reply_len = variant->len,
	};
	self->p = (struct partner){
		.h = answer->h,
		.waits = "mbox-waiting-receivers",
		.act = send_next,
	};
}

FIXTURE_TEARDOWN(server)
{
	EXPECT_TRUE(all_over(self->answer.h));
	EXPECT_TRUE(all_over(self->answer.to));
	close(self->answer.h);
	close(self->answer.to);
}

static int serve(SERVING *self)
{
	return mb_reply_recv(self->answer.h, &self->answer.args);
}

/* The reply is out, once. */
static void replied(struct __test_metadata *_metadata, SERVING *self, __u32 len)
{
	ANSWERING *answer = &self->answer;
	struct mbox_msg_args args;

	EXPECT_EQ(0, answer_comes(answer, &args));
	EXPECT_EQ(len, args.out_len);
	EXPECT_EQ(0, memcmp(answer->data, answer->got, len));
	EXPECT_EQ(MBOX_MSG_REPLY, args.out_flags);
	EXPECT_EQ(-EAGAIN, num_recv(answer->to));
}

/* So is the next message in. */
static void next_came(struct __test_metadata *_metadata, SERVING *self)
{
	const struct mbox_msg_args *args = &self->answer.args;

	EXPECT_EQ(NEXT, self->next);
	EXPECT_EQ(1, args->out_deliveries);
	EXPECT_EQ(0, args->out_flags);
	EXPECT_EQ(!!(args->flags & MBOX_LEASE), !!args->out_token);
	EXPECT_EQ(0, args->out_token ? num_finish(self->answer.h, args->out_token,
						  MBOX_FINISH_DONE) : 0);
}

static void begin_service(struct __test_metadata *_metadata, SERVING *self,
			  const SERVING_HOW *variant)
{
	ask(_metadata, &self->answer, variant->caller);
	self->p.ret = 0;
	if (!variant->waits)
		ASSERT_EQ(0, num_send(self->answer.h, 0, 0, NEXT));
}

static long serve_injected(SERVING *self, struct walk *w, bool waits)
{
	self->p.ret = waits ? -1 : 0;
	if (waits)
		partner_start(&self->p);
	INJECT(w, serve(self));
	if (waits)
		partner_end(&self->p);
	return w->ret;
}

TEST_F_WALK(server, repeats_what_was_not_done)
{
	ANSWERING *answer = &self->answer;
	struct walk w = {
		.fault = variant->fault - variant->made_good,
		.late = 2 - variant->made_good,
	};

	begin_service(_metadata, self, variant);
	FAULT_EACH(&w) {
		struct state before = state_of(answer->h);
		struct state there = state_of(answer->to);
		long ret = serve_injected(self, &w, variant->waits);

		if (ret < 0)
			EXPECT_TRUE(mb_poisoned(&answer->args));
		if (answer->args.id) {
			EXPECT_EQ(answer->token, answer->args.id);
			EXPECT_EQ(-EFAULT, ret);
			EXPECT_UNCHANGED(answer->h, &before);
			EXPECT_UNCHANGED(answer->to, &there);
			continue;
		}
		replied(_metadata, self, variant->len);
		EXPECT_EQ(0, self->p.ret);
		if (ret < 0) {
			walk_late(&w);
			EXPECT_EQ(1, mb_messages(answer->h));
			EXPECT_EQ(0, mb_stat_of(answer->h).tokens);
			EXPECT_EQ(0, serve(self));
		}
		next_came(_metadata, self);
		begin_service(_metadata, self, variant);
	}
	self->p.ret = variant->waits ? num_send(answer->h, 0, 0, NEXT) : 0;
	EXPECT_EQ(0, serve(self));
	replied(_metadata, self, variant->len);
	next_came(_metadata, self);
}

TEST_HARNESS_MAIN
