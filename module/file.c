// SPDX-License-Identifier: GPL-2.0-only
/*
 * A handle as a file: its life, read, write, poll, SIGIO, fdinfo.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/sched/deadline.h>
#include <linux/sched/rt.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "call.h"
#include "file.h"
#include "ioctl.h"
#include "mailbox.h"
#include "message.h"
#include "namespace.h"
#include "notify.h"
#include "quota.h"
#include "token.h"

static u64 handle_type(const struct mbx_handle *h, const struct mbx_sender *from,
		       const struct mbx_post *post)
{
	switch (h->mb->type_source) {
	case MBOX_TYPE_PID:
		return pid_nr_ns(from->pid, h->mb->pid_ns);
	case MBOX_TYPE_BADGE:
		return h->badge;
	default:
		return post->type;
	}
}

static int handle_priority(const struct mbx_handle *h, const struct mbx_post *post)
{
	if (!h->mb->rt_priority || post->kind < MBX_POST_CALL)
		return post->priority;
	if (dl_task(current))
		return MAX_RT_PRIO;
	return current->rt_priority;
}

static struct mbx_call *handle_new_call(const struct mbx_sender *from,
					const struct mbx_post *post, u32 reply_max)
{
	switch (post->kind) {
	case MBX_POST_SYNC:
		return mbx_call_new_sync();
	case MBX_POST_ASYNC:
		return mbx_call_new_async(from, reply_max, post->reply_to->mb);
	default:
		return mbx_call_new(from, reply_max);
	}
}

/* Make a message the request of a call, if it is to be one. */
static int handle_begin_call(struct mbx_handle *h, const struct mbx_sender *from,
			     struct mbx_post *post, struct mbx_msg *msg)
{
	struct mbx_mailbox *replier = post->reply_to ? post->reply_to->mb : h->mb;
	u32 reply_max = min(post->reply_max, READ_ONCE(replier->max_message_size));
	struct mbx_call *call;

	if (post->kind == MBX_POST_PLAIN)
		return 0;
	if (post->kind == MBX_POST_ASYNC && post->reply_type &&
	    replier->type_source != MBOX_TYPE_SENDER)
		return -EINVAL;
	call = handle_new_call(from, post, reply_max);
	if (IS_ERR(call))
		return PTR_ERR(call);
	if (post->kind == MBX_POST_ASYNC) {
		call->reply->type = replier->type_source == MBOX_TYPE_BADGE ?
				    post->reply_to->badge : post->reply_type;
		call->reply->priority = msg->priority;
		call->reply->badge = post->reply_to->badge;
	}
	msg->call = call;
	if (post->kind != MBX_POST_SYNC) {
		msg->flags |= MBOX_MSG_CALL;
		msg->value = reply_max;
	}
	return 0;
}

/**
 * mbx_handle_message - make a message that is to be sent through a handle
 * @h: with the right to send
 * @from: who the message is from
 * @post: what the sender says of it
 * @payload: all of it is the payload
 *
 * Context: may sleep, reads user memory.
 * Return: the message; -EINVAL: a type or a priority where the mailbox sets it;
 * -EMSGSIZE, -EDQUOT, -ENOMEM, -EFAULT, -ENOBUFS as ERR_PTR().
 */
struct mbx_msg *mbx_handle_message(struct mbx_handle *h, const struct mbx_sender *from,
				   struct mbx_post *post, struct iov_iter *payload)
{
	struct mbx_mailbox *mb = h->mb;
	struct mbx_msg *msg;
	int ret;

	if (post->type && mb->type_source != MBOX_TYPE_SENDER)
		return ERR_PTR(-EINVAL);
	if (post->priority && mb->rt_priority && post->kind >= MBX_POST_CALL)
		return ERR_PTR(-EINVAL);
	if (iov_iter_count(payload) > READ_ONCE(mb->max_message_size))
		return ERR_PTR(-EMSGSIZE);
	msg = mbx_msg_new(from, payload);
	if (IS_ERR(msg))
		return msg;
	msg->type = handle_type(h, from, post);
	msg->priority = handle_priority(h, post);
	ret = post->cargo ? mbx_msg_load(msg, post->cargo) : 0;
	if (ret)
		goto err_free;
	post->cargo = NULL;
	ret = handle_begin_call(h, from, post, msg);
	if (ret)
		goto err_free;
	return msg;

err_free:
	mbx_msg_free(msg);
	return ERR_PTR(ret);
}

/**
 * mbx_handle_send - send a message through a handle
 * @h: with the right to send
 * @from: who the message is from
 * @post: what the sender says of it
 * @payload: all of it is the payload
 * @timeout: how to wait for room, and for what comes of it
 *
 * Context: may sleep, reads user memory.
 * Return: 0; those of mbx_handle_message(); -EPIPE, -EAGAIN, -ETIMEDOUT,
 * -ERESTARTSYS.
 */
int mbx_handle_send(struct mbx_handle *h, const struct mbx_sender *from,
		    struct mbx_post *post, struct iov_iter *payload,
		    const struct mbx_timeout *timeout)
{
	struct mbx_msg *msg = mbx_handle_message(h, from, post, payload);
	struct mbx_mailbox *mb = h->mb;
	struct mbx_call *call;
	int ret;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	if (!post->caller)
		return mbx_mailbox_send(mb, msg, timeout);

	call = msg->call;
	kref_get(&call->ref);
	ret = mbx_mailbox_call(mb, msg, timeout, post->caller);
	if (!ret)
		post->call = call;
	return ret;
}

/**
 * mbx_handle_owner - whose the tokens and calls of a handle are
 * @h: the handle
 *
 * Return: the owner that the caller is.
 */
struct mbx_owner mbx_handle_owner(struct mbx_handle *h)
{
	return (struct mbx_owner){ &h->holder, current->files };
}

static bool may_not_wait(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) ||
	       (iocb->ki_flags & IOCB_NOWAIT);
}

/*
 * write(2) speaks for the file's opener: a set-uid program that is given this
 * file as its standard output must not lend its identity to what it prints.
 */
static ssize_t mbx_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct mbx_handle *h = iocb->ki_filp->private_data;
	const struct cred *cred = iocb->ki_filp->f_cred;
	const struct mbx_timeout timeout = { .never = may_not_wait(iocb) };
	struct mbx_post post = { 0 };
	const struct mbx_sender opener = {
		.pid = h->opener,
		.uid = cred->euid,
		.gid = cred->egid,
		.payer = h->payer,
		.opener = iocb->ki_filp,
		.badge = h->badge,
		.flags = MBOX_MSG_OPENER,
	};
	size_t len = iov_iter_count(from);

	if (!len)
		return 0;
	return mbx_handle_send(h, &opener, &post, from, &timeout) ?: len;
}

static ssize_t mbx_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct mbx_handle *h = iocb->ki_filp->private_data;
	struct mbx_receive how = {
		.room = iov_iter_count(to),
		.timeout.never = may_not_wait(iocb),
	};
	struct mbx_msg *msg;
	ssize_t ret, len;

	if (!how.room)
		return 0;
	ret = mbx_mailbox_receive(h->mb, &how, &msg);
	if (ret)
		return ret == -EPIPE ? 0 : ret;
	len = msg->len;
	ret = mbx_msg_copy_out(msg, to);
	mbx_mailbox_end_receive(h->mb, msg, &how, !ret);
	return ret ?: len;
}

static __poll_t mbx_file_poll(struct file *file, struct poll_table_struct *wait)
{
	struct mbx_handle *h = file->private_data;

	poll_wait(file, &h->mb->poll, wait);
	return mbx_mailbox_poll(h->mb, h->rights, &h->holder);
}

static int mbx_file_fasync(int fd, struct file *file, int on)
{
	struct mbx_handle *h = file->private_data;
	struct mbx_mailbox *mb = h->mb;
	/* Each file is on one list alone, for it has but one flag. */
	int ret = fasync_helper(fd, file, on, &mb->fasync[h->rights - 1]);

	/* From here on, only what changes is told. */
	mbx_mailbox_poll(mb, 0, &h->holder);
	return min(ret, 0);
}

static void mbx_file_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct mbx_handle *h = file->private_data;
	struct mbox_stat_args stat;

	mbx_mailbox_stat(h->mb, &h->holder, &stat);
	seq_printf(seq, "mbox-id:\t%llu\n", stat.id);
	mbx_namespace_show(h->mb, seq);
	seq_printf(seq, "mbox-rights:\t%s%s\n",
		   h->rights & MBOX_RECV ? "r" : "",
		   h->rights & MBOX_SEND ? "w" : "");
	seq_printf(seq, "mbox-badge:\t0x%llx\n", h->badge);
	seq_printf(seq, "mbox-messages:\t%u\n", stat.messages);
	seq_printf(seq, "mbox-bytes:\t%llu\n", stat.bytes);
	seq_printf(seq, "mbox-senders:\t%u\n", stat.senders);
	seq_printf(seq, "mbox-receivers:\t%u\n", stat.receivers);
	seq_printf(seq, "mbox-waiting-senders:\t%u\n", stat.waiting_senders);
	seq_printf(seq, "mbox-waiting-receivers:\t%u\n", stat.waiting_receivers);
	seq_printf(seq, "mbox-calls:\t%u\n", stat.calls);
	seq_printf(seq, "mbox-tokens:\t%u\n", stat.tokens);
	seq_printf(seq, "mbox-stale-tokens:\t%u\n", stat.stale_tokens);
}

static void handle_free(struct mbx_handle *h)
{
	put_pid(h->opener);
	mbx_quota_put(h->payer);
	kfree(h);
}

/* Whether anything that was given out through a handle is there still. */
static bool handle_holds(const struct mbx_handle *h)
{
	return READ_ONCE(h->holder.calls) || READ_ONCE(h->holder.tokens) ||
	       READ_ONCE(h->holder.notice);
}

/* Give up what was given out through a handle; @user NULL: to all its users. */
static void handle_give_up(struct mbx_handle *h, fl_owner_t user)
{
	const struct mbx_caller caller = { .owner = { &h->holder, user } };

	if (READ_ONCE(h->holder.calls))
		mbx_mailbox_abandon(h->mb, &caller);
	if (READ_ONCE(h->holder.tokens))
		mbx_token_give_up(h->mb, &caller.owner);
	if (READ_ONCE(h->holder.notice))
		mbx_notify_end(h->mb, &caller.owner);
}

static u64 closer_bit(fl_owner_t user)
{
	return 1ULL << hash_ptr(user, 6);
}

static int is_descriptor_of(const void *file, struct file *other, unsigned int fd)
{
	return other == file;
}

/*
 * A descriptor is closed. The user of the file goes if this is because its last
 * thread exits, or if it was its last descriptor: it can finish nothing any more,
 * though others may have the file open for long.
 */
static int mbx_file_flush(struct file *file, fl_owner_t user)
{
	struct mbx_handle *h = file->private_data;
	bool holds;

	spin_lock(&h->mb->lock);
	WRITE_ONCE(h->holder.closers, h->holder.closers | closer_bit(user));
	holds = handle_holds(h);
	spin_unlock(&h->mb->lock);
	if (!holds || !user)
		return 0;
	if ((current->flags & PF_EXITING) ||
	    !iterate_fd(user, 0, is_descriptor_of, file))
		handle_give_up(h, user);
	return 0;
}

/**
 * mbx_handle_used - an operation that may have been given something is over
 * @file: the handle
 *
 * If another thread closed the last descriptor meanwhile, even before we began, that
 * was too early to give up what came only now.
 */
void mbx_handle_used(struct file *file)
{
	struct mbx_handle *h = file->private_data;

	/* Whatever was given out, it was under the lock, and so after the close. */
	if ((READ_ONCE(h->holder.closers) & closer_bit(current->files)) &&
	    handle_holds(h) &&
	    !iterate_fd(current->files, 0, is_descriptor_of, file))
		handle_give_up(h, current->files);
}

static int mbx_file_release(struct inode *inode, struct file *file)
{
	struct mbx_handle *h = file->private_data;

	if (h->mb) {
		handle_give_up(h, NULL);
		mbx_mailbox_detach(h->mb, h->rights);
		mbx_namespace_closed(h->mb);
		mbx_mailbox_put(h->mb);
	}
	handle_free(h);
	return 0;
}

static const struct file_operations mbx_file_fops = {
	.owner = THIS_MODULE,
	.read_iter = mbx_file_read_iter,
	.write_iter = mbx_file_write_iter,
	.poll = mbx_file_poll,
	.fasync = mbx_file_fasync,
	.unlocked_ioctl = mbx_handle_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = mbx_file_show_fdinfo,
	.flush = mbx_file_flush,
	.release = mbx_file_release,
};

/**
 * mbx_handle_of - the handle that a file is
 * @file: any
 *
 * Return: the handle; NULL: it is something else.
 */
struct mbx_handle *mbx_handle_of(struct file *file)
{
	return file->f_op == &mbx_file_fops ? file->private_data : NULL;
}

static struct mbx_handle *handle_new(unsigned int rights, u64 badge)
{
	struct mbx_handle *h;

	h = kzalloc(sizeof(*h), MBX_GFP_USER);
	if (!h)
		return NULL;
	h->payer = mbx_quota_get_current();
	if (!h->payer) {
		kfree(h);
		return NULL;
	}
	h->rights = rights;
	h->badge = badge;
	h->opener = get_pid(task_tgid(current));
	return h;
}

static struct file *handle_file(unsigned int flags, u64 badge)
{
	static const int modes[] = {
		[MBOX_RECV] = O_RDONLY,
		[MBOX_SEND] = O_WRONLY,
		[MBOX_RECV | MBOX_SEND] = O_RDWR,
	};
	unsigned int rights = flags & (MBOX_RECV | MBOX_SEND);
	struct mbx_handle *h;
	struct file *file;

	h = handle_new(rights, badge);
	if (!h)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_getfile("[mbox]", &mbx_file_fops, h, modes[rights] |
				  (flags & MBOX_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file))
		handle_free(h);
	else
		file->f_mode |= FMODE_STREAM | FMODE_NOWAIT;
	return file;
}

/**
 * mbx_handle_begin - get all that a new handle needs but its mailbox
 * @work: to be given to mbx_handle_finish()
 * @flags: MBOX_RECV, MBOX_SEND, at least one; MBOX_NONBLOCK
 * @badge: stamped on what is sent, 0: none
 *
 * Context: may sleep.
 * Return: 0; -EMFILE, -ENFILE, -ENOMEM.
 */
int mbx_handle_begin(struct mbx_handle_work *work, unsigned int flags, u64 badge)
{
	work->fd = get_unused_fd_flags(O_CLOEXEC);
	if (work->fd < 0)
		return work->fd;
	work->file = handle_file(flags, badge);
	if (IS_ERR(work->file)) {
		put_unused_fd(work->fd);
		return PTR_ERR(work->file);
	}
	return 0;
}

/**
 * mbx_handle_finish - install a handle, or give it up
 * @work: of mbx_handle_begin()
 * @mb: its mailbox, with the handle's rights attached and referenced; or an
 *	ERR_PTR(): why there is none
 *
 * Return: the descriptor, or the error.
 */
int mbx_handle_finish(struct mbx_handle_work *work, struct mbx_mailbox *mb)
{
	struct mbx_handle *h = work->file->private_data;

	if (IS_ERR(mb)) {
		put_unused_fd(work->fd);
		fput(work->file);
		return PTR_ERR(mb);
	}
	h->mb = mb;
	fd_install(work->fd, work->file);
	return work->fd;
}
