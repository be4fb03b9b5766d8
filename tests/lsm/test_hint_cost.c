/* What scans cost over ranges of which almost everything was deleted. */
#include "engine/db/hint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/hints.h"

/* In directory d LEFT keys stay, the last ones or one in EVERY; c has LEFT
 * of them, and never had more. */
#define DELETED 100000
#define LEFT    100
#define EVERY   (DELETED / LEFT + 1)
#define ROUNDS  31

/* Those of count keys that do not stay are deleted; stays NULL: all are put. */
static void
write_keys(
    struct lsm_store *s, char dir, unsigned count, bool (*stays)(unsigned))
{
	struct lsm_batch *b = lsm_batch_new();

	for (unsigned i = 0; i < count; i++) {
		if (!stays)
			check_ok(lsm_batch_put(
			    b, hints_key(dir, i), bytes_str("some value")));
		else if (!stays(i))
			check_ok(lsm_batch_delete(b, hints_key(dir, i)));
		if (i % 100 == 99) {
			check_ok(lsm_write(s->db, b, NULL));
			lsm_batch_clear(b);
		}
	}
	check_ok(lsm_write(s->db, b, NULL));
	lsm_batch_free(b);
}

static bool
scattered(unsigned i)
{
	return i % EVERY == EVERY / 2;
}

static bool
last(unsigned i)
{
	return i >= DELETED;
}

static void
each_way(void (*scan)(bool (*stays)(unsigned)))
{
	puts("--- the last stay");
	scan(last);
	puts("--- some stay");
	scan(scattered);
}

static void
mass_delete(struct lsm_store *s, size_t memtable_bytes, bool (*stays)(unsigned))
{
	lsm_store_init(s);
	lsm_options_init(&s->options);
	s->options.create = true;
	s->options.memtable_bytes = memtable_bytes;
	s->options.no_background = true;
	s->options.env = &s->fault.env;
	lsm_store_open(s);
	write_keys(s, 'c', LEFT, NULL);
	write_keys(s, 'd', DELETED + LEFT, NULL);
	write_keys(s, 'd', DELETED + LEFT, stays);
}

/* Both directories, before anything is deleted, in a memtable. */
static void
fill(struct lsm_store *s, bool no_background)
{
	lsm_store_init(s);
	s->options.no_background = no_background;
	s->options.memtable_bytes = 64u << 20;
	s->options.table_bytes = 2u << 20;
	s->options.level_base_bytes = 16u << 20;
	lsm_store_open(s);
	write_keys(s, 'c', LEFT, NULL);
	write_keys(s, 'd', DELETED + LEFT, NULL);
}

/* A store that works by itself; below: tables have what is deleted. */
static void
delete_in_running(struct lsm_store *s, bool (*stays)(unsigned), bool below)
{
	fill(s, false);
	if (below)
		check_ok(lsm_compact(s->db, NULL, NULL));
	write_keys(s, 'd', DELETED + LEFT, stays);
}

/* To the beginning or the end, and ten on. */
static unsigned
seek(struct lsm_store *s, char dir, bool back)
{
	const char from[] = {dir, '\0'}, to[] = {(char)(dir + 1), '\0'};
	struct lsm_iter *it;
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < 10; i++) {
		check_ok(lsm_iter_open(s->db, NULL, &it));
		rc = back ? lsm_iter_seek_back(it, bytes_str(to))
			  : lsm_iter_seek(it, bytes_str(from));
		for (int k = 0; k < 10; k++, n++) {
			check_eq(rc, 1);
			rc = back ? lsm_iter_prev(it) : lsm_iter_next(it);
		}
		lsm_iter_close(it);
	}
	return n;
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
cmp_double(const void *a, const void *b)
{
	double x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static double
median_us(struct lsm_store *s, char dir, bool back,
    unsigned (*run)(struct lsm_store *, char, bool), unsigned want)
{
	double times[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_us();

		check_eq(run(s, dir, back), want);
		times[i] = now_us() - begin;
	}
	qsort(times, ROUNDS, sizeof(times[0]), cmp_double);
	return times[ROUNDS / 2];
}

struct cost {
	uint64_t passed; /* entries that are not there */
	uint64_t blocks;
};

static struct cost
cost_of(struct lsm_store *s, char dir, bool back,
    unsigned (*run)(struct lsm_store *, char, bool), unsigned want)
{
	struct lsm_stats a = lsm_store_stats(s), b;

	check_eq(run(s, dir, back), want);
	b = lsm_store_stats(s);
	return (struct cost){b.entries_passed - a.entries_passed,
	    b.cache_hits + b.cache_misses - a.cache_hits - a.cache_misses};
}

/* What is shown, and may be passed over or read for it. */
struct bound {
	const char *what;
	unsigned (*run)(struct lsm_store *, char, bool);
	unsigned shown;
	uint64_t passed;
	uint64_t blocks;
};

/* With a seek for each gap. */
static const struct bound gap_bounds[] = {
    {"list", hints_list, LEFT, LEFT * 4, LEFT * 3},
    {"seek", seek, 100, 100 * 8, 100 * 4},
};

/* Within twice of a clean range. */
static const struct bound clean_bounds[] = {
    {"list", hints_list, LEFT, LEFT, 0},
    {"seek", seek, 100, 100, 0},
};

/* Prints, too, how much longer it takes than in a clean range: without hints it
 * is some hundred times. */
static void
compare_one(
    struct lsm_store *s, const char *when, const struct bound *b, bool back)
{
	double dirty_us = median_us(s, 'd', back, b->run, b->shown);
	double clean_us = median_us(s, 'c', back, b->run, b->shown);
	struct cost dirty = cost_of(s, 'd', back, b->run, b->shown);
	struct cost clean = cost_of(s, 'c', back, b->run, b->shown);

	printf("%s, %s %s: %.2f times; passes %" PRIu64 " and %" PRIu64
	       ", blocks %" PRIu64 " and %" PRIu64 "\n",
	    when, b->what, back ? "backward" : "forward", dirty_us / clean_us,
	    dirty.passed, clean.passed, dirty.blocks, clean.blocks);
	check_le(dirty.passed, clean.passed + b->passed);
	check_le(dirty.blocks, 2 * clean.blocks + 4 + b->blocks);
}

static void
compare_with(struct lsm_store *s, const char *when, const struct bound *bounds)
{
	for (int back = 0; back < 2; back++)
		for (int i = 0; i < 2; i++)
			compare_one(s, when, &bounds[i], back);
}

static void
compare(struct lsm_store *s, const char *when)
{
	compare_with(s, when, gap_bounds);
}

static void
compare_clean(struct lsm_store *s, const char *when)
{
	compare_with(s, when, clean_bounds);
}

static void
scan_memory(bool (*stays)(unsigned))
{
	struct lsm_store s;

	mass_delete(&s, 64u << 20, stays);
	compare(&s, "in memory");
	check_le(1, lsm_store_stats(&s).range_hints);
	/* Something new in the same range: it is seen, and all else passed. */
	lsm_store_put(&s, "d0000001", "new");
	lsm_store_put(&s, "d0050001", "new");
	check_eq(hints_list(&s, 'd', false), LEFT + 2);
	check_eq(hints_list(&s, 'd', true), LEFT + 2);
	lsm_store_delete(&s, "d0000001");
	lsm_store_delete(&s, "d0050001");
	compare_clean(&s, "in memory, written to");
	check_ok(lsm_flush(s.db));
	compare_clean(&s, "in a table");
	lsm_store_check(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	compare_clean(&s, "compacted");
	lsm_store_fini(&s);
}

static void
hint_cost__scans_cost_as_in_a_clean_range(void **state)
{
	(void)state;
	each_way(scan_memory);
}

/* The tables have all of it, and the memtable is empty when it is scanned. */
static void
scan_tables(bool (*stays)(unsigned))
{
	struct lsm_store s;

	mass_delete(&s, 1u << 20, stays);
	check_ok(lsm_flush(s.db));
	compare(&s, "in many tables");
	lsm_store_reopen(&s);
	compare(&s, "opened again");
	/* The hint goes to a table whose lowest number the one before has. */
	lsm_store_put(&s, "x", "y");
	check_ok(lsm_flush(s.db));
	compare(&s, "flushed");
	lsm_store_check(&s);
	lsm_store_reopen(&s);
	check_eq(hints_list(&s, 'd', false), LEFT);
	lsm_store_fini(&s);
}

static void
hint_cost__scans_of_tables_cost_as_in_a_clean_range(void **state)
{
	(void)state;
	each_way(scan_tables);
}

/* Nothing but the keys that are there, in tables, after so many flushes. */
static bool
is_clean(struct lsm_store *s, uint64_t flushes)
{
	struct lsm_stats stats = lsm_store_stats(s);
	uint64_t bytes = stats.memtable_bytes;

	for (unsigned i = 0; i < LSM_LEVELS; i++)
		bytes += stats.level_bytes[i];
	return bytes < 64u << 10 && stats.flushes == flushes;
}

/* Nobody writes; some may read. */
static void
await_clean(struct lsm_store *s, uint64_t flushes, bool reads)
{
	for (unsigned i = 0; i < 3000 && !is_clean(s, flushes); i++) {
		usleep(10000);
		/* Nobody may have taken what the first one had to say. */
		if (reads && i % 20 == 0)
			check_eq(hints_list(s, 'd', false), LEFT);
	}
	check_true(is_clean(s, flushes));
}

static void
first_scan(struct lsm_store *s, const char *when)
{
	double begin = now_us(), us;
	struct cost cost = cost_of(s, 'd', false, hints_list, LEFT);

	us = now_us() - begin;
	printf("%s: the first list passes %" PRIu64 ", %.0f us\n", when,
	    cost.passed, us);
}

/* As a store does by itself: scans find out, and it is clean soon after, with
 * no more than reading. */
static void
scan_by_itself(bool (*stays)(unsigned), bool below)
{
	struct lsm_store s;
	uint64_t flushes;

	delete_in_running(&s, stays, below);
	flushes = lsm_store_stats(&s).flushes;
	first_scan(&s, below ? "above tables" : "in memory");
	await_clean(&s, flushes + 1, true);
	compare_clean(&s, "by itself");
	lsm_store_check(&s);
	lsm_store_reopen(&s);
	check_eq(hints_list(&s, 'd', true), LEFT);
	lsm_store_fini(&s);
}

static void
hint_cost__what_scans_find_out_makes_the_store_clean(void **state)
{
	(void)state;
	puts("--- the last stay");
	scan_by_itself(last, false);
	scan_by_itself(last, true);
	puts("--- some stay");
	scan_by_itself(scattered, false);
	scan_by_itself(scattered, true);
}

/* A listing after a flush, before anything was scanned. */
static void
scan_flushed(bool (*stays)(unsigned), bool below)
{
	struct lsm_store s;

	delete_in_running(&s, stays, below);
	check_ok(lsm_flush(s.db));
	await_clean(&s, below ? 2 : 1, false);
	first_scan(&s, "flushed");
	compare_clean(&s, "flushed");
	check_eq(lsm_store_stats(&s).range_hints, 0);
	lsm_store_fini(&s);
}

static void
hint_cost__is_not_needed_behind_a_flush(void **state)
{
	(void)state;
	scan_flushed(last, false);
	scan_flushed(last, true);
	scan_flushed(scattered, false);
	scan_flushed(scattered, true);
}

/* With a snapshot that keeps the deleted entries. */
static void
scan_above_snapshot(bool (*stays)(unsigned))
{
	struct lsm_snapshot *before;
	struct lsm_store s;

	fill(&s, true);
	check_ok(lsm_snapshot_open(s.db, &before));
	write_keys(&s, 'd', DELETED + LEFT, stays);
	check_eq(hints_list(&s, 'd', false), LEFT);
	compare(&s, "with a snapshot");
	check_ok(lsm_flush(s.db));
	compare(&s, "with a snapshot, in a table");
	check_ok(lsm_compact(s.db, NULL, NULL));
	compare(&s, "with a snapshot, compacted");
	lsm_snapshot_close(s.db, before);
	lsm_store_fini(&s);
}

static void
hint_cost__scans_above_a_snapshot_cost_as_in_a_clean_range(void **state)
{
	(void)state;
	each_way(scan_above_snapshot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hint_cost__scans_cost_as_in_a_clean_range),
	    cmocka_unit_test(
		hint_cost__scans_of_tables_cost_as_in_a_clean_range),
	    cmocka_unit_test(
		hint_cost__what_scans_find_out_makes_the_store_clean),
	    cmocka_unit_test(hint_cost__is_not_needed_behind_a_flush),
	    cmocka_unit_test(
		hint_cost__scans_above_a_snapshot_cost_as_in_a_clean_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
