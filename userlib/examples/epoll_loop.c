// SPDX-License-Identifier: MIT
/*
 * epoll_loop - one loop serves several mailboxes until all senders have gone.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAILBOXES	3
#define MESSAGES	100

/* A mailbox that a child fills; returns the handle to receive through. */
static int start_sender(void)
{
	int mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int in = mbox_narrow(mb, MBOX_RECV, 0);

	if (in < 0)
		err(1, "mbox_narrow");
	if (fork() == 0) {
		for (int i = 0; i < MESSAGES; i++)
			if (mbox_send(mb, &i, sizeof(i)) < 0)
				err(1, "mbox_send");
		_exit(0);
	}
	close(mb);
	return in;
}

int main(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	int open, received = 0, i;

	for (open = 0; open < MAILBOXES; open++) {
		event.data.fd = start_sender();
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
			err(1, "epoll_ctl");
	}
	while (open > 0) {
		if (epoll_wait(epoll, &event, 1, -1) < 0)
			err(1, "epoll_wait");
		if (mbox_timedrecv(event.data.fd, &i, sizeof(i), 0) >= 0) {
			received++;
		} else if (errno == EPIPE) {
			/* Children have it too, so close() would not do. */
			epoll_ctl(epoll, EPOLL_CTL_DEL, event.data.fd, NULL);
			open--;
		} else if (errno != EAGAIN) {
			err(1, "mbox_timedrecv");
		}
	}
	printf("%d messages\n", received);
	return received != MAILBOXES * MESSAGES;
}
