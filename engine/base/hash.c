#include "engine/base/hash.h"

/* Inlined, since most inputs are short keys, where a call would show. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Up to here copying is cheaper than setting up a stream of 576 bytes. */
#define HASH_COPY_MAX 512

uint64_t
hash_64(struct bytes s, uint64_t seed)
{
	return XXH3_64bits_withSeed(
	    s.size ? s.data : (const void *)"", s.size, seed);
}

static uint64_t
hash_64_stream(struct bytes a, struct bytes b, uint64_t seed)
{
	XXH3_state_t state;

	XXH3_INITSTATE(&state);
	XXH3_64bits_reset_withSeed(&state, seed);
	if (a.size)
		XXH3_64bits_update(&state, a.data, a.size);
	if (b.size)
		XXH3_64bits_update(&state, b.data, b.size);
	return XXH3_64bits_digest(&state);
}

uint64_t
hash_64_two(struct bytes a, struct bytes b, uint64_t seed)
{
	uint8_t copy[HASH_COPY_MAX];

	if (a.size > sizeof(copy) || b.size > sizeof(copy) - a.size)
		return hash_64_stream(a, b, seed);
	if (a.size)
		memcpy(copy, a.data, a.size);
	if (b.size)
		memcpy(copy + a.size, b.data, b.size);
	return hash_64(bytes_of(copy, a.size + b.size), seed);
}
