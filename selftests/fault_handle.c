// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What is done with a handle besides messages while allocations and user copies fail:
 * making another out of it, asking and changing the mailbox, being told of messages,
 * closing it.
 */
#include "mbox_fault.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#define END FIXTURE_DATA(end)

FIXTURE(handle) {
	int h;
	int other;
	int efd;
};

FIXTURE_SETUP(handle)
{
	MB_NEED_FAULTS();
	self->h = mb_create_anon();
	self->other = mb_narrow(self->h, MB_RW, 0);
	self->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->other);
	ASSERT_LE(0, self->efd);
}

FIXTURE_TEARDOWN(handle)
{
	close(self->h);
	close(self->other);
	close(self->efd);
}

TEST_F_WALK(handle, narrow_that_fails_leaves_no_handle)
{
	struct walk w = { .nomem = 3, .fault = 1 };

	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		int h = INJECT(&w, mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 4711));

		if (h >= 0) {
			EXPECT_EQ(before.stat.senders + 1, mb_stat_of(self->h).senders);
			EXPECT_EQ(0, close(h));
		}
		EXPECT_UNCHANGED(self->h, &before);
	}
}

TEST_F_WALK(handle, stat_that_fails_writes_nothing)
{
	struct walk w = { .fault = 1 };
	struct mbox_stat_args args;

	FAULT_EACH(&w) {
		if (INJECT(&w, mb_stat(self->h, &args)) < 0)
			EXPECT_TRUE(mb_all(&args, sizeof(args), MB_POISON));
		if (w.ret >= 0)
			EXPECT_EQ(2, args.senders);
	}
}

TEST_F_WALK(handle, set_that_fails_changes_nothing)
{
	struct walk w = { .nomem = 1, .fault = 1 };
	struct mbox_set_args args = {
		.mask = MBOX_SET_MODE | MBOX_SET_MAX_MESSAGES | MBOX_SET_OVERFLOW |
			MBOX_SET_LATENCY,
		.mode = 0640,
		.max_messages = 7,
		.overflow = MBOX_OVERFLOW_DROP,
		.latency = 1,
	};

	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		if (INJECT(&w, mb_set(self->h, &args)) < 0) {
			EXPECT_UNCHANGED(self->h, &before);
		} else {
			EXPECT_EQ(7, mb_stat_of(self->h).max_messages);
			EXPECT_EQ(0640, mb_stat_of(self->h).mode);
			EXPECT_EQ(1, mb_stat_of(self->h).latency);
		}
	}
}

/* ---- being told ---- */

static int notify(int h, int eventfd)
{
	struct mbox_notify_args args = { .eventfd = eventfd };

	return mb_ioctl(h, MBOX_IOC_NOTIFY, &args);
}

/* A message comes and goes; how often that was notified. */
static __u64 notified(int h, int efd)
{
	__u64 n = 0;
	char byte;

	if (mb_put(h, "x", 1) || mb_get(h, &byte, 1) != 1)
		return ~0ULL;
	return read(efd, &n, sizeof(n)) < 0 ? 0 : n;
}

TEST_F_WALK(handle, notification_that_was_refused_does_not_come)
{
	struct walk w = { .nomem = 1, .fault = 1 };

	FAULT_EACH(&w) {
		if (INJECT(&w, notify(self->h, self->efd)) < 0) {
			EXPECT_EQ(0, notified(self->h, self->efd));
			/* Nor is it in the way of another. */
			EXPECT_EQ(0, notify(self->other, self->efd));
		}
		EXPECT_EQ(1, notified(self->h, self->efd));
		EXPECT_EQ(0, notified(self->h, self->efd));
	}
}

TEST_F_WALK(handle, notification_that_could_not_be_taken_away_comes)
{
	struct walk w = { .fault = 1 };

	FAULT_EACH(&w) {
		ASSERT_EQ(0, notify(self->h, self->efd));
		if (INJECT(&w, notify(self->h, -1)) < 0) {
			EXPECT_EQ(-EBUSY, notify(self->other, self->efd));
			EXPECT_EQ(1, notified(self->h, self->efd));
		} else {
			EXPECT_EQ(0, notified(self->h, self->efd));
		}
	}
}

static int poll_it(int h)
{
	struct pollfd p = { .fd = h, .events = POLLIN | POLLOUT };
	int ret = poll(&p, 1, 0);

	return ret < 0 ? -errno : p.revents;
}

TEST_F_WALK(handle, poll_that_fails_can_be_repeated)
{
	struct walk w = { .fault = 1 };

	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		if (INJECT(&w, poll_it(self->h)) >= 0)
			EXPECT_EQ(POLLOUT, w.ret);
		EXPECT_UNCHANGED(self->h, &before);
	}
}

static int epoll_add(int ep, int h)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = h };

	return epoll_ctl(ep, EPOLL_CTL_ADD, h, &event) ? -errno : 0;
}

/* The poller that was refused is on no list: it would be used after it was freed. */
TEST_F_WALK(handle, epoll_that_was_refused_is_told_nothing)
{
	struct walk w = { .nomem = 2, .fault = 1 };
	struct epoll_event event;
	char byte;

	FAULT_EACH(&w) {
		struct state before;
		int ep = epoll_create1(EPOLL_CLOEXEC);

		ASSERT_LE(0, ep);
		before = state_of(self->h);
		INJECT(&w, epoll_add(ep, self->h));
		EXPECT_EQ(0, mb_put(self->other, "x", 1));
		EXPECT_EQ(w.ret < 0 ? 0 : 1, epoll_wait(ep, &event, 1, 0));
		EXPECT_EQ(1, mb_get(self->h, &byte, 1));
		EXPECT_PASSED(self->h, &before);
		EXPECT_EQ(0, close(ep));
		EXPECT_EQ(0, mb_put(self->other, "x", 1));
		EXPECT_EQ(1, mb_get(self->h, &byte, 1));
	}
}

static int fasync(int h, int flags)
{
	return fcntl(h, F_SETFL, flags) ? -errno : 0;
}

TEST_F_WALK(handle, sigio_that_was_refused_does_not_come)
{
	struct walk w = { .nomem = 1 };
	const struct timespec at_once = { 0 };
	sigset_t sigio;
	char byte;

	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &sigio, NULL));
	ASSERT_EQ(0, fcntl(self->h, F_SETOWN, getpid()));
	FAULT_EACH(&w) {
		INJECT(&w, fasync(self->h, O_ASYNC));
		EXPECT_EQ(w.ret ? 0 : O_ASYNC, fcntl(self->h, F_GETFL) & O_ASYNC);
		/* A message comes, and is taken: twice something changes. */
		EXPECT_EQ(0, mb_set_max_messages(self->other, 1));
		EXPECT_EQ(0, mb_put(self->other, "x", 1));
		EXPECT_EQ(w.ret ? -1 : SIGIO, sigtimedwait(&sigio, NULL, &at_once));
		EXPECT_EQ(1, mb_get(self->other, &byte, 1));
		EXPECT_EQ(w.ret ? -1 : SIGIO, sigtimedwait(&sigio, NULL, &at_once));
		EXPECT_EQ(0, fasync(self->h, 0));
	}
}

/* ---- fdinfo ---- */

static int read_fdinfo(int h, char *buf, int size)
{
	char path[64];
	int fd, len, err;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", h);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size);
	err = len < 0 ? -errno : len;
	close(fd);
	return err;
}

TEST_F_WALK(handle, fdinfo_that_fails_can_be_repeated)
{
	struct walk w = { .nomem = 2, .fault = 2, .other = ENOENT };
	char buf[1024], whole[1024] = "";
	int len;

	len = read_fdinfo(self->h, whole, sizeof(whole));
	ASSERT_LT(0, len);
	FAULT_EACH(&w) {
		struct state before = state_of(self->h);

		memset(buf, 0, sizeof(buf));
		if (INJECT(&w, read_fdinfo(self->h, buf, sizeof(buf))) >= 0) {
			EXPECT_EQ(len, w.ret);
			EXPECT_STREQ(whole, buf);
		}
		EXPECT_UNCHANGED(self->h, &before);
	}
}

/* ---- what there is ---- */

static int read_listing(char *buf, int size)
{
	int fd = open("/proc/thread-self/net/mbox", O_RDONLY | O_CLOEXEC);
	int len, err;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size);
	err = len < 0 ? -errno : len;
	close(fd);
	return err;
}

TEST_F_WALK(handle, listing_that_fails_can_be_repeated)
{
	struct walk w = { .nomem = 2, .fault = 1, .other = ENOENT };
	char buf[1024], whole[1024] = "";
	int h, len;

	h = mb_create_named("fault", MB_RW | MBOX_EPHEMERAL, 0666);
	ASSERT_LE(0, h);
	len = read_listing(whole, sizeof(whole) - 1);
	ASSERT_LT(0, len);
	FAULT_EACH(&w) {
		memset(buf, 0, sizeof(buf));
		if (INJECT(&w, read_listing(buf, sizeof(buf) - 1)) >= 0) {
			EXPECT_EQ(len, w.ret);
			EXPECT_STREQ(whole, buf);
		}
	}
	close(h);
}

/* ---- the end ---- */

FIXTURE(end) {
	int h;
	int r;			/* is closed, and all that it holds */
	int pipe[2];
	int efd;
	__u32 lease, call;
};

FIXTURE_SETUP(end)
{
	MB_NEED_FAULTS();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	self->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

FIXTURE_TEARDOWN(end)
{
	close(self->h);
	close(self->efd);
	close(self->pipe[1]);
	EXPECT_TRUE(pipe_closed(self->pipe[0]));
}

/* A handle that has a lease, a call to be answered, a notification, a poller. */
static void hold_much(struct __test_metadata *_metadata, END *self, int ep)
{
	self->r = mb_narrow(self->h, MBOX_RECV, 0);
	ASSERT_LE(0, self->r);
	ASSERT_EQ(0, num_send(self->h, 1, 0, 4711));
	ASSERT_EQ(4711, num_lease(self->r, &self->lease));
	ASSERT_EQ(0, num_call_async(self->h, self->h, 99, 8, 42));
	ASSERT_EQ(42, num_take(self->r, &self->call));
	ASSERT_EQ(0, notify(self->r, self->efd));
	ASSERT_EQ(0, epoll_add(ep, self->r));
}

/* Nothing is allocated for it: it cannot fail. */
TEST_F_WALK(end, of_a_handle_gives_up_all_it_holds)
{
	struct walk w = { .n = 0 };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	FAULT_EACH(&w) {
		hold_much(_metadata, self, ep);
		EXPECT_EQ(0, INJECT(&w, close(self->r)));
		EXPECT_EQ(0, mb_stat_of(self->h).tokens);
		EXPECT_EQ(1, mb_stat_of(self->h).receivers);
		EXPECT_EQ(4711, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
		EXPECT_EQ(0, num_recv_type(self->h, MBOX_SELECT_EQUAL, 99));
		EXPECT_EQ(0, notify(self->h, self->efd));
		EXPECT_EQ(0, notify(self->h, -1));
		EXPECT_TRUE(all_over(self->h));
	}
	close(ep);
}

/* All that is queued goes with the last receiver, whatever fails. */
TEST_F_WALK(end, of_the_last_handle_frees_the_mailbox)
{
	struct walk w = { .n = 0 };
	static char data[5000];

	FAULT_EACH(&w) {
		struct state before = state_of(self->h);
		int h = mb_create_named("fault-end", MB_RW | MBOX_EPHEMERAL, 0600);

		ASSERT_LE(0, h);
		ASSERT_EQ(0, mb_put(h, data, sizeof(data)));
		ASSERT_EQ(0, file_send(h, self->pipe[1]));
		ASSERT_EQ(0, num_call_async(h, self->h, 99, 8, 42));
		EXPECT_EQ(0, INJECT(&w, close(h)));
		EXPECT_EQ(-ENOENT, mb_open("fault-end", MB_RW));
		/* The end of the call. */
		EXPECT_EQ(0, num_recv(self->h));
		EXPECT_PASSED(self->h, &before);
	}
}

TEST_HARNESS_MAIN
