#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# In the guest: runs each program of /tests and writes the stream that suites.sh judges:
# what it prints, between @suite and @end, and what the kernel log had to complain about.
# suites.sh sets $limit, the seconds that a program may take, above this line.

: "${limit:?}"
kmemleak=/sys/kernel/debug/kmemleak gcov=/sys/kernel/debug/gcov

suite() {
	echo "@suite $1"
	begin=$(cut -d' ' -f1 /proc/uptime)
	timeout -s KILL "$limit" "$2" < /dev/null
	status=$?
	kill -9 -1 # whatever the program left behind, but not us
	echo # ends a line that was cut off
	dmesg -c | grep -aE -f /splats -e '[] ]mbox:' | sed 's/^/@log /'
	echo "@end $status $begin $(cut -d' ' -f1 /proc/uptime)"
}

export MBOX_KO=/modules/99.ko # where run.sh put it
[ -d /sys/module/mbox ] && module=1
[ -e $kmemleak ] && echo clear > $kmemleak
dmesg -c > /dev/null
cd /tests || exit
for program in *; do
	[ -f "$program" ] && suite "$program" "./$program"
done
[ -z "$module" ] || suite rmmod /rmmod.sh
[ ! -e $kmemleak ] || suite kmemleak /kmemleak.sh

# What gcov counted, to be read by the host's; debugfs says that all its files are empty.
if [ -d $gcov ]; then
	(cd $gcov && find . -name '*.gcda') | while read -r file; do
		mkdir -p "/tmp/gcov/${file%/*}"
		cat "$gcov/$file" > "/tmp/gcov/$file"
	done
	tar -czf "$OUT" -C /tmp/gcov .
fi
exit 0
