// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What asks for something of a mailbox, or changes it, its names and its handles,
 * while messages pass, and against each other: in all pairs.
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

TEST_F_TIMEOUT(mailbox, g01_g02_passes_messages_while_it_is_changed, 600)
{
	race_pairs(CHANGES, PASSES, 5);
}

TEST_F_TIMEOUT(mailbox, g04_g10_is_changed_in_any_two_ways_at_once, 600)
{
	race_pairs(CHANGES, CHANGES, 2);
}

TEST_HARNESS_MAIN
