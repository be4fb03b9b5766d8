# Sourced by the scripts here and in tests/long.
#
# $KEYFS is the program, $BUILD where test programs are.  $work is a directory
# for the script, removed when it ends, however it ends; what is mounted below
# it is unmounted before.
# shellcheck shell=sh
set -u
umask 022

tools=$(pwd)/${BUILD:-build}/tests/mount
case ${BUILD:-build} in /*) tools=$BUILD/tests/mount ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/keyfs-mount-XXXXXX") || exit 2
work=$(cd "$work" && pwd -P)
store=$work/store
mnt=$work/mnt
mkdir "$mnt"
chmod 755 "$work"

if [ -n "${PROBE:-}" ] && ! "$PROBE" "$mnt" >/dev/null 2>&1; then
	echo "skip $(basename "$0") no usable /dev/fuse"
	rm -rf "$work"
	exit 0
fi

unmount_below() { # DIRECTORY
	awk -v dir="$1/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts |
		sort -r | while read -r m; do
		fusermount3 -uz "$m" 2>/dev/null || umount -l "$m"
	done
}

clean_up() {
	cd /
	unmount_below "$work"
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

ok() { # NAME
	echo "ok $1"
}

not_ok() { # NAME [WHY...]; the script goes on
	echo "not ok $1"
	shift
	[ $# -eq 0 ] || echo "    $*"
}

# Runs the command; the case NAME is whether it succeeds.
try() { # NAME COMMAND...
	try_name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		ok "$try_name"
	else
		echo "    exit status $? of: $*"
		tail -n 20 "$work/out" | sed 's/^/    /'
		not_ok "$try_name"
	fi
}

# Without these nothing that follows makes sense.
mount_store() { # [OPTIONS]
	"$KEYFS" mount "$store" "$mnt" ${1:+-o "$1"} || {
		not_ok "mounting $store"
		exit 1
	}
}

unmount_store() {
	"$KEYFS" umount "$mnt" || {
		not_ok "unmounting $store"
		exit 1
	}
}

# The process that serves the store, as its lock file says.
daemon_pid() {
	pid=$(head -n 1 "$store/LOCK")
	case $(cat "/proc/$pid/comm") in
	keyfs*) echo "$pid" ;;
	*) return 1 ;;
	esac
}

# Waits until a process is gone (it may stay as a zombie of init's).
await_end() { # PID
	for _ in $(seq 3000); do
		state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" \
			2>/dev/null)
		case $state in '' | Z*) return 0 ;; esac
		sleep 0.01
	done
	return 1
}

kill_daemon() { # SIGNAL
	pid=$(daemon_pid) || {
		not_ok "finding the daemon of $store"
		exit 1
	}
	kill "-$1" "$pid"
	await_end "$pid" || not_ok "the daemon does not end by SIG$1"
}
