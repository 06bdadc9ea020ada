/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Peers that call "ask" through libmbox, for the suites about calls.
 */
#ifndef LIBMBOX_CALL_H
#define LIBMBOX_CALL_H

#include "libmbox_test.h"
#include "mbox_call.h"

#define REPLY_LEN	16

static inline long call(struct peer *p)
{
	return RESULT(mbox_call(p->fd, "ask", 3, p->data, REPLY_LEN));
}

static inline long timedcall(struct peer *p)
{
	return RESULT(mbox_timedcall(p->fd, "ask", 3, p->data, REPLY_LEN, -1));
}

/* With all that @arg says. */
struct callmsg {
	struct mbox_callmsg msg;
	struct mbox_header header;
};

static inline long callmsg(struct peer *p)
{
	struct callmsg *c = p->arg;

	return RESULT(mbox_callmsg(p->fd, &c->msg, &c->header));
}

static inline struct peer *peer_callmsg(int fd, struct callmsg *c)
{
	struct peer *p = peer_new(fd, callmsg);

	p->arg = c;
	if (!c->msg.len && !c->msg.iov) {
		c->msg.buf = "ask";
		c->msg.len = 3;
	}
	if (!c->msg.reply) {
		c->msg.reply = p->data;
		c->msg.reply_len = REPLY_LEN;
	}
	memset(&c->header, MB_POISON, sizeof(c->header));
	return p;
}

/* Take the call that waits; its token. */
static inline uint32_t take(int fd)
{
	const struct mbox_recvmsg msg = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
	};
	struct mbox_header header = { .token = 0 };

	mbox_recvmsg(fd, &msg, &header);
	return header.token;
}

/* Interrupt a call that was received; its number. */
static inline uint64_t interrupt(struct peer *p)
{
	struct callmsg *c = p->arg;

	pthread_kill(p->thread, SIGUSR1);
	return peer_join(p) == -EINTR ? c->msg.id : 0;
}

#endif /* LIBMBOX_CALL_H */
