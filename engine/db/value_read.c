#include "engine/db/value_read.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/buf.h"

/* Offsets end below these bits of a key.  Cached as a whole, a value of several
 * pieces must not pass for its first one, which begins at the same offset; nor
 * a table's block for a value, should a reference name the table's number. */
#define WHOLE (UINT64_C(1) << 63)
#define VALUE (UINT64_C(1) << 62)

#define NOT_CACHED UINT64_MAX

/* Pieces of a value, and under which key they are cached. */
struct pieces {
	size_t first;
	size_t end;
	uint64_t key; /* NOT_CACHED: nobody else gets them */
};

static uint64_t
pieces_offset(const struct pieces *p)
{
	return (uint64_t)p->first * VREF_CHUNK;
}

static size_t
pieces_bytes(const struct vref *r, const struct pieces *p)
{
	uint64_t end = (uint64_t)p->end * VREF_CHUNK;

	return (size_t)((end < r->size ? end : r->size) - pieces_offset(p));
}

static int
read_decode(struct values *s, struct bytes ref, struct vref *out)
{
	int err = vref_decode(ref, out);

	if (err)
		env_log(s->env, ERR_LEVEL_ERROR,
		    "%s: damaged: a reference to a value is malformed; check"
		    " the tables",
		    s->dir);
	return err;
}

static int
read_open(struct values *s, const struct vref *r, struct env_file **out)
{
	struct value_file *f = values_find(s, r->file);

	if (f)
		return values_file(f, out);
	env_log(s->env, ERR_LEVEL_ERROR,
	    "%s: damaged: a value is said to be at offset %" PRIu64
	    " of file %" PRIu64 ", which no table names; check the tables",
	    s->dir, r->offset, vref_number(r->file));
	return ERR_DAMAGED;
}

/* The pieces into data, verified. */
static int
read_pieces(struct values *s, const struct vref *r, const struct pieces *p,
    uint8_t *data)
{
	uint64_t offset = r->offset + pieces_offset(p);
	size_t size = pieces_bytes(r, p), good;
	struct env_file *file = NULL;
	int err = read_open(s, r, &file);

	if (!err)
		err = env_pread_full(file, data, size, offset);
	if (err)
		return err;
	good = vref_check(r, p->first, bytes_of(data, size));
	if (good == p->end)
		return 0;
	env_log(s->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset %" PRIu64 ": a value is not what was written"
	    " there; restore the file from a backup",
	    file->path, r->offset + (uint64_t)good * VREF_CHUNK);
	return ERR_DAMAGED;
}

static int
read_block(struct values *s, const struct vref *r, const struct pieces *p,
    bool fill, struct cache_block **out)
{
	struct cache *cache = p->key == NOT_CACHED ? NULL : s->cache;
	size_t size = pieces_bytes(r, p);
	uint8_t *data = cache_room(cache, vref_number(r->file), p->key, size);
	struct cache_block *b;
	int err = data ? read_pieces(s, r, p, data) : -ENOMEM;

	if (err) {
		cache_room_free(cache, data, size);
		return err;
	}
	fill = fill && size <= s->cached_max;
	b = cache_put(cache, vref_number(r->file), p->key, data, size, fill);
	if (!b)
		return -ENOMEM;
	*out = b;
	return 0;
}

/* Whether the block that the cache has is what r speaks of: two references to
 * one place may differ, and each is right by its own checksums.  *out, or it is
 * unrefed. */
static int
take_block(struct values *s, const struct vref *r, size_t size,
    struct cache_block *b, struct cache_block **out)
{
	if (b->data.size == size) {
		*out = b;
		return 0;
	}
	cache_unref(b);
	env_log(s->env, ERR_LEVEL_ERROR,
	    "%s: damaged: values of different sizes are said to be at offset"
	    " %" PRIu64 " of file %" PRIu64 "; check the tables",
	    s->dir, r->offset, vref_number(r->file));
	return ERR_DAMAGED;
}

/* As read_block, if it is not in the cache. */
static int
read_cached(struct values *s, const struct vref *r, const struct pieces *p,
    bool fill, struct cache_block **out)
{
	struct cache_block *b = NULL;
	int err = 0;

	if (p->key != NOT_CACHED)
		b = cache_get(s->cache, vref_number(r->file), p->key);
	if (!b)
		/* Another thread's, perhaps, which was faster. */
		err = read_block(s, r, p, fill, &b);
	return err ? err : take_block(s, r, pieces_bytes(r, p), b, out);
}

static struct pieces
pieces_all(const struct vref *r)
{
	struct pieces all = {0, vref_chunks(r->size), r->offset | VALUE};

	if (all.end > 1)
		all.key |= WHOLE;
	return all;
}

static int
read_whole(
    struct values *s, const struct vref *r, bool fill, struct cache_block **out)
{
	const struct pieces all = pieces_all(r);

	return read_cached(s, r, &all, fill, out);
}

int
value_read(
    struct values *s, struct bytes ref, bool fill, struct cache_block **out)
{
	struct vref r;
	int err = read_decode(s, ref, &r);

	return err ? err : read_whole(s, &r, fill, out);
}

/* A block of p's pieces at least; *base is where in the value it begins. */
static int
read_part(struct values *s, const struct vref *r, struct pieces *p,
    uint64_t *base, struct cache_block **out)
{
	uint64_t number = vref_number(r->file);
	struct cache_block *b;

	*base = 0;
	if (p->end - p->first == vref_chunks(r->size))
		return read_whole(s, r, true, out);
	b = cache_get(s->cache, number, r->offset | VALUE | WHOLE);
	if (b)
		return take_block(s, r, (size_t)r->size, b, out);
	*base = pieces_offset(p);
	p->key =
	    p->end - p->first > 1 ? NOT_CACHED : (r->offset + *base) | VALUE;
	return read_cached(s, r, p, true, out);
}

int
value_read_part(struct values *s, struct bytes ref, uint64_t offset,
    size_t length, struct cache_block **out, struct bytes *bytes)
{
	uint64_t end, base;
	struct pieces p;
	struct vref r;
	int err = read_decode(s, ref, &r);

	if (err)
		return err;
	if (offset >= r.size || length == 0) {
		*out = NULL;
		*bytes = bytes_of("", 0);
		return 0;
	}
	end = length < r.size - offset ? offset + length : r.size;
	p.first = (size_t)(offset / VREF_CHUNK);
	p.end = vref_chunks(end);
	err = read_part(s, &r, &p, &base, out);
	if (!err)
		*bytes = bytes_of((*out)->data.data + (offset - base),
		    (size_t)(end - offset));
	return err;
}

int
value_read_passing(struct values *s, struct bytes ref, struct buf *room,
    struct cache_block **out, struct bytes *bytes)
{
	struct cache_block *b;
	struct pieces all;
	struct vref r;
	int err = read_decode(s, ref, &r);

	if (err)
		return err;
	all = pieces_all(&r);
	b = cache_get(s->cache, vref_number(r.file), all.key);
	if (b) {
		err = take_block(s, &r, (size_t)r.size, b, out);
		if (!err)
			*bytes = b->data;
		return err;
	}
	buf_clear(room);
	err = buf_reserve(room, (size_t)r.size);
	if (!err)
		err = read_pieces(s, &r, &all, room->data);
	if (err)
		return err;
	*out = NULL;
	*bytes = bytes_of(room->data, (size_t)r.size);
	return 0;
}

int
value_read_check(struct values *s, struct bytes ref, struct buf *room)
{
	struct vref r;
	int err = read_decode(s, ref, &r);

	if (err)
		return err;
	buf_clear(room);
	err = buf_reserve(room, VREF_CHUNK);
	for (size_t i = 0; i < vref_chunks(r.size) && !err; i++) {
		const struct pieces p = {i, i + 1, NOT_CACHED};

		err = read_pieces(s, &r, &p, room->data);
	}
	return err;
}
