#!/bin/sh
# A disk that hangs in a sync: those who wait for it wait, and the rest of the
# mount goes on.
. tests/mount/lib.sh

clients=40
delay=1500 # ms

# In the time of one sync there is room for this, but not for two syncs.
soon() { # NAME COMMAND...
	name=$1
	shift
	if timeout 1.2 "$@" >/dev/null 2>"$work/out"; then
		ok "$name"
	else
		not_ok "$name" "status $?: $(cat "$work/out")"
	fi
}

start_all() { # SHELL-COMMAND with $i
	pids=
	for i in $(seq "$clients"); do
		i=$i mnt=$mnt sh -c "$1" &
		pids="$pids $!"
	done
}

wait_for_all() { # NAME
	bad=0
	for pid in $pids; do
		wait "$pid" || bad=$((bad + 1))
	done
	if [ $bad -eq 0 ]; then ok "$1"; else not_ok "$1" "$bad failed"; fi
}

reading_goes_on() { # PREFIX
	sleep 0.3 # they are all in it
	soon "$1_reading_goes_on" cat "$mnt/a"
	soon "$1_listing_goes_on" ls -l "$mnt/d"
	soon "$1_looking_up_goes_on" sh -c "! stat '$mnt/none'"
}

mount_store lab,sync_delay=$delay,durability=none
mkdir "$mnt/d"
echo a >"$mnt/a"
for i in $(seq 100); do echo "$i" >"$mnt/d/$i"; done
start_all 'echo x >"$mnt/f$i" && sync "$mnt/f$i"'
reading_goes_on hang__in_fsync
soon hang__in_fsync_writing_goes_on sh -c "echo b >'$mnt/b'"
wait_for_all hang__in_fsync_ends_for_all
unmount_store

mount_store lab,sync_delay=$delay,durability=sync
start_all 'echo y >"$mnt/f$i"'
reading_goes_on hang__under_sync
wait_for_all hang__under_sync_ends_for_all
unmount_store
