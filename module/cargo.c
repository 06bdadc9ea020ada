// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cargo: its memory, who pays, its end.
 */
#include <linux/file.h>
#include <linux/slab.h>

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
	for (i = 0; i < cargo->count; i++)
		fput(cargo->files[i]);
	if (cargo->payer) {
		mbx_quota_uncharge(cargo->payer, MBX_FILES, cargo->count);
		mbx_quota_put(cargo->payer);
	}
	kfree(cargo);
}
