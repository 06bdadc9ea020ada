// SPDX-License-Identifier: MIT
/*
 * direct - direct communication: send(P, message) and receive(Q, &message) name
 * a process, not a mailbox.
 *
 * mbox adds: the name is the kernel's word. Nobody else can be P, nor pass for
 * Q, and with the process its mailbox goes.
 */
#include <err.h>
#include <mbox.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN	5
#define FOREVER		(-1)

static int child(pid_t parent, int number)
{
	int own = mbox_create_own(0), square;

	if (own < 0)
		err(1, "mbox_create_own");
	if (mbox_send_to(parent, &number, sizeof(number), FOREVER) < 0)
		err(1, "mbox_send_to");
	if (mbox_recv_from(own, parent, &square, sizeof(square), FOREVER) < 0)
		err(1, "mbox_recv_from");
	return square != number * number;
}

int main(void)
{
	int own = mbox_create_own(0), number, status, failed = 0;
	pid_t parent = getpid(), pids[CHILDREN];

	if (own < 0)
		err(1, "mbox_create_own");
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			err(1, "fork");
		if (pids[i] == 0)
			return child(parent, i);
	}
	/* The last one first, whoever was the first to send. */
	for (int i = CHILDREN - 1; i >= 0; i--) {
		if (mbox_recv_from(own, pids[i], &number, sizeof(number), FOREVER) < 0)
			err(1, "mbox_recv_from");
		if (number != i)
			errx(1, "that is not from child %d", i);
		number *= number;
		if (mbox_send_to(pids[i], &number, sizeof(number), FOREVER) < 0)
			err(1, "mbox_send_to");
	}
	while (wait(&status) > 0)
		failed |= status;
	printf("%d children asked and were answered\n", CHILDREN);
	return failed != 0;
}
