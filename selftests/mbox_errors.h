/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which errors an ioctl may fail with, as the reference says: `make lint` compares.
 * mb_ioctl() looks here at each error that any test meets.
 */
#ifndef MBOX_ERRORS_H
#define MBOX_ERRORS_H

#include <errno.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include <linux/mbox.h>

#include "kselftest.h"

static const struct {
	unsigned int cmd;
	int errors[20];
} mb_errors[] = {
	{ MBOX_IOC_CREATE, {
		E2BIG, EACCES, EDQUOT, EEXIST, EFAULT, EINVAL, EMFILE, ENAMETOOLONG,
		ENFILE, ENOMEM, ENOSPC,
	} },
	{ MBOX_IOC_OPEN, {
		E2BIG, EACCES, EFAULT, EINVAL, EMFILE, ENAMETOOLONG, ENFILE, ENOENT,
		ENOMEM,
	} },
	{ MBOX_IOC_UNLINK, {
		E2BIG, EFAULT, EINVAL, ENAMETOOLONG, ENOENT, ENOMEM, EPERM,
	} },
	{ MBOX_IOC_QUERY, { EFAULT, EINVAL, ENOMEM } },
	{ MBOX_IOC_SEND, {
		E2BIG, EAGAIN, EBADF, EDQUOT, EFAULT, EINTR, EINVAL, EMSGSIZE, ENOBUFS,
		ENOMEM, ENXIO, EOPNOTSUPP, EPIPE, ESRCH, ETIMEDOUT,
	} },
	{ MBOX_IOC_RECV, {
		E2BIG, EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EMFILE, EMSGSIZE, ENOMEM,
		EPIPE, ETIMEDOUT,
	} },
	{ MBOX_IOC_CALL, {
		E2BIG, EAGAIN, EBADF, ECONNRESET, EDQUOT, EFAULT, EINTR, EINVAL,
		EMSGSIZE, ENOMEM, ENXIO, EOPNOTSUPP, EPIPE, EREMOTEIO, ESRCH, ETIMEDOUT,
	} },
	{ MBOX_IOC_REPLY_RECV, {
		E2BIG, EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EMFILE, EMSGSIZE, ENOMEM,
		EPIPE, ESRCH, ETIMEDOUT,
	} },
	{ MBOX_IOC_FINISH, {
		E2BIG, EBADF, EFAULT, EINVAL, EMSGSIZE, ENOMEM, EPIPE, ESRCH,
	} },
	{ MBOX_IOC_SENDV, {
		E2BIG, EAGAIN, EBADF, EDQUOT, EFAULT, EINTR, EINVAL, EMSGSIZE, ENOMEM,
		ENXIO, EOPNOTSUPP, EPIPE, ETIMEDOUT,
	} },
	{ MBOX_IOC_RECVV, {
		E2BIG, EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EMFILE, EMSGSIZE, ENOMEM,
		EPIPE, ETIMEDOUT,
	} },
	{ MBOX_IOC_NARROW, {
		E2BIG, EFAULT, EINVAL, EMFILE, ENFILE, ENOMEM, EPERM,
	} },
	{ MBOX_IOC_STAT, { EFAULT, EINVAL } },
	{ MBOX_IOC_SET, { E2BIG, EFAULT, EINVAL, ENOMEM, EPERM } },
	{ MBOX_IOC_NOTIFY, { E2BIG, EBADF, EBUSY, EFAULT, EINVAL, ENOMEM } },
};

/* Whatever the size of its struct: that is part of the number. */
static inline bool mb_error_known(unsigned int cmd, int error)
{
	const unsigned int number = cmd & ~IOCSIZE_MASK;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(mb_errors); i++) {
		if ((mb_errors[i].cmd & ~IOCSIZE_MASK) != number)
			continue;
		for (j = 0; mb_errors[i].errors[j]; j++) {
			if (mb_errors[i].errors[j] == error)
				return true;
		}
		return false;
	}
	return true;
}

#endif /* MBOX_ERRORS_H */
