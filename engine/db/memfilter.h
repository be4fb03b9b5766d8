/*
 * memfilter: which user keys a memtable may have, so that most lookups need
 * not search it.
 *
 * A bloom filter of 64-bit words: a key sets MEMFILTER_PROBES bits of one word
 * (Putze, Sanders, Singler 2007, "Cache-, Hash- and Space-Efficient Bloom
 * Filters", with a word for the block), so that adding and asking touch one
 * word each; asking touches none while it is empty.  With 18 bits a key one
 * absent key in 250 passes, with 6 one in 14; with far too many keys all pass,
 * at the cost of one load.
 * Use: zeroed struct, or memfilter_init with memory of the caller; it answers
 * "maybe" to everything until it has memory.  Keys enter as hash_64(user key,
 * 0), as into the filters of tables.
 * Threads: one adds at a time; any number ask meanwhile.  Nothing that was set
 * is cleared, and the loads and stores are relaxed: what orders them is the
 * number that the database publishes.  Who asks at a number has acquired it,
 * so everything the writer did before it released that number happened before
 * (C11 5.1.2.4): the bits of every entry up to that number are seen.
 */
#ifndef ENGINE_DB_MEMFILTER_H
#define ENGINE_DB_MEMFILTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMFILTER_PROBES 4

struct memfilter {
	_Atomic uint64_t *words; /* constant after init */
	uint32_t count;          /* constant after init */
	atomic_bool used;        /* something was added */
};

/* Bytes of a filter for a memtable of memtable_bytes: a 64th part, or 0 if
 * that would be too little for any.  A multiple of 8. */
size_t memfilter_bytes(size_t memtable_bytes);

/* memory: bytes (what memfilter_bytes said, not 0) aligned to 8; it outlives
 * the filter. */
void memfilter_init(struct memfilter *f, void *memory, size_t bytes);

static inline size_t
memfilter_size(const struct memfilter *f)
{
	return f->count * sizeof(uint64_t);
}

/* Low half of the hash: the word; high half: 6 bits a probe. */
static inline _Atomic uint64_t *
memfilter_word(const struct memfilter *f, uint64_t hash)
{
	return &f->words[(hash & UINT32_MAX) * f->count >> 32];
}

static inline uint64_t
memfilter_mask(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 32 & 63) |
	       UINT64_C(1) << (hash >> 38 & 63) |
	       UINT64_C(1) << (hash >> 44 & 63) |
	       UINT64_C(1) << (hash >> 50 & 63);
}

static inline void
memfilter_add(struct memfilter *f, uint64_t hash)
{
	_Atomic uint64_t *word;
	uint64_t bits;

	if (f->count == 0)
		return;
	/* Only one thread writes: no read-modify-write is needed. */
	if (!atomic_load_explicit(&f->used, memory_order_relaxed))
		atomic_store_explicit(&f->used, true, memory_order_relaxed);
	word = memfilter_word(f, hash);
	bits = atomic_load_explicit(word, memory_order_relaxed);
	atomic_store_explicit(
	    word, bits | memfilter_mask(hash), memory_order_relaxed);
}

/* Never false for a key that was added. */
static inline bool
memfilter_may_contain(const struct memfilter *f, uint64_t hash)
{
	uint64_t mask = memfilter_mask(hash);

	if (f->count == 0)
		return true;
	if (!atomic_load_explicit(&f->used, memory_order_relaxed))
		return false;
	return (atomic_load_explicit(
		    memfilter_word(f, hash), memory_order_relaxed) &
		   mask) == mask;
}

#endif
