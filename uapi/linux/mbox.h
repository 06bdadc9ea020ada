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
 *	(with MBOX_NAMED), MBOX_OWNED_BY
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

/* Bits of mbox_msg_args.out_flags */
#define MBOX_MSG_OPENER		(1U << 0)	/* ids are the file opener's: write(2) */
#define MBOX_MSG_TRUNCATED	(1U << 1)	/* the payload was cut */

/**
 * struct mbox_msg_args - for MBOX_IOC_SEND and MBOX_IOC_RECV
 * @flags: MBOX_WAIT_*, MBOX_EXT, MBOX_TRUNCATE, MBOX_PEEK, MBOX_PEEK_AFTER
 *	(with MBOX_PEEK)
 * @priority: SEND: of the message, 0 to MBOX_PRIORITY_MAX.
 *	RECV: the least that is taken. MBOX_PEEK_AFTER: of the message gone by
 * @select: RECV: MBOX_SELECT_*; with MBOX_SELECT_LOWEST, no minimum priority
 * @clock: MBOX_CLOCK_*, MBOX_WAIT_UNTIL only
 * @deadline: absolute time in ns on @clock, MBOX_WAIT_UNTIL only. One try is
 *	made even if it has passed
 * @buf: address of the payload, or of the buffer that receives it. With
 *	MBOX_EXT and iovecs: 0
 * @reserved: 0
 * @len: length of @buf in bytes
 * @reserved_len: 0
 * @type: SEND: of the message. RECV: what @select compares with
 * @id: MBOX_PEEK_AFTER: sequence number of the message gone by, otherwise 0
 * @ext: address of a struct mbox_ext, MBOX_EXT only
 * @out_type: type of the message
 * @out_seq: its sequence number in this mailbox: later messages have larger
 * @out_time: time sent, CLOCK_MONOTONIC as the receiver's time namespace sees
 * @out_badge: badge of the handle it was sent through, 0: none
 * @out_token: 0
 * @out_len: length of its payload in bytes, also when that did not fit
 * @out_reserved: 0
 * @out_drops: messages that this mailbox has dropped so far, modulo 2^32
 * @out_pid: sender's process id as the receiver's pid namespace sees it,
 *	0: not visible there
 * @out_uid: sender's effective user id as the receiver's user namespace sees it
 * @out_gid: sender's effective group id likewise
 * @out_priority: priority of the message
 * @out_deliveries: how often it was delivered, this time included
 * @out_flags: MBOX_MSG_*
 *
 * The first 64 bytes are only read, the last 64 (@out_type and on) only
 * written, by RECV alone: on success; on EMSGSIZE, @out_len is set and the
 * rest is 0; on any other error they are left as they were.
 */
struct mbox_msg_args {
	__u32 flags;
	__u16 priority;
	__u8 select;
	__u8 clock;
	__aligned_u64 deadline;
	__aligned_u64 buf;
	__aligned_u64 reserved;
	__u32 len;
	__u32 reserved_len;
	__aligned_u64 type;
	__aligned_u64 id;
	__aligned_u64 ext;

	__aligned_u64 out_type;
	__aligned_u64 out_seq;
	__aligned_u64 out_time;
	__aligned_u64 out_badge;
	__u32 out_token;
	__u32 out_len;
	__u32 out_reserved;
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
 * @iov_count: number of elements at @iov, 1 to MBOX_IOV_MAX
 * @iov: address of an array of struct iovec, of the caller's word size, that
 *	takes the place of @buf and @len
 */
struct mbox_ext {
	__u32 size;
	__u32 iov_count;
	__aligned_u64 iov;
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
 * @messages: messages held: queued, and those being received
 * @bytes: their payloads
 * @senders: open handles that may send
 * @receivers: open handles that may receive
 * @waiting_senders: sends that wait for room
 * @waiting_receivers: receives that wait for a message
 * @flags: what it is found by: MBOX_NAMED, MBOX_OWN; MBOX_EPHEMERAL
 * @reserved: 0
 * @sent: messages accepted so far
 * @received: messages received so far
 * @drops: messages dropped so far
 * @badge: of this handle
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
	__u32 reserved;
	__aligned_u64 sent;
	__aligned_u64 received;
	__aligned_u64 drops;
	__aligned_u64 badge;
};

/* Bits of mbox_set_args.mask: the fields that are to be set */
#define MBOX_SET_MODE			(1U << 0)
#define MBOX_SET_UID			(1U << 1)
#define MBOX_SET_GID			(1U << 2)
#define MBOX_SET_OVERFLOW		(1U << 3)
#define MBOX_SET_MAX_MESSAGES		(1U << 4)
#define MBOX_SET_MAX_BYTES		(1U << 5)
#define MBOX_SET_MAX_MESSAGE_SIZE	(1U << 6)

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
 * @reserved: 0
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
	__u32 reserved;
};

/*
 * Errors, the same meaning everywhere:
 *
 *  E2BIG		struct longer than known, and not zero there
 *  EACCES		OPEN, CREATE: the mode or the expected owner forbids it
 *  EAGAIN		SEND, RECV: would have to wait and may not
 *  EBADF		SEND, RECV: the handle lacks the right
 *  EDQUOT		SEND, CREATE: the user's quota is used up
 *  EEXIST		CREATE: exists, and MBOX_EXCL
 *  EFAULT		bad address; nothing was lost
 *  EINTR		SEND, RECV: a signal came, its handler wants no restart
 *  EINVAL		unknown flag, value out of range, reserved field not 0
 *  EMFILE, ENFILE	CREATE, OPEN, NARROW: no descriptor, no open file left
 *  EMSGSIZE		SEND: longer than max_message_size
 *			RECV: the buffer is too small; the message is untouched
 *  ENAMETOOLONG	CREATE, OPEN, UNLINK: longer than MBOX_NAME_MAX
 *  ENOENT		OPEN, UNLINK: no such mailbox
 *  ENOMEM		no memory, the control group's limit included
 *  ENOSPC		CREATE: the network namespace holds too many mailboxes
 *  ENOTTY		unknown command, or on the wrong kind of file
 *  EPERM		UNLINK, SET: not the owner. NARROW: more than there is
 *  EPIPE		SEND: nobody can ever receive it
 *			RECV: no such message is there and none can ever arrive
 *  ETIMEDOUT		SEND, RECV: the deadline has passed
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
#define MBOX_IOC_NARROW	_IOW(MBOX_IOC_MAGIC, 0x20, struct mbox_narrow_args)
#define MBOX_IOC_STAT	_IOR(MBOX_IOC_MAGIC, 0x21, struct mbox_stat_args)
#define MBOX_IOC_SET	_IOW(MBOX_IOC_MAGIC, 0x22, struct mbox_set_args)

#endif /* _UAPI_LINUX_MBOX_H */
