/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One message: its memory, its copies from and to user space, who sent it and
 * who pays for it. Knows nothing of mailboxes; the index fields are the
 * queue's, @waiter is the mailbox's.
 */
#ifndef MBX_MESSAGE_H
#define MBX_MESSAGE_H

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/uio.h>
#include <linux/mbox.h>

struct file;
struct mbx_quota;
struct mbx_waiter;

/**
 * DOC: the life of a message
 *
 *	          send                    admitted
 *	created --------> pending ----------------------> queued
 *	   |                 |  \                        /   ^
 *	   | waiter          |   \ taken          taken /    | put back
 *	   | matches         |    v                    v     |
 *	   +-----------------|--------> in hand <------------+
 *	                     | withdrawn   |  received
 *	                     v             v
 *	                            freed
 *
 * It has one owner at a time: the sender that makes it, the mailbox while it
 * is pending or queued, the receiver that has it in hand. A message that is
 * done with while somebody still peeks at it lingers, counted by the mailbox,
 * until the last of them has copied it. What was charged for it is given back
 * when it is freed, by whoever frees it.
 */
struct mbx_msg {
	/* of the queue that it is in, protected by the mailbox's lock */
	struct rb_node by_order;
	union {
		struct rb_node by_type;
		struct mbx_msg *next_garbage;	/* of who unlinked it */
	};
	struct {
		u64 lo, hi;
	} span;				/* of the types below by_order */

	/* const once in a mailbox */
	u64 type;
	u64 seq;
	u64 badge;
	ktime_t time;
	u32 len;
	u16 priority;
	u8 flags;			/* MBOX_MSG_* */
	kuid_t uid;
	kgid_t gid;
	struct pid *pid;
	struct mbx_quota *payer;

	/* protected by the mailbox's lock */
	struct mbx_waiter *waiter;	/* the sender, while it is pending */
	u32 peeks;			/* those who copy it without taking it */
	bool done;			/* it lingers for them alone */

	/* const: long payloads are in pages, the others follow */
	bool paged;
	union {
		struct page **pages;
		DECLARE_FLEX_ARRAY(u8, data);
	};
};

/**
 * struct mbx_sender - who a message is from
 * @pid: thread group
 * @uid: effective user id
 * @gid: effective group id
 * @payer: whose quota is charged
 * @opener: the file whose opener this is; NULL: it is the caller
 * @badge: of the handle
 * @flags: MBOX_MSG_OPENER or 0
 *
 * Borrowed references: a message takes its own.
 */
struct mbx_sender {
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	struct mbx_quota *payer;
	const struct file *opener;
	u64 badge;
	u8 flags;
};

struct mbx_msg *mbx_msg_new(const struct mbx_sender *from,
			    struct iov_iter *payload);
void mbx_msg_free(struct mbx_msg *msg);
int mbx_msg_copy_out(const struct mbx_msg *msg, struct iov_iter *to);
void mbx_msg_describe(const struct mbx_msg *msg, struct mbox_msg_args *args);

#endif /* MBX_MESSAGE_H */
