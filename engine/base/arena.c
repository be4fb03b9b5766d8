#include "engine/base/arena.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/chunk.h"
#include "engine/base/must.h"

#define ARENA_ALIGN 8

struct arena_chunk {
	struct arena_chunk *next;
	bool pooled; /* of the pool, else malloc's */
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

void
arena_init(struct arena *a, size_t chunk_bytes, struct chunk_pool *pool)
{
	must(chunk_bytes >= 4096);
	*a = (struct arena){.chunk_bytes = chunk_bytes, .pool = pool};
}

static void
arena_free_chunk(struct arena *a, struct arena_chunk *c)
{
	if (c->pooled)
		chunk_pool_give(a->pool, c);
	else
		free(c);
}

void
arena_fini(struct arena *a)
{
	struct arena_chunk *c = a->chunks;

	while (c) {
		struct arena_chunk *next = c->next;

		arena_free_chunk(a, c);
		c = next;
	}
	arena_init(a, a->chunk_bytes, a->pool);
}

static struct arena_chunk *
arena_add_chunk(struct arena *a, size_t bytes, bool pooled)
{
	struct arena_chunk *c =
	    pooled ? chunk_pool_take(a->pool) : malloc(bytes);

	if (!c)
		return NULL;
	c->pooled = pooled;
	c->next = a->chunks;
	a->chunks = c;
	/* One thread writes and the figure guards nothing: relaxed. */
	atomic_store_explicit(
	    &a->total_bytes, arena_bytes(a) + bytes, memory_order_relaxed);
	return c;
}

/* Of the usual size: *bytes. */
static struct arena_chunk *
arena_add_usual(struct arena *a, size_t *bytes)
{
	bool pooled = a->pool && arena_bytes(a) >= CHUNK_BYTES;

	*bytes = pooled ? CHUNK_BYTES : a->chunk_bytes;
	return arena_add_chunk(a, *bytes, pooled);
}

static void *
arena_alloc_in_new_chunk(struct arena *a, size_t size)
{
	const size_t head = sizeof(struct arena_chunk);
	struct arena_chunk *c;
	size_t bytes;

	/* A large piece goes alone: the rest of the present chunk stays in
	 * use, so never more than a quarter of a chunk is wasted. */
	if (size > a->chunk_bytes / 4) {
		c = arena_add_chunk(a, head + size, false);
		return c ? c->data : NULL;
	}
	c = arena_add_usual(a, &bytes);
	if (!c)
		return NULL;
	a->next = c->data + size;
	a->left = bytes - head - size;
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
	struct arena_chunk *c;
	size_t bytes;

	if (size <= a->left)
		return 0;
	if (size > PTRDIFF_MAX - head)
		return -ENOMEM;
	bytes = head + size;
	if (size > a->chunk_bytes / 4)
		c = arena_add_chunk(a, bytes, false);
	else
		c = arena_add_usual(a, &bytes);
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
