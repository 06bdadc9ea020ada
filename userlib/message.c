// SPDX-License-Identifier: MIT
/*
 * Sending and receiving messages, one at a time.
 */
#include "internal.h"

/*
 * With MBOX_SYNC a signal may come while the message is being received. Then it
 * is no longer ours to take back, and soon over: go on waiting.
 */
int libmbox_send(int fd, struct mbox_msg_args *args)
{
	const int err = errno;
	int ret;

	do {
		ret = libmbox_ioctl(fd, MBOX_IOC_SEND, args);
	} while (ret < 0 && errno == EINTR && (args->flags & MBOX_SYNC) &&
		 args->id);
	if (ret >= 0)
		errno = err;
	return ret;
}

MBOX_API int mbox_sendmsg(int fd, const struct mbox_sendmsg *msg)
{
	struct mbox_msg_args args = { 0 };
	struct mbox_ext ext = { 0 };

	if (msg->reference_above)
		return libmbox_send_reference(fd, msg);
	if (libmbox_put_send(&args, &ext, msg) < 0)
		return -1;
	return libmbox_send(fd, &args);
}

MBOX_API int mbox_send(int fd, const void *buf, size_t len)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = libmbox_len(len) };

	return libmbox_ioctl(fd, MBOX_IOC_SEND, &args);
}

MBOX_API int mbox_timedsend(int fd, const void *buf, size_t len,
			    int64_t timeout)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = libmbox_len(len) };

	libmbox_wait_for(&args, timeout);
	return libmbox_ioctl(fd, MBOX_IOC_SEND, &args);
}

/* To a caller that nobody can answer, as nobody is told the token. */
static void disappoint(int fd, const struct mbox_msg_args *args)
{
	const int err = errno;

	if (!args->out_token)
		return;
	libmbox_finish(fd, args->out_token, MBOX_FINISH_DONE);
	errno = err;
}

static ssize_t receive(int fd, struct mbox_msg_args *args)
{
	if (libmbox_ioctl(fd, MBOX_IOC_RECV, args) < 0)
		return -1;
	disappoint(fd, args);
	return (ssize_t)args->out_len;
}

MBOX_API ssize_t mbox_recv(int fd, void *buf, size_t len)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = libmbox_len(len) };

	return receive(fd, &args);
}

MBOX_API ssize_t mbox_timedrecv(int fd, void *buf, size_t len, int64_t timeout)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = libmbox_len(len) };

	libmbox_wait_for(&args, timeout);
	return receive(fd, &args);
}

static size_t capacity(const struct mbox_recvmsg *msg)
{
	size_t len = 0;

	if (!msg->iov)
		return msg->len;
	for (unsigned int i = 0; i < msg->iov_count; i++)
		len += msg->iov[i].iov_len;
	return len;
}

/* What a receive of @msg, which ended with @ret and errno, has to tell. */
ssize_t libmbox_end_recv(int fd, ssize_t ret, const struct mbox_msg_args *args,
			 const struct mbox_ext *ext,
			 const struct mbox_recvmsg *msg,
			 struct mbox_header *header)
{
	if (header && (ret >= 0 || errno == EMSGSIZE))
		libmbox_get_header(header, args, ext);
	if (ret < 0)
		return ret;
	if (!header)
		disappoint(fd, args);
	return (ssize_t)(args->out_flags & MBOX_MSG_TRUNCATED ?
			 capacity(msg) : args->out_len);
}

MBOX_API ssize_t mbox_recvmsg(int fd, const struct mbox_recvmsg *msg,
			      struct mbox_header *header)
{
	struct mbox_msg_args args = { 0 };
	struct mbox_ext ext = { 0 };
	int ret;

	/* Nobody would be told the token. */
	if ((msg->flags & MBOX_LEASE) && !header)
		return invalid();
	if (libmbox_put_recv(&args, &ext, msg) < 0)
		return -1;
	ret = libmbox_ioctl(fd, MBOX_IOC_RECV, &args);
	return libmbox_end_recv(fd, ret, &args, &ext, msg, header);
}

/* Direct communication: a process's own mailbox, typed by the sender's pid. */

MBOX_API int mbox_create_own(mode_t mode)
{
	const struct mbox_options options = {
		.mode = mode,
		.type_source = MBOX_TYPE_PID,
	};

	return mbox_create(NULL, MBOX_RECV | MBOX_OWN, &options);
}

MBOX_API int mbox_send_to(pid_t pid, const void *buf, size_t len,
			  int64_t timeout)
{
	int fd, ret;

	fd = mbox_open_pid(pid, MBOX_SEND);
	if (fd < 0)
		return -1;
	ret = mbox_timedsend(fd, buf, len, timeout);
	libmbox_close(fd);
	return ret;
}

MBOX_API ssize_t mbox_recv_from(int fd, pid_t pid, void *buf, size_t len,
				int64_t timeout)
{
	struct mbox_msg_args args = {
		.buf = PTR(buf),
		.len = libmbox_len(len),
		.select = pid ? MBOX_SELECT_EQUAL : MBOX_SELECT_ANY,
		.type = (__u64)pid,
	};

	if (pid < 0)
		return invalid();
	libmbox_wait_for(&args, timeout);
	return receive(fd, &args);
}
