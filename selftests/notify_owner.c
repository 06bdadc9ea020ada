// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * MBOX_IOC_NOTIFY: a mailbox has one notification at a time, which ends with the
 * process that asked for it, and with the handle.
 */
#include "mbox_halt.h"
#include "mbox_notify.h"

#define MAILBOX FIXTURE_DATA(mailbox)

static void is_busy(struct __test_metadata *_metadata, void *arg)
{
	MAILBOX *self = arg;

	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
	EXPECT_EQ(-EBUSY, notify(self->other, self->efd));
	/* And it is not theirs to take away. */
	EXPECT_EQ(0, notify(self->h, -1));
	EXPECT_EQ(0, notify(self->other, -1));
	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
}

TEST_F(mailbox, there_is_one_at_a_time_across_processes)
{
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
	EXPECT_EQ(-EBUSY, notify(self->other, self->efd));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, is_busy, self)));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, is_busy, self));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(1, seen(self->efd));
	EXPECT_EQ(0, notify(self->other, self->efd));
}

TEST_F(mailbox, it_can_be_taken_away)
{
	EXPECT_EQ(0, notify(self->h, -1));
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(0, notify(self->other, -1));	/* another handle's */
	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
	EXPECT_EQ(0, notify(self->h, -1));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(0, seen(self->efd));
	EXPECT_EQ(1, mb_get(self->h, self->buf, 1));
	EXPECT_EQ(0, notify(self->other, self->efd));
}

static long notify_away(struct peer *p)
{
	return notify(p->fd, -1);
}

TEST_F(mailbox, any_thread_of_the_process_may_take_it_away)
{
	struct peer *p = peer_new(dup(self->h), notify_away);

	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, notify(self->other, self->efd));
	close(p->fd);
}

TEST_F(mailbox, a_thread_that_exits_leaves_it)
{
	struct peer *p = peer_new(self->h, NULL);
	struct mbox_notify_args args = { .eventfd = self->efd };

	p->cmd = MBOX_IOC_NOTIFY;
	memcpy(&p->args, &args, sizeof(args));
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(1, seen(self->efd));
}

/* ---- its end ---- */

struct child {
	int h;
	int efd;
	int ready;
	int go;
	bool close;	/* the handle, before it dies */
	bool pause;	/* and wait to be killed */
	mb_child_fn fn;	/* instead of all that */
};

static void ask_and_die(struct __test_metadata *_metadata, void *arg)
{
	struct child *c = arg;
	char byte = 0;

	EXPECT_EQ(0, notify(c->h, c->efd));
	if (c->close)
		close(c->h);
	EXPECT_EQ(1, write(c->ready, &byte, 1));
	if (c->pause)
		pause();
	EXPECT_EQ(1, read(c->go, &byte, 1));
}

static long ask_stalled(struct peer *p)
{
	return mb_ioctl(p->fd, MBOX_IOC_NOTIFY, p->arg);
}

static pid_t child_start(struct __test_metadata *_metadata, struct child *c)
{
	int ready[2], go[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	c->ready = ready[1];
	c->go = go[0];
	pid = mb_fork(_metadata, c->fn ?: ask_and_die, c);
	close(ready[1]);
	close(go[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
	c->go = go[1];
	return pid;
}

static void child_end(struct __test_metadata *_metadata, struct child *c, pid_t pid)
{
	char byte = 0;

	EXPECT_EQ(1, write(c->go, &byte, 1));
	EXPECT_EQ(0, mb_wait(pid));
}

TEST_F(mailbox, it_goes_with_the_process_that_asked)
{
	struct child c = { .h = self->h, .efd = self->efd };
	pid_t pid = child_start(_metadata, &c);

	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
	child_end(_metadata, &c, pid);
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(0, seen(self->efd));
	EXPECT_EQ(0, notify(self->h, self->efd));
}

/* At its exit, whether or not anybody has seen that. */
TEST_F(mailbox, it_goes_before_the_process_is_reaped)
{
	struct child c = { .h = self->h, .efd = self->efd };
	pid_t pid = child_start(_metadata, &c);
	siginfo_t info;
	char byte = 0;

	EXPECT_EQ(1, write(c.go, &byte, 1));
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(0, mb_wait(pid));
}

TEST_F(mailbox, it_goes_with_a_process_that_is_killed)
{
	struct child c = { .h = self->h, .efd = self->efd, .pause = true };
	pid_t pid = child_start(_metadata, &c);

	EXPECT_EQ(-EBUSY, notify(self->other, self->efd));
	mb_kill(pid);
	EXPECT_EQ(0, notify(self->other, self->efd));
}

/* Though others have the file open. */
TEST_F(mailbox, it_goes_with_the_last_descriptor_of_the_process)
{
	struct child c = { .h = self->h, .efd = self->efd, .close = true };
	pid_t pid = child_start(_metadata, &c);

	EXPECT_EQ(0, notify(self->h, self->efd));
	child_end(_metadata, &c, pid);
	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
}

static void ask_without_descriptor(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_notify_args args = { };
	struct child *c = arg;
	struct peer *p = peer_new(c->h, ask_stalled);
	struct stall stall;
	char byte = 0;

	ASSERT_TRUE(stall_init(&stall));
	args.eventfd = c->efd;
	p->arg = stall.page;
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(stalled(&stall));
	close(c->h);
	ASSERT_TRUE(stall_fill(&stall, &args, sizeof(args)));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(1, write(c->ready, &byte, 1));
	EXPECT_EQ(1, read(c->go, &byte, 1));
}

/* Though it was asked for only then. */
TEST_F(mailbox, it_goes_with_a_descriptor_that_is_closed_while_it_is_asked_for)
{
	struct child c = {
		.h = self->h,
		.efd = self->efd,
		.fn = ask_without_descriptor,
	};
	pid_t pid = child_start(_metadata, &c);

	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(0, seen(self->efd));
	EXPECT_EQ(0, notify(self->h, self->efd));
	child_end(_metadata, &c, pid);
	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
}

static void leave(struct __test_metadata *_metadata, void *arg)
{
}

TEST_F(mailbox, it_does_not_go_with_others_that_share_the_handle)
{
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, leave, NULL)));
	EXPECT_EQ(-EBUSY, notify(self->h, self->efd));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(1, seen(self->efd));
}

TEST_F(mailbox, it_goes_with_the_handle_and_not_with_a_duplicate)
{
	int copy = dup(self->h);

	ASSERT_EQ(0, notify(self->h, self->efd));
	close(self->h);
	EXPECT_EQ(-EBUSY, notify(self->other, self->efd));
	close(copy);
	EXPECT_EQ(0, notify(self->other, self->efd));
	self->h = mb_narrow(self->other, MB_RW, 0);
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(1, seen(self->efd));
}

TEST_F(mailbox, it_ends_with_the_mailbox)
{
	int recv, send, i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, mb_create_ends(0, &recv, &send));
		ASSERT_EQ(0, notify(recv, self->efd));
		close(i & 1 ? recv : send);
		close(i & 1 ? send : recv);
	}
	EXPECT_EQ(0, seen(self->efd));
}

static long put_and_get(struct peer *p)
{
	__u64 end = mb_in(300 * NSEC_PER_MSEC);
	char buf[8];
	long n = 0;

	while (mb_now(CLOCK_MONOTONIC) < end) {
		mb_put(p->fd, "x", 1);
		while (mb_get(p->fd, buf, sizeof(buf)) > 0)
			n++;
	}
	return n;
}

/* What is asked for is told once: as often as asking succeeded, but for the last. */
TEST_F(mailbox, it_is_told_as_often_as_it_was_asked_for)
{
	struct peer *p = peer_new(self->other, put_and_get);
	__u64 asked = 0, told = 0;

	ASSERT_TRUE(peer_fork(p));
	while (!peer_done(p)) {
		asked += !notify(self->h, self->efd);
		told += seen(self->efd);
	}
	EXPECT_LT(0, peer_join(p));
	EXPECT_EQ(0, notify(self->h, -1));
	told += seen(self->efd);
	EXPECT_LT(0, told);
	EXPECT_LE(told, asked);
	EXPECT_GE(told + 1, asked);
}

TEST_HARNESS_MAIN
