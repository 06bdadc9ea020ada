// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who guesses tokens and numbers of calls: those of another handle, process or mailbox,
 * those of before, all there may be. And who closes its last descriptor in the moment
 * in which another of its threads is given a token through it.
 */
#include "mbox_call.h"

FIXTURE(token_of_another) {
	int h;
	struct peer *caller;
	__u32 token;		/* ours, of its call */
};

#define TOKEN_OF_ANOTHER FIXTURE_DATA(token_of_another)

FIXTURE_SETUP(token_of_another)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->caller = peer_call(self->h, 1, 0, 42);
	ASSERT_TRUE(peer_calls(self->caller));
	ASSERT_EQ(42, num_take(self->h, &self->token));
}

FIXTURE_TEARDOWN(token_of_another)
{
	close(self->h);
}

/* All ways to end a token, none of which works. */
static void expect_worthless(struct __test_metadata *_metadata, int h, __u64 token)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE, .id = token };

	EXPECT_EQ(-ESRCH, num_reply(h, token, 66)) { TH_LOG("%llx", token); }
	EXPECT_EQ(-ESRCH, num_fail(h, token, 66)) { TH_LOG("%llx", token); }
	EXPECT_EQ(-ESRCH, num_finish(h, token, MBOX_FINISH_DONE)) { TH_LOG("%llx", token); }
	EXPECT_EQ(-ESRCH, num_finish(h, token, MBOX_FINISH_BACK)) { TH_LOG("%llx", token); }
	if (token)
		EXPECT_EQ(-ESRCH, mb_reply_recv(h, &args)) { TH_LOG("%llx", token); }
}

/* Ours is still good, and the caller gets our answer. */
static void expect_unharmed(struct __test_metadata *_metadata,
			    TOKEN_OF_ANOTHER *self)
{
	EXPECT_EQ(1, mb_stat_of(self->h).tokens);
	EXPECT_EQ(0, num_reply(self->h, self->token, 43));
	EXPECT_EQ(43, peer_reply(self->caller));
	expect_worthless(_metadata, self->h, self->token);
}

/* Every number that was ever given out, and the same in the upper half. */
static void guess_all(struct __test_metadata *_metadata, int h)
{
	__u64 n;

	for (n = 0; n < 2000; n++) {
		ASSERT_EQ(-ESRCH, num_reply(h, n, 66));
		ASSERT_EQ(-ESRCH, num_reply(h, n << 32 | n, 66));
		ASSERT_EQ(-ESRCH, num_finish(h, n, MBOX_FINISH_BACK));
		ASSERT_EQ(-ESRCH, mb_abandon(h, n ?: 1));
	}
	expect_worthless(_metadata, h, ~0U);
	expect_worthless(_metadata, h, ~0ULL);
	expect_worthless(_metadata, h, 1ULL << 63);
}

TEST_F(token_of_another, g09_is_not_found_through_another_handle)
{
	int other = mb_narrow(self->h, MB_RW, 0);

	guess_all(_metadata, other);
	close(other);
	expect_unharmed(_metadata, self);
}

TEST_F(token_of_another, g09_is_not_found_in_another_mailbox)
{
	int other = mb_create_anon();

	guess_all(_metadata, other);
	close(other);
	expect_unharmed(_metadata, self);
}

static void guess_in_child(struct __test_metadata *_metadata, void *arg)
{
	guess_all(_metadata, *(int *)arg);
}

/* The very same open file, in the hands of another process and another user. */
TEST_F(token_of_another, g09_is_not_found_by_another_process)
{
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, guess_in_child, &self->h)));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, guess_in_child, &self->h));
	expect_unharmed(_metadata, self);
}

static void guess_passed(struct __test_metadata *_metadata, void *arg)
{
	int h = recv_fd(*(int *)arg);

	ASSERT_LE(0, h);
	guess_all(_metadata, h);
}

TEST_F(token_of_another, g09_is_not_found_by_whom_the_handle_was_passed_to)
{
	int socks[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, socks));
	pid = mb_fork(_metadata, guess_passed, &socks[1]);
	ASSERT_EQ(0, send_fd(socks[0], self->h));
	EXPECT_EQ(0, mb_wait(pid));
	expect_unharmed(_metadata, self);
}

/* Of each of many deliveries of the same message only the last token is good. */
TEST_F(token_of_another, g07_is_not_one_that_was_ours_before)
{
	__u32 old[64];
	int i;

	for (i = 0; i < 64; i++) {
		old[i] = self->token;
		ASSERT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_BACK));
		ASSERT_EQ(42, num_take(self->h, &self->token));
	}
	for (i = 0; i < 64; i++)
		expect_worthless(_metadata, self->h, old[i]);
	expect_unharmed(_metadata, self);
}

/* A token is no number of a call, nor the reverse; nor one for another kind of call. */
TEST_F(token_of_another, is_not_the_number_of_a_call)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER, .id = self->token };

	EXPECT_EQ(-ESRCH, mb_call(self->h, &args));
	EXPECT_EQ(-ESRCH, mb_abandon(self->h, self->token));
	args.flags |= MBOX_SYNC;
	EXPECT_EQ(-ESRCH, mb_send(self->h, &args));
	args.flags |= MBOX_ABANDON;
	EXPECT_EQ(-ESRCH, mb_send(self->h, &args));
	expect_unharmed(_metadata, self);
}

/* ---- given to who has just closed its last descriptor ---- */

#define ROUNDS_TIME	(2 * NSEC_PER_SEC)

struct closing {
	int fd;			/* the only one in this process, of its open file */
	pthread_barrier_t start, end;
	bool stop;
};

static void *lease_thread(void *arg)
{
	struct closing *c = arg;
	struct mbox_msg_args args;

	while (pthread_barrier_wait(&c->start), !c->stop) {
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE | MBOX_LEASE };
		mb_recv(c->fd, &args);
		pthread_barrier_wait(&c->end);
	}
	return NULL;
}

static void close_and_lease(struct __test_metadata *_metadata, void *arg)
{
	const int h = *(int *)arg, parent = syscall(SYS_pidfd_open, getppid(), 0);
	int probe = mb_narrow(h, MB_RW, 0), spin;
	__u64 end = mb_in(ROUNDS_TIME);
	struct closing c = { .stop = false };
	pthread_t thread;
	unsigned int n;

	ASSERT_LE(0, parent);
	close(h);
	pthread_barrier_init(&c.start, NULL, 2);
	pthread_barrier_init(&c.end, NULL, 2);
	ASSERT_EQ(0, pthread_create(&thread, NULL, lease_thread, &c));
	for (n = 0; mb_now(CLOCK_MONOTONIC) < end; n++) {
		c.fd = syscall(SYS_pidfd_getfd, parent, h, 0);
		ASSERT_LE(0, c.fd);
		pthread_barrier_wait(&c.start);
		for (spin = n % 512; spin; spin--)
			__asm__ __volatile__("" : : : "memory");
		close(c.fd);
		pthread_barrier_wait(&c.end);
		/* It has no descriptor of the file any more, and so no token. */
		ASSERT_EQ(0, mb_stat_of(probe).tokens) { TH_LOG("after %u rounds", n); }
	}
	c.stop = true;
	pthread_barrier_wait(&c.start);
	pthread_join(thread, NULL);
}

TEST(g07_lease_given_to_who_closes_goes_back)
{
	int h = mb_create_anon();

	ASSERT_EQ(0, mb_put(h, NULL, 0));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, close_and_lease, &h)));
	EXPECT_EQ(1, mb_messages(h));
	EXPECT_EQ(0, mb_get(h, NULL, 0));
	close(h);
}

TEST_HARNESS_MAIN
