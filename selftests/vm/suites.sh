#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# suites.sh NAME PROGRAMS RESULTS [option of run.sh]... - runs every program of the folder
# PROGRAMS in one guest and judges what they say.
#
# One line a suite while it works, and the diagnostics of what fails; the last line is
# `N passed, N failed`. A suite passes if all of its plan was reported, nothing was skipped, its
# exit status is 0 and the kernel log stayed clean. LIMIT (120; 900 with detectors) is the time
# for one suite in seconds. RESULTS receives each suite's TAP, the console, what gcov counted,
# and a line a suite in `summary`: its name, passed, failed, lines of the kernel log, seconds.
# KERNEL (6.1) is the guest's.
set -euo pipefail

vm=$(dirname "$(realpath "$0")")
name=$1 programs=$2 results=$3
shift 3

slow=
"$vm/kernel.sh" detectors "${KERNEL:-6.1}" && slow=1
limit=${LIMIT:-${slow:+900}} limit=${limit:-120}
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/tests" "$results"
rm -f "$results"/*
cp -rL "$programs/." "$stage/tests"
cp "$vm/rmmod.sh" "$vm/kmemleak.sh" "$vm/splats" "$stage"
{ echo "limit=$limit"; cat "$vm/guest.sh"; } > "$stage/script"

all_passed=0 all_failed=0 pending=' '
for program in "$stage"/tests/*; do
	[ ! -f "$program" ] || pending+="${program##*/} "
done
[[ " $* " != *" --module "* ]] || pending+='rmmod '
[ -z "$slow" ] || pending+='kmemleak '

begin_suite() {
	suite=$1
	plan='' points=0 passed=0 failed=0 findings=0 report=() diagnostics=()
	: > "$results/$suite.tap"
}

# One test point: $1 is passed or failed, $2 the line.
point() {
	points=$((points + 1))
	if [ "$1" = passed ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		report+=("${diagnostics[@]}" "$2")
	fi
	diagnostics=()
}

# A complaint about the suite as a whole: $1 more failures, for the reason $2.
complain() {
	failed=$((failed + $1))
	report+=("${diagnostics[@]}" "$2")
	diagnostics=()
}

end_suite() {
	local status=$1 seconds counts
	seconds=$(awk "BEGIN { printf \"%.1f\", $3 - $2 }")
	if [ -z "$plan" ]; then
		complain 1 "no plan (exit status $status)"
	elif [ "$points" -ne "$plan" ]; then
		complain $((plan > points ? plan - points : 1)) \
			"$points of $plan tests reported (exit status $status)"
	elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		complain 1 "exit status $status"
	fi
	[ "$status" -ne 137 ] || report+=("killed; the limit is $limit s")
	counts="$passed passed"
	[ "$failed" -eq 0 ] || counts+=", $failed failed"
	printf '  %-7s %-24s %-24s %6s s\n' "$name" "$suite" "$counts" "$seconds"
	[ "$failed" -eq 0 ] || printf '    %s\n' "${report[@]}"
	echo "$suite $passed $failed $findings $seconds" >> "$results/summary"
	all_passed=$((all_passed + passed)) all_failed=$((all_failed + failed))
	pending=${pending/ $suite / }
	suite=''
}

# The guest is gone, with run.sh's exit status $1: what was to come has failed.
end_guest() {
	if [ -n "${suite:-}" ]; then
		complain 0 'the guest died here'
		end_suite "$1" 0 0
	fi
	for suite in $pending; do
		printf '  %-7s %-24s did not run\n' "$name" "$suite"
		echo "$suite 0 1 0 0" >> "$results/summary"
		all_failed=$((all_failed + 1))
	done
	[ "$1" -eq 0 ] || cat "$stage/errors"
	[ "$1" -eq 0 ] || [ $all_failed -gt 0 ] || all_failed=1
}

judge() {
	local line status begin end
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		'@suite '*) begin_suite "${line#* }" ;;
		'@end '*)
			read -r _ status begin end <<< "$line"
			end_suite "$status" "$begin" "$end" ;;
		'@log '*)
			findings=$((findings + 1))
			complain 1 "kernel log: ${line#* }" ;;
		'@guest '*) end_guest "${line#* }" ;;
		*)
			[ -n "${suite:-}" ] || continue
			printf '%s\n' "$line" >> "$results/$suite.tap"
			case $line in
			'TAP version '*) ;;
			1..*) plan=${line#1..} plan=${plan%%[!0-9]*} ;;
			'not ok '* | 'ok '*'# SKIP'*) point failed "$line" ;;
			'ok '*) point passed "$line" ;;
			?*) diagnostics+=("$line") ;;
			esac ;;
		esac
	done
	echo "$all_passed passed, $all_failed failed"
	[ $all_failed -eq 0 ]
}

{
	status=0
	"$vm/run.sh" --script "$stage/script" --files "$stage" --console "$results/console.log" \
		--out "$results/gcov.tar.gz" \
		"$@" 2> "$stage/errors" || status=$?
	echo
	echo "@guest $status"
} | judge
