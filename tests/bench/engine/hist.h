/*
 * hist: how often an operation took how long, in buckets that are at most
 * 1/512 of their value wide; what is reported is a bucket's middle.
 *
 * Use: zeroed memory is an empty one; one thread at a time.
 */
#ifndef TESTS_BENCH_ENGINE_HIST_H
#define TESTS_BENCH_ENGINE_HIST_H

#include <stdint.h>

#define HIST_STEP_BITS 9
#define HIST_BUCKETS   ((64 - HIST_STEP_BITS + 1) << HIST_STEP_BITS)

struct hist {
	uint64_t count;
	uint64_t max_ns;
	uint64_t buckets[HIST_BUCKETS];
};

static inline unsigned
hist_bucket(uint64_t ns)
{
	unsigned log;

	if (ns < 1u << HIST_STEP_BITS)
		return (unsigned)ns;
	log = 63 - (unsigned)__builtin_clzll(ns) - HIST_STEP_BITS;
	return (log << HIST_STEP_BITS) + (unsigned)(ns >> log);
}

static inline void
hist_add(struct hist *h, uint64_t ns)
{
	h->count++;
	h->buckets[hist_bucket(ns)]++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

void hist_merge(struct hist *to, const struct hist *from);

/* So many of a thousand took at most this; 0 if there is none. */
double hist_us(const struct hist *h, double permille);

#endif
