/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user may hold: bytes of messages, mailboxes, files that go with
 * messages; and the limits that the administrator sets. Knows nothing of what is counted.
 */
#ifndef MBX_QUOTA_H
#define MBX_QUOTA_H

#include <linux/atomic.h>
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/refcount.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

struct file;

/* For all that lives as long as a user likes: refuse, don't kill for it. */
#define MBX_GFP_USER	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

enum mbx_resource {
	MBX_BYTES,		/* of messages, payload and bookkeeping */
	MBX_MAILBOXES,
	MBX_FILES,		/* that go with messages */
	MBX_RESOURCES,
};

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
	atomic_long_t used[MBX_RESOURCES];
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

struct mbx_quota *mbx_quota_get_current(void);
struct mbx_quota *mbx_quota_get(struct mbx_quota *quota);
void mbx_quota_put(struct mbx_quota *quota);
bool mbx_quota_is_current(const struct mbx_quota *quota);

int mbx_quota_charge(struct mbx_quota *quota, enum mbx_resource what, long n,
		     const struct file *opener);
void mbx_quota_uncharge(struct mbx_quota *quota, enum mbx_resource what, long n);
long mbx_quota_used(const struct mbx_quota *quota, enum mbx_resource what);
long mbx_quota_limit(enum mbx_resource what);

void mbx_quota_exit(void);

#endif /* MBX_QUOTA_H */
