// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and processes' own mailboxes, per network namespace.
 */
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/random.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "mailbox.h"
#include "message.h"
#include "namespace.h"
#include "quota.h"
#include "trace.h"

struct mbx_net {
	/* protected by names_lock */
	struct rb_root names;
	struct rb_root own;
	unsigned int count;
};

struct mbx_entry {
	/* const after creation */
	struct mbx_mailbox *mb;
	bool ephemeral;
	struct pid *pid;
	struct wait_queue_entry death;	/* on pid->wait_pidfd */

	/* protected by names_lock */
	struct rb_node node;
	struct mbx_net *net;

	/* protected by dying_lock; of who removed it, after that */
	struct list_head dying;

	/* const after creation */
	unsigned int len;
	char name[];
};

static DEFINE_MUTEX(names_lock);
static unsigned int mbx_net_id;
static unsigned long pid_cookies[2] __ro_after_init;

/* Entries whose process may have died; the worker looks. */
static DEFINE_SPINLOCK(dying_lock);
static LIST_HEAD(dying_entries);
static void reap_dying(struct work_struct *work);
static DECLARE_WORK(reap_work, reap_dying);

static struct mbx_limit limit_ns_mailboxes = {
	.value = SZ_128K, .min = 0, .max = INT_MAX,
};

module_param_cb(ns_mailboxes, &mbx_limit_ops, &limit_ns_mailboxes, 0644);
MODULE_PARM_DESC(ns_mailboxes,
		 "mailboxes with a name or a process in a network namespace");

static struct mbx_net *current_mbx_net(void)
{
	return net_generic(current->nsproxy->net_ns, mbx_net_id);
}

/* An order that does not tell where in the kernel's memory they lie. */
static unsigned long pid_place(const struct pid *pid)
{
	return ((unsigned long)pid ^ pid_cookies[0]) * pid_cookies[1];
}

static int key_compare(const void *key, const struct rb_node *node)
{
	const struct mbx_entry *e = rb_entry(node, struct mbx_entry, node);
	const struct mbx_key *k = key;
	int ret;

	if (k->pid) {
		const unsigned long wanted = pid_place(k->pid), at = pid_place(e->pid);

		return wanted < at ? -1 : wanted > at;
	}
	ret = memcmp(k->name, e->name, min(k->len, e->len));
	return ret ?: (int)k->len - (int)e->len;
}

static bool entry_less(struct rb_node *a, const struct rb_node *b)
{
	const struct mbx_entry *e = rb_entry(a, struct mbx_entry, node);
	const struct mbx_key key = {
		.name = e->name, .len = e->len, .pid = e->pid,
	};

	return key_compare(&key, b) < 0;
}

static struct mbx_entry *entry_find_locked(struct mbx_net *net,
					   const struct mbx_key *key)
{
	struct rb_root *root = key->pid ? &net->own : &net->names;

	lockdep_assert_held(&names_lock);
	return rb_entry_safe(rb_find(key, root, key_compare), struct mbx_entry, node);
}

/* A process of ours may have died. Called by its exit, in atomic context. */
static int entry_death(struct wait_queue_entry *wait, unsigned int mode,
		       int flags, void *key)
{
	struct mbx_entry *e = container_of(wait, struct mbx_entry, death);
	unsigned long irqflags;

	spin_lock_irqsave(&dying_lock, irqflags);
	if (list_empty(&e->dying))
		list_add_tail(&e->dying, &dying_entries);
	spin_unlock_irqrestore(&dying_lock, irqflags);
	schedule_work(&reap_work);
	return 0;
}

/* An entry of nothing yet, and in no tree. */
static struct mbx_entry *entry_new(const struct mbx_key *key)
{
	struct mbx_entry *e;

	e = kzalloc(struct_size(e, name, key->len), MBX_GFP_USER);
	if (!e)
		return NULL;
	if (key->pid)
		e->pid = get_pid(key->pid);
	else
		memcpy(e->name, key->name, key->len);
	e->len = key->len;
	INIT_LIST_HEAD(&e->dying);
	init_waitqueue_func_entry(&e->death, entry_death);
	return e;
}

static void entry_free(struct mbx_entry *e)
{
	if (!e)
		return;
	if (e->mb)
		mbx_mailbox_put(e->mb);
	put_pid(e->pid);
	kfree(e);
}

static struct rb_root *entry_root(const struct mbx_entry *e)
{
	return e->pid ? &e->net->own : &e->net->names;
}

static void entry_publish_locked(struct mbx_net *net, struct mbx_entry *e)
{
	lockdep_assert_held(&names_lock);
	e->net = net;
	net->count++;
	rb_add(&e->node, entry_root(e), entry_less);
	WRITE_ONCE(e->mb->entry, e);
	if (e->pid)
		add_wait_queue(&e->pid->wait_pidfd, &e->death);
	trace_mbox_publish(e->mb, e->name, e->len, e->pid);
	mbx_mailbox_publish(e->mb, true);
}

/* Take an entry away; the caller frees it after the unlock. */
static void entry_remove_locked(struct mbx_entry *e, struct list_head *removed)
{
	lockdep_assert_held(&names_lock);
	if (e->pid)
		remove_wait_queue(&e->pid->wait_pidfd, &e->death);
	spin_lock_irq(&dying_lock);
	list_move(&e->dying, removed);
	spin_unlock_irq(&dying_lock);
	rb_erase(&e->node, entry_root(e));
	e->net->count--;
	WRITE_ONCE(e->mb->entry, NULL);
	trace_mbox_unlink(e->mb, e->name, e->len, e->pid);
}

/* This may free many messages: not under a lock that others wait for. */
static void entries_free(struct list_head *removed)
{
	struct mbx_entry *e, *next;

	list_for_each_entry_safe(e, next, removed, dying) {
		mbx_mailbox_publish(e->mb, false);
		entry_free(e);
		cond_resched();
	}
}

static struct mbx_entry *dying_pop(void)
{
	struct mbx_entry *e;

	spin_lock_irq(&dying_lock);
	e = list_first_entry_or_null(&dying_entries, struct mbx_entry, dying);
	if (e)
		list_del_init(&e->dying);
	spin_unlock_irq(&dying_lock);
	return e;
}

/* Whether the last thread of a process has exited. */
static bool process_dead(struct pid *pid)
{
	struct task_struct *leader;
	bool dead;

	rcu_read_lock();
	leader = pid_task(pid, PIDTYPE_TGID);
	dead = !leader || (READ_ONCE(leader->exit_state) &&
			   thread_group_empty(leader));
	rcu_read_unlock();
	return dead;
}

static void reap_dying(struct work_struct *work)
{
	struct mbx_entry *e;
	LIST_HEAD(removed);

	mutex_lock(&names_lock);
	while ((e = dying_pop())) {
		if (process_dead(e->pid))
			entry_remove_locked(e, &removed);
	}
	mutex_unlock(&names_lock);
	entries_free(&removed);
}

static int access_check(struct mbx_mailbox *mb, const struct mbx_access *how)
{
	if (how->exclusive)
		return -EEXIST;
	if (how->check_owner && !mbx_mailbox_owned_by(mb, how->owner))
		return -EACCES;
	return mbx_mailbox_permits(mb, how->rights) ? 0 : -EACCES;
}

/*
 * Open what the key stands for, or publish *@fresh, if there is one, under it,
 * and take it away from the caller: it may be gone by our return. Atomic: of
 * several who create the same, one does and the others open it.
 */
static struct mbx_mailbox *names_enter(const struct mbx_key *key,
				       const struct mbx_access *how,
				       struct mbx_entry **fresh)
{
	struct mbx_net *net = current_mbx_net();
	struct mbx_mailbox *mb = NULL;
	struct mbx_entry *e;
	int ret = 0;

	mutex_lock(&names_lock);
	e = entry_find_locked(net, key);
	if (e) {
		ret = access_check(e->mb, how);
	} else if (!fresh) {
		ret = -ENOENT;
	} else if (net->count >= mbx_limit_get(&limit_ns_mailboxes)) {
		ret = -ENOSPC;
	} else {
		e = *fresh;
		*fresh = NULL;
		entry_publish_locked(net, e);
	}
	if (!ret) {
		mb = e->mb;
		mbx_mailbox_attach(mb, how->rights);
	}
	mutex_unlock(&names_lock);
	return ret ? ERR_PTR(ret) : mb;
}

/**
 * mbx_namespace_open - open a mailbox that exists
 * @key: what it is found by, in the caller's network namespace
 * @how: with which rights, and on which conditions
 *
 * Context: may sleep.
 * Return: the mailbox, with a handle attached and referenced; -ENOENT,
 * -EACCES as ERR_PTR().
 */
struct mbx_mailbox *mbx_namespace_open(const struct mbx_key *key,
				       const struct mbx_access *how)
{
	return names_enter(key, how, NULL);
}

/**
 * mbx_namespace_create - open a mailbox, and create it first if there is none
 * @key: what it is found by, in the caller's network namespace
 * @how: with which rights, and on which conditions
 * @props: of the new mailbox
 *
 * Context: may sleep.
 * Return: the mailbox, with a handle attached and referenced; -EEXIST,
 * -EACCES, -ENOSPC, -EDQUOT, -ENOMEM as ERR_PTR().
 */
struct mbx_mailbox *mbx_namespace_create(const struct mbx_key *key,
					 const struct mbx_access *how,
					 const struct mbx_properties *props)
{
	struct mbx_mailbox *mb;
	struct mbx_entry *fresh;

	mb = names_enter(key, how, NULL);
	if (mb != ERR_PTR(-ENOENT))
		return mb;

	fresh = entry_new(key);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	fresh->ephemeral = how->ephemeral;
	mb = mbx_mailbox_create(mbx_namespace_owner(), props);
	if (!IS_ERR(mb)) {
		fresh->mb = mb;
		mb = names_enter(key, how, &fresh);
	}
	entry_free(fresh);
	return mb;
}

/**
 * mbx_namespace_unlink - take a mailbox's name away
 * @key: what it is found by, in the caller's network namespace
 *
 * Context: may sleep.
 * Return: 0, -ENOENT, -EPERM.
 */
int mbx_namespace_unlink(const struct mbx_key *key)
{
	struct mbx_net *net = current_mbx_net();
	struct mbx_entry *e;
	LIST_HEAD(removed);
	int ret = 0;

	mutex_lock(&names_lock);
	e = entry_find_locked(net, key);
	if (!e)
		ret = -ENOENT;
	else if (!mbx_mailbox_controlled(e->mb))
		ret = -EPERM;
	else
		entry_remove_locked(e, &removed);
	mutex_unlock(&names_lock);
	entries_free(&removed);
	return ret;
}

/**
 * mbx_namespace_closed - a handle was detached: an ephemeral name may go
 * @mb: its mailbox, which the caller still has a reference to
 *
 * Context: may sleep; the task may be exiting and have no namespaces.
 */
void mbx_namespace_closed(struct mbx_mailbox *mb)
{
	LIST_HEAD(removed);

	/* Set before the mailbox's first handle; nobody can set it later. */
	if (!READ_ONCE(mb->entry))
		return;
	mutex_lock(&names_lock);
	if (mb->entry && mb->entry->ephemeral && !mbx_mailbox_attached(mb))
		entry_remove_locked(mb->entry, &removed);
	mutex_unlock(&names_lock);
	entries_free(&removed);
}

/**
 * mbx_namespace_flags - what a mailbox is found by
 * @mb: the mailbox
 *
 * Return: MBOX_NAMED or MBOX_OWN, MBOX_EPHEMERAL; 0: it cannot be found.
 */
unsigned int mbx_namespace_flags(struct mbx_mailbox *mb)
{
	unsigned int flags = 0;

	mutex_lock(&names_lock);
	if (mb->entry) {
		flags = mb->entry->pid ? MBOX_OWN : MBOX_NAMED;
		if (mb->entry->ephemeral)
			flags |= MBOX_EPHEMERAL;
	}
	mutex_unlock(&names_lock);
	return flags;
}

/**
 * mbx_namespace_show - print a mailbox's name, escaped, if it has one
 * @mb: the mailbox
 * @seq: where to
 */
void mbx_namespace_show(struct mbx_mailbox *mb, struct seq_file *seq)
{
	struct mbx_entry *e;

	mutex_lock(&names_lock);
	e = mb->entry;
	if (e && !e->pid) {
		seq_puts(seq, "mbox-name:\t");
		seq_escape_mem(seq, e->name, e->len,
			       ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND, " \\");
		seq_putc(seq, '\n');
	}
	mutex_unlock(&names_lock);
}

/**
 * mbx_namespace_query - how full the caller's namespace is
 * @args: @ns_max_mailboxes and @ns_mailboxes are written
 */
void mbx_namespace_query(struct mbox_query_args *args)
{
	args->ns_max_mailboxes = mbx_limit_get(&limit_ns_mailboxes);
	mutex_lock(&names_lock);
	args->ns_mailboxes = current_mbx_net()->count;
	mutex_unlock(&names_lock);
}

/**
 * mbx_namespace_owner - who owns the caller's network namespace
 *
 * Return: a user namespace, borrowed.
 */
struct user_namespace *mbx_namespace_owner(void)
{
	return current->nsproxy->net_ns->user_ns;
}

/* The first of a tree that does not come before the place. */
static struct mbx_entry *entry_from_locked(const struct mbx_net *net,
					   const struct mbx_place *at)
{
	const struct mbx_key key = { .name = at->name, .len = at->len, .pid = at->pid };
	struct rb_node *node = at->own ? net->own.rb_node : net->names.rb_node;
	struct mbx_entry *found = NULL;

	lockdep_assert_held(&names_lock);
	while (node) {
		int order = key_compare(&key, node);

		if (order < 0 || (!order && !at->past)) {
			found = rb_entry(node, struct mbx_entry, node);
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/**
 * mbx_namespace_from - what lies at a place, or comes next
 * @net: where
 * @at: the place, which is moved there. Names come in the order of their bytes, then
 *	processes' own mailboxes
 *
 * Context: may sleep.
 * Return: the mailbox, referenced; NULL: there is no more.
 */
struct mbx_mailbox *mbx_namespace_from(struct net *net, struct mbx_place *at)
{
	const struct mbx_net *mbx_net = net_generic(net, mbx_net_id);
	struct mbx_mailbox *mb = NULL;
	struct mbx_entry *e;

	mutex_lock(&names_lock);
	e = entry_from_locked(mbx_net, at);
	if (!e && !at->own) {
		/* Without a process, and no name either, it is before all of them. */
		at->own = true;
		at->past = false;
		at->len = 0;
		e = entry_from_locked(mbx_net, at);
	}
	if (e) {
		mb = mbx_mailbox_get(e->mb);
		at->past = false;
		at->pid = e->pid;
		at->nr = pid_nr_ns(e->pid, at->pid_ns);
		at->len = e->len;
		memcpy(at->name, e->name, e->len);
	}
	mutex_unlock(&names_lock);
	return mb;
}

static int __net_init mbx_net_init(struct net *net)
{
	struct mbx_net *mbx_net = net_generic(net, mbx_net_id);

	mbx_net->names = RB_ROOT;
	mbx_net->own = RB_ROOT;
	return 0;
}

static void remove_all_locked(struct rb_root *root, struct list_head *removed)
{
	struct rb_node *node;

	while ((node = rb_first(root)))
		entry_remove_locked(rb_entry(node, struct mbx_entry, node), removed);
}

static void __net_exit mbx_net_exit(struct net *net)
{
	struct mbx_net *mbx_net = net_generic(net, mbx_net_id);
	LIST_HEAD(removed);

	mutex_lock(&names_lock);
	remove_all_locked(&mbx_net->names, &removed);
	remove_all_locked(&mbx_net->own, &removed);
	mutex_unlock(&names_lock);
	entries_free(&removed);
}

static struct pernet_operations mbx_net_ops = {
	.init = mbx_net_init,
	.exit = mbx_net_exit,
	.id = &mbx_net_id,
	.size = sizeof(struct mbx_net),
};

/**
 * mbx_namespace_init - begin to serve network namespaces
 *
 * Return: 0, -ENOMEM.
 */
int __init mbx_namespace_init(void)
{
	get_random_bytes(pid_cookies, sizeof(pid_cookies));
	pid_cookies[1] |= 1; /* so that no two come to the same place */
	return register_pernet_subsys(&mbx_net_ops);
}

/**
 * mbx_namespace_exit - take all names away; mailboxes without handles go
 */
void mbx_namespace_exit(void)
{
	unregister_pernet_subsys(&mbx_net_ops);
	/* Nobody can schedule it any more, and it finds nothing. */
	cancel_work_sync(&reap_work);
}
