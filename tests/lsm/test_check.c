#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

struct findings {
	unsigned count;
	char first[1024];
	uint64_t done, total;
};

static void
on_finding(void *ctx, const char *text)
{
	struct findings *f = ctx;

	if (f->count++ == 0)
		(void)snprintf(f->first, sizeof(f->first), "%s", text);
}

static void
on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct findings *f = ctx;

	check_le(f->done, done);
	check_le(done, total);
	f->done = done;
	f->total = total;
}

static int
run_check(struct lsm_store *s, struct findings *f)
{
	struct lsm_check_sink sink = {on_finding, on_progress, f};

	*f = (struct findings){0};
	return lsm_check(s->db, &sink);
}

static void
fill(struct lsm_store *s)
{
	lsm_store_init(s);
	lsm_store_open(s);
	lsm_store_fill(s, 0, 1000, 100, 'a');
	check_ok(lsm_flush(s->db));
	lsm_store_fill(s, 1000, 1010, 100, 'a');
}

static void
check__of_a_good_store_finds_nothing(void **state)
{
	struct findings f;
	struct lsm_store s;

	(void)state;
	fill(&s);
	check_eq(run_check(&s, &f), 0);
	check_eq(f.count, 0);
	check_le(100000, f.total);
	check_eq(f.done, f.total);
	lsm_store_fini(&s);
}

static void
check__finds_a_damaged_table(void **state)
{
	struct findings f;
	struct lsm_store s;
	const char *table;

	(void)state;
	fill(&s);
	lsm_store_close(&s);
	table = lsm_store_file(&s, ".sst");
	lsm_store_damage(table, 700);
	lsm_store_open(&s);
	check_eq(run_check(&s, &f), 1);
	check_eq(f.count, 1);
	check_contains(f.first, table);
	check_contains(f.first, "offset");
	check_eq(f.done, f.total);
	lsm_store_fini(&s);
}

/* A byte anywhere in a table: it is found, wherever it is. */
static void
check__finds_every_damaged_byte_of_a_table(void **state)
{
	struct findings f;
	struct lsm_store s;
	struct stat st;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 20, 50, 'a');
	check_ok(lsm_flush(s.db));
	lsm_store_close(&s);
	check_ok(stat(lsm_store_file(&s, ".sst"), &st));
	for (long i = 0; i < st.st_size; i += check_long() ? 1 : 17) {
		lsm_store_damage(lsm_store_file(&s, ".sst"), i);
		lsm_store_open(&s);
		check_le(1, run_check(&s, &f));
		check_le(1, f.count);
		lsm_store_close(&s);
		lsm_store_damage(lsm_store_file(&s, ".sst"), i);
	}
	lsm_store_fini(&s);
}

static void
check__finds_a_damaged_log(void **state)
{
	struct findings f;
	struct lsm_store s;
	const char *log;

	(void)state;
	fill(&s);
	log = lsm_store_file(&s, ".log");
	lsm_store_damage(log, 200);
	check_eq(run_check(&s, &f), 1);
	check_contains(f.first, log);
	check_contains(f.first, "offset");
	lsm_store_fini(&s);
}

static void
check__finds_a_log_that_was_cut(void **state)
{
	struct findings f;
	struct lsm_store s;

	(void)state;
	fill(&s);
	check_ok(truncate(lsm_store_file(&s, ".log"), 300));
	check_eq(run_check(&s, &f), 1);
	check_contains(f.first, "the log ends with number");
	lsm_store_fini(&s);
}

static int
damage_manifest(void *ctx, const char *path)
{
	long *offset = ctx;

	if (strstr(path, "MANIFEST"))
		lsm_store_damage(path, *offset);
	return 0;
}

static void
check__finds_a_damaged_manifest(void **state)
{
	static long offsets[] = {60, 20, -1};
	struct findings f;
	struct lsm_store s;

	(void)state;
	fill(&s);
	for (int i = 0; i < 3; i++) {
		check_ok(lsm_list_files(s.dir, damage_manifest, &offsets[i]));
		check_eq(run_check(&s, &f), 1);
		check_contains(f.first, "MANIFEST-");
		check_ok(lsm_list_files(s.dir, damage_manifest, &offsets[i]));
	}
	check_eq(run_check(&s, &f), 0);
	lsm_store_fini(&s);
}

static void *
write_on(void *arg)
{
	struct lsm_store *s = arg;

	lsm_store_fill(s, 0, 2000, 100, 'b');
	return NULL;
}

static void
check__beside_writers_finds_nothing(void **state)
{
	struct findings f;
	struct lsm_store s;
	pthread_t writer;

	(void)state;
	lsm_store_init(&s);
	s.options.no_background = false;
	lsm_store_open(&s);
	check_ok(pthread_create(&writer, NULL, write_on, &s));
	for (int i = 0; i < 10; i++) {
		check_eq(run_check(&s, &f), 0);
		check_eq(f.count, 0);
	}
	check_ok(pthread_join(writer, NULL));
	check_eq(run_check(&s, &f), 0);
	lsm_store_fini(&s);
}

/* --- beside a flush --------------------------------------------------------
 */

/* A check that reads the size of a kept log just before that is cut, and does
 * something with it when the flush is over. */
struct race {
	struct lsm_store s;
	const struct env_ops *posix;
	struct env_ops ops;
	pthread_t checker;
	sem_t asked, flushed;
	atomic_bool checking;
	unsigned cuts;
};

static struct race race;

static void *
race_check(void *arg)
{
	struct findings f;

	atomic_store(&race.checking, true);
	check_eq(run_check(&race.s, &f), 0);
	return arg;
}

static int
race_size(struct env_file *f, uint64_t *out)
{
	int err = race.posix->size(f, out);

	if (strstr(f->path, ".log") && atomic_exchange(&race.checking, false)) {
		check_ok(sem_post(&race.asked));
		check_ok(sem_wait(&race.flushed));
	}
	return err;
}

/* The first is before the manifest names the log for its values, and fails; the
 * next comes behind that. */
static int
race_truncate(struct env_file *f, uint64_t size)
{
	if (race.cuts++ == 0)
		return -EIO;
	check_ok(pthread_create(&race.checker, NULL, race_check, NULL));
	check_ok(sem_wait(&race.asked));
	return race.posix->truncate(f, size);
}

static void
race_begin(void)
{
	check_ok(sem_init(&race.asked, 0, 0));
	check_ok(sem_init(&race.flushed, 0, 0));
	race.posix = race.s.posix.ops;
	race.ops = *race.posix;
	race.ops.size = race_size;
	race.ops.truncate = race_truncate;
	race.s.posix.ops = &race.ops;
}

static void
race_end(void)
{
	check_ok(sem_post(&race.flushed));
	check_ok(pthread_join(race.checker, NULL));
	check_eq(race.cuts, 2);
	race.s.posix.ops = race.posix;
	check_ok(sem_destroy(&race.asked));
	check_ok(sem_destroy(&race.flushed));
}

static void
check__beside_a_flush_leaves_the_sizes_alone(void **state)
{
	struct lsm_store *s = &race.s;
	uint64_t bytes;

	(void)state;
	lsm_store_init_values(s);
	s->options.durability = durability_of(DURABILITY_SYNC);
	s->options.value_log_bytes = 100;
	lsm_store_open(s);
	/* Then the log is written ahead. */
	lsm_store_fill(s, 0, 100, 200, 'a');
	check_ok(lsm_flush(s->db));
	lsm_store_fill(s, 100, 104, 1000, 'a');
	race_begin();
	check_ok(lsm_flush(s->db));
	race_end();
	bytes = lsm_store_stats(s).value_bytes;
	lsm_store_reopen(s);
	check_eq(lsm_store_stats(s).value_bytes, bytes);
	lsm_store_fini(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check__of_a_good_store_finds_nothing),
	    cmocka_unit_test(check__finds_a_damaged_table),
	    cmocka_unit_test(check__finds_every_damaged_byte_of_a_table),
	    cmocka_unit_test(check__finds_a_damaged_log),
	    cmocka_unit_test(check__finds_a_log_that_was_cut),
	    cmocka_unit_test(check__finds_a_damaged_manifest),
	    cmocka_unit_test(check__beside_writers_finds_nothing),
	    cmocka_unit_test(check__beside_a_flush_leaves_the_sizes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
