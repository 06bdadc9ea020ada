// SPDX-License-Identifier: MIT
/*
 * Payloads by reference: the bytes are in a memory file, which goes with a message
 * that announces how many they are. Its seals keep the sender from changing what
 * the receiver has checked.
 *
 * close() and write() would be cancellation points: hence syscall().
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "internal.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		8U
#endif

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define MAGIC	0x00667562786f626dULL

/* The payload of the message that a memory file goes with. */
struct announcement {
	uint64_t magic;
	uint64_t len;
};

static int refused(int err)
{
	errno = err;
	return -1;
}

static void unmap(void *data, size_t len)
{
	const int err = errno;

	if (data)
		munmap(data, len);
	errno = err;
}

/* Kernels before 6.3 do not know the flag, those after want it. */
static int memory_file(void)
{
	const int err = errno;
	int fd;

	fd = memfd_create("mbox", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (fd >= 0 || errno != EINVAL)
		return fd;
	errno = err;
	return memfd_create("mbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

MBOX_API void mbox_buffer_release(struct mbox_buffer *b)
{
	unmap(b->data, b->len);
	if (b->fd >= 0)
		libmbox_close(b->fd);
	*b = (struct mbox_buffer){ .fd = -1 };
}

/* Creating */

/* At @at if that is not NULL, in the place of what is there. */
static void *map_writable(void *at, int fd, size_t len)
{
	void *data = mmap(at, len, PROT_READ | PROT_WRITE,
			  MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);

	if (data == MAP_FAILED)
		return NULL;
	/*
	 * A child's mapping would keep the file from being sealed. All memory at
	 * once: what nobody wrote to, the receiver would pay for.
	 */
	if (!madvise(data, len, MADV_DONTFORK) &&
	    !madvise(data, len, MADV_POPULATE_WRITE))
		return data;
	unmap(data, len);
	return NULL;
}

MBOX_API int mbox_buffer_create(struct mbox_buffer *b, size_t len)
{
	struct mbox_buffer new = { .len = len };

	if (!len)
		return invalid();
	if (len > PTRDIFF_MAX)
		return refused(ENOMEM);
	new.fd = memory_file();
	if (new.fd < 0)
		return -1;
	if (ftruncate(new.fd, (off_t)len) < 0) {
		mbox_buffer_release(&new);
		return -1;
	}
	new.data = map_writable(NULL, new.fd, len);
	if (!new.data) {
		mbox_buffer_release(&new);
		return refused(ENOMEM);
	}
	*b = new;
	return 0;
}

/* Sending */

/*
 * No seal while it is mapped for writing. A mapping to read takes its place, so
 * that @b->data is good as long as the buffer is not sent.
 */
static int seal(struct mbox_buffer *b)
{
	const int seals = fcntl(b->fd, F_GET_SEALS);
	int err;

	if (seals < 0 || (seals & SEALS) == SEALS)
		return seals < 0 ? -1 : 0;
	if (b->data && mmap(b->data, b->len, PROT_READ, MAP_PRIVATE | MAP_FIXED,
			    b->fd, 0) == MAP_FAILED) {
		unmap(b->data, b->len);
		b->data = NULL;
		return refused(ENOMEM);
	}
	if (!fcntl(b->fd, F_ADD_SEALS, SEALS))
		return 0;
	err = errno;
	if (b->data)
		b->data = map_writable(b->data, b->fd, b->len);
	return refused(err);
}

/* Send the announcement of @file as @how says. */
static int send_file(int fd, int file, uint64_t len,
		     const struct mbox_sendmsg *how)
{
	const struct announcement a = { .magic = MAGIC, .len = len };
	struct mbox_sendmsg msg = *how;

	msg.buf = &a;
	msg.len = sizeof(a);
	msg.iov = NULL;
	msg.iov_count = 0;
	msg.files = &file;
	msg.file_count = 1;
	msg.reference_above = 0;
	return mbox_sendmsg(fd, &msg);
}

MBOX_API int mbox_send_buffer(int fd, struct mbox_buffer *b)
{
	const struct mbox_sendmsg how = { .flags = MBOX_WAIT_DEFAULT };
	int ret;

	if (b->fd < 0)
		ret = mbox_send(fd, b->data, b->len);
	else if (seal(b) < 0)
		ret = -1;
	else
		ret = send_file(fd, b->fd, b->len, &how);
	if (!ret)
		mbox_buffer_release(b);
	return ret;
}

static int write_all(int fd, const char *buf, size_t len)
{
	long n;

	for (; len; len -= (size_t)n, buf += n) {
		n = syscall(SYS_write, fd, buf, len);
		if (n < 0)
			return errno == ENOSPC ? refused(ENOMEM) : -1;
	}
	return 0;
}

static uint64_t payload_len(const struct mbox_sendmsg *msg)
{
	uint64_t len = 0;

	if (!msg->iov)
		return msg->len;
	for (unsigned int i = 0; i < msg->iov_count; i++)
		len += msg->iov[i].iov_len;
	return len;
}

static int write_payload(int fd, const struct mbox_sendmsg *msg)
{
	if (!msg->iov)
		return write_all(fd, msg->buf, msg->len);
	for (unsigned int i = 0; i < msg->iov_count; i++)
		if (write_all(fd, msg->iov[i].iov_base, msg->iov[i].iov_len) < 0)
			return -1;
	return 0;
}

/* As mbox_sendmsg(), with @msg->reference_above. */
int libmbox_send_reference(int fd, const struct mbox_sendmsg *msg)
{
	struct mbox_sendmsg plain = *msg;
	uint64_t len;
	int file, ret;

	if (msg->files || msg->file_count || (msg->iov && (msg->buf || msg->len)) ||
	    (msg->iov_count && !msg->iov) || msg->iov_count > MBOX_IOV_MAX)
		return invalid();
	len = payload_len(msg);
	if (len <= msg->reference_above) {
		plain.reference_above = 0;
		return mbox_sendmsg(fd, &plain);
	}
	file = memory_file();
	if (file < 0)
		return -1;
	ret = write_payload(file, msg);
	if (!ret)
		ret = fcntl(file, F_ADD_SEALS, SEALS);
	if (!ret)
		ret = send_file(fd, file, len, msg);
	libmbox_close(file);
	return ret;
}

/* Receiving */

/* A message that is leased while we look whether we can make a buffer of it. */
struct received {
	void *data;
	size_t room;
	int files[MBOX_FILES_MAX];
	struct mbox_header header;
};

static int make_room(struct received *r, size_t room)
{
	unmap(r->data, r->room);
	r->room = room;
	r->data = mmap(NULL, room, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->data != MAP_FAILED)
		return 0;
	r->data = NULL;
	return refused(ENOMEM);
}

static int receive(int fd, struct received *r)
{
	struct mbox_recvmsg msg = {
		.files = r->files,
		.file_count = MBOX_FILES_MAX,
		.flags = MBOX_LEASE,
	};

	/* More than most messages, and an announcement always. */
	if (make_room(r, 4096) < 0)
		return -1;
	for (;;) {
		msg.buf = r->data;
		msg.len = r->room;
		if (mbox_recvmsg(fd, &msg, &r->header) >= 0)
			return 0;
		if (errno != EMSGSIZE || make_room(r, r->header.len) < 0)
			return -1;
	}
}

/* The payload itself stays where it is. */
static int keep_payload(struct mbox_buffer *b, struct received *r)
{
	const size_t len = r->header.len;

	if (!len)
		return 0;
	if (mremap(r->data, r->room, len, 0) == MAP_FAILED ||
	    mprotect(r->data, len, PROT_READ) < 0)
		return refused(ENOMEM);
	b->data = r->data;
	b->len = len;
	r->data = NULL;
	return 0;
}

/*
 * Whether nothing can happen to who reads the @len bytes: nobody can change them,
 * and their memory is there, in pages and paid for.
 */
static bool is_good(int fd, uint64_t len)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	return len && seals >= 0 && (seals & SEALS) == SEALS && !fstatfs(fd, &fs) &&
	       fs.f_type == TMPFS_MAGIC && !fstat(fd, &st) &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == len &&
	       (uint64_t)st.st_blocks * 512 >= len;
}

static int map_reference(struct mbox_buffer *b, const struct received *r)
{
	const struct announcement *a = r->data;
	void *data;

	if ((r->header.flags & MBOX_MSG_FILES_LOST) ||
	    r->header.file_count != 1 || r->header.len != sizeof(*a) ||
	    a->magic != MAGIC || !is_good(r->files[0], a->len))
		return refused(EBADMSG);
	if (a->len > PTRDIFF_MAX)
		return refused(ENOMEM);
	/* Private: 6.1 takes any shared one of a sealed file for one to write. */
	data = mmap(NULL, (size_t)a->len, PROT_READ, MAP_PRIVATE, r->files[0], 0);
	if (data == MAP_FAILED)
		return refused(errno == EACCES ? EBADMSG : ENOMEM);
	b->data = data;
	b->len = (size_t)a->len;
	b->fd = r->files[0];
	return 0;
}

static void close_files(const struct received *r)
{
	for (uint32_t i = 0; i < r->header.file_count; i++)
		libmbox_close(r->files[i]);
}

MBOX_API int mbox_recv_buffer(int fd, struct mbox_buffer *b)
{
	struct mbox_buffer new = { .fd = -1 };
	struct received r = { .data = NULL };
	int err = errno, ret;

	ret = receive(fd, &r);
	if (ret < 0) {
		unmap(r.data, r.room);
		return -1;
	}
	if (r.header.file_count || (r.header.flags & MBOX_MSG_FILES_LOST))
		ret = map_reference(&new, &r);
	else
		ret = keep_payload(&new, &r);
	if (ret < 0) {
		err = errno;
		close_files(&r);
	}
	unmap(r.data, r.room);
	/* What is wrong with the message stays wrong. */
	libmbox_finish(fd, r.header.token, ret < 0 && err != EBADMSG ?
		       MBOX_FINISH_BACK : MBOX_FINISH_DONE);
	errno = err;
	if (!ret)
		*b = new;
	return ret;
}
