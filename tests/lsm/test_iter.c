#include <stdio.h>

#include "tests/support/lsm_store.h"

/* "a b c d e", in a table, a full memtable's table and memory. */
static void
spread(struct lsm_store *s)
{
	lsm_store_init(s);
	lsm_store_open(s);
	lsm_store_put(s, "a", "1");
	lsm_store_put(s, "c", "1");
	lsm_store_put(s, "x", "1");
	check_ok(lsm_compact(s->db, NULL, NULL));
	lsm_store_put(s, "b", "2");
	lsm_store_put(s, "c", "2");
	lsm_store_delete(s, "x");
	check_ok(lsm_flush(s->db));
	lsm_store_put(s, "d", "3");
	lsm_store_put(s, "e", "3");
}

static void
at(const struct lsm_iter *it, const char *key, const char *value)
{
	check_bytes_eq(lsm_iter_key(it), bytes_str(key));
	check_bytes_eq(lsm_iter_value(it), bytes_str(value));
}

static void
iter__merges_in_order_both_ways(void **state)
{
	struct lsm_store s;

	(void)state;
	spread(&s);
	check_str(lsm_store_keys(&s, NULL, false), "a b c d e");
	check_str(lsm_store_keys(&s, NULL, true), "e d c b a");
	lsm_store_fini(&s);
}

static void
iter__of_an_empty_store_ends_at_once(void **state)
{
	struct lsm_store s;
	struct lsm_iter *it;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_iter_open(s.db, NULL, &it));
	check_eq(lsm_iter_first(it), 0);
	check_eq(lsm_iter_last(it), 0);
	check_eq(lsm_iter_seek(it, bytes_str("a")), 0);
	check_eq(lsm_iter_seek_back(it, bytes_str("a")), 0);
	lsm_iter_close(it);
	lsm_store_fini(&s);
}

static void
iter__keeps_within_bounds(void **state)
{
	struct lsm_iter_options o = {0};
	struct lsm_store s;

	(void)state;
	spread(&s);
	o.lower = bytes_str("b");
	o.upper = bytes_str("e");
	check_str(lsm_store_keys(&s, &o, false), "b c d");
	check_str(lsm_store_keys(&s, &o, true), "d c b");
	o.lower = bytes_str("bb");
	o.upper = bytes_str("dd");
	check_str(lsm_store_keys(&s, &o, false), "c d");
	check_str(lsm_store_keys(&s, &o, true), "d c");
	o.lower = bytes_str("d");
	o.upper = bytes_str("c");
	check_str(lsm_store_keys(&s, &o, false), "");
	check_str(lsm_store_keys(&s, &o, true), "");
	o.lower = bytes_of(NULL, 0);
	o.upper = bytes_of("", 0);
	check_str(lsm_store_keys(&s, &o, false), "");
	lsm_store_fini(&s);
}

static void
iter__seeks_both_ways(void **state)
{
	struct lsm_iter_options o = {0};
	struct lsm_store s;
	struct lsm_iter *it;

	(void)state;
	spread(&s);
	o.lower = bytes_str("b");
	o.upper = bytes_str("e");
	check_ok(lsm_iter_open(s.db, &o, &it));
	check_eq(lsm_iter_seek(it, bytes_str("c")), 1);
	at(it, "c", "2");
	check_eq(lsm_iter_seek(it, bytes_str("cc")), 1);
	at(it, "d", "3");
	check_eq(lsm_iter_seek(it, bytes_str("a")), 1);
	at(it, "b", "2");
	check_eq(lsm_iter_seek(it, bytes_str("e")), 0);
	check_eq(lsm_iter_seek_back(it, bytes_str("c")), 1);
	at(it, "c", "2");
	check_eq(lsm_iter_seek_back(it, bytes_str("cc")), 1);
	at(it, "c", "2");
	check_eq(lsm_iter_seek_back(it, bytes_str("z")), 1);
	at(it, "d", "3");
	check_eq(lsm_iter_seek_back(it, bytes_str("a")), 0);
	lsm_iter_close(it);
	lsm_store_fini(&s);
}

static void
iter__turns_round_anywhere(void **state)
{
	struct lsm_store s;
	struct lsm_iter *it;

	(void)state;
	spread(&s);
	check_ok(lsm_iter_open(s.db, NULL, &it));
	check_eq(lsm_iter_first(it), 1);
	check_eq(lsm_iter_next(it), 1);
	at(it, "b", "2");
	check_eq(lsm_iter_prev(it), 1);
	at(it, "a", "1");
	check_eq(lsm_iter_next(it), 1);
	at(it, "b", "2");
	check_eq(lsm_iter_next(it), 1);
	at(it, "c", "2");
	check_eq(lsm_iter_prev(it), 1);
	check_eq(lsm_iter_prev(it), 1);
	at(it, "a", "1");
	check_eq(lsm_iter_prev(it), 0);
	check_eq(lsm_iter_last(it), 1);
	check_eq(lsm_iter_prev(it), 1);
	check_eq(lsm_iter_next(it), 1);
	at(it, "e", "3");
	check_eq(lsm_iter_next(it), 0);
	lsm_iter_close(it);
	lsm_store_fini(&s);
}

static void
iter__sees_the_moment_of_its_opening(void **state)
{
	struct lsm_store s;
	struct lsm_iter *it;

	(void)state;
	spread(&s);
	check_ok(lsm_iter_open(s.db, NULL, &it));
	lsm_store_put(&s, "aa", "new");
	lsm_store_delete(&s, "b");
	lsm_store_put(&s, "c", "new");
	lsm_store_fill(&s, 0, 300, 100, 'a');
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_iter_first(it), 1);
	at(it, "a", "1");
	check_eq(lsm_iter_next(it), 1);
	at(it, "b", "2");
	check_eq(lsm_iter_next(it), 1);
	at(it, "c", "2");
	lsm_iter_close(it);
	lsm_store_fini(&s);
}

static void
iter__passes_many_versions_and_tombstones(void **state)
{
	struct lsm_snapshot *old;
	struct lsm_iter_options o = {0};
	struct lsm_store s;
	char value[16];

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "first");
	lsm_store_put(&s, "k", "first");
	lsm_store_put(&s, "z", "first");
	check_ok(lsm_snapshot_open(s.db, &old));
	for (int i = 0; i < 200; i++) {
		(void)snprintf(value, sizeof(value), "%d", i);
		lsm_store_put(&s, "k", value);
		lsm_store_put(&s, "j", value);
		lsm_store_delete(&s, "j");
	}
	o.snapshot = old;
	check_str(lsm_store_keys(&s, &o, false), "a k z");
	check_str(lsm_store_keys(&s, &o, true), "z k a");
	check_str(lsm_store_get_at(&s, old, "k"), "first");
	check_str(lsm_store_keys(&s, NULL, false), "a k z");
	check_str(lsm_store_keys(&s, NULL, true), "z k a");
	check_str(lsm_store_get(&s, "k"), "199");
	lsm_snapshot_close(s.db, old);
	lsm_store_fini(&s);
}

/* Each read of a scan fails once; then the same iterator works again. */
static void
iter__an_error_is_told_and_a_new_seek_recovers(void **state)
{
	struct lsm_iter_options o = {.no_fill = true};
	struct lsm_store s;
	struct lsm_iter *it;
	int failed = 0;

	(void)state;
	lsm_store_init(&s);
	s.options.cache_bytes = 0;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 100, 100, 'a');
	check_ok(lsm_compact(s.db, NULL, NULL));
	s.fault.error = EIO;
	for (uint64_t n = 1;; n++) {
		int rc, count = 0;

		check_ok(lsm_iter_open(s.db, &o, &it));
		s.fault.reads_fail_at = s.fault.reads + n;
		rc = lsm_iter_first(it);
		for (; rc > 0; count++)
			rc = lsm_iter_next(it);
		s.fault.reads_fail_at = 0;
		if (rc == 0) {
			check_eq(count, 100);
			lsm_iter_close(it);
			break;
		}
		check_err(rc, -EIO);
		failed++;
		check_eq(lsm_iter_seek(it, bytes_str("KEY000050")), 1);
		check_bytes_eq(lsm_iter_key(it), bytes_str("KEY000050"));
		lsm_iter_close(it);
	}
	check_le(3, failed);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(iter__merges_in_order_both_ways),
	    cmocka_unit_test(iter__of_an_empty_store_ends_at_once),
	    cmocka_unit_test(iter__keeps_within_bounds),
	    cmocka_unit_test(iter__seeks_both_ways),
	    cmocka_unit_test(iter__turns_round_anywhere),
	    cmocka_unit_test(iter__sees_the_moment_of_its_opening),
	    cmocka_unit_test(iter__passes_many_versions_and_tombstones),
	    cmocka_unit_test(iter__an_error_is_told_and_a_new_seek_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
