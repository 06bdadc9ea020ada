/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The open files that go with a message. Knows nothing of messages and
 * mailboxes; @node and @msg are the mailbox's. Which files may go is decided in
 * gather.c.
 */
#ifndef MBX_CARGO_H
#define MBX_CARGO_H

#include <linux/list.h>
#include <linux/types.h>

struct file;
struct mbx_msg;
struct mbx_quota;

/**
 * DOC: the life of cargo
 *
 *	gathered --> charged --> in a mailbox, with its message --> closed
 *
 * It holds a reference to each file; who receives the message gets descriptors
 * with references of their own. So it can be installed again, should the message
 * come back.
 *
 * It is in a mailbox only while a handle that may receive is open there: that is
 * what keeps cycles from living on by themselves. Assume that mailboxes and files
 * held each other and nobody else held them. One of the mailboxes then has cargo,
 * hence an open handle that may receive. Who holds that handle? No process, by
 * assumption; no message, since it cannot be cargo; no file that can be cargo,
 * for of those only a unix socket holds arbitrary files, and it cannot be cargo
 * either.
 *
 * It is closed when the message is received or dropped, even if somebody still
 * peeks at the message; and before that, when the last handle that may receive
 * goes.
 */
struct mbx_cargo {
	/* protected by the mailbox's lock */
	union {
		struct list_head node;		/* of the mailbox's cargo */
		struct mbx_cargo *next_garbage;	/* of who took it away */
	};
	struct mbx_msg *msg;			/* that it goes with */

	/* const once it is charged */
	struct mbx_quota *payer;
	unsigned int count;
	struct file *files[];
};

struct mbx_cargo *mbx_cargo_new(unsigned int room);
int mbx_cargo_charge(struct mbx_cargo *cargo, struct mbx_quota *payer);
void mbx_cargo_free(struct mbx_cargo *cargo);

#endif /* MBX_CARGO_H */
