#include <stdio.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

static void
flush__makes_a_table_and_drops_the_log(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 10, 100, 'a');
	check_ok(lsm_flush(s.db));
	stats = lsm_store_stats(&s);
	check_eq(stats.level_tables[0], 1);
	check_eq(stats.flushes, 1);
	check_eq(stats.memtables, 1);
	check_eq(stats.memtable_bytes, 0);
	check_eq(stats.log_files, 1);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	check_eq(lsm_store_file_count(&s, ".sst"), 1);
	lsm_store_expect(&s, 0, 10, 100, 'a');
	lsm_store_fini(&s);
}

static void
flush__of_nothing_does_nothing(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_flush(s.db));
	lsm_store_put(&s, "a", "1");
	check_ok(lsm_flush(s.db));
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).flushes, 1);
	lsm_store_fini(&s);
}

static void
flush__a_full_memtable_is_flushed_by_itself(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	lsm_store_init(&s);
	s.options.no_background = false;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 1000, 100, 'a');
	check_ok(lsm_flush(s.db));
	stats = lsm_store_stats(&s);
	check_le(10, stats.flushes);
	check_eq(stats.memtables, 1);
	check_eq(stats.seq, 1000);
	lsm_store_expect(&s, 0, 1000, 100, 'a');
	lsm_store_fini(&s);
}

static void
flush__drops_versions_that_nobody_sees(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_reopen(&s);
	for (int i = 0; i < 100; i++)
		lsm_store_fill(&s, 0, 1, 100, (char)i);
	check_ok(lsm_flush(s.db));
	check_le(lsm_store_stats(&s).level_bytes[0], 1500);
	lsm_store_expect(&s, 0, 1, 100, 99);
	lsm_store_fini(&s);
}

static unsigned
tables(struct lsm_store *s)
{
	return lsm_store_stats(s).level_tables[0];
}

/* Large values, too, which only the log has had. */
static void
flush__leaves_nothing_of_what_was_put_and_deleted(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 20, 5000, 'a');
	lsm_store_put(&s, "a", "1");
	lsm_store_delete_range(&s, "KEY", "KEYZ");
	lsm_store_delete(&s, "a");
	lsm_store_delete(&s, "b");
	check_ok(lsm_flush(s.db));
	check_eq(tables(&s), 0);
	check_eq(lsm_store_file_count(&s, ".sst"), 0);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	lsm_store_reopen(&s);
	check_str(lsm_store_keys(&s, NULL, false), "");
	check_eq(lsm_store_put(&s, "a", "2"), 25);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
flush__keeps_deletes_of_what_tables_have(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.level0_tables = 100;
	lsm_store_open(&s);
	lsm_store_put(&s, "b", "1");
	lsm_store_put(&s, "d", "1");
	lsm_store_fill(&s, 0, 20, 10, 'a');
	check_ok(lsm_flush(s.db));
	lsm_store_delete(&s, "a");
	lsm_store_delete(&s, "b");
	lsm_store_delete(&s, "e");
	check_ok(lsm_flush(s.db));
	check_eq(tables(&s), 2);
	lsm_store_delete_range(&s, "c", "e");
	lsm_store_delete_range(&s, "x", "z");
	check_ok(lsm_flush(s.db));
	check_eq(tables(&s), 3);
	check_true(lsm_store_get(&s, "b") == NULL);
	check_true(lsm_store_get(&s, "d") == NULL);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_true(lsm_store_get(&s, "b") == NULL);
	check_true(lsm_store_get(&s, "d") == NULL);
	lsm_store_expect(&s, 0, 20, 10, 'a');
	lsm_store_fini(&s);
}

static void
flush__keeps_deletes_of_what_snapshots_see(void **state)
{
	struct lsm_snapshot *at;
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	lsm_store_put(&s, "b", "1");
	check_ok(lsm_snapshot_open(s.db, &at));
	lsm_store_delete(&s, "a");
	lsm_store_delete_range(&s, "b", "c");
	check_ok(lsm_flush(s.db));
	check_eq(tables(&s), 1);
	check_str(lsm_store_keys(&s, NULL, false), "");
	check_str(lsm_store_get_at(&s, at, "a"), "1");
	check_str(lsm_store_get_at(&s, at, "b"), "1");
	lsm_snapshot_close(s.db, at);
	lsm_store_fini(&s);
}

/* Writes until it fails; returns the number of keys that are in. */
static unsigned
fill_until_full(struct lsm_store *s, unsigned from)
{
	char key[32];
	int err = 0;

	while (!err) {
		(void)snprintf(key, sizeof(key), "key%06u", from++);
		err = lsm_store_try_put(s, key, key, NULL);
		check_le(from, 100000);
	}
	check_err(err, -ENOSPC);
	return from - 1;
}

static void
check_keys(struct lsm_store *s, unsigned count)
{
	char key[32];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(key, sizeof(key), "key%06u", i);
		check_str(lsm_store_get(s, key), key);
	}
	(void)snprintf(key, sizeof(key), "key%06u", count);
	check_true(lsm_store_get(s, key) == NULL);
}

/* Logs can be written, tables cannot: as when the disk is nearly full. */
static void
full_disk_and_back(bool background)
{
	struct lsm_store s;
	unsigned n;

	lsm_store_init(&s);
	s.options.no_background = !background;
	lsm_store_open(&s);
	n = 0;
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = UINT64_MAX;
	n = fill_until_full(&s, n);
	check_keys(&s, n);
	check_true(lsm_store_said(&s, "flush failed"));
	check_err(lsm_flush(s.db), -ENOSPC);
	n = fill_until_full(&s, n);
	env_fault_disarm(&s.fault);
	lsm_store_put(&s, "more", "1"); /* tries the flush again */
	check_ok(lsm_flush(s.db));
	check_keys(&s, n);
	lsm_store_reopen(&s);
	check_keys(&s, n);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
flush__a_full_disk_stops_writers_until_there_is_space(void **state)
{
	(void)state;
	full_disk_and_back(false);
}

static void
flush__a_full_disk_is_no_trap_for_waiting_writers(void **state)
{
	(void)state;
	full_disk_and_back(true);
}

/* Until the background has flushed everything that is full. */
static void
wait_for_flush(struct lsm_store *s)
{
	for (int i = 0; i < 1000; i++) {
		if (lsm_store_stats(s).memtables == 1)
			return;
		(void)usleep(10000);
	}
	check_fail("nothing was flushed");
}

static void
flush__is_tried_again_by_itself_and_at_once_for_a_writer(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.no_background = false;
	lsm_store_open(&s);
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = UINT64_MAX;
	(void)fill_until_full(&s, 0);
	/* The pauses between tries would be 100 s by now. */
	alarm(20);
	for (int i = 0; i < 15; i++)
		check_err(lsm_store_try_put(&s, "a", "1", NULL), -ENOSPC);
	alarm(0);
	env_fault_disarm(&s.fault);
	lsm_store_put(&s, "a", "1");
	wait_for_flush(&s);

	/* And without anybody waiting: */
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	lsm_store_fill(&s, 0, 100, 100, 'a');
	wait_for_flush(&s);
	lsm_store_expect(&s, 0, 100, 100, 'a');
	lsm_store_fini(&s);
}

static void
flush__space_that_is_really_out(void **state)
{
	struct lsm_store s;
	unsigned n, m;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	s.fault.space_left = 200000;
	n = fill_until_full(&s, 0);
	check_le(1000, n);
	check_keys(&s, n);
	m = fill_until_full(&s, n);
	s.fault.space_left = UINT64_MAX;
	lsm_store_put(&s, "more", "1");
	check_keys(&s, m);
	lsm_store_reopen(&s);
	check_keys(&s, m);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

/* Nothing is lost that could not be written again. */
static void
flush__a_broken_disk_stops_writes_until_it_works(void **state)
{
	struct lsm_store s;
	char key[32];
	unsigned n = 0;
	int err;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, 1);
	s.fault.at_end = UINT64_MAX;
	do {
		(void)snprintf(key, sizeof(key), "key%06u", n++);
		err = lsm_store_try_put(&s, key, key, NULL);
	} while (!err && n < 100000);
	check_err(err, -EIO);
	check_ok(lsm_failure(s.db));
	check_keys(&s, n - 1);
	env_fault_disarm(&s.fault);
	lsm_store_put(&s, key, key);
	check_keys(&s, n);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
flush__a_stalled_writer_is_counted(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = UINT64_MAX;
	(void)fill_until_full(&s, 0);
	check_eq(lsm_store_stats(&s).stalls, 1);
	check_eq(lsm_store_stats(&s).memtables, 3);
	env_fault_disarm(&s.fault);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flush__makes_a_table_and_drops_the_log),
	    cmocka_unit_test(flush__of_nothing_does_nothing),
	    cmocka_unit_test(flush__a_full_memtable_is_flushed_by_itself),
	    cmocka_unit_test(flush__drops_versions_that_nobody_sees),
	    cmocka_unit_test(flush__leaves_nothing_of_what_was_put_and_deleted),
	    cmocka_unit_test(flush__keeps_deletes_of_what_tables_have),
	    cmocka_unit_test(flush__keeps_deletes_of_what_snapshots_see),
	    cmocka_unit_test(
		flush__a_full_disk_stops_writers_until_there_is_space),
	    cmocka_unit_test(flush__a_full_disk_is_no_trap_for_waiting_writers),
	    cmocka_unit_test(
		flush__is_tried_again_by_itself_and_at_once_for_a_writer),
	    cmocka_unit_test(flush__space_that_is_really_out),
	    cmocka_unit_test(flush__a_broken_disk_stops_writes_until_it_works),
	    cmocka_unit_test(flush__a_stalled_writer_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
