/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of the device (device.c) and of a handle (ioctl.c).
 */
#ifndef MBX_IOCTL_H
#define MBX_IOCTL_H

#include <linux/mbox.h>

struct file;

#define MBX_RIGHTS	(MBOX_RECV | MBOX_SEND)

long mbx_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long mbx_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* MBX_IOCTL_H */
