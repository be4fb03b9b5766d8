/*
 * random: numbers for workloads, the same for every engine: a generator, and
 * permutations, so that two workloads meet the keys in unrelated orders.
 *
 * Use: a struct random by one thread at a time.  Pure functions.
 */
#ifndef TESTS_BENCH_ENGINE_RANDOM_H
#define TESTS_BENCH_ENGINE_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

/* Steele, Lea, Flood: SplitMix64; every bit depends on every bit. */
static inline uint64_t
random_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline uint64_t
random_next(struct random *r)
{
	return random_mix(r->state += 0x9e3779b97f4a7c15u);
}

/* 0 to n - 1; n below 2^32. */
static inline uint64_t
random_below(struct random *r, uint64_t n)
{
	return ((random_next(r) >> 32) * n) >> 32;
}

/* An order of the numbers below n: a Feistel network of four rounds over the
 * next power of four, walked until it comes out below n. */
struct random_order {
	uint64_t n;
	uint64_t seed;
	unsigned half_bits;
};

static inline struct random_order
random_order_of(uint64_t n, uint64_t seed)
{
	struct random_order o = {n, random_mix(seed + 1), 1};

	while (1ull << (2 * o.half_bits) < n)
		o.half_bits++;
	return o;
}

/* Where i < n comes; no two i come to the same place. */
static inline uint64_t
random_order_at(const struct random_order *o, uint64_t i)
{
	uint64_t mask = (1ull << o->half_bits) - 1;

	do {
		uint64_t left = i >> o->half_bits, right = i & mask;

		for (uint64_t round = 0; round < 4; round++) {
			uint64_t f = random_mix(o->seed + right * 4 + round);
			uint64_t old = left;

			left = right;
			right = old ^ (f & mask);
		}
		i = left << o->half_bits | right;
	} while (i >= o->n);
	return i;
}

#endif
