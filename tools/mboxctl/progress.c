// SPDX-License-Identifier: MIT
/*
 * How far it is, of what takes long, on a terminal: a line on standard error, after a
 * second. refuse() ends it, as does the end of what is counted.
 */
#include <inttypes.h>
#include <unistd.h>

#include "mboxctl.h"

static struct {
	uint64_t messages, bytes;
	int64_t next;		/* when it is shown; 0: it has not begun */
	bool shown;
} done;

static int wanted = -1;		/* < 0: not known */

static void show(void)
{
	fputc('\r', stderr);
	if (done.messages)
		fprintf(stderr, "%" PRIu64 " messages, ", done.messages);
	fprintf(stderr, "%.1f MiB", (double)done.bytes / (1 << 20));
	done.shown = true;
}

/* So many more are done. */
void progress(uint64_t messages, uint64_t bytes)
{
	int64_t t;

	if (wanted < 0)
		wanted = isatty(STDERR_FILENO);
	if (!wanted)
		return;
	done.messages += messages;
	done.bytes += bytes;
	t = now();
	if (!done.next)
		done.next = t + NS;
	if (t < done.next)
		return;
	show();
	done.next = t + NS / 4;
}

/* Not in the middle of other output. */
void progress_never(void)
{
	wanted = 0;
}

void progress_end(void)
{
	if (done.shown)
		fputs("\r\033[K", stderr);
	done.messages = 0;
	done.bytes = 0;
	done.next = 0;
	done.shown = false;
}
