// SPDX-License-Identifier: MIT
/*
 * mboxctl top: the traffic of the mailboxes that can be found, again and again.
 */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mboxctl.h"

/* ---- what there is, at a moment ---- */

struct mailbox {
	char *name;			/* of a process's own: pid:PID */
	uint64_t id, messages, bytes, blocked, waiting, sent, received, drops;
	double sent_rate, received_rate, drop_rate;	/* a second; < 0: not known */
};

struct sample {
	struct mailbox *mailboxes;
	size_t count;
	int64_t time;
};

static void sample_free(struct sample *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		free(s->mailboxes[i].name);
	free(s->mailboxes);
	*s = (struct sample){ 0 };
}

static uint64_t figure(const struct listing *l, const char *title)
{
	const char *word = listing_word(l, title);

	return word ? strtoull(word, NULL, 10) : 0;
}

static char *name_of(const struct listing *l)
{
	char *name;

	if (asprintf(&name, "%s%s", listing_is_own(l) ? "pid:" : "",
		     listing_word(l, "key") ?: "") < 0)
		exit(refuse(ENOMEM, "cannot list", NULL));
	return name;
}

/* Return 0 or errno; the sample is to be freed anyway. */
static int sample_take(struct sample *s)
{
	struct listing l;
	struct mailbox *m;
	int error;

	*s = (struct sample){ .time = now() };
	error = listing_open(&l);
	if (error)
		return error;
	while (listing_next(&l)) {
		if (!(s->count & (s->count - 1)))
			s->mailboxes = allocate(s->mailboxes, (2 * s->count + 1) * sizeof(*m));
		m = &s->mailboxes[s->count++];
		*m = (struct mailbox){
			.name = name_of(&l),
			.id = figure(&l, "id"),
			.messages = figure(&l, "messages"),
			.bytes = figure(&l, "bytes"),
			.blocked = figure(&l, "waiting_senders"),
			.waiting = figure(&l, "waiting_receivers"),
			.sent = figure(&l, "sent"),
			.received = figure(&l, "received"),
			.drops = figure(&l, "drops"),
			.sent_rate = -1,
			.received_rate = -1,
			.drop_rate = -1,
		};
	}
	return listing_close(&l);
}

static int by_id(const void *a, const void *b)
{
	const struct mailbox *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* How fast it goes since the sample before, whose mailboxes are by id. */
static void sample_compare(struct sample *s, const struct sample *before)
{
	const double time = (double)(s->time - before->time) / NS;
	static const struct mailbox none;
	const struct mailbox *was;
	struct mailbox *m;
	size_t i;

	if (!before->time)
		return;
	for (i = 0; i < s->count; i++) {
		m = &s->mailboxes[i];
		was = before->count ? bsearch(m, before->mailboxes, before->count, sizeof(*m),
					      by_id) : NULL;
		/* Those of a module that was loaded anew are others. */
		if (!was || was->sent > m->sent || was->received > m->received)
			was = &none;
		m->sent_rate = (double)(m->sent - was->sent) / time;
		m->received_rate = (double)(m->received - was->received) / time;
		m->drop_rate = (double)(m->drops - was->drops) / time;
	}
}

/* ---- the order that they are shown in ---- */

static int by_name(const void *a, const void *b)
{
	const struct mailbox *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int by_traffic(const void *a, const void *b)
{
	const struct mailbox *x = a, *y = b;
	const double s = x->sent_rate + x->received_rate, t = y->sent_rate + y->received_rate;

	return (s < t) - (s > t) ?: by_name(a, b);
}

static int by_messages(const void *a, const void *b)
{
	const struct mailbox *x = a, *y = b;

	return (x->messages < y->messages) - (x->messages > y->messages) ?: by_name(a, b);
}

static int by_bytes(const void *a, const void *b)
{
	const struct mailbox *x = a, *y = b;

	return (x->bytes < y->bytes) - (x->bytes > y->bytes) ?: by_name(a, b);
}

static const struct order {
	const char *name;		/* its first letter is the key */
	int (*compare)(const void *a, const void *b);
} orders[] = {
	{ "traffic", by_traffic },
	{ "messages", by_messages },
	{ "bytes", by_bytes },
	{ "name", by_name },
};

/* ---- how they are shown ---- */

struct top {
	const struct order *order;
	int64_t delay;			/* in ns */
	uint64_t count;			/* how often */
	bool live, colours;
	struct sample sample;
};

enum column {
	NAME, MESSAGES, BYTES, SENT, RECEIVED, DROPS, BLOCKED, WAITING, COLUMNS
};

static const char * const titles[COLUMNS] = {
	"NAME", "MESSAGES", "BYTES", "SENT/s", "RECEIVED/s", "DROPS/s", "BLOCKED", "WAITING",
};

static void table_set(struct libscols_line *line, enum column column, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.0f", value);
	if (value >= 0 && scols_line_set_data(line, column, text))
		exit(refuse(ENOMEM, "cannot show", NULL));
}

static void table_add(const struct top *t, struct libscols_table *table,
		      const struct mailbox *m)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line || scols_line_set_data(line, NAME, m->name))
		exit(refuse(ENOMEM, "cannot show", NULL));
	table_set(line, MESSAGES, (double)m->messages);
	table_set(line, BYTES, (double)m->bytes);
	table_set(line, SENT, m->sent_rate);
	table_set(line, RECEIVED, m->received_rate);
	table_set(line, DROPS, m->drop_rate);
	table_set(line, BLOCKED, (double)m->blocked);
	table_set(line, WAITING, (double)m->waiting);
	if (t->colours && m->blocked)
		scols_line_set_color(line, "red");
}

static struct libscols_table *table_new(const struct top *t)
{
	struct libscols_table *table = scols_new_table();
	struct libscols_column *column;
	enum column i;

	scols_table_enable_colors(table, t->colours);
	for (i = 0; i < COLUMNS; i++) {
		column = scols_table_new_column(table, titles[i], 0,
						i == NAME ? SCOLS_FL_TRUNC : SCOLS_FL_RIGHT);
		if (!column)
			exit(refuse(ENOMEM, "cannot show", NULL));
		if (t->colours)
			scols_cell_set_color(scols_column_get_header(column), "reverse");
	}
	return table;
}

/* At most @rows of them, in lines of @width; 0: as many, as wide as they are. */
static char *table_text(struct top *t, unsigned int rows, unsigned int width)
{
	struct libscols_table *table = table_new(t);
	const struct sample *s = &t->sample;
	char *text;
	size_t i;

	if (s->count)
		qsort(s->mailboxes, s->count, sizeof(*s->mailboxes), t->order->compare);
	if (width) {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, width);
	}
	for (i = 0; i < s->count && (!rows || i < rows); i++)
		table_add(t, table, &s->mailboxes[i]);
	if (scols_print_table_to_string(table, &text))
		exit(refuse(ENOMEM, "cannot show", NULL));
	scols_unref_table(table);
	return text;
}

static void show_live(struct top *t)
{
	const time_t seconds = time(NULL);
	unsigned int rows, columns;
	char *table, *all, head[96], clock[16];

	screen_size(&rows, &columns);
	table = table_text(t, rows, columns);
	strftime(clock, sizeof(clock), "%T", localtime(&seconds));
	snprintf(head, sizeof(head), "%s  %zu mailboxes by %s; keys: t m b n sort, q ends",
		 clock, t->sample.count, t->order->name);
	if (asprintf(&all, "%.*s\n%s", (int)columns, head, table) < 0)
		exit(refuse(ENOMEM, "cannot show", NULL));
	screen_show(all, rows);
	free(all);
	free(table);
}

static int show(struct top *t)
{
	char *table;

	if (t->live) {
		show_live(t);
	} else {
		table = table_text(t, 0, 0);
		printf("%s\n", table);
		free(table);
	}
	return finish_output(STATUS_OK);
}

/* ---- again and again ---- */

static int sample_next(struct top *t)
{
	struct sample before = t->sample;
	int error;

	if (before.count)
		qsort(before.mailboxes, before.count, sizeof(*before.mailboxes), by_id);
	error = sample_take(&t->sample);
	sample_compare(&t->sample, &before);
	sample_free(&before);
	return error;
}

/* Until the next is due. Return whether there is to be one. */
static bool pause_until(struct top *t, int64_t next)
{
	unsigned int i;
	int key;

	if (!t->live) {
		const struct timespec at = { .tv_sec = next / NS, .tv_nsec = next % NS };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		return true;
	}
	while (now() < next) {
		key = screen_wait(next - now());
		if (key == 'q')
			return false;
		for (i = 0; i < ARRAY_SIZE(orders); i++)
			if (key == orders[i].name[0])
				t->order = &orders[i];
		if (key != KEY_NONE)
			show(t);
	}
	return true;
}

/* What goes to a terminal is there at once; otherwise each has its rates. */
static int watch(struct top *t)
{
	int error = sample_next(t), status = STATUS_OK;
	uint64_t shown = 0;

	if (t->live && !error && t->count) {
		status = show(t);
		shown++;
	}
	while (!error && !status && shown < t->count &&
	       pause_until(t, t->sample.time + t->delay)) {
		error = sample_next(t);
		if (error)
			break;
		status = show(t);
		shown++;
	}
	screen_end();
	sample_free(&t->sample);
	return error ? refuse(error, "cannot list", NULL) : status;
}

static error_t top_parse(int key, char *arg, struct argp_state *state)
{
	struct top *t = state->input;
	unsigned int i;

	switch (key) {
	case 'd':
		t->delay = seconds(state, "delay", arg);
		if (t->delay < NS / 100)
			argp_error(state, "delay: at least 0.01 seconds, and not inf");
		return 0;
	case 'n':
		t->count = number(state, "count", arg, UINT64_MAX);
		return 0;
	case 'b':
		t->live = false;
		return 0;
	case 's':
		for (i = 0; i < ARRAY_SIZE(orders); i++) {
			if (strcmp(orders[i].name, arg) != 0)
				continue;
			t->order = &orders[i];
			return 0;
		}
		argp_error(state, "sort: %s, but it must be traffic, messages, bytes or name", arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "it takes no argument: %s", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_top(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "delay", 'd', "SECONDS", 0, "between one look and the next; 2 by default", 0 },
		{ "count", 'n', "N", 0, "show so many, and end", 0 },
		{ "batch", 'b', NULL, 0, "one below the other, as plain text", 0 },
		{ "sort", 's', "WHAT", 0,
		  "the largest first: traffic, which is the default, messages, bytes; or by name",
		  0 },
		{ 0 }
	};
	static const struct argp argp = {
		options, top_parse, "",
		"Shows the traffic of the mailboxes that can be found, messages a second since "
		"the last look. BLOCKED are senders that wait for room, in red, WAITING are "
		"receivers. Keys: q ends, t, m, b and n sort by traffic, messages, bytes and "
		"name. Where the output is no "
		"terminal, it is as with --batch.",
		NULL, NULL, NULL
	};
	struct top t = {
		.order = &orders[0],
		.delay = 2 * NS,
		.count = UINT64_MAX,
		.live = isatty(STDOUT_FILENO),
	};

	argp_parse(&argp, argc, argv, 0, NULL, &t);
	t.colours = t.live && !getenv("NO_COLOR");
	if (t.live)
		screen_begin();
	return watch(&t);
}
