#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# python.sh ROOT PROGRAMS - what the suite python needs, for a guest: the distribution's
# interpreter, pytest and libmbox into its root folder ROOT; beside the suite, in PROGRAMS, the
# package and a program that tells what the compiler makes of <mbox.h>.
set -euo pipefail

top=$(realpath "$(dirname "$0")/../..")
root=$1 userlib=$2/userlib
lib=usr/lib/$(readlink /usr/bin/python3)

# Of its library, what is large and not for programs is left out. What is compiled already is
# taken along: that is a matter of its date.
mkdir -p "$root" "$userlib"
(
	cd /
	tar -c --exclude="$lib"/{config-*,distutils,ensurepip,idlelib} \
		--exclude="$lib"/{lib2to3,pydoc_data,test,tkinter,turtledemo} \
		usr/bin/python3 "usr/bin/${lib##*/}" "$lib" \
		usr/lib/python3/dist-packages/{_pytest,attr,iniconfig,packaging,pluggy,py,pytest}
) | tar -x -C "$root"
ldd /usr/bin/python3 "/$lib"/lib-dynload/_ctypes.*.so | sed -nE 's|.*\s(/[^ ]*) .*|\1|p' |
	while read -r library; do
		install -D "$library" "$root$library"
	done
install -D -t "$root/usr/lib" "$top/build/selftests/64/user/libmbox.so.1"

cp -r "$top"/userlib/{python,libmbox.map} "$userlib"
python3 "$userlib/python/tests/layout.py" "$top/userlib/include" |
	gcc -static -I "$top/userlib/include" -x c -o "$userlib/layout" -
