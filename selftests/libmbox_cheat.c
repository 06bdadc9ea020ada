// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, mbox_recv_buffer() and senders that cheat: nothing that they send can
 * change, fail or cost anything when the receiver reads it.
 */
#include "libmbox_test.h"
#include "mbox_call.h"

#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LEN	(3 * 4096 + 5)
#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* What libmbox says of a buffer: its wire format, for who sends by hand. */
struct announcement {
	uint64_t magic;
	uint64_t len;
};

#define MAGIC	0x00667562786f626dULL

FIXTURE(cheat) {
	int mb;
	int in;			/* the same, MBOX_RECV only, does not wait */
	int out;		/* MBOX_SEND only */
	struct mbox_buffer got;
	char buf[LEN];
};

FIXTURE_SETUP(cheat)
{
	struct mbox_query query;

	MB_NEED_DEVICE();
	if (mbox_query(&query) || !(query.features & MBOX_FEATURE_FILES))
		SKIP(_exit(255), "no files");
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV | MBOX_NONBLOCK, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	memset(&self->got, MB_POISON, sizeof(self->got));
	memset(self->buf, 'x', sizeof(self->buf));
}

FIXTURE_TEARDOWN(cheat)
{
}

static int memory_file(const char *buf, size_t len, unsigned int flags)
{
	int fd = memfd_create("cheat", MFD_CLOEXEC | flags);

	return write(fd, buf, len) == (ssize_t)len ? fd : -1;
}

static int announce(int out, uint64_t magic, uint64_t len, const int *files,
		    unsigned int n)
{
	const struct announcement a = { .magic = magic, .len = len };
	const struct mbox_sendmsg msg = {
		.buf = &a, .len = sizeof(a), .files = files, .file_count = n,
	};

	return mbox_sendmsg(out, &msg);
}

/* It is refused, it is gone, and nothing is left of it. */
#define EXPECT_REFUSED(sent) do { \
	int before_ = open_descriptors(); \
	ASSERT_EQ(0, sent); \
	EXPECT_ERRNO(EBADMSG, mbox_recv_buffer(self->in, &self->got)); \
	EXPECT_TRUE(poisoned(&self->got, sizeof(self->got))); \
	EXPECT_EQ(before_, open_descriptors()); \
	EXPECT_TRUE(all_over(self->mb)); \
} while (0)

TEST_F(cheat, file_that_can_be_changed_is_refused)
{
	static const int enough[] = { F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };

	/* Each of the three is missed, and all. */
	for (unsigned int i = 0; i < 4; i++) {
		int fd = memory_file(self->buf, LEN, MFD_ALLOW_SEALING);

		for (unsigned int k = 0; k < 3 && i < 3; k++) {
			if (k != i)
				ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, enough[k]));
		}
		EXPECT_REFUSED(announce(self->out, MAGIC, LEN, &fd, 1));
		/* What is sealed, for comparison, is taken. */
		ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, SEALS));
		ASSERT_EQ(0, announce(self->out, MAGIC, LEN, &fd, 1));
		EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
		mbox_buffer_release(&self->got);
		memset(&self->got, MB_POISON, sizeof(self->got));
		close(fd);
	}
}

/* The seal against writing that lets old mappings write. */
TEST_F(cheat, file_that_is_mapped_for_writing_is_refused)
{
	int fd = memory_file(self->buf, LEN, MFD_ALLOW_SEALING);

	ASSERT_NE(MAP_FAILED, mmap(NULL, LEN, PROT_WRITE, MAP_SHARED, fd, 0));
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
			   F_SEAL_FUTURE_WRITE));
	EXPECT_REFUSED(announce(self->out, MAGIC, LEN, &fd, 1));
}

TEST_F(cheat, file_of_another_length_is_refused)
{
	static const uint64_t lens[] = {
		0, 1, LEN - 1, LEN + 1, 4 * 4096, 1ULL << 32, INT64_MAX,
		UINT64_MAX, LEN + (1ULL << 32),
	};
	int fd = memory_file(self->buf, LEN, MFD_ALLOW_SEALING);
	int none = memory_file(self->buf, 0, MFD_ALLOW_SEALING);

	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, SEALS));
	ASSERT_EQ(0, fcntl(none, F_ADD_SEALS, SEALS));
	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++)
		EXPECT_REFUSED(announce(self->out, MAGIC, lens[i], &fd, 1));
	EXPECT_REFUSED(announce(self->out, MAGIC, 0, &none, 1));
}

TEST_F(cheat, file_with_holes_is_refused)
{
	int fd = memfd_create("cheat", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_EQ(0, ftruncate(fd, 1 << 30));
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, SEALS));
	EXPECT_REFUSED(announce(self->out, MAGIC, 1 << 30, &fd, 1));
}

TEST_F(cheat, file_that_is_no_memory_is_refused)
{
	int disk = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int huge, pipes[2];
	struct stat st;

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	EXPECT_REFUSED(announce(self->out, MAGIC, 1, pipes, 1));
	ASSERT_EQ(0, fstat(disk, &st));
	EXPECT_REFUSED(announce(self->out, MAGIC, st.st_size, &disk, 1));

	/* Reading from one can fail for want of huge pages. */
	huge = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
	if (huge < 0)
		return;
	ASSERT_EQ(0, ftruncate(huge, 2 << 20));
	ASSERT_EQ(0, fcntl(huge, F_ADD_SEALS, SEALS));
	EXPECT_REFUSED(announce(self->out, MAGIC, 2 << 20, &huge, 1));
}

TEST_F(cheat, file_that_cannot_be_read_is_refused)
{
	int fd = memory_file(self->buf, LEN, MFD_ALLOW_SEALING);
	char path[32];
	int write_only;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	write_only = open(path, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, write_only);
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, SEALS));
	EXPECT_REFUSED(announce(self->out, MAGIC, LEN, &write_only, 1));
}

TEST_F(cheat, message_that_announces_nothing_is_refused)
{
	int fd = memory_file(self->buf, LEN, MFD_ALLOW_SEALING);
	const struct announcement a = { .magic = MAGIC, .len = LEN };
	int many[MBOX_FILES_MAX];
	struct mbox_sendmsg msg = {
		.buf = self->buf, .len = LEN, .files = &fd, .file_count = 1,
	};

	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, SEALS));
	for (int i = 0; i < MBOX_FILES_MAX; i++)
		many[i] = fd;
	EXPECT_REFUSED(announce(self->out, MAGIC + 1, LEN, &fd, 1));
	EXPECT_REFUSED(announce(self->out, MAGIC, LEN, many, 2));
	EXPECT_REFUSED(announce(self->out, MAGIC, LEN, many, MBOX_FILES_MAX));
	EXPECT_REFUSED(mbox_sendmsg(self->out, &msg));
	msg.len = 0;
	EXPECT_REFUSED(mbox_sendmsg(self->out, &msg));

	/* Almost one. */
	memcpy(self->buf, &a, sizeof(a));
	msg.len = sizeof(a) - 1;
	EXPECT_REFUSED(mbox_sendmsg(self->out, &msg));
	msg.len = sizeof(a) + 1;
	EXPECT_REFUSED(mbox_sendmsg(self->out, &msg));
}

/* Its file was closed when nobody could receive it for a while. */
TEST_F(cheat, announcement_without_its_file_is_refused)
{
	struct mbox_buffer b;
	char name[32];

	snprintf(name, sizeof(name), "libmbox-cheat-%d", getpid());
	close(self->in);
	close(self->mb);
	self->mb = mbox_create(name, MBOX_RECV, NULL);
	ASSERT_LE(0, self->mb);
	self->out = mbox_open(name, MBOX_SEND);
	ASSERT_EQ(0, mbox_buffer_create(&b, LEN));
	ASSERT_EQ(0, mbox_send_buffer(self->out, &b));
	close(self->mb);
	self->mb = mbox_open(name, MBOX_RECV);
	self->in = self->mb;
	ASSERT_EQ(0, mbox_unlink(name));
	EXPECT_REFUSED(0);
}

TEST_HARNESS_MAIN
