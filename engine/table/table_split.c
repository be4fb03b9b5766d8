#include "engine/table/table_split.h"

#include "engine/base/must.h"
#include "engine/table/block.h"
#include "engine/table/table_format.h"

/* Of a leaf, at least: so the root has far fewer entries than the leaves, also
 * if keys are large. */
#define TABLE_LEAF_ENTRIES 16

struct table_split {
	const struct table_split_out *out;
	struct block_builder leaf; /* being collected */
	struct block_builder root;
	struct buf last;  /* the leaf's last key */
	struct buf value; /* of the root's next entry */
	uint64_t data;    /* where the data begins below the leaf */
	uint64_t leaves;
};

/* The leaf collected goes out, and into the root. */
static int
table_split_cut(struct table_split *s)
{
	struct frame_handle h;
	struct bytes block;
	int err = block_builder_finish(&s->leaf, &block);

	if (!err)
		err = s->out->frame(s->out->ctx, block, &h);
	buf_clear(&s->value);
	if (!err)
		err = frame_handle_append(&s->value, h);
	if (!err)
		err = buf_append_varint(&s->value, s->data);
	if (!err)
		err = block_builder_add(
		    &s->root, buf_bytes(&s->last), buf_bytes(&s->value));
	if (err)
		return err;
	s->leaves++;
	block_builder_clear(&s->leaf);
	return 0;
}

static int
table_split_add(struct table_split *s, struct bytes key, struct bytes value)
{
	struct wire_in in = wire_in_of(value);
	struct frame_handle h;
	int err = 0;

	must(frame_handle_decode(&in, &h) == 0);
	if (s->leaf.count >= TABLE_LEAF_ENTRIES &&
	    block_builder_size(&s->leaf) + key.size + value.size >
		s->out->leaf_bytes)
		err = table_split_cut(s);
	if (!err && s->leaf.count == 0)
		s->data = h.offset;
	if (!err)
		err = block_builder_add(&s->leaf, key, value);
	return err ? err : buf_assign(&s->last, key);
}

static int
table_split_all(struct table_split *s, struct block_iter *it)
{
	int err = 0, rc;

	for (rc = block_iter_first(it); rc == 1 && !err;
	     rc = block_iter_next(it))
		err = table_split_add(s, it->iter.key, it->iter.value);
	if (!err && rc < 0)
		err = rc;
	return err ? err : table_split_cut(s);
}

int
table_split_write(struct bytes index, const struct table_split_out *out,
    uint64_t *leaves, struct frame_handle *root)
{
	struct table_split s = {.out = out};
	struct block_iter it = {0};
	struct bytes block;
	int err;

	must(block_iter_set(&it, index) == 0);
	if (it.view.restart_count <= TABLE_LEAF_ENTRIES)
		return out->frame(out->ctx, index, root);
	block_builder_init(&s.leaf, TABLE_INDEX_INTERVAL);
	block_builder_init(&s.root, TABLE_INDEX_INTERVAL);
	err = table_split_all(&s, &it);
	if (!err)
		err = block_builder_finish(&s.root, &block);
	if (!err)
		err = out->frame(out->ctx, block, root);
	if (!err)
		*leaves = s.leaves;
	block_iter_fini(&it);
	block_builder_fini(&s.leaf);
	block_builder_fini(&s.root);
	buf_fini(&s.last);
	buf_fini(&s.value);
	return err;
}
