#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Fetches Debian kernels into a cache, without installing anything:
#
#   kernel.sh headers [6.1]    the folder for `make -C DIR M=...`
#   kernel.sh image [6.1]      the bootable image
#   kernel.sh modules [6.1]    the folder of the kernel's own modules
#   kernel.sh release [6.1]    the kernel's release, as `uname -r` would say
#   kernel.sh busybox [6.1]    a static busybox to go with it
#   kernel.sh kselftest [6.1]  the kselftest part of the kernel's source tree
#   kernel.sh cache            the cache itself
#
# What the cache holds is used as it is, without the network; `make cache-clean`
# makes room for a newer one. Neither root nor installed lists are needed.
set -euo pipefail

what=${1:-headers}
series=${2:-6.1}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mbox

die() { echo "kernel.sh: $*" >&2; exit 1; }

# The machine's own sources of the distribution, turned to the release that has our
# kernels and its backports, into the folder $1: so no mirror is named here.
sources() {
	local from
	# shellcheck disable=SC1091
	from=$(. /etc/os-release && echo "$VERSION_CODENAME")
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -nE "/^deb .* ${from}[^ ]* /{ s/\b$from\b/bookworm/g; s/^(.* bookworm)( .*)/&\n\1-backports\2/; p }" \
		> "$1/mbox.list" || true
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
		awk -v RS= -v ORS='\n\n' "/(^|\n)Suites:[^\n]* $from/" |
		sed -E "/^Suites:/{ s/\b$from\b/bookworm/g; s/ bookworm( |$)/ bookworm bookworm-backports /; }" \
		> "$1/mbox.sources" || true
}

# Uses apt's lists (own) or a fresh set of our own (fresh) from here on.
use_lists() {
	export APT_CONFIG=$tmp/apt.conf
	mkdir -p "$tmp/apt/cache"
	{
		echo 'Dir::State::status "/dev/null"; APT::Sandbox::User "root";'
		echo "Dir::Cache \"$tmp/apt/cache\";"
		[ "$1" = own ] || cat <<-CONF
			Dir::Etc::sourcelist "/dev/null";
			Dir::Etc::sourceparts "$tmp/apt/sources";
			Dir::State::lists "$tmp/apt/lists";
			Acquire::Languages "none";
		CONF
	} > "$APT_CONFIG"
	[ "$1" = own ] && return
	mkdir -p "$tmp/apt/sources" "$tmp/apt/lists"
	sources "$tmp/apt/sources"
	echo "kernel.sh: updating a private set of package lists" >&2
	apt-get -qq update
}

# Unpacks packages into $tmp/root.
unpack() {
	local deb
	echo "kernel.sh: fetching $*" >&2
	mkdir -p "$tmp/debs"
	(cd "$tmp/debs" && apt-get -qq download "$@") || return
	for deb in "$tmp"/debs/*; do
		dpkg -x "$deb" "$tmp/root" || return
	done
	rm -r "$tmp/debs"
}

fetch_kernel() {
	local rel deps
	rel=$(apt-cache search --names-only "^linux-image-$series\..*-cloud-amd64\$" |
		sed 's/^linux-image-//; s/ .*//' | sort -V | tail -n 1)
	[ -n "$rel" ] || return
	deps=$(apt-cache depends "linux-headers-$rel" |
		sed -nE 's/^ *Depends: (linux-(headers|kbuild).*)/\1/p')
	# shellcheck disable=SC2086 # a list of packages
	unpack "linux-image-$rel" "linux-headers-$rel" $deps busybox-static || return
	# The headers' Makefile finds its other half by an absolute path.
	sed -i "s|/usr/src|$1/usr/src|" "$tmp/root/usr/src/linux-headers-$rel/Makefile" &&
		echo "$rel" > "$tmp/root/release"
}

# lib.mk, the harness and the checkers live in the kernel's source package alone.
fetch_kselftest() {
	local src=linux-source-$series
	unpack "$src" || return
	mkdir "$tmp/tree"
	xz -dc -T0 "$tmp/root/usr/src/$src.tar.xz" |
		tar -x -C "$tmp/tree" --strip-components=1 --wildcards --no-wildcards-match-slash \
			"$src/tools/testing/selftests/*.h" \
			"$src/tools/testing/selftests/*.mk" \
			"$src/tools/testing/selftests/*.sh" \
			"$src/tools/testing/selftests/kselftest/*" \
			"$src/scripts/checkpatch.pl" \
			"$src/scripts/spelling.txt" \
			"$src/scripts/const_structs.checkpatch" \
			"$src/scripts/coccinelle/*/*.cocci" \
			"$src/scripts/coccinelle/*/*/*.cocci" \
			"$src/scripts/kernel-doc" || return
	rm -r "$tmp/root" && mv "$tmp/tree" "$tmp/root"
}

# Fills the folder $1 by the function $2, once: it appears complete or not at all.
ensure() {
	[ -d "$1" ] && return
	mkdir -p "$cache"
	exec 9> "$cache/lock"
	flock 9
	if [ ! -d "$1" ]; then
		tmp=$cache/tmp
		rm -rf "$tmp"
		mkdir "$tmp"
		use_lists own
		if ! "$2" "$1"; then
			rm -rf "$tmp/root"
			use_lists fresh
			"$2" "$1" || die "no kernel $series: the package sources have none, or are out of reach"
		fi
		mv "$tmp/root" "$1"
		rm -rf "$tmp"
	fi
	exec 9>&-
}

case $what in
cache)
	echo "$cache"
	exit ;;
kselftest)
	# What is taken from the package is part of the key.
	dir=$cache/kselftest-$series-$(declare -f fetch_kselftest | sha1sum | cut -c 1-8)
	ensure "$dir" fetch_kselftest
	echo "$dir"
	exit ;;
esac

dir=$cache/$series
case $what in
headers) path='usr/src/linux-headers-%s' ;;
image) path='boot/vmlinuz-%s' ;;
busybox) path=bin/busybox ;;
modules) path='lib/modules/%s' ;;
release) path= ;;
*) die "unknown request '$what': headers, image, modules, release, busybox, kselftest or cache" ;;
esac
ensure "$dir" fetch_kernel
release=$(cat "$dir/release")
if [ -z "$path" ]; then
	echo "$release"
else
	# shellcheck disable=SC2059 # the format is ours
	printf "$dir/$path\n" "$release"
fi
