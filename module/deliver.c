// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivering: a message that was received, out to the receiver's memory and table
 * of descriptors; and what becomes of it by that.
 */
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "args.h"
#include "compat.h"
#include "file.h"
#include "ioctl.h"
#include "mailbox.h"
#include "message.h"
#include "token.h"
#include "words.h"

/* The receiver's new descriptors. */
struct files {
	s32 fds[MBOX_FILES_MAX];
	unsigned int count;
};

static void files_undo(struct files *files)
{
	while (files->count)
		close_fd(files->fds[--files->count]);
}

/* The message keeps its references: it may come back. */
static int files_install(struct files *files, const struct mbx_cargo *cargo)
{
	int fd;

	while (files->count < cargo->count) {
		fd = mbx_receive_fd(cargo->files[files->count], O_CLOEXEC);
		if (fd < 0)
			return fd;
		files->fds[files->count++] = fd;
	}
	return 0;
}

static int files_tell(const struct mbx_payload *p, u32 count)
{
	return p->uext ? put_user(count, &p->uext->out_file_count) : 0;
}

/* Of a message in hand. If this fails, what was installed is to be undone. */
static int files_deliver(struct files *files, const struct mbx_msg *msg,
			 const struct mbx_receive_args *r)
{
	int ret = 0;

	if (!r->p.uext)
		return 0;
	if (r->how.file_room && msg->cargo)
		ret = files_install(files, msg->cargo);
	if (ret)
		return ret;
	if (copy_to_user(u64_to_user_ptr(r->p.ext.files), files->fds,
			 files->count * sizeof(*files->fds)))
		return -EFAULT;
	return files_tell(&r->p, files->count);
}

/* The header of a message in hand, or peeked at. */
static void describe(struct mbox_msg_args *args, const struct mbx_msg *msg,
		     const struct mbx_receive_args *r)
{
	mbx_msg_describe(msg, args);
	args->out_flags |= r->out_flags;
	if (msg->len > r->how.room)
		args->out_flags |= MBOX_MSG_TRUNCATED;
	if (!r->how.peek && !r->how.file_room && msg->cargo)
		args->out_flags |= MBOX_MSG_FILES_LOST;
}

/**
 * mbx_deliver_at_once - copy out a message that is short and goes alone
 * @mb: the mailbox, whose lock is held: nothing here sleeps
 * @msg: without files; no token is given for it
 * @how: of struct mbx_receive_args, without rare arguments
 *
 * Return: whether it is out. If not, user memory may be written in part.
 */
bool mbx_deliver_at_once(const struct mbx_mailbox *mb, const struct mbx_msg *msg,
			 const struct mbx_receive *how)
{
	const struct mbx_receive_args *r = container_of(how, struct mbx_receive_args, how);
	struct mbox_msg_args args __uninitialized;
	struct iov_iter to = r->p.iter;
	int ret;

	if (msg->len > MBX_WORDS_MAX || msg->chunked)
		return false;
	describe(&args, msg, r);
	args.out_drops = mb->drops;
	pagefault_disable();
	ret = mbx_msg_copy_out(msg, &to) ?: mbx_msg_args_write(r->uarg, &args);
	pagefault_enable();
	return !ret;
}

/**
 * mbx_deliver - copy out what was received, and finish, lease or undo by that
 * @h: the handle
 * @msg: what mbx_mailbox_receive() gave; the caller's no longer
 * @r: the receive
 *
 * Context: may sleep, writes user memory.
 * Return: 0; -EFAULT; -EMFILE, -ENOMEM, what a security module says: no
 * descriptors for the files.
 */
int mbx_deliver(struct mbx_handle *h, struct mbx_msg *msg, struct mbx_receive_args *r)
{
	const struct mbx_owner owner = mbx_handle_owner(h);
	struct mbox_msg_args args __uninitialized;
	struct files files __uninitialized;
	bool token, sync;
	int ret;

	files.count = 0;
	ret = mbx_msg_copy_out(msg, &r->p.iter) ?: files_deliver(&files, msg, r);
	if (ret) {
		files_undo(&files);
		mbx_mailbox_end_receive(h->mb, msg, &r->how, false);
		return ret;
	}
	describe(&args, msg, r);
	args.out_drops = READ_ONCE(h->mb->drops);

	token = !r->how.peek && (r->how.lease || (msg->flags & MBOX_MSG_CALL));
	/* Who peeks must not look at the call: it goes with who takes the message. */
	sync = token && msg->call && !(msg->flags & MBOX_MSG_CALL);
	if (token)	/* others may finish the message from here on */
		args.out_token = mbx_token_grant(h->mb, msg, &owner, r->how.lease_time);
	ret = mbx_msg_args_write(r->uarg, &args);
	if (ret)
		files_undo(&files);
	if (!token)
		mbx_mailbox_end_receive(h->mb, msg, &r->how, !ret);
	else if (ret)
		mbx_token_undo(h->mb, &owner, args.out_token);
	else if (sync)
		mbx_token_received(h->mb, &owner, args.out_token);
	return ret;
}

/**
 * mbx_receive_refused - tell why a receive took nothing
 * @r: the receive
 * @error: of mbx_mailbox_receive(). If it was the length, that is told
 *
 * Return: @error, -EFAULT.
 */
int mbx_receive_refused(const struct mbx_receive_args *r, int error)
{
	const struct mbox_msg_args told = { .out_len = r->how.len };

	if (error != -EMSGSIZE)
		return error;
	return mbx_msg_args_write(r->uarg, &told) ?: files_tell(&r->p, r->how.files) ?:
	       error;
}
