/*
 * mount: a store mounted for the cases of a suite.
 *
 * Use: main returns mount_run(tests, count).  The cases, plain
 * cmocka_unit_test(), run once for each durability policy, on a new store each
 * time; every one of them begins in an empty directory of the mount (so names
 * are relative) with umask 022, and what it leaves is removed.  A last case of
 * its own unmounts and lets `keyfs check` look for damage.
 * $KEYFS is the program.  PLAIN=1 runs the cases in a directory of the
 * filesystem below TMPDIR instead: what they ask for is what Linux does
 * elsewhere.  Without /dev/fuse every case is reported as skipped.
 * Threads: none.  Errors: end the case.
 */
#ifndef TESTS_SUPPORT_MOUNT_H
#define TESTS_SUPPORT_MOUNT_H

#include "tests/check.h"

struct mount {
	const char *base; /* for files outside of the mount */
	char *store;      /* below base */
	char *path;       /* of the mount point, below base */
	bool is_plain;
	bool is_sync; /* each change costs a device sync */
	bool is_mounted;
};

/* The number of failures, for main. */
int mount_run(const struct CMUnitTest *tests, size_t count);

/* The mount of the running suite. */
struct mount *mount_now(void);

/* Unmount and mount again; the case goes on in the same directory.  With
 * PLAIN=1 nothing happens. */
void mount_again(struct mount *m);

/* Runs the program with up to 6 arguments (NULL ends); its exit status. */
int mount_keyfs(char *const *args);

/* Runs f in a child process; the checks in it count for the case.  As uid and
 * gid if uid is not 0 (skips the case if that is not allowed). */
void mount_child(uid_t uid, gid_t gid, void (*f)(void));

#define MOUNT_NOBODY 65534

#endif
