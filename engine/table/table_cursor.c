#include "engine/table/table_cursor.h"

#include <stdlib.h>

void
table_cursor_init(struct table_cursor *c, struct table *t, bool fill)
{
	c->table = t;
	c->fill = fill;
	c->index = t->leaves > 0 ? NULL : &t->index;
	c->leaf = 0;
	c->pin = NULL;
	c->at = 0;
}

static void
table_cursor_unload(struct table_cursor *c)
{
	if (c->pin)
		cache_unref(c->pin);
	c->pin = NULL;
}

void
table_cursor_fini(struct table_cursor *c)
{
	table_cursor_unload(c);
}

/* --- leaves ------------------------------------------------------------ */

struct table_index_bounds
table_cursor_bounds(const struct table *t, size_t i)
{
	uint64_t end = t->footer.filter.offset;

	return (struct table_index_bounds){
	    .begin = table_index_data(&t->index, i, end),
	    .end = table_index_data(&t->index, i + 1, end),
	    .smallest = i > 0 ? table_index_key(&t->index, i - 1)
			      : t->properties.smallest,
	    .largest = table_index_key(&t->index, i),
	};
}

/* Leaf i as a piece of memory. */
static int
table_cursor_read(struct table *t, size_t i, uint8_t **piece, size_t *size)
{
	const struct table_index_bounds bounds = table_cursor_bounds(t, i);
	struct frame_handle h = table_index_handle(&t->index, i);
	const char *why;
	uint8_t *block;
	size_t block_size;
	int err;

	err = frame_read(
	    t->file, t->file_no, t->file_size, h, &block, &block_size);
	if (err)
		return err;
	err = table_index_make(
	    bytes_of(block, block_size), &bounds, piece, size, &why);
	free(block);
	return err == ERR_DAMAGED ? frame_damaged(t->file, h.offset, why) : err;
}

/* Into leaf i. */
static int
table_cursor_load(struct table_cursor *c, size_t i)
{
	struct table *t = c->table;
	uint64_t offset = t->index.offsets[i];
	uint8_t *piece;
	size_t size;
	int err;

	if (c->pin && c->leaf == i)
		return 0;
	table_cursor_unload(c);
	c->pin = cache_get(t->cache, t->file_no, offset);
	if (!c->pin) {
		err = table_cursor_read(t, i, &piece, &size);
		if (err)
			return err;
		c->pin = cache_put(
		    t->cache, t->file_no, offset, piece, size, c->fill);
		if (!c->pin)
			return -ENOMEM;
	}
	c->own = table_index_of(c->pin->data.data);
	c->index = &c->own;
	c->leaf = i;
	return 0;
}

/* At block `at` of leaf i. */
static int
table_cursor_enter(struct table_cursor *c, size_t i, bool last)
{
	int err = table_cursor_load(c, i);

	if (err)
		return err;
	c->at = last ? c->index->count - 1 : 0;
	return 1;
}

/* --- moving ------------------------------------------------------------ */

int
table_cursor_first(struct table_cursor *c)
{
	if (c->table->index.count == 0)
		return 0;
	if (c->table->leaves > 0)
		return table_cursor_enter(c, 0, false);
	c->at = 0;
	return 1;
}

int
table_cursor_last(struct table_cursor *c)
{
	size_t count = c->table->index.count;

	if (count == 0)
		return 0;
	if (c->table->leaves > 0)
		return table_cursor_enter(c, count - 1, true);
	c->at = count - 1;
	return 1;
}

int
table_cursor_seek(struct table_cursor *c, struct bytes target)
{
	size_t i = table_index_find(&c->table->index, target);
	int err;

	if (i == c->table->index.count)
		return 0;
	if (c->table->leaves == 0) {
		c->at = i;
		return 1;
	}
	err = table_cursor_load(c, i);
	if (err)
		return err;
	/* The leaf's last key is that of its entry in the root: there is one.
	 */
	c->at = table_index_find(c->index, target);
	return 1;
}

int
table_cursor_next(struct table_cursor *c)
{
	if (c->at + 1 < c->index->count) {
		c->at++;
		return 1;
	}
	if (c->table->leaves == 0 || c->leaf + 1 == c->table->leaves)
		return 0;
	return table_cursor_enter(c, c->leaf + 1, false);
}

int
table_cursor_prev(struct table_cursor *c)
{
	if (c->at > 0) {
		c->at--;
		return 1;
	}
	if (c->table->leaves == 0 || c->leaf == 0)
		return 0;
	return table_cursor_enter(c, c->leaf - 1, true);
}
