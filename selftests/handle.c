// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A handle: what NARROW makes of it, what STAT and fdinfo tell of its mailbox,
 * what SET changes, how it is inherited and passed on; and that nothing of the
 * kernel's memory comes out of it (G11).
 */
#include "mbox_test.h"

#include <sys/socket.h>
#include <sys/stat.h>

#define NAME		"handle"
#define EXEC_ENV	"MBOX_TEST_HANDLE"

static struct mbox_stat_args stat_of(int h)
{
	struct mbox_stat_args stat;

	/* A failure shows: no mailbox has such numbers. */
	mb_stat(h, &stat);
	return stat;
}

/* ---- NARROW ---- */

FIXTURE(handle) {
	int h;			/* both rights */
	int send;
	int recv;
	char buf[64];
};

FIXTURE_SETUP(handle)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->send = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->send);
	self->recv = mb_narrow(self->h, MBOX_RECV, 0);
	ASSERT_LE(0, self->recv);
}

FIXTURE_TEARDOWN(handle)
{
}

TEST_F(handle, narrowed_has_the_right_that_is_left)
{
	EXPECT_EQ(0, mb_put(self->send, "x", 1));
	EXPECT_EQ(1, mb_get(self->recv, self->buf, 64));
	EXPECT_EQ(1, write(self->send, "x", 1));
	EXPECT_EQ(1, read(self->recv, self->buf, 64));
	EXPECT_EQ(O_WRONLY, fcntl(self->send, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_RDONLY, fcntl(self->recv, F_GETFL) & O_ACCMODE);
}

TEST_F(handle, g09_narrowed_has_lost_the_other_right)
{
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(-EBADF, mb_put(self->recv, "x", 1));
	EXPECT_EQ(-EBADF, mb_get(self->send, self->buf, 64));
	EXPECT_EQ(-1, write(self->recv, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, read(self->send, self->buf, 64));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, stat_of(self->h).messages);
}

TEST_F(handle, g09_narrowed_does_not_get_a_right_back)
{
	char path[64];

	EXPECT_EQ(-EPERM, mb_narrow(self->send, MBOX_RECV, 0));
	EXPECT_EQ(-EPERM, mb_narrow(self->send, MB_RW, 0));
	EXPECT_EQ(-EPERM, mb_narrow(self->recv, MBOX_SEND, 0));
	EXPECT_EQ(-EPERM, mb_narrow(self->recv, MB_RW, 0));
	/* Nor in the ways that files have. */
	EXPECT_EQ(0, fcntl(self->send, F_SETFL, O_RDWR));
	EXPECT_EQ(-EBADF, mb_get(self->send, self->buf, 64));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->send);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(2, stat_of(self->h).senders);
	EXPECT_EQ(2, stat_of(self->h).receivers);
}

TEST_F(handle, narrowed_to_what_it_is_is_another_such)
{
	int rw = mb_narrow(self->h, MB_RW, 0);
	int send = mb_narrow(self->send, MBOX_SEND, 0);

	ASSERT_LE(0, rw);
	ASSERT_LE(0, send);
	close(self->h);
	close(self->send);
	EXPECT_EQ(0, mb_put(send, "x", 1));
	EXPECT_EQ(1, mb_get(rw, self->buf, 64));
	EXPECT_EQ(stat_of(rw).id, stat_of(send).id);
}

TEST_F(handle, narrowed_does_not_wait_if_it_was_asked_for)
{
	int h = mb_narrow(self->h, MBOX_RECV | MBOX_NONBLOCK, 0);

	ASSERT_LE(0, h);
	EXPECT_EQ(O_NONBLOCK, fcntl(h, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(self->h, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-1, read(h, self->buf, 64));
	EXPECT_EQ(EAGAIN, errno);
	h = mb_narrow(h, MBOX_RECV, 0);
	EXPECT_EQ(0, fcntl(h, F_GETFL) & O_NONBLOCK);
}

TEST_F(handle, g08_gives_a_badge_only_if_it_may_receive)
{
	int badged = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 1);

	EXPECT_LE(0, badged);
	EXPECT_EQ(-EPERM, mb_narrow(self->send, MBOX_SEND | MBOX_BADGE, 1));
	EXPECT_LE(0, mb_narrow(self->recv, MBOX_RECV | MBOX_BADGE, 1));
}

TEST_F(handle, g08_has_one_badge_for_ever)
{
	int badged = mb_narrow(self->h, MB_RW | MBOX_BADGE, ~0ULL - 1);
	int child;

	ASSERT_LE(0, badged);
	EXPECT_EQ(~0ULL - 1, stat_of(badged).badge);
	EXPECT_EQ(0, stat_of(self->h).badge);
	EXPECT_EQ(-EPERM, mb_narrow(badged, MBOX_SEND | MBOX_BADGE, 1));
	EXPECT_EQ(-EPERM,
		  mb_narrow(badged, MBOX_SEND | MBOX_BADGE, ~0ULL - 1));
	child = mb_narrow(badged, MBOX_SEND, 0);
	ASSERT_LE(0, child);
	EXPECT_EQ(~0ULL - 1, stat_of(child).badge);
	EXPECT_EQ(~0ULL - 1, stat_of(dup(child)).badge);
	EXPECT_EQ(-EPERM, mb_narrow(child, MBOX_SEND | MBOX_BADGE, 1));
}

/* ---- STAT ---- */

FIXTURE(new_mailbox) {
	int h;
};

FIXTURE_SETUP(new_mailbox)
{
	struct mbox_create_args args = {
		.flags = MB_RW,
		.mode = 0604,
		.max_bytes = 3000,
		.max_messages = 5,
		.max_message_size = 700,
		.type_source = MBOX_TYPE_BADGE,
		.overflow = MBOX_OVERFLOW_DROP,
	};

	MB_NEED_DEVICE();
	umask(0);
	self->h = mb_create(&args);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(new_mailbox)
{
}

TEST_F(new_mailbox, is_what_was_asked_for)
{
	const struct mbox_stat_args wanted = {
		.id = stat_of(self->h).id,
		.mode = 0604,
		.uid = geteuid(),
		.gid = getegid(),
		.type_source = MBOX_TYPE_BADGE,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 5,
		.max_bytes = 3000,
		.max_message_size = 700,
		.senders = 1,
		.receivers = 1,
	};
	struct mbox_stat_args stat = stat_of(self->h);

	EXPECT_EQ(0, memcmp(&wanted, &stat, sizeof(stat)));
}

TEST_F(new_mailbox, has_a_number_of_its_own)
{
	int other = mb_create_anon();

	EXPECT_NE(stat_of(self->h).id, stat_of(other).id);
}

TEST_F(new_mailbox, tells_every_handle)
{
	int send = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 7);
	int recv = mb_narrow(self->h, MBOX_RECV, 0);
	struct mbox_stat_args a = stat_of(self->h);
	struct mbox_stat_args b = stat_of(send);
	struct mbox_stat_args c = stat_of(recv);

	EXPECT_EQ(0, memcmp(&a, &c, sizeof(a)));
	EXPECT_EQ(7, b.badge);
	b.badge = 0;
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
}

TEST_F(new_mailbox, counts_what_it_holds_and_has_held)
{
	struct mbox_stat_args stat, again;
	char buf[800];
	int i;

	memset(buf, 0, sizeof(buf));
	EXPECT_EQ(0, mb_put(self->h, buf, 100));
	EXPECT_EQ(0, mb_put(self->h, buf, 23));
	stat = stat_of(self->h);
	EXPECT_EQ(2, stat.messages);
	EXPECT_EQ(123, stat.bytes);
	EXPECT_EQ(2, stat.sent);
	EXPECT_EQ(0, stat.received);

	/* What fails does not count. */
	EXPECT_EQ(-EMSGSIZE, mb_put(self->h, buf, 701));
	EXPECT_EQ(-EFAULT, mb_put(self->h, (void *)8, 10));
	EXPECT_EQ(-EMSGSIZE, mb_get(self->h, buf, 99));
	EXPECT_EQ(-EFAULT, mb_get(self->h, (void *)8, 800));
	again = stat_of(self->h);
	EXPECT_EQ(0, memcmp(&stat, &again, sizeof(stat)));

	EXPECT_EQ(100, mb_get(self->h, buf, 800));
	stat = stat_of(self->h);
	EXPECT_EQ(1, stat.messages);
	EXPECT_EQ(23, stat.bytes);
	EXPECT_EQ(2, stat.sent);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(0, stat.drops);

	/* Five fit, the sixth drops the oldest. */
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, mb_put(self->h, buf, 1));
	stat = stat_of(self->h);
	EXPECT_EQ(5, stat.messages);
	EXPECT_EQ(5, stat.bytes);
	EXPECT_EQ(7, stat.sent);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(1, stat.drops);
}

/* Senders and receivers, as two digits. */
static int peers(int h)
{
	struct mbox_stat_args stat = stat_of(h);

	return stat.senders * 10 + stat.receivers;
}

static void look_at_peers(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	int own = mb_narrow(*h, MBOX_SEND, 0);

	/* Forking adds none; what the child adds goes with it. */
	EXPECT_LE(0, own);
	EXPECT_EQ(21, peers(*h));
	close(*h);
	EXPECT_EQ(21, peers(own));
}

TEST_F(new_mailbox, counts_open_handles_and_not_their_duplicates)
{
	int second, send, recv;

	EXPECT_EQ(11, peers(self->h));
	second = dup(self->h);
	EXPECT_EQ(11, peers(self->h));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, look_at_peers, &self->h)));
	EXPECT_EQ(11, peers(self->h));

	send = mb_narrow(self->h, MBOX_SEND, 0);
	EXPECT_EQ(21, peers(self->h));
	recv = mb_narrow(self->h, MBOX_RECV, 0);
	EXPECT_EQ(22, peers(self->h));
	close(self->h);
	EXPECT_EQ(22, peers(second));
	close(second);
	EXPECT_EQ(11, peers(recv));
	close(recv);
	EXPECT_EQ(10, peers(send));
}

static void receive_one(struct __test_metadata *_metadata, void *arg)
{
	int *h = arg;
	char buf[800];

	EXPECT_EQ(1, read(*h, buf, sizeof(buf)));
}

TEST_F(new_mailbox, counts_who_waits)
{
	pid_t pids[3];
	int i;

	for (i = 0; i < 3; i++) {
		pids[i] = mb_fork(_metadata, receive_one, &self->h);
		ASSERT_LT(0, pids[i]);
	}
	EXPECT_TRUE(wait_until(stat_of(self->h).waiting_receivers == 3));
	EXPECT_EQ(3, mb_fdinfo(self->h, "mbox-waiting-receivers"));
	EXPECT_EQ(0, stat_of(self->h).waiting_senders);
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_TRUE(wait_until(stat_of(self->h).waiting_receivers == 2));
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, mb_wait(pids[i]));
	EXPECT_EQ(0, stat_of(self->h).waiting_receivers);
	EXPECT_EQ(0, stat_of(self->h).messages);
}

/* ---- SET ---- */

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
	self->stat = stat_of(self->h);
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
		stat = stat_of(self->h);
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
	stat = stat_of(self->h);
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
	stat = stat_of(self->h);
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
	EXPECT_EQ(3, stat_of(self->h).messages);
	EXPECT_EQ(900, stat_of(self->h).bytes);
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
	EXPECT_TRUE(wait_until(stat_of(self->h).waiting_senders == 1));
	EXPECT_EQ(0, mb_set(self->h, &more));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(3, stat_of(self->h).messages);
	EXPECT_EQ(0, stat_of(self->h).waiting_senders);
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
	EXPECT_TRUE(wait_until(stat_of(self->h).waiting_senders == 1));
	pids[1] = mb_fork(_metadata, send_waiting, &small);
	EXPECT_TRUE(wait_until(stat_of(self->h).waiting_senders == 2));
	EXPECT_EQ(0, mb_set(self->h, &less));
	EXPECT_EQ(0, mb_wait(pids[0]));
	EXPECT_EQ(1, stat_of(self->h).waiting_senders);
	EXPECT_EQ(500, mb_get(self->h, self->buf, 500));
	EXPECT_EQ(0, mb_wait(pids[1]));
	EXPECT_EQ(2, stat_of(self->h).messages);
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
	EXPECT_TRUE(wait_until(stat_of(self->h).waiting_senders == 1));
	EXPECT_EQ(0, mb_set(self->h, &drop));
	EXPECT_EQ(0, mb_wait(pid));
	EXPECT_EQ(1, stat_of(self->h).drops);
	EXPECT_EQ(500, mb_get(self->h, self->buf, 500));
	EXPECT_EQ(400, mb_get(self->h, self->buf, 500));
}

/* ---- fdinfo ---- */

FIXTURE(fdinfo) {
};

FIXTURE_SETUP(fdinfo)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
}

FIXTURE_TEARDOWN(fdinfo)
{
	mb_unlink(NAME);
}

TEST_F(fdinfo, says_what_stat_says)
{
	int h = mb_create_named(NAME, MB_RW, 0600);
	int send = mb_narrow(h, MBOX_SEND | MBOX_BADGE, 0xabcdef0123456789);
	int recv = mb_narrow(h, MBOX_RECV, 0);
	char line[512];

	ASSERT_LE(0, h);
	ASSERT_LE(0, send);
	ASSERT_LE(0, recv);
	EXPECT_EQ(0, mb_put(h, "12345", 5));
	EXPECT_EQ(0, mb_put(h, "678", 3));
	EXPECT_EQ(stat_of(h).id, mb_fdinfo(h, "mbox-id"));
	EXPECT_EQ(2, mb_fdinfo(h, "mbox-messages"));
	EXPECT_EQ(8, mb_fdinfo(h, "mbox-bytes"));
	EXPECT_EQ(2, mb_fdinfo(h, "mbox-senders"));
	EXPECT_EQ(2, mb_fdinfo(h, "mbox-receivers"));
	EXPECT_EQ(0, mb_fdinfo(h, "mbox-waiting-senders"));
	EXPECT_EQ(0, mb_fdinfo(h, "mbox-waiting-receivers"));

	EXPECT_STREQ(NAME, mb_fdinfo_str(h, "mbox-name", line, sizeof(line)));
	EXPECT_STREQ("rw", mb_fdinfo_str(h, "mbox-rights", line,
					 sizeof(line)));
	EXPECT_STREQ("w", mb_fdinfo_str(send, "mbox-rights", line,
					sizeof(line)));
	EXPECT_STREQ("r", mb_fdinfo_str(recv, "mbox-rights", line,
					sizeof(line)));
	EXPECT_STREQ("0x0", mb_fdinfo_str(h, "mbox-badge", line,
					  sizeof(line)));
	EXPECT_STREQ("0xabcdef0123456789",
		     mb_fdinfo_str(send, "mbox-badge", line, sizeof(line)));

	/* What has no name has no line for it. */
	EXPECT_EQ(0, mb_unlink(NAME));
	EXPECT_TRUE(!mb_fdinfo_str(h, "mbox-name", line, sizeof(line)));
	EXPECT_TRUE(!mb_fdinfo_str(mb_create_anon(), "mbox-name", line,
				   sizeof(line)));
}

/* "\ooo" is the byte of that octal number; all else is itself. */
static void unescape(char *text)
{
	char *to = text;
	unsigned int byte;
	int n;

	while (*text) {
		if (sscanf(text, "\\%3o%n", &byte, &n) == 1 &&
		    n == 4) {
			*to++ = byte;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = 0;
}

TEST_F(fdinfo, cannot_be_forged_by_a_name)
{
	static const char evil[] = "x\nmbox-waiting-receivers:\t99\n";
	char all[256], line[2048], *value, *p;
	int byte, h;

	h = mb_create_named(evil, MB_RW, 0600);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_fdinfo(h, "mbox-waiting-receivers"));
	EXPECT_EQ(0, mb_unlink(evil));

	/* Every byte at once: one line, of visible characters. */
	for (p = all, byte = 1; byte < 256; byte++)
		if (byte != '/')
			*p++ = byte;
	*p = 0;
	h = mb_create_named(all, MB_RW, 0600);
	ASSERT_LE(0, h);
	value = mb_fdinfo_str(h, "mbox-name", line, sizeof(line));
	EXPECT_EQ(0, mb_unlink(all));
	ASSERT_NE(NULL, value);
	for (p = value; *p > ' ' && *p < 127; p++)
		;
	EXPECT_EQ(0, *p);
	unescape(value);
	EXPECT_STREQ(all, value);
}

/* ---- inherited and passed on ---- */

FIXTURE(passed_handle) {
	int h;
	int send;
	int sock[2];
	char buf[64];
};

FIXTURE_SETUP(passed_handle)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->send = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 7);
	ASSERT_LE(0, self->send);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				self->sock));
}

FIXTURE_TEARDOWN(passed_handle)
{
}

/* What this program does when a test executes it; see execute_with(). */
static void __attribute__((constructor)) after_exec(void)
{
	char *text = getenv(EXEC_ENV);
	int h;

	if (!text)
		return;
	h = atoi(text);
	if (fcntl(h, F_GETFD) < 0)
		_exit(100 + errno);
	_exit(mb_put(h, "exec", 4) ? 2 : 0);
}

static void execute_with(struct __test_metadata *_metadata, void *arg)
{
	static char * const argv[] = { "handle", NULL };
	char text[64], *envp[] = { text, NULL };
	int *h = arg;

	snprintf(text, sizeof(text), EXEC_ENV "=%d", *h);
	execve("/proc/self/exe", argv, envp);
	_exit(4);
}

TEST_F(passed_handle, is_closed_by_exec)
{
	EXPECT_EQ(100 + EBADF,
		  mb_wait(mb_fork(_metadata, execute_with, &self->send)));
}

TEST_F(passed_handle, survives_exec_if_it_is_told_to)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };

	ASSERT_EQ(0, fcntl(self->send, F_SETFD, 0));
	EXPECT_EQ(0, mb_wait(mb_fork(_metadata, execute_with, &self->send)));
	args.buf = (unsigned long)self->buf;
	args.len = sizeof(self->buf);
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(4, args.out_len);
	EXPECT_EQ(7, args.out_badge);
}

static int pass_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { "", 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int take_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void use_what_comes(struct __test_metadata *_metadata, void *arg)
{
	int *sock = arg;
	int h = take_fd(*sock);

	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "passed", 6));
	EXPECT_EQ(-EBADF, mb_get(h, NULL, 0));
	EXPECT_EQ(-EPERM, mb_narrow(h, MBOX_RECV, 0));
	EXPECT_EQ(7, stat_of(h).badge);
}

TEST_F(passed_handle, works_in_another_users_process)
{
	const struct mb_child child = {
		.fn = use_what_comes,
		.arg = &self->sock[1],
		.uid = MB_USER,
		.gid = MB_USER,
	};
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };
	pid_t pid = mb_fork_child(_metadata, &child);

	EXPECT_EQ(0, pass_fd(self->sock[0], self->send));
	close(self->send);
	EXPECT_EQ(0, mb_wait(pid));
	args.buf = (unsigned long)self->buf;
	args.len = sizeof(self->buf);
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(6, args.out_len);
	EXPECT_EQ(7, args.out_badge);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(pid, args.out_pid);
}

TEST_F(passed_handle, is_open_while_it_is_on_its_way)
{
	int recv = mb_narrow(self->h, MBOX_RECV, 0);
	int h;

	EXPECT_EQ(0, pass_fd(self->sock[0], self->send));
	close(self->send);
	close(self->h);
	EXPECT_EQ(11, peers(recv));
	/* No end while somebody may still send. */
	EXPECT_EQ(-EAGAIN, mb_get(recv, self->buf, 64));
	h = take_fd(self->sock[1]);
	ASSERT_LE(0, h);
	EXPECT_EQ(0, mb_put(h, "there", 5));
	EXPECT_EQ(5, mb_get(recv, self->buf, 64));
	close(h);
	EXPECT_EQ(-EPIPE, mb_get(recv, self->buf, 64));
}

TEST_F(passed_handle, that_nobody_takes_is_closed)
{
	int recv = mb_narrow(self->h, MBOX_RECV, 0);

	EXPECT_EQ(0, pass_fd(self->sock[0], self->send));
	close(self->send);
	close(self->h);
	close(self->sock[0]);
	close(self->sock[1]);
	EXPECT_TRUE(wait_until(mb_get(recv, self->buf, 64) == -EPIPE));
}

/* ---- nothing of the kernel's comes out ---- */

FIXTURE(outputs) {
	int h;
	unsigned char *buf;
};

#define BUF_SIZE	((1 << 20) + 4096)

FIXTURE_SETUP(outputs)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->buf = malloc(BUF_SIZE);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(outputs)
{
}

/* Filled before with one byte and then another: what differs was not written */
#define EXPECT_ALL_WRITTEN(fd, cmd, type) do { \
	type a_, b_; \
	memset(&a_, 0x55, sizeof(a_)); \
	memset(&b_, 0xaa, sizeof(b_)); \
	EXPECT_EQ(0, mb_ioctl(fd, cmd, &a_)); \
	EXPECT_EQ(0, mb_ioctl(fd, cmd, &b_)); \
	EXPECT_EQ(0, memcmp(&a_, &b_, sizeof(a_))); \
} while (0)

TEST_F(outputs, g11_of_stat_and_query_are_written_in_full)
{
	EXPECT_ALL_WRITTEN(self->h, MBOX_IOC_STAT, struct mbox_stat_args);
	EXPECT_EQ(0, stat_of(self->h).reserved);
	EXPECT_ALL_WRITTEN(mb_device(), MBOX_IOC_QUERY, struct mbox_query_args);
}

TEST_F(outputs, g11_of_a_receive_are_written_in_full)
{
	struct mbox_msg_args args[2];
	int i;

	EXPECT_EQ(0, mb_put(self->h, "secret", 6));
	for (i = 0; i < 2; i++) {
		memset(&args[i], i ? 0x55 : 0xaa, sizeof(args[i]));
		memset(&args[i], 0, MB_MSG_IN_SIZE);
		args[i].flags = MBOX_WAIT_NONE | MBOX_PEEK;
		args[i].buf = (unsigned long)self->buf;
		args[i].len = 6;
		ASSERT_EQ(0, mb_ioctl(self->h, MBOX_IOC_RECV, &args[i]));
	}
	EXPECT_EQ(0, memcmp(&args[0], &args[1], sizeof(args[0])));
	EXPECT_EQ(0, args[0].out_token);
	EXPECT_EQ(0, args[0].out_reserved);
}

TEST_F(outputs, g11_of_a_receive_end_with_the_message)
{
	static const __u32 sizes[] = {
		0, 1, 7, 8, 63, 64, 65, 255, 256, 4000, 4095, 4096, 4097,
		8192, 65535, 65536, 65537, 1 << 20,
	};
	unsigned char *sent = malloc(BUF_SIZE);
	unsigned int i, j;

	ASSERT_NE(NULL, sent);
	for (j = 0; j < BUF_SIZE; j++)
		sent[j] = j * 7 + j / 4096;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->buf, MB_POISON, sizes[i] + 4096);
		EXPECT_EQ(0, mb_put(self->h, sent, sizes[i]));
		EXPECT_EQ(sizes[i], mb_get(self->h, self->buf, BUF_SIZE));
		EXPECT_EQ(0, memcmp(sent, self->buf, sizes[i]));
		EXPECT_TRUE(mb_all(self->buf + sizes[i], 4096, MB_POISON));

		memset(self->buf, MB_POISON, sizes[i] + 4096);
		EXPECT_EQ(0, mb_put(self->h, sent, sizes[i]));
		EXPECT_EQ(sizes[i], read(self->h, self->buf, BUF_SIZE));
		EXPECT_EQ(0, memcmp(sent, self->buf, sizes[i]));
		EXPECT_TRUE(mb_all(self->buf + sizes[i], 4096, MB_POISON));
	}
}

TEST_F(outputs, g11_of_a_cut_receive_end_with_the_buffer)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE | MBOX_PEEK,
		.buf = (unsigned long)self->buf,
	};
	unsigned char *sent = calloc(1, 9000);

	ASSERT_NE(NULL, sent);
	EXPECT_EQ(0, mb_put(self->h, sent, 9000));
	for (args.len = 0; args.len < 9000; args.len += 999) {
		memset(self->buf, MB_POISON, 10000);
		EXPECT_EQ(0, mb_recv(self->h, &args));
		EXPECT_EQ(9000, args.out_len);
		EXPECT_EQ(MBOX_MSG_TRUNCATED, args.out_flags);
		EXPECT_TRUE(mb_all(self->buf, args.len, 0));
		EXPECT_TRUE(mb_all(self->buf + args.len, 1000, MB_POISON));
	}
}

TEST_F(outputs, g11_of_a_refused_receive_are_the_length_and_zero)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->buf,
		.len = 99,
	};

	memset(self->buf, MB_POISON, 200);
	EXPECT_EQ(0, mb_put(self->h, self->buf, 100));
	memset(self->buf, 0x55, 200);
	EXPECT_EQ(-EMSGSIZE, mb_recv(self->h, &args));
	EXPECT_EQ(100, args.out_len);
	args.out_len = 0;
	EXPECT_TRUE(mb_all(&args.out_type, MB_MSG_OUT_SIZE, 0));
	EXPECT_TRUE(mb_all(self->buf, 200, 0x55));
}

TEST_HARNESS_MAIN
