// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Many conversations at once, with deadlines that come at any moment and servers
 * that do anything with what they get: each side is told the truth (G3, G6), and
 * in the end nothing is left (G10).
 */
#include "mbox_call.h"

#define CALLERS	6
#define SERVERS	3
#define ROUNDS	600
#define HELD	4		/* tokens that a server holds at a time, at most */

enum { CALL, SYNC, ASYNC, STOP };	/* types of messages */

struct tally {
	int replied, refused;		/* what servers were told is done */
	int got_reply, got_refusal;	/* what callers were told */
	int sent_async, got_async;
	int got_async_reply, got_async_refusal;
	int sync_returned, sync_received;
	int wrong;
};

static void count(int *n)
{
	__atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}

struct talkers {
	int r, s;		/* a mailbox for four messages, by its ends */
	int q;			/* one for three replies */
	struct tally tally;
};

FIXTURE(crowd) {
	struct talkers t;
	__u64 user_bytes;
};

FIXTURE_SETUP(crowd)
{
	MB_NEED_DEVICE();
	memset(&self->t, 0, sizeof(self->t));
	ASSERT_EQ(0, mb_create_ends(4, &self->t.r, &self->t.s));
	self->t.q = mb_create_small(3);
	ASSERT_LE(0, self->t.q);
	self->user_bytes = user_bytes();
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->t.r);
	close(self->t.s);
	close(self->t.q);
}

/* ---- callers ---- */

/* Some of them past, some far off; most about when something happens. */
static void choose_deadline(struct mbox_msg_args *args, unsigned int *seed)
{
	args->flags &= ~MBOX_WAIT_MASK;
	args->flags |= MBOX_WAIT_UNTIL;
	args->deadline = mb_in(rand_r(seed) % 8 ? rand_r(seed) % 2000000 :
						   50 * NSEC_PER_MSEC);
}

static void call_once(struct talkers *t, struct mbox_msg_args *args,
		      __u32 number)
{
	__u32 reply = 0;
	int ret;

	args->reply_buf = (unsigned long)&reply;
	args->reply_len = sizeof(reply);
	ret = mb_call(t->s, args);
	if (!ret && reply == ~number)
		count(&t->tally.got_reply);
	else if (ret == -EREMOTEIO && args->out_code == number)
		count(&t->tally.got_refusal);
	else if (ret != -ETIMEDOUT && ret != -ECONNRESET)
		count(&t->tally.wrong);
}

static void send_once(struct talkers *t, struct mbox_msg_args *args)
{
	int ret;

	args->flags |= MBOX_SYNC;
	ret = mb_send(t->s, args);
	if (!ret)
		count(&t->tally.sync_returned);
	else if (ret != -ETIMEDOUT)
		count(&t->tally.wrong);
}

static void call_async_once(struct talkers *t, struct mbox_msg_args *args,
			    __u32 number)
{
	struct mbox_ext ext = { .reply_to = t->q };
	int ret;

	args->flags |= MBOX_REPLY_TO;
	args->id = number;
	args->reply_len = sizeof(number);
	ret = mb_ext(t->s, MBOX_IOC_SEND, args, &ext);
	if (!ret)
		count(&t->tally.sent_async);
	else if (ret != -ETIMEDOUT && ret != -ENOBUFS)
		count(&t->tally.wrong);
}

static long converses(struct peer *p)
{
	struct talkers *t = p->arg;
	unsigned int seed = p->args.id;
	__u32 number = p->args.priority * ROUNDS + 1, end = number + ROUNDS;

	for (; number < end; number++) {
		struct mbox_msg_args args = {
			.type = rand_r(&seed) % 3,
			.priority = rand_r(&seed) % 3,
			.buf = (unsigned long)&number,
			.len = sizeof(number),
		};

		choose_deadline(&args, &seed);
		if (args.type == CALL)
			call_once(t, &args, number);
		else if (args.type == SYNC)
			send_once(t, &args);
		else
			call_async_once(t, &args, number);
	}
	return 0;
}

/* Takes the ends of asynchronous calls, until nobody sends any more. */
static long collects(struct peer *p)
{
	struct talkers *t = p->arg;
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	__u32 reply;
	int ret;

	args.buf = (unsigned long)&reply;
	args.len = sizeof(reply);
	while (!(ret = mb_recv(t->q, &args))) {
		if (args.out_type == ~0ULL)
			return 0;
		count(&t->tally.got_async);
		if (!(args.out_flags & MBOX_MSG_FAILED) &&
		    reply == ~(__u32)args.out_type)
			count(&t->tally.got_async_reply);
		else if (args.out_code == args.out_type)
			count(&t->tally.got_async_refusal);
		else if (args.out_code || !(args.out_flags & MBOX_MSG_FAILED))
			count(&t->tally.wrong);
	}
	return ret;
}

/* ---- servers ---- */

struct held {
	__u32 token, number;
	bool call;
};

static void finish_one(struct talkers *t, const struct held *held,
		       unsigned int *seed)
{
	int how = rand_r(seed) % 8, ret;

	if (!held->call || how < 2) {
		ret = num_finish(t->r, held->token, how % 2 ?
				 MBOX_FINISH_BACK : MBOX_FINISH_DONE);
		if (ret)
			count(&t->tally.wrong);
		return;
	}
	if (how == 2) {
		ret = num_fail(t->r, held->token, held->number);
		if (!ret)
			count(&t->tally.refused);
	} else {
		ret = num_reply(t->r, held->token, ~held->number);
		if (!ret)
			count(&t->tally.replied);
	}
	if (ret && ret != -EPIPE)
		count(&t->tally.wrong);
}

/* Take one more; who holds some may keep all from going on, and waits not long. */
static int take_one(struct talkers *t, struct held *held, bool holds_some,
		    unsigned int *seed)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	int ret;

	if (holds_some) {
		args.flags = MBOX_WAIT_UNTIL;
		args.deadline = mb_in(NSEC_PER_MSEC);
	}
	if (rand_r(seed) % 2)
		args.flags |= MBOX_LEASE;
	args.buf = (unsigned long)&held->number;
	args.len = sizeof(held->number);
	ret = mb_recv(t->r, &args);
	if (ret)
		return ret;
	if (args.out_type == SYNC && args.out_deliveries == 1)
		count(&t->tally.sync_received);
	held->token = args.out_token;
	held->call = args.out_flags & MBOX_MSG_CALL;
	return args.out_type;
}

static long serves(struct peer *p)
{
	struct talkers *t = p->arg;
	unsigned int seed = p->args.id, n = 0, i;
	struct held held[HELD];
	int type;

	do {
		type = take_one(t, &held[n], n, &seed);
		if (type == STOP && held[n].token)
			num_finish(t->r, held[n].token, MBOX_FINISH_DONE);
		else if (type >= 0)
			n += !!held[n].token;
		while (n == HELD || (n && rand_r(&seed) % 2)) {
			i = rand_r(&seed) % n;
			finish_one(t, &held[i], &seed);
			held[i] = held[--n];
		}
	} while (type == -ETIMEDOUT || (type >= 0 && type != STOP));
	while (n)
		finish_one(t, &held[--n], &seed);
	return type == STOP ? 0 : type;
}

/* A server that put something back last leaves it for nobody. */
static void serve_the_rest(struct talkers *t)
{
	struct held held;

	for (;;) {
		struct mbox_msg_args args = { .flags = 0 };
		int number = num_recv_args(t->r, &args);

		if (number < 0)
			return;
		if (args.out_type == SYNC && args.out_deliveries == 1)
			count(&t->tally.sync_received);
		held.number = number;
		held.token = args.out_token;
		if (held.token && !num_reply(t->r, held.token, ~held.number))
			count(&t->tally.replied);
	}
}

TEST_F(crowd, g03_g06_each_side_is_told_the_truth)
{
	struct peer *caller[CALLERS], *server[SERVERS], *collector;
	struct talkers *t = &self->t;
	unsigned int seed = getpid();
	int i;

	TH_LOG("seed %u", seed);
	collector = peer_new(t->q, collects);
	collector->arg = t;
	ASSERT_TRUE(peer_start(collector));
	for (i = 0; i < SERVERS; i++) {
		server[i] = peer_new(t->r, serves);
		server[i]->arg = t;
		server[i]->args.id = seed + CALLERS + i;
		ASSERT_TRUE(peer_start(server[i]));
	}
	for (i = 0; i < CALLERS; i++) {
		caller[i] = peer_new(t->s, converses);
		caller[i]->arg = t;
		caller[i]->args.id = seed + i;
		caller[i]->args.priority = i;
		ASSERT_TRUE(peer_start(caller[i]));
	}
	for (i = 0; i < CALLERS; i++)
		EXPECT_EQ(0, peer_join(caller[i]));
	for (i = 0; i < SERVERS; i++) {
		struct mbox_msg_args stop = { .type = STOP };

		EXPECT_EQ(0, mb_send(t->s, &stop));
	}
	for (i = 0; i < SERVERS; i++)
		EXPECT_EQ(0, peer_join(server[i]));
	serve_the_rest(t);
	ASSERT_TRUE(wait_until(__atomic_load_n(&t->tally.got_async,
					       __ATOMIC_SEQ_CST) ==
			       t->tally.sent_async));
	EXPECT_EQ(0, num_send(t->q, ~0ULL, 0, 0));
	EXPECT_EQ(0, peer_join(collector));

	EXPECT_EQ(0, t->tally.wrong);
	EXPECT_EQ(t->tally.replied,
		  t->tally.got_reply + t->tally.got_async_reply);
	EXPECT_EQ(t->tally.refused,
		  t->tally.got_refusal + t->tally.got_async_refusal);
	EXPECT_LE(t->tally.sync_returned, t->tally.sync_received);
	/* It was a crowd: each of these happened. */
	EXPECT_LT(0, t->tally.got_reply);
	EXPECT_LT(0, t->tally.got_async_reply);
	EXPECT_LT(0, t->tally.sync_returned);
	EXPECT_TRUE(all_over(t->r));
	EXPECT_TRUE(all_over(t->q));
	EXPECT_EQ(self->user_bytes, user_bytes());
}

TEST_HARNESS_MAIN
