/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is measured between the windows of a soak, and what is to be thought of it.
 */
#ifndef MBOX_SOAK_H
#define MBOX_SOAK_H

#include "../mbox_holdings.h"

#define WINDOWS		2000
#define CACHES		64

/* Without a limit: a window takes as long as it takes. */
#define wait_for(condition) do { \
	while (!(condition)) \
		mb_poll_pause(); \
} while (0)

/* A number of each for every window. */
static struct series {
	int caches;
	char name[CACHES][32];
	long objects[CACHES][WINDOWS];
	long kilobytes[WINDOWS];	/* of the kernel, that it cannot give back */
	long rate[WINDOWS];		/* messages a second */
	long latency[WINDOWS];		/* ns */
} series;

static struct {
	int passed, failed;
} verdicts;

/* ---- measuring ---- */

/* Kinds of objects that a leak would be of. */
static inline bool watched(const char *name)
{
	static const char * const names[] = {
		"filp", "pid", "cred_jar", "eventpoll_epi", "sock_inode_cache",
		"fasync_cache", "mm_struct", "files_cache",
	};
	unsigned int i;

	if (!strncmp(name, "kmalloc-", 8) || !strncmp(name, "mbx", 3))
		return true;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static inline int cache_index(const char *name)
{
	int i;

	for (i = 0; i < series.caches; i++)
		if (!strcmp(series.name[i], name))
			return i;
	if (i == CACHES)
		return -1;
	snprintf(series.name[i], sizeof(series.name[i]), "%s", name);
	return series.caches++;
}

static inline void measure_caches(int window)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512], name[64];
	long objects;
	int i;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %ld", name, &objects) != 2 ||
		    strlen(name) > 31 || !watched(name))
			continue;
		i = cache_index(name);
		if (i >= 0)
			series.objects[i][window] = objects;
	}
	if (f)
		fclose(f);
}

static inline void shrink_caches(void)
{
	int i;

	for (i = 0; i < series.caches; i++)
		slab_shrink(series.name[i]);
}

static inline long unreclaimable(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	long n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "SUnreclaim: %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

/* What processes and RCU still hold of what was freed goes meanwhile. */
static inline void measure(int window)
{
	const struct timespec moment = { .tv_nsec = 300000000 };

	measure_caches(window);
	nanosleep(&moment, NULL);
	shrink_caches();
	measure_caches(window);
	series.kilobytes[window] = unreclaimable();
}

/* ---- judging ---- */

/* The windows before this one are for the caches to fill. */
static inline int settled(int n)
{
	return n / 4;
}

static inline long least(const long *values, int from, int to)
{
	long min = values[from];

	for (; from < to; from++)
		min = values[from] < min ? values[from] : min;
	return min;
}

/* From the least of the early windows to the least of the late ones. */
static inline long growth(const long *values, int n)
{
	int from = settled(n), half = from + (n - from) / 2;

	return least(values, half, n) - least(values, from, half);
}

static inline int compare_longs(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

/* The median of the early or late windows. */
static inline long middle(const long *values, int n, bool late)
{
	int from = settled(n), half = from + (n - from) / 2;
	long sorted[WINDOWS];
	int count = late ? n - half : half - from;

	memcpy(sorted, &values[late ? half : from], count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_longs);
	return sorted[count / 2];
}

static inline void verdict(bool ok, const char *format, ...)
{
	va_list list;

	if (ok)
		verdicts.passed++;
	else
		verdicts.failed++;
	printf("%s - ", ok ? "  ok" : "  not ok");
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
}

#endif /* MBOX_SOAK_H */
