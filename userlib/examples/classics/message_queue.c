// SPDX-License-Identifier: MIT
/*
 * message_queue - System V's message queue: requests and replies, told apart by
 * their type, go both ways through one mailbox.
 *
 * mbox adds: it does not lock up when requests fill it. A reply goes past the
 * queue to the one who waits for it. And who asked is the kernel's word.
 */
#include <err.h>
#include <mbox.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM	2
#define CLIENTS	8
#define ROUNDS	50
#define REQUEST	1	/* replies have the client's process id, which is not 1 */

static void send_number(int mb, uint64_t type, int number)
{
	struct mbox_sendmsg msg = {
		.buf = &number, .len = sizeof(number), .type = type,
	};

	if (mbox_sendmsg(mb, &msg) < 0)
		err(1, "mbox_sendmsg");
}

static int receive_number(int mb, uint64_t type, struct mbox_header *header)
{
	int number;
	struct mbox_recvmsg msg = {
		.buf = &number, .len = sizeof(number),
		.select = MBOX_SELECT_EQUAL, .type = type,
	};

	if (mbox_recvmsg(mb, &msg, header) != sizeof(number))
		err(1, "mbox_recvmsg");
	return number;
}

static void client(int mb)
{
	for (int i = 1; i <= ROUNDS; i++) {
		send_number(mb, REQUEST, i);
		if (receive_number(mb, (uint64_t)getpid(), NULL) != i * i)
			errx(1, "that is not the square of %d", i);
	}
	_exit(0);
}

int main(void)
{
	int mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND,
			     &(struct mbox_options){ .max_messages = ROOM });
	int number, status, failed = 0;
	struct mbox_header header;
	struct mbox_stat stat = { 0 };

	for (int i = 0; i < CLIENTS; i++)
		if (fork() == 0)
			client(mb);
	/* Nobody is served before it is full and all others wait outside. */
	while (stat.waiting_senders < CLIENTS - ROOM)
		if (sched_yield() < 0 || mbox_stat(mb, &stat) < 0)
			err(1, "mbox_stat");
	for (int i = 0; i < CLIENTS * ROUNDS; i++) {
		number = receive_number(mb, REQUEST, &header);
		send_number(mb, (uint64_t)header.pid, number * number);
	}
	while (wait(&status) > 0)
		failed |= status;
	printf("%d requests and replies through %d places\n", CLIENTS * ROUNDS, ROOM);
	return failed != 0;
}
