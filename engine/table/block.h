/*
 * block: a sorted run of entries with prefix compression.
 *
 * Format: entries, then an array of restart offsets (le32 each), then their
 * count (le32).  Entry: varint shared, varint unshared, varint value size,
 * unshared key bytes, value bytes; at a restart shared is 0 (LevelDB's
 * doc/table_format).  Used for data and index blocks of tables.
 */
#ifndef ENGINE_TABLE_BLOCK_H
#define ENGINE_TABLE_BLOCK_H

#include "engine/base/buf.h"
#include "engine/table/iter.h"

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

/* Keys must come in growing ikey_cmp order. */
int block_builder_add(struct block_builder *b, struct bytes key,
    struct bytes value);

/* Appends the restart array; valid until clear. */
int block_builder_finish(struct block_builder *b, struct bytes *out);
void block_builder_clear(struct block_builder *b);

/* Bytes that finish would give now. */
size_t block_builder_size(const struct block_builder *b);

/*
 * Iterator over a block's bytes, which must outlive it.  Every offset is
 * checked: a malformed entry is ERR_DAMAGED, with no message (the caller knows
 * file and offset).  The key is assembled in a buffer of the iterator's own;
 * the value points into the block.
 */
struct block_iter {
	struct iter iter;
	struct bytes block; /* entries only */
	const uint8_t *restarts;
	uint32_t restart_count;
	uint32_t restart_index;
	size_t pos;	 /* offset of the present entry */
	size_t next_pos; /* offset of the one behind it */
	struct buf key;
};

/* Zeroed struct or one in use: (re)starts on another block.  ERR_DAMAGED if
 * the restart array does not fit. */
int block_iter_set(struct block_iter *it, struct bytes block);

/* For iterators that are members of others; iter.ops->close calls it too. */
void block_iter_fini(struct block_iter *it);

#endif
