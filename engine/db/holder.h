/*
 * holder: who has a store open: the lock file of its directory.
 *
 * Errors: -EBUSY: somebody has it; every error has been told to env's sink.
 */
#ifndef ENGINE_DB_HOLDER_H
#define ENGINE_DB_HOLDER_H

#include "engine/os/env.h"
#include "engine/os/filelock.h"

/* Until filelock_release.  Creates the file; the directory is there. */
int holder_acquire(struct env *env, const char *dir, struct filelock **out);

#endif
