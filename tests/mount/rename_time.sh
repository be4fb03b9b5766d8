#!/bin/sh
# Moving a directory takes as long with FILES below it as with none.
. tests/mount/lib.sh

files=${FILES:-2000}

fill() { # DIRECTORY COUNT: in directories of 100 files
	for i in $(seq $((($2 + 99) / 100))); do
		mkdir "$1/$i" || return
		(cd "$1/$i" && seq 100 | xargs touch) || return
	done
}

milliseconds_of() { # COMMAND...
	begin=$(date +%s%N)
	"$@" || return
	echo $((($(date +%s%N) - begin) / 1000000))
}

# A rename of 20 times the time for one and the same work is not noise.
takes_about_as_long() { # EMPTY FULL, in microseconds
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && b <= 20 * a) }'
}

for policy in none sync; do
	rm -rf --one-file-system "$store"
	mount_store "durability=$policy"
	mkdir "$mnt/empty" "$mnt/full"
	try "rename_time__${policy}_fill" fill "$mnt/full" "$files"
	# From tables as well as from memory.
	unmount_store
	mount_store "durability=$policy"
	"$tools/rename_time" 51 "$mnt/empty" "$mnt/full" >"$work/us"
	empty_us=$(sed -n 1p "$work/us")
	full_us=$(sed -n 2p "$work/us")
	echo "durability=$policy: rename of an empty directory $empty_us us," \
		"of one with $files files $full_us us"
	try "rename_time__${policy}_does_not_depend_on_what_is_below" \
		takes_about_as_long "$empty_us" "$full_us"
	echo "mv: $(milliseconds_of mv "$mnt/empty" "$mnt/empty2") ms," \
		"$(milliseconds_of mv "$mnt/full" "$mnt/full2") ms"
	try "rename_time__${policy}_all_are_there" \
		[ "$(find "$mnt/full2" -type f | wc -l)" -eq \
		$(((files + 99) / 100 * 100)) ]
	unmount_store
done
