// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Calls with MBOX_REPLY_TO that are not sent, or not answered: the mailbox of
 * the reply is told of each that was sent, once (G6).
 */
#include "mbox_halt.h"
#include "mbox_call.h"

#define UNANSWERED FIXTURE_DATA(unanswered)

FIXTURE(unanswered) {
	int r, s;		/* the server's mailbox, for one message */
	int qr, qs;		/* the caller's, for two; a reply needs both rights */
	__u64 user_bytes;
};

FIXTURE_SETUP(unanswered)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &self->r, &self->s));
	self->qs = mb_create_small(2);
	self->qr = mb_narrow(self->qs, MBOX_RECV, 0);
	ASSERT_LE(0, self->qr);
	self->user_bytes = user_bytes();
}

/* Whatever happened: nothing of it is left. */
FIXTURE_TEARDOWN(unanswered)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_TRUE(all_over(self->qs));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
	close(self->qr);
	close(self->qs);
}

/* Whether the end of a call came, of type @type, and with @code. */
static bool failed(int q, __u64 type, __u32 code)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };

	return !mb_recv(q, &args) && args.out_type == type &&
	       args.out_flags == (MBOX_MSG_REPLY | MBOX_MSG_FAILED) &&
	       args.out_code == code && !args.out_len && !args.out_token;
}

/* ---- a bad end ---- */

TEST_F(unanswered, refused_call_tells_the_code)
{
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_fail(self->r, token, ~0U));
	EXPECT_TRUE(failed(self->qr, 9, ~0U));
}

TEST_F(unanswered, g06_call_that_is_thrown_away_tells_so)
{
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_DONE));
	EXPECT_TRUE(failed(self->qr, 9, 0));
}

TEST_F(unanswered, g06_end_does_not_wait_for_who_peeks_at_the_request)
{
	struct peer *peeks = peer_recv(self->r);
	struct stall stall;
	__u32 token;

	ASSERT_TRUE(stall_init(&stall));
	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	peeks->args.flags |= MBOX_PEEK;
	peeks->args.buf = (unsigned long)stall.page;
	ASSERT_TRUE(peer_start(peeks));
	ASSERT_TRUE(stalled(&stall));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_finish(self->r, token, MBOX_FINISH_DONE));
	EXPECT_TRUE(failed(self->qr, 9, 0));
	ASSERT_TRUE(stall_end(&stall));
	EXPECT_EQ(0, peer_join(peeks));
}

TEST_F(unanswered, g06_call_that_read_takes_tells_so)
{
	char buf[8];

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(4, mb_read(self->r, buf, sizeof(buf)));
	EXPECT_TRUE(failed(self->qr, 9, 0));
}

static void takes_and_ends(struct __test_metadata *_metadata, void *arg)
{
	__u32 token;

	EXPECT_EQ(42, num_take(*(int *)arg, &token));
}

TEST_F(unanswered, g06_end_of_the_server_tells_so)
{
	pid_t pid;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	pid = mb_fork(_metadata, takes_and_ends, &self->r);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_TRUE(failed(self->qr, 9, 0));
}

TEST_F(unanswered, g06_close_by_the_server_tells_so)
{
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	close(self->r);
	EXPECT_TRUE(failed(self->qr, 9, 0));
}

TEST_F(unanswered, g06_call_that_nobody_can_receive_any_more_tells_so)
{
	struct peer *waits = peer_recv_type(self->qr, MBOX_SELECT_EQUAL, 9);

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	ASSERT_TRUE(peer_blocks(waits));
	close(self->r);
	EXPECT_EQ(0, peer_join(waits));
	EXPECT_EQ(MBOX_MSG_REPLY | MBOX_MSG_FAILED, waits->args.out_flags);
	EXPECT_EQ(0, waits->args.out_code);
	EXPECT_EQ(0, waits->args.out_len);
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
}

/* Nobody did it: it is of the caller's user, and of no process. */
TEST_F(unanswered, g08_end_that_nobody_made_says_so)
{
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	close(self->r);
	EXPECT_EQ(0, num_recv_args(self->qr, &args));
	EXPECT_EQ(0, args.out_pid);
	EXPECT_EQ(geteuid(), args.out_uid);
	EXPECT_EQ(getegid(), args.out_gid);
}

TEST_F(unanswered, g06_end_keeps_the_end_of_file_away)
{
	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	close(self->qs);
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
	close(self->r);
	EXPECT_TRUE(failed(self->qr, 9, 0));
	EXPECT_EQ(-EPIPE, num_recv(self->qr));
	self->qs = dup(self->qr);
}

/* ---- the server's knowledge ---- */

/* Nobody can receive the reply any more. */
static void caller_goes(UNANSWERED *self)
{
	close(self->qr);
	close(self->qs);
	self->qr = dup(self->s);
	self->qs = dup(self->s);
}

TEST_F(unanswered, g06_server_is_told_that_the_reply_is_for_nobody)
{
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	caller_goes(self);
	EXPECT_EQ(-EPIPE, num_reply(self->r, token, 43));
	EXPECT_EQ(-ESRCH, num_reply(self->r, token, 43));
}

TEST_F(unanswered, g06_server_is_told_that_the_refusal_is_for_nobody)
{
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	caller_goes(self);
	EXPECT_EQ(-EPIPE, num_fail(self->r, token, 1));
	EXPECT_EQ(-ESRCH, num_fail(self->r, token, 1));
}

TEST_F(unanswered, g06_reply_and_receive_are_told_that_it_is_for_nobody)
{
	__u32 number = 43;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.reply_buf = (unsigned long)&number,
		.reply_len = sizeof(number),
	};
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	caller_goes(self);
	ASSERT_EQ(0, mb_set_max_messages(self->r, 2));
	ASSERT_EQ(0, mb_put(self->s, NULL, 0));
	args.id = token;
	EXPECT_EQ(0, mb_reply_recv(self->r, &args));
	EXPECT_EQ(MBOX_MSG_STALE, args.out_flags);
}

TEST_F(unanswered, all_is_gone_when_all_is_closed)
{
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(42, num_take(self->r, &token));
	close(self->qr);
	close(self->qs);
	close(self->r);
	EXPECT_EQ(self->user_bytes, user_bytes());
	self->r = dup(self->s);
	self->qr = dup(self->s);
	self->qs = dup(self->s);
}

/* Each expects a reply from the other, and from itself. */
TEST(g15_mailboxes_that_call_each_other_go_when_they_are_closed)
{
	struct mbox_query_args before, after;
	int a, b, i;
	__u32 token;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_query(&before));
	for (i = 0; i < 2; i++) {
		a = mb_create_anon();
		b = mb_create_anon();
		ASSERT_LE(0, a);
		ASSERT_LE(0, b);
		ASSERT_EQ(0, num_call_async(a, b, 1, 8, 1));
		ASSERT_EQ(0, num_call_async(b, a, 2, 8, 2));
		ASSERT_EQ(0, num_call_async(a, a, 3, 8, 3));
		if (i) {
			EXPECT_EQ(1, num_take(a, &token));
			EXPECT_EQ(2, num_take(b, &token));
		}
		close(a);
		close(b);
	}
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	EXPECT_EQ(before.user_mailboxes, after.user_mailboxes);
}

/* ---- not sent at all ---- */

TEST_F(unanswered, to_what_is_no_handle_to_send_with_is_refused)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int dev = mb_device();
	int gone = dup(null);

	close(gone);
	EXPECT_EQ(-EBADF, num_call_async(self->s, self->qr, 9, 8, 42));
	EXPECT_EQ(-EBADF, num_call_async(self->s, null, 9, 8, 42));
	EXPECT_EQ(-EBADF, num_call_async(self->s, dev, 9, 8, 42));
	EXPECT_EQ(-EBADF, num_call_async(self->s, gone, 9, 8, 42));
	EXPECT_EQ(-EBADF, num_call_async(self->s, -1, 9, 8, 42));
	EXPECT_EQ(-EBADF, num_call_async(self->s, 1 << 30, 9, 8, 42));
	EXPECT_EQ(0, mb_stat_of(self->s).sent);
	close(null);
	close(dev);
}

TEST_F(unanswered, reply_has_no_type_where_the_mailbox_sets_it)
{
	const __u32 sources[] = { MBOX_TYPE_PID, MBOX_TYPE_BADGE };
	struct mbox_create_args create = { .flags = MB_RW };
	unsigned int i;
	__u32 token;
	int q;

	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		create.type_source = sources[i];
		q = mb_create(&create);
		ASSERT_LE(0, q);
		EXPECT_EQ(-EINVAL, num_call_async(self->s, q, 9, 8, 42));
		EXPECT_EQ(0, mb_messages(q));
		EXPECT_EQ(0, num_call_async(self->s, q, 0, 8, 42));
		EXPECT_EQ(42, num_take(self->r, &token));
		EXPECT_EQ(0, num_reply(self->r, token, 43));
		EXPECT_EQ(43, num_recv(q));
		close(q);
	}
}

TEST_F(unanswered, full_mailbox_of_the_server_gives_the_room_back)
{
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	EXPECT_EQ(-EAGAIN, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(0, mb_messages(self->qr));
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
	EXPECT_EQ(1, num_recv(self->r));
}

TEST_F(unanswered, deaf_mailbox_of_the_server_gives_the_room_back)
{
	close(self->r);
	EXPECT_EQ(-EPIPE, num_call_async(self->s, self->qs, 9, 8, 42));
	EXPECT_EQ(0, mb_messages(self->qr));
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
}

TEST_F(unanswered, g02_fault_leaves_nothing)
{
	struct mbox_ext ext = { .reply_to = self->qs };
	struct mbox_msg_args args = {
		.flags = MBOX_REPLY_TO,
		.buf = 8,
		.len = 8,
		.reply_len = 8,
	};

	EXPECT_EQ(-EFAULT, mb_ext(self->s, MBOX_IOC_SEND, &args, &ext));
	EXPECT_EQ(0, mb_messages(self->qr));
}

/* As num_call_async(), waiting for ever, or as p->args.flags say. */
static long calls_async(struct peer *p)
{
	struct mbox_ext ext = { .reply_to = *(int *)p->arg };

	p->args.reply_len = 8;
	p->args.id = 9;
	p->args.flags |= MBOX_REPLY_TO;
	return mb_ext(p->fd, MBOX_IOC_SEND, &p->args, &ext);
}

static struct peer *peer_async(int s, int *q, __u32 number)
{
	struct peer *p = peer_send(s, 0, 0, number);

	p->fn = calls_async;
	p->arg = q;
	return p;
}

TEST_F(unanswered, blocked_call_is_let_in)
{
	struct peer *p = peer_async(self->s, &self->qs, 42);
	__u32 token;

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_EQ(1, mb_messages(self->qr));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(42, num_take(self->r, &token));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, num_recv(self->qr));
}

TEST_F(unanswered, blocked_call_times_out_and_gives_the_room_back)
{
	struct peer *p = peer_async(self->s, &self->qs, 42);

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	peer_until(p, mb_in(20 * NSEC_PER_MSEC));
	EXPECT_EQ(-ETIMEDOUT, calls_async(p));
	EXPECT_EQ(0, mb_messages(self->qr));
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
	EXPECT_EQ(1, num_recv(self->r));
}

TEST_F(unanswered, blocked_call_is_told_of_the_end_and_gives_the_room_back)
{
	struct peer *p = peer_async(self->s, &self->qs, 42);

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_blocks(p));
	close(self->r);
	EXPECT_EQ(-EPIPE, peer_join(p));
	/* The call was not sent, so no end of it comes. */
	EXPECT_EQ(0, mb_messages(self->qr));
	EXPECT_EQ(-EAGAIN, num_recv(self->qr));
}

TEST_F(unanswered, g13_kill_of_a_blocked_caller_gives_the_room_back)
{
	struct peer *p = peer_async(self->s, &self->qs, 42);

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_fork_blocks(p));
	EXPECT_EQ(1, mb_messages(self->qr));
	mb_kill(p->tid);
	EXPECT_EQ(0, mb_messages(self->qr));
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
}

TEST_HARNESS_MAIN
