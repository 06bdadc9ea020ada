// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What asks for something of a mailbox, while messages pass, and while it changes:
 * in all pairs.
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

TEST_F_TIMEOUT(mailbox, g01_g04_passes_messages_while_it_is_asked, 600)
{
	race_pairs(ASKS, PASSES | ASKS, 5);
}

TEST_F_TIMEOUT(mailbox, g12_is_changed_while_it_is_asked, 600)
{
	race_pairs(ASKS, CHANGES, 2);
}

TEST_HARNESS_MAIN
