/*
 * skiplist: entries in ikey order, in memory, read without locks.
 *
 * After LevelDB's SkipList and RocksDB's InlineSkipList: a node is one piece
 * of an arena, its links above and its entry inline behind; nothing is ever
 * removed or changed.  Entry: varint size of the ikey, ikey, varint size of
 * the value, value.
 * Use: skiplist_init(&s, &arena), skiplist_insert from the writer,
 * skiplist_seek... from anyone.  Nodes stay valid as long as the arena.
 * Owns: nothing; memory is the arena's.
 * Threads: one inserts at a time (the caller's lock), any number read.  A node
 * is whole when a reader can reach it: it is published by release stores, and
 * readers follow links by acquire loads.
 * Limits: about 4^12 entries before searching slows down; keys and values
 * below 4 GiB together.
 */
#ifndef ENGINE_DB_SKIPLIST_H
#define ENGINE_DB_SKIPLIST_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/table/ikey.h"

#define SKIPLIST_HEIGHT_MAX 12

/* Arena bytes of an entry beyond those of its user key and value, at most. */
#define SKIPLIST_OVERHEAD_MAX                                  \
	(SKIPLIST_HEIGHT_MAX * sizeof(void *) + IKEY_TRAILER + \
	    2 * WIRE_VARINT_MAX + 8)

struct skiplist_node;

/*
 * A place where the writer put an entry: on each level a node before it.  On
 * level 0 the one right before; above, others may have gone in since.  Several,
 * because writers weave: a file's entry here, its directory's there.
 */
#define SKIPLIST_FINGERS 4

struct skiplist_finger {
	struct skiplist_node *prev[SKIPLIST_HEIGHT_MAX];
	uint64_t used; /* the insert that used it last */
};

struct skiplist {
	struct arena *arena;        /* constant after init */
	struct skiplist_node *head; /* constant after init */
	_Atomic unsigned height;    /* levels in use; set by the writer */

	/* the writer's */
	const struct skiplist_node *last; /* inserted last */
	uint64_t random;
	uint64_t inserts;
	uint64_t searches; /* inserts that were not next to a finger */
	struct skiplist_finger fingers[SKIPLIST_FINGERS];
};

/* -ENOMEM.  The arena is the caller's and outlives the list. */
int skiplist_init(struct skiplist *s, struct arena *arena);

/*
 * Copies the entry in.  The ikey may not be there already.  Fast when it
 * belongs next to one of the last entries.  *bytes (may be NULL) is what it
 * took of the arena.  -ENOMEM leaves the list as it was.
 */
int skiplist_insert(struct skiplist *s, const struct ikey *key,
    struct bytes value, size_t *bytes);

/* The same for a value in two pieces. */
int skiplist_insert_joined(struct skiplist *s, const struct ikey *key,
    const struct bytes value[2], size_t *bytes);

/*
 * Reads ahead for the inserts of these keys, at most SKIPLIST_WARM_MAX: what
 * their searches will look at comes into the processor's caches.  The searches
 * are made side by side, so that they wait for memory at the same time and not
 * one after the other.  Behind each key SKIPLIST_BEHIND bytes can be read.  The
 * writer's.
 */
#define SKIPLIST_WARM_MAX 16
#define SKIPLIST_BEHIND   8
void skiplist_warm(
    const struct skiplist *s, const struct bytes *users, size_t count);

/* NULL: there is none. */
const struct skiplist_node *skiplist_first(const struct skiplist *s);
const struct skiplist_node *skiplist_last(const struct skiplist *s);

/* The first entry >= ikey (encoded, at least IKEY_TRAILER bytes); the last
 * entry < ikey. */
const struct skiplist_node *skiplist_seek(
    const struct skiplist *s, struct bytes ikey);
const struct skiplist_node *skiplist_before(
    const struct skiplist *s, struct bytes ikey);

const struct skiplist_node *skiplist_next(const struct skiplist_node *n);
struct bytes skiplist_key(const struct skiplist_node *n);

/* Both at once: the value stands behind the key. */
void skiplist_entry(
    const struct skiplist_node *n, struct bytes *ikey, struct bytes *value);

/* Whether every level is in order and holds only nodes of the level below; for
 * tests, while nobody inserts. */
bool skiplist_check(const struct skiplist *s);

#endif
