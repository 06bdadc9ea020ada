// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The inputs that fuzzing has collected, one after the other, on any kernel: what
 * each does is legal or refused, and nothing is left of it. See fuzz/sandbox.h.
 */
#include "mbox_parameters.h"
#include "fuzz/sandbox.h"
#include "fuzz/text.h"

static const char * const inputs[] = {
#include "fuzz/corpus.inc"
};

FIXTURE(corpus)
{
	unsigned char data[FUZZ_SIZE_MAX];
};

FIXTURE_SETUP(corpus)
{
	MB_NEED_DEVICE();
	if (geteuid())
		SKIP(_exit(255), "only root can be other users");
	fuzz_begin();
}

FIXTURE_TEARDOWN(corpus)
{
}

TEST_F_TIMEOUT(corpus, leaves_nothing_behind, 600)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inputs); i++) {
		size_t size = text_decode(self->data, sizeof(self->data), inputs[i]);
		const char *wrong = fuzz_run(self->data, size);

		ASSERT_EQ(NULL, wrong) {
			TH_LOG("input %u: %s", i, wrong);
			text_show(stdout);
		}
	}
}

TEST_HARNESS_MAIN
