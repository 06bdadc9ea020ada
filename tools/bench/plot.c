// SPDX-License-Identifier: MIT
/*
 * Pictures of figures that were measured before, drawn by gnuplot.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static const struct picture {
	const char *name, *test, *variant;	/* @variant NULL: those without */
	const char *x, *title, *what;	/* @what: along the x axis */
	bool throughput;
} pictures[] = {
	{ "latency-one", "round trip", "one processor", "size",
	  "Round trip, one processor", "bytes", false },
	{ "latency-two", "round trip", "two processors", "size",
	  "Round trip, two processors", "bytes", false },
	{ "throughput-one", "one way", "one processor", "size",
	  "One way, one processor", "bytes", true },
	{ "throughput-two", "one way", "two processors", "size",
	  "One way, two processors", "bytes", true },
	{ "backlog-any", "backlog", NULL, "queued",
	  "Send and receive beside a backlog", "messages", false },
	{ "backlog-one-type", "backlog", "one type", "queued",
	  "Send, and receive one type, beside a backlog",
	  "messages", false },
};

static const char *text(const json_t *result, const char *key)
{
	return json_string_value(json_object_get(result, key)) ?: "";
}

static double number(const json_t *result, const char *key)
{
	return json_number_value(json_object_get(result, key));
}

/* Whether a result is in a picture, and beside what else is there. */
static bool pictured(const struct picture *p, const json_t *result)
{
	return !strcmp(text(result, "test"), p->test) &&
	       !strcmp(text(result, "variant"), p->variant ?: "") &&
	       number(result, "batch") <= 1 && number(result, "classes") <= 1 &&
	       number(result, "waiting") == 0 && number(result, p->x) > 0;
}

static bool is_point(const struct picture *p, const json_t *result, const char *kind)
{
	return pictured(p, result) && !strcmp(text(result, "kind"), kind);
}

/* Whether there is a line to draw. */
static bool has_points(const struct picture *p, json_t *list, const char *kind)
{
	unsigned int points = 0;
	json_t *result;
	size_t i;

	json_array_foreach(list, i, result)
		points += is_point(p, result, kind);
	return points > 1;
}

static void write_points(FILE *f, const struct picture *p, json_t *list, const char *kind,
			 unsigned int number_of)
{
	json_t *result;
	double y;
	size_t i;

	fprintf(f, "$k%u << EOD\n", number_of);
	json_array_foreach(list, i, result) {
		if (!is_point(p, result, kind))
			continue;
		y = number(result, "median");
		if (p->throughput)
			y = number(result, "size") * 1e3 / y;
		fprintf(f, "%g %g\n", number(result, p->x), y);
	}
	fputs("EOD\n", f);
}

static void draw(FILE *f, const struct picture *p, json_t *list, const char *dir)
{
	const char *unit = text(json_array_get(list, 0), "unit");
	const char *separator = "plot";
	unsigned int i;

	fprintf(f, "reset\nset terminal svg noenhanced size 800,500 background 'white'\n");
	fprintf(f, "set output '%s/%s.svg'\nset title '%s'\n", dir, p->name, p->title);
	fprintf(f, "set xlabel '%s'\nset ylabel '%s'\n", p->what, p->throughput ? "MB/s" : unit);
	fprintf(f, "set logscale xy\nset format x '%%.0s%%c'\nset key outside\nset grid\n");
	for (i = 0; kinds[i]; i++)
		write_points(f, p, list, kinds[i]->name, i);
	for (i = 0; kinds[i]; i++) {
		if (!has_points(p, list, kinds[i]->name))
			continue;
		fprintf(f, "%s $k%u using 1:2 with linespoints lw %d title '%s'", separator, i,
			kinds[i]->flags & KIND_OURS ? 3 : 1, kinds[i]->name);
		separator = ",";
	}
	fputs("\nset output\n", f);
}

static bool any_points(const struct picture *p, json_t *list)
{
	unsigned int i;

	for (i = 0; kinds[i]; i++) {
		if (has_points(p, list, kinds[i]->name))
			return true;
	}
	return false;
}

/* gnuplot, and a way to tell it what to draw. */
static FILE *gnuplot_begin(pid_t *pid)
{
	static char *const argv[] = { "gnuplot", NULL };
	posix_spawn_file_actions_t actions;
	int fds[2];
	FILE *f;

	NEED(pipe2(fds, O_CLOEXEC), 0);
	NEED(posix_spawn_file_actions_init(&actions), 0);
	NEED(posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO), 0);
	errno = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	if (errno)
		die("gnuplot, which draws the pictures");
	posix_spawn_file_actions_destroy(&actions);
	close(fds[0]);
	f = fdopen(fds[1], "w");
	if (!f)
		die("gnuplot");
	return f;
}

/**
 * plot - draw what was measured
 * @json: the file that --json wrote
 * @dir: where the pictures go
 */
void plot(const char *json, const char *dir)
{
	json_t *list = json_load_file(json, 0, NULL);
	unsigned int i;
	int status;
	pid_t pid;
	FILE *f;

	if (!list)
		die(json);
	f = gnuplot_begin(&pid);
	for (i = 0; i < ARRAY_SIZE(pictures); i++) {
		if (any_points(&pictures[i], list))
			draw(f, &pictures[i], list, dir);
	}
	fclose(f);
	NEED(waitpid(pid, &status, 0), pid);
	NEED(status, 0);
	json_decref(list);
}
