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
 * Here are mailboxes and messages. Constants and structs are in <mbox/types.h>,
 * calls and their answers in <mbox/call.h>, large payloads in <mbox/buffer.h>;
 * all of them are included.
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

#include <mbox/buffer.h>
#include <mbox/call.h>
#include <mbox/types.h>

#ifdef __cplusplus
extern "C" {
#endif

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
 * Return: as mbox_open(), without ENAMETOOLONG; ENOENT if there is no such
 * process or it has no mailbox of its own; EINVAL also if @pid is negative.
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
 * neither its owner nor privileged; EINVAL, ENAMETOOLONG, a bad name; ENOMEM;
 * device.
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
 * Return: 0, or -1 and errno: ENOMEM; device.
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
 * if a file is not open or @reply_to no handle with both rights; ENOBUFS, the
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
 * mbox_sendmsg(), without ENOBUFS, EMFILE, ENFILE and EFBIG; EINVAL, also if @n
 * is out of range.
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
 * mbox_create_own() - create this process's own mailbox, to be sent to by pid
 * @mode: permission bits, 0 to 0777, w: may send to this process; the umask
 *	applies. 0: 0600
 *
 * The handle receives; the type of a message is its sender's process id. A
 * mailbox of its own that the process has already is opened as it is.
 *
 * Return: the handle, or -1 and errno: as mbox_create(), without EEXIST and
 * ENAMETOOLONG.
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
 * not name; ENOMEM; EBADF; ENOTTY.
 */
int mbox_set(int fd, const struct mbox_set *set);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_H */
