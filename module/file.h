/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A handle: a mailbox as an open file.
 */
#ifndef MBX_FILE_H
#define MBX_FILE_H

#include <linux/fs.h>
#include <linux/types.h>

struct iov_iter;
struct mbx_mailbox;
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
 * Everything in it is constant once it is installed.
 */
struct mbx_handle {
	struct mbx_mailbox *mb;
	unsigned int rights;		/* MBOX_RECV, MBOX_SEND */
	u64 badge;			/* 0: none */
	struct pid *opener;		/* thread group */
	struct mbx_quota *payer;	/* the opener's */
};

/* A handle on its way. */
struct mbx_handle_work {
	int fd;
	struct file *file;
};

int mbx_handle_begin(struct mbx_handle_work *work, unsigned int flags, u64 badge);
int mbx_handle_finish(struct mbx_handle_work *work, struct mbx_mailbox *mb);

/**
 * struct mbx_post - what a sender says of a message
 * @type: its type
 * @priority: its priority
 */
struct mbx_post {
	u64 type;
	u16 priority;
};

int mbx_handle_send(struct mbx_handle *h, const struct mbx_sender *from,
		    const struct mbx_post *post, struct iov_iter *payload,
		    const struct mbx_timeout *timeout);

#endif /* MBX_FILE_H */
