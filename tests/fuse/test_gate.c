/* Work that is let in, and a moment without any. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fs/fuse/gate.h"
#include "tests/check.h"

#define WORKERS 6
#define CLOSES  200

static struct gate g;
static unsigned shared; /* changed while the gate is closed */
static atomic_uint inside;
static atomic_bool stop;

static int
setup(void **state)
{
	(void)state;
	gate_init(&g);
	shared = 0;
	atomic_store(&inside, 0);
	atomic_store(&stop, false);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	gate_fini(&g);
	return 0;
}

static void *
work(void *arg)
{
	unsigned *rounds = arg;

	while (!atomic_load(&stop)) {
		unsigned before;

		gate_enter(&g);
		atomic_fetch_add(&inside, 1);
		before = shared;
		usleep(50);
		check_eq(shared, before);
		atomic_fetch_sub(&inside, 1);
		gate_leave(&g);
		++*rounds;
	}
	return NULL;
}

static void
gate__closed_means_nobody_is_inside(void **state)
{
	pthread_t threads[WORKERS];
	unsigned rounds[WORKERS] = {0};

	(void)state;
	for (size_t i = 0; i < WORKERS; i++)
		check_ok(pthread_create(&threads[i], NULL, work, &rounds[i]));
	for (unsigned i = 0; i < CLOSES; i++) {
		gate_close(&g);
		check_eq(atomic_load(&inside), 0);
		shared++;
		usleep(20);
		check_eq(atomic_load(&inside), 0);
		gate_open(&g);
		usleep(50);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < WORKERS; i++) {
		check_ok(pthread_join(threads[i], NULL));
		check_true(rounds[i] > 0);
	}
}

static void *
close_and_open(void *arg)
{
	gate_close(&g);
	atomic_store((atomic_bool *)arg, true);
	gate_open(&g);
	return NULL;
}

static void
gate__closing_waits_for_the_last(void **state)
{
	atomic_bool is_closed = false;
	pthread_t t;

	(void)state;
	gate_enter(&g);
	gate_enter(&g); /* as two pieces of work */
	check_ok(pthread_create(&t, NULL, close_and_open, &is_closed));
	usleep(10000);
	gate_leave(&g);
	usleep(10000);
	check_false(atomic_load(&is_closed));
	gate_leave(&g);
	check_ok(pthread_join(t, NULL));
	check_true(atomic_load(&is_closed));
	gate_enter(&g);
	gate_leave(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		gate__closed_means_nobody_is_inside, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		gate__closing_waits_for_the_last, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
