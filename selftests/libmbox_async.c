// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, messages whose sender wants to know what becomes of them: MBOX_SYNC
 * and MBOX_REPLY_TO of mbox_sendmsg().
 */
#include "libmbox_test.h"
#include "mbox_call.h"
#include "mbox_halt.h"

#define MSEC		((int64_t)NSEC_PER_MSEC)
#define A_WHILE		(30 * MSEC)

FIXTURE(mailbox) {
	int mb;
	int in;			/* the same, MBOX_RECV only */
	int out;		/* MBOX_SEND only */
	int replies;		/* another mailbox */
	char buf[64];
	struct mbox_recvmsg any;	/* what is there, into @buf */
	struct mbox_header header;
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	self->replies = mbox_create(NULL, RW, NULL);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	ASSERT_LE(0, self->replies);
	memset(self->buf, MB_POISON, sizeof(self->buf));
	memset(&self->header, MB_POISON, sizeof(self->header));
	self->any = (struct mbox_recvmsg){
		.buf = self->buf, .len = 64, .flags = MBOX_WAIT_NONE,
	};
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
}

FIXTURE_TEARDOWN(mailbox)
{
}

/* ---- MBOX_SYNC ---- */

static const struct mbox_sendmsg meeting = {
	.buf = "meet", .len = 4, .flags = MBOX_SYNC,
};

static long meet(struct peer *p)
{
	return RESULT(mbox_sendmsg(p->fd, &meeting));
}

TEST_F(mailbox, sync_returns_when_it_was_received)
{
	struct peer *p = peer_new(self->out, meet);

	ASSERT_TRUE(peer_calls(p));
	EXPECT_FALSE(peer_done(p));
	EXPECT_EQ(4, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(0, memcmp(self->buf, "meet", 4));
	EXPECT_EQ(0, self->header.flags);
	EXPECT_EQ(0, self->header.token);
	EXPECT_EQ(0, peer_join(p));
}

TEST_F(mailbox, sync_returns_when_it_was_leased)
{
	struct peer *p = peer_new(self->out, meet);

	ASSERT_TRUE(peer_calls(p));
	self->any.flags |= MBOX_LEASE;
	EXPECT_EQ(4, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, mbox_done(self->in, self->header.token));
}

TEST_F(mailbox, sync_interrupted_takes_it_back)
{
	struct peer *p = peer_new(self->out, meet);

	ASSERT_TRUE(peer_calls(p) && peer_sleeps(p));
	pthread_kill(p->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(p));
	EXPECT_TRUE(all_over(self->mb));
}

/* Into a page that does not come. */
static long receive_stalled(struct peer *p)
{
	struct stall *stall = p->arg;

	return RESULT(mbox_recv(p->fd, stall->page, 4));
}

TEST_F(mailbox, sync_interrupted_while_it_is_received_waits_for_that)
{
	struct peer *sender = peer_new(self->out, meet);
	struct peer *receiver = peer_new(self->in, receive_stalled);
	struct stall stall;

	if (!stall_init(&stall))
		SKIP(return, "needs userfaultfd");
	receiver->arg = &stall;
	ASSERT_TRUE(peer_calls(sender));
	ASSERT_TRUE(peer_start(receiver) && stalled(&stall));
	for (int i = 1; i <= 3; i++) {
		ASSERT_TRUE(peer_sleeps(sender));
		pthread_kill(sender->thread, SIGUSR1);
		ASSERT_TRUE(wait_until(signals() == i));
	}
	EXPECT_FALSE(peer_done(sender));
	EXPECT_TRUE(stall_end(&stall));
	EXPECT_EQ(4, peer_join(receiver));
	EXPECT_EQ(0, peer_join(sender));
	EXPECT_EQ(1, stat_of(self->mb).sent);
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(mailbox, sync_too_late_is_etimedout)
{
	struct mbox_sendmsg msg = {
		.flags = MBOX_SYNC | MBOX_WAIT_FOR, .timeout = A_WHILE,
	};
	int64_t end = mb_in(A_WHILE);

	EXPECT_ERRNO(ETIMEDOUT, mbox_sendmsg(self->out, &msg));
	EXPECT_LE(end, (int64_t)mb_now(CLOCK_MONOTONIC));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(mailbox, sync_nobody_to_receive_is_epipe)
{
	close(self->mb);
	close(self->in);
	EXPECT_ERRNO(EPIPE, mbox_sendmsg(self->out, &meeting));
}

/* ---- MBOX_REPLY_TO ---- */

static struct mbox_sendmsg request_to(int reply_to)
{
	return (struct mbox_sendmsg){
		.buf = "ask", .len = 3, .priority = 4, .flags = MBOX_REPLY_TO,
		.reply_to = reply_to, .reply_max = 8, .reply_type = 77,
	};
}

TEST_F(mailbox, reply_comes_into_a_mailbox)
{
	struct mbox_sendmsg msg = request_to(mbox_narrow(self->replies,
							 MBOX_RECV | MBOX_SEND, 5));
	struct mbox_header *h = &self->header;

	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
	EXPECT_EQ(1, stat_of(self->replies).messages);
	EXPECT_EQ(3, mbox_recvmsg(self->in, &self->any, h));
	EXPECT_EQ(MBOX_MSG_CALL, h->flags);
	EXPECT_EQ(8, h->reply_max);
	EXPECT_EQ(0, h->type);
	EXPECT_EQ(4, h->priority);
	EXPECT_OK(0, mbox_reply(self->in, h->token, "answer", 6));

	EXPECT_OK(6, mbox_recvmsg(self->replies, &self->any, h));
	EXPECT_EQ(0, memcmp(self->buf, "answer", 6));
	EXPECT_EQ(MBOX_MSG_REPLY, h->flags);
	EXPECT_EQ(77, h->type);
	EXPECT_EQ(4, h->priority);
	EXPECT_EQ(5, h->badge);
	EXPECT_EQ(0, h->code);
	EXPECT_EQ(0, h->token);
	EXPECT_TRUE(all_over(self->mb));
	EXPECT_TRUE(all_over(self->replies));
}

TEST_F(mailbox, bad_ends_come_into_a_mailbox)
{
	struct mbox_sendmsg msg = request_to(self->replies);
	struct mbox_header *h = &self->header;

	ASSERT_EQ(0, mbox_sendmsg(self->out, &msg));
	ASSERT_EQ(3, mbox_recvmsg(self->in, &self->any, h));
	EXPECT_OK(0, mbox_fail(self->in, h->token, 9));
	EXPECT_EQ(0, mbox_recvmsg(self->replies, &self->any, h));
	EXPECT_EQ(MBOX_MSG_REPLY | MBOX_MSG_FAILED, h->flags);
	EXPECT_EQ(9, h->code);
	EXPECT_EQ(0, h->reply_max);
	EXPECT_EQ(77, h->type);

	ASSERT_EQ(0, mbox_sendmsg(self->out, &msg));
	ASSERT_EQ(3, mbox_recv(self->in, self->buf, 8));
	EXPECT_EQ(0, mbox_recvmsg(self->replies, &self->any, h));
	EXPECT_EQ(MBOX_MSG_REPLY | MBOX_MSG_FAILED, h->flags);
	EXPECT_EQ(0, h->code);
}

TEST_F(mailbox, reply_longer_than_reserved_is_emsgsize)
{
	struct mbox_sendmsg msg = request_to(self->replies);

	ASSERT_EQ(0, mbox_sendmsg(self->out, &msg));
	ASSERT_EQ(3, mbox_recvmsg(self->in, &self->any, &self->header));
	EXPECT_ERRNO(EMSGSIZE, mbox_reply(self->in, self->header.token,
					  "123456789", 9));
	EXPECT_OK(0, mbox_reply(self->in, self->header.token, "12345678", 8));
}

TEST_F(mailbox, reply_to_no_mailbox_is_ebadf)
{
	struct mbox_sendmsg msg = request_to(-1);

	EXPECT_ERRNO(EBADF, mbox_sendmsg(self->out, &msg));
	msg.reply_to = open("/dev/null", O_RDWR);
	EXPECT_ERRNO(EBADF, mbox_sendmsg(self->out, &msg));
	msg.reply_to = self->in;
	EXPECT_ERRNO(EBADF, mbox_sendmsg(self->out, &msg));
	EXPECT_TRUE(all_over(self->mb));
}

/* Descriptor 0 may be a mailbox too, and then it is meant. */
TEST_F(mailbox, reply_to_descriptor_zero)
{
	struct mbox_sendmsg msg = request_to(0);

	EXPECT_ERRNO(EBADF, mbox_sendmsg(self->out, &msg));
	ASSERT_EQ(0, dup2(self->replies, 0));
	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
	EXPECT_EQ(1, stat_of(self->replies).messages);
}

TEST_F(mailbox, no_room_for_the_reply_is_enobufs)
{
	const struct mbox_set one = {
		.mask = MBOX_SET_MAX_MESSAGES, .max_messages = 1,
	};
	struct mbox_sendmsg msg = request_to(self->replies);

	ASSERT_EQ(0, mbox_set(self->replies, &one));
	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
	EXPECT_ERRNO(ENOBUFS, mbox_sendmsg(self->out, &msg));
	EXPECT_EQ(1, stat_of(self->mb).messages);
}

TEST_F(mailbox, reply_type_that_is_not_the_callers_is_einval)
{
	const struct mbox_options options = { .type_source = MBOX_TYPE_PID };
	struct mbox_sendmsg msg = request_to(mbox_create(NULL, RW, &options));

	ASSERT_LE(0, msg.reply_to);
	EXPECT_ERRNO(EINVAL, mbox_sendmsg(self->out, &msg));
	msg.reply_type = 0;
	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
}

/* ---- bad arguments ---- */

TEST_F(mailbox, bad_field_is_einval)
{
	const int fd = self->replies;
	const struct mbox_sendmsg bad[] = {
		{ .flags = MBOX_SYNC | MBOX_WAIT_NONE },
		{ .flags = MBOX_SYNC | MBOX_WAIT_FOR },
		{ .flags = MBOX_SYNC | MBOX_REPLY_TO, .reply_to = fd },
		{ .flags = MBOX_SYNC | MBOX_ABANDON },
		{ .flags = MBOX_SYNC, .reply_to = fd },
		{ .flags = MBOX_SYNC, .reply_max = 1 },
		{ .flags = MBOX_SYNC, .reply_type = 1 },
		{ .flags = MBOX_LEASE },
		{ .reply_to = fd },
		{ .reply_max = 1 },
		{ .reply_type = 1 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, mbox_sendmsg(self->out, &bad[i]))
			TH_LOG("case %u", i);
	}
	EXPECT_TRUE(all_over(self->mb));
}

TEST_HARNESS_MAIN
