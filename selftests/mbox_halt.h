/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What halts a peer, for as long as a test needs: a page that does not come, a
 * stop, a debugger, a frozen control group.
 */
#ifndef MBOX_HALT_H
#define MBOX_HALT_H

#include "mbox_peer.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

/* ---- a page that stops the kernel when it copies to or from there ---- */

struct stall {
	int uffd;
	char *page;
};

static inline long page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static inline bool stall_init(struct stall *stall)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	stall->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	stall->page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)stall->page;
	reg.range.len = page_size();
	return stall->uffd >= 0 && stall->page != MAP_FAILED &&
	       !ioctl(stall->uffd, UFFDIO_API, &api) &&
	       !ioctl(stall->uffd, UFFDIO_REGISTER, &reg);
}

/* Wait until the kernel has come to the page. */
static inline bool stalled(struct stall *stall)
{
	struct pollfd p = { .fd = stall->uffd, .events = POLLIN };
	struct uffd_msg msg;

	return poll(&p, 1, 20000) == 1 &&
	       read(stall->uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

/* Let it go on: the page is there now. */
static inline bool stall_end(struct stall *stall)
{
	struct uffdio_range range = {
		.start = (unsigned long)stall->page,
		.len = page_size(),
	};

	return !ioctl(stall->uffd, UFFDIO_UNREGISTER, &range) &&
	       !close(stall->uffd);
}

/* Let it go on, and find @data there. */
static inline bool stall_fill(struct stall *stall, const void *data, size_t len)
{
	char *from = calloc(1, page_size());
	struct uffdio_copy copy = {
		.dst = (unsigned long)stall->page,
		.src = (unsigned long)from,
		.len = page_size(),
	};
	bool ok;

	memcpy(from, data, len);
	ok = !ioctl(stall->uffd, UFFDIO_COPY, &copy) && !close(stall->uffd);
	free(from);
	return ok;
}

/* Let it fault: the page is gone. */
static inline bool stall_fault(struct stall *stall)
{
	return !munmap(stall->page, page_size()) && !close(stall->uffd);
}

/* ---- stopped, traced ---- */

static inline bool stopped(pid_t pid)
{
	int status;

	return waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status);
}

static inline bool stop(pid_t pid)
{
	return !kill(pid, SIGSTOP) && stopped(pid);
}

/* The next stop of a process that was told to, by PTRACE_ATTACH for one. */
static inline bool traced(pid_t pid)
{
	int status;

	return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
}

/* ---- a control group of its own, in a mount namespace of one's own ---- */

#define CGROUP_ROOT	"/tmp/mbox-cgroup"
#define CGROUP		CGROUP_ROOT "/mbox-wait-test"

static inline int cgroup_make(pid_t pid)
{
	char number[16];

	mkdir("/tmp", 01777);
	mkdir(CGROUP_ROOT, 0700);
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", CGROUP_ROOT, "cgroup2", 0, NULL) ||
	    (mkdir(CGROUP, 0700) && errno != EEXIST))
		return -errno;
	snprintf(number, sizeof(number), "%d", pid);
	return mb_write_file(CGROUP "/cgroup.procs", number);
}

static inline void cgroup_remove(void)
{
	rmdir(CGROUP);
	umount2(CGROUP_ROOT, MNT_DETACH);
	rmdir(CGROUP_ROOT);
}

static inline bool cgroup_says(const char *what)
{
	char buf[256] = "";
	int fd = open(CGROUP "/cgroup.events", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = 0;
	close(fd);
	return strstr(buf, what);
}

#endif /* MBOX_HALT_H */
