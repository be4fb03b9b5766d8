#!/bin/sh
# A full disk: the writer gets ENOSPC, what was acknowledged stays, and once
# there is space it goes on.
. tests/mount/lib.sh

disk=$work/disk
store=$disk/store
ballast=$disk/ballast

if [ "$(id -u)" -ne 0 ]; then
	echo "skip full.sh needs root to make small filesystems"
	exit 0
fi

small_tmpfs() {
	mount -t tmpfs -o size=80m,mode=755 none "$disk"
}

small_ext4() {
	truncate -s 80M "$work/image"
	mkfs.ext4 -q -F -m 0 "$work/image" && mount -o loop "$work/image" "$disk"
}

# Writes files until one fails; the number of those that did not.
fill() { # DIRECTORY
	"$tools/write_files" "$1" 50000 4000 2>"$work/fill.err"
}

holds() { # DIRECTORY COUNT
	"$tools/write_files" --check "$1" 50000 "$2"
}

remove_from() { # DIRECTORY FROM TO
	seq "$2" $(($3 - 1)) | sed "s|^|$1/|" | xargs rm --
}

# What flushes and merges in the background may take the space for a moment.
goes_on() { # COMMAND...
	for _ in $(seq 100); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

run() { # KIND POLICY
	name=full__$1_$2
	mkdir -p "$disk"
	if ! "small_$1" >"$work/out" 2>&1; then
		echo "skip $name $(tail -n 1 "$work/out")"
		return
	fi
	head -c 16M /dev/zero >"$ballast"
	mount_store "durability=$2,memtable=4M"
	mkdir "$mnt/a" "$mnt/b"
	count=$(fill "$mnt/a")
	echo "$count files until it was full"
	cat "$work/fill.err"
	try "${name}_reaches_the_writer" grep -q "No space left" \
		"$work/fill.err"
	try "${name}_writes_something_before" [ "$count" -gt 100 ]
	try "${name}_keeps_what_was_acknowledged" holds "$mnt/a" "$count"
	try "${name}_can_be_emptied" remove_from "$mnt/a" \
		$((count - count / 4)) "$count"
	count=$((count - count / 4))
	rm "$ballast"
	try "${name}_goes_on_without_a_new_mount" \
		goes_on "$tools/write_files" "$mnt/b" 50000 1
	try "${name}_still_keeps_it" holds "$mnt/a" "$count"
	try "${name}_files_can_be_removed" rm -f "$mnt/a/0"
	# Compaction may have taken the space for a moment.
	goes_on "$tools/write_files" "$mnt/a" 50000 1 >"$work/out"
	try "${name}_unmounts" "$KEYFS" umount "$mnt"
	try "${name}_leaves_a_sound_store" "$KEYFS" check "$store"
	mount_store
	try "${name}_is_there_after_a_new_mount" holds "$mnt/a" "$count"
	try "${name}_so_is_what_came_later" holds "$mnt/b" 1
	try "${name}_removes_all" goes_on rm -rf "$mnt/a" "$mnt/b"
	unmount_store
	umount "$disk"
}

run tmpfs none
run tmpfs sync
run ext4 none
run ext4 sync
