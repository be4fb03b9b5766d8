/*
 * The power is cut at every operation on a file or a name.  What the cut may
 * leave is the state after some prefix of the writes, holds everything that was
 * promised, and the store goes on with it.
 */
#include <stdio.h>

#include "tests/support/site.h"
#include "tests/support/sweep.h"

static struct env_forget_how now;
static bool background;

static struct workload *running;
static uint64_t cut_at; /* operation; 0: none */

static void
seen(struct env_fault *f, bool change, uint64_t n)
{
	(void)f;
	if (!change)
		return;
	site_note(n);
	if (n == cut_at)
		env_forget_cut(running->forget, &now);
}

static bool
explains(struct workload *w, int err)
{
	return env_forget_is_cut(w->forget) && (err == -EIO || err == -EROFS);
}

static uint64_t
run(struct workload *w, uint64_t n, uint64_t seed)
{
	uint64_t places;

	workload_init(w, seed, true);
	w->explains = explains;
	w->options.no_background = !background;
	w->steps_after = check_long() ? 60 : 10;
	w->fault.seen = seen;
	running = w;
	cut_at = n;
	workload_open(w);
	while (!workload_run(w))
		workload_restart(w);
	places = w->fault.ops;
	workload_fini(w);
	return places;
}

static void
sweep(const char *name, enum env_forget_keep keep, unsigned samples)
{
	const struct sweep s = {name, run, 6, samples};

	now.keep = keep;
	check_le(500, sweep_all(&s));
}

/* Other choices of what is left each time. */
static void
sweep_random(const char *name, unsigned samples)
{
	unsigned rounds = check_long() ? 3 : 1;
	struct check_rand r = check_rand_of(check_seed());

	for (unsigned i = 0; i < rounds; i++) {
		now.seed = check_rand(&r);
		sweep(name, ENV_FORGET_KEEP_RANDOM, samples);
	}
}

static void
cut__all_unsynced_is_lost(void **state)
{
	(void)state;
	background = false;
	sweep("cut, nothing kept", ENV_FORGET_KEEP_NONE, 40);
}

static void
cut__a_prefix_is_left(void **state)
{
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	background = false;
	now.seed = check_rand(&r);
	sweep("cut, a prefix kept", ENV_FORGET_KEEP_PREFIX, 30);
}

static void
cut__any_part_is_left(void **state)
{
	(void)state;
	background = false;
	sweep_random("cut, any part kept", 40);
}

static void
cut__any_part_is_left_with_threads(void **state)
{
	(void)state;
	background = true;
	sweep_random("cut, any part kept, threads", 20);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_teardown(cut__##f, sweep_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(all_unsynced_is_lost),
	    CASE(a_prefix_is_left),
	    CASE(any_part_is_left),
	    CASE(any_part_is_left_with_threads),
	};

	return cmocka_run_group_tests_name("fault_cut", tests, NULL, NULL);
}
