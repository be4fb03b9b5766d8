/*
 * collect: moving values out of files that are mostly garbage.
 *
 * Whatever compaction meets a reference to a file of the plan (collect_plan.h)
 * writes the value to a new file and goes on with a reference to that.  So a
 * value is moved as part of its entry, and no delete is ever overtaken.  When
 * nothing refers to the old file any more, it goes.
 * Use: zeroed struct with plan and writer.vset set; collect_entry for each
 * entry that is kept, collect_finish before the manifest names the tables;
 * collect_abandon after an error; collect_fini.
 * Threads: one.
 */
#ifndef ENGINE_DB_COLLECT_H
#define ENGINE_DB_COLLECT_H

#include "engine/db/value_writer.h"

struct compact_entry;

struct collect {
	const struct vref_list *plan; /* set by the caller; may be NULL */
	struct value_writer writer;
	struct buf raw;
	uint64_t moved; /* bytes of values */
};

/* If the entry refers to a file of the plan, it refers to a copy now; valid
 * until the next call. */
int collect_entry(struct collect *c, struct compact_entry *e);
int collect_finish(struct collect *c);
void collect_abandon(struct collect *c);
void collect_fini(struct collect *c);

#endif
