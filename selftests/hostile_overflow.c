// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Every number that a program can give, at the ends of its range and at those of the
 * types it might be kept in: none is taken for a smaller one, none adds up to one.
 */
#include "mbox_files.h"
#include "mbox_call.h"

#include <limits.h>
#include <sys/uio.h>

static const __u64 ends[] = {
	0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7ffff000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff,
	0x100000000, 0x100000001, 0x7fffffffffffffff, 0x8000000000000000,
	0x8000000000000001, 0xfffffffffffffffe, 0xffffffffffffffff,
};

FIXTURE(numbers) {
	int h;
	struct mbox_query_args query;
};

FIXTURE_SETUP(numbers)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_query(&self->query));
}

FIXTURE_TEARDOWN(numbers)
{
	EXPECT_TRUE(all_over(self->h));
	close(self->h);
}

/* The same, if it fits; otherwise there is nothing to try. */
#define FITS(type, value)	((type)(value) == (value))

TEST_F(numbers, of_limits_are_taken_as_they_are_or_not_at_all)
{
	struct mbox_create_args args;
	struct mbox_stat_args st;
	unsigned int i;
	int h;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		args = (struct mbox_create_args){ .flags = MB_RW, .max_bytes = ends[i] };
		h = mb_create(&args);
		EXPECT_EQ(ends[i] > self->query.ceiling_max_bytes, h == -EINVAL);
		if (h >= 0 && !mb_stat(h, &st))
			EXPECT_EQ(ends[i], st.max_bytes);
		close(h);
		if (!FITS(__u32, ends[i]))
			continue;
		args = (struct mbox_create_args){ .flags = MB_RW, .max_messages = ends[i] };
		h = mb_create(&args);
		EXPECT_EQ(ends[i] > self->query.ceiling_max_messages, h == -EINVAL);
		if (h >= 0 && !mb_stat(h, &st))
			EXPECT_EQ(ends[i], st.max_messages);
		close(h);
		args = (struct mbox_create_args){
			.flags = MB_RW, .max_message_size = ends[i],
		};
		h = mb_create(&args);
		EXPECT_EQ(ends[i] > self->query.ceiling_max_message_size, h == -EINVAL);
		close(h);
		EXPECT_EQ(ends[i] > self->query.ceiling_max_messages ? -EINVAL : 0,
			  mb_set_max_messages(self->h, ends[i]));
	}
}

/* More than any mailbox takes, whatever is there. */
TEST_F(numbers, of_lengths_are_not_cut)
{
	static char buf[4];	/* a stack may end less than 4 GiB below the kernel's half */
	struct mbox_msg_args args;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!FITS(__u32, ends[i]) || ends[i] <= 1 << 20)
			continue;
		args = (struct mbox_msg_args){
			.flags = MBOX_WAIT_NONE, .buf = (unsigned long)buf, .len = ends[i],
		};
		EXPECT_GT(0, mb_send(self->h, &args));
		/* Room for all there may be: the message is as long as it is. */
		ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
		if (sizeof(long) == 8 || ends[i] < 0x7fffffff) {
			EXPECT_EQ(0, mb_recv(self->h, &args)) { TH_LOG("%llx", ends[i]); }
			EXPECT_EQ(4, args.out_len);
		} else {
			mb_get(self->h, buf, 4);
		}
	}
}

/* Parts that are each possible, and add up to more than there can be, or to little. */
TEST_F(numbers, of_parts_do_not_add_up_to_less)
{
	static const size_t lens[][3] = {
		{ LONG_MAX, LONG_MAX, 2 }, { LONG_MAX, 1, 0 }, { SIZE_MAX, 1, 0 },
		{ SIZE_MAX, SIZE_MAX, 3 }, { 1, SIZE_MAX, 0 }, { LONG_MAX, LONG_MAX, LONG_MAX },
		{ 0x7ffff000, 0x7ffff000, 0x7ffff000 }, { 0x40000000, 0x40000000, 0x40000000 },
	};
	char buf[8] = "";
	struct iovec iov[3];
	struct mbox_ext ext;
	struct mbox_msg_args args;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (j = 0; j < 3; j++)
			iov[j] = (struct iovec){ buf, lens[i][j] };
		ext = (struct mbox_ext){ .iov = (unsigned long)iov, .iov_count = 3 };
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE };
		EXPECT_GT(0, mb_ext(self->h, MBOX_IOC_SEND, &args, &ext)) { TH_LOG("%u", i); }
		EXPECT_GT(0, writev(self->h, iov, 3));
		EXPECT_EQ(0, mb_messages(self->h));
	}
}

/* A number of entries that, times their size, is a small one again. */
TEST_F(numbers, of_entries_are_not_multiplied_to_less)
{
	static const __u32 counts[] = {
		0, MBOX_BATCH_MAX + 1, 0x01000000, 0x02000000, 0x02000001, 0x80000000, ~0U,
	};
	struct mbox_msg_args msgs[2] = { { .flags = MBOX_WAIT_NONE } };
	struct mbox_batch_args batch = { .msgs = (unsigned long)msgs };
	struct mbox_msg_args args;
	struct mbox_ext ext;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		batch.count = counts[i];
		EXPECT_EQ(-EINVAL, mb_ioctl(self->h, MBOX_IOC_SENDV, &batch));
		EXPECT_EQ(-EINVAL, mb_ioctl(self->h, MBOX_IOC_RECVV, &batch));
		if (!counts[i])
			continue;
		ext = (struct mbox_ext){ .files = (unsigned long)msgs, .file_count = counts[i] };
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE };
		EXPECT_EQ(-EINVAL, mb_ext(self->h, MBOX_IOC_SEND, &args, &ext));
		ext = (struct mbox_ext){ .iov = (unsigned long)msgs, .iov_count = counts[i] };
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE };
		EXPECT_EQ(-EINVAL, mb_ext(self->h, MBOX_IOC_SEND, &args, &ext));
		EXPECT_EQ(-EINVAL, mb_ext(self->h, MBOX_IOC_RECV, &args, &ext));
	}
}

/* Room for any number of files is room for those that come. */
TEST_F(numbers, of_files_that_are_wanted_may_be_any)
{
	struct mbox_msg_args args;
	struct mbox_ext ext;
	unsigned int i;
	int fds[2], got[2];

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!FITS(__u32, ends[i]))
			continue;
		ASSERT_EQ(0, files_send(self->h, fds, 2));
		ext = (struct mbox_ext){ .files = (unsigned long)got, .file_count = ends[i] };
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE | MBOX_TRUNCATE };
		ASSERT_EQ(0, mb_ext(self->h, MBOX_IOC_RECV, &args, &ext));
		EXPECT_EQ(2, ext.out_file_count);
		EXPECT_EQ(0, close(got[0]));
		EXPECT_EQ(0, close(got[1]));
	}
	close(fds[0]);
	close(fds[1]);
}

/* A lease that ends at the end of time, or would after it, does not end at once. */
TEST_F(numbers, of_times_do_not_turn_over)
{
	struct mbox_msg_args args;
	unsigned int i;
	__u32 token;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		/* Two days, which are more than this test takes. */
		if (ends[i] < 1ULL << 47)
			continue;
		ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
		ASSERT_EQ(42, num_lease_for(self->h, ends[i], &token));
		EXPECT_EQ(-EAGAIN, num_recv(self->h)) { TH_LOG("%llx", ends[i]); }
		EXPECT_EQ(0, num_finish(self->h, token, MBOX_FINISH_DONE));
		args = (struct mbox_msg_args){
			.flags = MBOX_WAIT_UNTIL, .deadline = ends[i],
			.buf = (unsigned long)&token, .len = 4,
		};
		ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
		EXPECT_EQ(ends[i] > LLONG_MAX ? -EINVAL : 0, mb_recv(self->h, &args));
		if (ends[i] > LLONG_MAX)
			EXPECT_EQ(42, num_recv(self->h));
	}
}

/* Each command with a struct of each size there is. */
TEST_F(numbers, of_struct_sizes_are_all_refused_or_right)
{
	static const struct {
		unsigned long cmd;
		unsigned int size;
	} cmds[] = {
		{ MBOX_IOC_SEND, sizeof(struct mbox_msg_args) },
		{ MBOX_IOC_RECV, sizeof(struct mbox_msg_args) },
		{ MBOX_IOC_FINISH, sizeof(struct mbox_msg_args) },
		{ MBOX_IOC_SENDV, sizeof(struct mbox_batch_args) },
		{ MBOX_IOC_RECVV, sizeof(struct mbox_batch_args) },
		{ MBOX_IOC_NARROW, sizeof(struct mbox_narrow_args) },
		{ MBOX_IOC_SET, sizeof(struct mbox_set_args) },
	};
	/* Zero, but for the last byte that a struct of that size has. */
	unsigned char *s = calloc(1, 16384);
	unsigned int i, size;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		for (size = 0; size < 16384; size += size < 256 ? 1 : 61) {
			const bool shorter = size < cmds[i].size;

			if (size == cmds[i].size)
				continue;
			if (size)
				s[size - 1] = 1;
			EXPECT_EQ(shorter ? -EINVAL : -E2BIG,
				  mb_ioctl(self->h, RESIZED(cmds[i].cmd, size), s)) {
				TH_LOG("command %u of size %u", i, size);
			}
			if (size)
				s[size - 1] = 0;
		}
	}
	free(s);
}

/*
 * Addresses that are not the program's, and are when cut to 32 bits: those that a
 * 32-bit program would mean.
 */
TEST_F(numbers, of_addresses_are_not_cut)
{
	const __u64 high[] = { 1ULL << 32, 1ULL << 47, 1ULL << 63, 0xffffffffULL << 32 };
	char buf[64] = "";
	struct mbox_batch_args batch;
	struct mbox_msg_args args;
	struct mbox_ext ext;
	struct iovec iov = { buf, 4 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(high); i++) {
		const __u64 at = high[i] ^ (unsigned long)buf;

		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE, .buf = at, .len = 4 };
		EXPECT_EQ(-EFAULT, mb_send(self->h, &args));
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE | MBOX_EXT, .ext = at };
		EXPECT_EQ(-EFAULT, mb_send(self->h, &args));
		EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
		ext = (struct mbox_ext){
			.iov = high[i] ^ (unsigned long)&iov, .iov_count = 1,
		};
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE };
		EXPECT_EQ(-EFAULT, mb_ext(self->h, MBOX_IOC_SEND, &args, &ext));
		ext = (struct mbox_ext){ .files = at, .file_count = 1 };
		args = (struct mbox_msg_args){ .flags = MBOX_WAIT_NONE };
		EXPECT_EQ(-EFAULT, mb_ext(self->h, MBOX_IOC_SEND, &args, &ext));
		batch = (struct mbox_batch_args){ .msgs = at, .count = 1 };
		EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_SENDV, &batch));
		EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_RECVV, &batch));
	}
	/* An array of entries that goes on at address 0. */
	batch = (struct mbox_batch_args){ .msgs = -128LL, .count = 2 };
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_SENDV, &batch));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, MBOX_IOC_RECVV, &batch));
}

TEST_HARNESS_MAIN
