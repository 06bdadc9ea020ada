// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What libFuzzer calls. Its notion of coverage is what the module does in the
 * kernel, as told by KCOV, which each lane has one of; and which operation
 * ended in which way.
 *
 * What is being run stands in the kernel's log, below what goes to the console:
 * a kernel that panics prints it (panic_print), and those before it.
 */
#include "libfuzzer.h"
#include "sandbox.h"
#include "text.h"

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0

#define KCOV_ENTRIES	(16 << 10)

/* Of any two addresses that calls return to, no two are the same shifted. */
#define PC_SHIFT	2
#define PC_COUNTERS	(1U << 16)
#define PAIR_COUNTERS	(1U << 14)
#define END_COUNTERS	(FUZZ_KINDS * 256U)

/* Not static: nothing here reads them. */
#ifdef __clang__ /* others only look at this file */
#pragma clang section bss = "__libfuzzer_extra_counters"
#endif
uint8_t counters[PC_COUNTERS + PAIR_COUNTERS + END_COUNTERS + 1];
#ifdef __clang__
#pragma clang section bss = ""
#endif

static struct {
	int fds[FUZZ_LANES];
	unsigned long *areas[FUZZ_LANES];
	unsigned long base, size;
} kcov;

static int kernel_log = -1;
static bool show;
static uint8_t seen[PC_COUNTERS];	/* of this process's life */
static unsigned int seen_count;
static unsigned long executions;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- coverage ---- */

static unsigned long section(const char *name)
{
	unsigned long address = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/mbox/sections/%s", name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lx", &address) != 1)
		fail(path);
	fclose(f);
	return address;
}

/* The module's code; what is not there does not count. */
static void find_module(void)
{
	kcov.base = section(".text");
	kcov.size = PC_COUNTERS << PC_SHIFT;
}

static void open_kcov(void)
{
	unsigned int i;

	for (i = 0; i < FUZZ_LANES; i++) {
		kcov.fds[i] = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (kcov.fds[i] < 0 || ioctl(kcov.fds[i], KCOV_INIT_TRACE, KCOV_ENTRIES))
			fail("kcov");
		kcov.areas[i] = mmap(NULL, KCOV_ENTRIES * sizeof(unsigned long),
				     PROT_READ | PROT_WRITE, MAP_SHARED, kcov.fds[i], 0);
		if (kcov.areas[i] == MAP_FAILED)
			fail("kcov");
	}
}

/* KCOV is a task's: forks and threads have their own lane's. */
static void lane_begins(unsigned int lane)
{
	ioctl(kcov.fds[lane], KCOV_ENABLE, KCOV_TRACE_PC);
}

static void count_pc(unsigned long pc, unsigned long *before)
{
	unsigned long at = (pc - kcov.base) >> PC_SHIFT;
	unsigned long pair = (at * 31 ^ *before) % PAIR_COUNTERS;

	if (pc < kcov.base || pc >= kcov.base + kcov.size)
		return;
	counters[at] = 1;
	counters[PC_COUNTERS + pair] = 1;
	*before = at;
	if (!seen[at]) {
		seen[at] = 1;
		seen_count++;
	}
}

/*
 * Whether, not how often: numbers depend on how fast things are, and would
 * fill the corpus with noise.
 */
static void collect(void)
{
	const struct fuzz_input *in = &world.shared->in;
	unsigned int i, lane;

	for (lane = 0; lane < FUZZ_LANES; lane++) {
		unsigned long *area = kcov.areas[lane];
		unsigned long n = __atomic_load_n(area, __ATOMIC_ACQUIRE);
		unsigned long before = 0;

		for (i = 1; i <= n && i < KCOV_ENTRIES; i++)
			count_pc(area[i], &before);
	}
	for (i = 0; i < in->count; i++) {
		int ret = world.shared->results[i];
		unsigned int end = ret < 0 ? -ret % 255 : 255;

		counters[PC_COUNTERS + PAIR_COUNTERS +
			 fuzz_kind(&in->ops[i]) * 256 + end] = 1;
	}
	counters[sizeof(counters) - 1] = 1; /* without any libFuzzer gives up */
}

/* ---- the kernel's log ---- */

#define LOG_MARK	"fuzz-input"

/* In pieces that a record of the log can hold. */
static void log_input(const uint8_t *data, size_t size)
{
	char text[FUZZ_TEXT_MAX], line[600];
	size_t at, len;

	if (kernel_log < 0)
		return;
	text_encode(text, data, size);
	len = strlen(text);
	for (at = 0; !at || at < len; at += 500) {
		int n = snprintf(line, sizeof(line), "<7>" LOG_MARK "%c%.500s\n",
				 at ? '+' : ' ', text + at);

		if (write(kernel_log, line, n) != n)
			return;
	}
}

/* What the kernel says while an input runs is about it. */
static bool log_complains(void)
{
	static const char * const signs[] = {
		"WARNING:", "BUG", "UBSAN:", "KCSAN:", "INFO: task", "possible ", "Oops",
		"suspicious RCU", "refcount_t:", "corruption", "mbox:", "unreferenced object"
	};
	char record[2048];
	ssize_t len;
	unsigned int i;

	while ((len = read(kernel_log, record, sizeof(record) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		record[len < 0 ? 0 : len] = 0;
		if (strstr(record, LOG_MARK))
			continue;
		for (i = 0; i < sizeof(signs) / sizeof(*signs); i++)
			if (strstr(record, signs[i])) {
				fprintf(stderr, "kernel log: %s\n", record);
				return true;
			}
	}
	return false;
}

static void open_log(void)
{
	kernel_log = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log >= 0)
		lseek(kernel_log, 0, SEEK_END);
}

/* ---- libFuzzer's ---- */

static void report(void)
{
	printf("fuzz: %lu executions, %u places of the module covered\n", executions,
	       seen_count);
	fflush(stdout);
}

/* Where the module was, as offsets into its code. */
static void write_covered(void)
{
	FILE *f = fopen("/covered", "we");
	unsigned int i;

	for (i = 0; f && i < PC_COUNTERS; i++)
		if (seen[i])
			fprintf(f, "%x\n", i << PC_SHIFT);
	if (f)
		fclose(f);
}

static void report_in_the_end(void)
{
	report();
	write_covered();
}

static void report_now_and_then(void)
{
	static uint64_t next;
	uint64_t now = fuzz_now(CLOCK_MONOTONIC);

	if (now < next)
		return;
	if (next)
		report();
	next = now + 10 * NSEC_PER_SEC;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	find_module();
	open_kcov();
	open_log();
	show = getenv("FUZZ_SHOW");
	world.lane_begins = lane_begins;
	fuzz_begin();
	atexit(report_in_the_end);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *wrong;
	unsigned int i;

	for (i = 0; i < FUZZ_LANES; i++)
		__atomic_store_n(kcov.areas[i], 0, __ATOMIC_RELEASE);
	log_input(data, size);
	wrong = fuzz_run(data, size);
	if (!wrong && log_complains())
		wrong = "the kernel complains";
	collect();
	executions++;
	report_now_and_then();
	if (show || wrong)
		text_show(stderr);
	if (wrong) {
		fprintf(stderr, "fuzz: %s\n", wrong);
		report_in_the_end();
		abort();
	}
	return 0;
}
