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
#include <stdio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define NS		1000000000LL	/* a second */

/* How a command ends. */
enum {
	STATUS_OK,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_NOTHING,		/* nothing came, or no room, in the time that there was */
	STATUS_NOT_FOUND,	/* no such mailbox */
	STATUS_REFUSED,		/* the server refused the request */
	STATUS_SERVER_GONE,	/* the server died, or threw the request away */
};

int cmd_ls(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_peek(int argc, char **argv);
int cmd_drain(int argc, char **argv);
int cmd_call(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_activate(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_bench(int argc, char **argv);

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
int64_t now(void);
void *allocate(void *old, size_t size);
int finish_output(int status);

/* ---- progress.c ---- */

void progress(uint64_t messages, uint64_t bytes);
void progress_never(void);
void progress_end(void);

/* ---- outgoing.c: what send and call send ---- */

struct outgoing {
	struct target target;
	const char *text, *file, *reference;
	bool lines;		/* those of the input instead */
	uint64_t type;
	unsigned int priority;
	bool waits;		/* for @timeout */
	int64_t timeout;

	/* outgoing_read() fills in */
	const char *buf;
	size_t len;
	char *read;		/* to be freed */
	int file_fd;
	unsigned int file_count;
};

extern const struct argp outgoing_argp;

int outgoing_read(struct outgoing *o);

/* ---- files.c: files that come with a message ---- */

struct files {
	int fd[MBOX_FILES_MAX];
	unsigned int count;
	char *path[MBOX_FILES_MAX];	/* where they were saved */
};

int files_write(const struct files *f);
int files_save(struct files *f, const char *dir, const struct mbox_header *h);
void files_close(struct files *f, bool keep);

/* ---- print.c: messages that were received ---- */

/* How they are printed, and what becomes of their files. */
struct output {
	bool raw, headers, json;
	const char *save_dir;
};

extern const struct argp output_argp;

void print_bytes(const char *buf, size_t len);
int print_message(const struct output *o, const struct mbox_header *h, const char *buf,
		  size_t len, struct files *files);

/* ---- incoming.c: receiving ---- */

/* A message, in a buffer that grows to hold it. */
struct incoming {
	struct mbox_recvmsg how;	/* but buffer and files */
	struct mbox_header header;
	char *buf;
	size_t size, len;
	struct files files;
};

int incoming_next(int fd, struct incoming *in);

/* ---- listing.c: /proc/net/mbox ---- */

#define WORDS_MAX	64

struct words {
	char *word[WORDS_MAX];
	unsigned int n;
};

struct listing {
	FILE *f;
	char *head_line, *line;
	size_t head_size, size;
	struct words head, words;
	int error;		/* why there is no more */
};

int listing_open(struct listing *l);
bool listing_next(struct listing *l);
const char *listing_word(const struct listing *l, const char *title);
bool listing_is_own(const struct listing *l);
int listing_close(struct listing *l);

/* ---- screen.c: a terminal that shows one picture after the other ---- */

enum {
	KEY_NONE,		/* the time has passed */
	KEY_RESIZED = 0x100,
};

void screen_begin(void);
void screen_end(void);
void screen_size(unsigned int *rows, unsigned int *columns);
void screen_show(const char *text, unsigned int rows);
int screen_wait(int64_t ns);

/* ---- serve.c, worker.c ---- */

/* With this code a reply is refused that is longer than the caller takes. */
#define SERVE_TOO_LONG	256

/* What the workers share. */
struct shared {
	_Atomic uint64_t left;		/* requests that are still to be served */
	_Atomic int64_t last;		/* when one came */
};

struct serve {
	struct target target;
	bool create;
	unsigned int workers;
	uint64_t count;
	int64_t timeout;		/* in ns; < 0: none */
	char **command;
	int fd;
	struct shared *shared;
};

_Noreturn void worker(const struct serve *s);

#endif /* MBOXCTL_H */
