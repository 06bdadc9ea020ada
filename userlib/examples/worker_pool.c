// SPDX-License-Identifier: MIT
/*
 * worker_pool - processes share the work: each job goes to one that is free.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define WORKERS	4
#define JOBS	1000

static int work(int jobs, int results)
{
	uint64_t n;

	while (mbox_recv(jobs, &n, sizeof(n)) == sizeof(n)) {
		n *= n;
		if (mbox_send(results, &n, sizeof(n)) < 0)
			err(1, "mbox_send");
	}
	return errno != EPIPE;	/* no job is left, and nobody can send one */
}

int main(void)
{
	int jobs = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int results = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int in = mbox_narrow(jobs, MBOX_RECV, 0);
	unsigned int share[WORKERS + 1] = { 0 };
	uint64_t n, sum = 0;
	struct mbox_recvmsg msg = { .buf = &n, .len = sizeof(n) };
	struct mbox_header header;

	if (in < 0)
		err(1, "mbox_narrow");
	for (unsigned int i = 1; i <= WORKERS; i++) {
		if (fork() == 0) {
			close(jobs);	/* while it is open, jobs may come */
			return work(in, mbox_narrow(results, MBOX_SEND, i));
		}
	}
	for (n = 1; n <= JOBS; n++)
		if (mbox_send(jobs, &n, sizeof(n)) < 0)
			err(1, "mbox_send");
	close(jobs);

	for (int left = JOBS; left > 0; left--) {
		if (mbox_recvmsg(results, &msg, &header) < 0)
			err(1, "mbox_recvmsg");
		sum += n;
		share[header.badge]++;
	}
	for (int i = 1; i <= WORKERS; i++)
		printf("worker %d did %u jobs\n", i, share[i]);
	return sum != (uint64_t)JOBS * (JOBS + 1) * (2 * JOBS + 1) / 6;
}
