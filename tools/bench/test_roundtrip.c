// SPDX-License-Identifier: MIT
/*
 * Round trips: to another process and back, over two lines or by a call, by size; with
 * both on one processor, and on two.
 */
#include "bench.h"

struct trip {
	struct line there, back;
	char *buf, *reply;
	pid_t server;
};

static void answer(struct trip *trip)
{
	const struct kind *kind = trip->there.kind;
	const size_t size = trip->there.size;

	if (kind->serve)
		kind->serve(&trip->there, trip->buf, size);
	for (;;) {
		kind->recv(&trip->there, trip->buf, size);
		kind->send(&trip->back, trip->buf, size);
	}
}

static bool trip_begin(const struct trial *t, const struct kind *kind, void *arg)
{
	struct trip *trip = arg;
	const size_t size = t->setting.size;

	if (!line_open(&trip->there, kind, size, 8))
		return false;
	if (!kind->call && !line_open(&trip->back, kind, size, 8)) {
		line_close(&trip->there);
		return false;
	}
	trip->buf = buffer_alloc(size);
	trip->reply = buffer_alloc(size);
	trip->server = child();
	if (!trip->server) {
		pin(t->cpu);
		answer(trip);
	}
	return true;
}

static void trip_run(const struct trial *t, void *arg)
{
	struct trip *trip = arg;
	const struct kind *kind = trip->there.kind;
	const size_t size = t->setting.size;
	unsigned int i;

	for (i = 0; i < t->piece; i++) {
		if (kind->call) {
			kind->call(&trip->there, trip->buf, trip->reply, size);
			continue;
		}
		kind->send(&trip->there, trip->buf, size);
		kind->recv(&trip->back, trip->reply, size);
	}
}

static void trip_end(void *arg)
{
	struct trip *trip = arg;

	child_kill(trip->server);
	if (!trip->there.kind->call)
		line_close(&trip->back);
	line_close(&trip->there);
	buffer_free(trip->buf);
	buffer_free(trip->reply);
}

void test_roundtrip(void)
{
	static const size_t sizes[] = { 0, 8, 64, 256, 1024, 4096, 16384, 65536, 1048576 };
	struct trial t = {
		.setting = { .test = "round trip" },
		.arg_size = sizeof(struct trip),
		.begin = trip_begin,
		.run = trip_run,
		.end = trip_end,
	};
	unsigned int i;

	for (t.cpu = 0; t.cpu < 2 && t.cpu < cpus(); t.cpu++) {
		t.setting.variant = placement(t.cpu);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			/* `rep movsb` counts as an instruction a byte. */
			if (counts_instructions && sizes[i] > 4096)
				break;
			t.setting.size = sizes[i];
			t.samples = counts_instructions ? 40 : sizes[i] > 65536 ? 100 : 500;
			t.piece = counts_instructions ? 8 : 1;
			measure(&t);
		}
	}
}
