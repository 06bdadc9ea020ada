// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cargo: its memory, who pays, its end.
 */
#include <linux/file.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "cargo.h"
#include "quota.h"

/**
 * mbx_cargo_new - make cargo without files
 * @room: how many there will be; the caller adds them, with references, and
 *	counts them
 *
 * Context: may sleep.
 * Return: the cargo, NULL: no memory.
 */
struct mbx_cargo *mbx_cargo_new(unsigned int room)
{
	struct mbx_cargo *cargo;

	cargo = kzalloc(struct_size(cargo, files, room), MBX_GFP_USER);
	if (cargo)
		INIT_LIST_HEAD(&cargo->node);
	return cargo;
}

/**
 * mbx_cargo_charge - let the caller pay
 * @cargo: complete, not charged yet
 * @payer: the caller's account
 *
 * Return: 0, -EDQUOT.
 */
int mbx_cargo_charge(struct mbx_cargo *cargo, struct mbx_quota *payer)
{
	int ret = mbx_quota_charge(payer, MBX_FILES, cargo->count, NULL);

	if (!ret)
		cargo->payer = mbx_quota_get(payer);
	return ret;
}

/*
 * Put a file that nobody received. Who sent a socket may have asked that its last close
 * lingers; whoever happens to drop the message must not wait for that. Nobody can ask
 * for it again before our reference is gone, and who is just at it has one of his own.
 */
static void file_drop(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	if (!sk) {
		fput(file);
		return;
	}
	sock_hold(sk);
	spin_lock_bh(&sk->sk_lock.slock);
	if (!sock_owned_by_user_nocheck(sk))
		sock_reset_flag(sk, SOCK_LINGER);
	fput(file);
	spin_unlock_bh(&sk->sk_lock.slock);
	sock_put(sk);
}

/**
 * mbx_cargo_free - close the files
 * @cargo: in no mailbox; may be NULL
 *
 * Context: any that may take locks: files are closed later, by whatever task.
 */
void mbx_cargo_free(struct mbx_cargo *cargo)
{
	unsigned int i;

	if (!cargo)
		return;
	for (i = 0; i < cargo->count; i++) {
		if (cargo->received)
			fput(cargo->files[i]);
		else
			file_drop(cargo->files[i]);
	}
	if (cargo->payer) {
		mbx_quota_uncharge(cargo->payer, MBX_FILES, cargo->count);
		mbx_quota_put(cargo->payer);
	}
	kfree(cargo);
}
