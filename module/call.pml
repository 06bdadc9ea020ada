/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls and tokens as call.c, token.c and file.c let them live and end, for spin; `make
 * model` checks it. Each inline is named after the function that it stands for. The wait
 * itself is in wait.pml: here who is claimed goes on, some time.
 *
 * One call. Its caller waits, is interrupted, resumes, gives up, leaves. A thread of the
 * server receives and answers, another one answers too, a third closes their last
 * descriptor; the file stays open elsewhere for a while. What is done with the lock held is
 * one step. SCENE and BREAK as in wait.pml.
 */

c_decl {
\#include <stdlib.h>
}

mtype:where = { QUEUED, IN_HAND, GONE };
mtype:error = { NONE, OK, EPIPE, ECONNRESET, EFAULT, ESRCH, LEFT };

/* What can be taken out, and the scene that is to fail then. */
#define CALLER_REFERENCE 1	/* ANSWERS: the caller has none of its own */
#define CLAIM_CHECK	2	/* ANSWERS: who leaves does not look whether it was claimed */
#define TOKEN_DEL	3	/* ANSWERS: a reply leaves the token there while it is written */
#define STALE_AT_END	4	/* ANSWERS: nor looks whether the caller left meanwhile */
#define PUT_BACK_STALE	5	/* ANSWERS: a stale request goes back to its place */
#define ORPHAN_MARK	6	/* ANSWERS: nothing tells that a request is stale */
#define HAND_IN_STALE	7	/* ANSWERS: it is counted as if it were not */
#define HANDLE_USED	8	/* CLOSES: what was given after the close stays */
#define GIVE_UP		9	/* CLOSES: the close gives nothing up */
#define LEAVE_IN_HAND	10	/* ANSWERS: a request that somebody has is withdrawn */
#define RETIRE_ENDS	11	/* ANSWERS: the end of a request is not that of its call */
#define END_ONCE	12	/* ANSWERS: an end does not look whether there was one */
#define RESUME_OVER	13	/* ANSWERS: a call that is over is waited for */
#define FAULT_TOKEN	14	/* ANSWERS: a reply that faults takes the token along */
#define SUSPEND_REPLY	15	/* ANSWERS: a reply that could not be copied is forgotten */
#define CLOSE_BIT	16	/* CLOSES: an operation knows of a close by a count since it began */

hidden byte breaks;
#define whole(part)	(breaks != part)

/* The scenes. */
#define ANSWERS	0	/* scene, live: the server lives */
#define CLOSES	1	/* scene: its last descriptor is closed, at any time */

hidden byte scene;

/* struct mbx_call */
byte refs;
bool open;			/* @request is not NULL */
bool waiter;			/* @waiter is not NULL */
bool tagged;			/* it is in mb->calls */
bool numbered;
bool abandoned;
mtype:error result = NONE;
bool filled;			/* @reply */
byte filling;

/* Its request, and what the mailbox counts. */
mtype:where place = GONE;
bool has_token;
byte in_hand, lingering, tokens, stale, calls;

/* The server's handle, and who uses it. */
byte closes;			/* and, but for CLOSE_BIT, whether there were any by who asks */
bool closed;
byte users;

bool claimed;			/* the caller */
bool caller_gone;
bool answered;			/* the server was told so */
bool over;			/* when the caller gave it up, all was over */
mtype:error got = NONE;		/* what the caller was told */

#define held	(place == IN_HAND)

/* ---- call.c ---- */

inline mbx_call_put() {
	assert(refs > 0);
	refs--
}

inline mbx_call_end_locked(outcome) {
	if
	:: open || !whole(END_ONCE) ->
		assert(calls > 0);
		open = false;
		calls--;
		result = outcome;
		if
		:: waiter -> claimed = true
		:: else
		fi;
		waiter = false
	:: else
	fi
}

/* ---- transfer.c ---- */

/* The caller of this puts the request's reference, after the unlock. */
inline mbx_mailbox_retire_locked() {
	if
	:: whole(RETIRE_ENDS) -> mbx_call_end_locked(ECONNRESET)
	:: else
	fi;
	place = GONE;
	forget = true
}

inline mailbox_hand_in() {
	assert(place == IN_HAND);
	if
	:: abandoned && whole(HAND_IN_STALE) -> assert(lingering > 0); lingering--
	:: else -> assert(in_hand > 0); in_hand--
	fi
}

inline mbx_mailbox_put_back_locked() {
	mailbox_hand_in();
	if
	:: abandoned && whole(PUT_BACK_STALE) -> mbx_mailbox_retire_locked()
	:: else -> place = QUEUED
	fi
}

inline mbx_mailbox_finish_locked() {
	mailbox_hand_in();
	mbx_mailbox_retire_locked()
}

inline mbx_mailbox_orphan_locked() {
	assert(in_hand > 0);
	in_hand--;
	lingering++;
	abandoned = whole(ORPHAN_MARK)
}

/* After the unlock. */
inline mbx_call_forget() {
	if
	:: forget -> atomic { mbx_call_put(); forget = false }
	:: else
	fi
}

/* ---- token.c ---- */

inline token_add() {
	has_token = true;
	tokens++;
	stale = stale + abandoned
}

inline token_del() {
	assert(has_token && tokens > 0);
	has_token = false;
	tokens--;
	assert(stale >= abandoned);
	stale = stale - abandoned
}

inline mbx_token_give_up() {
	atomic {
		if
		:: has_token -> token_del(); mbx_mailbox_finish_locked()
		:: else
		fi
	}
	mbx_call_forget()
}

inline mbx_token_undo() {
	atomic {
		if
		:: has_token -> token_del(); mbx_mailbox_put_back_locked()
		:: else
		fi
	}
	mbx_call_forget()
}

inline mbx_token_finish() {
	atomic {
		if
		:: has_token -> token_del(); mbx_mailbox_finish_locked()
		:: has_token -> token_del(); mbx_mailbox_put_back_locked()
		:: else
		fi
	}
	mbx_call_forget()
}

/* The slot is written without the lock: to be there, and nobody else's. */
inline mbx_msg_fill() {
	atomic { assert(refs > 0 && !filling && !filled); filling++ }
	if
	:: ret = OK
	:: ret = EFAULT
	fi;
	atomic { assert(refs > 0); filling--; filled = (ret == OK) }
}

inline mbx_token_reply() {
	atomic {	/* token_begin_reply() */
		if
		:: !has_token -> ret = ESRCH
		:: has_token && abandoned ->
			ret = EPIPE;
			token_del();
			mbx_mailbox_finish_locked()
		:: else ->
			ret = NONE;
			if
			:: whole(TOKEN_DEL) -> token_del()
			:: else
			fi
		fi
	}
	mbx_call_forget();
	if
	:: ret == NONE ->
		mbx_msg_fill();
		atomic {	/* token_end_reply() */
			if
			:: ret == EFAULT && whole(FAULT_TOKEN) -> token_add()
			:: ret == EFAULT && !whole(FAULT_TOKEN)
			:: else ->
				if
				:: !abandoned || !whole(STALE_AT_END) -> answered = true
				:: else
				fi;
				mbx_call_end_locked(OK);
				mbx_mailbox_finish_locked()
			fi
		}
		mbx_call_forget()
	:: else
	fi
}

/* ---- file.c ---- */

/* After each operation, which a descriptor was needed for before it began. */
inline mbx_handle_used() {
	if
	:: closes != (whole(CLOSE_BIT) -> 0 : seen_closes) && tokens && closed &&
	   whole(HANDLE_USED) -> mbx_token_give_up()
	:: else
	fi
}

inline finish_ioctl() {
	go = !closed;
	if
	:: go ->
		seen_closes = closes;
		if
		:: true -> mbx_token_reply()
		:: true -> mbx_token_finish()
		fi;
		mbx_handle_used()
	:: else
	fi
}

inline receive() {
	atomic {	/* mbx_mailbox_receive() */
		go = (place == QUEUED);
		if
		:: go -> place = IN_HAND; in_hand++
		:: else
		fi
	}
	if	/* the copy faults, or it does not */
	:: !go
	:: go ->
		atomic { mbx_mailbox_put_back_locked() }
		mbx_call_forget()
	:: go ->
		atomic { token_add() }	/* mbx_token_grant() */
		if
		:: true
		:: true -> mbx_token_undo()	/* the header could not be written */
		fi
	fi
}

/* A receive, and an answer. What went back to its place is received again. */
proctype receiver() {
	bool forget, go;
	byte seen_closes;
	mtype:error ret;

	do
	:: place == QUEUED && !closed ->
		seen_closes = closes;
		receive();
		mbx_handle_used();
		finish_ioctl()
	:: atomic { closed || (caller_gone && place == GONE) -> break }
	:: atomic { has_token && !closed -> skip }
		finish_ioctl()
	od;
	users--
}

/* Another thread guesses the token. */
proctype finisher() {
	bool forget, go;
	byte seen_closes;
	mtype:error ret;

	finish_ioctl();
	users--
}

/* mbx_file_flush(): the descriptor is out of the table by then. */
proctype closer() {
	bool forget, holds;

	closed = true;
	atomic {
		closes++;
		holds = (tokens > 0)
	}
	if
	:: holds && whole(GIVE_UP) -> mbx_token_give_up()
	:: else
	fi;
	users--
}

/* ---- the caller ---- */

inline call_abandon_locked() {
	waiter = false;
	tagged = false;
	if
	:: !open
	:: open && !(held && whole(LEAVE_IN_HAND)) -> mbx_mailbox_retire_locked()
	:: else ->
		mbx_mailbox_orphan_locked();
		mbx_call_end_locked(EPIPE);
		stale = stale + (has_token && abandoned)
	fi
}

inline call_suspend_locked() {
	waiter = false;
	tagged = true;
	numbered = true
}

inline mbx_mailbox_abandon() {
	atomic {
		assert(refs > 0);
		over = !open;
		call_abandon_locked()
	}
	mbx_call_forget();
	if
	:: whole(CALLER_REFERENCE) -> mbx_call_put()
	:: else
	fi;
	got = LEFT;
	step = 3
}

/* mbx_waiter_sleep() and call_wait(): the end, a deadline, or a signal. */
inline call_wait() {
	if
	:: claimed -> step = 2
	:: true ->
		atomic {
			if
			:: claimed && whole(CLAIM_CHECK) -> step = 2
			:: !(claimed && whole(CLAIM_CHECK)) ->
				over = false;
				call_abandon_locked();
				step = 4
			:: !(claimed && whole(CLAIM_CHECK)) && (held || numbered) && signals ->
				signals--;
				call_suspend_locked();
				step = 1
			fi
		}
		mbx_call_forget()
	fi
}

/* call_conclude(): a reply is copied, or that faults. */
inline call_conclude() {
	if
	:: atomic { result == OK && faults && whole(SUSPEND_REPLY) ->
		faults--;
		call_suspend_locked();
		step = 1 }
	:: atomic { result == OK && faults && !whole(SUSPEND_REPLY) -> faults--; step = 4 }
	:: true ->
		atomic {
			assert(refs > 0);
			assert(result != NONE && (result != OK || filled));
			got = result;
			if
			:: whole(CALLER_REFERENCE) -> mbx_call_put()
			:: else
			fi;
			step = 3
		}
	fi
}

proctype caller() {
	bool forget;
	byte step, signals = 2, faults = 1;

	do
	:: step == 0 -> call_wait()
	:: step == 1 ->
		if
		:: true -> mbx_mailbox_abandon()
		:: atomic { true ->	/* mbx_mailbox_resume() */
			assert(refs > 0);
			tagged = false;
			claimed = false;
			if
			:: open || !whole(RESUME_OVER) -> waiter = true; step = 0
			:: else -> step = 2
			fi }
		fi
	:: step == 2 -> call_conclude()
	:: step == 4 ->		/* it is given up, and that is told */
		if
		:: whole(CALLER_REFERENCE) -> mbx_call_put()
		:: else
		fi;
		got = LEFT;
		step = 3
	:: step == 3 -> break
	od;
	caller_gone = true
}

init {
	bool forget;

	atomic {
		c_code { scene = atoi(getenv("SCENE")); breaks = atoi(getenv("BREAK")); };
		/* mbx_mailbox_call() */
		refs = 1 + whole(CALLER_REFERENCE);
		place = QUEUED;
		open = true;
		waiter = true;
		calls = 1;
		users = 2 + (scene == CLOSES);
		run caller();
		run receiver();
		run finisher();
		if
		:: scene == CLOSES -> run closer()
		:: else
		fi
	}
	users == 0;
	/* Who is gone owes nothing. What was not received then, ends with the file. */
	assert(!closed || !has_token);
	atomic {
		if
		:: place == QUEUED ->
			mbx_call_end_locked(EPIPE);
			mbx_mailbox_retire_locked()
		:: else
		fi
	}
	mbx_call_forget();
	caller_gone;
	assert(place == GONE && refs == 0 && !open && !filling);
	assert(!in_hand && !lingering && !tokens && !stale && !calls);
	/* Who was told that an answer arrived, was told the truth. */
	assert(!answered || got == OK || over)
}

#ifdef LIVENESS
/* Who waits learns the end. */
ltl caller_returns { [] (claimed -> <> caller_gone) }
#endif
