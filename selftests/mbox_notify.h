/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Notification: asking for it, and what came of it.
 */
#ifndef MBOX_NOTIFY_H
#define MBOX_NOTIFY_H

#include "mbox_call.h"

#include <stdint.h>
#include <sys/eventfd.h>

static inline int notify(int h, int eventfd)
{
	struct mbox_notify_args args = { .eventfd = eventfd };

	return mb_ioctl(h, MBOX_IOC_NOTIFY, &args);
}

/* How often it was counted up since the last look. */
static inline __u64 seen(int eventfd)
{
	__u64 n = 0;

	if (read(eventfd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		abort();
	return n;
}

FIXTURE(mailbox) {
	int h;
	int other;	/* another handle, that may receive and send */
	int efd;
	char buf[64];
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	self->h = mb_create_anon();
	self->other = mb_narrow(self->h, MB_RW, 0);
	self->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->h);
	ASSERT_LE(0, self->other);
	ASSERT_LE(0, self->efd);
}

FIXTURE_TEARDOWN(mailbox)
{
	close(self->h);
	close(self->other);
	close(self->efd);
}

#endif /* MBOX_NOTIFY_H */
