/*
 * What a cut leaves of names: creates, unlinks, renames, links.
 */
#include "engine/os/env_forget_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tests/support/forget.h"

static struct forget fx;

static void
rename_to(struct forget *f, const char *from, const char *to)
{
	check_ok(env_rename(f->env, forget_path(f, from), forget_path(f, to)));
}

static void
remove_file(struct forget *f, const char *name)
{
	check_ok(env_unlink(f->env, forget_path(f, name)));
}

static void
make_dir(struct forget *f, const char *name)
{
	check_ok(env_mkdir(f->env, forget_path(f, name)));
}

static void
sync_dir(struct forget *f, const char *name)
{
	check_ok(env_sync_dir(f->env, forget_path(f, name)));
}

/* The texts of these files, one after the other, valid for two calls. */
static const char *
texts(struct forget *f, const char *a, const char *b)
{
	static char all[2][200];
	static unsigned next;
	char *out = all[next++ % 2];

	snprintf(
	    out, sizeof(all[0]), "%s %s", forget_text(f, a), forget_text(f, b));
	return out;
}

/* A directory is there, or not, at once; what was in it is gone for good. */
static void
env_forget_names__a_directory_is_removed_when_it_is_empty(void **state)
{
	struct forget *f = *state;

	make_dir(f, "d");
	forget_put(f, "d/a", "text");
	check_err(env_rmdir(f->env, forget_path(f, "d")), -ENOTEMPTY);
	remove_file(f, "d/a");
	/* A power cut could bring the file back. */
	check_err(env_rmdir(f->env, forget_path(f, "d")), -ENOTEMPTY);
	sync_dir(f, "d");
	check_ok(env_rmdir(f->env, forget_path(f, "d")));
	forget_lose_all(f);
	check_false(forget_has(f, "d"));
}

/* --- one change ----------------------------------------------------------- */

static void
env_forget_names__a_create_needs_a_sync_of_the_directory(void **state)
{
	struct forget *f = *state;
	struct env_forget_report r;

	forget_put(f, "a", "text");
	forget_sync(f, "a");
	r = forget_lose_all(f);
	check_eq(r.names, 1);
	check_eq(r.names_lost, 1);
	check_false(forget_has(f, "a"));
	forget_put(f, "a", "text");
	forget_sync_names(f);
	r = forget_lose_all(f);
	check_eq(r.names, 0);
	check_eq(r.writes_lost, 1);
	forget_check(f, "a", "");
	forget_put_synced(f, "a", "text");
	forget_lose_all(f);
	forget_check(f, "a", "text");
}

static void
env_forget_names__what_a_lost_file_held_is_reported(void **state)
{
	struct forget *f = *state;
	struct env_forget_report r;

	forget_put(f, "a", "0123456789");
	forget_put(f, "a", "01");
	r = forget_lose_all(f);
	check_eq(r.writes, 2);
	check_eq(r.writes_lost, 2);
	check_eq(r.bytes_lost, 12);
	/* But not what was in a file that was removed for good. */
	forget_put_synced(f, "a", "text");
	forget_put(f, "a", "more text");
	remove_file(f, "a");
	do {
		r = forget_restart(f, ENV_FORGET_KEEP_RANDOM, r.ops);
		check_eq(r.writes, 1);
		if (r.names_lost == 0)
			break;
		forget_put_synced(f, "a", "text");
		forget_put(f, "a", "more text");
		remove_file(f, "a");
	} while (true);
	check_eq(r.writes_lost, 0);
}

static void
env_forget_names__an_unlink_is_undone_until_it_is_synced(void **state)
{
	struct forget *f = *state;

	forget_put_synced(f, "a", "text");
	forget_put(f, "a", "TE");
	remove_file(f, "a");
	check_false(forget_has(f, "a"));
	check_err(env_unlink(f->env, forget_path(f, "a")), -ENOENT);
	forget_lose_all(f);
	forget_check(f, "a", "text");
	remove_file(f, "a");
	check_eq(forget_count(f, f->env), 0);
	check_eq(forget_count(f, &f->posix), 1);
	forget_sync_names(f);
	check_eq(forget_count(f, &f->posix), 0);
	forget_lose_all(f);
	check_false(forget_has(f, "a"));
}

static void
env_forget_names__a_rename_is_undone_until_it_is_synced(void **state)
{
	struct forget *f = *state;

	forget_put_synced(f, "a", "text");
	rename_to(f, "a", "b");
	check_str(texts(f, "a", "b"), "- text");
	forget_lose_all(f);
	check_str(texts(f, "a", "b"), "text -");
	rename_to(f, "a", "b");
	forget_sync_names(f);
	forget_lose_all(f);
	check_str(texts(f, "a", "b"), "- text");
}

static void
env_forget_names__a_rename_over_brings_both_back(void **state)
{
	struct forget *f = *state;

	forget_put_synced(f, "a", "new");
	forget_put_synced(f, "b", "old");
	forget_put(f, "b", "OL");
	rename_to(f, "a", "b");
	check_str(texts(f, "a", "b"), "- new");
	check_eq(forget_count(f, f->env), 1);
	check_eq(forget_count(f, &f->posix), 2);
	forget_lose_all(f);
	check_str(texts(f, "a", "b"), "new old");
	rename_to(f, "a", "b");
	forget_sync_names(f);
	check_eq(forget_count(f, &f->posix), 1);
	forget_lose_all(f);
	check_str(texts(f, "a", "b"), "- new");
}

static void
env_forget_names__a_link_is_another_name_of_the_file(void **state)
{
	struct forget *f = *state;

	forget_put_synced(f, "a", "text");
	check_ok(env_link(f->env, forget_path(f, "a"), forget_path(f, "b")));
	forget_put(f, "b", "TE");
	check_str(texts(f, "a", "b"), "TExt TExt");
	/* They are one: nothing happens. */
	rename_to(f, "a", "b");
	check_str(texts(f, "a", "b"), "TExt TExt");
	forget_lose_all(f);
	check_str(texts(f, "a", "b"), "text -");
	check_ok(env_link(f->env, forget_path(f, "a"), forget_path(f, "b")));
	forget_sync_names(f);
	forget_put(f, "a", "TE");
	forget_sync(f, "b");
	forget_put(f, "b", "next");
	remove_file(f, "a");
	forget_sync_names(f);
	forget_lose_all(f);
	check_str(texts(f, "a", "b"), "- TExt");
	check_err(env_link(f->env, forget_path(f, "a"), forget_path(f, "c")),
	    -ENOENT);
	check_err(env_link(f->env, forget_path(f, "b"), forget_path(f, "b")),
	    -EEXIST);
}

/* --- several -------------------------------------------------------------- */

/* How a file is replaced: each step alone synced or not, never mixed. */
static void
env_forget_names__a_rename_is_atomic(void **state)
{
	struct forget *f = *state;
	unsigned before = 0, after = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		forget_put(f, "a", "new");
		forget_sync(f, "a");
		forget_put_synced(f, "b", "old");
		rename_to(f, "a", "b");
		forget_restart(f, ENV_FORGET_KEEP_RANDOM, seed);
		if (strcmp(texts(f, "a", "b"), "new old") == 0)
			before++;
		else if (strcmp(texts(f, "a", "b"), "- new") == 0)
			after++;
		else
			check_fail("mixed: %s", texts(f, "a", "b"));
	}
	check_ne(before, 0);
	check_ne(after, 0);
}

static void
env_forget_names__changes_of_a_name_keep_their_order(void **state)
{
	const char *steps[] = {
	    "- zero", "one zero", "- one", "two one", "- two", "- -"};
	struct forget *f = *state;
	unsigned seen[6] = {0};

	for (uint64_t seed = 0; seed < 300; seed++) {
		unsigned i = 0;

		forget_put_synced(f, "b", "zero");
		forget_put(f, "a", "one");
		forget_sync(f, "a");
		rename_to(f, "a", "b");
		forget_put(f, "a", "two");
		forget_sync(f, "a");
		rename_to(f, "a", "b");
		remove_file(f, "b");
		forget_restart(f, ENV_FORGET_KEEP_RANDOM, seed);
		while (i < 6 && strcmp(texts(f, "a", "b"), steps[i]) != 0)
			i++;
		if (i == 6)
			check_fail("no step: %s", texts(f, "a", "b"));
		seen[i]++;
		if (forget_has(f, "a"))
			remove_file(f, "a");
	}
	for (unsigned i = 0; i < 6; i++)
		check_ne(seen[i], 0);
}

static void
env_forget_names__names_are_lost_one_by_one(void **state)
{
	struct forget *f = *state;
	unsigned seen[2][2] = {{0}};

	for (uint64_t seed = 0; seed < 100; seed++) {
		struct env_forget_report r;
		bool a, b;

		forget_put(f, "a", "1");
		forget_put(f, "b", "2");
		r = forget_restart(f, ENV_FORGET_KEEP_RANDOM, seed);
		a = forget_has(f, "a");
		b = forget_has(f, "b");
		seen[a][b]++;
		check_eq(r.names, 2);
		check_eq(r.names_lost, !a + !b);
		if (a)
			remove_file(f, "a");
		if (b)
			remove_file(f, "b");
		forget_sync_names(f);
	}
	for (unsigned i = 0; i < 4; i++)
		check_ne(seen[i / 2][i % 2], 0);
}

static void
env_forget_names__prefix_goes_over_names_and_bytes(void **state)
{
	const char *steps[] = {"- old", " old", "new old", "- new", "- NEW"};
	struct forget *f = *state;
	unsigned seen[5] = {0};

	for (uint64_t seed = 0; seed < 200; seed++) {
		unsigned i = 0;

		if (forget_has(f, "a"))
			remove_file(f, "a");
		forget_put_synced(f, "b", "old");
		forget_put(f, "a", "new");
		rename_to(f, "a", "b");
		forget_put(f, "b", "NEW");
		forget_restart(f, ENV_FORGET_KEEP_PREFIX, seed);
		while (i < 5 && strcmp(texts(f, "a", "b"), steps[i]) != 0)
			i++;
		if (i == 5)
			check_fail("no step: %s", texts(f, "a", "b"));
		seen[i]++;
	}
	for (unsigned i = 0; i < 5; i++)
		check_ne(seen[i], 0);
}

/* --- directories ---------------------------------------------------------- */

static void
env_forget_names__a_sync_is_of_one_directory(void **state)
{
	struct forget *f = *state;

	make_dir(f, "d");
	make_dir(f, "d/e");
	forget_put(f, "a", "1");
	forget_put(f, "d/a", "2");
	forget_put(f, "d/e/a", "3");
	sync_dir(f, "d");
	forget_lose_all(f);
	check_false(forget_has(f, "a"));
	check_true(forget_has(f, "d/a"));
	check_false(forget_has(f, "d/e/a"));
	forget_put(f, "a", "1");
	remove_file(f, "d/a");
	forget_sync_names(f);
	forget_lose_all(f);
	check_true(forget_has(f, "a"));
	check_true(forget_has(f, "d/a"));
}

static void
env_forget_names__a_rename_between_directories_is_one_change(void **state)
{
	struct forget *f = *state;

	make_dir(f, "d");
	for (unsigned i = 0; i < 2; i++) {
		forget_put(f, "a", "text");
		forget_sync(f, "a");
		forget_put(f, "b", "other");
		rename_to(f, "a", "d/a");
		forget_put(f, "a", "later");
		if (i == 0)
			forget_sync_names(f);
		else
			sync_dir(f, "d");
		forget_lose_all(f);
		check_str(forget_text(f, "d/a"), "text");
		/* With it, what happened to its names before: no more. */
		check_str(texts(f, "a", "b"), i == 0 ? " " : "- -");
		if (i == 0) {
			remove_file(f, "a");
			remove_file(f, "b");
			forget_sync_names(f);
		}
	}
}

static void
env_forget_names__a_path_has_many_forms(void **state)
{
	struct forget *f = *state;
	char dir[300];

	forget_put(f, "a", "text");
	forget_put(f, ".//a", "TEXT");
	forget_sync(f, "./././a");
	snprintf(dir, sizeof(dir), "%s//.", f->dir);
	check_ok(env_sync_dir(f->env, dir));
	forget_lose_all(f);
	forget_check(f, "a", "TEXT");
}

/* --- open files ----------------------------------------------------------- */

static void
env_forget_names__an_open_file_follows_its_name(void **state)
{
	struct forget *f = *state;
	struct env_file *file;

	forget_put_synced(f, "a", "one");
	file = forget_open(f, "a");
	check_ok(env_pwrite(file, "two", 3, 0));
	rename_to(f, "a", "b");
	forget_sync(f, "b");
	check_ok(env_pwrite(file, "six", 3, 0));
	forget_put(f, "a", "another");
	forget_sync(f, "a");
	env_close(file);
	check_str(texts(f, "a", "b"), "another six");
	forget_sync_names(f);
	forget_lose_all(f);
	check_str(texts(f, "a", "b"), "another two");
}

static void
env_forget_names__an_unlinked_file_goes_on(void **state)
{
	struct forget *f = *state;
	struct env_file *file;
	char text[3];

	for (unsigned synced = 0; synced < 2; synced++) {
		forget_put_synced(f, "a", "one");
		file = forget_open(f, "a");
		check_ok(env_pwrite(file, "two", 3, 0));
		remove_file(f, "a");
		if (synced)
			forget_sync_names(f);
		check_ok(env_pwrite(file, "x", 1, 1));
		check_ok(env_sync(file));
		check_ok(env_pwrite(file, "END", 3, 3));
		check_ok(env_pread_full(file, text, 3, 0));
		check_bytes_eq(bytes_of(text, 3), bytes_str("txo"));
		env_close(file);
		forget_lose_all(f);
		check_str(forget_text(f, "a"), synced ? "-" : "txo");
	}
}

/* --- the base ------------------------------------------------------------- */

static void
env_forget_names__a_change_that_fails_leaves_no_trace(void **state)
{
	struct forget *f = *state;

	forget_put_synced(f, "a", "one");
	forget_put_synced(f, "b", "two");
	/* A link and a rename, a link and an unlink. */
	for (uint64_t n = 1; n <= 2; n++) {
		env_fault_arm(&f->base, ENV_FAULT_ERROR, EDQUOT, n);
		check_err(env_rename(
			      f->env, forget_path(f, "a"), forget_path(f, "b")),
		    -EDQUOT);
		env_fault_arm(&f->base, ENV_FAULT_ERROR, EDQUOT, n);
		check_err(env_unlink(f->env, forget_path(f, "a")), -EDQUOT);
	}
	env_fault_arm(&f->base, ENV_FAULT_ERROR, EDQUOT, 1);
	check_err(env_link(f->env, forget_path(f, "a"), forget_path(f, "c")),
	    -EDQUOT);
	check_err(env_rename(f->env, forget_path(f, "x"), forget_path(f, "b")),
	    -ENOENT);
	check_eq(forget_count(f, &f->posix), 2);
	check_eq(forget_lose_all(f).names, 0);
	check_str(texts(f, "a", "b"), "one two");
}

/* Of a directory that env_forget_new was not told of. */
static void
env_forget_names__leftovers_elsewhere_are_in_nobodys_way(void **state)
{
	struct forget *f = *state;
	struct env_file *file;

	make_dir(f, "d");
	forget_put_synced(f, "d/a", "one");
	sync_dir(f, "d");
	for (unsigned i = 1; i < 4; i++) {
		char name[40];

		snprintf(name, sizeof(name), "d/%s%u", ENV_FORGET_PREFIX, i);
		check_ok(env_open(&f->posix, forget_path(f, name),
		    ENV_OPEN_WRITE | ENV_OPEN_CREATE, &file));
		env_close(file);
	}
	remove_file(f, "d/a");
	forget_lose_all(f);
	forget_check(f, "d/a", "one");
}

#define in_fixture(f) forget_case(f, &fx)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(
		env_forget_names__a_directory_is_removed_when_it_is_empty),
	    in_fixture(
		env_forget_names__a_create_needs_a_sync_of_the_directory),
	    in_fixture(env_forget_names__what_a_lost_file_held_is_reported),
	    in_fixture(
		env_forget_names__an_unlink_is_undone_until_it_is_synced),
	    in_fixture(env_forget_names__a_rename_is_undone_until_it_is_synced),
	    in_fixture(env_forget_names__a_rename_over_brings_both_back),
	    in_fixture(env_forget_names__a_link_is_another_name_of_the_file),
	    in_fixture(env_forget_names__a_rename_is_atomic),
	    in_fixture(env_forget_names__changes_of_a_name_keep_their_order),
	    in_fixture(env_forget_names__names_are_lost_one_by_one),
	    in_fixture(env_forget_names__prefix_goes_over_names_and_bytes),
	    in_fixture(env_forget_names__a_sync_is_of_one_directory),
	    in_fixture(
		env_forget_names__a_rename_between_directories_is_one_change),
	    in_fixture(env_forget_names__a_path_has_many_forms),
	    in_fixture(env_forget_names__an_open_file_follows_its_name),
	    in_fixture(env_forget_names__an_unlinked_file_goes_on),
	    in_fixture(env_forget_names__a_change_that_fails_leaves_no_trace),
	    in_fixture(
		env_forget_names__leftovers_elsewhere_are_in_nobodys_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
