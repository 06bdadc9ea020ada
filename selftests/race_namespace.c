// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Each operation on a mailbox whose network namespace ends: its name goes, while
 * others hold handles, or wait in it; the last who is inside uses it until then.
 */
#include "mbox_race.h"

#define ROUNDS_END	2
#define OUTSIDE_MAX	(2 * NSEC_PER_SEC)

static int home;		/* to return to */
static __u32 left;		/* how often the last one inside has gone */

static const struct layout inside = {
	.keeper = MB_RW, .r = MB_RW, .named = true, .elsewhere = true,
};

static bool found(void)
{
	return mb_stat_of(keeper).flags & MBOX_NAMED;
}

/* Until the name is gone, and a moment more. */
static void stay_outside(struct cast *c)
{
	__u64 end = mb_in(OUTSIDE_MAX);

	while ((look(&left) <= rounds || found()) && mb_now(CLOCK_MONOTONIC) < end &&
	       look(&account->records) < RECORDS / 2) {
		supply(&c->actor);
		c->act(&c->actor);
	}
	c->act(&c->actor);
}

/* Who goes leaves nobody there. */
static void leave(struct cast *c)
{
	int i;

	if (setns(elsewhere, CLONE_NEWNET))
		abort();
	close(elsewhere);
	elsewhere = -1;
	for (i = 0; i < c->times; i++)
		operations[chance(&c->actor, OPERATIONS)].run(&c->actor);
	if (setns(home, CLONE_NEWNET))
		abort();
	__atomic_store_n(&left, rounds + 1, __ATOMIC_SEQ_CST);
}

FIXTURE(mailbox) {
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	race_begin(&inside, 2);
	stage->apart = true;
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, home);
}

FIXTURE_TEARDOWN(mailbox)
{
	race_end(_metadata);
}

TEST_F_TIMEOUT(mailbox, g09_g12_outlives_its_namespace_in_any_use, 600)
{
	cast[0].live = stay_outside;
	cast[1].live = leave;
	race_all("the end of a namespace", ROUNDS_END, 8);
}

TEST_HARNESS_MAIN
