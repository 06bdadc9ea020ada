// SPDX-License-Identifier: MIT
/*
 * Receiving a message of any length, with its files.
 */
#include <errno.h>

#include "mboxctl.h"

/**
 * incoming_next - receive the next message as @in->how says
 * @fd: the mailbox
 * @in: the rest of it is filled in; the files of the last one are closed
 *
 * Return: 0 or errno.
 */
int incoming_next(int fd, struct incoming *in)
{
	struct mbox_recvmsg msg = in->how;
	ssize_t len;

	if (!(msg.flags & MBOX_PEEK)) {
		msg.files = in->files.fd;
		msg.file_count = MBOX_FILES_MAX;
	}
	for (;;) {
		msg.buf = in->buf;
		msg.len = in->size;
		len = mbox_recvmsg(fd, &msg, &in->header);
		if (len >= 0)
			break;
		if (errno == EMSGSIZE) {
			in->size = in->header.len;
			in->buf = allocate(in->buf, in->size);
		} else if (errno != EINTR) {
			return errno;
		}
	}
	in->len = (size_t)len;
	in->files.count = in->header.file_count;
	if (in->header.flags & MBOX_MSG_FILES_LOST && !(msg.flags & MBOX_PEEK))
		fputs("mboxctl: files that came with it were closed\n", stderr);
	return 0;
}
