/* Power cuts while a mount is in use, and who orders them. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>

#include "tests/support/file.h"
#include "tests/support/outage.h"

/* --- what is under way ---------------------------------------------------- */

#define WRITERS 8
#define CUTS    50

static atomic_bool writers_stop;

struct writer {
	pthread_t thread;
	unsigned number;
	unsigned tries;
	unsigned synced; /* so many files of it are promised */
};

static bool
is_expected(int64_t rc)
{
	return rc >= 0 || rc == -EIO || rc == -ENOENT || rc == -ESTALE;
}

/* Odd while the power is being cut. */
static atomic_uint cut_state;

static void
cut(void)
{
	atomic_fetch_add(&cut_state, 1);
	outage_cut();
	atomic_fetch_add(&cut_state, 1);
}

/* File number i of a writer is written, synced and renamed; 0 or -errno. */
static int64_t
write_one(const struct writer *w, unsigned i)
{
	char temporary[32], name[32];
	int64_t rc, rc2;
	int fd;

	snprintf(temporary, sizeof(temporary), "d/t%u", w->number);
	snprintf(name, sizeof(name), "d/%u.%u", w->number, i);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	rc = call(write(fd, name, strlen(name)));
	rc2 = call(close(fd));
	if (rc >= 0 && rc2 >= 0)
		rc = call(rename(temporary, name));
	if (rc < 0)
		return rc;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = call(fsync(fd));
	close(fd);
	return rc;
}

static void *
writer_run(void *arg)
{
	struct writer *w = arg;

	while (!atomic_load(&writers_stop)) {
		unsigned before = atomic_load(&cut_state);
		int64_t rc = write_one(w, w->synced);

		w->tries++;
		/* A cut between write and fsync may take what was written, and
		 * no call needs to fail: no file is open all the time. */
		if (rc == 0 && before % 2 == 0 &&
		    atomic_load(&cut_state) == before)
			w->synced++;
		check_true(is_expected(rc));
	}
	return NULL;
}

static void
check_promised(const struct writer *w)
{
	char name[32];

	for (unsigned i = 0; i < w->synced; i++) {
		snprintf(name, sizeof(name), "d/%u.%u", w->number, i);
		file_is(name, name);
	}
}

static void
outage__writers_keep_what_was_promised(void **state)
{
	struct writer writers[WRITERS] = {0};
	unsigned tries = 0;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	outage_keep();
	atomic_store(&writers_stop, false);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i].number = i;
		check_ok(pthread_create(
		    &writers[i].thread, NULL, writer_run, &writers[i]));
	}
	for (int i = 0; i < CUTS; i++) {
		usleep(3000);
		cut();
	}
	atomic_store(&writers_stop, true);
	for (unsigned i = 0; i < WRITERS; i++)
		check_ok(pthread_join(writers[i].thread, NULL));
	cut();
	for (unsigned i = 0; i < WRITERS; i++) {
		check_promised(&writers[i]);
		tries += writers[i].tries;
	}
	check_true(tries > 2 * CUTS);
}

/* Looks into everything there is, again and again. */
static void *
reader_run(void *arg)
{
	char path[600];

	(void)arg;
	while (!atomic_load(&writers_stop)) {
		DIR *d = opendir("d");
		struct dirent *e;
		struct stat st;

		check_true(d || is_expected(-errno));
		while (d && (e = readdir(d))) {
			snprintf(path, sizeof(path), "d/%s", e->d_name);
			check_true(is_expected(call(stat(path, &st))));
		}
		if (d)
			closedir(d);
	}
	return NULL;
}

static void *
renamer_run(void *arg)
{
	(void)arg;
	while (!atomic_load(&writers_stop)) {
		check_true(is_expected(call(rename("d/a", "d/b"))));
		check_true(is_expected(call(rename("d/b", "d/a"))));
		check_true(is_expected(call(rename("x", "d/b/x"))));
		check_true(is_expected(call(rename("d/a/x", "x"))));
	}
	return NULL;
}

static void
outage__names_are_used_all_the_while(void **state)
{
	pthread_t threads[4];

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(mkdir("d/a", 0755)));
	file_put("d/a/f", "kept");
	file_put("x", "kept too");
	outage_keep();
	atomic_store(&writers_stop, false);
	for (size_t i = 0; i < 4; i++)
		check_ok(pthread_create(
		    &threads[i], NULL, i < 2 ? reader_run : renamer_run, NULL));
	for (int i = 0; i < CUTS; i++) {
		usleep(2000);
		outage_cut();
	}
	atomic_store(&writers_stop, true);
	for (size_t i = 0; i < 4; i++)
		check_ok(pthread_join(threads[i], NULL));
	outage_cut();
	file_is("d/a/f", "kept");
	file_is("x", "kept too");
	check_eq(file_count("."), 2);
	check_eq(file_count("d"), 1);
}

/* --- who gives the order -------------------------------------------------- */

static void
order_cut(void)
{
	outage_try_cut();
	_exit(0);
}

static pid_t
child(void (*f)(void))
{
	pid_t pid = fork();

	check_true(pid >= 0);
	if (pid == 0)
		f();
	return pid;
}

static void
outage__is_over_when_the_order_is_answered(void **state)
{
	(void)state;
	file_put("f", "kept");
	outage_keep();
	for (int i = 0; i < 5; i++) {
		file_put("f", "changed");
		file_is("f", "changed");
		outage_cut();
		check_eq(file_stat("f").st_size, 4);
		file_is("f", "kept");
	}
}

static void
outage__orders_at_once_are_all_answered(void **state)
{
	pid_t pids[8];

	(void)state;
	file_put("f", "kept");
	outage_keep();
	for (size_t i = 0; i < 8; i++)
		pids[i] = child(order_cut);
	for (size_t i = 0; i < 8; i++)
		check_eq(waitpid(pids[i], NULL, 0), pids[i]);
	outage_cut();
	file_is("f", "kept");
}

static void
outage__is_one_whoever_tells_of_it(void **state)
{
	(void)state;
	outage_keep();
	for (int i = 0; i < 3; i++) {
		outage_cut();
		file_put("f", "text");
		usleep(30000);
		file_is("f", "text");
	}
}

static void
outage__survives_the_death_of_who_ordered(void **state)
{
	(void)state;
	file_put("f", "kept");
	outage_keep();
	for (int i = 0; i < 5; i++) {
		pid_t pid = child(order_cut);

		usleep(10000);
		check_ok(call(kill(pid, SIGKILL)));
		check_eq(waitpid(pid, NULL, 0), pid);
		file_is("f", "kept");
	}
	outage_cut();
	file_is("f", "kept");
}

static void
outage__a_signal_in_the_middle_ends_the_mount(void **state)
{
	pid_t pid;

	(void)state;
	file_put("f", "kept");
	outage_keep();
	pid = child(order_cut);
	usleep(10000);
	check_ok(call(kill(outage_server(), SIGTERM)));
	check_ok(chdir("/"));
	check_eq(waitpid(pid, NULL, 0), pid);
	check_eq(outage_server_ended(), 0);
}

static void
outage__a_failure_ends_the_mount(void **state)
{
	struct stat st;

	(void)state;
	file_put("f", "kept");
	outage_keep();
	check_err(outage_try_cut(), -EIO);
	check_eq(outage_server_ended(), 3);
	check_err(call(stat("f", &st)), -ENOTCONN);
	check_ok(chdir("/"));
	check_ok(call(rmdir(outage_root())));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		outage__writers_keep_what_was_promised, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		outage__names_are_used_all_the_while, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		outage__is_over_when_the_order_is_answered, outage_setup_slow,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		outage__orders_at_once_are_all_answered, outage_setup_slow,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(outage__is_one_whoever_tells_of_it,
		outage_setup_late, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		outage__survives_the_death_of_who_ordered, outage_setup_slow,
		outage_teardown),
	    cmocka_unit_test_setup(
		outage__a_signal_in_the_middle_ends_the_mount,
		outage_setup_slow),
	    cmocka_unit_test_setup(
		outage__a_failure_ends_the_mount, outage_setup_failing),
	};

	return outage_run(argc, argv, tests, sizeof(tests) / sizeof(*tests));
}
