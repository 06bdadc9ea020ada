// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Unloading the module and loading it again, while others open the device and do
 * each operation: it is turned_away while they hold anything, and never waits (G12).
 */
#include "mbox_race.h"
#include "mbox_module.h"

#define SECONDS		8
#define SECONDS_MAX	120		/* until it was turned away at least once */

static __u32 over;		/* they have */
static __u32 turned_away;	/* how often, in this round */
static __u32 unloading;		/* the kernel has been asked, and not answered yet */
static unsigned int refusals;

static bool absent(int ret)
{
	return ret == -ENOENT || ret == -ENODEV || ret == -ENXIO;
}

/*
 * Nobody holds anything, by chance: on a busy machine that would take for ever, if they
 * did not rest for longer the longer it takes.
 */
static void rest(struct cast *c)
{
	__u32 pauses = chance(&c->actor, 2) ? 1 + look(&turned_away) / 64 : 0;

	while (pauses-- && !look(&over))
		mb_poll_pause();
}

/* A stage of one's own, as long as one operation takes. */
static void come_and_go(struct cast *c)
{
	int h;

	for (; !look(&over); rest(c)) {
		h = mb_create_named(stage->name, MB_RW, 0600);
		if (h < 0 && !absent(h))
			wrong("create: %s", strerrorname_np(-h));
		if (h < 0)
			continue;
		stage->r = h;
		stage->s = h;
		stage->id = mb_stat_of(h).id;
		stage->replies = mb_narrow(h, MB_RW, 0);
		stage->sender = mb_narrow(h, MBOX_SEND, 0);
		c->act(&c->actor);
		close(stage->sender);
		close(stage->replies);
		close(h);
		if (chance(&c->actor, 2))
			mb_unlink(stage->name);
	}
}

/* What needs no handle, from outside. */
static void look_on(struct cast *c)
{
	static void (*const looks[])(struct actor *a) = {
		op_query, op_listing, op_open, op_ephemeral, op_own, op_open_own,
	};

	for (; !look(&over); rest(c))
		looks[chance(&c->actor, ARRAY_SIZE(looks))](&c->actor);
}

static int unload_once(void)
{
	int ret;

	__atomic_store_n(&unloading, 1, __ATOMIC_SEQ_CST);
	ret = unload();
	__atomic_store_n(&unloading, 0, __ATOMIC_SEQ_CST);
	return ret;
}

static void load_and_unload(struct cast *c)
{
	int ret;

	while ((ret = unload_once()) == -EWOULDBLOCK)
		__atomic_add_fetch(&turned_away, 1, __ATOMIC_SEQ_CST);
	refusals += turned_away;
	if (ret)
		wrong("unload: %s", strerrorname_np(-ret));
	pass_time(moment(&c->actor));
	ret = load();
	if (ret)
		wrong("load: %s", strerrorname_np(-ret));
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
}

/* Who waits on the stage for ever gets what it waits for, from outside. */
static void help(void)
{
	int h = mb_open(stage->name, MB_RW);

	if (h < 0)
		return;
	num_send(h, 0, 0, 0);
	num_send(h, 1, 1, 0);
	while (num_recv(h) >= 0)
		;
	close(h);
}

static bool round_of_unloads(void)
{
	__u64 end = mb_in(PATIENCE);

	over = 0;
	turned_away = 0;
	cast_go();
	while (look(&running) && mb_now(CLOCK_MONOTONIC) < end) {
		futex_wait(&running, look(&running), 5 * NSEC_PER_MSEC);
		help();
	}
	if (look(&running))
		wrong("%u hang%s, turned away %u times", running,
		      look(&unloading) ? ", one in unload" : "", look(&turned_away));
	else
		account_clear();
	return !account->wrong;
}

TEST_F_TIMEOUT(module, g12_is_unloaded_between_two_uses, 600)
{
	__u64 end = mb_in(slice(1, SECONDS)), last = mb_in(SECONDS_MAX * NSEC_PER_SEC);
	const struct operation *op;
	int i;

	/* Network namespaces that others left may take long to end: that is waited for. */
	reload(_metadata);
	race_prepare(3);
	stage->unloading = true;
	cast[0].live = come_and_go;
	cast[1].live = look_on;
	cast[2].live = load_and_unload;
	for (i = 0; !account->wrong &&
	     (i < ROUNDS_MIN || mb_now(CLOCK_MONOTONIC) < end ||
	      (!refusals && mb_now(CLOCK_MONOTONIC) < last)); i++) {
		op = &operations[rand_r(&dice) % OPERATIONS];
		cast[0].act = op->run;
		if (!round_of_unloads())
			printf("# in %s\n", op->name);
	}
	EXPECT_EQ(0, account->wrong) {
		TH_LOG("%s", account->what);
	}
	EXPECT_LT(0, refusals);
	if (!account->wrong)
		cast_end();
}

TEST_HARNESS_MAIN
