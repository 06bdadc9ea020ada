/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Part of wait.pml: those who send, receive and poll, as send.c, receive.c and
 * settle.c let them.
 */

inline frame_goes(t) {
	frame[t] = false;
	w_state[t] = WAITING;
	w_result[t] = GARBAGE;
	w_msg[t] = NONE;
	next_wakeup[t] = NONE;
	done = false;
	claimed = false;
	expired = false;
	result = GARBAGE
}

/* What is not looked at any more makes no difference between states. */
inline forget() {
	other = 0;
	w = 0;
	found = false;
	up = false;
	taken = false;
	stays = false
}

/* ---- the tasks ---- */

/* mbx_mailbox_put_locked(), or else mbx_mailbox_block_locked() */
inline mbx_mailbox_send(t) {
	seq[t] = next_seq;
	next_seq++;
	first_of(other, PENDING, NONE);
	mbx_mailbox_has_taker_locked(t);
	stays = fits(t) && other == NONE;
	if
	:: deaf -> ret = EPIPE; place[t] = UNSENT
	:: else ->
		ret = (stays || (found && whole(WAITERS_FIRST)) -> OK : GARBAGE);
		if
		:: ret == GARBAGE -> place[t] = PENDING; out = out | IN
		:: else
		fi;
		taken = false;
		if
		:: ret == OK || whole(WAITERS_FIRST) -> mbx_mailbox_hand_over_locked(t, stays)
		:: else
		fi;
		if
		:: stays && !taken -> mbx_mailbox_enqueue_locked(t)
		:: else
		fi
	fi
}

inline mbx_mailbox_hand_out_locked(t) {
	place[msg] = IN_HAND;
	staying[msg] = bit(leases, t) && whole(STAYS)
}

/* Copied out under the lock, as that did not have to sleep. */
inline mailbox_deliver() {
	deliveries[msg]++;
	mailbox_retire(msg, RECEIVED);
	msg = NONE
}

/* What the task wants, in hand or delivered; GARBAGE: it has to wait. */
inline mbx_mailbox_take_locked(t) {
	count();
	first_of(msg, QUEUED, t);
	if
	:: msg == NONE && whole(LOOK_AT_PENDING) ->
		first_of(msg, PENDING, t);
		if
		:: msg != NONE && !bit(peekers, t) && !lends(t) -> withheld = true; msg = NONE
		:: else
		fi
	:: else
	fi;
	if
	:: msg == NONE ->
		ret = (ended -> EPIPE : GARBAGE);
		told_end = told_end || (ended && wants_any(t))
	:: msg != NONE && bit(small, t) -> ret = EMSGSIZE; msg = NONE
	:: msg != NONE && !bit(small, t) && bit(peekers, t) -> ret = OK; peeks[msg]++
	:: else ->
		ret = OK;
		if
		:: place[msg] == QUEUED && !bit(leases, t) -> mailbox_deliver()
		:: place[msg] == QUEUED -> mbx_mailbox_hand_out_locked(t)
		:: place[msg] == PENDING ->
			mbx_mailbox_release_sender_locked(msg, OK);
			mbx_mailbox_hand_out_locked(t)
		fi
	fi;
	if
	:: ret == GARBAGE -> findable[t] = true
	:: else
	fi
}

/* After the copy, which was made without the lock: done with, or back to its place. */
inline mbx_mailbox_end_receive(t) {
	if
	:: staying[msg] && !bit(peekers, t) -> staying[msg] = false; mbx_mailbox_lend_locked()
	:: else
	fi;
	if
	:: bit(peekers, t) ->
		peeks[msg]--;
		assert(place[msg] != RECEIVED);
		if
		:: place[msg] == LINGERS && !peeks[msg] -> place[msg] = RECEIVED
		:: else
		fi
	:: !bit(peekers, t) && (ok || (kept && !whole(KILLED_PUT_BACK)) ||
			      (!kept && !whole(FAULT_PUT_BACK))) ->
		assert(place[msg] == IN_HAND);
		deliveries[msg] = deliveries[msg] + ok;
		mailbox_retire(msg, RECEIVED)
	:: else ->
		assert(place[msg] == IN_HAND);
		taken = false;
		if
		:: whole(PUT_BACK_OFFER) -> mbx_mailbox_hand_over_locked(msg, true)
		:: else
		fi;
		if
		:: !taken -> mbx_mailbox_enqueue_locked(msg)
		:: else
		fi
	fi
}

/* The wait ended early: is it claimed? If not, it is withdrawn. */
inline mbx_mailbox_withdraw(t) {
	if
	:: whole(CLAIM_LOCK) -> claimed = (whole(CLAIM_CHECK) && w_state[t] != WAITING)
	:: else
	fi;
	if
	:: !claimed && t < senders && whole(WITHDRAW) -> mailbox_retire(t, UNSENT)
	:: !claimed && t >= senders -> findable[t] = false
	:: else
	fi
}

/* mbx_token_grant() */
inline mbx_token_grant() {
	staying[msg] = true
}

/* The last of its kind closes the handle. */
inline mbx_mailbox_detach(t) {
	if
	:: t < senders ->
		senders_left--;
		send_handle = (senders_left > 0)
	:: else ->
		receivers_left--;
		recv_handle = (receivers_left > 0)
	fi
}

/*
 * One task: a send, mbx_mailbox_send(), or a receive, mbx_mailbox_receive(). Those steps
 * up to DETACH are made with the lock held.
 */
mtype:phase = { GONE, CLAIM, WAIT, DETACH, END, GRANT, WITHDRAWN, BEGIN };

/* mbx_mailbox_wait(), up to the lock. */
inline mbx_mailbox_wait(t) {
	mbx_waiter_sleep(t);
	atomic {
		if
		:: ret == OK -> ret = result; copy_or_leave(t)
		:: else ->
			claimed = (!whole(CLAIM_LOCK) && w_state[t] != WAITING);
			step = WITHDRAWN
		fi
	}
}

/* What was handed over is reported, whatever came meanwhile. */
inline mbx_mailbox_claimed(t) {
	if
	:: whole(SLEEP_CLAIMED) -> mbx_waiter_sleep_claimed(t)
	:: else -> waiter_done(t)
	fi;
	atomic { ret = result; copy_or_leave(t) }
}

/* What was received is copied out. That may fault, the task may be killed, or die. */
inline copy_or_leave(t) {
	assert(ret != GARBAGE);
	if
	:: t >= senders && ret == OK && msg != NONE ->
		kept = killed[t] && waited && !bit(peekers, t);
		if
		:: bit(faults, t) || kept -> ok = false
		:: !kept -> ok = true
		fi;
		step = (bit(leases, t) -> GRANT : END)
	:: else ->
		returned[t] = ret;
		step = DETACH
	fi;
	frame_goes(t)
}

/* After the unlock and the wake-ups. */
inline go_on(t) {
	out = 0;
	early = false;
	saw_head = false;
	last = NONE;
	if
	:: step == BEGIN && ret == GARBAGE -> waited = true; step = WAIT
	:: step == BEGIN && ret != GARBAGE -> copy_or_leave(t)
	:: step == WITHDRAWN && claimed -> step = CLAIM
	:: step == WITHDRAWN && !claimed -> msg = NONE; copy_or_leave(t)
	:: step == GRANT -> step = END
	:: step == END -> msg = NONE; step = DETACH
	:: step == DETACH ->
		task_refs[t]--;
		alive--;
		step = GONE
	fi
}

proctype task(byte t) {
	byte first = NONE, last = NONE, msg = NONE;
	byte other, w, out;
	bool taken, found, up, done, claimed, expired, early, saw_head;
	bool stays, ok, kept, waited, wakes;
	mtype:error ret = OK, result = GARBAGE;
	mtype:phase step = BEGIN;

	mbx_waiter_init(t);
	do
	:: step == GONE -> break
	:: step == WAIT -> mbx_mailbox_wait(t)
	:: step == CLAIM -> mbx_mailbox_claimed(t)
	:: atomic {
		step != GONE && step != WAIT && step != CLAIM && !locked ->
		mbx_mailbox_begin();
		if
		:: step == BEGIN && t < senders -> mbx_mailbox_send(t)
		:: step == BEGIN && t >= senders -> mbx_mailbox_take_locked(t)
		:: step == WITHDRAWN -> mbx_mailbox_withdraw(t)
		:: step == GRANT -> mbx_token_grant()
		:: step == END -> mbx_mailbox_end_receive(t)
		:: step == DETACH -> mbx_mailbox_detach(t)
		fi;
		mailbox_settle((step != END || whole(ADMIT)) &&
			       (step != WITHDRAWN || whole(ADMIT_AFTER_WITHDRAW)));
		unlock();
		forget();
		if
		:: first == NONE && !(out & polled_for) -> go_on(t)
		:: else -> wakes = true
		fi
	   }
	   if
	   :: wakes ->
		mbx_wakeups_run();
		atomic {
			poll_wake();
			wakes = false;
			go_on(t)
		}
	   :: else
	   fi
	od
}

/*
 * Somebody who polls, and then does not wait. The entry on the wait queue is out when
 * the lock is given back, at the latest.
 */
inline mbx_mailbox_poll() {
	atomic {
		!locked -> locked = true;
		count();
		if
		:: whole(POLL_TOLD) -> told = events
		:: else
		fi;
		ready = events & polled_for;
		poller_locks = true;
		late_unlock = true
	}
}

proctype poller() {
	byte ready;

	if
	:: whole(POLL_FIRST) -> late_head = true
	:: else
	fi;
	if
	:: whole(POLL_LOCK) -> mbx_mailbox_poll()
	:: else -> atomic { count(); ready = events & polled_for }
	fi;
	if
	:: !whole(POLL_FIRST) -> late_head = true
	:: else
	fi;
	if
	:: ready
	:: !ready -> poller_woken
	fi;
	atomic {
		late_head = false;
		on_head = false;
		alive--
	}
}
