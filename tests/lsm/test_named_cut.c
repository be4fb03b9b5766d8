/*
 * Power cuts at random operations of a store whose snapshots are made, dropped
 * and looked at all the time: what was made is there and shows its moment,
 * what was dropped is not, and what was in the making is there as a whole or
 * not at all.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/os/env_forget.h"
#include "tests/check.h"
#include "tests/support/counted.h"

#define NAMES 12

enum fate { GONE, THERE, MAYBE };

/* One name, as a cut may find it. */
struct mark {
	enum fate fate;
	uint64_t count; /* batches that it shows */
};

struct run {
	struct env posix;
	struct env_forget *forget;
	struct lsm_options options;
	const char *dir;
	struct lsm *db;
	struct check_rand r;
	uint64_t written; /* batches, those that failed too */
	uint64_t durable; /* at least */
	struct mark marks[NAMES];
	unsigned found; /* snapshots, in all rounds */
	unsigned maybes[2];
};

static const char *
name_of(unsigned i)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "snap%u", i);
	return name;
}

/* --- steps -----------------------------------------------------------------
 */

static int
make(struct run *run, unsigned i)
{
	struct mark *m = &run->marks[i];
	int err = lsm_snapshot_create(run->db, name_of(i));

	if (m->fate == THERE) {
		/* -EROFS: a thread has met the cut before. */
		check_true(err == -EEXIST || err == -EIO || err == -EROFS);
		return err == -EEXIST ? 0 : err;
	}
	m->count = run->written;
	m->fate = err ? MAYBE : THERE;
	if (!err)
		run->durable = run->written;
	return err;
}

static int
drop(struct run *run, unsigned i)
{
	struct mark *m = &run->marks[i];
	int err = lsm_snapshot_delete(run->db, name_of(i));

	if (m->fate == GONE) {
		check_err(err, -ENOENT);
		return 0; /* nothing had to be written */
	}
	m->fate = err ? MAYBE : GONE;
	return err;
}

static bool
check_mark(struct run *run, unsigned i)
{
	const struct mark *m = &run->marks[i];
	struct lsm_snapshot *at;
	int err = lsm_snapshot_find(run->db, name_of(i), &at);

	if (m->fate == GONE)
		check_err(err, -ENOENT);
	if (m->fate == THERE)
		check_ok(err);
	if (err)
		return false;
	check_eq(counted_state(run->db, at), m->count);
	lsm_snapshot_close(run->db, at);
	return true;
}

static int
step(struct run *run)
{
	unsigned i = (unsigned)check_rand_below(&run->r, NAMES);
	int err;

	switch (check_rand_below(&run->r, 40)) {
	case 0:
		return lsm_flush(run->db);
	case 1:
	case 2:
		return make(run, i);
	case 3:
	case 4:
		return drop(run, i);
	case 5:
		check_mark(run, i);
		return 0;
	default:
		err = counted_write(run->db, run->written + 1, NULL);
		/* One that failed may be there or not, but no snapshot is made
		 * after it. */
		run->written++;
		return err;
	}
}

/* --- rounds ----------------------------------------------------------------
 */

static void
arm(struct run *run, uint64_t ops)
{
	struct env_forget_how how = {
	    .keep = (enum env_forget_keep)check_rand_below(&run->r, 3),
	    .seed = check_rand(&run->r),
	};

	env_forget_arm(
	    run->forget, 1 + check_rand_below(&run->r, ops), &how, NULL, NULL);
}

static void
restart(struct run *run)
{
	struct env_forget_how how = {.keep = ENV_FORGET_KEEP_NONE};

	env_forget_cut(run->forget, &how);
	if (run->db)
		(void)lsm_close(run->db);
	run->db = NULL;
	check_ok(env_forget_restart(run->forget, NULL));
}

static void
finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "finding: %s\n", text);
}

static int
count_one(void *ctx, const char *name, uint64_t seq, uint64_t created_ms)
{
	(void)name;
	(void)seq;
	(void)created_ms;
	++*(unsigned *)ctx;
	return 0;
}

/* What was found stays so. */
static void
check_everything(struct run *run)
{
	struct lsm_check_sink sink = {.finding = finding};
	unsigned found = 0, listed = 0;
	uint64_t n = counted_state(run->db, NULL);

	check_le(run->durable, n);
	check_le(n, run->written);
	for (unsigned i = 0; i < NAMES; i++) {
		bool there = check_mark(run, i);

		found += there;
		if (run->marks[i].fate == MAYBE)
			run->maybes[there]++;
		run->marks[i].fate = there ? THERE : GONE;
	}
	check_ok(lsm_snapshot_list(run->db, count_one, &listed));
	check_eq(listed, found);
	run->found += found;
	check_ok(lsm_check(run->db, &sink));
	run->written = run->durable = n;
}

/* A cut may come while it opens, or in what its threads begin then. */
static void
open_store(struct run *run)
{
	bool cut;

	do {
		int err;

		if (check_rand_one_in(&run->r, 3))
			arm(run, 12);
		err = lsm_open(run->dir, &run->options, &run->db);
		env_forget_arm(run->forget, 0, NULL, NULL, NULL);
		cut = env_forget_is_cut(run->forget);
		if (!cut)
			check_ok(err);
		if (cut)
			restart(run);
	} while (cut);
	check_everything(run);
}

static void
cut_many_times(bool background, unsigned rounds)
{
	struct env_forget_options o = {.no_device_sync = true};
	struct run run = {.r = check_rand_of(check_seed())};

	env_posix_init(&run.posix, (struct err_sink){.write = NULL});
	run.dir = check_tmpdir();
	lsm_options_init(&run.options);
	run.options.create = true;
	run.options.memtable_bytes = 8192;
	run.options.table_bytes = 4096;
	run.options.level_base_bytes = 16384;
	run.options.no_background = !background;
	check_ok(env_forget_new(&run.posix, &o, &run.forget));
	run.options.env = env_forget_env(run.forget);
	for (unsigned i = 0; i < rounds; i++) {
		open_store(&run);
		arm(&run, check_rand_one_in(&run.r, 3) ? 20 : 400);
		for (unsigned j = 0; j < 300 && step(&run) == 0; j++)
			;
		restart(&run);
	}
	env_forget_free(run.forget);
	check_rmtree(run.dir);
	/* Or there was nothing to see. */
	check_le(rounds, run.found);
	check_ne(run.maybes[0], 0);
	check_ne(run.maybes[1], 0);
}

static void
named__cuts_on_demand(void **state)
{
	(void)state;
	cut_many_times(false, check_long() ? 10000 : 300);
}

static void
named__cuts_with_threads(void **state)
{
	(void)state;
	cut_many_times(true, check_long() ? 10000 : 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(named__cuts_on_demand),
	    cmocka_unit_test(named__cuts_with_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
