/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that mean something to their owner alone: tokens, and calls to be
 * resumed. A pure data structure.
 */
#ifndef MBX_TAG_H
#define MBX_TAG_H

#include <linux/fs.h>
#include <linux/rbtree.h>

/**
 * struct mbx_holder - what has been given out through a handle
 * @tokens: deliveries that were not finished yet
 * @stale: those of them whose caller has given up
 * @calls: calls that were interrupted and may be resumed
 * @notice: whether the mailbox's notification was asked for through it
 * @closers: users that closed a descriptor of the handle, a bit for each; some share one
 *
 * Protected by the mailbox's lock. All but @stale are also read without, to see
 * whether the lock is worth taking: what is given out to the reader, or closed by
 * it, it does see.
 */
struct mbx_holder {
	unsigned int tokens;
	unsigned int stale;
	unsigned int calls;
	bool notice;
	u64 closers;
};

/**
 * struct mbx_owner - whose a tag is
 * @holder: of the handle, an open file
 * @user: of the file, as fl_owner_t tells: a process, as a rule. So workers that
 *	share a handle by fork() are told apart
 */
struct mbx_owner {
	struct mbx_holder *holder;
	fl_owner_t user;
};

/**
 * struct mbx_tag - a number in a tree, by owner
 * @node: in the tree
 * @owner: to whom it means something
 * @number: not 0, unique for the owner
 */
struct mbx_tag {
	struct rb_node node;
	struct mbx_owner owner;
	u32 number;
};

void mbx_tag_add(struct rb_root *tags, struct mbx_tag *tag);
struct mbx_tag *mbx_tag_find(const struct rb_root *tags,
			     const struct mbx_owner *owner, u64 number);
struct mbx_tag *mbx_tag_first(const struct rb_root *tags,
			      const struct mbx_owner *owner);

#endif /* MBX_TAG_H */
