/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where mailboxes are found: by name, or by the process whose own they are,
 * within a network namespace. Holds no network namespace and no handle.
 */
#ifndef MBX_NAMESPACE_H
#define MBX_NAMESPACE_H

#include <linux/mbox.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct mbx_mailbox;
struct mbx_properties;
struct net;
struct pid;
struct pid_namespace;
struct seq_file;

/**
 * DOC: entries
 *
 * An entry publishes one mailbox under one key and holds a reference to it. It
 * goes, and the key is free again, when it is unlinked, when the network
 * namespace ends, when the process whose own mailbox it is has died, or, if it
 * is ephemeral, with the last handle. Open handles live on.
 *
 * names_lock protects the trees of all namespaces, the entries, and
 * mailbox.entry. It is a mutex, and the outermost lock of the module.
 */

/**
 * struct mbx_key - what a mailbox is found by
 * @name: bytes of a name; NULL: by @pid
 * @len: of the name
 * @pid: thread group; NULL: by @name
 *
 * Borrowed: an entry takes its own copy or reference.
 */
struct mbx_key {
	const char *name;
	unsigned int len;
	struct pid *pid;
};

/**
 * struct mbx_access - how a mailbox is to be opened
 * @rights: MBOX_RECV, MBOX_SEND
 * @exclusive: it must not exist yet
 * @ephemeral: if it is created now, its name goes with the last handle
 * @check_owner: it must belong to @owner
 * @owner: a user
 */
struct mbx_access {
	unsigned int rights;
	bool exclusive;
	bool ephemeral;
	bool check_owner;
	kuid_t owner;
};

struct mbx_mailbox *mbx_namespace_create(const struct mbx_key *key,
					 const struct mbx_access *how,
					 const struct mbx_properties *props);
struct mbx_mailbox *mbx_namespace_open(const struct mbx_key *key,
				       const struct mbx_access *how);
int mbx_namespace_unlink(const struct mbx_key *key);
void mbx_namespace_closed(struct mbx_mailbox *mb);
unsigned int mbx_namespace_flags(struct mbx_mailbox *mb);
void mbx_namespace_show(struct mbx_mailbox *mb, struct seq_file *seq);
void mbx_namespace_query(struct mbox_query_args *args);
struct user_namespace *mbx_namespace_owner(void);

/**
 * struct mbx_place - where somebody is who goes through a namespace
 * @pid_ns: as which a process's number is told
 * @past: what lies at the place itself is done with
 * @own: beyond the names, among processes' own mailboxes
 * @pid: of one, compared with alone: it may be gone
 * @nr: its number
 * @len: of the name
 * @name: one
 *
 * What is not set but @pid_ns is before all there is.
 */
struct mbx_place {
	struct pid_namespace *pid_ns;
	bool past;
	bool own;
	struct pid *pid;
	pid_t nr;
	unsigned int len;
	char name[MBOX_NAME_MAX];
};

struct mbx_mailbox *mbx_namespace_from(struct net *net, struct mbx_place *at);

int mbx_namespace_init(void);
void mbx_namespace_exit(void);

#endif /* MBX_NAMESPACE_H */
