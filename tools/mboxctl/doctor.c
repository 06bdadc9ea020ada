// SPDX-License-Identifier: MIT
/*
 * mboxctl doctor: what keeps mailboxes from working here, and what the limits are.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "mboxctl.h"

static void module_version(void)
{
	FILE *f = fopen("/sys/module/mbox/version", "re");
	char version[64] = "?";

	if (!f)
		return;
	if (fscanf(f, "%63s", version) == 1)
		printf("module      %s\n", version);
	fclose(f);
}

static void kernel_version(void)
{
	struct utsname uts;

	if (!uname(&uts))
		printf("kernel      %s %s\n", uts.release, uts.machine);
}

static void limits(const struct mbox_query *q)
{
	printf("a mailbox   %" PRIu32 " messages, %" PRIu64 " bytes, %" PRIu32 " bytes each; "
	       "at most %" PRIu32 ", %" PRIu64 ", %" PRIu32 "\n",
	       q->default_max_messages, q->default_max_bytes, q->default_max_message_size,
	       q->ceiling_max_messages, q->ceiling_max_bytes, q->ceiling_max_message_size);
	printf("you         %" PRIu32 " of %" PRIu32 " mailboxes, %" PRIu64 " of %" PRIu64
	       " bytes, %" PRIu32 " of %" PRIu32 " files in messages\n",
	       q->user_mailboxes, q->user_max_mailboxes, q->user_bytes, q->user_max_bytes,
	       q->user_files, q->user_max_files);
	printf("namespace   %" PRIu32 " of %" PRIu32 " mailboxes that can be found\n",
	       q->ns_mailboxes, q->ns_max_mailboxes);
}

/* Whether a message goes through a mailbox and comes out. */
static int try_one(void)
{
	const struct target t = { .name = "of its own" };
	int fd = mbox_create(NULL, MBOX_RECV | MBOX_SEND, NULL);
	char buf[8];

	if (fd < 0)
		return refuse(errno, "cannot create a mailbox", &t);
	if (mbox_timedsend(fd, "doctor", 6, 0) ||
	    mbox_timedrecv(fd, buf, sizeof(buf), 0) != 6 || memcmp(buf, "doctor", 6) != 0)
		return refuse(errno, "cannot use a mailbox", &t);
	close(fd);
	puts("a message went through a mailbox, and came out");
	return finish_output(STATUS_OK);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, NULL, "",
		"Says whether mailboxes work here, and if not, what to do; and the limits.",
		NULL, NULL, NULL
	};
	struct mbox_query q;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	kernel_version();
	module_version();
	if (access("/dev/mbox", F_OK))
		return refuse(ENODEV, "/dev/mbox", NULL);
	if (access("/dev/mbox", R_OK))
		return refuse(errno, "cannot open /dev/mbox", NULL);
	if (mbox_query(&q))
		return refuse(errno, "cannot ask the module", NULL);
	limits(&q);
	return try_one();
}
