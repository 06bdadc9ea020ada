// SPDX-License-Identifier: MIT
/*
 * semaphore - a counting semaphore is a mailbox of empty messages, its permits:
 * P receives one, V sends one.
 *
 * mbox adds: P may have a timeout, and poll() waits for several.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PERMITS		3
#define PROCESSES	8
#define ROUNDS		100

static void P(int semaphore)
{
	if (mbox_recv(semaphore, NULL, 0) < 0)
		err(1, "P");
}

static void V(int semaphore)
{
	if (mbox_send(semaphore, NULL, 0) < 0)
		err(1, "V");
}

static int create_semaphore(int permits)
{
	int semaphore = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);

	if (semaphore < 0)
		err(1, "mbox_create");
	while (permits-- > 0)
		V(semaphore);
	return semaphore;
}

static void child(int room, int done, atomic_int *inside)
{
	for (int i = 0; i < ROUNDS; i++) {
		P(room);
		if (++*inside > PERMITS)
			errx(1, "the room is overcrowded");
		--*inside;
		V(room);
	}
	V(done);
	_exit(0);
}

int main(void)
{
	int room = create_semaphore(PERMITS);	/* so many may be inside */
	int done = create_semaphore(0);		/* so many are done */
	atomic_int *inside = mmap(NULL, sizeof(*inside), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (inside == MAP_FAILED)
		err(1, "mmap");
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			child(room, done, inside);
	for (int i = 0; i < PROCESSES; i++)
		P(done);	/* the order: each V(done) comes before this */
	for (int i = 0; i < PERMITS; i++)
		P(room);
	if (mbox_timedrecv(room, NULL, 0, 0) == 0 || errno != EAGAIN)
		errx(1, "there is one permit too many");
	printf("%d at a time, %d times\n", PERMITS, PROCESSES * ROUNDS);
	return 0;
}
