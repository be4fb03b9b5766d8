/* Files in memory, as env_posix has them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/os/env.h"
#include "tests/check.h"

struct fixture {
	struct env env;
	char path[300];
	struct env_file *file;
};

static struct fixture fx;

static int
set_up(void **state)
{
	env_posix_init(&fx.env, (struct err_sink){0});
	(void)snprintf(fx.path, sizeof(fx.path), "%s/file", check_tmpdir());
	check_ok(env_open(&fx.env, fx.path,
	    ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_TRUNC, &fx.file));
	*state = &fx;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	env_close(fx.file);
	return 0;
}

static struct env_map *
map_file(struct fixture *f, uint64_t offset, size_t size)
{
	struct env_map *m = NULL;
	int err = env_map(f->file, offset, size, &m);

	if (err == -ENOTSUP)
		check_skip("no mapping on this filesystem");
	check_ok(err);
	return m;
}

static void
check_at(struct fixture *f, uint64_t offset, const char *text)
{
	char data[64];

	check_ok(env_pread_full(f->file, data, strlen(text), offset));
	check_bytes_eq(bytes_of(data, strlen(text)), bytes_str(text));
}

static uint64_t
size_of(struct fixture *f)
{
	uint64_t size;

	check_ok(env_size(f->file, &size));
	return size;
}

static void
env_map__shows_and_takes_what_write_does(void **state)
{
	struct fixture *f = *state;
	struct env_map *m;

	check_ok(env_truncate(f->file, 20000));
	m = map_file(f, 5000, 10000);
	check_ok(env_map_write(m, "0123456789", 10, 5000));
	check_at(f, 5000, "0123456789");
	check_ok(env_pwrite(f->file, "abc", 3, 5002));
	check_ok(env_map_write(m, "x", 1, 5001));
	check_at(f, 5000, "0xabc56789");
	check_ok(env_map_write(m, "end", 3, 14997));
	check_ok(env_sync(f->file));
	check_ok(env_map_write(m, "END", 3, 14997));
	env_unmap(m);
	check_at(f, 14997, "END");
	check_eq(size_of(f), 20000);
}

/* Somebody cuts the file: an error, and whatever is done about it. */
static void
env_map__behind_the_end_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct env_map *m = map_file(f, 0, 20000);

	check_err(env_map_write(m, "x", 1, 0), -EFAULT);
	env_unmap(m);
	m = map_file(f, 0, 20000);
	check_ok(env_truncate(f->file, 20000));
	check_ok(env_map_write(m, "x", 1, 12288));
	check_ok(env_truncate(f->file, 4096));
	check_err(env_map_write(m, "x", 1, 12288), -EFAULT);
	check_eq(size_of(f), 4096);
	env_unmap(m);
	m = map_file(f, 0, 20000);
	check_ok(env_map_write(m, "x", 1, 4095));
	env_unmap(m);
}

static void
env_map__no_file_reaches_so_far(void **state)
{
	struct fixture *f = *state;
	struct env_map *m = NULL;

	check_err(env_map(f->file, UINT64_MAX - 10, 20, &m), -EFBIG);
	check_err(env_map(f->file, INT64_MAX, 20, &m), -EFBIG);
	check_true(m == NULL);
	env_unmap(NULL);
}

static void
env_map__what_was_copied_outlives_the_process(void **state)
{
	struct fixture *f = *state;
	pid_t pid;
	int status;

	check_ok(env_truncate(f->file, 1u << 20));
	env_unmap(map_file(f, 0, 1u << 20)); /* or skip */
	pid = fork();
	check_le(0, pid);
	if (pid == 0) {
		struct env_map *m;

		if (env_map(f->file, 0, 1u << 20, &m))
			_exit(1);
		for (uint64_t at = 0; at < 1u << 20; at += 8)
			if (env_map_write(m, &at, 8, at))
				_exit(2);
		(void)kill(getpid(), SIGKILL);
	}
	check_eq(waitpid(pid, &status, 0), pid);
	check_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (uint64_t at = 0, found; at < 1u << 20; at += 8) {
		check_ok(env_pread_full(f->file, &found, 8, at));
		check_eq(found, at);
	}
}

static void
env_map__an_env_need_not_have_it(void **state)
{
	struct fixture *f = *state;
	struct env_ops ops = *f->env.ops;
	struct env_map *m;

	ops.map = NULL;
	f->env.ops = &ops;
	check_err(env_map(f->file, 0, 4096, &m), -ENOTSUP);
	env_posix_init(&f->env, (struct err_sink){0});
}

#define in_fixture(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* --- reads -------------------------------------------------------------- */

static void
env_map_reads__reads_are_as_before(void **state)
{
	struct fixture *f = *state;
	char data[8];
	size_t got;

	check_ok(env_pwrite(f->file, "abcdefgh", 8, 0));
	env_map_reads(f->file);
	env_map_reads(f->file); /* a hint may come twice */
	check_at(f, 0, "abcdefgh");
	check_at(f, 3, "def");
	/* The end of the file, and what came behind it since. */
	check_ok(env_pread(f->file, data, sizeof(data), 5, &got));
	check_eq(got, 3);
	check_ok(env_pwrite(f->file, "XYZ", 3, 8));
	check_at(f, 6, "ghXYZ");
	check_ok(env_pread(f->file, data, sizeof(data), 100, &got));
	check_eq(got, 0);
}

static void
env_map_reads__of_an_empty_file_does_nothing(void **state)
{
	struct fixture *f = *state;

	env_map_reads(f->file);
	check_ok(env_pwrite(f->file, "abc", 3, 0));
	check_at(f, 0, "abc");
}

static void
env_map_reads__what_was_cut_off_is_no_signal(void **state)
{
	struct fixture *f = *state;
	char data[5000] = "abc";
	size_t got;

	for (uint64_t at = 0; at < 100000; at += sizeof(data))
		check_ok(env_pwrite(f->file, data, sizeof(data), at));
	env_map_reads(f->file);
	check_at(f, 50000, "abc");
	check_ok(env_truncate(f->file, 10000));
	check_ok(env_pread(f->file, data, sizeof(data), 50000, &got));
	check_eq(got, 0);
	check_ok(env_pread(f->file, data, sizeof(data), 9000, &got));
	check_eq(got, 1000);
	check_err(env_pread_full(f->file, data, 10, 50000), ERR_DAMAGED);
	check_at(f, 5000, "abc");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(env_map__shows_and_takes_what_write_does),
	    in_fixture(env_map__behind_the_end_is_an_error),
	    in_fixture(env_map__no_file_reaches_so_far),
	    in_fixture(env_map__what_was_copied_outlives_the_process),
	    in_fixture(env_map__an_env_need_not_have_it),
	    in_fixture(env_map_reads__reads_are_as_before),
	    in_fixture(env_map_reads__of_an_empty_file_does_nothing),
	    in_fixture(env_map_reads__what_was_cut_off_is_no_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
