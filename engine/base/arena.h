/*
 * arena: memory that is given out piece by piece and freed at once.
 *
 * Use: arena_init, arena_alloc..., arena_fini.  Pieces are aligned to 8.
 * One that grows to megabytes goes on in chunks of ARENA_HUGE_BYTES that the
 * kernel is asked to map as huge pages: what is searched all over, a memtable,
 * then waits less for address translation.
 * Owns: every piece.  Threads: one allocates at a time; arena_bytes may be
 * read by any thread meanwhile.  Errors: NULL when memory is out.
 */
#ifndef ENGINE_BASE_ARENA_H
#define ENGINE_BASE_ARENA_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* A huge page of most processors; more than this is asked for in such chunks,
 * once there are as many bytes. */
#define ARENA_HUGE_BYTES ((size_t)2 << 20)

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	uint8_t *next;
	size_t left;
	size_t chunk_bytes;
	_Atomic size_t total_bytes;
};

/* chunk_bytes: what is asked from malloc at a time at first, at least 4096. */
void arena_init(struct arena *a, size_t chunk_bytes);
void arena_fini(struct arena *a);

/* size > 0; a piece larger than a chunk gets a chunk of its own. */
void *arena_alloc(struct arena *a, size_t size);

/* Makes sure that the next pieces, together at most size bytes when each is
 * rounded up to 8, are there.  -ENOMEM leaves the arena as it was. */
int arena_reserve(struct arena *a, size_t size);

/* Bytes taken from malloc so far. */
size_t arena_bytes(const struct arena *a);

#endif
