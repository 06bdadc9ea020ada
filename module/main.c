// SPDX-License-Identifier: GPL-2.0-only
/*
 * mbox - mailbox IPC. The module and its device.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "call.h"
#include "ioctl.h"
#include "listing.h"
#include "mailbox.h"
#include "message.h"
#include "namespace.h"
#include "quota.h"

static const struct file_operations mbx_device_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = mbx_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice mbx_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mbox",
	.fops = &mbx_device_fops,
	.mode = 0666,
};

/* Those that there are. */
static void caches_exit(void)
{
	mbx_mailbox_exit();
	mbx_call_exit();
	mbx_msg_exit();
}

static int __init mbx_init(void)
{
	int ret;

	ret = mbx_msg_init() ?: mbx_call_init() ?: mbx_mailbox_init() ?: mbx_namespace_init();
	if (ret)
		goto err_caches;
	ret = mbx_listing_init();
	if (ret)
		goto err_namespace;
	ret = misc_register(&mbx_device);
	if (!ret)
		return 0;
	mbx_listing_exit();
err_namespace:
	mbx_namespace_exit();
err_caches:
	caches_exit();
	return ret;
}

/* No handle is open: they hold the module. */
static void __exit mbx_exit(void)
{
	misc_deregister(&mbx_device);
	mbx_listing_exit();
	mbx_namespace_exit();
	mbx_quota_exit();
	caches_exit();
}

module_init(mbx_init);
module_exit(mbx_exit);

MODULE_DESCRIPTION("Mailbox IPC");
MODULE_AUTHOR("The mbox developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
