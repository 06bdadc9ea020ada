// SPDX-License-Identifier: MIT
/*
 * mboxctl send, recv, peek, drain: messages.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mboxctl.h"

#define PIECE		65536	/* of a payload whose length is not known */

/* ---- progress, on a terminal, of what takes long ---- */

struct progress {
	uint64_t done;
	time_t told;
};

static void progress_step(struct progress *p)
{
	time_t now = time(NULL);

	p->done++;
	if (!p->told)
		p->told = now;
	if (now == p->told || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%" PRIu64 " messages", p->done);
	p->told = now;
}

static void progress_end(const struct progress *p)
{
	if (p->told && isatty(STDERR_FILENO) && p->done > 1)
		fputs("\r\033[K", stderr);
}

/* ---- send ---- */

struct send {
	struct target target;
	struct mbox_sendmsg msg;
	const char *text, *file;
	uint64_t count;
	bool lines;
};

static error_t send_parse(int key, char *arg, struct argp_state *state)
{
	struct send *s = state->input;

	switch (key) {
	case 'p':
		s->msg.priority = (unsigned int)number(state, "priority", arg, MBOX_PRIORITY_MAX);
		return 0;
	case 'T':
		s->msg.type = number(state, "type", arg, UINT64_MAX);
		return 0;
	case 't':
		s->msg.flags |= MBOX_WAIT_FOR;
		s->msg.timeout = seconds(state, "timeout", arg);
		return 0;
	case 's':
		s->msg.flags |= MBOX_SYNC;
		return 0;
	case 'l':
		s->lines = true;
		return 0;
	case 'c':
		s->count = number(state, "count", arg, UINT64_MAX);
		return 0;
	case 'f':
		s->file = arg;
		return 0;
	case 'P':
		target_process(state, &s->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		if (!s->target.name && !s->target.pid)
			s->target.name = arg;
		else if (!s->text)
			s->text = arg;
		else
			argp_error(state, "one message is one argument: %s", arg);
		return 0;
	case ARGP_KEY_END:
		target_check(state, &s->target);
		if (!!s->text + !!s->file + s->lines > 1)
			argp_error(state, "the message is the argument, a file, or lines");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int send_one(int fd, const struct send *s, const void *buf, size_t len)
{
	struct mbox_sendmsg msg = s->msg;

	msg.buf = buf;
	msg.len = len;
	while (mbox_sendmsg(fd, &msg))
		if (errno != EINTR)
			return refuse(errno, "cannot send to", &s->target);
	return STATUS_OK;
}

static int send_lines(int fd, const struct send *s)
{
	struct progress p = { 0 };
	int status = STATUS_OK;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while (!status && (len = getline(&line, &size, stdin)) >= 0) {
		if (len && line[len - 1] == '\n')
			len--;
		status = send_one(fd, s, line, (size_t)len);
		progress_step(&p);
	}
	progress_end(&p);
	if (!status && !feof(stdin))
		status = refuse(errno, "cannot read", NULL);
	free(line);
	return status;
}

/* All that a file has. */
static char *read_all(FILE *f, size_t *len)
{
	size_t size = 0, n;
	char *buf = NULL;

	*len = 0;
	do {
		if (*len == size) {
			size = size ? 2 * size : PIECE;
			buf = allocate(buf, size);
		}
		n = fread(buf + *len, 1, size - *len, f);
		*len += n;
	} while (n);
	return buf;
}

static int send_all(int fd, const struct send *s)
{
	struct progress p = { 0 };
	int status = STATUS_OK;
	char *read = NULL;
	const char *buf;
	size_t len = 0;
	uint64_t i;

	if (s->file && !freopen(s->file, "r", stdin))
		return refuse(errno, s->file, NULL);
	if (!s->text) {
		read = read_all(stdin, &len);
		if (ferror(stdin))
			status = refuse(errno, "cannot read", NULL);
	}
	buf = s->text ? s->text : read;
	len = s->text ? strlen(s->text) : len;
	for (i = 0; !status && i < s->count; i++) {
		status = send_one(fd, s, buf, len);
		progress_step(&p);
	}
	progress_end(&p);
	free(read);
	return status;
}

int cmd_send(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "priority", 'p', "N", 0, "the larger the sooner it is received", 0 },
		{ "type", 'T', "N", 0, "by which it can be selected", 0 },
		{ "timeout", 't', "SECONDS", 0, "how long to wait for room; 0: not at all", 0 },
		{ "sync", 's', NULL, 0, "wait until it was received", 0 },
		{ "lines", 'l', NULL, 0, "each line of the input is a message", 0 },
		{ "count", 'c', "N", 0, "send it so many times", 0 },
		{ "file", 'f', "FILE", 0, "what this file has", 0 },
		TARGET_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		options, send_parse, "NAME [MESSAGE]",
		"Sends a message: the argument, or all of the input, whatever bytes it has.",
		NULL, NULL, NULL
	};
	struct send s = { .count = 1 };
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	fd = target_open(&s.target, MBOX_SEND);
	return s.lines ? send_lines(fd, &s) : send_all(fd, &s);
}

/* ---- recv, peek, drain ---- */

struct recv {
	struct target target;
	struct mbox_recvmsg msg;
	uint64_t count;
	bool raw, headers, json;
	size_t size;		/* of the buffer */
};

enum {
	KEY_EXCEPT = 0x100,
	KEY_LOWEST,
};

static void recv_select(struct argp_state *state, struct recv *r, unsigned int how,
			const char *arg)
{
	if (r->msg.select)
		argp_error(state, "one selection by type at a time");
	r->msg.select = how;
	r->msg.type = number(state, "type", arg, UINT64_MAX);
}

static error_t recv_parse(int key, char *arg, struct argp_state *state)
{
	struct recv *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		if (state->child_inputs)
			state->child_inputs[0] = r;
		return 0;
	case 'p':
		r->msg.min_priority = (unsigned int)number(state, "priority", arg,
							   MBOX_PRIORITY_MAX);
		return 0;
	case 'T':
		recv_select(state, r, MBOX_SELECT_EQUAL, arg);
		return 0;
	case KEY_EXCEPT:
		recv_select(state, r, MBOX_SELECT_NOT_EQUAL, arg);
		return 0;
	case KEY_LOWEST:
		recv_select(state, r, MBOX_SELECT_LOWEST, arg);
		return 0;
	case 't':
		r->msg.flags |= MBOX_WAIT_FOR;
		r->msg.timeout = seconds(state, "timeout", arg);
		return 0;
	case 'F':
		r->count = UINT64_MAX;
		return 0;
	case 'c':
		r->count = number(state, "count", arg, UINT64_MAX);
		return 0;
	case 'r':
		r->raw = true;
		return 0;
	case 'H':
		r->headers = true;
		return 0;
	case 'J':
		r->json = true;
		return 0;
	case 'P':
		target_process(state, &r->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		target_argument(state, &r->target, arg);
		return 0;
	case ARGP_KEY_END:
		target_check(state, &r->target);
		if (r->raw + r->headers + r->json > 1)
			argp_error(state, "raw, with headers or as JSON");
		if (r->msg.select == MBOX_SELECT_LOWEST && r->msg.min_priority)
			argp_error(state, "the lowest type, or a least priority");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The next one, in a buffer that grows to hold it; < 0: errno says why there is none. */
static ssize_t recv_next(int fd, struct recv *r, struct mbox_header *header)
{
	ssize_t len;

	for (;;) {
		r->msg.len = r->size;
		len = mbox_recvmsg(fd, &r->msg, header);
		if (len >= 0 || (errno != EMSGSIZE && errno != EINTR))
			return len;
		if (errno == EMSGSIZE) {
			r->size = header->len;
			r->msg.buf = allocate(r->msg.buf, r->size);
		}
	}
}

/* Whether there was memory for it. */
static bool print_json(const struct mbox_header *h, const char *buf, size_t len)
{
	json_t *payload = json_stringn(buf, len), *o;
	bool printed;
	size_t i;

	o = json_pack("{sI sI sI sI sI sI sI sI sI}",
		      "seq", (json_int_t)h->seq, "type", (json_int_t)h->type,
		      "priority", (json_int_t)h->priority, "pid", (json_int_t)h->pid,
		      "uid", (json_int_t)h->uid, "gid", (json_int_t)h->gid,
		      "badge", (json_int_t)h->badge, "time", (json_int_t)h->time,
		      "deliveries", (json_int_t)h->deliveries);
	if (payload) {
		json_object_set_new(o, "payload", payload);
	} else {
		char *hex = allocate(NULL, 2 * len + 1);

		for (i = 0; i < len; i++)
			sprintf(hex + 2 * i, "%02x", (unsigned char)buf[i]);
		json_object_set_new(o, "payload_hex", json_string(hex));
		free(hex);
	}
	printed = !json_dumpf(o, stdout, JSON_COMPACT) && putchar('\n') == '\n';
	json_decref(o);
	return printed;
}

/* How it ends. */
static int print_message(const struct recv *r, const struct mbox_header *h, size_t len)
{
	if (r->json) {
		if (!print_json(h, r->msg.buf, len) && !ferror(stdout))
			return refuse(ENOMEM, "cannot print", NULL);
		return finish_output(STATUS_OK);
	}
	if (r->headers)
		printf("seq %" PRIu64 " type %" PRIu64 " priority %" PRIu32 " pid %d uid %u"
		       " length %" PRIu32 "\n", h->seq, h->type, h->priority, (int)h->pid,
		       (unsigned int)h->uid, h->len);
	fwrite(r->msg.buf, 1, len, stdout);
	if (!r->raw)
		putchar('\n');
	return finish_output(STATUS_OK);
}

/*
 * Messages are leased until they are printed: what could not be written goes back. A call
 * is not answered here, and so ends for its caller.
 */
static int recv_many(int fd, struct recv *r)
{
	struct mbox_header header;
	int status = STATUS_OK;
	uint64_t i;
	ssize_t len;

	for (i = 0; !status && i < r->count; i++) {
		len = recv_next(fd, r, &header);
		if (len < 0 && i && (errno == EPIPE || (errno == EAGAIN && !r->msg.timeout)))
			break;
		if (len < 0)
			return refuse(errno, "cannot receive from", &r->target);
		status = print_message(r, &header, (size_t)len);
		if (header.flags & MBOX_MSG_FILES_LOST)
			fputs("mboxctl: files that came with it were closed\n", stderr);
		if (status)
			mbox_back(fd, header.token);
		else
			mbox_done(fd, header.token);
	}
	return status;
}

static const struct argp_option select_options[] = {
	{ "priority", 'p', "N", 0, "at least of this priority", 0 },
	{ "type", 'T', "N", 0, "of this type", 0 },
	{ "except", KEY_EXCEPT, "N", 0, "of any type but this", 0 },
	{ "lowest", KEY_LOWEST, "N", 0, "of the lowest type that is there, up to this", 0 },
	{ "raw", 'r', NULL, 0, "no newline after each", 0 },
	{ "headers", 'H', NULL, 0, "a line before each: type, priority, sender", 0 },
	{ "json", 'J', NULL, 0, "as JSON, a line each", 0 },
	{ "count", 'c', "N", 0, "so many of them", 0 },
	TARGET_OPTION,
	{ 0 }
};

static const struct argp select_argp = { select_options, recv_parse, NULL, NULL, NULL, NULL, NULL };
static const struct argp_child select_child[] = { { &select_argp, 0, NULL, 0 }, { 0 } };

int cmd_recv(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "timeout", 't', "SECONDS", 0, "how long to wait for each; 0: not at all", 0 },
		{ "follow", 'F', NULL, 0, "go on for ever", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		options, recv_parse, "NAME",
		"Receives a message, and prints it as it is, with a newline. A message is taken "
		"when it is printed: if that fails, it stays.", select_child, NULL, NULL
	};
	struct recv r = { .count = 1, .msg.flags = MBOX_LEASE };

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	return recv_many(target_open(&r.target, MBOX_RECV), &r);
}

int cmd_peek(int argc, char **argv)
{
	static const struct argp argp = {
		select_options, recv_parse, "NAME",
		"Prints the messages that are there, as recv does, and leaves them there.",
		NULL, NULL, NULL
	};
	struct recv r = { .count = UINT64_MAX, .msg.flags = MBOX_PEEK | MBOX_WAIT_NONE };
	struct mbox_header header = { 0 };
	int fd, status = STATUS_OK;
	unsigned int least;
	uint64_t i;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	fd = target_open(&r.target, MBOX_RECV);
	/* They come by priority; from the first on, the place is all that counts. */
	least = r.msg.min_priority;
	for (i = 0; !status && i < r.count; i++) {
		ssize_t len = recv_next(fd, &r, &header);

		if (i && (len < 0 ? errno == EAGAIN || errno == EPIPE :
				    header.priority < least))
			break;
		if (len < 0)
			return refuse(errno, "cannot look into", &r.target);
		status = print_message(&r, &header, (size_t)len);
		r.msg.after = &header;
		r.msg.min_priority = 0;
	}
	return status;
}

int cmd_drain(int argc, char **argv)
{
	static const struct argp_option options[] = { TARGET_OPTION, { 0 } };
	static const struct argp argp = {
		options, recv_parse, "NAME",
		"Receives all that is there, and throws it away.", NULL, NULL, NULL
	};
	const struct mbox_recvmsg msg = { .flags = MBOX_WAIT_NONE | MBOX_TRUNCATE };
	struct recv r = { 0 };
	uint64_t n = 0;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	fd = target_open(&r.target, MBOX_RECV);
	while (mbox_recvmsg(fd, &msg, NULL) >= 0)
		n++;
	if (errno != EAGAIN && errno != EPIPE)
		return refuse(errno, "cannot drain", &r.target);
	printf("%" PRIu64 "\n", n);
	return finish_output(STATUS_OK);
}
