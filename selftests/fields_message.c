// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Wrong fields of SEND and RECV, and in what order they are looked at: one
 * defect a case, everything else valid. A refused call has done nothing, and
 * written nothing.
 */
#include "mbox_peer.h"

#include <sys/uio.h>

#define PAYLOAD	"payload"

/* One that takes three messages of 64 bytes and holds one. */
FIXTURE(message) {
	int h;
	char buf[64];
	struct mbox_msg_args valid;
	struct mbox_msg_args args;
	struct mbox_stat_args stat;
	char *edge;		/* what is there cannot be touched */
};

FIXTURE_VARIANT(message) {
	unsigned int cmd;
	__u32 right;
};

FIXTURE_VARIANT_ADD(message, send) {
	.cmd = MBOX_IOC_SEND,
	.right = MBOX_SEND,
};

FIXTURE_VARIANT_ADD(message, recv) {
	.cmd = MBOX_IOC_RECV,
	.right = MBOX_RECV,
};

FIXTURE_SETUP(message)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.max_messages = 3,
		.max_message_size = 64,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&create);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_put(self->h, PAYLOAD, sizeof(PAYLOAD)));
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
	self->edge = mb_page_end();
	self->valid = (struct mbox_msg_args){
		.flags = MBOX_WAIT_NONE,
		.buf = (unsigned long)self->buf,
		.len = sizeof(self->buf),
	};
	mb_poison(&self->valid);
}

/* Whatever was refused in the test: nothing came of it. */
FIXTURE_TEARDOWN(message)
{
	struct mbox_stat_args stat;
	char buf[64];

	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat)));
	EXPECT_EQ(sizeof(PAYLOAD), mb_get(self->h, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(PAYLOAD, buf, sizeof(PAYLOAD)));
}

static int refused_call(struct __test_metadata *_metadata, int h,
			unsigned int cmd, struct mbox_msg_args *args)
{
	int ret = mb_ioctl(h, cmd, args);

	if (ret != -EMSGSIZE)
		EXPECT_TRUE(mb_poisoned(args));
	return ret;
}

#define FIELDS_CALL(self) \
	refused_call(_metadata, (self)->h, variant->cmd, &(self)->args)

TEST_F(message, with_a_field_out_of_range_is_refused)
{
	__u32 wait = MBOX_WAIT_UNTIL;

	REFUSES(EINVAL, self->args.priority = MBOX_PRIORITY_MAX + 1);
	REFUSES(EINVAL, self->args.priority = 0xffff);
	REFUSES(EINVAL, self->args.select = 4);
	REFUSES(EINVAL, self->args.select = 0xff);
	REFUSES(EINVAL, self->args.clock = 1);
	REFUSES(EINVAL, self->args.deadline = 1);
	REFUSES(EINVAL, self->args.reply_buf = 1);
	REFUSES(EINVAL, self->args.reply_buf = 1ULL << 63);
	REFUSES(EINVAL, self->args.reply_len = 1);
	REFUSES(EINVAL, self->args.id = 1);
	REFUSES(EINVAL, self->args.ext = 8);
	REFUSES(EINVAL, (self->args.flags = wait, self->args.clock = 3));
	REFUSES(EINVAL, (self->args.flags = wait, self->args.clock = 0xff));
	REFUSES(EINVAL, (self->args.flags = wait,
			 self->args.deadline = 1ULL << 63));
	REFUSES(EINVAL, (self->args.flags = MBOX_WAIT_DEFAULT,
			 self->args.deadline = 1));
	REFUSES(EINVAL, (self->args.flags = MBOX_WAIT_FOREVER,
			 self->args.deadline = 1));
	REFUSES(EINVAL, (self->args.flags = MBOX_WAIT_FOREVER,
			 self->args.clock = 1));
}

TEST_F(message, with_arguments_of_the_other_direction_is_refused)
{
	if (variant->cmd == MBOX_IOC_SEND) {
		REFUSES(EINVAL, self->args.flags |= MBOX_TRUNCATE);
		REFUSES(EINVAL, self->args.flags |= MBOX_PEEK);
		REFUSES(EINVAL, self->args.flags |= MBOX_PEEK_AFTER);
		REFUSES(EINVAL, self->args.flags |= MBOX_LEASE);
		REFUSES(EINVAL, self->args.select = MBOX_SELECT_EQUAL);
		return;
	}
	REFUSES(EINVAL, self->args.type = 1);
	REFUSES(EINVAL, self->args.flags |= MBOX_SYNC);
	REFUSES(EINVAL, self->args.flags |= MBOX_REPLY_TO);
	REFUSES(EINVAL, self->args.flags |= MBOX_ABANDON);
	REFUSES(EINVAL, self->args.flags |= MBOX_LEASE | MBOX_PEEK);
	REFUSES(EINVAL, self->args.flags |= MBOX_PEEK_AFTER);
	REFUSES(EINVAL, (self->args.flags |= MBOX_PEEK, self->args.id = 1));
	REFUSES(EINVAL, (self->args.select = MBOX_SELECT_LOWEST,
			 self->args.priority = 1));
	REFUSES(EINVAL, (self->args.select = MBOX_SELECT_LOWEST,
			 self->args.flags |= MBOX_PEEK | MBOX_PEEK_AFTER));
}

TEST_F(message, with_a_bad_buffer_is_refused_and_not_lost)
{
	REFUSES(EFAULT, self->args.buf = 0);
	REFUSES(EFAULT, self->args.buf = 8);
	REFUSES(EFAULT, self->args.buf = ~0ULL << 63);
	REFUSES(EFAULT, self->args.buf = ~0ULL - 63);
	REFUSES(EFAULT, self->args.buf = (unsigned long)self->edge);
	REFUSES(EFAULT, self->args.buf = (unsigned long)self->edge - 1);
}

TEST_F(message, with_outputs_that_cannot_be_written_is_not_lost)
{
	struct mbox_msg_args *args;

	if (variant->cmd == MBOX_IOC_SEND)
		return;
	args = (void *)(self->edge - MB_MSG_IN_SIZE);
	memcpy(args, &self->valid, MB_MSG_IN_SIZE);
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, variant->cmd, args));
	args = (void *)(self->edge - sizeof(*args) + 1);
	memcpy(args, &self->valid, sizeof(*args) - 1);
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, variant->cmd, args));
}

TEST_F(message, that_is_too_long_is_refused)
{
	if (variant->cmd == MBOX_IOC_SEND) {
		REFUSES(EMSGSIZE, self->args.len = 65);
		REFUSES(EMSGSIZE, self->args.len = 1 << 20);
		EXPECT_TRUE(mb_poisoned(&self->args));
		/* Before the buffer is looked at. */
		REFUSES(EMSGSIZE, (self->args.len = 65, self->args.buf = 8));
		return;
	}
	REFUSES(EMSGSIZE, self->args.len = sizeof(PAYLOAD) - 1);
	EXPECT_EQ(sizeof(PAYLOAD), self->args.out_len);
	/* All of the rest is zero. */
	self->args.out_len = 0;
	EXPECT_TRUE(mb_all(&self->args.out_type, MB_MSG_OUT_SIZE, 0));
	REFUSES(EMSGSIZE, (self->args.len = 0, self->args.buf = 0));
	EXPECT_EQ(sizeof(PAYLOAD), self->args.out_len);
}

TEST_F(message, with_a_wrong_extension_is_refused)
{
	union {
		struct mbox_ext ext;
		char bytes[4097];
	} ext = { .bytes = { 0 } };
	struct iovec iov = { self->buf, sizeof(self->buf) };
	const __u32 size = sizeof(ext.ext);

	memcpy(self->edge - sizeof(size), &size, sizeof(size));
	self->valid.flags |= MBOX_EXT;
	self->valid.ext = (unsigned long)&ext;
	self->valid.buf = 0;
	self->valid.len = 0;
	ext.ext.size = size;
	ext.ext.iov_count = 1;
	ext.ext.iov = (unsigned long)&iov;

	REFUSES(EINVAL, self->args.buf = (unsigned long)self->buf);
	REFUSES(EINVAL, self->args.len = 1);
	REFUSES(EFAULT, self->args.ext = 0);
	REFUSES(EFAULT, self->args.ext = 8);
	REFUSES(EFAULT, self->args.ext = ~0ULL);
	REFUSES(EFAULT, self->args.ext = (unsigned long)self->edge - 4);
	REFUSES(EFAULT, self->args.ext = (unsigned long)self->edge - 2);

	REFUSES(EINVAL, ext.ext.size = 0);
	REFUSES(EINVAL, ext.ext.size = size - 1);
	REFUSES(E2BIG, ext.ext.size = 4097);
	REFUSES(E2BIG, ext.ext.size = ~0U);
	REFUSES(E2BIG, (ext.ext.size = size + 1, ext.bytes[size] = 1));
	REFUSES(E2BIG, (ext.ext.size = 4096, ext.bytes[size] = 0,
			ext.bytes[4095] = 1));
	ext.bytes[4095] = 0;
	ext.ext.size = size;

	/* What takes the place of the array is not there either. */
	REFUSES(EINVAL, ext.ext.iov_count = 0);
	REFUSES(EINVAL, ext.ext.iov_count = MBOX_IOV_MAX + 1);
	REFUSES(EINVAL, ext.ext.iov_count = ~0U);
	ext.ext.iov_count = 1;
	REFUSES(EFAULT, ext.ext.iov = 0);
	REFUSES(EFAULT, ext.ext.iov = 8);
	ext.ext.iov = (unsigned long)&iov;
	REFUSES(EFAULT, iov.iov_base = NULL);
	REFUSES(EFAULT, iov.iov_base = self->edge);
	iov.iov_base = self->buf;
	REFUSES(EINVAL, iov.iov_len = (size_t)-1);
}

/* What belongs to flags that are not there. */
TEST_F(message, with_an_extension_for_something_else_is_refused)
{
	struct mbox_ext ext = { .size = sizeof(ext) };

	self->valid.flags |= MBOX_EXT;
	self->valid.ext = (unsigned long)&ext;
	REFUSES(EINVAL, ext.spin = MBOX_SPIN_MAX + 1);
	REFUSES(EINVAL, ext.spin = MBOX_SPIN_NONE - 1);
	ext.spin = 0;
	REFUSES(EINVAL, ext.reply_to = self->h);
	REFUSES(EINVAL, ext.reply_to = -1);
	ext.reply_to = 0;
	REFUSES(EINVAL, ext.lease_time = 1);
	REFUSES(EINVAL, ext.lease_time = ~0ULL);
	ext.lease_time = 0;
	REFUSES(EINVAL, ext.iov = (unsigned long)self->buf);
}

TEST_F(message, with_an_extension_that_says_nothing_is_as_without)
{
	struct mbox_ext ext = { .size = sizeof(ext) };

	self->valid.flags |= MBOX_EXT;
	self->valid.ext = (unsigned long)&ext;
	REFUSES(EFAULT, self->args.buf = 8);
	if (variant->cmd == MBOX_IOC_SEND)
		REFUSES(EMSGSIZE, self->args.len = 65);
	else
		REFUSES(EMSGSIZE, self->args.len = sizeof(PAYLOAD) - 1);
	self->args = self->valid;
	if (variant->cmd == MBOX_IOC_RECV)
		self->args.flags |= MBOX_PEEK;
	EXPECT_EQ(0, mb_ioctl(self->h, variant->cmd, &self->args));
	if (variant->cmd == MBOX_IOC_RECV) {
		EXPECT_EQ(0, memcmp(PAYLOAD, self->buf, sizeof(PAYLOAD)));
		return;
	}
	/* Back to one message, with one sent and received more. */
	EXPECT_EQ(sizeof(PAYLOAD), mb_get(self->h, self->buf, 64));
	EXPECT_EQ(sizeof(self->buf), mb_get(self->h, self->buf, 64));
	EXPECT_EQ(0, mb_put(self->h, PAYLOAD, sizeof(PAYLOAD)));
	EXPECT_EQ(0, mb_stat(self->h, &self->stat));
}

TEST_F(message, without_the_right_is_refused)
{
	int lacks = mb_narrow(self->h, MB_RW & ~variant->right, 0);
	int has = mb_narrow(self->h, variant->right, 0);

	ASSERT_LE(0, lacks);
	ASSERT_LE(0, has);
	self->args = self->valid;
	EXPECT_EQ(-EBADF, refused_call(_metadata, lacks, variant->cmd,
				       &self->args));
	/* Before the fields, but after the struct. */
	self->args.reply_buf = 1;
	EXPECT_EQ(-EBADF, refused_call(_metadata, lacks, variant->cmd,
				       &self->args));
	EXPECT_EQ(-EINVAL, refused_call(_metadata, has, variant->cmd,
					&self->args));
	EXPECT_EQ(-EFAULT, mb_ioctl(lacks, variant->cmd, NULL));
	EXPECT_EQ(-EINVAL, mb_ioctl(lacks, RESIZED(variant->cmd, 127), NULL));
	close(lacks);
	close(has);
}

/* The fields, the length, the buffer; only then the mailbox's state. */
TEST_F(message, with_several_defects_is_refused_for_the_first)
{
	if (variant->cmd == MBOX_IOC_SEND) {
		REFUSES(EINVAL, (self->args.reply_buf = 1, self->args.len = 65));
		REFUSES(EINVAL, (self->args.reply_buf = 1, self->args.buf = 8));
		EXPECT_EQ(0, mb_put(self->h, "x", 1));
		EXPECT_EQ(0, mb_put(self->h, "x", 1));
		ASSERT_EQ(0, mb_stat(self->h, &self->stat));
		REFUSES(EAGAIN, (void)0);
		REFUSES(EINVAL, self->args.reply_buf = 1);
		REFUSES(EMSGSIZE, self->args.len = 65);
		REFUSES(EFAULT, self->args.buf = 8);
		return;
	}
	REFUSES(EINVAL, (self->args.reply_buf = 1, self->args.buf = 8));
	REFUSES(EINVAL, (self->args.reply_buf = 1, self->args.len = 0));
	REFUSES(EMSGSIZE, (self->args.len = 1, self->args.buf = 8));
	REFUSES(EINVAL, (self->args.priority = 0xffff));
	/* Nothing there that is wanted. */
	REFUSES(EAGAIN, (self->args.priority = 1, self->args.buf = 8));
	REFUSES(EINVAL, (self->args.priority = 1, self->args.reply_buf = 1));
}

#undef FIELDS_CALL

FIXTURE(typed_by_the_kernel) {
	int h;
};

FIXTURE_VARIANT(typed_by_the_kernel) {
	__u32 source;
};

FIXTURE_VARIANT_ADD(typed_by_the_kernel, pid) {
	.source = MBOX_TYPE_PID,
};

FIXTURE_VARIANT_ADD(typed_by_the_kernel, badge) {
	.source = MBOX_TYPE_BADGE,
};

FIXTURE_SETUP(typed_by_the_kernel)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.type_source = variant->source,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&create);
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(typed_by_the_kernel)
{
}

TEST_F(typed_by_the_kernel, takes_no_type_from_a_sender)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_NONE,
		.type = 1,
	};

	EXPECT_EQ(-EINVAL, mb_send(self->h, &args));
	args.type = ~0ULL;
	EXPECT_EQ(-EINVAL, mb_send(self->h, &args));
	args.type = 0;
	EXPECT_EQ(0, mb_send(self->h, &args));
}

TEST_HARNESS_MAIN
