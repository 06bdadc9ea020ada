// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A handle as a file: read and write in all their forms, and how both ends
 * learn that the other has gone.
 */
#include "mbox_peer.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

/* read() and write() that return minus errno. */
static long do_read(int h, void *buf, size_t len)
{
	ssize_t ret = read(h, buf, len);

	return ret < 0 ? -errno : ret;
}

static long do_write(int h, const void *buf, size_t len)
{
	ssize_t ret = write(h, buf, len);

	return ret < 0 ? -errno : ret;
}

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
	ASSERT_EQ(5, do_write(self->h, "hello", 5));
	ASSERT_EQ(3, do_write(self->h, "all", 3));
	EXPECT_EQ(5, do_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, "hello", 5));
	EXPECT_TRUE(mb_all(self->buf + 5, 100, MB_POISON));
	EXPECT_EQ(3, do_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, "all", 3));
}

TEST_F(mailbox, written_message_has_type_0_priority_0_and_its_opener)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->buf,
		.len = sizeof(self->buf),
	};

	ASSERT_EQ(5, do_write(self->h, "hello", 5));
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
	ASSERT_EQ(1, do_write(self->h, "c", 1));
	ASSERT_EQ(0, num_send(self->h, 5, 5, 42));
	EXPECT_EQ(4, do_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ(1, do_read(self->h, self->buf, sizeof(self->buf)));
	EXPECT_EQ('c', self->buf[0]);
}

TEST_F(mailbox, g02_read_into_a_small_buffer_leaves_the_message)
{
	ASSERT_EQ(5, do_write(self->h, "hello", 5));
	ASSERT_EQ(3, do_write(self->h, "all", 3));
	EXPECT_EQ(-EMSGSIZE, do_read(self->h, self->buf, 4));
	EXPECT_TRUE(mb_all(self->buf, 5, MB_POISON));
	EXPECT_EQ(5, do_read(self->h, self->buf, 5));
	EXPECT_EQ(3, do_read(self->h, self->buf, 3));
}

TEST_F(mailbox, g02_read_into_a_bad_buffer_leaves_the_message)
{
	char *end = mb_page_end();

	ASSERT_EQ(1000, do_write(self->h, self->buf, 1000));
	ASSERT_EQ(1, do_write(self->h, "x", 1));
	EXPECT_EQ(-EFAULT, do_read(self->h, end - 500, 1000));
	EXPECT_EQ(1000, do_read(self->h, self->buf, 1000));
	EXPECT_EQ(1, do_read(self->h, self->buf, 1));
}

TEST_F(mailbox, g02_write_from_a_bad_buffer_leaves_nothing)
{
	char *end = mb_page_end();

	EXPECT_EQ(-EFAULT, do_write(self->h, end - 500, 1000));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, writing_nothing_does_nothing)
{
	EXPECT_EQ(0, do_write(self->h, "x", 0));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(mailbox, reading_nothing_does_nothing)
{
	ASSERT_EQ(5, do_write(self->h, "hello", 5));
	EXPECT_EQ(0, do_read(self->h, self->buf, 0));
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(5, do_read(self->h, self->buf, 5));
	/* It does not even wait. */
	EXPECT_EQ(0, do_read(self->h, self->buf, 0));
}

TEST_F(mailbox, empty_message_reads_as_0_and_is_taken)
{
	ASSERT_EQ(0, mb_put(self->h, NULL, 0));
	ASSERT_EQ(1, do_write(self->h, "x", 1));
	EXPECT_EQ(0, do_read(self->h, self->buf, 100));
	EXPECT_EQ(1, do_read(self->h, self->buf, 100));
}

TEST_F(mailbox, write_above_the_limit_is_too_long)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE,
		.max_message_size = 100,
	};

	ASSERT_EQ(0, mb_set(self->h, &args));
	EXPECT_EQ(-EMSGSIZE, do_write(self->h, self->buf, 101));
	EXPECT_EQ(0, mb_messages(self->h));
	EXPECT_EQ(100, do_write(self->h, self->buf, 100));
}

TEST_F(mailbox, writev_and_readv_move_one_message)
{
	char a[3], b[10];
	const struct iovec out[] = {
		{ "he", 2 }, { NULL, 0 }, { "llo", 3 },
	};
	const struct iovec in[] = { { a, 3 }, { a, 0 }, { b, 10 } };

	ASSERT_EQ(5, writev(self->h, out, 3));
	ASSERT_EQ(1, do_write(self->h, "x", 1));
	EXPECT_EQ(2, mb_messages(self->h));
	ASSERT_EQ(5, readv(self->h, in, 3));
	EXPECT_EQ(0, memcmp(a, "hel", 3));
	EXPECT_EQ(0, memcmp(b, "lo", 2));
	EXPECT_EQ(1, do_read(self->h, b, 10));
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
	EXPECT_EQ(-EAGAIN, do_read(self->h, self->buf, 100));
	EXPECT_EQ(1, do_write(self->h, "x", 1));
	EXPECT_EQ(-EAGAIN, do_write(self->h, "y", 1));
	EXPECT_EQ(1, do_read(self->h, self->buf, 100));
	EXPECT_EQ(-EAGAIN, do_read(self->h, self->buf, 100));
}

static long peer_reads(struct peer *p)
{
	return do_read(p->fd, p->data, sizeof(p->data));
}

static long peer_writes(struct peer *p)
{
	return do_write(p->fd, "peer", 4);
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
	EXPECT_EQ(4, do_read(self->h, self->buf, 4));
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
	ASSERT_EQ(1, do_write(s, "x", 1));
	EXPECT_EQ(-EBADF, do_read(s, self->buf, 1));
	EXPECT_EQ(-EBADF, do_write(r, "x", 1));
	EXPECT_EQ(1, do_read(r, self->buf, 1));
}

TEST_F(mailbox, has_no_position)
{
	ASSERT_EQ(1, do_write(self->h, "x", 1));
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
	ASSERT_EQ(5, do_write(self->h, "hello", 5));
	EXPECT_EQ(-1, splice(self->h, NULL, pipes[1], NULL, 5, 0));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(1, write(pipes[1], "x", 1));
	EXPECT_EQ(-1, splice(pipes[0], NULL, self->h, NULL, 1, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(self->h, file, NULL, 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, mb_messages(self->h));
	EXPECT_EQ(5, do_read(self->h, self->buf, 5));
}

/* ---- the ends of a mailbox ---- */

FIXTURE(two_ends) {
	int r, s;	/* an anonymous mailbox: one receives, one sends */
};

FIXTURE_SETUP(two_ends)
{
	int h;

	MB_NEED_DEVICE();
	h = mb_create_small(1);
	ASSERT_LE(0, h);
	self->r = mb_narrow(h, MBOX_RECV, 0);
	self->s = mb_narrow(h, MBOX_SEND, 0);
	ASSERT_LE(0, self->r);
	ASSERT_LE(0, self->s);
	close(h);
}

FIXTURE_TEARDOWN(two_ends)
{
	close(self->r);
	close(self->s);
}

TEST_F(two_ends, receiver_is_at_the_end_when_the_last_sender_has_closed)
{
	int other = dup(self->s);
	char buf[8];

	ASSERT_LE(0, other);
	close(self->s);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	close(other);
	EXPECT_EQ(-EPIPE, num_recv(self->r));
	EXPECT_EQ(0, do_read(self->r, buf, sizeof(buf)));
	EXPECT_EQ(0, readable(self->r));
}

TEST_F(two_ends, receiver_gets_what_is_queued_before_the_end)
{
	char buf[8];

	ASSERT_EQ(0, num_send(self->s, 7, 0, 42));
	close(self->s);
	/* None of another type can come, though. */
	EXPECT_EQ(-EPIPE, num_recv_type(self->r, MBOX_SELECT_EQUAL, 8));
	EXPECT_EQ(-EPIPE, num_recv_type(self->r, MBOX_SELECT_NOT_EQUAL, 7));
	EXPECT_EQ(-EPIPE, num_recv_type(self->r, MBOX_SELECT_LOWEST, 6));
	EXPECT_EQ(42, num_recv_type(self->r, MBOX_SELECT_EQUAL, 7));
	EXPECT_EQ(0, do_read(self->r, buf, sizeof(buf)));
}

TEST_F(two_ends, end_comes_before_the_deadline)
{
	struct mbox_msg_args args = { .flags = MBOX_WAIT_UNTIL };

	close(self->s);
	EXPECT_EQ(-EPIPE, mb_recv(self->r, &args));
	EXPECT_TRUE(mb_poisoned(&args));
	args.flags = MBOX_WAIT_FOREVER;
	EXPECT_EQ(-EPIPE, mb_recv(self->r, &args));
	args.flags = MBOX_WAIT_FOREVER | MBOX_PEEK;
	EXPECT_EQ(-EPIPE, mb_recv(self->r, &args));
}

TEST_F(two_ends, blocked_receivers_learn_of_the_end)
{
	struct peer *p[4];
	int i;

	p[0] = peer_recv(self->r);
	p[1] = peer_new(self->r, peer_reads);
	p[2] = peer_recv_type(self->r, MBOX_SELECT_EQUAL, 5);
	p[3] = peer_recv(self->r);
	p[3]->args.flags |= MBOX_PEEK;
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(peer_blocks(p[i]));
	close(self->s);
	EXPECT_EQ(-EPIPE, peer_join(p[0]));
	EXPECT_EQ(0, peer_join(p[1]));
	EXPECT_EQ(-EPIPE, peer_join(p[2]));
	EXPECT_EQ(-EPIPE, peer_join(p[3]));
}

TEST_F(two_ends, blocked_selective_receiver_learns_of_its_end)
{
	struct peer *p = peer_recv_type(self->r, MBOX_SELECT_EQUAL, 5);

	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, num_send(self->s, 7, 0, 42));
	close(self->s);
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(two_ends, sender_is_told_that_nobody_can_receive)
{
	int other = dup(self->r);

	ASSERT_LE(0, other);
	close(self->r);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 1));
	close(other);
	EXPECT_EQ(-EPIPE, num_send(self->s, 0, 0, 2));
	/* A signal would have killed this process. */
	EXPECT_EQ(-EPIPE, do_write(self->s, "x", 1));
	EXPECT_EQ(0, do_write(self->s, "x", 0));
}

TEST_F(two_ends, g10_closing_the_last_receiver_frees_what_is_queued)
{
	struct mbox_query_args before, after;

	ASSERT_EQ(0, mb_query(&before));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_LT(before.user_bytes, after.user_bytes);
	close(self->r);
	EXPECT_EQ(0, mb_messages(self->s));
	ASSERT_EQ(0, mb_query(&after));
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

TEST_F(two_ends, blocked_senders_are_told_that_nobody_can_receive)
{
	struct peer *p = peer_send(self->s, 0, 0, 2);
	struct peer *w = peer_new(self->s, peer_writes);

	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_TRUE(peer_start(w));
	ASSERT_TRUE(senders_blocked(self->s, 2));
	close(self->r);
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(-EPIPE, peer_join(w));
}

TEST_F(two_ends, end_is_for_good)
{
	close(self->s);
	EXPECT_EQ(-EPERM, mb_narrow(self->r, MBOX_SEND, 0));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(mailbox, handle_with_both_rights_is_its_own_sender_and_receiver)
{
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
	EXPECT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->h));
	EXPECT_EQ(-EAGAIN, num_recv(self->h));
}

/* ---- names ---- */

#define NAME	"mbox readwrite test"

FIXTURE(named_ends) {
	int r, s;	/* of a named mailbox */
};

FIXTURE_SETUP(named_ends)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->r = mb_create_named(NAME, MBOX_RECV | MBOX_EXCL, 0600);
	ASSERT_LE(0, self->r);
	self->s = mb_open(NAME, MBOX_SEND);
	ASSERT_LE(0, self->s);
}

FIXTURE_TEARDOWN(named_ends)
{
	close(self->r);
	close(self->s);
	mb_unlink(NAME);
}

TEST_F(named_ends, name_may_bring_senders)
{
	close(self->s);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	self->s = mb_open(NAME, MBOX_SEND);
	ASSERT_LE(0, self->s);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(named_ends, name_may_bring_receivers)
{
	close(self->r);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	self->r = mb_open(NAME, MBOX_RECV);
	ASSERT_LE(0, self->r);
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(named_ends, message_outlives_all_handles)
{
	ASSERT_EQ(0, num_send(self->s, 7, 0, 42));
	close(self->s);
	close(self->r);
	self->r = mb_open(NAME, MBOX_RECV);
	ASSERT_LE(0, self->r);
	EXPECT_EQ(42, num_recv(self->r));
}

TEST_F(named_ends, unlink_brings_the_end)
{
	struct peer *p = peer_recv(self->r);

	close(self->s);
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(named_ends, unlink_does_not_end_what_has_a_sender)
{
	ASSERT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	close(self->s);
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(named_ends, unlink_tells_blocked_senders)
{
	struct mbox_set_args args = {
		.mask = MBOX_SET_MAX_MESSAGES,
		.max_messages = 1,
	};
	struct peer *p = peer_send(self->s, 0, 0, 2);

	ASSERT_EQ(0, mb_set(self->r, &args));
	ASSERT_EQ(0, num_send(self->s, 0, 0, 1));
	close(self->r);
	ASSERT_TRUE(peer_blocks(p));
	ASSERT_EQ(0, mb_unlink(NAME));
	EXPECT_EQ(-EPIPE, peer_join(p));
	EXPECT_EQ(-EPIPE, num_send(self->s, 0, 0, 3));
}

TEST(own_mailbox_may_bring_senders_until_it_is_unlinked)
{
	int r;

	MB_NEED_DEVICE();
	r = mb_create_own(MBOX_RECV, 0600);
	ASSERT_LE(0, r);
	EXPECT_EQ(-EAGAIN, num_recv(r));
	ASSERT_EQ(0, mb_unlink_pid(0));
	EXPECT_EQ(-EPIPE, num_recv(r));
}

struct own_of_child {
	int ready[2], go[2];
};

static void own_mailbox(struct __test_metadata *_metadata, void *arg)
{
	struct own_of_child *c = arg;
	int r = mb_create_own(MB_RW, 0600);
	char byte;

	ASSERT_LE(0, r);
	ASSERT_EQ(1, write(c->ready[1], "r", 1));
	ASSERT_EQ(1, read(c->go[0], &byte, 1));
}

TEST(g13_end_of_a_process_ends_its_own_mailbox)
{
	struct own_of_child c;
	struct peer *p;
	char byte;
	pid_t pid;
	int r;

	MB_NEED_DEVICE();
	ASSERT_EQ(0, pipe(c.ready));
	ASSERT_EQ(0, pipe(c.go));
	pid = mb_fork(_metadata, own_mailbox, &c);
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(c.ready[0], &byte, 1));
	r = mb_open_pid(pid, MBOX_RECV);
	ASSERT_LE(0, r);
	p = peer_recv(r);
	ASSERT_TRUE(peer_blocks(p));
	mb_kill(pid);
	EXPECT_EQ(-EPIPE, peer_join(p));
}

/* ---- handles on their way ---- */

TEST_F(two_ends, sender_on_its_way_through_a_socket_is_a_sender)
{
	int sock[2], s;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->s));
	close(self->s);
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	s = recv_fd(sock[1]);
	ASSERT_LE(0, s);
	EXPECT_EQ(0, num_send(s, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->r));
	EXPECT_EQ(-EAGAIN, num_recv(self->r));
	close(s);
	EXPECT_EQ(-EPIPE, num_recv(self->r));
}

TEST_F(two_ends, sender_that_is_lost_on_its_way_ends_a_blocked_receive)
{
	struct peer *p = peer_recv(self->r);
	int sock[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->s));
	close(self->s);
	ASSERT_TRUE(peer_blocks(p));
	close(sock[0]);
	close(sock[1]);
	EXPECT_EQ(-EPIPE, peer_join(p));
}

TEST_F(two_ends, receiver_on_its_way_through_a_socket_is_a_receiver)
{
	int sock[2], r;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, send_fd(sock[0], self->r));
	close(self->r);
	EXPECT_EQ(0, num_send(self->s, 0, 0, 42));
	r = recv_fd(sock[1]);
	ASSERT_LE(0, r);
	EXPECT_EQ(42, num_recv(r));
	ASSERT_EQ(0, send_fd(sock[0], r));
	close(r);
	close(sock[0]);
	close(sock[1]);
	EXPECT_TRUE(wait_until(num_send(self->s, 0, 0, 1) == -EPIPE));
}

TEST_HARNESS_MAIN
