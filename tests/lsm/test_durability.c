/* What each durability policy syncs, and when. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

static struct lsm_store s;
static const struct env_ops *posix_ops;
static struct env_ops ops; /* posix_ops, changed by a case */

static int
setup(void **state)
{
	(void)state;
	lsm_store_init(&s);
	posix_ops = s.posix.ops;
	ops = *posix_ops;
	s.posix.ops = &ops;
	/* No flush makes anything durable. */
	s.options.memtable_bytes = 64u << 20;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	lsm_store_fini(&s);
	return 0;
}

static void
open_under(const char *text)
{
	s.options.durability = durability_of(DURABILITY_NONE);
	check_ok(
	    durability_parse(bytes_str(text), &s.options.durability, NULL));
	lsm_store_open(&s);
	s.fault.syncs = 0;
}

static void
set(const char *text)
{
	struct durability d;

	lsm_get_durability(s.db, &d);
	check_ok(durability_parse(bytes_str(text), &d, NULL));
	check_ok(lsm_set_durability(s.db, &d));
}

static uint64_t
put(unsigned i)
{
	char key[32];

	(void)snprintf(key, sizeof(key), "%08u", i);
	return lsm_store_put(&s, key, "value");
}

static void
check_durable(uint64_t seq)
{
	check_eq(lsm_durable_seq(s.db), seq);
}

/* Waits until everything is durable; false: not in ten seconds. */
static bool
becomes_durable(void)
{
	for (int i = 0; i < 10000; i++) {
		if (lsm_durable_seq(s.db) == lsm_seq(s.db))
			return true;
		usleep(1000);
	}
	return false;
}

/* --- on demand: without threads --------------------------------------------
 */

static void
durability__sync_has_synced_what_it_acknowledges(void **state)
{
	(void)state;
	open_under("sync");
	for (unsigned i = 0; i < 10; i++)
		check_durable(put(i));
	check_eq(s.fault.syncs, 10);
	check_eq(lsm_store_stats(&s).unsynced_batches, 0);
}

static void
durability__batch_syncs_once_for_so_many_operations(void **state)
{
	(void)state;
	open_under("batch batch_ops=10 batch_ms=60000");
	for (unsigned i = 1; i <= 35; i++) {
		uint64_t seq = put(i);

		check_le(seq - lsm_durable_seq(s.db), 9);
		check_eq(lsm_store_stats(&s).unsynced_batches, i % 10);
	}
	check_eq(s.fault.syncs, 3);
}

static void
durability__batch_of_one_is_sync(void **state)
{
	(void)state;
	open_under("batch batch_ops=1");
	for (unsigned i = 0; i < 10; i++)
		check_durable(put(i));
	check_eq(s.fault.syncs, 10);
}

static uint64_t fake_us;

static uint64_t
fake_now_us(struct env *env)
{
	(void)env;
	return fake_us;
}

static void
durability__a_bound_in_time_is_held_by_the_next_write(void **state)
{
	static const char *const texts[] = {
	    "batch batch_ops=1000000 batch_ms=20", "adaptive adaptive_ms=20"};

	(void)state;
	ops.now_us = fake_now_us;
	for (size_t i = 0; i < 2; i++) {
		uint64_t first, last;

		fake_us = 1000000;
		open_under(texts[i]);
		first = put(1);
		fake_us += 19999;
		put(2);
		check_le(lsm_durable_seq(s.db), first - 1);
		check_eq(lsm_store_stats(&s).unsynced_us, 19999);
		fake_us += 1;
		last = put(3);
		check_eq(lsm_durable_seq(s.db), last);
		check_eq(s.fault.syncs, 1);
		check_eq(lsm_store_stats(&s).unsynced_us, 0);
		lsm_store_close(&s);
	}
}

static void
durability__none_syncs_nothing_until_asked(void **state)
{
	uint64_t seq = 0;

	(void)state;
	open_under("none");
	for (unsigned i = 0; i < 1000; i++)
		seq = put(i);
	check_eq(s.fault.syncs, 0);
	check_eq(lsm_store_stats(&s).unsynced_batches, 1000);
	check_ok(lsm_sync(s.db, seq));
	check_eq(s.fault.syncs, 1);
	check_eq(lsm_store_stats(&s).unsynced_batches, 0);
}

static void
durability__a_flush_settles_what_was_pending(void **state)
{
	(void)state;
	open_under("batch batch_ops=100");
	for (unsigned i = 0; i < 50; i++)
		put(i);
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).unsynced_batches, 0);
	check_eq(lsm_durable_seq(s.db), lsm_seq(s.db));
}

static struct lsm_written
put_under(const struct durability *d)
{
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_written done;

	check_true(b != NULL);
	check_ok(lsm_batch_put(b, bytes_str("key"), bytes_str("value")));
	check_ok(lsm_write_under(s.db, b, d, &done));
	lsm_batch_free(b);
	return done;
}

static void
durability__a_write_may_have_a_policy_of_its_own(void **state)
{
	struct durability d = durability_of(DURABILITY_SYNC);
	struct lsm_written done;

	(void)state;
	open_under("none");
	check_eq(put_under(NULL).sync_seq, 0);
	done = put_under(&d);
	check_eq(done.seq, 2);
	check_eq(done.sync_seq, 2);
	check_eq(s.fault.syncs, 0); /* that is the caller's */
	d = durability_of(DURABILITY_BATCH);
	d.batch_ops = 3;
	check_eq(put_under(&d).sync_seq, 0);
	check_eq(put_under(NULL).sync_seq, 0); /* does not count */
	check_eq(put_under(&d).sync_seq, 0);
	check_eq(put_under(&d).sync_seq, 6);
	set("sync");
	d = durability_of(DURABILITY_NONE);
	check_eq(put_under(&d).sync_seq, 0);
	check_eq(put_under(NULL).sync_seq, 8);
}

static void
durability__nonsense_is_refused_and_the_old_one_stays(void **state)
{
	struct durability d = durability_of(DURABILITY_BATCH), now;
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_written done;

	(void)state;
	d.batch_ops = 0;
	s.options.durability = d;
	check_err(lsm_store_try_open(&s), -EINVAL);
	open_under("adaptive adaptive_ms=7");
	check_err(lsm_set_durability(s.db, &d), -EINVAL);
	lsm_get_durability(s.db, &now);
	check_eq(now.policy, DURABILITY_ADAPTIVE);
	check_eq(now.adaptive_ms, 7);
	check_ok(lsm_batch_put(b, bytes_str("key"), bytes_str("value")));
	check_err(lsm_write_under(s.db, b, &d, &done), -EINVAL);
	check_true(lsm_store_get(&s, "key") == NULL);
	lsm_batch_free(b);
}

static void
durability__a_stricter_policy_covers_what_was_written_before(void **state)
{
	(void)state;
	open_under("none");
	put(1);
	set("batch");
	check_eq(lsm_durable_seq(s.db), 1);
	put(2);
	set("none");
	check_eq(lsm_durable_seq(s.db), 1);
	set("sync");
	check_eq(lsm_durable_seq(s.db), 2);
}

static void
durability__what_a_killed_process_wrote_is_synced_at_open(void **state)
{
	(void)state;
	open_under("batch");
	put(1);
	env_fault_arm(&s.fault, ENV_FAULT_DEAD, EIO, 1);
	check_err(lsm_close(s.db), -EIO);
	s.db = NULL;
	env_fault_disarm(&s.fault);
	open_under("batch");
	check_str(lsm_store_get(&s, "00000001"), "value");
	check_eq(lsm_durable_seq(s.db), lsm_seq(s.db));
}

/* --- with threads ----------------------------------------------------------
 */

static void
durability__time_bounds_hold_when_nothing_follows(void **state)
{
	static const char *const texts[] = {
	    "batch batch_ops=1000000 batch_ms=20", "adaptive adaptive_ms=20"};

	(void)state;
	s.options.no_background = false;
	for (size_t i = 0; i < 2; i++) {
		open_under(texts[i]);
		for (unsigned k = 0; k < 3; k++) {
			put(k);
			check_true(becomes_durable());
		}
		put(3);
		put(4);
		check_true(becomes_durable());
		lsm_store_close(&s);
	}
}

static int
slow_sync(struct env_file *f)
{
	usleep(2000);
	return posix_ops->sync(f);
}

static void
durability__adaptive_syncs_seldom_when_much_is_written(void **state)
{
	unsigned n = 20000;

	(void)state;
	s.options.no_background = false;
	ops.sync = slow_sync;
	open_under("adaptive adaptive_ms=50");
	for (unsigned i = 0; i < n; i++)
		put(i);
	check_true(becomes_durable());
	check_true(lsm_store_stats(&s).syncs > 0);
	check_le(lsm_store_stats(&s).syncs, n / 50);
}

static void
durability__adaptive_syncs_at_once_when_idle(void **state)
{
	uint64_t before;

	(void)state;
	s.options.no_background = false;
	open_under("adaptive adaptive_ms=60000");
	before = lsm_store_stats(&s).syncs;
	for (unsigned i = 0; i < 5; i++) {
		put(i);
		check_true(becomes_durable()); /* far earlier than a minute */
	}
	check_eq(lsm_store_stats(&s).syncs - before, 5);
}

/* A device that hangs until it is let go. */
static atomic_bool hangs;

static int
hanging_sync(struct env_file *f)
{
	while (atomic_load(&hangs))
		usleep(1000);
	return posix_ops->sync(f);
}

static atomic_bool stop;
static _Atomic unsigned acknowledged;

static void *
write_on(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		put(atomic_fetch_add(&acknowledged, 1));
	return NULL;
}

/* No write has been acknowledged for a while. */
static bool
is_quiet(void)
{
	unsigned before = atomic_load(&acknowledged);

	usleep(200000);
	return atomic_load(&acknowledged) == before;
}

static void
check_hang(const char *text)
{
	pthread_t t;
	bool quiet = false;

	open_under(text);
	check_ok(lsm_sync(s.db, put(12345678)));
	atomic_store(&stop, false);
	atomic_store(&hangs, true);
	check_ok(pthread_create(&t, NULL, write_on, NULL));
	for (int i = 0; i < 50 && !quiet; i++)
		quiet = is_quiet();
	check_true(quiet);
	check_str(lsm_store_get(&s, "12345678"), "value"); /* reads go on */
	atomic_store(&hangs, false);
	for (int i = 0; i < 50 && quiet; i++)
		quiet = is_quiet();
	check_false(quiet);
	atomic_store(&stop, true);
	check_ok(pthread_join(t, NULL));
	lsm_store_close(&s);
}

static void
durability__no_bound_is_passed_while_the_device_hangs(void **state)
{
	(void)state;
	s.options.no_background = false;
	ops.sync = hanging_sync;
	check_hang("sync");
	check_hang("batch batch_ops=10 batch_ms=60000");
	check_hang("batch batch_ops=1000000 batch_ms=20");
	check_hang("adaptive adaptive_ms=20");
}

static void
durability__a_failing_sync_in_the_background_ends_writing(void **state)
{
	uint64_t seq;

	(void)state;
	s.options.no_background = false;
	open_under("adaptive adaptive_ms=20");
	put(1);
	check_true(becomes_durable());
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, 2); /* after the write */
	seq = put(2);
	for (int i = 0; i < 5000 && !lsm_store_said(&s, "the log failed"); i++)
		usleep(1000);
	check_true(lsm_store_said(&s, "the log failed"));
	check_err(lsm_sync(s.db, seq), -EIO);
	check_err(lsm_store_try_put(&s, "c", "3", NULL), -EROFS);
	check_ok(lsm_sync(s.db, seq - 1));
	check_str(lsm_store_get(&s, "00000002"), "value");
	check_err(lsm_close(s.db), -EIO);
	s.db = NULL;
}

#define WRITERS 8

static void *
write_many(void *arg)
{
	unsigned from = *(unsigned *)arg * 1000;

	for (unsigned i = 0; i < 500; i++)
		put(from + i);
	return NULL;
}

static void
durability__changes_while_writers_run(void **state)
{
	static const char *const texts[] = {"sync", "batch batch_ops=3",
	    "adaptive adaptive_ms=1", "none",
	    "batch batch_ops=1000 batch_ms=1"};
	unsigned numbers[WRITERS];
	pthread_t threads[WRITERS];

	(void)state;
	s.options.no_background = false;
	s.options.memtable_bytes = 64u << 10;
	open_under("none");
	for (unsigned i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		check_ok(
		    pthread_create(&threads[i], NULL, write_many, &numbers[i]));
	}
	for (unsigned i = 0; i < 50; i++)
		set(texts[i % 5]);
	for (unsigned i = 0; i < WRITERS; i++)
		check_ok(pthread_join(threads[i], NULL));
	set("sync");
	check_eq(lsm_durable_seq(s.db), WRITERS * 500);
	lsm_store_reopen(&s);
	check_eq(lsm_seq(s.db), WRITERS * 500);
}

/* Many committers of a batch policy: the bound holds for their sum. */
static void
durability__a_batch_is_counted_over_all_writers(void **state)
{
	unsigned numbers[WRITERS];
	pthread_t threads[WRITERS];

	(void)state;
	s.options.no_background = false;
	open_under("batch batch_ops=50 batch_ms=60000");
	for (unsigned i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		check_ok(
		    pthread_create(&threads[i], NULL, write_many, &numbers[i]));
	}
	for (unsigned i = 0; i < WRITERS; i++)
		check_ok(pthread_join(threads[i], NULL));
	check_le(lsm_seq(s.db) - lsm_durable_seq(s.db), 49);
	check_le(lsm_store_stats(&s).unsynced_batches, 49);
	check_le(lsm_store_stats(&s).syncs, WRITERS * 500 / 20);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(durability__sync_has_synced_what_it_acknowledges),
	    T(durability__batch_syncs_once_for_so_many_operations),
	    T(durability__batch_of_one_is_sync),
	    T(durability__a_bound_in_time_is_held_by_the_next_write),
	    T(durability__none_syncs_nothing_until_asked),
	    T(durability__a_flush_settles_what_was_pending),
	    T(durability__a_write_may_have_a_policy_of_its_own),
	    T(durability__nonsense_is_refused_and_the_old_one_stays),
	    T(durability__a_stricter_policy_covers_what_was_written_before),
	    T(durability__what_a_killed_process_wrote_is_synced_at_open),
	    T(durability__time_bounds_hold_when_nothing_follows),
	    T(durability__adaptive_syncs_seldom_when_much_is_written),
	    T(durability__adaptive_syncs_at_once_when_idle),
	    T(durability__no_bound_is_passed_while_the_device_hangs),
	    T(durability__a_failing_sync_in_the_background_ends_writing),
	    T(durability__changes_while_writers_run),
	    T(durability__a_batch_is_counted_over_all_writers),
	};

	return cmocka_run_group_tests_name("lsm_durability", tests, NULL, NULL);
}
