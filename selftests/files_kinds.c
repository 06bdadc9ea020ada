// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Which kinds of files may go with a message: those that are known to hold no
 * others, and nothing else.
 */
#include "mbox_files.h"

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

FIXTURE(mailbox) {
	int h;
	int good;	/* a file that may be sent */
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->good = syscall(SYS_memfd_create, "good", 1);
	ASSERT_LE(0, self->good);
}

FIXTURE_TEARDOWN(mailbox)
{
	close(self->h);
	close(self->good);
	EXPECT_EQ(0, user_files());
}

static bool same_inode(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* It is accepted and arrives. */
#define TRAVELS(file) do { \
	int fd_ = (file), got_; \
	ASSERT_LE(0, fd_) { \
		TH_LOG("no %s: %s", #file, strerror(errno)); \
	} \
	EXPECT_EQ(0, file_send(self->h, fd_)); \
	got_ = file_recv(self->h); \
	ASSERT_LE(0, got_) { \
		TH_LOG("with %s", #file); \
	} \
	EXPECT_TRUE(same_inode(fd_, got_)); \
	close(got_); \
	close(fd_); \
} while (0)

/* It is refused, also in good company, and nothing is sent. */
#define STAYS(file) do { \
	int fd_ = (file); \
	int fds_[] = { self->good, fd_ }; \
	ASSERT_LE(0, fd_) { \
		TH_LOG("no %s: %s", #file, strerror(errno)); \
	} \
	EXPECT_EQ(-EOPNOTSUPP, file_send(self->h, fd_)) { \
		TH_LOG("with %s", #file); \
	} \
	EXPECT_EQ(-EOPNOTSUPP, files_send(self->h, fds_, 2)); \
	EXPECT_EQ(0, mb_messages(self->h)); \
	EXPECT_EQ(0, user_files()); \
	close(fd_); \
} while (0)

TEST_F(mailbox, regular_files_travel)
{
	TRAVELS(open("/tmp/mbox-file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	TRAVELS(open("/tmp/mbox-file", O_RDONLY | O_CLOEXEC));
	TRAVELS(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
	TRAVELS(open("/sys/module/mbox/refcnt", O_RDONLY | O_CLOEXEC));
	unlink("/tmp/mbox-file");
}

TEST_F(mailbox, memfds_travel)
{
	TRAVELS((int)syscall(SYS_memfd_create, "plain", 0));
	TRAVELS((int)syscall(SYS_memfd_create, "sealing", 2));
}

TEST_F(mailbox, directories_travel)
{
	TRAVELS(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	TRAVELS(open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

TEST_F(mailbox, pipes_and_fifos_travel)
{
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	TRAVELS(p[0]);
	TRAVELS(p[1]);
	ASSERT_EQ(0, mkfifo("/tmp/mbox-fifo", 0600));
	TRAVELS(open("/tmp/mbox-fifo", O_RDWR | O_CLOEXEC));
	unlink("/tmp/mbox-fifo");
}

/* Any that opens. */
static int block_device(void)
{
	DIR *dir = opendir("/dev");
	struct dirent *entry;
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir)))
		if (entry->d_type == DT_BLK)
			fd = openat(dirfd(dir), entry->d_name,
				    O_RDONLY | O_CLOEXEC);
	if (dir)
		closedir(dir);
	return fd;
}

TEST_F(mailbox, block_devices_travel)
{
	int fd = block_device();

	if (fd < 0)
		SKIP(return, "no block device");
	TRAVELS(fd);
}

TEST_F(mailbox, eventfds_travel)
{
	TRAVELS(eventfd(0, EFD_CLOEXEC));
	TRAVELS(eventfd(1, EFD_SEMAPHORE));
}

static int a_socket(int family, int type, int protocol)
{
	return socket(family, type | SOCK_CLOEXEC, protocol);
}

TEST_F(mailbox, sockets_travel_but_unix_ones)
{
	int pair[2];

	TRAVELS(a_socket(AF_INET, SOCK_STREAM, 0));
	TRAVELS(a_socket(AF_INET, SOCK_DGRAM, 0));
	TRAVELS(a_socket(AF_INET6, SOCK_STREAM, 0));
	TRAVELS(a_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	TRAVELS(a_socket(AF_PACKET, SOCK_RAW, 0));
	STAYS(a_socket(AF_UNIX, SOCK_STREAM, 0));
	STAYS(a_socket(AF_UNIX, SOCK_DGRAM, 0));
	STAYS(a_socket(AF_UNIX, SOCK_SEQPACKET, 0));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	STAYS(pair[0]);
	STAYS(pair[1]);
}

TEST_F(mailbox, handles_that_may_only_send_travel)
{
	int other = mb_create_anon();

	TRAVELS(mb_narrow(self->h, MBOX_SEND, 0));
	TRAVELS(mb_narrow(other, MBOX_SEND, 0));
	TRAVELS(mb_narrow(other, MBOX_SEND | MBOX_BADGE, 5));
	TRAVELS(mb_narrow(other, MBOX_SEND | MBOX_NONBLOCK, 0));
	STAYS(mb_narrow(other, MBOX_RECV, 0));
	STAYS(mb_narrow(other, MB_RW, 0));
	STAYS(mb_narrow(self->h, MBOX_RECV, 0));
	STAYS(dup(self->h));
	STAYS(other);
}

TEST_F(mailbox, devices_stay)
{
	STAYS(mb_device());
	STAYS(open("/dev/null", O_RDWR | O_CLOEXEC));
	STAYS(open("/dev/ptmx", O_RDWR | O_CLOEXEC));
}

static int a_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int a_pidfd(void)
{
	return syscall(SYS_pidfd_open, getpid(), 0);
}

static int an_io_uring(void)
{
	struct io_uring_params params = { };

	return syscall(SYS_io_uring_setup, 4, &params);
}

static int a_bpf_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int a_perf_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

/* An epoll, an io_uring hold what they are told to; so might others some day. */
TEST_F(mailbox, objects_without_a_name_stay)
{
	STAYS(epoll_create1(EPOLL_CLOEXEC));
	STAYS(an_io_uring());
	STAYS(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	STAYS(a_signalfd());
	STAYS(inotify_init1(IN_CLOEXEC));
	STAYS(a_pidfd());
	STAYS(a_bpf_map());
	STAYS(a_perf_event());
	STAYS((int)syscall(SYS_userfaultfd, O_CLOEXEC));
}

TEST_F(mailbox, one_bad_file_stops_the_good_ones)
{
	int p[2], fds[16], i;

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC | O_NONBLOCK));
	for (i = 0; i < 15; i++)
		fds[i] = p[1];
	fds[15] = self->h;
	EXPECT_EQ(-EOPNOTSUPP, files_send(self->h, fds, 16));
	EXPECT_EQ(0, mb_messages(self->h));
	close(p[1]);
	EXPECT_TRUE(pipe_closed(p[0]));
	close(p[0]);
}

TEST_HARNESS_MAIN
