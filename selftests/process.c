// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Handles across processes and threads: inherited, duplicated, passed on,
 * closed while in use, and what is left when processes are killed.
 */
#include "mbox_peer.h"

/*
 * This program, executed again by a test: says whether it has the handle that
 * MBOX_EXEC names, or waits to be killed.
 */
__attribute__((constructor)) static void executed_again(void)
{
	const char *handle = getenv("MBOX_EXEC");

	if (!handle)
		return;
	if (getenv("MBOX_EXEC_STAY"))
		while (1)
			pause();
	_exit(fcntl(atoi(handle), F_GETFD) < 0 ? 7 : 8);
}

FIXTURE(two_ends) {
	int r, s;
};

FIXTURE_SETUP(two_ends)
{
	MB_NEED_DEVICE();
	ASSERT_EQ(0, mb_create_ends(0, &self->r, &self->s));
}

FIXTURE_TEARDOWN(two_ends)
{
	close(self->r);
	close(self->s);
}

/* ---- inherited and duplicated ---- */

static void send_42(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(0, num_send(*(int *)arg, 0, 0, 42));
}

TEST_F(two_ends, child_inherits_the_handle)
{
	struct mbox_msg_args args = { .flags = 0 };
	pid_t pid = mb_fork(_metadata, send_42, &self->s);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(42, num_recv_args(self->r, &args));
	EXPECT_EQ(pid, (pid_t)args.out_pid);
}

TEST_F(two_ends, blocked_parent_gets_what_the_child_sends)
{
	struct peer *p = peer_recv(self->r);
	pid_t pid;

	ASSERT_TRUE(peer_blocks(p));
	pid = mb_fork(_metadata, send_42, &self->s);
	ASSERT_LT(0, pid);
	EXPECT_EQ(42, peer_number(p));
	EXPECT_EQ(0, mb_wait(pid));
}

TEST_F(two_ends, duplicates_are_one_handle)
{
	int copy = dup(self->s);

	ASSERT_LE(0, copy);
	EXPECT_EQ(1, mb_fdinfo(self->r, "mbox-senders"));
	close(self->s);
	EXPECT_EQ(1, mb_fdinfo(self->r, "mbox-senders"));
	EXPECT_EQ(0, num_send(copy, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->r));
	close(copy);
	EXPECT_EQ(0, mb_fdinfo(self->r, "mbox-senders"));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

static long wait_for_kill(struct peer *p)
{
	while (1)
		pause();
	return p->fd;
}

TEST_F(two_ends, g13_inherited_sender_goes_with_the_last_process)
{
	struct peer *child[2], *p = peer_recv(self->r);
	int i;

	for (i = 0; i < 2; i++) {
		child[i] = peer_new(self->s, wait_for_kill);
		ASSERT_TRUE(peer_fork(child[i]));
	}
	EXPECT_EQ(1, mb_fdinfo(self->r, "mbox-senders"));
	close(self->s);
	ASSERT_TRUE(peer_blocks(p));
	mb_kill(child[0]->tid);
	EXPECT_EQ(1, mb_fdinfo(self->r, "mbox-senders"));
	EXPECT_FALSE(peer_done(p));
	mb_kill(child[1]->tid);
	EXPECT_EQ(-EPIPE, peer_join(p));
}

TEST_F(two_ends, g13_inherited_receiver_goes_with_the_last_process)
{
	struct peer *child = peer_new(self->r, wait_for_kill);

	ASSERT_TRUE(peer_fork(child));
	close(self->r);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	mb_kill(child->tid);
	EXPECT_EQ(-EPIPE, num_send(self->s, 0, 0, 2));
}

/* ---- exec ---- */

static long execute(struct peer *p)
{
	char handle[16];

	snprintf(handle, sizeof(handle), "%d", p->fd);
	setenv("MBOX_EXEC", handle, 1);
	if (p->arg)
		setenv("MBOX_EXEC_STAY", "1", 1);
	execl("/proc/self/exe", "process", NULL);
	_exit(9);
}

TEST_F(two_ends, handle_is_closed_by_exec)
{
	struct peer *p = peer_new(self->s, execute);

	ASSERT_TRUE(peer_fork(p));
	EXPECT_EQ(7, mb_wait(p->tid));
}

TEST_F(two_ends, handle_stays_open_if_told_so)
{
	struct peer *p = peer_new(self->s, execute);

	ASSERT_EQ(0, fcntl(self->s, F_SETFD, 0));
	ASSERT_TRUE(peer_fork(p));
	EXPECT_EQ(8, mb_wait(p->tid));
}

TEST_F(two_ends, exec_ends_what_it_closes)
{
	struct peer *p = peer_new(self->s, execute);

	p->arg = p;
	ASSERT_TRUE(peer_fork(p));
	close(self->s);
	EXPECT_TRUE(wait_until(num_recv(self->r) == -EPIPE));
	EXPECT_EQ(0, kill(p->tid, 0));
	mb_kill(p->tid);
}

/* ---- passed on ---- */

struct passing {
	int sock[2];
	int h;
};

static void create_fill_and_pass(struct __test_metadata *_metadata, void *arg)
{
	struct passing *passing = arg;
	int h = mb_create_anon();

	ASSERT_LE(0, h);
	ASSERT_EQ(0, num_send(h, 0, 0, 42));
	ASSERT_EQ(0, send_fd(passing->sock[1], h));
}

TEST(g13_mailbox_passed_on_outlives_its_creator)
{
	struct mbox_msg_args args = { .flags = 0 };
	struct passing passing;
	pid_t pid;
	int h;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, passing.sock));
	pid = mb_fork(_metadata, create_fill_and_pass, &passing);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, mb_wait(pid));
	close(passing.sock[1]);
	h = recv_fd(passing.sock[0]);
	ASSERT_LE(0, h);
	EXPECT_EQ(42, num_recv_args(h, &args));
	EXPECT_EQ(0, num_send(h, 0, 0, 43));
	EXPECT_EQ(43, num_recv(h));
	EXPECT_EQ(-EAGAIN, num_recv(h));
}

static void receive_and_send(struct __test_metadata *_metadata, void *arg)
{
	struct passing *passing = arg;
	int h;

	close(passing->h);
	h = recv_fd(passing->sock[1]);
	ASSERT_LE(0, h);
	EXPECT_EQ(-EBADF, num_recv(h));
	EXPECT_EQ(0, num_send(h, 0, 0, 42));
}

TEST_F(two_ends, passed_handle_has_its_rights_and_no_more)
{
	struct passing passing = { .h = self->s };
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, passing.sock));
	pid = mb_fork(_metadata, receive_and_send, &passing);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, send_fd(passing.sock[0], self->s));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(42, num_recv(self->r));
}

/* ---- threads ---- */

TEST_F(two_ends, handle_closed_by_one_thread_serves_another_that_waits)
{
	struct mbox_create_args args = { .flags = MB_RW };
	struct peer *p = peer_recv(self->r);
	int dev = mb_device(), again;

	ASSERT_LE(0, dev);
	ASSERT_TRUE(peer_blocks(p));
	close(self->r);
	/* Its number may even be that of another mailbox now. */
	again = mb_ioctl(dev, MBOX_IOC_CREATE, &args);
	EXPECT_EQ(self->r, again);
	EXPECT_EQ(0, num_send(again, 0, 0, 1));
	EXPECT_FALSE(peer_done(p));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	EXPECT_EQ(42, peer_number(p));
	/* That was the last use of it. */
	EXPECT_TRUE(wait_until(num_send(self->s, 0, 0, 43) == -EPIPE));
}

TEST_F(two_ends, handle_closed_by_one_thread_serves_another_that_sends)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 1,
	};
	struct peer *p = peer_send(self->s, 0, 0, 42);

	ASSERT_EQ(0, mb_set(self->s, &args));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_blocks(p));
	close(self->s);
	EXPECT_EQ(1, num_recv(self->r));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_TRUE(wait_until(num_recv(self->r) == -EPIPE));
}

static long exits(struct peer *p)
{
	syscall(SYS_exit_group, 5);
	return p->fd;
}

/* A process of two threads, one of which waits when the other ends it all. */
static long one_waits_one_exits(struct peer *p)
{
	if (!peer_blocks(peer_recv(p->fd)))
		return 1;
	return exits(p);
}

TEST_F(two_ends, g13_exit_ends_the_waits_of_all_threads)
{
	struct peer *p = peer_new(self->r, one_waits_one_exits);

	ASSERT_TRUE(peer_fork(p));
	EXPECT_EQ(5, mb_wait(p->tid));
	EXPECT_EQ(0, mb_fdinfo(self->r, "mbox-waiting-receivers"));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->r));
}

/* ---- a storm of kills ---- */

#define SENDERS		24	/* in the course of the storm */
#define RECEIVERS	24
#define SLOTS		2000

/*
 * A number is its sender and its serial. The kernel writes what a receiver gets
 * into a slot, so that it is known whatever happens to the receiver then.
 */
struct storm {
	__u32 slot[RECEIVERS][SLOTS];
	__u32 sent[SENDERS];	/* sends that returned 0 */
};

static long storm_sends(struct peer *p)
{
	__u32 *sent = p->arg;
	__u32 number;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.buf = (unsigned long)&number,
		.len = sizeof(number),
	};

	while (*sent < SLOTS - 1) {
		number = p->args.id + *sent + 1;
		if (mb_send(p->fd, &args))
			break;
		__atomic_store_n(sent, *sent + 1, __ATOMIC_RELEASE);
	}
	return wait_for_kill(p);
}

static long storm_receives(struct peer *p)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.len = sizeof(__u32),
	};
	__u32 *slot = p->arg;
	int i;

	for (i = 0; i < SLOTS; i++) {
		args.buf = (unsigned long)(slot + i);
		if (mb_recv(p->fd, &args))
			break;
	}
	return wait_for_kill(p);
}

static struct peer *storm_start(int h, struct storm *storm, int sender,
				int receiver)
{
	struct peer *p;

	if (sender >= 0) {
		p = peer_new(h, storm_sends);
		p->args.id = sender * SLOTS;
		p->arg = &storm->sent[sender];
	} else {
		p = peer_new(h, storm_receives);
		p->arg = storm->slot[receiver];
	}
	return peer_fork(p) ? p : NULL;
}

/* Two of each at a time; each lives for a few ms at most, then comes the next. */
static bool storm_run(int h, struct storm *storm)
{
	struct peer *live[4] = { NULL };
	int s = 0, r = 0, i;

	while (s < SENDERS || r < RECEIVERS) {
		i = rand() % 4;
		if (live[i])
			mb_kill(live[i]->tid);
		if (i % 2 && r < RECEIVERS)
			live[i] = storm_start(h, storm, -1, r++);
		else if (i % 2 == 0 && s < SENDERS)
			live[i] = storm_start(h, storm, s++, -1);
		else
			live[i] = NULL;
		for (i = rand() % 8; i > 0; i--)
			mb_poll_pause();
	}
	for (i = 0; i < 4; i++)
		if (live[i])
			mb_kill(live[i]->tid);
	return mb_fdinfo(h, "mbox-waiting-receivers") == 0 &&
	       mb_fdinfo(h, "mbox-waiting-senders") == 0;
}

static unsigned char seen[SENDERS * SLOTS];

/* Every sender's serials are there once each, without a gap. */
static bool storm_adds_up(const struct storm *storm, int sender)
{
	const unsigned char *mine = seen + sender * SLOTS;
	__u32 i, n = storm->sent[sender];

	for (i = 1; i <= n; i++)
		if (mine[i] != 1)
			return false;
	/* It may have been killed before it could say so. */
	for (i = n + 2; i < SLOTS; i++)
		if (mine[i])
			return false;
	return mine[0] == 0 && mine[n + 1] <= 1;
}

TEST(g13_nothing_is_lost_or_doubled_in_a_storm_of_kills)
{
	struct storm *storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int seed = getpid();
	int h, i, j;

	MB_NEED_DEVICE();
	h = mb_create_small(8);
	ASSERT_LE(0, h);
	TH_LOG("seed %u", seed);
	srand(seed);
	ASSERT_TRUE(storm_run(h, storm));
	for (i = 0; i < RECEIVERS; i++)
		for (j = 0; j < SLOTS; j++) {
			ASSERT_GT(SENDERS * SLOTS, storm->slot[i][j]);
			seen[storm->slot[i][j]]++;
		}
	seen[0] = 0;		/* slots that nobody wrote */
	for (i = num_recv(h); i >= 0; i = num_recv(h))
		seen[i]++;
	EXPECT_EQ(-EAGAIN, i);
	for (i = 0; i < SENDERS; i++)
		EXPECT_TRUE(storm_adds_up(storm, i))
			TH_LOG("sender %d", i);
	EXPECT_EQ(0, mb_messages(h));
}

TEST_HARNESS_MAIN
