/* The filter of a memtable: never wrong about a key it has, rarely about
 * others, and of use while it is being filled. */
#include "tests/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/wire.h"
#include "engine/db/db.h"
#include "engine/db/memfilter.h"
#include "tests/support/lsm_store.h"

static uint64_t
hash_of(uint64_t i)
{
	uint8_t key[8];

	wire_put_le64(key, i);
	return hash_64(bytes_of(key, sizeof(key)), 0);
}

static void
filter_new(struct memfilter *f, size_t memtable_bytes)
{
	size_t bytes = memfilter_bytes(memtable_bytes);
	void *memory = malloc(bytes);

	check_true(memory != NULL);
	memset(memory, 0xff, bytes);
	memfilter_init(f, memory, bytes);
}

static void
filter_free(struct memfilter *f)
{
	free((void *)(uintptr_t)f->words);
}

/* Of 100,000 keys that were not added, how many pass. */
static unsigned
false_answers(const struct memfilter *f)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < 100000; i++)
		n += memfilter_may_contain(f, hash_of(UINT64_MAX - i));
	return n;
}

static void
memfilter__without_memory_says_maybe(void **state)
{
	struct memfilter f = {0};

	(void)state;
	check_eq(memfilter_bytes(4095), 0);
	check_eq(memfilter_size(&f), 0);
	memfilter_add(&f, hash_of(1));
	check_true(memfilter_may_contain(&f, hash_of(1)));
	check_true(memfilter_may_contain(&f, hash_of(2)));
}

static void
memfilter__is_a_64th_of_the_memtable(void **state)
{
	(void)state;
	check_eq(memfilter_bytes(4096), 64);
	check_eq(memfilter_bytes(4096 + 100), 64);
	check_eq(memfilter_bytes(16u << 20), 256u << 10);
	check_eq(memfilter_bytes(SIZE_MAX), 1u << 30);
}

static void
memfilter__empty_contains_nothing(void **state)
{
	struct memfilter f;

	(void)state;
	filter_new(&f, 1u << 20);
	check_eq(false_answers(&f), 0);
	filter_free(&f);
}

/* Keys and values of 140 bytes with what the list needs, then of 50, then of
 * so few that there are far too many. */
static void
memfilter__tells_most_absent_keys(void **state)
{
	static const struct {
		uint64_t keys;
		unsigned wrong_max; /* of 100,000 */
	} cases[] = {{7500, 500}, {21000, 7000}, {32000, 25000}};
	struct memfilter f;
	unsigned wrong;

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		filter_new(&f, 1u << 20);
		for (uint64_t i = 0; i < cases[c].keys; i++)
			memfilter_add(&f, hash_of(i));
		for (uint64_t i = 0; i < cases[c].keys; i++)
			check_true(memfilter_may_contain(&f, hash_of(i)));
		wrong = false_answers(&f);
		check_le(wrong, cases[c].wrong_max);
		check_true(wrong > 0);
		filter_free(&f);
	}
}

static void
memfilter__overfull_says_maybe(void **state)
{
	struct memfilter f;

	(void)state;
	filter_new(&f, 4096);
	for (uint64_t i = 0; i < 10000; i++)
		memfilter_add(&f, hash_of(i));
	for (uint64_t i = 0; i < 10000; i++)
		check_true(memfilter_may_contain(&f, hash_of(i)));
	check_eq(false_answers(&f), 100000);
	filter_free(&f);
}

/* --- one adds, others ask -------------------------------------------------
 */

#define SHARED_KEYS 20000

struct shared {
	struct memfilter filter;
	_Atomic uint64_t published;
	_Atomic uint64_t denied;
};

static void *
shared_ask(void *arg)
{
	struct shared *s = arg;
	uint64_t until;

	do {
		until =
		    atomic_load_explicit(&s->published, memory_order_acquire);
		for (uint64_t i = until > 50 ? until - 50 : 0; i < until; i++)
			if (!memfilter_may_contain(&s->filter, hash_of(i)))
				atomic_fetch_add(&s->denied, 1);
	} while (until < SHARED_KEYS);
	return NULL;
}

static void
memfilter__published_keys_are_found(void **state)
{
	struct shared s = {0};
	pthread_t threads[2];

	(void)state;
	filter_new(&s.filter, 1u << 20);
	for (unsigned i = 0; i < 2; i++)
		check_ok(pthread_create(&threads[i], NULL, shared_ask, &s));
	for (uint64_t i = 0; i < SHARED_KEYS; i++) {
		memfilter_add(&s.filter, hash_of(i));
		atomic_store_explicit(
		    &s.published, i + 1, memory_order_release);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	check_eq(atomic_load(&s.denied), 0);
	filter_free(&s.filter);
}

/* --- in a store ----------------------------------------------------------- */

/* Without its bits a key is not found, though the memtable has it: the filter
 * was asked. */
static void
check_asked(struct lsm_store *s, const char *key)
{
	const struct memfilter *f = &s->db->active->filter;
	_Atomic uint64_t *word;
	uint64_t bits;

	check_true(f->count > 0);
	word = memfilter_word(f, hash_64(bytes_str(key), 0));
	bits = atomic_exchange(word, 0);
	check_true(lsm_store_get(s, key) == NULL);
	atomic_store(word, bits);
	check_str(lsm_store_get(s, key), "value");
}

/* The first memtable, one that follows a full one, one out of the log. */
static void
memfilter__get_asks_that_of_every_memtable(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "first", "value");
	check_asked(&s, "first");
	check_ok(lsm_flush(s.db));
	lsm_store_put(&s, "second", "value");
	check_asked(&s, "second");
	lsm_store_reopen(&s);
	check_asked(&s, "second");
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memfilter__without_memory_says_maybe),
	    cmocka_unit_test(memfilter__is_a_64th_of_the_memtable),
	    cmocka_unit_test(memfilter__empty_contains_nothing),
	    cmocka_unit_test(memfilter__tells_most_absent_keys),
	    cmocka_unit_test(memfilter__overfull_says_maybe),
	    cmocka_unit_test(memfilter__published_keys_are_found),
	    cmocka_unit_test(memfilter__get_asks_that_of_every_memtable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
