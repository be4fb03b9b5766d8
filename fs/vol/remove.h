/*
 * remove: taking away a name and what it stands for; private to fs/vol.
 *
 * Use, with v->names held for writing: lookup_begin, stripes, lookup_refresh,
 * then remove_prepare; put the rest into the batch and write it; then
 * remove_commit, still under the locks, and without any remove_end (in any
 * case; it purges if the batch was written and nobody holds the node).
 */
#ifndef FS_VOL_REMOVE_H
#define FS_VOL_REMOVE_H

#include "fs/vol/lookup.h"
#include "fs/vol/prefix.h"

struct remove {
	struct entry e;  /* the last one */
	struct buf kept; /* its record, if it will be an orphan in memory */
	bool purge;      /* written, has an O record, and nobody has the node */
};

/* Adds to b all but the deletion of found->key itself.  -ENOTEMPTY. */
int remove_prepare(struct vol *v, struct store_batch *b,
    const struct lookup *found, struct prefix_place at, struct remove *r);
void remove_commit(const struct lookup *found, struct remove *r);
void remove_end(struct vol *v, struct remove *r);

#endif
