// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a client or a worker that means no good could do with calls and leases, and
 * what it gets instead.
 */
#include "mbox_call.h"

FIXTURE(hostile) {
	int h;			/* for four messages */
	__u64 user_bytes;
};

FIXTURE_SETUP(hostile)
{
	MB_NEED_DEVICE();
	self->h = mb_create_small(4);
	ASSERT_LE(0, self->h);
	self->user_bytes = user_bytes();
}

FIXTURE_TEARDOWN(hostile)
{
	close(self->h);
}

/* Room that nobody but it could free, and a server that speaks for it there. */
TEST_F(hostile, g09_replies_come_only_where_their_caller_receives)
{
	int server = mb_create_anon();
	int send = mb_narrow(self->h, MBOX_SEND, 0);
	int recv = mb_narrow(self->h, MBOX_RECV, 0);
	__u32 token;

	EXPECT_EQ(-EBADF, num_call_async(server, send, 9, 8, 42));
	EXPECT_EQ(-EBADF, num_call_async(server, recv, 9, 8, 42));
	EXPECT_EQ(0, mb_messages(self->h));
	EXPECT_EQ(0, mb_messages(server));
	EXPECT_EQ(0, num_call_async(server, self->h, 9, 8, 42));
	EXPECT_EQ(42, num_take(server, &token));
	EXPECT_EQ(0, num_reply(server, token, 43));
	EXPECT_EQ(43, num_recv(self->h));
	close(server);
	close(send);
	close(recv);
}

/* Whether the user's account is charged for at least so much, and gets it back. */
static void expect_charged(struct __test_metadata *_metadata, int h, __u32 reply_max,
			   __u64 least)
{
	int server = mb_create_anon();
	__u64 before = user_bytes();
	__u32 token;

	ASSERT_EQ(0, num_call_async(server, h, 9, reply_max, 42));
	ASSERT_EQ(42, num_take(server, &token));
	ASSERT_EQ(0, num_finish(server, token, MBOX_FINISH_DONE));
	EXPECT_LE(before + least, user_bytes());
	EXPECT_EQ(0, num_recv(h));
	EXPECT_EQ(before, user_bytes());
	close(server);
}

TEST_F(hostile, g10_short_reply_is_charged_for_all_that_it_holds)
{
	const __u32 page = sysconf(_SC_PAGESIZE);
	__u32 large = 256 * page;

	expect_charged(_metadata, self->h, page / 2, page / 2);
	/* Its pages are given back, but not what told where they are. */
	expect_charged(_metadata, self->h, large, 256 * sizeof(__u32));
}

/* It waits each time, and so the limits do not keep the message from it. */
static long lease_for_ever(struct peer *p)
{
	struct mbox_msg_args args;
	long n;

	for (n = 0; n < 100; n++) {
		args = p->args;
		args.flags = MBOX_WAIT_FOREVER | MBOX_LEASE;
		if (mb_recv(p->fd, &args))
			break;
		__atomic_add_fetch((long *)p->arg, 1, __ATOMIC_RELEASE);
	}
	return n;
}

TEST_F(hostile, g10_leases_are_within_the_limits_by_themselves)
{
	struct peer *p = peer_recv(self->h);
	long leased = 0;
	int n;

	p->fn = lease_for_ever;
	p->arg = &leased;
	ASSERT_TRUE(peer_start(p));
	for (n = 0; n < 4; n++) {
		ASSERT_TRUE(receivers_blocked(self->h, 1));
		ASSERT_EQ(0, num_send(self->h, 0, 0, n));
		ASSERT_TRUE(wait_until(__atomic_load_n(&leased, __ATOMIC_ACQUIRE) == n + 1));
	}
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 0, 0, n));
	EXPECT_EQ(4, mb_stat_of(self->h).tokens);
}

/* A message that is withheld for that reason comes as soon as there is room. */
TEST_F(hostile, g04_end_of_a_lease_lets_a_message_through_a_full_mailbox)
{
	struct peer *worker = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);
	struct peer *sender = peer_send(self->h, 7, 0, 42);
	__u32 token[4];
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 0, i));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(i, num_lease(self->h, &token[i]));
	worker->args.flags |= MBOX_LEASE;
	ASSERT_TRUE(peer_blocks(worker));
	ASSERT_TRUE(peer_blocks(sender));
	/* Back: as full as before, but one lease less. */
	ASSERT_EQ(0, num_finish(self->h, token[0], MBOX_FINISH_BACK));
	EXPECT_EQ(0, peer_join(sender));
	EXPECT_EQ(42, peer_number(worker));
	EXPECT_EQ(5, mb_messages(self->h));
}

/* The same for a call, and for a receiver that comes when it is there. */
TEST_F(hostile, g04_end_of_a_lease_lets_a_call_through_a_full_mailbox)
{
	struct peer *caller = peer_call(self->h, 7, 0, 42);
	struct mbox_msg_args args = { .select = MBOX_SELECT_EQUAL, .type = 7 };
	__u32 token[4];
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 0, i));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(i, num_lease(self->h, &token[i]));
	ASSERT_TRUE(peer_calls(caller));
	EXPECT_EQ(-EAGAIN, num_recv_args(self->h, &args));
	EXPECT_EQ(0, poll_now(self->h) & POLLIN);
	ASSERT_EQ(0, num_finish(self->h, token[0], MBOX_FINISH_BACK));
	args.flags = 0;
	EXPECT_EQ(42, num_recv_args(self->h, &args));
	EXPECT_EQ(0, num_reply(self->h, args.out_token, 43));
	EXPECT_EQ(43, peer_reply(caller));
}

/* Who leases many for a moment does not prolong what others have. */
TEST_F(hostile, many_leases_that_end_at_once_end_at_once)
{
	enum { MANY = 10000 };
	int h = mb_create_small(MANY);
	struct mbox_ext ext = { .lease_time = 100 * NSEC_PER_MSEC };
	struct mbox_msg_args args = { .flags = 0 };
	__u64 end;
	int i;

	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, num_send(h, 0, 0, i));
	for (i = 0; i < MANY; i++) {
		args = (struct mbox_msg_args){
			.flags = MBOX_WAIT_NONE | MBOX_LEASE | MBOX_TRUNCATE,
		};
		ASSERT_EQ(0, mb_ext(h, MBOX_IOC_RECV, &args, &ext));
	}
	end = mb_now(CLOCK_MONOTONIC) + ext.lease_time;
	ASSERT_TRUE(wait_until(mb_now(CLOCK_MONOTONIC) >= end));
	/* Whether or not the last one went back already, its time is over. */
	EXPECT_EQ(-ESRCH, num_finish(h, args.out_token, MBOX_FINISH_DONE));
	EXPECT_TRUE(tokens_open(h, 0));
	EXPECT_EQ(MANY, mb_messages(h));
	close(h);
}

TEST_F(hostile, reply_goes_by_the_type_of_its_mailbox)
{
	struct mbox_create_args create = { .flags = MB_RW };
	int server = mb_create_anon(), h, badged;
	struct mbox_msg_args args;
	__u32 token;

	create.type_source = MBOX_TYPE_BADGE;
	h = mb_create(&create);
	badged = mb_narrow(h, MB_RW | MBOX_BADGE, 77);
	EXPECT_EQ(-EINVAL, num_call_async(server, badged, 9, 8, 42));
	ASSERT_EQ(0, num_call_async(server, badged, 0, 8, 42));
	ASSERT_EQ(42, num_take(server, &token));
	ASSERT_EQ(0, num_reply(server, token, 43));
	args = (struct mbox_msg_args){ .select = MBOX_SELECT_EQUAL, .type = 77 };
	EXPECT_EQ(43, num_recv_args(h, &args));
	close(badged);
	close(h);

	create.type_source = MBOX_TYPE_PID;
	h = mb_create(&create);
	ASSERT_EQ(0, num_call_async(server, h, 0, 8, 42));
	ASSERT_EQ(42, num_take(server, &token));
	ASSERT_EQ(0, num_reply(server, token, 43));
	args = (struct mbox_msg_args){ .select = MBOX_SELECT_EQUAL, .type = getpid() };
	EXPECT_EQ(43, num_recv_args(h, &args));
	close(h);
	close(server);
}

/* It was received once; that it came back makes it a message like any other. */
TEST_F(hostile, rendezvous_that_came_back_can_be_dropped)
{
	struct peer *p = peer_sync(self->h, 0, 0, 42);
	__u32 token;
	int i;

	ASSERT_EQ(0, mb_set_overflow(self->h, MBOX_OVERFLOW_DROP));
	ASSERT_TRUE(peer_calls(p));
	ASSERT_EQ(42, num_lease(self->h, &token));
	EXPECT_EQ(0, peer_join(p));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, num_send(self->h, 0, 0, i));
	EXPECT_EQ(1, mb_drops(self->h));
	EXPECT_EQ(0, num_recv(self->h));
}

TEST_HARNESS_MAIN
