#include "engine/base/histogram.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/check.h"

#define ADDS 20000

static struct histogram *
new_histogram(void)
{
	struct histogram *h = aligned_alloc(64, sizeof(*h));

	check_true(h);
	*h = (struct histogram){0};
	return h;
}

static struct histogram_figures
figures_of(const struct histogram *h)
{
	struct histogram_figures f;

	histogram_read(h, &f);
	return f;
}

static void
histogram__empty_is_all_zero(void **state)
{
	struct histogram *h = new_histogram();
	struct histogram_figures f = figures_of(h);

	(void)state;
	check_eq(f.count, 0);
	check_eq(f.sum, 0);
	check_eq(f.max, 0);
	check_eq(f.p50, 0);
	check_eq(f.p999, 0);
	free(h);
}

/* One value, whatever it is, is what every percentile says, within 3 %. */
static void
histogram__one_value_is_found_again(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int off = -1; off <= 1; off++) {
			uint64_t value = (UINT64_C(1) << bit) + (uint64_t)off;
			struct histogram *h = new_histogram();
			struct histogram_figures f;

			histogram_add(h, value);
			f = figures_of(h);
			check_eq(f.count, 1);
			check_eq(f.sum, value);
			check_eq(f.max, value);
			check_le(f.p50, value);
			if (value < UINT64_C(1) << HISTOGRAM_BITS)
				check_le(value - value / 32, f.p50);
			check_eq(f.p50, f.p999);
			free(h);
		}
	}
}

/* Percentiles of 1 .. 100,000 are known. */
static void
histogram__percentiles_are_within_3_percent(void **state)
{
	struct histogram *h = new_histogram();
	struct histogram_figures f;

	(void)state;
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(h, i);
	f = figures_of(h);
	check_eq(f.count, 100000);
	check_eq(f.max, 100000);
	check_le(48500, f.p50);
	check_le(f.p50, 51500);
	check_le(92150, f.p95);
	check_le(f.p95, 97850);
	check_le(96030, f.p99);
	check_le(f.p99, 100000);
	check_le(96900, f.p999);
	check_le(f.p999, 100000);
	free(h);
}

/* A rare large value shows in the last percentile and in the largest only. */
static void
histogram__tail_is_seen(void **state)
{
	struct histogram *h = new_histogram();
	struct histogram_figures f;

	(void)state;
	for (int i = 0; i < 9980; i++)
		histogram_add(h, 10);
	for (int i = 0; i < 20; i++)
		histogram_add(h, 1000000);
	f = figures_of(h);
	check_eq(f.p50, 10);
	check_eq(f.p99, 10);
	check_le(970000, f.p999);
	check_eq(f.max, 1000000);
	free(h);
}

static void *
add_many(void *ctx)
{
	for (int i = 1; i <= ADDS; i++)
		histogram_add(ctx, (uint64_t)i);
	return NULL;
}

static void
histogram__loses_nothing_between_threads(void **state)
{
	struct histogram *h = new_histogram();
	pthread_t threads[12]; /* more than there are cells */
	struct histogram_figures f;

	(void)state;
	for (int i = 0; i < 12; i++)
		check_ok(pthread_create(&threads[i], NULL, add_many, h));
	for (int i = 0; i < 12; i++)
		check_ok(pthread_join(threads[i], NULL));
	f = figures_of(h);
	check_eq(f.count, 12 * ADDS);
	check_eq(f.sum, (uint64_t)12 * ADDS * (ADDS + 1) / 2);
	check_eq(f.max, ADDS);
	free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(histogram__empty_is_all_zero),
	    cmocka_unit_test(histogram__one_value_is_found_again),
	    cmocka_unit_test(histogram__percentiles_are_within_3_percent),
	    cmocka_unit_test(histogram__tail_is_seen),
	    cmocka_unit_test(histogram__loses_nothing_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
