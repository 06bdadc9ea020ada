// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Each operation in a process that is killed at any moment, while another thread
 * passes messages: what is left is as it should be, and nobody hangs.
 */
#include "mbox_race.h"

#define ROUNDS_KILL	6
#define LIFE		200	/* operations, of who is not killed before */

static pid_t victim;
static char stack[65536];

static int lives(void *arg)
{
	struct cast *c = arg;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < LIFE; i++)
		c->act(&c->actor);
	_exit(0);
}

/*
 * It shares the memory, which makes it cheap, and errno is among it: whose thread
 * this is waits meanwhile. Files it does not share.
 */
static void live_and_die(struct cast *c)
{
	pid_t pid;

	c->actor.process = true;
	pid = clone(lives, stack + sizeof(stack), CLONE_VM | SIGCHLD, c);
	if (pid < 0)
		abort();
	__atomic_store_n(&victim, pid, __ATOMIC_RELEASE);
	mb_wait(pid);
}

static void kill_it(struct cast *c)
{
	pid_t pid;

	while (!(pid = __atomic_exchange_n(&victim, 0, __ATOMIC_ACQ_REL)))
		sched_yield();
	pass_time(chance(&c->actor, 300) * stage->tick);
	kill(pid, SIGKILL);
}

/* The other side, as long as that takes. */
static void pass_messages(struct cast *c)
{
	int i;

	for (i = 0; i < c->times; i++) {
		supply(&c->actor);
		op_pass(&c->actor);
	}
}

FIXTURE(mailbox) {
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	race_begin(&kept, 3);
}

FIXTURE_TEARDOWN(mailbox)
{
	race_end(_metadata);
}

TEST_F_TIMEOUT(mailbox, g07_g13_loses_nothing_of_who_is_killed, 600)
{
	cast[0].live = live_and_die;
	cast[1].live = pass_messages;
	cast[2].live = kill_it;
	race_all("a kill", ROUNDS_KILL, 8);
}

TEST_HARNESS_MAIN
