/*
 * merge: several iterators as one, in ikey_cmp order.
 *
 * Children may not hold equal ikeys (sequence numbers are unique); if they do
 * nevertheless, the child with the lower index comes first.  An error of any
 * child is an error of the merge.  A binary heap by direction; on a change of
 * direction every other child is sought to the present key.
 */
#ifndef ENGINE_TABLE_MERGE_H
#define ENGINE_TABLE_MERGE_H

#include "engine/table/iter.h"

/* Takes the children (also on error, when they are closed).  count may be 0;
 * one child is returned as it is. */
int merge_open(struct iter **children, size_t count, struct iter **out);

#endif
