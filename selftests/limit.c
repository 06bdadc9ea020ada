// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The limits of a mailbox, and the module parameters that bound them (G10).
 * Users and namespaces as a whole are in quota.c, control groups in cgroup.c.
 */
#include "mbox_parameters.h"

#include <sys/stat.h>

#define MIB	(1ULL << 20)

/* ---- a mailbox's own limits ---- */

FIXTURE(limited_mailbox) {
	int h;
	char buf[401];
};

FIXTURE_SETUP(limited_mailbox)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_messages = 4,
		.max_bytes = 1000,
		.max_message_size = 400,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(limited_mailbox)
{
}

TEST_F(limited_mailbox, g10_holds_so_many_messages)
{
	int i;

	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, mb_put(self->h, NULL, 0));
	EXPECT_EQ(-EAGAIN, mb_put(self->h, NULL, 0));
	EXPECT_EQ(0, mb_get(self->h, NULL, 0));
	EXPECT_EQ(0, mb_put(self->h, NULL, 0));
	EXPECT_EQ(-EAGAIN, mb_put(self->h, NULL, 0));
}

TEST_F(limited_mailbox, g10_holds_so_many_bytes)
{
	EXPECT_EQ(0, mb_put(self->h, self->buf, 400));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 400));
	EXPECT_EQ(-EAGAIN, mb_put(self->h, self->buf, 201));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 200));
	EXPECT_EQ(-EAGAIN, mb_put(self->h, self->buf, 1));
	EXPECT_EQ(0, mb_put(self->h, NULL, 0));
	EXPECT_EQ(400, mb_get(self->h, self->buf, 400));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 400));
}

TEST_F(limited_mailbox, g10_takes_messages_up_to_a_size)
{
	EXPECT_EQ(-EMSGSIZE, mb_put(self->h, self->buf, 401));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 400));
	EXPECT_EQ(400, mb_get(self->h, self->buf, 400));
}

FIXTURE(new_limits) {
	struct mbox_query_args query;
	struct mbox_stat_args stat;
};

FIXTURE_SETUP(new_limits)
{
	MB_NEED_DEVICE();
	parameters_restore();
	ASSERT_EQ(0, mb_query(&self->query));
}

FIXTURE_TEARDOWN(new_limits)
{
	parameters_restore();
}

static int create_stat(struct mbox_create_args args,
		       struct mbox_stat_args *stat)
{
	int h, ret;

	args.flags = MB_RW;
	h = mb_create(&args);
	if (h < 0)
		return h;
	ret = mb_stat(h, stat);
	close(h);
	return ret;
}

TEST_F(new_limits, g10_have_defaults)
{
	struct mbox_create_args args = { 0 };

	EXPECT_EQ(0, create_stat(args, &self->stat));
	EXPECT_EQ(self->query.default_max_messages, self->stat.max_messages);
	EXPECT_EQ(self->query.default_max_bytes, self->stat.max_bytes);
	EXPECT_EQ(self->query.default_max_message_size,
		  self->stat.max_message_size);
	EXPECT_EQ(1024, self->stat.max_messages);
	EXPECT_EQ(16 * MIB, self->stat.max_bytes);
	EXPECT_EQ(1 * MIB, self->stat.max_message_size);
}

TEST_F(new_limits, g10_make_the_default_of_the_other_give_way)
{
	struct mbox_create_args few = { .max_bytes = 5000 };
	struct mbox_create_args large = { .max_message_size = 20 * MIB };

	EXPECT_EQ(0, create_stat(few, &self->stat));
	EXPECT_EQ(5000, self->stat.max_bytes);
	EXPECT_EQ(5000, self->stat.max_message_size);
	EXPECT_EQ(0, create_stat(large, &self->stat));
	EXPECT_EQ(20 * MIB, self->stat.max_message_size);
	EXPECT_EQ(20 * MIB, self->stat.max_bytes);
}

TEST_F(new_limits, g10_go_up_to_the_ceilings)
{
	struct mbox_create_args args = {
		.max_bytes = self->query.ceiling_max_bytes,
		.max_messages = self->query.ceiling_max_messages,
		.max_message_size = self->query.ceiling_max_message_size,
	};

	EXPECT_EQ(0, create_stat(args, &self->stat));
	args.max_messages++;
	EXPECT_EQ(-EINVAL, create_stat(args, &self->stat));
	args.max_messages--;
	args.max_bytes++;
	EXPECT_EQ(-EINVAL, create_stat(args, &self->stat));
	args.max_bytes--;
	args.max_message_size++;
	EXPECT_EQ(-EINVAL, create_stat(args, &self->stat));
}

TEST_F(new_limits, g10_obey_lowered_ceilings)
{
	struct mbox_create_args args = { 0 };

	ASSERT_EQ(0, parameter_set("max_messages", 10));
	ASSERT_EQ(0, parameter_set("max_bytes", 3000));
	ASSERT_EQ(0, parameter_set("max_message_size", 2000));
	ASSERT_EQ(0, mb_query(&self->query));
	EXPECT_EQ(10, self->query.ceiling_max_messages);
	EXPECT_EQ(3000, self->query.ceiling_max_bytes);
	EXPECT_EQ(2000, self->query.ceiling_max_message_size);
	EXPECT_EQ(10, self->query.default_max_messages);
	EXPECT_EQ(3000, self->query.default_max_bytes);
	EXPECT_EQ(2000, self->query.default_max_message_size);

	EXPECT_EQ(0, create_stat(args, &self->stat));
	EXPECT_EQ(10, self->stat.max_messages);
	EXPECT_EQ(3000, self->stat.max_bytes);
	EXPECT_EQ(2000, self->stat.max_message_size);
	args.max_messages = 11;
	EXPECT_EQ(-EINVAL, create_stat(args, &self->stat));

	/* No message is larger than all of its mailbox. */
	ASSERT_EQ(0, parameter_set("max_bytes", 1000));
	ASSERT_EQ(0, mb_query(&self->query));
	EXPECT_EQ(1000, self->query.default_max_bytes);
	EXPECT_EQ(1000, self->query.default_max_message_size);
	args.max_messages = 0;
	EXPECT_EQ(0, create_stat(args, &self->stat));
	EXPECT_EQ(1000, self->stat.max_bytes);
	EXPECT_EQ(1000, self->stat.max_message_size);
}

/* ---- parameters ---- */

FIXTURE(parameter) {
};

FIXTURE_SETUP(parameter)
{
	MB_NEED_DEVICE();
	parameters_restore();
}

FIXTURE_TEARDOWN(parameter)
{
	parameters_restore();
}

static void write_no_parameter(struct __test_metadata *_metadata, void *arg)
{
	unsigned int i;
	char text[32];

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		EXPECT_TRUE(parameter_get(parameters[i].name, text,
					  sizeof(text)));
		EXPECT_EQ(-EACCES, parameter_set(parameters[i].name, 1));
	}
}

TEST_F(parameter, g10_is_read_by_all_and_written_by_root)
{
	struct stat st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		ASSERT_EQ(0, stat(parameter_path(parameters[i].name), &st));
		EXPECT_EQ(0644, st.st_mode & 07777);
	}
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, write_no_parameter, NULL));
}

TEST_F(parameter, g10_has_the_value_that_was_written)
{
	unsigned int i;
	char text[32];

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		EXPECT_EQ(0, parameter_set_text(parameters[i].name, "4097\n"));
		ASSERT_TRUE(parameter_get(parameters[i].name, text,
					  sizeof(text)));
		EXPECT_STREQ("4097", text);
		EXPECT_EQ(0, parameter_set(parameters[i].name,
					   parameters[i].min));
	}
}

TEST_F(parameter, g10_refuses_what_is_out_of_range)
{
	static const char * const wrong[] = {
		"x", "-1", "1x", "1 2", "0x", "1.5",
		"18446744073709551615", "18446744073709551616",
		"99999999999999999999999",
	};
	unsigned int i, j;
	char text[32];

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		for (j = 0; j < ARRAY_SIZE(wrong); j++) {
			EXPECT_EQ(-EINVAL,
				  parameter_set_text(parameters[i].name,
						     wrong[j])) {
				TH_LOG("%s = '%s'", parameters[i].name,
				       wrong[j]);
			}
		}
		if (parameters[i].min)
			EXPECT_EQ(-EINVAL,
				  parameter_set(parameters[i].name,
						parameters[i].min - 1));
		ASSERT_TRUE(parameter_get(parameters[i].name, text,
					  sizeof(text)));
		EXPECT_STREQ(parameters[i].before, text);
	}
}

TEST_F(parameter, g10_is_what_query_says)
{
	struct mbox_query_args query;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		ASSERT_EQ(0, parameter_set(parameters[i].name, 5000 - i));
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(5000, query.ceiling_max_messages);
	EXPECT_EQ(4999, query.ceiling_max_bytes);
	EXPECT_EQ(4998, query.ceiling_max_message_size);
	EXPECT_EQ(4997, query.user_max_bytes);
	EXPECT_EQ(4996, query.user_max_mailboxes);
	EXPECT_EQ(4995, query.ns_max_mailboxes);
	EXPECT_EQ(4994, query.user_max_files);
}

TEST_HARNESS_MAIN
