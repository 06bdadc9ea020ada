// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Many messages in one system call: each is sent and received as if alone, they
 * stop at the first that cannot be, and only the first one waits.
 */
#include "mbox_call.h"
#include "mbox_peer.h"

#define MANY	MBOX_BATCH_MAX

FIXTURE(batch) {
	int h;
	struct mbox_msg_args *args;	/* MANY of them, without waiting */
	__u32 *numbers;			/* what each sends or receives */
};

FIXTURE_SETUP(batch)
{
	unsigned int i;

	MB_NEED_DEVICE();
	self->h = mb_create_small(2 * MANY);
	ASSERT_LE(0, self->h);
	self->args = calloc(MANY, sizeof(*self->args));
	self->numbers = calloc(MANY, sizeof(*self->numbers));
	ASSERT_NE(NULL, self->args);
	ASSERT_NE(NULL, self->numbers);
	for (i = 0; i < MANY; i++) {
		self->numbers[i] = i;
		self->args[i].flags = MBOX_WAIT_NONE;
		self->args[i].buf = (unsigned long)&self->numbers[i];
		self->args[i].len = sizeof(self->numbers[i]);
		mb_poison(&self->args[i]);
	}
}

FIXTURE_TEARDOWN(batch)
{
	close(self->h);
	free(self->args);
	free(self->numbers);
}

static int batch(int h, unsigned long cmd, struct mbox_msg_args *args, __u32 count)
{
	struct mbox_batch_args b = {
		.msgs = (unsigned long)args,
		.count = count,
	};

	return mb_ioctl(h, cmd, &b);
}

static int sendv(int h, struct mbox_msg_args *args, __u32 count)
{
	return batch(h, MBOX_IOC_SENDV, args, count);
}

static int recvv(int h, struct mbox_msg_args *args, __u32 count)
{
	return batch(h, MBOX_IOC_RECVV, args, count);
}

/* Where nothing may be read from, nor written to. */
static __u64 nowhere(void)
{
	return (unsigned long)mb_page_end();
}

TEST_F(batch, sends_and_receives_as_many_as_may_be)
{
	unsigned int i;

	EXPECT_EQ(MANY, sendv(self->h, self->args, MANY));
	EXPECT_EQ(MANY, mb_messages(self->h));
	memset(self->numbers, MB_POISON, MANY * sizeof(*self->numbers));
	EXPECT_EQ(MANY, recvv(self->h, self->args, MANY));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(i, self->numbers[i]);
		ASSERT_EQ(i + 1, self->args[i].out_seq);
		ASSERT_EQ(sizeof(__u32), self->args[i].out_len);
		ASSERT_EQ(getpid(), self->args[i].out_pid);
	}
	EXPECT_TRUE(all_over(self->h));
}

TEST_F(batch, of_none_or_too_many_is_refused)
{
	EXPECT_EQ(-EINVAL, sendv(self->h, self->args, 0));
	EXPECT_EQ(-EINVAL, sendv(self->h, self->args, MANY + 1));
	EXPECT_EQ(-EINVAL, recvv(self->h, self->args, 0));
	EXPECT_EQ(-EINVAL, recvv(self->h, self->args, MANY + 1));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(batch, without_the_right_is_refused)
{
	int r = mb_narrow(self->h, MBOX_RECV, 0);
	int w = mb_narrow(self->h, MBOX_SEND, 0);

	EXPECT_EQ(-EBADF, sendv(r, self->args, 1));
	EXPECT_EQ(-EBADF, recvv(w, self->args, 1));
	close(r);
	close(w);
}

TEST_F(batch, that_cannot_be_read_is_a_fault)
{
	EXPECT_EQ(-EFAULT, sendv(self->h, (void *)(unsigned long)nowhere(), 1));
	EXPECT_EQ(-EFAULT, recvv(self->h, (void *)(unsigned long)nowhere(), 1));
}

TEST_F(batch, keeps_order_by_priority)
{
	__u32 expected[] = { 3, 5, 1, 6, 0, 2, 4, 7 };
	unsigned int i, n = ARRAY_SIZE(typed);

	for (i = 0; i < n; i++) {
		self->args[i].type = typed[i].type;
		self->args[i].priority = typed[i].priority;
	}
	EXPECT_EQ((int)n, sendv(self->h, self->args, n));
	for (i = 0; i < n; i++) {
		self->args[i].type = 0;
		self->args[i].priority = 0;
	}
	EXPECT_EQ((int)n, recvv(self->h, self->args, MANY));
	for (i = 0; i < n; i++) {
		EXPECT_EQ(expected[i], self->numbers[i]);
		EXPECT_EQ(typed[expected[i]].type, self->args[i].out_type);
		EXPECT_EQ(typed[expected[i]].priority, self->args[i].out_priority);
	}
}

TEST_F(batch, selects_for_each_by_itself)
{
	int h = num_create_typed();

	self->args[0].select = MBOX_SELECT_EQUAL;
	self->args[0].type = 7;
	self->args[1].select = MBOX_SELECT_NOT_EQUAL;
	self->args[1].type = 9;
	self->args[2].select = MBOX_SELECT_EQUAL;
	self->args[2].type = 12345;
	EXPECT_EQ(2, recvv(h, self->args, 4));
	EXPECT_EQ(6, self->numbers[0]);
	EXPECT_EQ(5, self->numbers[1]);
	EXPECT_TRUE(mb_poisoned(&self->args[2]));
	EXPECT_TRUE(mb_poisoned(&self->args[3]));
	EXPECT_EQ(3, num_recv(h));
	close(h);
}

TEST_F(batch, send_stops_at_the_first_that_fails)
{
	self->args[70].priority = MBOX_PRIORITY_MAX + 1;
	EXPECT_EQ(70, sendv(self->h, self->args, MANY));
	EXPECT_EQ(70, mb_messages(self->h));

	self->args[3].buf = nowhere();
	EXPECT_EQ(3, sendv(self->h, self->args, MANY));
	EXPECT_EQ(73, mb_messages(self->h));
}

TEST_F(batch, send_of_which_none_was_done_tells_why)
{
	self->args[0].flags = ~0U;
	EXPECT_EQ(-EINVAL, sendv(self->h, self->args, 2));
	self->args[0].flags = MBOX_WAIT_NONE;
	self->args[0].buf = nowhere();
	EXPECT_EQ(-EFAULT, sendv(self->h, self->args, 2));
	self->args[0].len = 1 << 30;
	EXPECT_EQ(-EMSGSIZE, sendv(self->h, self->args, 2));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(batch, sends_no_calls)
{
	const __u32 flags[] = {
		MBOX_SYNC, MBOX_REPLY_TO, MBOX_ABANDON, MBOX_LEASE, MBOX_PEEK,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		self->args[0].flags = flags[i];
		EXPECT_EQ(-EINVAL, sendv(self->h, self->args, 1));
	}
	self->args[0].flags = 0;
	self->args[0].id = 1;
	EXPECT_EQ(-EINVAL, sendv(self->h, self->args, 1));
	self->args[0].id = 0;
	self->args[0].reply_len = 1;
	EXPECT_EQ(-EINVAL, sendv(self->h, self->args, 1));
}

TEST_F(batch, sends_what_there_is_room_for_and_does_not_wait)
{
	int h = mb_create_small(100);
	unsigned int i;

	for (i = 0; i < MANY; i++)
		self->args[i].flags = MBOX_WAIT_FOREVER;
	EXPECT_EQ(100, sendv(h, self->args, MANY));
	EXPECT_EQ(100, mb_messages(h));
	EXPECT_EQ(0, waiting_senders(h));
	close(h);
}

/* However many the module passes through at a time: this is a multiple of it. */
TEST_F(batch, does_not_wait_after_any_part_of_it)
{
	unsigned int n, i;

	for (i = 0; i < MANY; i++)
		self->args[i].flags = MBOX_WAIT_FOREVER;
	for (n = 32; n < MANY; n *= 2) {
		int h = mb_create_small(n);

		EXPECT_EQ((int)n, sendv(h, self->args, MANY));
		EXPECT_EQ((int)n, recvv(h, self->args, MANY));
		close(h);
	}
}

TEST_F(batch, the_first_waits_as_it_says)
{
	int h = mb_create_small(1);
	__u64 deadline;

	ASSERT_EQ(0, num_send(h, 0, 0, 100));
	EXPECT_EQ(-EAGAIN, sendv(h, self->args, 2));
	deadline = mb_in(20 * NSEC_PER_MSEC);
	self->args[0].flags = MBOX_WAIT_UNTIL;
	self->args[0].deadline = deadline;
	EXPECT_EQ(-ETIMEDOUT, sendv(h, self->args, 2));
	EXPECT_LE(deadline, mb_now(CLOCK_MONOTONIC));
	EXPECT_EQ(1, mb_messages(h));

	ASSERT_EQ(100, num_recv(h));
	self->args[0].flags = MBOX_WAIT_NONE;
	self->args[0].deadline = 0;
	EXPECT_EQ(-EAGAIN, recvv(h, self->args, 2));
	deadline = mb_in(20 * NSEC_PER_MSEC);
	self->args[0].flags = MBOX_WAIT_UNTIL;
	self->args[0].deadline = deadline;
	EXPECT_EQ(-ETIMEDOUT, recvv(h, self->args, 2));
	EXPECT_LE(deadline, mb_now(CLOCK_MONOTONIC));
	close(h);
}

static long run_sendv(struct peer *p)
{
	return sendv(p->fd, p->arg, 4);
}

static long run_recvv(struct peer *p)
{
	return recvv(p->fd, p->arg, 4);
}

TEST_F(batch, send_that_waited_goes_on_while_there_is_room)
{
	int h = mb_create_small(2);
	struct peer *p = peer_new(h, run_sendv);

	ASSERT_EQ(0, num_send(h, 0, 0, 100));
	ASSERT_EQ(0, num_send(h, 0, 0, 101));
	self->args[0].flags = MBOX_WAIT_FOREVER;
	p->arg = self->args;
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(senders_blocked(h, 1));
	/* The first came in for this one; there is no room for the others. */
	ASSERT_EQ(100, num_recv(h));
	EXPECT_EQ(1, peer_join(p));
	EXPECT_EQ(101, num_recv(h));
	EXPECT_EQ(0, num_recv(h));
	close(h);
}

TEST_F(batch, receive_that_waited_takes_one_that_was_handed_over)
{
	struct peer *p = peer_new(self->h, run_recvv);

	self->args[0].flags = MBOX_WAIT_FOREVER;
	p->arg = self->args;
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 100));
	EXPECT_EQ(1, peer_join(p));
	EXPECT_EQ(100, self->numbers[0]);
	EXPECT_TRUE(mb_poisoned(&self->args[1]));
}

TEST_F(batch, g04_wakes_a_receiver_for_each)
{
	struct peer *p[5];
	__u32 seen = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = peer_recv(self->h);
		ASSERT_TRUE(peer_blocks(p[i]));
	}
	EXPECT_EQ(7, sendv(self->h, self->args, 7));
	for (i = 0; i < ARRAY_SIZE(p); i++)
		seen |= 1U << peer_number(p[i]);
	EXPECT_EQ(0x1f, seen);
	EXPECT_EQ(2, mb_messages(self->h));
}

TEST_F(batch, receives_what_blocked_senders_hold)
{
	struct peer *senders[4];
	int h = peer_full_mailbox(senders);
	unsigned int i;

	ASSERT_LE(0, h);
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(peer_blocks(senders[i]));
	EXPECT_EQ(6, recvv(h, self->args, 10));
	EXPECT_EQ(100, self->numbers[0]);
	EXPECT_EQ(101, self->numbers[1]);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, peer_join(senders[i]));
		EXPECT_EQ(i, self->numbers[2 + i]);
	}
	close(h);
}

TEST_F(batch, receive_stops_at_a_message_that_is_too_long)
{
	ASSERT_EQ(3, sendv(self->h, self->args, 3));
	self->args[1].len = 1;
	EXPECT_EQ(1, recvv(self->h, self->args, 3));
	EXPECT_TRUE(mb_poisoned(&self->args[1]));
	self->args[0].len = 1;
	EXPECT_EQ(-EMSGSIZE, recvv(self->h, self->args, 3));
	EXPECT_EQ(sizeof(__u32), self->args[0].out_len);
	EXPECT_EQ(0, self->args[0].out_seq);
	EXPECT_EQ(1, num_recv(self->h));
}

TEST_F(batch, g02_receive_that_faults_leaves_the_rest_in_place)
{
	unsigned int i;

	ASSERT_EQ(80, sendv(self->h, self->args, 80));
	self->args[5].buf = nowhere();
	EXPECT_EQ(5, recvv(self->h, self->args, 80));
	EXPECT_EQ(75, mb_messages(self->h));
	self->args[0].buf = nowhere();
	EXPECT_EQ(-EFAULT, recvv(self->h, self->args, 80));
	for (i = 5; i < 80; i++)
		ASSERT_EQ((int)i, num_recv(self->h));
}

TEST_F(batch, g02_send_that_fails_leaves_no_charge)
{
	__u64 before = user_bytes();

	ASSERT_EQ(9, sendv(self->h, self->args, 9));
	self->args[9].buf = nowhere();
	EXPECT_EQ(9, sendv(self->h, self->args, 20));
	EXPECT_EQ(18, recvv(self->h, self->args, 9) + recvv(self->h, self->args, 9));
	EXPECT_EQ(before, user_bytes());
}

TEST_F(batch, leases_each_with_a_token)
{
	unsigned int i;

	ASSERT_EQ(3, sendv(self->h, self->args, 3));
	for (i = 0; i < 3; i++)
		self->args[i].flags |= MBOX_LEASE;
	EXPECT_EQ(3, recvv(self->h, self->args, 3));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(0, num_finish(self->h, self->args[0].out_token, MBOX_FINISH_DONE));
	EXPECT_EQ(0, num_finish(self->h, self->args[2].out_token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, num_finish(self->h, self->args[1].out_token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_TRUE(all_over(self->h));
}

TEST_F(batch, takes_calls_with_their_tokens)
{
	struct peer *p = peer_call(self->h, 0, 0, 7);

	ASSERT_TRUE(peer_calls(p));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 8));
	EXPECT_EQ(2, recvv(self->h, self->args, 3));
	EXPECT_EQ(7, self->numbers[0]);
	EXPECT_EQ(MBOX_MSG_CALL, self->args[0].out_flags);
	EXPECT_EQ(0, self->args[1].out_token);
	EXPECT_EQ(0, num_reply(self->h, self->args[0].out_token, 70));
	EXPECT_EQ(70, peer_reply(p));
}

TEST_F(batch, peeks_and_takes_nothing)
{
	ASSERT_EQ(3, sendv(self->h, self->args, 3));
	self->args[0].flags |= MBOX_PEEK;
	self->args[1].flags |= MBOX_PEEK | MBOX_PEEK_AFTER;
	self->args[1].id = 1;
	EXPECT_EQ(2, recvv(self->h, self->args, 2));
	EXPECT_EQ(0, self->numbers[0]);
	EXPECT_EQ(1, self->numbers[1]);
	EXPECT_EQ(3, mb_messages(self->h));
}

TEST_F(batch, drops_the_oldest_where_that_is_the_policy)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.max_messages = 10,
		.overflow = MBOX_OVERFLOW_DROP,
	};
	int h = mb_create(&create);

	EXPECT_EQ(200, sendv(h, self->args, 200));
	EXPECT_EQ(190, mb_drops(h));
	EXPECT_EQ(190, num_recv(h));
	close(h);
}

TEST_F(batch, at_the_end_is_what_is_left_and_then_the_end)
{
	int r, w;

	ASSERT_EQ(0, mb_create_ends(0, &r, &w));
	ASSERT_EQ(2, sendv(w, self->args, 2));
	close(w);
	self->args[0].flags = MBOX_WAIT_FOREVER;
	EXPECT_EQ(2, recvv(r, self->args, 3));
	EXPECT_EQ(-EPIPE, recvv(r, self->args, 3));
	close(r);

	ASSERT_EQ(0, mb_create_ends(0, &r, &w));
	close(r);
	EXPECT_EQ(-EPIPE, sendv(w, self->args, 3));
	close(w);
}

TEST_F(batch, scatters_and_gathers)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cd", 2 } };
	struct mbox_ext ext = {
		.size = sizeof(ext),
		.iov = (unsigned long)iov,
		.iov_count = 2,
	};
	char buf[5] = "";

	self->args[1].flags |= MBOX_EXT;
	self->args[1].buf = 0;
	self->args[1].len = 0;
	self->args[1].ext = (unsigned long)&ext;
	EXPECT_EQ(3, sendv(self->h, self->args, 3));
	EXPECT_EQ(0, num_recv(self->h));
	EXPECT_EQ(4, read(self->h, buf, 4));
	EXPECT_STREQ("abcd", buf);
	EXPECT_EQ(2, num_recv(self->h));
}

TEST_F(batch, first_wait_ends_with_a_signal)
{
	struct peer *p = peer_new(self->h, run_recvv);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	self->args[0].flags = MBOX_WAIT_FOREVER;
	p->arg = self->args;
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	pthread_kill(p->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(p));
}

static long recvv_two(struct peer *p)
{
	__u32 numbers[2];
	struct mbox_msg_args args[2] = {
		{ .flags = MBOX_WAIT_FOREVER, .buf = (unsigned long)&numbers[0], .len = 4 },
		{ .flags = MBOX_WAIT_FOREVER, .buf = (unsigned long)&numbers[1], .len = 4 },
	};
	const int n = recvv(p->fd, args, 2);

	return n == 1 ? (long)numbers[0] : n;
}

TEST_F(batch, whose_first_waits_ends_with_a_signal)
{
	struct peer *p = peer_new(self->h, recvv_two);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	ASSERT_EQ(0, pthread_kill(p->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(p));
}

TEST_F(batch, whose_first_waits_goes_on_after_a_restart)
{
	struct peer *p = peer_new(self->h, recvv_two);

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	ASSERT_EQ(0, pthread_kill(p->thread, SIGUSR1));
	ASSERT_TRUE(wait_until(signals() == 1));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 4711));
	EXPECT_EQ(4711, peer_join(p));
}

TEST_HARNESS_MAIN
