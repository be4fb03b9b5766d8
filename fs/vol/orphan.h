/*
 * orphan: content that outlives its name, and unfinished purges.
 *
 * An O record is written in the batch that unlinks a file with blocks, or that
 * cuts one with more blocks than a batch should delete; purging deletes the
 * blocks in bounded batches and the O record with the last of them.  A crash
 * in between leaves the O record, and the next vol_open finishes the purge.
 */
#ifndef FS_VOL_ORPHAN_H
#define FS_VOL_ORPHAN_H

#include "fs/vol/state.h"

/* Blocks that one batch may delete. */
#define ORPHAN_BATCH_BLOCKS 4096

/*
 * Adds the deletion of blocks >= from of ino to b, if they are at most
 * ORPHAN_BATCH_BLOCKS; otherwise puts a trim record into b and sets *later:
 * after b was written the caller calls orphan_purge.
 */
int orphan_trim(struct vol *v, struct store_batch *b, uint64_t ino,
    uint64_t from, bool *later);

/* Deletes blocks >= from and big xattrs if from is 0, then the O record. */
int orphan_purge(struct vol *v, uint64_t ino, uint64_t from);

/* At open: finishes everything under O. */
int orphan_purge_all(struct vol *v);

#endif
