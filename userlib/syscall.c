// SPDX-License-Identifier: MIT
/*
 * The way into the kernel: every ioctl of libmbox passes through here. This file
 * knows where the device is; what the arguments mean is the business of the others.
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
 * Leaves errno alone. close() would be a cancellation point, and a thread
 * cancelled there would take with it what it just got: hence syscall().
 */
void libmbox_close(int fd)
{
	const int err = errno;

	syscall(SYS_close, fd);
	errno = err;
}

/*
 * The device is opened for each call, so that nothing has to be kept across
 * fork() and closefrom(), and an idle program does not hold the module. Not by
 * open(), for the same reason.
 */
int libmbox_device_ioctl(unsigned long cmd, void *args)
{
	int dev, ret;

	dev = (int)syscall(SYS_openat, AT_FDCWD, DEVICE, O_RDONLY | O_CLOEXEC);
	if (dev < 0) {
		/* No file, or a file without a driver behind it. */
		if (errno == ENOENT || errno == ENXIO)
			errno = ENODEV;
		return -1;
	}
	ret = libmbox_ioctl(dev, cmd, args);
	libmbox_close(dev);
	return ret;
}
