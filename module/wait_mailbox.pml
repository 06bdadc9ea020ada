/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Part of wait.pml: the mailbox, as transfer.c and settle.c have it.
 */

/* ---- what there is ---- */

#define wants_any(t)	(digit(selects, (t) - senders) == 0)
#define wants(t, m)	(wants_any(t) || digit(selects, (t) - senders) == digit(types, m) + 1)

/* Counted anew whenever they are needed, and after all choices of a step. */
hidden byte held, held_bytes, queued, pending, in_hand, tokens, n_;

inline count() {
	d_step {
		held = 0;
		held_bytes = 0;
		queued = 0;
		pending = 0;
		in_hand = 0;
		tokens = 0;
		n_ = 0;
		do
		:: n_ < messages ->
			if
			:: place[n_] == QUEUED || place[n_] == IN_HAND || place[n_] == LINGERS ->
				held++;
				held_bytes = held_bytes + len(n_)
			:: else
			fi;
			queued = queued + (place[n_] == QUEUED);
			pending = pending + (place[n_] == PENDING);
			in_hand = in_hand + (place[n_] == IN_HAND);
			tokens = tokens + staying[n_];
			n_++
		:: else -> break
		od;
		n_ = 0
	}
}

#define fits(m)		(held < max_messages && held_bytes + len(m) <= max_bytes)
#define lends(t)	(!bit(leases, t) || tokens < max_messages)
#define deaf		(!recv_handle)
#define ended		(!send_handle && (!whole(ENDED_IN_HAND) || in_hand == 0))
#define nothing_comes	(!send_handle && in_hand == 0 && queued == 0 && pending == 0)
#define events		((queued + pending > 0 || ended -> IN : 0) | \
			 (held < max_messages || deaf -> OUT : 0))

/* The first in a place, NONE if there is none; @t: of those that it wants. */
inline first_of(found, p, t) {
	d_step {
		found = NONE;
		n_ = 0;
		do
		:: n_ < messages ->
			if
			:: place[n_] == p && (t == NONE || wants(t, n_)) &&
			   (found == NONE || seq[n_] < seq[found % MESSAGES]) -> found = n_
			:: else
			fi;
			n_++
		:: else -> break
		od;
		n_ = 0
	}
}

/* ---- transfer.c ---- */

inline mailbox_retire(m, where) {
	if
	:: peeks[m] && whole(LINGER) -> place[m] = LINGERS
	:: else -> place[m] = where
	fi
}

/* One waiter is asked: it has no room, only looks, or takes the message. */
inline hand_over_to(w, m, may_stay) {
	if
	:: !(may_stay) && !bit(peekers, w) && !lends(w) -> withheld = true
	:: else ->
		if
		:: whole(WAITERS_DEL) -> findable[w] = false
		:: else
		fi;
		mbx_waiter_claim(w, (bit(small, w) -> EMSGSIZE : OK),
				 (bit(small, w) -> NONE : m));
		if
		:: bit(small, w) -> taken = !whole(SMALL_GOES_ON)
		:: !bit(small, w) && bit(peekers, w) ->
			peeks[m]++;
			taken = !whole(PEEK_GOES_ON)
		:: else ->
			place[m] = IN_HAND;
			staying[m] = bit(leases, w) && whole(STAYS);
			taken = true
		fi
	fi
}

/* Who is asked first is left open: who came first, or last. */
inline mbx_mailbox_hand_over_locked(m, may_stay) {
	count();
	taken = false;
	w = (up -> senders : tasks - 1);
	do
	:: !taken && w >= senders && w < tasks ->
		if
		:: findable[w] && wants(w, m) -> hand_over_to(w, m, may_stay)
		:: else
		fi;
		w = (up -> w + 1 : w - 1)
	:: else -> break
	od;
	w = 0
}

inline mbx_mailbox_enqueue_locked(m) {
	place[m] = QUEUED;
	assert(!told_end);
	out = out | IN
}

inline hand_over_or_enqueue(m) {
	mbx_mailbox_hand_over_locked(m, true);
	if
	:: !taken -> mbx_mailbox_enqueue_locked(m)
	:: else
	fi
}

/* Gives found: whether somebody waits who would take a message; or may not, as it stays. */
inline mbx_mailbox_has_taker_locked(m) {
	count();
	d_step {
		found = false;
		n_ = senders;
		do
		:: n_ < tasks ->
			if
			:: findable[n_] && wants(n_, m) && !bit(peekers, n_) ->
				found = found || (lends(n_) && !bit(small, n_));
				withheld = withheld || !lends(n_)
			:: else
			fi;
			n_++
		:: else -> break
		od;
		n_ = 0
	}
}

inline mbx_mailbox_release_sender_locked(m, outcome) {
	if
	:: whole(RELEASE_SENDER) || outcome != OK -> mbx_waiter_claim(m, outcome, NONE)
	:: else
	fi
}

/* ---- settle.c ---- */

inline mbx_mailbox_admit_locked() {
	do
	:: first_of(other, PENDING, NONE);
		count();
		if
		:: other == NONE -> break
		:: other != NONE && !fits(other) -> break
		:: else
		fi;
		mbx_mailbox_release_sender_locked(other, OK);
		hand_over_or_enqueue(other)
	od
}

/* There may be room for a token where was none. */
inline mbx_mailbox_lend_locked() {
	if
	:: withheld && whole(LEND) -> withheld = false; lend = true
	:: else
	fi
}

inline mailbox_lend() {
	if
	:: lend ->
		lend = false;
		other = 0;
		do
		:: other < senders ->
			mbx_mailbox_has_taker_locked(other);
			if
			:: place[other] == PENDING && found ->
				mbx_mailbox_release_sender_locked(other, OK);
				mbx_mailbox_hand_over_locked(other, false)
			:: else
			fi;
			other++
		:: else -> break
		od
	:: else
	fi
}

inline mailbox_purge() {
	other = 0;
	do
	:: other < messages ->
		if
		:: place[other] == PENDING && whole(PURGE) ->
			mbx_mailbox_release_sender_locked(other, EPIPE);
			mailbox_retire(other, UNSENT)
		:: place[other] == QUEUED -> mailbox_retire(other, PURGED)
		:: else
		fi;
		other++
	:: else -> break
	od
}

inline mailbox_refuse_receivers() {
	other = senders;
	do
	:: other < tasks ->
		if
		:: findable[other] ->
			findable[other] = false;
			told_end = told_end || wants_any(other);
			mbx_waiter_claim(other, EPIPE, NONE)
		:: else
		fi;
		other++
	:: else -> break
	od
}

/* No receiver waits for what is there, no sender for room that is there. */
inline nobody_stays_behind() {
	first_of(other, PENDING, NONE);
	count();
	d_step {
		assert(other == NONE || (!fits(other) && !deaf));
		assert(tokens <= max_messages);
		n_ = 0;
		do
		:: n_ < (tasks - senders) * messages ->
			assert(!findable[senders + n_ / messages] ||
			       !wants(senders + n_ / messages, n_ % messages) ||
			       (place[n_ % messages] != QUEUED &&
				(place[n_ % messages] != PENDING ||
				 !(lends(senders + n_ / messages) ||
				   bit(peekers, senders + n_ / messages)))));
			assert(!nothing_comes || !findable[senders + n_ / messages]);
			n_++
		:: else -> break
		od;
		n_ = 0
	}
}

inline mailbox_settle(admits) {
	if
	:: admits -> mbx_mailbox_admit_locked()
	:: else
	fi;
	mailbox_lend();
	if
	:: deaf -> mailbox_purge()
	:: else
	fi;
	count();
	if
	:: ended && whole(REFUSE_RECEIVERS) -> mailbox_refuse_receivers()
	:: else
	fi;
	nobody_stays_behind();
	if
	:: saw_head || on_head ->
		out = out | (events & ~told);
		told = events
	:: else
	fi
}

/*
 * MBX_POLL: the look for pollers, which is made after the unlock, may have been made
 * at any time since the lock was taken.
 */
inline mbx_mailbox_begin() {
	locked = true;
	first = NONE;
	last = NONE;
	out = 0;
	saw_head = on_head;
	if
	:: polled_for -> early = true
	:: early = false
	fi;
	if	/* in which order waiters are asked */
	:: findable[0] + findable[1] + findable[2] + findable[3] > 1 -> up = false
	:: up = true
	fi
}

inline poll_wake() {
	if
	:: (out & polled_for) && early && saw_head -> poller_woken = true
	:: (out & polled_for) && !early && on_head -> poller_woken = true
	:: else
	fi
}

inline unlock() {
	if
	:: buffered -> late_unlock = true
	:: !buffered -> locked = false
	fi
}
