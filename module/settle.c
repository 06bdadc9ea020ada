// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox's lock: taking it, and giving it back, when everybody goes on who
 * now can.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "call.h"
#include "mailbox.h"
#include "message.h"
#include "trace.h"
#include "transfer.h"

/* Nobody can ever receive, and that is for ever: say so, and free what is there. */
static void mailbox_purge(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	struct mbx_msg *msg;
	int n;

	for (n = 0; n < MBX_BATCH_HOLD; n++) {
		msg = mbx_queue_first(&mb->pending);
		if (msg) {
			mbx_mailbox_refuse_sender_locked(mb, msg, -EPIPE, out);
			continue;
		}
		msg = mbx_queue_first(&mb->queue);
		if (!msg)
			return;
		mbx_queue_del(&mb->queue, msg);
		trace_mbox_discard(mb, msg);
		if (msg->call)
			mbx_call_end_locked(mb, msg->call, -EPIPE, out);
		mbx_mailbox_retire_locked(mb, msg, out);
	}
	out->again = true;
}

/*
 * Nobody can receive now: close the files that are here, lest they keep alive in
 * a circle who holds them. A sender that waits is told; its message is not in yet.
 * Return whether none is left.
 */
static bool mailbox_unload(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	struct mbx_cargo *cargo, *next;
	int n = 0;

	list_for_each_entry_safe(cargo, next, &mb->cargo, node) {
		struct mbx_msg *msg = cargo->msg;

		if (n++ == MBX_BATCH_HOLD)
			return false;
		if (msg->waiter && !mbx_mailbox_deaf(mb)) {
			mbx_mailbox_refuse_sender_locked(mb, msg, -ENXIO, out);
			continue;
		}
		WRITE_ONCE(msg->files_lost, true);
		mbx_outcome_unload(out, msg);
	}
	return true;
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

/* The next message of a pass; NULL: it is over. */
static struct mbx_msg *lend_next(struct mbx_mailbox *mb)
{
	struct mbx_msg *msg;

	if (!mb->lend_from.walk) {
		mb->lend_from = (struct mbx_filter){
			.walk = true, .priority = MBOX_PRIORITY_MAX,
		};
		mb->lend_end = mb->next_seq;
	}
	msg = mbx_queue_find(&mb->pending, &mb->lend_from);
	if (msg) {
		mb->lend_from.priority = msg->priority;
		mb->lend_from.after = msg->seq;
	} else {
		mb->lend_from.walk = false;
		mb->passes++;
	}
	return msg;
}

/*
 * Messages were withheld from those who wait: now there may be room for tokens. A pass
 * offers all that blocked senders have, some under each hold of the lock; what was sent
 * meanwhile was offered when it came. Whoever finds that it is time sees to one that
 * begins after that: to two at most, however many ask for more, and nobody else to any.
 * lend.pml models it.
 */
static void mailbox_lend(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	const unsigned int enough = out->looked + MBX_LOOKS_HOLD;
	struct mbx_msg *msg;

	if (mb->lend) {
		out->pass = mb->passes + mb->lend_from.walk + 1;
		mb->passes_due = out->pass;
		mb->lend = false;
	}
	while (mb->passes < out->pass && !out->again) {
		msg = lend_next(mb);
		out->looked++;
		if (msg && msg->seq < mb->lend_end)
			mbx_mailbox_hand_over_locked(mb, msg, false, out);
		out->again = out->looked >= enough;
	}
}

/* Whether anybody wants to be told of events. */
static bool mailbox_polled(struct mbx_mailbox *mb)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mb->fasync); i++) {
		if (READ_ONCE(mb->fasync[i]))
			return true;
	}
	return waitqueue_active(&mb->poll); /* MBX_POLL */
}

/* To those with any of @rights. */
static void mailbox_signal(struct mbx_mailbox *mb, u32 rights, int band)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mb->fasync); i++) {
		if ((i + 1) & rights)
			kill_fasync(&mb->fasync[i], SIGIO, band);
	}
}

/* Whether nobody waits but receivers, and for what may still come: the usual case. */
static bool mailbox_is_settled(struct mbx_mailbox *mb)
{
	return mb->recv_handles && mb->send_handles && !mb->pending.count && !mb->lend &&
	       !mailbox_polled(mb);
}

/* Let everybody go on who now can. */
static void mailbox_settle(struct mbx_mailbox *mb, struct mbx_outcome *out)
{
	__poll_t events;

	lockdep_assert_held(&mb->lock);
	if (!mb->recv_handles && !mailbox_unload(mb, out)) {
		out->again = true;
		return;
	}
	mbx_mailbox_admit_locked(mb, out);
	mailbox_lend(mb, out);
	if (mbx_mailbox_deaf(mb))
		mailbox_purge(mb, out);
	if (mbx_mailbox_ended(mb))
		mailbox_refuse_receivers(mb, out);

	/* Those who begin to poll look for themselves: see MBX_POLL. */
	if (!mailbox_polled(mb))
		return;
	events = mbx_mailbox_events_locked(mb);
	out->events |= events & ~mb->told;
	mb->told = events;
}

static void outcome_free(struct mbx_outcome *out)
{
	struct mbx_cargo *cargo, *next_cargo;
	struct mbx_call *call, *next_call;
	struct mbx_msg *msg, *next;

	for (cargo = out->cargo; cargo; cargo = next_cargo) {
		next_cargo = cargo->next_garbage;
		mbx_cargo_free(cargo);
	}
	for (call = out->calls; call; call = next_call) {
		next_call = call->next_garbage;
		mbx_call_forget(call);
	}
	for (msg = out->garbage; msg; msg = next) {
		next = msg->next_garbage;
		/* Of a request that never came in. */
		if (msg->call)
			mbx_call_forget(msg->call);
		mbx_msg_free(msg);
	}
}

static void outcome_tell(struct mbx_mailbox *mb, const struct mbx_outcome *out)
{
	mbx_poll_wake(&mb->poll, out->events);
	if (out->events & EPOLLIN)
		mailbox_signal(mb, MBOX_RECV, POLL_IN);
	if (out->events & EPOLLOUT)
		mailbox_signal(mb, MBOX_SEND, POLL_OUT);
}

/* What was collected under the lock, but for events. */
static __always_inline void outcome_run(struct mbx_outcome *out)
{
	if (out->wake.first)
		mbx_wakeups_run(&out->wake);
	if (out->notice)
		mbx_notice_fire(out->notice);
	if (out->garbage || out->calls || out->cargo)
		outcome_free(out);
}

/* Return whether there is more to do, which needs another hold of the lock. */
static bool mailbox_end_hold(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock)
{
	mailbox_settle(mb, out);
	spin_unlock(&mb->lock);
	outcome_run(out);
	if (out->events)
		outcome_tell(mb, out);
	return out->again;
}

static void mailbox_begin_again(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__acquires(&mb->lock)
{
	const u64 pass = out->pass;

	cond_resched();
	mbx_mailbox_begin(mb, out);
	out->pass = pass;
}

/* Apart, so that the usual case need not save the registers that this uses. */
static noinline void mailbox_end_unsettled(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock)
{
	while (mailbox_end_hold(mb, out))
		mailbox_begin_again(mb, out);
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
	if (!mailbox_is_settled(mb)) {
		mailbox_end_unsettled(mb, out);
		return;
	}
	spin_unlock(&mb->lock);
	outcome_run(out);
}

/**
 * mbx_mailbox_end_unless_deaf - the same, but leave a purge to who made it deaf
 * @mb: the mailbox, which the caller has a reference to
 * @out: of mbx_mailbox_begin()
 *
 * For what may itself be part of a purge, which ends calls, and so would come
 * back here for another mailbox, and so on.
 *
 * Who made it deaf tells those who poll, too.
 *
 * Context: may sleep. Puts no reference to a mailbox.
 */
void mbx_mailbox_end_unless_deaf(struct mbx_mailbox *mb, struct mbx_outcome *out)
	__releases(&mb->lock)
{
	while (!mbx_mailbox_deaf(mb)) {
		if (!mailbox_end_hold(mb, out))
			return;
		mailbox_begin_again(mb, out);
	}
	spin_unlock(&mb->lock);
	outcome_run(out);
}

/**
 * mbx_mailbox_sleep - wait until completed, perhaps without sleeping
 * @mb: the mailbox
 * @w: as for mbx_waiter_sleep()
 * @timeout: likewise
 * @op: what @w waits for. Who waits for room sleeps, unless it asks for more
 *
 * Context: sleeps.
 * Return: as mbx_waiter_sleep().
 */
int mbx_mailbox_sleep(struct mbx_mailbox *mb, struct mbx_waiter *w,
		      const struct mbx_timeout *timeout, enum mbx_op op)
{
	struct mbx_spin *spin = NULL;
	u32 budget = timeout->spin;

	/* Who states a time has it, whatever came of others'. */
	if (!budget && op != MBX_OP_SEND) {
		spin = op == MBX_OP_CALL ? &mb->call_spin : &mb->receive_spin;
		budget = READ_ONCE(mb->spin);
	}
	if (budget && budget != MBOX_SPIN_NONE && mbx_waiter_spin(w, timeout, budget, spin))
		return 0;
	return mbx_waiter_sleep(w, timeout);
}

static int mailbox_wait(struct mbx_mailbox *mb, struct mbx_waiter *w,
			struct mbx_msg *sending, const struct mbx_timeout *timeout,
			enum mbx_op op)
{
	struct mbx_outcome out;
	bool claimed;
	int ret;

	ret = mbx_mailbox_sleep(mb, w, timeout, op);
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

/**
 * mbx_mailbox_wait - wait for what a waiter waits for
 * @mb: the mailbox
 * @w: the waiter. If the wait ends early, it is withdrawn
 * @sending: and so is its message, if it is a sender
 * @timeout: for how long
 *
 * Context: sleeps.
 * Return: the waiter's result, -ERESTARTSYS, -ETIMEDOUT.
 */
int mbx_mailbox_wait(struct mbx_mailbox *mb, struct mbx_waiter *w,
		     struct mbx_msg *sending, const struct mbx_timeout *timeout)
{
	const enum mbx_op op = sending ? MBX_OP_SEND : MBX_OP_RECEIVE;
	int ret;

	if (mbx_waiter_done(w))
		return w->result;
	trace_mbox_block(mb, op);
	ret = mailbox_wait(mb, w, sending, timeout, op);
	trace_mbox_wake(mb, op, ret);
	return ret;
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
