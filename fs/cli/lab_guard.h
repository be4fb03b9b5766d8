/*
 * lab_guard: a process that cleans up after another one, however that ends.
 *
 * lab_guard_run makes a directory and has a child do the work in it.  This
 * process never touches the mount itself, so it can always end the child: on a
 * signal (INT, TERM, HUP) it kills it, cleans up, and dies of the signal.
 * Cleaning up: processes, the mount, the directory.
 */
#ifndef FS_CLI_LAB_GUARD_H
#define FS_CLI_LAB_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>

/* A store of the work, below its directory. */
#define LAB_GUARD_STORE "store"

struct lab_guard_work {
	/* Returns the exit status.  group: the process group of a program that
	 * it has started, for the guard to kill; 0: none. */
	int (*run)(void *ctx, const char *dir, atomic_int *group);
	void *ctx;
	const char *parent; /* of the directory; NULL: TMPDIR or /var/tmp */
	bool keep;          /* the directory stays */
};

/* Returns the exit status of the work. */
int lab_guard_run(const struct lab_guard_work *w);

#endif
