/* The env_* functions over files, and over ops that do less than asked. */
#include "engine/os/env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/support/log.h"

#define STEP 3 /* bytes that the short ops move at most */

struct fixture {
	struct env env;
	struct log log;
	char dir[256];
	char path[300];
	int calls;    /* transfers so far */
	int fail_at;  /* the transfer to fail; 0: none */
	ssize_t fail; /* what it returns */
};

static struct fixture fx;
static struct env_ops posix_ops;
static struct env_ops short_ops;

static bool
fails_now(ssize_t *r)
{
	if (++fx.calls != fx.fail_at)
		return false;
	*r = fx.fail;
	return true;
}

static ssize_t
short_pwrite(struct env_file *f, const void *data, size_t size, uint64_t offset)
{
	ssize_t r;

	if (fails_now(&r))
		return r;
	return posix_ops.pwrite(f, data, size < STEP ? size : STEP, offset);
}

static ssize_t
short_pread(struct env_file *f, void *data, size_t size, uint64_t offset)
{
	ssize_t r;

	if (fails_now(&r))
		return r;
	return posix_ops.pread(f, data, size < STEP ? size : STEP, offset);
}

static int
set_up(void **state)
{
	fx = (struct fixture){0};
	env_posix_init(&fx.env, log_sink(&fx.log));
	posix_ops = *fx.env.ops;
	short_ops = posix_ops;
	short_ops.pread = short_pread;
	short_ops.pwrite = short_pwrite;
	snprintf(fx.dir, sizeof(fx.dir), "%s", check_tmpdir());
	snprintf(fx.path, sizeof(fx.path), "%s/file", fx.dir);
	*state = &fx;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	check_rmtree(fx.dir);
	return 0;
}

static struct env_file *
create(struct fixture *f)
{
	struct env_file *file;

	check_ok(env_open(&f->env, f->path,
	    ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_EXCL, &file));
	return file;
}

static void
put(struct fixture *f, const char *text)
{
	struct env_file *file = create(f);

	check_ok(env_pwrite(file, text, strlen(text), 0));
	env_close(file);
}

static void
check_content(struct fixture *f, const char *text)
{
	uint8_t *data;
	size_t size;

	check_ok(env_read_file(&f->env, f->path, 1000, &data, &size));
	check_bytes_eq(bytes_of(data, size), bytes_str(text));
	free(data);
}

static void
env__short_writes_are_looped(void **state)
{
	struct fixture *f = *state;

	f->env.ops = &short_ops;
	put(f, "0123456789");
	check_eq(f->calls, 4);
	f->env.ops = &posix_ops;
	check_content(f, "0123456789");
	check_eq(f->log.count, 0);
}

static void
env__short_reads_are_looped_until_the_end(void **state)
{
	struct fixture *f = *state;
	struct env_file *file;
	char data[100];
	size_t got;

	put(f, "0123456789");
	f->env.ops = &short_ops;
	check_ok(env_open(&f->env, f->path, ENV_OPEN_READ, &file));
	check_ok(env_pread(file, data, 7, 1, &got));
	check_bytes_eq(bytes_of(data, got), bytes_str("1234567"));
	check_ok(env_pread(file, data, sizeof(data), 2, &got));
	check_bytes_eq(bytes_of(data, got), bytes_str("23456789"));
	check_ok(env_pread(file, data, sizeof(data), 10, &got));
	check_eq(got, 0);
	env_close(file);
}

static void
env__error_in_the_middle_of_a_write_is_reported(void **state)
{
	struct fixture *f = *state;
	struct env_file *file = create(f);

	f->env.ops = &short_ops;
	f->fail_at = 3;
	f->fail = -EIO;
	check_err(env_pwrite(file, "0123456789", 10, 100), -EIO);
	check_eq(f->calls, 3);
	check_eq(f->log.count, 1);
	check_contains(f->log.last, f->path);
	check_contains(f->log.last, "offset 106");
	check_contains(f->log.last, "Input/output error");
	env_close(file);
}

static void
env__write_of_nothing_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct env_file *file = create(f);

	f->env.ops = &short_ops;
	f->fail_at = 1;
	f->fail = 0;
	check_err(env_pwrite(file, "0123456789", 10, 0), -EIO);
	check_eq(f->log.count, 1);
	env_close(file);
}

static void
env__error_in_the_middle_of_a_read_is_reported(void **state)
{
	struct fixture *f = *state;
	struct env_file *file;
	char data[10];
	size_t got = 42;

	put(f, "0123456789");
	check_ok(env_open(&f->env, f->path, ENV_OPEN_READ, &file));
	f->env.ops = &short_ops;
	f->fail_at = 2;
	f->fail = -EIO;
	check_err(env_pread(file, data, 10, 0, &got), -EIO);
	check_eq(got, 42);
	check_contains(f->log.last, "offset 3");
	env_close(file);
}

static void
env__full_read_past_the_end_is_damage(void **state)
{
	struct fixture *f = *state;
	struct env_file *file;
	char data[10];

	put(f, "0123456789");
	check_ok(env_open(&f->env, f->path, ENV_OPEN_READ, &file));
	check_ok(env_pread_full(file, data, 10, 0));
	check_ok(env_pread_full(file, data, 0, 10));
	check_eq(f->log.count, 0);
	check_err(env_pread_full(file, data, 10, 4), ERR_DAMAGED);
	check_eq(f->log.count, 1);
	check_contains(f->log.last, f->path);
	check_contains(f->log.last, "offset 4");
	check_err(env_pread_full(file, data, 1, UINT64_MAX), ERR_DAMAGED);
	check_err(env_pread_full(file, data, 10, INT64_MAX - 2), ERR_DAMAGED);
	env_close(file);
}

static void
env__offsets_beyond_any_file_are_refused(void **state)
{
	struct fixture *f = *state;
	struct env_file *file = create(f);

	check_err(env_pwrite(file, "x", 1, UINT64_MAX), -EFBIG);
	check_err(env_pwrite(file, "xy", 2, INT64_MAX - 1), -EFBIG);
	check_err(env_truncate(file, UINT64_MAX), -EFBIG);
	env_close(file);
}

static void
env__ordinary_answers_are_not_logged(void **state)
{
	struct fixture *f = *state;
	struct env_file *file;
	char second[300];

	check_err(env_open(&f->env, f->path, ENV_OPEN_READ, &file), -ENOENT);
	put(f, "x");
	check_err(env_open(&f->env, f->path,
		      ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_EXCL, &file),
	    -EEXIST);
	check_err(env_mkdir(&f->env, f->dir), -EEXIST);
	/* A directory has no second name. */
	snprintf(second, sizeof(second), "%s/second", f->dir);
	check_err(env_link(&f->env, f->dir, second), -EPERM);
	check_true(env_cannot_link(-EPERM) && env_cannot_link(-EXDEV));
	check_false(env_cannot_link(-EEXIST) || env_cannot_link(-EIO));
	check_eq(f->log.count, 0);
}

static void
env__failures_are_logged_once_with_their_path(void **state)
{
	struct fixture *f = *state;
	struct env *e = &f->env;
	char below[400];
	struct env_file *file;
	uint64_t a, b;

	put(f, "x");
	snprintf(below, sizeof(below), "%s/below", f->path);
	check_err(env_open(e, below, ENV_OPEN_READ, &file), -ENOTDIR);
	check_err(env_unlink(e, below), -ENOTDIR);
	check_err(env_mkdir(e, below), -ENOTDIR);
	check_err(env_rmdir(e, below), -ENOTDIR);
	check_err(env_rename(e, below, f->path), -ENOTDIR);
	check_err(env_link(e, below, f->path), -ENOTDIR);
	check_err(env_sync_dir(e, f->path), -ENOTDIR);
	check_err(env_sync_parent(e, below), -ENOTDIR);
	check_err(env_list(e, f->path, NULL, NULL), -ENOTDIR);
	check_err(env_space(e, below, &a, &b), -ENOTDIR);
	check_err(env_replace_file(e, f->path, "n", bytes_str("x")), -ENOTDIR);
	check_eq(f->log.count, 11);
	check_contains(f->log.last, f->path);
	check_contains(f->log.last, "Not a directory");
}

static void
env__open_flags_do_what_they_say(void **state)
{
	struct fixture *f = *state;
	struct env_file *file;
	struct stat st;
	uint64_t size;

	put(f, "12345");
	check_ok(stat(f->path, &st));
	check_eq(st.st_mode & 07777, 0600);
	check_ok(env_open(&f->env, f->path, ENV_OPEN_READ, &file));
	check_err(env_pwrite(file, "x", 1, 0), -EBADF);
	env_close(file);
	check_ok(env_open(
	    &f->env, f->path, ENV_OPEN_WRITE | ENV_OPEN_CREATE, &file));
	check_ok(env_size(file, &size));
	check_eq(size, 5);
	check_ok(env_truncate(file, 3));
	check_ok(env_sync(file));
	env_close(file);
	check_content(f, "123");
	check_ok(
	    env_open(&f->env, f->path, ENV_OPEN_WRITE | ENV_OPEN_TRUNC, &file));
	check_ok(env_size(file, &size));
	check_eq(size, 0);
	env_close(file);
	env_close(NULL);
}

static int
count_names(void *ctx, const char *name)
{
	int *left = ctx;

	check_contains("file file2 sub", name);
	return --*left == 0 ? 7 : 0;
}

static void
env__names_come_and_go(void **state)
{
	struct fixture *f = *state;
	struct env *e = &f->env;
	char second[300], sub[300];
	int left = 100;

	snprintf(second, sizeof(second), "%s/file2", f->dir);
	snprintf(sub, sizeof(sub), "%s/sub", f->dir);
	put(f, "x");
	check_ok(env_mkdir(e, sub));
	check_ok(env_link(e, f->path, second));
	check_ok(env_sync_dir(e, f->dir));
	check_ok(env_sync_parent(e, sub));
	check_ok(env_list(e, f->dir, count_names, &left));
	check_eq(left, 97);
	left = 2;
	check_eq(env_list(e, f->dir, count_names, &left), 7);
	check_ok(env_unlink(e, f->path));
	check_ok(env_rename(e, second, f->path));
	check_content(f, "x");
	check_ok(env_rmdir(e, sub));
	check_eq(f->log.count, 0);
	check_err(env_rmdir(e, sub), -ENOENT);
	check_err(env_rmdir(e, f->dir), -ENOTEMPTY);
}

static void
env__space_and_clocks_are_plausible(void **state)
{
	struct fixture *f = *state;
	uint64_t avail, total, begin = env_now_us(&f->env);

	check_ok(env_space(&f->env, f->dir, &avail, &total));
	check_le(avail, total);
	check_le(1, total);
	env_sleep_us(&f->env, 2000);
	check_le(begin + 2000, env_now_us(&f->env));
	/* After 2020. */
	check_le((uint64_t)1577836800 * 1000000000, env_wall_ns(&f->env));
}

static void
env__read_file_has_a_limit(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = NULL;
	size_t size = 42;

	check_err(env_read_file(&f->env, f->path, 10, &data, &size), -ENOENT);
	put(f, "0123456789");
	check_err(env_read_file(&f->env, f->path, 9, &data, &size), -EFBIG);
	check_true(data == NULL);
	check_eq(size, 42);
	check_ok(env_read_file(&f->env, f->path, 10, &data, &size));
	check_bytes_eq(bytes_of(data, size), bytes_str("0123456789"));
	free(data);
}

static void
env__replace_file_creates_and_replaces(void **state)
{
	struct fixture *f = *state;
	struct env *e = &f->env;
	int left = 100;

	check_ok(env_replace_file(e, f->dir, "file", bytes_str("old, long")));
	check_content(f, "old, long");
	check_ok(env_replace_file(e, f->dir, "file", bytes_str("new")));
	check_content(f, "new");
	check_ok(env_replace_file(e, f->dir, "file", bytes_of(NULL, 0)));
	check_content(f, "");
	check_ok(env_list(e, f->dir, count_names, &left));
	check_eq(left, 99);
}

#define in_fixture(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(env__short_writes_are_looped),
	    in_fixture(env__short_reads_are_looped_until_the_end),
	    in_fixture(env__error_in_the_middle_of_a_write_is_reported),
	    in_fixture(env__write_of_nothing_is_an_error),
	    in_fixture(env__error_in_the_middle_of_a_read_is_reported),
	    in_fixture(env__full_read_past_the_end_is_damage),
	    in_fixture(env__offsets_beyond_any_file_are_refused),
	    in_fixture(env__ordinary_answers_are_not_logged),
	    in_fixture(env__failures_are_logged_once_with_their_path),
	    in_fixture(env__open_flags_do_what_they_say),
	    in_fixture(env__names_come_and_go),
	    in_fixture(env__space_and_clocks_are_plausible),
	    in_fixture(env__read_file_has_a_limit),
	    in_fixture(env__replace_file_creates_and_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
