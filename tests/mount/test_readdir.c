/* Listings, also of directories that change meanwhile. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/file.h"
#include "tests/support/mount.h"

#define MANY 20000

static DIR *
open_dir(const char *path)
{
	DIR *d = opendir(path);

	check_true(d != NULL);
	return d;
}

/* Files f0 to f(count-1) in the working directory. */
static void
make_files(int count)
{
	char name[16];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		check_ok(call(mknod(name, S_IFREG | 0644, 0)));
	}
}

/* The number of a file of make_files, -1 for another name. */
static int
number_of(const char *name)
{
	return name[0] == 'f' ? atoi(name + 1) : -1;
}

/* How often each file was seen, until the end or `stop` entries. */
static void
count_names(DIR *d, uint8_t *seen, int stop)
{
	struct dirent *e;

	errno = 0;
	while (stop-- != 0 && (e = readdir(d)) != NULL) {
		int i = number_of(e->d_name);

		if (i >= 0 && i < MANY)
			seen[i]++;
		errno = 0;
	}
	check_eq(errno, 0);
}

static uint8_t *
new_counts(void)
{
	uint8_t *seen = calloc(1, MANY);

	check_true(seen != NULL);
	return seen;
}

static void
readdir__tells_name_kind_and_number(void **state)
{
	struct dirent *e;
	unsigned dots = 0, others = 0;
	DIR *d;

	(void)state;
	file_put("file", "");
	check_ok(call(mkdir("dir", 0755)));
	check_ok(call(symlink("x", "link")));
	check_ok(call(mkfifo("fifo", 0600)));
	mount_again(mount_now());
	d = open_dir(".");
	while ((e = readdir(d))) {
		struct stat st = file_stat(e->d_name);

		if (e->d_name[0] == '.')
			dots++;
		else
			others++;
		check_eq(e->d_type, IFTODT(st.st_mode));
		if (strcmp(e->d_name, "..") != 0)
			check_eq(e->d_ino, st.st_ino);
	}
	check_ok(closedir(d));
	check_eq(dots, 2);
	check_eq(others, 4);
	check_true(opendir("file") == NULL && errno == ENOTDIR);
	check_true(opendir("missing") == NULL && errno == ENOENT);
}

static void
readdir__twenty_thousand_entries(void **state)
{
	int many = mount_now()->is_sync ? MANY / 10 : MANY;
	uint8_t *seen = new_counts();
	DIR *d;

	(void)state;
	make_files(many);
	d = open_dir(".");
	for (int round = 1; round <= 2; round++) {
		count_names(d, seen, -1);
		for (int i = 0; i < many; i++)
			check_eq(seen[i], round);
		rewinddir(d);
	}
	check_ok(closedir(d));
	mount_again(mount_now());
	check_eq(file_count("."), many);
	free(seen);
}

/* rm -r: removes what it has just read. */
static void
readdir__removing_while_reading_leaves_nothing(void **state)
{
	struct dirent *e;
	int many = mount_now()->is_sync ? 1000 : 5000;
	int count = 0;
	DIR *d;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(chdir("d")));
	make_files(many);
	check_ok(call(chdir("..")));
	d = open_dir("d");
	while ((e = readdir(d))) {
		if (number_of(e->d_name) < 0)
			continue;
		check_ok(call(unlinkat(dirfd(d), e->d_name, 0)));
		count++;
	}
	check_ok(closedir(d));
	check_eq(count, many);
	check_ok(call(rmdir("d")));
}

/* Removes, adds and renames around entries that stay: multiples of 3. */
static void
stir(int from, int to)
{
	char name[32], other[32];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(other, sizeof(other), "moved-%d", i);
		if (i % 3 == 1)
			check_ok(call(unlink(name)));
		if (i % 3 == 2)
			check_ok(call(rename(name, other)));
		snprintf(name, sizeof(name), "e-new-%d", i);
		check_ok(call(mknod(name, S_IFREG | 0644, 0)));
		snprintf(name, sizeof(name), "g-new-%d", i);
		check_ok(call(mknod(name, S_IFREG | 0644, 0)));
	}
}

static void
readdir__what_stays_is_seen_exactly_once(void **state)
{
	uint8_t *seen = new_counts();
	DIR *d;

	(void)state;
	make_files(3000);
	d = open_dir(".");
	for (int i = 0; i < 3000; i += 300) {
		count_names(d, seen, 150);
		stir(i, i + 300);
	}
	count_names(d, seen, -1);
	check_ok(closedir(d));
	for (int i = 0; i < 3000; i += 3)
		check_eq(seen[i], 1);
	for (int i = 0; i < 3000; i++)
		check_le(seen[i], 1);
	free(seen);
}

static void
readdir__goes_back_to_a_removed_entry(void **state)
{
	uint8_t *before = new_counts(), *rest = new_counts();
	char gone[300];
	struct dirent *e;
	long place;
	DIR *d;

	(void)state;
	make_files(2000);
	d = open_dir(".");
	count_names(d, before, 700);
	place = telldir(d);
	e = readdir(d);
	check_true(e != NULL);
	snprintf(gone, sizeof(gone), "%s", e->d_name);
	/* Neither the place nor what is behind it depends on the entry. */
	count_names(d, rest, 600);
	check_ok(call(unlink(gone)));
	for (int i = 0; i < 2000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%d", i);
		if (before[i] && i % 2)
			check_ok(call(unlink(name)));
	}
	memset(rest, 0, MANY);
	seekdir(d, place);
	count_names(d, rest, -1);
	check_ok(closedir(d));
	for (int i = 0; i < 2000; i++)
		if (i != number_of(gone))
			check_eq(before[i] + rest[i], 1);
	free(before);
	free(rest);
}

static void
readdir__two_readers_do_not_disturb_each_other(void **state)
{
	uint8_t *one = new_counts(), *two = new_counts();
	DIR *a, *b;

	(void)state;
	make_files(1000);
	a = open_dir(".");
	b = open_dir(".");
	for (int i = 0; i < 10; i++) {
		count_names(a, one, 100);
		count_names(b, two, 30);
	}
	count_names(b, two, -1);
	count_names(a, one, -1);
	for (int i = 0; i < 1000; i++) {
		check_eq(one[i], 1);
		check_eq(two[i], 1);
	}
	check_ok(closedir(a));
	check_ok(closedir(b));
	free(one);
	free(two);
}

static void
readdir__sees_what_was_changed_before_it_began(void **state)
{
	DIR *d = open_dir(".");
	uint8_t *seen = new_counts();

	(void)state;
	make_files(10);
	rewinddir(d);
	count_names(d, seen, -1);
	for (int i = 0; i < 10; i++)
		check_eq(seen[i], 1);
	check_ok(call(unlink("f3")));
	file_put("f11", "");
	memset(seen, 0, MANY);
	rewinddir(d);
	count_names(d, seen, -1);
	check_eq(seen[3], 0);
	check_eq(seen[11], 1);
	check_ok(closedir(d));
	free(seen);
}

/* Attributes that come with a listing are not older than what is known. */
static void
readdir__brings_no_stale_attributes(void **state)
{
	int fd;

	(void)state;
	make_files(100);
	fd = file_open("f50", O_RDWR);
	for (int i = 1; i <= 50; i++) {
		check_eq(call(write(fd, "0123456789", 10)), 10);
		check_eq(file_count("."), 100);
		check_eq(file_stat("f50").st_size, i * 10);
		check_eq(file_fstat(fd).st_size, i * 10);
	}
	file_close(fd);
}

static void
readdir__of_a_removed_directory_is_empty(void **state)
{
	DIR *d;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	d = open_dir("d");
	check_ok(call(rmdir("d")));
	errno = 0;
	while (readdir(d))
		;
	check_true(errno == 0 || errno == ENOENT);
	check_ok(closedir(d));
}

static void
readdir__neighbours_do_not_mix(void **state)
{
	static const char *const dirs[] = {
	    "a", "a-b", "a.b", "aa", "a b", "b", "a\x01", "a\xff"};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		char path[32];

		check_ok(call(mkdir(dirs[i], 0755)));
		for (size_t j = 0; j <= i; j++) {
			snprintf(path, sizeof(path), "%s/%zu", dirs[i], j);
			check_ok(call(mkdir(path, 0755)));
			strlcat(path, "/x", sizeof(path));
			file_put(path, "");
		}
	}
	check_eq(file_count("."), 8);
	for (size_t i = 0; i < 8; i++)
		check_eq(file_count(dirs[i]), i + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(readdir__tells_name_kind_and_number),
	    cmocka_unit_test(readdir__twenty_thousand_entries),
	    cmocka_unit_test(readdir__removing_while_reading_leaves_nothing),
	    cmocka_unit_test(readdir__what_stays_is_seen_exactly_once),
	    cmocka_unit_test(readdir__goes_back_to_a_removed_entry),
	    cmocka_unit_test(readdir__two_readers_do_not_disturb_each_other),
	    cmocka_unit_test(readdir__sees_what_was_changed_before_it_began),
	    cmocka_unit_test(readdir__brings_no_stale_attributes),
	    cmocka_unit_test(readdir__of_a_removed_directory_is_empty),
	    cmocka_unit_test(readdir__neighbours_do_not_mix),
	};

	return mount_run(tests, sizeof(tests) / sizeof(*tests));
}
