# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # who sources it sets suite and tmp
#
# Debian's packages without installing them; for kernel.sh, which sets $suite (the
# distribution's release to take them from) and $tmp (a folder to work in).

# The machine's own sources of the distribution, turned to the release that has our
# kernels and its backports, into the folder $1: so no mirror is named here.
sources() {
	local from
	# shellcheck disable=SC1091
	from=$(. /etc/os-release && echo "$VERSION_CODENAME")
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -nE "/^deb .* ${from}[^ ]* /{ s/\b$from\b/$suite/g; s/^(.* $suite)( .*)/&\n\1-backports\2/; p }" \
		> "$1/mbox.list" || true
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
		awk -v RS= -v ORS='\n\n' "/(^|\n)Suites:[^\n]* $from/" |
		sed -E "/^Suites:/{ s/\b$from\b/$suite/g; s/ $suite( |$)/ $suite $suite-backports /; }" \
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

# The same with all that they depend on, so that what is unpacked can be chrooted into.
unpack_whole() {
	local deb dir
	echo "kernel.sh: fetching $* and what they need" >&2
	apt-get -qq -y --no-install-recommends --download-only install "$@" || return
	for dir in bin sbin lib lib64; do
		mkdir -p "$tmp/root/usr/$dir"
		ln -s "usr/$dir" "$tmp/root/$dir"
	done
	for deb in "$tmp"/apt/cache/archives/*.deb; do
		dpkg -x "$deb" "$tmp/root" || return
	done
	rm -r "$tmp/apt/cache/archives"
}
