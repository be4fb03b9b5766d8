#!/bin/sh
# What `make install-lib` installs is complete: the example of docs/ is built
# against it, with the shared and with the static library, and runs.
set -u

root=$TMPDIR/root
result() { # NAME: the status before it says how it went
	if [ "$?" -eq 0 ]; then
		echo "ok install__$1"
	else
		echo "not ok install__$1"
		cat "$TMPDIR/out"
	fi
}

make --no-print-directory install-lib PREFIX="$root" DESTDIR= \
	>"$TMPDIR/out" 2>&1
result puts_the_library_there

export PKG_CONFIG_PATH="$root/lib/pkgconfig"
flags=${SAN:+-fsanitize=$SAN}

build() { # PROGRAM FLAGS...
	program=$1
	shift
	# shellcheck disable=SC2046,SC2086
	${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror $flags \
		-o "$TMPDIR/$program" docs/example.c "$@" >"$TMPDIR/out" 2>&1
}

# shellcheck disable=SC2046
build shared $(pkg-config --cflags --libs lsm) "-Wl,-rpath,$root/lib" &&
	ldd "$TMPDIR/shared" | grep -q "$root/lib/liblsm.so.0"
result example_builds_with_the_shared_library

# shellcheck disable=SC2046
build static $(pkg-config --cflags lsm) "$root/lib/liblsm.a" \
	$(pkg-config --libs liblz4 libzstd libxxhash libbsd-overlay) -pthread &&
	! ldd "$TMPDIR/static" | grep -q liblsm
result example_builds_with_the_static_library

{
	"$TMPDIR/shared" "$TMPDIR/store" && "$TMPDIR/static" "$TMPDIR/store"
} >"$TMPDIR/out" 2>&1 && [ "$(cat "$TMPDIR/out")" = "runs: 8 bytes
run 1
runs: 8 bytes
run 2" ]
result example_runs

nm -D --defined-only "$root/lib/liblsm.so" | awk '{ print $3 }' |
	grep -Ev '^(lsm|durability|bytes)_' >"$TMPDIR/out"
[ ! -s "$TMPDIR/out" ]
result shows_public_names_only

nm -g --defined-only "$root/lib/liblsm.a" | awk 'NF == 3 { print $3 }' |
	grep -Ev '^(lsm|durability|bytes)_' >"$TMPDIR/out"
[ ! -s "$TMPDIR/out" ]
result static_library_shows_public_names_only
