#include "engine/base/hash_avx2.h"

#if HASH_AVX2

/* Before xxhash.h, which looks at what there is. */
#pragma GCC target("avx2")
#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(XXH_VECTOR == XXH_AVX2, "xxhash.h does not use AVX2");

uint64_t
hash_avx2(struct bytes s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s.data, s.size, seed);
}

#endif
