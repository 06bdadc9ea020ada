// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A server that something interrupts after its reply is out, and before the next
 * message has come: it replies once, and misses nothing.
 */
#include "mbox_interrupt.h"

FIXTURE(server) {
	int h;
	struct peer *p;		/* on CPU 0 */
};

/* Receive a call, reply to it, and receive the next. */
static long serves(struct peer *p)
{
	struct mbox_msg_args *args = &p->args;
	int ret = mb_recv(p->fd, args);
	__u32 reply = REPLY;

	if (ret)
		return ret;
	args->id = args->out_token;
	args->reply_buf = (unsigned long)&reply;
	args->reply_len = sizeof(reply);
	mb_poison(args);
	return mb_ioctl(p->fd, MBOX_IOC_REPLY_RECV, args);
}

FIXTURE_SETUP(server)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->p = peer_recv(self->h);
	self->p->fn = serves;
	self->p->pin = 1;
}

FIXTURE_TEARDOWN(server)
{
}

/* Wait until it has replied to number 1, and waits for more. */
static bool server_replied(int h)
{
	struct peer *caller = peer_call(h, 0, 0, 1);

	peer_until(caller, mb_in(20 * NSEC_PER_SEC));
	return peer_start(caller) && peer_reply(caller) == REPLY &&
	       receivers_blocked(h, 1);
}

/* Number 2 is what it gets then, and that alone. */
static bool server_gets_the_next(int h, struct peer *server)
{
	struct peer *caller = peer_call(h, 0, 0, 2);
	long got, end;

	peer_until(caller, mb_in(20 * NSEC_PER_SEC));
	if (!peer_start(caller))
		return false;
	got = peer_number(server);
	if (got == 2 && !server->is_process)
		num_reply(h, server->args.out_token, 7);
	end = peer_reply(caller);
	return got == 2 && end == (server->is_process ? -ECONNRESET : 7) &&
	       server->args.out_flags == MBOX_MSG_CALL && !server->args.id &&
	       all_over(h) && mb_stat_of(h).received == 2;
}

TEST_F(server, g03_signal_with_restart_changes_nothing)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(peer_start(self->p));
	ASSERT_TRUE(server_replied(self->h));
	ASSERT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	ASSERT_TRUE(wait_until(signals() == 1));
	EXPECT_TRUE(server_gets_the_next(self->h, self->p));
}

TEST_F(server, signal_without_restart_ends_the_receive_alone)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_start(self->p));
	ASSERT_TRUE(server_replied(self->h));
	ASSERT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(self->p));
	EXPECT_EQ(0, self->p->args.id);
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_TRUE(all_over(self->h));
}

TEST_F(server, g03_message_handed_over_beats_a_later_signal)
{
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_start(self->p));
	ASSERT_TRUE(server_replied(self->h));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 0, 0, 2));
	EXPECT_EQ(0, pthread_kill(self->p->thread, SIGUSR1));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(2, peer_number(self->p));
	EXPECT_EQ(1, signals());
}

TEST_F(server, stopped_it_goes_on)
{
	ASSERT_TRUE(peer_fork(self->p));
	ASSERT_TRUE(server_replied(self->h));
	ASSERT_TRUE(stop(self->p->tid));
	EXPECT_EQ(0, self->p->args.id);
	ASSERT_EQ(0, kill(self->p->tid, SIGCONT));
	EXPECT_TRUE(server_gets_the_next(self->h, self->p));
}

TEST_F(server, attached_to_and_let_go_it_goes_on)
{
	ASSERT_TRUE(peer_fork(self->p));
	ASSERT_TRUE(server_replied(self->h));
	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, self->p->tid, 0, 0));
	ASSERT_TRUE(traced(self->p->tid));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->p->tid, 0, 0));
	EXPECT_TRUE(server_gets_the_next(self->h, self->p));
}

TEST_F(server, frozen_it_gets_what_came_meanwhile)
{
	struct peer *caller = peer_call(self->h, 0, 0, 2);

	ASSERT_TRUE(peer_fork(self->p));
	ASSERT_TRUE(server_replied(self->h));
	ASSERT_EQ(0, cgroup_make(self->p->tid));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "1"));
	ASSERT_TRUE(wait_until(cgroup_says("frozen 1")));
	peer_until(caller, mb_in(20 * NSEC_PER_SEC));
	ASSERT_TRUE(peer_calls(caller));
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens"));
	ASSERT_EQ(0, mb_write_file(CGROUP "/cgroup.freeze", "0"));
	EXPECT_EQ(2, peer_number(self->p));
	EXPECT_EQ(-ECONNRESET, peer_reply(caller));
	cgroup_remove();
}

TEST_F(server, g05_restart_keeps_the_first_deadline)
{
	__u64 deadline = mb_in(300 * NSEC_PER_MSEC);

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	peer_until(self->p, deadline);
	ASSERT_TRUE(peer_start(self->p));
	server_replied(self->h);
	while (!peer_done(self->p) && mb_now(CLOCK_MONOTONIC) <
				      deadline + 10 * NSEC_PER_SEC) {
		pthread_kill(self->p->thread, SIGUSR1);
		mb_poll_pause();
	}
	ASSERT_TRUE(peer_done(self->p));
	EXPECT_EQ(-ETIMEDOUT, peer_join(self->p));
	EXPECT_LE(deadline, self->p->end);
	EXPECT_EQ(0, self->p->args.id);
	EXPECT_TRUE(all_over(self->h));
}

/* With a struct that cannot be written, nothing is done that could not be told. */
TEST_F(server, reply_is_not_sent_if_that_cannot_be_said)
{
	struct mbox_msg_args *args = mmap(NULL, page_size(),
					  PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct peer *caller = peer_call(self->h, 0, 0, 1);
	__u32 token, reply = REPLY;

	ASSERT_TRUE(args != MAP_FAILED);
	ASSERT_TRUE(peer_calls(caller));
	ASSERT_EQ(1, num_take(self->h, &token));
	args->flags = MBOX_WAIT_NONE;
	args->id = token;
	args->reply_buf = (unsigned long)&reply;
	args->reply_len = sizeof(reply);
	ASSERT_EQ(0, mprotect(args, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_REPLY_RECV, args));
	EXPECT_FALSE(peer_done(caller));
	ASSERT_EQ(0, mprotect(args, page_size(), PROT_READ | PROT_WRITE));
	EXPECT_EQ(-EAGAIN, mb_ioctl(self->h, MBOX_IOC_REPLY_RECV, args));
	EXPECT_EQ(0, args->id);
	EXPECT_EQ(REPLY, peer_reply(caller));
	EXPECT_TRUE(all_over(self->h));
}

TEST_HARNESS_MAIN
