/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the suites of the library share. They include <mbox.h> and
 * <linux/mbox.h>, to compare what the library says with what the kernel does.
 */
#ifndef LIBMBOX_TEST_H
#define LIBMBOX_TEST_H

#include <mbox.h>

#include "mbox_test.h"

#define RW		(MBOX_RECV | MBOX_SEND)
#define UNKNOWN_FLAG	(1U << 20)

static inline long minus_errno(long ret)
{
	return ret == -1 ? -errno : ret;
}

#define EXPECT_ERRNO(error, call) \
	EXPECT_EQ(-(error), ((errno = 0), minus_errno(call)))

/* Calls that succeed leave errno alone. */
#define EXPECT_OK(result, call) do { \
	errno = ECHILD; \
	EXPECT_EQ(result, (call)); \
	EXPECT_EQ(ECHILD, errno); \
} while (0)

#define BAD_PTR		((void *)1)

/*
 * For a peer to return: what came of a call, or minus errno, which is ECHILD
 * after a success that did not leave it alone.
 */
#define RESULT(call) ({ \
	long ret_; \
	errno = ECHILD; \
	ret_ = (call); \
	ret_ >= 0 && errno == ECHILD ? ret_ : -errno; \
})

static inline bool poisoned(const void *mem, size_t len)
{
	return mb_all(mem, len, MB_POISON);
}

/* Counted without opening another. */
static inline int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static inline struct mbox_stat stat_of(int fd)
{
	struct mbox_stat stat;

	if (mbox_stat(fd, &stat) < 0)
		abort();
	return stat;
}

#endif /* LIBMBOX_TEST_H */
