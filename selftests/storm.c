// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Thousands of processes that call, serve, lease and send, each of them killed
 * at some moment; and everything accounted for in the end: every message by its
 * number, every caller, and what the kernel holds.
 */
#include "mbox_call.h"
#include "mbox_holdings.h"

#define KILLS		10000
#define STORM_TIME	(45 * NSEC_PER_SEC)	/* above which nobody rests */
#define STORM_MAX	(80 * NSEC_PER_SEC)	/* above which it is over */
#define SERIALS		(1 << 18)
#define RECORDS		(1 << 19)
#define PACE		3	/* messages a kill: nobody is to run ahead */
#define AHEAD		20	/* by more kills than these */

#define ANSWER(n)	((n) ^ 0x5a5a5a5a)
#define REFUSAL		7

/* What is known of a message, by its number. */
enum fate {
	UNUSED,
	MAYBE,			/* its sender was killed before it could tell */
	SENT,			/* into the mailbox of data */
	CALLED,			/* and the call ended somehow */
	CALLED_ASYNC,		/* so there is, or will be, an answer */
	REFUSED,		/* it never was in a mailbox */
};

/* Where it stands in shared memory, whoever is killed. */
static struct storm {
	/* Everything that was received; written by the kernel itself. */
	struct mbox_msg_args args[RECORDS];

	__u32 stop;		/* whoever sends ends by itself */
	__u32 over;		/* nobody takes the place of who was killed */
	__u32 kills;
	__u32 serials, records;	/* used so far */
	__u32 answered, reset, refused, late;	/* ends of calls */
	__u32 unexpected;	/* results that should not be */
	__s32 example;		/* one of them */
	__u32 fate[SERIALS];

	__u32 number[RECORDS];	/* payloads of what was received */
	__u8 where[RECORDS];	/* which mailbox */
	__u8 done[RECORDS];	/* the lease was finished, or is being */
	__u8 timed[RECORDS];	/* the lease may have expired before it was told */
} *storm;

static int data, calls, replies;	/* handles; all processes have them */

static void count(__u32 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void unexpected(int result)
{
	storm->example = result;
	count(&storm->unexpected);
}

static bool stopped(void)
{
	return __atomic_load_n(&storm->stop, __ATOMIC_ACQUIRE);
}

static bool over(void)
{
	return __atomic_load_n(&storm->over, __ATOMIC_ACQUIRE);
}

static __u32 kills(void)
{
	return __atomic_load_n(&storm->kills, __ATOMIC_RELAXED);
}

static __u32 serials(void)
{
	return __atomic_load_n(&storm->serials, __ATOMIC_RELAXED);
}

/* The number of a new message. */
static __u32 serial_new(void)
{
	const struct timespec ts = { .tv_nsec = 5000000 };
	__u32 n;

	while (serials() > PACE * (kills() + AHEAD) && !stopped())
		nanosleep(&ts, NULL);
	n = __atomic_add_fetch(&storm->serials, 1, __ATOMIC_RELAXED);
	while (n >= SERIALS)
		pause();
	storm->fate[n] = MAYBE;
	return n;
}

static void settle(__u32 n, enum fate fate)
{
	__atomic_store_n(&storm->fate[n], fate, __ATOMIC_RELEASE);
}

/* Receive into a new record: -1, or which it is. */
static int record_recv(int h, unsigned long cmd, struct mbox_msg_args *how)
{
	__u32 i = __atomic_fetch_add(&storm->records, 1, __ATOMIC_RELAXED);
	const struct mbox_ext *ext = (const void *)(unsigned long)how->ext;
	struct mbox_msg_args *args = &storm->args[i];
	int ret;

	while (i >= RECORDS)
		pause();
	*args = *how;
	storm->timed[i] = ext && ext->lease_time;
	args->buf = (unsigned long)&storm->number[i];
	args->len = sizeof(storm->number[i]);
	storm->where[i] = h;
	ret = mb_ioctl(h, cmd, args);
	if (!ret)
		return i;
	if (ret != -EAGAIN && ret != -ETIMEDOUT)
		unexpected(ret);
	return -1;
}

/* ---- who sends ---- */

static void sends(unsigned int *seed)
{
	__u32 n = serial_new();
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.priority = rand_r(seed) % 3,
		.buf = (unsigned long)&n,
		.len = sizeof(n),
	};
	int ret;

	if (rand_r(seed) % 3 == 0)
		args.flags |= MBOX_SYNC;
	ret = mb_ioctl(data, MBOX_IOC_SEND, &args);
	if (ret)
		unexpected(ret);
	settle(n, ret ? REFUSED : SENT);
}

static void calls_one(unsigned int *seed)
{
	__u32 n = serial_new(), reply = 0;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.priority = rand_r(seed) % 3,
		.buf = (unsigned long)&n,
		.len = sizeof(n),
		.reply_buf = (unsigned long)&reply,
		.reply_len = sizeof(reply),
	};
	bool timed = rand_r(seed) % 8 == 0;
	int ret;

	if (timed) {
		args.flags = MBOX_WAIT_UNTIL;
		args.deadline = mb_in(rand_r(seed) % 2000000);
	}
	ret = mb_ioctl(calls, MBOX_IOC_CALL, &args);
	if (!ret && reply == ANSWER(n))
		count(&storm->answered);
	else if (ret == -ECONNRESET)
		count(&storm->reset);
	else if (ret == -EREMOTEIO && args.out_code == REFUSAL)
		count(&storm->refused);
	else if (ret == -ETIMEDOUT && timed)
		count(&storm->late);
	else
		unexpected(ret);
	settle(n, CALLED);
}

/* Call without waiting; then look for answers, to this and to others. */
static void calls_async(unsigned int *seed)
{
	struct mbox_msg_args any = { .flags = MBOX_WAIT_NONE };
	__u32 n = serial_new();
	struct mbox_ext ext = { .size = sizeof(ext), .reply_to = replies };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL | MBOX_REPLY_TO | MBOX_EXT,
		.deadline = mb_in(rand_r(seed) % 5000000),
		.buf = (unsigned long)&n,
		.len = sizeof(n),
		.reply_len = sizeof(n),
		.id = n,
		.ext = (unsigned long)&ext,
	};
	int ret = mb_ioctl(calls, MBOX_IOC_SEND, &args);

	if (ret && ret != -ETIMEDOUT && ret != -ENOBUFS)
		unexpected(ret);
	settle(n, ret ? REFUSED : CALLED_ASYNC);
	while (record_recv(replies, MBOX_IOC_RECV, &any) >= 0)
		;
}

/* ---- who receives ---- */

/* Of a lease that was received. */
enum done {
	NOT_YET,
	ABOUT_TO,		/* whoever is killed now may or may not have */
	DONE,
};

static int finish(int h, __u32 token, __u8 how, __u32 n)
{
	__u32 answer = ANSWER(n);
	struct mbox_msg_args args = { .select = how, .id = token };

	if (how == MBOX_FINISH_FAIL)
		args.type = REFUSAL;
	if (how == MBOX_FINISH_REPLY) {
		args.buf = (unsigned long)&answer;
		args.len = sizeof(answer);
	}
	return mb_ioctl(h, MBOX_IOC_FINISH, &args);
}

/* Answer in one of many ways, most often by the next REPLY_RECV. */
static void serves(unsigned int *seed)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };
	__u32 answer;
	int i, ret, how;

	while (1) {
		i = record_recv(calls, MBOX_IOC_REPLY_RECV, &args);
		if (i < 0)
			return;
		args.id = 0;
		args.reply_buf = 0;
		args.reply_len = 0;
		how = rand_r(seed) % 12;
		if (how > MBOX_FINISH_FAIL) {
			answer = ANSWER(storm->number[i]);
			args.id = storm->args[i].out_token;
			args.reply_buf = (unsigned long)&answer;
			args.reply_len = sizeof(answer);
			continue;
		}
		ret = finish(calls, storm->args[i].out_token, how,
			     storm->number[i]);
		if (ret && ret != -EPIPE)
			unexpected(ret);
	}
}

static void leases(unsigned int *seed)
{
	struct mbox_ext ext = { .size = sizeof(ext) };
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER | MBOX_LEASE | MBOX_EXT,
		.ext = (unsigned long)&ext,
	};
	bool back = rand_r(seed) % 8 == 0;
	int i, ret;

	if (rand_r(seed) % 8 == 0)
		ext.lease_time = 1 + rand_r(seed) % 100000;
	i = record_recv(data, MBOX_IOC_RECV, &args);
	if (i < 0)
		return;
	if (rand_r(seed) % 2)
		mb_poll_pause();
	if (!back)
		storm->done[i] = ABOUT_TO;
	ret = finish(data, storm->args[i].out_token,
		     back ? MBOX_FINISH_BACK : MBOX_FINISH_DONE, 0);
	if (!back)
		storm->done[i] = ret ? NOT_YET : DONE;
	if (ret && (ret != -ESRCH || !ext.lease_time))
		unexpected(ret);
}

static void receives(unsigned int *seed)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_FOREVER };

	if (rand_r(seed) % 4 == 0) {
		args.flags = MBOX_WAIT_UNTIL;
		args.deadline = mb_in(rand_r(seed) % 1000000);
	}
	record_recv(data, MBOX_IOC_RECV, &args);
}

/* ---- the storm ---- */

/* Who sends stands first: they end by themselves when told to. */
static void (*const roles[])(unsigned int *seed) = {
	sends, sends, sends, calls_one, calls_one, calls_one, calls_async,
	calls_async, serves, serves, serves, leases, leases, leases, receives,
};

#define SENDING	8
#define CREW	((int)ARRAY_SIZE(roles))

/*
 * A place in the crew: a thread that starts one process after the other. They
 * share its memory, which makes them cheap, and errno is among it: so each place
 * has a thread of its own, which waits meanwhile. Files they do not share.
 */
static struct place {
	pthread_t thread;
	int role;
	unsigned int seed;
	pid_t pid;		/* to be killed once; 0: it was, or is not yet */
	bool left;		/* nobody is there any more */
	char stack[16384];
} crew[CREW];

static int sails(void *arg)
{
	struct place *place = arg;
	unsigned int seed = place->seed;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (place->role >= SENDING || !stopped())
		roles[place->role](&seed);
	_exit(0);
}

static void *keep_place(void *arg)
{
	struct place *place = arg;
	int status = 0;
	pid_t pid;

	while (1) {
		place->seed += 1000;
		pid = clone(sails, place->stack + sizeof(place->stack),
			    CLONE_VM | SIGCHLD, place);
		if (pid < 0)
			abort();
		__atomic_store_n(&place->pid, pid, __ATOMIC_RELEASE);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) || over())
			break;
		count(&storm->kills);
	}
	__atomic_store_n(&place->left, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool all_embark(void)
{
	int i;

	for (i = 0; i < CREW; i++) {
		crew[i].role = i;
		crew[i].seed = rand();
		if (pthread_create(&crew[i].thread, NULL, keep_place, &crew[i]))
			return false;
	}
	return true;
}

static bool strike(struct place *place)
{
	pid_t pid = __atomic_exchange_n(&place->pid, 0, __ATOMIC_ACQ_REL);

	return pid && !kill(pid, SIGKILL);
}

/* A moment, in which the others get on; none, if time is short. */
static void moment(__u64 spent)
{
	const struct timespec ts = { .tv_nsec = rand() % 300000 };

	if (serials() + PACE * AHEAD < PACE * kills() ||
	    (rand() % 2 && spent * KILLS < STORM_TIME * kills()))
		nanosleep(&ts, NULL);
	else
		sched_yield();
}

/* The last ones are not among those who wait: if they hang now, they stay so. */
static struct place *victim(void)
{
	int first = kills() < KILLS - KILLS / 20 ? 0 : SENDING;

	return &crew[first + rand() % (CREW - first)];
}

static void storm_rages(void)
{
	__u64 begin = mb_now(CLOCK_MONOTONIC), spent = 0;

	while (kills() < KILLS && spent < STORM_MAX) {
		strike(victim());
		spent = mb_now(CLOCK_MONOTONIC) - begin;
		moment(spent);
	}
	printf("# %u kills in %llu ms\n", kills(), spent / NSEC_PER_MSEC);
}

static bool left(struct place *place)
{
	return __atomic_load_n(&place->left, __ATOMIC_ACQUIRE);
}

/*
 * Nobody is killed any more, but for who was struck already, and is replaced: who sends
 * and calls gets an answer, and ends. Then the others are killed. How many hung.
 */
static int storm_abates(void)
{
	int i, hung = 0;

	__atomic_store_n(&storm->stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < SENDING; i++)
		hung += !wait_until(left(&crew[i]));
	hung += !wait_until(!mb_messages(calls) && !mb_stat_of(calls).calls);
	__atomic_store_n(&storm->over, 1, __ATOMIC_RELEASE);
	for (i = 0; i < CREW; i++) {
		while (!left(&crew[i]) && (i >= SENDING || hung)) {
			strike(&crew[i]);
			mb_poll_pause();
		}
		pthread_join(crew[i].thread, NULL);
	}
	return hung;
}

/* ---- the account ---- */

/* Deliveries of one message. */
static struct tally {
	__u16 count, sum;
	__u8 most;		/* deliveries that the last of them told */
	__u8 unmarked;		/* without MBOX_MSG_REDELIVERED */
	__u8 final;		/* what the last one must be: there is no other */
	bool closed;		/* nothing is owed for the last one: it was finished,
				 * or expired before its sender, who waited for
				 * its receipt and was killed, had been told
				 */
	__u8 answers;
} tally[SERIALS];

static bool tally_one(__u32 i)
{
	const struct mbox_msg_args *args = &storm->args[i];
	bool reply = storm->where[i] == replies;
	__u64 n = reply ? args->out_type : storm->number[i];
	struct tally *t = &tally[n % SERIALS];
	bool plain;

	if (!args->out_deliveries)	/* killed before */
		return true;
	if (n >= SERIALS || storm->fate[n] == UNUSED ||
	    storm->fate[n] == REFUSED)
		return false;
	if (reply) {
		t->answers++;
		return args->out_flags == (MBOX_MSG_REPLY | MBOX_MSG_FAILED) ||
		       (args->out_flags == MBOX_MSG_REPLY &&
			storm->number[i] == ANSWER(n));
	}
	plain = storm->where[i] == data && !args->out_token;
	t->count++;
	t->sum += args->out_deliveries;
	if (args->out_deliveries > t->most) {
		t->most = args->out_deliveries;
		t->closed = plain || storm->done[i] || storm->where[i] == calls ||
			    (storm->timed[i] && storm->fate[n] == MAYBE);
	}
	t->unmarked += !(args->out_flags & MBOX_MSG_REDELIVERED);
	if (plain || storm->done[i] == DONE) {
		if (t->final)
			return false;
		t->final = args->out_deliveries;
	}
	return true;
}

/* Whether what is known of a message fits together. */
static bool tally_adds_up(__u32 n)
{
	const struct tally *t = &tally[n];

	/* First, second, third ... delivery, each once. */
	if (t->count != t->most || t->sum != t->most * (t->most + 1) / 2 ||
	    t->unmarked != !!t->most || t->closed != !!t->most ||
	    (t->final && t->final != t->most))
		return false;
	switch (storm->fate[n]) {
	case SENT:
		return t->most && !t->answers;
	case CALLED:
		return !t->answers;
	case CALLED_ASYNC:
		return t->answers == 1;
	case MAYBE:
		return t->answers <= 1;
	default:
		return !t->most && !t->answers;
	}
}

static void tell(__u32 n)
{
	const struct tally *t = &tally[n];

	printf("# number %u, fate %u: %u deliveries up to %u, %u unmarked, final %u, %u answers\n",
	       n, storm->fate[n], t->count, t->most, t->unmarked, t->final,
	       t->answers);
}

/* What is left goes on record. */
static void drain(int h)
{
	struct mbox_msg_args any = { .flags = MBOX_WAIT_NONE };

	while (record_recv(h, MBOX_IOC_RECV, &any) >= 0)
		;
}

FIXTURE(crew) {
	struct holdings before;
};

FIXTURE_SETUP(crew)
{
	MB_NEED_DEVICE();
	self->before = holdings();
	storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(storm != MAP_FAILED);
	data = mb_create_small(8);
	calls = mb_create_small(4);
	replies = mb_create_small(64);
	ASSERT_LE(0, data);
	ASSERT_LE(0, calls);
	ASSERT_LE(0, replies);
}

FIXTURE_TEARDOWN(crew)
{
}

TEST_F_TIMEOUT(crew, g13_killed_at_any_moment_loses_doubles_and_leaks_nothing,
	       115)
{
	unsigned int seed = getpid() ^ (unsigned int)mb_now(CLOCK_REALTIME);
	__u32 i, bad = 0, again = 0;

	TH_LOG("seed %u", seed);
	srand(seed);
	ASSERT_TRUE(all_embark());
	storm_rages();
	EXPECT_EQ(0, storm_abates());
	drain(data);
	drain(replies);
	EXPECT_TRUE(all_over(data));
	EXPECT_TRUE(all_over(calls));
	EXPECT_TRUE(all_over(replies));
	EXPECT_EQ(0, storm->unexpected) {
		TH_LOG("such as %d", storm->example);
	}

	ASSERT_GT(RECORDS, storm->records);
	ASSERT_GT(SERIALS, storm->serials);
	for (i = 0; i < storm->records; i++)
		bad += !tally_one(i);
	EXPECT_EQ(0, bad);
	for (i = 0; i < storm->serials; i++) {
		again += tally[i].most > 1;
		if (!tally_adds_up(i) && bad++ < 5)
			tell(i);
	}
	EXPECT_EQ(0, bad);

	/* It was no storm in a teacup. */
	EXPECT_LT(KILLS / 10, storm->serials);
	EXPECT_LT(0, again);
	EXPECT_LT(0, storm->answered);
	EXPECT_LT(0, storm->reset);
	EXPECT_LT(0, storm->refused);
	TH_LOG("%u messages, %u delivered again; calls: %u answered, %u reset, %u refused, %u late",
	       storm->serials, again, storm->answered, storm->reset,
	       storm->refused, storm->late);

	close(data);
	close(calls);
	close(replies);
	/* One in five would be more than other programs move meanwhile. */
	EXPECT_TRUE(wait_until(holds_no_more(&self->before, KILLS / 5)));
}

TEST_HARNESS_MAIN
