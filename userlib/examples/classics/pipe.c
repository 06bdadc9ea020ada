// SPDX-License-Identifier: MIT
/*
 * pipe - the anonymous pipe: a child writes, its parent reads until the end.
 *
 * mbox adds: what was written in one piece is read in one piece.
 */
#include <err.h>
#include <mbox.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES	3

static const char *const lines[LINES] = { "first line", "", "the last" };

static int child(int out)
{
	for (int i = 0; i < LINES; i++)
		if (dprintf(out, "%s\n", lines[i]) < 0)
			err(1, "dprintf");
	return 0;
}

static void check_line(int i, const char *buf, size_t len)
{
	if (i >= LINES || len != strlen(lines[i]) + 1 ||
	    memcmp(buf, lines[i], len - 1) != 0 || buf[len - 1] != '\n')
		errx(1, "line %d is not what was written", i);
}

int main(void)
{
	int both = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int in = mbox_narrow(both, MBOX_RECV, 0);
	int out = mbox_narrow(both, MBOX_SEND, 0);
	int status, received = 0;
	char buf[64];
	ssize_t len;
	pid_t pid;

	if (in < 0 || out < 0)
		err(1, "mbox_narrow");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		return child(out);

	/* As with a pipe: the end comes when nobody is left who can write. */
	close(both);
	close(out);
	while ((len = read(in, buf, sizeof(buf))) > 0)
		check_line(received++, buf, (size_t)len);
	if (len < 0)
		err(1, "read");
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		errx(1, "the child failed");
	printf("%d lines, then the end\n", received);
	return received != LINES;
}
