// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tokens: how a delivery is finished, by whom, and what becomes of it when its
 * receiver goes. The token of a call and that of a leased message. How long a
 * lease lasts is in lease.c, who dies when in storm.c.
 */
#include "mbox_call.h"

#include <sys/uio.h>

FIXTURE(token) {
	int r, s;		/* a mailbox for two messages, by its ends */
	struct peer *p;		/* the caller; NULL: it is a lease */
	__u32 token;		/* for message 42, type 7, priority 3 */
	__u64 user_bytes;
};

#define TOKEN FIXTURE_DATA(token)

FIXTURE_VARIANT(token) {
	bool lease;
};

FIXTURE_VARIANT_ADD(token, call) {
	.lease = false,
};

FIXTURE_VARIANT_ADD(token, lease) {
	.lease = true,
};

/* The same message again, and a token for it. */
static bool deliver(TOKEN *self, bool lease)
{
	if (lease)
		return !num_send(self->s, 7, 3, 42) &&
		       num_lease(self->r, &self->token) == 42;
	self->p = peer_call(self->s, 7, 3, 42);
	return peer_calls(self->p) && num_take(self->r, &self->token) == 42;
}

FIXTURE_SETUP(token)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(2, &self->r, &self->s));
	self->user_bytes = user_bytes();
	ASSERT_TRUE(deliver(self, variant->lease));
}

/* Whatever the test did: nothing is left of it. */
FIXTURE_TEARDOWN(token)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

/* That the token is there, by ending it: what its caller is told, or 0. */
static long finish(TOKEN *self)
{
	int ret = num_finish(self->r, self->token, MBOX_FINISH_DONE);

	if (ret)
		return ret;
	return self->p ? peer_join(self->p) : 0;
}

#define EXPECT_STILL_THERE() \
	EXPECT_EQ(variant->lease ? 0 : -ECONNRESET, finish(self))

TEST_F(token, counts_until_it_is_finished)
{
	struct mbox_stat_args st = mb_stat_of(self->r);

	EXPECT_NE(0, self->token);
	EXPECT_EQ(1, st.tokens);
	EXPECT_EQ(0, st.stale_tokens);
	EXPECT_EQ(!variant->lease, st.calls);
	EXPECT_EQ(1, st.messages);
	EXPECT_EQ(4, st.bytes);
	EXPECT_EQ(0, st.received);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	EXPECT_STILL_THERE();
	st = mb_stat_of(self->r);
	EXPECT_EQ(0, st.tokens);
	EXPECT_EQ(0, st.messages);
	EXPECT_EQ(0, st.bytes);
	EXPECT_EQ(1, st.received);
}

TEST_F(token, done_leaves_nothing)
{
	EXPECT_STILL_THERE();
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
}

TEST_F(token, g01_back_is_at_its_place_again)
{
	struct mbox_msg_args args = { .flags = MBOX_LEASE };

	EXPECT_EQ(0, num_send(self->s, 7, 3, 43));
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, mb_stat_of(self->r).tokens);
	EXPECT_EQ(0, mb_stat_of(self->r).received);
	if (self->p)
		EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(2, args.out_deliveries);
	EXPECT_EQ(MBOX_MSG_REDELIVERED | (self->p ? MBOX_MSG_CALL : 0),
		  args.out_flags);
	EXPECT_EQ(7, args.out_type);
	EXPECT_EQ(3, args.out_priority);
	EXPECT_NE(0, args.out_token);
	EXPECT_NE(self->token, args.out_token);
	/* The old token is nothing any more. */
	EXPECT_EQ(-ESRCH, finish(self));
	self->token = args.out_token;
	EXPECT_STILL_THERE();
	EXPECT_EQ(43, num_recv(self->r));
}

TEST_F(token, back_goes_to_who_waits)
{
	struct peer *next = peer_recv_type(self->r, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(peer_blocks(next));
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(42, peer_number(next));
	EXPECT_EQ(2, next->args.out_deliveries);
	if (variant->lease) {
		EXPECT_EQ(0, next->args.out_token);
		return;
	}
	EXPECT_EQ(0, num_reply(self->r, next->args.out_token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(token, back_may_exceed_the_limits)
{
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_EQ(0, mb_set_max_messages(self->r, 1));
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(2, mb_messages(self->r));
	EXPECT_EQ(42, num_lease(self->r, &self->token));
	EXPECT_STILL_THERE();
	EXPECT_EQ(1, num_recv(self->r));
}

TEST_F(token, deliveries_count_up_to_255)
{
	struct mbox_msg_args args;
	int i;

	for (i = 2; i < 260; i++) {
		ASSERT_EQ(0, num_finish(self->r, self->token,
					MBOX_FINISH_BACK));
		args = (struct mbox_msg_args){ .flags = MBOX_LEASE };
		ASSERT_EQ(42, num_recv_args(self->r, &args));
		ASSERT_EQ(i < 255 ? i : 255, args.out_deliveries);
		self->token = args.out_token;
	}
	EXPECT_STILL_THERE();
}

TEST_F(token, reply_and_refusal_are_for_calls)
{
	if (variant->lease) {
		EXPECT_EQ(-EINVAL, num_reply(self->r, self->token, 43));
		EXPECT_EQ(-EINVAL, num_fail(self->r, self->token, 1));
		EXPECT_STILL_THERE();
		return;
	}
	EXPECT_EQ(0, num_reply(self->r, self->token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
	ASSERT_TRUE(deliver(self, false));
	EXPECT_EQ(0, num_fail(self->r, self->token, 1));
	EXPECT_EQ(-EREMOTEIO, peer_join(self->p));
}

/* One that asks and is leased is a call. */
TEST_F(token, of_a_leased_call_can_be_replied_to)
{
	if (variant->lease) {
		EXPECT_STILL_THERE();
		return;
	}
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(42, num_lease(self->r, &self->token));
	EXPECT_EQ(0, num_reply(self->r, self->token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(token, reply_may_lie_in_several_pieces)
{
	const struct iovec iov[] = { { "ab", 2 }, { NULL, 0 }, { "cd", 2 } };
	struct mbox_ext ext = { .iov_count = 3, .iov = (unsigned long)iov };
	struct mbox_msg_args args = { .id = self->token };

	if (variant->lease) {
		EXPECT_STILL_THERE();
		return;
	}
	EXPECT_EQ(0, mb_ext(self->r, MBOX_IOC_FINISH, &args, &ext));
	EXPECT_EQ(0x64636261, peer_reply(self->p));
}

TEST_F(token, g02_reply_that_fails_keeps_it)
{
	struct mbox_msg_args args = {
		.id = self->token,
		.buf = (unsigned long)mb_page_end() - 4,
		.len = 8,
	};

	if (variant->lease) {
		EXPECT_STILL_THERE();
		return;
	}
	EXPECT_EQ(-EFAULT, mb_finish(self->r, &args));
	args.buf = 8;
	EXPECT_EQ(-EFAULT, mb_finish(self->r, &args));
	args.len = 9;
	EXPECT_EQ(-EMSGSIZE, mb_finish(self->r, &args));
	args.len = ~0U;
	EXPECT_GT(0, mb_finish(self->r, &args));
	EXPECT_EQ(1, mb_stat_of(self->r).tokens);
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(0, num_reply(self->r, self->token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

/* ---- whose it is ---- */

TEST_F(token, is_finished_once)
{
	__u8 how;

	EXPECT_STILL_THERE();
	for (how = MBOX_FINISH_REPLY; how <= MBOX_FINISH_BACK; how++)
		EXPECT_EQ(-ESRCH, num_finish(self->r, self->token, how));
	EXPECT_EQ(-ESRCH, num_fail(self->r, self->token, 1));
}

TEST_F(token, is_no_other_number)
{
	const __u64 wrong[] = {
		0, self->token + 1, self->token - 1, ~self->token, ~0U,
		self->token | 1ULL << 32, ~0ULL,
	};
	unsigned int i;
	__u8 how;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		for (how = MBOX_FINISH_REPLY; how <= MBOX_FINISH_BACK; how++)
			EXPECT_EQ(-ESRCH, num_finish(self->r, wrong[i], how));
		EXPECT_EQ(-ESRCH, num_fail(self->r, wrong[i], 1));
	}
	EXPECT_STILL_THERE();
}

TEST_F(token, is_not_another_handles)
{
	int other = mb_narrow(self->r, MBOX_RECV, 0);

	ASSERT_LE(0, other);
	EXPECT_EQ(-ESRCH, num_finish(other, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(other, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(-ESRCH, num_reply(other, self->token, 1));
	close(other);
	EXPECT_STILL_THERE();
}

TEST_F(token, is_a_duplicates_too)
{
	int other = dup(self->r);

	ASSERT_LE(0, other);
	EXPECT_EQ(0, num_finish(other, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(42, num_lease(other, &self->token));
	close(other);
	EXPECT_EQ(1, mb_stat_of(self->r).tokens);
	EXPECT_STILL_THERE();
}

static void finish_what_is_anothers(struct __test_metadata *_metadata, void *arg)
{
	TOKEN *self = arg;
	__u8 how;

	for (how = MBOX_FINISH_REPLY; how <= MBOX_FINISH_BACK; how++)
		EXPECT_EQ(-ESRCH, num_finish(self->r, self->token, how));
	EXPECT_EQ(-ESRCH, num_fail(self->r, self->token, 1));
}

/* It has the file, but the token is the parent's. */
TEST_F(token, is_not_another_processs)
{
	pid_t pid = mb_fork(_metadata, finish_what_is_anothers, self);

	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(1, mb_stat_of(self->r).tokens);
	EXPECT_STILL_THERE();
}

static long done_by_a_thread(struct peer *p)
{
	return num_finish(p->fd, p->args.id, MBOX_FINISH_DONE);
}

TEST_F(token, is_any_threads_of_the_process)
{
	struct peer *thread = peer_new(self->r, done_by_a_thread);

	thread->args.id = self->token;
	ASSERT_TRUE(peer_start(thread));
	EXPECT_EQ(0, peer_join(thread));
	if (self->p)
		EXPECT_EQ(-ECONNRESET, peer_join(self->p));
}

/* ---- given up ---- */

TEST_F(token, closing_a_duplicate_gives_nothing_up)
{
	int other = dup(self->r);

	ASSERT_LE(0, other);
	close(self->r);
	self->r = other;
	EXPECT_EQ(1, mb_stat_of(self->r).tokens);
	EXPECT_STILL_THERE();
}

/* What became of message 42 after its holder went: it is gone, or it is back. */
static void expect_given_up(struct __test_metadata *_metadata,
			    TOKEN *self, int r)
{
	struct mbox_msg_args args = { .flags = 0 };

	EXPECT_EQ(0, mb_stat_of(self->s).tokens);
	if (self->p) {
		EXPECT_EQ(-ECONNRESET, peer_join(self->p));
		EXPECT_EQ(-EAGAIN, num_recv(r));
		return;
	}
	EXPECT_EQ(42, num_recv_args(r, &args));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, args.out_flags);
	EXPECT_EQ(2, args.out_deliveries);
}

TEST_F(token, g07_closing_the_file_gives_it_up)
{
	int other = mb_narrow(self->r, MBOX_RECV, 0);

	ASSERT_LE(0, other);
	close(self->r);
	self->r = other;
	expect_given_up(_metadata, self, other);
}

TEST_F(token, g07_closing_the_last_descriptor_gives_it_up_though_the_file_lives)
{
	int sock[2], r;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->r));
	EXPECT_EQ(1, mb_stat_of(self->s).tokens);
	close(self->r);
	EXPECT_EQ(0, mb_stat_of(self->s).tokens);
	r = recv_fd(sock[1]);
	ASSERT_LE(0, r);
	self->r = r;
	expect_given_up(_metadata, self, r);
	close(sock[0]);
	close(sock[1]);
}

TEST_F(token, stays_with_its_process_when_the_file_travels)
{
	int sock[2], r;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->r));
	r = recv_fd(sock[1]);
	ASSERT_LE(0, r);
	/* Now this is the last of two descriptors. */
	close(self->r);
	self->r = r;
	EXPECT_EQ(1, mb_stat_of(self->s).tokens);
	EXPECT_STILL_THERE();
	close(sock[0]);
	close(sock[1]);
}

static long back_and_taken(struct peer *p)
{
	__u32 token = p->args.id;
	int ret = num_finish(p->fd, token, MBOX_FINISH_BACK);

	ret = ret ?: num_lease(p->fd, &token);
	p->args.id = token;
	return ret;
}

TEST_F(token, end_of_one_of_several_threads_gives_nothing_up)
{
	struct peer *thread = peer_new(self->r, back_and_taken);

	thread->args.id = self->token;
	ASSERT_TRUE(peer_start(thread));
	EXPECT_EQ(42, peer_join(thread));
	ASSERT_TRUE(wait_until(peer_state(thread->tid) == '?'));
	EXPECT_EQ(1, mb_stat_of(self->r).tokens);
	self->token = thread->args.id;
	EXPECT_STILL_THERE();
}

/* Takes what there is, and ends or waits to be killed. */
static long takes_all(struct peer *p)
{
	__u32 token;
	int n = 0;

	while (num_lease(p->fd, &token) >= 0)
		n++;
	__atomic_store_n(&p->args.id, n, __ATOMIC_RELEASE);
	while (!p->arg)
		pause();
	return n;
}

TEST_F(token, g07_end_of_the_process_gives_it_up)
{
	struct peer *process = peer_new(self->r, takes_all);

	ASSERT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	process->arg = self;
	ASSERT_TRUE(peer_fork(process));
	EXPECT_EQ(1, peer_join(process));
	EXPECT_EQ(0, mb_stat_of(self->s).tokens);
	if (self->p) {
		EXPECT_EQ(-ECONNRESET, peer_join(self->p));
		return;
	}
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(token, g07_g13_kill_of_the_process_gives_its_own_up)
{
	struct peer *process = peer_new(self->r, takes_all);
	struct mbox_msg_args args = { .flags = 0 };
	int i;

	ASSERT_EQ(0, mb_set_max_messages(self->r, 10));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, num_send(self->s, 0, i % 2, i));
	ASSERT_TRUE(peer_fork(process));
	ASSERT_TRUE(tokens_open(self->r, 6));
	mb_kill(process->tid);
	/* Not what this process holds. */
	EXPECT_EQ(1, mb_stat_of(self->s).tokens);
	EXPECT_EQ(1, num_recv_args(self->r, &args));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, args.out_flags);
	EXPECT_EQ(3, num_recv(self->r));
	EXPECT_EQ(0, num_recv(self->r));
	EXPECT_EQ(2, num_recv(self->r));
	EXPECT_EQ(4, num_recv(self->r));
	EXPECT_STILL_THERE();
}

TEST_F(token, keeps_the_end_of_file_away)
{
	struct peer *waits;

	if (variant->lease) {
		close(self->s);
		self->s = mb_narrow(self->r, MBOX_RECV, 0);
		ASSERT_LE(0, self->s);
	}
	waits = peer_recv(self->r);
	ASSERT_TRUE(peer_blocks(waits));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	if (!variant->lease) {
		EXPECT_STILL_THERE();
		ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
		EXPECT_EQ(1, peer_number(waits));
		return;
	}
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-EPIPE, peer_join(waits));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_HARNESS_MAIN
