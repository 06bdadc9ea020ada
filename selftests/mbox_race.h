/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Rounds: some actors, each of whom does operations of the table at the same time
 * as the others, and then it is seen that nothing is lost, doubled, left behind,
 * and that nobody hangs. Who runs what against what belongs to the suites.
 */
#ifndef MBOX_RACE_H
#define MBOX_RACE_H

#include "mbox_operations.h"

#include <linux/futex.h>

#define CAST_MAX	8
#define ROUNDS		100		/* of one pair, if time allows */
#define ROUNDS_MIN	3
#define BURST		20		/* operations of one actor in a round */
#define ROOM		4		/* messages in the mailbox */
#define PATIENCE	(15 * NSEC_PER_SEC)	/* with who hangs */

/* Who holds what, beside the actors: what becomes of the mailbox without it. */
struct layout {
	__u32 keeper;		/* rights of who prepares and looks */
	__u32 r, s;		/* rights of the actors' handles; 0: one for both */
	bool named;
	bool closing;		/* operations may find their handle closed */
	bool deaf;		/* and nobody left who receives */
	bool elsewhere;		/* in a network namespace of its own */
};

static const struct layout kept = { .keeper = MB_RW, .r = MB_RW, .named = true };

static struct cast {
	struct actor actor;
	void (*act)(struct actor *a);
	int times;
	void (*live)(struct cast *c);	/* instead of doing it so many times */
	__u32 go;		/* futex */
	pthread_t thread;
} cast[CAST_MAX];

static int cast_size;
static __u32 running;		/* futex: how many actors are not through */
static __u32 ready;		/* how many have come to the start */
static int elsewhere = -1;	/* that network namespace, if so */
static int keeper;		/* the handle of who prepares and looks */
static __u64 drops;		/* before the round */
static struct layout layout;
static struct mbox_query_args before;
static __u32 calm = 50;	/* ticks, after which who waits is helped */
static __u64 patience = PATIENCE;	/* and as long as a round takes */
static __u32 rounds, passed, rescues;	/* so far */
static unsigned int dice;	/* whatever is random follows from it */

static inline void futex_wait(__u32 *word, __u32 value, __u64 ns)
{
	const struct timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &ts, NULL, 0);
}

static inline void futex_wake(__u32 *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static inline __u32 look(__u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* ---- the stage ---- */

/* A place among the descriptors that no operation's new ones come to. */
static inline int aside(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 500);

	if (fd < 0 || high < 0)
		abort();
	close(fd);
	return high;
}

static inline int stage_create(void)
{
	struct mbox_create_args args = {
		.flags = MB_RW | (layout.named ? MBOX_NAMED : 0),
		.mode = 0666,
		.name = layout.named ? (unsigned long)stage->name : 0,
		.name_len = layout.named ? strlen(stage->name) : 0,
		.max_messages = ROOM,
		.max_message_size = 2 * LONG,
	};

	return mb_create(&args);
}

static inline void stage_close(void)
{
	close(stage->r);
	if (stage->s != stage->r)
		close(stage->s);
	close(stage->sender);
	close(keeper);
	if (elsewhere >= 0)
		close(elsewhere);
}

/* Where nobody is, but for who holds @elsewhere. */
static inline int stage_create_elsewhere(void)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int h;

	if (unshare(CLONE_NEWNET))
		abort();
	h = stage_create();
	elsewhere = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (setns(home, CLONE_NEWNET))
		abort();
	close(home);
	return h;
}

static inline void stage_open(void)
{
	int h = layout.elsewhere ? stage_create_elsewhere() : stage_create();

	stage->id = mb_stat_of(h).id;
	stage->r = aside(mb_narrow(h, layout.r, 0));
	stage->s = layout.s ? aside(mb_narrow(h, layout.s, 0)) : stage->r;
	/* It would keep the mailbox from its end. */
	stage->sender = layout.closing ? aside(dup(stage->eventfd)) :
					 aside(mb_narrow(h, MBOX_SEND, 0));
	keeper = aside(mb_narrow(h, layout.keeper, 0));
	close(h);
	stage->closing = layout.closing;
	stage->deaf = layout.deaf;
}

static inline void ask(int from, int to, int flags, struct record **r)
{
	struct mbox_ext ext = { .reply_to = stage->replies };
	const struct mbox_msg_args how = {
		.flags = MBOX_WAIT_NONE | MBOX_LEASE | MBOX_TRUNCATE,
	};
	__u32 n = number_new();
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | flags,
		.buf = (unsigned long)&n,
		.len = sizeof(n),
		.reply_len = flags ? sizeof(n) : 0,
		.id = flags ? n : 0,
	};
	int ret = flags ? mb_ext(from, MBOX_IOC_SEND, &args, &ext) :
			  mb_send(from, &args);

	settle(n, ret ? REFUSED : flags ? ASKED : SENT);
	if (!r || ret)
		return;
	*r = records_new(1);
	ret = mb_ioctl(to, MBOX_IOC_RECV, record_args(*r, &how));
	if (ret)
		wrong("prepare: %s", strerrorname_np(-ret));
}

/* Something is there, by chance, or is held by who shares the handle. */
static inline void stage_fill(void)
{
	__u32 what = rand_r(&dice);

	stage->lease = NULL;
	stage->call = NULL;
	if (what & 1)
		ask(stage->s, stage->r, 0, &stage->lease);
	if (what & 2)
		ask(stage->s, stage->r, MBOX_REPLY_TO, &stage->call);
	if (what & 4)
		ask(stage->s, stage->r, 0, NULL);
	if (what & 8)
		ask(stage->s, stage->r, MBOX_REPLY_TO, NULL);
}

static inline void drain(int h, bool reply)
{
	const struct mbox_msg_args any = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
	};
	struct record *r;
	int ret;

	do {
		r = records_new(1);
		r->reply = reply;
		ret = mb_ioctl(h, MBOX_IOC_RECV, record_args(r, &any));
		if (!ret && r->args.out_token)
			record_finish(h, r, MBOX_FINISH_REPLY);
	} while (!ret);
	if (ret != -EAGAIN && ret != -EPIPE)
		wrong("what is left: %s", strerrorname_np(-ret));
}

static inline void end_token(struct record *r)
{
	if (r && !finished(r))
		record_finish(stage->r, r, MBOX_FINISH_DONE);
}

/* Leases that end by themselves may take a moment more. */
static inline bool stage_empty(void)
{
	if (layout.keeper & MBOX_RECV)
		drain(keeper, false);
	drain(stage->replies, true);
	return all_over(keeper) && all_over(stage->replies);
}

static inline void stage_tell(void)
{
	struct mbox_stat_args st = mb_stat_of(keeper);

	wrong("left: %u messages, %u tokens, %u calls, %u and %u waiting",
	      st.messages, st.tokens, st.calls, st.waiting_receivers,
	      st.waiting_senders);
	st = mb_stat_of(stage->replies);
	wrong("left: %u replies", st.messages);
}

/* All that is left is taken; then nothing may be left. */
static inline void stage_clear(void)
{
	const struct mbox_set_args limits = {
		.mask = MBOX_SET_MAX_MESSAGES | MBOX_SET_MAX_MESSAGE_SIZE |
			MBOX_SET_OVERFLOW,
		.max_messages = ROOM,
		.max_message_size = 2 * LONG,
	};
	struct mbox_notify_args none = { .eventfd = -1 };
	struct mbox_stat_args st;

	end_token(stage->lease);
	end_token(stage->call);
	if (layout.closing) {
		close(stage->r);
		if (stage->s != stage->r)
			close(stage->s);
	} else {
		mb_ioctl(stage->r, MBOX_IOC_NOTIFY, &none);
	}
	if (!stage_empty() && !wait_until(stage_empty()))
		stage_tell();
	st = mb_stat_of(keeper);
	account_balance(layout.deaf ? ~0U : st.drops - drops);
	rounds++;
	passed += account->numbers;
	account_clear();
	stage->picky = 0;	/* of who was killed */
	drops = st.drops;
	if (stage->names) {
		mb_unlink(stage->exclusively);
		mb_unlink_pid(0);
		if (!layout.named)
			mb_unlink(stage->name);
		stage->names = false;
		stage->exclusive = 0;
	}
	if (layout.closing || layout.elsewhere ||
	    (layout.named && !(st.flags & MBOX_NAMED))) {
		if (layout.named)
			mb_unlink(stage->name);
		stage_close();
		stage_open();
		drops = 0;
	} else if (layout.keeper & MBOX_RECV) {
		mb_set(keeper, (struct mbox_set_args *)&limits);
	}
}

/* ---- actors ---- */

static inline void start_together(struct actor *a)
{
	__u32 n = __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST), turns = 0;

	for (; n < (__u32)cast_size; n = look(&ready))
		if (++turns % 64 == 0)
			sched_yield();
	pass_time(chance(a, 4) ? chance(a, 10) * stage->tick : 0);
}

/* Something comes, or room does, lest all of them wait for the same. */
static inline void supply(struct actor *a)
{
	const struct mbox_msg_args any = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
	};
	__u32 what = chance(a, 4);
	struct record *r;

	if (what == 0 && (layout.keeper & MBOX_SEND)) {
		__u32 n = number_new();
		int ret = num_send(keeper, chance(a, 2), chance(a, 3), n);

		settle(n, ret ? REFUSED : SENT);
	} else if (what == 1 && (layout.keeper & MBOX_RECV)) {
		r = records_new(1);
		if (!mb_ioctl(keeper, MBOX_IOC_RECV, record_args(r, &any)) &&
		    r->args.out_token)
			record_finish(keeper, r, chance(a, 4));
	}
}

static inline void *cast_main(void *arg)
{
	struct cast *c = arg;
	__u32 go = 0;
	int i;

	c->actor.tid = syscall(SYS_gettid);
	for (;;) {
		while (look(&c->go) == go)
			futex_wait(&c->go, go, NSEC_PER_SEC);
		go = look(&c->go);
		if (!c->act && !c->live)
			return NULL;
		start_together(&c->actor);
		if (c->live)
			c->live(c);
		for (i = 0; !c->live && i < c->times; i++) {
			supply(&c->actor);
			c->act(&c->actor);
		}
		if (!__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST))
			futex_wake(&running);
	}
}

/* Who waits for ever, and rightly so, gets what it waits for. */
static inline void rescue(void)
{
	struct mbox_stat_args st = mb_stat_of(keeper);
	__u64 end = mb_in(PATIENCE);

	/* But nobody waits for what is there. */
	while (st.waiting_receivers && !look(&stage->picky) &&
	       st.messages > st.tokens && mb_now(CLOCK_MONOTONIC) < end)
		st = mb_stat_of(keeper);
	while (st.waiting_senders && !st.messages &&
	       mb_now(CLOCK_MONOTONIC) < end)
		st = mb_stat_of(keeper);
	if (mb_now(CLOCK_MONOTONIC) >= end)
		wrong("%u receivers and %u senders wait, at %u messages, %u tokens",
		      st.waiting_receivers, st.waiting_senders, st.messages,
		      st.tokens);
	rescues++;
	end_token(stage->lease);
	end_token(stage->call);
	drain(stage->replies, true);
	if ((layout.keeper & MBOX_SEND) && st.waiting_receivers) {
		__u32 n = number_new();
		int ret = num_send(keeper, rand_r(&dice) % 2, 2, n);

		settle(n, ret ? REFUSED : SENT);
	} else if (layout.keeper & MBOX_RECV) {
		drain(keeper, false);
	}
}

static inline bool all_through(void)
{
	__u64 end = mb_in(patience);
	__u32 n;

	while ((n = look(&running)) && mb_now(CLOCK_MONOTONIC) < end) {
		futex_wait(&running, n, calm * stage->tick);
		if (look(&running))
			rescue();
	}
	return !n;
}

static inline void cast_go(void)
{
	int i;

	__atomic_store_n(&ready, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&running, cast_size, __ATOMIC_SEQ_CST);
	for (i = 0; i < cast_size; i++) {
		__atomic_add_fetch(&cast[i].go, 1, __ATOMIC_SEQ_CST);
		futex_wake(&cast[i].go);
	}
}

/* Start a round of who is in the cast. */
static inline void round_begin(void)
{
	stage_fill();
	cast_go();
}

/* Whether all is well. Otherwise nothing can go on: who hangs, hangs. */
static inline bool round_end(void)
{
	if (!all_through())
		wrong("%u hang", running);
	else
		stage_clear();
	return !account->wrong;
}

static inline void cast_begin(int size)
{
	int i;

	for (i = 0; i < size; i++) {
		cast[i].actor.seed = rand_r(&dice);
		cast[i].act = operations[0].run;
		if (pthread_create(&cast[i].thread, NULL, cast_main, &cast[i]))
			abort();
	}
	for (i = 0; i < size; i++)
		while (!__atomic_load_n(&cast[i].actor.tid, __ATOMIC_ACQUIRE))
			sched_yield();
	for (i = 0; i < size; i++)
		cast[i].actor.other = cast[(i + 1) % size].actor.tid;
	cast_size = size;
}

static inline void cast_end(void)
{
	int i;

	for (i = 0; i < cast_size; i++) {
		cast[i].act = NULL;
		cast[i].live = NULL;
		__atomic_add_fetch(&cast[i].go, 1, __ATOMIC_SEQ_CST);
		futex_wake(&cast[i].go);
		pthread_join(cast[i].thread, NULL);
	}
}

/* ---- a whole run ---- */

static inline __u64 tick_measured(void)
{
	struct mbox_stat_args st;
	__u64 begin, best = NSEC_PER_MSEC;
	int i, h = mb_create_anon();

	for (i = 0; i < 100; i++) {
		begin = mb_now(CLOCK_MONOTONIC);
		mb_stat(h, &st);
		begin = mb_now(CLOCK_MONOTONIC) - begin;
		best = begin < best ? begin : best;
	}
	close(h);
	return best < 1000 ? 1000 : best;
}

static inline bool slow_kernel(void)
{
	return !access("/proc/lockdep", F_OK);
}

/* Time for each of @n runs, if all together get @seconds on a stock kernel. */
static inline __u64 slice(int n, int seconds)
{
	return seconds * NSEC_PER_SEC * (slow_kernel() ? 6 : 1) / n;
}

/* All but a mailbox. */
static inline void race_prepare(int size)
{
	account_open();
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage == MAP_FAILED)
		abort();
	signal_handle(SIGUSR1, 0);
	signal(SIGIO, SIG_IGN);
	snprintf(stage->name, sizeof(stage->name), "race-%u", getuid());
	snprintf(stage->exclusively, sizeof(stage->exclusively),
		 "race-exclusive-%u", getuid());
	snprintf(stage->ephemeral, sizeof(stage->ephemeral),
		 "race-ephemeral-%u", getuid());
	mb_unlink(stage->name);
	dice = getpid() ^ (unsigned int)mb_now(CLOCK_REALTIME);
	stage->eventfd = aside(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	stage->tick = tick_measured();
	printf("# dice %u, tick %llu ns\n", dice, stage->tick);
	cast_begin(size);
}

static inline void race_begin(const struct layout *how, int size)
{
	race_prepare(size);
	mb_query(&before);
	layout = *how;
	stage->replies = aside(mb_create_small(0));
	stage_open();
}

/* Whether all that was charged is given back; perhaps more, of suites before. */
static inline bool quota_as_before(void)
{
	struct mbox_query_args now;

	mb_query(&now);
	return now.user_bytes <= before.user_bytes &&
	       now.user_files <= before.user_files &&
	       now.user_mailboxes <= before.user_mailboxes &&
	       now.ns_mailboxes <= before.ns_mailboxes;
}

static inline void race_end(struct __test_metadata *_metadata)
{
	EXPECT_EQ(0, account->wrong) {
		TH_LOG("%s", account->what);
	}
	printf("# %u rounds, %u messages, %u rescues\n", rounds, passed, rescues);
	if (account->wrong)
		return;
	cast_end();
	mb_unlink(stage->name);
	stage_close();
	close(stage->replies);
	EXPECT_TRUE(wait_until(quota_as_before()));
}

/* What the cast does, again and again, @name against @other. */
static inline bool race(const char *name, const char *other, int least, __u64 time)
{
	__u64 end = mb_in(time);
	int i, j;

	for (i = 0; i < least ||
	     (i < ROUNDS && mb_now(CLOCK_MONOTONIC) < end); i++) {
		for (j = 0; j < cast_size; j++)
			cast[j].times = 1 + rand_r(&dice) % BURST;
		round_begin();
		if (!round_end()) {
			printf("# round %d of %s and %s\n", i, name, other);
			return false;
		}
	}
	return true;
}

/* Those kinds against these; if both, once. */
static inline bool paired(int row, int rows, int column, int columns)
{
	return (operations[row].kind & rows) &&
	       (operations[column].kind & columns) &&
	       (column >= row || !(operations[row].kind & columns) ||
		!(operations[column].kind & rows));
}

/*
 * Each operation of the kinds @rows against each of @columns, all of it in so many
 * @seconds on a stock kernel.
 */
static inline void race_pairs(int rows, int columns, int seconds)
{
	int i, pairs = 0;
	bool ok = true;

	for (i = 0; i < OPERATIONS * OPERATIONS; i++)
		pairs += paired(i / OPERATIONS, rows, i % OPERATIONS, columns);
	for (i = 0; i < OPERATIONS * OPERATIONS && ok; i++) {
		const struct operation *row = &operations[i / OPERATIONS];
		const struct operation *column = &operations[i % OPERATIONS];

		if (!paired(i / OPERATIONS, rows, i % OPERATIONS, columns))
			continue;
		cast[0].act = row->run;
		cast[1].act = column->run;
		ok = race(row->name, column->name, ROUNDS_MIN,
			  slice(pairs, seconds));
	}
}

/* Each operation, done by the first of the cast, while others do what they do. */
static inline void race_all(const char *other, int least, int seconds)
{
	bool ok = true;
	int i;

	for (i = 0; i < OPERATIONS && ok; i++) {
		cast[0].act = operations[i].run;
		ok = race(operations[i].name, other, least,
			  slice(OPERATIONS, seconds));
	}
}

#endif /* MBOX_RACE_H */
