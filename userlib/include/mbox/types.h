/* SPDX-License-Identifier: MIT */
/*
 * libmbox: constants and structs. Programs include <mbox.h>, which explains them.
 */
#ifndef MBOX_MBOX_TYPES_H
#define MBOX_MBOX_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Largest priority of a message; larger is more urgent, 0 is the least. */
#define MBOX_PRIORITY_MAX	32767

/* Longest name in bytes: any byte but '/' and NUL; not "." and not "..". */
#define MBOX_NAME_MAX		255

/* Largest number of elements in an iovec array of one message. */
#define MBOX_IOV_MAX		1024

/* Largest number of files that one message may carry. */
#define MBOX_FILES_MAX		16

/* Number of mbox_stat.latencies. */
#define MBOX_LATENCY_SLOTS	32

/* Longest time that a wait may spin before it sleeps, in ns. */
#define MBOX_SPIN_MAX		100000
/* Not at all, whatever the mailbox says. */
#define MBOX_SPIN_NONE		(~0U)

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
#define MBOX_FEATURE_SPIN	(1U << 8)	/* MBOX_SET_SPIN, @spin */
#define MBOX_FEATURE_LATENCY	(1U << 9)	/* MBOX_SET_LATENCY */

/* Bits of mbox_set.mask: the fields that are to be set */
#define MBOX_SET_MODE			(1U << 0)
#define MBOX_SET_UID			(1U << 1)
#define MBOX_SET_GID			(1U << 2)
#define MBOX_SET_OVERFLOW		(1U << 3)
#define MBOX_SET_MAX_MESSAGES		(1U << 4)
#define MBOX_SET_MAX_BYTES		(1U << 5)
#define MBOX_SET_MAX_MESSAGE_SIZE	(1U << 6)
#define MBOX_SET_SPIN			(1U << 7)
#define MBOX_SET_LATENCY		(1U << 8)

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
 * @reply_to: MBOX_REPLY_TO only: handle with both rights of the mailbox where the
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
 * @spin: how long to spin before sleeping, if it must be waited: in ns, up to
 *	MBOX_SPIN_MAX, or MBOX_SPIN_NONE; 0: as the mailbox says (struct mbox_set)
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
	uint32_t spin;
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
 * @spin: likewise
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
	uint32_t spin;
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
 * @spin: likewise
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
	uint32_t spin;
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
 * @spin: how long waits spin before they sleep, in ns
 * @latency: 1: @latencies are counted
 * @created: when the mailbox was created, on CLOCK_MONOTONIC in ns, as the caller's
 *	time namespace sees it; a signed number, if that was before its zero
 * @latencies: how many messages were taken, by the time since they were made: slot 0
 *	for less than 1,024 ns, slot i for 2^(9+i) to less than 2^(10+i) ns, the last
 *	for all that is longer. One that goes back and is taken anew counts again
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
	uint32_t spin;
	uint32_t latency;
	uint64_t created;
	uint64_t latencies[MBOX_LATENCY_SLOTS];
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
 * @spin: how long whoever waits for a message, or for the end of a call, spins
 *	before sleeping: in ns, up to MBOX_SPIN_MAX; 0, as of a new mailbox: not at all
 * @latency: 1: count latencies, from 0 on unless they are counted already; 0, as of
 *	a new mailbox: don't
 *
 * Who spins looks for what it waits for, on its own time, as long as nobody else
 * wants its processor; not on a machine with one. That saves two wake-ups where
 * answers come at once; if it is in vain, the next waits do without (but those that
 * state a time of their own).
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
	uint32_t spin;
	uint32_t latency;
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

#endif /* MBOX_MBOX_TYPES_H */
