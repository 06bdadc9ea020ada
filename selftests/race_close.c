// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Each operation against the close of the handle that it uses, by another thread:
 * of one descriptor of several, of the last, of one that becomes another file, of
 * the last that may receive, or send.
 */
#include "mbox_race.h"

static void close_it(struct actor *a)
{
	close(stage->r);
}

static void close_one_of_two(struct actor *a)
{
	int copy = dup(stage->r);

	close(stage->r);
	pass_time(moment(a));
	close(copy);
}

/* What others do meanwhile is done to the one file or the other. */
static void replace_it(struct actor *a)
{
	int other = open("/", O_PATH | O_CLOEXEC);

	dup3(other, stage->r, O_CLOEXEC);
	close(other);
}

static void close_senders(struct actor *a)
{
	close(stage->s);
}

static void close_and_unlink(struct actor *a)
{
	if (chance(a, 2)) {
		close(stage->r);
		mb_unlink(stage->name);
	} else {
		mb_unlink(stage->name);
		close(stage->r);
	}
}

/* A process that shares the open file comes, and goes. */
static void leave_it_to_a_child(struct actor *a)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	close(stage->r);
	mb_wait(pid);
}

static const struct ending {
	const char *name;
	void (*run)(struct actor *a);
	struct layout layout;
} endings[] = {
	{ "its close", close_it, {
		.keeper = MB_RW, .r = MB_RW, .closing = true } },
	{ "the close of one of two", close_one_of_two, {
		.keeper = MB_RW, .r = MB_RW, .closing = true } },
	{ "its replacement", replace_it, {
		.keeper = MB_RW, .r = MB_RW, .closing = true } },
	{ "its close, and a child", leave_it_to_a_child, {
		.keeper = MB_RW, .r = MB_RW, .closing = true } },
	{ "the last receiver's close", close_it, {
		.keeper = MBOX_SEND, .r = MBOX_RECV, .s = MBOX_SEND,
		.closing = true, .deaf = true } },
	{ "that, and an unlink", close_and_unlink, {
		.keeper = MBOX_SEND, .r = MBOX_RECV, .s = MBOX_SEND,
		.closing = true, .deaf = true, .named = true } },
	{ "the last sender's close", close_senders, {
		.keeper = MBOX_RECV, .r = MBOX_RECV, .s = MBOX_SEND,
		.closing = true } },
};

FIXTURE(ending) {
};

FIXTURE_VARIANT(ending) {
	int ending;
};

FIXTURE_VARIANT_ADD(ending, close) {
	.ending = 0,
};

FIXTURE_VARIANT_ADD(ending, close_of_one_of_two) {
	.ending = 1,
};

FIXTURE_VARIANT_ADD(ending, replacement) {
	.ending = 2,
};

FIXTURE_VARIANT_ADD(ending, close_and_a_child) {
	.ending = 3,
};

FIXTURE_VARIANT_ADD(ending, last_receivers_close) {
	.ending = 4,
};

FIXTURE_VARIANT_ADD(ending, last_receivers_close_and_unlink) {
	.ending = 5,
};

FIXTURE_VARIANT_ADD(ending, last_senders_close) {
	.ending = 6,
};

FIXTURE_SETUP(ending)
{
	MB_NEED_DEVICE();
	race_begin(&endings[variant->ending].layout, 2);
}

FIXTURE_TEARDOWN(ending)
{
	race_end(_metadata);
}

static const struct ending *ending;

/* Some time after the other has begun. */
static void end_it(struct cast *c)
{
	pass_time(moment(&c->actor));
	ending->run(&c->actor);
}

TEST_F_TIMEOUT(ending, g02_g06_g13_meets_each_operation, 600)
{
	ending = &endings[variant->ending];
	cast[1].live = end_it;
	race_all(ending->name, ROUNDS_MIN, 1);
}

TEST_HARNESS_MAIN
