// SPDX-License-Identifier: MIT
/*
 * rendezvous - the message without a buffer: its sender goes on when it was
 * received, and not before.
 *
 * mbox adds: it is a flag of one message, not a kind of mailbox, and the wait
 * can end at a deadline; then the message is taken back.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEETINGS	100

static int meet(int out, int i, unsigned int flags, int64_t timeout)
{
	struct mbox_sendmsg msg = {
		.buf = &i, .len = sizeof(i),
		.flags = MBOX_SYNC | flags, .timeout = timeout,
	};

	return mbox_sendmsg(out, &msg);
}

static void expect_empty(int mb)
{
	struct mbox_stat stat;

	if (mbox_stat(mb, &stat) < 0)
		err(1, "mbox_stat");
	if (stat.messages != 0)
		errx(1, "a message is still there");
}

static int receive_all(int in)
{
	for (int i = 0, received; i < MEETINGS; i++)
		if (mbox_recv(in, &received, sizeof(received)) < 0 || received != i)
			err(1, "mbox_recv");
	return 0;
}

int main(void)
{
	int mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int status;

	if (mb < 0)
		err(1, "mbox_create");
	/* Nobody is there to meet. */
	if (meet(mb, 0, MBOX_WAIT_FOR, 1000000) == 0 || errno != ETIMEDOUT)
		errx(1, "met nobody, and did not wait in vain");
	expect_empty(mb);

	if (fork() == 0)
		return receive_all(mb);
	for (int i = 0; i < MEETINGS; i++) {
		if (meet(mb, i, MBOX_WAIT_DEFAULT, 0) < 0)
			err(1, "mbox_sendmsg");
		expect_empty(mb);
	}
	if (wait(&status) < 0 || status != 0)
		errx(1, "the receiver failed");
	printf("met %d times\n", MEETINGS);
	return 0;
}
