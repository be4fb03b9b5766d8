#include "tests/support/lsm_store.h"

static void
read__finds_the_newest_wherever_it_is(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "deep");
	lsm_store_put(&s, "b", "deep");
	lsm_store_put(&s, "c", "deep");
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_put(&s, "b", "table");
	lsm_store_delete(&s, "c");
	check_ok(lsm_flush(s.db));
	check_str(lsm_store_get(&s, "a"), "deep");
	check_str(lsm_store_get(&s, "b"), "table");
	check_true(lsm_store_get(&s, "c") == NULL);
	lsm_store_put(&s, "b", "memory");
	check_str(lsm_store_get(&s, "b"), "memory");
	lsm_store_delete(&s, "a");
	check_true(lsm_store_get(&s, "a") == NULL);
	lsm_store_fini(&s);
}

static void
read__a_value_stays_while_the_store_changes(void **state)
{
	struct lsm_value memory, table;
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "t", "in a table");
	check_ok(lsm_flush(s.db));
	lsm_store_put(&s, "m", "in memory");
	check_eq(lsm_get(s.db, NULL, bytes_str("t"), &table), 1);
	check_eq(lsm_get(s.db, NULL, bytes_str("m"), &memory), 1);
	lsm_store_delete(&s, "t");
	lsm_store_delete(&s, "m");
	lsm_store_fill(&s, 0, 500, 100, 'a');
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_bytes_eq(table.bytes, bytes_str("in a table"));
	check_bytes_eq(memory.bytes, bytes_str("in memory"));
	lsm_value_release(&table);
	lsm_value_release(&memory);
	lsm_value_release(&memory); /* a released one may be released again */
	lsm_store_fini(&s);
}

static void
read__counts_what_the_filter_spares(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	lsm_store_put(&s, "z", "1");
	check_ok(lsm_flush(s.db));
	for (int i = 0; i < 100; i++) {
		char key[3] = {'b', (char)('a' + i % 26), '\0'};

		check_true(lsm_store_get(&s, key) == NULL);
	}
	check_str(lsm_store_get(&s, "a"), "1");
	stats = lsm_store_stats(&s);
	check_eq(stats.gets, 101);
	check_eq(stats.get_hits, 1);
	check_le(80, stats.filter_skips);
	check_eq(stats.filter_skips + stats.searches_in_vain, 100);
	check_eq(stats.level_searched[0], stats.searches_in_vain + 1);
	lsm_store_fini(&s);
}

static void
read__a_damaged_block_is_an_error_that_names_the_file(void **state)
{
	struct lsm_store s;
	struct lsm_value value;
	const char *table;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 30, 100, 'a');
	check_ok(lsm_flush(s.db));
	lsm_store_close(&s);
	table = lsm_store_file(&s, ".sst");
	lsm_store_damage(table, 100); /* in the first block */
	lsm_store_open(&s);
	check_err(
	    lsm_get(s.db, NULL, bytes_str("KEY000000"), &value), -EUCLEAN);
	check_true(lsm_store_said(&s, table));
	/* What stands elsewhere can be read, and the rest can be written. */
	lsm_store_expect(&s, 29, 30, 100, 'a');
	lsm_store_put(&s, "KEY000000", "again");
	check_str(lsm_store_get(&s, "KEY000000"), "again");
	lsm_store_fini(&s);
}

static void
read__a_failing_disk_is_an_error_and_nothing_sticks(void **state)
{
	struct lsm_store s;
	struct lsm_value value;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	check_ok(lsm_flush(s.db));
	s.fault.reads_fail_at = s.fault.reads + 1;
	s.fault.error = EIO;
	check_err(lsm_get(s.db, NULL, bytes_str("a"), &value), -EIO);
	check_str(lsm_store_get(&s, "a"), "1");
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(read__finds_the_newest_wherever_it_is),
	    cmocka_unit_test(read__a_value_stays_while_the_store_changes),
	    cmocka_unit_test(read__counts_what_the_filter_spares),
	    cmocka_unit_test(
		read__a_damaged_block_is_an_error_that_names_the_file),
	    cmocka_unit_test(
		read__a_failing_disk_is_an_error_and_nothing_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
