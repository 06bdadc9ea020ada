#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The runner's own test: suites that fail, skip, hang, lie or take the guest down must be
# told as failures, and a good one as passed. On a kernel with detectors, so must the faults
# that a module plants for each of them. The last line is `N passed, N failed`.
set -euo pipefail

vm=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 begin=$SECONDS

# program GUEST NAME: what it does comes on stdin.
program() {
	mkdir -p "$tmp/$1"
	{ echo '#!/bin/sh'; cat; } > "$tmp/$1/$2"
	chmod +x "$tmp/$1/$2"
}

# guest NAME LIMIT TIMEOUT [CPUS]: runs its programs, each for so many seconds at most.
guest() { LIMIT=$2 "$vm/suites.sh" vm "$tmp/$1" "$tmp/$1.results" --smp "${4:-1}" --timeout "$3" > "$tmp/$1.out" 2>&1 || :; }

# expect GUEST PATTERN: a line of what was said about that guest.
expect() {
	if grep -qE "$2" "$tmp/$1.out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "    not told about the guest '$1': $2"
		sed 's/^/    | /' "$tmp/$1.out"
	fi
}

runner() {
	program suites good <<< 'echo 1..2; echo ok 1 a; echo ok 2 b'
	program suites fails <<< 'echo 1..2; echo ok 1 a; echo "# why"; echo not ok 2 b; exit 1'
	program suites skips <<< 'echo 1..1; echo "ok 1 # SKIP no device"; exit 4'
	program suites hangs <<< 'echo 1..2; echo ok 1 a; sleep 60'
	program suites silent <<< 'exit 0'
	program suites short <<< 'echo 1..3; echo ok 1 a'
	program suites crashes <<< 'echo 1..1; echo ok 1 a; kill -SEGV $$'
	program suites splat <<< 'echo 1..1; echo ok 1 a; echo "BUG: invented" > /dev/kmsg'
	program panic good <<< 'echo 1..1; echo ok 1 a'
	program panic panics <<< 'echo 1..2; echo ok 1 a; echo c > /proc/sysrq-trigger; sleep 60'
	program panic waits <<< 'echo 1..1; echo ok 1 a'
	program off vanishes <<< 'echo 1..1; echo ok 1 a; poweroff -f; sleep 60'
	program stuck sticks <<< 'echo 1..1; echo ok 1 a; sleep 60'
	guest suites 4 100 &
	guest panic 30 100 &
	guest off 30 100 &
	guest stuck 60 20 &
	wait

	expect suites 'good +2 passed +[0-9]'
	expect suites 'fails +1 passed, 1 failed'
	expect suites '^    not ok 2 b'
	expect suites 'skips +0 passed, 1 failed'
	expect suites 'hangs +1 passed, 1 failed'
	expect suites 'killed; the limit is 4 s'
	expect suites 'silent +0 passed, 1 failed'
	expect suites 'short +1 passed, 2 failed'
	expect suites 'crashes +1 passed, 1 failed'
	expect suites 'splat +1 passed, 1 failed'
	expect suites 'kernel log: .*BUG: invented'
	expect suites '^7 passed, 8 failed'
	expect panic 'panics +1 passed, 1 failed'
	expect panic 'waits +did not run'
	expect panic 'Kernel panic - not syncing: sysrq'
	expect panic '^2 passed, 2 failed'
	expect off 'vanishes +1 passed, 1 failed'
	expect off 'went away without a word'
	expect stuck 'sticks +(1 passed, 1 failed|did not run)' # the latter on a busy machine
	expect stuck 'no end within 20 seconds'
}

# plant GUEST FAULT
plant() {
	program "$1" "$2" <<< "echo 1..1; insmod modules/planted.ko fault=$2 && echo ok 1 a; rmmod planted"
	mkdir -p "$tmp/$1/modules"
	cp "$planted" "$tmp/$1/modules"
}

build_planted() {
	local tree=$vm/../../build/planted/$KERNEL
	mkdir -p "$tree"
	tree=$(realpath "$tree")
	cp "$vm"/../planted/* "$tree"
	make -s -C "$("$vm/kernel.sh" headers "$KERNEL")" M="$tree" modules
	planted=$tree/planted.ko
}

detectors() {
	plant told lock_inversion
	plant told sleep_in_atomic
	plant told leak
	program told good <<< 'echo 1..1; echo ok 1 a'
	plant freed use_after_free
	plant shifted shift_overflow
	guest told 300 900 &
	guest freed 300 900 &
	guest shifted 300 900 &
	wait

	expect told 'good +1 passed +[0-9]'
	expect told 'lock_inversion +1 passed, 1 failed'
	expect told 'kernel log: .*possible circular locking dependency'
	expect told 'sleep_in_atomic +1 passed, 1 failed'
	expect told 'kernel log: .*BUG: sleeping function called from invalid context'
	expect told 'leak +1 passed +[0-9]'
	expect told 'kmemleak +0 passed, 1 failed'
	expect told '# unreferenced object .*size 192'
	expect told '^4 passed, 3 failed'
	expect shifted 'shift_overflow +.*1 failed'
	expect shifted 'UBSAN: shift-out-of-bounds'
	expect freed 'use_after_free +.*1 failed'
	expect freed 'BUG: KASAN: (slab-)?use-after-free'
}

races() {
	plant raced data_race
	program raced good <<< 'echo 1..1; echo ok 1 a'
	guest raced 300 900 2

	expect raced 'good +1 passed +[0-9]'
	expect raced 'data_race +1 passed, [1-9] failed' # a line a report
	expect raced 'BUG: KCSAN: data-race in racer \[planted\]'
}

export KERNEL=${KERNEL:-6.1}
if "$vm/kernel.sh" detectors "$KERNEL"; then
	build_planted
fi
case $KERNEL in
debug) detectors ;;
kcsan) races ;;
*) runner ;;
esac

counts="$passed passed"
[ $failed -eq 0 ] || counts+=", $failed failed"
printf '  %-7s %-24s %-24s %6d s\n' vm selftest "$counts" $((SECONDS - begin))
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
