// SPDX-License-Identifier: MIT
/*
 * Mailboxes, as a program uses them: through libmbox.
 */
#include <mbox.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static bool mailbox_open(struct line *l)
{
	const struct mbox_options options = {
		.max_messages = l->depth,
		.max_bytes = (uint64_t)l->depth * (l->size ?: 1),
		.max_message_size = (uint32_t)(l->size ?: 1),
	};

	l->in = mbox_create(NULL, MBOX_RECV | MBOX_SEND, &options);
	if (l->in < 0)
		die("mbox_create");
	l->out = l->in;
	return true;
}

static void mailbox_close(struct line *l)
{
	close(l->in);
	free(l->priv);
	l->priv = NULL;
}

static void mailbox_send(struct line *l, const void *buf, size_t len)
{
	NEED(mbox_send(l->out, buf, len), 0);
}

static void mailbox_recv(struct line *l, void *buf, size_t len)
{
	NEED(mbox_recv(l->in, buf, len), (ssize_t)len);
}

static void mailbox_send_class(struct line *l, const void *buf, size_t len,
			       unsigned int class)
{
	const struct mbox_sendmsg msg = {
		.buf = buf, .len = len, .type = class, .priority = class,
	};

	NEED(mbox_sendmsg(l->out, &msg), 0);
}

static void mailbox_recv_class(struct line *l, void *buf, size_t len, unsigned int class)
{
	const struct mbox_recvmsg msg = {
		.buf = buf, .len = len, .select = MBOX_SELECT_EQUAL, .type = class,
	};

	NEED(mbox_recvmsg(l->in, &msg, NULL), (ssize_t)len);
}

struct batch {
	struct mbox_sendmsg out[BATCH_MAX];
	struct mbox_recvmsg in[BATCH_MAX];
	struct mbox_header headers[BATCH_MAX];
};

static struct batch *batch_of(struct line *l)
{
	if (!l->priv)
		l->priv = calloc(1, sizeof(struct batch));
	if (!l->priv)
		die("batch");
	return l->priv;
}

/* A program that sends batches fills its array as it goes: that is counted too. */
static void mailbox_send_batch(struct line *l, const void *buf, size_t len, unsigned int n)
{
	struct batch *b = batch_of(l);
	const char *p = buf;
	unsigned int i, done;
	int ret;

	for (i = 0; i < n; i++) {
		b->out[i].buf = p + i * len;
		b->out[i].len = len;
	}
	for (done = 0; done < n; done += (unsigned int)ret) {
		ret = mbox_sendv(l->out, b->out + done, n - done);
		if (ret <= 0)
			die("mbox_sendv");
	}
}

static unsigned int mailbox_recv_batch(struct line *l, void *buf, size_t len, unsigned int n)
{
	struct batch *b = batch_of(l);
	char *p = buf;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		b->in[i].buf = p + i * len;
		b->in[i].len = len;
	}
	ret = mbox_recvv(l->in, b->in, b->headers, n);
	if (ret <= 0)
		die("mbox_recvv");
	return (unsigned int)ret;
}

const struct kind kind_mbox = {
	.name = "mbox",
	.how = "mbox_send, mbox_recv; batches: mbox_sendv, mbox_recvv",
	.flags = KIND_OURS,
	.open = mailbox_open,
	.close = mailbox_close,
	.send = mailbox_send,
	.recv = mailbox_recv,
	.send_batch = mailbox_send_batch,
	.recv_batch = mailbox_recv_batch,
	.send_class = mailbox_send_class,
	.recv_class = mailbox_recv_class,
};

static void mailbox_call(struct line *l, const void *buf, void *reply, size_t len)
{
	NEED(mbox_call(l->out, buf, len, reply, len), (ssize_t)len);
}

static void mailbox_serve(struct line *l, void *buf, size_t len)
{
	const struct mbox_recvmsg msg = { .buf = buf, .len = len };
	struct mbox_header header;
	uint32_t token = 0;

	for (;;) {
		NEED(mbox_reply_recv(l->in, &token, buf, len, &msg, &header), (ssize_t)len);
		token = header.token;
	}
}

static bool mailbox_open_spin(struct line *l)
{
	const struct mbox_set set = { .mask = MBOX_SET_SPIN, .spin = MBOX_SPIN_MAX };

	/* Nobody spins where there is one processor. */
	if (cpus() < 2)
		return false;
	mailbox_open(l);
	NEED(mbox_set(l->in, &set), 0);
	return true;
}

const struct kind kind_call = {
	.name = "mbox call",
	.how = "mbox_call; mbox_reply_recv",
	.flags = KIND_OURS,
	.open = mailbox_open,
	.close = mailbox_close,
	.call = mailbox_call,
	.serve = mailbox_serve,
};

const struct kind kind_call_spin = {
	.name = "mbox call, spin",
	.how = "the same, spinning for up to 100 us before sleeping",
	.flags = KIND_OURS,
	.open = mailbox_open_spin,
	.close = mailbox_close,
	.call = mailbox_call,
	.serve = mailbox_serve,
};
