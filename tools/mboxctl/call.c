// SPDX-License-Identifier: MIT
/*
 * mboxctl call: a request and its reply.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "mboxctl.h"

#define REPLY_DEFAULT	(1U << 20)	/* as long as a message may be by default */

struct call {
	struct outgoing out;
	struct output output;
	uint32_t max_reply;
};

enum {
	KEY_MAX_REPLY = 0x200,
};

static error_t call_parse(int key, char *arg, struct argp_state *state)
{
	struct call *c = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->out;
		state->child_inputs[1] = &c->output;
		return 0;
	case KEY_MAX_REPLY:
		c->max_reply = (uint32_t)number(state, "max-reply", arg, UINT32_MAX);
		return 0;
	case ARGP_KEY_END:
		if (c->out.waits && !c->out.timeout)
			argp_error(state, "timeout: a call takes longer than 0 seconds");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int call_failed(int error, const struct call *c, const struct mbox_header *h)
{
	const char *name = target_name(&c->out.target);

	switch (error) {
	case EREMOTEIO:
		fprintf(stderr, "mboxctl: %s refused, with code %" PRIu32 "\n", name, h->code);
		if (h->code == SERVE_TOO_LONG)
			fputs("  that is: the reply is longer than --max-reply, if mboxctl serve "
			      "is there\n", stderr);
		if (c->output.json)
			print_message(&c->output, h, "", 0, NULL);
		return STATUS_REFUSED;
	case ECONNRESET:
		fprintf(stderr, "mboxctl: the server of %s died, or threw the request away\n",
			name);
		return STATUS_SERVER_GONE;
	default:
		return refuse(error, "cannot call", &c->out.target);
	}
}

static int call_once(int fd, const struct call *c)
{
	struct mbox_callmsg msg = {
		.buf = c->out.buf,
		.len = c->out.len,
		.type = c->out.type,
		.priority = c->out.priority,
		.files = c->out.file_count ? &c->out.file_fd : NULL,
		.file_count = c->out.file_count,
		.reply = allocate(NULL, c->max_reply),
		.reply_len = c->max_reply,
		.flags = c->out.waits ? MBOX_WAIT_FOR : 0,
		.timeout = c->out.timeout,
	};
	struct mbox_header header;
	ssize_t len;
	int status;

	do
		len = mbox_callmsg(fd, &msg, &header);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		status = call_failed(errno, c, &header);
	else
		status = print_message(&c->output, &header, msg.reply, (size_t)len, NULL);
	free(msg.reply);
	return status;
}

int cmd_call(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "max-reply", KEY_MAX_REPLY, "N", 0, "bytes of the longest reply; 1M by default",
		  0 },
		{ 0 }
	};
	static const struct argp_child children[] = {
		{ &outgoing_argp, 0, NULL, 0 }, { &output_argp, 0, NULL, 0 }, { 0 }
	};
	static const struct argp argp = {
		options, call_parse, "NAME [REQUEST]",
		"Sends a request, the argument or all of the input, waits for the reply, and "
		"prints it as recv does. --timeout is for the whole of it.",
		children, NULL, NULL
	};
	struct call c = { .max_reply = REPLY_DEFAULT };
	int fd, status;

	argp_parse(&argp, argc, argv, 0, NULL, &c);
	fd = target_open(&c.out.target, MBOX_SEND);
	status = outgoing_read(&c.out);
	if (!status)
		status = call_once(fd, &c);
	free(c.out.read);
	return status;
}
