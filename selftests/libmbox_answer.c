// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, deliveries for which an answer is owed: mbox_reply(), mbox_fail(),
 * mbox_done(), mbox_back(), mbox_reply_recv(), and leases.
 */
#include "libmbox_test.h"
#include "mbox_call.h"

#define MSEC		((int64_t)NSEC_PER_MSEC)

FIXTURE(answer) {
	int mb;
	int in;			/* the same, MBOX_RECV only */
	int out;		/* MBOX_SEND only */
	char buf[64];
	struct mbox_recvmsg any;	/* what is there, into @buf */
	struct mbox_recvmsg lease;	/* likewise */
	struct mbox_header header;
};

FIXTURE_SETUP(answer)
{
	MB_NEED_DEVICE();
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	memset(self->buf, MB_POISON, sizeof(self->buf));
	memset(&self->header, MB_POISON, sizeof(self->header));
	self->any = (struct mbox_recvmsg){
		.buf = self->buf, .len = 64, .flags = MBOX_WAIT_NONE,
	};
	self->lease = self->any;
	self->lease.flags |= MBOX_LEASE;
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
}

FIXTURE_TEARDOWN(answer)
{
}

#define REPLY_LEN	6

/* Calls "ask"; the test gets the result, or minus errno. */
static long call(struct peer *p)
{
	return RESULT(mbox_call(p->fd, "ask", 3, p->data, REPLY_LEN));
}

static struct peer *peer_asks(int out)
{
	struct peer *p = peer_new(out, call);

	if (!peer_calls(p))
		abort();
	return p;
}

static uint32_t take(int fd, const struct mbox_recvmsg *msg)
{
	struct mbox_header header = { .token = 0 };

	mbox_recvmsg(fd, msg, &header);
	return header.token;
}

/* Whether the peer got @reply. */
static bool got(struct peer *p, const char *reply)
{
	return peer_join(p) == (long)strlen(reply) &&
	       !strncmp(p->data, reply, PEER_DATA);
}

/* Every function that takes a token, with one that is not good. */
static void expect_all(struct __test_metadata *_metadata, int error, int fd,
		       uint32_t token)
{
	const struct mbox_recvmsg msg = { .flags = MBOX_WAIT_NONE };
	uint32_t reply_to = token;

	EXPECT_ERRNO(error, mbox_reply(fd, token, "x", 1));
	EXPECT_ERRNO(error, mbox_fail(fd, token, 1));
	EXPECT_ERRNO(error, mbox_done(fd, token));
	EXPECT_ERRNO(error, mbox_back(fd, token));
	EXPECT_ERRNO(error, mbox_reply_recv(fd, &reply_to, "x", 1, &msg, NULL));
	EXPECT_EQ(token, reply_to);
}

/* ---- whose token ---- */

struct other {
	int fd;
	uint32_t token;
};

static void other_process(struct __test_metadata *_metadata, void *arg)
{
	const struct other *other = arg;

	expect_all(_metadata, ESRCH, other->fd, other->token);
}

TEST_F(answer, not_ones_own_token_is_esrch)
{
	struct peer *p = peer_asks(self->out);
	struct other other = { self->in, take(self->in, &self->any) };
	pid_t pid;

	ASSERT_NE(0, other.token);
	expect_all(_metadata, ESRCH, self->in, other.token + 1);
	expect_all(_metadata, ESRCH, self->mb, other.token);
	EXPECT_ERRNO(ESRCH, mbox_reply(self->in, 0, "x", 1));
	EXPECT_ERRNO(ESRCH, mbox_fail(self->in, 0, 1));
	EXPECT_ERRNO(ESRCH, mbox_done(self->in, 0));
	EXPECT_ERRNO(ESRCH, mbox_back(self->in, 0));
	pid = mb_fork(_metadata, other_process, &other);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_OK(0, mbox_reply(self->in, other.token, "here", 4));
	EXPECT_TRUE(got(p, "here"));
	expect_all(_metadata, ESRCH, self->in, other.token);
}

TEST_F(answer, wrong_handle_is_ebadf_or_enotty)
{
	int null = open("/dev/null", O_RDWR);

	expect_all(_metadata, EBADF, -1, 1);
	expect_all(_metadata, EBADF, self->out, 1);
	ASSERT_LE(0, null);
	expect_all(_metadata, ENOTTY, null, 1);
}

/* ---- reply and fail ---- */

TEST_F(answer, reply_longer_than_asked_for_is_emsgsize_and_may_be_shortened)
{
	struct peer *p = peer_asks(self->out);
	uint32_t token = take(self->in, &self->any);

	EXPECT_ERRNO(EMSGSIZE, mbox_reply(self->in, token, "1234567", 7));
	EXPECT_ERRNO(EMSGSIZE, mbox_reply(self->in, token, "1", SIZE_MAX));
	EXPECT_ERRNO(EFAULT, mbox_reply(self->in, token, BAD_PTR, 1));
	EXPECT_OK(0, mbox_reply(self->in, token, "123456", 6));
	EXPECT_TRUE(got(p, "123456"));
}

static long call_once(struct peer *p)
{
	return RESULT(mbox_timedcall(p->fd, "ask", 3, NULL, 0, -1));
}

TEST_F(answer, caller_gone_is_epipe)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct peer *p = peer_new(self->out, call_once);
		uint32_t token;

		ASSERT_TRUE(peer_calls(p));
		token = take(self->in, &self->any);
		ASSERT_TRUE(peer_sleeps(p));
		pthread_kill(p->thread, SIGUSR1);
		EXPECT_EQ(-EINTR, peer_join(p));
		if (i == 0)
			EXPECT_ERRNO(EPIPE, mbox_reply(self->in, token, "", 0));
		if (i == 1)
			EXPECT_ERRNO(EPIPE, mbox_fail(self->in, token, 1));
		/* These two answer nobody, and owe nothing. */
		if (i == 2)
			EXPECT_OK(0, mbox_done(self->in, token));
		if (i == 3)
			EXPECT_OK(0, mbox_back(self->in, token));
		EXPECT_ERRNO(ESRCH, mbox_done(self->in, token));
		EXPECT_TRUE(all_over(self->mb));
	}
}

TEST_F(answer, nobody_asked_is_einval)
{
	uint32_t token, again;

	ASSERT_EQ(0, mbox_send(self->out, "job", 3));
	token = take(self->in, &self->lease);
	again = token;
	EXPECT_ERRNO(EINVAL, mbox_reply(self->in, token, "x", 1));
	EXPECT_ERRNO(EINVAL, mbox_fail(self->in, token, 1));
	EXPECT_ERRNO(EINVAL, mbox_reply_recv(self->in, &again, "x", 1,
					     &self->any, &self->header));
	EXPECT_EQ(token, again);
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_OK(0, mbox_done(self->in, token));
}

TEST_F(answer, fail_with_code_zero_is_einval)
{
	struct peer *p = peer_asks(self->out);
	uint32_t token = take(self->in, &self->any);

	EXPECT_ERRNO(EINVAL, mbox_fail(self->in, token, 0));
	EXPECT_OK(0, mbox_fail(self->in, token, 1));
	EXPECT_EQ(-EREMOTEIO, peer_join(p));
}

/* ---- done and back ---- */

TEST_F(answer, leased_is_held_until_done)
{
	ASSERT_EQ(0, mbox_send(self->out, "job", 3));
	EXPECT_OK(3, mbox_recvmsg(self->in, &self->lease, &self->header));
	EXPECT_NE(0, self->header.token);
	EXPECT_EQ(0, self->header.flags);
	EXPECT_EQ(1, stat_of(self->mb).messages);
	EXPECT_EQ(1, stat_of(self->mb).tokens);
	EXPECT_ERRNO(EAGAIN, mbox_recvmsg(self->in, &self->any, NULL));
	EXPECT_OK(0, mbox_done(self->in, self->header.token));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(answer, back_is_received_again_and_marked)
{
	struct mbox_header *h = &self->header;

	ASSERT_EQ(0, mbox_send(self->out, "1", 1));
	ASSERT_EQ(0, mbox_send(self->out, "2", 1));
	EXPECT_OK(0, mbox_back(self->in, take(self->in, &self->lease)));
	EXPECT_OK(1, mbox_recvmsg(self->in, &self->any, h));
	EXPECT_EQ('1', self->buf[0]);
	EXPECT_EQ(MBOX_MSG_REDELIVERED, h->flags);
	EXPECT_EQ(2, h->deliveries);
	EXPECT_EQ(0, h->token);
	EXPECT_EQ(1, mbox_recvmsg(self->in, &self->any, h));
	EXPECT_EQ(0, h->flags);
}

TEST_F(answer, call_that_was_put_back_goes_on)
{
	struct peer *p = peer_asks(self->out);

	EXPECT_OK(0, mbox_back(self->in, take(self->in, &self->any)));
	EXPECT_EQ(3, mbox_recvmsg(self->mb, &self->any, &self->header));
	EXPECT_EQ(MBOX_MSG_CALL | MBOX_MSG_REDELIVERED, self->header.flags);
	EXPECT_EQ(0, mbox_reply(self->mb, self->header.token, "ok", 2));
	EXPECT_TRUE(got(p, "ok"));
}

TEST_F(answer, lease_runs_out)
{
	int64_t start = mb_now(CLOCK_MONOTONIC);
	uint32_t token;

	ASSERT_EQ(0, mbox_send(self->out, "job", 3));
	self->lease.lease_time = 50 * MSEC;
	token = take(self->in, &self->lease);
	ASSERT_NE(0, token);
	self->any.flags = 0;
	EXPECT_EQ(3, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_LE(start + 50 * MSEC, (int64_t)mb_now(CLOCK_MONOTONIC));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, self->header.flags);
	EXPECT_ERRNO(ESRCH, mbox_done(self->in, token));
	EXPECT_ERRNO(ESRCH, mbox_back(self->in, token));
}

TEST_F(answer, lease_bad_field_is_einval)
{
	struct mbox_recvmsg bad[] = {
		{ .flags = MBOX_LEASE | MBOX_PEEK },
		{ .flags = MBOX_LEASE, .lease_time = -1 },
		{ .lease_time = 1 },
		{ .flags = MBOX_SYNC },
		{ .flags = MBOX_REPLY_TO },
		{ .flags = MBOX_ABANDON },
	};
	uint32_t none = 0;

	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, mbox_recvmsg(self->in, &bad[i],
						  &self->header))
			TH_LOG("case %u", i);
	}
	EXPECT_ERRNO(EINVAL, mbox_recvmsg(self->in, &self->lease, NULL));
	EXPECT_ERRNO(EINVAL, mbox_recvv(self->in, &self->lease, NULL, 1));
	EXPECT_ERRNO(EINVAL, mbox_reply_recv(self->in, &none, NULL, 0,
					     &self->lease, NULL));
	EXPECT_OK(0, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(1, self->header.deliveries);
}

/* ---- reply and receive ---- */

TEST_F(answer, reply_recv_is_a_servers_loop)
{
	uint32_t token = 0;

	for (int i = 0; i < 3; i++) {
		struct peer *p = peer_asks(self->out);

		/* Without a token, the reply is that of nobody. */
		EXPECT_OK(3, mbox_reply_recv(self->in, &token, "no", 2,
					     &self->any, &self->header));
		EXPECT_EQ(0, token);
		EXPECT_EQ(MBOX_MSG_CALL, self->header.flags);
		token = self->header.token;
		ASSERT_NE(0, token);
		ASSERT_EQ(0, mbox_send(self->out, "next", 4));
		EXPECT_OK(4, mbox_reply_recv(self->in, &token, "yes", 3,
					     &self->any, &self->header));
		EXPECT_EQ(0, token);
		EXPECT_EQ(0, self->header.flags);
		EXPECT_EQ(0, self->header.token);
		EXPECT_EQ(0, memcmp(self->buf, "next", 4));
		EXPECT_TRUE(got(p, "yes"));
	}
}

TEST_F(answer, reply_recv_that_gets_nothing_has_answered)
{
	const struct mbox_header expected = { .len = 5 };
	struct mbox_recvmsg msg = { .flags = MBOX_WAIT_NONE };
	struct peer *p = peer_asks(self->out);
	uint32_t token = take(self->in, &self->any);

	EXPECT_ERRNO(EAGAIN, mbox_reply_recv(self->in, &token, "one", 3, &msg,
					     &self->header));
	EXPECT_EQ(0, token);
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_TRUE(got(p, "one"));

	p = peer_asks(self->out);
	token = take(self->in, &self->any);
	ASSERT_EQ(0, mbox_send(self->out, "12345", 5));
	EXPECT_ERRNO(EMSGSIZE, mbox_reply_recv(self->in, &token, "two", 3, &msg,
					       &self->header));
	EXPECT_EQ(0, token);
	EXPECT_EQ(0, memcmp(&expected, &self->header, sizeof(expected)));
	EXPECT_TRUE(got(p, "two"));
}

TEST_F(answer, reply_recv_that_cannot_answer_gets_nothing)
{
	struct peer *p = peer_asks(self->out);
	const uint32_t taken = take(self->in, &self->any);
	uint32_t token = taken;

	ASSERT_EQ(0, mbox_send(self->out, "next", 4));
	EXPECT_ERRNO(EMSGSIZE, mbox_reply_recv(self->in, &token, "1234567", 7,
					       &self->any, &self->header));
	EXPECT_ERRNO(EMSGSIZE, mbox_reply_recv(self->in, &token, "1", SIZE_MAX,
					       &self->any, &self->header));
	EXPECT_ERRNO(EFAULT, mbox_reply_recv(self->in, &token, BAD_PTR, 1,
					     &self->any, &self->header));
	self->any.flags |= MBOX_PEEK;
	EXPECT_ERRNO(EINVAL, mbox_reply_recv(self->in, &token, "1", 1,
					     &self->any, &self->header));
	self->any.flags = UNKNOWN_FLAG;
	EXPECT_ERRNO(EINVAL, mbox_reply_recv(self->in, &token, "1", 1,
					     &self->any, &self->header));
	EXPECT_EQ(taken, token);
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_EQ(1, stat_of(self->mb).tokens);
	EXPECT_OK(0, mbox_reply(self->in, token, "1", 1));
	EXPECT_TRUE(got(p, "1"));
}

TEST_F(answer, reply_recv_to_nobody_goes_on_and_says_so)
{
	struct peer *p = peer_asks(self->out);
	uint32_t token = take(self->in, &self->any);

	ASSERT_TRUE(peer_sleeps(p));
	pthread_kill(p->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(p));
	ASSERT_EQ(0, mbox_send(self->out, "next", 4));
	EXPECT_OK(4, mbox_reply_recv(self->in, &token, "late", 4, &self->any,
				     &self->header));
	EXPECT_EQ(0, token);
	EXPECT_EQ(MBOX_MSG_STALE, self->header.flags);
}

TEST_F(answer, reply_recv_leases)
{
	uint32_t token = 0;

	ASSERT_EQ(0, mbox_send(self->out, "job", 3));
	EXPECT_OK(3, mbox_reply_recv(self->in, &token, NULL, 0, &self->lease,
				     &self->header));
	EXPECT_EQ(0, token);
	EXPECT_OK(0, mbox_done(self->in, self->header.token));
}

/* A server that answers @token and waits for more. */
struct server {
	uint32_t token;
	struct mbox_recvmsg msg;
	struct mbox_header header;
};

static long reply_recv(struct peer *p)
{
	struct server *s = p->arg;

	return RESULT(mbox_reply_recv(p->fd, &s->token, "answer", 6, &s->msg,
				      &s->header));
}

TEST_F(answer, reply_recv_interrupted_does_not_answer_twice)
{
	struct peer *client = peer_asks(self->out);
	struct server s = { .msg = { .buf = self->buf, .len = 64 } };
	struct peer *server = peer_new(self->in, reply_recv);

	server->arg = &s;
	s.token = take(self->in, &self->any);
	ASSERT_NE(0, s.token);
	ASSERT_TRUE(peer_start(server) && receivers_blocked(self->in, 1));
	EXPECT_TRUE(got(client, "answer"));
	pthread_kill(server->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(server));
	EXPECT_EQ(0, s.token);
	ASSERT_EQ(0, mbox_send(self->out, "next", 4));
	EXPECT_OK(4, mbox_reply_recv(self->in, &s.token, "answer", 6, &s.msg,
				     &s.header));
}

TEST_F(answer, reply_recv_restarted_does_not_answer_twice)
{
	struct peer *client = peer_asks(self->out);
	struct server s = { .msg = { .buf = self->buf, .len = 64 } };
	struct peer *server = peer_new(self->in, reply_recv);
	int before = signals();

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	server->arg = &s;
	s.token = take(self->in, &self->any);
	ASSERT_NE(0, s.token);
	ASSERT_TRUE(peer_start(server) && receivers_blocked(self->in, 1));
	EXPECT_TRUE(got(client, "answer"));
	pthread_kill(server->thread, SIGUSR1);
	ASSERT_TRUE(wait_until(signals() == before + 1));
	ASSERT_EQ(0, mbox_send(self->out, "next", 4));
	EXPECT_EQ(4, peer_join(server));
	EXPECT_EQ(0, s.token);
}

TEST_HARNESS_MAIN
