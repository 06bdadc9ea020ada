// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who may open, unlink and change a mailbox, across users, groups, user and
 * network namespaces (G9), and that a receiver learns who really sent (G8).
 */
#include "mbox_test.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/stat.h>

#define NAME		"permission"
#define GROUP		3000		/* of nobody in particular */
#define NOBODY		65534		/* whom a namespace does not know */

static void set_caps(struct __test_metadata *_metadata, __u64 caps)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ caps, caps, 0 },
		{ caps >> 32, caps >> 32, 0 },
	};

	ASSERT_EQ(0, syscall(SYS_capset, &header, data));
}

/* As @uid, with these capabilities and no others. */
static void become_with_caps(struct __test_metadata *_metadata, __u32 uid,
			     __u64 caps)
{
	ASSERT_EQ(0, prctl(PR_SET_KEEPCAPS, 1));
	ASSERT_EQ(0, mb_become(uid, uid));
	set_caps(_metadata, caps);
}

static int set_owner(int h, __u32 uid, __u32 gid)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_UID | MBOX_SET_GID,
		.uid = uid,
		.gid = gid,
	};

	return mb_set(h, &args);
}

static int set_mode(int h, __u32 mode)
{
	struct mbox_set_args args = { .mask = MBOX_SET_MODE, .mode = mode };

	return mb_set(h, &args);
}

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
		ASSERT_EQ(0, set_owner(h, MB_USER, MB_USER));
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
	ASSERT_EQ(0, mb_become(MB_USER, GROUP));
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
	const gid_t groups[] = { GROUP + 1, MB_USER };

	ASSERT_EQ(0, setgroups(ARRAY_SIZE(groups), groups));
	ASSERT_EQ(0, setresgid(GROUP, GROUP, GROUP));
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
	ASSERT_EQ(0, setresgid(MB_USER, GROUP, MB_USER));
	ASSERT_EQ(0, setresuid(MB_USER, MB_OTHER, MB_USER));
	open_each(_metadata, 0);
}

static void open_as_plain_root(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, setgroups(0, NULL));
	set_caps(_metadata, ~(1ULL << CAP_IPC_OWNER) &
			    ((1ULL << (CAP_LAST_CAP + 1)) - 1));
	open_each(_metadata, 0);
}

TEST_F(mailbox_of_each_mode, g09_is_opened_by_others_as_the_other_bits_say)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_other, NULL)));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_plain_root, NULL)));
}

static void open_as_ipc_owner(struct __test_metadata *_metadata, void *arg)
{
	become_with_caps(_metadata, MB_OTHER, 1ULL << CAP_IPC_OWNER);
	open_each(_metadata, -1);
}

TEST_F(mailbox_of_each_mode, g09_is_opened_by_cap_ipc_owner_always)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, open_as_ipc_owner, NULL)));
}

static void open_in_userns(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_OTHER, GROUP));
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
	ASSERT_EQ(0, set_owner(self->h, MB_USER, MB_USER));
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
	become_with_caps(_metadata, MB_OTHER, 1ULL << CAP_IPC_OWNER);
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

	become_with_caps(_metadata, MB_OTHER, 1ULL << CAP_IPC_OWNER);
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

	become_with_caps(_metadata, MB_OTHER, 1ULL << CAP_CHOWN);
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
	ASSERT_EQ(0, set_owner(self->h, MB_OTHER, GROUP));
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
	ASSERT_EQ(0, set_mode(self->h, 0));
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
	EXPECT_EQ(0, set_mode(h, 0600));
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
	EXPECT_EQ(NOBODY, stat.uid);
	EXPECT_EQ(NOBODY, stat.gid);
}

TEST_F(mailbox_of_a_user, g09_shows_no_ids_that_a_namespace_does_not_know)
{
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER, see_nobody, &self->h));
}

/* ---- an own mailbox of a process of MB_USER ---- */

FIXTURE(own_mailbox_of_a_user) {
	pid_t pid;
};

static void own_as_user(struct __test_metadata *_metadata, void *arg)
{
	int *ready = arg;
	char byte = 0;

	ASSERT_EQ(0, mb_become(MB_USER, MB_USER));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	EXPECT_LE(0, mb_create_own(MB_RW, 0602));
	ASSERT_EQ(1, write(*ready, &byte, 1));
	for (;;)
		pause();
}

FIXTURE_SETUP(own_mailbox_of_a_user)
{
	int ready[2];
	char byte;

	MB_NEED_DEVICE();
	umask(0);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	self->pid = mb_fork(_metadata, own_as_user, &ready[1]);
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
}

FIXTURE_TEARDOWN(own_mailbox_of_a_user)
{
	mb_kill(self->pid);
}

static void open_own_as_other(struct __test_metadata *_metadata, void *arg)
{
	pid_t *pid = arg;

	EXPECT_EQ(-EACCES, mb_open_pid(*pid, MBOX_RECV));
	EXPECT_EQ(-EACCES, mb_open_pid(*pid, MB_RW));
	EXPECT_LE(0, mb_open_pid(*pid, MBOX_SEND));
	EXPECT_EQ(-EPERM, mb_unlink_pid(*pid));
}

static void open_own_as_user(struct __test_metadata *_metadata, void *arg)
{
	pid_t *pid = arg;

	EXPECT_LE(0, mb_open_pid(*pid, MB_RW));
	EXPECT_EQ(0, mb_unlink_pid(*pid));
	EXPECT_EQ(-ENOENT, mb_open_pid(*pid, MB_RW));
}

static void find_none(struct __test_metadata *_metadata, void *arg)
{
	pid_t *pid = arg;

	EXPECT_EQ(-ENOENT, mb_open_pid(*pid, MBOX_SEND));
	EXPECT_EQ(-ENOENT, mb_unlink_pid(*pid));
}

TEST_F(own_mailbox_of_a_user, g09_has_a_mode_as_a_name_has)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, open_own_as_other,
			       &self->pid));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, open_own_as_user,
			       &self->pid));
}

TEST_F(own_mailbox_of_a_user, g09_is_not_seen_in_another_network_namespace)
{
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWNET, find_none, &self->pid));
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER | CLONE_NEWNET,
			       find_none, &self->pid));
	EXPECT_LE(0, mb_open_pid(self->pid, MB_RW));
}

/* ---- network namespaces ---- */

FIXTURE(network_namespace) {
	int home;		/* to return to */
	int h;			/* of NAME there */
	long long id;
};

FIXTURE_SETUP(network_namespace)
{
	struct mbox_stat_args stat;

	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->home);
	self->h = mb_create_named(NAME, MB_RW, 0666);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_stat(self->h, &stat));
	self->id = stat.id;
}

FIXTURE_TEARDOWN(network_namespace)
{
	setns(self->home, CLONE_NEWNET);
	mb_unlink(NAME);
}

TEST_F(network_namespace, g09_does_not_know_the_names_of_another)
{
	struct mbox_query_args query;
	struct mbox_stat_args stat;
	char buf[8];
	int h;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
	EXPECT_EQ(-ENOENT, mb_unlink(NAME));
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(0, query.ns_mailboxes);

	/* The same name is another mailbox here. */
	h = mb_create_named(NAME, MB_RW | MBOX_EXCL, 0666);
	ASSERT_LE(0, h);
	ASSERT_EQ(0, mb_stat(h, &stat));
	EXPECT_NE(self->id, stat.id);
	EXPECT_EQ(0, mb_put(h, "here", 4));
	EXPECT_EQ(-EAGAIN, mb_get(self->h, buf, sizeof(buf)));
	EXPECT_EQ(0, mb_unlink(NAME));

	ASSERT_EQ(0, setns(self->home, CLONE_NEWNET));
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
}

TEST_F(network_namespace, g09_is_the_callers_and_not_the_devices)
{
	struct mbox_open_args args = {
		.flags = MBOX_NAMED | MB_RW,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
	};
	int dev = mb_device();

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(-ENOENT, mb_ioctl(dev, MBOX_IOC_OPEN, &args));
	ASSERT_EQ(0, setns(self->home, CLONE_NEWNET));
	EXPECT_EQ(0, close(mb_ioctl(dev, MBOX_IOC_OPEN, &args)));
}

TEST_F(network_namespace, g09_does_not_matter_to_handles)
{
	char buf[8];

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(0, mb_put(self->h, "far", 3));
	EXPECT_EQ(3, mb_get(self->h, buf, sizeof(buf)));
	EXPECT_EQ(0, set_mode(self->h, 0600));
}

static __u32 found_by(int h)
{
	struct mbox_stat_args stat;

	return mb_stat(h, &stat) ? ~0U : stat.flags;
}

TEST_F(network_namespace, g09_takes_its_names_along_and_not_the_handles)
{
	char buf[8];
	int named, own;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	named = mb_create_named(NAME, MB_RW, 0666);
	own = mb_create_own(MB_RW, 0666);
	ASSERT_LE(0, named);
	ASSERT_LE(0, own);
	EXPECT_EQ(0, mb_put(named, "left", 4));
	EXPECT_EQ(MBOX_NAMED, found_by(named));
	EXPECT_EQ(MBOX_OWN, found_by(own));
	/* Nobody else is in there: that ends it, soon after. */
	ASSERT_EQ(0, setns(self->home, CLONE_NEWNET));
	EXPECT_TRUE(wait_until(!found_by(named)));
	EXPECT_TRUE(wait_until(!found_by(own)));
	EXPECT_EQ(4, mb_get(named, buf, sizeof(buf)));
	EXPECT_EQ(0, mb_put(own, "still", 5));
	EXPECT_EQ(5, mb_get(own, buf, sizeof(buf)));
}

TEST_F(network_namespace, g09_that_ends_ends_the_wait_of_who_has_no_peer)
{
	int send, recv;
	char buf[8];

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	send = mb_create_named("send", MBOX_SEND, 0666);
	recv = mb_create_named("recv", MBOX_RECV, 0666);
	ASSERT_LE(0, send);
	ASSERT_LE(0, recv);
	EXPECT_EQ(0, mb_put(send, "x", 1));
	EXPECT_EQ(-EAGAIN, mb_get(recv, buf, sizeof(buf)));
	ASSERT_EQ(0, setns(self->home, CLONE_NEWNET));
	/* This one waits, with nobody to wake it but the namespace's end. */
	EXPECT_EQ(0, read(recv, buf, sizeof(buf)));
	EXPECT_TRUE(wait_until(mb_put(send, "x", 1) == -EPIPE));
}

/*
 * Runs @fn as root of new namespaces, CLONE_NEWUSER among them. The user
 * namespace knows ten users and groups: 0 to 9, outside from 100000 on.
 */
#define INNER_BASE	100000

struct inner {
	mb_child_fn fn;
	void *arg;
	int unshare;
	int unshared;		/* write end */
	int mapped;		/* read end */
};

static void enter_inner(struct __test_metadata *_metadata, void *arg)
{
	struct inner *inner = arg;
	char byte = 0;

	prctl(PR_SET_DUMPABLE, 1);
	ASSERT_EQ(0, unshare(inner->unshare));
	ASSERT_EQ(1, write(inner->unshared, &byte, 1));
	ASSERT_EQ(1, read(inner->mapped, &byte, 1));
	ASSERT_EQ(0, mb_become(0, 0));
	inner->fn(_metadata, inner->arg);
}

static int run_inner(struct __test_metadata *_metadata, int unshare,
		     mb_child_fn fn, void *arg)
{
	struct inner inner = { .fn = fn, .arg = arg, .unshare = unshare };
	int unshared[2], mapped[2];
	char path[64], map[32], byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(unshared, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(mapped, O_CLOEXEC));
	inner.unshared = unshared[1];
	inner.mapped = mapped[0];
	pid = mb_fork(_metadata, enter_inner, &inner);
	ASSERT_LT(0, pid);
	close(unshared[1]);
	ASSERT_EQ(1, read(unshared[0], &byte, 1));
	snprintf(map, sizeof(map), "0 %u 10", INNER_BASE);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	ASSERT_EQ(0, mb_write_file(path, map));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	ASSERT_EQ(0, mb_write_file(path, map));
	ASSERT_EQ(1, write(mapped[1], &byte, 1));
	return mb_wait(pid);
}

static void create_as_five(struct __test_metadata *_metadata, void *arg)
{
	int h;

	ASSERT_EQ(0, mb_become(5, 5));
	h = mb_create_named(NAME, MB_RW, 0600);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "five", 4));
}

static void rule_own_namespace(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_stat_args stat;
	char buf[8];
	int h;

	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
	ASSERT_EQ(0, mb_wait(mb_fork(_metadata, create_as_five, NULL)));
	/* Root here has its capabilities over what is here. */
	h = mb_open(NAME, MB_RW);
	ASSERT_LE(0, h);
	EXPECT_EQ(4, mb_get(h, buf, sizeof(buf)));
	ASSERT_EQ(0, mb_stat(h, &stat));
	EXPECT_EQ(5, stat.uid);
	EXPECT_EQ(5, stat.gid);
	EXPECT_EQ(0, set_mode(h, 0640));
	EXPECT_EQ(0, set_owner(h, 7, 8));
	EXPECT_EQ(-EINVAL, set_owner(h, 10, 8));
	ASSERT_EQ(0, mb_stat(h, &stat));
	EXPECT_EQ(7, stat.uid);
	EXPECT_EQ(8, stat.gid);
	EXPECT_EQ(0, mb_unlink(NAME));
}

TEST_F(network_namespace, g09_is_ruled_by_its_user_namespace)
{
	EXPECT_EQ(0, run_inner(_metadata, CLONE_NEWUSER | CLONE_NEWNET,
			       rule_own_namespace, NULL));
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
}

/* Where a user namespace has no network namespace, its root rules nothing. */
static void rule_nothing(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_stat_args stat;
	int h;

	ASSERT_EQ(0, mb_wait(mb_fork(_metadata, create_as_five, NULL)));
	EXPECT_EQ(-EACCES, mb_open(NAME, MB_RW));
	EXPECT_EQ(-EPERM, mb_unlink(NAME));

	/* Nor what it has made itself, as another user, without a name. */
	ASSERT_EQ(0, setresuid(6, 6, 0));
	h = mb_create_anon();
	ASSERT_LE(0, h);
	ASSERT_EQ(0, setresuid(0, 0, 0));
	ASSERT_EQ(0, mb_stat(h, &stat));
	EXPECT_EQ(6, stat.uid);
	EXPECT_EQ(-EPERM, set_mode(h, 0600));
	EXPECT_EQ(-EPERM, set_owner(h, 7, 7));
}

TEST_F(network_namespace, g09_is_ruled_by_no_user_namespace_inside)
{
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(0, run_inner(_metadata, CLONE_NEWUSER, rule_nothing, NULL));
	/* The outer root does. */
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
	EXPECT_EQ(0, mb_unlink(NAME));
}

static void use_outer_handle(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	int ret = set_owner(*h, 1, 1);

	EXPECT_EQ(-EPERM, ret);
	EXPECT_EQ(-EPERM, set_mode(*h, 0600));
	EXPECT_EQ(0, mb_put(*h, "inner", 5));
}

TEST_F(network_namespace, g09_is_not_ruled_from_an_inner_user_namespace)
{
	char buf[8];

	EXPECT_EQ(0, run_inner(_metadata, CLONE_NEWUSER | CLONE_NEWNET,
			       use_outer_handle, &self->h));
	EXPECT_EQ(5, mb_get(self->h, buf, sizeof(buf)));
}

/* ---- who sent it ---- */

FIXTURE(received_message) {
	int h;
};

FIXTURE_SETUP(received_message)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(received_message)
{
}

static int receive(int h, struct mbox_msg_args *args)
{
	static char buf[64];

	memset(args, 0, sizeof(*args));
	args->flags = MBOX_WAIT_NONE;
	args->buf = (unsigned long)buf;
	args->len = sizeof(buf);
	return mb_recv(h, args);
}

static void send_one(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;

	EXPECT_EQ(0, mb_put(*h, "x", 1));
}

TEST_F(received_message, g08_tells_who_sent_it)
{
	const struct mb_child child = {
		.fn = send_one,
		.arg = &self->h,
		.uid = MB_USER,
		.gid = GROUP,
	};
	struct mbox_msg_args args;
	pid_t pid = mb_fork_child(_metadata, &child);

	/* Even of one who is gone and forgotten. */
	EXPECT_EQ(0, mb_wait(pid));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(pid, args.out_pid);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(GROUP, args.out_gid);
	EXPECT_EQ(0, args.out_badge);
	EXPECT_EQ(0, args.out_flags);
}

static void send_with_effective_ids(struct __test_metadata *_metadata,
				    void *arg)
{
	ASSERT_EQ(0, setresgid(0, GROUP, 0));
	ASSERT_EQ(0, setresuid(0, MB_OTHER, MB_USER));
	send_one(_metadata, arg);
}

TEST_F(received_message, g08_tells_effective_ids)
{
	struct mbox_msg_args args;
	pid_t pid = mb_fork(_metadata, send_with_effective_ids, &self->h);

	EXPECT_EQ(0, mb_wait(pid));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(MB_OTHER, args.out_uid);
	EXPECT_EQ(GROUP, args.out_gid);
}

static void *put_in_thread(void *arg)
{
	int *h = arg;

	return mb_put(*h, "x", 1) || write(*h, "x", 1) != 1 ? arg : NULL;
}

TEST_F(received_message, g08_of_a_thread_tells_its_process)
{
	struct mbox_msg_args args;
	pthread_t id;
	void *failed;

	ASSERT_EQ(0, pthread_create(&id, NULL, put_in_thread, &self->h));
	ASSERT_EQ(0, pthread_join(id, &failed));
	EXPECT_TRUE(!failed);
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(getpid(), args.out_pid);
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(getpid(), args.out_pid);
}

static void send_forged(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.out_seq = 99,
		.out_time = 99,
		.out_badge = 99,
		.out_pid = 1,
		.out_uid = 0,
		.out_gid = 0,
		.out_drops = 99,
		.out_deliveries = 99,
		.out_flags = MBOX_MSG_OPENER,
	};
	int *h = arg;

	EXPECT_EQ(0, mb_ioctl(*h, MBOX_IOC_SEND, &args));
}

TEST_F(received_message, g08_cannot_be_forged)
{
	struct mbox_msg_args args;

	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, send_forged, &self->h));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_NE(1, args.out_pid);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(MB_USER, args.out_gid);
	EXPECT_EQ(0, args.out_badge);
	EXPECT_EQ(0, args.out_flags);
	EXPECT_EQ(0, args.out_drops);
	EXPECT_EQ(1, args.out_deliveries);
	EXPECT_NE(99, args.out_seq);
	EXPECT_NE(99, args.out_time);
}

TEST_F(received_message, g08_of_a_user_namespace_tells_the_outer_ids)
{
	const struct mb_child child = {
		.fn = send_one,
		.arg = &self->h,
		.uid = MB_USER,
		.gid = GROUP,
		.unshare = CLONE_NEWUSER,
	};
	struct mbox_msg_args args;

	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(GROUP, args.out_gid);
}

static void receive_in_userns(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args;
	int *h = arg;

	ASSERT_EQ(0, receive(*h, &args));
	EXPECT_EQ(3, args.out_uid);
	EXPECT_EQ(4, args.out_gid);
	ASSERT_EQ(0, receive(*h, &args));
	EXPECT_EQ(NOBODY, args.out_uid);
	EXPECT_EQ(NOBODY, args.out_gid);
}

TEST_F(received_message, g08_tells_a_user_namespace_what_it_knows)
{
	const struct mb_child child = {
		.fn = send_one,
		.arg = &self->h,
		.uid = INNER_BASE + 3,
		.gid = INNER_BASE + 4,
	};

	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	send_one(_metadata, &self->h);
	EXPECT_EQ(0, run_inner(_metadata, CLONE_NEWUSER, receive_in_userns,
			       &self->h));
}

static void send_from_pidns(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args;
	char outer[16] = "";
	int *h = arg;

	EXPECT_EQ(1, getpid());
	/* One from outside, which is not visible here. */
	ASSERT_EQ(0, receive(*h, &args));
	EXPECT_EQ(0, args.out_pid);
	/* One from here, seen from here. */
	EXPECT_EQ(0, mb_put(*h, "x", 1));
	ASSERT_EQ(0, receive(*h, &args));
	EXPECT_EQ(1, args.out_pid);
	/* One from here to outside, with this one's pid out there. */
	ASSERT_LT(0, readlink("/proc/self", outer, sizeof(outer) - 1));
	EXPECT_EQ(0, mb_put(*h, outer, sizeof(outer)));
}

TEST_F(received_message, g08_tells_the_pid_of_the_receivers_namespace)
{
	struct mbox_msg_args args;
	char outer[16] = "";

	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWPID, send_from_pidns,
			       &self->h));
	memset(&args, 0, sizeof(args));
	args.flags = MBOX_WAIT_NONE;
	args.buf = (unsigned long)outer;
	args.len = sizeof(outer);
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(atoi(outer), args.out_pid);
}

static void send_and_write(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	int again;

	EXPECT_EQ(1, write(*h, "w", 1));
	EXPECT_EQ(0, mb_put(*h, "s", 1));
	again = mb_narrow(*h, MBOX_SEND, 0);
	ASSERT_LE(0, again);
	EXPECT_EQ(1, write(again, "w", 1));
}

TEST_F(received_message, g08_written_tells_the_opener_and_says_so)
{
	const struct mb_child child = {
		.fn = send_and_write,
		.arg = &self->h,
		.uid = MB_USER,
		.gid = GROUP,
	};
	struct mbox_msg_args args;
	pid_t pid = mb_fork_child(_metadata, &child);

	EXPECT_EQ(0, mb_wait(pid));
	/* write(): as a set-uid program's output, it is not its own word. */
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(MBOX_MSG_OPENER, args.out_flags);
	EXPECT_EQ(0, args.out_uid);
	EXPECT_EQ(0, args.out_gid);
	EXPECT_EQ(getpid(), args.out_pid);
	/* SEND */
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(0, args.out_flags);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(GROUP, args.out_gid);
	EXPECT_EQ(pid, args.out_pid);
	/* write() to a handle that the child itself has made */
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(MBOX_MSG_OPENER, args.out_flags);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(GROUP, args.out_gid);
	EXPECT_EQ(pid, args.out_pid);
}

static void write_in_pidns(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;

	EXPECT_EQ(1, write(*h, "w", 1));
}

TEST_F(received_message, g08_written_tells_the_opener_across_namespaces)
{
	struct mbox_msg_args args;

	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER | CLONE_NEWPID,
			       write_in_pidns, &self->h));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(getpid(), args.out_pid);
	EXPECT_EQ(0, args.out_uid);
}

static void send_badged(struct __test_metadata *_metadata, void *arg)
{
	int *badged = arg;

	EXPECT_EQ(0, mb_put(*badged, "x", 1));
	EXPECT_EQ(1, write(*badged, "x", 1));
	EXPECT_EQ(0, mb_put(dup(*badged), "x", 1));
	/* No way to another badge, or to none. */
	EXPECT_EQ(-EPERM, mb_narrow(*badged, MBOX_SEND | MBOX_BADGE, 8));
	EXPECT_EQ(0, mb_put(mb_narrow(*badged, MBOX_SEND, 0), "x", 1));
}

TEST_F(received_message, g08_tells_the_badge_that_the_sender_was_given)
{
	int badged = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 7);
	struct mbox_msg_args args;
	int i;

	ASSERT_LE(0, badged);
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, send_badged, &badged));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, receive(self->h, &args));
		EXPECT_EQ(7, args.out_badge);
		EXPECT_EQ(0, args.out_type);
	}
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(0, args.out_badge);
}

FIXTURE(type_from_the_kernel) {
};

FIXTURE_SETUP(type_from_the_kernel)
{
	MB_NEED_DEVICE();
}

FIXTURE_TEARDOWN(type_from_the_kernel)
{
}

TEST_F(type_from_the_kernel, g08_is_the_senders_pid_for_the_creator)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.type_source = MBOX_TYPE_PID,
	};
	struct mbox_msg_args args;
	int h = mb_create(&create);
	pid_t pid;

	ASSERT_LE(0, h);
	pid = mb_fork(_metadata, send_one, &h);
	EXPECT_EQ(0, mb_wait(pid));
	ASSERT_EQ(0, receive(h, &args));
	EXPECT_EQ(pid, args.out_type);
	EXPECT_EQ(pid, args.out_pid);
	/* Written by another: the opener's. */
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, write_in_pidns, &h)));
	ASSERT_EQ(0, receive(h, &args));
	EXPECT_EQ(getpid(), args.out_type);
	/* Of another pid namespace: what it is called here. */
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWPID, send_one, &h));
	ASSERT_EQ(0, receive(h, &args));
	EXPECT_LT(1, args.out_type);
	EXPECT_EQ(args.out_pid, args.out_type);
}

TEST_F(type_from_the_kernel, g08_is_the_badge)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.type_source = MBOX_TYPE_BADGE,
	};
	struct mbox_msg_args args;
	int h = mb_create(&create);
	int badged = mb_narrow(h, MBOX_SEND | MBOX_BADGE, ~0ULL);

	ASSERT_LE(0, h);
	ASSERT_LE(0, badged);
	EXPECT_EQ(0, mb_put(badged, "x", 1));
	EXPECT_EQ(0, mb_put(h, "x", 1));
	ASSERT_EQ(0, receive(h, &args));
	EXPECT_EQ(~0ULL, args.out_type);
	EXPECT_EQ(~0ULL, args.out_badge);
	ASSERT_EQ(0, receive(h, &args));
	EXPECT_EQ(0, args.out_type);
}

TEST_HARNESS_MAIN
