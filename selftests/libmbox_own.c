// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, direct communication: mbox_create_own(), mbox_send_to() and
 * mbox_recv_from().
 */
#include "libmbox_test.h"
#include "mbox_call.h"

#include <sys/stat.h>

#define MSEC		((int64_t)NSEC_PER_MSEC)

FIXTURE(own) {
	int mb;
	char buf[8];
};

FIXTURE_SETUP(own)
{
	MB_NEED_DEVICE();
	umask(0);
	self->mb = mbox_create_own(0622);
	ASSERT_LE(0, self->mb);
	memset(self->buf, MB_POISON, sizeof(self->buf));
}

FIXTURE_TEARDOWN(own)
{
}

/* ---- create ---- */

TEST_F(own, mailbox_receives_and_is_typed_by_pid)
{
	struct mbox_stat stat = stat_of(self->mb);

	EXPECT_EQ(O_RDONLY, fcntl(self->mb, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->mb, F_GETFD));
	EXPECT_EQ(MBOX_OWN, stat.flags);
	EXPECT_EQ(MBOX_TYPE_PID, stat.type_source);
	EXPECT_EQ(0622, stat.mode);
}

TEST_F(own, mailbox_that_exists_is_opened)
{
	const uint64_t id = stat_of(self->mb).id;
	int again;

	errno = ECHILD;
	again = mbox_create_own(0);
	ASSERT_LE(0, again);
	EXPECT_EQ(ECHILD, errno);
	EXPECT_EQ(id, stat_of(again).id);
	EXPECT_EQ(0622, stat_of(again).mode);

	ASSERT_EQ(0, mbox_unlink_pid(0));
	again = mbox_create_own(0);
	EXPECT_NE(id, stat_of(again).id);
	EXPECT_EQ(0600, stat_of(again).mode);
	EXPECT_ERRNO(EINVAL, mbox_create_own(01000));
}

/* ---- send ---- */

TEST_F(own, send_to_oneself)
{
	int before = open_descriptors();

	EXPECT_OK(0, mbox_send_to(getpid(), "one", 3, 0));
	EXPECT_OK(0, mbox_send_to(0, "three", 5, -1));
	EXPECT_OK(0, mbox_send_to(0, NULL, 0, MSEC));
	EXPECT_EQ(before, open_descriptors());
	EXPECT_EQ(1, stat_of(self->mb).receivers);
	EXPECT_EQ(0, stat_of(self->mb).senders);
	EXPECT_OK(3, mbox_recv_from(self->mb, getpid(), self->buf, 8, 0));
	EXPECT_EQ(0, memcmp(self->buf, "one\xcc", 4));
	EXPECT_OK(5, mbox_recv_from(self->mb, 0, self->buf, 8, -1));
	EXPECT_OK(0, mbox_recv_from(self->mb, getpid(), NULL, 0, MSEC));
}

static void stranger(struct __test_metadata *_metadata, void *arg)
{
	(void)arg;
	EXPECT_ERRNO(EACCES, mbox_send_to(getppid(), "x", 1, 0));
}

TEST_F(own, send_to_says_why_not)
{
	const struct mbox_set set = {
		.mask = MBOX_SET_MODE | MBOX_SET_MAX_MESSAGES |
			MBOX_SET_MAX_MESSAGE_SIZE,
		.mode = 0600, .max_messages = 1, .max_message_size = 4,
	};
	int before = open_descriptors();
	pid_t pid;

	ASSERT_EQ(0, mbox_set(self->mb, &set));
	EXPECT_ERRNO(EINVAL, mbox_send_to(-1, "x", 1, 0));
	EXPECT_ERRNO(ENOENT, mbox_send_to(1, "x", 1, 0));
	EXPECT_ERRNO(EMSGSIZE, mbox_send_to(0, "12345", 5, 0));
	EXPECT_ERRNO(EFAULT, mbox_send_to(0, BAD_PTR, 1, 0));
	ASSERT_EQ(0, mbox_send_to(0, "x", 1, 0));
	EXPECT_ERRNO(EAGAIN, mbox_send_to(0, "x", 1, 0));
	EXPECT_ERRNO(ETIMEDOUT, mbox_send_to(0, "x", 1, MSEC));
	if (!geteuid())
		EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, stranger, NULL));

	pid = fork();
	if (!pid)
		_exit(0);
	ASSERT_EQ(0, mb_wait(pid));
	EXPECT_ERRNO(ENOENT, mbox_send_to(pid, "x", 1, 0));
	EXPECT_EQ(before, open_descriptors());
}

/* ---- receive ---- */

static void send_pid(struct __test_metadata *_metadata, void *arg)
{
	pid_t pid = getpid();

	(void)arg;
	EXPECT_OK(0, mbox_send_to(getppid(), &pid, sizeof(pid), 0));
}

TEST_F(own, recv_from_chooses_the_sender)
{
	pid_t pids[3], got = 0;

	for (int i = 0; i < 3; i++) {
		pids[i] = mb_fork(_metadata, send_pid, NULL);
		ASSERT_EQ(0, mb_wait(pids[i]));
	}
	EXPECT_OK(4, mbox_recv_from(self->mb, pids[2], &got, sizeof(got), 0));
	EXPECT_EQ(pids[2], got);
	EXPECT_ERRNO(EAGAIN, mbox_recv_from(self->mb, pids[2], &got, 4, 0));
	EXPECT_OK(4, mbox_recv_from(self->mb, 0, &got, sizeof(got), 0));
	EXPECT_EQ(pids[0], got);
	EXPECT_OK(4, mbox_recv_from(self->mb, pids[1], &got, sizeof(got), 0));
	EXPECT_EQ(pids[1], got);
}

TEST_F(own, recv_from_says_why_not)
{
	const pid_t me = getpid();
	int out = mbox_open_pid(0, MBOX_SEND);
	int64_t end = mb_in(30 * MSEC);

	EXPECT_ERRNO(EAGAIN, mbox_recv_from(self->mb, me, self->buf, 8, 0));
	EXPECT_ERRNO(ETIMEDOUT, mbox_recv_from(self->mb, me, self->buf, 8,
					       30 * MSEC));
	EXPECT_LE(end, (int64_t)mb_now(CLOCK_MONOTONIC));
	EXPECT_ERRNO(EINVAL, mbox_recv_from(self->mb, -1, self->buf, 8, 0));
	ASSERT_EQ(0, mbox_send(out, "12345", 5));
	EXPECT_ERRNO(EMSGSIZE, mbox_recv_from(self->mb, me, self->buf, 4, 0));
	EXPECT_ERRNO(EFAULT, mbox_recv_from(self->mb, me, BAD_PTR, 8, 0));
	EXPECT_TRUE(poisoned(self->buf, sizeof(self->buf)));
	EXPECT_ERRNO(EBADF, mbox_recv_from(out, me, self->buf, 8, 0));
	EXPECT_ERRNO(EBADF, mbox_recv_from(-1, me, self->buf, 8, 0));
	EXPECT_ERRNO(ENOTTY, mbox_recv_from(open("/dev/null", O_RDWR), me,
					    self->buf, 8, 0));
	EXPECT_EQ(5, mbox_recv_from(self->mb, me, self->buf, 8, 0));
	ASSERT_EQ(0, mbox_unlink_pid(0));
	close(out);
	EXPECT_ERRNO(EPIPE, mbox_recv_from(self->mb, me, self->buf, 8, -1));
}

/* ---- waiting ---- */

static long send_waiting(struct peer *p)
{
	return RESULT(mbox_send_to(getpid(), "x", 1, -1));
}

static long recv_waiting(struct peer *p)
{
	return RESULT(mbox_recv_from(p->fd, getpid(), p->data, 1, -1));
}

TEST_F(own, signal_ends_the_wait)
{
	const struct mbox_set one = {
		.mask = MBOX_SET_MAX_MESSAGES, .max_messages = 1,
	};
	struct peer *sender = peer_new(self->mb, send_waiting);
	struct peer *receiver = peer_new(self->mb, recv_waiting);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_start(receiver) && receivers_blocked(self->mb, 1) &&
		    peer_sleeps(receiver));
	pthread_kill(receiver->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(receiver));

	ASSERT_EQ(0, mbox_set(self->mb, &one));
	ASSERT_EQ(0, mbox_send_to(0, NULL, 0, 0));
	ASSERT_TRUE(peer_start(sender) && senders_blocked(self->mb, 1) &&
		    peer_sleeps(sender));
	pthread_kill(sender->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(sender));
	EXPECT_EQ(0, stat_of(self->mb).senders);
}

TEST_HARNESS_MAIN
