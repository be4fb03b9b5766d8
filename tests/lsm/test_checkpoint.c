#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/copied.h"
#include "tests/support/counted.h"

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
	struct copied *p = copied_new();

	(void)state;
	lsm_store_open(&p->s);
	copied_take(p); /* of nothing */
	check_eq(counted_state(p->copy.db, NULL), 0);
	copied_write(p, 1, 5);
	copied_take(p); /* in the log only */
	check_eq(counted_state(p->copy.db, NULL), 5);
	copied_write(p, 6, 700);
	copied_take(p); /* in tables of several levels and in the log */
	check_eq(counted_state(p->copy.db, NULL), 700);
	check_ok(lsm_flush(p->s.db));
	copied_take(p); /* in tables only */
	check_eq(counted_state(p->copy.db, NULL), 700);
	check_eq(lsm_seq(p->copy.db), lsm_seq(p->s.db));
	check_ok(lsm_compact(p->s.db, NULL, NULL));
	copied_write(p, 701, 702);
	lsm_store_reopen(&p->s);
	copied_take(p);
	check_eq(counted_state(p->copy.db, NULL), 702);
	copied_free(p);
}

/* Several files of the log, those that were prepared among them. */
static void
checkpoint__copies_logs_in_prepared_files(void **state)
{
	struct copied *p = copied_new();

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
		copied_take(p);
		check_eq(counted_state(p->copy.db, NULL), n);
	}
	copied_free(p);
}

static void
checkpoint__is_a_store_of_its_own(void **state)
{
	struct copied *p = copied_new();

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 300);
	copied_take(p);
	/* Both go on, flush, compact, and delete what they had in common. */
	for (uint64_t n = 301; n <= 600; n++)
		check_ok(counted_write(p->copy.db, n, NULL));
	check_eq(counted_state(p->s.db, NULL), 300);
	copied_write(p, 301, 900);
	check_eq(counted_state(p->copy.db, NULL), 600);
	check_ok(lsm_compact(p->copy.db, NULL, NULL));
	check_ok(lsm_compact(p->s.db, NULL, NULL));
	lsm_store_reopen(&p->copy);
	lsm_store_reopen(&p->s);
	check_eq(counted_state(p->copy.db, NULL), 600);
	check_eq(counted_state(p->s.db, NULL), 900);
	lsm_store_check(&p->copy);
	lsm_store_check(&p->s);
	copied_free(p);
}

static void
checkpoint__takes_the_snapshots_along(void **state)
{
	struct lsm_snapshot *at;
	struct copied *p = copied_new();

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 10);
	check_ok(lsm_snapshot_create(p->s.db, "old"));
	copied_write(p, 11, 400);
	check_ok(lsm_snapshot_create(p->s.db, "new"));
	copied_write(p, 401, 410);
	copied_take(p);
	check_ok(lsm_snapshot_delete(p->s.db, "old"));
	check_ok(lsm_snapshot_create(p->s.db, "later"));
	check_eq(copied_state_at(p->copy.db, "old"), 10);
	check_eq(copied_state_at(p->copy.db, "new"), 400);
	check_err(lsm_snapshot_find(p->copy.db, "later", &at), -ENOENT);
	check_ok(lsm_compact(p->copy.db, NULL, NULL));
	lsm_store_reopen(&p->copy);
	check_eq(copied_state_at(p->copy.db, "old"), 10);
	check_eq(counted_state(p->copy.db, NULL), 410);
	copied_take(p);
	check_err(lsm_snapshot_find(p->copy.db, "old", &at), -ENOENT);
	check_eq(copied_state_at(p->copy.db, "later"), 410);
	copied_free(p);
}

/* --- where it goes ---------------------------------------------------------
 */

static void
checkpoint__needs_a_directory_of_its_own(void **state)
{
	struct copied *p = copied_new();
	char inside[600];

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 300);
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
	copied_free(p);
}

static void
checkpoint__copies_tables_where_it_cannot_link(void **state)
{
	struct copied *p = copied_new();

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 500);
	check_ok(lsm_flush(p->s.db));
	copied_take(p);
	check_eq(copied_links(&p->copy), 2);
	p->ops.link = copied_no_link;
	check_ok(lsm_flush(p->s.db));
	copied_take(p);
	check_eq(copied_links(&p->copy), 1);
	check_eq(counted_state(p->copy.db, NULL), 500);
	/* A full disk leaves nothing. */
	copied_next_path(p);
	p->s.fault.space_left = 1000;
	check_err(lsm_checkpoint(p->s.db, p->path), -ENOSPC);
	p->s.fault.space_left = UINT64_MAX;
	check_false(is_there(p->path));
	copied_free(p);
}

/* --- faults ----------------------------------------------------------------
 */

/* The n-th change fails: nothing is left.  False: there were fewer. */
static bool
fail_at(struct copied *p, enum env_fault_kind kind, int error, uint64_t n)
{
	int err;

	copied_next_path(p);
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
	struct copied *p = copied_new();
	uint64_t n;

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 300);
	/* Or a failed sync would end it all. */
	check_ok(lsm_sync(p->s.db, lsm_seq(p->s.db)));
	for (int i = 0; i < 3; i++) {
		for (n = 1; fail_at(p, faults[i].kind, faults[i].error, n); n++)
			continue;
		check_le(15, n);
	}
	copied_write(p, 301, 310);
	lsm_store_reopen(&p->s);
	check_eq(counted_state(p->s.db, NULL), 310);
	copied_free(p);
}

static ino_t
inode_of(const char *path)
{
	struct stat st;

	check_eq(stat(path, &st), 0);
	return st.st_ino;
}

/* Who has opened LOCK before must not lock a file that nobody else sees. */
static void
checkpoint__that_fails_leaves_a_lock_that_was_there(void **state)
{
	struct copied *p = copied_new();
	char lock[600];
	int err = -EIO;
	ino_t inode;

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 300);
	check_ok(lsm_sync(p->s.db, lsm_seq(p->s.db)));
	check_ok(mkdir(p->path, 0700));
	(void)snprintf(lock, sizeof(lock), "%s/LOCK", p->path);
	check_ok(close(open(lock, O_RDWR | O_CREAT, 0600)));
	inode = inode_of(lock);
	for (uint64_t n = 1; err; n++) {
		env_fault_arm(&p->s.fault, ENV_FAULT_ERROR, EIO, n);
		err = lsm_checkpoint(p->s.db, p->path);
		env_fault_disarm(&p->s.fault);
		check_eq(inode_of(lock), inode);
		check_le(n, 100);
		if (!err)
			check_le(15, n);
	}
	lsm_store_open(&p->copy);
	check_eq(counted_state(p->copy.db, NULL), 300);
	check_eq(inode_of(lock), inode);
	copied_free(p);
}

/* The process can do no more: what it leaves does not open. */
static void
checkpoint__that_is_cut_short_is_no_store(void **state)
{
	struct copied *p = copied_new();
	int err = -EIO, rc;

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 300);
	/* Or a failed sync would end it all. */
	check_ok(lsm_sync(p->s.db, lsm_seq(p->s.db)));
	for (uint64_t n = 1; err; n++) {
		copied_next_path(p);
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
	copied_free(p);
}

/* What cannot be made durable here is not handed on; what is, still is. */
static void
checkpoint__syncs_the_log_first(void **state)
{
	struct copied *p = copied_new();

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 3);
	check_ok(lsm_checkpoint(p->s.db, p->path));
	check_eq(lsm_durable_seq(p->s.db), lsm_seq(p->s.db));
	env_fault_arm(&p->s.fault, ENV_FAULT_ERROR, EIO, 1);
	p->s.fault.match = ".log";
	check_err(counted_write(p->s.db, 4, NULL), -EIO);
	copied_take(p);
	check_eq(counted_state(p->copy.db, NULL), 3);
	copied_free(p);
}

static void
checkpoint__of_damaged_files_is_refused(void **state)
{
	struct copied *p = copied_new();

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 3);
	lsm_store_damage(lsm_store_file(&p->s, ".log"), 200);
	check_err(lsm_checkpoint(p->s.db, p->path), -EUCLEAN);
	check_true(lsm_store_said(&p->s, "it can be read up to number"));
	check_false(is_there(p->path));
	lsm_store_damage(lsm_store_file(&p->s, ".log"), 200);
	check_ok(lsm_checkpoint(p->s.db, p->path));
	copied_next_path(p);
	check_ok(unlink(lsm_store_file(&p->s, ".log")));
	check_err(lsm_checkpoint(p->s.db, p->path), -EUCLEAN);
	check_true(lsm_store_said(&p->s, "missing, but it is in use"));
	check_false(is_there(p->path));
	copied_free(p);
}

static void *
checkpoint_too(void *arg)
{
	struct copied *p = arg;

	return lsm_checkpoint(p->s.db, p->path) == 0 ? p : NULL;
}

/* Two at once into one directory: one of them makes it. */
static void
checkpoint__one_directory_has_one_maker(void **state)
{
	struct copied *p = copied_new();
	pthread_t other;
	void *won;

	(void)state;
	lsm_store_open(&p->s);
	copied_write(p, 1, 300);
	for (int i = 0; i < 20; i++) {
		bool mine;

		lsm_store_close(&p->copy);
		copied_next_path(p);
		check_ok(pthread_create(&other, NULL, checkpoint_too, p));
		mine = checkpoint_too(p) != NULL;
		check_ok(pthread_join(other, &won));
		check_eq(mine + (won != NULL), 1);
		lsm_store_open(&p->copy);
		check_eq(counted_state(p->copy.db, NULL), 300);
	}
	copied_free(p);
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
	    cmocka_unit_test(
		checkpoint__that_fails_leaves_a_lock_that_was_there),
	    cmocka_unit_test(checkpoint__that_is_cut_short_is_no_store),
	    cmocka_unit_test(checkpoint__syncs_the_log_first),
	    cmocka_unit_test(checkpoint__of_damaged_files_is_refused),
	    cmocka_unit_test(checkpoint__one_directory_has_one_maker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
