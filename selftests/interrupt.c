// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A call or a synchronous send that something interrupts, at every moment of
 * its life. What a program does about a call that ended in EINTR is in resume.c,
 * servers are in interrupt_server.c.
 */
#include "mbox_interrupt.h"

FIXTURE(interrupted) {
	struct talk t;
};

FIXTURE_VARIANT(interrupted) {
	enum moment moment;
	bool sync;
};

FIXTURE_VARIANT_ADD(interrupted, call_blocked) {
	.moment = BLOCKED,
};

FIXTURE_VARIANT_ADD(interrupted, call_queued) {
	.moment = QUEUED,
};

FIXTURE_VARIANT_ADD(interrupted, call_in_hand) {
	.moment = IN_HAND,
};

FIXTURE_VARIANT_ADD(interrupted, call_delivered) {
	.moment = DELIVERED,
};

FIXTURE_VARIANT_ADD(interrupted, call_answered) {
	.moment = ANSWERED,
};

FIXTURE_VARIANT_ADD(interrupted, sync_blocked) {
	.moment = BLOCKED,
	.sync = true,
};

FIXTURE_VARIANT_ADD(interrupted, sync_queued) {
	.moment = QUEUED,
	.sync = true,
};

FIXTURE_VARIANT_ADD(interrupted, sync_in_hand) {
	.moment = IN_HAND,
	.sync = true,
};

FIXTURE_VARIANT_ADD(interrupted, sync_received) {
	.moment = ANSWERED,
	.sync = true,
};

FIXTURE_SETUP(interrupted)
{
	MB_NEED_DEVICE();
	ASSERT_TRUE(talk_init(&self->t, variant->moment, variant->sync));
}

FIXTURE_TEARDOWN(interrupted)
{
}

/* Answered after the interruption, it ends well. */
#define EXPECT_GOOD_END() do { \
	EXPECT_EQ(0, talk_answer(&self->t)); \
	EXPECT_EQ(talk_good_result(&self->t), talk_result(&self->t)); \
	EXPECT_TRUE(talk_is_over(&self->t)); \
} while (0)

/* ---- signals ---- */

TEST_F(interrupted, g03_signal_with_restart_changes_nothing)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_TRUE(talk_signal(&self->t));
	/* Who has no receiver yet begins anew. */
	EXPECT_EQ(talk_is_open(&self->t), !!self->t.p->args.id);
	EXPECT_GOOD_END();
}

TEST_F(interrupted, g03_many_signals_with_restart_change_nothing)
{
	int i;

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_TRUE(talk_go_on(&self->t));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, pthread_kill(self->t.p->thread, SIGUSR1));
		if (i % 10 == 0)
			mb_poll_pause();
	}
	EXPECT_GOOD_END();
}

TEST_F(interrupted, ends_well_while_signals_rain)
{
	int error;

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_TRUE(talk_signal(&self->t));
	error = talk_answer(&self->t);
	while (!error && !peer_done(self->t.p)) {
		pthread_kill(self->t.p->thread, SIGUSR1);
		mb_poll_pause();
	}
	ASSERT_EQ(0, error);
	EXPECT_EQ(talk_good_result(&self->t), talk_result(&self->t));
	EXPECT_TRUE(talk_is_over(&self->t));
}

TEST_F(interrupted, g03_signal_without_restart_ends_it_unless_it_is_over)
{
	const struct mbox_msg_args before = self->t.p->args;
	bool over = variant->moment == ANSWERED;
	struct mbox_msg_args *args = &self->t.p->args;

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_TRUE(talk_signal(&self->t));
	EXPECT_EQ(over ? talk_good_result(&self->t) : -EINTR,
		  talk_result(&self->t));
	EXPECT_EQ(talk_is_open(&self->t), !!args->id);
	EXPECT_EQ(talk_is_open(&self->t), mb_fdinfo(self->t.r, "mbox-calls"));
	/* Nothing but the id was written. */
	EXPECT_EQ(0, memcmp(args, &before, offsetof(struct mbox_msg_args, id)));
	EXPECT_EQ(before.ext, args->ext);
	if (!over)
		EXPECT_TRUE(variant->sync || mb_poisoned(args));
	if (talk_is_outside(&self->t))
		EXPECT_TRUE(talk_is_given_up(&self->t));
}

TEST_F(interrupted, can_be_repeated_with_the_same_struct)
{
	if (variant->moment == ANSWERED)
		return;
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_TRUE(talk_signal(&self->t));
	ASSERT_EQ(-EINTR, talk_result(&self->t));
	self->t.p = call_again(self->t.p);
	ASSERT_TRUE(peer_start(self->t.p));
	if (variant->moment == BLOCKED)
		ASSERT_TRUE(senders_blocked(self->t.r, 1));
	ASSERT_TRUE(calls_open(self->t.r, 1));
	EXPECT_GOOD_END();
}

TEST_F(interrupted, ignored_signal_changes_nothing)
{
	signal(SIGUSR1, SIG_IGN);
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_EQ(0, pthread_kill(self->t.p->thread, SIGUSR1));
	ASSERT_TRUE(talk_go_on(&self->t));
	EXPECT_EQ(0, self->t.p->args.id);
	EXPECT_GOOD_END();
}

/* ---- deadlines ---- */

TEST_F(interrupted, g05_restart_keeps_the_first_deadline)
{
	__u64 deadline = mb_in(400 * NSEC_PER_MSEC);
	bool over = variant->moment == ANSWERED;
	long ret;

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	peer_until(self->t.p, deadline);
	if (!talk_reach(&self->t, false)) {
		/* Too slow a machine for this one. */
		ASSERT_LE(deadline, mb_now(CLOCK_MONOTONIC));
		cpu_release();
		return;
	}
	ASSERT_TRUE(talk_go_on(&self->t));
	while (!peer_done(self->t.p) && mb_now(CLOCK_MONOTONIC) <
					deadline + 10 * NSEC_PER_SEC) {
		pthread_kill(self->t.p->thread, SIGUSR1);
		mb_poll_pause();
	}
	ASSERT_TRUE(peer_done(self->t.p));
	ret = talk_result(&self->t);
	if (over) {
		EXPECT_EQ(talk_good_result(&self->t), ret);
		EXPECT_TRUE(talk_is_over(&self->t));
		return;
	}
	EXPECT_EQ(-ETIMEDOUT, ret);
	EXPECT_LE(deadline, self->t.p->end);
	EXPECT_TRUE(talk_is_given_up(&self->t));
}

TEST_F(interrupted, g03_answer_beats_a_deadline_that_passes_in_a_stop)
{
	__u64 deadline = mb_in(300 * NSEC_PER_MSEC);
	long ret;
	int error;

	peer_until(self->t.p, deadline);
	if (!talk_reach(&self->t, true)) {
		ASSERT_LE(deadline, mb_now(CLOCK_MONOTONIC));
		cpu_release();
		return;
	}
	ASSERT_EQ(0, kill(self->t.p->tid, SIGSTOP));
	ASSERT_TRUE(talk_go_on(&self->t));
	ASSERT_TRUE(stopped(self->t.p->tid));
	ASSERT_TRUE(wait_until(mb_now(CLOCK_MONOTONIC) > deadline));
	/* A stop takes the request back, if nobody has it. */
	error = talk_is_outside(&self->t) ? 0 : talk_answer(&self->t);
	ASSERT_EQ(0, kill(self->t.p->tid, SIGCONT));
	ret = talk_result(&self->t);
	ASSERT_EQ(0, error);
	if (talk_is_outside(&self->t)) {
		EXPECT_EQ(-ETIMEDOUT, ret);
		EXPECT_TRUE(talk_is_given_up(&self->t));
	} else {
		EXPECT_EQ(talk_good_result(&self->t), ret);
		EXPECT_TRUE(talk_is_over(&self->t));
	}
}

/* ---- stopped, traced, frozen ---- */

TEST_F(interrupted, stopped_it_goes_on)
{
	ASSERT_TRUE(talk_reach(&self->t, true));
	ASSERT_EQ(0, kill(self->t.p->tid, SIGSTOP));
	ASSERT_TRUE(talk_go_on(&self->t));
	ASSERT_TRUE(stopped(self->t.p->tid));
	EXPECT_EQ(talk_is_open(&self->t), !!self->t.p->args.id);
	ASSERT_EQ(0, kill(self->t.p->tid, SIGCONT));
	EXPECT_GOOD_END();
}

TEST_F(interrupted, answered_while_it_is_stopped)
{
	struct talk *t = &self->t;

	if (talk_is_outside(t))
		return;
	ASSERT_TRUE(talk_reach(t, true));
	ASSERT_EQ(0, kill(t->p->tid, SIGSTOP));
	ASSERT_TRUE(talk_go_on(t));
	ASSERT_TRUE(stopped(t->p->tid));
	EXPECT_EQ(0, talk_answer(t));
	EXPECT_FALSE(peer_done(t->p));
	ASSERT_EQ(0, kill(t->p->tid, SIGCONT));
	EXPECT_EQ(talk_good_result(t), talk_result(t));
	EXPECT_TRUE(talk_is_over(t));
}

TEST_F(interrupted, attached_to_and_let_go_it_goes_on)
{
	ASSERT_TRUE(talk_reach(&self->t, true));
	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, self->t.p->tid, 0, 0));
	ASSERT_TRUE(talk_go_on(&self->t));
	ASSERT_TRUE(traced(self->t.p->tid));
	EXPECT_EQ(talk_is_open(&self->t), !!self->t.p->args.id);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->t.p->tid, 0, 0));
	EXPECT_GOOD_END();
}

TEST_F(interrupted, interrupted_by_a_tracer_again_and_again_it_goes_on)
{
	pid_t pid;
	int i;

	ASSERT_TRUE(talk_reach(&self->t, true));
	pid = self->t.p->tid;
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, 0, 0));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
		if (i == 0)
			ASSERT_TRUE(talk_go_on(&self->t));
		if (!traced(pid))	/* over, and so gone */
			break;
		ASSERT_EQ(0, ptrace(i < 4 ? PTRACE_CONT : PTRACE_DETACH, pid,
				    0, 0));
		if (variant->moment == ANSWERED)
			break;
	}
	EXPECT_GOOD_END();
}

TEST_F(interrupted, frozen_it_goes_on)
{
	self->t.in_cgroup = true;
	ASSERT_TRUE(talk_reach(&self->t, true));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "1"));
	ASSERT_TRUE(talk_go_on(&self->t));
	ASSERT_TRUE(wait_until(cgroup_says("frozen 1")));
	EXPECT_EQ(talk_is_open(&self->t), !!self->t.p->args.id);
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "0"));
	EXPECT_GOOD_END();
	cgroup_remove();
}

TEST_F(interrupted, answered_while_it_is_frozen)
{
	struct talk *t = &self->t;
	bool early;

	if (talk_is_outside(t))
		return;
	t->in_cgroup = true;
	ASSERT_TRUE(talk_reach(t, true));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "1"));
	/* If that had to wait for others' control groups, the peer had its CPU meanwhile. */
	early = t->moment == ANSWERED && peer_done(t->p);
	ASSERT_TRUE(talk_go_on(t));
	ASSERT_TRUE(wait_until(cgroup_says("frozen 1")));
	EXPECT_EQ(0, talk_answer(t));
	EXPECT_EQ(early, peer_done(t->p));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "0"));
	EXPECT_EQ(talk_good_result(t), talk_result(t));
	EXPECT_TRUE(talk_is_over(t));
	cgroup_remove();
}

/* ---- killed ---- */

TEST_F(interrupted, g13_killed_it_leaves_nothing)
{
	ASSERT_TRUE(talk_reach(&self->t, true));
	ASSERT_EQ(0, kill(self->t.p->tid, SIGKILL));
	ASSERT_TRUE(talk_go_on(&self->t));
	EXPECT_EQ(-ECHILD, peer_join(self->t.p));
	EXPECT_TRUE(talk_is_gone(&self->t));
}

TEST_F(interrupted, g13_killed_in_a_stop_it_leaves_nothing)
{
	ASSERT_TRUE(talk_reach(&self->t, true));
	ASSERT_EQ(0, kill(self->t.p->tid, SIGSTOP));
	ASSERT_TRUE(talk_go_on(&self->t));
	ASSERT_TRUE(stopped(self->t.p->tid));
	mb_kill(self->t.p->tid);
	EXPECT_TRUE(talk_is_gone(&self->t));
}

TEST_F(interrupted, g13_killed_when_frozen_it_leaves_nothing)
{
	self->t.in_cgroup = true;
	ASSERT_TRUE(talk_reach(&self->t, true));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "1"));
	ASSERT_TRUE(talk_go_on(&self->t));
	ASSERT_TRUE(wait_until(cgroup_says("frozen 1")));
	mb_kill(self->t.p->tid);
	EXPECT_TRUE(talk_is_gone(&self->t));
	cgroup_remove();
}

/* ---- in the hands of a receiver whose copy fails ---- */

FIXTURE(in_hand) {
	struct talk t;
};

FIXTURE_VARIANT(in_hand) {
	bool sync;
};

FIXTURE_VARIANT_ADD(in_hand, call) {
	.sync = false,
};

FIXTURE_VARIANT_ADD(in_hand, sync) {
	.sync = true,
};

FIXTURE_SETUP(in_hand)
{
	MB_NEED_DEVICE();
	ASSERT_TRUE(talk_init(&self->t, IN_HAND, variant->sync));
	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
}

FIXTURE_TEARDOWN(in_hand)
{
}

TEST_F(in_hand, g13_request_of_a_killed_caller_does_not_come_back)
{
	struct talk *t = &self->t;

	ASSERT_TRUE(talk_reach(t, true));
	mb_kill(t->p->tid);
	EXPECT_EQ(0, mb_fdinfo(t->r, "mbox-calls"));
	ASSERT_TRUE(stall_fault(&t->stall));
	EXPECT_EQ(-EFAULT, peer_join(t->server));
	EXPECT_EQ(-EAGAIN, num_recv(t->r));
	EXPECT_EQ(0, mb_messages(t->r));
	EXPECT_EQ(t->user_bytes, user_bytes());
}

TEST_F(in_hand, interrupted_comes_back_and_ends_well)
{
	struct talk *t = &self->t;

	ASSERT_TRUE(talk_reach(t, false));
	ASSERT_TRUE(talk_signal(t));
	ASSERT_TRUE(stall_fault(&t->stall));
	EXPECT_EQ(-EFAULT, peer_join(t->server));
	t->moment = QUEUED;
	EXPECT_GOOD_END();
}

/* Interrupted again when it is back in the queue: it must not be there twice. */
TEST_F(in_hand, interrupted_again_when_it_came_back_ends_well)
{
	struct talk *t = &self->t;

	ASSERT_TRUE(talk_reach(t, false));
	ASSERT_TRUE(talk_signal(t));
	ASSERT_TRUE(stall_fault(&t->stall));
	EXPECT_EQ(-EFAULT, peer_join(t->server));
	ASSERT_TRUE(talk_signal(t));
	ASSERT_TRUE(talk_signal(t));
	t->moment = QUEUED;
	EXPECT_GOOD_END();
}

TEST_HARNESS_MAIN
