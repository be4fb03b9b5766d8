/*
 * env_forget_names: which file a name stands for, and what was done to the
 * names of each directory since its last sync.
 *
 * Use: the changes of names are made here, in the base and in the notes; drop
 * with env_forget_names_synced what a sync of a directory covers; after a cut
 * env_forget_names_restore.  Paths are plain (env_forget_paths.h).  A zeroed
 * struct with base set is empty. Owns: nodes and names.  A node is there while
 * its file is open, has something to go back to, or has several names. Threads:
 * one at a time. Errors: those of the base and -ENOMEM; then nothing was
 * changed. Limits: two names of one file that were there before are taken for
 * two files; directories are not renamed; a new directory is taken for synced.
 */
#ifndef ENGINE_OS_ENV_FORGET_NAMES_H
#define ENGINE_OS_ENV_FORGET_NAMES_H

#include "engine/os/env_forget_nodes.h"

/*
 * A change of names: `from` is gone (NULL for a create or a link), `to` is new
 * or stands for another file (NULL for an unlink).  What `to`, or else `from`,
 * stood for waits as `aside` (NULL: nothing).
 */
struct env_forget_change {
	TAILQ_ENTRY(env_forget_change) link;
	uint64_t op;
	char *from;
	char *to;
	char *aside;
	struct env_forget_node *removed; /* the node of aside; NULL: none */
	bool chosen;                     /* scratch, while choosing */
};

struct env_forget_names {
	struct env *base;
	struct env_forget_nodes nodes;
	TAILQ_HEAD(env_forget_changes, env_forget_change) changes; /* by op */
	uint64_t asides; /* names given so far */
};

void env_forget_names_init(struct env_forget_names *n, struct env *base);

/* Also removes what waits aside.  No file is open. */
void env_forget_names_fini(struct env_forget_names *n);

/* *out is open in the base, with flags and EXCL. */
int env_forget_names_create(struct env_forget_names *n, uint64_t op,
    const char *path, int flags, struct env_file **out);
int env_forget_names_unlink(
    struct env_forget_names *n, uint64_t op, const char *path);
int env_forget_names_link(
    struct env_forget_names *n, uint64_t op, const char *from, const char *to);
int env_forget_names_rename(
    struct env_forget_names *n, uint64_t op, const char *from, const char *to);

/* What was done before op to names in dir is synced, and with it what it was
 * built on. */
void env_forget_names_synced(
    struct env_forget_names *n, const char *dir, uint64_t op);

/* For env_forget_restore: */

/* Whether b may not be without a, if it came later. */
bool env_forget_names_share(
    const struct env_forget_change *a, const struct env_forget_change *b);

/* Takes a change back, or for good; it is gone then.  Later ones that share a
 * name with it are gone already, or earlier ones.  After an error of undo the
 * change is half done. */
int env_forget_names_undo(
    struct env_forget_names *n, struct env_forget_change *c);
void env_forget_names_settle(
    struct env_forget_names *n, struct env_forget_change *c);

#endif
