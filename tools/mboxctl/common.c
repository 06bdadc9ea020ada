// SPDX-License-Identifier: MIT
/*
 * What the commands share: which mailbox is meant, numbers, and errors that say what to do.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mboxctl.h"

#define PARAMETERS	"/sys/module/mbox/parameters"

void target_argument(struct argp_state *state, struct target *t, char *arg)
{
	if (t->pid || t->name)
		argp_error(state, "one mailbox at a time: %s", arg);
	t->name = arg;
}

void target_process(struct argp_state *state, struct target *t, const char *arg)
{
	t->pid = (pid_t)number(state, "process", arg, INT32_MAX);
	if (t->name || !t->pid)
		argp_error(state, "a name or a process, not both, nor none");
}

void target_check(struct argp_state *state, const struct target *t)
{
	if (!t->name && !t->pid)
		argp_error(state, "which mailbox?");
}

const char *target_name(const struct target *t)
{
	static char process[32];

	if (!t->pid)
		return t->name;
	snprintf(process, sizeof(process), "process %d", (int)t->pid);
	return process;
}

int target_open(const struct target *t, unsigned int rights)
{
	int fd = t->pid ? mbox_open_pid(t->pid, rights) : mbox_open(t->name, rights);

	if (fd < 0)
		exit(refuse(errno, "cannot open", t));
	return fd;
}

/* With either right, for what every handle may. */
int target_open_any(const struct target *t)
{
	int fd = t->pid ? mbox_open_pid(t->pid, MBOX_RECV) : mbox_open(t->name, MBOX_RECV);

	if (fd >= 0)
		return fd;
	if (errno == EACCES)
		return target_open(t, MBOX_SEND);
	exit(refuse(errno, "cannot open", t));
}

/* Of the user's limits, the one that is met. */
static void hint_quota(const struct mbox_query *q)
{
	if (q->user_mailboxes >= q->user_max_mailboxes)
		fprintf(stderr, "  you have all %" PRIu32 " mailboxes that a user may have; more: "
			PARAMETERS "/user_mailboxes\n", q->user_max_mailboxes);
	else if (q->user_files >= q->user_max_files)
		fprintf(stderr, "  your messages carry all %" PRIu32 " files that they may; more: "
			PARAMETERS "/user_files\n", q->user_max_files);
	else
		fprintf(stderr, "  your messages that nobody has received take %" PRIu64 " of %"
			PRIu64 " bytes; more: " PARAMETERS "/user_bytes\n",
			q->user_bytes, q->user_max_bytes);
}

static void hint(int error)
{
	struct mbox_query q;

	switch (error) {
	case ENODEV:
		fputs("  there is no /dev/mbox: load the module (modprobe mbox)\n", stderr);
		return;
	case EACCES:
		if (mbox_query(&q) && errno == EACCES)
			fputs("  you may not open /dev/mbox: see its mode, and udev's rules\n",
			      stderr);
		else
			fputs("  its mode does not let you: see mboxctl ls\n", stderr);
		return;
	case EMSGSIZE:
		fputs("  it takes no message as long as that: see max_message_size in mboxctl "
		      "stat; more: mboxctl set --max-message-size\n", stderr);
		return;
	case ENXIO:
		fputs("  nobody has it open to receive: files wait there only while somebody has\n",
		      stderr);
		return;
	case EPERM:
		fputs("  its owner may, or who has CAP_IPC_OWNER\n", stderr);
		return;
	case EPIPE:
		fputs("  it has no name any more, and nobody is at its other end\n", stderr);
		return;
	}
	if (mbox_query(&q))
		return;
	switch (error) {
	case EDQUOT:
		hint_quota(&q);
		return;
	case ENOSPC:
		fprintf(stderr, "  this network namespace has all %" PRIu32 " mailboxes that it "
			"may have; more: " PARAMETERS "/ns_mailboxes\n", q.ns_max_mailboxes);
		return;
	}
}

/**
 * refuse - say what did not work, and what to do
 * @error: errno
 * @what: was tried
 * @t: with which mailbox; NULL: with none
 *
 * Return: the exit status.
 */
int refuse(int error, const char *what, const struct target *t)
{
	progress_end();
	fprintf(stderr, "mboxctl: %s%s%s: %s\n", what, t ? " " : "", t ? target_name(t) : "",
		strerror(error));
	/* Without a mailbox, it is files that were refused. */
	if (t || error == ENODEV)
		hint(error);
	switch (error) {
	case EAGAIN:
	case ETIMEDOUT:
		return t ? STATUS_NOTHING : STATUS_FAILED;
	case ENOENT:
		return t ? STATUS_NOT_FOUND : STATUS_FAILED;
	default:
		return STATUS_FAILED;
	}
}

/* A number from 0 to @max, as C writes it; K, M and G are powers of 1,024. */
uint64_t number(struct argp_state *state, const char *what, const char *text, uint64_t max)
{
	static const char units[] = "KMG";
	unsigned long long value;
	const char *unit;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		const int shift = 10 * (int)(unit - units + 1);

		if (value > UINT64_MAX >> shift)
			errno = ERANGE;
		value <<= shift;
		end++;
	}
	if (errno || *text < '0' || *text > '9' || *end || value > max)
		argp_error(state, "%s: %s, but it must be a number from 0 to %" PRIu64, what,
			   text, max);
	return value;
}

/* A time in seconds, perhaps a fraction, in ns; "inf": -1. */
int64_t seconds(struct argp_state *state, const char *what, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0) || (isfinite(value) && value > 9e9))
		argp_error(state, "%s: %s, but it must be a time in seconds, or inf", what, text);
	return isinf(value) ? -1 : (int64_t)(value * NS);
}

/* On the clock of messages, in ns. */
int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

void *allocate(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p && size)
		exit(refuse(ENOMEM, "cannot allocate", NULL));
	return p;
}

/* How a command ends: as @status says, unless what it printed could not be written. */
int finish_output(int status)
{
	if (fflush(stdout) || ferror(stdout))
		return refuse(errno, "cannot write the output", NULL);
	return status;
}
