#!/bin/sh
# run-tests counts what fails, dies, hangs or is skipped for what it is.
set -u

dir=$TMPDIR/suites
mkdir -p "$dir/mount"

suite() { # NAME: standard input becomes the script
	{ echo '#!/bin/sh'; cat; } >"$dir/$1"
	chmod +x "$dir/$1"
}

# expect NAME SUMMARY PATTERN SUITE: how running that suite alone ends.
expect() {
	PROBE=${probe:-/bin/true} TIME_LIMIT=${limit:-60} \
		scripts/run-tests "$dir/$4" >"$dir/out" 2>&1
	status=$?
	want=1
	case $2 in *' 0 failed'*) want=0 ;; esac
	if [ "$(tail -n 1 "$dir/out")" = "$2" ] && grep -q "$3" "$dir/out" &&
		[ "$status" -eq "$want" ]; then
		echo "ok run_tests__$1"
	else
		echo "not ok run_tests__$1"
		cat "$dir/out"
	fi
}

suite mixed <<'END'
echo "ok one"
echo "  not ok indented text is no result"
echo "skip two no luck"
echo "not ok three"
END
expect sums_shell_results '1 passed, 1 failed, 1 skipped' \
	'^FAILED: .*mixed: three$' mixed
expect names_what_it_skipped '1 passed, 1 failed, 1 skipped' \
	'^skipped: .*mixed: two no luck$' mixed

suite cmocka <<'END'
cat <<OUT
[==========] Running 4 test(s).
[ RUN      ] a
[       OK ] a
[ RUN      ] b
text without newline[       OK ] b
[ RUN      ] c
[  FAILED  ] c
[ RUN      ] d
[  SKIPPED ] d
[==========] 4 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] d
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] c
OUT
exit 1
END
expect sums_cmocka_results '2 passed, 1 failed, 1 skipped' \
	'^FAILED: .*cmocka: c$' cmocka

suite crash <<'END'
echo "[==========] Running 2 test(s)."
echo "[ RUN      ] a"
echo "[       OK ] a"
echo "[ RUN      ] b"
kill -ABRT $$
END
expect names_the_case_that_crashed '1 passed, 1 failed, 0 skipped' \
	'^FAILED: .*crash: b (ended in the middle)$' crash

suite dies <<'END'
echo "ok one"
exit 7
END
expect sees_the_exit_status '1 passed, 1 failed, 0 skipped' \
	'^FAILED: .*dies (exit status 7)$' dies

suite silent </dev/null
expect wants_a_result '0 passed, 1 failed, 0 skipped' \
	'^FAILED: .*silent (reports no test)$' silent

suite report <<'END'
echo "ok one"
echo "ERROR: leak" >"$(echo "$ASAN_OPTIONS" |
	sed 's/.*log_path=//; s/:.*//').1"
END
expect sees_sanitizer_reports '1 passed, 1 failed, 0 skipped' \
	'^FAILED: .*report (sanitizer)$' report

suite hangs <<'END'
echo "ok one"
sleep 30
END
limit=1 expect ends_what_hangs '1 passed, 1 failed, 0 skipped' \
	'^FAILED: .*hangs (over 1 s)$' hangs

suite litter <<'END'
mkdir "$TMPDIR/left" && chmod 0 "$TMPDIR/left"
echo "$TMPDIR" >"$0.where"
echo "ok one"
END
expect removes_what_is_left '1 passed, 0 failed, 0 skipped' litter litter
if [ -e "$(cat "$dir/litter.where")" ]; then
	echo "not ok run_tests__temporary_directory_is_gone"
else
	echo "ok run_tests__temporary_directory_is_gone"
fi

suite mount/one.sh <<'END'
echo "ok one"
END
probe=/bin/false expect skips_mounts_without_fuse \
	'0 passed, 0 failed, 1 skipped' \
	'^skipped: .*mount/one.sh no usable /dev/fuse$' mount/one.sh
expect runs_mounts_with_fuse '1 passed, 0 failed, 0 skipped' one \
	mount/one.sh
