// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, files that go with messages and calls.
 */
#include "libmbox_test.h"
#include "mbox_call.h"

#include <sys/resource.h>
#include <sys/stat.h>

FIXTURE(files) {
	int mb;
	int in;			/* the same, MBOX_RECV only */
	int out;		/* MBOX_SEND only */
	int pipe[2];		/* what is sent: the read end, and both */
	struct mbox_sendmsg one;
	struct mbox_sendmsg two;
	char buf[8];
	int got[MBOX_FILES_MAX];
	struct mbox_recvmsg any;	/* with files */
	struct mbox_header header;
};

FIXTURE_SETUP(files)
{
	struct mbox_query query;

	MB_NEED_DEVICE();
	if (mbox_query(&query) || !(query.features & MBOX_FEATURE_FILES))
		SKIP(_exit(255), "no files");
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	self->one = (struct mbox_sendmsg){
		.buf = "1", .len = 1, .files = self->pipe, .file_count = 1,
	};
	self->two = self->one;
	self->two.file_count = 2;
	memset(self->buf, MB_POISON, sizeof(self->buf));
	memset(self->got, MB_POISON, sizeof(self->got));
	memset(&self->header, MB_POISON, sizeof(self->header));
	self->any = (struct mbox_recvmsg){
		.buf = self->buf, .len = 8, .flags = MBOX_WAIT_NONE,
		.files = self->got, .file_count = MBOX_FILES_MAX,
	};
}

FIXTURE_TEARDOWN(files)
{
}

static bool same_file(int a, int b)
{
	struct stat s, t;

	return !fstat(a, &s) && !fstat(b, &t) && s.st_dev == t.st_dev &&
	       s.st_ino == t.st_ino && s.st_mode == t.st_mode;
}

/* ---- success ---- */

TEST_F(files, come_as_new_descriptors)
{
	int before = open_descriptors();

	EXPECT_OK(0, mbox_sendmsg(self->out, &self->two));
	EXPECT_EQ(before, open_descriptors());
	EXPECT_OK(1, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(before + 2, open_descriptors());
	EXPECT_EQ(2, self->header.file_count);
	EXPECT_EQ(0, self->header.flags);
	for (int i = 0; i < 2; i++) {
		EXPECT_NE(self->pipe[i], self->got[i]);
		EXPECT_TRUE(same_file(self->pipe[i], self->got[i]));
		EXPECT_EQ(FD_CLOEXEC, fcntl(self->got[i], F_GETFD));
	}
	EXPECT_TRUE(poisoned(&self->got[2], 14 * sizeof(int)));
	EXPECT_EQ(1, write(self->got[1], "w", 1));
	EXPECT_EQ(1, read(self->pipe[0], self->buf, 1));
}

TEST_F(files, up_to_sixteen)
{
	int all[MBOX_FILES_MAX + 1];
	struct mbox_sendmsg msg = { .files = all };

	for (int i = 0; i <= MBOX_FILES_MAX; i++)
		all[i] = self->pipe[i & 1];
	msg.file_count = MBOX_FILES_MAX + 1;
	EXPECT_ERRNO(EINVAL, mbox_sendmsg(self->out, &msg));
	msg.file_count = MBOX_FILES_MAX;
	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
	EXPECT_OK(0, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(MBOX_FILES_MAX, self->header.file_count);
	for (int i = 0; i < MBOX_FILES_MAX; i++)
		EXPECT_TRUE(same_file(all[i], self->got[i]));
}

TEST_F(files, none_come_with_a_plain_message)
{
	ASSERT_EQ(0, mbox_send(self->out, "x", 1));
	EXPECT_EQ(1, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(0, self->header.file_count);
	EXPECT_TRUE(poisoned(self->got, sizeof(self->got)));
}

TEST_F(files, not_asked_for_are_closed)
{
	struct iovec iov = { self->buf, 8 };
	const struct mbox_recvmsg receives[] = {
		{ .buf = self->buf, .len = 8 },
		{ .iov = &iov, .iov_count = 1 },
	};
	const struct mbox_header expected = { .len = 1 };
	struct iovec nothing = { self->buf, 0 };
	const struct mbox_recvmsg small = { .iov = &nothing, .iov_count = 1 };
	int before = open_descriptors();

	ASSERT_EQ(0, mbox_sendmsg(self->out, &self->two));
	EXPECT_ERRNO(EMSGSIZE, mbox_recvmsg(self->in, &small, &self->header));
	EXPECT_EQ(0, memcmp(&expected, &self->header, sizeof(expected)));
	ASSERT_EQ(1, mbox_recv(self->in, self->buf, 8));

	for (unsigned int i = 0; i < ARRAY_SIZE(receives); i++) {
		ASSERT_EQ(0, mbox_sendmsg(self->out, &self->two));
		EXPECT_OK(1, mbox_recvmsg(self->in, &receives[i],
					  &self->header));
		EXPECT_EQ(MBOX_MSG_FILES_LOST, self->header.flags);
		EXPECT_EQ(0, self->header.file_count);
	}
	ASSERT_EQ(0, mbox_sendmsg(self->out, &self->two));
	EXPECT_OK(1, mbox_recv(self->in, self->buf, 8));
	EXPECT_EQ(before, open_descriptors());
}

TEST_F(files, peek_takes_none)
{
	ASSERT_EQ(0, mbox_sendmsg(self->out, &self->two));
	self->any.flags |= MBOX_PEEK;
	EXPECT_EQ(1, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(0, self->header.file_count);
	EXPECT_TRUE(poisoned(self->got, sizeof(self->got)));
	self->any.flags = MBOX_WAIT_NONE;
	EXPECT_EQ(1, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(2, self->header.file_count);
}

static long callmsg(struct peer *p)
{
	struct mbox_callmsg *msg = p->arg;

	return RESULT(mbox_callmsg(p->fd, msg, NULL));
}

TEST_F(files, go_with_a_call)
{
	struct mbox_callmsg msg = { .files = self->pipe, .file_count = 2 };
	struct peer *p = peer_new(self->out, callmsg);
	uint32_t token = 0;

	p->arg = &msg;
	ASSERT_TRUE(peer_calls(p));
	EXPECT_OK(0, mbox_reply_recv(self->in, &token, NULL, 0, &self->any,
				     &self->header));
	EXPECT_EQ(MBOX_MSG_CALL, self->header.flags);
	EXPECT_EQ(2, self->header.file_count);
	EXPECT_TRUE(same_file(self->pipe[1], self->got[1]));
	EXPECT_OK(0, mbox_reply(self->in, self->header.token, NULL, 0));
	EXPECT_EQ(0, peer_join(p));
}

TEST_F(files, go_in_batches)
{
	const struct mbox_sendmsg send[] = { self->one, { .len = 0 }, self->two };
	int more[2] = { -1, -1 };
	const struct mbox_recvmsg recv[] = {
		self->any, self->any, {
			.buf = self->buf, .len = 8,
			.files = more, .file_count = 2,
		},
	};
	struct mbox_header headers[3];

	EXPECT_OK(3, mbox_sendv(self->out, send, 3));
	EXPECT_OK(3, mbox_recvv(self->in, recv, headers, 3));
	EXPECT_EQ(1, headers[0].file_count);
	EXPECT_EQ(0, headers[1].file_count);
	EXPECT_EQ(2, headers[2].file_count);
	EXPECT_TRUE(same_file(self->pipe[0], self->got[0]));
	EXPECT_TRUE(same_file(self->pipe[1], more[1]));
}

TEST_F(files, count_for_the_user)
{
	struct mbox_query query;

	ASSERT_EQ(0, mbox_sendmsg(self->out, &self->two));
	ASSERT_EQ(0, mbox_query(&query));
	EXPECT_EQ(2, query.user_files);
	EXPECT_LE(2, query.user_max_files);
}

/* ---- errors ---- */

TEST_F(files, room_for_some_is_emsgsize)
{
	const struct mbox_header expected = { .len = 1, .file_count = 2 };

	ASSERT_EQ(0, mbox_sendmsg(self->out, &self->two));
	self->any.file_count = 1;
	EXPECT_ERRNO(EMSGSIZE, mbox_recvmsg(self->in, &self->any, NULL));
	EXPECT_ERRNO(EMSGSIZE, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(0, memcmp(&expected, &self->header, sizeof(expected)));
	EXPECT_TRUE(poisoned(self->got, sizeof(self->got)));
	self->any.file_count = 2;
	EXPECT_OK(1, mbox_recvmsg(self->in, &self->any, &self->header));
}

TEST_F(files, bad_files_are_ebadf)
{
	struct mbox_callmsg call = { .files = self->pipe, .file_count = 2 };

	close(self->pipe[1]);
	EXPECT_ERRNO(EBADF, mbox_sendmsg(self->out, &self->two));
	EXPECT_ERRNO(EBADF, mbox_sendv(self->out, &self->two, 1));
	EXPECT_ERRNO(EBADF, mbox_callmsg(self->out, &call, NULL));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(files, of_the_wrong_kind_are_eopnotsupp)
{
	struct mbox_callmsg call = { .files = self->pipe, .file_count = 2 };

	/* What can receive could hold itself. */
	ASSERT_EQ(self->pipe[1], dup2(self->in, self->pipe[1]));
	EXPECT_ERRNO(EOPNOTSUPP, mbox_sendmsg(self->out, &self->two));
	EXPECT_ERRNO(EOPNOTSUPP, mbox_sendv(self->out, &self->two, 1));
	EXPECT_ERRNO(EOPNOTSUPP, mbox_callmsg(self->out, &call, NULL));
	ASSERT_EQ(self->pipe[1], dup2(self->out, self->pipe[1]));
	EXPECT_OK(0, mbox_sendmsg(self->out, &self->two));
}

TEST_F(files, without_a_receiver_are_enxio)
{
	char name[32];
	int in;

	snprintf(name, sizeof(name), "libmbox-files-%d", getpid());
	in = mbox_create(name, MBOX_RECV, NULL);
	ASSERT_LE(0, in);
	self->out = mbox_open(name, MBOX_SEND);
	close(in);
	EXPECT_ERRNO(ENXIO, mbox_sendmsg(self->out, &self->one));
	EXPECT_ERRNO(ENXIO, mbox_sendv(self->out, &self->one, 1));
	EXPECT_OK(0, mbox_send(self->out, "x", 1));
	EXPECT_EQ(0, mbox_unlink(name));
}

TEST_F(files, bad_fields_and_addresses)
{
	const struct mbox_sendmsg bad_send[] = {
		{ .files = self->pipe },
		{ .files = BAD_PTR, .file_count = 1 },
		{ .file_count = 1 },
	};
	static const int errors[] = { EINVAL, EFAULT, EFAULT };
	const struct mbox_recvmsg bad_recv[] = {
		{ .files = self->got },
		{ .files = BAD_PTR, .file_count = 1 },
		{ .file_count = 1 },
	};
	int before = open_descriptors();

	for (unsigned int i = 0; i < ARRAY_SIZE(bad_send); i++) {
		EXPECT_ERRNO(errors[i], mbox_sendmsg(self->out, &bad_send[i]))
			TH_LOG("case %u", i);
	}
	EXPECT_TRUE(all_over(self->mb));
	self->one.len = 0;
	ASSERT_EQ(0, mbox_sendmsg(self->out, &self->one));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad_recv); i++) {
		EXPECT_ERRNO(errors[i], mbox_recvmsg(self->in, &bad_recv[i],
						     &self->header))
			TH_LOG("case %u", i);
	}
	EXPECT_EQ(before, open_descriptors());
	EXPECT_EQ(0, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(1, self->header.file_count);
}

TEST_F(files, no_descriptor_left_is_emfile)
{
	struct rlimit limit = { .rlim_cur = 256, .rlim_max = 256 };
	int last;

	ASSERT_EQ(0, mbox_sendmsg(self->out, &self->two));
	last = dup(0);
	ASSERT_LE(0, last);
	close(last);
	limit.rlim_cur = last + 1;	/* for one of the two */
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_ERRNO(EMFILE, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_EQ(-1, fcntl(last, F_GETFD));
	limit.rlim_cur = last + 2;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_OK(1, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(2, self->header.file_count);
}

static void over_quota(struct __test_metadata *_metadata, void *arg)
{
	const struct mbox_sendmsg *two = arg;
	int mb = mbox_create(NULL, RW, NULL);
	struct mbox_callmsg call = { .files = two->files, .file_count = 2 };

	ASSERT_LE(0, mb);
	EXPECT_ERRNO(EDQUOT, mbox_sendmsg(mb, two));
	EXPECT_ERRNO(EDQUOT, mbox_sendv(mb, two, 1));
	EXPECT_ERRNO(EDQUOT, mbox_callmsg(mb, &call, NULL));
	EXPECT_OK(0, mbox_send(mb, "x", 1));
}

TEST_F(files, quota_used_up_is_edquot)
{
	char old[32] = "";
	int fd;

	if (geteuid())
		SKIP(return, "needs root");
	fd = open(MB_PARAMETERS "user_files", O_RDONLY | O_CLOEXEC);
	ASSERT_LT(0, read(fd, old, sizeof(old) - 1));
	ASSERT_EQ(0, mb_write_file(MB_PARAMETERS "user_files", "1"));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, over_quota, &self->two));
	EXPECT_EQ(0, mb_write_file(MB_PARAMETERS "user_files", old));
}

TEST_HARNESS_MAIN
