// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Waiting: how long, on which clock, and what ends it. What a full mailbox does
 * is in full.c, who of several is served in line.c.
 */
#include "mbox_halt.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x80
#endif

#define LONG_TIME	(30 * NSEC_PER_SEC)

/* ---- modes ---- */

/* An empty mailbox and a full one, each by a handle with and without O_NONBLOCK. */
FIXTURE(wait_modes) {
	int empty, empty_nonblock;
	int full, full_nonblock;
};

FIXTURE_SETUP(wait_modes)
{
	MB_NEED_DEVICE();
	self->empty = mb_create_anon();
	self->full = mb_create_small(1);
	ASSERT_LE(0, self->empty);
	ASSERT_LE(0, self->full);
	ASSERT_EQ(0, num_send(self->full, 0, 0, 100));
	self->empty_nonblock = mb_narrow(self->empty, MB_RW | MBOX_NONBLOCK, 0);
	self->full_nonblock = mb_narrow(self->full, MB_RW | MBOX_NONBLOCK, 0);
	ASSERT_LE(0, self->empty_nonblock);
	ASSERT_LE(0, self->full_nonblock);
}

FIXTURE_TEARDOWN(wait_modes)
{
	close(self->empty);
	close(self->empty_nonblock);
	close(self->full);
	close(self->full_nonblock);
}

/* Receive, or send, with @flags from this thread. */
static int try_recv(int h, __u32 flags)
{
	struct mbox_msg_args args = { .flags = flags };

	return mb_recv(h, &args);
}

static int try_send(int h, __u32 flags)
{
	struct mbox_msg_args args = { .flags = flags };

	return mb_send(h, &args);
}

TEST_F(wait_modes, g05_none_does_not_wait)
{
	EXPECT_EQ(-EAGAIN, try_recv(self->empty, MBOX_WAIT_NONE));
	EXPECT_EQ(-EAGAIN, try_send(self->full, MBOX_WAIT_NONE));
	EXPECT_EQ(-EAGAIN, try_recv(self->empty_nonblock, MBOX_WAIT_NONE));
	EXPECT_EQ(-EAGAIN, try_send(self->full_nonblock, MBOX_WAIT_NONE));
}

TEST_F(wait_modes, default_does_not_wait_with_o_nonblock)
{
	EXPECT_EQ(-EAGAIN, try_recv(self->empty_nonblock, MBOX_WAIT_DEFAULT));
	EXPECT_EQ(-EAGAIN, try_send(self->full_nonblock, MBOX_WAIT_DEFAULT));
}

TEST_F(wait_modes, default_waits_without_o_nonblock)
{
	struct peer *r = peer_recv(self->empty);
	struct peer *s = peer_send(self->full, 0, 0, 1);

	r->args.flags = MBOX_WAIT_DEFAULT;
	s->args.flags = MBOX_WAIT_DEFAULT;
	ASSERT_TRUE(peer_blocks(r));
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_EQ(0, num_send(self->empty, 0, 0, 42));
	EXPECT_EQ(42, peer_number(r));
	EXPECT_EQ(100, num_recv(self->full));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(1, num_recv(self->full));
}

TEST_F(wait_modes, forever_waits_in_spite_of_o_nonblock)
{
	struct peer *r = peer_recv(self->empty_nonblock);
	struct peer *s = peer_send(self->full_nonblock, 0, 0, 1);

	ASSERT_TRUE(peer_blocks(r));
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_EQ(0, num_send(self->empty, 0, 0, 42));
	EXPECT_EQ(42, peer_number(r));
	EXPECT_EQ(100, num_recv(self->full));
	EXPECT_EQ(0, peer_join(s));
}

TEST_F(wait_modes, until_waits_in_spite_of_o_nonblock)
{
	struct peer *r = peer_recv(self->empty_nonblock);
	struct peer *s = peer_send(self->full_nonblock, 0, 0, 1);

	peer_until(r, mb_in(LONG_TIME));
	peer_until(s, mb_in(LONG_TIME));
	ASSERT_TRUE(peer_blocks(r));
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_EQ(0, num_send(self->empty, 0, 0, 42));
	EXPECT_EQ(42, peer_number(r));
	EXPECT_EQ(100, num_recv(self->full));
	EXPECT_EQ(0, peer_join(s));
}

TEST_F(wait_modes, default_follows_fcntl)
{
	struct peer *r = peer_recv(self->empty_nonblock);

	r->args.flags = MBOX_WAIT_DEFAULT;
	ASSERT_EQ(0, fcntl(self->empty, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, try_recv(self->empty, MBOX_WAIT_DEFAULT));
	ASSERT_EQ(0, fcntl(self->empty_nonblock, F_SETFL, 0));
	ASSERT_TRUE(peer_blocks(r));
	EXPECT_EQ(0, num_send(self->empty, 0, 0, 42));
	EXPECT_EQ(42, peer_number(r));
}

TEST_F(wait_modes, past_deadline_gets_one_try)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_UNTIL, .deadline = 1 };

	EXPECT_EQ(-ETIMEDOUT, try_recv(self->empty, MBOX_WAIT_UNTIL));
	EXPECT_EQ(-ETIMEDOUT, try_send(self->full, MBOX_WAIT_UNTIL));
	EXPECT_EQ(-ETIMEDOUT, mb_recv(self->empty, &args));
	EXPECT_TRUE(mb_poisoned(&args));
	EXPECT_EQ(0, mb_send(self->empty, &args));
	EXPECT_EQ(0, mb_recv(self->empty, &args));
}

TEST_F(wait_modes, farthest_deadline_is_not_past)
{
	struct peer *p = peer_recv(self->empty);

	peer_until(p, (~0ULL) >> 1);
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_EQ(0, num_send(self->empty, 0, 0, 42));
	EXPECT_EQ(42, peer_number(p));
}

/* ---- clocks ---- */

FIXTURE(deadline) {
	int empty, full;
};

FIXTURE_VARIANT(deadline) {
	__u8 clock;
	clockid_t id;
};

FIXTURE_VARIANT_ADD(deadline, monotonic) {
	.clock = MBOX_CLOCK_MONOTONIC,
	.id = CLOCK_MONOTONIC,
};

FIXTURE_VARIANT_ADD(deadline, realtime) {
	.clock = MBOX_CLOCK_REALTIME,
	.id = CLOCK_REALTIME,
};

FIXTURE_VARIANT_ADD(deadline, boottime) {
	.clock = MBOX_CLOCK_BOOTTIME,
	.id = CLOCK_BOOTTIME,
};

FIXTURE_SETUP(deadline)
{
	MB_NEED_DEVICE();
	self->empty = mb_create_anon();
	self->full = mb_create_small(1);
	ASSERT_LE(0, self->empty);
	ASSERT_LE(0, self->full);
	ASSERT_EQ(0, num_send(self->full, 0, 0, 100));
}

FIXTURE_TEARDOWN(deadline)
{
	close(self->empty);
	close(self->full);
}

/* Wait in vain for @ns on @clock; whether it took that long, and no ages. */
static bool times_out(int h, unsigned long cmd, __u8 clock, clockid_t id,
		      __u64 ns)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.clock = clock,
		.deadline = mb_now(id) + ns,
	};
	int ret = mb_ioctl(h, cmd, &args);
	__u64 now = mb_now(id);

	return ret == -ETIMEDOUT && now >= args.deadline &&
	       now < args.deadline + 20 * NSEC_PER_SEC;
}

TEST_F(deadline, g05_receive_times_out_no_earlier)
{
	int ms;

	for (ms = 1; ms <= 16; ms *= 2)
		EXPECT_TRUE(times_out(self->empty, MBOX_IOC_RECV,
				      variant->clock, variant->id,
				      ms * NSEC_PER_MSEC));
	EXPECT_EQ(0, mb_fdinfo(self->empty, "mbox-waiting-receivers"));
}

TEST_F(deadline, g05_send_times_out_no_earlier)
{
	int ms;

	for (ms = 1; ms <= 16; ms *= 2)
		EXPECT_TRUE(times_out(self->full, MBOX_IOC_SEND,
				      variant->clock, variant->id,
				      ms * NSEC_PER_MSEC));
	EXPECT_EQ(0, mb_fdinfo(self->full, "mbox-waiting-senders"));
	EXPECT_EQ(1, mb_messages(self->full));
}

TEST_F(deadline, message_comes_before_it)
{
	struct peer *p = peer_recv(self->empty);

	peer_until(p, mb_now(variant->id) + LONG_TIME);
	p->args.clock = variant->clock;
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_EQ(0, num_send(self->empty, 0, 0, 42));
	EXPECT_EQ(42, peer_number(p));
}

/* In a time namespace where monotonic and boot time are a day ahead. */
struct shifted {
	int empty;
	__u8 clock;
	clockid_t id;
	__u64 sent;
	__u64 created;
};

#define SHIFT	86400

static void in_shifted_time(struct __test_metadata *_metadata, void *arg)
{
	struct shifted *s = arg;
	struct mbox_msg_args args = { .flags = 0 };

	/* It is really another time here. */
	ASSERT_LE(s->sent + SHIFT * NSEC_PER_SEC, mb_now(CLOCK_MONOTONIC));
	ASSERT_EQ(42, num_recv_args(s->empty, &args));
	EXPECT_LE(s->sent + SHIFT * NSEC_PER_SEC, args.out_time);
	EXPECT_GE(mb_now(CLOCK_MONOTONIC), args.out_time);
	EXPECT_EQ(s->created + SHIFT * NSEC_PER_SEC, mb_stat_of(s->empty).created);
	EXPECT_TRUE(times_out(s->empty, MBOX_IOC_RECV, s->clock, s->id,
			      20 * NSEC_PER_MSEC));
}

static void enter_shifted_time(struct __test_metadata *_metadata, void *arg)
{
	char offsets[64];
	pid_t pid;

	snprintf(offsets, sizeof(offsets), "monotonic %d 0\nboottime %d 0\n",
		 SHIFT, SHIFT);
	ASSERT_EQ(0, unshare(CLONE_NEWTIME));
	ASSERT_EQ(0, mb_write_file("/proc/self/timens_offsets", offsets));
	pid = mb_fork(_metadata, in_shifted_time, arg);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, mb_wait(pid));
}

TEST_F(deadline, g05_is_what_the_time_namespace_sees)
{
	struct shifted s = {
		.empty = self->empty,
		.clock = variant->clock,
		.id = variant->id,
		.sent = mb_now(CLOCK_MONOTONIC),
		.created = mb_stat_of(self->empty).created,
	};
	pid_t pid;

	ASSERT_EQ(0, num_send(self->empty, 0, 0, 42));
	pid = mb_fork(_metadata, enter_shifted_time, &s);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, mb_wait(pid));
}

/* ---- an empty mailbox ---- */

FIXTURE(empty_mailbox) {
	int h;
	struct peer *p;		/* a receiver, to be started */
};

FIXTURE_SETUP(empty_mailbox)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->p = peer_recv(self->h);
}

FIXTURE_TEARDOWN(empty_mailbox)
{
	close(self->h);
}

static int set_realtime(__u64 ns)
{
	const struct timespec ts = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	return clock_settime(CLOCK_REALTIME, &ts);
}

TEST_F(empty_mailbox, setting_the_clock_forward_ends_a_wait_on_it)
{
	__u64 real = mb_now(CLOCK_REALTIME);
	__u64 start = mb_now(CLOCK_MONOTONIC);
	__u64 hour = 3600 * NSEC_PER_SEC;
	bool done;

	peer_until(self->p, real + hour);
	self->p->args.clock = MBOX_CLOCK_REALTIME;
	ASSERT_TRUE(peer_blocks(self->p));
	ASSERT_EQ(0, set_realtime(real + 2 * hour));
	done = wait_until(peer_done(self->p));
	ASSERT_EQ(0, set_realtime(real + mb_now(CLOCK_MONOTONIC) - start));
	ASSERT_TRUE(done);
	EXPECT_EQ(-ETIMEDOUT, peer_join(self->p));
}

TEST_F(empty_mailbox, setting_the_clock_forward_ends_no_wait_on_another)
{
	__u64 real = mb_now(CLOCK_REALTIME);
	__u64 start = mb_now(CLOCK_MONOTONIC);
	__u64 hour = 3600 * NSEC_PER_SEC;

	peer_until(self->p, start + hour);
	ASSERT_TRUE(peer_blocks(self->p));
	ASSERT_EQ(0, set_realtime(real + 2 * hour));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(self->p));
	ASSERT_EQ(0, set_realtime(real + mb_now(CLOCK_MONOTONIC) - start));
}

/* ---- signals ---- */

TEST_F(empty_mailbox, signal_without_restart_ends_a_receive)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_blocks(self->p));
	ASSERT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(self->p));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(1, signals());
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-waiting-receivers"));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(empty_mailbox, signal_without_restart_ends_a_receive_with_a_deadline)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	peer_until(self->p, mb_in(LONG_TIME));
	ASSERT_TRUE(peer_blocks(self->p));
	ASSERT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(self->p));
}

TEST_F(empty_mailbox, signal_with_restart_does_not_end_a_receive)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(peer_blocks(self->p));
	ASSERT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	ASSERT_TRUE(wait_until(signals() == 1));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(self->p));
}

TEST_F(empty_mailbox, g05_restart_keeps_the_first_deadline)
{
	__u64 deadline = mb_in(400 * NSEC_PER_MSEC);

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	peer_until(self->p, deadline);
	ASSERT_TRUE(peer_start(self->p));
	while (!peer_done(self->p) && mb_now(CLOCK_MONOTONIC) <
				      deadline + 10 * NSEC_PER_SEC) {
		pthread_kill(self->p->thread, SIGUSR1);
		mb_poll_pause();
	}
	ASSERT_TRUE(peer_done(self->p));
	EXPECT_EQ(-ETIMEDOUT, peer_join(self->p));
	EXPECT_LE(deadline, self->p->end);
	EXPECT_LE(1, signals());
}

TEST_F(empty_mailbox, ignored_signal_does_not_end_a_receive)
{
	signal(SIGUSR1, SIG_IGN);
	ASSERT_TRUE(peer_blocks(self->p));
	ASSERT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(self->p));
}

TEST_F(empty_mailbox, stopped_receiver_goes_on_waiting)
{
	ASSERT_TRUE(peer_fork_blocks(self->p));
	ASSERT_TRUE(stop(self->p->tid));
	ASSERT_EQ(0, kill(self->p->tid, SIGCONT));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(self->p));
}

TEST_F(empty_mailbox, stopped_receiver_gets_what_came_meanwhile)
{
	ASSERT_TRUE(peer_fork_blocks(self->p));
	ASSERT_TRUE(stop(self->p->tid));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_FALSE(peer_done(self->p));
	ASSERT_EQ(0, kill(self->p->tid, SIGCONT));
	EXPECT_EQ(42, peer_number(self->p));
}

TEST_F(empty_mailbox, stopped_receiver_does_not_keep_others_from_messages)
{
	ASSERT_TRUE(peer_fork_blocks(self->p));
	ASSERT_TRUE(stop(self->p->tid));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 1));
	EXPECT_EQ(1, num_recv(self->h));
	ASSERT_EQ(0, kill(self->p->tid, SIGCONT));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 2));
	EXPECT_EQ(2, peer_number(self->p));
}

TEST_F(empty_mailbox, stopped_receiver_keeps_its_deadline)
{
	peer_until(self->p, mb_in(50 * NSEC_PER_MSEC));
	ASSERT_TRUE(peer_fork(self->p));
	ASSERT_TRUE(stop(self->p->tid));
	ASSERT_TRUE(wait_until(mb_now(CLOCK_MONOTONIC) >
			       self->p->args.deadline));
	ASSERT_EQ(0, kill(self->p->tid, SIGCONT));
	EXPECT_EQ(-ETIMEDOUT, peer_join(self->p));
	EXPECT_LE(self->p->args.deadline, self->p->end);
}

TEST_F(empty_mailbox, frozen_receiver_goes_on_waiting)
{
	ASSERT_TRUE(peer_fork_blocks(self->p));
	ASSERT_EQ(0, cgroup_make(self->p->tid));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "1"));
	ASSERT_TRUE(wait_until(cgroup_says("frozen 1")));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "0"));
	ASSERT_TRUE(wait_until(cgroup_says("frozen 0")));
	ASSERT_TRUE(receivers_blocked(self->h, 1));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(self->p));
	cgroup_remove();
}

TEST_F(empty_mailbox, frozen_receiver_gets_what_came_meanwhile)
{
	ASSERT_TRUE(peer_fork_blocks(self->p));
	ASSERT_EQ(0, cgroup_make(self->p->tid));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "1"));
	ASSERT_TRUE(wait_until(cgroup_says("frozen 1")));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_FALSE(peer_done(self->p));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "0"));
	EXPECT_EQ(42, peer_number(self->p));
	cgroup_remove();
}

TEST_HARNESS_MAIN
