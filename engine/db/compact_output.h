/*
 * compact_output: the tables that one compaction writes.
 *
 * A table ends at about options.table_bytes.  Where there is a level below, it
 * ends between half and twice of that with a table of that level, if it can:
 * who goes down then takes fewer with him that he meets only at the edge
 * (RocksDB's level_compaction_dynamic_file_size).
 * Use: zeroed struct with the members above the line set; add... in ikey
 * order; then finish or abandon.
 * Owns: the writer and the edit of the tables written so far.
 * Threads: one.
 */
#ifndef ENGINE_DB_COMPACT_OUTPUT_H
#define ENGINE_DB_COMPACT_OUTPUT_H

#include "engine/db/compact_ranges.h"
#include "engine/db/edit.h"
#include "engine/db/vset.h"

struct compact_output {
	/* set by the caller, constant */
	struct vset *vset;
	const struct lsm_options *options;
	unsigned level;
	bool bottom; /* no deeper level has tables */
	struct compact_ranges *ranges;
	/* of the level below, which outputs should not overlap too much */
	const struct version_level *below; /* NULL: there is none */

	struct table_writer *writer; /* NULL: between two tables */
	char *path;                  /* of the last one begun */
	size_t below_index;          /* first table not yet passed */
	uint64_t below_bytes;        /* passed by the present table */
	unsigned below_passed;       /* how many those were */
	uint64_t bytes_written;      /* of finished tables */
	struct edit edit;            /* adds the finished tables */
};

/* may_cut: a user key begins here, of which nothing was added yet. */
int compact_output_add(struct compact_output *o, struct bytes ikey,
    struct bytes value, bool may_cut);

/* The last table too is finished; the names of the files are not yet on stable
 * storage. */
int compact_output_finish(struct compact_output *o);

/* Removes what was written. */
void compact_output_abandon(struct compact_output *o);

#endif
