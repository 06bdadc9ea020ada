// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tags: numbers by owner.
 */
#include "tag.h"

struct tag_key {
	const struct mbx_owner *owner;
	u64 number;
};

static struct mbx_tag *tag_of(const struct rb_node *node)
{
	return rb_entry_safe(node, struct mbx_tag, node);
}

static int compare(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

static int key_compare(const void *key, const struct rb_node *node)
{
	const struct mbx_tag *tag = tag_of(node);
	const struct tag_key *k = key;

	return compare((uintptr_t)k->owner->holder, (uintptr_t)tag->owner.holder) ?:
	       compare((uintptr_t)k->owner->user, (uintptr_t)tag->owner.user) ?:
	       compare(k->number, tag->number);
}

static bool tag_less(struct rb_node *a, const struct rb_node *b)
{
	const struct mbx_tag *tag = tag_of(a);
	const struct tag_key key = { &tag->owner, tag->number };

	return key_compare(&key, b) < 0;
}

/**
 * mbx_tag_add - make a tag valid
 * @tags: where it will be found
 * @tag: with owner and number
 */
void mbx_tag_add(struct rb_root *tags, struct mbx_tag *tag)
{
	rb_add(&tag->node, tags, tag_less);
}

/**
 * mbx_tag_find - what a number means
 * @tags: where to look
 * @owner: whose number
 * @number: any
 *
 * Return: the tag; NULL: it means nothing.
 */
struct mbx_tag *mbx_tag_find(const struct rb_root *tags,
			     const struct mbx_owner *owner, u64 number)
{
	const struct tag_key key = { owner, number };

	return tag_of(rb_find(&key, tags, key_compare));
}

/**
 * mbx_tag_first - something that an owner has
 * @tags: where to look
 * @owner: whose; without a user: of any user of the holder
 *
 * Return: a tag; NULL: there is none.
 */
struct mbx_tag *mbx_tag_first(const struct rb_root *tags,
			      const struct mbx_owner *owner)
{
	const struct tag_key key = { owner, 0 };
	struct rb_node *node = tags->rb_node;
	struct mbx_tag *found = NULL;

	while (node) {
		if (key_compare(&key, node) > 0) {
			node = node->rb_right;
		} else {
			found = tag_of(node);
			node = node->rb_left;
		}
	}
	if (!found || found->owner.holder != owner->holder ||
	    (owner->user && found->owner.user != owner->user))
		return NULL;
	return found;
}
