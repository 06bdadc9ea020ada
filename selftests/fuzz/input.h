/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a fuzzing input is: a head and a sequence of operations, each a record
 * of fixed size, so that any bytes mean something and small changes of the
 * bytes are small changes of what is done. How it is done: sandbox.h.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Who does it. Each lane is a thread: 0 to 2 of one process, 3 and 4 of a fork
 * of it, 5 of another fork, alone in it.
 */
#define FUZZ_LANES	6

/* Handles that an operation may name. What is not below is a fixed file. */
#define FUZZ_SLOTS	16

enum fuzz_kind {
	FUZZ_PAUSE,
	FUZZ_SEND, FUZZ_RECV, FUZZ_CALL, FUZZ_REPLY_RECV, FUZZ_FINISH,
	FUZZ_SENDV, FUZZ_RECVV, FUZZ_READ, FUZZ_WRITE,
	FUZZ_CREATE, FUZZ_OPEN, FUZZ_UNLINK, FUZZ_QUERY,
	FUZZ_NARROW, FUZZ_STAT, FUZZ_SET, FUZZ_NOTIFY, FUZZ_IOCTL,
	FUZZ_POLL, FUZZ_EPOLL, FUZZ_FCNTL, FUZZ_FDINFO, FUZZ_URING,
	FUZZ_CLOSE, FUZZ_DUP, FUZZ_PASS,
	FUZZ_FORK, FUZZ_EXIT, FUZZ_EXEC, FUZZ_SIGNAL, FUZZ_STOP, FUZZ_UNSHARE,
	FUZZ_IDS, FUZZ_RLIMIT, FUZZ_SCHED, FUZZ_PARAMETER,
	FUZZ_KINDS
};

/* The first mailbox, its handles 0 (both rights), 1 (RECV), 2 (SEND). */
struct fuzz_head {
	uint8_t limits;		/* index of its limits */
	uint8_t kind;		/* type source, overflow, how it is published */
	uint8_t user;		/* who they all are */
	uint8_t end;		/* how they end */
};

/*
 * One operation. What a field means is up to the kind; all values mean
 * something. Of @lane: bits 0 to 2 are who, bit 3 is not to wait for it before
 * the next one, bits 4 to 7 are the fault to be injected.
 */
struct fuzz_op {
	uint8_t kind;
	uint8_t lane;
	uint8_t slot;
	uint8_t slot2;		/* second file, or where to keep the result */
	uint16_t flags;
	uint8_t wait;		/* index of how long */
	uint8_t select;		/* low half; the clock in the high half */
	uint16_t len;
	uint16_t len2;		/* of a reply */
	uint8_t ptr;		/* kind of address: of arguments; high half: of buffer */
	uint8_t ptr2;		/* of second buffer; high half: size of the struct */
	uint16_t priority;
	uint32_t type;
	uint8_t id;		/* which token or call */
	uint8_t count;		/* of a batch; low half: of iovecs, high half: of files */
	uint16_t more;
};

_Static_assert(sizeof(struct fuzz_head) == 4 && sizeof(struct fuzz_op) == 24,
	       "no holes");

#define FUZZ_OPS_MAX	24
#define FUZZ_SIZE_MAX	(sizeof(struct fuzz_head) + \
			 FUZZ_OPS_MAX * sizeof(struct fuzz_op))

#define FUZZ_LANE_MASK	0x07
#define FUZZ_ASYNC	0x08

struct fuzz_input {
	struct fuzz_head head;
	struct fuzz_op ops[FUZZ_OPS_MAX];
	unsigned int count;
};

/* Any bytes are an input; what is cut off at the end does not count. */
static inline void fuzz_parse(struct fuzz_input *in, const void *data,
			      size_t size)
{
	memset(in, 0, sizeof(*in));
	if (size > FUZZ_SIZE_MAX)
		size = FUZZ_SIZE_MAX;
	if (size < sizeof(in->head))
		return;
	memcpy(&in->head, data, sizeof(in->head));
	in->count = (size - sizeof(in->head)) / sizeof(struct fuzz_op);
	memcpy(in->ops, (const char *)data + sizeof(in->head),
	       in->count * sizeof(struct fuzz_op));
}

static inline size_t fuzz_build(const struct fuzz_input *in, void *data,
				size_t max)
{
	unsigned int count = in->count;

	if (max < sizeof(in->head))
		return 0;
	if (count > (max - sizeof(in->head)) / sizeof(struct fuzz_op))
		count = (max - sizeof(in->head)) / sizeof(struct fuzz_op);
	memcpy(data, &in->head, sizeof(in->head));
	memcpy((char *)data + sizeof(in->head), in->ops,
	       count * sizeof(struct fuzz_op));
	return sizeof(in->head) + count * sizeof(struct fuzz_op);
}

static inline unsigned int fuzz_kind(const struct fuzz_op *op)
{
	return op->kind % FUZZ_KINDS;
}

static inline unsigned int fuzz_lane(const struct fuzz_op *op)
{
	return (op->lane & FUZZ_LANE_MASK) % FUZZ_LANES;
}

#endif /* FUZZ_INPUT_H */
