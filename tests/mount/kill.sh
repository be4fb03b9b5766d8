#!/bin/sh
# The daemon is killed at random moments; see kill.c.
. tests/mount/lib.sh

run() { # MOMENTS MODE
	mkdir "$work/$2"
	"$tools/kill" "$work/$2" "$1" "$2" >"$work/log" 2>&1
	status=$?
	cat "$work/log"
	rm -rf --one-file-system "${work:?}/$2"
	return $status
}

expect_right() { # NAME MOMENTS MODE
	if run "$2" "$3"; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

# The harness itself: a lost and an invented step are both found.
expect_wrong() { # NAME MODE
	if ! run 1 "$2" && grep -q "worker 0: not the state after" "$work/log"
	then
		ok "$1"
	else
		not_ok "$1"
	fi
}

expect_right kill__loses_nothing_acknowledged "${MOMENTS:-8}" kill
expect_right kill__by_sigterm_loses_nothing 2 term
expect_right kill__unmounting_loses_nothing 2 calm
expect_wrong kill__a_lost_step_is_found lose
expect_wrong kill__an_invented_step_is_found invent
