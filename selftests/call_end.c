// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Calls that come to another end than a reply, and each side's knowledge of it
 * (G6). Signals are in interrupt.c.
 */
#include "mbox_call.h"

#define LONG_TIME	(30 * NSEC_PER_SEC)

FIXTURE(failing_call) {
	int r, s;		/* a mailbox for one message, by its ends */
	struct peer *p;		/* calls with 42 */
	__u64 user_bytes;
};

FIXTURE_SETUP(failing_call)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &self->r, &self->s));
	self->p = peer_call(self->s, 7, 3, 42);
	self->user_bytes = user_bytes();
}

/* Whatever happened: nothing of it is left. */
FIXTURE_TEARDOWN(failing_call)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

/* ---- the server's doing ---- */

TEST_F(failing_call, refused_one_is_told_the_code)
{
	static const __u32 codes[] = { 1, EACCES, 1U << 31, ~0U };
	unsigned int i;
	__u32 token;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		struct peer *p = peer_call(self->s, 0, 0, 42);

		memset(p->data + PEER_REPLY, MB_POISON, 8);
		ASSERT_TRUE(peer_calls(p));
		EXPECT_EQ(42, num_take(self->r, &token));
		EXPECT_EQ(0, num_fail(self->r, token, codes[i]));
		EXPECT_EQ(-EREMOTEIO, peer_join(p));
		EXPECT_EQ(codes[i], p->args.out_code);
		EXPECT_EQ(MBOX_MSG_REPLY | MBOX_MSG_FAILED, p->args.out_flags);
		EXPECT_EQ(0, p->args.out_len);
		EXPECT_EQ(getpid(), p->args.out_pid);
		EXPECT_EQ(geteuid(), p->args.out_uid);
		EXPECT_EQ(0, p->args.id);
		EXPECT_TRUE(mb_all(p->data + PEER_REPLY, 8, MB_POISON));
	}
}

TEST_F(failing_call, g06_one_that_is_thrown_away_is_told_so)
{
	__u32 token;

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(0, self->p->args.id);
}

TEST_F(failing_call, g06_one_that_read_takes_is_thrown_away)
{
	char buf[8];

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(4, mb_read(self->r, buf, sizeof(buf)));
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
}

TEST_F(failing_call, read_that_has_no_room_does_not_end_it)
{
	char buf[8];
	__u32 token;

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(-EMSGSIZE, mb_read(self->r, buf, 3));
	EXPECT_EQ(-EFAULT, mb_read(self->r, mb_page_end(), 8));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(failing_call, receive_that_fails_does_not_end_it)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE, .len = 4 };
	struct mbox_msg_args *edge = (void *)(mb_page_end() - MB_MSG_IN_SIZE);
	char buf[8];

	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(-EFAULT, mb_recv(self->r, &args));
	EXPECT_TRUE(mb_poisoned(&args));
	args.len = 3;
	EXPECT_EQ(-EMSGSIZE, mb_recv(self->r, &args));
	EXPECT_EQ(0, args.out_token);
	/* Here the token is given and taken back. */
	args.len = 4;
	args.buf = (unsigned long)buf;
	memcpy(edge, &args, MB_MSG_IN_SIZE);
	EXPECT_EQ(-EFAULT, mb_ioctl(self->r, MBOX_IOC_RECV, edge));
	EXPECT_EQ(0, mb_stat_of(self->r).tokens);
	EXPECT_EQ(0, mb_stat_of(self->r).received);
	EXPECT_EQ(0, mb_recv(self->r, &args));
	EXPECT_EQ(1, args.out_deliveries);
	EXPECT_EQ(MBOX_MSG_CALL, args.out_flags);
	EXPECT_EQ(0, num_reply(self->r, args.out_token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

static void takes_and_ends(struct __test_metadata *_metadata, void *arg)
{
	__u32 token;

	EXPECT_EQ(42, num_take(*(int *)arg, &token));
	EXPECT_NE(0, token);
}

TEST_F(failing_call, g06_end_of_the_server_is_told_at_once)
{
	pid_t pid;

	ASSERT_TRUE(peer_calls(self->p));
	pid = mb_fork(_metadata, takes_and_ends, &self->r);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	/* The others serve on. */
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	EXPECT_EQ(1, num_recv(self->r));
}

static long takes_and_stays(struct peer *p)
{
	long ret = mb_ioctl(p->fd, MBOX_IOC_RECV, &p->args);

	pause();
	return ret;
}

TEST_F(failing_call, g06_kill_of_the_server_is_told_at_once)
{
	struct peer *server = peer_recv(self->r);

	server->fn = takes_and_stays;
	ASSERT_TRUE(peer_fork(server));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(tokens_open(self->r, 1));
	EXPECT_FALSE(peer_done(self->p));
	mb_kill(server->tid);
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
}

TEST_F(failing_call, g06_close_by_the_server_is_told_at_once)
{
	int other = mb_narrow(self->r, MBOX_RECV, 0);
	__u32 token;

	ASSERT_LE(0, other);
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_take(other, &token));
	close(other);
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
}

TEST_F(failing_call, g06_one_that_nobody_can_receive_any_more_is_told_so)
{
	struct peer *blocked = peer_call(self->s, 7, 3, 43);

	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(peer_calls(blocked));
	ASSERT_TRUE(senders_blocked(self->s, 1));
	close(self->r);
	EXPECT_EQ(-EPIPE, peer_join(self->p));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(-EPIPE, peer_join(blocked));
	EXPECT_TRUE(mb_poisoned(&blocked->args));
	EXPECT_EQ(-EPIPE, mb_call(self->s, &blocked->args));
	EXPECT_TRUE(mb_poisoned(&blocked->args));
}

TEST_F(failing_call, g06_last_close_tells_the_one_in_its_hands_and_the_others)
{
	struct peer *queued = peer_call(self->s, 7, 3, 43);
	struct peer *blocked = peer_call(self->s, 7, 3, 44);
	__u32 token;

	ASSERT_EQ(0, mb_set_max_messages(self->r, 2));
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_take(self->r, &token));
	ASSERT_TRUE(peer_calls(queued));
	ASSERT_TRUE(peer_calls(blocked));
	ASSERT_TRUE(senders_blocked(self->s, 1));
	close(self->r);
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
	EXPECT_EQ(-EPIPE, peer_join(queued));
	EXPECT_EQ(-EPIPE, peer_join(blocked));
}

TEST_F(failing_call, g13_queued_one_outlives_a_server)
{
	struct peer *queued = peer_call(self->s, 7, 3, 43);
	struct peer *server = peer_recv(self->r);
	__u32 token;

	ASSERT_EQ(0, mb_set_max_messages(self->r, 2));
	server->fn = takes_and_stays;
	ASSERT_TRUE(peer_fork(server));
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(tokens_open(self->r, 1));
	ASSERT_TRUE(peer_calls(queued));
	mb_kill(server->tid);
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
	EXPECT_EQ(43, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 44));
	EXPECT_EQ(44, peer_reply(queued));
}

TEST_F(failing_call, set_refuses_one_that_waits_for_room)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 3,
	};
	struct peer *blocked = peer_call(self->s, 7, 3, 43);
	__u32 token;

	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_TRUE(peer_calls(blocked));
	ASSERT_TRUE(senders_blocked(self->r, 1));
	ASSERT_EQ(0, mb_set(self->r, &set));
	EXPECT_EQ(-EMSGSIZE, peer_join(blocked));
	EXPECT_TRUE(mb_poisoned(&blocked->args));
	/* What is in goes on, with the reply that it was promised. */
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 44));
	EXPECT_EQ(44, peer_reply(self->p));
}

/* ---- the caller's doing ---- */

TEST_F(failing_call, g02_with_a_request_that_cannot_be_read_leaves_nothing)
{
	char *end = mb_page_end();

	self->p->args.buf = 8;
	EXPECT_EQ(-EFAULT, mb_call(self->s, &self->p->args));
	self->p->args.buf = (unsigned long)end - 2;
	EXPECT_EQ(-EFAULT, mb_call(self->s, &self->p->args));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(0, self->p->args.id);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	EXPECT_EQ(0, mb_stat_of(self->r).sent);
}

TEST_F(failing_call, g02_with_a_request_that_is_too_long_leaves_nothing)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 3,
	};

	ASSERT_EQ(0, mb_set(self->r, &set));
	EXPECT_EQ(-EMSGSIZE, mb_call(self->s, &self->p->args));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
}

TEST_F(failing_call, through_a_handle_that_only_receives_is_refused)
{
	EXPECT_EQ(-EBADF, mb_call(self->r, &self->p->args));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
}

/* ---- the deadline: for the whole of it ---- */

FIXTURE(call_deadline) {
	int r, s;		/* a mailbox for one message, by its ends */
	struct peer *p;		/* calls with 42 */
	__u64 user_bytes;
};

FIXTURE_VARIANT(call_deadline) {
	__u8 clock;
	clockid_t id;
};

FIXTURE_VARIANT_ADD(call_deadline, monotonic) {
	.clock = MBOX_CLOCK_MONOTONIC,
	.id = CLOCK_MONOTONIC,
};

FIXTURE_VARIANT_ADD(call_deadline, realtime) {
	.clock = MBOX_CLOCK_REALTIME,
	.id = CLOCK_REALTIME,
};

FIXTURE_VARIANT_ADD(call_deadline, boottime) {
	.clock = MBOX_CLOCK_BOOTTIME,
	.id = CLOCK_BOOTTIME,
};

FIXTURE_SETUP(call_deadline)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &self->r, &self->s));
	self->user_bytes = user_bytes();
	self->p = peer_call(self->s, 7, 3, 42);
	self->p->args.clock = variant->clock;
	peer_until(self->p, mb_now(variant->id) + 50 * NSEC_PER_MSEC);
}

FIXTURE_TEARDOWN(call_deadline)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

TEST_F(call_deadline, g05_ends_one_that_nobody_took)
{
	EXPECT_EQ(-ETIMEDOUT, mb_call(self->s, &self->p->args));
	EXPECT_LE(self->p->args.deadline, mb_now(variant->id));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(0, self->p->args.id);
	EXPECT_EQ(0, mb_messages(self->r));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
}

TEST_F(call_deadline, g05_ends_one_that_waits_for_room)
{
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	EXPECT_EQ(-ETIMEDOUT, mb_call(self->s, &self->p->args));
	EXPECT_LE(self->p->args.deadline, mb_now(variant->id));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
}

TEST_F(call_deadline, g06_ends_one_that_nobody_answers_and_the_server_learns)
{
	struct peer *server = peer_recv(self->r);

	ASSERT_TRUE(peer_blocks(server));
	EXPECT_EQ(-ETIMEDOUT, mb_call(self->s, &self->p->args));
	EXPECT_LE(self->p->args.deadline, mb_now(variant->id));
	EXPECT_TRUE(mb_poisoned(&self->p->args));
	EXPECT_EQ(0, self->p->args.id);
	EXPECT_EQ(42, peer_number(server));
	EXPECT_TRUE(tokens_stale(self->r, 1));
	EXPECT_EQ(-EPIPE, num_reply(self->r, server->args.out_token, 43));
	EXPECT_EQ(-ESRCH, num_reply(self->r, server->args.out_token, 43));
}

TEST_F(call_deadline, does_not_end_one_that_is_answered_before)
{
	__u32 token;

	peer_until(self->p, mb_now(variant->id) + LONG_TIME);
	ASSERT_TRUE(peer_calls(self->p));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

/* As ever: it gets one try. */
TEST_F(call_deadline, g05_that_is_past_lets_the_request_go_all_the_same)
{
	struct peer *server = peer_recv(self->r);

	peer_until(self->p, 1);
	EXPECT_EQ(-ETIMEDOUT, mb_call(self->s, &self->p->args));
	EXPECT_EQ(1, mb_stat_of(self->r).sent);
	ASSERT_TRUE(peer_blocks(server));
	EXPECT_EQ(-ETIMEDOUT, mb_call(self->s, &self->p->args));
	EXPECT_EQ(42, peer_number(server));
	EXPECT_EQ(-EPIPE, num_reply(self->r, server->args.out_token, 43));
}

TEST_F(call_deadline, g10_leaves_its_room_taken_until_the_server_is_done)
{
	struct peer *server = peer_recv(self->r);

	ASSERT_TRUE(peer_blocks(server));
	EXPECT_EQ(-ETIMEDOUT, mb_call(self->s, &self->p->args));
	EXPECT_EQ(42, peer_number(server));
	EXPECT_EQ(1, mb_messages(self->r));
	EXPECT_EQ(-EAGAIN, num_send(self->s, 0, 0, 1));
	EXPECT_EQ(0, num_finish(self->r, server->args.out_token,
				MBOX_FINISH_DONE));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	EXPECT_EQ(1, num_recv(self->r));
}

TEST_HARNESS_MAIN
