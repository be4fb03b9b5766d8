/*
 * pin: a pointer that is replaced now and then, and objects that many threads
 * take from it and hold, without a lock.
 *
 * Use: embed struct pin first in the object, pin_init; pin_slot_replace puts
 * it into the slot; pin_slot_get by anybody, then pin_slot_put or, from
 * anywhere, pin_unref; for whom they say true, that one frees the object.
 *
 * A split reference count.  The slot is several cells, so that threads seldom
 * write to the same line.  The word of a cell holds the pointer (48 bits) and,
 * above it, how many references were taken there and not yet moved to the
 * object's own count (16 bits): finding the object and counting oneself is one
 * atomic step, without a moment in which it could be freed.  Why the counts
 * are right:
 * - While an object is in the slot, its own count (refs) is PIN_BIAS + the
 *   references out - those counted in the cells.  Taking one adds 1 to a cell,
 *   dropping one takes 1 from refs, or from a cell that has the object and
 *   counts at least 1.  A cell counts below 2^16, so refs stays far above 0
 *   and nobody frees.
 * - pin_slot_replace takes the words out one by one, so that they grow no
 *   more, and then adds their counts - PIN_BIAS + 1 to refs: now that is the
 *   references out and the caller's, and who brings it to 0 is the last.
 * - A word must not overflow: who takes a reference and finds 2^15 there moves
 *   the count to refs, and does not leave before somebody has.  So it passes
 *   2^15 by no more than one for each thread.  Moving adds to refs first, and
 *   only then clears the count (or, if the word has changed, takes back what
 *   it added): refs is too large meanwhile, never too small, and the mover's
 *   own reference keeps the object.
 * Orders: replace releases the object's content and get acquires it (a word is
 * only changed by read-modify-writes, so a release goes on through them).
 * Dropping releases this thread's use of the object: in refs to whoever is the
 * last, who acquires; in a cell to replace, which acquires, and whose caller
 * drops a reference after that.  Moving releases its addition to refs to
 * replace, so that it stands before the removal of PIN_BIAS in the order of
 * changes of refs.
 * While the slot is being replaced some get the old object and others the new
 * one; when replace returns, all who come get the new one.
 * Threads: any; replacing is for one at a time.
 */
#ifndef ENGINE_BASE_PIN_H
#define ENGINE_BASE_PIN_H

#include <stdbool.h>

#include "engine/base/counter.h"

struct pin {
	_Atomic int64_t refs;
};

struct pin_cell {
	_Alignas(64) _Atomic uint64_t word; /* 0: empty */
};

struct pin_slot {
	struct pin_cell cells[COUNTER_CELLS];
};

#define PIN_POINTER ((UINT64_C(1) << 48) - 1)
#define PIN_ONE     (UINT64_C(1) << 48)
#define PIN_MANY    (UINT64_C(1) << 63) /* 2^15 counted */
#define PIN_BIAS    (INT64_C(1) << 32)

/* With one reference, the caller's. */
static inline void
pin_init(struct pin *p)
{
	atomic_init(&p->refs, 1);
}

/* True: that was the last one, and the caller frees the object. */
static inline bool
pin_unref(struct pin *p)
{
	return atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) ==
	       1;
}

/* Moves the references counted in the cell to p, which the caller holds, if it
 * is still there and they are many. */
void pin_cell_settle(struct pin_cell *c, struct pin *p);

/* What is in the slot, with a reference.  The slot is not empty. */
static inline struct pin *
pin_slot_get(struct pin_slot *s)
{
	struct pin_cell *c = &s->cells[counter_cell()];
	uint64_t word =
	    atomic_fetch_add_explicit(&c->word, PIN_ONE, memory_order_acquire);
	struct pin *p = (struct pin *)(uintptr_t)(word & PIN_POINTER);

	if (word & PIN_MANY)
		pin_cell_settle(c, p);
	return p;
}

/* As pin_unref, of one that came from this slot: mostly without touching what
 * other threads use. */
static inline bool
pin_slot_put(struct pin_slot *s, struct pin *p)
{
	_Atomic uint64_t *cell = &s->cells[counter_cell()].word;
	uint64_t word = atomic_load_explicit(cell, memory_order_relaxed);

	while ((word & PIN_POINTER) == (uintptr_t)p && word >= PIN_ONE)
		if (atomic_compare_exchange_weak_explicit(cell, &word,
			word - PIN_ONE, memory_order_release,
			memory_order_relaxed))
			return false;
	return pin_unref(p);
}

/* Puts p (a reference; NULL: nothing) into the slot and returns what was there
 * (NULL: nothing), for which the caller has a reference now.  Nobody may be in
 * pin_slot_get while the slot is emptied, nor before it is filled. */
struct pin *pin_slot_replace(struct pin_slot *s, struct pin *p);

#endif
