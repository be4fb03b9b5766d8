#include "engine/base/hash.h"

#include "engine/base/hash_avx2.h"

/* Inlined, since most inputs are short keys, where a call would show. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Up to here copying is cheaper than setting up a stream of 576 bytes. */
#define HASH_COPY_MAX 512

/* From here on XXH3 works in stripes, which wider registers make faster. */
#define HASH_LONG_MIN 512

uint64_t
hash_64(struct bytes s, uint64_t seed)
{
#if HASH_AVX2
	if (s.size >= HASH_LONG_MIN && __builtin_cpu_supports("avx2"))
		return hash_avx2(s, seed);
#endif
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
