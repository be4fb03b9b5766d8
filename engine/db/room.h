/*
 * room: a memtable that has room for the next batch.
 *
 * A memtable that has reached options.memtable_bytes is full: a new one takes
 * its place, with a new segment of the log.  If too many full ones wait, or
 * level 0 has too many tables, writers wait here.
 */
#ifndef ENGINE_DB_ROOM_H
#define ENGINE_DB_ROOM_H

struct lsm;

/*
 * Makes sure that the active memtable is not full.  Caller holds
 * db->write_lock, which is released while it waits.  -EROFS if the store
 * takes no writes; the error of the flush (-ENOSPC, say) that is waited for.
 */
int room_make(struct lsm *db);

/* The active memtable becomes full now, if there is anything in it.  Caller
 * and errors as above. */
int room_rotate(struct lsm *db);

#endif
