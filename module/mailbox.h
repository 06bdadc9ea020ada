/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mailbox: life cycle and rights (mailbox.c), room and what is dropped to
 * make it (room.c), the moves of a message through it (transfer.c), the lock
 * and who may go on (settle.c), sending (send.c), receiving (receive.c). Calls
 * and tokens are on top of that (call.h, token.h). Knows nothing of names, files and user memory.
 *
 * Locks of the module, outermost first:
 *
 *	names_lock (mutex, namespace.c)
 *	  mailbox.lock
 *	  pid->wait_pidfd.lock (also taken by an exit, under tasklist_lock)
 *	    dying_lock (namespace.c)
 *
 * quota_lock and the wait queue of pollers are not taken under any of them.
 */
#ifndef MBX_MAILBOX_H
#define MBX_MAILBOX_H

#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/mbox.h>

#include <linux/workqueue.h>

#include "message.h"
#include "notify.h"
#include "queue.h"
#include "tag.h"
#include "wait.h"

struct mbx_quota;

/* Messages that one send may drop before it waits instead. */
#define MBX_DROPS_MAX	64

/* Messages that may be dropped before others get a turn at the lock. */
#define MBX_DROPS_HOLD	256

/* Likewise, messages of a batch, messages that are purged, tokens given up. */
#define MBX_BATCH_HOLD	64U

/* Likewise, waiters that are asked one by one whether they want a message. */
#define MBX_LOOKS_HOLD	4096U

/**
 * DOC: the life of a mailbox
 *
 * A mailbox is held by its handles and, while it is published under a name or
 * a pid, by that entry; it is freed with the last of them. Two counts decide
 * more than that:
 *
 *	deaf	not published, and no handle with MBOX_RECV: nobody can ever
 *		receive. Sends fail with EPIPE, what is queued is freed.
 *	ended	not published, no handle with MBOX_SEND, no reply expected, and
 *		nothing in hand that could be put back: nothing can ever arrive.
 *		A receive that finds nothing fails with EPIPE.
 *
 * One lock protects what changes, taken by mbx_mailbox_begin() and given back
 * by mbx_mailbox_end(). The latter lets everybody go on whom the change
 * concerns; what must not be done under the lock, wake-ups and frees, is
 * collected in a struct mbx_outcome and done after the unlock. So nothing
 * sleeps, allocates or frees under it. User memory is written under it in one place,
 * mbx_deliver_at_once(), with page faults disabled.
 */
struct mbx_mailbox {
	/* const after creation */
	u64 id;
	struct user_namespace *user_ns;	/* that owns the network namespace */
	struct pid_namespace *pid_ns;	/* of the creator, MBOX_TYPE_PID only */
	struct mbx_quota *payer;	/* for the mailbox itself */
	ktime_t created;

	struct kref ref;

	spinlock_t lock;	/* of what is said to be protected by it */

	/* protected by @lock; @max_message_size is also read without */
	struct mbx_queue queue;
	struct mbx_queue pending;	/* messages of blocked senders */
	struct mbx_waiters receivers;	/* blocked receivers */
	struct list_head cargo;		/* of messages above and in hand */
	struct mbx_notice *notice;	/* NULL: nobody asked for one */
	u64 *latencies;			/* MBOX_LATENCY_SLOTS; NULL: they are not counted */
	struct rb_root tokens;		/* messages in hand that have one */
	struct rb_root_cached returns;	/* those whose lease ends by itself */
	struct rb_root calls;		/* that were interrupted */
	u32 in_hand;			/* taken, neither finished nor put back */
	u32 lingering;			/* done with, but peeked at, or stale */
	u32 reserved;			/* replies that are expected here */
	__poll_t told;			/* to pollers, last */
	u64 in_hand_bytes;
	u64 lingering_bytes;
	u64 reserved_bytes;
	u32 token_count;
	u32 staying;			/* in hand, with a token, now or soon */
	u64 staying_bytes;
	u32 call_count;			/* calls that are not over */
	u32 last_number;		/* of tokens and interrupted calls */
	u64 next_seq;
	u64 sent;
	u64 received;
	u64 drops;			/* also read without */
	u64 max_bytes;
	u32 max_messages;
	u32 max_message_size;
	u32 recv_handles;
	u32 send_handles;
	kuid_t uid;
	kgid_t gid;
	u16 mode;
	u8 overflow;
	bool published;
	bool withheld;			/* a message from who waits */
	bool lend;			/* it may be withheld no longer: mailbox_lend() */

	/* const after creation, here to fill a hole */
	u8 type_source;
	bool rt_priority;		/* of calls: MBOX_RT_PRIORITY */

	/* protected by @lock */
	struct mbx_filter lend_from;	/* how far that has come, if .walk */
	u64 lend_end;			/* from here on they are newer */
	u64 passes;			/* that came to their end */
	u64 passes_due;			/* that somebody sees to */
	u32 spin;			/* of those who wait, in ns; also read without */

	/* without any lock */
	struct mbx_spin receive_spin;	/* of who waits for a message */
	struct mbx_spin call_spin;	/* of who waits for the end of a call */

	/* of its own lock, see MBX_POLL */
	struct wait_queue_head poll;
	struct fasync_struct *fasync[MBOX_RECV | MBOX_SEND];	/* by rights, less 1 */

	struct delayed_work return_work;	/* at the first of @returns */

	/* namespace.c's, under its lock */
	struct mbx_entry *entry;
};

/**
 * struct mbx_outcome - what is to be done after the unlock
 * @wake: waiters that were claimed
 * @garbage: messages that are done with
 * @calls: whose requests are done with
 * @cargo: files to be closed
 * @notice: that is due
 * @events: for pollers
 * @dropped: messages dropped under this hold of the lock
 * @looked: waiters that were asked under this hold of the lock
 * @again: there was more to do than one hold of the lock may
 * @pass: of mailbox_lend(), to be seen to; 0: none
 */
struct mbx_outcome {
	struct mbx_wakeups wake;
	struct mbx_msg *garbage;
	struct mbx_call *calls;
	struct mbx_cargo *cargo;
	struct mbx_notice *notice;
	__poll_t events;
	unsigned int dropped;
	unsigned int looked;
	bool again;
	u64 pass;
};

/* The files that go with a message, if any, are to be closed. */
static inline void mbx_outcome_unload(struct mbx_outcome *out, struct mbx_msg *msg)
{
	struct mbx_cargo *cargo = msg->cargo;

	if (!cargo)
		return;
	list_del(&cargo->node);
	cargo->next_garbage = out->cargo;
	out->cargo = cargo;
	msg->cargo = NULL;
}

/* A message in no queue, to be freed. */
static inline void mbx_outcome_discard(struct mbx_outcome *out, struct mbx_msg *msg)
{
	mbx_outcome_unload(out, msg);
	msg->next_garbage = out->garbage;
	out->garbage = msg;
}

/**
 * mbx_mailbox_begin - take the lock
 * @mb: the mailbox
 * @out: what will be done after the unlock
 */
static inline void mbx_mailbox_begin(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__acquires(&mb->lock)
{
	*out = (struct mbx_outcome){ };
	spin_lock(&mb->lock);
}

void mbx_mailbox_end(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock);
void mbx_mailbox_end_unless_deaf(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock);

/**
 * struct mbx_receive - what a receive wants, and what it learned
 * @filter: which messages
 * @timeout: how to wait
 * @room: size of the buffer
 * @truncate: take a message even if it is longer than @room
 * @peek: leave it there
 * @lease: give out a token for it
 * @lease_time: which ends by itself after so many ns; 0: never
 * @file_room: how many files it may come with; 0: any number, they are not wanted
 * @len: of the message that was too long or had too many files, on -EMSGSIZE
 * @files: how many, likewise
 * @withheld: the message that it would get would have to stay beyond the limits
 * @yield: let others run before it waits: somebody was woken who is to run on this CPU
 * @deliver: called with the lock held: copies a message out, unless it would have to
 *	sleep; NULL: what is taken is delivered later
 */
struct mbx_receive {
	struct mbx_filter filter;
	struct mbx_timeout timeout;
	size_t room;
	bool truncate;
	bool peek;
	bool lease;
	u64 lease_time;
	u32 file_room;
	u32 len;
	u32 files;
	bool withheld;
	bool yield;
	bool (*deliver)(const struct mbx_mailbox *mb, const struct mbx_msg *msg,
			const struct mbx_receive *how);
};

/**
 * struct mbx_properties - what a mailbox is created with
 * @max_bytes: limit of payload bytes, 0: default
 * @max_messages: limit of messages, 0: default
 * @max_message_size: limit of one payload, 0: default
 * @mode: permission bits
 * @type_source: MBOX_TYPE_*
 * @overflow: MBOX_OVERFLOW_*
 * @rt_priority: MBOX_RT_PRIORITY was asked for
 */
struct mbx_properties {
	u64 max_bytes;
	u32 max_messages;
	u32 max_message_size;
	u16 mode;
	u8 type_source;
	u8 overflow;
	bool rt_priority;
};

int mbx_properties_complete(struct mbx_properties *props);
/* What a mailbox holds. */
static inline u32 mbx_mailbox_messages(const struct mbx_mailbox *mb)
{
	return mb->queue.count + mb->in_hand + mb->lingering + mb->reserved;
}

static inline u64 mbx_mailbox_bytes(const struct mbx_mailbox *mb)
{
	return mb->queue.bytes + mb->in_hand_bytes + mb->lingering_bytes +
	       mb->reserved_bytes;
}

int mbx_mailbox_init(void);
void mbx_mailbox_exit(void);
struct mbx_mailbox *mbx_mailbox_create(struct user_namespace *user_ns,
				       const struct mbx_properties *props);
struct mbx_mailbox *mbx_mailbox_get(struct mbx_mailbox *mb);
void mbx_mailbox_put(struct mbx_mailbox *mb);
void mbx_mailbox_attach(struct mbx_mailbox *mb, unsigned int rights);
void mbx_mailbox_detach(struct mbx_mailbox *mb, unsigned int rights);
bool mbx_mailbox_attached(struct mbx_mailbox *mb);
void mbx_mailbox_publish(struct mbx_mailbox *mb, bool published);

bool mbx_mailbox_permits(struct mbx_mailbox *mb, unsigned int rights);
bool mbx_mailbox_owned_by(struct mbx_mailbox *mb, kuid_t uid);
bool mbx_mailbox_controlled(struct mbx_mailbox *mb);
bool mbx_mailbox_visible(struct mbx_mailbox *mb);

int mbx_mailbox_send(struct mbx_mailbox *mb, struct mbx_msg *msg,
		     const struct mbx_timeout *timeout);
int mbx_mailbox_send_many(struct mbx_mailbox *mb, struct mbx_msg **msgs, unsigned int n,
			  const struct mbx_timeout *timeout);
int mbx_mailbox_receive(struct mbx_mailbox *mb, struct mbx_receive *how,
			struct mbx_msg **msg);
void mbx_mailbox_end_receive(struct mbx_mailbox *mb, struct mbx_msg *msg,
			     const struct mbx_receive *how, bool ok);
void mbx_mailbox_refuse_long(struct mbx_mailbox *mb, struct mbx_outcome *out);
void mbx_mailbox_lend_locked(struct mbx_mailbox *mb);

int mbx_mailbox_reserve(struct mbx_mailbox *mb, u32 len);
int mbx_mailbox_fill(struct mbx_mailbox *mb, u32 reserved, struct mbx_msg *msg);

bool mbx_room_fits(const struct mbx_mailbox *mb, u32 len);
bool mbx_room_for_token(const struct mbx_mailbox *mb, u32 len);
bool mbx_room_writable(const struct mbx_mailbox *mb);
bool mbx_room_make(struct mbx_mailbox *mb, const struct mbx_msg *msg,
		   struct mbx_outcome *out);

__poll_t mbx_mailbox_poll(struct mbx_mailbox *mb, unsigned int rights,
			  const struct mbx_holder *holder);
u32 mbx_mailbox_next_len(struct mbx_mailbox *mb);
void mbx_mailbox_stat(struct mbx_mailbox *mb, const struct mbx_holder *holder,
		      struct mbox_stat_args *stat);
int mbx_mailbox_set(struct mbx_mailbox *mb, const struct mbox_set_args *args);
void mbx_mailbox_query(struct mbox_query_args *args);

#endif /* MBX_MAILBOX_H */
