/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting: for how long, who is next, and the hand-off from the one who wakes
 * to the one who waits. Every barrier of the module is here; wait.pml models them.
 */
#ifndef MBX_WAIT_H
#define MBX_WAIT_H

#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/sched.h>

#include "queue.h"

/**
 * struct mbx_timeout - how an operation waits
 * @never: not at all
 * @timed: until @deadline; otherwise for ever
 * @clock: of @deadline
 * @deadline: absolute, of the initial time namespace
 * @spin: how long to spin before that, in ns; 0: as the mailbox says; MBOX_SPIN_NONE
 */
struct mbx_timeout {
	bool never;
	bool timed;
	clockid_t clock;
	ktime_t deadline;
	u32 spin;
};

/**
 * struct mbx_spin - whether to spin, by what came of it before
 * @rest: so many waits are still to go without, after one that was in vain
 * @last_rest: how many that were in the beginning
 *
 * One for all who wait alike. A guess: read and written without a lock.
 */
struct mbx_spin {
	u8 rest;
	u8 last_rest;
};

/**
 * DOC: the hand-off
 *
 * A waiter lives in the stack frame of the task that waits, and is findable in
 * its mailbox, under the mailbox's lock, while its state is MBX_WAITING.
 *
 *	               claimed under the lock          completed without it
 *	MBX_WAITING ---------------------------> MBX_CLAIMED ----------> MBX_DONE
 *	     |
 *	     +--> withdrawn by the waiter itself, under the lock
 *
 * Whoever has something for the waiter takes it out of the mailbox, writes the
 * result and claims it; it then belongs to that task, on a list of wake-ups.
 * After the unlock it completes it, and from then on must not touch it. A
 * waiter that has been claimed waits for the completion, whatever signal or
 * deadline comes: what was handed over is reported.
 *
 * MBX_COMPLETION orders the result before the state, and the state before the
 * end of the frame:
 *
 *	who wakes                               who waits
 *	---------                               ---------
 *	w->result = ..., w->msg = ...           set_current_state(...)
 *	get_task_struct(task)                   smp_load_acquire(&w->state)
 *	smp_store_release(&w->state, DONE)        == DONE: reads result and msg,
 *	wake_up_process(task)                     the frame goes
 *	put_task_struct(task)                     otherwise: schedule()
 *
 * set_current_state() and wake_up_process() are full barriers: either the
 * waiter sees DONE, or the waker sees it asleep.
 */
enum mbx_waiter_state {
	MBX_WAITING,
	MBX_CLAIMED,
	MBX_DONE,
};

/* What a waiter waits for: room, a message, the end of its call. */
enum mbx_op {
	MBX_OP_SEND,
	MBX_OP_RECEIVE,
	MBX_OP_CALL,
};

struct mbx_waiter {
	/* const while findable */
	struct task_struct *task;
	int prio;			/* scheduling priority: lower first */
	u64 ticket;			/* then first come */
	struct mbx_filter filter;	/* receivers only, and the next five */
	size_t room;
	bool truncate;
	bool peek;
	u32 file_room;
	bool lease;

	/* protected by the mailbox's lock, senders only */
	unsigned int may_drop;		/* messages, to make room */

	/* protected by the mailbox's lock until claimed, then the waker's */
	struct rb_node node;
	struct mbx_waiter *next_wakeup;

	/* written before MBX_COMPLETION, read after */
	int result;
	u32 len;			/* with -EMSGSIZE */
	u32 files;			/* likewise */
	struct mbx_msg *msg;

	/* see MBX_COMPLETION; MBX_WAITING and MBX_CLAIMED under the lock */
	int state;
};

/* The waiters that were claimed under a lock, to be woken after it; none: all is 0. */
struct mbx_wakeups {
	struct mbx_waiter *first;
	struct mbx_waiter *last;
	bool here;			/* somebody was woken who is to run on this CPU */
};

/**
 * struct mbx_waiters - the receivers that wait
 * @any: those that take anything
 * @typed: those that want one type
 * @others: those that must be asked one by one
 * @count: all of them
 * @next_ticket: for the order of arrival
 *
 * Each is a tree by (type, scheduling priority, ticket), where the type is 0
 * but for @typed. All under the mailbox's lock.
 */
struct mbx_waiters {
	struct rb_root_cached any;
	struct rb_root_cached typed;
	struct rb_root_cached others;
	unsigned int count;
	u64 next_ticket;
};

void mbx_waiter_init(struct mbx_waiter *w);
void mbx_waiter_claim(struct mbx_waiter *w, int result, struct mbx_wakeups *wake);
void mbx_wakeups_run(struct mbx_wakeups *wake);
bool mbx_waiter_done(const struct mbx_waiter *w);
bool mbx_waiter_spin(const struct mbx_waiter *w, const struct mbx_timeout *timeout,
		     u32 budget, struct mbx_spin *spin);
int mbx_waiter_sleep(struct mbx_waiter *w, const struct mbx_timeout *timeout);
void mbx_waiter_sleep_claimed(struct mbx_waiter *w);

void mbx_waiters_init(struct mbx_waiters *waiters);
void mbx_waiters_add(struct mbx_waiters *waiters, struct mbx_waiter *w);
void mbx_waiters_del(struct mbx_waiters *waiters, struct mbx_waiter *w);
struct mbx_waiter *mbx_waiters_first(const struct mbx_waiters *waiters);

/* Those who select a message, in the order of service: where we are. */
struct mbx_walk {
	const struct mbx_msg *msg;
	unsigned int looked;		/* at so many waiters */
	struct rb_node *any;
	struct rb_node *typed;
	struct rb_node *other;
};

void mbx_walk_begin(struct mbx_walk *walk, const struct mbx_waiters *waiters,
		    const struct mbx_msg *msg);
struct mbx_waiter *mbx_walk_next(struct mbx_walk *walk);

int mbx_timeout_set(struct mbx_timeout *timeout, u8 clock, u64 deadline);
ktime_t mbx_time_to_user(ktime_t monotonic);

/**
 * mbx_poll_wake - wake those who poll
 * @head: of the mailbox
 * @events: what may have come true
 *
 * MBX_POLL: no barrier is needed between the change and the look for pollers,
 * since both sides pass through the mailbox's lock in between:
 *
 *	who changes                             who polls
 *	-----------                             ---------
 *	lock; change                            poll_wait(): onto @head
 *	waitqueue_active(@head), here           lock; look; unlock
 *	unlock
 *	or here
 *
 * If the look comes before the change, the poller was on @head before the lock was
 * taken for the change. If it comes after, it sees the change.
 */
static inline void mbx_poll_wake(struct wait_queue_head *head, __poll_t events)
{
	if (!waitqueue_active(head)) /* MBX_POLL */
		return;
	/* One message is for one of those who share the work; the rest for all. */
	if (events & (EPOLLHUP | EPOLLERR | EPOLLPRI))
		wake_up_interruptible_all(head);
	else
		wake_up_interruptible_poll(head, events);
}

#endif /* MBX_WAIT_H */
