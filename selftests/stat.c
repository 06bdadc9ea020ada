// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What STAT and fdinfo tell of a mailbox and its handles: what it is, what it
 * holds, who has it and who waits; and that a name cannot forge it.
 */
#include "mbox_test.h"

#include <sys/stat.h>

#define NAME	"stat"

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
		.id = mb_stat_of(self->h).id,
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
		.created = mb_stat_of(self->h).created,
	};
	struct mbox_stat_args stat = mb_stat_of(self->h);

	EXPECT_EQ(0, memcmp(&wanted, &stat, sizeof(stat)));
}

TEST_F(new_mailbox, has_a_number_of_its_own)
{
	int other = mb_create_anon();

	EXPECT_NE(mb_stat_of(self->h).id, mb_stat_of(other).id);
}

TEST_F(new_mailbox, tells_every_handle)
{
	int send = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 7);
	int recv = mb_narrow(self->h, MBOX_RECV, 0);
	struct mbox_stat_args a = mb_stat_of(self->h);
	struct mbox_stat_args b = mb_stat_of(send);
	struct mbox_stat_args c = mb_stat_of(recv);

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
	stat = mb_stat_of(self->h);
	EXPECT_EQ(2, stat.messages);
	EXPECT_EQ(123, stat.bytes);
	EXPECT_EQ(2, stat.sent);
	EXPECT_EQ(0, stat.received);

	/* What fails does not count. */
	EXPECT_EQ(-EMSGSIZE, mb_put(self->h, buf, 701));
	EXPECT_EQ(-EFAULT, mb_put(self->h, (void *)8, 10));
	EXPECT_EQ(-EMSGSIZE, mb_get(self->h, buf, 99));
	EXPECT_EQ(-EFAULT, mb_get(self->h, (void *)8, 800));
	again = mb_stat_of(self->h);
	EXPECT_EQ(0, memcmp(&stat, &again, sizeof(stat)));

	EXPECT_EQ(100, mb_get(self->h, buf, 800));
	stat = mb_stat_of(self->h);
	EXPECT_EQ(1, stat.messages);
	EXPECT_EQ(23, stat.bytes);
	EXPECT_EQ(2, stat.sent);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(0, stat.drops);

	/* Five fit, the sixth drops the oldest. */
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, mb_put(self->h, buf, 1));
	stat = mb_stat_of(self->h);
	EXPECT_EQ(5, stat.messages);
	EXPECT_EQ(5, stat.bytes);
	EXPECT_EQ(7, stat.sent);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(1, stat.drops);
}

/* Senders and receivers, as two digits. */
static int peers(int h)
{
	struct mbox_stat_args stat = mb_stat_of(h);

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
	EXPECT_TRUE(wait_until(mb_stat_of(self->h).waiting_receivers == 3));
	EXPECT_EQ(3, mb_fdinfo(self->h, "mbox-waiting-receivers"));
	EXPECT_EQ(0, mb_stat_of(self->h).waiting_senders);
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_TRUE(wait_until(mb_stat_of(self->h).waiting_receivers == 2));
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	EXPECT_EQ(0, mb_put(self->h, "x", 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, mb_wait(pids[i]));
	EXPECT_EQ(0, mb_stat_of(self->h).waiting_receivers);
	EXPECT_EQ(0, mb_stat_of(self->h).messages);
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
	EXPECT_EQ(mb_stat_of(h).id, mb_fdinfo(h, "mbox-id"));
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

TEST_HARNESS_MAIN
