// SPDX-License-Identifier: MIT
/*
 * One way: a process sends as fast as another receives, over a queue for 1,024 messages,
 * one message a system call and in batches. A piece ends when all of it was received.
 */
#include <semaphore.h>
#include <sys/mman.h>

#include "bench.h"

#define DEPTH		1024
#define DEPTH_LARGE	8
#define PIECE		(profile.kind ? 64 : 8192)	/* messages */

struct stream {
	struct line line;
	char *buf;
	sem_t *received;
	pid_t receiver;
};

static unsigned int receive_some(struct stream *s, unsigned int batch)
{
	const struct kind *kind = s->line.kind;
	const size_t size = s->line.size;

	if (batch > 1)
		return kind->recv_batch(&s->line, s->buf, size, batch);
	kind->recv(&s->line, s->buf, size);
	return 1;
}

static void receive(struct stream *s, unsigned int piece, unsigned int batch)
{
	unsigned int n;

	for (;;) {
		for (n = 0; n < piece; n += receive_some(s, batch))
			;
		NEED(sem_post(s->received), 0);
	}
}

static bool stream_begin(const struct trial *t, const struct kind *kind, void *arg)
{
	const unsigned int batch = t->setting.batch;
	const bool large = t->setting.size > 4096;
	struct stream *s = arg;

	if (!kind->send || (batch > 1 && !kind->send_batch) ||
	    ((kind->flags & KIND_PAIR) && (kind != &kind_readv || !large)) ||
	    !line_open(&s->line, kind, t->setting.size, large ? DEPTH_LARGE : DEPTH))
		return false;
	s->buf = buffer_alloc(t->setting.size * batch);
	s->received = shared_alloc(sizeof(*s->received));
	NEED(sem_init(s->received, 1, 0), 0);
	s->receiver = child();
	if (!s->receiver) {
		pin(t->cpu);
		receive(s, t->piece, batch);
	}
	return true;
}

static void stream_run(const struct trial *t, void *arg)
{
	const unsigned int batch = t->setting.batch;
	const size_t size = t->setting.size;
	struct stream *s = arg;
	const struct kind *kind = s->line.kind;
	unsigned int i;

	for (i = 0; i < t->piece; i += batch) {
		if (batch == 1)
			kind->send(&s->line, s->buf, size);
		else
			kind->send_batch(&s->line, s->buf, size, batch);
	}
	NEED(sem_wait(s->received), 0);
}

static void stream_end(void *arg)
{
	struct stream *s = arg;

	child_kill(s->receiver);
	line_close(&s->line);
	buffer_free(s->buf);
	munmap(s->received, sizeof(*s->received));
}

/* Large ones, of which few are under way. */
static void streams_of_large(struct trial *t)
{
	static const size_t sizes[] = { 1024, 4096, 16384, 65536, 1048576 };
	unsigned int i;

	t->setting.batch = 1;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		t->setting.size = sizes[i];
		t->piece = 64;
		measure(t);
	}
}

void test_stream(void)
{
	static const unsigned int batches[] = { 1, 8, 32, 256 };
	struct trial t = {
		.setting = { .test = "one way" },
		.samples = 11,
		.arg_size = sizeof(struct stream),
		.begin = stream_begin,
		.run = stream_run,
		.end = stream_end,
	};
	unsigned int i;

	for (t.cpu = 0; t.cpu < 2 && t.cpu < cpus(); t.cpu++) {
		t.setting.variant = placement(t.cpu);
		for (i = 0; i < ARRAY_SIZE(batches); i++) {
			t.setting.batch = batches[i];
			t.setting.size = 64;
			t.piece = PIECE;
			measure(&t);
		}
		if (!counts_instructions)
			streams_of_large(&t);
	}
}
