// SPDX-License-Identifier: MIT
/*
 * mboxctl serve: what is asked for, and the workers: one process each, since what is
 * received belongs to a process, and ends well for everybody else if that is killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mboxctl.h"

#define WORKERS_MAX	1024

static error_t serve_parse(int key, char *arg, struct argp_state *state)
{
	struct serve *s = state->input;

	switch (key) {
	case 'n':
		s->workers = (unsigned int)number(state, "workers", arg, WORKERS_MAX);
		if (!s->workers)
			argp_error(state, "workers: at least 1");
		return 0;
	case 'C':
		s->create = true;
		return 0;
	case 'c':
		s->count = number(state, "count", arg, UINT64_MAX);
		return 0;
	case 't':
		s->timeout = seconds(state, "timeout", arg);
		return 0;
	case 'P':
		target_process(state, &s->target, arg);
		return 0;
	case ARGP_KEY_ARG:
		if (!s->target.name && !s->target.pid) {
			s->target.name = arg;
			return 0;
		}
		/* The rest is the command's. */
		s->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		target_check(state, &s->target);
		if (!s->command)
			argp_error(state, "which command?");
		if (s->create && s->target.pid)
			argp_error(state, "only a mailbox with a name can be created");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- the workers ---- */

struct crew {
	const struct serve *serve;
	pid_t pid[WORKERS_MAX];		/* 0: it has ended */
	unsigned int working;
	bool ending, asked;		/* asked: by a signal */
	int status;			/* how it ends */
};

/* In a process group of its own, with its command: what is typed here is not for them. */
static int worker_start(struct crew *c, unsigned int i)
{
	const pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return refuse(errno, "cannot start a worker", NULL);
	if (pid) {
		setpgid(pid, pid);
		c->pid[i] = pid;
		c->working++;
		return STATUS_OK;
	}
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(STATUS_FAILED);
	worker(c->serve);
}

static void crew_signal(const struct crew *c, int sig)
{
	unsigned int i;

	for (i = 0; i < c->serve->workers; i++)
		if (c->pid[i])
			kill(sig == SIGKILL ? -c->pid[i] : c->pid[i], sig);
}

/* Each ends what it does. */
static void crew_end(struct crew *c)
{
	if (!c->ending)
		crew_signal(c, SIGTERM);
	c->ending = true;
}

/* Who asks twice does not wait for that. */
static void crew_asked(struct crew *c)
{
	crew_end(c);
	if (c->asked) {
		c->status = STATUS_FAILED;
		crew_signal(c, SIGKILL);
	}
	c->asked = true;
}

/* A worker that was killed while we go on: its command with it; another takes its place. */
static void worker_replace(struct crew *c, unsigned int i, int sig)
{
	int status;

	fprintf(stderr, "mboxctl: a worker was killed (%s): another takes its place\n",
		strsignal(sig));
	status = worker_start(c, i);
	if (status) {
		c->status = status;
		crew_end(c);
	}
}

static void worker_ended(struct crew *c, const siginfo_t *info)
{
	const bool killed = info->si_code != CLD_EXITED;
	unsigned int i = 0;

	while (i < c->serve->workers && c->pid[i] != info->si_pid)
		i++;
	/* As long as it is not waited for, its number is not another's. */
	if (killed && i < c->serve->workers)
		kill(-info->si_pid, SIGKILL);
	waitpid(info->si_pid, NULL, 0);
	if (i == c->serve->workers)
		return;
	c->pid[i] = 0;
	c->working--;
	if (c->ending)
		return;
	if (killed) {
		worker_replace(c, i, info->si_status);
		return;
	}
	c->status = info->si_status;
	crew_end(c);
}

static int supervise(struct crew *c, const sigset_t *signals)
{
	siginfo_t info;
	int sig;

	while (c->working) {
		sig = sigwaitinfo(signals, NULL);
		if (sig == SIGINT || sig == SIGTERM)
			crew_asked(c);
		for (;;) {
			info.si_pid = 0;
			if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
				break;
			worker_ended(c, &info);
		}
	}
	return c->status;
}

static int serve(const struct serve *s)
{
	struct crew *c = allocate(NULL, sizeof(*c));
	sigset_t signals;
	unsigned int i;
	int status = STATUS_OK;

	*c = (struct crew){ .serve = s };
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	for (i = 0; !status && i < s->workers; i++)
		status = worker_start(c, i);
	if (status) {
		c->status = status;
		crew_end(c);
	}
	status = supervise(c, &signals);
	free(c);
	return status;
}

static int open_to_serve(const struct serve *s)
{
	int fd;

	if (!s->create)
		return target_open(&s->target, MBOX_RECV);
	fd = mbox_create(s->target.name, MBOX_RECV, NULL);
	if (fd < 0)
		exit(refuse(errno, "cannot create", &s->target));
	return fd;
}

int cmd_serve(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "workers", 'n', "N", 0, "so many at a time", 0 },
		{ "create", 'C', NULL, 0, "create the mailbox if it is not there", 0 },
		{ "count", 'c', "N", 0, "end after so many", 0 },
		{ "timeout", 't', "SECONDS", 0, "end when none has come for so long", 0 },
		TARGET_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		options, serve_parse, "NAME -- COMMAND [ARG...]",
		"Runs a command for each request, with the request as its input; what it prints "
		"is the reply. If it fails, the request is refused with its exit status (128 and "
		"the signal, if that killed it). A message that wants no reply just runs it.\v"
		"The command finds of the request, in its environment: MBOX_PID, MBOX_UID, "
		"MBOX_GID, MBOX_TYPE, MBOX_PRIORITY, MBOX_BADGE, MBOX_DELIVERIES, MBOX_FILES "
		"(those are open, from descriptor 3 on), and MBOX_REPLY_MAX if a reply is "
		"wanted.\n\n"
		"SIGINT and SIGTERM end it after what is being done; once more, at once.",
		NULL, NULL, NULL
	};
	struct serve s = { .workers = 1, .count = UINT64_MAX, .timeout = -1 };

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &s);
	s.fd = open_to_serve(&s);
	s.shared = mmap(NULL, sizeof(*s.shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.shared == MAP_FAILED)
		return refuse(errno, "cannot allocate", NULL);
	s.shared->left = s.count;
	s.shared->last = now();
	return serve(&s);
}
