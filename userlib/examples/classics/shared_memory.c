// SPDX-License-Identifier: MIT
/*
 * shared_memory - what is large is not copied: the receiver maps the memory
 * that the sender filled.
 *
 * mbox adds: no lock is needed, because the memory changes hands. The sender
 * has it no more, and the receiver knows that nobody can change what it reads.
 */
#include <err.h>
#include <mbox.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBERS	(1U << 20)
#define BUFFERS	4

static int produce(int out)
{
	for (uint64_t round = 0; round < BUFFERS; round++) {
		struct mbox_buffer buffer;
		uint64_t *numbers;

		if (mbox_buffer_create(&buffer, NUMBERS * sizeof(*numbers)) < 0)
			err(1, "mbox_buffer_create");
		numbers = buffer.data;
		for (uint64_t i = 0; i < NUMBERS; i++)
			numbers[i] = round * NUMBERS + i;
		if (mbox_send_buffer(out, &buffer) < 0)
			err(1, "mbox_send_buffer");
	}
	return 0;
}

int main(void)
{
	int both = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	uint64_t sum = 0, last = (uint64_t)BUFFERS * NUMBERS - 1;
	struct mbox_buffer buffer;
	int status;
	pid_t pid;

	if (both < 0)
		err(1, "mbox_create");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		return produce(both);

	for (int round = 0; round < BUFFERS; round++) {
		const uint64_t *numbers;

		if (mbox_recv_buffer(both, &buffer) < 0)
			err(1, "mbox_recv_buffer");
		numbers = buffer.data;
		for (size_t i = 0; i < buffer.len / sizeof(*numbers); i++)
			sum += numbers[i];
		mbox_buffer_release(&buffer);
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		errx(1, "the child failed");
	printf("%u numbers, sum %llu\n", BUFFERS * NUMBERS, (unsigned long long)sum);
	return sum != last * (last + 1) / 2;
}
