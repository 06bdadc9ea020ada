#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The tests of the Python package, which are pytest's, as TAP. Run by root.

folder=$(dirname "$0")
for userlib in "$folder/userlib" "$folder/../userlib"; do
	[ -d "$userlib/python" ] && cd "$userlib/python" && break
done
if [ ! -c /dev/mbox ] || [ ! -d mbox ]; then
	echo "1..0 # SKIP no /dev/mbox, or no package"
	exit 4
fi

# Where there is no compiler.
[ -x ../layout ] && export MBOX_LAYOUT=../layout
# The distribution's, whose pytest it is.
exec /usr/bin/python3 -B -m pytest -p no:terminal -p no:cacheprovider --tap
