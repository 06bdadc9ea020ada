// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a handle: arguments in, checked in full before anything
 * happens, results out. What they mean is decided in mailbox.c and transfer.c.
 */
#include <linux/build_bug.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include <asm/ioctls.h>

#include "file.h"
#include "ioctl.h"
#include "mailbox.h"
#include "message.h"
#include "namespace.h"
#include "quota.h"

/* The half of struct mbox_msg_args that the user writes; we write the other. */
#define MSG_IN_SIZE	offsetof(struct mbox_msg_args, out_type)
#define MSG_OUT_SIZE	(sizeof(struct mbox_msg_args) - MSG_IN_SIZE)

#define NARROW_FLAGS	(MBX_RIGHTS | MBOX_NONBLOCK | MBOX_BADGE)
#define SEND_FLAGS	(MBOX_WAIT_MASK | MBOX_EXT)
#define RECV_FLAGS	(SEND_FLAGS | MBOX_TRUNCATE | MBOX_PEEK | MBOX_PEEK_AFTER)
#define SET_MASK	(MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID | \
			 MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES | \
			 MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE)

/* The ABI: no holes, the same on every architecture. */
static_assert(sizeof(struct mbox_msg_args) == 128 && MSG_IN_SIZE == 64);
static_assert(sizeof(struct mbox_ext) == 48);
static_assert(sizeof(struct mbox_narrow_args) == 16);
static_assert(sizeof(struct mbox_stat_args) == 120);
static_assert(sizeof(struct mbox_set_args) == 40);

/**
 * mbx_args_read - read a struct of the first version or a later one
 * @args: the struct as we know it, which is the first version
 * @ksize: its size
 * @uarg: the user's
 * @usize: its size, of the command
 *
 * Return: 0; -EINVAL: too short; -E2BIG: longer, and not 0 there; -EFAULT.
 */
int mbx_args_read(void *args, size_t ksize, const void __user *uarg, size_t usize)
{
	if (usize < ksize)
		return -EINVAL;
	return copy_struct_from_user(args, ksize, uarg, usize);
}

/**
 * mbx_args_write - write one; what we do not know of it is set to 0
 * @uarg: the user's
 * @usize: its size, of the command
 * @args: the struct as we know it
 * @ksize: its size
 *
 * Return: 0; -EINVAL: too short; -EFAULT.
 */
int mbx_args_write(void __user *uarg, size_t usize, const void *args, size_t ksize)
{
	if (usize < ksize)
		return -EINVAL;
	if (copy_to_user(uarg, args, ksize) ||
	    clear_user(uarg + ksize, usize - ksize))
		return -EFAULT;
	return 0;
}

/* The first half of a message's arguments; the second is left alone. */
static int msg_args_read(struct mbox_msg_args *args, const void __user *uarg,
			 size_t size)
{
	int ret;

	if (size < sizeof(*args))
		return -EINVAL;
	if (copy_from_user(args, uarg, MSG_IN_SIZE))
		return -EFAULT;
	if (size == sizeof(*args))
		return 0;
	ret = check_zeroed_user(uarg + sizeof(*args), size - sizeof(*args));
	return ret < 0 ? ret : ret ? 0 : -E2BIG;
}

static int msg_args_write(void __user *uarg, const struct mbox_msg_args *args)
{
	return copy_to_user(uarg + MSG_IN_SIZE, &args->out_type, MSG_OUT_SIZE) ?
	       -EFAULT : 0;
}

static int timeout_read(struct mbx_timeout *timeout, const struct file *file,
			const struct mbox_msg_args *args)
{
	*timeout = (struct mbx_timeout){ };
	switch (args->flags & MBOX_WAIT_MASK) {
	case MBOX_WAIT_UNTIL:
		return mbx_timeout_set(timeout, args->clock, args->deadline);
	case MBOX_WAIT_NONE:
		timeout->never = true;
		break;
	case MBOX_WAIT_DEFAULT:
		timeout->never = file->f_flags & O_NONBLOCK;
	}
	return args->clock || args->deadline ? -EINVAL : 0;
}

/* What is the same for both directions. */
static int msg_args_check(const struct mbox_msg_args *args)
{
	if (args->reply_buf || args->reply_len ||
	    args->priority > MBOX_PRIORITY_MAX)
		return -EINVAL;
	if (args->flags & MBOX_EXT)
		return args->buf || args->len ? -EINVAL : 0;
	return args->ext ? -EINVAL : 0;
}

/* A user's buffer, in one piece or scattered. */
struct payload {
	struct iov_iter iter;
	struct iovec *iov;
	struct iovec fast[UIO_FASTIOV];
};

static int ext_read(struct mbox_ext *ext, u64 addr)
{
	const struct mbox_ext __user *uext = u64_to_user_ptr(addr);
	u32 size;
	int ret;

	if (get_user(size, &uext->size))
		return -EFAULT;
	if (size > SZ_4K)
		return -E2BIG;
	ret = mbx_args_read(ext, sizeof(*ext), uext, size);
	if (ret)
		return ret;
	return ext->iov_count && ext->iov_count <= MBOX_IOV_MAX ? 0 : -EINVAL;
}

static int payload_begin(struct payload *p, unsigned int direction,
			 const struct mbox_msg_args *args)
{
	void __user *buf = u64_to_user_ptr(args->buf);
	struct mbox_ext ext;
	ssize_t ret;

	p->iov = NULL;
	if (args->flags & MBOX_EXT) {
		ret = ext_read(&ext, args->ext);
		if (ret)
			return ret;
		p->iov = p->fast;
		ret = import_iovec(direction, u64_to_user_ptr(ext.iov),
				   ext.iov_count, ARRAY_SIZE(p->fast), &p->iov,
				   &p->iter);
		return min_t(ssize_t, ret, 0);
	}
	if (!access_ok(buf, args->len))
		return -EFAULT;
	iov_iter_ubuf(&p->iter, direction, buf, args->len);
	return 0;
}

static void payload_end(struct payload *p)
{
	kfree(p->iov);
}

/* Send as the caller: its effective ids, its account. */
static int send_as_caller(struct mbx_handle *h, const struct mbx_post *post,
			  struct iov_iter *payload,
			  const struct mbx_timeout *timeout)
{
	struct mbx_sender from = {
		.pid = task_tgid(current),
		.uid = current_euid(),
		.gid = current_egid(),
		.payer = h->payer,
		.badge = h->badge,
	};
	int ret;

	if (mbx_quota_is_current(h->payer))
		return mbx_handle_send(h, &from, post, payload, timeout);

	from.payer = mbx_quota_get_current();
	if (!from.payer)
		return -ENOMEM;
	ret = mbx_handle_send(h, &from, post, payload, timeout);
	mbx_quota_put(from.payer);
	return ret;
}

static long ioctl_send(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_timeout timeout;
	struct mbox_msg_args args;
	struct mbx_post post;
	struct payload p;
	int ret;

	ret = msg_args_read(&args, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if ((args.flags & ~SEND_FLAGS) || args.select || args.id)
		return -EINVAL;
	ret = msg_args_check(&args);
	if (!ret)
		ret = timeout_read(&timeout, file, &args);
	if (!ret)
		ret = payload_begin(&p, ITER_SOURCE, &args);
	if (ret)
		return ret;

	post = (struct mbx_post){ args.type, args.priority };
	ret = send_as_caller(file->private_data, &post, &p.iter, &timeout);
	payload_end(&p);
	return ret;
}

static int filter_read(struct mbx_filter *filter, const struct mbox_msg_args *args)
{
	bool walk = args->flags & MBOX_PEEK_AFTER;

	if (args->select > MBOX_SELECT_LOWEST ||
	    (args->select == MBOX_SELECT_ANY && args->type) ||
	    (args->select == MBOX_SELECT_LOWEST && (args->priority || walk)))
		return -EINVAL;
	if (walk ? !(args->flags & MBOX_PEEK) : !!args->id)
		return -EINVAL;
	filter->type = args->type;
	filter->after = args->id;
	filter->priority = args->priority;
	filter->select = args->select;
	filter->walk = walk;
	return 0;
}

/* Copy out what was received, and finish or undo the receive by that. */
static int deliver(struct mbx_mailbox *mb, struct mbx_msg *msg,
		   const struct mbx_receive *how, struct payload *p,
		   void __user *uarg)
{
	struct mbox_msg_args args;
	int ret;

	ret = mbx_msg_copy_out(msg, &p->iter);
	if (!ret) {
		mbx_msg_describe(msg, &args);
		args.out_drops = READ_ONCE(mb->drops);
		if (msg->len > how->room)
			args.out_flags |= MBOX_MSG_TRUNCATED;
		ret = msg_args_write(uarg, &args);
	}
	mbx_mailbox_end_receive(mb, msg, how, !ret);
	return ret;
}

static long ioctl_recv(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	struct mbox_msg_args args = { };
	struct mbx_receive how = { };
	struct mbx_msg *msg;
	struct payload p;
	int ret;

	ret = msg_args_read(&args, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (args.flags & ~RECV_FLAGS)
		return -EINVAL;
	ret = msg_args_check(&args);
	if (!ret)
		ret = filter_read(&how.filter, &args);
	if (!ret)
		ret = timeout_read(&how.timeout, file, &args);
	if (!ret)
		ret = payload_begin(&p, ITER_DEST, &args);
	if (ret)
		return ret;

	how.room = iov_iter_count(&p.iter);
	how.truncate = args.flags & MBOX_TRUNCATE;
	how.peek = args.flags & MBOX_PEEK;
	ret = mbx_mailbox_receive(h->mb, &how, &msg);
	if (!ret) {
		ret = deliver(h->mb, msg, &how, &p, uarg);
	} else if (ret == -EMSGSIZE) {
		args.out_len = how.len;
		ret = msg_args_write(uarg, &args) ?: -EMSGSIZE;
	}
	payload_end(&p);
	return ret;
}

static long ioctl_narrow(struct file *file, void __user *uarg, size_t size)
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

static long ioctl_stat(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	struct mbox_stat_args args = { };

	mbx_mailbox_stat(h->mb, &args);
	args.flags = mbx_namespace_flags(h->mb);
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
	};
	unsigned int i;

	if ((args->mask & ~SET_MASK) || args->reserved ||
	    (args->mode & ~0777) || args->overflow > MBOX_OVERFLOW_DROP)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].value && !(args->mask & fields[i].bit))
			return -EINVAL;
	}
	return 0;
}

static long ioctl_set(struct file *file, void __user *uarg, size_t size)
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

static long ioctl_fionread(struct file *file, int __user *uarg)
{
	struct mbx_handle *h = file->private_data;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	return put_user((int)mbx_mailbox_next_len(h->mb), uarg);
}

/**
 * mbx_handle_ioctl - the ioctls of a handle
 * @file: the handle
 * @cmd: MBOX_IOC_SEND, MBOX_IOC_RECV, MBOX_IOC_NARROW, MBOX_IOC_STAT,
 *	MBOX_IOC_SET, with any size; FIONREAD
 * @arg: address of its struct
 *
 * Return: a descriptor or 0; the errors of <linux/mbox.h>, negative.
 */
long mbx_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	size_t size = _IOC_SIZE(cmd);

	if (cmd == FIONREAD)
		return ioctl_fionread(file, uarg);

	switch (cmd & ~IOCSIZE_MASK) {
	case MBOX_IOC_SEND & ~IOCSIZE_MASK:
		return ioctl_send(file, uarg, size);
	case MBOX_IOC_RECV & ~IOCSIZE_MASK:
		return ioctl_recv(file, uarg, size);
	case MBOX_IOC_NARROW & ~IOCSIZE_MASK:
		return ioctl_narrow(file, uarg, size);
	case MBOX_IOC_STAT & ~IOCSIZE_MASK:
		return ioctl_stat(file, uarg, size);
	case MBOX_IOC_SET & ~IOCSIZE_MASK:
		return ioctl_set(file, uarg, size);
	default:
		return -ENOTTY;
	}
}
