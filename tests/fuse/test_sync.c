/* What fsync and close tell, and when. */
#include <pthread.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/support/file.h"
#include "tests/support/outage.h"

static void
fsync__keeps_what_it_was_called_for(void **state)
{
	int fd = file_open("f", O_WRONLY | O_CREAT);

	(void)state;
	check_eq(call(write(fd, "kept", 4)), 4);
	check_ok(call(fsync(fd)));
	file_close(fd);
	check_eq(outage_figure("ignored_fsyncs"), 0);
	outage_cut();
	file_is("f", "kept");
}

static void
fsync__can_be_ignored(void **state)
{
	int fd = file_open("f", O_WRONLY | O_CREAT);
	int dir = file_open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	check_eq(call(write(fd, "lost", 4)), 4);
	check_ok(call(fsync(fd)));
	check_ok(call(fdatasync(fd)));
	check_ok(call(fsync(dir)));
	check_eq(outage_figure("ignored_fsyncs"), 3);
	file_close(fd);
	file_close(dir);
	outage_cut();
	check_false(file_exists("f"));
	check_eq(outage_figure("ignored_fsyncs"), 3);
}

static void
close__tells_of_a_log_that_failed(void **state)
{
	int fd = file_open("f", O_WRONLY | O_CREAT);
	int other = file_open("g", O_WRONLY | O_CREAT);
	int again = dup(other);

	(void)state;
	check_eq(call(write(fd, "text", 4)), 4);
	file_close(again);
	outage_fail();
	check_err(call(close(fd)), -EIO);
	check_err(call(close(other)), -EIO);
}

static void
close__says_nothing_where_nothing_is_pending(void **state)
{
	int fd = file_open("f", O_WRONLY | O_CREAT);

	(void)state;
	check_eq(call(write(fd, "text", 4)), 4);
	outage_fail();
	file_close(fd);
}

/* --- beside a long request ------------------------------------------------ */

static uint64_t
now_us(void)
{
	struct timespec t;

	check_ok(clock_gettime(CLOCK_MONOTONIC, &t));
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct beside {
	int dir;
	int64_t synced;
	uint64_t synced_us; /* when */
	int64_t counted;
};

static void *
beside_sync(void *arg)
{
	struct beside *b = arg;

	b->synced = call(fsync(b->dir));
	b->synced_us = now_us();
	return NULL;
}

static void *
beside_busy(void *arg)
{
	struct beside *b = arg;
	struct statvfs st;

	b->counted = call(fstatvfs(b->dir, &st));
	return NULL;
}

/* Both are there when the server goes on, so that one thread takes both. */
static void
fsync__does_not_wait_for_the_request_behind_it(void **state)
{
	struct beside b = {.dir = file_open(".", O_RDONLY | O_DIRECTORY)};
	pthread_t sync, busy;
	uint64_t begin;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(kill(outage_server(), SIGSTOP)));
	check_eq(waitpid(outage_server(), NULL, WUNTRACED), outage_server());
	check_ok(pthread_create(&sync, NULL, beside_sync, &b));
	usleep(100000);
	check_ok(pthread_create(&busy, NULL, beside_busy, &b));
	usleep(100000);
	begin = now_us();
	check_ok(call(kill(outage_server(), SIGCONT)));
	check_ok(pthread_join(sync, NULL));
	check_ok(pthread_join(busy, NULL));
	check_ok(b.synced);
	check_ok(b.counted);
	check_true(b.synced_us - begin < OUTAGE_BUSY_US / 2);
	file_close(b.dir);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(fsync__keeps_what_it_was_called_for,
		outage_setup, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		fsync__can_be_ignored, outage_setup_ignoring, outage_teardown),
	    cmocka_unit_test_setup_teardown(close__tells_of_a_log_that_failed,
		outage_setup_batch, outage_teardown),
	    cmocka_unit_test_setup_teardown(
		close__says_nothing_where_nothing_is_pending, outage_setup,
		outage_teardown),
	    cmocka_unit_test_setup_teardown(
		fsync__does_not_wait_for_the_request_behind_it,
		outage_setup_busy, outage_teardown),
	};

	return outage_run(argc, argv, tests, sizeof(tests) / sizeof(*tests));
}
