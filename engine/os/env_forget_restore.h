/*
 * env_forget_restore: turns names and files of the base into what a cut left.
 *
 * Use: make; then, without locks, sync; fini in any case.  A zeroed struct is
 * empty.  No file is open.
 * Owns: the paths of what has to be synced.
 * Threads: one at a time.
 * Errors: those of the base and -ENOMEM; the base is somewhere between then.
 */
#ifndef ENGINE_OS_ENV_FORGET_RESTORE_H
#define ENGINE_OS_ENV_FORGET_RESTORE_H

#include "engine/os/env_forget_names.h"
#include "engine/os/env_forget_paths.h"

struct env_forget_restore {
	struct env_forget_paths files;
	struct env_forget_paths dirs;
};

/* After it, nothing is left to go back to. */
int env_forget_restore_make(struct env_forget_restore *r,
    struct env_forget_names *n, const struct env_forget_pick *p,
    struct env_forget_report *report);
int env_forget_restore_sync(
    const struct env_forget_restore *r, struct env *base);
void env_forget_restore_fini(struct env_forget_restore *r);

/* The oldest operation on names and files that was not synced; op: none. */
uint64_t env_forget_restore_oldest(
    const struct env_forget_names *n, uint64_t op);

#endif
