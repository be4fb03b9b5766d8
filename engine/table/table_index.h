/*
 * table_index: the index of an open table, as an array to search.
 *
 * The index block has an entry per data block: its last ikey -> the handle of
 * its frame.  In memory each entry gets a digest: the 8 bytes of the user key
 * behind what all keys of the table begin with, as a number; most comparisons
 * of a search are one of digests, within one array.
 * Private to table*.c.  Owns: the block and the array.  Threads: any number
 * of readers.
 */
#ifndef ENGINE_TABLE_TABLE_INDEX_H
#define ENGINE_TABLE_TABLE_INDEX_H

#include "engine/table/frame.h"

struct table_block {
	uint64_t digest;
	uint64_t offset; /* of the frame */
	uint32_t size;   /* of its stored bytes */
	uint32_t key_size;
	const uint8_t *key; /* the block's last ikey */
};

struct table_index {
	struct table_block *blocks;
	size_t count;
	struct bytes prefix; /* of every user key in the table */
	uint8_t *memory;     /* of the index block */
};

/*
 * What every data block must fit in: frames from begin to end without a gap,
 * the first key at or after smallest, the last key largest.  Of a table without
 * blocks both are of no bytes.  The keys must outlive the index.
 */
struct table_index_bounds {
	uint64_t begin, end;
	struct bytes smallest, largest;
};

/*
 * From an index block (malloc'ed), which it owns then and also on errors.
 * ERR_DAMAGED with the reason in *why.
 */
int table_index_init(struct table_index *ix, uint8_t *data, size_t size,
    const struct table_index_bounds *bounds, const char **why);
void table_index_fini(struct table_index *ix);

/* The first block whose last key is at or after target; count if none. */
size_t table_index_find(const struct table_index *ix, struct bytes target);

static inline struct bytes
table_index_key(const struct table_index *ix, size_t i)
{
	return bytes_of(ix->blocks[i].key, ix->blocks[i].key_size);
}

static inline struct frame_handle
table_index_handle(const struct table_index *ix, size_t i)
{
	return (struct frame_handle){ix->blocks[i].offset, ix->blocks[i].size};
}

#endif
