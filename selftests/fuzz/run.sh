#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh MODE MODULE [SECONDS] - fuzzes the module MODULE, which was built with KCOV, in a
# guest with a debug kernel. The last line is `N passed, N failed`.
#
#   fuzz    for SECONDS, from the corpus here and from what build/fuzz/corpus has got
#   show    runs the file INPUT (an input, or a line of the corpus), REPEAT times, and lists
#           what it does
#   merge   makes the smallest corpus that reaches all that these and the seeds do, in place
#
# What was found that is new is added to build/fuzz/corpus; an input that fails, or that was
# being run when the guest died (the last ones are kept), is put into build/fuzz/found. Where the
# module was is in build/fuzz/covered: offsets into its code.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
work=$top/build/fuzz
mode=$1 module=$2 seconds=${3:-60}
mkdir -p "$work/corpus" "$work/found"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Without the coverage of the fuzzer itself: that is for libFuzzer to add, not for us.
build() {
	local source
	for source in target mutate; do
		clang-14 -O2 -Wall -Wextra -D_GNU_SOURCE= -I"$top/uapi" -c -o "$work/$source.o" \
			"$here/$source.c"
	done
	clang-14 -fsanitize=fuzzer -static-libstdc++ -static-libgcc -o "$work/fuzz" \
		"$work/target.o" "$work/mutate.o"
}

# The corpus is the inside of an array in C; for the fuzzer it is a folder of files.
unpack() {
	local line n=0
	mkdir -p "$2"
	while IFS= read -r line; do
		n=$((n + 1))
		base64 -d <<< "$line" > "$2/$(basename "$1" .inc)-$n"
	done < <(sed -n 's/^"\(.*\)",$/\1/p' "$1")
}

pack() {
	local file
	echo '/* SPDX-License-Identifier: MIT */'
	echo '/* Inputs, shortest first. Made by make fuzz-merge. */'
	for file in "$1"/*; do
		base64 -w 0 "$file"
		echo
	done | LC_ALL=C sort -u | awk '{ print length($0), $0 }' | sort -s -n -k 1,1 |
		sed 's/.* \(.*\)/"\1",/'
}

stage() {
	local root=$tmp/root lib
	mkdir -p "$root/corpus" "$root/lib64"
	cp "$work/fuzz" "$root"
	while read -r lib; do
		mkdir -p "$root$(dirname "$lib")"
		cp -L "$lib" "$root$lib"
	done < <(ldd "$work/fuzz" | grep -o '/[^ ]*')
	unpack "$here/corpus.inc" "$root/corpus"
	unpack "$here/seeds.inc" "$root/corpus"
	find "$work/corpus" -type f -exec cp -t "$root/corpus" {} +
	[ "$mode" = show ] || return 0
	rm -rf "$root/corpus"
	if LC_ALL=C grep -qvE '^"?[A-Za-z0-9+/]+=*"?,?$' "$INPUT"; then
		cp "$INPUT" "$root/input"
	else
		tr -d '",' < "$INPUT" | base64 -d > "$root/input"
	fi
}

# What ran last, from the log that a dying kernel has printed; the newest is the likeliest.
from_console() {
	local n=0 line
	while IFS= read -r line; do
		n=$((n + 1))
		base64 -d <<< "$line" > "$work/found/panic-$n" 2>/dev/null || true
	done < <(tr -d '\r' < "$work/console.log" | awk '
		/fuzz-input / { if (s) print s; sub(/.*fuzz-input /, ""); s = $0; next }
		/fuzz-input\+/ { sub(/.*fuzz-input\+/, ""); s = s $0 }
		END { if (s) print s }' | tail -n 10 | tac)
	[ $n -eq 0 ] || echo "the last $n inputs are build/fuzz/found/panic-*, the newest is 1"
}

guest() {
	{
		printf 'mode=%s seconds=%s repeat=%s\n' "$mode" "$seconds" "${REPEAT:-1}"
		cat "$here/guest.sh"
	} > "$tmp/script"
	"$top/selftests/vm/run.sh" --kernel debug --module "$module" --mem 2048 \
		--files "$tmp/root" --script "$tmp/script" --out "$tmp/out.tar" \
		--console "$work/console.log" --timeout $((seconds * 2 + 900))
}

build
stage
status=0
guest || status=$?
mkdir "$tmp/out"
tar -C "$tmp/out" -xf "$tmp/out.tar" 2>/dev/null || true
if [ $status -eq 2 ]; then
	from_console
elif [ "$mode" = merge ] && [ $status -eq 0 ]; then
	pack "$tmp/out/new" > "$here/corpus.inc"
	rm -rf "$work/corpus"
fi
if [ -d "$tmp/out/found" ]; then
	find "$tmp/out/found" -type f -exec cp -vt "$work/found" {} +
	[ "$mode" = merge ] || find "$tmp/out/new" -type f -exec cp -t "$work/corpus" {} +
fi
if [ -s "$tmp/out/covered" ]; then
	cp "$tmp/out/covered" "$work"
	echo "$(wc -l < "$work/covered") of $(objdump -dr "$module" |
		grep -c __sanitizer_cov_trace_pc) places of the module reached"
fi
[ $status -ne 0 ] && failed=1 || failed=0
echo "$((1 - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
