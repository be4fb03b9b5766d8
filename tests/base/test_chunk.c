#include "engine/base/chunk.h"

#include <pthread.h>
#include <string.h>

#include "tests/check.h"

#define THREADS 4
#define ROUNDS  2000

static void
chunk__is_used_again(void **state)
{
	struct chunk_pool p;
	void *a, *b;

	(void)state;
	chunk_pool_init(&p);
	chunk_pool_keep(&p, 2 * CHUNK_BYTES);
	a = chunk_pool_take(&p);
	b = chunk_pool_take(&p);
	check_true(a != NULL && b != NULL && a != b);
	check_eq((uintptr_t)a % CHUNK_BYTES, 0);
	memset(a, 1, CHUNK_BYTES);
	memset(b, 2, CHUNK_BYTES);
	chunk_pool_give(&p, a);
	chunk_pool_give(&p, b);
	check_true(chunk_pool_take(&p) == b);
	check_true(chunk_pool_take(&p) == a);
	chunk_pool_give(&p, a);
	chunk_pool_give(&p, b);
	chunk_pool_fini(&p);
}

static void
chunk__no_more_are_kept_than_said(void **state)
{
	struct chunk_pool p;
	void *all[4];

	(void)state;
	chunk_pool_init(&p);
	chunk_pool_keep(&p, 2 * CHUNK_BYTES + 1);
	for (int i = 0; i < 4; i++)
		all[i] = chunk_pool_take(&p);
	for (int i = 0; i < 4; i++)
		chunk_pool_give(&p, all[i]);
	check_eq(p.count, 2);
	chunk_pool_fini(&p);
	chunk_pool_init(&p);
	chunk_pool_give(&p, chunk_pool_take(&p));
	check_eq(p.count, 0);
	chunk_pool_fini(&p);
}

static void
chunk__all_but_one_are_given_back(void **state)
{
	struct chunk_pool p;
	void *all[4];

	(void)state;
	chunk_pool_init(&p);
	chunk_pool_keep(&p, 4 * CHUNK_BYTES);
	chunk_pool_trim(&p);
	check_eq(p.count, 0);
	for (int i = 0; i < 4; i++)
		all[i] = chunk_pool_take(&p);
	for (int i = 0; i < 4; i++)
		chunk_pool_give(&p, all[i]);
	check_eq(p.count, 4);
	chunk_pool_trim(&p);
	check_eq(p.count, 1);
	check_true(chunk_pool_take(&p) == all[3]);
	chunk_pool_trim(&p);
	check_eq(p.count, 0);
	chunk_pool_give(&p, all[3]);
	chunk_pool_fini(&p);
}

static void
chunk__one_is_made_ready_when_the_last_is_taken(void **state)
{
	struct chunk_pool p;
	void *a;

	(void)state;
	chunk_pool_init(&p);
	chunk_pool_keep(&p, 4 * CHUNK_BYTES);
	check_false(chunk_pool_wishes(&p));
	a = chunk_pool_take(&p);
	check_true(chunk_pool_wishes(&p));
	check_false(chunk_pool_wishes(&p));
	chunk_pool_prepare(&p);
	check_eq(p.count, 1);
	chunk_pool_prepare(&p);
	check_eq(p.count, 1);
	chunk_pool_give(&p, a);
	check_false(chunk_pool_wishes(&p));
	chunk_pool_give(&p, chunk_pool_take(&p));
	check_false(chunk_pool_wishes(&p));
	chunk_pool_fini(&p);
}

static void *
take_and_give(void *ctx)
{
	struct chunk_pool *p = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		int *c = chunk_pool_take(p);

		check_true(c != NULL);
		c[100] = i;
		if (chunk_pool_wishes(p))
			chunk_pool_prepare(p);
		check_eq(c[100], i);
		chunk_pool_give(p, c);
	}
	return NULL;
}

static void
chunk__threads_have_chunks_of_their_own(void **state)
{
	pthread_t threads[THREADS];
	struct chunk_pool p;

	(void)state;
	chunk_pool_init(&p);
	chunk_pool_keep(&p, THREADS * CHUNK_BYTES);
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_create(&threads[i], NULL, take_and_give, &p));
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_join(threads[i], NULL));
	check_le(p.count, THREADS);
	chunk_pool_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chunk__is_used_again),
	    cmocka_unit_test(chunk__no_more_are_kept_than_said),
	    cmocka_unit_test(chunk__all_but_one_are_given_back),
	    cmocka_unit_test(chunk__one_is_made_ready_when_the_last_is_taken),
	    cmocka_unit_test(chunk__threads_have_chunks_of_their_own),
	};

	return cmocka_run_group_tests_name("base_chunk", tests, NULL, NULL);
}
