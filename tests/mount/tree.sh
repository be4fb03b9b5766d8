#!/bin/sh
# Whole trees go in with tar and cp and are there unchanged: at once, after a
# new mount, and, as far as they were synced, after kill -9.
#
# SOURCES are the directories copied; by default a part of /usr/include.
. tests/mount/lib.sh

if [ -z "${SOURCES:-}" ]; then
	SOURCES=$work/small
	mkdir "$SOURCES"
	(cd /usr/include && find . -xdev \( -type f -o -type l \) |
		LC_ALL=C sort | head -n "${FILES:-600}" | tar cf - -T -) |
		tar xf - -C "$SOURCES"
	ln -s nowhere/at/all "$SOURCES/dangling"
	mkfifo "$SOURCES/a-fifo"
	mkdir "$SOURCES/empty"
	: >"$SOURCES/empty-file"
	head -c 3000000 /dev/urandom >"$SOURCES/large"
	truncate -s 5M "$SOURCES/hole"
	touch -d '1969-12-31 23:59:58.123456789 UTC' "$SOURCES/empty-file"
	chmod 1777 "$SOURCES/empty"
	chmod 4711 "$SOURCES/large"
	[ "$(id -u)" -ne 0 ] || chown 1234:4321 "$SOURCES/hole"
fi

# One line for each file: what diff -r does not look at.
attributes() { # DIRECTORY
	find "$1" -printf '%P %y %m %U %G %T@ %l\n' | LC_ALL=C sort
}

# Are the copies below $1 what they were made from?
same() { # DIRECTORY
	bad=0
	for source in $SOURCES; do
		copy=$1/$(basename "$source")
		# diff does not know what to do with a fifo.
		diff -r --no-dereference --exclude=a-fifo "$source" "$copy" \
			>"$work/diff" 2>&1 || bad=1
		attributes "$source" >"$work/want"
		attributes "$copy" >"$work/got"
		diff "$work/want" "$work/got" >>"$work/diff" 2>&1 || bad=1
		head -n 20 "$work/diff"
	done
	return $bad
}

put_with_tar() {
	mkdir "$mnt/tar"
	for source in $SOURCES; do
		tar --format=posix -cf - -C "$(dirname "$source")" "$(basename "$source")" |
			tar xpf - -C "$mnt/tar" || return
	done
}

put_with_cp() {
	mkdir "$mnt/cp"
	for source in $SOURCES; do
		cp -a "$source" "$mnt/cp/" || return
	done
}

# Everything in the list is there with its content, mode and mtime.
listed_is_there() { # SOURCE COPY LIST
	while IFS= read -r path; do
		cmp "$1$path" "$2$path" || return
		stat -c '%a %y' "$1$path" >"$work/want"
		stat -c '%a %y' "$2$path" | diff "$work/want" - || return
	done <"$3"
}

kill_in_the_middle_of_a_copy() {
	source=${SOURCES%% *}
	files=$(find "$source" -type f | wc -l)
	: >"$work/list"
	"$tools/copy_synced" "$source" "$mnt/synced" "$work/list" \
		2>"$work/copy.err" &
	copier=$!
	while [ "$(wc -l <"$work/list")" -lt $((files / 3)) ] &&
		kill -0 "$copier" 2>/dev/null; do
		sleep 0.005
	done
	kill_daemon KILL
	! wait "$copier" || {
		echo "the copy was done before the kill"
		return 1
	}
	echo "$(wc -l <"$work/list") of $files files were synced"
	mount_store || return
	listed_is_there "$source" "$mnt/synced" "$work/list"
}

begin=$(date +%s%N)
lap() { # WHAT
	now=$(date +%s%N)
	echo "$1: $(((now - begin) / 1000000)) ms"
	begin=$now
}

echo "$(for s in $SOURCES; do find "$s"; done | wc -l) files"
mount_store
lap mount
try tree__goes_in_with_tar put_with_tar
lap "tar x"
try tree__goes_in_with_cp put_with_cp
lap "cp -a"
try tree__from_tar_is_the_same same "$mnt/tar"
try tree__from_cp_is_the_same same "$mnt/cp"
lap compare
unmount_store
try tree__leaves_the_store_sound "$KEYFS" check "$store"
mount_store
lap "unmount, check, mount"
try tree__is_the_same_after_a_new_mount same "$mnt/tar"
try tree__from_cp_is_the_same_after_a_new_mount same "$mnt/cp"
lap "compare"
try tree__synced_files_outlive_a_kill kill_in_the_middle_of_a_copy
cat "$work/out"
lap "copy, kill, mount"
try tree__is_the_same_after_the_kill same "$mnt/tar"
unmount_store
try tree__store_is_sound_after_the_kill "$KEYFS" check "$store"
mount_store
try tree__can_be_removed rm -rf "$mnt/tar" "$mnt/cp" "$mnt/synced"
try tree__leaves_nothing_behind [ -z "$(ls -A "$mnt")" ]
lap "rm -rf"
unmount_store
try tree__store_is_sound_when_empty "$KEYFS" check "$store"
