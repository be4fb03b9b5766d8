#!/bin/sh
# A line appended to a log, and the log fsynced.  For keyfs lab --script, with
# --durable.
if [ "$1" = check ]; then
	[ ! -e log ] || cat log
	exit
fi
n=0
while n=$((n + 1)) && echo $n >>log && sync log; do echo $n; done 2>/dev/null
