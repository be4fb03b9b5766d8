#include "engine/db/sync.h"

#include "engine/db/db.h"

uint64_t
lsm_durable_seq(struct lsm *db)
{
	/* Acquire: what was done for this number to be durable is done. */
	return atomic_load_explicit(&db->durable, memory_order_acquire);
}

/* Caller holds sync_lock, so that it only grows. */
static void
sync_publish(struct lsm *db, uint64_t seq)
{
	lock_assert_held(&db->sync_lock);
	if (seq > lsm_durable_seq(db))
		atomic_store_explicit(&db->durable, seq, memory_order_release);
	lock_cond_broadcast(&db->sync_ended);
}

void
sync_advance(struct lsm *db, uint64_t seq)
{
	lock_acquire(&db->sync_lock);
	if (!db_failed(db))
		sync_publish(db, seq);
	lock_release(&db->sync_lock);
}

/* The first segment with a number in [from, to] that is not synced. */
static struct segment *
sync_pick(struct lsm *db, uint64_t from, uint64_t to)
{
	struct segment *s = segment_from(db, from);

	while (s && s->synced)
		s = TAILQ_NEXT(s, link);
	return s && s->number <= to ? s : NULL;
}

/* Syncs one segment with sync_lock released meanwhile. */
static int
sync_segment(struct lsm *db, struct segment *s)
{
	/* Before the sync: what is appended behind it needs another one. */
	bool complete = TAILQ_NEXT(s, link) != NULL;
	int err;

	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	lock_release(&db->sync_lock);
	err = segment_sync(db, s);
	lock_acquire(&db->sync_lock);
	if (!err && complete)
		s->synced = true;
	segment_unref(s);
	return err;
}

/*
 * Everything written up to now.  Both ends are taken before the first sync:
 * records up to `seq` were appended to segments up to `last`.
 */
static int
sync_everything(struct lsm *db)
{
	uint64_t seq = lsm_seq(db);
	uint64_t last = TAILQ_LAST(&db->segments, segment_list)->number;
	uint64_t from = 0;
	struct segment *s;
	int err = 0;

	while (!err && (s = sync_pick(db, from, last))) {
		from = s->number + 1;
		err = sync_segment(db, s);
	}
	if (!err)
		sync_publish(db, seq);
	return err;
}

/* As the one who syncs.  Caller holds sync_lock. */
static void
sync_lead(struct lsm *db)
{
	int err;

	db->syncing = true;
	err = sync_everything(db);
	db->syncing = false;
	if (err)
		db_fail(db, err);
	lock_cond_broadcast(&db->sync_ended);
}

int
lsm_sync(struct lsm *db, uint64_t seq)
{
	uint64_t written = lsm_seq(db);
	int err = 0;

	if (seq > written)
		seq = written;
	if (lsm_durable_seq(db) >= seq)
		return 0;
	lock_acquire(&db->sync_lock);
	while (lsm_durable_seq(db) < seq) {
		err = db_failed(db);
		if (err)
			break;
		if (db->syncing)
			lock_cond_wait(&db->sync_ended, &db->sync_lock);
		else
			sync_lead(db);
	}
	lock_release(&db->sync_lock);
	return err;
}
