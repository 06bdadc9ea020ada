// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, what goes through the device: creating, opening, unlinking and the
 * limits, with every errno. Handles and messages are in libmbox.c.
 */
#include <mbox.h>

#include "libmbox_test.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* ---- no device, or not that one ---- */

/* In a mount namespace of its own, an empty /dev. */
static int hide_device(void)
{
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/dev", "tmpfs", 0, NULL))
		return -errno;
	return 0;
}

FIXTURE(hidden_device) {
};

FIXTURE_SETUP(hidden_device)
{
	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, hide_device());
}

FIXTURE_TEARDOWN(hidden_device)
{
}

TEST_F(hidden_device, is_enodev_in_every_call)
{
	struct mbox_query query;

	EXPECT_ERRNO(ENODEV, mbox_create(NULL, RW, NULL));
	EXPECT_ERRNO(ENODEV, mbox_open("x", MBOX_SEND));
	EXPECT_ERRNO(ENODEV, mbox_open_owned_by("x", MBOX_SEND, 0));
	EXPECT_ERRNO(ENODEV, mbox_open_pid(0, MBOX_SEND));
	EXPECT_ERRNO(ENODEV, mbox_open_pid_owned_by(0, MBOX_SEND, 0));
	EXPECT_ERRNO(ENODEV, mbox_unlink("x"));
	EXPECT_ERRNO(ENODEV, mbox_unlink_pid(0));
	EXPECT_ERRNO(ENODEV, mbox_query(&query));
}

TEST_F(hidden_device, is_enodev_for_a_file_without_a_driver)
{
	struct mbox_query query;

	/* Major 60 is for local use: no driver has it. */
	ASSERT_EQ(0, mknod(MB_DEVICE, S_IFCHR | 0666, makedev(60, 0)));
	EXPECT_ERRNO(ENODEV, mbox_query(&query));
}

TEST_F(hidden_device, is_enotty_for_another_file)
{
	struct mbox_query query;

	ASSERT_EQ(0, mknod(MB_DEVICE, S_IFREG | 0666, 0));
	EXPECT_ERRNO(ENOTTY, mbox_query(&query));
	EXPECT_ERRNO(ENOTTY, mbox_create(NULL, RW, NULL));
}

TEST_F(hidden_device, is_eacces_for_a_file_without_permission)
{
	struct mbox_query query;

	ASSERT_EQ(0, mknod(MB_DEVICE, S_IFREG, 0));
	ASSERT_EQ(0, mb_become(MB_USER, MB_USER));
	EXPECT_ERRNO(EACCES, mbox_query(&query));
}

/* ---- the device ---- */

FIXTURE(device) {
	char name[NAME_MAX + 2];
};

FIXTURE_SETUP(device)
{
	MB_NEED_DEVICE();
	snprintf(self->name, sizeof(self->name), "libmbox-test-%d", getpid());
}

FIXTURE_TEARDOWN(device)
{
	mbox_unlink(self->name);
}

TEST_F(device, query_tells_what_the_kernel_does)
{
	struct mbox_query_args args;
	struct mbox_query query;
	int mb = mbox_create(self->name, RW, NULL);

	ASSERT_LE(0, mb);
	EXPECT_EQ(0, mbox_send(mb, "x", 1));
	memset(&query, MB_POISON, sizeof(query));
	EXPECT_OK(0, mbox_query(&query));
	ASSERT_EQ(0, mb_query(&args));
#define SAME(field) EXPECT_EQ(args.field, query.field)
	SAME(features);
	SAME(default_max_messages);
	SAME(default_max_bytes);
	SAME(default_max_message_size);
	SAME(ceiling_max_messages);
	SAME(ceiling_max_bytes);
	SAME(ceiling_max_message_size);
	SAME(user_max_bytes);
	SAME(user_bytes);
	SAME(user_max_mailboxes);
	SAME(user_mailboxes);
	SAME(ns_max_mailboxes);
	SAME(ns_mailboxes);
	SAME(user_max_files);
	SAME(user_files);
#undef SAME
	EXPECT_EQ(MBOX_FEATURE_IOVEC | MBOX_FEATURE_PEEK, query.features & 3);
	EXPECT_LT(0, query.user_bytes);
	EXPECT_LT(0, query.user_mailboxes);
	EXPECT_LT(0, query.ns_mailboxes);
}

TEST_F(device, create_passes_every_option_on)
{
	const struct mbox_options options = {
		.mode = 0640,
		.type_source = MBOX_TYPE_BADGE,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 3,
		.max_bytes = 5000,
		.max_message_size = 70,
	};
	struct mbox_stat stat;
	int mb;

	umask(0);
	mb = mbox_create(self->name, MBOX_RECV | MBOX_EPHEMERAL, &options);
	ASSERT_LE(0, mb);
	EXPECT_EQ(FD_CLOEXEC, fcntl(mb, F_GETFD));
	EXPECT_EQ(O_RDONLY, fcntl(mb, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	ASSERT_EQ(0, mbox_stat(mb, &stat));
	EXPECT_EQ(0640, stat.mode);
	EXPECT_EQ(MBOX_TYPE_BADGE, stat.type_source);
	EXPECT_EQ(MBOX_OVERFLOW_DROP, stat.overflow);
	EXPECT_EQ(3, stat.max_messages);
	EXPECT_EQ(5000, stat.max_bytes);
	EXPECT_EQ(70, stat.max_message_size);
	EXPECT_EQ(MBOX_NAMED | MBOX_EPHEMERAL, stat.flags);

	close(mb);
	EXPECT_ERRNO(ENOENT, mbox_open(self->name, MBOX_SEND));
}

TEST_F(device, create_without_options_takes_the_defaults)
{
	struct mbox_query query;
	struct mbox_stat stat;
	int mb;

	umask(0);
	ASSERT_EQ(0, mbox_query(&query));
	mb = mbox_create(self->name, RW | MBOX_NONBLOCK, NULL);
	ASSERT_LE(0, mb);
	EXPECT_EQ(O_RDWR | O_NONBLOCK,
		  fcntl(mb, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	ASSERT_EQ(0, mbox_stat(mb, &stat));
	EXPECT_EQ(0600, stat.mode);
	EXPECT_EQ(geteuid(), stat.uid);
	EXPECT_EQ(MBOX_TYPE_SENDER, stat.type_source);
	EXPECT_EQ(MBOX_OVERFLOW_BLOCK, stat.overflow);
	EXPECT_EQ(query.default_max_messages, stat.max_messages);
	EXPECT_EQ(query.default_max_bytes, stat.max_bytes);
	EXPECT_EQ(query.default_max_message_size, stat.max_message_size);
}

TEST_F(device, create_existing_opens_it_or_says_why_not)
{
	const struct mbox_options mine = { .owner = geteuid() };
	const struct mbox_options other = { .owner = MB_OTHER };
	struct mbox_stat a, b;
	int mb = mbox_create(self->name, RW, NULL);
	int again = mbox_create(self->name, RW, NULL);

	ASSERT_LE(0, mb);
	ASSERT_LE(0, again);
	ASSERT_EQ(0, mbox_stat(mb, &a));
	ASSERT_EQ(0, mbox_stat(again, &b));
	EXPECT_EQ(a.id, b.id);
	EXPECT_ERRNO(EEXIST, mbox_create(self->name, RW | MBOX_EXCL, NULL));
	EXPECT_LE(0, mbox_create(self->name, RW | MBOX_OWNED_BY, &mine));
	EXPECT_ERRNO(EACCES,
		     mbox_create(self->name, RW | MBOX_OWNED_BY, &other));
}

TEST_F(device, create_bad_argument_is_einval)
{
	struct mbox_options options = { .mode = 01000 };
	const char *name = self->name;

	EXPECT_ERRNO(EINVAL, mbox_create(name, 0, NULL));
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW | UNKNOWN_FLAG, NULL));
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW | MBOX_OWN, NULL));
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW | MBOX_OWNED_BY, NULL));
	EXPECT_ERRNO(EINVAL, mbox_create(NULL, RW | MBOX_NAMED, NULL));
	EXPECT_ERRNO(EINVAL, mbox_create(NULL, RW | MBOX_EXCL, NULL));
	EXPECT_ERRNO(EINVAL, mbox_create(NULL, RW | MBOX_EPHEMERAL, NULL));
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW, &options));
	options = (struct mbox_options){ .type_source = 3 };
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW, &options));
	options = (struct mbox_options){ .overflow = 2 };
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW, &options));
	options = (struct mbox_options){ .max_bytes = UINT64_MAX };
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW, &options));
	options = (struct mbox_options){ .max_messages = UINT32_MAX };
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW, &options));
	options = (struct mbox_options){ .max_message_size = UINT32_MAX };
	EXPECT_ERRNO(EINVAL, mbox_create(name, RW, &options));
	EXPECT_ERRNO(ENOENT, mbox_open(name, MBOX_SEND));
}

TEST_F(device, names_of_every_length_and_byte)
{
	static const char * const bad[] = { "", ".", "..", "/", "a/b" };
	char *name = self->name;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, mbox_create(bad[i], RW, NULL));
		EXPECT_ERRNO(EINVAL, mbox_open(bad[i], RW));
		EXPECT_ERRNO(EINVAL, mbox_unlink(bad[i]));
	}
	EXPECT_ERRNO(EINVAL, mbox_open(NULL, RW));
	EXPECT_ERRNO(EINVAL, mbox_open_owned_by(NULL, RW, 0));
	EXPECT_ERRNO(EINVAL, mbox_unlink(NULL));

	/* All that a name can hold: 1 to 255 without the '/'. */
	for (i = 1; i <= MBOX_NAME_MAX; i++)
		name[i - 1] = i == '/' ? '.' : (char)i;
	name[MBOX_NAME_MAX] = 0;
	EXPECT_LE(0, mbox_create(name, RW | MBOX_EXCL, NULL));
	EXPECT_LE(0, mbox_open(name, RW));
	EXPECT_EQ(0, mbox_unlink(name));

	name[MBOX_NAME_MAX] = 'x';
	name[MBOX_NAME_MAX + 1] = 0;
	EXPECT_ERRNO(ENAMETOOLONG, mbox_create(name, RW, NULL));
	EXPECT_ERRNO(ENAMETOOLONG, mbox_open(name, RW));
	EXPECT_ERRNO(ENAMETOOLONG, mbox_unlink(name));
}

TEST_F(device, open_says_why_not)
{
	const char *name = self->name;

	EXPECT_ERRNO(ENOENT, mbox_open(name, MBOX_RECV));
	EXPECT_ERRNO(ENOENT, mbox_open_owned_by(name, MBOX_RECV, geteuid()));
	ASSERT_LE(0, mbox_create(name, RW, NULL));
	errno = ECHILD;
	EXPECT_LE(0, mbox_open(name, MBOX_RECV));
	EXPECT_EQ(ECHILD, errno);
	EXPECT_LE(0, mbox_open_owned_by(name, MBOX_RECV, geteuid()));
	EXPECT_ERRNO(EACCES, mbox_open_owned_by(name, MBOX_RECV, MB_OTHER));
	EXPECT_ERRNO(EINVAL, mbox_open(name, 0));
	EXPECT_ERRNO(EINVAL, mbox_open(name, RW | UNKNOWN_FLAG));
	EXPECT_ERRNO(EINVAL, mbox_open(name, RW | MBOX_NAMED));
	EXPECT_ERRNO(EINVAL, mbox_open(name, RW | MBOX_OWN));
	EXPECT_ERRNO(EINVAL, mbox_open(name, RW | MBOX_OWNED_BY));
	EXPECT_ERRNO(EINVAL, mbox_open_pid(0, RW | MBOX_OWNED_BY));
}

static void stranger(struct __test_metadata *_metadata, void *name)
{
	const struct mbox_set set = { .mask = MBOX_SET_MODE, .mode = 0666 };
	int mb;

	EXPECT_ERRNO(EACCES, mbox_open(name, MBOX_RECV));
	EXPECT_ERRNO(EACCES, mbox_create(name, RW, NULL));
	EXPECT_ERRNO(EPERM, mbox_unlink(name));
	mb = mbox_open(name, MBOX_SEND);
	ASSERT_LE(0, mb);
	EXPECT_ERRNO(EPERM, mbox_set(mb, &set));
	EXPECT_ERRNO(EPERM, mbox_unlink_pid(getppid()));
}

TEST_F(device, mode_and_owner_keep_strangers_out)
{
	const struct mbox_options options = { .mode = 0602 };

	if (geteuid())
		SKIP(return, "needs root");
	umask(0);
	ASSERT_LE(0, mbox_create(self->name, RW, &options));
	ASSERT_LE(0, mbox_create(NULL, RW | MBOX_OWN, NULL));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, stranger, self->name));
}

TEST_F(device, unlink_takes_the_name_and_leaves_the_handle)
{
	int mb = mbox_create(self->name, RW, NULL);

	ASSERT_LE(0, mb);
	EXPECT_OK(0, mbox_unlink(self->name));
	EXPECT_ERRNO(ENOENT, mbox_unlink(self->name));
	EXPECT_EQ(0, mbox_send(mb, "x", 1));
}

TEST_F(device, own_mailbox_is_found_by_pid)
{
	uid_t me = geteuid();
	struct mbox_stat stat;
	int mb;

	EXPECT_ERRNO(ENOENT, mbox_open_pid(0, MBOX_SEND));
	EXPECT_ERRNO(ENOENT, mbox_open_pid(getpid(), MBOX_SEND));
	EXPECT_ERRNO(EINVAL, mbox_open_pid(-1, MBOX_SEND));
	EXPECT_ERRNO(EINVAL, mbox_open_pid(0, 0));
	EXPECT_ERRNO(ENOENT, mbox_unlink_pid(0));
	EXPECT_ERRNO(EINVAL, mbox_unlink_pid(-1));

	mb = mbox_create(NULL, MBOX_RECV | MBOX_OWN, NULL);
	ASSERT_LE(0, mb);
	ASSERT_EQ(0, mbox_stat(mb, &stat));
	EXPECT_EQ(MBOX_OWN, stat.flags);
	EXPECT_ERRNO(EEXIST, mbox_create(NULL, RW | MBOX_OWN | MBOX_EXCL, NULL));
	EXPECT_LE(0, mbox_open_pid(0, MBOX_SEND));
	EXPECT_LE(0, mbox_open_pid_owned_by(0, MBOX_SEND, me));
	EXPECT_ERRNO(EACCES, mbox_open_pid_owned_by(0, MBOX_SEND, MB_OTHER));
	EXPECT_EQ(0, mbox_send(mbox_open_pid(getpid(), MBOX_SEND), "x", 1));
	EXPECT_OK(0, mbox_unlink_pid(getpid()));
	EXPECT_ERRNO(ENOENT, mbox_open_pid(0, MBOX_SEND));
}

TEST_F(device, no_descriptor_left_is_emfile)
{
	int mb = mbox_create(self->name, RW, NULL);
	int fd = dup(mb);
	struct rlimit limit = { .rlim_max = fd + 1 };
	struct mbox_query query;

	ASSERT_LE(0, mb);
	close(fd);			/* the lowest that is free */
	limit.rlim_cur = fd;		/* not even for the device */
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_ERRNO(EMFILE, mbox_query(&query));
	EXPECT_ERRNO(EMFILE, mbox_create(NULL, RW, NULL));
	EXPECT_ERRNO(EMFILE, mbox_narrow(mb, MBOX_SEND, 0));
	limit.rlim_cur = fd + 1;	/* not for the handle */
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(0, mbox_query(&query));
	EXPECT_ERRNO(EMFILE, mbox_create(NULL, RW, NULL));
	EXPECT_ERRNO(EMFILE, mbox_open(self->name, RW));
	EXPECT_EQ(fd, dup(mb));
}

TEST_F(device, calls_leave_no_descriptor)
{
	struct mbox_query query;
	int before = open_descriptors();

	EXPECT_EQ(0, mbox_query(&query));
	EXPECT_ERRNO(ENOENT, mbox_open(self->name, RW));
	EXPECT_ERRNO(ENOENT, mbox_unlink(self->name));
	EXPECT_ERRNO(EINVAL, mbox_create(self->name, 0, NULL));
	EXPECT_EQ(before, open_descriptors());
	EXPECT_LE(0, mbox_create(self->name, RW, NULL));
	EXPECT_EQ(before + 1, open_descriptors());
}

static void over_quota(struct __test_metadata *_metadata, void *arg)
{
	const struct mbox_sendmsg msg = { .len = 0 };
	int mb = mbox_create(NULL, RW, NULL);

	(void)arg;
	ASSERT_LE(0, mb);
	EXPECT_ERRNO(EDQUOT, mbox_create(NULL, RW, NULL));
	EXPECT_ERRNO(EDQUOT, mbox_send(mb, "x", 1));
	EXPECT_ERRNO(EDQUOT, mbox_sendv(mb, &msg, 1));
	EXPECT_ERRNO(EDQUOT, mbox_call(mb, "x", 1, NULL, 0));
}

/* The value of a module parameter is put back into @old. */
static int set_parameter(const char *path, const char *value, char *old)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, old, 31);

	close(fd);
	old[len > 0 ? len : 0] = 0;
	return mb_write_file(path, value);
}

TEST_F(device, quota_used_up_is_edquot)
{
	char mailboxes[32], bytes[32];

	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, set_parameter(MB_PARAMETERS "user_mailboxes", "1",
				   mailboxes));
	EXPECT_EQ(0, set_parameter(MB_PARAMETERS "user_bytes", "1", bytes));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, over_quota, NULL));
	EXPECT_EQ(0, mb_write_file(MB_PARAMETERS "user_mailboxes", mailboxes));
	EXPECT_EQ(0, mb_write_file(MB_PARAMETERS "user_bytes", bytes));
}

TEST_F(device, namespace_full_is_enospc)
{
	char old[32];

	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_LE(0, mbox_create(self->name, RW, NULL));
	ASSERT_EQ(0, set_parameter(MB_PARAMETERS "ns_mailboxes", "1", old));
	EXPECT_ERRNO(ENOSPC, mbox_create("libmbox-test-2", RW, NULL));
	EXPECT_EQ(0, mb_write_file(MB_PARAMETERS "ns_mailboxes", old));
}

TEST_HARNESS_MAIN
