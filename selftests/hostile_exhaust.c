// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * An unprivileged user takes all that it can get of something, by each way there is,
 * until it is refused with the errno for that. Another user's traffic goes on
 * meanwhile: it neither fails nor slows down without bound; and when the first one is
 * killed, nothing of what it took is left.
 */
#include "mbox_files.h"
#include "mbox_call.h"
#include "mbox_parameters.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define ROUNDS	300		/* of the victim's traffic, to see that it goes on */
#define FACTOR	100		/* by which it may be slower, on a machine with others */
#define KIB	1024

/* Shared with the victim, a process of another user. */
struct traffic {
	long rounds;
	int error;
};

FIXTURE(victim) {
	struct traffic *traffic;
	pid_t pid;
	__u64 alone;		/* what ROUNDS took without the attacker */
	int go[2];
};

#define VICTIM FIXTURE_DATA(victim)

/* One message, and now and then a name. */
static int traffic_round(int h, long n)
{
	int named, opened, ret;

	ret = num_send(h, n, 0, n);
	if (!ret && num_recv(h) != (int)n)
		ret = -EIO;
	if (ret || n % 16)
		return ret;
	named = mb_create_named("hostile-victim", MB_RW | MBOX_EXCL, 0600);
	opened = mb_open("hostile-victim", MBOX_SEND);
	ret = mb_unlink("hostile-victim");
	close(named);
	close(opened);
	return named < 0 ? named : opened < 0 ? opened : ret;
}

static void traffic_run(struct __test_metadata *_metadata, void *arg)
{
	struct traffic *traffic = arg;
	int h = mb_create_anon();

	ASSERT_LE(0, h);
	while (!traffic->error) {
		traffic->error = traffic_round(h, traffic->rounds);
		__atomic_add_fetch(&traffic->rounds, 1, __ATOMIC_RELEASE);
	}
}

/* How long the next rounds take; 0: they do not come. */
static __u64 traffic_time(struct traffic *traffic)
{
	long end = __atomic_load_n(&traffic->rounds, __ATOMIC_ACQUIRE) + ROUNDS;
	__u64 begin = mb_now(CLOCK_MONOTONIC);

	if (!wait_until(__atomic_load_n(&traffic->rounds, __ATOMIC_ACQUIRE) >= end))
		return 0;
	return mb_now(CLOCK_MONOTONIC) - begin;
}

FIXTURE_SETUP(victim)
{
	const struct mb_child child = {
		.fn = traffic_run, .uid = MB_OTHER, .gid = MB_OTHER,
	};
	struct mb_child victim = child;

	MB_NEED_DEVICE();
	self->traffic = mmap(NULL, sizeof(*self->traffic), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->traffic);
	ASSERT_EQ(0, pipe2(self->go, O_CLOEXEC));
	victim.arg = self->traffic;
	self->pid = mb_fork_child(_metadata, &victim);
	ASSERT_LT(0, self->pid);
	self->alone = traffic_time(self->traffic);
	ASSERT_NE(0, self->alone);
}

FIXTURE_TEARDOWN(victim)
{
	EXPECT_EQ(0, self->traffic->error);
	mb_kill(self->pid);
	mb_unlink("hostile-victim");	/* perhaps it was killed with it */
}

struct attack {
	int (*run)(void);	/* until refused: by which errno */
	int error;
	VICTIM *victim;
};

static void attack_main(struct __test_metadata *_metadata, void *arg)
{
	struct attack *attack = arg;
	int ret = attack->run();

	EXPECT_EQ(attack->error, ret);
	ASSERT_EQ(1, write(attack->victim->go[1], _metadata->passed ? "y" : "n", 1));
	pause();
}

/* That nothing of the attacker's is charged any more. */
static void expect_nothing_left(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_query_args query;

	(void)arg;
	EXPECT_TRUE(wait_until(!mb_query(&query) && !query.user_bytes &&
			       !query.user_files && !query.user_mailboxes));
}

static void expect_no_harm(struct __test_metadata *_metadata, VICTIM *self,
			   int (*run)(void), int error)
{
	struct attack attack = { run, error, self };
	const struct mb_child child = {
		.fn = attack_main, .arg = &attack, .uid = MB_USER, .gid = MB_USER,
	};
	__u64 took;
	char byte;
	pid_t pid = mb_fork_child(_metadata, &child);

	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(self->go[0], &byte, 1));
	EXPECT_EQ('y', byte);
	took = traffic_time(self->traffic);
	EXPECT_NE(0, took);
	EXPECT_GT(FACTOR * self->alone, took);
	mb_kill(pid);
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, expect_nothing_left, NULL));
	EXPECT_NE(0, traffic_time(self->traffic));
}

/* ---- memory ---- */

static int create_large(void)
{
	struct mbox_create_args args = {
		.flags = MB_RW, .max_messages = 1 << 20, .max_bytes = 1 << 30,
	};

	return mb_create(&args);
}

static int exhaust_bytes(void)
{
	static char buf[256 * KIB];
	int h = create_large(), len, ret;

	/* What is too long for the rest of the quota may fit when shorter. */
	for (len = sizeof(buf); len; len /= 4) {
		do {
			ret = mb_put(h, buf, len);
		} while (!ret);
		if (ret != -EDQUOT)
			return ret;
	}
	return ret;
}

TEST_F_TIMEOUT(victim, g10_does_not_feel_memory_that_is_used_up, 120)
{
	expect_no_harm(_metadata, self, exhaust_bytes, -EDQUOT);
}

/* Replies that never come. */
static int exhaust_replies(void)
{
	int h = create_large(), server = create_large(), ret;

	do {
		ret = num_call_async(server, h, 0, 512 * KIB, 1);
	} while (!ret);
	return ret;
}

TEST_F_TIMEOUT(victim, g10_does_not_feel_replies_that_never_come, 120)
{
	expect_no_harm(_metadata, self, exhaust_replies, -EDQUOT);
}

/* ---- objects ---- */

static int exhaust_names(void)
{
	char name[32];
	int h, i;

	for (i = 0;; i++) {
		snprintf(name, sizeof(name), "hostile-%d", i);
		h = mb_create_named(name, MB_RW, 0600);
		if (h == -EDQUOT && i)
			break;
		if (h < 0)
			return h;
		close(h);
	}
	while (i--) {
		snprintf(name, sizeof(name), "hostile-%d", i);
		if (i % 2 && mb_unlink(name))
			return -EIO;
	}
	/* Only those of its own may it make again; the rest goes at the end. */
	for (i = 1; !(h = mb_create_named("hostile-1", MB_RW | MBOX_EXCL, 0600)); i += 2)
		close(h);
	for (i = 0; i < 1000; i += 2) {
		snprintf(name, sizeof(name), "hostile-%d", i);
		mb_unlink(name);
	}
	mb_unlink("hostile-1");
	return -EDQUOT;
}

TEST_F_TIMEOUT(victim, g10_does_not_feel_names_that_are_used_up, 120)
{
	ASSERT_EQ(0, parameter_set("user_mailboxes", 500));
	expect_no_harm(_metadata, self, exhaust_names, -EDQUOT);
	parameters_restore();
}

static int exhaust_descriptors(void)
{
	int h = mb_create_anon(), ret;

	do {
		ret = mb_narrow(h, MB_RW, 0);
	} while (ret >= 0);
	return ret;
}

TEST_F_TIMEOUT(victim, does_not_feel_descriptors_that_are_used_up, 120)
{
	expect_no_harm(_metadata, self, exhaust_descriptors, -EMFILE);
}

static int exhaust_files(void)
{
	int h = create_large(), fds[MBOX_FILES_MAX], ret, i;

	for (i = 0; i < MBOX_FILES_MAX; i++)
		fds[i] = mb_narrow(h, MBOX_SEND, 0);
	do {
		ret = files_send(h, fds, MBOX_FILES_MAX);
	} while (!ret);
	return ret;
}

TEST_F_TIMEOUT(victim, g10_does_not_feel_files_that_are_used_up, 120)
{
	expect_no_harm(_metadata, self, exhaust_files, -EDQUOT);
}

/* ---- what is owed, and who waits ---- */

static int exhaust_tokens(void)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE | MBOX_LEASE };
	int h = mb_create_small(20000), ret;

	do {
		ret = mb_put(h, NULL, 0);
	} while (!ret);
	if (ret != -EAGAIN)
		return ret;
	do {
		ret = mb_recv(h, &args);
	} while (!ret);
	return ret;
}

TEST_F_TIMEOUT(victim, does_not_feel_leases_of_all_there_is, 120)
{
	expect_no_harm(_metadata, self, exhaust_tokens, -EAGAIN);
}

static void *wait_for_ever(void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER, .select = MBOX_SELECT_NOT_EQUAL, .type = 1,
	};

	mb_recv(*(int *)arg, &args);
	return NULL;
}

/* They are asked one by one, by each of many sends. */
static void *ask_for_ever(void *arg)
{
	int h = *(int *)arg;

	for (;;) {
		num_send(h, 1, 0, 1);
		num_recv(h);
	}
	return NULL;
}

static int exhaust_waiters(void)
{
	const struct rlimit limit = { 300, 300 };
	pthread_attr_t small;
	pthread_t thread;
	static int h;
	int n = 0, ret;

	h = mb_create_anon();
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	if (setrlimit(RLIMIT_NPROC, &limit) || pthread_create(&thread, NULL, ask_for_ever, &h))
		return -errno;
	do {
		ret = pthread_create(&thread, &small, wait_for_ever, &h);
		n += !ret;
	} while (!ret);
	return receivers_blocked(h, n) ? -ret : -ETIMEDOUT;
}

TEST_F_TIMEOUT(victim, does_not_feel_waiters_that_are_asked_all_the_time, 120)
{
	expect_no_harm(_metadata, self, exhaust_waiters, -EAGAIN);
}

/* ---- what the kernel remembers of who waits ---- */

#define CGROUP_DIR	"/sys/fs/cgroup/mbox-hostile"
#define WAITERS	256

static long cgroup_memory(void)
{
	FILE *f = fopen(CGROUP_DIR "/memory.current", "re");
	long value = -1;

	if (f && fscanf(f, "%ld", &value) != 1)
		value = -1;
	if (f)
		fclose(f);
	return value;
}

struct waiting {
	int h;
	__u32 iov_count;
};

/* With so long an iovec array. */
static void *gather_wait(void *arg)
{
	static struct iovec iov[MBOX_IOV_MAX];
	const struct waiting *w = arg;
	struct mbox_ext ext = {
		.size = sizeof(ext), .iov_count = w->iov_count, .iov = (unsigned long)iov,
	};
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER | MBOX_EXT, .ext = (unsigned long)&ext,
	};

	mb_recv(w->h, &args);
	return NULL;
}

/* What the control group pays for some who wait, threads and all. */
static long memory_of_waiters(struct __test_metadata *_metadata, const struct waiting *w)
{
	long before = cgroup_memory(), there = mb_fdinfo(w->h, "mbox-waiting-receivers");
	pthread_attr_t small;
	pthread_t thread;
	int i;

	ASSERT_LE(0, before);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (i = 0; i < WAITERS; i++)
		ASSERT_EQ(0, pthread_create(&thread, &small, gather_wait, (void *)w));
	ASSERT_TRUE(receivers_blocked(w->h, there + WAITERS));
	return cgroup_memory() - before;
}

static void all_wait(struct __test_metadata *_metadata, void *arg)
{
	const long arrays = WAITERS * (MBOX_IOV_MAX - 1) * 16L;
	const struct waiting few = { *(int *)arg, 1 }, many = { *(int *)arg, MBOX_IOV_MAX };
	long threads;

	ASSERT_EQ(0, mb_write_file(CGROUP_DIR "/cgroup.procs", "0"));
	memory_of_waiters(_metadata, &few);	/* what the first ones cost, once */
	threads = memory_of_waiters(_metadata, &few);
	/* Each CPU may have taken some in advance. */
	EXPECT_LE(threads + arrays / 2, memory_of_waiters(_metadata, &many));
}

TEST(g10_memory_cgroup_pays_for_those_who_wait)
{
	int h = mb_create_anon();

	mb_write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	rmdir(CGROUP_DIR);
	ASSERT_EQ(0, mkdir(CGROUP_DIR, 0755));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, all_wait, &h)));
	EXPECT_TRUE(wait_until(!rmdir(CGROUP_DIR)));
	close(h);
}

TEST_HARNESS_MAIN
