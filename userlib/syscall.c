// SPDX-License-Identifier: MIT
/*
 * The way into the kernel: every ioctl of libmbox passes through here. This file
 * knows where the device is; what the arguments mean is the business of mbox.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

#define DEVICE "/dev/mbox"

/* ioctl() is not a cancellation point in any C library for Linux. */
int libmbox_ioctl(int fd, unsigned long cmd, void *args)
{
	return ioctl(fd, cmd, args);
}

/*
 * The device is opened for each call, so that nothing has to be kept across
 * fork() and closefrom(), and an idle program does not hold the module.
 *
 * open() and close() would be cancellation points, and a thread cancelled in
 * close() would take the new handle with it: hence syscall().
 */
int libmbox_device_ioctl(unsigned long cmd, void *args)
{
	int dev, ret, err;

	dev = (int)syscall(SYS_openat, AT_FDCWD, DEVICE, O_RDONLY | O_CLOEXEC);
	if (dev < 0) {
		/* No file, or a file without a driver behind it. */
		if (errno == ENOENT || errno == ENXIO)
			errno = ENODEV;
		return -1;
	}
	ret = libmbox_ioctl(dev, cmd, args);
	err = errno;
	syscall(SYS_close, dev);
	errno = err;
	return ret;
}
