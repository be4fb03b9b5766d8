/*
 * histogram: how long something took, how often, without contention.
 *
 * Values are counted in buckets that grow with the value (after HdrHistogram):
 * each power of two is split in HISTOGRAM_PARTS, so a percentile is off by 3 %
 * at most.  Threads count in cells of their own, as in counter.h.
 * Use: histogram_add from any thread; histogram_read for figures that are
 * exact when nobody is adding.  A zeroed struct is empty.
 */
#ifndef ENGINE_BASE_HISTOGRAM_H
#define ENGINE_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/base/counter.h"

#define HISTOGRAM_PARTS_BITS 4
#define HISTOGRAM_PARTS      (1u << HISTOGRAM_PARTS_BITS)

/* Values from 2^HISTOGRAM_BITS on are counted as the largest below. */
#define HISTOGRAM_BITS 40
#define HISTOGRAM_BUCKETS \
	((HISTOGRAM_BITS - HISTOGRAM_PARTS_BITS + 1) * HISTOGRAM_PARTS)

struct histogram_cell {
	_Alignas(64) _Atomic uint64_t sum;
	_Atomic uint64_t max;
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

struct histogram {
	struct histogram_cell cells[COUNTER_CELLS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* In the unit of the values; all 0 if there were none. */
struct histogram_figures {
	uint64_t count, sum, max;
	uint64_t p50, p95, p99, p999;
};

void histogram_read(const struct histogram *h, struct histogram_figures *out);

#endif
