#include "engine/base/chunk.h"

#include <string.h>

#include "engine/base/huge.h"
#include "engine/base/must.h"

static void
free_all(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;

		huge_unmap(c, CHUNK_BYTES);
		c = next;
	}
}

/* --- the pool ------------------------------------------------------------- */

void
chunk_pool_init(struct chunk_pool *p)
{
	*p = (struct chunk_pool){.keep = 0};
	lock_init(&p->lock, LOCK_RANK_LEAF);
}

void
chunk_pool_keep(struct chunk_pool *p, size_t bytes)
{
	p->keep = bytes / CHUNK_BYTES;
}

void
chunk_pool_fini(struct chunk_pool *p)
{
	/* No tool that looks for leaks knows of a mapping. */
	must(p->taken == 0);
	free_all(p->ready);
	lock_fini(&p->lock);
}

void
chunk_pool_trim(struct chunk_pool *p)
{
	struct chunk *rest = NULL;

	lock_acquire(&p->lock);
	if (p->ready) {
		rest = p->ready->next;
		p->ready->next = NULL;
		p->count = 1;
	}
	lock_release(&p->lock);
	free_all(rest);
}

static void
count_back(struct chunk_pool *p)
{
	lock_acquire(&p->lock);
	must(p->taken > 0);
	p->taken--;
	lock_release(&p->lock);
}

void *
chunk_pool_take(struct chunk_pool *p)
{
	struct chunk *c;

	lock_acquire(&p->lock);
	c = p->ready;
	if (c) {
		p->ready = c->next;
		p->count--;
	}
	if (p->count == 0)
		atomic_store_explicit(&p->low, true, memory_order_relaxed);
	p->taken++;
	lock_release(&p->lock);
	if (!c)
		c = huge_map(CHUNK_BYTES);
	if (!c)
		count_back(p);
	return c;
}

/* False: there are enough. */
static bool
keep(struct chunk_pool *p, struct chunk *c, size_t max)
{
	bool kept;

	lock_acquire(&p->lock);
	kept = p->count < max;
	if (kept) {
		c->next = p->ready;
		p->ready = c;
		p->count++;
	}
	lock_release(&p->lock);
	return kept;
}

void
chunk_pool_give(struct chunk_pool *p, void *chunk)
{
	count_back(p);
	if (!keep(p, chunk, p->keep))
		huge_unmap(chunk, CHUNK_BYTES);
}

static bool
has_any(struct chunk_pool *p)
{
	bool any;

	lock_acquire(&p->lock);
	any = p->count > 0;
	lock_release(&p->lock);
	return any;
}

void
chunk_pool_prepare(struct chunk_pool *p)
{
	void *c = has_any(p) ? NULL : huge_map(CHUNK_BYTES);

	if (!c)
		return;
	/* All of it is there now. */
	memset(c, 0, CHUNK_BYTES);
	if (!keep(p, c, 1))
		huge_unmap(c, CHUNK_BYTES);
}
