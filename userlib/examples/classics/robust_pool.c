// SPDX-License-Identifier: MIT
/*
 * robust_pool - workers share one queue of jobs, and some are killed at work.
 *
 * mbox adds: a job is leased until it is done. When its worker dies first, another
 * one gets the job, although they all share the one handle they inherited.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS	4
#define JOBS	200
#define DEADLY	10	/* each tenth job kills its first worker */

static int work(int jobs, int results)
{
	int job;
	struct mbox_recvmsg lease = {
		.buf = &job, .len = sizeof(job), .flags = MBOX_LEASE,
	};
	struct mbox_header header;

	while (mbox_recvmsg(jobs, &lease, &header) >= 0) {
		if (job % DEADLY == 0 && !(header.flags & MBOX_MSG_REDELIVERED))
			raise(SIGKILL);
		/* Killed between the two, it would have a second result. */
		if (mbox_send(results, &job, sizeof(job)) < 0 ||
		    mbox_done(jobs, header.token) < 0)
			err(1, "result");
	}
	return errno != EPIPE;	/* no job is left, in nobody's hands either */
}

static void start_worker(int jobs, int results)
{
	if (fork() == 0)
		_exit(work(jobs, results));
}

int main(void)
{
	struct mbox_options room = { .max_messages = JOBS };
	int out = mbox_create(NULL, MBOX_RECV | MBOX_SEND, &room);
	int results = mbox_create(NULL, MBOX_RECV | MBOX_SEND, &room);
	int jobs = mbox_narrow(out, MBOX_RECV, 0);
	int job, status, killed = 0, results_of[JOBS] = { 0 };

	if (jobs < 0 || results < 0)
		err(1, "mailboxes");
	for (job = 0; job < JOBS; job++)
		if (mbox_send(out, &job, sizeof(job)) < 0)
			err(1, "mbox_send");
	close(out);
	for (int i = 0; i < WORKERS; i++)
		start_worker(jobs, results);
	while (wait(&status) > 0) {
		if (WIFSIGNALED(status)) {
			killed++;
			start_worker(jobs, results);
		} else if (status != 0) {
			errx(1, "a worker failed");
		}
	}
	while (mbox_timedrecv(results, &job, sizeof(job), 0) >= 0)
		results_of[job]++;
	for (job = 0; job < JOBS; job++)
		if (results_of[job] != 1)
			errx(1, "job %d has %d results", job, results_of[job]);
	printf("%d jobs done, %d workers killed\n", JOBS, killed);
	return killed != JOBS / DEADLY;
}
