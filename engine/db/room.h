/*
 * room: a memtable, and a file of the log, that have room for the next batch.
 *
 * A memtable that has reached options.memtable_bytes, or has several times as
 * much in the log, is full: a new one takes
 * its place, with a new segment of the log.  If too many full ones wait, or
 * level 0 has too many tables, writers wait here; but whoever has claimed
 * compaction (work.h) waits for no table of level 0.
 */
#ifndef ENGINE_DB_ROOM_H
#define ENGINE_DB_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/db/work.h"

struct batch_ranges;
struct lsm;

/*
 * Makes sure that the active memtable is not full, and may take these range
 * tombstones, too.  Caller holds db->write_lock, which is released while it
 * waits.  -EROFS if the store takes no writes; the error of the flush (-ENOSPC,
 * say) that is waited for.
 */
int room_make(struct lsm *db, const struct batch_ranges *r);

/* How much of the active memtable is used; at 1 it is full.  Caller holds
 * db->write_lock. */
double room_used(const struct lsm *db);

/* The active memtable becomes full now, if there is anything in it.  Caller
 * and errors as above. */
int room_rotate(struct lsm *db);

/* How a batch came to meet a full disk. */
struct room_full {
	struct work_tally before; /* when it began */
	bool again;               /* what has been done since is in vain */
	bool stalled; /* there was no room, and what it waited for failed */
};

/*
 * The disk is full.  Deletes make no space until they are in tables and meet
 * what they delete: so, while the reserve is spent, the active memtable becomes
 * full, if nobody has to wait for that and no full one is on its way; and a
 * flush that has failed is tried again now, unless f->again.  True: something
 * that was under way in the background has ended since, other than what failed
 * for this batch, so there may be space now.  Caller holds db->write_lock,
 * which is released meanwhile.
 */
bool room_await_space(struct lsm *db, const struct room_full *f);

/*
 * Which segment takes the next record, of size bytes: the present one, or a
 * spare, if the present one grows and one is ready, or another one if it has
 * large values and would get too large.  The memtable goes on:
 * what it holds is in several segments then.  Has the flush see to the reserve
 * when the log has grown by a part of a memtable.  Caller holds db->write_lock.
 */
void room_log(struct lsm *db, size_t size);

/*
 * The active memtable becomes full if it is spent, and there is room without
 * waiting; for the flush, which is told by room_want_spent.  Else, or after an
 * error, the next batch sees to it.
 */
void room_flush_spent(struct lsm *db);

/* Hints were taken.  Caller holds db->write_lock. */
void room_want_spent(struct lsm *db);

#endif
