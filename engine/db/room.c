#include "engine/db/room.h"

#include "engine/db/db.h"

/* While compaction fails writers wait for nothing that may not come, up to so
 * many times the tables of level 0, at which reads suffer too much. */
#define ROOM_LEVEL0_FAILED 4

/* References are small: a memtable is also full when the log has so many times
 * what it may hold, so that recovery does not take longer than that. */
#define ROOM_LOG_FACTOR 4

/* The reserve grows with the log in so many steps a memtable; no smaller ones.
 */
#define ROOM_MARKS      16
#define ROOM_MARK_BYTES (64u << 10)

/* A segment with large values does not get much larger. */
#define ROOM_SEGMENT_BYTES (64u << 20)

/* How many full memtables may wait.  Deletes that make space must not take
 * what the flush of those before them needs. */
static size_t
room_full_max(struct lsm *db)
{
	return reserve_is_spent(db) ? 1 : db->options.memtables_max;
}

/* What has to be done before another memtable may be full, or NULL. */
static struct work *
room_lacking(struct lsm *db)
{
	const struct view *v = db->view;
	size_t max = throttle_level0_max(&db->throttle);

	lock_assert_held(&db->state_lock);
	if (v->full_count >= room_full_max(db))
		return &db->flush;
	/* Who has claimed compaction makes room in level 0 by himself. */
	if (work_is_mine(&db->compaction))
		return NULL;
	if (db->compaction.error)
		max *= ROOM_LEVEL0_FAILED;
	if (v->version->levels[0].count >= max)
		return &db->compaction;
	return NULL;
}

/* Waits for room.  Caller holds state_lock. */
static int
room_stall(struct lsm *db)
{
	uint64_t begin = env_now_us(db->env);
	struct work *w;
	int err = 0;

	counter_add(&db->counters.stalls, 1);
	while (!err && (w = room_lacking(db)))
		err = work_await(w);
	counter_add(&db->counters.stall_us, env_now_us(db->env) - begin);
	return err;
}

static bool
room_is_lacking(struct lsm *db)
{
	bool lacking;

	lock_acquire(&db->state_lock);
	lacking = room_lacking(db) != NULL;
	lock_release(&db->state_lock);
	return lacking;
}

/* 1: there is room now; 0: there was none, but there may be now; <0.  Only
 * who holds write_lock takes room away. */
static int
room_wait(struct lsm *db)
{
	int err;

	if (!room_is_lacking(db))
		return 1;
	lock_release(&db->write_lock);
	lock_acquire(&db->state_lock);
	err = room_stall(db);
	lock_release(&db->state_lock);
	lock_acquire(&db->write_lock);
	return err;
}

/* Nothing that was written waits for a sync. */
static bool
room_is_durable(struct lsm *db)
{
	return lsm_durable_seq(db) == db->next_seq - 1;
}

/* What is written from now on is written to s. */
static void
room_push(struct lsm *db, struct segment *s)
{
	lock_acquire(&db->sync_lock);
	segment_push(db, s);
	lock_release(&db->sync_lock);
	db->log = s;
}

static int
room_replace(struct lsm *db)
{
	struct view *v = view_new(db->full_max);
	struct memtable *m =
	    memtable_new_sized(db->options.memtable_bytes, &db->chunks);
	struct segment *s = NULL;
	int err = -ENOMEM;
	bool synced;

	if (v && m)
		err = segment_begin(db, db->next_seq, &s);
	if (err) {
		memtable_unref(m);
		view_unref(v);
		return err;
	}
	m->log_no = s->number;

	db->active->used = room_used(db);
	synced = segment_is_synced(db->log);
	room_push(db, s);
	db->log_before = 0;
	db->log_mark = 0;

	lock_acquire(&db->state_lock);
	v = view_rotate(db, v, m);
	work_want(&db->flush);
	work_want(&db->spare);
	lock_release(&db->state_lock);
	db->active = m;
	view_unref(v);
	/* The log has filled a segment: there will be more. */
	if (synced)
		spare_want(db);
	return 0;
}

/* What the active memtable has in the log. */
static uint64_t
room_log_bytes(const struct lsm *db)
{
	return db->log_before + wal_size(db->log->wal);
}

/* For its flush: space is short, and the log has so much of it. */
static bool
room_is_short(struct lsm *db)
{
	return reserve_is_spent(db) &&
	       room_log_bytes(db) >= reserve_log_max(db) &&
	       memtable_count(db->active) > 0;
}

double
room_used(const struct lsm *db)
{
	uint64_t bytes = memtable_bytes(db->active);
	uint64_t log = room_log_bytes(db) / ROOM_LOG_FACTOR;

	return (double)(bytes > log ? bytes : log) /
	       (double)db->options.memtable_bytes;
}

int
room_make(struct lsm *db, const struct batch_ranges *r)
{
	int rc;

	lock_assert_held(&db->write_lock);
	for (;;) {
		if (db_failed(db))
			return -EROFS;
		if (room_used(db) < 1 && !room_is_short(db) &&
		    !memtable_is_spent(db->active) &&
		    memtable_takes(db->active, r))
			return 0;
		rc = room_wait(db);
		if (rc != 0)
			return rc < 0 ? rc : room_replace(db);
	}
}

int
room_rotate(struct lsm *db)
{
	int rc;

	lock_assert_held(&db->write_lock);
	for (;;) {
		if (memtable_count(db->active) == 0)
			return 0;
		if (db_failed(db))
			return -EROFS;
		rc = room_wait(db);
		if (rc != 0)
			return rc < 0 ? rc : room_replace(db);
	}
}

/* So that what is in the active memtable gets into a table. */
static void
room_free(struct lsm *db)
{
	bool can;

	lock_acquire(&db->state_lock);
	can = db->view->full_count == 0 && !room_lacking(db);
	lock_release(&db->state_lock);
	if (can && !db_failed(db) && memtable_count(db->active) > 0)
		(void)room_replace(db);
}

/* A flush that has failed is tried again: what it needs may be there now.
 * Returns the job that has just been tried in vain, if there is only one step
 * of it at a time. */
static const struct work *
room_hurry_flush(struct lsm *db, const struct room_full *f)
{
	const struct work *tried = NULL;

	lock_acquire(&db->state_lock);
	if (f->stalled && room_lacking(db) == &db->flush)
		tried = &db->flush;
	else if (!f->again && db->view->full_count > 0)
		work_hurry(&db->flush);
	lock_release(&db->state_lock);
	return tried;
}

bool
room_await_space(struct lsm *db, const struct room_full *f)
{
	const struct work *tried;
	bool some;

	lock_assert_held(&db->write_lock);
	if (reserve_is_spent(db))
		room_free(db);
	tried = room_hurry_flush(db, f);
	lock_release(&db->write_lock);
	/* No lock: who has the space may need any of them to get on. */
	if (db->options.no_background)
		some = work_all(db);
	else
		some = work_await_any(db, &f->before, tried);
	lock_acquire(&db->write_lock);
	return some;
}

void
room_want_spent(struct lsm *db)
{
	lock_assert_held(&db->write_lock);
	if (!memtable_is_spent(db->active))
		return;
	/* Relaxed: a wish, which state_lock brings to the flush. */
	atomic_store_explicit(&db->spent, true, memory_order_relaxed);
	lock_acquire(&db->state_lock);
	work_want(&db->flush);
	lock_release(&db->state_lock);
}

void
room_flush_spent(struct lsm *db)
{
	if (!atomic_load_explicit(&db->spent, memory_order_relaxed))
		return;
	lock_acquire(&db->write_lock);
	atomic_store_explicit(&db->spent, false, memory_order_relaxed);
	if (!db_failed(db) && memtable_is_spent(db->active) &&
	    !room_is_lacking(db))
		(void)room_replace(db);
	lock_release(&db->write_lock);
}

/* A segment that will be kept for its values has become large. */
static struct segment *
room_log_large(struct lsm *db, size_t size)
{
	uint64_t bytes = wal_size(db->log->wal);
	struct segment *s = NULL;

	if (!db->log->values || bytes + size <= ROOM_SEGMENT_BYTES ||
	    bytes == WAL_FILE_HEADER)
		return NULL;
	/* Without another one the log goes on in this one. */
	return segment_begin(db, db->next_seq, &s) ? NULL : s;
}

static struct segment *
room_log_spare(struct lsm *db, size_t size)
{
	if (!segment_outgrown(db->log, size, room_is_durable(db)) ||
	    size > spare_bytes(db) - WAL_FILE_HEADER)
		return NULL;
	return segment_begin_in_spare(db, db->next_seq);
}

/* The first time in a memtable the log is not past a mark, but has one. */
static void
room_mark(struct lsm *db)
{
	uint64_t bytes = room_log_bytes(db);
	uint64_t step = db->options.memtable_bytes / ROOM_MARKS;
	bool first = db->log_mark == 0;

	if (step < ROOM_MARK_BYTES)
		step = ROOM_MARK_BYTES;
	db->log_mark = bytes + step;
	if (first && bytes < step)
		return;
	/* Relaxed: a wish, which state_lock brings to the flush. */
	atomic_store_explicit(&db->grown, true, memory_order_relaxed);
	lock_acquire(&db->state_lock);
	work_want(&db->flush);
	lock_release(&db->state_lock);
}

void
room_log(struct lsm *db, size_t size)
{
	struct segment *s;

	lock_assert_held(&db->write_lock);
	if (room_log_bytes(db) >= db->log_mark)
		room_mark(db);
	s = room_log_spare(db, size);
	if (!s)
		s = room_log_large(db, size);
	if (!s)
		return;
	db->log_before += wal_size(db->log->wal);
	room_push(db, s);
}
