// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Network namespaces: whose names are seen where, what becomes of them when the
 * namespace ends, and who rules what is in one (G9).
 */
#include "mbox_test.h"

#define NAME	"namespace"

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
	EXPECT_EQ(0, mb_set_mode(self->h, 0600));
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

/* ---- who rules one ---- */

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
	EXPECT_EQ(0, mb_set_mode(h, 0640));
	EXPECT_EQ(0, mb_set_owner(h, 7, 8));
	EXPECT_EQ(-EINVAL, mb_set_owner(h, 10, 8));
	ASSERT_EQ(0, mb_stat(h, &stat));
	EXPECT_EQ(7, stat.uid);
	EXPECT_EQ(8, stat.gid);
	EXPECT_EQ(0, mb_unlink(NAME));
}

TEST_F(network_namespace, g09_is_ruled_by_its_user_namespace)
{
	EXPECT_EQ(0, mb_run_inner(_metadata, CLONE_NEWUSER | CLONE_NEWNET,
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
	EXPECT_EQ(-EPERM, mb_set_mode(h, 0600));
	EXPECT_EQ(-EPERM, mb_set_owner(h, 7, 7));
}

TEST_F(network_namespace, g09_is_ruled_by_no_user_namespace_inside)
{
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(0, mb_run_inner(_metadata, CLONE_NEWUSER, rule_nothing,
				  NULL));
	/* The outer root does. */
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
	EXPECT_EQ(0, mb_unlink(NAME));
}

static void use_outer_handle(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	int ret = mb_set_owner(*h, 1, 1);

	EXPECT_EQ(-EPERM, ret);
	EXPECT_EQ(-EPERM, mb_set_mode(*h, 0600));
	EXPECT_EQ(0, mb_put(*h, "inner", 5));
}

TEST_F(network_namespace, g09_is_not_ruled_from_an_inner_user_namespace)
{
	char buf[8];

	EXPECT_EQ(0, mb_run_inner(_metadata, CLONE_NEWUSER | CLONE_NEWNET,
				  use_outer_handle, &self->h));
	EXPECT_EQ(5, mb_get(self->h, buf, sizeof(buf)));
}

TEST_HARNESS_MAIN
