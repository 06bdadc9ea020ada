// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Looking without taking: MBOX_PEEK, and MBOX_PEEK_AFTER for a walk through a
 * queue that changes meanwhile.
 */
#include "mbox_peer.h"

FIXTURE(queue) {
	int h;		/* it holds typed[] */
};

FIXTURE_SETUP(queue)
{
	MB_NEED_DEVICE();
	self->h = num_create_typed();
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(queue)
{
	close(self->h);
}

/* Peek at the first, or the next after the one that @args peeked at before. */
static int walk(int h, struct mbox_msg_args *args)
{
	if (args->flags & MBOX_PEEK) {
		args->flags |= MBOX_PEEK_AFTER;
		args->priority = args->out_priority;
		args->id = args->out_seq;
	}
	args->flags |= MBOX_PEEK;
	return num_recv_args(h, args);
}

/* Whether a walk sees these, and nothing after; -1 last. */
static bool walks(int h, struct mbox_msg_args args, const int *expected)
{
	for (; *expected >= 0; expected++)
		if (walk(h, &args) != *expected)
			return false;
	return walk(h, &args) == -EAGAIN;
}

TEST_F(queue, peek_takes_nothing)
{
	struct mbox_msg_args peek = { .flags = MBOX_PEEK };
	struct mbox_msg_args recv = { .flags = 0 };
	struct mbox_stat_args before, after;

	ASSERT_EQ(0, mb_stat(self->h, &before));
	EXPECT_EQ(3, num_recv_args(self->h, &peek));
	EXPECT_EQ(3, num_recv_args(self->h, &peek));
	ASSERT_EQ(0, mb_stat(self->h, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(3, num_recv_args(self->h, &recv));
	EXPECT_EQ(1, recv.out_deliveries);
	EXPECT_EQ(recv.out_seq, peek.out_seq);
	EXPECT_EQ(recv.out_type, peek.out_type);
	EXPECT_EQ(recv.out_time, peek.out_time);
	EXPECT_EQ(recv.out_pid, peek.out_pid);
	EXPECT_EQ(recv.out_len, peek.out_len);
	EXPECT_EQ(recv.out_priority, peek.out_priority);
}

TEST_F(queue, peek_selects_as_a_receive_does)
{
	struct mbox_msg_args args = {
		.flags = MBOX_PEEK,
		.select = MBOX_SELECT_EQUAL,
		.type = 5,
	};

	EXPECT_EQ(5, num_recv_args(self->h, &args));
	args.priority = 3;
	EXPECT_EQ(-EAGAIN, num_recv_args(self->h, &args));
	args.priority = 0;
	args.type = 6;
	EXPECT_EQ(-EAGAIN, num_recv_args(self->h, &args));
	args.select = MBOX_SELECT_LOWEST;
	EXPECT_EQ(1, num_recv_args(self->h, &args));
	args.select = MBOX_SELECT_NOT_EQUAL;
	args.type = 9;
	EXPECT_EQ(5, num_recv_args(self->h, &args));
	EXPECT_EQ(8, mb_messages(self->h));
}

TEST_F(queue, peek_with_a_small_buffer_is_told_the_length)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE | MBOX_PEEK };

	EXPECT_EQ(-EMSGSIZE, mb_recv(self->h, &args));
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(0, args.out_seq);
	args.flags |= MBOX_TRUNCATE;
	EXPECT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(9, args.out_type);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, args.out_flags);
	EXPECT_EQ(8, mb_messages(self->h));
}

TEST_F(queue, walk_sees_all_in_receive_order)
{
	static const int expected[] = { 3, 5, 1, 6, 0, 2, 4, 7, -1 };
	struct mbox_msg_args args = { .select = MBOX_SELECT_ANY };

	EXPECT_TRUE(walks(self->h, args, expected));
	EXPECT_TRUE(walks(self->h, args, expected));
	EXPECT_EQ(8, mb_messages(self->h));
}

TEST_F(queue, walk_sees_those_of_one_type)
{
	static const int fives[] = { 5, 0, 2, -1 };
	static const int none[] = { -1 };
	struct mbox_msg_args args = { .select = MBOX_SELECT_EQUAL, .type = 5 };

	EXPECT_TRUE(walks(self->h, args, fives));
	args.type = 4;
	EXPECT_TRUE(walks(self->h, args, none));
}

TEST_F(queue, walk_sees_those_of_all_other_types)
{
	static const int others[] = { 3, 1, 6, 4, 7, -1 };
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_NOT_EQUAL,
		.type = 5,
	};

	EXPECT_TRUE(walks(self->h, args, others));
}

TEST_F(queue, walk_may_start_at_a_place_where_nothing_is)
{
	struct mbox_msg_args args = {
		.flags = MBOX_PEEK | MBOX_PEEK_AFTER,
		.priority = 1,
		.id = ~0ULL,
	};

	EXPECT_EQ(0, num_recv_args(self->h, &args));
	args.priority = 5;
	EXPECT_EQ(5, num_recv_args(self->h, &args));
	args.priority = MBOX_PRIORITY_MAX;
	EXPECT_EQ(3, num_recv_args(self->h, &args));
	args.priority = 0;
	EXPECT_EQ(-EAGAIN, num_recv_args(self->h, &args));
}

TEST_F(queue, walk_goes_on_when_the_message_gone_by_vanishes)
{
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(3, walk(self->h, &args));
	ASSERT_EQ(3, num_recv(self->h));
	ASSERT_EQ(5, walk(self->h, &args));
	ASSERT_EQ(5, num_recv(self->h));
	ASSERT_EQ(1, num_recv(self->h));
	EXPECT_EQ(6, walk(self->h, &args));
	while (num_recv(self->h) >= 0)
		;
	EXPECT_EQ(-EAGAIN, walk(self->h, &args));
}

TEST_F(queue, walk_sees_what_comes_behind_its_place_only)
{
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(3, walk(self->h, &args));
	ASSERT_EQ(5, walk(self->h, &args));
	ASSERT_EQ(0, num_send(self->h, 0, 9, 20));
	ASSERT_EQ(0, num_send(self->h, 0, 2, 21));
	EXPECT_EQ(21, walk(self->h, &args));
	EXPECT_EQ(1, walk(self->h, &args));
}

/* ---- at random ---- */

#define MANY	1000

TEST(walk_of_a_changing_queue_is_in_order_and_misses_none_that_stays)
{
	struct mbox_msg_args args = { .flags = 0 }, last = args;
	static bool seen[MANY], gone[MANY];
	unsigned int seed = getpid();
	int h, i;

	MB_NEED_DEVICE();
	TH_LOG("seed %u", seed);
	srand(seed);
	h = mb_create_small(MANY);
	ASSERT_LE(0, h);
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, num_send(h, rand() % 50, rand() % 20, i));
	for (i = walk(h, &args); i >= 0; i = walk(h, &args)) {
		if (args.flags & MBOX_PEEK_AFTER)
			ASSERT_TRUE(args.out_priority < last.out_priority ||
				    (args.out_priority == last.out_priority &&
				     args.out_seq > last.out_seq));
		last = args;
		ASSERT_FALSE(seen[i] || gone[i]);
		seen[i] = true;
		/* Take one away, anywhere. */
		i = num_recv_type(h, MBOX_SELECT_EQUAL, rand() % 50);
		if (i >= 0)
			gone[i] = true;
	}
	EXPECT_EQ(-EAGAIN, i);
	for (i = 0; i < MANY; i++)
		EXPECT_TRUE(seen[i] || gone[i]);
}

/* ---- while others take ---- */

#define LARGE	50000
#define ROUNDS	150

static int stop;

/* Receive and send again: there is a message most of the time. */
static long takes_and_puts(struct peer *p)
{
	char *buf = malloc(LARGE);
	int ret = 0, i;

	for (i = 0; i < ROUNDS && !ret; i++) {
		ret = mb_get(p->fd, buf, LARGE);
		if (ret == LARGE) {
			memset(buf, i, LARGE);
			ret = mb_put(p->fd, buf, LARGE);
		}
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	free(buf);
	return ret;
}

TEST(g01_peek_sees_a_whole_message_while_others_take_it)
{
	struct peer *p;
	char *buf = malloc(LARGE);
	struct mbox_msg_args args = {
		.flags = MBOX_PEEK | MBOX_WAIT_NONE,
		.buf = (unsigned long)buf,
		.len = LARGE,
	};
	int h, ret;

	MB_NEED_DEVICE();
	ASSERT_NE(NULL, buf);
	h = mb_create_anon();
	ASSERT_LE(0, h);
	memset(buf, 0, LARGE);
	ASSERT_EQ(0, mb_put(h, buf, LARGE));
	p = peer_new(h, takes_and_puts);
	ASSERT_TRUE(peer_start(p));
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		ret = mb_recv(h, &args);
		ASSERT_TRUE(!ret || ret == -EAGAIN);
		if (!ret)
			ASSERT_TRUE(mb_all(buf, LARGE, buf[0]));
	}
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(1, mb_messages(h));
}

TEST_HARNESS_MAIN
