// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What is wrong with any ioctl: its pointer, size, tail, flags, file or number,
 * everything else valid. A refused call has done nothing, and written nothing.
 * The fields of SEND and RECV are in fields_message.c, those of CALL, REPLY_RECV
 * and FINISH in fields_call.c, all others in fields.c.
 */
#include "mbox_call.h"

#define NAME		"arguments"
#define PAYLOAD		"payload"
#define MAX_SIZE	((1 << _IOC_SIZEBITS) - 1)	/* of any struct */
#define CALL_TYPE	77		/* what the server of CALL takes */

union any_args {
	struct mbox_create_args create;
	struct mbox_open_args open;
	struct mbox_query_args query;
	struct mbox_msg_args msg;
	struct mbox_batch_args batch;
	struct mbox_narrow_args narrow;
	struct mbox_stat_args stat;
	struct mbox_set_args set;
	unsigned char bytes[MAX_SIZE];
};

/* ---- what all commands have in common: each is a variant ---- */

FIXTURE(command) {
	int fd;			/* that the command is for */
	int h;			/* of the mailbox; it holds one message */
	__u32 token;		/* of FINISH */
	char buf[64];
	struct mbox_msg_args of_batch;
	union any_args args;
	struct mbox_stat_args stat;
	char *edge;		/* what is there cannot be touched */
};

FIXTURE_VARIANT(command) {
	unsigned int cmd;
	bool on_device;
	__u32 known_flags;	/* of the first field, if that is the flags */
};

FIXTURE_VARIANT_ADD(command, create) {
	.cmd = MBOX_IOC_CREATE,
	.on_device = true,
	.known_flags = MBOX_RECV | MBOX_SEND | MBOX_NONBLOCK | MBOX_NAMED |
		       MBOX_OWN | MBOX_EXCL | MBOX_EPHEMERAL | MBOX_OWNED_BY |
		       MBOX_RT_PRIORITY,
};

FIXTURE_VARIANT_ADD(command, open) {
	.cmd = MBOX_IOC_OPEN,
	.on_device = true,
	.known_flags = MBOX_RECV | MBOX_SEND | MBOX_NONBLOCK | MBOX_NAMED |
		       MBOX_OWN | MBOX_OWNED_BY,
};

FIXTURE_VARIANT_ADD(command, unlink) {
	.cmd = MBOX_IOC_UNLINK,
	.on_device = true,
	.known_flags = MBOX_NAMED | MBOX_OWN,
};

FIXTURE_VARIANT_ADD(command, query) {
	.cmd = MBOX_IOC_QUERY,
	.on_device = true,
};

FIXTURE_VARIANT_ADD(command, send) {
	.cmd = MBOX_IOC_SEND,
	.known_flags = MBOX_WAIT_MASK | MBOX_EXT | MBOX_SYNC | MBOX_REPLY_TO |
		       MBOX_ABANDON,
};

FIXTURE_VARIANT_ADD(command, recv) {
	.cmd = MBOX_IOC_RECV,
	.known_flags = MBOX_WAIT_MASK | MBOX_EXT | MBOX_TRUNCATE | MBOX_PEEK |
		       MBOX_PEEK_AFTER | MBOX_LEASE,
};

FIXTURE_VARIANT_ADD(command, call) {
	.cmd = MBOX_IOC_CALL,
	.known_flags = MBOX_WAIT_MASK | MBOX_EXT | MBOX_ABANDON,
};

FIXTURE_VARIANT_ADD(command, reply_recv) {
	.cmd = MBOX_IOC_REPLY_RECV,
	.known_flags = MBOX_WAIT_MASK | MBOX_EXT | MBOX_TRUNCATE | MBOX_LEASE,
};

FIXTURE_VARIANT_ADD(command, finish) {
	.cmd = MBOX_IOC_FINISH,
	.known_flags = MBOX_EXT,
};

FIXTURE_VARIANT_ADD(command, sendv) {
	.cmd = MBOX_IOC_SENDV,
};

FIXTURE_VARIANT_ADD(command, recvv) {
	.cmd = MBOX_IOC_RECVV,
};

FIXTURE_VARIANT_ADD(command, narrow) {
	.cmd = MBOX_IOC_NARROW,
	.known_flags = MBOX_RECV | MBOX_SEND | MBOX_NONBLOCK | MBOX_BADGE,
};

FIXTURE_VARIANT_ADD(command, stat) {
	.cmd = MBOX_IOC_STAT,
};

FIXTURE_VARIANT_ADD(command, set) {
	.cmd = MBOX_IOC_SET,
	.known_flags = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
		       MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES |
		       MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE |
		       MBOX_SET_SPIN | MBOX_SET_LATENCY,
};

#define COMMAND FIXTURE_DATA(command)
#define VARIANT FIXTURE_VARIANT(command)

/* Of SEND, RECV, and what is like them: not to wait. */
static void make_valid_message(COMMAND *self, struct mbox_msg_args *args)
{
	args->flags = MBOX_WAIT_NONE;
	args->buf = (unsigned long)self->buf;
	args->len = sizeof(self->buf);
	mb_poison(args);
}

/* Arguments that the command accepts. */
static void make_valid(COMMAND *self, const VARIANT *variant)
{
	union any_args *args = &self->args;

	memset(args, 0, sizeof(*args));
	switch (variant->cmd) {
	case MBOX_IOC_CREATE:
		args->create.flags = MBOX_NAMED | MB_RW;
		args->create.name = (unsigned long)NAME;
		args->create.name_len = strlen(NAME);
		break;
	case MBOX_IOC_OPEN:
	case MBOX_IOC_UNLINK:
		args->open.flags = MBOX_NAMED;
		if (variant->cmd == MBOX_IOC_OPEN)
			args->open.flags |= MB_RW;
		args->open.name = (unsigned long)NAME;
		args->open.name_len = strlen(NAME);
		break;
	case MBOX_IOC_CALL:
		args->msg.type = CALL_TYPE;
		mb_poison(&args->msg);
		break;
	case MBOX_IOC_FINISH:
		args->msg.select = MBOX_FINISH_BACK;
		args->msg.id = self->token;
		mb_poison(&args->msg);
		break;
	case MBOX_IOC_SEND:
	case MBOX_IOC_RECV:
	case MBOX_IOC_REPLY_RECV:
		make_valid_message(self, &args->msg);
		break;
	case MBOX_IOC_SENDV:
	case MBOX_IOC_RECVV:
		make_valid_message(self, &self->of_batch);
		args->batch.msgs = (unsigned long)&self->of_batch;
		args->batch.count = 1;
		break;
	case MBOX_IOC_NARROW:
		args->narrow.flags = MBOX_SEND;
		break;
	case MBOX_IOC_SET:
		args->set.mask = MBOX_SET_MODE;
		args->set.mode = 0600;
		break;
	}
}

static int call_sized(COMMAND *self, const VARIANT *variant, size_t size,
		      void *args)
{
	int ret = mb_ioctl(self->fd, RESIZED(variant->cmd, size), args);

	/* Not a number of messages, but a new handle. */
	if (ret > 0 && variant->cmd != MBOX_IOC_SENDV &&
	    variant->cmd != MBOX_IOC_RECVV)
		close(ret);
	return ret;
}

static int call(COMMAND *self, const VARIANT *variant, void *args)
{
	return call_sized(self, variant, _IOC_SIZE(variant->cmd), args);
}

/* What a successful call has used up. */
static void renew(COMMAND *self, const VARIANT *variant)
{
	switch (variant->cmd) {
	case MBOX_IOC_UNLINK:
		mb_create_named(NAME, MB_RW, 0600);
		break;
	case MBOX_IOC_RECV:
	case MBOX_IOC_RECVV:
	case MBOX_IOC_REPLY_RECV:
		mb_put(self->h, PAYLOAD, sizeof(PAYLOAD));
		break;
	case MBOX_IOC_FINISH:
		num_take_flags(self->h, MBOX_LEASE | MBOX_TRUNCATE,
			       &self->token);
		self->args.msg.id = self->token;
	}
}

static bool writes_outputs(const VARIANT *variant)
{
	return variant->cmd == MBOX_IOC_RECV || variant->cmd == MBOX_IOC_CALL ||
	       variant->cmd == MBOX_IOC_REPLY_RECV;
}

/* Answers with an empty reply whatever is called with CALL_TYPE. */
static long serves(struct peer *p)
{
	struct mbox_msg_args args = {
		.flags = MBOX_WAIT_FOREVER,
		.select = MBOX_SELECT_EQUAL,
		.type = CALL_TYPE,
	};
	long ret;

	do {
		ret = mb_reply_recv(p->fd, &args);
		args.id = args.out_token;
	} while (!ret);
	return ret;
}

/* That a call was refused, and that nothing came of it. */
#define EXPECT_REFUSED(err, ret) do { \
	struct mbox_stat_args stat_; \
	EXPECT_EQ(-(err), ret); \
	EXPECT_EQ(0, mb_stat(self->h, &stat_)); \
	EXPECT_EQ(0, memcmp(&self->stat, &stat_, sizeof(stat_))); \
	if (writes_outputs(variant)) \
		EXPECT_TRUE(mb_poisoned(&self->args.msg)); \
} while (0)

FIXTURE_SETUP(command)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->h = mb_create_named(NAME, MB_RW, 0600);
	ASSERT_LE(0, self->h);
	self->fd = self->h;
	if (variant->on_device)
		self->fd = mb_device();
	ASSERT_EQ(0, mb_put(self->h, PAYLOAD, sizeof(PAYLOAD)));
	if (variant->cmd == MBOX_IOC_FINISH)
		renew(self, variant);
	if (variant->cmd == MBOX_IOC_CALL) {
		ASSERT_TRUE(peer_start(peer_new(self->h, serves)));
		ASSERT_TRUE(receivers_blocked(self->h, 1));
	}
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
	self->edge = mb_page_end();
	make_valid(self, variant);
}

FIXTURE_TEARDOWN(command)
{
	mb_unlink(NAME);
}

/* Otherwise the refusals below prove nothing. */
TEST_F(command, is_accepted_when_valid)
{
	EXPECT_LE(0, call(self, variant, &self->args));
}

TEST_F(command, with_a_bad_pointer_is_refused)
{
	size_t size = _IOC_SIZE(variant->cmd);
	size_t i;

	EXPECT_REFUSED(EFAULT, call(self, variant, NULL));
	EXPECT_REFUSED(EFAULT, call(self, variant, self->edge));
	EXPECT_REFUSED(EFAULT, call(self, variant, (void *)-4096L));

	/* The first bytes are there, the rest is not. */
	for (i = 1; i < size; i += 7) {
		char *part = self->edge - i;

		/*
		 * Some have no use for the part that is written; a call is
		 * answered before it is.
		 */
		if (i >= MB_MSG_IN_SIZE && (variant->cmd == MBOX_IOC_SEND ||
					    variant->cmd == MBOX_IOC_FINISH ||
					    variant->cmd == MBOX_IOC_CALL))
			break;
		memcpy(part, &self->args, i);
		EXPECT_REFUSED(EFAULT, call(self, variant, part));
	}
}

TEST_F(command, with_a_struct_at_the_end_of_memory_is_accepted)
{
	size_t size = _IOC_SIZE(variant->cmd);
	char *args = self->edge - size;

	memcpy(args, &self->args, size);
	EXPECT_LE(0, call(self, variant, args));
}

TEST_F(command, with_a_struct_at_an_odd_address_is_accepted)
{
	size_t size = _IOC_SIZE(variant->cmd);
	char *args = self->edge - size - 1;

	memcpy(args, &self->args, size);
	EXPECT_LE(0, call(self, variant, args));
}

TEST_F(command, with_a_short_struct_is_refused)
{
	size_t size;

	for (size = 0; size < _IOC_SIZE(variant->cmd); size++)
		EXPECT_REFUSED(EINVAL, call_sized(self, variant, size,
						  &self->args));
}

/* As a newer program on this kernel, which uses nothing new. */
TEST_F(command, with_a_longer_struct_is_accepted_if_the_rest_is_zero)
{
	size_t size = _IOC_SIZE(variant->cmd);
	size_t longer[] = { size + 1, size + 8, 2 * size, MAX_SIZE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(longer); i++) {
		EXPECT_LE(0, call_sized(self, variant, longer[i], &self->args));
		EXPECT_TRUE(mb_all(self->args.bytes + size, MAX_SIZE - size,
				   0));
		renew(self, variant);
	}
}

TEST_F(command, with_a_longer_struct_is_refused_if_the_rest_is_not_zero)
{
	size_t size = _IOC_SIZE(variant->cmd);
	size_t at[] = { size, size + 1, size + 7, size + 8, 2 * size,
			MAX_SIZE - 1 };
	unsigned int i;

	/* What is only written may have held anything, and becomes zero. */
	if (_IOC_DIR(variant->cmd) == _IOC_READ) {
		memset(self->args.bytes, MB_POISON, MAX_SIZE);
		EXPECT_EQ(0, call_sized(self, variant, 2 * size, &self->args));
		EXPECT_TRUE(mb_all(self->args.bytes + size, size, 0));
		EXPECT_TRUE(mb_all(self->args.bytes + 2 * size,
				   MAX_SIZE - 2 * size, MB_POISON));
		return;
	}
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		self->args.bytes[at[i]] = 1;
		EXPECT_REFUSED(E2BIG, call_sized(self, variant, at[i] + 1,
						 &self->args));
		EXPECT_REFUSED(E2BIG, call_sized(self, variant, MAX_SIZE,
						 &self->args));
		self->args.bytes[at[i]] = 0;
	}
}

TEST_F(command, with_an_unknown_flag_is_refused)
{
	__u32 bit;
	int ret;

	if (!variant->known_flags)
		return;
	for (bit = 1; bit; bit <<= 1) {
		if (bit & variant->known_flags)
			continue;
		make_valid(self, variant);
		self->args.open.flags |= bit;
		ret = call(self, variant, &self->args);
		EXPECT_EQ(-EINVAL, ret) {
			TH_LOG("flag 0x%x", bit);
		}
		EXPECT_REFUSED(EINVAL, ret);
	}
}

TEST_F(command, on_the_wrong_kind_of_file_is_refused)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int wrong = variant->on_device ? self->h : mb_device();

	EXPECT_REFUSED(ENOTTY, mb_ioctl(wrong, variant->cmd, &self->args));
	EXPECT_REFUSED(ENOTTY, mb_ioctl(null, variant->cmd, &self->args));
	EXPECT_REFUSED(EBADF, mb_ioctl(-1, variant->cmd, &self->args));
	/* Whatever the arguments. */
	EXPECT_REFUSED(ENOTTY, mb_ioctl(wrong, variant->cmd, NULL));
	EXPECT_REFUSED(ENOTTY, mb_ioctl(wrong, RESIZED(variant->cmd, 1), NULL));
}

/* The size first, then the memory, then the unknown tail, then the fields. */
TEST_F(command, with_several_defects_is_refused_for_the_first)
{
	size_t size = _IOC_SIZE(variant->cmd);

	EXPECT_REFUSED(EINVAL, call_sized(self, variant, size - 1, NULL));
	EXPECT_REFUSED(EFAULT, call_sized(self, variant, size + 8, NULL));
	if (!variant->known_flags)
		return;
	self->args.open.flags = ~0U;
	self->args.bytes[size] = 1;
	EXPECT_REFUSED(E2BIG, call_sized(self, variant, size + 8, &self->args));
}

TEST_F(command, does_not_change_what_it_only_reads)
{
	union any_args before = self->args;
	size_t size = _IOC_SIZE(variant->cmd);

	if (_IOC_DIR(variant->cmd) == _IOC_READ)
		return;
	if (writes_outputs(variant))
		size = MB_MSG_IN_SIZE;
	EXPECT_LE(0, call(self, variant, &self->args));
	EXPECT_EQ(0, memcmp(&before, &self->args, size));
}

TEST_F(command, that_writes_does_not_write_beyond_the_struct)
{
	size_t size = _IOC_SIZE(variant->cmd);

	memset(self->args.bytes + size, MB_POISON, MAX_SIZE - size);
	EXPECT_LE(0, call(self, variant, &self->args));
	EXPECT_TRUE(mb_all(self->args.bytes + size, MAX_SIZE - size,
			   MB_POISON));
}

TEST_F(command, that_writes_into_read_only_memory_is_refused)
{
	size_t size = _IOC_SIZE(variant->cmd);
	char *args = self->edge - size;
	long page = sysconf(_SC_PAGESIZE);

	memcpy(args, &self->args, size);
	ASSERT_EQ(0, mprotect(self->edge - page, page, PROT_READ));
	if (variant->cmd == MBOX_IOC_CALL) {
		EXPECT_EQ(-EFAULT, call(self, variant, args));
		return;
	}
	if (_IOC_DIR(variant->cmd) & _IOC_READ)
		EXPECT_REFUSED(EFAULT, call(self, variant, args));
	else
		EXPECT_LE(0, call(self, variant, args));
}

/* ---- unknown commands ---- */

FIXTURE(unknown_command) {
	int dev;
	int h;
};

FIXTURE_SETUP(unknown_command)
{
	MB_NEED_DEVICE();
	self->dev = mb_device();
	ASSERT_LE(0, self->dev);
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(unknown_command)
{
}

TEST_F(unknown_command, is_refused_as_such_whatever_its_arguments)
{
	static const unsigned char device_commands[] = {
		_IOC_NR(MBOX_IOC_CREATE), _IOC_NR(MBOX_IOC_OPEN),
		_IOC_NR(MBOX_IOC_UNLINK), _IOC_NR(MBOX_IOC_QUERY),
	};
	static const unsigned char handle_commands[] = {
		_IOC_NR(MBOX_IOC_SEND), _IOC_NR(MBOX_IOC_RECV),
		_IOC_NR(MBOX_IOC_CALL), _IOC_NR(MBOX_IOC_REPLY_RECV),
		_IOC_NR(MBOX_IOC_FINISH), _IOC_NR(MBOX_IOC_SENDV),
		_IOC_NR(MBOX_IOC_RECVV), _IOC_NR(MBOX_IOC_NARROW),
		_IOC_NR(MBOX_IOC_STAT), _IOC_NR(MBOX_IOC_SET),
		_IOC_NR(MBOX_IOC_NOTIFY),
	};
	char args[128] = {};
	unsigned int nr, cmd;

	for (nr = 0; nr < 256; nr++) {
		cmd = _IOC(_IOC_READ | _IOC_WRITE, MBOX_IOC_MAGIC, nr, 128);
		if (!memchr(device_commands, nr, sizeof(device_commands))) {
			EXPECT_EQ(-ENOTTY, mb_ioctl(self->dev, cmd, args));
			EXPECT_EQ(-ENOTTY, mb_ioctl(self->dev, cmd, NULL));
		}
		if (!memchr(handle_commands, nr, sizeof(handle_commands))) {
			EXPECT_EQ(-ENOTTY, mb_ioctl(self->h, cmd, args));
			EXPECT_EQ(-ENOTTY, mb_ioctl(self->h, cmd, NULL));
		}
	}
}

TEST_F(unknown_command, of_another_driver_is_refused)
{
	struct mbox_query_args query;
	struct mbox_stat_args stat;

	EXPECT_EQ(-ENOTTY, mb_ioctl(self->dev, _IOR(0xBE, 3, query), &query));
	EXPECT_EQ(-ENOTTY, mb_ioctl(self->h, _IOR(0xBC, 0x21, stat), &stat));
}

/* ---- the shape of the structs, the same for 32 and 64 bit programs ---- */

TEST(g14_structs_are_the_same_for_32_bit_programs)
{
	EXPECT_EQ(48, sizeof(struct mbox_create_args));
	EXPECT_EQ(24, sizeof(struct mbox_open_args));
	EXPECT_EQ(80, sizeof(struct mbox_query_args));
	EXPECT_EQ(128, sizeof(struct mbox_msg_args));
	EXPECT_EQ(64, offsetof(struct mbox_msg_args, out_type));
	EXPECT_EQ(48, sizeof(struct mbox_ext));
	EXPECT_EQ(16, sizeof(struct mbox_batch_args));
	EXPECT_EQ(8, sizeof(struct mbox_notify_args));
	EXPECT_EQ(16, sizeof(struct mbox_narrow_args));
	EXPECT_EQ(392, sizeof(struct mbox_stat_args));
	EXPECT_EQ(48, sizeof(struct mbox_set_args));
}

TEST_HARNESS_MAIN
