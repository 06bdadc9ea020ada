// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Nothing of the kernel's memory comes out (G11): outputs are written in full,
 * and nothing beyond them.
 */
#include "mbox_test.h"

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
	EXPECT_EQ(0, mb_stat_of(self->h).calls);
	EXPECT_EQ(0, mb_stat_of(self->h).tokens);
	EXPECT_EQ(0, mb_stat_of(self->h).stale_tokens);
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
	EXPECT_EQ(0, args[0].out_reply_max);
}

TEST_F(outputs, g11_of_a_receive_end_with_the_message)
{
	static const __u32 sizes[] = {
		0, 1, 7, 8, 63, 64, 65, 255, 256, 4000, 4087, 4088, 4089, 4092, 4093, 4095,
		4096, 4097, 8176, 8177, 8184, 8185, 16 * 4088, 16 * 4088 + 1,
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
