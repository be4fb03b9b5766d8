/*
 * ranges: an immutable set of range tombstones, cut into fragments.
 *
 * A range tombstone with number t deletes, of each key from its begin to
 * before its end, what has a number below t: whoever reads at s >= t does not
 * see an entry with number p < t.  Tombstones overlap as they like; here they
 * are cut at each other's ends, once, into fragments that do not, each with
 * the numbers of all the tombstones that cover it, so that a question is a
 * binary search (after RocksDB's FragmentedRangeTombstoneList).
 * Use: ranges_build.h or ranges_decode; questions; ranges_free.
 * Owns: its keys and numbers, in one piece of memory.
 * Threads: any number may read.
 */
#ifndef ENGINE_TABLE_RANGES_H
#define ENGINE_TABLE_RANGES_H

#include "engine/base/buf.h"

/* Keys from begin to before end.  An end of no bytes is none: up to the last
 * key there can be. */
struct ranges_fragment {
	struct bytes begin;
	struct bytes end;
	const uint64_t *seqs; /* at least one, newest first, none twice */
	size_t seq_count;
	/* In the table that it stands in there is no entry of these keys with
	 * a number above the newest. */
	bool clean;
};

struct ranges {
	size_t count;
	size_t bytes;     /* of memory */
	size_t seq_count; /* of all fragments together */
	uint64_t seq_min, seq_max;
	struct ranges_fragment fragments[]; /* in order, disjoint */
};

void ranges_free(struct ranges *r);

/* Keys from begin to before end (no bytes: none), of which everything older
 * than seq is deleted; seq 0: nothing is. */
struct ranges_cover {
	uint64_t seq;
	struct bytes begin;
	struct bytes end;
	bool clean; /* the fragment is, and this is its newest number */
};

/* What covers key for who reads at seq, and how far around key that holds (at
 * least).  Views into r. */
void ranges_at(const struct ranges *r, struct bytes key, uint64_t seq,
    struct ranges_cover *out);

/* The same for who goes through the keys: *near is where it was found, 0 at
 * first. */
void ranges_at_near(const struct ranges *r, struct bytes key, uint64_t seq,
    size_t *near, struct ranges_cover *out);

/* The first fragment that ends behind key; r->count: none. */
size_t ranges_find(const struct ranges *r, struct bytes key);

/* Whether key is before end, where an end of no bytes is none. */
static inline bool
ranges_ends_behind(struct bytes end, struct bytes key)
{
	return end.size == 0 || bytes_cmp(key, end) < 0;
}

/* Of two ends the one that comes first. */
static inline struct bytes
ranges_first_end(struct bytes a, struct bytes b)
{
	if (a.size == 0 || (b.size > 0 && bytes_cmp(b, a) < 0))
		return b;
	return a;
}

/* Copies fragments that are as those of a set must be, and their keys; NULL:
 * no memory. */
struct ranges *ranges_pack(const struct ranges_fragment *f, size_t count);

/* Appends one fragment as it stands in a table (docs/SPEC.md). */
int ranges_append(struct buf *out, const struct ranges_fragment *f);

/* From such fragments, one behind the other; there may be none.  ERR_DAMAGED,
 * without a message, if they are malformed or out of order. */
int ranges_decode(struct bytes in, struct ranges **out);

#endif
