/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of the device (device.c) and of a handle: about messages (ioctl.c)
 * and about the mailbox (control.c).
 */
#ifndef MBX_IOCTL_H
#define MBX_IOCTL_H

#include <linux/mbox.h>

struct file;

#define MBX_RIGHTS	(MBOX_RECV | MBOX_SEND)

long mbx_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long mbx_ioctl_narrow(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_stat(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_set(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_fionread(struct file *file, int __user *uarg);
long mbx_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* MBX_IOCTL_H */
