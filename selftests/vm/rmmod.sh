#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# The last suite of a guest: nothing holds the module any more, once those that the
# suites left behind are gone.

echo TAP version 13
echo 1..1
for _ in $(seq 50); do
	rmmod mbox 2> /dev/null && echo ok 1 unload && exit
	sleep 0.1
done
lsmod | sed 's/^/# /'
echo not ok 1 unload
exit 1
