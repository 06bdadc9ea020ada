// SPDX-License-Identifier: MIT
/*
 * mboxctl send.
 */
#include <errno.h>
#include <stdlib.h>

#include "mboxctl.h"

struct send {
	struct outgoing out;
	uint64_t count;
	unsigned int flags;
};

static error_t send_parse(int key, char *arg, struct argp_state *state)
{
	struct send *s = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &s->out;
		return 0;
	case 's':
		s->flags |= MBOX_SYNC;
		return 0;
	case 'l':
		s->out.lines = true;
		return 0;
	case 'c':
		s->count = number(state, "count", arg, UINT64_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int send_one(int fd, const struct send *s, const void *buf, size_t len)
{
	const struct mbox_sendmsg msg = {
		.buf = buf,
		.len = len,
		.type = s->out.type,
		.priority = s->out.priority,
		.files = s->out.file_count ? &s->out.file_fd : NULL,
		.file_count = s->out.file_count,
		.flags = s->flags | (s->out.waits ? MBOX_WAIT_FOR : 0),
		.timeout = s->out.timeout,
	};

	while (mbox_sendmsg(fd, &msg))
		if (errno != EINTR)
			return refuse(errno, "cannot send to", &s->out.target);
	progress(1, len);
	return STATUS_OK;
}

static int send_lines(int fd, const struct send *s)
{
	int status = STATUS_OK;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while (!status && (len = getline(&line, &size, stdin)) >= 0) {
		if (len && line[len - 1] == '\n')
			len--;
		status = send_one(fd, s, line, (size_t)len);
	}
	if (!status && !feof(stdin))
		status = refuse(errno, "cannot read", NULL);
	free(line);
	return status;
}

static int send_all(int fd, struct send *s)
{
	int status = outgoing_read(&s->out);
	uint64_t i;

	for (i = 0; !status && i < s->count; i++)
		status = send_one(fd, s, s->out.buf, s->out.len);
	free(s->out.read);
	return status;
}

int cmd_send(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "sync", 's', NULL, 0, "wait until it was received", 0 },
		{ "lines", 'l', NULL, 0, "each line of the input is a message", 0 },
		{ "count", 'c', "N", 0, "send it so many times", 0 },
		{ 0 }
	};
	static const struct argp_child children[] = { { &outgoing_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		options, send_parse, "NAME [MESSAGE]",
		"Sends a message: the argument, or all of the input, whatever bytes it has. It "
		"waits for room as long as --timeout says; 0: not at all.",
		children, NULL, NULL
	};
	struct send s = { .count = 1 };
	int fd, status;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	fd = target_open(&s.out.target, MBOX_SEND);
	status = s.out.lines ? send_lines(fd, &s) : send_all(fd, &s);
	progress_end();
	return status;
}
