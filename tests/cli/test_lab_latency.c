#include "tests/check.h"

#include <stdlib.h>

#include "fs/cli/lab_latency.h"

static void
lab_latency__of_nothing_is_0(void **state)
{
	struct lab_latency *l = calloc(1, sizeof(*l));

	(void)state;
	check_true(l != NULL);
	check_eq(lab_latency_at(l, 500), 0);
	free(l);
}

static void
lab_latency__small_times_are_exact(void **state)
{
	struct lab_latency *l = calloc(1, sizeof(*l));

	(void)state;
	check_true(l != NULL);
	for (uint64_t ns = 1; ns <= 10; ns++)
		lab_latency_add(l, ns);
	check_eq(lab_latency_at(l, 0), 1);
	check_eq(lab_latency_at(l, 500), 5);
	check_eq(lab_latency_at(l, 501), 6);
	check_eq(lab_latency_at(l, 990), 10);
	check_eq(lab_latency_at(l, 1000), 10);
	free(l);
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Against sorting them, for times of all sizes. */
static void
lab_latency__is_at_most_3_percent_above(void **state)
{
	struct check_rand rand = check_rand_of(check_seed());
	struct lab_latency *l = calloc(1, sizeof(*l));
	static uint64_t times[5000];

	(void)state;
	check_true(l != NULL);
	for (size_t i = 0; i < 5000; i++) {
		times[i] =
		    check_rand(&rand) >> (4 + check_rand_below(&rand, 60));
		lab_latency_add(l, times[i]);
	}
	qsort(times, 5000, sizeof(*times), compare);
	for (unsigned permille = 1; permille <= 1000; permille++) {
		uint64_t want = times[(5000 * permille + 999) / 1000 - 1];
		uint64_t got = lab_latency_at(l, permille);

		check_le(want, got);
		check_le(got, want + want / 32);
	}
	free(l);
}

static void
lab_latency__the_longest_times_have_a_bucket(void **state)
{
	struct lab_latency *l = calloc(1, sizeof(*l));

	(void)state;
	check_true(l != NULL);
	lab_latency_add(l, UINT64_MAX);
	lab_latency_add(l, 0);
	check_eq(lab_latency_at(l, 500), 0);
	check_eq(lab_latency_at(l, 1000), UINT64_MAX);
	free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lab_latency__of_nothing_is_0),
	    cmocka_unit_test(lab_latency__small_times_are_exact),
	    cmocka_unit_test(lab_latency__is_at_most_3_percent_above),
	    cmocka_unit_test(lab_latency__the_longest_times_have_a_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
