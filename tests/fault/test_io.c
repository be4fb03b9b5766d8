/*
 * Every operation on a file or a name fails, one after the other, and every
 * read: the call that needed it says so, nothing is lost that was acknowledged,
 * and the store goes on, by itself or opened again.
 */
#include <stdio.h>

#include "tests/support/site.h"
#include "tests/support/sweep.h"

enum what { CHANGES, READS, MAPPINGS };

struct fault {
	const char *name;
	enum what what;
	enum env_fault_kind kind; /* of CHANGES */
	int error;
	bool background;
	unsigned runs;
};

static const struct fault *now;

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
	if (now->error != ENOSPC && now->what == CHANGES)
		return err == -EIO || err == -EROFS;
	if (w->db && lsm_failure(w->db) && !is_sync(w))
		return false; /* it could have gone on */
	return err == -now->error ||
	       ((err == -EROFS || err == -EIO) && is_sync(w));
}

static void
seen(struct env_fault *f, bool change, uint64_t n)
{
	(void)f;
	if (change == (now->what == CHANGES))
		site_note(n);
}

static void
arm(struct env_fault *f, uint64_t n)
{
	f->seen = now->what == MAPPINGS ? NULL : seen;
	if (n == 0)
		return;
	f->error = now->error;
	switch (now->what) {
	case CHANGES:
		env_fault_arm(f, now->kind, now->error, n);
		break;
	case READS:
		f->reads_fail_at = n;
		break;
	case MAPPINGS:
		f->maps_fail_at = n;
		break;
	}
}

static uint64_t
places(const struct env_fault *f)
{
	switch (now->what) {
	case READS:
		return f->reads;
	case MAPPINGS:
		return f->maps;
	default:
		return f->ops;
	}
}

static uint64_t
run(struct workload *w, uint64_t n, uint64_t seed)
{
	uint64_t count;

	workload_init(w, seed, false);
	w->explains = explains;
	w->leaves_nothing = now->kind != ENV_FAULT_DEAD;
	w->options.no_background = !now->background;
	w->steps_after = check_long() ? 100 : 10;
	arm(&w->fault, n);
	workload_open(w);
	while (!workload_run(w))
		workload_restart(w);
	count = places(&w->fault);
	workload_fini(w);
	return count;
}

static void
sweep(void **state)
{
	const struct fault *f = *state;
	const struct sweep s = {f->name, run, 6, f->runs};

	now = f;
	check_le(f->what == MAPPINGS ? 0 : 300, sweep_all(&s));
}

/* What fails, how, with what error, with threads in the background?, and how
 * many short runs. */
static struct fault faults[] = {
    {"io__an_error", CHANGES, ENV_FAULT_ERROR, EIO, false, 50},
    {"io__no_space", CHANGES, ENV_FAULT_ERROR, ENOSPC, false, 40},
    {"io__half_a_write", CHANGES, ENV_FAULT_SHORT, EIO, false, 30},
    {"io__half_a_write_no_space", CHANGES, ENV_FAULT_SHORT, ENOSPC, false, 20},
    {"io__death", CHANGES, ENV_FAULT_DEAD, EIO, false, 30},
    {"io__a_read", READS, ENV_FAULT_NONE, EIO, false, 30},
    {"io__a_mapping", MAPPINGS, ENV_FAULT_NONE, ENOMEM, false, 10},
    {"io__an_error_threads", CHANGES, ENV_FAULT_ERROR, EIO, true, 20},
    {"io__no_space_threads", CHANGES, ENV_FAULT_ERROR, ENOSPC, true, 10},
    {"io__death_threads", CHANGES, ENV_FAULT_DEAD, EIO, true, 10},
    {"io__a_read_threads", READS, ENV_FAULT_NONE, EIO, true, 10},
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

int
main(void)
{
	struct CMUnitTest tests[FAULTS];

	for (size_t i = 0; i < FAULTS; i++)
		tests[i] = (struct CMUnitTest){
		    faults[i].name, sweep, NULL, sweep_teardown, &faults[i]};
	return cmocka_run_group_tests_name("fault_io", tests, NULL, NULL);
}
