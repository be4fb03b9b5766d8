#!/bin/sh
# Power cuts on demand: what was promised is there afterwards, what survives is
# a prefix, and the mount goes on.
. tests/mount/lib.sh

file=$mnt/.keyfs/power-cut

cut_power() { # WORD...; the writer's message is in $work/err
	echo "$*" | tee "$file" 2>"$work/err" >"$work/tee"
}

figure() { # NAME; of the report
	awk -v name="$1" '$1 == name { print $2 }' "$file"
}

# The cut may have come to somebody in the middle of a request, and is carried
# out soon.
await_cuts() { # COUNT
	for _ in $(seq 500); do
		[ "$(figure cuts)" = "$1" ] || return 0
		sleep 0.02
	done
	return 1
}

holds() { # FILE TEXT
	[ "$(cat "$mnt/$1")" = "$2" ]
}

absent() { # FILE
	[ ! -e "$mnt/$1" ]
}

fails_with() { # TEXT COMMAND...
	text=$1
	shift
	! "$@" && grep -q "$text" "$work/err"
}

stats_say() { # LINE
	grep -qx "$1" "$mnt/.keyfs/stats"
}

fsync_ms() { # FILE
	begin=$(date +%s%N)
	sync "$1"
	echo $((($(date +%s%N) - begin) / 1000000))
}

# Files 1, 2, 3 ... with their number; how many were acknowledged.
write_until_cut() { # DIRECTORY MAX
	acknowledged=0
	for i in $(seq "$2"); do
		(echo "$i" >"$1/$i") 2>/dev/null || break
		acknowledged=$i
	done
	echo "$acknowledged"
}

# How many there are, if they are the first ones and whole; the last one may
# have come without its content.
count_prefix() { # DIRECTORY
	n=0
	while [ -e "$1/$((n + 1))" ]; do
		n=$((n + 1))
		[ "$(cat "$1/$n")" = "$n" ] && continue
		[ ! -s "$1/$n" ] && n=$((n - 1)) && break
		return 1
	done
	for path in "$1"/*; do
		[ ! -e "$path" ] || [ "${path##*/}" -le $((n + 1)) ] || return 1
	done
	echo "$n"
}

prefix_of_at_least() { # DIRECTORY COUNT
	count=$(count_prefix "$1") && [ "$count" -ge "$2" ]
}

unmounts_sound() { # NAME
	try "lab__$1_unmounts" "$KEYFS" umount "$mnt"
	try "lab__$1_leaves_nothing_beside" \
		sh -c "! ls -a '$store' | grep -q forgotten"
	try "lab__$1_leaves_a_sound_store" "$KEYFS" check "$store"
}

# --- what survives

mount_store lab
echo kept >"$mnt/kept"
sync "$mnt/kept"
echo lost >"$mnt/lost"
exec 3<"$mnt/kept"
try lab__cut_is_made cut_power now keep=none seed=7
try lab__cut_keeps_what_was_synced holds kept kept
try lab__cut_takes_what_was_not absent lost
# shellcheck disable=SC2016
try lab__files_open_at_the_cut_give_EIO sh -c '! cat <&3 2>"$0" &&
	grep -q "Input/output error" "$0"' "$work/err"
exec 3<&-
try lab__cut_is_reported [ "$(figure cuts) $(figure state)" = "1 ready" ]
try lab__report_has_seed_and_keep \
	[ "$(figure last_seed) $(figure last_keep)" = "7 none" ]
try lab__report_has_the_losses [ "$(figure last_writes_lost)" -ge 1 ]
echo "after the cut" >"$mnt/lost"
try lab__mount_goes_on holds lost "after the cut"
try lab__commands_go_on "$KEYFS" get "$mnt" kept
try lab__the_store_stays_locked "$KEYFS" get "$store" kept

for keep in prefix random; do
	for seed in 1 2 3 4 5; do
		dir=$mnt/$keep-$seed
		mkdir "$dir"
		for i in 1 2 3 4 5 6 7 8; do
			echo "$i" >"$dir/$i"
			[ "$i" != 4 ] || sync "$dir/4"
		done
		cut_power "seed=$seed" now "keep=$keep"
		try "lab__${keep}_${seed}_leaves_a_prefix" \
			prefix_of_at_least "$dir" 4
	done
done
try lab__seed_is_the_one_given [ "$(figure last_seed)" = 5 ]
try lab__a_seed_need_not_be_given cut_power now
try lab__keep_is_random_by_default [ "$(figure last_keep)" = random ]
try lab__seeds_are_told [ -n "$(figure last_seed)" ]

# --- at a certain change

cuts=$(figure cuts)
mkdir "$mnt/armed"
sync "$mnt/armed"
try lab__cut_is_armed cut_power after=30 keep=none
try lab__armed_cut_is_told grep -q "^state armed after=30 " "$file"
written=$(write_until_cut "$mnt/armed" 100)
try lab__armed_cut_comes await_cuts "$cuts"
try lab__armed_cut_comes_in_its_time \
	[ "$written" -ge 8 -a "$written" -lt 30 ]
try lab__armed_cut_takes_what_was_not_synced prefix_of_at_least "$mnt/armed" 0
try lab__armed_cut_is_over grep -q "^state ready" "$file"

# --- bad orders

cuts=$(figure cuts)
for words in "" "seed=1" "keep=none" "now after=5" "now now" "after=0" \
	"after=-1" "after=1000000001" "after=x" "now seed=-1" "now keep=all" \
	"never" "now,keep=none"; do
	# shellcheck disable=SC2086
	try "lab__order_$(echo "$words" | tr -c 'a-z0-9=\n-' _)_is_refused" \
		fails_with "Invalid argument" cut_power "$words"
done
try lab__bad_orders_do_nothing [ "$(figure cuts)" = "$cuts" ]

# --- after a cut the options of the mount hold

echo sync >"$mnt/.keyfs/durability"
cut_power now
try lab__policy_is_that_of_the_mount \
	[ "$(head -n 1 "$mnt/.keyfs/durability")" = none ]
try lab__stats_say_so stats_say "lab 1"
cut_power after=1000000
unmounts_sound many_cuts

# --- sync: what was acknowledged is there

mount_store lab,durability=sync
for round in 1 2 3 4 5 6; do
	cuts=$(figure cuts)
	mkdir "$mnt/sync-$round"
	cut_power "after=$((round * 17 % 40 + 5))"
	written=$(write_until_cut "$mnt/sync-$round" 100)
	try "lab__sync_${round}_is_cut" await_cuts "$cuts"
	echo "$written files before the cut"
	try "lab__sync_${round}_loses_nothing" \
		prefix_of_at_least "$mnt/sync-$round" "$written"
done
try lab__sync_keeps_the_cuts_before holds kept kept
unmounts_sound sync

# --- writers on all sides

mount_store lab,durability=batch,batch_ms=5,memtable=64K
for writer in 1 2 3 4; do
	mkdir "$mnt/writer-$writer"
	sync "$mnt/writer-$writer"
	(while [ ! -e "$work/enough" ]; do
		head -c 5000 /dev/zero >"$mnt/writer-$writer/x"
		mv "$mnt/writer-$writer/x" "$mnt/writer-$writer/y"
	done 2>/dev/null) &
done
for round in 1 2 3 4 5 6 7 8; do
	try "lab__writers_${round}_are_cut" cut_power now
	try "lab__writers_${round}_find_the_mount_again" holds kept kept
	sleep 0.1
done
touch "$work/enough"
wait
unmounts_sound writers

# --- slow disks, and disks that lie

mount_store lab,sync_delay=300
echo x >"$mnt/slow"
ms=$(fsync_ms "$mnt/slow")
try lab__sync_delay_makes_fsync_slow [ "$ms" -ge 300 ]
try lab__sync_delay_is_told stats_say "lab_sync_delay_ms 300"
unmounts_sound sync_delay

mount_store lab,fsync=ignore
echo x >"$mnt/lie"
sync "$mnt/lie"
cut_power now keep=none
try lab__ignored_fsync_keeps_nothing absent lie
try lab__ignored_fsync_keeps_what_was_before holds kept kept
try lab__ignored_fsync_is_told stats_say "lab_fsync_ignored 1"
unmounts_sound fsync_ignore

# --- a store that does not come back

mount_in_sight() { # OPTIONS; the daemon's messages are in $work/log
	"$KEYFS" mount -f -o "$1" "$store" "$mnt" 2>"$work/log" &
	daemon=$!
	for _ in $(seq 500); do
		[ ! -e "$mnt/.keyfs/stats" ] || return 0
		sleep 0.02
	done
	not_ok "mounting $store"
	exit 1
}

mount_in_sight lab
mv "$store" "$work/away"
try lab__failed_opening_reaches_the_writer \
	fails_with "Input/output error" cut_power now keep=none
wait "$daemon"
try lab__failed_opening_ends_the_mount [ $? -eq 3 ]
try lab__failed_opening_is_told \
	grep -q "after a power cut: opening the store again: No such" "$work/log"
mv "$work/away" "$store"
mount_in_sight lab
cut_power now keep=prefix seed=3
cut_power soon
unmount_store
wait "$daemon"
try lab__cuts_are_told \
	grep -q "power cut 1: keep=prefix seed=3: lost 0 of " "$work/log"
try lab__refusals_are_told \
	grep -q "power-cut: 'soon' is not allowed; allowed: now" "$work/log"
try lab__nothing_else_is_told [ "$(wc -l <"$work/log")" -eq 2 ]

# --- kill -9 is no power cut

mount_store lab
echo x >"$mnt/killed"
kill_daemon KILL
"$KEYFS" umount "$mnt" 2>/dev/null
mount_store
try lab__kill_loses_nothing holds killed x

# --- without a lab

try lab__without_lab_there_are_no_cuts \
	fails_with "Operation not permitted" cut_power now
try lab__without_lab_the_file_says_so grep -q "need a mount with -o lab" "$file"
unmount_store
for option in fsync=ignore sync_delay=5; do
	try "lab__${option%%=*}_needs_the_lab" fails_with "needs the option lab" \
		sh -c "$KEYFS mount $store $mnt -o $option 2>$work/err"
done
