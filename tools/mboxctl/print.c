// SPDX-License-Identifier: MIT
/*
 * Printing messages that were received, or replies: as they are, below a header, as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "mboxctl.h"

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is argp's */
static error_t output_parse(int key, char *arg, struct argp_state *state)
{
	struct output *o = state->input;

	(void)arg;
	switch (key) {
	case 'r':
		o->raw = true;
		return 0;
	case 'H':
		o->headers = true;
		return 0;
	case 'J':
		o->json = true;
		return 0;
	case ARGP_KEY_END:
		if (o->raw + o->headers + o->json > 1)
			argp_error(state, "raw, with headers or as JSON");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option output_options[] = {
	{ "raw", 'r', NULL, 0, "no newline after each", 0 },
	{ "headers", 'H', NULL, 0, "a line before each: type, priority, sender", 0 },
	{ "json", 'J', NULL, 0, "as JSON, a line each", 0 },
	{ 0 }
};

const struct argp output_argp = {
	output_options, output_parse, NULL, NULL, NULL, NULL, NULL
};

static void add_payload(json_t *o, const char *buf, size_t len)
{
	json_t *payload = json_stringn(len ? buf : "", len);
	char *hex;
	size_t i;

	if (payload) {
		json_object_set_new(o, "payload", payload);
		return;
	}
	hex = allocate(NULL, 2 * len + 1); /* it is not empty */
	for (i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", (unsigned char)buf[i]);
	json_object_set_new(o, "payload_hex", json_string(hex));
	free(hex);
}

/* Whether there was memory for it. */
static bool print_json(const struct mbox_header *h, const char *buf, size_t len)
{
	bool printed;
	json_t *o;

	o = json_pack("{sI sI sI sI sI sI sI sI sI}",
		      "seq", (json_int_t)h->seq, "type", (json_int_t)h->type,
		      "priority", (json_int_t)h->priority, "pid", (json_int_t)h->pid,
		      "uid", (json_int_t)h->uid, "gid", (json_int_t)h->gid,
		      "badge", (json_int_t)h->badge, "time", (json_int_t)h->time,
		      "deliveries", (json_int_t)h->deliveries);
	if (h->file_count)
		json_object_set_new(o, "files", json_integer(h->file_count));
	if (h->flags & MBOX_MSG_FAILED)
		json_object_set_new(o, "code", json_integer(h->code));
	else
		add_payload(o, buf, len);
	printed = !json_dumpf(o, stdout, JSON_COMPACT) && putchar('\n') == '\n';
	json_decref(o);
	return printed;
}

/* What nobody may have sent to our terminal: what makes it do something. */
static void print_shown(const char *buf, size_t len)
{
	mbstate_t state = { 0 };

	while (len) {
		wchar_t c;
		size_t n = mbrtowc(&c, buf, len, &state), i;
		const bool valid = n && n <= len;

		if (!valid) {
			n = 1;
			state = (mbstate_t){ 0 };
		}
		if (valid && (c == L'\n' || c == L'\t' || iswprint((wint_t)c)))
			fwrite(buf, 1, n, stdout);
		else
			for (i = 0; i < n; i++)
				printf("\\x%02x", (unsigned char)buf[i]);
		buf += n;
		len -= n;
	}
}

static bool raw;

/* Of payloads, and of files that come with them. */
void print_bytes(const char *buf, size_t len)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	if (terminal && !raw)
		print_shown(buf, len);
	else
		fwrite(buf, 1, len, stdout);
}

static void print_header(const struct mbox_header *h)
{
	printf("seq %" PRIu64 " type %" PRIu64 " priority %" PRIu32 " pid %d uid %u length %"
	       PRIu32, h->seq, h->type, h->priority, (int)h->pid, (unsigned int)h->uid, h->len);
	if (h->file_count)
		printf(" files %" PRIu32, h->file_count);
	if (h->flags & MBOX_MSG_FAILED)
		printf(" code %" PRIu32, h->code);
	putchar('\n');
}

/**
 * print_message - print a message, and what is in its files unless they are saved
 * @o: how
 * @h: its header
 * @buf: its payload
 * @len: the length of that in bytes
 * @files: that came with it; NULL: none
 *
 * Return: the exit status.
 */
int print_message(const struct output *o, const struct mbox_header *h, const char *buf,
		  size_t len, struct files *files)
{
	int status = STATUS_OK;

	if (files && o->save_dir)
		status = files_save(files, o->save_dir, h);
	if (status)
		return status;
	if (o->json) {
		if (!print_json(h, buf, len) && !ferror(stdout))
			return refuse(ENOMEM, "cannot print", NULL);
		if (files && files->count && !o->save_dir)
			fputs("mboxctl: files that came with it were closed: --save-files keeps "
			      "them\n", stderr);
		return finish_output(STATUS_OK);
	}
	if (o->headers)
		print_header(h);
	raw = o->raw;
	print_bytes(buf, len);
	if (files && !o->save_dir)
		status = files_write(files);
	if (!status && !o->raw)
		putchar('\n');
	return status ?: finish_output(STATUS_OK);
}
