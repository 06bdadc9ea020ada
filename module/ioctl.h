/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of the device (device.c) and of a handle: about messages (ioctl.c,
 * deliver.c), many of them at once (batch.c), and about the mailbox (control.c).
 */
#ifndef MBX_IOCTL_H
#define MBX_IOCTL_H

#include <linux/mbox.h>

#include "args.h"
#include "file.h"
#include "mailbox.h"

struct mbx_sender;

#define MBX_RIGHTS	(MBOX_RECV | MBOX_SEND)

long mbx_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
/* A send that was read and checked. */
struct mbx_send_args {
	struct mbx_post post;
	struct mbx_timeout timeout;
	struct mbx_payload p;
};

int mbx_send_args_begin(struct mbx_send_args *s, struct file *file,
			const struct mbox_msg_args *args, enum mbx_post_kind kind);
void mbx_send_args_end(struct mbx_send_args *s);
int mbx_caller_begin(struct mbx_sender *from, const struct mbx_handle *h);
void mbx_caller_end(const struct mbx_sender *from, const struct mbx_handle *h);

/* A receive that was read and checked. */
struct mbx_receive_args {
	struct mbx_receive how;
	struct mbx_payload p;
	void __user *uarg;		/* gets the header */
	u8 out_flags;			/* to be told with the message */
};

bool mbx_recv_args_valid(const struct mbox_msg_args *args);
int mbx_receive_args_begin(struct mbx_receive_args *r, struct file *file,
			   const struct mbox_msg_args *args, void __user *uarg);
void mbx_receive_args_end(struct mbx_receive_args *r);
int mbx_receive_refused(const struct mbx_receive_args *r, int error);
bool mbx_deliver_at_once(const struct mbx_mailbox *mb, const struct mbx_msg *msg,
			 const struct mbx_receive *how);
int mbx_deliver(struct mbx_handle *h, struct mbx_msg *msg, struct mbx_receive_args *r);

long mbx_ioctl_sendv(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_recvv(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_narrow(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_stat(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_set(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_notify(struct file *file, void __user *uarg, size_t size);
long mbx_ioctl_fionread(struct file *file, int __user *uarg);
long mbx_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* MBX_IOCTL_H */
