/*
 * lab_latency: how long steps took: percentiles of many times.
 *
 * Times are counted in buckets that are 1/32 of a power of two wide, so a
 * percentile is at most 3 % above the true one.
 * Use: a zeroed struct is empty.  Pure functions.
 */
#ifndef FS_CLI_LAB_LATENCY_H
#define FS_CLI_LAB_LATENCY_H

#include <stdint.h>

#define LAB_LATENCY_PARTS   32 /* of each power of two */
#define LAB_LATENCY_BUCKETS (LAB_LATENCY_PARTS * 60)

struct lab_latency {
	uint64_t count;
	uint64_t buckets[LAB_LATENCY_BUCKETS];
};

void lab_latency_add(struct lab_latency *l, uint64_t ns);

/* The least time that so many in a thousand did not exceed; 0: no times. */
uint64_t lab_latency_at(const struct lab_latency *l, unsigned permille);

#endif
