/*
 * table_split: writes a large index as leaves and a root (table_index.h).
 *
 * Private to table*.c.
 */
#ifndef ENGINE_TABLE_TABLE_SPLIT_H
#define ENGINE_TABLE_TABLE_SPLIT_H

#include "engine/table/frame.h"

/* Where the blocks go, one frame behind the other, and how large leaves are
 * (larger if they have but few entries). */
struct table_split_out {
	int (*frame)(void *ctx, struct bytes block, struct frame_handle *h);
	void *ctx;
	size_t leaf_bytes;
};

/*
 * index: an index block as if it were the only one.  *leaves is how many were
 * written (0: it has too few entries, and went out as it is), *root the handle
 * of what leads to them.
 */
int table_split_write(struct bytes index, const struct table_split_out *out,
    uint64_t *leaves, struct frame_handle *root);

#endif
