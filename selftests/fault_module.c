// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Loading the module while allocations and user copies fail: it is there or it is not,
 * and what it had begun is undone. Unloading it cannot fail half-way.
 */
#include "mbox_fault.h"
#include "mbox_module.h"

static int finit(int fd)
{
	return syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
}

/* Without trace events, if it is there: their failures make the kernel warn of itself. */
static int untraced_file(void)
{
	int fd = open("./untraced/mbox.ko", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? module_file() : fd;
}

static bool complete(void)
{
	struct mbox_query_args query;

	return loaded() && !access(MB_PARAMETERS "user_bytes", F_OK) &&
	       wait_until(!access(MB_DEVICE, F_OK)) && !mb_query(&query);
}

static bool gone(void)
{
	return !loaded() && access(MB_DEVICE, F_OK);
}

/*
 * The loader gets over most faults, or reports them in ways of its own. Of its steps, which are
 * very many, and ours, some are tried.
 */
TEST_F_WALK(module, g12_that_cannot_be_loaded_leaves_nothing)
{
	struct walk w = { .nomem = 2, .other = EINVAL, .stride = 7 };
	int fd = untraced_file();

	if (!fault_possible)
		SKIP(return, "no " FAULT_NTH);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unload());
	FAULT_EACH(&w) {
		lseek(fd, 0, SEEK_SET);
		if (INJECT(&w, finit(fd)) < 0) {
			EXPECT_TRUE(gone());
		} else {
			EXPECT_TRUE(complete());
			EXPECT_EQ(0, unload());
		}
	}
	ASSERT_EQ(0, load());
	EXPECT_TRUE(complete());
}

/* With names that must be taken away, and what is behind them. */
TEST_F_WALK(module, g12_that_is_unloaded_is_gone)
{
	struct walk w = { .fault = 1 };

	if (!fault_possible)
		SKIP(return, "no " FAULT_NTH);
	FAULT_EACH(&w) {
		int h = mb_create_named("fault-module", MB_RW, 0600);

		ASSERT_LE(0, h);
		ASSERT_EQ(0, mb_put(h, "hello", 5));
		ASSERT_EQ(0, close(h));
		if (INJECT(&w, unload()) < 0) {
			EXPECT_TRUE(complete());
			EXPECT_EQ(0, mb_unlink("fault-module"));
		} else {
			EXPECT_TRUE(gone());
			ASSERT_EQ(0, load());
		}
	}
}

TEST_HARNESS_MAIN
