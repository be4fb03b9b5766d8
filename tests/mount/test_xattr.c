/* Extended attributes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "tests/support/file.h"
#include "tests/support/mount.h"

static int64_t
set(const char *path, const char *name, const char *text, int flags)
{
	return call(lsetxattr(path, name, text, strlen(text), flags));
}

static void
has(const char *path, const char *name, const char *text)
{
	char got[128];
	int64_t n = call(lgetxattr(path, name, got, sizeof(got)));

	check_eq(n, strlen(text));
	check_bytes_eq(bytes_of(got, (size_t)n), bytes_str(text));
}

static bool
is_listed(const char *path, const char *name)
{
	char list[65536];
	int64_t n = call(llistxattr(path, list, sizeof(list)));

	check_true(n >= 0);
	for (int64_t i = 0; i < n; i += (int64_t)strlen(list + i) + 1)
		if (strcmp(list + i, name) == 0)
			return true;
	return false;
}

static void
xattr__set_replace_remove(void **state)
{
	(void)state;
	file_put("f", "content");
	check_ok(set("f", "user.a", "one", 0));
	has("f", "user.a", "one");
	check_ok(set("f", "user.a", "other", 0));
	has("f", "user.a", "other");
	check_err(set("f", "user.a", "x", XATTR_CREATE), -EEXIST);
	check_err(set("f", "user.b", "x", XATTR_REPLACE), -ENODATA);
	check_ok(set("f", "user.a", "two", XATTR_REPLACE));
	check_ok(set("f", "user.b", "bee", XATTR_CREATE));
	check_ok(set("f", "user.empty", "", 0));
	mount_again(mount_now());
	has("f", "user.a", "two");
	has("f", "user.b", "bee");
	has("f", "user.empty", "");
	file_is("f", "content");
	check_true(is_listed("f", "user.a"));
	check_true(is_listed("f", "user.b"));
	check_true(is_listed("f", "user.empty"));
	check_ok(call(removexattr("f", "user.a")));
	check_err(call(removexattr("f", "user.a")), -ENODATA);
	check_err(call(lgetxattr("f", "user.a", NULL, 0)), -ENODATA);
	check_false(is_listed("f", "user.a"));
	has("f", "user.b", "bee");
}

static void
xattr__sizes_are_asked_for_and_kept_to(void **state)
{
	char got[16];

	(void)state;
	file_put("f", "");
	check_ok(set("f", "user.name", "0123456789", 0));
	check_eq(call(getxattr("f", "user.name", NULL, 0)), 10);
	check_err(call(getxattr("f", "user.name", got, 9)), -ERANGE);
	check_eq(call(getxattr("f", "user.name", got, 10)), 10);
	check_eq(call(listxattr("f", NULL, 0)), sizeof("user.name"));
	check_err(call(listxattr("f", got, 9)), -ERANGE);
	check_eq(call(listxattr("f", got, 10)), 10);
	check_str(got, "user.name");
}

static void
xattr__bad_names_and_paths(void **state)
{
	char name[300] = "user.";

	(void)state;
	file_put("f", "");
	check_err(call(getxattr("missing", "user.a", NULL, 0)), -ENOENT);
	check_err(call(getxattr("f", "user.a", NULL, 0)), -ENODATA);
	check_err(set("f", "nonsense.a", "x", 0), -EOPNOTSUPP);
	check_err(
	    set("f", "user.a", "x", XATTR_CREATE | XATTR_REPLACE), -ENODATA);
	memset(name + 5, 'n', sizeof(name) - 6);
	check_err(set("f", name, "x", 0), -ERANGE);
	name[255] = 0;
	check_ok(set("f", name, "long", 0));
	mount_again(mount_now());
	has("f", name, "long");
}

/* Directories and, as root, links and special files have them, too. */
static void
xattr__on_every_kind_of_file(void **state)
{
	(void)state;
	check_ok(call(mkdir("d", 0755)));
	check_ok(set("d", "user.a", "of d", 0));
	has("d", "user.a", "of d");
	check_ok(call(symlink("d", "l")));
	check_err(set("l", "user.a", "x", 0), -EPERM);
	if (geteuid() == 0) {
		check_ok(call(mkfifo("p", 0600)));
		check_ok(set("l", "trusted.a", "of l", 0));
		check_ok(set("p", "trusted.a", "of p", 0));
		check_ok(set("d", "security.test", "s", 0));
	}
	mount_again(mount_now());
	has("d", "user.a", "of d");
	check_ok(call(rename("d", "e")));
	has("e", "user.a", "of d");
	if (geteuid() != 0)
		return;
	has("l", "trusted.a", "of l");
	has("p", "trusted.a", "of p");
	has("e", "security.test", "s");
}

static void
put_sized(const char *name, size_t size, int fill)
{
	uint8_t *data = malloc(size + 1);

	check_true(data != NULL);
	memset(data, fill, size);
	check_ok(call(setxattr("f", name, data, size, 0)));
	free(data);
}

static void
has_sized(const char *name, size_t size, int fill)
{
	uint8_t *got = malloc(size + 1);

	check_true(got != NULL);
	check_eq(call(getxattr("f", name, NULL, 0)), size);
	check_eq(call(getxattr("f", name, got, size)), size);
	for (size_t i = 0; i < size; i++)
		check_eq(got[i], fill);
	free(got);
}

/* Of all sizes up to the kernel's limit; other filesystems have a smaller. */
static void
xattr__up_to_64_kib(void **state)
{
	static uint8_t data[65537];
	int fd;

	(void)state;
	if (mount_now()->is_plain)
		check_skip("not promised by other filesystems");
	fd = file_open("f", O_RDWR | O_CREAT);
	put_sized("user.full", 65536, 'F');
	file_fill(fd, 0, 100, 1);
	put_sized("user.page", 4096, 'P');
	put_sized("user.more", 20000, 'M');
	put_sized("user.tiny", 1, 'T');
	check_err(call(setxattr("f", "user.x", data, 65537, 0)), -E2BIG);
	file_fill(fd, 100, 200000, 1);
	file_close(fd);
	mount_again(mount_now());
	has_sized("user.full", 65536, 'F');
	has_sized("user.page", 4096, 'P');
	has_sized("user.more", 20000, 'M');
	has_sized("user.tiny", 1, 'T');
	put_sized("user.full", 5, 'f'); /* large to small and back */
	put_sized("user.tiny", 65536, 't');
	check_ok(call(removexattr("f", "user.more")));
	check_ok(call(rename("f", "g")));
	check_ok(call(rename("g", "f")));
	mount_again(mount_now());
	has_sized("user.full", 5, 'f');
	has_sized("user.tiny", 65536, 't');
	check_false(is_listed("f", "user.more"));
	fd = file_open("f", O_RDONLY);
	file_holds(fd, 0, 200100, 1);
	file_close(fd);
	check_ok(call(unlink("f")));
}

static void
xattr__many_on_one_file(void **state)
{
	char name[32], text[32];
	int count = mount_now()->is_plain ? 20 : 500;

	(void)state;
	file_put("f", "content");
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "user.number-%d", i);
		snprintf(text, sizeof(text), "value %d", i);
		check_ok(set("f", name, text, 0));
	}
	for (int i = 0; i < count; i += 2) {
		snprintf(name, sizeof(name), "user.number-%d", i);
		check_ok(call(removexattr("f", name)));
	}
	mount_again(mount_now());
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "user.number-%d", i);
		snprintf(text, sizeof(text), "value %d", i);
		check_eq(is_listed("f", name), i % 2);
		if (i % 2)
			has("f", name, text);
	}
	file_is("f", "content");
}

static void
xattr__change_the_ctime_only(void **state)
{
	struct stat before, after;

	(void)state;
	file_put("f", "");
	before = file_stat("f");
	file_nap();
	check_ok(set("f", "user.a", "1", 0));
	after = file_stat("f");
	check_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	check_true(after.st_ctim.tv_nsec != before.st_ctim.tv_nsec ||
		   after.st_ctim.tv_sec != before.st_ctim.tv_sec);
}

static void
xattr__of_an_unlinked_open_file(void **state)
{
	char got[8];
	int fd;

	(void)state;
	file_put("f", "");
	fd = file_open("f", O_RDWR);
	check_ok(set("f", "user.a", "old", 0));
	check_ok(call(unlink("f")));
	check_ok(call(fsetxattr(fd, "user.b", "new", 3, 0)));
	check_eq(call(fgetxattr(fd, "user.a", got, 8)), 3);
	check_eq(call(fgetxattr(fd, "user.b", got, 8)), 3);
	check_ok(call(fremovexattr(fd, "user.a")));
	check_err(call(fgetxattr(fd, "user.a", got, 8)), -ENODATA);
	file_close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(xattr__set_replace_remove),
	    cmocka_unit_test(xattr__sizes_are_asked_for_and_kept_to),
	    cmocka_unit_test(xattr__bad_names_and_paths),
	    cmocka_unit_test(xattr__on_every_kind_of_file),
	    cmocka_unit_test(xattr__up_to_64_kib),
	    cmocka_unit_test(xattr__many_on_one_file),
	    cmocka_unit_test(xattr__change_the_ctime_only),
	    cmocka_unit_test(xattr__of_an_unlinked_open_file),
	};

	return mount_run(tests, sizeof(tests) / sizeof(*tests));
}
