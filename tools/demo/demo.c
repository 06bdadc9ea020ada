// SPDX-License-Identifier: MIT
/*
 * The demonstration's job: producers feed every file below a folder through a
 * named mailbox to workers, who checksum them and report to the parent through
 * a second, anonymous mailbox. The parent writes a list as sha256sum(1) does.
 *
 *	demo FOLDER LIST
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <nettle/sha2.h>
#include <mbox.h>

#define PRODUCERS	3
#define WORKERS		4
#define JOBS		"demo.files"
#define MAX_FILE	(8U << 20)	/* bytes of the largest */
#define MAX_FILES	100000

/* Types of the jobs: one worker serves the first, the others all else. */
enum { TYPE_UAPI = 1, TYPE_OTHER };

/* Types of the reports: who is ready, and then what each worker has done. */
enum { TYPE_READY, TYPE_WORKER };

struct report {
	uint64_t bytes;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char path[4096];
};

static char *files[MAX_FILES];
static size_t file_count;

static int add_file(const char *path, const struct stat *st, int flag,
		    struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (flag != FTW_F)
		return 0;
	if (file_count == MAX_FILES)
		errx(1, "more than %d files", MAX_FILES);
	files[file_count] = strdup(path);
	return files[file_count++] ? 0 : -1;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say_ready(int reports)
{
	if (mbox_send(reports, NULL, 0))
		err(1, "report");
}

/* One message a file: its path, a NUL, its content. Small files go first. */
static void produce_file(int jobs, const char *path, char *content)
{
	struct iovec iov[2] = {
		{ (char *)path, strlen(path) + 1 }, { content, 0 },
	};
	struct mbox_sendmsg msg = {
		.iov = iov, .iov_count = 2,
		.type = strstr(path, "/uapi/") ? TYPE_UAPI : TYPE_OTHER,
	};
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	while ((n = read(fd, content + iov[1].iov_len, MAX_FILE - iov[1].iov_len)) > 0)
		iov[1].iov_len += (size_t)n;
	if (n < 0)
		err(1, "%s", path);
	close(fd);
	msg.priority = iov[1].iov_len <= 4096 ? 2 : iov[1].iov_len <= 65536 ? 1 : 0;
	if (mbox_sendmsg(jobs, &msg))
		err(1, "send %s", path);
}

static void produce(unsigned int me, int reports)
{
	char *content = malloc(MAX_FILE);
	int jobs = mbox_open(JOBS, MBOX_SEND);

	if (!content || jobs < 0)
		err(1, "producer");
	say_ready(reports);
	for (size_t i = me; i < file_count; i += PRODUCERS)
		produce_file(jobs, files[i], content);
	exit(0);
}

static void report_file(int reports, unsigned int me, const char *job, size_t len)
{
	size_t path_len = strlen(job) + 1;
	struct report report = { .bytes = len };
	struct sha256_ctx sha;
	struct iovec iov[2] = {
		{ &report, offsetof(struct report, path) },
		{ (char *)job, path_len },
	};
	struct mbox_sendmsg msg = {
		.iov = iov, .iov_count = 2, .type = TYPE_WORKER + me,
	};

	sha256_init(&sha);
	sha256_update(&sha, len - path_len, (const uint8_t *)job + path_len);
	sha256_digest(&sha, sizeof(report.digest), report.digest);
	if (mbox_sendmsg(reports, &msg))
		err(1, "report");
}

/* Works until no job can ever come: the name is gone, and all producers. */
static void work(unsigned int me, int reports)
{
	int jobs = mbox_open(JOBS, MBOX_RECV);
	char *buf = malloc(MAX_FILE);
	struct mbox_recvmsg want = {
		.buf = buf, .len = MAX_FILE, .type = TYPE_UAPI,
		.select = me ? MBOX_SELECT_NOT_EQUAL : MBOX_SELECT_EQUAL,
	};
	ssize_t n;

	if (!buf || jobs < 0)
		err(1, "worker");
	say_ready(reports);
	while ((n = mbox_recvmsg(jobs, &want, NULL)) > 0)
		report_file(reports, me, buf, (size_t)n);
	if (errno != EPIPE)
		err(1, "receive");
	exit(0);
}

/* The children open the jobs by name, with the rights they need. */
static void start(unsigned int count, void (*run)(unsigned int, int),
		  int reports, int jobs)
{
	for (unsigned int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			close(jobs);
			run(i, reports);
		}
	}
}

static void write_line(FILE *list, const struct report *report)
{
	for (size_t i = 0; i < sizeof(report->digest); i++)
		fprintf(list, "%02x", report->digest[i]);
	fprintf(list, "  %s\n", report->path);
}

static void show_progress(size_t done, double began)
{
	static double last;
	double now = seconds();

	if (!last)
		last = began;
	if (now - last < 1 && done < file_count)
		return;
	last = now;
	printf("  %5zu of %zu files, %.0f a second\n", done, file_count,
	       (double)done / (now - began));
	fflush(stdout);
}

static void show_table(const uint64_t *share, uint64_t bytes, double took)
{
	uint64_t messages = 0;

	for (unsigned int i = 0; i < WORKERS; i++)
		messages += share[i];
	printf("\n  messages               %10llu\n", (unsigned long long)messages);
	printf("  bytes                  %10llu\n", (unsigned long long)bytes);
	printf("  messages a second      %10.0f\n", (double)messages / took);
	for (unsigned int i = 0; i < WORKERS; i++)
		printf("  worker %u, %-12s %11llu  (%.0f %%)\n", i + 1,
		       i ? "other files" : "uapi alone",
		       (unsigned long long)share[i],
		       messages ? 100. * (double)share[i] / (double)messages : 0);
	fflush(stdout);
}

/* Receive the reports until all workers are gone. */
static void collect(int reports, FILE *list)
{
	uint64_t share[WORKERS] = { 0 }, bytes = 0;
	double began = seconds();
	size_t ready = 0, done = 0;
	struct mbox_header header;
	struct report report;

	while (mbox_recvmsg(reports, &(struct mbox_recvmsg){
			.buf = &report, .len = sizeof(report) }, &header) >= 0) {
		if (header.type == TYPE_READY) {
			/* All have opened it: when they close, that is the end. */
			if (++ready == PRODUCERS + WORKERS && mbox_unlink(JOBS))
				err(1, "unlink");
			continue;
		}
		share[header.type - TYPE_WORKER]++;
		bytes += report.bytes;
		write_line(list, &report);
		show_progress(++done, began);
	}
	if (errno != EPIPE)
		err(1, "collect");
	show_table(share, bytes, seconds() - began);
}

int main(int argc, char **argv)
{
	int both, reports, to_parent, jobs, status, failed = 0;
	FILE *list;

	if (argc != 3)
		errx(2, "usage: demo FOLDER LIST");
	list = fopen(argv[2], "w");
	if (!list || chdir(argv[1]) || nftw(".", add_file, 16, FTW_PHYS))
		err(1, "%s", argv[1]);

	jobs = mbox_create(JOBS, MBOX_RECV | MBOX_EXCL, &(struct mbox_options){
			   .max_messages = 64, .max_message_size = MAX_FILE });
	both = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	reports = mbox_narrow(both, MBOX_RECV, 0);
	to_parent = mbox_narrow(both, MBOX_SEND, 0);
	if (jobs < 0 || both < 0 || reports < 0 || to_parent < 0)
		err(1, "mailboxes");
	close(both);

	start(WORKERS, work, to_parent, jobs);
	start(PRODUCERS, produce, to_parent, jobs);
	close(to_parent);
	close(jobs);
	collect(reports, list);
	while (wait(&status) > 0)
		failed |= status;
	return failed || fclose(list) ? 1 : 0;
}
