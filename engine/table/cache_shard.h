/*
 * cache_shard: a part of the cache: the queues of S3-FIFO, and eviction.
 *
 * Private to cache*.c.  The functions are for who holds the shard's lock, but
 * for init and fini.
 */
#ifndef ENGINE_TABLE_CACHE_SHARD_H
#define ENGINE_TABLE_CACHE_SHARD_H

#include <stdlib.h>

#include "engine/base/extent.h"
#include "engine/base/lock.h"
#include "engine/table/cache_node.h"

TAILQ_HEAD(cache_list, cache_node);

/* The first in a list is the newest. */
struct cache_queue {
	struct cache_list list;
	size_t bytes;
	size_t count;
};

/*
 * What was evicted from the small queue lately: a table of (fingerprint,
 * time), where time counts such evictions.
 */
struct cache_ghosts {
	uint64_t *slots;
	uint32_t time;
};

/* Memory of slabs from the extents: what is looked at for every block is in
 * huge pages, as the blocks are.  Slabs begin at the first multiple of their
 * size. */
#define CACHE_RUN_BYTES (8 * CACHE_SLAB_BYTES)

struct cache_run {
	struct cache_run *next;
};

#define CACHE_SPARES 4

/* The memory of a block that is no more, for one of the same size. */
struct cache_spare {
	uint8_t *data; /* NULL: none */
	size_t room;
};

struct cache_shard {
	_Alignas(64) struct lock lock;
	/* constant */
	struct extent_pool *memory;
	size_t bytes_max;
	size_t mask;                           /* of buckets and ghosts */
	_Atomic(struct cache_node *) *buckets; /* changed under the lock */
	/* changed under the lock: of every node in use */
	_Atomic size_t bytes;
	/* lock protects the rest */
	struct cache_queue queues[3]; /* by place */
	struct cache_ghosts ghosts;
	struct cache_slab *slabs;
	struct cache_run *runs;  /* slabs may lie in; the newest first */
	size_t run_used;         /* of the newest one */
	struct cache_node *free; /* by chain */
	struct cache_spare spares[CACHE_SPARES];
};

static inline _Atomic(struct cache_node *) *
cache_shard_bucket(struct cache_shard *s, uint64_t hash)
{
	return &s->buckets[hash & s->mask];
}

static inline bool
cache_shard_over(struct cache_shard *s)
{
	return atomic_load_explicit(&s->bytes, memory_order_relaxed) >
	       s->bytes_max;
}

/* What came from malloc or from m. */
static inline void
cache_extent_give(struct extent_pool *m, void *p, size_t bytes)
{
	if (extent_has(m, p))
		extent_give(m, p, bytes);
	else
		free(p);
}

/* The same, with room for a block of size bytes. */
static inline void
cache_memory_give(struct extent_pool *m, uint8_t *data, size_t size)
{
	cache_extent_give(m, data, frame_room(size));
}

/* False: no memory.  cache_shard_fini is called in any case. */
bool cache_shard_init(
    struct cache_shard *s, struct extent_pool *memory, size_t bytes_max);
void cache_shard_fini(struct cache_shard *s); /* nothing may be pinned */

/*
 * As cache_put: the node of the block that is there or, with fill, of a new
 * one; NULL: there is none, or no memory, and data is still the caller's.
 */
struct cache_node *cache_shard_put(struct cache_shard *s,
    const struct cache_key *k, struct bytes data, bool fill);

/* Memory of frame_room(size) bytes; NULL: there is none spare. */
uint8_t *cache_shard_take_spare(struct cache_shard *s, size_t size);

/* The end of a node whose refs are 0. */
void cache_shard_release(struct cache_shard *s, struct cache_node *n);

/* Evicts until the shard is within its limit, or what it looked at is pinned.
 */
void cache_shard_trim(struct cache_shard *s);

/* Forgets the blocks of a file; those that are pinned go with their last
 * reference. */
void cache_shard_drop_file(struct cache_shard *s, uint64_t file);

#endif
