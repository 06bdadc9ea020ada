// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Making, finding and unlinking mailboxes while allocations and user copies fail: no
 * mailbox, name, descriptor or account is left of it; and the walk itself.
 */
#include "mbox_fault.h"

#define DEVICE_HOW FIXTURE_VARIANT(device)
#define STRANGER_HOW FIXTURE_VARIANT(stranger)

#define NAME	"fault"

/* ---- walks ---- */

FIXTURE(walk) {
	int h;
};

FIXTURE_SETUP(walk)
{
	MB_NEED_FAULTS();
	self->h = mb_create_anon();
	ASSERT_LE(0, self->h);
}

FIXTURE_TEARDOWN(walk)
{
	close(self->h);
}

/* In a child that fails, and whose complaints nobody shall see. */
static void walk_too_short(struct __test_metadata *_metadata, void *arg)
{
	struct walk w = *(struct walk *)arg;
	int h = mb_create_anon();

	ASSERT_NE(NULL, freopen("/dev/null", "w", stderr));
	ASSERT_NE(NULL, freopen("/dev/null", "w", stdout));
	FAULT_EACH(&w) {
		INJECT(&w, mb_put(h, "hello", 5));
	}
}

TEST_F_WALK(walk, that_meets_fewer_faults_than_there_are_fails)
{
	struct walk nomem = { .nomem = 1000 };
	struct walk fault = { .fault = 1000 };
	struct walk late = { .late = 1 };

	EXPECT_NE(0, mb_wait(mb_fork(_metadata, walk_too_short, &nomem)));
	EXPECT_NE(0, mb_wait(mb_fork(_metadata, walk_too_short, &fault)));
	EXPECT_NE(0, mb_wait(mb_fork(_metadata, walk_too_short, &late)));
}

TEST_F_WALK(walk, meets_each_step_once_and_ends)
{
	struct walk w = { .nomem = 1, .fault = 2 };
	int failed = 0, done = 0;

	FAULT_EACH(&w) {
		if (INJECT(&w, mb_put(self->h, "hello", 5)) < 0)
			failed++;
		else
			done++;
	}
	EXPECT_LE(3, failed);
	EXPECT_LE(1, done);
	EXPECT_EQ(done, mb_messages(self->h));
	/* Nothing is due any more. */
	EXPECT_EQ(0, mb_put(self->h, "hello", 5));
}

/* ---- the device ---- */

FIXTURE(device) {
	int dev;
	struct mbox_create_args args;
};

FIXTURE_VARIANT(device) {
	__u32 flags;
	__u32 type_source;
	bool exists;		/* it is opened */
	int nomem;		/* handle, inode, file; mailbox; and what is below */
	int fault;
};

FIXTURE_VARIANT_ADD(device, anonymous) {
	.nomem = 4, .fault = 1,
};

FIXTURE_VARIANT_ADD(device, typed_by_pid) {
	.type_source = MBOX_TYPE_PID, .nomem = 4, .fault = 1,
};

/* The name, the entry. */
FIXTURE_VARIANT_ADD(device, named) {
	.flags = MBOX_NAMED, .nomem = 4 + 2, .fault = 1 + 1,
};

FIXTURE_VARIANT_ADD(device, ephemeral) {
	.flags = MBOX_NAMED | MBOX_EPHEMERAL, .nomem = 4 + 2, .fault = 1 + 1,
};

FIXTURE_VARIANT_ADD(device, existing) {
	.flags = MBOX_NAMED, .exists = true, .nomem = 3 + 1, .fault = 1 + 1,
};

/* The entry. */
FIXTURE_VARIANT_ADD(device, own) {
	.flags = MBOX_OWN, .nomem = 4 + 1, .fault = 1,
};

FIXTURE_VARIANT_ADD(device, own_existing) {
	.flags = MBOX_OWN, .exists = true, .nomem = 3, .fault = 1,
};

FIXTURE_SETUP(device)
{
	MB_NEED_FAULTS();
	self->dev = mb_device();
	ASSERT_LE(0, self->dev);
	self->args = (struct mbox_create_args){
		.flags = variant->flags | MB_RW,
		.mode = 0600,
		.type_source = variant->type_source,
	};
	if (variant->flags & MBOX_NAMED) {
		self->args.name = (unsigned long)NAME;
		self->args.name_len = strlen(NAME);
	}
	if (variant->exists)
		ASSERT_EQ(0, close(mb_create(&self->args)));
}

static int unlink_it(const DEVICE_HOW *variant)
{
	return variant->flags & MBOX_NAMED ? mb_unlink(NAME) :
	       variant->flags & MBOX_OWN ? mb_unlink_pid(0) : 0;
}

FIXTURE_TEARDOWN(device)
{
	if (variant->exists)
		EXPECT_EQ(0, unlink_it(variant));
	EXPECT_EQ(-ENOENT, mb_open(NAME, MBOX_RECV));
	close(self->dev);
}

/* Whether it can be found, and be used. */
static int find_it(const DEVICE_HOW *variant)
{
	int h = variant->flags & MBOX_OWN ? mb_open_pid(0, MB_RW) : mb_open(NAME, MB_RW);
	char byte;
	int ret;

	if (h < 0)
		return h;
	ret = mb_put(h, "x", 1) ?: mb_get(h, &byte, 1);
	close(h);
	return ret;
}

TEST_F_WALK(device, create_that_fails_leaves_nothing)
{
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };
	const bool published = variant->flags & (MBOX_NAMED | MBOX_OWN);

	FAULT_EACH(&w) {
		struct state before = state_of(-1);
		int h = INJECT(&w, mb_ioctl(self->dev, MBOX_IOC_CREATE, &self->args));

		if (h >= 0) {
			EXPECT_EQ(published ? 1 : -ENOENT, find_it(variant));
			EXPECT_EQ(0, mb_put(h, "x", 1));
			/* One more, unless it was there. */
			EXPECT_EQ(before.query.user_mailboxes + !variant->exists,
				  state_of(-1).query.user_mailboxes);
			EXPECT_EQ(1, mb_get(h, &before, 1));
			before = state_of(-1);
			before.query.user_mailboxes -= !variant->exists;
			before.query.ns_mailboxes -= published && !variant->exists;
			before.refcnt--;
			before.fds--;
			before.next_fd = h;
			close(h);
			if (!variant->exists && !(variant->flags & MBOX_EPHEMERAL))
				EXPECT_EQ(0, unlink_it(variant));
		}
		EXPECT_UNCHANGED(-1, &before);
		EXPECT_EQ(variant->exists ? 1 : -ENOENT, find_it(variant));
	}
}

TEST_F_WALK(device, open_that_fails_leaves_the_mailbox)
{
	struct mbox_open_args args = {
		.flags = variant->flags | MB_RW,
		.name = self->args.name,
		.name_len = self->args.name_len,
	};
	struct walk w = { .nomem = variant->nomem, .fault = variant->fault };
	int h;

	if (!variant->exists)
		return;
	h = mb_create(&self->args);
	ASSERT_LE(0, h);
	FAULT_EACH(&w) {
		struct state before = state_of(h);
		int ret = INJECT(&w, mb_ioctl(self->dev, MBOX_IOC_OPEN, &args));

		if (ret >= 0) {
			EXPECT_EQ(0, mb_put(ret, "x", 1));
			EXPECT_EQ(1, mb_get(h, &args.owner, 1));
			args.owner = 0;
			EXPECT_EQ(0, close(ret));
			EXPECT_PASSED(h, &before);
		} else {
			EXPECT_UNCHANGED(h, &before);
		}
	}
	close(h);
}

TEST_F_WALK(device, unlink_that_fails_leaves_the_name)
{
	struct mbox_open_args args = {
		.flags = variant->flags,
		.name = self->args.name,
		.name_len = self->args.name_len,
	};
	const bool named = variant->flags & MBOX_NAMED;
	struct walk w = { .nomem = named, .fault = 1 + named };

	if (!variant->exists)
		return;
	FAULT_EACH(&w) {
		struct state before = state_of(-1);

		if (INJECT(&w, mb_ioctl(self->dev, MBOX_IOC_UNLINK, &args)) < 0) {
			EXPECT_EQ(1, find_it(variant));
		} else {
			EXPECT_EQ(-ENOENT, find_it(variant));
			ASSERT_EQ(0, close(mb_create(&self->args)));
		}
		EXPECT_UNCHANGED(-1, &before);
	}
}

TEST_F_WALK(device, that_cannot_be_opened_is_not_held)
{
	struct walk w = { .nomem = 1, .fault = 1 };

	FAULT_EACH(&w) {
		struct state before = state_of(-1);
		int dev = INJECT(&w, mb_device());

		if (dev >= 0)
			EXPECT_EQ(0, close(dev));
		EXPECT_UNCHANGED(-1, &before);
	}
}

TEST_F_WALK(device, query_that_fails_writes_nothing)
{
	struct walk w = { .fault = 1 };
	struct mbox_query_args args;

	FAULT_EACH(&w) {
		memset(&args, MB_POISON, sizeof(args));
		if (INJECT(&w, mb_ioctl(self->dev, MBOX_IOC_QUERY, &args)) < 0)
			EXPECT_TRUE(mb_all(&args, sizeof(args), MB_POISON));
		if (w.ret >= 0)
			EXPECT_EQ(MBOX_FEATURE_IOVEC, args.features & MBOX_FEATURE_IOVEC);
	}
}

/* ---- a user who has no account yet ---- */

FIXTURE(stranger) {
	int dev;
};

FIXTURE_VARIANT(stranger) {
	int unshare;
	int accounts;		/* that are made */
};

FIXTURE_VARIANT_ADD(stranger, here) {
	.accounts = 1,
};

FIXTURE_VARIANT_ADD(stranger, in_a_namespace) {
	.unshare = CLONE_NEWUSER, .accounts = 2,
};

FIXTURE_SETUP(stranger)
{
	MB_NEED_FAULTS();
	self->dev = mb_device();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(stranger)
{
	close(self->dev);
}

struct stranger {
	int dev;
	int accounts;
};

static void stranger_creates(struct __test_metadata *_metadata, void *arg)
{
	const struct stranger *stranger = arg;
	struct mbox_create_args args = { .flags = MB_RW };
	struct walk w = { .nomem = stranger->accounts + 4, .fault = 1 };

	FAULT_EACH(&w) {
		struct state before = state_of(-1);
		int h = INJECT(&w, mb_ioctl(stranger->dev, MBOX_IOC_CREATE, &args));

		if (h >= 0)
			EXPECT_EQ(0, close(h));
		EXPECT_UNCHANGED(-1, &before);
	}
}

static void stranger_queries(struct __test_metadata *_metadata, void *arg)
{
	const struct stranger *stranger = arg;
	struct walk w = { .nomem = stranger->accounts, .fault = 1 };
	struct mbox_query_args args;

	FAULT_EACH(&w) {
		memset(&args, MB_POISON, sizeof(args));
		if (INJECT(&w, mb_ioctl(stranger->dev, MBOX_IOC_QUERY, &args)) < 0)
			EXPECT_TRUE(mb_all(&args, sizeof(args), MB_POISON));
	}
}

/* An account that is left is found by the module when it is unloaded. */
static int as_stranger(struct __test_metadata *_metadata, int dev,
		       const STRANGER_HOW *variant, mb_child_fn fn)
{
	struct stranger stranger = { .dev = dev, .accounts = variant->accounts };
	const struct mb_child child = {
		.fn = fn,
		.arg = &stranger,
		.uid = MB_USER,
		.gid = MB_USER,
		.unshare = variant->unshare,
	};

	return mb_wait(mb_fork_child(_metadata, &child));
}

TEST_F_WALK(stranger, that_creates_leaves_no_account)
{
	EXPECT_EQ(0, as_stranger(_metadata, self->dev, variant, stranger_creates));
}

TEST_F_WALK(stranger, that_asks_leaves_no_account)
{
	EXPECT_EQ(0, as_stranger(_metadata, self->dev, variant, stranger_queries));
}

TEST_HARNESS_MAIN
