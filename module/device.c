// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/mbox: arguments in, checked in full before anything
 * happens, results out. What they mean is decided in namespace.c.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "args.h"
#include "file.h"
#include "ioctl.h"
#include "mailbox.h"
#include "namespace.h"
#include "quota.h"

#define CREATE_FLAGS	(MBX_RIGHTS | MBOX_NONBLOCK | MBOX_NAMED | MBOX_OWN | \
			 MBOX_EXCL | MBOX_EPHEMERAL | MBOX_OWNED_BY | \
			 MBOX_RT_PRIORITY)
#define OPEN_FLAGS	(MBX_RIGHTS | MBOX_NONBLOCK | MBOX_NAMED | MBOX_OWN | \
			 MBOX_OWNED_BY)
#define UNLINK_FLAGS	(MBOX_NAMED | MBOX_OWN)

static_assert(sizeof(struct mbox_create_args) == 48);
static_assert(sizeof(struct mbox_open_args) == 24);
static_assert(sizeof(struct mbox_query_args) == 80);

/* A name, to be freed. */
static char *name_read(u64 name, u32 len)
{
	char *copy;

	if (!len)
		return ERR_PTR(-EINVAL);
	if (len > MBOX_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	copy = memdup_user(u64_to_user_ptr(name), len);
	if (IS_ERR(copy))
		return copy;
	if (memchr(copy, '/', len) || memchr(copy, '\0', len) ||
	    (len <= 2 && !memcmp(copy, "..", len))) {
		kfree(copy);
		return ERR_PTR(-EINVAL);
	}
	return copy;
}

static int owner_read(struct mbx_access *how, u32 flags, u32 owner)
{
	if (!(flags & MBOX_OWNED_BY))
		return owner ? -EINVAL : 0;
	how->check_owner = true;
	how->owner = make_kuid(current_user_ns(), owner);
	return uid_valid(how->owner) ? 0 : -EINVAL;
}

static void key_release(struct mbx_key *key)
{
	kfree(key->name);
	put_pid(key->pid);
}

static int create_check(const struct mbox_create_args *args)
{
	const u32 published = args->flags & (MBOX_NAMED | MBOX_OWN);

	if ((args->flags & ~CREATE_FLAGS) || !(args->flags & MBX_RIGHTS) ||
	    published == (MBOX_NAMED | MBOX_OWN))
		return -EINVAL;
	if (!published && (args->flags & (MBOX_EXCL | MBOX_OWNED_BY)))
		return -EINVAL;
	if ((args->flags & MBOX_EXCL) && (args->flags & MBOX_OWNED_BY))
		return -EINVAL;
	if (!(args->flags & MBOX_NAMED) &&
	    ((args->flags & MBOX_EPHEMERAL) || args->name || args->name_len))
		return -EINVAL;
	if ((args->mode & ~0777) || args->type_source > MBOX_TYPE_BADGE ||
	    args->overflow > MBOX_OVERFLOW_DROP)
		return -EINVAL;
	return 0;
}

static struct mbx_mailbox *create_anonymous(unsigned int rights,
					    const struct mbx_properties *props)
{
	struct mbx_mailbox *mb;

	mb = mbx_mailbox_create(mbx_namespace_owner(), props);
	if (IS_ERR(mb))
		return mb;
	mbx_mailbox_attach(mb, rights);
	mbx_mailbox_put(mb);
	return mb;
}

static long ioctl_create(void __user *uarg, size_t size)
{
	struct mbx_key key = { };
	struct mbx_access how = { };
	struct mbx_properties props;
	struct mbx_handle_work work;
	struct mbox_create_args args;
	struct mbx_mailbox *mb;
	int ret;

	ret = mbx_args_read(&args, sizeof(args), uarg, size);
	if (!ret)
		ret = create_check(&args);
	if (!ret)
		ret = owner_read(&how, args.flags, args.owner);
	if (ret)
		return ret;

	how.rights = args.flags & MBX_RIGHTS;
	how.exclusive = args.flags & MBOX_EXCL;
	how.ephemeral = args.flags & MBOX_EPHEMERAL;
	props = (struct mbx_properties){
		.max_bytes = args.max_bytes,
		.max_messages = args.max_messages,
		.max_message_size = args.max_message_size,
		.mode = args.mode & ~current_umask(),
		.type_source = args.type_source,
		.overflow = args.overflow,
		.rt_priority = args.flags & MBOX_RT_PRIORITY,
	};
	ret = mbx_properties_complete(&props);
	if (ret)
		return ret;
	if (args.flags & MBOX_NAMED) {
		key.len = args.name_len;
		key.name = name_read(args.name, args.name_len);
		if (IS_ERR(key.name))
			return PTR_ERR(key.name);
	} else if (args.flags & MBOX_OWN) {
		key.pid = get_pid(task_tgid(current));
	}

	ret = mbx_handle_begin(&work, args.flags, 0);
	if (!ret) {
		if (args.flags & (MBOX_NAMED | MBOX_OWN))
			mb = mbx_namespace_create(&key, &how, &props);
		else
			mb = create_anonymous(how.rights, &props);
		ret = mbx_handle_finish(&work, mb);
	}
	key_release(&key);
	return ret;
}

/* What OPEN and UNLINK look for; to be released. */
static int key_read(struct mbx_key *key, const struct mbox_open_args *args)
{
	switch (args->flags & (MBOX_NAMED | MBOX_OWN)) {
	case MBOX_NAMED:
		if (args->pid)
			return -EINVAL;
		key->len = args->name_len;
		key->name = name_read(args->name, args->name_len);
		return PTR_ERR_OR_ZERO(key->name);
	case MBOX_OWN:
		if (args->pid < 0 || args->name || args->name_len)
			return -EINVAL;
		key->pid = args->pid ? find_get_pid(args->pid) :
				       get_pid(task_tgid(current));
		return key->pid ? 0 : -ENOENT;
	default:
		return -EINVAL;
	}
}

static long ioctl_open(void __user *uarg, size_t size)
{
	struct mbx_key key = { };
	struct mbx_access how = { };
	struct mbx_handle_work work;
	struct mbox_open_args args;
	int ret;

	ret = mbx_args_read(&args, sizeof(args), uarg, size);
	if (ret)
		return ret;
	if ((args.flags & ~OPEN_FLAGS) || !(args.flags & MBX_RIGHTS))
		return -EINVAL;
	how.rights = args.flags & MBX_RIGHTS;
	ret = owner_read(&how, args.flags, args.owner);
	if (!ret)
		ret = key_read(&key, &args);
	if (ret)
		return ret;

	ret = mbx_handle_begin(&work, args.flags, 0);
	if (!ret)
		ret = mbx_handle_finish(&work, mbx_namespace_open(&key, &how));
	key_release(&key);
	return ret;
}

static long ioctl_unlink(void __user *uarg, size_t size)
{
	struct mbx_key key = { };
	struct mbox_open_args args;
	int ret;

	ret = mbx_args_read(&args, sizeof(args), uarg, size);
	if (ret)
		return ret;
	if ((args.flags & ~UNLINK_FLAGS) || args.owner)
		return -EINVAL;
	ret = key_read(&key, &args);
	if (ret)
		return ret;
	ret = mbx_namespace_unlink(&key);
	key_release(&key);
	return ret;
}

static long ioctl_query(void __user *uarg, size_t size)
{
	struct mbox_query_args args = {
		.features = MBOX_FEATURE_IOVEC | MBOX_FEATURE_PEEK |
			    MBOX_FEATURE_CALL | MBOX_FEATURE_REPLY_TO |
			    MBOX_FEATURE_LEASE | MBOX_FEATURE_FILES |
			    MBOX_FEATURE_NOTIFY | MBOX_FEATURE_BATCH |
			    MBOX_FEATURE_SPIN | MBOX_FEATURE_LATENCY,
		.user_max_bytes = mbx_quota_limit(MBX_BYTES),
		.user_max_mailboxes = mbx_quota_limit(MBX_MAILBOXES),
		.user_max_files = mbx_quota_limit(MBX_FILES),
	};
	struct mbx_quota *quota = mbx_quota_get_current();

	if (!quota)
		return -ENOMEM;
	args.user_bytes = mbx_quota_used(quota, MBX_BYTES);
	args.user_mailboxes = mbx_quota_used(quota, MBX_MAILBOXES);
	args.user_files = mbx_quota_used(quota, MBX_FILES);
	mbx_quota_put(quota);
	mbx_mailbox_query(&args);
	mbx_namespace_query(&args);
	return mbx_args_write(uarg, size, &args, sizeof(args));
}

/**
 * mbx_device_ioctl - the ioctls of /dev/mbox
 * @file: the device
 * @cmd: MBOX_IOC_CREATE, MBOX_IOC_OPEN, MBOX_IOC_UNLINK, MBOX_IOC_QUERY, with
 *	any size
 * @arg: address of its struct
 *
 * Return: a descriptor or 0; the errors of <linux/mbox.h>, negative.
 */
long mbx_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	size_t size = _IOC_SIZE(cmd);

	switch (cmd & ~IOCSIZE_MASK) {
	case MBOX_IOC_CREATE & ~IOCSIZE_MASK:
		return ioctl_create(uarg, size);
	case MBOX_IOC_OPEN & ~IOCSIZE_MASK:
		return ioctl_open(uarg, size);
	case MBOX_IOC_UNLINK & ~IOCSIZE_MASK:
		return ioctl_unlink(uarg, size);
	case MBOX_IOC_QUERY & ~IOCSIZE_MASK:
		return ioctl_query(uarg, size);
	default:
		return -ENOTTY;
	}
}
