#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What the manual pages and other documents show is tried, as tools/extract found it: the
# commands of a document, one after the other, by one shell in a network namespace of its own,
# must print what stands below them, where "..." is anything and blanks are one. One that fails
# without saying so is an error, unless the next one asks for $?.
#
# Programs were compiled on the host. $MBOX_DOCUMENTS has them, or the folder documents beside
# this script.

documents=${MBOX_DOCUMENTS:-$(dirname "$0")/documents}

# The next three are functions that documents use.
sudo() {
	"$@"
}

cc() { # NAME.c...: was done
	[ -x "${1%.c}" ]
}

insmod() { # the module, built elsewhere
	[ "$1" = "build/$(uname -r)/mbox.ko" ] && command insmod "$MBOX_KO"
}

# Commands that only look, and may have to look again until it has come about.
looks() {
	case $1 in
	'mboxctl ls'* | 'mboxctl stat'* | 'cat /proc/'* | 'grep '*) ;;
	*) false ;;
	esac
}

squeezed() {
	tr '\t' ' ' | tr -s ' ' | sed 's/ $//'
}

# As a pattern for case.
pattern() {
	squeezed | sed 's/[][*?\\]/\\&/g; s/\.\.\./*/g'
}

set_status() {
	return "$1"
}

# matches: what was printed is what was to be printed.
matches() {
	printed=$(squeezed < "$out")
	# shellcheck disable=SC2254 # a pattern it is
	case $printed in
	$expected) ;;
	*) false ;;
	esac
}

# said_so NEXT: what failed ended with a message such as "name: what: why", or is asked for.
said_so() {
	[ "$status" -eq 0 ] && return 0
	case $1 in *'$?'*) return 0 ;; esac
	case $(tail -n 1 "$out") in [a-z]*': '*) ;; *) false ;; esac
}

# try NEXT: $command, before the command NEXT.
try() {
	[ -n "$command" ] || return 0
	number=$((number + 1))
	out=$tmp/$number
	expected=$(pattern < "$tmp/expected")
	tries=0
	while :; do
		set_status "$status"
		eval "$command" > "$out" 2>&1 < /dev/null 3<&-
		status=$?
		if matches || ! looks "$command" || [ $tries -eq 100 ]; then
			break
		fi
		tries=$((tries + 1))
		sleep 0.1
	done
	if matches && said_so "$1"; then
		printf 'ok %s: %s\n' "$name" "$command"
		return
	fi
	printf 'not ok %s: %s\n' "$name" "$command"
	echo "# status $status; printed:"
	sed 's/^/# | /' "$out"
	echo "# and not:"
	sed 's/^/# | /' "$tmp/expected"
}

# play FOLDER: a document.
play() {
	name=$(basename "$1")
	tmp=$(mktemp -d)
	number=0 status=0 command=
	cd "$1" || exit
	! grep -q insmod session || rmmod mbox
	while IFS= read -r line <&3; do
		case $line in
		'$ '*)
			try "$line"
			command=${line#??}
			: > "$tmp/expected"
			;;
		*) printf '%s\n' "$line" >> "$tmp/expected" ;;
		esac
	done 3< session
	try ''
	jobs -p > "$tmp/jobs"
	xargs kill < "$tmp/jobs" 2> /dev/null
	wait
	[ -d /sys/module/mbox ] || command insmod "$MBOX_KO"
	rm -rf "$tmp"
}

if [ $# -gt 0 ]; then
	play "$1"
	exit
fi

echo "TAP version 13"
if [ -z "$MBOX_KO" ]; then
	echo "1..0 # SKIP not in the virtual machine"
	exit 0
fi
sessions=$(cat "$documents"/*/session | grep -c '^\$ ')
echo "1..$((sessions ? sessions : 1))" # none at all is a failure
for folder in "$documents"/*/; do
	unshare -n "$0" "$folder" 2>&1
done | awk '
	/^ok / { sub(/^ok /, "ok " ++n " ") }
	/^not ok / { sub(/^not ok /, "not ok " ++n " "); failed = 1 }
	{ print; fflush() }
	END { exit failed || !n }'
