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
 * Calls. mbox_call() sends a request and waits for the reply; the server, which
 * receives it with a token in its header, owes an answer: mbox_reply(),
 * mbox_fail(), mbox_done() or mbox_back(). A message that was received with
 * MBOX_LEASE is owed mbox_done() or mbox_back(). A token is a number for the
 * process and the open file that received it; it is worthless elsewhere. If that
 * process dies or closes the file for good, calls end with ECONNRESET and leased
 * messages go back.
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
 * after any other handler the function fails with EINTR, nothing done (a call
 * excepted, whose request may have been received).
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

/* Largest number of files that one message may carry. */
#define MBOX_FILES_MAX		16

/*
 * Rights and properties of a handle: the flags of mbox_create(), of the
 * mbox_open() family and of mbox_narrow(). A handle has at least one right.
 */
#define MBOX_RECV		(1U << 0)	/* may receive, is read from */
#define MBOX_SEND		(1U << 1)	/* may send, is written to */
#define MBOX_NONBLOCK		(1U << 2)	/* O_NONBLOCK is set on the handle */

/*
 * Further flags of mbox_create(), and mbox_stat.flags (NAMED, OWN, EPHEMERAL,
 * RT_PRIORITY)
 */
#define MBOX_NAMED		(1U << 4)	/* has a name; mbox_stat only */
#define MBOX_OWN		(1U << 5)	/* this process's own, found by its pid */
#define MBOX_EXCL		(1U << 6)	/* fail if it exists */
#define MBOX_EPHEMERAL		(1U << 7)	/* the name goes with the last handle */
#define MBOX_OWNED_BY		(1U << 8)	/* if it exists, options->owner owns it */

/*
 * mbox_create(): the priority of a call is its caller's real-time priority, 1 to
 * 99 (100: SCHED_DEADLINE, 0: not real-time), not the caller's word, which is 0.
 */
#define MBOX_RT_PRIORITY	(1U << 10)

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
#define MBOX_LEASE		(1U << 6)	/* receive: it is mine until mbox_done() */
#define MBOX_SYNC		(1U << 7)	/* send: wait until it was received */
#define MBOX_REPLY_TO		(1U << 8)	/* send: a call, reply to @reply_to */

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
#define MBOX_MSG_REDELIVERED	(1U << 2)	/* it was delivered before, and came back */
#define MBOX_MSG_CALL		(1U << 3)	/* somebody waits for a reply */
#define MBOX_MSG_REPLY		(1U << 4)	/* this is the end of a call */
#define MBOX_MSG_FAILED		(1U << 5)	/* a bad end: see @code */
#define MBOX_MSG_STALE		(1U << 6)	/* nobody waited for the reply */
#define MBOX_MSG_FILES_LOST	(1U << 7)	/* files that came with it were closed */

/* Bits of mbox_query.features */
#define MBOX_FEATURE_IOVEC	(1U << 0)	/* scatter/gather payloads */
#define MBOX_FEATURE_PEEK	(1U << 1)	/* MBOX_PEEK, @after */
#define MBOX_FEATURE_CALL	(1U << 2)	/* calls, MBOX_SYNC */
#define MBOX_FEATURE_REPLY_TO	(1U << 3)	/* MBOX_REPLY_TO */
#define MBOX_FEATURE_LEASE	(1U << 4)	/* MBOX_LEASE */
#define MBOX_FEATURE_FILES	(1U << 5)	/* files, mbox_send_buffer() */
#define MBOX_FEATURE_NOTIFY	(1U << 6)	/* mbox_notify() */
#define MBOX_FEATURE_BATCH	(1U << 7)	/* mbox_sendv(), mbox_recvv() */

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
 * @files: descriptors of files that go with it; they stay the caller's
 * @file_count: number of files, up to MBOX_FILES_MAX
 * @reference_above: a payload of more bytes than this goes by reference: it is
 *	copied into a file in memory, which is sealed against changes, is received
 *	by mbox_recv_buffer(), and may be longer than the mailbox's
 *	max_message_size. Not with @files, nor in mbox_sendv(). 0: never
 * @reply_to: MBOX_REPLY_TO only: handle with MBOX_SEND of the mailbox where the
 *	reply goes
 * @reply_max: MBOX_REPLY_TO only: the largest reply that is taken, in bytes, for
 *	which room is reserved there. More than max_message_size of that mailbox
 *	counts as that
 * @reply_type: MBOX_REPLY_TO only: the type that the reply gets, for the caller
 *	to know it by; 0 where that mailbox's type_source is not MBOX_TYPE_SENDER
 * @flags: MBOX_WAIT_*; MBOX_SYNC or MBOX_REPLY_TO
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
	const int *files;
	unsigned int file_count;
	size_t reference_above;
	int reply_to;
	size_t reply_max;
	uint64_t reply_type;
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
 * @badge: badge of the handle that it was sent through, 0: none. Of a reply: of
 *	the reply_to; of that of mbox_call() and mbox_callmsg(): 0
 * @len: length of its payload in bytes, also when that did not fit
 * @priority: its priority
 * @flags: MBOX_MSG_*
 * @deliveries: how often it was delivered, this time included
 * @drops: messages that this mailbox has dropped so far, modulo 2^32
 * @token: for mbox_reply() and its kin, if the message is a call or was leased;
 *	otherwise 0
 * @reply_max: MBOX_MSG_CALL: the largest reply that is taken, in bytes
 * @code: MBOX_MSG_FAILED: the code of mbox_fail(); 0: the server went away, or
 *	threw the request away
 * @file_count: files that were stored; after EMSGSIZE, how many there are. 0 if
 *	none were asked for
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
	uint32_t token;
	uint32_t reply_max;
	uint32_t code;
	uint32_t file_count;
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
 * @files: gets the descriptors of files that come with the message, new and
 *	close-on-exec: all or none
 * @file_count: room at @files, up to MBOX_FILES_MAX is of use. 0: they are closed
 *	(MBOX_MSG_FILES_LOST)
 * @lease_time: MBOX_LEASE only: in ns from the delivery on, after which the
 *	message goes back; 0: never
 * @flags: MBOX_WAIT_*, MBOX_TRUNCATE, MBOX_PEEK or MBOX_LEASE
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
	int *files;
	unsigned int file_count;
	int64_t lease_time;
	unsigned int flags;
	int64_t timeout;
	int64_t deadline;
	clockid_t clock;
};

/**
 * struct mbox_callmsg - a call
 * @buf: payload of the request; stays the caller's
 * @len: length of @buf in bytes
 * @iov: if not NULL, the pieces of the request in order, instead of @buf
 * @iov_count: number of pieces, 1 to MBOX_IOV_MAX
 * @type: type of the request; 0 where type_source is not MBOX_TYPE_SENDER
 * @priority: its priority, 0 to MBOX_PRIORITY_MAX
 * @files: descriptors of files that go with it; they stay the caller's
 * @file_count: number of files, up to MBOX_FILES_MAX
 * @reply: where the reply goes
 * @reply_len: length of @reply in bytes: the largest reply that is taken. More
 *	than the mailbox's max_message_size counts as that
 * @flags: MBOX_WAIT_* but MBOX_WAIT_NONE, for the whole of the call. O_NONBLOCK
 *	concerns the waiting for room alone
 * @timeout: as in struct mbox_sendmsg, but not 0 with MBOX_WAIT_FOR
 * @deadline: as in struct mbox_sendmsg
 * @clock: likewise
 * @id: 0: a new call. Otherwise one that was interrupted: nothing is sent then,
 *	and the fields of the request mean nothing, but must be valid
 */
struct mbox_callmsg {
	const void *buf;
	size_t len;
	const struct iovec *iov;
	unsigned int iov_count;
	uint64_t type;
	unsigned int priority;
	const int *files;
	unsigned int file_count;
	void *reply;
	size_t reply_len;
	unsigned int flags;
	int64_t timeout;
	int64_t deadline;
	clockid_t clock;
	uint64_t id;
};

/**
 * struct mbox_buffer - a large payload that is passed on without a copy
 * @data: its bytes; NULL if there are none
 * @len: how many
 * @fd: the file in memory that they are in; -1: none, they came in a message
 */
struct mbox_buffer {
	void *data;
	size_t len;
	int fd;
};

/**
 * struct mbox_stat - state of a mailbox
 * @id: its number, unique while the module is loaded
 * @mode: permission bits
 * @uid: owner as the caller sees it
 * @gid: group likewise
 * @flags: what it is found by, MBOX_NAMED or MBOX_OWN; MBOX_EPHEMERAL;
 *	MBOX_RT_PRIORITY
 * @type_source: MBOX_TYPE_*
 * @overflow: MBOX_OVERFLOW_BLOCK or MBOX_OVERFLOW_DROP
 * @max_messages: limit of messages
 * @max_bytes: limit of payload bytes
 * @max_message_size: limit of one payload in bytes
 * @messages: messages held: queued, being received, delivered and not finished,
 *	and replies that are expected here
 * @bytes: their payloads
 * @senders: open handles that may send
 * @receivers: open handles that may receive
 * @waiting_senders: sends that wait for room
 * @waiting_receivers: receives that wait for a message
 * @calls: calls that wait for their end, those of MBOX_SYNC included
 * @tokens: deliveries that were not finished yet
 * @stale_tokens: those among them that were made through this handle, and whose
 *	caller has given up
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
	uint32_t calls;
	uint32_t tokens;
	uint32_t stale_tokens;
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
 * @user_max_files: how many files a user's unreceived messages may carry
 * @user_files: how many the caller's do
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
	uint32_t user_max_files;
	uint32_t user_files;
};

/**
 * mbox_create() - create a mailbox, or open it if it exists
 * @name: its name in the network namespace, or NULL: it is found through its
 *	handles alone (anonymous) or, with MBOX_OWN, by this process's pid
 * @flags: MBOX_RECV, MBOX_SEND, MBOX_NONBLOCK; with a name or MBOX_OWN one of
 *	MBOX_EXCL and MBOX_OWNED_BY; with a name MBOX_EPHEMERAL; MBOX_RT_PRIORITY
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
 * With MBOX_SYNC it returns when the message was received. Once somebody has
 * begun to receive it no signal ends the wait any more. After ETIMEDOUT it may
 * just be in a receiver's hands, and so be received all the same.
 *
 * With MBOX_REPLY_TO it returns when the request is in the mailbox. The reply
 * comes as a message with MBOX_MSG_REPLY, of the type and the priority asked for;
 * if the server refuses, goes away or throws the request away as an empty one with
 * MBOX_MSG_FAILED too.
 *
 * Return: 0, or -1 and errno: as mbox_send(); ETIMEDOUT, the deadline has
 * passed; EINVAL, a value out of range, an unknown flag, a timeout, deadline
 * or clock without the flag that it belongs to, a type not 0 that the sender
 * has no say in, @buf or @len besides @iov, MBOX_SYNC with MBOX_WAIT_NONE or
 * MBOX_REPLY_TO, @reply_to, @reply_max or @reply_type without that; EBADF, also
 * if a file is not open or @reply_to no handle with MBOX_SEND; ENOBUFS, the
 * mailbox there has no room for the reply; EOPNOTSUPP, a file of a kind that
 * cannot be sent; ENXIO, files, and no handle with MBOX_RECV is open; EDQUOT, also
 * if the user has too many files unreceived; with @reference_above EMFILE, ENFILE,
 * and EFBIG (and SIGXFSZ), longer than RLIMIT_FSIZE.
 */
int mbox_sendmsg(int fd, const struct mbox_sendmsg *msg);

/**
 * mbox_recv() - receive a message
 * @fd: handle with MBOX_RECV
 * @buf: where the payload goes
 * @len: length of @buf in bytes
 *
 * Takes the first message of the highest priority. Waits for one if there is
 * none. Files that come with it are closed; a call ends for its caller with
 * ECONNRESET, since nothing is told here to answer it with.
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
 *	On EMSGSIZE it has the length and the number of files of the message, and
 *	the rest is 0; on any other error it stays as it was
 *
 * Without @header, a call ends for its caller with ECONNRESET.
 *
 * Return: the number of bytes stored, which is less than @header->len if the
 * payload was cut (MBOX_TRUNCATE), or -1 and errno: as mbox_recv(), where
 * "none" means none that is asked for; ETIMEDOUT, the deadline has passed;
 * EINVAL, a value out of range, an unknown flag, a timeout, deadline or clock
 * without the flag that it belongs to, a combination ruled out in struct
 * mbox_recvmsg, @buf or @len besides @iov, MBOX_LEASE without @header; EMSGSIZE,
 * also if there is room for some of the files but not for all; EMFILE, ENFILE, for
 * the files; EFAULT, also for @files.
 */
ssize_t mbox_recvmsg(int fd, const struct mbox_recvmsg *msg,
		     struct mbox_header *header);

/**
 * mbox_sendv() - send many messages at once
 * @fd: handle with MBOX_SEND
 * @msgs: the messages, each as for mbox_sendmsg(), without MBOX_SYNC,
 *	MBOX_REPLY_TO and @reference_above; stay the caller's, not changed
 * @n: how many, 1 to INT_MAX
 *
 * Stops at the first one that cannot be sent. Waits, if it must, for the first
 * one alone. Takes 12 KiB of stack.
 *
 * Return: how many were sent, at least 1, or -1 and errno for the first one: as
 * mbox_sendmsg(); EINVAL, also if @n is out of range.
 */
int mbox_sendv(int fd, const struct mbox_sendmsg *msgs, unsigned int n);

/**
 * mbox_recvv() - receive many messages at once
 * @fd: handle with MBOX_RECV
 * @msgs: which ones, where to, and how, each as for mbox_recvmsg(); stay the
 *	caller's, not changed
 * @headers: an array of @n, of which as many are filled in as messages were
 *	received; on EMSGSIZE the first, as by mbox_recvmsg(). May be NULL
 * @n: how many, 1 to INT_MAX
 *
 * Stops at the first one that cannot be received. Waits, if it must, for the
 * first one alone. Takes 12 KiB of stack.
 *
 * Return: how many were received, at least 1, or -1 and errno for the first
 * one: as mbox_recvmsg(); EINVAL, also if @n is out of range.
 */
int mbox_recvv(int fd, const struct mbox_recvmsg *msgs,
	       struct mbox_header *headers, unsigned int n);

/**
 * mbox_call() - send a request and wait for the reply to it
 * @fd: handle with MBOX_SEND
 * @request: payload of the request
 * @len: its length in bytes
 * @reply: where the reply goes
 * @reply_len: length of @reply in bytes, the largest reply that is taken
 *
 * Room for the reply is set aside at once, at the caller's expense. If a signal
 * ends the wait the call is given up: a request that nobody has received is
 * taken back, but one in a server's hands may be served in vain. mbox_callmsg()
 * can go on.
 *
 * Return: the length of the reply in bytes, or -1 and errno: EREMOTEIO, the
 * server refused (mbox_callmsg() tells its code); ECONNRESET, the server went
 * away or threw the request away; EPIPE, nobody can ever receive it; EAGAIN, the
 * mailbox is full and the handle is non-blocking; EMSGSIZE, the request is
 * longer than the mailbox's max_message_size; EBADF, the handle lacks MBOX_SEND;
 * EDQUOT, the user has too much unreceived; ENOMEM, the control group's limit
 * included; EINTR; EFAULT, also for @reply, when the request has been served;
 * ENOTTY.
 */
ssize_t mbox_call(int fd, const void *request, size_t len, void *reply,
		  size_t reply_len);

/**
 * mbox_timedcall() - send a request and wait for the reply no longer than told
 * @fd: handle with MBOX_SEND
 * @request: payload of the request
 * @len: its length in bytes
 * @reply: where the reply goes
 * @reply_len: length of @reply in bytes, the largest reply that is taken
 * @timeout: for the whole of it, in ns; negative: wait for ever; not 0
 *
 * Return: as mbox_call(); ETIMEDOUT, given up as by a signal; EINVAL, @timeout
 * is 0; no EAGAIN.
 */
ssize_t mbox_timedcall(int fd, const void *request, size_t len, void *reply,
		       size_t reply_len, int64_t timeout);

/**
 * mbox_callmsg() - call with all that can be said of it, or go on with a call
 * @fd: handle with MBOX_SEND
 * @msg: the call; stays the caller's, of which only @msg->id is changed
 * @header: is filled in from the reply, with the ids of the server; may be NULL.
 *	On EREMOTEIO with the refusal and its code; on EMSGSIZE of a call gone on
 *	with, with the length of the reply and 0; otherwise it stays as it was
 *
 * If the call could be gone on with, @msg->id is not 0 afterwards: after EINTR,
 * if the request was in a server's hands; after EFAULT, if the reply had nowhere
 * to go; after EMSGSIZE, if there was too little room for it. Then call again
 * with the same @msg, on the same handle in the same process, or give up by
 * mbox_abandon(). A timeout begins anew then, a deadline does not.
 *
 * Return: the length of the reply in bytes, or -1 and errno: as mbox_call();
 * ETIMEDOUT, the deadline has passed and the call is given up; EMSGSIZE, also if
 * it was gone on with, and the reply is longer than @msg->reply_len is now; ESRCH,
 * there is no call @msg->id of this process through this handle; EINVAL, a value
 * out of range, an unknown flag, a timeout, deadline or clock without the flag that
 * it belongs to, MBOX_WAIT_NONE, a timeout of 0, a type not 0 that the sender has
 * no say in, a priority not 0 and MBOX_RT_PRIORITY, @buf or @len besides @iov; EBADF,
 * also if a file is not open; EOPNOTSUPP, ENXIO, EDQUOT, for files, as
 * mbox_sendmsg().
 */
ssize_t mbox_callmsg(int fd, struct mbox_callmsg *msg,
		     struct mbox_header *header);

/**
 * mbox_abandon() - give up a call that was interrupted
 * @fd: the handle of mbox_callmsg()
 * @id: mbox_callmsg.id
 *
 * Return: 0, or -1 and errno: ESRCH, there is no call @id of this process
 * through this handle; EINVAL, @id is 0; EBADF, the handle lacks MBOX_SEND;
 * ENOTTY.
 */
int mbox_abandon(int fd, uint64_t id);

/**
 * mbox_reply() - answer a call
 * @fd: the handle that received it
 * @token: mbox_header.token
 * @buf: payload of the reply
 * @len: its length in bytes
 *
 * Never waits.
 *
 * Return: 0, or -1 and errno: EPIPE, the caller has given up, and the token is
 * finished; on any other error it is as it was: ESRCH, not a token of this
 * process and handle, or finished; EINVAL, nobody called: it was leased;
 * EMSGSIZE, longer than mbox_header.reply_max; EBADF, the handle lacks MBOX_RECV;
 * ENOMEM; EFAULT; ENOTTY.
 */
int mbox_reply(int fd, uint32_t token, const void *buf, size_t len);

/**
 * mbox_done() - be done with a delivery, without an answer
 * @fd: the handle that received it
 * @token: mbox_header.token
 *
 * A leased message is gone. A call ends for its caller with ECONNRESET.
 *
 * Return: 0, or -1 and errno: ESRCH, not a token of this process and handle, or
 * finished, or its lease has run out; EBADF, the handle lacks MBOX_RECV; ENOTTY.
 */
int mbox_done(int fd, uint32_t token);

/**
 * mbox_back() - put what was delivered back to its place in the mailbox
 * @fd: the handle that received it
 * @token: mbox_header.token
 *
 * It will be received again, with MBOX_MSG_REDELIVERED; a call goes on, unless
 * its caller has given up.
 *
 * Return: as mbox_done().
 */
int mbox_back(int fd, uint32_t token);

/**
 * mbox_fail() - refuse a call
 * @fd: the handle that received it
 * @token: mbox_header.token
 * @code: why, not 0; for the caller, who gets EREMOTEIO
 *
 * Return: as mbox_reply(), without EMSGSIZE and EFAULT; EINVAL, also if @code
 * is 0.
 */
int mbox_fail(int fd, uint32_t token, uint32_t code);

/**
 * mbox_reply_recv() - answer a call, then receive the next message
 * @fd: the handle that received the call
 * @token: mbox_header.token of the call; 0: only receive. Is 0 once the reply is
 *	out, so that a repetition with the same arguments does not answer twice
 * @reply: payload of the reply
 * @reply_len: its length in bytes
 * @msg: what to receive, as for mbox_recvmsg(), without MBOX_PEEK
 * @header: as for mbox_recvmsg(); with MBOX_MSG_STALE if the caller had given up,
 *	which is no error here
 *
 * What a server does in a loop, with @header->token as the next @token.
 *
 * Return: as mbox_recvmsg(); and while @token is not 0: ESRCH, EINVAL, EMSGSIZE,
 * ENOMEM, EFAULT, as mbox_reply(): nothing was received then, and @header stays as
 * it was.
 */
ssize_t mbox_reply_recv(int fd, uint32_t *token, const void *reply,
			size_t reply_len, const struct mbox_recvmsg *msg,
			struct mbox_header *header);

/**
 * mbox_create_own() - create this process's own mailbox, to be sent to by pid
 * @mode: permission bits, 0 to 0777, w: may send to this process; the umask
 *	applies. 0: 0600
 *
 * The handle receives; the type of a message is its sender's process id. A
 * mailbox of its own that the process has already is opened as it is.
 *
 * Return: the handle, or -1 and errno: as mbox_create().
 */
int mbox_create_own(mode_t mode);

/**
 * mbox_send_to() - send a message to a process
 * @pid: its process id as the caller sees it; 0: the caller's
 * @buf: the payload
 * @len: its length in bytes
 * @timeout: in ns; 0: do not wait; negative: wait for ever
 *
 * Opens the process's own mailbox for a moment. Who sends much opens it once, by
 * mbox_open_pid().
 *
 * Return: 0, or -1 and errno: ENOENT, there is no such process, or it has no
 * mailbox of its own; EACCES, its mode forbids sending; EINVAL, @pid is negative;
 * as mbox_timedsend(), but EBADF and ENOTTY; device.
 */
int mbox_send_to(pid_t pid, const void *buf, size_t len, int64_t timeout);

/**
 * mbox_recv_from() - receive a message from a process
 * @fd: handle of mbox_create_own(), or of another mailbox whose type_source is
 *	MBOX_TYPE_PID
 * @pid: the sender's process id; 0: of anybody
 * @buf: where the payload goes
 * @len: length of @buf in bytes
 * @timeout: in ns; 0: do not wait; negative: wait for ever, also for a process
 *	that does not live
 *
 * Return: as mbox_timedrecv(); EINVAL, @pid is negative.
 */
ssize_t mbox_recv_from(int fd, pid_t pid, void *buf, size_t len,
		       int64_t timeout);

/**
 * mbox_notify() - be told when a message comes into the empty mailbox
 * @fd: handle with MBOX_RECV
 * @eventfd: is counted up by 1 when a message comes and nobody who waits takes
 *	it; once, and forgotten then. -1: no more
 *
 * A mailbox has one notification at a time. It goes with the process that asked
 * for it, and with the handle.
 *
 * Return: 0, or -1 and errno: EBUSY, there is one; EINVAL, @eventfd is no
 * eventfd; EBADF, it is not open, or the handle lacks MBOX_RECV; ENOMEM;
 * ENOTTY.
 */
int mbox_notify(int fd, int eventfd);

/**
 * mbox_buffer_create() - make a buffer, to be filled and sent without a copy
 * @b: is filled in
 * @len: its length in bytes, not 0
 *
 * @b->data is writable and 0. Its memory is taken at once, within what the machine
 * and the control group have, as if it had been written to. A child of fork() does
 * not have it. Ends with mbox_send_buffer() or mbox_buffer_release().
 *
 * Return: 0, or -1 and errno: ENOMEM; EINVAL, @len is 0; EMFILE, ENFILE; EFBIG
 * (and SIGXFSZ), longer than RLIMIT_FSIZE.
 */
int mbox_buffer_create(struct mbox_buffer *b, size_t len);

/**
 * mbox_send_buffer() - send a buffer
 * @fd: handle with MBOX_SEND
 * @b: the buffer, one that was received too
 *
 * The bytes are sealed against changes by anybody and go as they are, of type and
 * priority 0. They may be longer than the mailbox's max_message_size, except in a
 * buffer that came in a message (@b->fd -1). On success @b is empty. On failure it
 * can be sent again, but not be written to any more, except after EBUSY. No other
 * thread may use @b meanwhile.
 *
 * Return: 0, or -1 and errno: EBUSY, another process has the file mapped for
 * writing, or input to @b->data is under way; ENXIO, no handle with MBOX_RECV is
 * open; EINVAL, @b is empty; EPERM, somebody sealed it in another way; as
 * mbox_send(), where EDQUOT also stands for files and EBADF for @b->fd.
 */
int mbox_send_buffer(int fd, struct mbox_buffer *b);

/**
 * mbox_recv_buffer() - receive a buffer
 * @fd: handle with MBOX_RECV
 * @b: is filled in; ends with mbox_send_buffer() or mbox_buffer_release()
 *
 * Takes what mbox_send_buffer() and mbox_sendmsg.reference_above send, without a
 * copy, and any other message. @b->data can be read, and nobody can change it any
 * more. An empty message gives NULL and 0. A call ends for its caller with
 * ECONNRESET.
 *
 * Return: 0, or -1 and errno: EBADMSG, the message came with files that are not a
 * buffer, one that can still be changed or is not as long as it said, and is gone;
 * on any other error it is still there: ENOMEM, also for want of room in the
 * address space; EMFILE, ENFILE; as mbox_recv(), but EMSGSIZE and EFAULT.
 */
int mbox_recv_buffer(int fd, struct mbox_buffer *b);

/**
 * mbox_buffer_release() - do without a buffer
 * @b: the buffer, which is empty afterwards; may be empty
 */
void mbox_buffer_release(struct mbox_buffer *b);

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
