/*
 * cache: blocks of tables in memory, with a byte limit.
 *
 * Sharded by hash.  What is evicted is decided by S3-FIFO (Yang, Zhang, Qiu,
 * Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023):
 * new blocks stand in a small queue, a tenth of the shard, and go to the main
 * queue only if they were got twice meanwhile, or if they come back soon after
 * they were evicted from it.  So a scan, whose blocks are read once, passes
 * through the small queue and leaves the main one alone.  Getting a block that
 * is there takes no lock and moves nothing.
 * What is pinned by a reference is never freed; pinned bytes count, so the
 * limit can be exceeded by what is pinned at that moment only.  Dropping a
 * reference takes no lock unless its shard is over its part of the limit.
 * Memory: a large cache has its blocks, and what they are found by, in huge
 * pages (engine/base/extent.h), of which it takes an 8th more than the limit at
 * most; otherwise all is malloc's.
 * bytes counts them and what the cache knows of each; tables to find them (at
 * most a 100th of the limit), and the memory of a few evicted blocks (at most a
 * 32nd, mostly a 100th) come on top.
 * Owns: the blocks that it was given.
 * Threads: any; cache_free when no other call is under way.
 */
#ifndef ENGINE_TABLE_CACHE_H
#define ENGINE_TABLE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"

struct cache;

/* A cached block; immutable. */
struct cache_block {
	struct bytes data;
	/* the rest is private to cache.c */
};

struct cache *cache_new(size_t bytes_max); /* NULL: no memory */
void cache_free(struct cache *c);          /* nothing may be pinned */

/* A new reference, or NULL.  c may be NULL (nothing is cached). */
struct cache_block *cache_get(struct cache *c, uint64_t file, uint64_t offset);

/*
 * Memory for a block of size bytes that will be put there: that of one that was
 * evicted, if there is such a one, which is cheaper.  NULL: no memory.
 */
uint8_t *cache_room(
    struct cache *c, uint64_t file, uint64_t offset, size_t size);

/* It is not needed after all.  data may be NULL. */
void cache_room_free(struct cache *c, uint8_t *data, size_t size);

/*
 * Takes `data` (from cache_room, or frame_room(size) malloc'ed bytes) and
 * returns a reference.  If another thread put the same block first, that one is
 * returned and data is freed.
 * fill false, or c NULL: the block is not kept once the reference is gone.
 * NULL: no memory; data is freed.
 */
struct cache_block *cache_put(struct cache *c, uint64_t file, uint64_t offset,
    uint8_t *data, size_t size, bool fill);
void cache_unref(struct cache_block *b);
void cache_ref(struct cache_block *b);

/* Forgets the blocks of a file that is being deleted: nobody gets them any
 * more; those that are pinned go with their last reference. */
void cache_drop_file(struct cache *c, uint64_t file);

struct cache_figures {
	uint64_t hits, misses, bytes;
};
void cache_figures(struct cache *c, struct cache_figures *out);

#endif
