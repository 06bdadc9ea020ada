// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: what comes in, what waits, what is refused.
 */
#include "call.h"
#include "mailbox.h"
#include "message.h"
#include "transfer.h"

/* Whether a message may come in now: it fits, and overtakes no blocked one. */
static bool mailbox_admissible(const struct mbx_mailbox *mb, const struct mbx_msg *msg)
{
	const struct mbx_msg *blocked = mbx_queue_first(&mb->pending);

	return mbx_room_fits(mb, msg->len) &&
	       (!blocked || mbx_msg_before(msg, blocked));
}

/**
 * mbx_mailbox_put_locked - put a message into a mailbox, if it may come in now
 * @mb: the mailbox
 * @msg: complete but for its sequence number
 * @out: gets the message, if it can never come in
 *
 * Return: 0; -EPIPE: nobody can ever receive it; -ENXIO: nobody can now, and files
 * go with it; -EMSGSIZE: too long; -EAGAIN: it would have to wait, and is still the caller's.
 */
int mbx_mailbox_put_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			   struct mbx_outcome *out)
{
	bool fits;

	lockdep_assert_held(&mb->lock);
	msg->seq = mb->next_seq++;
	if (mbx_mailbox_deaf(mb)) {
		mbx_outcome_discard(out, msg);
		return -EPIPE;
	}
	if (msg->cargo && !mb->recv_handles) {
		mbx_outcome_discard(out, msg);
		return -ENXIO;
	}
	if (msg->len > mb->max_message_size) {
		mbx_outcome_discard(out, msg);
		return -EMSGSIZE;
	}
	fits = mailbox_admissible(mb, msg);
	if (!fits && !mbx_mailbox_has_taker_locked(mb, msg, out))
		return -EAGAIN;
	mbx_mailbox_load_locked(mb, msg);
	mbx_mailbox_accept_locked(mb, msg);
	if (!mbx_mailbox_hand_over_locked(mb, msg, fits, out))
		mbx_mailbox_enqueue_locked(mb, msg, out);
	return 0;
}

/**
 * mbx_mailbox_block_locked - stand in line, in order
 * @mb: the mailbox
 * @msg: mbx_mailbox_put_locked() gave -EAGAIN for it under the same hold
 * @w: initialised
 * @never: only if it can be let in at once, by dropping others
 * @out: gets the message on failure
 *
 * Return: 0: it stands there, or was let in and @w claimed; -EAGAIN: neither.
 */
int mbx_mailbox_block_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			     struct mbx_waiter *w, bool never,
			     struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	w->may_drop = MBX_DROPS_MAX;
	msg->waiter = w;
	mbx_mailbox_load_locked(mb, msg);
	mbx_queue_add(&mb->pending, msg);
	mbx_mailbox_admit_locked(mb, out);
	if (never && msg->waiter) {
		mbx_queue_del(&mb->pending, msg);
		mbx_outcome_discard(out, msg);
		return -EAGAIN;
	}
	if (!mb->queue.count && mb->pending.count == 1)
		mbx_mailbox_notify_locked(mb, out);
	/* It is there now, for those who peek; nobody takes it. */
	if (msg->waiter)
		WARN_ON_ONCE(mbx_mailbox_hand_over_locked(mb, msg, false, out));
	out->events |= EPOLLIN | EPOLLRDNORM;
	return 0;
}

static int mailbox_send_blocked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				const struct mbx_timeout *timeout,
				struct mbx_outcome *out)
	__releases(&mb->lock)
{
	struct mbx_waiter w;
	int ret;

	mbx_waiter_init(&w);
	ret = mbx_mailbox_block_locked(mb, msg, &w, timeout->never, out);
	if (!ret && msg->call)
		mbx_call_begin_locked(mb, msg, NULL);
	mbx_mailbox_end(mb, out);

	return ret ?: mbx_mailbox_wait(mb, &w, msg, timeout);
}

/**
 * mbx_mailbox_send - put a message into a mailbox
 * @mb: the mailbox
 * @msg: complete but for its sequence number; the mailbox's, even on failure
 * @timeout: how to wait for room
 *
 * Context: may sleep.
 * Return: 0; -EPIPE: nobody can ever receive it; -ENXIO: nobody can now, and files
 * go with it; -EMSGSIZE: too long; -EAGAIN, -ETIMEDOUT, -ERESTARTSYS: no room.
 */
int mbx_mailbox_send(struct mbx_mailbox *mb, struct mbx_msg *msg,
		     const struct mbx_timeout *timeout)
{
	struct mbx_outcome out;
	int ret;

	mbx_mailbox_begin(mb, &out);
	ret = mbx_mailbox_put_locked(mb, msg, &out);
	if (ret == -EAGAIN)
		return mailbox_send_blocked(mb, msg, timeout, &out);
	if (!ret && msg->call)
		mbx_call_begin_locked(mb, msg, NULL);
	mbx_mailbox_end(mb, &out);
	return ret;
}

/* As many as can come in under one hold of the lock. */
static int mailbox_put_many(struct mbx_mailbox *mb, struct mbx_msg **msgs,
			    unsigned int n, unsigned int *done)
{
	struct mbx_outcome out;
	int ret = 0;

	mbx_mailbox_begin(mb, &out);
	while (*done < n && !ret && out.looked < MBX_LOOKS_HOLD) {
		ret = mbx_mailbox_put_locked(mb, msgs[*done], &out);
		*done += !ret;
	}
	mbx_mailbox_end(mb, &out);
	return ret;
}

/**
 * mbx_mailbox_send_many - put messages into a mailbox
 * @mb: the mailbox
 * @msgs: as for mbx_mailbox_send(); the mailbox's, even those that are not sent
 * @n: how many
 * @timeout: how the first one waits for room
 *
 * Stops at the first that cannot be sent.
 *
 * Context: may sleep.
 * Return: how many were sent; if none, why: as mbx_mailbox_send().
 */
int mbx_mailbox_send_many(struct mbx_mailbox *mb, struct mbx_msg **msgs, unsigned int n,
			  const struct mbx_timeout *timeout)
{
	const struct mbx_timeout never = { .never = true };
	unsigned int i, done = 0;
	int ret = 0;

	while (done < n && !ret) {
		ret = mailbox_put_many(mb, msgs, n, &done);
		/* Perhaps by waiting, or by dropping others. */
		if (ret == -EAGAIN) {
			ret = mbx_mailbox_send(mb, msgs[done], done ? &never : timeout);
			done += !ret;
		}
	}
	/* The one that failed was freed. */
	for (i = done + 1; i < n; i++)
		mbx_msg_free(msgs[i]);
	return done ?: ret;
}

/**
 * mbx_mailbox_refuse_long - tell senders whose messages became too long
 * @mb: the mailbox, locked, with a new max_message_size
 * @out: of mbx_mailbox_begin()
 */
void mbx_mailbox_refuse_long(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	struct mbx_msg *msg, *next;

	lockdep_assert_held(&mb->lock);
	for (msg = mbx_queue_first(&mb->pending); msg; msg = next) {
		next = mbx_queue_next(msg);
		if (msg->len > mb->max_message_size)
			mbx_mailbox_refuse_sender_locked(mb, msg, -EMSGSIZE, out);
	}
}

/**
 * mbx_mailbox_reserve - keep room for a message to come
 * @mb: the mailbox
 * @len: its largest length in bytes
 *
 * Return: 0; -ENOBUFS: there is none.
 */
int mbx_mailbox_reserve(struct mbx_mailbox *mb, u32 len)
{
	struct mbx_outcome out;
	int ret = 0;

	mbx_mailbox_begin(mb, &out);
	if (mbx_room_fits(mb, len)) {
		mb->reserved++;
		mb->reserved_bytes += len;
	} else {
		ret = -ENOBUFS;
	}
	mbx_mailbox_end(mb, &out);
	return ret;
}

/**
 * mbx_mailbox_fill - put a message where room was kept for it
 * @mb: the mailbox
 * @reserved: as it was given to mbx_mailbox_reserve()
 * @msg: the mailbox's, even on failure; NULL: give the room back
 *
 * Context: may sleep.
 * Return: 0; -EPIPE: nobody can ever receive it.
 */
int mbx_mailbox_fill(struct mbx_mailbox *mb, u32 reserved, struct mbx_msg *msg)
{
	struct mbx_outcome out;
	bool deaf;

	mbx_mailbox_begin(mb, &out);
	mb->reserved--;
	mb->reserved_bytes -= reserved;
	deaf = mbx_mailbox_deaf(mb);
	if (msg && deaf) {
		mbx_outcome_discard(&out, msg);
	} else if (msg) {
		msg->seq = mb->next_seq++;
		mbx_mailbox_accept_locked(mb, msg);
		if (!mbx_mailbox_hand_over_locked(mb, msg, true, &out))
			mbx_mailbox_enqueue_locked(mb, msg, &out);
	}
	mbx_mailbox_end_unless_deaf(mb, &out);
	return msg && deaf ? -EPIPE : 0;
}
