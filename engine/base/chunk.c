#include "engine/base/chunk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/must.h"

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

static void
free_all(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
}

void
chunk_pool_fini(struct chunk_pool *p)
{
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

static void *
fresh(void)
{
	void *c = aligned_alloc(CHUNK_BYTES, CHUNK_BYTES);

	/* Without huge pages it is memory all the same. */
	if (c)
		(void)madvise(c, CHUNK_BYTES, MADV_HUGEPAGE);
	return c;
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
	lock_release(&p->lock);
	return c ? c : fresh();
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
	if (!keep(p, chunk, p->keep))
		free(chunk);
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
	void *c = has_any(p) ? NULL : fresh();

	if (!c)
		return;
	/* All of it is there now. */
	memset(c, 0, CHUNK_BYTES);
	if (!keep(p, c, 1))
		free(c);
}
