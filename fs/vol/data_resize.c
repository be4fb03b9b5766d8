#include "fs/vol/data.h"
#include "fs/vol/node_trim.h"
#include "fs/vol/orphan.h"

static int
data_resize_trim(struct vol *v, struct store_batch *b, const struct entry *e,
    uint64_t from, struct data_resize *r)
{
	r->from = from;
	return orphan_trim(v, b, e->ino, from, &r->later);
}

/* Inline and stays so. */
static int
data_resize_content(struct entry *e, uint64_t size, struct data_resize *r)
{
	int err = data_set_content(&r->content, e->content, (size_t)size);

	if (err == 0) {
		e->content = buf_bytes(&r->content);
		e->size = size;
	}
	return err;
}

/* From the entry to blocks: what is beyond the content is a hole. */
static int
data_resize_move_out(struct store_batch *b, struct entry *e, uint64_t size)
{
	int err = 0;

	if (e->content.size > 0)
		err = data_block_put(b, e->ino, 0, e->content);
	if (err == 0) {
		e->is_inline = false;
		e->content = bytes_of(NULL, 0);
		e->size = size;
	}
	return err;
}

/* From blocks back to the entry; block 0 has all that is left. */
static int
data_resize_move_in(struct vol *v, struct store_batch *b, struct entry *e,
    uint64_t size, struct data_resize *r)
{
	struct store_value value = {0};
	int err = size > 0 ? data_block_load(v, e, 0, &value) : 0;

	if (err >= 0)
		err = data_set_content(&r->content, value.bytes, (size_t)size);
	if (err == 0)
		err = data_resize_trim(v, b, e, 0, r);
	if (err == 0) {
		e->is_inline = true;
		e->content = buf_bytes(&r->content);
		e->size = size;
	}
	store_value_release(&value);
	return err;
}

/* Bytes behind the end must go, or they would come back when it grows. */
static int
data_resize_cut(struct vol *v, struct store_batch *b, struct entry *e,
    uint64_t size, struct data_resize *r)
{
	uint64_t last = size / v->super.block_bytes;
	size_t rest = (size_t)(size % v->super.block_bytes);
	struct store_value value = {0};
	int err = rest > 0 ? data_block_load(v, e, last, &value) : 0;

	if (err == 1)
		err = value.bytes.size <= rest
			  ? 0
			  : data_block_put(b, e->ino, last,
				bytes_of(value.bytes.data, rest));
	store_value_release(&value);
	if (err == 0)
		err = data_resize_trim(v, b, e, last + (rest > 0), r);
	if (err == 0)
		e->size = size;
	return err;
}

int
data_resize(struct vol *v, struct store_batch *b, struct node *n,
    struct entry *e, uint64_t size, struct data_resize *r)
{
	bool fits = size <= v->super.inline_bytes;
	int err = data_check(&n->attr);

	if (err == 0 && size > DATA_SIZE_MAX)
		err = -EFBIG;
	if (err == 0)
		err = node_trim_finish(v, n);
	if (err)
		return err;
	if (e->is_inline)
		return fits ? data_resize_content(e, size, r)
			    : data_resize_move_out(b, e, size);
	if (fits)
		return data_resize_move_in(v, b, e, size, r);
	if (size < e->size)
		return data_resize_cut(v, b, e, size, r);
	e->size = size;
	return 0;
}

void
data_resize_end(struct vol *v, struct node *n, struct data_resize *r, int err)
{
	if (err == 0 && r->later)
		node_trim_begin(v, n, r->from);
	buf_fini(&r->content);
	*r = (struct data_resize){0};
}
