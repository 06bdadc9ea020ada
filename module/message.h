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

#include "cargo.h"
#include "tag.h"

struct file;
struct mbx_call;
struct mbx_quota;
struct mbx_waiter;

/**
 * DOC: the life of a message
 *
 *	          send                    admitted
 *	created --------> pending ----------------------> queued ---+
 *	   |                 |  \                        /   ^      |
 *	   | waiter          |   \ taken          taken /    | put  | copied out
 *	   | matches         |    v                    v     | back | at once
 *	   +-----------------|--------> in hand <------------+      |
 *	                     | withdrawn   |  received, finished    |
 *	                     v             v                        v
 *	                   freed         freed                    freed
 *
 * It has one owner at a time: the sender that makes it, the mailbox while it
 * is pending or queued, the receiver that has it in hand, until the receive or,
 * if it was given a token, that is finished. A message that is
 * done with while somebody still peeks at it lingers, counted by the mailbox,
 * until the last of them has copied it. What was charged for it is given back
 * when it is freed, by whoever frees it.
 */
struct mbx_msg {
	/* protected by the mailbox's lock: where it is found */
	union {
		struct {		/* in a queue */
			struct rb_node by_order;
			struct rb_node by_type;
			struct {
				u64 lo, hi;
			} span;		/* of the types below by_order */
		};
		struct {		/* in hand, with a token */
			struct mbx_tag token;
			struct rb_node by_return;	/* if @returns */
		};
		struct mbx_msg *next_garbage;	/* of who unlinked it */
	};

	/* const once in a mailbox */
	u64 type;
	u64 seq;
	u64 badge;
	ktime_t time;
	u32 len;
	u32 charged;			/* for the payload; a slot may need less */
	u16 priority;
	u8 flags;			/* MBOX_MSG_* */
	u32 value;			/* out_reply_max, or out_code */
	kuid_t uid;
	kgid_t gid;
	struct pid *pid;
	struct mbx_quota *payer;

	struct mbx_call *call;		/* whose request it is, a reference */

	/* protected by the mailbox's lock; const for who has the message in hand */
	struct mbx_cargo *cargo;	/* NULL: no files go with it */

	/* protected by the mailbox's lock */
	struct mbx_waiter *waiter;	/* the sender, while it is pending */
	ktime_t returns;		/* end of the lease, 0: none */
	u32 peeks;			/* those who copy it without taking it */
	u8 deliveries;			/* so far, with a token; also read without */
	bool in_hand;
	bool stays;			/* in hand, until its token ends */
	bool has_token;
	bool done;			/* it lingers for peeks alone */
	bool files_lost;		/* also read without */

	/* const: long payloads are in chunks, the others follow */
	bool chunked;
	u8 class;			/* of its size */
	union {
		void **chunks;
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

int mbx_msg_init(void);
void mbx_msg_exit(void);
struct mbx_msg *mbx_msg_new(const struct mbx_sender *from,
			    struct iov_iter *payload);
struct mbx_msg *mbx_msg_new_slot(const struct mbx_sender *from, u32 capacity);
int mbx_msg_fill(struct mbx_msg *msg, const struct mbx_sender *from,
		 struct iov_iter *payload);
void mbx_msg_fill_failed(struct mbx_msg *msg);
int mbx_msg_load(struct mbx_msg *msg, struct mbx_cargo *cargo);
void mbx_msg_free(struct mbx_msg *msg);
int mbx_msg_copy_out(const struct mbx_msg *msg, struct iov_iter *to);
void mbx_msg_describe(const struct mbx_msg *msg, struct mbox_msg_args *args);

/* How many files go with a message. */
static inline u32 mbx_msg_files(const struct mbx_msg *msg)
{
	return msg->cargo ? msg->cargo->count : 0;
}

#endif /* MBX_MESSAGE_H */
