// SPDX-License-Identifier: MIT
/*
 * What lies in the kernel's memory: mailboxes that are idle, messages that are queued,
 * names; and what it costs to find one of many.
 */
#include <errno.h>
#include <mbox.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

#define MANY		10000
#define EVENTFD_SIZE	64	/* of what an eventfd has beside its file and dentry */

/* Bytes of all slab caches. */
static double slab(void)
{
	unsigned long long kib = 0;
	char line[200];
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Slab:", 5))
			kib = strtoull(line + 5, NULL, 10);
	}
	fclose(f);
	return (double)kib * 1024;
}

static int new_mailbox(void)
{
	return mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
}

static int new_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

/* Bytes that one of many takes, with its file and dentry. */
static double size_of(int (*create)(void))
{
	static int fds[MANY];
	double before = slab(), after;
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		fds[i] = create();
		if (fds[i] < 0)
			die("a descriptor");
	}
	after = slab();
	while (i--)
		close(fds[i]);
	return (after - before) / MANY;
}

static void memory_of_mailboxes(void)
{
	const struct setting s = { .test = "memory", .variant = "idle mailbox",
				   .mailboxes = MANY };
	double size;

	/* The first of them fill what lies there half empty. */
	size_of(new_mailbox);
	size = size_of(new_mailbox) - (size_of(new_eventfd) - EVENTFD_SIZE);
	result_add(&s, &kind_mbox, "bytes", &size, 1);
}

static void memory_of_messages(void)
{
	const struct setting s = { .test = "memory", .variant = "overhead of a message",
				   .size = 64, .queued = 50000 };
	struct line l;
	char *buf = buffer_alloc(s.size);
	double before, size;
	unsigned int i;

	line_open(&l, &kind_mbox, s.size, s.queued);
	before = slab();
	for (i = 0; i < s.queued; i++)
		l.kind->send(&l, buf, s.size);
	size = (slab() - before) / s.queued - (double)s.size;
	result_add(&s, &kind_mbox, "bytes", &size, 1);
	line_close(&l);
	buffer_free(buf);
}

void test_memory(void)
{
	const struct rlimit limit = { MANY + 100, MANY + 100 };

	setrlimit(RLIMIT_NOFILE, &limit);
	memory_of_mailboxes();
	memory_of_messages();
}

/* ---- by name ---- */

static void name_of(char *name, size_t size, unsigned int i)
{
	snprintf(name, size, "mbox-bench-%d-%u", getpid(), i);
}

static int create_named(unsigned int i)
{
	char name[64];
	int h;

	name_of(name, sizeof(name), i);
	h = mbox_create(name, MBOX_RECV | MBOX_EXCL, NULL);
	if (h < 0)
		die("mbox_create");
	return h;
}

static void unlink_named(unsigned int i)
{
	char name[64];

	name_of(name, sizeof(name), i);
	NEED(mbox_unlink(name), 0);
}

static bool names_begin(const struct trial *t, const struct kind *kind, void *arg)
{
	(void)t;
	(void)arg;
	return kind == &kind_mbox;
}

static void names_create(const struct trial *t, void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < t->piece; i++) {
		close(create_named(t->setting.mailboxes));
		unlink_named(t->setting.mailboxes);
	}
}

static void names_open(const struct trial *t, void *arg)
{
	char name[64];
	unsigned int i;
	int h;

	(void)arg;
	name_of(name, sizeof(name), t->setting.mailboxes / 2);
	for (i = 0; i < t->piece; i++) {
		h = mbox_open(name, MBOX_RECV);
		if (h < 0)
			die("mbox_open");
		close(h);
	}
}

static void names_end(void *arg)
{
	(void)arg;
}

void test_names(void)
{
	static const unsigned int numbers[] = { 1, 1000, 100000 };
	struct trial t = {
		.setting = { .test = "names" },
		.samples = 15,
		.piece = 16,
		.arg_size = 1,
		.begin = names_begin,
		.end = names_end,
	};
	unsigned int i, n = 0;

	set_number("/sys/module/mbox/parameters/ns_mailboxes", 200000);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		while (n < numbers[i])
			close(create_named(n++));
		t.setting.mailboxes = n;
		t.setting.variant = "create and unlink";
		t.run = names_create;
		measure(&t);
		t.setting.variant = "open";
		t.run = names_open;
		measure(&t);
	}
	while (n--)
		unlink_named(n);
}
