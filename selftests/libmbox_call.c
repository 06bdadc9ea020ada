// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, calls as their callers see them: mbox_call(), mbox_timedcall() and
 * mbox_callmsg(). Calls that are interrupted are in libmbox_resume.c.
 */
#include "libmbox_call.h"

#define MSEC		((int64_t)NSEC_PER_MSEC)
#define A_WHILE		(30 * MSEC)

FIXTURE(call) {
	int mb;
	int in;			/* the same, MBOX_RECV only */
	int out;		/* MBOX_SEND only, badge 7 */
	char buf[64];
	struct mbox_recvmsg any;	/* into @buf */
	struct mbox_header header;
};

FIXTURE_SETUP(call)
{
	MB_NEED_DEVICE();
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 7);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	memset(self->buf, MB_POISON, sizeof(self->buf));
	memset(&self->header, MB_POISON, sizeof(self->header));
	self->any.buf = self->buf;
	self->any.len = sizeof(self->buf);
}

FIXTURE_TEARDOWN(call)
{
}

/* ---- success ---- */

TEST_F(call, is_answered)
{
	static long (*const calls[])(struct peer *p) = { call, timedcall };

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		struct mbox_header *h = &self->header;
		struct peer *p = peer_new(self->out, calls[i]);

		ASSERT_TRUE(peer_calls(p));
		EXPECT_OK(3, mbox_recvmsg(self->in, &self->any, h));
		EXPECT_EQ(0, memcmp(self->buf, "ask\xcc", 4));
		EXPECT_EQ(MBOX_MSG_CALL, h->flags);
		EXPECT_EQ(REPLY_LEN, h->reply_max);
		EXPECT_EQ(0, h->code);
		EXPECT_NE(0, h->token);
		EXPECT_EQ(0, h->file_count);
		EXPECT_EQ(7, h->badge);
		EXPECT_EQ(1, stat_of(self->mb).calls);
		EXPECT_EQ(1, stat_of(self->mb).tokens);
		EXPECT_OK(0, mbox_reply(self->in, h->token, "answer", 6));
		EXPECT_EQ(6, peer_join(p));
		EXPECT_EQ(0, memcmp(p->data, "answer\0", 7));
		EXPECT_TRUE(all_over(self->mb));
	}
}

TEST_F(call, sends_all_that_is_said_of_the_request)
{
	const struct iovec iov[] = { { "ab", 2 }, { "c", 1 } };
	struct callmsg c = {
		.msg = {
			.iov = iov, .iov_count = 2, .type = UINT64_MAX - 2,
			.priority = 9,
		},
	};
	struct peer *p = peer_callmsg(self->out, &c);

	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(3, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(0, memcmp(self->buf, "abc\xcc", 4));
	EXPECT_EQ(UINT64_MAX - 2, self->header.type);
	EXPECT_EQ(9, self->header.priority);
	EXPECT_EQ(0, mbox_reply(self->in, self->header.token, NULL, 0));
	EXPECT_EQ(0, peer_join(p));
}

static void serve_one(struct __test_metadata *_metadata, void *arg)
{
	const struct mbox_recvmsg msg = { .flags = MBOX_TRUNCATE };
	struct mbox_header header;
	int in = *(int *)arg;

	ASSERT_EQ(0, mbox_recvmsg(in, &msg, &header));
	ASSERT_EQ(0, mbox_reply(in, header.token, "re", 2));
}

TEST_F(call, tells_who_answered)
{
	struct mbox_callmsg msg = { .reply = self->buf, .reply_len = 64 };
	const struct mbox_header *h = &self->header;
	pid_t pid = mb_fork(_metadata, serve_one, &self->in);

	ASSERT_LT(0, pid);
	EXPECT_OK(2, mbox_callmsg(self->out, &msg, &self->header));
	EXPECT_EQ(0, msg.id);
	EXPECT_EQ(pid, h->pid);
	EXPECT_EQ(geteuid(), h->uid);
	EXPECT_EQ(getegid(), h->gid);
	EXPECT_EQ(2, h->len);
	EXPECT_EQ(MBOX_MSG_REPLY, h->flags);
	EXPECT_EQ(0, h->badge);
	EXPECT_EQ(0, h->token);
	EXPECT_EQ(0, h->code);
	EXPECT_EQ(0, h->reply_max);
	EXPECT_EQ(0, h->file_count);
	EXPECT_EQ(0, mb_wait(pid));

	/* And to who does not want to know. */
	pid = mb_fork(_metadata, serve_one, &self->in);
	EXPECT_OK(2, mbox_callmsg(self->out, &msg, NULL));
	EXPECT_EQ(0, mb_wait(pid));
}

/* ---- bad ends ---- */

TEST_F(call, refused_is_eremoteio_with_a_code)
{
	struct callmsg c = { .msg = { .priority = 3 } };
	struct peer *p = peer_callmsg(self->out, &c);

	ASSERT_TRUE(peer_calls(p));
	EXPECT_OK(0, mbox_fail(self->in, take(self->in), UINT32_MAX));
	EXPECT_EQ(-EREMOTEIO, peer_join(p));
	EXPECT_EQ(UINT32_MAX, c.header.code);
	EXPECT_EQ(MBOX_MSG_REPLY | MBOX_MSG_FAILED, c.header.flags);
	EXPECT_EQ(getpid(), c.header.pid);
	EXPECT_EQ(0, c.header.reply_max);
	EXPECT_EQ(0, c.header.len);
	EXPECT_EQ(0, c.msg.id);

	p = peer_new(self->out, call);
	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(0, mbox_fail(self->in, take(self->in), 1));
	EXPECT_EQ(-EREMOTEIO, peer_join(p));
	EXPECT_TRUE(all_over(self->mb));
}

static void take_and_die(struct __test_metadata *_metadata, void *in)
{
	ASSERT_NE(0, take(*(int *)in));
}

TEST_F(call, server_gone_is_econnreset)
{
	struct callmsg c = { .msg = { .type = 0 } };
	struct peer *p = peer_callmsg(self->out, &c);
	pid_t pid;

	ASSERT_TRUE(peer_calls(p));
	pid = mb_fork(_metadata, take_and_die, &self->in);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(-ECONNRESET, peer_join(p));
	EXPECT_EQ(0, c.msg.id);
	EXPECT_TRUE(poisoned(&c.header, sizeof(c.header)));

	p = peer_new(self->out, call);
	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(0, mbox_done(self->in, take(self->in)));
	EXPECT_EQ(-ECONNRESET, peer_join(p));
}

/* A call that nobody could answer, as nobody was told its token. */
TEST_F(call, received_without_a_header_is_econnreset)
{
	const struct mbox_recvmsg msg = { .flags = MBOX_TRUNCATE };
	struct peer *p;
	char *buf = self->buf;

#define EXPECT_RESET(result, receive) do { \
	p = peer_new(self->out, call); \
	ASSERT_TRUE(peer_calls(p)); \
	EXPECT_OK(result, receive); \
	EXPECT_EQ(-ECONNRESET, peer_join(p)); \
} while (0)
	EXPECT_RESET(3, mbox_recv(self->in, buf, 8));
	EXPECT_RESET(3, mbox_timedrecv(self->in, buf, 8, 0));
	EXPECT_RESET(0, mbox_recvmsg(self->in, &msg, NULL));
	EXPECT_RESET(3, mbox_recv_from(self->in, 0, buf, 8, 0));
	EXPECT_RESET(1, mbox_recvv(self->in, &self->any, NULL, 1));
#undef EXPECT_RESET
}

TEST_F(call, nobody_to_receive_is_epipe)
{
	struct mbox_callmsg msg = { .len = 0 };

	close(self->mb);
	close(self->in);
	EXPECT_ERRNO(EPIPE, mbox_call(self->out, "ask", 3, self->buf, 8));
	EXPECT_ERRNO(EPIPE, mbox_timedcall(self->out, "", 0, NULL, 0, -1));
	EXPECT_ERRNO(EPIPE, mbox_callmsg(self->out, &msg, NULL));
}

TEST_F(call, full_mailbox_is_eagain_if_nonblocking)
{
	const struct mbox_set one = {
		.mask = MBOX_SET_MAX_MESSAGES, .max_messages = 1,
	};
	struct mbox_callmsg msg = { .len = 0 };

	ASSERT_EQ(0, mbox_set(self->mb, &one));
	ASSERT_EQ(0, mbox_send(self->out, "x", 1));
	ASSERT_EQ(0, fcntl(self->out, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(EAGAIN, mbox_call(self->out, "ask", 3, self->buf, 8));
	EXPECT_ERRNO(EAGAIN, mbox_callmsg(self->out, &msg, NULL));
	EXPECT_EQ(0, msg.id);
	/* An explicit timeout beats the handle. */
	EXPECT_ERRNO(ETIMEDOUT, mbox_timedcall(self->out, "ask", 3, self->buf,
					       8, MSEC));
}

TEST_F(call, request_too_long_is_emsgsize)
{
	const struct mbox_set small = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE, .max_message_size = 4,
	};
	struct mbox_callmsg msg = { .buf = "12345", .len = 5 };

	ASSERT_EQ(0, mbox_set(self->mb, &small));
	EXPECT_ERRNO(EMSGSIZE, mbox_call(self->out, "12345", 5, NULL, 0));
	EXPECT_ERRNO(EMSGSIZE, mbox_callmsg(self->out, &msg, &self->header));
	EXPECT_EQ(0, msg.id);
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
}

TEST_F(call, reply_room_is_cut_to_what_a_message_may_be)
{
	const struct mbox_set small = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE, .max_message_size = 10,
	};
	struct peer *p = peer_new(self->out, call);

	ASSERT_EQ(0, mbox_set(self->mb, &small));
	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(3, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(10, self->header.reply_max);
	EXPECT_EQ(0, mbox_reply(self->in, self->header.token, "0123456789", 10));
	EXPECT_EQ(10, peer_join(p));
}

/* ---- time ---- */

TEST_F(call, timeout_passed_is_etimedout_and_the_call_given_up)
{
	struct mbox_callmsg msg = {
		.flags = MBOX_WAIT_FOR, .timeout = A_WHILE,
	};
	int64_t end = mb_in(A_WHILE);

	EXPECT_ERRNO(ETIMEDOUT,
		     mbox_timedcall(self->out, "ask", 3, NULL, 0, A_WHILE));
	EXPECT_LE(end, (int64_t)mb_now(CLOCK_MONOTONIC));
	end = mb_in(A_WHILE);
	EXPECT_ERRNO(ETIMEDOUT, mbox_callmsg(self->out, &msg, &self->header));
	EXPECT_LE(end, (int64_t)mb_now(CLOCK_MONOTONIC));
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_TRUE(all_over(self->mb));

	msg.flags = MBOX_WAIT_UNTIL;
	msg.timeout = 0;
	EXPECT_ERRNO(ETIMEDOUT, mbox_callmsg(self->out, &msg, NULL));
	EXPECT_EQ(0, msg.id);
	EXPECT_TRUE(all_over(self->mb));
}

static long call_for_a_while(struct peer *p)
{
	return RESULT(mbox_timedcall(p->fd, "ask", 3, p->data, REPLY_LEN,
				     20 * A_WHILE));
}

TEST_F(call, timeout_after_delivery_leaves_a_stale_token)
{
	struct peer *p = peer_new(self->out, call_for_a_while);
	uint32_t token;

	ASSERT_TRUE(peer_calls(p));
	token = take(self->in);
	ASSERT_NE(0, token);
	EXPECT_EQ(-ETIMEDOUT, peer_join(p));
	EXPECT_EQ(1, stat_of(self->in).stale_tokens);
	EXPECT_ERRNO(EPIPE, mbox_reply(self->in, token, "late", 4));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(call, timeout_zero_is_einval)
{
	struct mbox_callmsg zero = { .flags = MBOX_WAIT_FOR };
	struct mbox_callmsg none = { .flags = MBOX_WAIT_NONE };

	EXPECT_ERRNO(EINVAL, mbox_timedcall(self->out, "", 0, NULL, 0, 0));
	EXPECT_ERRNO(EINVAL, mbox_callmsg(self->out, &zero, NULL));
	EXPECT_ERRNO(EINVAL, mbox_callmsg(self->out, &none, NULL));
	EXPECT_TRUE(all_over(self->mb));
}

/* ---- bad arguments ---- */

TEST_F(call, bad_field_is_einval)
{
	const struct iovec iov = { "x", 1 };
	int file = 0;
	struct mbox_callmsg bad[] = {
		{ .priority = MBOX_PRIORITY_MAX + 1 },
		{ .priority = 1U << 16 },
		{ .flags = MBOX_TRUNCATE },
		{ .flags = MBOX_LEASE },
		{ .flags = MBOX_SYNC },
		{ .flags = MBOX_REPLY_TO },
		{ .flags = UNKNOWN_FLAG },
		{ .flags = MBOX_EXT },
		{ .flags = MBOX_PEEK_AFTER },
		{ .flags = MBOX_ABANDON },
		{ .flags = MBOX_ABANDON, .id = 1 },
		{ .iov_count = 1 },
		{ .iov = &iov },
		{ .iov = &iov, .iov_count = MBOX_IOV_MAX + 1 },
		{ .iov = &iov, .iov_count = 1, .len = 1 },
		{ .files = &file },
		{ .timeout = 1 },
		{ .deadline = 1 },
		{ .clock = CLOCK_MONOTONIC },
		{ .deadline = -1, .flags = MBOX_WAIT_UNTIL },
		{ .clock = -1, .flags = MBOX_WAIT_UNTIL },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, mbox_callmsg(self->out, &bad[i],
						  &self->header))
			TH_LOG("case %u", i);
	}
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(call, wrong_handle_is_ebadf_or_enotty)
{
	struct mbox_callmsg msg = { .len = 0 };
	struct mbox_callmsg unknown = { .id = 1ULL << 40 };
	int null = open("/dev/null", O_RDWR);

	EXPECT_ERRNO(EBADF, mbox_call(self->in, "", 0, NULL, 0));
	EXPECT_ERRNO(EBADF, mbox_timedcall(self->in, "", 0, NULL, 0, -1));
	EXPECT_ERRNO(EBADF, mbox_callmsg(self->in, &msg, NULL));
	EXPECT_ERRNO(EBADF, mbox_call(-1, "", 0, NULL, 0));
	EXPECT_ERRNO(ENOTTY, mbox_call(null, "", 0, NULL, 0));
	EXPECT_ERRNO(ENOTTY, mbox_timedcall(null, "", 0, NULL, 0, -1));
	EXPECT_ERRNO(ENOTTY, mbox_callmsg(null, &msg, NULL));
	EXPECT_ERRNO(ESRCH, mbox_callmsg(self->out, &unknown, NULL));
	EXPECT_EQ(0, unknown.id);
}

TEST_F(call, priority_is_the_schedulers_if_the_mailbox_says_so)
{
	const struct sched_param param = { .sched_priority = 42 };
	int mb = mbox_create(NULL, RW | MBOX_RT_PRIORITY, NULL);
	struct mbox_callmsg stated = { .priority = 1 };
	struct peer *p;

	ASSERT_LE(0, mb);
	EXPECT_EQ(MBOX_RT_PRIORITY, stat_of(mb).flags);
	EXPECT_ERRNO(EINVAL, mbox_callmsg(mb, &stated, NULL));
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		SKIP(return, "needs root");
	p = peer_new(mb, call);
	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(3, mbox_recvmsg(mb, &self->any, &self->header));
	EXPECT_EQ(42, self->header.priority);
	EXPECT_EQ(0, mbox_reply(mb, self->header.token, NULL, 0));
	EXPECT_EQ(0, peer_join(p));
}

/* ---- cancellation ---- */

TEST_F(call, is_no_cancellation_point)
{
	struct peer *p = peer_new(self->out, call);

	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(0, pthread_cancel(p->thread));
	EXPECT_EQ(0, mbox_reply(self->in, take(self->in), "1", 1));
	peer_join(p);
	EXPECT_EQ(1, p->ret);
}

TEST_HARNESS_MAIN
