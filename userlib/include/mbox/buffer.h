/* SPDX-License-Identifier: MIT */
/*
 * libmbox: large payloads, passed on without a copy. Programs include <mbox.h>.
 */
#ifndef MBOX_MBOX_BUFFER_H
#define MBOX_MBOX_BUFFER_H

#include <mbox/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * mbox_buffer_create() - make a buffer, to be filled and sent without a copy
 * @b: is filled in
 * @len: its length in bytes, not 0
 *
 * @b->data is writable and 0. Its memory is taken at once, within what the machine
 * and the control group have, as if it had been written to. A child of fork() does
 * not have it. Ends with mbox_send_buffer() or mbox_buffer_release().
 *
 * Return: 0, or -1 and errno: ENOMEM; EINVAL, @len is 0; EMFILE, ENFILE; EFBIG
 * (and SIGXFSZ), longer than RLIMIT_FSIZE.
 */
int mbox_buffer_create(struct mbox_buffer *b, size_t len);

/**
 * mbox_send_buffer() - send a buffer
 * @fd: handle with MBOX_SEND
 * @b: the buffer, one that was received too
 *
 * The bytes are sealed against changes by anybody and go as they are, of type and
 * priority 0. They may be longer than the mailbox's max_message_size, except in a
 * buffer that came in a message (@b->fd -1). On success @b is empty. On failure it
 * can be sent again, but not be written to any more, except after EBUSY. No other
 * thread may use @b meanwhile.
 *
 * Return: 0, or -1 and errno: EBUSY, another process has the file mapped for
 * writing, or input to @b->data is under way; ENXIO, no handle with MBOX_RECV is
 * open; EINVAL, @b is empty; EPERM, somebody sealed it in another way; as
 * mbox_send(), where EDQUOT also stands for files and EBADF for @b->fd.
 */
int mbox_send_buffer(int fd, struct mbox_buffer *b);

/**
 * mbox_recv_buffer() - receive a buffer
 * @fd: handle with MBOX_RECV
 * @b: is filled in; ends with mbox_send_buffer() or mbox_buffer_release()
 *
 * Takes what mbox_send_buffer() and mbox_sendmsg.reference_above send, without a
 * copy, and any other message. @b->data can be read, and nobody can change it any
 * more. An empty message gives NULL and 0. A call ends for its caller with
 * ECONNRESET.
 *
 * Return: 0, or -1 and errno: EBADMSG, the message came with files that are not a
 * buffer, one that can still be changed or is not as long as it said, and is gone;
 * on any other error it is still there: ENOMEM, also for want of room in the
 * address space; EMFILE, ENFILE; as mbox_recv(), but EMSGSIZE and EFAULT.
 */
int mbox_recv_buffer(int fd, struct mbox_buffer *b);

/**
 * mbox_buffer_release() - do without a buffer
 * @b: the buffer, which is empty afterwards; may be empty
 */
void mbox_buffer_release(struct mbox_buffer *b);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_MBOX_BUFFER_H */
