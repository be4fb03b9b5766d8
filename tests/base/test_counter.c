#include "engine/base/counter.h"

#include <pthread.h>

#include "tests/check.h"

#define ADDS 20000

static void *
add_many(void *ctx)
{
	for (int i = 0; i < ADDS; i++)
		counter_add(ctx, 3);
	return NULL;
}

static void
counter__loses_nothing_between_threads(void **state)
{
	static struct counter c;
	pthread_t threads[12]; /* more than there are cells */

	(void)state;
	for (int i = 0; i < 12; i++)
		check_ok(pthread_create(&threads[i], NULL, add_many, &c));
	for (int i = 0; i < 12; i++)
		check_ok(pthread_join(threads[i], NULL));
	check_eq(counter_sum(&c), (uint64_t)12 * ADDS * 3);
}

static void *
my_cell(void *ctx)
{
	unsigned *cell = ctx;

	*cell = counter_cell();
	check_eq(counter_cell(), *cell);
	return NULL;
}

static void
counter__threads_take_cells_in_turn(void **state)
{
	unsigned cells[COUNTER_CELLS];
	unsigned seen = 0;

	(void)state;
	for (int i = 0; i < COUNTER_CELLS; i++) {
		pthread_t t;

		check_ok(pthread_create(&t, NULL, my_cell, &cells[i]));
		check_ok(pthread_join(t, NULL));
		check_le(cells[i], COUNTER_CELLS - 1);
		seen |= 1u << cells[i];
	}
	check_eq(seen, (1u << COUNTER_CELLS) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counter__loses_nothing_between_threads),
	    cmocka_unit_test(counter__threads_take_cells_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
