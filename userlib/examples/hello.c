// SPDX-License-Identifier: MIT
/*
 * hello - one process creates a mailbox, another opens it by name and sends.
 *
 *	cc hello.c -lmbox
 */
#include <err.h>
#include <mbox.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char greeting[] = "hello, world";

static int child(void)
{
	int out = mbox_open("hello", MBOX_SEND);

	if (out < 0)
		err(1, "mbox_open");
	if (mbox_send(out, greeting, sizeof(greeting)) < 0)
		err(1, "mbox_send");
	return 0;
}

int main(void)
{
	char buf[64] = "";
	int in, status;
	pid_t pid;

	in = mbox_create("hello", MBOX_RECV, NULL);
	if (in < 0)
		err(1, "mbox_create");

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		return child();

	/* The child may fail, so wait five seconds and no longer. */
	if (mbox_timedrecv(in, buf, sizeof(buf), 5000000000) < 0)
		err(1, "mbox_timedrecv");
	printf("received: %s\n", buf);

	/* A name stays when its users have gone: take it away. */
	if (mbox_unlink("hello") < 0)
		err(1, "mbox_unlink");
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		errx(1, "the child failed");
	if (strcmp(buf, greeting) != 0)
		errx(1, "that is not what was sent");
	return 0;
}
