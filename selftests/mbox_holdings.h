/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the kernel holds for mailboxes, to be the same after a test as before.
 */
#ifndef MBOX_HOLDINGS_H
#define MBOX_HOLDINGS_H

#include "mbox_test.h"

struct holdings {
	__u64 bytes;
	__u32 mailboxes, files;
	long refcount, file_nr;
	int slabs;
	long slab[256];
};

static inline long number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = -1;

	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}

/* Give back what is free, or it counts as used. */
static inline void slab_shrink(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
	mb_write_file(path, "1");
}

/* Objects in use, of kinds that a leak would be of. */
static inline void slabs_read(struct holdings *now)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512], name[64];
	long objects;

	now->slabs = 0;
	while (f && now->slabs < (int)ARRAY_SIZE(now->slab) &&
	       fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %ld", name, &objects) != 2 ||
		    (strncmp(name, "kmalloc-", 8) && strcmp(name, "pid") &&
		     strcmp(name, "filp")))
			continue;
		slab_shrink(name);
		now->slab[now->slabs++] = objects;
	}
	if (f)
		fclose(f);
}

static inline struct holdings holdings(void)
{
	struct mbox_query_args query;
	struct holdings now;

	mb_query(&query);
	now.bytes = query.user_bytes;
	now.mailboxes = query.user_mailboxes;
	now.files = query.user_files;
	now.refcount = number_in("/sys/module/mbox/refcnt");
	now.file_nr = number_in("/proc/sys/fs/file-nr");
	slabs_read(&now);
	return now;
}

/* Whether no more is held than before, but for so many @objects of any kind. */
static inline bool holds_no_more(const struct holdings *before, long objects)
{
	struct holdings now = holdings();
	int i;

	for (i = 0; i < now.slabs && i < before->slabs; i++)
		if (now.slab[i] - before->slab[i] > objects)
			return false;
	return now.bytes == before->bytes && now.files == before->files &&
	       now.mailboxes == before->mailboxes &&
	       now.refcount == before->refcount &&
	       now.file_nr < before->file_nr + objects;
}

#endif /* MBOX_HOLDINGS_H */
