// SPDX-License-Identifier: MIT
/*
 * What was measured, kept until it is reported.
 */
#include <stdlib.h>

#include "bench.h"

struct result *results;
unsigned int result_count;

/* Whoever watches sees a piece begin here, in another file than the call. */
void profile_marker(void)
{
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/**
 * result_add - keep what was measured
 * @setting: what was done
 * @kind: with which kind of IPC
 * @unit: of @samples
 * @samples: put in order
 * @n: how many these are
 *
 * Return: the result, until the next one is added
 */
struct result *result_add(const struct setting *setting, const struct kind *kind,
			  const char *unit, double *samples, unsigned int n)
{
	struct result *r;

	results = realloc(results, (result_count + 1) * sizeof(*results));
	if (!results)
		die("results");
	r = &results[result_count++];
	qsort(samples, n, sizeof(*samples), compare);
	*r = (struct result){
		.setting = *setting,
		.kind = kind,
		.unit = unit,
		.samples = n,
		.median = samples[n / 2],
		.p99 = samples[n * 99 / 100],
		.p999 = samples[n * 999 / 1000],
	};
	return r;
}
