// SPDX-License-Identifier: MIT
/*
 * socket_pair - a conversation: each side has an end to speak and listen at.
 *
 * mbox adds: message boundaries and priorities. As with a socket, it is noticed
 * when the other side hangs up.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET	421

struct end {
	int in, out;
};

/* One direction: what is sent at @from arrives at @to. */
static void connect_ends(struct end *from, struct end *to)
{
	int both = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);

	from->out = mbox_narrow(both, MBOX_SEND, 0);
	to->in = mbox_narrow(both, MBOX_RECV, 0);
	if (from->out < 0 || to->in < 0)
		err(1, "mbox_narrow");
	close(both);
}

static void hang_up(struct end *end)
{
	close(end->in);
	close(end->out);
}

/* Tell how the secret compares with each guess: '<', '=' or '>'. */
static int answer_guesses(struct end *end)
{
	int guess;

	while (mbox_recv(end->in, &guess, sizeof(guess)) == sizeof(guess)) {
		char answer = '=';

		if (guess > SECRET)
			answer = '<';
		else if (guess < SECRET)
			answer = '>';
		if (mbox_send(end->out, &answer, 1) < 0)
			err(1, "mbox_send");
	}
	return errno != EPIPE;	/* the other one hung up: that is the end */
}

int main(void)
{
	int low = 0, high = 1000, guess = -1, status;
	struct end mine, yours;
	char answer = '?';

	connect_ends(&mine, &yours);
	connect_ends(&yours, &mine);
	if (fork() == 0) {
		hang_up(&mine);
		return answer_guesses(&yours);
	}
	hang_up(&yours);
	while (answer != '=') {
		guess = (low + high) / 2;
		if (mbox_send(mine.out, &guess, sizeof(guess)) < 0 ||
		    mbox_recv(mine.in, &answer, 1) != 1)
			err(1, "the other side has gone");
		if (answer == '>')
			low = guess + 1;
		else
			high = guess - 1;
	}
	hang_up(&mine);
	printf("guessed %d\n", guess);
	return wait(&status) < 0 || status != 0 || guess != SECRET;
}
