#include "fs/cli/lab_latency.h"

#include <stddef.h>

#define PARTS ((uint64_t)LAB_LATENCY_PARTS)

/* Times below PARTS have a bucket each; above, the bucket is given by the
 * highest bit and the five bits behind it. */
static size_t
bucket_of(uint64_t ns)
{
	unsigned shift = 0;

	while (ns >> shift >= 2 * PARTS)
		shift++;
	return (size_t)(shift * PARTS + (ns >> shift));
}

/* The highest time in it. */
static uint64_t
end_of(size_t bucket)
{
	uint64_t shift = bucket < 2 * PARTS ? 0 : bucket / PARTS - 1;

	return ((bucket - shift * PARTS + 1) << shift) - 1;
}

void
lab_latency_add(struct lab_latency *l, uint64_t ns)
{
	size_t b = bucket_of(ns);

	if (b >= LAB_LATENCY_BUCKETS)
		b = LAB_LATENCY_BUCKETS - 1;
	l->buckets[b]++;
	l->count++;
}

uint64_t
lab_latency_at(const struct lab_latency *l, unsigned permille)
{
	uint64_t before = 0;
	uint64_t rank;

	if (l->count == 0)
		return 0;
	rank = (l->count * permille + 999) / 1000;
	rank = rank == 0 ? 1 : rank;
	for (size_t b = 0; b < LAB_LATENCY_BUCKETS; b++) {
		before += l->buckets[b];
		if (before >= rank)
			return end_of(b);
	}
	return end_of(LAB_LATENCY_BUCKETS - 1);
}
