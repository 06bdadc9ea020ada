// SPDX-License-Identifier: MIT
/*
 * rpc_async - the asynchronous remote procedure call: requests go to several
 * servers at once, and one epoll loop takes the replies as they come.
 *
 * mbox adds: a reply comes even if the server dies, of the type asked for.
 */
#include <err.h>
#include <mbox.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SERVERS		2
#define REQUESTS	20
#define DEADLY		15	/* the last server dies of it */

static void serve(int in, int number)
{
	int n;
	struct mbox_recvmsg any = { .buf = &n, .len = sizeof(n) };
	struct mbox_header header;

	while (mbox_recvmsg(in, &any, &header) >= 0) {
		if (number == SERVERS && n == DEADLY)
			break;
		n *= n;
		if (mbox_reply(in, header.token, &n, sizeof(n)) < 0)
			err(1, "mbox_reply");
	}
	_exit(0);
}

/* Return the mailbox where its replies will come. */
static int ask_server(int number)
{
	int out = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int in = mbox_narrow(out, MBOX_RECV, 0), n;
	struct mbox_sendmsg request = {
		.buf = &n, .len = sizeof(n), .reply_max = sizeof(n),
		.reply_to = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL),
		.flags = MBOX_REPLY_TO,
	};

	for (n = 1; n <= REQUESTS; n++) {
		request.reply_type = (uint64_t)n;
		if (mbox_sendmsg(out, &request) < 0)
			err(1, "mbox_sendmsg");
	}
	close(out);
	if (fork() == 0)
		serve(in, number);
	close(in);
	return request.reply_to;
}

int main(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), square, failed = 0;
	struct mbox_recvmsg any = { .buf = &square, .len = sizeof(square) };
	struct epoll_event event = { .events = EPOLLIN };
	struct mbox_header header;

	for (int i = 1; i <= SERVERS; i++) {
		event.data.fd = ask_server(i);
		epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
	}
	for (int left = SERVERS * REQUESTS; left > 0; left--) {
		if (epoll_wait(epoll, &event, 1, -1) < 0 ||
		    mbox_recvmsg(event.data.fd, &any, &header) < 0)
			err(1, "mbox_recvmsg");
		if (header.flags & MBOX_MSG_FAILED)
			failed++;
		else if (square != (int)(header.type * header.type))
			errx(1, "a wrong reply");
	}
	printf("%d replies, %d failed\n", SERVERS * REQUESTS, failed);
	return failed != REQUESTS - DEADLY + 1;
}
