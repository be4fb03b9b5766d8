/*
 * arena: memory that is given out piece by piece and freed at once.
 *
 * Use: arena_init, arena_alloc..., arena_fini.  Pieces are aligned to 8.
 * With a pool, one that grows to megabytes goes on in chunks of its own
 * (engine/base/chunk.h).
 * Owns: every piece.  Threads: one allocates at a time; arena_bytes may be
 * read by any thread meanwhile.  Errors: NULL when memory is out.
 */
#ifndef ENGINE_BASE_ARENA_H
#define ENGINE_BASE_ARENA_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct arena_chunk;
struct chunk_pool;

struct arena {
	struct arena_chunk *chunks;
	uint8_t *next;
	size_t left;
	size_t chunk_bytes;
	struct chunk_pool *pool; /* constant; NULL: none */
	_Atomic size_t total_bytes;
};

/* chunk_bytes: what is asked from malloc at a time, at least 4096.  Once it has
 * CHUNK_BYTES, that comes from the pool, which outlives it; NULL: never. */
void arena_init(struct arena *a, size_t chunk_bytes, struct chunk_pool *pool);
void arena_fini(struct arena *a);

/* size > 0; a piece larger than a chunk gets a chunk of its own. */
void *arena_alloc(struct arena *a, size_t size);

/* Makes sure that the next pieces, together at most size bytes when each is
 * rounded up to 8, are there.  -ENOMEM leaves the arena as it was. */
int arena_reserve(struct arena *a, size_t size);

/* Bytes of all chunks so far. */
size_t arena_bytes(const struct arena *a);

#endif
