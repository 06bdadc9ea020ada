// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Waiting: how long, on which clock, what ends it, and who of several that wait
 * is served. What a full mailbox does is in full.c.
 */
#include "mbox_peer.h"

#include <sys/mount.h>
#include <sys/stat.h>

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

TEST_F(wait_modes, none_does_not_wait_without_o_nonblock)
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

static bool stop(pid_t pid)
{
	int status;

	return !kill(pid, SIGSTOP) &&
	       waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status);
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

/* A cgroup of its own, seen in a mount namespace of one's own. */
#define CGROUP_ROOT	"/tmp/mbox-cgroup"
#define CGROUP		CGROUP_ROOT "/mbox-wait-test"

static int cgroup_make(pid_t pid)
{
	char number[16];

	mkdir("/tmp", 01777);
	mkdir(CGROUP_ROOT, 0700);
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", CGROUP_ROOT, "cgroup2", 0, NULL) ||
	    (mkdir(CGROUP, 0700) && errno != EEXIST))
		return -errno;
	snprintf(number, sizeof(number), "%d", pid);
	return mb_write_file(CGROUP "/cgroup.procs", number);
}

static void cgroup_remove(void)
{
	rmdir(CGROUP);
	umount2(CGROUP_ROOT, MNT_DETACH);
	rmdir(CGROUP_ROOT);
}

static bool cgroup_says(const char *what)
{
	char buf[256] = "";
	int fd = open(CGROUP "/cgroup.events", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = 0;
	close(fd);
	return strstr(buf, what);
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

/* ---- a message and something else at once ---- */

/*
 * Peers on CPU 0 that are blocked; then CPU 0 is seized, so that they are woken
 * by what follows, but do not run before it is released.
 */
static bool blocks_on_cpu_0(struct peer *p)
{
	p->pin = 1;
	return peer_blocks(p);
}

TEST_F(empty_mailbox, g03_message_handed_over_beats_a_later_signal)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(blocks_on_cpu_0(self->p));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	EXPECT_FALSE(peer_done(self->p));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(42, peer_number(self->p));
	EXPECT_EQ(1, signals());
}

TEST_F(empty_mailbox, g03_message_handed_over_beats_a_later_deadline)
{
	__u64 deadline = mb_in(400 * NSEC_PER_MSEC);
	bool early;

	peer_until(self->p, deadline);
	ASSERT_TRUE(blocks_on_cpu_0(self->p));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	early = mb_now(CLOCK_MONOTONIC) < deadline;
	while (mb_now(CLOCK_MONOTONIC) < deadline + NSEC_PER_MSEC)
		;
	ASSERT_EQ(0, cpu_release());
	if (early)
		EXPECT_EQ(42, peer_number(self->p));
}

TEST_F(empty_mailbox, g03_message_taken_beats_a_later_signal_to_its_sender)
{
	int h = mb_create_small(1);
	struct peer *s = peer_send(h, 0, 0, 7);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_EQ(0, num_send(h, 0, 0, 1));
	ASSERT_TRUE(blocks_on_cpu_0(s));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(1, num_recv(h));
	EXPECT_EQ(0, pthread_kill(s->thread, SIGUSR1));
	EXPECT_FALSE(peer_done(s));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(7, num_recv(h));
}

/* One of the two got 42; who had to go did not take it along. */
static bool one_got_it(int h, struct peer *leaving, struct peer *next,
		       int error)
{
	long ret = peer_number(leaving);

	if (ret == -error)
		return peer_number(next) == 42;
	return ret == 42 && mb_fdinfo(h, "mbox-waiting-receivers") == 1 &&
	       !mb_messages(h) && !num_send(h, 0, 0, 43) &&
	       peer_number(next) == 43;
}

TEST_F(empty_mailbox, g04_message_meets_a_receiver_that_a_signal_woke)
{
	struct peer *next = peer_recv(self->h);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(blocks_on_cpu_0(self->p));
	ASSERT_TRUE(blocks_on_cpu_0(next));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	ASSERT_EQ(0, cpu_release());
	EXPECT_TRUE(one_got_it(self->h, self->p, next, EINTR));
}

TEST_F(empty_mailbox, g04_message_meets_a_receiver_whose_time_is_up)
{
	struct peer *next = peer_recv(self->h);
	__u64 deadline = mb_in(200 * NSEC_PER_MSEC);

	peer_until(self->p, deadline);
	self->p->pin = 1;
	ASSERT_TRUE(peer_start(self->p));
	next->pin = 1;
	ASSERT_TRUE(peer_start(next));
	ASSERT_TRUE(wait_until(mb_fdinfo(self->h, "mbox-waiting-receivers") ==
			       2 || peer_done(self->p)));
	ASSERT_EQ(0, cpu_seize());
	while (mb_now(CLOCK_MONOTONIC) < deadline + NSEC_PER_MSEC)
		;
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	ASSERT_EQ(0, cpu_release());
	EXPECT_TRUE(one_got_it(self->h, self->p, next, ETIMEDOUT));
}

TEST_F(empty_mailbox, g04_room_meets_a_sender_that_a_signal_woke)
{
	int h = mb_create_small(1);
	struct peer *s = peer_send(h, 0, 0, 1), *next = peer_send(h, 0, 0, 2);
	long ret;

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_EQ(0, num_send(h, 0, 0, 100));
	ASSERT_TRUE(blocks_on_cpu_0(s));
	ASSERT_TRUE(blocks_on_cpu_0(next));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, pthread_kill(s->thread, SIGUSR1));
	EXPECT_EQ(100, num_recv(h));
	ASSERT_EQ(0, cpu_release());
	ret = peer_join(s);
	EXPECT_TRUE(ret == -EINTR || (!ret && num_recv(h) == 1));
	EXPECT_EQ(0, peer_join(next));
	EXPECT_EQ(2, num_recv(h));
	EXPECT_EQ(-EAGAIN, num_recv(h));
}

/* ---- a storm ---- */

#define STORM		1500
#define STORM_RESTLESS	4	/* receivers that time out and are signalled */
#define STORM_PATIENT	2	/* receivers that wait for ever */

static struct storm {
	int h;
	int stop;
	int received;
	int wrong;
	unsigned char seen[STORM + 1];
} storm;

static void storm_count(__u32 number)
{
	if (__atomic_add_fetch(&storm.seen[number], 1, __ATOMIC_RELAXED) != 1)
		__atomic_add_fetch(&storm.wrong, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&storm.received, 1, __ATOMIC_RELEASE);
}

/* Number STORM tells a patient receiver to end. */
static long storm_receive(struct peer *p)
{
	bool restless = p->arg;
	unsigned int seed = p->tid;
	__u32 number;
	struct mbox_msg_args args = {
		.flags = restless ? MBOX_WAIT_UNTIL : MBOX_WAIT_FOREVER,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};
	int ret;

	while (!restless || !__atomic_load_n(&storm.stop, __ATOMIC_ACQUIRE)) {
		if (restless)
			args.deadline = mb_in(rand_r(&seed) % 1000000);
		ret = mb_recv(storm.h, &args);
		if (!ret && number == STORM)
			return 0;
		if (!ret)
			storm_count(number);
		else if (ret != -EINTR && ret != -ETIMEDOUT)
			return ret;
	}
	return 0;
}

static long storm_signal(struct peer *p)
{
	struct peer **targets = p->arg;
	unsigned int i = 0;

	while (!__atomic_load_n(&storm.stop, __ATOMIC_ACQUIRE)) {
		pthread_kill(targets[i++ % STORM_RESTLESS]->thread, SIGUSR1);
		mb_poll_pause();
	}
	return 0;
}

static long storm_send(struct peer *p)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.len = sizeof(__u32),
	};
	__u32 number = p->arg ? 1 : 0;
	int ret;

	args.buf = (unsigned long)&number;
	while (number < STORM) {
		args.deadline = mb_in(500000);
		ret = mb_send(storm.h, &args);
		if (!ret)
			number += 2;
		else if (ret != -ETIMEDOUT)
			return ret;
		if (number % 16 < 2)
			sched_yield();
	}
	return 0;
}

TEST(g04_no_message_is_lost_in_a_storm_of_leaving_waiters)
{
	struct peer *restless[STORM_RESTLESS], *patient[STORM_PATIENT];
	struct peer *send[2], *signaller;
	int i;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	storm.h = mb_create_small(3);
	ASSERT_LE(0, storm.h);
	for (i = 0; i < STORM_RESTLESS; i++) {
		restless[i] = peer_new(storm.h, storm_receive);
		restless[i]->arg = &storm;
		ASSERT_TRUE(peer_start(restless[i]));
	}
	for (i = 0; i < STORM_PATIENT; i++) {
		patient[i] = peer_new(storm.h, storm_receive);
		ASSERT_TRUE(peer_start(patient[i]));
	}
	signaller = peer_new(storm.h, storm_signal);
	signaller->arg = restless;
	ASSERT_TRUE(peer_start(signaller));
	for (i = 0; i < 2; i++) {
		send[i] = peer_new(storm.h, storm_send);
		send[i]->arg = i ? &storm : NULL;
		ASSERT_TRUE(peer_start(send[i]));
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, peer_join(send[i]));
	__atomic_store_n(&storm.stop, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(0, peer_join(signaller));
	for (i = 0; i < STORM_RESTLESS; i++)
		EXPECT_EQ(0, peer_join(restless[i]));
	/* What is left must wake the patient, and nobody pokes them. */
	ASSERT_TRUE(wait_until(__atomic_load_n(&storm.received,
					       __ATOMIC_ACQUIRE) == STORM));
	EXPECT_EQ(0, storm.wrong);
	EXPECT_EQ(0, mb_messages(storm.h));
	for (i = 0; i < STORM_PATIENT; i++)
		ASSERT_EQ(0, num_send(storm.h, 0, 0, STORM));
	for (i = 0; i < STORM_PATIENT; i++)
		EXPECT_EQ(0, peer_join(patient[i]));
}

/* ---- who is served first ---- */

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

TEST_HARNESS_MAIN
