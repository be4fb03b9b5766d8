#include "engine/table/block_format.h"

#include "engine/base/must.h"

/* --- building ---------------------------------------------------------- */

void
block_builder_init(struct block_builder *b, unsigned restart_interval)
{
	must(restart_interval > 0);
	*b = (struct block_builder){.restart_interval = restart_interval};
}

void
block_builder_fini(struct block_builder *b)
{
	buf_fini(&b->out);
	buf_fini(&b->restarts);
	buf_fini(&b->last_key);
}

void
block_builder_clear(struct block_builder *b)
{
	buf_clear(&b->out);
	buf_clear(&b->restarts);
	buf_clear(&b->last_key);
	b->since_restart = 0;
	b->count = 0;
}

size_t
block_builder_size(const struct block_builder *b)
{
	return b->out.size + b->restarts.size + 4;
}

static void
block_builder_put(struct block_builder *b, size_t shared, struct bytes rest,
    struct bytes value)
{
	uint8_t *p = b->out.data + b->out.size;

	p += wire_put_varint(p, shared);
	p += wire_put_varint(p, rest.size);
	p += wire_put_varint(p, value.size);
	memcpy(p, rest.data, rest.size);
	p += rest.size;
	if (value.size > 0)
		memcpy(p, value.data, value.size);
	b->out.size = (size_t)(p - b->out.data) + value.size;
}

int
block_builder_add(struct block_builder *b, struct bytes key, struct bytes value)
{
	size_t need, shared = 0;
	bool restart = b->count == 0 || b->since_restart == b->restart_interval;
	int err;

	must(key.size >= IKEY_TRAILER);
	must(b->count == 0 || ikey_cmp(buf_bytes(&b->last_key), key) < 0);
	if (key.size > BLOCK_BYTES_MAX || value.size > BLOCK_BYTES_MAX)
		return -EFBIG;
	need = 3 * WIRE_VARINT_MAX + key.size + value.size;
	if (block_builder_size(b) + need + 4 > BLOCK_BYTES_MAX)
		return -EFBIG;
	/* Room for everything first: an error leaves the builder as it was. */
	err = buf_reserve(&b->out, need);
	if (!err)
		err = buf_reserve(&b->restarts, 4);
	if (!err && !restart)
		shared = bytes_common(
		    ikey_user(buf_bytes(&b->last_key)), ikey_user(key));
	if (!err)
		err = buf_assign(&b->last_key, key);
	if (err)
		return err;
	if (restart) {
		wire_put_le32(
		    b->restarts.data + b->restarts.size, (uint32_t)b->out.size);
		b->restarts.size += 4;
		b->since_restart = 0;
	}
	block_builder_put(
	    b, shared, bytes_of(key.data + shared, key.size - shared), value);
	b->since_restart++;
	b->count++;
	return 0;
}

int
block_builder_finish(struct block_builder *b, struct bytes *out)
{
	int err = buf_reserve(&b->out, b->restarts.size + 4);

	if (err)
		return err;
	must(buf_append_bytes(&b->out, buf_bytes(&b->restarts)) == 0);
	must(buf_append_le32(&b->out, (uint32_t)(b->restarts.size / 4)) == 0);
	*out = buf_bytes(&b->out);
	return 0;
}

/* --- reading ----------------------------------------------------------- */

const uint8_t *
block_decode_numbers(const uint8_t *p, const uint8_t *end, uint64_t n[3])
{
	struct wire_in in = {p, end};

	for (int i = 0; i < 3; i++) {
		if (wire_in_varint(&in, &n[i]))
			return NULL;
	}
	return in.pos;
}

int
block_split(struct bytes block, struct block_view *out)
{
	uint64_t count, array;
	struct block_view v;

	if (block.size < 4)
		return ERR_DAMAGED;
	count = wire_get_le32(block.data + block.size - 4);
	array = count * 4 + 4;
	if (array > block.size)
		return ERR_DAMAGED;
	v.entries = bytes_of(block.data, block.size - (size_t)array);
	v.restarts = block.data + v.entries.size;
	v.restart_count = (uint32_t)count;
	if ((count == 0) != (v.entries.size == 0))
		return ERR_DAMAGED;
	if (count > 0 && block_restart(&v, 0) != 0)
		return ERR_DAMAGED;
	*out = v;
	return 0;
}

int
block_at_restart(const struct block_view *v, uint32_t i, struct bytes *key,
    struct bytes *value)
{
	size_t pos = block_restart(v, i);
	struct block_raw e;

	if (pos >= v->entries.size ||
	    block_decode(
		v->entries.data + pos, v->entries.data + v->entries.size, &e) ||
	    e.shared != 0)
		return ERR_DAMAGED;
	*key = e.rest;
	*value = e.value;
	return 0;
}

/* Compares the key at restart i with the target; ERR_DAMAGED goes to *err. */
static inline int
block_compare_restart(
    const struct block_view *v, uint32_t i, struct bytes target, int *err)
{
	struct bytes key, value;

	*err = block_at_restart(v, i, &key, &value);
	return *err ? 0 : ikey_cmp(key, target);
}

/*
 * Where a linear search begins: *from is the last restart whose key is smaller
 * than target (or the first of all), *until the one behind it, or the end.
 */
static int
block_search_restarts(const struct block_view *v, struct bytes target,
    size_t *from, size_t *until)
{
	uint32_t low = 0, high = v->restart_count, mid;
	int err = 0;

	/* Restarts below low are smaller, those from high on are not. */
	while (low < high) {
		mid = low + (high - low) / 2;
		if (block_compare_restart(v, mid, target, &err) < 0)
			low = mid + 1;
		else
			high = mid;
		if (err)
			return err;
	}
	*until =
	    low < v->restart_count ? block_restart(v, low) : v->entries.size;
	*from = low > 0 ? block_restart(v, low - 1) : 0;
	return 0;
}

/* Goes from the entry at *p to the first that is not smaller than the target:
 * 1 and *p, *e are it, 0 there is none before end, ERR_DAMAGED. */
static inline int
block_scan(struct block_search *s, const uint8_t **p, const uint8_t *end,
    struct block_raw *e)
{
	const uint8_t *at = *p;

	for (; at < end; at = block_behind(e)) {
		if (block_decode(at, end, e))
			return ERR_DAMAGED;
		if (block_compare(s, e) >= 0) {
			*p = at;
			return 1;
		}
	}
	return 0;
}

int
block_seek(const struct block_view *v, struct bytes target,
    struct block_search *s, size_t *at, struct block_raw *out)
{
	const uint8_t *entries = v->entries.data, *p;
	struct block_raw e; /* a local: *out would be memory */
	size_t from, until;
	int rc = block_search_restarts(v, target, &from, &until);

	if (rc)
		return rc;
	*s = (struct block_search){ikey_user(target), ikey_trailer(target), 0};
	p = entries + from;
	block_look_ahead(p, entries + until);
	rc = block_scan(s, &p, entries + until, &e);
	if (rc == 0 && until < v->entries.size) {
		/* The restart at until is not smaller.  It shares nothing, so
		 * how much of it matches has to be found out. */
		s->match = 0;
		p = entries + until;
		rc = block_scan(s, &p, entries + v->entries.size, &e);
	}
	if (rc == 1) {
		*at = (size_t)(p - entries);
		*out = e;
	}
	return rc;
}

/*
 * Most blocks have two restarts, at their beginning and near their middle.
 * What a search meets there would be waited for one after the other, behind the
 * array at the end: now it is on its way meanwhile.
 */
static inline void
block_expect(struct bytes block)
{
	const uint8_t *middle = block.data + block.size / 2;

	__builtin_prefetch(block.data);
	__builtin_prefetch(middle);
	if (middle - block.data >= BLOCK_LINE)
		__builtin_prefetch(middle - BLOCK_LINE);
}

int
block_find(struct bytes block, struct bytes target, struct block_entry *out)
{
	struct block_search s;
	struct block_view v;
	struct block_raw e;
	size_t at;
	int rc;

	block_expect(block);
	rc = block_split(block, &v);
	if (rc == 0)
		rc = block_seek(&v, target, &s, &at, &e);
	if (rc != 1)
		return rc;
	if (s.match < s.user.size ||
	    e.shared + e.rest.size != s.user.size + IKEY_TRAILER)
		return 0;
	out->trailer = ikey_trailer(e.rest);
	out->value = e.value;
	return 1;
}
