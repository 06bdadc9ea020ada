#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The running part of `make check`: the runner's own test and the suites as 64-bit and as
# 32-bit programs, in guests side by side. The last line is `N passed, N failed`.
# KERNEL, SMP and TESTS (names of suites or patterns; all by default) choose. RESULTS is the
# folder of results/ that the results go to, by default the kernel's name. Suites named fault_* need
# fault injection, which kernels with detectors have. BITS are the widths of the programs, by
# default 64 and 32, and 64 alone where detectors make each of them take long.
set -euo pipefail

vm=$(dirname "$(realpath "$0")")
top=$(realpath "$vm/../..")
export KERNEL=${KERNEL:-6.1}
kernel=$KERNEL
detectors=''
"$vm/kernel.sh" detectors "$kernel" && detectors=1
bits=${BITS:-$([ -n "$detectors" ] && echo 64 || echo 64 32)}
read -ra patterns <<< "${TESTS:-*}"
module=$top/build/$("$vm/kernel.sh" release "$kernel")/mbox.ko
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

chosen() {
	local pattern
	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2053 # a pattern it is
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

# The module without its trace events: where the kernel fails to make those known, it warns of
# itself.
untraced() {
	local name options=()
	for name in _ftrace_events _ftrace_eval_map; do
		options+=(-R "$name" -R ".rela$name")
	done
	mkdir "$1"
	objcopy "${options[@]}" "$module" "$1/mbox.ko"
}

# choose BITS: the chosen programs of that width, into a folder of their own.
choose() {
	local built=$top/build/selftests/$1 program
	mkdir "$tmp/$1"
	for program in $(make -s -C "$top/selftests" M32="${2:-}" emit_tests); do
		program=${program#*:}
		chosen "${program%.sh}" || continue
		case $program in
		fault_*) [ -n "$detectors" ] || continue ;;&
		fault_module) untraced "$tmp/$1/untraced" ;;&
		*.sh) [ "$1" = 32 ] || cp "$top/selftests/$program" "$tmp/$1" ;;
		*) cp "$built/$program" "$tmp/$1" ;;
		esac
	done
	cp -r "$top/selftests/mboxctl" "$tmp/$1"
	[ ! -d "$built/user/examples" ] || cp -r "$built/user/examples" "$tmp/$1"
	[ "$1" = 32 ] || ! chosen documents || cp -r "$built/documents" "$tmp/$1"
}

# Runs a command whose last line is its totals, and keeps that line for the sum.
part() {
	{ "${@:2}" || :; } | tee "$tmp/$1.out" | grep -aEv --line-buffered '^[0-9]+ passed, [0-9]+ failed$'
}

# What people run, and what it is tested with, with the libraries that these and the examples
# are linked to.
programs() {
	mkdir -p "$tmp/root/bin"
	cp "$top/build/mboxctl" "$top/build/mbox-bench" "$(command -v bash)" \
		"$(command -v tmux)" "$tmp/root/bin"
	# To ldd it is a failure to be linked statically.
	{ find "$tmp/root/bin" "$tmp/64/examples" -type f -exec ldd {} + 2>/dev/null || :; } |
		sed -nE 's|^\t(.* => )?(/[^ ]*) \(.*|\2|p' | sort -u | while read -r library; do
		install -D "$library" "$tmp/root$library"
	done
	cp -r --parents /usr/lib/locale/C.utf8 "$tmp/root" # tmux runs in no locale without UTF-8
	install -D -m 644 "$top/tools/mboxctl/completion.bash" \
		"$tmp/root/share/bash-completion/completions/mboxctl"
}

suites() {
	part "$1" "$vm/suites.sh" "$1-bit" "$tmp/$1" "$top/results/${RESULTS:-$kernel}/$1" \
		--module "$module" --disk "$tmp/disk" --files "$tmp/root" \
		--files "$tmp/root$1"
}

export MAKEFLAGS= # what make we are called from is no business of ours
choose 64
[[ $bits != *32* ]] || choose 32 1
programs
mkdir "$tmp/root64" "$tmp/root32"
[ ! -e "$tmp/64/python.sh" ] || "$vm/python.sh" "$tmp/root64" "$tmp/64"
truncate -s 1M "$tmp/disk" # a block device to open
for pattern in "${patterns[@]}"; do
	compgen -G "$tmp/64/$pattern" > /dev/null || compgen -G "$tmp/64/$pattern.sh" > /dev/null || {
		echo "no suite '$pattern' for this kernel; there are:" \
			"$(make -s -C "$top/selftests" emit_tests | sed 's/.*://; s/\.sh$//' | tr '\n' ' ')" >&2
		exit 1
	}
done

parts=$(wc -w <<< "$bits")
if [ -z "${TESTS:-}" ]; then
	parts=$((parts + 1))
	part vm "$vm/selftest.sh" &
fi
for width in $bits; do
	suites "$width" &
done
wait

# A part that ended without its totals has failed.
cat "$tmp"/*.out | LC_ALL=C awk -v failed="$parts" '
	/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 - 1 }
	END {
		print passed + 0 " passed, " failed + 0 " failed"
		exit failed > 0 || passed == 0
	}'
