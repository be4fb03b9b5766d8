#include "engine/db/pace.h"

#include "engine/base/must.h"
#include "engine/db/db.h"

/* Until the first was measured; a guess at a disk that honours flushes. */
#define PACE_COST_US 200
/* load is kept in sixteenths. */
#define PACE_LOAD_ONE 16
/* The pause of adaptive, as a multiple of load times cost. */
#define PACE_GAIN 8

static const struct pace_window nothing = {
    .limit = UINT64_MAX,
    .deadline = UINT64_MAX,
};

void
pace_init(struct pace *p, const struct durability *d)
{
	lock_init(&p->lock, LOCK_RANK_LEAF);
	lock_cond_init(&p->wake);
	p->store = *d;
	p->syncing = p->pending = nothing;
	p->cost = PACE_COST_US;
	p->wake_at = UINT64_MAX;
}

void
pace_fini(struct pace *p)
{
	must(!p->has_thread);
	lock_cond_fini(&p->wake);
	lock_fini(&p->lock);
}

/* --- when ----------------------------------------------------------------- */

static uint64_t
pace_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When a sync must begin so that it ends before the deadline; a disk that has
 * become slow leaves at least half of the time for gathering. */
static uint64_t
pace_latest(const struct pace *p)
{
	const struct pace_window *w = &p->pending;
	uint64_t bound = w->deadline - w->oldest;
	uint64_t margin = pace_min(3 * p->cost, bound / 2);

	return w->deadline - margin;
}

/* When the thread is to sync what is pending; UINT64_MAX: not at all. */
static uint64_t
pace_due(const struct pace *p)
{
	const struct pace_window *w = &p->pending;
	uint64_t pause;

	if (w->deadline == UINT64_MAX)
		return UINT64_MAX;
	if (!w->adaptive)
		return pace_latest(p);
	pause = p->load < PACE_LOAD_ONE
		    ? 0
		    : PACE_GAIN * p->cost * p->load / PACE_LOAD_ONE;
	return pace_min(w->oldest + pause, pace_latest(p));
}

/* --- writers -------------------------------------------------------------- */

/* The number to wait for so that no bound is passed at `now`, or 0. */
static uint64_t
pace_owed(const struct pace *p, uint64_t now)
{
	const struct pace_window *s = &p->syncing, *w = &p->pending;
	uint64_t limit = pace_min(s->limit, w->limit);

	if (w->counted >= w->limit || now >= w->deadline)
		return w->last_seq;
	if (s->counted + w->counted >= limit || now >= s->deadline)
		return s->last_seq;
	return 0;
}

static void
pace_add(struct pace *p, const struct durability *d, uint64_t now)
{
	struct pace_window *w = &p->pending;
	uint64_t ms = UINT64_MAX;

	if (w->batches++ == 0)
		w->oldest = now;
	if (d->policy == DURABILITY_BATCH) {
		w->counted++;
		w->limit = pace_min(w->limit, d->batch_ops);
		ms = d->batch_ms;
	}
	if (d->policy == DURABILITY_ADAPTIVE) {
		w->adaptive = true;
		ms = d->adaptive_ms;
	}
	if (ms != UINT64_MAX)
		w->deadline = pace_min(w->deadline, now + ms * 1000);
}

bool
pace_syncs_each(struct lsm *db, const struct durability *d)
{
	struct pace *p = &db->pace;
	enum durability_policy policy;

	if (d)
		return d->policy == DURABILITY_SYNC;
	lock_acquire(&p->lock);
	policy = p->store.policy;
	lock_release(&p->lock);
	return policy == DURABILITY_SYNC;
}

uint64_t
pace_note(struct lsm *db, const struct durability *d, uint64_t seq)
{
	struct pace *p = &db->pace;
	uint64_t now = env_now_us(db->env);
	uint64_t owed;

	lock_acquire(&p->lock);
	if (!d)
		d = &p->store;
	pace_add(p, d, now);
	p->pending.last_seq = seq;
	owed = d->policy == DURABILITY_SYNC ? seq : pace_owed(p, now);
	if (pace_due(p) < p->wake_at) {
		p->wake_at = 0; /* it is told once */
		lock_cond_signal(&p->wake);
	}
	lock_release(&p->lock);
	return owed;
}

/* --- whoever syncs -------------------------------------------------------- */

uint64_t
pace_begin(struct lsm *db)
{
	struct pace *p = &db->pace;
	uint64_t now = env_now_us(db->env);
	uint64_t seq;

	lock_acquire(&p->lock);
	must(p->syncing.batches == 0);
	/* In this order: a batch that was written but not noted yet is covered
	 * and goes to the next window, which is safe. */
	p->syncing = p->pending;
	p->pending = nothing;
	p->began = now;
	seq = lsm_seq(db);
	p->syncing.last_seq = seq;
	lock_release(&p->lock);
	return seq;
}

void
pace_end(struct lsm *db, int err)
{
	struct pace *p = &db->pace;
	uint64_t now = env_now_us(db->env);

	lock_acquire(&p->lock);
	p->syncing = nothing;
	if (!err) {
		p->cost = (3 * p->cost + (now - p->began)) / 4;
		p->load = (p->load + p->pending.batches * PACE_LOAD_ONE) / 2;
	}
	lock_release(&p->lock);
}

uint64_t
pace_cost(struct lsm *db)
{
	struct pace *p = &db->pace;
	uint64_t cost;

	lock_acquire(&p->lock);
	cost = p->cost;
	lock_release(&p->lock);
	return cost;
}

/* --- the thread ----------------------------------------------------------- */

/* What is pending may have become durable by a flush. */
static void
pace_forget_durable(struct lsm *db)
{
	struct pace *p = &db->pace;

	if (lsm_durable_seq(db) >= p->pending.last_seq)
		p->pending = nothing;
}

/* Caller holds the lock, which is released meanwhile. */
static void
pace_sync(struct lsm *db)
{
	struct pace *p = &db->pace;
	uint64_t seq = p->pending.last_seq;
	int err;

	lock_release(&p->lock);
	err = lsm_sync(db, seq);
	lock_acquire(&p->lock);
	/* After an error there is nothing to be done for what is pending:
	 * whoever asks for its durability gets the error. */
	if (err)
		p->pending = nothing;
	else
		pace_forget_durable(db);
}

static void *
pace_run(void *arg)
{
	struct lsm *db = arg;
	struct pace *p = &db->pace;

	lock_acquire(&p->lock);
	while (!p->stop) {
		uint64_t due = pace_due(p);
		uint64_t now = due == UINT64_MAX ? 0 : env_now_us(db->env);

		p->wake_at = due;
		if (due == UINT64_MAX)
			lock_cond_wait(&p->wake, &p->lock);
		else if (now < due)
			lock_cond_wait_for(&p->wake, &p->lock, due - now);
		else
			pace_sync(db);
	}
	lock_release(&p->lock);
	return NULL;
}

int
pace_start(struct lsm *db)
{
	struct pace *p = &db->pace;
	int err = thread_start(&p->thread, "sync", pace_run, db);

	if (!err)
		p->has_thread = true;
	return err;
}

void
pace_stop(struct lsm *db)
{
	struct pace *p = &db->pace;

	lock_acquire(&p->lock);
	p->stop = true;
	lock_cond_signal(&p->wake);
	lock_release(&p->lock);
	if (p->has_thread)
		thread_join(&p->thread);
	p->has_thread = false;
}

/* --- for people ----------------------------------------------------------- */

int
lsm_set_durability(struct lsm *db, const struct durability *d)
{
	struct pace *p = &db->pace;

	if (!durability_valid(d))
		return -EINVAL;
	lock_acquire(&p->lock);
	p->store = *d;
	lock_release(&p->lock);
	/* What was written under a weaker one must not exceed its bounds. */
	return d->policy == DURABILITY_NONE ? 0 : lsm_sync(db, lsm_seq(db));
}

void
lsm_get_durability(struct lsm *db, struct durability *out)
{
	struct pace *p = &db->pace;

	lock_acquire(&p->lock);
	*out = p->store;
	lock_release(&p->lock);
}

void
pace_figures(struct lsm *db, struct pace_figures *out)
{
	struct pace *p = &db->pace;
	uint64_t now = env_now_us(db->env);
	const struct pace_window *first;

	lock_acquire(&p->lock);
	pace_forget_durable(db);
	first = p->syncing.batches ? &p->syncing : &p->pending;
	*out = (struct pace_figures){
	    .batches = p->syncing.batches + p->pending.batches,
	    .age_us = first->batches ? now - first->oldest : 0,
	    .cost_us = p->cost,
	};
	lock_release(&p->lock);
}
