#include "engine/base/extent.h"

#include <stdlib.h>

#include "engine/base/must.h"

/* --- runs of bits --------------------------------------------------------- */

/* The first unit from `at` on that is used (or not), or `end`. */
static uint32_t
find(const struct extent_page *g, uint32_t at, uint32_t end, bool used)
{
	while (at < end) {
		uint64_t word = used ? g->used[at / 64] : ~g->used[at / 64];

		word >>= at % 64;
		if (word) {
			at += (uint32_t)__builtin_ctzll(word);
			return at < end ? at : end;
		}
		at += 64 - at % 64;
	}
	return end;
}

static void
mark(struct extent_page *g, uint32_t at, uint32_t count, bool used)
{
	for (uint32_t end = at + count; at < end;) {
		uint32_t n = 64 - at % 64 < end - at ? 64 - at % 64 : end - at;
		uint64_t bits = ~UINT64_C(0) >> (64 - n) << at % 64;

		must((g->used[at / 64] & bits) == (used ? 0 : bits));
		g->used[at / 64] ^= bits;
		at += n;
	}
}

/* The first run of count free units; else false, and it is known how long the
 * longest is. */
static bool
find_run(struct extent_page *g, uint32_t count, uint32_t *out)
{
	const uint32_t all = EXTENT_PAGE_UNITS;
	uint32_t at = 0, end, longest = 0;

	while ((at = find(g, at, all, false)) < all) {
		end = find(g, at, at + count < all ? at + count : all, true);
		if (end - at == count) {
			*out = at;
			return true;
		}
		if (end - at > longest)
			longest = end - at;
		at = end;
	}
	g->free_max = longest;
	return false;
}

/* --- the pool ------------------------------------------------------------- */

void
extent_pool_init(struct extent_pool *p, size_t bytes)
{
	size_t count = bytes / HUGE_BYTES;

	*p = (struct extent_pool){.page_count = 0};
	lock_init(&p->lock, LOCK_RANK_LEAF);
	if (count == 0)
		return;
	p->pages = calloc(count, sizeof(*p->pages));
	if (p->pages)
		p->begin = huge_map(count * HUGE_BYTES);
	if (!p->begin)
		return;
	p->page_count = count;
	for (size_t i = 0; i < count; i++)
		p->pages[i].free_max = EXTENT_PAGE_UNITS;
}

void
extent_pool_fini(struct extent_pool *p)
{
	/* No tool that looks for leaks sees into the mapping. */
	must(p->taken == 0);
	huge_unmap(p->begin, p->page_count * HUGE_BYTES);
	free(p->pages);
	lock_fini(&p->lock);
}

static uint32_t
units_of(size_t size)
{
	return (uint32_t)((size + EXTENT_UNIT - 1) / EXTENT_UNIT);
}

/* Caller holds the lock. */
static uint8_t *
take(struct extent_pool *p, uint32_t count)
{
	uint32_t at;

	for (size_t i = 0; i < p->page_count; i++) {
		struct extent_page *g = &p->pages[i];

		if (g->free_max < count || !find_run(g, count, &at))
			continue;
		mark(g, at, count, true);
		p->taken += count;
		return p->begin + i * HUGE_BYTES + (size_t)at * EXTENT_UNIT;
	}
	return NULL;
}

void *
extent_take(struct extent_pool *p, size_t size)
{
	void *data;

	if (size < EXTENT_BYTES_MIN || size > EXTENT_BYTES_MAX)
		return NULL;
	lock_acquire(&p->lock);
	data = take(p, units_of(size));
	lock_release(&p->lock);
	return data;
}

void
extent_give(struct extent_pool *p, void *data, size_t size)
{
	size_t offset = (size_t)((uint8_t *)data - p->begin);
	struct extent_page *g;

	must(extent_has(p, data) && offset % EXTENT_UNIT == 0);
	g = &p->pages[offset / HUGE_BYTES];
	lock_acquire(&p->lock);
	mark(g, (uint32_t)(offset % HUGE_BYTES / EXTENT_UNIT), units_of(size),
	    false);
	/* It may lie between others that are free. */
	g->free_max = EXTENT_PAGE_UNITS;
	p->taken -= units_of(size);
	lock_release(&p->lock);
}
