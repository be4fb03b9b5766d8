#include "engine/base/chunk.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/must.h"

/* --- of the kernel -------------------------------------------------------- */

/* What cannot be given back stays; there is nothing else to be done. */
static void
give_back(void *p, size_t size)
{
	if (size > 0)
		(void)munmap(p, size);
}

static void *
fresh(void)
{
	uint8_t *p = mmap(NULL, 2 * CHUNK_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p % CHUNK_BYTES;
	give_back(p, before);
	p += before;
	give_back(p + CHUNK_BYTES, CHUNK_BYTES - before);
	/* Without huge pages it is memory all the same. */
	(void)madvise(p, CHUNK_BYTES, MADV_HUGEPAGE);
	return p;
}

static void
free_all(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;

		give_back(c, CHUNK_BYTES);
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
		c = fresh();
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
		give_back(chunk, CHUNK_BYTES);
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
		give_back(c, CHUNK_BYTES);
}
