/*
 * cache_node: a block in the cache and what is known of it.
 *
 * Private to cache*.c.
 */
#ifndef ENGINE_TABLE_CACHE_NODE_H
#define ENGINE_TABLE_CACHE_NODE_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "engine/table/cache.h"
#include "engine/table/frame.h"

/* Slabs stand at multiples of their size, so that a node finds its own. */
#define CACHE_SLAB_BYTES 4096
#define CACHE_SLAB_NODES 63

#define CACHE_USES_MAX 3

enum cache_place {
	CACHE_NOWHERE, /* free, or forgotten and still pinned */
	CACHE_SMALL,
	CACHE_MAIN,
};

/*
 * A block and what is known of it.  Nodes are never given back to malloc while
 * the cache lives, so that a reader without the lock may look at any of them:
 * - refs is 0 while a node is free.  A reader counts itself only on what is
 *   not 0 (compare and exchange), and looks at file and offset again after
 *   that: the node can only be used again at 0, so then they are constant.
 * - While the node can be found, one reference is the shard's.  Who evicts
 *   takes refs from 1 to 0 in one step, or leaves it: somebody has it.
 * - Release and acquire on refs: a new user of the node has filled it in
 *   before it sets refs, and has seen the end of its earlier users.
 */
struct cache_node {
	_Atomic(struct cache_node *) chain; /* changed under the lock */
	_Atomic uint64_t file;
	_Atomic uint64_t offset;
	_Atomic uint32_t refs;
	_Atomic uint8_t uses; /* counts to CACHE_USES_MAX; may miss some */
	uint8_t place;        /* enum cache_place; the lock's */
	bool alone;           /* constant: of no cache, from malloc */
	struct cache_block pub;
	union {
		TAILQ_ENTRY(cache_node) link; /* the lock's */
		struct cache *owner; /* alone: of the data's memory, or NULL */
	};
};

struct cache_shard;

struct cache_slab {
	_Alignas(64) struct cache_shard *shard;
	struct cache_slab *next;
	_Alignas(64) struct cache_node nodes[CACHE_SLAB_NODES];
};

_Static_assert(sizeof(struct cache_slab) == CACHE_SLAB_BYTES, "slab");

/* What a block is found by. */
struct cache_key {
	uint64_t file;
	uint64_t offset;
	uint64_t hash;
};

static inline struct cache_key
cache_key_of(uint64_t file, uint64_t offset)
{
	uint64_t h = (file * UINT64_C(0x9e3779b97f4a7c15)) ^ offset;

	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return (struct cache_key){file, offset, h ^ h >> 32};
}

static inline struct cache_node *
cache_node_of(struct cache_block *b)
{
	return (struct cache_node *)(void *)((uint8_t *)b -
					     offsetof(struct cache_node, pub));
}

static inline struct cache_shard *
cache_node_shard(struct cache_node *n)
{
	uintptr_t slab = (uintptr_t)n & ~(uintptr_t)(CACHE_SLAB_BYTES - 1);

	return ((struct cache_slab *)slab)->shard;
}

static inline uint8_t *
cache_node_data(const struct cache_node *n)
{
	return (uint8_t *)(uintptr_t)n->pub.data.data;
}

/* With what malloc needs for itself. */
static inline size_t
cache_node_charge(const struct cache_node *n)
{
	return sizeof(*n) + frame_room(n->pub.data.size) + 2 * sizeof(size_t);
}

static inline bool
cache_node_is(const struct cache_node *n, const struct cache_key *k)
{
	return atomic_load_explicit(&n->offset, memory_order_relaxed) ==
		   k->offset &&
	       atomic_load_explicit(&n->file, memory_order_relaxed) == k->file;
}

static inline uint64_t
cache_node_hash(const struct cache_node *n)
{
	return cache_key_of(
	    atomic_load_explicit(&n->file, memory_order_relaxed),
	    atomic_load_explicit(&n->offset, memory_order_relaxed))
	    .hash;
}

/* A node that is not free: one more reference.  False if it has become so. */
static inline bool
cache_node_ref(struct cache_node *n)
{
	uint32_t refs = atomic_load_explicit(&n->refs, memory_order_relaxed);

	while (refs > 0)
		if (atomic_compare_exchange_weak_explicit(&n->refs, &refs,
			refs + 1, memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

/* Release: this thread's reads of the block come before its end; acquire:
 * those of all the others, for the last one. */
static inline uint32_t
cache_node_unref(struct cache_node *n)
{
	return atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) - 1;
}

static inline void
cache_node_use(struct cache_node *n)
{
	uint8_t uses = atomic_load_explicit(&n->uses, memory_order_relaxed);

	/* Not in one step: that it was used is all that counts. */
	if (uses < CACHE_USES_MAX)
		atomic_store_explicit(
		    &n->uses, (uint8_t)(uses + 1), memory_order_relaxed);
}

#endif
