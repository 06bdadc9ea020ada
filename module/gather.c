// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gathering the files that are to go with a message, by a positive list: kinds of
 * which it is known that they hold no other files, so that no cycle can come
 * about (see cargo.h).
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uaccess.h>

#include "cargo.h"
#include "file.h"
#include "gather.h"

static bool is_eventfd(struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return false;
	eventfd_ctx_put(ctx);
	return true;
}

/*
 * The kernel's own objects that are files: epoll, io_uring and the like, which
 * hold others. Newer kernels give their inodes, and those of pidfds, the type of
 * regular files.
 */
static bool is_anonymous(const struct inode *inode)
{
#ifdef S_ANON_INODE
	if (inode->i_flags & S_ANON_INODE)
		return true;
#endif
	return IS_PRIVATE(inode) || inode->i_sb->s_magic == ANON_INODE_FS_MAGIC;
}

static bool may_travel(struct file *file)
{
	const struct mbx_handle *h = mbx_handle_of(file);
	const struct inode *inode = file_inode(file);
	struct socket *sock;

	if (h)
		return !(h->rights & MBOX_RECV);
	if (is_eventfd(file))
		return true;
	/* Files are passed through unix sockets, which would hold them. */
	sock = sock_from_file(file);
	if (sock)
		return READ_ONCE(sock->ops)->family != PF_UNIX;
	if (is_anonymous(inode))
		return false;
	return S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) ||
	       S_ISFIFO(inode->i_mode) || S_ISBLK(inode->i_mode);
}

static int gather_fds(struct mbx_cargo *cargo, const s32 *fds, unsigned int count)
{
	struct file *file;

	while (cargo->count < count) {
		file = fget(fds[cargo->count]);
		if (!file)
			return -EBADF;
		cargo->files[cargo->count++] = file;
		if (!may_travel(file))
			return -EOPNOTSUPP;
	}
	return 0;
}

/**
 * mbx_gather - take hold of the files that the caller names
 * @cargo: written, not charged yet; left alone on failure
 * @ext: says which, at least one, at most MBOX_FILES_MAX
 *
 * Context: may sleep, reads user memory.
 * Return: 0; -EBADF: no such file; -EOPNOTSUPP: this kind of file may not go;
 * -EFAULT, -ENOMEM.
 */
int mbx_gather(struct mbx_cargo **cargo, const struct mbox_ext *ext)
{
	struct mbx_cargo *fresh;
	s32 fds[MBOX_FILES_MAX];
	int ret;

	if (copy_from_user(fds, u64_to_user_ptr(ext->files),
			   ext->file_count * sizeof(*fds)))
		return -EFAULT;
	fresh = mbx_cargo_new(ext->file_count);
	if (!fresh)
		return -ENOMEM;
	ret = gather_fds(fresh, fds, ext->file_count);
	if (ret)
		mbx_cargo_free(fresh);
	else
		*cargo = fresh;
	return ret;
}
