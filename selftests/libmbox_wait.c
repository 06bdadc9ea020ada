// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, how its functions wait: timeouts, deadlines, O_NONBLOCK, signals and
 * cancellation.
 */
#include <mbox.h>

#include "libmbox_test.h"

#include <pthread.h>
#include <sys/time.h>

#define MSEC		((int64_t)NSEC_PER_MSEC)
#define A_WHILE		(30 * MSEC)

static int64_t now(clockid_t clock)
{
	return (int64_t)mb_now(clock);
}

/* A mailbox with room for one message. */
FIXTURE(mailbox) {
	int mb;
	char buf[8];
};

FIXTURE_SETUP(mailbox)
{
	const struct mbox_options options = { .max_messages = 1 };

	MB_NEED_DEVICE();
	self->mb = mbox_create(NULL, RW, &options);
	ASSERT_LE(0, self->mb);
}

FIXTURE_TEARDOWN(mailbox)
{
}

static ssize_t recv_for(int mb, int64_t timeout)
{
	const struct mbox_recvmsg msg = {
		.flags = MBOX_WAIT_FOR, .timeout = timeout,
	};

	return mbox_recvmsg(mb, &msg, NULL);
}

static int send_for(int mb, int64_t timeout)
{
	const struct mbox_sendmsg msg = {
		.flags = MBOX_WAIT_FOR, .timeout = timeout,
	};

	return mbox_sendmsg(mb, &msg);
}

static ssize_t recv_until(int mb, int64_t deadline, clockid_t clock)
{
	const struct mbox_recvmsg msg = {
		.flags = MBOX_WAIT_UNTIL, .deadline = deadline, .clock = clock,
	};

	return mbox_recvmsg(mb, &msg, NULL);
}

static int send_until(int mb, int64_t deadline, clockid_t clock)
{
	const struct mbox_sendmsg msg = {
		.flags = MBOX_WAIT_UNTIL, .deadline = deadline, .clock = clock,
	};

	return mbox_sendmsg(mb, &msg);
}

TEST_F(mailbox, timeout_zero_is_eagain)
{
	EXPECT_ERRNO(EAGAIN, mbox_timedrecv(self->mb, NULL, 0, 0));
	EXPECT_ERRNO(EAGAIN, recv_for(self->mb, 0));
	ASSERT_EQ(0, mbox_timedsend(self->mb, NULL, 0, 0));
	EXPECT_ERRNO(EAGAIN, mbox_timedsend(self->mb, NULL, 0, 0));
	EXPECT_ERRNO(EAGAIN, send_for(self->mb, 0));
	EXPECT_EQ(0, mbox_timedrecv(self->mb, NULL, 0, 0));
}

TEST_F(mailbox, timeout_passed_is_etimedout)
{
	int64_t end = now(CLOCK_MONOTONIC);

#define EXPECT_LATE(call) do { \
	end = now(CLOCK_MONOTONIC) + A_WHILE; \
	EXPECT_ERRNO(ETIMEDOUT, call); \
	EXPECT_LE(end, now(CLOCK_MONOTONIC)); \
} while (0)
	EXPECT_LATE(mbox_timedrecv(self->mb, NULL, 0, A_WHILE));
	EXPECT_LATE(recv_for(self->mb, A_WHILE));
	ASSERT_EQ(0, mbox_send(self->mb, NULL, 0));
	EXPECT_LATE(mbox_timedsend(self->mb, NULL, 0, A_WHILE));
	EXPECT_LATE(send_for(self->mb, A_WHILE));
#undef EXPECT_LATE
}

TEST_F(mailbox, timeout_beats_nonblock)
{
	ASSERT_EQ(0, fcntl(self->mb, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(EAGAIN, mbox_recv(self->mb, NULL, 0));
	EXPECT_ERRNO(ETIMEDOUT, mbox_timedrecv(self->mb, NULL, 0, MSEC));
	EXPECT_EQ(0, mbox_send(self->mb, NULL, 0));
	EXPECT_ERRNO(EAGAIN, mbox_send(self->mb, NULL, 0));
	EXPECT_ERRNO(ETIMEDOUT, mbox_timedsend(self->mb, NULL, 0, MSEC));
}

/* What a child waits for until the parent lets it go on. */
struct waiting {
	int mb;
	int64_t timeout;
};

static void receive_late(struct __test_metadata *_metadata, void *arg)
{
	const struct waiting *w = arg;
	char buf[8];

	EXPECT_OK(1, mbox_timedrecv(w->mb, buf, sizeof(buf), w->timeout));
	EXPECT_EQ('x', buf[0]);
}

static void send_late(struct __test_metadata *_metadata, void *arg)
{
	const struct waiting *w = arg;

	EXPECT_OK(0, mbox_timedsend(w->mb, "y", 1, w->timeout));
}

TEST_F(mailbox, negative_and_huge_timeouts_wait_for_ever)
{
	static const int64_t timeouts[] = { -1, INT64_MIN, INT64_MAX };
	struct waiting w = { .mb = self->mb };
	struct mbox_stat stat;
	pid_t pid;

	/* So that a child which did not wait would fail. */
	ASSERT_EQ(0, fcntl(self->mb, F_SETFL, O_NONBLOCK));
	for (unsigned int i = 0; i < ARRAY_SIZE(timeouts); i++) {
		w.timeout = timeouts[i];
		pid = mb_fork(_metadata, receive_late, &w);
		ASSERT_LT(0, pid);
		EXPECT_TRUE(wait_until(!mbox_stat(self->mb, &stat) &&
				       stat.waiting_receivers == 1));
		EXPECT_EQ(0, mbox_send(self->mb, "x", 1));
		EXPECT_EQ(0, mb_wait(pid));

		EXPECT_EQ(0, mbox_send(self->mb, "x", 1));
		pid = mb_fork(_metadata, send_late, &w);
		ASSERT_LT(0, pid);
		EXPECT_TRUE(wait_until(!mbox_stat(self->mb, &stat) &&
				       stat.waiting_senders == 1));
		EXPECT_EQ(1, mbox_recv(self->mb, self->buf, 1));
		EXPECT_EQ(0, mb_wait(pid));
		EXPECT_EQ(1, mbox_recv(self->mb, self->buf, 1));
		EXPECT_EQ('y', self->buf[0]);
	}
}

TEST_F(mailbox, deadline_passed_on_any_clock_is_etimedout)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(clocks); i++) {
		clockid_t clock = clocks[i];
		int64_t end = now(clock) + A_WHILE;

		EXPECT_ERRNO(ETIMEDOUT, recv_until(self->mb, end, clock));
		EXPECT_LE(end, now(clock));
		EXPECT_ERRNO(ETIMEDOUT, recv_until(self->mb, 0, clock));
		EXPECT_OK(0, send_until(self->mb, 0, clock));
		EXPECT_ERRNO(ETIMEDOUT, send_until(self->mb, 0, clock));
		EXPECT_OK(0, recv_until(self->mb, 0, clock));
	}
}

/* ---- signals and cancellation ---- */

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

/* Again and again, lest the only one come before the wait. */
static int signal_every(int64_t ns, int flags)
{
	const struct sigaction action = {
		.sa_handler = count, .sa_flags = flags,
	};
	const struct itimerval timer = {
		.it_interval.tv_usec = ns / 1000, .it_value.tv_usec = ns / 1000,
	};

	return sigaction(SIGALRM, &action, NULL) ?:
	       setitimer(ITIMER_REAL, &timer, NULL);
}

TEST_F(mailbox, signal_without_restart_is_eintr)
{
	ASSERT_EQ(0, signal_every(5 * MSEC, 0));
	EXPECT_ERRNO(EINTR, mbox_recv(self->mb, NULL, 0));
	EXPECT_ERRNO(EINTR, mbox_timedrecv(self->mb, NULL, 0, -1));
	EXPECT_EQ(0, mbox_send(self->mb, NULL, 0));
	EXPECT_ERRNO(EINTR, mbox_send(self->mb, NULL, 0));
	EXPECT_ERRNO(EINTR, mbox_timedsend(self->mb, NULL, 0, -1));
	EXPECT_EQ(0, mbox_timedrecv(self->mb, NULL, 0, 0));
	EXPECT_ERRNO(EAGAIN, mbox_timedrecv(self->mb, NULL, 0, 0));
}

TEST_F(mailbox, signal_with_restart_keeps_the_deadline)
{
	int64_t start;

	ASSERT_EQ(0, signal_every(10 * MSEC, SA_RESTART));
	start = now(CLOCK_MONOTONIC);
	EXPECT_ERRNO(ETIMEDOUT,
		     mbox_timedrecv(self->mb, NULL, 0, 100 * MSEC));
	EXPECT_LE(start + 100 * MSEC, now(CLOCK_MONOTONIC));
	EXPECT_LT(0, signals);
}

static void *receive_cancelled(void *arg)
{
	const struct waiting *w = arg;
	char *received = malloc(1);

	if (mbox_recv(w->mb, received, 1) != 1)
		return NULL;
	return received;
}

TEST_F(mailbox, receive_is_no_cancellation_point)
{
	struct waiting w = { .mb = self->mb };
	struct mbox_stat stat;
	pthread_t thread;
	void *received;

	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_cancelled, &w));
	EXPECT_TRUE(wait_until(!mbox_stat(self->mb, &stat) &&
			       stat.waiting_receivers == 1));
	EXPECT_EQ(0, pthread_cancel(thread));
	EXPECT_EQ(0, mbox_send(self->mb, "x", 1));
	ASSERT_EQ(0, pthread_join(thread, &received));
	ASSERT_TRUE(received && received != PTHREAD_CANCELED);
	EXPECT_EQ('x', *(char *)received);
}

/* What is called with a cancellation pending, and how often it worked. */
static void *call_cancelled(void *arg)
{
	const struct mbox_sendmsg send = { .buf = "x", .len = 1 };
	char buf[8];
	const struct mbox_recvmsg recv = { .buf = buf, .len = 8 };
	struct mbox_header h = { .token = 0 };
	struct mbox_query query;
	struct mbox_stat stat;
	intptr_t worked = 0;
	uint32_t token = 0;
	int mb;

	(void)arg;
	pthread_cancel(pthread_self());
	mb = mbox_create_own(0);
	worked += mb >= 0;
	worked += mbox_send_to(0, "x", 1, 0) == 0;
	worked += mbox_recv_from(mb, 0, buf, 8, 0) == 1;
	worked += mbox_unlink_pid(0) == 0;
	mb = mbox_create(NULL, RW, NULL);
	worked += mbox_query(&query) == 0;
	worked += mbox_stat(mb, &stat) == 0;
	worked += mbox_send(mb, "x", 1) == 0;
	worked += mbox_recv(mb, buf, 8) == 1;
	worked += mbox_sendmsg(mb, &send) == 0;
	worked += mbox_recvmsg(mb, &recv, &h) == 1;
	worked += mbox_sendv(mb, &send, 1) == 1;
	worked += mbox_recvv(mb, &recv, &h, 1) == 1;
	worked += mbox_send(mb, "x", 1) == 0;
	worked += mbox_reply_recv(mb, &token, NULL, 0, &recv, &h) == 1;
	worked += mbox_timedcall(mb, NULL, 0, NULL, 0, 1) == -1;
	worked += mbox_done(mb, 1) == -1;
	return (void *)worked;
}

TEST_F(mailbox, no_function_is_a_cancellation_point)
{
	pthread_t thread;
	void *worked;

	ASSERT_EQ(0, pthread_create(&thread, NULL, call_cancelled, NULL));
	ASSERT_EQ(0, pthread_join(thread, &worked));
	EXPECT_EQ(16, (intptr_t)worked);
}

TEST_HARNESS_MAIN
