/* rename: its errors, and prefixes. */
#include <stdio.h>

#include "fs/record/key.h"
#include "tests/check.h"
#include "tests/support/volume.h"

static struct volume t;

static bool
has_key(char tag, const char *prefix, const char *name)
{
	struct store_value value = {0};
	struct buf key = {0};
	int r;

	if (tag == KEY_ENTRY)
		check_ok(key_entry(&key, bytes_str(prefix), bytes_str(name)));
	else
		check_ok(key_prefix(&key, bytes_str(prefix)));
	r = store_get(t.s, buf_bytes(&key), &value);
	store_value_release(&value);
	buf_fini(&key);
	return r == 1;
}

static void
rename__moves_and_replaces_files(void **state)
{
	uint64_t a = volume_file(&t, "a", "new"), b;
	struct vol_attr before = volume_attr(&t, "a"), after;

	(void)state;
	b = volume_file(&t, "b", "old");
	volume_mkdir(&t, "d");
	check_ok(volume_mv(&t, "a", "b", 0));
	check_str(volume_ls(&t, ""), "b d ");
	check_eq(volume_at(&t, "b"), a);
	check_str(volume_cat(&t, "b"), "new");
	/* Who held the replaced file still has it. */
	check_str(volume_text(&t, b), "old");
	check_ok(vol_getattr(t.v, b, &after));
	check_eq(after.nlink, 0);
	after = volume_attr(&t, "b");
	check_true(after.ctime > before.ctime);
	check_eq(after.mtime, before.mtime);
	check_ok(volume_mv(&t, "b", "d/c", 0));
	check_str(volume_ls(&t, ""), "d ");
	check_str(volume_cat(&t, "d/c"), "new");
	/* Its node knows the new place. */
	check_ok(vol_write(t.v, &t.ctx, a, 3, bytes_str("er")));
	volume_reopen(&t);
	check_str(volume_cat(&t, "d/c"), "newer");
}

static void
rename__errors(void **state)
{
	volume_file(&t, "f", "");
	volume_file(&t, "g", "");
	volume_mkdir(&t, "d");
	volume_mkdir(&t, "full");
	volume_file(&t, "full/x", "");
	(void)state;
	check_err(volume_mv(&t, "no", "x", 0), -ENOENT);
	check_err(volume_mv(&t, "f", "d", 0), -EISDIR);
	check_err(volume_mv(&t, "d", "f", 0), -ENOTDIR);
	check_err(volume_mv(&t, "d", "full", 0), -ENOTEMPTY);
	check_err(volume_mv(&t, "f", "g", VOL_RENAME_NOREPLACE), -EEXIST);
	check_err(volume_mv(&t, "f", "new", VOL_RENAME_EXCHANGE), -ENOENT);
	check_err(volume_mv(&t, "f", "g", 3), -EINVAL);
	check_err(volume_mv(&t, "f", "g", 4), -EINVAL);
	check_err(volume_mv(&t, "f", "f/x", 0), -ENOTDIR);
	check_err(volume_mv(&t, "f", ".keyfs", 0), -EPERM);
	check_err(volume_mv(&t, ".keyfs", "x", 0), -EPERM);
	check_err(volume_mv(&t, "full/x", "full", 0), -EISDIR);
	check_ok(volume_mv(&t, "f", "f", 0));
	check_ok(volume_mv(&t, "f", "new", VOL_RENAME_NOREPLACE));
	check_str(volume_ls(&t, ""), "d full g new ");
}

static void
rename__directory_does_not_go_below_itself(void **state)
{
	volume_mkdir(&t, "a");
	volume_mkdir(&t, "a/b");
	volume_mkdir(&t, "a/b/c");
	volume_mkdir(&t, "x");
	(void)state;
	check_err(volume_mv(&t, "a", "a/b/new", 0), -EINVAL);
	check_err(volume_mv(&t, "a", "a/new", 0), -EINVAL);
	check_err(volume_mv(&t, "a", "a/b/c", 0), -EINVAL);
	check_err(volume_mv(&t, "a", "a/b/c", VOL_RENAME_EXCHANGE), -EINVAL);
	check_err(volume_mv(&t, "a/b/c", "a", VOL_RENAME_EXCHANGE), -EINVAL);
	check_err(volume_mv(&t, "a/b/c", "a", 0), -ENOTEMPTY);
	/* Prefixes say nothing about where a directory is now. */
	check_ok(volume_mv(&t, "a/b", "x/b", 0));
	check_ok(volume_mv(&t, "a", "x/b/c/a", 0));
	check_err(volume_mv(&t, "x/b", "x/b/c/a/y", 0), -EINVAL);
	volume_reopen(&t);
	check_err(volume_mv(&t, "x", "x/b/c/a/y", 0), -EINVAL);
}

static void
rename__directory_moves_one_entry(void **state)
{
	uint64_t puts;
	char path[32];

	(void)state;
	volume_mkdir(&t, "big");
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "big/%d", i);
		volume_file(&t, path, path);
	}
	puts = store_mem_calls(t.s, STORE_MEM_BATCH);
	check_ok(volume_mv(&t, "big", "moved", 0));
	/* Entry, old entry, the root, P. */
	check_eq(store_mem_calls(t.s, STORE_MEM_BATCH) - puts, 4);
	check_str(volume_cat(&t, "moved/42"), "big/42");
	check_true(has_key(KEY_ENTRY, "big", "42"));
	check_true(has_key(KEY_PREFIX, "big", NULL));
	check_false(volume_exists(&t, "big"));
}

static void
rename__taken_prefix_is_not_used_again(void **state)
{
	char fresh[32];
	uint64_t d;

	(void)state;
	volume_mkdir(&t, "d");
	volume_file(&t, "d/old", "1");
	check_ok(volume_mv(&t, "d", "e", 0));
	d = volume_mkdir(&t, "d");
	check_str(volume_ls(&t, "d"), "");
	volume_file(&t, "d/new", "2");
	volume_mkdir(&t, "d/sub");
	volume_file(&t, "d/sub/x", "3");
	snprintf(fresh, sizeof(fresh), "/%llx", (unsigned long long)d);
	check_true(has_key(KEY_ENTRY, fresh, "new"));
	check_str(volume_ls(&t, "e"), "old ");
	/* A child of a fresh prefix has a natural one, and may leave it too. */
	check_ok(volume_mv(&t, "d/sub", "sub", 0));
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 2);
	volume_mkdir(&t, "d/sub");
	check_str(volume_ls(&t, "d/sub"), "");
	check_str(volume_ls(&t, "sub"), "x ");
	/* A fresh prefix needs no record. */
	check_ok(volume_mv(&t, "d", "f", 0));
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 2);
}

static void
rename__coming_home_frees_the_prefix(void **state)
{
	(void)state;
	volume_mkdir(&t, "d");
	volume_file(&t, "d/x", "1");
	check_ok(volume_mv(&t, "d", "e", 0));
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 1);
	check_ok(volume_mv(&t, "e", "f", 0));
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 1);
	check_ok(volume_mv(&t, "f", "d", 0));
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 0);
	check_str(volume_cat(&t, "d/x"), "1");
}

static void
rename__removal_frees_the_prefix(void **state)
{
	(void)state;
	volume_mkdir(&t, "d");
	check_ok(volume_mv(&t, "d", "e", 0));
	check_ok(volume_rmdir(&t, "e"));
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 0);
	volume_mkdir(&t, "d");
	volume_file(&t, "d/x", "");
	check_true(has_key(KEY_ENTRY, "d", "x"));
	/* So does being replaced. */
	volume_mkdir(&t, "a");
	check_ok(volume_mv(&t, "a", "b", 0));
	volume_mkdir(&t, "c");
	check_ok(volume_mv(&t, "c", "b", 0));
	check_false(has_key(KEY_PREFIX, "a", NULL));
	check_true(has_key(KEY_PREFIX, "c", NULL));
	check_eq(volume_attr(&t, "").nlink, 4);
}

static void
rename__exchange(void **state)
{
	uint64_t a, f;

	(void)state;
	volume_mkdir(&t, "p");
	volume_mkdir(&t, "q");
	a = volume_mkdir(&t, "p/a");
	f = volume_file(&t, "q/f", "file");
	volume_file(&t, "p/a/x", "1");
	check_ok(volume_mv(&t, "p/a", "q/f", VOL_RENAME_EXCHANGE));
	check_eq(volume_at(&t, "q/f"), a);
	check_eq(volume_at(&t, "p/a"), f);
	check_str(volume_cat(&t, "q/f/x"), "1");
	check_eq(volume_attr(&t, "p").nlink, 2);
	check_eq(volume_attr(&t, "q").nlink, 3);
	check_true(has_key(KEY_PREFIX, "p/a", NULL));
	/* Two directories trade places and prefixes stay. */
	volume_mkdir(&t, "r");
	volume_file(&t, "r/y", "2");
	check_ok(volume_mv(&t, "r", "q/f", VOL_RENAME_EXCHANGE));
	check_str(volume_ls(&t, "r"), "x ");
	check_str(volume_ls(&t, "q/f"), "y ");
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 2);
	check_ok(volume_mv(&t, "r", "q/f", VOL_RENAME_EXCHANGE));
	check_ok(volume_mv(&t, "p/a", "q/f", VOL_RENAME_EXCHANGE));
	check_eq(store_mem_count_tag(t.s, KEY_PREFIX), 0);
	volume_reopen(&t);
	check_str(volume_cat(&t, "q/f"), "file");
}

static void
rename__long_paths_get_fresh_prefixes(void **state)
{
	uint64_t at = VOL_INO_ROOT;
	struct vol_attr a;
	char name[201];

	(void)state;
	memset(name, 'n', 200);
	name[200] = '\0';
	/* Longer than PATH_MAX, one name after the other. */
	for (int i = 0; i < 30; i++) {
		check_ok(vol_mkdir(t.v, &t.ctx, at, name, 0700, &a));
		at = a.ino;
	}
	check_ok(vol_symlink(t.v, &t.ctx, at, "deep", "x", &a));
	volume_reopen(&t);
	at = VOL_INO_ROOT;
	for (int i = 0; i < 30; i++) {
		check_ok(vol_lookup(t.v, at, name, &a));
		at = a.ino;
	}
	check_ok(vol_lookup(t.v, at, "deep", &a));
}

int
main(void)
{
#define T(name) volume_case(name, &t)
	const struct CMUnitTest tests[] = {
	    T(rename__moves_and_replaces_files),
	    T(rename__errors),
	    T(rename__directory_does_not_go_below_itself),
	    T(rename__directory_moves_one_entry),
	    T(rename__taken_prefix_is_not_used_again),
	    T(rename__coming_home_frees_the_prefix),
	    T(rename__removal_frees_the_prefix),
	    T(rename__exchange),
	    T(rename__long_paths_get_fresh_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
