/*
 * pick_expired: tables of which much has expired are rewritten where they are,
 * so that they give their space back though nothing else touches them.
 *
 * Pure functions of the scene, which knows the time.  Nobody wakes up for it:
 * it is looked at when there may be something to compact anyway.
 */
#ifndef ENGINE_DB_PICK_EXPIRED_H
#define ENGINE_DB_PICK_EXPIRED_H

#include "engine/db/pick_reason.h"

/* 1 if a table of the level is due and nobody's, else 0.  Not of level 0, which
 * comes down soon. */
double pick_expired_score(const struct pick_look *k, unsigned level);

/* As take of a reason. */
int pick_expired_take(const struct pick_look *k, struct pick *p);

#endif
