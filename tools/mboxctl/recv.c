// SPDX-License-Identifier: MIT
/*
 * mboxctl recv, peek, drain: messages that are there, or that will come.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "mboxctl.h"

struct recv {
	struct target target;
	struct incoming in;
	struct output output;
	uint64_t count;
};

enum {
	KEY_EXCEPT = 0x100,
	KEY_LOWEST,
	KEY_SAVE,
};

/* ---- which messages ---- */

static void set_select(struct argp_state *state, struct mbox_recvmsg *how, unsigned int select,
		       const char *arg)
{
	if (how->select)
		argp_error(state, "one selection by type at a time");
	how->select = select;
	how->type = number(state, "type", arg, UINT64_MAX);
}

static error_t select_parse(int key, char *arg, struct argp_state *state)
{
	struct recv *r = state->input;
	struct mbox_recvmsg *how = &r->in.how;

	switch (key) {
	case 'p':
		how->min_priority = (unsigned int)number(state, "priority", arg,
							 MBOX_PRIORITY_MAX);
		return 0;
	case 'T':
		set_select(state, how, MBOX_SELECT_EQUAL, arg);
		return 0;
	case KEY_EXCEPT:
		set_select(state, how, MBOX_SELECT_NOT_EQUAL, arg);
		return 0;
	case KEY_LOWEST:
		set_select(state, how, MBOX_SELECT_LOWEST, arg);
		return 0;
	case 'c':
		r->count = number(state, "count", arg, UINT64_MAX);
		return 0;
	case ARGP_KEY_END:
		if (how->select == MBOX_SELECT_LOWEST && how->min_priority)
			argp_error(state, "the lowest type, or a least priority");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option select_options[] = {
	{ "priority", 'p', "N", 0, "at least of this priority", 0 },
	{ "type", 'T', "N", 0, "of this type", 0 },
	{ "except", KEY_EXCEPT, "N", 0, "of any type but this", 0 },
	{ "lowest", KEY_LOWEST, "N", 0, "of the lowest type that is there, up to this", 0 },
	{ "count", 'c', "N", 0, "so many of them", 0 },
	{ 0 }
};

static const struct argp select_argp = {
	select_options, select_parse, NULL, NULL, NULL, NULL, NULL
};

static const struct argp_child children[] = {
	{ &select_argp, 0, NULL, 0 }, { &output_argp, 0, NULL, 0 }, { 0 }
};

static error_t recv_parse(int key, char *arg, struct argp_state *state)
{
	struct recv *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		if (state->child_inputs) {
			state->child_inputs[0] = r;
			state->child_inputs[1] = &r->output;
		}
		return 0;
	case 't':
		r->in.how.flags |= MBOX_WAIT_FOR;
		r->in.how.timeout = seconds(state, "timeout", arg);
		return 0;
	case 'F':
		r->count = UINT64_MAX;
		return 0;
	case KEY_SAVE:
		r->output.save_dir = arg;
		return 0;
	case 'P':
		target_process(state, &r->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		target_argument(state, &r->target, arg);
		return 0;
	case ARGP_KEY_END:
		target_check(state, &r->target);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- recv ---- */

/*
 * Messages are leased until they are printed: what could not be written goes back. A call
 * is not answered here, and so ends for its caller.
 */
static int recv_many(int fd, struct recv *r)
{
	const struct mbox_recvmsg *how = &r->in.how;
	int error, status = STATUS_OK;
	uint64_t i;

	if (isatty(STDOUT_FILENO))
		progress_never();
	for (i = 0; !status && i < r->count; i++) {
		error = incoming_next(fd, &r->in);
		if (i && (error == EPIPE || (error == EAGAIN && !how->timeout)))
			break;
		if (error)
			return refuse(error, "cannot receive from", &r->target);
		status = print_message(&r->output, &r->in.header, r->in.buf, r->in.len,
				       &r->in.files);
		if (status)
			mbox_back(fd, r->in.header.token);
		else
			mbox_done(fd, r->in.header.token);
		files_close(&r->in.files, !status);
		progress(1, r->in.len);
	}
	progress_end();
	return status;
}

int cmd_recv(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "timeout", 't', "SECONDS", 0, "how long to wait for each; 0: not at all", 0 },
		{ "follow", 'F', NULL, 0, "go on for ever", 0 },
		{ "save-files", KEY_SAVE, "DIR", 0,
		  "save files that come with a message, as DIR/SEQ.N, instead of printing what "
		  "is in them", 0 },
		TARGET_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		options, recv_parse, "NAME",
		"Receives a message, and prints it as it is, what is in its files after it, with "
		"a newline. A message is taken when it is printed: if that fails, it stays.",
		children, NULL, NULL
	};
	struct recv r = { .count = 1, .in.how.flags = MBOX_LEASE };

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	return recv_many(target_open(&r.target, MBOX_RECV), &r);
}

/* ---- peek ---- */

static int peek_many(int fd, struct recv *r)
{
	const unsigned int least = r->in.how.min_priority;
	struct mbox_header last;
	int error, status = STATUS_OK;
	uint64_t i;

	/* They come by priority; from the first on, the place is all that counts. */
	for (i = 0; !status && i < r->count; i++) {
		error = incoming_next(fd, &r->in);
		if (i && (error ? error == EAGAIN || error == EPIPE :
				  r->in.header.priority < least))
			break;
		if (error) {
			status = refuse(error, "cannot look into", &r->target);
			break;
		}
		status = print_message(&r->output, &r->in.header, r->in.buf, r->in.len, NULL);
		if (r->in.how.select == MBOX_SELECT_LOWEST)
			break; /* there is no going on from there */
		last = r->in.header;
		r->in.how.after = &last;
		r->in.how.min_priority = 0;
	}
	r->in.how.after = NULL;
	return status;
}

int cmd_peek(int argc, char **argv)
{
	static const struct argp_option options[] = { TARGET_OPTION, { 0 } };
	static const struct argp argp = {
		options, recv_parse, "NAME",
		"Prints the messages that are there, as recv does, and leaves them there; what "
		"is in their files is not printed.",
		children, NULL, NULL
	};
	struct recv r = { .count = UINT64_MAX, .in.how.flags = MBOX_PEEK | MBOX_WAIT_NONE };

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	return peek_many(target_open(&r.target, MBOX_RECV), &r);
}

/* ---- drain ---- */

/*
 * What was sent later is set aside until all else is gone, or there would be no end to it;
 * then it goes back to its place.
 */
static int drain(int fd, const struct target *t, uint64_t *n)
{
	const struct mbox_recvmsg msg = { .flags = MBOX_WAIT_NONE | MBOX_TRUNCATE | MBOX_LEASE };
	const int64_t begin = now();
	struct mbox_header header;
	uint32_t *aside = NULL;
	size_t later = 0, i;
	int error;

	while (mbox_recvmsg(fd, &msg, &header) >= 0) {
		if (header.time <= begin) {
			mbox_done(fd, header.token);
			++*n;
			continue;
		}
		aside = allocate(aside, (later + 1) * sizeof(*aside));
		aside[later++] = header.token;
	}
	error = errno;
	for (i = 0; i < later; i++)
		mbox_back(fd, aside[i]);
	free(aside);
	if (error != EAGAIN && error != EPIPE)
		return refuse(error, "cannot drain", t);
	return STATUS_OK;
}

int cmd_drain(int argc, char **argv)
{
	static const struct argp_option options[] = { TARGET_OPTION, { 0 } };
	static const struct argp argp = {
		options, recv_parse, "NAME",
		"Receives all that was sent before, throws it away, and tells how many messages "
		"that were.", NULL, NULL, NULL
	};
	struct recv r = { 0 };
	uint64_t n = 0;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	status = drain(target_open(&r.target, MBOX_RECV), &r.target, &n);
	printf("%" PRIu64 "\n", n);
	return finish_output(status);
}
