// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/net/mbox: the mailboxes that can be found in a network namespace, a line each, of
 * those that the reader may open or change. No lock is held from one line to the next.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>
#include <net/net_namespace.h>

#include "listing.h"
#include "mailbox.h"
#include "namespace.h"

/* What a reader has come to. */
struct listing {
	struct net *net;		/* referenced */
	const struct cred *reader;	/* to be reverted to, from start to stop */
	struct mbx_mailbox *mb;		/* referenced, of the line at @at */
	struct mbx_place at;
};

static void listing_put(struct listing *l)
{
	if (l->mb)
		mbx_mailbox_put(l->mb);
	l->mb = NULL;
}

/* The first that the reader may see, from the place on. */
static void *listing_find(struct seq_file *seq)
{
	struct listing *l = seq->private;

	listing_put(l);
	while (!fatal_signal_pending(current)) {
		l->mb = mbx_namespace_from(l->net, &l->at);
		if (!l->mb)
			return NULL;
		if (mbx_mailbox_visible(l->mb))
			return l;
		listing_put(l);
		l->at.past = true;
		cond_resched();
	}
	return NULL;
}

static void *listing_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct listing *l = seq->private;

	if (v == SEQ_START_TOKEN)
		l->at = (struct mbx_place){
			.pid_ns = proc_pid_ns(file_inode(seq->file)->i_sb),
		};
	else
		l->at.past = true;
	++*pos;
	return listing_find(seq);
}

/*
 * The reader is who opened the file, whoever it was given to. seq_file starts at the
 * beginning, or where it was.
 */
static void *listing_start(struct seq_file *seq, loff_t *pos)
{
	struct listing *l = seq->private;

	l->reader = override_creds(seq->file->f_cred);
	return *pos ? listing_find(seq) : SEQ_START_TOKEN;
}

static void listing_stop(struct seq_file *seq, void *v)
{
	struct listing *l = seq->private;

	listing_put(l);
	revert_creds(l->reader);
}

static void listing_show_key(struct seq_file *seq, const struct mbx_place *at)
{
	if (at->own) {
		seq_printf(seq, "pid  %d\n", at->nr);
		return;
	}
	seq_puts(seq, "name ");
	seq_escape_mem(seq, at->name, at->len, ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND,
		       " \\");
	seq_putc(seq, '\n');
}

static void listing_show_head(struct seq_file *seq)
{
	seq_puts(seq, "id         mode uid        gid        messages   bytes      ");
	seq_puts(seq, "max_messages max_bytes  senders receivers waiting_senders ");
	seq_puts(seq, "waiting_receivers calls tokens sent       received   drops ");
	seq_puts(seq, "created            by   key\n");
}

static int listing_show(struct seq_file *seq, void *v)
{
	static const struct mbx_holder nobody;
	const struct listing *l = seq->private;
	struct mbox_stat_args st;

	if (v == SEQ_START_TOKEN) {
		listing_show_head(seq);
		return 0;
	}
	mbx_mailbox_stat(l->mb, &nobody, &st);
	seq_printf(seq, "%-10llu %04o %-10u %-10u %-10u %-10llu %-12u %-10llu ",
		   st.id, st.mode, st.uid, st.gid, st.messages, st.bytes,
		   st.max_messages, st.max_bytes);
	seq_printf(seq, "%-7u %-9u %-15u %-17u %-5u %-6u %-10llu %-10llu %-5llu %-18llu ",
		   st.senders, st.receivers, st.waiting_senders, st.waiting_receivers,
		   st.calls, st.tokens, st.sent, st.received, st.drops, st.created);
	listing_show_key(seq, &l->at);
	return 0;
}

static const struct seq_operations listing_ops = {
	.start = listing_start,
	.next = listing_next,
	.stop = listing_stop,
	.show = listing_show,
};

/* Names are for who is there; from elsewhere, for who rules there. */
static bool listing_permitted(struct net *net)
{
	return net_eq(net, current->nsproxy->net_ns) ||
	       ns_capable_noaudit(net->user_ns, CAP_IPC_OWNER);
}

/*
 * Whoever has it open holds the module, as with the device: a reader whose memory stalls
 * must not hold up who unloads it.
 */
static int listing_open(struct inode *inode, struct file *file)
{
	struct net *net = pde_data(inode);
	struct listing *l;

	if (!listing_permitted(net))
		return -EACCES;
	if (!try_module_get(THIS_MODULE))
		return -ENOENT;
	net = maybe_get_net(net);
	if (!net)
		goto err_module;
	l = __seq_open_private(file, &listing_ops, sizeof(*l));
	if (!l)
		goto err_net;
	l->net = net;
	return 0;

err_net:
	put_net(net);
err_module:
	module_put(THIS_MODULE);
	return net ? -ENOMEM : -ENOENT;
}

/* Who removes the file waits for this to return. */
static int listing_release(struct inode *inode, struct file *file)
{
	const struct seq_file *seq = file->private_data;
	const struct listing *l = seq->private;

	put_net(l->net);
	seq_release_private(inode, file);
	module_put(THIS_MODULE);
	return 0;
}

static const struct proc_ops listing_proc_ops = {
	.proc_open = listing_open,
	.proc_read_iter = seq_read_iter,
	.proc_lseek = seq_lseek,
	.proc_release = listing_release,
};

static int __net_init listing_net_init(struct net *net)
{
	return proc_create_data("mbox", 0444, net->proc_net, &listing_proc_ops, net) ?
	       0 : -ENOMEM;
}

static void __net_exit listing_net_exit(struct net *net)
{
	remove_proc_entry("mbox", net->proc_net);
}

static struct pernet_operations listing_net_ops = {
	.init = listing_net_init,
	.exit = listing_net_exit,
};

/**
 * mbx_listing_init - begin to list what there is; after mbx_namespace_init()
 *
 * Return: 0, -ENOMEM.
 */
int mbx_listing_init(void)
{
	return IS_ENABLED(CONFIG_PROC_FS) ? register_pernet_subsys(&listing_net_ops) : 0;
}

/**
 * mbx_listing_exit - no more; nobody has the file open
 */
void mbx_listing_exit(void)
{
	if (IS_ENABLED(CONFIG_PROC_FS))
		unregister_pernet_subsys(&listing_net_ops);
}
