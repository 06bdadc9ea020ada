/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Operations on messages: from a record to the arguments of a system call,
 * right ones and wrong ones, and what can be told of the results at once.
 */
#ifndef FUZZ_MESSAGE_OPS_H
#define FUZZ_MESSAGE_OPS_H

#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "world.h"

/* One operation that is being done. */
struct fuzz_do {
	const struct fuzz_op *op;
	struct fuzz_lane *lane;
	char *area;
	struct mbox_msg_args *args;	/* as passed; NULL: not to be looked at */
	bool readable;			/* so are the results */
};

static int slots[FUZZ_SLOTS];	/* of this process; -1: none */

static inline int slot_fd(unsigned int slot)
{
	slot %= FUZZ_SLOTS + FILES;
	return slot < FUZZ_SLOTS ? __atomic_load_n(&slots[slot], __ATOMIC_RELAXED) :
				   world.files[slot - FUZZ_SLOTS];
}

/* The new file takes the place of what was there, which is closed. */
static inline void slot_put(unsigned int slot, int fd)
{
	int old;

	if (fd < 0)
		return;
	old = __atomic_exchange_n(&slots[slot % FUZZ_SLOTS], fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
}

/* The first thing that is wrong is the verdict. */
static inline void fuzz_wrong(const char *format, ...)
{
	char text[sizeof(world.shared->verdict)];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (!*world.shared->verdict)
		memcpy(world.shared->verdict, text, sizeof(text));
}

/* ---- addresses ---- */

static inline void *bad_address(const struct fuzz_do *d, unsigned int kind)
{
	switch (kind % 5) {
	case 0:
		return NULL;
	case 1:
		return d->area + AREA_RW + AREA_RO;
	case 2:
		return (void *)(uintptr_t)0xffff888000001000ULL;
	case 3:
		return (void *)(uintptr_t)0x8000000000000000ULL;
	default:
		return (void *)(uintptr_t)-64L;
	}
}

/* Where a payload is that is sent; 16 kinds, most of them good. */
static inline void *source_address(const struct fuzz_do *d, unsigned int kind,
				   unsigned int len)
{
	if (kind < 9)
		return world.pattern + d->op->type % 251;
	if (kind < 11)
		return world.pattern + AREA_RW - len / 2;
	return bad_address(d, kind - 11);
}

/* Where one goes that is received. */
static inline void *sink_address(const struct fuzz_do *d, unsigned int kind,
				 unsigned int len)
{
	if (kind < 8)
		return d->area + AREA_DATA;
	if (kind < 11)
		return d->area + AREA_RW - (kind == 8 ? len : len / 2);
	return bad_address(d, kind - 11);
}

/*
 * Copy a struct to where the kernel shall find it: half of the kinds are good,
 * the others let it fault while it reads, or only when it writes.
 */
static inline void *place(struct fuzz_do *d, const void *args, size_t size)
{
	unsigned int kind = d->op->ptr & 15;
	size_t head = size > 64 ? 64 : size / 2;
	char *to;

	d->readable = kind < 9;
	if (kind < 9)
		to = d->area + (kind == 8);
	else if (kind == 9)
		to = d->area + AREA_RW - head;
	else if (kind == 10)
		to = d->area + AREA_RW + AREA_RO - head / 2;
	else
		to = bad_address(d, kind - 11);
	if (kind < 9)
		memcpy(to, args, size);
	else if (kind == 9)
		memcpy(to, args, head);
	return to;
}

/* ---- time ---- */

/* How long an operation with these arguments may take. */
static inline uint64_t wait_deadline(unsigned int wait, clockid_t clock)
{
	static const int from_now_us[] = { 0, 1000, 4000, 15000, 40000, -1000 };

	switch (wait) {
	case 3:
		return 1;
	case 10:
		return 0;
	case 11:
		return UINT64_MAX;
	case 12:
		return INT64_MAX;
	default:
		return fuzz_now(clock) + (int64_t)from_now_us[wait - 4] * 1000;
	}
}

static const clockid_t fuzz_clocks[] = {
	CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME
};

static inline void fill_wait(struct fuzz_do *d, struct mbox_msg_args *a)
{
	unsigned int wait = d->op->wait & 15;
	unsigned int clock = d->op->select >> 4;
	uint64_t now = fuzz_now(CLOCK_MONOTONIC);

	a->flags = d->op->flags & ~MBOX_WAIT_MASK;
	d->lane->until = now;
	if (wait < 3) {
		a->flags |= wait == 0 ? MBOX_WAIT_NONE :
			    wait == 1 ? MBOX_WAIT_DEFAULT : MBOX_WAIT_FOREVER;
		if (wait)
			d->lane->until = 0;
		return;
	}
	if (wait > 12) {	/* more often than not in vain */
		a->flags |= MBOX_WAIT_NONE;
		a->clock = clock;
		a->deadline = wait > 14;
		return;
	}
	a->flags |= MBOX_WAIT_UNTIL;
	a->clock = clock < 12 ? clock % 3 : clock;
	a->deadline = wait_deadline(wait, fuzz_clocks[a->clock % 3]);
	d->lane->until = wait == 11 || wait == 12 ? 0 : now + 40 * NSEC_PER_MSEC;
}

/* No wait ends before its deadline. */
static inline void check_timeout(const struct mbox_msg_args *a, int ret)
{
	uint64_t now;

	if (ret != -ETIMEDOUT || (a->flags & MBOX_WAIT_MASK) != MBOX_WAIT_UNTIL)
		return;
	now = fuzz_now(fuzz_clocks[a->clock % 3]);
	if (now < a->deadline)
		fuzz_wrong("timed out %llu ns before the deadline",
			   (unsigned long long)(a->deadline - now));
}

/* ---- arguments ---- */

static inline void keep_id(uint64_t *ids, uint32_t *seen, uint64_t id)
{
	if (id)
		ids[__atomic_fetch_add(seen, 1, __ATOMIC_RELAXED) % FUZZ_IDS_KEPT] = id;
}

/* A number of a token or a call: one that was seen, or any. */
static inline uint64_t id_of(const struct fuzz_op *op)
{
	const struct fuzz_shared *shared = world.shared;

	if (op->id < 96)	/* counted back from the latest */
		return shared->tokens[(shared->tokens_seen - 1 - op->id) % FUZZ_IDS_KEPT];
	if (op->id < 160)
		return shared->calls[(shared->calls_seen - 1 - op->id) % FUZZ_IDS_KEPT];
	if (op->id == 255)
		return UINT64_MAX;
	return op->id < 224 ? 0 : op->id - 223;
}

/* None, for numbers that say a token. */
static inline uint64_t call_to_resume(const struct fuzz_op *op)
{
	return op->id < 96 ? 0 : id_of(op);
}

static inline void fill_iov(struct fuzz_do *d, struct mbox_ext *ext, bool source,
			    unsigned int len)
{
	struct iovec *iov = (void *)(d->area + AREA_IOV);
	unsigned int kind = d->op->ptr >> 4;
	char *base = source ? source_address(d, kind, len) : sink_address(d, kind, len);
	unsigned int i, part;

	ext->iov_count = d->op->count & 15;
	ext->iov = (uintptr_t)iov;
	for (i = 0; i < ext->iov_count; i++) {
		part = i + 1 == ext->iov_count ? len : len / 3;
		iov[i] = (struct iovec){ base, part };
		base += part;
		len -= part;
	}
	if (d->op->more & 0x10)
		ext->iov = (uintptr_t)bad_address(d, d->op->type);
	if (d->op->more & 0x20)
		ext->iov_count = MBOX_IOV_MAX + 1 + (d->op->type & 3);
	if (d->op->more & 0x40)
		iov[0].iov_len = SIZE_MAX >> (d->op->type & 1);
}

static inline void fill_files(struct fuzz_do *d, struct mbox_ext *ext, bool source)
{
	int *files = (void *)(d->area + AREA_FILES);
	unsigned int i, n = d->op->count >> 4;

	ext->file_count = n == 15 ? 17 : n;
	ext->files = n ? (uintptr_t)files : 0;
	for (i = 0; source && i < ext->file_count; i++)
		files[i] = slot_fd(d->op->slot2 + i * (d->op->type & 3));
	if (d->op->more & 0x80)
		ext->files = (uintptr_t)bad_address(d, d->op->type);
	if (d->op->more & 0x100)
		ext->files = (uintptr_t)d->area + AREA_RW - 4;
}

static inline void fill_ext(struct fuzz_do *d, struct mbox_msg_args *a, bool source,
			    unsigned int len)
{
	static const uint64_t leases[] = {
		0, 1, 200 * NSEC_PER_USEC, NSEC_PER_MSEC, 4 * NSEC_PER_MSEC,
		INT64_MAX, UINT64_MAX, 1000 * NSEC_PER_SEC
	};
	struct mbox_ext ext = { .size = sizeof(ext) };
	char *to = d->area + AREA_EXT;

	a->ext = (uintptr_t)to;
	if (d->op->count & 15) {
		a->buf = 0;
		a->len = 0;
		fill_iov(d, &ext, source, len);
	}
	fill_files(d, &ext, source);
	if (a->flags & MBOX_REPLY_TO)
		ext.reply_to = slot_fd(d->op->slot2);
	if (a->flags & MBOX_LEASE)
		ext.lease_time = leases[d->op->more & 7];
	if (d->op->more & 8)
		ext.spin = d->op->more * 2;
	memset(to, 0, 128);
	switch (d->op->more >> 12) {
	case 9:
		ext.size--;
		break;
	case 10:
		ext.size += 16;
		break;
	case 11:
		ext.size += 16;
		to[sizeof(ext) + 3] = 1;
		break;
	case 12:
		ext.size = 5000;
		break;
	case 13:
		ext.spin = ~0U;
		break;
	case 14:
		a->ext = (uintptr_t)bad_address(d, d->op->type);
		break;
	case 15:	/* its results can't be written */
		to = d->area + AREA_RW - 32;
		a->ext = (uintptr_t)to;
		memcpy(to, &ext, 32);
		return;
	}
	memcpy(to, &ext, sizeof(ext));
}

static inline unsigned int payload_len(unsigned int len)
{
	return len < 0xff00 ? len % (DATA_MAX - 256) : len * 3;
}

static inline void fill_message(struct fuzz_do *d, struct mbox_msg_args *a, bool source)
{
	const struct fuzz_op *op = d->op;
	unsigned int len = payload_len(op->len);
	unsigned int kind = op->ptr >> 4;

	memset(a, 0, sizeof(*a));
	fill_wait(d, a);
	a->priority = op->priority;
	a->select = op->select & 15;
	a->type = op->type;
	a->len = len;
	a->buf = (uintptr_t)(source ? source_address(d, kind, len) :
				      sink_address(d, kind, len));
	if (a->flags & MBOX_EXT)
		fill_ext(d, a, source, len);
	if ((op->more & 0xe00) == 0xe00)
		a->ext = 1;
}

static inline void fill_reply(struct fuzz_do *d, struct mbox_msg_args *a, bool source)
{
	unsigned int kind = d->op->ptr2 & 15;

	a->reply_len = payload_len(d->op->len2);
	a->reply_buf = (uintptr_t)(source ? source_address(d, kind, a->reply_len) :
				   sink_address(d, kind, a->reply_len));
}

/* ---- results ---- */

static inline void check_payload(const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 1; i < len; i++) {
		if ((unsigned char)(data[i - 1] + 1) == data[i])
			continue;
		fuzz_wrong("byte %zu of a payload of %zu is %u after %u", i, len,
			   data[i], data[i - 1]);
		return;
	}
}

/* The files that came are closed; the first handle is kept, if so wished. */
static inline void take_files(struct fuzz_do *d)
{
	const struct mbox_ext *ext = (void *)(d->area + AREA_EXT);
	const int *files = (void *)(d->area + AREA_FILES);
	unsigned int i = 0;

	if (ext->files != (uintptr_t)files || ext->out_file_count > MBOX_FILES_MAX)
		return;
	if (ext->out_file_count && (d->op->slot2 & 0x20))
		slot_put(d->op->slot2, files[i++]);
	for (; i < ext->out_file_count; i++)
		close(files[i]);
}

static inline void look_at_received(struct fuzz_do *d, const struct mbox_msg_args *a)
{
	const struct mbox_ext *ext = (void *)(d->area + AREA_EXT);
	bool spread = (a->flags & MBOX_EXT) && ext->iov_count;
	unsigned int kind = d->op->ptr >> 4;
	unsigned int room = spread ? payload_len(d->op->len) : a->len;

	keep_id(world.shared->tokens, &world.shared->tokens_seen, a->out_token);
	if (kind < 8 && room <= DATA_MAX)
		check_payload((unsigned char *)d->area + AREA_DATA,
			      a->out_len < room ? a->out_len : room);
	if (a->out_len > room && !(a->flags & MBOX_TRUNCATE))
		fuzz_wrong("%u bytes received with room for %u", a->out_len, room);
	if ((a->flags & MBOX_EXT) && a->ext == (uintptr_t)ext)
		take_files(d);
}

/* ---- the operations ---- */

/* The command, of a struct of this size or of another. */
static inline unsigned long sized(const struct fuzz_op *op, unsigned long cmd,
				  char *tail)
{
	unsigned int size = _IOC_SIZE(cmd);

	memset(tail, 0, 64);
	switch (op->ptr2 >> 4) {
	case 12:
		size -= 8;
		break;
	case 13:
		size += 64;
		break;
	case 14:
		size += 64;
		tail[op->type % 64] = 1;
		break;
	case 15:
		size = _IOC_SIZEMASK;
		break;
	}
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static inline int do_ioctl(int fd, unsigned long cmd, void *args)
{
	int ret = ioctl(fd, cmd, args);

	return ret < 0 ? -errno : ret;
}

/* An ioctl whose struct is @args of the command's size; results are copied back. */
static inline int do_struct(struct fuzz_do *d, unsigned long cmd, void *args)
{
	unsigned int size = _IOC_SIZE(cmd);
	void *at = place(d, args, size);
	int ret;

	cmd = sized(d->op, cmd, d->readable ? (char *)at + size : d->area + 256);
	ret = do_ioctl(slot_fd(d->op->slot), cmd, at);
	if (d->readable)
		memcpy(args, at, size);
	return ret;
}

/* While it waits with no end it must not be able to go on. */
static inline void watch(struct fuzz_do *d, int events)
{
	struct mbox_stat_args stat;
	int fd = slot_fd(d->op->slot);

	if (d->lane->until || ioctl(fd, MBOX_IOC_STAT, &stat))
		return;
	d->lane->watch_fd = fd;
	d->lane->watch_id = stat.id;
	__atomic_store_n(&d->lane->watch, events, __ATOMIC_RELEASE);
}

static inline int do_send(struct fuzz_do *d)
{
	struct mbox_msg_args a;
	int ret;

	fill_message(d, &a, true);
	a.select = d->op->select & 15 ? d->op->select & 3 : 0;
	if ((a.flags & (MBOX_SYNC | MBOX_REPLY_TO)))
		a.id = a.flags & MBOX_SYNC ? call_to_resume(d->op) : d->op->id;
	if (a.flags & MBOX_REPLY_TO)
		a.reply_len = payload_len(d->op->len2);
	ret = do_struct(d, MBOX_IOC_SEND, &a);
	check_timeout(&a, ret);
	if (a.flags & MBOX_SYNC)
		keep_id(world.shared->calls, &world.shared->calls_seen, a.id);
	return ret;
}

static inline int do_recv(struct fuzz_do *d)
{
	struct mbox_msg_args a;
	int ret;

	fill_message(d, &a, false);
	if (a.flags & MBOX_PEEK_AFTER)
		a.id = d->op->id;
	if (!a.select && !a.priority && !(a.flags & (MBOX_PEEK_AFTER | MBOX_LEASE)))
		watch(d, POLLIN | POLLHUP);
	ret = do_struct(d, MBOX_IOC_RECV, &a);
	check_timeout(&a, ret);
	if (!ret && d->readable)
		look_at_received(d, &a);
	return ret;
}

static inline int do_call(struct fuzz_do *d)
{
	struct mbox_msg_args a;
	int ret;

	fill_message(d, &a, true);
	fill_reply(d, &a, false);
	a.select = d->op->select & 15 ? d->op->select & 3 : 0;
	a.id = call_to_resume(d->op);
	ret = do_struct(d, MBOX_IOC_CALL, &a);
	check_timeout(&a, ret);
	if (!d->readable)
		return ret;
	keep_id(world.shared->calls, &world.shared->calls_seen, a.id);
	if (!ret && (d->op->ptr2 & 15) < 8 && a.out_len <= DATA_MAX)
		check_payload((unsigned char *)d->area + AREA_DATA, a.out_len);
	return ret;
}

static inline int do_reply_recv(struct fuzz_do *d)
{
	struct mbox_msg_args a;
	int ret;

	fill_message(d, &a, false);
	fill_reply(d, &a, true);
	a.id = id_of(d->op);
	ret = do_struct(d, MBOX_IOC_REPLY_RECV, &a);
	check_timeout(&a, ret);
	if (!ret && d->readable)
		look_at_received(d, &a);
	return ret;
}

static inline int do_finish(struct fuzz_do *d)
{
	struct mbox_msg_args a;
	unsigned int flags = d->op->flags;

	fill_message(d, &a, true);
	if (!(flags & 0x8000)) {	/* else whatever the record says */
		a.flags &= MBOX_EXT;
		a.select &= 3;
		a.clock = 0;
		a.deadline = 0;
		a.priority = 0;
		a.type = a.select == MBOX_FINISH_FAIL ? d->op->type | 1 : 0;
		if (a.select != MBOX_FINISH_REPLY) {
			a.buf = 0;
			a.len = 0;
			a.flags = 0;
			a.ext = 0;
		}
	}
	a.id = id_of(d->op);
	return do_struct(d, MBOX_IOC_FINISH, &a);
}

#endif /* FUZZ_MESSAGE_OPS_H */
