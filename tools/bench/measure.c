// SPDX-License-Identifier: MIT
/*
 * Time, processors, processes and memory for the tests, and the way in which most of them
 * measure: side by side, in small pieces that take turns, so that whatever disturbs one
 * disturbs all.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define WARM_UP		3	/* pieces of each that are not counted */
#define PROFILE_WARM_UP	50

bool counts_instructions, only_goals;
struct profile profile;

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

const char *time_unit(void)
{
	return counts_instructions ? "instructions" : "ns";
}

int cpus(void)
{
	return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

const char *placement(int cpu)
{
	return cpu ? "two processors" : "one processor";
}

void pin(int cpu)
{
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	for (i = 0; i < cpus(); i++) {
		if (cpu < 0 || i == cpu % cpus())
			CPU_SET(i, &set);
	}
	NEED(sched_setaffinity(0, sizeof(set), &set), 0);
}

void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* With the place for a header in front, on pages that are all there. */
char *buffer_alloc(size_t size)
{
	char *p = aligned_alloc(4096, (4096 + size + 4095) / 4096 * 4096);

	if (!p)
		die("buffer");
	memset(p, 0x5a, 4096 + size);
	return p + 4096;
}

void buffer_free(char *buf)
{
	free(buf - 4096);
}

pid_t child(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

void child_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	NEED(waitpid(pid, &status, 0), pid);
	/* It tells why itself. */
	if (!WIFSIGNALED(status))
		exit(1);
}

struct contender {
	const struct kind *kind;
	void *arg;
	double *samples;	/* ns an operation */
};

static double piece(const struct trial *t, void *arg)
{
	uint64_t begin = now();

	t->run(t, arg);
	return (double)(now() - begin) / t->piece;
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		die("memory");
	return p;
}

/* Each takes its turn; the first pieces are not counted. */
static void take_turns(const struct trial *t, struct contender *c, unsigned int n)
{
	unsigned int i, j;
	double ns;

	for (i = 0; i < WARM_UP + t->samples; i++) {
		for (j = 0; j < n; j++) {
			ns = piece(t, c[j].arg);
			if (i >= WARM_UP)
				c[j].samples[i - WARM_UP] = ns;
		}
	}
}

static void profile_it(const struct trial *t)
{
	const struct kind *kind = kind_named(profile.kind);
	unsigned int i;
	void *arg;

	if (t->setting.size != profile.size ||
	    (t->setting.batch && t->setting.batch != profile.batch))
		return;
	arg = allocate(1, t->arg_size);
	if (!kind || !t->begin(t, kind, arg))
		die(profile.kind);
	for (i = 0; i < PROFILE_WARM_UP; i++)
		t->run(t, arg);
	printf("@profile %u %p\n", t->piece, (void *)profile_marker);
	fflush(stdout);
	for (;;) {
		profile_marker();
		t->run(t, arg);
	}
}

void measure(const struct trial *t)
{
	struct contender c[KINDS_MAX];
	unsigned int i, n = 0;

	if (profile.kind) {
		profile_it(t);
		return;
	}
	if (only_goals && !goals_need(&t->setting))
		return;

	for (i = 0; kinds[i]; i++) {
		c[n].arg = allocate(1, t->arg_size);
		if (!t->begin(t, kinds[i], c[n].arg)) {
			free(c[n].arg);
			continue;
		}
		c[n].kind = kinds[i];
		c[n].samples = allocate(t->samples, sizeof(double));
		n++;
	}
	take_turns(t, c, n);
	for (i = 0; i < n; i++) {
		result_add(&t->setting, c[i].kind, time_unit(),
			   c[i].samples, t->samples);
		t->end(c[i].arg);
		free(c[i].arg);
		free(c[i].samples);
	}
}
