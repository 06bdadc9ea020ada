// SPDX-License-Identifier: MIT
/*
 * What mailboxes must reach, in instructions or bytes, compared with what was measured.
 */
#include <string.h>

#include "bench.h"

#define TOLERANCE	1.03

/* A figure: of one kind, or the best of the kinds that do the same. */
struct figure {
	const char *kind;	/* NULL: the best */
	struct setting setting;
};

/* @ours may be at most @goal times @theirs, or @goal if there is none. */
static const struct goal {
	const char *what;
	double goal;
	struct figure ours, theirs;
} goals[] = {
#define ROUND_TRIP \
	{ .test = "round trip", .variant = "one processor", .size = 64 }
#define TWO_PROCESSORS \
	{ .test = "round trip", .variant = "two processors", .size = 64 }
#define ONE_WAY(n) \
	{ .test = "one way", .variant = "one processor", .size = 64, .batch = (n) }
#define PATH \
	{ .test = "send and receive", .size = 64 }
#define BACKLOG(what, n) \
	{ .test = "backlog", .variant = (what), .size = 64, .queued = (n), .classes = 1 }
	{ "call and reply, against POSIX mq", 0.70,
	  { "mbox call", ROUND_TRIP }, { "POSIX mq", ROUND_TRIP } },
	{ "call and reply, against eventfd, which carries nothing", 0.85,
	  { "mbox call", ROUND_TRIP }, { "eventfd", ROUND_TRIP } },
	{ "round trip over two mailboxes, against POSIX mq", 0.88,
	  { "mbox", ROUND_TRIP }, { "POSIX mq", ROUND_TRIP } },
	{ "call and reply between two processors, spinning, against the best that sleeps", 0.20,
	  { "mbox call, spin", TWO_PROCESSORS }, { NULL, TWO_PROCESSORS } },
	{ "send and receive by one process, against the best", 0.70,
	  { "mbox", PATH }, { NULL, PATH } },
	{ "one way, against the best", 0.90,
	  { "mbox", ONE_WAY(1) }, { NULL, ONE_WAY(1) } },
	{ "one way, 32 at a time, against the best with or without batches", 0.18,
	  { "mbox", ONE_WAY(32) }, { NULL, ONE_WAY(32) } },
	{ "beside 65,536 queued messages, against 16", 1.5,
	  { "mbox", BACKLOG(NULL, 65536) }, { "mbox", BACKLOG(NULL, 16) } },
	{ "one type beside 65,536 queued messages, against 16", 1.5,
	  { "mbox", BACKLOG("one type", 65536) }, { "mbox", BACKLOG("one type", 16) } },
	{ "one type beside 4,096 queued messages, against System V", 0.05,
	  { "mbox", BACKLOG("one type", 4096) }, { "SysV msg", BACKLOG("one type", 4096) } },
	{ "bytes of an idle mailbox", 768,
	  { "mbox", { .test = "memory", .variant = "idle mailbox" } }, { 0 } },
	{ "bytes of a queued message beside its 64", 128,
	  { "mbox", { .test = "memory", .variant = "overhead of a message", .size = 64 } },
	  { 0 } },
};

static bool measured_so(const struct result *r, const struct setting *s)
{
	return !strcmp(r->setting.test, s->test) &&
	       !strcmp(r->setting.variant ?: "", s->variant ?: "") &&
	       r->setting.size == s->size && r->setting.batch == s->batch &&
	       r->setting.classes == s->classes && !r->setting.waiting &&
	       (!s->queued || r->setting.queued == s->queued);
}

/* The least figure of a kind; 0: it was not measured. */
static double figure_of(const char *kind, const struct setting *s)
{
	double least = 0;
	unsigned int i;

	for (i = 0; i < result_count; i++) {
		const struct result *r = &results[i];

		if (!measured_so(r, s))
			continue;
		if (kind ? !!strcmp(r->kind->name, kind) : !result_is_rival(r))
			continue;
		if (least <= 0 || r->median < least)
			least = r->median;
	}
	return least;
}

static double figure(const struct figure *f)
{
	struct setting single = f->setting;
	double batch = figure_of(f->kind, &f->setting), one;

	if (f->kind || f->setting.batch <= 1)
		return batch;
	/* Those without batches that keep messages apart, one at a time. */
	single.batch = 1;
	one = figure_of(NULL, &single);
	return batch <= 0 || (one > 0 && one < batch) ? one : batch;
}

/**
 * report_goals - tell which goals were reached
 * @f: where to
 *
 * What was not measured is not told.
 *
 * Return: how many were missed by more than 3 %.
 */
unsigned int report_goals(FILE *f)
{
	unsigned int i, missed = 0;

	fprintf(f, "goal, reached:\n");
	for (i = 0; i < ARRAY_SIZE(goals); i++) {
		const struct goal *g = &goals[i];
		double reached = figure(&g->ours);

		if (g->theirs.setting.test) {
			double theirs = figure(&g->theirs);

			reached = theirs > 0 ? reached / theirs : 0;
		}
		if (reached <= 0)
			continue;
		fprintf(f, "  %6.*f %8.*f  %s%s\n", g->goal < 2 ? 2 : 0, g->goal,
			g->goal < 2 ? 2 : 0, reached, g->what,
			reached > g->goal * TOLERANCE ? ": missed" : "");
		missed += reached > g->goal * TOLERANCE;
	}
	return missed;
}
