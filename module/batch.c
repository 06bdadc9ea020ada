// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many messages in one ioctl. Each is read, copied and checked as by SEND or RECV,
 * outside the lock; they pass through the mailbox some at a time under one.
 */
#include <linux/fs.h>
#include <linux/slab.h>
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

struct entry {
	struct mbx_receive_args r;
	struct mbx_msg *msg;
};

static int entry_begin(struct entry *e, struct file *file, const void __user *uarg)
{
	struct mbox_msg_args args __uninitialized;
	int ret;

	ret = mbx_msg_args_read(&args, uarg, sizeof(args));
	if (ret)
		return ret;
	if (!mbx_recv_args_valid(&args))
		return -EINVAL;
	return mbx_receive_args_begin(&e->r, file, &args);
}

static int receive_many(struct mbx_mailbox *mb, struct entry *entries, unsigned int n,
			bool may_wait)
{
	struct mbx_outcome out;
	unsigned int i;
	int ret = 0;

	mbx_mailbox_begin(mb, &out);
	for (i = 0; i < n; i++) {
		ret = mbx_mailbox_take_locked(mb, &entries[i].r.how, &entries[i].msg, &out);
		if (ret)
			break;
	}
	mbx_mailbox_end(mb, &out);
	if (i || ret != -EAGAIN)
		return i ?: ret;
	if (!may_wait)
		return -EAGAIN;
	ret = mbx_mailbox_receive(mb, &entries[0].r.how, &entries[0].msg);
	return ret ?: 1;
}

/* Receive some entries from @first on. Return how many, or, if none, why. */
static int recv_some(struct file *file, const struct mbox_batch_args *batch,
		     unsigned int first, struct entry *entries)
{
	struct mbx_handle *h = file->private_data;
	unsigned int i, n, max = min(batch->count - first, MBX_BATCH_HOLD);
	int ret = 0, taken, done = 0;

	for (n = 0; n < max; n++) {
		ret = entry_begin(&entries[n], file, batch_entry(batch, first + n));
		if (ret)
			break;
	}
	taken = n ? receive_many(h->mb, entries, n, !first) : ret;
	for (ret = 0; !ret && done < taken; done += !ret)
		ret = mbx_deliver(h, entries[done].msg, &entries[done].r,
				  batch_entry(batch, first + done));
	/* What did not arrive, and all after it, goes back to its place. */
	for (i = done + 1; ret && (int)i < taken; i++)
		mbx_mailbox_end_receive(h->mb, entries[i].msg, &entries[i].r.how, false);
	if (!first && taken < 0 && n)
		ret = mbx_receive_refused(&entries[0].r, taken, batch_entry(batch, 0));
	else if (taken < 0)
		ret = taken;
	while (n--)
		mbx_receive_args_end(&entries[n].r);
	return done ?: ret;
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
	struct entry *entries;
	int ret, received = 0;

	ret = batch_args_read(&batch, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	entries = kvmalloc_array(min(batch.count, MBX_BATCH_HOLD), sizeof(*entries),
				 GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	do {
		ret = recv_some(file, &batch, received, entries);
		received += max(ret, 0);
	} while (ret == MBX_BATCH_HOLD && received < batch.count &&
		 !signal_pending(current));
	kvfree(entries);
	return received ?: ret;
}
