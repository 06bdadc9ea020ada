// SPDX-License-Identifier: MIT
/*
 * The pure length of the path: one process sends and receives, and never waits.
 */
#include "bench.h"

struct path {
	struct line line;
	char *buf;
};

static bool path_begin(const struct trial *t, const struct kind *kind, void *arg)
{
	struct path *p = arg;

	if (!kind->send || kind == &kind_readv ||
	    !line_open(&p->line, kind, t->setting.size, 8))
		return false;
	p->buf = buffer_alloc(t->setting.size);
	return true;
}

static void path_run(const struct trial *t, void *arg)
{
	struct path *p = arg;
	const struct kind *kind = p->line.kind;
	unsigned int i;

	for (i = 0; i < t->piece; i++) {
		kind->send(&p->line, p->buf, t->setting.size);
		kind->recv(&p->line, p->buf, t->setting.size);
	}
}

static void path_end(void *arg)
{
	struct path *p = arg;

	line_close(&p->line);
	buffer_free(p->buf);
}

void test_path(void)
{
	static const size_t sizes[] = { 8, 64, 1024 };
	struct trial t = {
		.setting = { .test = "send and receive" },
		.samples = 40,
		.piece = 64,
		.arg_size = sizeof(struct path),
		.begin = path_begin,
		.run = path_run,
		.end = path_end,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		t.setting.size = sizes[i];
		measure(&t);
	}
}
