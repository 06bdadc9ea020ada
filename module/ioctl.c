// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a handle about messages: what may be said in each, and what then
 * happens. Those about the mailbox itself are in control.c.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include <asm/ioctls.h>

#include "args.h"
#include "call.h"
#include "cargo.h"
#include "file.h"
#include "gather.h"
#include "ioctl.h"
#include "mailbox.h"
#include "message.h"
#include "quota.h"
#include "token.h"

#define CALL_FLAGS	(MBOX_WAIT_MASK | MBOX_EXT | MBOX_ABANDON)
#define SEND_FLAGS	(CALL_FLAGS | MBOX_SYNC | MBOX_REPLY_TO)
#define REPLY_RECV_FLAGS (MBOX_WAIT_MASK | MBOX_EXT | MBOX_TRUNCATE | MBOX_LEASE)
#define RECV_FLAGS	(REPLY_RECV_FLAGS | MBOX_PEEK | MBOX_PEEK_AFTER)
/* The caller as who speaks, through a handle; its account may be another. */
static struct mbx_sender caller_identity(const struct mbx_handle *h)
{
	return (struct mbx_sender){
		.pid = task_tgid(current),
		.uid = current_euid(),
		.gid = current_egid(),
		.payer = h->payer,
		.badge = h->badge,
	};
}

/**
 * mbx_caller_begin - the caller as a sender: its effective ids, its account
 * @from: written; to be given to mbx_caller_end()
 * @h: the handle that it uses
 *
 * Return: 0, -ENOMEM.
 */
int mbx_caller_begin(struct mbx_sender *from, const struct mbx_handle *h)
{
	*from = caller_identity(h);
	if (!mbx_quota_is_current(h->payer))
		from->payer = mbx_quota_get_current();
	return from->payer ? 0 : -ENOMEM;
}

/**
 * mbx_caller_end - put what mbx_caller_begin() referenced
 * @from: the caller
 * @h: the handle
 */
void mbx_caller_end(const struct mbx_sender *from, const struct mbx_handle *h)
{
	if (from->payer != h->payer)
		mbx_quota_put(from->payer);
}

static int send_as_caller(struct mbx_handle *h, struct mbx_post *post,
			  struct mbx_payload *p, const struct mbx_timeout *timeout)
{
	struct mbx_sender from;
	int ret;

	ret = mbx_caller_begin(&from, h);
	if (ret)
		return ret;
	ret = mbx_handle_send(h, &from, post, &p->iter, timeout);
	mbx_caller_end(&from, h);
	return ret;
}

/* Copy a reply out; if that fails it is still there. */
static int reply_copy_out(const struct mbx_msg *reply,
			  const struct mbox_msg_args *args, void __user *uarg)
{
	struct mbox_msg_args told = { .out_len = reply->len };
	struct iov_iter iter;
	int ret;

	if (reply->len > args->reply_len)
		return mbx_msg_args_write(uarg, &told) ?: -EMSGSIZE;
	ret = mbx_buffer_begin(&iter, ITER_DEST, args->reply_buf, reply->len);
	if (!ret)
		ret = mbx_msg_copy_out(reply, &iter);
	if (ret)
		return ret;
	mbx_msg_describe(reply, &told);
	return mbx_msg_args_write(uarg, &told);
}

/* A call is over: tell its end. If that fails it can be resumed. */
static int call_conclude(struct mbx_handle *h, struct mbx_call *call,
			 const struct mbox_msg_args *args, void __user *uarg,
			 struct mbx_caller *caller)
{
	int ret = call->result, fault = 0;

	if (call->reply && (!ret || ret == -EREMOTEIO))
		fault = reply_copy_out(call->reply, args, uarg);
	if (fault) {
		mbx_mailbox_suspend(h->mb, call, caller);
		return fault;
	}
	mbx_call_put(call);
	return ret;
}

/* A call that was left must be told by its number, or nobody can resume it. */
static int call_tell(struct mbx_handle *h, const struct mbx_caller *caller,
		     void __user *uarg, int ret)
{
	if (!caller->number || !mbx_msg_args_write_id(uarg, caller->number))
		return ret;
	mbx_mailbox_abandon(h->mb, caller);
	return -EFAULT;
}

/*
 * The struct says what to send, or which call of before to go on with. Apart, so that a
 * plain send need not save the registers that this uses.
 */
static noinline int call(struct mbx_handle *h, struct mbx_post *post, struct mbx_payload *p,
			 const struct mbox_msg_args *args,
			 const struct mbx_timeout *timeout, void __user *uarg)
{
	struct mbx_caller caller = {
		.owner = mbx_handle_owner(h),
		.number = args->id,
		.sync = post->kind == MBX_POST_SYNC,
	};
	int ret;

	if (args->id > U32_MAX)
		return -ESRCH;
	if (args->flags & MBOX_ABANDON)
		return mbx_mailbox_abandon(h->mb, &caller);
	post->caller = &caller;
	if (caller.number)
		ret = mbx_mailbox_resume(h->mb, &post->call, timeout, &caller);
	else
		ret = send_as_caller(h, post, p, timeout);
	if (!ret)
		ret = call_conclude(h, post->call, args, uarg, &caller);
	return call_tell(h, &caller, uarg, ret);
}

/*
 * Where the reply goes. The caller has both rights there: it takes room that others
 * can't free, and makes the server speak there, to whoever receives.
 */
static int reply_to_begin(struct mbx_post *post, struct file **file, s32 fd)
{
	struct mbx_handle *to;

	*file = fget(fd);
	if (!*file)
		return -EBADF;
	to = mbx_handle_of(*file);
	if (!to || to->rights != MBX_RIGHTS) {
		fput(*file);
		return -EBADF;
	}
	post->reply_to = to;
	return 0;
}

static int send_async(struct mbx_handle *h, struct mbx_post *post,
		      struct mbx_payload *p, const struct mbx_timeout *timeout)
{
	struct file *file;
	int ret;

	ret = reply_to_begin(post, &file, p->ext.reply_to);
	if (ret)
		return ret;
	ret = send_as_caller(h, post, p, timeout);
	fput(file);
	return ret;
}

static enum mbx_post_kind send_kind(const struct mbox_msg_args *args)
{
	if (args->flags & MBOX_SYNC)
		return MBX_POST_SYNC;
	return args->flags & MBOX_REPLY_TO ? MBX_POST_ASYNC : MBX_POST_PLAIN;
}

/* Whether nothing contradicts what is to come of a message. */
static bool post_valid(enum mbx_post_kind kind, const struct mbox_msg_args *args)
{
	const bool waits = kind == MBX_POST_CALL || kind == MBX_POST_SYNC;
	const unsigned int how = args->flags & MBOX_WAIT_MASK;

	if ((args->flags & MBOX_SYNC) && (args->flags & MBOX_REPLY_TO))
		return false;
	if (kind == MBX_POST_ASYNC && !(args->flags & MBOX_EXT))
		return false;
	if ((args->flags & MBOX_ABANDON) && (!waits || !args->id))
		return false;
	if (waits && how == MBOX_WAIT_NONE)
		return false;
	if ((args->id || args->reply_len) && kind == MBX_POST_PLAIN)
		return false;
	if (args->reply_len && kind == MBX_POST_SYNC)
		return false;
	return (!args->reply_buf || kind == MBX_POST_CALL) && !args->select &&
	       args->priority <= MBOX_PRIORITY_MAX;
}

/* Whether nothing is sent: a call of before is gone on with, or given up. */
static bool post_resumes(enum mbx_post_kind kind, const struct mbox_msg_args *args)
{
	return args->id && (kind == MBX_POST_CALL || kind == MBX_POST_SYNC);
}

/* The rare arguments that go with it. */
static int send_ext_begin(struct mbx_send_args *s, const struct mbox_msg_args *args,
			  enum mbx_post_kind kind)
{
	const struct mbox_ext *ext = &s->p.ext;

	if (ext->lease_time || ext->file_count > MBOX_FILES_MAX ||
	    (ext->reply_to && kind != MBX_POST_ASYNC))
		return -EINVAL;
	s->timeout.spin = ext->spin;
	return ext->file_count && !post_resumes(kind, args) ?
	       mbx_gather(&s->post.cargo, ext) : 0;
}

/**
 * mbx_send_args_begin - read and check a send
 * @s: written; to be given to mbx_send_args_end()
 * @file: the handle
 * @args: of known flags
 * @kind: of the message
 *
 * Return: 0; -EINVAL, -E2BIG, -EFAULT, -ENOMEM; those of mbx_gather().
 */
int mbx_send_args_begin(struct mbx_send_args *s, struct file *file,
			const struct mbox_msg_args *args, enum mbx_post_kind kind)
{
	int ret;

	s->post = (struct mbx_post){
		.type = args->type,
		.priority = args->priority,
		.kind = kind,
		.reply_max = args->reply_len,
		.reply_type = args->id,
	};
	if (!post_valid(kind, args))
		return -EINVAL;
	ret = mbx_timeout_read(&s->timeout, file, args);
	if (!ret)
		ret = mbx_payload_begin(&s->p, ITER_SOURCE, args);
	if (ret)
		return ret;
	if (s->p.uext)
		ret = send_ext_begin(s, args, kind);
	if (ret)
		mbx_payload_end(&s->p);
	return ret;
}

/**
 * mbx_send_args_end - free what mbx_send_args_begin() allocated
 * @s: the send
 */
void mbx_send_args_end(struct mbx_send_args *s)
{
	mbx_cargo_free(s->post.cargo);
	mbx_payload_end(&s->p);
}

static int post(struct file *file, const struct mbox_msg_args *args, void __user *uarg,
		enum mbx_post_kind kind)
{
	struct mbx_handle *h = file->private_data;
	struct mbx_send_args s __uninitialized;
	int ret;

	ret = mbx_send_args_begin(&s, file, args, kind);
	if (ret)
		return ret;
	if (kind == MBX_POST_PLAIN)
		ret = send_as_caller(h, &s.post, &s.p, &s.timeout);
	else if (kind == MBX_POST_ASYNC)
		ret = send_async(h, &s.post, &s.p, &s.timeout);
	else
		ret = call(h, &s.post, &s.p, args, &s.timeout, uarg);
	mbx_send_args_end(&s);
	return ret;
}

static long ioctl_send(struct file *file, void __user *uarg, size_t size)
{
	struct mbox_msg_args args __uninitialized;
	int ret;

	ret = mbx_msg_args_read(&args, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (args.flags & ~SEND_FLAGS)
		return -EINVAL;
	return post(file, &args, uarg, send_kind(&args));
}

static long ioctl_call(struct file *file, void __user *uarg, size_t size)
{
	struct mbox_msg_args args __uninitialized;
	int ret;

	ret = mbx_msg_args_read(&args, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (args.flags & ~CALL_FLAGS)
		return -EINVAL;
	return post(file, &args, uarg, MBX_POST_CALL);
}

static int receive_ext_begin(struct mbx_receive_args *r)
{
	const struct mbox_ext *ext = &r->p.ext;

	if ((ext->lease_time && !r->how.lease) || ext->reply_to)
		return -EINVAL;
	r->how.timeout.spin = ext->spin;
	r->how.lease_time = ext->lease_time;
	r->how.file_room = r->how.peek ? 0 : ext->file_count;
	return 0;
}

/**
 * mbx_receive_args_begin - read and check a receive
 * @r: written; to be given to mbx_receive_args_end()
 * @file: the handle
 * @args: of known flags
 * @uarg: where they are, and the header goes
 *
 * Return: 0; -EINVAL, -E2BIG, -EFAULT, -ENOMEM.
 */
int mbx_receive_args_begin(struct mbx_receive_args *r, struct file *file,
			   const struct mbox_msg_args *args, void __user *uarg)
{
	int ret;

	r->how = (struct mbx_receive){
		.truncate = args->flags & MBOX_TRUNCATE,
		.peek = args->flags & MBOX_PEEK,
		.lease = args->flags & MBOX_LEASE,
	};
	r->uarg = uarg;
	r->out_flags = 0;
	if (args->priority > MBOX_PRIORITY_MAX || (r->how.peek && r->how.lease))
		return -EINVAL;
	ret = mbx_filter_read(&r->how.filter, args);
	if (!ret)
		ret = mbx_timeout_read(&r->how.timeout, file, args);
	if (!ret)
		ret = mbx_payload_begin(&r->p, ITER_DEST, args);
	if (ret)
		return ret;
	r->how.room = iov_iter_count(&r->p.iter);
	if (r->p.uext)
		ret = receive_ext_begin(r);
	else
		r->how.deliver = mbx_deliver_at_once;
	if (ret)
		mbx_payload_end(&r->p);
	return ret;
}

/**
 * mbx_receive_args_end - free what mbx_receive_args_begin() allocated
 * @r: the receive
 */
void mbx_receive_args_end(struct mbx_receive_args *r)
{
	mbx_payload_end(&r->p);
}

static int receive(struct mbx_handle *h, struct mbx_receive_args *r)
{
	struct mbx_msg *msg;
	int ret;

	ret = mbx_mailbox_receive(h->mb, &r->how, &msg);
	if (ret)
		return mbx_receive_refused(r, ret);
	return msg ? mbx_deliver(h, msg, r) : 0;
}

/**
 * mbx_recv_args_valid - whether a RECV may say all that it says
 * @args: its arguments, before mbx_receive_args_begin()
 */
bool mbx_recv_args_valid(const struct mbox_msg_args *args)
{
	return !(args->flags & ~RECV_FLAGS) && !args->reply_buf && !args->reply_len &&
	       (!args->id || (args->flags & MBOX_PEEK_AFTER));
}

static long ioctl_recv(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_receive_args r __uninitialized;
	struct mbox_msg_args args __uninitialized;
	int ret;

	ret = mbx_msg_args_read(&args, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!mbx_recv_args_valid(&args))
		return -EINVAL;
	ret = mbx_receive_args_begin(&r, file, &args, uarg);
	if (ret)
		return ret;
	ret = receive(file->private_data, &r);
	mbx_receive_args_end(&r);
	return ret;
}

static int reply_as_caller(struct mbx_handle *h, u64 token, struct iov_iter *payload,
			   u32 code, bool *woken)
{
	const struct mbx_owner owner = mbx_handle_owner(h);
	const struct mbx_sender from = caller_identity(h);

	return mbx_token_reply(h->mb, &owner, token, &from, payload, code, woken);
}

/* The first half of REPLY_RECV; not to be repeated if the second is interrupted. */
static int reply_first(struct mbx_handle *h, const struct mbox_msg_args *args,
		       struct mbx_receive_args *r)
{
	struct iov_iter iter;
	int ret;

	if (!args->id)
		return 0;
	/* What can't be told below must not be done. */
	if (mbx_msg_args_write_id(r->uarg, args->id))
		return -EFAULT;
	ret = mbx_buffer_begin(&iter, ITER_SOURCE, args->reply_buf, args->reply_len);
	if (!ret)
		ret = reply_as_caller(h, args->id, &iter, 0, &r->how.yield);
	if (ret && ret != -EPIPE)
		return ret;
	if (ret == -EPIPE)
		r->out_flags = MBOX_MSG_STALE;
	return mbx_msg_args_write_id(r->uarg, 0);
}

static long ioctl_reply_recv(struct file *file, void __user *uarg, size_t size)
{
	struct mbx_handle *h = file->private_data;
	struct mbx_receive_args r __uninitialized;
	struct mbox_msg_args args __uninitialized;
	int ret;

	ret = mbx_msg_args_read(&args, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	/* Without a token there may still be a reply: of before the restart. */
	if (args.flags & ~REPLY_RECV_FLAGS)
		return -EINVAL;
	ret = mbx_receive_args_begin(&r, file, &args, uarg);
	if (ret)
		return ret;
	ret = reply_first(h, &args, &r);
	if (!ret)
		ret = receive(h, &r);
	mbx_receive_args_end(&r);
	return ret;
}

static int finish(struct mbx_handle *h, const struct mbox_msg_args *args,
		  struct mbx_payload *p)
{
	const struct mbx_owner owner = mbx_handle_owner(h);
	bool woken = false;

	switch (args->select) {
	case MBOX_FINISH_DONE:
	case MBOX_FINISH_BACK:
		return mbx_token_finish(h->mb, &owner, args->id,
					args->select == MBOX_FINISH_BACK);
	default:
		return reply_as_caller(h, args->id, &p->iter, args->type, &woken);
	}
}

static bool finish_valid(const struct mbox_msg_args *args)
{
	const bool fails = args->select == MBOX_FINISH_FAIL;

	if ((args->flags & ~MBOX_EXT) || args->select > MBOX_FINISH_FAIL ||
	    args->priority || args->clock || args->deadline || args->reply_buf ||
	    args->reply_len)
		return false;
	if (args->select != MBOX_FINISH_REPLY && (args->flags || args->buf || args->len))
		return false;
	return fails ? args->type && args->type <= U32_MAX : !args->type;
}

/* A reply can be scattered, and that is all. */
static bool finish_ext_valid(const struct mbx_payload *p)
{
	const struct mbox_ext *ext = &p->ext;

	return !p->uext || !(ext->files || ext->file_count || ext->reply_to ||
			     ext->lease_time || ext->spin);
}

static long ioctl_finish(struct file *file, void __user *uarg, size_t size)
{
	struct mbox_msg_args args __uninitialized;
	struct mbx_payload p;
	int ret;

	ret = mbx_msg_args_read(&args, uarg, size);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!finish_valid(&args))
		return -EINVAL;
	ret = mbx_payload_begin(&p, ITER_SOURCE, &args);
	if (ret)
		return ret;
	ret = finish_ext_valid(&p) ? finish(file->private_data, &args, &p) : -EINVAL;
	mbx_payload_end(&p);
	return ret;
}

static long handle_ioctl(struct file *file, unsigned int cmd, void __user *uarg)
{
	size_t size = _IOC_SIZE(cmd);

	if (cmd == FIONREAD)
		return mbx_ioctl_fionread(file, uarg);

	switch (cmd & ~IOCSIZE_MASK) {
	case MBOX_IOC_SEND & ~IOCSIZE_MASK:
		return ioctl_send(file, uarg, size);
	case MBOX_IOC_RECV & ~IOCSIZE_MASK:
		return ioctl_recv(file, uarg, size);
	case MBOX_IOC_CALL & ~IOCSIZE_MASK:
		return ioctl_call(file, uarg, size);
	case MBOX_IOC_REPLY_RECV & ~IOCSIZE_MASK:
		return ioctl_reply_recv(file, uarg, size);
	case MBOX_IOC_FINISH & ~IOCSIZE_MASK:
		return ioctl_finish(file, uarg, size);
	case MBOX_IOC_SENDV & ~IOCSIZE_MASK:
		return mbx_ioctl_sendv(file, uarg, size);
	case MBOX_IOC_RECVV & ~IOCSIZE_MASK:
		return mbx_ioctl_recvv(file, uarg, size);
	case MBOX_IOC_NOTIFY & ~IOCSIZE_MASK:
		return mbx_ioctl_notify(file, uarg, size);
	case MBOX_IOC_NARROW & ~IOCSIZE_MASK:
		return mbx_ioctl_narrow(file, uarg, size);
	case MBOX_IOC_STAT & ~IOCSIZE_MASK:
		return mbx_ioctl_stat(file, uarg, size);
	case MBOX_IOC_SET & ~IOCSIZE_MASK:
		return mbx_ioctl_set(file, uarg, size);
	default:
		return -ENOTTY;
	}
}

/**
 * mbx_handle_ioctl - the ioctls of a handle
 * @file: the handle
 * @cmd: MBOX_IOC_SEND to MBOX_IOC_RECVV, MBOX_IOC_NARROW to MBOX_IOC_NOTIFY, with
 *	any size; FIONREAD
 * @arg: address of its struct
 *
 * Return: a descriptor or 0; the errors of <linux/mbox.h>, negative.
 */
long mbx_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	long ret = handle_ioctl(file, cmd, (void __user *)arg);

	mbx_handle_used(file);
	return ret;
}
