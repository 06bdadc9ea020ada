/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A call, or a synchronous send, brought to the moment at which a test
 * interrupts it, and from there to its end.
 */
#ifndef MBOX_INTERRUPT_H
#define MBOX_INTERRUPT_H

#include "mbox_call.h"
#include "mbox_halt.h"

/* What it is that the peer waits for. */
enum moment {
	BLOCKED,	/* room in the mailbox */
	QUEUED,		/* somebody to take the request */
	IN_HAND,	/* its copy to the receiver, which is stalled */
	DELIVERED,	/* an answer */
	ANSWERED,	/* a CPU, to tell that it is over */
};

#define REQUEST		42
#define IN_THE_WAY	100
#define REPLY		4242

struct talk {
	int s, r;		/* one message fits */
	enum moment moment;
	bool sync;		/* a send, not a call */
	bool in_cgroup;		/* the peer is in a control group of its own */
	struct peer *p;		/* calls, or sends, REQUEST */
	struct peer *server;	/* IN_HAND: receives it */
	struct stall stall;
	__u32 token;
	__u64 user_bytes;	/* before */
};

static inline bool talk_init(struct talk *t, enum moment at, bool sync)
{
	t->moment = at;
	t->sync = sync;
	if (mb_create_ends(1, &t->r, &t->s))
		return false;
	t->user_bytes = user_bytes();
	t->p = sync ? peer_sync(t->s, 0, 0, REQUEST) : peer_call(t->s, 0, 0, REQUEST);
	t->p->pin = 1;
	return true;
}

static inline bool talk_in_hand(struct talk *t)
{
	t->server = peer_recv(t->r);
	if (!stall_init(&t->stall))
		return false;
	t->server->args.buf = (unsigned long)t->stall.page;
	return peer_start(t->server) && stalled(&t->stall);
}

/* Receive the request, by now or soon in the mailbox; its number. */
static inline long talk_receive(struct talk *t)
{
	__u32 number = 0;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.deadline = mb_in(20 * NSEC_PER_SEC),
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};
	int ret = mb_recv(t->r, &args);

	t->token = args.out_token;
	return ret ?: (long)number;
}

/* What the receiver of IN_HAND got. */
static inline long talk_join_server(struct talk *t)
{
	long ret = peer_join(t->server);

	t->token = t->server->args.out_token;
	return ret ?: (long)*(__u32 *)t->stall.page;
}

/* From ANSWERED on the peer does not run before talk_go_on(). */
static inline bool talk_reach(struct talk *t, bool process)
{
	if (t->moment == BLOCKED && num_send(t->s, 0, 0, IN_THE_WAY))
		return false;
	if (!(process ? peer_fork(t->p) : peer_start(t->p)) ||
	    !calls_open(t->r, 1) || (t->in_cgroup && cgroup_make(t->p->tid)))
		return false;
	switch (t->moment) {
	case BLOCKED:
		return senders_blocked(t->r, 1);
	case QUEUED:
		return mb_messages(t->r) == 1;
	case IN_HAND:
		return talk_in_hand(t);
	case DELIVERED:
		return talk_receive(t) == REQUEST;
	case ANSWERED:
		if (!peer_sleeps(t->p) || cpu_seize() ||
		    talk_receive(t) != REQUEST)
			return false;
		return t->sync || !num_reply(t->r, t->token, REPLY);
	}
	return false;
}

static inline bool talk_go_on(struct talk *t)
{
	return t->moment != ANSWERED || !cpu_release();
}

/* Whether a receiver had the request, but no answer was given. */
static inline bool talk_is_open(const struct talk *t)
{
	return t->moment == IN_HAND || t->moment == DELIVERED;
}

/* Whether the request was where it can be taken back. */
static inline bool talk_is_outside(const struct talk *t)
{
	return t->moment == BLOCKED || t->moment == QUEUED;
}

/* Answer, wherever it stands; the peer goes on. */
static inline int talk_answer(struct talk *t)
{
	long number = REQUEST;

	if (t->moment == ANSWERED)
		return 0;
	if (t->moment == BLOCKED && num_recv(t->r) != IN_THE_WAY)
		return -ENOMSG;
	if (talk_is_outside(t))
		number = talk_receive(t);
	else if (t->moment == IN_HAND)
		number = stall_end(&t->stall) ? talk_join_server(t) : -EIO;
	if (number != REQUEST)
		return number < 0 ? number : -EBADMSG;
	return t->sync ? 0 : num_reply(t->r, t->token, REPLY);
}

/* What the peer got: REPLY, or 0 of a send; or minus errno. */
static inline long talk_result(struct talk *t)
{
	return t->sync ? peer_join(t->p) : peer_reply(t->p);
}

static inline long talk_good_result(struct talk *t)
{
	return t->sync ? 0 : REPLY;
}

/* Everything is over, the request was received once, and nothing is left. */
static inline bool talk_is_over(struct talk *t)
{
	return all_over(t->r) &&
	       mb_stat_of(t->r).received == 1 + (t->moment == BLOCKED) &&
	       num_recv(t->r) == -EAGAIN && user_bytes() == t->user_bytes;
}

/*
 * Whether the peer is gone for good: a request that nobody had is away, of one
 * that was received the server learns that nobody waits for its answer.
 */
static inline bool talk_is_given_up(struct talk *t)
{
	if (t->moment == BLOCKED && num_recv(t->r) != IN_THE_WAY)
		return false;
	if (t->moment == IN_HAND &&
	    (!stall_end(&t->stall) || talk_join_server(t) != REQUEST))
		return false;
	if (talk_is_open(t) && !t->sync &&
	    (mb_fdinfo(t->r, "mbox-stale-tokens") != 1 || !(poll_now(t->r) & POLLPRI) ||
	     num_reply(t->r, t->token, REPLY) != -EPIPE ||
	     num_reply(t->r, t->token, REPLY) != -ESRCH ||
	     poll_now(t->r) & POLLPRI))
		return false;
	return all_over(t->r) && num_recv(t->r) == -EAGAIN &&
	       user_bytes() == t->user_bytes;
}

/* Killed, whatever it was at, nothing of it is left. */
static inline bool talk_is_gone(struct talk *t)
{
	return t->moment == ANSWERED ? talk_is_over(t) : talk_is_given_up(t);
}

/* A call with the same struct, or what has become of it, by another thread. */
static inline struct peer *call_again(const struct peer *p)
{
	struct peer *again = peer_new(p->fd, NULL);

	again->cmd = p->cmd;
	again->args = p->args;
	if (p->args.reply_buf)
		again->args.reply_buf = (unsigned long)again->data + 8;
	return again;
}

/* ---- signal handlers that take their time ---- */

static int handler_may_end;

static inline void signal_hold(int sig)
{
	signal_count(sig);
	while (!__atomic_load_n(&handler_may_end, __ATOMIC_ACQUIRE))
		mb_poll_pause();
}

static inline int signal_handle_slowly(int sig, int flags)
{
	struct sigaction action = {
		.sa_handler = signal_hold,
		.sa_flags = flags,
	};

	return sigaction(sig, &action, NULL);
}

static inline void handler_end(void)
{
	__atomic_store_n(&handler_may_end, 1, __ATOMIC_RELEASE);
}

/* Interrupt the peer, a thread; when it is in its handler. */
static inline bool talk_signal(struct talk *t)
{
	int n = signals();

	return !pthread_kill(t->p->thread, SIGUSR1) && talk_go_on(t) &&
	       wait_until(signals() == n + 1);
}

#endif /* MBOX_INTERRUPT_H */
