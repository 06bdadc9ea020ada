// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of ioctls: reading, checking, writing.
 */
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "args.h"
#include "queue.h"
#include "quota.h"
#include "wait.h"
#include "words.h"

/* The half of struct mbox_msg_args that the user writes; we write the other. */
#define MSG_IN_SIZE	offsetof(struct mbox_msg_args, out_type)
#define MSG_OUT_SIZE	(sizeof(struct mbox_msg_args) - MSG_IN_SIZE)

static_assert(sizeof(struct mbox_msg_args) == 128 && MSG_IN_SIZE == 64);
static_assert(sizeof(struct mbox_ext) == 48);

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

/**
 * mbx_msg_args_read - read the first half of a message's arguments
 * @args: the second half is left alone
 * @uarg: the user's
 * @size: its size, of the command
 *
 * Return: as mbx_args_read().
 */
int mbx_msg_args_read(struct mbox_msg_args *args, const void __user *uarg,
		      size_t size)
{
	int ret;

	if (size < sizeof(*args))
		return -EINVAL;
	if (mbx_words_read(args, uarg, MSG_IN_SIZE))
		return -EFAULT;
	if (size == sizeof(*args))
		return 0;
	ret = check_zeroed_user(uarg + sizeof(*args), size - sizeof(*args));
	return ret < 0 ? ret : ret ? 0 : -E2BIG;
}

/**
 * mbx_msg_args_write - write the second half of a message's arguments
 * @uarg: the user's
 * @args: the first half is left alone
 *
 * Return: 0, -EFAULT.
 */
int mbx_msg_args_write(void __user *uarg, const struct mbox_msg_args *args)
{
	return mbx_words_write(uarg + MSG_IN_SIZE, &args->out_type, MSG_OUT_SIZE);
}

/**
 * mbx_msg_args_write_id - write what a repeated operation goes on with
 * @uarg: the user's struct mbox_msg_args
 * @id: the call to resume; 0: the reply is out
 *
 * Return: 0, -EFAULT.
 */
int mbx_msg_args_write_id(void __user *uarg, u64 id)
{
	struct mbox_msg_args __user *args = uarg;

	return put_user(id, &args->id);
}

/**
 * mbx_timeout_read - how an operation waits
 * @timeout: written
 * @file: the handle, whose O_NONBLOCK may decide
 * @args: say the rest
 *
 * Return: 0, -EINVAL.
 */
int mbx_timeout_read(struct mbx_timeout *timeout, const struct file *file,
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

/**
 * mbx_filter_read - which messages a receive selects
 * @filter: written
 * @args: say so
 *
 * Return: 0, -EINVAL.
 */
int mbx_filter_read(struct mbx_filter *filter, const struct mbox_msg_args *args)
{
	bool walk = args->flags & MBOX_PEEK_AFTER;

	if (args->select > MBOX_SELECT_LOWEST ||
	    (args->select == MBOX_SELECT_ANY && args->type) ||
	    (args->select == MBOX_SELECT_LOWEST && (args->priority || walk)))
		return -EINVAL;
	if (walk && !(args->flags & MBOX_PEEK))
		return -EINVAL;
	filter->type = args->type;
	filter->after = args->id;
	filter->priority = args->priority;
	filter->select = args->select;
	filter->walk = walk;
	return 0;
}

static int ext_read(struct mbox_ext *ext, const struct mbox_ext __user *uext)
{
	u32 size;
	int ret;

	if (get_user(size, &uext->size))
		return -EFAULT;
	if (size > SZ_4K)
		return -E2BIG;
	ret = mbx_args_read(ext, sizeof(*ext), uext, size);
	if (ret)
		return ret;
	if (ext->spin > MBOX_SPIN_MAX && ext->spin != MBOX_SPIN_NONE)
		return -EINVAL;
	return ext->iov_count > MBOX_IOV_MAX || (ext->iov && !ext->iov_count) ||
	       (ext->files && !ext->file_count) ? -EINVAL : 0;
}

/**
 * mbx_buffer_begin - go through a buffer in one piece
 * @iter: written
 * @direction: ITER_SOURCE, ITER_DEST
 * @buf: its address
 * @len: its length in bytes
 *
 * Return: 0, -EFAULT.
 */
int mbx_buffer_begin(struct iov_iter *iter, unsigned int direction, u64 buf, u32 len)
{
	void __user *ubuf = u64_to_user_ptr(buf);

	if (!access_ok(ubuf, len))
		return -EFAULT;
	iov_iter_ubuf(iter, direction, ubuf, len);
	return 0;
}

/*
 * An array that lives as long as the operation waits is charged to who waits, unlike
 * what import_iovec() allocates.
 */
static int payload_import(struct mbx_payload *p, unsigned int direction)
{
	const unsigned int n = p->ext.iov_count;
	struct iovec *array;
	ssize_t ret;

	array = kmalloc_array(n, sizeof(*array), MBX_GFP_USER);
	if (!array)
		return -ENOMEM;
	p->iov = array;
	ret = import_iovec(direction, u64_to_user_ptr(p->ext.iov), n, n, &array, &p->iter);
	if (ret >= 0)
		return 0;
	mbx_payload_end(p);
	return ret;
}

/* Apart, so that those without need not save the registers that this uses. */
static noinline int payload_begin_ext(struct mbx_payload *p, unsigned int direction,
				      const struct mbox_msg_args *args)
{
	int ret;

	/* Where memory may be at 0, nothing of ours is. */
	if (!args->ext)
		return -EFAULT;
	p->uext = u64_to_user_ptr(args->ext);
	ret = ext_read(&p->ext, p->uext);
	if (ret)
		return ret;
	if (!p->ext.iov_count)
		return mbx_buffer_begin(&p->iter, direction, args->buf, args->len);
	if (args->buf || args->len)
		return -EINVAL;
	return payload_import(p, direction);
}

/**
 * mbx_payload_begin - read where the payload is, and the rare arguments
 * @p: to be given to mbx_payload_end()
 * @direction: ITER_SOURCE, ITER_DEST
 * @args: of known flags
 *
 * Return: 0; -EINVAL, -E2BIG, -EFAULT, -ENOMEM.
 */
int mbx_payload_begin(struct mbx_payload *p, unsigned int direction,
		      const struct mbox_msg_args *args)
{
	p->iov = NULL;
	p->uext = NULL;
	if (args->flags & MBOX_EXT)
		return payload_begin_ext(p, direction, args);
	if (args->ext)
		return -EINVAL;
	return mbx_buffer_begin(&p->iter, direction, args->buf, args->len);
}

/**
 * mbx_payload_end - free what mbx_payload_begin() allocated
 * @p: the payload
 */
void mbx_payload_end(struct mbx_payload *p)
{
	kfree(p->iov);
}
