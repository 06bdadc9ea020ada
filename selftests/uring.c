// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * io_uring: reads and writes that wait without a thread. The ring is driven by
 * bare system calls, so that this needs no library.
 */
#include "mbox_peer.h"

#include <linux/fs.h>
#include <linux/io_uring.h>
#include <poll.h>

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_array, *cq_head, *cq_tail;
	unsigned int sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static bool ring_init(struct ring *ring)
{
	struct io_uring_params p = { .flags = 0 };
	size_t size;
	char *mem;

	ring->fd = syscall(__NR_io_uring_setup, 8, &p);
	if (ring->fd < 0 || !(p.features & IORING_FEAT_SINGLE_MMAP))
		return false;
	size = p.sq_off.array + p.sq_entries * sizeof(__u32);
	if (size < p.cq_off.cqes + p.cq_entries * sizeof(*ring->cqes))
		size = p.cq_off.cqes + p.cq_entries * sizeof(*ring->cqes);
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
		   IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, p.sq_entries * sizeof(*ring->sqes),
			  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			  IORING_OFF_SQES);
	if (mem == MAP_FAILED || ring->sqes == MAP_FAILED)
		return false;
	ring->sq_tail = (void *)(mem + p.sq_off.tail);
	ring->sq_array = (void *)(mem + p.sq_off.array);
	ring->sq_mask = *(unsigned int *)(mem + p.sq_off.ring_mask);
	ring->cq_head = (void *)(mem + p.cq_off.head);
	ring->cq_tail = (void *)(mem + p.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(mem + p.cq_off.ring_mask);
	ring->cqes = (void *)(mem + p.cq_off.cqes);
	return true;
}

/* Submit one request without waiting; whether it was taken. */
static bool ring_submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring->sq_tail;

	ring->sqes[tail & ring->sq_mask] = *sqe;
	ring->sq_array[tail & ring->sq_mask] = tail & ring->sq_mask;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	return syscall(__NR_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0) == 1;
}

static bool ring_rw(struct ring *ring, __u8 opcode, int h, void *buf, __u32 len)
{
	const struct io_uring_sqe sqe = {
		.opcode = opcode,
		.fd = h,
		.addr = (unsigned long)buf,
		.len = len,
		.off = -1ULL,
		.user_data = 1,
	};

	return ring_submit(ring, &sqe);
}

/* Whether a completion is there; the kernel is given the chance to post it. */
static bool ring_ready(struct ring *ring)
{
	syscall(__NR_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_GETEVENTS,
		NULL, 0);
	return *ring->cq_head !=
	       __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
}

/* The result of the next completion, which is that of request @user_data. */
static int ring_result(struct ring *ring, __u64 user_data)
{
	struct io_uring_cqe cqe;

	if (!wait_until(ring_ready(ring)))
		return -ETIME;
	cqe = ring->cqes[*ring->cq_head & ring->cq_mask];
	__atomic_store_n(ring->cq_head, *ring->cq_head + 1, __ATOMIC_RELEASE);
	return cqe.user_data == user_data ? cqe.res : -ENODATA;
}

/* Threads of this process: io_uring's workers count. */
static long threads(void)
{
	char buf[4096], *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t len = read(fd, buf, sizeof(buf) - 1);

	close(fd);
	buf[len < 0 ? 0 : len] = 0;
	line = strstr(buf, "Threads:");
	return line ? atol(line + 8) : -1;
}

FIXTURE(io_uring) {
	int h;
	struct ring ring;
	char buf[64];
};

FIXTURE_SETUP(io_uring)
{
	MB_NEED_DEVICE();
	self->h = mb_create_small(1);
	ASSERT_LE(0, self->h);
	ASSERT_TRUE(ring_init(&self->ring));
}

FIXTURE_TEARDOWN(io_uring)
{
	close(self->ring.fd);
	close(self->h);
}

TEST_F(io_uring, reads_what_is_there)
{
	ASSERT_EQ(0, mb_put(self->h, "hello", 5));
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, self->h, self->buf,
			    64));
	EXPECT_EQ(5, ring_result(&self->ring, 1));
	EXPECT_EQ(0, memcmp(self->buf, "hello", 5));
}

TEST_F(io_uring, read_waits_without_a_thread)
{
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, self->h, self->buf,
			    64));
	EXPECT_FALSE(ring_ready(&self->ring));
	EXPECT_EQ(1, threads());
	ASSERT_EQ(0, mb_put(self->h, "hello", 5));
	EXPECT_EQ(5, ring_result(&self->ring, 1));
	EXPECT_EQ(0, memcmp(self->buf, "hello", 5));
	EXPECT_EQ(0, mb_messages(self->h));
}

TEST_F(io_uring, write_waits_without_a_thread)
{
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_WRITE, self->h, "hello", 5));
	EXPECT_FALSE(ring_ready(&self->ring));
	EXPECT_EQ(1, threads());
	EXPECT_EQ(42, num_recv(self->h));
	EXPECT_EQ(5, ring_result(&self->ring, 1));
	EXPECT_EQ(5, mb_get(self->h, self->buf, 64));
	EXPECT_EQ(0, memcmp(self->buf, "hello", 5));
}

TEST_F(io_uring, two_reads_get_a_message_each)
{
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, self->h, self->buf,
			    64));
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, self->h, self->buf,
			    64));
	EXPECT_FALSE(ring_ready(&self->ring));
	ASSERT_EQ(0, mb_put(self->h, "a", 1));
	EXPECT_EQ(1, ring_result(&self->ring, 1));
	EXPECT_FALSE(ring_ready(&self->ring));
	ASSERT_EQ(0, mb_put(self->h, "bc", 2));
	EXPECT_EQ(2, ring_result(&self->ring, 1));
}

TEST_F(io_uring, read_with_rwf_nowait_does_not_wait)
{
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ,
		.fd = self->h,
		.addr = (unsigned long)self->buf,
		.len = 64,
		.off = -1ULL,
		.rw_flags = RWF_NOWAIT,
		.user_data = 1,
	};

	ASSERT_TRUE(ring_submit(&self->ring, &sqe));
	EXPECT_EQ(-EAGAIN, ring_result(&self->ring, 1));
}

TEST_F(io_uring, read_learns_of_the_end)
{
	int r = mb_narrow(self->h, MBOX_RECV, 0);

	ASSERT_LE(0, r);
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, r, self->buf, 64));
	EXPECT_FALSE(ring_ready(&self->ring));
	close(self->h);
	EXPECT_EQ(0, ring_result(&self->ring, 1));
}

TEST_F(io_uring, g02_read_into_a_small_buffer_leaves_the_message)
{
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, self->h, self->buf,
			    2));
	ASSERT_EQ(0, mb_put(self->h, "hello", 5));
	EXPECT_EQ(-EMSGSIZE, ring_result(&self->ring, 1));
	EXPECT_EQ(5, mb_get(self->h, self->buf, 64));
}

TEST_F(io_uring, g02_cancelled_read_takes_nothing)
{
	const struct io_uring_sqe cancel = {
		.opcode = IORING_OP_ASYNC_CANCEL,
		.addr = 1,
		.user_data = 2,
	};
	int first, second;

	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, self->h, self->buf,
			    64));
	EXPECT_FALSE(ring_ready(&self->ring));
	ASSERT_TRUE(ring_submit(&self->ring, &cancel));
	/* Either completion may come first. */
	ASSERT_TRUE(wait_until(ring_ready(&self->ring)));
	if (self->ring.cqes[0].user_data == 1) {
		first = ring_result(&self->ring, 1);
		second = ring_result(&self->ring, 2);
	} else {
		second = ring_result(&self->ring, 2);
		first = ring_result(&self->ring, 1);
	}
	EXPECT_EQ(-ECANCELED, first);
	EXPECT_EQ(0, second);
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(42, num_recv(self->h));
}

TEST_F(io_uring, g02_ring_that_goes_with_a_read_takes_nothing)
{
	ASSERT_TRUE(ring_rw(&self->ring, IORING_OP_READ, self->h, self->buf,
			    64));
	EXPECT_FALSE(ring_ready(&self->ring));
	close(self->ring.fd);
	ASSERT_EQ(0, mb_put(self->h, "hello", 5));
	/* The ring may have been quicker to read than to go. */
	EXPECT_TRUE(mb_get(self->h, self->buf, 64) == 5 ||
		    !memcmp(self->buf, "hello", 5));
}

TEST_F(io_uring, polls)
{
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_POLL_ADD,
		.fd = self->h,
		.poll32_events = POLLIN,
		.user_data = 3,
	};

	ASSERT_TRUE(ring_submit(&self->ring, &sqe));
	EXPECT_FALSE(ring_ready(&self->ring));
	ASSERT_EQ(0, num_send(self->h, 0, 0, 42));
	EXPECT_EQ(POLLIN, ring_result(&self->ring, 3));
	EXPECT_EQ(1, mb_messages(self->h));
}

TEST_HARNESS_MAIN
