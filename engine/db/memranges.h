/*
 * memranges: the range tombstones of a memtable.
 *
 * Those added are cut into an immutable set (engine/table/ranges.h) now and
 * then; a short tail of the last ones is gone through one by one.  Readers
 * take no lock: a set and its tail are never changed but for tombstones added
 * to the tail, and stay as long as the memtable.
 * What is under a tombstone of its own memtable may be older than it, or newer.
 * So that a reader can pass over a large deleted range all the same, the keys
 * that came into deleted ranges later are noted, in a new list when tombstones
 * were added since: under a tombstone only what stands in newer lists can be
 * seen.
 * Use: memranges_reserve, then memranges_add for tombstones and memranges_note
 * for entries, in order of their numbers; memranges_settle.  A hint comes later
 * than its number says, which may be read at by then: it is staged, the entries
 * above it are noted again, and then it is published.  Readers: memranges_look,
 * then the questions.
 * Owns: sets and lists.  Keys of tombstones are the caller's.
 * Threads: one adds at a time (the database's write lock), any number read.
 * Who reads at a published number sees every tombstone and every noted key up
 * to it, for they were there before it was published; and who sees a hint sees
 * every noted key under it.
 */
#ifndef ENGINE_DB_MEMRANGES_H
#define ENGINE_DB_MEMRANGES_H

#include <stdatomic.h>

#include "engine/db/skiplist.h"
#include "engine/table/ranges_build.h"

struct memranges_state;
struct memranges_list;

struct memranges {
	_Atomic(struct memranges_state *) state; /* NULL: no tombstones */
	_Atomic(struct memranges_list *) newest;
	/* Keys could not be noted for want of memory: nothing is passed over.
	 */
	atomic_bool lost;
	_Atomic size_t bytes; /* of sets and lists; set by the writer */

	/* the writer's */
	bool begin_list; /* tombstones were added since a key was noted */
	size_t staged;   /* behind the tail */
	size_t count;
	size_t key_bytes;
	struct arena arena; /* of the lists */
};

void memranges_init(struct memranges *r);
void memranges_fini(struct memranges *r);

/* Whether a memtable may take so many more tombstones, with keys of so many
 * bytes; one that has none takes any number. */
bool memranges_take(const struct memranges *r, size_t count, size_t bytes);

/* Makes sure that the next count calls of memranges_add do not fail; nothing is
 * staged. */
int memranges_reserve(struct memranges *r, size_t count);

/* begin and end (of no bytes: none) must stay.  -ENOMEM: without a
 * reservation. */
int memranges_add(
    struct memranges *r, struct bytes begin, struct bytes end, uint64_t seq);

/* As memranges_add in two steps, for hints (hint.h); what is staged, within a
 * reservation, is seen by the writer only, and by all others at once. */
void memranges_stage(
    struct memranges *r, struct bytes begin, struct bytes end, uint64_t seq);
void memranges_publish(struct memranges *r);

/* Whether a hint would tell anything new, and is not one too many. */
bool memranges_want_hint(const struct memranges *r, struct bytes begin,
    struct bytes end, uint64_t seq);

/* Behind a number of adds: keeps the tail short. */
void memranges_settle(struct memranges *r);

void memranges_note_covered(struct memranges *r, const struct ikey *key);

/* An entry is added to the memtable. */
static inline void
memranges_note(struct memranges *r, const struct ikey *key)
{
	/* Relaxed: only the writer, who calls this, changes it. */
	if (atomic_load_explicit(&r->state, memory_order_relaxed))
		memranges_note_covered(r, key);
}

size_t memranges_bytes(const struct memranges *r);

/* All tombstones, each a group of its own; while nobody adds. */
int memranges_collect(const struct memranges *r, struct ranges_build *b);

/* What was there at one moment. */
struct memranges_look {
	const struct memranges_state *state;
	size_t tail_count;
	const struct memranges_list *newest;
	const struct memranges *ranges;
	size_t near; /* where the last key was found */
};

/* False, at the cost of one load: there are none. */
static inline bool
memranges_any(const struct memranges *r)
{
	/* Relaxed: who may see a tombstone has acquired its number. */
	return atomic_load_explicit(&r->state, memory_order_relaxed) != NULL;
}

/* Only if there are any. */
void memranges_take_look(const struct memranges *r, struct memranges_look *out);

/* The number of the newest tombstone at or below seq that covers the key; 0:
 * none.  Only if there are any. */
uint64_t memranges_cover(
    const struct memranges *r, struct bytes key, uint64_t seq);

/* As ranges_at_near. */
void memranges_at(struct memranges_look *l, struct bytes key, uint64_t seq,
    struct ranges_cover *out);

/*
 * The first key behind target's, or the last one up to it, that may have an
 * entry above seq: 1 and *out, 0 none, <0: anything may.  target is an encoded
 * ikey behind all entries of its key.
 */
int memranges_next_newer(const struct memranges_look *l, struct bytes target,
    uint64_t seq, struct bytes *out);
int memranges_prev_newer(const struct memranges_look *l, struct bytes target,
    uint64_t seq, struct bytes *out);

#endif
