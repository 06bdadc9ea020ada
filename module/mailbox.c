// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox as an object: its life, who may do what with it, its limits.
 * How messages pass through it is in transfer.c.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "mailbox.h"
#include "message.h"
#include "quota.h"
#include "token.h"
#include "trace.h"

#define DEFAULT_MAX_MESSAGES		1024
#define DEFAULT_MAX_MESSAGE_SIZE	SZ_1M
#define DEFAULT_MAX_BYTES		SZ_16M

static struct mbx_limit limit_messages = {
	.value = SZ_1M, .min = 1, .max = INT_MAX,
};

module_param_cb(max_messages, &mbx_limit_ops, &limit_messages, 0644);
MODULE_PARM_DESC(max_messages, "largest max_messages of a mailbox");

static struct mbx_limit limit_bytes = {
	.value = SZ_1G, .min = 1, .max = LONG_MAX / 2,
};

module_param_cb(max_bytes, &mbx_limit_ops, &limit_bytes, 0644);
MODULE_PARM_DESC(max_bytes, "largest max_bytes of a mailbox");

static struct mbx_limit limit_message_size = {
	.value = SZ_64M, .min = 1, .max = SZ_1G,
};

module_param_cb(max_message_size, &mbx_limit_ops, &limit_message_size, 0644);
MODULE_PARM_DESC(max_message_size, "largest max_message_size of a mailbox");

static u32 ceiling_messages(void)
{
	return mbx_limit_get(&limit_messages);
}

static u64 ceiling_bytes(void)
{
	return mbx_limit_get(&limit_bytes);
}

static u32 ceiling_message_size(void)
{
	return min_t(u64, mbx_limit_get(&limit_message_size), ceiling_bytes());
}

static u32 default_messages(void)
{
	return min_t(u32, DEFAULT_MAX_MESSAGES, ceiling_messages());
}

static u64 default_bytes(void)
{
	return min_t(u64, DEFAULT_MAX_BYTES, ceiling_bytes());
}

static u32 default_message_size(void)
{
	return min_t(u32, DEFAULT_MAX_MESSAGE_SIZE, ceiling_message_size());
}

/**
 * mbx_properties_complete - give what was not asked for its default
 * @props: limits that are 0 are set, giving way to those that are not
 *
 * Return: 0; -EINVAL: a limit is above its ceiling, or the largest message does
 * not fit.
 */
int mbx_properties_complete(struct mbx_properties *props)
{
	if (!props->max_messages)
		props->max_messages = default_messages();
	if (!props->max_message_size)
		props->max_message_size = min_t(u64, default_message_size(),
						props->max_bytes ?: U64_MAX);
	if (!props->max_bytes)
		props->max_bytes = max_t(u64, default_bytes(),
					 props->max_message_size);

	if (props->max_messages > ceiling_messages() ||
	    props->max_bytes > ceiling_bytes() ||
	    props->max_message_size > ceiling_message_size() ||
	    props->max_message_size > props->max_bytes)
		return -EINVAL;
	return 0;
}

/* kmalloc() would take the next power of two. */
static struct kmem_cache *mailbox_cache __ro_after_init;

/**
 * mbx_mailbox_create - make a mailbox, owned and paid for by the caller
 * @user_ns: that owns the network namespace it belongs to
 * @props: the rest, complete
 *
 * Context: may sleep.
 * Return: an unpublished mailbox without handles; -EDQUOT, -ENOMEM as
 * ERR_PTR().
 */
struct mbx_mailbox *mbx_mailbox_create(struct user_namespace *user_ns,
				       const struct mbx_properties *props)
{
	static atomic64_t last_id;
	struct mbx_mailbox *mb;
	int ret;

	mb = kmem_cache_zalloc(mailbox_cache, MBX_GFP_USER);
	if (!mb)
		return ERR_PTR(-ENOMEM);
	ret = -ENOMEM;
	mb->payer = mbx_quota_get_current();
	if (!mb->payer)
		goto err_free;
	ret = mbx_quota_charge(mb->payer, MBX_MAILBOXES, 1, NULL);
	if (ret)
		goto err_put_payer;

	kref_init(&mb->ref);
	spin_lock_init(&mb->lock);
	init_waitqueue_head(&mb->poll);
	mbx_queue_init(&mb->queue);
	mbx_queue_init(&mb->pending);
	mbx_waiters_init(&mb->receivers);
	INIT_LIST_HEAD(&mb->cargo);
	mb->tokens = RB_ROOT;
	mb->returns = RB_ROOT_CACHED;
	mb->calls = RB_ROOT;
	INIT_DELAYED_WORK(&mb->return_work, mbx_token_expire);
	mb->id = atomic64_inc_return(&last_id);
	mb->created = ktime_get();
	mb->next_seq = 1;
	mb->user_ns = get_user_ns(user_ns);
	mb->uid = current_euid();
	mb->gid = current_egid();
	mb->max_messages = props->max_messages;
	mb->max_bytes = props->max_bytes;
	mb->max_message_size = props->max_message_size;
	mb->mode = props->mode;
	mb->overflow = props->overflow;
	mb->type_source = props->type_source;
	mb->rt_priority = props->rt_priority;
	if (mb->type_source == MBOX_TYPE_PID)
		mb->pid_ns = get_pid_ns(task_active_pid_ns(current));
	trace_mbox_create(mb);
	return mb;

err_put_payer:
	mbx_quota_put(mb->payer);
err_free:
	kmem_cache_free(mailbox_cache, mb);
	return ERR_PTR(ret);
}

/* Deaf and without handles: whatever it held was purged. */
static void mailbox_free(struct kref *ref)
{
	struct mbx_mailbox *mb = container_of(ref, struct mbx_mailbox, ref);

	WARN_ON_ONCE(mb->queue.count || mb->pending.count || mb->receivers.count);
	WARN_ON_ONCE(mb->in_hand || mb->lingering || mb->reserved || mb->published);
	WARN_ON_ONCE(mb->token_count || mb->staying || mb->call_count || mb->notice);
	WARN_ON_ONCE(!list_empty(&mb->cargo));

	/* It holds no reference, and finds nothing. */
	cancel_delayed_work_sync(&mb->return_work);
	trace_mbox_free(mb);
	if (mb->pid_ns)
		put_pid_ns(mb->pid_ns);
	put_user_ns(mb->user_ns);
	kfree(mb->latencies);
	mbx_quota_uncharge(mb->payer, MBX_MAILBOXES, 1);
	mbx_quota_put(mb->payer);
	kmem_cache_free(mailbox_cache, mb);
}

/**
 * mbx_mailbox_get - take another reference
 * @mb: the caller has one
 *
 * Return: @mb.
 */
struct mbx_mailbox *mbx_mailbox_get(struct mbx_mailbox *mb)
{
	kref_get(&mb->ref);
	return mb;
}

/**
 * mbx_mailbox_put - give up a reference; the last frees the mailbox
 * @mb: the mailbox
 *
 * Context: may sleep.
 */
void mbx_mailbox_put(struct mbx_mailbox *mb)
{
	kref_put(&mb->ref, mailbox_free);
}

/**
 * mbx_mailbox_attach - count a new handle
 * @mb: the mailbox; the handle takes its own reference
 * @rights: MBOX_RECV, MBOX_SEND
 *
 * That lets nobody go on who waits. So it never does others' work either, which
 * would be under names_lock.
 */
void mbx_mailbox_attach(struct mbx_mailbox *mb, unsigned int rights)
{
	mbx_mailbox_get(mb);
	spin_lock(&mb->lock);
	mb->recv_handles += !!(rights & MBOX_RECV);
	mb->send_handles += !!(rights & MBOX_SEND);
	spin_unlock(&mb->lock);
}

/**
 * mbx_mailbox_detach - a handle goes; the caller puts its reference
 * @mb: the mailbox
 * @rights: of the handle
 */
void mbx_mailbox_detach(struct mbx_mailbox *mb, unsigned int rights)
{
	struct mbx_outcome out;

	mbx_mailbox_begin(mb, &out);
	mb->recv_handles -= !!(rights & MBOX_RECV);
	mb->send_handles -= !!(rights & MBOX_SEND);
	mbx_mailbox_end(mb, &out);
}

/**
 * mbx_mailbox_attached - whether a mailbox has handles
 * @mb: the mailbox
 */
bool mbx_mailbox_attached(struct mbx_mailbox *mb)
{
	bool attached;

	spin_lock(&mb->lock);
	attached = mb->recv_handles || mb->send_handles;
	spin_unlock(&mb->lock);
	return attached;
}

/**
 * mbx_mailbox_publish - a mailbox can be found now, or no longer
 * @mb: the mailbox
 * @published: which of the two
 */
void mbx_mailbox_publish(struct mbx_mailbox *mb, bool published)
{
	struct mbx_outcome out;

	mbx_mailbox_begin(mb, &out);
	mb->published = published;
	mbx_mailbox_end(mb, &out);
}

/* What the mode grants the caller, privileges aside: 04, 02. */
static unsigned int mailbox_grants(struct mbx_mailbox *mb)
{
	unsigned int granted;

	spin_lock(&mb->lock);
	granted = mb->mode;
	if (uid_eq(mb->uid, current_euid()))
		granted >>= 6;
	else if (in_egroup_p(mb->gid))
		granted >>= 3;
	spin_unlock(&mb->lock);
	return granted & 06;
}

/**
 * mbx_mailbox_permits - whether the mode lets the caller open a mailbox
 * @mb: the mailbox
 * @rights: MBOX_RECV, MBOX_SEND
 *
 * Context: may sleep.
 */
bool mbx_mailbox_permits(struct mbx_mailbox *mb, unsigned int rights)
{
	unsigned int wanted = 0;

	if (rights & MBOX_RECV)
		wanted |= 04;
	if (rights & MBOX_SEND)
		wanted |= 02;
	return !(wanted & ~mailbox_grants(mb)) || ns_capable(mb->user_ns, CAP_IPC_OWNER);
}

/**
 * mbx_mailbox_owned_by - whether a user owns a mailbox
 * @mb: the mailbox
 * @uid: the user
 */
bool mbx_mailbox_owned_by(struct mbx_mailbox *mb, kuid_t uid)
{
	bool owned;

	spin_lock(&mb->lock);
	owned = uid_eq(mb->uid, uid);
	spin_unlock(&mb->lock);
	return owned;
}

/**
 * mbx_mailbox_controlled - whether the caller may change and unlink a mailbox
 * @mb: the mailbox
 *
 * Context: may sleep.
 */
bool mbx_mailbox_controlled(struct mbx_mailbox *mb)
{
	return mbx_mailbox_owned_by(mb, current_euid()) ||
	       ns_capable(mb->user_ns, CAP_IPC_OWNER);
}

/**
 * mbx_mailbox_visible - whether the caller may open or change a mailbox, and so see it
 * @mb: the mailbox
 *
 * Context: may sleep. A denial is nothing to be audited.
 */
bool mbx_mailbox_visible(struct mbx_mailbox *mb)
{
	return mailbox_grants(mb) || mbx_mailbox_owned_by(mb, current_euid()) ||
	       ns_capable_noaudit(mb->user_ns, CAP_IPC_OWNER);
}

/**
 * mbx_mailbox_stat - describe a mailbox
 * @mb: the mailbox
 * @holder: of the handle that asks
 * @stat: all but @badge is written, of @flags only what the mailbox knows; @latencies
 *	only if they are counted
 */
void mbx_mailbox_stat(struct mbx_mailbox *mb, const struct mbx_holder *holder,
		      struct mbox_stat_args *stat)
{
	struct user_namespace *ns = current_user_ns();
	kuid_t uid;
	kgid_t gid;

	spin_lock(&mb->lock);
	uid = mb->uid;
	gid = mb->gid;
	stat->id = mb->id;
	stat->mode = mb->mode;
	stat->type_source = mb->type_source;
	stat->overflow = mb->overflow;
	stat->max_messages = mb->max_messages;
	stat->max_bytes = mb->max_bytes;
	stat->max_message_size = mb->max_message_size;
	stat->messages = mbx_mailbox_messages(mb);
	stat->bytes = mbx_mailbox_bytes(mb);
	stat->senders = mb->send_handles;
	stat->receivers = mb->recv_handles;
	stat->waiting_senders = mb->pending.count;
	stat->waiting_receivers = mb->receivers.count;
	stat->flags = mb->rt_priority ? MBOX_RT_PRIORITY : 0;
	stat->calls = mb->call_count;
	stat->tokens = mb->token_count;
	stat->stale_tokens = holder->stale;
	stat->sent = mb->sent;
	stat->received = mb->received;
	stat->drops = mb->drops;
	stat->spin = mb->spin;
	stat->latency = !!mb->latencies;
	if (mb->latencies)
		memcpy(stat->latencies, mb->latencies, sizeof(stat->latencies));
	spin_unlock(&mb->lock);
	stat->uid = from_kuid_munged(ns, uid);
	stat->gid = from_kgid_munged(ns, gid);
	stat->created = ktime_to_ns(mbx_time_to_user(mb->created));
}

static int mailbox_may_set(struct mbx_mailbox *mb, u32 mask)
{
	const u32 chown = MBOX_SET_UID | MBOX_SET_GID;

	if ((mask & chown) && !ns_capable(mb->user_ns, CAP_CHOWN))
		return -EPERM;
	if ((mask & ~chown) && !mbx_mailbox_controlled(mb))
		return -EPERM;
	return 0;
}

static int mailbox_set_limits(struct mbx_mailbox *mb,
			      const struct mbox_set_args *args)
{
	u32 messages = mb->max_messages, size = mb->max_message_size;
	u64 bytes = mb->max_bytes;

	if (args->mask & MBOX_SET_MAX_MESSAGES)
		messages = args->max_messages;
	if (args->mask & MBOX_SET_MAX_BYTES)
		bytes = args->max_bytes;
	if (args->mask & MBOX_SET_MAX_MESSAGE_SIZE)
		size = args->max_message_size;
	/* None is raised above its ceiling, and the largest message fits. */
	if (!messages || messages > max(ceiling_messages(), mb->max_messages) ||
	    bytes > max(ceiling_bytes(), mb->max_bytes) ||
	    !size || size > max(ceiling_message_size(), mb->max_message_size) ||
	    size > bytes)
		return -EINVAL;
	mb->max_messages = messages;
	mb->max_bytes = bytes;
	WRITE_ONCE(mb->max_message_size, size);
	mbx_mailbox_lend_locked(mb);
	return 0;
}

/* All but what can be refused. */
static void mailbox_set_rest(struct mbx_mailbox *mb, const struct mbox_set_args *args,
			     kuid_t uid, kgid_t gid)
{
	lockdep_assert_held(&mb->lock);
	if (args->mask & MBOX_SET_MODE)
		mb->mode = args->mode;
	if (args->mask & MBOX_SET_UID)
		mb->uid = uid;
	if (args->mask & MBOX_SET_GID)
		mb->gid = gid;
	if (args->mask & MBOX_SET_OVERFLOW)
		mb->overflow = args->overflow;
	if (args->mask & MBOX_SET_SPIN)
		WRITE_ONCE(mb->spin, args->spin);
}

/**
 * mbx_mailbox_set - change properties of a mailbox, all or none
 * @mb: the mailbox
 * @args: which and to what; of known mask, mode and overflow
 *
 * Context: may sleep.
 * Return: 0; -EPERM: not the caller's to change; -EINVAL: limits out of range,
 * or an id that the caller's user namespace does not have; -ENOMEM.
 */
int mbx_mailbox_set(struct mbx_mailbox *mb, const struct mbox_set_args *args)
{
	const u32 limits = MBOX_SET_MAX_MESSAGES | MBOX_SET_MAX_BYTES |
			   MBOX_SET_MAX_MESSAGE_SIZE;
	kuid_t uid = make_kuid(current_user_ns(), args->uid);
	kgid_t gid = make_kgid(current_user_ns(), args->gid);
	u64 *latencies = NULL;
	struct mbx_outcome out;
	int ret;

	if (((args->mask & MBOX_SET_UID) && !uid_valid(uid)) ||
	    ((args->mask & MBOX_SET_GID) && !gid_valid(gid)))
		return -EINVAL;
	ret = mailbox_may_set(mb, args->mask);
	if (ret)
		return ret;

	if (args->latency) {
		latencies = kcalloc(MBOX_LATENCY_SLOTS, sizeof(*latencies), MBX_GFP_USER);
		if (!latencies)
			return -ENOMEM;
	}

	mbx_mailbox_begin(mb, &out);
	if (args->mask & limits)
		ret = mailbox_set_limits(mb, args);
	if (!ret) {
		mailbox_set_rest(mb, args, uid, gid);
		/* Unless they are counted, and are to be. */
		if ((args->mask & MBOX_SET_LATENCY) && !(latencies && mb->latencies))
			swap(mb->latencies, latencies);
		mbx_mailbox_refuse_long(mb, &out);
	}
	mbx_mailbox_end(mb, &out);
	kfree(latencies);
	return ret;
}

/**
 * mbx_mailbox_query - the defaults and ceilings of a mailbox's limits
 * @args: those are written
 */
void mbx_mailbox_query(struct mbox_query_args *args)
{
	args->default_max_bytes = default_bytes();
	args->default_max_messages = default_messages();
	args->default_max_message_size = default_message_size();
	args->ceiling_max_bytes = ceiling_bytes();
	args->ceiling_max_messages = ceiling_messages();
	args->ceiling_max_message_size = ceiling_message_size();
}

/**
 * mbx_mailbox_init - make the cache of mailboxes
 *
 * Return: 0, -ENOMEM.
 */
int __init mbx_mailbox_init(void)
{
	mailbox_cache = kmem_cache_create("mbx_mailbox", sizeof(struct mbx_mailbox), 0,
					  SLAB_ACCOUNT | SLAB_HWCACHE_ALIGN, NULL);
	return mailbox_cache ? 0 : -ENOMEM;
}

/**
 * mbx_mailbox_exit - free it; no mailbox is left
 */
void mbx_mailbox_exit(void)
{
	kmem_cache_destroy(mailbox_cache);
}
