/*
 * flush_values: what becomes of large values when a memtable is flushed.
 *
 * They are in the log already.  A segment of which they are the most is kept
 * for them, and the table refers to it; else the segment goes, for it would be
 * kept for little, and they are copied: into a file of values, or if they are
 * few into the table.  Where there is no space for copies all are kept.
 * Use: flush_values_count for each entry that the table gets, then
 * flush_values_decide, then flush_values_put for each of them again, and
 * flush_values_finish before the manifest names the table;
 * flush_values_abandon after an error; flush_values_fini.  A memtable without
 * references needs none but put and fini.
 * Threads: the flush's.
 */
#ifndef ENGINE_DB_FLUSH_VALUES_H
#define ENGINE_DB_FLUSH_VALUES_H

#include <stdbool.h>

#include "engine/db/value_writer.h"
#include "engine/table/ikey.h"

struct lsm;
struct table_writer;

struct flush_values {
	struct lsm *db;             /* set by the caller, as is writer.vset */
	bool keep;                  /* the same: whatever they are, no copies */
	struct value_writer writer; /* of what is copied */
	bool apart;                 /* to a file of its own */
	struct vref_list found;     /* what the table would refer to */
	struct vref_list kept;      /* those of its files that are kept */
	struct buf key;
	struct buf value;
};

void flush_values_fini(struct flush_values *f);
int flush_values_count(
    struct flush_values *f, const struct ikey *key, struct bytes raw);
int flush_values_decide(struct flush_values *f);

/* Adds the entry to the table; its value is copied if that has to be. */
int flush_values_put(struct flush_values *f, struct table_writer *w,
    struct bytes ikey, struct bytes raw);

/* What the table refers to is on stable storage, and files that are kept have
 * nothing behind it. */
int flush_values_finish(struct flush_values *f);
void flush_values_abandon(struct flush_values *f);

#endif
