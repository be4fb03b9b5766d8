#include "engine/table/table_index.h"

#include <stdlib.h>

#include "engine/table/block.h"
#include "engine/table/ikey.h"

/* The 8 bytes of user behind the prefix as a number, zeros for missing ones.
 * Digests order as their keys do, and are equal for some that differ. */
static inline uint64_t
table_index_digest(struct bytes user, size_t prefix)
{
	uint8_t p[8] = {0};
	size_t n = user.size - prefix;

	if (n >= 8)
		return wire_get_be64(user.data + prefix);
	if (n > 0)
		memcpy(p, user.data + prefix, n);
	return wire_get_be64(p);
}

/* --- searching --------------------------------------------------------- */

/* <0, 0, >0: target is before, among, behind keys that begin with prefix. */
static inline int
table_index_side(struct bytes prefix, struct bytes user)
{
	size_t n = user.size < prefix.size ? user.size : prefix.size;
	int c = n ? memcmp(user.data, prefix.data, n) : 0;

	return c ? c : -(user.size < prefix.size);
}

size_t
table_index_find(const struct table_index *ix, struct bytes target)
{
	struct bytes user = ikey_user(target);
	int side = table_index_side(ix->prefix, user);
	size_t low = 0, high = ix->count;
	uint64_t digest;

	if (side != 0)
		return side < 0 ? 0 : ix->count;
	digest = table_index_digest(user, ix->prefix.size);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct table_block *b = &ix->blocks[mid];

		if (b->digest < digest ||
		    (b->digest == digest &&
			ikey_cmp(bytes_of(b->key, b->key_size), target) < 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* --- loading ----------------------------------------------------------- */

static bool
table_index_in_order(const struct table_index *ix, struct bytes key,
    const struct table_index_bounds *bounds)
{
	if (ix->count == 0)
		return ikey_cmp(bounds->smallest, key) <= 0;
	return ikey_cmp(table_index_key(ix, ix->count - 1), key) < 0;
}

/* Adds the entry at which it stands; what is wrong with it, or NULL. */
static const char *
table_index_add(struct table_index *ix, const struct block_iter *it,
    const struct table_index_bounds *bounds, uint64_t *next)
{
	struct wire_in in = wire_in_of(it->iter.value);
	struct bytes key = it->iter.key;
	struct frame_handle h;

	/* An assembled key does not lie in the block. */
	if (ix->count == it->view.restart_count || key.data == it->key.data)
		return "an index entry is not a restart";
	if (frame_handle_decode(&in, &h) || wire_in_left(&in) != 0)
		return "an index entry is not a handle";
	if (h.offset != *next || !frame_handle_fits(h, bounds->end))
		return "an index entry names a block where none can be";
	if (!table_index_in_order(ix, key, bounds))
		return "index keys out of order";
	ix->blocks[ix->count++] = (struct table_block){
	    .digest = 0,
	    .offset = h.offset,
	    .size = (uint32_t)h.size,
	    .key_size = (uint32_t)key.size,
	    .key = key.data,
	};
	*next = h.offset + frame_handle_bytes(h);
	return NULL;
}

/* Goes through the index block; what is wrong with it, or NULL. */
static const char *
table_index_load(struct table_index *ix, struct block_iter *it,
    const struct table_index_bounds *bounds)
{
	uint64_t next = bounds->begin;
	const char *fault = NULL;
	int rc;

	for (rc = block_iter_first(it); rc == 1 && !fault;
	     rc = block_iter_next(it))
		fault = table_index_add(ix, it, bounds, &next);
	if (fault)
		return fault;
	if (rc < 0)
		return "malformed index entry";
	if (next != bounds->end)
		return "the index does not cover the data";
	if (ix->count == 0 && bounds->largest.size == 0)
		return NULL;
	if (ix->count == 0 ||
	    !bytes_eq(table_index_key(ix, ix->count - 1), bounds->largest))
		return "the index ends at another key than the properties say";
	return NULL;
}

/* All keys lie between the smallest and the largest, so they begin with what
 * these two have in common. */
static void
table_index_digest_all(
    struct table_index *ix, const struct table_index_bounds *bounds)
{
	struct bytes first;

	if (ix->count == 0)
		return;
	first = ikey_user(bounds->smallest);
	ix->prefix = bytes_of(
	    first.data, bytes_common(first, ikey_user(bounds->largest)));
	for (size_t i = 0; i < ix->count; i++)
		ix->blocks[i].digest = table_index_digest(
		    ikey_user(table_index_key(ix, i)), ix->prefix.size);
}

int
table_index_init(struct table_index *ix, uint8_t *data, size_t size,
    const struct table_index_bounds *bounds, const char **why)
{
	struct block_iter it = {0};
	const char *fault = "malformed index block";
	int err;

	*ix = (struct table_index){.memory = data};
	err = block_iter_set(&it, bytes_of(data, size));
	if (!err) {
		ix->blocks = calloc(
		    (size_t)it.view.restart_count + 1, sizeof(*ix->blocks));
		fault = ix->blocks ? table_index_load(ix, &it, bounds) : NULL;
		err = !ix->blocks ? -ENOMEM : fault ? ERR_DAMAGED : 0;
	}
	if (fault)
		*why = fault;
	if (err)
		table_index_fini(ix);
	else
		table_index_digest_all(ix, bounds);
	block_iter_fini(&it);
	return err;
}

void
table_index_fini(struct table_index *ix)
{
	free(ix->blocks);
	free(ix->memory);
	*ix = (struct table_index){0};
}
