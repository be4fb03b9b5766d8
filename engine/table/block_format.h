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
	struct bytes rest;  /* of the key; holds the whole trailer */
	struct bytes value; /* the next entry begins where it ends */
};

/* Three numbers and a trailer. */
#define BLOCK_ENTRY_MIN (3 + IKEY_TRAILER)

/* The three numbers of an entry when one takes more than a byte; returns the
 * place behind them, NULL if they do not fit. */
const uint8_t *block_decode_numbers(
    const uint8_t *p, const uint8_t *end, uint64_t n[3]);

/* The entry at p, which is before end. */
static inline int
block_decode(const uint8_t *p, const uint8_t *end, struct block_raw *out)
{
	uint64_t shared, rest, value, left;
	uint32_t first;

	if (end - p < BLOCK_ENTRY_MIN)
		return ERR_DAMAGED;
	first = wire_get_le32(p);
	if ((first & 0x808080) == 0) {
		shared = first & 0xff;
		rest = first >> 8 & 0xff;
		value = first >> 16 & 0xff;
		p += 3;
	} else {
		uint64_t n[3]; /* apart, so that the others stay in registers */

		p = block_decode_numbers(p, end, n);
		if (!p)
			return ERR_DAMAGED;
		shared = n[0];
		rest = n[1];
		value = n[2];
	}
	left = (uint64_t)(end - p);
	if (rest < IKEY_TRAILER || rest > left || value > left - rest)
		return ERR_DAMAGED;
	out->shared = shared;
	out->rest = bytes_of(p, (size_t)rest);
	out->value = bytes_of(p + rest, (size_t)value);
	return 0;
}

static inline const uint8_t *
block_behind(const struct block_raw *e)
{
	return e->value.data + e->value.size;
}

static inline size_t
block_restart(const struct block_view *v, uint32_t i)
{
	return wire_get_le32(v->restarts + (size_t)i * 4);
}

/* No more than this is asked for ahead of its use. */
#define BLOCK_AHEAD_MAX 4096
#define BLOCK_LINE      64 /* of the processor's cache */

/*
 * Brings what lies from p to before end near, all of it at once.  A search, and
 * steps from entry to entry, know where the next entry stands only when they
 * have read the one before: they would wait for memory at each.
 */
static inline void
block_look_ahead(const uint8_t *p, const uint8_t *end)
{
	if (end - p > BLOCK_AHEAD_MAX)
		end = p + BLOCK_AHEAD_MAX;
	for (; p < end; p += BLOCK_LINE)
		__builtin_prefetch(p);
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
	/* Most often they differ at once. */
	if (a.size > 0 && b.size > 0 && a.data[0] != b.data[0])
		return a.data[0] < b.data[0] ? -1 : 1;
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
 * The first entry that is not smaller than target: 1, *at is its offset and
 * *out itself; 0 there is none; ERR_DAMAGED.  On 1 s->match is what it has in
 * common with target, and the bytes that it shares are the first of target's.
 */
int block_seek(const struct block_view *v, struct bytes target,
    struct block_search *s, size_t *at, struct block_raw *out);

#endif
