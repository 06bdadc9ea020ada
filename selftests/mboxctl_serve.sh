#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The command mboxctl: requests, and commands that answer them.

# shellcheck source-path=SCRIPTDIR source=mboxctl/common.sh
. "$(dirname "$0")/mboxctl/common.sh"

# serve ARG...: a server in the background, $server.
serve() {
	mboxctl serve "$@" > "$tmp/served" 2> "$tmp/said" &
	server=$!
}

# ends TEST STATUS: so does the server.
ends() {
	wait $server
	got=$?
	[ $got -eq "$2" ] || {
		echo "# the server's status: $got, not $2"
		sed 's/^/# it said: /' "$tmp/said"
	}
	result $((got != $2)) "$1"
}

# call ARG...: in the background, $caller.
call() {
	mboxctl call "$@" > "$tmp/reply" 2> "$tmp/err" < /dev/null &
	caller=$!
}

# call_ends TEST STATUS OUTPUT: so does that.
call_ends() {
	wait $caller
	got=$?
	[ $got -eq "$2" ] && [ "$(cat "$tmp/reply")" = "$3" ]
	result $? "$1"
}

in_vain() {
	try calls_nobody 4 '' mboxctl call "$name" x
	mboxctl create "$name"
	try calls_in_vain 3 '' mboxctl call --timeout 0.01 "$name" x
	result $(($(field messages) != 0)) leaves_nothing_behind
	try needs_time 2 '' mboxctl call --timeout 0 "$name" x
	try has_one_request 2 '' mboxctl call --file "$tmp/no" "$name" x
	try calls_with_no_file_that_is_not_there 1 '' mboxctl call --file "$tmp/no" "$name"
	try calls_no_such_process 4 '' mboxctl call --pid 999999 x
	try serves_no_such_mailbox 4 '' mboxctl serve "$name.no" -- cat
	try serves_no_such_process 4 '' mboxctl serve --pid 999999 -- cat
	try creates_no_other_process 2 '' mboxctl serve --create --pid 1 -- cat
	try needs_a_command 2 '' mboxctl serve "$name"
	try needs_a_worker 2 '' mboxctl serve --workers 0 "$name" -- cat
	try knows_no_such_count 2 '' mboxctl serve --count many "$name" -- cat
}

replies() {
	serve --count 7 "$name" -- cat
	try gets_a_reply 0 "hello$nl" mboxctl call "$name" hello
	input_is 'a\nb\n'
	try calls_with_its_input 0 "a${nl}b$nl" mboxctl call --raw "$name"
	try gets_json 0 "\"x\"$nl" sh -c \
		"mboxctl call --json $name x | sed 's/.*\"payload\":\\(.*\\)}/\\1/'"
	try tells_the_servers_process 0 '' sh -c \
		"mboxctl call -H $name x | grep -q '^seq .* pid [1-9][0-9]* uid 0 length 1$'"
	try gets_an_empty_reply 0 "$nl" mboxctl call "$name" ''
	head -c 700000 /dev/urandom > "$tmp/random"
	try calls_with_a_file 0 '' sh -c \
		"mboxctl call --raw --file $tmp/random $name > $tmp/same"
	cmp -s "$tmp/random" "$tmp/same"
	result $? gets_all_of_it_back
	try gets_a_reply_in_time 0 "x$nl" mboxctl call --timeout 60 "$name" x
	ends serves_so_many 0
	[ ! -s "$tmp/said" ]
	result $? and_says_nothing
}

# shellcheck disable=SC2016 # for the command
refusals() {
	serve --count 6 "$name" -- sh -c 'read -r command; eval "$command"'
	try is_refused 5 '' mboxctl call "$name" 'echo not this; exit 7'
	told and_told_why 'refused, with code 7'
	try tells_that_in_json 5 "3$nl" sh -c \
		"mboxctl call --json $name 'exit 3' > $tmp/json
		status=\$?; sed 's/.*\"code\":\\(.*\\)}/\\1/' $tmp/json; exit \$status"
	try is_refused_if_the_command_is_killed 5 '' mboxctl call "$name" 'kill -KILL $$'
	told and_told_that 'with code 137'
	try is_refused_a_reply_that_is_too_long 5 '' mboxctl call --max-reply 4 "$name" 'echo long'
	told and_told_what_is_too_long max-reply
	grep -qF 'longer than the 4 bytes' "$tmp/said"
	result $? which_the_server_says_too
	try is_refused_one_without_end 5 '' mboxctl call "$name" yes
	try gets_one_that_just_fits 0 "fit$nl$nl" mboxctl call --max-reply 4 "$name" 'echo fit'
	ends serves_after_what_failed 0
}

# shellcheck disable=SC2016 # for the command
environment() {
	serve --count 2 "$name" -- sh -c 'echo "$MBOX_UID $MBOX_GID $MBOX_TYPE $MBOX_PRIORITY" \
		"$MBOX_BADGE $MBOX_DELIVERIES $MBOX_FILES $MBOX_REPLY_MAX"; echo $MBOX_PID >&2'
	call --raw -T 5 -p 3 --max-reply 99 "$name" x
	call_ends knows_the_request 0 "0 0 5 3 0 1 0 99"
	[ "$(cat "$tmp/said")" = $caller ]
	result $? knows_the_caller
	mboxctl send "$name" x
	ends serves_a_message_that_wants_no_reply 0
	[ "$(cat "$tmp/served")" = '0 0 0 0 0 1 0 ' ]
	result $? which_has_no_limit_of_it

	echo in the file > "$tmp/small"
	serve --count 1 "$name" -- sh -c 'cat; cat <&3; echo "$MBOX_FILES"; ls /proc/self/fd | wc -l'
	wait_for has receivers 2 # that of stat too
	# 0, 1, 2, the file, and what ls has open.
	try gives_it_files 0 "text, in the file${nl}1${nl}5$nl" mboxctl call --raw \
		--by-reference "$tmp/small" "$name" 'text, '
	ends serves_files 0
}

# shellcheck disable=SC2016 # for the command
messages() {
	mboxctl send --count 5 "$name" x
	serve --count 3 --workers 2 "$name" -- sh -c 'echo "$(cat)"'
	ends serves_messages 0
	[ "$(cat "$tmp/served")" = "x${nl}x${nl}x" ]
	result $? just_so_many
	result $(($(field messages) != 2)) and_leaves_the_rest
	serve --timeout 0.2 "$name" -- sh -c 'echo failed; exit 9'
	ends ends_when_none_comes 0
	result $(($(field messages) != 0)) has_tried_them
	grep -qF 'the command failed (9)' "$tmp/said"
	result $? says_that_a_message_failed

	mboxctl send "$name" kept
	try runs_no_command_that_is_not_there 1 '' mboxctl serve "$name" -- "$tmp/no"
	try runs_none_that_is_not_executable 1 '' mboxctl serve "$name" -- "$tmp/out"
	try loses_nothing_then 0 "kept$nl" mboxctl recv "$name"
	call "$name" kept
	wait_for has messages 1
	try has_no_command_for_a_call 1 '' mboxctl serve -n 3 "$name" -- "$tmp/no"
	serve --count 1 "$name" -- cat
	call_ends leaves_the_call_to_the_next 0 kept
	ends which_serves_it 0
}

# The one writes what the other reads: neither ends alone.
workers() {
	mkfifo "$tmp/fifo"
	serve --count 2 --workers 2 "$name" -- sh -c \
		"read -r what; [ \$what = read ] && cat $tmp/fifo || echo both > $tmp/fifo"
	call "$name" write
	try serves_two_at_a_time 0 "both$nl$nl" mboxctl call "$name" read
	call_ends and_the_other 0 ''
	ends all_workers 0

	mboxctl set --max-messages 1 "$name"
	serve --count 9 --workers 3 "$name" -- true
	try serves_what_is_full 0 '' mboxctl send --count 9 "$name" x
	ends as_many 0
	mboxctl set --max-messages 99 "$name"
	result $(($(field messages) != 0)) nothing_is_left
}

# A command that tells its worker in $tmp/begun, and ends when there is $tmp/let.
hold() {
	rm -f "$tmp/begun" "$tmp/let"
	echo "echo \$PPID > $tmp/new; mv $tmp/new $tmp/begun
		until [ -e $tmp/let ]; do sleep 0.05; done; echo \$MBOX_DELIVERIES"
}

kills() {
	serve --count 2 "$name" -- sh -c "$(hold)"
	call "$name" x
	wait_for [ -s "$tmp/begun" ]
	worker=$(cat "$tmp/begun")
	kill -KILL "$worker"
	call_ends tells_the_caller_that_its_worker_was_killed 6 ''
	told and_what_happened 'died, or threw the request away'
	: > "$tmp/let"
	try has_another_in_its_place 0 "1$nl$nl" mboxctl call "$name" x
	ends goes_on_without_it 0
	grep -qF 'a worker was killed' "$tmp/said"
	result $? says_so

	serve "$name" -- sh -c "$(hold)"
	mboxctl send "$name" x
	wait_for [ -s "$tmp/begun" ]
	kill -KILL "$(cat "$tmp/begun")"
	: > "$tmp/let"
	wait_for grep -qx 2 "$tmp/served"
	result $? delivers_its_message_again
	kill -TERM $server
	ends ends_when_idle 0

	serve -n 2 "$name" -- sh -c "$(hold)"
	call "$name" x
	wait_for [ -s "$tmp/begun" ]
	worker=$(cat "$tmp/begun")
	kill -KILL $server
	wait $server 2> /dev/null
	: > "$tmp/let"
	call_ends serves_to_the_end_without_its_head 0 1
	wait_for sh -c "! kill -0 $worker"
	result $? and_ends_then
}

signals() {
	serve "$name" -- sh -c "$(hold)"
	call "$name" x
	wait_for [ -s "$tmp/begun" ]
	kill -TERM $server
	# The worker has been told, though it does not look yet.
	wait_for sh -c "grep -q 'ShdPnd:.*[4-7c-f]...$' \
		/proc/\$(cut -d' ' -f1 /proc/$server/task/$server/children)/status"
	mboxctl send "$name" later
	: > "$tmp/let"
	call_ends ends_after_what_it_does 0 1
	ends and_that_is_well 0
	try takes_no_other_then 0 "later$nl" mboxctl recv "$name"

	serve -n 3 "$name" -- sh -c "$(hold)"
	call "$name" x
	wait_for [ -s "$tmp/begun" ]
	kill -INT $server
	kill -TERM $server
	call_ends tells_callers_when_it_ends_at_once 6 ''
	ends says_that_it_did 1
	: > "$tmp/let"
}

# Who gives up harms nobody.
others() {
	serve --count 2 "$name" -- sh -c "$(hold)"
	call "$name" x
	wait_for [ -s "$tmp/begun" ]
	kill $caller
	wait $caller
	: > "$tmp/let"
	try is_served_after_one_that_gave_up 0 "1$nl$nl" mboxctl call "$name" x
	ends without_a_word 0
	[ ! -s "$tmp/said" ]
	result $? of_who_gave_up
	mboxctl rm "$name"

	serve --create "$name" -- cat
	wait_for mboxctl stat "$name" > /dev/null
	try is_served_by_who_creates_the_mailbox 0 "x$nl" mboxctl call "$name" x
	mboxctl rm "$name"
	ends ends_with_its_mailbox 0
	try creates_no_such_name 1 '' mboxctl serve --create a/b -- cat
}

all() {
	in_vain
	replies
	refusals
	environment
	messages
	workers
	kills
	signals
	others
}

run_all
