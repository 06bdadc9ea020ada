/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arguments: from user space and back. What is wrong with them by themselves is
 * found here; what they mean is not known.
 */
#ifndef MBX_ARGS_H
#define MBX_ARGS_H

#include <linux/uio.h>
#include <linux/mbox.h>

struct file;
struct mbx_filter;
struct mbx_timeout;

int mbx_args_read(void *args, size_t ksize, const void __user *uarg, size_t usize);
int mbx_args_write(void __user *uarg, size_t usize, const void *args, size_t ksize);

int mbx_msg_args_read(struct mbox_msg_args *args, const void __user *uarg,
		      size_t size);
int mbx_msg_args_write(void __user *uarg, const struct mbox_msg_args *args);
int mbx_msg_args_write_id(void __user *uarg, u64 id);
int mbx_timeout_read(struct mbx_timeout *timeout, const struct file *file,
		     const struct mbox_msg_args *args);
int mbx_filter_read(struct mbx_filter *filter, const struct mbox_msg_args *args);

/**
 * struct mbx_payload - a user's buffer, in one piece or scattered
 * @iter: goes through it
 * @uext: where the rare arguments are, NULL: none came with it
 * @ext: what they are, if any did
 * @iov: to be freed
 */
struct mbx_payload {
	struct iov_iter iter;
	struct mbox_ext __user *uext;
	struct mbox_ext ext;
	struct iovec *iov;
};

int mbx_payload_begin(struct mbx_payload *p, unsigned int direction,
		      const struct mbox_msg_args *args);
void mbx_payload_end(struct mbx_payload *p);
int mbx_buffer_begin(struct iov_iter *iter, unsigned int direction, u64 buf, u32 len);

#endif /* MBX_ARGS_H */
