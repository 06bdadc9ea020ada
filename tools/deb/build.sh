#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build.sh DIR - makes the Debian packages in DIR, which is made anew, from a copy of this tree:
# what building leaves behind is in DIR alone.
set -euo pipefail

dir=$1
here=$(dirname "$(realpath "$0")")
version=$(dpkg-parsechangelog -l "$here/debian/changelog" -S Version)
source=$dir/mbox-$version
unset MAKEFLAGS # of the make that called us

rm -rf "$dir"
mkdir -p "$source"
# With the time of now: dpkg takes the changelog's for all that is newer.
tar -C "$here/../.." -c --exclude-vcs --exclude=./build --exclude=./results \
	--exclude=./userlib/build . | tar -C "$source" -x -m
cp -r "$here/debian" "$source"

echo "  DEB     $dir"
cd "$source"
# No packages of debug symbols beside those that are meant to be installed.
DEB_BUILD_OPTIONS="noautodbgsym ${DEB_BUILD_OPTIONS:-}" dpkg-buildpackage -us -uc > ../log 2>&1 || {
	tail -n 40 ../log >&2
	echo "no packages: $dir/log has all of it" >&2
	exit 1
}
