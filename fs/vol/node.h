/*
 * node: the inodes that are in use, in memory; private to fs/vol.
 *
 * A node caches what its entry record says (write-through: the record in the
 * store is always as new) and knows the key under which the record stands, so
 * an operation on an inode needs no path.  A directory keeps its prefix for
 * life, so renaming it changes its own node only.
 *
 * States:
 *	linked		key is an E key; the record stands there
 *	orphan on disk	unlinked, has blocks or big xattrs: key is O ino
 *	orphan in memory unlinked, inline or not a file: no record in the
 *			store; it is in `kept`.  A write that outgrows the
 *			inline limit makes it an orphan on disk.
 *
 * Locks, in this order: v->names (rwlock: lookups read, changes of names
 * write), node stripes (node_lock; several in growing stripe order through
 * node_lock_many), v->table lock (lookup counts, hash).  A node's fields below
 * "stripe" are read and written under its stripe.  The key and state of a
 * linked node change only with v->names held for writing as well.
 *
 * A directory's node holds a reference on its parent's, so the way up to the
 * root is always in memory and rename can walk it.
 */
#ifndef FS_VOL_NODE_H
#define FS_VOL_NODE_H

#include <sys/queue.h>

#include "fs/record/entry.h"
#include "fs/store/store.h"
#include "fs/vol/node_xattrs.h"
#include "fs/vol/vol.h"

enum node_state { NODE_LINKED, NODE_ORPHAN_DISK, NODE_ORPHAN_MEMORY };

struct node {
	/* table lock */
	LIST_ENTRY(node) hash;
	uint64_t lookups;
	uint32_t refs; /* operations that use it now */

	/* constant */
	uint64_t ino;
	enum entry_type type;
	struct buf prefix; /* directories */

	/* v->names */
	struct node *parent; /* directories; the root: NULL */

	/* stripe */
	enum node_state state;
	bool changed;      /* since the node came into memory */
	bool has_tail;     /* the record has more than attr and xattrs */
	bool has_xattrs;   /* in the record or under X */
	struct buf key;    /* of the record */
	struct entry attr; /* prefix, content, xattrs: empty views */
	struct node_xattrs *xattrs; /* NULL: none, or not kept */
	uint64_t policy;            /* in the xattrs, packed; policy.h */
	struct buf kept;            /* orphan in memory: its whole record */
	uint64_t trim_from; /* blocks still to be deleted; node_trim.h */
};

#define NODE_NO_TRIM    UINT64_MAX
#define NODE_MAYBE_TRIM (UINT64_MAX - 1) /* if there is an O record */

/* What a node is made of. */
struct node_source {
	struct bytes key;
	const struct entry *entry;
	struct node *parent; /* directories; the root: NULL */
};

/* --- the table --------------------------------------------------------- */

/* The node of ino with a reference, or -ESTALE; -EIO if v is stopped. */
int node_get(struct vol *v, uint64_t ino, struct node **out);

/*
 * The node for a record that was read under src->key; adds one reference and
 * `lookups`.  If there is one already it is returned as it is (it is at least
 * as new).  Caller holds v->names since before it read the record.
 *
 * era: node_era() from before the record was read.  -EAGAIN if a node that had
 * been changed left memory meanwhile: the record may be older than that
 * change; read it again.
 */
int node_make(struct vol *v, uint64_t era, const struct node_source *src,
    uint64_t lookups, struct node **out);
uint64_t node_era(const struct vol *v);

/*
 * The node of something that is being created: made before the batch is
 * written, then published by node_attach (cannot fail) or freed by
 * node_discard.
 */
int node_new(const struct node_source *src, struct node **out);
void node_attach(struct vol *v, struct node *n, uint64_t lookups);
void node_discard(struct node *n); /* NULL allowed */

/* The node of ino if it is in memory, with a reference, else NULL. */
struct node *node_find(struct vol *v, uint64_t ino);

/* Another reference.  The caller has one. */
void node_ref(struct vol *v, struct node *n);

/* Drops a reference; frees (and purges) the node if nothing uses it.  NULL
 * allowed.  Without locks: purging takes time. */
void node_put(struct vol *v, struct node *n);

/* Drops a reference and `lookups`, at most as many as there are. */
void node_forget(struct vol *v, struct node *n, uint64_t lookups);

/* Is a kernel (or whoever took lookups) still holding on to it? */
bool node_is_looked_up(struct vol *v, struct node *n);

/* A directory moves: its parent is now `to`.  Caller holds v->names for
 * writing and references on the parents. */
void node_set_parent(struct vol *v, struct node *n, struct node *to);

/* Takes key's memory; the node's former key is freed. */
void node_set_key(struct node *n, struct buf *key);

/*
 * After the batch that removed n's name was written: e is its last entry, and
 * kept its record, to be an orphan in memory; empty if the batch held its O
 * record.  Takes kept's memory.  Caller holds v->names for writing, the stripe.
 */
void node_unlink(struct node *n, const struct entry *e, struct buf *kept);

/* Frees all nodes; purge: what they leave in the store as well. */
void node_free_all(struct vol *v, bool purge);

void node_lock(struct vol *v, struct node *n);
void node_unlock(struct vol *v, struct node *n);

/* Up to NODE_LOCK_MANY nodes, NULLs and repeats allowed, in stripe order. */
#define NODE_LOCK_MANY 4
void node_lock_many(struct vol *v, struct node *const *nodes, size_t count);
void node_unlock_many(struct vol *v, struct node *const *nodes, size_t count);

/* --- the record (caller holds the stripe) ------------------------------- */

/* The full record: attr with content and xattrs as views into the value (or
 * into the node).  Costs a store_get only if the node has a tail. */
int node_load(struct vol *v, struct node *n, struct store_value *value,
    struct entry *out);

/*
 * Puts the record for e under n's key into the batch.  For an orphan in
 * memory: nothing, unless e has blocks or big xattrs: then its O record.
 */
int node_save(struct vol *v, struct store_batch *b, struct node *n,
    const struct entry *e);

/* After the batch was written: e becomes what the node caches.  e may have
 * views into what node_load gave.  Fails (-ENOMEM) only for an orphan in
 * memory, and then changes nothing. */
int node_commit(struct vol *v, struct node *n, const struct entry *e);

void node_attr(const struct vol *v, const struct node *n, struct vol_attr *out);

#endif
