// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, what goes through a handle: that every function of <mbox.h> does its
 * work, that the library's structs say what the kernel's do, and every errno.
 * What the kernel makes of it in depth is the business of the other suites.
 */
#include <mbox.h>

#include "libmbox_test.h"

#include <sys/uio.h>

static int64_t now(clockid_t clock)
{
	return (int64_t)mb_now(clock);
}

FIXTURE(mailbox) {
	int mb;
	int in;			/* the same, MBOX_RECV only */
	int out;		/* MBOX_SEND only, badge 7 */
	char buf[64];
	struct mbox_header header;
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 7);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	memset(self->buf, MB_POISON, sizeof(self->buf));
	memset(&self->header, MB_POISON, sizeof(self->header));
}

FIXTURE_TEARDOWN(mailbox)
{
}

/* ---- send and receive ---- */

TEST_F(mailbox, send_and_receive_in_short)
{
	char *buf = self->buf;

	EXPECT_OK(0, mbox_send(self->out, "one", 3));
	EXPECT_OK(0, mbox_timedsend(self->out, "three", 5, 0));
	EXPECT_OK(0, mbox_send(self->out, NULL, 0));
	EXPECT_OK(3, mbox_recv(self->in, buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(buf, "one\xcc", 4));
	EXPECT_OK(5, mbox_timedrecv(self->in, buf, 5, NSEC_PER_SEC));
	EXPECT_EQ(0, memcmp(buf, "three\xcc", 6));
	EXPECT_OK(0, mbox_recv(self->in, NULL, 0));
}

TEST_F(mailbox, header_is_what_the_kernel_says)
{
	const struct mbox_sendmsg sent = {
		.buf = "four", .len = 4, .type = UINT64_MAX - 1, .priority = 9,
	};
	const struct mbox_recvmsg msg = {
		.buf = self->buf, .len = sizeof(self->buf),
	};
	struct mbox_header *h = &self->header;
	int64_t before = now(CLOCK_MONOTONIC);
	uint64_t seq;

	ASSERT_EQ(0, mbox_sendmsg(self->out, &sent));
	EXPECT_OK(4, mbox_recvmsg(self->in, &msg, h));
	EXPECT_EQ(UINT64_MAX - 1, h->type);
	EXPECT_EQ(7, h->badge);
	EXPECT_EQ(4, h->len);
	EXPECT_EQ(9, h->priority);
	EXPECT_EQ(0, h->flags);
	EXPECT_EQ(1, h->deliveries);
	EXPECT_EQ(0, h->drops);
	EXPECT_EQ(getpid(), h->pid);
	EXPECT_EQ(geteuid(), h->uid);
	EXPECT_EQ(getegid(), h->gid);
	EXPECT_LE(before, h->time);
	EXPECT_GE(now(CLOCK_MONOTONIC), h->time);

	seq = h->seq;
	ASSERT_EQ(1, write(self->mb, "w", 1));
	EXPECT_EQ(1, mbox_recvmsg(self->in, &msg, h));
	EXPECT_LT(seq, h->seq);
	EXPECT_EQ(MBOX_MSG_OPENER, h->flags);
	EXPECT_EQ(0, h->badge);

	ASSERT_EQ(0, mbox_send(self->out, "", 0));
	EXPECT_EQ(0, mbox_recvmsg(self->in, &msg, NULL));
}

TEST_F(mailbox, iovecs_are_sent_and_filled_in_order)
{
	char *buf = self->buf;
	const struct iovec from[] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 } };
	const struct iovec to[] = { { buf + 8, 1 }, { buf, 3 }, { buf + 16, 9 } };
	const struct mbox_sendmsg sent = { .iov = from, .iov_count = 3 };
	struct mbox_recvmsg msg = { .iov = to, .iov_count = 3 };

	ASSERT_EQ(0, mbox_sendmsg(self->out, &sent));
	EXPECT_OK(5, mbox_recvmsg(self->in, &msg, NULL));
	EXPECT_EQ(0, memcmp(buf, "bcd\xcc", 4));
	EXPECT_EQ(0, memcmp(buf + 8, "a\xcc", 2));
	EXPECT_EQ(0, memcmp(buf + 16, "e\xcc", 2));

	ASSERT_EQ(0, mbox_sendmsg(self->out, &sent));
	msg.iov_count = 2;
	EXPECT_ERRNO(EMSGSIZE, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_EQ(5, self->header.len);
	msg.flags = MBOX_TRUNCATE;
	EXPECT_OK(4, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_EQ(5, self->header.len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, self->header.flags);
}

TEST_F(mailbox, receive_buffer_too_small_is_emsgsize)
{
	const struct mbox_header expected = { .len = 5 };
	struct mbox_recvmsg msg = { .buf = self->buf, .len = 4 };

	ASSERT_EQ(0, mbox_send(self->out, "12345", 5));
	EXPECT_ERRNO(EMSGSIZE, mbox_recv(self->in, self->buf, 4));
	EXPECT_ERRNO(EMSGSIZE, mbox_timedrecv(self->in, self->buf, 4, -1));
	EXPECT_ERRNO(EMSGSIZE, mbox_recvmsg(self->in, &msg, NULL));
	EXPECT_ERRNO(EMSGSIZE, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_EQ(0, memcmp(&expected, &self->header, sizeof(expected)));
	EXPECT_TRUE(poisoned(self->buf, sizeof(self->buf)));

	msg.flags = MBOX_TRUNCATE;
	EXPECT_OK(4, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_EQ(5, self->header.len);
	EXPECT_EQ(MBOX_MSG_TRUNCATED, self->header.flags);
	EXPECT_EQ(0, memcmp(self->buf, "1234\xcc", 5));
}

TEST_F(mailbox, lengths_beyond_32_bits_are_not_cut)
{
	const size_t large = sizeof(large) > 4 ? (size_t)1 << 16 << 16 :
						     SIZE_MAX;
	static char buf[1];	/* a stack may end less than 4 GiB below the kernel's half */

	EXPECT_ERRNO(EMSGSIZE, mbox_send(self->out, "x", large));
	EXPECT_ERRNO(EMSGSIZE, mbox_timedsend(self->out, "x", large, 0));
	ASSERT_EQ(0, mbox_send(self->out, "x", 1));
	EXPECT_EQ(1, mbox_recv(self->in, buf, large));
}

TEST_F(mailbox, selectors_choose_by_type)
{
	struct mbox_sendmsg sent = { .buf = "", .len = 1 };
	struct mbox_recvmsg msg = {
		.buf = self->buf, .len = 1, .flags = MBOX_WAIT_NONE, .type = 3,
	};
	static const struct {
		unsigned int select;
		uint64_t type;
	} steps[] = {
		{ MBOX_SELECT_LOWEST, 2 }, { MBOX_SELECT_EQUAL, 3 }, { MBOX_SELECT_NOT_EQUAL, 4 },
	};

	for (sent.type = 4; sent.type >= 2; sent.type--)
		ASSERT_EQ(0, mbox_sendmsg(self->out, &sent));
	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		msg.select = steps[i].select;
		EXPECT_EQ(1, mbox_recvmsg(self->in, &msg, &self->header));
		EXPECT_EQ(steps[i].type, self->header.type);
	}
	msg.select = MBOX_SELECT_ANY;
	msg.type = 0;
	EXPECT_ERRNO(EAGAIN, mbox_recvmsg(self->in, &msg, NULL));
}

TEST_F(mailbox, minimum_priority_leaves_the_lesser)
{
	struct mbox_sendmsg sent = { .priority = 5 };
	struct mbox_recvmsg msg = { .min_priority = 6, .flags = MBOX_WAIT_NONE };

	ASSERT_EQ(0, mbox_sendmsg(self->out, &sent));
	EXPECT_ERRNO(EAGAIN, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	msg.min_priority = 5;
	EXPECT_EQ(0, mbox_recvmsg(self->in, &msg, NULL));
}

TEST_F(mailbox, peek_goes_on_after_a_header)
{
	static const unsigned int priorities[] = { 0, 2, 0, 1 };
	static const char order[] = { 1, 3, 0, 2 };
	struct mbox_recvmsg msg = {
		.buf = self->buf, .len = 1, .flags = MBOX_PEEK | MBOX_WAIT_NONE,
	};

	for (char i = 0; i < 4; i++) {
		struct mbox_sendmsg sent = {
			.buf = &i, .len = 1, .priority = priorities[(int)i],
		};

		ASSERT_EQ(0, mbox_sendmsg(self->out, &sent));
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(1, mbox_recvmsg(self->in, &msg, &self->header));
		EXPECT_EQ(order[i], self->buf[0]);
		msg.after = &self->header;
	}
	EXPECT_ERRNO(EAGAIN, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_EQ(1, mbox_recv(self->in, self->buf, 1));
	EXPECT_EQ(1, self->buf[0]);
}

/* ---- bad arguments ---- */

TEST_F(mailbox, sendmsg_bad_field_is_einval)
{
	const struct iovec iov = { "x", 1 };
	const struct mbox_sendmsg bad[] = {
		{ .priority = MBOX_PRIORITY_MAX + 1 },
		{ .priority = 1U << 16 },
		{ .flags = MBOX_TRUNCATE },
		{ .flags = MBOX_PEEK },
		{ .flags = UNKNOWN_FLAG },
		{ .flags = MBOX_EXT },
		{ .flags = MBOX_PEEK_AFTER },
		{ .iov_count = 1 },
		{ .iov = &iov },
		{ .iov = &iov, .iov_count = MBOX_IOV_MAX + 1 },
		{ .iov = &iov, .iov_count = 1, .buf = self->buf },
		{ .iov = &iov, .iov_count = 1, .len = 1 },
		{ .timeout = 1 },
		{ .timeout = 1, .flags = MBOX_WAIT_NONE },
		{ .timeout = 1, .flags = MBOX_WAIT_UNTIL },
		{ .deadline = 1 },
		{ .deadline = 1, .flags = MBOX_WAIT_FOR },
		{ .clock = CLOCK_MONOTONIC },
		{ .clock = CLOCK_MONOTONIC, .flags = MBOX_WAIT_FOR },
		{ .deadline = -1, .flags = MBOX_WAIT_UNTIL },
		{ .clock = CLOCK_PROCESS_CPUTIME_ID, .flags = MBOX_WAIT_UNTIL },
		{ .flags = MBOX_WAIT_FOR | MBOX_WAIT_NONE },
		{ .flags = MBOX_WAIT_FOR | MBOX_WAIT_UNTIL },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, mbox_sendmsg(self->out, &bad[i]))
			TH_LOG("case %u", i);
	}
	EXPECT_ERRNO(EAGAIN, mbox_timedrecv(self->in, NULL, 0, 0));
}

TEST_F(mailbox, sendmsg_type_not_the_senders_is_einval)
{
	const struct mbox_options options = { .type_source = MBOX_TYPE_PID };
	const struct mbox_sendmsg stated = { .type = 1 };
	const struct mbox_recvmsg msg = { .len = 0 };
	int mb = mbox_create(NULL, RW, &options);

	ASSERT_LE(0, mb);
	EXPECT_ERRNO(EINVAL, mbox_sendmsg(mb, &stated));
	ASSERT_EQ(0, mbox_send(mb, NULL, 0));
	EXPECT_EQ(0, mbox_recvmsg(mb, &msg, &self->header));
	EXPECT_EQ(getpid(), self->header.type);
}

TEST_F(mailbox, recvmsg_bad_field_is_einval)
{
	struct iovec iov = { self->buf, 1 };
	const struct mbox_header at = { .seq = 1 };
	const struct mbox_recvmsg bad[] = {
		{ .type = 1 },
		{ .select = MBOX_SELECT_LOWEST + 1 },
		{ .select = 1U << 8 },
		{ .select = MBOX_SELECT_LOWEST, .min_priority = 1 },
		{ .min_priority = MBOX_PRIORITY_MAX + 1 },
		{ .min_priority = 1U << 16 },
		{ .after = &at },
		{ .after = &at, .flags = MBOX_PEEK, .min_priority = 1 },
		{ .after = &at, .flags = MBOX_PEEK, .select = MBOX_SELECT_LOWEST },
		{ .flags = UNKNOWN_FLAG },
		{ .flags = MBOX_EXT },
		{ .flags = MBOX_PEEK | MBOX_PEEK_AFTER },
		{ .iov_count = 1 },
		{ .iov = &iov },
		{ .iov = &iov, .iov_count = MBOX_IOV_MAX + 1 },
		{ .iov = &iov, .iov_count = 1, .buf = self->buf },
		{ .timeout = -1 },
		{ .deadline = 1 },
		{ .clock = CLOCK_BOOTTIME },
		{ .deadline = -1, .flags = MBOX_WAIT_UNTIL },
		{ .clock = -1, .flags = MBOX_WAIT_UNTIL },
	};

	ASSERT_EQ(0, mbox_send(self->out, "", 0));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, mbox_recvmsg(self->in, &bad[i], NULL))
			TH_LOG("case %u", i);
	}
	EXPECT_EQ(0, mbox_timedrecv(self->in, NULL, 0, 0));
}

TEST_F(mailbox, bad_payload_address_is_efault)
{
	const struct mbox_recvmsg msg = { .buf = BAD_PTR, .len = 9 };

	EXPECT_ERRNO(EFAULT, mbox_send(self->out, BAD_PTR, 1));
	EXPECT_ERRNO(EAGAIN, mbox_timedrecv(self->in, self->buf, 1, 0));
	ASSERT_EQ(0, mbox_send(self->out, "x", 1));
	EXPECT_ERRNO(EFAULT, mbox_recv(self->in, BAD_PTR, 9));
	EXPECT_ERRNO(EFAULT, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_TRUE(poisoned(&self->header, sizeof(self->header)));
	EXPECT_EQ(1, mbox_recv(self->in, self->buf, 1));
}

/* Every function that takes a handle, on one that it cannot use. */
static void expect_all(struct __test_metadata *_metadata, int error, int fd)
{
	const struct mbox_sendmsg sendmsg = { .len = 0 };
	const struct mbox_recvmsg recvmsg = { .len = 0 };
	const struct mbox_set set = { .mask = 0 };
	struct mbox_stat stat;

	EXPECT_ERRNO(error, mbox_send(fd, NULL, 0));
	EXPECT_ERRNO(error, mbox_timedsend(fd, NULL, 0, 0));
	EXPECT_ERRNO(error, mbox_sendmsg(fd, &sendmsg));
	EXPECT_ERRNO(error, mbox_recv(fd, NULL, 0));
	EXPECT_ERRNO(error, mbox_timedrecv(fd, NULL, 0, 0));
	EXPECT_ERRNO(error, mbox_recvmsg(fd, &recvmsg, NULL));
	EXPECT_ERRNO(error, mbox_narrow(fd, MBOX_SEND, 0));
	EXPECT_ERRNO(error, mbox_stat(fd, &stat));
	EXPECT_ERRNO(error, mbox_set(fd, &set));
}

TEST_F(mailbox, closed_descriptor_is_ebadf_and_another_file_enotty)
{
	int null = open("/dev/null", O_RDWR);
	int device = open(MB_DEVICE, O_RDWR);

	expect_all(_metadata, EBADF, -1);
	ASSERT_LE(0, null);
	expect_all(_metadata, ENOTTY, null);
	ASSERT_LE(0, device);
	expect_all(_metadata, ENOTTY, device);
}

TEST_F(mailbox, missing_right_is_ebadf)
{
	EXPECT_ERRNO(EBADF, mbox_send(self->in, "x", 1));
	EXPECT_ERRNO(EBADF, mbox_recv(self->out, self->buf, 1));
}

TEST_F(mailbox, nobody_at_the_other_end_is_epipe)
{
	ASSERT_EQ(0, mbox_send(self->out, "x", 1));
	close(self->mb);
	close(self->out);
	EXPECT_EQ(1, mbox_recv(self->in, self->buf, 1));
	EXPECT_ERRNO(EPIPE, mbox_recv(self->in, self->buf, 1));

	self->mb = mbox_create(NULL, RW, NULL);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	ASSERT_LE(0, self->out);
	close(self->mb);
	EXPECT_ERRNO(EPIPE, mbox_send(self->out, "x", 1));
}

/* ---- properties ---- */

TEST_F(mailbox, narrow_gives_no_more_than_there_is)
{
	struct mbox_stat stat;
	int mb;

	EXPECT_ERRNO(EINVAL, mbox_narrow(self->mb, 0, 0));
	EXPECT_ERRNO(EINVAL, mbox_narrow(self->mb, RW | UNKNOWN_FLAG, 0));
	EXPECT_ERRNO(EPERM, mbox_narrow(self->in, MBOX_SEND, 0));
	EXPECT_ERRNO(EPERM, mbox_narrow(self->out, MBOX_RECV, 0));
	EXPECT_ERRNO(EPERM, mbox_narrow(self->out, MBOX_SEND, 8));

	errno = ECHILD;
	mb = mbox_narrow(self->out, MBOX_SEND | MBOX_NONBLOCK, 0);
	ASSERT_LE(0, mb);
	EXPECT_EQ(ECHILD, errno);
	EXPECT_EQ(O_WRONLY | O_NONBLOCK,
		  fcntl(mb, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	ASSERT_EQ(0, mbox_stat(mb, &stat));
	EXPECT_EQ(7, stat.badge);
	mb = mbox_narrow(self->mb, RW, UINT64_MAX);
	ASSERT_EQ(0, mbox_stat(mb, &stat));
	EXPECT_EQ(UINT64_MAX, stat.badge);
}

TEST_F(mailbox, set_changes_what_the_mask_names)
{
	const struct mbox_set all = {
		.mask = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
			MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES |
			MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE | MBOX_SET_SPIN |
			MBOX_SET_LATENCY,
		.mode = 0751, .uid = 11, .gid = 12, .overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 13, .max_bytes = 1415, .max_message_size = 16, .spin = 17,
		.latency = 1,
	};
	struct mbox_stat_args raw;
	const struct mbox_set none = { .mask = 0 };
	struct mbox_stat stat;

	if (geteuid())
		SKIP(return, "needs root");
	EXPECT_OK(0, mbox_set(self->out, &all));
	EXPECT_OK(0, mbox_set(self->out, &none));
	ASSERT_EQ(0, mbox_stat(self->mb, &stat));
	EXPECT_EQ(0751, stat.mode);
	EXPECT_EQ(11, stat.uid);
	EXPECT_EQ(12, stat.gid);
	EXPECT_EQ(MBOX_OVERFLOW_DROP, stat.overflow);
	EXPECT_EQ(13, stat.max_messages);
	EXPECT_EQ(1415, stat.max_bytes);
	EXPECT_EQ(16, stat.max_message_size);
	EXPECT_EQ(17, stat.spin);
	EXPECT_EQ(1, stat.latency);
	ASSERT_EQ(0, mbox_send(self->out, self->buf, 16));
	ASSERT_EQ(16, mbox_recv(self->mb, self->buf, sizeof(self->buf)));
	ASSERT_EQ(0, mbox_stat(self->mb, &stat));
	ASSERT_EQ(0, mb_stat(self->mb, &raw));
	EXPECT_EQ(raw.created, stat.created);
	EXPECT_EQ(0, memcmp(raw.latencies, stat.latencies, sizeof(stat.latencies)));
	EXPECT_ERRNO(EMSGSIZE, mbox_send(self->out, self->buf, 17));
}

TEST_F(mailbox, spin_is_what_the_kernel_takes)
{
	struct mbox_sendmsg send = { .spin = MBOX_SPIN_MAX + 1 };
	struct mbox_recvmsg recv = { .spin = MBOX_SPIN_MAX + 1 };
	struct mbox_callmsg call = { .spin = MBOX_SPIN_MAX + 1 };

	EXPECT_ERRNO(EINVAL, mbox_sendmsg(self->out, &send));
	EXPECT_ERRNO(EINVAL, mbox_recvmsg(self->mb, &recv, NULL));
	EXPECT_ERRNO(EINVAL, mbox_callmsg(self->out, &call, NULL));
	send.spin = MBOX_SPIN_NONE;
	recv.spin = MBOX_SPIN_MAX;
	EXPECT_OK(0, mbox_sendmsg(self->out, &send));
	EXPECT_OK(0, mbox_recvmsg(self->mb, &recv, NULL));
}

TEST_F(mailbox, set_bad_value_is_einval)
{
	const struct mbox_set bad[] = {
		{ .mask = UNKNOWN_FLAG },
		{ .mode = 0600 }, { .uid = 1 }, { .gid = 1 },
		{ .overflow = 1 }, { .max_messages = 1 }, { .max_bytes = 1 },
		{ .max_message_size = 1 },
		{ .mask = MBOX_SET_MODE, .mode = 01000 },
		{ .mask = MBOX_SET_UID, .uid = (uid_t)-1 },
		{ .mask = MBOX_SET_GID, .gid = (gid_t)-1 },
		{ .mask = MBOX_SET_OVERFLOW, .overflow = 2 },
		{ .mask = MBOX_SET_MAX_MESSAGES },
		{ .mask = MBOX_SET_MAX_BYTES },
		{ .mask = MBOX_SET_MAX_MESSAGE_SIZE },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, mbox_set(self->mb, &bad[i]))
			TH_LOG("case %u", i);
	}
}

TEST_F(mailbox, stat_tells_what_the_kernel_does)
{
	const struct mbox_set drop = {
		.mask = MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES,
		.overflow = MBOX_OVERFLOW_DROP, .max_messages = 4,
	};
	const struct mbox_recvmsg msg = { .buf = self->buf, .len = 2 };
	struct mbox_stat_args args;
	struct mbox_stat stat;

	/* So that hardly two counts are the same. */
	ASSERT_LE(0, mbox_narrow(self->mb, MBOX_SEND, 0));
	ASSERT_EQ(0, mbox_set(self->mb, &drop));
	for (int i = 0; i < 6; i++)
		ASSERT_EQ(0, mbox_send(self->out, "12", 2));
	ASSERT_EQ(2, mbox_recvmsg(self->in, &msg, &self->header));
	EXPECT_EQ(2, self->header.drops);

	memset(&stat, MB_POISON, sizeof(stat));
	EXPECT_OK(0, mbox_stat(self->out, &stat));
	ASSERT_EQ(0, mb_stat(self->out, &args));
#define SAME(field) EXPECT_EQ(args.field, stat.field)
	SAME(id);
	SAME(mode);
	SAME(uid);
	SAME(gid);
	SAME(flags);
	SAME(type_source);
	SAME(overflow);
	SAME(max_messages);
	SAME(max_bytes);
	SAME(max_message_size);
	SAME(messages);
	SAME(bytes);
	SAME(senders);
	SAME(receivers);
	SAME(waiting_senders);
	SAME(waiting_receivers);
	SAME(sent);
	SAME(received);
	SAME(drops);
	SAME(badge);
#undef SAME
	EXPECT_EQ(3, stat.messages);
	EXPECT_EQ(3, stat.senders);
	EXPECT_EQ(2, stat.receivers);
	EXPECT_EQ(6, stat.sent);
	EXPECT_EQ(1, stat.received);
	EXPECT_EQ(2, stat.drops);
}

TEST_HARNESS_MAIN
