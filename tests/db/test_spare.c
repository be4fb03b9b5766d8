/* Files of the log that stand ready: when they are made, and what for. */
#include <unistd.h>

#include "engine/db/db.h"
#include "tests/support/spares.h"

/* --- when ------------------------------------------------------------------
 */

static void
spare__a_short_life_makes_none(void **state)
{
	struct lsm_store s;
	unsigned i = 0;

	(void)state;
	spares_open(&s);
	for (unsigned k = 0; k < 10; k++)
		i = spares_put_and_sync(&s, i);
	check_eq(spares_ready(&s), 0);
	check_eq(spares_count_names(&s, ".log"), 1);
	lsm_store_close(&s);
	check_eq(spares_count_names(&s, ".log"), 1);
	lsm_store_fini(&s);
}

static void
spare__many_syncs_move_the_log_into_one(void **state)
{
	struct lsm_store s;
	const struct segment *first;
	unsigned i;

	(void)state;
	spares_open(&s);
	first = s.db->log;
	i = spares_sync_until_ready(&s);
	check_true(s.db->log == first);
	i = spares_put_and_sync(&s, i);
	check_true(s.db->log != first);
	check_true(spares_in_use(&s));
	check_eq(lsm_store_stats(&s).memtables, 1);
	check_eq(lsm_store_stats(&s).log_files, 2);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

static void
spare__a_rotation_is_a_cause_and_the_next_a_use(void **state)
{
	struct lsm_store s;
	unsigned i = 0;

	(void)state;
	spares_open(&s);
	i = spares_fill_memtable(&s, i);
	check_false(spares_in_use(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a');
	check_eq(spares_ready(&s), 1);
	i = spares_fill_memtable(&s, i + 1);
	check_true(spares_in_use(&s));
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

static void
spare__what_is_not_synced_makes_none(void **state)
{
	struct lsm_store s;
	unsigned i = 0;

	(void)state;
	spares_open(&s);
	while (lsm_store_stats(&s).flushes < 10) {
		lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
		check_eq(spares_ready(&s), 0);
	}
	/* Not even a few times in each. */
	while (lsm_store_stats(&s).flushes < 20) {
		lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
		if (i % 100 == 0)
			check_ok(lsm_sync(s.db, lsm_seq(s.db)));
	}
	check_false(s.db->spares.wanted);
	check_eq(spares_count_names(&s, ".log"), 1);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

static void
spare__when_syncs_end_so_do_they(void **state)
{
	struct lsm_store s;
	unsigned i = 0;
	uint64_t flushes;

	(void)state;
	spares_open(&s);
	for (unsigned k = 0; k < 5; k++)
		i = spares_fill_memtable(&s, i);
	check_true(spares_in_use(&s));
	flushes = lsm_store_stats(&s).flushes;
	while (lsm_store_stats(&s).flushes < flushes + 10)
		lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_false(spares_in_use(&s));
	check_eq(spares_ready(&s), 0);
	check_eq(spares_count_names(&s, ".log"), 1);
	i = spares_fill_memtable(&s, i);
	i = spares_fill_memtable(&s, i);
	check_true(spares_in_use(&s));
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* A name of its own, and the directory synced, before it is used. */
static void
spare__a_sync_in_one_is_a_sync_of_data_alone(void **state)
{
	struct lsm_store s;
	char path[512];
	unsigned i;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_open(&s);
	i = spares_put_and_sync(&s, spares_sync_until_ready(&s));
	check_true(spares_in_use(&s));
	i = spares_put_and_sync(&s, i);
	(void)snprintf(path, sizeof(path), "%s", s.db->log->path);
	check_eq(spares_size_of(path), spare_bytes(s.db));
	s.fault.syncs = s.fault.ops = 0;
	for (unsigned k = 0; k < 1000; k++)
		i = spares_put_and_sync(&s, i);
	check_eq(s.fault.syncs, 1000);
	/* A write and a sync each; and the reserve grows with the log. */
	check_le(2000, s.fault.ops);
	check_le(s.fault.ops, 2020);
	check_eq(spares_size_of(path), spare_bytes(s.db));
	check_str(path, s.db->log->path);
	lsm_store_fini(&s);
}

/* Also where the log goes on in another file. */
static void
spare__no_commit_takes_more_than_one_sync(void **state)
{
	struct lsm_store s;
	uint64_t before;
	unsigned i = 0;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 2048;
	lsm_store_open(&s);
	i = spares_put_and_sync(&s, i);
	before = lsm_store_stats(&s).syncs;
	for (unsigned k = 0; k < 400; k++)
		i = spares_put_and_sync(&s, i);
	check_le(3, lsm_store_stats(&s).flushes);
	check_eq(lsm_store_stats(&s).syncs - before, 400);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* Leaving a file that holds something unsynced costs a sync more: not soon. */
static void
spare__what_is_not_durable_keeps_the_log_for_a_while(void **state)
{
	struct lsm_store s;
	unsigned i;

	(void)state;
	spares_open(&s);
	/* The write that finds everything durable comes before there is one. */
	i = spares_sync_until_wanted(&s);
	lsm_store_fill(&s, i, i + 5, 10, 'a');
	check_eq(spares_ready(&s), 1);
	check_false(spares_in_use(&s));
	atomic_store(&s.db->log->syncs, 64);
	lsm_store_fill(&s, i + 5, i + 6, 10, 'a');
	check_true(spares_in_use(&s));
	spares_check_all(&s, i + 6);
	lsm_store_fini(&s);
}

/* --- which record goes where -----------------------------------------------
 */

static void
spare__what_does_not_fit_goes_to_the_next_one(void **state)
{
	struct lsm_store s;
	const struct segment *log;
	char value[6000];
	unsigned i;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 64u << 10;
	lsm_store_open(&s);
	i = spares_put_and_sync(&s, spares_sync_until_ready(&s));
	check_true(spares_in_use(&s));
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log = s.db->log;
	/* The same key again and again: the memtable counts it each time, so
	 * make the log the larger of the two. */
	while (s.db->log == log && lsm_store_stats(&s).flushes == 0) {
		check_le(wal_size(log->wal), spare_bytes(s.db));
		lsm_store_put(&s, "", "");
	}
	check_eq(lsm_store_stats(&s).flushes, 0);
	check_true(spares_in_use(&s));
	check_eq(lsm_store_stats(&s).memtables, 1);
	check_eq(lsm_store_stats(&s).log_files, 3);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

static void
spare__what_fits_nowhere_lets_the_file_grow(void **state)
{
	static char value[100000];
	struct lsm_store s;
	const struct segment *log;
	unsigned i;

	(void)state;
	spares_open(&s);
	i = spares_put_and_sync(&s, spares_sync_until_ready(&s));
	lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
	check_eq(spares_ready(&s), 1);
	log = s.db->log;
	memset(value, 'v', sizeof(value) - 1);
	/* Written behind the present end; the memtable is full then. */
	lsm_store_put(&s, "large", value);
	check_true(s.db->log == log);
	check_le(sizeof(value), wal_size(log->wal));
	check_str(lsm_store_get(&s, "large"), value);
	spares_check_all(&s, i);
	check_str(lsm_store_get(&s, "large"), value);
	lsm_store_fini(&s);
}

/* All segments of a memtable go with it. */
static void
spare__a_flush_takes_all_segments_of_the_memtable(void **state)
{
	struct lsm_store s;
	unsigned i;

	(void)state;
	spares_open(&s);
	i = spares_put_and_sync(&s, spares_sync_until_ready(&s));
	check_eq(lsm_store_stats(&s).log_files, 2);
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).log_files, 1);
	i = spares_put_and_sync(&s, i); /* what was retired becomes a spare */
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* --- use again -------------------------------------------------------------
 */

static void
spare__files_go_round(void **state)
{
	struct lsm_store s;
	ino_t seen[8] = {0};
	unsigned i = 0, seen_count = 0;

	(void)state;
	spares_open(&s);
	for (unsigned round = 0; round < 30; round++) {
		ino_t inode;
		unsigned k = 0;

		i = spares_fill_memtable(&s, i);
		lsm_store_fill(&s, i, i + 1, 10, 'a'), i++;
		if (!spares_in_use(&s))
			continue;
		check_le(spares_ready(&s), SPARE_MAX);
		inode = spares_inode_of(s.db->log->path);
		while (k < seen_count && seen[k] != inode)
			k++;
		if (k == seen_count) {
			check_le(seen_count + 1, 4);
			seen[seen_count++] = inode;
		}
	}
	check_le(2, seen_count);
	check_le(spares_count_names(&s, ".log"), 1 + SPARE_MAX);
	check_eq(spares_count_names(&s, ".tmp"), 0);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

/* Somebody reads the file: it is not written over. */
static void
spare__a_segment_in_use_is_not_used_again(void **state)
{
	struct lsm_store s;
	struct segment *log;
	ino_t inode;
	unsigned i;

	(void)state;
	spares_open(&s);
	i = spares_put_and_sync(&s, spares_sync_until_ready(&s));
	log = s.db->log;
	inode = spares_inode_of(log->path);
	atomic_fetch_add(&log->refs, 1);
	for (unsigned round = 0; round < 6; round++) {
		i = spares_fill_memtable(&s, i);
		check_ne(spares_inode_of(s.db->log->path), inode);
	}
	check_err(access(log->path, F_OK), -1);
	segment_unref(log);
	spares_check_all(&s, i);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spare__a_short_life_makes_none),
	    cmocka_unit_test(spare__many_syncs_move_the_log_into_one),
	    cmocka_unit_test(spare__a_rotation_is_a_cause_and_the_next_a_use),
	    cmocka_unit_test(spare__what_is_not_synced_makes_none),
	    cmocka_unit_test(spare__when_syncs_end_so_do_they),
	    cmocka_unit_test(spare__a_sync_in_one_is_a_sync_of_data_alone),
	    cmocka_unit_test(spare__no_commit_takes_more_than_one_sync),
	    cmocka_unit_test(
		spare__what_is_not_durable_keeps_the_log_for_a_while),
	    cmocka_unit_test(spare__what_does_not_fit_goes_to_the_next_one),
	    cmocka_unit_test(spare__what_fits_nowhere_lets_the_file_grow),
	    cmocka_unit_test(spare__a_flush_takes_all_segments_of_the_memtable),
	    cmocka_unit_test(spare__files_go_round),
	    cmocka_unit_test(spare__a_segment_in_use_is_not_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
