#!/bin/sh
# Durability policies: of the mount, at run time, and per directory and file.
. tests/mount/lib.sh

xattr=$tools/xattr
policy=user.keyfs.durability
control=$mnt/.keyfs/durability

# A figure of .keyfs/durability.
figure() { # NAME
	sed -n "s/^$1 //p" "$control"
}

# The device syncs that a command takes.
syncs_of() { # COMMAND...
	before=$(figure syncs)
	"$@"
	echo $(($(figure syncs) - before))
}

ten() { # DIRECTORY: ten requests
	(cd "$1" && mkdir 0 1 2 3 4 5 6 7 8 9)
}

same() { # NAME GOT WANT
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "$2, not $3"; fi
}

fails_with() { # NAME TEXT COMMAND...
	name=$1
	text=$2
	shift 2
	if "$@" >"$work/out" 2>&1; then
		not_ok "$name" "it succeeds"
	elif grep -qi -- "$text" "$work/out"; then
		ok "$name"
	else
		not_ok "$name" "$(cat "$work/out")"
	fi
}

# --- per directory and file ---------------------------------------------

mount_store durability=none
mkdir "$mnt/sync" "$mnt/plain" "$mnt/batch"
"$xattr" set "$mnt/sync" $policy sync || not_ok durability__xattr_is_set
"$xattr" set "$mnt/batch" $policy "batch_ms=60000 batch batch_ops=5"
same durability__sync_directory_syncs_each_change \
	"$(syncs_of ten "$mnt/sync")" 10
same durability__other_directories_do_not "$(syncs_of ten "$mnt/plain")" 0
same durability__batch_directory_syncs_each_fifth \
	"$(syncs_of ten "$mnt/batch")" 2
same durability__is_inherited "$("$xattr" get "$mnt/sync/5" $policy)" sync
same durability__is_inherited_further "$(syncs_of ten "$mnt/sync/5")" 10
same durability__is_shown_in_one_form \
	"$("$xattr" get "$mnt/batch" $policy)" \
	"batch batch_ops=5 batch_ms=60000"
: >"$mnt/plain/f"
same durability__a_file_without_one_is_not_synced \
	"$(syncs_of sh -c "echo x >>$mnt/plain/f")" 0
"$xattr" set "$mnt/plain/f" $policy sync
same durability__a_file_of_its_own_is \
	"$(syncs_of sh -c "echo x >>$mnt/plain/f")" 1
cp -a "$mnt/sync" "$mnt/copied"
same durability__cp_a_takes_it_along \
	"$("$xattr" get "$mnt/copied/5" $policy)" sync

fails_with durability__a_wrong_value_is_refused "invalid argument" \
	"$xattr" set "$mnt/sync" $policy often
same durability__and_changes_nothing "$("$xattr" get "$mnt/sync" $policy)" sync
fails_with durability__other_names_of_ours_are_refused "not supported" \
	"$xattr" set "$mnt/sync" user.keyfs.other x

unmount_store
mount_store durability=none
# The first sync is for each file of the log that was found, too.
echo 1 >"$mnt/.keyfs/sync"
same durability__is_there_after_mounting_again \
	"$(syncs_of ten "$mnt/sync/6")" 10
"$xattr" remove "$mnt/sync/6" $policy
same durability__is_gone_when_removed "$(syncs_of ten "$mnt/sync/6/7")" 10
mkdir "$mnt/sync/6/new"
same durability__is_not_inherited_then "$(syncs_of ten "$mnt/sync/6/new")" 0

# --- at run time --------------------------------------------------------

echo sync >"$control"
same durability__is_changed_at_run_time "$(syncs_of ten "$mnt/sync/6/new/0")" 10
fails_with durability__nonsense_at_run_time_is_refused "invalid argument" \
	sh -c "echo often | dd of=$control conv=notrunc"
same durability__and_the_old_one_stays "$(head -n 1 "$control")" sync
try durability__and_the_file_says_why \
	sh -c "tail -n 1 $control | grep -q \"^refused: 'often' is no dur\""
echo none >"$control"
try durability__until_one_is_taken sh -c "! grep -q refused $control"
try durability__what_is_allowed_is_always_there \
	grep -q '^allowed: sync, batch, adaptive or none' "$control"
unmount_store

# --- options ------------------------------------------------------------

mount_store durability=batch,batch_ops=5,batch_ms=20
same durability__options_are_taken "$(head -n 1 "$control")" \
	"batch batch_ops=5 batch_ms=20"
mkdir "$mnt/options"
before=$(figure syncs)
ten "$mnt/options"
sleep 0.2
try durability__batch_syncs_by_number_and_time \
	[ "$(($(figure syncs) - before))" -ge 2 ]
same durability__also_when_nothing_comes_any_more \
	"$(figure unsynced_operations)" 0
unmount_store
mount_store durability=adaptive,adaptive_ms=50
mkdir "$mnt/adaptive"
sleep 0.2
same durability__adaptive_syncs_in_time "$(figure unsynced_operations)" 0
unmount_store
fails_with durability__wrong_options_are_refused "batch_ops=1..1000000" \
	"$KEYFS" mount "$store" "$mnt" -o durability=batch,batch_ops=0
try durability__and_the_store_is_sound "$KEYFS" check "$store"
