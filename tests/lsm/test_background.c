/*
 * What an opened store does beside its readers and writers: that its parts are
 * used, and use each other.  Jobs are held up where they write a table.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "engine/db/reaper.h"
#include "engine/db/throttle.h"
#include "tests/support/lsm_store.h"

#define AWAIT_US 5000000
#define HOLD_US  10000000 /* at most: a test that fails ends all the same */
#define STEP_US  500
#define ANY      "" /* thread */

/* The env, and what it has seen.  One test at a time. */
static struct {
	const struct env_ops *posix;
	struct env_ops ops;
	_Atomic(const char *) job; /* whose threads are held up: their name */
	_Atomic uint64_t hold_us;  /* for how long at each write */
	_Atomic unsigned held;     /* threads that are, */
	_Atomic unsigned most;     /* and were at once */
	_Atomic uint64_t sleeps, slept_us;
	_Atomic unsigned removed; /* tables, */
	_Atomic unsigned reaped;  /* and of these by the reaper */
} seen;

static bool
is_table(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".sst") == 0;
}

static bool
runs_in(const char *thread)
{
	char name[16];

	check_ok(pthread_getname_np(pthread_self(), name, sizeof(name)));
	return strcmp(thread, ANY) == 0 || strcmp(thread, name) == 0;
}

static void
hold_up(void)
{
	unsigned now = atomic_fetch_add(&seen.held, 1) + 1;
	unsigned most = atomic_load(&seen.most);

	while (
	    now > most && !atomic_compare_exchange_weak(&seen.most, &most, now))
		;
	for (uint64_t us = 0; us < atomic_load(&seen.hold_us); us += STEP_US)
		usleep(STEP_US);
	atomic_fetch_sub(&seen.held, 1);
}

static ssize_t
pwrite_in_time(
    struct env_file *f, const void *data, size_t size, uint64_t offset)
{
	if (is_table(f->path) && runs_in(atomic_load(&seen.job)))
		hold_up();
	return seen.posix->pwrite(f, data, size, offset);
}

static int
note_unlink(struct env *env, const char *path)
{
	if (is_table(path)) {
		atomic_fetch_add(&seen.reaped, runs_in("reaper"));
		atomic_fetch_add(&seen.removed, 1);
	}
	return seen.posix->unlink(env, path);
}

static void
note_sleep(struct env *env, uint64_t us)
{
	(void)env;
	atomic_fetch_add(&seen.sleeps, 1);
	atomic_fetch_add(&seen.slept_us, us);
}

static void
hold(const char *job, uint64_t us)
{
	atomic_store(&seen.job, job);
	atomic_store(&seen.most, 0);
	atomic_store(&seen.hold_us, us);
}

static void
release(void)
{
	hold(ANY, 0);
}

/* With threads; it is to be opened. */
static void
store_init(struct lsm_store *s)
{
	lsm_store_init(s);
	memset(&seen, 0, sizeof(seen));
	seen.posix = s->posix.ops;
	seen.ops = *seen.posix;
	seen.ops.pwrite = pwrite_in_time;
	seen.ops.unlink = note_unlink;
	seen.ops.sleep_us = note_sleep;
	s->posix.ops = &seen.ops;
	s->options.no_background = false;
	release();
}

/* --- writers are slowed --------------------------------------------------- */

#define SLOW_US 100000 /* what a memtable, or a table, takes */

/* A memtable that is almost full becomes a table. */
static void
flush_one(struct lsm_store *s)
{
	lsm_store_fill(s, 0, 11, 600, 'a');
	check_ok(lsm_flush(s->db));
}

/* A job is behind: who writes now sleeps, for as long as the figures say. */
static void
check_slowed(struct lsm_store *s)
{
	struct lsm_stats f;

	lsm_store_fill(s, 0, 4, 600, 'a');
	f = lsm_store_stats(s);
	check_true(f.delays > 0);
	check_eq(f.delays, seen.sleeps);
	check_eq(f.delayed_us, seen.slept_us);
	check_le(f.delays * THROTTLE_QUANTUM_US, f.delayed_us);
	check_le(f.delayed_us, f.delays * THROTTLE_SLEEP_MAX_US);
	check_eq(f.stalls, 0);
}

static void
background__writers_are_slowed_while_flushes_are_behind(void **state)
{
	struct lsm_store s;

	(void)state;
	store_init(&s);
	lsm_store_open(&s);
	hold("flush", SLOW_US);
	flush_one(&s);
	check_eq(lsm_store_stats(&s).delays, 0);
	hold("flush", HOLD_US);
	while (lsm_store_stats(&s).memtables <= s.options.memtables_max)
		lsm_store_fill(&s, 0, 1, 600, 'a');
	check_slowed(&s);
	release();
	lsm_store_fini(&s);
}

static void
background__writers_are_slowed_while_compactions_are_behind(void **state)
{
	struct lsm_store s;

	(void)state;
	store_init(&s);
	s.options.level0_tables = 1;
	lsm_store_open(&s);
	hold(ANY, SLOW_US);
	flush_one(&s);
	flush_one(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_store_stats(&s).delays, 0);
	hold("compaction", HOLD_US);
	while (lsm_store_stats(&s).level_tables[0] < 6)
		flush_one(&s);
	check_slowed(&s);
	release();
	lsm_store_fini(&s);
}

/* --- jobs beside each other ----------------------------------------------- */

/* Until it has come to so many, or it takes too long. */
static void
await(_Atomic unsigned *count, unsigned want)
{
	for (uint64_t us = 0; us < AWAIT_US; us += STEP_US) {
		if (atomic_load(count) >= want)
			return;
		usleep(STEP_US);
	}
}

/* A level of so many keys, and in level 0 what meets all of it: to be compacted
 * when the store is opened again. */
static void
store_init_behind(struct lsm_store *s, unsigned keys)
{
	store_init(s);
	s->options.no_background = true;
	s->options.level_base_bytes = 1 << 20;
	lsm_store_open(s);
	lsm_store_fill(s, 0, keys, 100, 'a');
	check_ok(lsm_compact(s->db, NULL, NULL));
	for (char tag = 'b'; tag < 'e'; tag++) {
		lsm_store_fill(s, 0, 1, 100, tag);
		lsm_store_fill(s, keys - 1, keys, 100, tag);
		check_ok(lsm_flush(s->db));
	}
	lsm_store_close(s);
	s->options.no_background = false;
	s->options.level0_tables = 1;
}

static void
check_threads(unsigned threads)
{
	struct lsm_store s;

	store_init_behind(&s, 2000);
	s.options.compaction_threads = threads;
	hold("compaction", HOLD_US);
	lsm_store_open(&s);
	await(&seen.most, threads);
	usleep(20000); /* for one too many */
	check_eq(seen.most, threads);
	release();
	lsm_store_fini(&s);
}

static void
background__compaction_has_the_threads_it_was_given(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 3; i++)
		check_threads(i);
}

/* It has to be full; nobody waits for it here. */
static bool
a_memtable_is_flushed(struct lsm_store *s)
{
	uint64_t before = lsm_store_stats(s).flushes;

	while (lsm_store_stats(s).memtables == 1 &&
	       lsm_store_stats(s).flushes == before)
		lsm_store_fill(s, 0, 1, 600, 'f');
	for (uint64_t us = 0; us < AWAIT_US; us += STEP_US) {
		if (lsm_store_stats(s).flushes > before)
			return true;
		usleep(STEP_US);
	}
	return false;
}

static void
background__a_flush_does_not_wait_for_a_compaction(void **state)
{
	struct lsm_store s;

	(void)state;
	store_init_behind(&s, 100);
	s.options.compaction_threads = 1;
	hold("compaction", HOLD_US);
	lsm_store_open(&s);
	await(&seen.most, 1);
	check_true(a_memtable_is_flushed(&s));
	check_eq(seen.held, 1);
	release();
	lsm_store_fini(&s);
}

/* --- large files ---------------------------------------------------------- */

#define LARGE 2000 /* keys, of 1,000 bytes each */

static void
background__large_tables_are_removed_by_the_reaper(void **state)
{
	struct lsm_store s;

	(void)state;
	store_init(&s);
	s.options.memtable_bytes = 8 << 20;
	s.options.table_bytes = 8 << 20;
	lsm_store_open(&s);
	for (char tag = 'a'; tag < 'c'; tag++) {
		lsm_store_fill(&s, 0, LARGE, 1000, tag);
		check_ok(lsm_flush(s.db));
	}
	check_le(2 * REAPER_BYTES_MIN, lsm_store_stats(&s).bytes_written_flush);
	check_ok(lsm_compact(s.db, NULL, NULL));
	await(&seen.removed, 2);
	check_eq(seen.removed, 2);
	check_eq(seen.reaped, 2);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		background__writers_are_slowed_while_flushes_are_behind),
	    cmocka_unit_test(
		background__writers_are_slowed_while_compactions_are_behind),
	    cmocka_unit_test(
		background__compaction_has_the_threads_it_was_given),
	    cmocka_unit_test(
		background__a_flush_does_not_wait_for_a_compaction),
	    cmocka_unit_test(
		background__large_tables_are_removed_by_the_reaper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
