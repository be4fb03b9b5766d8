/*
 * Power cuts at every operation of a checkpoint: the directory is a complete
 * store then, or none that opens; the store itself has what was promised.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/os/env_fault.h"
#include "engine/os/env_forget.h"
#include "tests/check.h"
#include "tests/support/counted.h"

struct run {
	struct env posix;
	struct env_forget *forget;
	struct env_fault fault; /* over forget */
	struct lsm_options options;
	const char *base;
	char store[256], copy[256];
	unsigned copies;
	struct lsm *db;
	struct check_rand r;
	uint64_t written, durable; /* batches */
	uint64_t ops;              /* of the last checkpoint */
	uint64_t fail_at;        /* operation of the next checkpoint; 0: none */
	unsigned complete, none; /* copies that a cut left */
};

static void
open_store(struct run *run)
{
	uint64_t n;

	check_ok(lsm_open(run->store, &run->options, &run->db));
	n = counted_state(run->db, NULL);
	check_le(run->durable, n);
	check_le(n, run->written);
	run->written = run->durable = n;
}

static void
write_more(struct run *run, unsigned batches, bool sync)
{
	while (batches-- > 0)
		check_ok(counted_write(run->db, ++run->written, NULL));
	if (sync) {
		check_ok(lsm_sync(run->db, lsm_seq(run->db)));
		run->durable = run->written;
	}
}

static void
run_init(struct run *run)
{
	struct env_forget_options o = {.no_device_sync = true};

	*run = (struct run){.r = check_rand_of(check_seed())};
	counted_scale = 4;
	env_posix_init(&run->posix, (struct err_sink){.write = NULL});
	check_ok(env_forget_new(&run->posix, &o, &run->forget));
	env_fault_init(&run->fault, env_forget_env(run->forget));
	run->base = check_tmpdir();
	(void)snprintf(run->store, sizeof(run->store), "%s/store", run->base);
	lsm_options_init(&run->options);
	run->options.create = true;
	run->options.memtable_bytes = 8192;
	run->options.table_bytes = 4096;
	run->options.level_base_bytes = 16384;
	run->options.no_background = true;
	/* Some values stay in files of the log. */
	run->options.value_log_bytes = 1000;
	run->options.env = &run->fault.env;
	open_store(run);
	write_more(run, 300, true);
	check_ok(lsm_snapshot_create(run->db, "snap"));
}

static void
run_fini(struct run *run)
{
	check_ok(lsm_close(run->db));
	env_fault_fini(&run->fault);
	env_forget_free(run->forget);
	check_rmtree(run->base);
}

static void
finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "finding: %s\n", text);
}

static int
read_current(struct run *run)
{
	struct env_file *f;
	char path[300];
	int err;

	(void)snprintf(path, sizeof(path), "%s/CURRENT", run->copy);
	err = env_open(&run->fault.env, path, ENV_OPEN_READ, &f);
	if (!err)
		env_close(f);
	return err;
}

/* Whether the copy opens; then it is all of the store with `written`. */
static bool
copy_is_store(struct run *run, uint64_t written)
{
	struct lsm_check_sink sink = {.finding = finding};
	struct lsm_options o = run->options;
	struct lsm_snapshot *at;
	struct lsm *db;
	int err;

	o.create = false;
	err = lsm_open(run->copy, &o, &db);
	if (err) {
		check_true(err == -ENOENT || err == -EUCLEAN);
		/* Nothing tells anybody that it is one. */
		check_err(read_current(run), -ENOENT);
		run->none++;
		return false;
	}
	check_eq(counted_state(db, NULL), written);
	check_ok(lsm_snapshot_find(db, "snap", &at));
	lsm_snapshot_close(db, at);
	check_ok(lsm_check(db, &sink));
	check_ok(lsm_close(db));
	run->complete++;
	return true;
}

static void
cut_and_restart(struct run *run)
{
	struct env_forget_how how = {.keep = ENV_FORGET_KEEP_NONE};

	env_forget_arm(run->forget, 0, NULL, NULL, NULL);
	env_fault_disarm(&run->fault);
	env_forget_cut(run->forget, &how);
	(void)lsm_close(run->db);
	check_ok(env_forget_restart(run->forget, NULL));
}

/* The cut comes at operation n of a checkpoint, or after it.  Returns what the
 * checkpoint did. */
static int
cut_at(struct run *run, enum env_forget_keep keep, uint64_t n)
{
	struct env_forget_how how = {.keep = keep, .seed = check_rand(&run->r)};
	uint64_t written, before;
	bool there;
	int err;

	(void)snprintf(run->copy, sizeof(run->copy), "%s/copy%u", run->base,
	    run->copies++);
	/* So that each time there is the same to be done. */
	check_ok(lsm_compact(run->db, NULL, NULL));
	run->durable = run->written;
	write_more(run, 3, false);
	if (run->fail_at > 0)
		env_fault_arm(&run->fault, ENV_FAULT_ERROR, EIO, run->fail_at);
	before = env_forget_ops(run->forget);
	env_forget_arm(run->forget, n, &how, NULL, NULL);
	err = lsm_checkpoint(run->db, run->copy);
	run->ops = env_forget_ops(run->forget) - before;
	cut_and_restart(run);
	written = run->written;
	if (!err)
		run->durable = written;
	open_store(run);
	there = copy_is_store(run, written);
	if (!err)
		check_true(there);
	return err;
}

static void
cut_everywhere(enum env_forget_keep keep)
{
	struct run run;
	uint64_t n, rounds = check_long() ? 100 : 6;

	run_init(&run);
	while (rounds-- > 0) {
		n = 1;
		while (cut_at(&run, keep, n) != 0)
			n++;
		check_le(15, n);
	}
	check_ne(run.complete, 0);
	check_ne(run.none, 0);
	run_fini(&run);
}

static void
checkpoint__cut_and_nothing_unsynced_kept(void **state)
{
	(void)state;
	cut_everywhere(ENV_FORGET_KEEP_NONE);
}

static void
checkpoint__cut_and_a_prefix_kept(void **state)
{
	(void)state;
	cut_everywhere(ENV_FORGET_KEEP_PREFIX);
}

static void
checkpoint__cut_and_anything_kept(void **state)
{
	(void)state;
	cut_everywhere(ENV_FORGET_KEEP_RANDOM);
}

/* An operation fails, the last one most often, and the power is cut while what
 * was made is removed, or afterwards. */
static void
checkpoint__cut_after_a_failure(void **state)
{
	struct run run;
	unsigned failed = 0;
	uint64_t ops;

	(void)state;
	run_init(&run);
	check_ok(cut_at(&run, ENV_FORGET_KEEP_NONE, 1000));
	ops = run.ops;
	for (int i = 0; i < (check_long() ? 5000 : 250); i++) {
		int err;

		run.fail_at = ops;
		if (check_rand_one_in(&run.r, 3))
			run.fail_at = 1 + check_rand_below(&run.r, ops);
		err = cut_at(&run,
		    (enum env_forget_keep)check_rand_below(&run.r, 3),
		    run.fail_at + check_rand_below(&run.r, 15));
		/* Where the log has its name already there is one less. */
		check_err(err, run.fault.hits > 0 ? -EIO : 0);
		failed += err != 0;
	}
	check_le(200, failed);
	check_ne(run.complete, 0);
	check_ne(run.none, 0);
	run_fini(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checkpoint__cut_and_nothing_unsynced_kept),
	    cmocka_unit_test(checkpoint__cut_and_a_prefix_kept),
	    cmocka_unit_test(checkpoint__cut_and_anything_kept),
	    cmocka_unit_test(checkpoint__cut_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
