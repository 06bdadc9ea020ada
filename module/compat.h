/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module builds for: the only place
 * that knows their versions.
 */
#ifndef MBX_COMPAT_H
#define MBX_COMPAT_H

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/version.h>

/* A new descriptor, with a reference of its own, for a file. */
static inline int mbx_receive_fd(struct file *file, unsigned int flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	return receive_fd(file, NULL, flags);
#else
	return receive_fd(file, flags);
#endif
}

/* Count an eventfd up by 1. */
static inline void mbx_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/*
 * Let whoever was just woken run now, if it is to run here. With later schedulers a
 * wake-up need not ask for that, and cond_resched() does nothing then. Where between 6.1
 * and 6.12 that begins was not tried.
 */
static inline void mbx_yield(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	if (!single_task_running())
		schedule();
#else
	cond_resched();
#endif
}

#endif /* MBX_COMPAT_H */
