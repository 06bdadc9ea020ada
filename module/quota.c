// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-user accounting, and the limits that are module parameters.
 *
 * Charging is atomic counters alone; the lock guards only the table in which
 * a user's account is found.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "quota.h"

static DEFINE_HASHTABLE(quota_table, 8);
static DEFINE_SPINLOCK(quota_lock);

static struct mbx_limit limits[MBX_RESOURCES] = {
	[MBX_BYTES] = { .value = SZ_64M, .min = 0, .max = LONG_MAX / 2 },
	[MBX_MAILBOXES] = { .value = 4096, .min = 0, .max = INT_MAX / 2 },
	[MBX_FILES] = { .value = 1024, .min = 0, .max = INT_MAX / 2 },
};

module_param_cb(user_bytes, &mbx_limit_ops, &limits[MBX_BYTES], 0644);
MODULE_PARM_DESC(user_bytes,
		 "bytes that the unreceived messages of a user may take");
module_param_cb(user_mailboxes, &mbx_limit_ops, &limits[MBX_MAILBOXES], 0644);
MODULE_PARM_DESC(user_mailboxes, "mailboxes that a user may have");
module_param_cb(user_files, &mbx_limit_ops, &limits[MBX_FILES], 0644);
MODULE_PARM_DESC(user_files, "files that the unreceived messages of a user may carry");

static int limit_set(const char *val, const struct kernel_param *kp)
{
	struct mbx_limit *limit = kp->arg;
	unsigned long value;

	if (kstrtoul(val, 0, &value) || value < limit->min || value > limit->max)
		return -EINVAL;
	WRITE_ONCE(limit->value, value);
	return 0;
}

static int limit_get(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%lu\n", mbx_limit_get(kp->arg));
}

const struct kernel_param_ops mbx_limit_ops = {
	.set = limit_set,
	.get = limit_get,
};

static u32 quota_hash(const struct user_namespace *ns, kuid_t uid)
{
	return hash_ptr(ns, 32) ^ __kuid_val(uid);
}

static struct mbx_quota *quota_find_locked(struct user_namespace *ns, kuid_t uid)
{
	struct mbx_quota *quota;

	lockdep_assert_held(&quota_lock);
	hash_for_each_possible(quota_table, quota, hash, quota_hash(ns, uid)) {
		if (quota->ns == ns && uid_eq(quota->uid, uid))
			return mbx_quota_get(quota);
	}
	return NULL;
}

static struct mbx_quota *quota_find(struct user_namespace *ns, kuid_t uid)
{
	struct mbx_quota *quota;

	spin_lock(&quota_lock);
	quota = quota_find_locked(ns, uid);
	spin_unlock(&quota_lock);
	return quota;
}

/* Takes over the caller's reference to @parent, on failure too. */
static struct mbx_quota *quota_find_or_add(struct user_namespace *ns, kuid_t uid,
					   struct mbx_quota *parent)
{
	struct mbx_quota *quota, *fresh;

	fresh = kzalloc(sizeof(*fresh), MBX_GFP_USER);
	if (!fresh) {
		mbx_quota_put(parent);
		return NULL;
	}
	fresh->parent = parent;
	fresh->ns = get_user_ns(ns);
	fresh->uid = uid;
	refcount_set(&fresh->ref, 1);

	spin_lock(&quota_lock);
	quota = quota_find_locked(ns, uid);
	if (!quota)
		hash_add(quota_table, &fresh->hash, quota_hash(ns, uid));
	spin_unlock(&quota_lock);
	if (!quota)
		return fresh;

	put_user_ns(fresh->ns);
	kfree(fresh);
	mbx_quota_put(parent);
	return quota;
}

/**
 * mbx_quota_get_current - the account of the caller
 *
 * That of its effective user id in its user namespace. Made if there is none,
 * from the initial namespace downwards, so that every one has its parent.
 *
 * Context: may sleep.
 * Return: a referenced quota, NULL: no memory.
 */
struct mbx_quota *mbx_quota_get_current(void)
{
	struct user_namespace *ns = current_user_ns();
	struct mbx_quota *quota;
	int level;

	quota = quota_find(ns, current_euid());
	if (quota)
		return quota;

	for (level = 0; level <= ns->level; level++) {
		struct user_namespace *at = ns;
		kuid_t uid = current_euid();

		for (; at->level > level; at = at->parent)
			uid = at->owner;
		quota = quota_find_or_add(at, uid, quota);
		if (!quota)
			return NULL;
	}
	return quota;
}

/**
 * mbx_quota_get - take another reference
 * @quota: the caller has one
 *
 * Return: @quota.
 */
struct mbx_quota *mbx_quota_get(struct mbx_quota *quota)
{
	refcount_inc(&quota->ref);
	return quota;
}

/* Whether that was the last reference; nobody can find it any more then. */
static bool quota_put_last(struct mbx_quota *quota)
{
	bool last;

	if (refcount_dec_not_one(&quota->ref))
		return false;
	spin_lock(&quota_lock);
	last = refcount_dec_and_test(&quota->ref);
	if (last)
		hash_del(&quota->hash);
	spin_unlock(&quota_lock);
	return last;
}

/**
 * mbx_quota_put - give up a reference
 * @quota: may be NULL
 *
 * Context: any but interrupts.
 */
void mbx_quota_put(struct mbx_quota *quota)
{
	while (quota && quota_put_last(quota)) {
		struct mbx_quota *parent = quota->parent;

		put_user_ns(quota->ns);
		kfree(quota);
		quota = parent;
	}
}

/**
 * mbx_quota_is_current - whether an account is that of the caller
 * @quota: the account
 *
 * Return: whether mbx_quota_get_current() would give it.
 */
bool mbx_quota_is_current(const struct mbx_quota *quota)
{
	return uid_eq(quota->uid, current_euid()) && quota->ns == current_user_ns();
}

/* It is the payer's privilege that counts. */
static bool may_exceed(const struct file *opener)
{
	return opener ? file_ns_capable(opener, &init_user_ns, CAP_SYS_RESOURCE) :
			capable(CAP_SYS_RESOURCE);
}

/* Never more than the limit, not even for a moment: others would be refused. */
static bool quota_add(struct mbx_quota *quota, enum mbx_resource what, long n,
		      const struct file *opener)
{
	long limit = mbx_quota_limit(what);
	long used = atomic_long_read(&quota->used[what]);

	do {
		if (used + n > limit && !may_exceed(opener))
			return false;
	} while (!atomic_long_try_cmpxchg(&quota->used[what], &used, used + n));
	return true;
}

/**
 * mbx_quota_charge - charge something to a user
 * @quota: who pays, and whose namespaces' owners with it
 * @what: the resource
 * @n: how much, not negative
 * @opener: the file whose opener pays; NULL: the caller does
 *
 * Return: 0; -EDQUOT: past the limit for one of them, nothing was charged.
 */
int mbx_quota_charge(struct mbx_quota *quota, enum mbx_resource what, long n,
		     const struct file *opener)
{
	struct mbx_quota *at, *undo;

	for (at = quota; at; at = at->parent) {
		if (!quota_add(at, what, n, opener))
			goto refuse;
	}
	return 0;

refuse:
	for (undo = quota; undo != at; undo = undo->parent)
		atomic_long_sub(n, &undo->used[what]);
	return -EDQUOT;
}

/**
 * mbx_quota_uncharge - give back what was charged
 * @quota: as it was given to mbx_quota_charge()
 * @what: likewise
 * @n: likewise
 */
void mbx_quota_uncharge(struct mbx_quota *quota, enum mbx_resource what, long n)
{
	for (; quota; quota = quota->parent)
		atomic_long_sub(n, &quota->used[what]);
}

/**
 * mbx_quota_used - how much of a resource a user has
 * @quota: the account
 * @what: the resource
 */
long mbx_quota_used(const struct mbx_quota *quota, enum mbx_resource what)
{
	return atomic_long_read(&quota->used[what]);
}

/**
 * mbx_quota_limit - how much of a resource a user may have
 * @what: the resource
 */
long mbx_quota_limit(enum mbx_resource what)
{
	return mbx_limit_get(&limits[what]);
}

/**
 * mbx_quota_exit - all that was charged must have been given back by now
 *
 * Handles, mailboxes and messages hold accounts: one that is left is a leak.
 */
void mbx_quota_exit(void)
{
	WARN_ON(!hash_empty(quota_table));
}
