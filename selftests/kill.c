// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Killing those who wait: what they had goes back, what they said stays, and
 * the others never know. Kills at random are in process.c.
 */
#include "mbox_peer.h"

FIXTURE(full_mailbox) {
	int h;		/* two messages fit, and are there: 100, 101 */
	struct peer *p[4];
};

FIXTURE_SETUP(full_mailbox)
{
	MB_NEED_DEVICE();
	self->h = peer_full_mailbox(self->p);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(full_mailbox)
{
	close(self->h);
}

/* A process on CPU 0 that is blocked. */
static bool forks_on_cpu_0(struct peer *p)
{
	p->pin = 1;
	return peer_fork_blocks(p);
}

TEST_F(full_mailbox, g13_killed_blocked_sender_leaves_nothing)
{
	struct mbox_query_args before, after;

	ASSERT_EQ(0, mb_query(&before));
	ASSERT_TRUE(peer_fork_blocks(self->p[0]));
	ASSERT_TRUE(peer_blocks(self->p[1]));
	mb_kill(self->p[0]->tid);
	EXPECT_EQ(1, waiting_senders(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(0, peer_join(self->p[1]));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_GT(before.user_bytes, after.user_bytes);
}

TEST_F(full_mailbox, g13_message_that_got_in_outlives_its_sender)
{
	ASSERT_TRUE(forks_on_cpu_0(self->p[0]));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(0, kill(self->p[0]->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(self->p[0]));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(0, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

/* The killed receiver's message stands at its place again. */
TEST_F(full_mailbox, g13_message_handed_to_a_killed_receiver_comes_back)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_EQ(0, mb_set_max_messages(self->h, 10));
	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 5, 42));
	EXPECT_EQ(0, num_send(self->h, 1, 5, 102));
	EXPECT_EQ(4, mb_messages(self->h));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	ASSERT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(4, mb_messages(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(42, num_recv(self->h));
	EXPECT_EQ(102, num_recv(self->h));
}

TEST_F(full_mailbox, g13_message_handed_to_a_killed_receiver_goes_to_the_next)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);
	struct peer *next = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_TRUE(peer_blocks(next));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 5, 42));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(42, peer_number(next));
	EXPECT_EQ(2, mb_messages(self->h));
}

TEST_F(full_mailbox, g13_message_may_come_back_above_the_limit)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 5, 42));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(100, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 0, 9, 7));
	EXPECT_EQ(101, num_recv(self->h));
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(full_mailbox, g13_killed_blocked_receiver_takes_nothing)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_EQ(0, mb_set_max_messages(self->h, 10));
	ASSERT_TRUE(peer_fork_blocks(r));
	mb_kill(r->tid);
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-waiting-receivers"));
	EXPECT_EQ(0, num_send(self->h, 7, 0, 42));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(42, num_recv_type(self->h, MBOX_SELECT_EQUAL, 7));
}

TEST_F(full_mailbox, g13_receiver_that_a_fatal_signal_woke_takes_nothing)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_EQ(0, mb_set_max_messages(self->h, 10));
	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	EXPECT_EQ(0, num_send(self->h, 7, 0, 42));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(42, num_recv_type(self->h, MBOX_SELECT_EQUAL, 7));
}

/* Handed over, then stopped before it ran, then let go on. */
TEST_F(full_mailbox, g13_message_handed_to_a_stopped_receiver_is_not_lost)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);

	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(self->h, 7, 0, 42));
	EXPECT_EQ(0, kill(r->tid, SIGSTOP));
	ASSERT_EQ(0, cpu_release());
	ASSERT_EQ(r->tid, waitpid(r->tid, NULL, WUNTRACED));
	ASSERT_EQ(0, kill(r->tid, SIGCONT));
	EXPECT_EQ(42, peer_number(r));
	EXPECT_EQ(2, mb_messages(self->h));
}

TEST_F(full_mailbox, g13_large_message_comes_back_whole)
{
	struct peer *r = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);
	const __u32 len = 100000;
	char *buf = malloc(len);
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.type = 7,
		.buf = (unsigned long)buf,
		.len = len,
	};
	__u32 i;

	ASSERT_TRUE(!!buf);
	for (i = 0; i < len; i++)
		buf[i] = i % 251;
	r->args.len = len;
	r->args.buf = (unsigned long)mmap(NULL, len, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(forks_on_cpu_0(r));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, mb_send(self->h, &args));
	EXPECT_EQ(0, kill(r->tid, SIGKILL));
	ASSERT_EQ(0, cpu_release());
	EXPECT_EQ(-ECHILD, peer_join(r));
	memset(buf, 0, len);
	args.select = MBOX_SELECT_EQUAL;
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(len, args.out_len);
	for (i = 0; i < len && buf[i] == (char)(i % 251); i++)
		;
	EXPECT_EQ(len, i);
}

TEST_HARNESS_MAIN
