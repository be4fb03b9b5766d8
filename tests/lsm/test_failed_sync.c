/*
 * A sync fails, and the store is opened again on the same machine: what the
 * kernel has in memory is then more than what is on the disk, and the next sync
 * says nothing of it.  Then the power is cut: all that was promised is there.
 */
#include <stdlib.h>

#include "engine/lsm.h"
#include "engine/os/env_forget.h"
#include "tests/check.h"
#include "tests/support/counted.h"

struct run {
	struct env posix;
	struct env_forget *forget;
	struct lsm_options options;
	const char *dir;
	struct lsm *db;
	uint64_t written, durable; /* batches */
};

static void
run_open(struct run *run)
{
	check_ok(lsm_open(run->dir, &run->options, &run->db));
	run->written = counted_state(run->db, NULL);
	check_le(run->durable, run->written);
}

static void
run_init(struct run *run)
{
	const struct env_forget_options o = {.no_device_sync = true};

	*run = (struct run){.dir = check_tmpdir()};
	env_posix_init(&run->posix, (struct err_sink){.write = NULL});
	check_ok(env_forget_new(&run->posix, &o, &run->forget));
	lsm_options_init(&run->options);
	run->options.create = true;
	run->options.no_background = true;
	run->options.env = env_forget_env(run->forget);
	/* Some values stay in files of the log. */
	run->options.value_log_bytes = 1000;
	counted_scale = 4;
	run_open(run);
}

static void
run_fini(struct run *run)
{
	check_ok(lsm_close(run->db));
	env_forget_free(run->forget);
	check_rmtree(run->dir);
}

static void
write_more(struct run *run, unsigned batches)
{
	while (batches-- > 0)
		check_ok(counted_write(run->db, ++run->written, NULL));
}

static void
sync_all(struct run *run)
{
	check_ok(lsm_sync(run->db, lsm_seq(run->db)));
	run->durable = run->written;
}

static void
cut_and_open(struct run *run)
{
	const struct env_forget_how how = {.keep = ENV_FORGET_KEEP_NONE};

	env_forget_cut(run->forget, &how);
	(void)lsm_close(run->db);
	check_ok(env_forget_restart(run->forget, NULL));
	run_open(run);
}

static void
failed_sync__of_the_log_is_not_forgotten_by_opening(void **state)
{
	struct run run;

	(void)state;
	run_init(&run);
	write_more(&run, 50);
	sync_all(&run);
	write_more(&run, 50);
	env_forget_fail_sync(run.forget, ".log");
	check_eq(lsm_sync(run.db, lsm_seq(run.db)), -EIO);
	check_ne(lsm_close(run.db), 0);

	run_open(&run);
	write_more(&run, 50);
	sync_all(&run);
	write_more(&run, 50);
	cut_and_open(&run);
	run_fini(&run);
}

/* The flush that it belongs to is not taken for done: its log stays. */
static void
failed_sync__of_the_manifest_is_not_forgotten_by_opening(void **state)
{
	struct run run;

	(void)state;
	run_init(&run);
	write_more(&run, 50);
	check_ok(lsm_flush(run.db));
	write_more(&run, 50);
	sync_all(&run);
	env_forget_fail_sync(run.forget, "MANIFEST");
	check_eq(lsm_flush(run.db), -EIO);
	check_ok(lsm_close(run.db));

	run_open(&run);
	/* At any time names reach the disk, and what was deleted is gone. */
	check_ok(env_sync_dir(run.options.env, run.dir));
	cut_and_open(&run);
	write_more(&run, 50);
	check_ok(lsm_flush(run.db));
	sync_all(&run);
	cut_and_open(&run);
	run_fini(&run);
}

/* Who had the error has not read it: he was killed before. */
static void
failed_sync__at_opening_is_an_error_once(void **state)
{
	static const char *const files[] = {".log", "MANIFEST"};
	struct run run;

	(void)state;
	run_init(&run);
	for (unsigned i = 0; i < 2; i++) {
		write_more(&run, 50);
		sync_all(&run);
		check_ok(lsm_close(run.db));
		env_forget_fail_sync(run.forget, files[i]);
		check_eq(lsm_open(run.dir, &run.options, &run.db), -EIO);
		run_open(&run);
		write_more(&run, 10);
		sync_all(&run);
		cut_and_open(&run);
	}
	run_fini(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		failed_sync__of_the_log_is_not_forgotten_by_opening),
	    cmocka_unit_test(
		failed_sync__of_the_manifest_is_not_forgotten_by_opening),
	    cmocka_unit_test(failed_sync__at_opening_is_an_error_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
