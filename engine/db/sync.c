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
}

void
sync_advance(struct lsm *db, uint64_t seq)
{
	lock_acquire(&db->sync_lock);
	if (!db_failed(db))
		sync_publish(db, seq);
	lock_release(&db->sync_lock);
	eventcount_notify(&db->sync_ended);
}

void
sync_foresee(struct lsm *db, const struct durability *d, size_t size)
{
	/* Relaxed: it is a guess, good for one record after each sync. */
	if (!atomic_load_explicit(&db->sync_alone, memory_order_relaxed))
		return;
	atomic_store_explicit(&db->sync_alone, false, memory_order_relaxed);
	if (pace_syncs_each(db, d))
		wal_sync_ahead(db->log->wal, size);
}

/* The first segment with a number in [from, to] with something to sync. */
static struct segment *
sync_pick(struct lsm *db, uint64_t from, uint64_t to)
{
	struct segment *s = segment_from(db, from);

	while (s && s->synced == wal_size(s->wal))
		s = TAILQ_NEXT(s, link);
	return s && s->number <= to ? s : NULL;
}

/* Into *gone if s has left the list meanwhile: the reference may be the last,
 * and to close a large file that has no name any more takes the disk a while.
 */
static void
sync_let_go(struct lsm *db, struct segment *s, struct segment_list *gone)
{
	if (segment_from(db, s->number) == s)
		segment_unref(s);
	else
		TAILQ_INSERT_TAIL(gone, s, link);
}

/* Syncs one segment with sync_lock released meanwhile. */
static int
sync_segment(struct lsm *db, struct segment *s, struct segment_list *gone)
{
	/* Before the sync: what is appended behind it needs another one. */
	uint64_t end = wal_size(s->wal);
	int err;

	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	lock_release(&db->sync_lock);
	err = segment_sync(db, s);
	lock_acquire(&db->sync_lock);
	if (!err)
		s->synced = end;
	sync_let_go(db, s, gone);
	return err;
}

/*
 * Everything written up to now.  Both ends are taken before the first sync:
 * records up to `seq` were appended to segments up to `last`.
 */
static int
sync_everything(struct lsm *db, struct segment_list *gone)
{
	uint64_t seq = pace_begin(db);
	uint64_t last = TAILQ_LAST(&db->segments, segment_list)->number;
	uint64_t from = 0;
	struct segment *s;
	int err = 0;

	while (!err && (s = sync_pick(db, from, last))) {
		from = s->number + 1;
		err = sync_segment(db, s, gone);
	}
	if (!err)
		sync_publish(db, seq);
	pace_end(db, err);
	return err;
}

/* What a thread waits for. */
struct sync_wait {
	uint64_t seq;
	uint64_t round; /* when it came */
};

static uint64_t
sync_round(struct lsm *db)
{
	return atomic_load_explicit(&db->group.round, memory_order_relaxed);
}

/*
 * Takes the lock, unless there is nothing left to do (false): what this thread
 * waits for is durable, and it is not counted any more.  A round counts out all
 * who came before it, in one go under the lock.
 */
static bool
sync_look_again(struct lsm *db, const struct sync_wait *w)
{
	if (lsm_durable_seq(db) >= w->seq && sync_round(db) != w->round)
		return false;
	lock_acquire(&db->sync_lock);
	return true;
}

/* As the one who syncs.  Caller holds sync_lock, and afterwards does not. */
static void
sync_lead(struct lsm *db)
{
	struct segment_list gone = TAILQ_HEAD_INITIALIZER(gone);
	struct sync_group *g = &db->group;
	unsigned served = g->waiting;
	int err;

	db->syncing = true;
	g->waiting = 0;
	g->gathering = false;
	atomic_store_explicit(
	    &g->round, sync_round(db) + 1, memory_order_relaxed);
	err = sync_everything(db, &gone);
	g->expected = served + g->waiting;
	atomic_store_explicit(
	    &db->sync_alone, g->expected == 1, memory_order_relaxed);
	db->syncing = false;
	if (err)
		db_fail(db, err);
	lock_release(&db->sync_lock);
	eventcount_notify(&db->sync_ended);
	segment_drop_list(&gone);
}

/* Until a sync has ended, or us have passed.  Caller holds sync_lock, and
 * afterwards does not. */
static void
sync_sleep(struct lsm *db, uint64_t us)
{
	uint32_t count = eventcount_now(&db->sync_ended);

	lock_release(&db->sync_lock);
	eventcount_wait(&db->sync_ended, count, us);
}

/* --- groups --------------------------------------------------------------- */

/* How long to wait for others: a part of what a sync costs. */
#define SYNC_GATHER_PART   2
#define SYNC_GATHER_MAX_US 500
#define SYNC_FAILURES_MAX  6

/* Whether it is worth waiting for others before a sync. */
static bool
sync_may_gather(struct sync_group *g)
{
	if (g->waiting >= g->expected)
		return false;
	if (g->skip == 0)
		return true;
	g->skip--;
	return false;
}

/* Waits for others, until they are here or one of them leads.  If nobody
 * comes, the next few do not wait. */
static void
sync_gather(struct lsm *db)
{
	struct sync_group *g = &db->group;
	uint64_t us = pace_cost(db) / SYNC_GATHER_PART;
	uint64_t round = sync_round(db);
	unsigned before = g->waiting;

	if (us > SYNC_GATHER_MAX_US)
		us = SYNC_GATHER_MAX_US;
	g->gathering = true;
	sync_sleep(db, us);
	lock_acquire(&db->sync_lock);
	if (sync_round(db) != round) {
		g->failures = 0;
		return; /* another one led, and somebody else may gather now */
	}
	g->gathering = false;
	g->expected = 0; /* it has waited: now it leads */
	if (g->waiting > before) {
		g->failures = 0;
		return;
	}
	if (g->failures < SYNC_FAILURES_MAX)
		g->failures++;
	g->skip = 1u << g->failures;
}

/* One step towards the durability of what this thread waits for.  Caller holds
 * sync_lock; false: it is durable, and the lock is not held. */
static bool
sync_step(struct lsm *db, const struct sync_wait *w)
{
	struct sync_group *g = &db->group;

	if (db->syncing || (g->gathering && g->waiting < g->expected)) {
		sync_sleep(db, EVENTCOUNT_FOREVER);
	} else if (sync_may_gather(g)) {
		sync_gather(db);
		return true;
	} else {
		sync_lead(db);
	}
	return sync_look_again(db, w);
}

/* Caller holds sync_lock, and afterwards does not. */
static void
sync_leave(struct lsm *db, const struct sync_wait *w)
{
	bool counted = sync_round(db) == w->round;

	/* A flush made it durable, or nothing will be: whoever counts on this
	 * thread looks again. */
	if (counted)
		db->group.waiting--;
	lock_release(&db->sync_lock);
	if (counted)
		eventcount_notify(&db->sync_ended);
}

int
lsm_sync(struct lsm *db, uint64_t seq)
{
	struct sync_wait w = {.seq = lsm_seq(db)};
	int err = 0;

	if (w.seq > seq)
		w.seq = seq;
	if (lsm_durable_seq(db) >= w.seq)
		return 0;
	lock_acquire(&db->sync_lock);
	w.round = sync_round(db);
	db->group.waiting++;
	while (lsm_durable_seq(db) < w.seq) {
		err = db_failed(db);
		if (err)
			break;
		if (!sync_step(db, &w))
			return 0;
	}
	sync_leave(db, &w);
	return err;
}
