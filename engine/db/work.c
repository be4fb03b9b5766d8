#include "engine/db/work.h"

#include "engine/base/must.h"
#include "engine/db/db.h"

#define WORK_PAUSE_MIN_US 100000
#define WORK_PAUSE_MAX_US 10000000

void
work_init(struct work *w, struct lsm *db, const char *name,
    int (*step)(struct lsm *db))
{
	*w = (struct work){
	    .name = name, .step = step, .db = db, .level = ERR_LEVEL_ERROR};
	lock_cond_init(&w->wake);
}

void
work_fini(struct work *w)
{
	must(!w->busy && !w->has_thread);
	lock_cond_fini(&w->wake);
}

static bool
work_stopped(const struct work *w)
{
	/* Relaxed: nothing else is read on the strength of it. */
	return atomic_load_explicit(&w->db->stop, memory_order_relaxed);
}

void
work_want(struct work *w)
{
	lock_assert_held(&w->db->state_lock);
	w->wanted = true;
	lock_cond_signal(&w->wake);
}

/* Told once for each kind of failure, not at each try. */
static void
work_report(struct work *w, int err, int before)
{
	struct lsm *db = w->db;

	if (err == -ECANCELED || err == before)
		return;
	if (err)
		env_log(db->env, w->level,
		    "%s: %s failed: %s; it is tried again", db->dir, w->name,
		    err_text(err));
	else
		env_log(db->env, ERR_LEVEL_INFO, "%s: %s works again", db->dir,
		    w->name);
}

static void
work_set_error(struct work *w, int err)
{
	w->error = err;
	if (!err)
		w->pause_us = 0;
	else if (w->pause_us == 0)
		w->pause_us = WORK_PAUSE_MIN_US;
	else if (w->pause_us < WORK_PAUSE_MAX_US)
		w->pause_us *= 2;
	w->retry_at = env_now_us(w->db->env) + w->pause_us;
}

static void
work_ended(struct work *w)
{
	w->busy = false;
	w->attempts++;
	lock_cond_broadcast(&w->db->work_ended);
}

/* One step.  Caller holds state_lock and nobody is busy. */
static int
work_step(struct work *w)
{
	int before = w->error;
	int rc;

	must(!w->busy);
	w->busy = true;
	w->hurry = false;
	w->wanted = false;
	lock_release(&w->db->state_lock);
	rc = w->step(w->db);
	work_report(w, rc < 0 ? rc : 0, before);
	/* Tables need the space more than the log does. */
	if (rc == -ENOSPC && w != &w->db->spare)
		spare_remove_all(w->db);
	lock_acquire(&w->db->state_lock);
	if (rc != 0)
		w->wanted = true;
	work_set_error(w, rc < 0 ? rc : 0);
	work_ended(w);
	return rc;
}

/* False after it has waited because a step could not begin: look again. */
static bool
work_may_step(struct work *w)
{
	struct lock *l = &w->db->state_lock;
	uint64_t now;

	if (w->busy || w->claims > 0 || !w->wanted) {
		lock_cond_wait(&w->wake, l);
		return false;
	}
	if (!w->error || w->hurry)
		return true;
	now = env_now_us(w->db->env);
	if (now >= w->retry_at)
		return true;
	lock_cond_wait_for(&w->wake, l, w->retry_at - now);
	return false;
}

static void *
work_run(void *arg)
{
	struct work *w = arg;

	lock_acquire(&w->db->state_lock);
	while (!work_stopped(w))
		if (work_may_step(w))
			work_step(w);
	lock_release(&w->db->state_lock);
	return NULL;
}

int
work_start(struct work *w)
{
	int err = thread_start(&w->thread, w->name, work_run, w);

	if (!err)
		w->has_thread = true;
	return err;
}

static void
work_join(struct work *w)
{
	if (w->has_thread)
		thread_join(&w->thread);
	w->has_thread = false;
}

void
work_stop(struct lsm *db)
{
	lock_acquire(&db->state_lock);
	lock_cond_broadcast(&db->flush.wake);
	lock_cond_broadcast(&db->compaction.wake);
	lock_cond_broadcast(&db->spare.wake);
	lock_release(&db->state_lock);
	work_join(&db->flush);
	work_join(&db->compaction);
	work_join(&db->spare);
}

/* Until the steps ended are not `attempts` any more. */
static void
work_wait_ended(struct work *w, uint64_t attempts)
{
	while (w->attempts == attempts)
		lock_cond_wait(&w->db->work_ended, &w->db->state_lock);
}

int
work_await(struct work *w)
{
	bool earlier = w->busy;

	lock_assert_held(&w->db->state_lock);
	for (;;) {
		if (w->busy || w->has_thread) {
			w->hurry = true;
			work_want(w);
			work_wait_ended(w, w->attempts);
		} else {
			work_step(w);
		}
		if (!w->error || !earlier)
			return w->error;
		earlier = false;
	}
}

void
work_all(struct work *w)
{
	struct lock *l = &w->db->state_lock;

	lock_acquire(l);
	while (w->busy)
		work_wait_ended(w, w->attempts);
	while (w->wanted && work_step(w) > 0)
		continue;
	lock_release(l);
}

void
work_claim(struct work *w)
{
	struct lock *l = &w->db->state_lock;

	lock_acquire(l);
	w->claims++;
	while (w->busy)
		work_wait_ended(w, w->attempts);
	w->claims--;
	w->busy = true;
	lock_release(l);
}

void
work_unclaim(struct work *w)
{
	lock_acquire(&w->db->state_lock);
	work_ended(w);
	work_want(w);
	lock_release(&w->db->state_lock);
}
