/* Named snapshots through the door. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/counted.h"
#include "tests/support/lsm_store.h"
#include "tests/support/unsynced.h"

/* The value of a key at a named snapshot. */
static const char *
get_at(struct lsm_store *s, const char *name, const char *key)
{
	struct lsm_snapshot *at;
	const char *value;

	check_ok(lsm_snapshot_find(s->db, name, &at));
	value = lsm_store_get_at(s, at, key);
	lsm_snapshot_close(s->db, at);
	return value;
}

struct listing {
	char text[256];
	uint64_t last_ms;
};

static int
list_one(void *ctx, const char *name, uint64_t seq, uint64_t created_ms)
{
	struct listing *l = ctx;
	size_t used = strlen(l->text);

	(void)snprintf(l->text + used, sizeof(l->text) - used, "%s:%u ", name,
	    (unsigned)seq);
	l->last_ms = created_ms;
	return 0;
}

/* "name:number " of all, valid until the next call. */
static const char *
list(struct lsm_store *s)
{
	static struct listing l;

	l.text[0] = '\0';
	check_ok(lsm_snapshot_list(s->db, list_one, &l));
	return l.text;
}

/* --- what they show --------------------------------------------------------
 */

static void
check_moments(struct lsm_store *s)
{
	check_str(get_at(s, "one", "a"), "1");
	check_str(get_at(s, "one", "b"), "1");
	check_true(get_at(s, "one", "c") == NULL);
	check_str(get_at(s, "two", "a"), "2");
	check_true(get_at(s, "two", "b") == NULL);
	check_str(get_at(s, "two", "c"), "2");
	check_true(get_at(s, "nothing", "a") == NULL);
	check_true(lsm_store_get(s, "a") == NULL);
	check_str(list(s), "nothing:0 one:2 two:5 ");
	lsm_store_check(s);
}

static void
named__shows_its_moment_through_everything(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_snapshot_create(s.db, "nothing"));
	lsm_store_put(&s, "a", "1");
	lsm_store_put(&s, "b", "1");
	check_ok(lsm_snapshot_create(s.db, "one"));
	lsm_store_put(&s, "a", "2");
	lsm_store_delete(&s, "b");
	lsm_store_put(&s, "c", "2");
	check_ok(lsm_snapshot_create(s.db, "two"));
	lsm_store_delete(&s, "a");
	lsm_store_delete(&s, "c");
	check_moments(&s);
	lsm_store_reopen(&s);
	check_moments(&s); /* from the log, which was not flushed */
	check_ok(lsm_flush(s.db));
	check_moments(&s);
	lsm_store_reopen(&s);
	check_moments(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_moments(&s);
	lsm_store_reopen(&s);
	check_moments(&s);
	lsm_store_fini(&s);
}

/* Memtables that recovery made are flushed, with the snapshots in mind. */
static void
named__is_kept_by_the_flush_after_recovery(void **state)
{
	struct lsm_store s, after;

	(void)state;
	lsm_store_init(&s);
	s.options.memtables_max = 4;
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	check_ok(lsm_snapshot_create(s.db, "one"));
	lsm_store_put(&s, "a", "2");
	lsm_store_init(&after);
	check_rmtree(after.dir);
	after.dir = lsm_store_copy(&s); /* kill -9 */
	lsm_store_open(&after);
	check_ok(lsm_flush(after.db));
	check_str(get_at(&after, "one", "a"), "1");
	check_str(lsm_store_get(&after, "a"), "2");
	lsm_store_fini(&after);
	lsm_store_fini(&s);
}

/* --- what is kept for them -------------------------------------------------
 */

static int
dump_table(void *ctx, const char *path)
{
	if (strstr(path, ".sst"))
		check_ok(lsm_dump_file(path, ctx));
	return 0;
}

/* Entries in all tables with a user key that begins so. */
static unsigned
entries(struct lsm_store *s, const char *begin)
{
	char *text = NULL, *line, *rest;
	unsigned count = 0;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	check_true(f != NULL);
	check_ok(lsm_list_files(s->dir, dump_table, f));
	check_ok(fclose(f));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		const char *key = strchr(line, '"');

		if (line[0] != '#' && key &&
		    strncmp(key + 1, begin, strlen(begin)) == 0)
			count++;
	}
	free(text);
	return count;
}

static void
named__keeps_exactly_what_it_shows(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	for (int round = 0; round < 6; round++) {
		lsm_store_fill(&s, 0, 50, 20, (char)('a' + round));
		if (round == 1)
			check_ok(lsm_snapshot_create(s.db, "one"));
		if (round == 3)
			check_ok(lsm_snapshot_create(s.db, "two"));
		if (round == 3)
			check_ok(lsm_snapshot_create(s.db, "same"));
	}
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 150);
	check_ok(lsm_snapshot_delete(s.db, "two"));
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 150);
	check_ok(lsm_snapshot_delete(s.db, "one"));
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 100);
	lsm_store_reopen(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 100);
	check_ok(lsm_snapshot_delete(s.db, "same"));
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 50);
	lsm_store_expect(&s, 0, 50, 20, 'f');
	lsm_store_fini(&s);
}

static void
named__of_nothing_keeps_nothing(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_snapshot_create(s.db, "nothing"));
	lsm_store_fill(&s, 0, 50, 20, 'a');
	lsm_store_fill(&s, 0, 50, 20, 'b');
	lsm_store_unfill(&s, 0, 50);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 0);
	lsm_store_fini(&s);
}

static void
named__deleted_goes_on_for_those_who_found_it(void **state)
{
	struct lsm_snapshot *at;
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 50, 20, 'a');
	lsm_store_put(&s, "k", "1");
	check_ok(lsm_snapshot_create(s.db, "one"));
	lsm_store_fill(&s, 0, 50, 20, 'b');
	lsm_store_put(&s, "k", "2");
	check_ok(lsm_snapshot_find(s.db, "one", &at));
	check_ok(lsm_snapshot_delete(s.db, "one"));
	check_str(list(&s), "");
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_str(lsm_store_get_at(&s, at, "k"), "1");
	check_eq(entries(&s, "KEY"), 100);
	/* The name is free, for another moment. */
	check_ok(lsm_snapshot_create(s.db, "one"));
	check_str(get_at(&s, "one", "k"), "2");
	lsm_snapshot_close(s.db, at);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 50);
	lsm_store_fini(&s);
}

enum keeper { KEEPER_NONE, KEEPER_HANDLE, KEEPER_NAMED };

/* What there is after everything was overwritten, and the keeper of what it was
 * before has gone. */
static struct lsm_stats
overwrite(enum keeper keeper, size_t size)
{
	struct lsm_snapshot *at = NULL;
	struct lsm_stats stats;
	struct lsm_store s;

	lsm_store_init_values(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 50, size, 'a');
	if (keeper == KEEPER_HANDLE)
		check_ok(lsm_snapshot_open(s.db, &at));
	if (keeper == KEEPER_NAMED)
		check_ok(lsm_snapshot_create(s.db, "kept"));
	lsm_store_fill(&s, 0, 50, size, 'b');
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), keeper == KEEPER_NONE ? 50 : 100);
	lsm_snapshot_close(s.db, at);
	if (keeper == KEEPER_NAMED)
		check_ok(lsm_snapshot_delete(s.db, "kept"));
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "KEY"), 50);
	lsm_store_expect(&s, 0, 50, size, 'b');
	lsm_store_check(&s);
	stats = lsm_store_stats(&s);
	lsm_store_fini(&s);
	return stats;
}

static void
named__leaves_nothing_behind_when_it_has_gone(void **state)
{
	static const size_t sizes[] = {20, 3000};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct lsm_stats never = overwrite(KEEPER_NONE, sizes[i]);

		check_eq(never.value_bytes > 0, sizes[i] > 1024);
		for (enum keeper k = KEEPER_HANDLE; k <= KEEPER_NAMED; k++) {
			struct lsm_stats gone = overwrite(k, sizes[i]);

			check_eq(gone.level_bytes[LSM_LEVELS - 1],
			    never.level_bytes[LSM_LEVELS - 1]);
			check_eq(gone.value_bytes, never.value_bytes);
			check_eq(gone.value_garbage_bytes,
			    never.value_garbage_bytes);
		}
	}
}

/* --- names -----------------------------------------------------------------
 */

static int
stop_at_b(void *ctx, const char *name, uint64_t seq, uint64_t created_ms)
{
	(void)seq;
	(void)created_ms;
	++*(int *)ctx;
	return strcmp(name, "b") == 0 ? 7 : 0;
}

static void
named__names_are_as_promised(void **state)
{
	struct lsm_snapshot *at;
	struct lsm_store s;
	char name[300];
	int calls = 0;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_err(lsm_snapshot_delete(s.db, "b"), -ENOENT);
	check_err(lsm_snapshot_find(s.db, "b", &at), -ENOENT);
	check_ok(lsm_snapshot_create(s.db, "b"));
	lsm_store_put(&s, "k", "1");
	check_err(lsm_snapshot_create(s.db, "b"), -EEXIST);
	check_str(list(&s), "b:0 ");
	check_ok(lsm_snapshot_create(s.db, "c/ \n\xff"));
	check_ok(lsm_snapshot_create(s.db, "a"));
	check_str(list(&s), "a:1 b:0 c/ \n\xff:1 ");
	check_eq(lsm_snapshot_list(s.db, stop_at_b, &calls), 7);
	check_eq(calls, 2);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	check_err(lsm_snapshot_create(s.db, name), -EINVAL);
	check_err(lsm_snapshot_create(s.db, ""), -EINVAL);
	check_err(lsm_snapshot_find(s.db, name, &at), -ENOENT);
	name[255] = '\0';
	check_ok(lsm_snapshot_create(s.db, name));
	check_ok(lsm_snapshot_delete(s.db, name));
	lsm_store_reopen(&s);
	check_str(list(&s), "a:1 b:0 c/ \n\xff:1 ");
	lsm_store_fini(&s);
}

static void
named__keeps_the_time_it_was_made(void **state)
{
	struct listing l = {0};
	struct lsm_store s;
	uint64_t before, after;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	before = env_wall_ns(&s.posix) / 1000000;
	check_ok(lsm_snapshot_create(s.db, "a"));
	after = env_wall_ns(&s.posix) / 1000000;
	usleep(2000);
	lsm_store_reopen(&s);
	check_ok(lsm_snapshot_list(s.db, list_one, &l));
	check_le(before, l.last_ms);
	check_le(l.last_ms, after);
	lsm_store_fini(&s);
}

static int
count_one(void *ctx, const char *name, uint64_t seq, uint64_t created_ms)
{
	(void)name;
	(void)created_ms;
	((uint64_t *)ctx)[0]++;
	((uint64_t *)ctx)[1] += seq;
	return 0;
}

static void
named__thousands_are_no_burden(void **state)
{
	const unsigned many = check_long() ? 20000 : 3000;
	uint64_t found[2] = {0};
	struct env_ops ops;
	struct lsm_store s;
	char name[16];

	(void)state;
	lsm_store_init(&s);
	ops = unsynced_ops(&s.posix);
	s.posix.ops = &ops;
	lsm_store_open(&s);
	for (unsigned i = 0; i < many; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		lsm_store_put(&s, "k", name);
		check_ok(lsm_snapshot_create(s.db, name));
	}
	lsm_store_reopen(&s);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "k"), many);
	for (unsigned i = 0; i < many; i += 2) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		check_str(get_at(&s, name, "k"), name);
		check_ok(lsm_snapshot_delete(s.db, name));
	}
	lsm_store_reopen(&s);
	check_ok(lsm_snapshot_list(s.db, count_one, found));
	check_eq(found[0], many / 2);
	check_eq(found[1], (uint64_t)many / 2 * (many / 2 + 1));
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(entries(&s, "k"), many / 2);
	lsm_store_fini(&s);
}

/* --- failures --------------------------------------------------------------
 */

/* Each operation of a creation and of a deletion fails once: nothing has
 * changed then, and the next try does it. */
static void
named__failures_change_nothing(void **state)
{
	struct lsm_store s;
	uint64_t n;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "k", "1");
	check_ok(lsm_flush(s.db)); /* the log needs no sync */
	for (n = 1;; n++) {
		env_fault_arm(&s.fault, ENV_FAULT_ERROR, ENOSPC, n);
		if (lsm_snapshot_create(s.db, "a") == 0)
			break;
		check_str(list(&s), "");
	}
	check_le(2, n);
	for (n = 1;; n++) {
		env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, n);
		if (lsm_snapshot_delete(s.db, "a") == 0)
			break;
		check_str(list(&s), "a:1 ");
	}
	check_le(2, n);
	env_fault_disarm(&s.fault);
	check_str(list(&s), "");
	lsm_store_reopen(&s);
	check_str(list(&s), "");
	lsm_store_fini(&s);
}

static void
named__needs_the_log_on_the_disk(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "k", "1");
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, 1);
	s.fault.match = ".log";
	check_err(lsm_snapshot_create(s.db, "a"), -EIO);
	check_str(list(&s), "");
	lsm_store_fini(&s);
}

static void
named__a_log_that_ends_below_is_damage(void **state)
{
	struct lsm_store s;
	struct stat st;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "k", "1");
	lsm_store_put(&s, "k", "2");
	check_ok(lsm_snapshot_create(s.db, "a"));
	lsm_store_close(&s);
	check_ok(stat(lsm_store_file(&s, ".log"), &st));
	check_ok(truncate(lsm_store_file(&s, ".log"), st.st_size - 1));
	check_err(lsm_store_try_open(&s), -EUCLEAN);
	check_true(lsm_store_said(&s, "up to number 1, but a snapshot of"));
	lsm_store_fini(&s);
}

/* --- many at once ----------------------------------------------------------
 */

struct crowd {
	struct lsm_store s;
	atomic_bool stop;
	_Atomic unsigned made;
};

/* Makes, reads twice, and deletes. */
static void *
snapshot_again_and_again(void *arg)
{
	static _Atomic unsigned threads;
	struct crowd *c = arg;
	unsigned me = atomic_fetch_add(&threads, 1), n = 0;
	struct lsm_snapshot *at;
	uint64_t first;
	char name[32];

	while (!atomic_load(&c->stop)) {
		(void)snprintf(name, sizeof(name), "%u.%u", me, n++);
		check_ok(lsm_snapshot_create(c->s.db, name));
		check_ok(lsm_snapshot_find(c->s.db, name, &at));
		first = counted_state(c->s.db, at);
		check_ok(lsm_snapshot_delete(c->s.db, name));
		check_eq(counted_state(c->s.db, at), first);
		lsm_snapshot_close(c->s.db, at);
		atomic_fetch_add(&c->made, 1);
	}
	return NULL;
}

static void
named__many_threads(void **state)
{
	struct crowd *c = calloc(1, sizeof(*c));
	const unsigned batches = check_long() ? 50000 : 3000;
	pthread_t threads[3];

	(void)state;
	check_true(c != NULL);
	lsm_store_init(&c->s);
	c->s.options.no_background = false;
	lsm_store_open(&c->s);
	for (int i = 0; i < 3; i++)
		check_ok(pthread_create(
		    &threads[i], NULL, snapshot_again_and_again, c));
	for (unsigned n = 1; n <= batches || atomic_load(&c->made) < 20; n++)
		check_ok(counted_write(c->s.db, n, NULL));
	atomic_store(&c->stop, true);
	for (int i = 0; i < 3; i++)
		check_ok(pthread_join(threads[i], NULL));
	check_str(list(&c->s), "");
	lsm_store_check(&c->s);
	lsm_store_fini(&c->s);
	free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(named__shows_its_moment_through_everything),
	    cmocka_unit_test(named__is_kept_by_the_flush_after_recovery),
	    cmocka_unit_test(named__keeps_exactly_what_it_shows),
	    cmocka_unit_test(named__of_nothing_keeps_nothing),
	    cmocka_unit_test(named__deleted_goes_on_for_those_who_found_it),
	    cmocka_unit_test(named__leaves_nothing_behind_when_it_has_gone),
	    cmocka_unit_test(named__names_are_as_promised),
	    cmocka_unit_test(named__keeps_the_time_it_was_made),
	    cmocka_unit_test(named__thousands_are_no_burden),
	    cmocka_unit_test(named__failures_change_nothing),
	    cmocka_unit_test(named__needs_the_log_on_the_disk),
	    cmocka_unit_test(named__a_log_that_ends_below_is_damage),
	    cmocka_unit_test(named__many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
