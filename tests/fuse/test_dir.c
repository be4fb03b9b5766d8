/* Listings of a directory that cannot be read to its end. */
#include <dirent.h>
#include <stdio.h>

#include "tests/support/file.h"
#include "tests/support/outage.h"

#define FILES 50

static void
make_files(void)
{
	char name[16];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%02d", i);
		file_put(name, "");
	}
	file_put(OUTAGE_DAMAGED_NAME, "");
	/* The kernel knows none of them any more. */
	outage_keep();
	outage_cut();
}

/* The names, without those of dots, that come before the error. */
static int
names_before(DIR *d, int64_t *err)
{
	const struct dirent *e;
	int n = 0;

	while (errno = 0, e = readdir(d))
		n += e->d_name[0] != '.';
	*err = -errno;
	return n;
}

static void
remove_files(void)
{
	char name[16];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%02d", i);
		check_ok(call(unlink(name)));
	}
}

static void
listing__gives_what_is_before_the_damage(void **state)
{
	int64_t err;
	DIR *d;

	(void)state;
	make_files();
	d = opendir(".");
	check_true(d != NULL);
	for (int i = 0; i < 2; i++) {
		check_eq(names_before(d, &err), FILES);
		check_err(err, -EIO);
		check_eq(names_before(d, &err), 0);
		check_err(err, -EIO);
		rewinddir(d);
	}
	check_ok(closedir(d));
}

static void
listing__keeps_no_nodes_that_the_kernel_does_not_know(void **state)
{
	int64_t err;
	DIR *d;

	(void)state;
	make_files();
	d = opendir(".");
	check_true(d != NULL);
	names_before(d, &err);
	check_err(err, -EIO);
	check_ok(closedir(d));
	remove_files();
	/* Nobody waits until the kernel has told that it forgets them. */
	for (int i = 0; i < 250 && outage_figure("inodes_in_memory") > 1; i++)
		file_nap();
	check_eq(outage_figure("inodes_in_memory"), 1);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		listing__gives_what_is_before_the_damage, outage_setup_damaged,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		listing__keeps_no_nodes_that_the_kernel_does_not_know,
		outage_setup_damaged, outage_teardown),
	};

	return outage_run(argc, argv, tests, sizeof(tests) / sizeof(*tests));
}
