/*
 * block_format: the bytes of a block, for the files that read them.  Private
 * to block.c, block_iter.c and block_check.c.
 */
#ifndef ENGINE_TABLE_BLOCK_FORMAT_H
#define ENGINE_TABLE_BLOCK_FORMAT_H

#include "engine/base/wire.h"
#include "engine/table/block.h"
#include "engine/table/ikey.h"

/* An entry as it stands in the block. */
struct block_raw {
	uint64_t shared;
	struct bytes rest; /* of the key; holds the whole trailer */
	struct bytes value;
	size_t next; /* offset of the entry behind this one */
};

/* The three numbers of an entry when one takes more than a byte; returns the
 * place behind them, NULL if they do not fit. */
const uint8_t *block_decode_numbers(
    const uint8_t *p, const uint8_t *end, uint64_t n[3]);

/* Takes a block apart; ERR_DAMAGED, with *out untouched, if it cannot. */
int block_split(struct bytes block, struct block_view *out);

/* The entry at pos, which is below entries.size. */
static inline int
block_decode(struct bytes entries, size_t pos, struct block_raw *out)
{
	const uint8_t *p = entries.data + pos;
	const uint8_t *end = entries.data + entries.size;
	uint64_t n[3], left;

	if (end - p >= 3 && (p[0] | p[1] | p[2]) < 0x80) {
		n[0] = p[0];
		n[1] = p[1];
		n[2] = p[2];
		p += 3;
	} else {
		p = block_decode_numbers(p, end, n);
		if (!p)
			return ERR_DAMAGED;
	}
	left = (uint64_t)(end - p);
	if (n[1] < IKEY_TRAILER || n[1] > left || n[2] > left - n[1])
		return ERR_DAMAGED;
	out->shared = n[0];
	out->rest = bytes_of(p, (size_t)n[1]);
	out->value = bytes_of(p + n[1], (size_t)n[2]);
	out->next = (size_t)(out->value.data - entries.data) + out->value.size;
	return 0;
}

static inline size_t
block_restart(const struct block_view *v, uint32_t i)
{
	return wire_get_le32(v->restarts + (size_t)i * 4);
}

/* What a search carries from entry to entry. */
struct block_search {
	struct bytes user; /* of the target */
	uint64_t trailer;
	/* Bytes that the user key of the entry looked at last has in common
	 * with user. */
	size_t match;
};

/*
 * <0: the entry is smaller than the target and the search goes on; >=0: it is
 * the first that is not.
 *
 * The entry before, P, is smaller than the target T and agrees with it in
 * match bytes.  If the entry E agrees with P in more, it differs from T where P
 * does, and in the same way.  If E agrees with P in fewer, then E is larger
 * than P there, and P agrees with T there.  Else the first byte to look at is
 * the first that E does not share.
 */
static inline int
block_compare(struct block_search *s, const struct block_raw *e)
{
	struct bytes a, b;
	uint64_t trailer;
	size_t n;

	if (e->shared > s->match)
		return -1;
	if (e->shared < s->match) {
		s->match = (size_t)e->shared;
		return 1;
	}
	a = ikey_user(e->rest);
	b = bytes_of(s->user.data + s->match, s->user.size - s->match);
	n = bytes_common(a, b);
	s->match += n;
	if (n < b.size)
		return n < a.size && a.data[n] > b.data[n] ? 1 : -1;
	if (n < a.size)
		return 1;
	trailer = ikey_trailer(e->rest);
	return (trailer < s->trailer) - (trailer > s->trailer);
}

/*
 * Where a linear search begins: *from is the last restart whose key is smaller
 * than target (or the first of all), *until the one behind it, or the end.
 */
int block_search_restarts(const struct block_view *v, struct bytes target,
    size_t *from, size_t *until);

#endif
