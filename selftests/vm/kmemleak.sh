#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# The suite after the module has gone: nothing that was allocated since the guest
# started its first suite has been lost.

file=/sys/kernel/debug/kmemleak

# What the kernel loses by itself: the name of a slab cache, if sysfs has no memory for it.
ours() {
	awk '
		/^unreferenced/ { if (!theirs) printf "%s", report; report = ""; theirs = 0 }
		/ sysfs_slab_add\+/ { theirs = 1 }
		{ report = report $0 "\n" }
		END { if (!theirs) printf "%s", report }
	'
}

echo TAP version 13
echo 1..1
echo scan > $file
echo scan > $file # a second look, for what was in motion
leaks=$(ours < $file)
[ -z "$leaks" ] && echo ok 1 nothing_leaked && exit
echo "$leaks" | sed 's/^/# /'
echo not ok 1 nothing_leaked
exit 1
