/*
 * table: a sorted, immutable file of entries (SST), open for reading.
 *
 * Format (docs/SPEC.md): magic, data frames, filter frame, index frame,
 * properties frame, footer.  Index: one entry per data block, the block's last
 * ikey -> handle.  Filter and index stay in memory while the table is open.
 * Use: table_open ... table_close; lookups and iterators in between.
 * Threads: any number of readers.  Errors: ERR_DAMAGED with a message.
 */
#ifndef ENGINE_TABLE_TABLE_H
#define ENGINE_TABLE_TABLE_H

#include "engine/os/env.h"
#include "engine/table/cache.h"
#include "engine/table/ikey.h"
#include "engine/table/iter.h"

struct table;

/* What the table says of itself. */
struct table_properties {
	uint64_t entries;
	uint64_t deletes;
	uint64_t key_bytes; /* user keys, before compression */
	uint64_t value_bytes;
	uint64_t data_blocks;
	uint64_t seq_min;
	uint64_t seq_max;
	struct bytes smallest; /* ikeys; valid while the table is open */
	struct bytes largest;
};

/* file_no is bound into every checksum.  cache may be NULL (no caching). */
int table_open(struct env *env, const char *path, uint64_t file_no,
    struct cache *cache, struct table **out);
void table_close(struct table *t);
const struct table_properties *table_properties(const struct table *t);

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

/* fill: blocks read enter the cache (false for compaction and checks, which
 * also read ahead). The table must outlive the iterator. */
int table_iter_open(struct table *t, bool fill, struct iter **out);

/* Reads every frame; calls finding with a line for each damage, and compares
 * order, counts and bounds with the properties.  Returns the number found or
 * <0. */
int table_check(
    struct table *t, void (*finding)(void *ctx, const char *text), void *ctx);

#endif
