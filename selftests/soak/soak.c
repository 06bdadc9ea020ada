// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * All kinds of traffic at once for as long as one likes: processes that do anything
 * that can be done with a mailbox come, go and are killed, in a named mailbox of
 * root's and in an anonymous one of another user's. Now and then all pause: then
 * every message is accounted for, and what the kernel holds is counted. In the end
 * nothing may have grown, and nothing become slower.
 *
 *	soak SECONDS [leak]
 *
 * One line a pause; the last line is `N passed, N failed`. With "leak", something is
 * planted that does grow, and must be told.
 */
#include "../mbox_race.h"
#include "soak.h"

#include <sys/resource.h>

#define WORLDS		2
#define CREW		4		/* who do anything, in a world */
#define CAST		(CREW + 1)	/* and one who kills them */
#define LEVELS		250	/* objects that may be more in the end: slabs come and go whole */
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KILOBYTES	3000		/* likewise */
#define LEAKED	200		/* files a window, when something is planted */

static const struct layout nameless = { .keeper = MB_RW, .r = MB_RW };

/* What the worlds and who watches them tell each other. */
static struct bridge {
	__u32 window;		/* that may begin; 0: none yet */
	__u32 through[WORLDS];	/* windows that are over */
	bool stop;
	__u64 length;		/* of a window, in ns */
	__u64 took[WORLDS];	/* the last one really */
	__u32 messages[WORLDS], kills[WORLDS];	/* of the last window */
	__u64 latency[WORLDS];	/* of a message, in ns */
	__u32 wrong[WORLDS];
	char what[WORLDS][160];
} *bridge;

static __u32 over;		/* this window is */
static int world;

/* ---- the crew ---- */

static struct place {
	pid_t pid;		/* to be killed; 0: it was, or is not yet */
	char stack[65536];
} places[CREW];

static int lives(void *arg)
{
	struct cast *c = arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!look(&over)) {
		supply(&c->actor);
		operations[chance(&c->actor, OPERATIONS)].run(&c->actor);
	}
	_exit(0);
}

/*
 * One process after the other. They share the memory, which makes them cheap, and
 * errno is among it: this thread waits meanwhile.
 */
static void keep_place(struct cast *c)
{
	struct place *place = &places[c - cast];
	pid_t pid;

	c->actor.process = true;
	while (!look(&over)) {
		pid = clone(lives, place->stack + sizeof(place->stack),
			    CLONE_VM | SIGCHLD, c);
		if (pid < 0)
			abort();
		__atomic_store_n(&place->pid, pid, __ATOMIC_RELEASE);
		mb_wait(pid);
	}
}

static bool account_fills_up(void)
{
	return look(&account->numbers) > NUMBERS / 2 ||
	       look(&account->records) > RECORDS / 2;
}

/* Kill somebody now and then, until the time is over. */
static void reap(struct cast *c)
{
	__u64 end = mb_in(bridge->length);
	pid_t pid;
	int i;

	bridge->kills[world] = 0;
	while (mb_now(CLOCK_MONOTONIC) < end && !account_fills_up()) {
		i = chance(&c->actor, CREW);
		if (!chance(&c->actor, 4)) {
			pid = __atomic_exchange_n(&places[i].pid, 0,
						  __ATOMIC_ACQ_REL);
			if (pid && !kill(pid, SIGKILL))
				bridge->kills[world]++;
		}
		cast[(i + 1) % CREW].actor.other =
			__atomic_load_n(&places[i].pid, __ATOMIC_ACQUIRE);
		mb_poll_pause();
	}
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
}

/* ---- a world ---- */

/* What a message and a reply cost when nobody disturbs: the least of some. */
static __u64 latency(void)
{
	__u64 begin, best = NSEC_PER_SEC;
	int i, h = mb_create_anon();

	for (i = 0; i < 200; i++) {
		begin = mb_now(CLOCK_MONOTONIC);
		num_send(h, 0, 0, i);
		num_recv(h);
		begin = mb_now(CLOCK_MONOTONIC) - begin;
		best = begin < best ? begin : best;
	}
	close(h);
	return best;
}

static void window(void)
{
	__u64 begin = mb_now(CLOCK_MONOTONIC);
	__u32 sent = passed;

	over = 0;
	round_begin();
	round_end();
	bridge->took[world] = mb_now(CLOCK_MONOTONIC) - begin;
	bridge->messages[world] = passed - sent;
	bridge->latency[world] = latency();
	/* What was charged is given back, but for what the stage is. */
	if (!wait_until(quota_as_before()))
		wrong("more is charged than before");
	bridge->wrong[world] = account->wrong;
	memcpy(bridge->what[world], account->what, sizeof(account->what));
}

static void live_in(int number)
{
	__u32 next;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	world = number;
	if (world && mb_become(MB_USER, MB_USER))
		abort();
	prctl(PR_SET_DUMPABLE, 1);
	race_begin(world ? &nameless : &kept, CAST);
	mb_query(&before);
	before.ns_mailboxes = ~0U;	/* others have some, too */
	calm = 2000;
	patience = PATIENCE + bridge->length;
	for (i = 0; i < CREW; i++)
		cast[i].live = keep_place;
	cast[CREW].live = reap;
	for (next = 1;; next++) {
		wait_for(look(&bridge->window) == next || bridge->stop);
		if (bridge->stop)
			break;
		window();
		__atomic_store_n(&bridge->through[world], next,
				 __ATOMIC_SEQ_CST);
	}
	cast_end();
	stage_close();
	_exit(0);
}

/* ---- who watches ---- */

static bool all_paused(__u32 window)
{
	int i;

	for (i = 0; i < WORLDS; i++)
		if (look(&bridge->through[i]) != window)
			return false;
	return true;
}

/* Messages a second, in all worlds. */
static long rate(void)
{
	long n = 0;
	int i;

	for (i = 0; i < WORLDS; i++)
		n += bridge->messages[i] * NSEC_PER_SEC / bridge->took[i];
	return n;
}

static void progress(int i, int windows)
{
	printf("  window %3d of %d: %6ld messages/s, %3u killed, %5ld ns, SUnreclaim %ld kB\n",
	       i + 1, windows, series.rate[i],
	       bridge->kills[0] + bridge->kills[1], series.latency[i],
	       series.kilobytes[i]);
	fflush(stdout);
}

static void leak(void)
{
	const struct rlimit many = { LEAKED * WINDOWS, LEAKED * WINDOWS };
	int i;

	setrlimit(RLIMIT_NOFILE, &many);
	for (i = 0; i < LEAKED; i++)
		eventfd(0, EFD_CLOEXEC);
}

static bool watch_window(int i, int windows)
{
	__atomic_store_n(&bridge->window, i + 1, __ATOMIC_SEQ_CST);
	wait_for(all_paused(i + 1));
	series.rate[i] = rate();
	series.latency[i] = bridge->latency[0];
	measure(i);
	progress(i, windows);
	return !bridge->wrong[0] && !bridge->wrong[1];
}

static void judge(int n)
{
	int i;

	for (i = 0; i < WORLDS; i++)
		verdict(!bridge->wrong[i],
			"messages of world %d are accounted for, nobody hangs%s%s",
			i, bridge->wrong[i] ? ": " : "", bridge->what[i]);
	for (i = 0; i < series.caches; i++)
		if (growth(series.objects[i], n) > LEVELS)
			verdict(false, "%s does not grow: by %ld objects",
				series.name[i], growth(series.objects[i], n));
	verdict(series.caches > 0, "%d slab caches were watched", series.caches);
	/* Detectors keep what was freed for long; instead, one of them tells what leaks. */
	if (access(KMEMLEAK, F_OK))
		verdict(growth(series.kilobytes, n) <= KILOBYTES,
			"SUnreclaim does not grow: by %ld kB",
			growth(series.kilobytes, n));
	verdict(middle(series.rate, n, true) * 2 >= middle(series.rate, n, false),
		"as many messages in the end, %ld/s, as in the beginning, %ld/s",
		middle(series.rate, n, true), middle(series.rate, n, false));
	verdict(middle(series.latency, n, true) <=
		2 * middle(series.latency, n, false),
		"a message takes as long in the end, %ld ns, as in the beginning, %ld ns",
		middle(series.latency, n, true), middle(series.latency, n, false));
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 60;
	int windows = seconds / 3, i;
	pid_t pid[WORLDS];

	windows = windows < 8 ? 8 : windows > WINDOWS ? WINDOWS : windows;
	bridge = mmap(NULL, sizeof(*bridge), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bridge == MAP_FAILED || access(MB_DEVICE, F_OK))
		return 1;
	bridge->length = seconds * NSEC_PER_SEC / windows;
	for (i = 0; i < WORLDS; i++) {
		pid[i] = fork();
		if (!pid[i])
			live_in(i);
	}
	for (i = 0; i < windows && watch_window(i, windows); i++)
		if (argc > 2)
			leak();
	judge(i < windows ? i + 1 : windows);
	bridge->stop = true;
	for (i = 0; i < WORLDS; i++) {
		if (bridge->wrong[i])
			kill(pid[i], SIGKILL);
		mb_wait(pid[i]);
	}
	printf("%d passed, %d failed\n", verdicts.passed, verdicts.failed);
	return !!verdicts.failed;
}
