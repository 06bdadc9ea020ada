/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that are to go with a message: which may, and taking hold of them.
 */
#ifndef MBX_GATHER_H
#define MBX_GATHER_H

#include <linux/mbox.h>

struct mbx_cargo;

int mbx_gather(struct mbx_cargo **cargo, const struct mbox_ext *ext);

#endif /* MBX_GATHER_H */
