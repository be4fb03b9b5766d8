/*
 * Every allocation of the engine fails, one after the other: the call that
 * needed it says so, nothing else has changed, the same call made again
 * succeeds, and no memory is lost.
 */
#include "tests/support/alloc.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/chunk.h"
#include "tests/support/lsm_store.h"
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

/* --- a memtable of many chunks -------------------------------------------- */

#define LARGE_VALUES (4 * CHUNK_BYTES / LARGE_BYTES)
#define LARGE_BYTES  4000

static const char *
large_key(unsigned i)
{
	static char key[32];

	snprintf(key, sizeof(key), "key%05u", i);
	return key;
}

static const char *
large_value(unsigned i)
{
	static char value[LARGE_BYTES];

	memset(value, 'a' + (int)(i % 26), sizeof(value) - 1);
	return value;
}

static int
put_large(struct lsm_store *s, struct lsm_batch *b, unsigned i)
{
	int err;

	lsm_batch_clear(b);
	err = lsm_batch_put(
	    b, bytes_str(large_key(i)), bytes_str(large_value(i)));
	return err ? err : lsm_write(s->db, b, NULL);
}

/* The n-th allocation fails.  Returns how many puts were refused. */
static unsigned
fill_large(struct lsm_store *s, struct lsm_batch *b, uint64_t n)
{
	unsigned refused = 0;
	int err;

	alloc_arm(n, ALLOC_ONCE, NULL);
	for (unsigned i = 0; i < LARGE_VALUES; i++) {
		err = put_large(s, b, i);
		if (!err)
			continue;
		check_eq(err, -ENOMEM);
		check_eq(alloc_failures(), 1);
		refused++;
		check_ok(put_large(s, b, i));
	}
	return refused;
}

/* Returns how many allocations there were. */
static uint64_t
run_large(uint64_t n, unsigned *refused)
{
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_store s;
	uint64_t places;

	check_true(b != NULL);
	lsm_store_init(&s);
	s.options.memtable_bytes = 8 * CHUNK_BYTES;
	s.options.value_log_bytes = 2 * LARGE_BYTES;
	lsm_store_open(&s);
	*refused = fill_large(&s, b, n);
	places = alloc_disarm();
	for (unsigned i = 0; i < LARGE_VALUES; i++)
		check_str(lsm_store_get(&s, large_key(i)), large_value(i));
	lsm_store_fini(&s);
	lsm_batch_free(b);
	return places;
}

/* Memory comes in other ways to a memtable that has grown (chunk.h). */
static void
alloc__a_large_memtable_gets_none(void **state)
{
	unsigned refused, all = 0;
	uint64_t places;
	int64_t before;

	(void)state;
	places = run_large(0, &refused);
	check_eq(refused, 0);
	/* What lsm_store keeps for its next answer is there by now. */
	before = alloc_live();
	for (uint64_t n = 1; n <= places; n++) {
		run_large(n, &refused);
		check_le(refused, 1);
		check_eq(alloc_live(), before);
		all += refused;
	}
	/* Chunks of both kinds. */
	check_le(3, all);
}

/* --- a log that is begun in vain ------------------------------------------ */

/* The n-th allocation of a flush fails, which begins a log; false: there are
 * not so many. */
static bool
flush_fails(uint64_t n)
{
	struct lsm_store s;
	bool fails;
	int err;

	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "key", "value");
	alloc_arm(n, ALLOC_ONCE, NULL);
	err = lsm_flush(s.db);
	fails = alloc_failures() > 0;
	alloc_disarm();
	if (err)
		check_eq(err, -ENOMEM);
	check_eq(
	    lsm_store_file_count(&s, ".log"), lsm_store_stats(&s).log_files);
	lsm_store_fini(&s);
	return fails;
}

static void
alloc__a_log_that_cannot_begin_leaves_no_file(void **state)
{
	uint64_t n = 1;

	(void)state;
	while (flush_fails(n))
		n++;
	check_le(10, n);
}

/* --- compaction ------------------------------------------------------------
 */

#define VALUES 24

/* Half of the large values from before are garbage. */
static void
overwrite(struct lsm_store *s, unsigned round)
{
	lsm_store_fill(s, 0, VALUES, 1500, (char)('a' + round % 2));
	check_ok(lsm_flush(s->db));
	for (unsigned i = round % 2; i < VALUES; i += 2)
		lsm_store_fill(s, i, i + 1, 1500, 'x');
	check_ok(lsm_flush(s->db));
}

static size_t
files(struct lsm_store *s)
{
	return lsm_store_file_count(s, ".sst") +
	       lsm_store_file_count(s, ".val");
}

/* A store that is opened removes what its version does not have. */
static void
check_no_orphans(struct lsm_store *s)
{
	size_t before = files(s);

	lsm_store_reopen(s);
	check_eq(files(s), before);
}

static void
alloc__a_failed_compaction_leaves_no_files(void **state)
{
	size_t most_values = 0;
	struct lsm_store s;
	unsigned n = 0;
	int err;

	(void)state;
	lsm_store_init_values(&s);
	lsm_store_open(&s);
	do {
		overwrite(&s, ++n);
		alloc_arm(n, ALLOC_ONCE, NULL);
		err = lsm_compact(s.db, NULL, NULL);
		alloc_disarm();
		printf("NTH=%u\n", n);
		if (err)
			check_err(err, -ENOMEM);
		check_no_orphans(&s);
		check_ok(lsm_compact(s.db, NULL, NULL));
		if (most_values < lsm_store_file_count(&s, ".val"))
			most_values = lsm_store_file_count(&s, ".val");
	} while (alloc_failures() > 0);
	check_le(1, most_values);
	check_le(50, n);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(alloc__a_large_memtable_gets_none),
	    cmocka_unit_test(alloc__a_log_that_cannot_begin_leaves_no_file),
	    cmocka_unit_test(alloc__a_failed_compaction_leaves_no_files),
	    cmocka_unit_test_teardown(alloc__one_fails, sweep_teardown),
	    cmocka_unit_test_teardown(
		alloc__all_fail_until_a_call_does, sweep_teardown),
	    cmocka_unit_test_teardown(
		alloc__one_fails_with_threads, sweep_teardown),
	};

	return cmocka_run_group_tests_name("fault_alloc", tests, NULL, NULL);
}
