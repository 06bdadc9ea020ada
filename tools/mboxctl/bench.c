// SPDX-License-Identifier: MIT
/*
 * mboxctl bench: mbox-bench, which lies beside this program or in PATH.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mboxctl.h"

#define PROGRAM		"mbox-bench"

struct bench {
	char **args;
	int count;
};

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is argp's */
static error_t bench_parse(int key, char *arg, struct argp_state *state)
{
	struct bench *b = state->input;

	(void)arg;
	if (key != ARGP_KEY_ARGS)
		return ARGP_ERR_UNKNOWN;
	b->args = &state->argv[state->next];
	b->count = state->argc - state->next;
	return 0;
}

/* Where it is if it is beside us; freed by nobody. */
static char *beside(void)
{
	char *self = realpath("/proc/self/exe", NULL), *slash, *path;

	slash = self ? strrchr(self, '/') : NULL;
	if (!slash || asprintf(&path, "%.*s/" PROGRAM, (int)(slash - self), self) < 0)
		exit(refuse(errno, "cannot find " PROGRAM, NULL));
	free(self);
	return path;
}

int cmd_bench(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, bench_parse, "[-- [OPTION...] [TEST...]]",
		"Measures mailboxes beside other kinds of IPC: the tests path and roundtrip, or "
		"what is said to mbox-bench, which does it (mboxctl bench -- --help).",
		NULL, NULL, NULL
	};
	struct bench b = { .args = (char *[]){ "path", "roundtrip", NULL }, .count = 2 };
	char **args, *path;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &b);
	args = allocate(NULL, (size_t)(b.count + 2) * sizeof(*args));
	args[0] = PROGRAM;
	memcpy(args + 1, b.args, (size_t)(b.count + 1) * sizeof(*args)); /* NULL too */
	path = beside();
	execv(path, args);
	if (errno == ENOENT)
		execvp(PROGRAM, args);
	if (errno != ENOENT)
		return refuse(errno, path, NULL);
	fputs("mboxctl: there is no " PROGRAM ", neither beside mboxctl nor in PATH\n"
	      "  make it, where mbox was built: make bench-program, and make install\n", stderr);
	return STATUS_FAILED;
}
