/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * mbox - mailbox IPC: the interface of /dev/mbox and of mailbox handles.
 *
 * /dev/mbox creates, opens and unlinks mailboxes; each of these ioctls that
 * yields a mailbox returns a new file descriptor, the handle, which is
 * close-on-exec. Messages pass through the handle.
 *
 * Rules that hold for every ioctl here:
 *
 * - All structs have fixed-width fields, no holes, and the same layout for 32
 *   and 64 bit programs. Pointers are stored in __aligned_u64.
 * - The size of the struct is part of the command. A struct longer than the
 *   kernel's is accepted if what the kernel does not know is zero (E2BIG
 *   otherwise); a shorter one than the first version is EINVAL. Of a struct
 *   that it only writes, the kernel sets to zero what it does not know.
 * - An unknown flag, a value out of range or a non-zero reserved field is
 *   EINVAL before anything has happened. An unknown command is ENOTTY.
 * - Times are in nanoseconds. Names are bytes, without a terminating NUL.
 */
#ifndef _UAPI_LINUX_MBOX_H
#define _UAPI_LINUX_MBOX_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Largest priority of a message; larger is more urgent, 0 is the least. */
#define MBOX_PRIORITY_MAX	32767

/* Longest name in bytes: any byte but '/' and NUL; not "." and not "..". */
#define MBOX_NAME_MAX		255

/* Largest number of elements in an iovec array of one message. */
#define MBOX_IOV_MAX		1024

/* Largest number of files that one message may carry. */
#define MBOX_FILES_MAX		16

/* Largest number of messages of one SENDV or RECVV. */
#define MBOX_BATCH_MAX		1024

/* Number of mbox_stat_args.latencies. */
#define MBOX_LATENCY_SLOTS	32

/* Longest time that a wait may spin before it sleeps, in ns. */
#define MBOX_SPIN_MAX		100000
/* mbox_ext.spin: not at all, whatever the mailbox says. */
#define MBOX_SPIN_NONE		(~0U)

/*
 * Rights and properties of a handle: the low bits of the flags of CREATE,
 * OPEN and NARROW. A handle has at least one of the two rights.
 */
#define MBOX_RECV		(1U << 0)	/* may receive (open for reading) */
#define MBOX_SEND		(1U << 1)	/* may send (open for writing) */
#define MBOX_NONBLOCK		(1U << 2)	/* O_NONBLOCK is set on the handle */

/* How CREATE, OPEN and UNLINK find a mailbox, and what else they mind. */
#define MBOX_NAMED		(1U << 4)	/* by @name in the network namespace */
#define MBOX_OWN		(1U << 5)	/* a process's own: the caller's, or that of @pid */
#define MBOX_EXCL		(1U << 6)	/* CREATE: fail if it exists */
#define MBOX_EPHEMERAL		(1U << 7)	/* CREATE: name goes with last handle */
#define MBOX_OWNED_BY		(1U << 8)	/* CREATE, OPEN: only if @owner owns it */

/* NARROW: stamp @badge on all that is sent through the new handle. */
#define MBOX_BADGE		(1U << 9)

/*
 * CREATE: the priority of a call is its caller's real-time priority, 1 to 99
 * (100: SCHED_DEADLINE, 0: not real-time), not the caller's word, which is 0.
 */
#define MBOX_RT_PRIORITY	(1U << 10)

/*
 * mbox_create_args.type_source: what the type of a message in a mailbox is.
 * With the last two, a sender that states a type other than 0 gets EINVAL.
 */
#define MBOX_TYPE_SENDER	0	/* the sender's word */
#define MBOX_TYPE_PID		1	/* its process id, as the creator sees it */
#define MBOX_TYPE_BADGE		2	/* the badge of the handle it came through */

/* mbox_create_args.overflow: what a send to a full mailbox does. */
#define MBOX_OVERFLOW_BLOCK	0	/* waits for room */
/*
 * Drops the oldest message of the lowest priority, and so on, up to 64 a send,
 * then waits for the rest of the room. Nothing is dropped that is more urgent
 * than the new message, nor if that is seen to be in vain within those 64.
 */
#define MBOX_OVERFLOW_DROP	1

/* mbox_msg_args.select: which messages, by type, a receive takes. */
#define MBOX_SELECT_ANY		0	/* all */
#define MBOX_SELECT_EQUAL	1	/* those of @type */
#define MBOX_SELECT_NOT_EQUAL	2	/* those of any other type */
#define MBOX_SELECT_LOWEST	3	/* of the lowest type there not above @type */

/*
 * mbox_msg_args.clock: the clock of a deadline. Monotonic and boot time are
 * read as the caller's time namespace sees them.
 */
#define MBOX_CLOCK_MONOTONIC	0
#define MBOX_CLOCK_REALTIME	1	/* follows when the clock is set */
#define MBOX_CLOCK_BOOTTIME	2

/**
 * struct mbox_create_args - for MBOX_IOC_CREATE
 * @flags: MBOX_RECV, MBOX_SEND, MBOX_NONBLOCK; at most one of MBOX_NAMED and
 *	MBOX_OWN (neither: an anonymous mailbox); MBOX_EXCL, MBOX_EPHEMERAL
 *	(with MBOX_NAMED), MBOX_OWNED_BY, MBOX_RT_PRIORITY
 * @mode: permission bits, 0 to 0777, r: receive, w: send; the umask applies
 * @name: address of the name, MBOX_NAMED only
 * @name_len: length of the name in bytes, 1 to MBOX_NAME_MAX
 * @owner: user id, as the caller sees it, that must own a mailbox that exists
 * @max_bytes: limit of the payloads held at a time, in bytes; at least
 *	@max_message_size; 0: the default
 * @max_messages: limit of the messages held at a time; 0: the default
 * @max_message_size: limit of one payload in bytes; 0: the default
 * @type_source: MBOX_TYPE_*
 * @overflow: MBOX_OVERFLOW_*
 *
 * If the mailbox exists it is opened, as by MBOX_IOC_OPEN, and keeps its
 * properties. What is 0 here and 0 in struct mbox_query_args has no default.
 */
struct mbox_create_args {
	__u32 flags;
	__u32 mode;
	__aligned_u64 name;
	__u32 name_len;
	__u32 owner;
	__aligned_u64 max_bytes;
	__u32 max_messages;
	__u32 max_message_size;
	__u32 type_source;
	__u32 overflow;
};

/**
 * struct mbox_open_args - for MBOX_IOC_OPEN and MBOX_IOC_UNLINK
 * @flags: one of MBOX_NAMED and MBOX_OWN; for OPEN also MBOX_RECV,
 *	MBOX_SEND, MBOX_NONBLOCK, MBOX_OWNED_BY
 * @pid: process id as the caller's pid namespace sees it; 0: the caller
 * @name: address of the name, MBOX_NAMED only
 * @name_len: length of the name in bytes, 1 to MBOX_NAME_MAX
 * @owner: user id, as the caller sees it, that must own the mailbox
 */
struct mbox_open_args {
	__u32 flags;
	__s32 pid;
	__aligned_u64 name;
	__u32 name_len;
	__u32 owner;
};

/* Bits of mbox_query_args.features */
#define MBOX_FEATURE_IOVEC	(1U << 0)	/* scatter/gather payloads */
#define MBOX_FEATURE_PEEK	(1U << 1)	/* MBOX_PEEK, MBOX_PEEK_AFTER */
#define MBOX_FEATURE_CALL	(1U << 2)	/* CALL, REPLY_RECV, FINISH, MBOX_SYNC */
#define MBOX_FEATURE_REPLY_TO	(1U << 3)	/* MBOX_REPLY_TO */
#define MBOX_FEATURE_LEASE	(1U << 4)	/* MBOX_LEASE */
#define MBOX_FEATURE_FILES	(1U << 5)	/* mbox_ext.files */
#define MBOX_FEATURE_NOTIFY	(1U << 6)	/* NOTIFY */
#define MBOX_FEATURE_BATCH	(1U << 7)	/* SENDV, RECVV */
#define MBOX_FEATURE_SPIN	(1U << 8)	/* MBOX_SET_SPIN, mbox_ext.spin */
#define MBOX_FEATURE_LATENCY	(1U << 9)	/* MBOX_SET_LATENCY */

/**
 * struct mbox_query_args - for MBOX_IOC_QUERY, written by the kernel
 * @features: MBOX_FEATURE_*
 * @default_max_bytes: mbox_create_args.max_bytes where that is 0
 * @default_max_messages: mbox_create_args.max_messages where that is 0
 * @default_max_message_size: likewise
 * @ceiling_max_bytes: the largest max_bytes that a mailbox may have
 * @ceiling_max_messages: the largest max_messages
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
struct mbox_query_args {
	__aligned_u64 features;
	__aligned_u64 default_max_bytes;
	__u32 default_max_messages;
	__u32 default_max_message_size;
	__aligned_u64 ceiling_max_bytes;
	__u32 ceiling_max_messages;
	__u32 ceiling_max_message_size;
	__aligned_u64 user_max_bytes;
	__aligned_u64 user_bytes;
	__u32 user_max_mailboxes;
	__u32 user_mailboxes;
	__u32 ns_max_mailboxes;
	__u32 ns_mailboxes;
	__u32 user_max_files;
	__u32 user_files;
};

/*
 * Flags of struct mbox_msg_args. How an operation that cannot be done now
 * waits is the low two bits.
 */
#define MBOX_WAIT_MASK		3U
#define MBOX_WAIT_DEFAULT	0U	/* for ever, or not at all if O_NONBLOCK */
#define MBOX_WAIT_NONE		1U	/* not at all: EAGAIN */
#define MBOX_WAIT_FOREVER	2U	/* for ever, whatever O_NONBLOCK says */
#define MBOX_WAIT_UNTIL		3U	/* until @deadline: ETIMEDOUT */

#define MBOX_EXT		(1U << 2)	/* @ext is set */
#define MBOX_TRUNCATE		(1U << 3)	/* RECV: cut what does not fit */
#define MBOX_PEEK		(1U << 4)	/* RECV: leave the message there */
#define MBOX_PEEK_AFTER		(1U << 5)	/* RECV: the next after (@priority, @id) */
#define MBOX_LEASE		(1U << 6)	/* RECV: it is mine until FINISH */
#define MBOX_SYNC		(1U << 7)	/* SEND: wait until it was received */
#define MBOX_REPLY_TO		(1U << 8)	/* SEND: a call; reply to @ext's reply_to */
#define MBOX_ABANDON		(1U << 9)	/* CALL, SEND: give up @id */

/* mbox_msg_args.select of FINISH: how a token ends */
#define MBOX_FINISH_REPLY	0	/* @buf is the reply to the call */
#define MBOX_FINISH_DONE	1	/* leave nothing; a call gets ECONNRESET */
#define MBOX_FINISH_BACK	2	/* back to its place in the mailbox */
#define MBOX_FINISH_FAIL	3	/* the call gets EREMOTEIO and the code @type */

/* Bits of mbox_msg_args.out_flags */
#define MBOX_MSG_OPENER		(1U << 0)	/* ids are the file opener's: write(2) */
#define MBOX_MSG_TRUNCATED	(1U << 1)	/* the payload was cut */
#define MBOX_MSG_REDELIVERED	(1U << 2)	/* it was delivered before, and came back */
#define MBOX_MSG_CALL		(1U << 3)	/* somebody waits for a reply */
#define MBOX_MSG_REPLY		(1U << 4)	/* this is the end of a call */
#define MBOX_MSG_FAILED		(1U << 5)	/* a bad end: see @out_code */
#define MBOX_MSG_STALE		(1U << 6)	/* REPLY_RECV: nobody waited for the reply */
#define MBOX_MSG_FILES_LOST	(1U << 7)	/* files that came with it were closed */

/**
 * struct mbox_msg_args - for SEND, RECV, CALL, REPLY_RECV, FINISH and batches
 * @flags: MBOX_WAIT_*, MBOX_EXT, and
 *	SEND: MBOX_SYNC, MBOX_REPLY_TO (with MBOX_EXT), not both; MBOX_ABANDON
 *	(with MBOX_SYNC)
 *	RECV, REPLY_RECV: MBOX_TRUNCATE, MBOX_LEASE; MBOX_PEEK, MBOX_PEEK_AFTER
 *	(with MBOX_PEEK, not with MBOX_LEASE, not REPLY_RECV)
 *	CALL: MBOX_ABANDON
 *	FINISH: MBOX_EXT alone
 * @priority: SEND, CALL: of the message, 0 to MBOX_PRIORITY_MAX.
 *	RECV: the least that is taken. MBOX_PEEK_AFTER: of the message gone by
 * @select: RECV: MBOX_SELECT_*; with MBOX_SELECT_LOWEST, no minimum priority.
 *	FINISH: MBOX_FINISH_*
 * @clock: MBOX_CLOCK_*, MBOX_WAIT_UNTIL only
 * @deadline: absolute time in ns on @clock, MBOX_WAIT_UNTIL only. One try is
 *	made even if it has passed. CALL: for the whole, reply included
 * @buf: address of the payload, or of the buffer that receives it. With an
 *	iovec array: 0
 * @reply_buf: CALL: address of the buffer for the reply. REPLY_RECV: address of
 *	the reply's payload
 * @len: length of @buf in bytes
 * @reply_len: length of @reply_buf in bytes. CALL, and SEND with MBOX_REPLY_TO:
 *	the largest reply that is taken; more than max_message_size of the
 *	mailbox that the reply comes from, or goes to, counts as that
 * @type: SEND, CALL: of the message. RECV: what @select compares with. FINISH:
 *	with MBOX_FINISH_FAIL the code, 1 to 2^32 - 1, otherwise 0
 * @id: FINISH: the token. REPLY_RECV: the token to reply to, 0: none.
 *	CALL, SEND with MBOX_SYNC: 0, or the call that is to be resumed: nothing
 *	is sent then. SEND with MBOX_REPLY_TO: the type that the reply gets, for
 *	the caller to know it by; 0 where the type is not the sender's word.
 *	MBOX_PEEK_AFTER: sequence number of the message
 *	gone by. Otherwise 0
 * @ext: address of a struct mbox_ext, MBOX_EXT only
 * @out_type: type of the message
 * @out_seq: its sequence number in this mailbox: later messages have larger
 * @out_time: time sent, CLOCK_MONOTONIC as the receiver's time namespace sees
 * @out_badge: badge of the handle it was sent through, 0: none. Of a reply: of
 *	@reply_to; of that of a CALL: 0
 * @out_token: for FINISH, if there is something to finish (a call, or with
 *	MBOX_LEASE); otherwise 0
 * @out_len: length of its payload in bytes, also when that did not fit
 * @out_reply_max: MBOX_MSG_CALL: the largest reply that is taken, in bytes
 * @out_code: MBOX_MSG_FAILED: the code of MBOX_FINISH_FAIL; 0: the server went
 *	away or threw the request away
 * @out_drops: messages that this mailbox has dropped so far, modulo 2^32
 * @out_pid: sender's process id as the receiver's pid namespace sees it,
 *	0: not visible there
 * @out_uid: sender's effective user id as the receiver's user namespace sees it
 * @out_gid: sender's effective group id likewise
 * @out_priority: priority of the message
 * @out_deliveries: how often it was delivered, this time included; 255: or more
 * @out_flags: MBOX_MSG_*
 *
 * The first 64 bytes are only read, with two exceptions so that an operation
 * that a signal interrupted can be repeated with the same struct:
 *
 * - A CALL (or SEND with MBOX_SYNC) whose request a receiver has already got
 *   writes the call to resume into @id when it fails with EINTR, is restarted,
 *   or fails with EFAULT or EMSGSIZE because of the buffer for the reply.
 * - REPLY_RECV writes 0 into @id once the reply is out (or was found to be for
 *   nobody).
 *
 * The last 64 bytes (@out_type and on) are only written: by RECV and REPLY_RECV
 * about the message, by CALL about the reply, whose ids are the server's. On
 * success; on EMSGSIZE because of the buffer to receive into, @out_len is set
 * and the rest is 0; on EREMOTEIO all of it; on any other error they are left as
 * they were.
 */
struct mbox_msg_args {
	__u32 flags;
	__u16 priority;
	__u8 select;
	__u8 clock;
	__aligned_u64 deadline;
	__aligned_u64 buf;
	__aligned_u64 reply_buf;
	__u32 len;
	__u32 reply_len;
	__aligned_u64 type;
	__aligned_u64 id;
	__aligned_u64 ext;

	__aligned_u64 out_type;
	__aligned_u64 out_seq;
	__aligned_u64 out_time;
	__aligned_u64 out_badge;
	__u32 out_token;
	__u32 out_len;
	union {
		__u32 out_reply_max;
		__u32 out_code;
	};
	__u32 out_drops;
	__u32 out_pid;
	__u32 out_uid;
	__u32 out_gid;
	__u16 out_priority;
	__u8 out_deliveries;
	__u8 out_flags;
};

/**
 * struct mbox_ext - rare arguments of a message
 * @size: size of this struct in bytes, as the caller knows it
 * @iov_count: number of elements at @iov, up to MBOX_IOV_MAX; 0: @buf and @len
 *	are the payload or the buffer
 * @iov: address of an array of struct iovec, of the caller's word size, that
 *	takes the place of @buf and @len; 0 if @iov_count is
 * @files: address of an array of __s32. SEND, CALL: the descriptors of the files
 *	that go with the message. RECV, REPLY_RECV: gets new descriptors, which
 *	are close-on-exec
 * @file_count: SEND, CALL: number of files, up to MBOX_FILES_MAX. RECV,
 *	REPLY_RECV: room at @files; 0: files that come with the message are closed
 * @reply_to: descriptor of a handle with both MBOX_RECV and MBOX_SEND, where the
 *	reply goes. MBOX_REPLY_TO only, otherwise 0
 * @lease_time: MBOX_LEASE: in ns from the delivery on, after which the message
 *	goes back; 0: never. Otherwise 0
 * @out_file_count: written by RECV and REPLY_RECV: number of descriptors at @files,
 *	0 if the files were closed or left there; on EMSGSIZE, number of files that
 *	the message carries
 * @spin: how long to spin before sleeping, if it must be waited: in ns, up to
 *	MBOX_SPIN_MAX, or MBOX_SPIN_NONE; 0: as the mailbox says. Not FINISH
 */
struct mbox_ext {
	__u32 size;
	__u32 iov_count;
	__aligned_u64 iov;
	__aligned_u64 files;
	__u32 file_count;
	__s32 reply_to;
	__aligned_u64 lease_time;
	__u32 out_file_count;
	__u32 spin;
};

/**
 * struct mbox_batch_args - for MBOX_IOC_SENDV and MBOX_IOC_RECVV
 * @msgs: address of an array of struct mbox_msg_args, each as for SEND (but
 *	MBOX_SYNC and MBOX_REPLY_TO) or RECV
 * @count: number of its elements, 1 to MBOX_BATCH_MAX
 * @reserved: 0
 *
 * Stops at the first that fails and returns how many were done; only if that is
 * none, the error. Only the first one waits.
 */
struct mbox_batch_args {
	__aligned_u64 msgs;
	__u32 count;
	__u32 reserved;
};

/**
 * struct mbox_notify_args - for MBOX_IOC_NOTIFY
 * @eventfd: is counted up by 1 when a message comes into the empty mailbox and
 *	nobody who waits takes it; once, and forgotten then. -1: take a
 *	notification of this handle's and process's away
 * @reserved: 0
 *
 * The handle must have MBOX_RECV. A mailbox has one notification at a time
 * (EBUSY). It goes with the process that asked for it, and with the handle.
 */
struct mbox_notify_args {
	__s32 eventfd;
	__u32 reserved;
};

/**
 * struct mbox_narrow_args - for MBOX_IOC_NARROW
 * @flags: the rights of the new handle, each of which this one must have
 *	(EPERM); MBOX_NONBLOCK; MBOX_BADGE: this handle must be unbadged and
 *	have MBOX_RECV (EPERM)
 * @reserved: 0
 * @badge: not 0, MBOX_BADGE only. A badge that this handle has is inherited
 */
struct mbox_narrow_args {
	__u32 flags;
	__u32 reserved;
	__aligned_u64 badge;
};

/**
 * struct mbox_stat_args - for MBOX_IOC_STAT, written by the kernel
 * @id: number of the mailbox, unique while the module is loaded
 * @mode: permission bits
 * @uid: owner as the caller's user namespace sees it
 * @gid: group likewise
 * @type_source: MBOX_TYPE_*
 * @overflow: MBOX_OVERFLOW_*
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
 * @flags: what it is found by: MBOX_NAMED, MBOX_OWN; MBOX_EPHEMERAL;
 *	MBOX_RT_PRIORITY
 * @calls: calls that wait for their end, those of MBOX_SYNC included
 * @tokens: deliveries that were not finished yet
 * @stale_tokens: those among them that were made through this handle, and whose
 *	caller has given up
 * @sent: messages accepted so far
 * @received: messages received so far
 * @drops: messages dropped so far
 * @badge: of this handle
 * @spin: how long waits spin before they sleep, in ns
 * @latency: 1: @latencies are counted
 * @created: when the mailbox was created, on CLOCK_MONOTONIC in ns, as the caller's
 *	time namespace sees it; a signed number, if that was before its zero
 * @latencies: how many messages were taken, by the time since they were made: slot 0
 *	for less than 1,024 ns, slot i for 2^(9+i) to less than 2^(10+i) ns, the last
 *	for all that is longer. One that goes back and is taken anew counts again
 *
 * Any handle may ask.
 */
struct mbox_stat_args {
	__aligned_u64 id;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 type_source;
	__u32 overflow;
	__u32 max_messages;
	__aligned_u64 max_bytes;
	__u32 max_message_size;
	__u32 messages;
	__aligned_u64 bytes;
	__u32 senders;
	__u32 receivers;
	__u32 waiting_senders;
	__u32 waiting_receivers;
	__u32 flags;
	__u32 calls;
	__u32 tokens;
	__u32 stale_tokens;
	__aligned_u64 sent;
	__aligned_u64 received;
	__aligned_u64 drops;
	__aligned_u64 badge;
	__u32 spin;
	__u32 latency;
	__aligned_u64 created;
	__aligned_u64 latencies[MBOX_LATENCY_SLOTS];
};

/* Bits of mbox_set_args.mask: the fields that are to be set */
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
 * struct mbox_set_args - for MBOX_IOC_SET
 * @mask: MBOX_SET_*; a field that is not named must be 0
 * @mode: permission bits, 0 to 0777
 * @uid: new owner as the caller sees it
 * @gid: new group likewise
 * @overflow: MBOX_OVERFLOW_*
 * @max_messages: at least 1
 * @max_bytes: at least the (new) max_message_size
 * @max_message_size: at least 1, at most the (new) max_bytes
 * @spin: how long whoever waits for a message, or for the end of a call, spins
 *	before sleeping: in ns, up to MBOX_SPIN_MAX; 0, as of a new mailbox: not at all
 * @latency: 1: count latencies, from 0 on unless they are counted already; 0, as of
 *	a new mailbox: don't
 * @reserved: must be 0
 *
 * Who spins looks for what it waits for, on its own time, as long as nobody else
 * wants its processor; not on a machine with one. If that is in vain, the next
 * waits do without (but those that state a time of their own).
 *
 * For the mailbox's owner and for CAP_IPC_OWNER; uid and gid for CAP_CHOWN,
 * both in the user namespace that owns the mailbox's network namespace. All
 * of it is done or nothing. Nothing that is held is dropped when a limit falls
 * below it; sends wait until it is below the limit again. A new overflow policy
 * holds for blocked senders too.
 */
struct mbox_set_args {
	__u32 mask;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 overflow;
	__u32 max_messages;
	__aligned_u64 max_bytes;
	__u32 max_message_size;
	__u32 spin;
	__u32 latency;
	__u32 reserved;
};

/*
 * Errors, the same meaning everywhere:
 *
 *  E2BIG		struct longer than known, and not zero there
 *  EACCES		OPEN, CREATE: the mode or the expected owner forbids it
 *  EAGAIN		would have to wait and may not
 *  EBADF		the handle lacks the right; SEND, CALL: no such file, or
 *			@reply_to is no handle with both rights
 *  EBUSY		NOTIFY: there is a notification already
 *  ECONNRESET		CALL: the server went away, or threw the request away
 *  EDQUOT		the user's quota is used up
 *  EEXIST		CREATE: exists, and MBOX_EXCL
 *  EFAULT		bad address; nothing was lost
 *  EINTR		a signal came, its handler wants no restart
 *  EINVAL		unknown flag, value out of range, reserved field not 0; FINISH:
 *			a reply or a code, and nobody asked
 *  EMFILE, ENFILE	no descriptor, no open file left
 *  EMSGSIZE		SEND, CALL: longer than max_message_size
 *			RECV: the buffer is too small; the message is untouched
 *			CALL: resumed with a buffer too small for the reply
 *			FINISH, REPLY_RECV: longer than the caller takes; the token
 *			stays valid
 *  ENAMETOOLONG	CREATE, OPEN, UNLINK: longer than MBOX_NAME_MAX
 *  ENOBUFS		SEND: no room for the reply in the mailbox of @reply_to
 *  ENOENT		OPEN, UNLINK: no such mailbox
 *  ENOMEM		no memory, the control group's limit included
 *  ENOSPC		CREATE: the network namespace holds too many mailboxes
 *  ENOTTY		unknown command, or on the wrong kind of file
 *  ENXIO		SEND, CALL: files, and no handle with MBOX_RECV is open
 *  EOPNOTSUPP		SEND, CALL: this kind of file cannot be sent
 *  EPERM		UNLINK, SET: not the owner. NARROW: more than there is
 *  EPIPE		SEND, CALL: nobody can ever receive it
 *			RECV: no such message is there and none can ever arrive
 *			FINISH: the caller has given up; the token is finished
 *  EREMOTEIO		CALL: the server refused, with @out_code
 *  ESRCH		FINISH, REPLY_RECV: not a token of this handle's and process's,
 *			or finished; CALL, SEND: likewise a call to resume
 *  ETIMEDOUT		the deadline has passed; a call is given up with it
 */

#define MBOX_IOC_MAGIC	0xBD

/* On the device */
#define MBOX_IOC_CREATE	_IOW(MBOX_IOC_MAGIC, 0x00, struct mbox_create_args)
#define MBOX_IOC_OPEN	_IOW(MBOX_IOC_MAGIC, 0x01, struct mbox_open_args)
#define MBOX_IOC_UNLINK	_IOW(MBOX_IOC_MAGIC, 0x02, struct mbox_open_args)
#define MBOX_IOC_QUERY	_IOR(MBOX_IOC_MAGIC, 0x03, struct mbox_query_args)

/* On a handle */
#define MBOX_IOC_SEND	_IOW(MBOX_IOC_MAGIC, 0x10, struct mbox_msg_args)
#define MBOX_IOC_RECV	_IOWR(MBOX_IOC_MAGIC, 0x11, struct mbox_msg_args)
#define MBOX_IOC_CALL	_IOWR(MBOX_IOC_MAGIC, 0x12, struct mbox_msg_args)
#define MBOX_IOC_REPLY_RECV _IOWR(MBOX_IOC_MAGIC, 0x13, struct mbox_msg_args)
#define MBOX_IOC_FINISH	_IOW(MBOX_IOC_MAGIC, 0x14, struct mbox_msg_args)
#define MBOX_IOC_SENDV	_IOW(MBOX_IOC_MAGIC, 0x15, struct mbox_batch_args)
#define MBOX_IOC_RECVV	_IOW(MBOX_IOC_MAGIC, 0x16, struct mbox_batch_args)
#define MBOX_IOC_NARROW	_IOW(MBOX_IOC_MAGIC, 0x20, struct mbox_narrow_args)
#define MBOX_IOC_STAT	_IOR(MBOX_IOC_MAGIC, 0x21, struct mbox_stat_args)
#define MBOX_IOC_SET	_IOW(MBOX_IOC_MAGIC, 0x22, struct mbox_set_args)
#define MBOX_IOC_NOTIFY	_IOW(MBOX_IOC_MAGIC, 0x23, struct mbox_notify_args)

#endif /* _UAPI_LINUX_MBOX_H */
