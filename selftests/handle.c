// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A handle: what NARROW makes of it, how it is inherited and passed on. What
 * STAT, fdinfo and SET do is in stat.c and set.c.
 */
#include "mbox_peer.h"

#define EXEC_ENV	"MBOX_TEST_HANDLE"

/* ---- NARROW ---- */

FIXTURE(handle) {
	int h;			/* both rights */
	int send;
	int recv;
	char buf[64];
};

FIXTURE_SETUP(handle)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->send = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->send);
	self->recv = mb_narrow(self->h, MBOX_RECV, 0);
	ASSERT_LE(0, self->recv);
}

FIXTURE_TEARDOWN(handle)
{
}

TEST_F(handle, narrowed_has_the_right_that_is_left)
{
	EXPECT_EQ(0, mb_put(self->send, "x", 1));
	EXPECT_EQ(1, mb_get(self->recv, self->buf, 64));
	EXPECT_EQ(1, write(self->send, "x", 1));
	EXPECT_EQ(1, read(self->recv, self->buf, 64));
	EXPECT_EQ(O_WRONLY, fcntl(self->send, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_RDONLY, fcntl(self->recv, F_GETFL) & O_ACCMODE);
}

TEST_F(handle, g09_narrowed_has_lost_the_other_right)
{
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(-EBADF, mb_put(self->recv, "x", 1));
	EXPECT_EQ(-EBADF, mb_get(self->send, self->buf, 64));
	EXPECT_EQ(-1, write(self->recv, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, read(self->send, self->buf, 64));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, mb_stat_of(self->h).messages);
}

TEST_F(handle, g09_narrowed_does_not_get_a_right_back)
{
	char path[64];

	EXPECT_EQ(-EPERM, mb_narrow(self->send, MBOX_RECV, 0));
	EXPECT_EQ(-EPERM, mb_narrow(self->send, MB_RW, 0));
	EXPECT_EQ(-EPERM, mb_narrow(self->recv, MBOX_SEND, 0));
	EXPECT_EQ(-EPERM, mb_narrow(self->recv, MB_RW, 0));
	/* Nor in the ways that files have. */
	EXPECT_EQ(0, fcntl(self->send, F_SETFL, O_RDWR));
	EXPECT_EQ(-EBADF, mb_get(self->send, self->buf, 64));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->send);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(2, mb_stat_of(self->h).senders);
	EXPECT_EQ(2, mb_stat_of(self->h).receivers);
}

TEST_F(handle, narrowed_to_what_it_is_is_another_such)
{
	int rw = mb_narrow(self->h, MB_RW, 0);
	int send = mb_narrow(self->send, MBOX_SEND, 0);

	ASSERT_LE(0, rw);
	ASSERT_LE(0, send);
	close(self->h);
	close(self->send);
	EXPECT_EQ(0, mb_put(send, "x", 1));
	EXPECT_EQ(1, mb_get(rw, self->buf, 64));
	EXPECT_EQ(mb_stat_of(rw).id, mb_stat_of(send).id);
}

TEST_F(handle, narrowed_does_not_wait_if_it_was_asked_for)
{
	int h = mb_narrow(self->h, MBOX_RECV | MBOX_NONBLOCK, 0);

	ASSERT_LE(0, h);
	EXPECT_EQ(O_NONBLOCK, fcntl(h, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(self->h, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-1, read(h, self->buf, 64));
	EXPECT_EQ(EAGAIN, errno);
	h = mb_narrow(h, MBOX_RECV, 0);
	EXPECT_EQ(0, fcntl(h, F_GETFL) & O_NONBLOCK);
}

TEST_F(handle, g08_gives_a_badge_only_if_it_may_receive)
{
	int badged = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 1);

	EXPECT_LE(0, badged);
	EXPECT_EQ(-EPERM, mb_narrow(self->send, MBOX_SEND | MBOX_BADGE, 1));
	EXPECT_LE(0, mb_narrow(self->recv, MBOX_RECV | MBOX_BADGE, 1));
}

TEST_F(handle, g08_has_one_badge_for_ever)
{
	int badged = mb_narrow(self->h, MB_RW | MBOX_BADGE, ~0ULL - 1);
	int child;

	ASSERT_LE(0, badged);
	EXPECT_EQ(~0ULL - 1, mb_stat_of(badged).badge);
	EXPECT_EQ(0, mb_stat_of(self->h).badge);
	EXPECT_EQ(-EPERM, mb_narrow(badged, MBOX_SEND | MBOX_BADGE, 1));
	EXPECT_EQ(-EPERM,
		  mb_narrow(badged, MBOX_SEND | MBOX_BADGE, ~0ULL - 1));
	child = mb_narrow(badged, MBOX_SEND, 0);
	ASSERT_LE(0, child);
	EXPECT_EQ(~0ULL - 1, mb_stat_of(child).badge);
	EXPECT_EQ(~0ULL - 1, mb_stat_of(dup(child)).badge);
	EXPECT_EQ(-EPERM, mb_narrow(child, MBOX_SEND | MBOX_BADGE, 1));
}

/* ---- inherited and passed on ---- */

FIXTURE(passed_handle) {
	int h;
	int send;
	int sock[2];
	char buf[64];
};

FIXTURE_SETUP(passed_handle)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->send = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 7);
	ASSERT_LE(0, self->send);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				self->sock));
}

FIXTURE_TEARDOWN(passed_handle)
{
}

/* What this program does when a test executes it; see execute_with(). */
static void __attribute__((constructor)) after_exec(void)
{
	char *text = getenv(EXEC_ENV);
	int h;

	if (!text)
		return;
	h = atoi(text);
	if (fcntl(h, F_GETFD) < 0)
		_exit(100 + errno);
	_exit(mb_put(h, "exec", 4) ? 2 : 0);
}

static void execute_with(struct __test_metadata *_metadata, void *arg)
{
	static char * const argv[] = { "handle", NULL };
	char text[64], *envp[] = { text, NULL };
	int *h = arg;

	snprintf(text, sizeof(text), EXEC_ENV "=%d", *h);
	execve("/proc/self/exe", argv, envp);
	_exit(4);
}

TEST_F(passed_handle, is_closed_by_exec)
{
	EXPECT_EQ(100 + EBADF,
		  mb_wait(mb_fork(_metadata, execute_with, &self->send)));
}

TEST_F(passed_handle, survives_exec_if_it_is_told_to)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };

	ASSERT_EQ(0, fcntl(self->send, F_SETFD, 0));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, execute_with, &self->send)));
	args.buf = (unsigned long)self->buf;
	args.len = sizeof(self->buf);
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(7, args.out_badge);
}

static void use_what_comes(struct __test_metadata *_metadata, void *arg)
{
	int *sock = arg;
	int h = recv_fd(*sock);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "passed", 6));
	EXPECT_EQ(-EBADF, mb_get(h, NULL, 0));
	EXPECT_EQ(-EPERM, mb_narrow(h, MBOX_RECV, 0));
	EXPECT_EQ(7, mb_stat_of(h).badge);
}

TEST_F(passed_handle, works_in_another_users_process)
{
	const struct mb_child child = {
		.fn = use_what_comes,
		.arg = &self->sock[1],
		.uid = MB_USER,
		.gid = MB_USER,
	};
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };
	pid_t pid = mb_fork_child(_metadata, &child);

	EXPECT_EQ(0, send_fd(self->sock[0], self->send));
	close(self->send);
	EXPECT_EQ(0, mb_wait(pid));
	args.buf = (unsigned long)self->buf;
	args.len = sizeof(self->buf);
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(6, args.out_len);
	EXPECT_EQ(7, args.out_badge);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(pid, args.out_pid);
}

TEST_F(passed_handle, is_open_while_it_is_on_its_way)
{
	int recv = mb_narrow(self->h, MBOX_RECV, 0);
	int h;

	EXPECT_EQ(0, send_fd(self->sock[0], self->send));
	close(self->send);
	close(self->h);
	EXPECT_EQ(1, mb_stat_of(recv).senders);
	EXPECT_EQ(1, mb_stat_of(recv).receivers);
	/* No end while somebody may still send. */
	EXPECT_EQ(-EAGAIN, mb_get(recv, self->buf, 64));
	h = recv_fd(self->sock[1]);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "there", 5));
	EXPECT_EQ(5, mb_get(recv, self->buf, 64));
	close(h);
	EXPECT_EQ(-EPIPE, mb_get(recv, self->buf, 64));
}

TEST_F(passed_handle, that_nobody_takes_is_closed)
{
	int recv = mb_narrow(self->h, MBOX_RECV, 0);

	EXPECT_EQ(0, send_fd(self->sock[0], self->send));
	close(self->send);
	close(self->h);
	close(self->sock[0]);
	close(self->sock[1]);
	EXPECT_TRUE(wait_until(mb_get(recv, self->buf, 64) == -EPIPE));
}

TEST_HARNESS_MAIN
