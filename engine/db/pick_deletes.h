/*
 * pick_deletes: tables of which much is dead are compacted before others, so
 * that neither scans walk through them nor the store keeps what they delete.
 *
 * Dead are deletes, and what newer entries of the same table hide (hidden.h).
 * Busy, a table is dense if a quarter of all that stands at its keys, in its
 * level and below, is what is dead of it: then at least a fifth of what the
 * compaction reads goes.  Where there is time it is dense if a quarter of
 * itself is.
 * A range tombstone counts as the deletes that a scan needs to leave a hint.
 * What is dense goes down a level; where nothing stands below, it is rewritten
 * where it is, and nothing dead is left.  So each table comes to rest.
 * Deletes do not count while a snapshot keeps something of the table, nor what
 * is hidden while one may see it: rewriting it would change little, and it
 * would be dense again. Pure functions of the scene.
 */
#ifndef ENGINE_DB_PICK_DELETES_H
#define ENGINE_DB_PICK_DELETES_H

#include "engine/db/pick_reason.h"

/* How dense the densest table is that nobody has; 1: just so. */
double pick_deletes_score(const struct pick_look *k, unsigned level);

/* The same of level 0, and 0 of all others. */
double pick_deletes_score_level0(const struct pick_look *k, unsigned level);

/* As take of a reason, at a level > 0.  (Level 0 is the style's to bring
 * down.) */
int pick_deletes_take(const struct pick_look *k, struct pick *p);

/* The lowest oldest_seq above the scene's with which more tables may be dense;
 * 0: none. */
uint64_t pick_deletes_awaits(const struct pick_scene *s);

#endif
