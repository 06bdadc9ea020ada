// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A handle as a file: read and write in all their forms, and what a file may do
 * that a mailbox does not.
 */
#include "mbox_peer.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

FIXTURE(mailbox) {
	int h;		/* both rights */
	char buf[8192];
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	memset(self->buf, MB_POISON, sizeof(self->buf));
}

FIXTURE_TEARDOWN(mailbox)
{
	close(self->h);
}

TEST_F(mailbox, reads_one_message_a_call_as_they_were_written)
{
	ASSERT_EQ(5, mb_write(self->h, "hello", 5));
	ASSERT_EQ(3, mb_write(self->h, "all", 3));
	EXPECT_EQ(5, mb_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, "hello", 5));
	EXPECT_TRUE(mb_all(self->buf + 5, 100, MB_POISON));
	EXPECT_EQ(3, mb_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, "all", 3));
}

TEST_F(mailbox, written_message_has_type_0_priority_0_and_its_opener)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->buf,
		.len = sizeof(self->buf),
	};

	ASSERT_EQ(5, mb_write(self->h, "hello", 5));
	ASSERT_EQ(0, mb_recv(self->h, &args));
	EXPECT_EQ(0, args.out_type);
	EXPECT_EQ(0, args.out_priority);
	EXPECT_EQ(5, args.out_len);
	EXPECT_EQ(MBOX_MSG_OPENER, args.out_flags);
	EXPECT_EQ(getpid(), (pid_t)args.out_pid);
	EXPECT_EQ(geteuid(), args.out_uid);
}

TEST_F(mailbox, read_takes_messages_in_receive_order)
{
	ASSERT_EQ(1, mb_write(self->h, "c", 1));
	ASSERT_EQ(0, num_send(self->h, 5, 5, 42));
	EXPECT_EQ(4, mb_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ(1, mb_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ('c', self->buf[0]);
}

TEST_F(mailbox, g02_read_into_a_small_buffer_leaves_the_message)
{
	ASSERT_EQ(5, mb_write(self->h, "hello", 5));
	ASSERT_EQ(3, mb_write(self->h, "all", 3));
	EXPECT_EQ(-EMSGSIZE, mb_read(self->h, self->buf, 4));
	EXPECT_TRUE(mb_all(self->buf, 5, MB_POISON));
	EXPECT_EQ(5, mb_read(self->h, self->buf, 5));
	EXPECT_EQ(3, mb_read(self->h, self->buf, 3));
}

TEST_F(mailbox, g02_read_into_a_bad_buffer_leaves_the_message)
{
	char *end = mb_page_end();

	ASSERT_EQ(1000, mb_write(self->h, self->buf, 1000));
	ASSERT_EQ(1, mb_write(self->h, "x", 1));
	EXPECT_EQ(-EFAULT, mb_read(self->h, end - 500, 1000));
	EXPECT_EQ(1000, mb_read(self->h, self->buf, 1000));
	EXPECT_EQ(1, mb_read(self->h, self->buf, 1));
}

TEST_F(mailbox, g02_write_from_a_bad_buffer_leaves_nothing)
{
	char *end = mb_page_end();

	EXPECT_EQ(-EFAULT, mb_write(self->h, end - 500, 1000));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, writing_nothing_does_nothing)
{
	EXPECT_EQ(0, mb_write(self->h, "x", 0));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, reading_nothing_does_nothing)
{
	ASSERT_EQ(5, mb_write(self->h, "hello", 5));
	EXPECT_EQ(0, mb_read(self->h, self->buf, 0));
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(5, mb_read(self->h, self->buf, 5));
	/* It does not even wait. */
	EXPECT_EQ(0, mb_read(self->h, self->buf, 0));
}

TEST_F(mailbox, empty_message_reads_as_0_and_is_taken)
{
	ASSERT_EQ(0, mb_put(self->h, NULL, 0));
	ASSERT_EQ(1, mb_write(self->h, "x", 1));
	EXPECT_EQ(0, mb_read(self->h, self->buf, 100));
	EXPECT_EQ(1, mb_read(self->h, self->buf, 100));
}

TEST_F(mailbox, write_above_the_limit_is_too_long)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 100,
	};

	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(-EMSGSIZE, mb_write(self->h, self->buf, 101));
	EXPECT_EQ(0, mb_messages(self->h));
	EXPECT_EQ(100, mb_write(self->h, self->buf, 100));
}

TEST_F(mailbox, writev_and_readv_move_one_message)
{
	char a[3], b[10];
	const struct iovec out[] = {
		{ "he", 2 }, { NULL, 0 }, { "llo", 3 },
	};
	const struct iovec in[] = { { a, 3 }, { a, 0 }, { b, 10 } };

	ASSERT_EQ(5, writev(self->h, out, 3));
	ASSERT_EQ(1, mb_write(self->h, "x", 1));
	EXPECT_EQ(2, mb_messages(self->h));
	ASSERT_EQ(5, readv(self->h, in, 3));
	EXPECT_EQ(0, memcmp(a, "hel", 3));
	EXPECT_EQ(0, memcmp(b, "lo", 2));
	EXPECT_EQ(1, mb_read(self->h, b, 10));
}

TEST_F(mailbox, large_message_passes_through_writev_and_readv)
{
	const size_t len = 300000;
	unsigned char *out = malloc(len), *in = malloc(len);
	struct iovec v[2];
	size_t i;

	ASSERT_TRUE(out && in);
	for (i = 0; i < len; i++)
		out[i] = i % 253;
	v[0] = (struct iovec) { out, 5001 };
	v[1] = (struct iovec) { out + 5001, len - 5001 };
	ASSERT_EQ(len, writev(self->h, v, 2));
	v[0] = (struct iovec) { in, 123456 };
	v[1] = (struct iovec) { in + 123456, len - 123456 };
	ASSERT_EQ(len, readv(self->h, v, 2));
	EXPECT_EQ(0, memcmp(in, out, len));
}

TEST_F(mailbox, o_nonblock_does_not_wait)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 1,
	};

	ASSERT_EQ(0, mb_set(self->h, &args));
	ASSERT_EQ(0, fcntl(self->h, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, mb_read(self->h, self->buf, 100));
	EXPECT_EQ(1, mb_write(self->h, "x", 1));
	EXPECT_EQ(-EAGAIN, mb_write(self->h, "y", 1));
	EXPECT_EQ(1, mb_read(self->h, self->buf, 100));
	EXPECT_EQ(-EAGAIN, mb_read(self->h, self->buf, 100));
}

static long peer_reads(struct peer *p)
{
	return mb_read(p->fd, p->data, sizeof(p->data));
}

static long peer_writes(struct peer *p)
{
	return mb_write(p->fd, "peer", 4);
}

static bool writer_blocks(struct peer *p)
{
	return peer_start(p) && senders_blocked(p->fd, 1);
}

TEST_F(mailbox, read_waits_for_a_message)
{
	struct peer *p = peer_new(self->h, peer_reads);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(4, peer_join(p));
	EXPECT_EQ(42, p->data[0]);
}

TEST_F(mailbox, read_with_a_small_buffer_is_told_when_a_message_comes)
{
	struct peer *p = peer_new(self->h, peer_reads);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, mb_put(self->h, self->buf, PEER_DATA + 1));
	EXPECT_EQ(-EMSGSIZE, peer_join(p));
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST_F(mailbox, write_waits_for_room)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 1,
	};
	struct peer *p = peer_new(self->h, peer_writes);

	ASSERT_EQ(0, mb_set(self->h, &args));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 1));
	ASSERT_TRUE(writer_blocks(p));
	EXPECT_EQ(1, num_recv(self->h));
	EXPECT_EQ(4, peer_join(p));
	EXPECT_EQ(4, mb_read(self->h, self->buf, 4));
	EXPECT_EQ(0, memcmp(self->buf, "peer", 4));
}

TEST_F(mailbox, signal_ends_a_read)
{
	struct peer *p = peer_new(self->h, peer_reads);

	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, pthread_kill(p->thread, SIGUSR1));
	EXPECT_EQ(-EINTR, peer_join(p));
}

TEST_F(mailbox, signal_with_restart_does_not_end_a_read)
{
	struct peer *p = peer_new(self->h, peer_reads);

	ASSERT_EQ(0, signal_handle(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, pthread_kill(p->thread, SIGUSR1));
	ASSERT_TRUE(wait_until(signals() == 1));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(4, peer_join(p));
}

static int readable(int h)
{
	int n = -1;

	return ioctl(h, FIONREAD, &n) ? -errno : n;
}

TEST_F(mailbox, fionread_tells_the_length_of_the_next_message)
{
	EXPECT_EQ(0, readable(self->h));
	ASSERT_EQ(0, mb_put(self->h, self->buf, 5000));
	EXPECT_EQ(5000, readable(self->h));
	ASSERT_EQ(0, mb_put(self->h, self->buf, 6000));
	EXPECT_EQ(5000, readable(self->h));
	ASSERT_EQ(0, num_send(self->h, 0, 9, 42));
	EXPECT_EQ(4, readable(self->h));
	EXPECT_EQ(3, mb_messages(self->h));
}

TEST_F(mailbox, fionread_needs_the_right_to_receive)
{
	int s = mb_narrow(self->h, MBOX_SEND, 0);

	ASSERT_LE(0, s);
	EXPECT_EQ(-EBADF, readable(s));
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, FIONREAD, NULL));
}

TEST_F(mailbox, read_and_write_need_their_right)
{
	int r = mb_narrow(self->h, MBOX_RECV, 0);
	int s = mb_narrow(self->h, MBOX_SEND, 0);

	ASSERT_LE(0, r);
	ASSERT_LE(0, s);
	ASSERT_EQ(1, mb_write(s, "x", 1));
	EXPECT_EQ(-EBADF, mb_read(s, self->buf, 1));
	EXPECT_EQ(-EBADF, mb_write(r, "x", 1));
	EXPECT_EQ(1, mb_read(r, self->buf, 1));
}

TEST_F(mailbox, has_no_position)
{
	ASSERT_EQ(1, mb_write(self->h, "x", 1));
	EXPECT_EQ(-1, lseek(self->h, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, lseek(self->h, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->h, self->buf, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->h, "y", 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST_F(mailbox, cannot_be_mapped)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->h, 0);

	EXPECT_TRUE(p == MAP_FAILED);
	EXPECT_EQ(ENODEV, errno);
}

/* splice() cannot keep messages apart. */
TEST_F(mailbox, refuses_splice_and_sendfile)
{
	int pipes[2], file = open("/proc/self/exe", O_RDONLY);

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_LE(0, file);
	ASSERT_EQ(5, mb_write(self->h, "hello", 5));
	EXPECT_EQ(-1, splice(self->h, NULL, pipes[1], NULL, 5, 0));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(1, write(pipes[1], "x", 1));
	EXPECT_EQ(-1, splice(pipes[0], NULL, self->h, NULL, 1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(self->h, file, NULL, 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(5, mb_read(self->h, self->buf, 5));
}

TEST_F(mailbox, handle_with_both_rights_is_its_own_sender_and_receiver)
{
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

TEST_HARNESS_MAIN
