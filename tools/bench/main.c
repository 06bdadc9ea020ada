// SPDX-License-Identifier: MIT
/*
 * mbox-bench: mailboxes and the kinds of IPC that they replace, measured side by side.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

const char *argp_program_version = "mbox-bench 0.1.0";

static const struct test {
	const char *name;
	void (*run)(void);
	const char *what;
} tests[] = {
	{ "path", test_path, "a process sends and receives, and never waits" },
	{ "roundtrip", test_roundtrip, "to another process and back, by size" },
	{ "stream", test_stream, "one way: a message a system call, batches, large messages" },
	{ "crowd", test_crowd, "many processes send, many receive" },
	{ "backlog", test_backlog, "beside messages and receivers that wait" },
	{ "names", test_names, "creating and finding one of many mailboxes" },
	{ "memory", test_memory, "what a mailbox and a message take" },
};

static struct options {
	bool chosen[ARRAY_SIZE(tests)], all;
	const char *json, *plot;
} options = { .all = true };

void die(const char *what)
{
	fprintf(stderr, "mbox-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool choose(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!strcmp(tests[i].name, name)) {
			options.chosen[i] = true;
			options.all = false;
			return true;
		}
	}
	return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'j':
		options.json = arg;
		return 0;
	case 'i':
		counts_instructions = true;
		return 0;
	case 'g':
		only_goals = true;
		return 0;
	case 'P':
		options.plot = arg;
		return 0;
	case 'p':
		profile.kind = arg;
		profile.size = 64;
		return 0;
	case 'b':
		profile.batch = (unsigned int)strtoul(arg, NULL, 10);
		return 0;
	case ARGP_KEY_ARG:
		if (!choose(arg))
			argp_error(state, "no such test: %s", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The tests, below the options. */
static char *help(int key, const char *text, void *input)
{
	char *out = NULL;
	size_t len, i;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&out, &len);
	if (!f)
		die("help");
	fputs("Tests; all of them unless some are named:\n", f);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		fprintf(f, "  %-12s %s\n", tests[i].name, tests[i].what);
	fclose(f);
	return out;
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "json", 'j', "FILE", 0, "write all figures to FILE too", 0 },
		{ "goals", 'g', NULL, 0,
		  "measure what mailboxes must reach, and no more; fail if they do not", 0 },
		{ "plot", 'P', "DIR", 0,
		  "measure nothing; draw what --json wrote, as pictures in DIR", 0 },
		{ "instructions", 'i', NULL, 0,
		  "a nanosecond of this machine is an instruction", 0 },
		{ "profile", 'p', "KIND", 0,
		  "do the test with this kind, for ever, to be watched", 0 },
		{ "batch", 'b', "N", 0, "with so many messages a system call", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = known,
		.parser = parse,
		.args_doc = "[TEST...]",
		.doc = "Measures mailboxes and other kinds of IPC side by side.\v",
		.help_filter = help,
	};
	unsigned int i;
	FILE *f;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (options.plot) {
		plot(options.json ?: "results/bench.json", options.plot);
		return 0;
	}
	pin(0);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!options.all && !options.chosen[i])
			continue;
		fprintf(stderr, "mbox-bench: %s\n", tests[i].name);
		tests[i].run();
	}
	report_table(stdout);
	if (options.json) {
		f = fopen(options.json, "we");
		if (!f)
			die(options.json);
		report_json(f);
		if (fclose(f))
			die(options.json);
	}
	return only_goals && report_goals(stdout);
}
