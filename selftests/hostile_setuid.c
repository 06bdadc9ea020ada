// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A user that executes a set-uid program with mailbox handles as its descriptors gets
 * neither its identity nor its privileges: what the program writes to them is the
 * user's, at the user's cost, within the user's quota; and the user's process does not
 * become another's to talk to.
 */
#include "mbox_parameters.h"
#include "mbox_call.h"

#include <sys/stat.h>

#define SETUID_PATH	"/tmp/mbox-setuid"
#define SETUID_OUT	90	/* the descriptor that the program is given */

/* What this program does when it is executed as the set-uid one. */
static const char *setuid_task(void)
{
	return getenv("MBOX_SETUID");
}

static void setuid_fill(void)
{
	struct mbox_query_args query;
	char buf[1024] = "";
	long ret;

	do {
		ret = mb_write(SETUID_OUT, buf, sizeof(buf));
	} while (ret > 0);
	if (ret != -EDQUOT || mb_query(&query) || query.user_bytes)
		_exit(3);
}

static void __attribute__((constructor)) setuid_main(void)
{
	const char *task = setuid_task();

	if (!task)
		return;
	if (geteuid() || getuid() != MB_USER)
		_exit(2);
	switch (*task) {
	case 'w':	/* as a program does that prints */
		_exit(mb_write(SETUID_OUT, "w", 1) != 1);
	case 's':	/* it knows what it does */
		_exit(mb_put(SETUID_OUT, "s", 1) != 0);
	case 'f':
		setuid_fill();
		_exit(0);
	case 't':	/* the token of the process that executed it is its own */
		_exit(num_reply(SETUID_OUT, atoi(task + 1), 43) != 0);
	case 'd':	/* dropped privileges are not what a handle of before has */
		if (mb_put(SETUID_OUT, "0", 1) || setresuid(MB_USER, MB_USER, MB_USER) ||
		    mb_put(SETUID_OUT, "1", 1))
			_exit(1);
		_exit(0);
	}
	_exit(2);
}

FIXTURE(setuid_program) {
	int h;			/* root's */
	int pipe[2];		/* to say whose handle it is */
};

static int copy_self(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(SETUID_PATH, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	static char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, n) != n)
			return -EIO;
	if (n || fchmod(to, 04755) || close(to) || close(from))
		return -errno;
	return 0;
}

FIXTURE_SETUP(setuid_program)
{
	MB_NEED_DEVICE();
	mkdir("/tmp", 01777);
	ASSERT_EQ(0, copy_self());
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(setuid_program)
{
	unlink(SETUID_PATH);
	close(self->h);
}

struct execution {
	const char *task;
	int h;
	bool own;		/* through a handle that the user has made of it */
	bool takes;		/* and with a token */
};

static void execute(struct __test_metadata *_metadata, void *arg)
{
	const struct execution *e = arg;
	char task[32], *argv[] = { "set-uid", NULL }, *envp[] = { task, NULL };
	int h = e->own ? mb_narrow(e->h, MB_RW, 0) : e->h;
	__u32 token = 0;

	if (e->takes)
		ASSERT_EQ(42, num_take(h, &token));
	if (token)
		snprintf(task, sizeof(task), "MBOX_SETUID=%s%u", e->task, token);
	else
		snprintf(task, sizeof(task), "MBOX_SETUID=%s", e->task);
	if (e->takes) {
		/* The same open file, under another number. */
		ASSERT_EQ(SETUID_OUT, fcntl(h, F_DUPFD, SETUID_OUT));
	} else {
		ASSERT_EQ(SETUID_OUT, dup2(h, SETUID_OUT));
	}
	execve(SETUID_PATH, argv, envp);
	EXPECT_EQ(0, errno);
}

static int run(struct __test_metadata *_metadata, struct execution *e)
{
	return mb_run_as(_metadata, MB_USER, execute, e);
}

static int take(int h, struct mbox_msg_args *args)
{
	char byte;

	*args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE, .buf = (unsigned long)&byte, .len = 1,
	};
	return mb_recv(h, args);
}

TEST_F(setuid_program, g08_lends_its_identity_to_nobody_who_reads_its_output)
{
	struct execution e = { "w", self->h, true, false };
	struct mbox_msg_args args;

	EXPECT_EQ(0, run(_metadata, &e));
	ASSERT_EQ(0, take(self->h, &args));
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(MB_USER, args.out_gid);
	EXPECT_EQ(MBOX_MSG_OPENER, args.out_flags);
}

TEST_F(setuid_program, g08_speaks_for_itself_when_it_sends)
{
	struct execution e = { "s", self->h, true, false };
	struct mbox_msg_args args;

	EXPECT_EQ(0, run(_metadata, &e));
	ASSERT_EQ(0, take(self->h, &args));
	EXPECT_EQ(0, args.out_uid);
	EXPECT_EQ(MB_USER, args.out_gid);
	EXPECT_EQ(0, args.out_flags);
}

TEST_F(setuid_program, g08_is_known_by_what_it_is_when_it_sends)
{
	struct execution e = { "d", self->h, true, false };
	struct mbox_msg_args args;

	EXPECT_EQ(0, run(_metadata, &e));
	ASSERT_EQ(0, take(self->h, &args));
	EXPECT_EQ(0, args.out_uid);
	ASSERT_EQ(0, take(self->h, &args));
	EXPECT_EQ(MB_USER, args.out_uid);
}

/* CAP_SYS_RESOURCE of the one who writes is not that of the one who opened. */
TEST_F(setuid_program, g10_fills_the_quota_of_the_user_and_not_its_own)
{
	struct execution e = { "f", self->h, true, false };

	ASSERT_EQ(0, parameter_set("user_bytes", 64 * 1024));
	EXPECT_EQ(0, run(_metadata, &e));
	parameters_restore();
	EXPECT_LT(16, mb_messages(self->h));
	EXPECT_GT(64, mb_messages(self->h));
}

/* It is the same process, though it became another program and another user. */
TEST_F(setuid_program, has_the_tokens_of_its_process)
{
	struct execution e = { "t", self->h, true, true };
	struct peer *caller = peer_call(self->h, 1, 0, 42);

	ASSERT_TRUE(peer_calls(caller));
	EXPECT_EQ(0, run(_metadata, &e));
	EXPECT_EQ(43, peer_reply(caller));
}

TEST_HARNESS_MAIN
