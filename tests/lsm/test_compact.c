#include <stdio.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

static uint64_t
tables(const struct lsm_stats *stats, uint64_t *bytes)
{
	uint64_t count = 0;

	*bytes = 0;
	for (int i = 0; i < LSM_LEVELS; i++) {
		count += stats->level_tables[i];
		*bytes += stats->level_bytes[i];
	}
	return count;
}

static void
compact__keeps_the_levels_within_their_limits(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	for (char round = 'a'; round < 'd'; round++)
		lsm_store_fill(&s, 0, 2000, 100, round);
	stats = lsm_store_stats(&s);
	check_le(10, stats.compactions);
	check_le(stats.level_tables[0], s.options.level0_tables);
	check_ne(stats.level_bytes[5], 0);
	check_le(stats.level_bytes[5], stats.level_bytes[6] / 4);
	for (int i = 1; i < 5; i++)
		check_eq(stats.level_tables[i], 0);
	lsm_store_expect(&s, 0, 2000, 100, 'c');
	lsm_store_check(&s);
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 2000, 100, 'c');
	lsm_store_fini(&s);
}

static void
compact__writes_a_sorted_load_only_once(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 4000, 100, 'a');
	stats = lsm_store_stats(&s);
	check_le(20, stats.flushes);
	check_eq(stats.bytes_written_compact, 0);
	check_le(stats.level_tables[0], s.options.level0_tables);
	check_le(
	    stats.flushes - s.options.level0_tables, stats.level_tables[6]);
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 4000, 100, 'a');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
compact__drops_what_is_deleted_and_overwritten(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;
	uint64_t bytes;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 500, 100, 'a');
	lsm_store_fill(&s, 0, 500, 100, 'b');
	lsm_store_unfill(&s, 10, 500);
	check_ok(lsm_compact(s.db, NULL, NULL));
	stats = lsm_store_stats(&s);
	check_eq(tables(&stats, &bytes), 1);
	check_le(bytes, 2500);
	check_eq(lsm_store_file_count(&s, ".sst"), 1);
	lsm_store_expect(&s, 0, 10, 100, 'b');
	check_true(lsm_store_get(&s, "KEY000010") == NULL);
	lsm_store_fini(&s);
}

static void
compact__of_what_is_all_deleted_leaves_no_table(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;
	uint64_t bytes;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 100, 100, 'a');
	lsm_store_unfill(&s, 0, 100);
	check_ok(lsm_compact(s.db, NULL, NULL));
	stats = lsm_store_stats(&s);
	check_eq(tables(&stats, &bytes), 0);
	check_eq(lsm_store_file_count(&s, ".sst"), 0);
	lsm_store_reopen(&s);
	check_str(lsm_store_keys(&s, NULL, false), "");
	lsm_store_put(&s, "a", "1");
	check_eq(lsm_seq(s.db), 201);
	lsm_store_fini(&s);
}

struct progress {
	uint64_t done, total;
	unsigned calls;
	unsigned rises;
	unsigned refuse; /* so many writes, from the third rise on */
};

static ssize_t (*pwrite_any)(struct env_file *, const void *, size_t, uint64_t);
static unsigned refusals;

static ssize_t
pwrite_or_refuse(struct env_file *f, const void *data, size_t size, uint64_t at)
{
	if (refusals > 0 && strstr(f->path, ".sst")) {
		refusals--;
		return -ENOSPC;
	}
	return pwrite_any(f, data, size, at);
}

static void
on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct progress *p = ctx;

	check_le(p->done, done);
	check_le(done, total);
	check_true(p->total == 0 || p->total == total);
	p->rises += p->done < done;
	if (p->rises == 3) {
		refusals += p->refuse;
		p->refuse = 0;
	}
	p->done = done;
	p->total = total;
	p->calls++;
}

static void
compact__tells_its_progress(void **state)
{
	struct progress p = {0};
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_compact(s.db, on_progress, &p)); /* nothing to do */
	check_eq(p.done, p.total);
	p = (struct progress){0};
	lsm_store_fill(&s, 0, 3000, 100, 'a');
	check_ok(lsm_compact(s.db, on_progress, &p));
	check_le(3, p.calls);
	check_ne(p.total, 0);
	check_eq(p.done, p.total);
	lsm_store_fini(&s);
}

/* Of three levels the first one begins again. */
static void
progress_on_a_full_disk(unsigned refuse, uint64_t compactions)
{
	struct progress p = {.refuse = refuse};
	struct lsm_stats before, after;
	struct env_ops ops;
	struct lsm_store s;

	lsm_store_init(&s);
	ops = *s.fault.env.ops;
	pwrite_any = ops.pwrite;
	ops.pwrite = pwrite_or_refuse;
	s.fault.env.ops = &ops;
	lsm_store_open(&s);
	for (char round = 'a'; round < 'd'; round++)
		lsm_store_fill(&s, 0, 2000, 100, round);
	s.options.level0_tables = 100;
	lsm_store_reopen(&s);
	lsm_store_fill(&s, 0, 3000, 100, 'd');
	check_ok(lsm_flush(s.db));
	before = lsm_store_stats(&s);
	check_ne(before.level_tables[5], 0);
	check_ok(lsm_compact(s.db, on_progress, &p));
	after = lsm_store_stats(&s);
	check_eq(p.refuse + refusals, 0);
	check_le(compactions, after.compactions - before.compactions);
	check_eq(p.done, p.total);
	lsm_store_fini(&s);
}

static void
compact__its_progress_does_not_go_back(void **state)
{
	(void)state;
	/* As a whole, and in parts. */
	progress_on_a_full_disk(1, 2);
	progress_on_a_full_disk(2, 20);
}

static void
compact__goes_on_when_the_disk_has_space_again(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 500, 100, 'a');
	check_ok(lsm_flush(s.db));
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = UINT64_MAX;
	check_err(lsm_compact(s.db, NULL, NULL), -ENOSPC);
	lsm_store_expect(&s, 0, 500, 100, 'a');
	env_fault_disarm(&s.fault);
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_expect(&s, 0, 500, 100, 'a');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

/* Level 0 has more tables than writers wait for, and none can go down. */
static void
full_level0(bool background)
{
	struct lsm_store s;

	lsm_store_init(&s);
	s.options.level0_tables = 100;
	lsm_store_open(&s);
	for (char tag = 'a'; tag < 'a' + 10; tag++)
		for (unsigned i = 0; i < 5; i++) {
			lsm_store_fill(&s, 0, 2, 100, tag);
			check_ok(lsm_flush(s.db));
		}
	check_eq(lsm_store_stats(&s).level_tables[0], 50);
	lsm_store_close(&s);
	s.options.level0_tables = 1;
	s.options.no_background = !background;
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = UINT64_MAX;
	lsm_store_open(&s);
	lsm_store_put(&s, "KEY000001", "new");
	check_err(lsm_compact(s.db, NULL, NULL), -ENOSPC);
	check_str(lsm_store_get(&s, "KEY000001"), "new");
	lsm_store_close(&s);
	env_fault_disarm(&s.fault);
	lsm_store_open(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_str(lsm_store_get(&s, "KEY000001"), "new");
	lsm_store_expect(&s, 0, 1, 100, 'j');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
compact__on_a_full_disk_does_not_wait_for_itself(void **state)
{
	(void)state;
	full_level0(false);
	full_level0(true);
}

/* The last one has a range tombstone without an end, which the snapshot needs.
 */
static void
compact__table_by_table_comes_to_an_end(void **state)
{
	struct lsm_snapshot *snapshot;
	struct lsm_store s;
	uint64_t before;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 500, 100, 'a');
	check_ok(lsm_snapshot_open(s.db, &snapshot));
	lsm_store_delete_range(&s, "KEY000499", NULL);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_le(3, lsm_store_stats(&s).level_tables[6]);
	/* The level as a whole finds no space, nor does it again. */
	before = lsm_store_stats(&s).compactions;
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = s.fault.at + 1;
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(s.fault.hits, 2);
	check_eq(lsm_store_stats(&s).compactions, before + 1);
	lsm_store_expect(&s, 0, 499, 100, 'a');
	check_true(lsm_store_get(&s, "KEY000499") == NULL);
	check_true(lsm_store_get_at(&s, snapshot, "KEY000499") != NULL);
	lsm_snapshot_close(s.db, snapshot);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

/* A damaged input is told, and stops neither writers nor readers. */
static void
damaged_input(bool background)
{
	struct lsm_store s;
	const char *table;

	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 40, 100, 'a');
	check_ok(lsm_flush(s.db));
	lsm_store_close(&s);
	table = lsm_store_file(&s, ".sst");
	lsm_store_damage(table, 100);
	s.options.no_background = !background;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 2000, 100, 'b');
	check_ok(lsm_flush(s.db));
	lsm_store_expect(&s, 0, 2000, 100, 'b');
	check_err(lsm_compact(s.db, NULL, NULL), -EUCLEAN);
	check_true(lsm_store_said(&s, "compaction failed"));
	check_true(lsm_store_said(&s, table));
	lsm_store_fini(&s);
}

static void
compact__a_damaged_table_is_told_and_the_rest_goes_on(void **state)
{
	(void)state;
	damaged_input(false);
}

static void
compact__a_damaged_table_does_not_block_writers(void **state)
{
	(void)state;
	damaged_input(true);
}

static void
compact__files_go_when_the_last_reader_lets_go(void **state)
{
	struct lsm_store s;
	struct lsm_iter *it;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 500, 100, 'a');
	check_ok(lsm_flush(s.db));
	check_ok(lsm_iter_open(s.db, NULL, &it));
	lsm_store_fill(&s, 0, 500, 100, 'b');
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_iter_first(it), 1);
	for (int i = 1; i < 500; i++)
		check_eq(lsm_iter_next(it), 1);
	check_eq(lsm_iter_next(it), 0);
	check_le(lsm_store_file_count(&s, ".sst"), 60);
	lsm_iter_close(it);
	check_le(lsm_store_file_count(&s, ".sst"), 20);
	lsm_store_fini(&s);
}

static void
compact__runs_in_the_background(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.no_background = false;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 3000, 100, 'a');
	check_ok(lsm_flush(s.db));
	for (int i = 0; i < 1000; i++) {
		if (lsm_store_stats(&s).level_tables[0] <
		    s.options.level0_tables)
			break;
		(void)usleep(10000);
	}
	check_le(
	    lsm_store_stats(&s).level_tables[0], s.options.level0_tables - 1);
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_expect(&s, 0, 3000, 100, 'a');
	lsm_store_fini(&s);
}

static uint64_t
above_last(struct lsm_store *s)
{
	struct lsm_stats stats = lsm_store_stats(s);
	uint64_t bytes = 0;

	for (int i = 0; i < LSM_LEVELS - 1; i++)
		bytes += stats.level_bytes[i];
	return bytes * 100 / (stats.level_bytes[LSM_LEVELS - 1] + 1);
}

static void
compact__an_idle_store_becomes_small(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.no_background = false;
	s.options.level0_tables = 100;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 2000, 100, 'a');
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_fill(&s, 0, 2000, 100, 'b');
	check_ok(lsm_flush(s.db));
	check_le(90, above_last(&s));
	for (int i = 0; i < 2000 && above_last(&s) > 15; i++)
		(void)usleep(10000);
	check_le(above_last(&s), 15);
	lsm_store_expect(&s, 0, 2000, 100, 'b');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compact__keeps_the_levels_within_their_limits),
	    cmocka_unit_test(compact__writes_a_sorted_load_only_once),
	    cmocka_unit_test(compact__drops_what_is_deleted_and_overwritten),
	    cmocka_unit_test(compact__of_what_is_all_deleted_leaves_no_table),
	    cmocka_unit_test(compact__tells_its_progress),
	    cmocka_unit_test(compact__its_progress_does_not_go_back),
	    cmocka_unit_test(compact__goes_on_when_the_disk_has_space_again),
	    cmocka_unit_test(compact__on_a_full_disk_does_not_wait_for_itself),
	    cmocka_unit_test(compact__table_by_table_comes_to_an_end),
	    cmocka_unit_test(
		compact__a_damaged_table_is_told_and_the_rest_goes_on),
	    cmocka_unit_test(compact__a_damaged_table_does_not_block_writers),
	    cmocka_unit_test(compact__files_go_when_the_last_reader_lets_go),
	    cmocka_unit_test(compact__runs_in_the_background),
	    cmocka_unit_test(compact__an_idle_store_becomes_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
