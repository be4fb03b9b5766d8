/*
 * Every operation on a file or a name fails, one after the other, and every
 * read: the call that needed it says so, nothing is lost that was acknowledged,
 * and the store goes on, by itself or opened again.
 */
#include <stdio.h>

#include "tests/support/site.h"
#include "tests/support/sweep.h"

struct fault {
	enum env_fault_kind kind;
	int error;
	bool reads;
	bool background;
};

static struct fault now;

/* The log is poisoned by a sync that failed, whatever the reason. */
static bool
is_sync(const struct workload *w)
{
	return strncmp(w->fault.hit, "sync", 4) == 0;
}

static bool
explains(struct workload *w, int err)
{
	if (w->fault.hits == 0)
		return false;
	if (now.error != ENOSPC && !now.reads)
		return err == -EIO || err == -EROFS;
	if (w->db && lsm_failure(w->db) && !is_sync(w))
		return false; /* it could have gone on */
	return err == -now.error ||
	       ((err == -EROFS || err == -EIO) && is_sync(w));
}

static void
seen(struct env_fault *f, bool change, uint64_t n)
{
	(void)f;
	if (change == !now.reads)
		site_note(n);
}

static void
arm(struct workload *w, uint64_t n)
{
	w->fault.seen = seen;
	if (n == 0)
		return;
	if (!now.reads) {
		env_fault_arm(&w->fault, now.kind, now.error, n);
		return;
	}
	w->fault.error = now.error;
	w->fault.reads_fail_at = n;
}

static uint64_t
run(struct workload *w, uint64_t n, uint64_t seed)
{
	uint64_t places;

	workload_init(w, seed, false);
	w->explains = explains;
	w->leaves_nothing = now.kind != ENV_FAULT_DEAD;
	w->options.no_background = !now.background;
	w->steps_after = check_long() ? 100 : 10;
	arm(w, n);
	workload_open(w);
	while (!workload_run(w))
		workload_restart(w);
	places = now.reads ? w->fault.reads : w->fault.ops;
	workload_fini(w);
	return places;
}

static void
sweep(const char *name, struct fault fault, unsigned samples)
{
	const struct sweep s = {name, run, 6, samples};

	now = fault;
	check_le(500, sweep_all(&s));
}

static void
io__an_error(void **state)
{
	(void)state;
	sweep("EIO", (struct fault){ENV_FAULT_ERROR, EIO, false, false}, 50);
}

static void
io__no_space(void **state)
{
	(void)state;
	sweep("ENOSPC", (struct fault){ENV_FAULT_ERROR, ENOSPC, false, false},
	    40);
}

static void
io__half_a_write(void **state)
{
	(void)state;
	sweep("half, EIO", (struct fault){ENV_FAULT_SHORT, EIO, false, false},
	    30);
}

static void
io__half_a_write_without_space(void **state)
{
	(void)state;
	sweep("half, ENOSPC",
	    (struct fault){ENV_FAULT_SHORT, ENOSPC, false, false}, 20);
}

static void
io__a_read(void **state)
{
	(void)state;
	sweep(
	    "read, EIO", (struct fault){ENV_FAULT_NONE, EIO, true, false}, 30);
}

static void
io__death(void **state)
{
	(void)state;
	sweep("death", (struct fault){ENV_FAULT_DEAD, EIO, false, false}, 30);
}

static void
io__an_error_with_threads(void **state)
{
	(void)state;
	sweep("EIO, threads", (struct fault){ENV_FAULT_ERROR, EIO, false, true},
	    20);
}

static void
io__no_space_with_threads(void **state)
{
	(void)state;
	sweep("ENOSPC, threads",
	    (struct fault){ENV_FAULT_ERROR, ENOSPC, false, true}, 10);
}

static void
io__a_read_with_threads(void **state)
{
	(void)state;
	sweep("read, EIO, threads",
	    (struct fault){ENV_FAULT_NONE, EIO, true, true}, 10);
}

static void
io__death_with_threads(void **state)
{
	(void)state;
	sweep("death, threads",
	    (struct fault){ENV_FAULT_DEAD, EIO, false, true}, 10);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_teardown(io__##f, sweep_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(an_error),
	    CASE(no_space),
	    CASE(half_a_write),
	    CASE(half_a_write_without_space),
	    CASE(a_read),
	    CASE(death),
	    CASE(an_error_with_threads),
	    CASE(no_space_with_threads),
	    CASE(a_read_with_threads),
	    CASE(death_with_threads),
	};

	return cmocka_run_group_tests_name("fault_io", tests, NULL, NULL);
}
