// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls, as their callers see them: beginning, waiting, interruption, end.
 */
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "call.h"
#include "compat.h"
#include "mailbox.h"
#include "message.h"
#include "quota.h"
#include "trace.h"
#include "transfer.h"
#include "wait.h"

static struct kmem_cache *call_cache __ro_after_init;

/* Without a slot for the reply. */
static struct mbx_call *call_alloc(u32 reply_max)
{
	struct mbx_call *call = kmem_cache_alloc(call_cache, MBX_GFP_USER);

	if (!call)
		return ERR_PTR(-ENOMEM);
	*call = (struct mbx_call){ .reply_max = reply_max };
	kref_init(&call->ref);
	return call;
}

/**
 * mbx_call_new_sync - a call that ends when its message was received
 *
 * Return: a reference to a call; -ENOMEM as ERR_PTR().
 */
struct mbx_call *mbx_call_new_sync(void)
{
	return call_alloc(0);
}

/**
 * mbx_call_new - a call, with all that its reply will need
 * @from: who calls, and pays for the reply
 * @reply_max: the longest reply, in bytes
 *
 * Context: may sleep.
 * Return: a reference to a call; -EDQUOT, -ENOMEM as ERR_PTR().
 */
struct mbx_call *mbx_call_new(const struct mbx_sender *from, u32 reply_max)
{
	struct mbx_call *call = call_alloc(reply_max);
	struct mbx_msg *reply;

	if (IS_ERR(call))
		return call;
	reply = mbx_msg_new_slot(from, reply_max);
	if (IS_ERR(reply)) {
		mbx_call_put(call);
		return ERR_CAST(reply);
	}
	reply->flags |= MBOX_MSG_REPLY;
	call->reply = reply;
	return call;
}

/**
 * mbx_call_new_async - a call whose reply goes to a mailbox
 * @from: who calls, and pays for the reply
 * @reply_max: the longest reply, in bytes
 * @reply_to: where the reply goes; room is reserved there
 *
 * The caller fills in type, priority and badge of the reply.
 *
 * Context: may sleep.
 * Return: a reference to a call; -EDQUOT, -ENOMEM, -ENOBUFS as ERR_PTR().
 */
struct mbx_call *mbx_call_new_async(const struct mbx_sender *from, u32 reply_max,
				    struct mbx_mailbox *reply_to)
{
	struct mbx_call *call = mbx_call_new(from, reply_max);
	int ret;

	if (IS_ERR(call))
		return call;
	ret = mbx_mailbox_reserve(reply_to, reply_max);
	if (ret) {
		mbx_call_put(call);
		return ERR_PTR(ret);
	}
	call->reply_to = mbx_mailbox_get(reply_to);
	return call;
}

static void call_free(struct kref *ref)
{
	struct mbx_call *call = container_of(ref, struct mbx_call, ref);

	if (call->reply)
		mbx_msg_free(call->reply);
	if (call->reply_to)
		mbx_mailbox_put(call->reply_to);
	kmem_cache_free(call_cache, call);
}

/**
 * mbx_call_put - give up a reference
 * @call: the call
 *
 * Context: may sleep.
 */
void mbx_call_put(struct mbx_call *call)
{
	kref_put(&call->ref, call_free);
}

/**
 * mbx_call_begin_locked - a request is in its mailbox now
 * @mb: the mailbox
 * @request: the request
 * @w: who waits for the end; NULL: nobody
 */
void mbx_call_begin_locked(struct mbx_mailbox *mb, struct mbx_msg *request,
			   struct mbx_waiter *w)
{
	lockdep_assert_held(&mb->lock);
	request->call->request = request;
	request->call->waiter = w;
	mb->call_count++;
	trace_mbox_call(mb, request);
}

/**
 * mbx_call_end_locked - a call is over, unless it was already
 * @mb: the mailbox of its request
 * @call: the call
 * @result: for its caller
 * @out: of mbx_mailbox_begin()
 */
void mbx_call_end_locked(struct mbx_mailbox *mb, struct mbx_call *call, int result,
			 struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (!call->request)
		return;
	trace_mbox_reply(mb, call->request, result);
	call->request = NULL;
	mb->call_count--;
	call->result = result;
	if (call->waiter)
		mbx_waiter_claim(call->waiter, result, &out->wake);
	call->waiter = NULL;
}

/**
 * mbx_call_reply_async - put the reply where it is expected
 * @call: with a reply that was filled; there is none any more
 *
 * Context: may sleep.
 * Return: 0; -EPIPE: nobody can ever receive it.
 */
int mbx_call_reply_async(struct mbx_call *call)
{
	struct mbx_msg *reply = call->reply;

	if (call->reply_to->type_source == MBOX_TYPE_PID)
		reply->type = pid_nr_ns(reply->pid, call->reply_to->pid_ns);
	call->reply = NULL;
	return mbx_mailbox_fill(call->reply_to, call->reply_max, reply);
}

/**
 * mbx_call_forget - the request was freed: put its reference
 * @call: over. If a reply is still expected somewhere, it won't come, and that
 *	is said there
 *
 * Context: may sleep.
 */
void mbx_call_forget(struct mbx_call *call)
{
	if (call->reply_to && call->reply) {
		if (call->accepted) {
			mbx_msg_fill_failed(call->reply);
			mbx_call_reply_async(call);
		} else {
			mbx_mailbox_fill(call->reply_to, call->reply_max, NULL);
		}
	}
	mbx_call_put(call);
}

/* From now on, @caller alone can find it. */
static void call_suspend_locked(struct mbx_mailbox *mb, struct mbx_call *call,
				struct mbx_caller *caller)
{
	lockdep_assert_held(&mb->lock);
	caller->number = mbx_mailbox_number_locked(mb, &mb->calls, &caller->owner);
	call->tag.owner = caller->owner;
	call->tag.number = caller->number;
	call->numbered = true;
	call->waiter = NULL;
	mbx_tag_add(&mb->calls, &call->tag);
	WRITE_ONCE(caller->owner.holder->calls, caller->owner.holder->calls + 1);
}

/* A call that was interrupted. The caller's reference is the finder's then. */
static struct mbx_call *call_find_locked(struct mbx_mailbox *mb,
					 const struct mbx_caller *caller)
{
	struct mbx_call *call;
	struct mbx_tag *tag;

	lockdep_assert_held(&mb->lock);
	tag = caller->number ?
	      mbx_tag_find(&mb->calls, &caller->owner, caller->number) :
	      mbx_tag_first(&mb->calls, &caller->owner);
	if (!tag)
		return NULL;
	call = container_of(tag, struct mbx_call, tag);
	if (caller->number && caller->sync == !!call->reply)
		return NULL;
	rb_erase(&tag->node, &mb->calls);
	WRITE_ONCE(tag->owner.holder->calls, tag->owner.holder->calls - 1);
	return call;
}

/* The caller wants no end of it any more. */
static void call_abandon_locked(struct mbx_mailbox *mb, struct mbx_call *call,
				struct mbx_outcome *out)
{
	struct mbx_msg *request = call->request;

	lockdep_assert_held(&mb->lock);
	if (!request)
		return;
	call->waiter = NULL;
	if (!request->in_hand) {
		mbx_mailbox_withdraw_locked(mb, request, out);
		return;
	}
	mbx_mailbox_orphan_locked(mb, request);
	mbx_call_end_locked(mb, call, -EPIPE, out);
	if (request->has_token) {
		request->token.owner.holder->stale++;
		out->events |= EPOLLPRI;
	}
}

/*
 * The wait ended before the call. A request that nobody has yet is withdrawn, to
 * be sent anew; unless its caller was told a number once, and will come back with
 * that. Return whether the caller has left it for good.
 */
static bool call_leave_locked(struct mbx_mailbox *mb, struct mbx_call *call,
			      bool interrupted, struct mbx_caller *caller,
			      struct mbx_outcome *out)
{
	lockdep_assert_held(&mb->lock);
	if (interrupted && (call->request->in_hand || call->numbered)) {
		call_suspend_locked(mb, call, caller);
		return false;
	}
	call_abandon_locked(mb, call, out);
	return true;
}

static int call_sleep(struct mbx_mailbox *mb, struct mbx_call *call,
		      struct mbx_waiter *w, const struct mbx_timeout *timeout,
		      struct mbx_caller *caller)
{
	struct mbx_outcome out;
	bool claimed, interrupted, gone = false;
	int ret;

	ret = mbx_mailbox_sleep(mb, w, timeout, MBX_OP_CALL);
	if (!ret)
		return 0;
	/* Who is killed does not come back, even if others share its files. */
	interrupted = ret == -ERESTARTSYS && !fatal_signal_pending(current);
	mbx_mailbox_begin(mb, &out);
	claimed = READ_ONCE(w->state) != MBX_WAITING;
	if (!claimed)
		gone = call_leave_locked(mb, call, interrupted, caller, &out);
	mbx_mailbox_end(mb, &out);
	if (claimed) {
		/* What was answered is reported, whatever came meanwhile. */
		mbx_waiter_sleep_claimed(w);
		return 0;
	}
	if (gone)
		mbx_call_put(call);
	return ret;
}

/* Wait for the end. On failure, the caller's reference is gone. */
static int call_wait(struct mbx_mailbox *mb, struct mbx_call *call,
		     struct mbx_waiter *w, const struct mbx_timeout *timeout,
		     struct mbx_caller *caller)
{
	int ret;

	if (mbx_waiter_done(w))
		return 0;
	trace_mbox_block(mb, MBX_OP_CALL);
	ret = call_sleep(mb, call, w, timeout, caller);
	trace_mbox_wake(mb, MBX_OP_CALL, ret ?: w->result);
	return ret;
}

/**
 * mbx_mailbox_call - put a request into a mailbox, and wait for the end of its call
 * @mb: the mailbox
 * @request: complete but for its sequence number, with its call; the mailbox's,
 *	even on failure
 * @timeout: how to wait: for room, as it says; then for the end, even if @never
 * @caller: its number is set if the call was interrupted and can be resumed
 *
 * The caller of this function has a reference to the call. On failure it is gone:
 * either the call is over for good, or it was left with @caller->number.
 *
 * Context: may sleep.
 * Return: 0: the call is over, see its result; -EPIPE, -EMSGSIZE, -EAGAIN,
 * -ETIMEDOUT, -ERESTARTSYS.
 */
int mbx_mailbox_call(struct mbx_mailbox *mb, struct mbx_msg *request,
		     const struct mbx_timeout *timeout, struct mbx_caller *caller)
{
	struct mbx_call *call = request->call;
	struct mbx_outcome out;
	struct mbx_waiter w;
	int ret;

	mbx_waiter_init(&w);
	mbx_mailbox_begin(mb, &out);
	ret = mbx_mailbox_put_locked(mb, request, &out);
	if (ret == -EAGAIN)
		ret = mbx_mailbox_block_locked(mb, request, &w, timeout->never, &out);
	if (!ret)
		mbx_call_begin_locked(mb, request, &w);
	mbx_mailbox_end(mb, &out);
	/*
	 * Whom we have just woken may have replied before we are taken off the run queue:
	 * that saves it, and the way back onto it.
	 */
	if (!ret && out.wake.here)
		mbx_yield();
	if (!ret)
		return call_wait(mb, call, &w, timeout, caller);
	mbx_call_put(call);
	return ret;
}

/**
 * mbx_mailbox_resume - go on waiting for the end of a call
 * @mb: the mailbox of its request
 * @call: the call, referenced
 * @timeout: for how long to wait; not @never
 * @caller: with the number of the call, which it has no more; set again if it was
 *	interrupted again
 *
 * Context: may sleep.
 * Return: 0: the call is over, see its result; -ESRCH: there is no such call;
 * -ETIMEDOUT, -ERESTARTSYS: as mbx_mailbox_call().
 */
int mbx_mailbox_resume(struct mbx_mailbox *mb, struct mbx_call **call,
		       const struct mbx_timeout *timeout, struct mbx_caller *caller)
{
	struct mbx_waiter w;
	bool over;

	mbx_waiter_init(&w);
	spin_lock(&mb->lock);
	*call = call_find_locked(mb, caller);
	over = !*call || !(*call)->request;
	if (!over)
		(*call)->waiter = &w;
	spin_unlock(&mb->lock);

	if (!*call)
		return -ESRCH;
	caller->number = 0;
	return over ? 0 : call_wait(mb, *call, &w, timeout, caller);
}

/**
 * mbx_mailbox_suspend - leave a call that is over, to come back for its end
 * @mb: the mailbox of its request
 * @call: the caller's reference is given up
 * @caller: gets the number to resume it
 */
void mbx_mailbox_suspend(struct mbx_mailbox *mb, struct mbx_call *call,
			 struct mbx_caller *caller)
{
	spin_lock(&mb->lock);
	call_suspend_locked(mb, call, caller);
	spin_unlock(&mb->lock);
}

static bool call_abandon(struct mbx_mailbox *mb, const struct mbx_caller *caller)
{
	struct mbx_outcome out;
	struct mbx_call *call;

	mbx_mailbox_begin(mb, &out);
	call = call_find_locked(mb, caller);
	if (call)
		call_abandon_locked(mb, call, &out);
	mbx_mailbox_end(mb, &out);
	if (call)
		mbx_call_put(call);
	return call;
}

/**
 * mbx_mailbox_abandon - give up calls that were interrupted
 * @mb: the mailbox of their requests
 * @caller: with the number of the call; 0: all that the owner has
 *
 * Context: may sleep.
 * Return: 0; -ESRCH: there is no such call.
 */
int mbx_mailbox_abandon(struct mbx_mailbox *mb, const struct mbx_caller *caller)
{
	if (caller->number)
		return call_abandon(mb, caller) ? 0 : -ESRCH;
	while (call_abandon(mb, caller))
		cond_resched();
	return 0;
}

static void call_construct(void *call)
{
	/* What has a constructor is not zeroed: call_alloc() writes all of it. */
}

/**
 * mbx_call_init - make the cache of calls
 *
 * Return: 0, -ENOMEM.
 */
int __init mbx_call_init(void)
{
	call_cache = kmem_cache_create("mbx_call", sizeof(struct mbx_call), 0, SLAB_ACCOUNT,
				       call_construct);
	return call_cache ? 0 : -ENOMEM;
}

/**
 * mbx_call_exit - free it; no call is left
 */
void mbx_call_exit(void)
{
	kmem_cache_destroy(call_cache);
}
