/* Values that expire, with a clock that the test moves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

#define NOW UINT64_C(1700000000000)

static void
set_clock(struct lsm_store *s, uint64_t ms)
{
	atomic_store(&s->fault.wall_ns, ms * 1000000);
}

static uint64_t
clock_reads(struct lsm_store *s)
{
	return atomic_load(&s->fault.wall_reads);
}

static void
open_store(struct lsm_store *s)
{
	lsm_store_init(s);
	set_clock(s, NOW);
	lsm_store_open(s);
}

static void
put_until(struct lsm_store *s, const char *key, const char *value, uint64_t ms)
{
	struct lsm_batch *b = lsm_batch_new();

	check_true(b != NULL);
	check_ok(lsm_batch_put_until(b, bytes_str(key), bytes_str(value), ms));
	check_ok(lsm_write(s->db, b, NULL));
	lsm_batch_free(b);
}

static void
check_gone(struct lsm_store *s, const char *key)
{
	check_true(lsm_store_get(s, key) == NULL);
}

static void
check_keys(struct lsm_store *s, const char *forward, const char *backward)
{
	check_str(lsm_store_keys(s, NULL, false), forward);
	check_str(lsm_store_keys(s, NULL, true), backward);
}

static uint64_t
table_count(struct lsm_store *s)
{
	struct lsm_stats stats = lsm_store_stats(s);
	uint64_t n = 0;

	for (int i = 0; i < LSM_LEVELS; i++)
		n += stats.level_tables[i];
	return n;
}

/* --- reading ------------------------------------------------------------- */

/* The same in the memtable, in a table, and behind a reopen. */
static void
check_around_the_moment(struct lsm_store *s)
{
	set_clock(s, NOW + 999);
	check_str(lsm_store_get(s, "b"), "soon");
	check_keys(s, "a b c", "c b a");
	set_clock(s, NOW + 1000);
	check_gone(s, "b");
	check_str(lsm_store_get(s, "c"), "late");
	check_keys(s, "a c", "c a");
	set_clock(s, NOW + 2000);
	check_gone(s, "c");
	check_keys(s, "a", "a");
	set_clock(s, NOW);
}

static void
expiry__is_exact_wherever_the_value_is(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_put(&s, "a", "stays");
	put_until(&s, "b", "soon", NOW + 1000);
	put_until(&s, "c", "late", NOW + 2000);
	check_around_the_moment(&s);
	lsm_store_reopen(&s);
	check_around_the_moment(&s);
	check_ok(lsm_flush(s.db));
	check_around_the_moment(&s);
	lsm_store_reopen(&s);
	check_around_the_moment(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_around_the_moment(&s);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
expiry__is_told_by_reads(void **state)
{
	struct lsm_value v;
	struct lsm_iter *it;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	put_until(&s, "a", "1", NOW + 1000);
	lsm_store_put(&s, "b", "2");
	put_until(&s, "c", "3", UINT64_MAX);
	put_until(&s, "d", "4", 0); /* never */
	for (int round = 0; round < 2; round++) {
		check_eq(lsm_get(s.db, NULL, bytes_str("a"), &v), 1);
		check_eq(v.expires_ms, NOW + 1000);
		check_bytes_eq(v.bytes, bytes_str("1"));
		lsm_value_release(&v);
		check_eq(lsm_get(s.db, NULL, bytes_str("b"), &v), 1);
		check_eq(v.expires_ms, 0);
		lsm_value_release(&v);

		check_ok(lsm_iter_open(s.db, NULL, &it));
		check_eq(lsm_iter_first(it), 1);
		check_eq(lsm_iter_expires(it), NOW + 1000);
		check_bytes_eq(lsm_iter_value(it), bytes_str("1"));
		check_eq(lsm_iter_next(it), 1);
		check_eq(lsm_iter_expires(it), 0);
		check_eq(lsm_iter_last(it), 1);
		check_eq(lsm_iter_expires(it), 0);
		check_bytes_eq(lsm_iter_value(it), bytes_str("4"));
		check_eq(lsm_iter_prev(it), 1);
		check_eq(lsm_iter_expires(it), UINT64_MAX);
		check_bytes_eq(lsm_iter_value(it), bytes_str("3"));
		lsm_iter_close(it);
		check_ok(lsm_flush(s.db));
	}
	lsm_store_fini(&s);
}

static void
expiry__hides_older_versions(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	for (int round = 0; round < 2; round++) {
		lsm_store_put(&s, "a", "first");
		lsm_store_put(&s, "k", "old");
		if (round == 1) /* the versions in tables of their own */
			check_ok(lsm_flush(s.db));
		put_until(&s, "k", "new", NOW + 1000);
		if (round == 1)
			check_ok(lsm_flush(s.db));
		check_str(lsm_store_get(&s, "k"), "new");
		set_clock(&s, NOW + 1000);
		check_gone(&s, "k");
		check_keys(&s, "a", "a");
		lsm_store_put(&s, "k", "newest");
		check_str(lsm_store_get(&s, "k"), "newest");
		check_keys(&s, "a k", "k a");
		set_clock(&s, NOW);
	}
	lsm_store_fini(&s);
}

static void
expiry__holds_at_snapshots_too(void **state)
{
	struct lsm_snapshot *before, *after;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_put(&s, "k", "old");
	check_ok(lsm_snapshot_open(s.db, &before));
	put_until(&s, "k", "new", NOW + 1000);
	check_ok(lsm_snapshot_open(s.db, &after));
	lsm_store_put(&s, "k", "newest");
	check_str(lsm_store_get_at(&s, after, "k"), "new");
	set_clock(&s, NOW + 1000);
	for (int round = 0; round < 2; round++) {
		check_str(lsm_store_get_at(&s, before, "k"), "old");
		check_true(lsm_store_get_at(&s, after, "k") == NULL);
		check_str(lsm_store_get(&s, "k"), "newest");
		/* It stands between two that somebody sees. */
		check_ok(lsm_compact(s.db, NULL, NULL));
	}
	check_eq(lsm_store_stats(&s).expired, 1);
	lsm_snapshot_close(s.db, before);
	lsm_snapshot_close(s.db, after);
	lsm_store_fini(&s);
}

/* --- the clock ----------------------------------------------------------- */

static void
expiry__clock_is_read_only_if_something_expires(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 100, 20, 'a');
	lsm_store_expect(&s, 0, 100, 20, 'a');
	(void)lsm_store_keys(&s, NULL, false);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(clock_reads(&s), 0);
	put_until(&s, "KEY000050", "x", NOW + 1);
	check_eq(clock_reads(&s), 0);
	lsm_store_expect(&s, 51, 60, 20, 'a');
	check_eq(clock_reads(&s), 0);
	check_str(lsm_store_get(&s, "KEY000050"), "x");
	check_eq(clock_reads(&s), 1);
	lsm_store_fini(&s);
}

static void
expiry__clock_is_read_once_by_an_iterator(void **state)
{
	struct lsm_iter *it;
	struct lsm_store s;
	uint64_t before;

	(void)state;
	open_store(&s);
	put_until(&s, "a", "1", NOW + 1000);
	put_until(&s, "b", "2", NOW + 1000);
	put_until(&s, "c", "3", NOW + 1000);
	before = clock_reads(&s);
	check_ok(lsm_iter_open(s.db, NULL, &it));
	check_eq(lsm_iter_first(it), 1);
	set_clock(&s, NOW + 1000);
	/* What it began with holds to its end, in both directions. */
	check_eq(lsm_iter_next(it), 1);
	check_eq(lsm_iter_next(it), 1);
	check_eq(lsm_iter_next(it), 0);
	check_eq(lsm_iter_last(it), 1);
	check_eq(lsm_iter_prev(it), 1);
	check_bytes_eq(lsm_iter_key(it), bytes_str("b"));
	check_eq(clock_reads(&s), before + 1);
	lsm_iter_close(it);
	check_keys(&s, "", "");
	lsm_store_fini(&s);
}

static void
expiry__clock_is_read_once_by_flush_and_compaction(void **state)
{
	struct lsm_store s;
	uint64_t before;
	char key[16];

	(void)state;
	open_store(&s);
	/* Who picks tables asks for the time, too, but nobody for each of 80
	 * entries. */
	for (int table = 0; table < 2; table++) {
		for (unsigned i = 0; i < 80; i++) {
			snprintf(key, sizeof(key), "k%02u", i);
			put_until(&s, key, "v", NOW + 1000 + i);
		}
		before = clock_reads(&s);
		check_ok(lsm_flush(s.db));
		check_le(clock_reads(&s), before + 1 + LSM_LEVELS);
	}
	set_clock(&s, NOW + 1010);
	before = clock_reads(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_le(clock_reads(&s), before + 1 + LSM_LEVELS);
	check_gone(&s, "k10");
	check_str(lsm_store_get(&s, "k11"), "v");
	lsm_store_fini(&s);
}

/* What expired comes back if nobody has swept it up; what is older never. */
static void
expiry__clock_set_back(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_put(&s, "kept", "old");
	lsm_store_put(&s, "swept", "old");
	check_ok(lsm_compact(s.db, NULL, NULL));
	put_until(&s, "swept", "new", NOW + 1000);
	set_clock(&s, NOW + 1000);
	check_ok(lsm_flush(s.db));
	put_until(&s, "kept", "new", NOW + 1000);
	check_gone(&s, "kept");
	check_gone(&s, "swept");
	set_clock(&s, NOW);
	check_str(lsm_store_get(&s, "kept"), "new");
	check_gone(&s, "swept");
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_str(lsm_store_get(&s, "kept"), "new");
	check_gone(&s, "swept");
	check_keys(&s, "kept", "kept");
	lsm_store_fini(&s);
}

/* --- what goes when ------------------------------------------------------ */

static void
expiry__flush_writes_a_delete_without_the_value(void **state)
{
	struct lsm_stats stats;
	struct lsm_store s;
	char value[3001];

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	open_store(&s);
	s.options.compression = LSM_COMPRESSION_NONE;
	lsm_store_reopen(&s);
	lsm_store_put(&s, "k", "old");
	check_ok(lsm_compact(s.db, NULL, NULL));
	put_until(&s, "k", value, NOW + 1000);
	set_clock(&s, NOW + 1000);
	check_ok(lsm_flush(s.db));
	stats = lsm_store_stats(&s);
	check_eq(stats.expired, 1);
	check_eq(stats.level_tables[0], 1);
	check_le(stats.level_bytes[0], 1000);
	check_gone(&s, "k");
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_gone(&s, "k");
	check_eq(table_count(&s), 0);
	check_eq(lsm_store_stats(&s).expired, 1);
	lsm_store_fini(&s);
}

static void
expiry__compaction_at_the_bottom_drops_it(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_put(&s, "k", "old");
	check_ok(lsm_flush(s.db));
	put_until(&s, "k", "new", NOW + 1000);
	check_ok(lsm_flush(s.db));
	set_clock(&s, NOW + 1000);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_gone(&s, "k");
	check_eq(table_count(&s), 0);
	check_eq(lsm_store_stats(&s).expired, 1);
	lsm_store_fini(&s);
}

/* Nothing but the time has changed since they came to the last level. */
static void
expiry__gives_space_back_without_being_touched(void **state)
{
	struct lsm_stats stats;
	struct lsm_store s;
	char key[16];

	(void)state;
	open_store(&s);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "k%03u", i);
		put_until(&s, key, "a value of some length", NOW + 1000 + i);
	}
	lsm_store_put(&s, "stays", "here");
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_store_stats(&s).expired, 0);

	set_clock(&s, NOW + 10000);
	/* Any write is an occasion. */
	lsm_store_put(&s, "x", "y");
	check_le(490, lsm_store_stats(&s).expired);
	check_ok(lsm_compact(s.db, NULL, NULL));
	stats = lsm_store_stats(&s);
	check_eq(stats.expired, 500);
	check_keys(&s, "stays x", "x stays");
	lsm_store_fini(&s);
}

static void
expiry__compact_drops_what_has_expired_at_the_bottom(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 100, 50, 'a');
	put_until(&s, "KEY000050x", "v", NOW + 1000);
	check_ok(lsm_compact(s.db, NULL, NULL));
	set_clock(&s, NOW + 1000);
	/* One of a hundred is no reason to begin by itself. */
	lsm_store_put(&s, "x", "y");
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).expired, 0);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_store_stats(&s).expired, 1);
	lsm_store_fini(&s);
}

static void
fill_around(struct lsm_store *s, char tag)
{
	lsm_store_fill(s, 0, 60, 200, tag);
}

/* An older version deeper down, in no input of the compaction. */
static void
expiry__compaction_above_an_older_version_keeps_it_hidden(void **state)
{
	struct lsm_stats stats;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	s.options.level_base_bytes = 4096;
	lsm_store_reopen(&s);
	fill_around(&s, 'a');
	check_ok(lsm_compact(s.db, NULL, NULL));
	put_until(&s, "KEY000030", "short", NOW + 1000);
	set_clock(&s, NOW + 1000);
	/* Compactions run all the while, from level to level. */
	for (char tag = 'b'; tag < 'h'; tag++) {
		lsm_store_fill(&s, 0, 30, 200, tag);
		lsm_store_fill(&s, 31, 60, 200, tag);
		check_ok(lsm_flush(s.db));
		check_gone(&s, "KEY000030");
	}
	stats = lsm_store_stats(&s);
	check_le(1, stats.expired);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_gone(&s, "KEY000030");
	lsm_store_expect(&s, 31, 60, 200, 'g');
	lsm_store_fini(&s);
}

/* --- batches, the log, damage -------------------------------------------- */

static void
expiry__counts_as_a_put_in_a_batch(void **state)
{
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_stats stats;
	struct lsm_store s;

	(void)state;
	open_store(&s);
	check_true(b != NULL);
	check_ok(
	    lsm_batch_put_until(b, bytes_str("k"), bytes_str("1"), NOW + 1000));
	check_ok(lsm_batch_put(b, bytes_str("k"), bytes_str("2")));
	check_ok(
	    lsm_batch_put_until(b, bytes_str("l"), bytes_str("3"), NOW + 1000));
	check_ok(lsm_batch_delete(b, bytes_str("l")));
	check_ok(lsm_write(s.db, b, NULL));
	stats = lsm_store_stats(&s);
	check_eq(stats.puts, 3);
	check_eq(stats.deletes, 1);
	check_keys(&s, "k", "k");
	lsm_batch_free(b);
	lsm_store_reopen(&s);
	check_str(lsm_store_get(&s, "k"), "2");
	check_gone(&s, "l");
	lsm_store_fini(&s);
}

static void
expiry__takes_large_and_empty_values(void **state)
{
	char *value = malloc(200001);
	struct lsm_store s;

	(void)state;
	check_true(value != NULL);
	memset(value, 'v', 200000);
	value[200000] = '\0';
	open_store(&s);
	put_until(&s, "", "", NOW + 1000);
	put_until(&s, "large", value, NOW + 1000);
	for (int round = 0; round < 3; round++) {
		check_str(lsm_store_get(&s, ""), "");
		check_str(lsm_store_get(&s, "large"), value);
		if (round == 0)
			lsm_store_reopen(&s);
		else
			check_ok(lsm_flush(s.db));
	}
	set_clock(&s, NOW + 1000);
	check_keys(&s, "", "");
	free(value);
	lsm_store_fini(&s);
}

static void
expiry__is_shown_by_dump(void **state)
{
	struct lsm_store s;
	char *text;
	size_t size;
	FILE *f;

	(void)state;
	open_store(&s);
	put_until(&s, "k", "v", NOW + 1000);
	for (int round = 0; round < 2; round++) {
		f = open_memstream(&text, &size);
		check_true(f != NULL);
		check_ok(lsm_dump_file(
		    lsm_store_file(&s, round ? ".sst" : ".log"), f));
		check_ok(fclose(f));
		check_contains(text, "1 put \"k\" \"v\" until 1700000001000\n");
		free(text);
		check_ok(lsm_flush(s.db));
	}
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expiry__is_exact_wherever_the_value_is),
	    cmocka_unit_test(expiry__is_told_by_reads),
	    cmocka_unit_test(expiry__hides_older_versions),
	    cmocka_unit_test(expiry__holds_at_snapshots_too),
	    cmocka_unit_test(expiry__clock_is_read_only_if_something_expires),
	    cmocka_unit_test(expiry__clock_is_read_once_by_an_iterator),
	    cmocka_unit_test(
		expiry__clock_is_read_once_by_flush_and_compaction),
	    cmocka_unit_test(expiry__clock_set_back),
	    cmocka_unit_test(expiry__flush_writes_a_delete_without_the_value),
	    cmocka_unit_test(expiry__compaction_at_the_bottom_drops_it),
	    cmocka_unit_test(expiry__gives_space_back_without_being_touched),
	    cmocka_unit_test(
		expiry__compact_drops_what_has_expired_at_the_bottom),
	    cmocka_unit_test(
		expiry__compaction_above_an_older_version_keeps_it_hidden),
	    cmocka_unit_test(expiry__counts_as_a_put_in_a_batch),
	    cmocka_unit_test(expiry__takes_large_and_empty_values),
	    cmocka_unit_test(expiry__is_shown_by_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
