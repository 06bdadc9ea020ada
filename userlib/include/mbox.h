/* SPDX-License-Identifier: MIT */
/*
 * libmbox - mailboxes for messages between the programs of one machine.
 *
 *	int in = mbox_create("jobs", MBOX_RECV, NULL);
 *	int out = mbox_open("jobs", MBOX_SEND);
 *
 *	mbox_send(out, "hello", 5);
 *	n = mbox_recv(in, buf, sizeof(buf));
 *
 * Handles. A mailbox is used through a file descriptor, its handle, which the
 * caller owns: close() ends it, dup(), fork() and unix sockets hand it on,
 * poll() and io_uring wait for it, read() and write() pass one message a call.
 * New handles are close-on-exec, and not always the lowest free descriptor.
 *
 * Results. Functions return -1 and set errno on failure, and leave errno alone
 * on success. A failed send leaves nothing behind, a failed receive takes
 * nothing away. SIGPIPE is never raised.
 *
 * Time is in nanoseconds. A timeout is relative: 0 does not wait (EAGAIN), a
 * negative one waits for ever, others end with ETIMEDOUT. It is turned into a
 * deadline on CLOCK_MONOTONIC once, on entry. Where no timeout is given, the
 * handle decides: for ever, or not at all if O_NONBLOCK is set on it.
 *
 * Threads. The library keeps no state and every function may be called from
 * any number of threads, on one handle too.
 *
 * Signals. Every function is async-signal-safe. A handler that was installed
 * with SA_RESTART does not end a wait, and the wait keeps its first deadline;
 * after any other handler the function fails with EINTR, nothing done.
 *
 * Cancellation. No function is a cancellation point, because a thread
 * cancelled on its way out of a receive would take the message with it. To
 * make a thread cancellable wait in poll(), which is one, and receive with
 * timeout 0 after it.
 *
 * Structs. What a designated initialiser leaves out is 0, and 0 is the default.
 * Pointers to structs and names must be valid. Those to payloads go to the
 * kernel: a bad one is EFAULT, and nothing is lost.
 *
 * Errors. Each function's are named with it. Those that take no handle open the
 * device for a moment, and "device" in their lists stands for:
 *
 *  ENODEV		there is no /dev/mbox: the module is not loaded
 *  EACCES		/dev/mbox may not be opened: then mbox_query() gives it too
 *  ENOTTY		/dev/mbox is something else, or its module is too old
 *  EMFILE, ENFILE	no descriptor, no open file left: the device takes one,
 *			besides the handle that is returned
 *
 * Those that take a handle give EBADF for what is no open descriptor and ENOTTY
 * for what is no mailbox.
 */
#ifndef MBOX_H
#define MBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Largest priority of a message; larger is more urgent, 0 is the least. */
#define MBOX_PRIORITY_MAX	32767

/* Longest name in bytes: any byte but '/' and NUL; not "." and not "..". */
#define MBOX_NAME_MAX		255

/* Largest number of elements in an iovec array of one message. */
#define MBOX_IOV_MAX		1024

/*
 * Rights and properties of a handle: the flags of mbox_create(), of the
 * mbox_open() family and of mbox_narrow(). A handle has at least one right.
 */
#define MBOX_RECV		(1U << 0)	/* may receive, is read from */
#define MBOX_SEND		(1U << 1)	/* may send, is written to */
#define MBOX_NONBLOCK		(1U << 2)	/* O_NONBLOCK is set on the handle */

/* Further flags of mbox_create(), and mbox_stat.flags (NAMED, OWN, EPHEMERAL) */
#define MBOX_NAMED		(1U << 4)	/* has a name; mbox_stat only */
#define MBOX_OWN		(1U << 5)	/* this process's own, found by its pid */
#define MBOX_EXCL		(1U << 6)	/* fail if it exists */
#define MBOX_EPHEMERAL		(1U << 7)	/* the name goes with the last handle */
#define MBOX_OWNED_BY		(1U << 8)	/* if it exists, options->owner owns it */

/*
 * Flags of struct mbox_sendmsg and struct mbox_recvmsg. How an operation that
 * cannot be done now waits: one of MBOX_WAIT_*. All but the first beat
 * O_NONBLOCK.
 */
#define MBOX_WAIT_DEFAULT	0U	/* for ever, or not at all if O_NONBLOCK */
#define MBOX_WAIT_NONE		1U	/* not at all: EAGAIN */
#define MBOX_WAIT_FOREVER	2U	/* for ever */
#define MBOX_WAIT_UNTIL		3U	/* until @deadline on @clock: ETIMEDOUT */
#define MBOX_WAIT_FOR		(1U << 31)	/* as @timeout says */

#define MBOX_TRUNCATE		(1U << 3)	/* receive: cut what does not fit */
#define MBOX_PEEK		(1U << 4)	/* receive: leave the message there */

/* mbox_recvmsg.select: which messages, by type, a receive takes. */
#define MBOX_SELECT_ANY		0	/* all */
#define MBOX_SELECT_EQUAL	1	/* those of @type */
#define MBOX_SELECT_NOT_EQUAL	2	/* those of any other type */
#define MBOX_SELECT_LOWEST	3	/* of the lowest type there not above @type */

/* mbox_options.type_source: what the type of a message in a mailbox is. */
#define MBOX_TYPE_SENDER	0	/* the sender's word */
#define MBOX_TYPE_PID		1	/* its process id, as the creator sees it */
#define MBOX_TYPE_BADGE		2	/* the badge of the handle it came through */

/* mbox_options.overflow: what a send to a full mailbox does. */
#define MBOX_OVERFLOW_BLOCK	0	/* waits for room */
#define MBOX_OVERFLOW_DROP	1	/* drops older messages not more urgent */

/* Bits of mbox_header.flags */
#define MBOX_MSG_OPENER		(1U << 0)	/* ids are the file opener's: write(2) */
#define MBOX_MSG_TRUNCATED	(1U << 1)	/* the payload was cut */

/* Bits of mbox_query.features */
#define MBOX_FEATURE_IOVEC	(1U << 0)	/* scatter/gather payloads */
#define MBOX_FEATURE_PEEK	(1U << 1)	/* MBOX_PEEK, @after */

/* Bits of mbox_set.mask: the fields that are to be set */
#define MBOX_SET_MODE			(1U << 0)
#define MBOX_SET_UID			(1U << 1)
#define MBOX_SET_GID			(1U << 2)
#define MBOX_SET_OVERFLOW		(1U << 3)
#define MBOX_SET_MAX_MESSAGES		(1U << 4)
#define MBOX_SET_MAX_BYTES		(1U << 5)
#define MBOX_SET_MAX_MESSAGE_SIZE	(1U << 6)

/**
 * struct mbox_options - properties of a mailbox to be created
 * @mode: permission bits, 0 to 0777, r: receive, w: send; the umask applies.
 *	0: 0600 (a mailbox that nobody may open is made with mbox_set())
 * @owner: with MBOX_OWNED_BY, the user who must own a mailbox that exists
 * @type_source: MBOX_TYPE_*
 * @overflow: MBOX_OVERFLOW_BLOCK or MBOX_OVERFLOW_DROP
 * @max_messages: limit of the messages held at a time; 0: the default
 * @max_bytes: limit of the payloads held at a time, in bytes, at least
 *	@max_message_size; 0: the default
 * @max_message_size: limit of one payload in bytes; 0: the default
 */
struct mbox_options {
	mode_t mode;
	uid_t owner;
	unsigned int type_source;
	unsigned int overflow;
	uint32_t max_messages;
	uint64_t max_bytes;
	uint32_t max_message_size;
};

/**
 * struct mbox_sendmsg - a message to be sent, and how
 * @buf: its payload; stays the caller's
 * @len: length of @buf in bytes
 * @iov: if not NULL, the pieces of the payload in order, instead of @buf
 * @iov_count: number of pieces, 1 to MBOX_IOV_MAX
 * @type: its type; 0 where the mailbox's type_source is not MBOX_TYPE_SENDER
 * @priority: its priority, 0 to MBOX_PRIORITY_MAX
 * @flags: MBOX_WAIT_*
 * @timeout: in ns from now, MBOX_WAIT_FOR only
 * @deadline: absolute time in ns on @clock, MBOX_WAIT_UNTIL only. One try is
 *	made even if it has passed
 * @clock: CLOCK_REALTIME (0), CLOCK_MONOTONIC or CLOCK_BOOTTIME; the first
 *	follows when the clock is set
 */
struct mbox_sendmsg {
	const void *buf;
	size_t len;
	const struct iovec *iov;
	unsigned int iov_count;
	uint64_t type;
	unsigned int priority;
	unsigned int flags;
	int64_t timeout;
	int64_t deadline;
	clockid_t clock;
};

/**
 * struct mbox_header - what the kernel says of a message
 * @type: its type
 * @seq: its number in this mailbox: later messages have larger ones
 * @time: when it was sent, in ns on CLOCK_MONOTONIC
 * @badge: badge of the handle that it was sent through, 0: none
 * @len: length of its payload in bytes, also when that did not fit
 * @priority: its priority
 * @flags: MBOX_MSG_*
 * @deliveries: how often it was delivered, this time included
 * @drops: messages that this mailbox has dropped so far, modulo 2^32
 * @pid: sender's process id as the receiver sees it, 0: not visible
 * @uid: sender's effective user id as the receiver sees it
 * @gid: sender's effective group id likewise
 */
struct mbox_header {
	uint64_t type;
	uint64_t seq;
	int64_t time;
	uint64_t badge;
	uint32_t len;
	uint32_t priority;
	uint32_t flags;
	uint32_t deliveries;
	uint32_t drops;
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/**
 * struct mbox_recvmsg - which message to receive, where to, and how
 * @buf: where the payload goes
 * @len: length of @buf in bytes
 * @iov: if not NULL, the pieces that the payload fills in order, instead of
 *	@buf
 * @iov_count: number of pieces, 1 to MBOX_IOV_MAX
 * @select: MBOX_SELECT_ANY, MBOX_SELECT_EQUAL, MBOX_SELECT_NOT_EQUAL or MBOX_SELECT_LOWEST
 * @type: what @select compares with; 0 for MBOX_SELECT_ANY
 * @min_priority: the least priority that is taken; 0 for MBOX_SELECT_LOWEST
 * @after: with MBOX_PEEK: look for the next message, in the order of receiving,
 *	after the one with this header, whether or not that is still there.
 *	Not with MBOX_SELECT_LOWEST, nor with @min_priority
 * @flags: MBOX_WAIT_*, MBOX_TRUNCATE, MBOX_PEEK
 * @timeout: as in struct mbox_sendmsg
 * @deadline: likewise
 * @clock: likewise
 */
struct mbox_recvmsg {
	void *buf;
	size_t len;
	const struct iovec *iov;
	unsigned int iov_count;
	unsigned int select;
	uint64_t type;
	unsigned int min_priority;
	const struct mbox_header *after;
	unsigned int flags;
	int64_t timeout;
	int64_t deadline;
	clockid_t clock;
};

/**
 * struct mbox_stat - state of a mailbox
 * @id: its number, unique while the module is loaded
 * @mode: permission bits
 * @uid: owner as the caller sees it
 * @gid: group likewise
 * @flags: what it is found by, MBOX_NAMED or MBOX_OWN; MBOX_EPHEMERAL
 * @type_source: MBOX_TYPE_*
 * @overflow: MBOX_OVERFLOW_BLOCK or MBOX_OVERFLOW_DROP
 * @max_messages: limit of messages
 * @max_bytes: limit of payload bytes
 * @max_message_size: limit of one payload in bytes
 * @messages: messages held
 * @bytes: their payloads
 * @senders: open handles that may send
 * @receivers: open handles that may receive
 * @waiting_senders: sends that wait for room
 * @waiting_receivers: receives that wait for a message
 * @sent: messages accepted so far
 * @received: messages received so far
 * @drops: messages dropped so far
 * @badge: of the handle that was asked through, 0: none
 */
struct mbox_stat {
	uint64_t id;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned int flags;
	unsigned int type_source;
	unsigned int overflow;
	uint32_t max_messages;
	uint64_t max_bytes;
	uint32_t max_message_size;
	uint32_t messages;
	uint64_t bytes;
	uint32_t senders;
	uint32_t receivers;
	uint32_t waiting_senders;
	uint32_t waiting_receivers;
	uint64_t sent;
	uint64_t received;
	uint64_t drops;
	uint64_t badge;
};

/**
 * struct mbox_set - properties of a mailbox to be changed
 * @mask: MBOX_SET_*; a field that is not named must be 0
 * @mode: permission bits, 0 to 0777
 * @uid: new owner as the caller sees it
 * @gid: new group likewise
 * @overflow: MBOX_OVERFLOW_BLOCK or MBOX_OVERFLOW_DROP
 * @max_messages: at least 1
 * @max_bytes: in bytes, at least the (new) @max_message_size
 * @max_message_size: in bytes, at least 1, at most the (new) @max_bytes
 */
struct mbox_set {
	unsigned int mask;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned int overflow;
	uint32_t max_messages;
	uint64_t max_bytes;
	uint32_t max_message_size;
};

/**
 * struct mbox_query - features and limits
 * @features: MBOX_FEATURE_*
 * @default_max_messages: mbox_options.max_messages where that is 0
 * @default_max_bytes: mbox_options.max_bytes where that is 0
 * @default_max_message_size: mbox_options.max_message_size where that is 0
 * @ceiling_max_messages: the largest max_messages that a mailbox may have
 * @ceiling_max_bytes: the largest max_bytes
 * @ceiling_max_message_size: the largest max_message_size
 * @user_max_bytes: how much a user's unreceived messages may take, in bytes of
 *	payload and bookkeeping
 * @user_bytes: how much the caller's do
 * @user_max_mailboxes: how many mailboxes a user may have
 * @user_mailboxes: how many the caller has
 * @ns_max_mailboxes: how many mailboxes a network namespace may hold by name
 *	or pid
 * @ns_mailboxes: how many the caller's holds
 */
struct mbox_query {
	uint64_t features;
	uint32_t default_max_messages;
	uint64_t default_max_bytes;
	uint32_t default_max_message_size;
	uint32_t ceiling_max_messages;
	uint64_t ceiling_max_bytes;
	uint32_t ceiling_max_message_size;
	uint64_t user_max_bytes;
	uint64_t user_bytes;
	uint32_t user_max_mailboxes;
	uint32_t user_mailboxes;
	uint32_t ns_max_mailboxes;
	uint32_t ns_mailboxes;
};

/**
 * mbox_create() - create a mailbox, or open it if it exists
 * @name: its name in the network namespace, or NULL: it is found through its
 *	handles alone (anonymous) or, with MBOX_OWN, by this process's pid
 * @flags: MBOX_RECV, MBOX_SEND, MBOX_NONBLOCK; with a name or MBOX_OWN one of
 *	MBOX_EXCL and MBOX_OWNED_BY; with a name MBOX_EPHEMERAL
 * @options: its properties, NULL: the defaults. A mailbox that exists keeps
 *	the properties it has
 *
 * A named mailbox outlives its users until it is unlinked, unless it is
 * ephemeral; a process's own goes with the process.
 *
 * Return: the handle, or -1 and errno: EEXIST with MBOX_EXCL; EACCES, it exists
 * and its mode or its owner forbids opening it; EINVAL, no right in @flags, an
 * unknown flag or a combination not named above, an option out of range, a name
 * that is empty, "." or ".." or has a '/'; ENAMETOOLONG; EDQUOT, the user has
 * too many mailboxes; ENOSPC, the network namespace has; ENOMEM; device.
 */
int mbox_create(const char *name, unsigned int flags,
		const struct mbox_options *options);

/**
 * mbox_open() - open a mailbox by name
 * @name: its name in the network namespace
 * @flags: MBOX_RECV, which needs r in its mode; MBOX_SEND, which needs w;
 *	MBOX_NONBLOCK
 *
 * Return: the handle, or -1 and errno: ENOENT, no such mailbox; EACCES, its mode
 * forbids it; EINVAL, no right in @flags, an unknown flag, a bad name;
 * ENAMETOOLONG; ENOMEM; device.
 */
int mbox_open(const char *name, unsigned int flags);

/**
 * mbox_open_owned_by() - open a mailbox by name, if the right user owns it
 * @name: its name in the network namespace
 * @flags: as for mbox_open()
 * @owner: user id, as the caller sees it
 *
 * So that nobody is fooled by somebody else who took the name first.
 *
 * Return: as mbox_open(); EACCES also if @owner does not own it.
 */
int mbox_open_owned_by(const char *name, unsigned int flags, uid_t owner);

/**
 * mbox_open_pid() - open a process's own mailbox
 * @pid: its process id as the caller sees it; 0: the caller's
 * @flags: as for mbox_open()
 *
 * Return: as mbox_open(); ENOENT if there is no such process or it has no
 * mailbox of its own; EINVAL also if @pid is negative.
 */
int mbox_open_pid(pid_t pid, unsigned int flags);

/**
 * mbox_open_pid_owned_by() - open a process's own mailbox, if the right user
 *	owns it
 * @pid: its process id as the caller sees it; 0: the caller's
 * @flags: as for mbox_open()
 * @owner: user id, as the caller sees it
 *
 * Return: as mbox_open_pid(); EACCES also if @owner does not own it.
 */
int mbox_open_pid_owned_by(pid_t pid, unsigned int flags, uid_t owner);

/**
 * mbox_unlink() - take a mailbox's name away
 * @name: its name in the network namespace
 *
 * Open handles go on working.
 *
 * Return: 0, or -1 and errno: ENOENT, no such mailbox; EPERM, the caller is
 * neither its owner nor privileged; EINVAL, ENAMETOOLONG, a bad name; device.
 */
int mbox_unlink(const char *name);

/**
 * mbox_unlink_pid() - make a process's own mailbox be found no more
 * @pid: its process id as the caller sees it; 0: the caller's
 *
 * Return: 0, or -1 and errno: ENOENT, there is none; EPERM, the caller is
 * neither its owner nor privileged; EINVAL, @pid is negative; device.
 */
int mbox_unlink_pid(pid_t pid);

/**
 * mbox_query() - features and limits of the module, and what is used of them
 * @query: is filled in
 *
 * Return: 0, or -1 and errno: device.
 */
int mbox_query(struct mbox_query *query);

/**
 * mbox_send() - send a message
 * @fd: handle with MBOX_SEND
 * @buf: the payload
 * @len: its length in bytes, 0 is a message too
 *
 * Type and priority are 0. Waits for room if the mailbox is full.
 *
 * Return: 0, or -1 and errno: EAGAIN, the mailbox is full and the handle is
 * non-blocking; EPIPE, nobody can ever receive it; EMSGSIZE, longer than the
 * mailbox's max_message_size; EBADF, the handle lacks MBOX_SEND; EDQUOT, the
 * user has too much unreceived; ENOMEM, the control group's limit included;
 * EINTR; EFAULT; ENOTTY.
 */
int mbox_send(int fd, const void *buf, size_t len);

/**
 * mbox_timedsend() - send a message, and wait no longer than told
 * @fd: handle with MBOX_SEND
 * @buf: the payload
 * @len: its length in bytes
 * @timeout: in ns; 0: do not wait; negative: wait for ever
 *
 * Return: as mbox_send(), whatever O_NONBLOCK says: EAGAIN if @timeout is 0,
 * ETIMEDOUT if it is positive and has passed.
 */
int mbox_timedsend(int fd, const void *buf, size_t len, int64_t timeout);

/**
 * mbox_sendmsg() - send a message with all that can be said of it
 * @fd: handle with MBOX_SEND
 * @msg: the message; stays the caller's, not changed
 *
 * Return: 0, or -1 and errno: as mbox_send(); ETIMEDOUT, the deadline has
 * passed; EINVAL, a value out of range, an unknown flag, a timeout, deadline
 * or clock without the flag that it belongs to, a type not 0 that the sender
 * has no say in, @buf or @len besides @iov.
 */
int mbox_sendmsg(int fd, const struct mbox_sendmsg *msg);

/**
 * mbox_recv() - receive a message
 * @fd: handle with MBOX_RECV
 * @buf: where the payload goes
 * @len: length of @buf in bytes
 *
 * Takes the first message of the highest priority. Waits for one if there is
 * none.
 *
 * Return: the length of the message in bytes, 0 for an empty one, or -1 and
 * errno: EAGAIN, there is none and the handle is non-blocking; EPIPE, there is
 * none and none can ever arrive: no name, no sender left; EMSGSIZE, @buf is too
 * small and the message still there (mbox_recvmsg() tells its length); EBADF,
 * the handle lacks MBOX_RECV; ENOMEM; EINTR; EFAULT; ENOTTY.
 */
ssize_t mbox_recv(int fd, void *buf, size_t len);

/**
 * mbox_timedrecv() - receive a message, and wait no longer than told
 * @fd: handle with MBOX_RECV
 * @buf: where the payload goes
 * @len: length of @buf in bytes
 * @timeout: in ns; 0: do not wait; negative: wait for ever
 *
 * Return: as mbox_recv(), whatever O_NONBLOCK says: EAGAIN if @timeout is 0,
 * ETIMEDOUT if it is positive and has passed.
 */
ssize_t mbox_timedrecv(int fd, void *buf, size_t len, int64_t timeout);

/**
 * mbox_recvmsg() - receive the message that is asked for, with its header
 * @fd: handle with MBOX_RECV
 * @msg: which one, where to, and how; stays the caller's, not changed
 * @header: is filled in, may be NULL and may be what @msg->after points to.
 *	On EMSGSIZE its length is that of the message and the rest 0, on any other
 *	error it stays as it was
 *
 * Return: the number of bytes stored, which is less than @header->len if the
 * payload was cut (MBOX_TRUNCATE), or -1 and errno: as mbox_recv(), where
 * "none" means none that is asked for; ETIMEDOUT, the deadline has passed;
 * EINVAL, a value out of range, an unknown flag, a timeout, deadline or clock
 * without the flag that it belongs to, a combination ruled out in struct
 * mbox_recvmsg, @buf or @len besides @iov.
 */
ssize_t mbox_recvmsg(int fd, const struct mbox_recvmsg *msg,
		     struct mbox_header *header);

/**
 * mbox_narrow() - make a handle with fewer rights, or with a badge
 * @fd: any handle
 * @flags: MBOX_RECV, MBOX_SEND: the rights of the new one; MBOX_NONBLOCK
 * @badge: to be stamped on all that is sent through the new handle; 0: none, or
 *	the one that @fd has
 *
 * @fd stays open, with the rights it had.
 *
 * Return: the new handle, or -1 and errno: EPERM, @fd lacks a right in @flags,
 * or @badge is not 0 and @fd has a badge or lacks MBOX_RECV; EINVAL, no right
 * in @flags, an unknown flag; EMFILE, ENFILE; ENOMEM; EBADF; ENOTTY.
 */
int mbox_narrow(int fd, unsigned int flags, uint64_t badge);

/**
 * mbox_stat() - state of a mailbox
 * @fd: any handle
 * @stat: is filled in
 *
 * Return: 0, or -1 and errno: EBADF; ENOTTY.
 */
int mbox_stat(int fd, struct mbox_stat *stat);

/**
 * mbox_set() - change properties of a mailbox, all that is asked for or none
 * @fd: any handle
 * @set: the changes; stays the caller's
 *
 * Nothing that is held is dropped when a limit falls below it; sends wait
 * until there is room again.
 *
 * Return: 0, or -1 and errno: EPERM, the caller is neither the owner nor
 * privileged; EINVAL, a value out of range, a field not 0 that @set->mask does
 * not name; EBADF; ENOTTY.
 */
int mbox_set(int fd, const struct mbox_set *set);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_H */
