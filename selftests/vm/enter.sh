#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# enter.sh DIR COMMAND... - runs a command with DIR as its root folder, in which this
# project, DIR itself and the current folder have the paths that they have outside.
set -euo pipefail

dir=$(realpath "$1")
shift
project=$(realpath "$(dirname "$0")/../..")

if [ -z "${MBOX_ENTERED:-}" ]; then
	map=()
	[ "$(id -u)" -eq 0 ] || map=(--map-root-user)
	MBOX_ENTERED=1 exec unshare --mount "${map[@]}" "$0" "$dir" "$@"
fi

for path in /proc /dev "$project" "$PWD"; do
	mkdir -p "$dir$path"
	mount --rbind "$path" "$dir$path"
done
mkdir -p "$dir$dir"
mount --bind "$dir" "$dir$dir"
exec chroot "$dir" env -C "$PWD" PATH=/usr/sbin:/usr/bin "$@"
