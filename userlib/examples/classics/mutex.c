// SPDX-License-Identifier: MIT
/*
 * mutex - one empty message is the permit to enter the critical section.
 *
 * mbox adds: the permit is leased. When its holder is killed inside, it comes
 * back, and the others do not wait for ever.
 */
#include <err.h>
#include <mbox.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES	4
#define ROUNDS		500

/* Return what unlock() takes. */
static uint32_t lock(int mutex)
{
	struct mbox_recvmsg lease = { .flags = MBOX_LEASE };
	struct mbox_header header;

	if (mbox_recvmsg(mutex, &lease, &header) < 0)
		err(1, "lock");
	return header.token;
}

/* In one step: nobody can be killed between giving it up and handing it on. */
static void unlock(int mutex, uint32_t token)
{
	if (mbox_back(mutex, token) < 0)
		err(1, "unlock");
}

/* Without the lock, what two add at the same time would be lost. */
static void count(int mutex, volatile int *counter)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t token = lock(mutex);

		*counter = *counter + 1;
		unlock(mutex, token);
	}
	_exit(0);
}

int main(void)
{
	int mutex = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	volatile int *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, failed = 0;

	if (counter == MAP_FAILED || mbox_send(mutex, NULL, 0) < 0)
		err(1, "mutex");
	if (fork() == 0) {
		lock(mutex);
		raise(SIGKILL);
	}
	if (wait(&status) < 0 || !WIFSIGNALED(status))
		errx(1, "nobody was killed with the lock held");

	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			count(mutex, counter);
	while (wait(&status) > 0)
		failed |= status;
	printf("a dead holder's lock was free, counted to %d\n", *counter);
	return failed || *counter != PROCESSES * ROUNDS;
}
