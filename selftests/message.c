// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Messages as such: what is sent is what is received, in order, with the right
 * header; and what fails leaves everything as it was. Nobody waits here.
 */
#include "mbox_peer.h"

#include <sys/uio.h>

#define MIB	(1U << 20)
#define GUARD	64

/* Bytes that depend on their place and on @seed. */
static void fill(unsigned char *buf, size_t len, unsigned int seed)
{
	unsigned int x = seed * 2654435761U + 12345;

	while (len--) {
		x = x * 1664525 + 1013904223;
		*buf++ = x >> 24;
	}
}

static bool same(const unsigned char *buf, size_t len, unsigned int seed)
{
	unsigned int x = seed * 2654435761U + 12345;

	while (len--) {
		x = x * 1664525 + 1013904223;
		if (*buf++ != (unsigned char)(x >> 24))
			return false;
	}
	return true;
}

FIXTURE(mailbox) {
	int h;
	unsigned char *out;	/* MIB bytes */
	unsigned char *in;	/* MIB + GUARD bytes, poisoned */
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->out = malloc(MIB);
	self->in = malloc(MIB + GUARD);
	ASSERT_TRUE(self->out && self->in);
	memset(self->in, MB_POISON, MIB + GUARD);
}

FIXTURE_TEARDOWN(mailbox)
{
	close(self->h);
	free(self->out);
	free(self->in);
}

/* Send @len bytes and receive them; nothing behind them is written. */
static bool round_trip(int h, unsigned char *out, unsigned char *in, __u32 len)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)in,
		.len = len + GUARD,
	};

	fill(out, len, len);
	memset(in, MB_POISON, len + GUARD);
	return !mb_put(h, out, len) && !mb_recv(h, &args) &&
	       args.out_len == len && !args.out_flags && same(in, len, len) &&
	       mb_all(in + len, GUARD, MB_POISON);
}

TEST_F(mailbox, g01_delivers_by_priority_then_first_in_first_out)
{
	static const __u16 priorities[] = {
		0, 5, MBOX_PRIORITY_MAX, 5, 0, 1, MBOX_PRIORITY_MAX, 1, 5, 0,
	};
	static const int expected[] = { 2, 6, 1, 3, 8, 5, 7, 0, 4, 9 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		ASSERT_EQ(0, num_send(self->h, i, priorities[i], i));
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		EXPECT_EQ(expected[i], num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_F(mailbox, g01_delivers_every_size_up_to_two_pages_whole)
{
	__u32 len;

	for (len = 0; len <= 300; len++)
		ASSERT_TRUE(round_trip(self->h, self->out, self->in, len))
			TH_LOG("%u bytes", len);
	for (len = 4096 - 200; len <= 4096 + 200; len++)
		ASSERT_TRUE(round_trip(self->h, self->out, self->in, len))
			TH_LOG("%u bytes", len);
	for (len = 8192 - 150; len <= 8192 + 50; len++)
		ASSERT_TRUE(round_trip(self->h, self->out, self->in, len))
			TH_LOG("%u bytes", len);
}

TEST_F(mailbox, g01_delivers_large_sizes_whole)
{
	static const __u32 near[] = {
		3 << 12, 4 << 12, 8 << 12, 16 << 12, 32 << 12, 128 << 12,
	};
	unsigned int i;
	int d;

	for (i = 0; i < ARRAY_SIZE(near); i++)
		for (d = -1; d <= 1; d++)
			ASSERT_TRUE(round_trip(self->h, self->out, self->in,
					       near[i] + d))
				TH_LOG("%u bytes", near[i] + d);
	ASSERT_TRUE(round_trip(self->h, self->out, self->in, MIB - 1));
	ASSERT_TRUE(round_trip(self->h, self->out, self->in, MIB));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, g01_keeps_large_and_small_messages_apart)
{
	static const __u32 sizes[] = { 100000, 0, 5, 4096, 70000, 1, 4097 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(self->out, sizes[i], i);
		ASSERT_EQ(0, mb_put(self->h, self->out, sizes[i]));
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ((int)sizes[i], mb_get(self->h, self->in, MIB));
		EXPECT_TRUE(same(self->in, sizes[i], i));
	}
}

/* The largest that any mailbox may take, or what this machine's memory bears. */
TEST_F(mailbox, g01_delivers_the_largest_size_whole)
{
	struct mbox_query_args query;
	struct mbox_create_args create = { .flags = MB_RW };
	unsigned char *out, *in;
	__u32 size;
	int h;

	ASSERT_EQ(0, mb_query(&query));
	size = query.ceiling_max_message_size;
	ASSERT_LE(MIB, size);
	create.max_message_size = size;
	create.max_bytes = query.ceiling_max_bytes;
	h = mb_create(&create);
	ASSERT_LE(0, h);
	if (size > 16 * MIB)
		size = 16 * MIB;
	out = malloc(size);
	in = malloc(size + GUARD);
	ASSERT_TRUE(out && in);
	EXPECT_TRUE(round_trip(h, out, in, size));
	EXPECT_TRUE(round_trip(h, out, in, size - 1));
}

TEST_F(mailbox, returns_0_and_leaves_the_inputs_of_both_calls)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.priority = 7,
		.type = 8,
		.buf = (unsigned long)self->out,
		.len = 9,
	}, before;

	mb_poison(&args);
	before = args;
	EXPECT_EQ(0, ioctl(self->h, MBOX_IOC_SEND, &args));
	EXPECT_EQ(0, memcmp(&args, &before, sizeof(args)));

	args.select = MBOX_SELECT_EQUAL;
	args.buf = (unsigned long)self->in;
	args.len = 100;
	before = args;
	EXPECT_EQ(0, ioctl(self->h, MBOX_IOC_RECV, &args));
	EXPECT_EQ(0, memcmp(&args, &before, MB_MSG_IN_SIZE));
	EXPECT_EQ(9, args.out_len);
}

TEST_F(mailbox, header_tells_what_was_sent_by_whom_and_when)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.priority = 1234,
		.type = 0xfedcba9876543210ULL,
		.buf = (unsigned long)self->out,
		.len = 321,
	};
	__u64 before = mb_now(CLOCK_MONOTONIC), after;

	ASSERT_EQ(0, mb_send(self->h, &args));
	after = mb_now(CLOCK_MONOTONIC);
	args = (struct mbox_msg_args) {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->in,
		.len = MIB,
	};
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(0xfedcba9876543210ULL, args.out_type);
	EXPECT_LE(before, args.out_time);
	EXPECT_GE(after, args.out_time);
	EXPECT_EQ(0, args.out_badge);
	EXPECT_EQ(0, args.out_token);
	EXPECT_EQ(321, args.out_len);
	EXPECT_EQ(0, args.out_reply_max);
	EXPECT_EQ(0, args.out_drops);
	EXPECT_EQ(getpid(), (pid_t)args.out_pid);
	EXPECT_EQ(geteuid(), args.out_uid);
	EXPECT_EQ(getegid(), args.out_gid);
	EXPECT_EQ(1234, args.out_priority);
	EXPECT_EQ(1, args.out_deliveries);
	EXPECT_EQ(0, args.out_flags);
}

TEST_F(mailbox, header_numbers_messages_in_the_order_they_were_sent)
{
	struct mbox_msg_args args = { .flags = 0 };
	__u64 seq[5], time[5];
	int i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, num_send(self->h, 0, 5 - i, i));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(i, num_recv_args(self->h, &args));
		seq[i] = args.out_seq;
		time[i] = args.out_time;
	}
	for (i = 1; i < 5; i++) {
		EXPECT_LT(seq[i - 1], seq[i]);
		EXPECT_LE(time[i - 1], time[i]);
	}
	/* Numbers go on after the mailbox has been empty. */
	ASSERT_EQ(0, num_send(self->h, 0, 0, 0));
	ASSERT_EQ(0, num_recv_args(self->h, &args));
	EXPECT_LT(seq[4], args.out_seq);
}

static void send_42(struct __test_metadata *_metadata, void *arg)
{
	EXPECT_EQ(0, num_send(*(int *)arg, 0, 0, 42));
}

TEST_F(mailbox, header_tells_the_sending_process_and_user)
{
	const struct mb_child child = {
		.fn = send_42,
		.arg = &self->h,
		.uid = MB_USER,
		.gid = MB_OTHER,
	};
	struct mbox_msg_args args = { .flags = 0 };
	pid_t pid = mb_fork_child(_metadata, &child);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, mb_wait(pid));
	ASSERT_EQ(42, num_recv_args(self->h, &args));
	EXPECT_EQ(pid, (pid_t)args.out_pid);
	EXPECT_EQ(MB_USER, args.out_uid);
	EXPECT_EQ(MB_OTHER, args.out_gid);
}

TEST_F(mailbox, empty_message_needs_no_buffer)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE, .type = 3 };

	ASSERT_EQ(0, mb_send(self->h, &args));
	args = (struct mbox_msg_args) { .flags = MBOX_WAIT_NONE };
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(3, args.out_type);
	EXPECT_EQ(0, args.out_len);
}

TEST_F(mailbox, counts_messages_and_bytes)
{
	struct mbox_stat_args st;

	ASSERT_EQ(0, mb_put(self->h, self->out, 10));
	ASSERT_EQ(0, mb_put(self->h, self->out, 5000));
	ASSERT_EQ(0, mb_put(self->h, self->out, 0));
	ASSERT_EQ(0, mb_stat(self->h, &st));
	EXPECT_EQ(3, st.messages);
	EXPECT_EQ(5010, st.bytes);
	EXPECT_EQ(3, st.sent);
	EXPECT_EQ(0, st.received);
	EXPECT_EQ(10, mb_get(self->h, self->in, MIB));
	ASSERT_EQ(0, mb_stat(self->h, &st));
	EXPECT_EQ(2, st.messages);
	EXPECT_EQ(5000, st.bytes);
	EXPECT_EQ(3, st.sent);
	EXPECT_EQ(1, st.received);
}

/* ---- too small a buffer ---- */

TEST_F(mailbox, small_buffer_is_told_the_length_and_nothing_else)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->in,
		.len = 99,
	}, expected;

	fill(self->out, 100, 1);
	ASSERT_EQ(0, mb_put(self->h, self->out, 100));
	ASSERT_EQ(-EMSGSIZE, mb_recv(self->h, &args));
	expected = args;
	memset((char *)&expected + MB_MSG_IN_SIZE, 0, MB_MSG_OUT_SIZE);
	expected.out_len = 100;
	EXPECT_EQ(0, memcmp(&expected, &args, sizeof(args)));
	EXPECT_TRUE(mb_all(self->in, 100, MB_POISON));
	/* The message is there, whole. */
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(100, mb_get(self->h, self->in, 100));
	EXPECT_TRUE(same(self->in, 100, 1));
}

TEST_F(mailbox, g02_small_buffer_leaves_the_message_at_its_place)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.select = MBOX_SELECT_EQUAL,
		.type = 2,
	};
	int i;

	for (i = 1; i <= 3; i++)
		ASSERT_EQ(0, num_send(self->h, i, 0, i));
	ASSERT_EQ(-EMSGSIZE, mb_recv(self->h, &args));
	EXPECT_EQ(4, args.out_len);
	ASSERT_EQ(0, num_send(self->h, 4, 0, 4));
	for (i = 1; i <= 4; i++)
		EXPECT_EQ(i, num_recv(self->h));
}

TEST_F(mailbox, small_buffer_with_truncate_gets_the_front)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
		.buf = (unsigned long)self->in,
		.len = 4000,
	};

	fill(self->out, 10000, 1);
	ASSERT_EQ(0, mb_put(self->h, self->out, 10000));
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(10000, args.out_len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, args.out_flags);
	EXPECT_TRUE(same(self->in, 4000, 1));
	EXPECT_TRUE(mb_all(self->in + 4000, GUARD, MB_POISON));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, truncate_to_nothing_takes_the_message)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE | MBOX_TRUNCATE };

	ASSERT_EQ(0, mb_put(self->h, self->out, 10000));
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(10000, args.out_len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, args.out_flags);
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, truncate_cuts_nothing_that_fits)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
		.buf = (unsigned long)self->in,
		.len = 100,
	};

	fill(self->out, 100, 1);
	ASSERT_EQ(0, mb_put(self->h, self->out, 100));
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(100, args.out_len);
	EXPECT_EQ(0, args.out_flags);
	EXPECT_TRUE(same(self->in, 100, 1));
}

/* ---- failures leave everything as it was ---- */

/* Three messages of @len bytes, types and contents 1, 2, 3. */
static int three_messages(int h, unsigned char *out, __u32 len)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)out,
		.len = len,
	};
	int ret = 0;

	for (args.type = 1; args.type <= 3 && !ret; args.type++) {
		fill(out, len, args.type);
		ret = mb_send(h, &args);
	}
	return ret;
}

/* Whether they are there, whole and in order, and no others. */
static bool three_there(int h, unsigned char *in, __u32 len)
{
	int i;

	for (i = 1; i <= 3; i++)
		if (mb_get(h, in, MIB) != (int)len || !same(in, len, i))
			return false;
	return mb_get(h, in, MIB) == -EAGAIN;
}

static const __u32 fault_sizes[] = { 1, 16, 64, 500, 4096, 9000, 100000 };

TEST_F(mailbox, g02_fault_in_the_buffer_leaves_the_message_at_its_place)
{
	char *end = mb_page_end();
	struct mbox_msg_args args = {
		.select = MBOX_SELECT_EQUAL,
		.flags = MBOX_WAIT_NONE,
		.type = 2,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fault_sizes); i++) {
		__u32 len = fault_sizes[i];
		__u32 mapped = len < 4096 ? len / 2 : 4000;

		ASSERT_EQ(0, three_messages(self->h, self->out, len));
		args.buf = (unsigned long)end - mapped;
		args.len = len;
		ASSERT_EQ(-EFAULT, mb_recv(self->h, &args));
		EXPECT_TRUE(mb_poisoned(&args));
		EXPECT_EQ(3, mb_messages(self->h));
		EXPECT_TRUE(three_there(self->h, self->in, len));
	}
}

TEST_F(mailbox, g02_read_only_buffer_leaves_the_message_at_its_place)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p = mb_page_end() - page;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)p,
		.len = page,
	};

	ASSERT_EQ(0, mprotect(p, page, PROT_READ));
	ASSERT_EQ(0, three_messages(self->h, self->out, 1000));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
	EXPECT_TRUE(mb_all(p, page, MB_POISON));
	EXPECT_TRUE(three_there(self->h, self->in, 1000));
}

TEST_F(mailbox, g02_kernel_address_as_buffer_leaves_the_message)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = -4096ULL,
		.len = 1000,
	};

	ASSERT_EQ(0, three_messages(self->h, self->out, 1000));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
	EXPECT_EQ(-EFAULT, mb_send(self->h, &args));
	EXPECT_TRUE(three_there(self->h, self->in, 1000));
}

TEST_F(mailbox, g02_fault_in_the_header_leaves_the_message_at_its_place)
{
	struct mbox_msg_args *args;
	long page = sysconf(_SC_PAGESIZE);
	char *p = mb_page_end() - page;
	unsigned int i;

	args = (struct mbox_msg_args *)p;
	*args = (struct mbox_msg_args) {
		.select = MBOX_SELECT_EQUAL,
		.flags = MBOX_WAIT_NONE,
		.type = 2,
		.buf = (unsigned long)self->in,
		.len = MIB,
	};
	ASSERT_EQ(0, mprotect(p, page, PROT_READ));
	for (i = 0; i < ARRAY_SIZE(fault_sizes); i++) {
		ASSERT_EQ(0, three_messages(self->h, self->out, fault_sizes[i]));
		EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_RECV, args));
		EXPECT_TRUE(three_there(self->h, self->in, fault_sizes[i]));
	}
}

TEST_F(mailbox, g02_header_on_half_a_page_leaves_the_message)
{
	char *end = mb_page_end();
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->in,
		.len = MIB,
	};
	unsigned int i;

	memcpy(end - MB_MSG_IN_SIZE, &args, MB_MSG_IN_SIZE);
	for (i = 0; i < ARRAY_SIZE(fault_sizes); i++) {
		ASSERT_EQ(0, three_messages(self->h, self->out, fault_sizes[i]));
		EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_RECV,
					    end - MB_MSG_IN_SIZE));
		EXPECT_TRUE(three_there(self->h, self->in, fault_sizes[i]));
	}
}

TEST_F(mailbox, g02_fault_in_a_peek_leaves_the_message)
{
	char *end = mb_page_end();
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_PEEK,
		.buf = (unsigned long)end - 10,
		.len = 1000,
	};

	ASSERT_EQ(0, three_messages(self->h, self->out, 1000));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
	EXPECT_TRUE(three_there(self->h, self->in, 1000));
}

TEST_F(mailbox, g02_fault_in_a_truncated_receive_leaves_the_message)
{
	char *end = mb_page_end();
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE,
		.buf = (unsigned long)end - 10,
		.len = 500,
	};

	ASSERT_EQ(0, three_messages(self->h, self->out, 1000));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
	EXPECT_TRUE(three_there(self->h, self->in, 1000));
}

/* The page behind what is used need not be there. */
TEST_F(mailbox, buffer_may_end_where_the_memory_ends)
{
	char *end = mb_page_end();
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)end - 1000,
		.len = 1000,
	};

	fill((unsigned char *)end - 1000, 1000, 9);
	ASSERT_EQ(0, mb_send(self->h, &args));
	memset(end - 1000, MB_POISON, 1000);
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_TRUE(same((unsigned char *)end - 1000, 1000, 9));
}

/* Neither for the buffer nor for the header, until it is written. */
TEST_F(mailbox, memory_need_not_be_there_yet)
{
	const long page = sysconf(_SC_PAGESIZE);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fault_sizes); i++) {
		const __u32 len = fault_sizes[i];
		struct mbox_msg_args *args, send = {
			.buf = (unsigned long)self->out,
			.len = len,
		};
		char *p = mmap(NULL, len + 2 * page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		ASSERT_NE(MAP_FAILED, p);
		fill(self->out, len, 9);
		ASSERT_EQ(0, mb_send(self->h, &send));
		ASSERT_EQ(0, mb_send(self->h, &send));
		args = (struct mbox_msg_args *)p;
		args->flags = MBOX_WAIT_NONE;
		args->buf = (unsigned long)p + page;
		args->len = len;
		ASSERT_EQ(0, mb_ioctl(self->h, MBOX_IOC_RECV, args));
		EXPECT_TRUE(same((unsigned char *)p + page, len, 9));
		/* The header's second half is on a page of its own. */
		args = (struct mbox_msg_args *)(p + page - MB_MSG_IN_SIZE);
		*args = (struct mbox_msg_args) {
			.flags = MBOX_WAIT_NONE,
			.buf = (unsigned long)self->in,
			.len = len,
		};
		ASSERT_EQ(0, madvise(p + page, page, MADV_DONTNEED));
		ASSERT_EQ(0, mb_ioctl(self->h, MBOX_IOC_RECV, args));
		EXPECT_TRUE(same(self->in, len, 9));
		EXPECT_EQ(len, args->out_len);
		EXPECT_EQ(0, mb_messages(self->h));
		munmap(p, len + 2 * page);
	}
}

/* Send @args, which fails with @error; whether nothing was left behind. */
static bool fails_cleanly(int h, struct mbox_msg_args *args, int error)
{
	struct mbox_stat_args before, after;
	int ret;

	if (mb_stat(h, &before))
		return false;
	ret = mb_send(h, args);
	return ret == -error && !mb_stat(h, &after) &&
	       !memcmp(&before, &after, sizeof(before));
}

TEST_F(mailbox, g02_failed_send_leaves_nothing)
{
	char *end = mb_page_end();
	struct mbox_query_args before, after;
	struct mbox_msg_args args = { .flags = MBOX_WAIT_NONE };
	unsigned int i;

	ASSERT_EQ(0, three_messages(self->h, self->out, 1000));
	ASSERT_EQ(0, mb_query(&before));
	for (i = 0; i < ARRAY_SIZE(fault_sizes); i++) {
		args.len = fault_sizes[i];
		args.buf = (unsigned long)end -
			   (args.len < 4096 ? args.len / 2 : 4000);
		EXPECT_TRUE(fails_cleanly(self->h, &args, EFAULT));
	}
	args.buf = (unsigned long)self->out;
	args.len = MIB + 1;
	EXPECT_TRUE(fails_cleanly(self->h, &args, EMSGSIZE));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	EXPECT_TRUE(three_there(self->h, self->in, 1000));
}

TEST_F(mailbox, g02_send_that_may_not_wait_leaves_nothing)
{
	struct mbox_query_args before, after;
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->out,
		.len = 1000,
	};
	int h = mb_create_small(1);

	ASSERT_LE(0, h);
	ASSERT_EQ(0, num_send(h, 0, 0, 1));
	ASSERT_EQ(0, mb_query(&before));
	EXPECT_TRUE(fails_cleanly(h, &args, EAGAIN));
	args.flags = MBOX_WAIT_UNTIL;
	EXPECT_TRUE(fails_cleanly(h, &args, ETIMEDOUT));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	EXPECT_EQ(1, num_recv(h));
	EXPECT_EQ(-EAGAIN, num_recv(h));
}

TEST_HARNESS_MAIN
