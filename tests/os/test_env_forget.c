/*
 * Syncs, cuts, restarts, and a base that fails.
 */
#include "engine/os/env_forget.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/os/thread.h"
#include "tests/check.h"
#include "tests/support/forget.h"

static struct forget fx;

/* --- syncs ---------------------------------------------------------------- */

/* A sync in another thread that ends when it is released. */
struct slow_sync {
	struct forget *f;
	struct env_file *file; /* NULL: the directory */
	struct env_ops ops;    /* of the base, with another sleep */
	struct thread thread;
	int err;
};

static atomic_bool sleeps, released;

static void
sleep_until_released(struct env *env, uint64_t us)
{
	check_eq(us, 12345);
	atomic_store(&sleeps, true);
	while (!atomic_load(&released))
		fx.posix.ops->sleep_us(env, 100);
}

static void *
sync_slowly(void *arg)
{
	struct slow_sync *s = arg;

	s->err = s->file ? s->f->env->ops->sync(s->file)
			 : s->f->env->ops->sync_dir(s->f->env, s->f->dir);
	return NULL;
}

static void
begin_slow_sync(struct slow_sync *s, struct forget *f, const char *name)
{
	s->f = f;
	s->file = name ? forget_open(f, name) : NULL;
	s->ops = *f->base.env.ops;
	s->ops.sleep_us = sleep_until_released;
	f->base.env.ops = &s->ops;
	atomic_store(&sleeps, false);
	atomic_store(&released, false);
	env_forget_set_sync_delay(f->forget, 12345);
	check_ok(thread_start(&s->thread, "sync", sync_slowly, s));
	while (!atomic_load(&sleeps))
		env_sleep_us(&f->posix, 100);
}

static int
end_slow_sync(struct slow_sync *s)
{
	atomic_store(&released, true);
	thread_join(&s->thread);
	env_close(s->file);
	return s->err;
}

static void
env_forget__what_is_written_during_a_sync_is_not_synced(void **state)
{
	struct forget *f = *state;
	struct slow_sync s;

	forget_put_synced(f, "a", "one");
	forget_put(f, "a", "two");
	begin_slow_sync(&s, f, "a");
	forget_put(f, "a", "six");
	forget_check(f, "a", "six");
	check_ok(end_slow_sync(&s));
	forget_lose_all(f);
	forget_check(f, "a", "two");
}

static void
env_forget__a_cut_during_a_sync_fails_it(void **state)
{
	struct env_forget_how how = {.keep = ENV_FORGET_KEEP_NONE};
	struct forget *f = *state;
	struct slow_sync s;

	forget_put_synced(f, "a", "one");
	forget_put(f, "a", "two");
	begin_slow_sync(&s, f, "a");
	env_forget_cut(f->forget, &how);
	check_err(env_forget_restart(f->forget, NULL), -EBUSY);
	check_err(end_slow_sync(&s), -EIO);
	check_ok(env_forget_restart(f->forget, NULL));
	forget_check(f, "a", "one");
}

static void
env_forget__a_name_changed_during_a_sync_is_not_synced(void **state)
{
	struct forget *f = *state;
	struct slow_sync s;

	forget_put(f, "a", "one");
	begin_slow_sync(&s, f, NULL);
	forget_put(f, "b", "two");
	check_ok(env_unlink(f->env, forget_path(f, "a")));
	check_ok(end_slow_sync(&s));
	forget_lose_all(f);
	check_true(forget_has(f, "a"));
	check_false(forget_has(f, "b"));
}

/* The directory is not open: the restart need not wait. */
static void
env_forget__a_restart_during_a_sync_of_names_fails_it(void **state)
{
	struct forget *f = *state;
	struct slow_sync s;

	begin_slow_sync(&s, f, NULL);
	forget_lose_all(f);
	forget_put(f, "a", "one");
	check_err(end_slow_sync(&s), -EIO);
	forget_lose_all(f);
	check_false(forget_has(f, "a"));
}

static void
env_forget__a_sync_that_fails_in_the_base_syncs_nothing(void **state)
{
	struct forget *f = *state;
	struct env_forget_options o = {.dir = f->dir};
	struct env_file *file;

	forget_end(f);
	check_ok(env_forget_new(&f->base.env, &o, &f->forget));
	f->env = env_forget_env(f->forget);
	forget_put_synced(f, "a", "one");
	check_eq(f->base.syncs, 1);
	file = forget_open(f, "a");
	check_ok(env_pwrite(file, "two", 3, 0));
	env_fault_arm(&f->base, ENV_FAULT_ERROR, EDQUOT, 1);
	check_err(env_sync(file), -EDQUOT);
	env_close(file);
	forget_lose_all(f);
	check_eq(f->base.syncs, 2); /* what the restart wrote */
	forget_check(f, "a", "one");
}

/* As in a kernel: the file is not what will be there until it is read anew. */
static void
env_forget__a_sync_fails_by_order(void **state)
{
	struct forget *f = *state;

	for (unsigned settle = 0; settle < 2; settle++) {
		struct env_file *file;

		forget_put_synced(f, "a", "one");
		forget_put_synced(f, "b", "one");
		file = forget_open(f, "a");
		check_ok(env_pwrite(file, "two", 3, 0));
		forget_put(f, "b", "two");
		env_forget_fail_sync(f->forget, "/a");
		forget_sync(f, "b");
		check_err(env_sync(file), -EIO);
		check_ok(env_pwrite(file, "three", 5, 1));
		check_ok(env_sync(file));
		env_close(file);
		forget_check(f, "a", "tthree");
		if (settle) {
			check_ok(env_settle(f->env, forget_path(f, "a")));
			forget_check(f, "a", "one");
			forget_put(f, "a", "four");
			forget_sync(f, "a");
		}
		forget_lose_all(f);
		forget_check(f, "a", settle ? "four" : "one");
		forget_check(f, "b", "two");
	}
}

/* --- cuts ----------------------------------------------------------------- */

static void
env_forget__after_a_cut_changes_fail_and_reads_go_on(void **state)
{
	struct forget *f = *state;
	struct env_forget_how how = {.keep = ENV_FORGET_KEEP_NONE};
	struct env_file *file, *other;
	uint64_t size;
	char text[3];

	forget_put(f, "a", "one");
	file = forget_open(f, "a");
	check_false(env_forget_is_cut(f->forget));
	env_forget_cut(f->forget, &how);
	check_true(env_forget_is_cut(f->forget));
	check_err(env_pwrite(file, "two", 3, 0), -EIO);
	check_err(env_sync(file), -EIO);
	check_err(env_truncate(file, 0), -EIO);
	check_err(
	    env_rename(f->env, forget_path(f, "a"), forget_path(f, "b")), -EIO);
	check_err(
	    env_link(f->env, forget_path(f, "a"), forget_path(f, "b")), -EIO);
	check_err(env_unlink(f->env, forget_path(f, "a")), -EIO);
	check_err(env_mkdir(f->env, forget_path(f, "d")), -EIO);
	check_err(env_rmdir(f->env, forget_path(f, "d")), -EIO);
	check_err(env_sync_dir(f->env, f->dir), -EIO);
	check_err(env_open(f->env, forget_path(f, "b"),
		      ENV_OPEN_WRITE | ENV_OPEN_CREATE, &other),
	    -EIO);
	check_err(env_open(f->env, forget_path(f, "a"),
		      ENV_OPEN_WRITE | ENV_OPEN_TRUNC, &other),
	    -EIO);
	check_ok(env_pread_full(file, text, 3, 0));
	check_ok(env_size(file, &size));
	check_eq(size, 3);
	env_close(file);
	/* To open what is there for writing changes nothing. */
	env_close(forget_open(f, "a"));
	forget_check(f, "a", "one");
	check_eq(forget_count(f, f->env), 1);
}

struct called {
	unsigned times;
	struct forget *f;
};

static void
on_cut(void *ctx)
{
	struct called *called = ctx;

	called->times++;
	/* Without locks, and it has happened. */
	check_true(env_forget_is_cut(called->f->forget));
}

static void
env_forget__armed_cut_comes_at_the_nth_change(void **state)
{
	struct forget *f = *state;
	struct env_forget_how how = {.keep = ENV_FORGET_KEEP_PREFIX};
	struct called called = {.f = f};
	struct env_forget_report r;
	struct env_file *file = forget_open(f, "a");
	uint64_t ops = env_forget_ops(f->forget);

	check_ok(env_sync(file));
	forget_sync_names(f);
	check_eq(env_forget_ops(f->forget), ops + 2);
	env_forget_arm(f->forget, 2, &how, on_cut, &called);
	env_forget_arm(f->forget, 0, NULL, NULL, NULL);
	check_ok(env_pwrite(file, "1", 1, 0));
	check_ok(env_pwrite(file, "2", 1, 1));
	check_ok(env_sync(file));
	env_forget_arm(f->forget, 3, &how, on_cut, &called);
	check_ok(env_pwrite(file, "3", 1, 2));
	check_ok(env_truncate(file, 1));
	check_eq(called.times, 0);
	check_err(env_truncate(file, 0), -EIO);
	check_err(env_sync(file), -EIO);
	check_eq(called.times, 1);
	env_close(file);
	forget_check(f, "a", "1");
	check_ok(env_forget_restart(f->forget, &r));
	check_eq(r.ops, ops + 7);
	check_eq(env_forget_ops(f->forget), r.ops);
	check_eq(called.times, 1);
	forget_put(f, "a", "on");
}

/* Creating, too, is an operation; opening what is there is none. */
static void
env_forget__armed_cut_comes_at_a_create(void **state)
{
	struct forget *f = *state;
	struct env_forget_how how = {.keep = ENV_FORGET_KEEP_RANDOM};
	struct called called = {.f = f};
	struct env_file *file;

	forget_put_synced(f, "a", "one");
	env_forget_arm(f->forget, 1, &how, on_cut, &called);
	env_close(forget_open(f, "a"));
	check_err(env_open(f->env, forget_path(f, "a"),
		      ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_EXCL, &file),
	    -EEXIST);
	check_err(
	    env_open(f->env, forget_path(f, "missing"), 0, &file), -ENOENT);
	check_eq(called.times, 0);
	check_err(env_open(f->env, forget_path(f, "b"),
		      ENV_OPEN_WRITE | ENV_OPEN_CREATE, &file),
	    -EIO);
	check_eq(called.times, 1);
	check_eq(forget_count(f, &f->posix), 1);
}

static void
env_forget__restart_waits_for_files_to_be_closed(void **state)
{
	struct forget *f = *state;
	struct env_forget_how how = {.keep = ENV_FORGET_KEEP_NONE};
	struct env_file *file;

	forget_put_synced(f, "a", "one");
	forget_put(f, "a", "two");
	check_ok(env_open(f->env, forget_path(f, "a"), ENV_OPEN_READ, &file));
	env_forget_cut(f->forget, &how);
	check_err(env_forget_restart(f->forget, NULL), -EBUSY);
	check_true(env_forget_is_cut(f->forget));
	forget_check(f, "a", "two");
	env_close(file);
	check_ok(env_forget_restart(f->forget, NULL));
	forget_check(f, "a", "one");
}

/* What a restart found is on the disk: the next cut cannot lose it. */
static void
env_forget__cut_again_after_a_restart(void **state)
{
	struct forget *f = *state;
	uint64_t seed = 0;
	const char *found;

	forget_put_synced(f, "a", "one");
	do {
		forget_put(f, "a", "two");
		forget_put(f, "b", "new");
		forget_restart(f, ENV_FORGET_KEEP_PREFIX, seed++);
	} while (strcmp(forget_text(f, "b"), "-") == 0);
	found = forget_text(f, "b");
	forget_lose_all(f);
	check_str(forget_text(f, "b"), found);
	check_str(forget_text(f, "a"), "two");
	forget_put(f, "a", "six");
	forget_lose_all(f);
	check_str(forget_text(f, "a"), "two");
}

static void
env_forget__the_first_cut_counts(void **state)
{
	struct env_forget_how none = {.keep = ENV_FORGET_KEEP_NONE};
	struct forget *f = *state;

	forget_put_synced(f, "a", "one");
	for (uint64_t seed = 0; seed < 20; seed++) {
		forget_put(f, "a", "two");
		env_forget_cut(f->forget, &none);
		forget_restart(f, ENV_FORGET_KEEP_RANDOM, seed);
		forget_check(f, "a", "one");
	}
}

/* --- the process, and the base -------------------------------------------- */

static void
env_forget__the_end_of_the_process_loses_nothing(void **state)
{
	struct forget *f = *state;

	forget_put_synced(f, "a", "one");
	forget_put(f, "a", "two");
	forget_put(f, "b", "new");
	check_ok(env_unlink(f->env, forget_path(f, "b")));
	forget_put(f, "c", "third");
	forget_end(f);
	check_eq(forget_count(f, &f->posix), 2);
	forget_begin(f);
	forget_check(f, "a", "two");
	forget_check(f, "c", "third");
	/* It was not synced, but of that nobody knows any more. */
	forget_lose_all(f);
	forget_check(f, "a", "two");
}

static void
env_forget__leftovers_are_removed(void **state)
{
	struct forget *f = *state;
	char *names[] = {"a", ENV_FORGET_PREFIX "1", ENV_FORGET_PREFIX "77"};
	struct env_file *file;

	forget_end(f);
	for (unsigned i = 0; i < 3; i++) {
		check_ok(env_open(&f->posix, forget_path(f, names[i]),
		    ENV_OPEN_WRITE | ENV_OPEN_CREATE, &file));
		env_close(file);
	}
	forget_begin(f);
	check_eq(forget_count(f, &f->posix), 1);
	check_true(forget_has(f, "a"));
}

static void
env_forget__a_write_that_fails_leaves_no_trace(void **state)
{
	enum env_fault_kind kinds[] = {ENV_FAULT_ERROR, ENV_FAULT_SHORT};
	struct forget *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct env_file *file;

		forget_put_synced(f, "a", "0123456789");
		file = forget_open(f, "a");
		env_fault_arm(&f->base, kinds[i], ENOSPC, 1);
		check_err(env_pwrite(file, "ABCDEFGH", 8, 6), -ENOSPC);
		env_fault_arm(&f->base, ENV_FAULT_ERROR, ENOSPC, 1);
		check_err(env_truncate(file, 2), -ENOSPC);
		f->base.reads_fail_at = f->base.reads + 1;
		check_err(env_pwrite(file, "ABCDEFGH", 8, 6), -ENOSPC);
		check_ok(env_pwrite(file, "xy", 2, 1));
		env_close(file);
		forget_lose_all(f);
		forget_check(f, "a", "0123456789");
	}
}

/* Each system call of the base may write less than it was asked to. */
static void
env_forget__short_writes_are_undone(void **state)
{
	struct forget *f = *state;
	struct env_forget_report r;
	struct env_file *file;

	forget_put_synced(f, "a", "0123456789");
	file = forget_open(f, "a");
	f->base.space_left = 3;
	check_eq(f->env->ops->pwrite(file, "ABCDEFGH", 8, 6), 3);
	f->base.space_left = UINT64_MAX;
	check_eq(f->env->ops->pwrite(file, "DEFGH", 5, 9), 5);
	env_close(file);
	forget_check(f, "a", "012345ABCDEFGH");
	r = forget_lose_all(f);
	check_eq(r.writes, 2);
	check_eq(r.bytes_lost, 8);
	forget_check(f, "a", "0123456789");
}

#define in_fixture(f) forget_case(f, &fx)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(env_forget__what_is_written_during_a_sync_is_not_synced),
	    in_fixture(env_forget__a_cut_during_a_sync_fails_it),
	    in_fixture(env_forget__a_name_changed_during_a_sync_is_not_synced),
	    in_fixture(env_forget__a_restart_during_a_sync_of_names_fails_it),
	    in_fixture(env_forget__a_sync_that_fails_in_the_base_syncs_nothing),
	    in_fixture(env_forget__a_sync_fails_by_order),
	    in_fixture(env_forget__after_a_cut_changes_fail_and_reads_go_on),
	    in_fixture(env_forget__armed_cut_comes_at_the_nth_change),
	    in_fixture(env_forget__armed_cut_comes_at_a_create),
	    in_fixture(env_forget__restart_waits_for_files_to_be_closed),
	    in_fixture(env_forget__cut_again_after_a_restart),
	    in_fixture(env_forget__the_first_cut_counts),
	    in_fixture(env_forget__the_end_of_the_process_loses_nothing),
	    in_fixture(env_forget__leftovers_are_removed),
	    in_fixture(env_forget__a_write_that_fails_leaves_no_trace),
	    in_fixture(env_forget__short_writes_are_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
