/*
 * Power cuts at random moments: what was synced is there, and the store is in
 * the state after a prefix of the batches.
 *
 * Batch n puts n under "count" and under key n % KEYS, and deletes another
 * key, so the whole state follows from "count".
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
};

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
cut_many_times(bool background)
{
	struct run run = {.r = check_rand_of(check_seed())};
	struct power *p = calloc(1, sizeof(*p));
	unsigned steps = check_long() ? 300000 : 12000;

	check_true(p != NULL);
	power_init(p, (struct err_sink){on_message, &run.quiet});
	run.dir = check_tmpdir();
	lsm_options_init(&run.options);
	run.options.create = true;
	run.options.memtable_bytes = 8192;
	run.options.table_bytes = 4096;
	run.options.level_base_bytes = 16384;
	run.options.no_background = !background;
	open_on(&run, p);
	for (unsigned i = 0; i < steps; i++)
		step(&run);
	cut(&run);
	check_ok(lsm_close(run.db));
	power_fini(run.power);
	free(run.power);
	check_rmtree(run.dir);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(power__cuts_on_demand),
	    cmocka_unit_test(power__cuts_with_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
