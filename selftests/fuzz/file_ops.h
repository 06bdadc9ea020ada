/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Operations that do to handles what can be done to any file.
 */
#ifndef FUZZ_FILE_OPS_H
#define FUZZ_FILE_OPS_H

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "message_ops.h"

static inline int minus_errno(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Files that are not handles must not block: their reads have no deadline. */
static inline int handle_fd(unsigned int slot)
{
	return slot_fd(slot % FUZZ_SLOTS);
}

static inline int spread(struct fuzz_do *d, char *base, size_t len)
{
	struct iovec *iov = (void *)(d->area + AREA_IOV);

	iov[0] = (struct iovec){ base, len / 2 };
	iov[1] = (struct iovec){ base + len / 2, len - len / 2 };
	iov[2] = (struct iovec){ base, 0 };
	return 2 + (d->op->more & 1);
}

static inline int do_read(struct fuzz_do *d)
{
	unsigned int len = payload_len(d->op->len);
	unsigned int kind = d->op->ptr >> 4;
	char *to = sink_address(d, kind, len);
	const struct iovec *iov = (void *)(d->area + AREA_IOV);
	int fd = handle_fd(d->op->slot);
	int ret;

	d->lane->until = 0;
	watch(d, POLLIN | POLLHUP);
	switch (d->op->count & 7) {
	case 0:
		return minus_errno(pread(fd, to, len, 0));
	case 1:
		return minus_errno(readv(fd, iov, spread(d, to, len)));
	case 2:
		return minus_errno(preadv2(fd, iov, spread(d, to, len), -1,
					   RWF_NOWAIT));
	case 3:
		return minus_errno(preadv2(fd, iov, spread(d, to, len), -1,
					   d->op->flags & 0x1f));
	}
	ret = minus_errno(read(fd, to, len));
	if (ret > 0 && kind < 8)
		check_payload((unsigned char *)to, ret);
	return ret;
}

static inline int do_write(struct fuzz_do *d)
{
	unsigned int len = payload_len(d->op->len);
	char *from = source_address(d, d->op->ptr >> 4, len);
	const struct iovec *iov = (void *)(d->area + AREA_IOV);
	int fd = handle_fd(d->op->slot);

	d->lane->until = 0;
	switch (d->op->count & 7) {
	case 0:
		return minus_errno(pwrite(fd, from, len, 0));
	case 1:
		return minus_errno(writev(fd, iov, spread(d, from, len)));
	case 2:
		return minus_errno(pwritev2(fd, iov, spread(d, from, len), -1,
					    RWF_NOWAIT));
	}
	return minus_errno(write(fd, from, len));
}

static inline int do_poll(struct fuzz_do *d)
{
	struct pollfd files[3];
	unsigned int i, n = 1 + d->op->count % 3;
	int ret;

	for (i = 0; i < n; i++)
		files[i] = (struct pollfd){ handle_fd(d->op->slot + i),
			d->op->flags & 0x7f ?: POLLIN | POLLOUT | POLLPRI, 0 };
	ret = minus_errno(poll(files, n, d->op->wait % 4));
	return ret > 0 ? files[0].revents : ret;
}

static pid_t epoll_made_by;

/* One instance for each process. */
static inline int do_epoll(struct fuzz_do *d)
{
	static int instance = -1;
	struct epoll_event event = {
		.events = (d->op->flags & 0x1f) | (d->op->more & 1 ? EPOLLET : 0) |
			  (d->op->more & 2 ? EPOLLONESHOT : 0) |
			  (d->op->more & 4 ? EPOLLEXCLUSIVE : 0),
	};
	int fd = handle_fd(d->op->slot);

	if (epoll_made_by != getpid()) {
		instance = epoll_create1(EPOLL_CLOEXEC);
		epoll_made_by = getpid();
	}
	switch (d->op->count & 7) {
	case 0:
		return minus_errno(epoll_ctl(instance, EPOLL_CTL_DEL, fd, NULL));
	case 1:
		return minus_errno(epoll_ctl(instance, EPOLL_CTL_MOD, fd, &event));
	case 2:
	case 3:
		return minus_errno(epoll_wait(instance, &event, 1, d->op->wait % 4));
	default:
		return minus_errno(epoll_ctl(instance, EPOLL_CTL_ADD, fd, &event));
	}
}

static inline int do_fcntl(struct fuzz_do *d)
{
	int fd = handle_fd(d->op->slot);

	switch (d->op->count & 7) {
	case 0:
		return minus_errno(fcntl(fd, F_SETFL, O_ASYNC));
	case 1:
		return minus_errno(fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK));
	case 2:
		return minus_errno(fcntl(fd, F_SETFL, 0));
	case 3:
		return minus_errno(fcntl(fd, F_SETFL, O_NONBLOCK));
	case 4:
		return minus_errno(fcntl(fd, F_SETOWN, d->lane->pid));
	case 5:
		return minus_errno(lseek(fd, 0, SEEK_END));
	case 6:
		return minus_errno(fcntl(fd, F_SETSIG, d->op->flags & 1 ? SIGUSR1 : 0));
	default:
		return minus_errno(fcntl(fd, F_SETFD, d->op->flags & 1));
	}
}

static inline int do_fdinfo(struct fuzz_do *d)
{
	char text[1024];
	int fd, ret;

	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", handle_fd(d->op->slot));
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = minus_errno(read(fd, text, d->op->len % sizeof(text)));
	close(fd);
	return ret;
}

static inline int do_close(struct fuzz_do *d)
{
	unsigned int slot = d->op->slot % FUZZ_SLOTS;
	int fd = __atomic_exchange_n(&slots[slot], -1, __ATOMIC_RELAXED);

	/* More often than not just the file; else all between two. */
	if (d->op->count < 240 || fd < 0)
		return minus_errno(close(fd));
	return minus_errno(syscall(SYS_close_range, fd, fd + (d->op->count & 3), 0));
}

static inline int do_dup(struct fuzz_do *d)
{
	int fd = handle_fd(d->op->slot);
	int to = handle_fd(d->op->slot2);
	int ret;

	if (d->op->count & 1) {
		ret = dup(fd);
		slot_put(d->op->slot2, ret);
		return minus_errno(ret);
	}
	/* In the place of another, which may be in use. */
	return to < 0 ? -EBADF : minus_errno(dup2(fd, to));
}

/* Files in flight, on the way that other files take between processes. */
static inline int do_pass(struct fuzz_do *d)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int ret, fd = handle_fd(d->op->slot);

	memset(&control, 0, sizeof(control));
	if (d->op->count & 1) {
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
		return minus_errno(sendmsg(world.files[FILE_UNIX], &msg,
					   MSG_NOSIGNAL | MSG_DONTWAIT));
	}
	ret = recvmsg(world.files[FILE_UNIX_PEER], &msg,
		      MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (ret < 0)
		return -errno;
	head = CMSG_FIRSTHDR(&msg);
	if (head && head->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
		slot_put(d->op->slot2, fd);
	}
	return ret;
}

#endif /* FUZZ_FILE_OPS_H */
