// SPDX-License-Identifier: MIT
/*
 * Mailboxes: finding them, and what there is to know and to change of them. The
 * functions, as those of the other files, are documented in <mbox.h>. The kernel
 * judges the values; refused here is only what its structs cannot express.
 */
#include <string.h>

#include "internal.h"

_Static_assert(MBOX_TYPE_SENDER == (int)MBOX_TYPE_SENDER &&
	       MBOX_TYPE_PID == (int)MBOX_TYPE_PID &&
	       MBOX_TYPE_BADGE == (int)MBOX_TYPE_BADGE,
	       "type sources are passed on as they are");
_Static_assert(MBOX_OVERFLOW_BLOCK == (int)MBOX_OVERFLOW_BLOCK &&
	       MBOX_OVERFLOW_DROP == (int)MBOX_OVERFLOW_DROP,
	       "overflow policies are passed on as they are");

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
		.user_max_files = args.user_max_files,
		.user_files = args.user_files,
	};
	return 0;
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
		.calls = args.calls,
		.tokens = args.tokens,
		.stale_tokens = args.stale_tokens,
		.sent = args.sent,
		.received = args.received,
		.drops = args.drops,
		.badge = args.badge,
		.spin = args.spin,
		.latency = args.latency,
		.created = args.created,
	};
	_Static_assert(sizeof(stat->latencies) == sizeof(args.latencies), "as many slots");
	memcpy(stat->latencies, args.latencies, sizeof(stat->latencies));
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
		.spin = set->spin,
		.latency = set->latency,
	};

	return libmbox_ioctl(fd, MBOX_IOC_SET, &args);
}

MBOX_API int mbox_notify(int fd, int eventfd)
{
	struct mbox_notify_args args = { .eventfd = eventfd };

	return libmbox_ioctl(fd, MBOX_IOC_NOTIFY, &args);
}
