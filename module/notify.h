/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notification: an eventfd that is counted up, once, when a message comes into an
 * empty mailbox and nobody who waits takes it.
 */
#ifndef MBX_NOTIFY_H
#define MBX_NOTIFY_H

#include "tag.h"

struct eventfd_ctx;
struct mbx_mailbox;

/**
 * struct mbx_notice - what a mailbox will do once
 * @owner: who asked for it
 * @eventfd: to be counted up
 *
 * A mailbox has one at a time, under its lock. Whoever takes it away there owns it,
 * and fires or frees it without the lock.
 */
struct mbx_notice {
	struct mbx_owner owner;
	struct eventfd_ctx *eventfd;
};

int mbx_notify_set(struct mbx_mailbox *mb, const struct mbx_owner *owner, int fd);
void mbx_notify_end(struct mbx_mailbox *mb, const struct mbx_owner *owner);
struct mbx_notice *mbx_notice_take_locked(struct mbx_mailbox *mb);
void mbx_notice_fire(struct mbx_notice *notice);

#endif /* MBX_NOTIFY_H */
