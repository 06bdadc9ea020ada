// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Mailboxes with a name: how they are created, found and unlinked, what names
 * may be, how long one lives, and many processes that want the same at a time.
 */
#include "mbox_peer.h"

#include <limits.h>

#define NAME	"name"

static int open_name(const void *name, __u32 len, __u32 flags)
{
	struct mbox_open_args args = {
		.flags = MBOX_NAMED | flags,
		.name = (unsigned long)name,
		.name_len = len,
	};

	return mb_ctl(MBOX_IOC_OPEN, &args);
}

static int create_name(const void *name, __u32 len, __u32 flags)
{
	struct mbox_create_args args = {
		.flags = MBOX_NAMED | MB_RW | flags,
		.mode = 0600,
		.name = (unsigned long)name,
		.name_len = len,
	};

	return mb_create(&args);
}

static int unlink_name(const void *name, __u32 len)
{
	struct mbox_open_args args = {
		.flags = MBOX_NAMED,
		.name = (unsigned long)name,
		.name_len = len,
	};

	return mb_ctl(MBOX_IOC_UNLINK, &args);
}

/* ---- names ---- */

FIXTURE(named_mailbox) {
	int h;
	struct mbox_stat_args stat;
};

FIXTURE_SETUP(named_mailbox)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->h = mb_create_named(NAME, MB_RW, 0640);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
}

FIXTURE_TEARDOWN(named_mailbox)
{
	mb_unlink(NAME);
}

TEST_F(named_mailbox, is_found_by_its_name)
{
	char buf[8];
	int h = mb_open(NAME, MBOX_RECV);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(self->h, "name", 4));
	EXPECT_EQ(4, mb_get(h, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp("name", buf, 4));
}

TEST_F(named_mailbox, outlives_its_handles_with_what_it_holds)
{
	char buf[8];
	int h;

	EXPECT_EQ(0, mb_put(self->h, "stays", 5));
	close(self->h);
	h = mb_open(NAME, MBOX_RECV);
	ASSERT_LE(0, h);
	EXPECT_EQ(5, mb_get(h, buf, sizeof(buf)));
	EXPECT_EQ((long long)self->stat.id, mb_id_of(h));
}

TEST_F(named_mailbox, is_not_found_once_unlinked)
{
	char buf[8];

	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MBOX_RECV));
	EXPECT_EQ(-ENOENT, mb_unlink(NAME));

	/* The handle still works. */
	EXPECT_EQ(0, mb_put(self->h, "still", 5));
	EXPECT_EQ(5, mb_get(self->h, buf, sizeof(buf)));
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
	EXPECT_EQ(0, self->stat.flags & MBOX_NAMED);
}

TEST_F(named_mailbox, has_nothing_to_do_with_the_next_of_its_name)
{
	char buf[8];
	int h;

	EXPECT_EQ(0, mb_unlink(NAME));
	h = mb_create_named(NAME, MB_RW | MBOX_EXCL, 0600);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(self->h, "old", 3));
	EXPECT_EQ(-EAGAIN, mb_get(h, buf, sizeof(buf)));
	EXPECT_NE((long long)self->stat.id, mb_id_of(h));
}

TEST_F(named_mailbox, is_not_created_twice_exclusively)
{
	EXPECT_EQ(-EEXIST, mb_create_named(NAME, MB_RW | MBOX_EXCL, 0600));
	EXPECT_EQ((long long)self->stat.id, mb_id_of(mb_open(NAME, MB_RW)));
}

TEST_F(named_mailbox, keeps_its_properties_when_created_again)
{
	struct mbox_create_args args = {
		.flags = MBOX_NAMED | MBOX_EPHEMERAL | MBOX_SEND,
		.mode = 0666,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
		.max_messages = 7,
		.max_bytes = 777,
		.max_message_size = 77,
		.type_source = MBOX_TYPE_BADGE,
		.overflow = MBOX_OVERFLOW_DROP,
	};
	struct mbox_stat_args stat;
	int h = mb_create(&args);

	ASSERT_LE(0, h);
	EXPECT_EQ(O_WRONLY, fcntl(h, F_GETFL) & O_ACCMODE);
	ASSERT_EQ(0, mb_stat(h, &stat));
	self->stat.senders++;
	EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat)));
}

TEST_F(named_mailbox, is_what_stat_says)
{
	struct mbox_stat_args *stat = &self->stat;

	EXPECT_EQ(MBOX_NAMED, stat->flags);
	EXPECT_EQ(0640, stat->mode);
	EXPECT_EQ(geteuid(), stat->uid);
	EXPECT_EQ(getegid(), stat->gid);
}

FIXTURE(name) {
};

FIXTURE_SETUP(name)
{
	MB_NEED_DEVICE();
}

FIXTURE_TEARDOWN(name)
{
}

TEST_F(name, that_is_forbidden_is_refused_everywhere)
{
	static const struct {
		const char *name;
		__u32 len;
		int err;
	} cases[] = {
		{ "", 0, EINVAL },
		{ "x", 0, EINVAL },
		{ ".", 1, EINVAL },
		{ "..", 2, EINVAL },
		{ "/", 1, EINVAL },
		{ "/name", 5, EINVAL },
		{ "name/", 5, EINVAL },
		{ "na/me", 5, EINVAL },
		{ "\0", 1, EINVAL },
		{ "\0name", 5, EINVAL },
		{ "name", 5, EINVAL },
		{ "na\0me", 5, EINVAL },
	};
	char longest[MBOX_NAME_MAX + 2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-cases[i].err,
			  create_name(cases[i].name, cases[i].len, 0)) {
			TH_LOG("case %u", i);
		}
		EXPECT_EQ(-cases[i].err,
			  open_name(cases[i].name, cases[i].len, MB_RW)) {
			TH_LOG("case %u", i);
		}
		EXPECT_EQ(-cases[i].err,
			  unlink_name(cases[i].name, cases[i].len)) {
			TH_LOG("case %u", i);
		}
	}

	memset(longest, 'n', sizeof(longest));
	EXPECT_EQ(-ENAMETOOLONG, create_name(longest, MBOX_NAME_MAX + 1, 0));
	EXPECT_EQ(-ENAMETOOLONG, open_name(longest, MBOX_NAME_MAX + 1, MB_RW));
	EXPECT_EQ(-ENAMETOOLONG, unlink_name(longest, MBOX_NAME_MAX + 1));
	EXPECT_EQ(-ENAMETOOLONG, create_name(longest, 1 << 31, 0));
	EXPECT_EQ(-ENAMETOOLONG, create_name(longest, UINT_MAX, 0));
}

TEST_F(name, may_be_any_other_byte)
{
	unsigned int byte, allowed = 0;
	unsigned char name;

	for (byte = 1; byte < 256; byte++) {
		name = byte;
		if (name == '/' || name == '.')
			continue;
		allowed++;
		EXPECT_LE(0, mb_id_of(create_name(&name, 1, MBOX_EXCL))) {
			TH_LOG("byte 0x%02x", byte);
		}
	}
	EXPECT_EQ(253, allowed);
	/* All at a time, so that each was another mailbox; none is left. */
	for (byte = 1; byte < 256; byte++) {
		name = byte;
		if (name == '/' || name == '.')
			continue;
		EXPECT_EQ(0, unlink_name(&name, 1));
	}
}

TEST_F(name, with_dots_is_a_name)
{
	static const char * const names[] = { "...", ".a", "a.", "..a", ". " };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_LE(0, mb_id_of(create_name(names[i], strlen(names[i]),
						  0)));
		EXPECT_EQ(0, mb_unlink(names[i]));
	}
}

TEST_F(name, of_255_bytes_counts_to_the_last)
{
	char name[MBOX_NAME_MAX];
	long long id;

	memset(name, 'n', sizeof(name));
	id = mb_id_of(create_name(name, sizeof(name), MBOX_EXCL));
	EXPECT_LE(0, id);
	EXPECT_EQ(-ENOENT, open_name(name, sizeof(name) - 1, MB_RW));
	name[sizeof(name) - 1] = 'm';
	EXPECT_EQ(-ENOENT, open_name(name, sizeof(name), MB_RW));
	name[sizeof(name) - 1] = 'n';
	EXPECT_EQ(id, mb_id_of(open_name(name, sizeof(name), MB_RW)));
	EXPECT_EQ(0, unlink_name(name, sizeof(name)));
}

TEST_F(name, is_not_read_beyond_its_length)
{
	char *name = mb_page_end() - 4;

	memcpy(name, "edge", 4);
	EXPECT_LE(0, mb_id_of(create_name(name, 4, MBOX_EXCL)));
	EXPECT_EQ(-EFAULT, open_name(name, 5, MB_RW));
	EXPECT_EQ(0, unlink_name(name, 4));
}

FIXTURE(ephemeral_mailbox) {
	int h;
};

FIXTURE_SETUP(ephemeral_mailbox)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->h = mb_create_named(NAME, MB_RW | MBOX_EPHEMERAL, 0600);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(ephemeral_mailbox)
{
	mb_unlink(NAME);
}

TEST_F(ephemeral_mailbox, says_so)
{
	struct mbox_stat_args stat;

	ASSERT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(MBOX_NAMED | MBOX_EPHEMERAL, stat.flags);
}

TEST_F(ephemeral_mailbox, goes_with_its_last_handle)
{
	int second = mb_open(NAME, MBOX_SEND);
	int copy = dup(second);

	ASSERT_LE(0, second);
	close(self->h);
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
	close(second);
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
	close(copy);
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
}

static void just_exit(struct __test_metadata *_metadata, void *arg)
{
}

TEST_F(ephemeral_mailbox, goes_with_the_last_process_that_has_it)
{
	pid_t pid = mb_fork(_metadata, just_exit, NULL);

	close(self->h);
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
}

TEST_F(ephemeral_mailbox, leaves_nothing_to_its_successor)
{
	char buf[8];
	int h;

	EXPECT_EQ(0, mb_put(self->h, "old", 3));
	close(self->h);
	h = mb_create_named(NAME, MB_RW, 0600);
	ASSERT_LE(0, h);
	EXPECT_EQ(-EAGAIN, mb_get(h, buf, sizeof(buf)));
	close(h);
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
}

TEST_F(ephemeral_mailbox, unlinked_before_does_not_take_its_successor_along)
{
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(0, close(mb_create_named(NAME, MB_RW, 0600)));
	close(self->h);
	EXPECT_EQ(0, close(mb_open(NAME, MB_RW)));
}

/* ---- many processes at a time ---- */

#define RACERS	3
#define ROUNDS	40

struct race {
	int arrived;
	long long id[RACERS][ROUNDS];
};

struct racer {
	struct race *race;
	int self;
	__u32 flags;
};

FIXTURE(racing_processes) {
	struct race *race;
};

static void race_name(char *name, int round)
{
	snprintf(name, 32, "race-%d", round);
}

FIXTURE_SETUP(racing_processes)
{
	char name[32];
	int i;

	MB_NEED_DEVICE();
	for (i = 0; i < ROUNDS; i++) {
		race_name(name, i);
		mb_unlink(name);
	}
	self->race = mmap(NULL, sizeof(*self->race), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(self->race != MAP_FAILED);
}

FIXTURE_TEARDOWN(racing_processes)
{
	char name[32];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		race_name(name, i);
		mb_unlink(name);
	}
}

static void race_to_create(struct __test_metadata *_metadata, void *arg)
{
	struct racer *me = arg;
	struct race *race = me->race;
	char name[32];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		__atomic_add_fetch(&race->arrived, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&race->arrived, __ATOMIC_SEQ_CST) <
		       (i + 1) * RACERS)
			sched_yield();
		race_name(name, i);
		race->id[me->self][i] =
			mb_id_of(mb_create_named(name, MB_RW | me->flags,
						 0600));
	}
}

static void run_race(struct __test_metadata *_metadata, struct race *race,
		     mb_child_fn fn, __u32 flags)
{
	struct racer racers[RACERS];
	pid_t pids[RACERS];
	int i;

	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){ race, i, flags };
		pids[i] = mb_fork(_metadata, fn, &racers[i]);
	}
	for (i = 0; i < RACERS; i++)
		EXPECT_EQ(0, mb_wait(pids[i]));
}

TEST_F(racing_processes, that_open_or_create_get_one_mailbox)
{
	int i, j;

	run_race(_metadata, self->race, race_to_create, 0);
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_LE(0, self->race->id[0][i]);
		for (j = 1; j < RACERS; j++)
			ASSERT_EQ(self->race->id[0][i], self->race->id[j][i]);
	}
}

TEST_F(racing_processes, that_create_exclusively_have_one_winner)
{
	int i, j, winners;

	run_race(_metadata, self->race, race_to_create, MBOX_EXCL);
	for (i = 0; i < ROUNDS; i++) {
		winners = 0;
		for (j = 0; j < RACERS; j++) {
			if (self->race->id[j][i] >= 0)
				winners++;
			else
				ASSERT_EQ(-EEXIST, self->race->id[j][i]);
		}
		ASSERT_EQ(1, winners);
	}
}

static void race_with_unlink(struct __test_metadata *_metadata, void *arg)
{
	struct racer *me = arg;
	char buf[8];
	int i, h, ret;

	for (i = 0; i < 2 * ROUNDS; i++) {
		h = mb_create_named("race-0", MB_RW | me->flags, 0600);
		ASSERT_LE(0, h);
		/* Whoever else has it, it works. */
		ASSERT_EQ(0, mb_put(h, "x", 1));
		ret = mb_get(h, buf, sizeof(buf));
		ASSERT_TRUE(ret == 1 || ret == -EAGAIN);
		ret = mb_unlink("race-0");
		ASSERT_TRUE(ret == 0 || ret == -ENOENT);
		close(h);
	}
}

TEST_F(racing_processes, that_unlink_do_not_fail_those_that_create)
{
	run_race(_metadata, self->race, race_with_unlink, 0);
	EXPECT_EQ(-ENOENT, mb_open("race-0", MB_RW));
}

TEST_F(racing_processes, that_close_ephemeral_ones_do_not_fail_those_that_create)
{
	run_race(_metadata, self->race, race_with_unlink, MBOX_EPHEMERAL);
	EXPECT_EQ(-ENOENT, mb_open("race-0", MB_RW));
}

TEST_HARNESS_MAIN
