/*
 * shape: what is stored: keys and values made from a number, so that what is
 * read can be told right from wrong without a copy.
 *
 *	small  keys of 16 decimal digits, values of 100 bytes
 *	4k     the same keys, values of 4,096 bytes
 *	fs     keys of 40 to 80 bytes like paths, in directories of 1,000,
 *	       values of 150 to 400 bytes
 *
 * Keys sort as their numbers, and between any two there is room for one that
 * is never written.  A value's first half is random and its own, by key and by
 * version; the rest is one byte repeated.
 *
 * Threads: a struct shape is constant after shape_init.
 */
#ifndef TESTS_BENCH_ENGINE_SHAPE_H
#define TESTS_BENCH_ENGINE_SHAPE_H

#include "engine/base/bytes.h"

#define SHAPE_KEY_MAX   80
#define SHAPE_VALUE_MAX 4096

struct shape {
	const char *name;
	uint64_t keys; /* how many an unscaled run stores */
	size_t value_min, value_max;
	bool paths;
	uint8_t *pool; /* random bytes that values are cut from */
};

/* NULL: there is no such shape. */
const struct shape *shape_find(const char *name);

/* The i-th of all shapes; NULL: there are no more. */
const struct shape *shape_at(unsigned i);

/* *s becomes a copy of model that can make values; -ENOMEM. */
int shape_init(struct shape *s, const struct shape *model);
void shape_fini(struct shape *s);

/* The i-th key; and one that sorts behind it and is never written. */
struct bytes shape_key(
    const struct shape *s, uint64_t i, uint8_t key[SHAPE_KEY_MAX]);
struct bytes shape_key_missing(
    const struct shape *s, uint64_t i, uint8_t key[SHAPE_KEY_MAX]);

/* The same size for every version. */
size_t shape_value_size(const struct shape *s, uint64_t i);
struct bytes shape_value(const struct shape *s, uint64_t i, uint64_t version,
    uint8_t value[SHAPE_VALUE_MAX]);

/* Is this a value of the i-th key, of whatever version?  mark: looks only at
 * its size and the bytes that name its key. */
bool shape_value_right(const struct shape *s, uint64_t i, struct bytes value);
bool shape_value_mark(const struct shape *s, uint64_t i, struct bytes value);

/* Keys and values, together, of the keys from up to below to. */
uint64_t shape_bytes(const struct shape *s, uint64_t from, uint64_t to);

#endif
