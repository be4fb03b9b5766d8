/*
 * snapshot: the sequence numbers that somebody still reads at.
 *
 * Who drops versions of keys takes the whole list once, before it begins;
 * snapshots opened later are of newer numbers than any in that list.
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
	struct snapshot_queue queue; /* ascending */
	size_t count;
};

void snapshot_list_init(struct snapshot_list *l);
void snapshot_list_fini(struct snapshot_list *l);

/* The live snapshots, ascending, and db->written at that moment as the last;
 * a new array. */
int snapshot_seqs(struct lsm *db, uint64_t **seqs, size_t *count);

#endif
