// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Being told without asking: poll, select and epoll; sigio.c has the signals.
 */
#include "mbox_peer.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)
#define ALL	(IN | OUT | POLLPRI | POLLRDBAND | POLLWRBAND)

/* What poll() says of @h now, or within @timeout ms. */
static int events(int h, int timeout)
{
	struct pollfd p = { .fd = h, .events = ALL };

	return poll(&p, 1, timeout) < 0 ? -errno : p.revents;
}

static long peer_polls(struct peer *p)
{
	return events(p->fd, -1);
}

/* A thread that has nothing to tell but waits in poll() for events of @h. */
static struct peer *polls(int h)
{
	struct peer *p = peer_new(h, peer_polls);

	return peer_start(p) && peer_sleeps(p) && !peer_done(p) ? p : NULL;
}

FIXTURE(two_ends) {
	int h, r, s;	/* 100 bytes fit, 50 a message; @h has both rights */
};

FIXTURE_SETUP(two_ends)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_bytes = 100,
		.max_message_size = 50,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
	self->r = mb_narrow(self->h, MBOX_RECV, 0);
	self->s = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->r);
	ASSERT_LE(0, self->s);
}

FIXTURE_TEARDOWN(two_ends)
{
	close(self->h);
	close(self->r);
	close(self->s);
}

static int put_bytes(int h, __u32 len)
{
	char buf[50] = "";

	return mb_put(h, buf, len);
}

/* ---- what is ready ---- */

TEST_F(two_ends, empty_mailbox_can_be_sent_to)
{
	EXPECT_EQ(0, events(self->r, 0));
	EXPECT_EQ(OUT, events(self->s, 0));
	EXPECT_EQ(OUT, events(self->h, 0));
}

TEST_F(two_ends, message_can_be_received)
{
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(IN, events(self->r, 0));
	EXPECT_EQ(OUT, events(self->s, 0));
	EXPECT_EQ(IN | OUT, events(self->h, 0));
	EXPECT_EQ(0, mb_get(self->r, NULL, 0));
	EXPECT_EQ(0, events(self->r, 0));
}

TEST_F(two_ends, can_be_sent_to_while_the_largest_message_fits)
{
	ASSERT_EQ(0, put_bytes(self->s, 50));
	EXPECT_EQ(OUT, events(self->s, 0));
	ASSERT_EQ(0, put_bytes(self->s, 1));
	EXPECT_EQ(0, events(self->s, 0));
	EXPECT_EQ(IN, events(self->h, 0));
}

TEST_F(two_ends, cannot_be_sent_to_when_full_of_messages)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 1,
	};

	ASSERT_EQ(0, mb_set(self->h, &args));
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(0, events(self->s, 0));
}

TEST_F(two_ends, dropping_mailbox_can_be_sent_to_while_it_can_drop_for_anybody)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES | MBOX_SET_OVERFLOW,
		.max_messages = 2,
		.overflow = MBOX_OVERFLOW_DROP,
	};

	ASSERT_EQ(0, mb_set(self->h, &args));
	ASSERT_EQ(0, num_send(self->s, 0, 5, 1));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 2));
	EXPECT_EQ(OUT, events(self->s, 0));
	ASSERT_EQ(0, num_send(self->s, 0, 5, 3));
	EXPECT_EQ(0, events(self->s, 0));
}

TEST_F(two_ends, receiver_hangs_up_when_there_is_nothing_more)
{
	char byte;

	ASSERT_EQ(0, put_bytes(self->s, 1));
	close(self->s);
	close(self->h);
	EXPECT_EQ(IN, events(self->r, 0));
	ASSERT_EQ(1, mb_get(self->r, &byte, 1));
	EXPECT_EQ(IN | POLLHUP, events(self->r, 0));
}

TEST_F(two_ends, sender_has_an_error_when_nobody_can_receive)
{
	ASSERT_EQ(0, put_bytes(self->s, 50));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	close(self->r);
	close(self->h);
	EXPECT_EQ(OUT | POLLERR, events(self->s, 0));
}

TEST_F(two_ends, select_agrees_with_poll)
{
	struct timeval none = { .tv_sec = 0 };
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(self->h, &in);
	FD_SET(self->h, &out);
	EXPECT_EQ(1, select(self->h + 1, &in, &out, NULL, &none));
	EXPECT_FALSE(FD_ISSET(self->h, &in));
	EXPECT_TRUE(FD_ISSET(self->h, &out));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	FD_SET(self->h, &in);
	EXPECT_EQ(1, select(self->h + 1, &in, &out, NULL, &none));
	EXPECT_TRUE(FD_ISSET(self->h, &in));
	EXPECT_FALSE(FD_ISSET(self->h, &out));
}

TEST_F(two_ends, poll_takes_nothing)
{
	ASSERT_EQ(0, put_bytes(self->s, 7));
	EXPECT_EQ(IN, events(self->r, 0));
	EXPECT_EQ(IN, events(self->r, 0));
	EXPECT_EQ(1, mb_messages(self->h));
}

/* ---- what wakes ---- */

TEST_F(two_ends, message_wakes_poll)
{
	struct peer *p = polls(self->r);

	ASSERT_TRUE(!!p);
	ASSERT_EQ(0, put_bytes(self->s, 1));
	EXPECT_EQ(IN, peer_join(p));
}

TEST_F(two_ends, written_message_wakes_poll)
{
	struct peer *p = polls(self->r);

	ASSERT_TRUE(!!p);
	ASSERT_EQ(1, write(self->s, "x", 1));
	EXPECT_EQ(IN, peer_join(p));
}

TEST_F(two_ends, room_wakes_poll)
{
	struct peer *p;
	char buf[50];

	ASSERT_EQ(0, put_bytes(self->s, 50));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	p = polls(self->s);
	ASSERT_TRUE(!!p);
	ASSERT_EQ(50, mb_get(self->r, buf, 50));
	EXPECT_EQ(OUT, peer_join(p));
}

TEST_F(two_ends, read_that_makes_room_wakes_poll)
{
	struct peer *p;
	char buf[50];

	ASSERT_EQ(0, put_bytes(self->s, 50));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	p = polls(self->s);
	ASSERT_TRUE(!!p);
	ASSERT_EQ(50, read(self->r, buf, 50));
	EXPECT_EQ(OUT, peer_join(p));
}

TEST_F(two_ends, last_sender_that_closes_wakes_poll)
{
	struct peer *p;

	close(self->h);
	p = polls(self->r);
	ASSERT_TRUE(!!p);
	close(self->s);
	EXPECT_EQ(IN | POLLHUP, peer_join(p));
}

TEST_F(two_ends, last_receiver_that_closes_wakes_poll)
{
	struct peer *p;

	ASSERT_EQ(0, put_bytes(self->s, 50));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	close(self->h);
	p = polls(self->s);
	ASSERT_TRUE(!!p);
	close(self->r);
	EXPECT_EQ(OUT | POLLERR, peer_join(p));
}

/* SET with these wakes a sender that finds the mailbox full. */
static bool set_wakes(int h, int s, struct mbox_set_args *args)
{
	struct peer *p;

	if (put_bytes(s, 50) || put_bytes(s, 50))
		return false;
	p = polls(s);
	return p && !mb_set(h, args) && peer_join(p) == OUT;
}

TEST_F(two_ends, more_bytes_wake_poll)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_BYTES,
		.max_bytes = 150,
	};

	EXPECT_TRUE(set_wakes(self->h, self->s, &args));
}

TEST_F(two_ends, switching_to_drop_wakes_poll)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW,
		.overflow = MBOX_OVERFLOW_DROP,
	};

	EXPECT_TRUE(set_wakes(self->h, self->s, &args));
}

TEST_F(two_ends, smaller_messages_wake_poll)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 20,
	};
	struct peer *p;

	ASSERT_EQ(0, put_bytes(self->s, 50));
	ASSERT_EQ(0, put_bytes(self->s, 30));
	p = polls(self->s);
	ASSERT_TRUE(!!p);
	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(OUT, peer_join(p));
}

#define NAME	"mbox poll test"

TEST(unlink_wakes_poll)
{
	struct peer *p;
	int r;

	MB_NEED_DEVICE();
	mb_unlink(NAME);
	r = mb_create_named(NAME, MBOX_RECV, 0600);
	ASSERT_LE(0, r);
	EXPECT_EQ(0, events(r, 0));
	p = polls(r);
	ASSERT_TRUE(!!p);
	ASSERT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(IN | POLLHUP, peer_join(p));
}

/* ---- epoll ---- */

static int watch(int h, __u32 which)
{
	struct epoll_event event = { .events = which };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	return ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, h, &event) ? -1 : ep;
}

/* What epoll tells now, 0: nothing. */
static __u32 told(int ep)
{
	struct epoll_event event;

	return epoll_wait(ep, &event, 1, 0) == 1 ? event.events : 0;
}

TEST_F(two_ends, epoll_level_tells_again_and_again)
{
	int ep = watch(self->r, EPOLLIN);

	ASSERT_LE(0, ep);
	EXPECT_EQ(0, told(ep));
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(EPOLLIN, told(ep));
	EXPECT_EQ(EPOLLIN, told(ep));
	ASSERT_EQ(0, mb_get(self->r, NULL, 0));
	EXPECT_EQ(0, told(ep));
}

TEST_F(two_ends, epoll_edge_tells_of_every_message)
{
	int ep = watch(self->r, EPOLLIN | EPOLLET);

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(EPOLLIN, told(ep));
	EXPECT_EQ(0, told(ep));
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(EPOLLIN, told(ep));
	EXPECT_EQ(0, told(ep));
	ASSERT_EQ(0, mb_get(self->r, NULL, 0));
	EXPECT_EQ(0, told(ep));
}

TEST_F(two_ends, epoll_edge_tells_of_a_message_that_came_back)
{
	int ep = watch(self->r, EPOLLIN | EPOLLET);
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)mb_page_end(),
		.len = 50,
	};

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, put_bytes(self->s, 50));
	EXPECT_EQ(EPOLLIN, told(ep));
	EXPECT_EQ(0, told(ep));
	ASSERT_EQ(-EFAULT, mb_recv(self->r, &args));
	EXPECT_EQ(EPOLLIN, told(ep));
}

TEST_F(two_ends, epoll_edge_tells_of_room)
{
	int ep = watch(self->s, EPOLLOUT | EPOLLET);
	char buf[50];

	ASSERT_LE(0, ep);
	EXPECT_EQ(EPOLLOUT, told(ep));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	ASSERT_EQ(0, put_bytes(self->s, 50));
	told(ep);
	EXPECT_EQ(0, told(ep));
	ASSERT_EQ(50, mb_get(self->r, buf, 50));
	EXPECT_EQ(EPOLLOUT, told(ep));
}

TEST_F(two_ends, epoll_edge_tells_of_the_end)
{
	int ep = watch(self->r, EPOLLIN | EPOLLET);

	ASSERT_LE(0, ep);
	close(self->h);
	EXPECT_EQ(0, told(ep));
	close(self->s);
	EXPECT_EQ(EPOLLIN | EPOLLHUP, told(ep));
	EXPECT_EQ(0, told(ep));
}

TEST_F(two_ends, epoll_oneshot_tells_once)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };
	int ep = watch(self->r, EPOLLIN | EPOLLONESHOT);

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(EPOLLIN, told(ep));
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(0, told(ep));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->r, &event));
	EXPECT_EQ(EPOLLIN, told(ep));
}

static long peer_epolls(struct peer *p)
{
	struct epoll_event event;
	int ret = epoll_wait(p->fd, &event, 1, -1);

	return ret == 1 ? (long)event.events : -errno;
}

TEST_F(two_ends, epoll_wakes_who_waits)
{
	struct peer *p = peer_new(watch(self->r, EPOLLIN | EPOLLET),
				  peer_epolls);

	ASSERT_LE(0, p->fd);
	ASSERT_TRUE(peer_start(p) && peer_sleeps(p));
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(EPOLLIN, peer_join(p));
}

TEST_F(two_ends, epoll_exclusive_wakes_at_least_one)
{
	struct peer *p[2];
	int i;

	for (i = 0; i < 2; i++) {
		p[i] = peer_new(watch(self->r, EPOLLIN | EPOLLEXCLUSIVE),
				peer_epolls);
		ASSERT_LE(0, p[i]->fd);
		ASSERT_TRUE(peer_start(p[i]) && peer_sleeps(p[i]));
	}
	ASSERT_EQ(0, put_bytes(self->s, 0));
	ASSERT_TRUE(wait_until(peer_done(p[0]) || peer_done(p[1])));
	/* The next message is for the other one, if it still waits. */
	ASSERT_EQ(0, put_bytes(self->s, 0));
	EXPECT_EQ(EPOLLIN, peer_join(p[0]));
	EXPECT_EQ(EPOLLIN, peer_join(p[1]));
}

TEST_F(two_ends, epoll_exclusive_wakes_all_at_the_end)
{
	struct peer *p[2];
	int i;

	for (i = 0; i < 2; i++) {
		p[i] = peer_new(watch(self->r, EPOLLIN | EPOLLEXCLUSIVE),
				peer_epolls);
		ASSERT_LE(0, p[i]->fd);
		ASSERT_TRUE(peer_start(p[i]) && peer_sleeps(p[i]));
	}
	close(self->h);
	close(self->s);
	EXPECT_EQ(EPOLLIN | EPOLLHUP, peer_join(p[0]));
	EXPECT_EQ(EPOLLIN | EPOLLHUP, peer_join(p[1]));
}

TEST_HARNESS_MAIN
