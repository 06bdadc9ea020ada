#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Runs the library's examples, each of which checks itself. They are taken from
# $MBOX_EXAMPLES, or from the folder examples beside this script.

set -- hello worker_pool priority selective_receive epoll_loop io_uring_read \
	libevent_queue libuv_server sd_event_workers \
	classics/pipe classics/fifo classics/message_queue classics/notification \
	classics/semaphore classics/mutex classics/shared_memory classics/socket_pair \
	classics/rpc_server classics/rpc_async classics/direct classics/rendezvous \
	classics/robust_pool
folder=${MBOX_EXAMPLES:-$(dirname "$0")/examples}

echo "TAP version 13"
echo "1..$#"

number=0
status=0
for name; do
	number=$((number + 1))
	if [ ! -c /dev/mbox ]; then
		echo "ok $number $name # SKIP no /dev/mbox"
	elif [ ! -x "$folder/$name" ]; then
		echo "ok $number $name # SKIP not built"
	elif output=$(timeout 60 "$folder/$name" 2>&1); then
		echo "ok $number $name"
	else
		echo "$output" | sed 's/^/# /'
		echo "not ok $number $name"
		status=1
	fi
done
exit $status
