// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, many messages at once: mbox_sendv() and mbox_recvv(). The library
 * passes 64 at a time to the kernel; what is special at that number is here too.
 */
#include "libmbox_test.h"
#include "mbox_call.h"

#include <limits.h>

#define CHUNK	64
#define N	200		/* more than three chunks */
#define ROOM	8

FIXTURE(batch) {
	int mb;
	int in;			/* the same, MBOX_RECV only */
	int out;		/* MBOX_SEND only */
	uint32_t numbers[N];	/* what is sent */
	struct mbox_sendmsg send[N];
	char buf[N][ROOM];	/* what is received */
	struct mbox_recvmsg recv[N];
	struct mbox_header headers[N];
};

FIXTURE_SETUP(batch)
{
	MB_NEED_DEVICE();
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	memset(self->buf, MB_POISON, sizeof(self->buf));
	memset(self->headers, MB_POISON, sizeof(self->headers));
	for (uint32_t i = 0; i < N; i++) {
		self->numbers[i] = i;
		self->send[i].buf = &self->numbers[i];
		self->send[i].len = 4;
		self->send[i].type = i;
		self->recv[i].buf = self->buf[i];
		self->recv[i].len = ROOM;
	}
}

FIXTURE_TEARDOWN(batch)
{
}

static int limit(int mb, uint32_t max_messages)
{
	const struct mbox_set set = {
		.mask = MBOX_SET_MAX_MESSAGES, .max_messages = max_messages,
	};

	return mbox_set(mb, &set);
}

/* Whether message @i was received into place @at, whole. */
static bool is_there(const char (*buf)[ROOM], const struct mbox_header *headers,
		     uint32_t at, uint32_t i)
{
	uint32_t number;

	memcpy(&number, buf[at], 4);
	return number == i && headers[at].type == i && headers[at].len == 4 &&
	       poisoned(buf[at] + 4, ROOM - 4);
}

#define IS_THERE(at, i) \
	is_there((const char (*)[ROOM])self->buf, self->headers, at, i)

/* Nothing was received into the places from @first on. */
#define UNTOUCHED(first) \
	(poisoned(self->buf[first], sizeof(self->buf) - (first) * ROOM) && \
	 poisoned(&self->headers[first], \
		  sizeof(self->headers) - (first) * sizeof(self->headers[0])))

/* ---- success ---- */

TEST_F(batch, all_of_it_in_order)
{
	static const unsigned int sizes[] = { 1, 2, CHUNK, CHUNK + 1, N };

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_OK(sizes[i], mbox_sendv(self->out, self->send, sizes[i]));
		EXPECT_EQ(sizes[i], stat_of(self->mb).messages);
		memset(self->buf, MB_POISON, sizeof(self->buf));
		memset(self->headers, MB_POISON, sizeof(self->headers));
		EXPECT_OK(sizes[i], mbox_recvv(self->in, self->recv,
					       self->headers, sizes[i]));
		for (uint32_t k = 0; k < sizes[i]; k++)
			EXPECT_TRUE(IS_THERE(k, k));
		if (sizes[i] < N)
			EXPECT_TRUE(UNTOUCHED(sizes[i]));
	}
}

TEST_F(batch, each_as_it_says)
{
	char pieces[2][2] = { "ab", "cd" };
	const struct iovec from[] = { { pieces[0], 2 }, { pieces[1], 2 } };
	const struct iovec to[] = { { self->buf[1], 1 }, { self->buf[2], 7 } };
	const struct mbox_sendmsg send[] = {
		{ .iov = from, .iov_count = 2, .type = 1 },
		{ .buf = "x", .len = 1, .type = 2, .priority = 3 },
		{ .buf = "123456789", .len = 9, .type = 3 },
	};
	const struct mbox_recvmsg recv[] = {
		{ .buf = self->buf[0], .len = 8, .flags = MBOX_PEEK,
		  .select = MBOX_SELECT_EQUAL, .type = 3 },
		{ .iov = to, .iov_count = 2, .select = MBOX_SELECT_LOWEST,
		  .type = 1 },
		{ .buf = self->buf[3], .len = 8, .flags = MBOX_LEASE },
		{ .buf = self->buf[4], .len = 8, .flags = MBOX_TRUNCATE },
	};
	struct mbox_header *h = self->headers;

	EXPECT_OK(3, mbox_sendv(self->out, send, 3));
	EXPECT_ERRNO(EMSGSIZE, mbox_recvv(self->in, recv, h, 4));
	EXPECT_OK(3, mbox_recvv(self->in, recv + 1, h, 3));
	EXPECT_EQ(0, memcmp(self->buf[1], "a\xcc", 2));
	EXPECT_EQ(0, memcmp(self->buf[2], "bcd\xcc", 4));
	EXPECT_EQ(1, h[0].type);
	EXPECT_EQ(0, h[0].token);
	EXPECT_EQ(3, h[1].priority);
	EXPECT_NE(0, h[1].token);
	EXPECT_OK(0, mbox_done(self->in, h[1].token));
	EXPECT_EQ(9, h[2].len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, h[2].flags);
	EXPECT_EQ(0, memcmp(self->buf[4], "12345678", 8));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(batch, headers_may_be_left_out)
{
	EXPECT_EQ(N, mbox_sendv(self->out, self->send, N));
	EXPECT_OK(N, mbox_recvv(self->in, self->recv, NULL, N));
	EXPECT_EQ(N - 1, *(uint32_t *)self->buf[N - 1]);
}

/* ---- less than all ---- */

TEST_F(batch, stops_at_the_first_that_would_wait)
{
	static const unsigned int rooms[] = { 1, CHUNK - 1, CHUNK, CHUNK + 1 };

	/* The first one has room: what comes after it does not wait. */
	for (unsigned int i = 0; i < ARRAY_SIZE(rooms); i++) {
		ASSERT_EQ(0, limit(self->mb, rooms[i]));
		EXPECT_OK(rooms[i], mbox_sendv(self->out, self->send, N));
		memset(self->buf, MB_POISON, sizeof(self->buf));
		memset(self->headers, MB_POISON, sizeof(self->headers));
		EXPECT_OK(rooms[i], mbox_recvv(self->in, self->recv,
					       self->headers, N));
		EXPECT_TRUE(IS_THERE(rooms[i] - 1, rooms[i] - 1));
		EXPECT_TRUE(UNTOUCHED(rooms[i]));
	}
}

TEST_F(batch, later_ones_do_not_wait_even_if_they_say_so)
{
	for (unsigned int i = 0; i < N; i++) {
		self->send[i].flags = MBOX_WAIT_FOREVER;
		self->recv[i].flags = MBOX_WAIT_FOR;
		self->recv[i].timeout = INT64_MAX;
	}
	ASSERT_EQ(0, limit(self->mb, CHUNK));
	EXPECT_EQ(CHUNK, mbox_sendv(self->out, self->send, N));
	EXPECT_EQ(CHUNK, mbox_recvv(self->in, self->recv, self->headers, N));

	/* Of what they say, all is forgotten. */
	ASSERT_EQ(0, limit(self->mb, CHUNK + 1));
	self->send[CHUNK].flags = MBOX_WAIT_UNTIL;
	self->send[CHUNK].clock = CLOCK_BOOTTIME;
	self->send[CHUNK].deadline = INT64_MAX;
	EXPECT_EQ(CHUNK + 1, mbox_sendv(self->out, self->send, N));
}

static long sendv_two(struct peer *p)
{
	const struct mbox_sendmsg msgs[2] = { { .len = 0 }, { .len = 0 } };

	return RESULT(mbox_sendv(p->fd, msgs, 2));
}

static long recvv_two(struct peer *p)
{
	const struct mbox_recvmsg msgs[2] = { { .len = 0 }, { .len = 0 } };

	return RESULT(mbox_recvv(p->fd, msgs, NULL, 2));
}

TEST_F(batch, first_one_waits)
{
	struct peer *receiver = peer_new(self->in, recvv_two);
	struct peer *sender = peer_new(self->out, sendv_two);

	ASSERT_TRUE(peer_start(receiver) && receivers_blocked(self->mb, 1));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	EXPECT_EQ(1, peer_join(receiver));

	ASSERT_EQ(0, limit(self->mb, 1));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	ASSERT_TRUE(peer_start(sender) && senders_blocked(self->mb, 1));
	ASSERT_EQ(0, mbox_recv(self->in, NULL, 0));
	EXPECT_EQ(1, peer_join(sender));
}

TEST_F(batch, stops_at_the_first_that_is_wrong)
{
	static const unsigned int at[] = { 1, CHUNK - 1, CHUNK, CHUNK + 1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		/* What the library refuses, and what the kernel does. */
		self->send[at[i]].priority = MBOX_PRIORITY_MAX + 1;
		EXPECT_OK(at[i], mbox_sendv(self->out, self->send, N));
		self->send[at[i]].priority = 0;
		self->recv[at[i]].timeout = 1;
		EXPECT_OK(at[i], mbox_recvv(self->in, self->recv,
					    self->headers, N));
		self->recv[at[i]].timeout = 0;

		self->send[at[i]].buf = BAD_PTR;
		EXPECT_OK(at[i], mbox_sendv(self->out, self->send, N));
		self->send[at[i]].buf = &self->numbers[at[i]];
		EXPECT_EQ(1, mbox_sendv(self->out, self->send, 1));
		self->recv[at[i]].len = 3;
		EXPECT_OK(at[i], mbox_recvv(self->in, self->recv,
					    self->headers, N));
		self->recv[at[i]].len = ROOM;
		EXPECT_EQ(1, mbox_recvv(self->in, self->recv, NULL, 1));
		EXPECT_TRUE(all_over(self->mb));
	}
}

/* ---- the first one fails ---- */

TEST_F(batch, none_is_eagain_or_etimedout)
{
	self->recv[0].flags = MBOX_WAIT_NONE;
	EXPECT_ERRNO(EAGAIN, mbox_recvv(self->in, self->recv, self->headers, N));
	self->recv[0].flags = MBOX_WAIT_FOR;
	self->recv[0].timeout = NSEC_PER_MSEC;
	EXPECT_ERRNO(ETIMEDOUT,
		     mbox_recvv(self->in, self->recv, self->headers, N));
	EXPECT_TRUE(UNTOUCHED(0));

	ASSERT_EQ(0, limit(self->mb, 1));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	self->send[0].flags = MBOX_WAIT_NONE;
	EXPECT_ERRNO(EAGAIN, mbox_sendv(self->out, self->send, N));
	self->send[0].flags = MBOX_WAIT_FOR;
	self->send[0].timeout = NSEC_PER_MSEC;
	EXPECT_ERRNO(ETIMEDOUT, mbox_sendv(self->out, self->send, N));
}

TEST_F(batch, first_too_long_is_emsgsize)
{
	const struct mbox_header expected = { .len = 4 };
	const struct mbox_set small = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE, .max_message_size = 4,
	};

	ASSERT_EQ(0, mbox_set(self->mb, &small));
	ASSERT_EQ(1, mbox_sendv(self->out, self->send, 1));
	self->send[0].len = 5;
	EXPECT_ERRNO(EMSGSIZE, mbox_sendv(self->out, self->send, N));
	self->recv[0].len = 3;
	EXPECT_ERRNO(EMSGSIZE, mbox_recvv(self->in, self->recv, NULL, N));
	EXPECT_ERRNO(EMSGSIZE,
		     mbox_recvv(self->in, self->recv, self->headers, N));
	EXPECT_EQ(0, memcmp(&expected, &self->headers[0], sizeof(expected)));
	EXPECT_TRUE(UNTOUCHED(1));
}

TEST_F(batch, bad_argument_is_einval)
{
	const struct mbox_sendmsg bad_send[] = {
		{ .flags = MBOX_SYNC },
		{ .flags = MBOX_REPLY_TO, .reply_to = self->mb },
		{ .reference_above = 1 },
		{ .reference_above = 1, .buf = "12", .len = 2 },
		{ .flags = UNKNOWN_FLAG },
		{ .timeout = 1 },
	};
	const struct mbox_recvmsg bad_recv[] = {
		{ .flags = UNKNOWN_FLAG },
		{ .timeout = 1 },
		{ .lease_time = 1 },
		{ .select = 4 },
	};
	const size_t many = (size_t)INT_MAX + 1;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad_send); i++) {
		EXPECT_ERRNO(EINVAL, mbox_sendv(self->out, &bad_send[i], 1))
			TH_LOG("case %u", i);
	}
	EXPECT_TRUE(all_over(self->mb));
	EXPECT_ERRNO(EINVAL, mbox_sendv(self->out, self->send, 0));
	EXPECT_ERRNO(EINVAL, mbox_sendv(self->out, self->send, many));
	EXPECT_TRUE(all_over(self->mb));

	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad_recv); i++) {
		EXPECT_ERRNO(EINVAL, mbox_recvv(self->in, &bad_recv[i],
						self->headers, 1))
			TH_LOG("case %u", i);
	}
	EXPECT_ERRNO(EINVAL, mbox_recvv(self->in, self->recv, self->headers, 0));
	EXPECT_ERRNO(EINVAL,
		     mbox_recvv(self->in, self->recv, self->headers, many));
	EXPECT_TRUE(UNTOUCHED(0));
	EXPECT_EQ(1, stat_of(self->mb).messages);
}

TEST_F(batch, bad_address_is_efault)
{
	self->send[0].buf = BAD_PTR;
	EXPECT_ERRNO(EFAULT, mbox_sendv(self->out, self->send, N));
	EXPECT_TRUE(all_over(self->mb));
	ASSERT_EQ(1, mbox_sendv(self->out, self->send + 1, 1));
	self->recv[0].buf = BAD_PTR;
	EXPECT_ERRNO(EFAULT, mbox_recvv(self->in, self->recv, self->headers, N));
	EXPECT_TRUE(UNTOUCHED(0));
	EXPECT_EQ(1, mbox_recvv(self->in, self->recv + 1, self->headers, 1));
}

TEST_F(batch, nobody_at_the_other_end_is_epipe)
{
	ASSERT_EQ(2, mbox_sendv(self->out, self->send, 2));
	close(self->mb);
	close(self->out);
	EXPECT_EQ(2, mbox_recvv(self->in, self->recv, self->headers, N));
	EXPECT_ERRNO(EPIPE, mbox_recvv(self->in, self->recv, self->headers, N));

	self->mb = mbox_create(NULL, RW, NULL);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	close(self->mb);
	EXPECT_ERRNO(EPIPE, mbox_sendv(self->out, self->send, N));
}

TEST_F(batch, wrong_handle_is_ebadf_or_enotty)
{
	int null = open("/dev/null", O_RDWR);

	EXPECT_ERRNO(EBADF, mbox_sendv(self->in, self->send, N));
	EXPECT_ERRNO(EBADF, mbox_recvv(self->out, self->recv, NULL, N));
	EXPECT_ERRNO(EBADF, mbox_sendv(-1, self->send, N));
	EXPECT_ERRNO(EBADF, mbox_recvv(-1, self->recv, NULL, N));
	EXPECT_ERRNO(ENOTTY, mbox_sendv(null, self->send, N));
	EXPECT_ERRNO(ENOTTY, mbox_recvv(null, self->recv, NULL, N));
}

static long recvv_interrupted(struct peer *p)
{
	const struct mbox_recvmsg msg = { .len = 0 };

	return RESULT(mbox_recvv(p->fd, &msg, NULL, 1));
}

TEST_F(batch, signal_while_the_first_waits_is_eintr)
{
	struct peer *receiver = peer_new(self->in, recvv_interrupted);
	struct peer *sender = peer_new(self->out, sendv_two);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_start(receiver) && receivers_blocked(self->mb, 1) &&
		    peer_sleeps(receiver));
	pthread_kill(receiver->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(receiver));

	ASSERT_EQ(0, limit(self->mb, 1));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	ASSERT_TRUE(peer_start(sender) && senders_blocked(self->mb, 1) &&
		    peer_sleeps(sender));
	pthread_kill(sender->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(sender));
	EXPECT_EQ(1, stat_of(self->mb).messages);
}

TEST_HARNESS_MAIN
