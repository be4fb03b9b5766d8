/* A mount whose power is cut, and what its users see then. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "tests/support/file.h"
#include "tests/support/outage.h"

static void
check_dead(int fd)
{
	struct stat st;
	char c = 'x';

	check_err(call(pread(fd, &c, 1, 0)), -EIO);
	check_err(call(pwrite(fd, &c, 1, 0)), -EIO);
	check_err(call(fstat(fd, &st)), -EIO);
	check_err(call(ftruncate(fd, 0)), -EIO);
	check_err(call(fsync(fd)), -EIO);
}

/* --- what is open -------------------------------------------------------- */

static void
restart__open_files_give_eio(void **state)
{
	int fd;

	(void)state;
	file_put("f", "kept");
	fd = file_open("f", O_RDWR);
	file_fd_is(fd, "kept"); /* and its page is cached */
	outage_keep();
	outage_cut();
	check_dead(fd);
	file_is("f", "kept");
	file_put("f", "new");
	check_dead(fd);
	file_is("f", "new");
	file_close(fd);
	file_is("f", "new");
}

static void
restart__an_old_file_is_not_a_new_one_of_its_number(void **state)
{
	struct stat old, new;
	int fd, fresh;

	(void)state;
	/* So numbers begin with a new chunk each time. */
	outage_keep();
	outage_cut();
	file_put("lost", "old text");
	fd = file_open("lost", O_RDWR);
	old = file_fstat(fd);
	outage_cut();
	check_false(file_exists("lost"));
	file_put("other", "new text");
	new = file_stat("other");
	check_eq(new.st_ino, old.st_ino);
	check_dead(fd);
	fresh = file_open("other", O_RDWR);
	file_fd_is(fresh, "new text");
	check_dead(fd);
	file_close(fd);
	file_fd_is(fresh, "new text");
	file_close(fresh);
	file_is("other", "new text");
}

static void
restart__unlinked_files_are_gone(void **state)
{
	int fd = file_open("f", O_RDWR | O_CREAT);

	(void)state;
	file_fill(fd, 0, 100000, 1);
	check_ok(call(unlink("f")));
	outage_keep();
	outage_cut();
	check_dead(fd);
	file_close(fd);
	check_eq(file_count("."), 0);
}

static void
restart__a_working_directory_gives_eio(void **state)
{
	struct stat st;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	file_put("d/f", "kept");
	check_ok(call(chdir("d")));
	file_is("f", "kept");
	outage_keep();
	outage_cut();
	check_err(call(stat(".", &st)), -EIO);
	check_err(call(open("f", O_RDONLY)), -EIO);
	check_err(call(stat("absent", &st)), -EIO);
	check_err(call(mkdir("e", 0755)), -EIO);
	check_true(opendir(".") == NULL && errno == EIO);
	check_ok(call(chdir(outage_root())));
	file_is("d/f", "kept");
	check_ok(call(chdir("d")));
	file_is("f", "kept");
}

static void
restart__the_root_goes_on_as_working_directory(void **state)
{
	(void)state;
	file_put("f", "kept");
	outage_keep();
	check_ok(call(mkdir("d", 0755)));
	check_eq(file_stat(".").st_nlink, 3);
	outage_cut();
	check_eq(file_stat(".").st_nlink, 2);
	file_is("f", "kept");
}

static void
restart__nothing_goes_into_an_old_directory(void **state)
{
	int old, f;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	file_put("d/g", "kept");
	file_put("f", "kept");
	outage_keep();
	old = file_open("d", O_RDONLY | O_DIRECTORY);
	f = file_open("f", O_RDONLY);
	outage_cut();
	check_err(call(renameat(AT_FDCWD, "f", old, "x")), -EIO);
	check_err(call(renameat(old, "g", AT_FDCWD, "x")), -EIO);
	check_err(call(renameat2(AT_FDCWD, "f", old, "g", 2)), -EIO);
	check_err(call(linkat(f, "", AT_FDCWD, "l", AT_EMPTY_PATH)), -EIO);
	check_err(call(unlinkat(old, "g", 0)), -EIO);
	file_close(old);
	file_close(f);
	file_is("f", "kept");
	file_is("d/g", "kept");
	check_eq(file_count("."), 2);
}

static sigjmp_buf on_bus;

static void
bus(int sig)
{
	(void)sig;
	siglongjmp(on_bus, 1);
}

/* Does touching it end in SIGBUS? */
static bool
is_gone(volatile char *p)
{
	struct sigaction catch = {.sa_handler = bus}, before;
	volatile bool gone = true;

	sigaction(SIGBUS, &catch, &before);
	if (sigsetjmp(on_bus, 1) == 0) {
		char c = *p;

		(void)c;
		gone = false;
	}
	sigaction(SIGBUS, &before, NULL);
	return gone;
}

static void
restart__mappings_are_gone(void **state)
{
	int fd = file_open("f", O_RDWR | O_CREAT);
	char *p;

	(void)state;
	file_fill(fd, 0, 16384, 1);
	p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_true(p != MAP_FAILED);
	outage_keep();
	p[0]++;
	check_false(is_gone(p + 8192));
	outage_cut();
	check_true(is_gone(p));
	check_true(is_gone(p + 8192));
	check_ok(call(munmap(p, 16384)));
	close(fd); /* may tell of the page that was lost */
	fd = file_open("f", O_RDONLY);
	file_holds(fd, 0, 16384, 1);
	file_close(fd);
}

#define MANY 3000

static void
make_many(const char *dir)
{
	char name[64];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%s/f%d", dir, i);
		check_ok(call(mknod(name, S_IFREG | 0644, 0)));
	}
}

static void
check_listing_ends(DIR *d)
{
	errno = 0;
	while (readdir(d))
		errno = 0;
	check_eq(errno, EIO);
	rewinddir(d);
	check_true(readdir(d) == NULL && errno == EIO);
	check_ok(call(closedir(d)));
}

static void
restart__listings_end_with_eio(void **state)
{
	DIR *half, *root;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	make_many("d");
	make_many(".");
	outage_keep();
	half = opendir("d");
	root = opendir(".");
	check_true(half && root);
	check_true(readdir(half) && readdir(root));
	outage_cut();
	check_eq(file_count("d"), MANY);
	check_listing_ends(half);
	check_listing_ends(root);
	check_eq(file_count("."), MANY + 1);
	check_eq(file_count("d"), MANY);
}

static void
restart__files_of_every_era_are_told_apart(void **state)
{
	int fds[50];

	(void)state;
	file_put("f", "kept");
	outage_keep();
	for (size_t i = 0; i < 50; i++) {
		fds[i] = file_open("f", O_RDWR);
		file_fd_is(fds[i], "kept");
		outage_cut();
		for (size_t j = 0; j <= i; j += 7)
			check_dead(fds[j]);
		file_is("f", "kept");
	}
	for (size_t i = 0; i < 50; i++)
		file_close(fds[i]);
	file_is("f", "kept");
}

/* --- what the kernel knew ------------------------------------------------- */

static void
restart__attributes_and_pages_are_read_anew(void **state)
{
	struct stat before, after;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	file_put("d/f", "kept");
	before = file_stat("d/f");
	outage_keep();
	file_put("d/f", "changed");
	check_ok(call(chmod("d/f", 0600)));
	check_eq(file_stat("d/f").st_size, 7);
	file_is("d/f", "changed");
	outage_cut();
	after = file_stat("d/f");
	check_eq(after.st_size, 4);
	check_eq(after.st_mode, before.st_mode);
	check_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	check_eq(after.st_ino, before.st_ino);
	file_is("d/f", "kept");
}

static void
restart__names_are_looked_up_anew(void **state)
{
	(void)state;
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(mkdir("d/e", 0755)));
	file_put("gone", "1");
	file_put("d/gone", "2");
	file_put("d/e/gone", "3");
	check_ok(call(symlink("gone", "link")));
	outage_keep();
	check_ok(call(unlink("gone")));
	check_ok(call(unlink("d/gone")));
	check_ok(call(unlink("d/e/gone")));
	check_ok(call(unlink("link")));
	check_ok(call(symlink("d/new", "link")));
	file_put("new", "4");
	file_put("d/new", "5");
	file_put("d/e/new", "6");
	check_false(file_exists("gone"));
	check_false(file_exists("d/gone"));
	check_false(file_exists("d/e/gone"));
	file_is("link", "5");
	outage_cut();
	check_false(file_exists("d/e/new"));
	check_false(file_exists("d/new"));
	check_false(file_exists("new"));
	file_is("d/e/gone", "3");
	file_is("d/gone", "2");
	file_is("gone", "1");
	file_is("link", "1");
}

static void
restart__a_rename_is_undone(void **state)
{
	(void)state;
	check_ok(call(mkdir("a", 0755)));
	file_put("a/f", "in a");
	check_ok(call(mkdir("b", 0755)));
	file_put("b/f", "in b");
	outage_keep();
	check_ok(call(rename("a", "b/a")));
	check_ok(call(rename("b", "a")));
	file_is("a/f", "in b");
	file_is("a/a/f", "in a");
	outage_cut();
	file_is("a/f", "in a");
	file_is("b/f", "in b");
	check_false(file_exists("a/a"));
	check_eq(file_count("."), 2);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		restart__open_files_give_eio, outage_setup, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__an_old_file_is_not_a_new_one_of_its_number,
		outage_setup, outage_teardown),
	    cmocka_unit_test_setup_teardown(restart__unlinked_files_are_gone,
		outage_setup, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__a_working_directory_gives_eio, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__the_root_goes_on_as_working_directory, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__nothing_goes_into_an_old_directory, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__mappings_are_gone, outage_setup, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__listings_end_with_eio, outage_setup, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__files_of_every_era_are_told_apart, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__attributes_and_pages_are_read_anew, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(restart__names_are_looked_up_anew,
		outage_setup, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		restart__a_rename_is_undone, outage_setup, outage_teardown),
	};

	return outage_run(argc, argv, tests, sizeof(tests) / sizeof(*tests));
}
