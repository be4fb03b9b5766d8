#include "engine/table/cache_shard.h"

#include <stdlib.h>

#include "engine/base/must.h"

/* One bucket, and one remembered block, for so many bytes of the limit. */
#define CACHE_BUCKET_BYTES 4096
#define CACHE_BUCKETS_MIN  64

/* The small queue's part of a shard, and the uses that lead out of it. */
#define CACHE_SMALL_PART 10
#define CACHE_USES_KEPT  2

/* To evict one block, at most so many are given another round; then what is
 * not pinned goes, and of what is pinned no more is looked at than this. */
#define CACHE_ROUNDS_MAX 64

static void
cache_shard_count_bytes(struct cache_shard *s, size_t add, size_t sub)
{
	/* Relaxed: a figure, and only who holds the lock changes it. */
	size_t now = atomic_load_explicit(&s->bytes, memory_order_relaxed);

	atomic_store_explicit(&s->bytes, now + add - sub, memory_order_relaxed);
}

/* --- nodes: the lock is held --------------------------------------------- */

/* Of the newest run; NULL: it has no room for one more. */
static struct cache_slab *
cache_shard_cut(struct cache_shard *s)
{
	size_t at = s->run_used;

	if (!s->runs || at + CACHE_SLAB_BYTES > CACHE_RUN_BYTES)
		return NULL;
	s->run_used = at + CACHE_SLAB_BYTES;
	return (struct cache_slab *)(void *)((uint8_t *)s->runs + at);
}

static bool
cache_shard_add_run(struct cache_shard *s)
{
	struct cache_run *r = extent_take(s->memory, CACHE_RUN_BYTES);

	if (!r)
		return false;
	r->next = s->runs;
	s->runs = r;
	s->run_used = CACHE_SLAB_BYTES - (uintptr_t)r % CACHE_SLAB_BYTES;
	return true;
}

static struct cache_slab *
cache_shard_slab(struct cache_shard *s)
{
	struct cache_slab *slab = cache_shard_cut(s);

	if (!slab && cache_shard_add_run(s))
		slab = cache_shard_cut(s);
	return slab ? slab : aligned_alloc(CACHE_SLAB_BYTES, CACHE_SLAB_BYTES);
}

static bool
cache_shard_add_slab(struct cache_shard *s)
{
	struct cache_slab *slab = cache_shard_slab(s);

	if (!slab)
		return false;
	memset(slab, 0, sizeof(*slab));
	slab->shard = s;
	slab->next = s->slabs;
	s->slabs = slab;
	for (size_t i = 0; i < CACHE_SLAB_NODES; i++) {
		atomic_init(&slab->nodes[i].chain, s->free);
		s->free = &slab->nodes[i];
	}
	return true;
}

/* A node that is not free any more; NULL: no memory. */
static struct cache_node *
cache_shard_take(struct cache_shard *s)
{
	struct cache_node *n;

	if (!s->free && !cache_shard_add_slab(s))
		return NULL;
	n = s->free;
	s->free = atomic_load_explicit(&n->chain, memory_order_relaxed);
	return n;
}

/* --- memory of evicted blocks ------------------------------------------- */

/* Smaller ones malloc has at hand; larger ones than this part of the shard are
 * not kept. */
#define CACHE_SPARE_MIN  1024
#define CACHE_SPARE_PART 128

/* Sizes that follow each other have places of their own: see frame_room. */
static inline struct cache_spare *
cache_spare_slot(struct cache_shard *s, size_t room)
{
	return &s->spares[room / 256 % CACHE_SPARES];
}

/*
 * Instead of free: who evicts a block has read another, and the next one will,
 * too.  malloc would look into what lies beside it, which is far from the
 * processor by now, join the two and cut them again.
 */
static void
cache_spare_put(struct cache_shard *s, uint8_t *data, size_t size)
{
	struct cache_spare new = {data, frame_room(size)};
	struct cache_spare *spare = cache_spare_slot(s, new.room);
	struct cache_spare old = new;

	if (new.room >= CACHE_SPARE_MIN &&new.room <=
	    s->bytes_max / CACHE_SPARE_PART) {
		/* Sizes change, but not often: the last one is right. */
		old = *spare;
		*spare = new;
	}
	cache_memory_give(s->memory, old.data, old.room);
}

uint8_t *
cache_shard_take_spare(struct cache_shard *s, size_t size)
{
	struct cache_spare *spare = cache_spare_slot(s, frame_room(size));
	uint8_t *data = spare->data;

	if (!data || spare->room != frame_room(size))
		return NULL;
	spare->data = NULL;
	return data;
}

void
cache_shard_release(struct cache_shard *s, struct cache_node *n)
{
	cache_shard_count_bytes(s, 0, cache_node_charge(n));
	cache_spare_put(s, cache_node_data(n), n->pub.data.size);
	n->pub.data = bytes_of(NULL, 0);
	/* Release: a reader who is still here may go on to a slab that was
	 * cleared since it came. */
	atomic_store_explicit(&n->chain, s->free, memory_order_release);
	s->free = n;
}

static struct cache_node *
cache_shard_find(struct cache_shard *s, const struct cache_key *k)
{
	struct cache_node *n = atomic_load_explicit(
	    cache_shard_bucket(s, k->hash), memory_order_relaxed);

	while (n && !cache_node_is(n, k))
		n = atomic_load_explicit(&n->chain, memory_order_relaxed);
	return n;
}

static void
cache_shard_enqueue(
    struct cache_shard *s, struct cache_node *n, enum cache_place place)
{
	struct cache_queue *q = &s->queues[place];

	n->place = (uint8_t)place;
	TAILQ_INSERT_HEAD(&q->list, n, link);
	q->bytes += cache_node_charge(n);
	q->count++;
}

static void
cache_shard_dequeue(struct cache_shard *s, struct cache_node *n)
{
	struct cache_queue *q = &s->queues[n->place];

	TAILQ_REMOVE(&q->list, n, link);
	q->bytes -= cache_node_charge(n);
	q->count--;
	n->place = CACHE_NOWHERE;
}

/* Nobody finds it any more, but for readers who are on their way. */
static void
cache_shard_unlink(struct cache_shard *s, struct cache_node *n)
{
	_Atomic(struct cache_node *) *p =
	    cache_shard_bucket(s, cache_node_hash(n));
	struct cache_node *at = atomic_load_explicit(p, memory_order_relaxed);

	while (at != n) {
		p = &at->chain;
		at = atomic_load_explicit(p, memory_order_relaxed);
	}
	/* Release: as when it was linked. */
	atomic_store_explicit(p,
	    atomic_load_explicit(&n->chain, memory_order_relaxed),
	    memory_order_release);
	cache_shard_dequeue(s, n);
}

/* As cache_shard_unlink, and without the shard's reference. */
static void
cache_shard_forget(struct cache_shard *s, struct cache_node *n)
{
	cache_shard_unlink(s, n);
	if (cache_node_unref(n) == 0)
		cache_shard_release(s, n);
}

/* --- ghosts: the lock is held ------------------------------------------ */

static inline uint64_t *
cache_ghost_slot(struct cache_shard *s, uint64_t hash)
{
	return &s->ghosts.slots[(hash >> 8) & s->mask];
}

/* High half: fingerprint, never 0; low half: time. */
static inline uint32_t
cache_ghost_mark(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1;
}

static void
cache_ghost_add(struct cache_shard *s, uint64_t hash)
{
	*cache_ghost_slot(s, hash) =
	    (uint64_t)cache_ghost_mark(hash) << 32 | s->ghosts.time++;
}

/* Whether it was among the last evicted, as many as there are blocks. */
static bool
cache_ghost_has(struct cache_shard *s, uint64_t hash)
{
	uint64_t slot = *cache_ghost_slot(s, hash);

	return slot >> 32 == cache_ghost_mark(hash) &&
	       (uint32_t)(s->ghosts.time - (uint32_t)slot) <=
		   s->queues[CACHE_MAIN].count + s->queues[CACHE_SMALL].count;
}

/* --- evicting: the lock is held ---------------------------------------- */

/* Back into a queue; false if nobody wants it there. */
static bool
cache_evict_keep(struct cache_shard *s, struct cache_node *n)
{
	uint8_t uses = atomic_load_explicit(&n->uses, memory_order_relaxed);

	if (n->place == CACHE_SMALL && uses < CACHE_USES_KEPT)
		return false;
	if (n->place == CACHE_MAIN && uses == 0)
		return false;
	uses = n->place == CACHE_SMALL ? 0 : (uint8_t)(uses - 1);
	atomic_store_explicit(&n->uses, uses, memory_order_relaxed);
	cache_shard_dequeue(s, n);
	cache_shard_enqueue(s, n, CACHE_MAIN);
	return true;
}

/* False: it is pinned, and was moved out of the way. */
static bool
cache_evict_node(struct cache_shard *s, struct cache_node *n)
{
	enum cache_place place = (enum cache_place)n->place;
	uint32_t one = 1;

	/* Acquire: what those did who let it go is done. */
	if (!atomic_compare_exchange_strong_explicit(&n->refs, &one, 0,
		memory_order_acquire, memory_order_relaxed)) {
		cache_shard_dequeue(s, n);
		cache_shard_enqueue(s, n, place);
		return false;
	}
	if (place == CACHE_SMALL)
		cache_ghost_add(s, cache_node_hash(n));
	cache_shard_unlink(s, n);
	cache_shard_release(s, n);
	return true;
}

/* The queue from which the next one goes. */
static struct cache_queue *
cache_evict_queue(struct cache_shard *s)
{
	struct cache_queue *small = &s->queues[CACHE_SMALL];
	struct cache_queue *main = &s->queues[CACHE_MAIN];

	return main->count == 0 ||
		       small->bytes > s->bytes_max / CACHE_SMALL_PART
		   ? small
		   : main;
}

/* Frees one block; false if those looked at are all pinned. */
static bool
cache_evict_one(struct cache_shard *s)
{
	unsigned rounds = 0, pinned = 0;
	struct cache_node *n;

	while (pinned < CACHE_ROUNDS_MAX) {
		n = TAILQ_LAST(&cache_evict_queue(s)->list, cache_list);
		if (!n)
			return false;
		if (rounds < CACHE_ROUNDS_MAX && cache_evict_keep(s, n))
			rounds++;
		else if (cache_evict_node(s, n))
			return true;
		else
			pinned++;
	}
	return false;
}

void
cache_shard_trim(struct cache_shard *s)
{
	while (cache_shard_over(s) && cache_evict_one(s))
		;
}

/* --- putting ------------------------------------------------------------ */

/* A new node of this shard, with the shard's reference and the caller's. */
static void
cache_shard_insert(
    struct cache_shard *s, struct cache_node *n, const struct cache_key *k)
{
	_Atomic(struct cache_node *) *p = cache_shard_bucket(s, k->hash);

	cache_shard_count_bytes(s, cache_node_charge(n), 0);
	atomic_store_explicit(&n->file, k->file, memory_order_relaxed);
	atomic_store_explicit(&n->offset, k->offset, memory_order_relaxed);
	atomic_store_explicit(&n->uses, 0, memory_order_relaxed);
	cache_shard_enqueue(
	    s, n, cache_ghost_has(s, k->hash) ? CACHE_MAIN : CACHE_SMALL);
	/* Release, both: file, offset and data come before. */
	atomic_store_explicit(&n->refs, 2, memory_order_release);
	atomic_store_explicit(&n->chain,
	    atomic_load_explicit(p, memory_order_relaxed),
	    memory_order_release);
	atomic_store_explicit(p, n, memory_order_release);
}

struct cache_node *
cache_shard_put(struct cache_shard *s, const struct cache_key *k,
    struct bytes data, bool fill)
{
	struct cache_node *n = cache_shard_find(s, k);

	if (n) {
		/* Relaxed: the lock keeps the shard's own reference. */
		atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
		cache_node_use(n);
		cache_memory_give(
		    s->memory, (uint8_t *)(uintptr_t)data.data, data.size);
		return n;
	}
	n = fill ? cache_shard_take(s) : NULL;
	if (!n)
		return NULL;
	n->pub.data = data;
	cache_shard_insert(s, n, k);
	cache_shard_trim(s);
	return n;
}

/* --- beginning and end -------------------------------------------------- */

/* Looked into for every block, as nodes are. */
static void *
cache_shard_table(struct cache_shard *s, size_t bytes)
{
	void *table = extent_take(s->memory, bytes);

	if (!table)
		return calloc(1, bytes);
	memset(table, 0, bytes);
	return table;
}

bool
cache_shard_init(
    struct cache_shard *s, struct extent_pool *memory, size_t bytes_max)
{
	size_t count = CACHE_BUCKETS_MIN;

	memset(s, 0, sizeof(*s));
	while (count < bytes_max / CACHE_BUCKET_BYTES)
		count *= 2;
	s->memory = memory;
	s->bytes_max = bytes_max;
	s->mask = count - 1;
	for (int i = 0; i < 3; i++)
		TAILQ_INIT(&s->queues[i].list);
	lock_init(&s->lock, LOCK_RANK_CACHE);
	s->buckets = cache_shard_table(s, count * sizeof(*s->buckets));
	s->ghosts.slots = calloc(count, sizeof(*s->ghosts.slots));
	return s->buckets && s->ghosts.slots;
}

/* Those of file, or all. */
static void
cache_shard_forget_if(struct cache_shard *s, bool all, uint64_t file)
{
	struct cache_node *n;

	for (struct cache_slab *slab = s->slabs; slab; slab = slab->next)
		for (size_t i = 0; i < CACHE_SLAB_NODES; i++) {
			n = &slab->nodes[i];
			if (n->place != CACHE_NOWHERE &&
			    (all || atomic_load_explicit(&n->file,
					memory_order_relaxed) == file))
				cache_shard_forget(s, n);
		}
}

void
cache_shard_fini(struct cache_shard *s)
{
	struct cache_slab *slab;
	struct cache_run *run;

	cache_shard_forget_if(s, true, 0);
	must(atomic_load_explicit(&s->bytes, memory_order_relaxed) == 0);
	for (size_t i = 0; i < CACHE_SPARES; i++)
		cache_memory_give(
		    s->memory, s->spares[i].data, s->spares[i].room);
	while ((slab = s->slabs)) {
		s->slabs = slab->next;
		if (!extent_has(s->memory, slab))
			free(slab);
	}
	while ((run = s->runs)) {
		s->runs = run->next;
		extent_give(s->memory, run, CACHE_RUN_BYTES);
	}
	cache_extent_give(
	    s->memory, s->buckets, (s->mask + 1) * sizeof(*s->buckets));
	free(s->ghosts.slots);
	lock_fini(&s->lock);
}

void
cache_shard_drop_file(struct cache_shard *s, uint64_t file)
{
	cache_shard_forget_if(s, false, file);
}
