/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Messages that carry files, and how to see that a file was closed: a pipe whose
 * write end is in a message reads as empty while it is there, and as at its end
 * once it was closed.
 */
#ifndef MBOX_FILES_H
#define MBOX_FILES_H

#include "mbox_peer.h"

#include <dirent.h>
#include <poll.h>

/* Send @len bytes of "files" and @n files, without waiting. */
static inline int files_send_ext(int h, struct mbox_ext *ext, __u32 flags)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_EXT | flags,
		.buf = (unsigned long)"files",
		.len = 5,
		.ext = (unsigned long)ext,
	};

	ext->size = sizeof(*ext);
	return mb_send(h, &args);
}

static inline int files_send(int h, const int *fds, __u32 n)
{
	struct mbox_ext ext = { .files = (unsigned long)fds, .file_count = n };

	return files_send_ext(h, &ext, 0);
}

static inline int file_send(int h, int fd)
{
	return files_send(h, &fd, 1);
}

/* A receive that takes files, and what came of it. */
struct files {
	struct mbox_msg_args args;
	struct mbox_ext ext;
	int fds[MBOX_FILES_MAX + 1];
	char buf[64];
};

/* To take up to @room files, without waiting. */
static inline void files_init(struct files *f, __u32 room)
{
	memset(f, 0, sizeof(*f));
	memset(f->fds, MB_POISON, sizeof(f->fds));
	f->ext.size = sizeof(f->ext);
	f->ext.files = room ? (unsigned long)f->fds : 0;
	f->ext.file_count = room;
	f->ext.out_file_count = 0xcccccccc;
	f->args.flags = MBOX_WAIT_NONE | MBOX_EXT;
	f->args.buf = (unsigned long)f->buf;
	f->args.len = sizeof(f->buf);
	f->args.ext = (unsigned long)&f->ext;
}

static inline int files_recv(int h, struct files *f, __u32 room)
{
	files_init(f, room);
	return mb_recv(h, &f->args);
}

static inline bool file_untouched(int fd)
{
	return (__u32)fd == 0xcccccccc;
}

/* The one file that the next message carries; otherwise minus errno. */
static inline int file_recv(int h)
{
	struct files f;
	int ret = files_recv(h, &f, MBOX_FILES_MAX);

	if (ret)
		return ret;
	return f.ext.out_file_count == 1 ? f.fds[0] : -ENODATA;
}

/* How many descriptors the process has. */
static inline int fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = -3;		/* ".", "..", and this one */

	if (!dir)
		abort();
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline bool fd_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* A pipe; its write end goes into a message, and is closed here. */
static inline int pipe_send(int h, int *ret)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
		abort();
	*ret = file_send(h, p[1]);
	close(p[1]);
	return p[0];
}

/* Whether all write ends of a pipe are closed. */
static inline bool pipe_closed(int p)
{
	char byte;

	return !read(p, &byte, 1);
}

static inline bool pipe_open(int p)
{
	char byte;

	return read(p, &byte, 1) < 0 && errno == EAGAIN;
}

static inline __u32 user_files(void)
{
	struct mbox_query_args query;

	return mb_query(&query) ? ~0U : query.user_files;
}

#endif /* MBOX_FILES_H */
