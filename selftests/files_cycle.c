// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * No cycle of mailboxes, messages, files and namespaces stays alive by itself
 * (G15): whatever was put into what, after the last handle that somebody has is
 * closed, nothing is left, and the module can be unloaded.
 *
 * In each of the cycles there is also a witness: the write end of a pipe.
 */
#include "mbox_files.h"
#include "mbox_module.h"

#include <linux/io_uring.h>

#define NAME	"files-cycle"

static long long module_references(void)
{
	char text[32] = "";
	FILE *f = fopen("/sys/module/mbox/refcnt", "re");

	if (!f || !fgets(text, sizeof(text), f))
		abort();
	fclose(f);
	return atoll(text);
}

/* A witness in a mailbox: the read end of its pipe. */
static int witness(struct __test_metadata *_metadata, int h)
{
	int ret, p = pipe_send(h, &ret);

	EXPECT_EQ(0, ret);
	EXPECT_TRUE(pipe_open(p));
	return p;
}

static void gone(struct __test_metadata *_metadata, int p)
{
	EXPECT_TRUE(wait_until(pipe_closed(p)));
	close(p);
	ASSERT_TRUE(wait_until(!module_references())) {
		TH_LOG("%lld references are left", module_references());
	}
	reload(_metadata);
}

TEST_F(module, g15_a_mailbox_that_holds_a_way_to_itself)
{
	int h = mb_create_anon();
	int own = mb_narrow(h, MBOX_SEND, 0);
	int p = witness(_metadata, h);

	EXPECT_EQ(0, file_send(h, own));
	EXPECT_EQ(0, file_send(own, own));
	close(own);
	EXPECT_EQ(2, module_references());
	close(h);
	gone(_metadata, p);
}

TEST_F(module, g15_a_named_mailbox_that_holds_a_way_to_itself)
{
	int h = mb_create_named(NAME, MB_RW, 0600);
	int own = mb_open(NAME, MBOX_SEND);
	int p = witness(_metadata, h);
	struct files in;

	EXPECT_EQ(0, file_send(h, own));
	close(own);
	close(h);
	EXPECT_TRUE(wait_until(!module_references()));
	h = mb_open(NAME, MBOX_RECV);
	EXPECT_EQ(0, files_recv(h, &in, 1));
	EXPECT_EQ(MBOX_MSG_FILES_LOST, in.args.out_flags);
	close(h);
	gone(_metadata, p);
}

TEST_F(module, g15_two_mailboxes_that_hold_ways_to_each_other)
{
	int a = mb_create_anon(), b = mb_create_named(NAME, MB_RW, 0600);
	int to_a = mb_narrow(a, MBOX_SEND, 0);
	int to_b = mb_narrow(b, MBOX_SEND, 0);
	int p = witness(_metadata, a);
	int q = witness(_metadata, b);

	EXPECT_EQ(0, file_send(a, to_b));
	EXPECT_EQ(0, file_send(b, to_a));
	close(to_a);
	close(to_b);
	close(a);
	EXPECT_TRUE(wait_until(pipe_closed(p)));
	EXPECT_TRUE(pipe_open(q));
	close(b);
	gone(_metadata, q);
}

#define RING 200

/* Each holds ways to the next, and to the one before. */
TEST_F(module, g15_a_ring_of_mailboxes)
{
	int h[RING], to[RING], i, p;

	for (i = 0; i < RING; i++) {
		h[i] = mb_create_anon();
		to[i] = mb_narrow(h[i], MBOX_SEND, 0);
		ASSERT_LE(0, to[i]);
	}
	p = witness(_metadata, to[RING / 2]);
	for (i = 0; i < RING; i++) {
		EXPECT_EQ(0, file_send(h[i], to[(i + 1) % RING]));
		EXPECT_EQ(0, file_send(h[i], to[(i + RING - 1) % RING]));
	}
	for (i = 0; i < RING; i++)
		close(to[i]);
	EXPECT_EQ(2 * RING, module_references());
	for (i = 0; i < RING; i++)
		close(h[i]);
	gone(_metadata, p);
}

/* What would hold a mailbox that holds it. */
TEST_F(module, g15_what_can_receive_is_refused)
{
	int h = mb_create_anon();
	int recv = mb_narrow(h, MBOX_RECV, 0);
	int p = witness(_metadata, h);

	EXPECT_EQ(-EOPNOTSUPP, file_send(h, recv));
	EXPECT_EQ(-EOPNOTSUPP, file_send(h, h));
	close(recv);
	close(h);
	gone(_metadata, p);
}

TEST_F(module, g15_a_socket_that_holds_what_can_receive)
{
	int h = mb_create_anon();
	int own = mb_narrow(h, MBOX_SEND, 0);
	int p = witness(_metadata, h);
	int s[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
	EXPECT_EQ(0, send_fd(s[0], h));
	EXPECT_EQ(-EOPNOTSUPP, file_send(h, s[0]));
	EXPECT_EQ(-EOPNOTSUPP, file_send(h, s[1]));
	EXPECT_EQ(0, file_send(h, own));
	close(own);
	close(h);
	EXPECT_TRUE(pipe_open(p));	/* it is on its way */
	close(s[0]);
	close(s[1]);
	gone(_metadata, p);
}

/* The kernel collects such sockets; the mailbox goes with them. */
TEST_F(module, g15_sockets_that_hold_each_other_and_what_can_receive)
{
	int h = mb_create_anon();
	int own = mb_narrow(h, MBOX_SEND, 0);
	int p = witness(_metadata, h);
	int s[2], other[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
	EXPECT_EQ(0, send_fd(s[0], s[1]));
	EXPECT_EQ(0, send_fd(s[0], h));
	EXPECT_EQ(0, send_fd(s[1], s[0]));
	EXPECT_EQ(0, file_send(h, own));
	close(own);
	close(h);
	close(s[0]);
	close(s[1]);
	/* They are looked for when the next one is closed. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other));
	close(other[0]);
	close(other[1]);
	gone(_metadata, p);
}

TEST_F(module, g15_a_ring_of_requests_that_holds_what_can_receive)
{
	struct io_uring_params params = { };
	int h = mb_create_anon();
	int own = mb_narrow(h, MBOX_SEND, 0);
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	int p = witness(_metadata, h);

	ASSERT_LE(0, ring);
	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring,
			     IORING_REGISTER_FILES, &h, 1));
	EXPECT_EQ(-EOPNOTSUPP, file_send(h, ring));
	EXPECT_EQ(0, file_send(h, own));
	close(own);
	close(h);
	EXPECT_TRUE(pipe_open(p));
	close(ring);
	gone(_metadata, p);
}

struct tangle {
	int ready;
};

/* A process, with its own mailbox, leaves all of it behind. */
static void tangle_and_pause(struct __test_metadata *_metadata, void *arg)
{
	int own = mb_create_own(MB_RW, 0600);
	int a = mb_create_anon(), b = mb_create_anon();
	int to_own = mb_open_pid(0, MBOX_SEND);
	int to_a = mb_narrow(a, MBOX_SEND, 0), to_b = mb_narrow(b, MBOX_SEND, 0);
	const int all[] = { to_own, to_a, to_b };
	struct tangle *t = arg;
	int h[] = { own, a, b }, i;
	char byte = 0;

	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, files_send(h[i], all, 3));
	EXPECT_EQ(1, write(t->ready, &byte, 1));
	pause();
}

TEST_F(module, g15_what_a_killed_process_leaves)
{
	struct tangle t;
	int ready[2], i;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	t.ready = ready[1];
	for (i = 0; i < 5; i++) {
		pid = mb_fork(_metadata, tangle_and_pause, &t);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		EXPECT_LT(0, module_references());
		mb_kill(pid);
		ASSERT_TRUE(wait_until(!module_references()));
	}
	reload(_metadata);
}

/* A name in a namespace, whose mailbox holds that namespace. */
static void hold_the_namespace(struct __test_metadata *_metadata, void *arg)
{
	int h = mb_create_named(NAME, MB_RW, 0600);
	int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int user = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, file_send(h, net));
	EXPECT_EQ(0, file_send(h, user));
}

static __u32 user_mailboxes(void)
{
	struct mbox_query_args query;

	return mb_query(&query) ? ~0U : query.user_mailboxes;
}

TEST_F(module, g15_a_mailbox_that_holds_the_namespace_of_its_name)
{
	__u32 before = user_mailboxes();

	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER | CLONE_NEWNET,
			       hold_the_namespace, NULL));
	/* With the namespace goes the name, with that the mailbox. */
	EXPECT_TRUE(wait_until(user_mailboxes() == before));
	ASSERT_TRUE(wait_until(!module_references()));
	reload(_metadata);
}

/* Open files in the whole system. */
static long system_files(void)
{
	FILE *f = fopen("/proc/sys/fs/file-nr", "re");
	long n;

	if (!f || fscanf(f, "%ld", &n) != 1)
		abort();
	fclose(f);
	return n;
}

#define MANY 2000

/* Not one file in ten is left over. The kernel counts them in batches. */
TEST_F(module, g15_no_open_file_is_left)
{
	long before = system_files();
	int i, a, to_a, b, to_b, fds[MBOX_FILES_MAX];

	for (i = 0; i < MANY / MBOX_FILES_MAX; i++) {
		a = mb_create_anon();
		b = mb_create_anon();
		to_a = mb_narrow(a, MBOX_SEND, 0);
		to_b = mb_narrow(b, MBOX_SEND, 0);
		for (int j = 0; j < MBOX_FILES_MAX; j++) {
			fds[j] = syscall(SYS_memfd_create, "many", 1);
			ASSERT_LE(0, fds[j]);
		}
		EXPECT_EQ(0, files_send(a, fds, MBOX_FILES_MAX));
		EXPECT_EQ(0, file_send(a, to_b));
		EXPECT_EQ(0, file_send(b, to_a));
		for (int j = 0; j < MBOX_FILES_MAX; j++)
			close(fds[j]);
		close(to_a);
		close(to_b);
		close(a);
		close(b);
	}
	EXPECT_TRUE(wait_until(system_files() < before + MANY / 10)) {
		TH_LOG("%ld files are left", system_files() - before);
	}
	ASSERT_TRUE(wait_until(!module_references()));
	reload(_metadata);
}

TEST_HARNESS_MAIN
