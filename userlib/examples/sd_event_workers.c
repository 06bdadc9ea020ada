// SPDX-License-Identifier: MIT
/*
 * sd_event_workers - a systemd loop that looks after workers: the job of one that is killed
 * goes to another, and so does its place.
 */
#include <err.h>
#include <errno.h>
#include <mbox.h>
#include <signal.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define WORKERS	2
#define JOBS	60

static int jobs, results, killed, finished;

/* Job 0 kills who is the first to take it. Without the parent, there are no more jobs. */
static void work(void)
{
	int in = mbox_narrow(jobs, MBOX_RECV, 0), job;
	struct mbox_recvmsg next = { .buf = &job, .len = sizeof(job), .flags = MBOX_LEASE };
	struct mbox_header header;

	close(jobs);
	while (mbox_recvmsg(in, &next, &header) >= 0) {
		if (job == 0 && header.deliveries == 1)
			raise(SIGKILL);
		if (mbox_send(results, &job, sizeof(job)) || mbox_done(in, header.token))
			err(1, "job %d", job);
	}
	_exit(0);
}

static int start_worker(sd_event *loop, sd_event_child_handler_t on_exit_of_it)
{
	pid_t pid = fork();

	if (pid == 0)
		work();
	if (pid < 0)
		return -errno;
	return sd_event_add_child(loop, NULL, pid, WEXITED, on_exit_of_it, loop);
}

static int on_exit_of_worker(sd_event_source *source, const siginfo_t *info, void *loop)
{
	(void)source;
	if (info->si_code != CLD_KILLED)
		return sd_event_exit(loop, 1);
	killed++;
	return finished == JOBS ? sd_event_exit(loop, 0) :
				    start_worker(loop, on_exit_of_worker);
}

static int on_result(sd_event_source *source, int fd, uint32_t events, void *loop)
{
	int job;

	(void)source;
	(void)events;
	while (mbox_timedrecv(fd, &job, sizeof(job), 0) >= 0)
		finished++;
	if (errno != EAGAIN)
		return -errno;
	return finished == JOBS && killed ? sd_event_exit(loop, 0) : 0;
}

int main(void)
{
	sd_event *loop;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	jobs = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	results = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	if (jobs < 0 || results < 0 || sd_event_default(&loop) < 0)
		err(1, "mailboxes, or the loop");
	for (int i = 0; i < JOBS; i++)
		if (mbox_send(jobs, &i, sizeof(i)))
			err(1, "mbox_send");
	for (int i = 0; i < WORKERS; i++)
		if (start_worker(loop, on_exit_of_worker) < 0)
			errx(1, "sd_event_add_child");
	if (sd_event_add_io(loop, NULL, results, EPOLLIN, on_result, loop) < 0)
		errx(1, "sd_event_add_io");
	if (sd_event_loop(loop))
		errx(1, "sd_event_loop, or a worker");
	printf("%d jobs, %d killed\n", finished, killed);
	return finished != JOBS || killed != 1;
}
