/*
 * Large values stay where the log has them, as long as something refers to
 * them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/db/db.h"
#include "tests/support/file.h"
#include "tests/support/lsm_store.h"

#define LARGE 3000

static void
open_store(struct lsm_store *s)
{
	lsm_store_init_values(s);
	lsm_store_open(s);
}

static uint64_t
table_bytes(struct lsm_store *s)
{
	struct lsm_stats stats = lsm_store_stats(s);
	uint64_t n = 0;

	for (int i = 0; i < LSM_LEVELS; i++)
		n += stats.level_bytes[i];
	return n;
}

/* --- writing and reading -------------------------------------------------- */

static void
values__stay_in_the_log(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 4, LARGE, 'a');
	lsm_store_expect(&s, 0, 4, LARGE, 'a');
	check_ok(lsm_flush(s.db));
	stats = lsm_store_stats(&s);
	check_eq(stats.log_files, 1);
	check_eq(stats.value_files, 1);
	check_le(4 * LARGE, stats.value_bytes);
	check_le(stats.value_bytes, 4 * LARGE + 500);
	check_eq(stats.value_garbage_bytes,
	    stats.value_bytes - 4 * (LARGE + 3 + strlen("KEY000000")));
	check_le(table_bytes(&s), 1000);
	check_eq(lsm_store_file_count(&s, ".log"), 2);
	lsm_store_expect(&s, 0, 4, LARGE, 'a');
	lsm_store_check(&s);
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 4, LARGE, 'a');
	stats = lsm_store_stats(&s);
	check_eq(stats.value_files, 1);
	check_le(4 * LARGE, stats.value_bytes);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
values__below_the_threshold_are_as_ever(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init_values(&s);
	for (int i = 0; i < 2; i++) {
		s.options.value_log_bytes = i == 0 ? 0 : LARGE + 1;
		lsm_store_open(&s);
		lsm_store_fill(&s, 0, 10, LARGE, 'a');
		check_ok(lsm_flush(s.db));
		check_eq(lsm_store_stats(&s).value_files, 0);
		check_eq(lsm_store_stats(&s).log_files, 1);
		lsm_store_expect(&s, 0, 10, LARGE, 'a');
		lsm_store_close(&s);
	}
	s.options.value_log_bytes = LARGE;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 2, LARGE, 'b');
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files, 1);
	lsm_store_fini(&s);
}

static void
values__are_read_once_and_pinned(void **state)
{
	struct lsm_store s;
	struct lsm_value v, w;
	uint64_t reads;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 1, 200000, 'a');
	for (int i = 0; i < 2; i++) {
		s.options.cache_bytes = 64u << 20;
		lsm_store_reopen(&s);
		if (i == 1)
			check_ok(lsm_flush(s.db));
		check_eq(lsm_get(s.db, NULL, bytes_str("KEY000000"), &v), 1);
		reads = s.fault.reads;
		check_eq(lsm_get(s.db, NULL, bytes_str("KEY000000"), &w), 1);
		check_eq(s.fault.reads, reads);
		check_true(v.bytes.data == w.bytes.data);
		lsm_value_release(&v);
		lsm_value_release(&w);
	}
	lsm_store_fini(&s);
}

/* What lsm_get_part gives is this part of what lsm_get gives. */
static void
check_part(struct lsm_store *s, const char *key, struct bytes whole,
    uint64_t offset, size_t length)
{
	struct lsm_value v;
	size_t skip = offset < whole.size ? (size_t)offset : whole.size;
	size_t left = whole.size - skip;

	check_eq(
	    lsm_get_part(s->db, NULL, bytes_str(key), offset, length, &v), 1);
	check_bytes_eq(v.bytes,
	    bytes_of(whole.data + skip, length < left ? length : left));
	lsm_value_release(&v);
}

static void
check_parts(struct lsm_store *s, const char *key)
{
	static const uint64_t offsets[] = {0, 1, 99, 100, 101, 65535, 65536,
	    65537, 131072, 299999, 300000, 300001, UINT64_MAX};
	static const size_t lengths[] = {
	    0, 1, 65536, 65537, 200000, 300000, SIZE_MAX};
	struct lsm_value whole;

	check_eq(lsm_get(s->db, NULL, bytes_str(key), &whole), 1);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]);
		     j++)
			check_part(s, key, whole.bytes, offsets[i], lengths[j]);
	lsm_value_release(&whole);
}

static void
values__are_read_in_parts(void **state)
{
	struct lsm_store s;
	struct lsm_value v;

	(void)state;
	for (int large = 0; large < 2; large++) {
		lsm_store_init_values(&s);
		s.options.value_log_bytes = large ? 100 : 0;
		lsm_store_open(&s);
		lsm_store_fill(&s, 0, 1, 300000, 'a');
		lsm_store_fill(&s, 1, 2, 100, 'a');
		check_parts(&s, "KEY000000");
		check_parts(&s, "KEY000001");
		check_ok(lsm_flush(s.db));
		lsm_store_reopen(&s);
		check_parts(&s, "KEY000000");
		check_parts(&s, "KEY000001");
		check_eq(
		    lsm_get_part(s.db, NULL, bytes_str("none"), 0, 10, &v), 0);
		lsm_store_fini(&s);
	}
}

static void
values__of_a_part_only_its_pieces_are_read(void **state)
{
	struct lsm_store s;
	struct lsm_value v;
	uint64_t reads;
	char path[512];

	(void)state;
	lsm_store_init_values(&s);
	s.options.cache_bytes = 64u << 20;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 1, 1000000, 'a');
	(void)snprintf(path, sizeof(path), "%s", lsm_store_file(&s, ".log"));
	check_ok(lsm_flush(s.db));
	/* Bytes far from those wanted are not even looked at. */
	lsm_store_damage(path, -1);
	check_eq(
	    lsm_get_part(s.db, NULL, bytes_str("KEY000000"), 500000, 10, &v),
	    1);
	lsm_value_release(&v);
	reads = s.fault.reads;
	check_eq(
	    lsm_get_part(s.db, NULL, bytes_str("KEY000000"), 500100, 10, &v),
	    1);
	lsm_value_release(&v);
	check_eq(s.fault.reads, reads); /* the piece is cached */
	check_eq(
	    lsm_get_part(s.db, NULL, bytes_str("KEY000000"), 0, 10, &v), 1);
	lsm_value_release(&v);
	check_eq(s.fault.reads, reads + 1);
	lsm_store_fini(&s);
}

static void
check_walk(struct lsm_store *s, bool reverse, bool keys_only)
{
	const struct lsm_iter_options o = {.keys_only = keys_only};
	struct lsm_iter *it;
	char key[16];
	int n = 0, rc;

	check_ok(lsm_iter_open(s->db, &o, &it));
	rc = reverse ? lsm_iter_last(it) : lsm_iter_first(it);
	for (; rc > 0; n++) {
		struct lsm_value v;

		(void)snprintf(
		    key, sizeof(key), "KEY%06d", reverse ? 5 - n : n);
		check_bytes_eq(lsm_iter_key(it), bytes_str(key));
		check_eq(lsm_get(s->db, NULL, lsm_iter_key(it), &v), 1);
		if (keys_only)
			check_eq(lsm_iter_value(it).size, 0);
		else
			check_bytes_eq(lsm_iter_value(it), v.bytes);
		lsm_value_release(&v);
		rc = reverse ? lsm_iter_prev(it) : lsm_iter_next(it);
	}
	check_eq(rc, 0);
	check_eq(n, 6);
	lsm_iter_close(it);
}

static void
values__are_seen_by_iterators(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 2, LARGE, 'a');
	lsm_store_fill(&s, 2, 3, 10, 'a');
	check_ok(lsm_flush(s.db));
	lsm_store_fill(&s, 3, 4, 10, 'a');
	lsm_store_fill(&s, 4, 6, LARGE, 'a');
	for (int i = 0; i < 4; i++)
		check_walk(&s, i & 1, i & 2);
	lsm_store_fini(&s);
}

static void
values__keys_alone_cost_no_reading(void **state)
{
	const struct lsm_iter_options o = {.keys_only = true};
	struct lsm_store s;
	uint64_t reads;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 2, LARGE, 'a');
	reads = s.fault.reads;
	check_str(lsm_store_keys(&s, &o, false), "KEY000000 KEY000001");
	check_eq(s.fault.reads, reads);
	check_str(lsm_store_keys(&s, NULL, true), "KEY000001 KEY000000");
	check_eq(s.fault.reads, reads + 2);
	lsm_store_fini(&s);
}

static void
values__of_any_size_in_one_batch(void **state)
{
	static uint8_t bytes[9u << 20];
	struct check_rand r = check_rand_of(1);
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_store s;
	struct lsm_value v;
	char key[16];

	(void)state;
	check_rand_fill(&r, bytes, sizeof(bytes));
	open_store(&s);
	for (int i = 0; i < 24; i++) {
		(void)snprintf(key, sizeof(key), "%02d", i);
		check_ok(lsm_batch_put(b, bytes_str(key),
		    bytes_of(bytes, ((size_t)1 << i) - (i > 12))));
	}
	check_ok(lsm_write(s.db, b, NULL));
	lsm_batch_free(b);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 24; i++) {
			(void)snprintf(key, sizeof(key), "%02d", i);
			check_eq(lsm_get(s.db, NULL, bytes_str(key), &v), 1);
			check_bytes_eq(v.bytes,
			    bytes_of(bytes, ((size_t)1 << i) - (i > 12)));
			lsm_value_release(&v);
		}
		lsm_store_reopen(&s);
		if (round == 1)
			check_ok(lsm_flush(s.db));
	}
	lsm_store_check(&s);
	check_eq(lsm_store_stats(&s).value_files, 1);
	lsm_store_fini(&s);
}

/* --- the files ------------------------------------------------------------ */

/* A segment that is mostly other things goes; what becomes of its values. */
static void
check_mixed(size_t memtable_bytes, unsigned large, size_t value_files)
{
	struct lsm_store s;

	lsm_store_init_values(&s);
	s.options.memtable_bytes = memtable_bytes;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 90, 100, 'a');
	lsm_store_fill(&s, 90, 90 + large, LARGE, 'a');
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files, value_files);
	check_eq(lsm_store_file_count(&s, ".val"), value_files);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	lsm_store_expect(&s, 0, 90, 100, 'a');
	lsm_store_expect(&s, 90, 90 + large, LARGE, 'a');
	lsm_store_check(&s);
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 90, 90 + large, LARGE, 'a');
	check_eq(lsm_store_file_count(&s, ".val"), value_files);
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_expect(&s, 90, 90 + large, LARGE, 'a');
	lsm_store_fini(&s);
}

static void
values__few_in_a_segment_move_into_the_table(void **state)
{
	(void)state;
	check_mixed(64u << 10, 2, 0);
}

static void
values__some_in_a_segment_move_to_a_file_of_their_own(void **state)
{
	(void)state;
	check_mixed(64u << 10, 5, 1);
}

static void
values__overwritten_before_the_flush_are_not_kept(void **state)
{
	struct lsm_store s;

	(void)state;
	open_store(&s);
	for (int i = 0; i < 8; i++)
		lsm_store_fill(&s, 0, 1, LARGE, (char)('a' + i));
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	lsm_store_expect(&s, 0, 1, LARGE, 'h');
	lsm_store_fini(&s);
}

static void
values__file_goes_with_the_last_reference(void **state)
{
	struct lsm_store s;
	char path[512];

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 4, LARGE, 'a');
	(void)snprintf(path, sizeof(path), "%s", lsm_store_file(&s, ".log"));
	check_ok(lsm_flush(s.db));
	lsm_store_fill(&s, 0, 4, LARGE, 'b');
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files, 2);
	check_ok(access(path, F_OK));
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_store_stats(&s).value_files, 1);
	check_ne(access(path, F_OK), 0);
	lsm_store_expect(&s, 0, 4, LARGE, 'b');
	lsm_store_unfill(&s, 0, 4);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_store_stats(&s).value_files, 0);
	lsm_store_reopen(&s);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	lsm_store_fini(&s);
}

static void
values__are_there_for_whoever_came_before(void **state)
{
	struct lsm_store s;
	struct lsm_snapshot *at;
	struct lsm_iter *it;
	struct lsm_value v;

	(void)state;
	open_store(&s);
	s.options.cache_bytes = 0; /* nothing but the files themselves */
	lsm_store_reopen(&s);
	lsm_store_fill(&s, 0, 4, LARGE, 'a');
	check_ok(lsm_iter_open(s.db, NULL, &it)); /* at the memtable */
	lsm_store_fill(&s, 0, 4, LARGE, 'b');
	check_ok(lsm_snapshot_open(s.db, &at));
	check_ok(lsm_flush(s.db));
	lsm_store_fill(&s, 0, 4, LARGE, 'c');
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_iter_first(it), 1);
	check_eq(lsm_get(s.db, at, bytes_str("KEY000000"), &v), 1);
	check_false(bytes_eq(lsm_iter_value(it), v.bytes));
	lsm_value_release(&v);
	lsm_store_check(&s);
	check_eq(lsm_store_file_count(&s, ".log"), 3);
	lsm_snapshot_close(s.db, at);
	lsm_iter_close(it);
	lsm_store_fill(&s, 9, 10, LARGE, 'c');
	check_ok(lsm_compact(s.db, NULL, NULL));
	lsm_store_expect(&s, 0, 4, LARGE, 'c');
	check_eq(lsm_store_file_count(&s, ".log"), 3);
	lsm_store_fini(&s);
}

static struct {
	int (*unlink)(struct env *, const char *);
	pthread_t reader;
	_Atomic unsigned logs; /* that were removed */
	atomic_bool by_reader;
} removals;

static int
note_unlink(struct env *env, const char *path)
{
	if (strstr(path, ".log")) {
		if (pthread_equal(pthread_self(), removals.reader))
			removals.by_reader = true;
		removals.logs++;
	}
	return removals.unlink(env, path);
}

/* The flush has done with the log of what it has flushed, too. */
static void
await_flush(struct lsm_store *s)
{
	bool done = false;

	for (int i = 0; i < 1000 && !done; i++) {
		(void)usleep(10000);
		lock_acquire(&s->db->state_lock);
		done = s->db->flush.running == 0;
		lock_release(&s->db->state_lock);
	}
	check_eq(lsm_store_stats(s).log_files, 1);
}

/* It takes as long as it is large. */
static void
values__large_obsolete_log_is_not_removed_by_a_reader(void **state)
{
	struct env_ops ops;
	struct lsm_iter *it;
	struct lsm_store s;

	(void)state;
	lsm_store_init_values(&s);
	removals.unlink = s.posix.ops->unlink;
	removals.reader = pthread_self();
	ops = *s.posix.ops;
	ops.unlink = note_unlink;
	s.posix.ops = &ops;
	s.options.memtable_bytes = 8u << 20;
	s.options.no_background = false;
	lsm_store_open(&s);
	/* Mostly garbage: the flush copies the rest. */
	for (int i = 0; i < 4; i++)
		lsm_store_fill(&s, 0, 1, 1u << 20, 'a');
	check_ok(lsm_iter_open(s.db, NULL, &it));
	check_ok(lsm_flush(s.db));
	await_flush(&s);
	check_eq(removals.logs, 0);
	lsm_iter_close(it);
	for (int i = 0; i < 1000 && removals.logs == 0; i++)
		(void)usleep(10000);
	check_eq(removals.logs, 1);
	check_false(removals.by_reader);
	lsm_store_fini(&s);
}

static void
values__kept_segment_loses_what_was_written_ahead(void **state)
{
	struct lsm_store s;
	uint64_t size;

	(void)state;
	lsm_store_init_values(&s);
	s.options.durability = durability_of(DURABILITY_SYNC);
	s.options.value_log_bytes = 100;
	lsm_store_open(&s);
	/* Spares are wanted after some syncs. */
	lsm_store_fill(&s, 0, 100, 200, 'a');
	check_ok(lsm_flush(s.db));
	lsm_store_fill(&s, 100, 104, 1000, 'a');
	size = file_size(lsm_store_file(&s, ".log"));
	check_le(8192, size); /* written ahead */
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files,
	    lsm_store_file_count(&s, ".log") - 1);
	check_le(lsm_store_stats(&s).value_garbage_bytes,
	    lsm_store_stats(&s).value_bytes / 3);
	lsm_store_expect(&s, 0, 100, 200, 'a');
	lsm_store_expect(&s, 100, 104, 1000, 'a');
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 100, 200, 'a');
	lsm_store_fini(&s);
}

static void
values__memtable_is_full_when_the_log_is_long(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	open_store(&s);
	lsm_store_fill(&s, 0, 100, LARGE, 'a');
	stats = lsm_store_stats(&s);
	/* 4 times 8192 bytes are 10 or 11 values. */
	check_le(8, stats.flushes);
	check_le(stats.flushes, 10);
	check_le(stats.log_bytes, 5u * 8192);
	lsm_store_fini(&s);
}

static void
values__large_segment_is_followed_by_another(void **state)
{
	const size_t size = 3u << 20;
	struct lsm_store s;

	(void)state;
	lsm_store_init_values(&s);
	s.options.memtable_bytes = 64u << 20;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 25, size, 'a');
	check_eq(lsm_store_stats(&s).flushes, 0);
	check_eq(lsm_store_stats(&s).log_files, 2);
	lsm_store_expect(&s, 20, 22, size, 'a');
	lsm_store_reopen(&s);
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).value_files, 2);
	lsm_store_expect(&s, 20, 22, size, 'a');
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values__stay_in_the_log),
	    cmocka_unit_test(values__below_the_threshold_are_as_ever),
	    cmocka_unit_test(values__are_read_once_and_pinned),
	    cmocka_unit_test(values__are_read_in_parts),
	    cmocka_unit_test(values__of_a_part_only_its_pieces_are_read),
	    cmocka_unit_test(values__are_seen_by_iterators),
	    cmocka_unit_test(values__keys_alone_cost_no_reading),
	    cmocka_unit_test(values__of_any_size_in_one_batch),
	    cmocka_unit_test(values__few_in_a_segment_move_into_the_table),
	    cmocka_unit_test(
		values__some_in_a_segment_move_to_a_file_of_their_own),
	    cmocka_unit_test(values__overwritten_before_the_flush_are_not_kept),
	    cmocka_unit_test(values__file_goes_with_the_last_reference),
	    cmocka_unit_test(values__are_there_for_whoever_came_before),
	    cmocka_unit_test(
		values__large_obsolete_log_is_not_removed_by_a_reader),
	    cmocka_unit_test(values__kept_segment_loses_what_was_written_ahead),
	    cmocka_unit_test(values__memtable_is_full_when_the_log_is_long),
	    cmocka_unit_test(values__large_segment_is_followed_by_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
