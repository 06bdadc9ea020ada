// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Leases: a message is its receiver's until it says how that ended, or until the
 * time is over. What becomes of it when its holder goes is in lease_holder.c.
 */
#include "mbox_call.h"

static int take_type(int h, __u8 select, __u64 type, __u32 *token)
{
	struct mbox_msg_args args = {
		.flags = MBOX_LEASE,
		.select = select,
		.type = type,
	};
	int ret = num_recv_args(h, &args);

	*token = args.out_token;
	return ret;
}

FIXTURE(leased) {
	int h;			/* 1, 2, 3; the first is leased, four fit */
	__u32 token;
};

FIXTURE_SETUP(leased)
{
	int i;

	MB_NEED_DEVICE();
	self->h = mb_create_small(4);
	ASSERT_LE(0, self->h);
	for (i = 1; i <= 3; i++)
		ASSERT_EQ(0, num_send(self->h, i, 5, i));
	ASSERT_EQ(1, num_lease(self->h, &self->token));
	ASSERT_NE(0, self->token);
}

FIXTURE_TEARDOWN(leased)
{
	close(self->h);
}

/* ---- done ---- */

TEST_F(leased, g01_done_it_is_gone)
{
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(2, mb_messages(self->h));
	EXPECT_EQ(1, mb_stat_of(self->h).received);
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_F(leased, finished_it_cannot_be_finished_again)
{
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(2, mb_messages(self->h));
}

TEST_F(leased, wrong_number_is_nobodys)
{
	EXPECT_EQ(-ESRCH, num_finish(self->h, 0, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token + 1,
				     MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token | 1ULL << 32,
				     MBOX_FINISH_DONE));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_DONE));
}

TEST_F(leased, nobody_asked_for_a_reply)
{
	EXPECT_EQ(-EINVAL, num_reply(self->h, self->token, 7));
	EXPECT_EQ(-EINVAL, num_fail(self->h, self->token, 7));
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_DONE));
}

TEST_F(leased, several_end_in_any_order)
{
	__u32 second, third;

	ASSERT_EQ(2, num_lease(self->h, &second));
	ASSERT_EQ(3, num_lease(self->h, &third));
	EXPECT_NE(self->token, second);
	EXPECT_NE(self->token, third);
	EXPECT_NE(second, third);
	EXPECT_EQ(3, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(0, num_finish(self->h, third, MBOX_FINISH_BACK));
	EXPECT_EQ(0, num_finish(self->h, second, MBOX_FINISH_DONE));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	EXPECT_TRUE(all_over(self->h));
}

/* ---- back ---- */

TEST_F(leased, g02_back_it_is_at_its_place)
{
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, mb_stat_of(self->h).received);
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
}

TEST_F(leased, g02_back_it_is_behind_what_is_more_urgent)
{
	EXPECT_EQ(0, num_send(self->h, 4, 6, 4));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(4, num_recv(self->h));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(2, num_recv(self->h));
}

TEST_F(leased, comes_back_after_others_were_taken_meanwhile)
{
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
}

TEST_F(leased, g07_back_it_says_so_and_is_else_the_same)
{
	struct mbox_msg_args first = { .flags = MBOX_LEASE };
	struct mbox_msg_args second = { .flags = MBOX_LEASE };

	ASSERT_EQ(2, num_recv_args(self->h, &first));
	EXPECT_EQ(1, first.out_deliveries);
	EXPECT_EQ(0, first.out_flags);
	ASSERT_EQ(0, num_finish(self->h, first.out_token, MBOX_FINISH_BACK));
	ASSERT_EQ(2, num_recv_args(self->h, &second));
	EXPECT_EQ(2, second.out_deliveries);
	EXPECT_EQ(MBOX_MSG_REDELIVERED, second.out_flags);
	second.out_deliveries = first.out_deliveries;
	second.out_flags = first.out_flags;
	second.out_token = first.out_token;
	EXPECT_EQ(0, memcmp((char *)&first + MB_MSG_IN_SIZE,
			    (char *)&second + MB_MSG_IN_SIZE, MB_MSG_OUT_SIZE));
}

TEST_F(leased, last_delivery_needs_no_lease)
{
	struct mbox_msg_args args = { .flags = 0 };

	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, num_recv_args(self->h, &args));
	EXPECT_EQ(2, args.out_deliveries);
	EXPECT_EQ(MBOX_MSG_REDELIVERED, args.out_flags);
	EXPECT_EQ(0, args.out_token);
}

TEST_F(leased, peek_at_what_came_back_counts_for_nothing)
{
	struct mbox_msg_args peek = { .flags = MBOX_PEEK };
	int i;

	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1, num_recv_args(self->h, &peek));
		EXPECT_EQ(2, peek.out_deliveries);
		EXPECT_EQ(MBOX_MSG_REDELIVERED, peek.out_flags);
		EXPECT_EQ(0, peek.out_token);
	}
}

TEST_F(leased, deliveries_are_counted_up_to_255)
{
	struct mbox_msg_args args = { .flags = MBOX_LEASE };
	int i;

	for (i = 1; i <= 300; i++) {
		ASSERT_EQ(0, num_finish(self->h, self->token,
					MBOX_FINISH_BACK));
		ASSERT_EQ(1, num_recv_args(self->h, &args));
		ASSERT_EQ(i < 254 ? i + 1 : 255, args.out_deliveries);
		ASSERT_EQ(MBOX_MSG_REDELIVERED, args.out_flags);
		self->token = args.out_token;
	}
}

TEST_F(leased, back_it_goes_to_one_who_waits_for_it)
{
	struct peer *other = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 7);
	struct peer *next = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 1);

	ASSERT_TRUE(peer_blocks(other));
	ASSERT_TRUE(peer_blocks(next));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, peer_number(next));
	EXPECT_EQ(2, next->args.out_deliveries);
	EXPECT_TRUE(receivers_blocked(self->h, 1));
}

static long polls_in(struct peer *p)
{
	struct pollfd poll_fd = { .fd = p->fd, .events = POLLIN };

	return poll(&poll_fd, 1, -1) == 1 ? poll_fd.revents : -errno;
}

TEST_F(leased, back_it_wakes_poll)
{
	struct peer *p = peer_new(self->h, polls_in);

	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	EXPECT_EQ(POLLOUT, poll_now(self->h));
	ASSERT_TRUE(peer_start(p) && peer_sleeps(p));
	EXPECT_FALSE(peer_done(p));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(POLLIN, peer_join(p));
}

/* ---- meanwhile ---- */

TEST_F(leased, nobody_else_sees_it)
{
	struct mbox_msg_args peek = { .flags = MBOX_PEEK };
	char buf[8];
	int len = -1;

	EXPECT_EQ(2, num_recv_args(self->h, &peek));
	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	EXPECT_EQ(0, ioctl(self->h, FIONREAD, &len));
	EXPECT_EQ(0, len);
	ASSERT_EQ(0, fcntl(self->h, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_read(self->h, buf, sizeof(buf)));
}

TEST_F(leased, read_takes_what_came_back)
{
	__u32 number;

	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(4, mb_read(self->h, &number, sizeof(number)));
	EXPECT_EQ(1, number);
	EXPECT_EQ(1, mb_stat_of(self->h).received);
}

TEST_F(leased, g10_it_counts_as_held)
{
	struct mbox_stat_args st = mb_stat_of(self->h);
	struct peer *s = peer_send(self->h, 5, 5, 5);

	EXPECT_EQ(3, st.messages);
	EXPECT_EQ(12, st.bytes);
	EXPECT_EQ(1, st.tokens);
	EXPECT_EQ(0, st.calls);
	EXPECT_EQ(0, num_send(self->h, 4, 5, 4));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 5, 5, 5));
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(4, mb_messages(self->h));
}

TEST_F(leased, back_it_may_be_above_the_limit)
{
	ASSERT_EQ(0, mb_set_max_messages(self->h, 1));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 5, 9, 5));
	EXPECT_EQ(1, num_recv(self->h));
}

TEST_F(leased, it_is_not_dropped)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 1,
	};

	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(-EAGAIN, num_send(self->h, 9, 9, 9));
	EXPECT_EQ(0, mb_drops(self->h));
	/* Back, it is a message like any other. */
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, num_send(self->h, 9, 9, 9));
	EXPECT_EQ(1, mb_drops(self->h));
	EXPECT_EQ(9, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_F(leased, coming_back_lets_a_sender_drop_it)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 1,
	};
	struct peer *s = peer_send(self->h, 9, 9, 9);

	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	ASSERT_EQ(0, mb_set(self->h, &args));
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(9, num_recv(self->h));
	EXPECT_TRUE(all_over(self->h));
}

TEST(g10_sender_pays_until_it_is_done)
{
	char payload[4000] = "";
	__u64 before, sent;
	__u32 token;
	int h;

	MB_NEED_DEVICE();
	h = mb_create_anon();
	before = user_bytes();
	ASSERT_EQ(0, mb_put(h, payload, sizeof(payload)));
	sent = user_bytes();
	EXPECT_LE(before + sizeof(payload), sent);
	ASSERT_LE(0, num_take_flags(h, MBOX_LEASE | MBOX_TRUNCATE, &token));
	EXPECT_EQ(sent, user_bytes());
	EXPECT_EQ(0, num_finish(h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(sent, user_bytes());
	ASSERT_LE(0, num_take_flags(h, MBOX_LEASE | MBOX_TRUNCATE, &token));
	EXPECT_EQ(0, num_finish(h, token, MBOX_FINISH_DONE));
	EXPECT_EQ(before, user_bytes());
}

TEST_F(leased, selective_lease_takes_what_it_selects)
{
	__u32 token, none;

	EXPECT_EQ(3, take_type(self->h, MBOX_SELECT_NOT_EQUAL, 2, &token));
	EXPECT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(2, take_type(self->h, MBOX_SELECT_LOWEST, 9, &token));
	EXPECT_EQ(-EAGAIN, take_type(self->h, MBOX_SELECT_EQUAL, 2, &none));
	EXPECT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(2, take_type(self->h, MBOX_SELECT_EQUAL, 2, &token));
	EXPECT_EQ(3, num_recv(self->h));
}

TEST_F(leased, of_a_blocked_sender_it_lets_it_go)
{
	struct peer *s = peer_send(self->h, 7, 5, 5);
	__u32 token;

	ASSERT_EQ(0, num_send(self->h, 4, 5, 4));
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_EQ(5, take_type(self->h, MBOX_SELECT_EQUAL, 7, &token));
	EXPECT_EQ(0, peer_join(s));
	EXPECT_EQ(5, mb_messages(self->h));
	EXPECT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
	EXPECT_EQ(4, num_recv(self->h));
	EXPECT_EQ(5, num_recv(self->h));
}

/* ---- receives that fail ---- */

FIXTURE(not_leased) {
	int h;			/* a message of 4000 bytes */
	char payload[4000], buf[4000];
	struct mbox_msg_args args;
};

FIXTURE_SETUP(not_leased)
{
	unsigned int i;

	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	for (i = 0; i < sizeof(self->payload); i++)
		self->payload[i] = i % 251;
	ASSERT_EQ(0, mb_put(self->h, self->payload, sizeof(self->payload)));
	self->args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE | MBOX_LEASE,
		.buf = (unsigned long)self->buf,
		.len = sizeof(self->buf),
	};
}

FIXTURE_TEARDOWN(not_leased)
{
	close(self->h);
}

/* Whether it is there as if nothing had happened. */
#define EXPECT_UNTOUCHED() do { \
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens")); \
	EXPECT_EQ(0, mb_stat_of(self->h).received); \
	self->args.flags = MBOX_WAIT_NONE | MBOX_LEASE; \
	self->args.buf = (unsigned long)self->buf; \
	self->args.len = sizeof(self->buf); \
	EXPECT_EQ(0, mb_recv(self->h, &self->args)); \
	EXPECT_EQ(1, self->args.out_deliveries); \
	EXPECT_EQ(0, self->args.out_flags); \
	EXPECT_EQ(0, memcmp(self->payload, self->buf, sizeof(self->buf))); \
} while (0)

TEST_F(not_leased, g02_bad_buffer_is_no_delivery)
{
	self->args.buf = (unsigned long)mb_page_end() - 100;
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &self->args));
	EXPECT_UNTOUCHED();
}

TEST_F(not_leased, g02_bad_struct_is_no_delivery)
{
	struct mbox_msg_args *args = (void *)(mb_page_end() - MB_MSG_IN_SIZE);

	/* All that is read is there, of what is written nothing. */
	memcpy(args, &self->args, MB_MSG_IN_SIZE);
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_RECV, args));
	EXPECT_UNTOUCHED();
}

TEST_F(not_leased, g02_small_buffer_is_no_delivery)
{
	self->args.len = 3999;
	EXPECT_EQ(-EMSGSIZE, mb_recv(self->h, &self->args));
	EXPECT_EQ(4000, self->args.out_len);
	EXPECT_EQ(0, self->args.out_token);
	EXPECT_UNTOUCHED();
}

TEST_F(not_leased, cut_it_comes_back_whole)
{
	self->args.flags |= MBOX_TRUNCATE;
	self->args.len = 10;
	EXPECT_EQ(0, mb_recv(self->h, &self->args));
	EXPECT_EQ(MBOX_MSG_TRUNCATED, self->args.out_flags);
	EXPECT_EQ(0, num_finish(self->h, self->args.out_token,
				MBOX_FINISH_BACK));
	self->args.len = 4000;
	EXPECT_EQ(0, mb_recv(self->h, &self->args));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, self->args.out_flags);
	EXPECT_EQ(0, memcmp(self->payload, self->buf, sizeof(self->buf)));
}

TEST_F(not_leased, empty_message_can_be_leased)
{
	int h = mb_create_anon();
	__u32 token;

	ASSERT_EQ(0, mb_put(h, NULL, 0));
	ASSERT_LE(0, num_lease(h, &token));
	EXPECT_NE(0, token);
	EXPECT_EQ(1, mb_messages(h));
	EXPECT_EQ(0, num_finish(h, token, MBOX_FINISH_BACK));
	ASSERT_LE(0, num_lease(h, &token));
	EXPECT_EQ(0, num_finish(h, token, MBOX_FINISH_DONE));
	EXPECT_TRUE(all_over(h));
}

/* ---- leases of what somebody waits for ---- */

/* Whoever was given something, and has not run yet, counts too. */
TEST(g10_no_more_stays_than_may_however_many_wait)
{
	struct peer *p;
	int i, h;

	MB_NEED_DEVICE();
	h = mb_create_small(1);
	ASSERT_LE(0, h);
	for (i = 0; i < 3; i++) {
		p = peer_recv(h);
		p->args.flags |= MBOX_LEASE;
		p->pin = 1;
		ASSERT_TRUE(peer_start(p));
	}
	ASSERT_TRUE(receivers_blocked(h, 3));
	ASSERT_EQ(0, cpu_seize());
	EXPECT_EQ(0, num_send(h, 0, 0, 1));
	EXPECT_EQ(-EAGAIN, num_send(h, 0, 0, 2));
	ASSERT_EQ(0, cpu_release());
	EXPECT_TRUE(tokens_open(h, 1));
	EXPECT_TRUE(receivers_blocked(h, 2));
}

/* Who has no room for what is withheld from him learns so as soon as it is not. */
TEST(g04_end_of_a_lease_tells_who_has_no_room)
{
	struct peer *first, *small, *s;
	int h;

	MB_NEED_DEVICE();
	h = mb_create_small(1);
	ASSERT_EQ(0, num_send(h, 5, 0, 0));
	first = peer_recv_type(h, MBOX_SELECT_EQUAL, 1);
	first->args.flags |= MBOX_LEASE;
	ASSERT_TRUE(peer_blocks(first));
	ASSERT_EQ(0, num_send(h, 1, 0, 1));
	ASSERT_EQ(1, peer_number(first));
	small = peer_recv_type(h, MBOX_SELECT_EQUAL, 1);
	small->args.flags |= MBOX_LEASE;
	small->args.len = 2;
	ASSERT_TRUE(peer_blocks(small));
	s = peer_send(h, 1, 0, 2);
	ASSERT_TRUE(peer_blocks(s));
	EXPECT_FALSE(peer_done(small));
	ASSERT_EQ(0, num_finish(h, first->args.out_token, MBOX_FINISH_DONE));
	EXPECT_EQ(-EMSGSIZE, peer_join(small));
	EXPECT_EQ(2, num_recv_type(h, MBOX_SELECT_EQUAL, 1));
	EXPECT_EQ(0, peer_join(s));
}

FIXTURE(leased_call) {
	int h;
	struct peer *p;		/* calls with number 1 */
	__u32 token;
};

FIXTURE_SETUP(leased_call)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->p = peer_call(self->h, 0, 0, 1);
	ASSERT_TRUE(peer_calls(self->p));
}

FIXTURE_TEARDOWN(leased_call)
{
}

TEST_F(leased_call, is_answered)
{
	ASSERT_EQ(1, num_lease(self->h, &self->token));
	EXPECT_EQ(0, num_reply(self->h, self->token, 7));
	EXPECT_EQ(7, peer_reply(self->p));
	EXPECT_TRUE(all_over(self->h));
}

TEST_F(leased_call, comes_back_when_its_time_is_over_and_is_answered)
{
	__u32 next;

	ASSERT_EQ(1, num_lease_for(self->h, NSEC_PER_MSEC, &self->token));
	ASSERT_TRUE(tokens_open(self->h, 0));
	EXPECT_EQ(-ESRCH, num_reply(self->h, self->token, 6));
	ASSERT_EQ(1, num_take(self->h, &next));
	EXPECT_EQ(0, num_reply(self->h, next, 7));
	EXPECT_EQ(7, peer_reply(self->p));
	EXPECT_TRUE(all_over(self->h));
}

TEST_F(leased_call, does_not_come_back_when_its_caller_gave_up)
{
	self->p = peer_call(self->h, 2, 0, 2);
	ASSERT_TRUE(peer_fork_calls(self->p));
	ASSERT_EQ(2, take_type(self->h, MBOX_SELECT_EQUAL, 2, &self->token));
	mb_kill(self->p->tid);
	ASSERT_TRUE(tokens_stale(self->h, 1));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_EQUAL, 2));
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST_F(leased_call, stale_lease_ends_with_its_time)
{
	__u32 token;

	self->p = peer_call(self->h, 2, 9, 2);
	ASSERT_TRUE(peer_fork_calls(self->p));
	ASSERT_EQ(2, num_lease_for(self->h, 5 * NSEC_PER_MSEC, &token));
	mb_kill(self->p->tid);
	ASSERT_TRUE(tokens_open(self->h, 0));
	EXPECT_EQ(-ESRCH, num_reply(self->h, token, 7));
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-stale-tokens"));
	EXPECT_EQ(0, poll_now(self->h) & POLLPRI);
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST(synchronous_send_ends_when_it_is_leased)
{
	struct peer *p;
	__u32 token;
	int h;

	MB_NEED_DEVICE();
	h = mb_create_anon();
	p = peer_sync(h, 0, 0, 1);
	ASSERT_TRUE(peer_calls(p));
	ASSERT_EQ(1, num_lease(h, &token));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, num_finish(h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, num_recv(h));
	EXPECT_TRUE(all_over(h));
}

TEST_HARNESS_MAIN
