// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A receiver learns who really sent (G8): ids, pid, badge and a type from the
 * kernel, across users, user and pid namespaces, by an ioctl and by write().
 */
#include "mbox_test.h"

#include <pthread.h>

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
		.gid = MB_GROUP,
	};
	struct mbox_msg_args args;
	pid_t pid = mb_fork_child(_metadata, &child);

	/* Even of one who is gone and forgotten. */
	EXPECT_EQ(0, mb_wait(pid));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(pid, args.out_pid);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(MB_GROUP, args.out_gid);
	EXPECT_EQ(0, args.out_badge);
	EXPECT_EQ(0, args.out_flags);
}

static void send_with_effective_ids(struct __test_metadata *_metadata,
				    void *arg)
{
	ASSERT_EQ(0, setresgid(0, MB_GROUP, 0));
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
	EXPECT_EQ(MB_GROUP, args.out_gid);
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
		.gid = MB_GROUP,
		.unshare = CLONE_NEWUSER,
	};
	struct mbox_msg_args args;

	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(MB_GROUP, args.out_gid);
}

static void receive_in_userns(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args;
	int *h = arg;

	ASSERT_EQ(0, receive(*h, &args));
	EXPECT_EQ(3, args.out_uid);
	EXPECT_EQ(4, args.out_gid);
	ASSERT_EQ(0, receive(*h, &args));
	EXPECT_EQ(MB_NOBODY, args.out_uid);
	EXPECT_EQ(MB_NOBODY, args.out_gid);
}

TEST_F(received_message, g08_tells_a_user_namespace_what_it_knows)
{
	const struct mb_child child = {
		.fn = send_one,
		.arg = &self->h,
		.uid = MB_INNER_BASE + 3,
		.gid = MB_INNER_BASE + 4,
	};

	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	send_one(_metadata, &self->h);
	EXPECT_EQ(0, mb_run_inner(_metadata, CLONE_NEWUSER, receive_in_userns,
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
		.gid = MB_GROUP,
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
	EXPECT_EQ(MB_GROUP, args.out_gid);
	EXPECT_EQ(pid, args.out_pid);
	/* write() to a handle that the child itself has made */
	ASSERT_EQ(0, receive(self->h, &args));
	EXPECT_EQ(MBOX_MSG_OPENER, args.out_flags);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(MB_GROUP, args.out_gid);
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
