/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Reads, writes and polls of handles by io_uring, whose requests outlive the
 * system call, and end with their process. One ring a process, by bare system
 * calls.
 */
#ifndef FUZZ_URING_OPS_H
#define FUZZ_URING_OPS_H

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/syscall.h>

#include "file_ops.h"

#define URING_ENTRIES	8

static struct {
	pid_t made_by;
	pid_t ready_in;		/* the process where all of this is true */
	int fd;
	unsigned int *tail, *array, *cq_head, *cq_tail;
	unsigned int mask;
	struct io_uring_sqe *sqes;
} uring;

static inline int uring_begin(void)
{
	struct io_uring_params p = { .flags = 0 };
	size_t size;
	char *mem;

	uring.fd = syscall(__NR_io_uring_setup, URING_ENTRIES, &p);
	if (uring.fd < 0)
		return -errno;
	size = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	if (size < p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe))
		size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, uring.fd,
		   IORING_OFF_SQ_RING);
	uring.sqes = mmap(NULL, p.sq_entries * sizeof(*uring.sqes),
			  PROT_READ | PROT_WRITE, MAP_SHARED, uring.fd,
			  IORING_OFF_SQES);
	if (mem == MAP_FAILED || uring.sqes == MAP_FAILED) {
		close(uring.fd);
		return -ENOMEM;
	}
	uring.tail = (void *)(mem + p.sq_off.tail);
	uring.array = (void *)(mem + p.sq_off.array);
	uring.mask = p.sq_entries - 1;
	uring.cq_head = (void *)(mem + p.cq_off.head);
	uring.cq_tail = (void *)(mem + p.cq_off.tail);
	__atomic_store_n(&uring.ready_in, getpid(), __ATOMIC_RELEASE);
	return 0;
}

static inline void uring_fill(struct fuzz_do *d, struct io_uring_sqe *sqe)
{
	const struct fuzz_op *op = d->op;
	unsigned int len = payload_len(op->len);

	memset(sqe, 0, sizeof(*sqe));
	sqe->fd = handle_fd(op->slot);
	sqe->flags = op->flags & 1 ? IOSQE_ASYNC : 0;
	sqe->flags |= op->flags & 2 ? IOSQE_IO_LINK : 0;
	sqe->user_data = op->count & 7;
	switch (op->count & 7) {
	case 0:
		sqe->opcode = IORING_OP_POLL_ADD;
		sqe->poll32_events = POLLIN | (op->flags & 4 ? POLLOUT : 0);
		sqe->len = op->flags & 8 ? IORING_POLL_ADD_MULTI : 0;
		break;
	case 1:
		sqe->opcode = IORING_OP_ASYNC_CANCEL;
		sqe->addr = op->id & 7;
		break;
	case 2:
		sqe->opcode = IORING_OP_CLOSE;
		break;
	case 3:
	case 4:
		sqe->opcode = IORING_OP_WRITE;
		sqe->addr = (uintptr_t)source_address(d, op->ptr >> 4, len);
		sqe->len = len;
		sqe->off = -1ULL;
		break;
	default:
		sqe->opcode = IORING_OP_READ;
		sqe->addr = (uintptr_t)sink_address(d, op->ptr >> 4, len);
		sqe->len = len;
		sqe->off = -1ULL;
	}
}

/* Several lanes may do so at once: what one of them overwrites is not missed. */
static inline int do_uring(struct fuzz_do *d)
{
	unsigned int tail;
	int ret = 0;

	d->area = world.areas + FUZZ_LANES * AREA_SIZE;
	if (__atomic_exchange_n(&uring.made_by, getpid(), __ATOMIC_RELAXED) != getpid())
		ret = uring_begin();
	if (ret || __atomic_load_n(&uring.ready_in, __ATOMIC_ACQUIRE) != getpid())
		return ret ?: -EBUSY;
	tail = *uring.tail;
	uring_fill(d, &uring.sqes[tail & uring.mask]);
	uring.array[tail & uring.mask] = tail & uring.mask;
	__atomic_store_n(uring.tail, tail + 1, __ATOMIC_RELEASE);
	ret = minus_errno(syscall(__NR_io_uring_enter, uring.fd, 1, 0,
				  d->op->flags & 16 ? IORING_ENTER_GETEVENTS : 0,
				  NULL, 0));
	__atomic_store_n(uring.cq_head,
			 __atomic_load_n(uring.cq_tail, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
	return ret;
}

#endif /* FUZZ_URING_OPS_H */
