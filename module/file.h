/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A handle: a mailbox as an open file.
 */
#ifndef MBX_FILE_H
#define MBX_FILE_H

#include <linux/fs.h>
#include <linux/types.h>

#include "tag.h"

struct iov_iter;
struct mbx_call;
struct mbx_caller;
struct mbx_cargo;
struct mbx_mailbox;
struct mbx_msg;
struct mbx_quota;
struct mbx_sender;
struct mbx_timeout;
struct pid;

/**
 * DOC: the life of a handle
 *
 *	mbx_handle_begin()   a descriptor and a file, which nobody can see yet
 *	mbx_handle_finish()  it gets its mailbox, attached, and is installed;
 *	                     or, on an error, both go again
 *	release              the last reference to the file is gone: detached
 *
 * All that can fail comes before the mailbox is opened or published, so that
 * neither has to be undone.
 *
 * Everything in it but @holder is constant once it is installed.
 */
struct mbx_handle {
	struct mbx_mailbox *mb;
	unsigned int rights;		/* MBOX_RECV, MBOX_SEND */
	u64 badge;			/* 0: none */
	struct pid *opener;		/* thread group */
	struct mbx_quota *payer;	/* the opener's */
	struct mbx_holder holder;	/* the mailbox's */
};

/* A handle on its way. */
struct mbx_handle_work {
	int fd;
	struct file *file;
};

int mbx_handle_begin(struct mbx_handle_work *work, unsigned int flags, u64 badge);
int mbx_handle_finish(struct mbx_handle_work *work, struct mbx_mailbox *mb);

/* What a sender wants to come of a message. */
enum mbx_post_kind {
	MBX_POST_PLAIN,
	MBX_POST_SYNC,		/* that it is received */
	MBX_POST_CALL,		/* a reply */
	MBX_POST_ASYNC,		/* a reply, into a mailbox */
};

/**
 * struct mbx_post - what a sender says of a message
 * @type: its type
 * @priority: its priority
 * @cargo: files that go with it, or NULL; NULL once they are a message's
 * @kind: what is to come of it
 * @reply_max: the longest reply, in bytes
 * @reply_to: the handle through which it goes, MBX_POST_ASYNC only
 * @reply_type: its type, likewise
 * @caller: who waits, MBX_POST_CALL and MBX_POST_SYNC only
 * @call: what for, referenced; set on success
 */
struct mbx_post {
	u64 type;
	u16 priority;
	struct mbx_cargo *cargo;
	enum mbx_post_kind kind;
	u32 reply_max;
	const struct mbx_handle *reply_to;
	u64 reply_type;
	struct mbx_caller *caller;
	struct mbx_call *call;
};

void mbx_handle_used(struct file *file);
struct mbx_owner mbx_handle_owner(struct mbx_handle *h);
struct mbx_handle *mbx_handle_of(struct file *file);

struct mbx_msg *mbx_handle_message(struct mbx_handle *h, const struct mbx_sender *from,
				   struct mbx_post *post, struct iov_iter *payload);
int mbx_handle_send(struct mbx_handle *h, const struct mbx_sender *from,
		    struct mbx_post *post, struct iov_iter *payload,
		    const struct mbx_timeout *timeout);

#endif /* MBX_FILE_H */
