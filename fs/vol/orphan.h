/*
 * orphan: content that outlives its name, and unfinished purges.
 *
 * An O record is written in the batch that unlinks a file with blocks, or that
 * cuts one with more blocks than a batch should delete; purging deletes the
 * blocks in bounded batches and the O record with the last of them.  A crash
 * or an error in between leaves the O record, and the next vol_open finishes
 * the purge if it can.
 */
#ifndef FS_VOL_ORPHAN_H
#define FS_VOL_ORPHAN_H

#include "fs/vol/state.h"

/* Blocks that one batch may delete. */
#define ORPHAN_BATCH_BLOCKS 4096

/* Puts the O record of an unlinked node into b; e is its last entry. */
int orphan_put(struct store_batch *b, const struct entry *e);

/*
 * Adds the deletion of blocks >= from of a file that lives on to b.  If there
 * are more than ORPHAN_BATCH_BLOCKS, puts a trim record into b as well and
 * sets *later: after b was written the caller calls node_trim_begin, with the
 * stripe still held.
 */
int orphan_trim(struct vol *v, struct store_batch *b, uint64_t ino,
    uint64_t from, bool *later);

/* Deletes all blocks and big xattrs, then the O record. */
int orphan_purge(struct vol *v, uint64_t ino);

/* Deletes blocks >= from, then the O record; keep_record: of an orphan, whose
 * own record that is. */
int orphan_purge_trim(
    struct vol *v, uint64_t ino, uint64_t from, bool keep_record);

/* At open: finishes everything under O, but for what cannot be read or deleted,
 * which is logged and left.  Fails if the store has, or O cannot be listed for
 * another reason than damage. */
int orphan_purge_all(struct vol *v);

#endif
