/* What notes about deleted ranges do not change. */
#include "engine/db/hint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/hints.h"

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
		check_bytes_eq(lsm_iter_key(it), hints_key('k', i));
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
			check_ok(lsm_batch_put(
			    b, hints_key('k', i), bytes_str("v")));
		else
			check_ok(lsm_batch_delete(b, hints_key('k', i)));
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
		check_bytes_eq(lsm_iter_key(it), hints_key('k', i));
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
	    lsm_batch_put_until(b, hints_key('k', 100), bytes_str("v"), 2000));
	for (unsigned i = 0; i < 300; i++)
		if (i != 100)
			check_ok(lsm_batch_delete(b, hints_key('k', i)));
	check_ok(lsm_write(s.db, b, NULL));
	atomic_store(&s.fault.wall_ns, 3000000000ull);
	for (int back = 0; back < 2; back++)
		check_eq(hints_list(&s, 'k', back), 0);
	check_le(2, lsm_store_stats(&s).range_hints);
	check_eq(lsm_get(s.db, NULL, hints_key('k', 100), &value), 0);
	atomic_store(&s.fault.wall_ns, 1500000000ull);
	check_eq(lsm_get(s.db, NULL, hints_key('k', 100), &value), 1);
	lsm_value_release(&value);
	check_eq(hints_list(&s, 'k', false), 1);
	check_eq(hints_list(&s, 'k', true), 1);
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

	for (unsigned i = 0; !atomic_load(&sh->stop); i++) {
		unsigned k = (unsigned)check_rand_below(&r, KEYS);

		lsm_batch_clear(b);
		if (k % 100 == 0 || (k < KEYS / 2 && i / 500 % 2 == 0))
			check_ok(lsm_batch_put(
			    b, hints_key('k', k), bytes_str("value")));
		else
			check_ok(lsm_batch_delete(b, hints_key('k', k)));
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
			       (const char *)hints_key('k', i).data, "v") > 0);
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
	    cmocka_unit_test(hint__changes_nothing_that_anybody_sees),
	    cmocka_unit_test(hint__ends_at_what_has_expired),
	    cmocka_unit_test(hint__by_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
