#include "engine/base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/chunk.h"
#include "tests/check.h"
#include "tests/support/dies.h"

static void
arena__pieces_are_aligned_and_apart(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct arena a;
	uint8_t *pieces[2000];
	size_t sizes[2000];

	(void)state;
	arena_init(&a, 4096, NULL);
	for (int i = 0; i < 2000; i++) {
		sizes[i] = 1 + (size_t)check_rand_below(&r, 300);
		pieces[i] = arena_alloc(&a, sizes[i]);
		check_true(pieces[i] != NULL);
		check_eq((uintptr_t)pieces[i] % 8, 0);
		memset(pieces[i], i & 0xff, sizes[i]);
	}
	for (int i = 0; i < 2000; i++)
		for (size_t k = 0; k < sizes[i]; k++)
			if (pieces[i][k] != (i & 0xff))
				check_fail("piece %d was overwritten", i);
	arena_fini(&a);
}

static void
arena__large_piece_leaves_the_chunk_in_use(void **state)
{
	struct arena a;
	uint8_t *first, *large, *second;

	(void)state;
	arena_init(&a, 4096, NULL);
	first = arena_alloc(&a, 8);
	large = arena_alloc(&a, 100000);
	check_true(first != NULL && large != NULL);
	memset(large, 1, 100000);
	second = arena_alloc(&a, 8);
	check_true(second == first + 8);
	arena_fini(&a);
}

static void
arena__bytes_counts_what_malloc_gave(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 8192, NULL);
	check_eq(arena_bytes(&a), 0);
	check_true(arena_alloc(&a, 1) != NULL);
	check_eq(arena_bytes(&a), 8192);
	check_true(arena_alloc(&a, 1000) != NULL);
	check_eq(arena_bytes(&a), 8192);
	check_true(arena_alloc(&a, 100000) != NULL);
	check_le(8192 + 100000, arena_bytes(&a));
	check_le(arena_bytes(&a), 8192 + 100000 + 64);
	arena_fini(&a);
	check_eq(arena_bytes(&a), 0);
}

/* One that has grown large takes chunks of the pool, and gives them back. */
static void
arena__goes_on_in_chunks_of_the_pool(void **state)
{
	struct chunk_pool p;
	struct arena a;
	size_t before;

	(void)state;
	chunk_pool_init(&p);
	chunk_pool_keep(&p, 3 * CHUNK_BYTES);
	arena_init(&a, 4096, &p);
	for (int i = 0; i < 1000; i++)
		memset(arena_alloc(&a, 1000), 1, 1000);
	check_le(arena_bytes(&a), 1000 * 1100);
	check_ok(arena_reserve(&a, CHUNK_BYTES));
	for (int i = 0; i < 9000; i++) {
		before = arena_bytes(&a);
		memset(arena_alloc(&a, 1000), 1, 1000);
		if (arena_bytes(&a) > before)
			check_eq(arena_bytes(&a) - before, CHUNK_BYTES);
	}
	/* What is larger than a part of a chunk does not take a whole one. */
	before = arena_bytes(&a);
	check_ok(arena_reserve(&a, 3 * CHUNK_BYTES / 4));
	check_le(arena_bytes(&a) - before, 3 * CHUNK_BYTES / 4 + 64);
	check_eq(p.count, 0);
	arena_fini(&a);
	check_eq(p.count, 3);
	chunk_pool_fini(&p);
}

static void
arena__impossible_size_is_refused(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096, NULL);
	check_true(arena_alloc(&a, SIZE_MAX) == NULL);
	check_true(arena_alloc(&a, SIZE_MAX - 7) == NULL);
	check_true(arena_alloc(&a, 16) != NULL);
	arena_fini(&a);
}

static void
arena__reserved_bytes_come_without_malloc(void **state)
{
	struct arena a;
	size_t sizes[] = {100, 4000, 100000, 8};

	(void)state;
	arena_init(&a, 4096, NULL);
	for (int i = 0; i < 4; i++) {
		size_t bytes;

		check_true(arena_alloc(&a, 24) != NULL);
		check_ok(arena_reserve(&a, sizes[i]));
		bytes = arena_bytes(&a);
		for (size_t used = 0; used + 8 <= sizes[i]; used += 8)
			memset(arena_alloc(&a, 8), 1, 8);
		check_eq(arena_bytes(&a), bytes);
	}
	check_err(arena_reserve(&a, SIZE_MAX), -ENOMEM);
	check_true(arena_alloc(&a, 16) != NULL);
	arena_fini(&a);
}

static void
alloc_nothing(void *ctx)
{
	arena_alloc(ctx, 0);
}

static void
arena__size_zero_is_a_bug(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096, NULL);
	check_true(dies_by_abort(alloc_nothing, &a));
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arena__pieces_are_aligned_and_apart),
	    cmocka_unit_test(arena__large_piece_leaves_the_chunk_in_use),
	    cmocka_unit_test(arena__bytes_counts_what_malloc_gave),
	    cmocka_unit_test(arena__goes_on_in_chunks_of_the_pool),
	    cmocka_unit_test(arena__impossible_size_is_refused),
	    cmocka_unit_test(arena__reserved_bytes_come_without_malloc),
	    cmocka_unit_test(arena__size_zero_is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
