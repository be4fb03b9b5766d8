/*
 * block: a sorted run of entries with prefix compression.
 *
 * Format (docs/SPEC.md): entries, then an array of restart offsets (le32
 * each), then their count (le32).  Entry: varint shared, varint unshared,
 * varint value size, unshared key bytes, value bytes; at a restart shared is
 * 0 (after LevelDB's doc/table_format).  shared counts bytes of user keys only,
 * and everywhere but at a restart it is all that two neighbours have in common:
 * so the trailer of each key stands whole, and a search knows from shared alone
 * how most entries compare.  Used for data and index blocks of tables.
 */
#ifndef ENGINE_TABLE_BLOCK_H
#define ENGINE_TABLE_BLOCK_H

#include "engine/base/buf.h"
#include "engine/table/iter.h"

#define BLOCK_BYTES_MAX (UINT32_C(1) << 30)

struct block_builder {
	struct buf out;
	struct buf restarts;
	struct buf last_key;
	unsigned restart_interval;
	unsigned since_restart;
	uint32_t count;
};

void block_builder_init(struct block_builder *b, unsigned restart_interval);
void block_builder_fini(struct block_builder *b);

/* Keys must come in growing ikey_cmp order.  -EFBIG, and nothing is added:
 * the block would be larger than BLOCK_BYTES_MAX. */
int block_builder_add(
    struct block_builder *b, struct bytes key, struct bytes value);

/* Appends the restart array; valid until clear. */
int block_builder_finish(struct block_builder *b, struct bytes *out);
void block_builder_clear(struct block_builder *b);

/* Bytes that finish would give now. */
size_t block_builder_size(const struct block_builder *b);

/* A block taken apart. */
struct block_view {
	struct bytes entries;
	const uint8_t *restarts;
	uint32_t restart_count;
};

/* Takes a block apart; ERR_DAMAGED, with *out untouched, if it cannot. */
int block_split(struct bytes block, struct block_view *out);

/* The entry at restart i, which is below restart_count; ERR_DAMAGED. */
int block_at_restart(const struct block_view *v, uint32_t i, struct bytes *key,
    struct bytes *value);

/* An entry that block_find found. */
struct block_entry {
	uint64_t trailer; /* of its ikey */
	struct bytes value;
};

/*
 * The first entry at or after target (an encoded ikey) that has target's user
 * key: 1 found, 0 not in this block, ERR_DAMAGED.  Allocates nothing.
 */
int block_find(
    struct bytes block, struct bytes target, struct block_entry *out);

/*
 * Iterator over a block's bytes, which must outlive it.  Every offset is
 * checked: a malformed entry is ERR_DAMAGED, with no message (the caller knows
 * file and offset).  A key that shares nothing points into the block, others
 * are assembled in a buffer of the iterator's own; the value points into the
 * block.
 */
struct block_iter {
	struct iter iter;
	struct block_view view;
	size_t pos;      /* offset of the present entry */
	size_t next_pos; /* offset of the one behind it */
	struct buf key;
};

/* Zeroed struct or one in use: (re)starts on another block, at no entry.
 * ERR_DAMAGED if the restart array does not fit.  Leaves iter.ops alone if it
 * is set, so that an iterator that begins with this one keeps its own. */
int block_iter_set(struct block_iter *it, struct bytes block);

/* For iterators that are members of others; iter.ops->close calls it too. */
void block_iter_fini(struct block_iter *it);

/* What iter.ops calls, for callers that know what they have. */
int block_iter_first(struct block_iter *it);
int block_iter_last(struct block_iter *it);
int block_iter_seek(struct block_iter *it, struct bytes target);
int block_iter_next(struct block_iter *it);
int block_iter_prev(struct block_iter *it);

/*
 * Walks the whole block; ERR_DAMAGED with *why if something is wrong with it,
 * also what a search relies on and does not check: order, full sharing,
 * restarts at entries.
 */
int block_check(struct bytes block, const char **why);

#endif
