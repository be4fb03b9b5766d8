#!/bin/sh
# A transaction of SQLite, rollback journal.  FULL, the default, does not sync
# the directory when the journal is removed, which is the commit; EXTRA does.
# For keyfs lab --script, with --durable.
if [ "$1" = check ]; then
	[ -e db ] || exit 0
	[ "$(sqlite3 db 'PRAGMA integrity_check')" = ok ] || exit 1
	sqlite3 db "SELECT i FROM t ORDER BY i" 2>/dev/null || :
	exit 0
fi
sqlite3 db "PRAGMA synchronous=EXTRA; CREATE TABLE t (i INTEGER)" || exit 1
n=0
while n=$((n + 1)) && sqlite3 db "PRAGMA synchronous=EXTRA;
	INSERT INTO t VALUES ($n)"; do
	echo $n
done 2>/dev/null
