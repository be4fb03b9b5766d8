#include "engine/table/cache.h"

#include <stdlib.h>

#include "engine/base/counter.h"
#include "engine/table/cache_shard.h"

#define CACHE_SHARDS_MAX 16
/* A shard smaller than this would hold too few blocks for its queues. */
#define CACHE_SHARD_BYTES_MIN (256u << 10)

/* A cache this large has its blocks in huge pages, and some more of them: not
 * every gap finds a block of its size. */
#define CACHE_EXTENTS_MIN  (16u << 20)
#define CACHE_EXTENTS_MORE 8

/* Under AddressSanitizer they are malloc's, with red zones between them. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define CACHE_EXTENTS 0
#else
#define CACHE_EXTENTS 1
#endif

/* Of the memory of a block that was evicted, what is brought near. */
#define CACHE_AHEAD_MAX 8192
#define CACHE_LINE      64

/* A reader in a chain may be led astray by nodes that are used again. */
#define CACHE_CHAIN_MAX 256

struct cache {
	struct extent_pool memory;
	struct cache_shard *shards;
	size_t shard_count; /* a power of two */
	struct counter hits;
	struct counter misses;
};

/* The high bits choose the shard, the low ones the bucket. */
static inline struct cache_shard *
cache_shard_of(struct cache *c, const struct cache_key *k)
{
	return &c->shards[(k->hash >> 32) & (c->shard_count - 1)];
}

static size_t
cache_shards_for(size_t bytes_max)
{
	size_t n = CACHE_SHARDS_MAX;

	while (n > 1 && bytes_max / n < CACHE_SHARD_BYTES_MIN)
		n /= 2;
	return n;
}

static size_t
cache_extents_for(size_t bytes_max)
{
	if (!CACHE_EXTENTS || bytes_max < CACHE_EXTENTS_MIN ||
	    bytes_max > SIZE_MAX / 2)
		return 0;
	return bytes_max + bytes_max / CACHE_EXTENTS_MORE;
}

struct cache *
cache_new(size_t bytes_max)
{
	struct cache *c = aligned_alloc(_Alignof(struct cache), sizeof(*c));
	size_t count = cache_shards_for(bytes_max);
	bool ok;

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	extent_pool_init(&c->memory, cache_extents_for(bytes_max));
	c->shards = aligned_alloc(
	    _Alignof(struct cache_shard), count * sizeof(struct cache_shard));
	ok = c->shards != NULL;
	while (ok && c->shard_count < count)
		ok = cache_shard_init(&c->shards[c->shard_count++], &c->memory,
		    bytes_max / count);
	if (ok)
		return c;
	cache_free(c);
	return NULL;
}

void
cache_free(struct cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->shard_count; i++)
		cache_shard_fini(&c->shards[i]);
	extent_pool_fini(&c->memory);
	free(c->shards);
	free(c);
}

/* --- getting and putting ----------------------------------------------- */

/* Without the lock.  May miss a block that is there while others come and go:
 * that costs reading it, and cache_put finds it. */
static inline struct cache_node *
cache_shard_get(struct cache_shard *s, const struct cache_key *k)
{
	/* Acquire, here and along the chain: a node is filled in before it is
	 * linked. */
	struct cache_node *n = atomic_load_explicit(
	    cache_shard_bucket(s, k->hash), memory_order_acquire);

	for (int i = 0; n && i < CACHE_CHAIN_MAX; i++) {
		if (cache_node_is(n, k)) {
			if (!cache_node_ref(n))
				return NULL;
			if (cache_node_is(n, k))
				return n;
			cache_unref(&n->pub);
			return NULL;
		}
		n = atomic_load_explicit(&n->chain, memory_order_acquire);
	}
	return NULL;
}

struct cache_block *
cache_get(struct cache *c, uint64_t file, uint64_t offset)
{
	const struct cache_key k = cache_key_of(file, offset);
	struct cache_node *n;

	if (!c)
		return NULL;
	n = cache_shard_get(cache_shard_of(c, &k), &k);
	if (!n) {
		counter_add(&c->misses, 1);
		return NULL;
	}
	cache_node_use(n);
	counter_add(&c->hits, 1);
	return &n->pub;
}

/* In no cache; with one reference. */
static struct cache_node *
cache_node_alone(struct cache *c, uint8_t *data, size_t size)
{
	struct cache_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->alone = true;
	n->owner = c;
	n->pub.data = bytes_of(data, size);
	atomic_init(&n->refs, 1);
	return n;
}

/* It is long ago that this was used, and all of it will be written: the
 * processor waits for all of it at once. */
static void
cache_look_ahead(const uint8_t *data, size_t size)
{
	if (size > CACHE_AHEAD_MAX)
		size = CACHE_AHEAD_MAX;
	for (size_t i = 0; i < size; i += CACHE_LINE)
		__builtin_prefetch(data + i, 1);
}

uint8_t *
cache_room(struct cache *c, uint64_t file, uint64_t offset, size_t size)
{
	const struct cache_key k = cache_key_of(file, offset);
	struct cache_shard *s;
	uint8_t *data = NULL;

	if (c && size > 0) {
		s = cache_shard_of(c, &k);
		lock_acquire(&s->lock);
		data = cache_shard_take_spare(s, size);
		lock_release(&s->lock);
	}
	if (data) {
		cache_look_ahead(data, size);
		return data;
	}
	if (c)
		data = extent_take(&c->memory, frame_room(size));
	/* One byte more: a block may be empty, malloc(0) be NULL. */
	return data ? data : malloc(frame_room(size) + !size);
}

void
cache_room_free(struct cache *c, uint8_t *data, size_t size)
{
	if (c)
		cache_memory_give(&c->memory, data, size);
	else
		free(data);
}

struct cache_block *
cache_put(struct cache *c, uint64_t file, uint64_t offset, uint8_t *data,
    size_t size, bool fill)
{
	const struct cache_key k = cache_key_of(file, offset);
	struct cache_node *n = NULL;
	struct cache_shard *s;

	if (c) {
		s = cache_shard_of(c, &k);
		lock_acquire(&s->lock);
		n = cache_shard_put(s, &k, bytes_of(data, size), fill);
		lock_release(&s->lock);
	}
	if (!n)
		n = cache_node_alone(c, data, size);
	if (n)
		return &n->pub;
	cache_room_free(c, data, size);
	return NULL;
}

void
cache_ref(struct cache_block *b)
{
	/* Relaxed: the caller's own reference keeps it alive meanwhile. */
	atomic_fetch_add_explicit(
	    &cache_node_of(b)->refs, 1, memory_order_relaxed);
}

/* The last reference to a forgotten one (left 0), or perhaps the last but the
 * shard's to one that keeps it over its limit. */
static void
cache_shard_unref(struct cache_shard *s, struct cache_node *n, uint32_t left)
{
	lock_acquire(&s->lock);
	if (left == 0)
		cache_shard_release(s, n);
	else
		cache_shard_trim(s);
	lock_release(&s->lock);
}

void
cache_unref(struct cache_block *b)
{
	struct cache_node *n = cache_node_of(b);
	bool alone = n->alone;
	uint32_t left = cache_node_unref(n);

	/* From here on n may be somebody else's, unless left is 0. */
	if (left > 1)
		return;
	if (!alone) {
		struct cache_shard *s = cache_node_shard(n);

		if (left == 0 || cache_shard_over(s))
			cache_shard_unref(s, n, left);
	} else if (left == 0) {
		cache_room_free(n->owner, cache_node_data(n), n->pub.data.size);
		free(n);
	}
}

void
cache_drop_file(struct cache *c, uint64_t file)
{
	for (size_t i = 0; i < c->shard_count; i++) {
		struct cache_shard *s = &c->shards[i];

		lock_acquire(&s->lock);
		cache_shard_drop_file(s, file);
		lock_release(&s->lock);
	}
}

void
cache_figures(struct cache *c, struct cache_figures *out)
{
	struct cache_figures f = {
	    .hits = counter_sum(&c->hits),
	    .misses = counter_sum(&c->misses),
	};

	for (size_t i = 0; i < c->shard_count; i++)
		f.bytes += atomic_load_explicit(
		    &c->shards[i].bytes, memory_order_relaxed);
	*out = f;
}
