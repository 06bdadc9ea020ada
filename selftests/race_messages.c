// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * All pairs of operations that pass messages, or decide how one ends, at the same
 * time, on one mailbox and through one handle.
 */
#include "mbox_race.h"

FIXTURE(mailbox) {
};

FIXTURE_SETUP(mailbox)
{
	MB_NEED_DEVICE();
	race_begin(&kept, 2);
}

FIXTURE_TEARDOWN(mailbox)
{
	race_end(_metadata);
}

TEST_F_TIMEOUT(mailbox, g01_g02_g04_passes_messages_in_any_two_ways_at_once, 600)
{
	race_pairs(PASSES, PASSES, 7);
}

TEST_HARNESS_MAIN
