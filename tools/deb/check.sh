#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check.sh DIR - the running part of `make check-deb`: the packages of DIR in a fresh Debian
# to chroot into, from being installed to being purged, and the modules that dkms builds there
# in a virtual machine. The last line is `N passed, N failed`.
set -uo pipefail

debs=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
vm=$top/selftests/vm
if [ "$(id -u)" -ne 0 ]; then
	echo "check.sh: it takes root to install packages, be it in a folder" >&2
	exit 1
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp" # nobody and apt's user look for things here
root=$tmp/root
suite=bookworm
version=$(dpkg-parsechangelog -l "$here/debian/changelog" -S Version)
libdir=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
unset MAKEFLAGS
passed=0 failed=0

# shellcheck source-path=SCRIPTDIR source=../../selftests/vm/packages.sh
. "$vm/packages.sh"

say() { printf '  %-7s %s\n' "$@"; }

# try NAME COMMAND...: what it prints is shown if it fails.
try() {
	local out status
	say DEBIAN "$1"
	out=$(set -e; "${@:2}" 2>&1)
	status=$?
	if [ $status -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s (exit status %s):\n' "$1" $status
		tail -n 60 <<< "$out" | sed 's/^/    | /'
	fi
}

release() { "$vm/kernel.sh" release "$1"; }

in_root() { "$vm/enter.sh" "$root" env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

# apt COMMAND: the words may be patterns of files in there.
apt() { in_root sh -c "apt-get -qq -y --no-install-recommends $1"; }

make_root() {
	mkdir "$tmp/sources"
	sources "$tmp/sources"
	find "$tmp/sources" -type f -empty -delete
	apt-config dump Acquire > "$tmp/acquire"
	mmdebstrap --variant=apt --skip=cleanup/apt/lists --aptopt="$tmp/acquire" \
		--include=ca-certificates,dkms,libc6-dev,man-db,openssl,pkg-config,python3,udev \
		"$suite" "$root" "$tmp"/sources/* || return
	# None of its kernels is the one that runs.
	echo 'autoinstall_all_kernels=yes' >> "$root/etc/dkms/framework.conf"
	apt "install linux-headers-$(release 6.1) linux-headers-$(release 6.12)" ||
		{ echo "if they are not there any more: make cache-clean"; return 1; }
	printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d" # starts no daemon
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mkdir "$root/tmp/debs" "$root/tmp/newer"
	cp "$debs"/*.deb "$root/tmp/debs"
}

lintian_is_silent() {
	local out
	out=$(lintian --allow-root --display-info --fail-on none "$debs"/*.changes)
	echo "$out"
	[ -z "$out" ]
}

as_nobody() {
	setpriv --reuid=nobody --regid=nogroup --clear-groups \
		env HOME="$tmp" DEB_BUILD_OPTIONS=noautodbgsym "$@"
}

# From the source package, by another user, elsewhere.
built_again() {
	local deb
	mkdir "$tmp/other"
	cp "$debs"/*.dsc "$debs"/*.tar.* "$tmp/other"
	chown -R nobody "$tmp/other"
	cd "$tmp/other"
	as_nobody dpkg-source -x ./*.dsc tree
	cd tree
	as_nobody dpkg-buildpackage -us -uc -b
	for deb in "$debs"/*.deb; do
		cmp "$deb" "$tmp/other/${deb##*/}"
	done
	sed -i "1s/($version)/($version+1)/" debian/changelog
	as_nobody dpkg-buildpackage -us -uc -b
	cp ../*_"$version+1"_*.deb "$root/tmp/newer"
}

# What no package owns, by its path where /bin and others are links into /usr, but for what
# dpkg, apt, caches, ldconfig, depmod and py3compile keep, and the key of dkms.
unowned() {
	comm -23 \
		<(find "$root" -xdev -printf '/%P\n' | sort -u |
			grep -vE -e '^/(proc|dev|tmp|var/lib/dpkg|var/lib/apt|var/cache|var/log)/' \
				-e '^/etc/ld\.so\.cache|^/usr/lib/modules/[^/]*/modules\.' \
				-e '^/var/lib/dkms/mok\.|^/usr/share/python3/debpython/__pycache__') \
		<(cat "$root"/var/lib/dpkg/info/*.list |
			sed -E 's:^/(bin|sbin|lib|lib64)/:/usr/\1/:' | sort -u)
}

# built VERSION SERIES...: dkms has built just that, and depmod knows it.
built() {
	local series kernel field expected=''
	for series in "${@:2}"; do
		kernel=$(release "$series")
		expected+="mbox/$1, $kernel, x86_64: installed"$'\n'
		for field in filename version license vermagic signer; do
			in_root modinfo -k "$kernel" -F $field mbox
		done | sed 's/\.ko\.xz$/.ko/; s/ SMP .*//' > "$tmp/modinfo"
		printf '%s\n' "/lib/modules/$kernel/updates/dkms/mbox.ko" "$version" GPL "$kernel" \
			'DKMS module signing key' | diff - "$tmp/modinfo"
	done
	diff <(printf %s "$expected" | sort) <(in_root dkms status mbox | sort)
}

# kernel_comes SERIES: as if it had not been there.
kernel_comes() {
	in_root dkms remove "mbox/$version" -k "$(release "$1")"
	built "$version" 6.1
	apt "install --reinstall linux-headers-$(release "$1")"
	built "$version" 6.1 "$1"
}

files_are_in_place() {
	local package path
	while read -r package path; do
		echo "$package has $path:"
		[ -e "$root$path" ]
		in_root dpkg -S "$path" | grep -xE "$package(:[a-z0-9]+)?: $path"
	done <<-LIST
		libmbox1	$libdir/libmbox.so.1
		libmbox-dev	$libdir/libmbox.so
		libmbox-dev	$libdir/libmbox.a
		libmbox-dev	$libdir/pkgconfig/mbox.pc
		libmbox-dev	/usr/include/mbox.h
		libmbox-dev	/usr/include/mbox/call.h
		libmbox-dev	/usr/include/linux/mbox.h
		mbox-tools	/usr/bin/mboxctl
		mbox-tools	/usr/share/bash-completion/completions/mboxctl
		python3-mbox	/usr/lib/python3/dist-packages/mbox/__init__.py
		mbox-dkms	/usr/src/mbox-$version/dkms.conf
		mbox-dkms	/etc/modprobe.d/mbox.conf
		mbox-dkms	/lib/udev/rules.d/60-mbox.rules
		mbox-dkms	/usr/lib/modules-load.d/mbox.conf
		mbox-dkms	/usr/share/doc/mbox-dkms/README.Debian
	LIST
	in_root ldconfig -p | grep -F "libmbox.so.1 "
}

programs_compile() {
	# shellcheck disable=SC2016 # for the shell in there
	in_root sh -ec '
		cd /tmp
		[ "$(pkg-config --modversion mbox)" = "$1" ]
		hello=/usr/share/doc/libmbox-dev/examples/hello.c
		cc -Wall -Werror -o hello $hello $(pkg-config --cflags --libs mbox)
		readelf -d hello | grep "NEEDED.*libmbox\.so\.1"
		cc -Wall -Werror -static -o hello-static $hello $(pkg-config --static --cflags --libs mbox)
		! readelf -d hello-static | grep NEEDED' sh "$version"
}

python_imports() {
	in_root python3 -W error -c 'import mbox; mbox.Mailbox' | diff /dev/null -
}

manual_is_found() {
	# shellcheck disable=SC2016 # for the shell in there
	in_root sh -ec 'for page; do page=${page##*/}; man -w "${page##*.}" "${page%.*}"; done' \
		sh "$top"/Documentation/man/*.[1-9]
}

mboxctl_helps() {
	in_root mboxctl --help | grep doctor
	# Without this machine's devices.
	if chroot "$root" mboxctl doctor > "$tmp/doctor" 2>&1; then
		echo 'it found nothing wrong'
		return 1
	fi
	cat "$tmp/doctor"
	grep 'modprobe mbox' "$tmp/doctor"
}

# runs SERIES: what the packages brought for it does its work in that kernel.
runs() {
	local kernel files program
	kernel=$(release "$1")
	files=$tmp/guest-$1
	mkdir -p "$files/bin"
	cd "$root"
	cp tmp/hello tmp/hello-static "$files/bin"
	for program in usr/bin/mboxctl bin/udevadm bin/kmod; do
		printf '%s\n' $program
		in_root ldd "/$program" | grep -o '/[^ ]*' | sed 's:^/::'
	done | sort -u | xargs cp -L --parents -t "$files"
	cp -a --parents -t "$files" etc/modprobe.d/mbox.conf usr/lib/modules-load.d/mbox.conf \
		lib/udev/rules.d/60-mbox.rules lib/systemd/systemd-udevd sbin/modprobe \
		"lib/modules/$kernel"/{updates,modules.*}
	"$vm/run.sh" --kernel "$1" --files "$files" --script "$here/guest.sh"
}

# removed SERIES...: the programs, the library and the modules, but not what can be configured.
removed() {
	local series
	apt 'remove mbox-dkms libmbox1 libmbox-dev mbox-tools python3-mbox'
	for series; do
		if in_root modinfo -k "$(release "$series")" mbox; then return 1; fi
	done
	[ -z "$(in_root dkms status mbox)" ]
	[ -e "$root/etc/modprobe.d/mbox.conf" ]
}

nothing_is_left() {
	in_root dpkg --purge mbox-dkms libmbox1 libmbox-dev mbox-tools python3-mbox
	diff "$tmp/before" <(unowned)
}

say DEBIAN 'a fresh one to chroot into'
if ! make_root > "$tmp/log" 2>&1; then
	tail -n 20 "$tmp/log" >&2
	echo "check.sh: could not make it: see above" >&2
	exit 1
fi
try 'lintian is silent' lintian_is_silent
try 'others build the same packages' built_again

unowned > "$tmp/before"
try 'installs' apt 'install /tmp/debs/*.deb'
try 'dkms builds it' built "$version" 6.1 6.12
try 'files are in place' files_are_in_place
try 'programs compile and link' programs_compile
try 'manual pages are found' manual_is_found
try 'Python has it' python_imports
try 'mboxctl says what to do' mboxctl_helps
try 'installs again' apt 'install --reinstall /tmp/debs/*.deb'
try 'dkms builds it again' built "$version" 6.1 6.12
try 'dkms builds it for a kernel that comes' kernel_comes 6.12
try 'runs on 6.1' runs 6.1
try 'runs on 6.12' runs 6.12
try 'a newer version installs' apt 'install /tmp/newer/*.deb'
try 'dkms builds that, and no other is there' built "$version+1" 6.1 6.12
try 'is removed' removed 6.1 6.12
try 'is purged and leaves nothing' nothing_is_left

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
