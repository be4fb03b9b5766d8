#include <stdlib.h>

#include "engine/table/block.h"
#include "engine/table/table_ahead.h"
#include "engine/table/table_format.h"

#define TABLE_ITER_NONE SIZE_MAX

struct table_iter {
	/* First: the entry it is at is the one shown. */
	struct block_iter data;
	struct table *table;
	bool fill;
	size_t block;             /* that data is over, or TABLE_ITER_NONE */
	struct cache_block *pin;  /* with fill: what data reads */
	struct table_ahead ahead; /* without fill */
	struct buf room;          /* without fill: decompressed */
};

#define TABLE_ITER(it) ((struct table_iter *)(void *)(it))

static int
table_iter_damaged(struct table_iter *it, size_t i, const char *why)
{
	return frame_damaged(
	    it->table->file, it->table->index.blocks[i].offset, why);
}

static void
table_iter_unload(struct table_iter *it)
{
	if (it->pin)
		cache_unref(it->pin);
	it->pin = NULL;
	it->block = TABLE_ITER_NONE;
}

static int
table_iter_read_ahead(struct table_iter *it, size_t i, struct bytes *block)
{
	struct frame_handle h = table_index_handle(&it->table->index, i);
	struct bytes raw;
	const char *why;
	int err;

	err = table_ahead_read(&it->ahead, h, &raw);
	if (err)
		return err;
	err = frame_decode(
	    it->table->file_no, h.offset, raw, &it->room, block, &why);
	return err == ERR_DAMAGED ? table_iter_damaged(it, i, why) : err;
}

/* Puts data over block i, at no entry. */
static int
table_iter_load(struct table_iter *it, size_t i)
{
	struct bytes block;
	int err;

	if (it->block == i)
		return 0;
	table_iter_unload(it);
	if (it->fill) {
		err = table_pin(it->table, i, &it->pin);
		if (!err)
			block = it->pin->data;
	} else {
		err = table_iter_read_ahead(it, i, &block);
	}
	if (err)
		return err;
	if (block_iter_set(&it->data, block))
		return table_iter_damaged(it, i, "malformed block");
	it->block = i;
	return 0;
}

/* The result of a move within the block loaded; the cold part of a move. */
static int
table_iter_result(struct table_iter *it, int rc)
{
	if (rc == ERR_DAMAGED)
		return table_iter_damaged(it, it->block, "malformed entry");
	return rc;
}

/* The first entry of block i or of one behind it. */
static int
table_iter_forward(struct table_iter *it, size_t i)
{
	int rc = 0;

	for (; rc == 0 && i < it->table->index.count; i++) {
		rc = table_iter_load(it, i);
		if (rc == 0)
			rc = table_iter_result(it, block_iter_first(&it->data));
	}
	return rc;
}

/* The last entry of the blocks before block i. */
static int
table_iter_backward(struct table_iter *it, size_t i)
{
	int rc = 0;

	while (rc == 0 && i-- > 0) {
		rc = table_iter_load(it, i);
		if (rc == 0)
			rc = table_iter_result(it, block_iter_last(&it->data));
	}
	return rc;
}

static int
table_iter_first(struct iter *iter)
{
	return table_iter_forward(TABLE_ITER(iter), 0);
}

static int
table_iter_last(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);

	return table_iter_backward(it, it->table->index.count);
}

static int
table_iter_seek(struct iter *iter, struct bytes target)
{
	struct table_iter *it = TABLE_ITER(iter);
	size_t i = table_index_find(&it->table->index, target);
	int rc;

	if (i == it->table->index.count)
		return 0;
	rc = table_iter_load(it, i);
	if (rc)
		return rc;
	rc = table_iter_result(it, block_iter_seek(&it->data, target));
	return rc ? rc : table_iter_forward(it, i + 1);
}

static int
table_iter_next(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);
	int rc = block_iter_next(&it->data);

	if (rc == 1)
		return 1;
	return rc ? table_iter_result(it, rc)
		  : table_iter_forward(it, it->block + 1);
}

static int
table_iter_prev(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);
	int rc = block_iter_prev(&it->data);

	if (rc == 1)
		return 1;
	return rc ? table_iter_result(it, rc)
		  : table_iter_backward(it, it->block);
}

static void
table_iter_close(struct iter *iter)
{
	struct table_iter *it = TABLE_ITER(iter);

	table_iter_unload(it);
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
	struct table_iter *it = calloc(1, sizeof(*it));

	if (!it)
		return -ENOMEM;
	it->data.iter.ops = &table_iter_ops;
	it->table = t;
	it->fill = fill;
	it->block = TABLE_ITER_NONE;
	it->ahead.file = t->file;
	it->ahead.end = t->footer.filter.offset;
	*out = &it->data.iter;
	return 0;
}
