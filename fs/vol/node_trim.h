/*
 * node_trim: blocks behind the end of a file that lives on, which one batch
 * could not delete; private to fs/vol.
 *
 * An O record in the store says that there are some.  A file must not grow
 * before they have gone, or old bytes would come back.  If that fails the file
 * stays short, and whoever uses it next tries again: its node (trim_from), or,
 * when that has left memory, a later one, which then finds the O record
 * (NODE_MAYBE_TRIM), or the next mount.
 * Blocks of a linked file are deleted only under the stripe of a node that can
 * be found: anything later could take new blocks for old ones.
 * Threads: the caller holds the node's stripe, if not said otherwise.
 */
#ifndef FS_VOL_NODE_TRIM_H
#define FS_VOL_NODE_TRIM_H

#include "fs/vol/state.h"

/* After a batch for which orphan_trim said `later`: deletes blocks >= from.  A
 * failure is logged. */
void node_trim_begin(struct vol *v, struct node *n, uint64_t from);

/* Deletes what is left to be deleted, if anything.  To be called before the
 * content is changed; all else goes on without. */
int node_trim_finish(struct vol *v, struct node *n);

/* A trim may be left of which no node knows: nodes to come look for it. */
void node_trim_leave(struct vol *v);

/* One more attempt for a linked node that may be about to leave memory.  Caller
 * has a reference, and no locks. */
void node_trim_retry(struct vol *v, struct node *n);

#endif
