/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The account of a crowd's messages: each has a number, what is sent and what is
 * received is on record, and in the end it is seen whether that fits together,
 * whoever was killed meanwhile. It stands in shared memory, and what was received
 * is written there by the kernel itself.
 */
#ifndef MBOX_ACCOUNT_H
#define MBOX_ACCOUNT_H

#include "mbox_call.h"

#include <stdarg.h>

#define NUMBERS		(1 << 18)
#define RECORDS		(1 << 19)
#define NOTHING		(~0U)		/* no number */
#define ANSWER(n)	((n) ^ 0x5a5a5a5a)

/* What became of a number, as its sender knows. */
enum fate {
	UNUSED,
	MAYBE,			/* its sender could not tell */
	SENT,
	ASKED,			/* an asynchronous call: there will be one answer */
	REFUSED,		/* it never was in the mailbox */
};

/* Something that was received. */
struct record {
	struct mbox_msg_args args;
	__u32 number;
	bool read;		/* by read(2), which tells no more than that */
	bool batch;		/* among others, and nothing of it is told yet */
	bool peek;
	bool reply;		/* in the mailbox of replies */
	bool about;		/* to finish it: who is killed now, may have */
	__u32 done, back;	/* how often its token was finished, so or so */
};

struct tally {
	__u32 seen;		/* deliveries, a bit each */
	__u8 final, maybe, answers;
};

static struct account {
	__u32 numbers, records;		/* used */
	__u32 wrong;
	char what[160];			/* the first thing that was */
	__u8 fate[NUMBERS];
	struct tally tally[NUMBERS];
	struct record record[RECORDS];
} *account;

static inline void account_open(void)
{
	account = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (account == MAP_FAILED)
		abort();
}

static inline void wrong(const char *format, ...)
{
	va_list list;

	if (__atomic_fetch_add(&account->wrong, 1, __ATOMIC_RELAXED))
		return;
	va_start(list, format);
	vsnprintf(account->what, sizeof(account->what), format, list);
	va_end(list);
}

/* ---- going on record ---- */

static inline __u32 number_new(void)
{
	__u32 n = __atomic_fetch_add(&account->numbers, 1, __ATOMIC_RELAXED);

	while (n >= NUMBERS)
		pause();
	account->fate[n] = MAYBE;
	return n;
}

static inline void settle(__u32 n, enum fate fate)
{
	__atomic_store_n(&account->fate[n], fate, __ATOMIC_RELAXED);
}

/* @n of them, one after the other. */
static inline struct record *records_new(__u32 n)
{
	__u32 i = __atomic_fetch_add(&account->records, n, __ATOMIC_RELAXED);

	while (i + n > RECORDS)
		pause();
	return &account->record[i];
}

/* How a receive into a record is to be done: the rest is filled in. */
static inline struct mbox_msg_args *record_args(struct record *r,
						const struct mbox_msg_args *how)
{
	r->number = NOTHING;
	r->args = *how;
	r->args.buf = (unsigned long)&r->number;
	r->args.len = sizeof(r->number);
	r->peek = how->flags & MBOX_PEEK;
	return &r->args;
}

static inline bool record_full(const struct record *r)
{
	return r->args.out_deliveries ||
	       ((r->read || r->batch) && r->number != NOTHING);
}

/* End the token of a record; whether or not others do so, too. */
static inline int record_finish(int fd, struct record *r, __u8 how)
{
	__u32 answer = ANSWER(r->number);
	struct mbox_msg_args args = { .select = how, .id = r->args.out_token };
	int ret;

	if (how == MBOX_FINISH_FAIL)
		args.type = 1 + r->number;
	if (how == MBOX_FINISH_REPLY) {
		args.buf = (unsigned long)&answer;
		args.len = sizeof(answer);
	}
	if (how != MBOX_FINISH_BACK)
		r->about = true;
	ret = mb_ioctl(fd, MBOX_IOC_FINISH, &args);
	/* A caller that has given up ends the token, too. */
	if (!ret || ret == -EPIPE)
		__atomic_add_fetch(how == MBOX_FINISH_BACK ? &r->back : &r->done,
				   1, __ATOMIC_RELAXED);
	return ret;
}

/* ---- the balance ---- */

static inline void account_clear(void)
{
	__u32 numbers = account->numbers < NUMBERS ? account->numbers : NUMBERS;
	__u32 records = account->records < RECORDS ? account->records : RECORDS;

	memset(account->fate, UNUSED, numbers);
	memset(account->tally, 0, numbers * sizeof(*account->tally));
	memset(account->record, 0, records * sizeof(*account->record));
	account->numbers = 0;
	account->records = 0;
}

static inline void tally_reply(const struct record *r)
{
	__u64 n = r->args.out_type;

	if (!(r->args.out_flags & MBOX_MSG_REPLY) || n >= account->numbers) {
		wrong("a reply to nothing, %llu", n);
		return;
	}
	if (!(r->args.out_flags & MBOX_MSG_FAILED) && r->number != ANSWER(n))
		wrong("%llu was answered %u", n, r->number);
	account->tally[n].answers++;
}

static inline void tally_record(const struct record *r)
{
	__u32 delivery = r->args.out_deliveries, n = r->number;
	struct tally *t;

	if (!record_full(r))
		return;
	if (r->reply) {
		tally_reply(r);
		return;
	}
	if (n >= account->numbers || account->fate[n] == UNUSED) {
		wrong("%u was received, and never sent", n);
		return;
	}
	if (r->peek)
		return;
	t = &account->tally[n];
	if (delivery && delivery < 32 && (t->seen & (1U << delivery)))
		wrong("%u was delivered twice as number %u", n, delivery);
	t->seen |= delivery && delivery < 32 ? 1U << delivery : 0;
	if (r->done + r->back > 1)
		wrong("the token of %u was finished %u times, %u back", n,
		      r->done + r->back, r->back);
	if (r->batch)
		t->maybe++;
	else if (r->read || !r->args.out_token || r->done)
		t->final++;
	/* Who goes gives leases back, and throws calls away. */
	else if (!r->back && (r->about || r->args.out_flags & MBOX_MSG_CALL))
		t->maybe++;
}

static inline bool tally_fits(__u32 n, __u32 *lost)
{
	const struct tally *t = &account->tally[n];
	enum fate fate = account->fate[n];

	if (t->final > 1 || (fate == REFUSED && t->seen) ||
	    t->answers > (fate == ASKED || fate == MAYBE))
		return false;
	if (fate == ASKED && !t->answers)
		return false;
	if ((fate == SENT || fate == ASKED) && !t->final && !t->maybe)
		++*lost;
	return true;
}

/* See whether all fits together; @may_be_lost were dropped. */
static inline void account_balance(__u32 may_be_lost)
{
	__u32 i, lost = 0;

	for (i = 0; i < account->records; i++)
		tally_record(&account->record[i]);
	for (i = 0; i < account->numbers; i++) {
		const struct tally *t = &account->tally[i];

		if (!tally_fits(i, &lost))
			wrong("%u, fate %u: seen %x, %u times finally, %u answers",
			      i, account->fate[i], t->seen, t->final, t->answers);
		else if (lost > may_be_lost)
			wrong("%u, fate %u, is lost", i, account->fate[i]);
	}
}

#endif /* MBOX_ACCOUNT_H */
