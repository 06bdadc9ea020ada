#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make bench`: mbox-bench in a virtual machine.
#
#   run.sh MODULE PROGRAM JSON [OPTION]...    mbox.ko, the static program, where the figures
#                                             are left, and what the program is told
#
# COUNT=insn counts instructions, with one processor, instead of time.
set -euo pipefail

module=$1 program=$2 json=$3
shift 3
vm=$(dirname "$(realpath "$0")")/../../selftests/vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ "${COUNT:-}" != insn ] || set -- --instructions "$@"
mkdir -p "$tmp/files/modules"
cp "$program" "$tmp/files/mbox-bench"
find "$("$vm/kernel.sh" modules "$KERNEL")" -name binder_linux.ko -exec cp {} "$tmp/files/modules" \;
cat > "$tmp/script" <<SCRIPT
status=0
/mbox-bench --json /tmp/json $* 2>&1 || status=\$?
[ ! -e /tmp/json ] || cat /tmp/json > \$OUT
exit \$status
SCRIPT
"$vm/run.sh" --module "$module" --files "$tmp/files" --script "$tmp/script" --out "$json" \
	--mem 2048 --timeout 3000
