/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The passes over the messages of blocked senders, as settle.c does them in pieces, for
 * spin; `make model` checks it. In wait.pml they are one step.
 *
 * A mailbox that is full, but for tokens: a message goes from a blocked sender to a
 * receiver that waits for its type, if there is room for one more token. Senders and
 * receivers come, tokens end, at any time; each hold of the lock is one step, in which a
 * pass goes by one message. One of the receivers is not scheduled any more, perhaps, at
 * some unlock: all others must get on without it. SCENE and BREAK as in wait.pml.
 */

c_decl {
\#include <stdlib.h>
}

/* What can be taken out, and the scene that is to fail then. */
#define FROM_THE_START	1	/* PASSES: a pass begins where the one before it ended */
#define NEXT_PASS	2	/* PASSES: who asks is content with the pass that is on */
#define PASS_DUE	3	/* PASSES: a token that ends does not look whether one is due */
#define WITHHELD	4	/* PASSES: nor whether something is withheld */
#define WAITER_ASKS	5	/* PASSES: a receiver asks for no pass */
#define SEES_TO_IT	6	/* PASSES: who asks leaves after one hold */

hidden byte breaks;
#define whole(part)	(breaks != part)

#define PASSES	0	/* scene: two senders are blocked, one comes; two receivers, two tokens */

hidden byte scene;

#define MESSAGES	3	/* by their place in the order */
#define TYPES		2
#define MAX_TOKENS	1

/* The mailbox. */
byte tokens = 1;
bool pending[MESSAGES];
byte type[MESSAGES];
byte seq[MESSAGES];
byte next_seq = 1;
byte waiting[TYPES];		/* receivers that want it */
bool withheld, lend, walk;
byte lend_from, lend_end, passes, passes_due;

bool stalled;			/* somebody is */

/* Of whoever holds the lock. */
hidden byte n_;
hidden byte found;

#define lends		(tokens < MAX_TOKENS)
#define wanted(m)	(waiting[type[m]] > 0)

/* Whether somebody waits who would take it: otherwise he is withheld from it. */
inline mbx_mailbox_has_taker_locked(m) {
	found = wanted(m) && lends;
	withheld = withheld || (wanted(m) && !lends)
}

inline mbx_mailbox_hand_over_locked(m) {
	mbx_mailbox_has_taker_locked(m);
	if
	:: found -> waiting[type[m]]--; tokens++
	:: else
	fi
}

inline mbx_mailbox_lend_locked() {
	if
	:: (withheld && whole(WITHHELD)) || (passes < passes_due && whole(PASS_DUE)) ->
		withheld = false;
		lend = true
	:: else
	fi
}

/* One message further, if there is a pass to be seen to. */
inline mailbox_lend(pass, again) {
	if
	:: lend ->
		lend = false;
		pass = passes + (walk && whole(NEXT_PASS) -> 2 : 1);
		passes_due = pass
	:: else
	fi;
	again = false;
	if
	:: passes < pass ->
		if
		:: !walk ->
			walk = true;
			lend_from = (whole(FROM_THE_START) -> 0 : lend_from);
			lend_end = next_seq
		:: else
		fi;
		do
		:: lend_from < MESSAGES && !pending[lend_from] -> lend_from++
		:: else -> break
		od;
		if
		:: lend_from == MESSAGES -> walk = false; passes++
		:: else ->
			if
			:: seq[lend_from] < lend_end ->
				mbx_mailbox_hand_over_locked(lend_from);
				pending[lend_from] = !found
			:: else
			fi;
			lend_from++
		fi;
		again = passes < pass && whole(SEES_TO_IT)
	:: else
	fi
}

/* After the first hold, in which the caller has done something. */
inline mbx_mailbox_end(may_stall) {
	do
	:: again && may_stall && !stalled ->
		stalled = true;
end_stalled:	false
	:: atomic { again -> mailbox_lend(pass, again) }
	:: else -> break
	od
}

proctype sender(byte m; byte t) {
	byte pass;
	bool again;

	atomic {
		type[m] = t;
		seq[m] = next_seq;
		next_seq++;
		mbx_mailbox_hand_over_locked(m);
		pending[m] = !found;
		mailbox_lend(pass, again)
	}
	mbx_mailbox_end(false)
}

/* It waits for a type; first it looks at the first message of that itself. */
proctype receiver(byte t) {
	byte pass;
	bool again;

	atomic {
		n_ = 0;
		do
		:: n_ < MESSAGES && !(pending[n_] && type[n_] == t) -> n_++
		:: else -> break
		od;
		if
		:: n_ < MESSAGES && lends -> pending[n_] = false; tokens++
		:: else ->
			waiting[t]++;
			if
			:: n_ < MESSAGES && whole(WAITER_ASKS) ->
				withheld = true;
				mbx_mailbox_lend_locked()
			:: else
			fi
		fi;
		mailbox_lend(pass, again)
	}
	mbx_mailbox_end(true)
}

/* Who has a token, of before or of what was received meanwhile, ends it. */
proctype finisher() {
	byte pass;
	bool again;

end_none:
	atomic {
		tokens > 0;
		tokens--;
		mbx_mailbox_lend_locked();
		mailbox_lend(pass, again)
	}
	mbx_mailbox_end(false)
}

init {
	byte t;

	atomic {
		c_code { scene = atoi(getenv("SCENE")); breaks = atoi(getenv("BREAK")); };
		/* Two are blocked already; the third comes first in the order. */
		pending[1] = true;
		type[1] = 1;
		pending[2] = true;
		select(t : 0 .. 1);
		run sender(0, t);
		run receiver(0);
		run receiver(1);
		run finisher();
		run finisher()
	}
	/* Nobody can go on but who is stalled: nothing lies there that could be had. */
	timeout;
	assert(!lends || !(pending[0] && wanted(0)));
	assert(!lends || !(pending[1] && wanted(1)));
	assert(!lends || !(pending[2] && wanted(2)))
}
