// SPDX-License-Identifier: MIT
/*
 * priority - the more urgent message is received first, whenever it was sent.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdio.h>
#include <string.h>

static void send_text(int mb, const char *text, unsigned int priority)
{
	struct mbox_sendmsg msg = {
		.buf = text,
		.len = strlen(text),
		.priority = priority,
	};

	if (mbox_sendmsg(mb, &msg) < 0)
		err(1, "mbox_sendmsg");
}

static void expect(int mb, const char *text, unsigned int priority)
{
	char buf[64];
	struct mbox_recvmsg msg = { .buf = buf, .len = sizeof(buf) };
	struct mbox_header header;
	ssize_t len = mbox_recvmsg(mb, &msg, &header);

	if (len < 0)
		err(1, "mbox_recvmsg");
	printf("%2u %.*s\n", header.priority, (int)len, buf);
	if (header.priority != priority || len != (ssize_t)strlen(text) ||
	    memcmp(buf, text, strlen(text)) != 0)
		errx(1, "expected \"%s\"", text);
}

int main(void)
{
	int mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	struct mbox_recvmsg urgent = {
		.min_priority = 5, .flags = MBOX_WAIT_NONE,
	};

	if (mb < 0)
		err(1, "mbox_create");
	send_text(mb, "first of two", 0);
	send_text(mb, "second of two", 0);
	send_text(mb, "fire", 10);

	expect(mb, "fire", 10);
	if (mbox_recvmsg(mb, &urgent, NULL) >= 0 || errno != EAGAIN)
		errx(1, "nothing as urgent as 5 should be left");
	expect(mb, "first of two", 0);
	expect(mb, "second of two", 0);
	return 0;
}
