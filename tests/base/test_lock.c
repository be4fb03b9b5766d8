#include "engine/base/lock.h"

#include <time.h>

#include "tests/check.h"
#include "tests/support/dies.h"

struct fixture {
	struct lock low, low_too, high;
	struct lock_cond cond;
	int n;
};

static struct fixture fx;

static int
set_up(void **state)
{
	lock_init(&fx.low, LOCK_RANK_VOL_NODE);
	lock_init(&fx.low_too, LOCK_RANK_VOL_NODE);
	lock_init(&fx.high, LOCK_RANK_LEAF);
	lock_cond_init(&fx.cond);
	fx.n = 0;
	*state = &fx;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	lock_fini(&fx.low);
	lock_fini(&fx.low_too);
	lock_fini(&fx.high);
	lock_cond_fini(&fx.cond);
	return 0;
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
lock__growing_rank_is_allowed_in_any_order_of_release(void **state)
{
	struct fixture *f = *state;

	lock_acquire(&f->low);
	lock_acquire(&f->high);
	lock_assert_held(&f->low);
	lock_assert_held(&f->high);
	lock_release(&f->low);
	lock_release(&f->high);
	lock_acquire(&f->low);
	lock_acquire_nested(&f->low_too);
	lock_release(&f->low);
	lock_acquire(&f->high);
	lock_release(&f->high);
	lock_release(&f->low_too);
	lock_acquire(&f->low);
	lock_release(&f->low);
}

static void
take_high_then_low(void *ctx)
{
	struct fixture *f = ctx;

	lock_acquire(&f->high);
	lock_acquire(&f->low);
}

static void
take_the_same_rank(void *ctx)
{
	struct fixture *f = ctx;

	lock_acquire(&f->low);
	lock_acquire(&f->low_too);
}

static void
take_the_same_rank_after_one_release(void *ctx)
{
	struct fixture *f = ctx;

	lock_acquire(&f->low);
	lock_acquire_nested(&f->low_too);
	lock_release(&f->low_too);
	lock_acquire(&f->low_too);
}

static void
take_high_then_low_nested(void *ctx)
{
	struct fixture *f = ctx;

	lock_acquire(&f->high);
	lock_acquire_nested(&f->low);
}

static void
take_twice_nested(void *ctx)
{
	struct fixture *f = ctx;

	lock_acquire(&f->low);
	lock_acquire_nested(&f->low);
}

static void
release_what_is_not_held(void *ctx)
{
	struct fixture *f = ctx;

	lock_release(&f->low);
}

static void
wait_while_holding_higher(void *ctx)
{
	struct fixture *f = ctx;

	lock_acquire(&f->low);
	lock_acquire(&f->high);
	lock_cond_wait_for(&f->cond, &f->low, 1);
}

static void
lock__wrong_order_dies_the_first_time(void **state)
{
	check_true(dies_by_abort(take_high_then_low, *state));
	check_true(dies_by_abort(take_the_same_rank, *state));
	check_true(dies_by_abort(take_the_same_rank_after_one_release, *state));
	check_true(dies_by_abort(take_high_then_low_nested, *state));
	check_true(dies_by_abort(take_twice_nested, *state));
	check_true(dies_by_abort(release_what_is_not_held, *state));
	check_true(dies_by_abort(wait_while_holding_higher, *state));
}

static void
assert_held(void *ctx)
{
	lock_assert_held(ctx);
}

static void *
holds_nothing(void *ctx)
{
	struct fixture *f = ctx;

	/* The same rank is held, but by another thread. */
	lock_acquire(&f->high);
	lock_release(&f->high);
	f->n = 1;
	return NULL;
}

static void
lock__ranks_are_counted_for_each_thread(void **state)
{
	struct fixture *f = *state;
	struct lock highest;
	pthread_t t;

	lock_init(&highest, LOCK_RANK_LEAF);
	check_true(dies_by_abort(assert_held, &f->low));
	lock_acquire(&highest);
	lock_assert_held(&highest);
	check_ok(pthread_create(&t, NULL, holds_nothing, f));
	check_ok(pthread_join(t, NULL));
	check_eq(f->n, 1);
	lock_release(&highest);
	lock_fini(&highest);
}

static void *
add_many(void *ctx)
{
	struct fixture *f = ctx;

	for (int i = 0; i < 10000; i++) {
		lock_acquire(&f->low);
		f->n++;
		lock_release(&f->low);
	}
	return NULL;
}

static void
lock__excludes(void **state)
{
	struct fixture *f = *state;
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		check_ok(pthread_create(&t[i], NULL, add_many, f));
	for (int i = 0; i < 3; i++)
		check_ok(pthread_join(t[i], NULL));
	check_eq(f->n, 30000);
}

static void
lock__condition_times_out(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = now_us();

	lock_acquire(&f->low);
	/* It may wake for no reason, but not for ever. */
	while (lock_cond_wait_for(&f->cond, &f->low, 20000))
		check_le(now_us() - begin, 10000000);
	lock_assert_held(&f->low);
	lock_release(&f->low);
	check_le(20000, now_us() - begin);
}

static void *
answer(void *ctx)
{
	struct fixture *f = ctx;

	lock_acquire(&f->low);
	f->n = 1;
	lock_cond_signal(&f->cond);
	while (f->n != 2)
		lock_cond_wait(&f->cond, &f->low);
	f->n = 3;
	lock_cond_broadcast(&f->cond);
	lock_release(&f->low);
	return NULL;
}

static void
lock__condition_wakes(void **state)
{
	struct fixture *f = *state;
	pthread_t t;

	lock_acquire(&f->low);
	check_ok(pthread_create(&t, NULL, answer, f));
	/* For ever, as near as it gets. */
	while (f->n != 1)
		check_true(lock_cond_wait_for(&f->cond, &f->low, UINT64_MAX));
	lock_assert_held(&f->low);
	f->n = 2;
	lock_cond_broadcast(&f->cond);
	while (f->n != 3)
		lock_cond_wait(&f->cond, &f->low);
	lock_assert_held(&f->low);
	lock_release(&f->low);
	check_ok(pthread_join(t, NULL));
}

#define in_fixture(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void *
try_in_thread(void *arg)
{
	bool got = lock_try(arg);

	if (got)
		lock_release(arg);
	return got ? arg : NULL;
}

static void
lock__try_does_not_wait(void **state)
{
	struct lock l;
	pthread_t thread;
	void *got;

	(void)state;
	lock_init(&l, LOCK_RANK_LEAF);
	check_true(lock_try(&l));
	lock_assert_held(&l);
	check_ok(pthread_create(&thread, NULL, try_in_thread, &l));
	check_ok(pthread_join(thread, &got));
	check_true(got == NULL);
	lock_release(&l);
	check_ok(pthread_create(&thread, NULL, try_in_thread, &l));
	check_ok(pthread_join(thread, &got));
	check_true(got != NULL);
	lock_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(lock__growing_rank_is_allowed_in_any_order_of_release),
	    in_fixture(lock__wrong_order_dies_the_first_time),
	    in_fixture(lock__ranks_are_counted_for_each_thread),
	    in_fixture(lock__excludes),
	    in_fixture(lock__condition_times_out),
	    in_fixture(lock__condition_wakes),
	    cmocka_unit_test(lock__try_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
