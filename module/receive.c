// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: what is taken, and what becomes of it.
 */
#include <linux/sched/signal.h>

#include "compat.h"
#include "mailbox.h"
#include "message.h"
#include "trace.h"
#include "transfer.h"

/*
 * Take a message of the queue that leaves for good, if it can be delivered at once: then
 * it need not be in hand meanwhile, nor the lock be taken again.
 */
static bool mailbox_deliver(struct mbx_mailbox *mb, struct mbx_msg *msg,
			    const struct mbx_receive *how, struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (!how->deliver || how->lease || msg->call || msg->cargo ||
	    !how->deliver(mb, msg, how))
		return false;
	mbx_queue_del(&mb->queue, msg);
	mb->received++;
	mbx_mailbox_taken_locked(mb, msg);
	trace_mbox_receive(mb, msg);
	mbx_mailbox_retire_locked(mb, msg, out);
	return true;
}

/* Take a message that was found, or begin to peek at it. NULL then: it is delivered. */
static int mailbox_take(struct mbx_mailbox *mb, struct mbx_msg **found,
			struct mbx_receive *how, struct mbx_outcome *out)
{
	struct mbx_msg *msg = *found;

	lockdep_assert_held(&mb->lock);
	if ((msg->len > how->room && !how->truncate) ||
	    !mbx_files_fit(msg, how->file_room)) {
		how->len = msg->len;
		how->files = mbx_msg_files(msg);
		return -EMSGSIZE;
	}
	if (how->peek) {
		msg->peeks++;
		return 0;
	}
	if (!msg->waiter && mailbox_deliver(mb, msg, how, out)) {
		*found = NULL;
		return 0;
	}
	if (msg->waiter)
		mbx_mailbox_release_sender_locked(mb, msg, 0, out);
	else
		mbx_queue_del(&mb->queue, msg);
	mbx_mailbox_hand_out_locked(mb, msg, mbx_msg_stays(msg, how->lease));
	mbx_mailbox_taken_locked(mb, msg);
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
	w.file_room = how->file_room;
	w.lease = how->lease;
	mbx_waiters_add(&mb->receivers, &w);
	/* The first one that it selects is, perhaps not all. */
	if (how->withheld) {
		mb->withheld = true;
		mbx_mailbox_lend_locked(mb);
	}
	mbx_mailbox_end(mb, out);
	if (how->yield)
		mbx_yield();

	ret = mbx_mailbox_wait(mb, &w, NULL, &how->timeout);
	*msg = w.msg;
	how->len = w.len;
	how->files = w.files;
	if (!ret && fatal_signal_pending(current)) {
		mbx_mailbox_end_receive(mb, w.msg, how, false);
		ret = -ERESTARTSYS;
	}
	return ret;
}

/*
 * Take what is there. Return 0; -EMSGSIZE: the message is longer than there is room,
 * @how->len is set and the message where it was; -EPIPE: none is there and none can ever
 * arrive; -EAGAIN: none is there.
 */
static int mailbox_take_first(struct mbx_mailbox *mb, struct mbx_receive *how,
			      struct mbx_msg **msg, struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	how->withheld = false;
	*msg = mbx_queue_find(&mb->queue, &how->filter);
	if (!*msg) {
		*msg = mbx_queue_find(&mb->pending, &how->filter);
		how->withheld = *msg && !how->peek &&
				!mbx_mailbox_lends(mb, *msg, how->lease);
		if (how->withheld)
			*msg = NULL;
	}
	if (*msg)
		return mailbox_take(mb, msg, how, out);
	return mbx_mailbox_ended(mb) ? -EPIPE : -EAGAIN;
}

/**
 * mbx_mailbox_receive - take a message in hand
 * @mb: the mailbox
 * @how: which message, how to wait for it
 * @msg: the message; to be given to mbx_mailbox_end_receive(). NULL: @how->deliver did
 *	its work, and nothing is to be ended
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
	ret = mailbox_take_first(mb, how, msg, &out);
	if (ret == -EAGAIN && !how->timeout.never)
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
		mbx_mailbox_end_peek_locked(mb, msg, &out);
	} else if (ok) {
		mbx_mailbox_received_locked(mb, msg, &out);
		mbx_mailbox_finish_locked(mb, msg, &out);
	} else {
		mbx_mailbox_put_back_locked(mb, msg, &out);
	}
	mbx_mailbox_end(mb, &out);
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
	mb->told = mbx_mailbox_events_locked(mb);
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
