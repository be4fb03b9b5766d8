/*
 * Power cuts and kill -9 at random operations under a store on real files: what
 * was synced, or only written before a kill, is there, and the store is in the
 * state after a prefix of the batches.
 *
 * Batch n puts n under "count" and under key n % KEYS, and deletes another
 * key, so the whole state follows from "count".
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/lsm.h"
#include "engine/os/env_fault.h"
#include "engine/os/env_forget.h"
#include "tests/check.h"

#define KEYS 37

struct run {
	struct env posix;
	struct env_forget *forget;
	struct env_fault fault; /* over forget: a dead process */
	struct lsm_options options;
	const char *dir;
	struct lsm *db;
	struct check_rand r;
	uint64_t written; /* batches, those that failed too */
	uint64_t acked;
	uint64_t synced;
	bool power_failed; /* since the store was open */
	uint64_t lost;     /* batches, in all cuts */
	uint64_t broken;   /* cuts that lost synced ones */
};

/* --- batches -------------------------------------------------------------- */

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

static int
write_one(struct run *run)
{
	struct lsm_batch *b = lsm_batch_new();
	uint64_t n = run->written + 1;
	uint8_t value[2048];
	char key[16];
	int err;

	check_true(b != NULL);
	check_ok(lsm_batch_put(b, bytes_str("count"), bytes_of(&n, 8)));
	check_ok(lsm_batch_delete(b, key_of(n * 7 + 3, key)));
	check_ok(lsm_batch_put(
	    b, key_of(n, key), bytes_of(value, value_of(n, value))));
	err = lsm_write(run->db, b, NULL);
	lsm_batch_free(b);
	/* One that failed may be there or not. */
	run->written = n;
	if (!err)
		run->acked = n;
	return err;
}

/* The batch whose value the key has after n batches; 0: none. */
static uint64_t
expected(uint64_t n, uint64_t key)
{
	for (uint64_t i = n; i > 0 && i + KEYS > n; i--) {
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

	run->broken += n < (run->power_failed ? run->synced : run->acked);
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
	run->lost += run->written - n;
	run->written = run->acked = n;
	/* What is found after a power cut is on the disk. */
	if (run->power_failed)
		run->synced = n;
	run->power_failed = false;
}

/* --- rounds --------------------------------------------------------------- */

static int
step(struct run *run)
{
	int err;

	switch (check_rand_below(&run->r, 60)) {
	case 0:
		err = lsm_flush(run->db);
		break;
	case 1:
	case 2:
		err = lsm_sync(run->db, lsm_seq(run->db));
		break;
	default:
		return write_one(run);
	}
	if (!err)
		run->synced = run->written;
	return err;
}

static void
finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "finding: %s\n", text);
}

static void
restart(struct run *run)
{
	struct env_forget_report r;

	check_ok(env_forget_restart(run->forget, &r));
	check_le(r.writes_lost, r.writes);
	check_le(r.names_lost, r.names);
	run->power_failed = true;
}

static struct env_forget_how
any_how(struct run *run)
{
	return (struct env_forget_how){
	    .keep = (enum env_forget_keep)check_rand_below(&run->r, 3),
	    .seed = check_rand(&run->r),
	};
}

static void
arm(struct run *run, uint64_t ops)
{
	struct env_forget_how how = any_how(run);

	env_forget_arm(
	    run->forget, 1 + check_rand_below(&run->r, ops), &how, NULL, NULL);
}

/* False: a cut came while it opened. */
static bool
try_open(struct run *run)
{
	int err = lsm_open(run->dir, &run->options, &run->db);

	env_forget_arm(run->forget, 0, NULL, NULL, NULL);
	if (!env_forget_is_cut(run->forget)) {
		check_ok(err);
		return true;
	}
	/* Or in what its threads began to do. */
	if (!err)
		(void)lsm_close(run->db);
	restart(run);
	return false;
}

static void
open_store(struct run *run)
{
	struct lsm_check_sink sink = {.finding = finding};

	if (check_rand_one_in(&run->r, 3))
		arm(run, 12);
	while (!try_open(run))
		;
	check_state(run);
	check_ok(lsm_check(run->db, &sink));
}

static void
round_until_cut(struct run *run)
{
	struct env_forget_how how = any_how(run);

	open_store(run);
	arm(run, check_rand_one_in(&run->r, 3) ? 20 : 400);
	for (unsigned i = 0; i < 300 && step(run) == 0; i++)
		;
	env_forget_cut(run->forget, &how);
	(void)lsm_close(run->db);
	restart(run);
}

/* kill -9: the process does no more, but the kernel has all it did; the next
 * power cut finds it as unsynced as it was. */
static void
round_until_killed(struct run *run)
{
	open_store(run);
	env_fault_arm(&run->fault, ENV_FAULT_DEAD, EIO,
	    1 + check_rand_below(&run->r, 200));
	for (unsigned i = 0; i < 300 && step(run) == 0; i++)
		;
	env_fault_arm(&run->fault, ENV_FAULT_DEAD, EIO, 1);
	(void)lsm_close(run->db);
	env_fault_disarm(&run->fault);
}

static void
forget_begin(struct run *run)
{
	struct env_forget_options o = {.dir = run->dir, .no_device_sync = true};

	check_ok(env_forget_new(&run->posix, &o, &run->forget));
	env_fault_init(&run->fault, env_forget_env(run->forget));
	run->options.env = &run->fault.env;
}

static void
forget_end(struct run *run)
{
	env_fault_fini(&run->fault);
	env_forget_free(run->forget);
}

/* An orderly end, and another process later. */
static void
round_until_closed(struct run *run)
{
	open_store(run);
	for (unsigned i = 0; i < 50; i++)
		check_ok(write_one(run));
	check_ok(lsm_close(run->db));
	run->synced = run->written;
	forget_end(run);
	forget_begin(run);
}

static void
run_init(struct run *run, bool background)
{
	*run = (struct run){.r = check_rand_of(check_seed())};
	/* Most messages are about what a cut makes fail. */
	env_posix_init(&run->posix, (struct err_sink){.write = NULL});
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
	forget_begin(run);
}

static void
run_fini(struct run *run)
{
	forget_end(run);
	check_rmtree(run->dir);
}

static void
cut_many_times(bool background, unsigned rounds)
{
	struct run run;

	run_init(&run, background);
	for (unsigned i = 0; i < rounds; i++) {
		if (i % 20 == 19)
			round_until_closed(&run);
		else if (check_rand_one_in(&run.r, 3))
			round_until_killed(&run);
		else
			round_until_cut(&run);
	}
	run_fini(&run);
	check_eq(run.broken, 0);
	/* Or there was nothing to see. */
	check_ne(run.lost, 0);
}

static void
forget__cuts_on_demand(void **state)
{
	(void)state;
	cut_many_times(false, check_long() ? 10000 : 300);
}

static void
forget__cuts_with_threads(void **state)
{
	(void)state;
	cut_many_times(true, check_long() ? 10000 : 300);
}

/* A store that says `durable` too early is found out. */
static void
forget__a_broken_promise_is_seen(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, false);
	for (unsigned i = 0; i < 20; i++) {
		struct env_forget_how how = {.keep = ENV_FORGET_KEEP_NONE};

		open_store(&run);
		check_ok(write_one(&run));
		run.synced = run.written;
		env_forget_cut(run.forget, &how);
		(void)lsm_close(run.db);
		restart(&run);
	}
	check_eq(run.broken, 19);
	run_fini(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forget__cuts_on_demand),
	    cmocka_unit_test(forget__cuts_with_threads),
	    cmocka_unit_test(forget__a_broken_promise_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
