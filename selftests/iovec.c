// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Payloads that lie in several pieces: MBOX_EXT with an iovec array. That a 32
 * bit program's array works is tested by this one as a 32 bit program.
 */
#include "mbox_peer.h"

#include <stdint.h>
#include <sys/uio.h>

#define LARGE	200000

FIXTURE(mailbox) {
	int h;
	unsigned char *out;	/* LARGE bytes that tell their place */
	unsigned char *in;	/* LARGE bytes, poisoned */
};

FIXTURE_SETUP(mailbox)
{
	int i;

	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->out = malloc(LARGE);
	self->in = malloc(LARGE);
	ASSERT_TRUE(self->out && self->in);
	for (i = 0; i < LARGE; i++)
		self->out[i] = i * 31 + i / 251;
	memset(self->in, MB_POISON, LARGE);
}

FIXTURE_TEARDOWN(mailbox)
{
	close(self->h);
	free(self->out);
	free(self->in);
}

/* Send, or receive with @flags, a message in @count pieces; see @args after. */
static int vector(int h, unsigned long cmd, __u32 flags,
		  const struct iovec *iov, __u32 count,
		  struct mbox_msg_args *args)
{
	struct mbox_ext ext = {
		.size = sizeof(ext),
		.iov_count = count,
		.iov = (unsigned long)iov,
	};

	args->flags = MBOX_WAIT_NONE | MBOX_EXT | flags;
	args->ext = (unsigned long)&ext;
	mb_poison(args);
	return mb_ioctl(h, cmd, args);
}

static int gather(int h, const struct iovec *iov, __u32 count)
{
	struct mbox_msg_args args = { .flags = 0 };

	return vector(h, MBOX_IOC_SEND, 0, iov, count, &args);
}

/* Receive; the length. */
static int scatter(int h, const struct iovec *iov, __u32 count)
{
	struct mbox_msg_args args = { .flags = 0 };
	int ret = vector(h, MBOX_IOC_RECV, 0, iov, count, &args);

	return ret < 0 ? ret : (int)args.out_len;
}

TEST_F(mailbox, send_gathers_the_pieces_in_their_order)
{
	const struct iovec iov[] = {
		{ self->out + 5000, 3 }, { self->out, 7 },
		{ self->out + 10, 4096 },
	};

	ASSERT_EQ(0, gather(self->h, iov, 3));
	ASSERT_EQ(4106, mb_get(self->h, self->in, LARGE));
	EXPECT_EQ(0, memcmp(self->in, self->out + 5000, 3));
	EXPECT_EQ(0, memcmp(self->in + 3, self->out, 7));
	EXPECT_EQ(0, memcmp(self->in + 10, self->out + 10, 4096));
}

TEST_F(mailbox, receive_scatters_over_the_pieces_in_their_order)
{
	const struct iovec iov[] = {
		{ self->in + 9000, 5 }, { self->in, 4091 },
		{ self->in + 10000, 100 },
	};

	ASSERT_EQ(0, mb_put(self->h, self->out, 4100));
	ASSERT_EQ(4100, scatter(self->h, iov, 3));
	EXPECT_EQ(0, memcmp(self->in + 9000, self->out, 5));
	EXPECT_EQ(0, memcmp(self->in, self->out + 5, 4091));
	EXPECT_EQ(0, memcmp(self->in + 10000, self->out + 4096, 4));
	EXPECT_TRUE(mb_all(self->in + 10004, 96, MB_POISON));
	EXPECT_TRUE(mb_all(self->in + 4091, 1000, MB_POISON));
}

TEST_F(mailbox, empty_pieces_count_for_nothing)
{
	const struct iovec out[] = {
		{ NULL, 0 }, { self->out, 5 }, { self->out, 0 },
		{ self->out + 5, 5 }, { NULL, 0 },
	};
	const struct iovec in[] = {
		{ self->in, 0 }, { NULL, 0 }, { self->in, 7 }, { NULL, 0 },
		{ self->in + 7, 100 },
	};

	ASSERT_EQ(0, gather(self->h, out, 5));
	ASSERT_EQ(10, scatter(self->h, in, 5));
	EXPECT_EQ(0, memcmp(self->in, self->out, 10));
}

TEST_F(mailbox, nothing_but_empty_pieces_is_an_empty_message)
{
	const struct iovec iov[3] = { { NULL, 0 } };

	ASSERT_EQ(0, gather(self->h, iov, 3));
	EXPECT_EQ(0, mb_get(self->h, NULL, 0));
	ASSERT_EQ(0, mb_put(self->h, NULL, 0));
	EXPECT_EQ(0, scatter(self->h, iov, 3));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, one_piece_is_a_buffer)
{
	const struct iovec out = { self->out, 5000 }, in = { self->in, 5000 };

	ASSERT_EQ(0, gather(self->h, &out, 1));
	ASSERT_EQ(5000, scatter(self->h, &in, 1));
	EXPECT_EQ(0, memcmp(self->in, self->out, 5000));
}

TEST_F(mailbox, takes_as_many_pieces_as_there_may_be)
{
	struct iovec out[MBOX_IOV_MAX + 1], in[MBOX_IOV_MAX + 1];
	int i;

	for (i = 0; i <= MBOX_IOV_MAX; i++) {
		out[i] = (struct iovec) { self->out + i * 9, 9 };
		in[i] = (struct iovec) { self->in + i * 9, 9 };
	}
	EXPECT_EQ(-EINVAL, gather(self->h, out, MBOX_IOV_MAX + 1));
	ASSERT_EQ(0, gather(self->h, out, MBOX_IOV_MAX));
	EXPECT_EQ(-EINVAL, scatter(self->h, in, MBOX_IOV_MAX + 1));
	ASSERT_EQ(MBOX_IOV_MAX * 9, scatter(self->h, in, MBOX_IOV_MAX));
	EXPECT_EQ(0, memcmp(self->in, self->out, MBOX_IOV_MAX * 9));
}

/* Cut @len bytes at @buf into pieces at random; their number. */
static int cut(unsigned char *buf, size_t len, struct iovec *iov, int max)
{
	size_t piece;
	int n;

	for (n = 0; n < max - 1 && len; n++) {
		piece = rand() % 4 ? rand() % 5000 : rand() % 4;
		if (piece > len)
			piece = len;
		iov[n] = (struct iovec) { buf, piece };
		buf += piece;
		len -= piece;
	}
	iov[n++] = (struct iovec) { buf, len };
	return n;
}

TEST_F(mailbox, g01_random_pieces_arrive_whole)
{
	struct iovec out[40], in[40];
	unsigned int seed = getpid();
	int i, n, m, len;

	TH_LOG("seed %u", seed);
	srand(seed);
	for (i = 0; i < 30; i++) {
		len = rand() % LARGE;
		n = cut(self->out, len, out, 40);
		m = cut(self->in, LARGE, in, 40);
		memset(self->in, MB_POISON, LARGE);
		ASSERT_EQ(0, gather(self->h, out, n));
		ASSERT_EQ(len, scatter(self->h, in, m));
		ASSERT_EQ(0, memcmp(self->in, self->out, len));
		ASSERT_TRUE(mb_all(self->in + len, LARGE - len, MB_POISON));
	}
}

TEST_F(mailbox, g02_too_small_pieces_are_told_the_length)
{
	const struct iovec small[] = { { self->in, 5 }, { self->in + 5, 4 } };
	const struct iovec enough[] = { { self->in, 5 }, { self->in + 5, 5 } };
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(0, mb_put(self->h, self->out, 10));
	EXPECT_EQ(-EMSGSIZE, vector(self->h, MBOX_IOC_RECV, 0, small, 2,
				    &args));
	EXPECT_EQ(10, args.out_len);
	EXPECT_TRUE(mb_all(self->in, 10, MB_POISON));
	EXPECT_EQ(10, scatter(self->h, enough, 2));
}

TEST_F(mailbox, too_small_pieces_with_truncate_get_the_front)
{
	const struct iovec iov[] = { { self->in, 5 }, { self->in + 100, 4 } };
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(0, mb_put(self->h, self->out, 10));
	EXPECT_EQ(0, vector(self->h, MBOX_IOC_RECV, MBOX_TRUNCATE, iov, 2,
			    &args));
	EXPECT_EQ(10, args.out_len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, args.out_flags);
	EXPECT_EQ(0, memcmp(self->in, self->out, 5));
	EXPECT_EQ(0, memcmp(self->in + 100, self->out + 5, 4));
	EXPECT_TRUE(mb_all(self->in + 104, 10, MB_POISON));
}

TEST_F(mailbox, peek_scatters_too)
{
	const struct iovec iov[] = { { self->in, 5 }, { self->in + 100, 90 } };
	struct mbox_msg_args args = { .flags = 0 };

	ASSERT_EQ(0, mb_put(self->h, self->out, 10));
	EXPECT_EQ(0, vector(self->h, MBOX_IOC_RECV, MBOX_PEEK, iov, 2, &args));
	EXPECT_EQ(0, memcmp(self->in, self->out, 5));
	EXPECT_EQ(0, memcmp(self->in + 100, self->out + 5, 5));
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST_F(mailbox, g02_fault_in_a_piece_leaves_the_message_at_its_place)
{
	char *end = mb_page_end();
	const struct iovec iov[] = {
		{ self->in, 1000 }, { end - 1000, 2000 }, { self->in, LARGE },
	};
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, mb_put(self->h, self->out + i, 5000 + i));
	ASSERT_EQ(-EFAULT, scatter(self->h, iov, 3));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(5000 + i, mb_get(self->h, self->in, LARGE));
		EXPECT_EQ(0, memcmp(self->in, self->out + i, 5000 + i));
	}
}

TEST_F(mailbox, g02_fault_in_a_piece_sends_nothing)
{
	char *end = mb_page_end();
	const struct iovec iov[] = {
		{ self->out, 1000 }, { end - 1000, 2000 }, { self->out, 9 },
	};

	ASSERT_EQ(-EFAULT, gather(self->h, iov, 3));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, g02_fault_in_the_array_leaves_everything)
{
	struct iovec *iov = (struct iovec *)mb_page_end() - 1;

	*iov = (struct iovec) { self->in, 1000 };
	ASSERT_EQ(0, mb_put(self->h, self->out, 100));
	EXPECT_EQ(-EFAULT, scatter(self->h, iov, 2));
	EXPECT_EQ(-EFAULT, gather(self->h, iov, 2));
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(100, scatter(self->h, iov, 1));
}

TEST_F(mailbox, g02_fault_in_the_extension_leaves_everything)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE | MBOX_EXT,
		.ext = (unsigned long)mb_page_end() - 8,
	};

	memset((void *)(unsigned long)args.ext, 0, 8);
	*(__u32 *)(unsigned long)args.ext = sizeof(struct mbox_ext);
	ASSERT_EQ(0, mb_put(self->h, self->out, 100));
	EXPECT_EQ(-EFAULT, mb_recv(self->h, &args));
	EXPECT_EQ(-EFAULT, mb_send(self->h, &args));
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST_F(mailbox, pieces_together_must_not_be_too_long)
{
	struct mbox_set_args set = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 99,
	};
	const struct iovec iov[] = { { self->out, 50 }, { self->out, 50 } };

	ASSERT_EQ(0, mb_set(self->h, &set));
	EXPECT_EQ(-EMSGSIZE, gather(self->h, iov, 2));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, piece_of_negative_length_is_invalid)
{
	const struct iovec iov[] = { { self->in, 9 }, { self->in, SIZE_MAX } };

	ASSERT_EQ(0, mb_put(self->h, self->out, 5));
	EXPECT_EQ(-EINVAL, gather(self->h, iov, 2));
	EXPECT_EQ(-EINVAL, scatter(self->h, iov, 2));
	EXPECT_EQ(1, mb_messages(self->h));
}

static long peer_scatters(struct peer *p)
{
	const struct iovec iov[] = { { p->data, 2 }, { p->data + 10, 20 } };
	const struct mbox_ext ext = {
		.size = sizeof(ext),
		.iov_count = 2,
		.iov = (unsigned long)iov,
	};

	p->args.flags = MBOX_WAIT_FOREVER | MBOX_EXT;
	p->args.ext = (unsigned long)&ext;
	return mb_recv(p->fd, &p->args);
}

TEST_F(mailbox, blocked_receiver_gets_a_message_in_pieces)
{
	struct peer *p = peer_new(self->h, peer_scatters);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, mb_put(self->h, "hello", 5));
	ASSERT_EQ(0, peer_join(p));
	EXPECT_EQ(0, memcmp(p->data, "he", 2));
	EXPECT_EQ(0, memcmp(p->data + 10, "llo", 3));
}

TEST_HARNESS_MAIN
