// SPDX-License-Identifier: MIT
/*
 * mboxctl: mailboxes from the shell.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "mboxctl.h"

const char *argp_program_version = "mboxctl 0.1.0";

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "ls", cmd_ls, "list the mailboxes that can be found" },
	{ "stat", cmd_stat, "show one, in full" },
	{ "top", cmd_top, "watch their traffic" },
	{ "create", cmd_create, "create one with a name" },
	{ "rm", cmd_rm, "take the names of some away" },
	{ "set", cmd_set, "change mode, owner, limits of one" },
	{ "send", cmd_send, "send messages" },
	{ "recv", cmd_recv, "receive messages" },
	{ "peek", cmd_peek, "look at messages, and leave them there" },
	{ "drain", cmd_drain, "throw away what is there" },
	{ "call", cmd_call, "send a request, and wait for the reply" },
	{ "serve", cmd_serve, "have a command answer the requests that come" },
	{ "activate", cmd_activate, "start a server when a message comes" },
	{ "monitor", cmd_monitor, "show what happens, as it happens" },
	{ "doctor", cmd_doctor, "say what keeps mailboxes from working here" },
	{ "bench", cmd_bench, "measure mailboxes beside other kinds of IPC" },
};

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
		return NULL;
	fputs("Commands; each has a --help of its own:\n", f);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("\nExit status: 0, done; 1, failed; 2, bad usage; 3, nothing came, or there "
	      "was no room, in the time that there was; 4, there is no such mailbox; 5, "
	      "the server refused; 6, the server died.\n", f);
	fclose(f);
	return out;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	int *command = state->input;

	if (key == ARGP_KEY_NO_ARGS)
		argp_usage(state);
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	for (*command = 0; *command < (int)ARRAY_SIZE(commands); ++*command) {
		if (strcmp(commands[*command].name, arg) != 0)
			continue;
		/* The rest is the command's. */
		state->next = state->argc;
		return 0;
	}
	argp_error(state, "no such command: %s", arg);
	return EINVAL;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "COMMAND [ARG...]",
		.doc = "Mailboxes from the shell.\v",
		.help_filter = help,
	};
	const struct command *c;
	int command = 0, first = 1;
	char name[32];

	setlocale(LC_CTYPE, "");
	argp_err_exit_status = STATUS_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command);
	c = &commands[command];
	while (strcmp(argv[first], c->name) != 0)
		first++;
	snprintf(name, sizeof(name), "mboxctl %s", c->name);
	argv[first] = name;
	return c->run(argc - first, argv + first);
}
