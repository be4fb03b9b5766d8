#include "engine/db/compaction.h"

#include <stdlib.h>

#include "engine/db/collect_plan.h"
#include "engine/db/compact.h"
#include "engine/db/db.h"
#include "engine/db/pick_deletes.h"
#include "engine/db/pick_part.h"
#include "engine/db/pick_values.h"

/* How long nothing may have come before a store counts as idle. */
#define IDLE_US 2000000

void
compaction_set_init(struct compaction_set *s)
{
	lock_init(&s->lock, LOCK_RANK_DB_COMPACT);
	TAILQ_INIT(&s->running);
}

void
compaction_set_fini(struct compaction_set *s)
{
	for (int i = 0; i < LSM_LEVELS; i++)
		buf_fini(&s->cursors[i]);
	lock_fini(&s->lock);
}

struct compaction_progress {
	void (*call)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
	uint64_t before; /* done by earlier compactions */
	uint64_t told;   /* the most that was told */
	uint64_t total;
};

static void
compaction_tell(void *ctx, uint64_t bytes)
{
	struct compaction_progress *p = ctx;
	uint64_t done = p->before + bytes;

	if (done > p->total)
		done = p->total;
	/* What found no space begins again. */
	if (done > p->told)
		p->told = done;
	if (p->call)
		p->call(p->ctx, p->told, p->total);
}

/* After an error the new tables are vset's to delete.  Takes v, an empty view.
 */
static int
compaction_install(struct lsm *db, struct edit *e, struct view *v)
{
	int err = vset_apply(&db->vset, e);

	if (!err) {
		lock_acquire(&db->state_lock);
		v = view_renew(db, v, false);
		lock_release(&db->state_lock);
		counter_add(&db->counters.compactions, 1);
	}
	view_unref(v);
	return err;
}

/* The view comes first: once there are tables, only vset may fail. */
static int
compaction_do(struct lsm *db, struct compact_job *job)
{
	struct view *v = view_new(db->full_max);
	struct edit e = {0};
	int err;

	if (!v)
		return -ENOMEM;
	err = compact_run(job, &e);
	if (err)
		view_unref(v);
	else
		err = compaction_install(db, &e, v);
	edit_fini(&e);
	return err;
}

/* It read and wrote, other than one that moves tables. */
static void
compaction_count(
    struct lsm *db, const struct pick *pick, uint64_t written, uint64_t begin)
{
	struct db_counters *c = &db->counters;

	counter_add(&c->level_read[pick->output_level], pick->bytes);
	counter_add(&c->level_written[pick->output_level], written);
	latency_end(&db->latencies.compaction, begin);
}

/* Runs and installs one that moves the values of the plan; p may be NULL. */
static int
compaction_run_planned(struct lsm *db, struct version *v,
    const struct pick *pick, const struct vref_list *plan,
    struct compaction_progress *p)
{
	struct compact_job job = {
	    .vset = &db->vset,
	    .options = &db->options,
	    .version = v,
	    .pick = pick,
	    .plan = plan,
	    .helpers = &db->compaction,
	    .stop = &db->stop,
	    .progress = p ? compaction_tell : NULL,
	    .progress_ctx = p,
	};
	uint64_t *seqs = NULL, begin = latency_begin();
	uint64_t begin_us = env_now_us(db->env);
	int err;

	/* Once, and after the version: what is opened from now on reads at
	 * numbers that are not below any in these tables. */
	err = snapshot_seqs(db, &seqs, &job.snapshot_count);
	if (err)
		return err;
	job.snapshots = seqs;
	err = compaction_do(db, &job);
	counter_add(&db->counters.bytes_compact, job.bytes_written);
	if (!pick->trivial)
		compaction_count(db, pick, job.bytes_written, begin);
	if (!pick->trivial && !err)
		throttle_compacted(
		    &db->throttle, pick->inputs[0].count, begin_us);
	counter_add(&db->counters.expired, job.expired);
	counter_add(&db->counters.collected, job.moved);
	free(seqs);
	return err;
}

static int
compaction_run(struct lsm *db, struct version *v, const struct pick *pick,
    struct compaction_progress *p)
{
	struct vref_list plan;
	int err = collect_plan_make(v, &db->options, p != NULL, &plan);

	if (err)
		return err;
	err = compaction_run_planned(db, v, pick, &plan, p);
	if (err_is_full(err) && reserve_spend(db))
		err = compaction_run_planned(db, v, pick, &plan, p);
	/* What goes with the entries that are dropped makes room for more. */
	if (err_is_full(err) && plan.count > 0 && !pick->for_values)
		err = compaction_run_planned(db, v, pick, NULL, p);
	if (!err && p)
		p->before += pick->bytes;
	vref_list_fini(&plan);
	return err;
}

/* The next one of this level begins behind what is compacted now. */
static int
compaction_advance(struct compaction_set *s, const struct pick *p)
{
	const struct pick_input *in = &p->inputs[p->level];

	return buf_assign(
	    &s->cursors[p->level], in->files[in->count - 1]->span.last);
}

/* For picks; nobody asks the clock if nothing expires. */
static uint64_t
compaction_now(struct lsm *db, const struct version *v)
{
	return v->expiring_count > 0 ? env_wall_ms(db->env) : 0;
}

void
compaction_feed(struct lsm *db)
{
	struct compaction_set *s = &db->compactions;

	lock_acquire(&s->lock);
	s->fed_at = env_now_us(db->env);
	lock_release(&s->lock);
}

/* Whether there is time for what is not needed.  If not: *idle_at is when there
 * is if nothing comes.  Caller holds the lock. */
static bool
compaction_is_idle(struct lsm *db, uint64_t *idle_at)
{
	*idle_at = db->compactions.fed_at + IDLE_US;
	/* A full disk does not wait. */
	if (reserve_is_spent(db))
		return true;
	return !db->options.no_background && env_now_us(db->env) >= *idle_at;
}

/*
 * There is nothing to do; whoever closes a snapshot is told which one it takes.
 * True: it is gone already.  Relaxed, for who closes one takes the same lock as
 * snapshot_oldest, before it asks: it either finds the number or was seen here.
 * Caller holds the lock.
 */
static bool
compaction_await(struct lsm *db, const struct pick_scene *scene)
{
	uint64_t seq = pick_deletes_awaits(scene);

	atomic_store_explicit(
	    &db->compactions.awaits, seq, memory_order_relaxed);
	return seq > 0 && snapshot_oldest(db) >= seq;
}

void
compaction_let_go(struct lsm *db)
{
	uint64_t seq =
	    atomic_load_explicit(&db->compactions.awaits, memory_order_relaxed);

	if (seq == 0 || snapshot_oldest(db) < seq)
		return;
	lock_acquire(&db->state_lock);
	work_want(&db->compaction);
	lock_release(&db->state_lock);
}

/*
 * 1: *p is to be run, on *v.  The version is current while the lock is held:
 * who installs another takes his own off the list later.
 */
static int
compaction_begin(
    struct lsm *db, struct version **v, struct pick *p, uint64_t *idle_at)
{
	struct compaction_set *s = &db->compactions;
	struct pick_scene scene = {
	    .options = &db->options,
	    .running = &s->running,
	    .cursors = s->cursors,
	};
	int rc;

	lock_acquire(&s->lock);
	*v = vset_current(&db->vset);
	scene.version = *v;
	scene.now_ms = compaction_now(db, *v);
	scene.idle = compaction_is_idle(db, idle_at);
	if (scene.idle)
		*idle_at = 0;
	do {
		scene.oldest_seq = snapshot_oldest(db);
		rc = pick_next(&scene, p);
	} while (rc == 0 && compaction_await(db, &scene));
	if (rc > 0) {
		TAILQ_INSERT_TAIL(&s->running, p, link);
		/* Without memory it begins at the same place again. */
		(void)compaction_advance(s, p);
	}
	lock_release(&s->lock);
	return rc;
}

static void
compaction_end(struct lsm *db, struct pick *p)
{
	lock_acquire(&db->compactions.lock);
	TAILQ_REMOVE(&db->compactions.running, p, link);
	lock_release(&db->compactions.lock);
	pick_fini(p);
}

int
compaction_step(struct lsm *db)
{
	struct version *v;
	struct pick pick;
	uint64_t idle_at;
	int rc = compaction_begin(db, &v, &pick, &idle_at);

	if (idle_at == 0)
		chunk_pool_trim(&db->chunks);
	lock_acquire(&db->state_lock);
	/* There may be more that can run beside this one; or later. */
	if (rc > 0)
		work_want(&db->compaction);
	else if (rc == 0 && idle_at > 0)
		work_want_at(&db->compaction, idle_at);
	lock_release(&db->state_lock);
	if (rc > 0) {
		rc = compaction_run(db, v, &pick, NULL);
		compaction_end(db, &pick);
		if (!rc)
			rc = 1;
	}
	version_unref(v);
	if (rc > 0)
		reserve_want(db);
	return rc;
}

/* --- everything, on demand ---------------------------------------------- */

/* What lsm_compact is going to read: each level together with those above. */
static uint64_t
compaction_total(struct lsm *db)
{
	struct version *v = vset_current(&db->vset);
	uint64_t above = 0, total = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		if (v->levels[i].count == 0)
			continue;
		if (above > 0)
			total += above + v->levels[i].bytes;
		above += v->levels[i].bytes;
	}
	version_unref(v);
	return total > 0 ? total : above;
}

/* How far a level was gone through. */
struct compaction_walk {
	struct span after; /* of the last table, if any; the key is `last` */
	struct buf last;
	bool any;
};

/* The version goes, and its tables may. */
static int
compaction_walk_to(struct compaction_walk *w, const struct span *s)
{
	int err = buf_assign(&w->last, s->last);

	w->after = (struct span){.last = buf_bytes(&w->last), .end = s->end};
	w->any = true;
	return err;
}

/* 1: the next table was compacted. */
static int
compaction_part(struct lsm *db, unsigned level, struct compaction_walk *w,
    struct compaction_progress *p)
{
	struct version *v = vset_current(&db->vset);
	struct pick pick;
	int rc = pick_part_next(
	    v, level, w->any ? &w->after : NULL, compaction_now(db, v), &pick);

	if (rc > 0) {
		rc = compaction_walk_to(w, &pick.inputs[level].files[0]->span);
		if (!rc)
			rc = compaction_run(db, v, &pick, p);
		pick_fini(&pick);
		if (!rc)
			rc = 1;
	}
	version_unref(v);
	return rc;
}

/* One table after the other, each with what it overlaps: less space is needed
 * at a time, and what one frees is there for the next. */
static int
compaction_level_in_parts(
    struct lsm *db, unsigned level, struct compaction_progress *p)
{
	struct compaction_walk w = {.any = false};
	int rc;

	do
		rc = compaction_part(db, level, &w, p);
	while (rc > 0);
	buf_fini(&w.last);
	return rc;
}

/* Of level 0: what is left is newer than what went down. */
static int
compaction_oldest(struct lsm *db, struct compaction_progress *p)
{
	struct version *v = vset_current(&db->vset);
	struct pick pick;
	int rc = pick_part_oldest(v, &pick);

	if (rc > 0) {
		rc = compaction_run(db, v, &pick, p);
		pick_fini(&pick);
	}
	version_unref(v);
	return rc;
}

static size_t
compaction_level0_count(struct lsm *db)
{
	struct version *v = vset_current(&db->vset);
	size_t count = v->levels[0].count;

	version_unref(v);
	return count;
}

/* Not those that are flushed meanwhile: they may never come to an end. */
static int
compaction_level0_in_parts(struct lsm *db, struct compaction_progress *p)
{
	int err = 0;

	for (size_t n = compaction_level0_count(db); !err && n > 0; n--)
		err = compaction_oldest(db, p);
	return err;
}

static int
compaction_level_whole(
    struct lsm *db, unsigned level, struct compaction_progress *p)
{
	struct version *v = vset_current(&db->vset);
	struct pick pick;
	int rc = pick_whole_level(v, level, compaction_now(db, v), &pick);

	if (rc > 0) {
		rc = compaction_run(db, v, &pick, p);
		pick_fini(&pick);
	}
	version_unref(v);
	return rc;
}

static int
compaction_level(struct lsm *db, unsigned level, struct compaction_progress *p)
{
	int rc;

	work_claim(&db->compaction);
	rc = compaction_level_whole(db, level, p);
	/* Not while anybody holds the version, and with it the tables. */
	if (err_is_full(rc) && level == 0)
		rc = compaction_level0_in_parts(db, p);
	else if (err_is_full(rc))
		rc = compaction_level_in_parts(db, level, p);
	work_unclaim(&db->compaction);
	return rc;
}

/* The values of the plan out of one table; 1: there may be more, 0, <0. */
static int
compaction_collect(
    struct lsm *db, const struct vref_list *plan, struct compaction_progress *p)
{
	struct pick pick = {.reason = "asked"};
	struct version *v;
	int rc;

	work_claim(&db->compaction);
	v = vset_current(&db->vset);
	rc = pick_values_any(v, plan, &pick);
	if (rc > 0)
		rc = compaction_run_planned(db, v, &pick, plan, p);
	if (rc == 0 && pick.bytes > 0)
		rc = 1;
	p->before += pick.bytes;
	pick_fini(&pick);
	version_unref(v);
	work_unclaim(&db->compaction);
	return rc;
}

/* *some: there was something to do. */
static int
compaction_collect_plan(struct lsm *db, const struct vref_list *plan,
    struct compaction_progress *p, bool *some)
{
	int rc;

	*some = false;
	while ((rc = compaction_collect(db, plan, p)) > 0)
		*some = true;
	return rc;
}

/* Copies are made before what they are copies of can go, so they get a part of
 * what is free; the tables need some, too. */
static uint64_t
compaction_collect_room(struct lsm *db)
{
	uint64_t free_bytes, total_bytes;

	if (env_space(db->env, db->dir, &free_bytes, &total_bytes) < 0)
		return UINT64_MAX;
	return free_bytes / 2;
}

/* One part, with no more copies than room_max, which becomes less if they do
 * not fit; 1: there may be more, 0, <0. */
static int
compaction_collect_part(struct lsm *db, uint64_t end, uint64_t *room_max,
    struct compaction_progress *p)
{
	struct collect_part part = {end, compaction_collect_room(db)};
	struct version *v = vset_current(&db->vset);
	struct vref_list plan;
	bool some, splits;
	uint64_t copies;
	int err;

	if (part.room > *room_max)
		part.room = *room_max;
	err = collect_plan_part(v, &db->options, &part, &plan, &copies);
	version_unref(v);
	if (err)
		return err;
	err = compaction_collect_plan(db, &plan, p, &some);
	splits = plan.count > 1;
	vref_list_fini(&plan);
	if (err_is_full(err) && (reaper_empty(&db->reaper) || splits)) {
		*room_max = copies / 2;
		return 1;
	}
	return err ? err : some;
}

/*
 * Empties files with garbage that are still referred to, by tables that the
 * levels' compactions had no reason to touch.  No file goes before the last
 * table that refers to it, so as many are emptied at a time as there is room
 * for: all at once would fill a disk and leave it so.
 */
static int
compaction_collect_all(struct lsm *db, struct compaction_progress *p)
{
	/* What comes from now on is as it should be. */
	uint64_t end = atomic_load(&db->vset.next_number);
	uint64_t room_max = UINT64_MAX;
	int rc;

	do
		rc = compaction_collect_part(db, end, &room_max, p);
	while (rc > 0);
	return rc;
}

/* A compaction that does not fit may have the space that the flush needs. */
static int
compaction_flush(struct lsm *db)
{
	int err = lsm_flush(db);

	if (!err_is_full(err))
		return err;
	work_claim(&db->compaction);
	err = lsm_flush(db);
	work_unclaim(&db->compaction);
	return err;
}

int
lsm_compact(struct lsm *db,
    void (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx)
{
	struct compaction_progress p = {.call = progress, .ctx = ctx};
	int err;

	err = compaction_flush(db);
	p.total = compaction_total(db);
	for (unsigned level = 0; level < LSM_LEVELS && !err; level++)
		err = compaction_level(db, level, &p);
	if (!err)
		err = compaction_collect_all(db, &p);
	if (!err)
		reserve_want(db);
	if (!err && progress)
		progress(ctx, p.total, p.total);
	return err;
}
