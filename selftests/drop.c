// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The drop policy: a full mailbox that drops messages instead of letting senders
 * wait; which it drops, how many, and who is told.
 */
#include "mbox_peer.h"

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
	EXPECT_EQ(1, mb_drops(self->h));
	EXPECT_EQ(0, num_send(self->h, 1, 5, 5));
	EXPECT_EQ(2, mb_drops(self->h));
	EXPECT_EQ(0, num_send(self->h, 1, 5, 6));
	EXPECT_EQ(3, mb_drops(self->h));
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
	EXPECT_EQ(0, mb_drops(self->h));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, mb_drops(self->h));
}

TEST_F(dropping_mailbox, tells_the_count_of_drops_in_every_header)
{
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(2, num_recv_args(self->h, &args));
	EXPECT_EQ(0, args.out_drops);
	EXPECT_EQ(0, num_send(self->h, 1, 9, 4));
	EXPECT_EQ(0, mb_drops(self->h));
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
	EXPECT_EQ(0, mb_drops(self->h));
	EXPECT_EQ(4, mb_messages(self->h));
}

TEST_F(dropping_mailbox, g10_dropped_messages_are_given_back_to_the_user)
{
	struct mbox_query_args before, after;
	int i;

	ASSERT_EQ(0, mb_query(&before));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 9, i));
	EXPECT_EQ(20, mb_drops(self->h));
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
	EXPECT_EQ(64, mb_drops(h));
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
	EXPECT_EQ(64, mb_drops(h));
	/* Receives make the rest of the room. */
	for (i = 36; i > 20; i--)
		ASSERT_EQ(1, mb_get(h, &(char){0}, 1));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(64, mb_drops(h));
	EXPECT_EQ(21, mb_messages(h));
}

TEST(sends_that_may_not_wait_get_in_by_and_by)
{
	struct mbox_msg_args large = {
		.buf = (unsigned long)calloc(1, 100), .len = 100,
		.flags = MBOX_WAIT_NONE,
	};
	int h;

	MB_NEED_DEVICE();
	h = drops_bytes(100);
	ASSERT_LE(0, h);
	EXPECT_EQ(-EAGAIN, mb_send(h, &large));
	EXPECT_EQ(64, mb_drops(h));
	EXPECT_EQ(0, mb_send(h, &large));
	EXPECT_EQ(100, mb_drops(h));
	EXPECT_EQ(1, mb_messages(h));
}

/* A full mailbox of 100 bytes: 50 urgent ones, @low others; and a send of 80. */
static struct peer *blocked_by_urgent(int *h, int low)
{
	struct mbox_msg_args urgent = {
		.buf = (unsigned long)calloc(1, 100), .len = 50, .priority = 9,
	};
	struct peer *p;

	*h = drops_bytes(low);
	p = peer_send(*h, 0, 5, 1);
	p->args.buf = urgent.buf;
	p->args.len = 80;
	return *h < 0 || mb_send(*h, &urgent) ? NULL : p;
}

TEST(g04_receive_of_what_was_in_the_way_lets_a_sender_drop)
{
	struct peer *p;
	char buf[100];
	int h;

	MB_NEED_DEVICE();
	p = blocked_by_urgent(&h, 50);
	ASSERT_NE(NULL, p);
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_EQ(0, mb_drops(h));
	EXPECT_EQ(50, mb_get(h, buf, sizeof(buf)));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(30, mb_drops(h));
}

TEST(g04_sender_that_is_killed_lets_the_next_drop)
{
	struct peer *p, *next;
	int h;

	MB_NEED_DEVICE();
	p = blocked_by_urgent(&h, 50);
	ASSERT_NE(NULL, p);
	ASSERT_TRUE(peer_fork_blocks(p));
	next = peer_send(h, 0, 0, 2);
	ASSERT_TRUE(peer_blocks(next));
	mb_kill(p->tid);
	EXPECT_EQ(0, peer_join(next));
	EXPECT_EQ(4, mb_drops(h));
}

TEST(g02_send_drops_nothing_in_vain)
{
	char buf[100] = "";
	struct mbox_msg_args urgent = {
		.buf = (unsigned long)buf, .len = 50, .priority = 9,
	};
	struct mbox_msg_args large = {
		.buf = (unsigned long)buf, .len = 80, .priority = 5,
		.flags = MBOX_WAIT_NONE,
	};
	int h;

	MB_NEED_DEVICE();
	h = drops_bytes(50);
	ASSERT_LE(0, h);
	ASSERT_EQ(0, mb_send(h, &urgent));
	EXPECT_EQ(-EAGAIN, mb_send(h, &large));
	EXPECT_EQ(0, mb_drops(h));
	EXPECT_EQ(51, mb_messages(h));
	large.len = 50;
	EXPECT_EQ(0, mb_send(h, &large));
	EXPECT_EQ(50, mb_drops(h));
}

TEST_HARNESS_MAIN
