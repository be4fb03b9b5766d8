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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct durability;
struct lsm;

/*
 * Who waits for a sync, so that those who come again and again share one.
 *
 * Threads that commit one after the other tend to fall into two halves: while
 * one half is being synced the other arrives, and each sync serves half of
 * them.  So before a sync the one who would lead it waits a moment for as many
 * as were served lately; the one who makes the number full leads at once.  If
 * they do not come, the next few syncs begin without asking; one thread alone
 * never waits.
 */
struct sync_group {
	unsigned waiting;  /* not covered by a sync in progress */
	unsigned expected; /* how many will be, if all come again */
	bool gathering;    /* somebody waits for the others */
	unsigned skip;     /* so many syncs begin without waiting */
	unsigned failures; /* of waiting, one after the other */
	/* Syncs begun.  Changed under sync_lock. */
	_Atomic uint64_t round;
};

/*
 * The log has got the last record of size bytes, of a batch under d (NULL: the
 * store's policy).  If a sync is going to follow and will not be shared, the
 * disk begins now, beside the rest of the commit.  Who commits among others
 * leaves it: a page that changes while it is written is written twice.
 * Caller holds write_lock.
 */
void sync_foresee(struct lsm *db, const struct durability *d, size_t size);

/* Everything up to seq is in tables that are durable. */
void sync_advance(struct lsm *db, uint64_t seq);

#endif
