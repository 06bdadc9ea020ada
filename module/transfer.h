/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The moves of a message, for the files that implement the mailbox alone. All
 * but mbx_mailbox_sleep() and mbx_mailbox_wait() with its lock held.
 */
#ifndef MBX_TRANSFER_H
#define MBX_TRANSFER_H

#include "mailbox.h"
#include "message.h"

/* Nobody can ever receive. */
static inline bool mbx_mailbox_deaf(const struct mbx_mailbox *mb)
{
	return !mb->published && !mb->recv_handles;
}

/* Whether a message is given a token when it is received, with a lease or without. */
static inline bool mbx_msg_stays(const struct mbx_msg *msg, bool lease)
{
	return lease || (msg->flags & MBOX_MSG_CALL);
}

/*
 * Whether a message that does not fit may be received: it leaves, or there is room
 * for it to stay with a token.
 */
static inline bool mbx_mailbox_lends(const struct mbx_mailbox *mb,
				     const struct mbx_msg *msg, bool lease)
{
	return !mbx_msg_stays(msg, lease) || mbx_room_for_token(mb, msg->len);
}

/* Nothing can ever arrive. */
static inline bool mbx_mailbox_ended(const struct mbx_mailbox *mb)
{
	return !mb->published && !mb->send_handles && !mb->in_hand && !mb->reserved;
}

/* Whether a receiver has room for the files that go with a message. */
static inline bool mbx_files_fit(const struct mbx_msg *msg, u32 file_room)
{
	return !file_room || mbx_msg_files(msg) <= file_room;
}

/* The files that go with a message are in the mailbox now. */
static inline void mbx_mailbox_load_locked(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	if (msg->cargo)
		list_add_tail(&msg->cargo->node, &mb->cargo);
}

/* There is something to receive, where was nothing. */
static inline void mbx_mailbox_notify_locked(struct mbx_mailbox *mb,
					     struct mbx_outcome *out)
{
	if (mb->notice)
		out->notice = mbx_notice_take_locked(mb);
}

void mbx_mailbox_count_latency_locked(struct mbx_mailbox *mb, const struct mbx_msg *msg);

/* A message is taken, by who receives it. */
static inline void mbx_mailbox_taken_locked(struct mbx_mailbox *mb,
					    const struct mbx_msg *msg)
{
	if (mb->latencies)
		mbx_mailbox_count_latency_locked(mb, msg);
}

__poll_t mbx_mailbox_events_locked(const struct mbx_mailbox *mb);
void mbx_mailbox_retire_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			       struct mbx_outcome *out);
void mbx_mailbox_end_peek_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out);
void mbx_mailbox_hand_out_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 bool stays);
void mbx_mailbox_accept_locked(struct mbx_mailbox *mb, struct mbx_msg *msg);
bool mbx_mailbox_has_taker_locked(struct mbx_mailbox *mb, const struct mbx_msg *msg,
				  struct mbx_outcome *out);
bool mbx_mailbox_hand_over_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				  bool fits, struct mbx_outcome *out);
void mbx_mailbox_enqueue_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				struct mbx_outcome *out);
void mbx_mailbox_release_sender_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				       int result, struct mbx_outcome *out);
void mbx_mailbox_admit_locked(struct mbx_mailbox *mb, struct mbx_outcome *out);
void mbx_mailbox_refuse_sender_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				      int error, struct mbx_outcome *out);
int mbx_mailbox_sleep(struct mbx_mailbox *mb, struct mbx_waiter *w,
		      const struct mbx_timeout *timeout, enum mbx_op op);
int mbx_mailbox_wait(struct mbx_mailbox *mb, struct mbx_waiter *w,
		     struct mbx_msg *sending, const struct mbx_timeout *timeout);

int mbx_mailbox_put_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			   struct mbx_outcome *out);
int mbx_mailbox_block_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			     struct mbx_waiter *w, bool never,
			     struct mbx_outcome *out);
void mbx_mailbox_withdraw_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out);
void mbx_mailbox_received_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out);
void mbx_mailbox_put_back_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out);
void mbx_mailbox_finish_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			       struct mbx_outcome *out);
void mbx_mailbox_orphan_locked(struct mbx_mailbox *mb, struct mbx_msg *msg);
u32 mbx_mailbox_number_locked(struct mbx_mailbox *mb, const struct rb_root *tags,
			      const struct mbx_owner *owner);

#endif /* MBX_TRANSFER_H */
