#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The command mboxctl on a terminal, which tmux is here: top and progress; what bash completes;
# bench.

# shellcheck source-path=SCRIPTDIR source=mboxctl/common.sh
. "$(dirname "$0")/mboxctl/common.sh"

session=0
mux() {
	tmux -L "$name.$session" -f /dev/null "$@"
}

# screen COLUMNS ROWS COMMAND: on a new terminal.
screen() {
	mux kill-server 2> /dev/null
	session=$((session + 1))
	LC_ALL=C.UTF-8 mux new-session -d -x "$1" -y "$2" "$3; exec sleep 1000"
}

# shown PATTERN: whether a line of the screen is so now.
shown() {
	mux capture-pane -p | grep -q -- "$1"
}

# shows TEST PATTERN: some time.
shows() {
	wait_for shown "$2"
	got=$?
	[ $got -eq 0 ] || mux capture-pane -p | sed 's/^/# shown: /'
	result $got "$1"
}

# terminal FLAGS: whether it shows the other screen, has a cursor, and wraps long lines.
terminal() {
	[ "$(mux display-message -p '#{alternate_on}#{cursor_flag}#{wrap_flag}')" = "$1" ]
}

batch() {
	try has_nothing_to_say_of_nothing 0 '' mboxctl top -n 0
	try knows_no_delay_of_nothing 2 '' mboxctl top --delay 0
	try knows_no_delay_for_ever 2 '' mboxctl top --delay inf
	try knows_no_such_order 2 '' mboxctl top --sort size
	try takes_no_mailbox 2 '' mboxctl top "$name"

	mboxctl create "$name"
	mboxctl send --count 3 "$name" four
	mboxctl create "$name.2"
	mboxctl top -b -n 2 -d 0.5 > "$tmp/top" &
	top=$!
	mboxctl send --count 40 "$name.2" x
	wait $top
	result $? ends_after_so_many
	[ "$(grep -c ^NAME "$tmp/top")" -eq 2 ]
	result $? shows_so_many
	awk -v name="$name" '$1 == name && $2 == 3 && $3 == 12 { n++ } END { exit n != 2 }' \
		"$tmp/top"
	result $? shows_what_a_mailbox_holds
	! grep -q "$(printf '\033')" "$tmp/top"
	result $? shows_plain_text
}

# order OF...: in which the two are shown.
order() {
	mboxctl top -n 1 -d 0.01 "$@" | awk '{ print $1 }' | grep "^$name" | tr '\n' ' '
}

# shellcheck disable=SC2317 # wait_for calls it
rated() {
	mboxctl top -n 1 -d 0.2 | awk -v name="$name.2" '$1 == name && $4 > 0 { n++ }
		END { exit !n }'
}

# shellcheck disable=SC2317 # wait_for calls it
busy_first() {
	[ "$(order)" = "$name.2 $name " ]
}

orders() {
	[ "$(order --sort messages)" = "$name.2 $name " ]
	result $? sorts_by_messages
	[ "$(order --sort bytes)" = "$name.2 $name " ] && mboxctl send "$name" "$(seq 100)" &&
		[ "$(order --sort bytes)" = "$name $name.2 " ]
	result $? sorts_by_bytes
	[ "$(order --sort name)" = "$name $name.2 " ]
	result $? sorts_by_name
	mboxctl set --drop "$name.2"
	mboxctl send --count 1G "$name.2" x 2> /dev/null &
	sender=$!
	wait_for busy_first
	result $? sorts_by_traffic
	wait_for rated
	result $? tells_what_is_sent_a_second
	kill $sender
	wait $sender
}

# fits ROWS: the picture is as high as that.
# shellcheck disable=SC2317 # wait_for calls it
fits() {
	[ "$(mux capture-pane -p | awk 'NR == 2 { print $1 } END { print NR }')" = "NAME$nl$1" ]
}

live() {
	screen 90 10 "stty -g > $tmp/before; mboxctl top -d 0.2; status=\$?
		stty -g > $tmp/after; echo status \$status"
	shows shows_all ' mailboxes by traffic; keys: '
	shows has_a_line_for_a_mailbox "^$name  *4  *[0-9]"
	terminal 100
	result $? hides_what_was_there
	mboxctl send "$name" x
	shows shows_what_changes "^$name  *5  *[0-9]"
	mux send-keys m
	shows sorts_as_it_is_told 'by messages'
	mux resize-window -x 60 -y 3
	wait_for fits 3
	result $? fits_any_terminal
	mux send-keys q
	shows ends_as_it_is_told '^status 0'
	terminal 011
	result $? brings_back_what_was_there
	cmp -s "$tmp/before" "$tmp/after"
	result $? leaves_the_terminal_as_it_was

	screen 90 10 "stty -g > $tmp/before; sh -c 'echo \$\$ > $tmp/pid; exec mboxctl top'
		status=\$?; stty -g > $tmp/after; echo status \$status"
	shows is_there ' mailboxes by traffic; keys: '
	kill "$(cat "$tmp/pid")"
	shows can_be_killed '^status 143'
	terminal 011 && cmp -s "$tmp/before" "$tmp/after"
	result $? leaves_the_terminal_then_too

	screen 90 10 'PS1="$ " sh -i'
	mux send-keys 'mboxctl top' Enter
	shows is_there_again ' mailboxes by traffic; keys: '
	mux send-keys C-z
	wait_for terminal 011
	result $? can_be_stopped
	mux send-keys fg Enter
	shows goes_on ' mailboxes by traffic; keys: '
	mux send-keys C-c
	wait_for terminal 011
	result $? can_be_interrupted
}

# What is received does nothing to the terminal.
harmless() {
	mboxctl create "$name.3"
	mboxctl send "$name.3" "$(printf 'a\033[31mb\007\303\251')" 2> /dev/null
	screen 60 5 "mboxctl recv $name.3; sleep 60"
	shows escapes_what_a_terminal_would_obey '^a\\x1b\[31mb\\x07'
	mboxctl send "$name.3" "$(printf 'a\033[31mb')"
	[ "$(mboxctl recv "$name.3" | wc -c)" -eq 8 ]
	result $? leaves_it_as_it_is_elsewhere
	mboxctl rm "$name.3"
}

# red: whether something on the screen is.
red() {
	mux capture-pane -p -e | grep -q "$(printf '\033')\[31m"
}

colours() {
	mboxctl set --max-messages 1 "$name"
	mboxctl send "$name" x &
	sender=$!
	wait_for has waiting_senders 1
	screen 90 10 'mboxctl top -d 0.2'
	wait_for red
	result $? is_red_where_senders_wait
	screen 90 10 'NO_COLOR=1 mboxctl top -d 0.2'
	shows has_it_without_colours "^$name .*  1  "
	! red
	result $? no_colours
	kill $sender
	wait $sender
	mboxctl drain "$name" > /dev/null
	mboxctl set --max-messages 1000000 "$name"
}

progress() {
	mboxctl drain "$name" > "$tmp/out"
	screen 90 10 "(for i in \$(seq 600); do echo \$i; sleep 0.1; done) |
		mboxctl send --lines $name"
	shows tells_how_far_it_sends '^[0-9][0-9]* messages, 0.0 MiB'
	screen 90 10 "mboxctl recv --follow $name > $tmp/received"
	mboxctl send "$name" x
	(while sleep 0.1; do mboxctl send "$name" x; done) &
	sender=$!
	shows tells_how_far_it_receives '^[0-9][0-9]* messages, '
	kill $sender
	screen 90 10 "(head -c 3000000 /dev/zero; sleep 1.5; echo; sleep 1000) |
		mboxctl send $name"
	shows tells_how_much_it_reads '^[0-9.]* MiB'
	screen 90 10 "(echo; sleep 1.5; echo) | mboxctl send --lines $name; echo ended"
	shows takes_it_away_in_the_end '^ended'
	screen 90 10 "(echo; sleep 1.5; echo; head -c 2000000 /dev/zero) |
		mboxctl send --lines $name"
	shows says_what_failed '^mboxctl: cannot send to'
	screen 90 10 "mboxctl recv --follow $name"
	mboxctl send --count 50 "$name" x
	wait_for has messages 0
	sleep 1.5
	mboxctl send "$name" last
	shows prints_on_the_terminal '^last'
	! shown messages
	result $? and_nothing_else
	mux kill-server
}

# completed WORD...: what bash makes of the last one.
completed() {
	# shellcheck disable=SC2016 # for bash
	bash -c 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mboxctl mboxctl
		printf "%s " "${COMPREPLY[@]}"' "$script" "$@"
}

completion() {
	script=$(dirname "$(command -v mboxctl)")/../share/bash-completion/completions/mboxctl
	try completes_commands 0 'stat set send serve ' completed mboxctl s
	try completes_options 0 '--save-files ' completed mboxctl recv --s
	try completes_names 0 "$name $name.2 " completed mboxctl send -p 5 "$name"
	try completes_one_name 0 ' ' completed mboxctl send "$name" "$name"
	try completes_many_where_that_is_right 0 "$name $name.2 " \
		completed mboxctl rm "$name" "$name"
	mboxctl create "$name a%d\\"
	try completes_odd_names 0 "$name\\ a%d\\\\ " completed mboxctl recv "$name\\"
	try removes_it 0 '' mboxctl rm "$name a%d\\"
	try completes_what_an_option_takes 0 'traffic ' completed mboxctl top --sort = t
	try completes_that_from_nothing 0 'sender pid badge ' completed mboxctl create --types =
	: > "$tmp/file"
	try completes_files 0 "$tmp/file " completed mboxctl send -f "$tmp/fi"
	try completes_the_command 0 'mboxctl ' completed mboxctl serve "$name" -- mboxct
	try knows_all_commands 0 '' sh -c "for command in $(completed mboxctl ''); do
		mboxctl \$command --help > /dev/null || exit; done"
}

bench() {
	mkdir "$tmp/bin" "$tmp/elsewhere"
	cp "$(command -v mboxctl)" "$tmp/bin"
	try says_where_to_get_what_is_missing 1 '' env PATH= "$tmp/bin/mboxctl" bench
	told and_how 'make bench-program'
	printf '#!/bin/sh\necho "$@"\n' > "$tmp/elsewhere/mbox-bench"
	chmod +x "$tmp/elsewhere/mbox-bench"
	try finds_it_in_path 0 "path roundtrip$nl" env PATH="$tmp/elsewhere:$PATH" \
		"$tmp/bin/mboxctl" bench
	mv "$tmp/elsewhere/mbox-bench" "$tmp/bin"
	try finds_it_beside_itself 0 "path roundtrip$nl" env PATH="$PATH" "$tmp/bin/mboxctl" bench
	try passes_on_what_is_said 0 "--json x names$nl" "$tmp/bin/mboxctl" bench -- --json x names
	try measures 0 '' sh -c 'mboxctl bench path 2> /dev/null | grep -q "^  mbox "; exit $?'
}

all() {
	batch
	orders
	live
	colours
	progress
	completion
	bench
	harmless
	mboxctl rm "$name.2"
}

run_all
