/*
 * snapshot: the sequence numbers that somebody still reads at: handles, which
 * end with the process at the latest, and named snapshots, which stay until
 * they are dropped (vset->named).
 *
 * Who drops versions of keys takes the whole list once, before it begins;
 * snapshots opened later are of newer numbers than any in that list, or of a
 * number that is in it.
 *
 * A named snapshot is made in this order: a handle, so that what it shows stays
 * meanwhile; a sync of the log up to its number; the manifest's record; then
 * the handle goes.  So a manifest on the disk names no number that is not in
 * tables or in the part of the log that is on the disk too, and recovery, which
 * takes at least all that is durable, goes on with numbers above it.  Without
 * the sync a power cut could leave the record and lose the writes: new ones
 * would get numbers below the snapshot's, and it would show them.
 */
#ifndef ENGINE_DB_SNAPSHOT_H
#define ENGINE_DB_SNAPSHOT_H

#include <stdint.h>
#include <sys/queue.h>

#include "engine/base/lock.h"

struct lsm;

struct lsm_snapshot {
	TAILQ_ENTRY(lsm_snapshot) link;
	uint64_t seq;
};

TAILQ_HEAD(snapshot_queue, lsm_snapshot);

struct snapshot_list {
	struct lock lock;
	struct snapshot_queue queue; /* in no order */
	size_t count;
};

void snapshot_list_init(struct snapshot_list *l);
void snapshot_list_fini(struct snapshot_list *l);

/* The live snapshots that show anything, ascending, and db->written at that
 * moment as the last; a new array. */
int snapshot_seqs(struct lsm *db, uint64_t **seqs, size_t *count);

/* The first of them. */
uint64_t snapshot_oldest(struct lsm *db);

#endif
