// SPDX-License-Identifier: MIT
/*
 * mboxctl activate: starts a server when the first message is there, and hands it the
 * mailbox as systemd hands over sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mboxctl.h"

#define LISTEN_FD	3	/* SD_LISTEN_FDS_START */

struct activate {
	struct target target;
	bool create;
	int64_t timeout;
	char **command;
};

static error_t activate_parse(int key, char *arg, struct argp_state *state)
{
	struct activate *a = state->input;

	switch (key) {
	case 'C':
		a->create = true;
		return 0;
	case 't':
		a->timeout = seconds(state, "timeout", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (a->target.name)
			a->command = state->argv + state->next - 1;
		else
			a->target.name = arg;
		/* The rest is the command's. */
		if (a->command)
			state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		target_check(state, &a->target);
		if (!a->command)
			argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Become the server. */
static int start(const struct activate *a, int fd)
{
	char pid[16];

	/* Not to be closed by exec, which dup2() to itself would not do. */
	if (fd == LISTEN_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, LISTEN_FD) < 0)
		return refuse(errno, "cannot hand over", &a->target);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	unsetenv("LISTEN_FDNAMES");
	if (setenv("LISTEN_PID", pid, 1) || setenv("LISTEN_FDS", "1", 1))
		return refuse(errno, "cannot hand over", &a->target);
	execvp(a->command[0], a->command);
	return refuse(errno, a->command[0], NULL);
}

int cmd_activate(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "create", 'C', NULL, 0, "create the mailbox if there is none", 0 },
		{ "timeout", 't', "SECONDS", 0, "give up when none came for so long", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		options, activate_parse, "NAME -- COMMAND [ARG...]",
		"Waits until there is a message, leaves it there, and becomes the command, which "
		"finds the mailbox as descriptor 3, as sd_listen_fds(3) tells it.",
		NULL, NULL, NULL
	};
	struct activate a = { .timeout = -1 };
	struct pollfd ready = { .events = POLLIN };
	struct timespec t;
	int n;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
	ready.fd = a.create ? mbox_create(a.target.name, MBOX_RECV, NULL) :
			      target_open(&a.target, MBOX_RECV);
	if (ready.fd < 0)
		return refuse(errno, "cannot create", &a.target);
	t = (struct timespec){ a.timeout / NS, a.timeout % NS };
	n = ppoll(&ready, 1, a.timeout < 0 ? NULL : &t, NULL);
	if (n < 0)
		return refuse(errno, "cannot wait at", &a.target);
	if (!n)
		return refuse(ETIMEDOUT, "nothing came to", &a.target);
	if (ready.revents & POLLHUP)
		return refuse(EPIPE, "nothing can come to", &a.target);
	return start(&a, ready.fd);
}
