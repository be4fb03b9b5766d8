#!/bin/sh
# The power fails at random moments under each durability policy; see cut.c.
. tests/mount/lib.sh

cuts=${CUTS:-6}

run() { # CUTS POLICY [lose]
	mkdir "$work/cut"
	"$tools/cut" "$work/cut" "$@" >"$work/log" 2>&1
	status=$?
	tail -n 40 "$work/log" && echo
	rm -rf --one-file-system "${work:?}/cut"
	return $status
}

expect_right() { # NAME POLICY
	if run "$cuts" "$2"; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

# The harness itself: an fsync that is answered and not done.
expect_wrong() { # NAME
	if ! run 100 none lose && grep -q "not the state after any" "$work/log"
	then
		ok "$1"
	else
		not_ok "$1"
	fi
}

expect_right cut__under_sync_nothing_is_lost sync
expect_right cut__under_batch_no_more_than_its_bounds "batch batch_ops=20 batch_ms=10"
expect_right cut__under_adaptive_no_more_than_its_bound "adaptive adaptive_ms=10"
expect_right cut__under_none_what_fsync_covered none
expect_wrong cut__an_ignored_fsync_is_found
