// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * When a mailbox was created, and the histogram of how long its messages were on their way.
 */
#include "mbox_call.h"

static int set_latency(int h, __u32 latency)
{
	struct mbox_set_args args = { .mask = MBOX_SET_LATENCY, .latency = latency };

	return mb_set(h, &args);
}

/* Messages that were counted. */
static unsigned long long counted(int h)
{
	struct mbox_stat_args st = mb_stat_of(h);
	unsigned long long n = 0;
	int i;

	for (i = 0; i < MBOX_LATENCY_SLOTS; i++)
		n += st.latencies[i];
	return n;
}

/* Where a time belongs, as <linux/mbox.h> says it. */
static int slot_of(__u64 ns)
{
	int i;

	for (i = 0; i < MBOX_LATENCY_SLOTS - 1; i++)
		if (ns < 1ULL << (10 + i))
			break;
	return i;
}

static void busy_until(__u64 time)
{
	while (mb_now(CLOCK_MONOTONIC) < time)
		;
}

FIXTURE(latency) {
	int h;			/* counts, with room for four */
};

FIXTURE_SETUP(latency)
{
	MB_NEED_DEVICE();
	self->h = mb_create_small(4);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, set_latency(self->h, 1));
}

FIXTURE_TEARDOWN(latency)
{
	close(self->h);
}

TEST_F(latency, is_counted_where_it_belongs)
{
	static const __u64 least[] = { 0, 2000, 100000, 3000000, 20000000 };
	struct mbox_stat_args before, after;
	__u64 begin, sent, taken;
	unsigned int i;
	int slot;

	for (i = 0; i < ARRAY_SIZE(least); i++) {
		before = mb_stat_of(self->h);
		begin = mb_now(CLOCK_MONOTONIC);
		ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
		sent = mb_now(CLOCK_MONOTONIC);
		busy_until(sent + least[i]);
		ASSERT_EQ(1, num_recv(self->h));
		taken = mb_now(CLOCK_MONOTONIC);
		after = mb_stat_of(self->h);
		for (slot = 0; before.latencies[slot] == after.latencies[slot]; slot++)
			ASSERT_GT(MBOX_LATENCY_SLOTS - 1, slot);
		EXPECT_EQ(before.latencies[slot] + 1, after.latencies[slot]);
		EXPECT_LE(slot_of(least[i]), slot);
		EXPECT_GE(slot_of(taken - begin), slot);
		EXPECT_EQ(i + 1, counted(self->h));
	}
}

TEST_F(latency, is_not_counted_unless_asked_for)
{
	int h = mb_create_anon();

	EXPECT_EQ(0, mb_stat_of(h).latency);
	ASSERT_EQ(0, num_send(h, 1, 0, 1));
	ASSERT_EQ(1, num_recv(h));
	EXPECT_EQ(0, counted(h));
	EXPECT_EQ(1, mb_stat_of(self->h).latency);
	close(h);
}

TEST_F(latency, asked_for_again_goes_on)
{
	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_EQ(1, num_recv(self->h));
	ASSERT_EQ(0, set_latency(self->h, 1));
	EXPECT_EQ(1, counted(self->h));
	ASSERT_EQ(0, set_latency(self->h, 0));
	EXPECT_EQ(0, counted(self->h));
	EXPECT_EQ(0, mb_stat_of(self->h).latency);
	ASSERT_EQ(0, set_latency(self->h, 1));
	EXPECT_EQ(0, counted(self->h));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_EQ(1, num_recv(self->h));
	EXPECT_EQ(1, counted(self->h));
}

TEST_F(latency, stays_as_it_is_if_another_change_is_refused)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_LATENCY | MBOX_SET_MAX_MESSAGE_SIZE, .latency = 0,
	};

	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_EQ(1, num_recv(self->h));
	EXPECT_EQ(-EINVAL, mb_set(self->h, &args));
	EXPECT_EQ(1, counted(self->h));
	ASSERT_EQ(0, set_latency(self->h, 0));
	args.latency = 1;
	EXPECT_EQ(-EINVAL, mb_set(self->h, &args));
	EXPECT_EQ(0, mb_stat_of(self->h).latency);
}

TEST_F(latency, of_who_waits)
{
	struct peer *p = peer_recv(self->h);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 4));
	EXPECT_EQ(4, peer_number(p));
	EXPECT_EQ(1, counted(self->h));
}

TEST_F(latency, of_who_waits_for_room)
{
	struct peer *p = peer_send(self->h, 1, 0, 4);
	struct mbox_stat_args st;
	__u64 sent;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 0, i));
	ASSERT_TRUE(peer_blocks(p));
	sent = mb_now(CLOCK_MONOTONIC);
	ASSERT_EQ(0, set_latency(self->h, 0));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(i, num_recv(self->h));
	EXPECT_EQ(0, peer_join(p));
	busy_until(sent + 3 * NSEC_PER_MSEC);
	ASSERT_EQ(0, set_latency(self->h, 1));
	ASSERT_EQ(4, num_recv(self->h));
	st = mb_stat_of(self->h);
	for (i = 0; i < slot_of(3 * NSEC_PER_MSEC); i++)
		EXPECT_EQ(0, st.latencies[i]);
	EXPECT_EQ(1, counted(self->h));
}

TEST_F(latency, of_a_lease_each_time)
{
	__u32 token;

	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_EQ(1, num_lease(self->h, &token));
	EXPECT_EQ(1, counted(self->h));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, counted(self->h));
	ASSERT_EQ(1, num_lease(self->h, &token));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_DONE));
	EXPECT_EQ(2, counted(self->h));
}

TEST_F(latency, of_a_request)
{
	struct peer *p = peer_call(self->h, 1, 0, 1);
	__u32 token;

	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(0, counted(self->h));
	ASSERT_EQ(1, num_take(self->h, &token));
	EXPECT_EQ(1, counted(self->h));
	ASSERT_EQ(0, num_reply(self->h, token, 2));
	EXPECT_EQ(2, peer_reply(p));
	EXPECT_EQ(1, counted(self->h));
}

TEST_F(latency, of_nothing_that_is_only_looked_at_or_dropped)
{
	struct mbox_msg_args peek = { .flags = MBOX_PEEK };
	int i;

	ASSERT_EQ(0, mb_set_overflow(self->h, MBOX_OVERFLOW_DROP));
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 0, i));
	EXPECT_EQ(2, num_recv_args(self->h, &peek));
	EXPECT_EQ(0, counted(self->h));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(1, counted(self->h));
}

/* ---- age ---- */

TEST(created_between_before_and_after)
{
	struct mbox_stat_args st;
	__u64 before, after;
	int h;

	MB_NEED_DEVICE();
	before = mb_now(CLOCK_MONOTONIC);
	h = mb_create_anon();
	after = mb_now(CLOCK_MONOTONIC);
	ASSERT_EQ(0, mb_stat(h, &st));
	EXPECT_LE(before, st.created);
	EXPECT_GE(after, st.created);
	ASSERT_EQ(0, num_send(h, 1, 0, 1));
	EXPECT_EQ(st.created, mb_stat_of(h).created);
	EXPECT_EQ(st.created, mb_stat_of(mb_narrow(h, MBOX_SEND, 0)).created);
}

TEST_HARNESS_MAIN
