/*
 * Large values after crashes, and when their files are damaged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/file.h"
#include "tests/support/lsm_store.h"

#define LARGE 3000

static void
open_store(struct lsm_store *s)
{
	lsm_store_init_values(s);
	lsm_store_open(s);
}

/* --- recovery ------------------------------------------------------------- */

static void
values__replayed_segment_is_kept(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 2, LARGE, 'a');
	for (int i = 0; i < 3; i++) {
		lsm_store_reopen(&s);
		lsm_store_expect(&s, 0, 2, LARGE, 'a');
	}
	lsm_store_fill(&s, 2, 4, LARGE, 'a'); /* behind the replayed ones */
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files, 1);
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 4, LARGE, 'a');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
values__another_threshold_reads_the_same(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 2, LARGE, 'a');
	s.options.value_log_bytes = 0;
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 2, LARGE, 'a');
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files, 0);
	lsm_store_fill(&s, 2, 4, LARGE, 'a');
	s.options.value_log_bytes = 100;
	lsm_store_reopen(&s);
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files, 1);
	lsm_store_expect(&s, 0, 4, LARGE, 'a');
	lsm_store_fini(&s);
}

static void
values__every_moment_can_be_opened(void **state)
{
	struct lsm_store s, t;

	(void)state;
	open_store(&s);
	for (unsigned i = 0; i < 40; i++) {
		lsm_store_fill(&s, i % 7, i % 7 + 1, LARGE, 'a');
		lsm_store_init_values(&t);
		check_rmtree(t.dir);
		t.dir = lsm_store_copy(&s);
		lsm_store_open(&t);
		lsm_store_expect(&t, 0, i < 7 ? i + 1 : 7, LARGE, 'a');
		lsm_store_check(&t);
		lsm_store_fini(&t);
	}
	lsm_store_fini(&s);
}

/* A store whose last segment was written ahead; the segment's path. */
static const char *
ahead_store(struct lsm_store *s)
{
	static char path[512];

	lsm_store_init_values(s);
	s->options.durability = durability_of(DURABILITY_SYNC);
	s->options.value_log_bytes = 100;
	lsm_store_open(s);
	/* Spares are wanted after some syncs. */
	lsm_store_fill(s, 0, 100, 200, 'a');
	check_ok(lsm_flush(s->db));
	lsm_store_fill(s, 100, 104, 1000, 'a');
	(void)snprintf(path, sizeof(path), "%s", lsm_store_file(s, ".log"));
	check_le(8192, file_size(path));
	return path;
}

/* Nobody would cut it later. */
static void
values__kept_segment_is_cut_before_any_crash(void **state)
{
	struct lsm_store s;
	const char *path;
	bool died;

	(void)state;
	for (uint64_t n = 1;; n++) {
		path = ahead_store(&s);
		env_fault_arm(&s.fault, ENV_FAULT_DEAD, EIO, n);
		(void)lsm_flush(s.db);
		died = s.fault.hits > 0;
		lsm_store_close(&s);
		env_fault_disarm(&s.fault);
		lsm_store_open(&s);
		check_ok(lsm_flush(s.db));
		check_le(file_size(path), 5000);
		lsm_store_expect(&s, 100, 104, 1000, 'a');
		lsm_store_fini(&s);
		if (!died)
			break;
	}
}

/* --- damage --------------------------------------------------------------- */

/* A store with one kept segment; its path. */
static const char *
damage_store(struct lsm_store *s)
{
	static char path[512];

	open_store(s);
	lsm_store_fill(s, 0, 4, LARGE, 'a');
	(void)snprintf(path, sizeof(path), "%s", lsm_store_file(s, ".log"));
	check_ok(lsm_flush(s->db));
	check_ne(strcmp(path, lsm_store_file(s, ".log")), 0);
	return path;
}

static void
values__missing_file_is_told_at_open(void **state)
{
	struct lsm_store s;
	const char *path = damage_store(&s);

	(void)state;
	lsm_store_close(&s);
	check_ok(unlink(path));
	check_err(lsm_store_try_open(&s), -EUCLEAN);
	check_true(lsm_store_said(&s, path));
	check_true(lsm_store_said(&s, "missing"));
	lsm_store_fini(&s);
}

static void
values__cut_file_is_told_at_open(void **state)
{
	struct lsm_store s;
	const char *path = damage_store(&s);
	off_t size = (off_t)file_size(path);

	(void)state;
	lsm_store_close(&s);
	check_ok(truncate(path, size - 1));
	check_err(lsm_store_try_open(&s), -EUCLEAN);
	check_true(lsm_store_said(&s, path));
	check_true(lsm_store_said(&s, "the file ends"));
	lsm_store_fini(&s);
}

static void
note_finding(void *ctx, const char *text)
{
	(void)snprintf(ctx, 1024, "%s", text);
}

static void
values__damaged_one_is_told_by_get_and_check(void **state)
{
	char finding[1024] = "";
	struct lsm_check_sink sink = {.finding = note_finding, .ctx = finding};
	struct lsm_store s;
	struct lsm_value v;
	struct lsm_iter *it;
	const char *path = damage_store(&s);

	(void)state;
	lsm_store_damage(path, -5); /* in the last one */
	check_err(lsm_get(s.db, NULL, bytes_str("KEY000003"), &v), -EUCLEAN);
	check_true(lsm_store_said(&s, path));
	check_true(lsm_store_said(&s, "damaged at offset"));
	lsm_store_expect(&s, 0, 3, LARGE, 'a');
	check_ok(lsm_iter_open(s.db, NULL, &it));
	check_eq(lsm_iter_seek(it, bytes_str("KEY000002")), 1);
	check_err(lsm_iter_next(it), -EUCLEAN);
	check_eq(lsm_iter_seek(it, bytes_str("KEY000001")), 1);
	lsm_iter_close(it);
	check_eq(lsm_check(s.db, &sink), 1);
	check_contains(finding, path);
	check_contains(finding, "offset");
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values__replayed_segment_is_kept),
	    cmocka_unit_test(values__another_threshold_reads_the_same),
	    cmocka_unit_test(values__every_moment_can_be_opened),
	    cmocka_unit_test(values__kept_segment_is_cut_before_any_crash),
	    cmocka_unit_test(values__missing_file_is_told_at_open),
	    cmocka_unit_test(values__cut_file_is_told_at_open),
	    cmocka_unit_test(values__damaged_one_is_told_by_get_and_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
