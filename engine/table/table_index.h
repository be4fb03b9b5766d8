/*
 * table_index: a block of the index, made ready for searching.
 *
 * An index block has an entry per frame that it leads to: the last ikey there
 * -> the frame's handle.  The frames stand one behind the other.  The index of
 * a table is one such block, or, if that would be large, several (leaves), and
 * one more (the root) that leads to them; each entry of the root also tells
 * where the data begins that its leaf leads to.
 * Made ready, a block is one piece of memory: arrays and the block.  Most
 * comparisons of a search are of digests (engine/base/digest.h), within the
 * first array.  Where many keys have the same digest, names in one directory,
 * say, they have inner digests: of what stands behind all that these keys have
 * in common.
 * Private to table*.c.  Threads: any number of readers.
 */
#ifndef ENGINE_TABLE_TABLE_INDEX_H
#define ENGINE_TABLE_TABLE_INDEX_H

#include "engine/table/block.h"
#include "engine/table/frame.h"

/* A view of a piece. */
struct table_index {
	size_t count;
	const uint64_t *digests;
	const uint64_t *offsets; /* of the frames, and the end of the last */
	struct bytes prefix;     /* of every user key that is sought here */
	/* Of runs of equal digests that are long; NULL: there are none. */
	const uint64_t *inner;
	const uint32_t *shared; /* bytes that the keys of the run begin with */
	struct block_view view;
};

/* What every entry must fit in. */
struct table_index_bounds {
	bool root;
	/* The frames stand from begin to end without a gap; end - begin is 0
	 * if there are none. */
	uint64_t begin, end;
	uint64_t data_begin, data_end; /* root: of the data below */
	/* ikeys: the first is at or after smallest, the last is largest; both
	 * of no bytes: there are none. */
	struct bytes smallest, largest;
};

/*
 * From an index block: *piece (malloc'ed) and its size.  ERR_DAMAGED with the
 * reason in *why.
 */
int table_index_make(struct bytes block, const struct table_index_bounds *b,
    uint8_t **piece, size_t *size, const char **why);

/* Of a piece that table_index_make made; valid as long as it. */
struct table_index table_index_of(const uint8_t *piece);

/* The first entry whose key is at or after target; count if none. */
size_t table_index_find(const struct table_index *ix, struct bytes target);

/* The last ikey below entry i. */
struct bytes table_index_key(const struct table_index *ix, size_t i);

static inline struct frame_handle
table_index_handle(const struct table_index *ix, size_t i)
{
	return (struct frame_handle){ix->offsets[i],
	    ix->offsets[i + 1] - ix->offsets[i] - FRAME_TRAILER};
}

/* Root: where the data begins below entry i, or behind the last, end. */
uint64_t table_index_data(const struct table_index *ix, size_t i, uint64_t end);

#endif
