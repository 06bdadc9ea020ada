// SPDX-License-Identifier: MIT
/*
 * What it costs to send and receive beside messages that lie there and receivers that
 * wait for others: of the first there is, and of a type that only this message has.
 */
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define NEVER_SENT	20000	/* a class */

struct backlog {
	struct line line;
	char *buf;
	pid_t *waiting;
	unsigned int waiters;
};

static void fill(struct backlog *b, const struct setting *s)
{
	const struct kind *kind = b->line.kind;
	unsigned int i;

	for (i = 0; i < s->queued; i++)
		kind->send_class(&b->line, b->buf, s->size, i % s->classes);
}

static void add_waiters(struct backlog *b, const struct setting *s)
{
	unsigned int i;

	b->waiting = calloc(s->waiting + 1, sizeof(*b->waiting));
	if (!b->waiting)
		die("waiting");
	for (i = 0; i < s->waiting; i++) {
		b->waiting[i] = child();
		if (!b->waiting[i])
			b->line.kind->recv_class(&b->line, b->buf, s->size, NEVER_SENT + i);
	}
	b->waiters = s->waiting;
	/* They have begun to wait long before the pieces that are not counted end. */
	usleep(100 * s->waiting);
}

static bool backlog_begin(const struct trial *t, const struct kind *kind, void *arg)
{
	const struct setting *s = &t->setting;
	struct backlog *b = arg;

	if (!kind->send_class || ((s->variant || s->waiting) && !kind->recv_class) ||
	    !line_open(&b->line, kind, s->size, s->queued + 8))
		return false;
	b->buf = buffer_alloc(s->size);
	fill(b, s);
	add_waiters(b, s);
	return true;
}

static void backlog_run(const struct trial *t, void *arg)
{
	const struct setting *s = &t->setting;
	struct backlog *b = arg;
	struct line *l = &b->line;
	unsigned int i;

	for (i = 0; i < t->piece; i++) {
		if (s->variant) {
			l->kind->send_class(l, b->buf, s->size, s->classes);
			l->kind->recv_class(l, b->buf, s->size, s->classes);
		} else {
			/* Of those that come first, the oldest goes. */
			l->kind->send_class(l, b->buf, s->size, s->classes - 1);
			l->kind->recv(l, b->buf, s->size);
		}
	}
}

static void backlog_end(void *arg)
{
	struct backlog *b = arg;

	while (b->waiters--)
		child_kill(b->waiting[b->waiters]);
	free(b->waiting);
	line_close(&b->line);
	buffer_free(b->buf);
}

static void backlogs(struct trial *t, unsigned int classes)
{
	static const unsigned int queued[] = { 16, 1024, 4096, 65536 };
	unsigned int i;

	t->setting.classes = classes;
	for (i = 0; i < ARRAY_SIZE(queued); i++) {
		t->setting.queued = queued[i];
		measure(t);
	}
}

void test_backlog(void)
{
	struct trial t = {
		.setting = { .test = "backlog", .size = 64 },
		.samples = 15,
		.piece = 16,
		.arg_size = sizeof(struct backlog),
		.begin = backlog_begin,
		.run = backlog_run,
		.end = backlog_end,
	};

	backlogs(&t, 1);
	backlogs(&t, 1024);
	t.setting.variant = "one type";
	backlogs(&t, 1);
	backlogs(&t, 1024);

	t.setting.variant = NULL;
	t.setting.queued = 16;
	t.setting.classes = 1;
	for (t.setting.waiting = 16; t.setting.waiting <= 1024; t.setting.waiting *= 8)
		measure(&t);
}
