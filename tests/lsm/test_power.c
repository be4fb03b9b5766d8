/*
 * Power cuts at random moments: what was synced is there, and the store is in
 * the state after a prefix of the batches.
 *
 * Batch n puts n under "count" and under key n % KEYS, and deletes another
 * key, so the whole state follows from "count".
 *
 * Cuts come between two calls, or within one, at any change that it makes to
 * a file or a name.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm.h"
#include "tests/support/power.h"

#define KEYS 37

struct run {
	struct power *power;
	struct lsm_options options;
	const char *dir;
	struct lsm *db;
	struct check_rand r;
	uint64_t written; /* batches */
	uint64_t synced;
	atomic_bool quiet; /* errors are expected */

	/* at the left-th change from now on: what a cut leaves, and how much
	 * was synced then; 0: no cut is due */
	uint64_t left;
	struct power *after;
	uint64_t synced_at_cut;
};

/* --- cuts within a call ----------------------------------------------------
 */

static struct run *within; /* NULL: none; for one thread only */
static const struct env_ops *power_ops;

static void
before_change(void)
{
	if (!within || within->left == 0 || --within->left > 0)
		return;
	within->after = calloc(1, sizeof(*within->after));
	check_true(within->after != NULL);
	power_cut(within->power, &within->r, within->after);
	within->synced_at_cut = within->synced;
}

static ssize_t
cut_pwrite(struct env_file *f, const void *data, size_t size, uint64_t offset)
{
	before_change();
	return power_ops->pwrite(f, data, size, offset);
}

static int
cut_sync(struct env_file *f)
{
	before_change();
	return power_ops->sync(f);
}

static int
cut_truncate(struct env_file *f, uint64_t size)
{
	before_change();
	return power_ops->truncate(f, size);
}

static int
cut_rename(struct env *env, const char *from, const char *to)
{
	before_change();
	return power_ops->rename(env, from, to);
}

static int
cut_unlink(struct env *env, const char *path)
{
	before_change();
	return power_ops->unlink(env, path);
}

static int
cut_sync_dir(struct env *env, const char *path)
{
	before_change();
	return power_ops->sync_dir(env, path);
}

static const struct env_ops *
cutting_ops(void)
{
	static struct env_ops ops;

	ops = *power_ops;
	ops.pwrite = cut_pwrite;
	ops.sync = cut_sync;
	ops.truncate = cut_truncate;
	ops.rename = cut_rename;
	ops.unlink = cut_unlink;
	ops.sync_dir = cut_sync_dir;
	return &ops;
}

/* --- what is written --------------------------------------------------------
 */

static void
on_message(void *ctx, enum err_level level, const char *text)
{
	const atomic_bool *quiet = ctx;

	if (level > ERR_LEVEL_INFO && !*quiet)
		fprintf(stderr, "%s\n", text);
}

static size_t
value_of(uint64_t n, uint8_t *out)
{
	struct check_rand r = check_rand_of(n);
	size_t size =
	    8 + check_rand_below(&r, check_rand_one_in(&r, 9) ? 2000 : 100);

	memset(out, (int)(n & 0xff), size);
	memcpy(out, &n, 8);
	return size;
}

static struct bytes
key_of(uint64_t i, char key[16])
{
	(void)snprintf(key, 16, "key%02u", (unsigned)(i % KEYS));
	return bytes_str(key);
}

static void
write_one(struct run *run)
{
	struct lsm_batch *b = lsm_batch_new();
	uint64_t n = run->written + 1;
	uint8_t value[2048];
	char key[16];

	check_true(b != NULL);
	check_ok(lsm_batch_put(b, bytes_str("count"), bytes_of(&n, 8)));
	check_ok(lsm_batch_delete(b, key_of(n * 7 + 3, key)));
	check_ok(lsm_batch_put(
	    b, key_of(n, key), bytes_of(value, value_of(n, value))));
	check_ok(lsm_write(run->db, b, NULL));
	lsm_batch_free(b);
	run->written = n;
}

/* The batch whose value the key has after n batches; 0: none. */
static uint64_t
expected(uint64_t n, uint64_t key)
{
	for (uint64_t i = n; i > 0; i--) {
		if (i % KEYS == key)
			return i;
		if ((i * 7 + 3) % KEYS == key)
			return 0;
	}
	return 0;
}

static uint64_t
read_count(struct run *run)
{
	struct lsm_value value;
	uint64_t n = 0;
	int rc = lsm_get(run->db, NULL, bytes_str("count"), &value);

	check_le(0, rc);
	if (rc > 0) {
		check_eq(value.bytes.size, 8);
		memcpy(&n, value.bytes.data, 8);
		lsm_value_release(&value);
	}
	return n;
}

static void
check_state(struct run *run)
{
	uint64_t n = read_count(run);
	uint8_t want[2048];
	struct lsm_value value;
	char key[16];

	check_le(run->synced, n);
	check_le(n, run->written);
	for (uint64_t i = 0; i < KEYS; i++) {
		uint64_t by = expected(n, i);
		int rc = lsm_get(run->db, NULL, key_of(i, key), &value);

		check_eq(rc, by > 0);
		if (rc == 0)
			continue;
		check_bytes_eq(value.bytes, bytes_of(want, value_of(by, want)));
		lsm_value_release(&value);
	}
	run->written = run->synced = n;
}

static void
finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "finding: %s\n", text);
}

static void
open_on(struct run *run, struct power *p)
{
	struct lsm_check_sink sink = {.finding = finding};

	run->power = p;
	if (within) {
		power_ops = p->env.ops;
		p->env.ops = cutting_ops();
	}
	run->options.env = &p->env;
	check_ok(lsm_open(run->dir, &run->options, &run->db));
	check_state(run);
	check_ok(lsm_check(run->db, &sink));
}

static void
cut(struct run *run)
{
	struct power *after = calloc(1, sizeof(*after));
	struct power *before = run->power;

	check_true(after != NULL);
	power_cut(before, &run->r, after);
	check_ok(lsm_close(run->db));
	power_fini(before);
	free(before);
	open_on(run, after);
}

/* kill -9: what was written is there, but is not durable by that. */
static void
die(struct run *run)
{
	uint64_t synced = run->synced, written = run->written;

	run->quiet = true;
	power_kill(run->power);
	(void)lsm_close(run->db);
	power_revive(run->power);
	run->quiet = false;
	open_on(run, run->power);
	check_eq(run->written, written);
	run->synced = synced;
}

static void
step(struct run *run)
{
	switch (check_rand_below(&run->r, 60)) {
	case 0:
		cut(run);
		break;
	case 4:
		die(run);
		break;
	case 1:
	case 2:
		check_ok(lsm_sync(run->db, lsm_seq(run->db)));
		run->synced = run->written;
		break;
	case 3:
		check_ok(lsm_flush(run->db));
		run->synced = run->written;
		break;
	default:
		write_one(run);
	}
}

static void
run_begin(struct run *run, bool background)
{
	struct power *p = calloc(1, sizeof(*p));

	check_true(p != NULL);
	power_init(p, (struct err_sink){on_message, &run->quiet});
	run->dir = check_tmpdir();
	lsm_options_init(&run->options);
	run->options.create = true;
	run->options.memtable_bytes = 8192;
	run->options.table_bytes = 4096;
	run->options.level_base_bytes = 16384;
	/* With 1 about two thirds of the log are large values. */
	run->options.value_log_bytes =
	    (size_t[]){0, 1, 1, 500}[check_rand_below(&run->r, 4)];
	run->options.no_background = !background;
	open_on(run, p);
}

static void
run_end(struct run *run)
{
	check_ok(lsm_close(run->db));
	power_fini(run->power);
	free(run->power);
	check_rmtree(run->dir);
}

static void
cut_many_times(bool background)
{
	struct run run = {.r = check_rand_of(check_seed())};
	unsigned steps = check_long() ? 300000 : 12000;

	within = NULL; /* if that case failed */
	run_begin(&run, background);
	for (unsigned i = 0; i < steps; i++)
		step(&run);
	cut(&run);
	run_end(&run);
}

static void
power__cuts_on_demand(void **state)
{
	(void)state;
	cut_many_times(false);
}

static void
power__cuts_with_threads(void **state)
{
	(void)state;
	cut_many_times(true);
}

/* Many syncs and some flushes, so that the log goes from one prepared file to
 * the next, and files are used again. */
static void
step_within(struct run *run)
{
	uint64_t kind = check_rand_below(&run->r, 100);

	if (kind < 20) {
		check_ok(lsm_sync(run->db, lsm_seq(run->db)));
		run->synced = run->written;
	} else if (kind < 22) {
		check_ok(lsm_flush(run->db));
		run->synced = run->written;
	} else {
		write_one(run);
	}
}

/* One life, from opening the store to a cut that is due at a random change.
 * The call goes on to its end, in a world that is not to be. */
static void
live_and_cut(struct run *run)
{
	struct power *before = run->power;

	/* Many lives are short: the first prepared file is the riskiest. */
	run->left = 1 + check_rand_below(&run->r,
			    check_rand_one_in(&run->r, 3) ? 2000 : 150);
	while (!run->after)
		step_within(run);
	run->synced = run->synced_at_cut;
	check_ok(lsm_close(run->db));
	power_fini(before);
	free(before);
	before = run->after;
	run->after = NULL;
	open_on(run, before);
}

static void
power__cuts_within_calls(void **state)
{
	struct run run = {.r = check_rand_of(check_seed())};
	unsigned lives = check_long() ? 5000 : 300;

	(void)state;
	within = &run;
	run_begin(&run, false);
	for (unsigned i = 0; i < lives; i++)
		live_and_cut(&run);
	run_end(&run);
	within = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(power__cuts_on_demand),
	    cmocka_unit_test(power__cuts_within_calls),
	    cmocka_unit_test(power__cuts_with_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
