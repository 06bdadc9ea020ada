// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Files are in a mailbox only while somebody there can receive; what becomes of
 * them when nobody can, and who pays for them.
 */
#include "mbox_files.h"
#include "mbox_halt.h"
#include "mbox_parameters.h"

#define NAME	"files-lost"

FIXTURE(named) {
	int recv;	/* the only handle that may receive */
	int send;
	struct files in;
};

FIXTURE_SETUP(named)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->recv = mb_create_named(NAME, MBOX_RECV, 0666);
	self->send = mb_open(NAME, MBOX_SEND);
	ASSERT_LE(0, self->recv);
	ASSERT_LE(0, self->send);
}

FIXTURE_TEARDOWN(named)
{
	close(self->recv);
	close(self->send);
	mb_unlink(NAME);
	EXPECT_EQ(0, user_files());
}

TEST_F(named, no_files_are_accepted_while_nobody_can_receive)
{
	int p[2];

	close(self->recv);
	ASSERT_EQ(0, pipe2(p, O_CLOEXEC | O_NONBLOCK));
	EXPECT_EQ(-ENXIO, file_send(self->send, p[1]));
	EXPECT_EQ(0, user_files());
	EXPECT_EQ(0, mb_messages(self->send));
	EXPECT_EQ(0, files_send(self->send, NULL, 0));
	self->recv = mb_open(NAME, MBOX_RECV);
	ASSERT_LE(0, self->recv);
	EXPECT_EQ(0, file_send(self->send, p[1]));
	close(p[1]);
	EXPECT_TRUE(pipe_open(p[0]));
	close(p[0]);
}

TEST_F(named, a_mailbox_that_is_at_its_end_refuses_with_epipe)
{
	mb_unlink(NAME);
	close(self->recv);
	EXPECT_EQ(-EPIPE, file_send(self->send, self->send));
}

TEST_F(named, the_last_receiver_takes_the_files_with_it)
{
	int i, ret, p[3];

	for (i = 0; i < 3; i++) {
		p[i] = pipe_send(self->send, &ret);
		ASSERT_EQ(0, ret);
	}
	EXPECT_EQ(0, mb_put(self->send, "plain", 5));
	EXPECT_EQ(3, user_files());
	close(self->recv);
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(pipe_closed(p[i]));
		close(p[i]);
	}
	EXPECT_EQ(0, user_files());
	EXPECT_EQ(4, mb_messages(self->send));

	self->recv = mb_open(NAME, MBOX_RECV);
	files_init(&self->in, 1);
	self->in.args.flags |= MBOX_PEEK;
	ASSERT_EQ(0, mb_recv(self->recv, &self->in.args));
	EXPECT_EQ(MBOX_MSG_FILES_LOST, self->in.args.out_flags);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, files_recv(self->recv, &self->in, i));
		EXPECT_EQ(MBOX_MSG_FILES_LOST, self->in.args.out_flags);
		EXPECT_EQ(0, self->in.ext.out_file_count);
		EXPECT_EQ(5, self->in.args.out_len);
		EXPECT_TRUE(file_untouched(self->in.fds[0]));
	}
	ASSERT_EQ(0, files_recv(self->recv, &self->in, 1));
	EXPECT_EQ(0, self->in.args.out_flags);
}

/* More than is closed under one hold of the lock. */
TEST_F(named, all_of_many_are_closed)
{
	int i, p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC | O_NONBLOCK));
	for (i = 0; i < 300; i++)
		ASSERT_EQ(0, file_send(self->send, p[1]));
	close(p[1]);
	EXPECT_TRUE(pipe_open(p[0]));
	close(self->recv);
	EXPECT_TRUE(pipe_closed(p[0]));
	EXPECT_EQ(0, user_files());
	self->recv = mb_open(NAME, MBOX_RECV);
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, files_recv(self->recv, &self->in, 1));
		EXPECT_EQ(MBOX_MSG_FILES_LOST, self->in.args.out_flags);
	}
	close(p[0]);
}

/* Who only looks does not keep them either. */
TEST_F(named, a_peek_that_stalls_does_not_hold_the_files)
{
	struct stall stall;
	struct peer *peeker = peer_recv(self->recv);
	int ret, p;

	ASSERT_TRUE(stall_init(&stall));
	p = pipe_send(self->send, &ret);
	ASSERT_EQ(0, ret);
	peeker->args.flags |= MBOX_PEEK;
	peeker->args.buf = (unsigned long)stall.page;
	ASSERT_TRUE(peer_start(peeker));
	ASSERT_TRUE(stalled(&stall));
	ASSERT_EQ(0, files_recv(self->recv, &self->in, 1));
	close(self->in.fds[0]);
	EXPECT_TRUE(pipe_closed(p));
	EXPECT_EQ(0, user_files());
	ASSERT_TRUE(stall_end(&stall));
	EXPECT_EQ(0, peer_join(peeker));
	EXPECT_EQ(0, peeker->args.out_flags);
	close(p);
}

/* The table of descriptors is full, or the array faults, only after a while. */
TEST_F(named, a_receive_that_stalls_keeps_the_message_whole)
{
	struct stall stall;
	struct peer *p = peer_recv(self->recv);
	int fd = syscall(SYS_memfd_create, "file", 1);
	const int fds[] = { fd, fd, fd };
	int count;

	ASSERT_TRUE(stall_init(&stall));
	ASSERT_EQ(0, files_send(self->send, fds, 3));
	files_init(&self->in, 3);
	p->args = self->in.args;
	self->in.ext.files = (unsigned long)stall.page;
	count = fd_count();
	ASSERT_TRUE(peer_start(p));
	ASSERT_TRUE(stalled(&stall));
	EXPECT_EQ(count + 3, fd_count());
	EXPECT_EQ(1, mb_messages(self->send));
	EXPECT_EQ(-EAGAIN, mb_get(self->recv, self->in.buf, 8));
	ASSERT_TRUE(stall_fault(&stall));
	EXPECT_EQ(-EFAULT, peer_join(p));
	EXPECT_EQ(count - 1, fd_count());	/* without the stall's */
	ASSERT_EQ(0, files_recv(self->recv, &self->in, 3));
	EXPECT_EQ(3, self->in.ext.out_file_count);
	close(fd);
}

static long come_and_go(struct peer *p)
{
	__u64 end = mb_in(500 * NSEC_PER_MSEC), last = mb_in(60 * NSEC_PER_SEC);
	struct files in;
	long n = 0;
	int h, ret;

	/* On a busy machine it may be long before one comes. */
	while (mb_now(CLOCK_MONOTONIC) < (n ? end : last)) {
		h = mb_open(NAME, MBOX_RECV);
		if (h < 0)
			return h;
		ret = files_recv(h, &in, 1);
		if (!ret && in.ext.out_file_count == 1) {
			if (close(in.fds[0]))
				return -errno;
			n++;
		} else if (!ret && !(in.args.out_flags & MBOX_MSG_FILES_LOST)) {
			return -ENODATA;
		} else if (ret && ret != -EAGAIN) {
			return ret;
		}
		close(h);
	}
	return n;
}

TEST_F(named, receivers_that_come_and_go_leave_no_file)
{
	struct peer *a = peer_new(0, come_and_go), *b = peer_new(0, come_and_go);
	int fd = syscall(SYS_memfd_create, "file", 1);
	int ret, count = fd_count(), sent = 0;

	close(self->recv);
	ASSERT_TRUE(peer_start(a));
	ASSERT_TRUE(peer_fork(b));
	while (!peer_done(a) || !peer_done(b)) {
		ret = file_send(self->send, fd);
		sent += !ret;
		if (ret != -EAGAIN)
			ASSERT_TRUE(!ret || ret == -ENXIO);
	}
	EXPECT_LE(0, peer_join(a));
	EXPECT_LE(0, peer_join(b));
	EXPECT_LT(0, a->ret + b->ret);
	EXPECT_LT(0, sent);
	EXPECT_EQ(0, user_files());
	EXPECT_EQ(count - 1, fd_count());
	self->recv = mb_open(NAME, MBOX_RECV);
	close(fd);
}

TEST_F(named, any_receiver_that_stays_keeps_the_files)
{
	int other = mb_open(NAME, MB_RW);
	int ret, copy, p;

	p = pipe_send(self->send, &ret);
	close(self->recv);
	EXPECT_TRUE(pipe_open(p));
	copy = dup(other);
	close(other);
	EXPECT_TRUE(pipe_open(p));
	close(self->send);
	EXPECT_TRUE(pipe_open(p));
	self->recv = copy;
	self->send = mb_open(NAME, MBOX_SEND);
	ASSERT_EQ(0, files_recv(self->recv, &self->in, 1));
	EXPECT_EQ(0, self->in.args.out_flags);
	close(self->in.fds[0]);
	EXPECT_TRUE(pipe_closed(p));
	close(p);
}

static void hold_until_killed(struct __test_metadata *_metadata, void *arg)
{
	char byte = 0;
	int *ready = arg;

	EXPECT_EQ(1, write(*ready, &byte, 1));
	pause();
}

TEST_F(named, a_receiver_that_is_killed_takes_the_files_with_it)
{
	int ret, p, ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	pid = mb_fork(_metadata, hold_until_killed, &ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(self->recv);
	p = pipe_send(self->send, &ret);
	ASSERT_EQ(0, ret);
	EXPECT_TRUE(pipe_open(p));
	mb_kill(pid);
	EXPECT_TRUE(wait_until(pipe_closed(p)));
	close(p);
}

static struct peer *peer_file(int h, const int *fd, struct mbox_ext *ext)
{
	struct peer *p = peer_send(h, 0, 0, 1);

	*ext = (struct mbox_ext){
		.size = sizeof(*ext),
		.files = (unsigned long)fd,
		.file_count = 1,
	};
	p->args.flags |= MBOX_EXT;
	p->args.ext = (unsigned long)ext;
	return p;
}

/* Its message is not in the mailbox yet: better than to lose the files. */
TEST_F(named, a_blocked_sender_is_refused_when_the_last_receiver_goes)
{
	struct peer *with, *without;
	struct mbox_ext ext;
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC | O_NONBLOCK));
	ASSERT_EQ(0, mb_set_max_messages(self->send, 1));
	ASSERT_EQ(0, num_send(self->send, 0, 0, 9));
	with = peer_file(self->send, &p[1], &ext);
	without = peer_send(self->send, 0, 0, 2);
	ASSERT_TRUE(peer_blocks(with));
	ASSERT_TRUE(peer_blocks(without));
	EXPECT_EQ(1, user_files());
	close(self->recv);
	EXPECT_EQ(-ENXIO, peer_join(with));
	EXPECT_EQ(1, waiting_senders(self->send));
	EXPECT_EQ(0, user_files());
	close(p[1]);
	EXPECT_TRUE(pipe_closed(p[0]));

	self->recv = mb_open(NAME, MBOX_RECV);
	EXPECT_EQ(9, num_recv(self->recv));
	EXPECT_EQ(0, peer_join(without));
	EXPECT_EQ(2, num_recv(self->recv));
}

TEST_F(named, a_blocked_sender_learns_of_the_end_as_all_do)
{
	struct mbox_ext ext;
	struct peer *with;

	ASSERT_EQ(0, mb_set_max_messages(self->send, 1));
	ASSERT_EQ(0, num_send(self->send, 0, 0, 9));
	with = peer_file(self->send, &self->send, &ext);
	ASSERT_TRUE(peer_blocks(with));
	mb_unlink(NAME);
	close(self->recv);
	EXPECT_EQ(-EPIPE, peer_join(with));
}

TEST_F(named, a_blocked_sender_hands_its_files_over)
{
	struct mbox_ext ext;
	struct peer *with;
	int fd = syscall(SYS_memfd_create, "file", 1);

	ASSERT_EQ(0, mb_set_max_messages(self->send, 1));
	ASSERT_EQ(0, num_send(self->send, 1, 0, 9));
	with = peer_file(self->send, &fd, &ext);
	ASSERT_TRUE(peer_blocks(with));
	files_init(&self->in, 1);
	self->in.args.select = MBOX_SELECT_EQUAL;
	ASSERT_EQ(0, mb_recv(self->recv, &self->in.args));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	EXPECT_EQ(0, peer_join(with));
	close(self->in.fds[0]);
	close(fd);
}

TEST_F(named, a_purge_closes_them)
{
	int ret, p;

	p = pipe_send(self->send, &ret);
	ASSERT_EQ(0, ret);
	mb_unlink(NAME);
	EXPECT_TRUE(pipe_open(p));
	close(self->recv);
	EXPECT_TRUE(pipe_closed(p));
	EXPECT_EQ(-EPIPE, mb_put(self->send, "x", 1));
	close(p);
}

/* ---- who pays ---- */

FIXTURE(quota) {
	int h;
	int fds[MBOX_FILES_MAX];
};

#define QUOTA FIXTURE_DATA(quota)

FIXTURE_SETUP(quota)
{
	unsigned int i;

	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	for (i = 0; i < MBOX_FILES_MAX; i++)
		self->fds[i] = self->h;
	self->fds[0] = syscall(SYS_memfd_create, "file", 1);
	for (i = 1; i < MBOX_FILES_MAX; i++)
		self->fds[i] = self->fds[0];
	ASSERT_EQ(0, parameter_set("user_files", 10));
}

FIXTURE_TEARDOWN(quota)
{
	parameters_restore();
	close(self->h);
	close(self->fds[0]);
	EXPECT_EQ(0, user_files());
}

static void send_up_to_the_limit(struct __test_metadata *_metadata, void *arg)
{
	QUOTA *self = arg;
	struct mbox_query_args query;
	struct files in;

	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(10, query.user_max_files);
	EXPECT_EQ(0, query.user_files);
	EXPECT_EQ(-EDQUOT, files_send(self->h, self->fds, 11));
	EXPECT_EQ(0, user_files());
	EXPECT_EQ(0, files_send(self->h, self->fds, 4));
	EXPECT_EQ(0, files_send(self->h, self->fds, 6));
	EXPECT_EQ(-EDQUOT, files_send(self->h, self->fds, 1));
	EXPECT_EQ(10, user_files());
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	/* It is the user's charge until then, and not longer. */
	EXPECT_EQ(0, files_recv(self->h, &in, 16));
	EXPECT_EQ(6, user_files());
	EXPECT_EQ(0, files_send(self->h, self->fds, 4));
	EXPECT_EQ(-EDQUOT, files_send(self->h, self->fds, 1));
	EXPECT_EQ(0, files_recv(self->h, &in, 0));
	EXPECT_EQ(4, user_files());
	EXPECT_EQ(1, mb_get(self->h, in.buf, 8));
}

TEST_F(quota, a_user_has_so_many_files_in_messages)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, send_up_to_the_limit, self));
}

static void send_ten(struct __test_metadata *_metadata, void *arg)
{
	QUOTA *self = arg;

	EXPECT_EQ(0, files_send(self->h, self->fds, 10));
	EXPECT_EQ(-EDQUOT, files_send(self->h, self->fds, 1));
	EXPECT_EQ(10, user_files());
}

TEST_F(quota, users_do_not_pay_for_one_another)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, send_ten, self));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, send_ten, self));
	EXPECT_EQ(0, user_files());
}

static void send_eleven(struct __test_metadata *_metadata, void *arg)
{
	QUOTA *self = arg;

	ASSERT_EQ(0, mb_become_with_caps(MB_USER, 1ULL << CAP_SYS_RESOURCE));
	EXPECT_EQ(0, files_send(self->h, self->fds, 11));
	EXPECT_EQ(11, user_files());
}

TEST_F(quota, who_may_exceed_limits_exceeds_this_one)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, send_eleven, self)));
	EXPECT_EQ(0, files_send(self->h, self->fds, 16));
	EXPECT_EQ(16, user_files());
}

static void send_six_inside(struct __test_metadata *_metadata, void *arg)
{
	QUOTA *self = arg;

	EXPECT_EQ(0, files_send(self->h, self->fds, 6));
	EXPECT_EQ(6, user_files());
}

static void send_from_namespaces(struct __test_metadata *_metadata, void *arg)
{
	QUOTA *self = arg;

	EXPECT_EQ(0, files_send(self->h, self->fds, 4));
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER, send_six_inside, self));
	EXPECT_EQ(10, user_files());
	EXPECT_EQ(-EDQUOT, files_send(self->h, self->fds, 1));
}

TEST_F(quota, the_owners_of_user_namespaces_pay_too)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, send_from_namespaces, self));
}

TEST_F(quota, a_limit_of_zero_forbids_files)
{
	ASSERT_EQ(0, parameter_set("user_files", 0));
	EXPECT_EQ(-EINVAL, parameter_set_text("user_files", "-1"));
	EXPECT_EQ(-EINVAL, parameter_set("user_files", 1ULL << 31));
	EXPECT_EQ(0, files_send(self->h, self->fds, 1));	/* root */
}

TEST_HARNESS_MAIN
