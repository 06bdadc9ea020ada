// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Stale tokens: of calls whose callers gave up. The server learns of it (G6),
 * whatever it is doing; and replies that are on their way when something else
 * happens, which userfaultfd stops for as long as a test needs.
 */
#include "mbox_halt.h"
#include "mbox_call.h"

FIXTURE(stale_token) {
	int r, s;		/* a mailbox for two messages, by its ends */
	__u32 token;
	__u64 user_bytes;
};

#define STALE FIXTURE_DATA(stale_token)

/* Take the call of a process that is killed then. */
static bool become_stale(STALE *self)
{
	struct peer *p = peer_call(self->s, 7, 3, 42);
	int stale = mb_stat_of(self->r).stale_tokens;

	if (!peer_fork_calls(p) || num_take(self->r, &self->token) != 42)
		return false;
	mb_kill(p->tid);
	return mb_stat_of(self->r).stale_tokens == stale + 1;
}

FIXTURE_SETUP(stale_token)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(2, &self->r, &self->s));
	self->user_bytes = user_bytes();
	ASSERT_TRUE(become_stale(self));
}

FIXTURE_TEARDOWN(stale_token)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	EXPECT_EQ(0, poll_now(self->r) & POLLPRI);
	close(self->r);
	close(self->s);
}

TEST_F(stale_token, g06_shows_at_the_handle_that_holds_it)
{
	int other = mb_narrow(self->r, MBOX_RECV, 0);
	struct mbox_stat_args st;

	ASSERT_LE(0, other);
	EXPECT_EQ(POLLPRI, poll_now(self->r));
	EXPECT_EQ(0, poll_now(other));
	ASSERT_EQ(0, mb_stat(self->r, &st));
	EXPECT_EQ(1, st.stale_tokens);
	EXPECT_EQ(1, st.tokens);
	EXPECT_EQ(0, st.calls);
	EXPECT_EQ(0, mb_stat_of(other).stale_tokens);
	EXPECT_EQ(1, mb_stat_of(other).tokens);
	EXPECT_EQ(0, mb_fdinfo(other, "mbox-stale-tokens"));
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(0, poll_now(self->r));
	close(other);
}

TEST_F(stale_token, g06_reply_is_told_and_ends_it)
{
	EXPECT_EQ(-EPIPE, num_reply(self->r, self->token, 43));
	EXPECT_EQ(-ESRCH, num_reply(self->r, self->token, 43));
	EXPECT_EQ(0, mb_stat_of(self->r).stale_tokens);
}

TEST_F(stale_token, g06_refusal_is_told_and_ends_it)
{
	EXPECT_EQ(-EPIPE, num_fail(self->r, self->token, 1));
	EXPECT_EQ(-ESRCH, num_fail(self->r, self->token, 1));
}

/* Whatever is said besides: there is nobody for whom it could be wrong. */
TEST_F(stale_token, reply_is_told_even_if_it_is_too_long)
{
	struct mbox_msg_args args = { .id = self->token, .buf = 8, .len = 9 };

	EXPECT_EQ(-EPIPE, mb_finish(self->r, &args));
	EXPECT_EQ(-ESRCH, mb_finish(self->r, &args));
}

TEST_F(stale_token, done_ends_it)
{
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(self->r, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(1, mb_stat_of(self->r).received);
}

TEST_F(stale_token, back_ends_it_and_nothing_goes_back)
{
	struct peer *waits = peer_recv(self->r);

	ASSERT_TRUE(peer_blocks(waits));
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, mb_messages(self->r));
	EXPECT_FALSE(peer_done(waits));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	EXPECT_EQ(1, peer_number(waits));
}

TEST_F(stale_token, is_gone_with_the_handle)
{
	int other = mb_narrow(self->r, MBOX_RECV, 0);

	ASSERT_LE(0, other);
	close(self->r);
	self->r = other;
	EXPECT_EQ(0, mb_stat_of(other).tokens);
	EXPECT_EQ(-EAGAIN, num_recv(other));
}

TEST_F(stale_token, several_are_counted)
{
	__u32 first = self->token;

	ASSERT_TRUE(become_stale(self));
	EXPECT_EQ(2, mb_fdinfo(self->r, "mbox-stale-tokens"));
	EXPECT_EQ(0, num_finish(self->r, first, MBOX_FINISH_DONE));
	EXPECT_EQ(POLLPRI, poll_now(self->r) & POLLPRI);
	EXPECT_EQ(-EPIPE, num_reply(self->r, self->token, 1));
	EXPECT_EQ(0, poll_now(self->r) & POLLPRI);
}

static long polls_pri(struct peer *p)
{
	struct pollfd poll_fd = { .fd = p->fd, .events = POLLPRI };

	return poll(&poll_fd, 1, -1) == 1 ? poll_fd.revents : -errno;
}

TEST_F(stale_token, g06_wakes_who_polls)
{
	struct peer *poller = peer_new(self->r, polls_pri);
	struct peer *p = peer_call(self->s, 7, 3, 42);

	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_DONE));
	ASSERT_TRUE(peer_fork_calls(p));
	EXPECT_EQ(42, num_take(self->r, &self->token));
	ASSERT_TRUE(peer_start(poller) && peer_sleeps(poller));
	EXPECT_FALSE(peer_done(poller));
	mb_kill(p->tid);
	EXPECT_EQ(POLLPRI, peer_join(poller));
	EXPECT_EQ(-EPIPE, num_reply(self->r, self->token, 43));
}

/* ---- a reply that is being copied ---- */

FIXTURE(reply_in_hand) {
	int r, s;		/* a mailbox for two messages, by its ends */
	struct peer *p;		/* the caller, a process */
	struct peer *server;	/* its reply is stopped */
	__u32 token;
	struct stall stall;
	__u64 user_bytes;
};

/* In a process that has no handle to receive with. */
static long calls_alone(struct peer *p)
{
	close(*(int *)p->arg);
	return mb_ioctl(p->fd, p->cmd, &p->args);
}

FIXTURE_SETUP(reply_in_hand)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(2, &self->r, &self->s));
	self->user_bytes = user_bytes();
	self->p = peer_call(self->s, 7, 3, 42);
	self->p->fn = calls_alone;
	self->p->arg = &self->r;
	ASSERT_TRUE(peer_fork_calls(self->p));
	ASSERT_EQ(42, num_take(self->r, &self->token));
	ASSERT_TRUE(stall_init(&self->stall));
	self->server = peer_new(self->r, NULL);
	self->server->cmd = MBOX_IOC_FINISH;
	self->server->args.id = self->token;
	self->server->args.buf = (unsigned long)self->stall.page;
	self->server->args.len = 8;
	ASSERT_TRUE(peer_start(self->server));
	ASSERT_TRUE(stalled(&self->stall));
}

FIXTURE_TEARDOWN(reply_in_hand)
{
	EXPECT_TRUE(all_over(self->s));
	EXPECT_EQ(self->user_bytes, user_bytes());
	close(self->r);
	close(self->s);
}

TEST_F(reply_in_hand, arrives_when_it_is_copied)
{
	EXPECT_FALSE(peer_done(self->p));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->server));
	EXPECT_EQ(0, peer_reply(self->p));
	EXPECT_EQ(8, self->p->args.out_len);
}

TEST_F(reply_in_hand, is_the_only_one)
{
	EXPECT_EQ(-ESRCH, num_reply(self->r, self->token, 1));
	EXPECT_EQ(-ESRCH, num_fail(self->r, self->token, 1));
	EXPECT_EQ(-ESRCH, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(-ESRCH, num_finish(self->r, self->token, MBOX_FINISH_DONE));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->server));
	EXPECT_EQ(0, peer_reply(self->p));
}

TEST_F(reply_in_hand, g02_that_faults_late_can_be_given_again)
{
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->server));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(0, num_reply(self->r, self->token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

TEST_F(reply_in_hand, g06_is_for_nobody_if_the_caller_dies_meanwhile)
{
	mb_kill(self->p->tid);
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(-EPIPE, peer_join(self->server));
	EXPECT_EQ(-ESRCH, num_reply(self->r, self->token, 1));
	EXPECT_EQ(0, poll_now(self->r) & POLLPRI);
}

TEST_F(reply_in_hand, g06_that_faults_late_is_stale_if_the_caller_died_meanwhile)
{
	mb_kill(self->p->tid);
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->server));
	EXPECT_EQ(1, mb_stat_of(self->r).stale_tokens);
	EXPECT_EQ(POLLPRI, poll_now(self->r) & POLLPRI);
	EXPECT_EQ(-EPIPE, num_reply(self->r, self->token, 1));
}

/* The file lives for as long as it is used. */
TEST_F(reply_in_hand, g06_arrives_though_the_handle_is_closed_meanwhile)
{
	close(self->r);
	EXPECT_FALSE(peer_done(self->p));
	ASSERT_TRUE(stall_end(&self->stall));
	EXPECT_EQ(0, peer_join(self->server));
	EXPECT_EQ(0, peer_reply(self->p));
	self->r = dup(self->s);
}

TEST_F(reply_in_hand, g06_that_faults_late_on_a_closed_handle_ends_the_call)
{
	close(self->r);
	ASSERT_TRUE(stall_fault(&self->stall));
	EXPECT_EQ(-EFAULT, peer_join(self->server));
	EXPECT_EQ(-ECONNRESET, peer_join(self->p));
	self->r = dup(self->s);
}

/* ---- several at once ---- */

#define RACERS	4
#define RACES	100

struct race {
	int r;
	__u32 token;
	pthread_barrier_t all_there;
};

static long finishes_first(struct peer *p)
{
	struct race *race = p->arg;

	pthread_barrier_wait(&race->all_there);
	return num_finish(race->r, race->token, MBOX_FINISH_DONE);
}

TEST(g01_one_of_many_finishes_it)
{
	struct peer *p[RACERS];
	struct race race;
	int i, j, s, won;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(1, &race.r, &s));
	pthread_barrier_init(&race.all_there, NULL, RACERS);
	for (i = 0; i < RACES; i++) {
		ASSERT_EQ(0, num_send(s, 0, 0, i));
		ASSERT_EQ(i, num_lease(race.r, &race.token));
		for (j = 0; j < RACERS; j++) {
			p[j] = peer_new(race.r, finishes_first);
			p[j]->arg = &race;
			ASSERT_TRUE(peer_start(p[j]));
		}
		for (won = j = 0; j < RACERS; j++) {
			long ret = peer_join(p[j]);

			EXPECT_TRUE(!ret || ret == -ESRCH);
			won += !ret;
			munmap(p[j], sizeof(*p[j]));
		}
		EXPECT_EQ(1, won);
	}
	EXPECT_TRUE(all_over(s));
}

TEST_HARNESS_MAIN
