// SPDX-License-Identifier: MIT
/*
 * mboxctl ls, mboxctl stat: what there is.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "mboxctl.h"

/* ---- ls ---- */

/* A column: a word of the listing, and how it is shown. */
static const struct column {
	const char *word, *title;
	bool wide;		/* only if asked for */
	bool text;
} columns[] = {
	{ "key", "NAME", false, true },
	{ "key", "PID", false, false },
	{ "id", "ID", true, false },
	{ "mode", "MODE", false, true },
	{ "uid", "OWNER", false, true },
	{ "gid", "GROUP", true, true },
	{ "messages", "MESSAGES", false, false },
	{ "max_messages", "MAX_MESSAGES", true, false },
	{ "bytes", "BYTES", false, false },
	{ "max_bytes", "MAX_BYTES", true, false },
	{ "senders", "SENDERS", false, false },
	{ "receivers", "RECEIVERS", false, false },
	{ "waiting_senders", "WAITING_SENDERS", true, false },
	{ "waiting_receivers", "WAITING_RECEIVERS", true, false },
	{ "calls", "CALLS", true, false },
	{ "tokens", "TOKENS", true, false },
	{ "sent", "SENT", true, false },
	{ "received", "RECEIVED", true, false },
	{ "drops", "DROPS", true, false },
	{ "created", "AGE", true, false },
};

static const char *user_name(const char *id)
{
	const struct passwd *user = getpwuid((uid_t)strtoul(id, NULL, 10));

	return user ? user->pw_name : id;
}

static const char *group_name(const char *id)
{
	const struct group *group = getgrgid((gid_t)strtoul(id, NULL, 10));

	return group ? group->gr_name : id;
}

static const char *age(const char *created)
{
	static char text[32];

	snprintf(text, sizeof(text), "%lld", (now() - (int64_t)strtoull(created, NULL, 10)) / NS);
	return text;
}

/* What a column has for a mailbox; NULL: nothing. */
static const char *shown(const struct column *c, const struct listing *l)
{
	const char *word = listing_word(l, c->word);

	if (!word)
		return NULL;
	if (!strcmp(c->word, "key"))
		return listing_is_own(l) == !strcmp(c->title, "PID") ? word : NULL;
	if (!strcmp(c->word, "uid"))
		return user_name(word);
	if (!strcmp(c->word, "gid"))
		return group_name(word);
	if (!strcmp(c->word, "created"))
		return age(word);
	return word;
}

struct ls {
	bool wide, json, no_head;
};

static error_t ls_parse(int key, char *arg, struct argp_state *state)
{
	struct ls *ls = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		argp_error(state, "it takes no argument: %s", arg);
		return 0;
	case 'w':
		ls->wide = true;
		return 0;
	case 'J':
		ls->json = true;
		return 0;
	case 'n':
		ls->no_head = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct libscols_table *table_new(const struct ls *ls)
{
	struct libscols_table *table = scols_new_table();
	unsigned int i;

	if (!table)
		return NULL;
	scols_table_set_name(table, "mailboxes");
	scols_table_enable_json(table, ls->json);
	scols_table_enable_noheadings(table, ls->no_head);
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		const struct column *c = &columns[i];
		struct libscols_column *column;

		if (c->wide && !ls->wide)
			continue;
		column = scols_table_new_column(table, c->title, 0,
						c->text ? 0 : SCOLS_FL_RIGHT);
		if (!column)
			return NULL;
		scols_column_set_json_type(column, c->text ? SCOLS_JSON_STRING :
							     SCOLS_JSON_NUMBER);
	}
	return table;
}

static int table_add(struct libscols_table *table, const struct ls *ls,
		     const struct listing *l)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	unsigned int i, n = 0;

	if (!line)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		const char *word;

		if (columns[i].wide && !ls->wide)
			continue;
		word = shown(&columns[i], l);
		if (word && scols_line_set_data(line, n, word))
			return -ENOMEM;
		n++;
	}
	return 0;
}

/* All of the listing. Return 0, or minus errno. */
static int ls_print(const struct ls *ls, struct listing *l)
{
	struct libscols_table *table = table_new(ls);
	int error, ret = table ? 0 : -ENOMEM;

	while (!ret && listing_next(l))
		ret = table_add(table, ls, l);
	error = listing_close(l);
	if (!ret)
		ret = error ? -error : scols_print_table(table);
	scols_unref_table(table);
	return ret;
}

int cmd_ls(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "wide", 'w', NULL, 0, "all that is known of them", 0 },
		{ "json", 'J', NULL, 0, "as JSON", 0 },
		{ "noheadings", 'n', NULL, 0, "no first line", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		options, ls_parse, "",
		"Lists the mailboxes that can be found in this network namespace, of those that "
		"you may open or change. What is not printable in a name is in octal (\\040).",
		NULL, NULL, NULL
	};
	struct ls ls = { 0 };
	struct listing l;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &ls);
	ret = -listing_open(&l);
	if (!ret)
		ret = ls_print(&ls, &l);
	return ret ? refuse(-ret, "cannot list", NULL) : finish_output(STATUS_OK);
}

/* ---- stat ---- */

struct stat_how {
	struct target target;
	bool json;
};

static error_t stat_parse(int key, char *arg, struct argp_state *state)
{
	struct stat_how *how = state->input;

	switch (key) {
	case 'J':
		how->json = true;
		return 0;
	case 'P':
		target_process(state, &how->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		target_argument(state, &how->target, arg);
		return 0;
	case ARGP_KEY_END:
		target_check(state, &how->target);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The latencies that messages had: below how many ns, and how many. */
static json_t *latencies_json(const struct mbox_stat *st)
{
	json_t *array = json_array();
	int i;

	for (i = 0; i < MBOX_LATENCY_SLOTS; i++) {
		json_t *slot;

		if (!st->latencies[i])
			continue;
		slot = json_pack("{s:I}", "messages", (json_int_t)st->latencies[i]);
		if (i < MBOX_LATENCY_SLOTS - 1)
			json_object_set_new(slot, "below", json_integer(INT64_C(1) << (10 + i)));
		json_array_append_new(array, slot);
	}
	return array;
}

static void latencies_print(const json_t *array)
{
	static const char * const units[] = { "ns", "us", "ms", "s" };
	const json_t *slot;
	size_t i;

	json_array_foreach(array, i, slot) {
		const json_t *below = json_object_get(slot, "below");
		double time = (double)json_integer_value(below);
		unsigned int unit = 0;

		while (time >= 1000 && unit < ARRAY_SIZE(units) - 1) {
			time /= 1000;
			unit++;
		}
		printf("%-18s %" JSON_INTEGER_FORMAT, "latency",
		       json_integer_value(json_object_get(slot, "messages")));
		if (below)
			printf(" below %.3g %s\n", time, units[unit]);
		else
			puts(" longer than those");
	}
}

static json_t *stat_json(const struct mbox_stat *st)
{
	static const char * const types[] = { "sender", "pid", "badge" };
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "id", st->id },
		{ "uid", st->uid },
		{ "gid", st->gid },
		{ "messages", st->messages },
		{ "max_messages", st->max_messages },
		{ "bytes", st->bytes },
		{ "max_bytes", st->max_bytes },
		{ "max_message_size", st->max_message_size },
		{ "senders", st->senders },
		{ "receivers", st->receivers },
		{ "waiting_senders", st->waiting_senders },
		{ "waiting_receivers", st->waiting_receivers },
		{ "calls", st->calls },
		{ "tokens", st->tokens },
		{ "sent", st->sent },
		{ "received", st->received },
		{ "drops", st->drops },
		{ "spin", st->spin },
	};
	json_t *o = json_object();
	char mode[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		json_object_set_new(o, numbers[i].key,
				    json_integer((json_int_t)numbers[i].value));
	snprintf(mode, sizeof(mode), "%04o", (unsigned int)st->mode);
	json_object_set_new(o, "mode", json_string(mode));
	if (st->type_source < ARRAY_SIZE(types))
		json_object_set_new(o, "type_source", json_string(types[st->type_source]));
	json_object_set_new(o, "overflow", json_string(st->overflow == MBOX_OVERFLOW_DROP ?
						       "drop" : "block"));
	json_object_set_new(o, "ephemeral", json_boolean(st->flags & MBOX_EPHEMERAL));
	json_object_set_new(o, "rt_priority", json_boolean(st->flags & MBOX_RT_PRIORITY));
	json_object_set_new(o, "age", json_integer((now() - (int64_t)st->created) / NS));
	if (st->latency)
		json_object_set_new(o, "latencies", latencies_json(st));
	return o;
}

static void stat_print(json_t *o)
{
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value) {
		if (json_is_array(value)) {
			latencies_print(value);
			continue;
		}
		printf("%-18s ", key);
		json_dumpf(value, stdout, JSON_ENCODE_ANY);
		putchar('\n');
	}
}

int cmd_stat(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'J', NULL, 0, "as JSON", 0 },
		TARGET_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		options, stat_parse, "NAME",
		"Shows a mailbox: its limits, what it holds, who uses it. The handle that this "
		"opens for a moment is counted too.", NULL, NULL, NULL
	};
	struct stat_how how = { 0 };
	struct mbox_stat st;
	json_t *o;

	argp_parse(&argp, argc, argv, 0, NULL, &how);
	if (mbox_stat(target_open_any(&how.target), &st))
		return refuse(errno, "cannot look at", &how.target);
	o = stat_json(&st);
	if (!o)
		return refuse(ENOMEM, "cannot look at", &how.target);
	if (how.json) {
		json_dumpf(o, stdout, JSON_INDENT(3));
		putchar('\n');
	} else {
		stat_print(o);
	}
	json_decref(o);
	return finish_output(STATUS_OK);
}
