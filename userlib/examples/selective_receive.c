// SPDX-License-Identifier: MIT
/*
 * selective_receive - a receiver takes messages by type, out of their order.
 */
#include <err.h>
#include <inttypes.h>
#include <mbox.h>
#include <stdio.h>

enum { NEWS = 1, ORDER = 2, PAYMENT = 3 };

static void send_number(int mb, uint64_t type, int number)
{
	struct mbox_sendmsg msg = {
		.buf = &number,
		.len = sizeof(number),
		.type = type,
	};

	if (mbox_sendmsg(mb, &msg) < 0)
		err(1, "mbox_sendmsg");
}

static void expect(int mb, unsigned int select, uint64_t type, int expected)
{
	int number;
	struct mbox_header header;
	struct mbox_recvmsg msg = {
		.buf = &number,
		.len = sizeof(number),
		.select = select,
		.type = type,
		.flags = MBOX_WAIT_NONE,
	};

	if (mbox_recvmsg(mb, &msg, &header) < 0)
		err(1, "mbox_recvmsg");
	printf("type %" PRIu64 ", number %d\n", header.type, number);
	if (number != expected)
		errx(1, "expected number %d", expected);
}

int main(void)
{
	int mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);

	if (mb < 0)
		err(1, "mbox_create");
	send_number(mb, NEWS, 10);
	send_number(mb, PAYMENT, 20);
	send_number(mb, ORDER, 30);
	send_number(mb, ORDER, 31);

	expect(mb, MBOX_SELECT_EQUAL, ORDER, 30);
	expect(mb, MBOX_SELECT_NOT_EQUAL, NEWS, 20);
	expect(mb, MBOX_SELECT_LOWEST, PAYMENT, 10);
	expect(mb, MBOX_SELECT_ANY, 0, 31);
	return 0;
}
