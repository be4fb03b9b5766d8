#include "engine/table/cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/os/thread.h"
#include "tests/check.h"

/* What the block of (file, offset) holds. */
static uint64_t
content(uint64_t file, uint64_t offset)
{
	return file * 1000003 + offset;
}

static struct cache_block *
put(struct cache *c, uint64_t file, uint64_t offset, size_t size, bool fill)
{
	uint8_t *data = cache_room(c, file, offset, size);
	uint64_t v = content(file, offset);
	struct cache_block *b;

	check_true(data != NULL && size >= sizeof(v));
	memset(data, 0, size);
	memcpy(data, &v, sizeof(v));
	b = cache_put(c, file, offset, data, size, fill);
	check_true(b != NULL);
	return b;
}

static void
check_content(struct cache_block *b, uint64_t file, uint64_t offset)
{
	uint64_t v;

	memcpy(&v, b->data.data, sizeof(v));
	check_eq(v, content(file, offset));
}

static uint64_t
bytes_in(struct cache *c)
{
	struct cache_figures f;

	cache_figures(c, &f);
	return f.bytes;
}

static bool
has(struct cache *c, uint64_t file, uint64_t offset)
{
	struct cache_block *b = cache_get(c, file, offset);

	if (!b)
		return false;
	check_content(b, file, offset);
	cache_unref(b);
	return true;
}

static void
cache__keeps_what_was_put(void **state)
{
	struct cache *c = cache_new(1 << 20);
	struct cache_figures f;

	(void)state;
	check_false(has(c, 1, 0));
	cache_unref(put(c, 1, 0, 100, true));
	cache_unref(put(c, 2, 0, 100, true));
	cache_unref(put(c, 1, 4096, 100, true));
	check_true(has(c, 1, 0) && has(c, 2, 0) && has(c, 1, 4096));
	check_false(has(c, 2, 4096));
	cache_figures(c, &f);
	check_eq(f.hits, 3);
	check_eq(f.misses, 2);
	check_true(f.bytes > 300 && f.bytes < 300 + 3 * 256);
	cache_free(c);
}

static void
cache__evicts_the_oldest(void **state)
{
	struct cache *c = cache_new(100 * 1000);

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		cache_unref(put(c, 7, i, 1000, true));
		check_true(has(c, 7, 0)); /* stays young */
		check_le(bytes_in(c), 100 * 1000);
	}
	check_false(has(c, 7, 1));
	check_true(has(c, 7, 199) && has(c, 7, 150));
	cache_free(c);
}

static void
cache__pinned_is_not_evicted(void **state)
{
	struct cache *c = cache_new(10 * 1000);
	struct cache_block *pins[20];

	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		pins[i] = put(c, 1, i, 1000, true);
	check_true(bytes_in(c) > 20 * 1000);
	for (uint64_t i = 0; i < 20; i++)
		check_true(has(c, 1, i));
	/* Nothing else fits meanwhile. */
	cache_unref(put(c, 2, 0, 1000, true));
	check_false(has(c, 2, 0));
	for (uint64_t i = 0; i < 20; i++) {
		check_content(pins[i], 1, i);
		cache_unref(pins[i]);
	}
	check_le(bytes_in(c), 10 * 1000);
	cache_free(c);
}

static void
cache__second_put_gets_the_first(void **state)
{
	struct cache *c = cache_new(1 << 20);
	struct cache_block *a = put(c, 1, 1, 64, true);
	struct cache_block *b = put(c, 1, 1, 64, true);
	struct cache_block *d = put(c, 1, 1, 64, false);

	(void)state;
	check_true(a == b && a == d);
	cache_ref(a);
	cache_unref(a);
	cache_unref(a);
	cache_unref(b);
	check_content(d, 1, 1);
	cache_unref(d);
	cache_free(c);
}

static void
cache__without_fill_nothing_stays(void **state)
{
	struct cache *c = cache_new(1 << 20), *tiny = cache_new(0);
	struct cache_block *b;

	(void)state;
	cache_unref(put(c, 1, 1, 64, false));
	check_false(has(c, 1, 1));
	check_eq(bytes_in(c), 0);
	b = put(NULL, 1, 1, 64, true);
	check_content(b, 1, 1);
	cache_unref(b);
	check_true(cache_get(NULL, 1, 1) == NULL);
	cache_unref(put(tiny, 1, 1, 64, true));
	check_eq(bytes_in(tiny), 0);
	cache_free(c);
	cache_free(tiny);
}

static void
cache__dropped_file_is_gone(void **state)
{
	struct cache *c = cache_new(8 << 20);
	struct cache_block *pin;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		cache_unref(put(c, i % 3, i, 100, true));
	pin = cache_get(c, 1, 1);
	check_true(pin != NULL);
	cache_drop_file(c, 1);
	for (uint64_t i = 0; i < 1000; i++)
		check_eq(has(c, i % 3, i), i % 3 != 1);
	check_content(pin, 1, 1);
	cache_unref(pin);
	cache_drop_file(c, 0);
	cache_drop_file(c, 2);
	check_eq(bytes_in(c), 0);
	cache_free(c);
}

/* --- what stays --------------------------------------------------------- */

#define HOT 400

/* Hits of the hot blocks in one round over them. */
static unsigned
hot_round(struct cache *c)
{
	unsigned hits = 0;

	for (uint64_t i = 0; i < HOT; i++) {
		struct cache_block *b = cache_get(c, 1, i);

		hits += b != NULL;
		cache_unref(b ? b : put(c, 1, i, 1000, true));
	}
	return hits;
}

/* As an iterator does it: every block is got once. */
static void
scan(struct cache *c, uint64_t from, uint64_t until)
{
	for (uint64_t i = from; i < until; i++)
		if (!has(c, 2, i))
			cache_unref(put(c, 2, i, 1000, true));
}

/* The hot blocks take half of the cache. */
static void
cache__scan_does_not_wash_out_what_is_hot(void **state)
{
	struct cache *c = cache_new(2 * HOT * 1100);
	unsigned hits = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		hot_round(c);
	check_eq(hot_round(c), HOT);
	/* One pass over a hundred times the cache, without any use of them. */
	scan(c, 0, 200 * HOT);
	hits = hot_round(c);
	check_le(HOT - HOT / 50, hits);
	/* And used so seldom that ten caches full of others come between two
	 * uses. */
	hits = 0;
	for (uint64_t i = 0; i < 20; i++) {
		scan(c, (1000 + i * 20) * HOT, (1020 + i * 20) * HOT);
		hits += hot_round(c);
	}
	check_le(20 * (HOT - HOT / 50), hits);
	cache_free(c);
}

/* Blocks that come back after the scan has pushed them out of the small queue
 * are remembered, so that a new hot set takes over from an old one. */
static void
cache__new_hot_set_takes_over(void **state)
{
	struct cache *c = cache_new(2 * HOT * 1100);

	(void)state;
	for (uint64_t i = 0; i < 30 * HOT; i++) /* everything else is hot */
		for (int again = 0; again < 3; again++)
			if (!has(c, 3, i % HOT))
				cache_unref(put(c, 3, i % HOT, 1000, true));
	for (uint64_t i = 0; i < 20; i++) {
		hot_round(c);
		scan(c, i * HOT / 2, (i + 1) * HOT / 2);
	}
	check_le(HOT - HOT / 10, hot_round(c));
	cache_free(c);
}

static void
cache__counts_what_malloc_gives(void **state)
{
	struct cache *c = cache_new(8 << 20);

	(void)state;
	cache_unref(put(c, 1, 0, 100, true));
	check_eq(bytes_in(c), 100 + 16 + 64);
	cache_unref(put(c, 1, 1, 4000, true));
	check_eq(bytes_in(c), 100 + 4096 + 2 * (16 + 64));
	cache_drop_file(c, 1);
	check_eq(bytes_in(c), 0);
	cache_free(c);
}

/* And for another size it is as large as that. */
static void
cache__room_is_that_of_an_evicted_block(void **state)
{
	enum { BLOCKS = 400, SIZE = 1100, LIMIT = 256 << 10 };
	const uint8_t *all[BLOCKS];
	struct cache *c = cache_new(LIMIT);
	uint8_t *room, *other;
	bool known = false;

	(void)state;
	check_true(c != NULL);
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct cache_block *b = put(c, 1, i, SIZE, true);

		all[i] = b->data.data;
		cache_unref(b);
	}
	check_true(!has(c, 1, 0));
	other = cache_room(c, 1, BLOCKS, SIZE + 256);
	room = cache_room(c, 1, BLOCKS, SIZE + 1);
	check_true(room != NULL && other != NULL);
	for (unsigned i = 0; i < BLOCKS; i++)
		known = known || all[i] == room;
	check_true(known);
	memset(room, 1, SIZE + 1);
	memset(other, 1, SIZE + 256);
	cache_room_free(c, room, SIZE + 1);
	cache_room_free(c, other, SIZE + 256);
	check_true(bytes_in(c) <= LIMIT);
	cache_free(c);
}

/* If each put looked at all that is pinned, this would take long. */
static void
cache__many_pinned_blocks_cost_little(void **state)
{
	const size_t many = 20000;
	struct cache *c = cache_new(100 * 1000);
	struct cache_block **pins = calloc(many, sizeof(struct cache_block *));

	(void)state;
	check_true(pins != NULL);
	for (size_t i = 0; i < many; i++)
		pins[i] = put(c, 1, i, 8, true);
	for (size_t i = 0; i < many; i++)
		cache_unref(pins[i]);
	check_le(bytes_in(c), 100 * 1000);
	free(pins);
	cache_free(c);
}

/* What they are found by is taken piece by piece, too. */
static void
cache__a_large_one_has_many_small_blocks(void **state)
{
	const uint64_t many = 50000;
	struct cache *c = cache_new(16 << 20);

	(void)state;
	check_true(c != NULL);
	for (uint64_t i = 0; i < many; i++)
		cache_unref(put(c, i % 3, i, 100, true));
	for (uint64_t i = 0; i < many; i++)
		check_true(has(c, i % 3, i));
	cache_drop_file(c, 0);
	for (uint64_t i = 0; i < many; i++)
		check_eq(has(c, i % 3, i), i % 3 > 0);
	/* And of another size, in all that there is room for. */
	for (uint64_t i = 0; i < many; i++)
		cache_unref(put(c, 3, i, 1024, true));
	check_le(bytes_in(c), 16 << 20);
	check_true(has(c, 3, many - 1));
	cache_free(c);
}

/* --- threads ----------------------------------------------------------- */

struct crowd {
	struct cache *c;
	size_t size_max; /* 0: all blocks have 1,000 bytes */
	int steps;
	uint64_t seed;
	_Atomic uint64_t wrong;
};

#define CROWD_PINS 8

/* A random block, from the cache or put there. */
static struct cache_block *
crowd_block(struct crowd *w, struct check_rand *r, uint64_t *want)
{
	uint64_t file = check_rand_below(r, 4);
	uint64_t offset = check_rand_below(r, 100);
	struct cache_block *b = cache_get(w->c, file, offset);

	size_t size = 1000;

	if (w->size_max > 0)
		size = 8 + (size_t)check_rand_below(r, w->size_max);
	*want = content(file, offset);
	return b ? b : put(w->c, file, offset, size, !check_rand_one_in(r, 10));
}

static void *
crowd_run(void *arg)
{
	struct crowd *w = arg;
	struct check_rand r = check_rand_of(w->seed);
	struct cache_block *pins[CROWD_PINS] = {0};
	uint64_t want[CROWD_PINS] = {0}, v;

	for (int i = 0; i < w->steps; i++) {
		size_t k = check_rand_below(&r, CROWD_PINS);

		if (pins[k]) {
			memcpy(&v, pins[k]->data.data, sizeof(v));
			if (v != want[k])
				atomic_fetch_add(&w->wrong, 1);
			cache_unref(pins[k]);
		}
		pins[k] = crowd_block(w, &r, &want[k]);
		if (check_rand_one_in(&r, 500))
			cache_drop_file(w->c, check_rand_below(&r, 4));
	}
	for (size_t k = 0; k < CROWD_PINS; k++) {
		if (pins[k])
			cache_unref(pins[k]);
	}
	return NULL;
}

/* Four of them, in a cache of this limit. */
static void
crowd_all(size_t limit, size_t size_max, int steps)
{
	uint64_t seed = check_seed();
	struct cache *c = cache_new(limit);
	struct crowd w[4];
	struct thread t[4];

	check_true(c != NULL);
	for (uint64_t i = 0; i < 4; i++) {
		w[i] = (struct crowd){.c = c,
		    .size_max = size_max,
		    .steps = steps,
		    .seed = seed + i};
		check_ok(thread_start(&t[i], "crowd", crowd_run, &w[i]));
	}
	for (size_t i = 0; i < 4; i++) {
		thread_join(&t[i]);
		check_eq(w[i].wrong, 0);
	}
	check_le(bytes_in(c), limit);
	cache_free(c);
}

static void
cache__threads(void **state)
{
	(void)state;
	for (size_t limit = 0; limit <= 100000; limit += 50000)
		crowd_all(limit, 0, 20000);
}

/* Some are too small or too large for the memory that a large cache has, and
 * some find no place in it. */
static void
cache__a_large_one_takes_blocks_of_all_sizes(void **state)
{
	(void)state;
	crowd_all(16 << 20, 2000, 20000);
	crowd_all(16 << 20, 200000, 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cache__keeps_what_was_put),
	    cmocka_unit_test(cache__evicts_the_oldest),
	    cmocka_unit_test(cache__pinned_is_not_evicted),
	    cmocka_unit_test(cache__second_put_gets_the_first),
	    cmocka_unit_test(cache__without_fill_nothing_stays),
	    cmocka_unit_test(cache__dropped_file_is_gone),
	    cmocka_unit_test(cache__scan_does_not_wash_out_what_is_hot),
	    cmocka_unit_test(cache__new_hot_set_takes_over),
	    cmocka_unit_test(cache__counts_what_malloc_gives),
	    cmocka_unit_test(cache__many_pinned_blocks_cost_little),
	    cmocka_unit_test(cache__room_is_that_of_an_evicted_block),
	    cmocka_unit_test(cache__threads),
	    cmocka_unit_test(cache__a_large_one_has_many_small_blocks),
	    cmocka_unit_test(cache__a_large_one_takes_blocks_of_all_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
