/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Operations on those who use mailboxes: processes are made, stopped and
 * killed, and change what they are.
 */
#ifndef FUZZ_PROCESS_OPS_H
#define FUZZ_PROCESS_OPS_H

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "file_ops.h"

#define FUZZ_USER	1000
#define FUZZ_PROCESSES	3

/* The lanes of a process are those from its first to before the next's first. */
static inline unsigned int first_lane(unsigned int process)
{
	return process ? 1 + 2 * process : 0;
}

static inline unsigned int end_lane(unsigned int process)
{
	return process < 2 ? first_lane(process + 1) : FUZZ_LANES;
}

static inline unsigned int process_of(unsigned int lane)
{
	return lane < 3 ? 0 : lane < 5 ? 1 : 2;
}

/* Become a process of an input, and do what its lanes are told. */
static _Noreturn void process_main(unsigned int process);

static inline void mark_dead(unsigned int process)
{
	unsigned int i;

	for (i = first_lane(process); i < end_lane(process); i++)
		__atomic_store_n(&world.shared->lanes[i].alive, 0, __ATOMIC_RELEASE);
}

/* Whether nobody can take the requests of a process's lanes any more. */
static inline bool process_is_gone(unsigned int process)
{
	const struct fuzz_lane *lanes = world.shared->lanes;
	unsigned int i;
	pid_t pid;

	for (i = first_lane(process); i < end_lane(process); i++)
		if (lanes[i].alive)
			return false;
	pid = lanes[first_lane(process)].pid;
	return !pid || waitpid(pid, NULL, WNOHANG) == pid ||
	       (kill(pid, 0) && errno == ESRCH);
}

static inline int start_process(unsigned int process)
{
	struct fuzz_lane *lanes = world.shared->lanes;
	unsigned int i, first = first_lane(process);
	pid_t pid;

	if (!process_is_gone(process) ||
	    __atomic_exchange_n(&lanes[first].alive, 1, __ATOMIC_ACQ_REL))
		return -EEXIST;
	for (i = first; i < end_lane(process); i++) {
		lanes[i].done = lanes[i].want;
		lanes[i].pid = 0;
		lanes[i].alive = 1;
	}
	pid = fork();
	if (!pid)
		process_main(process);
	if (pid < 0) {
		mark_dead(process);
		return -errno;
	}
	for (i = first; i < end_lane(process); i++)
		lanes[i].pid = pid;
	return 0;
}

static inline int do_fork(struct fuzz_do *d)
{
	return start_process(1 + (d->op->count & 1));
}

/* The process, one thread of it, or all that it was. */
static inline int do_exit(struct fuzz_do *d)
{
	if (d->op->count & 1) {
		__atomic_store_n(&d->lane->alive, 0, __ATOMIC_RELEASE);
		syscall(SYS_exit, 0);
	}
	mark_dead(process_of(d->lane - world.shared->lanes));
	_exit(0);
}

static inline int do_exec(struct fuzz_do *d)
{
	char * const argv[] = { (char *)"true", NULL };
	unsigned int process = process_of(d->lane - world.shared->lanes);

	mark_dead(process);
	execve("/bin/true", argv, argv + 1);
	_exit(0);
}

static inline int do_signal(struct fuzz_do *d)
{
	static const int signals[] = {
		SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR2, SIGKILL, SIGIO, SIGCONT, SIGURG
	};
	unsigned int to = d->op->id % FUZZ_LANES;
	const struct fuzz_lane *lane = &world.shared->lanes[to];
	int ret, sig = signals[d->op->count & 7];

	if (!lane->alive || lane->pid <= 0)
		return -ESRCH;
	if (sig != SIGKILL)
		return minus_errno(syscall(SYS_tgkill, lane->pid, lane->tid, sig));
	mark_dead(process_of(to));
	ret = minus_errno(kill(lane->pid, sig));
	if (d->op->flags & 1)	/* until it is gone, if it is our child */
		waitpid(lane->pid, NULL, 0);
	return ret;
}

/* Stopped, and continued, as by a terminal or a debugger. */
static inline int do_stop(struct fuzz_do *d)
{
	unsigned int to = d->op->id % FUZZ_LANES;
	struct fuzz_lane *lane = &world.shared->lanes[to];
	int ret;

	if (!lane->alive || lane->pid <= 0 || lane->pid == getpid())
		return -ESRCH;
	lane->stopped = 1;
	ret = minus_errno(kill(lane->pid, SIGSTOP));
	fuzz_pause(500 * NSEC_PER_USEC);
	kill(lane->pid, SIGCONT);
	lane->stopped = 0;
	return ret;
}

static inline int do_unshare(struct fuzz_do *d)
{
	static const int what[] = {
		CLONE_FILES, CLONE_FILES, CLONE_FS, CLONE_NEWUSER, CLONE_NEWPID,
		CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET
	};

	world.shared->dirty = 1;	/* descriptors differ between lanes now */
	return minus_errno(unshare(what[d->op->count & 7]));
}

#ifndef SYS_setresuid32
#define SYS_setresuid32 SYS_setresuid
#define SYS_setresgid32 SYS_setresgid
#endif

/* Of this thread alone: the library would interrupt the others. */
static inline int become(unsigned int id)
{
	if (syscall(SYS_setresgid32, id, id, id) ||
	    syscall(SYS_setresuid32, id, id, id))
		return -errno;
	return 0;
}

static inline int do_ids(struct fuzz_do *d)
{
	switch (d->op->count & 3) {
	case 0:
		return become(FUZZ_USER);
	case 1:
		return become(FUZZ_USER + 1);
	case 2:	/* with a way back */
		return minus_errno(syscall(SYS_setresuid32, -1, FUZZ_USER, -1));
	default:
		return minus_errno(syscall(SYS_setresuid32, -1, 0, -1));
	}
}

static inline int do_rlimit(struct fuzz_do *d)
{
	static const unsigned int soft[] = { 0, 24, 28, 32, 40, 1024, 1024, 1024 };
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = soft[d->op->count & 7];
	return minus_errno(setrlimit(RLIMIT_NOFILE, &limit));
}

struct fuzz_sched_attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

static inline int do_sched(struct fuzz_do *d)
{
	static const unsigned char policies[] = { SCHED_OTHER, SCHED_FIFO, SCHED_RR, 6 };
	struct fuzz_sched_attr attr = {
		.size = sizeof(attr),
		.policy = policies[d->op->count & 3],
	};

	if (attr.policy == SCHED_FIFO || attr.policy == SCHED_RR)
		attr.priority = d->op->priority % 100;
	if (attr.policy == 6) {	/* SCHED_DEADLINE */
		attr.runtime = NSEC_PER_MSEC;
		attr.deadline = 10 * NSEC_PER_MSEC;
		attr.period = 10 * NSEC_PER_MSEC;
	}
	return minus_errno(syscall(SYS_sched_setattr, 0, &attr, 0));
}

struct fuzz_parameter {
	const char *name;
	const char *value;	/* that all inputs start with */
};

#define FUZZ_PARAMETERS	7

/* So little that an input meets the limits of a user; root exceeds them. */
static const struct fuzz_parameter fuzz_parameters[FUZZ_PARAMETERS] = {
	{ "user_bytes", "300000" },
	{ "user_mailboxes", "12" },
	{ "user_files", "6" },
	{ "ns_mailboxes", "6" },
	{ "max_messages", "1048576" },
	{ "max_bytes", "1073741824" },
	{ "max_message_size", "67108864" },
};

static inline int set_parameter(const char *name, const char *value)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/mbox/parameters/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = minus_errno(write(fd, value, strlen(value)));
	close(fd);
	return ret;
}

static inline int do_parameter(struct fuzz_do *d)
{
	static const char * const values[] = {
		"0", "1", "100", "5000", "-1", "many", "99999999999999999999", "300000"
	};

	world.shared->dirty = 1;
	return set_parameter(fuzz_parameters[d->op->count % FUZZ_PARAMETERS].name,
			     values[d->op->id & 7]);
}

static inline int do_pause(struct fuzz_do *d)
{
	if (d->op->count & 7)
		fuzz_pause((d->op->count & 7) * 300 * NSEC_PER_USEC);
	else
		sched_yield();
	return 0;
}

#endif /* FUZZ_PROCESS_OPS_H */
