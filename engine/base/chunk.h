/*
 * chunk: memory in pieces of the size of a huge page, used again and again.
 *
 * What is searched all over, as a memtable is, waits less for the translation
 * of addresses if it lies in huge pages.  But to get a fresh one takes a
 * moment: the kernel clears it, and in a virtual machine the host may have to
 * find the memory first (0.2 and 7 ms were measured).  So chunks are kept for
 * the next user, and one is made ready before it is needed.  They come from
 * mmap: malloc takes pieces of this size out of its heap sooner or later, and
 * what is freed there does not go back (the process grew by two thirds).  Use:
 * chunk_pool_init, chunk_pool_keep; chunk_pool_take, chunk_pool_give; who
 * writes asks chunk_pool_wishes now and then, and if so another thread does
 * chunk_pool_prepare; chunk_pool_trim when nobody writes any more;
 * chunk_pool_fini when all chunks are back.
 * Threads: any.  Errors: NULL: no memory.
 */
#ifndef ENGINE_BASE_CHUNK_H
#define ENGINE_BASE_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/huge.h"
#include "engine/base/lock.h"

#define CHUNK_BYTES ((size_t)HUGE_BYTES)

struct chunk {
	struct chunk *next;
};

struct chunk_pool {
	struct lock lock; /* protects: */
	struct chunk *ready;
	size_t count;
	size_t taken; /* and not given back */
	size_t keep;  /* constant after chunk_pool_keep: so many may wait */

	/* The last one was taken.  Relaxed: it is the lock that guards. */
	atomic_bool low;
};

/* Keeps none. */
void chunk_pool_init(struct chunk_pool *p);
void chunk_pool_fini(struct chunk_pool *p);

/* So much may wait for its next user.  Before others use the pool. */
void chunk_pool_keep(struct chunk_pool *p, size_t bytes);

/* CHUNK_BYTES, aligned to as many, of any content. */
void *chunk_pool_take(struct chunk_pool *p);
void chunk_pool_give(struct chunk_pool *p, void *chunk);

/* True, once, after the last one was taken. */
static inline bool
chunk_pool_wishes(struct chunk_pool *p)
{
	return atomic_load_explicit(&p->low, memory_order_relaxed) &&
	       atomic_exchange_explicit(&p->low, false, memory_order_relaxed);
}

/* Gives back what waits, but for one chunk. */
void chunk_pool_trim(struct chunk_pool *p);

/* If none waits, makes one ready.  Without memory there is none. */
void chunk_pool_prepare(struct chunk_pool *p);

#endif
