// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Wrong fields of CREATE, OPEN, UNLINK, NARROW and SET: one defect a case,
 * everything else valid. A refused call has done nothing.
 */
#include "mbox_test.h"

#define NAME	"fields"

FIXTURE(create) {
	struct mbox_create_args valid;
	struct mbox_create_args args;
};

FIXTURE_SETUP(create)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->valid = (struct mbox_create_args){
		.flags = MBOX_NAMED | MB_RW,
		.mode = 0600,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
	};
}

FIXTURE_TEARDOWN(create)
{
	mb_unlink(NAME);
}

#define FIELDS_CALL(self) mb_create(&(self)->args)

TEST_F(create, with_flags_that_do_not_go_together_is_refused)
{
	__u32 flags = self->valid.flags;

	REFUSES(EINVAL, self->args.flags = MBOX_NAMED);
	REFUSES(EINVAL, self->args.flags = MBOX_NAMED | MBOX_NONBLOCK);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_OWN);
	REFUSES(EINVAL, self->args.flags = MBOX_OWN | MB_RW);
	REFUSES(EINVAL, self->args.flags = MB_RW);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_EXCL | MBOX_OWNED_BY);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_BADGE);

	self->valid.name = 0;
	self->valid.name_len = 0;
	REFUSES(EINVAL, self->args.flags = 0);
	REFUSES(EINVAL, self->args.flags = MBOX_OWN);
	REFUSES(EINVAL, self->args.flags = MB_RW | MBOX_EXCL);
	REFUSES(EINVAL, self->args.flags = MB_RW | MBOX_OWNED_BY);
	REFUSES(EINVAL, self->args.flags = MB_RW | MBOX_EPHEMERAL);
	REFUSES(EINVAL,
		self->args.flags = MB_RW | MBOX_OWN | MBOX_EPHEMERAL);
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
}

TEST_F(create, with_a_value_out_of_range_is_refused)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EINVAL, self->args.mode = ~0U);
	REFUSES(EINVAL, self->args.owner = 1);
	REFUSES(EINVAL, self->args.type_source = 3);
	REFUSES(EINVAL, self->args.type_source = ~0U);
	REFUSES(EINVAL, self->args.overflow = 2);
	REFUSES(EINVAL, self->args.overflow = ~0U);
	REFUSES(EINVAL, self->args.max_bytes = query.ceiling_max_bytes + 1);
	REFUSES(EINVAL, self->args.max_bytes = ~0ULL);
	REFUSES(EINVAL,
		self->args.max_messages = query.ceiling_max_messages + 1);
	REFUSES(EINVAL, self->args.max_messages = ~0U);
	REFUSES(EINVAL, self->args.max_message_size =
		query.ceiling_max_message_size + 1);
	REFUSES(EINVAL, self->args.max_message_size = ~0U);
	REFUSES(EINVAL, (self->args.max_message_size = 100,
			 self->args.max_bytes = 99));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));

	/* Of an anonymous one too. */
	self->valid.flags = MB_RW;
	self->valid.name = 0;
	self->valid.name_len = 0;
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EINVAL, self->args.name = (unsigned long)NAME);
	REFUSES(EINVAL, self->args.name_len = 1);
	self->valid.flags = MB_RW | MBOX_OWN;
	REFUSES(EINVAL, self->args.name = (unsigned long)NAME);
	REFUSES(EINVAL, self->args.name_len = 1);
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
}

TEST_F(create, with_wrong_values_is_refused_though_the_mailbox_exists)
{
	EXPECT_LE(0, mb_create(&self->valid));
	REFUSES(EINVAL, self->args.overflow = 2);
	REFUSES(EINVAL, self->args.max_messages = ~0U);
	/* And before it is looked for. */
	self->valid.flags |= MBOX_EXCL;
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EEXIST, (void)0);
}

TEST_F(create, with_a_bad_name_pointer_is_refused)
{
	REFUSES(EFAULT, self->args.name = 0);
	REFUSES(EFAULT, self->args.name = 8);
	REFUSES(EFAULT, self->args.name = ~0ULL << 63);
	REFUSES(EFAULT, self->args.name = ~0ULL);
	/* The length and the flags are looked at first. */
	REFUSES(EINVAL, (self->args.name = 8, self->args.name_len = 0));
	REFUSES(ENAMETOOLONG, (self->args.name = 8,
			       self->args.name_len = MBOX_NAME_MAX + 1));
	REFUSES(EINVAL, (self->args.name = 8, self->args.overflow = 2));
}

TEST_F(create, with_an_owner_that_is_none_is_refused)
{
	self->valid.flags |= MBOX_OWNED_BY;
	REFUSES(EINVAL, self->args.owner = ~0U);
}

#undef FIELDS_CALL

FIXTURE(open_or_unlink) {
	struct mbox_open_args valid;
	struct mbox_open_args args;
};

FIXTURE_VARIANT(open_or_unlink) {
	unsigned int cmd;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(open_or_unlink, open) {
	.cmd = MBOX_IOC_OPEN,
	.flags = MB_RW,
};

FIXTURE_VARIANT_ADD(open_or_unlink, unlink) {
	.cmd = MBOX_IOC_UNLINK,
};

FIXTURE_SETUP(open_or_unlink)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	ASSERT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	ASSERT_LE(0, mb_create_own(MB_RW, 0600));
	self->valid = (struct mbox_open_args){
		.flags = MBOX_NAMED | variant->flags,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
	};
}

FIXTURE_TEARDOWN(open_or_unlink)
{
	mb_unlink(NAME);
}

#define FIELDS_CALL(self) mb_ctl(variant->cmd, &(self)->args)

TEST_F(open_or_unlink, by_both_ways_or_none_is_refused)
{
	REFUSES(EINVAL, self->args.flags |= MBOX_OWN);
	REFUSES(EINVAL, self->args.flags ^= MBOX_NAMED);
	REFUSES(EINVAL, self->args.flags ^= MBOX_NAMED | MBOX_OWN);
	REFUSES(EINVAL, self->args.flags |= MBOX_EXCL);
	REFUSES(EINVAL, self->args.flags |= MBOX_EPHEMERAL);
	REFUSES(EINVAL, self->args.flags |= MBOX_BADGE);
	EXPECT_LE(0, mb_open(NAME, MB_RW));
	EXPECT_LE(0, mb_open_pid(0, MB_RW));
}

TEST_F(open_or_unlink, with_a_field_that_does_not_belong_is_refused)
{
	REFUSES(EINVAL, self->args.pid = getpid());
	REFUSES(EINVAL, self->args.pid = -1);
	REFUSES(EINVAL, self->args.owner = 1);
	REFUSES(ENOENT, self->args.name_len--);

	self->valid = (struct mbox_open_args){
		.flags = MBOX_OWN | variant->flags,
	};
	REFUSES(EINVAL, self->args.pid = -1);
	REFUSES(EINVAL, self->args.pid = INT32_MIN);
	REFUSES(EINVAL, self->args.owner = 1);
	REFUSES(EINVAL, self->args.name = (unsigned long)NAME);
	REFUSES(EINVAL, self->args.name_len = 1);
	EXPECT_LE(0, mb_open(NAME, MB_RW));
	EXPECT_LE(0, mb_open_pid(0, MB_RW));
}

TEST_F(open_or_unlink, with_a_bad_name_pointer_is_refused)
{
	REFUSES(EFAULT, self->args.name = 0);
	REFUSES(EFAULT, self->args.name = 8);
	REFUSES(EFAULT, self->args.name = ~0ULL);
	REFUSES(EINVAL, (self->args.name = 8, self->args.name_len = 0));
	REFUSES(ENAMETOOLONG, (self->args.name = 8,
			       self->args.name_len = MBOX_NAME_MAX + 1));
}

TEST_F(open_or_unlink, without_a_right_is_for_unlink)
{
	if (variant->cmd == MBOX_IOC_OPEN) {
		REFUSES(EINVAL, self->args.flags = MBOX_NAMED);
		REFUSES(EINVAL, self->args.flags = MBOX_NAMED | MBOX_NONBLOCK);
		REFUSES(EINVAL, (self->args.flags |= MBOX_OWNED_BY,
				 self->args.owner = ~0U));
	} else {
		REFUSES(EINVAL, self->args.flags |= MBOX_RECV);
		REFUSES(EINVAL, self->args.flags |= MBOX_SEND);
		REFUSES(EINVAL, self->args.flags |= MBOX_NONBLOCK);
		REFUSES(EINVAL, self->args.flags |= MBOX_OWNED_BY);
	}
	EXPECT_LE(0, mb_open(NAME, MB_RW));
}

#undef FIELDS_CALL

FIXTURE(narrow) {
	int h;
	struct mbox_narrow_args valid;
	struct mbox_narrow_args args;
};

FIXTURE_SETUP(narrow)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->valid.flags = MBOX_SEND;
}

FIXTURE_TEARDOWN(narrow)
{
}

#define FIELDS_CALL(self) mb_ioctl((self)->h, MBOX_IOC_NARROW, &(self)->args)

TEST_F(narrow, with_a_wrong_field_is_refused)
{
	REFUSES(EINVAL, self->args.flags = 0);
	REFUSES(EINVAL, self->args.flags = MBOX_NONBLOCK);
	REFUSES(EINVAL, self->args.flags = MBOX_SEND | MBOX_BADGE);
	REFUSES(EINVAL, self->args.badge = 1);
	REFUSES(EINVAL, (self->args.flags = MBOX_BADGE, self->args.badge = 1));
	REFUSES(EINVAL, self->args.reserved = 1);
	REFUSES(EINVAL, self->args.reserved = ~0U);
	REFUSES(EINVAL, self->args.flags |= MBOX_NAMED);
	REFUSES(EINVAL, self->args.flags |= MBOX_OWN);
}

TEST_F(narrow, looks_at_the_fields_before_the_rights)
{
	self->h = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->h);
	REFUSES(EPERM, self->args.flags = MBOX_RECV);
	REFUSES(EINVAL, (self->args.flags = MBOX_RECV,
			 self->args.reserved = 1));
}

#undef FIELDS_CALL

FIXTURE(set) {
	int h;
	struct mbox_stat_args stat;
	struct mbox_set_args valid;
	struct mbox_set_args args;
};

FIXTURE_SETUP(set)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.max_bytes = 1000,
		.max_message_size = 100,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&create);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
}

/* Whatever was refused in the test has changed nothing. */
FIXTURE_TEARDOWN(set)
{
	struct mbox_stat_args stat;

	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat)));
}

#define FIELDS_CALL(self) mb_set((self)->h, &(self)->args)

TEST_F(set, with_a_field_that_is_not_named_is_refused)
{
	/* Everything is named but the one. */
	__u32 all = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
		    MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES |
		    MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE |
		    MBOX_SET_SPIN | MBOX_SET_LATENCY;

	self->valid = (struct mbox_set_args){
		.mask = all,
		.mode = 0600,
		.uid = 1,
		.gid = 1,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 5,
		.max_bytes = 500,
		.max_message_size = 50,
		.spin = 1,
		.latency = 1,
	};
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MODE);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_UID);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_GID);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_OVERFLOW);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MAX_MESSAGES);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MAX_BYTES);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MAX_MESSAGE_SIZE);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_SPIN);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_LATENCY);
	REFUSES(EINVAL, self->args.mask = 0);
}

TEST_F(set, with_a_value_out_of_range_is_refused)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	self->valid.mask = MBOX_SET_MODE;
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EINVAL, self->args.mode = ~0U);
	self->valid.mask = MBOX_SET_UID;
	REFUSES(EINVAL, self->args.uid = ~0U);
	self->valid.mask = MBOX_SET_GID;
	REFUSES(EINVAL, self->args.gid = ~0U);
	self->valid.mask = MBOX_SET_SPIN;
	REFUSES(EINVAL, self->args.spin = MBOX_SPIN_MAX + 1);
	REFUSES(EINVAL, self->args.spin = ~0U);
	self->valid.mask = MBOX_SET_LATENCY;
	REFUSES(EINVAL, self->args.latency = 2);
	REFUSES(EINVAL, self->args.latency = ~0U);
	REFUSES(EINVAL, self->args.reserved = 1);
	self->valid.mask = MBOX_SET_OVERFLOW;
	REFUSES(EINVAL, self->args.overflow = 2);
	REFUSES(EINVAL, self->args.overflow = ~0U);
	self->valid.mask = MBOX_SET_MAX_MESSAGES;
	REFUSES(EINVAL, self->args.max_messages = 0);
	REFUSES(EINVAL,
		self->args.max_messages = query.ceiling_max_messages + 1);
	REFUSES(EINVAL, self->args.max_messages = ~0U);
	self->valid.mask = MBOX_SET_MAX_BYTES;
	REFUSES(EINVAL, self->args.max_bytes = 0);
	REFUSES(EINVAL, self->args.max_bytes = 99);
	REFUSES(EINVAL, self->args.max_bytes = query.ceiling_max_bytes + 1);
	REFUSES(EINVAL, self->args.max_bytes = ~0ULL);
	self->valid.mask = MBOX_SET_MAX_MESSAGE_SIZE;
	REFUSES(EINVAL, self->args.max_message_size = 0);
	REFUSES(EINVAL, self->args.max_message_size = 1001);
	REFUSES(EINVAL, self->args.max_message_size =
		query.ceiling_max_message_size + 1);
	REFUSES(EINVAL, self->args.max_message_size = ~0U);
	self->valid.mask |= MBOX_SET_MAX_BYTES;
	REFUSES(EINVAL, (self->args.max_message_size = 60,
			 self->args.max_bytes = 59));
}

#undef FIELDS_CALL

TEST_HARNESS_MAIN
