/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The world that the operations of an input see: memory shared by all its
 * processes, addresses that fault in all ways, files of all kinds. Made once;
 * an input finds it as the one before did, but for the contents of buffers.
 *
 * Every byte that is sent comes from one pattern, each byte of which is its
 * predecessor plus one: so whoever receives can tell whether it is whole.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <linux/mbox.h>

#include "input.h"

#define NSEC_PER_USEC	1000ULL
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

/* Numbers of tokens, or of calls to resume, that were seen lately. */
#define FUZZ_IDS_KEPT	8

struct fuzz_lane {
	uint32_t want;		/* number of the request; a futex */
	uint32_t done;		/* of the last that is over */
	int32_t op;		/* what to do, or a LANE_* */
	pid_t pid;
	pid_t tid;
	uint32_t alive;
	uint32_t stopped;
	uint64_t until;		/* when it must be over; 0: it may take for ever */
	int32_t watch_fd;	/* a wait that must not go on once this file ... */
	int32_t watch;		/* ... has these events, and ... */
	uint64_t watch_id;	/* ... is of this mailbox still */
};

struct fuzz_shared {
	struct fuzz_input in;
	struct fuzz_lane lanes[FUZZ_LANES];
	int32_t results[FUZZ_OPS_MAX];
	uint32_t over;		/* how many requests are over; a futex */
	uint32_t dirty;		/* module parameters were changed */
	uint32_t tokens_seen;
	uint32_t calls_seen;
	uint64_t tokens[FUZZ_IDS_KEPT];
	uint64_t calls[FUZZ_IDS_KEPT];
	char verdict[256];	/* what is wrong; empty: nothing */
};

#define FUZZ_NOT_RUN	INT_MIN
#define FUZZ_RUNNING	(INT_MIN + 1)

/* A lane's memory: what can be written, then a page that can't, then a hole. */
#define AREA_RW		(96U << 10)
#define AREA_RO		4096U
#define AREA_HOLE	4096U
#define AREA_SIZE	(AREA_RW + AREA_RO + AREA_HOLE)
/* One a lane, and one for what is read behind their backs. */
#define AREAS		(FUZZ_LANES + 1)

#define AREA_EXT	512
#define AREA_IOV	1024
#define AREA_FILES	2048
#define AREA_NAME	2560
#define AREA_BATCH	4096
#define AREA_DATA	(16U << 10)
#define DATA_MAX	(AREA_RW - AREA_DATA)

/* Descriptors of the lanes themselves, and where those of inputs end. */
#define LANE_FD		900

/* Fixed files, from FUZZ_SLOTS on. */
enum fuzz_file {
	FILE_DEVICE, FILE_MEMFD, FILE_PIPE_READ, FILE_PIPE_WRITE, FILE_EVENTFD,
	FILE_UNIX, FILE_UNIX_PEER, FILE_DIR, FILE_PATH, FILE_NULL, FILE_INET,
	FILE_CLOSED, FILE_NEGATIVE, FILE_HUGE, FILE_BLOCK, FILE_EPOLL,
	FILES
};

struct fuzz_world {
	struct fuzz_shared *shared;
	char *areas;
	char *pattern;
	int files[FILES];
	int first_fd;		/* inputs have this and those above */
	void (*lane_begins)(unsigned int lane);	/* in each new thread */
};

static struct fuzz_world world;

#define FUZZ_NAMES	8

static inline const char *fuzz_name(unsigned int n)
{
	static const char * const names[FUZZ_NAMES] = {
		"fuzz-a", "fuzz-b", "fuzz-c", "..", "", "a/b", "fuzz \xff\n\\", NULL
	};

	return names[n % FUZZ_NAMES];	/* NULL: one of the greatest length */
}

static inline uint64_t fuzz_now(clockid_t clock)
{
	struct timespec ts;

	/* Where it is a system call, it may meet the fault that was meant for another. */
	while (clock_gettime(clock, &ts))
		;
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline void fuzz_pause(uint64_t ns)
{
	const struct timespec ts = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	nanosleep(&ts, NULL);
}

static inline void *world_memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED) {
		perror("fuzz: mmap");
		exit(1);
	}
	return mem;
}

static inline void world_memories(void)
{
	unsigned int i;

	world.shared = world_memory(sizeof(*world.shared));
	world.areas = world_memory(AREAS * AREA_SIZE);
	for (i = 0; i < AREAS; i++) {
		mprotect(world.areas + i * AREA_SIZE + AREA_RW, AREA_RO, PROT_READ);
		mprotect(world.areas + i * AREA_SIZE + AREA_RW + AREA_RO, AREA_HOLE,
			 PROT_NONE);
	}
	world.pattern = world_memory(AREA_RW + AREA_HOLE);
	for (i = 0; i < AREA_RW; i++)
		world.pattern[i] = i;
	mprotect(world.pattern + AREA_RW, AREA_HOLE, PROT_NONE);
	mprotect(world.pattern, AREA_RW, PROT_READ);
}

/* They are inherited by all who do something, and hold no handle. */
static inline void world_files(void)
{
	int *files = world.files;

	files[FILE_DEVICE] = open("/dev/mbox", O_RDWR | O_CLOEXEC);
	if (files[FILE_DEVICE] < 0) {
		perror("fuzz: /dev/mbox");
		exit(1);
	}
	files[FILE_MEMFD] = memfd_create("fuzz", MFD_CLOEXEC);
	if (pipe2(&files[FILE_PIPE_READ], O_NONBLOCK | O_CLOEXEC) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       &files[FILE_UNIX]))
		perror("fuzz: files");
	files[FILE_EVENTFD] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	files[FILE_DIR] = open("/tmp", O_DIRECTORY | O_CLOEXEC);
	files[FILE_PATH] = open("/tmp", O_PATH | O_CLOEXEC);
	files[FILE_NULL] = open("/dev/null", O_RDWR | O_CLOEXEC);
	files[FILE_INET] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	files[FILE_BLOCK] = open("/dev/vda", O_RDONLY | O_CLOEXEC);
	files[FILE_CLOSED] = 1000;
	files[FILE_NEGATIVE] = -1;
	files[FILE_HUGE] = INT_MAX;
	files[FILE_EPOLL] = -1;
}

#endif /* FUZZ_WORLD_H */
