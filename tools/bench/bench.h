/* SPDX-License-Identifier: MIT */
/*
 * What the files of mbox-bench share: the kinds of IPC, what is measured of them, and
 * the results. Whatever fails ends the program with a message: a figure that is printed
 * was measured.
 */
#ifndef MBOX_BENCH_H
#define MBOX_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define BATCH_MAX	256

void die(const char *what) __attribute__((noreturn));

/* What a call must have returned; errno says why it did not. */
#define NEED(ret, expected) \
	do { \
		if ((ret) != (expected)) \
			die(#ret); \
	} while (0)

/* ---- kinds of IPC (kinds.c, kind_*.c) ---- */

/*
 * A way for messages from some processes to others, which inherit it by fork().
 *
 * In front of each buffer that is sent or received there are FRAME writable bytes, for
 * kinds that keep their own header in front of the payload.
 */
#define FRAME	sizeof(long)

struct line {
	const struct kind *kind;
	size_t size;		/* of a message, at most */
	unsigned int depth;	/* messages that fit, at least */
	int in, out;		/* what is received from, and sent to */
	void *shared;		/* memory of both sides */
	void *priv;		/* memory of one side, made by its first operation */
};

enum kind_flags {
	KIND_EMPTY = 1 << 0,	/* carries no payload */
	KIND_BYTES = 1 << 1,	/* knows no messages */
	KIND_PAIR = 1 << 2,	/* of one process with one other, a message at a time */
	KIND_OURS = 1 << 3,	/* mbox */
};

struct kind {
	const char *name;
	const char *how;	/* which functions are called */
	unsigned int flags;

	/* Return false if this system does not have it, or not for such messages. */
	bool (*open)(struct line *l);
	void (*close)(struct line *l);
	void (*send)(struct line *l, const void *buf, size_t len);
	void (*recv)(struct line *l, void *buf, size_t len);

	/* optional: @n messages of @len bytes, which lie one after the other */
	void (*send_batch)(struct line *l, const void *buf, size_t len, unsigned int n);
	unsigned int (*recv_batch)(struct line *l, void *buf, size_t len, unsigned int n);

	/* optional: what is received can be selected by type, or comes by priority */
	void (*send_class)(struct line *l, const void *buf, size_t len, unsigned int class);
	void (*recv_class)(struct line *l, void *buf, size_t len, unsigned int class);

	/* optional, then without send and recv: a request and its reply */
	void (*call)(struct line *l, const void *buf, void *reply, size_t len);
	void (*serve)(struct line *l, void *buf, size_t len);
};

extern const struct kind kind_call, kind_call_spin, kind_mbox;
extern const struct kind kind_mq, kind_sysv, kind_pipe;
extern const struct kind kind_stream, kind_seqpacket, kind_dgram;
extern const struct kind kind_binder;
extern const struct kind kind_eventfd, kind_futex, kind_readv;

/* All of them, ours first; ends with NULL. */
extern const struct kind *const kinds[];
#define KINDS_MAX	16

const struct kind *kind_named(const char *name);
bool line_open(struct line *l, const struct kind *kind, size_t size, unsigned int depth);
void line_close(struct line *l);
void set_number(const char *path, unsigned long long number);

/* ---- results (result.c, report.c, plot.c) ---- */

/* What was done; a number that says nothing is 0. */
struct setting {
	const char *test;
	const char *variant;
	size_t size;			/* bytes of a message */
	unsigned int batch;		/* messages a system call */
	unsigned int senders, receivers;
	unsigned int queued;		/* messages that lie there all the time */
	unsigned int classes;		/* types and priorities that they have */
	unsigned int waiting;		/* receivers that wait for others */
	unsigned int mailboxes;		/* that are there */
};

struct result {
	struct setting setting;
	const struct kind *kind;
	const char *unit;
	unsigned int samples;
	double median, p99, p999;
	double fairness;		/* Jain's index; 0: one process a side */
};

extern struct result *results;
extern unsigned int result_count;

struct result *result_add(const struct setting *setting, const struct kind *kind,
			  const char *unit, double *samples, unsigned int n);

void plot(const char *json, const char *dir);
void report_table(FILE *f);
void report_json(FILE *f);
unsigned int report_goals(FILE *f);
bool goals_need(const struct setting *s);
bool result_is_rival(const struct result *r);

/* ---- measuring (measure.c) ---- */

/* What is done with all kinds that can, side by side. */
struct trial {
	struct setting setting;
	int cpu;		/* of the other process; ours is 0 */
	unsigned int samples;	/* how many pieces are timed */
	unsigned int piece;	/* how many operations are timed together */
	size_t arg_size;

	/* Return false if it cannot be done with this kind. */
	bool (*begin)(const struct trial *t, const struct kind *kind, void *arg);
	void (*run)(const struct trial *t, void *arg);	/* one piece */
	void (*end)(void *arg);
};

void measure(const struct trial *t);

/* Instead of measuring, do one thing for ever. */
extern struct profile {
	const char *kind;	/* NULL: no, measure */
	size_t size;
	unsigned int batch;
} profile;

void profile_marker(void);

extern bool counts_instructions;	/* a nanosecond is one instruction */
extern bool only_goals;			/* nothing else is measured */

uint64_t now(void);		/* ns of CLOCK_MONOTONIC */
const char *time_unit(void);
int cpus(void);
const char *placement(int cpu);	/* of another process beside ours, in words */
void pin(int cpu);		/* < 0: anywhere */
void *shared_alloc(size_t size);
char *buffer_alloc(size_t size);
void buffer_free(char *buf);
pid_t child(void);		/* 0 in the child, which dies with its parent */
void child_kill(pid_t pid);

/* ---- what is measured (test_*.c) ---- */

void test_path(void);
void test_roundtrip(void);
void test_stream(void);
void test_crowd(void);
void test_backlog(void);
void test_names(void);
void test_memory(void);

#endif /* MBOX_BENCH_H */
