// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How both ends of a mailbox learn that the other has gone for good: the end of
 * file and EPIPE.
 */
#include "mbox_peer.h"

static long peer_reads(struct peer *p)
{
	return mb_read(p->fd, p->data, sizeof(p->data));
}

static long peer_writes(struct peer *p)
{
	return mb_write(p->fd, "peer", 4);
}

static int readable(int h)
{
	int n = -1;

	return ioctl(h, FIONREAD, &n) ? -errno : n;
}

FIXTURE(two_ends) {
	int r, s;	/* an anonymous mailbox: one receives, one sends */
};

FIXTURE_SETUP(two_ends)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &self->r, &self->s));
}

FIXTURE_TEARDOWN(two_ends)
{
	close(self->r);
	close(self->s);
}

TEST_F(two_ends, receiver_is_at_the_end_when_the_last_sender_has_closed)
{
	int other = dup(self->s);
	char buf[8];

	ASSERT_LE(0, other);
	close(self->s);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	close(other);
	EXPECT_EQ(-EPIPE, num_recv(self->r));
	EXPECT_EQ(0, mb_read(self->r, buf, sizeof(buf)));
	EXPECT_EQ(0, readable(self->r));
}

TEST_F(two_ends, receiver_gets_what_is_queued_before_the_end)
{
	char buf[8];

	ASSERT_EQ(0, num_send(self->s, 7, 0, 42));
	close(self->s);
	/* None of another type can come, though. */
	EXPECT_EQ(-EPIPE, num_recv_type(self->r, MBOX_SELECT_EQUAL, 8));
	EXPECT_EQ(-EPIPE, num_recv_type(self->r, MBOX_SELECT_NOT_EQUAL, 7));
	EXPECT_EQ(-EPIPE, num_recv_type(self->r, MBOX_SELECT_LOWEST, 6));
	EXPECT_EQ(42, num_recv_type(self->r, MBOX_SELECT_EQUAL, 7));
	EXPECT_EQ(0, mb_read(self->r, buf, sizeof(buf)));
}

TEST_F(two_ends, end_comes_before_the_deadline)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_UNTIL };

	close(self->s);
	EXPECT_EQ(-EPIPE, mb_recv(self->r, &args));
	EXPECT_TRUE(mb_poisoned(&args));
	args.flags = MBOX_WAIT_FOREVER;
	EXPECT_EQ(-EPIPE, mb_recv(self->r, &args));
	args.flags = MBOX_WAIT_FOREVER | MBOX_PEEK;
	EXPECT_EQ(-EPIPE, mb_recv(self->r, &args));
}

TEST_F(two_ends, blocked_receivers_learn_of_the_end)
{
	struct peer *p[4];
	int i;

	p[0] = peer_recv(self->r);
	p[1] = peer_new(self->r, peer_reads);
	p[2] = peer_recv_type(self->r, MBOX_SELECT_EQUAL, 5);
	p[3] = peer_recv(self->r);
	p[3]->args.flags |= MBOX_PEEK;
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(peer_blocks(p[i]));
	close(self->s);
	EXPECT_EQ(-EPIPE, peer_join(p[0]));
	EXPECT_EQ(0, peer_join(p[1]));
	EXPECT_EQ(-EPIPE, peer_join(p[2]));
	EXPECT_EQ(-EPIPE, peer_join(p[3]));
}

TEST_F(two_ends, blocked_selective_receiver_learns_of_its_end)
{
	struct peer *p = peer_recv_type(self->r, MBOX_SELECT_EQUAL, 5);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, num_send(self->s, 7, 0, 42));
	close(self->s);
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(two_ends, sender_is_told_that_nobody_can_receive)
{
	int other = dup(self->r);

	ASSERT_LE(0, other);
	close(self->r);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	close(other);
	EXPECT_EQ(-EPIPE, num_send(self->s, 0, 0, 2));
	/* A signal would have killed this process. */
	EXPECT_EQ(-EPIPE, mb_write(self->s, "x", 1));
	EXPECT_EQ(0, mb_write(self->s, "x", 0));
}

TEST_F(two_ends, g10_closing_the_last_receiver_frees_what_is_queued)
{
	struct mbox_query_args before, after;

	ASSERT_EQ(0, mb_query(&before));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_LT(before.user_bytes, after.user_bytes);
	close(self->r);
	EXPECT_EQ(0, mb_messages(self->s));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

TEST_F(two_ends, blocked_senders_are_told_that_nobody_can_receive)
{
	struct peer *p = peer_send(self->s, 0, 0, 2);
	struct peer *w = peer_new(self->s, peer_writes);

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_TRUE(peer_start(w));
	ASSERT_TRUE(senders_blocked(self->s, 2));
	close(self->r);
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(-EPIPE, peer_join(w));
}

TEST_F(two_ends, end_is_for_good)
{
	close(self->s);
	EXPECT_EQ(-EPERM, mb_narrow(self->r, MBOX_SEND, 0));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

/* ---- names ---- */

#define NAME	"mbox readwrite test"

FIXTURE(named_ends) {
	int r, s;	/* of a named mailbox */
};

FIXTURE_SETUP(named_ends)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->r = mb_create_named(NAME, MBOX_RECV | MBOX_EXCL, 0600);
	ASSERT_LE(0, self->r);
	self->s = mb_open(NAME, MBOX_SEND);
	ASSERT_LE(0, self->s);
}

FIXTURE_TEARDOWN(named_ends)
{
	close(self->r);
	close(self->s);
	mb_unlink(NAME);
}

TEST_F(named_ends, name_may_bring_senders)
{
	close(self->s);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	self->s = mb_open(NAME, MBOX_SEND);
	ASSERT_LE(0, self->s);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(named_ends, name_may_bring_receivers)
{
	close(self->r);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	self->r = mb_open(NAME, MBOX_RECV);
	ASSERT_LE(0, self->r);
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(named_ends, message_outlives_all_handles)
{
	ASSERT_EQ(0, num_send(self->s, 7, 0, 42));
	close(self->s);
	close(self->r);
	self->r = mb_open(NAME, MBOX_RECV);
	ASSERT_LE(0, self->r);
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(named_ends, unlink_brings_the_end)
{
	struct peer *p = peer_recv(self->r);

	close(self->s);
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(named_ends, unlink_does_not_end_what_has_a_sender)
{
	ASSERT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	close(self->s);
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(named_ends, unlink_tells_blocked_senders)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 1,
	};
	struct peer *p = peer_send(self->s, 0, 0, 2);

	ASSERT_EQ(0, mb_set(self->r, &args));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	close(self->r);
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(-EPIPE, num_send(self->s, 0, 0, 3));
}

TEST(own_mailbox_may_bring_senders_until_it_is_unlinked)
{
	int r;

	MB_NEED_DEVICE();
	r = mb_create_own(MBOX_RECV, 0600);
	ASSERT_LE(0, r);
	EXPECT_EQ(-EAGAIN, num_recv(r));
	ASSERT_EQ(0, mb_unlink_pid(0));
	EXPECT_EQ(-EPIPE, num_recv(r));
}

struct own_of_child {
	int ready[2], go[2];
};

static void own_mailbox(struct __test_metadata *_metadata, void *arg)
{
	struct own_of_child *c = arg;
	int r = mb_create_own(MB_RW, 0600);
	char byte;

	ASSERT_LE(0, r);
	ASSERT_EQ(1, write(c->ready[1], "r", 1));
	ASSERT_EQ(1, read(c->go[0], &byte, 1));
}

TEST(g13_end_of_a_process_ends_its_own_mailbox)
{
	struct own_of_child c;
	struct peer *p;
	char byte;
	pid_t pid;
	int r;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, pipe(c.ready));
	ASSERT_EQ(0, pipe(c.go));
	pid = mb_fork(_metadata, own_mailbox, &c);
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(c.ready[0], &byte, 1));
	r = mb_open_pid(pid, MBOX_RECV);
	ASSERT_LE(0, r);
	p = peer_recv(r);
	ASSERT_TRUE(peer_blocks(p));
	mb_kill(pid);
	EXPECT_EQ(-EPIPE, peer_join(p));
}

/* ---- handles on their way ---- */

TEST_F(two_ends, sender_on_its_way_through_a_socket_is_a_sender)
{
	int sock[2], s;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->s));
	close(self->s);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	s = recv_fd(sock[1]);
	ASSERT_LE(0, s);
	EXPECT_EQ(0, num_send(s, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	close(s);
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(two_ends, sender_that_is_lost_on_its_way_ends_a_blocked_receive)
{
	struct peer *p = peer_recv(self->r);
	int sock[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->s));
	close(self->s);
	ASSERT_TRUE(peer_blocks(p));
	close(sock[0]);
	close(sock[1]);
	EXPECT_EQ(-EPIPE, peer_join(p));
}

TEST_F(two_ends, receiver_on_its_way_through_a_socket_is_a_receiver)
{
	int sock[2], r;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->r));
	close(self->r);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	r = recv_fd(sock[1]);
	ASSERT_LE(0, r);
	EXPECT_EQ(42, num_recv(r));
	ASSERT_EQ(0, send_fd(sock[0], r));
	close(r);
	close(sock[0]);
	close(sock[1]);
	EXPECT_TRUE(wait_until(num_send(self->s, 0, 0, 1) == -EPIPE));
}

TEST_HARNESS_MAIN
