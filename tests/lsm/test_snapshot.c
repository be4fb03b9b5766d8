#include "tests/support/lsm_store.h"

static void
snapshot__shows_its_moment_through_everything(void **state)
{
	struct lsm_snapshot *one, *two;
	struct lsm_iter_options o = {0};
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	lsm_store_put(&s, "b", "1");
	check_ok(lsm_snapshot_open(s.db, &one));
	lsm_store_put(&s, "a", "2");
	lsm_store_delete(&s, "b");
	lsm_store_put(&s, "c", "2");
	check_ok(lsm_snapshot_open(s.db, &two));
	lsm_store_delete(&s, "a");
	lsm_store_delete(&s, "c");
	for (int round = 0; round < 3; round++) {
		check_str(lsm_store_get_at(&s, one, "a"), "1");
		check_str(lsm_store_get_at(&s, one, "b"), "1");
		check_true(lsm_store_get_at(&s, one, "c") == NULL);
		check_str(lsm_store_get_at(&s, two, "a"), "2");
		check_true(lsm_store_get_at(&s, two, "b") == NULL);
		check_true(lsm_store_get(&s, "a") == NULL);
		o.snapshot = one;
		check_str(lsm_store_keys(&s, &o, false), "a b");
		o.snapshot = two;
		check_str(lsm_store_keys(&s, &o, true), "c a");
		check_str(lsm_store_keys(&s, NULL, false), "");
		if (round == 0)
			check_ok(lsm_flush(s.db));
		else
			check_ok(lsm_compact(s.db, NULL, NULL));
	}
	lsm_snapshot_close(s.db, one);
	lsm_snapshot_close(s.db, two);
	lsm_store_fini(&s);
}

/* Entries of all tables. */
static uint64_t
bytes_in_tables(struct lsm_store *s)
{
	struct lsm_stats stats = lsm_store_stats(s);
	uint64_t sum = 0;

	for (int i = 0; i < LSM_LEVELS; i++)
		sum += stats.level_bytes[i];
	return sum;
}

static void
snapshot__holds_space_until_it_is_closed(void **state)
{
	struct lsm_snapshot *old;
	struct lsm_store s;
	uint64_t held;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 200, 100, 'a');
	check_ok(lsm_snapshot_open(s.db, &old));
	lsm_store_fill(&s, 0, 200, 100, 'b');
	check_ok(lsm_compact(s.db, NULL, NULL));
	held = bytes_in_tables(&s);
	lsm_snapshot_close(s.db, old);
	lsm_store_put(&s, "KEY000000", "x");
	lsm_store_put(&s, "KEY000199", "x");
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_le(bytes_in_tables(&s), held * 6 / 10);
	lsm_store_expect(&s, 1, 199, 100, 'b');
	lsm_store_fini(&s);
}

static void
snapshot__of_an_empty_store_stays_empty(void **state)
{
	struct lsm_snapshot *old;
	struct lsm_iter_options o = {0};
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_snapshot_open(s.db, &old));
	lsm_store_fill(&s, 0, 100, 100, 'a');
	o.snapshot = old;
	check_str(lsm_store_keys(&s, &o, false), "");
	check_str(lsm_store_keys(&s, &o, true), "");
	lsm_snapshot_close(s.db, old);
	lsm_snapshot_close(s.db, NULL);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(snapshot__shows_its_moment_through_everything),
	    cmocka_unit_test(snapshot__holds_space_until_it_is_closed),
	    cmocka_unit_test(snapshot__of_an_empty_store_stays_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
