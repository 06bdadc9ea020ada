// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Wrong fields of CALL, of SEND with MBOX_SYNC or MBOX_REPLY_TO, of REPLY_RECV
 * and FINISH, and in what order they are looked at: one defect a case,
 * everything else valid. A refused call has done nothing, and written nothing.
 */
#include "mbox_call.h"

#include <sys/uio.h>

#define SIZE	64		/* of the largest message */

/* One that was called, and has delivered the request. */
FIXTURE(conversation) {
	int h, r, s;		/* both rights, and each alone */
	struct peer *p;		/* the caller */
	__u32 token;
	char buf[SIZE];
	struct mbox_ext ext;
	struct mbox_msg_args valid;
	struct mbox_msg_args args;
	struct mbox_stat_args stat;
	char *edge;		/* what is there cannot be touched */
};

FIXTURE_VARIANT(conversation) {
	unsigned int cmd;
	__u32 flags;
	bool receives;		/* it needs that right, not the other */
};

FIXTURE_VARIANT_ADD(conversation, call) {
	.cmd = MBOX_IOC_CALL,
	.flags = MBOX_WAIT_UNTIL,
};

FIXTURE_VARIANT_ADD(conversation, send_sync) {
	.cmd = MBOX_IOC_SEND,
	.flags = MBOX_WAIT_UNTIL | MBOX_SYNC,
};

FIXTURE_VARIANT_ADD(conversation, send_reply_to) {
	.cmd = MBOX_IOC_SEND,
	.flags = MBOX_WAIT_UNTIL | MBOX_REPLY_TO,
};

FIXTURE_VARIANT_ADD(conversation, reply_recv) {
	.cmd = MBOX_IOC_REPLY_RECV,
	.flags = MBOX_WAIT_UNTIL,
	.receives = true,
};

FIXTURE_VARIANT_ADD(conversation, finish) {
	.cmd = MBOX_IOC_FINISH,
	.receives = true,
};

#define CONVERSATION FIXTURE_DATA(conversation)
#define VARIANT FIXTURE_VARIANT(conversation)

/* What would be accepted; it would not wait. All with an empty extension. */
static void make_valid(CONVERSATION *self, const VARIANT *variant)
{
	struct mbox_msg_args *args = &self->valid;

	self->ext.size = sizeof(self->ext);
	args->flags = variant->flags | MBOX_EXT;
	args->ext = (unsigned long)&self->ext;
	args->buf = (unsigned long)self->buf;
	args->len = sizeof(self->buf);
	if (variant->flags & MBOX_WAIT_MASK)
		args->deadline = 1;
	if (variant->flags & MBOX_REPLY_TO)
		self->ext.reply_to = self->h;
	if (variant->cmd == MBOX_IOC_CALL || variant->receives) {
		args->reply_buf = (unsigned long)self->buf;
		args->reply_len = 8;
	}
	if (variant->cmd == MBOX_IOC_FINISH) {
		args->reply_buf = 0;
		args->reply_len = 0;
		args->len = 8;
	}
	if (variant->receives)
		args->id = self->token;
	mb_poison(args);
}

FIXTURE_SETUP(conversation)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.max_messages = 4,
		.max_message_size = SIZE,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&create);
	ASSERT_LE(0, self->h);
	self->s = mb_narrow(self->h, MBOX_SEND, 0);
	self->r = mb_narrow(self->h, MBOX_RECV, 0);
	ASSERT_LE(0, self->s);
	ASSERT_LE(0, self->r);
	self->p = peer_call(self->s, 0, 0, 42);
	ASSERT_TRUE(peer_calls(self->p));
	ASSERT_EQ(42, num_take(self->h, &self->token));
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
	self->edge = mb_page_end();
	make_valid(self, variant);
}

/* Whatever was refused in the test: nothing came of it. */
FIXTURE_TEARDOWN(conversation)
{
	struct mbox_stat_args stat;

	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat)));
	EXPECT_FALSE(peer_done(self->p));
	EXPECT_EQ(0, num_reply(self->h, self->token, 43));
	EXPECT_EQ(43, peer_reply(self->p));
}

static int refused_call(struct __test_metadata *_metadata, int h,
			unsigned int cmd, struct mbox_msg_args *args)
{
	const struct mbox_msg_args before = *args;
	int ret = mb_ioctl(h, cmd, args);

	EXPECT_EQ(0, memcmp(&before, args, sizeof(before)));
	return ret;
}

#define FIELDS_CALL(self) \
	refused_call(_metadata, (self)->h, variant->cmd, &(self)->args)

TEST_F(conversation, with_a_wrong_priority_or_selection_is_refused)
{
	REFUSES(EINVAL, self->args.priority = MBOX_PRIORITY_MAX + 1);
	REFUSES(EINVAL, self->args.priority = 0xffff);
	REFUSES(EINVAL, self->args.select = 4);
	REFUSES(EINVAL, self->args.select = 0xff);
	if (variant->cmd == MBOX_IOC_FINISH) {
		REFUSES(EINVAL, self->args.priority = 1);
		return;
	}
	if (variant->cmd != MBOX_IOC_REPLY_RECV) {
		REFUSES(EINVAL, self->args.select = MBOX_SELECT_EQUAL);
		REFUSES(EINVAL, self->args.select = MBOX_SELECT_LOWEST);
		return;
	}
	REFUSES(EINVAL, self->args.type = 1);
	REFUSES(EINVAL, (self->args.select = MBOX_SELECT_LOWEST,
			 self->args.priority = 1));
}

TEST_F(conversation, with_a_wrong_time_to_wait_is_refused)
{
	const __u32 flags = self->valid.flags & ~MBOX_WAIT_MASK;

	if (variant->cmd == MBOX_IOC_FINISH) {
		REFUSES(EINVAL, self->args.flags |= MBOX_WAIT_NONE);
		REFUSES(EINVAL, self->args.flags |= MBOX_WAIT_FOREVER);
		REFUSES(EINVAL, self->args.flags |= MBOX_WAIT_UNTIL);
		REFUSES(EINVAL, self->args.deadline = 1);
		REFUSES(EINVAL, self->args.clock = 1);
		return;
	}
	REFUSES(EINVAL, self->args.clock = 3);
	REFUSES(EINVAL, self->args.clock = 0xff);
	REFUSES(EINVAL, self->args.deadline = 1ULL << 63);
	REFUSES(EINVAL, self->args.deadline = ~0ULL);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_WAIT_FOREVER);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_WAIT_DEFAULT);
	REFUSES(EINVAL, (self->args.flags = flags | MBOX_WAIT_FOREVER,
			 self->args.deadline = 0, self->args.clock = 1));
}

/* Who wants an answer has to wait for it. */
TEST_F(conversation, that_waits_for_an_end_does_not_go_without_waiting)
{
	if (variant->receives || (variant->flags & MBOX_REPLY_TO))
		return;
	self->valid.flags &= ~MBOX_WAIT_MASK;
	self->valid.deadline = 0;
	REFUSES(EINVAL, self->args.flags |= MBOX_WAIT_NONE);
	REFUSES(EINVAL, (self->args.flags |= MBOX_WAIT_NONE,
			 self->args.id = 1));
}

TEST_F(conversation, with_flags_of_something_else_is_refused)
{
	const __u32 all = MBOX_TRUNCATE | MBOX_PEEK | MBOX_PEEK_AFTER |
			  MBOX_LEASE | MBOX_SYNC | MBOX_REPLY_TO;
	__u32 known = variant->flags, bit;

	if (variant->cmd == MBOX_IOC_REPLY_RECV)
		known |= MBOX_TRUNCATE | MBOX_LEASE;
	for (bit = 1; bit; bit <<= 1) {
		if (!(bit & all) || (bit & known))
			continue;
		REFUSES(EINVAL, self->args.flags |= bit);
	}
	/* Without a call to give up. */
	REFUSES(EINVAL, self->args.flags |= MBOX_ABANDON);
	if (variant->receives || (variant->flags & MBOX_REPLY_TO))
		REFUSES(EINVAL, (self->args.flags |= MBOX_ABANDON,
				 self->args.id = 1));
}

TEST_F(conversation, with_a_place_for_what_does_not_come_is_refused)
{
	if (variant->cmd == MBOX_IOC_CALL ||
	    variant->cmd == MBOX_IOC_REPLY_RECV)
		return;
	REFUSES(EINVAL, self->args.reply_buf = 1);
	REFUSES(EINVAL, self->args.reply_buf = 1ULL << 63);
	if (!(variant->flags & MBOX_REPLY_TO))
		REFUSES(EINVAL, self->args.reply_len = 1);
}

TEST_F(conversation, to_be_resumed_is_refused_if_there_is_none)
{
	if (variant->receives || (variant->flags & MBOX_REPLY_TO))
		return;
	REFUSES(ESRCH, self->args.id = 1);
	REFUSES(ESRCH, self->args.id = self->token);
	REFUSES(ESRCH, self->args.id = 1ULL << 32);
	REFUSES(ESRCH, self->args.id = ~0ULL);
	self->valid.flags |= MBOX_ABANDON;
	REFUSES(ESRCH, self->args.id = 1);
	REFUSES(ESRCH, self->args.id = self->token);
	REFUSES(ESRCH, self->args.id = 1ULL << 32);
	REFUSES(ESRCH, self->args.id = ~0ULL);
	/* The fields come first. */
	REFUSES(EINVAL, (self->args.id = 1, self->args.select = 1));
}

TEST_F(conversation, with_a_wrong_extension_is_refused)
{
	const __u32 size = sizeof(self->ext);

	memcpy(self->edge - sizeof(size), &size, sizeof(size));
	REFUSES(EINVAL, self->args.flags &= ~MBOX_EXT);
	REFUSES(EFAULT, self->args.ext = 0);
	REFUSES(EFAULT, self->args.ext = 8);
	REFUSES(EFAULT, self->args.ext = (unsigned long)self->edge - 4);
	REFUSES(EINVAL, self->ext.size = sizeof(self->ext) - 1);
	REFUSES(EINVAL, self->ext.size = 0);
	REFUSES(E2BIG, self->ext.size = ~0U);
	self->ext.size = sizeof(self->ext);
	REFUSES(EINVAL, self->ext.spin = MBOX_SPIN_MAX + 1);
	if (variant->cmd == MBOX_IOC_FINISH)
		REFUSES(EINVAL, self->ext.spin = 1);
	self->ext.spin = 0;
	REFUSES(EINVAL, self->ext.lease_time = 1);
	self->ext.lease_time = 0;
	REFUSES(EINVAL, self->ext.iov_count = MBOX_IOV_MAX + 1);
	self->ext.iov_count = 0;
	REFUSES(EINVAL, self->ext.iov = (unsigned long)self->buf);
	/* Two places for one payload. */
	REFUSES(EINVAL, self->ext.iov_count = 1);
	self->ext.iov_count = 0;
	self->ext.iov = 0;
	if (variant->flags & MBOX_REPLY_TO)
		return;
	REFUSES(EINVAL, self->ext.reply_to = self->h);
	REFUSES(EINVAL, self->ext.reply_to = -1);
	self->ext.reply_to = 0;
}

TEST_F(conversation, with_a_reply_to_nowhere_is_refused)
{
	if (!(variant->flags & MBOX_REPLY_TO))
		return;
	REFUSES(EBADF, self->ext.reply_to = -1);
	REFUSES(EBADF, self->ext.reply_to = self->r);
	REFUSES(EBADF, self->ext.reply_to = self->s);
	/* Descriptor 0 is one to send with, but nobody said so. */
	ASSERT_EQ(0, dup2(self->s, 0));
	REFUSES(EINVAL, (self->args.flags &= ~MBOX_EXT, self->args.ext = 0));
}

TEST_F(conversation, that_is_too_long_is_refused)
{
	if (variant->cmd == MBOX_IOC_REPLY_RECV) {
		REFUSES(EMSGSIZE, self->args.reply_len = 9);
		REFUSES(EMSGSIZE, (self->args.reply_len = 9,
				   self->args.reply_buf = 8));
		return;
	}
	REFUSES(EMSGSIZE, self->args.len = SIZE + 1);
	REFUSES(EMSGSIZE, (self->args.len = SIZE + 1, self->args.buf = 8));
	if (variant->cmd == MBOX_IOC_FINISH)
		REFUSES(EMSGSIZE, self->args.len = 9);
}

TEST_F(conversation, with_a_bad_buffer_is_refused)
{
	if (variant->cmd == MBOX_IOC_REPLY_RECV) {
		REFUSES(EFAULT, self->args.reply_buf = 0);
		REFUSES(EFAULT, self->args.reply_buf = ~0ULL << 63);
		REFUSES(EFAULT, self->args.reply_buf =
			(unsigned long)self->edge - 7);
		/* The other buffer, if that is seen in time. */
		REFUSES(EFAULT, self->args.buf = ~0ULL << 63);
		return;
	}
	REFUSES(EFAULT, self->args.buf = 0);
	REFUSES(EFAULT, self->args.buf = 8);
	REFUSES(EFAULT, self->args.buf = ~0ULL << 63);
	REFUSES(EFAULT, self->args.buf = (unsigned long)self->edge - 7);
}

TEST_F(conversation, without_the_right_is_refused)
{
	int lacks = variant->receives ? self->s : self->r;

	self->args = self->valid;
	EXPECT_EQ(-EBADF, refused_call(_metadata, lacks, variant->cmd,
				       &self->args));
	/* Before the fields, but after the struct. */
	self->args.flags = ~0U;
	EXPECT_EQ(-EBADF, refused_call(_metadata, lacks, variant->cmd,
				       &self->args));
	EXPECT_EQ(-EFAULT, mb_ioctl(lacks, variant->cmd, NULL));
	EXPECT_EQ(-EINVAL, mb_ioctl(lacks, RESIZED(variant->cmd, 127), NULL));
}

/* ---- FINISH alone ---- */

TEST_F(conversation, that_ends_otherwise_has_no_reply)
{
	__u8 how;

	if (variant->cmd != MBOX_IOC_FINISH)
		return;
	for (how = MBOX_FINISH_DONE; how <= MBOX_FINISH_FAIL; how++) {
		self->valid.type = how == MBOX_FINISH_FAIL;
		self->valid.flags = 0;
		self->valid.ext = 0;
		self->valid.select = how;
		REFUSES(EINVAL, self->args.len = 0);
		REFUSES(EINVAL, self->args.buf = 0);
		REFUSES(EINVAL, (self->args.buf = 0, self->args.len = 0,
				 self->args.flags = MBOX_EXT,
				 self->args.ext = (unsigned long)&self->ext));
	}
}

TEST_F(conversation, that_is_refused_has_a_code_and_others_have_none)
{
	if (variant->cmd != MBOX_IOC_FINISH)
		return;
	REFUSES(EINVAL, self->args.type = 1);
	self->valid.flags = 0;
	self->valid.ext = 0;
	self->valid.buf = 0;
	self->valid.len = 0;
	self->valid.select = MBOX_FINISH_DONE;
	REFUSES(EINVAL, self->args.type = 1);
	self->valid.select = MBOX_FINISH_BACK;
	REFUSES(EINVAL, self->args.type = 1);
	self->valid.select = MBOX_FINISH_FAIL;
	REFUSES(EINVAL, self->args.type = 0);
	REFUSES(EINVAL, self->args.type = 1ULL << 32);
	REFUSES(EINVAL, self->args.type = ~0ULL);
}

/* ---- the order ---- */

TEST_F(conversation, with_several_defects_is_refused_for_the_first)
{
	if (variant->cmd == MBOX_IOC_FINISH) {
		REFUSES(EINVAL, (self->args.select = 4, self->args.id = 0));
		REFUSES(ESRCH, (self->args.id = 0, self->args.len = 9));
		REFUSES(ESRCH, (self->args.id = 0, self->args.buf = 8));
		REFUSES(EMSGSIZE, (self->args.len = 9, self->args.buf = 8));
		return;
	}
	if (variant->cmd == MBOX_IOC_REPLY_RECV) {
		REFUSES(EINVAL, (self->args.select = 4, self->args.id = 1));
		REFUSES(EINVAL, (self->args.select = 4,
				 self->args.reply_buf = 8));
		REFUSES(EFAULT, (self->args.ext = 8, self->args.id = 1));
		REFUSES(ESRCH, (self->args.id = self->token + 1,
				self->args.reply_len = 9));
		REFUSES(ESRCH, (self->args.id = self->token + 1,
				self->args.reply_buf = 8));
		return;
	}
	REFUSES(EINVAL, (self->args.select = 1, self->args.len = SIZE + 1));
	REFUSES(EINVAL, (self->args.select = 1, self->args.buf = 8));
	REFUSES(EINVAL, (self->args.select = 1, self->args.ext = 8));
	if (variant->flags & MBOX_REPLY_TO) {
		self->ext.reply_to = -1;
		REFUSES(EINVAL, self->args.select = 1);
		REFUSES(EBADF, self->args.len = SIZE + 1);
		self->ext.reply_to = self->h;
	}
	/* What the mailbox is like comes last. */
	self->valid.flags = (variant->flags & ~MBOX_WAIT_MASK) | MBOX_EXT;
	self->valid.deadline = 0;
	ASSERT_EQ(0, fcntl(self->h, F_SETFL, O_NONBLOCK));
	while (!mb_put(self->h, "x", 1))
		;
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
	if (!(variant->flags & MBOX_REPLY_TO))
		REFUSES(EAGAIN, (void)0);
	else
		REFUSES(ENOBUFS, (void)0);
	REFUSES(EINVAL, self->args.select = 1);
	REFUSES(EMSGSIZE, self->args.len = SIZE + 1);
	REFUSES(EFAULT, self->args.buf = 8);
}

TEST_HARNESS_MAIN
