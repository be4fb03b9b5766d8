/*
 * hint: that a range of keys is empty, as an iterator has found out.
 *
 * Who has stepped over many deleted entries, reading the newest state, leaves a
 * range tombstone at the number S that it reads at, in the active memtable of
 * its view, and not in the log.  So the next one passes over them at once, and
 * a flush or compaction drops what it covers; but not deletes that may have
 * something to delete in tables, for they say how much that is
 * (pick_deletes.h).  A memtable of which a quarter is known to be such deletes
 * is flushed at once (room_want_spent): the notes are not needed for long.
 *
 * That changes nothing that anybody sees.  At S no key of the range is there.
 * Who reads at S or above: what was written up to S is not seen there anyway,
 * and what was written later has higher numbers, which the tombstone does not
 * delete.  Who reads below S does not see the tombstone.
 * - Entries of the range above S may stand in the same memtable, from before
 *   the hint came: they are noted there (memranges.h) before it is seen, or it
 *   is dropped if there were too many writes meanwhile.  What stands in older
 *   memtables and in tables is not above S: the view was taken before S.  If
 *   the memtable is not the active one any more, the hint is dropped: it may
 *   have been flushed, and in a newer one the hint would come before entries
 *   above S.
 * - It is lost with the memory.  If it gets to a table by a flush, everything
 *   up to S is in tables by then, for flushes come in order.
 * - S may be the last number of an older table, and lower than any other of its
 *   memtable: version_build knows.
 * - A value that has expired ends the range: it is there again if the clock is
 *   set back.
 *
 * Use: a struct hint_reader for each iterator; hint_add for each range;
 * hint_flush when it has come to an end.
 * Threads: any.  Readers take no lock that somebody holds: then the next writer
 * takes the hint.
 */
#ifndef ENGINE_DB_HINT_H
#define ENGINE_DB_HINT_H

#include <stdint.h>

#include "engine/base/bytes.h"

struct hint;
struct lsm;
struct memtable;

struct hint_reader {
	/* set by the owner */
	struct lsm *db;
	struct memtable *memtable; /* the active one of the view */
	uint64_t seq;

	struct hint *hint; /* what was not told yet */
};

/* At seq no key from begin to before end (no bytes: none) is there: so many
 * deletes stand there. */
void hint_add(struct hint_reader *r, struct bytes begin, struct bytes end,
    size_t deletes);

/* Nothing is left to be told. */
void hint_flush(struct hint_reader *r);

/* Between two batches.  Caller holds db->write_lock. */
void hint_take(struct lsm *db);

/* For db_free. */
void hint_drop(struct lsm *db);

#endif
