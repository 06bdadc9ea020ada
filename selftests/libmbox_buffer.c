// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, payloads by reference: the mbox_buffer functions, and
 * mbox_sendmsg.reference_above. Senders that cheat are in libmbox_cheat.c.
 */
#include "libmbox_test.h"
#include "mbox_call.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define LEN	(3 * 4096 + 5)
#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

FIXTURE(buffer) {
	int mb;
	int in;			/* the same, MBOX_RECV only, does not wait */
	int out;		/* MBOX_SEND only */
	struct mbox_buffer b;
	struct mbox_buffer got;
	char buf[LEN];		/* contents to compare with */
	int descriptors;	/* before */
};

FIXTURE_SETUP(buffer)
{
	struct mbox_query query;

	MB_NEED_DEVICE();
	if (mbox_query(&query) || !(query.features & MBOX_FEATURE_FILES))
		SKIP(_exit(255), "no files");
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV | MBOX_NONBLOCK, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	memset(&self->b, MB_POISON, sizeof(self->b));
	memset(&self->got, MB_POISON, sizeof(self->got));
	for (int i = 0; i < LEN; i++)
		self->buf[i] = (char)(i * 7 + i / 256);
	self->descriptors = open_descriptors();
}

FIXTURE_TEARDOWN(buffer)
{
}

static bool is_empty(const struct mbox_buffer *b)
{
	return !b->data && !b->len && b->fd == -1;
}

/* Whether the kernel can (not) write there for us. */
static bool writable(void *data)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	bool ok = read(zero, data, 1) == 1;

	close(zero);
	return ok;
}

static bool readable(const void *data)
{
	int null = open("/dev/random", O_WRONLY | O_CLOEXEC);
	bool ok = write(null, data, 1) == 1;

	close(null);
	return ok;
}

/* ---- there and back ---- */

TEST_F(buffer, is_filled_sent_and_received)
{
	void *data;

	EXPECT_OK(0, mbox_buffer_create(&self->b, LEN));
	EXPECT_EQ(LEN, self->b.len);
	EXPECT_LE(0, self->b.fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->b.fd, F_GETFD));
	EXPECT_TRUE(mb_all(self->b.data, LEN, 0));
	memcpy(self->b.data, self->buf, LEN);
	data = self->b.data;
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->b));
	EXPECT_TRUE(is_empty(&self->b));
	EXPECT_FALSE(readable(data));
	EXPECT_EQ(self->descriptors, open_descriptors());

	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(LEN, self->got.len);
	EXPECT_LE(0, self->got.fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->got.fd, F_GETFD));
	EXPECT_EQ(0, memcmp(self->got.data, self->buf, LEN));
	EXPECT_FALSE(writable(self->got.data));
	EXPECT_EQ(SEALS, fcntl(self->got.fd, F_GET_SEALS) & SEALS);
	EXPECT_TRUE(all_over(self->mb));
	data = self->got.data;
	errno = ECHILD;
	mbox_buffer_release(&self->got);
	EXPECT_EQ(ECHILD, errno);
	EXPECT_TRUE(is_empty(&self->got));
	EXPECT_FALSE(readable(data));
	EXPECT_EQ(self->descriptors, open_descriptors());
	mbox_buffer_release(&self->got);
}

TEST_F(buffer, may_be_longer_than_a_message)
{
	const struct mbox_set small = {
		.mask = MBOX_SET_MAX_MESSAGE_SIZE, .max_message_size = 64,
	};

	ASSERT_EQ(0, mbox_set(self->mb, &small));
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->b));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(LEN, self->got.len);
}

TEST_F(buffer, not_wanted_is_released)
{
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	mbox_buffer_release(&self->b);
	EXPECT_TRUE(is_empty(&self->b));
	EXPECT_EQ(self->descriptors, open_descriptors());
}

TEST_F(buffer, received_is_sent_on)
{
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	memcpy(self->b.data, self->buf, LEN);
	ASSERT_EQ(0, mbox_send_buffer(self->out, &self->b));
	ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->got));
	EXPECT_TRUE(is_empty(&self->got));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(0, memcmp(self->got.data, self->buf, LEN));
	mbox_buffer_release(&self->got);

	/* So are one that came in a message, and an empty one. */
	ASSERT_EQ(0, mbox_send(self->out, self->buf, LEN));
	ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->got));
	EXPECT_TRUE(is_empty(&self->got));
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->got));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(LEN, self->got.len);
	mbox_buffer_release(&self->got);
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_TRUE(is_empty(&self->got));
	EXPECT_EQ(self->descriptors, open_descriptors());
}

/* Of who sealed it against further seals. */
TEST_F(buffer, received_sealed_for_good_is_sent_on)
{
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	ASSERT_EQ(0, mbox_send_buffer(self->out, &self->b));
	ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
	ASSERT_EQ(0, fcntl(self->got.fd, F_ADD_SEALS, F_SEAL_SEAL));
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->got));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
}

/* What was sealed in another way could be changed by others. */
TEST_F(buffer, sealed_otherwise_is_eperm)
{
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	ASSERT_EQ(0, fcntl(self->b.fd, F_ADD_SEALS, F_SEAL_SEAL));
	EXPECT_ERRNO(EPERM, mbox_send_buffer(self->out, &self->b));
	EXPECT_TRUE(all_over(self->mb));
}

TEST_F(buffer, plain_message_is_received_too)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 4096, 4097, LEN };

	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
		ASSERT_EQ(0, mbox_send(self->out, self->buf, lens[i]));
		EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
		EXPECT_EQ(lens[i], self->got.len);
		EXPECT_EQ(-1, self->got.fd);
		EXPECT_EQ(!lens[i], !self->got.data);
		if (lens[i]) {
			EXPECT_EQ(0, memcmp(self->got.data, self->buf, lens[i]));
			EXPECT_FALSE(writable(self->got.data));
		}
		mbox_buffer_release(&self->got);
		EXPECT_TRUE(all_over(self->mb));
	}
}

/* In pages. */
static unsigned long address_space(void)
{
	char statm[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (read(fd, statm, sizeof(statm) - 1) < 0)
		abort();
	close(fd);
	return strtoul(statm, NULL, 10);
}

TEST_F(buffer, released_leaves_nothing_mapped)
{
	static const size_t lens[] = { 0, 1, 4096, LEN };
	unsigned long before = address_space();

	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	EXPECT_LT(before, address_space());
	ASSERT_EQ(0, mbox_send_buffer(self->out, &self->b));
	ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
	mbox_buffer_release(&self->got);
	EXPECT_EQ(before, address_space());
	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
		ASSERT_EQ(0, mbox_send(self->out, self->buf, lens[i]));
		ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
		mbox_buffer_release(&self->got);
		EXPECT_ERRNO(EAGAIN, mbox_recv_buffer(self->in, &self->got));
		EXPECT_EQ(before, address_space());
	}
}

static long recv_buffer(struct peer *p)
{
	return RESULT(mbox_recv_buffer(p->fd, p->arg));
}

TEST_F(buffer, receive_waits)
{
	struct peer *p = peer_new(self->mb, recv_buffer);

	p->arg = &self->got;
	ASSERT_EQ(0, signal_handle(SIGUSR1, 0));
	ASSERT_TRUE(peer_start(p) && receivers_blocked(self->mb, 1) &&
		    peer_sleeps(p));
	pthread_kill(p->thread, SIGUSR1);
	EXPECT_EQ(-EINTR, peer_join(p));
	EXPECT_TRUE(poisoned(&self->got, sizeof(self->got)));

	p = peer_new(self->mb, recv_buffer);
	p->arg = &self->got;
	ASSERT_TRUE(peer_start(p) && receivers_blocked(self->mb, 1));
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	ASSERT_EQ(0, mbox_send_buffer(self->out, &self->b));
	EXPECT_EQ(0, peer_join(p));
	EXPECT_EQ(LEN, self->got.len);
}

static long call(struct peer *p)
{
	return RESULT(mbox_call(p->fd, "ask", 3, p->data, 8));
}

TEST_F(buffer, call_received_as_one_is_econnreset)
{
	struct peer *p = peer_new(self->out, call);

	ASSERT_TRUE(peer_calls(p));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(0, memcmp(self->got.data, "ask", 3));
	EXPECT_EQ(-ECONNRESET, peer_join(p));
}

/* Each with a cancellation pending; how often it worked. */
static void *call_cancelled(void *arg)
{
	const struct mbox_sendmsg msg = {
		.buf = "ab", .len = 2, .reference_above = 1,
	};
	const int mb = *(int *)arg;
	struct mbox_buffer b;
	intptr_t worked = 0;

	pthread_cancel(pthread_self());
	worked += mbox_buffer_create(&b, LEN) == 0;
	worked += mbox_send_buffer(mb, &b) == 0;
	worked += mbox_recv_buffer(mb, &b) == 0;
	mbox_buffer_release(&b);
	worked += mbox_sendmsg(mb, &msg) == 0;
	worked += mbox_recv_buffer(mb, &b) == 0;
	return (void *)worked;
}

TEST_F(buffer, no_function_is_a_cancellation_point)
{
	pthread_t thread;
	void *worked;

	ASSERT_EQ(0, pthread_create(&thread, NULL, call_cancelled, &self->mb));
	ASSERT_EQ(0, pthread_join(thread, &worked));
	EXPECT_EQ(5, (intptr_t)worked);
}

/* ---- payloads above a size ---- */

TEST_F(buffer, message_above_a_size_goes_by_reference)
{
	struct mbox_sendmsg msg = {
		.buf = self->buf, .len = LEN, .reference_above = LEN,
		.type = 7, .priority = 3,
	};
	const struct mbox_recvmsg peek = { .flags = MBOX_PEEK | MBOX_TRUNCATE };
	struct mbox_header header;

	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
	EXPECT_EQ(LEN, stat_of(self->mb).bytes);
	ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(-1, self->got.fd);

	msg.reference_above = LEN - 1;
	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
	EXPECT_EQ(self->descriptors, open_descriptors());
	EXPECT_EQ(16, stat_of(self->mb).bytes);
	EXPECT_EQ(0, mbox_recvmsg(self->in, &peek, &header));
	EXPECT_EQ(7, header.type);
	EXPECT_EQ(3, header.priority);
	ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_LE(0, self->got.fd);
	EXPECT_EQ(LEN, self->got.len);
	EXPECT_EQ(0, memcmp(self->got.data, self->buf, LEN));
}

TEST_F(buffer, message_in_pieces_goes_by_reference)
{
	const struct iovec iov[] = {
		{ self->buf, 10 }, { NULL, 0 }, { self->buf + 10, LEN - 10 },
	};
	const struct mbox_sendmsg msg = {
		.iov = iov, .iov_count = 3, .reference_above = LEN - 1,
	};

	EXPECT_OK(0, mbox_sendmsg(self->out, &msg));
	ASSERT_EQ(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_LE(0, self->got.fd);
	EXPECT_EQ(LEN, self->got.len);
	EXPECT_EQ(0, memcmp(self->got.data, self->buf, LEN));
}

TEST_F(buffer, reference_bad_field)
{
	const struct iovec iov[] = { { self->buf, LEN }, { BAD_PTR, 1 } };
	const int file = 0;
	const struct mbox_sendmsg bad[] = {
		{ .files = &file },
		{ .file_count = 1 },
		{ .files = &file, .file_count = 1 },
		{ .iov = iov, .iov_count = 1, .buf = self->buf },
		{ .iov = iov, .iov_count = 1, .len = 1 },
		{ .iov_count = 1 },
		{ .iov = iov, .iov_count = MBOX_IOV_MAX + 1 },
		{ .buf = self->buf, .len = LEN, .priority = 1U << 15 },
		{ .buf = self->buf, .len = LEN, .flags = UNKNOWN_FLAG },
	};
	struct mbox_sendmsg msg;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		msg = bad[i];
		msg.reference_above = 1;
		EXPECT_ERRNO(EINVAL, mbox_sendmsg(self->out, &msg))
			TH_LOG("case %u", i);
	}
	msg = (struct mbox_sendmsg){
		.buf = BAD_PTR, .len = 9, .reference_above = 1,
	};
	EXPECT_ERRNO(EFAULT, mbox_sendmsg(self->out, &msg));
	msg = (struct mbox_sendmsg){
		.iov = iov, .iov_count = 2, .reference_above = 1,
	};
	EXPECT_ERRNO(EFAULT, mbox_sendmsg(self->out, &msg));
	EXPECT_EQ(self->descriptors, open_descriptors());
	EXPECT_TRUE(all_over(self->mb));
}

/* ---- creating fails ---- */

static int set_limit(int resource, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		return -1;
	limit.rlim_cur = value;
	return setrlimit(resource, &limit);
}

TEST_F(buffer, create_says_why_not)
{
	const struct mbox_sendmsg msg = {
		.buf = self->buf, .len = LEN, .reference_above = 1,
	};

	EXPECT_ERRNO(EINVAL, mbox_buffer_create(&self->b, 0));
	EXPECT_ERRNO(ENOMEM, mbox_buffer_create(&self->b, SIZE_MAX));
	/* More than any address space has. */
	if (sizeof(size_t) > 4)
		EXPECT_ERRNO(ENOMEM, mbox_buffer_create(&self->b, PTRDIFF_MAX));
	EXPECT_EQ(self->descriptors, open_descriptors());

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, set_limit(RLIMIT_FSIZE, 4096));
	EXPECT_ERRNO(EFBIG, mbox_buffer_create(&self->b, LEN));
	EXPECT_ERRNO(EFBIG, mbox_sendmsg(self->out, &msg));
	EXPECT_EQ(self->descriptors, open_descriptors());
	ASSERT_EQ(0, set_limit(RLIMIT_FSIZE, 1 << 20));

	ASSERT_EQ(0, set_limit(RLIMIT_NOFILE, 3));
	EXPECT_ERRNO(EMFILE, mbox_buffer_create(&self->b, LEN));
	EXPECT_ERRNO(EMFILE, mbox_sendmsg(self->out, &msg));
	EXPECT_TRUE(poisoned(&self->b, sizeof(self->b)));
}

/* Its memory is there: what is not written to costs the receiver nothing. */
TEST_F(buffer, created_is_paid_for)
{
	struct stat st;

	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	ASSERT_EQ(0, fstat(self->b.fd, &st));
	EXPECT_LE(LEN, st.st_blocks * 512);
	EXPECT_EQ(LEN, st.st_size);
}

/* ---- sending fails ---- */

TEST_F(buffer, not_sent_can_be_sent_again)
{
	const struct mbox_set one = {
		.mask = MBOX_SET_MAX_MESSAGES, .max_messages = 1,
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	memcpy(self->b.data, self->buf, LEN);
	ASSERT_EQ(0, mbox_set(self->mb, &one));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	ASSERT_EQ(0, fcntl(self->out, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(EAGAIN, mbox_send_buffer(self->out, &self->b));
	EXPECT_EQ(LEN, self->b.len);
	EXPECT_FALSE(writable(self->b.data));
	EXPECT_EQ(0, memcmp(self->b.data, self->buf, LEN));
	EXPECT_ERRNO(EBADF, mbox_send_buffer(self->in, &self->b));
	EXPECT_ERRNO(ENOTTY, mbox_send_buffer(null, &self->b));
	EXPECT_EQ(0, memcmp(self->b.data, self->buf, LEN));
	ASSERT_EQ(0, mbox_recv(self->in, NULL, 0));
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->b));
	EXPECT_TRUE(is_empty(&self->b));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(0, memcmp(self->got.data, self->buf, LEN));
}

TEST_F(buffer, mapped_by_somebody_else_is_ebusy)
{
	void *other;

	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	memcpy(self->b.data, self->buf, LEN);
	other = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, self->b.fd, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_ERRNO(EBUSY, mbox_send_buffer(self->out, &self->b));
	EXPECT_TRUE(all_over(self->mb));
	/* As it was. */
	EXPECT_TRUE(writable(self->b.data));
	*(char *)self->b.data = self->buf[0];
	ASSERT_EQ(0, munmap(other, LEN));
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->b));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(0, memcmp(self->got.data, self->buf, LEN));
}

TEST_F(buffer, child_does_not_keep_it_from_being_sent)
{
	int go[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) != 0);
	}
	EXPECT_OK(0, mbox_send_buffer(self->out, &self->b));
	close(go[1]);
	EXPECT_EQ(0, mb_wait(pid));
}

TEST_F(buffer, nobody_to_receive_is_enxio_or_epipe)
{
	char name[32];
	int in;

	snprintf(name, sizeof(name), "libmbox-buffer-%d", getpid());
	in = mbox_create(name, MBOX_RECV, NULL);
	ASSERT_LE(0, in);
	self->out = mbox_open(name, MBOX_SEND);
	close(in);
	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	EXPECT_ERRNO(ENXIO, mbox_send_buffer(self->out, &self->b));
	EXPECT_EQ(0, mbox_unlink(name));
	EXPECT_ERRNO(EPIPE, mbox_send_buffer(self->out, &self->b));
	self->b.fd = dup2(self->b.fd, 40);
	close(40);
	EXPECT_ERRNO(EBADF, mbox_send_buffer(self->out, &self->b));
}

/* ---- receiving fails ---- */

TEST_F(buffer, none_says_why_not)
{
	EXPECT_ERRNO(EAGAIN, mbox_recv_buffer(self->in, &self->got));
	EXPECT_ERRNO(EBADF, mbox_recv_buffer(self->out, &self->got));
	EXPECT_ERRNO(EBADF, mbox_recv_buffer(-1, &self->got));
	EXPECT_ERRNO(ENOTTY, mbox_recv_buffer(open("/dev/null", O_RDWR),
					      &self->got));
	close(self->mb);
	close(self->out);
	EXPECT_ERRNO(EPIPE, mbox_recv_buffer(self->in, &self->got));
	EXPECT_TRUE(poisoned(&self->got, sizeof(self->got)));
}

TEST_F(buffer, no_descriptor_left_is_emfile_and_it_stays)
{
	struct rlimit limit = { .rlim_max = 256 };
	int last;

	ASSERT_EQ(0, mbox_buffer_create(&self->b, LEN));
	ASSERT_EQ(0, mbox_send_buffer(self->out, &self->b));
	last = dup(0);
	close(last);
	limit.rlim_cur = last;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_ERRNO(EMFILE, mbox_recv_buffer(self->in, &self->got));
	EXPECT_TRUE(poisoned(&self->got, sizeof(self->got)));
	limit.rlim_cur = last + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(LEN, self->got.len);
}

#define HUGE	(64 << 20)

TEST_F(buffer, no_address_space_is_enomem_and_it_stays)
{
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };

	ASSERT_EQ(0, mbox_buffer_create(&self->b, HUGE));
	ASSERT_EQ(0, mbox_send_buffer(self->out, &self->b));
	limit.rlim_cur = address_space() * 4096 + HUGE / 2;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	EXPECT_ERRNO(ENOMEM, mbox_recv_buffer(self->in, &self->got));
	EXPECT_ERRNO(ENOMEM, mbox_buffer_create(&self->b, HUGE));
	EXPECT_TRUE(poisoned(&self->got, sizeof(self->got)));
	EXPECT_EQ(self->descriptors, open_descriptors());
	EXPECT_EQ(1, stat_of(self->mb).messages);
	EXPECT_EQ(0, stat_of(self->mb).tokens);
	limit.rlim_cur = RLIM_INFINITY;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	EXPECT_OK(0, mbox_recv_buffer(self->in, &self->got));
	EXPECT_EQ(HUGE, self->got.len);
}

TEST_HARNESS_MAIN
