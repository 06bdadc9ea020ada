// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A call or a synchronous send that was interrupted after a receiver got it:
 * what becomes of it meanwhile, resumed, abandoned, by its owner and by others.
 * The moments of an interruption are in interrupt.c.
 */
#include "mbox_interrupt.h"

/* ---- while its caller is in a signal handler ---- */

FIXTURE(in_handler) {
	struct talk t;		/* its handler runs until handler_end() */
};

FIXTURE_VARIANT(in_handler) {
	int sa_flags;
};

FIXTURE_VARIANT_ADD(in_handler, with_restart) {
	.sa_flags = SA_RESTART,
};

FIXTURE_VARIANT_ADD(in_handler, without_restart) {
	.sa_flags = 0,
};

FIXTURE_SETUP(in_handler)
{
	MB_NEED_DEVICE();
	ASSERT_TRUE(talk_init(&self->t, DELIVERED, false));
	ASSERT_EQ(0, signal_handle_slowly(SIGUSR1, variant->sa_flags));
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_TRUE(talk_signal(&self->t));
}

FIXTURE_TEARDOWN(in_handler)
{
}

/* What comes of the call when it goes on, by itself or by hand. */
static long goes_on(struct talk *t, int sa_flags)
{
	long ret;

	handler_end();
	ret = peer_reply(t->p);
	if (sa_flags & SA_RESTART || ret != -EINTR)
		return ret;
	t->p = call_again(t->p);
	return peer_start(t->p) ? peer_reply(t->p) : -EAGAIN;
}

TEST_F(in_handler, call_waits_for_its_end)
{
	struct mbox_stat_args st = mb_stat_of(self->t.r);

	EXPECT_NE(0, self->t.p->args.id);
	EXPECT_GT(1ULL << 32, self->t.p->args.id);
	EXPECT_EQ(1, st.calls);
	EXPECT_EQ(1, st.tokens);
	EXPECT_EQ(0, st.stale_tokens);
	EXPECT_EQ(0, num_reply(self->t.r, self->t.token, REPLY));
	handler_end();
	peer_join(self->t.p);
}

TEST_F(in_handler, g03_answer_waits_for_the_caller)
{
	EXPECT_EQ(0, num_reply(self->t.r, self->t.token, REPLY));
	EXPECT_EQ(0, mb_fdinfo(self->t.r, "mbox-tokens"));
	EXPECT_EQ(REPLY, goes_on(&self->t, variant->sa_flags));
	EXPECT_TRUE(talk_is_over(&self->t));
}

TEST_F(in_handler, refusal_waits_for_the_caller)
{
	EXPECT_EQ(0, num_fail(self->t.r, self->t.token, 77));
	EXPECT_EQ(-EREMOTEIO, goes_on(&self->t, variant->sa_flags));
	EXPECT_EQ(77, self->t.p->args.out_code);
	EXPECT_TRUE(talk_is_over(&self->t));
}

TEST_F(in_handler, g06_end_of_the_server_waits_for_the_caller)
{
	close(self->t.r);
	EXPECT_EQ(-ECONNRESET, goes_on(&self->t, variant->sa_flags));
	EXPECT_EQ(self->t.user_bytes, user_bytes());
}

TEST_F(in_handler, request_comes_back_and_is_answered_by_another)
{
	EXPECT_EQ(0, num_finish(self->t.r, self->t.token, MBOX_FINISH_BACK));
	EXPECT_EQ(-ESRCH, num_reply(self->t.r, self->t.token, REPLY));
	EXPECT_EQ(REQUEST, talk_receive(&self->t));
	EXPECT_EQ(0, num_reply(self->t.r, self->t.token, REPLY));
	EXPECT_EQ(REPLY, goes_on(&self->t, variant->sa_flags));
	EXPECT_EQ(0, mb_messages(self->t.r));
	EXPECT_EQ(self->t.user_bytes, user_bytes());
}

TEST_F(in_handler, request_comes_back_and_is_purged)
{
	EXPECT_EQ(0, num_finish(self->t.r, self->t.token, MBOX_FINISH_BACK));
	close(self->t.r);
	EXPECT_GT(0, goes_on(&self->t, variant->sa_flags));
	EXPECT_EQ(self->t.user_bytes, user_bytes());
}

TEST_F(in_handler, g05_deadline_passes)
{
	__u64 deadline = mb_in(50 * NSEC_PER_MSEC);

	self->t.p->args.flags = MBOX_WAIT_UNTIL;
	self->t.p->args.deadline = deadline;
	ASSERT_TRUE(wait_until(mb_now(CLOCK_MONOTONIC) > deadline));
	EXPECT_EQ(-ETIMEDOUT, goes_on(&self->t, variant->sa_flags));
	EXPECT_TRUE(talk_is_given_up(&self->t));
}

TEST_F(in_handler, another_thread_may_take_the_call_over)
{
	struct peer *other = call_again(self->t.p);

	ASSERT_TRUE(peer_start(other));
	EXPECT_EQ(0, num_reply(self->t.r, self->t.token, REPLY));
	EXPECT_EQ(REPLY, peer_reply(other));
	EXPECT_EQ(-ESRCH, goes_on(&self->t, variant->sa_flags));
	EXPECT_TRUE(talk_is_over(&self->t));
}

TEST_F(in_handler, another_thread_may_abandon_the_call)
{
	EXPECT_EQ(0, mb_abandon(self->t.s, self->t.p->args.id));
	EXPECT_EQ(-ESRCH, goes_on(&self->t, variant->sa_flags));
	EXPECT_TRUE(talk_is_given_up(&self->t));
}

/* ---- ended in EINTR ---- */

FIXTURE(eintr) {
	struct talk t;
	struct mbox_msg_args *args;	/* as the interruption left them */
};

FIXTURE_VARIANT(eintr) {
	bool sync;
};

FIXTURE_VARIANT_ADD(eintr, call) {
	.sync = false,
};

FIXTURE_VARIANT_ADD(eintr, sync) {
	.sync = true,
};

FIXTURE_SETUP(eintr)
{
	enum moment moment = variant->sync ? IN_HAND : DELIVERED;

	MB_NEED_DEVICE();
	ASSERT_TRUE(talk_init(&self->t, moment, variant->sync));
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(talk_reach(&self->t, false));
	ASSERT_TRUE(talk_signal(&self->t));
	ASSERT_EQ(-EINTR, peer_join(self->t.p));
	self->args = &self->t.p->args;
	ASSERT_NE(0, self->args->id);
}

FIXTURE_TEARDOWN(eintr)
{
}

static int abandon(int h, const struct mbox_msg_args *call, bool sync)
{
	struct mbox_msg_args args = {
		.flags = MBOX_ABANDON | (sync ? MBOX_SYNC : 0),
		.id = call->id,
	};

	return mb_ioctl(h, sync ? MBOX_IOC_SEND : MBOX_IOC_CALL, &args);
}

TEST_F(eintr, resumed_it_sends_nothing)
{
	struct talk *t = &self->t;

	t->p = call_again(t->p);
	/* What it once said is not looked at. */
	t->p->args.buf = 0;
	t->p->args.len = 0;
	ASSERT_TRUE(peer_start(t->p) && peer_sleeps(t->p));
	EXPECT_EQ(1, mb_stat_of(t->r).sent);
	EXPECT_EQ(0, talk_answer(t));
	EXPECT_EQ(talk_good_result(t), talk_result(t));
	EXPECT_TRUE(talk_is_over(t));
}

TEST_F(eintr, resumed_and_interrupted_again_it_goes_on)
{
	struct talk *t = &self->t;
	int i;

	for (i = 0; i < 5; i++) {
		t->p = call_again(t->p);
		ASSERT_TRUE(peer_start(t->p) && peer_sleeps(t->p));
		ASSERT_TRUE(talk_signal(t));
		ASSERT_EQ(-EINTR, peer_join(t->p));
		ASSERT_NE(0, t->p->args.id);
		ASSERT_EQ(1, mb_fdinfo(t->r, "mbox-calls"));
	}
	t->p = call_again(t->p);
	ASSERT_TRUE(peer_start(t->p));
	EXPECT_EQ(0, talk_answer(t));
	EXPECT_EQ(talk_good_result(t), talk_result(t));
	EXPECT_TRUE(talk_is_over(t));
}

TEST_F(eintr, resumed_after_the_answer)
{
	struct talk *t = &self->t;

	EXPECT_EQ(0, talk_answer(t));
	t->p = call_again(t->p);
	ASSERT_TRUE(peer_start(t->p));
	EXPECT_EQ(talk_good_result(t), talk_result(t));
	EXPECT_TRUE(talk_is_over(t));
	/* That was it. */
	t->p = call_again(t->p);
	ASSERT_TRUE(peer_start(t->p));
	EXPECT_EQ(-ESRCH, peer_join(t->p));
}

TEST_F(eintr, resumed_in_vain_it_times_out)
{
	struct talk *t = &self->t;

	t->p = call_again(t->p);
	peer_until(t->p, mb_in(30 * NSEC_PER_MSEC));
	ASSERT_TRUE(peer_start(t->p));
	EXPECT_EQ(-ETIMEDOUT, peer_join(t->p));
	EXPECT_LE(t->p->args.deadline, t->p->end);
	EXPECT_TRUE(talk_is_given_up(t));
	EXPECT_EQ(-ESRCH, abandon(t->s, self->args, variant->sync));
}

TEST_F(eintr, resumed_by_two_it_is_the_first_ones)
{
	struct talk *t = &self->t;
	struct peer *second = call_again(t->p);

	t->p = call_again(t->p);
	ASSERT_TRUE(peer_start(t->p) && peer_sleeps(t->p));
	ASSERT_TRUE(peer_start(second));
	EXPECT_EQ(-ESRCH, peer_join(second));
	EXPECT_EQ(-ESRCH, abandon(t->s, self->args, variant->sync));
	EXPECT_EQ(0, talk_answer(t));
	EXPECT_EQ(talk_good_result(t), talk_result(t));
	EXPECT_TRUE(talk_is_over(t));
}

TEST_F(eintr, abandoned_it_is_given_up)
{
	struct talk *t = &self->t;

	EXPECT_EQ(0, abandon(t->s, self->args, variant->sync));
	EXPECT_EQ(0, mb_fdinfo(t->r, "mbox-calls"));
	EXPECT_EQ(-ESRCH, abandon(t->s, self->args, variant->sync));
	t->p = call_again(t->p);
	ASSERT_TRUE(peer_start(t->p));
	EXPECT_EQ(-ESRCH, peer_join(t->p));
	EXPECT_TRUE(talk_is_given_up(t));
}

TEST_F(eintr, abandoned_after_the_answer_it_leaves_nothing)
{
	struct talk *t = &self->t;

	EXPECT_EQ(0, talk_answer(t));
	EXPECT_EQ(0, abandon(t->s, self->args, variant->sync));
	EXPECT_EQ(-ESRCH, abandon(t->s, self->args, variant->sync));
	EXPECT_TRUE(talk_is_over(t));
}

TEST_F(eintr, wrong_number_is_nobodys)
{
	struct mbox_msg_args args = *self->args;

	args.id++;
	EXPECT_EQ(-ESRCH, abandon(self->t.s, &args, variant->sync));
	args.id = self->args->id | 1ULL << 32;
	EXPECT_EQ(-ESRCH, abandon(self->t.s, &args, variant->sync));
	args.id = ~0ULL;
	EXPECT_EQ(-ESRCH, mb_ioctl(self->t.s, self->t.p->cmd, &args));
	/* Of a receiver's numbers nobody here is the caller. */
	if (self->t.token && self->t.token != self->args->id) {
		args.id = self->t.token;
		EXPECT_EQ(-ESRCH, abandon(self->t.s, &args, variant->sync));
	}
	EXPECT_EQ(1, mb_fdinfo(self->t.r, "mbox-calls"));
	EXPECT_EQ(0, abandon(self->t.s, self->args, variant->sync));
}

TEST_F(eintr, through_another_handle_it_is_a_strangers)
{
	int other = mb_narrow(self->t.s, MBOX_SEND, 0);
	int elsewhere = mb_create_anon();
	int copy = dup(self->t.s);

	ASSERT_LE(0, other);
	ASSERT_LE(0, elsewhere);
	EXPECT_EQ(-ESRCH, abandon(other, self->args, variant->sync));
	EXPECT_EQ(-ESRCH, abandon(elsewhere, self->args, variant->sync));
	EXPECT_EQ(-ESRCH, mb_ioctl(other, self->t.p->cmd, self->args));
	EXPECT_EQ(1, mb_fdinfo(self->t.r, "mbox-calls"));
	/* A duplicate is the same one. */
	EXPECT_EQ(0, abandon(copy, self->args, variant->sync));
	EXPECT_TRUE(talk_is_given_up(&self->t));
}

struct stranger {
	int s;
	bool sync;
	struct mbox_msg_args args;
};

static void meddles(struct __test_metadata *_metadata, void *arg)
{
	struct stranger *me = arg;

	EXPECT_EQ(-ESRCH, abandon(me->s, &me->args, me->sync));
	EXPECT_EQ(-ESRCH, mb_ioctl(me->s, me->sync ? MBOX_IOC_SEND :
						     MBOX_IOC_CALL, &me->args));
}

/* Its end does not abandon what its parent called, either. */
TEST_F(eintr, child_is_a_stranger)
{
	struct talk *t = &self->t;
	struct stranger stranger = { t->s, variant->sync, *self->args };
	pid_t pid = mb_fork(_metadata, meddles, &stranger);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(1, mb_fdinfo(t->r, "mbox-calls"));
	t->p = call_again(t->p);
	ASSERT_TRUE(peer_start(t->p));
	EXPECT_EQ(0, talk_answer(t));
	EXPECT_EQ(talk_good_result(t), talk_result(t));
}

TEST_F(eintr, call_and_send_are_not_each_others)
{
	struct mbox_msg_args args = {
		.flags = MBOX_ABANDON | (variant->sync ? 0 : MBOX_SYNC),
		.id = self->args->id,
	};

	EXPECT_EQ(-ESRCH, mb_ioctl(self->t.s, variant->sync ? MBOX_IOC_CALL :
							      MBOX_IOC_SEND,
				   &args));
	EXPECT_EQ(0, abandon(self->t.s, self->args, variant->sync));
}

TEST_F(eintr, close_of_the_last_copy_abandons_it)
{
	int copy = dup(self->t.s);

	close(self->t.s);
	EXPECT_EQ(1, mb_fdinfo(self->t.r, "mbox-calls"));
	self->t.p->fd = copy;
	close(copy);
	EXPECT_EQ(0, mb_fdinfo(self->t.r, "mbox-calls"));
	EXPECT_TRUE(wait_until(!mb_fdinfo(self->t.r, "mbox-senders")));
	/* No send handle is left: the end is near, once it is settled. */
	if (self->t.moment == IN_HAND) {
		EXPECT_TRUE(stall_end(&self->t.stall));
		EXPECT_EQ(REQUEST, talk_join_server(&self->t));
	} else {
		EXPECT_EQ(-EPIPE, num_reply(self->t.r, self->t.token, REPLY));
	}
	EXPECT_EQ(-EPIPE, num_recv(self->t.r));
	EXPECT_EQ(self->t.user_bytes, user_bytes());
}

/* ---- ends of processes ---- */

/* Leave the call as it is, in EINTR, and end. */
static long calls_and_exits(struct peer *p)
{
	return signal_handle(SIGUSR1, 0) ? -errno :
	       mb_ioctl(p->fd, p->cmd, &p->args);
}

TEST(exit_abandons_an_interrupted_call)
{
	struct talk t = { .s = -1 };

	MB_NEED_DEVICE();
	ASSERT_TRUE(talk_init(&t, DELIVERED, false));
	t.p->fn = calls_and_exits;
	ASSERT_TRUE(talk_reach(&t, true));
	ASSERT_EQ(0, kill(t.p->tid, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(t.p));
	EXPECT_NE(0, t.p->args.id);
	EXPECT_TRUE(talk_is_given_up(&t));
}

/* As a process that shares the test's descriptors, and so is the same owner. */
static pid_t fork_with_files(struct peer *p)
{
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	peer_main(p);
	_exit(0);
}

TEST(g06_kill_abandons_a_call_though_others_share_the_descriptors)
{
	struct talk t = { .s = -1 };
	pid_t pid;

	MB_NEED_DEVICE();
	ASSERT_TRUE(talk_init(&t, DELIVERED, false));
	pid = fork_with_files(t.p);
	ASSERT_LT(0, pid);
	ASSERT_EQ(REQUEST, talk_receive(&t));
	mb_kill(pid);
	EXPECT_TRUE(talk_is_given_up(&t));
}

/* ---- a struct that cannot be written ---- */

FIXTURE(read_only) {
	struct talk t;		/* its struct is on a page that is read-only */
};

FIXTURE_VARIANT(read_only) {
	enum moment moment;
	bool sync;
	long result;
};

FIXTURE_VARIANT_ADD(read_only, call_queued) {
	.moment = QUEUED,
	.result = -EINTR,
};

FIXTURE_VARIANT_ADD(read_only, call_in_hand) {
	.moment = IN_HAND,
	.result = -EFAULT,
};

FIXTURE_VARIANT_ADD(read_only, call_delivered) {
	.moment = DELIVERED,
	.result = -EFAULT,
};

FIXTURE_VARIANT_ADD(read_only, sync_queued) {
	.moment = QUEUED,
	.sync = true,
	.result = -EINTR,
};

FIXTURE_VARIANT_ADD(read_only, sync_in_hand) {
	.moment = IN_HAND,
	.sync = true,
	.result = -EFAULT,
};

static long calls_with_arg(struct peer *p)
{
	return mb_ioctl(p->fd, p->cmd, p->arg);
}

FIXTURE_SETUP(read_only)
{
	MB_NEED_DEVICE();
	ASSERT_TRUE(talk_init(&self->t, variant->moment, variant->sync));
	self->t.p->arg = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(self->t.p->arg != MAP_FAILED);
	memcpy(self->t.p->arg, &self->t.p->args, sizeof(self->t.p->args));
	ASSERT_EQ(0, mprotect(self->t.p->arg, page_size(), PROT_READ));
	self->t.p->fn = calls_with_arg;
	ASSERT_TRUE(talk_reach(&self->t, false));
}

FIXTURE_TEARDOWN(read_only)
{
}

TEST_F(read_only, interrupted_it_is_abandoned)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(talk_signal(&self->t));
	EXPECT_EQ(variant->result, peer_join(self->t.p));
	EXPECT_TRUE(talk_is_given_up(&self->t));
}

TEST_F(read_only, interrupted_with_restart_it_is_abandoned_if_a_receiver_had_it)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(talk_signal(&self->t));
	if (talk_is_open(&self->t)) {
		EXPECT_EQ(-EFAULT, peer_join(self->t.p));
		EXPECT_TRUE(talk_is_given_up(&self->t));
		return;
	}
	EXPECT_EQ(REQUEST, talk_receive(&self->t));
	if (!variant->sync)
		EXPECT_EQ(0, num_reply(self->t.r, self->t.token, REPLY));
	/* A call has something to tell in the struct in the end. */
	EXPECT_EQ(variant->sync ? 0 : -EFAULT, peer_join(self->t.p));
	EXPECT_EQ(0, mb_fdinfo(self->t.r, "mbox-calls"));
	EXPECT_EQ(self->t.user_bytes, user_bytes());
}

TEST_HARNESS_MAIN
