// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Files in conversations: they stay with their message for as long as it can come
 * back, through leases, calls and batches.
 */
#include "mbox_files.h"
#include "mbox_call.h"

FIXTURE(mailbox) {
	int h;
	int p[2];	/* what is sent is its write end */
	struct files in;
};

#define MAILBOX FIXTURE_DATA(mailbox)

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, pipe2(self->p, O_CLOEXEC | O_NONBLOCK));
}

FIXTURE_TEARDOWN(mailbox)
{
	close(self->h);
	close(self->p[0]);
	EXPECT_EQ(0, user_files());
}

/* Send it and keep nothing. */
static int send_end(MAILBOX *self)
{
	int ret = file_send(self->h, self->p[1]);

	close(self->p[1]);
	return ret;
}

static int take(MAILBOX *self, __u32 room, __u32 flags)
{
	files_init(&self->in, room);
	self->in.args.flags |= flags;
	return mb_recv(self->h, &self->in.args);
}

/* ---- leases ---- */

TEST_F(mailbox, g07_a_leased_message_that_comes_back_has_its_files)
{
	int i;

	ASSERT_EQ(0, send_end(self));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, take(self, 1, MBOX_LEASE));
		EXPECT_EQ(1, self->in.ext.out_file_count);
		EXPECT_EQ(i ? MBOX_MSG_REDELIVERED : 0, self->in.args.out_flags);
		close(self->in.fds[0]);
		EXPECT_TRUE(pipe_open(self->p[0]));
		EXPECT_EQ(1, user_files());
		ASSERT_EQ(0, num_finish(self->h, self->in.args.out_token,
					MBOX_FINISH_BACK));
	}
	ASSERT_EQ(0, take(self, 1, MBOX_LEASE));
	close(self->in.fds[0]);
	EXPECT_TRUE(pipe_open(self->p[0]));
	ASSERT_EQ(0, num_finish(self->h, self->in.args.out_token,
				MBOX_FINISH_DONE));
	EXPECT_TRUE(pipe_closed(self->p[0]));
}

/* It is told that it did not get them; the next one may. */
TEST_F(mailbox, a_lease_that_asks_for_none_loses_them_for_nobody_else)
{
	ASSERT_EQ(0, send_end(self));
	ASSERT_EQ(0, take(self, 0, MBOX_LEASE));
	EXPECT_EQ(MBOX_MSG_FILES_LOST, self->in.args.out_flags);
	EXPECT_EQ(0, self->in.ext.out_file_count);
	ASSERT_EQ(0, num_finish(self->h, self->in.args.out_token,
				MBOX_FINISH_BACK));
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	EXPECT_EQ(MBOX_MSG_REDELIVERED, self->in.args.out_flags);
	close(self->in.fds[0]);
	EXPECT_TRUE(pipe_closed(self->p[0]));
}

static void lease_and_pause(struct __test_metadata *_metadata, void *arg)
{
	MAILBOX *self = arg;

	EXPECT_EQ(0, take(self, 1, MBOX_LEASE));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	pause();
}

TEST_F(mailbox, g07_the_files_of_a_killed_worker_come_back)
{
	pid_t pid;

	ASSERT_EQ(0, send_end(self));
	pid = mb_fork(_metadata, lease_and_pause, self);
	ASSERT_TRUE(tokens_open(self->h, 1));
	mb_kill(pid);
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, self->in.args.out_flags);
	EXPECT_EQ(1, write(self->in.fds[0], "x", 1));
	close(self->in.fds[0]);
}

TEST_F(mailbox, a_lease_that_ends_by_itself_brings_them_back)
{
	ASSERT_EQ(0, send_end(self));
	files_init(&self->in, 1);
	self->in.args.flags |= MBOX_LEASE;
	self->in.ext.lease_time = NSEC_PER_MSEC;
	ASSERT_EQ(0, mb_recv(self->h, &self->in.args));
	close(self->in.fds[0]);
	ASSERT_TRUE(tokens_open(self->h, 0));
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	close(self->in.fds[0]);
}

TEST_F(mailbox, a_lease_that_cannot_be_told_leaves_all_as_it_was)
{
	long page = sysconf(_SC_PAGESIZE);
	struct mbox_msg_args *args = (void *)(mb_page_end() - page);
	int count;

	ASSERT_EQ(0, send_end(self));
	count = fd_count();
	files_init(&self->in, 1);
	*args = self->in.args;
	args->flags |= MBOX_LEASE;
	ASSERT_EQ(0, mprotect(args, page, PROT_READ));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_RECV, args));
	EXPECT_EQ(count, fd_count());
	EXPECT_TRUE(tokens_open(self->h, 0));
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(0, self->in.args.out_flags);
	close(self->in.fds[0]);
}

TEST_F(mailbox, g15_a_lease_does_not_outlive_the_last_receiver)
{
	int h = mb_create_named("files-call", MB_RW, 0600);

	close(self->h);
	self->h = h;
	ASSERT_LE(0, h);
	ASSERT_EQ(0, send_end(self));
	ASSERT_EQ(0, take(self, 1, MBOX_LEASE));
	close(self->in.fds[0]);
	EXPECT_TRUE(pipe_open(self->p[0]));
	close(h);
	EXPECT_TRUE(pipe_closed(self->p[0]));
	self->h = mb_open("files-call", MB_RW);
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(0, self->in.ext.out_file_count);
	EXPECT_EQ(MBOX_MSG_FILES_LOST | MBOX_MSG_REDELIVERED,
		  self->in.args.out_flags);
	EXPECT_EQ(0, mb_unlink("files-call"));
}

/* ---- calls ---- */

/* A call with the pipe's write end. */
static struct peer *peer_call_file(MAILBOX *self, struct mbox_ext *ext)
{
	struct peer *p = peer_call(self->h, 0, 0, 5);

	*ext = (struct mbox_ext){
		.size = sizeof(*ext),
		.files = (unsigned long)&self->p[1],
		.file_count = 1,
	};
	p->args.flags |= MBOX_EXT;
	p->args.ext = (unsigned long)ext;
	return p;
}

TEST_F(mailbox, a_call_brings_files_to_its_server)
{
	struct mbox_ext ext;
	struct peer *p = peer_call_file(self, &ext);

	ASSERT_TRUE(peer_calls(p));
	close(self->p[1]);
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(MBOX_MSG_CALL, self->in.args.out_flags);
	EXPECT_EQ(1, self->in.ext.out_file_count);
	close(self->in.fds[0]);
	/* It may go back, so it has them still. */
	EXPECT_TRUE(pipe_open(self->p[0]));
	ASSERT_EQ(0, num_finish(self->h, self->in.args.out_token,
				MBOX_FINISH_BACK));
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	close(self->in.fds[0]);
	ASSERT_EQ(0, num_reply(self->h, self->in.args.out_token, 6));
	EXPECT_TRUE(pipe_closed(self->p[0]));
	EXPECT_EQ(6, peer_reply(p));
	EXPECT_TRUE(all_over(self->h));
}

TEST_F(mailbox, reply_and_receive_takes_files)
{
	struct mbox_ext ext;
	struct peer *first = peer_call(self->h, 0, 0, 1);
	struct peer *second = peer_call_file(self, &ext);
	__u32 token, answer = 11;

	ASSERT_TRUE(peer_calls(first));
	ASSERT_TRUE(peer_calls(second));
	close(self->p[1]);
	ASSERT_EQ(1, num_take(self->h, &token));
	files_init(&self->in, 1);
	self->in.args.id = token;
	self->in.args.reply_buf = (unsigned long)&answer;
	self->in.args.reply_len = sizeof(answer);
	ASSERT_EQ(0, mb_reply_recv(self->h, &self->in.args));
	EXPECT_EQ(11, peer_reply(first));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	close(self->in.fds[0]);
	EXPECT_EQ(0, num_reply(self->h, self->in.args.out_token, 12));
	EXPECT_EQ(12, peer_reply(second));
	EXPECT_TRUE(pipe_closed(self->p[0]));
}

TEST_F(mailbox, a_caller_that_gives_up_takes_its_queued_files_back)
{
	struct mbox_ext ext;
	struct peer *p = peer_call_file(self, &ext);

	peer_until(p, mb_in(NSEC_PER_MSEC));
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(-ETIMEDOUT, peer_join(p));
	close(self->p[1]);
	EXPECT_TRUE(pipe_closed(self->p[0]));
	EXPECT_TRUE(all_over(self->h));
}

TEST_F(mailbox, a_request_that_nobody_waits_for_keeps_them_until_it_is_finished)
{
	struct mbox_ext ext;
	struct peer *p = peer_call_file(self, &ext);

	ASSERT_TRUE(peer_fork_calls(p));
	close(self->p[1]);
	ASSERT_EQ(0, take(self, 1, 0));
	close(self->in.fds[0]);
	kill(p->tid, SIGKILL);
	EXPECT_EQ(-ECHILD, peer_join(p));
	ASSERT_TRUE(tokens_stale(self->h, 1));
	EXPECT_TRUE(pipe_open(self->p[0]));
	EXPECT_EQ(-EPIPE, num_reply(self->h, self->in.args.out_token, 1));
	EXPECT_TRUE(pipe_closed(self->p[0]));
}

TEST_F(mailbox, a_call_with_files_needs_a_receiver)
{
	struct mbox_ext ext;
	struct peer *p;
	int h = mb_create_named("files-call", MBOX_SEND, 0600);

	close(self->h);
	self->h = h;
	p = peer_call_file(self, &ext);
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(-ENXIO, peer_join(p));
	close(self->p[1]);
	EXPECT_TRUE(pipe_closed(self->p[0]));
	EXPECT_EQ(0, mb_unlink("files-call"));
}

/* The second needs no files to go on: by then the first has sent them. */
TEST_F(mailbox, a_call_that_is_resumed_sends_no_files)
{
	struct mbox_ext ext = {
		.size = sizeof(ext),
		.files = (unsigned long)&self->p[1],
		.file_count = 1,
	};
	struct mbox_msg_args args = {
		.flags = MBOX_EXT,
		.ext = (unsigned long)&ext,
		.id = 12345,
	};

	close(self->p[1]);
	EXPECT_EQ(-ESRCH, mb_call(self->h, &args));
	args.flags |= MBOX_ABANDON;
	EXPECT_EQ(-ESRCH, mb_call(self->h, &args));
	args.flags = MBOX_EXT;
	args.id = 0;
	EXPECT_EQ(-EBADF, mb_call(self->h, &args));
}

static long serve_one(struct peer *p)
{
	struct files in;

	files_init(&in, 1);
	in.args.flags = MBOX_WAIT_FOREVER | MBOX_EXT;
	if (mb_recv(p->fd, &in.args) || in.ext.out_file_count != 1)
		return -EINVAL;
	close(in.fds[0]);
	return num_reply(p->fd, in.args.out_token, 9);
}

TEST_F(mailbox, a_call_whose_files_were_closed_can_be_resumed)
{
	struct mbox_ext ext = {
		.files = (unsigned long)&self->p[1],
		.file_count = 1,
	};
	struct mbox_msg_args args = { .reply_buf = 1, .reply_len = 8 };
	struct peer *server = peer_new(self->h, serve_one);
	__u32 answer = 0;

	ASSERT_TRUE(peer_start(server));
	EXPECT_EQ(-EFAULT, mb_ext(self->h, MBOX_IOC_CALL, &args, &ext));
	EXPECT_EQ(0, peer_join(server));
	ASSERT_NE(0, args.id);
	close(self->p[1]);
	EXPECT_TRUE(pipe_closed(self->p[0]));
	args.reply_buf = (unsigned long)&answer;
	EXPECT_EQ(0, mb_ext(self->h, MBOX_IOC_CALL, &args, &ext));
	EXPECT_EQ(9, answer);
}

TEST_F(mailbox, a_blocked_call_is_refused_when_the_last_receiver_goes)
{
	struct mbox_ext ext;
	struct peer *p;
	int send, h = mb_create_named("files-call", MB_RW, 0600);

	send = mb_open("files-call", MBOX_SEND);
	close(self->h);
	self->h = send;
	ASSERT_EQ(0, mb_set_max_messages(h, 1));
	ASSERT_EQ(0, num_send(h, 0, 0, 1));
	p = peer_call_file(self, &ext);
	ASSERT_TRUE(peer_calls(p));
	close(h);
	EXPECT_EQ(-ENXIO, peer_join(p));
	EXPECT_EQ(0, mb_stat_of(send).calls);
	close(self->p[1]);
	EXPECT_TRUE(pipe_closed(self->p[0]));
	EXPECT_EQ(0, mb_unlink("files-call"));
}

TEST_F(mailbox, synchronous_and_asynchronous_sends_carry_files)
{
	int reply_to = mb_create_anon();
	struct mbox_ext ext;
	struct peer *p = peer_call_file(self, &ext);

	p->cmd = MBOX_IOC_SEND;
	p->args.reply_buf = 0;
	p->args.reply_len = 0;
	p->args.flags |= MBOX_SYNC;
	ASSERT_TRUE(peer_calls(p));
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	close(self->in.fds[0]);

	ext.reply_to = reply_to;
	EXPECT_EQ(0, files_send_ext(self->h, &ext, MBOX_REPLY_TO));
	close(self->p[1]);
	ASSERT_EQ(0, take(self, 1, 0));
	EXPECT_EQ(1, self->in.ext.out_file_count);
	EXPECT_EQ(MBOX_MSG_CALL, self->in.args.out_flags);
	close(self->in.fds[0]);
	EXPECT_EQ(0, num_finish(self->h, self->in.args.out_token,
				MBOX_FINISH_REPLY));
	EXPECT_TRUE(pipe_closed(self->p[0]));
	EXPECT_EQ(0, num_recv(reply_to));
	close(reply_to);
}

/* Each waits for the other's answer; nobody is left who could give it. */
TEST_F(mailbox, g15_requests_with_each_others_mailbox_and_files)
{
	int a = mb_create_anon(), b = mb_create_anon();
	int to_a = mb_narrow(a, MBOX_SEND, 0), to_b = mb_narrow(b, MBOX_SEND, 0);
	const int files[] = { to_a, to_b, self->p[1] };
	struct mbox_ext ext = { .files = (unsigned long)files, .file_count = 3 };

	ext.reply_to = b;
	EXPECT_EQ(0, files_send_ext(a, &ext, MBOX_REPLY_TO));
	ext.reply_to = a;
	EXPECT_EQ(0, files_send_ext(b, &ext, MBOX_REPLY_TO));
	close(to_a);
	close(to_b);
	close(self->p[1]);
	close(a);
	EXPECT_TRUE(pipe_open(self->p[0]));
	close(b);
	EXPECT_TRUE(wait_until(pipe_closed(self->p[0])));
}

TEST_F(mailbox, answers_carry_none)
{
	struct mbox_ext ext = {
		.files = (unsigned long)self->p,
		.file_count = 1,
	};
	struct mbox_msg_args args = { .id = 1 };

	EXPECT_EQ(-EINVAL, mb_ext(self->h, MBOX_IOC_FINISH, &args, &ext));
	close(self->p[1]);
}

/* ---- batches ---- */

TEST_F(mailbox, batches_carry_files)
{
	struct mbox_msg_args msgs[3] = { };
	struct mbox_ext ext[3] = { };
	int fds[3][2];
	struct mbox_batch_args batch = {
		.msgs = (unsigned long)msgs,
		.count = 3,
	};
	int i;

	for (i = 0; i < 3; i++) {
		ext[i].size = sizeof(ext[i]);
		ext[i].files = (unsigned long)&self->p[1];
		ext[i].file_count = 1;
		msgs[i].flags = MBOX_WAIT_NONE | MBOX_EXT;
		msgs[i].ext = (unsigned long)&ext[i];
	}
	EXPECT_EQ(3, mb_ioctl(self->h, MBOX_IOC_SENDV, &batch));
	EXPECT_EQ(3, user_files());
	/* What stops the second leaves the first sent, and no file behind. */
	ext[1].files = 0;
	EXPECT_EQ(1, mb_ioctl(self->h, MBOX_IOC_SENDV, &batch));
	EXPECT_EQ(4, user_files());
	close(self->p[1]);

	for (i = 0; i < 3; i++)
		ext[i].files = (unsigned long)fds[i];
	ext[1].files = 0;
	ext[1].file_count = 0;
	EXPECT_EQ(3, mb_ioctl(self->h, MBOX_IOC_RECVV, &batch));
	EXPECT_EQ(1, user_files());
	EXPECT_EQ(MBOX_MSG_FILES_LOST, msgs[1].out_flags);
	EXPECT_EQ(1, ext[0].out_file_count);
	EXPECT_EQ(0, ext[1].out_file_count);
	EXPECT_EQ(1, ext[2].out_file_count);
	close(fds[0][0]);
	close(fds[2][0]);
	EXPECT_TRUE(pipe_open(self->p[0]));
	EXPECT_EQ(0, mb_get(self->h, self->in.buf, 8));
	EXPECT_TRUE(pipe_closed(self->p[0]));
}

TEST_F(mailbox, a_batch_that_is_cut_short_leaves_the_rest_with_its_files)
{
	struct mbox_msg_args msgs[3] = { };
	struct mbox_ext ext[3] = { };
	int fds[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int i, count;
	struct mbox_batch_args batch = {
		.msgs = (unsigned long)msgs,
		.count = 3,
	};

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, file_send(self->h, self->p[1]));
		ext[i].size = sizeof(ext[i]);
		ext[i].files = (unsigned long)fds[i];
		ext[i].file_count = 1;
		msgs[i].flags = MBOX_WAIT_NONE | MBOX_EXT | MBOX_TRUNCATE;
		msgs[i].ext = (unsigned long)&ext[i];
	}
	ext[1].files = 8;	/* faults */
	count = fd_count();
	EXPECT_EQ(1, mb_ioctl(self->h, MBOX_IOC_RECVV, &batch));
	EXPECT_EQ(count + 1, fd_count());
	EXPECT_EQ(2, user_files());
	close(fds[0][0]);
	ext[1].files = (unsigned long)fds[1];
	EXPECT_EQ(2, mb_ioctl(self->h, MBOX_IOC_RECVV, &batch));
	EXPECT_EQ(count + 2, fd_count());
	close(self->p[1]);
}

TEST_HARNESS_MAIN
