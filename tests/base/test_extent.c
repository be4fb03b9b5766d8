#include "engine/base/extent.h"

#include <pthread.h>
#include <string.h>

#include "tests/check.h"

#define PAGE    ((size_t)HUGE_BYTES)
#define PIECES  512
#define THREADS 4

static void
extent__pieces_are_apart_and_from_below(void **state)
{
	struct extent_pool p;
	uint8_t *a, *b, *c;

	(void)state;
	extent_pool_init(&p, 2 * PAGE);
	a = extent_take(&p, 4096);
	b = extent_take(&p, 4097);
	c = extent_take(&p, 4096);
	check_true(a != NULL && b == a + 4096 && c == b + 4096 + EXTENT_UNIT);
	check_eq((uintptr_t)a % PAGE, 0);
	memset(a, 1, 4096);
	memset(b, 2, 4097);
	memset(c, 3, 4096);
	check_true(a[4095] == 1 && b[0] == 2 && b[4096] == 2 && c[0] == 3);
	/* What fits goes between, what does not goes behind. */
	extent_give(&p, b, 4097);
	check_true(extent_take(&p, 4353) == c + 4096);
	check_true(extent_take(&p, 4352) == b);
	extent_give(&p, b, 4352);
	extent_give(&p, c + 4096, 4353);
	extent_give(&p, c, 4096);
	extent_give(&p, a, 4096);
	check_true(extent_take(&p, EXTENT_BYTES_MAX) == a);
	extent_give(&p, a, EXTENT_BYTES_MAX);
	extent_pool_fini(&p);
}

static void
extent__sizes_have_bounds(void **state)
{
	struct extent_pool p;
	void *a;

	(void)state;
	extent_pool_init(&p, PAGE);
	check_true(extent_take(&p, 0) == NULL);
	check_true(extent_take(&p, EXTENT_BYTES_MIN - 1) == NULL);
	check_true(extent_take(&p, EXTENT_BYTES_MAX + 1) == NULL);
	check_true(extent_take(&p, SIZE_MAX) == NULL);
	a = extent_take(&p, EXTENT_BYTES_MIN);
	check_true(a != NULL && extent_has(&p, a));
	check_false(extent_has(&p, &p));
	check_false(extent_has(&p, NULL));
	check_true(extent_has(&p, p.begin + PAGE - 1));
	check_false(extent_has(&p, p.begin + PAGE));
	extent_give(&p, a, EXTENT_BYTES_MIN);
	extent_pool_fini(&p);
}

static void
extent__an_empty_pool_has_nothing(void **state)
{
	struct extent_pool p;

	(void)state;
	extent_pool_init(&p, PAGE - 1);
	check_true(extent_take(&p, 4096) == NULL);
	check_false(extent_has(&p, NULL));
	check_false(extent_has(&p, &p));
	extent_pool_fini(&p);
}

static void
extent__all_of_it_can_be_had(void **state)
{
	const size_t size = EXTENT_BYTES_MAX, count = 2 * PAGE / size;
	struct extent_pool p;
	void *all[64];

	(void)state;
	check_le(count, 64);
	extent_pool_init(&p, 2 * PAGE);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < count; i++) {
			all[i] = extent_take(&p, size);
			check_true(all[i] != NULL);
		}
		check_true(extent_take(&p, EXTENT_BYTES_MIN) == NULL);
		for (size_t i = 0; i < count; i++)
			extent_give(&p, all[i], size);
	}
	extent_pool_fini(&p);
}

struct piece {
	uint8_t *data; /* NULL: none */
	size_t size;
	uint8_t tag; /* at its ends */
};

static void
take_piece(struct extent_pool *p, struct piece *x, struct check_rand *r)
{
	x->size = EXTENT_BYTES_MIN + check_rand_below(r, 12000);
	x->data = extent_take(p, x->size);
	if (!x->data)
		return;
	x->tag = (uint8_t)check_rand_below(r, 256);
	x->data[0] = x->data[x->size - 1] = x->tag;
}

static void
give_piece(struct extent_pool *p, struct piece *x)
{
	check_eq(x->data[0], x->tag);
	check_eq(x->data[x->size - 1], x->tag);
	extent_give(p, x->data, x->size);
	x->data = NULL;
}

static void
use_at_random(struct extent_pool *p, uint64_t seed, unsigned steps)
{
	struct piece pieces[PIECES] = {{0}};
	struct check_rand r = check_rand_of(seed);

	for (unsigned i = 0; i < steps; i++) {
		struct piece *x = &pieces[check_rand_below(&r, PIECES)];

		if (x->data)
			give_piece(p, x);
		else
			take_piece(p, x, &r);
	}
	for (size_t i = 0; i < PIECES; i++)
		if (pieces[i].data)
			give_piece(p, &pieces[i]);
}

/* The pool is too small for all: some are refused. */
static void
extent__nothing_is_given_twice(void **state)
{
	uint64_t seed = check_seed();
	struct extent_pool p;

	(void)state;
	extent_pool_init(&p, PAGE);
	use_at_random(&p, seed, 200000);
	/* And all of it is one again. */
	for (size_t i = 0; i < PAGE / EXTENT_BYTES_MAX; i++)
		check_true(extent_take(&p, EXTENT_BYTES_MAX) ==
			   p.begin + i * EXTENT_BYTES_MAX);
	for (size_t i = 0; i < PAGE / EXTENT_BYTES_MAX; i++)
		extent_give(
		    &p, p.begin + i * EXTENT_BYTES_MAX, EXTENT_BYTES_MAX);
	extent_pool_fini(&p);
}

static void *
use_beside_others(void *ctx)
{
	use_at_random(ctx, (uintptr_t)&ctx, 20000);
	return NULL;
}

static void
extent__threads_share_it(void **state)
{
	pthread_t threads[THREADS];
	struct extent_pool p;

	(void)state;
	extent_pool_init(&p, 3 * PAGE);
	for (int i = 0; i < THREADS; i++)
		check_ok(
		    pthread_create(&threads[i], NULL, use_beside_others, &p));
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_join(threads[i], NULL));
	extent_pool_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(extent__pieces_are_apart_and_from_below),
	    cmocka_unit_test(extent__sizes_have_bounds),
	    cmocka_unit_test(extent__an_empty_pool_has_nothing),
	    cmocka_unit_test(extent__all_of_it_can_be_had),
	    cmocka_unit_test(extent__nothing_is_given_twice),
	    cmocka_unit_test(extent__threads_share_it),
	};

	return cmocka_run_group_tests_name("base_extent", tests, NULL, NULL);
}
