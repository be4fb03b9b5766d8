/*
 * pick_part: a level table by table, where a disk is too full for all of it at
 * once.
 */
#ifndef ENGINE_DB_PICK_PART_H
#define ENGINE_DB_PICK_PART_H

#include "engine/db/pick.h"

/*
 * The next table of a level > 0 that begins behind the span *after, of the one
 * that was taken last (NULL: the first table), with what it overlaps in the
 * next level that has tables; in the deepest level alone, to be rewritten in
 * place, if it has deletes, entries that newer ones hide, or something that has
 * expired by now_ms.  1, 0: there is none, <0.  No compaction may run.
 */
int pick_part_next(const struct version *v, unsigned level,
    const struct span *after, uint64_t now_ms, struct pick *out);

/*
 * The oldest table of level 0 with what it overlaps in the next level that has
 * tables; into the last one if none has.  What stays above is newer.  1, 0:
 * there is none, <0.  No compaction may run.
 */
int pick_part_oldest(const struct version *v, struct pick *out);

#endif
