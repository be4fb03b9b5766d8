/*
 * Every operation that changes something fails, one after the other, in a run
 * that flushes, compacts and begins manifests.  Afterwards, on a disk that
 * works, the store opens and holds a prefix of what was written, with all that
 * was synced.
 *
 * Batch n puts n under "count" and under key n % KEYS.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/lsm_store.h"

#define KEYS    17
#define BATCHES 150

struct run {
	struct lsm_store s;
	uint64_t tried;  /* batches */
	uint64_t synced; /* of these lsm_sync returned 0 */
};

/* How a run is to fail. */
struct plan {
	enum env_fault_kind kind;
	int error;
	bool background;
	bool large; /* values stay in the log */
};

static int
write_one(struct run *run, uint64_t n, uint64_t *seq)
{
	struct lsm_batch *b = lsm_batch_new();
	char key[16], value[400];
	size_t size = run->s.options.value_log_bytes ? sizeof(value) : 160;
	int err;

	(void)snprintf(key, sizeof(key), "key%02u", (unsigned)(n % KEYS));
	memset(value, 'v', sizeof(value));
	(void)snprintf(value, sizeof(value), "%u", (unsigned)n);
	check_true(b != NULL);
	check_ok(lsm_batch_put(b, bytes_str("count"), bytes_of(&n, 8)));
	check_ok(lsm_batch_put(b, bytes_str(key), bytes_of(value, size)));
	err = lsm_write(run->s.db, b, seq);
	lsm_batch_free(b);
	return err;
}

/* The work; what fails is left out.  The batch that failed is tried again as
 * long as that may help. */
static void
work(struct run *run)
{
	uint64_t seq;

	if (lsm_store_try_open(&run->s))
		return;
	while (run->tried < BATCHES) {
		uint64_t n = run->tried + 1;
		int err = write_one(run, n, &seq);

		if (err == -EROFS)
			break;
		if (err && err != -ENOSPC && err != -EIO)
			check_ok(err);
		if (err && run->s.fault.kind == ENV_FAULT_DEAD)
			break;
		if (err)
			continue;
		run->tried = n;
		if (n % 10 == 0 && lsm_sync(run->s.db, seq) == 0)
			run->synced = n;
		if (n == BATCHES / 2)
			(void)lsm_compact(run->s.db, NULL, NULL);
	}
	lsm_store_close(&run->s);
}

static uint64_t
last_of(uint64_t n, uint64_t key)
{
	while (n > 0 && n % KEYS != key)
		n--;
	return n;
}

static void
check_prefix(struct run *run)
{
	struct lsm_value value;
	uint64_t n = 0;

	if (lsm_get(run->s.db, NULL, bytes_str("count"), &value) > 0) {
		memcpy(&n, value.bytes.data, 8);
		lsm_value_release(&value);
	}
	check_le(run->synced, n);
	/* One more: the batch may be in the log although the write failed. */
	check_le(n, run->tried + 1);
	for (uint64_t i = 0; i < KEYS; i++) {
		char key[16], want[16];
		uint64_t by = last_of(n, i);
		const char *found;

		(void)snprintf(key, sizeof(key), "key%02u", (unsigned)i);
		(void)snprintf(want, sizeof(want), "%u", (unsigned)by);
		found = lsm_store_get(&run->s, key);
		if (by == 0)
			check_true(found == NULL);
		else
			check_str(found, want);
	}
}

/* False: the run was over before operation n. */
static bool
sweep_one(const struct plan *p, uint64_t n)
{
	struct run *run = calloc(1, sizeof(*run));
	bool hit;

	check_true(run != NULL);
	lsm_store_init(&run->s);
	run->s.options.memtable_bytes = 4096;
	run->s.options.no_background = !p->background;
	run->s.options.value_log_bytes = p->large ? 100 : 0;
	env_fault_arm(&run->s.fault, p->kind, p->error, n);
	work(run);
	hit = run->s.fault.ops >= run->s.fault.at;
	env_fault_disarm(&run->s.fault);
	lsm_store_open(&run->s);
	check_prefix(run);
	lsm_store_check(&run->s);
	check_ok(lsm_store_try_put(&run->s, "more", "1", NULL));
	check_ok(lsm_compact(run->s.db, NULL, NULL));
	check_prefix(run);
	lsm_store_fini(&run->s);
	free(run);
	return hit;
}

static void
sweep(struct plan p)
{
	uint64_t n = 1;
	/* All of them only when there is time. */
	uint64_t step = check_long() ? 1 : 6;
	struct check_rand r = check_rand_of(check_seed());

	n += check_rand_below(&r, step);
	for (; sweep_one(&p, n); n += step)
		continue;
	check_le(200, n);
}

static void
fault__error(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_ERROR, EIO, false, false});
}

static void
fault__no_space(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_ERROR, ENOSPC, false, false});
}

static void
fault__short_write(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_SHORT, EIO, false, false});
}

static void
fault__short_write_without_space(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_SHORT, ENOSPC, false, false});
}

static void
fault__death(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_DEAD, EIO, false, false});
}

static void
fault__death_with_threads(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_DEAD, EIO, true, false});
}

static void
fault__error_with_threads(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_ERROR, EIO, true, false});
}

static void
fault__error_and_large_values(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_ERROR, EIO, false, true});
}

static void
fault__no_space_and_large_values(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_SHORT, ENOSPC, false, true});
}

static void
fault__death_and_large_values(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_DEAD, EIO, false, true});
}

static void
fault__threads_and_large_values(void **state)
{
	(void)state;
	sweep((struct plan){ENV_FAULT_ERROR, EIO, true, true});
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fault__error),
	    cmocka_unit_test(fault__no_space),
	    cmocka_unit_test(fault__short_write),
	    cmocka_unit_test(fault__short_write_without_space),
	    cmocka_unit_test(fault__death),
	    cmocka_unit_test(fault__death_with_threads),
	    cmocka_unit_test(fault__error_with_threads),
	    cmocka_unit_test(fault__error_and_large_values),
	    cmocka_unit_test(fault__no_space_and_large_values),
	    cmocka_unit_test(fault__death_and_large_values),
	    cmocka_unit_test(fault__threads_and_large_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
