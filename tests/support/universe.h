/*
 * universe: all keys that a model of a store knows of, sorted, of one of
 * several kinds; a key goes by its index.
 *
 * Kinds: a few letters at random, with bytes that others have as separators;
 * numbers without a gap; paths of files in directories; keys that begin one
 * another; keys of the greatest length that differ in their last bytes.  The
 * empty key is in some.
 * Owns: the keys.
 */
#ifndef TESTS_SUPPORT_UNIVERSE_H
#define TESTS_SUPPORT_UNIVERSE_H

#include "engine/base/buf.h"
#include "tests/check.h"

struct universe {
	const char *kind;
	struct buf *keys;
	size_t count;
};

/* A kind at random. */
void universe_init(struct universe *u, struct check_rand *r);
void universe_fini(struct universe *u);

struct bytes universe_key(const struct universe *u, size_t i);

/* The first index whose key is s or behind it, or count. */
size_t universe_find(const struct universe *u, struct bytes s);

/* Bytes to look for: a key, something close to one, or anything. */
void universe_near(
    const struct universe *u, struct check_rand *r, struct buf *out);

#endif
