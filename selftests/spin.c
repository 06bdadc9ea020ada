// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Waits that spin before they sleep: MBOX_SET_SPIN, and spin of struct mbox_ext.
 */
#include "mbox_call.h"
#include "mbox_peer.h"

#define CALLS		300
#define WAITS		20	/* in vain */
#define ROUNDS		11	/* of them: a machine may be busy */
#define CHEAPEST	0
#define MEDIAN		(ROUNDS / 2)
#define LOOKS		4	/* at such differences */

FIXTURE(hot) {
	int h;
	struct peer *server;
};

static int set_spin(int h, __u32 ns)
{
	struct mbox_set_args args = { .mask = MBOX_SET_SPIN, .spin = ns };

	return mb_set(h, &args);
}

/* Answer whatever comes, until the number 0 does. */
static long serve(struct peer *p)
{
	struct mbox_ext ext = { .size = sizeof(ext), .spin = (__u32)(long)p->arg };
	__u32 number = 1;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER | MBOX_EXT,
		.ext = (unsigned long)&ext,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
		.reply_buf = (unsigned long)&number,
	};
	int ret = 0;

	while (!ret && number) {
		ret = mb_ioctl(p->fd, MBOX_IOC_REPLY_RECV, &args);
		args.id = args.out_token;
		args.reply_len = sizeof(number);
	}
	return ret ?: num_reply(p->fd, args.out_token, number);
}

static int call(int h, __u32 number, __u32 spin)
{
	struct mbox_ext ext = { .size = sizeof(ext), .spin = spin };
	__u32 reply = ~number;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER | MBOX_EXT,
		.ext = (unsigned long)&ext,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
		.reply_buf = (unsigned long)&reply,
		.reply_len = sizeof(reply),
	};
	int ret = mb_ioctl(h, MBOX_IOC_CALL, &args);

	return ret ?: reply == number ? 0 : -EBADMSG;
}

static struct peer *server_on(int h, int cpu, __u32 spin)
{
	struct peer *p = peer_new(h, serve);

	p->pin = 1 + cpu;
	p->arg = (void *)(long)spin;
	return peer_start(p) ? p : NULL;
}

FIXTURE_SETUP(hot)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, cpu_pin(0));
}

FIXTURE_TEARDOWN(hot)
{
	if (self->server) {
		EXPECT_EQ(0, call(self->h, 0, 0));
		EXPECT_EQ(0, peer_join(self->server));
	}
	close(self->h);
}

TEST_F(hot, new_mailbox_does_not_spin)
{
	EXPECT_EQ(0, mb_stat_of(self->h).spin);
}

/* Each gets its answer, whoever spins or sleeps. */
static bool calls_are_answered(int h, __u32 spin)
{
	int i;

	for (i = 1; i <= CALLS; i++) {
		if (call(h, i, spin))
			return false;
	}
	return true;
}

TEST_F(hot, calls_are_answered_by_another_cpu)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	ASSERT_EQ(0, set_spin(self->h, MBOX_SPIN_MAX));
	EXPECT_EQ(MBOX_SPIN_MAX, mb_stat_of(self->h).spin);
	self->server = server_on(self->h, 1, 0);
	ASSERT_NE(NULL, self->server);
	EXPECT_TRUE(calls_are_answered(self->h, 0));
}

TEST_F(hot, calls_are_answered_where_one_side_says_so_for_itself)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	self->server = server_on(self->h, 1, MBOX_SPIN_MAX);
	ASSERT_NE(NULL, self->server);
	EXPECT_TRUE(calls_are_answered(self->h, 1));
}

/* Who spins would be in the way of what it waits for. */
TEST_F(hot, calls_are_answered_on_one_cpu)
{
	ASSERT_EQ(0, set_spin(self->h, MBOX_SPIN_MAX));
	self->server = server_on(self->h, 0, 0);
	ASSERT_NE(NULL, self->server);
	EXPECT_TRUE(calls_are_answered(self->h, 0));
}

TEST_F(hot, sender_that_waits_for_room_is_let_in)
{
	const int h = mb_create_small(1);
	struct peer *p = peer_send(h, 0, 0, 2);
	struct mbox_ext ext = { .size = sizeof(ext), .spin = MBOX_SPIN_MAX };

	p->args.flags |= MBOX_EXT;
	p->args.ext = (unsigned long)&ext;
	ASSERT_EQ(0, num_send(h, 0, 0, 1));
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(senders_blocked(h, 1));
	EXPECT_EQ(1, num_recv(h));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(2, num_recv(h));
}

TEST_F(hot, g05_wait_ends_at_its_deadline)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };
	struct mbox_ext ext = { .size = sizeof(ext), .spin = MBOX_SPIN_MAX };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL | MBOX_EXT,
		.ext = (unsigned long)&ext,
	};

	for (args.clock = 0; args.clock <= MBOX_CLOCK_BOOTTIME; args.clock++) {
		args.deadline = mb_now(clocks[args.clock]) + MBOX_SPIN_MAX / 2;
		EXPECT_EQ(-ETIMEDOUT, mb_recv(self->h, &args));
		EXPECT_LE(args.deadline, mb_now(clocks[args.clock]));
		args.deadline = 0;
		EXPECT_EQ(-ETIMEDOUT, mb_recv(self->h, &args));
	}
}

TEST_F(hot, signal_ends_the_wait)
{
	struct peer *p = peer_recv(self->h);

	ASSERT_EQ(0, set_spin(self->h, MBOX_SPIN_MAX));
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, pthread_kill(p->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(p));
}

/* How much CPU it takes to wait for nothing, for much longer than it may be spun. */
static __u64 cost_of_wait(int h, __u32 spin)
{
	struct mbox_ext ext = { .size = sizeof(ext), .spin = spin };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL | MBOX_EXT,
		.deadline = mb_in(20 * MBOX_SPIN_MAX),
		.ext = (unsigned long)&ext,
	};
	const __u64 begin = mb_now(CLOCK_THREAD_CPUTIME_ID);

	if (mb_recv(h, &args) != -ETIMEDOUT)
		abort();
	return mb_now(CLOCK_THREAD_CPUTIME_ID) - begin;
}

/* The same where the mailbox says how long to spin. */
static __u64 cost_of_wait_there(int h, __u32 spin)
{
	if (set_spin(h, spin))
		abort();
	return cost_of_wait(h, 0);
}

/* Where nobody has waited before. */
static __u64 cost_of_first_wait_there(int h, __u32 spin)
{
	__u64 cost;

	h = mb_create_anon();
	if (h < 0)
		abort();
	cost = cost_of_wait_there(h, spin);
	close(h);
	return cost;
}

/* Where the mailbox asks for it, and the operation does not want to. */
static __u64 cost_of_unwilling_wait(int h, __u32 spin)
{
	if (set_spin(h, MBOX_SPIN_MAX))
		abort();
	return cost_of_wait(h, spin ?: MBOX_SPIN_NONE);
}

static int by_size(const void *a, const void *b)
{
	const __u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* What spinning adds to a wait, in ns, by the n-th cheapest of the rounds. */
static long cost_of_spinning(int h, __u64 (*cost)(int h, __u32 spin), int n)
{
	__u64 sums[2][ROUNDS] = { 0 };
	int round, i;

	for (round = 0; round < 2 * ROUNDS; round++) {
		for (i = 0; i < WAITS; i++)
			sums[round % 2][round / 2] += cost(h, round % 2 ? MBOX_SPIN_MAX : 0);
	}
	qsort(sums[0], ROUNDS, sizeof(sums[0][0]), by_size);
	qsort(sums[1], ROUNDS, sizeof(sums[1][0]), by_size);
	return ((long)sums[1][n] - (long)sums[0][n]) / WAITS;
}

/* On a busy machine, one of a few looks tells: what spinning would cost, or that it does not. */
static bool spins(int h, __u64 (*cost)(int h, __u32 spin))
{
	int looks;

	for (looks = 0; looks < LOOKS; looks++)
		if (cost_of_spinning(h, cost, MEDIAN) > MBOX_SPIN_MAX / 2)
			return true;
	return false;
}

static bool spins_not(int h, __u64 (*cost)(int h, __u32 spin))
{
	int looks;

	for (looks = 0; looks < LOOKS; looks++)
		if (cost_of_spinning(h, cost, CHEAPEST) < MBOX_SPIN_MAX / 2)
			return true;
	return false;
}

TEST_F(hot, who_waits_spins_first)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	EXPECT_TRUE(spins(self->h, cost_of_wait));
	EXPECT_TRUE(spins(self->h, cost_of_first_wait_there));
	EXPECT_TRUE(spins(self->h, cost_of_unwilling_wait));
}

/* But if it was asked for: that is the caller's own affair. */
TEST_F(hot, spinning_in_vain_is_given_up)
{
	EXPECT_TRUE(spins_not(self->h, cost_of_wait_there));
}

static long is_busy(struct peer *p)
{
	while (!__atomic_load_n((bool *)p->arg, __ATOMIC_RELAXED))
		;
	return 0;
}

TEST_F(hot, nobody_spins_where_others_want_the_cpu)
{
	struct peer *p = peer_new(-1, is_busy);
	bool stop = false;

	p->pin = 1;
	p->arg = &stop;
	ASSERT_TRUE(peer_start(p));
	EXPECT_TRUE(spins_not(self->h, cost_of_wait));
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	EXPECT_EQ(0, peer_join(p));
}

TEST_HARNESS_MAIN
