// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who plays with descriptors: opens a handle anew by /proc, as a path, takes it out of
 * another process, gives descriptors of other things, or of the same number and another
 * thing a moment later, looks out of a chroot.
 */
#include "mbox_files.h"
#include "mbox_call.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

FIXTURE(handles) {
	int h, recv, send;
};

#define HANDLES FIXTURE_DATA(handles)

FIXTURE_SETUP(handles)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->recv = mb_narrow(self->h, MBOX_RECV, 0);
	self->send = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->recv);
	ASSERT_LE(0, self->send);
}

FIXTURE_TEARDOWN(handles)
{
	close(self->h);
	close(self->recv);
	close(self->send);
}

/* Through /proc one opens a file anew, if it has a name; these have none. */
TEST_F(handles, g09_are_not_opened_anew_with_more_rights)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	const int fds[] = { self->send, self->recv };
	unsigned int i, j;
	char path[64];

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		for (j = 0; j < ARRAY_SIZE(modes); j++)
			EXPECT_GT(0, open(path, modes[j] | O_CLOEXEC));
		/* Nor do its flags give what it has not. */
		EXPECT_EQ(0, fcntl(fds[i], F_SETFL, O_RDWR | O_APPEND));
	}
	EXPECT_EQ(-EBADF, num_recv(self->send));
	EXPECT_EQ(-EBADF, num_send(self->recv, 0, 0, 1));
	EXPECT_EQ(-EBADF, mb_read(self->send, path, sizeof(path)));
	EXPECT_EQ(-EBADF, mb_write(self->recv, path, 1));
}

/* A path to a handle is none. */
TEST_F(handles, g09_are_not_used_as_paths)
{
	struct mbox_notify_args notify = { .eventfd = 0 };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->h);
	fd = open(path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, num_recv(fd));
	EXPECT_EQ(-EBADF, num_send(fd, 0, 0, 1));
	/* An error that only a path can have. */
	EXPECT_EQ(-1, ioctl(fd, MBOX_IOC_NARROW, path));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ioctl(fd, MBOX_IOC_STAT, path));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-EBADF, num_call_async(self->h, fd, 1, 8, 1));
	EXPECT_EQ(-EBADF, file_send(self->h, fd));
	notify.eventfd = fd;
	EXPECT_EQ(-EBADF, mb_ioctl(self->h, MBOX_IOC_NOTIFY, &notify));
	EXPECT_TRUE(all_over(self->h));
	close(fd);
}

/* Each descriptor in an argument, of each kind that it must not be. */
TEST_F(handles, are_not_taken_for_other_things)
{
	const int wrong[] = {
		-1, -2, INT_MIN, INT_MAX, 1 << 20, AT_FDCWD,
		open("/dev/null", O_RDWR | O_CLOEXEC), mb_device(),
		epoll_create1(EPOLL_CLOEXEC), open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
	};
	struct mbox_notify_args notify;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EBADF, num_call_async(self->h, wrong[i], 1, 8, 1)) {
			TH_LOG("reply_to %d", wrong[i]);
		}
		notify = (struct mbox_notify_args){ .eventfd = wrong[i] };
		if (wrong[i] != -1)
			EXPECT_EQ(i < 6 ? -EBADF : -EINVAL,
				  mb_ioctl(self->h, MBOX_IOC_NOTIFY, &notify)) {
				TH_LOG("eventfd %d", wrong[i]);
			}
		if (i < 6)
			EXPECT_EQ(-EBADF, file_send(self->h, wrong[i])) {
				TH_LOG("file %d", wrong[i]);
			}
	}
	/* Commands of the device on a handle, and of a handle on the device. */
	for (i = 6; i < ARRAY_SIZE(wrong); i++) {
		char args[256] = "";

		EXPECT_GT(0, mb_ioctl(wrong[i], MBOX_IOC_SEND, args));
		EXPECT_GT(0, mb_ioctl(wrong[i], MBOX_IOC_STAT, args));
		close(wrong[i]);
	}
	EXPECT_EQ(-ENOTTY, mb_ioctl(self->h, MBOX_IOC_CREATE, &notify));
	EXPECT_TRUE(all_over(self->h));
}

/* ---- a number that becomes another thing ---- */

struct turning {
	int h, fd, first, second;
	bool stop;
};

static void *turn(void *arg)
{
	struct turning *t = arg;

	while (!__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE)) {
		dup2(t->first, t->fd);
		dup2(t->second, t->fd);
	}
	return NULL;
}

/* What arrives is the one or the other, and each use of it is for one of them. */
TEST_F(handles, are_one_thing_though_the_number_turns_into_another)
{
	struct turning t = { .h = self->h, .first = self->send };
	__u64 end = mb_in(NSEC_PER_SEC / 2);
	pthread_t thread;
	int fd, ret;

	t.second = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t.fd = dup(t.first);
	ASSERT_EQ(0, pthread_create(&thread, NULL, turn, &t));
	while (mb_now(CLOCK_MONOTONIC) < end) {
		ASSERT_EQ(0, file_send(self->h, t.fd));
		fd = file_recv(self->recv);
		ASSERT_LE(0, fd);
		ret = num_send(fd, 0, 0, 1);
		ASSERT_TRUE(ret == 0 || ret == -ENOTTY);
		if (!ret)
			ASSERT_EQ(1, num_recv(self->h));
		close(fd);
		ret = num_call_async(self->h, t.fd, 1, 8, 1);
		ASSERT_EQ(-EBADF, ret);
	}
	__atomic_store_n(&t.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_TRUE(all_over(self->h));
	close(t.fd);
	close(t.second);
}

/* A wait goes on for what it began with, whatever becomes of its number. */
TEST_F(handles, g01_a_wait_is_not_moved_to_what_the_number_becomes)
{
	int other = mb_create_anon();
	int fd = dup(self->h);
	struct peer *p = peer_recv(fd);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(fd, dup2(other, fd));
	ASSERT_EQ(0, num_send(other, 0, 0, 1));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(p));
	EXPECT_EQ(1, num_recv(fd));
	close(other);
	close(fd);
}

/* ---- another process's ---- */

static void take_out(struct __test_metadata *_metadata, void *arg)
{
	int fd = *(int *)arg, parent;

	close(fd);
	parent = syscall(SYS_pidfd_open, getppid(), 0);
	ASSERT_LE(0, parent);
	EXPECT_EQ(-1, syscall(SYS_pidfd_getfd, parent, fd, 0));
	EXPECT_EQ(EPERM, errno);
}

TEST_F(handles, g09_are_not_taken_out_of_another_users_process)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, take_out, &self->h));
}

/* ---- a chroot ---- */

static void use_in_chroot(struct __test_metadata *_metadata, void *arg)
{
	HANDLES *self = arg;
	int fd;

	ASSERT_EQ(0, chroot("/proc/self/fdinfo"));
	ASSERT_EQ(0, chdir("/"));
	EXPECT_EQ(0, num_send(self->send, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->recv));
	/* No device here, and so no names. */
	EXPECT_EQ(-ENOENT, mb_open("hostile-chroot", MBOX_SEND));
	fd = mb_narrow(self->h, MBOX_SEND, 0);
	EXPECT_LE(0, fd);
}

TEST_F(handles, g09_work_in_a_chroot_and_names_do_not)
{
	int h = mb_create_named("hostile-chroot", MB_RW, 0777);

	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, use_in_chroot, self)));
	EXPECT_EQ(0, mb_unlink("hostile-chroot"));
	close(h);
}

TEST_HARNESS_MAIN
