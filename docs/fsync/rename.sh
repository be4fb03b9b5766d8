#!/bin/sh
# A temporary file, renamed over.  For keyfs lab --script.
if [ "$1" = check ]; then
	[ ! -e counter ] || seq "$(cat counter)"
	exit
fi
n=0
while n=$((n + 1)) && echo $n >counter.tmp && mv counter.tmp counter; do
	echo $n
done 2>/dev/null
