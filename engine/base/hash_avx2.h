/*
 * hash_avx2: hash_64 of long strings on processors with AVX2: the same
 * numbers in half the time.
 *
 * Private to hash.c.
 */
#ifndef ENGINE_BASE_HASH_AVX2_H
#define ENGINE_BASE_HASH_AVX2_H

#include "engine/base/bytes.h"

/* clang does not let a part of a file use other instructions in this way. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HASH_AVX2 1
#else
#define HASH_AVX2 0
#endif

/* Only where the processor has AVX2. */
uint64_t hash_avx2(struct bytes s, uint64_t seed);

#endif
