// SPDX-License-Identifier: MIT
/*
 * mboxctl monitor: every operation as it happens, from the module's tracepoints.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tracefs.h>
#include <unistd.h>

#include "mboxctl.h"

#define SYSTEM		"mbox"
#define INSTANCE	"mboxctl-"	/* and the pid of who made it */
#define EVENTS_MAX	32
#define COMM_WIDTH	16		/* of a line's first word, which may have blanks */

struct monitor {
	struct target target;
	char *events[EVENTS_MAX];	/* none: all */
	unsigned int n_events;
	uint64_t count;			/* how many are wanted */
	int64_t timeout;		/* since the last; < 0: none */
	bool json;

	struct tracefs_instance *instance;
	json_t *names;			/* of mailboxes, by their numbers */
};

/* An event: a line of the trace, taken apart. */
struct event {
	char *comm, *name, *fields;
	long thread;
	double time;
};

static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

/* ---- names ---- */

static void name_set(struct monitor *m, const char *mailbox, const char *name)
{
	json_object_set_new(m->names, mailbox, json_string(name));
}

static void names_read(struct monitor *m)
{
	struct listing l;

	if (listing_open(&l))
		return;
	while (listing_next(&l)) {
		const char *id = listing_word(&l, "id"), *key = listing_word(&l, "key");
		char process[32];

		if (!id || !key)
			continue;
		snprintf(process, sizeof(process), "process %s", key);
		name_set(m, id, listing_is_own(&l) ? process : key);
	}
	listing_close(&l);
}

/* What people call a mailbox; NULL: it has no name. */
static const char *name_of(const struct monitor *m, const char *mailbox)
{
	return json_string_value(json_object_get(m->names, mailbox));
}

/* ---- events ---- */

/* "%16s-PID [CPU] FLAGS TIME: EVENT: FIELDS"; false: it is none. */
static bool event_parse(struct event *e, char *line)
{
	char *at, *colon;

	if (strlen(line) < COMM_WIDTH || line[COMM_WIDTH] != '-')
		return false;
	line[COMM_WIDTH] = 0;
	e->comm = line + strspn(line, " ");
	/* Any user chooses that of his threads, and any terminal may show it. */
	for (at = e->comm; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	e->thread = strtol(line + COMM_WIDTH + 1, &at, 10);
	colon = strstr(at, ": " SYSTEM "_");
	if (!colon)
		return false;
	*colon = 0;
	at = strrchr(at, ' ');
	e->time = at ? strtod(at, NULL) : 0;
	e->name = colon + strlen(": " SYSTEM "_");
	e->fields = strstr(e->name, ": ");
	if (!e->fields)
		return false;
	*e->fields = 0;
	e->fields += 2;
	e->fields[strcspn(e->fields, "\n")] = 0;
	return true;
}

static json_t *field_value(const char *text)
{
	char *rest;
	json_int_t value = strtoll(text, &rest, 0);

	return *text && !*rest ? json_integer(value) : json_string(text);
}

/* Its fields, "KEY=VALUE ...", as an object. */
static json_t *event_fields(const struct event *e)
{
	char *copy = strdup(e->fields), *save, *word;
	json_t *fields = json_object();

	for (word = copy ? strtok_r(copy, " ", &save) : NULL; word;
	     word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = 0;
		/* A name may look like a number. */
		json_object_set_new(fields, word, strcmp(word, "name") ? field_value(value) :
							 json_string(value));
	}
	free(copy);
	return fields;
}

static void event_print_json(const struct monitor *m, const struct event *e, json_t *fields,
			     const char *mailbox)
{
	const char *name = name_of(m, mailbox);
	json_t *object = json_pack("{s:f s:s s:I s:s s:O}", "time", e->time, "comm", e->comm,
				   "thread", (json_int_t)e->thread, "event", e->name,
				   "fields", fields);

	if (name)
		json_object_set_new(object, "name", json_string(name));
	json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(object);
}

static void event_print(const struct monitor *m, const struct event *e, const char *mailbox)
{
	const char *name = name_of(m, mailbox), *rest = strchr(e->fields, ' ');
	char thread[64], number[40];

	snprintf(thread, sizeof(thread), "%s-%ld", e->comm, e->thread);
	snprintf(number, sizeof(number), "#%s", mailbox);
	printf("%.6f %-16s %-10s %-12s%s\n", e->time, thread, e->name, name ? name : number,
	       rest ? rest : "");
}

static bool event_wanted(const struct monitor *m, const char *name)
{
	unsigned int i;

	for (i = 0; i < m->n_events; i++)
		if (!strcmp(m->events[i], name))
			return true;
	return !m->n_events;
}

/* Return whether it was printed. */
static bool event_show(struct monitor *m, struct event *e)
{
	json_t *fields = event_fields(e);
	const json_t *pid = json_object_get(fields, "pid");
	const char *name = json_string_value(json_object_get(fields, "name"));
	const bool wanted = event_wanted(m, e->name);
	char mailbox[32], process[32];

	snprintf(mailbox, sizeof(mailbox), "%" JSON_INTEGER_FORMAT,
		 json_integer_value(json_object_get(fields, "mailbox")));
	snprintf(process, sizeof(process), "process %" JSON_INTEGER_FORMAT,
		 json_integer_value(pid));
	if (name)
		name_set(m, mailbox, *name ? name : process);
	if (wanted && m->json)
		event_print_json(m, e, fields, mailbox);
	else if (wanted)
		event_print(m, e, mailbox);
	/* It is gone for good, and numbers don't come again. */
	if (!strcmp(e->name, "free"))
		json_object_del(m->names, mailbox);
	json_decref(fields);
	return wanted;
}

/* ---- the trace ---- */

static int no_tracing(const char *what)
{
	fprintf(stderr, "mboxctl: cannot trace: %s: %s\n", what, strerror(errno));
	if (errno == EACCES || errno == EPERM)
		fputs("  that is for root\n", stderr);
	else if (!access("/dev/mbox", F_OK))
		fputs("  the kernel has no tracepoints, or tracefs is not mounted: "
		      "mount -t tracefs none /sys/kernel/tracing\n", stderr);
	else
		fputs("  there is no /dev/mbox: load the module (modprobe mbox)\n", stderr);
	return STATUS_FAILED;
}

/* What a monitor left that was killed. */
static void instances_clean(void)
{
	char **instances = tracefs_instances(INSTANCE "[0-9]*"), **at;

	for (at = instances; at && *at; at++) {
		const pid_t pid = (pid_t)strtol(*at + strlen(INSTANCE), NULL, 10);
		struct tracefs_instance *old;

		if (pid != getpid() && (!kill(pid, 0) || errno != ESRCH))
			continue;
		old = tracefs_instance_create(*at);
		if (!old)
			continue;
		tracefs_instance_destroy(old);
		tracefs_instance_free(old);
	}
	tracefs_list_free(instances);
}

/* Names are always wanted, if only to show them with the rest. */
static int events_enable(struct monitor *m, uint64_t id)
{
	char filter[64];
	unsigned int i;

	snprintf(filter, sizeof(filter), "mailbox == %" PRIu64, id);
	if (id && tracefs_instance_file_write(m->instance, "events/" SYSTEM "/filter", filter) < 0)
		return -1;
	if (!m->n_events)
		return tracefs_event_enable(m->instance, SYSTEM, NULL);
	for (i = 0; i < m->n_events; i++) {
		char name[64];

		snprintf(name, sizeof(name), SYSTEM "_%s", m->events[i]);
		if (tracefs_event_enable(m->instance, SYSTEM, name))
			return -1;
	}
	return tracefs_event_enable(m->instance, SYSTEM, SYSTEM "_publish") |
	       tracefs_event_enable(m->instance, SYSTEM, SYSTEM "_free");
}

/* All that is there now; what of it is wanted may be enough. */
static void monitor_read(struct monitor *m, FILE *pipe)
{
	char *line = NULL;
	size_t size = 0;
	struct event e;

	while (!ended && !ferror(stdout) && getline(&line, &size, pipe) > 0) {
		if (!strncmp(line, "CPU:", 4))
			fprintf(stderr, "mboxctl: %s", line);
		else if (event_parse(&e, line) && event_show(m, &e) && m->count && !--m->count)
			ended = 1;
	}
	clearerr(pipe);
	fflush(stdout);
	free(line);
}

/* Until enough came, or nothing for too long, or who started it has seen enough. */
static int monitor_follow(struct monitor *m, FILE *pipe)
{
	const struct timespec timeout = { m->timeout / NS, m->timeout % NS };
	struct pollfd ready = { .fd = fileno(pipe), .events = POLLIN };
	sigset_t none;
	int n;

	sigemptyset(&none);
	while (!ended && !ferror(stdout)) {
		/* Signals come here alone, and so none between the look and the wait. */
		n = ppoll(&ready, 1, m->timeout < 0 ? NULL : &timeout, &none);
		if (n < 0 && errno != EINTR)
			return refuse(errno, "cannot wait for events", NULL);
		if (!n && m->count) {
			refuse(ETIMEDOUT, "not as many events as are wanted", NULL);
			return finish_output(STATUS_NOTHING);
		}
		if (!n)
			break;
		if (n > 0)
			monitor_read(m, pipe);
	}
	return finish_output(STATUS_OK);
}

/* Whether there is such an event; if not, says which there are. */
static bool event_exists(const char *name)
{
	char **names = tracefs_system_events(NULL, SYSTEM), **at;
	const size_t prefix = strlen(SYSTEM "_");
	bool found = false;

	for (at = names; at && *at && !found; at++)
		found = !strcmp(*at + prefix, name);
	if (names && !found) {
		fprintf(stderr, "mboxctl: no such event: %s; there are", name);
		for (at = names; *at; at++)
			fprintf(stderr, " %s", *at + prefix);
		fputc('\n', stderr);
	}
	tracefs_list_free(names);
	return found || !names;
}

static int monitor_run(struct monitor *m, uint64_t id)
{
	FILE *pipe = NULL;
	unsigned int i;
	int fd, status;

	for (i = 0; i < m->n_events; i++)
		if (!event_exists(m->events[i]))
			return STATUS_USAGE;
	/* As the times of messages; and each event at once. */
	tracefs_instance_file_write(m->instance, "trace_clock", "mono");
	tracefs_instance_file_write(m->instance, "buffer_percent", "0");
	if (events_enable(m, id))
		return no_tracing("events/" SYSTEM);
	names_read(m);
	fd = tracefs_instance_file_open(m->instance, "trace_pipe", O_RDONLY | O_NONBLOCK);
	if (fd >= 0)
		pipe = fdopen(fd, "r");
	if (!pipe)
		return no_tracing("trace_pipe");
	fprintf(stderr, "%s", isatty(STDERR_FILENO) ? "monitoring; Ctrl-C ends it\n" : "");
	status = monitor_follow(m, pipe);
	fclose(pipe);
	return status;
}

static void events_argument(struct argp_state *state, struct monitor *m, char *arg)
{
	char *save, *name;

	for (name = strtok_r(arg, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		if (m->n_events == EVENTS_MAX)
			argp_error(state, "that many events: %s", name);
		m->events[m->n_events++] = name;
	}
}

static error_t monitor_parse(int key, char *arg, struct argp_state *state)
{
	struct monitor *m = state->input;

	switch (key) {
	case 'e':
		events_argument(state, m, arg);
		return 0;
	case 'c':
		m->count = number(state, "count", arg, UINT64_MAX);
		return 0;
	case 't':
		m->timeout = seconds(state, "timeout", arg);
		return 0;
	case 'J':
		m->json = true;
		return 0;
	case 'P':
		target_process(state, &m->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		target_argument(state, &m->target, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_monitor(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "events", 'e', "EVENT,...", 0, "these alone, such as send,receive,drop", 0 },
		{ "count", 'c', "N", 0, "end after so many", 0 },
		{ "timeout", 't', "SECONDS", 0, "end when nothing happens for so long", 0 },
		{ "json", 'J', NULL, 0, "an object a line", 0 },
		TARGET_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		options, monitor_parse, "[NAME]",
		"Shows what happens to mailboxes and their messages, as it happens: to all, or "
		"to one. For root.", NULL, NULL, NULL
	};
	struct monitor m = { .timeout = -1 };
	const struct sigaction action = { .sa_handler = end };
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct mbox_stat st = { 0 };
	sigset_t signals;
	char name[32];
	int fd, status;
	size_t i;

	argp_parse(&argp, argc, argv, 0, NULL, &m);
	if (m.target.name || m.target.pid) {
		fd = target_open_any(&m.target);
		if (mbox_stat(fd, &st))
			return refuse(errno, "cannot look at", &m.target);
		close(fd);
	}
	sigemptyset(&signals);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		sigaddset(&signals, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);

	instances_clean();
	snprintf(name, sizeof(name), INSTANCE "%d", (int)getpid());
	m.instance = tracefs_instance_create(name);
	if (!m.instance)
		return no_tracing("instances");
	m.names = json_object();
	status = monitor_run(&m, st.id);
	tracefs_instance_destroy(m.instance);
	tracefs_instance_free(m.instance);
	json_decref(m.names);
	return status;
}
