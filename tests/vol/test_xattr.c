#include "tests/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "tests/support/content.h"

#define B(literal) bytes_of(literal, sizeof(literal) - 1)
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))

static struct volume t;

static struct bytes
letters(size_t size)
{
	static uint8_t all[128 << 10];

	check_le(size, sizeof(all));
	for (size_t i = 0; i < size; i++)
		all[i] = (uint8_t)('a' + i % 26);
	return bytes_of(all, size);
}

static int
set(uint64_t ino, const char *name, struct bytes value, int flags)
{
	const struct vol_xattr x = {name, value.data, value.size, flags};

	return vol_setxattr(t.v, &t.ctx, ino, &x);
}

static int
unset(uint64_t ino, const char *name)
{
	return vol_removexattr(t.v, &t.ctx, ino, name);
}

static int
size_of(uint64_t ino, const char *name, size_t *got)
{
	return vol_getxattr(t.v, ino, name, NULL, 0, got);
}

static void
check_value(uint64_t ino, const char *name, struct bytes want)
{
	uint8_t *value = malloc(want.size + 1);
	size_t got = SIZE_MAX;

	check_true(value != NULL);
	check_ok(size_of(ino, name, &got));
	check_eq(got, want.size);
	check_ok(vol_getxattr(t.v, ino, name, value, want.size + 1, &got));
	check_bytes_eq(bytes_of(value, got), want);
	if (want.size > 0)
		check_ok(vol_getxattr(t.v, ino, name, value, want.size, &got));
	if (want.size > 1)
		check_err(
		    vol_getxattr(t.v, ino, name, value, want.size - 1, &got),
		    -ERANGE);
	free(value);
}

static void
check_absent(uint64_t ino, const char *name)
{
	size_t got;

	check_err(size_of(ino, name, &got), -ENODATA);
}

/* Each name is followed by a NUL. */
static void
check_list(uint64_t ino, struct bytes want)
{
	char names[4096];
	size_t got = SIZE_MAX;

	check_ok(vol_listxattr(t.v, ino, NULL, 0, &got));
	check_eq(got, want.size);
	check_ok(vol_listxattr(t.v, ino, names, sizeof(names), &got));
	check_bytes_eq(bytes_of(names, got), want);
	if (want.size > 1)
		check_err(vol_listxattr(t.v, ino, names, want.size - 1, &got),
		    -ERANGE);
}

static void
xattr__set_get_list_remove(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_list(ino, B(""));
	check_absent(ino, "user.a");
	check_ok(set(ino, "user.b", B("2"), 0));
	check_ok(set(ino, "user.a", B(""), 0));
	check_ok(set(ino, "trusted.c", B("3\0\xff"), 0));
	check_ok(set(ino, "security.d", B("4"), 0));
	check_list(ino, B("security.d\0trusted.c\0user.a\0user.b\0"));
	check_value(ino, "user.a", B(""));
	check_value(ino, "user.b", B("2"));
	check_value(ino, "trusted.c", B("3\0\xff"));
	check_ok(set(ino, "user.b", B("other"), 0));
	check_value(ino, "user.b", B("other"));
	check_ok(unset(ino, "user.a"));
	check_absent(ino, "user.a");
	check_err(unset(ino, "user.a"), -ENODATA);
	check_list(ino, B("security.d\0trusted.c\0user.b\0"));
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), ino);
	check_list(ino, B("security.d\0trusted.c\0user.b\0"));
	check_value(ino, "user.b", B("other"));
}

static void
xattr__content_and_xattrs_leave_each_other_alone(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_ok(content_write(&t, ino, 0, B("hello")));
	check_ok(set(ino, "user.a", B("1"), 0));
	content_check(&t, ino, B("hello"));
	check_ok(content_write(&t, ino, 5, B(" you")));
	check_value(ino, "user.a", B("1"));
	check_ok(content_write(&t, ino, 4096, B("far")));
	check_value(ino, "user.a", B("1"));
	check_ok(unset(ino, "user.a"));
	content_check_read(&t, ino, 0, B("hello you\0"));
	check_ok(set(ino, "user.a", letters(5000), 0));
	check_ok(content_truncate(&t, ino, 5));
	check_value(ino, "user.a", letters(5000));
	content_check(&t, ino, B("hello"));
}

static void
xattr__flags_say_whether_it_must_be_there(void **state)
{
	static const size_t sizes[] = {1, 5000};
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct bytes v = letters(sizes[i]);

		check_err(set(ino, "user.a", v, XATTR_REPLACE), -ENODATA);
		check_absent(ino, "user.a");
		check_ok(set(ino, "user.a", v, XATTR_CREATE));
		check_err(set(ino, "user.a", B("x"), XATTR_CREATE), -EEXIST);
		check_value(ino, "user.a", v);
		check_ok(set(ino, "user.a", v, XATTR_REPLACE));
		check_ok(unset(ino, "user.a"));
	}
	check_err(set(ino, "user.a", B("x"), 4), -EINVAL);
}

static void
xattr__names_and_sizes_have_limits(void **state)
{
	const struct {
		const char *name;
		int err;
	} rows[] = {
	    {"", -ERANGE},
	    {"user.", -EINVAL},
	    {"user", -EOPNOTSUPP},
	    {"other.a", -EOPNOTSUPP},
	    {"system.a", -EOPNOTSUPP},
	    {"system.posix_acl_access", -EOPNOTSUPP},
	    {"user.keyfs.durability", -EINVAL},
	    {"user.keyfs.durability2", -EOPNOTSUPP},
	    {"user.keyfs.ttl", -EOPNOTSUPP},
	    {"user.keyfs.", -EOPNOTSUPP},
	};
	uint64_t ino = volume_file(&t, "f", "");
	char name[257] = "user.";
	size_t got;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("row %zu\n", i);
		check_err(set(ino, rows[i].name, B("x"), 0), rows[i].err);
	}
	check_err(size_of(ino, "system.posix_acl_access", &got), -EOPNOTSUPP);
	check_err(unset(ino, "system.a"), -EOPNOTSUPP);
	check_absent(ino, "user.keyfs.durability");
	check_list(ino, B(""));

	memset(name + 5, 'n', 250);
	check_ok(set(ino, name, B("x"), 0));
	check_value(ino, name, B("x"));
	check_ok(unset(ino, name));
	name[255] = 'n';
	check_err(set(ino, name, B("x"), 0), -ERANGE);
	check_err(size_of(ino, name, &got), -ERANGE);

	check_ok(set(ino, "user.a", letters(64 << 10), 0));
	check_value(ino, "user.a", letters(64 << 10));
	check_err(set(ino, "user.a", letters((64 << 10) + 1), 0), -E2BIG);
	check_value(ino, "user.a", letters(64 << 10));
}

static void
xattr__large_ones_stand_apart_and_come_back(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_ok(set(ino, "user.a", letters(900), 0));
	check_eq(content_xattrs(&t), 0);
	check_ok(set(ino, "user.b", letters(900), 0));
	check_eq(content_xattrs(&t), 1);
	check_ok(set(ino, "user.c", letters(5000), 0));
	check_eq(content_xattrs(&t), 2);
	check_list(ino, B("user.a\0user.b\0user.c\0"));
	check_value(ino, "user.a", letters(900));
	check_value(ino, "user.b", letters(900));
	check_value(ino, "user.c", letters(5000));

	/* Small to large, large to small. */
	check_ok(set(ino, "user.a", letters(5000), 0));
	check_eq(content_xattrs(&t), 3);
	check_ok(set(ino, "user.b", B("x"), 0));
	check_eq(content_xattrs(&t), 2);
	check_list(ino, B("user.b\0user.a\0user.c\0"));
	check_value(ino, "user.a", letters(5000));
	check_value(ino, "user.b", B("x"));

	check_ok(unset(ino, "user.c"));
	check_ok(unset(ino, "user.a"));
	check_eq(content_xattrs(&t), 0);
	check_absent(ino, "user.c");
	check_list(ino, B("user.b\0"));
}

static uint64_t
gets_of_asking(uint64_t ino)
{
	uint64_t before = store_mem_calls(t.s, STORE_MEM_GET);

	check_absent(ino, "security.capability");
	return store_mem_calls(t.s, STORE_MEM_GET) - before;
}

static void
xattr__asking_for_a_missing_one_costs_no_get(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_eq(gets_of_asking(ino), 0);
	check_ok(content_write(&t, ino, 0, B("inline")));
	check_eq(gets_of_asking(ino), 0);
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), ino);
	check_eq(gets_of_asking(ino), 0);
	check_ok(content_write(&t, ino, 4096, B("blocks")));
	check_eq(gets_of_asking(ino), 0);
	check_ok(set(ino, "user.a", B("x"), 0));
	check_eq(gets_of_asking(ino), 0);
	check_ok(content_write(&t, ino, 4096, B("again")));
	check_eq(gets_of_asking(ino), 0);
	/* The last large one that goes takes the get along. */
	check_ok(set(ino, "user.b", letters(5000), 0));
	check_eq(gets_of_asking(ino), 1);
	check_ok(unset(ino, "user.b"));
	check_ok(unset(ino, "user.a"));
	check_eq(gets_of_asking(ino), 0);
}

static void
xattr__changes_move_the_ctime_alone(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");
	const struct vol_set old = {
	    .mask = VOL_SET_MTIME | VOL_SET_CTIME, .mtime = 2, .ctime = 3};
	struct vol_attr a;

	(void)state;
	check_ok(vol_setattr(t.v, &t.ctx, ino, &old, &a));
	check_ok(set(ino, "user.a", B("x"), 0));
	check_ok(vol_getattr(t.v, ino, &a));
	check_eq(a.mtime, 2);
	check_true(a.ctime > 3);
	check_true(t.ctx.seq != 0);
}

static void
xattr__directories_and_links_have_them_too(void **state)
{
	struct vol_attr d, l;

	(void)state;
	check_ok(vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, "d", 0755, &d));
	check_ok(vol_symlink(t.v, &t.ctx, VOL_INO_ROOT, "l", "d", &l));
	check_ok(set(d.ino, "user.a", B("dir"), 0));
	check_ok(set(l.ino, "trusted.a", letters(5000), 0));
	check_ok(set(VOL_INO_ROOT, "user.a", B("root"), 0));
	volume_reopen(&t);
	check_eq(volume_at(&t, "d"), d.ino);
	check_eq(volume_at(&t, "l"), l.ino);
	check_value(d.ino, "user.a", B("dir"));
	check_value(l.ino, "trusted.a", letters(5000));
	check_value(VOL_INO_ROOT, "user.a", B("root"));
	/* What has a prefix, a target, a listing goes on having it. */
	check_ok(vol_rmdir(t.v, &t.ctx, VOL_INO_ROOT, "d"));
	check_ok(volume_rm(&t, "l"));
	vol_forget(t.v, l.ino, 1);
	check_eq(content_xattrs(&t), 0);
}

static void
xattr__unlinked_file_keeps_them(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");
	struct volume crashed;

	(void)state;
	check_ok(set(ino, "user.a", B("x"), 0));
	check_ok(volume_rm(&t, "f"));
	check_value(ino, "user.a", B("x"));
	check_ok(set(ino, "user.b", B("y"), 0));
	check_value(ino, "user.b", B("y"));
	check_eq(content_orphans(&t), 0);
	/* One that does not fit needs a record that a crash will find. */
	check_ok(set(ino, "user.c", letters(5000), 0));
	check_eq(content_orphans(&t), 1);
	check_value(ino, "user.a", B("x"));
	check_value(ino, "user.c", letters(5000));

	content_open_crashed(&crashed, &t);
	check_eq(content_xattrs(&crashed), 0);
	volume_fini(&crashed);
	vol_forget(t.v, ino, 1);
	check_eq(content_xattrs(&t), 0);
	check_eq(content_orphans(&t), 0);
}

static void
xattr__removed_file_leaves_none(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_ok(set(ino, "user.a", letters(5000), 0));
	check_ok(volume_rm(&t, "f"));
	check_value(ino, "user.a", letters(5000));
	vol_forget(t.v, ino, 1);
	check_eq(content_xattrs(&t), 0);
}

/* --- failures ------------------------------------------------------------- */

struct change {
	const char *name;
	size_t size; /* SIZE_MAX: remove */
};

static int
change_do(const struct change *c, uint64_t ino)
{
	if (c->size == SIZE_MAX)
		return unset(ino, c->name);
	return set(ino, c->name, letters(c->size), 0);
}

static bool
change_fails(
    const struct change *c, uint64_t ino, enum store_mem_call call, uint64_t n)
{
	struct store *before = store_mem_clone(t.s);
	bool failed;
	int err;

	store_mem_fail(t.s, call, n, -EIO);
	err = change_do(c, ino);
	failed = store_mem_failed(t.s, call);
	store_mem_fail(t.s, call, 0, 0);
	if (failed) {
		check_err(err, -EIO);
		check_true(store_mem_same(before, t.s));
		check_value(ino, "user.small", B("s"));
		check_value(ino, "user.big", letters(5000));
		content_check(&t, ino, B("content"));
	} else {
		check_ok(err);
	}
	check_ok(store_close(before));
	return failed;
}

static void
xattr__failed_change_changes_nothing(void **state)
{
	static const struct change changes[] = {
	    {"user.small", 2},
	    {"user.small", 5000},
	    {"user.small", SIZE_MAX},
	    {"user.big", 1},
	    {"user.big", 6000},
	    {"user.big", SIZE_MAX},
	    {"user.new", 1},
	    {"user.new", 6000},
	};
	static const enum store_mem_call calls[] = {
	    STORE_MEM_WRITE, STORE_MEM_GET, STORE_MEM_BATCH, STORE_MEM_ITER};

	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++)
		for (size_t j = 0; j < COUNT(calls); j++) {
			uint64_t ino = volume_file(&t, "f", ""), n = 1;

			print_message("change %zu, %zu\n", i, j);
			check_ok(content_write(&t, ino, 0, B("content")));
			check_ok(set(ino, "user.small", B("s"), 0));
			check_ok(set(ino, "user.big", letters(5000), 0));
			while (change_fails(&changes[i], ino, calls[j], n))
				n++;
			check_true(calls[j] != STORE_MEM_WRITE || n == 2);
			check_ok(volume_rm(&t, "f"));
			vol_forget(t.v, ino, 1);
		}
}

/* --- the model ------------------------------------------------------------ */

#define NAMES 12

static void
model_step(struct check_rand *r, uint64_t ino, size_t *sizes)
{
	size_t i = (size_t)check_rand_below(r, NAMES);
	size_t size = (size_t)check_rand_below(r, 400);
	char name[16];

	snprintf(name, sizeof(name), "user.%c", 'a' + (int)i);
	if (check_rand_one_in(r, 8))
		size = (size_t)check_rand_below(r, 65537);
	if (check_rand_one_in(r, 3)) {
		check_err(
		    unset(ino, name), sizes[i] == SIZE_MAX ? -ENODATA : 0);
		sizes[i] = SIZE_MAX;
	} else {
		check_ok(set(ino, name, letters(size), 0));
		sizes[i] = size;
	}
}

static void
model_check(uint64_t ino, const size_t *sizes)
{
	size_t names = 0, got;

	for (size_t i = 0; i < NAMES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "user.%c", 'a' + (int)i);
		if (sizes[i] == SIZE_MAX) {
			check_absent(ino, name);
			continue;
		}
		check_value(ino, name, letters(sizes[i]));
		names += strlen(name) + 1;
	}
	check_ok(vol_listxattr(t.v, ino, NULL, 0, &got));
	check_eq(got, names);
	if (names == 0)
		check_eq(content_xattrs(&t), 0);
}

static void
xattr__random_changes_match_a_table(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint64_t ino = volume_file(&t, "f", "");
	size_t sizes[NAMES];

	(void)state;
	for (size_t i = 0; i < NAMES; i++)
		sizes[i] = SIZE_MAX;
	for (int i = 0; i < 600; i++) {
		model_step(&r, ino, sizes);
		if (check_rand_one_in(&r, 50)) {
			volume_reopen(&t);
			check_eq(volume_at(&t, "f"), ino);
		}
		model_check(ino, sizes);
	}
}

int
main(void)
{
#define CASE(name) volume_case_small(name, &t)
	const struct CMUnitTest tests[] = {
	    CASE(xattr__set_get_list_remove),
	    CASE(xattr__content_and_xattrs_leave_each_other_alone),
	    CASE(xattr__flags_say_whether_it_must_be_there),
	    CASE(xattr__names_and_sizes_have_limits),
	    CASE(xattr__large_ones_stand_apart_and_come_back),
	    CASE(xattr__asking_for_a_missing_one_costs_no_get),
	    CASE(xattr__changes_move_the_ctime_alone),
	    CASE(xattr__directories_and_links_have_them_too),
	    CASE(xattr__unlinked_file_keeps_them),
	    CASE(xattr__removed_file_leaves_none),
	    CASE(xattr__failed_change_changes_nothing),
	    CASE(xattr__random_changes_match_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
