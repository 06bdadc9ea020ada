// SPDX-License-Identifier: MIT
/*
 * The functions of <mbox.h>, which documents them: each turns its arguments into
 * one struct of the kernel's interface and back. The kernel judges the
 * values; refused here is only what its structs cannot express.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/mbox.h>
#include <mbox.h>

#include "internal.h"

#define NSEC_PER_SEC	1000000000

/* A pointer as the kernel's interface stores it. */
#define PTR(p)		((uintptr_t)(p))

_Static_assert(MBOX_SELECT_ANY == (int)MBOX_SELECT_ANY &&
	       MBOX_SELECT_EQUAL == (int)MBOX_SELECT_EQUAL &&
	       MBOX_SELECT_NOT_EQUAL == (int)MBOX_SELECT_NOT_EQUAL &&
	       MBOX_SELECT_LOWEST == (int)MBOX_SELECT_LOWEST,
	       "selectors are passed on as they are");
_Static_assert(MBOX_TYPE_SENDER == (int)MBOX_TYPE_SENDER &&
	       MBOX_TYPE_PID == (int)MBOX_TYPE_PID &&
	       MBOX_TYPE_BADGE == (int)MBOX_TYPE_BADGE,
	       "type sources are passed on as they are");
_Static_assert(MBOX_OVERFLOW_BLOCK == (int)MBOX_OVERFLOW_BLOCK &&
	       MBOX_OVERFLOW_DROP == (int)MBOX_OVERFLOW_DROP,
	       "overflow policies are passed on as they are");

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* One byte too many is enough for the kernel to see that a name is too long. */
static __u32 name_len(const char *name)
{
	return name ? (__u32)strnlen(name, MBOX_NAME_MAX + 1) : 0;
}

/* Finding a mailbox */

MBOX_API int mbox_create(const char *name, unsigned int flags,
			 const struct mbox_options *options)
{
	struct mbox_create_args args = { .flags = flags, .mode = 0600 };

	/* Else it would ask for a mailbox of user 0. */
	if ((flags & MBOX_OWNED_BY) && !options)
		return invalid();
	if (name) {
		args.flags |= MBOX_NAMED;
		args.name = PTR(name);
		args.name_len = name_len(name);
	}
	if (options) {
		if (options->mode)
			args.mode = options->mode;
		args.owner = options->owner;
		args.max_bytes = options->max_bytes;
		args.max_messages = options->max_messages;
		args.max_message_size = options->max_message_size;
		args.type_source = options->type_source;
		args.overflow = options->overflow;
	}
	return libmbox_device_ioctl(MBOX_IOC_CREATE, &args);
}

/* @find is what the caller's own flags may not hold. */
static int open_mailbox(struct mbox_open_args *args, unsigned int flags,
			__u32 find)
{
	if (flags & (MBOX_NAMED | MBOX_OWN | MBOX_OWNED_BY))
		return invalid();
	args->flags = flags | find;
	return libmbox_device_ioctl(MBOX_IOC_OPEN, args);
}

MBOX_API int mbox_open(const char *name, unsigned int flags)
{
	struct mbox_open_args args = {
		.name = PTR(name),
		.name_len = name_len(name),
	};

	return open_mailbox(&args, flags, MBOX_NAMED);
}

MBOX_API int mbox_open_owned_by(const char *name, unsigned int flags,
				uid_t owner)
{
	struct mbox_open_args args = {
		.name = PTR(name),
		.name_len = name_len(name),
		.owner = owner,
	};

	return open_mailbox(&args, flags, MBOX_NAMED | MBOX_OWNED_BY);
}

MBOX_API int mbox_open_pid(pid_t pid, unsigned int flags)
{
	struct mbox_open_args args = { .pid = pid };

	return open_mailbox(&args, flags, MBOX_OWN);
}

MBOX_API int mbox_open_pid_owned_by(pid_t pid, unsigned int flags, uid_t owner)
{
	struct mbox_open_args args = { .pid = pid, .owner = owner };

	return open_mailbox(&args, flags, MBOX_OWN | MBOX_OWNED_BY);
}

MBOX_API int mbox_unlink(const char *name)
{
	struct mbox_open_args args = {
		.flags = MBOX_NAMED,
		.name = PTR(name),
		.name_len = name_len(name),
	};

	return libmbox_device_ioctl(MBOX_IOC_UNLINK, &args);
}

MBOX_API int mbox_unlink_pid(pid_t pid)
{
	struct mbox_open_args args = { .flags = MBOX_OWN, .pid = pid };

	return libmbox_device_ioctl(MBOX_IOC_UNLINK, &args);
}

MBOX_API int mbox_query(struct mbox_query *query)
{
	struct mbox_query_args args = { 0 };

	if (libmbox_device_ioctl(MBOX_IOC_QUERY, &args) < 0)
		return -1;
	*query = (struct mbox_query){
		.features = args.features,
		.default_max_messages = args.default_max_messages,
		.default_max_bytes = args.default_max_bytes,
		.default_max_message_size = args.default_max_message_size,
		.ceiling_max_messages = args.ceiling_max_messages,
		.ceiling_max_bytes = args.ceiling_max_bytes,
		.ceiling_max_message_size = args.ceiling_max_message_size,
		.user_max_bytes = args.user_max_bytes,
		.user_bytes = args.user_bytes,
		.user_max_mailboxes = args.user_max_mailboxes,
		.user_mailboxes = args.user_mailboxes,
		.ns_max_mailboxes = args.ns_max_mailboxes,
		.ns_mailboxes = args.ns_mailboxes,
	};
	return 0;
}

/* Waiting */

/* @timeout ns from now, or the end of time if that is earlier. */
static __u64 deadline_after(int64_t timeout)
{
	struct timespec ts;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return (__u64)(timeout < INT64_MAX - now ? now + timeout : INT64_MAX);
}

static void wait_for(struct mbox_msg_args *args, int64_t timeout)
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
 * the one in @flags must be 0: a forgotten flag would wait for ever.
 */
static int set_flags(struct mbox_msg_args *args, unsigned int flags,
		     int64_t timeout, int64_t deadline, clockid_t clock)
{
	unsigned int wait = flags & (MBOX_WAIT_FOR | MBOX_WAIT_MASK);

	/* The library's own business. */
	if (flags & (MBOX_EXT | MBOX_PEEK_AFTER))
		return invalid();
	if (timeout && wait != MBOX_WAIT_FOR)
		return invalid();
	if ((deadline || clock) && wait != MBOX_WAIT_UNTIL)
		return invalid();

	args->flags |= flags;
	if (wait == MBOX_WAIT_UNTIL)
		return wait_until(args, deadline, clock);
	if (wait == MBOX_WAIT_FOR) {
		args->flags &= ~MBOX_WAIT_FOR;
		wait_for(args, timeout);
	}
	return 0;
}

/* Messages */

/* Buffers beyond 4 GiB are larger than any message, and so is this one. */
static __u32 saturated(size_t len)
{
	return len < UINT32_MAX ? (__u32)len : UINT32_MAX;
}

static void set_iov(struct mbox_msg_args *args, struct mbox_ext *ext,
		    const struct iovec *iov, unsigned int iov_count)
{
	ext->size = sizeof(*ext);
	ext->iov = PTR(iov);
	ext->iov_count = iov_count;
	args->flags |= MBOX_EXT;
	args->ext = PTR(ext);
}

MBOX_API int mbox_sendmsg(int fd, const struct mbox_sendmsg *msg)
{
	struct mbox_ext ext = { 0 };
	struct mbox_msg_args args = {
		.buf = PTR(msg->buf),
		.len = saturated(msg->len),
		.type = msg->type,
		.priority = (__u16)msg->priority,
	};

	if (msg->priority > MBOX_PRIORITY_MAX || (msg->iov_count && !msg->iov))
		return invalid();
	if (msg->iov)
		set_iov(&args, &ext, msg->iov, msg->iov_count);
	if (set_flags(&args, msg->flags, msg->timeout, msg->deadline,
		      msg->clock) < 0)
		return -1;
	return libmbox_ioctl(fd, MBOX_IOC_SEND, &args);
}

MBOX_API int mbox_send(int fd, const void *buf, size_t len)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = saturated(len) };

	return libmbox_ioctl(fd, MBOX_IOC_SEND, &args);
}

MBOX_API int mbox_timedsend(int fd, const void *buf, size_t len,
			    int64_t timeout)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = saturated(len) };

	wait_for(&args, timeout);
	return libmbox_ioctl(fd, MBOX_IOC_SEND, &args);
}

static ssize_t receive(int fd, struct mbox_msg_args *args)
{
	if (libmbox_ioctl(fd, MBOX_IOC_RECV, args) < 0)
		return -1;
	return (ssize_t)args->out_len;
}

MBOX_API ssize_t mbox_recv(int fd, void *buf, size_t len)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = saturated(len) };

	return receive(fd, &args);
}

MBOX_API ssize_t mbox_timedrecv(int fd, void *buf, size_t len, int64_t timeout)
{
	struct mbox_msg_args args = { .buf = PTR(buf), .len = saturated(len) };

	wait_for(&args, timeout);
	return receive(fd, &args);
}

static void get_header(struct mbox_header *header,
		       const struct mbox_msg_args *args)
{
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
		.pid = (pid_t)args->out_pid,
		.uid = args->out_uid,
		.gid = args->out_gid,
	};
}

static size_t capacity(const struct mbox_recvmsg *msg)
{
	size_t len = 0;

	if (!msg->iov)
		return msg->len;
	for (unsigned int i = 0; i < msg->iov_count; i++)
		len += msg->iov[i].iov_len;
	return len;
}

static int set_place(struct mbox_msg_args *args, const struct mbox_recvmsg *msg)
{
	if (!msg->after) {
		args->priority = (__u16)msg->min_priority;
		return msg->min_priority > MBOX_PRIORITY_MAX ? invalid() : 0;
	}
	args->flags |= MBOX_PEEK_AFTER;
	args->priority = (__u16)msg->after->priority;
	args->id = msg->after->seq;
	return msg->min_priority ? invalid() : 0;
}

MBOX_API ssize_t mbox_recvmsg(int fd, const struct mbox_recvmsg *msg,
			      struct mbox_header *header)
{
	struct mbox_ext ext = { 0 };
	struct mbox_msg_args args = {
		.buf = PTR(msg->buf),
		.len = saturated(msg->len),
		.type = msg->type,
		.select = (__u8)msg->select,
	};
	ssize_t ret;

	if (msg->select > UINT8_MAX || (msg->iov_count && !msg->iov))
		return invalid();
	if (msg->iov)
		set_iov(&args, &ext, msg->iov, msg->iov_count);
	if (set_place(&args, msg) < 0)
		return -1;
	if (set_flags(&args, msg->flags, msg->timeout, msg->deadline,
		      msg->clock) < 0)
		return -1;

	ret = receive(fd, &args);
	if (header && (ret >= 0 || errno == EMSGSIZE))
		get_header(header, &args);
	if (ret >= 0 && (args.out_flags & MBOX_MSG_TRUNCATED))
		ret = (ssize_t)capacity(msg);
	return ret;
}

/* Handles and what they lead to */

MBOX_API int mbox_narrow(int fd, unsigned int flags, uint64_t badge)
{
	struct mbox_narrow_args args = {
		.flags = flags | (badge ? MBOX_BADGE : 0),
		.badge = badge,
	};

	return libmbox_ioctl(fd, MBOX_IOC_NARROW, &args);
}

MBOX_API int mbox_stat(int fd, struct mbox_stat *stat)
{
	struct mbox_stat_args args = { 0 };

	if (libmbox_ioctl(fd, MBOX_IOC_STAT, &args) < 0)
		return -1;
	*stat = (struct mbox_stat){
		.id = args.id,
		.mode = args.mode,
		.uid = args.uid,
		.gid = args.gid,
		.flags = args.flags,
		.type_source = args.type_source,
		.overflow = args.overflow,
		.max_messages = args.max_messages,
		.max_bytes = args.max_bytes,
		.max_message_size = args.max_message_size,
		.messages = args.messages,
		.bytes = args.bytes,
		.senders = args.senders,
		.receivers = args.receivers,
		.waiting_senders = args.waiting_senders,
		.waiting_receivers = args.waiting_receivers,
		.sent = args.sent,
		.received = args.received,
		.drops = args.drops,
		.badge = args.badge,
	};
	return 0;
}

MBOX_API int mbox_set(int fd, const struct mbox_set *set)
{
	struct mbox_set_args args = {
		.mask = set->mask,
		.mode = set->mode,
		.uid = set->uid,
		.gid = set->gid,
		.overflow = set->overflow,
		.max_messages = set->max_messages,
		.max_bytes = set->max_bytes,
		.max_message_size = set->max_message_size,
	};

	return libmbox_ioctl(fd, MBOX_IOC_SET, &args);
}
