/*
 * compaction: which compaction comes next, and its installation.
 *
 * One at a time: the step of struct work, or lsm_compact, which claims the job
 * for itself.
 */
#ifndef ENGINE_DB_COMPACTION_H
#define ENGINE_DB_COMPACTION_H

struct lsm;

/* The step of struct work: 1 something was compacted, 0 nothing needs it, <0;
 * -ECANCELED when the store is being closed. */
int compaction_step(struct lsm *db);

#endif
