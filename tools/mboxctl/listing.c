// SPDX-License-Identifier: MIT
/*
 * Reading /proc/net/mbox: a line for each mailbox, below one that names the words.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mboxctl.h"

static void split(struct words *w, char *line)
{
	char *save, *word = strtok_r(line, "\n ", &save);

	for (w->n = 0; word && w->n < WORDS_MAX; word = strtok_r(NULL, "\n ", &save))
		w->word[w->n++] = word;
}

/* Return 0 or errno; then there is nothing to close. */
int listing_open(struct listing *l)
{
	*l = (struct listing){ .f = fopen("/proc/self/net/mbox", "re") };
	if (!l->f)
		return errno == ENOENT ? ENODEV : errno;
	if (getline(&l->head_line, &l->head_size, l->f) < 0) {
		l->error = feof(l->f) ? EIO : errno;
		return listing_close(l);
	}
	split(&l->head, l->head_line);
	return 0;
}

/* Whether there is one more mailbox, which listing_word() is about. */
bool listing_next(struct listing *l)
{
	if (getline(&l->line, &l->size, l->f) <= 0) {
		l->error = feof(l->f) ? 0 : errno;
		return false;
	}
	split(&l->words, l->line);
	return true;
}

/* The word below that of the first line; NULL: there is none. */
const char *listing_word(const struct listing *l, const char *title)
{
	unsigned int i;

	for (i = 0; i < l->head.n && i < l->words.n; i++)
		if (!strcmp(l->head.word[i], title))
			return l->words.word[i];
	return NULL;
}

/* Whether it is a process's own, and "key" the process. */
bool listing_is_own(const struct listing *l)
{
	const char *by = listing_word(l, "by");

	return by && !strcmp(by, "pid");
}

/* Return 0, or errno if it could not be read to its end. */
int listing_close(struct listing *l)
{
	fclose(l->f);
	free(l->line);
	free(l->head_line);
	return l->error;
}
