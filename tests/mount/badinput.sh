#!/bin/sh
# What cannot work is refused with a clear message and changes nothing.
. tests/mount/lib.sh

# The content of a store; the lock file may be written by any attempt, and
# what refused writes may be beside it.
fingerprint() { # STORE
	find "$1" -mindepth 1 ! -name LOCK ! -path "$work/before" \
		! -path "$work/after" ! -path "$work/out" \
		! -path "$work/err" -type f -exec sha256sum {} + |
		LC_ALL=C sort
	find "$1" -mindepth 1 ! -name LOCK ! -type f -printf '%p %y\n' |
		LC_ALL=C sort
}

# The command ends with STATUS, says TEXT, and leaves the store as it is.
refused() { # NAME STORE STATUS TEXT COMMAND...
	case_name=$1 dir=$2 want=$3 text=$4
	shift 4
	fingerprint "$dir" >"$work/before" 2>/dev/null
	timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	fingerprint "$dir" >"$work/after" 2>/dev/null
	why=
	case " $want " in
	*" $status "*) ;;
	*) why="exit status $status, not $want;" ;;
	esac
	grep -qF -- "$text" "$work/err" || why="$why does not say: $text;"
	grep -q -e '^keyfs: ' -e '^usage: keyfs ' "$work/err" ||
		why="$why no message of keyfs;"
	cmp -s "$work/before" "$work/after" || why="$why the store changed;"
	[ -z "${VERBOSE:-}" ] || sed "s/^/    says: /" "$work/err"
	if [ -z "$why" ]; then
		ok "$case_name"
		return
	fi
	echo "    $*"
	sed 's/^/    says: /' "$work/err"
	diff "$work/before" "$work/after"
	not_ok "$case_name" "$why"
	! mountpoint -q "$mnt" || "$KEYFS" umount "$mnt"
}

# --- mount points and stores that are in the way ---------------------------

mount_store
echo content >"$mnt/file"
unmount_store

mkdir "$work/in"
plain=$work/in/plain
echo hello >"$plain"
refused badinput__mount_point_is_missing "$store" 3 "$work/none" \
	"$KEYFS" mount "$store" "$work/none"
refused badinput__mount_point_is_a_file "$store" 3 "$plain" \
	"$KEYFS" mount "$store" "$plain"
refused badinput__store_is_a_file "$work/in" 3 "$plain" \
	"$KEYFS" mount "$plain" "$mnt"
refused badinput__store_cannot_be_made "$work/in" 3 "$plain/store" \
	"$KEYFS" mount "$plain/store" "$mnt"
refused badinput__unknown_option "$store" '2 3' "shiny" \
	"$KEYFS" mount "$store" "$mnt" -o shiny=1
refused badinput__unknown_policy "$store" '2 3' "durability=maybe" \
	"$KEYFS" mount "$store" "$mnt" -o durability=maybe
refused badinput__no_mount_point "$store" 2 "" "$KEYFS" mount "$store"

mount_store
mkdir "$work/other" "$work/mnt2"
refused badinput__mount_point_is_busy "$work/other" 3 "$mnt" \
	"$KEYFS" mount "$work/other" "$mnt"
refused badinput__store_is_open_elsewhere "$store" 3 "$(daemon_pid)" \
	"$KEYFS" mount "$store" "$work/mnt2"
refused badinput__nothing_is_mounted "$store" 3 "$work/mnt2" \
	"$KEYFS" umount "$work/mnt2"
(
	cd "$mnt" || exit
	refused badinput__unmounting_a_busy_one "$store" 3 busy \
		"$KEYFS" umount "$mnt"
)
try badinput__the_first_mount_is_not_disturbed grep -q content "$mnt/file"
unmount_store

# --- what an ordinary user may not write ------------------------------------

# Words, and no function, so that timeout can run it.
as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'

if [ "$(id -u)" -ne 0 ]; then
	echo "skip badinput__unwritable_store needs root to become another user"
elif ! $as_nobody test -x "$KEYFS"; then
	echo "skip badinput__unwritable_store $KEYFS is not for other users"
else
	# TMPDIR may be closed to others.
	public=$(mktemp -d /tmp/keyfs-mount-XXXXXX)
	trap 'rm -rf "$public"; clean_up' EXIT
	chmod 755 "$public"
	cp -a "$store" "$public/store"
	mkdir "$public/mnt" "$public/empty"
	chown 65534 "$public/mnt"
	refused badinput__unwritable_store "$public" 3 "$public/store" \
		$as_nobody "$KEYFS" mount "$public/store" "$public/mnt"
	refused badinput__unwritable_empty_directory "$public" 3 \
		"$public/empty" $as_nobody "$KEYFS" mount "$public/empty" \
		"$public/mnt"
	rm -rf "$public"
	trap clean_up EXIT
fi

# --- damage -----------------------------------------------------------------

# A store with tables and a log that has synced records.
mount_store memtable=64K
mkdir "$mnt/d"
mkdir "$work/orig"
for i in $(seq 30); do
	head -c 20000 /dev/urandom >"$work/orig/$i"
	cp "$work/orig/$i" "$mnt/d/$i"
done
unmount_store
mount_store durability=sync
for i in $(seq 20); do
	echo "line $i" >>"$mnt/log"
done
unmount_store

good=$work/good
cp -a "$store" "$good"
largest() { # KIND: the name of the largest file of that kind
	find "$good" -name "*.$1" -printf '%s %f\n' | sort -n |
		sed -n '$s/.* //p'
}

table=$(largest sst)
# The last one: others may be there for the large values in them.
log=$(find "$good" -name '*.log' -printf '%f\n' | sort | tail -n 1)
manifest=$(cat "$good/CURRENT")
if [ -z "$table" ] || [ -z "$log" ] || [ -z "$manifest" ]; then
	not_ok "badinput: the store has no table, no log or no manifest"
	exit 1
fi

fresh() {
	rm -rf "${store:?}"
	cp -a "$good" "$store"
}

put_bytes() { # FILE OFFSET BYTES (as printf's %b has them)
	printf %b "$3" | dd of="$store/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# Inverts eight bytes.
hurt() { # FILE OFFSET
	new=$(dd if="$store/$1" bs=1 skip="$2" count=8 2>/dev/null |
		od -An -v -tu1 | awk '{ for (i = 1; i <= NF; i++)
			printf "\\0%03o", 255 - $i }')
	put_bytes "$1" "$2" "$new"
}

size_of() {
	stat -c %s "$store/$1"
}

refuses_to_mount() { # NAME FILE
	refused "badinput__$1" "$store" 3 "$2" "$KEYFS" mount "$store" "$mnt"
	refused "badinput__$1__check" "$store" '1 3' "$2" "$KEYFS" check "$store"
	refused "badinput__$1__get" "$store" 3 "$2" "$KEYFS" get "$store" log
}

fresh
echo garbage >"$store/CURRENT"
refuses_to_mount current_is_garbage CURRENT
fresh
: >"$store/CURRENT"
refuses_to_mount current_is_empty CURRENT
fresh
echo MANIFEST-999999 >"$store/CURRENT"
refuses_to_mount current_names_nothing MANIFEST-999999
fresh
rm "$store/CURRENT"
refuses_to_mount current_is_missing CURRENT
fresh
hurt "$manifest" 100
refuses_to_mount manifest_is_damaged "$manifest"
fresh
: >"$store/$manifest"
refuses_to_mount manifest_is_empty "$manifest"
fresh
put_bytes "$manifest" 8 '\0143'
refuses_to_mount manifest_is_newer "$manifest"
fresh
hurt "$log" 120
refuses_to_mount log_is_damaged "$log"
fresh
put_bytes "$log" 8 '\0143'
refuses_to_mount log_is_newer "$log"
fresh
cp "$store/$table" "$store/$log"
refuses_to_mount log_is_foreign "$log"
fresh
rm "$store/$table"
refuses_to_mount table_is_missing "$table"
fresh
truncate -s -1 "$store/$table"
refuses_to_mount table_is_short "$table"
fresh
: >"$store/$table"
refuses_to_mount table_is_empty "$table"

# Damage inside a table shows when it is read.
fresh
hurt "$table" $(($(size_of "$table") / 2))
refused badinput__table_is_damaged__check "$store" '1 3' "$table" \
	"$KEYFS" check "$store"

reads_no_wrong_bytes() {
	errors=0
	for i in $(seq 30); do
		if cat "$mnt/d/$i" >"$work/read" 2>/dev/null; then
			cmp "$work/read" "$work/orig/$i" || return
		else
			errors=$((errors + 1))
		fi
	done
	[ "$errors" -gt 0 ]
}
if "$KEYFS" mount "$store" "$mnt" 2>"$work/err"; then
	try badinput__a_damaged_table_gives_an_error_not_wrong_bytes \
		reads_no_wrong_bytes
	"$KEYFS" umount "$mnt"
else
	try badinput__a_damaged_table_is_named grep -qF "$table" "$work/err"
fi

# What is not ours is left alone.
fresh
echo "not yours" >"$store/notes.txt"
mkdir "$store/subdir"
mount_store
echo more >>"$mnt/log"
unmount_store
try badinput__foreign_files_stay grep -q "not yours" "$store/notes.txt"
try badinput__foreign_directories_stay [ -d "$store/subdir" ]
