#!/bin/sh
# keyfs lab: does it run, see what is broken, and leave nothing behind?
. tests/mount/lib.sh

lab=$work/lab
mkdir "$lab"

exits() { # STATUS COMMAND...
	want=$1
	shift
	"$@" >"$work/last" 2>&1
	status=$?
	cat "$work/last"
	[ $status -eq "$want" ] || {
		echo "exit status $status"
		return 1
	}
}

says() { # TEXT...: the last command that had to exit somehow
	for text; do
		grep -q -e "$text" "$work/last" || {
			cat "$work/last"
			return 1
		}
	done
}

nothing_is_left() {
	ls -A "$lab"
	[ -z "$(ls -A "$lab")" ] && ! grep " $lab/" /proc/self/mounts
}

run_lab() {
	"$KEYFS" lab --dir "$lab" --seconds 0.2 "$@"
}

try lab_cmd__contracts_hold exits 0 run_lab --cuts 3 \
	--workload append,replace --policy sync,none
cp "$work/last" "$work/table"
try lab_cmd__a_row_for_each_workload_and_policy \
	[ "$(grep -cE '^(append|replace) +(sync|none) .* held$' \
		"$work/table")" -eq 4 ]
try lab_cmd__none_loses_something \
	awk '$2 == "none" { lost += $5 } END { exit !lost }' "$work/table"
try lab_cmd__nothing_is_left nothing_is_left

try lab_cmd__several_writers_and_a_counted_cut exits 0 run_lab --cuts 3 \
	--workload create,pair,overwrite --policy batch:batch_ms=1000 \
	--writers 3 --cut-after 50
try lab_cmd__fsync_is_durable_under_none exits 0 run_lab --cuts 3 \
	--workload append-fsync,replace-fsync --policy none --json \
	--svg "$work/picture.svg"
try lab_cmd__json_says_so says '"held":true,' '"bound":0,'
try lab_cmd__the_picture_is_written \
	grep -q '</svg>' "$work/picture.svg"

# What is wrong is found.
try lab_cmd__an_fsync_that_does_nothing_is_found exits 1 run_lab --cuts 2 \
	--workload append-fsync --policy none --keep none -o fsync=ignore
try lab_cmd__and_told_with_a_command_that_repeats_it says \
	'^broken: append-fsync under none: .* steps lost, 0 allowed' \
	"^repeat: keyfs lab .*--seed .*fsync=ignore"

try lab_cmd__more_lost_than_the_policy_allows_is_found exits 1 run_lab \
	--cuts 1 --workload append --policy batch:batch_ops=2:batch_ms=1000 \
	--keep none -o batch_ops=100000
try lab_cmd__as_what_it_is says \
	'^broken: append under batch .*: [0-9]* steps lost, 2 allowed$'

cat >"$work/boaster" <<'END'
#!/bin/sh
[ "$1" = check ] && exit
for n in 1 2 3; do
	echo "$n"
done
sleep 10
END
chmod +x "$work/boaster"
try lab_cmd__a_script_that_claims_too_much_is_found exits 1 run_lab --cuts 2 \
	--script "$work/boaster" --policy sync
try lab_cmd__and_how_much says '^broken: boaster under sync: 3 steps lost'

cat >"$work/wrong" <<'END'
#!/bin/sh
[ "$1" = check ] && { cat done; exit 5; }
echo 1 >done && sync done && echo 1
END
chmod +x "$work/wrong"
try lab_cmd__a_check_that_fails_is_found exits 1 run_lab --cuts 1 \
	--script "$work/wrong" --policy none
try lab_cmd__with_its_status says 'not a prefix: .*ended with status 5$'

"$KEYFS" lab --help | sed -n '/#!/,$s/^  //p' >"$work/example"
chmod +x "$work/example"
try lab_cmd__the_script_in_the_help_works exits 0 run_lab --cuts 2 \
	--script "$work/example" --policy sync
try lab_cmd__and_claims_steps \
	awk '$1 == "example" && $3 > 0 { n++ } END { exit !n }' "$work/last"

# Wrong usage, and what cannot be done.
try lab_cmd__an_unknown_workload_is_refused exits 2 run_lab --workload x
try lab_cmd__an_unknown_policy_is_refused exits 2 run_lab --policy x
try lab_cmd__a_missing_script_is_told exits 3 run_lab --script "$work/none"
try lab_cmd__a_missing_directory_is_told \
	exits 3 "$KEYFS" lab --dir "$work/none"
try lab_cmd__a_mount_option_that_is_none_is_told exits 2 run_lab -o nonsense
try lab_cmd__then_nothing_is_left_either nothing_is_left

# Signals; a script's children, too, end with it.
cat >"$work/sleeper" <<'END'
#!/bin/sh
sleep 1000 &
echo $! >"$SLEEPER"
wait
END
chmod +x "$work/sleeper"
export SLEEPER="$work/sleeper.pid"
ends_by() { # SIGNAL
	rm -f "$SLEEPER"
	"$KEYFS" lab --dir "$lab" --seconds 100 --script "$work/sleeper" \
		--policy none 2>/dev/null &
	pid=$!
	for _ in $(seq 1000); do
		[ ! -s "$SLEEPER" ] || break
		sleep 0.01
	done
	kill "-$1" "$pid"
	wait "$pid"
	[ -s "$SLEEPER" ] && await_end "$(cat "$SLEEPER")" && nothing_is_left
}
try lab_cmd__sigterm_leaves_nothing ends_by TERM
try lab_cmd__sighup_leaves_nothing ends_by HUP
