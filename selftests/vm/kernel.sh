#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Brings kernels into a cache, without installing anything. The kernel is one of
#
#   6.1, 6.12      Debian's, with headers that the host's compiler builds modules with
#   6.1-amd64      the same for computers that are no virtual machines: it has binder
#   7.2            the same with a compiler of its own, in a folder to chroot into
#   debug, kcsan   built from Debian's source with the fragments of config/
#
# and what is asked for is one of
#
#   kernel.sh headers [6.1]    the folder for `make -C DIR M=...`
#   kernel.sh enter [6.1]      what to put before that make; nothing for most kernels
#   kernel.sh image [6.1]      the bootable image
#   kernel.sh modules [6.1]    the folder of the kernel's own modules
#   kernel.sh release [6.1]    the kernel's release, as `uname -r` would say
#   kernel.sh detectors [6.1]  succeeds if the kernel has detectors, which make it slow
#   kernel.sh busybox [6.1]    a static busybox to go with it
#   kernel.sh kselftest        the kselftest part of the kernel's source tree
#   kernel.sh cache            the cache itself
#
# What the cache holds is used as it is, without the network; `make cache-clean`
# makes room for a newer one. Neither root nor installed lists are needed, but for 7.2
# where users may not make namespaces.
set -euo pipefail

what=${1:-headers}
series=${2:-6.1}
suite=bookworm
flavour=cloud-amd64
vm=$(dirname "$(realpath "$0")")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mbox

# shellcheck source-path=SCRIPTDIR source=packages.sh
. "$vm/packages.sh"

die() { echo "kernel.sh: $*" >&2; exit 1; }

newest_kernel() {
	apt-cache search --names-only "^linux-image-${series%%-*}\.[^-]*(-[0-9]+)?-$flavour\$" |
		sed 's/^linux-image-//; s/ .*//' | sort -V | tail -n 1 | grep .
}

fetch_kernel() {
	local rel deps
	rel=$(newest_kernel) || return
	deps=$(apt-cache depends "linux-headers-$rel" |
		sed -nE 's/^ *Depends: (linux-(headers|kbuild).*)/\1/p')
	# shellcheck disable=SC2086 # a list of packages
	unpack "linux-image-$rel" "linux-headers-$rel" $deps busybox-static || return
	# The headers' Makefile finds its other half by an absolute path.
	sed -i "s|/usr/src|$1/usr/src|" "$tmp/root/usr/src/linux-headers-$rel/Makefile" &&
		echo "$rel" > "$tmp/root/release"
}

# The host's compiler is too old for this one: it comes with its own.
fetch_whole_kernel() {
	local rel
	rel=$(newest_kernel) || return
	unpack_whole "linux-binary-$rel" "linux-modules-$rel" "linux-headers-$rel" busybox-static \
		make gcc-14 dash coreutils sed grep mawk findutils || return
	ln -s gcc-14 "$tmp/root/usr/bin/gcc" && ln -s mawk "$tmp/root/usr/bin/awk" &&
		mkdir -p "$tmp/root/boot" &&
		ln "$tmp/root/usr/lib/modules/$rel/vmlinuz" "$tmp/root/boot/vmlinuz-$rel" &&
		sed -i "s|/usr/src|$1/usr/src|" "$tmp/root/usr/src/linux-headers-$rel/Makefile" &&
		echo "$rel" > "$tmp/root/release"
}

# The whole of linux-source, or what tar is told to take, into the folder $1.
unpack_source() {
	local src=linux-source-6.1
	unpack "$src" || return
	mkdir "$1"
	xz -dc -T0 "$tmp/root/usr/src/$src.tar.xz" |
		tar -x -C "$1" --strip-components=1 "${@:2}" || return
	rm -r "$tmp/root"
}

# lib.mk, the harness and the checkers live in the kernel's source package alone.
fetch_kselftest() {
	local src=linux-source-6.1
	unpack_source "$tmp/tree" --wildcards --no-wildcards-match-slash \
		"$src/tools/testing/selftests/*.h" \
		"$src/tools/testing/selftests/*.mk" \
		"$src/tools/testing/selftests/*.sh" \
		"$src/tools/testing/selftests/kselftest/*" \
		"$src/scripts/checkpatch.pl" \
		"$src/scripts/spelling.txt" \
		"$src/scripts/const_structs.checkpatch" \
		"$src/scripts/coccinelle/*/*.cocci" \
		"$src/scripts/coccinelle/*/*/*.cocci" \
		"$src/scripts/kernel-doc" &&
		mv "$tmp/tree" "$tmp/root"
}

# The lines of the fragments that the configuration does not have: kconfig drops
# silently what does not fit.
not_taken() {
	sed -E 's/^(CONFIG_[A-Z0-9_]+)=n$/# \1 is not set/' "$tmp/fragments" | grep . |
		while read -r line; do
			grep -qxF "$line" "$1/.config" && continue
			[[ $line == '# '*' is not set' ]] && ! grep -q "^$(cut -d' ' -f2 <<< "$line")=" "$1/.config" ||
				echo "$line"
		done
}

build_kernel() {
	local tree=$tmp/tree log=$tmp/log missing
	# Not by the lists that are in use here, by which nothing is installed.
	env -u APT_CONFIG "$vm/../../tools/need" "the kernel '$series'" \
		gcc make flex bison bc libelf-dev libssl-dev xz-utils || return
	unpack_source "$tree" || return
	unpack busybox-static || return
	fragments > "$tmp/fragments"
	echo "kernel.sh: building the kernel '$series', which takes some minutes" >&2
	{
		make -C "$tree" KCONFIG_ALLCONFIG="$tmp/fragments" allnoconfig &&
			missing=$(not_taken "$tree") &&
			[ -z "$missing" ] && make -C "$tree" -j"$(nproc)" bzImage modules
	} > "$log" 2>&1 || {
		[ -z "${missing:-}" ] || die "the configuration did not take: $missing"
		tail -n 20 "$log" >&2
		die "the kernel '$series' does not build"
	}
	make -s -C "$tree" kernelrelease > "$tmp/root/release"
	mkdir -p "$tmp/root/boot" "$tmp/root/lib/modules/$(cat "$tmp/root/release")"
	cp "$tree/arch/x86/boot/bzImage" "$tmp/root/boot/vmlinuz-$(cat "$tmp/root/release")"
	keep_headers "$tree" "$tmp/root/usr/src/linux-headers-$(cat "$tmp/root/release")"
}

# Of a built kernel tree $1 keeps in $2 what modules are built with.
keep_headers() {
	mkdir -p "$2/tools"
	find "$1" \( -name '*.o' -o -name '*.cmd' -o -name '*.a' \) -delete
	mv "$1"/{Makefile,Kbuild,.config,Module.symvers,System.map,include,scripts} "$2"
	mkdir -p "$2/arch" "$2/kernel" && mv "$1/arch/x86" "$2/arch"
	[ ! -d "$1/tools/objtool" ] || mv "$1/tools/objtool" "$2/tools"
}

fragments() {
	local name
	for name in base debug "$([ "$series" = debug ] && echo kasan || echo "$series")"; do
		cat "$vm/config/$name.config"
	done
	echo "CONFIG_LOCALVERSION=\"-$series\""
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
			rm -rf "$tmp/root" "$tmp/tree"
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
detectors)
	[ "$series" = debug ] || [ "$series" = kcsan ]
	exit ;;
kselftest)
	# What is taken from the package is part of the key.
	dir=$cache/kselftest-$(declare -f fetch_kselftest | sha256sum | cut -c1-12)
	ensure "$dir" fetch_kselftest
	echo "$dir"
	exit ;;
esac

dir=$cache/$series
fetch=fetch_kernel
case $series in
*-amd64) flavour=amd64 ;;
7.*)
	suite=trixie
	fetch=fetch_whole_kernel ;;
debug | kcsan)
	dir+=-$({ fragments; declare -f build_kernel keep_headers; } | sha256sum | cut -c1-12)
	fetch=build_kernel ;;
esac
case $what in
headers) path='usr/src/linux-headers-%s' ;;
image) path='boot/vmlinuz-%s' ;;
busybox) path=bin/busybox ;;
modules) path='lib/modules/%s' ;;
release | enter) path= ;;
*) die "unknown request '$what'; see the head of $0" ;;
esac
ensure "$dir" "$fetch"
release=$(cat "$dir/release")
if [ "$what" = enter ]; then
	[ $fetch != fetch_whole_kernel ] || echo "$vm/enter.sh $dir"
elif [ -z "$path" ]; then
	echo "$release"
else
	# shellcheck disable=SC2059 # the format is ours
	printf "$dir/$path\n" "$release"
fi
