/* The power is cut, and the volume goes on with what the store kept. */
#include <stdio.h>
#include <sys/stat.h>

#include "fs/record/key.h"
#include "fs/vol/vol_lab.h"
#include "tests/check.h"
#include "tests/support/volume.h"

static struct volume t;
static struct store *kept; /* what a cut leaves */

static int
setup(void **state)
{
	(void)state;
	volume_init(&t);
	kept = NULL;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	volume_fini(&t);
	return 0;
}

/* From here on nothing survives. */
static void
keep(void)
{
	kept = store_mem_clone(t.s);
}

static void
stop(void)
{
	vol_stop(t.v);
	check_ok(store_close(t.s));
	t.s = kept;
}

static void
cut(void)
{
	stop();
	check_ok(vol_restart(t.v, t.s));
}

static int
take_all(void *ctx, const struct vol_dirent *e)
{
	(void)e;
	++*(unsigned *)ctx;
	return 0;
}

/* One entry, then enough. */
static int
take_one(void *ctx, const struct vol_dirent *e)
{
	(void)e;
	return (*(unsigned *)ctx)++ > 0;
}

/* --- what is there afterwards -------------------------------------------- */

static void
restart__shows_the_state_of_the_new_store(void **state)
{
	(void)state;
	volume_mkdir(&t, "d");
	volume_file(&t, "d/old", "kept");
	volume_file(&t, "gone", "here again");
	keep();
	check_ok(
	    vol_write(t.v, &t.ctx, volume_at(&t, "d/old"), 0, bytes_str("K")));
	check_ok(volume_rm(&t, "gone"));
	check_ok(volume_mv(&t, "d", "moved", 0));
	volume_file(&t, "new", "lost");
	cut();
	check_str(volume_ls(&t, ""), "d gone ");
	check_str(volume_cat(&t, "d/old"), "kept");
	check_str(volume_cat(&t, "gone"), "here again");
	check_eq(volume_attr(&t, "").nlink, 3);
}

static void
restart__forgets_every_node(void **state)
{
	struct vol_attr a;
	uint64_t ino = volume_file(&t, "f", "text");

	(void)state;
	keep();
	cut();
	check_err(vol_getattr(t.v, ino, &a), -ESTALE);
	vol_forget(t.v, ino, 1); /* of before: nothing to take back */
	check_eq(volume_at(&t, "f"), ino);
	check_ok(vol_getattr(t.v, ino, &a));
	vol_forget(t.v, ino, 1);
	check_err(vol_getattr(t.v, ino, &a), -ESTALE);
}

static void
restart__gives_numbers_as_the_store_has_them(void **state)
{
	uint64_t last = 0, ino;

	(void)state;
	keep();
	/* More than were reserved. */
	for (int i = 0; i < 3000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		last = volume_file(&t, name, "");
	}
	cut();
	ino = volume_file(&t, "new", "");
	check_true(ino > VOL_INO_ROOT && ino < last);
	volume_reopen(&t);
	check_true(volume_file(&t, "newer", "") > ino);
}

static void
restart__writes_go_to_the_new_store(void **state)
{
	(void)state;
	volume_file(&t, "f", "one");
	keep();
	cut();
	check_ok(
	    vol_write(t.v, &t.ctx, volume_at(&t, "f"), 0, bytes_str("two")));
	check_ok(vol_sync(t.v, t.ctx.seq));
	volume_reopen(&t);
	check_str(volume_cat(&t, "f"), "two");
}

static void
restart__purges_orphans_of_the_new_store_only(void **state)
{
	static char big[100000];
	struct vol_attr a;
	uint64_t ino;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	volume_file(&t, "a", big);
	volume_file(&t, "b", big);
	ino = volume_at(&t, "a");
	check_ok(volume_rm(&t, "a"));
	check_eq(store_mem_count_tag(t.s, KEY_ORPHAN), 1);
	keep();
	/* This one lives where the cut leads back to. */
	check_ok(volume_rm(&t, "b"));
	cut();
	check_eq(store_mem_count_tag(t.s, KEY_ORPHAN), 0);
	check_err(vol_getattr(t.v, ino, &a), -ESTALE);
	check_eq(volume_attr(&t, "b").size, sizeof(big) - 1);
}

static void
restart__works_again_and_again(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		volume_file(&t, name, "text");
		keep();
		volume_mkdir(&t, "d");
		check_ok(volume_mv(&t, name, "d/x", 0));
		cut();
		check_str(volume_cat(&t, name), "text");
		check_false(volume_exists(&t, "d"));
	}
}

/* --- listings ------------------------------------------------------------ */

static void
restart__ends_open_listings(void **state)
{
	struct vol_dir *half, *fresh, *control;
	unsigned seen = 0;

	(void)state;
	volume_mkdir(&t, "d");
	volume_file(&t, "d/a", "");
	volume_file(&t, "d/b", "");
	check_ok(vol_opendir(t.v, volume_at(&t, "d"), &half));
	check_ok(vol_opendir(t.v, volume_at(&t, "d"), &fresh));
	check_ok(vol_opendir(t.v, volume_at(&t, ".keyfs"), &control));
	check_ok(vol_readdir(half, 0, true, take_one, &seen));
	keep();
	cut();
	seen = 0;
	check_err(vol_readdir(half, 1, true, take_all, &seen), -EIO);
	check_err(vol_readdir(half, 0, false, take_all, &seen), -EIO);
	check_err(vol_readdir(fresh, 0, false, take_all, &seen), -EIO);
	check_err(vol_readdir(control, 0, true, take_all, &seen), -EIO);
	check_eq(seen, 0);
	vol_releasedir(half);
	vol_releasedir(control);
	check_str(volume_ls(&t, "d"), "a b ");
	vol_releasedir(fresh);
}

static void
close__frees_open_listings(void **state)
{
	struct vol_dir *d;
	unsigned seen = 0;

	(void)state;
	volume_mkdir(&t, "d");
	volume_file(&t, "d/a", "");
	check_ok(vol_opendir(t.v, volume_at(&t, "d"), &d));
	check_ok(vol_readdir(d, 0, true, take_all, &seen));
	check_eq(seen, 3);
	volume_reopen(&t);
}

/* --- a volume that is stopped ------------------------------------------- */

static void
check_stopped(struct vol_dir *d)
{
	struct vol_attr a = {.mode = S_IFREG | 0644};
	struct vol_place place = {VOL_INO_ROOT, "f"};
	struct vol_set set = {.mask = VOL_SET_MODE};
	struct vol_ctx *ctx = &t.ctx;
	struct bytes text = bytes_str("now");
	struct buf target = {0};
	struct durability policy = durability_of(DURABILITY_SYNC);
	struct vol_xattr x = {.name = "user.x"};
	struct vol_statfs s;
	struct vol_dir *other;
	unsigned seen = 0;
	size_t got;
	char c;

	check_err(vol_lookup(t.v, VOL_INO_ROOT, "f", &a), -EIO);
	check_err(vol_lookup(t.v, VOL_INO_ROOT, ".keyfs", &a), -EIO);
	check_err(vol_getattr(t.v, VOL_INO_ROOT, &a), -EIO);
	check_err(vol_getattr(t.v, VOL_INO_CONTROL + 1, &a), -EIO);
	check_err(vol_setattr(t.v, ctx, VOL_INO_ROOT, &set, &a), -EIO);
	check_err(vol_mknod(t.v, ctx, VOL_INO_ROOT, "g", &a, &a), -EIO);
	check_err(vol_mkdir(t.v, ctx, VOL_INO_ROOT, "g", 0755, &a), -EIO);
	check_err(vol_symlink(t.v, ctx, VOL_INO_ROOT, "g", "x", &a), -EIO);
	check_err(vol_readlink(t.v, 2, &target), -EIO);
	check_err(vol_unlink(t.v, ctx, VOL_INO_ROOT, "f"), -EIO);
	check_err(vol_rmdir(t.v, ctx, VOL_INO_ROOT, "f"), -EIO);
	check_err(vol_rename(t.v, ctx, place, place, 0), -EIO);
	check_err(vol_read(t.v, 2, 0, &c, 1, &got), -EIO);
	check_err(vol_read(t.v, VOL_INO_CONTROL + 1, 0, &c, 1, &got), -EIO);
	check_err(vol_write(t.v, ctx, 2, 0, text), -EIO);
	for (uint64_t i = 1; i < 8; i++)
		check_err(
		    vol_write(t.v, ctx, VOL_INO_CONTROL + i, 0, text), -EIO);
	check_err(vol_opendir(t.v, VOL_INO_ROOT, &other), -EIO);
	check_err(vol_opendir(t.v, VOL_INO_CONTROL, &other), -EIO);
	check_err(vol_readdir(d, 0, false, take_all, &seen), -EIO);
	check_err(vol_setxattr(t.v, ctx, VOL_INO_ROOT, &x), -EIO);
	check_err(vol_getxattr(t.v, 1, "user.x", NULL, 0, &got), -EIO);
	check_err(vol_listxattr(t.v, VOL_INO_ROOT, NULL, 0, &got), -EIO);
	check_err(vol_removexattr(t.v, ctx, VOL_INO_ROOT, "user.x"), -EIO);
	check_err(vol_statfs(t.v, &s), -EIO);
	check_err(vol_sync(t.v, vol_seq(t.v)), -EIO);
	check_err(vol_set_durability(t.v, &policy), -EIO);
	check_eq(vol_durable_seq(t.v), 0);
	vol_get_durability(t.v, &policy);
	vol_forget(t.v, VOL_INO_ROOT, 1);
	buf_fini(&target);
}

static void
stop__leaves_nothing_but_eio(void **state)
{
	struct vol_dir *d;

	(void)state;
	volume_file(&t, "f", "text");
	check_ok(vol_opendir(t.v, VOL_INO_ROOT, &d));
	keep();
	stop();
	check_stopped(d);
	vol_releasedir(d);
	check_ok(vol_restart(t.v, t.s));
	check_str(volume_cat(&t, "f"), "text");
}

static void
stop__can_be_the_end(void **state)
{
	struct vol_dir *d;

	(void)state;
	volume_file(&t, "f", "text");
	check_ok(vol_opendir(t.v, VOL_INO_ROOT, &d));
	keep();
	stop();
	volume_reopen(&t);
	check_str(volume_cat(&t, "f"), "text");
}

/* --- a restart that fails ------------------------------------------------ */

/* Fails at the n-th call of this kind; false: there are not so many. */
static bool
fails_at(enum store_mem_call kind, uint64_t n)
{
	struct vol_dir *d;
	int err;

	check_ok(vol_opendir(t.v, VOL_INO_ROOT, &d));
	keep();
	stop();
	store_mem_fail(t.s, kind, n, -EIO);
	err = vol_restart(t.v, t.s);
	if (store_mem_failed(t.s, kind)) {
		check_err(err, -EIO);
		check_stopped(d);
		check_ok(vol_restart(t.v, t.s));
		err = -EIO;
	}
	store_mem_fail(t.s, kind, 0, 0);
	vol_releasedir(d);
	check_str(volume_ls(&t, ""), "f ");
	return err != 0;
}

static void
restart__can_fail_and_be_repeated(void **state)
{
	uint64_t n = 1;

	(void)state;
	volume_file(&t, "f", "text");
	while (fails_at(STORE_MEM_GET, n))
		n++;
	check_true(n > 3);
	n = 1;
	while (fails_at(STORE_MEM_ITER, n))
		n++;
	check_true(n > 1);
}

static void
restart__makes_no_volume(void **state)
{
	struct store *empty = store_mem_new();

	(void)state;
	volume_file(&t, "f", "text");
	keep();
	stop();
	check_err(vol_restart(t.v, empty), -ENOENT);
	check_eq(store_mem_count(empty, bytes_str(""), bytes_of(NULL, 0)), 0);
	check_ok(store_close(empty));
	check_ok(vol_restart(t.v, t.s));
	check_str(volume_cat(&t, "f"), "text");
}

/* --- what the kernel has to be told -------------------------------------- */

static void
add_known(void *ctx, uint64_t ino, const char *name)
{
	struct buf *b = ctx;

	if (ino == VOL_INO_ROOT)
		check_true(name == NULL);
	else
		check_ok(buf_printf(b, "%s ", name ? name : "?"));
}

static void
check_known(const char *want)
{
	struct buf known = {0};
	const char *p = want;
	size_t size = strlen(want);

	vol_each_known(t.v, add_known, &known);
	check_eq(known.size, size);
	check_ok(buf_append_u8(&known, 0));
	/* In any order. */
	while (*p) {
		char word[64];
		size_t n = strcspn(p, " ");

		snprintf(word, sizeof(word), "%.*s ", (int)n, p);
		check_contains((const char *)known.data, word);
		p += n + 1;
	}
	buf_fini(&known);
}

static void
each_known__tells_what_was_looked_up(void **state)
{
	uint64_t d = volume_mkdir(&t, "dir");
	uint64_t f = volume_file(&t, "file", "");
	struct vol_attr a;

	(void)state;
	check_known("dir file ");
	volume_file(&t, "dir/below", "");
	check_known("dir file ? ");
	vol_forget(t.v, f, 1);
	check_known("dir ? ");
	check_ok(volume_mv(&t, "dir", "other", 0));
	check_known("other ? ");
	volume_reopen(&t);
	check_known("");
	check_ok(vol_lookup(t.v, VOL_INO_ROOT, "other", &a));
	check_eq(a.ino, d);
	check_ok(vol_lookup(t.v, VOL_INO_ROOT, "file", &a));
	check_ok(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "file"));
	check_known("other ? ");
	keep();
	stop();
	check_known("");
	check_ok(vol_restart(t.v, t.s));
	check_known("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		restart__shows_the_state_of_the_new_store, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__forgets_every_node, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__gives_numbers_as_the_store_has_them, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__writes_go_to_the_new_store, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__purges_orphans_of_the_new_store_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__works_again_and_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__ends_open_listings, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		close__frees_open_listings, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		stop__leaves_nothing_but_eio, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		stop__can_be_the_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__can_fail_and_be_repeated, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		restart__makes_no_volume, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		each_known__tells_what_was_looked_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
