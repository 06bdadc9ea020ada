// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Leases that end otherwise than by their holder's word: the time is over, the
 * holder is gone. Whose a lease is, and what waits for its end.
 */
#include "mbox_call.h"

#define SHORT_TIME	(20 * NSEC_PER_MSEC)
#define LONG_TIME	(3600 * NSEC_PER_SEC)

FIXTURE(lease) {
	int h;			/* with messages 1, 2, 3 */
	__u32 token;
};

FIXTURE_SETUP(lease)
{
	int i;

	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	for (i = 1; i <= 3; i++)
		ASSERT_EQ(0, num_send(self->h, i, 5, i));
}

FIXTURE_TEARDOWN(lease)
{
	close(self->h);
}

/* ---- time ---- */

TEST_F(lease, g05_time_is_over_no_earlier)
{
	const __u64 time = 300 * NSEC_PER_MSEC;
	__u64 begin = mb_now(CLOCK_MONOTONIC);
	struct peer *p = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 1);

	ASSERT_EQ(1, num_lease_for(self->h, time, &self->token));
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(1, peer_number(p));
	EXPECT_LE(begin + time, p->end);
	EXPECT_EQ(2, p->args.out_deliveries);
	EXPECT_EQ(MBOX_MSG_REDELIVERED, p->args.out_flags);
}

TEST_F(lease, g05_shortest_time_is_over_soon)
{
	struct peer *p = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 1);

	ASSERT_EQ(1, num_lease_for(self->h, 1, &self->token));
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(1, peer_number(p));
}

TEST_F(lease, when_time_is_over_the_token_means_nothing)
{
	ASSERT_EQ(1, num_lease_for(self->h, SHORT_TIME, &self->token));
	ASSERT_TRUE(tokens_open(self->h, 0));
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(3, mb_messages(self->h));
	EXPECT_EQ(0, mb_stat_of(self->h).received);
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(2, num_recv(self->h));
}

TEST_F(lease, old_token_is_not_that_of_the_next_lease)
{
	__u32 next;

	ASSERT_EQ(1, num_lease_for(self->h, SHORT_TIME, &self->token));
	ASSERT_TRUE(tokens_open(self->h, 0));
	ASSERT_EQ(1, num_lease(self->h, &next));
	EXPECT_NE(next, self->token);
	EXPECT_EQ(-ESRCH, num_finish(self->h, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(0, num_finish(self->h, next, MBOX_FINISH_DONE));
}

TEST_F(lease, each_has_its_own_time)
{
	__u32 token[3];

	ASSERT_EQ(1, num_lease_for(self->h, LONG_TIME, &token[0]));
	ASSERT_EQ(2, num_lease_for(self->h, SHORT_TIME, &token[1]));
	ASSERT_EQ(3, num_lease(self->h, &token[2]));
	ASSERT_TRUE(tokens_open(self->h, 2));
	EXPECT_EQ(-ESRCH, num_finish(self->h, token[1], MBOX_FINISH_DONE));
	EXPECT_EQ(0, num_finish(self->h, token[0], MBOX_FINISH_DONE));
	EXPECT_EQ(0, num_finish(self->h, token[2], MBOX_FINISH_DONE));
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_TRUE(all_over(self->h));
}

/* The first to end is done early: the second is still in time. */
TEST_F(lease, end_of_one_does_not_put_off_another)
{
	__u32 token[2];

	ASSERT_EQ(1, num_lease_for(self->h, SHORT_TIME, &token[0]));
	ASSERT_EQ(2, num_lease_for(self->h, 2 * SHORT_TIME, &token[1]));
	num_finish(self->h, token[0], MBOX_FINISH_DONE);
	EXPECT_TRUE(tokens_open(self->h, 0));
	EXPECT_EQ(2, num_recv_type(self->h, MBOX_SELECT_EQUAL, 2));
}

TEST_F(lease, longest_time_is_for_ever)
{
	static const __u64 times[] = {
		~0ULL, ~0ULL >> 1, 1ULL << 63, (1ULL << 63) + 1, ~0ULL - 1,
		~0ULL >> 2,
	};
	struct peer *p = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 1);
	__u32 other;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		ASSERT_EQ(1, num_lease_for(self->h, times[i], &self->token));
		/* Somebody looks at the clock meanwhile. */
		ASSERT_EQ(2, num_lease_for(self->h, 1, &other));
		ASSERT_TRUE(tokens_open(self->h, 1));
		ASSERT_EQ(0, num_finish(self->h, self->token,
					MBOX_FINISH_BACK));
	}
	ASSERT_TRUE(peer_start(p));
	EXPECT_EQ(1, peer_number(p));
}

TEST_F(lease, time_does_not_run_before_the_delivery)
{
	int h = mb_create_anon();
	struct mbox_ext ext = { .size = sizeof(ext), .lease_time = LONG_TIME };
	struct peer *p = peer_recv(h);

	p->args.flags |= MBOX_LEASE | MBOX_EXT;
	p->args.ext = (unsigned long)&ext;
	ASSERT_TRUE(peer_blocks(p));
	EXPECT_EQ(0, num_send(h, 0, 0, 42));
	EXPECT_EQ(42, peer_number(p));
	EXPECT_EQ(1, mb_fdinfo(h, "mbox-tokens"));
	EXPECT_EQ(0, num_finish(h, p->args.out_token, MBOX_FINISH_DONE));
}

/* The message of a type: those whose time is over already come first. */
static int lease_type(int h, __u64 type, __u64 ns)
{
	struct mbox_ext ext = { .lease_time = ns };
	__u32 number = 0;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_LEASE,
		.select = MBOX_SELECT_EQUAL,
		.type = type,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};

	return mb_ext(h, MBOX_IOC_RECV, &args, &ext) ?: (int)number;
}

TEST_F(lease, many_end_at_about_a_time)
{
	int h = mb_create_anon(), i;

	for (i = 0; i < 500; i++)
		ASSERT_EQ(0, num_send(h, i, 0, i));
	for (i = 0; i < 500; i++)
		ASSERT_EQ(i, lease_type(h, i, SHORT_TIME + i % 7));
	ASSERT_TRUE(tokens_open(h, 0));
	for (i = 0; i < 500; i++)
		ASSERT_EQ(i, num_recv(h));
	EXPECT_TRUE(all_over(h));
}

TEST_F(lease, closed_before_time_is_over)
{
	__u64 before;
	int h;

	before = user_bytes();
	h = mb_create_anon();
	ASSERT_EQ(0, num_send(h, 0, 0, 1));
	ASSERT_EQ(1, num_lease_for(h, SHORT_TIME, &self->token));
	close(h);
	EXPECT_EQ(before, user_bytes());
	/* What it would have come back to is gone; nothing happens. */
	ASSERT_EQ(1, num_lease_for(self->h, 2 * SHORT_TIME, &self->token));
	EXPECT_TRUE(tokens_open(self->h, 0));
}

/* ---- whose it is ---- */

TEST_F(lease, through_another_handle_it_is_a_strangers)
{
	int other = mb_narrow(self->h, MB_RW, 0), copy = dup(self->h);

	ASSERT_EQ(1, num_lease(self->h, &self->token));
	EXPECT_EQ(-ESRCH, num_finish(other, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(other, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, num_finish(copy, self->token, MBOX_FINISH_DONE));
}

static long leases(struct peer *p)
{
	__u32 token;
	int ret = num_lease(p->fd, &token);

	p->args.out_token = token;
	return ret;
}

/* In a process of its own, which stays until it is killed. */
static long leases_and_stays(struct peer *p)
{
	p->args.id = leases(p);
	__atomic_store_n(&p->args.type, 1, __ATOMIC_RELEASE);
	while (1)
		pause();
	return p->fd;
}

/* A process that has leased what is next, by the same open file. */
static struct peer *holder(int h)
{
	struct peer *p = peer_new(h, leases_and_stays);

	if (!peer_fork(p) ||
	    !wait_until(__atomic_load_n(&p->args.type, __ATOMIC_ACQUIRE)))
		abort();
	return p;
}

TEST_F(lease, thread_leaves_it_to_its_process)
{
	struct peer *p = peer_new(self->h, leases);

	ASSERT_TRUE(peer_start(p));
	ASSERT_EQ(1, peer_join(p));
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(0, num_finish(self->h, p->args.out_token, MBOX_FINISH_DONE));
}

TEST_F(lease, of_a_child_is_not_its_parents)
{
	struct peer *p = holder(self->h);

	EXPECT_EQ(1, p->args.id);
	EXPECT_EQ(-ESRCH, num_finish(self->h, p->args.out_token,
				     MBOX_FINISH_DONE));
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	mb_kill(p->tid);
}

struct meddler {
	int h;
	__u32 token;
};

static void meddles(struct __test_metadata *_metadata, void *arg)
{
	struct meddler *me = arg;

	EXPECT_EQ(-ESRCH, num_finish(me->h, me->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-ESRCH, num_finish(me->h, me->token, MBOX_FINISH_BACK));
}

/* The end of the child does not end what is its parent's, either. */
TEST_F(lease, of_a_parent_is_not_its_childs)
{
	struct meddler meddler = { .h = self->h };
	pid_t pid;

	ASSERT_EQ(1, num_lease(self->h, &meddler.token));
	pid = mb_fork(_metadata, meddles, &meddler);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(0, num_finish(self->h, meddler.token, MBOX_FINISH_DONE));
}

/* ---- the holder goes ---- */

TEST_F(lease, g07_killed_holders_message_is_delivered_again)
{
	struct peer *p = holder(self->h);
	struct mbox_msg_args args = { .flags = 0 };

	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
	mb_kill(p->tid);
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(1, num_recv_args(self->h, &args));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, args.out_flags);
	EXPECT_EQ(2, args.out_deliveries);
}

TEST_F(lease, g07_killed_holders_message_goes_to_one_who_waits)
{
	struct peer *p = holder(self->h);
	struct peer *next = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 1);

	ASSERT_TRUE(peer_blocks(next));
	mb_kill(p->tid);
	EXPECT_EQ(1, peer_number(next));
	EXPECT_EQ(MBOX_MSG_REDELIVERED, next->args.out_flags);
}

TEST_F(lease, g07_of_workers_with_one_handle_each_holds_its_own)
{
	struct peer *worker[3];
	int i;

	for (i = 0; i < 3; i++) {
		worker[i] = holder(self->h);
		ASSERT_EQ(i + 1, worker[i]->args.id);
	}
	EXPECT_EQ(3, mb_fdinfo(self->h, "mbox-tokens"));
	mb_kill(worker[1]->tid);
	EXPECT_EQ(2, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	mb_kill(worker[2]->tid);
	mb_kill(worker[0]->tid);
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(3, num_recv(self->h));
}

static long leases_and_exits(struct peer *p)
{
	return leases(p) > 0 ? 0 : -EBADMSG;
}

TEST_F(lease, g07_exit_without_a_word_gives_it_back)
{
	struct peer *p = peer_new(self->h, leases_and_exits);

	ASSERT_TRUE(peer_fork(p));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(1, num_recv(self->h));
}

/* Lease by the first thread, which ends; the process goes on by the second. */
static void *stays(void *arg)
{
	while (1)
		pause();
	return arg;
}

static long leases_and_leaves_a_thread(struct peer *p)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, stays, NULL))
		return -EAGAIN;
	p->args.id = leases(p);
	__atomic_store_n(&p->args.type, 1, __ATOMIC_RELEASE);
	syscall(SYS_exit, 0);
	return 0;
}

TEST_F(lease, g07_end_of_a_thread_is_not_that_of_the_holder)
{
	struct peer *p = peer_new(self->h, leases_and_leaves_a_thread);

	ASSERT_TRUE(peer_fork(p));
	ASSERT_TRUE(wait_until(__atomic_load_n(&p->args.type,
					       __ATOMIC_ACQUIRE)));
	ASSERT_TRUE(wait_until(peer_state(p->tid) == 'Z'));
	EXPECT_EQ(1, p->args.id);
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(-EAGAIN, num_recv_type(self->h, MBOX_SELECT_EQUAL, 1));
	mb_kill(p->tid);
	EXPECT_EQ(1, num_recv(self->h));
}

TEST_F(lease, close_of_a_duplicate_ends_nothing)
{
	int copy = dup(self->h);

	ASSERT_EQ(1, num_lease(copy, &self->token));
	close(copy);
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(0, num_finish(self->h, self->token, MBOX_FINISH_DONE));
}

TEST_F(lease, g07_close_of_the_last_copy_gives_it_back)
{
	int other = mb_narrow(self->h, MBOX_RECV, 0), copy;

	copy = dup(other);
	ASSERT_EQ(1, num_lease(other, &self->token));
	close(other);
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	close(copy);
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(1, num_recv(self->h));
}

static long leases_and_closes(struct peer *p)
{
	int copy = dup(p->fd);

	p->args.id = leases(p);
	close(p->fd);
	p->args.out_len = mb_fdinfo(copy, "mbox-tokens");
	close(copy);
	__atomic_store_n(&p->args.type, 1, __ATOMIC_RELEASE);
	while (1)
		pause();
	return 0;
}

/* Others have the file open, but the holder cannot come back to it. */
TEST_F(lease, g07_close_of_the_holders_last_copy_gives_it_back)
{
	struct peer *p = peer_new(self->h, leases_and_closes);

	ASSERT_TRUE(peer_fork(p));
	ASSERT_TRUE(wait_until(__atomic_load_n(&p->args.type,
					       __ATOMIC_ACQUIRE)));
	EXPECT_EQ(1, p->args.id);
	EXPECT_EQ(1, p->args.out_len);
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(1, num_recv(self->h));
	mb_kill(p->tid);
}

/* This program, executed again by a test: waits to be killed. */
__attribute__((constructor)) static void executed_again(void)
{
	if (getenv("MBOX_EXEC"))
		stays(NULL);
}

static long leases_and_executes(struct peer *p)
{
	p->args.id = leases(p);
	setenv("MBOX_EXEC", "1", 1);
	execl("/proc/self/exe", "executed", NULL);
	return -errno;
}

struct worker {
	int h;			/* the parent has it too */
	struct peer *p;		/* receives through it */
	char *go_on;		/* for the parent: it may send now */
};

/* One thread waits for a lease, another closes the only descriptor. */
static void close_while_waiting(struct __test_metadata *_metadata, void *arg)
{
	struct worker *w = arg;

	w->p->args.flags |= MBOX_LEASE;
	w->p->args.select = MBOX_SELECT_EQUAL;
	w->p->args.type = 4;
	ASSERT_TRUE(peer_blocks(w->p));
	ASSERT_EQ(0, close(w->h));
	__atomic_store_n(w->go_on, 1, __ATOMIC_RELEASE);
	peer_join(w->p);
	pause();
}

TEST_F(lease, g07_given_out_after_the_last_close_goes_back)
{
	struct worker w = { self->h, peer_recv(self->h) };
	__u32 token;
	pid_t pid;

	w.go_on = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	pid = mb_fork(_metadata, close_while_waiting, &w);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(wait_until(__atomic_load_n(w.go_on, __ATOMIC_ACQUIRE)));
	ASSERT_EQ(0, num_send(self->h, 4, 9, 4));
	ASSERT_TRUE(wait_until(peer_done(w.p)));
	EXPECT_TRUE(tokens_open(self->h, 0));
	EXPECT_EQ(4, num_lease(self->h, &token));
	mb_kill(pid);
}

TEST_F(lease, g07_exec_that_closes_the_handle_gives_it_back)
{
	struct peer *p = peer_new(self->h, leases_and_executes);

	ASSERT_TRUE(peer_fork(p));
	EXPECT_TRUE(wait_until(p->args.id &&
			       !mb_fdinfo(self->h, "mbox-tokens")));
	EXPECT_EQ(0, kill(p->tid, 0));
	EXPECT_EQ(1, num_recv(self->h));
	mb_kill(p->tid);
}

/* Its name is another when it has executed. */
static bool executed(pid_t pid)
{
	char path[64], name[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, name, sizeof(name) - 1) < 0)
		name[0] = 0;
	close(fd);
	return !strcmp(name, "executed");
}

TEST_F(lease, exec_that_keeps_the_handle_keeps_it)
{
	struct peer *p = peer_new(self->h, leases_and_executes);

	ASSERT_EQ(0, fcntl(self->h, F_SETFD, 0));
	ASSERT_TRUE(peer_fork(p));
	ASSERT_TRUE(wait_until(executed(p->tid)));
	EXPECT_EQ(1, mb_fdinfo(self->h, "mbox-tokens"));
	mb_kill(p->tid);
	EXPECT_EQ(0, mb_fdinfo(self->h, "mbox-tokens"));
	EXPECT_EQ(1, num_recv(self->h));
}

/* ---- the end of the mailbox waits for it ---- */

FIXTURE(last_lease) {
	int r;
	__u32 token;
	struct peer *next;	/* waits for a message, or the end */
};

FIXTURE_SETUP(last_lease)
{
	int s;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(0, &self->r, &s));
	ASSERT_EQ(0, num_send(s, 0, 0, 1));
	ASSERT_EQ(1, num_lease(self->r, &self->token));
	close(s);
	self->next = peer_recv(self->r);
	ASSERT_TRUE(peer_blocks(self->next));
	ASSERT_EQ(-EAGAIN, num_recv(self->r));
	ASSERT_EQ(0, poll_now(self->r));
}

FIXTURE_TEARDOWN(last_lease)
{
}

TEST_F(last_lease, done_that_is_the_end)
{
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_DONE));
	EXPECT_EQ(-EPIPE, peer_join(self->next));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
	EXPECT_EQ(POLLIN | POLLHUP, poll_now(self->r));
}

TEST_F(last_lease, back_it_is_received_before_the_end)
{
	EXPECT_EQ(0, num_finish(self->r, self->token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, peer_number(self->next));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST(g10_last_receive_handle_takes_its_lease_along)
{
	__u64 before;
	__u32 token;
	int r, s;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(0, &r, &s));
	before = user_bytes();
	ASSERT_EQ(0, num_send(s, 0, 0, 1));
	ASSERT_EQ(1, num_lease(r, &token));
	close(r);
	EXPECT_EQ(0, mb_messages(s));
	EXPECT_EQ(-EPIPE, num_send(s, 0, 0, 2));
	EXPECT_EQ(before, user_bytes());
}

TEST_HARNESS_MAIN
