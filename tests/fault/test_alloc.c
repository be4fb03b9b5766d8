/*
 * Every allocation of the engine fails, one after the other: the call that
 * needed it says so, nothing else has changed, the same call made again
 * succeeds, and no memory is lost.
 */
#include "tests/support/alloc.h"
#include "tests/support/site.h"
#include "tests/support/sweep.h"

static bool
explains(struct workload *w, int err)
{
	(void)w;
	/* -EAGAIN: no thread could be started. */
	return alloc_failures() > 0 && (err == -ENOMEM || err == -EAGAIN);
}

static void
relieve(struct workload *w)
{
	(void)w;
	alloc_disarm();
}

static uint64_t
run(struct workload *w, uint64_t n, uint64_t seed, enum alloc_how how,
    bool background)
{
	int64_t before = alloc_live();
	uint64_t places;

	workload_init(w, seed, false);
	w->explains = explains;
	w->relieve = how == ALLOC_ON ? relieve : NULL;
	w->leaves_nothing = how == ALLOC_ONCE;
	w->options.no_background = !background;
	w->steps_after = check_long() ? 100 : 10;
	alloc_arm(n, how, site_note);
	workload_open(w);
	check_true(workload_run(w));
	places = alloc_disarm();
	workload_fini(w);
	check_eq(alloc_live(), before);
	return places;
}

static uint64_t
run_once(struct workload *w, uint64_t n, uint64_t seed)
{
	return run(w, n, seed, ALLOC_ONCE, false);
}

static uint64_t
run_on(struct workload *w, uint64_t n, uint64_t seed)
{
	return run(w, n, seed, ALLOC_ON, false);
}

static uint64_t
run_threads(struct workload *w, uint64_t n, uint64_t seed)
{
	return run(w, n, seed, ALLOC_ONCE, true);
}

static void
alloc__one_fails(void **state)
{
	const struct sweep s = {"one allocation", run_once, 5, 400};

	(void)state;
	check_le(1000, sweep_all(&s));
}

static void
alloc__all_fail_until_a_call_does(void **state)
{
	const struct sweep s = {"all allocations from one on", run_on, 5, 120};

	(void)state;
	check_le(1000, sweep_all(&s));
}

static void
alloc__one_fails_with_threads(void **state)
{
	const struct sweep s = {"one allocation, threads", run_threads, 5, 60};

	(void)state;
	check_le(1000, sweep_all(&s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(alloc__one_fails, sweep_teardown),
	    cmocka_unit_test_teardown(
		alloc__all_fail_until_a_call_does, sweep_teardown),
	    cmocka_unit_test_teardown(
		alloc__one_fails_with_threads, sweep_teardown),
	};

	return cmocka_run_group_tests_name("fault_alloc", tests, NULL, NULL);
}
