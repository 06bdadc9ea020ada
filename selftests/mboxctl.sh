#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The command mboxctl: mailboxes, and messages sent and received.

# shellcheck source-path=SCRIPTDIR source=mboxctl/common.sh
. "$(dirname "$0")/mboxctl/common.sh"

mailboxes() {
	try creates_a_mailbox 0 '' mboxctl create "$name"
	try creates_it_once_more_as_it_is 0 '' mboxctl create "$name"
	try refuses_to_create_it_anew 1 '' mboxctl create -x "$name"
	try opens_no_other 4 '' mboxctl stat "$name.no"
	try has_it_in_the_list 0 "$name$nl" sh -c \
		"mboxctl ls -n | awk '\$1 == \"$name\" { print \$1 }'"
	try lists_as_json 0 "      }$nl" sh -c "mboxctl ls --json --wide | grep '^      }$' | tail -n 1"
}

messages() {
	try sends_an_argument 0 '' mboxctl send "$name" hello
	try receives_it 0 "hello$nl" mboxctl recv "$name"
	input_is 'a\nb\n'
	try sends_its_input 0 '' mboxctl send "$name"
	try receives_it_raw 0 "a${nl}b$nl" mboxctl recv --raw "$name"
	input_is 'a\nb\n\nc'
	try sends_lines 0 '' mboxctl send --lines "$name"
	try peeks_at_all 0 "a${nl}b$nl${nl}c$nl" mboxctl peek "$name"
	try peeks_at_some 0 "a${nl}b$nl" mboxctl peek --count 2 "$name"
	try receives_so_many 0 "a${nl}b$nl$nl" mboxctl recv --count 3 "$name"
	try receives_what_is_left 0 "c$nl" mboxctl recv --count 9 --timeout 0 "$name"
	try sends_a_short_one_before_a_long_one 0 '' sh -c \
		"mboxctl send $name a && mboxctl send $name bbbbbbbb && mboxctl send $name c"
	try peeks_at_each_once 0 "a${nl}bbbbbbbb${nl}c$nl" mboxctl peek "$name"
	try receives_these_too 0 "a${nl}bbbbbbbb${nl}c$nl" mboxctl recv --count 3 "$name"
	try receives_nothing_at_once 3 '' mboxctl recv --timeout 0 "$name"
	try receives_nothing_in_time 3 '' mboxctl recv --timeout 0.01 "$name"
	try peeks_at_nothing 3 '' mboxctl peek "$name"
}

selected() {
	try sends_by_type_and_priority 0 '' sh -c "mboxctl send -T 5 -p 1 $name five &&
		mboxctl send -T 6 -p 9 $name six && mboxctl send -T 7 $name seven"
	try tells_headers 0 "six$nl" sh -c "mboxctl peek -H -c 1 $name | grep -v '^seq '"
	try selects_by_type 0 "five$nl" mboxctl recv --type 5 "$name"
	try selects_another_type 0 "seven$nl" mboxctl recv --except 6 "$name"
	try selects_by_priority 3 '' mboxctl recv --priority 10 --timeout 0 "$name"
	try selects_the_lowest_type 0 "six$nl" mboxctl recv --lowest 99 "$name"
}

# Senders that go on, and send what is more urgent; it is full, and each of them waits with one.
drains_what_was_there() {
	mboxctl send "$name" old
	for priority in 0 1 2; do
		mboxctl send --priority $priority --count 1G "$name" x 2> /dev/null &
		senders="$senders $!"
	done
	wait_for has messages 1024 && wait_for has waiting_senders 3
	timeout 60 mboxctl drain "$name" > "$tmp/drained"
	result $? ends_while_others_send
	drained=$(cat "$tmp/drained")
	result $((drained < 1024 || drained > 1027)) drains_no_more_than_it_must
	# shellcheck disable=SC2086 # many
	kill $senders 2> /dev/null
	wait
	! mboxctl peek "$name" | grep -q old
	result $? drains_what_was_there
	result $(($(field sent) - $(field received) != $(field messages))) has_put_back_the_rest
	mboxctl drain "$name" > /dev/null
}

bytes() {
	try sends_many 0 '' mboxctl send --count 50 "$name" x
	result $(($(field messages) != 50)) they_are_there
	try drains 0 "50$nl" mboxctl drain "$name"
	try drains_nothing 0 "0$nl" mboxctl drain "$name"
	drains_what_was_there

	input_is '\0000\0001\0377\n\0000'
	try sends_binary 0 '' mboxctl send "$name"
	mboxctl recv --raw "$name" > "$tmp/binary"
	printf '\000\001\377\n\000' | cmp -s - "$tmp/binary"
	result $? receives_binary
	try sends_text_for_json 0 '' mboxctl send "$name" 'a "b" \ ü'
	try has_text_in_json 0 "\"a \\\"b\\\" \\\\ ü\"$nl" sh -c \
		"mboxctl recv --json $name | sed 's/.*\"payload\":\\(.*\\)}/\\1/'"
	try sends_nothing_for_json 0 '' mboxctl send "$name" ''
	try has_nothing_in_json 0 "\"\"$nl" sh -c \
		"mboxctl recv --json $name | sed 's/.*\"payload\":\\(.*\\)}/\\1/'"
	input_is '\0377\0000a'
	try sends_no_text 0 '' mboxctl send "$name"
	try has_bytes_in_json 0 "\"ff0061\"$nl" sh -c \
		"mboxctl recv --json $name | sed 's/.*\"payload_hex\":\\(.*\\)}/\\1/'"

	head -c 300000 /dev/zero > "$tmp/zeroes"
	try sends_a_file 0 '' mboxctl send --file "$tmp/zeroes" "$name"
	mboxctl recv --raw "$name" | cmp -s - "$tmp/zeroes"
	result $? receives_what_is_longer_than_its_buffer
	try sends_no_file_that_is_not_there 1 '' mboxctl send --file "$tmp/no" "$name"

	try is_told_that_it_could_not_print 1 '' sh -c \
		"mboxctl send $name kept && mboxctl recv $name > /dev/full"
	! grep -qF '  ' "$tmp/err"
	result $? and_not_what_has_nothing_to_do_with_it
	try could_not_print_json_either 1 '' sh -c "mboxctl recv --json $name > /dev/full"
	try has_not_lost_it 0 "kept$nl" mboxctl recv "$name"
}

# Files wait in a mailbox only while somebody has it open to receive.
by_reference() {
	seq 100000 > "$tmp/large"
	try sends_no_file_to_nobody 1 '' mboxctl send --by-reference "$tmp/large" "$name"
	told and_says_what_is_missing 'nobody has it open to receive'
	mboxctl recv --type 4242 "$name" &
	keeper=$!
	wait_for has waiting_receivers 1

	try sends_a_file_by_reference 0 '' mboxctl send --by-reference "$tmp/large" "$name"
	result $(($(field bytes) != 0)) copies_nothing
	try peeks_at_its_payload_alone 0 "$nl" mboxctl peek "$name"
	mboxctl recv --raw "$name" | cmp -s - "$tmp/large"
	result $? receives_what_is_in_it
	echo in the file > "$tmp/small"
	try sends_one_with_a_payload 0 '' mboxctl send --by-reference "$tmp/small" "$name" 'text, '
	try receives_both 0 "text, in the file$nl$nl" mboxctl recv "$name"
	try sends_the_same_many_times 0 '' mboxctl send --count 2 --by-reference "$tmp/small" "$name"
	try tells_of_a_file 0 "1${nl}1$nl" sh -c "mboxctl recv -c 2 --json $name 2> $tmp/said |
		sed 's/.*\"files\":\([0-9]*\),.*/\1/'"
	grep -q 'save-files' "$tmp/said"
	result $? says_that_json_has_no_files

	mkdir "$tmp/saved"
	try sends_one_to_be_saved 0 '' mboxctl send --by-reference "$tmp/large" "$name" text
	try prints_the_rest 0 "text$nl" mboxctl recv --save-files "$tmp/saved" "$name"
	cmp -s "$tmp/saved"/*.0 "$tmp/large"
	result $? saves_the_file
	mboxctl send --by-reference "$tmp/small" "$name"
	try saves_nothing_into_no_folder 1 '' mboxctl recv --save-files "$tmp/no" "$name"
	try is_told_that_the_rest_could_not_be_printed 1 '' sh -c \
		"mboxctl recv --save-files $tmp/saved $name > /dev/full"
	result $(($(find "$tmp/saved" -type f | wc -l) != 1)) leaves_nothing_behind_then
	try receives_it_still 0 "in the file$nl$nl" mboxctl recv "$name"

	try refers_to_no_file_that_is_not_there 1 '' mboxctl send --by-reference "$tmp/no" "$name"
	try refers_to_no_device 1 '' mboxctl send --by-reference /dev/null "$name"
	try takes_one_payload 2 '' mboxctl send --by-reference "$tmp/small" --lines "$name"
	result $(($(field messages) != 0)) and_has_sent_nothing
	mboxctl send --type 4242 "$name" end
	wait $keeper > /dev/null
}

limits() {
	try sets_limits 0 '' mboxctl set --max-messages 1 --max-message-size 4 "$name"
	result $(($(field max_messages) != 1 || $(field max_message_size) != 4)) they_are_set
	try refuses_what_is_too_long 1 '' mboxctl send "$name" hello
	told and_says_which_limit_that_is max_message_size
	try fills_it 0 '' mboxctl send "$name" 1
	try does_not_wait_for_room 3 '' mboxctl send --timeout 0 "$name" 2
	try waits_for_room_in_vain 3 '' mboxctl send --timeout 0.01 "$name" 2
	try lets_old_ones_be_dropped 0 '' mboxctl set --drop "$name"
	try drops_an_old_one 0 '' mboxctl send "$name" 2
	try has_the_new_one 0 "2$nl" mboxctl recv "$name"
	try refuses_limits_beyond_the_ceiling 1 '' mboxctl set --max-messages 2000000 "$name"
	told and_says_how_to_raise_it /sys/module/mbox/parameters/max_messages
	try takes_units 0 '' mboxctl set --max-bytes 2M "$name"
	result $(($(field max_bytes) != 2097152)) and_knows_what_they_are
	try changes_the_mode 0 '' mboxctl set --mode 620 "$name"
}

bad_usage() {
	try knows_no_command 2 '' mboxctl nonsense
	try needs_a_command 2 '' mboxctl
	try needs_a_mailbox 2 '' mboxctl recv
	try knows_no_such_number 2 '' mboxctl send -p many "$name" x
	try knows_no_negative_number 2 '' mboxctl send -p -1 "$name" x
	try knows_no_hidden_negative_number 2 '' mboxctl send -T ' -1' "$name" x
	try knows_no_number_that_large 2 '' mboxctl send -T 99999999999999999999 "$name" x
	try knows_no_such_time 2 '' mboxctl recv -t soon "$name"
	try knows_no_such_process 4 '' mboxctl send --pid 999999 x
}

end() {
	try follows 0 "1${nl}2$nl" sh -c "mboxctl send -l $name < /dev/null;
		mboxctl set --max-messages 9 $name;
		mboxctl recv --follow $name > $tmp/followed & follower=\$!;
		mboxctl send -s $name 1; mboxctl send -s $name 2;
		kill \$follower; cat $tmp/followed"
	try says_that_all_is_well 0 "a message went through a mailbox, and came out$nl" sh -c \
		'mboxctl doctor | tail -n 1'
	try removes_nothing_if_it_does_not_understand 2 '' mboxctl rm "$name" -P none
	try has_it_still 0 '' sh -c "mboxctl stat $name > /dev/null"
	try removes_it 0 '' mboxctl rm "$name"
	try removes_it_once 4 '' mboxctl rm "$name"
	try finds_it_no_more 4 '' mboxctl send "$name" x
}

all() {
	mailboxes
	messages
	selected
	bytes
	by_reference
	limits
	bad_usage
	end
}

run_all
