# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=sh
#
# What the suites of the command mboxctl share: TAP, and judging what a command prints, where,
# and how it ends. A suite has a function `all`, and ends by `run_all`. $name is a mailbox of
# its own, $tmp a folder.

name="ctl.$$"
tmp=$(mktemp -d)
trap 'mboxctl rm "$name" 2> /dev/null; rm -rf "$tmp"' EXIT

number=0
failed=0
# shellcheck disable=SC2034 # for the suites
nl='
'

result() { # 0 or not, the test
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=1
	fi
}

# try TEST STATUS OUTPUT COMMAND...: standard output is OUTPUT, and something is said on
# standard error if and only if it fails.
try() {
	test=$1 status=$2 output=$3
	shift 3
	"$@" > "$tmp/out" 2> "$tmp/err" < "${input:-/dev/null}"
	got=$?
	printf '%s' "$output" > "$tmp/expected"
	bad=0
	[ $got -eq "$status" ] || bad=1
	cmp -s "$tmp/out" "$tmp/expected" || bad=1
	[ "$status" -eq 0 ] || [ -s "$tmp/err" ] || bad=1
	[ "$status" -ne 0 ] || [ ! -s "$tmp/err" ] || bad=1
	if [ $bad -ne 0 ]; then
		echo "# $*: status $got, not $status"
		sed 's/^/# out: /' "$tmp/out"
		sed 's/^/# err: /' "$tmp/err"
	fi
	result $bad "$test"
	rm -f "$tmp/input"
	input=
}

# told TEST TEXT: what was just tried said this on standard error.
told() {
	grep -qF "$2" "$tmp/err"
	result $? "$1"
}

# field NAME: a number that stat has.
field() {
	mboxctl stat "$name" | awk -v key="$1" '$1 == key { print $2 }'
}

input_is() {
	printf '%b' "$1" > "$tmp/input"
	input=$tmp/input
}

# wait_for COMMAND...: until it succeeds; fails after a minute.
wait_for() {
	tries=600
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done 2> /dev/null
}

# has FIELD NUMBER: whether stat has it.
has() {
	[ "$(field "$1")" = "$2" ]
}

run_all() {
	echo "TAP version 13"
	if ! command -v mboxctl > /dev/null; then
		echo "1..0 # SKIP no mboxctl"
		exit 0
	fi
	all
	echo "1..$number"
	exit $failed
}
