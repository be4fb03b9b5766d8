#include "engine/db/reaper.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/os/env.h"
#include "tests/check.h"

/* An env that notes what is removed. */
static struct env_ops ops;
static struct env env = {.ops = &ops};
static _Atomic unsigned removed;
static char last[32]; /* one thread at a time */

static int
note_unlink(struct env *e, const char *path)
{
	(void)e;
	snprintf(last, sizeof(last), "%s", path);
	atomic_fetch_add(&removed, 1);
	return 0;
}

static void
begin(struct reaper *r, bool thread)
{
	struct err_sink nobody = {0};
	struct env posix;

	env_posix_init(&posix, nobody);
	ops = *posix.ops;
	ops.unlink = note_unlink;
	removed = 0;
	reaper_init(r);
	r->env = &env;
	if (thread)
		check_ok(reaper_start(r));
}

static bool
comes_to(unsigned count)
{
	for (int i = 0; i < 1000 && removed < count; i++)
		usleep(1000);
	return removed >= count;
}

static void
reaper__without_a_thread_files_go_at_once(void **state)
{
	struct reaper r;

	(void)state;
	begin(&r, false);
	reaper_take(&r, "a", 1, 1u << 30);
	check_eq(removed, 1);
	check_str(last, "a");
	reaper_fini(&r);
}

/* With a thread, too. */
static void
reaper__small_files_go_at_once(void **state)
{
	struct reaper r;

	(void)state;
	begin(&r, true);
	reaper_take(&r, "a", 1, REAPER_BYTES_MIN - 1);
	check_eq(removed, 1);
	reaper_fini(&r);
}

static void
reaper__large_ones_have_pauses_between(void **state)
{
	struct reaper r;
	uint64_t from;

	(void)state;
	begin(&r, true);
	from = env_now_us(&env);
	for (unsigned i = 0; i < 2; i++)
		reaper_take(&r, "a", i, 100u << 20); /* 0.2 s each */
	check_true(comes_to(2));
	check_le(200000, env_now_us(&env) - from);
	reaper_fini(&r);
}

static void
reaper__none_waits_when_space_is_needed(void **state)
{
	struct reaper r;

	(void)state;
	begin(&r, true);
	for (unsigned i = 0; i < 3; i++)
		reaper_take(&r, "a", i, 80u << 20);
	check_true(comes_to(1));
	check_true(reaper_empty(&r));
	check_eq(removed, 3);
	check_false(reaper_empty(&r));
	check_eq(r.bytes, 0);
	reaper_fini(&r);
}

static void
reaper__does_not_let_too_much_wait(void **state)
{
	struct reaper r;

	(void)state;
	begin(&r, true);
	for (unsigned i = 0; i < 12; i++) /* 0.5 s each */
		reaper_take(&r, "a", i, REAPER_BYTES_MAX);
	/* At once until what waits is within the bound. */
	check_true(comes_to(11));
	reaper_fini(&r);
	check_eq(removed, 12);
}

static void
reaper__removes_what_is_left_at_the_end(void **state)
{
	struct reaper r;

	(void)state;
	begin(&r, true);
	for (unsigned i = 0; i < 4; i++)
		reaper_take(&r, i < 3 ? "a" : "b", i, 60u << 20);
	reaper_fini(&r);
	check_eq(removed, 4);
	check_str(last, "b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reaper__without_a_thread_files_go_at_once),
	    cmocka_unit_test(reaper__small_files_go_at_once),
	    cmocka_unit_test(reaper__large_ones_have_pauses_between),
	    cmocka_unit_test(reaper__none_waits_when_space_is_needed),
	    cmocka_unit_test(reaper__does_not_let_too_much_wait),
	    cmocka_unit_test(reaper__removes_what_is_left_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
