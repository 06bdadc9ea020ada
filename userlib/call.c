// SPDX-License-Identifier: MIT
/*
 * Calls, and what ends a delivery for which an answer is owed.
 */
#include "internal.h"

static int abandon(int fd, __u64 id)
{
	struct mbox_msg_args args = { .flags = MBOX_ABANDON, .id = id };

	return libmbox_ioctl(fd, MBOX_IOC_CALL, &args);
}

MBOX_API int mbox_abandon(int fd, uint64_t id)
{
	return abandon(fd, id);
}

/* Whoever is not told the number of a call cannot go on with it. */
static ssize_t call(int fd, struct mbox_msg_args *args)
{
	int err;

	if (libmbox_ioctl(fd, MBOX_IOC_CALL, args) >= 0)
		return (ssize_t)args->out_len;
	if (args->id) {
		err = errno;
		abandon(fd, args->id);
		errno = err;
	}
	return -1;
}

MBOX_API ssize_t mbox_call(int fd, const void *request, size_t len, void *reply,
			   size_t reply_len)
{
	struct mbox_msg_args args = {
		.buf = PTR(request),
		.len = libmbox_len(len),
		.reply_buf = PTR(reply),
		.reply_len = libmbox_len(reply_len),
	};

	return call(fd, &args);
}

MBOX_API ssize_t mbox_timedcall(int fd, const void *request, size_t len,
				void *reply, size_t reply_len, int64_t timeout)
{
	struct mbox_msg_args args = {
		.buf = PTR(request),
		.len = libmbox_len(len),
		.reply_buf = PTR(reply),
		.reply_len = libmbox_len(reply_len),
	};

	libmbox_wait_for(&args, timeout);
	return call(fd, &args);
}

/* The kernel writes the number of a call that goes on, not that it is over. */
static bool call_is_over(int ret)
{
	if (ret >= 0)
		return true;
	switch (errno) {
	case ECONNRESET:
	case EPIPE:
	case EREMOTEIO:
	case ESRCH:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

MBOX_API ssize_t mbox_callmsg(int fd, struct mbox_callmsg *msg,
			      struct mbox_header *header)
{
	struct mbox_msg_args args = { 0 };
	struct mbox_ext ext = { 0 };
	int ret;

	if (libmbox_put_call(&args, &ext, msg) < 0)
		return -1;
	ret = libmbox_ioctl(fd, MBOX_IOC_CALL, &args);
	msg->id = call_is_over(ret) ? 0 : args.id;
	if (header && (ret >= 0 || errno == EREMOTEIO ||
		       (errno == EMSGSIZE && msg->id)))
		libmbox_get_header(header, &args, &ext);
	return ret < 0 ? -1 : (ssize_t)args.out_len;
}

/* Answers */

static int finish(int fd, struct mbox_msg_args *args)
{
	return libmbox_ioctl(fd, MBOX_IOC_FINISH, args);
}

int libmbox_finish(int fd, uint32_t token, __u8 how)
{
	struct mbox_msg_args args = { .select = how, .id = token };

	return finish(fd, &args);
}

MBOX_API int mbox_reply(int fd, uint32_t token, const void *buf, size_t len)
{
	struct mbox_msg_args args = {
		.select = MBOX_FINISH_REPLY,
		.id = token,
		.buf = PTR(buf),
		.len = libmbox_len(len),
	};

	return finish(fd, &args);
}

MBOX_API int mbox_done(int fd, uint32_t token)
{
	return libmbox_finish(fd, token, MBOX_FINISH_DONE);
}

MBOX_API int mbox_back(int fd, uint32_t token)
{
	return libmbox_finish(fd, token, MBOX_FINISH_BACK);
}

MBOX_API int mbox_fail(int fd, uint32_t token, uint32_t code)
{
	struct mbox_msg_args args = {
		.select = MBOX_FINISH_FAIL,
		.id = token,
		.type = code,
	};

	return finish(fd, &args);
}

MBOX_API ssize_t mbox_reply_recv(int fd, uint32_t *token, const void *reply,
				 size_t reply_len,
				 const struct mbox_recvmsg *msg,
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
	args.id = *token;
	args.reply_buf = PTR(reply);
	args.reply_len = libmbox_len(reply_len);
	ret = libmbox_ioctl(fd, MBOX_IOC_REPLY_RECV, &args);
	*token = (uint32_t)args.id;
	/* Was it the reply that failed, there is nothing to tell of a message. */
	if (ret < 0 && *token)
		return -1;
	return libmbox_end_recv(fd, ret, &args, &ext, msg, header);
}
