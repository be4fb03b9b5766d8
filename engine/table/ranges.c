#include "engine/table/ranges.h"

#include <stdlib.h>

#include "engine/base/wire.h"
#include "engine/table/ikey.h"

void
ranges_free(struct ranges *r)
{
	free(r);
}

/* --- questions --------------------------------------------------------- */

size_t
ranges_find(const struct ranges *r, struct bytes key)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ranges_ends_behind(r->fragments[mid].end, key))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* The newest number at or below seq; 0: none. */
static uint64_t
newest_at(const struct ranges_fragment *f, uint64_t seq)
{
	size_t low = 0, high = f->seq_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->seqs[mid] <= seq)
			high = mid;
		else
			low = mid + 1;
	}
	return low < f->seq_count ? f->seqs[low] : 0;
}

/* i: what ranges_find says. */
static void
ranges_at_index(const struct ranges *r, struct bytes key, uint64_t seq,
    size_t i, struct ranges_cover *out)
{
	const struct ranges_fragment *f = &r->fragments[i];

	*out = (struct ranges_cover){.seq = 0};
	if (i < r->count && bytes_cmp(f->begin, key) <= 0) {
		out->seq = newest_at(f, seq);
		out->begin = f->begin;
		out->end = f->end;
		out->clean = f->clean && out->seq == f->seqs[0];
		return;
	}
	/* Between two fragments. */
	if (i > 0)
		out->begin = r->fragments[i - 1].end;
	if (i < r->count)
		out->end = f->begin;
}

/* ranges_find, if it is i. */
static bool
is_found(const struct ranges *r, struct bytes key, size_t i)
{
	return i <= r->count &&
	       (i == r->count ||
		   ranges_ends_behind(r->fragments[i].end, key)) &&
	       (i == 0 || !ranges_ends_behind(r->fragments[i - 1].end, key));
}

void
ranges_at_near(const struct ranges *r, struct bytes key, uint64_t seq,
    size_t *near, struct ranges_cover *out)
{
	size_t i = *near;

	if (!is_found(r, key, i)) {
		if (is_found(r, key, i + 1))
			*near = i + 1;
		else if (i > 0 && is_found(r, key, i - 1))
			*near = i - 1;
		else
			*near = ranges_find(r, key);
	}
	ranges_at_index(r, key, seq, *near, out);
}

void
ranges_at(const struct ranges *r, struct bytes key, uint64_t seq,
    struct ranges_cover *out)
{
	ranges_at_index(r, key, seq, ranges_find(r, key), out);
}

/* --- packing ----------------------------------------------------------- */

/* How much there is behind the struct, to the byte. */
struct sizes {
	uint64_t seqs;
	uint64_t keys;
};

/* The end of the fragment before is often this one's begin, and shared. */
static bool
shares_begin(const struct ranges_fragment *f, size_t i)
{
	return i > 0 && bytes_eq(f[i - 1].end, f[i].begin);
}

static struct sizes
sizes_of(const struct ranges_fragment *f, size_t count)
{
	struct sizes s = {0};

	for (size_t i = 0; i < count; i++) {
		s.seqs += f[i].seq_count;
		s.keys += f[i].end.size;
		if (!shares_begin(f, i))
			s.keys += f[i].begin.size;
	}
	return s;
}

/* Copies at *room, which moves behind the copy. */
static struct bytes
copy_key(uint8_t **room, struct bytes key)
{
	uint8_t *to = *room;

	if (key.size == 0)
		return (struct bytes){NULL, 0};
	memcpy(to, key.data, key.size);
	*room += key.size;
	return bytes_of(to, key.size);
}

static void
note_seqs(struct ranges *r, const struct ranges_fragment *f)
{
	uint64_t newest = f->seqs[0], oldest = f->seqs[f->seq_count - 1];

	if (r->seq_count == 0 || oldest < r->seq_min)
		r->seq_min = oldest;
	if (newest > r->seq_max)
		r->seq_max = newest;
	r->seq_count += f->seq_count;
}

struct ranges *
ranges_pack(const struct ranges_fragment *f, size_t count)
{
	struct sizes s = sizes_of(f, count);
	size_t bytes = sizeof(struct ranges) + count * sizeof(*f) +
		       s.seqs * sizeof(uint64_t) + s.keys;
	struct ranges *r = malloc(bytes);
	uint64_t *seqs;
	uint8_t *keys;

	if (!r)
		return NULL;
	*r = (struct ranges){.count = count, .bytes = bytes};
	seqs = (uint64_t *)(void *)(r->fragments + count);
	keys = (uint8_t *)(seqs + s.seqs);
	for (size_t i = 0; i < count; i++) {
		struct ranges_fragment *to = &r->fragments[i];

		to->begin = shares_begin(f, i) ? to[-1].end
					       : copy_key(&keys, f[i].begin);
		to->end = copy_key(&keys, f[i].end);
		memcpy(seqs, f[i].seqs, f[i].seq_count * sizeof(*seqs));
		to->seqs = seqs;
		to->seq_count = f[i].seq_count;
		to->clean = f[i].clean;
		seqs += f[i].seq_count;
		note_seqs(r, to);
	}
	return r;
}

/* --- as bytes ---------------------------------------------------------- */

int
ranges_append(struct buf *out, const struct ranges_fragment *f)
{
	int err = buf_append_sized(out, f->begin);

	if (!err)
		err = buf_append_sized(out, f->end);
	if (!err)
		err = buf_append_varint(out, f->seq_count << 1 | f->clean);
	if (!err)
		err = buf_append_varint(out, f->seqs[0]);
	for (size_t i = 1; !err && i < f->seq_count; i++)
		err = buf_append_varint(out, f->seqs[i - 1] - f->seqs[i]);
	return err;
}

/* Fragments that were read; their numbers stand in one array, which moves
 * while it grows. */
struct decoding {
	struct wire_in in;
	struct buf fragments;
	struct buf seqs;
};

static struct ranges_fragment *
decoded(const struct decoding *d)
{
	return (struct ranges_fragment *)(void *)d->fragments.data;
}

static int
decode_seqs(struct decoding *d, uint64_t count)
{
	uint64_t seq = 0, v;
	int err = 0;

	/* Each takes a byte at least. */
	if (count == 0 || count > wire_in_left(&d->in))
		return ERR_DAMAGED;
	for (uint64_t i = 0; !err && i < count; i++) {
		err = wire_in_varint(&d->in, &v);
		if (err)
			break;
		if (v == 0 || v > IKEY_SEQ_MAX || (i > 0 && v >= seq))
			return ERR_DAMAGED;
		seq = i > 0 ? seq - v : v;
		err = buf_append(&d->seqs, &seq, sizeof(seq));
	}
	return err;
}

/* Whether f can come behind the one before. */
static bool
in_order(const struct decoding *d, const struct ranges_fragment *f)
{
	const struct ranges_fragment *before = decoded(d);

	if (f->end.size > 0 && bytes_cmp(f->begin, f->end) >= 0)
		return false;
	if (d->fragments.size == 0)
		return true;
	before += d->fragments.size / sizeof(*f) - 1;
	return before->end.size > 0 && bytes_cmp(before->end, f->begin) <= 0;
}

static int
decode_fragment(struct decoding *d)
{
	struct ranges_fragment f = {.seqs = NULL};
	uint64_t count;
	int err = wire_in_sized(&d->in, &f.begin);

	if (!err)
		err = wire_in_sized(&d->in, &f.end);
	if (!err)
		err = wire_in_varint(&d->in, &count);
	if (!err && !in_order(d, &f))
		err = ERR_DAMAGED;
	if (!err)
		err = decode_seqs(d, count >> 1);
	if (err)
		return err;
	f.seq_count = (size_t)(count >> 1);
	f.clean = count & 1;
	return buf_append(&d->fragments, &f, sizeof(f));
}

static int
decode_pack(const struct decoding *d, struct ranges **out)
{
	size_t count = d->fragments.size / sizeof(struct ranges_fragment);
	const uint64_t *seqs = (const uint64_t *)(const void *)d->seqs.data;
	struct ranges_fragment *f = decoded(d);

	for (size_t i = 0; i < count; i++) {
		f[i].seqs = seqs;
		seqs += f[i].seq_count;
	}
	*out = ranges_pack(f, count);
	return *out ? 0 : -ENOMEM;
}

int
ranges_decode(struct bytes in, struct ranges **out)
{
	struct decoding d = {.in = wire_in_of(in)};
	struct ranges *r;
	int err = 0;

	while (!err && wire_in_left(&d.in) > 0)
		err = decode_fragment(&d);
	if (!err)
		err = decode_pack(&d, &r);
	if (!err)
		*out = r;
	buf_fini(&d.fragments);
	buf_fini(&d.seqs);
	return err;
}
