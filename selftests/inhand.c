// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A message in hand: it was taken, and is being copied out when something else
 * happens. userfaultfd stops the copy for as long as a test needs.
 */
#include "mbox_halt.h"

FIXTURE(message_in_hand) {
	int h;			/* two messages fit */
	struct peer *p;		/* it has number 1, and is stopped */
	struct stall stall;
};

FIXTURE_SETUP(message_in_hand)
{
	MB_NEED_DEVICE();
	self->h = mb_create_small(2);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, num_send(self->h, 1, 5, 1));
	ASSERT_TRUE(stall_init(&self->stall));
	self->p = peer_recv(self->h);
	self->p->args.buf = (unsigned long)self->stall.page;
	ASSERT_TRUE(peer_start(self->p));
	ASSERT_TRUE(stalled(&self->stall));
}

FIXTURE_TEARDOWN(message_in_hand)
{
}

TEST_F(message_in_hand, arrives_when_it_is_copied)
{
	EXPECT_FALSE(peer_done(self->p));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(1, *(__u32 *)self->stall.page);
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(message_in_hand, counts_as_held_but_nobody_else_sees_it)
{
	struct mbox_msg_args peek = { .flags = MBOX_PEEK };
	struct mbox_stat_args st;

	ASSERT_EQ(0, mb_stat(self->h, &st));
	EXPECT_EQ(1, st.messages);
	EXPECT_EQ(4, st.bytes);
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv_args(self->h, &peek));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->p));
	ASSERT_EQ(0, mb_stat(self->h, &st));
	EXPECT_EQ(0, st.messages);
	EXPECT_EQ(0, st.bytes);
}

TEST_F(message_in_hand, keeps_its_room)
{
	struct peer *s = peer_send(self->h, 2, 0, 3);

	EXPECT_EQ(0, num_send(self->h, 2, 0, 2));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 2, 0, 3));
	ASSERT_TRUE(peer_blocks(s));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(2, mb_messages(self->h));
}

TEST_F(message_in_hand, is_not_dropped)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 1,
	};
	struct mbox_stat_args st;

	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 2, 9, 2));
	ASSERT_EQ(0, mb_stat(self->h, &st));
	EXPECT_EQ(0, st.drops);
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->p));
	EXPECT_EQ(1, num_recv(self->h));
}

TEST_F(message_in_hand, g04_coming_back_lets_a_sender_drop_it)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 1,
	};
	struct peer *s = peer_send(self->h, 2, 9, 2);

	ASSERT_EQ(0, mb_set(self->h, &args));
	ASSERT_TRUE(peer_blocks(s));
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->p));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(2, num_recv(self->h));
}

TEST_F(message_in_hand, g02_comes_back_to_its_place)
{
	EXPECT_EQ(0, num_send(self->h, 2, 5, 2));
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->p));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_F(message_in_hand, g02_comes_back_after_others_were_taken_meanwhile)
{
	EXPECT_EQ(0, num_send(self->h, 2, 5, 2));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(0, num_send(self->h, 2, 5, 3));
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->p));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
}

TEST_F(message_in_hand, g02_comes_back_to_one_who_waits)
{
	struct peer *other = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 2);
	struct peer *next = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 1);

	ASSERT_TRUE(peer_blocks(other));
	ASSERT_TRUE(peer_blocks(next));
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->p));
	EXPECT_EQ(1, peer_number(next));
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-waiting-receivers"));
}

static long peer_polls(struct peer *p)
{
	struct pollfd poll_fd = { .fd = p->fd, .events = POLLIN };

	return poll(&poll_fd, 1, -1) == 1 ? poll_fd.revents : -errno;
}

TEST_F(message_in_hand, coming_back_wakes_poll)
{
	struct peer *poller = peer_new(self->h, peer_polls);

	ASSERT_TRUE(peer_start(poller) && peer_sleeps(poller));
	EXPECT_FALSE(peer_done(poller));
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(POLLIN, peer_join(poller));
	EXPECT_EQ(-EFAULT, peer_join(self->p));
}

/* ---- the end waits for it ---- */

FIXTURE(last_message_in_hand) {
	int r;
	struct peer *p, *next;	/* one has it, the other waits */
	struct stall stall;
};

FIXTURE_SETUP(last_message_in_hand)
{
	int h;

	MB_NEED_DEVICE();
	h = mb_create_anon();
	ASSERT_LE(0, h);
	ASSERT_EQ(0, num_send(h, 1, 5, 1));
	self->r = mb_narrow(h, MBOX_RECV, 0);
	ASSERT_LE(0, self->r);
	ASSERT_TRUE(stall_init(&self->stall));
	self->p = peer_recv(self->r);
	self->p->args.buf = (unsigned long)self->stall.page;
	ASSERT_TRUE(peer_start(self->p));
	ASSERT_TRUE(stalled(&self->stall));
	close(h);
	self->next = peer_recv(self->r);
	ASSERT_TRUE(peer_blocks(self->next));
}

FIXTURE_TEARDOWN(last_message_in_hand)
{
}

TEST_F(last_message_in_hand, end_comes_when_it_has_arrived)
{
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(-EPIPE, peer_join(self->next));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(last_message_in_hand, g02_comes_back_to_one_who_waits_for_the_end)
{
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->p));
	EXPECT_EQ(1, peer_number(self->next));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

/* ---- on the way in, and peeks ---- */

FIXTURE(stalled_copy) {
	int h;
	struct stall stall;
};

FIXTURE_SETUP(stalled_copy)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_TRUE(stall_init(&self->stall));
}

FIXTURE_TEARDOWN(stalled_copy)
{
	close(self->h);
}

TEST_F(stalled_copy, send_holds_up_nobody)
{
	struct peer *s = peer_send(self->h, 0, 9, 0);

	s->args.buf = (unsigned long)self->stall.page;
	ASSERT_TRUE(peer_start(s));
	ASSERT_TRUE(stalled(&self->stall));
	EXPECT_EQ(0, mb_messages(self->h));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 2));
	EXPECT_EQ(2, num_recv(self->h));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(0, num_recv(self->h));
}

TEST_F(stalled_copy, send_that_became_too_long_meanwhile_is_refused)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE, .max_message_size = 3,
	};
	struct peer *s = peer_send(self->h, 0, 9, 0);

	s->args.buf = (unsigned long)self->stall.page;
	ASSERT_TRUE(peer_start(s));
	ASSERT_TRUE(stalled(&self->stall));
	ASSERT_EQ(0, mb_set(self->h, &args));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(-EMSGSIZE, peer_join(s));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(stalled_copy, g02_send_that_faults_late_leaves_nothing)
{
	struct peer *s = peer_send(self->h, 0, 9, 0);
	struct mbox_query_args before, after;

	ASSERT_EQ(0, mb_query(&before));
	s->args.buf = (unsigned long)self->stall.page;
	ASSERT_TRUE(peer_start(s));
	ASSERT_TRUE(stalled(&self->stall));
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(s));
	EXPECT_EQ(0, mb_messages(self->h));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

TEST_F(stalled_copy, g01_peek_sees_a_message_that_is_taken_meanwhile)
{
	struct peer *p = peer_recv(self->h);

	p->args.flags |= MBOX_PEEK;
	p->args.buf = (unsigned long)self->stall.page;
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(stalled(&self->stall));
	EXPECT_EQ(42, num_recv(self->h));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 43));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(42, *(__u32 *)self->stall.page);
	EXPECT_EQ(43, num_recv(self->h));
}

TEST_F(stalled_copy, g10_peeked_message_counts_until_the_peek_ends)
{
	struct peer *p = peer_recv(self->h);

	p->args.flags |= MBOX_PEEK;
	p->args.buf = (unsigned long)self->stall.page;
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(stalled(&self->stall));
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(42, num_recv(self->h));
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(stalled_copy, g10_peeked_message_is_not_dropped)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 2,
	};
	struct peer *p = peer_recv(self->h);

	ASSERT_EQ(0, mb_set(self->h, &args));
	p->args.flags |= MBOX_PEEK;
	p->args.buf = (unsigned long)self->stall.page;
	ASSERT_EQ(0, num_send(self->h, 0, 0, 1));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 2));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(stalled(&self->stall));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 3));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
}

TEST_F(stalled_copy, g04_end_of_a_peek_lets_a_sender_drop_the_message)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 1,
	};
	struct peer *p = peer_recv(self->h), *s = peer_send(self->h, 0, 0, 2);

	ASSERT_EQ(0, mb_set(self->h, &args));
	p->args.flags |= MBOX_PEEK;
	p->args.buf = (unsigned long)self->stall.page;
	ASSERT_EQ(0, num_send(self->h, 0, 0, 1));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(stalled(&self->stall));
	ASSERT_TRUE(peer_blocks(s));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(2, num_recv(self->h));
}

TEST_F(stalled_copy, g03_message_that_is_being_copied_beats_the_deadline)
{
	struct peer *p = peer_recv(self->h);

	peer_until(p, mb_in(50 * NSEC_PER_MSEC));
	p->args.buf = (unsigned long)self->stall.page;
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(stalled(&self->stall));
	ASSERT_TRUE(wait_until(mb_now(CLOCK_MONOTONIC) > p->args.deadline));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(42, *(__u32 *)self->stall.page);
}

/* ---- killed in the middle ---- */

/* In a process of its own, which stays stopped until it is killed. */
static long stalls_for_good(struct peer *p)
{
	struct stall stall;

	if (!stall_init(&stall))
		return -ENOTSUP;
	p->args.buf = (unsigned long)stall.page;
	return mb_ioctl(p->fd, p->cmd, &p->args);
}

TEST_F(stalled_copy, g13_killed_receiver_gives_its_message_back)
{
	struct mbox_msg_args peek = { .flags = MBOX_PEEK };
	struct peer *p = peer_recv(self->h);

	p->fn = stalls_for_good;
	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_TRUE(peer_fork(p));
	ASSERT_TRUE(wait_until(num_recv_args(self->h, &peek) == -EAGAIN));
	EXPECT_EQ(0, num_send(self->h, 2, 0, 2));
	EXPECT_EQ(2, mb_messages(self->h));
	mb_kill(p->tid);
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(2, num_recv(self->h));
}

TEST_F(stalled_copy, g13_killed_receiver_gives_its_message_to_one_who_waits)
{
	struct mbox_msg_args peek = { .flags = MBOX_PEEK };
	struct peer *p = peer_recv(self->h), *next = peer_recv(self->h);

	p->fn = stalls_for_good;
	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_TRUE(peer_fork(p));
	ASSERT_TRUE(wait_until(num_recv_args(self->h, &peek) == -EAGAIN));
	ASSERT_TRUE(peer_blocks(next));
	mb_kill(p->tid);
	EXPECT_EQ(1, peer_number(next));
}

TEST_F(stalled_copy, g13_killed_sender_leaves_nothing)
{
	struct mbox_query_args before, after;
	struct peer *p = peer_send(self->h, 0, 0, 1);

	ASSERT_EQ(0, mb_query(&before));
	p->fn = stalls_for_good;
	ASSERT_TRUE(peer_fork(p));
	ASSERT_TRUE(peer_sleeps(p));
	mb_kill(p->tid);
	EXPECT_FALSE(peer_done(p));
	EXPECT_EQ(0, mb_messages(self->h));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

TEST_HARNESS_MAIN
