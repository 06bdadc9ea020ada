/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Order and selection: a set of messages, found by order and by type. A pure
 * data structure: it neither locks, sleeps, allocates nor counts references.
 */
#ifndef MBX_QUEUE_H
#define MBX_QUEUE_H

#include <linux/rbtree.h>
#include <linux/types.h>

struct mbx_msg;

/**
 * DOC: two trees
 *
 * A message stands in two trees: @order, by (priority descending, sequence),
 * the order in which messages are received, and @types, by (type, priority
 * descending, sequence). Every selection is then a descent:
 *
 *	any		the first of @order
 *	equal T		the first of @types from T on, if it is a T
 *	not equal T	the first of @order that is not a T: each node of @order
 *			knows the span of the types below it, so subtrees that
 *			hold nothing but T are passed by
 *	lowest		the first of @types
 *
 * The last of each tree is known: what comes after all the others, as most do, needs no
 * descent to its place.
 *
 * In each of them a message that was put back finds its old place by itself,
 * and a walk can go on from a place whose message has gone.
 */
struct mbx_queue {
	struct rb_root_cached order;
	struct rb_root_cached types;
	struct rb_node *last_in_order;
	struct rb_node *last_in_types;
	unsigned int count;
	u64 bytes;
};

/**
 * struct mbx_filter - which messages a receive selects
 * @type: what @select compares with
 * @after: sequence number of the place to go on after, @walk only
 * @priority: the least; with @walk the priority of the place
 * @select: MBOX_SELECT_*
 * @walk: only what comes, in order, after the place (@priority, @after)
 */
struct mbx_filter {
	u64 type;
	u64 after;
	u16 priority;
	u8 select;
	bool walk;
};

void mbx_queue_init(struct mbx_queue *q);
void mbx_queue_add(struct mbx_queue *q, struct mbx_msg *msg);
void mbx_queue_del(struct mbx_queue *q, struct mbx_msg *msg);
struct mbx_msg *mbx_queue_first(const struct mbx_queue *q);
struct mbx_msg *mbx_queue_next(const struct mbx_msg *msg);
struct mbx_msg *mbx_queue_find(const struct mbx_queue *q,
			       const struct mbx_filter *filter);
struct mbx_msg *mbx_queue_next_to_drop(const struct mbx_queue *q,
				       const struct mbx_msg *msg);

bool mbx_msg_before(const struct mbx_msg *a, const struct mbx_msg *b);
bool mbx_filter_match(const struct mbx_filter *filter,
		      const struct mbx_msg *msg);

#endif /* MBX_QUEUE_H */
