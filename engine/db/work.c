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
	TAILQ_INIT(&w->divided);
}

void
work_fini(struct work *w)
{
	must(w->running == 0 && !w->claimed && w->thread_count == 0);
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

void
work_hurry(struct work *w)
{
	w->hurry = true;
	work_want(w);
}

void
work_want_at(struct work *w, uint64_t us)
{
	lock_assert_held(&w->db->state_lock);
	w->wanted_at = us;
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

/* Of the step that was the number-th to begin.  One that had begun when
 * another failed, and does well, says nothing of what failed. */
static void
work_set_error(struct work *w, int err, uint64_t number)
{
	if (!err && w->error && number <= w->error_begun)
		return;
	w->error = err;
	if (!err) {
		w->pause_us = 0;
		return;
	}
	w->error_number = number;
	w->error_begun = w->begun;
	if (w->pause_us == 0)
		w->pause_us = WORK_PAUSE_MIN_US;
	else if (w->pause_us < WORK_PAUSE_MAX_US)
		w->pause_us *= 2;
	w->retry_at = env_now_us(w->db->env) + w->pause_us;
}

static void
work_ended(struct work *w)
{
	/* Release: who sees it finds done what the step has done. */
	atomic_fetch_add_explicit(&w->ended, 1, memory_order_release);
	lock_cond_broadcast(&w->db->work_ended);
}

/* How many steps may run at once. */
static unsigned
work_limit(const struct work *w)
{
	return w->thread_count > 0 ? w->thread_count : 1;
}

/* Whether a step may begin as far as others are concerned. */
static bool
work_is_free(const struct work *w)
{
	return w->running < work_limit(w) && w->claims == 0 && !w->claimed;
}

/* Something was done, and may have made the space that others have missed. */
static void
work_hurry_full(struct lsm *db)
{
	struct work *all[] = {&db->flush, &db->compaction};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (err_is_full(all[i]->error))
			work_hurry(all[i]);
}

/* One step.  Caller holds state_lock, and the work is free. */
static int
work_step(struct work *w)
{
	uint64_t number = ++w->begun;
	int before = w->error;
	int rc;

	must(work_is_free(w));
	w->running++;
	w->hurry = false;
	w->wanted = false;
	w->wanted_at = 0;
	lock_release(&w->db->state_lock);
	rc = w->step(w->db);
	work_report(w, rc < 0 ? rc : 0, before);
	lock_acquire(&w->db->state_lock);
	w->running--;
	if (rc != 0)
		work_want(w);
	if (rc > 0) {
		w->done++;
		/* Relaxed: `ended` brings it. */
		atomic_fetch_add_explicit(
		    &w->db->work_done, 1, memory_order_relaxed);
		work_hurry_full(w->db);
	}
	work_set_error(w, rc < 0 ? rc : 0, number);
	work_ended(w);
	return rc;
}

/* Waits for something to do. */
static void
work_idle(struct work *w)
{
	struct lock *l = &w->db->state_lock;
	uint64_t now;

	if (w->wanted || w->wanted_at == 0) {
		lock_cond_wait(&w->wake, l);
		return;
	}
	now = env_now_us(w->db->env);
	if (now >= w->wanted_at)
		w->wanted = true;
	else
		lock_cond_wait_for(&w->wake, l, w->wanted_at - now);
}

/* False after it has waited because a step could not begin: look again. */
static bool
work_may_step(struct work *w)
{
	struct lock *l = &w->db->state_lock;
	uint64_t now;

	if (!work_is_free(w) || !w->wanted) {
		work_idle(w);
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

/* The next one of p, which has one left.  Caller holds state_lock. */
static void
work_piece(struct work *w, struct work_pieces *p)
{
	unsigned piece = p->next++;

	if (p->next == p->count)
		TAILQ_REMOVE(&w->divided, p, link);
	lock_release(&w->db->state_lock);
	p->run(p->ctx, piece);
	lock_acquire(&w->db->state_lock);
	p->ended++;
	lock_cond_broadcast(&w->db->work_ended);
}

void
work_divide(struct work *w, struct work_pieces *p)
{
	must(p->count > 0);
	lock_acquire(&w->db->state_lock);
	p->next = p->ended = 0;
	TAILQ_INSERT_TAIL(&w->divided, p, link);
	lock_cond_broadcast(&w->wake);
	while (p->next < p->count)
		work_piece(w, p);
	while (p->ended < p->count)
		lock_cond_wait(&w->db->work_ended, &w->db->state_lock);
	lock_release(&w->db->state_lock);
}

static void *
work_run(void *arg)
{
	struct work *w = arg;

	lock_acquire(&w->db->state_lock);
	while (!work_stopped(w))
		if (!TAILQ_EMPTY(&w->divided))
			work_piece(w, TAILQ_FIRST(&w->divided));
		else if (work_may_step(w))
			work_step(w);
	lock_release(&w->db->state_lock);
	return NULL;
}

int
work_start(struct work *w, unsigned threads)
{
	int err = 0;

	must(threads > 0 && threads <= WORK_THREADS_MAX);
	lock_acquire(&w->db->state_lock);
	while (!err && w->thread_count < threads) {
		err = thread_start(
		    &w->threads[w->thread_count], w->name, work_run, w);
		if (!err)
			w->thread_count++;
	}
	lock_release(&w->db->state_lock);
	return err;
}

static void
work_join(struct work *w)
{
	for (unsigned i = 0; i < w->thread_count; i++)
		thread_join(&w->threads[i]);
	w->thread_count = 0;
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

/* Until some step or claim is over. */
static void
work_wait_ended(struct work *w)
{
	uint64_t ended = w->ended;

	while (w->ended == ended)
		lock_cond_wait(&w->db->work_ended, &w->db->state_lock);
}

/* As work_await with threads. */
static int
work_await_threads(struct work *w, uint64_t begun)
{
	uint64_t done = w->done;

	work_hurry(w);
	for (;;) {
		work_wait_ended(w);
		if (w->done != done)
			return 0;
		if (w->error && w->error_number > begun)
			return w->error;
		/* Nothing to do, not only beside what runs. */
		if (!w->wanted && w->running == 0)
			return 0;
	}
}

int
work_await(struct work *w)
{
	uint64_t begun = w->begun;
	int rc;

	must(!work_is_mine(w));
	if (w->thread_count > 0)
		return work_await_threads(w, begun);
	while (!work_is_free(w)) {
		work_wait_ended(w);
		if (w->error && w->error_number > begun)
			return w->error;
	}
	rc = work_step(w);
	return rc < 0 ? rc : 0;
}

static uint64_t
work_ended_count(const struct work *w)
{
	return atomic_load_explicit(&w->ended, memory_order_acquire);
}

struct work_tally
work_tally(struct lsm *db)
{
	struct work_tally t = {
	    .flush = work_ended_count(&db->flush),
	    .compaction = work_ended_count(&db->compaction),
	    .spare = work_ended_count(&db->spare),
	};

	t.done = atomic_load_explicit(&db->work_done, memory_order_relaxed);
	return t;
}

/* A step runs, or is about to without waiting for time to pass. */
static bool
work_is_under_way(const struct work *w)
{
	if (w->running > 0 || w->claimed)
		return true;
	return w->thread_count > 0 && w->wanted && (!w->error || w->hurry);
}

bool
work_await_any(
    struct lsm *db, const struct work_tally *before, const struct work *but)
{
	const struct {
		const struct work *work;
		uint64_t ended;
	} jobs[] = {
	    {&db->flush, before->flush},
	    {&db->compaction, before->compaction},
	    {&db->spare, before->spare},
	};
	bool some = false, any = true;

	lock_acquire(&db->state_lock);
	while (any) {
		any = false;
		for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
			if (jobs[i].work == but)
				continue;
			some |= work_ended_count(jobs[i].work) != jobs[i].ended;
			any |= work_is_under_way(jobs[i].work);
		}
		any = any && !some;
		if (any)
			lock_cond_wait(&db->work_ended, &db->state_lock);
	}
	lock_release(&db->state_lock);
	return some;
}

static bool
work_all_steps(struct work *w)
{
	struct lock *l = &w->db->state_lock;
	bool some = false;

	lock_acquire(l);
	for (;;) {
		while (!work_is_free(w))
			work_wait_ended(w);
		if (!w->wanted || work_step(w) <= 0)
			break;
		some = true;
	}
	lock_release(l);
	return some;
}

bool
work_all(struct lsm *db)
{
	bool some = work_all_steps(&db->flush);

	some |= work_all_steps(&db->compaction);
	some |= work_all_steps(&db->spare);
	return some;
}

void
work_claim(struct work *w)
{
	struct lock *l = &w->db->state_lock;

	lock_acquire(l);
	w->claims++;
	while (w->running > 0 || w->claimed)
		work_wait_ended(w);
	w->claims--;
	w->claimed = true;
	w->claimer = pthread_self();
	lock_release(l);
}

void
work_unclaim(struct work *w)
{
	lock_acquire(&w->db->state_lock);
	w->claimed = false;
	work_ended(w);
	work_want(w);
	lock_release(&w->db->state_lock);
}

bool
work_is_mine(const struct work *w)
{
	lock_assert_held(&w->db->state_lock);
	return w->claimed && pthread_equal(w->claimer, pthread_self());
}
