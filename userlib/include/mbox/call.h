/* SPDX-License-Identifier: MIT */
/*
 * libmbox: calls, and the answers that are owed for a delivery. Programs include
 * <mbox.h>, which explains them.
 */
#ifndef MBOX_MBOX_CALL_H
#define MBOX_MBOX_CALL_H

#include <mbox/types.h>

#ifdef __cplusplus
extern "C" {
#endif

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
 * also if a file is not open; EOPNOTSUPP, ENXIO, EDQUOT, for files: see
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

#ifdef __cplusplus
}
#endif

#endif /* MBOX_MBOX_CALL_H */
