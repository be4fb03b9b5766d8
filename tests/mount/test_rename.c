/* Names that move, are replaced and go away, with files open or not. */
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/file.h"
#include "tests/support/mount.h"

static int64_t
rename_how(const char *from, const char *to, unsigned flags)
{
	return call(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
}

static void
rename__moves_and_replaces(void **state)
{
	ino_t ino;

	(void)state;
	file_put("a", "one");
	ino = file_stat("a").st_ino;
	check_ok(call(rename("a", "b")));
	check_false(file_exists("a"));
	file_is("b", "one");
	check_eq(file_stat("b").st_ino, ino);
	file_put("c", "two");
	check_ok(call(rename("b", "c")));
	file_is("c", "one");
	check_eq(file_stat("c").st_ino, ino);
	check_eq(file_count("."), 1);
	check_ok(call(rename("c", "c")));
	file_is("c", "one");
	check_err(call(rename("missing", "c")), -ENOENT);
	check_err(call(rename("c", "missing/c")), -ENOENT);
	check_err(call(rename("c", "c/c")), -ENOTDIR);
	file_is("c", "one");
	mount_again(mount_now());
	file_is("c", "one");
	check_eq(file_stat("c").st_ino, ino);
	check_eq(file_count("."), 1);
}

static void
rename__a_large_file_keeps_its_content(void **state)
{
	int fd = file_open("big", O_RDWR | O_CREAT);

	(void)state;
	file_fill(fd, 0, 500000, 1);
	file_close(fd);
	check_ok(call(mkdir("d", 0755)));
	fd = file_open("d/old", O_RDWR | O_CREAT);
	file_fill(fd, 0, 700000, 2);
	file_close(fd);
	check_ok(call(rename("big", "d/old")));
	mount_again(mount_now());
	fd = file_open("d/old", O_RDONLY);
	check_eq(file_fstat(fd).st_size, 500000);
	file_holds(fd, 0, 500000, 1);
	file_close(fd);
}

static void
rename__kinds_must_fit(void **state)
{
	(void)state;
	file_put("f", "f");
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(mkdir("full", 0755)));
	file_put("full/x", "x");
	check_err(call(rename("d", "f")), -ENOTDIR);
	check_err(call(rename("f", "d")), -EISDIR);
	check_err(call(rename("d", "full")), -ENOTEMPTY);
	check_err(call(rename("d", "d/sub")), -EINVAL);
	check_err(call(rename("full", "full/x/y")), -ENOTDIR);
	check_err(call(rename("full/x", "full")), -ENOTEMPTY);
	check_ok(call(mkdir("d/e", 0755)));
	check_err(call(rename("d", "d/e/f")), -EINVAL);
	check_ok(call(rename("full", "d/e")));
	file_is("d/e/x", "x");
	check_err(call(rename(".", "g")), -EBUSY);
	file_is("f", "f");
	check_eq(file_count("."), 2);
}

static void
rename__noreplace(void **state)
{
	(void)state;
	file_put("a", "one");
	file_put("b", "two");
	check_err(rename_how("a", "b", RENAME_NOREPLACE), -EEXIST);
	file_is("b", "two");
	check_ok(rename_how("a", "c", RENAME_NOREPLACE));
	file_is("c", "one");
	check_false(file_exists("a"));
	check_err(
	    rename_how("b", "c", RENAME_NOREPLACE | RENAME_EXCHANGE), -EINVAL);
}

static void
rename__exchange(void **state)
{
	nlink_t links = file_stat(".").st_nlink;

	(void)state;
	file_put("f", "file");
	check_ok(call(mkdir("d", 0755)));
	file_put("d/in", "inside");
	check_ok(rename_how("f", "d", RENAME_EXCHANGE));
	file_is("d", "file");
	file_is("f/in", "inside");
	check_ok(call(mkdir("p", 0755)));
	file_put("p/q", "deep");
	check_ok(rename_how("f", "p/q", RENAME_EXCHANGE));
	file_is("f", "deep");
	file_is("p/q/in", "inside");
	check_eq(file_stat(".").st_nlink, links + 1);
	check_eq(file_stat("p").st_nlink, 3);
	check_err(rename_how("f", "missing", RENAME_EXCHANGE), -ENOENT);
	check_err(rename_how("p", "p/q", RENAME_EXCHANGE), -EINVAL);
	check_err(rename_how("p/q", "p", RENAME_EXCHANGE), -EINVAL);
	mount_again(mount_now());
	file_is("d", "file");
	file_is("f", "deep");
	file_is("p/q/in", "inside");
	check_eq(file_stat("p").st_nlink, 3);
}

/* What stands at the old path afterwards is another directory. */
static void
rename__a_directory_takes_all_below_with_it(void **state)
{
	(void)state;
	check_ok(call(mkdir("a", 0755)));
	check_ok(call(mkdir("a/b", 0755)));
	file_put("a/x", "ax");
	file_put("a/b/y", "aby");
	check_ok(call(rename("a", "m")));
	check_false(file_exists("a"));
	check_err(call(open("a/x", O_RDONLY)), -ENOENT);
	file_is("m/x", "ax");
	file_is("m/b/y", "aby");
	check_ok(call(mkdir("a", 0755)));
	check_eq(file_count("a"), 0);
	check_err(call(open("a/x", O_RDONLY)), -ENOENT);
	file_put("a/x", "new");
	check_ok(call(mkdir("a/b", 0755)));
	check_eq(file_count("a/b"), 0);
	file_put("a/b/z", "abz");
	mount_again(mount_now());
	file_is("m/x", "ax");
	file_is("m/b/y", "aby");
	file_is("a/x", "new");
	file_is("a/b/z", "abz");
	check_eq(file_count("a/b"), 1);
	check_eq(file_count("m/b"), 1);
}

static void
rename__a_directory_comes_home(void **state)
{
	(void)state;
	check_ok(call(mkdir("a", 0755)));
	check_ok(call(mkdir("a/b", 0755)));
	file_put("a/b/one", "1");
	for (int i = 0; i < 3; i++) {
		check_ok(call(rename("a/b", "away")));
		check_ok(call(mkdir("a/b", 0755)));
		file_put("a/b/guest", "g");
		check_ok(call(rename("a", "c")));
		check_ok(call(mkdir("a", 0755)));
		check_ok(call(rename("away", "a/b")));
		file_is("a/b/one", "1");
		check_eq(file_count("a/b"), 1);
		file_is("c/b/guest", "g");
		check_eq(file_count("c/b"), 1);
		check_ok(call(unlink("c/b/guest")));
		check_ok(call(rmdir("c/b")));
		check_ok(call(rmdir("c")));
		mount_again(mount_now());
	}
	file_is("a/b/one", "1");
	check_eq(file_count("a/b"), 1);
}

static void
rename__directories_swap_places(void **state)
{
	(void)state;
	check_ok(call(mkdir("a", 0755)));
	check_ok(call(mkdir("b", 0755)));
	file_put("a/x", "of a");
	file_put("b/x", "of b");
	check_ok(rename_how("a", "b", RENAME_EXCHANGE));
	file_is("a/x", "of b");
	file_is("b/x", "of a");
	check_ok(call(unlink("a/x")));
	check_ok(call(rmdir("a")));
	check_ok(call(mkdir("a", 0755)));
	check_eq(file_count("a"), 0);
	file_put("a/y", "new a");
	mount_again(mount_now());
	file_is("a/y", "new a");
	file_is("b/x", "of a");
	check_eq(file_count("a"), 1);
	check_eq(file_count("b"), 1);
}

static void
rename__deep_paths_follow(void **state)
{
	char path[600] = "top";
	int fd;

	(void)state;
	check_ok(call(mkdir(path, 0755)));
	for (int i = 0; i < 60; i++) {
		strlcat(path, "/level", sizeof(path));
		check_ok(call(mkdir(path, 0755)));
	}
	strlcat(path, "/f", sizeof(path));
	file_put(path, "deep");
	fd = file_open(path, O_RDWR | O_APPEND);
	check_ok(call(rename("top", "tip")));
	check_ok(call(rename("tip/level/level", "mid")));
	check_eq(call(write(fd, "er", 2)), 2);
	file_close(fd);
	memmove(path, path + strlen("top/level/level"),
	    strlen(path + strlen("top/level/level")) + 1);
	memmove(path + 3, path, strlen(path) + 1);
	memcpy(path, "mid", 3);
	file_is(path, "deeper");
	mount_again(mount_now());
	file_is(path, "deeper");
}

static void
rename__an_open_file_goes_on(void **state)
{
	int moved, replaced;

	(void)state;
	file_put("a", "moved");
	file_put("b", "replaced");
	moved = file_open("a", O_RDWR);
	replaced = file_open("b", O_RDWR);
	check_ok(call(rename("a", "b")));
	file_fd_is(moved, "moved");
	file_fd_is(replaced, "replaced");
	check_eq(call(pwrite(replaced, "REP", 3, 0)), 3);
	check_eq(call(pwrite(moved, "MOV", 3, 0)), 3);
	file_fd_is(replaced, "REPlaced");
	file_is("b", "MOVed");
	check_eq(file_fstat(replaced).st_nlink, 0);
	check_eq(file_fstat(moved).st_nlink, 1);
	check_ok(call(fsync(replaced)));
	check_ok(call(ftruncate(replaced, 3)));
	file_fd_is(replaced, "REP");
	check_ok(call(rename("b", "c")));
	check_eq(call(pwrite(moved, "MOVED", 5, 0)), 5);
	file_is("c", "MOVED");
	file_close(replaced);
	file_close(moved);
	file_is("c", "MOVED");
}

/* Both those that live in their entry and those that have blocks. */
static void
work_unlinked(size_t size)
{
	int fd = file_open("gone", O_RDWR | O_CREAT);
	int second = file_open("gone", O_RDONLY);

	file_fill(fd, 0, size, 6);
	check_ok(call(unlink("gone")));
	check_false(file_exists("gone"));
	check_eq(file_fstat(fd).st_nlink, 0);
	check_eq(file_fstat(fd).st_size, size);
	file_holds(second, 0, size, 6);
	file_put("gone", "another one");
	file_fill(fd, size, 300000, 6); /* grows into blocks */
	file_holds(second, 0, size + 300000, 6);
	check_ok(call(ftruncate(fd, 10)));
	file_holds(second, 0, size < 10 ? size : 10, 6);
	check_ok(call(fchmod(fd, 0640)));
	check_eq(file_fstat(second).st_mode & 07777, 0640);
	check_ok(call(fsync(fd)));
	check_ok(call(ftruncate(fd, 200000)));
	file_is_zero(fd, 10, 200000 - 10);
	file_is("gone", "another one");
	file_close(fd);
	file_close(second);
	check_ok(call(unlink("gone")));
}

static void
unlink__an_open_file_works_on(void **state)
{
	(void)state;
	work_unlinked(0);
	work_unlinked(100);
	work_unlinked(4096);
	work_unlinked(1000000);
	check_eq(file_count("."), 0);
	mount_again(mount_now());
	check_eq(file_count("."), 0);
}

static void
unlink__errors(void **state)
{
	(void)state;
	check_ok(call(mkdir("d", 0755)));
	file_put("f", "");
	check_err(call(unlink("d")), -EISDIR);
	check_err(call(unlink("missing")), -ENOENT);
	check_err(call(unlink("f/x")), -ENOTDIR);
	check_err(call(rmdir("f")), -ENOTDIR);
	check_err(call(rmdir("missing")), -ENOENT);
	check_err(call(mkdir("f", 0755)), -EEXIST);
	check_err(call(mkdir("d", 0755)), -EEXIST);
	check_err(call(mkdir("missing/d", 0755)), -ENOENT);
	check_err(call(rmdir(".")), -EINVAL);
	file_put("d/x", "");
	check_err(call(rmdir("d")), -ENOTEMPTY);
	check_ok(call(unlink("d/x")));
	check_ok(call(rmdir("d")));
	check_false(file_exists("d"));
}

static void
rmdir__an_open_directory(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	fd = file_open("d", O_RDONLY | O_DIRECTORY);
	check_ok(call(rmdir("d")));
	check_ok(call(fstat(fd, &st)));
	check_eq(st.st_nlink, 0);
	check_err(call(openat(fd, "x", O_RDWR | O_CREAT, 0644)), -ENOENT);
	check_err(call(mkdirat(fd, "x", 0755)), -ENOENT);
	check_err(call(openat(fd, "x", O_RDONLY)), -ENOENT);
	check_ok(call(fsync(fd)));
	check_ok(call(mkdir("d", 0755))); /* another one */
	file_put("d/x", "x");
	check_err(call(openat(fd, "x", O_RDONLY)), -ENOENT);
	file_close(fd);
	file_is("d/x", "x");
}

static void
rmdir__with_an_unlinked_open_file_in_it(void **state)
{
	int fd;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	fd = file_open("d/f", O_RDWR | O_CREAT);
	check_eq(call(write(fd, "still", 5)), 5);
	check_ok(call(unlink("d/f")));
	check_ok(call(rmdir("d")));
	file_fd_is(fd, "still");
	check_eq(call(write(fd, " here", 5)), 5);
	file_fd_is(fd, "still here");
	file_close(fd);
}

static void
rename__the_working_directory_moves_along(void **state)
{
	char path[600];

	(void)state;
	check_ok(call(mkdir("a", 0755)));
	check_ok(call(chdir("a")));
	check_ok(call(rename("../a", "../b")));
	file_put("f", "here");
	file_is("../b/f", "here");
	check_true(getcwd(path, sizeof(path)) != NULL);
	check_str(strrchr(path, '/'), "/b");
	check_ok(call(chdir("..")));
}

/* A temporary file, fsync, rename over: what careful programs do. */
static void
rename__replaces_again_and_again(void **state)
{
	char text[32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		int fd = open("tmp", O_WRONLY | O_CREAT | O_EXCL, 0644);
		int n = snprintf(text, sizeof(text), "version %d", i);

		check_true(fd >= 0);
		check_eq(call(write(fd, text, (size_t)n)), n);
		check_ok(call(fsync(fd)));
		file_close(fd);
		check_ok(call(rename("tmp", "state")));
		file_is("state", text);
	}
	check_eq(file_count("."), 1);
	mount_again(mount_now());
	file_is("state", "version 99");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rename__moves_and_replaces),
	    cmocka_unit_test(rename__a_large_file_keeps_its_content),
	    cmocka_unit_test(rename__kinds_must_fit),
	    cmocka_unit_test(rename__noreplace),
	    cmocka_unit_test(rename__exchange),
	    cmocka_unit_test(rename__a_directory_takes_all_below_with_it),
	    cmocka_unit_test(rename__a_directory_comes_home),
	    cmocka_unit_test(rename__directories_swap_places),
	    cmocka_unit_test(rename__deep_paths_follow),
	    cmocka_unit_test(rename__an_open_file_goes_on),
	    cmocka_unit_test(unlink__an_open_file_works_on),
	    cmocka_unit_test(unlink__errors),
	    cmocka_unit_test(rmdir__an_open_directory),
	    cmocka_unit_test(rmdir__with_an_unlinked_open_file_in_it),
	    cmocka_unit_test(rename__the_working_directory_moves_along),
	    cmocka_unit_test(rename__replaces_again_and_again),
	};

	return mount_run(tests, sizeof(tests) / sizeof(*tests));
}
