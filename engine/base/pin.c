#include "engine/base/pin.h"

#include "engine/base/must.h"

#define PIN_SHIFT 48

void
pin_cell_settle(struct pin_cell *c, struct pin *p)
{
	const uint64_t none = (uintptr_t)p;
	uint64_t word = atomic_load_explicit(&c->word, memory_order_relaxed);
	int64_t count;

	while ((word & PIN_POINTER) == none && (word & PIN_MANY)) {
		count = (int64_t)(word >> PIN_SHIFT);
		atomic_fetch_add_explicit(
		    &p->refs, count, memory_order_relaxed);
		/* Release: the addition comes before that of replace. */
		if (atomic_compare_exchange_strong_explicit(&c->word, &word,
			none, memory_order_release, memory_order_relaxed))
			return;
		atomic_fetch_sub_explicit(
		    &p->refs, count, memory_order_relaxed);
	}
}

struct pin *
pin_slot_replace(struct pin_slot *s, struct pin *p)
{
	const uint64_t new = (uintptr_t)p;
	uint64_t word, old = 0;
	int64_t count = 0;
	struct pin *before;

	must((new & ~PIN_POINTER) == 0);
	/* Relaxed: nobody else can find p yet.  The caller's reference becomes
	 * a part of the bias. */
	if (p)
		atomic_fetch_add_explicit(
		    &p->refs, PIN_BIAS - 1, memory_order_relaxed);
	for (int i = 0; i < COUNTER_CELLS; i++) {
		/* Release: p's content; acquire: what users of the old one
		 * did, and what movers added. */
		word = atomic_exchange_explicit(
		    &s->cells[i].word, new, memory_order_acq_rel);
		must(i == 0 || (word & PIN_POINTER) == old);
		old = word & PIN_POINTER;
		count += (int64_t)(word >> PIN_SHIFT);
	}
	before = (struct pin *)(uintptr_t)old;
	if (before)
		atomic_fetch_add_explicit(
		    &before->refs, count - PIN_BIAS + 1, memory_order_relaxed);
	return before;
}
