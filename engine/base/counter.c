#include "engine/base/counter.h"

static _Atomic unsigned counter_threads;

unsigned
counter_cell(void)
{
	static _Thread_local unsigned cell_plus_1;

	/* Round robin; only the number itself is shared: relaxed. */
	if (cell_plus_1 == 0)
		cell_plus_1 = 1 + atomic_fetch_add_explicit(&counter_threads, 1,
				      memory_order_relaxed) %
				      COUNTER_CELLS;
	return cell_plus_1 - 1;
}

uint64_t
counter_sum(const struct counter *c)
{
	uint64_t sum = 0;

	/* Relaxed: a figure for people, ordered with nothing else. */
	for (int i = 0; i < COUNTER_CELLS; i++)
		sum += atomic_load_explicit(
		    &c->cells[i].value, memory_order_relaxed);
	return sum;
}
