// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Which message a receive takes: type selectors, minimum priority, where types
 * come from. The same at random is in model.c.
 */
#include "mbox_peer.h"

/* ---- a queue ---- */

FIXTURE(typed_messages) {
	int h;		/* it holds typed[] */
};

FIXTURE_SETUP(typed_messages)
{
	MB_NEED_DEVICE();
	self->h = num_create_typed();
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(typed_messages)
{
	close(self->h);
}

/* Receive with these until there is none; whether it was @expected, -1 last. */
static bool drains(int h, struct mbox_msg_args *args, const int *expected)
{
	int number;

	for (; *expected >= 0; expected++) {
		number = num_recv_args(h, args);
		if (number != *expected ||
		    args->out_type != typed[number].type ||
		    args->out_priority != typed[number].priority)
			return false;
	}
	return num_recv_args(h, args) == -EAGAIN;
}

TEST_F(typed_messages, any_takes_all_in_order)
{
	static const int expected[] = { 3, 5, 1, 6, 0, 2, 4, 7, -1 };
	struct mbox_msg_args args = { .select = MBOX_SELECT_ANY };

	EXPECT_TRUE(drains(self->h, &args, expected));
}

TEST_F(typed_messages, equal_takes_its_type_in_order)
{
	static const int fives[] = { 5, 0, 2, -1 };
	static const int rest[] = { 3, 1, 6, 4, 7, -1 };
	struct mbox_msg_args args = { .select = MBOX_SELECT_EQUAL, .type = 5 };

	EXPECT_TRUE(drains(self->h, &args, fives));
	args = (struct mbox_msg_args) { .select = MBOX_SELECT_ANY };
	EXPECT_TRUE(drains(self->h, &args, rest));
}

TEST_F(typed_messages, equal_compares_all_64_bits)
{
	static const int none[] = { -1 };
	static const int large[] = { 7, -1 };
	struct mbox_msg_args args = { .select = MBOX_SELECT_EQUAL, .type = 0 };

	EXPECT_TRUE(drains(self->h, &args, none));
	args.type = (1ULL << 40) + 5;
	EXPECT_TRUE(drains(self->h, &args, none));
	args.type = (1ULL << 40);
	EXPECT_TRUE(drains(self->h, &args, large));
}

TEST_F(typed_messages, not_equal_takes_all_other_types_in_order)
{
	static const int others[] = { 3, 1, 6, 4, 7, -1 };
	static const int rest[] = { 5, 0, 2, -1 };
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_NOT_EQUAL,
		.type = 5,
	};

	EXPECT_TRUE(drains(self->h, &args, others));
	args = (struct mbox_msg_args) { .select = MBOX_SELECT_ANY };
	EXPECT_TRUE(drains(self->h, &args, rest));
}

TEST_F(typed_messages, not_equal_to_an_absent_type_takes_all)
{
	static const int expected[] = { 3, 5, 1, 6, 0, 2, 4, 7, -1 };
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_NOT_EQUAL,
		.type = 4,
	};

	EXPECT_TRUE(drains(self->h, &args, expected));
}

TEST_F(typed_messages, lowest_takes_type_after_type)
{
	static const int expected[] = { 1, 4, 5, 0, 2, 6, -1 };
	static const int rest[] = { 3, 7, -1 };
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_LOWEST,
		.type = 8,
	};

	EXPECT_TRUE(drains(self->h, &args, expected));
	args = (struct mbox_msg_args) { .select = MBOX_SELECT_ANY };
	EXPECT_TRUE(drains(self->h, &args, rest));
}

TEST_F(typed_messages, lowest_includes_the_type_given_and_none_above)
{
	static const int threes[] = { 1, 4, -1 };
	static const int all[] = { 5, 0, 2, 6, 3, 7, -1 };
	static const int none[] = { -1 };
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_LOWEST,
		.type = 2,
	};

	EXPECT_TRUE(drains(self->h, &args, none));
	args.type = 3;
	EXPECT_TRUE(drains(self->h, &args, threes));
	args.type = ~0ULL;
	EXPECT_TRUE(drains(self->h, &args, all));
}

TEST_F(typed_messages, minimum_priority_goes_with_any)
{
	static const int expected[] = { 3, 5, 1, 6, -1 };
	struct mbox_msg_args args = { .priority = 1 };

	EXPECT_TRUE(drains(self->h, &args, expected));
	EXPECT_EQ(4, mb_messages(self->h));
}

TEST_F(typed_messages, minimum_priority_goes_with_equal)
{
	static const int expected[] = { 5, -1 };
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_EQUAL,
		.type = 5,
		.priority = 1,
	};

	EXPECT_TRUE(drains(self->h, &args, expected));
	EXPECT_EQ(7, mb_messages(self->h));
}

TEST_F(typed_messages, minimum_priority_goes_with_not_equal)
{
	static const int expected[] = { 3, 1, 6, -1 };
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_NOT_EQUAL,
		.type = 5,
		.priority = 1,
	};

	EXPECT_TRUE(drains(self->h, &args, expected));
	EXPECT_EQ(5, mb_messages(self->h));
}

TEST_F(typed_messages, not_equal_finds_what_hides_behind_the_excluded_type)
{
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_NOT_EQUAL,
		.type = 9,
	};

	EXPECT_EQ(5, num_recv_args(self->h, &args));
	args.type = 3;
	EXPECT_EQ(3, num_recv_args(self->h, &args));
	EXPECT_EQ(6, num_recv_args(self->h, &args));
}

/* ---- where types come from ---- */

FIXTURE(pid_types) {
	int h;
};

FIXTURE_SETUP(pid_types)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.type_source = MBOX_TYPE_PID,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(pid_types)
{
	close(self->h);
}

static void send_own_pid(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(0, num_send(*(int *)arg, 0, 0, getpid()));
}

TEST_F(pid_types, equal_receives_from_one_process)
{
	pid_t pid[3];
	int i;

	for (i = 0; i < 3; i++) {
		pid[i] = mb_fork(_metadata, send_own_pid, &self->h);
		ASSERT_EQ(0, mb_wait(pid[i]));
	}
	EXPECT_EQ(pid[1], num_recv_type(self->h, MBOX_SELECT_EQUAL, pid[1]));
	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_EQUAL, pid[1]));
	EXPECT_EQ(pid[2], num_recv_type(self->h, MBOX_SELECT_EQUAL, pid[2]));
	EXPECT_EQ(pid[0], num_recv_type(self->h, MBOX_SELECT_ANY, 0));
}

static long send_from_thread(struct peer *p)
{
	return num_send(p->fd, 0, 0, 42);
}

TEST_F(pid_types, type_is_the_process_not_the_thread)
{
	struct peer *p = peer_new(self->h, send_from_thread);

	ASSERT_TRUE(peer_start(p));
	ASSERT_EQ(0, peer_join(p));
	EXPECT_EQ(42, num_recv_type(self->h, MBOX_SELECT_EQUAL, getpid()));
}

TEST_F(pid_types, sender_may_not_state_a_type)
{
	EXPECT_EQ(-EINVAL, num_send(self->h, getpid(), 0, 1));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(pid_types, blocked_receiver_gets_the_process_it_waits_for)
{
	struct peer *p = peer_recv_type(self->h, MBOX_SELECT_EQUAL, getpid());
	pid_t pid;

	ASSERT_TRUE(peer_blocks(p));
	pid = mb_fork(_metadata, send_own_pid, &self->h);
	ASSERT_EQ(0, mb_wait(pid));
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(0, num_send(self->h, 0, 0, getpid()));
	EXPECT_EQ(getpid(), peer_number(p));
	EXPECT_EQ(pid, num_recv(self->h));
}

FIXTURE(badge_types) {
	int h, recv, badged[2];
};

FIXTURE_SETUP(badge_types)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.type_source = MBOX_TYPE_BADGE,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
	self->badged[0] = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 77);
	self->badged[1] = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, ~0ULL);
	ASSERT_LE(0, self->badged[0]);
	ASSERT_LE(0, self->badged[1]);
}

FIXTURE_TEARDOWN(badge_types)
{
	close(self->h);
	close(self->badged[0]);
	close(self->badged[1]);
}

TEST_F(badge_types, equal_receives_from_one_badge)
{
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_EQUAL,
		.type = ~0ULL,
	};

	ASSERT_EQ(0, num_send(self->badged[0], 0, 0, 1));
	ASSERT_EQ(0, num_send(self->badged[1], 0, 0, 2));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 3));
	EXPECT_EQ(2, num_recv_args(self->h, &args));
	EXPECT_EQ(~0ULL, args.out_type);
	EXPECT_EQ(~0ULL, args.out_badge);
	EXPECT_EQ(3, num_recv_type(self->h, MBOX_SELECT_EQUAL, 0));
	EXPECT_EQ(1, num_recv_type(self->h, MBOX_SELECT_EQUAL, 77));
}

TEST_F(badge_types, sender_may_not_state_a_type)
{
	EXPECT_EQ(-EINVAL, num_send(self->badged[0], 77, 0, 1));
	EXPECT_EQ(-EINVAL, num_send(self->h, 77, 0, 1));
	EXPECT_EQ(0, mb_messages(self->h));
}

/* ---- those who wait ---- */

FIXTURE(blocked_selectors) {
	int h;
	struct peer *any_above_9, *equal_5, *equal_6_above_3, *lowest_2;
	struct peer *other_than_5_above_6;
};

FIXTURE_SETUP(blocked_selectors)
{
	int h;

	MB_NEED_DEVICE();
	h = mb_create_anon();
	ASSERT_LE(0, h);
	self->h = h;
	self->any_above_9 = peer_recv(h);
	self->any_above_9->args.priority = 9;
	self->equal_5 = peer_recv_type(h, MBOX_SELECT_EQUAL, 5);
	self->equal_6_above_3 = peer_recv_type(h, MBOX_SELECT_EQUAL, 6);
	self->equal_6_above_3->args.priority = 3;
	self->lowest_2 = peer_recv_type(h, MBOX_SELECT_LOWEST, 2);
	self->other_than_5_above_6 = peer_recv_type(h, MBOX_SELECT_NOT_EQUAL,
						    5);
	self->other_than_5_above_6->args.priority = 6;
	ASSERT_TRUE(peer_blocks(self->other_than_5_above_6));
	ASSERT_TRUE(peer_blocks(self->any_above_9));
	ASSERT_TRUE(peer_blocks(self->equal_6_above_3));
	ASSERT_TRUE(peer_blocks(self->lowest_2));
	ASSERT_TRUE(peer_blocks(self->equal_5));
}

FIXTURE_TEARDOWN(blocked_selectors)
{
	close(self->h);
}

/* Send a message that @p and nobody else is to get. */
static bool only_wakes(int h, __u64 type, __u16 priority, struct peer *p)
{
	return !num_send(h, type, priority, 42) && peer_number(p) == 42 &&
	       p->args.out_type == type && p->args.out_priority == priority &&
	       mb_fdinfo(h, "mbox-waiting-receivers") == 4 &&
	       mb_messages(h) == 0;
}

TEST_F(blocked_selectors, minimum_priority_alone_wakes)
{
	EXPECT_TRUE(only_wakes(self->h, 5, 9, self->any_above_9));
}

TEST_F(blocked_selectors, equal_alone_wakes)
{
	EXPECT_TRUE(only_wakes(self->h, 5, 0, self->equal_5));
}

TEST_F(blocked_selectors, equal_with_minimum_priority_alone_wakes)
{
	EXPECT_TRUE(only_wakes(self->h, 6, 3, self->equal_6_above_3));
}

TEST_F(blocked_selectors, lowest_alone_wakes)
{
	EXPECT_TRUE(only_wakes(self->h, 2, 0, self->lowest_2));
}

TEST_F(blocked_selectors, not_equal_alone_wakes)
{
	EXPECT_TRUE(only_wakes(self->h, 8, 6, self->other_than_5_above_6));
}

TEST_F(blocked_selectors, first_that_matches_gets_it)
{
	EXPECT_TRUE(only_wakes(self->h, 1, 20, self->other_than_5_above_6));
}

TEST_F(blocked_selectors, nobody_wakes_if_nobody_matches)
{
	EXPECT_EQ(0, num_send(self->h, 6, 2, 1));
	EXPECT_EQ(0, num_send(self->h, 3, 5, 2));
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(5, mb_fdinfo(self->h, "mbox-waiting-receivers"));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(1, num_recv(self->h));
}

/* ---- senders that wait ---- */

FIXTURE(blocked_typed_senders) {
	int h;
	struct peer *p[4];
};

/* Queued: type 4. Blocked in this order: types 7, 2, 7 (urgent), 3. */
FIXTURE_SETUP(blocked_typed_senders)
{
	static const __u64 types[] = { 7, 2, 7, 3 };
	static const __u16 priorities[] = { 0, 0, 5, 0 };
	int i;

	MB_NEED_DEVICE();
	self->h = mb_create_small(1);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, num_send(self->h, 4, 1, 100));
	for (i = 0; i < 4; i++) {
		self->p[i] = peer_send(self->h, types[i], priorities[i], i);
		ASSERT_TRUE(peer_blocks(self->p[i]));
	}
}

FIXTURE_TEARDOWN(blocked_typed_senders)
{
	close(self->h);
}

TEST_F(blocked_typed_senders, equal_takes_from_the_sender_it_names)
{
	EXPECT_EQ(1, num_recv_type(self->h, MBOX_SELECT_EQUAL, 2));
	EXPECT_EQ(0, peer_join(self->p[1]));
	EXPECT_EQ(3, mb_fdinfo(self->h, "mbox-waiting-senders"));
	EXPECT_EQ(2, num_recv_type(self->h, MBOX_SELECT_EQUAL, 7));
	EXPECT_EQ(0, num_recv_type(self->h, MBOX_SELECT_EQUAL, 7));
	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_EQUAL, 7));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
}

TEST_F(blocked_typed_senders, not_equal_takes_the_first_other_sender)
{
	EXPECT_EQ(2, num_recv_type(self->h, MBOX_SELECT_NOT_EQUAL, 4));
	EXPECT_EQ(0, num_recv_type(self->h, MBOX_SELECT_NOT_EQUAL, 4));
	EXPECT_EQ(1, num_recv_type(self->h, MBOX_SELECT_NOT_EQUAL, 4));
	EXPECT_EQ(3, num_recv_type(self->h, MBOX_SELECT_NOT_EQUAL, 4));
	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_NOT_EQUAL, 4));
	EXPECT_EQ(100, num_recv(self->h));
}

TEST_F(blocked_typed_senders, lowest_takes_the_lowest_that_waits)
{
	/* The queue comes first, but has no type up to 3. */
	EXPECT_EQ(1, num_recv_type(self->h, MBOX_SELECT_LOWEST, 3));
	EXPECT_EQ(3, num_recv_type(self->h, MBOX_SELECT_LOWEST, 3));
	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_LOWEST, 3));
	EXPECT_EQ(100, num_recv_type(self->h, MBOX_SELECT_LOWEST, 7));
	EXPECT_EQ(2, num_recv_type(self->h, MBOX_SELECT_LOWEST, 7));
	EXPECT_EQ(0, num_recv_type(self->h, MBOX_SELECT_LOWEST, 7));
}

TEST_F(blocked_typed_senders, minimum_priority_takes_the_urgent_sender)
{
	struct mbox_msg_args args = { .priority = 2 };

	EXPECT_EQ(2, num_recv_args(self->h, &args));
	EXPECT_EQ(7, args.out_type);
	EXPECT_EQ(5, args.out_priority);
	EXPECT_EQ(-EAGAIN, num_recv_args(self->h, &args));
	EXPECT_EQ(0, peer_join(self->p[2]));
}

TEST_F(blocked_typed_senders, too_small_a_buffer_leaves_the_sender_waiting)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.select = MBOX_SELECT_EQUAL,
		.type = 2,
	};

	EXPECT_EQ(-EMSGSIZE, mb_recv(self->h, &args));
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(1, num_recv_type(self->h, MBOX_SELECT_EQUAL, 2));
	EXPECT_EQ(0, peer_join(self->p[1]));
}

TEST_HARNESS_MAIN
