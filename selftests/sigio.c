// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Signals for who has O_ASYNC set, on what poll() would tell.
 */
#include "mbox_peer.h"

#include <poll.h>

#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)

FIXTURE(two_ends) {
	int h, r, s;	/* two messages fit; @h has both rights */
};

FIXTURE_SETUP(two_ends)
{
	MB_NEED_DEVICE();
	self->h = mb_create_small(2);
	ASSERT_LE(0, self->h);
	self->r = mb_narrow(self->h, MBOX_RECV, 0);
	self->s = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->r);
	ASSERT_LE(0, self->s);
}

FIXTURE_TEARDOWN(two_ends)
{
	close(self->h);
	close(self->r);
	close(self->s);
}

static int signal_on(int h, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return sigprocmask(SIG_BLOCK, &set, NULL) ?:
	       fcntl(h, F_SETOWN, getpid()) ?: fcntl(h, F_SETSIG, sig) ?:
	       fcntl(h, F_SETFL, O_ASYNC);
}

/* The next signal @sig, within @seconds; 0: none. */
static int signalled(int sig, siginfo_t *info, int seconds)
{
	const struct timespec timeout = { .tv_sec = seconds };
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, sig);
	ret = sigtimedwait(&set, info, &timeout);
	return ret < 0 ? 0 : ret;
}

TEST_F(two_ends, message_signals_the_receiver)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->r, SIGRTMIN));
	EXPECT_EQ(0, signalled(SIGRTMIN, &info, 0));
	ASSERT_EQ(0, mb_put(self->s, "x", 1));
	ASSERT_EQ(SIGRTMIN, signalled(SIGRTMIN, &info, 10));
	EXPECT_EQ(POLL_IN, info.si_code);
	EXPECT_EQ(IN, info.si_band & (IN | OUT));
	EXPECT_EQ(self->r, info.si_fd);
	/* Every message, even if others are there. */
	ASSERT_EQ(0, mb_put(self->s, "x", 1));
	EXPECT_EQ(SIGRTMIN, signalled(SIGRTMIN, &info, 10));
}

TEST_F(two_ends, message_signals_sigio_by_default)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->r, SIGIO));
	ASSERT_EQ(0, fcntl(self->r, F_SETSIG, 0));
	ASSERT_EQ(1, write(self->s, "x", 1));
	EXPECT_EQ(SIGIO, signalled(SIGIO, &info, 10));
}

TEST_F(two_ends, room_signals_the_sender)
{
	siginfo_t info;

	ASSERT_EQ(0, mb_put(self->s, NULL, 0));
	ASSERT_EQ(0, mb_put(self->s, NULL, 0));
	ASSERT_EQ(0, signal_on(self->s, SIGRTMIN));
	ASSERT_EQ(0, mb_get(self->r, NULL, 0));
	ASSERT_EQ(SIGRTMIN, signalled(SIGRTMIN, &info, 10));
	EXPECT_EQ(POLL_OUT, info.si_code);
	EXPECT_EQ(OUT, info.si_band & OUT);
	EXPECT_EQ(self->s, info.si_fd);
}

/* Nobody watched when the mailbox became full. */
TEST_F(two_ends, higher_limit_signals_a_sender_that_saw_room_before)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 3,
	};
	siginfo_t info;

	ASSERT_EQ(1, poll(&(struct pollfd){ .fd = self->s, .events = OUT }, 1, 0));
	ASSERT_EQ(0, mb_put(self->s, NULL, 0));
	ASSERT_EQ(0, mb_put(self->s, NULL, 0));
	ASSERT_EQ(0, signal_on(self->s, SIGRTMIN));
	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(SIGRTMIN, signalled(SIGRTMIN, &info, 10));
}

TEST_F(two_ends, nobody_is_signalled_without_o_async)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->r, SIGRTMIN));
	ASSERT_EQ(0, fcntl(self->r, F_SETFL, 0));
	ASSERT_EQ(0, mb_put(self->s, "x", 1));
	EXPECT_EQ(0, signalled(SIGRTMIN, &info, 0));
}

TEST_F(two_ends, closed_handle_signals_no_more)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->r, SIGRTMIN));
	close(self->r);
	ASSERT_EQ(0, mb_put(self->s, "x", 1));
	EXPECT_EQ(0, signalled(SIGRTMIN, &info, 0));
}

/* ---- two who switch the signals at once ---- */

#define ROUNDS_TIME	(2 * NSEC_PER_SEC)

struct switching {
	int h;
	unsigned int begun, ended;	/* rounds; begun 0: no more */
};

static long peer_switches_off(struct peer *p)
{
	struct switching *sw = p->arg;
	unsigned int begun;
	int ret = 0;

	while ((begun = __atomic_load_n(&sw->begun, __ATOMIC_ACQUIRE)) && !ret) {
		if (begun == sw->ended) {
			sched_yield();
			continue;
		}
		ret = fcntl(sw->h, F_SETFL, 0);
		__atomic_store_n(&sw->ended, begun, __ATOMIC_RELEASE);
	}
	return ret;
}

/* What is signalled of two messages that come and go: POLLIN, POLLOUT. */
static int signals_of_messages(int h)
{
	siginfo_t info;
	int n, told = 0;

	for (n = 0; n < 2; n++)
		mb_put(h, NULL, 0);
	for (n = 0; n < 2; n++)
		mb_get(h, NULL, 0);
	while (signalled(SIGRTMIN, &info, 0))
		told |= info.si_code == POLL_IN ? POLLIN : POLLOUT;
	return told;
}

/* A handle is told both, or nothing, as its flag says, whoever was first. */
TEST_F(two_ends, signals_that_two_switch_at_once_are_as_the_flag_says)
{
	struct switching sw = { .h = self->h, .begun = 1, .ended = 1 };
	struct peer *p = peer_new(-1, peer_switches_off);
	__u64 end = mb_in(ROUNDS_TIME);
	unsigned int n;

	p->arg = &sw;
	ASSERT_EQ(0, signal_on(self->h, SIGRTMIN));
	ASSERT_TRUE(peer_start(p));
	for (n = 2; mb_now(CLOCK_MONOTONIC) < end; n++) {
		ASSERT_EQ(0, fcntl(self->h, F_SETFL, O_ASYNC));
		__atomic_store_n(&sw.begun, n, __ATOMIC_RELEASE);
		do {
			ASSERT_EQ(0, fcntl(self->h, F_SETFL, O_ASYNC));
		} while (__atomic_load_n(&sw.ended, __ATOMIC_ACQUIRE) != n);
		ASSERT_EQ(fcntl(self->h, F_GETFL) & O_ASYNC ? POLLIN | POLLOUT : 0,
			  signals_of_messages(self->h)) { TH_LOG("round %u", n); }
	}
	__atomic_store_n(&sw.begun, 0, __ATOMIC_RELEASE);
	EXPECT_EQ(0, peer_join(p));
}

TEST_HARNESS_MAIN
