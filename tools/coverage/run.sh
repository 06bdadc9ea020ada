#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The running part of `make coverage`: what the module's lines and branches were reached by,
# from all that gcov counted in the guests of KERNEL=debug, as text and as pages to browse in
# results/coverage. Each line that was not reached is to be listed, with its reason, in
# unreached.list. The last line is `N passed, N failed`.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
tree=$top/build/$("$top/selftests/vm/kernel.sh" release debug)
headers=$("$top/selftests/vm/kernel.sh" headers debug) # where the compiler ran
out=$top/results/coverage
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"

# Branches that checks of the kernel's own make, and that only a broken kernel takes.
macros='lockdep_assert_held|WARN_ON|BUILD_BUG_ON|lockdep_is_held'
options=(-r "$tree" -f "(.*/)?module/[a-z]*\.[ch]$" --gcov-ignore-parse-errors
	--exclude-branches-by-pattern ".*($macros).*" --exclude-unreachable-branches)

parts=()
while IFS= read -r archive; do
	n=${#parts[@]}
	mkdir "$tmp/$n"
	tar -xzf "$archive" -C "$tmp/$n"
	counts=$tmp/$n$tree/module
	[ -d "$counts" ] || { echo "$archive has no counts of $tree; run make check KERNEL=debug" >&2; exit 1; }
	# gcov wants the notes of the compiler beside the counts, and to be where that ran.
	cp "$tree"/module/*.gcno "$counts"
	ln -s "$headers"/{include,arch} "$tmp/$n"
	(
		cd "$tmp/$n"
		gcov -b -c -p "$counts"/*.gcda > /dev/null
		gcovr "${options[@]}" -g --json -o "$tmp/$n.json" .
	)
	parts+=(-a "$tmp/$n.json")
done < <(find "$top/results" -name gcov.tar.gz -size +0)
[ ${#parts[@]} -gt 0 ] || { echo "gcov counted nothing yet; run make check KERNEL=debug" >&2; exit 1; }

gcovr "${options[@]}" "${parts[@]}" --json "$tmp/all.json" --txt "$out/lines.txt" \
	--html-details "$out/index.html" --html-title 'mbox: what the tests reach' --json-summary "$tmp/summary.json"
gcovr "${options[@]}" "${parts[@]}" --txt "$out/branches.txt" --branches
"$here/judge.py" "$tmp/all.json" "$here/unreached.list" "$tree"
