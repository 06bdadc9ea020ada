/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Operations on mailboxes as a whole, on the device, and batches.
 */
#ifndef FUZZ_CONTROL_OPS_H
#define FUZZ_CONTROL_OPS_H

#include "message_ops.h"

/* ---- batches ---- */

/* Where an array of messages begins; some kinds let it end in a fault. */
static inline struct mbox_msg_args *batch_address(struct fuzz_do *d, unsigned int count)
{
	unsigned int kind = d->op->ptr2 & 15;

	if (kind < 10)
		return (void *)(d->area + AREA_BATCH);
	if (kind < 13)	/* the last can be read, but for ... */
		return (void *)(d->area + AREA_RW - count * sizeof(struct mbox_msg_args) +
				(kind == 10 ? 0 : 64));
	return bad_address(d, kind);
}

#define BATCH_MAX	70	/* more than what is done in one go */

static inline int do_batch(struct fuzz_do *d, unsigned long cmd, bool source)
{
	unsigned int i, count = d->op->count % (BATCH_MAX + 1);
	struct mbox_msg_args *msgs = batch_address(d, count);
	struct mbox_batch_args batch = {
		.msgs = (uintptr_t)msgs,
		.count = d->op->count > 250 ? d->op->count - 253U + MBOX_BATCH_MAX : count,
		.reserved = (d->op->more & 0xe00) == 0xa00,
	};
	bool spread = d->op->flags & MBOX_EXT;
	struct mbox_msg_args a;
	int ret;

	fill_message(d, &a, source);
	if ((uintptr_t)msgs < (uintptr_t)d->area ||
	    (uintptr_t)msgs >= (uintptr_t)d->area + AREA_RW)
		count = 0;
	for (i = 0; i < count; i++) {
		size_t part = i + 1 == count && (d->op->ptr2 & 15) > 10 ? 64 : sizeof(a);

		memcpy(&msgs[i], &a, part);
		a.type += d->op->id & 7;
		if (d->op->id & 8)	/* the next is another kind, or wrong */
			a.flags ^= MBOX_EXT;
		if (d->op->id & 16)
			a.len /= 2;
	}
	ret = do_struct(d, cmd, &batch);
	if (source || ret <= 0 || spread || (d->op->ptr >> 4) >= 8)
		return ret;
	/* All went to one place: what came last is there, if it is no shorter. */
	for (i = 0; i < count && i < (unsigned int)ret; i++)
		keep_id(world.shared->tokens, &world.shared->tokens_seen,
			msgs[i].out_token);
	return ret;
}

static inline int do_sendv(struct fuzz_do *d)
{
	return do_batch(d, MBOX_IOC_SENDV, true);
}

static inline int do_recvv(struct fuzz_do *d)
{
	return do_batch(d, MBOX_IOC_RECVV, false);
}

/* ---- the device ---- */

static inline uint32_t name_of(struct fuzz_do *d, __u64 *address)
{
	const char *name = fuzz_name(d->op->more & 7);
	char *to = d->area + AREA_NAME;
	unsigned int kind = (d->op->more >> 4) & 15;
	size_t len = name ? strlen(name) : MBOX_NAME_MAX;

	memset(to, 'n', MBOX_NAME_MAX);
	if (name)
		memcpy(to, name, len);
	if (kind == 12)
		to[len / 2] = 0;
	*address = (uintptr_t)(kind < 13 ? to : bad_address(d, kind));
	/* Too long: what can be created must be among the names that remove_names() knows. */
	return kind == 11 ? MBOX_NAME_MAX + 1 : len;
}

static const uint32_t fuzz_limits[][3] = {	/* messages, bytes, one message */
	{ 0, 0, 0 }, { 2, 0, 0 }, { 1, 0, 0 }, { 4, 4096, 1024 }, { 3, 8, 8 },
	{ 100, 70000, 70000 }, { 2, 4096, 4096 }, { 8, 100, 60 },
	{ 1, 1, 1 }, { 0, 0, 1U << 27 }, { 1U << 21, 0, 0 }, { 0, 10, 11 },
};

static inline void fill_create(struct fuzz_do *d, struct mbox_create_args *a)
{
	const struct fuzz_op *op = d->op;
	const uint32_t *limits = fuzz_limits[op->count % 12];

	*a = (struct mbox_create_args){
		.flags = op->flags,
		.mode = op->priority,
		.max_messages = limits[0],
		.max_bytes = limits[1],
		.max_message_size = limits[2],
		.type_source = (op->select & 15) % 5,
		.overflow = (op->select >> 4) % 3,
	};
	if (op->flags & MBOX_NAMED)
		a->name_len = name_of(d, &a->name);
	if (op->flags & MBOX_OWNED_BY)
		a->owner = op->type;
}

static inline int do_create(struct fuzz_do *d)
{
	struct mbox_create_args a;
	struct fuzz_op op = *d->op;
	int ret;

	fill_create(d, &a);
	op.slot = op.slot < 224 ? FUZZ_SLOTS + FILE_DEVICE : op.slot;
	d->op = &op;
	ret = do_struct(d, MBOX_IOC_CREATE, &a);
	slot_put(op.slot2, ret);
	return ret;
}

/* The process that is meant: of a lane, or any. */
static inline int pid_of(const struct fuzz_op *op)
{
	if (op->id < 16)
		return 0;
	return op->id < 224 ? world.shared->lanes[op->id % FUZZ_LANES].pid :
	       op->id < 240 ? 1 : (int)op->type;
}

static inline int do_open_args(struct fuzz_do *d, unsigned long cmd)
{
	struct fuzz_op op = *d->op;
	struct mbox_open_args a = { .flags = op.flags };

	if (op.flags & MBOX_NAMED)
		a.name_len = name_of(d, &a.name);
	if ((op.flags & MBOX_OWN) || op.id > 250)
		a.pid = pid_of(&op);
	if (op.flags & MBOX_OWNED_BY)
		a.owner = op.type;
	op.slot = op.slot < 224 ? FUZZ_SLOTS + FILE_DEVICE : op.slot;
	d->op = &op;
	return do_struct(d, cmd, &a);
}

static inline int do_open(struct fuzz_do *d)
{
	int ret = do_open_args(d, MBOX_IOC_OPEN);

	slot_put(d->op->slot2, ret);
	return ret;
}

static inline int do_unlink(struct fuzz_do *d)
{
	return do_open_args(d, MBOX_IOC_UNLINK);
}

static inline int do_query(struct fuzz_do *d)
{
	struct mbox_query_args a;
	struct fuzz_op op = *d->op;

	op.slot = op.slot < 224 ? FUZZ_SLOTS + FILE_DEVICE : op.slot;
	d->op = &op;
	return do_struct(d, MBOX_IOC_QUERY, &a);
}

/* ---- a mailbox ---- */

static inline int do_narrow(struct fuzz_do *d)
{
	struct mbox_narrow_args a = {
		.flags = d->op->flags,
		.reserved = d->op->count == 255,
		.badge = d->op->flags & MBOX_BADGE ? d->op->type : 0,
	};
	int ret = do_struct(d, MBOX_IOC_NARROW, &a);

	slot_put(d->op->slot2, ret);
	return ret;
}

static inline int do_stat(struct fuzz_do *d)
{
	struct mbox_stat_args a;
	int ret;

	memset(&a, 0, sizeof(a));
	ret = do_struct(d, MBOX_IOC_STAT, &a);
	if (ret || !d->readable)
		return ret;
	if (a.stale_tokens > a.tokens || a.tokens > a.messages)
		fuzz_wrong("%u stale of %u tokens of %u messages", a.stale_tokens,
			   a.tokens, a.messages);
	if (!a.messages && a.bytes)
		fuzz_wrong("%llu bytes in no messages", (unsigned long long)a.bytes);
	return 0;
}

static inline int do_set(struct fuzz_do *d)
{
	const struct fuzz_op *op = d->op;
	const uint32_t *limits = fuzz_limits[op->count % 12];
	struct mbox_set_args a = {
		.mask = op->flags,
	};

	if (a.mask & MBOX_SET_MODE)
		a.mode = op->priority;
	if (a.mask & MBOX_SET_UID)
		a.uid = op->type;
	if (a.mask & MBOX_SET_GID)
		a.gid = op->type;
	if (a.mask & MBOX_SET_OVERFLOW)
		a.overflow = (op->select >> 4) % 3;
	if (a.mask & MBOX_SET_MAX_MESSAGES)
		a.max_messages = limits[0];
	if (a.mask & MBOX_SET_MAX_BYTES)
		a.max_bytes = limits[1];
	if (a.mask & MBOX_SET_MAX_MESSAGE_SIZE)
		a.max_message_size = limits[2];
	if (a.mask & MBOX_SET_SPIN)
		a.spin = op->type % (2 * MBOX_SPIN_MAX);
	if (a.mask & MBOX_SET_LATENCY)
		a.latency = op->type % 3;
	if (op->id > 248)
		a.mode = 1;
	return do_struct(d, MBOX_IOC_SET, &a);
}

static inline int do_notify(struct fuzz_do *d)
{
	struct mbox_notify_args a = {
		.eventfd = d->op->slot2 < 32 ? -1 :
			   d->op->slot2 < 224 ? world.files[FILE_EVENTFD] :
						slot_fd(d->op->slot2),
		.reserved = d->op->count == 255,
	};

	return do_struct(d, MBOX_IOC_NOTIFY, &a);
}

/* Any command of ours, or of others, on any file; no sense in its struct. */
static inline int do_any_ioctl(struct fuzz_do *d)
{
	static const unsigned char numbers[] = {
		0x00, 0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
		0x20, 0x21, 0x22, 0x23, 0x24
	};
	static const unsigned int others[] = {
		0x541b /* FIONREAD */, 0x5421 /* FIONBIO */, 0x5452 /* FIOASYNC */,
		0x5451 /* FIOCLEX */
	};
	const struct fuzz_op *op = d->op;
	unsigned long cmd = _IOC(op->wait & 3, MBOX_IOC_MAGIC, numbers[op->id % 16],
				 op->len % 256);
	struct fuzz_op words[6];
	unsigned int i;

	d->lane->until = 0;	/* whatever the struct says */
	if (op->more & 1)
		cmd = others[op->id % 4];
	if (op->more & 2)	/* but for FIONBIO: 0 or 1 */
		memset(words, 0, sizeof(words));
	else
		for (i = 0; i < 6; i++)
			words[i] = *op;
	return do_ioctl(slot_fd(op->slot), cmd, place(d, words, 128));
}

#endif /* FUZZ_CONTROL_OPS_H */
