/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Lanes: threads that wait for a request, do it, and wait for the next. They
 * are told by memory that they share with who tells them, which survives
 * whatever becomes of them.
 */
#ifndef FUZZ_LANES_H
#define FUZZ_LANES_H

#include <linux/futex.h>
#include <pthread.h>

#include "control_ops.h"
#include "process_ops.h"
#include "uring_ops.h"

/* Requests that are no operation of the input. */
enum {
	LANE_FORK = -2,		/* make process 1, and - 1: process 2 */
	LANE_CHECK = -4,	/* look whether anybody waits in vain */
	LANE_EXIT = -5,		/* end the process, by itself */
	LANE_BEGIN = -6,	/* of an input: make its first mailbox */
	LANE_END = -7,		/* and close all that is open */
};

struct fuzz_operation {
	const char *name;
	int (*run)(struct fuzz_do *d);
};

static const struct fuzz_operation fuzz_operations[FUZZ_KINDS] = {
	[FUZZ_SEND] = { "send", do_send },
	[FUZZ_RECV] = { "recv", do_recv },
	[FUZZ_CALL] = { "call", do_call },
	[FUZZ_REPLY_RECV] = { "reply_recv", do_reply_recv },
	[FUZZ_FINISH] = { "finish", do_finish },
	[FUZZ_SENDV] = { "sendv", do_sendv },
	[FUZZ_RECVV] = { "recvv", do_recvv },
	[FUZZ_READ] = { "read", do_read },
	[FUZZ_WRITE] = { "write", do_write },
	[FUZZ_CREATE] = { "create", do_create },
	[FUZZ_OPEN] = { "open", do_open },
	[FUZZ_UNLINK] = { "unlink", do_unlink },
	[FUZZ_QUERY] = { "query", do_query },
	[FUZZ_NARROW] = { "narrow", do_narrow },
	[FUZZ_STAT] = { "stat", do_stat },
	[FUZZ_SET] = { "set", do_set },
	[FUZZ_NOTIFY] = { "notify", do_notify },
	[FUZZ_IOCTL] = { "ioctl", do_any_ioctl },
	[FUZZ_POLL] = { "poll", do_poll },
	[FUZZ_EPOLL] = { "epoll", do_epoll },
	[FUZZ_FCNTL] = { "fcntl", do_fcntl },
	[FUZZ_FDINFO] = { "fdinfo", do_fdinfo },
	[FUZZ_URING] = { "uring", do_uring },
	[FUZZ_CLOSE] = { "close", do_close },
	[FUZZ_DUP] = { "dup", do_dup },
	[FUZZ_PASS] = { "pass", do_pass },
	[FUZZ_FORK] = { "fork", do_fork },
	[FUZZ_EXIT] = { "exit", do_exit },
	[FUZZ_EXEC] = { "exec", do_exec },
	[FUZZ_SIGNAL] = { "signal", do_signal },
	[FUZZ_STOP] = { "stop", do_stop },
	[FUZZ_UNSHARE] = { "unshare", do_unshare },
	[FUZZ_IDS] = { "ids", do_ids },
	[FUZZ_RLIMIT] = { "rlimit", do_rlimit },
	[FUZZ_SCHED] = { "sched", do_sched },
	[FUZZ_PARAMETER] = { "parameter", do_parameter },
	[FUZZ_PAUSE] = { "pause", do_pause },
};

static inline void futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Sleep while @word is @value, @ns at most (0: no limit). */
static inline void futex_wait(uint32_t *word, uint32_t value, uint64_t ns)
{
	const struct timespec ts = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	syscall(SYS_futex, word, FUTEX_WAIT, value, ns ? &ts : NULL, NULL, 0);
}

/* ---- who waits in vain ---- */

static inline unsigned long long mailbox_of(int fd)
{
	struct mbox_stat_args stat;

	return ioctl(fd, MBOX_IOC_STAT, &stat) ? 0 : stat.id;
}

/* Whether a lane waits, with no end, for what there is. */
static inline bool waits_in_vain(const struct fuzz_lane *lane)
{
	struct pollfd file = { .fd = lane->watch_fd, .events = lane->watch };

	return lane->want != lane->done && !lane->until && lane->watch &&
	       mailbox_of(file.fd) == lane->watch_id &&
	       poll(&file, 1, 0) == 1 && (file.revents & lane->watch);
}

/*
 * What a lane of this process waits for may have come just now: it is wrong
 * only if that stays so.
 */
static inline int check_lanes(unsigned int process)
{
	unsigned int i, tries;

	for (i = first_lane(process); i < end_lane(process); i++) {
		const struct fuzz_lane *lane = &world.shared->lanes[i];

		for (tries = 0; waits_in_vain(lane) && tries < 2000; tries++)
			fuzz_pause(NSEC_PER_MSEC);
		if (tries == 2000)
			fuzz_wrong("lane %u waits in operation %d for what is there",
				   i, lane->op);
	}
	return 0;
}

/* ---- a lane ---- */

static inline bool slot_is_used(unsigned int slot)
{
	const struct fuzz_input *in = &world.shared->in;
	unsigned int i;

	for (i = 0; i < in->count; i++)
		if (in->ops[i].slot % (FUZZ_SLOTS + FILES) == slot ||
		    in->ops[i].slot2 % (FUZZ_SLOTS + FILES) == slot)
			return true;
	return false;
}

/* The first mailbox, and its handles. */
static inline void begin_files(void)
{
	const struct fuzz_head *head = &world.shared->in.head;
	const uint32_t *limits = fuzz_limits[head->limits & 7];
	struct mbox_create_args create = {
		.flags = MBOX_RECV | MBOX_SEND,
		.mode = 0666,
		.max_messages = limits[0],
		.max_bytes = limits[1],
		.max_message_size = limits[2],
		.type_source = (head->kind & 3) % 3,
		.overflow = (head->kind & 12) == 12,
	};
	struct mbox_narrow_args narrow = { .flags = MBOX_RECV };
	int dev = world.files[FILE_DEVICE];

	if (head->kind & 16)
		create.flags |= MBOX_RT_PRIORITY;
	if ((head->kind & 0xe0) == 0xe0) {
		create.flags |= MBOX_NAMED;
		create.name = (uintptr_t)fuzz_name(0);
		create.name_len = strlen(fuzz_name(0));
	} else if ((head->kind & 0xe0) == 0xc0) {
		create.flags |= MBOX_OWN;
	}
	memset(slots, -1, sizeof(slots));
	slots[0] = ioctl(dev, MBOX_IOC_CREATE, &create);
	if (slot_is_used(1))
		slots[1] = ioctl(slots[0], MBOX_IOC_NARROW, &narrow);
	narrow.flags = MBOX_SEND;
	if (slot_is_used(2))
		slots[2] = ioctl(slots[0], MBOX_IOC_NARROW, &narrow);
}

/* In turn, as a program would, then what an operation may have lost sight of. */
static inline void end_files(void)
{
	struct mbox_open_args own = { .flags = MBOX_OWN };
	unsigned int i;

	for (i = 0; i < FUZZ_SLOTS; i++)
		if (slots[i] >= 0)
			close(slots[i]);
	syscall(SYS_close_range, world.first_fd, LANE_FD - 1, 0);
	ioctl(world.files[FILE_DEVICE], MBOX_IOC_UNLINK, &own);
	epoll_made_by = 0;
}

static inline void set_fault(int fail_nth, unsigned int n)
{
	char text[4];

	if (fail_nth >= 0)
		pwrite(fail_nth, text, snprintf(text, sizeof(text), "%u", n), 0);
}

static inline void run_op(struct fuzz_lane *lane, int i, int fail_nth)
{
	const struct fuzz_op *op = &world.shared->in.ops[i];
	struct fuzz_do d = {
		.op = op,
		.lane = lane,
		.area = world.areas + (lane - world.shared->lanes) * AREA_SIZE,
	};
	unsigned int fault = op->lane >> 4;
	int ret;

	world.shared->results[i] = FUZZ_RUNNING;
	lane->until = fuzz_now(CLOCK_MONOTONIC);
	if (fault)
		set_fault(fail_nth, fault);
	ret = fuzz_operations[fuzz_kind(op)].run(&d);
	if (fault)
		set_fault(fail_nth, 0);
	lane->watch = 0;
	world.shared->results[i] = ret;
}

static inline void run_request(struct fuzz_lane *lane, int request, int fail_nth)
{
	unsigned int process = process_of(lane - world.shared->lanes);

	if (request >= 0)
		run_op(lane, request, fail_nth);
	else if (request == LANE_CHECK)
		check_lanes(process);
	else if (request == LANE_EXIT)
		_exit(0);
	else if (request == LANE_BEGIN)
		begin_files();
	else if (request == LANE_END)
		end_files();
	else
		start_process(1 + LANE_FORK - request);
}

static void *lane_main(void *arg)
{
	struct fuzz_lane *lane = arg;
	int fail_nth = -1;
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		fail_nth = dup3(fd, LANE_FD + (lane - world.shared->lanes), O_CLOEXEC);
		close(fd);
	}
	lane->tid = syscall(SYS_gettid);
	if (world.lane_begins)
		world.lane_begins(lane - world.shared->lanes);
	for (;;) {
		uint32_t done = lane->done;

		if (__atomic_load_n(&lane->want, __ATOMIC_ACQUIRE) == done) {
			futex_wait(&lane->want, done, 0);
			continue;
		}
		run_request(lane, lane->op, fail_nth);
		__atomic_store_n(&lane->done, done + 1, __ATOMIC_RELEASE);
		__atomic_fetch_add(&world.shared->over, 1, __ATOMIC_RELEASE);
		futex_wake(&world.shared->over);
	}
	return NULL;
}

/* A thread that is not needed costs time; those of the first process stay. */
static inline bool lane_is_used(unsigned int lane)
{
	const struct fuzz_input *in = &world.shared->in;
	unsigned int i;

	if (!process_of(lane))
		return true;
	for (i = 0; i < in->count; i++)
		if (fuzz_lane(&in->ops[i]) == lane)
			return true;
	return false;
}

static inline void start_thread(unsigned int lane)
{
	static _Alignas(4096) char stacks[FUZZ_LANES][64 << 10];
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stacks[lane], sizeof(stacks[lane]));
	if (pthread_create(&thread, &attr, lane_main, &world.shared->lanes[lane]))
		world.shared->lanes[lane].alive = 0;
}

static _Noreturn void process_main(unsigned int process)
{
	struct fuzz_lane *lanes = world.shared->lanes;
	unsigned int i, first = first_lane(process);

	for (i = first + 1; i < end_lane(process); i++) {
		if (lane_is_used(i))
			start_thread(i);
		else
			lanes[i].alive = 0;
	}
	lane_main(&lanes[first]);
	_exit(0);
}

#endif /* FUZZ_LANES_H */
