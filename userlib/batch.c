// SPDX-License-Identifier: MIT
/*
 * Many messages at once: as many as fit on the stack go into the kernel
 * together.
 */
#include <limits.h>

#include "internal.h"

#define CHUNK	64

struct chunk {
	unsigned int n;
	struct mbox_msg_args args[CHUNK];
	struct mbox_ext ext[CHUNK];
};

/*
 * What a call of the kernel does with the messages from @first on, of @n: the
 * number that were done, or -1 and errno.
 */
typedef int (*chunk_fn)(int fd, unsigned int first, unsigned int n, void *arg);

/* Do all of it, or as much as can be done. */
static int do_chunks(int fd, unsigned int n, chunk_fn fn, void *arg)
{
	const int err = errno;
	unsigned int done = 0;
	unsigned int want;
	int ret;

	if (!n || n > INT_MAX)
		return invalid();
	do {
		want = n - done < CHUNK ? n - done : CHUNK;
		ret = fn(fd, done, want, arg);
		if (ret < 0 && !done)
			return -1;
		done += ret < 0 ? 0 : (unsigned int)ret;
	} while (ret == (int)want && done < n);
	errno = err;
	return (int)done;
}

/* Something was done before: now nothing may wait. */
static void never_wait(struct mbox_msg_args *args)
{
	args->flags = (args->flags & ~MBOX_WAIT_MASK) | MBOX_WAIT_NONE;
	args->clock = 0;
	args->deadline = 0;
}

/* If the first message cannot be said, errno tells why. */
static int enter(int fd, unsigned long cmd, struct chunk *chunk,
		 unsigned int first)
{
	struct mbox_batch_args args = {
		.msgs = PTR(chunk->args),
		.count = chunk->n,
	};

	if (!chunk->n)
		return -1;
	if (first)
		never_wait(chunk->args);
	return libmbox_ioctl(fd, cmd, &args);
}

static int put_send(struct chunk *chunk, const struct mbox_sendmsg *msg)
{
	if (msg->reference_above)
		return invalid();
	chunk->args[chunk->n] = (struct mbox_msg_args){ 0 };
	chunk->ext[chunk->n] = (struct mbox_ext){ 0 };
	return libmbox_put_send(&chunk->args[chunk->n], &chunk->ext[chunk->n],
				msg);
}

static int send_chunk(int fd, unsigned int first, unsigned int n, void *arg)
{
	const struct mbox_sendmsg *msgs = (const struct mbox_sendmsg *)arg + first;
	struct chunk chunk;

	for (chunk.n = 0; chunk.n < n; chunk.n++)
		if (put_send(&chunk, &msgs[chunk.n]) < 0)
			break;
	return enter(fd, MBOX_IOC_SENDV, &chunk, first);
}

MBOX_API int mbox_sendv(int fd, const struct mbox_sendmsg *msgs, unsigned int n)
{
	return do_chunks(fd, n, send_chunk, (void *)msgs);
}

struct recvv {
	const struct mbox_recvmsg *msgs;
	struct mbox_header *headers;
};

static int put_recv(struct chunk *chunk, const struct mbox_recvmsg *msg,
		    const struct mbox_header *headers)
{
	/* Nobody would be told the token. */
	if ((msg->flags & MBOX_LEASE) && !headers)
		return invalid();
	chunk->args[chunk->n] = (struct mbox_msg_args){ 0 };
	chunk->ext[chunk->n] = (struct mbox_ext){ 0 };
	return libmbox_put_recv(&chunk->args[chunk->n], &chunk->ext[chunk->n],
				msg);
}

static int recv_chunk(int fd, unsigned int first, unsigned int n, void *arg)
{
	const struct recvv *r = arg;
	const struct mbox_recvmsg *msgs = r->msgs + first;
	struct mbox_header *headers = r->headers ? r->headers + first : NULL;
	struct chunk chunk;
	int ret;

	for (chunk.n = 0; chunk.n < n; chunk.n++)
		if (put_recv(&chunk, &msgs[chunk.n], headers) < 0)
			break;
	ret = enter(fd, MBOX_IOC_RECVV, &chunk, first);
	if (ret < 0 && chunk.n && !first)
		libmbox_end_recv(fd, ret, chunk.args, chunk.ext, msgs, headers);
	for (int i = 0; i < ret; i++)
		libmbox_end_recv(fd, ret, &chunk.args[i], &chunk.ext[i],
				 &msgs[i], headers ? &headers[i] : NULL);
	return ret;
}

MBOX_API int mbox_recvv(int fd, const struct mbox_recvmsg *msgs,
			struct mbox_header *headers, unsigned int n)
{
	struct recvv r = { msgs, headers };

	return do_chunks(fd, n, recv_chunk, &r);
}
