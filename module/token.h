/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A token: one delivery for which the receiver still owes an answer. A call, or
 * a message that was leased.
 */
#ifndef MBX_TOKEN_H
#define MBX_TOKEN_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "tag.h"

struct iov_iter;
struct mbx_mailbox;
struct mbx_msg;
struct mbx_sender;

/**
 * DOC: the life of a token
 *
 * The message itself is the token: it is in hand, and stands in its mailbox's
 * tree of tokens under its owner and number. It leaves that tree in one of four
 * ways, each at most once, all under the mailbox's lock:
 *
 *	finished    by its owner: replied to, done, put back, refused
 *	given up    the owner's last thread exits or it closes its last
 *		    descriptor, or the file is released
 *	expired     the time of the lease is over: put back
 *	undone      the owner could not be told its number
 *
 * A leased message that is given up goes back to its place, a call ends with
 * ECONNRESET. A call whose caller gave up before is *stale*: its token stays for
 * its owner to find out, and nothing comes of it.
 */

u32 mbx_token_grant(struct mbx_mailbox *mb, struct mbx_msg *msg,
		    const struct mbx_owner *owner, u64 lease_time);
void mbx_token_received(struct mbx_mailbox *mb, const struct mbx_owner *owner,
			u32 number);
void mbx_token_undo(struct mbx_mailbox *mb, const struct mbx_owner *owner,
		    u32 number);
int mbx_token_finish(struct mbx_mailbox *mb, const struct mbx_owner *owner,
		     u64 number, bool back);
int mbx_token_reply(struct mbx_mailbox *mb, const struct mbx_owner *owner,
		    u64 number, const struct mbx_sender *from,
		    struct iov_iter *payload, u32 code, bool *woken);
void mbx_token_give_up(struct mbx_mailbox *mb, const struct mbx_owner *owner);
void mbx_token_expire(struct work_struct *work);

#endif /* MBX_TOKEN_H */
