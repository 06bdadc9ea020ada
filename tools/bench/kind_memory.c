// SPDX-License-Identifier: MIT
/*
 * What tells another process that something is there, and what it finds by itself: an
 * eventfd, semaphores (futexes) beside shared memory, and process_vm_readv.
 */
#include <semaphore.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

static bool event_open(struct line *l)
{
	l->in = eventfd(0, EFD_CLOEXEC);
	if (l->in < 0)
		die("eventfd");
	l->out = l->in;
	return true;
}

static void event_close(struct line *l)
{
	close(l->in);
}

static void event_send(struct line *l, const void *buf, size_t len)
{
	const uint64_t one = 1;

	(void)buf;
	(void)len;
	NEED(write(l->out, &one, sizeof(one)), sizeof(one));
}

static void event_recv(struct line *l, void *buf, size_t len)
{
	uint64_t n;

	(void)buf;
	(void)len;
	NEED(read(l->in, &n, sizeof(n)), sizeof(n));
}

const struct kind kind_eventfd = {
	.name = "eventfd",
	.how = "write, read; no payload",
	.flags = KIND_EMPTY | KIND_PAIR,
	.open = event_open,
	.close = event_close,
	.send = event_send,
	.recv = event_recv,
};

/* One message at a time, in memory that both see; or where it can be read from. */
struct slot {
	sem_t full, empty;
	const void *buf;
	pid_t pid;
	char data[];
};

static bool slot_open(struct line *l)
{
	struct slot *slot = shared_alloc(sizeof(*slot) + l->size);

	l->shared = slot;
	NEED(sem_init(&slot->full, 1, 0), 0);
	NEED(sem_init(&slot->empty, 1, 0), 0);
	return true;
}

static void slot_close(struct line *l)
{
	munmap(l->shared, sizeof(struct slot) + l->size);
}

/* Who sends next has received an answer to the last one. */
static void futex_send(struct line *l, const void *buf, size_t len)
{
	struct slot *slot = l->shared;

	memcpy(slot->data, buf, len);
	NEED(sem_post(&slot->full), 0);
}

static void futex_recv(struct line *l, void *buf, size_t len)
{
	struct slot *slot = l->shared;

	NEED(sem_wait(&slot->full), 0);
	memcpy(buf, slot->data, len);
}

const struct kind kind_futex = {
	.name = "futex",
	.how = "sem_post, sem_wait; memcpy to and from shared memory",
	.flags = KIND_PAIR,
	.open = slot_open,
	.close = slot_close,
	.send = futex_send,
	.recv = futex_recv,
};

static void readv_send(struct line *l, const void *buf, size_t len)
{
	struct slot *slot = l->shared;

	(void)len;
	slot->buf = buf;
	slot->pid = getpid();
	NEED(sem_post(&slot->full), 0);
	NEED(sem_wait(&slot->empty), 0);
}

static void readv_recv(struct line *l, void *buf, size_t len)
{
	struct slot *slot = l->shared;
	struct iovec local = { buf, len }, remote;

	NEED(sem_wait(&slot->full), 0);
	remote.iov_base = (void *)slot->buf;
	remote.iov_len = len;
	NEED(process_vm_readv(slot->pid, &local, 1, &remote, 1, 0), (ssize_t)len);
	NEED(sem_post(&slot->empty), 0);
}

const struct kind kind_readv = {
	.name = "process_vm_readv",
	.how = "process_vm_readv between semaphores",
	.flags = KIND_PAIR,
	.open = slot_open,
	.close = slot_close,
	.send = readv_send,
	.recv = readv_recv,
};
