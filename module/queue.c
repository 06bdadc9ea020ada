// SPDX-License-Identifier: GPL-2.0-only
/*
 * Order and selection. Nothing here costs more than the height of a tree.
 */
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>

#include "message.h"
#include "queue.h"

/* A place in the order: that of a message which need not exist. */
struct place {
	u64 seq;
	u16 priority;
};

static struct mbx_msg *order_msg(const struct rb_node *node)
{
	return rb_entry_safe(node, struct mbx_msg, by_order);
}

static struct mbx_msg *types_msg(const struct rb_node *node)
{
	return rb_entry_safe(node, struct mbx_msg, by_type);
}

static bool span_compute(struct mbx_msg *msg, bool exit)
{
	const struct mbx_msg *left = order_msg(msg->by_order.rb_left);
	const struct mbx_msg *right = order_msg(msg->by_order.rb_right);
	u64 lo = msg->type, hi = msg->type;

	if (left) {
		lo = min(lo, left->span.lo);
		hi = max(hi, left->span.hi);
	}
	if (right) {
		lo = min(lo, right->span.lo);
		hi = max(hi, right->span.hi);
	}
	if (exit && msg->span.lo == lo && msg->span.hi == hi)
		return true;
	msg->span.lo = lo;
	msg->span.hi = hi;
	return false;
}

RB_DECLARE_CALLBACKS(static, span_callbacks, struct mbx_msg, by_order, span,
		     span_compute)

/* Whether @msg comes before the place, in the order. */
static bool msg_before_place(const struct mbx_msg *msg, struct place at)
{
	if (msg->priority != at.priority)
		return msg->priority > at.priority;
	return msg->seq < at.seq;
}

/* The place right after the one that a walk has come to. */
static struct place walk_place(const struct mbx_filter *filter)
{
	/* No message has the last sequence number of all. */
	return (struct place){ min(filter->after, U64_MAX - 1) + 1,
			       filter->priority };
}

/**
 * mbx_msg_before - the order of messages
 * @a: a message
 * @b: another
 *
 * Return: whether @a is received before @b.
 */
bool mbx_msg_before(const struct mbx_msg *a, const struct mbx_msg *b)
{
	return msg_before_place(a, (struct place){ b->seq, b->priority });
}

/**
 * mbx_queue_init - make an empty queue
 * @q: the queue
 */
void mbx_queue_init(struct mbx_queue *q)
{
	q->order = RB_ROOT_CACHED;
	q->types = RB_ROOT_CACHED;
	q->last_in_order = NULL;
	q->last_in_types = NULL;
	q->count = 0;
	q->bytes = 0;
}

/* Where a node goes. */
struct link {
	struct rb_node *parent, **to;
	bool first, last;
};

typedef bool (*less_fn)(const struct rb_node *a, const struct rb_node *b);

static __always_inline struct link find_link(struct rb_root *root, struct rb_node *last,
					     const struct rb_node *node, less_fn less)
{
	struct link link = { .to = &root->rb_node, .first = true, .last = true };

	if (last && !less(node, last))
		return (struct link){ .parent = last, .to = &last->rb_right, .last = true };
	while (*link.to) {
		link.parent = *link.to;
		if (less(node, link.parent)) {
			link.to = &link.parent->rb_left;
			link.last = false;
		} else {
			link.to = &link.parent->rb_right;
			link.first = false;
		}
	}
	return link;
}

static bool order_less(const struct rb_node *a, const struct rb_node *b)
{
	return mbx_msg_before(order_msg(a), order_msg(b));
}

static bool types_less(const struct rb_node *a, const struct rb_node *b)
{
	const struct mbx_msg *x = types_msg(a), *y = types_msg(b);

	return x->type != y->type ? x->type < y->type : mbx_msg_before(x, y);
}

static void order_add(struct mbx_queue *q, struct mbx_msg *msg)
{
	struct link link = find_link(&q->order.rb_root, q->last_in_order, &msg->by_order,
				     order_less);

	msg->span.lo = msg->type;
	msg->span.hi = msg->type;
	rb_link_node(&msg->by_order, link.parent, link.to);
	span_callbacks.propagate(link.parent, NULL);
	rb_insert_augmented_cached(&msg->by_order, &q->order, link.first, &span_callbacks);
	if (link.last)
		q->last_in_order = &msg->by_order;
}

static void types_add(struct mbx_queue *q, struct mbx_msg *msg)
{
	struct link link = find_link(&q->types.rb_root, q->last_in_types, &msg->by_type,
				     types_less);

	rb_link_node(&msg->by_type, link.parent, link.to);
	rb_insert_color_cached(&msg->by_type, &q->types, link.first);
	if (link.last)
		q->last_in_types = &msg->by_type;
}

/**
 * mbx_queue_add - put a message at its place
 * @q: the queue
 * @msg: in no queue, with type, priority and seq set
 */
void mbx_queue_add(struct mbx_queue *q, struct mbx_msg *msg)
{
	order_add(q, msg);
	types_add(q, msg);
	q->count++;
	q->bytes += msg->len;
}

/**
 * mbx_queue_del - take a message out
 * @q: the queue
 * @msg: in it
 */
void mbx_queue_del(struct mbx_queue *q, struct mbx_msg *msg)
{
	if (q->last_in_order == &msg->by_order)
		q->last_in_order = rb_prev(&msg->by_order);
	if (q->last_in_types == &msg->by_type)
		q->last_in_types = rb_prev(&msg->by_type);
	rb_erase_augmented_cached(&msg->by_order, &q->order, &span_callbacks);
	rb_erase_cached(&msg->by_type, &q->types);
	q->count--;
	q->bytes -= msg->len;
}

/**
 * mbx_queue_first - what is received first
 * @q: the queue
 *
 * Return: a message, still in the queue; NULL: empty.
 */
struct mbx_msg *mbx_queue_first(const struct mbx_queue *q)
{
	return order_msg(rb_first_cached(&q->order));
}

/**
 * mbx_queue_next - what is received after a message
 * @msg: in a queue
 *
 * Return: a message, still in the queue; NULL: it is the last.
 */
struct mbx_msg *mbx_queue_next(const struct mbx_msg *msg)
{
	return order_msg(rb_next(&msg->by_order));
}

/* The first of @order that does not come before the place. */
static struct mbx_msg *order_from(const struct mbx_queue *q, struct place at)
{
	struct rb_node *node = q->order.rb_root.rb_node;
	struct mbx_msg *found = NULL;

	while (node) {
		if (msg_before_place(order_msg(node), at)) {
			node = node->rb_right;
		} else {
			found = order_msg(node);
			node = node->rb_left;
		}
	}
	return found;
}

/* The first of @type in @types that does not come before the place. */
static struct mbx_msg *types_from(const struct mbx_queue *q, u64 type,
				  struct place at)
{
	struct rb_node *node = q->types.rb_root.rb_node;
	struct mbx_msg *found = NULL;

	while (node) {
		struct mbx_msg *msg = types_msg(node);

		if (msg->type < type ||
		    (msg->type == type && msg_before_place(msg, at))) {
			node = node->rb_right;
		} else {
			found = msg;
			node = node->rb_left;
		}
	}
	return found && found->type == type ? found : NULL;
}

static bool holds_other(const struct rb_node *node, u64 type)
{
	const struct mbx_msg *msg = order_msg(node);

	return msg && (msg->span.lo != type || msg->span.hi != type);
}

/* The first of another type below @node, which holds one. */
static struct mbx_msg *first_other_below(struct rb_node *node, u64 type)
{
	for (;;) {
		if (holds_other(node->rb_left, type)) {
			node = node->rb_left;
			continue;
		}
		if (order_msg(node)->type != type)
			return order_msg(node);
		node = node->rb_right;
	}
}

/* The first of another type from @msg on, in the order. */
static struct mbx_msg *first_other_from(struct mbx_msg *msg, u64 type)
{
	struct rb_node *node, *parent;

	if (!msg || msg->type != type)
		return msg;
	for (node = &msg->by_order; node; node = parent) {
		if (order_msg(node)->type != type)
			return order_msg(node);
		if (holds_other(node->rb_right, type))
			return first_other_below(node->rb_right, type);
		/* Up to the first ancestor that comes after all of this. */
		while ((parent = rb_parent(node)) && node == parent->rb_right)
			node = parent;
	}
	return NULL;
}

/**
 * mbx_queue_find - select a message
 * @q: the queue
 * @filter: which
 *
 * Return: the first that matches, still in the queue; NULL: none does.
 */
struct mbx_msg *mbx_queue_find(const struct mbx_queue *q,
			       const struct mbx_filter *filter)
{
	struct place from = { 0, MBOX_PRIORITY_MAX };
	struct mbx_msg *msg;

	if (filter->walk)
		from = walk_place(filter);

	switch (filter->select) {
	case MBOX_SELECT_EQUAL:
		msg = types_from(q, filter->type, from);
		break;
	case MBOX_SELECT_LOWEST:
		msg = types_msg(rb_first_cached(&q->types));
		break;
	default:
		msg = filter->walk ? order_from(q, from) : mbx_queue_first(q);
		if (filter->select == MBOX_SELECT_NOT_EQUAL)
			msg = first_other_from(msg, filter->type);
	}
	return msg && mbx_filter_match(filter, msg) ? msg : NULL;
}

/* The oldest of the priority of @node. */
static struct mbx_msg *oldest_like(const struct mbx_queue *q,
				   const struct rb_node *node)
{
	if (!node)
		return NULL;
	return order_from(q, (struct place){ 0, order_msg(node)->priority });
}

/**
 * mbx_queue_next_to_drop - what to drop first, and then
 * @q: the queue
 * @msg: that would be dropped before; NULL: the first
 *
 * Return: the oldest message of the lowest priority, and so on upwards; NULL:
 * there is no more.
 */
struct mbx_msg *mbx_queue_next_to_drop(const struct mbx_queue *q,
				       const struct mbx_msg *msg)
{
	struct mbx_msg *next;

	if (!msg)
		return oldest_like(q, q->last_in_order);
	next = mbx_queue_next(msg);
	if (next && next->priority == msg->priority)
		return next;
	return oldest_like(q, rb_prev(&oldest_like(q, &msg->by_order)->by_order));
}

/**
 * mbx_filter_match - whether a filter selects a message
 * @filter: which are wanted
 * @msg: the message
 */
bool mbx_filter_match(const struct mbx_filter *filter,
		      const struct mbx_msg *msg)
{
	if (filter->walk) {
		if (msg_before_place(msg, walk_place(filter)))
			return false;
	} else if (msg->priority < filter->priority) {
		return false;
	}

	switch (filter->select) {
	case MBOX_SELECT_EQUAL:
		return msg->type == filter->type;
	case MBOX_SELECT_NOT_EQUAL:
		return msg->type != filter->type;
	case MBOX_SELECT_LOWEST:
		return msg->type <= filter->type;
	default:
		return true;
	}
}
