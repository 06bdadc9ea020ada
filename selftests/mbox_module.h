/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Unloading the module and loading it again, and a fixture that leaves it loaded
 * and the kernel log clean. The module's file is $MBOX_KO, ./mbox.ko, or where it
 * was installed.
 */
#ifndef MBOX_MODULE_H
#define MBOX_MODULE_H

#include "mbox_test.h"

#include <sys/stat.h>
#include <sys/utsname.h>

static inline int unload(void)
{
	return syscall(SYS_delete_module, "mbox", O_NONBLOCK) ? -errno : 0;
}

static inline int module_file(void)
{
	const char *path = getenv("MBOX_KO");
	char installed[256];
	struct utsname uts;
	int fd;

	if (path)
		return open(path, O_RDONLY | O_CLOEXEC);
	fd = open("./mbox.ko", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	uname(&uts);
	snprintf(installed, sizeof(installed),
		 "/lib/modules/%s/updates/mbox.ko", uts.release);
	return open(installed, O_RDONLY | O_CLOEXEC);
}

static inline int load(void)
{
	int fd = module_file();
	int ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static inline bool loaded(void)
{
	return !access("/sys/module/mbox", F_OK);
}

FIXTURE(module) {
	int log;		/* /dev/kmsg, past all that was before */
};

FIXTURE_SETUP(module)
{
	int fd;

	if (!loaded())
		MB_NEED_DEVICE();
	/* Without its file it would not come back. */
	fd = module_file();
	ASSERT_LE(0, fd) {
		TH_LOG("set MBOX_KO to the module's file");
	}
	close(fd);
	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	lseek(self->log, 0, SEEK_END);
}

/* Whatever happened, the next suite has a module, and the log is clean. */
FIXTURE_TEARDOWN(module)
{
	static const char * const complaints[] = {
		"mbox:", "WARNING", "BUG", "Oops", "still has objects",
		"Objects remaining", "refcount_t",
	};
	char line[8192];
	unsigned int i;
	ssize_t len;

	if (!loaded())
		EXPECT_EQ(0, load());
	for (;;) {
		len = read(self->log, line, sizeof(line) - 1);
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			break;
		line[len] = 0;
		/* Whose races those are is for the runner to see, in what follows. */
		if (strstr(line, "BUG: KCSAN:"))
			continue;
		for (i = 0; i < ARRAY_SIZE(complaints); i++)
			EXPECT_TRUE(!strstr(line, complaints[i])) {
				TH_LOG("%s", line);
			}
	}
}

static inline void refused(struct __test_metadata *_metadata)
{
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_TRUE(loaded());
}

/* Unload and load again; it is as new. */
static inline void reload(struct __test_metadata *_metadata)
{
	struct mbox_query_args query;
	struct stat st;

	ASSERT_EQ(0, unload());
	EXPECT_TRUE(!loaded());
	EXPECT_EQ(-1, access(MB_DEVICE, F_OK));
	ASSERT_EQ(0, load());
	/* Where a daemon makes the node, it may take a moment. */
	ASSERT_TRUE(wait_until(!stat(MB_DEVICE, &st)));
	EXPECT_TRUE(wait_until(!stat(MB_DEVICE, &st) &&
			       (st.st_mode & 07777) == 0666));
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(0, query.user_bytes);
	EXPECT_EQ(0, query.user_mailboxes);
	EXPECT_EQ(0, query.ns_mailboxes);
	EXPECT_EQ(0, query.user_files);
}

#endif /* MBOX_MODULE_H */
