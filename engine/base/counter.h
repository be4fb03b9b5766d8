/*
 * counter: event counts that threads add to without contention.
 *
 * Use: counter_add from any thread; counter_sum for a figure that is exact
 * when nobody is adding.  A zeroed struct counts from 0.
 */
#ifndef ENGINE_BASE_COUNTER_H
#define ENGINE_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

#define COUNTER_CELLS 8

struct counter {
	struct {
		_Alignas(64) _Atomic uint64_t value;
	} cells[COUNTER_CELLS];
};

/* The calling thread's cell number, below COUNTER_CELLS. */
unsigned counter_cell(void);

static inline void
counter_add(struct counter *c, uint64_t n)
{
	atomic_fetch_add_explicit(
	    &c->cells[counter_cell()].value, n, memory_order_relaxed);
}

uint64_t counter_sum(const struct counter *c);

#endif
