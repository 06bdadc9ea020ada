/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call: a request in a mailbox, and the one who waits for what comes of it
 * (call.c). Whoever got the request answers it by a token (token.c). call.pml models
 * both.
 */
#ifndef MBX_CALL_H
#define MBX_CALL_H

#include <linux/kref.h>
#include <linux/types.h>

#include "tag.h"

struct iov_iter;
struct mbx_mailbox;
struct mbx_msg;
struct mbx_outcome;
struct mbx_sender;
struct mbx_timeout;
struct mbx_waiter;

/**
 * DOC: the life of a call
 *
 *	           request in the mailbox      request in somebody's hands
 *	 begun --> queued or blocked  -------> delivered ---------> over: @result
 *	             |          ^                 |   |
 *	  withdrawn  |          +-----------------+   | the caller gives up
 *	             v              put back          v
 *	            over                            stale: the token is for nothing
 *
 * The caller waits in its system call (@waiter), or was interrupted and may
 * come back (@tag). A call is held by its request, until that is freed, and by
 * its caller; so a server can write into the slot for the reply without a lock,
 * whatever the caller does meanwhile. All that a reply needs was allocated and
 * charged when the call began: it cannot fail for lack of anything.
 *
 * Nobody waits for an asynchronous call: its slot, for which room is reserved in
 * the mailbox @reply_to, is put there in the end, whatever the end is.
 *
 * A send that waits until it was received (MBOX_SYNC) is a call without reply.
 */
struct mbx_call {
	/* const after creation */
	struct kref ref;
	u32 reply_max;
	struct mbx_mailbox *reply_to;	/* asynchronous: referenced, reserved */

	/* the server's while it answers, then the caller's or that of @reply_to */
	struct mbx_msg *reply;

	/* protected by the lock of the request's mailbox */
	struct mbx_msg *request;	/* NULL: it is over */
	struct mbx_waiter *waiter;	/* the caller, unless it was interrupted */
	struct mbx_call *next_garbage;	/* once its request is retired */
	struct mbx_tag tag;		/* if it was */
	bool numbered;			/* if it ever was */
	bool accepted;			/* the request was in the mailbox */
	bool abandoned;			/* the caller gave up; see "stale" */
	int result;			/* once it is over */
};

int mbx_call_init(void);
void mbx_call_exit(void);
struct mbx_call *mbx_call_new(const struct mbx_sender *from, u32 reply_max);
struct mbx_call *mbx_call_new_async(const struct mbx_sender *from, u32 reply_max,
				    struct mbx_mailbox *reply_to);
struct mbx_call *mbx_call_new_sync(void);
void mbx_call_put(struct mbx_call *call);

void mbx_call_begin_locked(struct mbx_mailbox *mb, struct mbx_msg *request,
			   struct mbx_waiter *w);
void mbx_call_end_locked(struct mbx_mailbox *mb, struct mbx_call *call, int result,
			 struct mbx_outcome *out);
void mbx_call_forget(struct mbx_call *call);

/**
 * struct mbx_caller - who waits for the end of a call
 * @owner: of the call's number, should it be interrupted
 * @number: 0, or that number
 * @sync: the call is a send that waits; it is not found as another kind
 */
struct mbx_caller {
	struct mbx_owner owner;
	u32 number;
	bool sync;
};

int mbx_mailbox_call(struct mbx_mailbox *mb, struct mbx_msg *request,
		     const struct mbx_timeout *timeout, struct mbx_caller *caller);
int mbx_mailbox_resume(struct mbx_mailbox *mb, struct mbx_call **call,
		       const struct mbx_timeout *timeout, struct mbx_caller *caller);
void mbx_mailbox_suspend(struct mbx_mailbox *mb, struct mbx_call *call,
			 struct mbx_caller *caller);
int mbx_mailbox_abandon(struct mbx_mailbox *mb, const struct mbx_caller *caller);

int mbx_call_reply_async(struct mbx_call *call);

#endif /* MBX_CALL_H */
