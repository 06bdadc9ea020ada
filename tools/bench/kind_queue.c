// SPDX-License-Identifier: MIT
/*
 * Message queues: POSIX and System V. Their depth is raised as far as may be.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

static bool mq_line_open(struct line *l)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct mq_attr attr = {
		.mq_maxmsg = l->depth,
		.mq_msgsize = (long)(l->size ?: 1),
	};
	char name[40];

	set_number("/proc/sys/fs/mqueue/msg_max", l->depth);
	set_number("/proc/sys/fs/mqueue/msgsize_max", l->size);
	setrlimit(RLIMIT_MSGQUEUE, &unlimited);
	snprintf(name, sizeof(name), "/mbox-bench-%d", getpid());
	l->in = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	/* Not in this kernel, or not of such a size. */
	if (l->in < 0)
		return false;
	l->out = l->in;
	NEED(mq_unlink(name), 0);
	return true;
}

static void mq_line_close(struct line *l)
{
	mq_close(l->in);
}

static void mq_line_send(struct line *l, const void *buf, size_t len)
{
	NEED(mq_send(l->out, buf, len, 0), 0);
}

static void mq_line_recv(struct line *l, void *buf, size_t len)
{
	/* A buffer must hold the largest message that could be. */
	NEED(mq_receive(l->in, buf, l->size ?: 1, NULL), (ssize_t)len);
}

static void mq_line_send_class(struct line *l, const void *buf, size_t len,
			       unsigned int class)
{
	NEED(mq_send(l->out, buf, len, class), 0);
}

const struct kind kind_mq = {
	.name = "POSIX mq",
	.how = "mq_send, mq_receive; msg_max raised",
	.open = mq_line_open,
	.close = mq_line_close,
	.send = mq_line_send,
	.recv = mq_line_recv,
	.send_class = mq_line_send_class,
};

static bool sysv_open(struct line *l)
{
	struct msqid_ds ds;

	set_number("/proc/sys/kernel/msgmax", l->size);
	set_number("/proc/sys/kernel/msgmnb", l->depth * l->size);
	l->in = msgget(IPC_PRIVATE, 0600);
	if (l->in < 0)
		return false;
	l->out = l->in;
	NEED(msgctl(l->in, IPC_STAT, &ds), 0);
	if (ds.msg_qbytes < l->depth * l->size) {
		msgctl(l->in, IPC_RMID, NULL);
		return false;
	}
	return true;
}

static void sysv_close(struct line *l)
{
	msgctl(l->in, IPC_RMID, NULL);
}

static void *frame(const void *buf)
{
	return (char *)buf - FRAME;
}

static void sysv_send_class(struct line *l, const void *buf, size_t len, unsigned int class)
{
	long *type = frame(buf);

	*type = 1 + (long)class;
	NEED(msgsnd(l->out, type, len, 0), 0);
}

static void sysv_send(struct line *l, const void *buf, size_t len)
{
	sysv_send_class(l, buf, len, 0);
}

static void sysv_recv_class(struct line *l, void *buf, size_t len, unsigned int class)
{
	NEED(msgrcv(l->in, frame(buf), len, 1 + (long)class, 0), (ssize_t)len);
}

static void sysv_recv(struct line *l, void *buf, size_t len)
{
	NEED(msgrcv(l->in, frame(buf), len, 0, 0), (ssize_t)len);
}

const struct kind kind_sysv = {
	.name = "SysV msg",
	.how = "msgsnd, msgrcv; msgmnb raised",
	.open = sysv_open,
	.close = sysv_close,
	.send = sysv_send,
	.recv = sysv_recv,
	.send_class = sysv_send_class,
	.recv_class = sysv_recv_class,
};
