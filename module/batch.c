// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many messages in one ioctl. Those that are sent are read, copied and checked as by SEND,
 * outside the lock, and pass into the mailbox some at a time under one; those that are
 * received are so one by one, as by RECV.
 */
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "args.h"
#include "file.h"
#include "ioctl.h"
#include "mailbox.h"
#include "message.h"

static_assert(sizeof(struct mbox_batch_args) == 16);

static int batch_args_read(struct mbox_batch_args *batch, const void __user *uarg,
			   size_t size)
{
	int ret;

	ret = mbx_args_read(batch, sizeof(*batch), uarg, size);
	if (ret)
		return ret;
	return !batch->count || batch->count > MBOX_BATCH_MAX || batch->reserved ?
	       -EINVAL : 0;
}

static struct mbox_msg_args __user *batch_entry(const struct mbox_batch_args *batch,
						unsigned int i)
{
	return (struct mbox_msg_args __user *)u64_to_user_ptr(batch->msgs) + i;
}

/* The message that an entry describes. */
static struct mbx_msg *entry_message(struct file *file, const struct mbx_sender *from,
				     const void __user *entry,
				     struct mbx_timeout *timeout)
{
	struct mbox_msg_args args __uninitialized;
	struct mbx_send_args s __uninitialized;
	struct mbx_msg *msg;
	int ret;

	ret = mbx_msg_args_read(&args, entry, sizeof(args));
	if (ret)
		return ERR_PTR(ret);
	if (args.flags & ~(MBOX_WAIT_MASK | MBOX_EXT))
		return ERR_PTR(-EINVAL);
	ret = mbx_send_args_begin(&s, file, &args, MBX_POST_PLAIN);
	if (ret)
		return ERR_PTR(ret);
	*timeout = s.timeout;
	msg = mbx_handle_message(file->private_data, from, &s.post, &s.p.iter);
	mbx_send_args_end(&s);
	return msg;
}

/*
 * Send some entries from @first on, as many as pass under one hold of the lock. Of
 * those that could not be sent nothing is left. Return how many were, or, if none,
 * why.
 */
static int send_some(struct file *file, const struct mbx_sender *from,
		     const struct mbox_batch_args *batch, unsigned int first)
{
	struct mbx_handle *h = file->private_data;
	unsigned int n, max = min(batch->count - first, MBX_BATCH_HOLD);
	struct mbx_msg *msgs[MBX_BATCH_HOLD] __uninitialized;
	struct mbx_timeout timeout, ignored;
	int ret = 0;

	for (n = 0; n < max; n++) {
		msgs[n] = entry_message(file, from, batch_entry(batch, first + n),
					n ? &ignored : &timeout);
		if (IS_ERR(msgs[n])) {
			ret = PTR_ERR(msgs[n]);
			break;
		}
	}
	if (!n)
		return ret;
	timeout.never |= first > 0;
	return mbx_mailbox_send_many(h->mb, msgs, n, &timeout);
}

/**
 * mbx_ioctl_sendv - send many messages
 * @file: the handle
 * @uarg: struct mbox_batch_args
 * @size: its size, of the command
 *
 * Return: how many were sent; if none, why: as SEND.
 */
long mbx_ioctl_sendv(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	struct mbox_batch_args batch;
	struct mbx_sender from;
	int ret, sent = 0;

	ret = batch_args_read(&batch, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = mbx_caller_begin(&from, h);
	if (ret)
		return ret;
	do {
		ret = send_some(file, &from, &batch, sent);
		sent += max(ret, 0);
	} while (ret == MBX_BATCH_HOLD && sent < batch.count &&
		 !signal_pending(current));
	mbx_caller_end(&from, h);
	return sent ?: ret;
}

/* Receive into one entry; only the first waits, or is told why there is nothing. */
static int recv_one(struct file *file, void __user *entry, bool first)
{
	struct mbx_handle *h = file->private_data;
	struct mbx_receive_args r __uninitialized;
	struct mbox_msg_args args __uninitialized;
	struct mbx_msg *msg;
	int ret;

	ret = mbx_msg_args_read(&args, entry, sizeof(args));
	if (ret)
		return ret;
	if (!mbx_recv_args_valid(&args))
		return -EINVAL;
	ret = mbx_receive_args_begin(&r, file, &args, entry);
	if (ret)
		return ret;
	r.how.timeout.never |= !first;
	ret = mbx_mailbox_receive(h->mb, &r.how, &msg);
	if (!ret && msg)
		ret = mbx_deliver(h, msg, &r);
	else if (ret && first)
		ret = mbx_receive_refused(&r, ret);
	mbx_receive_args_end(&r);
	return ret;
}

/**
 * mbx_ioctl_recvv - receive many messages
 * @file: the handle
 * @uarg: struct mbox_batch_args
 * @size: its size, of the command
 *
 * Return: how many were received; if none, why: as RECV.
 */
long mbx_ioctl_recvv(struct file *file, void __user *uarg, size_t size)
{
	struct mbox_batch_args batch;
	int ret, received = 0;

	ret = batch_args_read(&batch, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	do {
		ret = recv_one(file, batch_entry(&batch, received), !received);
		received += !ret;
		cond_resched();
	} while (!ret && received < batch.count && !signal_pending(current));
	return received ?: ret;
}
