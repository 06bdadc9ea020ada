// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A full mailbox: who waits for room, who gets it, and what SET changes.
 */
#include "mbox_peer.h"

/* ---- full of messages ---- */

FIXTURE(full_mailbox) {
	int h;		/* two messages fit, and are there: 100, 101 */
	struct peer *p[4];
};

FIXTURE_SETUP(full_mailbox)
{
	MB_NEED_DEVICE();
	self->h = peer_full_mailbox(self->p);
	ASSERT_LE(0, self->h);
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
	ASSERT_EQ(0, mb_set_max_messages(self->h, 4));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(0, peer_join(self->p[1]));
	EXPECT_EQ(2, waiting_senders(self->h));
	EXPECT_EQ(4, mb_messages(self->h));
	ASSERT_EQ(0, mb_set_max_messages(self->h, 6));
	EXPECT_EQ(0, peer_join(self->p[2]));
	EXPECT_EQ(0, peer_join(self->p[3]));
}

TEST_F(full_mailbox, lowering_the_limit_drops_nothing_and_stops_sends)
{
	ASSERT_EQ(0, mb_set_max_messages(self->h, 1));
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
	ASSERT_EQ(0, mb_set_overflow(self->h, MBOX_OVERFLOW_DROP));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(1, mb_drops(self->h));
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

TEST_HARNESS_MAIN
