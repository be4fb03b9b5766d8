#include "engine/base/eventcount.h"

#include <pthread.h>
#include <time.h>

#include "tests/check.h"

#define THREADS 4
#define ROUNDS  5000

struct scene {
	struct eventcount changed;
	_Atomic uint32_t value;
	_Atomic uint32_t seen;
};

static uint64_t
now_us(void)
{
	struct timespec t;

	check_ok(clock_gettime(CLOCK_MONOTONIC, &t));
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Until the value is so high. */
static void
await(struct scene *s, uint32_t value)
{
	for (;;) {
		uint32_t count = eventcount_now(&s->changed);

		if (s->value >= value)
			return;
		eventcount_wait(&s->changed, count, EVENTCOUNT_FOREVER);
	}
}

static void *
follow(void *ctx)
{
	struct scene *s = ctx;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		await(s, i);
		s->seen++;
		eventcount_notify(&s->changed);
	}
	return NULL;
}

/* Each goes on when all have seen the last value: a wake-up that is missed
 * stops them for ever. */
static void
eventcount__nothing_is_missed(void **state)
{
	struct scene s = {0};
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_create(&threads[i], NULL, follow, &s));
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		s.value = i;
		eventcount_notify(&s.changed);
		for (;;) {
			uint32_t count = eventcount_now(&s.changed);

			if (s.seen == i * THREADS)
				break;
			eventcount_wait(&s.changed, count, EVENTCOUNT_FOREVER);
		}
	}
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_join(threads[i], NULL));
	check_eq(s.changed.waiting, 0);
}

static void
eventcount__an_old_count_does_not_wait(void **state)
{
	struct eventcount e = {0};
	uint32_t count = eventcount_now(&e);

	(void)state;
	eventcount_notify(&e);
	check_ne(eventcount_now(&e), count);
	eventcount_wait(&e, count, EVENTCOUNT_FOREVER);
}

static void
eventcount__a_wait_ends_in_time(void **state)
{
	struct eventcount e = {0};
	uint64_t begin = now_us();

	(void)state;
	/* Waits may end early, but not all of them. */
	while (now_us() < begin + 20000)
		eventcount_wait(&e, eventcount_now(&e), 5000);
	check_le(now_us() - begin, 5000000);
	check_eq(e.waiting, 0);
}

/* The count goes round. */
static void
eventcount__after_the_last_count_comes_zero(void **state)
{
	struct eventcount e = {.count = UINT32_MAX};
	uint32_t count = eventcount_now(&e);

	(void)state;
	eventcount_notify(&e);
	check_eq(eventcount_now(&e), 0);
	eventcount_wait(&e, count, EVENTCOUNT_FOREVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(eventcount__nothing_is_missed),
	    cmocka_unit_test(eventcount__an_old_count_does_not_wait),
	    cmocka_unit_test(eventcount__a_wait_ends_in_time),
	    cmocka_unit_test(eventcount__after_the_last_count_comes_zero),
	};

	return cmocka_run_group_tests_name(
	    "base_eventcount", tests, NULL, NULL);
}
