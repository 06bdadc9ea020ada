// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmbox, mbox_notify().
 */
#include "libmbox_test.h"

#include <sys/eventfd.h>

FIXTURE(notify) {
	int mb;
	int in;			/* the same, MBOX_RECV only */
	int out;		/* MBOX_SEND only */
	int event;
};

FIXTURE_SETUP(notify)
{
	struct mbox_query query;

	MB_NEED_DEVICE();
	if (mbox_query(&query) || !(query.features & MBOX_FEATURE_NOTIFY))
		SKIP(_exit(255), "no notification");
	self->mb = mbox_create(NULL, RW, NULL);
	self->in = mbox_narrow(self->mb, MBOX_RECV, 0);
	self->out = mbox_narrow(self->mb, MBOX_SEND, 0);
	self->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->mb);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	ASSERT_LE(0, self->event);
}

FIXTURE_TEARDOWN(notify)
{
}

/* What the eventfd was counted up to since the last time. */
static int count(int event)
{
	eventfd_t value;

	return eventfd_read(event, &value) ? 0 : (int)value;
}

TEST_F(notify, counts_up_once)
{
	EXPECT_OK(0, mbox_notify(self->in, self->event));
	EXPECT_EQ(0, count(self->event));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	EXPECT_EQ(1, count(self->event));
	ASSERT_EQ(0, mbox_recv(self->in, NULL, 0));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	EXPECT_EQ(0, count(self->event));
}

TEST_F(notify, descriptor_zero_is_meant)
{
	ASSERT_EQ(0, dup2(self->event, 0));
	EXPECT_OK(0, mbox_notify(self->in, 0));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	EXPECT_EQ(1, count(self->event));
}

TEST_F(notify, second_is_ebusy_until_the_first_is_taken_away)
{
	EXPECT_OK(0, mbox_notify(self->in, self->event));
	EXPECT_ERRNO(EBUSY, mbox_notify(self->in, self->event));
	EXPECT_ERRNO(EBUSY, mbox_notify(self->mb, self->event));
	EXPECT_OK(0, mbox_notify(self->in, -1));
	EXPECT_OK(0, mbox_notify(self->mb, self->event));
	EXPECT_OK(0, mbox_notify(self->mb, -1));
	EXPECT_OK(0, mbox_notify(self->mb, -1));
	ASSERT_EQ(0, mbox_send(self->out, NULL, 0));
	EXPECT_EQ(0, count(self->event));
}

TEST_F(notify, says_why_not)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	EXPECT_ERRNO(EINVAL, mbox_notify(self->in, null));
	EXPECT_ERRNO(EBADF, mbox_notify(self->in, -2));
	EXPECT_ERRNO(EBADF, mbox_notify(self->in, 1000));
	EXPECT_ERRNO(EBADF, mbox_notify(self->out, self->event));
	EXPECT_ERRNO(EBADF, mbox_notify(-1, self->event));
	EXPECT_ERRNO(ENOTTY, mbox_notify(null, self->event));
	EXPECT_OK(0, mbox_notify(self->in, self->event));
}

TEST_HARNESS_MAIN
