#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The command mboxctl: what happens as it happens, how long messages took, and a server that
# is started by a message.

# shellcheck source-path=SCRIPTDIR source=mboxctl/common.sh
. "$(dirname "$0")/mboxctl/common.sh"

instances=/sys/kernel/tracing/instances

# monitor ARG...: in the background, until it follows: all else is done before that.
monitor() {
	mboxctl monitor "$@" > "$tmp/events" 2> "$tmp/said" &
	monitor=$!
	wait_for sh -c "ls -l /proc/$monitor/fd | grep -q trace_pipe"
}

# monitor_ends TEST STATUS: what it said is shown if that is not so.
monitor_ends() {
	wait $monitor
	got=$?
	[ $got -eq "$2" ] && [ ! -s "$tmp/said" ]
	result $? "$1"
	[ $got -eq "$2" ] || sed 's/^/# it said: /' "$tmp/said" "$tmp/events"
}

# saw TEST PATTERN...: each on a line, in this order, and no more lines.
saw() {
	test=$1
	shift
	bad=$(($# != $(wc -l < "$tmp/events")))
	line=0
	for pattern; do
		line=$((line + 1))
		sed -n "${line}p" "$tmp/events" | grep -qE "$pattern" || bad=1
	done
	[ $bad -eq 0 ] || sed 's/^/# /' "$tmp/events"
	result $bad "$test"
}

monitored() {
	monitor -c 3 -t 60
	mboxctl create "$name a"
	mboxctl send "$name a" hello
	monitor_ends ends_after_so_many 0
	saw shows_what_happens '^[0-9.]+ +[^ ]+-[0-9]+ +create +#[0-9]+ +uid=0 mode=0600 ' \
		" publish +$name\\\\040a +name=$name\\\\040a pid=0\$" \
		" send +$name\\\\040a +seq=1 type=0 priority=0 len=5 "

	monitor -e send,receive -c 3 -t 60 --json "$name a"
	mboxctl send "$name" elsewhere
	mboxctl send -T 7 -p 3 "$name a" x
	mboxctl recv -c 2 "$name a" > /dev/null
	monitor_ends ends_after_those_that_are_wanted 0
	event='^\{"time":[0-9.]+,"comm":"[^"]*","thread":[0-9]+,"event"'
	saw shows_those_of_one_mailbox_as_json \
		"$event:\"send\",\"fields\":\\{\"mailbox\":[0-9]+,\"seq\":2,\"type\":7,\"priority\":3,.*\"name\":\"$name\\\\\\\\040a\"\\}\$" \
		"$event:\"receive\",.*\"seq\":2," "$event:\"receive\",.*\"seq\":1,"

	monitor
	mboxctl rm "$name a"
	wait_for grep -q ' free ' "$tmp/events"
	kill $monitor
	monitor_ends ends_when_it_is_told_to 0
	saw shows_the_end_of_a_mailbox " unlink +$name\\\\040a " " free +$name\\\\040a "

	try ends_when_nothing_happens 0 '' mboxctl monitor -t 0.1
	try says_that_too_little_happened 3 '' mboxctl monitor -c 1 -t 0.1
	try leaves_nothing_behind 0 '' ls $instances
}

unusual() {
	monitor
	kill -9 $monitor
	wait $monitor
	test -d "$instances/mboxctl-$monitor"
	result $? killed_it_leaves_something
	try clears_that_away 0 '' mboxctl monitor -t 0.1
	try and_nothing_is_left 0 '' ls $instances
	try knows_no_such_event 2 '' mboxctl monitor -e send,nonsense
	told and_says_which_there_are redeliver
	try knows_no_such_mailbox 4 '' mboxctl monitor "$name.no"
	umount /sys/kernel/tracing
	mkdir -p "$tmp/none"
	try monitors_again_where_nobody_has_mounted_it 0 '' mboxctl monitor -t 0.1
	grep -q ' /sys/kernel/tracing tracefs' /proc/mounts || mount -t tracefs none /sys/kernel/tracing
}

latencies() {
	mboxctl send "$name" 1
	mboxctl recv "$name" > /dev/null
	! mboxctl stat "$name" | grep -q '^latency'
	result $? no_latencies_unless_asked_for
	try counts_latencies 0 '' mboxctl set --latency on "$name"
	mboxctl send "$name" 1
	mboxctl recv "$name" > /dev/null
	mboxctl stat "$name" > "$tmp/events"
	grep -qE '^latency +1 below [0-9.]+ (us|ms|s)$' "$tmp/events"
	result $? shows_them
	mboxctl stat --json "$name" | grep -qE '"latencies": ?\['
	result $? shows_them_as_json
	try counts_them_no_more 0 '' mboxctl set --latency off "$name"
	! mboxctl stat "$name" | grep -q '^latency'
	result $? and_they_are_gone
	try knows_on_and_off_alone 2 '' mboxctl set --latency maybe "$name"
	age=$(field age)
	result $((${age%.*} < 0 || ${age%.*} > 300)) knows_how_old_it_is
}

activated() {
	# shellcheck disable=SC2016 # it is the server that expands it
	mboxctl activate --create "$name.a" -- sh -c \
		'echo "$LISTEN_FDS $(($LISTEN_PID - $$))"; cat <&3' > "$tmp/events" 2> "$tmp/said" &
	server=$!
	wait_for mboxctl stat "$name.a" > /dev/null
	mboxctl send "$name.a" "the first"
	wait_for grep -q first "$tmp/events"
	result $? is_started_by_a_message
	[ "$(cat "$tmp/events")" = "1 0${nl}the first" ]
	result $? and_finds_it_in_the_mailbox
	kill $server
	wait $server
	[ ! -s "$tmp/said" ]
	result $? and_said_nothing
	try waits_for_so_long 3 '' mboxctl activate -t 0.05 "$name.a" -- true
	mboxctl send "$name.a" x
	try is_the_command 7 '' sh -c "mboxctl activate $name.a -- sh -c 'echo it >&2; exit 7'"
	try finds_no_command 1 '' mboxctl activate "$name.a" -- /no/command
	try needs_a_command 2 '' mboxctl activate "$name.a"
	try needs_a_mailbox 4 '' mboxctl activate "$name.b" -- true
	mboxctl rm "$name.a"
}

all() {
	mboxctl create "$name"
	monitored
	unusual
	latencies
	activated
}

run_all
