// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * MBOX_RT_PRIORITY: a call is as urgent as its caller.
 */
#include "mbox_call.h"

#include <linux/sched.h>

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif

#define NAME	"rtprio"

FIXTURE(rt_mailbox) {
	int h;
};

FIXTURE_SETUP(rt_mailbox)
{
	struct mbox_create_args create = { .flags = MB_RW | MBOX_RT_PRIORITY };

	MB_NEED_DEVICE();
	self->h = mb_create(&create);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(rt_mailbox)
{
	EXPECT_TRUE(all_over(self->h));
	close(self->h);
	mb_unlink(NAME);
}

static struct peer *peer_rt_call(int h, int policy, int rt_priority, __u32 n)
{
	struct peer *p = peer_call(h, 0, 0, n);

	p->policy = policy;
	p->rt_priority = rt_priority;
	return p;
}

/* The priority of the call that is there; it is answered with its number. */
static int priority_of_call(int h)
{
	struct mbox_msg_args args = { .flags = 0 };
	int number = num_recv_args(h, &args);

	if (number < 0)
		return number;
	return num_reply(h, args.out_token, number) ?: args.out_priority;
}

TEST_F(rt_mailbox, says_what_it_is)
{
	struct mbox_stat_args st = mb_stat_of(self->h);
	int h = mb_create_anon();

	EXPECT_EQ(MBOX_RT_PRIORITY, st.flags);
	EXPECT_EQ(0, mb_stat_of(h).flags);
	close(h);
}

TEST_F(rt_mailbox, call_has_the_priority_of_its_caller)
{
	static const struct {
		int policy, rt_priority;
	} callers[] = {
		{ SCHED_FIFO, 1 }, { SCHED_FIFO, 42 }, { SCHED_FIFO, 99 },
		{ SCHED_RR, 7 }, { SCHED_BATCH, 0 }, { SCHED_IDLE, 0 },
		{ SCHED_OTHER, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		struct peer *p = peer_rt_call(self->h, callers[i].policy,
					      callers[i].rt_priority, i);

		ASSERT_TRUE(peer_calls(p));
		EXPECT_EQ(callers[i].rt_priority, priority_of_call(self->h));
		EXPECT_EQ(i, peer_reply(p));
	}
}

struct deadline_attr {
	__u32 size, policy;
	__u64 flags;
	__s32 nice;
	__u32 priority;
	__u64 runtime, deadline, period;
};

static long calls_under_a_deadline(struct peer *p)
{
	const struct deadline_attr attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.runtime = NSEC_PER_MSEC,
		.deadline = 10 * NSEC_PER_MSEC,
		.period = 10 * NSEC_PER_MSEC,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		return -errno;
	return mb_ioctl(p->fd, p->cmd, &p->args);
}

TEST_F(rt_mailbox, deadline_scheduling_is_more_urgent_than_all)
{
	struct peer *p = peer_call(self->h, 0, 0, 1);

	p->fn = calls_under_a_deadline;
	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(100, priority_of_call(self->h));
	EXPECT_EQ(1, peer_reply(p));
}

TEST_F(rt_mailbox, urgent_callers_are_served_first)
{
	static const int priorities[] = { 10, 0, 30, 20, 30 };
	static const int order[] = { 2, 4, 3, 0, 1 };
	struct peer *p[ARRAY_SIZE(priorities)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = peer_rt_call(self->h, priorities[i] ? SCHED_FIFO :
				    SCHED_OTHER, priorities[i], i);
		ASSERT_TRUE(peer_calls(p[i]));
	}
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		EXPECT_EQ(priorities[order[i]], priority_of_call(self->h));
		EXPECT_EQ(order[i], peer_reply(p[order[i]]));
	}
}

/* The caller's word would be a way around. */
TEST_F(rt_mailbox, caller_has_no_say)
{
	struct mbox_ext ext = { .reply_to = self->h };
	struct mbox_msg_args args = { .priority = 1 };

	EXPECT_EQ(-EINVAL, mb_call(self->h, &args));
	args.priority = MBOX_PRIORITY_MAX;
	EXPECT_EQ(-EINVAL, mb_call(self->h, &args));
	EXPECT_TRUE(mb_poisoned(&args));
	args.flags = MBOX_REPLY_TO;
	EXPECT_EQ(-EINVAL, mb_ext(self->h, MBOX_IOC_SEND, &args, &ext));
	EXPECT_EQ(0, mb_stat_of(self->h).sent);
}

TEST_F(rt_mailbox, messages_have_the_senders_word)
{
	struct peer *p = peer_sync(self->h, 0, 5, 2);
	struct mbox_msg_args args = { .flags = 0 };

	p->policy = SCHED_FIFO;
	p->rt_priority = 42;
	EXPECT_EQ(0, num_send(self->h, 0, 7, 1));
	EXPECT_EQ(1, num_recv_args(self->h, &args));
	EXPECT_EQ(7, args.out_priority);
	ASSERT_TRUE(peer_calls(p));
	args = (struct mbox_msg_args){ .flags = 0 };
	EXPECT_EQ(2, num_recv_args(self->h, &args));
	EXPECT_EQ(5, args.out_priority);
	EXPECT_EQ(0, peer_join(p));
}

static long calls_async(struct peer *p)
{
	return num_call_async(p->fd, *(int *)p->arg, 9, 8, 42);
}

TEST_F(rt_mailbox, asynchronous_call_and_its_reply_are_as_urgent)
{
	struct peer *p = peer_new(self->h, calls_async);
	struct mbox_msg_args args = { .flags = 0 };
	int q = mb_create_anon();

	ASSERT_LE(0, q);
	p->arg = &q;
	p->policy = SCHED_FIFO;
	p->rt_priority = 42;
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(42, num_recv_args(self->h, &args));
	EXPECT_EQ(42, args.out_priority);
	EXPECT_EQ(0, num_reply(self->h, args.out_token, 43));
	args = (struct mbox_msg_args){ .flags = 0 };
	EXPECT_EQ(43, num_recv_args(q, &args));
	EXPECT_EQ(42, args.out_priority);
	close(q);
}

TEST_F(rt_mailbox, keeps_its_property_whoever_opens_it)
{
	int a = mb_create_named(NAME, MB_RW | MBOX_RT_PRIORITY, 0600);
	int b = mb_create_named(NAME, MB_RW, 0600);
	struct mbox_msg_args args = { .priority = 1 };

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(MBOX_NAMED | MBOX_RT_PRIORITY, mb_stat_of(b).flags);
	EXPECT_EQ(-EINVAL, mb_call(b, &args));
	close(a);
	close(b);
	ASSERT_EQ(0, mb_unlink(NAME));

	a = mb_create_named(NAME, MB_RW, 0600);
	b = mb_create_named(NAME, MB_RW | MBOX_RT_PRIORITY, 0600);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(MBOX_NAMED, mb_stat_of(b).flags);
	close(a);
	close(b);
}

TEST(call_elsewhere_has_the_callers_word)
{
	struct mbox_msg_args args = { .flags = 0 };
	struct peer *p;
	int h;

	MB_NEED_DEVICE();
	h = mb_create_anon();
	ASSERT_LE(0, h);
	p = peer_call(h, 0, 5, 1);
	p->policy = SCHED_FIFO;
	p->rt_priority = 42;
	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(1, num_recv_args(h, &args));
	EXPECT_EQ(5, args.out_priority);
	EXPECT_EQ(0, num_reply(h, args.out_token, 2));
	EXPECT_EQ(2, peer_reply(p));
}

TEST_HARNESS_MAIN
