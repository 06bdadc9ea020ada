// SPDX-License-Identifier: MIT
/*
 * The kinds of IPC in the order of the tables, and what they have in common.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

const struct kind *const kinds[] = {
	&kind_call, &kind_call_spin, &kind_mbox,
	&kind_mq, &kind_sysv, &kind_pipe, &kind_stream, &kind_seqpacket, &kind_dgram,
	&kind_binder, &kind_eventfd, &kind_futex, &kind_readv,
	NULL
};

/* NULL: there is none. */
const struct kind *kind_named(const char *name)
{
	unsigned int i;

	for (i = 0; kinds[i]; i++) {
		if (!strcmp(kinds[i]->name, name))
			break;
	}
	return kinds[i];
}

bool line_open(struct line *l, const struct kind *kind, size_t size, unsigned int depth)
{
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->size = size;
	l->depth = depth;
	l->in = -1;
	l->out = -1;
	return kind->open(l);
}

void line_close(struct line *l)
{
	l->kind->close(l);
}

/**
 * set_number - raise a limit of the system
 * @path: a file below /proc/sys or /sys
 * @number: what it has to be at least
 *
 * Who may not raise it finds out when it is needed.
 */
void set_number(const char *path, unsigned long long number)
{
	char old[32] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	if (!fgets(old, sizeof(old), f))
		old[0] = 0;
	fclose(f);
	if (strtoull(old, NULL, 10) >= number)
		return;
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f, "%llu\n", number);
	fclose(f);
}
