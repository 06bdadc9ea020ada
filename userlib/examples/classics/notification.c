// SPDX-License-Identifier: MIT
/*
 * notification - the signal: a process is told that something has happened,
 * through an eventfd for its event loop, or by a real signal.
 *
 * mbox adds: a payload and a sender, and none is lost: of a thousand signals one
 * may arrive, of a thousand messages all do.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mbox.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MESSAGES	1000

static int mb;
static volatile sig_atomic_t received;

/* Receive all there is; safe in a signal handler, as the library is. */
static void drain(int signal)
{
	int i, saved = errno;

	(void)signal;
	while (mbox_timedrecv(mb, &i, sizeof(i), 0) == sizeof(i))
		received += i == received;
	errno = saved;
}

static void start_sender(void)
{
	if (fork() != 0)
		return;
	for (int i = 0; i < MESSAGES; i++)
		if (mbox_send(mb, &i, sizeof(i)) < 0)
			err(1, "mbox_send");
	_exit(0);
}

int main(void)
{
	struct sigaction action = { .sa_handler = drain };
	int event = eventfd(0, EFD_CLOEXEC);
	eventfd_t count;
	sigset_t blocked, before;

	mb = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	if (mb < 0 || event < 0 || mbox_notify(mb, event) < 0)
		err(1, "mbox_notify");
	start_sender();
	while (received < MESSAGES) {
		if (eventfd_read(event, &count) < 0)
			err(1, "eventfd_read");
		/* It tells once: ask again first, then look what there is. */
		if (mbox_notify(mb, event) < 0)
			err(1, "mbox_notify");
		drain(0);
	}

	received = 0;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	if (sigaction(SIGUSR1, &action, NULL) < 0 ||
	    sigprocmask(SIG_BLOCK, &blocked, &before) < 0 ||
	    fcntl(mb, F_SETSIG, SIGUSR1) < 0 || fcntl(mb, F_SETOWN, getpid()) < 0 ||
	    fcntl(mb, F_SETFL, O_ASYNC) < 0)
		err(1, "O_ASYNC");
	start_sender();
	while (received < MESSAGES)
		sigsuspend(&before);
	printf("%d messages announced in each of two ways\n", received);
	return 0;
}
