// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A process's own mailbox: how it is found by the pid, how long it lives, over
 * threads, exec and the end of the process, and whom its mode lets in.
 */
#include "mbox_peer.h"

#include <limits.h>
#include <linux/sched.h>
#include <sys/stat.h>

#define EXEC_ENV	"MBOX_TEST_AFTER_EXEC"

FIXTURE(own_mailbox) {
	pid_t pid;		/* whose it is */
	int ready;
	int go;
};

struct owner {
	int ready;		/* write end */
	int go;			/* read end */
};

static void own_and_wait(struct __test_metadata *_metadata, void *arg)
{
	struct owner *owner = arg;
	char byte = 0;

	EXPECT_LE(0, mb_create_own(MB_RW, 0666));
	ASSERT_EQ(1, write(owner->ready, &byte, 1));
	EXPECT_EQ(1, read(owner->go, &byte, 1));
}

/* A child that owns a mailbox, and no other handle to it. */
FIXTURE_SETUP(own_mailbox)
{
	struct owner owner;
	int ready[2], go[2];
	char byte;

	MB_NEED_DEVICE();
	umask(0);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	owner.ready = ready[1];
	owner.go = go[0];
	self->ready = ready[0];
	self->go = go[1];
	self->pid = mb_fork(_metadata, own_and_wait, &owner);
	ASSERT_LT(0, self->pid);
	close(ready[1]);
	close(go[0]);
	ASSERT_EQ(1, read(self->ready, &byte, 1));
}

FIXTURE_TEARDOWN(own_mailbox)
{
	if (self->pid > 0)
		mb_kill(self->pid);
}

TEST_F(own_mailbox, is_found_by_the_pid)
{
	struct mbox_stat_args stat;
	int h = mb_open_pid(self->pid, MB_RW);

	ASSERT_LE(0, h);
	ASSERT_EQ(0, mb_stat(h, &stat));
	EXPECT_EQ(MBOX_OWN, stat.flags);
	EXPECT_EQ(0666, stat.mode);
	EXPECT_EQ(2, stat.senders);
	EXPECT_EQ(2, stat.receivers);
}

TEST_F(own_mailbox, is_of_no_other_process)
{
	/* Neither of this one nor of one that does not exist. */
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(getpid(), MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(1, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(INT_MAX, MB_RW));
	EXPECT_EQ(-ENOENT, mb_unlink_pid(0));
}

TEST_F(own_mailbox, goes_with_its_process_and_not_with_its_handles)
{
	char byte = 0, buf[8];
	int h = mb_open_pid(self->pid, MB_RW);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "last", 4));
	ASSERT_EQ(1, write(self->go, &byte, 1));
	/* Not even reaped: a zombie has none. */
	EXPECT_TRUE(wait_until(mb_open_pid(self->pid, MBOX_SEND) == -ENOENT));
	EXPECT_EQ(0, mb_wait(self->pid));
	EXPECT_EQ(-ENOENT, mb_open_pid(self->pid, MBOX_SEND));
	self->pid = 0;

	/* Open handles live on. */
	EXPECT_EQ(4, mb_get(h, buf, sizeof(buf)));
	EXPECT_EQ(0, mb_put(h, "more", 4));
	EXPECT_EQ(4, mb_get(h, buf, sizeof(buf)));
}

TEST_F(own_mailbox, of_a_killed_process_goes_too)
{
	int h = mb_open_pid(self->pid, MBOX_SEND);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "x", 1));
	kill(self->pid, SIGKILL);
	EXPECT_TRUE(wait_until(mb_open_pid(self->pid, MBOX_SEND) == -ENOENT));
	/* No pid, no handle that may receive. */
	EXPECT_TRUE(wait_until(mb_put(h, "x", 1) == -EPIPE));
}

/* A process of that very pid, which does nothing. */
static pid_t fork_as(pid_t number)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (unsigned long)&number,
		.set_tid_size = 1,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		for (;;)
			pause();
	return pid;
}

TEST_F(own_mailbox, of_a_process_that_is_gone_is_not_that_of_a_later_one)
{
	char byte = 0;

	ASSERT_EQ(1, write(self->go, &byte, 1));
	EXPECT_EQ(0, mb_wait(self->pid));
	ASSERT_EQ(self->pid, fork_as(self->pid));
	EXPECT_EQ(-ENOENT, mb_open_pid(self->pid, MBOX_SEND));
}

FIXTURE(this_process) {
};

FIXTURE_SETUP(this_process)
{
	MB_NEED_DEVICE();
}

FIXTURE_TEARDOWN(this_process)
{
}

TEST_F(this_process, has_at_most_one_own_mailbox)
{
	long long id = mb_id_of(mb_create_own(MB_RW, 0600));

	ASSERT_LE(0, id);
	EXPECT_EQ(id, mb_id_of(mb_create_own(MB_RW, 0600)));
	EXPECT_EQ(id, mb_id_of(mb_open_pid(0, MB_RW)));
	EXPECT_EQ(id, mb_id_of(mb_open_pid(getpid(), MB_RW)));
	EXPECT_EQ(-EEXIST, mb_create_own(MB_RW | MBOX_EXCL, 0600));
}

TEST_F(this_process, can_unlink_its_own_mailbox_and_make_another)
{
	long long id = mb_id_of(mb_create_own(MB_RW, 0600));

	EXPECT_EQ(0, mb_unlink_pid(getpid()));
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
	EXPECT_EQ(-ENOENT, mb_unlink_pid(0));
	EXPECT_NE(id, mb_id_of(mb_create_own(MB_RW | MBOX_EXCL, 0600)));
}

static void no_own_mailbox_here(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
	EXPECT_LE(0, mb_create_own(MB_RW | MBOX_EXCL, 0600));
	EXPECT_LE(0, mb_open_pid(getppid(), MB_RW));
}

TEST_F(this_process, does_not_pass_its_own_mailbox_to_children)
{
	long long id = mb_id_of(mb_create_own(MB_RW, 0600));

	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, no_own_mailbox_here, NULL)));
	EXPECT_EQ(id, mb_id_of(mb_open_pid(0, MB_RW)));
}

struct thread {
	pid_t tid;
	long long id;
	long long by_tid;
};

static void *own_in_thread(void *arg)
{
	struct thread *thread = arg;

	thread->tid = syscall(SYS_gettid);
	thread->id = mb_id_of(mb_create_own(MB_RW, 0600));
	thread->by_tid = mb_open_pid(thread->tid, MB_RW);
	return NULL;
}

TEST_F(this_process, owns_what_its_threads_create)
{
	struct thread thread = {};
	pthread_t id;

	ASSERT_EQ(0, pthread_create(&id, NULL, own_in_thread, &thread));
	ASSERT_EQ(0, pthread_join(id, NULL));
	ASSERT_NE(getpid(), thread.tid);
	ASSERT_LE(0, thread.id);
	EXPECT_EQ(thread.id, mb_id_of(mb_open_pid(getpid(), MB_RW)));
	/* A thread is not a process, and its end is not the process's. */
	EXPECT_EQ(-ENOENT, thread.by_tid);
	EXPECT_EQ(thread.id, mb_id_of(mb_create_own(MB_RW, 0600)));
}

/* What this program does when a test executes it; see exec_self(). */
static void __attribute__((constructor)) after_exec(void)
{
	char buf[8] = "";
	int h;

	if (!getenv(EXEC_ENV))
		return;
	h = mb_open_pid(0, MBOX_RECV);
	if (h < 0)
		_exit(2);
	if (read(h, buf, sizeof(buf)) != 5 || memcmp(buf, "hello", 5))
		_exit(3);
	_exit(0);
}

static void *exec_self(void *arg)
{
	static char * const argv[] = { "own", NULL };
	static char * const envp[] = { EXEC_ENV "=1", NULL };

	execve("/proc/self/exe", argv, envp);
	_exit(4);
}

static void own_and_exec(struct __test_metadata *_metadata, void *arg)
{
	bool *threaded = arg;
	pthread_t id;
	int h = mb_create_own(MB_RW, 0600);

	ASSERT_LE(0, h);
	ASSERT_EQ(5, write(h, "hello", 5));
	if (!*threaded)
		exec_self(NULL);
	/* The thread takes the pid of this one over. */
	ASSERT_EQ(0, pthread_create(&id, NULL, exec_self, NULL));
	for (;;)
		pause();
}

TEST_F(this_process, keeps_its_own_mailbox_over_exec)
{
	bool threaded = false;

	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, own_and_exec, &threaded)));
}

TEST_F(this_process, keeps_its_own_mailbox_when_a_thread_executes)
{
	bool threaded = true;

	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, own_and_exec, &threaded)));
}

static void *stay_behind(void *arg)
{
	struct owner *owner = arg;
	char byte = 0;

	if (write(owner->ready, &byte, 1) != 1 ||
	    read(owner->go, &byte, 1) != 1)
		_exit(2);
	syscall(SYS_exit, 0);
	return NULL;
}

static void own_and_lose_first_thread(struct __test_metadata *_metadata,
				      void *arg)
{
	pthread_t id;

	ASSERT_LE(0, mb_create_own(MB_RW, 0600));
	ASSERT_EQ(0, pthread_create(&id, NULL, stay_behind, arg));
	syscall(SYS_exit, 0);
}

TEST_F(this_process, keeps_its_own_mailbox_until_its_last_thread_ends)
{
	struct owner owner;
	int ready[2], go[2];
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	owner = (struct owner){ ready[1], go[0] };
	pid = mb_fork(_metadata, own_and_lose_first_thread, &owner);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_TRUE(wait_until(peer_state(pid) == 'Z'));
	EXPECT_LE(0, mb_open_pid(pid, MB_RW));
	ASSERT_EQ(1, write(go[1], &byte, 1));
	EXPECT_TRUE(wait_until(mb_open_pid(pid, MB_RW) == -ENOENT));
	EXPECT_EQ(0, mb_wait(pid));
}

struct first_process {
	struct owner owner;
	int pid;		/* write end: what this one is called outside */
};

static void first_process_owns(struct __test_metadata *_metadata, void *arg)
{
	struct first_process *first = arg;
	char outer[16] = "";

	EXPECT_EQ(1, getpid());
	ASSERT_LT(0, readlink("/proc/self", outer, sizeof(outer) - 1));
	ASSERT_EQ(sizeof(outer), write(first->pid, outer, sizeof(outer)));
	own_and_wait(_metadata, &first->owner);
	/* Pid 1 as it is called here. */
	EXPECT_LE(0, mb_open_pid(1, MB_RW));
}

TEST_F(this_process, finds_pids_of_its_own_pid_namespace)
{
	struct first_process first;
	const struct mb_child child = {
		.fn = first_process_owns,
		.arg = &first,
		.unshare = CLONE_NEWPID,
	};
	int number[2], ready[2], go[2];
	char outer[16], byte = 0;
	pid_t pid, inner;

	ASSERT_EQ(0, pipe2(number, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	first = (struct first_process){ { ready[1], go[0] }, number[1] };
	pid = mb_fork_child(_metadata, &child);
	ASSERT_LT(0, pid);
	ASSERT_EQ(sizeof(outer), read(number[0], outer, sizeof(outer)));
	inner = atoi(outer);
	ASSERT_EQ(1, read(ready[0], &byte, 1));

	EXPECT_LE(0, mb_open_pid(inner, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(1, MB_RW));
	ASSERT_EQ(1, write(go[1], &byte, 1));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_TRUE(wait_until(mb_open_pid(inner, MB_RW) == -ENOENT));
}

/* ---- an own mailbox of a process of MB_USER ---- */

FIXTURE(own_mailbox_of_a_user) {
	pid_t pid;
};

static void own_as_user(struct __test_metadata *_metadata, void *arg)
{
	int *ready = arg;
	char byte = 0;

	ASSERT_EQ(0, mb_become(MB_USER, MB_USER));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	EXPECT_LE(0, mb_create_own(MB_RW, 0602));
	ASSERT_EQ(1, write(*ready, &byte, 1));
	for (;;)
		pause();
}

FIXTURE_SETUP(own_mailbox_of_a_user)
{
	int ready[2];
	char byte;

	MB_NEED_DEVICE();
	umask(0);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	self->pid = mb_fork(_metadata, own_as_user, &ready[1]);
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
}

FIXTURE_TEARDOWN(own_mailbox_of_a_user)
{
	mb_kill(self->pid);
}

static void open_own_as_other(struct __test_metadata *_metadata, void *arg)
{
	pid_t *pid = arg;

	EXPECT_EQ(-EACCES, mb_open_pid(*pid, MBOX_RECV));
	EXPECT_EQ(-EACCES, mb_open_pid(*pid, MB_RW));
	EXPECT_LE(0, mb_open_pid(*pid, MBOX_SEND));
	EXPECT_EQ(-EPERM, mb_unlink_pid(*pid));
}

static void open_own_as_user(struct __test_metadata *_metadata, void *arg)
{
	pid_t *pid = arg;

	EXPECT_LE(0, mb_open_pid(*pid, MB_RW));
	EXPECT_EQ(0, mb_unlink_pid(*pid));
	EXPECT_EQ(-ENOENT, mb_open_pid(*pid, MB_RW));
}

static void find_none(struct __test_metadata *_metadata, void *arg)
{
	pid_t *pid = arg;

	EXPECT_EQ(-ENOENT, mb_open_pid(*pid, MBOX_SEND));
	EXPECT_EQ(-ENOENT, mb_unlink_pid(*pid));
}

TEST_F(own_mailbox_of_a_user, g09_has_a_mode_as_a_name_has)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, open_own_as_other,
			       &self->pid));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, open_own_as_user,
			       &self->pid));
}

TEST_F(own_mailbox_of_a_user, g09_is_not_seen_in_another_network_namespace)
{
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWNET, find_none, &self->pid));
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWUSER | CLONE_NEWNET,
			       find_none, &self->pid));
	EXPECT_LE(0, mb_open_pid(self->pid, MB_RW));
}

TEST_HARNESS_MAIN
