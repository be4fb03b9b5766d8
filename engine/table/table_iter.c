#include <stdlib.h>

#include "engine/base/zalloc.h"
#include "engine/table/block.h"
#include "engine/table/table_cursor.h"

/* With fill, from the third block in a row on it is read ahead. */
#define TABLE_STREAK 2

struct table_iter {
	/* First: the entry it is at is the one shown. */
	struct block_iter data;
	struct table *table;
	bool fill;
	struct table_cursor cursor; /* at the block that data is over */
	uint64_t loaded;            /* its offset; 0: none, data is over none */
	struct cache_block *pin;    /* with fill: what data reads */
	struct frame_handle last;   /* the block loaded last */
	unsigned streak; /* blocks in a row, not counting the first */
	struct table_ahead ahead;
	struct buf room; /* without fill: decompressed */
};

#define TABLE_ITER(it) ((struct table_iter *)(void *)(it))

static int
table_iter_damaged(struct table_iter *it, uint64_t offset, const char *why)
{
	return frame_damaged(it->table->file, offset, why);
}

static void
table_iter_unload(struct table_iter *it)
{
	if (it->pin)
		cache_unref(it->pin);
	it->pin = NULL;
	it->loaded = 0;
}

static int
table_iter_read_ahead(
    struct table_iter *it, struct frame_handle h, struct bytes *block)
{
	struct bytes raw;
	const char *why;
	int err;

	err = table_ahead_read(&it->ahead, h, &raw);
	if (err)
		return err;
	err = frame_decode(
	    it->table->file_no, h.offset, raw, &it->room, block, &why);
	return err == ERR_DAMAGED ? table_iter_damaged(it, h.offset, why) : err;
}

/* Whether the block at h follows the one before, on either side. */
static void
table_iter_note(struct table_iter *it, struct frame_handle h)
{
	struct frame_handle last = it->last;

	if (h.offset == last.offset + frame_handle_bytes(last) ||
	    h.offset + frame_handle_bytes(h) == last.offset)
		it->streak++;
	else
		it->streak = 0;
	it->last = h;
}

/* Puts data over the cursor's block, at no entry. */
static int
table_iter_load(struct table_iter *it)
{
	struct frame_handle h = table_cursor_handle(&it->cursor);
	struct bytes block;
	int err;

	if (it->loaded == h.offset)
		return 0;
	table_iter_unload(it);
	table_iter_note(it, h);
	if (it->fill) {
		err = table_pin(it->table, h,
		    it->streak >= TABLE_STREAK ? &it->ahead : NULL, &it->pin);
		if (!err)
			block = it->pin->data;
	} else {
		err = table_iter_read_ahead(it, h, &block);
	}
	if (err)
		return err;
	if (block_iter_set(&it->data, block))
		return table_iter_damaged(it, h.offset, "malformed block");
	it->loaded = h.offset;
	return 0;
}

/* The result of a move within the block loaded; the cold part of a move. */
static int
table_iter_result(struct table_iter *it, int rc)
{
	if (rc == ERR_DAMAGED)
		return table_iter_damaged(it, it->loaded, "malformed entry");
	return rc;
}

/* The first entry of the cursor's block or of one behind it; rc is what moving
 * the cursor said. */
static int
table_iter_forward(struct table_iter *it, int rc)
{
	while (rc == 1) {
		rc = table_iter_load(it);
		if (rc == 0)
			rc = table_iter_result(it, block_iter_first(&it->data));
		if (rc != 0)
			return rc;
		rc = table_cursor_next(&it->cursor);
	}
	return rc;
}

/* The last entry of the cursor's block or of one before it. */
static int
table_iter_backward(struct table_iter *it, int rc)
{
	while (rc == 1) {
		rc = table_iter_load(it);
		if (rc == 0)
			rc = table_iter_result(it, block_iter_last(&it->data));
		if (rc != 0)
			return rc;
		rc = table_cursor_prev(&it->cursor);
	}
	return rc;
}

static int
table_iter_first(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);

	return table_iter_forward(it, table_cursor_first(&it->cursor));
}

static int
table_iter_last(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);

	return table_iter_backward(it, table_cursor_last(&it->cursor));
}

static int
table_iter_seek(struct iter *iter, struct bytes target)
{
	struct table_iter *it = TABLE_ITER(iter);
	int rc = table_cursor_seek(&it->cursor, target);

	if (rc != 1)
		return rc;
	rc = table_iter_load(it);
	if (rc)
		return rc;
	rc = table_iter_result(it, block_iter_seek(&it->data, target));
	return rc ? rc : table_iter_forward(it, table_cursor_next(&it->cursor));
}

static int
table_iter_next(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);
	int rc = block_iter_next(&it->data);

	if (rc == 1)
		return 1;
	return rc ? table_iter_result(it, rc)
		  : table_iter_forward(it, table_cursor_next(&it->cursor));
}

static int
table_iter_prev(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);
	int rc = block_iter_prev(&it->data);

	if (rc == 1)
		return 1;
	return rc ? table_iter_result(it, rc)
		  : table_iter_backward(it, table_cursor_prev(&it->cursor));
}

static void
table_iter_close(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);

	table_iter_unload(it);
	table_cursor_fini(&it->cursor);
	block_iter_fini(&it->data);
	table_ahead_fini(&it->ahead);
	buf_fini(&it->room);
	free(it);
}

static const struct iter_ops table_iter_ops = {
    .first = table_iter_first,
    .last = table_iter_last,
    .seek = table_iter_seek,
    .next = table_iter_next,
    .prev = table_iter_prev,
    .close = table_iter_close,
};

int
table_iter_open(struct table *t, bool fill, struct iter **out)
{
	struct table_iter *it = zalloc(sizeof(*it));

	if (!it)
		return -ENOMEM;
	it->data.iter.ops = &table_iter_ops;
	it->table = t;
	it->fill = fill;
	table_cursor_init(&it->cursor, t, fill);
	it->ahead.file = t->file;
	it->ahead.end = t->footer.filter.offset;
	*out = &it->data.iter;
	return 0;
}
