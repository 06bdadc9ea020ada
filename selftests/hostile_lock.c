// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A mailbox that is as slow as it can be, with a crowd of receivers that must be asked
 * one by one and a crowd of blocked senders. What is asked of all of them is asked in
 * pieces, so that nobody waits for the lock for long: that is done to the end all the
 * same; and not by all who pass by.
 */
#include "mbox_call.h"

#define WANTED	1		/* by none of the crowd */
#define CROWD	300		/* on each side */
#define PATIENCE 300		/* seconds, for the slowest machine */

FIXTURE(crowded_mailbox) {
	int h;			/* for one message */
	pthread_attr_t small;
};

#define CROWDED_MAILBOX FIXTURE_DATA(crowded_mailbox)

struct crowd_thread {
	int fd;
	unsigned long cmd;
	struct mbox_msg_args args;
};

static void *crowd_main(void *arg)
{
	struct crowd_thread *t = arg;

	mb_ioctl(t->fd, t->cmd, &t->args);
	return NULL;
}

/* Threads that end with the process. */
static bool crowd_start(CROWDED_MAILBOX *self, unsigned long cmd,
			const struct mbox_msg_args *args, int n)
{
	struct crowd_thread *t = calloc(n, sizeof(*t));
	pthread_t thread;

	if (!t)
		return false;
	for (; n--; t++) {
		*t = (struct crowd_thread){ self->h, cmd, *args };
		if (pthread_create(&thread, &self->small, crowd_main, t))
			return false;
	}
	return true;
}

/* Receivers that want anything but what is sent. */
static bool crowd_receives(CROWDED_MAILBOX *self, __u32 flags)
{
	const struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER | MBOX_TRUNCATE | flags,
		.select = MBOX_SELECT_NOT_EQUAL,
		.type = WANTED,
	};

	return crowd_start(self, MBOX_IOC_RECV, &args, CROWD) &&
	       wait_until(mb_stat_of(self->h).waiting_receivers == CROWD);
}

static bool crowd_sends(CROWDED_MAILBOX *self)
{
	const struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.priority = 1,
		.type = WANTED,
		.buf = (unsigned long)self,
		.len = 8,
	};

	return crowd_start(self, MBOX_IOC_SEND, &args, CROWD) &&
	       wait_until(mb_stat_of(self->h).waiting_senders == CROWD);
}

FIXTURE_SETUP(crowded_mailbox)
{
	MB_NEED_DEVICE();
	self->h = mb_create_small(1);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, pthread_attr_init(&self->small));
	ASSERT_EQ(0, pthread_attr_setstacksize(&self->small, 32768));
}

FIXTURE_TEARDOWN(crowded_mailbox)
{
	close(self->h);
}

TEST_F_TIMEOUT(crowded_mailbox, lets_all_senders_in, PATIENCE)
{
	ASSERT_EQ(0, num_send(self->h, WANTED, 0, 0));
	ASSERT_TRUE(crowd_receives(self, 0));
	ASSERT_TRUE(crowd_sends(self));
	ASSERT_EQ(0, mb_set_max_messages(self->h, CROWD + 1));
	EXPECT_EQ(0, mb_stat_of(self->h).waiting_senders);
	EXPECT_EQ(CROWD + 1, mb_messages(self->h));
}

/*
 * One lease is all that the mailbox may hold; so what the last of all senders has is
 * withheld from those who would lease it.
 */
static struct peer *crowd_is_kept_waiting(CROWDED_MAILBOX *self,
					  __u32 *token)
{
	struct peer *last = peer_send(self->h, WANTED + 1, 0, 42);

	if (num_send(self->h, WANTED, 0, 0) || num_lease(self->h, token) ||
	    !crowd_receives(self, MBOX_LEASE) || !crowd_sends(self) || !peer_blocks(last))
		return NULL;
	return last;
}

TEST_F_TIMEOUT(crowded_mailbox, g04_end_of_a_lease_finds_the_last_sender, PATIENCE)
{
	struct peer *last;
	__u32 token;

	last = crowd_is_kept_waiting(self, &token);
	ASSERT_NE(NULL, last);
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, peer_join(last));
	EXPECT_EQ(CROWD, mb_stat_of(self->h).waiting_senders);
	EXPECT_TRUE(tokens_open(self->h, 1));
}

/* No task's system call, then. */
TEST_F_TIMEOUT(crowded_mailbox, g04_end_of_a_lease_by_time_finds_the_last_sender, PATIENCE)
{
	struct peer *last = peer_send(self->h, WANTED + 1, 0, 42);
	__u32 token;

	ASSERT_EQ(0, num_send(self->h, WANTED, 0, 0));
	ASSERT_TRUE(crowd_receives(self, MBOX_LEASE));
	ASSERT_TRUE(crowd_sends(self));
	ASSERT_EQ(0, num_lease_for(self->h, NSEC_PER_SEC, &token));
	ASSERT_TRUE(peer_start(last));
	EXPECT_EQ(0, peer_join(last));
	EXPECT_EQ(CROWD, mb_stat_of(self->h).waiting_senders);
	EXPECT_TRUE(tokens_open(self->h, 1));
}

/* Whoever closes a handle has all go on who now can. */
static bool passes_by(int h)
{
	int fd = mb_narrow(h, MBOX_SEND, 0);

	return fd >= 0 && !close(fd);
}

/* Nothing changed: who comes and goes must not ask the crowd all over again. */
TEST_F_TIMEOUT(crowded_mailbox, is_not_searched_by_all_who_use_it, PATIENCE)
{
	__u64 begin, took, least = ~0ULL;
	__u32 token;
	int i;

	ASSERT_NE(NULL, crowd_is_kept_waiting(self, &token));
	for (i = 0; i < 20; i++) {
		begin = mb_now(CLOCK_MONOTONIC);
		ASSERT_TRUE(passes_by(self->h));
		took = mb_now(CLOCK_MONOTONIC) - begin;
		least = took < least ? took : least;
	}
	begin = mb_now(CLOCK_MONOTONIC);
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_GT(mb_now(CLOCK_MONOTONIC) - begin, 4 * least);
}

/* Come, wait for what is withheld, and go. */
static void come_and_go(int h)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL | MBOX_LEASE | MBOX_TRUNCATE,
		.deadline = 1,
	};

	mb_recv(h, &args);
}

static void *come_and_go_main(void *arg)
{
	for (;;)
		come_and_go(*(int *)arg);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * What it costs to pass by, in ns of the processor: the median of some. Others get a turn
 * before each.
 */
static __u64 cost_of_passing_by(int h)
{
	__u64 took[31];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(took); i++) {
		mb_poll_pause();
		took[i] = mb_now(CLOCK_THREAD_CPUTIME_ID);
		if (!passes_by(h))
			abort();
		took[i] = mb_now(CLOCK_THREAD_CPUTIME_ID) - took[i];
	}
	qsort(took, ARRAY_SIZE(took), sizeof(took[0]), by_size);
	return took[ARRAY_SIZE(took) / 2];
}

/* Who has the crowd asked sees to it; who interrupts that, does not. */
TEST_F_TIMEOUT(crowded_mailbox, is_searched_by_who_wants_it_alone, PATIENCE)
{
	__u64 quiet, busy;
	pthread_t thread;
	__u32 token;
	int i;

	/* So nobody spins for the lock, which would cost time too. */
	ASSERT_EQ(0, cpu_pin(0));
	ASSERT_NE(NULL, crowd_is_kept_waiting(self, &token));
	quiet = cost_of_passing_by(self->h);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&thread, &self->small, come_and_go_main,
					    &self->h));
	ASSERT_EQ(0, cpu_seize());
	busy = cost_of_passing_by(self->h);
	ASSERT_EQ(0, cpu_release());
	/* Both are 0 where the clock is coarse, as it may be on a busy machine. */
	EXPECT_LE(busy, 4 * quiet);
}

TEST_F_TIMEOUT(crowded_mailbox, takes_a_batch_to_its_end, PATIENCE)
{
	static struct mbox_msg_args msgs[256];
	struct mbox_batch_args batch = {
		.msgs = (unsigned long)msgs, .count = ARRAY_SIZE(msgs),
	};
	unsigned int i;

	ASSERT_EQ(0, mb_set_max_messages(self->h, ARRAY_SIZE(msgs)));
	ASSERT_TRUE(crowd_receives(self, 0));
	for (i = 0; i < ARRAY_SIZE(msgs); i++)
		msgs[i] = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE, .type = WANTED };
	EXPECT_EQ((int)ARRAY_SIZE(msgs), mb_ioctl(self->h, MBOX_IOC_SENDV, &batch));
	EXPECT_EQ(ARRAY_SIZE(msgs), mb_messages(self->h));
}

static void lease_many(struct __test_metadata *_metadata, void *arg)
{
	CROWDED_MAILBOX *self = arg;
	struct mbox_msg_args lease = {
		.flags = MBOX_WAIT_NONE | MBOX_LEASE | MBOX_TRUNCATE,
	};
	int i;

	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(0, mb_recv(self->h, &lease));
	EXPECT_EQ(CROWD, mb_stat_of(self->h).tokens);
}

TEST_F_TIMEOUT(crowded_mailbox, g07_gets_all_leases_back_from_who_dies, PATIENCE)
{
	pid_t pid;
	int i;

	ASSERT_EQ(0, mb_set_max_messages(self->h, CROWD));
	ASSERT_TRUE(crowd_receives(self, 0));
	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(0, num_send(self->h, WANTED, 0, i));
	pid = mb_fork(_metadata, lease_many, self);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(0, mb_stat_of(self->h).tokens);
	EXPECT_EQ(CROWD, mb_messages(self->h));
}

TEST_HARNESS_MAIN
