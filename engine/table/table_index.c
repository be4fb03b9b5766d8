#include "engine/table/table_index.h"

#include <stdlib.h>

#include "engine/base/digest.h"
#include "engine/base/must.h"
#include "engine/table/ikey.h"

/* Equal digests, from so many on, get inner ones. */
#define TABLE_INDEX_RUN 4

/* A piece: this, the digests, the offsets (one more), the inner digests and
 * the shared sizes if there are any, the block. */
struct table_index_head {
	uint64_t count;
	uint64_t prefix_size;
	uint64_t block_size;
	uint64_t inner_count; /* count or 0 */
};

struct table_index
table_index_of(const uint8_t *piece)
{
	const struct table_index_head *h = (const void *)piece;
	struct table_index ix = {.count = (size_t)h->count};
	const uint64_t *inner;
	const uint32_t *shared;
	struct bytes block;

	ix.digests = (const uint64_t *)(h + 1);
	ix.offsets = ix.digests + ix.count;
	inner = ix.offsets + ix.count + 1;
	shared = (const uint32_t *)(inner + h->inner_count);
	block = bytes_of(shared + h->inner_count, (size_t)h->block_size);
	if (h->inner_count > 0) {
		ix.inner = inner;
		ix.shared = shared;
	}
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

/* Entries from begin to before end. */
struct table_index_run {
	size_t begin, end;
};

/* Those of the run where target may belong; if it is none, before its begin.
 */
static struct table_index_run
table_index_narrow(
    const struct table_index *ix, struct table_index_run r, struct bytes user)
{
	size_t count = r.end - r.begin, shared;
	const uint64_t *inner;
	struct bytes first;
	uint64_t digest;
	int side;

	if (!ix->inner || count < TABLE_INDEX_RUN)
		return r;
	shared = ix->shared[r.begin];
	inner = ix->inner + r.begin;
	first = table_index_key(ix, r.begin);
	side = digest_side(bytes_of(first.data, shared), user);
	if (side < 0)
		return (struct table_index_run){r.begin, r.begin};
	if (side > 0)
		return (struct table_index_run){r.end, r.end};
	digest = digest_of(user, shared);
	return (struct table_index_run){
	    .begin = r.begin + digest_lower(inner, count, digest),
	    .end = r.begin + digest_upper(inner, count, digest),
	};
}

size_t
table_index_find(const struct table_index *ix, struct bytes target)
{
	struct bytes user = ikey_user(target);
	int side = digest_side(ix->prefix, user);
	struct table_index_run r;
	size_t mid;
	uint64_t digest;

	if (side != 0)
		return side < 0 ? 0 : ix->count;
	digest = digest_of(user, ix->prefix.size);
	r.begin = digest_lower_for(ix->digests, ix->count, digest, ix->offsets);
	if (r.begin == ix->count || ix->digests[r.begin] != digest)
		return r.begin;
	r.end = digest_upper(ix->digests, ix->count, digest);
	r = table_index_narrow(ix, r, user);
	/* Among equal digests the keys decide. */
	while (r.begin < r.end) {
		mid = r.begin + (r.end - r.begin) / 2;
		if (ikey_cmp(table_index_key(ix, mid), target) < 0)
			r.begin = mid + 1;
		else
			r.end = mid;
	}
	return r.begin;
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

static size_t
table_index_run_end(const uint64_t *digests, size_t count, size_t begin)
{
	size_t end = begin + 1;

	while (end < count && digests[end] == digests[begin])
		end++;
	return end;
}

static bool
table_index_has_runs(const uint64_t *digests, size_t count)
{
	for (size_t i = TABLE_INDEX_RUN - 1; i < count; i++)
		if (digests[i] == digests[i - (TABLE_INDEX_RUN - 1)])
			return true;
	return false;
}

/* Of all runs that are long; the others have none. */
static void
table_index_set_inner(
    const struct table_index *ix, uint64_t *inner, uint32_t *shared)
{
	size_t begin, end;

	memset(inner, 0, ix->count * sizeof(*inner));
	memset(shared, 0, ix->count * sizeof(*shared));
	for (begin = 0; begin < ix->count; begin = end) {
		struct bytes first = ikey_user(table_index_key(ix, begin));
		size_t n;

		end = table_index_run_end(ix->digests, ix->count, begin);
		if (end - begin < TABLE_INDEX_RUN)
			continue;
		n = bytes_common(
		    first, ikey_user(table_index_key(ix, end - 1)));
		for (size_t i = begin; i < end; i++) {
			inner[i] =
			    digest_of(ikey_user(table_index_key(ix, i)), n);
			shared[i] = (uint32_t)n;
		}
	}
}

/* The arrays of w into a piece, and the block. */
static int
table_index_pack(const struct table_index_work *w, struct bytes block,
    uint8_t **piece, size_t *size)
{
	bool runs = table_index_has_runs(w->digests, w->count);
	size_t inner_count = runs ? w->count : 0;
	size_t arrays = (2 * w->count + 1) * sizeof(uint64_t);
	struct table_index_head *h;
	struct table_index ix;
	uint8_t *to;

	*size = sizeof(*h) + arrays +
		inner_count * (sizeof(*ix.inner) + sizeof(*ix.shared)) +
		block.size;
	h = malloc(frame_room(*size));
	if (!h)
		return -ENOMEM;
	*h = (struct table_index_head){
	    w->count, w->prefix, block.size, inner_count};
	memcpy(h + 1, w->digests, arrays);
	to = (uint8_t *)h + *size - block.size;
	memcpy(to, block.data, block.size);
	*piece = (uint8_t *)h;
	ix = table_index_of(*piece);
	if (runs)
		table_index_set_inner(&ix, (uint64_t *)(uintptr_t)ix.inner,
		    (uint32_t *)(uintptr_t)ix.shared);
	return 0;
}

static int
table_index_fill(struct table_index_work *w, struct bytes block,
    uint8_t **piece, size_t *size, const char **why)
{
	size_t count = w->it.view.restart_count;
	int err = 0;

	w->digests = malloc((2 * count + 1) * sizeof(uint64_t));
	if (!w->digests)
		return -ENOMEM;
	w->offsets = w->digests + count;
	*why = table_index_load(w);
	if (*why)
		err = ERR_DAMAGED;
	else
		err = table_index_pack(w, block, piece, size);
	free(w->digests);
	return err;
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
