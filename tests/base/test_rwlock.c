#include "engine/base/rwlock.h"

#include <pthread.h>

#include "tests/check.h"
#include "tests/support/dies.h"

static struct rwlock rw;
static pthread_barrier_t both_in;
static int written;

static void *
read_together(void *ctx)
{
	(void)ctx;
	rwlock_read(&rw);
	pthread_barrier_wait(&both_in);
	rwlock_release(&rw);
	return NULL;
}

static void
rwlock__readers_are_in_together(void **state)
{
	pthread_t t;

	(void)state;
	rwlock_init(&rw, LOCK_RANK_VOL_NS);
	check_ok(pthread_barrier_init(&both_in, NULL, 2));
	check_ok(pthread_create(&t, NULL, read_together, NULL));
	read_together(NULL);
	check_ok(pthread_join(t, NULL));
	pthread_barrier_destroy(&both_in);
	rwlock_fini(&rw);
}

static void *
write_many(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 5000; i++) {
		rwlock_write(&rw);
		written++;
		rwlock_release(&rw);
	}
	return NULL;
}

static void
rwlock__writers_exclude(void **state)
{
	pthread_t t;
	int before = 0;

	(void)state;
	written = 0;
	rwlock_init(&rw, LOCK_RANK_VOL_NS);
	check_ok(pthread_create(&t, NULL, write_many, NULL));
	for (int i = 0; i < 5000; i++) {
		rwlock_read(&rw);
		check_le(before, written);
		before = written;
		rwlock_release(&rw);
	}
	write_many(NULL);
	check_ok(pthread_join(t, NULL));
	check_eq(written, 10000);
	rwlock_fini(&rw);
}

static void
read_twice(void *ctx)
{
	rwlock_read(ctx);
	rwlock_read(ctx);
}

static void
write_below_a_mutex(void *ctx)
{
	struct lock l;

	lock_init(&l, LOCK_RANK_VOL_NODE);
	lock_acquire(&l);
	rwlock_write(ctx);
}

static void
release_without(void *ctx)
{
	rwlock_release(ctx);
}

static void
rwlock__keeps_the_order_of_ranks(void **state)
{
	(void)state;
	rwlock_init(&rw, LOCK_RANK_VOL_NS);
	check_true(dies_by_abort(read_twice, &rw));
	check_true(dies_by_abort(write_below_a_mutex, &rw));
	check_true(dies_by_abort(release_without, &rw));
	rwlock_fini(&rw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rwlock__readers_are_in_together),
	    cmocka_unit_test(rwlock__writers_exclude),
	    cmocka_unit_test(rwlock__keeps_the_order_of_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
