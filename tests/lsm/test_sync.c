#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

static void
sync__makes_everything_before_durable(void **state)
{
	struct lsm_store s;
	uint64_t first, second;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	first = lsm_store_put(&s, "a", "1");
	second = lsm_store_put(&s, "b", "2");
	check_eq(lsm_durable_seq(s.db), 0);
	check_ok(lsm_sync(s.db, first));
	check_eq(lsm_durable_seq(s.db), second);
	lsm_store_fini(&s);
}

static void
sync__of_what_is_durable_costs_nothing(void **state)
{
	struct lsm_store s;
	uint64_t seq;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_sync(s.db, 0));
	seq = lsm_store_put(&s, "a", "1");
	check_ok(lsm_sync(s.db, seq));
	s.fault.syncs = 0;
	s.fault.ops = 0;
	check_ok(lsm_sync(s.db, seq));
	check_ok(lsm_sync(s.db, UINT64_MAX)); /* all there is */
	check_eq(s.fault.syncs, 0);
	check_eq(s.fault.ops, 0);
	lsm_store_put(&s, "b", "2");
	check_ok(lsm_sync(s.db, UINT64_MAX));
	check_eq(s.fault.syncs, 1);
	lsm_store_fini(&s);
}

static void
sync__a_flush_makes_durable_too(void **state)
{
	struct lsm_store s;
	uint64_t seq;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	seq = lsm_store_put(&s, "a", "1");
	check_ok(lsm_flush(s.db));
	check_eq(lsm_durable_seq(s.db), seq);
	s.fault.syncs = 0;
	check_ok(lsm_sync(s.db, seq));
	check_eq(s.fault.syncs, 0);
	lsm_store_fini(&s);
}

static void
sync__takes_all_logs_that_are_not_in_tables(void **state)
{
	struct lsm_store s;
	unsigned n = 0;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = UINT64_MAX;
	for (; lsm_store_file_count(&s, ".log") < 3; n++)
		lsm_store_fill(&s, n, n + 1, 100, 'a');
	s.fault.syncs = 0;
	check_ok(lsm_sync(s.db, n));
	check_eq(s.fault.syncs, 3);
	lsm_store_fill(&s, n, n + 1, 100, 'a');
	check_ok(lsm_sync(s.db, n + 1));
	check_eq(s.fault.syncs, 4); /* the full ones are complete */
	env_fault_disarm(&s.fault);
	lsm_store_fini(&s);
}

static void
sync__a_failure_is_final(void **state)
{
	struct lsm_store s;
	uint64_t seq;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	seq = lsm_store_put(&s, "a", "1");
	check_ok(lsm_sync(s.db, seq));
	seq = lsm_store_put(&s, "b", "2");
	check_ok(lsm_failure(s.db));
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, 1);
	check_err(lsm_sync(s.db, seq), -EIO);
	check_err(lsm_failure(s.db), -EIO);
	/* The disk would say yes now; that would be worth nothing. */
	check_err(lsm_sync(s.db, seq), -EIO);
	check_eq(lsm_durable_seq(s.db), seq - 1);
	check_ok(lsm_sync(s.db, seq - 1));
	check_err(lsm_store_try_put(&s, "c", "3", NULL), -EROFS);
	check_str(lsm_store_get(&s, "b"), "2");
	check_err(lsm_close(s.db), -EIO);
	s.db = NULL;
	lsm_store_open(&s);
	lsm_store_put(&s, "c", "3");
	lsm_store_fini(&s);
}

static void
sync__a_name_that_cannot_be_synced_is_a_failure(void **state)
{
	struct lsm_store s;
	uint64_t seq;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	seq = lsm_store_put(&s, "a", "1");
	/* The new log's directory entry comes first. */
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, 1);
	s.fault.syncs = 0;
	check_err(lsm_sync(s.db, seq), -EIO);
	check_eq(s.fault.syncs, 0);
	check_err(lsm_store_try_put(&s, "b", "2", NULL), -EROFS);
	lsm_store_fini(&s);
}

/* A quota, or a volume that is larger than its disk: space would not help, for
 * the kernel may have dropped the pages. */
static void
fail_for_space(int error)
{
	struct lsm_store s;

	lsm_store_init(&s);
	s.options.durability = durability_of(DURABILITY_SYNC);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, error, 2);
	check_err(lsm_store_try_put(&s, "b", "2", NULL), -EIO);
	check_str(s.fault.hit, "sync");
	check_err(lsm_failure(s.db), -EIO);
	check_err(lsm_store_try_put(&s, "c", "3", NULL), -EROFS);
	check_err(lsm_sync(s.db, 2), -EIO);
	lsm_store_fini(&s);
}

static void
sync__a_failure_for_want_of_space_is_final_too(void **state)
{
	(void)state;
	fail_for_space(ENOSPC);
	fail_for_space(EDQUOT);
}

/* The n-th operation on a log whose values are kept has no space; false: there
 * are not so many. */
static bool
flush_without_space(uint64_t n)
{
	struct lsm_store s;
	bool hit;
	int err;

	lsm_store_init_values(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 4, 3000, 'a');
	s.fault.match = ".log";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, n);
	err = lsm_flush(s.db);
	hit = s.fault.hits > 0;
	if (hit && strcmp(s.fault.hit, "sync") == 0) {
		check_err(err, -EIO);
		check_err(lsm_failure(s.db), -EIO);
	} else {
		check_ok(lsm_failure(s.db));
	}
	lsm_store_fini(&s);
	return hit;
}

static void
sync__a_flush_that_cannot_sync_the_log_fails_for_good(void **state)
{
	uint64_t n = 1;

	(void)state;
	while (flush_without_space(n))
		n++;
	check_le(4, n); /* two syncs, and what begins the next log */
}

/* What a table then makes durable is not what was asked for: the error stays.
 */
static void
sync__a_flush_does_not_heal_a_failure(void **state)
{
	struct lsm_store s;
	uint64_t durable;
	unsigned n = 0;

	(void)state;
	lsm_store_init(&s);
	s.options.no_background = false;
	lsm_store_open(&s);
	s.fault.match = ".sst";
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s.fault.at_end = UINT64_MAX;
	for (; lsm_store_file_count(&s, ".log") < 2; n++)
		lsm_store_fill(&s, n, n + 1, 100, 'a');
	durable = lsm_durable_seq(s.db);
	lock_acquire(&s.fault.lock);
	s.fault.match = "000002.log"; /* the first, which is full */
	s.fault.ops = 0;
	s.fault.at = s.fault.at_end = 1;
	s.fault.error = EIO;
	lock_release(&s.fault.lock);
	check_err(lsm_sync(s.db, n), -EIO);
	for (int i = 0; i < 1000 && lsm_store_stats(&s).flushes == 0; i++)
		(void)usleep(10000);
	check_eq(lsm_store_stats(&s).flushes, 1);
	check_eq(lsm_durable_seq(s.db), durable);
	check_err(lsm_sync(s.db, n), -EIO);
	lsm_store_expect(&s, 0, n, 100, 'a');
	lsm_store_fini(&s);
}

/* --- ahead ---------------------------------------------------------------- */

static struct {
	unsigned count;
	uint64_t from;
	uint64_t to;
} aheads;

static void
note_ahead(struct env_file *f, uint64_t offset, size_t size)
{
	check_true(strstr(f->path, ".log") != NULL);
	aheads.count++;
	aheads.from = offset;
	aheads.to = offset + size;
}

static void
open_noted(struct lsm_store *s, enum durability_policy policy)
{
	static struct env_ops noted;

	lsm_store_init(s);
	noted = *s->posix.ops;
	noted.sync_ahead = note_ahead;
	s->posix.ops = &noted;
	s->options.memtable_bytes = 1u << 20;
	s->options.durability = durability_of(policy);
	lsm_store_open(s);
	memset(&aheads, 0, sizeof(aheads));
}

static void
sync__the_disk_begins_when_one_commits_alone(void **state)
{
	struct lsm_store s;

	(void)state;
	open_noted(&s, DURABILITY_SYNC);
	lsm_store_put(&s, "a", "1");
	check_eq(aheads.count, 0); /* nobody knows yet that it is alone */
	for (unsigned n = 1; n <= 5; n++) {
		uint64_t before = aheads.to;

		lsm_store_put(&s, "b", "2");
		check_eq(aheads.count, n);
		check_true(aheads.from < aheads.to);
		if (before > 0)
			check_eq(aheads.from, before);
	}
	check_eq(lsm_durable_seq(s.db), 6);
	lsm_store_fini(&s);
}

static void
sync__the_disk_does_not_begin_with_what_nobody_syncs(void **state)
{
	const struct durability none = durability_of(DURABILITY_NONE);
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_written done;
	struct lsm_store s;

	(void)state;
	open_noted(&s, DURABILITY_NONE);
	for (unsigned n = 0; n < 5; n++)
		check_ok(lsm_sync(s.db, lsm_store_put(&s, "a", "1")));
	check_eq(aheads.count, 0);
	lsm_store_fini(&s);

	open_noted(&s, DURABILITY_SYNC);
	lsm_store_put(&s, "a", "1");
	check_ok(lsm_batch_put(b, bytes_str("b"), bytes_str("2")));
	check_ok(lsm_write_under(s.db, b, &none, &done));
	check_eq(done.sync_seq, 0);
	check_eq(aheads.count, 0);
	lsm_batch_free(b);
	lsm_store_fini(&s);
}

/* --- the header ----------------------------------------------------------- */

static struct {
	const struct env_ops *base;
	_Atomic unsigned logs; /* syncs of logs */
	atomic_bool flush;     /* tables wait for it */
} header;

static int
sync_log_or_wait(struct env_file *f)
{
	if (strstr(f->path, ".log"))
		header.logs++;
	if (strstr(f->path, ".sst"))
		while (!header.flush)
			(void)usleep(1000);
	return header.base->sync(f);
}

/* Synced as the flush ends, it would take half of the log with it to the disk,
 * to be deleted a moment later. */
static void
sync__the_header_is_durable_as_the_log_begins(void **state)
{
	static struct env_ops ops;
	struct lsm_store s;
	unsigned n = 0;

	(void)state;
	lsm_store_init(&s);
	header.base = s.posix.ops;
	ops = *s.posix.ops;
	ops.sync = sync_log_or_wait;
	s.posix.ops = &ops;
	s.options.no_background = false;
	lsm_store_open(&s);
	header.logs = 0;
	for (; lsm_store_file_count(&s, ".log") < 2; n++)
		lsm_store_fill(&s, n, n + 1, 100, 'a');
	for (int i = 0; i < 1000 && header.logs == 0; i++)
		(void)usleep(10000);
	check_eq(header.logs, 1);
	check_eq(lsm_store_stats(&s).flushes, 0);
	header.flush = true;
	for (int i = 0; i < 1000 && lsm_store_stats(&s).flushes == 0; i++)
		(void)usleep(10000);
	check_eq(lsm_store_stats(&s).flushes, 1);
	check_eq(header.logs, 1);
	lsm_store_fini(&s);
}

/* --- together ------------------------------------------------------------- */

#define THREADS 8
#define COMMITS 50

static const struct env_ops *posix_ops;

static int
slow_sync(struct env_file *f)
{
	(void)usleep(2000);
	return posix_ops->sync(f);
}

/* Each sync takes a while. */
static void
open_slow(struct lsm_store *s)
{
	static struct env_ops slow;

	lsm_store_init(s);
	posix_ops = s->posix.ops;
	slow = *posix_ops;
	slow.sync = slow_sync;
	s->posix.ops = &slow;
	s->options.memtable_bytes = 1u << 20;
	lsm_store_open(s);
}

static void *
commit(void *arg)
{
	struct lsm_store *s = arg;
	char key[64];

	for (int i = 0; i < COMMITS; i++) {
		uint64_t seq;

		(void)snprintf(key, sizeof(key), "%lx-%d",
		    (unsigned long)pthread_self(), i);
		check_ok(lsm_store_try_put(s, key, "value", &seq));
		check_ok(lsm_sync(s->db, seq));
		check_le(seq, lsm_durable_seq(s->db));
	}
	return NULL;
}

static void
run_in_threads(void *(*run)(void *store), struct lsm_store *s)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_create(&threads[i], NULL, run, s));
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_join(threads[i], NULL));
}

static void
sync__commits_in_flight_share_device_syncs(void **state)
{
	struct lsm_store s;

	(void)state;
	open_slow(&s);
	s.fault.syncs = 0;
	run_in_threads(commit, &s);
	check_eq(lsm_durable_seq(s.db), THREADS * COMMITS);
	check_le(s.fault.syncs, THREADS * COMMITS / 2);
	lsm_store_fini(&s);
}

/* Memtables fill up meanwhile, and logs come and go. */
static void
sync__commits_go_on_while_memtables_are_flushed(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.no_background = false;
	lsm_store_open(&s);
	run_in_threads(commit, &s);
	check_eq(lsm_durable_seq(s.db), THREADS * COMMITS);
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void *
expect_failure(void *arg)
{
	struct lsm_store *s = arg;
	uint64_t seq;
	char key[32];

	for (int i = 0;; i++) {
		int err;

		(void)snprintf(key, sizeof(key), "%d", i);
		err = lsm_store_try_put(s, key, "value", &seq);
		if (!err)
			err = lsm_sync(s->db, seq);
		if (err) {
			check_true(err == -EIO || err == -EROFS);
			return NULL;
		}
	}
}

static void
sync__a_failure_reaches_everybody_who_waits(void **state)
{
	struct lsm_store s;

	(void)state;
	open_slow(&s);
	env_fault_arm(&s.fault, ENV_FAULT_DEAD, EIO, 60);
	run_in_threads(expect_failure, &s);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sync__makes_everything_before_durable),
	    cmocka_unit_test(sync__of_what_is_durable_costs_nothing),
	    cmocka_unit_test(sync__a_flush_makes_durable_too),
	    cmocka_unit_test(sync__takes_all_logs_that_are_not_in_tables),
	    cmocka_unit_test(sync__a_failure_is_final),
	    cmocka_unit_test(sync__a_name_that_cannot_be_synced_is_a_failure),
	    cmocka_unit_test(sync__a_failure_for_want_of_space_is_final_too),
	    cmocka_unit_test(
		sync__a_flush_that_cannot_sync_the_log_fails_for_good),
	    cmocka_unit_test(sync__a_flush_does_not_heal_a_failure),
	    cmocka_unit_test(sync__the_disk_begins_when_one_commits_alone),
	    cmocka_unit_test(
		sync__the_disk_does_not_begin_with_what_nobody_syncs),
	    cmocka_unit_test(sync__the_header_is_durable_as_the_log_begins),
	    cmocka_unit_test(sync__commits_in_flight_share_device_syncs),
	    cmocka_unit_test(sync__commits_go_on_while_memtables_are_flushed),
	    cmocka_unit_test(sync__a_failure_reaches_everybody_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
