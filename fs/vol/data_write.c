#include "fs/vol/control.h"
#include "fs/vol/data.h"
#include "fs/vol/node_trim.h"

/* One write, as far as its blocks care. */
struct data_write {
	struct vol *v;
	struct store_batch *b;
	const struct entry *old; /* before */
	uint64_t offset;
	struct bytes data; /* not empty */
};

static uint64_t
data_write_end(const struct data_write *w)
{
	return w->offset + w->data.size;
}

/* What the block holds before the write, as far as [from, to) leaves any of it:
 * *value is pinned, or bytes are in the old entry. */
static int
data_write_old(const struct data_write *w, uint64_t block, bool is_covered,
    struct store_value *value)
{
	int r;

	*value = (struct store_value){0};
	if (is_covered)
		return 0;
	if (w->old->is_inline) {
		/* The inline limit is at most a block. */
		if (block == 0)
			value->bytes = w->old->content;
		return 0;
	}
	r = data_block_load(w->v, w->old, block, value);
	return r < 0 ? r : 0;
}

/* old, with the write's bytes for [from, to) over it. */
static int
data_write_fill(const struct data_write *w, uint64_t block, struct bytes old,
    size_t from, size_t to)
{
	uint64_t start = block * w->v->super.block_bytes;
	size_t size = old.size > to ? old.size : to;
	size_t head = old.size < from ? old.size : from;
	uint8_t *p;
	int err = data_block_room(w->b, w->old->ino, block, size, &p);

	if (err)
		return err;
	if (head)
		memcpy(p, old.data, head);
	memset(p + head, 0, from - head);
	memcpy(p + from, w->data.data + (start + from - w->offset), to - from);
	if (size > to)
		memcpy(p + to, old.data + to, size - to);
	return 0;
}

static int
data_write_block(const struct data_write *w, uint64_t block)
{
	uint64_t block_bytes = w->v->super.block_bytes;
	uint64_t start = block * block_bytes, end = data_write_end(w);
	uint64_t from = w->offset > start ? w->offset - start : 0;
	uint64_t to = end - start < block_bytes ? end - start : block_bytes;
	bool is_covered =
	    from == 0 && (to == block_bytes || start + to >= w->old->size);
	struct store_value value;
	int err = data_write_old(w, block, is_covered, &value);

	if (err == 0)
		err = data_write_fill(
		    w, block, value.bytes, (size_t)from, (size_t)to);
	store_value_release(&value);
	return err;
}

static int
data_write_blocks(const struct data_write *w)
{
	uint64_t block_bytes = w->v->super.block_bytes;
	uint64_t first = w->offset / block_bytes;
	uint64_t last = (data_write_end(w) - 1) / block_bytes;
	struct bytes content = w->old->content;
	int err = 0;

	/* It leaves the entry; unless the write touches it anyway. */
	if (w->old->is_inline && content.size > 0 && first > 0)
		err = data_block_put(w->b, w->old->ino, 0, content);
	for (uint64_t i = first; err == 0 && i <= last; i++)
		err = data_write_block(w, i);
	return err;
}

static int
data_write_inline(const struct data_write *w, size_t size, struct buf *content)
{
	int err = data_set_content(content, w->old->content, size);

	if (err == 0)
		memcpy(content->data + w->offset, w->data.data, w->data.size);
	return err;
}

/* Everything but the entry's record goes into the batch; e is what that will
 * be, with a view into content. */
static int
data_write_batch(
    const struct data_write *w, struct entry *e, struct buf *content)
{
	uint64_t end = data_write_end(w);
	int err;

	*e = *w->old;
	if (end > e->size)
		e->size = end;
	e->is_inline = w->old->is_inline && e->size <= w->v->super.inline_bytes;
	if (e->is_inline)
		err = data_write_inline(w, (size_t)e->size, content);
	else
		err = data_write_blocks(w);
	e->content = buf_bytes(content);
	e->mtime = e->ctime = state_now();
	return err;
}

/* Caller holds the stripe. */
static int
data_write(struct vol *v, struct vol_ctx *ctx, struct node *n, uint64_t offset,
    struct bytes data)
{
	struct entry old, e;
	struct data_write w = {
	    .v = v, .old = &old, .offset = offset, .data = data};
	struct store_value value;
	struct buf content = {0};
	int err = node_trim_finish(v, n);

	if (err == 0)
		err = node_load(v, n, &value, &old);
	if (err)
		return err;
	w.b = state_batch_take(v);
	err = w.b ? data_write_batch(&w, &e, &content) : -ENOMEM;
	if (err == 0)
		err = node_save(v, w.b, n, &e);
	if (err == 0)
		err = state_commit(v, ctx, w.b, n->policy);
	if (err == 0)
		err = node_commit(v, n, &e);
	state_batch_give(v, w.b);
	buf_fini(&content);
	store_value_release(&value);
	return err;
}

int
vol_write(struct vol *v, struct vol_ctx *ctx, uint64_t ino, uint64_t offset,
    struct bytes data)
{
	struct node *n;
	int err;

	if (control_is(ino))
		return control_write(v, ino, data);
	err = node_get(v, ino, &n);
	if (err)
		return err;
	node_lock(v, n);
	err = data_check(&n->attr);
	if (err == 0 &&
	    (offset > DATA_SIZE_MAX || data.size > DATA_SIZE_MAX - offset))
		err = -EFBIG;
	if (err == 0 && data.size > 0)
		err = data_write(v, ctx, n, offset, data);
	node_unlock(v, n);
	node_put(v, n);
	return err;
}
