// SPDX-License-Identifier: MIT
/*
 * Binder, through its ioctls: a transaction and its reply. Only kernels that have
 * /dev/binder; the server is its context manager, so there is one at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/android/binder.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define DEVICE	"/dev/binder"
#define ROOM	(4 << 20)	/* for what comes */

/* What is written: a payload that came is given back, and another goes. */
struct commands {
	uint32_t free;
	binder_uintptr_t old;
	uint32_t send;
	struct binder_transaction_data data;
} __attribute__((packed));

/* One side. A descriptor of binder is of no use after a fork. */
struct end {
	int fd;
	struct commands out;
	char in[256];
	size_t at, len;		/* in @in */
};

static bool binder_open(struct line *l)
{
	(void)l;
	return access(DEVICE, R_OK | W_OK) == 0;
}

static struct end *end_open(void)
{
	struct end *e = calloc(1, sizeof(*e));

	if (!e)
		die("binder");
	e->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (e->fd < 0)
		die(DEVICE);
	if (mmap(NULL, ROOM, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, e->fd, 0) == MAP_FAILED)
		die("mmap");
	e->out.free = BC_FREE_BUFFER;
	return e;
}

static void binder_close(struct line *l)
{
	struct end *e = l->priv;

	if (e)
		close(e->fd);
	free(e);
	l->priv = NULL;
}

/* Write @size bytes, and read what is there then, or wait for it. */
static void end_talk(struct end *e, const void *commands, size_t size)
{
	struct binder_write_read wr = {
		.write_buffer = (uintptr_t)commands, .write_size = size,
		.read_buffer = (uintptr_t)e->in, .read_size = sizeof(e->in),
	};

	NEED(ioctl(e->fd, BINDER_WRITE_READ, &wr), 0);
	e->at = 0;
	e->len = wr.read_consumed;
}

/* Send @buf by a command, with what came last given back; and read. */
static void end_send(struct end *e, uint32_t command, const void *buf, size_t len)
{
	const size_t skip = e->out.old ? 0 : offsetof(struct commands, send);

	e->out.send = command;
	e->out.data = (struct binder_transaction_data){
		.code = 1, .data_size = len, .data.ptr.buffer = (uintptr_t)buf,
	};
	end_talk(e, (char *)&e->out + skip, sizeof(e->out) - skip);
	e->out.old = 0;
}

/* Copy out the payload of what is at @e->at, to be given back by the next end_send(). */
static void end_take(struct end *e, void *buf, size_t len)
{
	struct binder_transaction_data data;
	const void *payload;

	memcpy(&data, e->in + e->at, sizeof(data));
	e->at += sizeof(data);
	NEED(data.data_size, len);
	memcpy(&payload, &data.data.ptr.buffer, sizeof(payload));
	memcpy(buf, payload, len);
	e->out.old = data.data.ptr.buffer;
}

/*
 * Wait for a transaction, or its reply, and copy the payload out. False: there is nobody
 * to send to.
 */
static bool end_recv(struct end *e, void *buf, size_t len)
{
	uint32_t what;

	for (;;) {
		if (e->at == e->len)
			end_talk(e, NULL, 0);
		memcpy(&what, e->in + e->at, sizeof(what));
		e->at += sizeof(what);
		switch (what) {
		case BR_TRANSACTION:
		case BR_REPLY:
			end_take(e, buf, len);
			return true;
		case BR_DEAD_REPLY:
			return false;
		case BR_NOOP:
		case BR_SPAWN_LOOPER:
		case BR_TRANSACTION_COMPLETE:
			break;
		default:
			errno = EPROTO;
			die("binder");
		}
	}
}

static void binder_call(struct line *l, const void *buf, void *reply, size_t len)
{
	if (!l->priv)
		l->priv = end_open();
	/* The server may not be there yet. */
	do {
		end_send(l->priv, BC_TRANSACTION, buf, len);
	} while (!end_recv(l->priv, reply, len) && !sched_yield());
}

static void binder_serve(struct line *l, void *buf, size_t len)
{
	const uint32_t enter = BC_ENTER_LOOPER;
	struct end *e = end_open();

	(void)l;
	/* The one before may still be going. */
	while (ioctl(e->fd, BINDER_SET_CONTEXT_MGR, 0) < 0) {
		if (errno != EBUSY)
			die("BINDER_SET_CONTEXT_MGR");
		sched_yield();
	}
	end_talk(e, &enter, sizeof(enter));
	for (;;) {
		end_recv(e, buf, len);
		end_send(e, BC_REPLY, buf, len);
	}
}

const struct kind kind_binder = {
	.name = "binder",
	.how = "BC_TRANSACTION; BC_REPLY",
	.open = binder_open,
	.close = binder_close,
	.call = binder_call,
	.serve = binder_serve,
};
