// SPDX-License-Identifier: GPL-2.0-only
/*
 * How messages pass through a mailbox: who gets what, who may go on, who must
 * wait. Sending, receiving and putting back all use the same few moves.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>

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
	return !mb->published && !mb->send_handles && !mb->in_hand;
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

/* A message is done with. Those who peek at it keep it, at its mailbox's cost. */
static void mailbox_retire(struct mbx_mailbox *mb, struct mbx_msg *msg,
			   struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (!msg->peeks) {
		mbx_outcome_discard(out, msg);
		return;
	}
	msg->done = true;
	mb->lingering++;
	mb->lingering_bytes += msg->len;
}

static void mailbox_end_peek(struct mbx_mailbox *mb, struct mbx_msg *msg,
			     struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (--msg->peeks || !msg->done)
		return;
	mb->lingering--;
	mb->lingering_bytes -= msg->len;
	mbx_outcome_discard(out, msg);
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
		mb->in_hand++;
		mb->in_hand_bytes += msg->len;
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

/* Take a message of a blocked sender away from it. */
static void mailbox_release_sender(struct mbx_mailbox *mb, struct mbx_msg *msg,
				   int result, struct mbx_outcome *out)
{
	struct mbx_waiter *w = msg->waiter;

	mbx_queue_del(&mb->pending, msg);
	msg->waiter = NULL;
	mbx_waiter_claim(w, result, &out->wake);
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
		mb->sent++;
	}
}

static void mailbox_refuse_sender(struct mbx_mailbox *mb, struct mbx_msg *msg,
				  int error, struct mbx_outcome *out)
{
	mailbox_release_sender(mb, msg, error, out);
	mailbox_retire(mb, msg, out);
}

/* Nobody can ever receive: say so, and free what is there. */
static void mailbox_refuse_senders(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	struct mbx_msg *msg;

	while ((msg = mbx_queue_first(&mb->pending)))
		mailbox_refuse_sender(mb, msg, -EPIPE, out);
	out->purged = mb->queue.order.rb_root;
	mbx_queue_init(&mb->queue);
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
		mailbox_refuse_senders(mb, out);
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
	out->purged = RB_ROOT;
	out->events = 0;
	out->dropped = 0;
	out->again = false;
	spin_lock(&mb->lock);
}

static void outcome_free(struct mbx_outcome *out)
{
	struct mbx_msg *msg, *next;

	for (msg = out->garbage; msg; msg = next) {
		next = msg->next_garbage;
		mbx_msg_free(msg);
	}
	rbtree_postorder_for_each_entry_safe(msg, next, &out->purged, by_order) {
		mbx_msg_free(msg);
		cond_resched();
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
	if (!claimed && sending) {
		mbx_queue_del(&mb->pending, sending);
		mailbox_retire(mb, sending, &out);
	} else if (!claimed) {
		mbx_waiters_del(&mb->receivers, w);
	}
	mbx_mailbox_end(mb, &out);
	if (!claimed)
		return ret;

	/* What was handed over is reported, whatever came meanwhile. */
	mbx_waiter_sleep_claimed(w);
	return w->result;
}

/* Nobody takes it and there is no room: stand in line, in order. */
static int mailbox_send_blocked(struct mbx_mailbox *mb, struct mbx_msg *msg,
				const struct mbx_timeout *timeout,
				struct mbx_outcome *out)
	__releases(&mb->lock)
{
	struct mbx_waiter w;
	bool withdrawn;

	mbx_waiter_init(&w);
	w.may_drop = MBX_DROPS_MAX;
	msg->waiter = &w;
	mbx_queue_add(&mb->pending, msg);
	mailbox_admit(mb, out);
	withdrawn = timeout->never && w.state == MBX_WAITING;
	if (withdrawn) {
		mbx_queue_del(&mb->pending, msg);
		mbx_outcome_discard(out, msg);
	} else {
		/* It is there now, for those who peek; nobody takes it. */
		WARN_ON_ONCE(mailbox_hand_over(mb, msg, out));
		out->events |= EPOLLIN | EPOLLRDNORM;
	}
	mbx_mailbox_end(mb, out);

	return withdrawn ? -EAGAIN : mailbox_wait(mb, &w, msg, timeout);
}

/* Whether a message may come in now: it fits, and overtakes no blocked one. */
static bool mailbox_admissible(const struct mbx_mailbox *mb, const struct mbx_msg *msg)
{
	const struct mbx_msg *blocked = mbx_queue_first(&mb->pending);

	return mbx_room_fits(mb, msg->len) &&
	       (!blocked || mbx_msg_before(msg, blocked));
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
	int ret = 0;

	mbx_mailbox_begin(mb, &out);
	msg->seq = mb->next_seq++;
	if (mailbox_deaf(mb)) {
		ret = -EPIPE;
		mbx_outcome_discard(&out, msg);
	} else if (msg->len > mb->max_message_size) {
		ret = -EMSGSIZE;
		mbx_outcome_discard(&out, msg);
	} else if (mailbox_admissible(mb, msg) || mailbox_has_taker(mb, msg)) {
		mb->sent++;
		if (!mailbox_hand_over(mb, msg, &out))
			mailbox_enqueue(mb, msg, &out);
	} else {
		return mailbox_send_blocked(mb, msg, timeout, &out);
	}
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
	if (msg->waiter) {
		mailbox_release_sender(mb, msg, 0, out);
		mb->sent++;
	} else {
		mbx_queue_del(&mb->queue, msg);
	}
	mb->in_hand++;
	mb->in_hand_bytes += msg->len;
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
	} else {
		mb->in_hand--;
		mb->in_hand_bytes -= msg->len;
		if (ok) {
			mb->received++;
			mailbox_retire(mb, msg, &out);
		} else if (!mailbox_hand_over(mb, msg, &out)) {
			mailbox_enqueue(mb, msg, &out);
		}
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
 *
 * Return: EPOLL* events.
 */
__poll_t mbx_mailbox_poll(struct mbx_mailbox *mb, unsigned int rights)
{
	__poll_t wanted = 0;

	if (rights & MBOX_RECV)
		wanted |= EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	if (rights & MBOX_SEND)
		wanted |= EPOLLOUT | EPOLLWRNORM | EPOLLERR;
	spin_lock(&mb->lock);
	mb->told = mailbox_events(mb);
	wanted &= mb->told;
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
