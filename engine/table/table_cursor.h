/*
 * table_cursor: a place among the data blocks of a table, found through its
 * index.
 *
 * Use: table_cursor_init, table_cursor_seek (or _first, _last), then _next and
 * _prev, with table_cursor_handle and _key while at a block;
 * table_cursor_fini.  Leaves of the index come from the cache, and with fill
 * stay there.  Private to table*.c.
 * Errors: ERR_DAMAGED with a message; the cursor is at no block then.
 */
#ifndef ENGINE_TABLE_TABLE_CURSOR_H
#define ENGINE_TABLE_TABLE_CURSOR_H

#include "engine/table/table_format.h"

struct table_cursor {
	struct table *table;
	bool fill;
	/* The block of the index that it is in: the table's only one, or leaf
	 * number leaf, pinned, as `own`. */
	const struct table_index *index;
	size_t leaf;
	struct cache_block *pin; /* NULL: no leaf */
	struct table_index own;
	size_t at; /* in index */
};

void table_cursor_init(struct table_cursor *c, struct table *t, bool fill);
void table_cursor_fini(struct table_cursor *c);

/* 1: at a block; 0: there is none; <0. */
int table_cursor_first(struct table_cursor *c);
int table_cursor_last(struct table_cursor *c);
/* The first block whose last key is at or after target. */
int table_cursor_seek(struct table_cursor *c, struct bytes target);
int table_cursor_next(struct table_cursor *c); /* only when at a block */
int table_cursor_prev(struct table_cursor *c);

static inline struct frame_handle
table_cursor_handle(const struct table_cursor *c)
{
	return table_index_handle(c->index, c->at);
}

/* What every entry of leaf i must fit in. */
struct table_index_bounds table_cursor_bounds(const struct table *t, size_t i);

#endif
