#include "engine/base/histogram.h"

/* Below HISTOGRAM_PARTS each value has a bucket; above, the highest bit and the
 * HISTOGRAM_PARTS_BITS bits behind it say which. */
static unsigned
bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < HISTOGRAM_PARTS)
		return (unsigned)value;
	if (value >> HISTOGRAM_BITS)
		return HISTOGRAM_BUCKETS - 1;
	shift = 63 - HISTOGRAM_PARTS_BITS - (unsigned)__builtin_clzll(value);
	return (shift << HISTOGRAM_PARTS_BITS) + (unsigned)(value >> shift);
}

/* The middle of a bucket. */
static uint64_t
value_of(unsigned bucket)
{
	unsigned shift;
	uint64_t low;

	if (bucket < 2 * HISTOGRAM_PARTS)
		return bucket;
	shift = (bucket >> HISTOGRAM_PARTS_BITS) - 1;
	low = (uint64_t)(HISTOGRAM_PARTS + bucket % HISTOGRAM_PARTS) << shift;
	return low + (UINT64_C(1) << shift) / 2;
}

/* Relaxed everywhere: figures for people, ordered with nothing else. */
static uint64_t
load(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void
raise_to(_Atomic uint64_t *max, uint64_t value)
{
	uint64_t old = load(max);

	while (old < value &&
	       !atomic_compare_exchange_weak_explicit(max, &old, value,
		   memory_order_relaxed, memory_order_relaxed))
		continue;
}

void
histogram_add(struct histogram *h, uint64_t value)
{
	struct histogram_cell *c = &h->cells[counter_cell()];

	atomic_fetch_add_explicit(
	    &c->buckets[bucket_of(value)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->sum, value, memory_order_relaxed);
	raise_to(&c->max, value);
}

/* The value that `rank` of all are at or below. */
static uint64_t
value_at(const uint64_t *buckets, uint64_t rank, uint64_t max)
{
	uint64_t seen = 0, value = max;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += buckets[i];
		if (seen >= rank) {
			value = value_of(i);
			break;
		}
	}
	return value < max ? value : max;
}

/* So many of a thousand, rounded up. */
static uint64_t
share(uint64_t count, uint64_t thousandths)
{
	return count / 1000 * thousandths +
	       (count % 1000 * thousandths + 999) / 1000;
}

void
histogram_read(const struct histogram *h, struct histogram_figures *out)
{
	uint64_t buckets[HISTOGRAM_BUCKETS] = {0};
	struct histogram_figures f = {0};

	for (unsigned i = 0; i < COUNTER_CELLS; i++) {
		const struct histogram_cell *c = &h->cells[i];

		f.sum += load(&c->sum);
		if (load(&c->max) > f.max)
			f.max = load(&c->max);
		for (unsigned j = 0; j < HISTOGRAM_BUCKETS; j++)
			buckets[j] += load(&c->buckets[j]);
	}
	for (unsigned j = 0; j < HISTOGRAM_BUCKETS; j++)
		f.count += buckets[j];
	if (f.count > 0) {
		f.p50 = value_at(buckets, share(f.count, 500), f.max);
		f.p95 = value_at(buckets, share(f.count, 950), f.max);
		f.p99 = value_at(buckets, share(f.count, 990), f.max);
		f.p999 = value_at(buckets, share(f.count, 999), f.max);
	}
	*out = f;
}
