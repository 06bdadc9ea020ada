// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room in a mailbox: its limits, and what is dropped to make room where that is
 * the overflow policy.
 */
#include "call.h"
#include "mailbox.h"
#include "message.h"
#include "trace.h"

/**
 * mbx_room_fits - whether a message fits
 * @mb: the mailbox, whose lock is held
 * @len: of the message
 */
bool mbx_room_fits(const struct mbx_mailbox *mb, u32 len)
{
	return mbx_mailbox_messages(mb) < mb->max_messages &&
	       mbx_mailbox_bytes(mb) + len <= mb->max_bytes;
}

/**
 * mbx_room_for_token - whether a message may stay beyond the limits, with a token
 * @mb: the mailbox, whose lock is held
 * @len: of the message
 *
 * A message for which somebody waits is not kept from it by a full mailbox. But if
 * it stays there, delivered and not finished, that must have a limit too: those
 * that do, or are about to, are bounded as if they were alone.
 */
bool mbx_room_for_token(const struct mbx_mailbox *mb, u32 len)
{
	return mb->staying < mb->max_messages &&
	       mb->staying_bytes + len <= mb->max_bytes;
}

/*
 * What somebody waits for the end of is never dropped, nor that end; what somebody
 * looks at frees no room.
 */
static bool may_be_dropped(const struct mbx_msg *msg)
{
	return !(msg->call && msg->call->request) && !(msg->flags & MBOX_MSG_REPLY) &&
	       !msg->peeks;
}

/* What to drop after @victim. At most so many are looked at; @looked counts them. */
static struct mbx_msg *next_victim(const struct mbx_mailbox *mb,
				   struct mbx_msg *victim, unsigned int *looked)
{
	do {
		if ((*looked)++ == 2 * MBX_DROPS_MAX)
			return NULL;
		victim = mbx_queue_next_to_drop(&mb->queue, victim);
	} while (victim && !may_be_dropped(victim));
	return victim;
}

/**
 * mbx_room_writable - what pollers are told
 * @mb: the mailbox, whose lock is held
 *
 * Return: whether the largest message fits, or somebody who writes may drop one.
 */
bool mbx_room_writable(const struct mbx_mailbox *mb)
{
	const struct mbx_msg *victim;
	unsigned int looked = 0;

	if (mbx_room_fits(mb, mb->max_message_size))
		return true;
	if (mb->overflow != MBOX_OVERFLOW_DROP)
		return false;
	victim = next_victim(mb, NULL, &looked);
	return victim && !victim->priority;
}

static void room_drop(struct mbx_mailbox *mb, unsigned int n,
		      struct mbx_outcome *out)
{
	struct mbx_msg *victim, *next;
	unsigned int looked = 0;

	WRITE_ONCE(mb->drops, mb->drops + n);
	out->dropped += n;
	next = next_victim(mb, NULL, &looked);
	while (n--) {
		victim = next;
		next = next_victim(mb, victim, &looked);
		mbx_queue_del(&mb->queue, victim);
		trace_mbox_drop(mb, victim);
		mbx_outcome_discard(out, victim);
	}
}

/**
 * mbx_room_make - make room for the message of a blocked sender
 * @mb: the mailbox, whose lock is held
 * @msg: the message
 * @out: gets what is dropped
 *
 * Drops what may and must be dropped, or nothing if that is seen to be in vain,
 * since the rest is more urgent.
 *
 * Return: whether it fits now.
 */
bool mbx_room_make(struct mbx_mailbox *mb, const struct mbx_msg *msg,
		   struct mbx_outcome *out)
{
	u32 messages = mbx_mailbox_messages(mb);
	u64 bytes = mbx_mailbox_bytes(mb) + msg->len;
	struct mbx_msg *victim = NULL;
	unsigned int n = 0, looked = 0, may_drop = 0;

	lockdep_assert_held(&mb->lock);
	if (mb->overflow == MBOX_OVERFLOW_DROP)
		may_drop = msg->waiter->may_drop;
	while ((messages >= mb->max_messages || bytes > mb->max_bytes) &&
	       n < may_drop) {
		victim = next_victim(mb, victim, &looked);
		if (!victim || victim->priority > msg->priority)
			return false;
		messages--;
		bytes -= victim->len;
		n++;
	}
	if (n) {
		msg->waiter->may_drop -= n;
		room_drop(mb, n, out);
	}
	return mbx_room_fits(mb, msg->len);
}
