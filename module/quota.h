/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user may hold: bytes of messages and mailboxes, and the limits that
 * the administrator sets. Knows nothing of what is counted.
 */
#ifndef MBX_QUOTA_H
#define MBX_QUOTA_H

#include <linux/atomic.h>
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/refcount.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

/**
 * DOC: per-user accounting
 *
 * A quota is the account of one user in one user namespace. It hangs under
 * that of the owner of the namespace in the namespace's parent, and so on up
 * to the initial one: what is charged to it is charged to all of them, so
 * that a user gains nothing by making namespaces.
 *
 *	quota(ns 2, uid 7) -> quota(ns 1, owner of 2) -> quota(init, owner of 1)
 *
 * Handles, mailboxes and messages each hold a reference to the quota that
 * pays for them; it goes with the last. A quota holds its parent.
 */
struct mbx_quota {
	/* const after creation */
	struct mbx_quota *parent;
	struct user_namespace *ns;
	kuid_t uid;

	/* protected by quota_lock */
	struct hlist_node hash;

	/* atomic */
	refcount_t ref;
	atomic_t mailboxes;
	atomic_long_t bytes;
};

/**
 * struct mbx_limit - a module parameter with a range
 * @value: in force; read with mbx_limit_get()
 * @min: least value that may be set
 * @max: largest value that may be set
 */
struct mbx_limit {
	unsigned long value;
	unsigned long min;
	unsigned long max;
};

extern const struct kernel_param_ops mbx_limit_ops;

static inline unsigned long mbx_limit_get(const struct mbx_limit *limit)
{
	return READ_ONCE(limit->value);
}

extern struct mbx_limit mbx_limit_user_bytes;
extern struct mbx_limit mbx_limit_user_mailboxes;

struct mbx_quota *mbx_quota_get_current(void);
struct mbx_quota *mbx_quota_get(struct mbx_quota *quota);
void mbx_quota_put(struct mbx_quota *quota);
bool mbx_quota_is_current(const struct mbx_quota *quota);

int mbx_quota_charge_bytes(struct mbx_quota *quota, unsigned long bytes);
void mbx_quota_uncharge_bytes(struct mbx_quota *quota, unsigned long bytes);
int mbx_quota_charge_mailbox(struct mbx_quota *quota);
void mbx_quota_uncharge_mailbox(struct mbx_quota *quota);

void mbx_quota_exit(void);

#endif /* MBX_QUOTA_H */
