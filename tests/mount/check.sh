#!/bin/sh
# What looks after a store as a whole: check, dump, stats, compact, sync.
. tests/mount/lib.sh

# The command's exit status is STATUS; "$work/stdout" and "$work/stderr" are what it
# says.
ends() { # STATUS COMMAND...
	want=$1
	shift
	timeout 60 "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
	status=$?
	[ "$status" -eq "$want" ] && return
	echo "exit status $status, not $want, of: $*"
	head -n 5 "$work/stdout" "$work/stderr"
	return 1
}

# As ends, and TEXT stands in what it says.
says() { # STATUS TEXT COMMAND...
	want=$1
	text=$2
	shift 2
	ends "$want" "$@" && cat "$work/stdout" "$work/stderr" | grep -qF -- "$text" &&
		return
	echo "does not say '$text':"
	head -n 5 "$work/stdout" "$work/stderr"
	return 1
}

# --- a store with all kinds of records, tables and a log -------------------

mount_store memtable=64K
mkdir -p "$mnt/dir/sub"
for i in $(seq 30); do
	head -c 20000 /dev/urandom >"$mnt/dir/$i"
done
mv "$mnt/dir" "$mnt/moved"
mkdir "$mnt/dir"
ln -s target "$mnt/link"
mkfifo "$mnt/fifo"
rm "$mnt/moved/7"
unmount_store
mount_store durability=sync
for i in $(seq 20); do
	echo "line $i" >>"$mnt/log"
done
echo hello >"$mnt/small"

# --- mounted ----------------------------------------------------------------

figures='31 files, 4 directories, 2 others'
try check__mounted_store_by_its_path \
	says 0 "no damage found: $figures" "$KEYFS" check "$store"
try check__mounted_store_by_its_mount_point \
	says 0 "no damage found: $figures" "$KEYFS" check "$mnt"
try check__control_file_tells_what_was_found \
	grep -qx 'findings 0' "$mnt/.keyfs/check"

stats_agree() { # STORE
	ends 0 "$KEYFS" stats "$1" || return
	for key in block_bytes inode_next seq log_files level_0_tables; do
		grep -qE "^$key [0-9]+\$" "$work/stdout" || {
			echo "no $key"
			return 1
		}
	done
	ends 0 "$KEYFS" stats "$1" --json || return
	grep -qE '^\{"durability":"(sync|none)"(,"[a-z0-9_]+":[0-9]+)+\}$' \
		"$work/stdout"
}
try stats__mounted stats_agree "$mnt"
try stats__mounted_by_its_path stats_agree "$store"

stat_of() { # KEY
	"$KEYFS" stats "$store" | sed -n "s/^$1 //p"
}
echo more >"$mnt/more"
rm "$mnt/more"
try compact__mounted ends 0 "$KEYFS" compact "$store"
try compact__leaves_level_0_empty [ "$(stat_of level_0_tables)" -eq 0 ]
try sync__mounted ends 0 "$KEYFS" sync "$mnt"
unmount_store
mount_store durability=none
echo again >"$mnt/again"
sync_makes_durable() {
	[ "$(stat_of durable_seq)" -lt "$(stat_of seq)" ] &&
		ends 0 "$KEYFS" sync "$store" &&
		[ "$(stat_of durable_seq)" -eq "$(stat_of seq)" ]
}
try sync__mounted_makes_all_durable sync_makes_durable

try dump__mounted says 0 'manifest 000' "$KEYFS" dump "$mnt"
try dump__records_of_a_mounted_store says 3 "$mnt" \
	"$KEYFS" dump "$store" --records
rm "$mnt/again"

# A check sees one state, and changes go on meanwhile.
change() {
	while [ ! -e "$work/enough" ]; do
		mkdir "$mnt/w" "$mnt/w/x"
		echo content >"$mnt/w/f"
		head -c 50000 /dev/zero >"$mnt/w/x/blocks"
		mv "$mnt/w" "$mnt/v"
		mv "$mnt/v/x" "$mnt/w"
		rm -r "$mnt/w" "$mnt/v"
	done
}
checks_while_it_changes() {
	change &
	failed=0
	for _ in $(seq 15); do
		says 0 "no damage found" "$KEYFS" check "$mnt" || failed=1
	done
	touch "$work/enough"
	wait $! && [ "$failed" -eq 0 ]
}
try check__mounted_while_it_changes checks_while_it_changes

# Something to damage.
for i in $(seq 20); do
	echo "line $i" >>"$mnt/log"
done
unmount_store

# --- not mounted --------------------------------------------------------------

content() {
	find "$store" -mindepth 1 ! -name LOCK -type f -exec sha256sum {} + |
		LC_ALL=C sort
}
content >"$work/before"
try check__store says 0 "no damage found: $figures" "$KEYFS" check "$store"
try stats__store stats_agree "$store"
try sync__store says 0 "not mounted" "$KEYFS" sync "$store"
try dump__store says 0 '== ' "$KEYFS" dump "$store"
try dump__records ends 0 "$KEYFS" dump "$store" --records
content >"$work/after"
try check__changes_nothing cmp "$work/before" "$work/after"

"$KEYFS" dump "$store" --records >"$work/records"
tab=$(printf '\t')
has() { # NAME LINE: a record whose tabs are written as |
	try "dump__records_has_$1" grep -q \
		"^$(printf %s "$2" | sed "s/|/$tab/g")" "$work/records"
}
has a_small_file 'entry|prefix |name small|.*|content hello\\n$'
has a_file_of_blocks 'entry|prefix dir|name 1|type file|.*|size 20000$'
has a_moved_directory 'entry|prefix |name moved|.*|own prefix dir$'
has a_symlink 'entry|prefix |name link|type symlink|.*|content target$'
has a_block 'block|ino [0-9]*|block 0|bytes [0-9]*|content '
has a_prefix 'prefix|prefix dir|ino [0-9]*$'
has the_superblock 'super|name super|version 1|'

largest() { # KIND: the name of the largest file of that kind
	find "$store" -name "*$1*" -type f -printf '%s %f\n' | sort -n |
		sed -n '$s/.* //p'
}
table=$(largest .sst)
log=$(largest .log)
manifest=$(largest MANIFEST)
try dump__a_log says 0 put "$KEYFS" dump "$store/$log"
try dump__a_table says 0 entries "$KEYFS" dump "$store/$table"
try dump__a_manifest says 0 'add level' "$KEYFS" dump "$store/$manifest"
try dump__what_is_none says 3 'no log, table or manifest' \
	"$KEYFS" dump "$store/LOCK"
try check__no_store says 3 "$work/none" "$KEYFS" check "$work/none"
for command in check dump stats compact sync; do
	try "${command}__without_a_store_is_wrong_usage" \
		says 2 "usage: keyfs $command" "$KEYFS" "$command"
done

# --- damaged ------------------------------------------------------------------

good=$work/good
cp -a "$store" "$good"

flip() { # FILE OFFSET: inverts one byte
	byte=$(od -An -v -tu1 -j "$2" -N 1 "$store/$1")
	printf %b "$(printf '\\0%03o' $((255 - byte)))" |
		dd of="$store/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

damage() { # NAME FILE OFFSET
	rm -rf "${store:?}"
	cp -a "$good" "$store"
	flip "$2" "$3"
	try "check__$1_names_the_file" says 1 "$2" "$KEYFS" check "$store"
}

damage damaged_log "$log" 100
try dump__store_with_a_damaged_log says 1 "== $store/$table" \
	"$KEYFS" dump "$store"
damage damaged_header_of_a_log "$log" 20
damage damaged_table "$table" $(($(stat -c %s "$store/$table") / 2))
try dump__store_with_a_damaged_table says 1 "== $store/$log" \
	"$KEYFS" dump "$store"
damage damaged_end_of_a_table "$table" $(($(stat -c %s "$store/$table") - 1))
damage damaged_manifest "$manifest" 100
try dump__store_that_cannot_be_opened says 1 "== $store/$table" \
	"$KEYFS" dump "$store"
damage damaged_current CURRENT 3

# A mounted store goes on, and says so.
rm -rf "${store:?}"
cp -a "$good" "$store"
flip "$table" $(($(stat -c %s "$store/$table") / 2))
mount_store
try check__mounted_with_a_damaged_table says 1 "$table" \
	"$KEYFS" check "$store"
unmount_store

rm -rf "${store:?}"
cp -a "$good" "$store"
try compact__store ends 0 "$KEYFS" compact "$store"
try compact__store_is_sound says 0 "no damage found: $figures" \
	"$KEYFS" check "$store"
