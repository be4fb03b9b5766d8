/*
 * memtable: the newest entries, in memory, sorted; the log has them too.
 *
 * Use: memtable_new, memtable_reserve and memtable_add_op for each operation
 * (or memtable_apply for a batch), then the database publishes the batch's last
 * sequence number; memtable_get and iterators at a published number;
 * memtable_unref.  Range tombstones are kept apart (memranges.h): gets and
 * iterators do not look at them.
 * Owns: copies of keys and values, until the last reference goes; of large
 * values, references to where the log has them, and the files held.
 * Threads: one adds at a time (the database's write lock); any number
 * read meanwhile without a lock.  An entry is visible to readers as soon as it
 * is in, so the atomicity of a batch is the readers': they seek no number that
 * is not published (by a release store that they acquire). Errors: -ENOMEM from
 * add may leave half a batch in, with numbers that are never published.  After
 * memtable_reserve no add can fail.
 */
#ifndef ENGINE_DB_MEMTABLE_H
#define ENGINE_DB_MEMTABLE_H

#include <stdatomic.h>

#include "engine/db/memfilter.h"
#include "engine/db/memranges.h"
#include "engine/db/skiplist.h"
#include "engine/table/ikey.h"
#include "engine/table/iter.h"

struct batch_cursor;
struct batch_op;
struct batch_ranges;
struct chunk_pool;
struct value_file;

/* Writes that may come between what an iterator sees and its hint. */
#define MEMTABLE_RECENT 4096

struct memtable {
	_Atomic unsigned refs;

	/* The log that what it holds begins in; the database's to set, before
	 * others see the memtable. */
	uint64_t log_no;

	/* How much of its size was used when it became full, 1: all; the
	 * database's, set before it does. */
	double used;

	/* Set by the writer, relaxed: figures that guard no other memory.
	 * The sequence numbers are 0 while it is empty. */
	_Atomic uint64_t first_seq; /* smallest added */
	_Atomic uint64_t last_seq;  /* largest added */
	_Atomic uint64_t count;     /* entries and range tombstones */
	_Atomic size_t bytes;       /* their memory */

	/* the writer's: the last entries, by number of insertion */
	const struct skiplist_node *recent[MEMTABLE_RECENT];
	uint64_t inserted;
	uint64_t expected; /* inserts and searches of the list at the last */
	uint64_t searched; /* memtable_expect */
	uint64_t deletes;  /* of single keys, among the entries */
	uint64_t passed;   /* that hints speak of */

	/* the writer's: files that entries refer to */
	struct value_file **values;
	size_t value_count;

	struct arena arena;
	struct skiplist list;
	struct memfilter filter; /* memory is the arena's */
	struct memranges ranges; /* their keys are the arena's */
};

/* With one reference; NULL: no memory.  pool: of the arena, or NULL. */
struct memtable *memtable_new(struct chunk_pool *pool);

/* As memtable_new, with a filter for a memtable that grows to bytes_max. */
struct memtable *memtable_new_sized(size_t bytes_max, struct chunk_pool *pool);
void memtable_ref(struct memtable *m);

/* Frees it with the last reference; NULL is allowed. */
void memtable_unref(struct memtable *m);

/* Makes sure that the next `count` adds, whose keys and values are `bytes`
 * bytes together, do not fail; ranges of them are range tombstones.  A
 * reservation is not added to an earlier one; it counts what is left of it. */
int memtable_reserve(
    struct memtable *m, size_t bytes, uint32_t count, uint32_t ranges);

/* Whether these may be added to what range tombstones it has. */
bool memtable_takes(const struct memtable *m, const struct batch_ranges *r);

/* Adds one entry; its sequence number may not be in use for this key. */
int memtable_add(struct memtable *m, uint64_t seq, enum ikey_kind kind,
    struct bytes key, struct bytes value);

/* Entries may refer to values in f from now on, which is held.  -ENOMEM. */
int memtable_hold_values(struct memtable *m, struct value_file *f);

/* Where the log has a batch: values of at least `large` bytes (0: none) become
 * references to it. */
struct memtable_place {
	size_t large;
	uint64_t file;          /* as in vref.h; held by the memtable */
	uint64_t offset;        /* of the payload in it */
	const uint8_t *payload; /* in memory, where values are views into */
};

static inline bool
memtable_place_refers(const struct memtable_place *p, struct bytes value)
{
	return p->large > 0 && value.size >= p->large;
}

/* The bytes to reserve for a batch.  ERR_DAMAGED (no message). */
int memtable_measure(struct bytes payload, const struct memtable_place *p,
    size_t *bytes, bool *refers);

/* As memtable_add, or a reference in place of the value; or a range tombstone.
 */
int memtable_add_op(struct memtable *m, uint64_t seq, const struct batch_op *op,
    const struct memtable_place *p);

/* The next operations of c, up to MEMTABLE_AHEAD, will be added: makes that
 * faster if their keys lie far apart. */
#define MEMTABLE_AHEAD SKIPLIST_WARM_MAX
void memtable_expect(struct memtable *m, const struct batch_cursor *c);

/* Range tombstones that delete nothing (hint.h). */
struct memtable_hints {
	uint64_t seq;
	struct bytes ranges; /* begin, end, begin, end, all sized */
	uint64_t deletes;    /* of single keys that stand in them */
};

/* last_seq: the newest number in use.  Returns how many were added.  Between
 * two batches, under the lock of who adds. */
size_t memtable_add_hints(
    struct memtable *m, const struct memtable_hints *h, uint64_t last_seq);

/* Much of what it holds is known to be deleted: a flush makes it small. */
bool memtable_is_spent(const struct memtable *m);

/* Behind the operations of a batch: puts in order what slows readers down. */
void memtable_settle(struct memtable *m);

/*
 * Adds all operations of a batch's payload (batch.h), the first with number
 * first_seq, the next with the next.  Reserves by itself.  ERR_DAMAGED (no
 * message) if the payload is malformed; then or on -ENOMEM, a part may be in.
 * p NULL: all values are in it.
 */
int memtable_apply(struct memtable *m, struct bytes payload, uint64_t first_seq,
    const struct memtable_place *p);

struct memtable_entry {
	uint64_t seq;
	enum ikey_kind kind;
	struct bytes value; /* valid while the memtable is referenced */
};

/* The newest entry of the target's user key at or below its number: 1 found
 * (a tombstone too: see kind), 0 none.  target: an encoded ikey. */
int memtable_get(
    const struct memtable *m, struct bytes target, struct memtable_entry *out);

/* False: no published entry has this user key (hash: hash_64(it, 0)), and
 * memtable_get would say so, only slower. */
static inline bool
memtable_may_contain(const struct memtable *m, uint64_t hash)
{
	return memfilter_may_contain(&m->filter, hash);
}

/* The number of the newest range tombstone at or below seq that covers the user
 * key; 0: none. */
static inline uint64_t
memtable_cover(const struct memtable *m, struct bytes user, uint64_t seq)
{
	return memranges_any(&m->ranges)
		   ? memranges_cover(&m->ranges, user, seq)
		   : 0;
}

/* An iterator that holds a reference.  Keys and values stay valid as long as
 * the memtable, not just until the next move. */
int memtable_iter_open(struct memtable *m, struct iter **out);

/* Memory of the entries and their filter (without what malloc holds ready for
 * more; 0 if there are none), and their number; from any thread. */
size_t memtable_bytes(const struct memtable *m);
uint64_t memtable_count(const struct memtable *m);
uint64_t memtable_first_seq(const struct memtable *m);
uint64_t memtable_last_seq(const struct memtable *m);

#endif
