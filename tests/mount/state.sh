#!/bin/sh
# Programs that keep their state in the mount, while the power fails at random
# moments: a script that keeps a counter by renaming over, and SQLite with its
# rollback journal and with its write-ahead log.
#
# A worker counts in the mount and notes outside of it what was acknowledged.
# It is stopped, the power is cut, and then it is killed: what has an absolute
# path, as SQLite's journal, would reach the store as it is after the cut.
# Environment: CUTS (5), SEED.
. tests/mount/lib.sh

cuts=${CUTS:-5}
seed=${SEED:-$(date +%s)}
echo "SEED=$seed"

# The next random number below $1, in $r.
random() {
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	r=$(((seed >> 8) % $1))
}

mount_lab() { # POLICY
	"$KEYFS" mount "$store" "$mnt" -o "lab,durability=$1" || return 1
	mkdir "$mnt/d"
}

unmount_lab() {
	"$KEYFS" umount "$mnt" && "$KEYFS" check "$store" || return 1
	rm -rf "$store"
}

cut_power() {
	random 3
	keep=$(echo none prefix random | cut -d' ' -f$((r + 1)))
	random 1000000
	echo "now seed=$r keep=$keep" >"$mnt/.keyfs/power-cut"
}

# The worker and its children, which cannot get others once it is stopped.
stop_worker() {
	kill -STOP "$worker"
	children=$(cat "/proc/$worker/task/$worker/children")
	# shellcheck disable=SC2086
	[ -z "$children" ] || kill -STOP $children 2>/dev/null
}

# What was acknowledged last stands in one of two files in turn: a worker may be
# stopped while it writes.
acked() {
	cat "$work/acked0" "$work/acked1" | sort -n | tail -n 1
}

set_acked() { # NUMBER
	echo "$1" >"$work/acked0"
	echo "$1" >"$work/acked1"
}

# Each prepares, works until it fails, and says which number is there.

counter_begin() {
	echo 0 >"$mnt/d/counter" && echo 1 >"$mnt/.keyfs/sync"
}

counter_work() {
	: >"$work/ready"
	while n=$(cat counter) && echo $((n + 1)) >counter.tmp &&
		mv counter.tmp counter; do
		echo $((n + 1)) >"$work/acked$((n % 2))"
	done 2>/dev/null
}

counter_find() {
	cat "$mnt/d/counter"
}

sqlite_begin() { # MODE
	sqlite3 "$mnt/d/db" "PRAGMA journal_mode=$1;
		CREATE TABLE t (i INTEGER PRIMARY KEY, pad);
		CREATE TABLE total (n, sum);
		INSERT INTO total VALUES (0, 0);" >/dev/null &&
		echo 1 >"$mnt/.keyfs/sync"
}

rollback_begin() { sqlite_begin delete; }
extra_begin() { sqlite_begin delete; }
wal_begin() { sqlite_begin wal; }

# One process for all transactions of a life.
sqlite_work() { # SYNCHRONOUS
	awk -v n="$(acked)" -v mode="$1" -v work="$work" 'BEGIN {
		print ".bail on"
		printf "PRAGMA synchronous=%s; SELECT * FROM total;\n", mode
		printf "SELECT writefile(\047%s/ready\047, 1);\n", work
		for (i = 0; i < 20000; i++) {
			n++
			printf "BEGIN; INSERT INTO t VALUES" \
			    " (%d, hex(randomblob(300)));\n", n
			printf "UPDATE total SET n = %d, sum = sum + %d;" \
			    " COMMIT;\n", n, n
			printf "SELECT writefile(\047%s/acked%d\047," \
			    " \047%d\n\047);\n", work, n % 2, n
		}
	}' | sqlite3 db >/dev/null 2>&1
}

rollback_work() { sqlite_work full; }
extra_work() { sqlite_work extra; }
wal_work() { sqlite_work full; }

# The number, if all is as it was committed.
sqlite_find() {
	[ "$(sqlite3 "$mnt/d/db" 'PRAGMA integrity_check')" = ok ] || return 1
	sqlite3 "$mnt/d/db" "SELECT n FROM total
		WHERE n = (SELECT ifnull(max(i), 0) FROM t)
		AND n = (SELECT count(*) FROM t) AND sum = n * (n + 1) / 2"
}

rollback_find() { sqlite_find; }
extra_find() { sqlite_find; }
wal_find() { sqlite_find; }

# One life: 0 if what is there is between $least and what was tried.
live() { # KIND keeps|loses
	rm -f "$work/ready"
	(cd "$mnt/d" && "$1_work") &
	worker=$!
	while [ ! -e "$work/ready" ]; do sleep 0.005; done
	random 150
	sleep "$(printf '0.%03d' "$r")"
	stop_worker
	cut_power
	# shellcheck disable=SC2086
	kill -KILL "$worker" $children 2>/dev/null
	wait "$worker" 2>/dev/null
	found=$("$1_find") acked=$(acked)
	case $found in
	'' | *[!0-9]*)
		echo "damaged, or not a number: '$found'"
		return 1
		;;
	esac
	if [ "$found" -gt $((acked + 1)) ] ||
		{ [ "$2" = keeps ] && [ "$found" -lt "$acked" ]; }; then
		echo "found $found, acknowledged $acked"
		return 1
	fi
	[ "$found" -ge "$acked" ] || lost=$((lost + acked - found))
	set_acked "$found"
	echo 1 >"$mnt/.keyfs/sync"
}

survive() { # NAME KIND POLICY keeps|loses
	life=0 lost=0
	set_acked 0
	mount_lab "$3" && "$2_begin" || {
		not_ok "$1" "cannot begin"
		return
	}
	while [ "$life" -lt "$cuts" ]; do
		live "$2" "$4" || {
			not_ok "$1" "life $life"
			cd / && "$KEYFS" umount "$mnt"
			rm -rf "$store"
			return
		}
		life=$((life + 1))
	done
	echo "$2, $3: $cuts cuts, $(acked) steps survived," \
		"$lost acknowledged ones lost"
	if unmount_lab; then ok "$1"; else not_ok "$1" "unmounting, check"; fi
}

survive state__a_counter_under_sync counter sync keeps
survive state__a_counter_under_batch counter batch loses
survive state__a_counter_under_none counter none loses
if command -v sqlite3 >/dev/null 2>&1; then
	# SQLite asks for what it needs, so it loses nothing under any policy;
	# but with a rollback journal only by synchronous=EXTRA: FULL does not
	# sync the directory when the journal goes, which is the commit.
	survive state__sqlite_rollback_under_sync rollback sync keeps
	survive state__sqlite_rollback_extra_under_none extra none keeps
	survive state__sqlite_rollback_under_none rollback none loses
	survive state__sqlite_wal_under_sync wal sync keeps
	survive state__sqlite_wal_under_none wal none keeps
else
	echo "skip state__sqlite sqlite3 is not installed"
fi
