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

/*
 * @ours is to be at most @goal times @theirs, or @goal if there is none. Where that is
 * more than can be reached (see Documentation/performance.rst), it may not get worse than
 * the @best that was.
 */
static const struct goal {
	const char *what;
	double goal, best;
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
	{ "call and reply, against POSIX mq", 0.70, 1.13,
	  { "mbox call", ROUND_TRIP }, { "POSIX mq", ROUND_TRIP } },
	{ "call and reply, against eventfd, which carries nothing", 0.85, 1.37,
	  { "mbox call", ROUND_TRIP }, { "eventfd", ROUND_TRIP } },
	{ "round trip over two mailboxes, against POSIX mq", 0.88, 1.22,
	  { "mbox", ROUND_TRIP }, { "POSIX mq", ROUND_TRIP } },
	{ "call and reply between two processors, spinning, against the best that sleeps", 0.20, 0,
	  { "mbox call, spin", TWO_PROCESSORS }, { NULL, TWO_PROCESSORS } },
	{ "send and receive by one process, against the best", 0.70, 1.41,
	  { "mbox", PATH }, { NULL, PATH } },
	{ "one way, against the best", 0.90, 1.86,
	  { "mbox", ONE_WAY(1) }, { NULL, ONE_WAY(1) } },
	{ "one way, 32 at a time, against the best with or without batches", 0.18, 0.89,
	  { "mbox", ONE_WAY(32) }, { NULL, ONE_WAY(32) } },
	{ "beside 65,536 queued messages, against 16", 1.5, 0,
	  { "mbox", BACKLOG(NULL, 65536) }, { "mbox", BACKLOG(NULL, 16) } },
	{ "one type beside 65,536 queued messages, against 16", 1.5, 0,
	  { "mbox", BACKLOG("one type", 65536) }, { "mbox", BACKLOG("one type", 16) } },
	{ "one type beside 4,096 queued messages, against System V", 0.05, 0.10,
	  { "mbox", BACKLOG("one type", 4096) }, { "SysV msg", BACKLOG("one type", 4096) } },
	{ "bytes of an idle mailbox", 768, 0,
	  { "mbox", { .test = "memory", .variant = "idle mailbox" } }, { 0 } },
	{ "bytes of a queued message beside its 64", 128, 196,
	  { "mbox", { .test = "memory", .variant = "overhead of a message", .size = 64 } },
	  { 0 } },
};

static bool setting_is(const struct setting *s, const struct setting *wanted)
{
	return wanted->test && !strcmp(s->test, wanted->test) &&
	       !strcmp(s->variant ?: "", wanted->variant ?: "") &&
	       s->size == wanted->size && s->batch == wanted->batch &&
	       s->classes == wanted->classes && !s->waiting &&
	       (!wanted->queued || s->queued == wanted->queued);
}

/**
 * goals_need - whether a goal is about something
 * @s: how it is measured
 */
bool goals_need(const struct setting *s)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(goals); i++) {
		if (setting_is(s, &goals[i].ours.setting) ||
		    setting_is(s, &goals[i].theirs.setting))
			return true;
	}
	return false;
}

/* The least figure of a kind; 0: it was not measured. */
static double figure_of(const char *kind, const struct setting *s)
{
	double least = 0;
	unsigned int i;

	for (i = 0; i < result_count; i++) {
		const struct result *r = &results[i];

		if (!setting_is(&r->setting, s))
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

static bool needs_two(const struct goal *g)
{
	const char *variant = g->ours.setting.variant;

	return variant && !strcmp(variant, placement(1));
}

static double goal_reached(const struct goal *g)
{
	double ours = figure(&g->ours), theirs;

	if (!g->theirs.setting.test)
		return ours;
	theirs = figure(&g->theirs);
	return theirs > 0 ? ours / theirs : 0;
}

/**
 * report_goals - tell which goals were reached
 * @f: where to
 *
 * Return: how many were missed, or are further away than they were, by more than 3 %; what
 * was not measured among them, unless it needs two processors and there is one.
 */
unsigned int report_goals(FILE *f)
{
	unsigned int i, passed = 0, failed = 0;

	fprintf(f, "%8s %8s %8s\n", "goal", "best", "reached");
	for (i = 0; i < ARRAY_SIZE(goals); i++) {
		const struct goal *g = &goals[i];
		const double reached = goal_reached(g);
		const int digits = g->goal < 2 ? 2 : 0;
		const char *verdict = "";

		if (reached <= 0 && cpus() < 2 && needs_two(g))
			continue;
		if (reached <= 0) {
			verdict = ": not measured";
			failed++;
		} else if (reached > (g->best > 0 ? g->best : g->goal) * TOLERANCE) {
			verdict = g->best > 0 ? ": got worse" : ": missed";
			failed++;
		} else {
			passed++;
		}
		fprintf(f, "%8.*f ", digits, g->goal);
		if (g->best > 0)
			fprintf(f, "%8.*f ", digits, g->best);
		else
			fprintf(f, "%8s ", "");
		fprintf(f, "%8.*f  %s%s\n", digits, reached, g->what, verdict);
	}
	fprintf(f, "%u passed, %u failed\n", passed, failed);
	return failed;
}
