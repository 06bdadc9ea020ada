// SPDX-License-Identifier: MIT
/*
 * The results, for people and for programs.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static bool same_setting(const struct setting *a, const struct setting *b)
{
	return a->test == b->test && a->variant == b->variant && a->size == b->size &&
	       a->batch == b->batch && a->senders == b->senders &&
	       a->receivers == b->receivers && a->queued == b->queued &&
	       a->classes == b->classes && a->waiting == b->waiting &&
	       a->mailboxes == b->mailboxes;
}

static void print_number(FILE *f, size_t n, const char *what)
{
	if (n)
		fprintf(f, ", %zu %s", n, what);
}

static void print_setting(FILE *f, const struct setting *s)
{
	fputs(s->test, f);
	if (s->variant)
		fprintf(f, ", %s", s->variant);
	fprintf(f, ", %zu bytes", s->size);
	print_number(f, s->batch, "at a time");
	print_number(f, s->senders, "senders");
	print_number(f, s->receivers, "receivers");
	print_number(f, s->queued, "queued");
	print_number(f, s->classes, "types and priorities");
	print_number(f, s->waiting, "waiting");
	print_number(f, s->mailboxes, "mailboxes");
	fputc('\n', f);
}

/* Whether it is not ours, and does the same: carries messages, of anybody. */
bool result_is_rival(const struct result *r)
{
	const unsigned int flags = r->kind->flags;

	return !(flags & (KIND_OURS | KIND_EMPTY | KIND_PAIR)) &&
	       !(r->setting.batch > 1 && (flags & KIND_BYTES));
}

/* NULL: there is none. */
static const struct result *best_rival(const struct result *r, unsigned int n)
{
	const struct result *best = NULL;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (result_is_rival(&r[i]) && (!best || r[i].median < best->median))
			best = &r[i];
	}
	return best;
}

/* @n results of one setting. */
static void print_block(FILE *f, const struct result *r, unsigned int n)
{
	const struct result *best = best_rival(r, n);
	unsigned int i;

	print_setting(f, &r->setting);
	for (i = 0; i < n; i++) {
		fprintf(f, "  %-18s %12.0f %12.0f %12.0f %s", r[i].kind->name, r[i].median,
			r[i].p99, r[i].p999, r[i].unit);
		if (r[i].fairness > 0)
			fprintf(f, ", fairness %.2f", r[i].fairness);
		if (best && (r[i].kind->flags & KIND_OURS))
			fprintf(f, ", %.2f of %s", r[i].median / best->median,
				best->kind->name);
		fputc('\n', f);
	}
}

void report_table(FILE *f)
{
	unsigned int i, n;

	fprintf(f, "an operation or message: median, 99 %%, 99.9 %%\n");
	for (i = 0; i < result_count; i += n) {
		n = 1;
		while (i + n < result_count &&
		       same_setting(&results[i].setting, &results[i + n].setting))
			n++;
		print_block(f, &results[i], n);
	}
}

static json_t *setting_json(const struct setting *s)
{
	return json_pack("{s:s, s:s*, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "test", s->test, "variant", s->variant, "size", (json_int_t)s->size,
			 "batch", (json_int_t)s->batch, "senders", (json_int_t)s->senders,
			 "receivers", (json_int_t)s->receivers, "queued", (json_int_t)s->queued,
			 "classes", (json_int_t)s->classes, "waiting", (json_int_t)s->waiting,
			 "mailboxes", (json_int_t)s->mailboxes);
}

static json_t *result_json(const struct result *r)
{
	json_t *all = setting_json(&r->setting);
	json_t *measured = json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:f}",
				     "kind", r->kind->name, "how", r->kind->how, "unit", r->unit,
				     "samples", (json_int_t)r->samples, "median", r->median,
				     "p99", r->p99, "p999", r->p999, "fairness", r->fairness);

	if (!all || !measured)
		die("json");
	json_object_update(all, measured);
	json_decref(measured);
	return all;
}

void report_json(FILE *f)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < result_count; i++)
		json_array_append_new(list, result_json(&results[i]));
	if (json_dumpf(list, f, JSON_INDENT(1) | JSON_REAL_PRECISION(6)))
		die("json");
	fputc('\n', f);
	json_decref(list);
}
