/* Names: lookup, creation, attributes, removal. */
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/record/key.h"
#include "tests/check.h"
#include "tests/support/volume.h"

static struct volume t;

static struct vol_attr
attr_of(uint64_t ino)
{
	struct vol_attr a = {0};

	check_ok(vol_getattr(t.v, ino, &a));
	return a;
}

static void
names__root_of_a_new_volume(void **state)
{
	struct vol_attr a = attr_of(VOL_INO_ROOT);

	(void)state;
	check_eq(a.mode, S_IFDIR | 0755);
	check_eq(a.uid, 1000);
	check_eq(a.gid, 1001);
	check_eq(a.nlink, 2);
	check_ne(a.mtime, 0);
	check_str(volume_ls(&t, ""), "");
}

static void
names__create_applies_owner_and_umask(void **state)
{
	uint64_t f = volume_file(&t, "f", "hello");
	struct vol_attr a = attr_of(f);

	(void)state;
	check_eq(a.mode, S_IFREG | 0644);
	check_eq(a.uid, 10);
	check_eq(a.gid, 20);
	check_eq(a.nlink, 1);
	check_eq(a.size, 5);
	check_true(a.btime <= a.mtime);
	check_eq(volume_attr(&t, "f").ino, f);
	check_str(volume_cat(&t, "f"), "hello");
}

static void
names__setgid_directory_gives_its_group(void **state)
{
	struct vol_set set = {.mask = VOL_SET_MODE | VOL_SET_GID};
	struct vol_attr a;
	uint64_t d = volume_mkdir(&t, "d");

	(void)state;
	set.mode = 02775;
	set.gid = 77;
	check_ok(vol_setattr(t.v, &t.ctx, d, &set, &a));
	volume_file(&t, "d/f", "");
	volume_mkdir(&t, "d/sub");
	check_eq(volume_attr(&t, "d/f").gid, 77);
	check_eq(volume_attr(&t, "d/f").mode, S_IFREG | 0644);
	check_eq(volume_attr(&t, "d/sub").gid, 77);
	check_eq(volume_attr(&t, "d/sub").mode, S_IFDIR | 02755);
}

static void
names__special_files_keep_type_and_device(void **state)
{
	const mode_t types[] = {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, 0};
	struct vol_attr a;
	char name[] = "a";

	(void)state;
	for (size_t i = 0; i < 5; i++, name[0]++) {
		struct vol_attr how = {
		    .mode = types[i] | 0600, .rdev = 0x1234567};

		check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, name, &how, &a));
	}
	volume_reopen(&t);
	check_eq(volume_attr(&t, "a").mode, S_IFIFO | 0600);
	check_eq(volume_attr(&t, "a").rdev, 0);
	check_eq(volume_attr(&t, "b").mode, S_IFSOCK | 0600);
	check_eq(volume_attr(&t, "c").mode, S_IFCHR | 0600);
	check_eq(volume_attr(&t, "c").rdev, 0x1234567);
	check_eq(volume_attr(&t, "d").mode, S_IFBLK | 0600);
	check_eq(volume_attr(&t, "e").mode, S_IFREG | 0600);
}

static void
names__symlink_keeps_its_target(void **state)
{
	struct vol_attr a;
	struct buf b = {0};
	char *longest = calloc(1, PATH_MAX + 1);

	(void)state;
	check_true(longest != NULL);
	check_ok(
	    vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "l", "../some/where", &a));
	check_eq(a.mode, S_IFLNK | 0777);
	check_eq(a.size, 13);
	check_ok(vol_readlink(t.v, a.ino, &b));
	check_bytes_eq(buf_bytes(&b), bytes_str("../some/where"));
	check_err(vol_readlink(t.v, VOL_INO_ROOT, &b), -EINVAL);
	check_err(vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "m", "", &a), -ENOENT);
	memset(longest, 'x', PATH_MAX);
	check_err(vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "m", longest, &a),
	    -ENAMETOOLONG);
	longest[PATH_MAX - 1] = '\0';
	check_ok(vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "m", longest, &a));
	buf_fini(&b);
	free(longest);
}

static void
names__length_and_bytes_of_names(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;
	char name[258];

	(void)state;
	memset(name, '\xff', sizeof(name));
	name[256] = '\0';
	check_err(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, name, &how, &a),
	    -ENAMETOOLONG);
	check_err(vol_lookup(t.v, VOL_INO_ROOT, name, &a), -ENAMETOOLONG);
	name[255] = '\0';
	check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, name, &how, &a));
	check_ok(vol_lookup(t.v, VOL_INO_ROOT, name, &a));
	check_err(vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, "", 0700, &a), -EINVAL);
	check_err(
	    vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, "..", 0700, &a), -EINVAL);
	check_err(
	    vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, "a/b", 0700, &a), -EINVAL);
}

static void
names__errors_of_create_and_remove(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;
	uint64_t f = volume_file(&t, "f", "");
	uint64_t d = volume_mkdir(&t, "d");

	(void)state;
	check_err(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "f", &how, &a), -EEXIST);
	check_err(vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, "f", 0700, &a), -EEXIST);
	check_err(vol_mknod(t.v, &t.ctx, f, "x", &how, &a), -ENOTDIR);
	check_err(vol_lookup(t.v, f, "x", &a), -ENOTDIR);
	check_err(vol_lookup(t.v, d, "x", &a), -ENOENT);
	check_err(vol_lookup(t.v, 999999, "x", &a), -ESTALE);
	check_err(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "d"), -EISDIR);
	check_err(vol_rmdir(t.v, &t.ctx, VOL_INO_ROOT, "f"), -ENOTDIR);
	check_err(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "no"), -ENOENT);
	volume_file(&t, "d/f", "");
	check_err(vol_rmdir(t.v, &t.ctx, VOL_INO_ROOT, "d"), -ENOTEMPTY);
	how.mode = S_IFDIR | 0700;
	check_err(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "x", &how, &a), -EINVAL);
}

static void
names__parent_times_and_links_follow(void **state)
{
	struct vol_attr before, after;

	(void)state;
	volume_mkdir(&t, "d");
	before = volume_attr(&t, "d");
	check_eq(volume_attr(&t, "").nlink, 3);
	volume_mkdir(&t, "d/e");
	after = volume_attr(&t, "d");
	check_eq(after.nlink, 3);
	check_true(after.mtime > before.mtime);
	check_eq(after.mtime, after.ctime);
	check_ok(volume_rmdir(&t, "d/e"));
	check_eq(volume_attr(&t, "d").nlink, 2);
	check_true(volume_attr(&t, "d").mtime > after.mtime);
	volume_reopen(&t);
	check_eq(volume_attr(&t, "d").nlink, 2);
}

static void
names__removed_directory_takes_no_names(void **state)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;
	uint64_t d = volume_mkdir(&t, "d");

	(void)state;
	check_ok(volume_rmdir(&t, "d"));
	check_err(vol_mknod(t.v, &t.ctx, d, "x", &how, &a), -ENOENT);
	check_err(vol_lookup(t.v, d, "x", &a), -ENOENT);
	check_eq(attr_of(d).nlink, 0);
	/* A new directory has the prefix now; the old one does not see it. */
	volume_mkdir(&t, "d");
	volume_file(&t, "d/x", "new");
	check_err(vol_lookup(t.v, d, "x", &a), -ENOENT);
	vol_forget(t.v, d, 100);
	check_err(vol_getattr(t.v, d, &a), -ESTALE);
}

static void
names__setattr_sets_what_the_mask_says(void **state)
{
	struct vol_set set = {.mode = S_IFDIR | 04711,
	    .uid = 5,
	    .gid = 6,
	    .size = 2,
	    .atime = -5,
	    .mtime = 1234567890123456789};
	uint64_t f = volume_file(&t, "f", "hello");
	struct vol_attr before = attr_of(f), a;

	(void)state;
	check_ok(vol_setattr(t.v, &t.ctx, f, &set, &a));
	check_eq(a.ctime, before.ctime);
	set.mask = VOL_SET_MODE | VOL_SET_UID | VOL_SET_ATIME | VOL_SET_MTIME;
	check_ok(vol_setattr(t.v, &t.ctx, f, &set, &a));
	check_eq(a.mode, S_IFREG | 04711);
	check_eq(a.uid, 5);
	check_eq(a.gid, 20);
	check_eq(a.atime, -5);
	check_eq(a.mtime, 1234567890123456789);
	check_true(a.ctime > before.ctime);
	set.mask = VOL_SET_SIZE;
	check_ok(vol_setattr(t.v, &t.ctx, f, &set, &a));
	check_eq(a.size, 2);
	check_eq(a.mtime, a.ctime);
	check_eq(a.atime, -5);
	set.mask = VOL_SET_ATIME_NOW | VOL_SET_MTIME_NOW | VOL_SET_CTIME;
	set.ctime = 42;
	check_ok(vol_setattr(t.v, &t.ctx, f, &set, &a));
	check_eq(a.atime, a.mtime);
	check_eq(a.ctime, 42);
	volume_reopen(&t);
	a = volume_attr(&t, "f");
	check_eq(a.ctime, 42);
	check_eq(a.mode, S_IFREG | 04711);
	check_str(volume_cat(&t, "f"), "he");
}

static void
names__costs_of_a_small_file(void **state)
{
	uint64_t gets = store_mem_calls(t.s, STORE_MEM_GET);
	uint64_t writes = store_mem_calls(t.s, STORE_MEM_WRITE);
	struct vol_attr a;

	(void)state;
	volume_file(&t, "f", "");
	check_eq(store_mem_calls(t.s, STORE_MEM_GET) - gets, 1);
	check_eq(store_mem_calls(t.s, STORE_MEM_WRITE) - writes, 1);
	gets = store_mem_calls(t.s, STORE_MEM_GET);
	check_ok(vol_lookup(t.v, VOL_INO_ROOT, "f", &a));
	check_eq(store_mem_calls(t.s, STORE_MEM_GET) - gets, 1);
	check_ok(vol_write(t.v, &t.ctx, a.ino, 0, bytes_str("hello")));
	gets = store_mem_calls(t.s, STORE_MEM_GET);
	writes = store_mem_calls(t.s, STORE_MEM_WRITE);
	check_ok(vol_unlink(t.v, &t.ctx, VOL_INO_ROOT, "f"));
	check_eq(store_mem_calls(t.s, STORE_MEM_GET) - gets, 1);
	vol_forget(t.v, a.ino, 2);
	check_eq(store_mem_calls(t.s, STORE_MEM_WRITE) - writes, 1);
}

/* Each changing call, with each of its writes and gets failing. */
static int
fault_op(int op)
{
	struct vol_attr how = {.mode = S_IFREG | 0600}, a;
	struct vol_set set = {.mask = VOL_SET_MODE, .mode = 0123};
	uint64_t ino = 0;
	int err;

	switch (op) {
	case 0:
		return vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "new", &how, &a);
	case 1:
		return vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, "new", 0700, &a);
	case 2:
		return vol_symlink(
		    t.v, &t.ctx, VOL_INO_ROOT, "new", "target", &a);
	case 3:
		return volume_rm(&t, "f");
	case 4:
		return volume_rmdir(&t, "d/e");
	case 5:
		return volume_mv(&t, "d", "g", 0);
	case 6:
		return volume_mv(&t, "d", "h", 0);
	case 7:
		return volume_mv(&t, "f", "d", VOL_RENAME_EXCHANGE);
	case 8:
		err = volume_find(&t, "f", &ino);
		return err ? err : vol_setattr(t.v, &t.ctx, ino, &set, &a);
	}
	return -1;
}

static void
fault_run(int op, enum store_mem_call call)
{
	int err;

	for (uint64_t n = 1;; n++) {
		struct store *before;
		struct vol_attr root, again;

		volume_init(&t);
		volume_file(&t, "f", "content");
		volume_mkdir(&t, "d");
		volume_mkdir(&t, "d/e");
		volume_mkdir(&t, "h");
		before = store_mem_clone(t.s);
		root = volume_attr(&t, "");
		store_mem_fail(t.s, call, n, -EIO);
		err = fault_op(op);
		if (!store_mem_failed(t.s, call)) {
			store_mem_fail(t.s, call, 0, 0);
			check_ok(err);
			check_ok(store_close(before));
			volume_fini(&t);
			return;
		}
		check_err(err, -EIO);
		check_true(store_mem_same(before, t.s));
		check_ok(store_close(before));
		again = volume_attr(&t, "");
		check_true(memcmp(&root, &again, sizeof(root)) == 0);
		check_eq(volume_attr(&t, "f").mode, S_IFREG | 0644);
		check_eq(volume_attr(&t, "d").nlink, 3);
		check_false(volume_exists(&t, "new"));
		/* And it works as soon as the store does. */
		check_ok(fault_op(op));
		volume_fini(&t);
	}
}

static void
names__failure_changes_nothing(void **state)
{
	(void)state;
	for (int op = 0; op < 9; op++) {
		fault_run(op, STORE_MEM_WRITE);
		fault_run(op, STORE_MEM_BATCH);
		fault_run(op, STORE_MEM_GET);
		fault_run(op, STORE_MEM_ITER);
	}
}

int
main(void)
{
#define T(name) volume_case(name, &t)
	const struct CMUnitTest tests[] = {
	    T(names__root_of_a_new_volume),
	    T(names__create_applies_owner_and_umask),
	    T(names__setgid_directory_gives_its_group),
	    T(names__special_files_keep_type_and_device),
	    T(names__symlink_keeps_its_target),
	    T(names__length_and_bytes_of_names),
	    T(names__errors_of_create_and_remove),
	    T(names__parent_times_and_links_follow),
	    T(names__removed_directory_takes_no_names),
	    T(names__setattr_sets_what_the_mask_says),
	    T(names__costs_of_a_small_file),
	    cmocka_unit_test(names__failure_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
