/*
 * pick_move: picks that need no compaction: tables that overlap nothing on
 * their way are given to a deeper level by the manifest alone.
 */
#ifndef ENGINE_DB_PICK_MOVE_H
#define ENGINE_DB_PICK_MOVE_H

#include "engine/db/pick.h"

/*
 * If p has one table, and nothing that it overlaps, makes it a move, as deep as
 * nothing is in the way, and takes along what can move in the same way: from
 * level 0 everything, else up to bytes_max together.  Not to where a table
 * would overlap so much below that its own compaction becomes costly, and not
 * with deletes to where nothing older stands: there they would stay for good.
 * 0 also if it is none; -ENOMEM.
 */
int pick_move_try(
    const struct pick_scene *s, struct pick *p, uint64_t bytes_max);

#endif
