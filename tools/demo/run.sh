#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The demonstration: a VM with the module, the job of demo.c on the kernel headers' include
# folder, and a comparison of its checksums with this machine's sha256sum.
#
#   run.sh MODULE PROGRAM      mbox.ko and the static demo program
set -euo pipefail

module=$1 program=$2
here=$(dirname "$(realpath "$0")")
vm=$here/../../selftests/vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

headers=$("$vm/kernel.sh" headers "${KERNEL:-6.1}")
tree=$(echo "${headers%-cloud-*}-common"/include)
echo "  files: $(find "$tree" -type f | wc -l), $(du -sh "$tree" | cut -f1), of ${tree##*/linux-}"

mkdir "$tmp/files"
cp "$program" "$tmp/files/demo"
tar -C "$tree" -cf "$tmp/disk" .
(cd "$tree" && find . -type f -exec sha256sum {} +) | sort > "$tmp/expected"
cat > "$tmp/script" <<'SCRIPT'
mkdir /tmp/tree && tar -xf /dev/vda -C /tmp/tree || exit
echo "  the files are in place, the module is loaded"
/demo /tmp/tree /tmp/list && cat /tmp/list > $OUT
SCRIPT

echo "  booting Linux $("$vm/kernel.sh" release "${KERNEL:-6.1}")"
"$vm/run.sh" --module "$module" --files "$tmp/files" --disk "$tmp/disk" \
	--script "$tmp/script" --out "$tmp/out"
sort "$tmp/out" > "$tmp/got"

# A line with checksum and path that is not on both sides, once each, is a difference.
lost=$(comm -23 <(sed 's/^[^ ]*  //' "$tmp/expected" | sort) <(sed 's/^[^ ]*  //' "$tmp/got" | sort -u) | wc -l)
doubled=$(sed 's/^[^ ]*  //' "$tmp/got" | sort | uniq -d | wc -l)
differ=$(comm -3 "$tmp/expected" "$tmp/got" | sed 's/^\t*[^ ]*  //' | sort -u | wc -l)
printf '  files lost             %10d\n  files doubled          %10d\n' "$lost" "$doubled"
printf '  files that differ      %10d\n' "$differ"
[ "$lost$doubled$differ" = 000 ]
