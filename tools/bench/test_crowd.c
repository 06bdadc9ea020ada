// SPDX-License-Identifier: MIT
/*
 * Many processes at one queue: what a message costs when so many send and so many
 * receive, and how evenly they come to it.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define CROWD_MAX	64
#define DEPTH		1024
#define ROUNDS		3
#define ENOUGH		100	/* messages */
#define PATIENCE	100	/* windows without so many */

struct crowd {
	struct line line;
	char *buf;
	unsigned long *counts;	/* messages of each sender, then of each receiver */
	unsigned int senders, receivers;
	pid_t pids[2 * CROWD_MAX];
};

static void __attribute__((noreturn)) take_part(struct crowd *c, unsigned int i)
{
	const struct kind *kind = c->line.kind;
	const size_t size = c->line.size;

	pin(-1);
	for (;;) {
		if (i < c->senders)
			kind->send(&c->line, c->buf, size);
		else
			kind->recv(&c->line, c->buf, size);
		__atomic_fetch_add(&c->counts[i], 1, __ATOMIC_RELAXED);
	}
}

static unsigned long sum(const unsigned long *counts, unsigned int n)
{
	unsigned long total = 0;

	while (n--)
		total += __atomic_load_n(&counts[n], __ATOMIC_RELAXED);
	return total;
}

/* Jain's index: 1 if all have as much, 1 / @n if one has it all. */
static double fairness(const unsigned long *counts, unsigned int n)
{
	double total = 0, squares = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		total += (double)counts[i];
		squares += (double)counts[i] * (double)counts[i];
	}
	return squares > 0 ? total * total / (n * squares) : 0;
}

static bool crowd_begin(struct crowd *c, const struct kind *kind, const struct setting *s)
{
	unsigned int i;

	if (!kind->send || (kind->flags & (KIND_PAIR | KIND_BYTES)) ||
	    !line_open(&c->line, kind, s->size, DEPTH))
		return false;
	c->senders = s->senders;
	c->receivers = s->receivers;
	c->buf = buffer_alloc(s->size);
	c->counts = shared_alloc(sizeof(*c->counts) * 2 * CROWD_MAX);
	for (i = 0; i < c->senders + c->receivers; i++) {
		c->pids[i] = child();
		if (!c->pids[i])
			take_part(c, i);
	}
	return true;
}

static void crowd_end(struct crowd *c)
{
	unsigned int i;

	/* All at once: each alone would have to wait for its turn among the others. */
	for (i = 0; i < c->senders + c->receivers; i++)
		kill(c->pids[i], SIGKILL);
	for (i = 0; i < c->senders + c->receivers; i++)
		child_kill(c->pids[i]);
	munmap(c->counts, sizeof(*c->counts) * 2 * CROWD_MAX);
	line_close(&c->line);
	buffer_free(c->buf);
}

/* ns a message that arrives, while all are there; how evenly, by the way. */
static double crowd_watch(struct crowd *c, double *even)
{
	const useconds_t settle = counts_instructions ? 10000 : 100000;
	const useconds_t time = counts_instructions ? 20000 : 300000;
	const unsigned long *received = c->counts + c->senders;
	unsigned long before, n;
	unsigned int windows = 0;
	uint64_t begin;
	double ns, a, b;

	usleep(settle);
	before = sum(received, c->receivers);
	begin = now();
	/* Among many, those who matter may not have come to their turn yet. */
	do {
		usleep(time);
		n = sum(received, c->receivers) - before;
		errno = ETIMEDOUT;
		NEED(++windows < PATIENCE, true);
	} while (n < ENOUGH);
	ns = (double)(now() - begin) / (double)n;
	a = fairness(c->counts, c->senders);
	b = fairness(received, c->receivers);
	*even = a < b ? a : b;
	return ns;
}

static void crowds(unsigned int senders, unsigned int receivers)
{
	const struct setting s = {
		.test = "crowd", .size = 64, .senders = senders, .receivers = receivers,
	};
	double samples[KINDS_MAX][ROUNDS], even[KINDS_MAX] = { 0 };
	const struct kind *done[KINDS_MAX] = { NULL };
	struct result *r;
	unsigned int i, round;
	struct crowd c;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; kinds[i]; i++) {
			if (!crowd_begin(&c, kinds[i], &s))
				continue;
			samples[i][round] = crowd_watch(&c, &even[i]);
			done[i] = kinds[i];
			crowd_end(&c);
		}
	}
	for (i = 0; kinds[i]; i++) {
		if (!done[i])
			continue;
		r = result_add(&s, done[i], time_unit(), samples[i], ROUNDS);
		r->fairness = even[i];
	}
}

void test_crowd(void)
{
	static const unsigned int sizes[] = { 2, 8, 64 };
	unsigned int i;

	crowds(1, 1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		crowds(sizes[i], 1);
		crowds(1, sizes[i]);
		crowds(sizes[i], sizes[i]);
	}
}
