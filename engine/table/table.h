/*
 * table: a sorted, immutable file of entries (SST), open for reading.
 *
 * Format (docs/SPEC.md): magic, data frames, filter frame, index frame, frame
 * of range tombstones, properties frame, footer.  Index: one entry per data
 * block, the block's last ikey -> handle; a large one is split into leaves,
 * which are read through the cache.  Filter, index (or root) and tombstones
 * stay in memory while the table is open.  Tombstones delete what other, older
 * tables hold as well; lookups and iterators do not look at them.
 * Use: table_open ... table_close; lookups and iterators in between.
 * Threads: any number of readers.  Errors: ERR_DAMAGED with a message.
 */
#ifndef ENGINE_TABLE_TABLE_H
#define ENGINE_TABLE_TABLE_H

#include "engine/os/env.h"
#include "engine/table/cache.h"
#include "engine/table/frame.h"
#include "engine/table/ikey.h"
#include "engine/table/iter.h"
#include "engine/table/expiries.h"
#include "engine/table/hidden.h"
#include "engine/table/ranges.h"

struct table;

/* The range tombstones of a table; count 0: it has none. */
struct table_ranges {
	uint64_t count; /* fragments */
	struct frame_handle handle;
	struct bytes begin; /* of the first */
	struct bytes end;   /* of the last; no bytes: none */
};

/* What the table says of itself.  Sequence numbers are those of entries and
 * range tombstones; keys are those of entries, of no bytes if it has none. */
struct table_properties {
	uint64_t entries;
	uint64_t deletes;
	uint64_t key_bytes; /* user keys, before compression */
	uint64_t value_bytes;
	uint64_t data_blocks;
	uint64_t seq_min;
	uint64_t seq_max;
	uint64_t index_leaves; /* 0: the index is one block */
	struct bytes smallest; /* ikeys; valid while the table is open */
	struct bytes largest;
	struct table_ranges ranges;
	struct bytes refs; /* to values: a vref_list; empty: none */
	struct expiries expiries;
	struct hidden hidden; /* 0 also if an older program wrote it */
};

/* ERR_FORMAT, with a message, if the file of this size is a table of a newer
 * version.  What is damaged is not found here. */
int table_probe(struct env_file *file, uint64_t size);

/* file_no is bound into every checksum.  cache may be NULL (no caching). */
int table_open(struct env *env, const char *path, uint64_t file_no,
    struct cache *cache, struct table **out);
void table_close(struct table *t);
const struct table_properties *table_properties(const struct table *t);

/* NULL: it has none.  Valid while the table is open. */
const struct ranges *table_ranges(const struct table *t);

/* An entry found; value lives in the pinned block. */
struct table_entry {
	uint64_t seq;
	enum ikey_kind kind;
	struct bytes value;
	struct cache_block *block; /* the caller unrefs it */
};

/*
 * The first entry at or after `target` (an encoded ikey) that has target's
 * user key: 1 found, 0 not in this table, <0.  hash is hash_64(user key, 0).
 * *filtered (may be NULL) is set to true if the filter said no.
 */
int table_get(struct table *t, struct bytes target, uint64_t hash,
    struct table_entry *out, bool *filtered);

/* table_get will ask about hash: brings what it looks at first. */
void table_look_ahead(const struct table *t, uint64_t hash);

/* fill: blocks read enter the cache (false for compaction and checks).  What
 * goes through the table in one direction reads ahead.  The table must outlive
 * the iterator. */
int table_iter_open(struct table *t, bool fill, struct iter **out);

/* Reads every frame; calls finding with a line for each damage, and compares
 * order, counts and bounds with the properties.  Returns the number found or
 * <0. */
int table_check(
    struct table *t, void (*finding)(void *ctx, const char *text), void *ctx);

#endif
