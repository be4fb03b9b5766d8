#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/counted.h"
#include "tests/support/lsm_store.h"

/* A store, and where copies of it go. */
struct pair {
	struct lsm_store s, copy;
	struct env_ops ops; /* of s's files, to be replaced by a case */
	const char *base;   /* of the copies */
	char path[512];     /* of the next one */
	unsigned copies;
};

static void
next_path(struct pair *p)
{
	(void)snprintf(
	    p->path, sizeof(p->path), "%s/copy%u", p->base, p->copies++);
}

/* No device is asked: faults and cuts are played. */
static int
sync_nothing(struct env_file *f)
{
	(void)f;
	return 0;
}

static int
sync_no_names(struct env *env, const char *path)
{
	(void)env;
	(void)path;
	return 0;
}

static struct pair *
pair_new(void)
{
	struct pair *p = calloc(1, sizeof(*p));

	check_true(p != NULL);
	lsm_store_init(&p->s);
	lsm_store_init(&p->copy);
	p->ops = *p->s.posix.ops;
	p->ops.sync = sync_nothing;
	p->ops.sync_dir = sync_no_names;
	p->s.posix.ops = p->copy.posix.ops = &p->ops;
	check_rmtree(p->copy.dir);
	p->copy.dir = p->path;
	p->copy.options.create = false;
	p->base = check_tmpdir();
	next_path(p);
	return p;
}

static void
pair_free(struct pair *p)
{
	lsm_store_fini(&p->copy);
	lsm_store_fini(&p->s);
	check_rmtree(p->base);
	free(p);
}

static void
take(struct pair *p)
{
	lsm_store_close(&p->copy);
	next_path(p);
	check_ok(lsm_checkpoint(p->s.db, p->path));
	lsm_store_open(&p->copy);
	lsm_store_check(&p->copy);
}

static void
write_batches(struct pair *p, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n <= to; n++)
		check_ok(counted_write(p->s.db, n, NULL));
}

static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* --- what is in it ---------------------------------------------------------
 */

static void
checkpoint__has_everything(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	lsm_store_open(&p->s);
	take(p); /* of nothing */
	check_eq(counted_state(p->copy.db, NULL), 0);
	write_batches(p, 1, 5);
	take(p); /* in the log only */
	check_eq(counted_state(p->copy.db, NULL), 5);
	write_batches(p, 6, 700);
	take(p); /* in tables of several levels and in the log */
	check_eq(counted_state(p->copy.db, NULL), 700);
	check_ok(lsm_flush(p->s.db));
	take(p); /* in tables only */
	check_eq(counted_state(p->copy.db, NULL), 700);
	check_eq(lsm_seq(p->copy.db), lsm_seq(p->s.db));
	check_ok(lsm_compact(p->s.db, NULL, NULL));
	write_batches(p, 701, 702);
	lsm_store_reopen(&p->s);
	take(p);
	check_eq(counted_state(p->copy.db, NULL), 702);
	pair_free(p);
}

/* Several files of the log, those that were prepared among them. */
static void
checkpoint__copies_logs_in_prepared_files(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->s.options.memtable_bytes = 64 << 10;
	p->s.options.memtables_max = 8;
	lsm_store_open(&p->s);
	for (uint64_t n = 1; n <= 2000; n++) {
		uint64_t seq;

		check_ok(counted_write(p->s.db, n, &seq));
		if (n % 3 == 0)
			check_ok(lsm_sync(p->s.db, seq));
		if (n % 250 != 0)
			continue;
		take(p);
		check_eq(counted_state(p->copy.db, NULL), n);
	}
	pair_free(p);
}

static void
checkpoint__is_a_store_of_its_own(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 300);
	take(p);
	/* Both go on, flush, compact, and delete what they had in common. */
	for (uint64_t n = 301; n <= 600; n++)
		check_ok(counted_write(p->copy.db, n, NULL));
	check_eq(counted_state(p->s.db, NULL), 300);
	write_batches(p, 301, 900);
	check_eq(counted_state(p->copy.db, NULL), 600);
	check_ok(lsm_compact(p->copy.db, NULL, NULL));
	check_ok(lsm_compact(p->s.db, NULL, NULL));
	lsm_store_reopen(&p->copy);
	lsm_store_reopen(&p->s);
	check_eq(counted_state(p->copy.db, NULL), 600);
	check_eq(counted_state(p->s.db, NULL), 900);
	lsm_store_check(&p->copy);
	lsm_store_check(&p->s);
	pair_free(p);
}

static uint64_t
state_at(struct lsm *db, const char *name)
{
	struct lsm_snapshot *at;
	uint64_t n;

	check_ok(lsm_snapshot_find(db, name, &at));
	n = counted_state(db, at);
	lsm_snapshot_close(db, at);
	return n;
}

static void
checkpoint__takes_the_snapshots_along(void **state)
{
	struct lsm_snapshot *at;
	struct pair *p = pair_new();

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 10);
	check_ok(lsm_snapshot_create(p->s.db, "old"));
	write_batches(p, 11, 400);
	check_ok(lsm_snapshot_create(p->s.db, "new"));
	write_batches(p, 401, 410);
	take(p);
	check_ok(lsm_snapshot_delete(p->s.db, "old"));
	check_ok(lsm_snapshot_create(p->s.db, "later"));
	check_eq(state_at(p->copy.db, "old"), 10);
	check_eq(state_at(p->copy.db, "new"), 400);
	check_err(lsm_snapshot_find(p->copy.db, "later", &at), -ENOENT);
	check_ok(lsm_compact(p->copy.db, NULL, NULL));
	lsm_store_reopen(&p->copy);
	check_eq(state_at(p->copy.db, "old"), 10);
	check_eq(counted_state(p->copy.db, NULL), 410);
	take(p);
	check_err(lsm_snapshot_find(p->copy.db, "old", &at), -ENOENT);
	check_eq(state_at(p->copy.db, "later"), 410);
	pair_free(p);
}

/* --- where it goes ---------------------------------------------------------
 */

static void
checkpoint__needs_a_directory_of_its_own(void **state)
{
	struct pair *p = pair_new();
	char inside[600];

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 300);
	check_err(lsm_checkpoint(p->s.db, p->s.dir), -ENOTEMPTY);
	check_true(lsm_store_said(&p->s, "not empty"));
	check_err(
	    lsm_checkpoint(p->s.db, lsm_store_file(&p->s, ".sst")), -ENOTDIR);
	(void)snprintf(inside, sizeof(inside), "%s/no/where", p->base);
	check_err(lsm_checkpoint(p->s.db, inside), -ENOENT);
	/* What is there stays, and nothing is added to it. */
	check_ok(mkdir(p->path, 0700));
	(void)snprintf(inside, sizeof(inside), "%s/mine", p->path);
	check_ok(mkdir(inside, 0700));
	check_err(lsm_checkpoint(p->s.db, p->path), -ENOTEMPTY);
	check_ok(rmdir(inside));
	check_ok(rmdir(p->path));
	check_ok(mkdir(p->path, 0700));
	check_ok(lsm_checkpoint(p->s.db, p->path));
	check_err(lsm_checkpoint(p->s.db, p->path), -ENOTEMPTY);
	lsm_store_open(&p->copy);
	check_eq(counted_state(p->copy.db, NULL), 300);
	check_eq(counted_state(p->s.db, NULL), 300);
	pair_free(p);
}

static int
link_fails(struct env *env, const char *from, const char *to)
{
	(void)env;
	(void)from;
	(void)to;
	return -EXDEV;
}

static nlink_t
links_of(struct lsm_store *s)
{
	struct stat st;

	check_ok(stat(lsm_store_file(s, ".sst"), &st));
	return st.st_nlink;
}

static void
checkpoint__copies_tables_where_it_cannot_link(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 500);
	check_ok(lsm_flush(p->s.db));
	take(p);
	check_eq(links_of(&p->copy), 2);
	p->ops.link = link_fails;
	check_ok(lsm_flush(p->s.db));
	take(p);
	check_eq(links_of(&p->copy), 1);
	check_eq(counted_state(p->copy.db, NULL), 500);
	/* A full disk leaves nothing. */
	next_path(p);
	p->s.fault.space_left = 1000;
	check_err(lsm_checkpoint(p->s.db, p->path), -ENOSPC);
	p->s.fault.space_left = UINT64_MAX;
	check_false(is_there(p->path));
	pair_free(p);
}

/* --- faults ----------------------------------------------------------------
 */

/* The n-th change fails: nothing is left.  False: there were fewer. */
static bool
fail_at(struct pair *p, enum env_fault_kind kind, int error, uint64_t n)
{
	int err;

	next_path(p);
	env_fault_arm(&p->s.fault, kind, error, n);
	err = lsm_checkpoint(p->s.db, p->path);
	env_fault_disarm(&p->s.fault);
	if (!err)
		return false;
	check_err(err, -error);
	check_false(is_there(p->path));
	check_ok(lsm_checkpoint(p->s.db, p->path));
	lsm_store_open(&p->copy);
	check_eq(counted_state(p->copy.db, NULL), 300);
	lsm_store_close(&p->copy);
	return true;
}

static void
checkpoint__that_fails_leaves_nothing(void **state)
{
	static const struct {
		enum env_fault_kind kind;
		int error;
	} faults[] = {
	    {ENV_FAULT_ERROR, EIO},
	    {ENV_FAULT_ERROR, ENOSPC},
	    {ENV_FAULT_SHORT, EIO},
	};
	struct pair *p = pair_new();
	uint64_t n;

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 300);
	for (int i = 0; i < 3; i++) {
		for (n = 1; fail_at(p, faults[i].kind, faults[i].error, n); n++)
			continue;
		check_le(15, n);
	}
	write_batches(p, 301, 310);
	lsm_store_reopen(&p->s);
	check_eq(counted_state(p->s.db, NULL), 310);
	pair_free(p);
}

/* The process can do no more: what it leaves does not open. */
static void
checkpoint__that_is_cut_short_is_no_store(void **state)
{
	struct pair *p = pair_new();
	int err = -EIO, rc;

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 300);
	for (uint64_t n = 1; err; n++) {
		next_path(p);
		env_fault_arm(&p->s.fault, ENV_FAULT_DEAD, EIO, n);
		err = lsm_checkpoint(p->s.db, p->path);
		env_fault_disarm(&p->s.fault);
		rc = lsm_store_try_open(&p->copy);
		/* All but the last step, a sync, were done. */
		if (rc == 0)
			check_eq(counted_state(p->copy.db, NULL), 300);
		else if (rc != -ENOENT)
			check_err(rc, -EUCLEAN);
		lsm_store_close(&p->copy);
	}
	check_ok(rc);
	pair_free(p);
}

static void
checkpoint__of_damaged_files_is_refused(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 3);
	lsm_store_damage(lsm_store_file(&p->s, ".log"), 200);
	check_err(lsm_checkpoint(p->s.db, p->path), -EUCLEAN);
	check_true(lsm_store_said(&p->s, "it can be read up to number"));
	check_false(is_there(p->path));
	lsm_store_damage(lsm_store_file(&p->s, ".log"), 200);
	check_ok(lsm_checkpoint(p->s.db, p->path));
	next_path(p);
	check_ok(unlink(lsm_store_file(&p->s, ".log")));
	check_err(lsm_checkpoint(p->s.db, p->path), -EUCLEAN);
	check_true(lsm_store_said(&p->s, "missing, but it is in use"));
	check_false(is_there(p->path));
	pair_free(p);
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
	check_le(state_at(db, name), counted_state(db, NULL));
	return 0;
}

static void
checkpoint__is_of_a_moment_during_the_call(void **state)
{
	void *(*const jobs[])(void *) = {
	    write_on, make_snapshots, compact_again};
	struct writing w = {.begun = 0};
	struct pair *p = pair_new();
	pthread_t threads[3];

	(void)state;
	p->s.options.no_background = false;
	p->s.options.memtables_max = 3;
	lsm_store_open(&p->s);
	w.db = p->s.db;
	for (int i = 0; i < 3; i++)
		check_ok(pthread_create(&threads[i], NULL, jobs[i], &w));
	for (int i = 0; i < (check_long() ? 1000 : 60); i++) {
		uint64_t before = atomic_load(&w.done), n;

		lsm_store_close(&p->copy);
		check_rmtree(p->path);
		next_path(p);
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
	pair_free(p);
}

static void *
checkpoint_too(void *arg)
{
	struct pair *p = arg;

	return lsm_checkpoint(p->s.db, p->path) == 0 ? p : NULL;
}

/* Two at once into one directory: one of them makes it. */
static void
checkpoint__one_directory_has_one_maker(void **state)
{
	struct pair *p = pair_new();
	pthread_t other;
	void *won;

	(void)state;
	lsm_store_open(&p->s);
	write_batches(p, 1, 300);
	for (int i = 0; i < 20; i++) {
		bool mine;

		lsm_store_close(&p->copy);
		next_path(p);
		check_ok(pthread_create(&other, NULL, checkpoint_too, p));
		mine = checkpoint_too(p) != NULL;
		check_ok(pthread_join(other, &won));
		check_eq(mine + (won != NULL), 1);
		lsm_store_open(&p->copy);
		check_eq(counted_state(p->copy.db, NULL), 300);
	}
	pair_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checkpoint__has_everything),
	    cmocka_unit_test(checkpoint__copies_logs_in_prepared_files),
	    cmocka_unit_test(checkpoint__is_a_store_of_its_own),
	    cmocka_unit_test(checkpoint__takes_the_snapshots_along),
	    cmocka_unit_test(checkpoint__needs_a_directory_of_its_own),
	    cmocka_unit_test(checkpoint__copies_tables_where_it_cannot_link),
	    cmocka_unit_test(checkpoint__that_fails_leaves_nothing),
	    cmocka_unit_test(checkpoint__that_is_cut_short_is_no_store),
	    cmocka_unit_test(checkpoint__of_damaged_files_is_refused),
	    cmocka_unit_test(checkpoint__is_of_a_moment_during_the_call),
	    cmocka_unit_test(checkpoint__one_directory_has_one_maker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
