#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# In the guest: fuzzes, replays or merges, as run.sh says by the variables that it sets above
# this line; then looks for leaks. What is new, and what fails, goes to $OUT as a tar archive.

: "${mode:?}" "${seconds:?}" "${repeat:?}"

quiet='-verbosity=0 -rss_limit_mb=0 -timeout=120 -max_len=580 -len_control=0 -reload=0'

# Faults are injected into the system calls of those who ask for it.
faults() {
	for dir in /sys/kernel/debug/fail*; do
		[ ! -e "$dir/verbose" ] || echo 0 > "$dir/verbose"
		[ ! -e "$dir/ignore-gfp-wait" ] || echo N > "$dir/ignore-gfp-wait"
		[ ! -e "$dir/min-order" ] || echo 0 > "$dir/min-order"
	done
}

leaks() {
	kill -9 -1 # what a fuzzer that gave up has left behind
	sleep 1
	rmmod mbox || return
	[ -w /sys/kernel/debug/kmemleak ] || return 0
	for _ in 1 2; do
		sleep 1
		echo scan > /sys/kernel/debug/kmemleak
	done
	grep -A 20 -m 5 'unreferenced object' /sys/kernel/debug/kmemleak
	! grep -q 'unreferenced object' /sys/kernel/debug/kmemleak
}

cd / || exit
faults
dmesg -n 5
echo on > /proc/sys/kernel/printk_devkmsg
echo 32 > /proc/sys/kernel/panic_print # with the whole log
[ ! -w /sys/kernel/debug/kmemleak ] || echo clear > /sys/kernel/debug/kmemleak
mkdir -p /new /found

case $mode in
fuzz)
	# shellcheck disable=SC2086 # options
	/fuzz $quiet -max_total_time="$seconds" -artifact_prefix=/found/ /new /corpus ;;
show)
	# shellcheck disable=SC2046,SC2086 # so many times
	FUZZ_SHOW=1 /fuzz $quiet -artifact_prefix=/found/ $(for _ in $(seq "$repeat"); do echo /input; done) ;;
merge)
	# shellcheck disable=SC2086
	/fuzz $quiet -merge=1 -set_cover_merge=1 -artifact_prefix=/found/ /new /corpus ;;
esac
status=$?

touch /covered
tar -C / -cf - new found covered > "$OUT"
leaks || status=1
exit $status
