/*
 * hash: the one hash of this project, XXH3 64 bits (xxhash.com), for
 * checksums, filters and tables.  The seed binds a checksum to its place, so
 * that an intact block read from the wrong place does not pass.
 */
#ifndef ENGINE_BASE_HASH_H
#define ENGINE_BASE_HASH_H

#include "engine/base/bytes.h"

uint64_t hash_64(struct bytes s, uint64_t seed);

/* Of the two pieces as if they stood together. */
uint64_t hash_64_two(struct bytes a, struct bytes b, uint64_t seed);

#endif
