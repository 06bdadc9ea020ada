// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tokens: what a receiver owes, and how it is settled.
 */
#include <linux/ktime.h>

#include "call.h"
#include "mailbox.h"
#include "message.h"
#include "token.h"
#include "trace.h"
#include "transfer.h"

static struct mbx_msg *msg_of(struct mbx_tag *tag)
{
	return tag ? container_of(tag, struct mbx_msg, token) : NULL;
}

static bool token_stale(const struct mbx_msg *msg)
{
	return msg->call && msg->call->abandoned;
}

static bool returns_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mbx_msg, by_return)->returns <
	       rb_entry(b, struct mbx_msg, by_return)->returns;
}

/* Not before @returns: the timer counts in jiffies, of which this one has begun. */
static void token_arm(struct mbx_mailbox *mb)
{
	struct rb_node *first = rb_first_cached(&mb->returns);
	s64 ns;

	if (!first)
		return;
	ns = ktime_to_ns(ktime_sub(rb_entry(first, struct mbx_msg, by_return)->returns,
				   ktime_get()));
	mod_delayed_work(system_power_efficient_wq, &mb->return_work, ns <= 0 ? 0 :
			 min_t(u64, nsecs_to_jiffies64(ns) + 1, MAX_JIFFY_OFFSET));
}

static void token_add(struct mbx_mailbox *mb, struct mbx_msg *msg,
		      struct mbx_outcome *out)
{
	struct mbx_holder *holder = msg->token.owner.holder;

	lockdep_assert_held(&mb->lock);
	mbx_tag_add(&mb->tokens, &msg->token);
	msg->has_token = true;
	mb->token_count++;
	WRITE_ONCE(holder->tokens, holder->tokens + 1);
	if (token_stale(msg)) {
		holder->stale++;
		out->events |= EPOLLPRI;
	}
	if (msg->returns && rb_add_cached(&msg->by_return, &mb->returns, returns_before))
		token_arm(mb);
}

/* The message is in hand as it was before. */
static struct mbx_msg *token_del(struct mbx_mailbox *mb, struct mbx_msg *msg)
{
	struct mbx_holder *holder = msg->token.owner.holder;

	lockdep_assert_held(&mb->lock);
	rb_erase(&msg->token.node, &mb->tokens);
	msg->has_token = false;
	mb->token_count--;
	WRITE_ONCE(holder->tokens, holder->tokens - 1);
	holder->stale -= token_stale(msg);
	if (msg->returns)
		rb_erase_cached(&msg->by_return, &mb->returns);
	return msg;
}

/* A token of @owner's. One whose time is over is none, though the worker be late. */
static struct mbx_msg *token_find(struct mbx_mailbox *mb, const struct mbx_owner *owner,
				  u64 number, struct mbx_outcome *out)
{
	struct mbx_msg *msg = msg_of(mbx_tag_find(&mb->tokens, owner, number));

	lockdep_assert_held(&mb->lock);
	if (!msg || !msg->returns || ktime_before(ktime_get(), msg->returns))
		return msg;
	mbx_mailbox_put_back_locked(mb, token_del(mb, msg), out);
	return NULL;
}

/**
 * mbx_token_grant - give out a token for a message
 * @mb: its mailbox
 * @msg: in hand, and copied out; from now on others may finish it
 * @owner: whose token it is
 * @lease_time: in ns from now on, after which it goes back; 0: never
 *
 * Context: may sleep.
 * Return: the number of the token.
 */
u32 mbx_token_grant(struct mbx_mailbox *mb, struct mbx_msg *msg,
		    const struct mbx_owner *owner, u64 lease_time)
{
	struct mbx_outcome out;
	u32 number;

	mbx_mailbox_begin(mb, &out);
	if (msg->deliveries < U8_MAX)
		WRITE_ONCE(msg->deliveries, msg->deliveries + 1);
	number = mbx_mailbox_number_locked(mb, &mb->tokens, owner);
	msg->token.owner = *owner;
	msg->token.number = number;
	msg->returns = lease_time ? ktime_add_safe(ktime_get(), lease_time) : 0;
	token_add(mb, msg, &out);
	trace_mbox_lease(mb, msg, lease_time);
	mbx_mailbox_end(mb, &out);
	return number;
}

/**
 * mbx_token_received - the owner of a token was told of it: its message arrived
 * @mb: the mailbox
 * @owner: as it was given to mbx_token_grant()
 * @number: the token, if it is still there
 *
 * Context: may sleep.
 */
void mbx_token_received(struct mbx_mailbox *mb, const struct mbx_owner *owner,
			u32 number)
{
	struct mbx_outcome out;
	struct mbx_msg *msg;

	mbx_mailbox_begin(mb, &out);
	msg = msg_of(mbx_tag_find(&mb->tokens, owner, number));
	if (msg) {
		/* It may be stale until now, and be counted so. */
		token_del(mb, msg);
		mbx_mailbox_received_locked(mb, msg, &out);
		token_add(mb, msg, &out);
	}
	mbx_mailbox_end(mb, &out);
}

/**
 * mbx_token_undo - take a token back whose owner was not told
 * @mb: the mailbox
 * @owner: as it was given to mbx_token_grant()
 * @number: the token, if it is still there
 *
 * Context: may sleep.
 */
void mbx_token_undo(struct mbx_mailbox *mb, const struct mbx_owner *owner,
		    u32 number)
{
	struct mbx_outcome out;
	struct mbx_msg *msg;

	mbx_mailbox_begin(mb, &out);
	msg = msg_of(mbx_tag_find(&mb->tokens, owner, number));
	if (msg) {
		token_del(mb, msg);
		WRITE_ONCE(msg->deliveries, msg->deliveries - 1);
		mbx_mailbox_put_back_locked(mb, msg, &out);
	}
	mbx_mailbox_end(mb, &out);
}

/**
 * mbx_token_finish - end a token without an answer
 * @mb: the mailbox
 * @owner: who ends it
 * @number: the token
 * @back: put the message back to its place; otherwise it is done with
 *
 * Context: may sleep.
 * Return: 0; -ESRCH: not a token of @owner's.
 */
int mbx_token_finish(struct mbx_mailbox *mb, const struct mbx_owner *owner,
		     u64 number, bool back)
{
	struct mbx_outcome out;
	struct mbx_msg *msg;

	mbx_mailbox_begin(mb, &out);
	msg = token_find(mb, owner, number, &out);
	if (msg)
		token_del(mb, msg);
	if (msg && back) {
		mbx_mailbox_put_back_locked(mb, msg, &out);
	} else if (msg) {
		mbx_mailbox_received_locked(mb, msg, &out);
		mbx_mailbox_finish_locked(mb, msg, &out);
	}
	mbx_mailbox_end(mb, &out);
	return msg ? 0 : -ESRCH;
}

/* Take a token away to answer it; whatever its caller does, its slot stays. */
static int token_begin_reply(struct mbx_mailbox *mb, const struct mbx_owner *owner,
			     u64 number, size_t len, struct mbx_msg **msg)
{
	struct mbx_outcome out;
	int ret = 0;

	mbx_mailbox_begin(mb, &out);
	*msg = token_find(mb, owner, number, &out);
	if (!*msg) {
		ret = -ESRCH;
	} else if (!((*msg)->flags & MBOX_MSG_CALL)) {
		ret = -EINVAL;
	} else if (token_stale(*msg)) {
		ret = -EPIPE;
		mbx_mailbox_finish_locked(mb, token_del(mb, *msg), &out);
	} else if (len > (*msg)->call->reply_max) {
		ret = -EMSGSIZE;
	} else {
		token_del(mb, *msg);
	}
	mbx_mailbox_end(mb, &out);
	return ret;
}

static int token_end_reply(struct mbx_mailbox *mb, struct mbx_msg *msg, int result,
			   bool *woken)
{
	struct mbx_outcome out;
	int ret = 0;

	mbx_mailbox_begin(mb, &out);
	if (result == -EFAULT) {
		ret = -EFAULT;
		token_add(mb, msg, &out);
	} else {
		if (token_stale(msg))
			ret = -EPIPE;
		mbx_call_end_locked(mb, msg->call, result, &out);
		mbx_mailbox_finish_locked(mb, msg, &out);
	}
	mbx_mailbox_end(mb, &out);
	*woken |= out.wake.here;
	return ret;
}

/**
 * mbx_token_reply - answer a call
 * @mb: the mailbox
 * @owner: who answers
 * @number: the token
 * @from: the same, for the header
 * @payload: all of it is the reply
 * @code: 0; otherwise the call is refused with it
 * @woken: set, if somebody was woken who is to run on this CPU: a hint
 *
 * Context: may sleep, reads user memory.
 * Return: 0; -ESRCH: not a token of @owner's; -EINVAL: not a call's; -EMSGSIZE:
 * longer than its caller takes; -EFAULT; after all of which the token is still
 * there; -EPIPE: its caller gave up, and the token is gone.
 */
int mbx_token_reply(struct mbx_mailbox *mb, const struct mbx_owner *owner,
		    u64 number, const struct mbx_sender *from,
		    struct iov_iter *payload, u32 code, bool *woken)
{
	struct mbx_call *call;
	struct mbx_msg *msg;
	int ret, delivered = 0;

	ret = token_begin_reply(mb, owner, number, iov_iter_count(payload), &msg);
	if (ret)
		return ret;
	call = msg->call;
	ret = mbx_msg_fill(call->reply, from, payload);
	if (!ret && code) {
		call->reply->flags |= MBOX_MSG_FAILED;
		call->reply->value = code;
		ret = -EREMOTEIO;
	}
	if (ret != -EFAULT && call->reply_to)
		delivered = mbx_call_reply_async(call);
	return token_end_reply(mb, msg, ret, woken) ?: delivered;
}

/* Return whether there may be more. */
static bool token_give_up_some(struct mbx_mailbox *mb, const struct mbx_owner *owner)
{
	struct mbx_outcome out;
	unsigned int n = 0;
	struct mbx_msg *msg;

	mbx_mailbox_begin(mb, &out);
	do {
		msg = msg_of(mbx_tag_first(&mb->tokens, owner));
		if (!msg)
			break;
		token_del(mb, msg);
		if (msg->flags & MBOX_MSG_CALL)
			mbx_mailbox_finish_locked(mb, msg, &out);
		else
			mbx_mailbox_put_back_locked(mb, msg, &out);
	} while (++n < MBX_BATCH_HOLD && out.looked < MBX_LOOKS_HOLD);
	mbx_mailbox_end(mb, &out);
	return msg;
}

/**
 * mbx_token_give_up - the owner of tokens goes
 * @mb: the mailbox
 * @owner: who; without a user: all users of the holder
 *
 * Leased messages go back, calls end with -ECONNRESET.
 *
 * Context: may sleep.
 */
void mbx_token_give_up(struct mbx_mailbox *mb, const struct mbx_owner *owner)
{
	while (token_give_up_some(mb, owner))
		cond_resched();
}

/**
 * mbx_token_expire - put back what was leased for long enough
 * @work: of the mailbox
 */
void mbx_token_expire(struct work_struct *work)
{
	struct mbx_mailbox *mb = container_of(to_delayed_work(work),
					      struct mbx_mailbox, return_work);
	struct mbx_outcome out;
	struct rb_node *node;
	int n = 0;

	mbx_mailbox_begin(mb, &out);
	while (n++ < MBX_BATCH_HOLD && out.looked < MBX_LOOKS_HOLD &&
	       (node = rb_first_cached(&mb->returns))) {
		struct mbx_msg *msg = rb_entry(node, struct mbx_msg, by_return);

		if (ktime_before(ktime_get(), msg->returns))
			break;
		mbx_mailbox_put_back_locked(mb, token_del(mb, msg), &out);
	}
	token_arm(mb);
	/* Somebody frees the mailbox only after this: it must not be us. */
	mbx_mailbox_end_unless_deaf(mb, &out);
}
