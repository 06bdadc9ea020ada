/* SPDX-License-Identifier: MIT */
/*
 * What the files of libmbox share and programs do not see.
 */
#ifndef LIBMBOX_INTERNAL_H
#define LIBMBOX_INTERNAL_H

/* All else is hidden: -fvisibility=hidden. */
#define MBOX_API __attribute__((visibility("default")))

int libmbox_ioctl(int fd, unsigned long cmd, void *args);
int libmbox_device_ioctl(unsigned long cmd, void *args);

#endif /* LIBMBOX_INTERNAL_H */
