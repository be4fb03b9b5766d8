/* Checkpoints of large values, and beside writers. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/copied.h"
#include "tests/support/counted.h"

/* --- large values, which stay in files of the log --------------------------
 */

static void
open_with_values(struct copied *p)
{
	p->s.options.value_log_bytes = 64;
	p->copy.options.value_log_bytes = 64;
	p->s.options.memtable_bytes = 4096;
	lsm_store_open(&p->s);
}

/* Tables refer to files of the log, which none of the log's needs. */
static void
fill_with_values(struct copied *p)
{
	lsm_store_fill(&p->s, 0, 100, 3000, 'a');
	check_ok(lsm_flush(p->s.db));
	check_le(5, lsm_store_file_count(&p->s, ".log"));
}

static void
checkpoint__has_the_values_of_its_tables(void **state)
{
	struct copied *p = copied_new();

	(void)state;
	open_with_values(p);
	fill_with_values(p);
	copied_take(p); /* nothing is in the log */
	lsm_store_expect(&p->copy, 0, 100, 3000, 'a');
	lsm_store_fill(&p->s, 90, 101, 3000, 'b');
	copied_take(p);
	lsm_store_expect(&p->copy, 0, 90, 3000, 'a');
	lsm_store_expect(&p->copy, 90, 101, 3000, 'b');
	/* The store deletes them all; the copy goes on with its own. */
	lsm_store_fill(&p->s, 0, 101, 20, 'c');
	check_ok(lsm_compact(p->s.db, NULL, NULL));
	check_eq(lsm_store_file_count(&p->s, ".log"), 1);
	lsm_store_expect(&p->copy, 90, 101, 3000, 'b');
	lsm_store_reopen(&p->copy);
	lsm_store_fill(&p->copy, 101, 150, 3000, 'd');
	check_ok(lsm_compact(p->copy.db, NULL, NULL));
	lsm_store_reopen(&p->copy);
	lsm_store_expect(&p->copy, 0, 90, 3000, 'a');
	lsm_store_expect(&p->copy, 101, 150, 3000, 'd');
	lsm_store_check(&p->copy);
	lsm_store_expect(&p->s, 0, 101, 20, 'c');
	copied_free(p);
}

static void
checkpoint__copies_values_where_it_cannot_link(void **state)
{
	struct copied *p = copied_new();

	(void)state;
	open_with_values(p);
	p->ops.link = copied_no_link;
	fill_with_values(p);
	copied_take(p);
	lsm_store_expect(&p->copy, 0, 100, 3000, 'a');
	check_eq(copied_links(&p->copy), 1);
	copied_free(p);
}

/* --- beside others ---------------------------------------------------------
 */

struct writing {
	struct lsm *db;
	atomic_bool stop;
	_Atomic uint64_t begun, done; /* batches */
};

static void *
write_on(void *arg)
{
	struct writing *w = arg;

	for (uint64_t n = 1; !atomic_load(&w->stop); n++) {
		atomic_store(&w->begun, n);
		check_ok(counted_write(w->db, n, NULL));
		atomic_store(&w->done, n);
	}
	return NULL;
}

static void *
make_snapshots(void *arg)
{
	struct writing *w = arg;
	char name[16];

	for (unsigned n = 0; !atomic_load(&w->stop); n++) {
		(void)snprintf(name, sizeof(name), "n%u", n % 7);
		if (lsm_snapshot_delete(w->db, name) == -ENOENT)
			check_ok(lsm_snapshot_create(w->db, name));
	}
	return NULL;
}

static void *
compact_again(void *arg)
{
	struct writing *w = arg;

	while (!atomic_load(&w->stop)) {
		check_ok(lsm_compact(w->db, NULL, NULL));
		usleep(1000);
	}
	return NULL;
}

static int
check_snapshot(void *ctx, const char *name, uint64_t seq, uint64_t created_ms)
{
	struct lsm *db = ctx;

	(void)created_ms;
	check_le(seq, lsm_seq(db));
	check_le(copied_state_at(db, name), counted_state(db, NULL));
	return 0;
}

static void
check_moments(size_t value_log_bytes)
{
	void *(*const jobs[])(void *) = {
	    write_on, make_snapshots, compact_again};
	struct writing w = {.begun = 0};
	struct copied *p = copied_new();
	pthread_t threads[3];

	p->s.options.no_background = false;
	p->s.options.memtables_max = 3;
	p->s.options.value_log_bytes = value_log_bytes;
	lsm_store_open(&p->s);
	w.db = p->s.db;
	for (int i = 0; i < 3; i++)
		check_ok(pthread_create(&threads[i], NULL, jobs[i], &w));
	for (int i = 0; i < (check_long() ? 500 : 40); i++) {
		uint64_t before = atomic_load(&w.done), n;

		lsm_store_close(&p->copy);
		check_rmtree(p->path);
		copied_next_path(p);
		check_ok(lsm_checkpoint(p->s.db, p->path));
		n = atomic_load(&w.begun);
		lsm_store_open(&p->copy);
		check_le(before, counted_state(p->copy.db, NULL));
		check_le(counted_state(p->copy.db, NULL), n);
		check_ok(
		    lsm_snapshot_list(p->copy.db, check_snapshot, p->copy.db));
		lsm_store_check(&p->copy);
	}
	atomic_store(&w.stop, true);
	for (int i = 0; i < 3; i++)
		check_ok(pthread_join(threads[i], NULL));
	check_eq(counted_state(p->s.db, NULL), atomic_load(&w.done));
	copied_free(p);
}

static void
checkpoint__is_of_a_moment_during_the_call(void **state)
{
	(void)state;
	check_moments(2048);
}

static void
checkpoint__is_of_a_moment_with_large_values(void **state)
{
	(void)state;
	counted_scale = 5;
	check_moments(64);
	counted_scale = 1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checkpoint__has_the_values_of_its_tables),
	    cmocka_unit_test(checkpoint__copies_values_where_it_cannot_link),
	    cmocka_unit_test(checkpoint__is_of_a_moment_during_the_call),
	    cmocka_unit_test(checkpoint__is_of_a_moment_with_large_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
