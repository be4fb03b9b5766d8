/*
 * flush: the oldest full memtable becomes a table of level 0.
 *
 * Strictly in order: a table may only be installed when everything older is in
 * tables, since the log before it is deleted then.
 */
#ifndef ENGINE_DB_FLUSH_H
#define ENGINE_DB_FLUSH_H

struct lsm;

/* The step of struct work: 1 one was flushed, 0 none is full, <0. */
int flush_step(struct lsm *db);

#endif
