#!/bin/sh
# Commands on keys give the same answers for a store and for its mount.
. tests/mount/lib.sh

K=$KEYFS
other=$work/other

# Runs the command; shows its output, messages and exit status.
run() { # COMMAND...
	echo "\$ $*"
	"$K" "$@" 2>&1
	echo "= $?"
}

# Every command, on a store that changes.  What differs between two runs, the
# times and inode numbers, is left out.
session() {
	run put "$store" a/b/c hello
	run get "$store" a/b/c
	run put "$store" a/b/c other
	run get "$store" a/b/c
	run put "$store" a-b/x 1
	run put "$store" empty ''
	run put "$store" "sp ace/q" "two words"
	run put "$store" -dash -value
	run get "$store" -dash
	run ls "$store" -- -dash
	run del "$store" -- -dash
	run put "$store" bin <"$work/bytes"
	"$K" get "$store" bin | cmp - "$work/bytes" && echo same
	"$K" get "$store" bin | run put "$store" copy
	"$K" get "$store" copy | cmp - "$work/bytes" && echo same
	printf '' | run put "$store" nothing
	run put "$store" closed <&-
	run get "$store" closed
	run put "$store" a value
	run put "$store" a/b/c/d value
	run get "$store" a
	run get "$store" nix
	run get "$store" nix/nix
	run get "$store" a/b/c/d
	run get "$store" link
	run get "$store" fifo
	run put "$store" link x
	run put "$store" fifo x
	run put "$store" link/x x
	run get "$store" dirlink/c
	run stat "$store" nix
	for key in a a/b/c link fifo empty; do
		"$K" stat "$store" "$key" | grep -v -e ^inode -e ^modified \
			-e ^changed
	done
	run ls "$store"
	run ls "$store" a
	run ls "$store" a/b/c
	run ls "$store" nix
	run ls "$store" -R
	run ls "$store" a -R
	"$K" ls "$store" -lR | sed 's/20[0-9-]* [0-9:]* //'
	run scan "$store"
	run scan "$store" --values a
	run scan "$store" --json --values --limit 4
	run scan "$store" a/b/
	run scan "$store" a-
	run scan "$store" nix/
	run scan "$store" --from a/b --to empty
	run scan "$store" --from b --limit 1
	run scan "$store" --to a/b/c
	run scan "$store" --limit 0
	run del "$store" a nix empty
	run del "$store" a/b/c/d
	run ls "$store"
	run del "$store" -r a fifo
	run ls "$store" -R
	run del "$store" nix
	run shell "$store" <"$work/script"
	for key in '' / a/ a//b ../b "x/$long"; do
		run put "$store" "$key" value
		run get "$store" "$key"
	done
	run del "$store" bin a/./b
	run ls "$store" a/
	run stat "$store" /a
	run put "$store" "$name/$name" value
	run get "$store" "$name/$name"
	run scan "$store" a//
	run scan "$store" /
	run scan "$store" --limit x
	run scan "$store" --nix
	run put "$store"
	run get "$store"
	run get "$store" a b
	run del "$store"
	run ls
	run stat
	run shell
	for cmd in 'get bin' ls scan 'stat copy'; do
		# shellcheck disable=SC2086
		set -- $cmd
		"$K" "$1" "$store" ${2:+"$2"} >/dev/full
		echo "= $?"
		"$K" "$1" "$store" ${2:+"$2"} >&-
		echo "= $?"
	done
	"$K" get "$store" copy | head -c 1 | wc -c
	run scan "$store"
}

name=$(printf '%255s' '' | tr ' ' n)
long=${name}n
head -c 3000000 /dev/urandom >"$work/bytes"
cat >"$work/script" <<'EOF'
# a comment
set "k 1" 'one "two"'
get "k 1"
set k\ 2 a\\b
list
nix
get nix
set
set open "quote
delete "k 1"
scan --values k
stat nix
compact
quit
set never value
EOF

# What put cannot make.
prepare() {
	ln -s a/b/c "$mnt/link"
	ln -s a/b "$mnt/dirlink"
	mkfifo "$mnt/fifo"
}

mount_store
prepare
unmount_store
cp -a "$store" "$other"
session >"$work/local" 2>&1
mv "$store" "$work/was-local"
mv "$other" "$store"
mount_store
session >"$work/mounted" 2>&1
sed -i "s/of process [0-9]*//" "$work/local" "$work/mounted"
try cli__same_answers_mounted diff "$work/local" "$work/mounted"

# And the answers are right.
says() { # NAME TEXT...: consecutive lines of the session
	case_name=$1
	shift
	printf '%s\n' "$@" >"$work/want"
	if awk 'NR == FNR { want = want $0 "\n"; next } { got = got $0 "\n" }
		END { exit index("\n" got, "\n" want) == 0 }' \
		"$work/want" "$work/local"; then
		ok "$case_name"
	else
		sed 's/^/    /' "$work/want"
		not_ok "$case_name" "the session does not have these lines"
	fi
}

says cli__put_replaces "\$ get $store a/b/c" "other= 0"
says cli__values_of_any_bytes same "\$ put $store copy" "= 0" same
says cli__closed_input_is_no_value "\$ put $store closed" \
	"keyfs: $store: standard input: Bad file descriptor" "= 3"
says cli__closed_input_makes_no_key "\$ get $store closed" \
	"keyfs: $store: closed: no such key" "= 1"
says cli__put_on_a_directory "\$ put $store a value" \
	"keyfs: $store: a: is a directory" "= 1"
says cli__get_does_not_follow_links "\$ get $store link" \
	"keyfs: $store: link: is a symbolic link to a/b/c" "= 1"
says cli__links_lead_nowhere "\$ get $store dirlink/c" \
	"keyfs: $store: dirlink/c: a part of its path is no directory" "= 1"
says cli__ls_is_sorted "\$ ls $store" a-b/ a/ bin copy dirlink empty fifo \
	link nothing "sp ace/" "= 0"
says cli__scan_is_in_order "\$ scan $store" a-b/x a/b/c bin copy dirlink \
	empty fifo link nothing "sp ace/q" "= 0"
says cli__scan_from_to "\$ scan $store --from a/b --to empty" a/b/c bin copy \
	dirlink "= 0"
says cli__scan_to_is_exclusive "\$ scan $store --to a/b/c" a-b/x "= 0"
says cli__scan_values "\$ scan $store --values a" "a-b/x	1" \
	"a/b/c	other" "= 0"
says cli__del_goes_on "\$ del $store a nix empty" \
	"keyfs: $store: a: is a directory; use -r" \
	"keyfs: $store: nix: no such key" "= 1"
says cli__shell_runs_a_script "\$ shell $store" 'one "two"' a-b/ bin copy \
	dirlink "k 1" "k 2" link nothing "sp ace/" \
	"keyfs: nix: no such command; see help"
says cli__shell_goes_on_and_fails_at_the_end 'k 2	a\\b' \
	"keyfs: $store: nix: no such key" "= 1"
says cli__empty_key "\$ get $store " \
	"keyfs: $store: \"\" is no key: it is empty" "= 2"
says cli__names_of_255_bytes "\$ get $store $name/$name" "value= 0"
says cli__full_output "keyfs: standard output: No space left on device" "= 3"

# --- one store both ways ----------------------------------------------------

both() { # COMMAND...: on the store, on the mount point
	cmd=$1
	shift
	"$K" "$cmd" "$store" "$@" >"$work/1" && "$K" "$cmd" "$mnt" "$@" >"$work/2" &&
		cmp "$work/1" "$work/2"
}
mkdir -p "$mnt/tree/one/two" "$mnt/tree/one-b"
for i in 1 2 3 10; do
	echo "$i" >"$mnt/tree/one/$i"
	echo "$i" >"$mnt/tree/one/two/$i"
	echo "$i" >"$mnt/tree/one-b/$i"
done
touch "$mnt/$(printf 'caf\351')" "$mnt/caf√©"
try cli__store_and_mount_point_mean_the_same both scan --values tree
(cd "$mnt" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort) \
	>"$work/found"
"$K" scan "$store" >"$work/scanned"
try cli__scan_lists_what_find_does cmp "$work/scanned" "$work/found"
(cd "$mnt" && find tree/one ! -type d | LC_ALL=C sort) >"$work/found"
"$K" scan "$store" tree/one/ >"$work/scanned"
try cli__scan_of_a_prefix_as_find cmp "$work/scanned" "$work/found"
"$K" stat "$store" tree/one/1 >"$work/stat-mounted"
"$K" ls "$store" -lR >"$work/ls-mounted"
"$K" scan "$store" >"$work/scan-mounted"

has_xattrs() { # FILE
	[ "$("$tools/xattr" get "$1" user.keyfs.durability)" = sync ] &&
		[ "$("$tools/xattr" get "$1" user.note)" = "$note" ]
}

chmod 640 "$mnt/tree/one/1"
note=$(head -c 3000 /dev/zero | tr '\0' n)
"$tools/xattr" set "$mnt/tree/one/1" user.keyfs.durability sync
"$tools/xattr" set "$mnt/tree/one/1" user.note "$note"
"$K" put "$store" tree/one/1 new
try cli__put_keeps_the_mode test "$(stat -c %a "$mnt/tree/one/1")" = 640
try cli__put_keeps_the_xattrs has_xattrs "$mnt/tree/one/1"
"$K" put "$store" tree/one/3 "$(cat "$mnt/tree/one/3")"
try cli__no_temporary_files_stay test -z "$(find "$mnt" -name '.keyfs*')"
(umask 077 && "$K" put "$store" tree/private x)
try cli__umask_mounted test "$(stat -c %a "$mnt/tree/private")" = 600

"$K" stat "$store" tree/one/1 >"$work/stat-mounted"
"$K" ls "$store" -lR >"$work/ls-mounted"
"$K" scan "$store" >"$work/scan-mounted"
# umount(8) does not wait until the store is closed; the commands do.
umount "$mnt" 2>/dev/null || fusermount3 -u "$mnt"
"$K" stat "$store" tree/one/1 >"$work/stat-local"
"$K" ls "$store" -lR >"$work/ls-local"
"$K" scan "$store" >"$work/scan-local"
try cli__stat_agrees diff "$work/stat-mounted" "$work/stat-local"
try cli__ls_l_agrees diff "$work/ls-mounted" "$work/ls-local"
try cli__scan_agrees diff "$work/scan-mounted" "$work/scan-local"
(umask 077 && "$K" put "$store" tree/private2 x)
"$K" put "$store" tree/one/1 newer
try cli__modes_locally sh -c '"$0" ls "$1" tree -l | grep -q "^-rw-------.*private2" &&
	"$0" ls "$1" tree/one -l | grep -q "^-rw-r-----.* 1$"' "$K" "$store"

# --- several at once, and a mount that died -----------------------------------

pids=
for i in 1 2 3 4 5 6; do
	"$K" put "$store" "parallel/$i" "$i" 2>>"$work/parallel" &
	pids="$pids $!"
done
failed=0
for pid in $pids; do
	wait "$pid" || failed=1
done
try cli__commands_wait_for_each_other test $failed = 0 -a ! -s "$work/parallel"
try cli__all_of_them_are_done test "$("$K" scan "$store" parallel/ | wc -l)" = 6

mount_store
try cli__put_keeps_the_xattrs_locally has_xattrs "$mnt/tree/one/1"
"$K" put "$store" last word
kill_daemon KILL
"$K" get "$mnt" last >/dev/null 2>"$work/err"
try cli__dead_mount_is_explained sh -c 'grep -q "has died" "$1" ||
	{ cat "$1" && false; }' - "$work/err"
try cli__dead_mount_does_not_hide_the_store \
	test "$("$K" get "$store" last)" = word
mount_store
"$K" put "$store" again works
umount "$mnt" 2>/dev/null || fusermount3 -u "$mnt"
mount_store
try cli__mount_waits_for_the_former_daemon \
	test "$("$K" get "$mnt" again)" = works
unmount_store
try cli__no_store sh -c '"$0" get "$1" x 2>"$2"; test $? = 3 &&
	grep -q "is not a store" "$2"' "$K" "$work/none" "$work/err"
