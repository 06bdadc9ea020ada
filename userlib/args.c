// SPDX-License-Identifier: MIT
/*
 * The structs of <mbox.h> about messages, turned into the kernel's and back. The
 * kernel judges the values; refused here is only what its structs cannot
 * express, and what is the library's own business.
 */
#include <time.h>

#include "internal.h"

#define NSEC_PER_SEC	1000000000

_Static_assert(MBOX_SELECT_ANY == (int)MBOX_SELECT_ANY &&
	       MBOX_SELECT_EQUAL == (int)MBOX_SELECT_EQUAL &&
	       MBOX_SELECT_NOT_EQUAL == (int)MBOX_SELECT_NOT_EQUAL &&
	       MBOX_SELECT_LOWEST == (int)MBOX_SELECT_LOWEST,
	       "selectors are passed on as they are");
_Static_assert(sizeof(int) == sizeof(__s32),
	       "arrays of descriptors are passed on as they are");

/* How long to wait: fields that the message structs have in common. */
struct wait {
	unsigned int flags;
	int64_t timeout;
	int64_t deadline;
	clockid_t clock;
};

#define WAIT_OF(msg) \
	(&(const struct wait){ (msg)->flags, (msg)->timeout, (msg)->deadline, \
			       (msg)->clock })

/* @timeout ns from now, or the end of time if that is earlier. */
static __u64 deadline_after(int64_t timeout)
{
	struct timespec ts;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return (__u64)(timeout < INT64_MAX - now ? now + timeout : INT64_MAX);
}

void libmbox_wait_for(struct mbox_msg_args *args, int64_t timeout)
{
	if (timeout < 0) {
		args->flags |= MBOX_WAIT_FOREVER;
	} else if (timeout == 0) {
		args->flags |= MBOX_WAIT_NONE;
	} else {
		args->flags |= MBOX_WAIT_UNTIL;
		args->clock = MBOX_CLOCK_MONOTONIC;
		args->deadline = deadline_after(timeout);
	}
}

static int wait_until(struct mbox_msg_args *args, int64_t deadline,
		      clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
		args->clock = MBOX_CLOCK_REALTIME;
		break;
	case CLOCK_MONOTONIC:
		args->clock = MBOX_CLOCK_MONOTONIC;
		break;
	case CLOCK_BOOTTIME:
		args->clock = MBOX_CLOCK_BOOTTIME;
		break;
	default:
		return invalid();
	}
	/* A negative one is too large for the kernel: EINVAL. */
	args->deadline = (__u64)deadline;
	return 0;
}

/*
 * Sets flags, clock and deadline. What belongs to another way of waiting than
 * the one in the flags must be 0: a forgotten flag would wait for ever.
 */
static int put_flags(struct mbox_msg_args *args, const struct wait *w)
{
	unsigned int wait = w->flags & (MBOX_WAIT_FOR | MBOX_WAIT_MASK);

	/* The library's own business. */
	if (w->flags & (MBOX_EXT | MBOX_PEEK_AFTER | MBOX_ABANDON))
		return invalid();
	if (w->timeout && wait != MBOX_WAIT_FOR)
		return invalid();
	if ((w->deadline || w->clock) && wait != MBOX_WAIT_UNTIL)
		return invalid();

	args->flags |= w->flags;
	if (wait == MBOX_WAIT_UNTIL)
		return wait_until(args, w->deadline, w->clock);
	if (wait == MBOX_WAIT_FOR) {
		args->flags &= ~MBOX_WAIT_FOR;
		libmbox_wait_for(args, w->timeout);
	}
	return 0;
}

/* Buffers beyond 4 GiB are larger than any message, and so is this one. */
__u32 libmbox_len(size_t len)
{
	return len < UINT32_MAX ? (__u32)len : UINT32_MAX;
}

static int put_priority(struct mbox_msg_args *args, unsigned int priority)
{
	args->priority = (__u16)priority;
	return priority > MBOX_PRIORITY_MAX ? invalid() : 0;
}

static int put_iov(struct mbox_ext *ext, const struct iovec *iov,
		   unsigned int iov_count)
{
	ext->iov = PTR(iov);
	ext->iov_count = iov_count;
	return iov_count && !iov ? invalid() : 0;
}

/* To be called when everything else of the extension was said. */
static void put_ext(struct mbox_msg_args *args, struct mbox_ext *ext)
{
	/* With MBOX_REPLY_TO, 0 is a descriptor. */
	if (!ext->iov && !ext->files && !ext->file_count && !ext->reply_to &&
	    !ext->lease_time && !ext->spin && !(args->flags & MBOX_REPLY_TO))
		return;
	ext->size = sizeof(*ext);
	args->flags |= MBOX_EXT;
	args->ext = PTR(ext);
}

int libmbox_put_send(struct mbox_msg_args *args, struct mbox_ext *ext,
		     const struct mbox_sendmsg *msg)
{
	args->buf = PTR(msg->buf);
	args->len = libmbox_len(msg->len);
	args->type = msg->type;
	args->reply_len = libmbox_len(msg->reply_max);
	args->id = msg->reply_type;
	ext->files = PTR(msg->files);
	ext->file_count = msg->file_count;
	ext->spin = msg->spin;
	ext->reply_to = msg->reply_to;

	/* To the kernel it would be the call to resume. */
	if (msg->reply_type && !(msg->flags & MBOX_REPLY_TO))
		return invalid();
	if (put_priority(args, msg->priority) < 0 ||
	    put_iov(ext, msg->iov, msg->iov_count) < 0 ||
	    put_flags(args, WAIT_OF(msg)) < 0)
		return -1;
	put_ext(args, ext);
	return 0;
}

int libmbox_put_call(struct mbox_msg_args *args, struct mbox_ext *ext,
		     const struct mbox_callmsg *msg)
{
	args->buf = PTR(msg->buf);
	args->len = libmbox_len(msg->len);
	args->type = msg->type;
	args->reply_buf = PTR(msg->reply);
	args->reply_len = libmbox_len(msg->reply_len);
	args->id = msg->id;
	ext->files = PTR(msg->files);
	ext->file_count = msg->file_count;
	ext->spin = msg->spin;

	if (put_priority(args, msg->priority) < 0 ||
	    put_iov(ext, msg->iov, msg->iov_count) < 0 ||
	    put_flags(args, WAIT_OF(msg)) < 0)
		return -1;
	put_ext(args, ext);
	return 0;
}

static int put_place(struct mbox_msg_args *args, const struct mbox_recvmsg *msg)
{
	if (!msg->after)
		return put_priority(args, msg->min_priority);
	args->flags |= MBOX_PEEK_AFTER;
	args->priority = (__u16)msg->after->priority;
	args->id = msg->after->seq;
	return msg->min_priority ? invalid() : 0;
}

int libmbox_put_recv(struct mbox_msg_args *args, struct mbox_ext *ext,
		     const struct mbox_recvmsg *msg)
{
	args->buf = PTR(msg->buf);
	args->len = libmbox_len(msg->len);
	args->type = msg->type;
	args->select = (__u8)msg->select;
	ext->files = PTR(msg->files);
	ext->file_count = msg->file_count;
	ext->spin = msg->spin;
	ext->lease_time = (__u64)msg->lease_time;

	if (msg->select > UINT8_MAX || msg->lease_time < 0)
		return invalid();
	if (put_iov(ext, msg->iov, msg->iov_count) < 0 ||
	    put_place(args, msg) < 0 || put_flags(args, WAIT_OF(msg)) < 0)
		return -1;
	put_ext(args, ext);
	return 0;
}

void libmbox_get_header(struct mbox_header *header,
			const struct mbox_msg_args *args,
			const struct mbox_ext *ext)
{
	const bool call = args->out_flags & MBOX_MSG_CALL;

	*header = (struct mbox_header){
		.type = args->out_type,
		.seq = args->out_seq,
		.time = (int64_t)args->out_time,
		.badge = args->out_badge,
		.len = args->out_len,
		.priority = args->out_priority,
		.flags = args->out_flags,
		.deliveries = args->out_deliveries,
		.drops = args->out_drops,
		.token = args->out_token,
		.reply_max = call ? args->out_reply_max : 0,
		.code = call ? 0 : args->out_code,
		/* Without room for any they are closed. */
		.file_count = ext->file_count ? ext->out_file_count : 0,
		.pid = (pid_t)args->out_pid,
		.uid = args->out_uid,
		.gid = args->out_gid,
	};
}
