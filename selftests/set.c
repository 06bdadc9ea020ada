// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What SET changes, of a mailbox that is empty, full or waited for. Who may is
 * in permission.c, wrong arguments are in fields.c.
 */
#include "mbox_test.h"

FIXTURE(settable_mailbox) {
	int h;
	struct mbox_stat_args stat;
	char buf[1000];
};

FIXTURE_SETUP(settable_mailbox)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_messages = 10,
		.max_bytes = 1000,
		.max_message_size = 500,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
	self->stat = mb_stat_of(self->h);
}

FIXTURE_TEARDOWN(settable_mailbox)
{
}

TEST_F(settable_mailbox, changes_the_field_that_is_named_and_no_other)
{
	static const struct {
		struct mbox_set_args args;
		size_t offset;
		__u64 value;
	} cases[] = {
#define CASE(bit, field, what) \
	{ { .mask = bit, .field = what }, \
	  offsetof(struct mbox_stat_args, field), what }
		CASE(MBOX_SET_MODE, mode, 0123),
		CASE(MBOX_SET_MODE, mode, 0),
		CASE(MBOX_SET_UID, uid, MB_USER),
		CASE(MBOX_SET_GID, gid, MB_OTHER),
		CASE(MBOX_SET_UID, uid, 0),
		CASE(MBOX_SET_OVERFLOW, overflow, MBOX_OVERFLOW_DROP),
		CASE(MBOX_SET_OVERFLOW, overflow, MBOX_OVERFLOW_BLOCK),
		CASE(MBOX_SET_MAX_MESSAGES, max_messages, 1),
		CASE(MBOX_SET_MAX_MESSAGES, max_messages, 77),
		CASE(MBOX_SET_MAX_BYTES, max_bytes, 500),
		CASE(MBOX_SET_MAX_BYTES, max_bytes, 1 << 20),
		CASE(MBOX_SET_MAX_MESSAGE_SIZE, max_message_size, 1),
		CASE(MBOX_SET_MAX_MESSAGE_SIZE, max_message_size, 1 << 20),
		CASE(MBOX_SET_SPIN, spin, MBOX_SPIN_MAX),
		CASE(MBOX_SET_SPIN, spin, 0),
		CASE(MBOX_SET_LATENCY, latency, 1),
		CASE(MBOX_SET_LATENCY, latency, 1),
		CASE(MBOX_SET_LATENCY, latency, 0),
#undef CASE
	};
	struct mbox_set_args args;
	struct mbox_stat_args stat;
	unsigned int i;
	size_t size;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		args = cases[i].args;
		EXPECT_EQ(0, mb_set(self->h, &args));
		/* max_bytes alone is of 64 bits. */
		size = args.mask == MBOX_SET_MAX_BYTES ? 8 : 4;
		memcpy((char *)&self->stat + cases[i].offset, &cases[i].value,
		       size);
		stat = mb_stat_of(self->h);
		EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat))) {
			TH_LOG("case %u", i);
		}
	}
}

TEST_F(settable_mailbox, changes_all_fields_at_once)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
			MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES |
			MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE,
		.mode = 0666,
		.uid = 1,
		.gid = 2,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 3,
		.max_bytes = 40,
		.max_message_size = 4,
	};
	struct mbox_stat_args stat;

	EXPECT_EQ(0, mb_set(self->h, &args));
	stat = mb_stat_of(self->h);
	EXPECT_EQ(0666, stat.mode);
	EXPECT_EQ(1, stat.uid);
	EXPECT_EQ(2, stat.gid);
	EXPECT_EQ(MBOX_OVERFLOW_DROP, stat.overflow);
	EXPECT_EQ(3, stat.max_messages);
	EXPECT_EQ(40, stat.max_bytes);
	EXPECT_EQ(4, stat.max_message_size);
}

TEST_F(settable_mailbox, changes_all_or_nothing)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_OVERFLOW |
			MBOX_SET_MAX_MESSAGES | MBOX_SET_MAX_BYTES,
		.mode = 0666,
		.uid = 1,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 3,
		.max_bytes = 499,	/* below max_message_size */
	};
	struct mbox_stat_args stat;

	EXPECT_EQ(-EINVAL, mb_set(self->h, &args));
	stat = mb_stat_of(self->h);
	EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat)));
}

TEST_F(settable_mailbox, drops_nothing_when_limits_fall_below_what_it_holds)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES | MBOX_SET_MAX_BYTES |
			MBOX_SET_MAX_MESSAGE_SIZE,
		.max_messages = 2,
		.max_bytes = 200,
		.max_message_size = 100,
	};
	int i;

	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, mb_put(self->h, self->buf, 300));
	EXPECT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(3, mb_stat_of(self->h).messages);
	EXPECT_EQ(900, mb_stat_of(self->h).bytes);
	EXPECT_EQ(-EMSGSIZE, mb_put(self->h, self->buf, 300));
	EXPECT_EQ(-EAGAIN, mb_put(self->h, NULL, 0));
	EXPECT_EQ(300, mb_get(self->h, self->buf, 300));
	/* Two messages are no room for one, 600 bytes are none for any. */
	EXPECT_EQ(-EAGAIN, mb_put(self->h, NULL, 0));
	EXPECT_EQ(300, mb_get(self->h, self->buf, 300));
	EXPECT_EQ(-EAGAIN, mb_put(self->h, self->buf, 1));
	EXPECT_EQ(300, mb_get(self->h, self->buf, 300));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
}

struct sender {
	int h;
	__u32 len;
	int ret;
};

static void send_waiting(struct __test_metadata *_metadata, void *arg)
{
	static char buf[1000];
	struct sender *sender = arg;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.buf = (unsigned long)buf,
		.len = sender->len,
	};

	EXPECT_EQ(sender->ret, mb_send(sender->h, &args));
}

TEST_F(settable_mailbox, wakes_who_can_send_with_higher_limits)
{
	struct mbox_set_args more = {
		.mask = MBOX_SET_MAX_BYTES,
		.max_bytes = 1500,
	};
	struct sender sender = { .h = self->h, .len = 500 };
	pid_t pid;

	EXPECT_EQ(0, mb_put(self->h, self->buf, 500));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 500));
	pid = mb_fork(_metadata, send_waiting, &sender);
	EXPECT_TRUE(wait_until(mb_stat_of(self->h).waiting_senders == 1));
	EXPECT_EQ(0, mb_set(self->h, &more));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(3, mb_stat_of(self->h).messages);
	EXPECT_EQ(0, mb_stat_of(self->h).waiting_senders);
}

TEST_F(settable_mailbox, wakes_who_can_never_send_with_a_lower_limit)
{
	struct mbox_set_args less = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 499,
	};
	struct sender large = { .h = self->h, .len = 500, .ret = -EMSGSIZE };
	struct sender small = { .h = self->h, .len = 499 };
	pid_t pids[2];

	EXPECT_EQ(0, mb_put(self->h, self->buf, 500));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 500));
	pids[0] = mb_fork(_metadata, send_waiting, &large);
	EXPECT_TRUE(wait_until(mb_stat_of(self->h).waiting_senders == 1));
	pids[1] = mb_fork(_metadata, send_waiting, &small);
	EXPECT_TRUE(wait_until(mb_stat_of(self->h).waiting_senders == 2));
	EXPECT_EQ(0, mb_set(self->h, &less));
	EXPECT_EQ(0, mb_wait(pids[0]));
	EXPECT_EQ(1, mb_stat_of(self->h).waiting_senders);
	EXPECT_EQ(500, mb_get(self->h, self->buf, 500));
	EXPECT_EQ(0, mb_wait(pids[1]));
	EXPECT_EQ(2, mb_stat_of(self->h).messages);
}

TEST_F(settable_mailbox, wakes_who_can_send_once_it_drops)
{
	struct mbox_set_args drop = {
		.mask = MBOX_SET_OVERFLOW,
		.overflow = MBOX_OVERFLOW_DROP,
	};
	struct sender sender = { .h = self->h, .len = 400 };
	pid_t pid;

	EXPECT_EQ(0, mb_put(self->h, self->buf, 300));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 500));
	pid = mb_fork(_metadata, send_waiting, &sender);
	EXPECT_TRUE(wait_until(mb_stat_of(self->h).waiting_senders == 1));
	EXPECT_EQ(0, mb_set(self->h, &drop));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(1, mb_stat_of(self->h).drops);
	EXPECT_EQ(500, mb_get(self->h, self->buf, 500));
	EXPECT_EQ(400, mb_get(self->h, self->buf, 500));
}

TEST_HARNESS_MAIN
