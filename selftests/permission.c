// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who may open, unlink and change a mailbox, across users, groups and user
 * namespaces (G9). Processes' own mailboxes are in own.c, network namespaces in
 * namespace.c.
 */
#include "mbox_test.h"

#include <sys/stat.h>

#define NAME	"permission"

static int open_owned_by(const char *name, __u32 flags, __u32 owner)
{
	struct mbox_open_args args = {
		.flags = MBOX_NAMED | MBOX_OWNED_BY | flags,
		.name = (unsigned long)name,
		.name_len = strlen(name),
		.owner = owner,
	};

	return mb_ctl(MBOX_IOC_OPEN, &args);
}

/* ---- a mailbox of each mode, all of the user and group MB_USER ---- */

FIXTURE(mailbox_of_each_mode) {
};

static const char *mode_name(__u32 mode)
{
	static char name[16];

	snprintf(name, sizeof(name), "mode-%04o", mode);
	return name;
}

/* All without x bits, which mean nothing. */
#define MODES 64

static __u32 nth_mode(unsigned int n)
{
	return (n & 060) << 3 | (n & 014) << 2 | (n & 3) << 1;
}

FIXTURE_SETUP(mailbox_of_each_mode)
{
	unsigned int n;
	__u32 mode;
	int h;

	MB_NEED_DEVICE();
	umask(0);
	for (n = 0; n < MODES; n++) {
		mode = nth_mode(n);
		h = mb_create_named(mode_name(mode), MB_RW | MBOX_EXCL, mode);
		ASSERT_LE(0, h);
		ASSERT_EQ(0, mb_set_owner(h, MB_USER, MB_USER));
		close(h);
	}
}

FIXTURE_TEARDOWN(mailbox_of_each_mode)
{
	unsigned int n;

	for (n = 0; n < MODES; n++)
		mb_unlink(mode_name(nth_mode(n)));
}

/* Whether each may be opened according to the bits at @shift; -1: it may. */
static void open_each(struct __test_metadata *_metadata, int shift)
{
	static const struct {
		__u32 right;
		__u32 needs;
	} cases[] = {
		{ MBOX_RECV, 4 },
		{ MBOX_SEND, 2 },
		{ MB_RW, 6 },
	};
	unsigned int n, i;
	__u32 mode;
	bool may;
	int ret;

	for (n = 0; n < MODES; n++) {
		mode = nth_mode(n);
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			may = shift < 0 ||
			      !(~(mode >> shift) & cases[i].needs);
			ret = mb_open(mode_name(mode), cases[i].right);
			EXPECT_EQ(may ? 0 : -EACCES, ret < 0 ? ret : 0) {
				TH_LOG("%s for %u", mode_name(mode),
				       cases[i].right);
			}
			close(ret);
			/* An open-or-create that opens asks the same. */
			ret = mb_create_named(mode_name(mode), cases[i].right,
					      0666);
			EXPECT_EQ(may ? 0 : -EACCES, ret < 0 ? ret : 0);
			close(ret);
		}
	}
}

static void open_as_owner(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_USER, MB_GROUP));
	open_each(_metadata, 6);
}

static void open_as_owner_in_group(struct __test_metadata *_metadata, void *arg)
{
	open_each(_metadata, 6);
}

TEST_F(mailbox_of_each_mode, g09_is_opened_by_its_owner_as_the_user_bits_say)
{
	ASSERT_EQ(0, mb_wait(mb_fork(_metadata, open_as_owner, NULL)));
	/* Who is in the group as well is no less the owner. */
	ASSERT_EQ(0, mb_run_as(_metadata, MB_USER, open_as_owner_in_group,
			       NULL));
}

static void open_as_member(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_OTHER, MB_USER));
	open_each(_metadata, 3);
}

static void open_as_member_too(struct __test_metadata *_metadata, void *arg)
{
	const gid_t groups[] = { MB_GROUP + 1, MB_USER };

	ASSERT_EQ(0, setgroups(ARRAY_SIZE(groups), groups));
	ASSERT_EQ(0, setresgid(MB_GROUP, MB_GROUP, MB_GROUP));
	ASSERT_EQ(0, setresuid(MB_OTHER, MB_OTHER, MB_OTHER));
	open_each(_metadata, 3);
}

TEST_F(mailbox_of_each_mode, g09_is_opened_by_its_group_as_the_group_bits_say)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_member, NULL)));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_member_too, NULL)));
}

static void open_as_other(struct __test_metadata *_metadata, void *arg)
{
	/* The real and saved ids are the owner's, the effective ones decide. */
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresgid(MB_USER, MB_GROUP, MB_USER));
	ASSERT_EQ(0, setresuid(MB_USER, MB_OTHER, MB_USER));
	open_each(_metadata, 0);
}

static void open_as_plain_root(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, mb_set_caps(~(1ULL << CAP_IPC_OWNER) &
				 ((1ULL << (CAP_LAST_CAP + 1)) - 1)));
	open_each(_metadata, 0);
}

TEST_F(mailbox_of_each_mode, g09_is_opened_by_others_as_the_other_bits_say)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_other, NULL)));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_plain_root, NULL)));
}

static void open_as_ipc_owner(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become_with_caps(MB_OTHER, 1ULL << CAP_IPC_OWNER));
	open_each(_metadata, -1);
}

TEST_F(mailbox_of_each_mode, g09_is_opened_by_cap_ipc_owner_always)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_ipc_owner, NULL)));
}

static void open_in_userns(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_OTHER, MB_GROUP));
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	open_each(_metadata, 0);
}

TEST_F(mailbox_of_each_mode, g09_is_no_nearer_from_a_user_namespace)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_in_userns, NULL)));
}

/* ---- what a new mailbox is like ---- */

FIXTURE(new_mailbox) {
};

FIXTURE_SETUP(new_mailbox)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
}

FIXTURE_TEARDOWN(new_mailbox)
{
	mb_unlink(NAME);
}

static void create_each_kind(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_create_args anon = { .flags = MB_RW, .mode = 0666 };
	struct mbox_stat_args stat;
	int h[3];
	int i;

	/* Not those that only look like it. */
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresgid(0, MB_USER, 0));
	ASSERT_EQ(0, setresuid(0, MB_USER, 0));
	umask(0026);
	h[0] = mb_create_named(NAME, MB_RW, 0666);
	h[1] = mb_create_own(MB_RW, 0666);
	h[2] = mb_create(&anon);
	for (i = 0; i < 3; i++) {
		ASSERT_LE(0, h[i]);
		ASSERT_EQ(0, mb_stat(h[i], &stat));
		EXPECT_EQ(MB_USER, stat.uid);
		EXPECT_EQ(MB_USER, stat.gid);
		EXPECT_EQ(0640, stat.mode);
	}
}

TEST_F(new_mailbox, g09_belongs_to_the_effective_ids_and_minds_the_umask)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, create_each_kind, NULL)));
}

static void create_for_nobody(struct __test_metadata *_metadata, void *arg)
{
	char buf[8];
	int h = mb_create_named(NAME, MB_RW, 0);

	/* As with files: the mode is for those who come later. */
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "x", 1));
	EXPECT_EQ(1, mb_get(h, buf, sizeof(buf)));
	EXPECT_EQ(-EACCES, mb_open(NAME, MBOX_RECV));
	EXPECT_EQ(-EACCES, mb_open(NAME, MBOX_SEND));
	EXPECT_EQ(-EACCES, mb_create_named(NAME, MBOX_SEND, 0666));
	/* Which it is not there for is told first. */
	EXPECT_EQ(-EEXIST, mb_create_named(NAME, MB_RW | MBOX_EXCL, 0666));
}

TEST_F(new_mailbox, g09_of_mode_0_serves_its_creator_alone)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, create_for_nobody, NULL));
}

/* ---- a mailbox of the user MB_USER, which everybody may open ---- */

FIXTURE(mailbox_of_a_user) {
	int h;
	struct mbox_stat_args stat;
};

FIXTURE_SETUP(mailbox_of_a_user)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	umask(0);
	self->h = mb_create_named(NAME, MB_RW, 0666);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_set_owner(self->h, MB_USER, MB_USER));
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
}

FIXTURE_TEARDOWN(mailbox_of_a_user)
{
	mb_unlink(NAME);
}

static void unlink_refused(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(-EPERM, mb_unlink(NAME));
}

static void unlink_allowed(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(0, mb_unlink(NAME));
}

static void unlink_in_userns(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_OTHER, MB_USER));
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	EXPECT_EQ(-EPERM, mb_unlink(NAME));
}

static void unlink_as_ipc_owner(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become_with_caps(MB_OTHER, 1ULL << CAP_IPC_OWNER));
	EXPECT_EQ(0, mb_unlink(NAME));
}

TEST_F(mailbox_of_a_user, g09_is_not_unlinked_by_others)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, unlink_refused, NULL));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, unlink_in_userns, NULL)));
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
}

TEST_F(mailbox_of_a_user, g09_is_unlinked_by_its_owner)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, unlink_allowed, NULL));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
}

TEST_F(mailbox_of_a_user, g09_is_unlinked_by_cap_ipc_owner)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, unlink_as_ipc_owner, NULL)));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
}

/* Each thing that SET sets, to another value than it has. */
static const struct mbox_set_args sets[] = {
	{ .mask = MBOX_SET_MODE, .mode = 0600 },
	{ .mask = MBOX_SET_OVERFLOW, .overflow = MBOX_OVERFLOW_DROP },
	{ .mask = MBOX_SET_MAX_MESSAGES, .max_messages = 7 },
	{ .mask = MBOX_SET_MAX_BYTES, .max_bytes = 7 << 20 },
	{ .mask = MBOX_SET_MAX_MESSAGE_SIZE, .max_message_size = 7 << 10 },
};

static const struct mbox_set_args chowns[] = {
	{ .mask = MBOX_SET_UID, .uid = MB_OTHER },
	{ .mask = MBOX_SET_GID, .gid = MB_OTHER },
	{ .mask = MBOX_SET_UID | MBOX_SET_GID, .uid = MB_USER, .gid = MB_USER },
};

static void set_each(struct __test_metadata *_metadata, int h, int ret)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sets); i++)
		EXPECT_EQ(ret, mb_set(h, (void *)&sets[i]));
}

static void chown_each(struct __test_metadata *_metadata, int h, int ret)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chowns); i++)
		EXPECT_EQ(ret, mb_set(h, (void *)&chowns[i]));
}

static void set_as_other(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;

	/* The handle was another's, and another's is the mailbox. */
	set_each(_metadata, *h, -EPERM);
	chown_each(_metadata, *h, -EPERM);
	set_each(_metadata, mb_open(NAME, MB_RW), -EPERM);
}

static void set_in_userns(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	struct mbox_set_args chown = { .mask = MBOX_SET_UID };

	ASSERT_EQ(0, mb_become(MB_OTHER, MB_USER));
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	set_each(_metadata, *h, -EPERM);
	EXPECT_EQ(-EPERM, mb_set(*h, &chown));
}

TEST_F(mailbox_of_a_user, g09_is_not_changed_by_others)
{
	struct mbox_stat_args stat;

	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, set_as_other, &self->h));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, set_in_userns, &self->h)));
	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat)));
}

static void set_as_owner(struct __test_metadata *_metadata, void *arg)
{
	set_each(_metadata, mb_open(NAME, MBOX_SEND), 0);
	/* It cannot be given away, nor to another group. */
	chown_each(_metadata, mb_open(NAME, MB_RW), -EPERM);
}

TEST_F(mailbox_of_a_user, g09_is_changed_but_not_given_away_by_its_owner)
{
	struct mbox_stat_args stat;

	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, set_as_owner, NULL));
	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(0600, stat.mode);
	EXPECT_EQ(7, stat.max_messages);
	EXPECT_EQ(MB_USER, stat.uid);
	EXPECT_EQ(MB_USER, stat.gid);
}

static void set_as_ipc_owner(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;

	ASSERT_EQ(0, mb_become_with_caps(MB_OTHER, 1ULL << CAP_IPC_OWNER));
	set_each(_metadata, *h, 0);
	chown_each(_metadata, *h, -EPERM);
}

TEST_F(mailbox_of_a_user, g09_is_changed_but_not_given_away_by_cap_ipc_owner)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, set_as_ipc_owner, &self->h)));
}

static void set_as_chown(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_set_args both = {
		.mask = MBOX_SET_MODE | MBOX_SET_UID,
		.mode = 0600,
		.uid = MB_OTHER + 1,
	};
	struct mbox_stat_args stat;
	int *h = arg;

	ASSERT_EQ(0, mb_become_with_caps(MB_OTHER, 1ULL << CAP_CHOWN));
	set_each(_metadata, *h, -EPERM);
	EXPECT_EQ(-EPERM, mb_set(*h, &both));
	EXPECT_EQ(0, mb_stat(*h, &stat));
	EXPECT_EQ(MB_USER, stat.uid);
	chown_each(_metadata, *h, 0);
}

TEST_F(mailbox_of_a_user, g09_is_given_away_but_not_changed_by_cap_chown)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, set_as_chown, &self->h)));
}

TEST_F(mailbox_of_a_user, g09_is_the_next_owners_once_given_away)
{
	ASSERT_EQ(0, mb_set_owner(self->h, MB_OTHER, MB_GROUP));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, unlink_refused, NULL));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, unlink_allowed, NULL));
}

static void use_inherited(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	char buf[8];

	EXPECT_EQ(-EACCES, mb_open(NAME, MBOX_SEND));
	EXPECT_EQ(0, mb_put(*h, "x", 1));
	EXPECT_EQ(1, mb_get(*h, buf, sizeof(buf)));
}

TEST_F(mailbox_of_a_user, g09_asks_when_it_is_opened_and_not_later)
{
	ASSERT_EQ(0, mb_set_mode(self->h, 0));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, use_inherited, &self->h));
}

TEST_F(mailbox_of_a_user, g09_is_not_taken_for_that_of_another_user)
{
	/* Not by the privileged either, who would otherwise be fooled. */
	EXPECT_EQ(-EACCES, open_owned_by(NAME, MB_RW, 0));
	EXPECT_EQ(-EACCES, open_owned_by(NAME, MB_RW, MB_OTHER));
	EXPECT_EQ(0, close(open_owned_by(NAME, MB_RW, MB_USER)));
	EXPECT_EQ(-ENOENT, open_owned_by(NAME "2", MB_RW, MB_USER));
}

TEST_F(mailbox_of_a_user, g09_is_not_taken_for_that_of_another_by_create)
{
	struct mbox_create_args args = {
		.flags = MBOX_NAMED | MBOX_OWNED_BY | MB_RW,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
		.owner = MB_OTHER,
	};

	EXPECT_EQ(-EACCES, mb_create(&args));
	args.owner = MB_USER;
	EXPECT_EQ(0, close(mb_create(&args)));
}

/* As uid 0 of a user namespace that knows MB_USER alone. */
static void look_from_userns(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_set_args chown = { .mask = MBOX_SET_UID, .uid = 1 };
	struct mbox_stat_args stat;
	int h;

	ASSERT_EQ(0, mb_become(MB_USER, MB_USER));
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	h = open_owned_by(NAME, MB_RW, 0);
	ASSERT_LE(0, h);
	EXPECT_EQ(-EINVAL, open_owned_by(NAME, MB_RW, MB_USER));
	EXPECT_EQ(0, mb_stat(h, &stat));
	EXPECT_EQ(0, stat.uid);
	EXPECT_EQ(0, stat.gid);
	/* Still the owner; a user that is not known cannot be named. */
	EXPECT_EQ(0, mb_set_mode(h, 0600));
	EXPECT_EQ(-EINVAL, mb_set(h, &chown));
	EXPECT_EQ(0, mb_unlink(NAME));
}

TEST_F(mailbox_of_a_user, g09_is_its_owners_in_a_user_namespace_too)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, look_from_userns, NULL)));
}

static void see_nobody(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_stat_args stat;
	int *h = arg;

	EXPECT_EQ(0, mb_stat(*h, &stat));
	EXPECT_EQ(MB_NOBODY, stat.uid);
	EXPECT_EQ(MB_NOBODY, stat.gid);
}

TEST_F(mailbox_of_a_user, g09_shows_no_ids_that_a_namespace_does_not_know)
{
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER, see_nobody, &self->h));
}

TEST_HARNESS_MAIN
