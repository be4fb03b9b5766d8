#!/bin/sh
# A temporary file, fsynced, renamed over, and the directory fsynced: sync(1)
# with a name is fsync(2).  For keyfs lab --script, with --durable.
if [ "$1" = check ]; then
	[ ! -e counter ] || seq "$(cat counter)"
	exit
fi
n=0
while n=$((n + 1)) && echo $n >counter.tmp && sync counter.tmp &&
	mv counter.tmp counter && sync .; do
	echo $n
done 2>/dev/null
