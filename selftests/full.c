// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A full mailbox: who waits for room and who gets it, what SET changes, what
 * the drop policy drops; and what is left when those who wait are killed.
 */
#include "mbox_peer.h"

static __u32 waiting_senders(int h)
{
	return mb_fdinfo(h, "mbox-waiting-senders");
}

static __u64 drops(int h)
{
	struct mbox_stat_args st;

	return mb_stat(h, &st) ? ~0ULL : st.drops;
}

static int set_max_messages(int h, __u32 n)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = n,
	};

	return mb_set(h, &args);
}

static int set_overflow(int h, __u32 overflow)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW,
		.overflow = overflow,
	};

	return mb_set(h, &args);
}

/* ---- full of messages ---- */

FIXTURE(full_mailbox) {
	int h;		/* two messages fit, and are there: 100, 101 */
	struct peer *p[4];
};

FIXTURE_SETUP(full_mailbox)
{
	int i;

	MB_NEED_DEVICE();
	self->h = mb_create_small(2);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, num_send(self->h, 1, 5, 100));
	ASSERT_EQ(0, num_send(self->h, 1, 5, 101));
	for (i = 0; i < 4; i++)
		self->p[i] = peer_send(self->h, 2, 0, i);
}

FIXTURE_TEARDOWN(full_mailbox)
{
	close(self->h);
}

TEST_F(full_mailbox, send_waits_for_room)
{
	ASSERT_TRUE(peer_blocks(self->p[0]));
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(0, num_recv(self->h));
}

TEST_F(full_mailbox, send_times_out_at_its_deadline)
{
	peer_until(self->p[0], mb_in(20 * NSEC_PER_MSEC));
	ASSERT_TRUE(peer_start(self->p[0]));
	EXPECT_EQ(-ETIMEDOUT, peer_join(self->p[0]));
	EXPECT_LE(self->p[0]->args.deadline, self->p[0]->end);
	EXPECT_EQ(0, waiting_senders(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_F(full_mailbox, g02_signal_ends_a_send_and_leaves_nothing)
{
	struct mbox_query_args before, after;

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_EQ(0, mb_query(&before));
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, pthread_kill(self->p[0]->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(self->p[0]));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	EXPECT_EQ(0, waiting_senders(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_F(full_mailbox, g01_restarted_send_sends_once)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, pthread_kill(self->p[0]->thread, SIGUSR1));
	ASSERT_TRUE(wait_until(signals() == 1));
	ASSERT_TRUE(senders_blocked(self->h, 1));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(0, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_F(full_mailbox, g01_senders_get_in_by_priority_then_first_come)
{
	static const __u16 priority[] = { 1, 3, 1, 7 };
	static const int order[] = { 3, 1, 0, 2 };
	int i;

	for (i = 0; i < 4; i++) {
		self->p[i]->args.priority = priority[i];
		ASSERT_TRUE(peer_blocks(self->p[i]));
	}
	/* Each receive lets one in; equal type and room, so its join tells. */
	for (i = 0; i < 4; i++) {
		ASSERT_LE(0, num_recv(self->h));
		ASSERT_EQ(0, peer_join(self->p[order[i]]));
		EXPECT_EQ(3 - i, waiting_senders(self->h));
	}
}

TEST_F(full_mailbox, g01_messages_of_blocked_senders_keep_the_order)
{
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_TRUE(peer_blocks(self->p[i]));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(101, num_recv(self->h));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(i, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, peer_join(self->p[i]));
}

TEST_F(full_mailbox, send_finds_a_matching_receiver_before_it_looks_at_limits)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 9);

	ASSERT_TRUE(peer_blocks(r));
	ASSERT_TRUE(peer_blocks(self->p[0]));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 8, 9, 7));
	EXPECT_EQ(0, num_send(self->h, 9, 0, 42));
	EXPECT_EQ(42, peer_number(r));
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(1, waiting_senders(self->h));
}

TEST_F(full_mailbox, receive_takes_from_a_blocked_sender_if_the_queue_has_none)
{
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	EXPECT_EQ(0, num_recv_type(self->h, MBOX_SELECT_EQUAL, 2));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(1, waiting_senders(self->h));
}

TEST_F(full_mailbox, g02_fault_leaves_the_message_of_a_blocked_sender)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.select = MBOX_SELECT_EQUAL,
		.type = 2,
		.buf = (unsigned long)mb_page_end(),
		.len = 4,
	};

	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
	EXPECT_EQ(100, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
	EXPECT_EQ(101, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
	EXPECT_EQ(0, num_recv(self->h));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(0, peer_join(self->p[1]));
}

TEST_F(full_mailbox, peek_looks_at_blocked_senders_after_the_queue)
{
	struct mbox_msg_args args = { .flags = MBOX_PEEK };

	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	EXPECT_EQ(100, num_recv_args(self->h, &args));
	args.select = MBOX_SELECT_EQUAL;
	args.type = 2;
	EXPECT_EQ(0, num_recv_args(self->h, &args));
	/* It still waits. */
	EXPECT_EQ(2, waiting_senders(self->h));
	args.flags |= MBOX_PEEK_AFTER;
	args.priority = args.out_priority;
	args.id = args.out_seq;
	EXPECT_EQ(1, num_recv_args(self->h, &args));
	args.id = args.out_seq;
	EXPECT_EQ(-EAGAIN, num_recv_args(self->h, &args));
}

TEST_F(full_mailbox, counts_a_blocked_message_as_sent_when_it_is_in)
{
	struct mbox_stat_args st;

	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, mb_stat(self->h, &st));
	EXPECT_EQ(1, st.waiting_senders);
	EXPECT_EQ(2, st.messages);
	EXPECT_EQ(2, st.sent);
	EXPECT_EQ(100, num_recv(self->h));
	ASSERT_EQ(0, mb_stat(self->h, &st));
	EXPECT_EQ(0, st.waiting_senders);
	EXPECT_EQ(2, st.messages);
	EXPECT_EQ(3, st.sent);
}

/* ---- SET ---- */

TEST_F(full_mailbox, raising_the_limit_lets_senders_in)
{
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_TRUE(peer_blocks(self->p[i]));
	ASSERT_EQ(0, set_max_messages(self->h, 4));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(0, peer_join(self->p[1]));
	EXPECT_EQ(2, waiting_senders(self->h));
	EXPECT_EQ(4, mb_messages(self->h));
	ASSERT_EQ(0, set_max_messages(self->h, 6));
	EXPECT_EQ(0, peer_join(self->p[2]));
	EXPECT_EQ(0, peer_join(self->p[3]));
}

TEST_F(full_mailbox, lowering_the_limit_drops_nothing_and_stops_sends)
{
	ASSERT_EQ(0, set_max_messages(self->h, 1));
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 2, 0, 7));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 2, 0, 7));
	ASSERT_TRUE(peer_blocks(self->p[0]));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(0, num_recv(self->h));
	EXPECT_EQ(0, num_send(self->h, 2, 0, 7));
}

TEST_F(full_mailbox, lowering_the_size_ends_sends_that_became_too_large)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 10,
	};

	self->p[0]->args.len = 11;
	self->p[1]->args.len = 10;
	self->p[2]->args.len = PEER_DATA;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	ASSERT_TRUE(peer_blocks(self->p[2]));
	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(-EMSGSIZE, peer_join(self->p[0]));
	EXPECT_EQ(-EMSGSIZE, peer_join(self->p[2]));
	EXPECT_EQ(1, waiting_senders(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(0, peer_join(self->p[1]));
}

TEST_F(full_mailbox, switching_to_drop_lets_senders_in)
{
	self->p[0]->args.priority = 5;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, set_overflow(self->h, MBOX_OVERFLOW_DROP));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(1, drops(self->h));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(0, num_recv(self->h));
}

/* ---- full of bytes ---- */

FIXTURE(full_of_bytes) {
	int h;		/* 100 bytes fit, 90 are there */
};

FIXTURE_SETUP(full_of_bytes)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_bytes = 100,
		.max_message_size = 100,
	};
	char buf[90] = "";

	MB_NEED_DEVICE();
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_put(self->h, buf, sizeof(buf)));
}

FIXTURE_TEARDOWN(full_of_bytes)
{
	close(self->h);
}

TEST_F(full_of_bytes, what_fits_gets_in)
{
	char buf[11] = "";

	EXPECT_EQ(-EAGAIN, mb_put(self->h, buf, 11));
	EXPECT_EQ(0, mb_put(self->h, buf, 10));
	EXPECT_EQ(-EAGAIN, mb_put(self->h, buf, 1));
	EXPECT_EQ(0, mb_put(self->h, buf, 0));
}

TEST_F(full_of_bytes, small_message_does_not_overtake_a_large_one_that_waits)
{
	struct peer *large = peer_send(self->h, 0, 3, 1);

	large->args.len = 50;
	ASSERT_TRUE(peer_blocks(large));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 0, 0, 2));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 0, 3, 2));
	EXPECT_EQ(1, mb_messages(self->h));
	/* What is more urgent comes before it anyway. */
	EXPECT_EQ(0, num_send(self->h, 0, 4, 3));
	EXPECT_EQ(3, num_recv(self->h));
	EXPECT_EQ(1, waiting_senders(self->h));
}

TEST_F(full_of_bytes, large_message_gets_in_although_small_ones_keep_coming)
{
	struct peer *large = peer_send(self->h, 0, 0, 1), *small[3];
	char buf[100];
	int i;

	large->args.len = 50;
	ASSERT_TRUE(peer_blocks(large));
	for (i = 0; i < 3; i++) {
		small[i] = peer_send(self->h, 0, 0, 10 + i);
		ASSERT_TRUE(peer_blocks(small[i]));
	}
	EXPECT_EQ(90, mb_get(self->h, buf, sizeof(buf)));
	EXPECT_EQ(0, peer_join(large));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, peer_join(small[i]));
	EXPECT_EQ(50, mb_get(self->h, buf, sizeof(buf)));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(10 + i, num_recv(self->h));
}

TEST_F(full_of_bytes, raising_the_bytes_lets_senders_in)
{
	struct peer *p = peer_send(self->h, 0, 0, 1);
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_BYTES,
		.max_bytes = 139,
	};

	p->args.len = 50;
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(1, waiting_senders(self->h));
	args.max_bytes = 140;
	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(0, peer_join(p));
}

TEST_F(full_of_bytes, sender_that_leaves_lets_those_behind_it_in)
{
	struct peer *large = peer_send(self->h, 0, 0, 1);
	struct peer *small = peer_send(self->h, 0, 0, 2);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	large->args.len = 50;
	ASSERT_TRUE(peer_blocks(large));
	ASSERT_TRUE(peer_blocks(small));
	ASSERT_EQ(0, pthread_kill(large->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(large));
	EXPECT_EQ(0, peer_join(small));
}

/* ---- dropping ---- */

FIXTURE(dropping_mailbox) {
	int h;		/* four messages fit, and are there */
};

FIXTURE_SETUP(dropping_mailbox)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_messages = 4,
		.overflow = MBOX_OVERFLOW_DROP,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, num_send(self->h, 1, 2, 0));
	ASSERT_EQ(0, num_send(self->h, 1, 1, 1));
	ASSERT_EQ(0, num_send(self->h, 1, 9, 2));
	ASSERT_EQ(0, num_send(self->h, 1, 1, 3));
}

FIXTURE_TEARDOWN(dropping_mailbox)
{
	close(self->h);
}

TEST_F(dropping_mailbox, drops_the_oldest_of_the_lowest_priority)
{
	EXPECT_EQ(0, num_send(self->h, 1, 5, 4));
	EXPECT_EQ(1, drops(self->h));
	EXPECT_EQ(0, num_send(self->h, 1, 5, 5));
	EXPECT_EQ(2, drops(self->h));
	EXPECT_EQ(0, num_send(self->h, 1, 5, 6));
	EXPECT_EQ(3, drops(self->h));
	EXPECT_EQ(4, mb_messages(self->h));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(4, num_recv(self->h));
	EXPECT_EQ(5, num_recv(self->h));
	EXPECT_EQ(6, num_recv(self->h));
}

TEST_F(dropping_mailbox, drops_one_of_equal_priority)
{
	EXPECT_EQ(0, num_send(self->h, 1, 1, 4));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(0, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	EXPECT_EQ(4, num_recv(self->h));
}

TEST_F(dropping_mailbox, less_urgent_message_drops_nothing_and_waits)
{
	struct peer *p = peer_send(self->h, 1, 0, 4);

	EXPECT_EQ(-EAGAIN, num_send(self->h, 1, 0, 5));
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_EQ(0, drops(self->h));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, drops(self->h));
}

TEST_F(dropping_mailbox, tells_the_count_of_drops_in_every_header)
{
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(2, num_recv_args(self->h, &args));
	EXPECT_EQ(0, args.out_drops);
	EXPECT_EQ(0, num_send(self->h, 1, 9, 4));
	EXPECT_EQ(0, drops(self->h));
	EXPECT_EQ(0, num_send(self->h, 1, 9, 5));
	ASSERT_EQ(4, num_recv_args(self->h, &args));
	EXPECT_EQ(1, args.out_drops);
	ASSERT_EQ(5, num_recv_args(self->h, &args));
	EXPECT_EQ(1, args.out_drops);
}

TEST_F(dropping_mailbox, hands_to_a_receiver_without_dropping)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(peer_blocks(r));
	EXPECT_EQ(0, num_send(self->h, 7, 9, 42));
	EXPECT_EQ(42, peer_number(r));
	EXPECT_EQ(0, drops(self->h));
	EXPECT_EQ(4, mb_messages(self->h));
}

TEST_F(dropping_mailbox, g10_dropped_messages_are_given_back_to_the_user)
{
	struct mbox_query_args before, after;
	int i;

	ASSERT_EQ(0, mb_query(&before));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 9, i));
	EXPECT_EQ(20, drops(self->h));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

/* 100 bytes fit, in messages of one byte @count are there. */
static int drops_bytes(int count)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_bytes = 100,
		.max_message_size = 100,
		.overflow = MBOX_OVERFLOW_DROP,
	};
	int h = mb_create(&args);

	while (h >= 0 && count--)
		if (mb_put(h, "x", 1))
			return -1;
	return h;
}

TEST(dropping_makes_room_for_one_message_with_64_others)
{
	char buf[100] = "";
	int h;

	MB_NEED_DEVICE();
	h = drops_bytes(100);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, buf, 64));
	EXPECT_EQ(64, drops(h));
	EXPECT_EQ(37, mb_messages(h));
}

TEST(dropping_ends_after_64_messages_and_the_send_waits)
{
	struct peer *p;
	int h, i;

	MB_NEED_DEVICE();
	h = drops_bytes(100);
	ASSERT_LE(0, h);
	p = peer_send(h, 0, 0, 1);
	p->args.buf = (unsigned long)calloc(1, 100);
	p->args.len = 80;
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_GE(64, drops(h));
	EXPECT_EQ(100, drops(h) + mb_messages(h));
	/* Receives make the rest of the room. */
	for (i = 100 - drops(h); i > 20; i--)
		ASSERT_EQ(1, mb_get(h, &(char){0}, 1));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(21, mb_messages(h));
}

/* ---- killing those who wait ---- */

/* A process on CPU 0 that is blocked. */
static bool forks_on_cpu_0(struct peer *p)
{
	p->pin = 1;
	return peer_fork_blocks(p);
}

TEST_F(full_mailbox, g13_killed_blocked_sender_leaves_nothing)
{
	struct mbox_query_args before, after;

	ASSERT_EQ(0, mb_query(&before));
	ASSERT_TRUE(peer_fork_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	mb_kill(self->p[0]->tid);
	EXPECT_EQ(1, waiting_senders(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(0, peer_join(self->p[1]));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_GT(before.user_bytes, after.user_bytes);
}

TEST_F(full_mailbox, g13_message_that_got_in_outlives_its_sender)
{
	ASSERT_TRUE(forks_on_cpu_0(self->p[0]));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(0, kill(self->p[0]->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(self->p[0]));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(0, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

/* The killed receiver's message stands at its place again. */
TEST_F(full_mailbox, g13_message_handed_to_a_killed_receiver_comes_back)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_EQ(0, set_max_messages(self->h, 10));
	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 5, 42));
	EXPECT_EQ(0, num_send(self->h, 1, 5, 102));
	EXPECT_EQ(4, mb_messages(self->h));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	ASSERT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(4, mb_messages(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(42, num_recv(self->h));
	EXPECT_EQ(102, num_recv(self->h));
}

TEST_F(full_mailbox, g13_message_handed_to_a_killed_receiver_goes_to_the_next)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);
	struct peer *next = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_TRUE(peer_blocks(next));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 5, 42));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(42, peer_number(next));
	EXPECT_EQ(2, mb_messages(self->h));
}

TEST_F(full_mailbox, g13_message_may_come_back_above_the_limit)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 5, 42));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 0, 9, 7));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(full_mailbox, g13_killed_blocked_receiver_takes_nothing)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_EQ(0, set_max_messages(self->h, 10));
	ASSERT_TRUE(peer_fork_blocks(r));
	mb_kill(r->tid);
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-waiting-receivers"));
	EXPECT_EQ(0, num_send(self->h, 7, 0, 42));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(42, num_recv_type(self->h, MBOX_SELECT_EQUAL, 7));
}

TEST_F(full_mailbox, g13_receiver_that_a_fatal_signal_woke_takes_nothing)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_EQ(0, set_max_messages(self->h, 10));
	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	EXPECT_EQ(0, num_send(self->h, 7, 0, 42));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(42, num_recv_type(self->h, MBOX_SELECT_EQUAL, 7));
}

/* Handed over, then stopped before it ran, then let go on. */
TEST_F(full_mailbox, g13_message_handed_to_a_stopped_receiver_is_not_lost)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 0, 42));
	EXPECT_EQ(0, kill(r->tid, SIGSTOP));
	ASSERT_EQ(0, cpu_release());
	ASSERT_EQ(r->tid, waitpid(r->tid, NULL, WUNTRACED));
	ASSERT_EQ(0, kill(r->tid, SIGCONT));
	EXPECT_EQ(42, peer_number(r));
	EXPECT_EQ(2, mb_messages(self->h));
}

TEST_F(full_mailbox, g13_large_message_comes_back_whole)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);
	const __u32 len = 100000;
	char *buf = malloc(len);
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.type = 7,
		.buf = (unsigned long)buf,
		.len = len,
	};
	__u32 i;

	ASSERT_TRUE(buf != NULL);
	for (i = 0; i < len; i++)
		buf[i] = i % 251;
	r->args.len = len;
	r->args.buf = (unsigned long)mmap(NULL, len, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, mb_send(self->h, &args));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	memset(buf, 0, len);
	args.select = MBOX_SELECT_EQUAL;
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(len, args.out_len);
	for (i = 0; i < len && buf[i] == (char)(i % 251); i++)
		;
	EXPECT_EQ(len, i);
}

TEST_HARNESS_MAIN
