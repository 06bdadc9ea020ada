// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Rendezvous: SEND with MBOX_SYNC, which returns when its message was received.
 * The receiver sees a message like any other. Signals are in interrupt.c.
 */
#include "mbox_halt.h"
#include "mbox_call.h"

#define LONG_TIME	(30 * NSEC_PER_SEC)

FIXTURE(rendezvous) {
	int r, s;		/* a mailbox for one message, by its ends */
	struct peer *p;		/* sends 42, type 7, priority 3 */
	__u64 user_bytes;
};

FIXTURE_SETUP(rendezvous)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &self->r, &self->s));
	self->p = peer_sync(self->s, 7, 3, 42);
	self->user_bytes = user_bytes();
}

/* Whatever happened: nothing of it is left. */
FIXTURE_TEARDOWN(rendezvous)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

TEST_F(rendezvous, send_returns_when_it_was_received)
{
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(1, mb_messages(self->r));
	ASSERT_TRUE(peer_sleeps(self->p));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(0, self->p->args.id);
}

/* The payload came, but nobody was told of it: it was not received. */
TEST_F(rendezvous, g02_leased_in_vain_it_waits_on)
{
	struct mbox_msg_args *args = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u32 number, token;

	ASSERT_TRUE(peer_calls(self->p));
	args->flags = MBOX_WAIT_NONE | MBOX_LEASE;
	args->buf = (unsigned long)&number;
	args->len = sizeof(number);
	ASSERT_EQ(0, mprotect(args, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->r, MBOX_IOC_RECV, args));
	ASSERT_TRUE(peer_sleeps(self->p));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(1, mb_stat_of(self->r).calls);
	EXPECT_EQ(42, num_lease(self->r, &token));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_DONE));
}

TEST_F(rendezvous, receiver_sees_a_message_like_any_other)
{
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(0, args.out_flags);
	EXPECT_EQ(0, args.out_token);
	EXPECT_EQ(0, args.out_reply_max);
	EXPECT_EQ(7, args.out_type);
	EXPECT_EQ(3, args.out_priority);
	EXPECT_EQ(getpid(), args.out_pid);
	EXPECT_EQ(1, args.out_deliveries);
	EXPECT_EQ(0, peer_join(self->p));
}

TEST_F(rendezvous, counts_as_a_call_that_waits)
{
	struct mbox_stat_args st;

	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_EQ(0, mb_stat(self->r, &st));
	EXPECT_EQ(1, st.calls);
	EXPECT_EQ(0, st.tokens);
	EXPECT_EQ(1, st.sent);
	EXPECT_EQ(42, num_recv(self->r));
	ASSERT_EQ(0, mb_stat(self->r, &st));
	EXPECT_EQ(0, st.calls);
	EXPECT_EQ(1, st.received);
	EXPECT_EQ(0, peer_join(self->p));
}

TEST_F(rendezvous, receiver_that_waits_gets_it)
{
	struct peer *waits = peer_recv(self->r);

	ASSERT_TRUE(peer_blocks(waits));
	EXPECT_EQ(0, mb_send(self->s, &self->p->args));
	EXPECT_EQ(42, peer_number(waits));
	EXPECT_EQ(0, waits->args.out_flags);
	EXPECT_TRUE(mb_poisoned(&self->p->args));
}

TEST_F(rendezvous, read_and_a_cut_receive_will_do)
{
	struct peer *cut = peer_sync(self->s, 7, 3, 43);
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
	};
	char buf[8];

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(4, mb_read(self->r, buf, sizeof(buf)));
	EXPECT_EQ(0, peer_join(self->p));
	ASSERT_TRUE(peer_calls(cut));
	EXPECT_EQ(0, mb_recv(self->r, &args));
	EXPECT_EQ(0, peer_join(cut));
}

TEST_F(rendezvous, peek_will_not_do)
{
	struct mbox_msg_args args = { .flags = MBOX_PEEK };

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(0, args.out_flags);
	EXPECT_EQ(1, mb_stat_of(self->r).calls);
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

TEST_F(rendezvous, g02_receive_that_fails_will_not_do)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE, .buf = 8 };

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(-EMSGSIZE, mb_recv(self->r, &args));
	args.len = 4;
	EXPECT_EQ(-EFAULT, mb_recv(self->r, &args));
	EXPECT_EQ(1, mb_stat_of(self->r).calls);
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

/* It was received; what becomes of it then is the receiver's business. */
TEST_F(rendezvous, lease_will_do)
{
	struct mbox_msg_args args = { .flags = 0 };
	__u32 token;

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_lease(self->r, &token));
	EXPECT_NE(0, token);
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(0, mb_stat_of(self->r).calls);
	EXPECT_EQ(-EINVAL, num_reply(self->r, token, 43));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_BACK));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, args.out_flags);
	EXPECT_EQ(2, args.out_deliveries);
}

TEST_F(rendezvous, is_served_in_the_order_of_messages)
{
	struct peer *urgent = peer_sync(self->s, 7, 4, 43);

	ASSERT_EQ(0, mb_set_max_messages(self->r, 3));
	ASSERT_EQ(0, num_send(self->s, 0, 3, 1));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(peer_calls(urgent));
	EXPECT_EQ(43, num_recv(self->r));
	EXPECT_EQ(0, peer_join(urgent));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

TEST_F(rendezvous, g10_sender_pays_for_no_reply)
{
	__u64 message;

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	message = user_bytes() - self->user_bytes;
	EXPECT_EQ(1, num_recv(self->r));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(self->user_bytes + message, user_bytes());
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

#define SENDERS	4
#define ROUNDS	200

/* Never more than one ahead. */
static long sends_in_step(struct peer *p)
{
	struct mbox_msg_args args = { .flags = MBOX_SYNC };
	int i;

	for (i = 0; i < ROUNDS; i++) {
		long ret = mb_send(p->fd, &args);

		if (ret)
			return ret;
		__atomic_add_fetch(&p->args.id, 1, __ATOMIC_SEQ_CST);
	}
	return 0;
}

TEST_F(rendezvous, g03_none_returns_before_its_message_was_received)
{
	struct peer *p[SENDERS];
	__u64 returned;
	int i, j;

	ASSERT_EQ(0, mb_set_max_messages(self->r, 2));
	for (i = 0; i < SENDERS; i++) {
		p[i] = peer_new(self->s, sends_in_step);
		ASSERT_TRUE(i % 2 ? peer_start(p[i]) : peer_fork(p[i]));
	}
	for (i = 0; i < SENDERS * ROUNDS; i++) {
		struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };

		for (returned = j = 0; j < SENDERS; j++)
			returned += __atomic_load_n(&p[j]->args.id,
						    __ATOMIC_SEQ_CST);
		ASSERT_GE(i, returned);
		ASSERT_EQ(0, mb_recv(self->r, &args));
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, peer_join(p[i]));
}

/* ---- a full mailbox ---- */

TEST_F(rendezvous, waits_for_room_and_then_for_the_receiver)
{
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(senders_blocked(self->r, 1));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(0, mb_stat_of(self->r).waiting_senders);
	EXPECT_EQ(1, mb_stat_of(self->r).calls);
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

TEST_F(rendezvous, is_found_by_who_selects_it_while_it_waits_for_room)
{
	ASSERT_EQ(0, num_send(self->s, 0, 9, 1));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(senders_blocked(self->r, 1));
	EXPECT_EQ(42, num_recv_type(self->r, MBOX_SELECT_EQUAL, 7));
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(1, num_recv(self->r));
}

TEST_F(rendezvous, o_nonblock_concerns_room_alone)
{
	int s = mb_narrow(self->s, MBOX_SEND | MBOX_NONBLOCK, 0);

	ASSERT_LE(0, s);
	self->p->fd = s;
	self->p->args.flags = MBOX_SYNC;
	ASSERT_EQ(0, num_send(self->s, 0, 9, 1));
	EXPECT_EQ(-EAGAIN, mb_send(s, &self->p->args));
	EXPECT_EQ(0, mb_stat_of(self->r).calls);
	EXPECT_EQ(1, num_recv(self->r));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(peer_sleeps(self->p));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
	close(s);
}

/* ---- other ends ---- */

TEST_F(rendezvous, g06_is_told_that_nobody_can_receive_it)
{
	struct peer *blocked = peer_sync(self->s, 7, 3, 43);

	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(peer_calls(blocked));
	ASSERT_TRUE(senders_blocked(self->s, 1));
	close(self->r);
	EXPECT_EQ(-EPIPE, peer_join(self->p));
	EXPECT_EQ(-EPIPE, peer_join(blocked));
	EXPECT_EQ(-EPIPE, mb_send(self->s, &self->p->args));
}

TEST_F(rendezvous, is_told_that_it_became_too_long)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 3,
	};

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(senders_blocked(self->r, 1));
	ASSERT_EQ(0, mb_set(self->r, &set));
	EXPECT_EQ(-EMSGSIZE, peer_join(self->p));
	EXPECT_EQ(-EMSGSIZE, mb_send(self->s, &self->p->args));
	EXPECT_EQ(1, num_recv(self->r));
}

TEST_F(rendezvous, g05_deadline_takes_it_back)
{
	peer_until(self->p, mb_in(20 * NSEC_PER_MSEC));
	EXPECT_EQ(-ETIMEDOUT, mb_send(self->s, &self->p->args));
	EXPECT_LE(self->p->args.deadline, mb_now(CLOCK_MONOTONIC));
	EXPECT_EQ(0, self->p->args.id);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	/* From where it waits for room, too. */
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	peer_until(self->p, mb_in(20 * NSEC_PER_MSEC));
	EXPECT_EQ(-ETIMEDOUT, mb_send(self->s, &self->p->args));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
}

TEST_F(rendezvous, deadline_that_has_not_come_does_not_matter)
{
	peer_until(self->p, mb_in(LONG_TIME));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

TEST_F(rendezvous, g13_kill_of_the_sender_takes_it_back)
{
	ASSERT_TRUE(peer_fork_calls(self->p));
	mb_kill(self->p->tid);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	EXPECT_EQ(0, mb_stat_of(self->r).calls);
}

TEST_F(rendezvous, g06_is_never_dropped)
{
	ASSERT_EQ(0, mb_set_overflow(self->r, MBOX_OVERFLOW_DROP));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(-EAGAIN, num_send(self->s, 0, 9, 1));
	EXPECT_EQ(0, mb_drops(self->r));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

/* ---- while it is copied ---- */

FIXTURE(rendezvous_in_hand) {
	int r, s;		/* a mailbox for one message, by its ends */
	struct peer *p;		/* sends 42, a process */
	struct peer *receiver;	/* has it, and is stopped */
	struct stall stall;
	__u64 user_bytes;
};

FIXTURE_SETUP(rendezvous_in_hand)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &self->r, &self->s));
	self->user_bytes = user_bytes();
	self->p = peer_sync(self->s, 7, 3, 42);
	ASSERT_TRUE(peer_fork_calls(self->p));
	ASSERT_TRUE(stall_init(&self->stall));
	self->receiver = peer_recv(self->r);
	self->receiver->args.buf = (unsigned long)self->stall.page;
	ASSERT_TRUE(peer_start(self->receiver));
	ASSERT_TRUE(stalled(&self->stall));
}

FIXTURE_TEARDOWN(rendezvous_in_hand)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

TEST_F(rendezvous_in_hand, g03_sender_waits_until_it_is_copied)
{
	ASSERT_TRUE(peer_sleeps(self->p));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(1, mb_stat_of(self->r).calls);
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->receiver));
	EXPECT_EQ(0, peer_join(self->p));
}

TEST_F(rendezvous_in_hand, g02_fault_lets_the_sender_wait_on)
{
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->receiver));
	EXPECT_EQ(1, mb_stat_of(self->r).calls);
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(0, peer_join(self->p));
}

/* A message that somebody already has is received, whoever waits for that. */
TEST_F(rendezvous_in_hand, arrives_though_the_sender_is_killed)
{
	mb_kill(self->p->tid);
	EXPECT_EQ(0, mb_stat_of(self->r).calls);
	EXPECT_EQ(1, mb_messages(self->r));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->receiver));
	EXPECT_EQ(42, *(__u32 *)self->stall.page);
	EXPECT_EQ(0, self->receiver->args.out_flags);
	EXPECT_EQ(1, mb_stat_of(self->r).received);
}

TEST_F(rendezvous_in_hand, goes_with_its_sender_if_it_faults)
{
	mb_kill(self->p->tid);
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->receiver));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
}

TEST_HARNESS_MAIN
