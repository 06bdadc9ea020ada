// SPDX-License-Identifier: MIT
/*
 * What send and call send: where to, which payload, of which type and priority.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mboxctl.h"

#define PIECE		65536	/* of a payload whose length is not known */

enum {
	KEY_REFERENCE = 0x100,
};

static void outgoing_check(struct argp_state *state, const struct outgoing *o)
{
	target_check(state, &o->target);
	if (!!o->text + !!o->file + o->lines > 1)
		argp_error(state, "the message is the argument, a file, or lines");
	if (o->reference && (o->file || o->lines))
		argp_error(state, "a file by reference, or the payload from somewhere else");
}

static error_t outgoing_parse(int key, char *arg, struct argp_state *state)
{
	struct outgoing *o = state->input;

	switch (key) {
	case 'p':
		o->priority = (unsigned int)number(state, "priority", arg, MBOX_PRIORITY_MAX);
		return 0;
	case 'T':
		o->type = number(state, "type", arg, UINT64_MAX);
		return 0;
	case 't':
		o->waits = true;
		o->timeout = seconds(state, "timeout", arg);
		return 0;
	case 'f':
		o->file = arg;
		return 0;
	case KEY_REFERENCE:
		o->reference = arg;
		return 0;
	case 'P':
		target_process(state, &o->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		if (!o->target.name && !o->target.pid)
			o->target.name = arg;
		else if (!o->text)
			o->text = arg;
		else
			argp_error(state, "one message is one argument: %s", arg);
		return 0;
	case ARGP_KEY_END:
		outgoing_check(state, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option outgoing_options[] = {
	{ "priority", 'p', "N", 0, "the larger the sooner it is received", 0 },
	{ "type", 'T', "N", 0, "by which it can be selected", 0 },
	{ "timeout", 't', "SECONDS", 0, "how long to wait", 0 },
	{ "file", 'f', "FILE", 0, "what this file has", 0 },
	{ "by-reference", KEY_REFERENCE, "FILE", 0,
	  "the file itself, open: the receiver reads it; its bytes are not copied", 0 },
	TARGET_OPTION,
	{ 0 }
};

const struct argp outgoing_argp = {
	outgoing_options, outgoing_parse, NULL, NULL, NULL, NULL, NULL
};

/* All that is left of a file. Return 0 or errno; @o->read is to be freed anyway. */
static int read_all(struct outgoing *o, int fd)
{
	size_t size = 0;
	ssize_t n;

	do {
		if (o->len == size) {
			size = size ? 2 * size : PIECE;
			o->read = allocate(o->read, size);
		}
		n = read(fd, o->read + o->len, size - o->len);
		if (n < 0)
			return errno;
		o->len += (size_t)n;
		progress(0, (uint64_t)n);
	} while (n);
	progress_end();
	o->buf = o->read;
	return 0;
}

static int open_reference(struct outgoing *o)
{
	struct stat st;

	/* A FIFO that nobody writes to is no reason to wait. */
	o->file_fd = open(o->reference, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (o->file_fd < 0 || fstat(o->file_fd, &st))
		return refuse(errno, o->reference, NULL);
	if (!S_ISREG(st.st_mode)) {
		fprintf(stderr, "mboxctl: %s: only a regular file goes by reference\n",
			o->reference);
		return STATUS_FAILED;
	}
	o->file_count = 1;
	return STATUS_OK;
}

/**
 * outgoing_read - get the payload: the argument, a file, or all of the input
 * @o: its payload is set; with a file by reference, there is none but the argument
 *
 * Return: the exit status.
 */
int outgoing_read(struct outgoing *o)
{
	int fd = STDIN_FILENO, error;

	if (o->text) {
		o->buf = o->text;
		o->len = strlen(o->text);
	}
	if (o->reference)
		return open_reference(o);
	if (o->text)
		return STATUS_OK;
	if (o->file)
		fd = open(o->file, O_RDONLY | O_CLOEXEC);
	error = fd < 0 ? errno : read_all(o, fd);
	return error ? refuse(error, o->file ?: "cannot read", NULL) : STATUS_OK;
}
