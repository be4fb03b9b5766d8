/*
 * digest: keys as numbers, for searching many sorted keys within one array.
 *
 * All keys of a sorted set begin with some prefix in common; the digest of a
 * key is the 8 bytes behind that, as a number.  Digests order as the keys do,
 * and may be equal for keys that differ: then the keys themselves decide.
 * Pure functions.
 */
#ifndef ENGINE_BASE_DIGEST_H
#define ENGINE_BASE_DIGEST_H

#include "engine/base/wire.h"

/* key has prefix bytes at least; missing ones behind them count as zeros. */
static inline uint64_t
digest_of(struct bytes key, size_t prefix)
{
	uint8_t p[8] = {0};
	size_t n = key.size - prefix;

	if (n >= 8)
		return wire_get_be64(key.data + prefix);
	if (n > 0)
		memcpy(p, key.data + prefix, n);
	return wire_get_be64(p);
}

/* <0, 0, >0: key is before, among, behind those that begin with prefix. */
static inline int
digest_side(struct bytes prefix, struct bytes key)
{
	size_t n = key.size < prefix.size ? key.size : prefix.size;
	int c = n ? memcmp(key.data, prefix.data, n) : 0;

	return c ? c : -(key.size < prefix.size);
}

/* Of the n digests from base on, the part of `last` or fewer where the first
 * that is not below d stands, if any does: where it begins; its size in *left.
 * Written so that there is no branch that cannot be foreseen. */
static inline const uint64_t *
digest_narrow(
    const uint64_t *base, size_t n, uint64_t d, size_t last, size_t *left)
{
	size_t half;

	while (n > last) {
		half = n / 2;
		base = base[half - 1] < d ? base + half : base;
		n -= half;
	}
	*left = n;
	return base;
}

/* The first of count ascending digests that is not below d; count if none. */
static inline size_t
digest_lower(const uint64_t *digests, size_t count, uint64_t d)
{
	const uint64_t *base;

	if (count == 0)
		return 0;
	base = digest_narrow(digests, count, d, 1, &count);
	return (size_t)(base - digests) + (*base < d);
}

/* The same; of another array the item with the number that is returned is on
 * its way then. */
static inline size_t
digest_lower_for(
    const uint64_t *digests, size_t count, uint64_t d, const uint64_t *next)
{
	const uint64_t *base;

	if (count == 0)
		return 0;
	/* The last steps meet a line or two. */
	base = digest_narrow(digests, count, d, 8, &count);
	__builtin_prefetch(next + (base - digests) + count / 2);
	base = digest_narrow(base, count, d, 1, &count);
	return (size_t)(base - digests) + (*base < d);
}

/* The first that is above d. */
static inline size_t
digest_upper(const uint64_t *digests, size_t count, uint64_t d)
{
	return d == UINT64_MAX ? count : digest_lower(digests, count, d + 1);
}

#endif
