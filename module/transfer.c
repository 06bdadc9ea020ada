// SPDX-License-Identifier: GPL-2.0-only
/*
 * How messages pass through a mailbox: who gets what, who may go on, who must
 * wait. Sending, receiving and putting back all use the same few moves.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "call.h"
#include "mailbox.h"
#include "message.h"

/* Nobody can ever receive. */
static bool mailbox_deaf(const struct mbx_mailbox *mb)
{
	return !mb->published && !mb->recv_handles;
}

/* Nothing can ever arrive. */
static bool mailbox_ended(const struct mbx_mailbox *mb)
{
	return !mb->published && !mb->send_handles && !mb->in_hand && !mb->reserved;
}

static __poll_t mailbox_events(const struct mbx_mailbox *mb)
{
	__poll_t events = 0;

	lockdep_assert_held(&mb->lock);
	if (mb->queue.count || mb->pending.count)
		events |= EPOLLIN | EPOLLRDNORM;
	else if (mailbox_ended(mb))
		events |= EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	if (mailbox_deaf(mb))
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

/*
 * A message is done with. If it was the request of a call that nobody answered,
 * that is its end. Those who peek at it keep it, at its mailbox's cost.
 */
static void mailbox_retire(struct mbx_mailbox *mb, struct mbx_msg *msg,
			   struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (msg->call)
		mbx_call_end_locked(mb, msg->call, -ECONNRESET, out);
	if (!msg->peeks) {
		mbx_outcome_discard(out, msg);
		return;
	}
	msg->done = true;
	mailbox_linger(mb, msg);
}

static void mailbox_end_peek(struct mbx_mailbox *mb, struct mbx_msg *msg,
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

static void mailbox_hand_out(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	msg->in_hand = true;
	mb->in_hand++;
	mb->in_hand_bytes += msg->len;
}

/* A stale one can't come back: it only lingered. */
static void mailbox_hand_in(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	msg->in_hand = false;
	if (msg_stale(msg)) {
		mailbox_linger_end(mb, msg);
		return;
	}
	mb->in_hand--;
	mb->in_hand_bytes -= msg->len;
}

/* A message came in, whether or not it stays. */
static void mailbox_accept(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	mb->sent++;
	if (msg->call)
		msg->call->accepted = true;
}

static bool waiter_has_room(const struct mbx_waiter *w, const struct mbx_msg *msg)
{
	return msg->len <= w->room || w->truncate;
}

/* Whether somebody waits who would take a message. */
static bool mailbox_has_taker(const struct mbx_mailbox *mb, const struct mbx_msg *msg)
{
	const struct mbx_waiter *w;
	struct mbx_walk walk;

	lockdep_assert_held(&mb->lock);
	mbx_walk_begin(&walk, &mb->receivers, msg);
	while ((w = mbx_walk_next(&walk))) {
		if (!w->peek && waiter_has_room(w, msg))
			return true;
	}
	return false;
}

/*
 * Offer a message to those who wait. A waiter that has no room for it learns
 * so, a peeker may look at it, and the offer goes on. Return whether it was
 * handed over; it is in hand then.
 */
static bool mailbox_hand_over(struct mbx_mailbox *mb, struct mbx_msg *msg,
			      struct mbx_outcome *out)
{
	struct mbx_waiter *w;
	struct mbx_walk walk;

	lockdep_assert_held(&mb->lock);
	if (!mb->receivers.count)
		return false;
	mbx_walk_begin(&walk, &mb->receivers, msg);
	while ((w = mbx_walk_next(&walk))) {
		mbx_waiters_del(&mb->receivers, w);
		if (!waiter_has_room(w, msg)) {
			w->len = msg->len;
			mbx_waiter_claim(w, -EMSGSIZE, &out->wake);
			continue;
		}
		w->msg = msg;
		mbx_waiter_claim(w, 0, &out->wake);
		if (w->peek) {
			msg->peeks++;
			continue;
		}
		mailbox_hand_out(mb, msg);
		return true;
	}
	return false;
}

static void mailbox_enqueue(struct mbx_mailbox *mb, struct mbx_msg *msg,
			    struct mbx_outcome *out)
{
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
		mailbox_hand_out(mb, msg);
	}
}

/*
 * Take a message of a blocked sender away from it. Who made a call waits on, for
 * its end.
 */
static void mailbox_release_sender(struct mbx_mailbox *mb, struct mbx_msg *msg,
				   int result, struct mbx_outcome *out)
{
	struct mbx_waiter *w = msg->waiter;

	mbx_queue_del(&mb->pending, msg);
	msg->waiter = NULL;
	if (!result)
		mailbox_accept(mb, msg);
	if (!msg->call || msg->call->reply_to)
		mbx_waiter_claim(w, result, &out->wake);
	else if (result)
		mbx_call_end_locked(mb, msg->call, result, out);
}

/* Let in the messages of blocked senders, in order, while they fit. */
static void mailbox_admit(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	struct mbx_msg *msg;

	while ((msg = mbx_queue_first(&mb->pending))) {
		out->again = out->dropped >= MBX_DROPS_HOLD;
		if (out->again || !mbx_room_make(mb, msg, out))
			return;
		mailbox_release_sender(mb, msg, 0, out);
		mailbox_enqueue(mb, msg, out);
	}
}

static void mailbox_refuse_sender(struct mbx_mailbox *mb, struct mbx_msg *msg,
				  int error, struct mbx_outcome *out)
{
	mailbox_release_sender(mb, msg, error, out);
	mailbox_retire(mb, msg, out);
}

/* Nobody can ever receive, and that is for ever: say so, and free what is there. */
static void mailbox_purge(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	struct mbx_msg *msg;
	int n;

	for (n = 0; n < MBX_BATCH_HOLD; n++) {
		msg = mbx_queue_first(&mb->pending);
		if (msg) {
			mailbox_refuse_sender(mb, msg, -EPIPE, out);
			continue;
		}
		msg = mbx_queue_first(&mb->queue);
		if (!msg)
			return;
		mbx_queue_del(&mb->queue, msg);
		if (msg->call)
			mbx_call_end_locked(mb, msg->call, -EPIPE, out);
		mailbox_retire(mb, msg, out);
	}
	out->again = true;
}

/* Nothing can ever arrive. Whoever waits selects nothing of what is queued. */
static void mailbox_refuse_receivers(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	struct mbx_waiter *w;

	while ((w = mbx_waiters_first(&mb->receivers))) {
		mbx_waiters_del(&mb->receivers, w);
		mbx_waiter_claim(w, -EPIPE, &out->wake);
	}
}

/* Let everybody go on who now can. */
static void mailbox_settle(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	__poll_t events;

	lockdep_assert_held(&mb->lock);
	mailbox_admit(mb, out);
	if (mailbox_deaf(mb))
		mailbox_purge(mb, out);
	if (mailbox_ended(mb))
		mailbox_refuse_receivers(mb, out);

	/* Those who begin to poll look for themselves: see MBX_POLL. */
	if (!waitqueue_active(&mb->poll) && !READ_ONCE(mb->recv_fasync) &&
	    !READ_ONCE(mb->send_fasync))
		return;
	events = mailbox_events(mb);
	out->events |= events & ~mb->told;
	mb->told = events;
}

/**
 * mbx_mailbox_begin - take the lock
 * @mb: the mailbox
 * @out: what will be done after the unlock
 */
void mbx_mailbox_begin(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__acquires(&mb->lock)
{
	mbx_wakeups_init(&out->wake);
	out->garbage = NULL;
	out->events = 0;
	out->dropped = 0;
	out->again = false;
	spin_lock(&mb->lock);
}

static void outcome_free(struct mbx_outcome *out)
{
	struct mbx_msg *msg, *next;

	for (msg = out->garbage; msg; msg = next) {
		struct mbx_call *call = msg->call;

		next = msg->next_garbage;
		mbx_msg_free(msg);
		if (call)
			mbx_call_forget(call);
	}
}

/* What was collected under the lock. */
static void outcome_run(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	mbx_wakeups_run(&out->wake);
	outcome_free(out);
	if (!out->events)
		return;
	mbx_poll_wake(&mb->poll, out->events);
	if (out->events & EPOLLIN)
		kill_fasync(&mb->recv_fasync, SIGIO, POLL_IN);
	if (out->events & EPOLLOUT)
		kill_fasync(&mb->send_fasync, SIGIO, POLL_OUT);
}

/* Return whether there is more to do, which needs another hold of the lock. */
static bool mailbox_end_hold(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock)
{
	bool again;

	mailbox_settle(mb, out);
	again = out->again;
	spin_unlock(&mb->lock);
	outcome_run(mb, out);
	return again;
}

/**
 * mbx_mailbox_end - let everybody go on whom the change concerns, and unlock
 * @mb: the mailbox, which the caller has a reference to
 * @out: of mbx_mailbox_begin()
 *
 * Context: may sleep.
 */
void mbx_mailbox_end(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock)
{
	while (mailbox_end_hold(mb, out)) {
		cond_resched();
		mbx_mailbox_begin(mb, out);
	}
}

/**
 * mbx_mailbox_end_unless_deaf - the same, but leave a purge to who made it deaf
 * @mb: the mailbox, which the caller has a reference to
 * @out: of mbx_mailbox_begin()
 *
 * For what may itself be part of a purge, which ends calls, and so would come
 * back here for another mailbox, and so on.
 *
 * Context: may sleep. Puts no reference to a mailbox.
 */
void mbx_mailbox_end_unless_deaf(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock)
{
	while (!mailbox_deaf(mb)) {
		if (!mailbox_end_hold(mb, out))
			return;
		cond_resched();
		mbx_mailbox_begin(mb, out);
	}
	spin_unlock(&mb->lock);
	outcome_run(mb, out);
}

/**
 * mbx_mailbox_withdraw_locked - take a message out that was not received
 * @mb: the mailbox
 * @msg: queued or pending
 * @out: gets the message
 */
void mbx_mailbox_withdraw_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				 struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	mbx_queue_del(msg->waiter ? &mb->pending : &mb->queue, msg);
	msg->waiter = NULL;
	mailbox_retire(mb, msg, out);
}

/*
 * Wait for what the waiter waits for; if that ends early, withdraw it, and its
 * message if it is a sender.
 */
static int mailbox_wait(struct mbx_mailbox *mb, struct mbx_waiter *w,
			struct mbx_msg *sending, const struct mbx_timeout *timeout)
{
	struct mbx_outcome out;
	bool claimed;
	int ret;

	ret = mbx_waiter_sleep(w, timeout);
	if (!ret)
		return w->result;

	mbx_mailbox_begin(mb, &out);
	claimed = READ_ONCE(w->state) != MBX_WAITING;
	if (!claimed && sending)
		mbx_mailbox_withdraw_locked(mb, sending, &out);
	else if (!claimed)
		mbx_waiters_del(&mb->receivers, w);
	mbx_mailbox_end(mb, &out);
	if (!claimed)
		return ret;

	/* What was handed over is reported, whatever came meanwhile. */
	mbx_waiter_sleep_claimed(w);
	return w->result;
}

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
 * Return: 0; -EPIPE: nobody can ever receive it; -EMSGSIZE: too long; -EAGAIN:
 * it would have to wait, and is still the caller's.
 */
int mbx_mailbox_put_locked(struct mbx_mailbox *mb, struct mbx_msg *msg,
			   struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	msg->seq = mb->next_seq++;
	if (mailbox_deaf(mb)) {
		mbx_outcome_discard(out, msg);
		return -EPIPE;
	}
	if (msg->len > mb->max_message_size) {
		mbx_outcome_discard(out, msg);
		return -EMSGSIZE;
	}
	if (!mailbox_admissible(mb, msg) && !mailbox_has_taker(mb, msg))
		return -EAGAIN;
	mailbox_accept(mb, msg);
	if (!mailbox_hand_over(mb, msg, out))
		mailbox_enqueue(mb, msg, out);
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
	mbx_queue_add(&mb->pending, msg);
	mailbox_admit(mb, out);
	if (never && msg->waiter) {
		mbx_queue_del(&mb->pending, msg);
		mbx_outcome_discard(out, msg);
		return -EAGAIN;
	}
	/* It is there now, for those who peek; nobody takes it. */
	WARN_ON_ONCE(mailbox_hand_over(mb, msg, out));
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

	return ret ?: mailbox_wait(mb, &w, msg, timeout);
}

/**
 * mbx_mailbox_send - put a message into a mailbox
 * @mb: the mailbox
 * @msg: complete but for its sequence number; the mailbox's, even on failure
 * @timeout: how to wait for room
 *
 * Context: may sleep.
 * Return: 0; -EPIPE: nobody can ever receive it; -EMSGSIZE: too long;
 * -EAGAIN, -ETIMEDOUT, -ERESTARTSYS: no room.
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

/* Take a message that was found, or begin to peek at it. */
static int mailbox_take(struct mbx_mailbox *mb, struct mbx_msg *msg,
			struct mbx_receive *how, struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (msg->len > how->room && !how->truncate) {
		how->len = msg->len;
		return -EMSGSIZE;
	}
	if (how->peek) {
		msg->peeks++;
		return 0;
	}
	if (msg->waiter)
		mailbox_release_sender(mb, msg, 0, out);
	else
		mbx_queue_del(&mb->queue, msg);
	mailbox_hand_out(mb, msg);
	return 0;
}

static int mailbox_receive_blocked(struct mbx_mailbox *mb, struct mbx_receive *how,
				   struct mbx_msg **msg, struct mbx_outcome *out)
	__releases(&mb->lock)
{
	struct mbx_waiter w;
	int ret;

	mbx_waiter_init(&w);
	w.filter = how->filter;
	w.room = how->room;
	w.truncate = how->truncate;
	w.peek = how->peek;
	mbx_waiters_add(&mb->receivers, &w);
	mbx_mailbox_end(mb, out);

	ret = mailbox_wait(mb, &w, NULL, &how->timeout);
	*msg = w.msg;
	how->len = w.len;
	if (!ret && fatal_signal_pending(current)) {
		mbx_mailbox_end_receive(mb, w.msg, how, false);
		ret = -ERESTARTSYS;
	}
	return ret;
}

/**
 * mbx_mailbox_receive - take a message in hand
 * @mb: the mailbox
 * @how: which message, how to wait for it
 * @msg: the message; to be given to mbx_mailbox_end_receive()
 *
 * Context: may sleep.
 * Return: 0; -EMSGSIZE: the message is longer than there is room, @how->len is
 * set and the message where it was; -EPIPE: none is there and none can ever
 * arrive; -EAGAIN, -ETIMEDOUT, -ERESTARTSYS: none is there.
 */
int mbx_mailbox_receive(struct mbx_mailbox *mb, struct mbx_receive *how,
			struct mbx_msg **msg)
{
	struct mbx_outcome out;
	int ret;

	mbx_mailbox_begin(mb, &out);
	*msg = mbx_queue_find(&mb->queue, &how->filter) ?:
	       mbx_queue_find(&mb->pending, &how->filter);
	if (*msg)
		ret = mailbox_take(mb, *msg, how, &out);
	else if (mailbox_ended(mb))
		ret = -EPIPE;
	else if (how->timeout.never)
		ret = -EAGAIN;
	else
		return mailbox_receive_blocked(mb, how, msg, &out);
	mbx_mailbox_end(mb, &out);
	return ret;
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
	if (msg_stale(msg))
		mailbox_retire(mb, msg, out);
	else if (!mailbox_hand_over(mb, msg, out))
		mailbox_enqueue(mb, msg, out);
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
	mailbox_retire(mb, msg, out);
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
 * mbx_mailbox_number_locked - a number for a new tag
 * @mb: the mailbox
 * @tags: where it will be
 * @owner: whose it will be
 */
u32 mbx_mailbox_number_locked(struct mbx_mailbox *mb, const struct rb_root *tags,
			      const struct mbx_owner *owner)
{
	lockdep_assert_held(&mb->lock);
	do {
		mb->last_number++;
	} while (!mb->last_number || mbx_tag_find(tags, owner, mb->last_number));
	return mb->last_number;
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
	deaf = mailbox_deaf(mb);
	if (msg && deaf) {
		mbx_outcome_discard(&out, msg);
	} else if (msg) {
		msg->seq = mb->next_seq++;
		mailbox_accept(mb, msg);
		if (!mailbox_hand_over(mb, msg, &out))
			mailbox_enqueue(mb, msg, &out);
	}
	mbx_mailbox_end_unless_deaf(mb, &out);
	return msg && deaf ? -EPIPE : 0;
}

/**
 * mbx_mailbox_end_receive - finish what mbx_mailbox_receive() began
 * @mb: the mailbox
 * @msg: that it gave, the caller's no longer
 * @how: as it was given
 * @ok: the message arrived; otherwise it goes back to its place
 *
 * Context: may sleep, cannot fail.
 */
void mbx_mailbox_end_receive(struct mbx_mailbox *mb, struct mbx_msg *msg,
			     const struct mbx_receive *how, bool ok)
{
	struct mbx_outcome out;

	mbx_mailbox_begin(mb, &out);
	if (how->peek) {
		mailbox_end_peek(mb, msg, &out);
	} else if (ok) {
		mbx_mailbox_received_locked(mb, msg, &out);
		mbx_mailbox_finish_locked(mb, msg, &out);
	} else {
		mbx_mailbox_put_back_locked(mb, msg, &out);
	}
	mbx_mailbox_end(mb, &out);
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
			mailbox_refuse_sender(mb, msg, -EMSGSIZE, out);
	}
}

/**
 * mbx_mailbox_poll - what a handle can do now without waiting
 * @mb: the mailbox; the poller is on its wait queue already
 * @rights: of the handle
 * @holder: likewise
 *
 * Return: EPOLL* events.
 */
__poll_t mbx_mailbox_poll(struct mbx_mailbox *mb, unsigned int rights,
			  const struct mbx_holder *holder)
{
	__poll_t wanted = 0;

	if (rights & MBOX_RECV)
		wanted |= EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	if (rights & MBOX_SEND)
		wanted |= EPOLLOUT | EPOLLWRNORM | EPOLLERR;
	spin_lock(&mb->lock);
	mb->told = mailbox_events(mb);
	wanted &= mb->told;
	if (holder->stale)
		wanted |= EPOLLPRI;
	spin_unlock(&mb->lock);
	return wanted;
}

/**
 * mbx_mailbox_next_len - length of what an unfiltered receive would take
 * @mb: the mailbox
 *
 * Return: in bytes, 0: no message, or an empty one.
 */
u32 mbx_mailbox_next_len(struct mbx_mailbox *mb)
{
	const struct mbx_msg *msg;
	u32 len;

	spin_lock(&mb->lock);
	msg = mbx_queue_first(&mb->queue) ?: mbx_queue_first(&mb->pending);
	len = msg ? msg->len : 0;
	spin_unlock(&mb->lock);
	return len;
}
