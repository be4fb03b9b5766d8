#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

/* A path in the store's directory, valid until the next call. */
static const char *
path_of(const struct lsm_store *s, const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return path;
}

static void
make_file(const struct lsm_store *s, const char *name)
{
	FILE *f = fopen(path_of(s, name), "w");

	check_true(f != NULL);
	check_ok(fclose(f));
}

static bool
exists(const struct lsm_store *s, const char *name)
{
	return access(path_of(s, name), F_OK) == 0;
}

static void
open__creates_a_directory_and_finds_it_again(void **state)
{
	const char *outer = check_tmpdir();
	struct lsm_store s;
	char dir[512];

	(void)state;
	lsm_store_init(&s);
	(void)snprintf(dir, sizeof(dir), "%s/new", outer);
	s.dir = dir;
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	s.options.create = false;
	lsm_store_reopen(&s);
	check_str(lsm_store_get(&s, "a"), "1");
	lsm_store_fini(&s);
	check_rmtree(outer);
}

static const struct env_ops *posix_ops;
static char synced_dir[512]; /* the first */

static int
note_sync_dir(struct env *env, const char *path)
{
	if (synced_dir[0] == '\0')
		(void)snprintf(synced_dir, sizeof(synced_dir), "%s", path);
	return posix_ops->sync_dir(env, path);
}

static void
note_syncs(struct lsm_store *s, struct env_ops *ops)
{
	posix_ops = s->posix.ops;
	*ops = *posix_ops;
	ops->sync_dir = note_sync_dir;
	s->posix.ops = ops;
	synced_dir[0] = '\0';
}

static void
open__a_new_directory_has_a_durable_name(void **state)
{
	const char *outer = check_tmpdir();
	struct lsm_store s;
	struct env_ops ops;
	char dir[512];

	(void)state;
	lsm_store_init(&s);
	note_syncs(&s, &ops);
	(void)snprintf(dir, sizeof(dir), "%s/new", outer);
	s.dir = dir;
	/* Its name is synced before anything is made in it. */
	env_fault_arm(&s.fault, ENV_FAULT_DEAD, EIO, 3);
	check_err(lsm_store_try_open(&s), -EIO);
	check_str(synced_dir, outer);
	env_fault_disarm(&s.fault);
	lsm_store_open(&s);
	lsm_store_fini(&s);
	check_rmtree(outer);
}

/* Who made it may have died before its name was durable. */
static void
open__an_empty_directory_gets_a_durable_name(void **state)
{
	const char *outer = check_tmpdir();
	struct lsm_store s;
	struct env_ops ops;
	char dir[512];

	(void)state;
	lsm_store_init(&s);
	note_syncs(&s, &ops);
	(void)snprintf(dir, sizeof(dir), "%s/old", outer);
	s.dir = dir;
	check_ok(mkdir(dir, 0700));
	/* The first is the mkdir. */
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, 2);
	check_err(lsm_store_try_open(&s), -EIO);
	check_str(s.fault.hit, "sync_dir");
	check_false(exists(&s, "CURRENT"));
	lsm_store_open(&s);
	check_str(synced_dir, outer);
	lsm_store_put(&s, "a", "1");
	lsm_store_close(&s);
	/* That of a store is. */
	synced_dir[0] = '\0';
	lsm_store_open(&s);
	check_str(synced_dir, dir);
	lsm_store_fini(&s);
	check_rmtree(outer);
}

/* Nobody can sync what he may not read: then it is somebody else's to do. */
static void
open__an_empty_directory_may_be_below_one_that_cannot_be_read(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EACCES, 2);
	lsm_store_open(&s);
	check_str(s.fault.hit, "sync_dir");
	lsm_store_fini(&s);
}

static void
open__without_a_store_is_an_error_and_leaves_nothing(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.create = false;
	check_err(lsm_store_try_open(&s), -ENOENT);
	check_true(lsm_store_said(&s, "no store here"));
	check_false(exists(&s, "LOCK"));
	s.dir = "/nonexistent/store";
	check_err(lsm_store_try_open(&s), -ENOENT);
	lsm_store_fini(&s);
}

static void
open__with_must_create_wants_no_store(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.must_create = true;
	lsm_store_open(&s);
	lsm_store_close(&s);
	check_err(lsm_store_try_open(&s), -EEXIST);
	check_true(lsm_store_said(&s, "there is a store here"));
	lsm_store_fini(&s);
}

static void
open__refuses_a_directory_with_other_files(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	make_file(&s, "letter.txt");
	check_err(lsm_store_try_open(&s), -ENOTEMPTY);
	check_true(lsm_store_said(&s, "other files"));
	check_false(exists(&s, "LOCK"));
	check_ok(unlink(path_of(&s, "letter.txt")));
	check_ok(mkdir(path_of(&s, "lost+found"), 0700));
	lsm_store_open(&s);
	lsm_store_fini(&s);
}

static void
open__leaves_other_files_in_a_store_alone(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	make_file(&s, "letter.txt");
	make_file(&s, "000099.sst");
	make_file(&s, "CURRENT.tmp");
	lsm_store_reopen(&s);
	check_true(exists(&s, "letter.txt"));
	check_false(exists(&s, "000099.sst"));
	check_false(exists(&s, "CURRENT.tmp"));
	lsm_store_fini(&s);
}

static void
open__refuses_options_that_make_no_sense(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.memtables_max = 1;
	check_err(lsm_store_try_open(&s), -EINVAL);
	s.options.memtables_max = 2;
	s.options.block_bytes = 0;
	check_err(lsm_store_try_open(&s), -EINVAL);
	s.options.block_bytes = 4096;
	s.options.level0_tables = 0;
	check_err(lsm_store_try_open(&s), -EINVAL);
	lsm_store_fini(&s);
}

/* Fails each operation of creating a store; then it can be created. */
static void
open__an_interrupted_creation_is_begun_again(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct lsm_store s;
		int err;

		lsm_store_init(&s);
		env_fault_arm(&s.fault, ENV_FAULT_DEAD, EIO, n);
		err = lsm_store_try_open(&s);
		lsm_store_close(&s);
		env_fault_disarm(&s.fault);
		if (err) {
			lsm_store_open(&s);
			lsm_store_put(&s, "a", "1");
			lsm_store_reopen(&s);
			check_str(lsm_store_get(&s, "a"), "1");
		}
		lsm_store_fini(&s);
		if (!err) {
			check_le(5, n);
			return;
		}
	}
}

static void
fill_tables(struct lsm_store *s)
{
	lsm_store_open(s);
	lsm_store_fill(s, 0, 200, 100, 'a');
	check_ok(lsm_flush(s->db));
	lsm_store_close(s);
}

static void
open__a_missing_table_is_named(void **state)
{
	struct lsm_store s;
	const char *table;

	(void)state;
	lsm_store_init(&s);
	fill_tables(&s);
	table = lsm_store_file(&s, ".sst");
	check_ok(unlink(table));
	check_err(lsm_store_try_open(&s), -EUCLEAN);
	check_true(lsm_store_said(&s, table));
	lsm_store_fini(&s);
}

static void
open__a_missing_current_is_damage(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	fill_tables(&s);
	check_ok(unlink(path_of(&s, "CURRENT")));
	check_err(lsm_store_try_open(&s), -EUCLEAN);
	check_true(lsm_store_said(&s, "CURRENT"));
	lsm_store_fini(&s);
}

static void
open__a_damaged_current_is_named(void **state)
{
	struct lsm_store s;
	const char *current;

	(void)state;
	lsm_store_init(&s);
	fill_tables(&s);
	current = path_of(&s, "CURRENT");
	lsm_store_damage(current, 0);
	check_ne(lsm_store_try_open(&s), 0);
	check_true(lsm_store_said(&s, "CURRENT"));
	lsm_store_damage(current, 0); /* undone */
	lsm_store_open(&s);
	lsm_store_expect(&s, 0, 200, 100, 'a');
	lsm_store_fini(&s);
}

static void
open__close_leaves_nothing_unsynced(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	s.fault.syncs = 0;
	check_ok(lsm_close(s.db));
	s.db = NULL;
	check_eq(s.fault.syncs, 1);
	lsm_store_open(&s);
	lsm_store_put(&s, "b", "2");
	env_fault_arm(&s.fault, ENV_FAULT_DEAD, EIO, 1);
	check_err(lsm_close(s.db), -EIO);
	s.db = NULL;
	lsm_store_fini(&s);
}

static void
open__without_options_uses_the_defaults(void **state)
{
	struct lsm_options o;
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	check_err(lsm_open(s.dir, NULL, &s.db), -ENOENT);
	lsm_options_init(&o);
	o.create = true;
	check_ok(lsm_open(s.dir, &o, &s.db));
	lsm_store_put(&s, "a", "1");
	lsm_store_close(&s);
	check_ok(lsm_open(s.dir, NULL, &s.db));
	check_str(lsm_store_get(&s, "a"), "1");
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(open__creates_a_directory_and_finds_it_again),
	    cmocka_unit_test(open__a_new_directory_has_a_durable_name),
	    cmocka_unit_test(open__an_empty_directory_gets_a_durable_name),
	    cmocka_unit_test(
		open__an_empty_directory_may_be_below_one_that_cannot_be_read),
	    cmocka_unit_test(
		open__without_a_store_is_an_error_and_leaves_nothing),
	    cmocka_unit_test(open__with_must_create_wants_no_store),
	    cmocka_unit_test(open__refuses_a_directory_with_other_files),
	    cmocka_unit_test(open__leaves_other_files_in_a_store_alone),
	    cmocka_unit_test(open__refuses_options_that_make_no_sense),
	    cmocka_unit_test(open__an_interrupted_creation_is_begun_again),
	    cmocka_unit_test(open__a_missing_table_is_named),
	    cmocka_unit_test(open__a_missing_current_is_damage),
	    cmocka_unit_test(open__a_damaged_current_is_named),
	    cmocka_unit_test(open__close_leaves_nothing_unsynced),
	    cmocka_unit_test(open__without_options_uses_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
