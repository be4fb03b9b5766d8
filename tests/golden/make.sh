#!/bin/sh
# Makes a golden store: builds the engine of a commit beside, lets it write the
# store that golden.h describes, and puts the store's files here.
#
#	tests/golden/make.sh COMMIT FORMAT
#
# A store is made once, when its format is new, and never again: it stands for
# those that people have.  These were made by
#
#	tests/golden/make.sh 44eabdc 0    before version 1: logs without a salt
#	tests/golden/make.sh d20bed0 1    version 1 of logs, tables and edits
#	tests/golden/make.sh b951345 2    version 2 of them, as it came to be
set -eu

[ $# = 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
cd "$(dirname "$0")/../.."
out=tests/golden/$2
if [ -e "$out" ]; then
	echo "$out is there already" >&2
	exit 1
fi

work=$(mktemp -d)
trap 'git worktree remove --force "$work/tree" 2>/dev/null; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/tree" "$1"
make -s -C "$work/tree" build/lib/liblsm.a >/dev/null

# The engine's header is that of the commit, golden.h is today's.
mkdir "$work/include"
ln -s "$work/tree/engine" "$work/include/engine"
ln -s "$PWD/tests" "$work/include/tests"
# shellcheck disable=SC2046
${CC:-gcc} -std=c11 -D_GNU_SOURCE -DGOLDEN_FORMAT="$2" -O1 \
	-I"$work/include" \
	$(pkg-config --cflags libbsd-overlay) \
	-o "$work/write" tests/golden/write.c "$work/tree/build/lib/liblsm.a" \
	$(pkg-config --libs liblz4 libzstd libxxhash libbsd-overlay) \
	-lm -pthread
"$work/write" "$work/store"
rm -f "$work/store/LOCK"
mkdir "$out"
cp "$work"/store/* "$out/"
ls -l "$out"
