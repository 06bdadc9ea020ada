// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, calls that are interrupted, gone on with, or given up: what
 * mbox_callmsg() leaves in mbox_callmsg.id, and mbox_abandon().
 */
#include "libmbox_call.h"

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
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
}

FIXTURE_TEARDOWN(call)
{
}

/* ---- signals ---- */

TEST_F(call, signal_before_delivery_takes_the_request_back)
{
	struct callmsg c = { .msg = { .type = 0 } };
	struct peer *p = peer_callmsg(self->out, &c);

	ASSERT_TRUE(peer_calls(p) && peer_sleeps(p));
	EXPECT_EQ(0, interrupt(p));
	EXPECT_EQ(-EINTR, peer_join(p));
	EXPECT_TRUE(all_over(self->mb));
	EXPECT_TRUE(poisoned(&c.header, sizeof(c.header)));
}

TEST_F(call, interrupted_is_gone_on_with)
{
	struct callmsg c = { .msg = { .type = 0 } };
	struct peer *p = peer_callmsg(self->out, &c);
	uint32_t token;

	ASSERT_TRUE(peer_calls(p));
	token = take(self->in);
	ASSERT_TRUE(peer_sleeps(p));
	ASSERT_NE(0, interrupt(p));

	/* Twice, the second time while it waits again. */
	p = peer_callmsg(self->out, &c);
	ASSERT_TRUE(peer_start(p) && peer_sleeps(p));
	ASSERT_NE(0, interrupt(p));
	EXPECT_OK(0, mbox_reply(self->in, token, "answer", 6));
	EXPECT_OK(6, mbox_callmsg(self->out, &c.msg, &c.header));
	EXPECT_EQ(0, memcmp(c.msg.reply, "answer", 7));
	EXPECT_EQ(MBOX_MSG_REPLY, c.header.flags);
	EXPECT_EQ(0, c.msg.id);
	EXPECT_EQ(1, stat_of(self->mb).sent);
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(call, signal_with_restart_goes_unnoticed)
{
	static long (*const calls[])(struct peer *p) = { call, timedcall };

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		struct peer *p = peer_new(self->out, calls[i]);
		int before = signals();
		uint32_t token;

		ASSERT_TRUE(peer_calls(p));
		token = take(self->in);
		ASSERT_TRUE(peer_sleeps(p));
		pthread_kill(p->thread, SIGUSR1);
		ASSERT_TRUE(wait_until(signals() == before + 1));
		EXPECT_EQ(0, mbox_reply(self->in, token, "answer", 6));
		EXPECT_EQ(6, peer_join(p));
	}
}

TEST_F(call, interrupted_in_short_is_given_up)
{
	static long (*const calls[])(struct peer *p) = { call, timedcall };

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		struct peer *p = peer_new(self->out, calls[i]);
		uint32_t token;

		ASSERT_TRUE(peer_calls(p));
		token = take(self->in);
		ASSERT_TRUE(peer_sleeps(p));
		pthread_kill(p->thread, SIGUSR1);
		EXPECT_EQ(-EINTR, peer_join(p));
		EXPECT_EQ(1, stat_of(self->in).stale_tokens);
		EXPECT_ERRNO(EPIPE, mbox_reply(self->in, token, "late", 4));
		EXPECT_TRUE(all_over(self->mb));
	}
}

/* The server puts the request back, and it is interrupted there too. */
TEST_F(call, interrupted_after_back_is_gone_on_with)
{
	struct callmsg c = { .msg = { .type = 0 } };
	struct peer *p = peer_callmsg(self->out, &c);
	uint32_t token;

	ASSERT_TRUE(peer_calls(p));
	token = take(self->in);
	ASSERT_TRUE(peer_sleeps(p));
	ASSERT_NE(0, interrupt(p));
	ASSERT_EQ(0, mbox_back(self->in, token));

	p = peer_callmsg(self->out, &c);
	ASSERT_TRUE(peer_start(p) && peer_sleeps(p));
	ASSERT_NE(0, interrupt(p));
	EXPECT_OK(0, mbox_reply(self->in, take(self->in), "answer", 6));
	EXPECT_OK(6, mbox_callmsg(self->out, &c.msg, &c.header));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(call, abandoned_is_over)
{
	struct callmsg c = { .msg = { .type = 0 } };
	struct peer *p = peer_callmsg(self->out, &c);
	uint32_t token;

	ASSERT_TRUE(peer_calls(p));
	token = take(self->in);
	ASSERT_TRUE(peer_sleeps(p));
	ASSERT_NE(0, interrupt(p));

	EXPECT_ERRNO(EINVAL, mbox_abandon(self->out, 0));
	EXPECT_ERRNO(ESRCH, mbox_abandon(self->out, c.msg.id + 1));
	EXPECT_ERRNO(ESRCH, mbox_abandon(self->out, c.msg.id + (1ULL << 32)));
	EXPECT_ERRNO(ESRCH, mbox_abandon(self->mb, c.msg.id));
	EXPECT_ERRNO(EBADF, mbox_abandon(self->in, c.msg.id));
	EXPECT_ERRNO(EBADF, mbox_abandon(-1, c.msg.id));
	EXPECT_ERRNO(ENOTTY, mbox_abandon(open("/dev/null", O_RDWR), c.msg.id));
	EXPECT_OK(0, mbox_abandon(self->out, c.msg.id));
	EXPECT_ERRNO(ESRCH, mbox_abandon(self->out, c.msg.id));
	EXPECT_ERRNO(ESRCH, mbox_callmsg(self->out, &c.msg, &self->header));
	EXPECT_EQ(0, c.msg.id);
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_ERRNO(EPIPE, mbox_reply(self->in, token, "late", 4));
}

/* What is refused before anything happens leaves the call as it was. */
TEST_F(call, gone_on_with_wrongly_can_still_be_gone_on_with)
{
	struct callmsg c = { .msg = { .type = 0 } };
	struct peer *p = peer_callmsg(self->out, &c);
	uint32_t token;
	uint64_t id;

	ASSERT_TRUE(peer_calls(p));
	token = take(self->in);
	ASSERT_TRUE(peer_sleeps(p));
	id = interrupt(p);
	ASSERT_NE(0, id);
	c.msg.flags = MBOX_WAIT_NONE;
	EXPECT_ERRNO(EINVAL, mbox_callmsg(self->out, &c.msg, NULL));
	c.msg.flags = UNKNOWN_FLAG;
	EXPECT_ERRNO(EINVAL, mbox_callmsg(self->out, &c.msg, NULL));
	c.msg.flags = 0;
	EXPECT_ERRNO(EBADF, mbox_callmsg(self->in, &c.msg, NULL));
	EXPECT_EQ(id, c.msg.id);
	EXPECT_EQ(0, mbox_reply(self->in, token, "1", 1));
	EXPECT_EQ(1, mbox_callmsg(self->out, &c.msg, NULL));
}

/* ---- the buffer for the reply ---- */

TEST_F(call, reply_that_faults_can_be_had_again)
{
	struct callmsg c = { .msg = { .reply = BAD_PTR, .reply_len = 8 } };
	struct peer *p = peer_callmsg(self->out, &c);

	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(0, mbox_reply(self->in, take(self->in), "answer", 6));
	EXPECT_EQ(-EFAULT, peer_join(p));
	EXPECT_NE(0, c.msg.id);
	EXPECT_TRUE(poisoned(&c.header, sizeof(c.header)));
	c.msg.reply = self->buf;
	EXPECT_OK(6, mbox_callmsg(self->out, &c.msg, &c.header));
	EXPECT_EQ(0, memcmp(self->buf, "answer\xcc", 7));
	EXPECT_EQ(0, c.msg.id);
}

static long call_without_buffer(struct peer *p)
{
	return RESULT(mbox_call(p->fd, "ask", 3, BAD_PTR, 8));
}

TEST_F(call, reply_that_faults_in_short_is_given_up)
{
	struct peer *p = peer_new(self->out, call_without_buffer);
	uint64_t before = user_bytes();

	ASSERT_TRUE(peer_calls(p));
	EXPECT_EQ(0, mbox_reply(self->in, take(self->in), "answer", 6));
	EXPECT_EQ(-EFAULT, peer_join(p));
	EXPECT_EQ(before, user_bytes());
	EXPECT_ERRNO(EFAULT, mbox_call(self->out, BAD_PTR, 3, NULL, 0));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(call, gone_on_with_too_little_room_is_emsgsize)
{
	const struct mbox_header expected = { .len = 6 };
	struct callmsg c = { .msg = { .type = 0 } };
	struct peer *p = peer_callmsg(self->out, &c);
	uint32_t token;

	ASSERT_TRUE(peer_calls(p));
	token = take(self->in);
	ASSERT_TRUE(peer_sleeps(p));
	ASSERT_NE(0, interrupt(p));
	EXPECT_EQ(0, mbox_reply(self->in, token, "answer", 6));
	c.msg.reply_len = 5;
	EXPECT_ERRNO(EMSGSIZE, mbox_callmsg(self->out, &c.msg, &c.header));
	EXPECT_EQ(0, memcmp(&expected, &c.header, sizeof(expected)));
	EXPECT_NE(0, c.msg.id);
	EXPECT_ERRNO(EMSGSIZE, mbox_callmsg(self->out, &c.msg, NULL));
	c.msg.reply_len = 6;
	EXPECT_OK(6, mbox_callmsg(self->out, &c.msg, &c.header));
}

TEST_HARNESS_MAIN
