#!/bin/sh
# How a mount ends: by signals, and by dying.
. tests/mount/lib.sh

ends_by() { # SIGNAL
	mount_store
	mkdir "$mnt/$1"
	echo "before $1" >"$mnt/$1/file"
	kill_daemon "$1"
	if mountpoint -q "$mnt"; then
		not_ok "signals__sig$1_unmounts"
		fusermount3 -uz "$mnt"
	else
		ok "signals__sig$1_unmounts"
	fi
	try "signals__after_sig${1}_the_store_is_sound" "$KEYFS" check "$store"
	mount_store
	try "signals__after_sig${1}_everything_is_there" \
		grep -q "before $1" "$mnt/$1/file"
	unmount_store
}

ends_by TERM
ends_by INT
ends_by HUP

# In the foreground: the exit status tells that all is well.
"$KEYFS" mount -f "$store" "$mnt" 2>"$work/err" &
daemon=$!
for _ in $(seq 500); do
	! mountpoint -q "$mnt" || break
	sleep 0.01
done
echo foreground >"$mnt/foreground"
kill -TERM "$daemon"
wait "$daemon"
try signals__in_the_foreground_ends_with_0 [ $? -eq 0 ]

# A file is open while the signal comes: it is answered, and it ends.
mount_store
exec 9>"$mnt/open"
echo "first" >&9
pid=$(daemon_pid)
kill -TERM "$pid"
try signals__an_open_file_does_not_keep_it await_end "$pid"
try signals__an_open_file_fails_afterwards sh -c '! echo second >&9' 2>/dev/null
exec 9>&-
mount_store
try signals__what_was_written_before_is_there grep -q first "$mnt/open"
unmount_store

# kill -9.
says() { # TEXT COMMAND...
	text=$1
	shift
	"$@" >"$work/said" 2>&1
	cat "$work/said"
	grep -qi -- "$text" "$work/said"
}

mount_store
mkdir "$mnt/k"
for i in $(seq 100); do
	echo "number $i" >"$mnt/k/$i"
done
kill_daemon KILL
try signals__a_dead_mount_does_not_answer sh -c "! ls '$mnt'"
try signals__mount_explains_a_dead_mount says died \
	"$KEYFS" mount "$store" "$mnt"
for i in $(seq 100); do
	echo "number $i"
done >"$work/want"
cat $(seq -f "$mnt/k/%g" 100) >"$work/got" 2>/dev/null
try signals__kill_loses_nothing_acknowledged cmp "$work/want" "$work/got"
kill_daemon KILL
try signals__umount_takes_a_dead_mount_away "$KEYFS" umount "$mnt"
try signals__and_it_is_gone sh -c "! mountpoint -q '$mnt' && ls '$mnt'"
try signals__the_store_is_sound "$KEYFS" check "$store"
mount_store
kill_daemon KILL
try signals__keys_can_be_read_beside_a_dead_mount \
	says "number 7" "$KEYFS" get "$store" k/7
try signals__a_dead_mount_point_as_store_is_explained \
	says "died\|dead\|not connected" "$KEYFS" get "$mnt" k/7
"$KEYFS" umount "$mnt"
