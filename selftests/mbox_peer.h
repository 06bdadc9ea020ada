/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A peer: another thread, or another process, that does one operation and keeps
 * what came of it while the test looks on. And messages that are one number, so
 * that a test can say in a line which message it means.
 */
#ifndef MBOX_PEER_H
#define MBOX_PEER_H

#include "mbox_test.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* ---- messages that are one number ---- */

static inline int num_send(int h, __u64 type, __u16 priority, __u32 number)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.priority = priority,
		.type = type,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};

	return mb_send(h, &args);
}

/* The number that a receive with @args got, without waiting. */
static inline int num_recv_args(int h, struct mbox_msg_args *args)
{
	__u32 number = 0;
	int ret;

	args->flags |= MBOX_WAIT_NONE;
	args->buf = (unsigned long)&number;
	args->len = sizeof(number);
	ret = mb_recv(h, args);
	args->buf = 0;
	return ret < 0 ? ret : (int)number;
}

static inline int num_recv(int h)
{
	struct mbox_msg_args args = { .flags = 0 };

	return num_recv_args(h, &args);
}

static inline int num_recv_type(int h, __u8 select, __u64 type)
{
	struct mbox_msg_args args = { .select = select, .type = type };

	return num_recv_args(h, &args);
}

/* Messages that differ, for who chooses; in receive order: 3 5 1 6 0 2 4 7. */
static const struct {
	__u64 type;
	__u16 priority;
} typed[] = {
	{ 5, 0 }, { 3, 1 }, { 5, 0 }, { 9, 7 }, { 3, 0 }, { 5, 2 }, { 7, 1 },
	{ 1ULL << 40, 0 },
};

/* A mailbox with all of these, numbered from 0 on. */
static inline int num_create_typed(void)
{
	int h = mb_create_anon();
	unsigned int i;
	int ret;

	for (i = 0; h >= 0 && i < ARRAY_SIZE(typed); i++) {
		ret = num_send(h, typed[i].type, typed[i].priority, i);
		if (ret)
			return ret;
	}
	return h;
}

static inline __u32 mb_messages(int h)
{
	return mb_stat_of(h).messages;
}

static inline __u64 mb_drops(int h)
{
	return mb_stat_of(h).drops;
}

/* ---- one page that faults behind one that does not ---- */

/* The end of a writable page; the byte after it cannot be touched. */
static inline char *mb_page_end(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + page, page, PROT_NONE))
		abort();
	memset(p, MB_POISON, page);
	return p + page;
}

/* ---- peers ---- */

#define PEER_DATA	64

struct peer {
	int fd;
	unsigned long cmd;		/* an ioctl with @args, unless @fn */
	long (*fn)(struct peer *p);	/* the result, or minus errno */
	void *arg;
	struct mbox_msg_args args;
	int policy;			/* SCHED_*, set before it starts */
	int rt_priority;
	int pin;			/* 1 + number of the only CPU; 0: any */
	char data[PEER_DATA];

	pid_t tid;
	pthread_t thread;
	bool is_process;
	long ret;
	__u64 begin, end;		/* CLOCK_MONOTONIC */
	bool done;
};

/* In shared memory, so that a process can tell its result. */
static inline struct peer *peer_new(int fd, long (*fn)(struct peer *p))
{
	struct peer *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	p->fd = fd;
	p->fn = fn;
	return p;
}

/* To receive any message into @data, waiting for ever. */
static inline struct peer *peer_recv(int fd)
{
	struct peer *p = peer_new(fd, NULL);

	p->cmd = MBOX_IOC_RECV;
	p->args.flags = MBOX_WAIT_FOREVER;
	p->args.buf = (unsigned long)p->data;
	p->args.len = PEER_DATA;
	mb_poison(&p->args);
	return p;
}

static inline struct peer *peer_recv_type(int fd, __u8 select, __u64 type)
{
	struct peer *p = peer_recv(fd);

	p->args.select = select;
	p->args.type = type;
	return p;
}

/* To send @number, waiting for ever. */
static inline struct peer *peer_send(int fd, __u64 type, __u16 priority,
				     __u32 number)
{
	struct peer *p = peer_new(fd, NULL);

	p->cmd = MBOX_IOC_SEND;
	p->args.flags = MBOX_WAIT_FOREVER;
	p->args.type = type;
	p->args.priority = priority;
	memcpy(p->data, &number, sizeof(number));
	p->args.buf = (unsigned long)p->data;
	p->args.len = sizeof(number);
	return p;
}

/* A mailbox with room for two messages, 100 and 101, and senders of 0 to 3. */
static inline int peer_full_mailbox(struct peer *senders[4])
{
	int h = mb_create_small(2);
	int i, ret;

	if (h < 0)
		return h;
	ret = num_send(h, 1, 5, 100) ?: num_send(h, 1, 5, 101);
	if (ret)
		return ret;
	for (i = 0; i < 4; i++)
		senders[i] = peer_send(h, 2, 0, i);
	return h;
}

static inline void peer_until(struct peer *p, __u64 deadline)
{
	p->args.flags = (p->args.flags & ~MBOX_WAIT_MASK) | MBOX_WAIT_UNTIL;
	p->args.deadline = deadline;
}

static inline int cpu_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static inline void *peer_main(void *arg)
{
	struct peer *p = arg;
	struct sched_param param = { .sched_priority = p->rt_priority };

	if ((p->pin && cpu_pin(p->pin - 1)) ||
	    (p->policy && sched_setscheduler(0, p->policy, &param)))
		abort();
	p->begin = mb_now(CLOCK_MONOTONIC);
	__atomic_store_n(&p->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	p->ret = p->fn ? p->fn(p) : mb_ioctl(p->fd, p->cmd, &p->args);
	p->end = mb_now(CLOCK_MONOTONIC);
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static inline bool peer_done(struct peer *p)
{
	return __atomic_load_n(&p->done, __ATOMIC_ACQUIRE);
}

/* Start as a thread. */
static inline bool peer_start(struct peer *p)
{
	return !pthread_create(&p->thread, NULL, peer_main, p) &&
	       wait_until(__atomic_load_n(&p->tid, __ATOMIC_ACQUIRE));
}

/* Start as a process. */
static inline bool peer_fork(struct peer *p)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		peer_main(p);
		_exit(0);
	}
	p->is_process = true;
	return pid > 0 &&
	       wait_until(__atomic_load_n(&p->tid, __ATOMIC_ACQUIRE));
}

static inline const char *peer_waiters(struct peer *p)
{
	return p->cmd == MBOX_IOC_SEND ? "mbox-waiting-senders" :
					 "mbox-waiting-receivers";
}

static inline __u32 waiting_senders(int h)
{
	return mb_fdinfo(h, "mbox-waiting-senders");
}

/* Wait until @n receives, or sends, are blocked in the mailbox. */
static inline bool receivers_blocked(int h, int n)
{
	return wait_until(mb_fdinfo(h, "mbox-waiting-receivers") == n);
}

static inline bool senders_blocked(int h, int n)
{
	return wait_until(mb_fdinfo(h, "mbox-waiting-senders") == n);
}

/* Start as a thread, or a process, and wait until it is blocked. */
static inline bool peer_blocks(struct peer *p)
{
	long long n = mb_fdinfo(p->fd, peer_waiters(p));

	return peer_start(p) &&
	       wait_until(mb_fdinfo(p->fd, peer_waiters(p)) == n + 1);
}

static inline bool peer_fork_blocks(struct peer *p)
{
	long long n = mb_fdinfo(p->fd, peer_waiters(p));

	return peer_fork(p) &&
	       wait_until(mb_fdinfo(p->fd, peer_waiters(p)) == n + 1);
}

/* What state /proc shows the peer in: R, S, T, ...; '?' if it is gone. */
static inline char peer_state(pid_t tid)
{
	char path[64], buf[256] = "";
	char *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return '?';
	if (!fgets(buf, sizeof(buf), f))
		buf[0] = 0;
	fclose(f);
	end = strrchr(buf, ')');
	return end && end[1] ? end[2] : '?';
}

/* Wait until it sleeps: for operations that show in no count. */
static inline bool peer_sleeps(struct peer *p)
{
	return wait_until(peer_state(p->tid) == 'S' || peer_done(p));
}

/* What came of it: the result or minus errno; -ECHILD if it was killed. */
static inline long peer_join(struct peer *p)
{
	if (p->is_process)
		mb_wait(p->tid);
	else
		pthread_join(p->thread, NULL);
	return peer_done(p) ? p->ret : -ECHILD;
}

/* The number that it received, or minus errno. */
static inline long peer_number(struct peer *p)
{
	long ret = peer_join(p);
	__u32 number;

	memcpy(&number, p->data, sizeof(number));
	return ret < 0 ? ret : (long)number;
}

/* ---- one CPU for oneself ---- */

/*
 * Between these nobody else runs on CPU 0: a peer pinned there that is woken
 * meanwhile is about to run, but has not.
 */
static inline int cpu_seize(void)
{
	const struct sched_param param = { .sched_priority = 50 };

	return cpu_pin(0) ?: sched_setscheduler(0, SCHED_FIFO, &param);
}

static inline int cpu_release(void)
{
	const struct sched_param param = { .sched_priority = 0 };

	return sched_setscheduler(0, SCHED_OTHER, &param);
}

/* ---- handles through unix sockets ---- */

static inline int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = "", byte = 'f';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static inline int recv_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* ---- signals ---- */

static int signals_seen;

static inline void signal_count(int sig)
{
	(void)sig;
	__atomic_add_fetch(&signals_seen, 1, __ATOMIC_RELEASE);
}

static inline int signal_handle(int sig, int flags)
{
	struct sigaction action = {
		.sa_handler = signal_count,
		.sa_flags = flags,
	};

	return sigaction(sig, &action, NULL);
}

static inline int signals(void)
{
	return __atomic_load_n(&signals_seen, __ATOMIC_ACQUIRE);
}

#endif /* MBOX_PEER_H */
