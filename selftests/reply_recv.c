// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * REPLY_RECV: one system call of a server that answers a request and takes the
 * next. Either half may fail, and the struct tells which.
 */
#include "mbox_call.h"

#include <sys/uio.h>

FIXTURE(server) {
	int r, s;		/* a mailbox for four messages, by its ends */
	struct peer *p;		/* called with 42, and waits */
	__u32 reply;		/* 43 */
	__u32 next;		/* what the receive gets */
	struct mbox_msg_args args;	/* to reply and receive, not to wait */
	__u64 user_bytes;
};

#define SERVER FIXTURE_DATA(server)

FIXTURE_SETUP(server)
{
	__u32 token;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(4, &self->r, &self->s));
	self->user_bytes = user_bytes();
	self->p = peer_call(self->s, 7, 3, 42);
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_EQ(42, num_take(self->r, &token));
	self->reply = 43;
	self->args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)&self->next,
		.len = sizeof(self->next),
		.reply_buf = (unsigned long)&self->reply,
		.reply_len = sizeof(self->reply),
		.id = token,
	};
}

FIXTURE_TEARDOWN(server)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

/* The reply went out, and the struct says so. */
#define EXPECT_REPLIED() do { \
	EXPECT_EQ(0, self->args.id); \
	EXPECT_EQ(43, peer_reply(self->p)); \
} while (0)

/* Nothing happened, and the same again would be in order: give an answer. */
#define EXPECT_NOT_REPLIED(token) do { \
	EXPECT_EQ(token, self->args.id); \
	EXPECT_FALSE(peer_done(self->p)); \
	EXPECT_TRUE(mb_poisoned(&self->args)); \
	EXPECT_EQ(0, num_reply(self->r, token, 43)); \
	EXPECT_EQ(43, peer_reply(self->p)); \
} while (0)

TEST_F(server, replies_and_receives)
{
	ASSERT_EQ(0, num_send(self->s, 8, 4, 44));
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(44, self->next);
	EXPECT_EQ(8, self->args.out_type);
	EXPECT_EQ(4, self->args.out_priority);
	EXPECT_EQ(4, self->args.out_len);
	EXPECT_EQ(0, self->args.out_token);
	EXPECT_EQ(0, self->args.out_flags);
	EXPECT_REPLIED();
}

TEST_F(server, replies_and_receives_the_next_call)
{
	struct peer *other = peer_call(self->s, 8, 4, 44);

	ASSERT_TRUE(peer_calls(other));
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(44, self->next);
	EXPECT_EQ(MBOX_MSG_CALL, self->args.out_flags);
	EXPECT_EQ(8, self->args.out_reply_max);
	EXPECT_NE(0, self->args.out_token);
	EXPECT_REPLIED();
	self->args.id = self->args.out_token;
	self->reply = 45;
	EXPECT_EQ(-EAGAIN, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(0, self->args.id);
	EXPECT_EQ(45, peer_reply(other));
}

TEST_F(server, reply_says_who_it_is_from)
{
	EXPECT_EQ(-EAGAIN, mb_reply_recv(self->r, &self->args));
	EXPECT_REPLIED();
	EXPECT_EQ(MBOX_MSG_REPLY, self->p->args.out_flags);
	EXPECT_EQ(getpid(), self->p->args.out_pid);
	EXPECT_EQ(4, self->p->args.out_len);
}

TEST_F(server, reply_may_be_empty)
{
	self->args.reply_buf = 0;
	self->args.reply_len = 0;
	EXPECT_EQ(-EAGAIN, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(0, self->args.id);
	EXPECT_EQ(0, peer_join(self->p));
	EXPECT_EQ(0, self->p->args.out_len);
}

TEST_F(server, without_a_token_only_receives)
{
	__u64 token = self->args.id;

	/* A struct that is used again may still name a reply. */
	self->args.id = 0;
	self->args.reply_buf = 8;
	self->args.reply_len = ~0U;
	EXPECT_EQ(-EAGAIN, mb_reply_recv(self->r, &self->args));
	EXPECT_TRUE(mb_poisoned(&self->args));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 44));
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(44, self->next);
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(server, receives_what_it_selects)
{
	ASSERT_EQ(0, num_send(self->s, 1, 9, 44));
	ASSERT_EQ(0, num_send(self->s, 2, 0, 45));
	self->args.select = MBOX_SELECT_EQUAL;
	self->args.type = 2;
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(45, self->next);
	EXPECT_REPLIED();
	self->args.select = MBOX_SELECT_ANY;
	self->args.type = 0;
	self->args.reply_buf = 0;
	self->args.reply_len = 0;
	self->args.priority = 9;
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(44, self->next);
}

TEST_F(server, may_cut_or_lease_what_it_receives)
{
	ASSERT_EQ(0, num_send(self->s, 0, 0, 0x01020304));
	self->args.flags |= MBOX_TRUNCATE | MBOX_LEASE;
	self->args.len = 1;
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(4, self->next);
	EXPECT_EQ(4, self->args.out_len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, self->args.out_flags);
	EXPECT_EQ(0, num_finish(self->r, self->args.out_token,
				MBOX_FINISH_DONE));
	EXPECT_REPLIED();
}

TEST_F(server, receives_in_pieces)
{
	__u16 half[2] = { 0 };
	const struct iovec iov[] = { { &half[1], 2 }, { &half[0], 2 } };
	struct mbox_ext ext = { .iov_count = 2, .iov = (unsigned long)iov };

	ASSERT_EQ(0, num_send(self->s, 0, 0, 0x00020001));
	self->args.buf = 0;
	self->args.len = 0;
	EXPECT_EQ(0, mb_ext(self->r, MBOX_IOC_REPLY_RECV, &self->args, &ext));
	EXPECT_EQ(2, half[0]);
	EXPECT_EQ(1, half[1]);
	EXPECT_REPLIED();
}

/* ---- the reply fails: nothing has happened ---- */

TEST_F(server, g02_with_a_reply_that_is_too_long_receives_nothing)
{
	__u64 token = self->args.id;

	ASSERT_EQ(0, num_send(self->s, 0, 0, 44));
	self->args.reply_len = 9;
	EXPECT_EQ(-EMSGSIZE, mb_reply_recv(self->r, &self->args));
	EXPECT_NOT_REPLIED(token);
	EXPECT_EQ(44, num_recv(self->r));
}

TEST_F(server, g02_with_a_reply_that_cannot_be_read_receives_nothing)
{
	__u64 token = self->args.id;

	ASSERT_EQ(0, num_send(self->s, 0, 0, 44));
	self->args.reply_buf = 8;
	EXPECT_EQ(-EFAULT, mb_reply_recv(self->r, &self->args));
	self->args.reply_buf = (unsigned long)mb_page_end() - 2;
	EXPECT_EQ(-EFAULT, mb_reply_recv(self->r, &self->args));
	EXPECT_NOT_REPLIED(token);
	EXPECT_EQ(44, num_recv(self->r));
}

TEST_F(server, with_a_token_that_is_none_receives_nothing)
{
	__u64 token = self->args.id;

	ASSERT_EQ(0, num_send(self->s, 0, 0, 44));
	self->args.id = token + 1;
	EXPECT_EQ(-ESRCH, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(token + 1, self->args.id);
	self->args.id = token | 1ULL << 32;
	EXPECT_EQ(-ESRCH, mb_reply_recv(self->r, &self->args));
	self->args.id = token;
	EXPECT_NOT_REPLIED(token);
	EXPECT_EQ(-ESRCH, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(44, num_recv(self->r));
}

TEST_F(server, with_the_token_of_a_lease_receives_nothing)
{
	__u64 token = self->args.id;
	__u32 lease;

	ASSERT_EQ(0, num_send(self->s, 0, 0, 44));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 45));
	ASSERT_EQ(44, num_lease(self->r, &lease));
	self->args.id = lease;
	EXPECT_EQ(-EINVAL, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(lease, self->args.id);
	EXPECT_EQ(0, num_finish(self->r, lease, MBOX_FINISH_DONE));
	self->args.id = token;
	EXPECT_NOT_REPLIED(token);
	EXPECT_EQ(45, num_recv(self->r));
}

/* ---- the receive fails: the reply is out ---- */

TEST_F(server, g03_reply_is_out_when_nothing_is_there)
{
	EXPECT_EQ(-EAGAIN, mb_reply_recv(self->r, &self->args));
	EXPECT_TRUE(mb_poisoned(&self->args));
	EXPECT_REPLIED();
}

TEST_F(server, g03_reply_is_out_when_nothing_comes)
{
	self->args.flags = MBOX_WAIT_UNTIL;
	self->args.deadline = mb_in(20 * NSEC_PER_MSEC);
	EXPECT_EQ(-ETIMEDOUT, mb_reply_recv(self->r, &self->args));
	EXPECT_LE(self->args.deadline, mb_now(CLOCK_MONOTONIC));
	EXPECT_TRUE(mb_poisoned(&self->args));
	EXPECT_REPLIED();
}

TEST_F(server, g03_reply_is_out_when_there_is_no_room_for_the_next)
{
	ASSERT_EQ(0, num_send(self->s, 0, 0, 44));
	self->args.len = 3;
	EXPECT_EQ(-EMSGSIZE, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(4, self->args.out_len);
	self->args.out_len = 0;
	EXPECT_TRUE(mb_all(&self->args.out_type, MB_MSG_OUT_SIZE, 0));
	EXPECT_REPLIED();
	EXPECT_EQ(44, num_recv(self->r));
}

TEST_F(server, g03_reply_is_out_when_the_next_cannot_be_written)
{
	ASSERT_EQ(0, num_send(self->s, 0, 0, 44));
	self->args.buf = (unsigned long)mb_page_end() - 2;
	EXPECT_EQ(-EFAULT, mb_reply_recv(self->r, &self->args));
	EXPECT_TRUE(mb_poisoned(&self->args));
	EXPECT_REPLIED();
	EXPECT_EQ(44, num_recv(self->r));
}

TEST_F(server, g03_reply_is_out_when_nothing_can_ever_come)
{
	/* The caller's own handle is closed with its call. */
	int other = mb_narrow(self->r, MBOX_RECV, 0);

	ASSERT_LE(0, other);
	close(self->s);
	self->s = other;
	EXPECT_EQ(0, peer_done(self->p));
	self->args.flags = MBOX_WAIT_FOREVER;
	EXPECT_EQ(-EPIPE, mb_reply_recv(self->r, &self->args));
	EXPECT_TRUE(mb_poisoned(&self->args));
	EXPECT_REPLIED();
}

/* ---- the caller gave up ---- */

TEST_F(server, g06_receives_though_the_reply_is_for_nobody_and_is_told)
{
	struct peer *dead = peer_call(self->s, 8, 4, 44);
	__u64 token = self->args.id;
	__u32 stale;

	ASSERT_TRUE(peer_fork_calls(dead));
	ASSERT_EQ(44, num_take(self->r, &stale));
	mb_kill(dead->tid);
	ASSERT_EQ(POLLPRI, poll_now(self->r));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 45));
	self->args.id = stale;
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(45, self->next);
	EXPECT_EQ(MBOX_MSG_STALE, self->args.out_flags);
	EXPECT_EQ(0, self->args.id);
	EXPECT_EQ(0, poll_now(self->r));
	/* It says so once. */
	ASSERT_EQ(0, num_send(self->s, 0, 0, 46));
	self->args.id = token;
	EXPECT_EQ(0, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(46, self->next);
	EXPECT_EQ(0, self->args.out_flags);
	EXPECT_REPLIED();
}

TEST_F(server, g06_stale_token_is_finished_though_nothing_is_there)
{
	struct peer *dead = peer_call(self->s, 8, 4, 44);
	__u64 token = self->args.id;
	__u32 stale;

	ASSERT_TRUE(peer_fork_calls(dead));
	ASSERT_EQ(44, num_take(self->r, &stale));
	mb_kill(dead->tid);
	self->args.id = stale;
	EXPECT_EQ(-EAGAIN, mb_reply_recv(self->r, &self->args));
	EXPECT_EQ(0, self->args.id);
	EXPECT_EQ(-ESRCH, num_reply(self->r, stale, 1));
	EXPECT_EQ(0, num_reply(self->r, token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

/* ---- waiting ---- */

static struct peer *peer_reply_recv(SERVER *self)
{
	struct peer *p = peer_new(self->r, NULL);

	p->cmd = MBOX_IOC_REPLY_RECV;
	p->args = self->args;
	p->args.flags = MBOX_WAIT_FOREVER;
	p->args.buf = (unsigned long)p->data;
	p->args.len = PEER_DATA;
	mb_poison(&p->args);
	return p;
}

TEST_F(server, g03_reply_is_out_before_it_waits)
{
	struct peer *server = peer_reply_recv(self);

	ASSERT_TRUE(peer_blocks(server));
	EXPECT_EQ(43, peer_reply(self->p));
	EXPECT_EQ(0, __atomic_load_n(&server->args.id, __ATOMIC_ACQUIRE));
	EXPECT_FALSE(peer_done(server));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 44));
	EXPECT_EQ(44, peer_number(server));
	EXPECT_EQ(0, server->args.id);
}

static long peer_serves(struct peer *p)
{
	__u32 number = 0, reply;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};
	long ret, served = 0;

	for (;;) {
		ret = mb_reply_recv(p->fd, &args);
		if (ret == -EPIPE)
			return served;
		if (ret)
			return ret;
		served++;
		reply = ~number;
		args.id = args.out_token;
		args.reply_buf = (unsigned long)&reply;
		args.reply_len = sizeof(reply);
	}
}

/* A whole server is one system call in a loop, until all clients are gone. */
TEST(g01_loop_of_one_system_call_serves_all_in_turn)
{
	struct mbox_msg_args args = { .flags = 0 };
	int r, s, i, servers = 3;
	struct peer *p[3];
	__u32 reply;
	long served = 0;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(0, &r, &s));
	for (i = 0; i < servers; i++) {
		p[i] = peer_new(r, peer_serves);
		ASSERT_TRUE(peer_start(p[i]));
	}
	for (i = 0; i < 1000; i++) {
		args.buf = (unsigned long)&i;
		args.len = sizeof(i);
		args.reply_buf = (unsigned long)&reply;
		args.reply_len = sizeof(reply);
		ASSERT_EQ(0, mb_call(s, &args));
		ASSERT_EQ(~i, reply);
	}
	close(s);
	for (i = 0; i < servers; i++)
		served += peer_join(p[i]);
	EXPECT_EQ(1000, served);
	close(r);
}

TEST_HARNESS_MAIN
