/*
 * lab_script: somebody's program as a workload.
 *
 * PROGRAM run, in a directory of its own: prints a line for each step that it
 * takes for done.  PROGRAM check, there again after the power cut: prints the
 * lines of the steps that it finds done, and exits with 0, or with another
 * status if what it finds is wrong in itself.
 * Use: lab_script_begin, _start, _go, _wait as long as one likes, _stop,
 * _look, _end; a zeroed struct may be ended.  When _start returns, the process
 * is in its directory.
 * Errors: 0 or -errno.
 */
#ifndef FS_CLI_LAB_SCRIPT_H
#define FS_CLI_LAB_SCRIPT_H

#include <limits.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "fs/cli/lab_loss.h"
#include "fs/cli/lab_steps.h"

struct lab_script {
	char program[PATH_MAX];
	char dir[PATH_MAX];
	bool quiet;        /* its standard error is not shown */
	atomic_int *group; /* whom to kill if this process cannot */
	pid_t pid;         /* 0: it does not run */
	int out;           /* what it prints; -1: it has closed that */
	uint64_t start_ns;
	struct lab_steps steps;
	uint64_t *began; /* of the steps, for lab_track */
};

/* The program's path, as it was given, from the working directory or PATH.
 * -ENOENT or -EACCES if there is none to be run. */
int lab_script_find(const char *name, char *path);

/* path: from lab_script_find. */
int lab_script_begin(
    struct lab_script *s, const char *path, const char *dir, atomic_int *group);
int lab_script_start(struct lab_script *s);
void lab_script_go(struct lab_script *s);

/* Reads steps until then.  False: it has ended. */
bool lab_script_wait(struct lab_script *s, uint64_t until_ns);

/* Ends it, with all its children, and reads what is left. */
void lab_script_stop(struct lab_script *s);
int lab_script_look(
    struct lab_script *s, struct lab_track *t, struct lab_found *found);
void lab_script_end(struct lab_script *s);

#endif
