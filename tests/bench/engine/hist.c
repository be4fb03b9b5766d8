#include "tests/bench/engine/hist.h"

#include <math.h>

void
hist_merge(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
}

/* The middle of a bucket: the inverse of hist_bucket. */
static double
middle_ns(unsigned bucket)
{
	unsigned log;

	if (bucket < 2u << HIST_STEP_BITS)
		return bucket;
	log = (bucket >> HIST_STEP_BITS) - 1;
	return ((double)(bucket - (log << HIST_STEP_BITS)) + 0.5) *
	       (double)(1ull << log);
}

double
hist_us(const struct hist *h, double permille)
{
	double want = (double)h->count * permille / 1000;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen && (double)seen >= want)
			return fmin(middle_ns(i), (double)h->max_ns) / 1000;
	}
	return 0;
}
