// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notification: asking for it, its end. When it is due is decided in transfer.c.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/slab.h>

#include "compat.h"
#include "mailbox.h"
#include "notify.h"
#include "quota.h"

static void notice_free(struct mbx_notice *notice)
{
	eventfd_ctx_put(notice->eventfd);
	kfree(notice);
}

static struct mbx_notice *notice_new(const struct mbx_owner *owner, int fd)
{
	struct mbx_notice *notice;
	struct eventfd_ctx *eventfd;

	eventfd = eventfd_ctx_fdget(fd);
	if (IS_ERR(eventfd))
		return ERR_CAST(eventfd);
	notice = kmalloc(sizeof(*notice), MBX_GFP_USER);
	if (!notice) {
		eventfd_ctx_put(eventfd);
		return ERR_PTR(-ENOMEM);
	}
	notice->owner = *owner;
	notice->eventfd = eventfd;
	return notice;
}

/**
 * mbx_notice_take_locked - take a mailbox's notification away from it
 * @mb: the mailbox, which has one
 *
 * Return: the notification, the caller's.
 */
struct mbx_notice *mbx_notice_take_locked(struct mbx_mailbox *mb)
{
	struct mbx_notice *notice = mb->notice;

	lockdep_assert_held(&mb->lock);
	WRITE_ONCE(notice->owner.holder->notice, false);
	mb->notice = NULL;
	return notice;
}

/**
 * mbx_notify_set - ask for a notification
 * @mb: the mailbox
 * @owner: who asks
 * @fd: descriptor of the eventfd
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: there is one already; -EBADF: no such file; -EINVAL: not an
 * eventfd; -ENOMEM.
 */
int mbx_notify_set(struct mbx_mailbox *mb, const struct mbx_owner *owner, int fd)
{
	struct mbx_notice *notice = notice_new(owner, fd);
	bool busy;

	if (IS_ERR(notice))
		return PTR_ERR(notice);
	spin_lock(&mb->lock);
	busy = mb->notice;
	if (!busy) {
		WRITE_ONCE(owner->holder->notice, true);
		mb->notice = notice;
	}
	spin_unlock(&mb->lock);
	if (busy)
		notice_free(notice);
	return busy ? -EBUSY : 0;
}

/**
 * mbx_notify_end - take a notification away
 * @mb: the mailbox
 * @owner: who asked for it; without a user: whoever did through this handle
 */
void mbx_notify_end(struct mbx_mailbox *mb, const struct mbx_owner *owner)
{
	struct mbx_notice *notice = NULL;

	spin_lock(&mb->lock);
	if (owner->holder->notice &&
	    (!owner->user || mb->notice->owner.user == owner->user))
		notice = mbx_notice_take_locked(mb);
	spin_unlock(&mb->lock);
	if (notice)
		notice_free(notice);
}

/**
 * mbx_notice_fire - count the eventfd up, and forget it
 * @notice: taken away from its mailbox; may be NULL
 *
 * Context: no lock is held.
 */
void mbx_notice_fire(struct mbx_notice *notice)
{
	if (!notice)
		return;
	mbx_eventfd_signal(notice->eventfd);
	notice_free(notice);
}
