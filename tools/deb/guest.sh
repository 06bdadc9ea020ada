#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# In the guest, for check.sh: what a Debian does with the packages' files when it boots, and
# mailboxes as users have them then.
set -ex
export PATH=/bin:/usr/bin

load() {
	/sbin/modprobe "$(grep -v '^#' /usr/lib/modules-load.d/mbox.conf)"
}

limits() {
	(cd /sys/module/mbox/parameters && grep '' -- *) | sed 's/:/=/' | sort
}

# The limits are what modprobe's file says that they are, and what it sets.
load
limits > /tmp/limits
sed -n 's/^#options mbox //p' /etc/modprobe.d/mbox.conf | sort | diff - /tmp/limits
rmmod mbox
sed -i 's/^#\(options mbox .*\)/\17/' /etc/modprobe.d/mbox.conf
load
sed 's/$/7/' /tmp/limits > /tmp/more
limits | diff /tmp/more -

# udev's rule
mkdir /run
chmod 600 /dev/mbox
/lib/systemd/systemd-udevd --daemon
udevadm trigger --settle /dev/mbox
[ "$(stat -c %a /dev/mbox)" = 666 ]

mboxctl doctor
mboxctl create jobs
mboxctl send jobs work
[ "$(mboxctl recv jobs)" = work ]
hello
hello-static
rmmod mbox
