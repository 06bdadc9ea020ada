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

#endif /* LIBMBOX_TEST_H */
