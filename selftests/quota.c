// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How much a user may have in all mailboxes, and how many mailboxes a user and
 * a network namespace may have (G10). What was charged is given back.
 */
#include "mbox_parameters.h"

#define NAME	"quota"
#define MIB	(1ULL << 20)

/* ---- a user's quota ---- */

/* How much the caller has, in bytes; mailboxes. */
static long long user_bytes(void)
{
	struct mbox_query_args query;
	int ret = mb_query(&query);

	return ret ? ret : (long long)query.user_bytes;
}

static int user_mailboxes(void)
{
	struct mbox_query_args query;
	int ret = mb_query(&query);

	return ret ? ret : (int)query.user_mailboxes;
}

struct shared {
	long long cost;		/* of a message of 100 bytes */
};

FIXTURE(user) {
	int h;			/* root's mailbox, that all inherit */
	struct shared *shared;
	char buf[5000];
};

#define USER FIXTURE_DATA(user)

static void measure_cost(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;
	long long empty;

	ASSERT_EQ(0, user_bytes());
	ASSERT_EQ(0, mb_put(self->h, NULL, 0));
	empty = user_bytes();
	EXPECT_LT(0, empty);
	ASSERT_EQ(0, mb_put(self->h, self->buf, 5000));
	EXPECT_EQ(2 * empty + 5000, user_bytes());
	EXPECT_EQ(0, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(5000, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(0, user_bytes());
	self->shared->cost = empty + 100;
}

FIXTURE_SETUP(user)
{
	MB_NEED_DEVICE();
	parameters_restore();
	mb_unlink(NAME);
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(self->shared != MAP_FAILED);
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_run_as(_metadata, MB_USER, measure_cost, self));
}

FIXTURE_TEARDOWN(user)
{
	parameters_restore();
	mb_unlink(NAME);
}

static void fill_quota_of_ten(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.len = 100,
	};
	USER *self = arg;
	int own = mb_create_anon();
	int i;

	ASSERT_LE(0, own);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
		EXPECT_EQ(0, mb_put(own, self->buf, 100));
	}
	EXPECT_EQ(10 * self->shared->cost, user_bytes());
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(-EDQUOT, mb_put(own, NULL, 0));
	/* Nobody waits for a quota. */
	args.buf = (unsigned long)self->buf;
	EXPECT_EQ(-EDQUOT, mb_send(own, &args));
	EXPECT_EQ(10 * self->shared->cost, user_bytes());
	/* Whoever frees it, it is the sender's again. */
	EXPECT_EQ(100, mb_get(self->h, self->buf, 100));
	EXPECT_EQ(0, mb_put(own, self->buf, 100));
	EXPECT_EQ(-EDQUOT, mb_put(own, self->buf, 100));
	close(own);
	EXPECT_EQ(4 * self->shared->cost, user_bytes());
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
}

static void hold_nothing(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, user_mailboxes());
}

static void put_one(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
}

TEST_F(user, g10_cannot_fill_memory_with_messages)
{
	ASSERT_EQ(0, parameter_set("user_bytes", 10 * self->shared->cost));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, fill_quota_of_ten, self));
	/* It is nobody else's affair. */
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, put_one, self));
	while (mb_get(self->h, self->buf, 100) >= 0)
		;
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, hold_nothing, NULL));
}

static void write_beyond(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;
	int own = mb_create_anon();

	EXPECT_EQ(100, write(own, self->buf, 100));
	EXPECT_EQ(-1, write(own, self->buf, 1));
	EXPECT_EQ(EDQUOT, errno);
}

TEST_F(user, g10_cannot_fill_memory_by_write_either)
{
	ASSERT_EQ(0, parameter_set("user_bytes", self->shared->cost));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, write_beyond, self));
}

TEST_F(user, g10_write_has_the_privileges_of_the_opener)
{
	int h;

	ASSERT_EQ(0, parameter_set("user_bytes", 0));
	ASSERT_EQ(0, seteuid(MB_USER));
	h = mb_create_anon();
	ASSERT_EQ(0, seteuid(0));
	ASSERT_LE(0, h);
	EXPECT_EQ(-1, write(h, self->buf, 100));
	EXPECT_EQ(EDQUOT, errno);
	/* What we say ourselves, we pay ourselves. */
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	close(h);
}

/* Each way in which a message can end, or not even begin. */
static void end_in_every_way(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.len = 100,
	};
	USER *self = arg;
	int h = mb_create_small(1);
	int recv, send;

	ASSERT_LE(0, h);
	args.buf = (unsigned long)self->buf;

	/* Received: whole, cut, by read(). */
	EXPECT_EQ(0, mb_put(h, self->buf, 5000));
	EXPECT_EQ(5000, mb_get(h, self->buf, 5000));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(h, self->buf, 5000));
	args.flags = MBOX_TRUNCATE;
	EXPECT_EQ(0, mb_recv(h, &args));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	EXPECT_EQ(100, read(h, self->buf, 100));
	EXPECT_EQ(0, user_bytes());

	/* Never sent: bad buffer, too long, no room, at once and later. */
	EXPECT_EQ(-EFAULT, mb_put(h, (void *)8, 100));
	EXPECT_EQ(-EMSGSIZE, mb_put(h, self->buf, 2 * MIB));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	EXPECT_EQ(-EAGAIN, mb_put(h, self->buf, 100));
	args.flags = MBOX_WAIT_UNTIL;
	args.deadline = mb_in(NSEC_PER_MSEC);
	EXPECT_EQ(-ETIMEDOUT, mb_send(h, &args));
	EXPECT_EQ(self->shared->cost, user_bytes());

	/* Not received after all. */
	EXPECT_EQ(-EFAULT, mb_get(h, (void *)8, 100));
	EXPECT_EQ(-EMSGSIZE, mb_get(h, self->buf, 99));
	EXPECT_EQ(self->shared->cost, user_bytes());

	/* Dropped for a younger one. */
	EXPECT_EQ(0, mb_set_overflow(h, MBOX_OVERFLOW_DROP));
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	EXPECT_EQ(self->shared->cost, user_bytes());

	/* Nobody can receive it any more. */
	recv = mb_narrow(h, MBOX_RECV, 0);
	send = mb_narrow(h, MBOX_SEND, 0);
	close(h);
	EXPECT_EQ(self->shared->cost, user_bytes());
	close(recv);
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(-EPIPE, mb_put(send, self->buf, 100));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(1, user_mailboxes());
	close(send);
	EXPECT_EQ(0, user_mailboxes());

	/* Its mailbox is unlinked, with nobody there. */
	h = mb_create_named(NAME, MB_RW, 0600);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, self->buf, 5000));
	close(h);
	EXPECT_LT(5000, user_bytes());
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, user_mailboxes());
}

TEST_F(user, g10_gets_all_back_however_a_message_ends)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, end_in_every_way, self));
}

static void send_for_ever(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.len = 5000,
	};
	USER *self = arg;

	args.buf = (unsigned long)self->buf;
	for (;;)
		EXPECT_EQ(0, mb_send(self->h, &args));
}

TEST_F(user, g10_gets_all_back_when_killed_in_a_send)
{
	const struct mb_child child = {
		.fn = send_for_ever,
		.arg = self,
		.uid = MB_USER,
		.gid = MB_USER,
	};
	pid_t pid;

	ASSERT_EQ(0, mb_set_max_messages(self->h, 1));
	pid = mb_fork_child(_metadata, &child);
	EXPECT_TRUE(wait_until(mb_fdinfo(self->h, "mbox-waiting-senders") ==
			       1));
	mb_kill(pid);
	EXPECT_EQ(5000, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(-EAGAIN, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void fill_mailbox_quota(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_query_args query;
	int anon, named, own, i;

	anon = mb_create_anon();
	named = mb_create_named(NAME, MB_RW, 0600);
	own = mb_create_own(MB_RW, 0600);
	ASSERT_LE(0, anon);
	ASSERT_LE(0, named);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(3, query.user_mailboxes);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EDQUOT, mb_create_anon());
		EXPECT_EQ(-EDQUOT, mb_create_named(NAME "2", MB_RW, 0600));
	}
	EXPECT_EQ(-ENOENT, mb_open(NAME "2", MB_RW));
	/* What there is can still be opened, in every way. */
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
	EXPECT_EQ(0, close(mb_create_named(NAME, MB_RW, 0600)));
	EXPECT_EQ(0, close(mb_narrow(anon, MB_RW, 0)));
	EXPECT_EQ(3, user_mailboxes());

	close(anon);
	EXPECT_EQ(2, user_mailboxes());
	anon = mb_create_anon();
	EXPECT_LE(0, anon);
	close(named);
	EXPECT_EQ(-EDQUOT, mb_create_anon());
	EXPECT_EQ(0, mb_unlink(NAME));
	close(own);
	EXPECT_EQ(0, mb_unlink_pid(0));
	close(anon);
	EXPECT_EQ(0, user_mailboxes());
}

TEST_F(user, g10_cannot_fill_memory_with_mailboxes)
{
	ASSERT_EQ(0, parameter_set("user_mailboxes", 3));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, fill_mailbox_quota, self));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void exceed_with_cap(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	ASSERT_EQ(0, mb_become_with_caps(MB_USER, 1ULL << CAP_SYS_RESOURCE));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_LE(0, mb_create_anon());
	EXPECT_EQ(self->shared->cost, user_bytes());
}

static void refused_both(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(-EDQUOT, mb_create_anon());
}

TEST_F(user, g10_with_cap_sys_resource_exceeds_its_quota)
{
	const struct mb_child child = {
		.fn = refused_both,
		.arg = self,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = CLONE_NEWUSER,
	};

	ASSERT_EQ(0, parameter_set("user_bytes", 0));
	ASSERT_EQ(0, parameter_set("user_mailboxes", 0));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, refused_both, self));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, exceed_with_cap, self)));
	EXPECT_EQ(100, mb_get(self->h, self->buf, 100));
	/* The capability over a user namespace of one's own is none here. */
	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void put_two_inside(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(2 * self->shared->cost, user_bytes());
	/* Deeper still. */
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(self->shared->cost, user_bytes());
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(self->shared->cost, user_bytes());
}

static void hold_three(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(3 * self->shared->cost, user_bytes());
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	/* A new namespace is no new quota. */
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
}

TEST_F(user, g10_pays_for_its_user_namespaces)
{
	const struct mb_child child = {
		.fn = put_two_inside,
		.arg = self,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = CLONE_NEWUSER,
	};

	ASSERT_EQ(0, parameter_set("user_bytes", 3 * self->shared->cost));
	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_three, self));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, put_one, self));
	while (mb_get(self->h, self->buf, 100) >= 0)
		;
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void create_inside(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_LE(0, mb_create_anon());
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	EXPECT_EQ(0, user_mailboxes());
	EXPECT_LE(0, mb_create_anon());
	EXPECT_EQ(1, user_mailboxes());
	EXPECT_EQ(-EDQUOT, mb_create_anon());
	EXPECT_EQ(1, user_mailboxes());
}

TEST_F(user, g10_pays_for_mailboxes_in_its_user_namespaces)
{
	ASSERT_EQ(0, parameter_set("user_mailboxes", 2));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, create_inside, NULL));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

/* ---- a network namespace's mailboxes ---- */

FIXTURE(full_namespace) {
};

FIXTURE_SETUP(full_namespace)
{
	MB_NEED_DEVICE();
	parameters_restore();
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, parameter_set("ns_mailboxes", 2));
	ASSERT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	ASSERT_LE(0, mb_create_own(MB_RW, 0600));
}

FIXTURE_TEARDOWN(full_namespace)
{
	parameters_restore();
}

static int ns_mailboxes(void)
{
	struct mbox_query_args query;
	int ret = mb_query(&query);

	return ret ? ret : (int)query.ns_mailboxes;
}

static void create_own_refused(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(-ENOSPC, mb_create_own(MB_RW, 0600));
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
}

TEST_F(full_namespace, g10_takes_no_more_not_even_from_root)
{
	EXPECT_EQ(2, ns_mailboxes());
	EXPECT_EQ(-ENOSPC, mb_create_named(NAME "2", MB_RW, 0600));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, create_own_refused, NULL)));
	EXPECT_EQ(2, ns_mailboxes());
	EXPECT_EQ(-ENOENT, mb_open(NAME "2", MB_RW));
}

TEST_F(full_namespace, g10_still_has_what_it_has)
{
	EXPECT_LE(0, mb_create_anon());
	EXPECT_LE(0, mb_open(NAME, MB_RW));
	EXPECT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	EXPECT_EQ(-EEXIST, mb_create_named(NAME, MB_RW | MBOX_EXCL, 0600));
	EXPECT_EQ(2, ns_mailboxes());
}

TEST_F(full_namespace, g10_takes_another_for_each_that_goes)
{
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_LE(0, mb_create_named(NAME "2", MB_RW, 0600));
	EXPECT_EQ(-ENOSPC, mb_create_named(NAME, MB_RW, 0600));
	EXPECT_EQ(0, mb_unlink_pid(0));
	EXPECT_LE(0, mb_create_named(NAME, MB_RW, 0600));
}

TEST_F(full_namespace, g10_does_not_fill_another)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(0, ns_mailboxes());
	EXPECT_LE(0, mb_create_named(NAME, MB_RW, 0600));
}

TEST_HARNESS_MAIN
