/*
 * flush_values: what becomes of large values when a memtable is flushed.
 *
 * They are in the log already.  A segment of which they are the most is kept
 * for them, and the table refers to it; else they are copied into the table,
 * and the segment goes, for it would be kept for little.
 * Use: flush_values_count for each entry that the table gets, then
 * flush_values_decide, then flush_values_put for each of them again, and
 * flush_values_sync before the manifest names the table; flush_values_fini.
 * A memtable without references needs none of it.
 * Threads: the flush's.
 */
#ifndef ENGINE_DB_FLUSH_VALUES_H
#define ENGINE_DB_FLUSH_VALUES_H

#include <stdbool.h>

#include "engine/base/buf.h"
#include "engine/table/ikey.h"
#include "engine/table/vref_list.h"

struct lsm;
struct table_writer;

struct flush_values {
	struct lsm *db;         /* set by the caller */
	struct vref_list found; /* what the table would refer to */
	struct vref_list kept;  /* those of its files that are kept */
	struct buf key;
	struct buf value;
};

void flush_values_fini(struct flush_values *f);
int flush_values_count(
    struct flush_values *f, enum ikey_kind kind, struct bytes raw);
int flush_values_decide(struct flush_values *f);

/* Adds the entry to the table, with its value if that has to go along. */
int flush_values_put(struct flush_values *f, struct table_writer *w,
    struct bytes ikey, struct bytes raw);

/* What the table refers to is on stable storage.  After an error the log has
 * failed. */
int flush_values_sync(struct flush_values *f);

#endif
