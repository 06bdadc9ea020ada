// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The memory control group of the sender pays for the kernel's memory of a
 * message, and refuses it when full (G10). What was charged is given back.
 */
#include "mbox_parameters.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define MIB		(1ULL << 20)
#define CGROUP		"/sys/fs/cgroup"
#define CGROUP_TEST	CGROUP "/mbox-cgroup"
#define CHUNK		65536

struct shared {
	long long bytes;	/* of each message */
	int count;		/* of those sent */
};

FIXTURE(memory_cgroup) {
	int h;			/* without limits that matter here */
	struct shared *shared;
	char *buf;
};

#define MEMORY_CGROUP FIXTURE_DATA(memory_cgroup)

static long long cgroup_value(const char *file, const char *key)
{
	char path[128], line[128];
	long long value = -1;
	size_t len = strlen(key);
	FILE *f;

	snprintf(path, sizeof(path), CGROUP_TEST "/%s", file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len))
			value = atoll(line + len);
	fclose(f);
	return value;
}

FIXTURE_SETUP(memory_cgroup)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_bytes = 256 * MIB,
		.max_messages = 1 << 20,
	};

	MB_NEED_DEVICE();
	parameters_restore();
	mb_write_file(CGROUP "/cgroup.subtree_control", "+memory");
	rmdir(CGROUP_TEST);
	ASSERT_EQ(0, mkdir(CGROUP_TEST, 0755));
	self->shared = mmap(NULL, CHUNK + sizeof(*self->shared),
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_TRUE(self->shared != MAP_FAILED);
	self->buf = (char *)(self->shared + 1);
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(memory_cgroup)
{
	close(self->h);
	EXPECT_TRUE(wait_until(!rmdir(CGROUP_TEST)));
}

/* Sends until it is refused; the length is that of its messages. */
static void send_in_cgroup(struct __test_metadata *_metadata, void *arg)
{
	MEMORY_CGROUP *self = arg;
	int ret;

	/* What the sender itself needs is there and paid for elsewhere. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	memset(self->buf, 'm', CHUNK);
	ASSERT_EQ(0, mb_write_file(CGROUP_TEST "/cgroup.procs", "0"));
	do {
		ret = mb_put(self->h, self->buf, self->shared->bytes);
		if (!ret)
			self->shared->count++;
	} while (!ret);
	EXPECT_EQ(-ENOMEM, ret);
}

static void drain(struct __test_metadata *_metadata, MEMORY_CGROUP *self)
{
	int i, len = self->shared->bytes;

	for (i = 0; i < self->shared->count; i++) {
		memset(self->buf, 0, CHUNK);
		ASSERT_EQ(len, mb_get(self->h, self->buf, CHUNK));
		ASSERT_TRUE(mb_all(self->buf, len, 'm'));
	}
	EXPECT_EQ(-EAGAIN, mb_get(self->h, self->buf, CHUNK));
}

TEST_F_TIMEOUT(memory_cgroup, g10_that_is_full_refuses_and_kills_nobody, 60)
{
	struct mbox_stat_args stat;
	int first;

	ASSERT_EQ(0, mb_write_file(CGROUP_TEST "/memory.max", "12M"));
	self->shared->bytes = CHUNK;
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, send_in_cgroup, self)));
	EXPECT_EQ(0, cgroup_value("memory.events", "oom_kill "));
	first = self->shared->count;
	EXPECT_LT(100, first);
	EXPECT_GT(200, first);
	/* The sender has gone, its control group pays on. */
	EXPECT_LE(first * CHUNK, cgroup_value("memory.current", ""));
	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(first, stat.messages);
	EXPECT_EQ((__u64)first * CHUNK, stat.bytes);

	/* Whole, and its own again when somebody else has received it. */
	drain(_metadata, self);
	EXPECT_TRUE(wait_until(cgroup_value("memory.current", "") < 4 * MIB));
	self->shared->count = 0;
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, send_in_cgroup, self)));
	EXPECT_LT(100, self->shared->count);
	EXPECT_EQ(0, cgroup_value("memory.events", "oom_kill "));
}

TEST_F_TIMEOUT(memory_cgroup, g10_pays_for_small_messages_too, 60)
{
	ASSERT_EQ(0, mb_write_file(CGROUP_TEST "/memory.max", "1536K"));
	self->shared->bytes = 1;
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, send_in_cgroup, self)));
	EXPECT_EQ(0, cgroup_value("memory.events", "oom_kill "));
	EXPECT_LT(500, self->shared->count);
	/* A message is no less than its header. */
	EXPECT_GT(3 * MIB / 128, self->shared->count);
	drain(_metadata, self);
}

TEST_HARNESS_MAIN
