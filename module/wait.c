// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping, deadlines, wake-ups, and the order of those who wait. What may not change
 * here without wait.pml is what happens in which order.
 */
#include <linux/hrtimer.h>
#include <linux/minmax.h>
#include <linux/nsproxy.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/time_namespace.h>

#include "message.h"
#include "wait.h"

/* Spinning that never pays costs a wait in so many. */
#define SPIN_REST_MAX	63

/**
 * mbx_waiter_init - make the current task a waiter
 * @w: in the current stack frame; the caller fills in the receiver's part
 */
void mbx_waiter_init(struct mbx_waiter *w)
{
	w->task = current;
	w->prio = min(READ_ONCE(current->prio), MAX_RT_PRIO);
	w->msg = NULL;
	w->len = 0;
	w->files = 0;
	w->state = MBX_WAITING;
}

/**
 * mbx_waiter_claim - decide what a waiter gets
 * @w: no longer findable
 * @result: of its operation
 * @wake: it is put on this list
 *
 * Context: the mailbox's lock is held.
 */
void mbx_waiter_claim(struct mbx_waiter *w, int result, struct mbx_wakeups *wake)
{
	w->result = result;
	WRITE_ONCE(w->state, MBX_CLAIMED);
	w->next_wakeup = NULL;
	if (wake->first)
		wake->last->next_wakeup = w;
	else
		wake->first = w;
	wake->last = w;
}

/**
 * mbx_wakeups_run - complete the waiters on a list, in the order of claims
 * @wake: the list
 *
 * Context: no lock is held.
 */
void mbx_wakeups_run(struct mbx_wakeups *wake)
{
	struct mbx_waiter *w, *next;

	for (w = wake->first; w; w = next) {
		struct task_struct *task = get_task_struct(w->task);

		next = w->next_wakeup;
		/* MBX_COMPLETION: @w is gone after this. */
		smp_store_release(&w->state, MBX_DONE);
		wake_up_process(task);
		wake->here |= task_cpu(task) == raw_smp_processor_id();
		put_task_struct(task);
	}
}

/**
 * mbx_waiter_done - whether a waiter was completed
 * @w: the waiter
 *
 * Return: whether its result can be read.
 */
bool mbx_waiter_done(const struct mbx_waiter *w)
{
	/* MBX_COMPLETION */
	return smp_load_acquire(&w->state) == MBX_DONE;
}

static bool spin_is_due(struct mbx_spin *spin)
{
	const u8 rest = READ_ONCE(spin->rest);

	if (rest)
		WRITE_ONCE(spin->rest, rest - 1);
	return !rest;
}

static void spin_learn(struct mbx_spin *spin, bool paid)
{
	const u8 rest = paid ? 0 : min(2 * READ_ONCE(spin->last_rest) + 1, SPIN_REST_MAX);

	WRITE_ONCE(spin->last_rest, rest);
	WRITE_ONCE(spin->rest, rest);
}

/* Whether others, or signals, have a use for the time. */
static bool spin_is_in_the_way(void)
{
	return need_resched() || !single_task_running() || signal_pending(current);
}

static ktime_t clock_now(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
		return ktime_get_real();
	case CLOCK_BOOTTIME:
		return ktime_get_boottime();
	default:
		return ktime_get();
	}
}

/* Not past the deadline, either. */
static s64 spin_time(u32 budget, const struct mbx_timeout *timeout)
{
	if (!timeout->timed)
		return budget;
	return min_t(s64, budget,
		     ktime_to_ns(ktime_sub(timeout->deadline, clock_now(timeout->clock))));
}

/**
 * mbx_waiter_spin - wait until completed, but don't sleep
 * @w: as for mbx_waiter_sleep()
 * @timeout: likewise
 * @budget: for how long at most, in ns
 * @spin: of those who wait alike; NULL: nothing is learned
 *
 * MBX_COMPLETION needs no more than the acquire of who looks: the state of the task is
 * for who sleeps.
 *
 * Return: whether it was completed: @w->result is set. Otherwise nothing has changed.
 */
bool mbx_waiter_spin(const struct mbx_waiter *w, const struct mbx_timeout *timeout,
		     u32 budget, struct mbx_spin *spin)
{
	ktime_t end;
	s64 time;

	if (mbx_waiter_done(w))
		return true;
	time = spin_time(budget, timeout);
	if (num_online_cpus() == 1 || time <= 0 || (spin && !spin_is_due(spin)))
		return false;
	end = ktime_add_ns(ktime_get(), time);
	while (!mbx_waiter_done(w)) {
		if (spin_is_in_the_way())
			return false;
		if (ktime_after(ktime_get(), end)) {
			/* What a deadline cut short says nothing of others. */
			if (spin && time == budget)
				spin_learn(spin, false);
			return false;
		}
		cpu_relax();
	}
	if (spin)
		spin_learn(spin, true);
	return true;
}

/* Whether the deadline came before anything else woke us. */
static bool sleep_until(const struct mbx_timeout *timeout)
{
	ktime_t deadline = timeout->deadline;
	u64 slack = rt_task(current) ? 0 : current->timer_slack_ns;

	if (!timeout->timed) {
		schedule();
		return false;
	}
	return !schedule_hrtimeout_range_clock(&deadline, slack, HRTIMER_MODE_ABS,
					       timeout->clock);
}

/**
 * mbx_waiter_sleep - wait until completed
 * @w: findable, or claimed
 * @timeout: for how long
 *
 * Context: sleeps, freezable. The mailbox's lock is not held.
 * Return: 0: completed, @w->result is set. -ERESTARTSYS, -ETIMEDOUT: not yet;
 * the caller withdraws the waiter unless it finds it claimed.
 */
int mbx_waiter_sleep(struct mbx_waiter *w, const struct mbx_timeout *timeout)
{
	bool expired = false;
	int ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (mbx_waiter_done(w))
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		if (expired) {
			ret = -ETIMEDOUT;
			break;
		}
		expired = sleep_until(timeout);
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

/**
 * mbx_waiter_sleep_claimed - wait for a completion that is on its way
 * @w: was found claimed under the mailbox's lock
 *
 * Context: sleeps for as long as a waker needs from its unlock to its wake-up.
 */
void mbx_waiter_sleep_claimed(struct mbx_waiter *w)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (mbx_waiter_done(w))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/**
 * mbx_waiters_init - nobody waits
 * @waiters: of a mailbox
 */
void mbx_waiters_init(struct mbx_waiters *waiters)
{
	waiters->any = RB_ROOT_CACHED;
	waiters->typed = RB_ROOT_CACHED;
	waiters->others = RB_ROOT_CACHED;
	waiters->count = 0;
	waiters->next_ticket = 0;
}

static struct mbx_waiter *waiter_of(const struct rb_node *node)
{
	return rb_entry_safe(node, struct mbx_waiter, node);
}

static bool waiter_typed(const struct mbx_waiter *w)
{
	return w->filter.select == MBOX_SELECT_EQUAL && !w->filter.walk &&
	       !w->filter.priority;
}

static bool waiter_any(const struct mbx_waiter *w)
{
	return w->filter.select == MBOX_SELECT_ANY && !w->filter.walk &&
	       !w->filter.priority;
}

static struct rb_root_cached *waiters_tree(struct mbx_waiters *waiters,
					   const struct mbx_waiter *w)
{
	if (waiter_any(w))
		return &waiters->any;
	return waiter_typed(w) ? &waiters->typed : &waiters->others;
}

/* Who is served first, of those who want the same. */
static bool waiter_before(const struct mbx_waiter *a, const struct mbx_waiter *b)
{
	if (a->prio != b->prio)
		return a->prio < b->prio;
	return a->ticket < b->ticket;
}

static bool waiter_less(struct rb_node *a, const struct rb_node *b)
{
	const struct mbx_waiter *x = rb_entry(a, struct mbx_waiter, node);
	const struct mbx_waiter *y = rb_entry(b, struct mbx_waiter, node);

	if (waiter_typed(x) && x->filter.type != y->filter.type)
		return x->filter.type < y->filter.type;
	return waiter_before(x, y);
}

/**
 * mbx_waiters_add - make a receiver findable
 * @waiters: of the mailbox, whose lock is held
 * @w: with its receiver's part filled in
 */
void mbx_waiters_add(struct mbx_waiters *waiters, struct mbx_waiter *w)
{
	w->ticket = waiters->next_ticket++;
	rb_add_cached(&w->node, waiters_tree(waiters, w), waiter_less);
	waiters->count++;
}

/**
 * mbx_waiters_del - make a receiver findable no more
 * @waiters: of the mailbox, whose lock is held
 * @w: was added to it
 */
void mbx_waiters_del(struct mbx_waiters *waiters, struct mbx_waiter *w)
{
	rb_erase_cached(&w->node, waiters_tree(waiters, w));
	waiters->count--;
}

/**
 * mbx_waiters_first - any one of those who wait
 * @waiters: of the mailbox, whose lock is held
 *
 * Return: a waiter, still findable; NULL: none.
 */
struct mbx_waiter *mbx_waiters_first(const struct mbx_waiters *waiters)
{
	return waiter_of(rb_first_cached(&waiters->any) ?:
			 rb_first_cached(&waiters->typed) ?:
			 rb_first_cached(&waiters->others));
}

static int type_compare(const void *type, const struct rb_node *node)
{
	const u64 wanted = *(const u64 *)type, at = waiter_of(node)->filter.type;

	return wanted < at ? -1 : wanted > at;
}

/**
 * mbx_walk_begin - go through those who select a message
 * @walk: the walk
 * @waiters: of the mailbox, whose lock is held for as long as it lasts
 * @msg: the message
 */
void mbx_walk_begin(struct mbx_walk *walk, const struct mbx_waiters *waiters,
		    const struct mbx_msg *msg)
{
	walk->msg = msg;
	walk->looked = 0;
	walk->any = rb_first_cached(&waiters->any);
	walk->typed = rb_find_first(&msg->type, &waiters->typed.rb_root, type_compare);
	walk->other = rb_first_cached(&waiters->others);
}

/* Whoever of the two is served first, if there are any. */
static struct rb_node **earlier(struct rb_node **a, struct rb_node **b)
{
	if (!*a || !*b)
		return *a ? a : b;
	return waiter_before(waiter_of(*b), waiter_of(*a)) ? b : a;
}

/**
 * mbx_walk_next - who is served next
 * @walk: the walk
 *
 * Return: a waiter that selects the message, in the order of service, each
 * once; the caller may make it findable no more. NULL: there is no more.
 */
struct mbx_waiter *mbx_walk_next(struct mbx_walk *walk)
{
	struct mbx_waiter *w;
	struct rb_node **next;

	walk->looked++;
	while (walk->other &&
	       !mbx_filter_match(&waiter_of(walk->other)->filter, walk->msg)) {
		walk->other = rb_next(walk->other);
		walk->looked++;
	}
	next = earlier(earlier(&walk->any, &walk->typed), &walk->other);
	w = waiter_of(*next);
	if (!w)
		return NULL;
	*next = rb_next(*next);
	if (walk->typed && waiter_of(walk->typed)->filter.type != walk->msg->type)
		walk->typed = NULL;
	return w;
}

/* What the caller's time namespace adds to a clock of the initial one. */
static ktime_t time_offset(clockid_t clock)
{
#ifdef CONFIG_TIME_NS
	const struct timens_offsets *offsets = &current->nsproxy->time_ns->offsets;

	if (clock == CLOCK_MONOTONIC)
		return timespec64_to_ktime(offsets->monotonic);
	if (clock == CLOCK_BOOTTIME)
		return timespec64_to_ktime(offsets->boottime);
#endif
	return 0;
}

/**
 * mbx_timeout_set - wait until a deadline of the caller's
 * @timeout: written
 * @clock: MBOX_CLOCK_*
 * @deadline: in ns, as the caller's time namespace sees @clock
 *
 * Return: 0; -EINVAL: no such clock, no such time.
 */
int mbx_timeout_set(struct mbx_timeout *timeout, u8 clock, u64 deadline)
{
	static const clockid_t clocks[] = {
		[MBOX_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
		[MBOX_CLOCK_REALTIME] = CLOCK_REALTIME,
		[MBOX_CLOCK_BOOTTIME] = CLOCK_BOOTTIME,
	};
	ktime_t offset;

	if (clock >= ARRAY_SIZE(clocks) || deadline > KTIME_MAX)
		return -EINVAL;
	timeout->timed = true;
	timeout->clock = clocks[clock];
	offset = time_offset(timeout->clock);
	/* Both may be far off: neither below 0 nor past the end of time. */
	if (offset > 0)
		timeout->deadline = max_t(s64, deadline - offset, 0);
	else
		timeout->deadline = min_t(u64, deadline - offset, KTIME_MAX);
	return 0;
}

/**
 * mbx_time_to_user - a time as the caller's time namespace sees it
 * @monotonic: of CLOCK_MONOTONIC
 */
ktime_t mbx_time_to_user(ktime_t monotonic)
{
	return ktime_add(monotonic, time_offset(CLOCK_MONOTONIC));
}
