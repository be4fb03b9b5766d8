/*
 * node_xattrs: a node's copy of its entry's xattr list; private to fs/vol.
 *
 * So that asking for an xattr, and changing a directory that has some, reads no
 * record.  A NULL pointer is an empty list, or none for want of memory.
 * Threads: the caller holds the node's stripe.
 */
#ifndef FS_VOL_NODE_XATTRS_H
#define FS_VOL_NODE_XATTRS_H

#include "engine/base/bytes.h"

struct node_xattrs {
	size_t size;
	uint8_t list[];
};

struct bytes node_xattrs_list(const struct node_xattrs *x);

/* *x becomes a copy of list, which may be that of *x itself. */
void node_xattrs_keep(struct node_xattrs **x, struct bytes list);

#endif
