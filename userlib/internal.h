/* SPDX-License-Identifier: MIT */
/*
 * What the files of libmbox share and programs do not see.
 */
#ifndef LIBMBOX_INTERNAL_H
#define LIBMBOX_INTERNAL_H

#include <errno.h>
#include <stdbool.h>

#include <linux/mbox.h>
#include <mbox.h>

/* All else is hidden: -fvisibility=hidden. */
#define MBOX_API __attribute__((visibility("default")))

/* A pointer as the kernel's interface stores it. */
#define PTR(p)		((uintptr_t)(p))

static inline int invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* syscall.c */
int libmbox_ioctl(int fd, unsigned long cmd, void *args);
int libmbox_device_ioctl(unsigned long cmd, void *args);
void libmbox_close(int fd);

/* args.c; @args and @ext are all 0 before, and refer to each other after */
__u32 libmbox_len(size_t len);
void libmbox_wait_for(struct mbox_msg_args *args, int64_t timeout);
int libmbox_put_send(struct mbox_msg_args *args, struct mbox_ext *ext,
		     const struct mbox_sendmsg *msg);
int libmbox_put_call(struct mbox_msg_args *args, struct mbox_ext *ext,
		     const struct mbox_callmsg *msg);
int libmbox_put_recv(struct mbox_msg_args *args, struct mbox_ext *ext,
		     const struct mbox_recvmsg *msg);
void libmbox_get_header(struct mbox_header *header,
			const struct mbox_msg_args *args,
			const struct mbox_ext *ext);

/* message.c */
int libmbox_send(int fd, struct mbox_msg_args *args);
ssize_t libmbox_end_recv(int fd, ssize_t ret, const struct mbox_msg_args *args,
			 const struct mbox_ext *ext,
			 const struct mbox_recvmsg *msg,
			 struct mbox_header *header);

/* call.c */
int libmbox_finish(int fd, uint32_t token, __u8 how);

/* buffer.c */
int libmbox_send_reference(int fd, const struct mbox_sendmsg *msg);

#endif /* LIBMBOX_INTERNAL_H */
