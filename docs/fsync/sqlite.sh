#!/bin/sh
# A transaction of SQLite, rollback journal.  FULL, the default, does not sync
# the directory when the journal is removed, which is the commit; EXTRA does.
# For keyfs lab --script, with --durable.
if [ "$1" = check ]; then
	[ -e db ] || exit 0
	[ "$(sqlite3 db 'PRAGMA integrity_check')" = ok ] || exit 1
	sqlite3 db "SELECT i FROM t ORDER BY i" 2>/dev/null
	exit 0
fi
# One process, so that no transaction begins in the database as it is after the
# cut.  A line written by SQL does not wait in a buffer.
{
	echo ".bail on"
	echo "PRAGMA synchronous=EXTRA; CREATE TABLE t (i INTEGER);"
	seq 20000 | sed "s|.*|INSERT INTO t VALUES (&);\
		SELECT writefile('/dev/fd/3', '&' \|\| char(10));|"
} | sqlite3 db 3>&1 >/dev/null 2>&1 || :
