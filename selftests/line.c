// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Several receivers that wait: who is served first, and what those see who
 * cannot take the message or only look at it.
 */
#include "mbox_peer.h"

FIXTURE(waiting_line) {
	int h;
	struct peer *p[5];
};

FIXTURE_SETUP(waiting_line)
{
	unsigned int i;

	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	for (i = 0; i < ARRAY_SIZE(self->p); i++)
		self->p[i] = peer_recv(self->h);
}

FIXTURE_TEARDOWN(waiting_line)
{
	close(self->h);
}

TEST_F(waiting_line, first_come_is_first_served)
{
	int i;

	for (i = 0; i < 5; i++)
		ASSERT_TRUE(peer_blocks(self->p[i]));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, num_send(self->h, 0, 0, i));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(i, peer_number(self->p[i]));
}

TEST_F(waiting_line, realtime_is_served_by_priority_before_all_others)
{
	static const int policy[] = {
		SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_OTHER, SCHED_FIFO,
	};
	static const int priority[] = { 0, 10, 20, 0, 20 };
	static const int order[] = { 2, 4, 1, 0, 3 };
	int i;

	for (i = 0; i < 5; i++) {
		self->p[i]->policy = policy[i];
		self->p[i]->rt_priority = priority[i];
		ASSERT_TRUE(peer_blocks(self->p[i]));
	}
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, num_send(self->h, 0, 0, i));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(i, peer_number(self->p[order[i]]));
}

TEST_F(waiting_line, realtime_is_served_first_among_those_of_one_type)
{
	int i;

	for (i = 0; i < 3; i++) {
		self->p[i]->args.select = MBOX_SELECT_EQUAL;
		self->p[i]->args.type = 5;
	}
	self->p[1]->policy = SCHED_FIFO;
	self->p[1]->rt_priority = 3;
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(peer_blocks(self->p[i]));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, num_send(self->h, 5, 0, i));
	EXPECT_EQ(0, peer_number(self->p[1]));
	EXPECT_EQ(1, peer_number(self->p[0]));
	EXPECT_EQ(2, peer_number(self->p[2]));
}

TEST_F(waiting_line, realtime_is_served_first_whatever_it_waits_for)
{
	self->p[1]->args.select = MBOX_SELECT_EQUAL;
	self->p[1]->args.type = 5;
	self->p[2]->args.select = MBOX_SELECT_NOT_EQUAL;
	self->p[2]->policy = SCHED_FIFO;
	self->p[2]->rt_priority = 1;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	ASSERT_TRUE(peer_blocks(self->p[2]));
	ASSERT_EQ(0, num_send(self->h, 5, 0, 0));
	ASSERT_EQ(0, num_send(self->h, 5, 0, 1));
	ASSERT_EQ(0, num_send(self->h, 5, 0, 2));
	EXPECT_EQ(0, peer_number(self->p[2]));
	EXPECT_EQ(1, peer_number(self->p[0]));
	EXPECT_EQ(2, peer_number(self->p[1]));
}

TEST_F(waiting_line, too_small_a_buffer_is_told_and_the_next_is_served)
{
	self->p[0]->args.len = 3;
	self->p[1]->args.len = 0;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	ASSERT_TRUE(peer_blocks(self->p[2]));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(-EMSGSIZE, peer_join(self->p[0]));
	EXPECT_EQ(4, self->p[0]->args.out_len);
	EXPECT_EQ(0, self->p[0]->args.out_seq);
	EXPECT_EQ(-EMSGSIZE, peer_join(self->p[1]));
	EXPECT_EQ(4, self->p[1]->args.out_len);
	EXPECT_EQ(42, peer_number(self->p[2]));
}

TEST_F(waiting_line, too_small_buffers_all_leave_the_message_in_the_queue)
{
	self->p[0]->args.len = 3;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(-EMSGSIZE, peer_join(self->p[0]));
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(waiting_line, small_buffer_with_truncate_is_served)
{
	self->p[0]->args.len = 0;
	self->p[0]->args.flags |= MBOX_TRUNCATE;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(0, peer_join(self->p[0]));
	EXPECT_EQ(4, self->p[0]->args.out_len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, self->p[0]->args.out_flags);
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(waiting_line, g02_bad_buffer_of_a_waiter_leaves_the_message)
{
	self->p[0]->args.buf = (unsigned long)mb_page_end();
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(-EFAULT, peer_join(self->p[0]));
	EXPECT_TRUE(mb_poisoned(&self->p[0]->args));
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(waiting_line, g02_bad_buffer_of_a_waiter_gives_the_message_to_the_next)
{
	self->p[0]->args.buf = (unsigned long)mb_page_end();
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(-EFAULT, peer_join(self->p[0]));
	EXPECT_EQ(42, peer_number(self->p[1]));
}

TEST_F(waiting_line, peekers_see_what_the_next_receiver_takes)
{
	self->p[0]->args.flags |= MBOX_PEEK;
	self->p[1]->args.flags |= MBOX_PEEK;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	ASSERT_TRUE(peer_blocks(self->p[2]));
	ASSERT_EQ(0, num_send(self->h, 7, 3, 42));
	EXPECT_EQ(42, peer_number(self->p[0]));
	EXPECT_EQ(42, peer_number(self->p[1]));
	EXPECT_EQ(42, peer_number(self->p[2]));
	EXPECT_EQ(7, self->p[0]->args.out_type);
	EXPECT_EQ(self->p[2]->args.out_seq, self->p[0]->args.out_seq);
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(waiting_line, peeker_alone_leaves_the_message_in_the_queue)
{
	self->p[0]->args.flags |= MBOX_PEEK;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(self->p[0]));
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(waiting_line, peeker_with_too_small_a_buffer_is_told)
{
	self->p[0]->args.flags |= MBOX_PEEK;
	self->p[0]->args.len = 1;
	ASSERT_TRUE(peer_blocks(self->p[0]));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(-EMSGSIZE, peer_join(self->p[0]));
	EXPECT_EQ(4, self->p[0]->args.out_len);
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(waiting_line, peeker_after_a_place_waits_for_what_comes_behind_it)
{
	struct mbox_msg_args args = { .flags = MBOX_PEEK };
	struct peer *p = self->p[0];

	ASSERT_EQ(0, num_send(self->h, 0, 5, 1));
	ASSERT_EQ(1, num_recv_args(self->h, &args));
	p->args.flags |= MBOX_PEEK | MBOX_PEEK_AFTER;
	p->args.priority = args.out_priority;
	p->args.id = args.out_seq;
	ASSERT_TRUE(peer_blocks(p));
	/* More urgent: before that place, so it does not concern the peeker. */
	ASSERT_EQ(0, num_send(self->h, 0, 6, 2));
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-waiting-receivers"));
	ASSERT_EQ(0, num_send(self->h, 0, 5, 3));
	EXPECT_EQ(3, peer_number(p));
	EXPECT_EQ(3, mb_messages(self->h));
}

TEST(g02_send_that_fails_was_seen_by_nobody)
{
	struct peer *peeker, *small;
	int h;

	MB_NEED_DEVICE();
	h = mb_create_small(1);
	ASSERT_LE(0, h);
	peeker = peer_recv_type(h, MBOX_SELECT_EQUAL, 7);
	peeker->args.flags |= MBOX_PEEK;
	ASSERT_TRUE(peer_blocks(peeker));
	small = peer_recv_type(h, MBOX_SELECT_EQUAL, 7);
	small->args.len = 1;
	ASSERT_TRUE(peer_blocks(small));
	ASSERT_EQ(0, num_send(h, 1, 0, 1));

	EXPECT_EQ(-EAGAIN, num_send(h, 7, 0, 2));
	EXPECT_EQ(2, mb_fdinfo(h, "mbox-waiting-receivers"));
	ASSERT_EQ(1, num_recv(h));
	EXPECT_EQ(0, num_send(h, 7, 0, 3));
	EXPECT_EQ(3, peer_number(peeker));
	EXPECT_EQ(-EMSGSIZE, peer_join(small));
	EXPECT_EQ(1, mb_messages(h));
}

TEST_HARNESS_MAIN
