// SPDX-License-Identifier: MIT
/*
 * rpc_server - the remote procedure call: a server divides for its clients.
 *
 * mbox adds: a round trip is one system call on each side, only the caller gets
 * the reply, and if the server dies its callers know at once.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS	4
#define CALLS	100

struct division {
	int dividend, divisor;
};

static void serve(int in)
{
	struct division request = { 0, 0 };
	struct mbox_recvmsg next = { .buf = &request, .len = sizeof(request) };
	struct mbox_header header;
	uint32_t token = 0;	/* there is nothing to reply to yet */
	int quotient = 0;

	while (mbox_reply_recv(in, &token, &quotient, sizeof(quotient),
			       &next, &header) >= 0) {
		token = header.token;
		if (request.divisor != 0)
			quotient = request.dividend / request.divisor;
		else if (mbox_fail(in, token, EDOM) == 0 || errno == EPIPE)
			token = 0;
	}
	if (errno != EPIPE)	/* all clients have gone */
		err(1, "mbox_reply_recv");
}

static int client(int server)
{
	struct division request;
	int quotient;
	struct mbox_callmsg msg = {
		.buf = &request, .len = sizeof(request),
		.reply = &quotient, .reply_len = sizeof(quotient),
	};
	struct mbox_header header;

	for (int i = 1; i <= CALLS; i++) {
		request = (struct division){ i * i, i };
		if (mbox_callmsg(server, &msg, NULL) < 0 || quotient != i)
			err(1, "%d / %d", i * i, i);
	}
	request.divisor = 0;
	return mbox_callmsg(server, &msg, &header) >= 0 || errno != EREMOTEIO ||
	       header.code != EDOM;
}

int main(void)
{
	int both = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	int in = mbox_narrow(both, MBOX_RECV, 0);
	int status, failed = 0;

	if (in < 0)
		err(1, "mbox_narrow");
	for (int i = 0; i < CLIENTS; i++)
		if (fork() == 0)
			return client(both);
	close(both);
	serve(in);
	while (wait(&status) > 0)
		failed |= status;
	printf("%d clients served\n", CLIENTS);
	return failed != 0;
}
