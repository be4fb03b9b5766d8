/*
 * env_forget_paths: a set of paths, few of them.
 *
 * A zeroed struct is empty.  Owns: copies.  Threads: one at a time.
 * Errors: -ENOMEM; the set is as before.
 */
#ifndef ENGINE_OS_ENV_FORGET_PATHS_H
#define ENGINE_OS_ENV_FORGET_PATHS_H

#include "engine/base/bytes.h"

struct env_forget_paths {
	char **all;
	size_t count;
};

int env_forget_paths_add(struct env_forget_paths *p, struct bytes path);
void env_forget_paths_fini(struct env_forget_paths *p);

/* A path in the one form that is compared; NULL: no memory. */
char *env_forget_paths_plain(const char *path);

/* The directory of a plain path: so many bytes at its beginning, or ".". */
struct bytes env_forget_paths_dir(const char *path);

#endif
