#include "engine/table/cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "engine/base/lock.h"
#include "engine/base/must.h"

#define CACHE_SHARDS_MAX 16
/* A shard smaller than this would hold too few blocks to be an LRU. */
#define CACHE_SHARD_BYTES_MIN (256u << 10)
#define CACHE_BUCKETS_MIN     64

struct cache_shard;

/*
 * A block is shared while it can be found (one reference belongs to the
 * shard), private else.  References are gained either from another reference
 * (cache_ref) or under the shard's lock while the block is shared; so one that
 * counts 1 under that lock is the shard's alone, and stays so while the lock
 * is held.
 */
struct cache_node {
	struct cache_block pub; /* first */
	/* constant */
	struct cache_shard *shard; /* NULL: outside of any cache */
	uint64_t file;
	uint64_t offset;
	uint64_t hash;
	size_t charge;
	/* atomic */
	_Atomic uint32_t refs;
	/* the shard's lock protects the rest */
	struct cache_node *chain;
	TAILQ_ENTRY(cache_node) lru;
};

TAILQ_HEAD(cache_list, cache_node);

struct cache_shard {
	_Alignas(64) struct lock lock;
	/* constant */
	size_t bytes_max;
	/* atomic: of every node that names this shard, shared or not */
	_Atomic size_t bytes;
	/* lock protects the rest */
	struct cache_node **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	struct cache_list lru; /* the first is the newest */
	uint64_t hits;
	uint64_t misses;
};

struct cache {
	struct cache_shard *shards;
	size_t shard_count; /* a power of two */
};

static inline uint64_t
cache_hash(uint64_t file, uint64_t offset)
{
	uint64_t h = (file * UINT64_C(0x9e3779b97f4a7c15)) ^ offset;

	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

/* --- nodes ------------------------------------------------------------- */

static inline struct cache_node *
cache_node_of(struct cache_block *b)
{
	return (struct cache_node *)(void *)b;
}

static void
cache_node_free(struct cache_node *n)
{
	/* A count and nothing else: no data is published by it. */
	if (n->shard)
		atomic_fetch_sub_explicit(
		    &n->shard->bytes, n->charge, memory_order_relaxed);
	free((void *)(uintptr_t)n->pub.data.data);
	free(n);
}

/*
 * Drops one reference and returns how many are left; frees at 0.  Release, so
 * that this thread's reads of the block come before its end; acquire, so that
 * whoever frees it has seen those of all the others.
 */
static inline uint32_t
cache_node_unref(struct cache_node *n)
{
	uint32_t left =
	    atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) - 1;

	if (left == 0)
		cache_node_free(n);
	return left;
}

/* A private node with one reference, the caller's; NULL: no memory. */
static struct cache_node *
cache_node_new(uint64_t file, uint64_t offset, uint8_t *data, size_t size)
{
	struct cache_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->pub.data = bytes_of(data, size);
	n->file = file;
	n->offset = offset;
	n->hash = cache_hash(file, offset);
	n->charge = sizeof(*n) + size;
	atomic_init(&n->refs, 1);
	return n;
}

/* --- shards: the lock is held ------------------------------------------ */

static inline struct cache_node **
cache_shard_bucket(struct cache_shard *s, uint64_t hash)
{
	return &s->buckets[hash & (s->bucket_count - 1)];
}

static inline struct cache_node *
cache_shard_find(
    struct cache_shard *s, uint64_t hash, uint64_t file, uint64_t offset)
{
	struct cache_node *n = *cache_shard_bucket(s, hash);

	while (n && (n->offset != offset || n->file != file))
		n = n->chain;
	return n;
}

/* Gives out a reference to a shared node, which becomes the newest. */
static inline void
cache_shard_pin(struct cache_shard *s, struct cache_node *n)
{
	/* Relaxed: the lock has ordered it behind the node's making. */
	atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
	if (TAILQ_FIRST(&s->lru) != n) {
		TAILQ_REMOVE(&s->lru, n, lru);
		TAILQ_INSERT_HEAD(&s->lru, n, lru);
	}
}

/* Makes a shared node private and drops the shard's reference. */
static void
cache_shard_forget(struct cache_shard *s, struct cache_node *n)
{
	struct cache_node **p = cache_shard_bucket(s, n->hash);

	while (*p != n)
		p = &(*p)->chain;
	*p = n->chain;
	TAILQ_REMOVE(&s->lru, n, lru);
	s->count--;
	cache_node_unref(n);
}

/* Twice the buckets; without memory the chains get longer, which is slower
 * and still right. */
static void
cache_shard_grow(struct cache_shard *s)
{
	size_t old_count = s->bucket_count;
	struct cache_node **old = s->buckets, *n, **p;
	struct cache_node **buckets =
	    calloc(old_count * 2, sizeof(struct cache_node *));

	if (!buckets)
		return;
	s->buckets = buckets;
	s->bucket_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++) {
		while ((n = old[i])) {
			old[i] = n->chain;
			p = cache_shard_bucket(s, n->hash);
			n->chain = *p;
			*p = n;
		}
	}
	free(old);
}

/* Makes a node of this shard shared. */
static void
cache_shard_insert(struct cache_shard *s, struct cache_node *n)
{
	struct cache_node **p;

	if (s->count >= s->bucket_count)
		cache_shard_grow(s);
	atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
	p = cache_shard_bucket(s, n->hash);
	n->chain = *p;
	*p = n;
	TAILQ_INSERT_HEAD(&s->lru, n, lru);
	s->count++;
}

static inline bool
cache_shard_over(struct cache_shard *s)
{
	return atomic_load_explicit(&s->bytes, memory_order_relaxed) >
	       s->bytes_max;
}

/* Frees the oldest unpinned nodes until the shard is within its limit. */
static void
cache_shard_trim(struct cache_shard *s)
{
	struct cache_node *n;

	for (size_t left = s->count; left > 0 && cache_shard_over(s); left--) {
		n = TAILQ_LAST(&s->lru, cache_list);
		/* Acquire: what those did who let it go is done. */
		if (atomic_load_explicit(&n->refs, memory_order_acquire) == 1) {
			cache_shard_forget(s, n);
		} else {
			TAILQ_REMOVE(&s->lru, n, lru);
			TAILQ_INSERT_HEAD(&s->lru, n, lru);
		}
	}
}

/* --- the cache --------------------------------------------------------- */

static size_t
cache_shards_for(size_t bytes_max)
{
	size_t n = CACHE_SHARDS_MAX;

	while (n > 1 && bytes_max / n < CACHE_SHARD_BYTES_MIN)
		n /= 2;
	return n;
}

struct cache *
cache_new(size_t bytes_max)
{
	struct cache *c = calloc(1, sizeof(*c));
	size_t count = cache_shards_for(bytes_max);

	if (!c)
		return NULL;
	c->shards = aligned_alloc(
	    _Alignof(struct cache_shard), count * sizeof(struct cache_shard));
	if (!c->shards)
		goto fail;
	for (; c->shard_count < count; c->shard_count++) {
		struct cache_shard *s = &c->shards[c->shard_count];

		memset(s, 0, sizeof(*s));
		s->buckets =
		    calloc(CACHE_BUCKETS_MIN, sizeof(struct cache_node *));
		if (!s->buckets)
			goto fail;
		s->bucket_count = CACHE_BUCKETS_MIN;
		s->bytes_max = bytes_max / count;
		TAILQ_INIT(&s->lru);
		lock_init(&s->lock, LOCK_RANK_CACHE);
	}
	return c;
fail:
	cache_free(c);
	return NULL;
}

void
cache_free(struct cache *c)
{
	struct cache_node *n;

	for (size_t i = 0; c && i < c->shard_count; i++) {
		struct cache_shard *s = &c->shards[i];

		while ((n = TAILQ_FIRST(&s->lru)))
			cache_shard_forget(s, n);
		must(
		    atomic_load_explicit(&s->bytes, memory_order_acquire) == 0);
		free(s->buckets);
		lock_fini(&s->lock);
	}
	if (c)
		free(c->shards);
	free(c);
}

/* The high bits choose the shard, the low ones the bucket. */
static inline struct cache_shard *
cache_shard_of(struct cache *c, uint64_t hash)
{
	return &c->shards[(hash >> 32) & (c->shard_count - 1)];
}

struct cache_block *
cache_get(struct cache *c, uint64_t file, uint64_t offset)
{
	uint64_t hash = cache_hash(file, offset);
	struct cache_shard *s;
	struct cache_node *n;

	if (!c)
		return NULL;
	s = cache_shard_of(c, hash);
	lock_acquire(&s->lock);
	n = cache_shard_find(s, hash, file, offset);
	if (n) {
		cache_shard_pin(s, n);
		s->hits++;
	} else {
		s->misses++;
	}
	lock_release(&s->lock);
	return n ? &n->pub : NULL;
}

/* As cache_put, of a private node that nobody else knows. */
static struct cache_block *
cache_put_node(struct cache *c, struct cache_node *n, bool fill)
{
	struct cache_shard *s = cache_shard_of(c, n->hash);
	struct cache_node *other;

	lock_acquire(&s->lock);
	other = cache_shard_find(s, n->hash, n->file, n->offset);
	if (other) {
		cache_shard_pin(s, other);
	} else if (fill) {
		n->shard = s;
		atomic_fetch_add_explicit(
		    &s->bytes, n->charge, memory_order_relaxed);
		cache_shard_insert(s, n);
		cache_shard_trim(s);
	}
	lock_release(&s->lock);
	if (!other)
		return &n->pub;
	cache_node_unref(n);
	return &other->pub;
}

struct cache_block *
cache_put(struct cache *c, uint64_t file, uint64_t offset, uint8_t *data,
    size_t size, bool fill)
{
	struct cache_node *n = cache_node_new(file, offset, data, size);

	if (!n) {
		free(data);
		return NULL;
	}
	return c ? cache_put_node(c, n, fill) : &n->pub;
}

void
cache_ref(struct cache_block *b)
{
	/* Relaxed: the caller's own reference keeps it alive meanwhile. */
	atomic_fetch_add_explicit(
	    &cache_node_of(b)->refs, 1, memory_order_relaxed);
}

void
cache_unref(struct cache_block *b)
{
	struct cache_node *n = cache_node_of(b);
	/* Read before: n may be gone after. */
	struct cache_shard *s = n->shard;

	/* 1 left may be the shard's, and this was what kept it over the limit.
	 * It may be somebody else's too: then trim finds nothing to do. */
	if (cache_node_unref(n) != 1 || !s || !cache_shard_over(s))
		return;
	lock_acquire(&s->lock);
	cache_shard_trim(s);
	lock_release(&s->lock);
}

void
cache_drop_file(struct cache *c, uint64_t file)
{
	struct cache_node *n, *next;

	for (size_t i = 0; i < c->shard_count; i++) {
		struct cache_shard *s = &c->shards[i];

		lock_acquire(&s->lock);
		for (n = TAILQ_FIRST(&s->lru); n; n = next) {
			next = TAILQ_NEXT(n, lru);
			if (n->file == file)
				cache_shard_forget(s, n);
		}
		lock_release(&s->lock);
	}
}

void
cache_figures(struct cache *c, struct cache_figures *out)
{
	struct cache_figures f = {0};

	for (size_t i = 0; i < c->shard_count; i++) {
		struct cache_shard *s = &c->shards[i];

		lock_acquire(&s->lock);
		f.hits += s->hits;
		f.misses += s->misses;
		f.bytes +=
		    atomic_load_explicit(&s->bytes, memory_order_relaxed);
		lock_release(&s->lock);
	}
	*out = f;
}
