/* Scans over ranges of which almost everything was deleted. */
#include "engine/db/hint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

#define DELETED 100000
#define LEFT    100
#define EVERY   (DELETED / LEFT + 1)
#define ROUNDS  31

/* Keys "d0000000" and so on: LEFT of them stay, the last ones or one in EVERY.
 * And "c0000000" and so on: LEFT of them, and nothing else. */
static struct bytes
key_of(char dir, unsigned i)
{
	static char text[16];

	snprintf(text, sizeof(text), "%c%07u", dir, i);
	return bytes_str(text);
}

/* Those of count keys that do not stay are deleted; stays NULL: all are put. */
static void
write_keys(
    struct lsm_store *s, char dir, unsigned count, bool (*stays)(unsigned))
{
	struct lsm_batch *b = lsm_batch_new();

	for (unsigned i = 0; i < count; i++) {
		if (!stays)
			check_ok(lsm_batch_put(
			    b, key_of(dir, i), bytes_str("some value")));
		else if (!stays(i))
			check_ok(lsm_batch_delete(b, key_of(dir, i)));
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

/* All keys of the directory, from the first to the last or back. */
static unsigned
list(struct lsm_store *s, char dir, bool back)
{
	const char from[] = {dir, '\0'}, to[] = {(char)(dir + 1), '\0'};
	const struct lsm_iter_options o = {
	    .lower = bytes_str(from), .upper = bytes_str(to)};
	struct lsm_iter *it;
	unsigned n = 0;
	int rc;

	check_ok(lsm_iter_open(s->db, &o, &it));
	for (rc = back ? lsm_iter_last(it) : lsm_iter_first(it); rc > 0;
	     rc = back ? lsm_iter_prev(it) : lsm_iter_next(it))
		n++;
	check_eq(rc, 0);
	lsm_iter_close(it);
	return n;
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

/* Prints how much longer it takes than in a clean range.  The bound is wide,
 * because others may use the machine; without hints it is some hundred times.
 */
static void
compare(struct lsm_store *s, const char *when)
{
	for (int back = 0; back < 2; back++) {
		double ratio = median_us(s, 'd', back, list, LEFT) /
			       median_us(s, 'c', back, list, LEFT);

		printf("%s, list %s: %.2f\n", when,
		    back ? "backward" : "forward", ratio);
		check_true(ratio < 1000);
		ratio = median_us(s, 'd', back, seek, 100) /
			median_us(s, 'c', back, seek, 100);
		printf("%s, seek %s: %.2f\n", when,
		    back ? "backward" : "forward", ratio);
		check_true(ratio < 1000);
	}
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
	check_eq(list(&s, 'd', false), LEFT + 2);
	check_eq(list(&s, 'd', true), LEFT + 2);
	lsm_store_delete(&s, "d0000001");
	lsm_store_delete(&s, "d0050001");
	compare(&s, "in memory, written to");
	check_ok(lsm_flush(s.db));
	compare(&s, "in a table");
	lsm_store_check(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	compare(&s, "compacted");
	lsm_store_fini(&s);
}

static void
hint__scans_cost_as_in_a_clean_range(void **state)
{
	(void)state;
	puts("--- the last stay");
	scan_memory(last);
	puts("--- some stay");
	scan_memory(scattered);
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
	check_eq(list(&s, 'd', false), LEFT);
	lsm_store_fini(&s);
}

static void
hint__scans_of_tables_cost_as_in_a_clean_range(void **state)
{
	(void)state;
	puts("--- the last stay");
	scan_tables(last);
	puts("--- some stay");
	scan_tables(scattered);
}

/* With a snapshot that keeps the deleted entries. */
static void
scan_above_snapshot(bool (*stays)(unsigned))
{
	struct lsm_snapshot *before;
	struct lsm_store s;

	lsm_store_init(&s);
	s.options.memtable_bytes = 64u << 20;
	s.options.table_bytes = 2u << 20;
	s.options.level_base_bytes = 16u << 20;
	lsm_store_open(&s);
	write_keys(&s, 'c', LEFT, NULL);
	write_keys(&s, 'd', DELETED + LEFT, NULL);
	check_ok(lsm_snapshot_open(s.db, &before));
	write_keys(&s, 'd', DELETED + LEFT, stays);
	check_eq(list(&s, 'd', false), LEFT);
	compare(&s, "with a snapshot");
	check_ok(lsm_flush(s.db));
	compare(&s, "with a snapshot, in a table");
	check_ok(lsm_compact(s.db, NULL, NULL));
	compare(&s, "with a snapshot, compacted");
	lsm_snapshot_close(s.db, before);
	lsm_store_fini(&s);
}

static void
hint__scans_above_a_snapshot_cost_as_in_a_clean_range(void **state)
{
	(void)state;
	puts("--- the last stay");
	scan_above_snapshot(last);
	puts("--- some stay");
	scan_above_snapshot(scattered);
}

/* --- what it does not change ---------------------------------------------
 */

/* Put, deleted and listed again and again in the same range, in few memtables:
 * hints above hints, with something newer between. */
#define KEYS 2000

static void
check_same(struct lsm_store *s, const struct lsm_snapshot *at, const bool *want,
    bool back)
{
	const struct lsm_iter_options o = {.snapshot = at};
	struct lsm_iter *it;
	int rc;

	check_ok(lsm_iter_open(s->db, &o, &it));
	rc = back ? lsm_iter_last(it) : lsm_iter_first(it);
	for (unsigned n = 0; n < KEYS; n++) {
		unsigned i = back ? KEYS - 1 - n : n;

		if (!want[i])
			continue;
		check_eq(rc, 1);
		check_bytes_eq(lsm_iter_key(it), key_of('k', i));
		rc = back ? lsm_iter_prev(it) : lsm_iter_next(it);
	}
	check_eq(rc, 0);
	lsm_iter_close(it);
}

static void
write_random(struct lsm_store *s, struct check_rand *r, bool *now)
{
	unsigned from = (unsigned)check_rand_below(r, KEYS);
	unsigned end = from + 1 + (unsigned)check_rand_below(r, 5);
	bool put = check_rand_one_in(r, 2);
	struct lsm_batch *b = lsm_batch_new();

	if (check_rand_one_in(r, 10)) {
		end = from + (unsigned)check_rand_below(r, KEYS / 2);
		put = false;
	}
	for (unsigned i = from; i < end && i < KEYS; i++) {
		if (put)
			check_ok(
			    lsm_batch_put(b, key_of('k', i), bytes_str("v")));
		else
			check_ok(lsm_batch_delete(b, key_of('k', i)));
		now[i] = put;
	}
	check_ok(lsm_write(s->db, b, NULL));
	lsm_batch_free(b);
}

/* What is written while the iterator is open is newer than its hints; and the
 * memtable may be another when it tells them. */
static void
scan_and_write(struct lsm_store *s, struct check_rand *r, bool *now)
{
	static bool seen[KEYS];
	struct lsm_iter *it;
	int rc;

	memcpy(seen, now, sizeof(seen));
	check_ok(lsm_iter_open(s->db, NULL, &it));
	rc = lsm_iter_first(it);
	for (unsigned i = 0; i < KEYS; i++) {
		if (!seen[i])
			continue;
		check_eq(rc, 1);
		check_bytes_eq(lsm_iter_key(it), key_of('k', i));
		if (check_rand_one_in(r, 30))
			write_random(s, r, now);
		if (check_rand_one_in(r, 2000))
			check_ok(lsm_flush(s->db));
		rc = lsm_iter_next(it);
	}
	check_eq(rc, 0);
	write_random(s, r, now);
	lsm_iter_close(it);
}

static void
hint__changes_nothing_that_anybody_sees(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	static bool now[KEYS], before[KEYS];
	unsigned rounds = check_long() ? 30000 : 1500;
	struct lsm_snapshot *snapshot = NULL;
	uint64_t hints = 0;
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_open(&s);
	memset(now, 0, sizeof(now));
	check_ok(lsm_snapshot_open(s.db, &snapshot));
	memcpy(before, now, sizeof(now));
	for (unsigned i = 0; i < rounds; i++) {
		write_random(&s, &r, now);
		if (check_rand_one_in(&r, 3))
			check_same(&s, NULL, now, check_rand_one_in(&r, 2));
		if (check_rand_one_in(&r, 3))
			scan_and_write(&s, &r, now);
		if (check_rand_one_in(&r, 20))
			check_same(
			    &s, snapshot, before, check_rand_one_in(&r, 2));
		if (check_rand_one_in(&r, 50)) {
			lsm_snapshot_close(s.db, snapshot);
			check_ok(lsm_snapshot_open(s.db, &snapshot));
			memcpy(before, now, sizeof(now));
		}
		if (check_rand_one_in(&r, 200)) {
			check_ok(lsm_flush(s.db));
			/* Before anything else is written. */
			check_same(&s, NULL, now, false);
		}
		if (check_rand_one_in(&r, 400)) {
			lsm_snapshot_close(s.db, snapshot);
			hints += lsm_store_stats(&s).range_hints;
			lsm_store_reopen(&s);
			check_ok(lsm_snapshot_open(s.db, &snapshot));
			memcpy(before, now, sizeof(now));
		}
	}
	hints += lsm_store_stats(&s).range_hints;
	check_le(20, hints);
	lsm_snapshot_close(s.db, snapshot);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

/* An expired value ends the run: it is not deleted by being looked at. */
static void
hint__ends_at_what_has_expired(void **state)
{
	struct lsm_store s;
	struct lsm_batch *b;
	struct lsm_value value;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_open(&s);
	atomic_store(&s.fault.wall_ns, 1000000000ull);
	b = lsm_batch_new();
	check_ok(
	    lsm_batch_put_until(b, key_of('k', 100), bytes_str("v"), 2000));
	for (unsigned i = 0; i < 300; i++)
		if (i != 100)
			check_ok(lsm_batch_delete(b, key_of('k', i)));
	check_ok(lsm_write(s.db, b, NULL));
	atomic_store(&s.fault.wall_ns, 3000000000ull);
	for (int back = 0; back < 2; back++)
		check_eq(list(&s, 'k', back), 0);
	check_le(2, lsm_store_stats(&s).range_hints);
	check_eq(lsm_get(s.db, NULL, key_of('k', 100), &value), 0);
	atomic_store(&s.fault.wall_ns, 1500000000ull);
	check_eq(lsm_get(s.db, NULL, key_of('k', 100), &value), 1);
	lsm_value_release(&value);
	check_eq(list(&s, 'k', false), 1);
	check_eq(list(&s, 'k', true), 1);
	lsm_batch_free(b);
	lsm_store_fini(&s);
}

/* --- threads ------------------------------------------------------------- */

struct shared {
	struct lsm_store s;
	atomic_bool stop;
	_Atomic unsigned scans;
};

/* Every 100th key is always there, and nothing else for long. */
static void *
scan_thread(void *arg)
{
	struct shared *sh = arg;
	struct lsm_iter *it;
	unsigned fixed;
	bool back = false;
	int rc;

	while (!atomic_load(&sh->stop)) {
		check_ok(lsm_iter_open(sh->s.db, NULL, &it));
		fixed = 0;
		for (rc = back ? lsm_iter_last(it) : lsm_iter_first(it); rc > 0;
		     rc = back ? lsm_iter_prev(it) : lsm_iter_next(it)) {
			struct bytes key = lsm_iter_key(it);

			fixed += memcmp(key.data + key.size - 2, "00", 2) == 0;
		}
		check_eq(rc, 0);
		check_eq(fixed, KEYS / 100);
		lsm_iter_close(it);
		back = !back;
		atomic_fetch_add(&sh->scans, 1);
	}
	return NULL;
}

static void *
write_thread(void *arg)
{
	struct shared *sh = arg;
	struct check_rand r = check_rand_of(7);
	struct lsm_batch *b = lsm_batch_new();
	char text[16];

	for (unsigned i = 0; !atomic_load(&sh->stop); i++) {
		unsigned k = (unsigned)check_rand_below(&r, KEYS);

		snprintf(text, sizeof(text), "k%07u", k);
		lsm_batch_clear(b);
		if (k % 100 == 0 || (k < KEYS / 2 && i / 500 % 2 == 0))
			check_ok(lsm_batch_put(
			    b, bytes_str(text), bytes_str("value")));
		else
			check_ok(lsm_batch_delete(b, bytes_str(text)));
		check_ok(lsm_write(sh->s.db, b, NULL));
	}
	lsm_batch_free(b);
	return NULL;
}

static void
hint__by_many_threads(void **state)
{
	struct shared *sh = calloc(1, sizeof(*sh));
	unsigned scans = check_long() ? 5000 : 200;
	pthread_t threads[4];

	(void)state;
	check_true(sh != NULL);
	lsm_store_init(&sh->s);
	sh->s.options.no_background = false;
	sh->s.options.memtable_bytes = 1u << 20;
	sh->s.options.table_bytes = 256u << 10;
	lsm_store_open(&sh->s);
	for (unsigned i = 0; i < KEYS; i += 100)
		check_true(lsm_store_put(&sh->s,
			       (const char *)key_of('k', i).data, "v") > 0);
	for (int i = 0; i < 4; i++)
		check_ok(pthread_create(
		    &threads[i], NULL, i < 2 ? scan_thread : write_thread, sh));
	for (int i = 0; i < 30000; i++) {
		if (atomic_load(&sh->scans) >= scans &&
		    lsm_store_stats(&sh->s).range_hints >= 20)
			break;
		usleep(1000);
	}
	atomic_store(&sh->stop, true);
	for (int i = 0; i < 4; i++)
		check_ok(pthread_join(threads[i], NULL));
	printf("%llu hints\n",
	    (unsigned long long)lsm_store_stats(&sh->s).range_hints);
	check_le(20, lsm_store_stats(&sh->s).range_hints);
	lsm_store_check(&sh->s);
	lsm_store_fini(&sh->s);
	free(sh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hint__scans_cost_as_in_a_clean_range),
	    cmocka_unit_test(hint__scans_of_tables_cost_as_in_a_clean_range),
	    cmocka_unit_test(
		hint__scans_above_a_snapshot_cost_as_in_a_clean_range),
	    cmocka_unit_test(hint__changes_nothing_that_anybody_sees),
	    cmocka_unit_test(hint__ends_at_what_has_expired),
	    cmocka_unit_test(hint__by_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
