/*
 * extent: memory for many pieces of some kilobytes, in huge pages.
 *
 * What is looked at here and there in hundreds of megabytes waits for the
 * translation of addresses each time, twice as long in a virtual machine.  So
 * the pieces lie in one mapping of the kernel that is advised to have huge
 * pages; it takes memory as it is used.  A bitmap has a bit for each unit, and
 * the first run of free units that is long enough is taken, from below, so that
 * few pages are used.  What is given back stays for the next one.
 * Use: extent_pool_init; extent_take, extent_give; extent_pool_fini when all
 * is back.
 * Threads: any, but for init and fini.  Errors: NULL: no room, or too large or
 * too small for it; the caller has malloc.
 */
#ifndef ENGINE_BASE_EXTENT_H
#define ENGINE_BASE_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/huge.h"
#include "engine/base/lock.h"

#define EXTENT_UNIT      256u
#define EXTENT_BYTES_MIN 1024u
#define EXTENT_BYTES_MAX (128u << 10)

/* A huge page of units; pieces do not go over from one to the next. */
#define EXTENT_PAGE_UNITS (HUGE_BYTES / EXTENT_UNIT)
#define EXTENT_PAGE_WORDS (EXTENT_PAGE_UNITS / 64)

struct extent_page {
	uint32_t free_max;                /* no run of free units is longer */
	uint64_t used[EXTENT_PAGE_WORDS]; /* a bit for each unit */
};

struct extent_pool {
	/* constant after init */
	uint8_t *begin; /* NULL: nothing is ever there */
	size_t page_count;

	struct lock lock; /* protects: */
	struct extent_page *pages;
	size_t taken; /* units */
};

/* For so many bytes in all; 0, or without memory: nothing is ever there. */
void extent_pool_init(struct extent_pool *p, size_t bytes);
void extent_pool_fini(struct extent_pool *p);

/* Of any content, aligned to EXTENT_UNIT. */
void *extent_take(struct extent_pool *p, size_t size);

/* Whether it came from the pool. */
static inline bool
extent_has(const struct extent_pool *p, const void *data)
{
	return (uintptr_t)data - (uintptr_t)p->begin <
	       p->page_count * HUGE_BYTES;
}

/* What extent_take gave for this size. */
void extent_give(struct extent_pool *p, void *data, size_t size);

#endif
