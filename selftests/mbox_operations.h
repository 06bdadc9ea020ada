/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All that can be done with a mailbox, as a table: each operation does one thing
 * once, in one of its ways by chance, puts what comes of it on record, and
 * complains about a result that it should not have. It uses no memory that is not
 * its own, nor a lock of libc's, so that it may be killed at any moment.
 */
#ifndef MBOX_OPERATIONS_H
#define MBOX_OPERATIONS_H

#include "mbox_account.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#define LONG		5000			/* a payload that is in pages */

/* Where it all happens. */
static struct stage {
	int r, s;		/* through which to receive, to send */
	int replies;		/* a mailbox for answers */
	int eventfd, sender;	/* what messages may carry; -1: nothing */
	char name[32];		/* of the mailbox */
	char exclusively[32];	/* another, for who gets it first */
	char ephemeral[32];	/* and one that comes and goes */
	bool closing;		/* handles are being closed */
	bool deaf;		/* and so the mailbox may become */
	bool unloading;		/* the device comes and goes */
	bool apart;		/* in namespaces of their own: names are not the same */
	__u64 id;
	__u64 tick;		/* what a system call takes here, in ns */
	__u32 picky;		/* who waits for one type alone */
	__u32 exclusive;	/* who has that */
	bool names;		/* there may be names that are not the stage's */
	struct record *lease, *call;	/* received before; finish them */
} *stage;

struct actor {
	unsigned int seed;
	pid_t tid;
	pid_t other;		/* whom to disturb */
	bool process;		/* tokens that others hold are not its own */
	__u32 out[LONG / 4];
};

static inline __u32 chance(struct actor *a, __u32 n)
{
	return rand_r(&a->seed) % n;
}

/* Some time about which others do something. */
static inline __u64 moment(struct actor *a)
{
	return chance(a, 30) * stage->tick;
}

static inline void pass_time(__u64 ns)
{
	__u64 end = mb_in(ns);

	while (mb_now(CLOCK_MONOTONIC) < end)
		;
}

/* ---- what may come of it ---- */

#define OR(...)	((const int[]){ 0, ##__VA_ARGS__, 0 })

/* Whatever may fail may fail so. */
static inline bool usual(int ret)
{
	if (ret >= 0 || ret == -EAGAIN || ret == -ETIMEDOUT || ret == -EINTR)
		return true;
	if (stage->closing && (ret == -EBADF || ret == -EPIPE))
		return true;
	if (stage->unloading && (ret == -ENOENT || ret == -ENODEV))
		return true;
	return (stage->deaf || stage->unloading) &&
	       (ret == -ENXIO || ret == -ECONNRESET);
}

static inline int expect(const char *what, int ret, const int *also)
{
	bool ok = usual(ret);

	while (!ok && *++also)
		ok = ret == -*also;
	if (!ok)
		wrong("%s: %s", what, strerrorname_np(-ret));
	return ret;
}

static inline void wait_somehow(struct actor *a, struct mbox_msg_args *args,
				bool may_not)
{
	__u32 how = chance(a, 16);

	args->flags &= ~MBOX_WAIT_MASK;
	if (how < 9 && !may_not) {
		args->flags |= MBOX_WAIT_NONE;
	} else if (how) {
		args->flags |= MBOX_WAIT_UNTIL;
		args->deadline = mb_in(moment(a));
	} else {
		args->flags |= MBOX_WAIT_FOREVER;
	}
}

/* ---- sending ---- */

static inline enum fate fate_of(int ret)
{
	switch (ret) {
	case 0:
	case -ECONNRESET:
	case -EREMOTEIO:
		return SENT;
	case -ETIMEDOUT:
	case -EINTR:
		return MAYBE;
	default:
		return REFUSED;
	}
}

static inline __u32 payload(struct actor *a, struct mbox_msg_args *args)
{
	a->out[0] = number_new();
	args->buf = (unsigned long)a->out;
	args->len = chance(a, 16) ? sizeof(__u32) : sizeof(a->out);
	args->priority = chance(a, 3);
	args->type = chance(a, 2);
	return a->out[0];
}

/* A message that its sender is done with when it is in. */
static inline void post_plain(struct actor *a, struct mbox_ext *ext)
{
	struct mbox_msg_args args = { .flags = 0 };
	__u32 n = payload(a, &args);
	int ret;

	wait_somehow(a, &args, false);
	ret = ext ? mb_ext(stage->s, MBOX_IOC_SEND, &args, ext) :
		    mb_ioctl(stage->s, MBOX_IOC_SEND, &args);
	expect("send", ret, ext ? OR(EMSGSIZE, ENXIO) : OR(EMSGSIZE));
	settle(n, ret ? REFUSED : SENT);
}

static inline void op_send(struct actor *a)
{
	post_plain(a, NULL);
}

static inline void op_send_files(struct actor *a)
{
	__s32 fds[] = { stage->eventfd, stage->sender, stage->replies };
	struct mbox_ext ext = {
		.files = (unsigned long)fds,
		.file_count = 1 + chance(a, 2),
	};

	/* A handle of the mailbox that it goes to is fine, one that receives is not. */
	if (!chance(a, 16)) {
		struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };
		int ret;

		ext.file_count = 3;
		ret = mb_ext(stage->s, MBOX_IOC_SEND, &args, &ext);
		if (!ret)
			wrong("a handle that receives was sent");
		expect("send it", ret, OR(EOPNOTSUPP));
		return;
	}
	post_plain(a, &ext);
}

/* Go on once with what a signal interrupted, then give it up. */
static inline int resume(int fd, unsigned long cmd, struct mbox_msg_args *args,
			 int ret)
{
	struct mbox_msg_args over = {
		.flags = MBOX_ABANDON | (args->flags & MBOX_SYNC),
	};

	if (ret == -EINTR && args->id)
		ret = mb_ioctl(fd, cmd, args);
	if (ret == -EINTR && args->id) {
		over.id = args->id;
		expect("abandon", mb_ioctl(fd, cmd, &over), OR(ESRCH));
	}
	return ret;
}

static inline void op_send_sync(struct actor *a)
{
	struct mbox_msg_args args = { .flags = MBOX_SYNC };
	__u32 n = payload(a, &args);
	int ret;

	wait_somehow(a, &args, true);
	ret = mb_ioctl(stage->s, MBOX_IOC_SEND, &args);
	ret = resume(stage->s, MBOX_IOC_SEND, &args, ret);
	expect("send and wait", ret, OR(EMSGSIZE));
	settle(n, fate_of(ret));
}

static inline void op_call(struct actor *a)
{
	struct mbox_msg_args args = { .flags = 0 };
	__u32 reply = NOTHING, n = payload(a, &args);
	int ret;

	args.reply_buf = (unsigned long)&reply;
	args.reply_len = sizeof(reply);
	wait_somehow(a, &args, true);
	ret = mb_ioctl(stage->s, MBOX_IOC_CALL, &args);
	ret = resume(stage->s, MBOX_IOC_CALL, &args, ret);
	expect("call", ret, OR(EMSGSIZE, ECONNRESET, EREMOTEIO));
	if ((!ret && reply != ANSWER(n)) ||
	    (ret == -EREMOTEIO && args.out_code != 1 + n))
		wrong("call %u was answered %u, refused %u", n, reply,
		      args.out_code);
	settle(n, fate_of(ret));
}

static inline void op_send_async(struct actor *a)
{
	struct mbox_ext ext = { .reply_to = stage->replies };
	struct mbox_msg_args args = { .flags = MBOX_REPLY_TO };
	__u32 n = payload(a, &args);
	int ret;

	args.id = n;
	args.reply_len = sizeof(n);
	wait_somehow(a, &args, false);
	ret = mb_ext(stage->s, MBOX_IOC_SEND, &args, &ext);
	expect("asynchronous call", ret, OR(EMSGSIZE, ENOBUFS));
	settle(n, ret ? REFUSED : ASKED);
}

static inline void op_sendv(struct actor *a)
{
	struct mbox_msg_args args[4] = { { 0 } };
	struct mbox_batch_args batch = {
		.msgs = (unsigned long)args,
		.count = 1 + chance(a, ARRAY_SIZE(args)),
	};
	__u32 n[ARRAY_SIZE(args)];
	int ret, i;

	for (i = 0; i < (int)batch.count; i++) {
		n[i] = number_new();
		args[i].buf = (unsigned long)&n[i];
		args[i].len = sizeof(n[i]);
		args[i].type = chance(a, 2);
	}
	wait_somehow(a, args, false);
	ret = mb_ioctl(stage->s, MBOX_IOC_SENDV, &batch);
	expect("send many", ret, OR(EMSGSIZE));
	for (i = 0; i < (int)batch.count; i++)
		settle(n[i], i < ret ? SENT : REFUSED);
}

/* Waits rarely: nothing but a signal and what is rescued ends that. */
static inline int no_wait(struct actor *a)
{
	return chance(a, 8) ? RWF_NOWAIT : 0;
}

static inline void op_write(struct actor *a)
{
	__u32 n = number_new();
	struct iovec iov = { &n, sizeof(n) };
	int ret = pwritev2(stage->s, &iov, 1, -1, no_wait(a));

	ret = ret < 0 ? -errno : ret;
	expect("write", ret, OR(EMSGSIZE));
	settle(n, ret == sizeof(n) ? SENT : REFUSED);
}

/* ---- receiving ---- */

static inline void answer(struct actor *a, int fd, struct record *r)
{
	bool call = r->args.out_flags & MBOX_MSG_CALL;
	__u8 how = call ? chance(a, 4) : MBOX_FINISH_DONE + chance(a, 2);

	if (chance(a, 2))
		pass_time(moment(a));
	expect("answer", record_finish(fd, r, how), OR(ESRCH, EPIPE));
}

static inline int take(struct actor *a, unsigned long cmd,
		       const struct mbox_msg_args *how, struct mbox_ext *ext)
{
	struct record *r = records_new(1);
	struct mbox_msg_args *args = record_args(r, how);
	int ret;

	wait_somehow(a, args, false);
	if (ext) {
		ext->size = sizeof(*ext);
		args->flags |= MBOX_EXT;
		args->ext = (unsigned long)ext;
	}
	ret = mb_ioctl(stage->r, cmd, args);
	expect("receive", ret, OR(EMSGSIZE));
	if (!ret && args->out_token)
		answer(a, stage->r, r);
	return ret;
}

static inline void op_recv(struct actor *a)
{
	const struct mbox_msg_args how = {
		.flags = chance(a, 4) ? MBOX_TRUNCATE : 0,
	};

	take(a, MBOX_IOC_RECV, &how, NULL);
}

static inline void op_recv_type(struct actor *a)
{
	struct mbox_msg_args how = {
		.flags = MBOX_TRUNCATE,
		.select = MBOX_SELECT_EQUAL + chance(a, 3),
		.type = chance(a, 2),
	};

	if (how.select != MBOX_SELECT_LOWEST)
		how.priority = chance(a, 2);
	__atomic_add_fetch(&stage->picky, 1, __ATOMIC_SEQ_CST);
	take(a, MBOX_IOC_RECV, &how, NULL);
	__atomic_sub_fetch(&stage->picky, 1, __ATOMIC_SEQ_CST);
}

static inline void op_recv_files(struct actor *a)
{
	const struct mbox_msg_args how = { .flags = MBOX_TRUNCATE };
	__s32 fds[MBOX_FILES_MAX];
	struct mbox_ext ext = {
		.files = (unsigned long)fds,
		.file_count = chance(a, 4) ? MBOX_FILES_MAX : 1,
	};
	__u32 i;

	if (!take(a, MBOX_IOC_RECV, &how, &ext))
		for (i = 0; i < ext.out_file_count; i++)
			close(fds[i]);
}

static inline void op_recvv(struct actor *a)
{
	const struct mbox_msg_args any = { .flags = MBOX_TRUNCATE };
	struct mbox_msg_args args[4];
	struct mbox_batch_args batch = {
		.msgs = (unsigned long)args,
		.count = 1 + chance(a, ARRAY_SIZE(args)),
	};
	struct record *r = records_new(batch.count);
	int ret, i;

	for (i = 0; i < (int)batch.count; i++) {
		args[i] = *record_args(&r[i], &any);
		args[i].flags |= chance(a, 2) ? MBOX_LEASE : 0;
		if (!i)
			wait_somehow(a, args, false);
		r[i].batch = true;
	}
	ret = mb_ioctl(stage->r, MBOX_IOC_RECVV, &batch);
	expect("receive many", ret, OR(EMSGSIZE));
	for (i = 0; i < (int)batch.count; i++) {
		if (i < ret)
			r[i].args = args[i];
		else
			r[i].number = NOTHING;
		r[i].batch = false;
		if (i < ret && args[i].out_token)
			answer(a, stage->r, &r[i]);
	}
}

static inline void op_read(struct actor *a)
{
	struct record *r = records_new(1);
	struct iovec iov = { &r->number, sizeof(r->number) };
	int ret;

	r->number = NOTHING;
	r->read = true;
	ret = preadv2(stage->r, &iov, 1, -1, no_wait(a));
	ret = ret < 0 ? -errno : ret;
	expect("read", ret, OR(EMSGSIZE));
	if (ret >= 0 && ret != sizeof(__u32) && !stage->closing)
		wrong("%d were read", ret);
}

static inline void op_lease(struct actor *a)
{
	const struct mbox_msg_args how = { .flags = MBOX_TRUNCATE | MBOX_LEASE };

	take(a, MBOX_IOC_RECV, &how, NULL);
}

static inline void op_lease_timed(struct actor *a)
{
	const struct mbox_msg_args how = { .flags = MBOX_TRUNCATE | MBOX_LEASE };
	struct mbox_ext ext = { .lease_time = 1 + moment(a) };

	take(a, MBOX_IOC_RECV, &how, &ext);
}

static inline void op_peek(struct actor *a)
{
	const struct mbox_msg_args how = { .flags = MBOX_TRUNCATE | MBOX_PEEK };

	take(a, MBOX_IOC_RECV, &how, NULL);
}

static inline void op_peek_after(struct actor *a)
{
	const struct mbox_msg_args how = {
		.flags = MBOX_TRUNCATE | MBOX_PEEK | MBOX_PEEK_AFTER,
		.priority = chance(a, 3),
		.id = chance(a, 1000),
	};

	__atomic_add_fetch(&stage->picky, 1, __ATOMIC_SEQ_CST);
	take(a, MBOX_IOC_RECV, &how, NULL);
	__atomic_sub_fetch(&stage->picky, 1, __ATOMIC_SEQ_CST);
}

/* ---- tokens ---- */

static inline bool finished(struct record *r)
{
	return __atomic_load_n(&r->done, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&r->back, __ATOMIC_RELAXED);
}

/* One that all who share the handle may try to finish; or else one's own. */
static inline struct record *token(struct actor *a, bool call)
{
	struct record **shared = call ? &stage->call : &stage->lease;
	struct record *r = __atomic_load_n(shared, __ATOMIC_ACQUIRE);
	struct mbox_msg_args how = { .flags = MBOX_TRUNCATE | MBOX_LEASE };

	if (r && !a->process && (!finished(r) || !chance(a, 8)))
		return r;
	r = records_new(1);
	record_args(r, &how)->flags |= MBOX_WAIT_NONE;
	if (expect("lease", mb_ioctl(stage->r, MBOX_IOC_RECV, &r->args), OR()))
		return NULL;
	if (call && !(r->args.out_flags & MBOX_MSG_CALL)) {
		expect("undo", record_finish(stage->r, r, MBOX_FINISH_BACK),
		       OR(ESRCH));
		return NULL;
	}
	if (!a->process)
		__atomic_store_n(shared, r, __ATOMIC_RELEASE);
	return r;
}

static inline void finish_somehow(struct actor *a, __u8 how)
{
	bool call = how == MBOX_FINISH_REPLY || how == MBOX_FINISH_FAIL;
	struct record *r = token(a, call || chance(a, 2));

	if (r)
		expect("finish", record_finish(stage->r, r, how),
		       OR(ESRCH, EPIPE));
}

static inline void op_finish_reply(struct actor *a)
{
	finish_somehow(a, MBOX_FINISH_REPLY);
}

static inline void op_finish_fail(struct actor *a)
{
	finish_somehow(a, MBOX_FINISH_FAIL);
}

static inline void op_finish_done(struct actor *a)
{
	finish_somehow(a, MBOX_FINISH_DONE);
}

static inline void op_finish_back(struct actor *a)
{
	finish_somehow(a, MBOX_FINISH_BACK);
}

static inline void op_reply_recv(struct actor *a)
{
	struct record *old = token(a, true), *r = records_new(1);
	const struct mbox_msg_args how = { .flags = MBOX_TRUNCATE };
	struct mbox_msg_args *args = record_args(r, &how);
	__u32 reply = old ? ANSWER(old->number) : 0;
	int ret;

	wait_somehow(a, args, false);
	if (old) {
		args->id = old->args.out_token;
		args->reply_buf = (unsigned long)&reply;
		args->reply_len = sizeof(reply);
		old->about = true;
	}
	ret = mb_ioctl(stage->r, MBOX_IOC_REPLY_RECV, args);
	expect("reply and receive", ret, OR(EMSGSIZE, ESRCH));
	if (old && !args->id)
		__atomic_add_fetch(&old->done, 1, __ATOMIC_RELAXED);
	if (!ret && args->out_token)
		answer(a, stage->r, r);
}

#include "mbox_control.h"

/* ---- the table ---- */

/* What an operation does; bits, to choose by. */
#define PASSES	1	/* a message goes through, or the end of one is decided */
#define ASKS	2	/* something of the mailbox is asked for */
#define CHANGES	4	/* something of it is changed, or of what it is found by */
#define ALL	(PASSES | ASKS | CHANGES)

static const struct operation {
	const char *name;
	void (*run)(struct actor *a);
	int kind;
} operations[] = {
	{ "send", op_send, PASSES },
	{ "send sync", op_send_sync, PASSES },
	{ "send async", op_send_async, PASSES },
	{ "send files", op_send_files, PASSES },
	{ "sendv", op_sendv, PASSES },
	{ "write", op_write, PASSES },
	{ "call", op_call, PASSES },
	{ "recv", op_recv, PASSES },
	{ "recv type", op_recv_type, PASSES },
	{ "recv files", op_recv_files, PASSES },
	{ "recvv", op_recvv, PASSES },
	{ "read", op_read, PASSES },
	{ "lease", op_lease, PASSES },
	{ "lease timed", op_lease_timed, PASSES },
	{ "reply recv", op_reply_recv, PASSES },
	{ "finish reply", op_finish_reply, PASSES },
	{ "finish fail", op_finish_fail, PASSES },
	{ "finish done", op_finish_done, PASSES },
	{ "finish back", op_finish_back, PASSES },
	{ "peek", op_peek, PASSES },
	{ "peek after", op_peek_after, PASSES },
	{ "poll", op_poll, ASKS },
	{ "epoll", op_epoll, ASKS },
	{ "stat", op_stat, ASKS },
	{ "fdinfo", op_fdinfo, ASKS },
	{ "fionread", op_fionread, ASKS },
	{ "query", op_query, ASKS },
	{ "listing", op_listing, ASKS },
	{ "narrow", op_narrow, CHANGES },
	{ "dup", op_dup, CHANGES },
	{ "set limits", op_set_limits, CHANGES },
	{ "set overflow", op_set_overflow, CHANGES },
	{ "notify", op_notify, CHANGES },
	{ "fasync", op_fasync, CHANGES },
	{ "signal", op_signal, CHANGES },
	{ "open", op_open, CHANGES },
	{ "unlink", op_unlink, CHANGES },
	{ "create", op_create, CHANGES },
	{ "exclusive", op_exclusive, CHANGES },
	{ "ephemeral", op_ephemeral, CHANGES },
	{ "own", op_own, CHANGES },
	{ "open own", op_open_own, CHANGES },
};

#define OPERATIONS	((int)ARRAY_SIZE(operations))

/* One of those that pass messages. */
static inline void op_pass(struct actor *a)
{
	int i;

	do {
		i = chance(a, OPERATIONS);
	} while (operations[i].kind != PASSES);
	operations[i].run(a);
}

#endif /* MBOX_OPERATIONS_H */
