#include "engine/db/snapshot.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/db.h"

void
snapshot_list_init(struct snapshot_list *l)
{
	lock_init(&l->lock, LOCK_RANK_LEAF);
	TAILQ_INIT(&l->queue);
	l->count = 0;
}

void
snapshot_list_fini(struct snapshot_list *l)
{
	must(l->count == 0);
	lock_fini(&l->lock);
}

int
lsm_snapshot_open(struct lsm *db, struct lsm_snapshot **out)
{
	struct snapshot_list *l = &db->snapshots;
	struct lsm_snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	/* Loaded under the lock: so the list is ascending, and whoever took
	 * the list before took a `written` that is not above this one. */
	lock_acquire(&l->lock);
	s->seq = lsm_seq(db);
	TAILQ_INSERT_TAIL(&l->queue, s, link);
	l->count++;
	lock_release(&l->lock);
	*out = s;
	return 0;
}

void
lsm_snapshot_close(struct lsm *db, struct lsm_snapshot *s)
{
	struct snapshot_list *l = &db->snapshots;

	if (!s)
		return;
	lock_acquire(&l->lock);
	TAILQ_REMOVE(&l->queue, s, link);
	l->count--;
	lock_release(&l->lock);
	free(s);
}

int
snapshot_seqs(struct lsm *db, uint64_t **seqs, size_t *count)
{
	struct snapshot_list *l = &db->snapshots;
	struct lsm_snapshot *s;
	uint64_t *all;
	size_t n = 0;

	lock_acquire(&l->lock);
	all = calloc(l->count + 1, sizeof(*all));
	if (all) {
		TAILQ_FOREACH (s, &l->queue, link)
			all[n++] = s->seq;
		all[n++] = lsm_seq(db);
	}
	lock_release(&l->lock);
	if (!all)
		return -ENOMEM;
	*seqs = all;
	*count = n;
	return 0;
}
