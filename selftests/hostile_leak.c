// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who reads all that comes out for bytes that were never put in (G11): memory of
 * messages that were freed and is used again, slots for replies that were filled in
 * part or not at all, tails of buffers and of structs of a later version.
 */
#include "mbox_files.h"
#include "mbox_call.h"

#define SECRET	0x5e		/* in every byte of what was freed */
#define SIZE	3000		/* of payloads in the memory of the message itself */
#define LONG	20000		/* and in pages of their own */

FIXTURE(reused_memory) {
	int h;
	unsigned char buf[LONG + 64];
};

#define REUSED_MEMORY FIXTURE_DATA(reused_memory)

/* Let memory of all sizes that messages and calls have hold the secret, and free it. */
static void secrets_free(int h)
{
	static const __u32 sizes[] = { 0, 1, 8, 64, 200, 500, 1000, 2000, SIZE, LONG };
	unsigned char secret[LONG];
	unsigned int i, n;
	__u32 token;

	memset(secret, SECRET, sizeof(secret));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (n = 0; n < 40; n++)
			if (mb_put(h, secret, sizes[i]))
				abort();
		for (n = 0; n < 40; n++)
			if (mb_get(h, secret, LONG) != (int)sizes[i])
				abort();
	}
	for (n = 0; n < 40; n++) {
		if (num_call_async(h, h, 0x5e5e5e5e5e5e5e5e, LONG, 0x5e5e5e5e) ||
		    num_take(h, &token) != 0x5e5e5e5e ||
		    num_reply(h, token, 0x5e5e5e5e) || num_recv(h) != 0x5e5e5e5e)
			abort();
	}
}

FIXTURE_SETUP(reused_memory)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	secrets_free(self->h);
}

FIXTURE_TEARDOWN(reused_memory)
{
	close(self->h);
}

static bool has_secret(const void *mem, size_t size)
{
	return memmem(mem, size, "\x5e\x5e", 2);
}

/* What comes out of the header, for a message of which all is 0 that can be. */
static void expect_clean_header(struct __test_metadata *_metadata,
				const struct mbox_msg_args *args)
{
	struct mbox_msg_args out = *args;

	out.out_time = 0;	/* which may be any */
	EXPECT_FALSE(has_secret((char *)&out + MB_MSG_IN_SIZE, MB_MSG_OUT_SIZE));
	EXPECT_EQ(0, args->out_badge);
	EXPECT_EQ(0, args->out_drops);
}

TEST_F(reused_memory, g11_does_not_show_in_a_message)
{
	static const __u32 sizes[] = { 0, 1, 7, 100, 1000, SIZE, LONG };
	struct mbox_msg_args args;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->buf, 0, sizeof(self->buf));
		ASSERT_EQ(0, mb_put(self->h, self->buf, sizes[i]));
		memset(self->buf, MB_POISON, sizeof(self->buf));
		args = (struct mbox_msg_args){
			.flags = MBOX_WAIT_NONE,
			.buf = (unsigned long)self->buf,
			.len = sizeof(self->buf),
		};
		ASSERT_EQ(0, mb_recv(self->h, &args));
		expect_clean_header(_metadata, &args);
		EXPECT_EQ(0, args.out_type);
		EXPECT_EQ(0, args.out_token);
		EXPECT_EQ(0, args.out_reply_max);
		EXPECT_EQ(0, args.out_flags);
		EXPECT_TRUE(mb_all(self->buf, sizes[i], 0));
		EXPECT_TRUE(mb_all(self->buf + sizes[i], sizeof(self->buf) - sizes[i],
				   MB_POISON));
	}
}

/* A caller, who takes long replies, and a server of which it gets @len bytes. */
static void expect_reply(struct __test_metadata *_metadata,
			 REUSED_MEMORY *self, struct peer *caller,
			 __u32 token, __u32 len)
{
	static unsigned char reply[LONG];
	struct mbox_msg_args args = {
		.select = MBOX_FINISH_REPLY, .id = token,
		.buf = (unsigned long)reply, .len = len,
	};

	ASSERT_EQ(0, mb_finish(self->h, &args));
	EXPECT_EQ(0, peer_join(caller));
	EXPECT_EQ(len, caller->args.out_len);
	expect_clean_header(_metadata, &caller->args);
	EXPECT_TRUE(mb_all(self->buf, len, 0));
	EXPECT_TRUE(mb_all(self->buf + len, sizeof(self->buf) - len, MB_POISON));
}

static struct peer *long_caller(REUSED_MEMORY *self, __u32 reply_max)
{
	struct peer *caller = peer_call(self->h, 0, 0, 42);

	memset(self->buf, MB_POISON, sizeof(self->buf));
	caller->args.reply_buf = (unsigned long)self->buf;
	caller->args.reply_len = reply_max;
	return caller;
}

TEST_F(reused_memory, g11_does_not_show_behind_a_short_reply)
{
	static const __u32 lens[] = { 0, 1, 100, SIZE };
	struct peer *caller;
	unsigned int i;
	__u32 token;

	for (i = 0; i < 2 * ARRAY_SIZE(lens); i++) {
		caller = long_caller(self, i % 2 ? LONG : SIZE);
		ASSERT_TRUE(peer_calls(caller));
		ASSERT_EQ(42, num_take(self->h, &token));
		expect_reply(_metadata, self, caller, token, lens[i / 2]);
	}
}

/* One that faults after some of it is there leaves none of that for the next. */
TEST_F(reused_memory, g11_half_a_reply_does_not_show_behind_a_shorter_one)
{
	struct peer *caller = long_caller(self, LONG);
	char *end = mb_page_end();
	struct mbox_msg_args args = { .select = MBOX_FINISH_REPLY };
	__u32 token;

	ASSERT_TRUE(peer_calls(caller));
	ASSERT_EQ(42, num_take(self->h, &token));
	memset(end - 4096, SECRET, 4096);
	args.id = token;
	args.buf = (unsigned long)end - 4096;
	args.len = LONG;
	EXPECT_EQ(-EFAULT, mb_finish(self->h, &args));
	expect_reply(_metadata, self, caller, token, 10);
}

/* A reply that never came, of which half was there once. */
TEST_F(reused_memory, g11_failed_reply_is_empty)
{
	struct mbox_msg_args args = { .select = MBOX_FINISH_REPLY };
	char *end = mb_page_end();
	__u32 token;

	ASSERT_EQ(0, num_call_async(self->h, self->h, 7, LONG, 42));
	ASSERT_EQ(42, num_take(self->h, &token));
	memset(end - 4096, SECRET, 4096);
	args.id = token;
	args.buf = (unsigned long)end - 4096;
	args.len = LONG;
	EXPECT_EQ(-EFAULT, mb_finish(self->h, &args));
	ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_DONE));

	memset(self->buf, MB_POISON, sizeof(self->buf));
	args = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE, .buf = (unsigned long)self->buf,
		.len = sizeof(self->buf),
	};
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(0, args.out_len);
	EXPECT_EQ(0, args.out_code);
	EXPECT_EQ(MBOX_MSG_REPLY | MBOX_MSG_FAILED, args.out_flags);
	expect_clean_header(_metadata, &args);
	EXPECT_TRUE(mb_all(self->buf, sizeof(self->buf), MB_POISON));
}

/* ---- structs of a later version ---- */

TEST_F(reused_memory, g11_does_not_show_in_longer_structs)
{
	static const int sizes[] = { 1, 8, 100, 4096, 15900 };
	static unsigned char s[16384];
	const int dev = mb_device();
	unsigned int i, size;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size = sizeof(struct mbox_stat_args) + sizes[i];
		memset(s, MB_POISON, sizeof(s));
		ASSERT_EQ(0, mb_ioctl(self->h, RESIZED(MBOX_IOC_STAT, size), s));
		EXPECT_TRUE(mb_all(s + sizeof(struct mbox_stat_args), sizes[i], 0));
		EXPECT_TRUE(mb_all(s + size, sizeof(s) - size, MB_POISON));

		size = sizeof(struct mbox_query_args) + sizes[i];
		memset(s, MB_POISON, sizeof(s));
		ASSERT_EQ(0, mb_ioctl(dev, RESIZED(MBOX_IOC_QUERY, size), s));
		EXPECT_TRUE(mb_all(s + sizeof(struct mbox_query_args), sizes[i], 0));
		EXPECT_TRUE(mb_all(s + size, sizeof(s) - size, MB_POISON));

		/* A message's header ends where it always did. */
		size = sizeof(struct mbox_msg_args) + sizes[i];
		memset(s, 0, sizeof(s));
		((struct mbox_msg_args *)s)->flags = MBOX_WAIT_NONE;
		ASSERT_EQ(0, mb_put(self->h, NULL, 0));
		ASSERT_EQ(0, mb_ioctl(self->h, RESIZED(MBOX_IOC_RECV, size), s));
		EXPECT_TRUE(mb_all(s + sizeof(struct mbox_msg_args),
				   sizeof(s) - sizeof(struct mbox_msg_args), 0));
	}
	close(dev);
}

/* ---- addresses of the kernel ---- */

/* In any eight bytes that came out: the upper half, where the kernel is. */
static bool has_address(const void *mem, size_t size)
{
	const unsigned char *p = mem;

	for (; size >= 8; p++, size--) {
		__u64 word;

		memcpy(&word, p, sizeof(word));
		if (word >> 47 == 0x1ffff && word != ~0ULL)
			return true;
	}
	return false;
}

TEST_F(reused_memory, g11_no_address_of_the_kernel_comes_out)
{
	struct mbox_query_args query;
	struct mbox_stat_args stat;
	struct mbox_msg_args args;
	char line[2048];
	__u32 token;
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, num_call_async(self->h, self->h, 1, 100, 42));
		args = (struct mbox_msg_args){
			.flags = MBOX_WAIT_NONE | MBOX_TRUNCATE | MBOX_LEASE,
		};
		ASSERT_EQ(0, mb_recv(self->h, &args));
		EXPECT_FALSE(has_address(&args.out_type, MB_MSG_OUT_SIZE));
		token = args.out_token;
		ASSERT_EQ(0, mb_stat(self->h, &stat));
		EXPECT_FALSE(has_address(&stat, sizeof(stat)));
		ASSERT_EQ(0, num_finish(self->h, token, MBOX_FINISH_DONE));
		ASSERT_EQ(0, num_recv(self->h));
	}
	ASSERT_EQ(0, mb_query(&query));
	EXPECT_FALSE(has_address(&query, sizeof(query)));
	ASSERT_NE(NULL, mb_fdinfo_str(self->h, "mbox-id", line, sizeof(line)));
	EXPECT_EQ(NULL, strstr(line, "ffff"));
}

TEST_HARNESS_MAIN
