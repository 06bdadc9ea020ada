// SPDX-License-Identifier: MIT
/*
 * Files that come with a message. What is in the regular ones is read from the beginning,
 * wherever others who have them open are.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mboxctl.h"

/* Return 0 or errno. */
static int copy(int fd, FILE *to)
{
	static char buf[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), at)) > 0) {
		if (to == stdout)
			print_bytes(buf, (size_t)n);
		else
			fwrite(buf, 1, (size_t)n, to);
		if (ferror(to))
			return errno;
		at += n;
		progress(0, (uint64_t)n);
	}
	return n < 0 ? errno : 0;
}

/*
 * Says so if it is not: what others are is nothing to copy, and what cannot be read must not
 * keep the message from being received.
 */
static bool is_regular(int fd)
{
	const int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && flags >= 0 &&
	    (flags & O_ACCMODE) != O_WRONLY)
		return true;
	progress_end();
	fputs("mboxctl: a file that came with it is not a regular one that can be read, and was "
	      "closed\n", stderr);
	return false;
}

/* What is in them, one after the other. Return the exit status. */
int files_write(const struct files *f)
{
	unsigned int i;
	int error;

	for (i = 0; i < f->count; i++) {
		error = is_regular(f->fd[i]) ? copy(f->fd[i], stdout) : 0;
		if (error)
			return refuse(error, "cannot copy a file that came with it", NULL);
	}
	return STATUS_OK;
}

static int save_as(int fd, const char *part, const char *path, bool again)
{
	FILE *to;
	int error;

	unlink(part); /* of somebody with our pid */
	to = fopen(part, "wxe");
	if (!to)
		return errno;
	error = copy(fd, to);
	if (fclose(to) && !error)
		error = errno;
	/* Only that which somebody had saved who died before he said so is replaced. */
	if (!error && (again ? rename(part, path) : link(part, path)))
		error = errno;
	unlink(part);
	return error;
}

/* Whole, or not at all. */
static int save(int fd, const char *path, bool again)
{
	char *part;
	int error;

	if (asprintf(&part, "%s.%d", path, (int)getpid()) < 0)
		return ENOMEM;
	error = save_as(fd, part, path, again);
	free(part);
	return error;
}

/* As DIR/SEQ.0, DIR/SEQ.1 and so on. Return the exit status. */
int files_save(struct files *f, const char *dir, const struct mbox_header *h)
{
	unsigned int i;
	char *path;
	int error;

	for (i = 0; i < f->count; i++) {
		if (!is_regular(f->fd[i]))
			continue;
		if (asprintf(&path, "%s/%" PRIu64 ".%u", dir, h->seq, i) < 0)
			return refuse(ENOMEM, "cannot save", NULL);
		error = save(f->fd[i], path, h->flags & MBOX_MSG_REDELIVERED);
		if (error) {
			refuse(error, path, NULL);
			free(path);
			return STATUS_FAILED;
		}
		f->path[i] = path;
	}
	return STATUS_OK;
}

/* Those that were saved stay so, or not. */
void files_close(struct files *f, bool keep)
{
	unsigned int i;

	for (i = 0; i < f->count; i++) {
		close(f->fd[i]);
		if (f->path[i] && !keep)
			unlink(f->path[i]);
		free(f->path[i]);
		f->path[i] = NULL;
	}
	f->count = 0;
}
