// SPDX-License-Identifier: MIT
/*
 * Pipes and unix sockets. Their buffers are raised to what a queue of that depth needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

static void write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			die("write");
		p += n;
		len -= (size_t)n;
	}
}

static void read_all(int fd, char *p, size_t len)
{
	while (len) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			die("read");
		p += n;
		len -= (size_t)n;
	}
}

static void ends_close(struct line *l)
{
	close(l->in);
	close(l->out);
	free(l->priv);
	l->priv = NULL;
}

static void bytes_send(struct line *l, const void *buf, size_t len)
{
	write_all(l->out, buf, len);
}

static void bytes_recv(struct line *l, void *buf, size_t len)
{
	read_all(l->in, buf, len);
}

/* Where nobody sees messages, a batch is a large one. */
static void bytes_send_batch(struct line *l, const void *buf, size_t len, unsigned int n)
{
	write_all(l->out, buf, len * n);
}

static unsigned int bytes_recv_batch(struct line *l, void *buf, size_t len, unsigned int n)
{
	ssize_t got = read(l->in, buf, len * n);

	if (got <= 0)
		die("read");
	read_all(l->in, (char *)buf + got, (len - (size_t)got % len) % len);
	return (unsigned int)(((size_t)got + len - 1) / len);
}

static bool pipe_open(struct line *l)
{
	const size_t size = l->size * l->depth;
	int fds[2];

	NEED(pipe2(fds, O_CLOEXEC), 0);
	l->in = fds[0];
	l->out = fds[1];
	if (size > 65536) {
		set_number("/proc/sys/fs/pipe-max-size", size);
		fcntl(l->out, F_SETPIPE_SZ, size);
	}
	return l->size > 0;
}

const struct kind kind_pipe = {
	.name = "pipe",
	.how = "write, read; F_SETPIPE_SZ",
	.flags = KIND_BYTES,
	.open = pipe_open,
	.close = ends_close,
	.send = bytes_send,
	.recv = bytes_recv,
	.send_batch = bytes_send_batch,
	.recv_batch = bytes_recv_batch,
};

/* What is accounted for a small message is far more than the message. */
static void pair_open(struct line *l, int type)
{
	const int room = (int)((l->size + 1024) * l->depth * 2);
	int fds[2];

	set_number("/proc/sys/net/unix/max_dgram_qlen", l->depth);
	NEED(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
	l->in = fds[0];
	l->out = fds[1];
	if (setsockopt(l->out, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		setsockopt(l->out, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

static bool stream_open(struct line *l)
{
	pair_open(l, SOCK_STREAM);
	return l->size > 0;
}

const struct kind kind_stream = {
	.name = "unix stream",
	.how = "write, read; SO_SNDBUF",
	.flags = KIND_BYTES,
	.open = stream_open,
	.close = ends_close,
	.send = bytes_send,
	.recv = bytes_recv,
	.send_batch = bytes_send_batch,
	.recv_batch = bytes_recv_batch,
};

static void packet_send(struct line *l, const void *buf, size_t len)
{
	NEED(send(l->out, buf, len, 0), (ssize_t)len);
}

static void packet_recv(struct line *l, void *buf, size_t len)
{
	NEED(recv(l->in, buf, len, 0), (ssize_t)len);
}

struct vectors {
	struct mmsghdr msgs[BATCH_MAX];
	struct iovec iov[BATCH_MAX];
};

static struct mmsghdr *vectors(struct line *l, const void *buf, size_t len, unsigned int n)
{
	char *p = (char *)buf;
	struct vectors *v = l->priv;
	unsigned int i;

	if (!v) {
		v = calloc(1, sizeof(*v));
		if (!v)
			die("vectors");
		for (i = 0; i < BATCH_MAX; i++) {
			v->msgs[i].msg_hdr.msg_iov = &v->iov[i];
			v->msgs[i].msg_hdr.msg_iovlen = 1;
		}
		l->priv = v;
	}
	for (i = 0; i < n; i++) {
		v->iov[i].iov_base = p + i * len;
		v->iov[i].iov_len = len;
	}
	return v->msgs;
}

static void packet_send_batch(struct line *l, const void *buf, size_t len, unsigned int n)
{
	struct mmsghdr *msgs = vectors(l, buf, len, n);
	unsigned int done;
	int ret;

	for (done = 0; done < n; done += (unsigned int)ret) {
		ret = sendmmsg(l->out, msgs + done, n - done, 0);
		if (ret <= 0)
			die("sendmmsg");
	}
}

static unsigned int packet_recv_batch(struct line *l, void *buf, size_t len, unsigned int n)
{
	int ret = recvmmsg(l->in, vectors(l, buf, len, n), n, MSG_WAITFORONE, NULL);

	if (ret <= 0)
		die("recvmmsg");
	return (unsigned int)ret;
}

static bool seqpacket_open(struct line *l)
{
	pair_open(l, SOCK_SEQPACKET);
	return true;
}

const struct kind kind_seqpacket = {
	.name = "unix seqpacket",
	.how = "send, recv; batches: sendmmsg, recvmmsg; SO_SNDBUF",
	.open = seqpacket_open,
	.close = ends_close,
	.send = packet_send,
	.recv = packet_recv,
	.send_batch = packet_send_batch,
	.recv_batch = packet_recv_batch,
};

static bool dgram_open(struct line *l)
{
	pair_open(l, SOCK_DGRAM);
	return true;
}

const struct kind kind_dgram = {
	.name = "unix dgram",
	.how = "send, recv; batches: sendmmsg, recvmmsg; SO_SNDBUF, max_dgram_qlen",
	.open = dgram_open,
	.close = ends_close,
	.send = packet_send,
	.recv = packet_recv,
	.send_batch = packet_send_batch,
	.recv_batch = packet_recv_batch,
};
