// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Calls that nobody waits for: SEND with MBOX_REPLY_TO, whose reply comes into
 * a mailbox. What keeps that from coming to a good end is in async_end.c.
 */
#include "mbox_call.h"

FIXTURE(async) {
	int r, s;		/* the server's mailbox, for two messages */
	int qr, qs;		/* the caller's, for two; a reply needs both rights */
	__u64 user_bytes;
};

FIXTURE_SETUP(async)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(2, &self->r, &self->s));
	self->qs = mb_create_small(2);
	self->qr = mb_narrow(self->qs, MBOX_RECV, 0);
	ASSERT_LE(0, self->qr);
	self->user_bytes = user_bytes();
}

/* Whatever happened: nothing of it is left. */
FIXTURE_TEARDOWN(async)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_TRUE(all_over(self->qr));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
	close(self->qr);
	close(self->qs);
}

TEST_F(async, reply_comes_into_the_mailbox)
{
	__u32 token;

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_NE(0, token);
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, num_recv_type(self->qr, MBOX_SELECT_EQUAL, 9));
	EXPECT_EQ(-ESRCH, num_reply(self->r, token, 43));
}

TEST_F(async, request_says_that_a_reply_is_expected)
{
	struct mbox_msg_args args = { .flags = 0 };

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(MBOX_MSG_CALL, args.out_flags);
	EXPECT_EQ(8, args.out_reply_max);
	EXPECT_EQ(0, args.out_type);
	EXPECT_EQ(getpid(), args.out_pid);
	EXPECT_EQ(1, args.out_deliveries);
	EXPECT_EQ(0, num_reply(self->r, args.out_token, 43));
	EXPECT_EQ(43, num_recv(self->qr));
}

struct served {
	int r;
	__u32 token;
};

static void reply_in_child(struct __test_metadata *_metadata, void *arg)
{
	struct served *served = arg;

	EXPECT_EQ(42, num_take(served->r, &served->token));
	EXPECT_EQ(0, num_reply(served->r, served->token, 43));
}

TEST_F(async, g08_reply_says_what_it_is)
{
	struct mbox_ext ext = { .reply_to = self->qs };
	struct served served = { .r = self->r };
	const struct mb_child child = {
		.fn = reply_in_child,
		.arg = &served,
		.uid = MB_USER,
		.gid = MB_GROUP,
	};
	__u32 number = 42;
	struct mbox_msg_args args = {
		.priority = 5,
		.type = 7,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
		.reply_len = 8,
		.id = ~0ULL,
		.flags = MBOX_REPLY_TO,
	};
	__u64 before = mb_now(CLOCK_MONOTONIC);
	pid_t pid;

	ASSERT_EQ(0, mb_ext(self->s, MBOX_IOC_SEND, &args, &ext));
	EXPECT_TRUE(mb_poisoned(&args));
	EXPECT_EQ(~0ULL, args.id);
	pid = mb_fork_child(_metadata, &child);
	EXPECT_EQ(0, mb_wait(pid));
	args = (struct mbox_msg_args){ .flags = 0 };
	EXPECT_EQ(43, num_recv_args(self->qr, &args));
	EXPECT_EQ(MBOX_MSG_REPLY, args.out_flags);
	EXPECT_EQ(~0ULL, args.out_type);
	EXPECT_EQ(5, args.out_priority);
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(pid, args.out_pid);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(MB_GROUP, args.out_gid);
	EXPECT_EQ(0, args.out_badge);
	EXPECT_EQ(0, args.out_token);
	EXPECT_EQ(0, args.out_code);
	EXPECT_EQ(1, args.out_deliveries);
	EXPECT_LE(before, args.out_time);
	EXPECT_GE(mb_now(CLOCK_MONOTONIC), args.out_time);
}

TEST_F(async, g08_reply_has_the_badge_of_the_handle_it_goes_through)
{
	struct mbox_msg_args args = { .flags = 0 };
	int q = mb_create_anon();
	int badged = mb_narrow(q, MB_RW | MBOX_BADGE, 77);
	__u32 token;

	ASSERT_LE(0, badged);
	EXPECT_EQ(0, num_call_async(self->s, badged, 9, 8, 42));
	close(badged);
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, num_recv_args(q, &args));
	EXPECT_EQ(77, args.out_badge);
	close(q);
}

TEST_F(async, replies_come_in_their_order)
{
	__u32 token[2];

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 1, 8, 1));
	EXPECT_EQ(0, num_call_async(self->s, self->qs, 2, 8, 2));
	EXPECT_EQ(1, num_take(self->r, &token[0]));
	EXPECT_EQ(2, num_take(self->r, &token[1]));
	EXPECT_EQ(0, num_reply(self->r, token[1], 102));
	EXPECT_EQ(0, num_reply(self->r, token[0], 101));
	EXPECT_EQ(102, num_recv(self->qr));
	EXPECT_EQ(101, num_recv(self->qr));
}

TEST_F(async, reply_goes_to_who_waits_for_it)
{
	struct peer *other = peer_recv_type(self->qr, MBOX_SELECT_EQUAL, 8);
	struct peer *waits = peer_recv_type(self->qr, MBOX_SELECT_EQUAL, 9);
	__u32 token;

	ASSERT_TRUE(peer_blocks(other));
	ASSERT_TRUE(peer_blocks(waits));
	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_number(waits));
	EXPECT_EQ(MBOX_MSG_REPLY, waits->args.out_flags);
	EXPECT_FALSE(peer_done(other));
	EXPECT_EQ(0, num_send(self->qs, 8, 0, 1));
	EXPECT_EQ(1, peer_number(other));
}

TEST_F(async, reply_wakes_poll)
{
	__u32 token;

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(0, poll_now(self->qr));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(POLLIN, poll_now(self->qr));
	EXPECT_EQ(43, num_recv(self->qr));
}

TEST_F(async, reply_may_come_into_the_mailbox_of_the_request)
{
	int h = mb_create_small(2);
	__u32 token;

	ASSERT_LE(0, h);
	EXPECT_EQ(0, num_call_async(h, h, 9, 8, 42));
	EXPECT_EQ(2, mb_messages(h));
	EXPECT_EQ(42, num_take(h, &token));
	EXPECT_EQ(-EAGAIN, num_recv(h));
	EXPECT_EQ(0, num_reply(h, token, 43));
	EXPECT_EQ(43, num_recv(h));
	EXPECT_TRUE(all_over(h));
	close(h);
}

TEST_F(async, put_back_request_is_answered_by_another)
{
	__u32 token;

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_BACK));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, num_recv(self->qr));
}

static void call_and_end(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;

	EXPECT_EQ(0, num_call_async(h[0], h[1], 9, 8, 42));
}

TEST_F(async, end_of_the_caller_changes_nothing)
{
	int h[] = { self->s, self->qs };
	pid_t pid = mb_fork(_metadata, call_and_end, h);
	__u32 token;

	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, poll_now(self->r) & POLLPRI);
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, num_recv(self->qr));
}

/* ---- how large, and who pays ---- */

TEST_F(async, g10_caller_pays_for_request_and_reply)
{
	__u64 message;
	__u32 token;

	ASSERT_EQ(0, mb_put(self->s, NULL, 0));
	message = user_bytes() - self->user_bytes;
	EXPECT_EQ(0, mb_get(self->r, NULL, 0));
	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 100, 42));
	EXPECT_EQ(self->user_bytes + 2 * message + 4 + 100, user_bytes());
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	/* The slot stays as large as it was made. */
	EXPECT_EQ(self->user_bytes + message + 100, user_bytes());
	EXPECT_EQ(43, num_recv(self->qr));
}

TEST_F(async, reply_is_never_longer_than_a_message_of_its_mailbox)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 50,
	};
	struct mbox_msg_args args = { .flags = 0 };
	char sent[51], got[51];

	memset(sent, 's', sizeof(sent));
	ASSERT_EQ(0, mb_set(self->qr, &set));
	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, ~0U, 42));
	EXPECT_EQ(50, mb_stat_of(self->qr).bytes);
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(50, args.out_reply_max);
	args = (struct mbox_msg_args){ .id = args.out_token };
	args.buf = (unsigned long)sent;
	args.len = 51;
	EXPECT_EQ(-EMSGSIZE, mb_finish(self->r, &args));
	args.len = 50;
	EXPECT_EQ(0, mb_finish(self->r, &args));
	EXPECT_EQ(50, mb_get(self->qr, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(sent, got, 50));
}

TEST_F(async, reply_may_be_empty)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };
	__u32 token;

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 0, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(-EMSGSIZE, num_reply(self->r, token, 43));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_REPLY));
	EXPECT_EQ(0, mb_recv(self->qr, &args));
	EXPECT_EQ(0, args.out_len);
	EXPECT_EQ(MBOX_MSG_REPLY, args.out_flags);
}

TEST_F(async, g02_reply_that_fails_can_be_given_again)
{
	struct mbox_msg_args args = { .buf = 8, .len = 8 };
	__u32 token;

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	args.id = token;
	EXPECT_EQ(-EFAULT, mb_finish(self->r, &args));
	EXPECT_EQ(1, mb_messages(self->qr));
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, num_recv(self->qr));
}

/* ---- the room that is reserved ---- */

TEST_F(async, g10_reply_has_its_room_from_the_start)
{
	struct mbox_stat_args st;
	__u32 token;

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 100, 42));
	ASSERT_EQ(0, mb_stat(self->qr, &st));
	EXPECT_EQ(1, st.messages);
	EXPECT_EQ(100, st.bytes);
	EXPECT_EQ(0, st.sent);
	EXPECT_EQ(0, num_send(self->qs, 0, 0, 1));
	EXPECT_EQ(-EAGAIN, num_send(self->qs, 0, 0, 2));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	ASSERT_EQ(0, mb_stat(self->qr, &st));
	EXPECT_EQ(2, st.messages);
	EXPECT_EQ(8, st.bytes);
	EXPECT_EQ(2, st.sent);
	EXPECT_EQ(1, num_recv(self->qr));
	EXPECT_EQ(43, num_recv(self->qr));
}

TEST_F(async, without_room_for_the_reply_is_refused_at_once)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE,
		.max_bytes = 100,
		.max_message_size = 100,
	};

	EXPECT_EQ(0, num_send(self->qs, 0, 0, 1));
	EXPECT_EQ(0, num_send(self->qs, 0, 0, 2));
	EXPECT_EQ(-ENOBUFS, num_call_async(self->s, self->qs, 9, 0, 42));
	EXPECT_EQ(1, num_recv(self->qr));
	ASSERT_EQ(0, mb_set(self->qr, &set));
	EXPECT_EQ(-ENOBUFS, num_call_async(self->s, self->qs, 9, 97, 42));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	EXPECT_EQ(0, mb_stat_of(self->s).sent);
	EXPECT_EQ(1, mb_messages(self->qr));
	EXPECT_EQ(2, num_recv(self->qr));
}

/* Whoever waits for room gets what a reply did not need. */
TEST_F(async, g04_room_that_a_reply_leaves_lets_a_sender_in)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE,
		.max_bytes = 100,
		.max_message_size = 100,
	};
	struct peer *p = peer_send(self->qs, 0, 0, 1);
	__u32 token;

	ASSERT_EQ(0, mb_set(self->qr, &set));
	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 100, 42));
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(1, num_recv(self->qr));
	EXPECT_EQ(43, num_recv(self->qr));
}

TEST_F(async, reply_exceeds_limits_that_were_set_meanwhile)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGES | MBOX_SET_MAX_BYTES |
			MBOX_SET_MAX_MESSAGE_SIZE,
		.max_messages = 1,
		.max_bytes = 1,
		.max_message_size = 1,
	};
	__u32 token;

	EXPECT_EQ(0, num_send(self->qs, 0, 0, 1));
	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 100, 42));
	ASSERT_EQ(0, mb_set(self->qr, &set));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(1, num_recv(self->qr));
	EXPECT_EQ(43, num_recv(self->qr));
}

TEST_F(async, g06_reply_is_never_dropped)
{
	__u32 token;

	ASSERT_EQ(0, mb_set_overflow(self->qr, MBOX_OVERFLOW_DROP));
	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	/* Nor is the room for it taken. */
	EXPECT_EQ(0, num_send(self->qs, 0, 0, 1));
	EXPECT_EQ(0, num_send(self->qs, 0, 9, 2));
	EXPECT_EQ(1, mb_drops(self->qr));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(0, num_send(self->qs, 0, 9, 3));
	EXPECT_EQ(2, mb_drops(self->qr));
	EXPECT_EQ(3, num_recv(self->qr));
	EXPECT_EQ(43, num_recv(self->qr));
}

TEST_F(async, g06_reply_that_is_expected_keeps_the_end_away)
{
	struct peer *waits = peer_recv(self->qr);
	__u32 token;

	EXPECT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	close(self->qs);
	ASSERT_TRUE(peer_blocks(waits));
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
	EXPECT_EQ(0, poll_now(self->qr));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_number(waits));
	EXPECT_EQ(-EPIPE, num_recv(self->qr));
	self->qs = dup(self->qr);
}

TEST_HARNESS_MAIN
