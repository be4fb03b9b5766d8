/*
 * lookup: from a directory and a name to what stands there; private to fs/vol.
 *
 * Use, with v->names held for writing: lookup_begin to find the entry;
 * lock the stripes of what is to change, found.node among them;
 * lookup_refresh, as the node may have changed before it was locked; and once
 * all locks are released, lookup_end.
 * Owns: found holds a value and a reference until lookup_end.
 */
#ifndef FS_VOL_LOOKUP_H
#define FS_VOL_LOOKUP_H

#include "fs/vol/state.h"

struct lookup {
	bool exists;
	uint64_t seq; /* the store's, before it was read */
	struct buf key;
	struct store_value value;
	struct entry entry; /* views into value, or into the node */
	struct node *node;  /* if it is in memory, with a reference */
};

/* found must be zeroed.  0 also if there is nothing of that name. */
int lookup_begin(struct vol *v, const struct node *parent, struct bytes name,
    struct lookup *found);
int lookup_refresh(struct vol *v, struct lookup *found);
void lookup_end(struct vol *v, struct lookup *found);

/* A directory in which names can be looked up and made: 0, -ENOTDIR, or
 * -ENOENT if it was removed.  Caller holds v->names. */
int lookup_check_dir(const struct node *n);

/* Decodes an entry that was read under key, and refuses (with a message) what
 * cannot be one of a volume. */
int lookup_decode(
    struct vol *v, struct bytes key, struct bytes record, struct entry *out);

/* Reads the entry under key and makes its node with a reference and one
 * lookup.  1, 0 absent, <0.  Caller holds v->names. */
int lookup_make(
    struct vol *v, struct node *parent, struct bytes key, struct node **out);

#endif
