#include "engine/db/db.h"

#include <stdlib.h>

#include "engine/db/hint.h"
#include "engine/db/lab.h"
#include "engine/table/cache.h"

struct lsm *
db_new(void)
{
	/* Counters stand on cache lines of their own: malloc's alignment is
	 * not enough. */
	struct lsm *db = aligned_alloc(_Alignof(struct lsm), sizeof(*db));

	if (!db)
		return NULL;
	memset(db, 0, sizeof(*db));
	compaction_set_init(&db->compactions);
	reaper_init(&db->reaper);
	reserve_init(&db->reserve);
	chunk_pool_init(&db->chunks);
	lock_init(&db->write_lock, LOCK_RANK_DB_WRITE);
	lock_init(&db->sync_lock, LOCK_RANK_DB_SYNC);
	TAILQ_INIT(&db->segments);
	spare_pool_init(&db->spares);
	lock_init(&db->state_lock, LOCK_RANK_DB_STATE);
	lock_cond_init(&db->work_ended);
	snapshot_list_init(&db->snapshots);
	return db;
}

void
db_free(struct lsm *db)
{
	work_fini(&db->flush);
	work_fini(&db->compaction);
	work_fini(&db->spare);
	pace_fini(&db->pace);
	hint_drop(db);
	view_end(db);
	segment_drop_list(&db->segments);
	spare_pool_fini(&db->spares);
	if (db->has_vset)
		vset_fini(&db->vset);
	values_fini(&db->values);
	reaper_fini(&db->reaper);
	if (db->cache)
		cache_free(db->cache);
	if (db->options.lab && db->filelock)
		lab_keep_lock(db->options.lab, db->filelock);
	else
		filelock_release(db->filelock);
	reserve_fini(&db->reserve);
	compaction_set_fini(&db->compactions);
	snapshot_list_fini(&db->snapshots);
	lock_cond_fini(&db->work_ended);
	lock_fini(&db->state_lock);
	lock_fini(&db->sync_lock);
	lock_fini(&db->write_lock);
	chunk_pool_fini(&db->chunks);
	free(db->dir);
	free(db);
}

void
db_fail(struct lsm *db, int err)
{
	/* A full disk would say that all is well once there is space. */
	int none = 0, final = err_is_full(err) ? -EIO : err;

	if (!atomic_compare_exchange_strong_explicit(&db->failed, &none, final,
		memory_order_relaxed, memory_order_relaxed))
		return;
	env_log(db->env, ERR_LEVEL_ERROR,
	    "%s: the log failed: %s; the store takes no writes until it is"
	    " opened again",
	    db->dir, err_text(err));
}

int
lsm_failure(struct lsm *db)
{
	return db_failed(db);
}

int
db_path(struct lsm *db, enum file_name_kind kind, uint64_t number, char **path)
{
	char *p = file_name_path(db->dir, kind, number);

	if (!p)
		return -ENOMEM;
	*path = p;
	return 0;
}
