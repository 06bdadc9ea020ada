// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tracepoints: each is there, when what it tells of happens, and with the right fields.
 */
#include "mbox_call.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/stat.h>

#define TRACING		"/sys/kernel/tracing/"
#define INSTANCE	TRACING "instances/mbox-trace/"

static const char * const events[] = {
	"mbox_block", "mbox_call", "mbox_create", "mbox_discard", "mbox_drop", "mbox_free",
	"mbox_hand_off", "mbox_lease", "mbox_publish", "mbox_receive", "mbox_redeliver",
	"mbox_reply", "mbox_send", "mbox_unlink", "mbox_wake",
};

/* What the trace has so far, to be freed. */
static char *trace_text(void)
{
	FILE *f = fopen(INSTANCE "trace", "re");
	size_t size = 1 << 20, len = 0;
	char *text = malloc(size);

	if (!f || !text)
		abort();
	len = fread(text, 1, size - 1, f);
	text[len] = 0;
	fclose(f);
	return text;
}

/* How many lines have "EVENT: FIELDS" in them. */
static int __attribute__((format(printf, 1, 2))) traced(const char *format, ...)
{
	char *text = trace_text(), *at = text, wanted[2048];
	va_list args;
	int n = 0;

	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	for (; (at = strstr(at, wanted)); at += strlen(wanted))
		n++;
	free(text);
	return n;
}

/* The number after @key in the first line of that event; -1: there is none. */
static long long traced_value(const char *event, const char *key)
{
	char *text = trace_text(), *at = strstr(text, event), *end;
	long long value = -1;

	end = at ? strchr(at, '\n') : NULL;
	if (end)
		*end = 0;
	at = at ? strstr(at, key) : NULL;
	if (at)
		value = strtoll(at + strlen(key), NULL, 10);
	free(text);
	return value;
}

/* One for all tests: it takes the kernel seconds where detectors look on. */
static void __attribute__((constructor)) instance_make(void)
{
	mkdir(INSTANCE, 0700);
}

/* In the process that runs the tests: they end by _exit(). */
static void __attribute__((destructor)) instance_remove(void)
{
	rmdir(INSTANCE);
}

FIXTURE(traced) {
	int h;			/* with room for four */
	unsigned long long id;
};

FIXTURE_SETUP(traced)
{
	MB_NEED_DEVICE();
	if (access(TRACING "instances", F_OK))
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, close(open(INSTANCE "trace", O_WRONLY | O_TRUNC | O_CLOEXEC)));
	ASSERT_EQ(0, mb_write_file(INSTANCE "events/mbox/filter", "0"));
	ASSERT_EQ(0, mb_write_file(INSTANCE "events/mbox/enable", "1"));
	self->h = mb_create_small(4);
	ASSERT_LE(0, self->h);
	self->id = mb_stat_of(self->h).id;
}

FIXTURE_TEARDOWN(traced)
{
	close(self->h);
	EXPECT_EQ(0, mb_write_file(INSTANCE "events/mbox/enable", "0"));
}

TEST_F(traced, these_are_all_events)
{
	struct dirent **names;
	unsigned int i, n = 0;
	int found = scandir(TRACING "events/mbox", &names, NULL, alphasort);

	ASSERT_LT(0, found);
	for (i = 0; i < found; i++) {
		if (strncmp(names[i]->d_name, "mbox_", 5))
			continue;
		ASSERT_GT(ARRAY_SIZE(events), n);
		EXPECT_STREQ(events[n], names[i]->d_name);
		n++;
	}
	EXPECT_EQ(ARRAY_SIZE(events), n);
}

/* ---- mailboxes ---- */

TEST_F(traced, its_life)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.mode = 0640,
		.max_messages = 7,
		.max_bytes = 99,
		.max_message_size = 9,
	};
	int h;

	umask(0);
	h = mb_create(&create);
	self->id = mb_stat_of(h).id;
	EXPECT_EQ(1, traced("mbox_create: mailbox=%llu uid=0 mode=0640 max_messages=7 "
			    "max_bytes=99 max_message_size=9\n", self->id));
	ASSERT_EQ(0, num_send(h, 1, 0, 1));
	ASSERT_EQ(0, num_send(h, 1, 0, 2));
	ASSERT_EQ(1, num_recv(h));
	close(h);
	EXPECT_EQ(1, traced("mbox_free: mailbox=%llu sent=2 received=1 drops=0\n",
			    self->id));
}

TEST_F(traced, its_name_is_escaped)
{
	int h = mb_create_named("a b\n\\\xff", MB_RW, 0600);
	unsigned long long id = mb_stat_of(h).id;

	EXPECT_EQ(1, traced("mbox_publish: mailbox=%llu name=a\\040b\\012\\134\\377 pid=0\n",
			    id));
	EXPECT_EQ(0, traced("mbox_unlink: "));
	EXPECT_EQ(0, mb_unlink("a b\n\\\xff"));
	EXPECT_EQ(1, traced("mbox_unlink: mailbox=%llu name=a\\040b\\012\\134\\377 pid=0\n",
			    id));
	close(h);
}

TEST_F(traced, the_longest_name_is_whole)
{
	char name[MBOX_NAME_MAX + 1] = "", escaped[4 * MBOX_NAME_MAX + 1] = "";
	unsigned long long id;
	int h, i;

	memset(name, '\n', MBOX_NAME_MAX);
	for (i = 0; i < MBOX_NAME_MAX; i++)
		strcat(escaped, "\\012");
	h = mb_create_named(name, MB_RW | MBOX_EPHEMERAL, 0600);
	ASSERT_LE(0, h);
	id = mb_stat_of(h).id;
	EXPECT_EQ(1, traced("mbox_publish: mailbox=%llu name=%s pid=0\n", id, escaped));
	close(h);
}

TEST_F(traced, a_process_has_one)
{
	int h = mb_create_own(MB_RW, 0600);
	unsigned long long id = mb_stat_of(h).id;

	EXPECT_EQ(1, traced("mbox_publish: mailbox=%llu name= pid=%d\n", id, getpid()));
	EXPECT_EQ(0, mb_unlink_pid(0));
	EXPECT_EQ(1, traced("mbox_unlink: mailbox=%llu name= pid=%d\n", id, getpid()));
	close(h);
}

/* ---- messages ---- */

TEST_F(traced, sent_and_received)
{
	const __u64 before = mb_now(CLOCK_MONOTONIC);
	__u64 sent;

	ASSERT_EQ(0, num_send(self->h, 1ULL << 40, 7, 1));
	sent = mb_now(CLOCK_MONOTONIC);
	EXPECT_EQ(1, traced("mbox_send: mailbox=%llu seq=1 type=1099511627776 priority=7 "
			    "len=4 sender=%d badge=0 flags=0x0 deliveries=0 depth=0 latency=",
			    self->id, getpid()));
	EXPECT_EQ(0, traced("mbox_receive: "));
	while (mb_now(CLOCK_MONOTONIC) < sent + NSEC_PER_MSEC)
		;
	ASSERT_EQ(1, num_recv(self->h));
	EXPECT_EQ(1, traced("mbox_receive: mailbox=%llu seq=1 type=1099511627776 priority=7 "
			    "len=4 sender=%d badge=0 flags=0x0 deliveries=0 depth=0 latency=",
			    self->id, getpid()));
	EXPECT_LE((long long)NSEC_PER_MSEC, traced_value("mbox_receive", "latency="));
	EXPECT_GE((long long)(mb_now(CLOCK_MONOTONIC) - before),
		  traced_value("mbox_receive", "latency="));
	EXPECT_EQ(0, traced("mbox_hand_off: "));
	EXPECT_EQ(0, traced("mbox_block: "));
}

TEST_F(traced, how_deep_it_is)
{
	int h;

	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 2));
	EXPECT_EQ(1, traced_value("seq=2 ", "depth="));
	h = mb_narrow(self->h, MBOX_SEND | MBOX_BADGE, 77);
	ASSERT_EQ(0, num_send(h, 1, 0, 3));
	EXPECT_EQ(2, traced_value("seq=3 ", "depth="));
	EXPECT_EQ(77, traced_value("seq=3 ", "badge="));
	close(h);
}

TEST_F(traced, dropped)
{
	int i;

	ASSERT_EQ(0, mb_set_overflow(self->h, MBOX_OVERFLOW_DROP));
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 0, i));
	EXPECT_EQ(2, traced("mbox_drop: "));
	EXPECT_EQ(1, traced("mbox_drop: mailbox=%llu seq=1 type=1 ", self->id));
	EXPECT_EQ(1, traced("mbox_drop: mailbox=%llu seq=2 type=1 ", self->id));
	EXPECT_EQ(6, traced("mbox_send: "));
	/* Who made room did not wait. */
	EXPECT_EQ(0, traced("mbox_block: "));
	EXPECT_EQ(0, traced("mbox_wake: "));
}

TEST_F(traced, discarded_with_the_last_receiver)
{
	int sender = mb_narrow(self->h, MBOX_SEND, 0);

	ASSERT_EQ(0, num_send(self->h, 3, 0, 1));
	ASSERT_EQ(0, num_send(self->h, 3, 0, 2));
	EXPECT_EQ(0, traced("mbox_discard: "));
	close(self->h);
	EXPECT_EQ(2, traced("mbox_discard: "));
	EXPECT_EQ(1, traced("mbox_discard: mailbox=%llu seq=1 type=3 ", self->id));
	close(sender);
	EXPECT_EQ(1, traced("mbox_free: mailbox=%llu sent=2 received=0 drops=0\n", self->id));
}

/* What is given to who waits when a token ends came in before that, too. */
TEST_F(traced, sent_before_it_is_given)
{
	struct peer *sender = peer_send(self->h, 1, 0, 9), *p;
	char *text, *send, *hand_off;
	__u32 token;

	ASSERT_EQ(0, num_send(self->h, 9, 0, 1));
	ASSERT_EQ(0, num_send(self->h, 1, 1, 2));
	ASSERT_EQ(2, num_lease(self->h, &token));
	ASSERT_EQ(0, mb_set_max_messages(self->h, 1));
	ASSERT_TRUE(peer_fork_blocks(sender));
	p = peer_recv_type(self->h, MBOX_SELECT_EQUAL, 1);
	p->args.flags |= MBOX_LEASE;
	ASSERT_TRUE(peer_fork_blocks(p));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_DONE));
	EXPECT_EQ(9, peer_number(p));
	EXPECT_EQ(0, peer_join(sender));
	text = trace_text();
	send = strstr(text, "seq=3 type=1 ");
	hand_off = strstr(text, "mbox_hand_off: ");
	ASSERT_TRUE(send && hand_off);
	EXPECT_LT(0, hand_off - send);
	free(text);
	EXPECT_EQ(1, traced_value("seq=3 type=1 ", "depth="));
}

TEST_F(traced, given_to_who_waits)
{
	struct peer *p = peer_recv(self->h);

	ASSERT_TRUE(peer_fork_blocks(p));
	EXPECT_TRUE(wait_until(traced("mbox_block: mailbox=%llu op=receive\n", self->id) == 1));
	EXPECT_EQ(0, traced("mbox_wake: "));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 5));
	EXPECT_EQ(5, peer_number(p));
	EXPECT_EQ(1, traced("mbox_hand_off: mailbox=%llu seq=1 receiver=%d\n", self->id,
			    p->tid));
	EXPECT_EQ(1, traced("mbox_wake: mailbox=%llu op=receive result=0\n", self->id));
	EXPECT_EQ(1, traced("mbox_receive: mailbox=%llu seq=1 ", self->id));
}

TEST_F(traced, waited_for_in_vain)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_UNTIL, .deadline = mb_in(NSEC_PER_MSEC),
	};

	EXPECT_EQ(-ETIMEDOUT, mb_recv(self->h, &args));
	EXPECT_EQ(1, traced("mbox_block: mailbox=%llu op=receive\n", self->id));
	EXPECT_EQ(1, traced("mbox_wake: mailbox=%llu op=receive result=%d\n", self->id,
			    -ETIMEDOUT));
}

TEST_F(traced, waited_for_room)
{
	struct peer *p = peer_send(self->h, 1, 0, 9);
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, num_send(self->h, 1, 0, i));
	ASSERT_TRUE(peer_fork_blocks(p));
	EXPECT_TRUE(wait_until(traced("mbox_block: mailbox=%llu op=send\n", self->id) == 1));
	EXPECT_EQ(4, traced("mbox_send: "));
	ASSERT_EQ(0, num_recv(self->h));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(1, traced("mbox_wake: mailbox=%llu op=send result=0\n", self->id));
	EXPECT_EQ(5, traced("mbox_send: "));
	EXPECT_EQ(1, traced("mbox_send: mailbox=%llu seq=5 type=1 priority=0 len=4 sender=%d ",
			    self->id, p->tid));
}

/* ---- conversations ---- */

TEST_F(traced, called_and_answered)
{
	struct peer *p = peer_call(self->h, 8, 3, 1);
	__u32 token;

	ASSERT_TRUE(peer_fork_calls(p));
	EXPECT_EQ(1, traced("mbox_call: mailbox=%llu seq=1 kind=call reply_max=8\n",
			    self->id));
	EXPECT_TRUE(wait_until(traced("mbox_block: mailbox=%llu op=call\n", self->id) == 1));
	ASSERT_EQ(1, num_take(self->h, &token));
	EXPECT_EQ(1, traced("mbox_lease: mailbox=%llu seq=1 token=%u lease_time=0 deliveries=1 ",
			    self->id, token));
	EXPECT_EQ(0, traced("mbox_reply: "));
	ASSERT_EQ(0, num_reply(self->h, token, 2));
	EXPECT_EQ(2, peer_reply(p));
	EXPECT_EQ(1, traced("mbox_reply: mailbox=%llu seq=1 result=0 latency=", self->id));
	EXPECT_EQ(1, traced("mbox_receive: mailbox=%llu seq=1 type=8 ", self->id));
	EXPECT_EQ(1, traced("mbox_wake: mailbox=%llu op=call result=0\n", self->id));
	EXPECT_LT(0, traced_value("mbox_reply: ", "latency="));
	EXPECT_GT((long long)NSEC_PER_SEC * 60, traced_value("mbox_reply: ", "latency="));
}

/* As the initial namespaces see them. */
static void send_inside(struct __test_metadata *_metadata, void *arg)
{
	const int *h = arg;

	EXPECT_EQ(0, num_send(*h, 1, 0, 1));
	EXPECT_LE(0, mb_create_anon());
}

TEST_F(traced, who_sent_it_and_who_owns_it_outside_of_namespaces)
{
	EXPECT_EQ(0, mb_run_inner(_metadata, CLONE_NEWUSER | CLONE_NEWPID, send_inside,
				  &self->h));
	EXPECT_LT(1, traced_value("mbox_send: ", "sender="));
	EXPECT_EQ(1, traced("uid=%d mode", MB_INNER_BASE));
}

TEST_F(traced, given_up)
{
	struct peer *p = peer_call(self->h, 1, 0, 1), *late = peer_call(self->h, 1, 0, 2);
	__u32 token;

	peer_until(p, mb_in(NSEC_PER_MSEC));
	ASSERT_TRUE(peer_fork(p));
	EXPECT_EQ(-ETIMEDOUT, peer_reply(p));
	EXPECT_EQ(1, traced("mbox_reply: mailbox=%llu seq=1 result=%d ", self->id, -EPIPE));
	EXPECT_EQ(1, traced("mbox_discard: mailbox=%llu seq=1 ", self->id));
	EXPECT_EQ(1, traced("mbox_wake: mailbox=%llu op=call result=%d\n", self->id,
			    -ETIMEDOUT));
	ASSERT_TRUE(peer_fork_calls(late));
	ASSERT_EQ(2, num_take(self->h, &token));
	mb_kill(late->tid);
	EXPECT_EQ(-ECHILD, peer_reply(late));
	EXPECT_EQ(1, traced("mbox_reply: mailbox=%llu seq=2 result=%d ", self->id, -EPIPE));
	EXPECT_EQ(1, traced("mbox_wake: mailbox=%llu op=call result=%d\n", self->id, -EINTR));
	/* It goes nowhere. */
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(0, traced("mbox_redeliver: "));
	EXPECT_EQ(1, traced("mbox_discard: mailbox=%llu seq=2 ", self->id));
}

TEST_F(traced, called_in_vain)
{
	struct peer *refused = peer_call(self->h, 1, 0, 1), *lost = peer_call(self->h, 1, 0, 2);
	int server = mb_narrow(self->h, MBOX_RECV, 0);
	__u32 token;

	ASSERT_TRUE(peer_fork_calls(refused));
	ASSERT_EQ(1, num_take(self->h, &token));
	ASSERT_EQ(0, num_fail(self->h, token, 5));
	EXPECT_EQ(-EREMOTEIO, peer_reply(refused));
	EXPECT_EQ(1, traced("mbox_reply: mailbox=%llu seq=1 result=%d latency=", self->id,
			    -EREMOTEIO));
	ASSERT_TRUE(peer_fork_calls(lost));
	ASSERT_EQ(2, num_take(server, &token));
	close(server);
	EXPECT_EQ(-ECONNRESET, peer_reply(lost));
	EXPECT_EQ(1, traced("mbox_reply: mailbox=%llu seq=2 result=%d latency=", self->id,
			    -ECONNRESET));
	EXPECT_EQ(1, traced("mbox_wake: mailbox=%llu op=call result=%d\n", self->id,
			    -ECONNRESET));
}

TEST_F(traced, leased_and_put_back)
{
	__u32 token;

	ASSERT_EQ(0, num_send(self->h, 6, 0, 1));
	ASSERT_EQ(1, num_lease_for(self->h, 3600 * NSEC_PER_SEC, &token));
	EXPECT_EQ(1, traced("mbox_lease: mailbox=%llu seq=1 token=%u lease_time=%llu "
			    "deliveries=1 latency=", self->id, token, 3600 * NSEC_PER_SEC));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_BACK));
	EXPECT_EQ(1, traced("mbox_redeliver: mailbox=%llu seq=1 type=6 ", self->id));
	EXPECT_EQ(1, traced_value("mbox_redeliver: ", "deliveries="));
	EXPECT_EQ(0, traced("mbox_receive: "));
	ASSERT_EQ(1, num_lease(self->h, &token));
	EXPECT_EQ(1, traced("lease_time=0 deliveries=2 latency="));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_DONE));
	EXPECT_EQ(1, traced("mbox_redeliver: "));
	EXPECT_EQ(1, traced("mbox_receive: mailbox=%llu seq=1 type=6 ", self->id));
}

TEST_F(traced, what_did_not_arrive_comes_again)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE, .buf = 8, .len = 4 };

	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
	EXPECT_EQ(1, traced("mbox_redeliver: mailbox=%llu seq=1 ", self->id));
	EXPECT_EQ(0, traced("mbox_receive: "));
	EXPECT_EQ(1, num_recv(self->h));
}

TEST_F(traced, kinds_of_calls)
{
	struct peer *p = peer_sync(self->h, 1, 0, 1);
	int replies = mb_create_anon();
	__u32 token;

	ASSERT_TRUE(peer_fork_calls(p));
	ASSERT_EQ(1, num_take(self->h, &token));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(1, traced("mbox_call: mailbox=%llu seq=1 kind=sync reply_max=0\n",
			    self->id));
	EXPECT_EQ(1, traced("mbox_reply: mailbox=%llu seq=1 result=0 ", self->id));
	ASSERT_EQ(0, num_call_async(self->h, replies, 7, 9, 2));
	EXPECT_EQ(1, traced("mbox_call: mailbox=%llu seq=2 kind=async reply_max=9\n",
			    self->id));
	close(replies);
}

/* ---- choosing ---- */

TEST_F(traced, filtered_by_mailbox)
{
	int other = mb_create_anon();
	char filter[64];

	snprintf(filter, sizeof(filter), "mailbox == %llu", self->id);
	ASSERT_EQ(0, mb_write_file(INSTANCE "events/mbox/filter", filter));
	ASSERT_EQ(0, num_send(other, 1, 0, 1));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	EXPECT_EQ(1, traced("mbox_send: "));
	EXPECT_EQ(1, traced("mbox_send: mailbox=%llu ", self->id));
	close(other);
}

TEST_F(traced, not_what_is_not_wanted)
{
	ASSERT_EQ(0, mb_write_file(INSTANCE "events/mbox/mbox_send/enable", "0"));
	ASSERT_EQ(0, num_send(self->h, 1, 0, 1));
	ASSERT_EQ(1, num_recv(self->h));
	EXPECT_EQ(0, traced("mbox_send: "));
	EXPECT_EQ(1, traced("mbox_receive: "));
}

TEST_HARNESS_MAIN
