/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Walks over all that can fail in an operation. The kernel lets the nth allocation,
 * page allocation or user copy of a task fail (/proc/thread-self/fail-nth): the
 * operation is tried with the first, then with the second, until there is none left:
 *
 *	struct walk w = { .nomem = 1, .fault = 2 };
 *
 *	FAULT_EACH(&w) {
 *		struct state before = state_of(h);
 *
 *		if (INJECT(&w, mb_put(h, "x", 1)) < 0) {
 *			EXPECT_UNCHANGED(h, &before);
 *		} else {
 *			EXPECT_EQ(1, mb_get(h, buf, 1));
 *		}
 *	}
 *
 * The last time nothing is injected, and the operation must succeed. A fault that it
 * got over is no failure: allocators and detectors have steps of their own that may
 * fail. As these come and go, and push others out of the count, a walk that met less
 * than it should is begun anew.
 */
#ifndef MBOX_FAULT_H
#define MBOX_FAULT_H

#include "mbox_files.h"
#include "mbox_call.h"
#include "mbox_holdings.h"

#include <limits.h>

/* ---- what the kernel injects ---- */

#define FAULT_DIR	"/sys/kernel/debug/"
#define FAULT_NTH	"/proc/thread-self/fail-nth"
#define FAULT_MAX	20000	/* no operation has so many steps */
#define FAULT_ROUNDS	30	/* until all was met in one or another that is to be */

static struct {
	const char *path;
	const char *value;
	char before[32];
} fault_settings[] = {
	{ FAULT_DIR "failslab/ignore-gfp-wait", "N", "" },
	{ FAULT_DIR "failslab/verbose", "0", "" },
	{ FAULT_DIR "fail_page_alloc/ignore-gfp-wait", "N", "" },
	{ FAULT_DIR "fail_page_alloc/ignore-gfp-highmem", "N", "" },
	{ FAULT_DIR "fail_page_alloc/min-order", "0", "" },
	{ FAULT_DIR "fail_page_alloc/verbose", "0", "" },
	{ FAULT_DIR "fail_usercopy/verbose", "0", "" },
};

static bool fault_possible;

static inline void fault_settings_restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fault_settings); i++)
		mb_write_file(fault_settings[i].path, fault_settings[i].before);
}

/* Once, before the first test; undone after the last. Tasks that ask for it are hit. */
static void __attribute__((constructor)) fault_settings_make(void)
{
	unsigned int i;

	if (access(FAULT_NTH, W_OK))
		return;
	for (i = 0; i < ARRAY_SIZE(fault_settings); i++) {
		FILE *f = fopen(fault_settings[i].path, "re");

		if (!f)
			return;
		if (!fgets(fault_settings[i].before, 32, f))
			fault_settings[i].before[0] = 0;
		fclose(f);
	}
	fault_possible = true;
	atexit(fault_settings_restore);
	for (i = 0; i < ARRAY_SIZE(fault_settings); i++)
		if (mb_write_file(fault_settings[i].path, fault_settings[i].value))
			fault_possible = false;
}

static struct {
	pid_t tid;
	int fd;
} fault_task;

/* For the calling thread; it stays open. */
static inline bool fault_open(void)
{
	pid_t tid = syscall(SYS_gettid);

	if (fault_task.tid == tid)
		return true;
	/* No page of ours may have to be made while a fault is due. */
	mlockall(MCL_CURRENT);
	/* After a change of ids that file would not be ours. */
	prctl(PR_SET_DUMPABLE, 1);
	fault_task.fd = open(FAULT_NTH, O_RDWR | O_CLOEXEC);
	fault_task.tid = tid;
	return fault_task.fd >= 0;
}

/* In a FIXTURE_SETUP: end the test as skipped where nothing can be injected. */
#define MB_NEED_FAULTS() do { \
	MB_NEED_DEVICE(); \
	if (!fault_possible || !fault_open()) \
		SKIP(_exit(255), "no " FAULT_NTH); \
} while (0)

static inline void fault_arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fault_task.fd, text, len, 0) != len)
		abort();
}

/* Return whether a fault was injected since fault_arm(). */
static inline bool fault_disarm(void)
{
	char left = '0';
	ssize_t len = pread(fault_task.fd, &left, 1, 0);

	/* What did not hit the operation may well hit these. */
	while (pwrite(fault_task.fd, "0", 1, 0) != 1)
		if (errno != EFAULT && errno != ENOMEM)
			abort();
	return len == 1 && left == '0';
}

/* ---- walks ---- */

/* How an operation that is tried so ends; expectations first. */
struct walk {
	int nomem;		/* at least so often with ENOMEM */
	int fault;		/* at least so often with EFAULT */
	int late;		/* at least so often after something was done: walk_late() */
	int other;		/* perhaps with this error, which is documented too */
	long end;		/* with this, if it is an error, when nothing fails */

	unsigned int stride;	/* only each of so many steps fails; 0: each */

	unsigned int n;		/* which step fails; 0: not begun */
	int round;
	bool tried, injected;
	long ret;
	int nomem_seen, fault_seen, late_seen;	/* in this round */
	int nomem_most, fault_most, late_most;	/* in the rounds before */
};

static inline void walk_count(struct walk *w)
{
	w->tried = true;
	w->injected = fault_disarm();
	w->nomem_seen += w->injected && w->ret == -ENOMEM;
	w->fault_seen += w->injected && w->ret == -EFAULT;
}

/* @call, which yields minus errno, with the walk's fault. */
#define INJECT(w, call) ({ \
	fault_arm((w)->n); \
	(w)->ret = (call); \
	walk_count(w); \
	(w)->ret; \
})

/* The test has seen that the fault came when a part of the operation was done. */
static inline void walk_late(struct walk *w)
{
	w->late_seen += w->injected;
}

/* What came of a try, beyond what the test itself looks at. */
static inline void walk_judge(struct __test_metadata *_metadata, const struct walk *w)
{
	EXPECT_TRUE(w->tried);
	if (w->injected) {
		EXPECT_TRUE(w->ret >= 0 || w->ret == -ENOMEM || w->ret == -EFAULT ||
			    w->ret == -w->other || w->ret == w->end);
	} else {
		EXPECT_EQ(w->end, w->ret < 0 ? w->ret : 0);
	}
	EXPECT_GT(FAULT_MAX, w->n);
	if (!_metadata->passed)
		TH_LOG("fault %u%s: %ld", w->n, w->injected ? "" : ", not met", w->ret);
}

static inline void walk_note(int *seen, int *most)
{
	*most = *seen > *most ? *seen : *most;
	*seen = 0;
}

/*
 * Whether the rounds so far were enough. Caches take more steps now and then, and what
 * fails in one round is stepped over in another.
 */
static inline bool walk_enough(struct __test_metadata *_metadata, struct walk *w)
{
	w->n = 0;
	walk_note(&w->nomem_seen, &w->nomem_most);
	walk_note(&w->fault_seen, &w->fault_most);
	walk_note(&w->late_seen, &w->late_most);
	if (w->nomem_most >= w->nomem && w->fault_most >= w->fault &&
	    w->late_most >= w->late)
		return true;
	if (++w->round < FAULT_ROUNDS)
		return false;
	EXPECT_LE(w->nomem, w->nomem_most);
	EXPECT_LE(w->fault, w->fault_most);
	EXPECT_LE(w->late, w->late_most);
	return true;
}

/* Whether there is one more try. */
static inline bool walk_next(struct __test_metadata *_metadata, struct walk *w)
{
	bool over;

	if (w->n)
		walk_judge(_metadata, w);
	if (!w->n)
		ASSERT_TRUE(fault_open());
	over = !_metadata->passed || (w->n && !w->injected && walk_enough(_metadata, w));
	w->n += w->stride ?: 1;
	w->tried = false;
	return !over;
}

#define FAULT_EACH(w) for (; walk_next(_metadata, w);)

/* A test that walks: many tries, on kernels that look at each step. */
#define TEST_F_WALK(fixture, test) TEST_F_TIMEOUT(fixture, test, 300)

/* ---- the state of a mailbox, and of all that its user holds ---- */

#define STATE_MSGS	24

struct state {
	struct mbox_stat_args stat;
	struct mbox_query_args query;
	long refcnt;		/* of the module: open handles */
	int fds;
	int next_fd;		/* the lowest that is free: a reserved one shows nowhere else */
	int count;
	struct {
		struct mbox_msg_args args;
		__u64 sum;	/* of the payload */
	} msg[STATE_MSGS];	/* in the order in which they are received */
};

static inline __u64 state_sum(const unsigned char *p, size_t len)
{
	__u64 sum = 0xcbf29ce484222325;

	while (len--)
		sum = (sum ^ *p++) * 0x100000001b3;
	return sum;
}

static inline int fd_next(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* @h, if it may receive, shows the messages too. */
static inline struct state state_of(int h)
{
	static unsigned char buf[64 * 1024];
	struct state st;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_PEEK | MBOX_TRUNCATE,
		.buf = (unsigned long)buf,
		.len = sizeof(buf),
	};

	memset(&st, 0, sizeof(st));
	mb_query(&st.query);
	st.refcnt = number_in("/sys/module/mbox/refcnt");
	st.fds = fd_count();
	st.next_fd = fd_next();
	if (h < 0)
		return st;
	mb_stat(h, &st.stat);
	while (st.count < STATE_MSGS && !mb_recv(h, &args)) {
		st.msg[st.count].args = args;
		st.msg[st.count].sum =
			state_sum(buf, args.out_len < sizeof(buf) ?
				  args.out_len : sizeof(buf));
		st.count++;
		args.flags |= MBOX_PEEK_AFTER;
		args.priority = args.out_priority;
		args.id = args.out_seq;
	}
	return st;
}

/* What tells best what is wrong, first. */
#define STATE_FIELD(f) { #f, offsetof(struct state, f), sizeof(((struct state *)0)->f) }
static const struct {
	const char *name;
	size_t offset, size;
} state_fields[] = {
	STATE_FIELD(stat.messages),
	STATE_FIELD(stat.bytes),
	STATE_FIELD(stat.senders),
	STATE_FIELD(stat.receivers),
	STATE_FIELD(stat.waiting_senders),
	STATE_FIELD(stat.waiting_receivers),
	STATE_FIELD(stat.calls),
	STATE_FIELD(stat.tokens),
	STATE_FIELD(stat.stale_tokens),
	STATE_FIELD(stat.sent),
	STATE_FIELD(stat.received),
	STATE_FIELD(stat.drops),
	STATE_FIELD(query.user_bytes),
	STATE_FIELD(query.user_mailboxes),
	STATE_FIELD(query.user_files),
	STATE_FIELD(query.ns_mailboxes),
	STATE_FIELD(refcnt),
	STATE_FIELD(fds),
	STATE_FIELD(next_fd),
	STATE_FIELD(count),
	/* Limits, the owner and the like. */
	STATE_FIELD(stat),
	STATE_FIELD(query),
};

static inline long long state_value(const struct state *st, size_t offset, size_t size)
{
	long long value = 0;

	memcpy(&value, (const char *)st + offset, size < 8 ? size : 8);
	return value;
}

/* What is not as it was; nothing is "". */
static inline const char *state_diff(int h, const struct state *was)
{
	static char diff[128];
	struct state now = state_of(h);
	unsigned int i;

	diff[0] = 0;
	for (i = 0; i < ARRAY_SIZE(state_fields) && !diff[0]; i++) {
		size_t at = state_fields[i].offset, size = state_fields[i].size;

		if (memcmp((char *)&now + at, (const char *)was + at, size))
			snprintf(diff, sizeof(diff), "%s %lld, was %lld",
				 state_fields[i].name, state_value(&now, at, size),
				 state_value(was, at, size));
	}
	for (i = 0; (int)i < now.count && !diff[0]; i++)
		if (memcmp(&now.msg[i], &was->msg[i], sizeof(now.msg[i])))
			snprintf(diff, sizeof(diff), "message %u is another", i);
	return diff;
}

#define EXPECT_UNCHANGED(h, was) EXPECT_STREQ("", state_diff(h, was))

/* The same, but for one message that was sent and received meanwhile. */
#define EXPECT_PASSED(h, was) do { \
	(was)->stat.sent++; \
	(was)->stat.received++; \
	EXPECT_UNCHANGED(h, was); \
} while (0)

/* ---- somebody who acts once the operation waits ---- */

struct partner {
	int h;			/* its mailbox */
	const char *waits;	/* the line of its fdinfo that then is not 0 */
	void (*act)(struct partner *p);
	void *arg;		/* of @act, as the next two are */
	long ret;
	__u32 token;
	bool stop;
	pthread_t thread;
};

static inline void *partner_main(void *arg)
{
	struct partner *p = arg;

	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		if (mb_fdinfo(p->h, p->waits) <= 0) {
			mb_poll_pause();
			continue;
		}
		p->act(p);
		break;
	}
	return NULL;
}

static inline void partner_start(struct partner *p)
{
	p->stop = false;
	if (pthread_create(&p->thread, NULL, partner_main, p))
		abort();
}

static inline void partner_end(struct partner *p)
{
	__atomic_store_n(&p->stop, true, __ATOMIC_RELEASE);
	pthread_join(p->thread, NULL);
}

#endif /* MBOX_FAULT_H */
