// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /proc/net/mbox: what is in a line, who sees which (G9), and that going through them
 * misses nothing while others come and go.
 */
#include "mbox_peer.h"

#include <sys/stat.h>

#define LISTING		"/proc/thread-self/net/mbox"
#define MANY		500

/* One line, taken apart. */
struct line {
	struct mbox_stat_args st;
	char by[8];
	char key[4 * MBOX_NAME_MAX + 1];
};

static bool line_parse(const char *text, struct line *l)
{
	unsigned long long id, bytes, max_bytes, sent, received, drops, created;
	int n;

	n = sscanf(text, "%llu%o%u%u%u%llu%u%llu%u%u%u%u%u%u%llu%llu%llu%llu%7s%1020s",
		   &id, &l->st.mode, &l->st.uid, &l->st.gid, &l->st.messages, &bytes,
		   &l->st.max_messages, &max_bytes, &l->st.senders, &l->st.receivers,
		   &l->st.waiting_senders, &l->st.waiting_receivers, &l->st.calls,
		   &l->st.tokens, &sent, &received, &drops, &created, l->by, l->key);
	l->st.id = id;
	l->st.bytes = bytes;
	l->st.max_bytes = max_bytes;
	l->st.sent = sent;
	l->st.received = received;
	l->st.drops = drops;
	l->st.created = created;
	return n == 20;
}

/* The line of a mailbox, in a listing that is open; false: it has none. */
static bool line_in(FILE *f, const char *by, const char *key, struct line *l)
{
	char text[2048];

	rewind(f);
	while (fgets(text, sizeof(text), f))
		if (line_parse(text, l) && !strcmp(l->by, by) && !strcmp(l->key, key))
			return true;
	return false;
}

static bool line_of(const char *by, const char *key, struct line *l)
{
	FILE *f = fopen(LISTING, "re");
	bool found = f && line_in(f, by, key, l);

	if (f)
		fclose(f);
	return found;
}

static bool listed(const char *name)
{
	struct line l;

	return line_of("name", name, &l);
}

FIXTURE(listing) {
	int h;			/* of "listing", for all */
	int anonymous;
};

FIXTURE_SETUP(listing)
{
	MB_NEED_DEVICE();
	umask(0);
	self->h = mb_create_named("listing", MB_RW | MBOX_EPHEMERAL, 0666);
	ASSERT_LE(0, self->h);
	self->anonymous = mb_create_anon();
	ASSERT_LE(0, self->anonymous);
}

FIXTURE_TEARDOWN(listing)
{
}

TEST_F(listing, begins_with_the_names_of_its_columns)
{
	char head[1024] = "";
	FILE *f = fopen(LISTING, "re");
	int words = 0;
	char *word;

	ASSERT_NE(NULL, f);
	ASSERT_NE(NULL, fgets(head, sizeof(head), f));
	for (word = strtok(head, "\n "); word; word = strtok(NULL, "\n "))
		words++;
	EXPECT_EQ(20, words);
	fclose(f);
}

TEST_F(listing, tells_what_stat_tells)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGES | MBOX_SET_MAX_BYTES | MBOX_SET_UID |
			MBOX_SET_GID | MBOX_SET_MAX_MESSAGE_SIZE,
		.uid = MB_USER, .gid = MB_GROUP,
		.max_messages = 77, .max_bytes = 999, .max_message_size = 9,
	};
	struct mbox_stat_args st;
	struct line l;
	char buf[8];

	ASSERT_EQ(0, mb_set(self->h, &set));
	ASSERT_EQ(0, mb_put(self->h, "1", 1));
	ASSERT_EQ(0, mb_put(self->h, "22", 2));
	ASSERT_EQ(0, mb_put(self->h, "333", 3));
	ASSERT_EQ(1, mb_get(self->h, buf, sizeof(buf)));
	ASSERT_LE(0, mb_narrow(self->h, MBOX_SEND, 0));
	ASSERT_EQ(0, mb_stat(self->h, &st));
	ASSERT_TRUE(line_of("name", "listing", &l));
	EXPECT_EQ(st.id, l.st.id);
	EXPECT_EQ(0666, l.st.mode);
	EXPECT_EQ(MB_USER, l.st.uid);
	EXPECT_EQ(MB_GROUP, l.st.gid);
	EXPECT_EQ(2, l.st.messages);
	EXPECT_EQ(5, l.st.bytes);
	EXPECT_EQ(77, l.st.max_messages);
	EXPECT_EQ(999, l.st.max_bytes);
	EXPECT_EQ(2, l.st.senders);
	EXPECT_EQ(1, l.st.receivers);
	EXPECT_EQ(3, l.st.sent);
	EXPECT_EQ(1, l.st.received);
	EXPECT_EQ(0, l.st.drops);
	EXPECT_EQ(st.created, l.st.created);
}

TEST_F(listing, tells_who_waits_and_what_is_owed)
{
	struct mbox_msg_args lease = { .flags = MBOX_LEASE | MBOX_WAIT_NONE };
	struct peer *r = peer_recv(self->h);
	struct line l;

	ASSERT_TRUE(peer_blocks(r));
	ASSERT_TRUE(line_of("name", "listing", &l));
	EXPECT_EQ(1, l.st.waiting_receivers);
	EXPECT_EQ(0, l.st.tokens);
	ASSERT_EQ(0, mb_put(self->h, "", 0));
	peer_join(r);
	ASSERT_EQ(0, mb_put(self->h, "", 0));
	ASSERT_EQ(0, mb_recv(self->h, &lease));
	ASSERT_TRUE(line_of("name", "listing", &l));
	EXPECT_EQ(0, l.st.waiting_receivers);
	EXPECT_EQ(1, l.st.tokens);
}

TEST_F(listing, has_no_line_for_what_cannot_be_found)
{
	FILE *f = fopen(LISTING, "re");
	char text[2048];
	struct line l;

	ASSERT_NE(NULL, f);
	while (fgets(text, sizeof(text), f))
		if (line_parse(text, &l))
			EXPECT_NE((__u64)mb_id_of(self->anonymous), l.st.id);
	fclose(f);
	ASSERT_EQ(0, mb_unlink("listing"));
	EXPECT_FALSE(listed("listing"));
}

TEST_F(listing, has_a_line_for_a_process_of_its_own)
{
	char pid[16];
	struct line l;

	snprintf(pid, sizeof(pid), "%d", getpid());
	EXPECT_FALSE(line_of("pid", pid, &l));
	ASSERT_LE(0, mb_create_own(MB_RW, 0600));
	ASSERT_TRUE(line_of("pid", pid, &l));
	EXPECT_EQ(0600, l.st.mode);
	ASSERT_EQ(0, mb_unlink_pid(getpid()));
	EXPECT_FALSE(line_of("pid", pid, &l));
}

TEST_F(listing, keeps_names_to_a_word_of_printable_characters)
{
	static const char name[] = "a b\\c\n\xff\x01z";
	struct line l;

	ASSERT_LE(0, mb_create_named(name, MB_RW | MBOX_EPHEMERAL, 0666));
	EXPECT_TRUE(line_of("name", "a\\040b\\134c\\012\\377\\001z", &l));
}

TEST_F(listing, has_the_longest_name_whole)
{
	char name[MBOX_NAME_MAX + 1], escaped[4 * MBOX_NAME_MAX + 1];
	struct line l;
	int i;

	memset(name, ' ', MBOX_NAME_MAX);
	name[MBOX_NAME_MAX] = '\0';
	for (i = 0; i < MBOX_NAME_MAX; i++)
		strcpy(escaped + 4 * i, "\\040");
	ASSERT_LE(0, mb_create_named(name, MB_RW | MBOX_EPHEMERAL, 0666));
	EXPECT_TRUE(line_of("name", escaped, &l));
}

/* ---- who sees what (G9) ---- */

static void of_each_mode(struct __test_metadata *_metadata, int shift)
{
	char name[16];
	__u32 mode;

	for (mode = 0; mode < 01000; mode++) {
		if (mode & 0111)
			continue;
		snprintf(name, sizeof(name), "m%o", mode);
		EXPECT_EQ(shift < 0 || (mode >> shift & 06), listed(name)) {
			TH_LOG("mode %o", mode);
		}
	}
}

static void see_as_owner(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_USER, MB_GROUP));
	of_each_mode(_metadata, -1);
}

static void see_as_group(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_USER + 1, MB_USER));
	of_each_mode(_metadata, 3);
}

static void see_as_other(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_USER + 1, MB_USER + 1));
	of_each_mode(_metadata, 0);
}

static void see_with_privilege(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become_with_caps(MB_USER + 1, 1ULL << CAP_IPC_OWNER));
	of_each_mode(_metadata, -1);
}

TEST_F(listing, g09_shows_what_may_be_opened_or_changed)
{
	char name[16];
	__u32 mode;
	int h;

	for (mode = 0; mode < 01000; mode++) {
		if (mode & 0111)
			continue;
		snprintf(name, sizeof(name), "m%o", mode);
		h = mb_create_named(name, MB_RW | MBOX_EPHEMERAL, mode);
		ASSERT_LE(0, h);
		ASSERT_EQ(0, mb_set_owner(h, MB_USER, MB_USER));
	}
	of_each_mode(_metadata, -1);
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, see_as_owner, NULL)));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, see_as_group, NULL)));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, see_as_other, NULL)));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, see_with_privilege, NULL)));
}

static void open_as_nobody(struct __test_metadata *_metadata, void *arg)
{
	ASSERT_EQ(0, mb_become(MB_USER + 1, MB_USER + 1));
	ASSERT_EQ(0, send_fd(*(int *)arg, open(LISTING, O_RDONLY | O_CLOEXEC)));
}

/* A set-uid program must not be made to tell what its caller may not see. */
TEST_F(listing, g09_shows_what_its_opener_may_see)
{
	struct line l;
	int sock[2];
	FILE *f;

	ASSERT_LE(0, mb_create_named("secret", MB_RW | MBOX_EPHEMERAL, 0600));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock));
	ASSERT_EQ(0, mb_wait(mb_fork(_metadata, open_as_nobody, &sock[1])));
	f = fdopen(recv_fd(sock[0]), "r");
	ASSERT_NE(NULL, f);
	EXPECT_TRUE(line_in(f, "name", "listing", &l));
	EXPECT_FALSE(line_in(f, "name", "secret", &l));
	fclose(f);
	EXPECT_TRUE(listed("secret"));
}

static void see_nothing(struct __test_metadata *_metadata, void *arg)
{
	struct line l;

	EXPECT_FALSE(line_of("name", "listing", &l));
	ASSERT_LE(0, mb_create_named("inside", MB_RW | MBOX_EPHEMERAL, 0666));
	EXPECT_TRUE(line_of("name", "inside", &l));
}

TEST_F(listing, g09_shows_one_network_namespace)
{
	EXPECT_EQ(0, mb_run_in(_metadata, CLONE_NEWNET, see_nothing, NULL));
	EXPECT_FALSE(listed("inside"));
}

static void live_elsewhere(struct __test_metadata *_metadata, void *arg)
{
	int *ready = arg;
	char byte = 0;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_LE(0, mb_create_named("elsewhere", MB_RW, 0666));
	ASSERT_EQ(1, write(ready[1], &byte, 1));
	pause();
}

static void open_that_of(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(-1, open(arg, O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(EACCES, errno);
}

/* What they have could not be opened from here; who rules there may look. */
TEST_F(listing, g09_is_not_for_those_of_other_network_namespaces)
{
	char path[64], byte;
	struct line l;
	int ready[2];
	pid_t pid;
	FILE *f;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	pid = mb_fork(_metadata, live_elsewhere, ready);
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	snprintf(path, sizeof(path), "/proc/%d/net/mbox", pid);
	EXPECT_EQ(0, mb_run_as(_metadata, MB_USER, open_that_of, path));
	f = fopen(path, "re");
	ASSERT_NE(NULL, f);
	EXPECT_TRUE(line_in(f, "name", "elsewhere", &l));
	EXPECT_FALSE(line_in(f, "name", "listing", &l));
	fclose(f);
	mb_kill(pid);
}

/* ---- going through many ---- */

static void many_name(char *name, int i)
{
	sprintf(name, "many-%04d", i);
}

static void create_many(struct __test_metadata *_metadata, int h[MANY])
{
	char name[16];
	int i;

	for (i = 0; i < MANY; i++) {
		many_name(name, i);
		h[i] = mb_create_named(name, MB_RW | MBOX_EPHEMERAL, 0666);
		ASSERT_LE(0, h[i]);
	}
}

/* How many of them are there, in order; -1: one is there twice, or out of order. */
static int count_many(int fd, size_t piece)
{
	int seen = 0, last = -1, len = 0, n;
	static char text[200 * (MANY + 100)];
	char *line, *save;
	struct line l;

	while ((n = read(fd, text + len, piece)) > 0)
		len += n;
	text[len] = '\0';
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!line_parse(line, &l) || sscanf(l.key, "many-%d", &n) != 1)
			continue;
		if (n <= last)
			return -1;
		last = n;
		seen++;
	}
	return seen;
}

TEST_F(listing, has_each_once_however_it_is_read)
{
	static const size_t pieces[] = { 1, 7, 100, 4096, 100000 };
	int h[MANY], fd;
	unsigned int i;

	create_many(_metadata, h);
	fd = open(LISTING, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
		EXPECT_EQ(MANY, count_many(fd, pieces[i]));
	}
}

#define PROCESSES	20

static void own_one(struct __test_metadata *_metadata, void *arg)
{
	int *ready = arg;
	char byte = 0;

	ASSERT_LE(0, mb_create_own(MB_RW, 0666));
	ASSERT_EQ(1, write(ready[1], &byte, 1));
	pause();
}

TEST_F(listing, has_each_process_once_however_it_is_read)
{
	static const size_t pieces[] = { 1, 100, 4096 };
	static char text[300 * (PROCESSES + 100)];
	char byte, key[32], *at;
	pid_t pids[PROCESSES];
	int ready[2], fd, len, n;
	unsigned int i, k;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = mb_fork(_metadata, own_one, ready);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
	}
	fd = open(LISTING, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (k = 0; k < ARRAY_SIZE(pieces); k++) {
		ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
		len = 0;
		while ((n = read(fd, text + len, pieces[k])) > 0)
			len += n;
		text[len] = '\0';
		for (i = 0; i < PROCESSES; i++) {
			sprintf(key, " pid  %d\n", pids[i]);
			at = strstr(text, key);
			EXPECT_NE(NULL, at);
			EXPECT_TRUE(at && !strstr(at + 1, key));
		}
	}
	for (i = 0; i < PROCESSES; i++)
		mb_kill(pids[i]);
}

TEST_F(listing, can_be_read_from_anywhere)
{
	static char whole[200 * (MANY + 100)], part[300];
	int h[MANY], fd, len = 0, at, n;

	create_many(_metadata, h);
	fd = open(LISTING, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	while ((n = read(fd, whole + len, 4096)) > 0)
		len += n;
	for (at = 0; at < len; at += 997) {
		n = pread(fd, part, sizeof(part), at);
		ASSERT_LT(0, n);
		EXPECT_EQ(0, memcmp(whole + at, part, n));
	}
	EXPECT_EQ(0, pread(fd, part, sizeof(part), len));
}

/* Where it has come to goes, and much of what follows; something comes before it. */
TEST_F(listing, goes_on_where_it_was)
{
	static char text[200 * (MANY + 100)];
	int h[MANY], fd, len, n, i;
	char name[16];

	create_many(_metadata, h);
	fd = open(LISTING, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	len = read(fd, text, 2000);
	ASSERT_LT(0, len);
	for (i = 0; i < MANY / 2; i++)
		ASSERT_EQ(0, close(h[i]));
	ASSERT_LE(0, mb_create_named("many-", MB_RW | MBOX_EPHEMERAL, 0666));
	while ((n = read(fd, text + len, 2000)) > 0)
		len += n;
	text[len] = '\0';
	for (i = MANY / 2; i < MANY; i++) {
		many_name(name, i);
		EXPECT_NE(NULL, strstr(text, name));
	}
	many_name(name, MANY / 2 - 1);
	EXPECT_EQ(NULL, strstr(text, name));
	EXPECT_EQ(NULL, strstr(text, " many-\n"));
}

static void *come_and_go(void *arg)
{
	bool *stop = arg;
	char name[16];
	int i, h;

	for (i = 0; !__atomic_load_n(stop, __ATOMIC_RELAXED); i++) {
		snprintf(name, sizeof(name), "many-%04d.%d", i % MANY, i % 3);
		h = mb_create_named(name, MB_RW | MBOX_EPHEMERAL, 0666);
		if (h >= 0)
			close(h);
	}
	return NULL;
}

TEST_F(listing, has_what_stays_while_others_come_and_go)
{
	static char text[400 * (MANY + 100)];
	pthread_t thread;
	bool stop = false;
	int h[MANY], i;

	create_many(_metadata, h);
	ASSERT_EQ(0, pthread_create(&thread, NULL, come_and_go, &stop));
	for (i = 0; i < 20; i++) {
		int fd = open(LISTING, O_RDONLY | O_CLOEXEC), len = 0, n, k;
		char name[32];

		while ((n = read(fd, text + len, 2000)) > 0)
			len += n;
		text[len] = '\0';
		close(fd);
		for (k = 0; k < MANY; k++) {
			sprintf(name, " many-%04d\n", k);
			EXPECT_NE(NULL, strstr(text, name));
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST_HARNESS_MAIN
