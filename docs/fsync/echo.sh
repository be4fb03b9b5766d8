#!/bin/sh
# echo >: overwrites a file in place.  For keyfs lab --script.
if [ "$1" = check ]; then
	[ ! -s counter ] || seq "$(cat counter)"
	exit
fi
n=0
while n=$((n + 1)) && echo $n >counter; do echo $n; done 2>/dev/null
