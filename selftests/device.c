// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /dev/mbox: the device itself, what QUERY tells, and what the handles are like
 * that CREATE and OPEN return. Names are in name.c, own mailboxes in own.c, who
 * may do what in permission.c, wrong arguments in arguments.c.
 */
#include "mbox_test.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define NAME	"device"

/* ---- the device ---- */

FIXTURE(device) {
};

FIXTURE_SETUP(device)
{
	MB_NEED_DEVICE();
}

FIXTURE_TEARDOWN(device)
{
}

TEST_F(device, is_for_everybody)
{
	struct stat st;

	ASSERT_EQ(0, stat(MB_DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0666, st.st_mode & 07777);
}

static void create_anonymous(struct __test_metadata *_metadata, void *arg)
{
	int *access = arg;
	struct mbox_create_args args = { .flags = MB_RW };
	int dev = open(MB_DEVICE, *access);

	ASSERT_LE(0, dev);
	EXPECT_LE(0, mb_ioctl(dev, MBOX_IOC_CREATE, &args));
}

TEST_F(device, works_whatever_it_is_open_for)
{
	static const int access[] = { O_RDONLY, O_WRONLY, O_RDWR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(access); i++)
		EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, create_anonymous,
				       (void *)&access[i]));
}

TEST_F(device, is_no_mailbox_itself)
{
	int dev = mb_device();
	char buf[8];

	ASSERT_LE(0, dev);
	EXPECT_EQ(-1, read(dev, buf, sizeof(buf)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(dev, buf, sizeof(buf)));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(device, query_tells_limits_and_features)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(MBOX_FEATURE_IOVEC | MBOX_FEATURE_PEEK | MBOX_FEATURE_CALL |
		  MBOX_FEATURE_REPLY_TO | MBOX_FEATURE_LEASE | MBOX_FEATURE_FILES |
		  MBOX_FEATURE_NOTIFY | MBOX_FEATURE_BATCH | MBOX_FEATURE_SPIN |
		  MBOX_FEATURE_LATENCY,
		  query.features);
	EXPECT_EQ(16ULL << 20, query.default_max_bytes);
	EXPECT_EQ(1024, query.default_max_messages);
	EXPECT_EQ(1 << 20, query.default_max_message_size);
	EXPECT_LE(query.default_max_bytes, query.ceiling_max_bytes);
	EXPECT_LE(query.default_max_messages, query.ceiling_max_messages);
	EXPECT_LE(query.default_max_message_size,
		  query.ceiling_max_message_size);
	EXPECT_LT(0, query.user_max_bytes);
	EXPECT_LT(0, query.user_max_mailboxes);
	EXPECT_LT(0, query.ns_max_mailboxes);
}

/* As a user and in a network namespace that nobody else uses meanwhile. */
static void count_mailboxes(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_query_args query;
	int anon, named, own;

	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(0, query.user_mailboxes);
	EXPECT_EQ(0, query.ns_mailboxes);
	EXPECT_EQ(0, query.user_bytes);

	anon = mb_create_anon();
	ASSERT_LE(0, anon);
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(1, query.user_mailboxes);
	EXPECT_EQ(0, query.ns_mailboxes);

	named = mb_create_named(NAME, MB_RW, 0600);
	ASSERT_LE(0, named);
	own = mb_create_own(MB_RW, 0600);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(3, query.user_mailboxes);
	EXPECT_EQ(2, query.ns_mailboxes);

	EXPECT_EQ(0, mb_put(named, "12345", 5));
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_LE(5, query.user_bytes);

	close(anon);
	close(named);
	EXPECT_EQ(0, mb_unlink(NAME));
	close(own);
	EXPECT_EQ(0, mb_unlink_pid(0));
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(0, query.user_mailboxes);
	EXPECT_EQ(0, query.ns_mailboxes);
	EXPECT_EQ(0, query.user_bytes);
}

TEST_F(device, query_counts_what_the_caller_has)
{
	const struct mb_child child = {
		.fn = count_mailboxes,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = CLONE_NEWUSER | CLONE_NEWNET,
	};

	ASSERT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
}

/* ---- what CREATE and OPEN return ---- */

FIXTURE(new_handle) {
};

FIXTURE_SETUP(new_handle)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
}

FIXTURE_TEARDOWN(new_handle)
{
	mb_unlink(NAME);
}

TEST_F(new_handle, is_the_lowest_free_descriptor_and_close_on_exec)
{
	struct mbox_create_args args = { .flags = MB_RW };
	int dev = mb_device();
	int low = dup(dev);
	int h;

	close(low);
	h = mb_ioctl(dev, MBOX_IOC_CREATE, &args);
	EXPECT_EQ(low, h);
	EXPECT_EQ(FD_CLOEXEC, fcntl(h, F_GETFD));
	h = mb_narrow(h, MB_RW, 0);
	EXPECT_EQ(low + 1, h);
	EXPECT_EQ(FD_CLOEXEC, fcntl(h, F_GETFD));
}

TEST_F(new_handle, has_its_rights_as_access_mode)
{
	static const struct {
		__u32 flags;
		int status;
	} cases[] = {
		{ MBOX_RECV, O_RDONLY },
		{ MBOX_SEND, O_WRONLY },
		{ MB_RW, O_RDWR },
		{ MBOX_RECV | MBOX_NONBLOCK, O_RDONLY | O_NONBLOCK },
		{ MBOX_SEND | MBOX_NONBLOCK, O_WRONLY | O_NONBLOCK },
		{ MB_RW | MBOX_NONBLOCK, O_RDWR | O_NONBLOCK },
	};
	struct mbox_create_args args;
	unsigned int i;
	int h;

	ASSERT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		args = (struct mbox_create_args){ .flags = cases[i].flags };
		h = mb_create(&args);
		ASSERT_LE(0, h);
		EXPECT_EQ(cases[i].status,
			  fcntl(h, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
		h = mb_open(NAME, cases[i].flags);
		ASSERT_LE(0, h);
		EXPECT_EQ(cases[i].status,
			  fcntl(h, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	}
}

TEST_F(new_handle, without_a_free_descriptor_is_refused_and_leaves_nothing)
{
	struct rlimit limit = { 64, 64 };
	struct mbox_stat_args before, after;
	struct mbox_narrow_args narrow = { .flags = MB_RW };
	struct mbox_create_args create = {
		.flags = MBOX_NAMED | MB_RW,
		.name = (unsigned long)NAME "2",
		.name_len = strlen(NAME "2"),
	};
	struct mbox_open_args open_args = {
		.flags = MBOX_NAMED | MB_RW,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
	};
	struct mbox_query_args query;
	__u32 mailboxes;
	int dev = mb_device();
	int h = mb_create_named(NAME, MB_RW, 0600);
	int last;

	ASSERT_LE(0, h);
	ASSERT_EQ(0, mb_ioctl(dev, MBOX_IOC_QUERY, &query));
	mailboxes = query.ns_mailboxes;
	ASSERT_EQ(0, mb_stat(h, &before));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	do
		last = dup(dev);
	while (last >= 0 && last < 64);

	EXPECT_EQ(-EMFILE, mb_ioctl(dev, MBOX_IOC_CREATE, &create));
	EXPECT_EQ(-EMFILE, mb_ioctl(dev, MBOX_IOC_OPEN, &open_args));
	EXPECT_EQ(-EMFILE, mb_ioctl(h, MBOX_IOC_NARROW, &narrow));

	EXPECT_EQ(0, mb_stat(h, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	ASSERT_EQ(0, mb_ioctl(dev, MBOX_IOC_QUERY, &query));
	EXPECT_EQ(mailboxes, query.ns_mailboxes);
	open_args.flags = MBOX_NAMED;
	open_args.name = create.name;
	open_args.name_len = create.name_len;
	EXPECT_EQ(-ENOENT, mb_ioctl(dev, MBOX_IOC_UNLINK, &open_args));
}

#define FILE_MAX "/proc/sys/fs/file-max"

static void create_without_files(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_create_args args = {
		.flags = MBOX_NAMED | MB_RW,
		.name = (unsigned long)NAME "2",
		.name_len = strlen(NAME "2"),
	};
	int *fds = arg;

	EXPECT_EQ(-ENFILE, mb_ioctl(fds[0], MBOX_IOC_CREATE, &args));
	EXPECT_EQ(-ENFILE, mb_narrow(fds[1], MB_RW, 0));
}

TEST_F(new_handle, without_a_free_file_is_refused_and_leaves_nothing)
{
	int fds[] = { mb_device(), mb_create_anon() };
	char before[32] = "";
	int max = open(FILE_MAX, O_RDWR | O_CLOEXEC);
	int ret;

	ASSERT_LT(0, read(max, before, sizeof(before) - 1));
	ASSERT_LT(0, pwrite(max, "0\n", 2, 0));
	ret = mb_run_as(_metadata, MB_USER, create_without_files, fds);
	ASSERT_EQ(strlen(before), pwrite(max, before, strlen(before), 0));
	EXPECT_EQ(0, ret);
	EXPECT_EQ(-ENOENT, mb_unlink(NAME "2"));
	EXPECT_LE(0, mb_create_anon());
}

TEST_F(new_handle, of_an_anonymous_mailbox_has_a_mailbox_for_itself)
{
	long long a = mb_id_of(mb_create_anon());
	long long b = mb_id_of(mb_create_anon());

	EXPECT_LE(0, a);
	EXPECT_LE(0, b);
	EXPECT_NE(a, b);
}

TEST_HARNESS_MAIN
