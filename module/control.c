// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a handle about the mailbox itself.
 */
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "args.h"
#include "file.h"
#include "ioctl.h"
#include "mailbox.h"
#include "namespace.h"
#include "notify.h"

#define NARROW_FLAGS	(MBX_RIGHTS | MBOX_NONBLOCK | MBOX_BADGE)
#define SET_MASK	(MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID | \
			 MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES | \
			 MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE | \
			 MBOX_SET_SPIN | MBOX_SET_LATENCY)

static_assert(sizeof(struct mbox_narrow_args) == 16);
static_assert(sizeof(struct mbox_stat_args) == 392);
static_assert(sizeof(struct mbox_set_args) == 48);
static_assert(sizeof(struct mbox_notify_args) == 8);

/**
 * mbx_ioctl_narrow - a new handle out of another
 * @file: the handle
 * @uarg: struct mbox_narrow_args
 * @size: its size, of the command
 *
 * Return: the descriptor, -EINVAL, -E2BIG, -EFAULT, -EPERM, -EMFILE, -ENFILE, -ENOMEM.
 */
long mbx_ioctl_narrow(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	struct mbox_narrow_args args;
	struct mbx_handle_work work;
	unsigned int rights;
	bool badge;
	int ret;

	ret = mbx_args_read(&args, sizeof(args), uarg, size);
	if (ret)
		return ret;
	rights = args.flags & MBX_RIGHTS;
	badge = args.flags & MBOX_BADGE;
	if ((args.flags & ~NARROW_FLAGS) || !rights || args.reserved ||
	    badge != !!args.badge)
		return -EINVAL;
	if ((rights & ~h->rights) ||
	    (badge && (h->badge || !(h->rights & MBOX_RECV))))
		return -EPERM;

	ret = mbx_handle_begin(&work, args.flags, badge ? args.badge : h->badge);
	if (ret)
		return ret;
	mbx_mailbox_attach(h->mb, rights);
	return mbx_handle_finish(&work, h->mb);
}

/**
 * mbx_ioctl_stat - describe a mailbox
 * @file: the handle
 * @uarg: struct mbox_stat_args
 * @size: its size, of the command
 *
 * Return: 0, -EINVAL, -EFAULT.
 */
long mbx_ioctl_stat(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	struct mbox_stat_args args = { };

	mbx_mailbox_stat(h->mb, &h->holder, &args);
	args.flags |= mbx_namespace_flags(h->mb);
	args.badge = h->badge;
	return mbx_args_write(uarg, size, &args, sizeof(args));
}

static int set_check(const struct mbox_set_args *args)
{
	const struct {
		u32 bit;
		u64 value;
	} fields[] = {
		{ MBOX_SET_MODE, args->mode },
		{ MBOX_SET_UID, args->uid },
		{ MBOX_SET_GID, args->gid },
		{ MBOX_SET_OVERFLOW, args->overflow },
		{ MBOX_SET_MAX_MESSAGES, args->max_messages },
		{ MBOX_SET_MAX_BYTES, args->max_bytes },
		{ MBOX_SET_MAX_MESSAGE_SIZE, args->max_message_size },
		{ MBOX_SET_SPIN, args->spin },
		{ MBOX_SET_LATENCY, args->latency },
	};
	unsigned int i;

	if ((args->mask & ~SET_MASK) || args->spin > MBOX_SPIN_MAX || (args->mode & ~0777) ||
	    args->overflow > MBOX_OVERFLOW_DROP || args->latency > 1 || args->reserved)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].value && !(args->mask & fields[i].bit))
			return -EINVAL;
	}
	return 0;
}

/**
 * mbx_ioctl_set - change a mailbox
 * @file: the handle
 * @uarg: struct mbox_set_args
 * @size: its size, of the command
 *
 * Return: 0, -EINVAL, -E2BIG, -EFAULT, -EPERM, -ENOMEM.
 */
long mbx_ioctl_set(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	struct mbox_set_args args;
	int ret;

	ret = mbx_args_read(&args, sizeof(args), uarg, size);
	if (!ret)
		ret = set_check(&args);
	if (!ret)
		ret = mbx_mailbox_set(h->mb, &args);
	return ret;
}

/**
 * mbx_ioctl_notify - ask for a notification, or take it away
 * @file: the handle
 * @uarg: struct mbox_notify_args
 * @size: its size, of the command
 *
 * Return: 0, -EINVAL, -E2BIG, -EFAULT, -EBADF, -EBUSY, -ENOMEM.
 */
long mbx_ioctl_notify(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	const struct mbx_owner owner = mbx_handle_owner(h);
	struct mbox_notify_args args;
	int ret;

	ret = mbx_args_read(&args, sizeof(args), uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (args.reserved)
		return -EINVAL;
	if (args.eventfd != -1)
		return mbx_notify_set(h->mb, &owner, args.eventfd);
	mbx_notify_end(h->mb, &owner);
	return 0;
}

/**
 * mbx_ioctl_fionread - length of the next message
 * @file: the handle
 * @uarg: an int
 *
 * Return: 0, -EBADF, -EFAULT.
 */
long mbx_ioctl_fionread(struct file *file, int __user *uarg)
{
	struct mbx_handle *h = file->private_data;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	return put_user((int)mbx_mailbox_next_len(h->mb), uarg);
}
