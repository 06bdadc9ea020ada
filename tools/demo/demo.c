// SPDX-License-Identifier: MIT
/*
 * The demonstration's job: producers feed every file below a folder through a
 * named mailbox to workers, who checksum them and report to the parent through
 * a second, anonymous mailbox. The parent writes a list as sha256sum(1) does.
 *
 * Meanwhile the parent kills workers and starts others in their place. A worker
 * holds a lease on the file that it works on. It first reports, then is done: if
 * it is killed before the report, another worker gets the file; if between the
 * two, so does another one, and the file is reported twice. The report says which
 * delivery it is of, so that the parent knows a repetition from a message that
 * wrongly came twice.
 *
 *	demo FOLDER LIST
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
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
#define STRIKES		16	/* times that workers are killed */
#define BACKLOG		64	/* messages that either mailbox holds */
#define PATIENCE	60000000000	/* ns without a report: something is wrong */

/* Types of the jobs: one worker serves the first, the others all else. */
enum { TYPE_UAPI = 1, TYPE_OTHER };

/* Types of the reports: a producer is ready, and then what each worker did. */
enum { TYPE_READY, TYPE_WORKER };

struct job {
	uint32_t file;		/* its number */
	char path[];		/* ends with NUL, the content follows */
};

struct report {
	uint64_t bytes;
	uint32_t file;
	uint32_t deliveries;	/* of the job, up to this one */
	uint8_t digest[SHA256_DIGEST_SIZE];
	char path[4096];
};

struct handles {
	int jobs;		/* to receive, for all workers alike */
	int reports;		/* to receive */
	int to_parent;		/* to send reports */
};

static char *files[MAX_FILES];
static size_t file_count;

static pid_t workers[WORKERS];

static struct {
	unsigned int strikes;
	size_t next;		/* number of files at which the next strike is due */
	unsigned int workers;
	unsigned int leases;	/* that were seen to be lost with them */
} killed;

static struct {
	uint32_t deliveries[MAX_FILES];	/* last reported, by number of the file */
	size_t files;
	size_t again;		/* reports of files that had been reported before */
	uint64_t bytes;
	uint64_t share[WORKERS];
} done;

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

/* One message a file: a struct job and the content. Small files go first. */
static void produce_file(int jobs, uint32_t number, char *content)
{
	char *path = files[number];
	struct iovec iov[] = {
		{ &number, sizeof(number) },
		{ path, strlen(path) + 1 },
		{ content, 0 },
	};
	struct iovec *rest = &iov[2];
	struct mbox_sendmsg msg = {
		.iov = iov, .iov_count = 3,
		.type = strstr(path, "/uapi/") ? TYPE_UAPI : TYPE_OTHER,
	};
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	while ((n = read(fd, content + rest->iov_len, MAX_FILE - rest->iov_len)) > 0)
		rest->iov_len += (size_t)n;
	if (n < 0)
		err(1, "%s", path);
	close(fd);
	msg.priority = rest->iov_len <= 4096 ? 2 : rest->iov_len <= 65536 ? 1 : 0;
	if (mbox_sendmsg(jobs, &msg))
		err(1, "send %s", path);
}

static void produce(unsigned int me, const struct handles *h)
{
	char *content = malloc(MAX_FILE);
	int jobs = mbox_open(JOBS, MBOX_SEND);

	if (!content || jobs < 0)
		err(1, "producer");
	if (mbox_send(h->to_parent, NULL, 0))	/* TYPE_READY */
		err(1, "report");
	for (size_t i = me; i < file_count; i += PRODUCERS)
		produce_file(jobs, (uint32_t)i, content);
	free(content);
}

static void report_file(int to_parent, unsigned int me, const struct job *job,
			const struct mbox_header *header)
{
	size_t path_len = strlen(job->path) + 1;
	size_t len = header->len - offsetof(struct job, path) - path_len;
	struct report report = {
		.bytes = len, .file = job->file, .deliveries = header->deliveries,
	};
	struct sha256_ctx sha;
	struct iovec iov[2] = {
		{ &report, offsetof(struct report, path) },
		{ (char *)job->path, path_len },
	};
	struct mbox_sendmsg msg = {
		.iov = iov, .iov_count = 2, .type = TYPE_WORKER + me,
	};

	sha256_init(&sha);
	sha256_update(&sha, len, (const uint8_t *)job->path + path_len);
	sha256_digest(&sha, sizeof(report.digest), report.digest);
	if (mbox_sendmsg(to_parent, &msg))
		err(1, "report");
}

/*
 * Works until no job can ever come: the name is gone, and all producers, and no
 * other worker holds a job that might come back.
 */
static void work(unsigned int me, const struct handles *h)
{
	struct job *job = malloc(MAX_FILE);
	struct mbox_recvmsg want = {
		.buf = job, .len = MAX_FILE, .type = TYPE_UAPI,
		.select = me ? MBOX_SELECT_NOT_EQUAL : MBOX_SELECT_EQUAL,
		.flags = MBOX_LEASE,
	};
	struct mbox_header header;

	if (!job)
		err(1, "worker");
	while (mbox_recvmsg(h->jobs, &want, &header) > 0) {
		report_file(h->to_parent, me, job, &header);
		if (mbox_done(h->jobs, header.token))
			err(1, "done");
	}
	if (errno != EPIPE)
		err(1, "receive");
	free(job);
}

static pid_t start(unsigned int me, const struct handles *h,
		   void (*run)(unsigned int, const struct handles *))
{
	pid_t pid;

	fflush(NULL);	/* what is not written yet is the parent's */
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		run(me, h);
		_exit(0);
	}
	return pid;
}

static void kill_worker(unsigned int i)
{
	int status;

	if (kill(workers[i], SIGKILL) || waitpid(workers[i], &status, 0) < 0)
		err(1, "kill");
	if (!WIFSIGNALED(status))
		errx(1, "worker %u ended before it was killed", i + 1);
	workers[i] = 0;
	killed.workers++;
}

/* While they are stopped, no lease begins or ends. Return how many there are. */
static uint32_t stop_workers(int jobs)
{
	struct mbox_stat stat;
	int status;

	for (unsigned int i = 0; i < WORKERS; i++)
		kill(workers[i], SIGSTOP);
	for (unsigned int i = 0; i < WORKERS; i++)
		if (waitpid(workers[i], &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
			errx(1, "worker %u ended too early", i + 1);
	if (mbox_stat(jobs, &stat))
		err(1, "stat");
	return stat.tokens;
}

/* Kill one after the other until a lease is lost, if there is one at all. */
static bool kill_holder(int jobs)
{
	uint32_t leases = stop_workers(jobs);
	unsigned int first = (unsigned int)random();
	struct mbox_stat stat = { .tokens = leases };

	for (unsigned int i = 0; i < WORKERS && leases && stat.tokens == leases; i++) {
		kill_worker((first + i) % WORKERS);
		if (mbox_stat(jobs, &stat))
			err(1, "stat");
	}
	killed.leases += leases - stat.tokens;
	for (unsigned int i = 0; i < WORKERS; i++)
		if (workers[i])
			kill(workers[i], SIGCONT);
	return leases != 0;
}

/* A random moment in the slice of the whole that belongs to the next strike. */
static void plan_strike(void)
{
	size_t slice = file_count / (STRIKES + 2);

	killed.next = slice * killed.strikes + (size_t)random() % slice;
}

/*
 * The first of two strikes hits any worker, whatever it does just then; the
 * second one that holds a lease, or is tried again later if there is none.
 */
static void strike(const struct handles *h)
{
	if (killed.strikes % 2 == 0)
		kill_worker((unsigned int)random() % WORKERS);
	else if (!kill_holder(h->jobs))
		return;
	for (unsigned int i = 0; i < WORKERS; i++)
		if (!workers[i])
			workers[i] = start(i, h, work);
	killed.strikes++;
	plan_strike();
}

static void write_line(FILE *list, const struct report *report)
{
	for (size_t i = 0; i < sizeof(report->digest); i++)
		fprintf(list, "%02x", report->digest[i]);
	fprintf(list, "  %s\n", report->path);
}

static void show_progress(double began)
{
	static double last;
	double now = seconds();

	if (!last)
		last = began;
	if (now - last < 1 && done.files < file_count)
		return;
	last = now;
	printf("  %5zu of %zu files, %.0f a second, %u workers killed\n", done.files,
	       file_count, (double)done.files / (now - began), killed.workers);
	fflush(stdout);
}

static unsigned int redelivered(void)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < file_count; i++)
		if (done.deliveries[i] > 1)
			sum += done.deliveries[i] - 1;
	return sum;
}

static void show_table(double took)
{
	printf("\n  messages               %10zu\n", done.files);
	printf("  bytes                  %10llu\n", (unsigned long long)done.bytes);
	printf("  messages a second      %10.0f\n", (double)done.files / took);
	for (unsigned int i = 0; i < WORKERS; i++)
		printf("  worker %u, %-12s %11llu  (%.0f %%)\n", i + 1,
		       i ? "other files" : "uapi alone",
		       (unsigned long long)done.share[i],
		       done.files ? 100. * (double)done.share[i] / (double)done.files : 0);
	printf("  workers killed         %10u\n", killed.workers);
	printf("  messages redelivered   %10u\n", redelivered());
	printf("  of them reported before %9zu\n", done.again);
	fflush(stdout);
}

/* A second report of the same delivery goes into the list, as a doubled file. */
static void take_report(const struct report *report, unsigned int worker, FILE *list)
{
	uint32_t *deliveries = &done.deliveries[report->file];
	bool again = *deliveries && report->deliveries > *deliveries;

	*deliveries = report->deliveries;
	if (again) {
		done.again++;
		return;
	}
	done.files++;
	done.share[worker]++;
	done.bytes += report->bytes;
	write_line(list, report);
}

/* Receive the reports until all workers are gone. */
static void collect(struct handles *h, FILE *list)
{
	double began = seconds();
	struct mbox_header header;
	struct report report;
	unsigned int ready = 0;
	struct mbox_recvmsg any = {
		.buf = &report, .len = sizeof(report),
		.flags = MBOX_WAIT_FOR, .timeout = PATIENCE,
	};

	while (mbox_recvmsg(h->reports, &any, &header) >= 0) {
		if (header.type == TYPE_READY) {
			/* All have opened it: when they close, that is the end. */
			if (++ready == PRODUCERS && mbox_unlink(JOBS))
				err(1, "unlink");
			continue;
		}
		take_report(&report, (unsigned int)header.type - TYPE_WORKER, list);
		show_progress(began);
		if (h->to_parent < 0)
			continue;
		if (done.files >= killed.next)
			strike(h);
		if (killed.strikes == STRIKES || done.files == file_count) {
			/* No worker is started any more: without us, they end it. */
			close(h->to_parent);
			h->to_parent = -1;
		}
	}
	if (errno != EPIPE)
		err(1, "collect");
	show_table(seconds() - began);
}

static bool kills_succeeded(void)
{
	if (killed.strikes == STRIKES && killed.leases >= STRIKES / 2 &&
	    redelivered() >= killed.leases)
		return true;
	printf("  %u of %d strikes, %u leases seen lost, %u messages redelivered\n",
	       killed.strikes, STRIKES, killed.leases, redelivered());
	return false;
}

static struct handles create_mailboxes(void)
{
	int both = mbox_create(NULL, MBOX_RECV | MBOX_SEND, &(struct mbox_options){
			       .max_messages = BACKLOG });
	struct handles h = {
		.jobs = mbox_create(JOBS, MBOX_RECV | MBOX_EXCL, &(struct mbox_options){
				    .max_messages = BACKLOG, .max_message_size = MAX_FILE }),
		.reports = mbox_narrow(both, MBOX_RECV, 0),
		.to_parent = mbox_narrow(both, MBOX_SEND, 0),
	};

	if (h.jobs < 0 || h.reports < 0 || h.to_parent < 0)
		err(1, "mailboxes");
	close(both);
	return h;
}

int main(int argc, char **argv)
{
	int status, failed = 0;
	struct handles h;
	FILE *list;

	if (argc != 3)
		errx(2, "usage: demo FOLDER LIST");
	list = fopen(argv[2], "we");
	if (!list || chdir(argv[1]) || nftw(".", add_file, 16, FTW_PHYS))
		err(1, "%s", argv[1]);
	if (file_count < 100UL * STRIKES)
		errx(1, "%s: too few files to kill workers meanwhile", argv[1]);
	srandom((unsigned int)time(NULL));
	plan_strike();

	h = create_mailboxes();
	for (unsigned int i = 0; i < WORKERS; i++)
		workers[i] = start(i, &h, work);
	for (unsigned int i = 0; i < PRODUCERS; i++)
		start(i, &h, produce);
	collect(&h, list);
	while (wait(&status) > 0)
		failed |= status;
	return failed || !kills_succeeded() || fclose(list) ? 1 : 0;
}
