// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Wrong arguments of every ioctl: one defect a case, everything else valid.
 * A refused call has done nothing, and written nothing.
 */
#include "mbox_test.h"

#include <sys/uio.h>

#define NAME		"arguments"
#define PAYLOAD		"payload"
#define MAX_SIZE	((1 << _IOC_SIZEBITS) - 1)	/* of any struct */

/* The command @cmd with a struct of another size. */
#define RESIZED(cmd, size) \
	_IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size)

union any_args {
	struct mbox_create_args create;
	struct mbox_open_args open;
	struct mbox_query_args query;
	struct mbox_msg_args msg;
	struct mbox_narrow_args narrow;
	struct mbox_stat_args stat;
	struct mbox_set_args set;
	unsigned char bytes[MAX_SIZE];
};

/* Two pages of which the second cannot be touched. */
struct edge {
	char *end;
	long page;
};

static void edge_init(struct __test_metadata *_metadata, struct edge *edge)
{
	char *mem;

	edge->page = sysconf(_SC_PAGESIZE);
	mem = mmap(NULL, 2 * edge->page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(mem != MAP_FAILED);
	edge->end = mem + edge->page;
	ASSERT_EQ(0, mprotect(edge->end, edge->page, PROT_NONE));
}

/* ---- what all commands have in common: each is a variant ---- */

FIXTURE(command) {
	int fd;			/* that the command is for */
	int h;			/* of the mailbox; it holds one message */
	char buf[64];
	union any_args args;
	struct mbox_stat_args stat;
	struct edge edge;
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
		       MBOX_OWN | MBOX_EXCL | MBOX_EPHEMERAL | MBOX_OWNED_BY,
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
	.known_flags = MBOX_WAIT_MASK | MBOX_EXT,
};

FIXTURE_VARIANT_ADD(command, recv) {
	.cmd = MBOX_IOC_RECV,
	.known_flags = MBOX_WAIT_MASK | MBOX_EXT | MBOX_TRUNCATE | MBOX_PEEK |
		       MBOX_PEEK_AFTER,
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
		       MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE,
};

#define COMMAND FIXTURE_DATA(command)
#define VARIANT FIXTURE_VARIANT(command)

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
	case MBOX_IOC_SEND:
	case MBOX_IOC_RECV:
		args->msg.flags = MBOX_WAIT_NONE;
		args->msg.buf = (unsigned long)self->buf;
		args->msg.len = sizeof(self->buf);
		mb_poison(&args->msg);
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

	/* The new handle of those that make one. */
	if (ret > 0)
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
	if (variant->cmd == MBOX_IOC_UNLINK)
		mb_create_named(NAME, MB_RW, 0600);
	if (variant->cmd == MBOX_IOC_RECV)
		mb_put(self->h, PAYLOAD, sizeof(PAYLOAD));
}

/* That a call was refused, and that nothing came of it. */
#define EXPECT_REFUSED(err, ret) do { \
	struct mbox_stat_args stat_; \
	EXPECT_EQ(-(err), ret); \
	EXPECT_EQ(0, mb_stat(self->h, &stat_)); \
	EXPECT_EQ(0, memcmp(&self->stat, &stat_, sizeof(stat_))); \
	if (variant->cmd == MBOX_IOC_RECV) \
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
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
	edge_init(_metadata, &self->edge);
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
	EXPECT_REFUSED(EFAULT, call(self, variant, self->edge.end));
	EXPECT_REFUSED(EFAULT, call(self, variant, (void *)-4096L));

	/* The first bytes are there, the rest is not. */
	for (i = 1; i < size; i += 7) {
		char *part = self->edge.end - i;

		/* SEND has no use for the part that is written. */
		if (variant->cmd == MBOX_IOC_SEND && i >= MB_MSG_IN_SIZE)
			break;
		memcpy(part, &self->args, i);
		EXPECT_REFUSED(EFAULT, call(self, variant, part));
	}
}

TEST_F(command, with_a_struct_at_the_end_of_memory_is_accepted)
{
	size_t size = _IOC_SIZE(variant->cmd);
	char *args = self->edge.end - size;

	memcpy(args, &self->args, size);
	EXPECT_LE(0, call(self, variant, args));
}

TEST_F(command, with_a_struct_at_an_odd_address_is_accepted)
{
	size_t size = _IOC_SIZE(variant->cmd);
	char *args = self->edge.end - size - 1;

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
	if (variant->cmd == MBOX_IOC_RECV)
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
	char *args = self->edge.end - size;
	char *page = self->edge.end - self->edge.page;

	memcpy(args, &self->args, size);
	ASSERT_EQ(0, mprotect(page, self->edge.page, PROT_READ));
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
		_IOC_NR(MBOX_IOC_NARROW), _IOC_NR(MBOX_IOC_STAT),
		_IOC_NR(MBOX_IOC_SET),
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

/* ---- the fields of each command ---- */

/* Calls with one @change to valid arguments, which makes them wrong. */
#define REFUSES(err, change) do { \
	self->args = self->valid; \
	change; \
	EXPECT_EQ(-(err), FIELDS_CALL(self)) { \
		TH_LOG("with %s", #change); \
	} \
} while (0)

FIXTURE(create) {
	struct mbox_create_args valid;
	struct mbox_create_args args;
};

FIXTURE_SETUP(create)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	self->valid = (struct mbox_create_args){
		.flags = MBOX_NAMED | MB_RW,
		.mode = 0600,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
	};
}

FIXTURE_TEARDOWN(create)
{
	mb_unlink(NAME);
}

#define FIELDS_CALL(self) mb_create(&(self)->args)

TEST_F(create, with_flags_that_do_not_go_together_is_refused)
{
	__u32 flags = self->valid.flags;

	REFUSES(EINVAL, self->args.flags = MBOX_NAMED);
	REFUSES(EINVAL, self->args.flags = MBOX_NAMED | MBOX_NONBLOCK);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_OWN);
	REFUSES(EINVAL, self->args.flags = MBOX_OWN | MB_RW);
	REFUSES(EINVAL, self->args.flags = MB_RW);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_EXCL | MBOX_OWNED_BY);
	REFUSES(EINVAL, self->args.flags = flags | MBOX_BADGE);

	self->valid.name = 0;
	self->valid.name_len = 0;
	REFUSES(EINVAL, self->args.flags = 0);
	REFUSES(EINVAL, self->args.flags = MBOX_OWN);
	REFUSES(EINVAL, self->args.flags = MB_RW | MBOX_EXCL);
	REFUSES(EINVAL, self->args.flags = MB_RW | MBOX_OWNED_BY);
	REFUSES(EINVAL, self->args.flags = MB_RW | MBOX_EPHEMERAL);
	REFUSES(EINVAL,
		self->args.flags = MB_RW | MBOX_OWN | MBOX_EPHEMERAL);
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
}

TEST_F(create, with_a_value_out_of_range_is_refused)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EINVAL, self->args.mode = ~0U);
	REFUSES(EINVAL, self->args.owner = 1);
	REFUSES(EINVAL, self->args.type_source = 3);
	REFUSES(EINVAL, self->args.type_source = ~0U);
	REFUSES(EINVAL, self->args.overflow = 2);
	REFUSES(EINVAL, self->args.overflow = ~0U);
	REFUSES(EINVAL, self->args.max_bytes = query.ceiling_max_bytes + 1);
	REFUSES(EINVAL, self->args.max_bytes = ~0ULL);
	REFUSES(EINVAL,
		self->args.max_messages = query.ceiling_max_messages + 1);
	REFUSES(EINVAL, self->args.max_messages = ~0U);
	REFUSES(EINVAL, self->args.max_message_size =
		query.ceiling_max_message_size + 1);
	REFUSES(EINVAL, self->args.max_message_size = ~0U);
	REFUSES(EINVAL, (self->args.max_message_size = 100,
			 self->args.max_bytes = 99));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MB_RW));

	/* Of an anonymous one too. */
	self->valid.flags = MB_RW;
	self->valid.name = 0;
	self->valid.name_len = 0;
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EINVAL, self->args.name = (unsigned long)NAME);
	REFUSES(EINVAL, self->args.name_len = 1);
	self->valid.flags = MB_RW | MBOX_OWN;
	REFUSES(EINVAL, self->args.name = (unsigned long)NAME);
	REFUSES(EINVAL, self->args.name_len = 1);
	EXPECT_EQ(-ENOENT, mb_open_pid(0, MB_RW));
}

TEST_F(create, with_wrong_values_is_refused_though_the_mailbox_exists)
{
	EXPECT_LE(0, mb_create(&self->valid));
	REFUSES(EINVAL, self->args.overflow = 2);
	REFUSES(EINVAL, self->args.max_messages = ~0U);
	/* And before it is looked for. */
	self->valid.flags |= MBOX_EXCL;
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EEXIST, (void)0);
}

TEST_F(create, with_a_bad_name_pointer_is_refused)
{
	REFUSES(EFAULT, self->args.name = 0);
	REFUSES(EFAULT, self->args.name = 8);
	REFUSES(EFAULT, self->args.name = ~0ULL << 63);
	REFUSES(EFAULT, self->args.name = ~0ULL);
	/* The length and the flags are looked at first. */
	REFUSES(EINVAL, (self->args.name = 8, self->args.name_len = 0));
	REFUSES(ENAMETOOLONG, (self->args.name = 8,
			       self->args.name_len = MBOX_NAME_MAX + 1));
	REFUSES(EINVAL, (self->args.name = 8, self->args.overflow = 2));
}

TEST_F(create, with_an_owner_that_is_none_is_refused)
{
	self->valid.flags |= MBOX_OWNED_BY;
	REFUSES(EINVAL, self->args.owner = ~0U);
}

#undef FIELDS_CALL

FIXTURE(open_or_unlink) {
	struct mbox_open_args valid;
	struct mbox_open_args args;
};

FIXTURE_VARIANT(open_or_unlink) {
	unsigned int cmd;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(open_or_unlink, open) {
	.cmd = MBOX_IOC_OPEN,
	.flags = MB_RW,
};

FIXTURE_VARIANT_ADD(open_or_unlink, unlink) {
	.cmd = MBOX_IOC_UNLINK,
};

FIXTURE_SETUP(open_or_unlink)
{
	MB_NEED_DEVICE();
	mb_unlink(NAME);
	ASSERT_LE(0, mb_create_named(NAME, MB_RW, 0600));
	ASSERT_LE(0, mb_create_own(MB_RW, 0600));
	self->valid = (struct mbox_open_args){
		.flags = MBOX_NAMED | variant->flags,
		.name = (unsigned long)NAME,
		.name_len = strlen(NAME),
	};
}

FIXTURE_TEARDOWN(open_or_unlink)
{
	mb_unlink(NAME);
}

#define FIELDS_CALL(self) mb_ctl(variant->cmd, &(self)->args)

TEST_F(open_or_unlink, by_both_ways_or_none_is_refused)
{
	REFUSES(EINVAL, self->args.flags |= MBOX_OWN);
	REFUSES(EINVAL, self->args.flags ^= MBOX_NAMED);
	REFUSES(EINVAL, self->args.flags ^= MBOX_NAMED | MBOX_OWN);
	REFUSES(EINVAL, self->args.flags |= MBOX_EXCL);
	REFUSES(EINVAL, self->args.flags |= MBOX_EPHEMERAL);
	REFUSES(EINVAL, self->args.flags |= MBOX_BADGE);
	EXPECT_LE(0, mb_open(NAME, MB_RW));
	EXPECT_LE(0, mb_open_pid(0, MB_RW));
}

TEST_F(open_or_unlink, with_a_field_that_does_not_belong_is_refused)
{
	REFUSES(EINVAL, self->args.pid = getpid());
	REFUSES(EINVAL, self->args.pid = -1);
	REFUSES(EINVAL, self->args.owner = 1);
	REFUSES(ENOENT, self->args.name_len--);

	self->valid = (struct mbox_open_args){
		.flags = MBOX_OWN | variant->flags,
	};
	REFUSES(EINVAL, self->args.pid = -1);
	REFUSES(EINVAL, self->args.pid = INT32_MIN);
	REFUSES(EINVAL, self->args.owner = 1);
	REFUSES(EINVAL, self->args.name = (unsigned long)NAME);
	REFUSES(EINVAL, self->args.name_len = 1);
	EXPECT_LE(0, mb_open(NAME, MB_RW));
	EXPECT_LE(0, mb_open_pid(0, MB_RW));
}

TEST_F(open_or_unlink, with_a_bad_name_pointer_is_refused)
{
	REFUSES(EFAULT, self->args.name = 0);
	REFUSES(EFAULT, self->args.name = 8);
	REFUSES(EFAULT, self->args.name = ~0ULL);
	REFUSES(EINVAL, (self->args.name = 8, self->args.name_len = 0));
	REFUSES(ENAMETOOLONG, (self->args.name = 8,
			       self->args.name_len = MBOX_NAME_MAX + 1));
}

TEST_F(open_or_unlink, without_a_right_is_for_unlink)
{
	if (variant->cmd == MBOX_IOC_OPEN) {
		REFUSES(EINVAL, self->args.flags = MBOX_NAMED);
		REFUSES(EINVAL, self->args.flags = MBOX_NAMED | MBOX_NONBLOCK);
		REFUSES(EINVAL, (self->args.flags |= MBOX_OWNED_BY,
				 self->args.owner = ~0U));
	} else {
		REFUSES(EINVAL, self->args.flags |= MBOX_RECV);
		REFUSES(EINVAL, self->args.flags |= MBOX_SEND);
		REFUSES(EINVAL, self->args.flags |= MBOX_NONBLOCK);
		REFUSES(EINVAL, self->args.flags |= MBOX_OWNED_BY);
	}
	EXPECT_LE(0, mb_open(NAME, MB_RW));
}

#undef FIELDS_CALL

/* One that takes three messages of 64 bytes and holds one. */
FIXTURE(message) {
	int h;
	char buf[64];
	struct mbox_msg_args valid;
	struct mbox_msg_args args;
	struct mbox_stat_args stat;
	struct edge edge;
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
	edge_init(_metadata, &self->edge);
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
	REFUSES(EINVAL, self->args.reserved = 1);
	REFUSES(EINVAL, self->args.reserved = 1ULL << 63);
	REFUSES(EINVAL, self->args.reserved_len = 1);
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
		REFUSES(EINVAL, self->args.select = MBOX_SELECT_EQUAL);
		return;
	}
	REFUSES(EINVAL, self->args.type = 1);
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
	REFUSES(EFAULT, self->args.buf = (unsigned long)self->edge.end);
	REFUSES(EFAULT, self->args.buf = (unsigned long)self->edge.end - 1);
}

TEST_F(message, with_outputs_that_cannot_be_written_is_not_lost)
{
	struct mbox_msg_args *args;

	if (variant->cmd == MBOX_IOC_SEND)
		return;
	args = (void *)(self->edge.end - MB_MSG_IN_SIZE);
	memcpy(args, &self->valid, MB_MSG_IN_SIZE);
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, variant->cmd, args));
	args = (void *)(self->edge.end - sizeof(*args) + 1);
	memcpy(args, &self->valid, sizeof(*args) - 1);
	EXPECT_EQ(-EFAULT, mb_ioctl(self->h, variant->cmd, args));
}

TEST_F(message, that_is_too_long_is_refused)
{
	if (variant->cmd == MBOX_IOC_SEND) {
		REFUSES(EMSGSIZE, self->args.len = 65);
		REFUSES(EMSGSIZE, self->args.len = ~0U);
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

	memcpy(self->edge.end - sizeof(size), &size, sizeof(size));
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
	REFUSES(EFAULT, self->args.ext = (unsigned long)self->edge.end - 4);
	REFUSES(EFAULT, self->args.ext = (unsigned long)self->edge.end - 2);

	REFUSES(EINVAL, ext.ext.size = 0);
	REFUSES(EINVAL, ext.ext.size = 15);
	REFUSES(E2BIG, ext.ext.size = 4097);
	REFUSES(E2BIG, ext.ext.size = ~0U);
	REFUSES(E2BIG, (ext.ext.size = 17, ext.bytes[16] = 1));
	REFUSES(E2BIG, (ext.ext.size = 4096, ext.bytes[16] = 0,
			ext.bytes[4095] = 1));
	ext.bytes[4095] = 0;
	ext.ext.size = size;

	REFUSES(EINVAL, ext.ext.iov_count = 0);
	REFUSES(EINVAL, ext.ext.iov_count = MBOX_IOV_MAX + 1);
	REFUSES(EINVAL, ext.ext.iov_count = ~0U);
	ext.ext.iov_count = 1;
	REFUSES(EFAULT, ext.ext.iov = 0);
	REFUSES(EFAULT, ext.ext.iov = 8);
	ext.ext.iov = (unsigned long)&iov;
	REFUSES(EFAULT, iov.iov_base = NULL);
	REFUSES(EFAULT, iov.iov_base = self->edge.end);
	iov.iov_base = self->buf;
	REFUSES(EINVAL, iov.iov_len = (size_t)-1);
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
	self->args.reserved = 1;
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
		REFUSES(EINVAL, (self->args.reserved = 1, self->args.len = 65));
		REFUSES(EINVAL, (self->args.reserved = 1, self->args.buf = 8));
		EXPECT_EQ(0, mb_put(self->h, "x", 1));
		EXPECT_EQ(0, mb_put(self->h, "x", 1));
		ASSERT_EQ(0, mb_stat(self->h, &self->stat));
		REFUSES(EAGAIN, (void)0);
		REFUSES(EINVAL, self->args.reserved = 1);
		REFUSES(EMSGSIZE, self->args.len = 65);
		REFUSES(EFAULT, self->args.buf = 8);
		return;
	}
	REFUSES(EINVAL, (self->args.reserved = 1, self->args.buf = 8));
	REFUSES(EINVAL, (self->args.reserved = 1, self->args.len = 0));
	REFUSES(EMSGSIZE, (self->args.len = 1, self->args.buf = 8));
	REFUSES(EINVAL, (self->args.priority = 0xffff));
	/* Nothing there that is wanted. */
	REFUSES(EAGAIN, (self->args.priority = 1, self->args.buf = 8));
	REFUSES(EINVAL, (self->args.priority = 1, self->args.reserved = 1));
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

FIXTURE(narrow) {
	int h;
	struct mbox_narrow_args valid;
	struct mbox_narrow_args args;
};

FIXTURE_SETUP(narrow)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
	self->valid.flags = MBOX_SEND;
}

FIXTURE_TEARDOWN(narrow)
{
}

#define FIELDS_CALL(self) mb_ioctl((self)->h, MBOX_IOC_NARROW, &(self)->args)

TEST_F(narrow, with_a_wrong_field_is_refused)
{
	REFUSES(EINVAL, self->args.flags = 0);
	REFUSES(EINVAL, self->args.flags = MBOX_NONBLOCK);
	REFUSES(EINVAL, self->args.flags = MBOX_SEND | MBOX_BADGE);
	REFUSES(EINVAL, self->args.badge = 1);
	REFUSES(EINVAL, (self->args.flags = MBOX_BADGE, self->args.badge = 1));
	REFUSES(EINVAL, self->args.reserved = 1);
	REFUSES(EINVAL, self->args.reserved = ~0U);
	REFUSES(EINVAL, self->args.flags |= MBOX_NAMED);
	REFUSES(EINVAL, self->args.flags |= MBOX_OWN);
}

TEST_F(narrow, looks_at_the_fields_before_the_rights)
{
	self->h = mb_narrow(self->h, MBOX_SEND, 0);
	ASSERT_LE(0, self->h);
	REFUSES(EPERM, self->args.flags = MBOX_RECV);
	REFUSES(EINVAL, (self->args.flags = MBOX_RECV,
			 self->args.reserved = 1));
}

#undef FIELDS_CALL

FIXTURE(set) {
	int h;
	struct mbox_stat_args stat;
	struct mbox_set_args valid;
	struct mbox_set_args args;
};

FIXTURE_SETUP(set)
{
	struct mbox_create_args create = {
		.flags = MB_RW,
		.max_bytes = 1000,
		.max_message_size = 100,
	};

	MB_NEED_DEVICE();
	self->h = mb_create(&create);
	ASSERT_LE(0, self->h);
	ASSERT_EQ(0, mb_stat(self->h, &self->stat));
}

/* Whatever was refused in the test has changed nothing. */
FIXTURE_TEARDOWN(set)
{
	struct mbox_stat_args stat;

	EXPECT_EQ(0, mb_stat(self->h, &stat));
	EXPECT_EQ(0, memcmp(&self->stat, &stat, sizeof(stat)));
}

#define FIELDS_CALL(self) mb_set((self)->h, &(self)->args)

TEST_F(set, with_a_field_that_is_not_named_is_refused)
{
	/* Everything is named but the one. */
	__u32 all = MBOX_SET_MODE | MBOX_SET_UID | MBOX_SET_GID |
		    MBOX_SET_OVERFLOW | MBOX_SET_MAX_MESSAGES |
		    MBOX_SET_MAX_BYTES | MBOX_SET_MAX_MESSAGE_SIZE;

	self->valid = (struct mbox_set_args){
		.mask = all,
		.mode = 0600,
		.uid = 1,
		.gid = 1,
		.overflow = MBOX_OVERFLOW_DROP,
		.max_messages = 5,
		.max_bytes = 500,
		.max_message_size = 50,
	};
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MODE);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_UID);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_GID);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_OVERFLOW);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MAX_MESSAGES);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MAX_BYTES);
	REFUSES(EINVAL, self->args.mask ^= MBOX_SET_MAX_MESSAGE_SIZE);
	REFUSES(EINVAL, self->args.mask = 0);
	REFUSES(EINVAL, self->args.reserved = 1);
	REFUSES(EINVAL, self->args.reserved = ~0U);
}

TEST_F(set, with_a_value_out_of_range_is_refused)
{
	struct mbox_query_args query;

	ASSERT_EQ(0, mb_query(&query));
	self->valid.mask = MBOX_SET_MODE;
	REFUSES(EINVAL, self->args.mode = 01000);
	REFUSES(EINVAL, self->args.mode = ~0U);
	self->valid.mask = MBOX_SET_UID;
	REFUSES(EINVAL, self->args.uid = ~0U);
	self->valid.mask = MBOX_SET_GID;
	REFUSES(EINVAL, self->args.gid = ~0U);
	self->valid.mask = MBOX_SET_OVERFLOW;
	REFUSES(EINVAL, self->args.overflow = 2);
	REFUSES(EINVAL, self->args.overflow = ~0U);
	self->valid.mask = MBOX_SET_MAX_MESSAGES;
	REFUSES(EINVAL, self->args.max_messages = 0);
	REFUSES(EINVAL,
		self->args.max_messages = query.ceiling_max_messages + 1);
	REFUSES(EINVAL, self->args.max_messages = ~0U);
	self->valid.mask = MBOX_SET_MAX_BYTES;
	REFUSES(EINVAL, self->args.max_bytes = 0);
	REFUSES(EINVAL, self->args.max_bytes = 99);
	REFUSES(EINVAL, self->args.max_bytes = query.ceiling_max_bytes + 1);
	REFUSES(EINVAL, self->args.max_bytes = ~0ULL);
	self->valid.mask = MBOX_SET_MAX_MESSAGE_SIZE;
	REFUSES(EINVAL, self->args.max_message_size = 0);
	REFUSES(EINVAL, self->args.max_message_size = 1001);
	REFUSES(EINVAL, self->args.max_message_size =
		query.ceiling_max_message_size + 1);
	REFUSES(EINVAL, self->args.max_message_size = ~0U);
	self->valid.mask |= MBOX_SET_MAX_BYTES;
	REFUSES(EINVAL, (self->args.max_message_size = 60,
			 self->args.max_bytes = 59));
}

#undef FIELDS_CALL

/* ---- the shape of the structs, the same for 32 and 64 bit programs ---- */

TEST(g14_structs_are_the_same_for_32_bit_programs)
{
	EXPECT_EQ(48, sizeof(struct mbox_create_args));
	EXPECT_EQ(24, sizeof(struct mbox_open_args));
	EXPECT_EQ(72, sizeof(struct mbox_query_args));
	EXPECT_EQ(128, sizeof(struct mbox_msg_args));
	EXPECT_EQ(64, offsetof(struct mbox_msg_args, out_type));
	EXPECT_EQ(16, sizeof(struct mbox_ext));
	EXPECT_EQ(16, sizeof(struct mbox_narrow_args));
	EXPECT_EQ(112, sizeof(struct mbox_stat_args));
	EXPECT_EQ(40, sizeof(struct mbox_set_args));
}

TEST_HARNESS_MAIN
