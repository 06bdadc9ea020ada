// SPDX-License-Identifier: MIT
/*
 * io_uring_read - a read is under way before there is a message, and no thread
 * waits for it.
 *
 *	cc io_uring_read.c -lmbox -luring
 */
#include <err.h>
#include <errno.h>
#include <liburing.h>
#include <mbox.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "sent after the read";

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	char buf[64] = "";
	int mb, ret;

	mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	if (mb < 0)
		err(1, "mbox_create");
	ret = io_uring_queue_init(8, &ring, 0);
	if (ret < 0)
		errx(1, "io_uring_queue_init: %s", strerror(-ret));

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, mb, buf, sizeof(buf), 0);
	ret = io_uring_submit(&ring);
	if (ret != 1)
		errx(1, "io_uring_submit: %s", strerror(-ret));
	if (io_uring_peek_cqe(&ring, &cqe) != -EAGAIN)
		errx(1, "the read ended too early: %d", cqe->res);

	if (mbox_send(mb, text, sizeof(text)) < 0)
		err(1, "mbox_send");

	ret = io_uring_wait_cqe(&ring, &cqe);
	if (ret < 0)
		errx(1, "io_uring_wait_cqe: %s", strerror(-ret));
	if (cqe->res < 0)
		errx(1, "read: %s", strerror(-cqe->res));
	printf("read %d bytes: %s\n", cqe->res, buf);
	if (cqe->res != sizeof(text) || strcmp(buf, text) != 0)
		errx(1, "that is not what was sent");
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
	return 0;
}
