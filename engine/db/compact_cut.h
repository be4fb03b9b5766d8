/*
 * compact_cut: where a large compaction is cut into pieces, which several
 * threads can do.  Pure functions.
 */
#ifndef ENGINE_DB_COMPACT_CUT_H
#define ENGINE_DB_COMPACT_CUT_H

#include "engine/db/pick.h"

#define COMPACT_CUT_MAX 31

/*
 * At most count - 1 user keys, ascending, that cut the inputs into pieces of
 * about the same size: a piece is what is at or above one and below the next.
 * They are the first keys of input tables of one level; their number is 0 if
 * no level > 0 has two of them.  Views into the tables.  Returns how many.
 */
size_t compact_cut(
    const struct pick *p, size_t count, struct bytes cuts[COMPACT_CUT_MAX]);

#endif
