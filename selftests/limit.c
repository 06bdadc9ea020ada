// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory is bounded (G10): by the limits of a mailbox, of a user, of a network
 * namespace and of a memory control group. What was charged is given back.
 */
#include "mbox_test.h"

#include <limits.h>
#include <linux/capability.h>
#include <sys/stat.h>

#define NAME	"limit"
#define MIB	(1ULL << 20)

/* ---- module parameters: whatever a test sets, it is as before after it ---- */

static struct {
	const char *name;
	unsigned long min;	/* the least value that is accepted */
	char before[32];
} parameters[] = {
	{ "max_messages", 1 },
	{ "max_bytes", 1 },
	{ "max_message_size", 1 },
	{ "user_bytes", 0 },
	{ "user_mailboxes", 0 },
	{ "ns_mailboxes", 0 },
};

static const char *parameter_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), MB_PARAMETERS "%s", name);
	return path;
}

static bool parameter_get(const char *name, char *text, int size)
{
	FILE *f = fopen(parameter_path(name), "re");
	bool ok = f && fgets(text, size, f);

	if (f)
		fclose(f);
	if (ok)
		text[strcspn(text, "\n")] = 0;
	return ok;
}

static int parameter_set_text(const char *name, const char *text)
{
	return mb_write_file(parameter_path(name), text);
}

static int parameter_set(const char *name, unsigned long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	return parameter_set_text(name, text);
}

static void parameters_restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		if (*parameters[i].before)
			parameter_set_text(parameters[i].name,
					   parameters[i].before);
}

/* Once, before the first test; undone after the last, whatever became of it. */
static void __attribute__((constructor)) parameters_save(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		if (!parameter_get(parameters[i].name, parameters[i].before,
				   sizeof(parameters[i].before)))
			*parameters[i].before = 0;
	atexit(parameters_restore);
}

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
}

/* ---- a user's quota ---- */

/* How much the caller has, in bytes; mailboxes. */
static long long user_bytes(void)
{
	struct mbox_query_args query;
	int ret = mb_query(&query);

	return ret ? ret : (long long)query.user_bytes;
}

static int user_mailboxes(void)
{
	struct mbox_query_args query;
	int ret = mb_query(&query);

	return ret ? ret : (int)query.user_mailboxes;
}

struct shared {
	long long cost;		/* of a message of 100 bytes */
	long long bytes;
	int count;
};

FIXTURE(user) {
	int h;			/* root's mailbox, that all inherit */
	struct shared *shared;
	char buf[5000];
};

#define USER FIXTURE_DATA(user)

static void measure_cost(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;
	long long empty;

	ASSERT_EQ(0, user_bytes());
	ASSERT_EQ(0, mb_put(self->h, NULL, 0));
	empty = user_bytes();
	EXPECT_LT(0, empty);
	ASSERT_EQ(0, mb_put(self->h, self->buf, 5000));
	EXPECT_EQ(2 * empty + 5000, user_bytes());
	EXPECT_EQ(0, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(5000, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(0, user_bytes());
	self->shared->cost = empty + 100;
}

FIXTURE_SETUP(user)
{
	MB_NEED_DEVICE();
	parameters_restore();
	mb_unlink(NAME);
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(self->shared != MAP_FAILED);
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_run_as(_metadata, MB_USER, measure_cost, self));
}

FIXTURE_TEARDOWN(user)
{
	parameters_restore();
	mb_unlink(NAME);
}

static void fill_quota_of_ten(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.len = 100,
	};
	USER *self = arg;
	int own = mb_create_anon();
	int i;

	ASSERT_LE(0, own);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
		EXPECT_EQ(0, mb_put(own, self->buf, 100));
	}
	EXPECT_EQ(10 * self->shared->cost, user_bytes());
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(-EDQUOT, mb_put(own, NULL, 0));
	/* Nobody waits for a quota. */
	args.buf = (unsigned long)self->buf;
	EXPECT_EQ(-EDQUOT, mb_send(own, &args));
	EXPECT_EQ(10 * self->shared->cost, user_bytes());
	/* Whoever frees it, it is the sender's again. */
	EXPECT_EQ(100, mb_get(self->h, self->buf, 100));
	EXPECT_EQ(0, mb_put(own, self->buf, 100));
	EXPECT_EQ(-EDQUOT, mb_put(own, self->buf, 100));
	close(own);
	EXPECT_EQ(4 * self->shared->cost, user_bytes());
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
}

static void hold_nothing(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, user_mailboxes());
}

static void put_one(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
}

TEST_F(user, g10_cannot_fill_memory_with_messages)
{
	ASSERT_EQ(0, parameter_set("user_bytes", 10 * self->shared->cost));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, fill_quota_of_ten, self));
	/* It is nobody else's affair. */
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, put_one, self));
	while (mb_get(self->h, self->buf, 100) >= 0)
		;
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, hold_nothing, NULL));
}

static void write_beyond(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;
	int own = mb_create_anon();

	EXPECT_EQ(100, write(own, self->buf, 100));
	EXPECT_EQ(-1, write(own, self->buf, 1));
	EXPECT_EQ(EDQUOT, errno);
}

TEST_F(user, g10_cannot_fill_memory_by_write_either)
{
	ASSERT_EQ(0, parameter_set("user_bytes", self->shared->cost));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, write_beyond, self));
}

TEST_F(user, g10_write_has_the_privileges_of_the_opener)
{
	int h;

	ASSERT_EQ(0, parameter_set("user_bytes", 0));
	ASSERT_EQ(0, seteuid(MB_USER));
	h = mb_create_anon();
	ASSERT_EQ(0, seteuid(0));
	ASSERT_LE(0, h);
	EXPECT_EQ(-1, write(h, self->buf, 100));
	EXPECT_EQ(EDQUOT, errno);
	/* What we say ourselves, we pay ourselves. */
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	close(h);
}

/* Each way in which a message can end, or not even begin. */
static void end_in_every_way(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL,
		.len = 100,
	};
	struct mbox_set_args drop = {
		.mask = MBOX_SET_OVERFLOW,
		.overflow = MBOX_OVERFLOW_DROP,
	};
	USER *self = arg;
	int h = mb_create_small(1);
	int recv, send;

	ASSERT_LE(0, h);
	args.buf = (unsigned long)self->buf;

	/* Received: whole, cut, by read(). */
	EXPECT_EQ(0, mb_put(h, self->buf, 5000));
	EXPECT_EQ(5000, mb_get(h, self->buf, 5000));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(h, self->buf, 5000));
	args.flags = MBOX_TRUNCATE;
	EXPECT_EQ(0, mb_recv(h, &args));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	EXPECT_EQ(100, read(h, self->buf, 100));
	EXPECT_EQ(0, user_bytes());

	/* Never sent: bad buffer, too long, no room, at once and later. */
	EXPECT_EQ(-EFAULT, mb_put(h, (void *)8, 100));
	EXPECT_EQ(-EMSGSIZE, mb_put(h, self->buf, 2 * MIB));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	EXPECT_EQ(-EAGAIN, mb_put(h, self->buf, 100));
	args.flags = MBOX_WAIT_UNTIL;
	args.deadline = mb_in(NSEC_PER_MSEC);
	EXPECT_EQ(-ETIMEDOUT, mb_send(h, &args));
	EXPECT_EQ(self->shared->cost, user_bytes());

	/* Not received after all. */
	EXPECT_EQ(-EFAULT, mb_get(h, (void *)8, 100));
	EXPECT_EQ(-EMSGSIZE, mb_get(h, self->buf, 99));
	EXPECT_EQ(self->shared->cost, user_bytes());

	/* Dropped for a younger one. */
	EXPECT_EQ(0, mb_set(h, &drop));
	EXPECT_EQ(0, mb_put(h, self->buf, 100));
	EXPECT_EQ(self->shared->cost, user_bytes());

	/* Nobody can receive it any more. */
	recv = mb_narrow(h, MBOX_RECV, 0);
	send = mb_narrow(h, MBOX_SEND, 0);
	close(h);
	EXPECT_EQ(self->shared->cost, user_bytes());
	close(recv);
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(-EPIPE, mb_put(send, self->buf, 100));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(1, user_mailboxes());
	close(send);
	EXPECT_EQ(0, user_mailboxes());

	/* Its mailbox is unlinked, with nobody there. */
	h = mb_create_named(NAME, MB_RW, 0600);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, self->buf, 5000));
	close(h);
	EXPECT_LT(5000, user_bytes());
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, user_mailboxes());
}

TEST_F(user, g10_gets_all_back_however_a_message_ends)
{
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, end_in_every_way, self));
}

static void send_for_ever(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.len = 5000,
	};
	USER *self = arg;

	args.buf = (unsigned long)self->buf;
	for (;;)
		EXPECT_EQ(0, mb_send(self->h, &args));
}

TEST_F(user, g10_gets_all_back_when_killed_in_a_send)
{
	struct mbox_set_args one = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 1,
	};
	const struct mb_child child = {
		.fn = send_for_ever,
		.arg = self,
		.uid = MB_USER,
		.gid = MB_USER,
	};
	pid_t pid;

	ASSERT_EQ(0, mb_set(self->h, &one));
	pid = mb_fork_child(_metadata, &child);
	EXPECT_TRUE(wait_until(mb_fdinfo(self->h, "mbox-waiting-senders") ==
			       1));
	mb_kill(pid);
	EXPECT_EQ(5000, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(-EAGAIN, mb_get(self->h, self->buf, 5000));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void fill_mailbox_quota(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_query_args query;
	int anon, named, own, i;

	anon = mb_create_anon();
	named = mb_create_named(NAME, MB_RW, 0600);
	own = mb_create_own(MB_RW, 0600);
	ASSERT_LE(0, anon);
	ASSERT_LE(0, named);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(3, query.user_mailboxes);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EDQUOT, mb_create_anon());
		EXPECT_EQ(-EDQUOT, mb_create_named(NAME "2", MB_RW, 0600));
	}
	EXPECT_EQ(-ENOENT, mb_open(NAME "2", MB_RW));
	/* What there is can still be opened, in every way. */
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
	EXPECT_EQ(0, close(mb_create_named(NAME, MB_RW, 0600)));
	EXPECT_EQ(0, close(mb_narrow(anon, MB_RW, 0)));
	EXPECT_EQ(3, user_mailboxes());

	close(anon);
	EXPECT_EQ(2, user_mailboxes());
	anon = mb_create_anon();
	EXPECT_LE(0, anon);
	close(named);
	EXPECT_EQ(-EDQUOT, mb_create_anon());
	EXPECT_EQ(0, mb_unlink(NAME));
	close(own);
	EXPECT_EQ(0, mb_unlink_pid(0));
	close(anon);
	EXPECT_EQ(0, user_mailboxes());
}

TEST_F(user, g10_cannot_fill_memory_with_mailboxes)
{
	ASSERT_EQ(0, parameter_set("user_mailboxes", 3));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, fill_mailbox_quota, self));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void exceed_with_cap(struct __test_metadata *_metadata, void *arg)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {
		{ 1U << CAP_SYS_RESOURCE, 1U << CAP_SYS_RESOURCE, 0 },
	};
	USER *self = arg;

	ASSERT_EQ(0, prctl(PR_SET_KEEPCAPS, 1));
	ASSERT_EQ(0, mb_become(MB_USER, MB_USER));
	ASSERT_EQ(0, syscall(SYS_capset, &header, caps));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_LE(0, mb_create_anon());
	EXPECT_EQ(self->shared->cost, user_bytes());
}

static void refused_both(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(-EDQUOT, mb_create_anon());
}

TEST_F(user, g10_with_cap_sys_resource_exceeds_its_quota)
{
	const struct mb_child child = {
		.fn = refused_both,
		.arg = self,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = CLONE_NEWUSER,
	};

	ASSERT_EQ(0, parameter_set("user_bytes", 0));
	ASSERT_EQ(0, parameter_set("user_mailboxes", 0));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, refused_both, self));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, exceed_with_cap, self)));
	EXPECT_EQ(100, mb_get(self->h, self->buf, 100));
	/* The capability over a user namespace of one's own is none here. */
	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void put_two_inside(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(2 * self->shared->cost, user_bytes());
	/* Deeper still. */
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	EXPECT_EQ(0, user_bytes());
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(self->shared->cost, user_bytes());
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	EXPECT_EQ(self->shared->cost, user_bytes());
}

static void hold_three(struct __test_metadata *_metadata, void *arg)
{
	USER *self = arg;

	EXPECT_EQ(3 * self->shared->cost, user_bytes());
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
	/* A new namespace is no new quota. */
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	EXPECT_EQ(-EDQUOT, mb_put(self->h, self->buf, 100));
}

TEST_F(user, g10_pays_for_its_user_namespaces)
{
	const struct mb_child child = {
		.fn = put_two_inside,
		.arg = self,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = CLONE_NEWUSER,
	};

	ASSERT_EQ(0, parameter_set("user_bytes", 3 * self->shared->cost));
	EXPECT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_three, self));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_OTHER, put_one, self));
	while (mb_get(self->h, self->buf, 100) >= 0)
		;
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

static void create_inside(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_LE(0, mb_create_anon());
	ASSERT_EQ(0, mb_unshare(CLONE_NEWUSER));
	EXPECT_EQ(0, user_mailboxes());
	EXPECT_LE(0, mb_create_anon());
	EXPECT_EQ(1, user_mailboxes());
	EXPECT_EQ(-EDQUOT, mb_create_anon());
	EXPECT_EQ(1, user_mailboxes());
}

TEST_F(user, g10_pays_for_mailboxes_in_its_user_namespaces)
{
	ASSERT_EQ(0, parameter_set("user_mailboxes", 2));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, create_inside, NULL));
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, hold_nothing, NULL));
}

/* ---- a network namespace's mailboxes ---- */

FIXTURE(full_namespace) {
};

FIXTURE_SETUP(full_namespace)
{
	MB_NEED_DEVICE();
	parameters_restore();
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, parameter_set("ns_mailboxes", 2));
	ASSERT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	ASSERT_LE(0, mb_create_own(MB_RW, 0600));
}

FIXTURE_TEARDOWN(full_namespace)
{
	parameters_restore();
}

static int ns_mailboxes(void)
{
	struct mbox_query_args query;
	int ret = mb_query(&query);

	return ret ? ret : (int)query.ns_mailboxes;
}

static void create_own_refused(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(-ENOSPC, mb_create_own(MB_RW, 0600));
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
}

TEST_F(full_namespace, g10_takes_no_more_not_even_from_root)
{
	EXPECT_EQ(2, ns_mailboxes());
	EXPECT_EQ(-ENOSPC, mb_create_named(NAME "2", MB_RW, 0600));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, create_own_refused, NULL)));
	EXPECT_EQ(2, ns_mailboxes());
	EXPECT_EQ(-ENOENT, mb_open(NAME "2", MB_RW));
}

TEST_F(full_namespace, g10_still_has_what_it_has)
{
	EXPECT_LE(0, mb_create_anon());
	EXPECT_LE(0, mb_open(NAME, MB_RW));
	EXPECT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	EXPECT_EQ(-EEXIST, mb_create_named(NAME, MB_RW | MBOX_EXCL, 0600));
	EXPECT_EQ(2, ns_mailboxes());
}

TEST_F(full_namespace, g10_takes_another_for_each_that_goes)
{
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_LE(0, mb_create_named(NAME "2", MB_RW, 0600));
	EXPECT_EQ(-ENOSPC, mb_create_named(NAME, MB_RW, 0600));
	EXPECT_EQ(0, mb_unlink_pid(0));
	EXPECT_LE(0, mb_create_named(NAME, MB_RW, 0600));
}

TEST_F(full_namespace, g10_does_not_fill_another)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(0, ns_mailboxes());
	EXPECT_LE(0, mb_create_named(NAME, MB_RW, 0600));
}

/* ---- a memory control group ---- */

#define CGROUP		"/sys/fs/cgroup"
#define CGROUP_TEST	CGROUP "/mbox-limit"
#define CHUNK		65536

FIXTURE(memory_cgroup) {
	int h;			/* without limits that matter here */
	struct shared *shared;
	char *buf;
};

#define MEMORY_CGROUP FIXTURE_DATA(memory_cgroup)

static long long cgroup_value(const char *file, const char *key)
{
	char path[128], line[128];
	long long value = -1;
	size_t len = strlen(key);
	FILE *f;

	snprintf(path, sizeof(path), CGROUP_TEST "/%s", file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len))
			value = atoll(line + len);
	fclose(f);
	return value;
}

FIXTURE_SETUP(memory_cgroup)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.max_bytes = 256 * MIB,
		.max_messages = 1 << 20,
	};

	MB_NEED_DEVICE();
	parameters_restore();
	mb_write_file(CGROUP "/cgroup.subtree_control", "+memory");
	rmdir(CGROUP_TEST);
	ASSERT_EQ(0, mkdir(CGROUP_TEST, 0755));
	self->shared = mmap(NULL, CHUNK + sizeof(*self->shared),
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_TRUE(self->shared != MAP_FAILED);
	self->buf = (char *)(self->shared + 1);
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(memory_cgroup)
{
	close(self->h);
	EXPECT_TRUE(wait_until(!rmdir(CGROUP_TEST)));
}

/* Sends until it is refused; the length is that of its messages. */
static void send_in_cgroup(struct __test_metadata *_metadata, void *arg)
{
	MEMORY_CGROUP *self = arg;
	int ret;

	/* What the sender itself needs is there and paid for elsewhere. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	memset(self->buf, 'm', CHUNK);
	ASSERT_EQ(0, mb_write_file(CGROUP_TEST "/cgroup.procs", "0"));
	do {
		ret = mb_put(self->h, self->buf, self->shared->bytes);
		if (!ret)
			self->shared->count++;
	} while (!ret);
	EXPECT_EQ(-ENOMEM, ret);
}

static void drain(struct __test_metadata *_metadata, MEMORY_CGROUP *self)
{
	int i, len = self->shared->bytes;

	for (i = 0; i < self->shared->count; i++) {
		memset(self->buf, 0, CHUNK);
		ASSERT_EQ(len, mb_get(self->h, self->buf, CHUNK));
		ASSERT_TRUE(mb_all(self->buf, len, 'm'));
	}
	EXPECT_EQ(-EAGAIN, mb_get(self->h, self->buf, CHUNK));
}

TEST_F_TIMEOUT(memory_cgroup, g10_that_is_full_refuses_and_kills_nobody, 60)
{
	struct mbox_stat_args stat;
	int first;

	ASSERT_EQ(0, mb_write_file(CGROUP_TEST "/memory.max", "12M"));
	self->shared->bytes = CHUNK;
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, send_in_cgroup, self)));
	EXPECT_EQ(0, cgroup_value("memory.events", "oom_kill "));
	first = self->shared->count;
	EXPECT_LT(100, first);
	EXPECT_GT(200, first);
	/* The sender has gone, its control group pays on. */
	EXPECT_LE(first * CHUNK, cgroup_value("memory.current", ""));
	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(first, stat.messages);
	EXPECT_EQ((__u64)first * CHUNK, stat.bytes);

	/* Whole, and its own again when somebody else has received it. */
	drain(_metadata, self);
	EXPECT_TRUE(wait_until(cgroup_value("memory.current", "") < 4 * MIB));
	self->shared->count = 0;
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, send_in_cgroup, self)));
	EXPECT_LT(100, self->shared->count);
	EXPECT_EQ(0, cgroup_value("memory.events", "oom_kill "));
}

TEST_F_TIMEOUT(memory_cgroup, g10_pays_for_small_messages_too, 60)
{
	ASSERT_EQ(0, mb_write_file(CGROUP_TEST "/memory.max", "1536K"));
	self->shared->bytes = 1;
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, send_in_cgroup, self)));
	EXPECT_EQ(0, cgroup_value("memory.events", "oom_kill "));
	EXPECT_LT(500, self->shared->count);
	/* A message is no less than its header. */
	EXPECT_GT(3 * MIB / 128, self->shared->count);
	drain(_metadata, self);
}

TEST_HARNESS_MAIN
