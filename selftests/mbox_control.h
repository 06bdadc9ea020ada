/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The part of the table of operations (mbox_operations.h) that passes no message:
 * polling, asking, changing, names, handles.
 */
#ifndef MBOX_CONTROL_H
#define MBOX_CONTROL_H

static inline void op_poll(struct actor *a)
{
	struct pollfd p[2] = {
		{ .fd = stage->r, .events = POLLIN | POLLPRI },
		{ .fd = stage->s, .events = POLLOUT },
	};
	const struct timespec ts = { .tv_nsec = moment(a) };

	if (ppoll(p, 2, &ts, NULL) < 0)
		expect("poll", -errno, OR());
}

static inline void op_epoll(struct actor *a)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (chance(a, 2))
		ev.events |= EPOLLET;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, stage->r, &ev))
		expect("epoll", -errno, OR());
	epoll_wait(ep, &ev, 1, chance(a, 2));
	close(ep);
}

static inline void op_narrow(struct actor *a)
{
	__u64 badge = chance(a, 2);
	int h = mb_narrow(stage->r, MBOX_RECV | (badge ? MBOX_BADGE : 0), badge);

	expect("narrow", h, OR());
	if (h >= 0)
		close(h);
}

static inline void op_dup(struct actor *a)
{
	int copy = dup(chance(a, 2) ? stage->r : stage->s);

	if (copy < 0)
		expect("dup", -errno, OR());
	else
		close(copy);
}

static inline void op_stat(struct actor *a)
{
	struct mbox_stat_args st;
	int ret = mb_stat(stage->r, &st);

	expect("stat", ret, OR());
	if (!ret && st.id != stage->id)
		wrong("stat of another mailbox");
}

static inline void op_fdinfo(struct actor *a)
{
	char buf[2048], path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", stage->r);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, buf, sizeof(buf)) < 0)
		expect("fdinfo", -errno, OR(ENOENT));
	close(fd);
}

static inline void op_fionread(struct actor *a)
{
	int len;
	int ret = mb_ioctl(stage->r, FIONREAD, &len);

	expect("FIONREAD", ret, OR());
	if (!ret && len && len != sizeof(__u32) && len != sizeof(a->out))
		wrong("the next message has %d bytes", len);
}

static inline void op_set_limits(struct actor *a)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES | MBOX_SET_MAX_MESSAGE_SIZE,
		.max_messages = 1 + chance(a, 6),
		.max_message_size = chance(a, 2) ? 100 : 2 * LONG,
	};

	expect("set limits", mb_set(stage->r, &args), OR());
}

static inline void op_set_overflow(struct actor *a)
{
	expect("set overflow", mb_set_overflow(stage->r, chance(a, 2)),
	       OR());
}

static inline void op_notify(struct actor *a)
{
	struct mbox_notify_args args = {
		.eventfd = chance(a, 3) ? stage->eventfd : -1,
	};

	expect("notify", mb_ioctl(stage->r, MBOX_IOC_NOTIFY, &args),
	       OR(EBUSY));
}

static inline void op_fasync(struct actor *a)
{
	int flags = chance(a, 2) ? O_ASYNC : 0;

	if (fcntl(stage->r, F_SETFL, flags))
		expect("O_ASYNC", -errno, OR());
}

/* What the other does is interrupted. */
static inline void op_signal(struct actor *a)
{
	if (a->other)
		syscall(SYS_tkill, a->other, SIGUSR1);
}

static inline void op_query(struct actor *a)
{
	struct mbox_query_args query;

	expect("query", mb_query(&query), OR());
}

/* Some of it, or all. */
static inline void op_listing(struct actor *a)
{
	int fd = open("/proc/thread-self/net/mbox", O_RDONLY | O_CLOEXEC);
	int pieces = chance(a, 5), n = 1;
	char buf[512];

	if (fd < 0) {
		expect("listing", -errno, stage->unloading ? OR(ENOENT) : OR());
		return;
	}
	while (pieces-- && n > 0)
		n = read(fd, buf, sizeof(buf));
	if (n < 0)
		expect("read of the listing", -errno, OR());
	close(fd);
}

static inline void op_open(struct actor *a)
{
	struct mbox_stat_args st;
	int h = mb_open(stage->name, 1 + chance(a, 3));

	expect("open", h, OR(ENOENT));
	if (h < 0)
		return;
	expect("stat", mb_stat(h, &st), OR());
	close(h);
}

static inline void op_unlink(struct actor *a)
{
	expect("unlink", mb_unlink(stage->name), OR(ENOENT));
}

/* Open it, or make it anew where it was unlinked. */
static inline void op_create(struct actor *a)
{
	int h = mb_create_named(stage->name, MB_RW, 0600);

	stage->names = true;
	expect("create", h, OR());
	if (h >= 0)
		close(h);
}

/* Who makes it has it, as a lock. */
static inline void op_exclusive(struct actor *a)
{
	int h = mb_create_named(stage->exclusively, MB_RW | MBOX_EXCL, 0600);

	stage->names = true;
	expect("create exclusively", h, OR(EEXIST));
	if (h < 0)
		return;
	if (__atomic_fetch_add(&stage->exclusive, 1, __ATOMIC_SEQ_CST) && !stage->apart)
		wrong("two have created one mailbox");
	if (chance(a, 2))
		pass_time(moment(a));
	__atomic_sub_fetch(&stage->exclusive, 1, __ATOMIC_SEQ_CST);
	expect("unlink it", mb_unlink(stage->exclusively), OR());
	close(h);
}

/* Its name may go while it is opened; never does a create find nothing. */
static inline void op_ephemeral(struct actor *a)
{
	int h = mb_create_named(stage->ephemeral, MB_RW | MBOX_EPHEMERAL, 0600);

	expect("create ephemeral", h, OR());
	if (h < 0)
		return;
	expect("use it", mb_put(h, "x", 1), OR());
	close(h);
}

static inline void op_own(struct actor *a)
{
	int h = mb_create_own(MB_RW, 0600);

	stage->names = true;
	expect("create own", h, OR());
	if (h >= 0)
		close(h);
	if (chance(a, 2))
		expect("unlink own", mb_unlink_pid(0), OR(ENOENT));
}

static inline void op_open_own(struct actor *a)
{
	int h = mb_open_pid(0, MB_RW);

	expect("open own", h, OR(ENOENT));
	if (h >= 0)
		close(h);
}

#endif /* MBOX_CONTROL_H */
