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
		if (fwrite(buf, 1, (size_t)n, to) != (size_t)n)
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
int files_write(const struct files *f, FILE *to)
{
	unsigned int i;
	int error;

	for (i = 0; i < f->count; i++) {
		error = is_regular(f->fd[i]) ? copy(f->fd[i], to) : 0;
		if (error)
			return refuse(error, "cannot copy a file that came with it", NULL);
	}
	return STATUS_OK;
}

static int save(int fd, const char *path)
{
	FILE *to = fopen(path, "wxe");
	int error;

	if (!to)
		return errno;
	error = copy(fd, to);
	if (fclose(to) && !error)
		error = errno;
	if (error)
		unlink(path);
	return error;
}

/* As DIR/SEQ.0, DIR/SEQ.1 and so on. Return the exit status. */
int files_save(struct files *f, const char *dir, uint64_t seq)
{
	unsigned int i;
	char *path;
	int error;

	for (i = 0; i < f->count; i++) {
		if (!is_regular(f->fd[i]))
			continue;
		if (asprintf(&path, "%s/%" PRIu64 ".%u", dir, seq, i) < 0)
			return refuse(ENOMEM, "cannot save", NULL);
		error = save(f->fd[i], path);
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
