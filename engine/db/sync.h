/*
 * sync: which part of the log is on stable storage.
 *
 * One thread syncs at a time, everything written so far; who needs less waits
 * for it, who needs more elects the next.  Segments are synced in order, so
 * what is durable is always a prefix.  A failed sync ends writing: it is never
 * repeated, and nothing that was not durable then is called durable later.
 */
#ifndef ENGINE_DB_SYNC_H
#define ENGINE_DB_SYNC_H

#include <stdint.h>

struct lsm;

/* Everything up to seq is in tables that are durable. */
void sync_advance(struct lsm *db, uint64_t seq);

#endif
