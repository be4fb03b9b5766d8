/*
 * sorted: a sorted array of engine entries, the model for whatever the table
 * layer sorts.
 *
 * Use: sorted_random, then build the thing under test from the entries, then
 * sorted_walk compares its iterator with the array.  sorted_iter offers the
 * array itself as an iterator (a child for merge).
 * Owns: keys and values.
 */
#ifndef TESTS_SUPPORT_SORTED_H
#define TESTS_SUPPORT_SORTED_H

#include "engine/table/ikey.h"
#include "engine/table/iter.h"
#include "tests/check.h"

struct sorted_entry {
	struct bytes key; /* an encoded ikey */
	struct bytes value;
	uint64_t tag; /* free for the test: which child, say */
};

struct sorted {
	struct sorted_entry *entries;
	size_t count;
	size_t cap;
};

void sorted_fini(struct sorted *s);

/* Appends a copy; sorted_sort puts everything in order and drops what has
 * the same ikey. */
void sorted_add(struct sorted *s, struct bytes user, uint64_t seq,
    enum ikey_kind kind, struct bytes value);
void sorted_sort(struct sorted *s);

/*
 * count entries or a few fewer: user keys that share much, some long, some
 * empty, with bytes that trailers have too; several versions of some;
 * sequence numbers are unique, from 1.
 */
void sorted_random(struct sorted *s, struct check_rand *r, size_t count);

/* A random ikey to look for: one of the entries, near one, or anything. */
void sorted_target(
    const struct sorted *s, struct check_rand *r, struct buf *out);

/* Index of the first entry >= ikey, or count. */
size_t sorted_seek(const struct sorted *s, struct bytes ikey);

/* steps random moves of it, each compared with the array. */
void sorted_walk(const struct sorted *s, struct iter *it, struct check_rand *r,
    size_t steps);

/* An iterator over the array, which must outlive it.  fail_at (may be NULL)
 * counts moves down; the move that makes it 0 returns -EIO. */
struct iter *sorted_iter(const struct sorted *s, uint64_t *fail_at);

#endif
