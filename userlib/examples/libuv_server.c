// SPDX-License-Identifier: MIT
/*
 * libuv_server - answers calls from a libuv loop, until all clients have gone.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define CLIENTS	3
#define CALLS	100

static int answered;

/* The end that the clients leave shows as a message would: by EPIPE. */
static void readable(uv_poll_t *poll, int status, int events)
{
	const int in = *(int *)poll->data;
	int number;
	struct mbox_recvmsg next = {
		.buf = &number, .len = sizeof(number), .flags = MBOX_WAIT_NONE,
	};
	struct mbox_header header;

	(void)events;
	if (status < 0)
		errx(1, "%s", uv_strerror(status));
	while (mbox_recvmsg(in, &next, &header) >= 0) {
		number *= number;
		if (mbox_reply(in, header.token, &number, sizeof(number)) == 0)
			answered++;
	}
	if (errno == EPIPE)
		uv_poll_stop(poll);
	else if (errno != EAGAIN)
		err(1, "mbox_recvmsg");
}

/* With no right to receive: when the server is gone, they hear of it. */
static void client(int mb, int in)
{
	int server = mbox_narrow(mb, MBOX_SEND, 0);

	close(mb);
	close(in);
	for (int i = 0, square; i < CALLS; i++)
		if (mbox_call(server, &i, sizeof(i), &square, sizeof(square)) < 0 ||
		    square != i * i)
			err(1, "the square of %d", i);
	_exit(0);
}

int main(void)
{
	int mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int in = mbox_narrow(mb, MBOX_RECV, 0);
	uv_poll_t poll = { .data = &in };

	if (in < 0)
		err(1, "mailbox");
	for (int i = 0; i < CLIENTS; i++)
		if (fork() == 0)
			client(mb, in);
	close(mb);
	if (uv_poll_init(uv_default_loop(), &poll, in) ||
	    uv_poll_start(&poll, UV_READABLE, readable))
		errx(1, "uv_poll");
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	printf("%d calls\n", answered);
	return answered != CLIENTS * CALLS;
}
