#include "engine/db/work.h"

#include <stdio.h>
#include <unistd.h>

#include "engine/db/db.h"
#include "tests/check.h"

#define PIECES 200

/* What the step does, and what it has done.  One test at a time. */
static struct {
	_Atomic int result;   /* what it returns */
	_Atomic unsigned now; /* steps that run */
	_Atomic unsigned most;
	_Atomic unsigned left; /* how often it has something to do */
	_Atomic unsigned meet; /* it waits until so many run */
	_Atomic unsigned ended;
	_Atomic bool hold; /* it waits while this is so */
} job;

static int
step(struct lsm *db)
{
	unsigned now = atomic_fetch_add(&job.now, 1) + 1;
	unsigned most = atomic_load(&job.most);
	int rc = atomic_load(&job.result);

	(void)db;
	while (
	    now > most && !atomic_compare_exchange_weak(&job.most, &most, now))
		;
	while (atomic_load(&job.most) < atomic_load(&job.meet) ||
	       atomic_load(&job.hold))
		usleep(100);
	if (rc > 0 && atomic_load(&job.left) == 0)
		rc = 0;
	else if (rc > 0)
		atomic_fetch_sub(&job.left, 1);
	atomic_fetch_sub(&job.now, 1);
	atomic_fetch_add(&job.ended, 1);
	return rc;
}

/* Like compaction: who has found something wakes the next. */
static int
step_and_wake(struct lsm *db)
{
	if (atomic_load(&job.left) > 0) {
		lock_acquire(&db->state_lock);
		work_want(&db->compaction);
		lock_release(&db->state_lock);
	}
	return step(db);
}

struct fixture {
	struct env env;
	struct lsm *db;
	struct work *work;
};

static void
fixture_init(struct fixture *f, unsigned threads, int (*run)(struct lsm *db))
{
	const struct err_sink nobody = {0};

	memset(&job, 0, sizeof(job));
	job.result = 1;
	env_posix_init(&f->env, nobody);
	f->db = db_new();
	check_true(f->db != NULL);
	f->db->env = &f->env;
	f->work = &f->db->compaction;
	work_init(&f->db->flush, f->db, "flush", run);
	work_init(f->work, f->db, "job", run);
	work_init(&f->db->spare, f->db, "spare", run);
	if (threads > 0)
		check_ok(work_start(f->work, threads));
}

static void
fixture_fini(struct fixture *f)
{
	atomic_store(&f->db->stop, true);
	work_stop(f->db);
	db_free(f->db);
}

static int
await(struct fixture *f)
{
	int err;

	lock_acquire(&f->db->state_lock);
	err = work_await(f->work);
	lock_release(&f->db->state_lock);
	return err;
}

static void
want(struct fixture *f)
{
	lock_acquire(&f->db->state_lock);
	work_want(f->work);
	lock_release(&f->db->state_lock);
}

static void
wait_for(_Atomic unsigned *n, unsigned least)
{
	while (atomic_load(n) < least)
		usleep(100);
}

/* --- steps -------------------------------------------------------------- */

static void
work__steps_run_at_once_in_several_threads(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 3, step_and_wake);
	job.left = 100;
	job.meet = 3;
	want(&f);
	while (atomic_load(&job.left) > 0)
		usleep(100);
	check_eq(job.most, 3);
	fixture_fini(&f);
}

static void
work__without_threads_the_caller_does_it(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 0, step);
	job.left = 5;
	check_ok(await(&f));
	check_eq(job.left, 4);
	check_true(work_all(f.db));
	check_eq(job.left, 0);
	check_eq(job.most, 1);
	fixture_fini(&f);
}

static void
work__await_ends_when_there_is_nothing_to_do(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 2, step_and_wake);
	check_ok(await(&f));
	check_le(1, job.ended);
	fixture_fini(&f);
}

/* The one that runs may make room; another that finds nothing to do beside it
 * says nothing. */
static void *
awaiting(void *arg)
{
	struct fixture *f = arg;

	check_ok(await(f));
	/* Its result was there before. */
	check_eq(job.left, 0);
	return NULL;
}

static int
hold_the_first(struct lsm *db)
{
	static _Atomic unsigned calls;
	bool first = atomic_fetch_add(&calls, 1) == 0;

	(void)db;
	atomic_fetch_add(&job.now, 1);
	while (first && atomic_load(&job.hold))
		usleep(100);
	if (first)
		atomic_fetch_sub(&job.left, 1);
	atomic_fetch_add(&job.ended, 1);
	return first;
}

static void
work__await_waits_for_steps_that_run(void **state)
{
	struct fixture f;
	struct thread t;

	(void)state;
	fixture_init(&f, 2, hold_the_first);
	job.left = 1;
	job.hold = true;
	want(&f);
	wait_for(&job.now, 1);
	check_ok(thread_start(&t, "awaiting", awaiting, &f));
	wait_for(&job.ended, 1);
	usleep(20000);
	job.hold = false;
	thread_join(&t);
	fixture_fini(&f);
}

static void
work__await_returns_the_error_of_a_step(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned threads = 0; threads < 3; threads++) {
		fixture_init(&f, threads, step);
		job.result = -ENOSPC;
		check_err(await(&f), -ENOSPC);
		check_err(await(&f), -ENOSPC); /* at once, without a pause */
		job.result = 1;
		job.left = 1;
		check_ok(await(&f));
		fixture_fini(&f);
	}
}

static void *
awaiting_any(void *arg)
{
	const struct work_tally none = {0};
	struct fixture *f = arg;

	check_true(work_await_any(f->db, &none, NULL));
	check_le(1, job.ended);
	return NULL;
}

static void
work__await_any_waits_for_what_runs(void **state)
{
	struct work_tally tally;
	struct fixture f;
	struct thread t;

	(void)state;
	fixture_init(&f, 1, step);
	job.left = 1;
	job.hold = true;
	want(&f);
	wait_for(&job.now, 1);
	check_eq(work_tally(f.db).compaction, 0);
	check_ok(thread_start(&t, "awaiting", awaiting_any, &f));
	usleep(20000);
	job.hold = false;
	thread_join(&t);
	/* What has ended before counts, too; what is not there does not. */
	tally = (struct work_tally){0};
	check_true(work_await_any(f.db, &tally, NULL));
	do
		tally = work_tally(f.db);
	while (work_await_any(f.db, &tally, NULL));
	check_eq(tally.compaction, 2);
	check_eq(tally.done, 1);
	fixture_fini(&f);
}

static void
work__await_any_does_not_wait_out_a_pause(void **state)
{
	struct work_tally tally = {0};
	struct fixture f;

	(void)state;
	fixture_init(&f, 2, step);
	check_false(work_await_any(f.db, &tally, NULL));
	job.result = -ENOSPC;
	check_err(await(&f), -ENOSPC);
	tally = work_tally(f.db);
	check_eq(tally.compaction, 1);
	check_false(work_await_any(f.db, &tally, NULL));
	work_claim(f.work);
	work_unclaim(f.work);
	check_false(work_await_any(f.db, &tally, f.work));
	check_true(work_await_any(f.db, &tally, NULL));
	fixture_fini(&f);
}

static void *
claiming(void *arg)
{
	struct fixture *f = arg;

	work_claim(f->work);
	check_eq(job.now, 0);
	usleep(20000);
	check_eq(job.now, 0);
	work_unclaim(f->work);
	return NULL;
}

static void
work__claims_run_alone(void **state)
{
	struct thread threads[3];
	struct fixture f;

	(void)state;
	fixture_init(&f, 3, step_and_wake);
	job.left = 100000000;
	want(&f);
	for (int i = 0; i < 3; i++)
		check_ok(thread_start(&threads[i], "claiming", claiming, &f));
	for (int i = 0; i < 3; i++)
		thread_join(&threads[i]);
	wait_for(&job.ended, job.ended + 1);
	fixture_fini(&f);
}

/* --- pieces ------------------------------------------------------------- */

static _Atomic unsigned done[PIECES];
static _Atomic unsigned at_once, at_once_most;

static void
piece(void *ctx, unsigned i)
{
	unsigned now = atomic_fetch_add(&at_once, 1) + 1;

	check_true(ctx == done);
	if (now > atomic_load(&at_once_most))
		atomic_store(&at_once_most, now);
	atomic_fetch_add(&done[i], 1);
	usleep(100);
	atomic_fetch_sub(&at_once, 1);
}

static void *
dividing(void *arg)
{
	struct fixture *f = arg;
	struct work_pieces p = {.run = piece, .ctx = done, .count = PIECES};

	work_divide(f->work, &p);
	check_eq(p.ended, PIECES);
	return NULL;
}

static void
work__pieces_are_done_once_each(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads < 4; threads++) {
		struct thread t;
		struct fixture f;

		memset(done, 0, sizeof(done));
		at_once_most = 0;
		fixture_init(&f, threads, step);
		/* Two that are divided at the same time. */
		check_ok(thread_start(&t, "dividing", dividing, &f));
		dividing(&f);
		thread_join(&t);
		for (unsigned i = 0; i < PIECES; i++)
			check_eq(done[i], 2);
		check_le(at_once_most, threads + 2);
		check_true(threads == 0 || at_once_most > 1);
		fixture_fini(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(work__steps_run_at_once_in_several_threads),
	    cmocka_unit_test(work__without_threads_the_caller_does_it),
	    cmocka_unit_test(work__await_ends_when_there_is_nothing_to_do),
	    cmocka_unit_test(work__await_waits_for_steps_that_run),
	    cmocka_unit_test(work__await_returns_the_error_of_a_step),
	    cmocka_unit_test(work__await_any_waits_for_what_runs),
	    cmocka_unit_test(work__await_any_does_not_wait_out_a_pause),
	    cmocka_unit_test(work__claims_run_alone),
	    cmocka_unit_test(work__pieces_are_done_once_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
