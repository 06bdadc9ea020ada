// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A message and something else at once: a signal, a deadline, another waiter
 * that leaves. First one by one, with the order made certain, then in storms.
 */
#include "mbox_peer.h"

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

/* ---- one by one ---- */

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

/* ---- storms ---- */

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

/* ---- those who are woken many at a time ---- */

/*
 * Many are claimed at once and then woken one after the other; the last may
 * come to the end of its time between the one and the other.
 */
#define ROUNDS	100
#define CROWD	10

static struct crowd {
	int h;
	int stop;
	int received;
	int sent;
	int wrong;
} crowd;

static int load(int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void count(int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELEASE);
}

/* Wait with no room for any message: whoever sends one must tell. */
static long waits_in_vain(struct peer *p)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	int ret;

	do {
		ret = mb_recv(crowd.h, &args);
		/* Out of the way until the message has been taken. */
		while (load(&crowd.received) < load(&crowd.sent))
			mb_poll_pause();
	} while (ret == -EMSGSIZE);
	return ret;
}

static long receives_impatiently(struct peer *p)
{
	unsigned int seed = p->tid;
	__u32 number;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};
	int ret;

	while (!load(&crowd.stop)) {
		args.deadline = mb_in(rand_r(&seed) % 2000000);
		ret = mb_recv(crowd.h, &args);
		if (ret && ret != -ETIMEDOUT)
			return ret;
		if (!ret && number != (__u32)crowd.received)
			count(&crowd.wrong);
		if (!ret)
			count(&crowd.received);
	}
	return 0;
}

TEST(g03_receiver_is_never_both_handed_a_message_and_timed_out)
{
	struct peer *p[CROWD], *r;
	struct mbox_stat_args st;
	int i;

	MB_NEED_DEVICE();
	crowd.h = mb_create_anon();
	ASSERT_LE(0, crowd.h);
	for (i = 0; i < CROWD; i++) {
		p[i] = peer_new(crowd.h, waits_in_vain);
		ASSERT_TRUE(peer_start(p[i]));
	}
	r = peer_new(crowd.h, receives_impatiently);
	ASSERT_TRUE(peer_start(r));
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_TRUE(wait_until(mb_stat(crowd.h, &st) ||
				       st.waiting_receivers >= CROWD));
		count(&crowd.sent);
		ASSERT_EQ(0, num_send(crowd.h, 0, 0, i));
		ASSERT_TRUE(wait_until(load(&crowd.received) == i + 1));
	}
	__atomic_store_n(&crowd.stop, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(0, peer_join(r));
	EXPECT_EQ(0, crowd.wrong);
	EXPECT_EQ(0, mb_messages(crowd.h));
}

static long sends_impatiently(struct peer *p)
{
	unsigned int seed = p->tid;
	struct mbox_msg_args args = { .flags = MBOX_WAIT_UNTIL };
	int ret;

	while (!load(&crowd.stop)) {
		args.deadline = mb_in(rand_r(&seed) % 2000000);
		ret = mb_send(crowd.h, &args);
		if (ret && ret != -ETIMEDOUT)
			return ret;
		if (!ret)
			count(&crowd.sent);
	}
	return 0;
}

TEST(g03_sender_is_never_both_let_in_and_timed_out)
{
	struct peer *p[CROWD];
	int i, n, received = 0;

	MB_NEED_DEVICE();
	crowd.h = mb_create_small(1);
	ASSERT_LE(0, crowd.h);
	for (i = 0; i < CROWD; i++) {
		p[i] = peer_new(crowd.h, sends_impatiently);
		ASSERT_TRUE(peer_start(p[i]));
	}
	for (i = 0; i < ROUNDS; i++) {
		wait_until(mb_fdinfo(crowd.h, "mbox-waiting-senders") >=
			   CROWD / 2);
		ASSERT_EQ(0, mb_set_max_messages(crowd.h, 2 * CROWD));
		ASSERT_EQ(0, mb_set_max_messages(crowd.h, 1));
		for (n = 0; n < 2 * CROWD && !mb_get(crowd.h, NULL, 0); n++)
			received++;
	}
	__atomic_store_n(&crowd.stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < CROWD; i++)
		EXPECT_EQ(0, peer_join(p[i]));
	while (mb_get(crowd.h, NULL, 0) == 0)
		received++;
	EXPECT_EQ(crowd.sent, received);
	EXPECT_LT(ROUNDS, received);
}

TEST_HARNESS_MAIN
