// SPDX-License-Identifier: MIT
/*
 * A worker of mboxctl serve: receives one request after the other, has the command run,
 * answers. SIGTERM is blocked, but between requests, when nothing is held.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mboxctl.h"

#define FIRST_FILE	3	/* of those that the command gets; as sd_listen_fds(3) has it */

/* ---- what the command gets ---- */

static void export_number(const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	setenv(name, text, 1);
}

static void export_header(const struct mbox_header *h)
{
	export_number("MBOX_PID", (uint64_t)h->pid);
	export_number("MBOX_UID", h->uid);
	export_number("MBOX_GID", h->gid);
	export_number("MBOX_TYPE", h->type);
	export_number("MBOX_PRIORITY", h->priority);
	export_number("MBOX_BADGE", h->badge);
	export_number("MBOX_DELIVERIES", h->deliveries);
	export_number("MBOX_FILES", h->file_count);
	if (h->flags & MBOX_MSG_CALL)
		export_number("MBOX_REPLY_MAX", h->reply_max);
	else
		unsetenv("MBOX_REPLY_MAX");
}

/*
 * The request, as a file to read: who writes it into a pipe could wait for a command that
 * waits for its output to be read. < 0: errno says why not.
 */
static int input_open(const struct incoming *in)
{
	int fd = memfd_create("request", MFD_CLOEXEC);
	size_t done;
	ssize_t n;

	for (done = 0; fd >= 0 && done < in->len; done += (size_t)n) {
		n = pwrite(fd, in->buf + done, in->len - done, (off_t)done);
		if (n < 0) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

/* Out of the way of those that the command is to have. */
static void move_up(int *fd)
{
	const int high = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FILE + MBOX_FILES_MAX);

	if (high < 0)
		return;
	close(*fd);
	*fd = high;
}

/* The command, with @in and, unless that is < 0, @out. Return 0 or errno. */
static int spawn(const struct serve *s, struct files *files, int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	unsigned int i;
	int error;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	for (i = 0; i < files->count; i++)
		move_up(&files->fd[i]);
	for (i = 0; i < files->count; i++)
		posix_spawn_file_actions_adddup2(&actions, files->fd[i], FIRST_FILE + (int)i);
	error = posix_spawnp(pid, s->command[0], &actions, &attr, s->command, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return error;
}

/* ---- what it does ---- */

struct reply {
	char *buf;
	size_t len, size;
	bool too_long;
};

/* All that the command prints; who prints more than @max is told so by a closed pipe. */
static void reply_read(struct reply *r, int fd, size_t max)
{
	ssize_t n;

	r->len = 0;
	r->too_long = false;
	for (;;) {
		if (r->len == r->size) {
			r->size = r->size ? 2 * r->size : 4096;
			r->buf = allocate(r->buf, r->size);
		}
		n = read(fd, r->buf + r->len, r->size - r->len);
		if (n <= 0)
			return;
		r->len += (size_t)n;
		if (r->len > max) {
			r->too_long = true;
			return;
		}
	}
}

/* Waits for the command. Return its exit status, or 128 and the signal that killed it. */
static unsigned int code_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? (unsigned int)WEXITSTATUS(status) :
				   128 + (unsigned int)WTERMSIG(status);
}

/* Who asked may have given up, and need not be told then. */
static void answer(const struct serve *s, const struct mbox_header *h, const struct reply *r,
		   unsigned int code)
{
	if (r->too_long) {
		fprintf(stderr, "mboxctl: the reply is longer than the %" PRIu32 " bytes that "
			"the caller takes\n", h->reply_max);
		code = SERVE_TOO_LONG;
	}
	if (code ? mbox_fail(s->fd, h->token, code) :
		   mbox_reply(s->fd, h->token, r->buf, r->len)) {
		if (errno == EPIPE)
			return;
		refuse(errno, "cannot answer to", &s->target);
		mbox_done(s->fd, h->token); /* so that its caller is told */
	}
}

static int run_call(const struct serve *s, struct incoming *in, int input)
{
	static struct reply reply;
	int error, out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return errno;
	error = spawn(s, &in->files, input, out[1], &pid);
	close(out[1]);
	if (!error)
		reply_read(&reply, out[0], in->header.reply_max);
	close(out[0]);
	if (error)
		return error;
	answer(s, &in->header, &reply, code_of(pid));
	return 0;
}

static int run_message(const struct serve *s, struct incoming *in, int input)
{
	unsigned int code;
	pid_t pid;
	int error = spawn(s, &in->files, input, -1, &pid);

	if (error)
		return error;
	code = code_of(pid);
	if (code)
		fprintf(stderr, "mboxctl: message %" PRIu64 ": the command failed (%u)\n",
			in->header.seq, code);
	mbox_done(s->fd, in->header.token);
	return 0;
}

/* What cannot be begun goes back, for others. Return the exit status. */
static int run(const struct serve *s, struct incoming *in)
{
	const int input = input_open(in);
	int error;

	if (input < 0) {
		error = errno;
	} else {
		export_header(&in->header);
		error = in->header.flags & MBOX_MSG_CALL ? run_call(s, in, input) :
							   run_message(s, in, input);
		close(input);
	}
	files_close(&in->files, true);
	if (!error)
		return STATUS_OK;
	mbox_back(s->fd, in->header.token);
	refuse(error, s->command[0], NULL);
	return STATUS_FAILED;
}

/* ---- one after the other ---- */

/*
 * Here SIGTERM may end us: as a signal that came before, or in ppoll().
 * Return whether something has come in the time that there was.
 */
static bool wait_for_one(const struct serve *s)
{
	struct pollfd fd = { .fd = s->fd, .events = POLLIN };
	sigset_t term, none;
	struct timespec t;
	int64_t left;
	int ret;

	sigemptyset(&none);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	sigprocmask(SIG_BLOCK, &term, NULL);
	do {
		/* Others may have got one meanwhile. */
		left = s->shared->last + s->timeout - now();
		if (left < 0)
			left = 0;
		t = (struct timespec){ .tv_sec = left / NS, .tv_nsec = left % NS };
		ret = ppoll(&fd, 1, s->timeout < 0 ? NULL : &t, &none);
	} while (!ret && left);
	return ret != 0;
}

/* Whether there was one left. */
static bool take_one(_Atomic uint64_t *left)
{
	uint64_t n = *left;

	while (n && !atomic_compare_exchange_weak(left, &n, n - 1))
		;
	return n;
}

/* Return the exit status; @more: whether there is something to go on with. */
static int work(const struct serve *s, struct incoming *in, bool *more)
{
	int error;

	*more = s->shared->left && wait_for_one(s);
	if (!*more)
		return STATUS_OK;
	error = incoming_next(s->fd, in);
	/* Another got it, or all that may be in hand is. */
	if (error == EAGAIN || error == ETIMEDOUT)
		return STATUS_OK;
	if (error) {
		*more = false;
		/* It has no name any more, and nobody can send to it. */
		return error == EPIPE ? STATUS_OK :
					refuse(error, "cannot receive from", &s->target);
	}
	s->shared->last = now();
	if (!take_one(&s->shared->left)) {
		mbox_back(s->fd, in->header.token);
		files_close(&in->files, true);
		return STATUS_OK;
	}
	return run(s, in);
}

/* Does not return: the process ends. */
void worker(const struct serve *s)
{
	struct incoming in = {
		.how = { .flags = MBOX_LEASE | MBOX_WAIT_FOR, .timeout = NS / 10 },
	};
	int status;
	bool more;

	do
		status = work(s, &in, &more);
	while (!status && more);
	exit(status);
}
