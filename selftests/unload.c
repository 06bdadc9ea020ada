// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The module can be unloaded whenever no handle is open, frees everything then,
 * and can be loaded again (G12).
 */
#include "mbox_holdings.h"
#include "mbox_module.h"

#include <dirent.h>
#include <limits.h>

#define NAME	"unload"

TEST_F(module, g12_stays_while_the_device_is_open)
{
	int dev = mb_device();

	ASSERT_LE(0, dev);
	refused(_metadata);
	close(dev);
	reload(_metadata);
}

TEST_F(module, g12_stays_while_a_handle_is_open)
{
	int h = mb_create_anon();
	int copy = dup(h);
	char buf[8];

	ASSERT_LE(0, h);
	refused(_metadata);
	close(h);
	refused(_metadata);
	EXPECT_EQ(0, mb_put(copy, "x", 1));
	EXPECT_EQ(1, mb_get(copy, buf, sizeof(buf)));
	close(copy);
	reload(_metadata);
}

TEST_F(module, g12_stays_while_the_listing_is_open)
{
	int fd = open("/proc/thread-self/net/mbox", O_RDONLY | O_CLOEXEC);
	char byte;

	ASSERT_LE(0, fd);
	refused(_metadata);
	EXPECT_EQ(1, read(fd, &byte, 1));
	refused(_metadata);
	close(fd);
	reload(_metadata);
}

static bool traced(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/sys/kernel/tracing/trace", "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "mbox_send: ");
	if (f)
		fclose(f);
	return found;
}

/* Who traces by ftrace holds nothing. */
TEST_F(module, g12_goes_while_it_is_traced)
{
	const char *enable = "/sys/kernel/tracing/events/mbox/enable";
	struct dirent **names;
	int h = mb_create_anon();

	ASSERT_EQ(0, mb_write_file(enable, "1"));
	ASSERT_EQ(0, mb_put(h, "x", 1));
	close(h);
	EXPECT_TRUE(traced());
	ASSERT_EQ(0, unload());
	EXPECT_EQ(-1, scandir("/sys/kernel/tracing/events/mbox", &names, NULL, NULL));
	EXPECT_FALSE(traced());
	ASSERT_EQ(0, load());
	ASSERT_EQ(0, mb_write_file(enable, "1"));
	h = mb_create_anon();
	EXPECT_EQ(0, mb_put(h, "x", 1));
	close(h);
	EXPECT_TRUE(traced());
	reload(_metadata);
}

static void wait_for_message(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	int *h = arg;

	mb_recv(*h, &args);
}

TEST_F(module, g12_stays_while_a_process_waits_and_goes_once_it_is_killed)
{
	int h = mb_create_anon();
	pid_t pid = mb_fork(_metadata, wait_for_message, &h);

	EXPECT_TRUE(wait_until(mb_fdinfo(h, "mbox-waiting-receivers") == 1));
	close(h);
	refused(_metadata);
	mb_kill(pid);
	reload(_metadata);
}

TEST_F(module, g12_goes_with_names_and_what_they_hold)
{
	char name[32];
	char *payload = calloc(1, 1 << 20);
	int i, h;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), NAME "-%d", i);
		h = mb_create_named(name, MB_RW, 0600);
		ASSERT_LE(0, h);
		EXPECT_EQ(0, mb_put(h, name, sizeof(name)));
		EXPECT_EQ(0, mb_put(h, payload, 5000));
		close(h);
	}
	h = mb_create_named(NAME, MB_RW, 0600);
	EXPECT_EQ(0, mb_put(h, payload, 1 << 20));
	close(h);
	reload(_metadata);
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
}

struct owner {
	int ready;
	int go;
};

static void own_and_wait(struct __test_metadata *_metadata, void *arg)
{
	struct owner *owner = arg;
	char byte = 0;
	int h = mb_create_own(MB_RW, 0600);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "x", 1));
	close(h);
	ASSERT_EQ(1, write(owner->ready, &byte, 1));
	EXPECT_EQ(1, read(owner->go, &byte, 1));
}

/* Its process lives, and ends when nobody there minds any more. */
TEST_F(module, g12_goes_before_a_process_that_owns_a_mailbox)
{
	int ready[2], go[2];
	struct owner owner;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	owner = (struct owner){ ready[1], go[0] };
	pid = mb_fork(_metadata, own_and_wait, &owner);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, unload());
	ASSERT_EQ(1, write(go[1], &byte, 1));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(0, load());
	EXPECT_EQ(-ENOENT, mb_open_pid(pid, MB_RW));
}

/* The two ends at a time, in the order that the scheduler likes. */
TEST_F(module, g12_goes_while_a_process_that_owns_a_mailbox_ends)
{
	int ready[2], go[2];
	struct owner owner;
	char byte = 0;
	pid_t pid;
	int i;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	owner = (struct owner){ ready[1], go[0] };
	for (i = 0; i < 5; i++) {
		pid = mb_fork(_metadata, own_and_wait, &owner);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		ASSERT_EQ(1, write(go[1], &byte, 1));
		ASSERT_EQ(0, unload());
		EXPECT_EQ(0, mb_wait(pid));
		ASSERT_EQ(0, load());
	}
}

static void create_and_leave(struct __test_metadata *_metadata, void *arg)
{
	struct owner *owner = arg;
	char byte = 0;
	int h = mb_create_named(NAME, MB_RW, 0600);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "x", 1));
	close(h);
	ASSERT_EQ(1, write(owner->ready, &byte, 1));
	EXPECT_EQ(1, read(owner->go, &byte, 1));
}

TEST_F(module, g12_goes_before_namespaces_that_have_names)
{
	const int flags = CLONE_NEWUSER | CLONE_NEWNET;
	int ready[2], go[2];
	struct owner owner;
	const struct mb_child child = {
		.fn = create_and_leave,
		.arg = &owner,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = flags,
	};
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	owner = (struct owner){ ready[1], go[0] };
	pid = mb_fork_child(_metadata, &child);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	reload(_metadata);
	ASSERT_EQ(1, write(go[1], &byte, 1));
	EXPECT_EQ(0, mb_wait(pid));
}

/*
 * Objects in use in each kmalloc cache, as the slab allocator counts them. What a
 * detector keeps to itself for a while counts until the next time.
 */
struct slabs {
	int count;
	struct {
		char name[32];
		long objects;
	} cache[128];
};

static bool read_slabs(struct slabs *slabs)
{
	char line[512];
	FILE *f = fopen("/proc/slabinfo", "re");
	bool clean = f;

	slabs->count = 0;
	while (f && fgets(line, sizeof(line), f)) {
		/* Caches of our own would have gone with the module. */
		if (!strncmp(line, "mbx", 3) || !strncmp(line, "mbox", 4))
			clean = false;
		if (!strncmp(line, "kmalloc-", 8) &&
		    slabs->count < (int)ARRAY_SIZE(slabs->cache) &&
		    sscanf(line, "%31s %ld", slabs->cache[slabs->count].name,
			   &slabs->cache[slabs->count].objects) == 2)
			slab_shrink(slabs->cache[slabs->count++].name);
	}
	if (f)
		fclose(f);
	return clean;
}

/* By how much the cache that grew most has grown. */
static long growth(const struct slabs *before)
{
	struct slabs now;
	long most = 0;
	int i;

	if (!read_slabs(&now))
		return LONG_MAX;
	for (i = 0; i < now.count && i < before->count; i++)
		if (now.cache[i].objects - before->cache[i].objects > most)
			most = now.cache[i].objects - before->cache[i].objects;
	return most;
}

#define MANY 3000

/* Half of them would be many more than other programs move meanwhile. */
TEST_F(module, g12_frees_all_that_it_had)
{
	struct slabs before;
	char name[32];
	int i, h;

	ASSERT_EQ(0, unload());
	ASSERT_TRUE(read_slabs(&before));
	ASSERT_LT(0, before.count);
	ASSERT_EQ(0, load());
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), NAME "-%d", i);
		h = mb_create_named(name, MB_RW, 0600);
		ASSERT_LE(0, h);
		ASSERT_EQ(0, mb_put(h, name, sizeof(name)));
		close(h);
	}
	EXPECT_LT(MANY / 2, growth(&before));
	ASSERT_EQ(0, unload());
	EXPECT_TRUE(wait_until(growth(&before) < MANY / 2)) {
		TH_LOG("%ld objects are left", growth(&before));
	}
}

TEST_HARNESS_MAIN
