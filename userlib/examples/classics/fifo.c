// SPDX-License-Identifier: MIT
/*
 * fifo - the named pipe: two programs that know nothing of each other but a name.
 *
 *	fifo read & fifo write		or both, without arguments
 *
 * mbox adds: neither waits for the other to open it, what was sent stays there
 * even when the sender has gone, and the name is no file that lies around.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME		"classics.fifo"
#define MESSAGES	1000

static int write_all(void)
{
	int out = mbox_create(NAME, MBOX_SEND, NULL); /* or open what is there */

	if (out < 0)
		err(1, "mbox_create");
	for (int i = 0; i < MESSAGES; i++)
		if (mbox_send(out, &i, sizeof(i)) < 0)
			err(1, "mbox_send");
	return 0;
}

static int read_all(void)
{
	int in = mbox_create(NAME, MBOX_RECV, NULL);
	int i, received = 0;

	if (in < 0)
		err(1, "mbox_create");
	while (mbox_recv(in, &i, sizeof(i)) == sizeof(i)) {
		/* The writer has come: without the name, its end is the end. */
		if (received == 0 && mbox_unlink(NAME) < 0)
			err(1, "mbox_unlink");
		if (i != received++)
			errx(1, "%d is out of order", i);
	}
	if (errno != EPIPE)
		err(1, "mbox_recv");
	printf("%d messages, in order\n", received);
	return received != MESSAGES;
}

static void start(const char *role)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execl("/proc/self/exe", "fifo", role, NULL);
		err(1, "execl");
	}
}

int main(int argc, char **argv)
{
	int status, failed = 0;

	if (argc == 2 && strcmp(argv[1], "write") == 0)
		return write_all();
	if (argc == 2 && strcmp(argv[1], "read") == 0)
		return read_all();
	start("write");
	start("read");
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
