#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make soak`: soak.c in a virtual machine, first with a leak that is planted and must be
# told. Then the module is unloaded, and kmemleak asked where the kernel has it. The last
# line is `N passed, N failed`.
#
#   run.sh MODULE PROGRAM SECONDS    mbox.ko and the static soak program
set -euo pipefail

module=$1 program=$2 seconds=$3
vm=$(dirname "$(realpath "$0")")/../vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir "$tmp/files"
cp "$program" "$tmp/files/soak"
cp "$vm/rmmod.sh" "$vm/kmemleak.sh" "$tmp/files"
echo "seconds=$seconds" > "$tmp/script"
cat >> "$tmp/script" <<'SCRIPT'
kmemleak=/sys/kernel/debug/kmemleak
[ ! -e $kmemleak ] || echo clear > $kmemleak
status=0
/soak 8 leak > /tmp/planted
# What goes with a file is another object, on some kernels one that is watched too.
if grep -q 'not ok - filp does not grow' /tmp/planted &&
	! grep 'not ok' /tmp/planted | grep -qv 'does not grow'; then
	echo '  ok 1 - a leak that was planted is told'
else
	cat /tmp/planted
	echo '  not ok 1 - a leak that was planted is told'
fi
/soak $seconds || status=1
for check in rmmod kmemleak; do
	[ $check = rmmod ] || [ -e $kmemleak ] || continue
	/$check.sh | grep -aE '^(not )?ok|^#' | sed 's/^/  /'
done
exit $status
SCRIPT

status=0
"$vm/run.sh" --module "$module" --files "$tmp/files" --script "$tmp/script" --mem 2048 \
	--console "$tmp/console" --timeout $((seconds * 2 + 600)) |
	tee "$tmp/out" | grep -aEv --line-buffered '^[0-9]+ passed, [0-9]+ failed' || status=${PIPESTATUS[0]}

# The program's totals, the checks after it, and the guest's own end.
read -r passed _ failed _ < <(grep -E '^[0-9]+ passed, [0-9]+ failed' "$tmp/out" | tail -n 1) || :
passed=$((${passed:-0} + $(grep -cE '^  ok [0-9]' "$tmp/out" || :)))
failed=$((${failed:-0} + $(grep -cE '^  not ok [0-9]' "$tmp/out" || :)))
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
[ "$passed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
