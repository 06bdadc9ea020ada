/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mailboxes that there are, as a file of /proc/net.
 */
#ifndef MBX_LISTING_H
#define MBX_LISTING_H

int mbx_listing_init(void);
void mbx_listing_exit(void);

#endif /* MBX_LISTING_H */
