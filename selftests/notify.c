// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * MBOX_IOC_NOTIFY: an eventfd is counted up, once, when a message comes into the
 * empty mailbox and nobody who waits takes it. Whose it is: notify_owner.c.
 */
#include "mbox_notify.h"

#include <sys/epoll.h>

TEST_F(mailbox, query_tells_that_there_is_notification)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	EXPECT_TRUE(query.features & MBOX_FEATURE_NOTIFY);
}

/* ---- when ---- */

TEST_F(mailbox, a_message_into_the_empty_mailbox_counts_once)
{
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(0, seen(self->efd));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(1, seen(self->efd));
	/* It is forgotten now: not for the next, not after it was emptied. */
	ASSERT_EQ(0, mb_put(self->h, "y", 1));
	EXPECT_EQ(1, mb_get(self->h, self->buf, 1));
	EXPECT_EQ(1, mb_get(self->h, self->buf, 1));
	ASSERT_EQ(0, mb_put(self->h, "z", 1));
	EXPECT_EQ(0, seen(self->efd));
	EXPECT_EQ(1, mb_get(self->h, self->buf, 1));
	/* Until it is asked for again. */
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(1, mb_write(self->h, "w", 1));
	EXPECT_EQ(1, seen(self->efd));
}

TEST_F(mailbox, a_message_that_joins_others_does_not_count)
{
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(0, seen(self->efd));
	ASSERT_EQ(0, mb_put(self->h, "y", 1));
	EXPECT_EQ(0, seen(self->efd));
	EXPECT_EQ(1, mb_get(self->h, self->buf, 1));
	EXPECT_EQ(1, mb_get(self->h, self->buf, 1));
	EXPECT_EQ(0, seen(self->efd));
	ASSERT_EQ(0, mb_put(self->h, "z", 1));
	EXPECT_EQ(1, seen(self->efd));
}

TEST_F(mailbox, a_message_that_somebody_waits_for_does_not_count)
{
	struct peer *p = peer_recv(self->h);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 5));
	EXPECT_EQ(5, peer_number(p));
	EXPECT_EQ(0, seen(self->efd));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 6));
	EXPECT_EQ(1, seen(self->efd));
}

TEST_F(mailbox, who_waits_for_others_or_only_looks_does_not_matter)
{
	struct peer *p = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);
	struct peer *peeker = peer_recv(self->h);

	peeker->args.flags |= MBOX_PEEK;
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_TRUE(peer_blocks(peeker));
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 5));
	EXPECT_EQ(1, seen(self->efd));
	EXPECT_EQ(5, peer_number(peeker));
	ASSERT_EQ(0, num_send(self->h, 7, 0, 6));
	EXPECT_EQ(6, peer_number(p));
	EXPECT_EQ(0, seen(self->efd));
}

TEST_F(mailbox, who_waits_with_too_small_a_buffer_does_not_matter)
{
	struct peer *p = peer_recv(self->h);

	p->args.len = 1;
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 5));
	EXPECT_EQ(-EMSGSIZE, peer_join(p));
	EXPECT_EQ(1, seen(self->efd));
}

TEST_F(mailbox, a_message_that_comes_back_counts)
{
	struct mbox_msg_args bad = {
		.flags = MBOX_WAIT_NONE,
		.buf = 1,
		.len = 64,
	};

	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &bad));
	EXPECT_EQ(1, seen(self->efd));
}

TEST_F(mailbox, a_send_that_fails_does_not_count)
{
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(-EFAULT, mb_put(self->h, (void *)1, 1));
	EXPECT_EQ(0, mb_write(self->h, "", 0));
	EXPECT_EQ(0, seen(self->efd));
}

static __u32 lease_one(int h)
{
	__u32 token = 0;

	num_lease(h, &token);
	return token;
}

TEST_F(mailbox, a_leased_message_that_comes_back_counts)
{
	__u32 token;

	ASSERT_EQ(0, num_send(self->h, 0, 0, 1));
	token = lease_one(self->h);
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, seen(self->efd));
}

/*
 * A message in somebody's hands fills the mailbox: the next sender blocks. But a
 * receive would take its message, so there is something to tell.
 */
TEST_F(mailbox, a_message_whose_sender_is_blocked_counts)
{
	struct peer *first, *second;
	int h = mb_create_small(1);
	__u32 token;

	ASSERT_LE(0, h);
	ASSERT_EQ(0, num_send(h, 0, 0, 1));
	token = lease_one(h);
	ASSERT_EQ(0, notify(h, self->efd));
	first = peer_send(h, 0, 0, 2);
	ASSERT_TRUE(peer_blocks(first));
	/* It is told after the lock, under which the sender is seen to block. */
	EXPECT_TRUE(wait_until(seen(self->efd) == 1));
	/* The next one joins it. */
	ASSERT_EQ(0, notify(h, self->efd));
	second = peer_send(h, 0, 0, 3);
	ASSERT_TRUE(peer_blocks(second));
	EXPECT_EQ(0, seen(self->efd));
	EXPECT_EQ(2, num_recv(h));
	EXPECT_EQ(3, num_recv(h));
	EXPECT_EQ(0, peer_join(first));
	EXPECT_EQ(0, peer_join(second));
	EXPECT_EQ(0, seen(self->efd));
	ASSERT_EQ(0, num_finish(h, token, MBOX_FINISH_DONE));
	ASSERT_EQ(0, num_send(h, 0, 0, 4));
	EXPECT_EQ(1, seen(self->efd));
	close(h);
}

TEST_F(mailbox, calls_and_batches_count_as_all_messages)
{
	struct mbox_msg_args msgs[3] = { };
	struct mbox_batch_args batch = {
		.msgs = (unsigned long)msgs,
		.count = 3,
	};
	int reply_to = mb_create_anon();
	__u32 token;

	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(3, mb_ioctl(self->h, MBOX_IOC_SENDV, &batch));
	EXPECT_EQ(1, seen(self->efd));
	ASSERT_EQ(3, mb_ioctl(self->h, MBOX_IOC_RECVV, &batch));
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, notify(reply_to, self->efd));
	ASSERT_EQ(0, num_call_async(self->h, reply_to, 1, 8, 7));
	EXPECT_EQ(1, seen(self->efd));
	ASSERT_EQ(7, num_take(self->h, &token));
	ASSERT_EQ(0, num_reply(self->h, token, 8));
	EXPECT_EQ(1, seen(self->efd));
	close(reply_to);
}

/* ---- how it is told ---- */

TEST_F(mailbox, who_polls_the_eventfd_is_woken)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 9 };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->efd, &event));
	ASSERT_EQ(0, notify(self->h, self->efd));
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(1, epoll_wait(ep, &event, 1, -1));
	EXPECT_EQ(9, event.data.u32);
	close(ep);
}

TEST_F(mailbox, one_eventfd_serves_several_mailboxes)
{
	int h = mb_create_anon();

	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, notify(h, self->efd));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	ASSERT_EQ(0, mb_put(h, "x", 1));
	EXPECT_EQ(2, seen(self->efd));
	close(h);
}

TEST_F(mailbox, a_full_eventfd_stops_nobody)
{
	__u64 most = ~0ULL - 1;

	ASSERT_EQ(sizeof(most), write(self->efd, &most, sizeof(most)));
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_LE(most, seen(self->efd));
}

TEST_F(mailbox, an_eventfd_that_was_closed_does_no_harm)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	int copy = dup(efd);

	ASSERT_EQ(0, notify(self->h, efd));
	close(efd);
	close(copy);
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	ASSERT_EQ(1, mb_get(self->h, self->buf, 1));
	ASSERT_EQ(0, notify(self->h, self->efd));
	ASSERT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(1, seen(self->efd));
}

/* ---- arguments ---- */

FIXTURE(arguments) {
	int h;
	int fd;
	unsigned long cmd;
	struct mbox_notify_args valid;
	struct mbox_notify_args args;
};

FIXTURE_SETUP(arguments)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->fd = self->h;
	self->cmd = MBOX_IOC_NOTIFY;
	self->valid.eventfd = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, self->valid.eventfd);
}

FIXTURE_TEARDOWN(arguments)
{
	close(self->h);
	close(self->valid.eventfd);
}

#define FIELDS_CALL(self) mb_ioctl((self)->fd, (self)->cmd, &(self)->args)

TEST_F(arguments, wrong_ones_are_refused)
{
	int device = mb_device();
	int send = mb_narrow(self->h, MBOX_SEND, 0);

	REFUSES(EINVAL, self->args.reserved = 1);
	REFUSES(EINVAL, self->args.reserved = 1U << 31);
	REFUSES(EBADF, self->args.eventfd = -2);
	REFUSES(EBADF, self->args.eventfd = 1 << 20);
	REFUSES(EINVAL, self->args.eventfd = self->h);
	REFUSES(EINVAL, self->args.eventfd = 0);
	REFUSES(EBADF, self->fd = send);
	REFUSES(EBADF, self->fd = send; self->args.eventfd = -1);
	REFUSES(ENOTTY, self->fd = device);
	self->fd = self->h;
	self->args = self->valid;
	EXPECT_EQ(0, FIELDS_CALL(self));
	close(device);
	close(send);
}

TEST_F(arguments, bad_addresses_are_refused)
{
	char *end = mb_page_end();

	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_NOTIFY, NULL));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_NOTIFY, end));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_NOTIFY, end - 4));
}

TEST_F(arguments, other_sizes)
{
	struct {
		struct mbox_notify_args args;
		char tail[8];
	} longer = { .args = self->valid };

	self->args = self->valid;
	EXPECT_EQ(-EINVAL, mb_ioctl(self->h, RESIZED(MBOX_IOC_NOTIFY, 4), &self->args));
	EXPECT_EQ(-EINVAL, mb_ioctl(self->h, RESIZED(MBOX_IOC_NOTIFY, 0), &self->args));
	longer.tail[7] = 1;
	EXPECT_EQ(-E2BIG, mb_ioctl(self->h, RESIZED(MBOX_IOC_NOTIFY, 16), &longer));
	longer.tail[7] = 0;
	EXPECT_EQ(0, mb_ioctl(self->h, RESIZED(MBOX_IOC_NOTIFY, 16), &longer));
	EXPECT_EQ(-EBUSY, mb_ioctl(self->h, MBOX_IOC_NOTIFY, &longer));
}

TEST_HARNESS_MAIN
