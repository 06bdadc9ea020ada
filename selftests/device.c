// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /dev/mbox: how mailboxes are created, found and unlinked, what names may be,
 * how long names and processes' own mailboxes live, and what QUERY tells.
 * Who may do so is tested in permission.c, wrong arguments in arguments.c.
 */
#include "mbox_test.h"

#include <limits.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define NAME	"device"
#define EXEC_ENV	"MBOX_TEST_AFTER_EXEC"

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

/* The number of the mailbox behind a handle, which is closed; or the error. */
static long long id_of(int h)
{
	struct mbox_stat_args stat;
	int ret;

	if (h < 0)
		return h;
	ret = mb_stat(h, &stat);
	close(h);
	return ret ? ret : (long long)stat.id;
}

/* ---- the device ---- */

FIXTURE(device) {
};

FIXTURE_SETUP(device)
{
	MB_NEED_DEVICE();
}

FIXTURE_TEARDOWN(device)
{
}

TEST_F(device, is_for_everybody)
{
	struct stat st;

	ASSERT_EQ(0, stat(MB_DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0666, st.st_mode & 07777);
}

static void create_anonymous(struct __test_metadata *_metadata, void *arg)
{
	int *access = arg;
	struct mbox_create_args args = { .flags = MB_RW };
	int dev = open(MB_DEVICE, *access);

	ASSERT_LE(0, dev);
	EXPECT_LE(0, mb_ioctl(dev, MBOX_IOC_CREATE, &args));
}

TEST_F(device, works_whatever_it_is_open_for)
{
	static const int access[] = { O_RDONLY, O_WRONLY, O_RDWR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(access); i++)
		EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, create_anonymous,
				       (void *)&access[i]));
}

TEST_F(device, is_no_mailbox_itself)
{
	int dev = mb_device();
	char buf[8];

	ASSERT_LE(0, dev);
	EXPECT_EQ(-1, read(dev, buf, sizeof(buf)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(dev, buf, sizeof(buf)));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(device, query_tells_limits_and_features)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(MBOX_FEATURE_IOVEC | MBOX_FEATURE_PEEK, query.features);
	EXPECT_EQ(16ULL << 20, query.default_max_bytes);
	EXPECT_EQ(1024, query.default_max_messages);
	EXPECT_EQ(1 << 20, query.default_max_message_size);
	EXPECT_LE(query.default_max_bytes, query.ceiling_max_bytes);
	EXPECT_LE(query.default_max_messages, query.ceiling_max_messages);
	EXPECT_LE(query.default_max_message_size,
		  query.ceiling_max_message_size);
	EXPECT_LT(0, query.user_max_bytes);
	EXPECT_LT(0, query.user_max_mailboxes);
	EXPECT_LT(0, query.ns_max_mailboxes);
}

/* As a user and in a network namespace that nobody else uses meanwhile. */
static void count_mailboxes(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_query_args query;
	int anon, named, own;

	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(0, query.user_mailboxes);
	EXPECT_EQ(0, query.ns_mailboxes);
	EXPECT_EQ(0, query.user_bytes);

	anon = mb_create_anon();
	ASSERT_LE(0, anon);
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(1, query.user_mailboxes);
	EXPECT_EQ(0, query.ns_mailboxes);

	named = mb_create_named(NAME, MB_RW, 0600);
	ASSERT_LE(0, named);
	own = mb_create_own(MB_RW, 0600);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(3, query.user_mailboxes);
	EXPECT_EQ(2, query.ns_mailboxes);

	EXPECT_EQ(0, mb_put(named, "12345", 5));
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_LE(5, query.user_bytes);

	close(anon);
	close(named);
	EXPECT_EQ(0, mb_unlink(NAME));
	close(own);
	EXPECT_EQ(0, mb_unlink_pid(0));
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_EQ(0, query.user_mailboxes);
	EXPECT_EQ(0, query.ns_mailboxes);
	EXPECT_EQ(0, query.user_bytes);
}

TEST_F(device, query_counts_what_the_caller_has)
{
	const struct mb_child child = {
		.fn = count_mailboxes,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = CLONE_NEWUSER | CLONE_NEWNET,
	};

	ASSERT_EQ(0, mb_wait(mb_fork_child(_metadata, &child)));
}

/* ---- what CREATE and OPEN return ---- */

FIXTURE(new_handle) {
};

FIXTURE_SETUP(new_handle)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
}

FIXTURE_TEARDOWN(new_handle)
{
	mb_unlink(NAME);
}

TEST_F(new_handle, is_the_lowest_free_descriptor_and_close_on_exec)
{
	struct mbox_create_args args = { .flags = MB_RW };
	int dev = mb_device();
	int low = dup(dev);
	int h;

	close(low);
	h = mb_ioctl(dev, MBOX_IOC_CREATE, &args);
	EXPECT_EQ(low, h);
	EXPECT_EQ(FD_CLOEXEC, fcntl(h, F_GETFD));
	h = mb_narrow(h, MB_RW, 0);
	EXPECT_EQ(low + 1, h);
	EXPECT_EQ(FD_CLOEXEC, fcntl(h, F_GETFD));
}

TEST_F(new_handle, has_its_rights_as_access_mode)
{
	static const struct {
		__u32 flags;
		int status;
	} cases[] = {
		{ MBOX_RECV, O_RDONLY },
		{ MBOX_SEND, O_WRONLY },
		{ MB_RW, O_RDWR },
		{ MBOX_RECV | MBOX_NONBLOCK, O_RDONLY | O_NONBLOCK },
		{ MBOX_SEND | MBOX_NONBLOCK, O_WRONLY | O_NONBLOCK },
		{ MB_RW | MBOX_NONBLOCK, O_RDWR | O_NONBLOCK },
	};
	struct mbox_create_args args;
	unsigned int i;
	int h;

	ASSERT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		args = (struct mbox_create_args){ .flags = cases[i].flags };
		h = mb_create(&args);
		ASSERT_LE(0, h);
		EXPECT_EQ(cases[i].status,
			  fcntl(h, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
		h = mb_open(NAME, cases[i].flags);
		ASSERT_LE(0, h);
		EXPECT_EQ(cases[i].status,
			  fcntl(h, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	}
}

TEST_F(new_handle, without_a_free_descriptor_is_refused_and_leaves_nothing)
{
	struct rlimit limit = { 64, 64 };
	struct mbox_stat_args before, after;
	struct mbox_narrow_args narrow = { .flags = MB_RW };
	struct mbox_create_args create = {
		.flags = MBOX_NAMED | MB_RW,
		.name = (unsigned long)NAME "2",
		.name_len = strlen(NAME "2"),
	};
	struct mbox_open_args open_args = {
		.flags = MBOX_NAMED | MB_RW,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
	};
	struct mbox_query_args query;
	__u32 mailboxes;
	int dev = mb_device();
	int h = mb_create_named(NAME, MB_RW, 0600);
	int last;

	ASSERT_LE(0, h);
	ASSERT_EQ(0, mb_ioctl(dev, MBOX_IOC_QUERY, &query));
	mailboxes = query.ns_mailboxes;
	ASSERT_EQ(0, mb_stat(h, &before));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	do
		last = dup(dev);
	while (last >= 0 && last < 64);

	EXPECT_EQ(-EMFILE, mb_ioctl(dev, MBOX_IOC_CREATE, &create));
	EXPECT_EQ(-EMFILE, mb_ioctl(dev, MBOX_IOC_OPEN, &open_args));
	EXPECT_EQ(-EMFILE, mb_ioctl(h, MBOX_IOC_NARROW, &narrow));

	EXPECT_EQ(0, mb_stat(h, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	ASSERT_EQ(0, mb_ioctl(dev, MBOX_IOC_QUERY, &query));
	EXPECT_EQ(mailboxes, query.ns_mailboxes);
	open_args.flags = MBOX_NAMED;
	open_args.name = create.name;
	open_args.name_len = create.name_len;
	EXPECT_EQ(-ENOENT, mb_ioctl(dev, MBOX_IOC_UNLINK, &open_args));
}

#define FILE_MAX "/proc/sys/fs/file-max"

static void create_without_files(struct __test_metadata *_metadata, void *arg)
{
	struct mbox_create_args args = {
		.flags = MBOX_NAMED | MB_RW,
		.name = (unsigned long)NAME "2",
		.name_len = strlen(NAME "2"),
	};
	int *fds = arg;

	EXPECT_EQ(-ENFILE, mb_ioctl(fds[0], MBOX_IOC_CREATE, &args));
	EXPECT_EQ(-ENFILE, mb_narrow(fds[1], MB_RW, 0));
}

TEST_F(new_handle, without_a_free_file_is_refused_and_leaves_nothing)
{
	int fds[] = { mb_device(), mb_create_anon() };
	char before[32] = "";
	int max = open(FILE_MAX, O_RDWR | O_CLOEXEC);
	int ret;

	ASSERT_LT(0, read(max, before, sizeof(before) - 1));
	ASSERT_LT(0, pwrite(max, "0\n", 2, 0));
	ret = mb_run_as(_metadata, MB_USER, create_without_files, fds);
	ASSERT_EQ(strlen(before), pwrite(max, before, strlen(before), 0));
	EXPECT_EQ(0, ret);
	EXPECT_EQ(-ENOENT, mb_unlink(NAME "2"));
	EXPECT_LE(0, mb_create_anon());
}

TEST_F(new_handle, of_an_anonymous_mailbox_has_a_mailbox_for_itself)
{
	long long a = id_of(mb_create_anon());
	long long b = id_of(mb_create_anon());

	EXPECT_LE(0, a);
	EXPECT_LE(0, b);
	EXPECT_NE(a, b);
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
	EXPECT_EQ((long long)self->stat.id, id_of(h));
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
	EXPECT_NE((long long)self->stat.id, id_of(h));
}

TEST_F(named_mailbox, is_not_created_twice_exclusively)
{
	EXPECT_EQ(-EEXIST, mb_create_named(NAME, MB_RW | MBOX_EXCL, 0600));
	EXPECT_EQ((long long)self->stat.id, id_of(mb_open(NAME, MB_RW)));
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
		EXPECT_LE(0, id_of(create_name(&name, 1, MBOX_EXCL))) {
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
		EXPECT_LE(0, id_of(create_name(names[i], strlen(names[i]), 0)));
		EXPECT_EQ(0, mb_unlink(names[i]));
	}
}

TEST_F(name, of_255_bytes_counts_to_the_last)
{
	char name[MBOX_NAME_MAX];
	long long id;

	memset(name, 'n', sizeof(name));
	id = id_of(create_name(name, sizeof(name), MBOX_EXCL));
	EXPECT_LE(0, id);
	EXPECT_EQ(-ENOENT, open_name(name, sizeof(name) - 1, MB_RW));
	name[sizeof(name) - 1] = 'm';
	EXPECT_EQ(-ENOENT, open_name(name, sizeof(name), MB_RW));
	name[sizeof(name) - 1] = 'n';
	EXPECT_EQ(id, id_of(open_name(name, sizeof(name), MB_RW)));
	EXPECT_EQ(0, unlink_name(name, sizeof(name)));
}

TEST_F(name, is_not_read_beyond_its_length)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *name = mem + page - 4;

	ASSERT_TRUE(mem != MAP_FAILED);
	ASSERT_EQ(0, mprotect(mem + page, page, PROT_NONE));
	memcpy(name, "edge", 4);
	EXPECT_LE(0, id_of(create_name(name, 4, MBOX_EXCL)));
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
			id_of(mb_create_named(name, MB_RW | me->flags, 0600));
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

/* ---- a process's own mailbox ---- */

FIXTURE(own_mailbox) {
	pid_t pid;		/* whose it is */
	int ready;
	int go;
};

struct owner {
	int ready;		/* write end */
	int go;			/* read end */
};

static void own_and_wait(struct __test_metadata *_metadata, void *arg)
{
	struct owner *owner = arg;
	char byte = 0;

	EXPECT_LE(0, mb_create_own(MB_RW, 0666));
	ASSERT_EQ(1, write(owner->ready, &byte, 1));
	EXPECT_EQ(1, read(owner->go, &byte, 1));
}

/* A child that owns a mailbox, and no other handle to it. */
FIXTURE_SETUP(own_mailbox)
{
	struct owner owner;
	int ready[2], go[2];
	char byte;

	MB_NEED_DEVICE();
	umask(0);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	owner.ready = ready[1];
	owner.go = go[0];
	self->ready = ready[0];
	self->go = go[1];
	self->pid = mb_fork(_metadata, own_and_wait, &owner);
	ASSERT_LT(0, self->pid);
	close(ready[1]);
	close(go[0]);
	ASSERT_EQ(1, read(self->ready, &byte, 1));
}

FIXTURE_TEARDOWN(own_mailbox)
{
	if (self->pid > 0)
		mb_kill(self->pid);
}

TEST_F(own_mailbox, is_found_by_the_pid)
{
	struct mbox_stat_args stat;
	int h = mb_open_pid(self->pid, MB_RW);

	ASSERT_LE(0, h);
	ASSERT_EQ(0, mb_stat(h, &stat));
	EXPECT_EQ(MBOX_OWN, stat.flags);
	EXPECT_EQ(0666, stat.mode);
	EXPECT_EQ(2, stat.senders);
	EXPECT_EQ(2, stat.receivers);
}

TEST_F(own_mailbox, is_of_no_other_process)
{
	/* Neither of this one nor of one that does not exist. */
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(getpid(), MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(1, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(INT_MAX, MB_RW));
	EXPECT_EQ(-ENOENT, mb_unlink_pid(0));
}

TEST_F(own_mailbox, goes_with_its_process_and_not_with_its_handles)
{
	char byte = 0, buf[8];
	int h = mb_open_pid(self->pid, MB_RW);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "last", 4));
	ASSERT_EQ(1, write(self->go, &byte, 1));
	/* Not even reaped: a zombie has none. */
	EXPECT_TRUE(wait_until(mb_open_pid(self->pid, MBOX_SEND) == -ENOENT));
	EXPECT_EQ(0, mb_wait(self->pid));
	EXPECT_EQ(-ENOENT, mb_open_pid(self->pid, MBOX_SEND));
	self->pid = 0;

	/* Open handles live on. */
	EXPECT_EQ(4, mb_get(h, buf, sizeof(buf)));
	EXPECT_EQ(0, mb_put(h, "more", 4));
	EXPECT_EQ(4, mb_get(h, buf, sizeof(buf)));
}

TEST_F(own_mailbox, of_a_killed_process_goes_too)
{
	int h = mb_open_pid(self->pid, MBOX_SEND);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "x", 1));
	kill(self->pid, SIGKILL);
	EXPECT_TRUE(wait_until(mb_open_pid(self->pid, MBOX_SEND) == -ENOENT));
	/* No pid, no handle that may receive. */
	EXPECT_TRUE(wait_until(mb_put(h, "x", 1) == -EPIPE));
}

/* A process of that very pid, which does nothing. */
static pid_t fork_as(pid_t number)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (unsigned long)&number,
		.set_tid_size = 1,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		for (;;)
			pause();
	return pid;
}

TEST_F(own_mailbox, of_a_process_that_is_gone_is_not_that_of_a_later_one)
{
	char byte = 0;

	ASSERT_EQ(1, write(self->go, &byte, 1));
	EXPECT_EQ(0, mb_wait(self->pid));
	ASSERT_EQ(self->pid, fork_as(self->pid));
	EXPECT_EQ(-ENOENT, mb_open_pid(self->pid, MBOX_SEND));
}

FIXTURE(this_process) {
};

FIXTURE_SETUP(this_process)
{
	MB_NEED_DEVICE();
}

FIXTURE_TEARDOWN(this_process)
{
}

TEST_F(this_process, has_at_most_one_own_mailbox)
{
	long long id = id_of(mb_create_own(MB_RW, 0600));

	ASSERT_LE(0, id);
	EXPECT_EQ(id, id_of(mb_create_own(MB_RW, 0600)));
	EXPECT_EQ(id, id_of(mb_open_pid(0, MB_RW)));
	EXPECT_EQ(id, id_of(mb_open_pid(getpid(), MB_RW)));
	EXPECT_EQ(-EEXIST, mb_create_own(MB_RW | MBOX_EXCL, 0600));
}

TEST_F(this_process, can_unlink_its_own_mailbox_and_make_another)
{
	long long id = id_of(mb_create_own(MB_RW, 0600));

	EXPECT_EQ(0, mb_unlink_pid(getpid()));
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
	EXPECT_EQ(-ENOENT, mb_unlink_pid(0));
	EXPECT_NE(id, id_of(mb_create_own(MB_RW | MBOX_EXCL, 0600)));
}

static void no_own_mailbox_here(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
	EXPECT_LE(0, mb_create_own(MB_RW | MBOX_EXCL, 0600));
	EXPECT_LE(0, mb_open_pid(getppid(), MB_RW));
}

TEST_F(this_process, does_not_pass_its_own_mailbox_to_children)
{
	long long id = id_of(mb_create_own(MB_RW, 0600));

	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, no_own_mailbox_here, NULL)));
	EXPECT_EQ(id, id_of(mb_open_pid(0, MB_RW)));
}

struct thread {
	pid_t tid;
	long long id;
	long long by_tid;
};

static void *own_in_thread(void *arg)
{
	struct thread *thread = arg;

	thread->tid = syscall(SYS_gettid);
	thread->id = id_of(mb_create_own(MB_RW, 0600));
	thread->by_tid = mb_open_pid(thread->tid, MB_RW);
	return NULL;
}

TEST_F(this_process, owns_what_its_threads_create)
{
	struct thread thread = {};
	pthread_t id;

	ASSERT_EQ(0, pthread_create(&id, NULL, own_in_thread, &thread));
	ASSERT_EQ(0, pthread_join(id, NULL));
	ASSERT_NE(getpid(), thread.tid);
	ASSERT_LE(0, thread.id);
	EXPECT_EQ(thread.id, id_of(mb_open_pid(getpid(), MB_RW)));
	/* A thread is not a process, and its end is not the process's. */
	EXPECT_EQ(-ENOENT, thread.by_tid);
	EXPECT_EQ(thread.id, id_of(mb_create_own(MB_RW, 0600)));
}

/* What this program does when a test executes it; see exec_self(). */
static void __attribute__((constructor)) after_exec(void)
{
	char buf[8] = "";
	int h;

	if (!getenv(EXEC_ENV))
		return;
	h = mb_open_pid(0, MBOX_RECV);
	if (h < 0)
		_exit(2);
	if (read(h, buf, sizeof(buf)) != 5 || memcmp(buf, "hello", 5))
		_exit(3);
	_exit(0);
}

static void *exec_self(void *arg)
{
	static char * const argv[] = { "device", NULL };
	static char * const envp[] = { EXEC_ENV "=1", NULL };

	execve("/proc/self/exe", argv, envp);
	_exit(4);
}

static void own_and_exec(struct __test_metadata *_metadata, void *arg)
{
	bool *threaded = arg;
	pthread_t id;
	int h = mb_create_own(MB_RW, 0600);

	ASSERT_LE(0, h);
	ASSERT_EQ(5, write(h, "hello", 5));
	if (!*threaded)
		exec_self(NULL);
	/* The thread takes the pid of this one over. */
	ASSERT_EQ(0, pthread_create(&id, NULL, exec_self, NULL));
	for (;;)
		pause();
}

TEST_F(this_process, keeps_its_own_mailbox_over_exec)
{
	bool threaded = false;

	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, own_and_exec, &threaded)));
}

TEST_F(this_process, keeps_its_own_mailbox_when_a_thread_executes)
{
	bool threaded = true;

	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, own_and_exec, &threaded)));
}

static void *stay_behind(void *arg)
{
	struct owner *owner = arg;
	char byte = 0;

	if (write(owner->ready, &byte, 1) != 1 ||
	    read(owner->go, &byte, 1) != 1)
		_exit(2);
	syscall(SYS_exit, 0);
	return NULL;
}

static void own_and_lose_first_thread(struct __test_metadata *_metadata,
				      void *arg)
{
	pthread_t id;

	ASSERT_LE(0, mb_create_own(MB_RW, 0600));
	ASSERT_EQ(0, pthread_create(&id, NULL, stay_behind, arg));
	syscall(SYS_exit, 0);
}

static bool is_zombie(pid_t pid)
{
	char path[64], line[256];
	bool zombie = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		zombie = strstr(line, ") Z ");
	fclose(f);
	return zombie;
}

TEST_F(this_process, keeps_its_own_mailbox_until_its_last_thread_ends)
{
	struct owner owner;
	int ready[2], go[2];
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	owner = (struct owner){ ready[1], go[0] };
	pid = mb_fork(_metadata, own_and_lose_first_thread, &owner);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_TRUE(wait_until(is_zombie(pid)));
	EXPECT_LE(0, mb_open_pid(pid, MB_RW));
	ASSERT_EQ(1, write(go[1], &byte, 1));
	EXPECT_TRUE(wait_until(mb_open_pid(pid, MB_RW) == -ENOENT));
	EXPECT_EQ(0, mb_wait(pid));
}

struct first_process {
	struct owner owner;
	int pid;		/* write end: what this one is called outside */
};

static void first_process_owns(struct __test_metadata *_metadata, void *arg)
{
	struct first_process *first = arg;
	char outer[16] = "";

	EXPECT_EQ(1, getpid());
	ASSERT_LT(0, readlink("/proc/self", outer, sizeof(outer) - 1));
	ASSERT_EQ(sizeof(outer), write(first->pid, outer, sizeof(outer)));
	own_and_wait(_metadata, &first->owner);
	/* Pid 1 as it is called here. */
	EXPECT_LE(0, mb_open_pid(1, MB_RW));
}

TEST_F(this_process, finds_pids_of_its_own_pid_namespace)
{
	struct first_process first;
	const struct mb_child child = {
		.fn = first_process_owns,
		.arg = &first,
		.unshare = CLONE_NEWPID,
	};
	int number[2], ready[2], go[2];
	char outer[16], byte = 0;
	pid_t pid, inner;

	ASSERT_EQ(0, pipe2(number, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	first = (struct first_process){ { ready[1], go[0] }, number[1] };
	pid = mb_fork_child(_metadata, &child);
	ASSERT_LT(0, pid);
	ASSERT_EQ(sizeof(outer), read(number[0], outer, sizeof(outer)));
	inner = atoi(outer);
	ASSERT_EQ(1, read(ready[0], &byte, 1));

	EXPECT_LE(0, mb_open_pid(inner, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(1, MB_RW));
	ASSERT_EQ(1, write(go[1], &byte, 1));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_TRUE(wait_until(mb_open_pid(inner, MB_RW) == -ENOENT));
}

TEST_HARNESS_MAIN
