// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Thousands of random operations compared with a simple model of a mailbox. The
 * seed is shown; MBOX_SEED=n repeats a run.
 */
#include "mbox_peer.h"

#define MODEL_MAX	48	/* limit of the mailbox */
#define HANDOFFS	300
#define TYPES		6
#define PRIORITIES	4

struct model_msg {
	__u64 type;
	__u16 priority;
	int number;		/* in the order sent */
};

struct model {
	struct model_msg msg[HANDOFFS];
	int count;
};

static unsigned int seed;

static unsigned int rnd(unsigned int n)
{
	return rand_r(&seed) % n;
}

static unsigned int seed_init(void)
{
	const char *given = getenv("MBOX_SEED");

	seed = given ? strtoul(given, NULL, 0) :
		       mb_now(CLOCK_REALTIME) ^ getpid();
	return seed;
}

static bool before(const struct model_msg *a, const struct model_msg *b)
{
	return a->priority != b->priority ? a->priority > b->priority :
					    a->number < b->number;
}

static bool selects(const struct mbox_msg_args *args,
		    const struct model_msg *msg)
{
	if (!(args->flags & MBOX_PEEK_AFTER) && msg->priority < args->priority)
		return false;
	switch (args->select) {
	case MBOX_SELECT_EQUAL:
		return msg->type == args->type;
	case MBOX_SELECT_NOT_EQUAL:
		return msg->type != args->type;
	case MBOX_SELECT_LOWEST:
		return msg->type <= args->type;
	}
	return true;
}

/* The message that @args selects, of those after @after; NULL: none. */
static struct model_msg *model_find(struct model *m,
				    const struct mbox_msg_args *args,
				    const struct model_msg *after)
{
	struct model_msg *best = NULL, *msg;

	for (msg = m->msg; msg < m->msg + m->count; msg++) {
		if (!selects(args, msg) || (after && !before(after, msg)))
			continue;
		if (best && args->select == MBOX_SELECT_LOWEST &&
		    msg->type != best->type) {
			if (msg->type < best->type)
				best = msg;
			continue;
		}
		if (!best || before(msg, best))
			best = msg;
	}
	return best;
}

static void model_remove(struct model *m, struct model_msg *msg)
{
	*msg = m->msg[--m->count];
}

static void random_selector(struct mbox_msg_args *args)
{
	*args = (struct mbox_msg_args) { .select = rnd(4) };
	if (args->select != MBOX_SELECT_ANY)
		args->type = rnd(TYPES + 1);
	if (args->select != MBOX_SELECT_LOWEST && !rnd(2))
		args->priority = rnd(PRIORITIES + 1);
}

/* A place in the queue that was seen once: after what message it is. */
struct place {
	struct model_msg after;
	__u64 id;
};

/* Receive or peek somehow at random; whether it was what the model says. */
static bool random_receive(int h, struct model *m, struct place *place)
{
	struct mbox_msg_args args;
	struct model_msg *after = NULL, *msg;
	int number;

	random_selector(&args);
	if (rnd(2))
		args.flags = MBOX_PEEK;
	if (args.flags && args.select != MBOX_SELECT_LOWEST && place->id &&
	    rnd(2)) {
		args.flags |= MBOX_PEEK_AFTER;
		args.priority = place->after.priority;
		args.id = place->id;
		after = &place->after;
	}
	msg = model_find(m, &args, after);
	number = num_recv_args(h, &args);
	if (!msg)
		return number == -EAGAIN;
	if (number != msg->number || args.out_type != msg->type ||
	    args.out_priority != msg->priority)
		return false;
	place->after = *msg;
	place->id = args.out_seq;
	if (!(args.flags & MBOX_PEEK))
		model_remove(m, msg);
	return true;
}

static bool random_send(int h, struct model *m, int number)
{
	struct model_msg msg = {
		.type = rnd(TYPES),
		.priority = rnd(PRIORITIES),
		.number = number,
	};
	int ret = num_send(h, msg.type, msg.priority, number);

	if (m->count == MODEL_MAX)
		return ret == -EAGAIN;
	m->msg[m->count++] = msg;
	return !ret;
}

TEST(random_operations_agree_with_a_model)
{
	struct model m = { .count = 0 };
	struct place place = { .id = 0 };
	unsigned int first, bias = 0;
	int h, i;
	bool ok;

	MB_NEED_DEVICE();
	first = seed_init();
	TH_LOG("MBOX_SEED=%u", first);
	h = mb_create_small(MODEL_MAX);
	ASSERT_LE(0, h);
	for (i = 0; i < 8000; i++) {
		if (i % 500 == 0)
			bias = rnd(2);
		ok = rnd(4) <= bias ? random_send(h, &m, i) :
				      random_receive(h, &m, &place);
		ASSERT_TRUE(ok)
			TH_LOG("operation %d of MBOX_SEED=%u", i, first);
		ASSERT_EQ(m.count, mb_messages(h));
	}
}

#define WAITERS	6

/* Blocked receivers in the order they came. */
struct waiters {
	struct peer *p[WAITERS];
	int count;
};

/* Start a receiver at random; it gets what the model says, or blocks. */
static bool random_waiter(int h, struct model *m, struct waiters *w)
{
	struct mbox_msg_args args;
	struct model_msg *msg;
	struct peer *p = peer_recv(h);

	random_selector(&args);
	p->args.select = args.select;
	p->args.type = args.type;
	p->args.priority = args.priority;
	if (!rnd(3)) {
		p->policy = SCHED_FIFO;
		p->rt_priority = 1 + rnd(2);
	}
	msg = model_find(m, &args, NULL);
	if (!msg) {
		w->p[w->count++] = p;
		return peer_blocks(p);
	}
	if (!peer_start(p) || !wait_until(peer_done(p)) ||
	    peer_number(p) != msg->number)
		return false;
	model_remove(m, msg);
	return true;
}

/* Which waiter gets a message: realtime first, then first come; -1: none. */
static int waiter_for(const struct waiters *w, const struct model_msg *msg)
{
	int i, best = -1;

	for (i = 0; i < w->count; i++)
		if (selects(&w->p[i]->args, msg) &&
		    (best < 0 ||
		     w->p[i]->rt_priority > w->p[best]->rt_priority))
			best = i;
	return best;
}

/* Send at random: the waiter whose turn it is gets it, or the queue. */
static bool random_hand_off(int h, struct model *m, struct waiters *w, int n)
{
	struct model_msg msg = {
		.type = rnd(TYPES),
		.priority = rnd(PRIORITIES),
		.number = n,
	};
	struct peer *p;
	int i;

	if (num_send(h, msg.type, msg.priority, n))
		return false;
	i = waiter_for(w, &msg);
	if (i < 0) {
		m->msg[m->count++] = msg;
		return true;
	}
	p = w->p[i];
	memmove(w->p + i, w->p + i + 1, (--w->count - i) * sizeof(p));
	return wait_until(peer_done(p)) && peer_number(p) == n;
}

TEST(random_waiters_agree_with_a_model)
{
	struct model m = { .count = 0 };
	struct waiters w = { .count = 0 };
	unsigned int first;
	int h, i;
	bool ok;

	MB_NEED_DEVICE();
	first = seed_init();
	TH_LOG("MBOX_SEED=%u", first);
	h = mb_create_anon();
	ASSERT_LE(0, h);
	for (i = 0; i < HANDOFFS; i++) {
		ok = w.count < WAITERS && rnd(2) ?
		     random_waiter(h, &m, &w) : random_hand_off(h, &m, &w, i);
		ASSERT_TRUE(ok)
			TH_LOG("operation %d of MBOX_SEED=%u", i, first);
		ASSERT_EQ(m.count, mb_messages(h))
			TH_LOG("operation %d of MBOX_SEED=%u", i, first);
		ASSERT_EQ(w.count, mb_fdinfo(h, "mbox-waiting-receivers"));
	}
}

/* ---- senders that wait ---- */

#define ROOM		4
#define BLOCKED_MAX	6

/* What is queued, and what blocked senders bring; by number, who they are. */
struct full_model {
	struct model queue, pending;
	struct peer *p[HANDOFFS];
};

static bool random_blocking_send(int h, struct full_model *m, int n)
{
	struct model_msg msg = {
		.type = rnd(TYPES),
		.priority = rnd(PRIORITIES),
		.number = n,
	};
	int i;

	for (i = 0; i < m->pending.count; i++)
		if (before(&m->pending.msg[i], &msg))
			break;
	if (m->queue.count < ROOM && i == m->pending.count) {
		m->queue.msg[m->queue.count++] = msg;
		return !num_send(h, msg.type, msg.priority, n);
	}
	m->pending.msg[m->pending.count++] = msg;
	m->p[n] = peer_send(h, msg.type, msg.priority, n);
	return peer_blocks(m->p[n]);
}

/* The sender of a message that was taken, or let in, has returned. */
static bool blocked_send_ends(struct full_model *m, struct model_msg *msg)
{
	struct peer *p = m->p[msg->number];

	model_remove(&m->pending, msg);
	return wait_until(peer_done(p)) && !peer_join(p);
}

/* Receive at random: from the queue, else from a sender; then make it up. */
static bool random_unblocking_receive(int h, struct full_model *m)
{
	const struct mbox_msg_args any = { .flags = 0 };
	struct mbox_msg_args args;
	struct model_msg *msg;
	int number;

	random_selector(&args);
	number = num_recv_args(h, &args);
	msg = model_find(&m->queue, &args, NULL);
	if (msg) {
		if (number != msg->number)
			return false;
		model_remove(&m->queue, msg);
	} else {
		msg = model_find(&m->pending, &args, NULL);
		if (!msg)
			return number == -EAGAIN;
		if (number != msg->number || !blocked_send_ends(m, msg))
			return false;
	}
	while (m->queue.count < ROOM && (msg = model_find(&m->pending, &any, NULL))) {
		m->queue.msg[m->queue.count++] = *msg;
		if (!blocked_send_ends(m, msg))
			return false;
	}
	return true;
}

TEST(random_blocked_senders_agree_with_a_model)
{
	static struct full_model m;
	unsigned int first;
	int h, i;
	bool ok;

	MB_NEED_DEVICE();
	first = seed_init();
	TH_LOG("MBOX_SEED=%u", first);
	h = mb_create_small(ROOM);
	ASSERT_LE(0, h);
	for (i = 0; i < HANDOFFS; i++) {
		ok = m.pending.count < BLOCKED_MAX && rnd(2) ?
		     random_blocking_send(h, &m, i) :
		     random_unblocking_receive(h, &m);
		ASSERT_TRUE(ok)
			TH_LOG("operation %d of MBOX_SEED=%u", i, first);
		ASSERT_EQ(m.queue.count, mb_messages(h))
			TH_LOG("operation %d of MBOX_SEED=%u", i, first);
		ASSERT_EQ(m.pending.count,
			  mb_fdinfo(h, "mbox-waiting-senders"));
	}
}

TEST_HARNESS_MAIN
