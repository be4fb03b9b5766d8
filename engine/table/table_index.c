#include "engine/table/table_index.h"

#include <stdlib.h>

#include "engine/base/digest.h"
#include "engine/base/must.h"
#include "engine/table/ikey.h"

/* A piece: this, the digests, the offsets (one more), the block. */
struct table_index_head {
	uint64_t count;
	uint64_t prefix_size;
	uint64_t block_size;
};

struct table_index
table_index_of(const uint8_t *piece)
{
	const struct table_index_head *h = (const void *)piece;
	struct table_index ix = {.count = (size_t)h->count};
	struct bytes block;

	ix.digests = (const uint64_t *)(h + 1);
	ix.offsets = ix.digests + ix.count;
	block = bytes_of(ix.offsets + ix.count + 1, (size_t)h->block_size);
	must(block_split(block, &ix.view) == 0);
	if (ix.count > 0)
		ix.prefix = bytes_of(table_index_key(&ix, ix.count - 1).data,
		    (size_t)h->prefix_size);
	return ix;
}

/* --- searching --------------------------------------------------------- */

struct bytes
table_index_key(const struct table_index *ix, size_t i)
{
	struct bytes key, value;

	/* As table_index_make has seen. */
	must(block_at_restart(&ix->view, (uint32_t)i, &key, &value) == 0);
	return key;
}

uint64_t
table_index_data(const struct table_index *ix, size_t i, uint64_t end)
{
	struct frame_handle h;
	struct bytes key, value;
	struct wire_in in;
	uint64_t data;

	if (i == ix->count)
		return end;
	must(block_at_restart(&ix->view, (uint32_t)i, &key, &value) == 0);
	in = wire_in_of(value);
	must(frame_handle_decode(&in, &h) == 0);
	must(wire_in_varint(&in, &data) == 0);
	return data;
}

size_t
table_index_find(const struct table_index *ix, struct bytes target)
{
	struct bytes user = ikey_user(target);
	int side = digest_side(ix->prefix, user);
	size_t low, high, mid;
	uint64_t digest;

	if (side != 0)
		return side < 0 ? 0 : ix->count;
	digest = digest_of(user, ix->prefix.size);
	low = digest_lower(ix->digests, ix->count, digest);
	if (low == ix->count || ix->digests[low] != digest)
		return low;
	/* Among equal digests the keys decide. */
	high = digest_upper(ix->digests, ix->count, digest);
	while (low < high) {
		mid = low + (high - low) / 2;
		if (ikey_cmp(table_index_key(ix, mid), target) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* --- making ------------------------------------------------------------ */

/* What is being made. */
struct table_index_work {
	const struct table_index_bounds *bounds;
	struct block_iter it;
	uint64_t *digests;
	uint64_t *offsets;
	size_t count;
	uint64_t next;      /* where the next frame must be */
	uint64_t next_data; /* not before this */
	struct bytes last;  /* the key before */
	size_t prefix;
};

/* The data below an entry of the root begins behind that of the one before. */
static bool
table_index_data_fits(struct table_index_work *w, struct wire_in *in)
{
	uint64_t data;

	if (!w->bounds->root)
		return true;
	if (wire_in_varint(in, &data) || data < w->next_data ||
	    data >= w->bounds->data_end ||
	    (w->count == 0 && data != w->bounds->data_begin))
		return false;
	w->next_data = data + 1;
	return true;
}

static bool
table_index_in_order(const struct table_index_work *w, struct bytes key)
{
	if (w->count == 0)
		return ikey_cmp(w->bounds->smallest, key) <= 0;
	return ikey_cmp(w->last, key) < 0;
}

/* Adds the entry at which it stands; what is wrong with it, or NULL. */
static const char *
table_index_add(struct table_index_work *w)
{
	struct wire_in in = wire_in_of(w->it.iter.value);
	struct bytes key = w->it.iter.key;
	struct frame_handle h;

	/* An assembled key does not lie in the block. */
	if (w->count == w->it.view.restart_count ||
	    key.data == w->it.key.data ||
	    wire_get_le32(w->it.view.restarts + 4 * w->count) != w->it.pos)
		return "an index entry is not a restart";
	if (frame_handle_decode(&in, &h) || !table_index_data_fits(w, &in) ||
	    wire_in_left(&in) != 0)
		return "an index entry is not a handle";
	if (h.offset != w->next || !frame_handle_fits(h, w->bounds->end))
		return "an index entry names a block where none can be";
	/* So that it begins with the prefix, too. */
	if (!table_index_in_order(w, key) ||
	    ikey_cmp(key, w->bounds->largest) > 0)
		return "index keys out of order";
	w->digests[w->count] = digest_of(ikey_user(key), w->prefix);
	w->offsets[w->count++] = h.offset;
	w->last = key;
	w->next = h.offset + frame_handle_bytes(h);
	return NULL;
}

/* Goes through the index block; what is wrong with it, or NULL. */
static const char *
table_index_load(struct table_index_work *w)
{
	const char *fault = NULL;
	int rc;

	if ((w->it.view.restart_count == 0) != (w->bounds->largest.size == 0))
		return "the index has entries, or none, against what is said";
	for (rc = block_iter_first(&w->it); rc == 1 && !fault;
	     rc = block_iter_next(&w->it))
		fault = table_index_add(w);
	if (fault)
		return fault;
	if (rc < 0)
		return "malformed index entry";
	if (w->count != w->it.view.restart_count || w->next != w->bounds->end)
		return "the index does not cover the data";
	if (w->count > 0 && !bytes_eq(w->last, w->bounds->largest))
		return "the index ends at another key than it should";
	w->offsets[w->count] = w->next;
	return NULL;
}

/* All keys lie between the smallest and the largest, so they begin with what
 * these two have in common. */
static size_t
table_index_prefix(const struct table_index_bounds *b)
{
	if (b->largest.size == 0)
		return 0;
	return bytes_common(ikey_user(b->smallest), ikey_user(b->largest));
}

static int
table_index_fill(struct table_index_work *w, struct bytes block,
    uint8_t **piece, size_t *size, const char **why)
{
	size_t count = w->it.view.restart_count;
	size_t arrays = (2 * count + 1) * sizeof(uint64_t);
	struct table_index_head *h;
	uint8_t *p;

	*size = sizeof(*h) + arrays + block.size;
	p = malloc(frame_room(*size));
	if (!p)
		return -ENOMEM;
	h = (void *)p;
	*h = (struct table_index_head){count, w->prefix, block.size};
	w->digests = (uint64_t *)(h + 1);
	w->offsets = w->digests + count;
	*why = table_index_load(w);
	if (*why) {
		free(p);
		return ERR_DAMAGED;
	}
	memcpy(w->offsets + count + 1, block.data, block.size);
	*piece = p;
	return 0;
}

int
table_index_make(struct bytes block, const struct table_index_bounds *b,
    uint8_t **piece, size_t *size, const char **why)
{
	struct table_index_work w = {
	    .bounds = b,
	    .next = b->begin,
	    .next_data = b->data_begin,
	    .prefix = table_index_prefix(b),
	};
	int err = block_iter_set(&w.it, block);

	if (err)
		*why = "malformed index block";
	else
		err = table_index_fill(&w, block, piece, size, why);
	block_iter_fini(&w.it);
	return err;
}
