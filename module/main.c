// SPDX-License-Identifier: GPL-2.0-only
/*
 * mbox - mailbox IPC. The module and its device.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "call.h"
#include "ioctl.h"
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

static int __init mbx_init(void)
{
	int ret;

	ret = mbx_msg_init();
	if (ret)
		return ret;
	ret = mbx_call_init();
	if (ret)
		goto err_msg;
	ret = mbx_mailbox_init();
	if (ret)
		goto err_call;
	ret = mbx_namespace_init();
	if (ret)
		goto err_mailbox;
	ret = misc_register(&mbx_device);
	if (ret)
		goto err_namespace;
	return 0;

err_namespace:
	mbx_namespace_exit();
err_mailbox:
	mbx_mailbox_exit();
err_call:
	mbx_call_exit();
err_msg:
	mbx_msg_exit();
	return ret;
}

/* No handle is open: they hold the module. */
static void __exit mbx_exit(void)
{
	misc_deregister(&mbx_device);
	mbx_namespace_exit();
	mbx_quota_exit();
	mbx_mailbox_exit();
	mbx_call_exit();
	mbx_msg_exit();
}

module_init(mbx_init);
module_exit(mbx_exit);

MODULE_DESCRIPTION("Mailbox IPC");
MODULE_AUTHOR("The mbox developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
