/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Running inputs. A server, forked early so that it is small, makes for each
 * input a process with its lanes, tells them what to do, kills all of it, and
 * looks whether everything is as before.
 *
 * An operation is begun when the one before it is over, or has not been for so
 * long that it must be waiting; or at once, if that one is FUZZ_ASYNC.
 */
#ifndef FUZZ_SANDBOX_H
#define FUZZ_SANDBOX_H

#include <grp.h>
#include <sys/prctl.h>

#include "lanes.h"

#define GRACE	(5 * NSEC_PER_MSEC)	/* who needs longer waits */
#define LINGER	(50 * NSEC_PER_MSEC)	/* for a lane that has to do something else */
#define HANG	(20 * NSEC_PER_SEC)	/* who needs longer hangs */

static struct {
	int to_server;
	int from_server;
} sandbox;

static inline bool lane_is_busy(const struct fuzz_lane *lane)
{
	return __atomic_load_n(&lane->alive, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&lane->done, __ATOMIC_ACQUIRE) != lane->want;
}

/* Whether the lane is idle, or dead, in the end. */
static inline bool wait_for_lane(const struct fuzz_lane *lane, uint64_t ns)
{
	uint64_t end = fuzz_now(CLOCK_MONOTONIC) + ns;
	uint64_t now;

	for (;;) {
		uint32_t over = __atomic_load_n(&world.shared->over, __ATOMIC_ACQUIRE);

		if (!lane_is_busy(lane))
			return true;
		now = fuzz_now(CLOCK_MONOTONIC);
		if (now >= end)
			return false;
		futex_wait(&world.shared->over, over, end - now);
	}
}

static inline void ask_lane(struct fuzz_lane *lane, int request)
{
	lane->op = request;
	lane->until = fuzz_now(CLOCK_MONOTONIC);
	__atomic_store_n(&lane->want, lane->want + 1, __ATOMIC_RELEASE);
	futex_wake(&lane->want);
}

/* The lane, if it can be asked, with a process around it. */
static inline struct fuzz_lane *get_lane(unsigned int i)
{
	struct fuzz_lane *lanes = world.shared->lanes;
	unsigned int process = process_of(i);

	if (process && !lanes[i].alive && !lanes[first_lane(process)].alive &&
	    lanes[0].alive && wait_for_lane(&lanes[0], LINGER)) {
		ask_lane(&lanes[0], LANE_FORK + 1 - (int)process);
		wait_for_lane(&lanes[0], HANG);
	}
	if (!lanes[i].alive || !wait_for_lane(&lanes[i], LINGER))
		return NULL;
	return lanes[i].alive ? &lanes[i] : NULL;
}

static inline void run_ops(void)
{
	const struct fuzz_input *in = &world.shared->in;
	struct fuzz_lane *lane;
	unsigned int i;

	for (i = 0; i < in->count; i++) {
		lane = get_lane(fuzz_lane(&in->ops[i]));
		if (!lane)
			continue;
		ask_lane(lane, i);
		if (!(in->ops[i].lane & FUZZ_ASYNC))
			wait_for_lane(lane, GRACE);
	}
}

/* Where it is, and in which system call. */
static inline void describe_lane(const struct fuzz_lane *lane, const char *what,
				 char *text, size_t size)
{
	char path[64];
	ssize_t len = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", lane->pid, lane->tid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, text, size - 1);
		close(fd);
	}
	text[len < 0 ? 0 : len] = 0;
	text[strcspn(text, "\n")] = 0;
}

static inline void lane_hangs(const struct fuzz_lane *lane)
{
	char stat[64], call[64];

	describe_lane(lane, "stat", stat, sizeof(stat));
	describe_lane(lane, "syscall", call, sizeof(call));
	fuzz_wrong("lane %d hangs in operation %d: stat %s, syscall %s",
		   (int)(lane - world.shared->lanes), lane->op, stat, call);
}

/* An injected fault can kill: when a signal's frame can't be written. */
static inline bool lane_is_gone(const struct fuzz_lane *lane)
{
	char stat[64], *state;

	describe_lane(lane, "stat", stat, sizeof(stat));
	state = strrchr(stat, ')');
	return !state || !strncmp(state, ") Z", 3) || !strncmp(state, ") X", 3);
}

/* What must end by itself does. */
static inline void settle(void)
{
	struct fuzz_lane *lane = world.shared->lanes;
	unsigned int i;

	for (i = 0; i < FUZZ_LANES; i++, lane++) {
		uint64_t begin = fuzz_now(CLOCK_MONOTONIC);

		while (lane_is_busy(lane) && lane->until && !lane->stopped) {
			if (!wait_for_lane(lane, 10 * GRACE) && lane_is_gone(lane))
				lane->alive = 0;
			if (fuzz_now(CLOCK_MONOTONIC) - begin < HANG)
				continue;
			lane_hangs(lane);
			return;
		}
	}
}

/* Who waits with no end waits for something that is not there. */
static inline void check_waits(void)
{
	struct fuzz_lane *lanes = world.shared->lanes;
	unsigned int i;
	bool any = false;

	for (i = 0; i < FUZZ_LANES; i++)
		any |= lane_is_busy(&lanes[i]) && lanes[i].watch;
	if (!any || world.shared->dirty)
		return;
	for (i = 0; i < FUZZ_LANES; i++) {
		if (!lanes[i].alive || lane_is_busy(&lanes[i]))
			continue;
		ask_lane(&lanes[i], LANE_CHECK);
		wait_for_lane(&lanes[i], HANG);
		i = end_lane(process_of(i)) - 1;
	}
}

/* ---- one input ---- */

static inline void on_signal(int sig)
{
	(void)sig;
}

/* Who all of an input are. */
static inline void become_user(unsigned int user)
{
	if (user % 8 == 7)
		unshare(CLONE_NEWUSER);
	else if (user & 1)
		become(FUZZ_USER);
}

/* The first process, of this input and of those after it that leave it whole. */
static inline pid_t start_first(void)
{
	struct sigaction restart = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction plain = { .sa_handler = on_signal };
	pid_t pid;

	memset(world.shared->lanes, 0, sizeof(world.shared->lanes));
	world.shared->lanes[0].alive = 1;
	world.shared->lanes[1].alive = 1;
	world.shared->lanes[2].alive = 1;
	pid = fork();
	if (pid) {
		setpgid(pid, pid);
		world.shared->lanes[0].pid = pid;
		world.shared->lanes[1].pid = pid;
		world.shared->lanes[2].pid = pid;
		return pid;
	}
	setpgid(0, 0);
	sigaction(SIGUSR1, &restart, NULL);
	sigaction(SIGIO, &restart, NULL);
	sigaction(SIGUSR2, &plain, NULL);
	signal(SIGURG, SIG_IGN);
	become_user(world.shared->in.head.user);
	process_main(0);
}

/*
 * Whether the first process can go on with the next input: making one is what
 * takes most of the time. It can't where it was changed, or waits, or died; and
 * if the input says so, since its end is worth a try, too.
 */
static inline bool first_is_spoiled(void)
{
	static const uint64_t spoils = 1ULL << FUZZ_FORK | 1ULL << FUZZ_EXIT |
		1ULL << FUZZ_EXEC | 1ULL << FUZZ_STOP | 1ULL << FUZZ_UNSHARE |
		1ULL << FUZZ_IDS | 1ULL << FUZZ_RLIMIT | 1ULL << FUZZ_SCHED |
		1ULL << FUZZ_URING;
	const struct fuzz_input *in = &world.shared->in;
	const struct fuzz_lane *lanes = world.shared->lanes;
	unsigned int i;

	if (*world.shared->verdict || in->head.user || (in->head.end & 3))
		return true;
	for (i = 0; i < in->count; i++)
		if ((spoils >> fuzz_kind(&in->ops[i]) & 1) || fuzz_lane(&in->ops[i]) > 2)
			return true;
	for (i = 0; i < 3; i++)
		if (!lanes[i].alive || lane_is_busy(&lanes[i]))
			return true;
	return false;
}

/* By itself, if the input says so; else killed. */
static inline void end_first(pid_t pid)
{
	struct fuzz_lane *lane = world.shared->lanes;
	bool ended = false;
	int status;

	if ((world.shared->in.head.end & 1) && lane->alive && !lane_is_busy(lane)) {
		ask_lane(lane, LANE_EXIT);
		if (waitpid(pid, &status, 0) == pid)
			ended = true;
	}
	kill(-pid, SIGKILL);
	if (!ended)
		kill(pid, SIGKILL);
}

/* ---- afterwards ---- */

static inline void drain_socket(void)
{
	union {
		char buf[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	int fd, ends = 2;

	while (ends--) {
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};

		while (recvmsg(world.files[FILE_UNIX + ends], &msg,
			       MSG_CMSG_CLOEXEC | MSG_DONTWAIT) > 0) {
			struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

			if (head && head->cmsg_type == SCM_RIGHTS) {
				memcpy(&fd, CMSG_DATA(head), sizeof(fd));
				close(fd);
			}
			msg.msg_controllen = sizeof(control.buf);
		}
	}
}

/* Whether there may be a mailbox with a name. */
static inline bool names_used(void)
{
	const struct fuzz_input *in = &world.shared->in;
	unsigned int i;

	for (i = 0; i < in->count; i++)
		if (fuzz_kind(&in->ops[i]) == FUZZ_CREATE || fuzz_kind(&in->ops[i]) == FUZZ_IOCTL)
			return true;
	return (in->head.kind & 0xe0) == 0xe0;
}

static inline void remove_names(void)
{
	struct mbox_open_args args = { .flags = MBOX_NAMED };
	char longest[MBOX_NAME_MAX];
	unsigned int i;

	if (!names_used())
		return;
	memset(longest, 'n', sizeof(longest));
	for (i = 0; i < FUZZ_NAMES; i++) {
		const char *name = fuzz_name(i);

		args.name = (uintptr_t)(name ?: longest);
		args.name_len = name ? strlen(name) : MBOX_NAME_MAX;
		ioctl(world.files[FILE_DEVICE], MBOX_IOC_UNLINK, &args);
	}
}

static inline void set_parameters(void)
{
	unsigned int i;

	for (i = 0; i < FUZZ_PARAMETERS; i++)
		set_parameter(fuzz_parameters[i].name, fuzz_parameters[i].value);
}

#define FUZZ_USERS	3

/* What is accounted to a user. */
static inline bool query_user(unsigned int user, struct mbox_query_args *args)
{
	static const uid_t users[FUZZ_USERS] = { 0, FUZZ_USER, FUZZ_USER + 1 };
	int ret;

	syscall(SYS_setresuid32, -1, users[user], -1);
	ret = ioctl(world.files[FILE_DEVICE], MBOX_IOC_QUERY, args);
	syscall(SYS_setresuid32, -1, 0, -1);
	return !ret;
}

static inline bool ids_changed(void)
{
	const struct fuzz_input *in = &world.shared->in;
	unsigned int i;

	for (i = 0; i < in->count; i++)
		if (fuzz_kind(&in->ops[i]) == FUZZ_IDS)
			return true;
	return false;
}

/* What there was before the first input, by others. */
static struct mbox_query_args before[FUZZ_USERS];

/* Whether nothing more is accounted to any user; else how much is. */
static inline bool nothing_left(struct mbox_query_args *left)
{
	unsigned int i, users = world.shared->in.head.user || ids_changed() ? FUZZ_USERS : 1;

	for (i = 0; i < users; i++)
		if (!query_user(i, left) ||
		    left->user_bytes > before[i].user_bytes ||
		    left->user_mailboxes > before[i].user_mailboxes ||
		    left->user_files > before[i].user_files ||
		    left->ns_mailboxes > before[i].ns_mailboxes)
			return false;
	return true;
}

/* Files are closed, and namespaces ended, by workers, a little later. */
static inline void check_nothing_left(void)
{
	uint64_t end = fuzz_now(CLOCK_MONOTONIC) + HANG;
	struct mbox_query_args left = { 0 };

	while (!nothing_left(&left)) {
		if (fuzz_now(CLOCK_MONOTONIC) > end) {
			fuzz_wrong("left: %u mailboxes (%u found by name), %llu bytes, %u files",
				   left.user_mailboxes, left.ns_mailboxes,
				   (unsigned long long)left.user_bytes, left.user_files);
			return;
		}
		fuzz_pause(200 * NSEC_PER_USEC);
	}
}

static inline void check_fresh_mailbox(void)
{
	struct mbox_create_args create = { .flags = MBOX_RECV | MBOX_SEND };
	struct mbox_stat_args stat = { .messages = 1 };
	int fd = ioctl(world.files[FILE_DEVICE], MBOX_IOC_CREATE, &create);

	if (fd < 0 || ioctl(fd, MBOX_IOC_STAT, &stat))
		fuzz_wrong("no new mailbox: %s", strerror(errno));
	else if (stat.messages || stat.bytes || stat.tokens || stat.calls ||
		 stat.senders != 1 || stat.receivers != 1)
		fuzz_wrong("a new mailbox is not empty");
	close(fd);
}

/* An injected fault may well kill a process; else nothing does but SIGKILL. */
static inline bool faults_injected(void)
{
	const struct fuzz_input *in = &world.shared->in;
	unsigned int i;

	for (i = 0; i < in->count; i++)
		if (in->ops[i].lane >> 4)
			return true;
	return false;
}

static inline void reap(pid_t first)
{
	uint64_t end = fuzz_now(CLOCK_MONOTONIC) + HANG;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) >= 0) {
		if (pid == first && WIFSIGNALED(status) &&
		    WTERMSIG(status) != SIGKILL && !faults_injected())
			fuzz_wrong("signal %d killed the first process", WTERMSIG(status));
		if (pid == first && WIFEXITED(status) && WEXITSTATUS(status))
			fuzz_wrong("the first process failed");
		if (!pid && fuzz_now(CLOCK_MONOTONIC) > end) {
			fuzz_wrong("a killed process does not end");
			return;
		}
		if (!pid) {
			kill(-first, SIGKILL);
			fuzz_pause(100 * NSEC_PER_USEC);
		}
	}
}

static inline void begin_input(void)
{
	struct fuzz_shared *shared = world.shared;
	unsigned int i;

	shared->tokens_seen = 0;
	shared->calls_seen = 0;
	memset(shared->tokens, 0, sizeof(shared->tokens));
	memset(shared->calls, 0, sizeof(shared->calls));
	shared->dirty = 0;
	*shared->verdict = 0;
	for (i = 0; i < FUZZ_OPS_MAX; i++)
		shared->results[i] = FUZZ_NOT_RUN;
}

/* Have the first lane do something that is no part of the input. */
static inline void ask_first(int request)
{
	struct fuzz_lane *first = &world.shared->lanes[0];

	ask_lane(first, request);
	if (!wait_for_lane(first, HANG))
		lane_hangs(first);
}

static inline void run_input(void)
{
	static pid_t first;
	static unsigned int n;

	begin_input();
	if (first && world.shared->in.head.user) {
		end_first(first);
		reap(first);
		first = 0;
	}
	if (!first)
		first = start_first();
	ask_first(LANE_BEGIN);
	run_ops();
	settle();
	if (!*world.shared->verdict)
		check_waits();
	if (first_is_spoiled()) {
		end_first(first);
		reap(first);
		first = 0;
	} else {
		ask_first(LANE_END);
	}
	drain_socket();
	if (world.shared->dirty)
		set_parameters();
	remove_names();
	if (!*world.shared->verdict)
		check_nothing_left();
	if (!*world.shared->verdict && n++ % 16 == 0)
		check_fresh_mailbox();
}

/* ---- the server ---- */

static inline _Noreturn void serve(int from, int to)
{
	unsigned int i;
	char byte;

	world.first_fd = dup(to);
	close(world.first_fd);
	signal(SIGSEGV, SIG_DFL);	/* what a sanitizer's runtime has set */
	signal(SIGBUS, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setgroups(0, NULL);
	for (i = 0; i < FUZZ_USERS; i++)
		query_user(i, &before[i]);
	while (read(from, &byte, 1) == 1) {
		run_input();
		if (write(to, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

/* Make the world and the server. Once, before anything large is in memory. */
static inline void fuzz_begin(void)
{
	int down[2], up[2];

	world_memories();
	world_files();
	set_parameters();
	if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC)) {
		perror("fuzz: pipe");
		exit(1);
	}
	if (!fork()) {
		close(down[1]);
		close(up[0]);
		serve(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	sandbox.to_server = down[1];
	sandbox.from_server = up[0];
}

/* Run one input. Return what is wrong, or NULL. */
static inline const char *fuzz_run(const void *data, size_t size)
{
	char byte = 0;
	ssize_t n;

	fuzz_parse(&world.shared->in, data, size);
	if (write(sandbox.to_server, &byte, 1) != 1)
		return "the server is gone";
	do {	/* libFuzzer has a timer */
		n = read(sandbox.from_server, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		return "the server is gone";
	return *world.shared->verdict ? world.shared->verdict : NULL;
}

#endif /* FUZZ_SANDBOX_H */
