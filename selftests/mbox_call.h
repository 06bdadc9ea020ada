/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Conversations: one line for each step of a call, a lease or a synchronous
 * send, on top of messages that are one number; and waiting until a step was
 * taken.
 */
#ifndef MBOX_CALL_H
#define MBOX_CALL_H

#include "mbox_peer.h"

#include <poll.h>

static inline __u64 user_bytes(void)
{
	struct mbox_query_args query;

	mb_query(&query);
	return query.user_bytes;
}

/* ---- ioctls ---- */

static inline int mb_call(int h, struct mbox_msg_args *args)
{
	mb_poison(args);
	return mb_ioctl(h, MBOX_IOC_CALL, args);
}

static inline int mb_reply_recv(int h, struct mbox_msg_args *args)
{
	mb_poison(args);
	return mb_ioctl(h, MBOX_IOC_REPLY_RECV, args);
}

static inline int mb_finish(int h, struct mbox_msg_args *args)
{
	mb_poison(args);
	return mb_ioctl(h, MBOX_IOC_FINISH, args);
}

/* Give up a call that was interrupted. */
static inline int mb_abandon(int h, __u64 id)
{
	struct mbox_msg_args args = { .flags = MBOX_ABANDON, .id = id };

	return mb_call(h, &args);
}

/* ---- answers ---- */

/* DONE, BACK; or REPLY with an empty one. */
static inline int num_finish(int h, __u64 token, __u8 how)
{
	struct mbox_msg_args args = { .select = how, .id = token };

	return mb_finish(h, &args);
}

static inline int num_reply(int h, __u64 token, __u32 number)
{
	struct mbox_msg_args args = {
		.select = MBOX_FINISH_REPLY,
		.id = token,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};

	return mb_finish(h, &args);
}

static inline int num_fail(int h, __u64 token, __u64 code)
{
	struct mbox_msg_args args = {
		.select = MBOX_FINISH_FAIL,
		.id = token,
		.type = code,
	};

	return mb_finish(h, &args);
}

/*
 * Receive what waits to be received, or minus errno. What is to be finished of
 * it is in @token, 0 if nothing.
 */
static inline int num_take_flags(int h, __u32 flags, __u32 *token)
{
	struct mbox_msg_args args = { .flags = flags };
	int ret = num_recv_args(h, &args);

	*token = ret < 0 ? 0 : args.out_token;
	return ret;
}

static inline int num_take(int h, __u32 *token)
{
	return num_take_flags(h, 0, token);
}

static inline int num_lease(int h, __u32 *token)
{
	return num_take_flags(h, MBOX_LEASE, token);
}

/* ---- peers that call ---- */

#define PEER_REPLY	8	/* where in @data the reply comes */

static inline struct peer *peer_call(int fd, __u64 type, __u16 priority,
				     __u32 number)
{
	struct peer *p = peer_send(fd, type, priority, number);

	p->cmd = MBOX_IOC_CALL;
	p->args.reply_buf = (unsigned long)p->data + PEER_REPLY;
	p->args.reply_len = 8;
	mb_poison(&p->args);
	return p;
}

/* To send @number, and wait until it was received. */
static inline struct peer *peer_sync(int fd, __u64 type, __u16 priority,
				     __u32 number)
{
	struct peer *p = peer_send(fd, type, priority, number);

	p->args.flags |= MBOX_SYNC;
	return p;
}

/* Start as a thread, or a process, and wait until it has called. */
static inline bool peer_calls(struct peer *p)
{
	long long n = mb_fdinfo(p->fd, "mbox-calls");

	return peer_start(p) &&
	       wait_until(mb_fdinfo(p->fd, "mbox-calls") == n + 1);
}

static inline bool peer_fork_calls(struct peer *p)
{
	long long n = mb_fdinfo(p->fd, "mbox-calls");

	return peer_fork(p) &&
	       wait_until(mb_fdinfo(p->fd, "mbox-calls") == n + 1);
}

/* The number that the reply was, or minus errno. */
static inline long peer_reply(struct peer *p)
{
	long ret = peer_join(p);
	__u32 number;

	memcpy(&number, p->data + PEER_REPLY, sizeof(number));
	return ret < 0 ? ret : (long)number;
}

/* ---- states ---- */

/* Wait until that many calls wait for their end. */
static inline bool calls_open(int h, int n)
{
	return wait_until(mb_fdinfo(h, "mbox-calls") == n);
}

/* Wait until that many deliveries are not finished. */
static inline bool tokens_open(int h, int n)
{
	return wait_until(mb_fdinfo(h, "mbox-tokens") == n);
}

/* Wait until that many of this handle's have nobody who waits for an answer. */
static inline bool tokens_stale(int h, int n)
{
	return wait_until(mb_fdinfo(h, "mbox-stale-tokens") == n);
}

static inline short poll_now(int h)
{
	struct pollfd p = { .fd = h, .events = POLLIN | POLLOUT | POLLPRI };

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

/* Nothing of any conversation is left in the mailbox. */
static inline bool all_over(int h)
{
	struct mbox_stat_args st = mb_stat_of(h);

	return !st.messages && !st.bytes && !st.calls && !st.tokens &&
	       !st.stale_tokens && !st.waiting_senders &&
	       !st.waiting_receivers;
}

/* ---- the extension ---- */

/* @cmd with an extension that says @ext of it; @args say the rest. */
static inline int mb_ext(int h, unsigned long cmd, struct mbox_msg_args *args,
			 struct mbox_ext *ext)
{
	ext->size = sizeof(*ext);
	args->flags |= MBOX_EXT;
	args->ext = (unsigned long)ext;
	mb_poison(args);
	return mb_ioctl(h, cmd, args);
}

/*
 * Call without waiting: the reply, of up to @reply_max bytes, comes to
 * @reply_to as a message of type @id.
 */
static inline int num_call_async(int h, int reply_to, __u64 id,
				 __u32 reply_max, __u32 number)
{
	struct mbox_ext ext = { .reply_to = reply_to };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_REPLY_TO,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
		.reply_len = reply_max,
		.id = id,
	};

	return mb_ext(h, MBOX_IOC_SEND, &args, &ext);
}

/* Lease what is there for @ns. */
static inline int num_lease_for(int h, __u64 ns, __u32 *token)
{
	struct mbox_ext ext = { .lease_time = ns };
	__u32 number = 0;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_LEASE,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};
	int ret = mb_ext(h, MBOX_IOC_RECV, &args, &ext);

	*token = ret < 0 ? 0 : args.out_token;
	return ret < 0 ? ret : (int)number;
}

#endif /* MBOX_CALL_H */
