/*
 * compaction: which compactions come next, and their installation.
 *
 * Several run at once, each a step of struct work; lsm_compact claims that job
 * for itself.
 * Threads: compaction_set has its own lock, under which is picked; nothing is
 * locked while a compaction runs.
 */
#ifndef ENGINE_DB_COMPACTION_H
#define ENGINE_DB_COMPACTION_H

#include <stdatomic.h>

#include "engine/base/lock.h"
#include "engine/db/pick.h"

struct lsm;

struct compaction_set {
	struct lock lock;               /* protects: */
	struct pick_list running;       /* of those who run them */
	struct buf cursors[LSM_LEVELS]; /* where they go on in each level */
	uint64_t fed_at;                /* when something came last, us */
	/* No snapshot below this number: then there may be something to do; 0:
	 * it is all the same.  Set under the lock. */
	_Atomic uint64_t awaits;
};

void compaction_set_init(struct compaction_set *s);
void compaction_set_fini(struct compaction_set *s);

/* Something came to level 0: the store is not idle. */
void compaction_feed(struct lsm *db);

/* A snapshot went. */
void compaction_let_go(struct lsm *db);

/* The step of struct work: 1 something was compacted, 0 nothing needs it, or
 * nothing that could run now, <0; -ECANCELED when the store is being closed. */
int compaction_step(struct lsm *db);

#endif
