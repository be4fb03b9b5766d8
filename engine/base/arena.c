#include "engine/base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "engine/base/must.h"

#define ARENA_ALIGN 8

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

void
arena_init(struct arena *a, size_t chunk_bytes)
{
	must(chunk_bytes >= 4096);
	*a = (struct arena){.chunk_bytes = chunk_bytes};
}

void
arena_fini(struct arena *a)
{
	struct arena_chunk *c = a->chunks;

	while (c) {
		struct arena_chunk *next = c->next;

		free(c);
		c = next;
	}
	*a = (struct arena){.chunk_bytes = a->chunk_bytes};
}

static void *
arena_ask(size_t bytes)
{
	void *p;

	if (bytes != ARENA_HUGE_BYTES)
		return malloc(bytes);
	p = aligned_alloc(ARENA_HUGE_BYTES, bytes);
	/* Without huge pages it is memory all the same. */
	if (p)
		(void)madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static struct arena_chunk *
arena_add_chunk(struct arena *a, size_t bytes)
{
	struct arena_chunk *c = arena_ask(bytes);
	size_t total;

	if (!c)
		return NULL;
	c->next = a->chunks;
	a->chunks = c;
	/* One thread writes and the figure guards nothing: relaxed. */
	total = arena_bytes(a) + bytes;
	atomic_store_explicit(&a->total_bytes, total, memory_order_relaxed);
	if (total >= ARENA_HUGE_BYTES)
		a->chunk_bytes = ARENA_HUGE_BYTES;
	return c;
}

static void *
arena_alloc_in_new_chunk(struct arena *a, size_t size)
{
	const size_t head = sizeof(struct arena_chunk);
	struct arena_chunk *c;

	/* A large piece goes alone: the rest of the present chunk stays in
	 * use, so never more than a quarter of a chunk is wasted. */
	if (size > a->chunk_bytes / 4) {
		c = arena_add_chunk(a, head + size);
		return c ? c->data : NULL;
	}
	c = arena_add_chunk(a, a->chunk_bytes);
	if (!c)
		return NULL;
	a->next = c->data + size;
	a->left = a->chunk_bytes - head - size;
	return c->data;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	uint8_t *piece;

	must(size > 0);
	if (size > PTRDIFF_MAX - sizeof(struct arena_chunk) - ARENA_ALIGN)
		return NULL;
	size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (size > a->left)
		return arena_alloc_in_new_chunk(a, size);
	piece = a->next;
	a->next += size;
	a->left -= size;
	return piece;
}

int
arena_reserve(struct arena *a, size_t size)
{
	const size_t head = sizeof(struct arena_chunk);
	size_t bytes = a->chunk_bytes;
	struct arena_chunk *c;

	if (size <= a->left)
		return 0;
	if (size > PTRDIFF_MAX - head)
		return -ENOMEM;
	if (size > bytes / 4)
		bytes = head + size;
	c = arena_add_chunk(a, bytes);
	if (!c)
		return -ENOMEM;
	a->next = c->data;
	a->left = bytes - head;
	return 0;
}

size_t
arena_bytes(const struct arena *a)
{
	return atomic_load_explicit(&a->total_bytes, memory_order_relaxed);
}
