// SPDX-License-Identifier: GPL-2.0-only
/*
 * The moves of a message through a mailbox, all of them under its lock: sending,
 * receiving, putting back and ending calls use the same few.
 */
#include "call.h"
#include "mailbox.h"
#include "message.h"
#include "trace.h"
#include "transfer.h"

/**
 * mbx_mailbox_events_locked - what is true now of what can be polled for
 * @mb: the mailbox
 *
 * Return: EPOLL* events.
 */
__poll_t mbx_mailbox_events_locked(const struct mbx_mailbox *mb)
{
	const struct mbx_msg *blocked;
	__poll_t events = 0;

	lockdep_assert_held(&mb->lock);
	blocked = mbx_queue_first(&mb->pending);
	if (mb->queue.count || (blocked && mbx_mailbox_lends(mb, blocked, false)))
		events |= EPOLLIN | EPOLLRDNORM;
	else if (mbx_mailbox_ended(mb))
		events |= EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	if (mbx_mailbox_deaf(mb))
		events |= EPOLLOUT | EPOLLWRNORM | EPOLLERR;
	else if (mbx_room_writable(mb))
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

static void mailbox_linger(struct mbx_mailbox *mb, const struct mbx_msg *msg)
{
	mb->lingering++;
	mb->lingering_bytes += msg->len;
}

static void mailbox_linger_end(struct mbx_mailbox *mb, const struct mbx_msg *msg)
{
	mb->lingering--;
	mb->lingering_bytes -= msg->len;
}

/**
 * mbx_mailbox_retire_locked - a message is done with
 * @mb: the mailbox
 * @msg: neither queued nor in hand
 * @out: gets it, unless somebody still peeks at it: they keep it, at its
 *	mailbox's cost
 *
 * If it was the request of a call that nobody answered, that is its end.
 */
void mbx_mailbox_retire_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			       struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (msg->call) {
		mbx_call_end_locked(mb, msg->call, -ECONNRESET, out);
		/* Not with the message: somebody may peek at that for long. */
		msg->call->next_garbage = out->calls;
		out->calls = msg->call;
		msg->call = NULL;
	}
	if (!msg->peeks) {
		mbx_outcome_discard(out, msg);
		return;
	}
	/* Who peeks doesn't look at the files. */
	mbx_outcome_unload(out, msg);
	msg->done = true;
	mailbox_linger(mb, msg);
}

/**
 * mbx_mailbox_end_peek_locked - somebody looks at a message no longer
 * @mb: the mailbox
 * @msg: the message
 * @out: gets it, if it only lingered for that
 */
void mbx_mailbox_end_peek_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (--msg->peeks || !msg->done)
		return;
	mailbox_linger_end(mb, msg);
	mbx_outcome_discard(out, msg);
}

static bool msg_stale(const struct mbx_msg *msg)
{
	return msg->call && msg->call->abandoned;
}

/**
 * mbx_mailbox_count_latency_locked - count how long a message was on its way
 * @mb: the mailbox, which counts that
 * @msg: the message, which is taken now
 */
void mbx_mailbox_count_latency_locked(struct mbx_mailbox *mb, const struct mbx_msg *msg)
{
	const u64 ns = ktime_to_ns(ktime_sub(ktime_get(), msg->time));

	lockdep_assert_held(&mb->lock);
	mb->latencies[min(fls64(ns >> 10), MBOX_LATENCY_SLOTS - 1)]++;
}

/**
 * mbx_mailbox_hand_out_locked - a message is in hand from now on
 * @mb: the mailbox
 * @msg: in no queue
 * @stays: with a token, which it is given later
 */
void mbx_mailbox_hand_out_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 bool stays)
{
	msg->in_hand = true;
	msg->stays = stays;
	mb->staying += stays;
	mb->staying_bytes += stays ? msg->len : 0;
	mb->in_hand++;
	mb->in_hand_bytes += msg->len;
}

/* A stale one can't come back: it only lingered. */
static void mailbox_hand_in(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	msg->in_hand = false;
	if (msg->stays) {
		mb->staying--;
		mb->staying_bytes -= msg->len;
		mbx_mailbox_lend_locked(mb);
	}
	if (msg_stale(msg)) {
		mailbox_linger_end(mb, msg);
		return;
	}
	mb->in_hand--;
	mb->in_hand_bytes -= msg->len;
}

/**
 * mbx_mailbox_accept_locked - a message came in, whether or not it stays
 * @mb: the mailbox
 * @msg: the message
 */
void mbx_mailbox_accept_locked(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	mb->sent++;
	trace_mbox_send(mb, msg);
	if (msg->call)
		msg->call->accepted = true;
}

static bool waiter_has_room(const struct mbx_waiter *w, const struct mbx_msg *msg)
{
	return (msg->len <= w->room || w->truncate) && mbx_files_fit(msg, w->file_room);
}

/* Whether a waiter may have a message that fits, or does not. */
static bool waiter_may_have(struct mbx_mailbox *mb, const struct mbx_waiter *w,
			    const struct mbx_msg *msg, bool fits)
{
	if (fits || w->peek || mbx_mailbox_lends(mb, msg, w->lease))
		return true;
	mb->withheld = true;
	return false;
}

/**
 * mbx_mailbox_has_taker_locked - whether somebody waits who would take a message
 * @mb: the mailbox
 * @msg: the message, which does not fit
 * @out: of mbx_mailbox_begin()
 */
bool mbx_mailbox_has_taker_locked(struct mbx_mailbox *mb, const struct mbx_msg *msg,
				  struct mbx_outcome *out)
{
	const struct mbx_waiter *w;
	struct mbx_walk walk;

	lockdep_assert_held(&mb->lock);
	mbx_walk_begin(&walk, &mb->receivers, msg);
	while ((w = mbx_walk_next(&walk))) {
		if (!w->peek && waiter_has_room(w, msg) &&
		    waiter_may_have(mb, w, msg, false))
			break;
	}
	out->looked += walk.looked;
	return w;
}

/**
 * mbx_mailbox_lend_locked - there may be room for a token where was none
 * @mb: the mailbox. If messages are withheld for that, who waits is asked again
 */
void mbx_mailbox_lend_locked(struct mbx_mailbox *mb)
{
	lockdep_assert_held(&mb->lock);
	/* While a pass is on its way, it may not have come to who is withheld. */
	if (!mb->withheld && mb->passes >= mb->passes_due)
		return;
	mb->withheld = false;
	mb->lend = true;
}

/**
 * mbx_mailbox_hand_over_locked - offer a message to those who wait
 * @mb: the mailbox
 * @msg: the message
 * @fits: whether the limits let it in; otherwise only those may have it who leave
 *	nothing of it
 * @out: of mbx_mailbox_begin()
 *
 * A waiter that has no room for it learns so, a peeker may look at it, and the
 * offer goes on. If it was a blocked sender's, that goes on too.
 *
 * Return: whether it was handed over; it is in hand then.
 */
bool mbx_mailbox_hand_over_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				  bool fits, struct mbx_outcome *out)
{
	struct mbx_waiter *w;
	struct mbx_walk walk;

	lockdep_assert_held(&mb->lock);
	if (!mb->receivers.count)
		return false;
	mbx_walk_begin(&walk, &mb->receivers, msg);
	while ((w = mbx_walk_next(&walk))) {
		if (!waiter_may_have(mb, w, msg, fits))
			continue;
		mbx_waiters_del(&mb->receivers, w);
		if (!waiter_has_room(w, msg)) {
			w->len = msg->len;
			w->files = mbx_msg_files(msg);
			mbx_waiter_claim(w, -EMSGSIZE, &out->wake);
			continue;
		}
		w->msg = msg;
		mbx_waiter_claim(w, 0, &out->wake);
		if (w->peek) {
			msg->peeks++;
			continue;
		}
		if (msg->waiter)
			mbx_mailbox_release_sender_locked(mb, msg, 0, out);
		mbx_mailbox_hand_out_locked(mb, msg, mbx_msg_stays(msg, w->lease));
		mbx_mailbox_taken_locked(mb, msg);
		trace_mbox_hand_off(mb, msg, w->task);
		break;
	}
	out->looked += walk.looked;
	return w;
}

/**
 * mbx_mailbox_enqueue_locked - nobody who waits takes it: let it wait
 * @mb: the mailbox
 * @msg: the message
 * @out: of mbx_mailbox_begin()
 */
void mbx_mailbox_enqueue_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				struct mbx_outcome *out)
{
	if (!mb->queue.count)
		mbx_mailbox_notify_locked(mb, out);
	mbx_queue_add(&mb->queue, msg);
	out->events |= EPOLLIN | EPOLLRDNORM;
}

/**
 * mbx_mailbox_received_locked - a message arrived at its receiver
 * @mb: the mailbox
 * @msg: in hand; if its sender waited for no more than that, or gave that up, it
 *	is an ordinary message from now on
 * @out: of mbx_mailbox_begin()
 */
void mbx_mailbox_received_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (!msg->call || (msg->flags & MBOX_MSG_CALL))
		return;
	mbx_call_end_locked(mb, msg->call, 0, out);
	if (msg->call->abandoned) {
		mailbox_hand_in(mb, msg);
		msg->call->abandoned = false;
		mbx_mailbox_hand_out_locked(mb, msg, msg->stays);
	}
}

/**
 * mbx_mailbox_put_back_locked - put a message back to its place
 * @mb: the mailbox
 * @msg: in hand, without a token
 * @out: gets the message, if it is the request of a call that was given up
 *
 * Cannot fail: it goes through the same door as a send, limits aside.
 */
void mbx_mailbox_put_back_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	mailbox_hand_in(mb, msg);
	if (msg_stale(msg)) {
		trace_mbox_discard(mb, msg);
		mbx_mailbox_retire_locked(mb, msg, out);
		return;
	}
	trace_mbox_redeliver(mb, msg);
	if (!mbx_mailbox_hand_over_locked(mb, msg, true, out))
		mbx_mailbox_enqueue_locked(mb, msg, out);
}

/**
 * mbx_mailbox_finish_locked - a message in hand is done with
 * @mb: the mailbox
 * @msg: without a token
 * @out: gets the message
 */
void mbx_mailbox_finish_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			       struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	mailbox_hand_in(mb, msg);
	mb->received++;
	trace_mbox_receive(mb, msg);
	mbx_mailbox_retire_locked(mb, msg, out);
}

/**
 * mbx_mailbox_orphan_locked - the caller of a request in hand gives up
 * @mb: the mailbox
 * @msg: the request; its call is not yet marked so
 */
void mbx_mailbox_orphan_locked(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	lockdep_assert_held(&mb->lock);
	mb->in_hand--;
	mb->in_hand_bytes -= msg->len;
	mailbox_linger(mb, msg);
	msg->call->abandoned = true;
}

/**
 * mbx_mailbox_release_sender_locked - take a blocked sender's message from it
 * @mb: the mailbox
 * @msg: pending
 * @result: for the sender. Who made a call waits on, for its end
 * @out: of mbx_mailbox_begin()
 */
void mbx_mailbox_release_sender_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				       int result, struct mbx_outcome *out)
{
	struct mbx_waiter *w = msg->waiter;

	mbx_queue_del(&mb->pending, msg);
	msg->waiter = NULL;
	if (!result)
		mbx_mailbox_accept_locked(mb, msg);
	if (!msg->call || msg->call->reply_to)
		mbx_waiter_claim(w, result, &out->wake);
	else if (result)
		mbx_call_end_locked(mb, msg->call, result, out);
}

/**
 * mbx_mailbox_admit_locked - let blocked senders' messages in while they fit
 * @mb: the mailbox
 * @out: of mbx_mailbox_begin()
 *
 * In order.
 */
void mbx_mailbox_admit_locked(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	const unsigned int enough = out->looked + MBX_LOOKS_HOLD;
	struct mbx_msg *msg;

	while ((msg = mbx_queue_first(&mb->pending))) {
		out->again = out->dropped >= MBX_DROPS_HOLD || out->looked >= enough;
		if (out->again || !mbx_room_make(mb, msg, out))
			return;
		mbx_mailbox_release_sender_locked(mb, msg, 0, out);
		if (!mbx_mailbox_hand_over_locked(mb, msg, true, out))
			mbx_mailbox_enqueue_locked(mb, msg, out);
	}
}

/**
 * mbx_mailbox_refuse_sender_locked - a blocked sender's message can't come in
 * @mb: the mailbox
 * @msg: pending
 * @error: for the sender
 * @out: gets the message
 */
void mbx_mailbox_refuse_sender_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				      int error, struct mbx_outcome *out)
{
	mbx_mailbox_release_sender_locked(mb, msg, error, out);
	mbx_mailbox_retire_locked(mb, msg, out);
}

/**
 * mbx_mailbox_withdraw_locked - take a message out that was not received
 * @mb: the mailbox
 * @msg: queued or pending. If it has a call, that nobody waits for the end of, it is over
 * @out: gets the message
 */
void mbx_mailbox_withdraw_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	mbx_queue_del(msg->waiter ? &mb->pending : &mb->queue, msg);
	if (!msg->waiter)
		trace_mbox_discard(mb, msg);
	msg->waiter = NULL;
	if (msg->call)
		mbx_call_end_locked(mb, msg->call, -EPIPE, out);
	mbx_mailbox_retire_locked(mb, msg, out);
}
