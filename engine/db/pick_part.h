/*
 * pick_part: a level table by table, where a disk is too full for all of it at
 * once.
 */
#ifndef ENGINE_DB_PICK_PART_H
#define ENGINE_DB_PICK_PART_H

#include "engine/db/pick.h"

/*
 * The next table of a level > 0 that begins behind the user key *after (NULL:
 * the first one), with what it overlaps in the next level that has tables; in
 * the deepest level alone, to be rewritten in place, if it has deletes.  1, 0:
 * there is none, <0.  No compaction may run.
 */
int pick_part_next(const struct version *v, unsigned level,
    const struct bytes *after, struct pick *out);

#endif
