/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The module parameters, for suites that set them: whatever a test sets, it is
 * as before after it.
 */
#ifndef MBOX_PARAMETERS_H
#define MBOX_PARAMETERS_H

#include "mbox_test.h"

static struct {
	const char *name;
	unsigned long min;	/* the least value that is accepted */
	char before[32];
} parameters[] = {
	{ "max_messages", 1 },
	{ "max_bytes", 1 },
	{ "max_message_size", 1 },
	{ "user_bytes", 0 },
	{ "user_mailboxes", 0 },
	{ "ns_mailboxes", 0 },
	{ "user_files", 0 },
};

static inline const char *parameter_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), MB_PARAMETERS "%s", name);
	return path;
}

static inline bool parameter_get(const char *name, char *text, int size)
{
	FILE *f = fopen(parameter_path(name), "re");
	bool ok = f && fgets(text, size, f);

	if (f)
		fclose(f);
	if (ok)
		text[strcspn(text, "\n")] = 0;
	return ok;
}

static inline int parameter_set_text(const char *name, const char *text)
{
	return mb_write_file(parameter_path(name), text);
}

static inline int parameter_set(const char *name, unsigned long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	return parameter_set_text(name, text);
}

static inline void parameters_restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		if (*parameters[i].before)
			parameter_set_text(parameters[i].name,
					   parameters[i].before);
}

/* Once, before the first test; undone after the last, whatever became of it. */
static void __attribute__((constructor)) parameters_save(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		if (!parameter_get(parameters[i].name, parameters[i].before,
				   sizeof(parameters[i].before)))
			*parameters[i].before = 0;
	atexit(parameters_restore);
}

#endif /* MBOX_PARAMETERS_H */
