/* SPDX-License-Identifier: MIT */
/*
 * mboxctl: what its commands share.
 */
#ifndef MBOXCTL_H
#define MBOXCTL_H

#include <argp.h>
#include <mbox.h>
#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* How a command ends. */
enum {
	STATUS_OK,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_NOTHING,		/* nothing came, or no room, in the time that there was */
	STATUS_NOT_FOUND,	/* no such mailbox */
};

int cmd_ls(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_peek(int argc, char **argv);
int cmd_drain(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* ---- common.c ---- */

/* Which mailbox is meant: one with a name, or a process's own. */
struct target {
	const char *name;
	pid_t pid;		/* 0: by the name */
};

#define TARGET_OPTION \
	{ "pid", 'P', "PID", 0, "the mailbox of this process, instead of one with a name", 0 }

void target_argument(struct argp_state *state, struct target *t, char *arg);
void target_process(struct argp_state *state, struct target *t, const char *arg);
void target_check(struct argp_state *state, const struct target *t);
int target_open(const struct target *t, unsigned int rights);
int target_open_any(const struct target *t);
const char *target_name(const struct target *t);

int refuse(int error, const char *what, const struct target *t);
uint64_t number(struct argp_state *state, const char *what, const char *text, uint64_t max);
int64_t seconds(struct argp_state *state, const char *what, const char *text);
void *allocate(void *old, size_t size);
int finish_output(int status);

#endif /* MBOXCTL_H */
