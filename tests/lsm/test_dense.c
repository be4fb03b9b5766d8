/* Tables that are mostly deletes: they go early, and come to rest. */
#include <stdio.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

#define KEYS 20000

static struct bytes
key_of(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof(text), "k%07u", i);
	return bytes_str(text);
}

/* All but every 1000th are deleted, or put. */
static void
write_all(struct lsm_store *s, bool put)
{
	struct lsm_batch *b = lsm_batch_new();

	for (unsigned i = 0; i < KEYS; i++) {
		if (put)
			check_ok(lsm_batch_put(
			    b, key_of(i), bytes_str("a value of some size")));
		else if (i % 1000 != 0)
			check_ok(lsm_batch_delete(b, key_of(i)));
		if (i % 100 == 99) {
			check_ok(lsm_write(s->db, b, NULL));
			lsm_batch_clear(b);
		}
	}
	lsm_batch_free(b);
}

static void
check_all(struct lsm_store *s, const struct lsm_snapshot *at, bool all)
{
	struct lsm_value v;

	for (unsigned i = 0; i < KEYS; i += 50) {
		int rc = lsm_get(s->db, at, key_of(i), &v);

		check_eq(rc, all || i % 1000 == 0);
		if (rc == 1)
			lsm_value_release(&v);
	}
}

static uint64_t
table_bytes(struct lsm_store *s)
{
	struct lsm_stats stats = lsm_store_stats(s);
	uint64_t n = 0;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		n += stats.level_bytes[i];
	return n;
}

/* All of it is in the last level, in several tables. */
static void
open_full(struct lsm_store *s, bool lazy, bool background)
{
	lsm_store_init(s);
	s->options.memtable_bytes = 8u << 20;
	s->options.table_bytes = 64u << 10;
	s->options.level_base_bytes = 256u << 10;
	s->options.level0_tables = 4;
	s->options.compression = LSM_COMPRESSION_NONE;
	s->options.no_background = !background;
	if (lazy)
		s->options.compaction_style = LSM_COMPACTION_LAZY;
	lsm_store_open(s);
	write_all(s, true);
	check_ok(lsm_compact(s->db, NULL, NULL));
	check_le(4, lsm_store_stats(s).level_tables[LSM_LEVELS - 1]);
}

/* What is to be done is done with a write. */
static void
work(struct lsm_store *s)
{
	check_ok(lsm_flush(s->db));
	lsm_store_put(s, "x", "y");
}

static void
delete_and_look(bool lazy)
{
	struct lsm_store s;
	uint64_t before;

	open_full(&s, lazy, false);
	before = table_bytes(&s);
	write_all(&s, false);
	work(&s);
	check_le(table_bytes(&s), before / 20);
	check_all(&s, NULL, false);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
dense__goes_before_other_work_is_due(void **state)
{
	(void)state;
	delete_and_look(false);
	delete_and_look(true);
}

/* Whatever is tried while the snapshot is there, it ends. */
static void
keep_and_look(bool lazy)
{
	struct lsm_snapshot *at;
	struct lsm_store s;
	uint64_t before, compactions;

	open_full(&s, lazy, false);
	before = table_bytes(&s);
	check_ok(lsm_snapshot_open(s.db, &at));
	write_all(&s, false);
	work(&s);
	compactions = lsm_store_stats(&s).compactions;
	for (unsigned i = 0; i < 50; i++)
		lsm_store_put(&s, "x", "z");
	check_eq(lsm_store_stats(&s).compactions, compactions);
	/* Also where nothing else is left to do. */
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_le(before, table_bytes(&s));
	compactions = lsm_store_stats(&s).compactions;
	for (unsigned i = 0; i < 50; i++)
		lsm_store_put(&s, "x", "z");
	check_eq(lsm_store_stats(&s).compactions, compactions);
	check_all(&s, at, true);
	check_all(&s, NULL, false);
	lsm_snapshot_close(s.db, at);
	lsm_store_put(&s, "x", "y");
	check_le(table_bytes(&s), before / 20);
	check_all(&s, NULL, false);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
dense__is_left_alone_while_a_snapshot_keeps_it(void **state)
{
	(void)state;
	keep_and_look(false);
	keep_and_look(true);
}

static void
check_shrinks(struct lsm_store *s, uint64_t bytes)
{
	for (unsigned i = 0; i < 20000 && table_bytes(s) > bytes; i++)
		usleep(1000);
	check_le(table_bytes(s), bytes);
}

/* Nobody writes any more: closing or dropping it is enough. */
static void
dense__goes_with_the_last_snapshot_that_keeps_it(void **state)
{
	struct lsm_snapshot *at;
	struct lsm_store s;
	uint64_t before;

	(void)state;
	open_full(&s, false, true);
	before = table_bytes(&s);
	check_ok(lsm_snapshot_create(s.db, "kept"));
	check_ok(lsm_snapshot_open(s.db, &at));
	write_all(&s, false);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_le(before, table_bytes(&s));
	lsm_snapshot_close(s.db, at);
	check_ok(lsm_snapshot_find(s.db, "kept", &at));
	check_all(&s, at, true);
	check_ok(lsm_snapshot_delete(s.db, "kept"));
	check_all(&s, at, true);
	check_le(before, table_bytes(&s));
	lsm_snapshot_close(s.db, at);
	check_shrinks(&s, before / 20);
	check_all(&s, NULL, false);

	write_all(&s, true);
	check_ok(lsm_snapshot_create(s.db, "kept"));
	write_all(&s, false);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_le(before, table_bytes(&s));
	check_ok(lsm_snapshot_delete(s.db, "kept"));
	check_shrinks(&s, before / 20);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

/* So is what it kept of keys that were overwritten. */
static void
dense__what_was_overwritten_goes_with_the_last_snapshot(void **state)
{
	struct lsm_snapshot *at;
	struct lsm_store s;
	uint64_t before;

	(void)state;
	open_full(&s, false, true);
	before = table_bytes(&s);
	check_ok(lsm_snapshot_create(s.db, "kept"));
	write_all(&s, true);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_le(before * 3 / 2, table_bytes(&s));
	check_ok(lsm_snapshot_find(s.db, "kept", &at));
	check_ok(lsm_snapshot_delete(s.db, "kept"));
	check_all(&s, at, true);
	lsm_snapshot_close(s.db, at);
	check_shrinks(&s, before + before / 20);
	check_all(&s, NULL, true);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dense__goes_before_other_work_is_due),
	    cmocka_unit_test(dense__is_left_alone_while_a_snapshot_keeps_it),
	    cmocka_unit_test(dense__goes_with_the_last_snapshot_that_keeps_it),
	    cmocka_unit_test(
		dense__what_was_overwritten_goes_with_the_last_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
