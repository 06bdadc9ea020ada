/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wait and the hand-off as wait.c, transfer.c, settle.c, send.c and receive.c do
 * them, for spin; `make model` checks it. Each inline is named after the function that
 * it stands for; what a change there does to its order belongs here too.
 *
 * One mailbox, a few tasks, one operation each. What is left open is chosen freely: who
 * runs, which of several waiters is served first, whether a signal or a deadline comes,
 * whether a copy faults. What a critical section does is one step, as nobody else looks
 * at what the lock protects. What is looked at without it goes through store buffers:
 *
 *	late_result	w->result and w->msg, which the unlock and MBX_COMPLETION order
 *	late_unlock	the unlock itself
 *	late_done	w->state = MBX_DONE, an smp_store_release()
 *	late_state	the task's own state, for set_current_state() to flush
 *	late_head	a poller's entry on the wait queue, see MBX_POLL
 *
 * In the environment, SCENE says who is there, and BREAK takes something out: each
 * model that was broken so must fail.
 */

c_decl {
\#include <stdlib.h>
}

#define NONE	255
#define IN	1		/* EPOLLIN, EPOLLHUP */
#define OUT	2		/* EPOLLOUT, EPOLLERR */

mtype:tstate = { RUNNING, INTERRUPTIBLE, UNINTERRUPTIBLE };
mtype:wstate = { WAITING, CLAIMED, DONE };
mtype:where = { MAKING, PENDING, QUEUED, IN_HAND, LINGERS, RECEIVED, PURGED, UNSENT };
mtype:error = { GARBAGE, OK, EPIPE, EMSGSIZE, EFAULT, EINTR, ETIMEDOUT };

/* What can be taken out, and the scene that is to fail then. */
#define NOTHING			0
#define SET_STATE_BARRIER	1	/* MEMORY: set_current_state(): plain store */
#define WAKE_BARRIER	2	/* MEMORY: wake_up_process(): looks before the store is out */
#define RELEASE	3	/* MEMORY: WRITE_ONCE(w->state, MBX_DONE) */
#define ACQUIRE	4	/* MEMORY: READ_ONCE(w->state), the result may be older */
#define TASK_REFERENCE	5	/* MEMORY: no get_task_struct() */
#define NEXT_FIRST	6	/* MEMORY: w->next_wakeup is read after the completion */
#define CLAIM_CHECK	7	/* HANDOFF: who leaves does not look whether it was claimed */
#define CLAIM_LOCK	8	/* HANDOFF: it looks, but without the lock */
#define SLEEP_CLAIMED	9	/* MEMORY: it does not wait for the completion */
#define WAITERS_DEL	10	/* HANDOFF: a claimed receiver stays findable */
#define KILLED_PUT_BACK	11	/* KILL: a killed receiver keeps what it was given */
#define FAULT_PUT_BACK	12	/* ENDS: so does one whose copy faults */
#define PUT_BACK_OFFER	13	/* ENDS: what is put back is not offered to who waits */
#define LOOK_AT_PENDING	14	/* HANDOFF: a receive does not look at blocked senders */
#define ADMIT	15	/* HANDOFF: the end of a receive admits nobody */
#define ADMIT_AFTER_WITHDRAW	16	/* BYTES: nor does a sender that leaves */
#define ENDED_IN_HAND	17	/* ENDS: what is in hand could come back, and is forgotten */
#define REFUSE_RECEIVERS	18	/* ENDS: nobody is told of the end */
#define PURGE	19	/* BYTES: blocked senders are not told that all are deaf */
#define LEND	20	/* LEASE: the end of a token lets nobody go on */
#define WAITERS_FIRST	21	/* LEASE: a send looks at the limits first */
#define PEEK_GOES_ON	22	/* SMALL: the offer ends at one who peeks */
#define SMALL_GOES_ON	23	/* SMALL: the offer ends at one who has no room */
#define POLL_LOCK	24	/* POLLIN: a poller looks without the lock */
#define POLL_TOLD	25	/* POLLOUT: and does not say what it has seen */
#define POLL_FIRST	26	/* POLLIN: a poller looks before it is on the queue */
#define WITHDRAW	27	/* HANDOFF: a sender that leaves forgets its message */
#define RELEASE_SENDER	28	/* HANDOFF: a sender is not told that its message was taken */
#define LINGER	29	/* SMALL: what is peeked at is freed */
#define STAYS	30	/* LEASE: what is handed out takes no room before it has its token */

hidden byte breaks;
#define whole(part)	(breaks != part)

/* The scenes. */
#define MEMORY	0	/* scene: a sender, two receivers, store buffers; a signal, a deadline */
#define HANDOFF	1	/* scene: two senders, two receivers; a signal, a deadline */
#define KILL	2	/* scene, live: a receiver is killed; another and the sender get signals */
#define BYTES	3	/* scene: a long message is ahead of a short one, and leaves */
#define ENDS	4	/* scene: a fault puts a message back after the last sender has gone */
#define LEASE	5	/* scene: types, and tokens up to the limits */
#define SMALL	6	/* scene: one peeks, one has no room, one takes */
#define POLLIN	7	/* scene: somebody polls for a message */
#define POLLOUT	8	/* scene: and for room */

#define TASKS	4
#define MESSAGES 3

hidden byte scene;
hidden byte senders, tasks, messages;	/* senders come first, what was there before last */
hidden byte timed, signalled, kills, faults, peekers, small, leases;	/* one bit a task */
hidden byte polled_for;
hidden short lens = 111;		/* one digit a message, its own last */
hidden short types = 0;
hidden short selects = 0;		/* one digit a receiver: 0 any, else type + 1 */
hidden byte max_messages = 1, max_bytes = 4;

/* Who is there, and what may happen to them. */
inline set_scene(n_senders, n_receivers, n_before) {
	senders = n_senders;
	tasks = n_senders + n_receivers;
	messages = n_senders + n_before
}

inline choose_scene() {
	if
	:: scene == MEMORY -> set_scene(1, 2, 0); timed = 2; signalled = 4
	:: scene == HANDOFF -> set_scene(2, 2, 0); timed = 1; signalled = 8
	:: scene == KILL -> set_scene(1, 2, 0); signalled = 3; kills = 2
	:: scene == BYTES ->
		set_scene(2, 1, 1);
		timed = 1;
		lens = 112;
		max_messages = 4;
		max_bytes = 2
	:: scene == ENDS -> set_scene(1, 3, 0); selects = 200; faults = 2
	:: scene == LEASE -> set_scene(2, 2, 1); leases = 12; types = 11; selects = 22; faults = 4
	:: scene == SMALL -> set_scene(1, 3, 0); peekers = 2; small = 4
	:: scene == POLLIN -> set_scene(1, 1, 0); polled_for = IN
	:: scene == POLLOUT -> set_scene(1, 1, 1); polled_for = OUT
	fi
}

#define bit(mask, t)	(((mask) >> (t)) & 1)
#define digit(number, i) ((i) == 0 -> (number) % 10 : \
			 ((i) == 1 -> (number) / 10 % 10 : (number) / 100 % 10))
#define buffered	(scene == MEMORY)
#define len(m)		digit(lens, m)

/* Tasks, and the waiters in their stack frames. */
mtype:tstate task_state[TASKS];
byte task_refs[TASKS];
bool frame[TASKS];
mtype:wstate w_state[TASKS];
mtype:error w_result[TASKS];
byte w_msg[TASKS];
byte next_wakeup[TASKS];
bool findable[TASKS];		/* in mb->receivers */
bool signal[TASKS];
bool killed[TASKS];

/* Stores that are not out yet. */
bool late_result[TASKS];
mtype:error late_result_value[TASKS];
byte late_msg_value[TASKS];
bool late_done[TASKS];
bool late_state[TASKS];
mtype:tstate late_state_value[TASKS];
bool late_unlock;
bool late_head;
bool poller_locks;

/* The mailbox. */
bool locked;
mtype:where place[MESSAGES];
byte seq[MESSAGES];
byte next_seq;
bool staying[MESSAGES];		/* in hand, with a token now or soon */
byte peeks[MESSAGES];
bool withheld, lend;
bool send_handle = true, recv_handle = true;
bool on_head, poller_woken;
byte told;

/* For the assertions. */
mtype:error returned[TASKS];
byte deliveries[MESSAGES];
bool told_end;			/* one who wants anything was told that nothing will come */
byte alive, senders_left, receivers_left;

/* ---- stores that come out late ---- */

proctype memory(byte w) {
end:	do
	:: atomic { late_result[w] ->
		assert(frame[w]);
		late_result[w] = false;
		w_result[w] = late_result_value[w];
		w_msg[w] = late_msg_value[w] }
	:: atomic { late_done[w] && (!whole(RELEASE) || (!late_result[w] && !late_unlock)) ->
		assert(frame[w]);
		late_done[w] = false;
		w_state[w] = DONE }
	:: atomic { late_state[w] ->
		late_state[w] = false;
		task_state[w] = late_state_value[w] }
	od
}

/* An unlock comes out after all that was stored before it. */
active proctype memory_of_lock() {
end:	do
	:: atomic { late_unlock && !late_result[0] && !late_result[1] &&
		    !late_result[2] && !late_result[3] &&
		    !(late_head && poller_locks) ->
		late_unlock = false;
		poller_locks = false;
		locked = false }
	:: atomic { late_head -> late_head = false; on_head = true }
	od
}

/* ---- the scheduler ---- */

inline set_current_state(t, state) {
	if
	:: buffered ->
		atomic { late_state_value[t] = state; late_state[t] = true }
		if
		:: whole(SET_STATE_BARRIER) -> !late_state[t]
		:: else
		fi
	:: !buffered -> task_state[t] = state
	fi
}

/* Until woken; a task that was woken since it set its state does not sleep. */
inline schedule(t) {
	!late_state[t];
	if
	:: task_state[t] == RUNNING
	:: atomic { task_state[t] == INTERRUPTIBLE && signal[t] -> task_state[t] = RUNNING }
	:: atomic { bit(timed, t) && task_state[t] == INTERRUPTIBLE ->
		task_state[t] = RUNNING;
		expired = true }
	fi
}

inline wake_up_process(t) {
	if
	:: whole(WAKE_BARRIER) -> !late_done[t] && !late_unlock
	:: else
	fi;
	assert(task_refs[t] > 0);
	task_state[t] = RUNNING
}

/* ---- wait.c ---- */

inline mbx_waiter_init(t) {
	atomic {
		frame[t] = true;
		w_state[t] = WAITING;
		w_result[t] = GARBAGE;
		w_msg[t] = NONE
	}
}

inline mbx_waiter_claim(w, outcome, given) {
	assert(frame[w] && w_state[w] == WAITING);
	if
	:: buffered ->
		late_result_value[w] = outcome;
		late_msg_value[w] = given;
		late_result[w] = true
	:: !buffered -> w_result[w] = outcome; w_msg[w] = given
	fi;
	w_state[w] = CLAIMED;
	next_wakeup[w] = NONE;
	if
	:: first == NONE -> first = w
	:: else -> next_wakeup[last] = w
	fi;
	last = w
}

inline mbx_wakeups_run() {
	do
	:: first != NONE ->
		atomic {	/* get_task_struct(w->task); next = w->next_wakeup */
			assert(frame[first] && task_refs[first] > 0);
			if
			:: whole(TASK_REFERENCE) -> task_refs[first]++
			:: else
			fi;
			last = next_wakeup[first]
		}
		if
		:: buffered -> late_done[first] = true
		:: !buffered -> w_state[first] = DONE
		fi;
		atomic {
			wake_up_process(first);
			/* put_task_struct(task); w = next */
			if
			:: whole(TASK_REFERENCE) -> task_refs[first]--
			:: else
			fi;
			if
			:: !whole(NEXT_FIRST) ->
				assert(frame[first]);
				last = next_wakeup[first]
			:: else
			fi;
			first = last
		}
	:: else -> break
	od
}

/* Gives done, and what the waiter then takes for its result. */
inline waiter_done(t) {
	if
	:: whole(ACQUIRE)
	:: else -> atomic { result = w_result[t]; msg = w_msg[t] }
	fi;
	atomic {
		done = (w_state[t] == DONE);
		if
		:: done && whole(ACQUIRE) -> result = w_result[t]; msg = w_msg[t]
		:: else
		fi
	}
}

inline mbx_waiter_sleep(t) {
	expired = false;
	done = false;
	if
	:: waiter_done(t)	/* mbx_waiter_spin(): a look, or many */
	:: true
	fi;
	do
	:: done -> ret = OK; break
	:: !done ->
		set_current_state(t, INTERRUPTIBLE);
		waiter_done(t);
		if
		:: done
		:: !done && signal[t] -> ret = EINTR; break
		:: !done && !signal[t] && expired -> ret = ETIMEDOUT; break
		:: !done && !signal[t] && !expired -> schedule(t)
		fi
	od;
	atomic { late_state[t] = false; task_state[t] = RUNNING }
}

inline mbx_waiter_sleep_claimed(t) {
	do
	:: set_current_state(t, UNINTERRUPTIBLE);
		waiter_done(t);
		if
		:: done -> break
		:: else
		fi;
		schedule(t)
	od;
	atomic { late_state[t] = false; task_state[t] = RUNNING }
}

#include "wait_mailbox.pml"
#include "wait_tasks.pml"

/* ---- all of it ---- */

#define asleep(t) (t < tasks && frame[(t) % TASKS] && task_state[(t) % TASKS] != RUNNING)
#define overslept(t) (asleep(t) && w_state[(t) % TASKS] != WAITING)

/* Each message is with one receiver, or gone with the mailbox, or was never sent. */
inline nothing_is_lost() {
	n = 0;
	do
	:: n < messages ->
		assert(place[n] == RECEIVED || place[n] == PURGED || place[n] == UNSENT);
		assert(deliveries[n] <= 1 && (deliveries[n] == 1) == (place[n] == RECEIVED));
		assert(n >= senders || (returned[n % TASKS] == OK) == (place[n] != UNSENT));
		n++
	:: else -> break
	od
}

init {
	byte n;

	atomic {
		c_code { scene = atoi(getenv("SCENE")); breaks = atoi(getenv("BREAK")); };
		choose_scene();
		do
		:: n < messages ->
			place[n] = (n < senders -> MAKING : QUEUED);
			n++
		:: else -> break
		od;
		next_seq = 1;
		if	/* what pollers of before were told */
		:: told = 0
		:: told = IN | OUT
		fi;
		n = 0;
		do
		:: n < tasks ->
			task_state[n] = RUNNING;
			task_refs[n] = 1;
			if
			:: buffered -> run memory(n)
			:: else
			fi;
			if
			:: bit(signalled, n) -> run signaller(n)
			:: else
			fi;
			run task(n);
			n++
		:: else -> break
		od;
		alive = tasks + (polled_for > 0);
		senders_left = senders;
		receivers_left = (tasks - senders);
		if
		:: polled_for -> run poller()
		:: else
		fi
	}
	if
	:: alive == 0
	:: timeout ->	/* nobody can go on: rightly so, if by a signal they can */
		assert(!overslept(0) && !overslept(1) && !overslept(2) && !overslept(3));
		atomic {
			n = 0;
			do
			:: n < tasks -> signal[n] = true; n++
			:: else -> break
			od
		}
		alive == 0
	fi;
	nothing_is_lost()
}

proctype signaller(byte t) {
	if
	:: bit(kills, t) -> killed[t] = true
	:: else
	fi;
	signal[t] = true
}

#ifdef LIVENESS
/* Whoever was given something returns. */
ltl claimed_returns { [] (w_state[1] == CLAIMED -> <> !frame[1]) }
#endif
