# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of mboxctl for bash: the commands and options that it names in --help, and the
# mailboxes that can be found.

_mboxctl_commands() { # PROGRAM
	"$1" --help 2> /dev/null | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

_mboxctl_options() { # PROGRAM COMMAND
	"$1" "$2" --help 2> /dev/null | sed -n 's/^  \(-[^ ]*, \|    \)\(--[a-z-]*\).*/\2/p'
}

# What the mailboxes are found by, name or pid, as it is typed: octal in the listing is what
# is not printable.
_mboxctl_keys() { # name|pid
	local key
	awk -v by="$1" '$(NF - 1) == by { print $NF }' /proc/self/net/mbox 2> /dev/null |
		while IFS= read -r key; do
			# shellcheck disable=SC2059 # for its escapes
			printf -v key "${key//%/%%}"
			printf '%q\n' "$key"
		done
}

# Those lines of the input that begin with the word.
_mboxctl_reply() { # WORD
	local line
	while IFS= read -r line; do
		[[ $line != "$1"* ]] || COMPREPLY+=("$line")
	done
}

_mboxctl_files() { # OPTION-OF-compgen WORD
	compopt -o filenames 2> /dev/null # there is nothing to set but in a completion
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

# The value of an option that has one which can be known.
_mboxctl_value() { # COMMAND OPTION WORD
	case $1:$2 in
	*:--pid | *:-P) _mboxctl_reply "$3" < <(_mboxctl_keys pid) ;;
	send:-f | call:-f | *:--file | *:--by-reference) _mboxctl_files -f "$3" ;;
	*:--save-files) _mboxctl_files -d "$3" ;;
	*:--owner) mapfile -t COMPREPLY < <(compgen -u -- "$3") ;;
	*:--group) mapfile -t COMPREPLY < <(compgen -g -- "$3") ;;
	create:--types | create:-T) _mboxctl_reply "$3" < <(printf '%s\n' sender pid badge) ;;
	set:--latency) _mboxctl_reply "$3" < <(printf '%s\n' on off) ;;
	top:--sort | top:-s) _mboxctl_reply "$3" < <(printf '%s\n' traffic messages bytes name) ;;
	*) return 1 ;;
	esac
}

# What stands after "--" in serve.
_mboxctl_served() { # WORD
	local i
	for ((i = 2; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" = -- ] || continue
		if ((i == COMP_CWORD - 1)); then
			mapfile -t COMPREPLY < <(compgen -c -- "$1")
		else
			_mboxctl_files -f "$1"
		fi
		return
	done
	return 1
}

# Names, unless there is one already; rm takes many.
_mboxctl_name() { # COMMAND WORD
	local name i
	case $1 in
	ls | top | doctor | bench) return ;;
	rm) ;;
	*)
		while IFS= read -r name; do
			for ((i = 2; i < COMP_CWORD; i++)); do
				[ "${COMP_WORDS[i]}" != "$name" ] || return
			done
		done < <(_mboxctl_keys name) ;;
	esac
	_mboxctl_reply "$2" < <(_mboxctl_keys name)
}

_mboxctl() { # PROGRAM
	local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		_mboxctl_reply "$word" < <(_mboxctl_commands "$1")
		return
	fi
	# "--option=value" is three words.
	if [ "$word" = = ]; then
		word=
	elif [ "$option" = = ]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if [ "$command" = serve ] && _mboxctl_served "$word"; then
		return
	fi
	if _mboxctl_value "$command" "$option" "$word"; then
		return
	fi
	case $word in
	-*) _mboxctl_reply "$word" < <(_mboxctl_options "$1" "$command") ;;
	*) _mboxctl_name "$command" "$word" ;;
	esac
}

complete -F _mboxctl mboxctl
