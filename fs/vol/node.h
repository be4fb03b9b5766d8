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
 *	orphan on disk	unlinked, has blocks: key is O ino
 *	orphan in memory unlinked, inline or not a file: no record in the
 *			store; content is in `kept`.  A write that outgrows
 *			the inline limit makes it an orphan on disk.
 *	removed		a directory after rmdir: nothing is left of it
 *
 * Locks, in this order: v->names (rwlock: lookups read, changes of names
 * write), node stripes (node_lock; several in growing stripe order through
 * node_lock_many), v->table lock (lookup counts, hash).  A node's fields below
 * "stripe" are read and written under its stripe.
 */
#ifndef FS_VOL_NODE_H
#define FS_VOL_NODE_H

#include <sys/queue.h>

#include "fs/record/entry.h"
#include "fs/store/store.h"
#include "fs/vol/vol.h"

enum node_state { NODE_LINKED, NODE_ORPHAN_DISK, NODE_ORPHAN_MEMORY,
	NODE_REMOVED };

struct node {
	/* table lock */
	LIST_ENTRY(node) hash;
	uint64_t lookups;
	uint32_t refs; /* operations that use it now */

	/* constant */
	uint64_t ino;
	struct buf prefix; /* directories */

	/* stripe */
	enum node_state state;
	struct buf key;	   /* of the record */
	struct entry attr; /* prefix, content, xattrs: empty views */
	bool has_tail;	   /* the record has content or xattrs beyond attr */
	struct buf kept;   /* orphan in memory: its whole record */
};

/* --- the table --------------------------------------------------------- */

/* The node of ino with a reference, or -ESTALE. */
int node_get(struct vol *v, uint64_t ino, struct node **out);

/*
 * The node for a record that was just read or written under key; adds one
 * reference and `lookups`.  If there is one already it is returned as it is
 * (it is at least as new).  Caller holds v->names.
 */
int node_make(struct vol *v, struct bytes key, const struct entry *e,
    uint64_t lookups, struct node **out);

/* Drops a reference; frees (and purges) the node if nothing uses it. */
void node_put(struct vol *v, struct node *n);

void node_lock(struct vol *v, struct node *n);
void node_unlock(struct vol *v, struct node *n);

/* Up to 4 nodes, NULLs and repeats allowed, in stripe order. */
void node_lock_many(struct vol *v, struct node *const *nodes, size_t count);
void node_unlock_many(struct vol *v, struct node *const *nodes, size_t count);

/* --- the record (caller holds the stripe) ------------------------------- */

/* The full record: attr with content and xattrs as views into the value (or
 * into n->kept).  Costs a store_get only if the node has a tail. */
int node_load(struct vol *v, struct node *n, struct store_value *value,
    struct entry *out);

/* Puts the record for e under n's key into the batch (nothing for an orphan
 * in memory: node_commit keeps it). */
int node_save(struct vol *v, struct store_batch *b, struct node *n,
    const struct entry *e);

/* After the batch was written: e becomes what the node caches. */
int node_commit(struct vol *v, struct node *n, const struct entry *e);

void node_attr(const struct vol *v, const struct node *n,
    struct vol_attr *out);

#endif
