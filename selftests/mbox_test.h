/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the suites share: one call per ioctl, children under other ids and in
 * other namespaces, waiting until a peer is really blocked. Expectations about
 * what mbox does belong to the suites.
 *
 * All mb_*() that can fail return minus errno, so that one line can expect it.
 */
#ifndef MBOX_TEST_H
#define MBOX_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/mbox.h>

#include "kselftest_harness.h"
#include "mbox_errors.h"

/* In seconds. Detectors are slow, above all on a busy machine. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	100

#define MB_DEVICE	"/dev/mbox"
#define MB_PARAMETERS	"/sys/module/mbox/parameters/"
#define MB_POISON	0xcc
#define MB_RW		(MBOX_RECV | MBOX_SEND)

/* An unprivileged user and group, and another one; no accounts needed. */
#define MB_USER		1000
#define MB_OTHER	2000
#define MB_GROUP	3000		/* of nobody in particular */
#define MB_NOBODY	65534		/* whom a namespace does not know */

#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

/* In a FIXTURE_SETUP: end the test as skipped where there is no module. */
#define MB_NEED_DEVICE() do { \
	if (access(MB_DEVICE, F_OK)) \
		SKIP(_exit(255), "no " MB_DEVICE); \
} while (0)

/* ---- time ---- */

static inline __u64 mb_now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* A deadline on MBOX_CLOCK_MONOTONIC, @ns from now. */
static inline __u64 mb_in(__u64 ns)
{
	return mb_now(CLOCK_MONOTONIC) + ns;
}

static inline void mb_poll_pause(void)
{
	const struct timespec ts = { .tv_nsec = 200000 };

	sched_yield();
	nanosleep(&ts, NULL);
}

/*
 * Look again and again until @condition holds; whether it did before long. The
 * limit only keeps a broken module from hanging the suite.
 */
#define wait_until(condition) ({ \
	__u64 wait_end_ = mb_in(20 * NSEC_PER_SEC); \
	bool wait_done_; \
	while (!(wait_done_ = !!(condition)) && \
	       mb_now(CLOCK_MONOTONIC) < wait_end_) \
		mb_poll_pause(); \
	wait_done_; \
})

/* ---- ioctls ---- */

/* Whether a descriptor is one that there are operations for. */
static inline bool mb_usable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH);
}

/* An error that is not documented fails any test. */
static inline int mb_ioctl(int fd, unsigned long cmd, void *args)
{
	int ret = ioctl(fd, cmd, args);
	int err = errno;

	if (ret >= 0)
		return ret;
	if (!mb_error_known(cmd, err) && err != ENOTTY &&
	    !(err == EBADF && !mb_usable(fd))) {
		dprintf(STDERR_FILENO, "# ioctl %#lx: %s is not documented\n", cmd,
			strerror(err));
		abort();
	}
	return -err;
}

static inline int mb_device(void)
{
	int fd = open(MB_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One ioctl on a device that is open for no longer than that. */
static inline int mb_ctl(unsigned long cmd, void *args)
{
	int dev = mb_device();
	int ret;

	if (dev < 0)
		return dev;
	ret = mb_ioctl(dev, cmd, args);
	close(dev);
	return ret;
}

static inline int mb_create(struct mbox_create_args *args)
{
	return mb_ctl(MBOX_IOC_CREATE, args);
}

/* Anonymous, both rights, default limits. */
static inline int mb_create_anon(void)
{
	struct mbox_create_args args = { .flags = MB_RW };

	return mb_create(&args);
}

/* Anonymous, both rights, room for @max_messages (0: the default). */
static inline int mb_create_small(__u32 max_messages)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_messages = max_messages,
	};

	return mb_create(&args);
}

static inline int mb_create_named(const char *name, __u32 flags, __u32 mode)
{
	struct mbox_create_args args = {
		.flags = MBOX_NAMED | flags,
		.mode = mode,
		.name = (unsigned long)name,
		.name_len = strlen(name),
	};

	return mb_create(&args);
}

static inline int mb_create_own(__u32 flags, __u32 mode)
{
	struct mbox_create_args args = {
		.flags = MBOX_OWN | flags,
		.mode = mode,
	};

	return mb_create(&args);
}

static inline int mb_open(const char *name, __u32 flags)
{
	struct mbox_open_args args = {
		.flags = MBOX_NAMED | flags,
		.name = (unsigned long)name,
		.name_len = strlen(name),
	};

	return mb_ctl(MBOX_IOC_OPEN, &args);
}

static inline int mb_open_pid(pid_t pid, __u32 flags)
{
	struct mbox_open_args args = { .flags = MBOX_OWN | flags, .pid = pid };

	return mb_ctl(MBOX_IOC_OPEN, &args);
}

static inline int mb_unlink(const char *name)
{
	struct mbox_open_args args = {
		.flags = MBOX_NAMED,
		.name = (unsigned long)name,
		.name_len = strlen(name),
	};

	return mb_ctl(MBOX_IOC_UNLINK, &args);
}

static inline int mb_unlink_pid(pid_t pid)
{
	struct mbox_open_args args = { .flags = MBOX_OWN, .pid = pid };

	return mb_ctl(MBOX_IOC_UNLINK, &args);
}

static inline int mb_query(struct mbox_query_args *args)
{
	memset(args, MB_POISON, sizeof(*args));
	return mb_ctl(MBOX_IOC_QUERY, args);
}

static inline int mb_stat(int h, struct mbox_stat_args *args)
{
	memset(args, MB_POISON, sizeof(*args));
	return mb_ioctl(h, MBOX_IOC_STAT, args);
}

/* Without the error: where that shows, as no mailbox has such numbers. */
static inline struct mbox_stat_args mb_stat_of(int h)
{
	struct mbox_stat_args stat;

	mb_stat(h, &stat);
	return stat;
}

/* The number of the mailbox behind a handle, which is closed; or the error. */
static inline long long mb_id_of(int h)
{
	struct mbox_stat_args stat;
	int ret;

	if (h < 0)
		return h;
	ret = mb_stat(h, &stat);
	close(h);
	return ret ? ret : (long long)stat.id;
}

static inline int mb_set(int h, struct mbox_set_args *args)
{
	return mb_ioctl(h, MBOX_IOC_SET, args);
}

static inline int mb_set_owner(int h, __u32 uid, __u32 gid)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_UID | MBOX_SET_GID,
		.uid = uid,
		.gid = gid,
	};

	return mb_set(h, &args);
}

static inline int mb_set_mode(int h, __u32 mode)
{
	struct mbox_set_args args = { .mask = MBOX_SET_MODE, .mode = mode };

	return mb_set(h, &args);
}

static inline int mb_set_max_messages(int h, __u32 n)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = n,
	};

	return mb_set(h, &args);
}

static inline int mb_set_overflow(int h, __u32 overflow)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW,
		.overflow = overflow,
	};

	return mb_set(h, &args);
}

static inline int mb_narrow(int h, __u32 flags, __u64 badge)
{
	struct mbox_narrow_args args = { .flags = flags, .badge = badge };

	return mb_ioctl(h, MBOX_IOC_NARROW, &args);
}

/* The same with a handle for each right. */
static inline int mb_create_ends(__u32 max_messages, int *recv, int *send)
{
	int h = mb_create_small(max_messages);

	if (h < 0)
		return h;
	*recv = mb_narrow(h, MBOX_RECV, 0);
	*send = mb_narrow(h, MBOX_SEND, 0);
	close(h);
	if (*recv < 0)
		return *recv;
	return *send < 0 ? *send : 0;
}

/* ---- messages ---- */

#define MB_MSG_IN_SIZE	offsetof(struct mbox_msg_args, out_type)
#define MB_MSG_OUT_SIZE	(sizeof(struct mbox_msg_args) - MB_MSG_IN_SIZE)

static inline bool mb_all(const void *mem, size_t size, unsigned char byte)
{
	const unsigned char *p = mem;

	while (size--)
		if (*p++ != byte)
			return false;
	return true;
}

static inline void mb_poison(struct mbox_msg_args *args)
{
	memset((char *)args + MB_MSG_IN_SIZE, MB_POISON, MB_MSG_OUT_SIZE);
}

/* Whether the kernel has written none of the outputs of a message. */
static inline bool mb_poisoned(const struct mbox_msg_args *args)
{
	return mb_all((const char *)args + MB_MSG_IN_SIZE, MB_MSG_OUT_SIZE,
		      MB_POISON);
}

static inline int mb_send(int h, struct mbox_msg_args *args)
{
	mb_poison(args);
	return mb_ioctl(h, MBOX_IOC_SEND, args);
}

static inline int mb_recv(int h, struct mbox_msg_args *args)
{
	mb_poison(args);
	return mb_ioctl(h, MBOX_IOC_RECV, args);
}

/* Send @len bytes of @buf, type 0, priority 0, without waiting. */
static inline int mb_put(int h, const void *buf, __u32 len)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)buf,
		.len = len,
	};

	return mb_send(h, &args);
}

/* Receive any message without waiting; its length. */
static inline int mb_get(int h, void *buf, __u32 len)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)buf,
		.len = len,
	};
	int ret = mb_recv(h, &args);

	return ret < 0 ? ret : (int)args.out_len;
}

static inline long mb_read(int h, void *buf, size_t len)
{
	ssize_t ret = read(h, buf, len);

	return ret < 0 ? -errno : ret;
}

static inline long mb_write(int h, const void *buf, size_t len)
{
	ssize_t ret = write(h, buf, len);

	return ret < 0 ? -errno : ret;
}

/* ---- wrong arguments ---- */

/* The command @cmd with a struct of another size. */
#define RESIZED(cmd, size) \
	_IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size)

/*
 * Calls with one @change to valid arguments, which makes them wrong. The call
 * is the suite's FIELDS_CALL().
 */
#define REFUSES(err, change) do { \
	self->args = self->valid; \
	change; \
	EXPECT_EQ(-(err), FIELDS_CALL(self)) { \
		TH_LOG("with %s", #change); \
	} \
} while (0)

/* ---- what /proc and /sys say ---- */

/* The value of one line of the fdinfo of @fd; NULL if there is none. */
static inline char *mb_fdinfo_str(int fd, const char *key, char *buf, int size)
{
	size_t len = strlen(key);
	char path[64];
	char *found = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	while (!found && fgets(buf, size, f)) {
		buf[strcspn(buf, "\n")] = 0;
		if (!strncmp(buf, key, len) && !strncmp(buf + len, ":\t", 2))
			found = buf + len + 2;
	}
	fclose(f);
	return found;
}

/* The same as a number; -1 if there is none. */
static inline long long mb_fdinfo(int fd, const char *key)
{
	char buf[2048];
	char *value = mb_fdinfo_str(fd, key, buf, sizeof(buf));

	return value ? strtoll(value, NULL, 0) : -1;
}

static inline int mb_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t ret;
	int err;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text));
	err = ret < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* ---- children ---- */

/*
 * A child may EXPECT and ASSERT as the test does: it passes or fails on its
 * own copy of the metadata, and its status tells.
 */
typedef void (*mb_child_fn)(struct __test_metadata *_metadata, void *arg);

struct mb_child {
	mb_child_fn fn;
	void *arg;
	__u32 uid;		/* with @unshare this is seen as uid 0 inside */
	__u32 gid;
	int unshare;		/* CLONE_NEW*, after the change of ids */
};

static inline int mb_become(__u32 uid, __u32 gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

static inline int mb_set_caps(__u64 caps)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ caps, caps, 0 },
		{ caps >> 32, caps >> 32, 0 },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* As @uid, with these capabilities and no others. */
static inline int mb_become_with_caps(__u32 uid, __u64 caps)
{
	int ret;

	if (prctl(PR_SET_KEEPCAPS, 1))
		return -errno;
	ret = mb_become(uid, uid);
	return ret ?: mb_set_caps(caps);
}

static inline int mb_unshare(int flags)
{
	__u32 uid = geteuid();
	__u32 gid = getegid();
	char map[32];
	int ret;

	if (unshare(flags))
		return -errno;
	if (!(flags & CLONE_NEWUSER))
		return 0;
	/* These files of a process that changed its ids belong to root else. */
	prctl(PR_SET_DUMPABLE, 1);
	ret = mb_write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	ret = ret ?: mb_write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return ret ?: mb_write_file("/proc/self/gid_map", map);
}

/* 0 if the child passed, otherwise its exit status, or 128 plus its signal. */
static inline int mb_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline pid_t mb_fork_child(struct __test_metadata *_metadata,
				  const struct mb_child *child)
{
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;

	if (child->uid || child->gid)
		ASSERT_EQ(0, mb_become(child->uid, child->gid));
	if (child->unshare)
		ASSERT_EQ(0, mb_unshare(child->unshare));
	/* After the ids, whose change clears it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (child->unshare & CLONE_NEWPID) {
		pid = fork();	/* who is unshared is not inside, its child is */
		ASSERT_LE(0, pid);
		if (pid)
			_exit(mb_wait(pid));
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	child->fn(_metadata, child->arg);
	_exit(!_metadata->passed);
}

/* Start @fn in a child; for mb_wait(). */
static inline pid_t mb_fork(struct __test_metadata *_metadata,
			    mb_child_fn fn, void *arg)
{
	const struct mb_child child = { .fn = fn, .arg = arg };

	return mb_fork_child(_metadata, &child);
}

/* Run @fn in a child as user and group @id, no other groups; its status. */
static inline int mb_run_as(struct __test_metadata *_metadata, __u32 id,
			    mb_child_fn fn, void *arg)
{
	const struct mb_child child = {
		.fn = fn,
		.arg = arg,
		.uid = id,
		.gid = id,
	};
	pid_t pid = mb_fork_child(_metadata, &child);

	return pid < 0 ? pid : mb_wait(pid);
}

/* Run @fn in a child in new namespaces, CLONE_NEW*; its status. */
static inline int mb_run_in(struct __test_metadata *_metadata, int unshare,
			    mb_child_fn fn, void *arg)
{
	const struct mb_child child = {
		.fn = fn,
		.arg = arg,
		.unshare = unshare,
	};
	pid_t pid = mb_fork_child(_metadata, &child);

	return pid < 0 ? pid : mb_wait(pid);
}

/*
 * Run @fn as root of new namespaces, CLONE_NEWUSER among them; its status. The
 * user namespace knows ten users and groups: 0 to 9, outside from 100000 on.
 */
#define MB_INNER_BASE	100000

struct mb_inner {
	mb_child_fn fn;
	void *arg;
	int unshare;
	int unshared;		/* write end */
	int mapped;		/* read end */
};

static inline void mb_enter_inner(struct __test_metadata *_metadata, void *arg)
{
	struct mb_inner *inner = arg;
	char byte = 0;

	prctl(PR_SET_DUMPABLE, 1);
	ASSERT_EQ(0, unshare(inner->unshare));
	ASSERT_EQ(1, write(inner->unshared, &byte, 1));
	ASSERT_EQ(1, read(inner->mapped, &byte, 1));
	ASSERT_EQ(0, mb_become(0, 0));
	inner->fn(_metadata, inner->arg);
}

static inline int mb_run_inner(struct __test_metadata *_metadata, int unshare,
			       mb_child_fn fn, void *arg)
{
	struct mb_inner inner = { .fn = fn, .arg = arg, .unshare = unshare };
	int unshared[2], mapped[2];
	char path[64], map[32], byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(unshared, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(mapped, O_CLOEXEC));
	inner.unshared = unshared[1];
	inner.mapped = mapped[0];
	pid = mb_fork(_metadata, mb_enter_inner, &inner);
	ASSERT_LT(0, pid);
	close(unshared[1]);
	ASSERT_EQ(1, read(unshared[0], &byte, 1));
	snprintf(map, sizeof(map), "0 %u 10", MB_INNER_BASE);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	ASSERT_EQ(0, mb_write_file(path, map));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	ASSERT_EQ(0, mb_write_file(path, map));
	ASSERT_EQ(1, write(mapped[1], &byte, 1));
	return mb_wait(pid);
}

/* Kill and reap. */
static inline void mb_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	mb_wait(pid);
}

#endif /* MBOX_TEST_H */
