// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Calls that go well: the request at the server, the reply at its caller, and
 * what a full mailbox makes of them. How large they may be is in call_size.c,
 * what goes wrong in call_end.c; signals are in interrupt.c.
 */
#include "mbox_call.h"

FIXTURE(call) {
	int r, s;		/* a mailbox for two messages, by its ends */
	struct peer *p;		/* calls with 42, type 7, priority 3 */
	__u64 user_bytes;
};

FIXTURE_SETUP(call)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(2, &self->r, &self->s));
	self->p = peer_call(self->s, 7, 3, 42);
	self->user_bytes = user_bytes();
}

/* Whatever happened: nothing of it is left. */
FIXTURE_TEARDOWN(call)
{
	EXPECT_TRUE(all_over(self->r));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

TEST_F(call, g03_reply_comes_to_the_caller)
{
	__u32 token;

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_NE(0, token);
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(call, request_says_that_a_reply_is_expected)
{
	struct mbox_msg_args args = { .flags = 0 };
	__u64 before = mb_now(CLOCK_MONOTONIC);

	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(MBOX_MSG_CALL, args.out_flags);
	EXPECT_EQ(8, args.out_reply_max);
	EXPECT_EQ(7, args.out_type);
	EXPECT_EQ(3, args.out_priority);
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(getpid(), args.out_pid);
	EXPECT_EQ(geteuid(), args.out_uid);
	EXPECT_EQ(getegid(), args.out_gid);
	EXPECT_EQ(1, args.out_deliveries);
	EXPECT_EQ(0, args.out_badge);
	EXPECT_EQ(0, args.out_drops);
	EXPECT_LE(before, args.out_time);
	EXPECT_GE(mb_now(CLOCK_MONOTONIC), args.out_time);
	EXPECT_EQ(0, num_reply(self->r, args.out_token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

static void serve_once(struct __test_metadata *_metadata, void *arg)
{
	int r = *(int *)arg;
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	__u32 number = 0;

	args.buf = (unsigned long)&number;
	args.len = sizeof(number);
	ASSERT_EQ(0, mb_recv(r, &args));
	EXPECT_EQ(0, num_reply(r, args.out_token, number + 1));
}

TEST_F(call, g08_reply_says_who_it_is_from)
{
	const struct mb_child child = {
		.fn = serve_once,
		.arg = &self->r,
		.uid = MB_USER,
		.gid = MB_GROUP,
	};
	__u64 before = mb_now(CLOCK_MONOTONIC);
	pid_t pid;

	pid = mb_fork_child(_metadata, &child);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, mb_call(self->s, &self->p->args));
	EXPECT_EQ(MBOX_MSG_REPLY, self->p->args.out_flags);
	EXPECT_EQ(4, self->p->args.out_len);
	EXPECT_EQ(pid, self->p->args.out_pid);
	EXPECT_EQ(MB_USER, self->p->args.out_uid);
	EXPECT_EQ(MB_GROUP, self->p->args.out_gid);
	EXPECT_EQ(0, self->p->args.out_badge);
	EXPECT_EQ(0, self->p->args.out_token);
	EXPECT_EQ(0, self->p->args.out_code);
	EXPECT_EQ(0, self->p->args.out_drops);
	EXPECT_LE(before, self->p->args.out_time);
	EXPECT_GE(mb_now(CLOCK_MONOTONIC), self->p->args.out_time);
	EXPECT_EQ(0, self->p->args.id);
	EXPECT_EQ(0, mb_wait(pid));
}

TEST_F(call, counts_as_one_message_until_it_is_finished)
{
	struct mbox_stat_args st;
	__u32 token;

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(POLLIN, poll_now(self->r));
	ASSERT_EQ(42, num_take(self->r, &token));
	ASSERT_EQ(0, mb_stat(self->r, &st));
	EXPECT_EQ(1, st.messages);
	EXPECT_EQ(4, st.bytes);
	EXPECT_EQ(1, st.calls);
	EXPECT_EQ(1, st.tokens);
	EXPECT_EQ(0, st.stale_tokens);
	EXPECT_EQ(1, st.sent);
	EXPECT_EQ(0, poll_now(self->r));
	/* Its room is taken. */
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	EXPECT_EQ(-EAGAIN, num_send(self->s, 0, 0, 2));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 2));
	EXPECT_EQ(43, peer_reply(self->p));
	ASSERT_EQ(0, mb_stat(self->r, &st));
	EXPECT_EQ(0, st.calls);
	EXPECT_EQ(0, st.tokens);
	EXPECT_EQ(3, st.sent);
	EXPECT_EQ(1, st.received);
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(2, num_recv(self->r));
}

TEST_F(call, g10_caller_pays_for_request_and_reply)
{
	__u64 message;
	__u32 token;

	ASSERT_EQ(0, mb_put(self->s, NULL, 0));
	message = user_bytes() - self->user_bytes;
	EXPECT_EQ(0, mb_get(self->r, NULL, 0));

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(self->user_bytes + 2 * message + 4 + 8, user_bytes());
	ASSERT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(self->user_bytes + 2 * message + 4 + 8, user_bytes());
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
	EXPECT_EQ(self->user_bytes, user_bytes());
}

TEST_F(call, goes_to_a_server_that_waits)
{
	struct peer *server = peer_recv(self->r);

	ASSERT_TRUE(peer_blocks(server));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, peer_number(server));
	EXPECT_EQ(MBOX_MSG_CALL, server->args.out_flags);
	EXPECT_EQ(0, num_reply(self->r, server->args.out_token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(call, reaches_a_server_that_waits_for_it_though_the_mailbox_is_full)
{
	struct peer *server = peer_recv_type(self->r, MBOX_SELECT_EQUAL, 7);

	ASSERT_EQ(0, num_send(self->s, 1, 0, 1));
	ASSERT_EQ(0, num_send(self->s, 1, 0, 2));
	ASSERT_TRUE(peer_blocks(server));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, peer_number(server));
	EXPECT_EQ(0, num_reply(self->r, server->args.out_token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(2, num_recv(self->r));
}

TEST_F(call, may_be_peeked_at)
{
	struct mbox_msg_args args = { .flags = MBOX_PEEK };
	__u32 token;

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(MBOX_MSG_CALL, args.out_flags);
	EXPECT_EQ(8, args.out_reply_max);
	EXPECT_EQ(0, args.out_token);
	EXPECT_EQ(0, mb_stat_of(self->r).tokens);
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST(g08_call_shows_the_badge_of_its_handle)
{
	struct mbox_msg_args args = { .flags = 0 };
	struct peer *p;
	int h, s;

	MB_NEED_DEVICE();
	h = mb_create_anon();
	ASSERT_LE(0, h);
	s = mb_narrow(h, MBOX_SEND | MBOX_BADGE, 77);
	ASSERT_LE(0, s);
	p = peer_call(s, 0, 0, 42);
	ASSERT_TRUE(peer_calls(p));
	ASSERT_EQ(42, num_recv_args(h, &args));
	EXPECT_EQ(77, args.out_badge);
	EXPECT_EQ(0, num_reply(h, args.out_token, 43));
	EXPECT_EQ(43, peer_reply(p));
	EXPECT_EQ(0, p->args.out_badge);
}

/* ---- the type is not the caller's word everywhere ---- */

FIXTURE(kernel_typed) {
	int h;
};

FIXTURE_VARIANT(kernel_typed) {
	__u32 source;
};

FIXTURE_VARIANT_ADD(kernel_typed, pid) {
	.source = MBOX_TYPE_PID,
};

FIXTURE_VARIANT_ADD(kernel_typed, badge) {
	.source = MBOX_TYPE_BADGE,
};

FIXTURE_SETUP(kernel_typed)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.type_source = variant->source,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&create);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(kernel_typed)
{
	close(self->h);
}

TEST_F(kernel_typed, g08_type_of_a_call_is_stamped)
{
	int s = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 77);
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_EQUAL,
		.type = variant->source == MBOX_TYPE_PID ? getpid() : 77,
	};
	struct peer *p = peer_call(s, 1, 0, 42);

	ASSERT_LE(0, s);
	EXPECT_EQ(-EINVAL, mb_call(s, &p->args));
	p->args.type = 0;
	ASSERT_TRUE(peer_calls(p));
	ASSERT_EQ(42, num_recv_args(self->h, &args));
	EXPECT_EQ(0, num_reply(self->h, args.out_token, 43));
	EXPECT_EQ(43, peer_reply(p));
}

/* ---- several ---- */

TEST_F(call, g01_calls_are_served_in_the_order_of_messages)
{
	struct peer *urgent = peer_call(self->s, 7, 4, 44);
	struct peer *next = peer_call(self->s, 7, 3, 43);
	struct peer *p[] = { urgent, self->p, next };
	__u32 token[3];
	int i;

	ASSERT_EQ(0, mb_set_max_messages(self->r, 10));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(peer_calls(next));
	ASSERT_TRUE(peer_calls(urgent));
	EXPECT_EQ(0, num_send(self->s, 0, 3, 1));
	EXPECT_EQ(44, num_take(self->r, &token[0]));
	EXPECT_EQ(42, num_take(self->r, &token[1]));
	EXPECT_EQ(43, num_take(self->r, &token[2]));
	EXPECT_EQ(1, num_recv(self->r));
	/* And answered in any. */
	for (i = 2; i >= 0; i--)
		EXPECT_EQ(0, num_reply(self->r, token[i], 100 + i));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(100 + i, peer_reply(p[i]));
}

TEST_F(call, is_selected_by_type)
{
	struct peer *other = peer_call(self->s, 8, 9, 43);
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_EQUAL,
		.type = 7,
	};
	__u32 token;

	ASSERT_TRUE(peer_calls(other));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(0, num_reply(self->r, args.out_token, 1));
	EXPECT_EQ(-EAGAIN, num_recv_args(self->r, &args));
	EXPECT_EQ(43, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 2));
	EXPECT_EQ(1, peer_reply(self->p));
	EXPECT_EQ(2, peer_reply(other));
}

#define CALLERS	8
#define ROUNDS	200

static long calls_often(struct peer *p)
{
	__u32 number, reply, base = p->args.type * ROUNDS;
	struct mbox_msg_args args = {
		.type = p->args.type,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
		.reply_buf = (unsigned long)&reply,
		.reply_len = sizeof(reply),
	};
	int ret;

	for (number = base; number < base + ROUNDS; number++) {
		reply = 0;
		ret = mb_call(p->fd, &args);
		if (ret)
			return ret;
		if (reply != ~number || args.out_len != sizeof(reply))
			return -EBADMSG;
	}
	return 0;
}

/* Answers ROUNDS calls, each as that server does. */
static long answers_often(struct peer *p)
{
	struct mbox_msg_args args = { .flags = 0 };
	__u32 number;
	int i, ret;

	for (i = 0; i < ROUNDS; i++) {
		args.buf = (unsigned long)&number;
		args.len = sizeof(number);
		ret = mb_recv(p->fd, &args);
		ret = ret ?: num_reply(p->fd, args.out_token, ~number);
		if (ret)
			return ret;
	}
	return 0;
}

TEST_F(call, g01_each_of_many_gets_its_own_reply)
{
	struct peer *caller[CALLERS], *server[CALLERS];
	int i;

	for (i = 0; i < CALLERS; i++) {
		server[i] = peer_new(self->r, answers_often);
		ASSERT_TRUE(i % 2 ? peer_start(server[i]) :
				    peer_fork(server[i]));
		caller[i] = peer_new(self->s, calls_often);
		caller[i]->args.type = i;
		ASSERT_TRUE(i % 2 ? peer_fork(caller[i]) :
				    peer_start(caller[i]));
	}
	for (i = 0; i < CALLERS; i++) {
		EXPECT_EQ(0, peer_join(caller[i]));
		EXPECT_EQ(0, peer_join(server[i]));
	}
}

/* ---- a full mailbox ---- */

TEST_F(call, waits_for_room_and_is_let_in_in_order)
{
	struct peer *s = peer_send(self->s, 7, 3, 43);
	__u32 token;

	ASSERT_EQ(0, num_send(self->s, 0, 9, 1));
	ASSERT_EQ(0, num_send(self->s, 0, 9, 2));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(senders_blocked(self->r, 1));
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(1, mb_stat_of(self->r).waiting_senders);
	EXPECT_EQ(2, num_recv(self->r));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(43, num_recv(self->r));
	EXPECT_EQ(0, num_reply(self->r, token, 44));
	EXPECT_EQ(44, peer_reply(self->p));
}

TEST_F(call, is_found_by_who_selects_it_while_it_waits_for_room)
{
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_EQUAL,
		.type = 7,
	};

	ASSERT_EQ(0, num_send(self->s, 0, 9, 1));
	ASSERT_EQ(0, num_send(self->s, 0, 9, 2));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(senders_blocked(self->r, 1));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(0, mb_stat_of(self->r).waiting_senders);
	EXPECT_EQ(0, num_reply(self->r, args.out_token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(2, num_recv(self->r));
}

TEST_F(call, o_nonblock_concerns_room_alone)
{
	int s = mb_narrow(self->s, MBOX_SEND | MBOX_NONBLOCK, 0);
	__u32 token;

	ASSERT_LE(0, s);
	self->p->fd = s;
	self->p->args.flags = MBOX_WAIT_DEFAULT;
	ASSERT_EQ(0, num_send(self->s, 0, 9, 1));
	ASSERT_EQ(0, num_send(self->s, 0, 9, 2));
	EXPECT_EQ(-EAGAIN, mb_call(s, &self->p->args));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(0, mb_stat_of(self->r).calls);
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(2, num_recv(self->r));
	/* For the reply it waits. */
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_take(self->r, &token));
	ASSERT_TRUE(peer_sleeps(self->p));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
	close(s);
}

TEST_F(call, waits_for_room_in_spite_of_o_nonblock_if_told_so)
{
	int s = mb_narrow(self->s, MBOX_SEND | MBOX_NONBLOCK, 0);
	__u32 token;

	ASSERT_LE(0, s);
	self->p->fd = s;
	ASSERT_EQ(0, num_send(self->s, 0, 9, 1));
	ASSERT_EQ(0, num_send(self->s, 0, 9, 2));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(senders_blocked(self->r, 1));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(2, num_recv(self->r));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
	close(s);
}

TEST_F(call, makes_room_by_dropping_messages)
{
	__u32 token;

	ASSERT_EQ(0, mb_set_overflow(self->r, MBOX_OVERFLOW_DROP));
	ASSERT_EQ(0, num_send(self->s, 0, 3, 1));
	ASSERT_EQ(0, num_send(self->s, 0, 4, 2));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(1, mb_drops(self->r));
	EXPECT_EQ(2, num_recv(self->r));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(call, is_never_dropped_itself)
{
	__u32 token;

	ASSERT_EQ(0, mb_set_overflow(self->r, MBOX_OVERFLOW_DROP));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(0, num_send(self->s, 0, 9, 1));
	/* What is less urgent than itself is dropped before. */
	EXPECT_EQ(0, num_send(self->s, 0, 9, 2));
	EXPECT_EQ(1, mb_drops(self->r));
	EXPECT_EQ(2, num_recv(self->r));
	ASSERT_EQ(0, mb_set_max_messages(self->r, 1));
	EXPECT_EQ(-EAGAIN, num_send(self->s, 0, 9, 3));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(-EAGAIN, num_send(self->s, 0, 9, 3));
	EXPECT_EQ(1, mb_drops(self->r));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_HARNESS_MAIN
