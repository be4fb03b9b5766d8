#include "engine/os/env_fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/support/log.h"

struct fixture {
	struct env base;
	struct env_fault fault;
	struct env *env; /* &fault.env */
	struct log log;
	char dir[256];
	char path[300];
	struct env_file *file; /* open for writing */
};

static struct fixture fx;

static int
set_up(void **state)
{
	fx = (struct fixture){0};
	env_posix_init(&fx.base, log_sink(&fx.log));
	env_fault_init(&fx.fault, &fx.base);
	fx.env = &fx.fault.env;
	snprintf(fx.dir, sizeof(fx.dir), "%s", check_tmpdir());
	snprintf(fx.path, sizeof(fx.path), "%s/file", fx.dir);
	check_ok(env_open(
	    fx.env, fx.path, ENV_OPEN_WRITE | ENV_OPEN_CREATE, &fx.file));
	*state = &fx;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	env_close(fx.file);
	env_fault_fini(&fx.fault);
	check_rmtree(fx.dir);
	return 0;
}

static void
check_content(struct fixture *f, const char *text)
{
	uint8_t *data;
	size_t size;

	check_ok(env_read_file(&f->base, f->path, 1000, &data, &size));
	check_bytes_eq(bytes_of(data, size), bytes_str(text));
	free(data);
}

/* Every kind of changing operation once, until one fails. */
static int
change(struct fixture *f, unsigned *done)
{
	char second[300], third[300], sub[300];
	struct env_file *file = NULL;
	int err = 0;

	snprintf(second, sizeof(second), "%s/2", f->dir);
	snprintf(third, sizeof(third), "%s/3", f->dir);
	snprintf(sub, sizeof(sub), "%s/sub", f->dir);
	for (*done = 0; err == 0 && *done < 10; *done += err == 0) {
		switch (*done) {
		case 0:
			err = env_open(f->env, second,
			    ENV_OPEN_WRITE | ENV_OPEN_CREATE, &file);
			break;
		case 1:
			err = env_pwrite(f->file, "0123456789", 10, 0);
			break;
		case 2:
			err = env_sync(f->file);
			break;
		case 3:
			err = env_truncate(f->file, 5);
			break;
		case 4:
			err = env_link(f->env, second, third);
			break;
		case 5:
			err = env_unlink(f->env, second);
			break;
		case 6:
			err = env_rename(f->env, third, second);
			break;
		case 7:
			err = env_mkdir(f->env, sub);
			break;
		case 8:
			err = env_rmdir(f->env, sub);
			break;
		case 9:
			err = env_sync_dir(f->env, f->dir);
			break;
		}
	}
	env_close(file);
	return err;
}

static void
env_fault__the_nth_change_fails_and_no_other(void **state)
{
	struct fixture *f = *state;
	unsigned done;

	for (unsigned n = 1; n <= 10; n++) {
		/* From here each run begins with the same directory. */
		tear_down(NULL);
		set_up(state);
		env_fault_arm(&f->fault, ENV_FAULT_ERROR, EDQUOT, n);
		check_err(change(f, &done), -EDQUOT);
		check_eq(done, n - 1);
		check_eq(f->log.count, 1);
	}
	tear_down(NULL);
	set_up(state);
	env_fault_arm(&f->fault, ENV_FAULT_ERROR, EDQUOT, 11);
	check_ok(change(f, &done));
	check_eq(f->fault.ops, 11); /* with that of set_up */
	check_eq(f->fault.syncs, 1);
}

static void
env_fault__error_does_nothing_and_passes(void **state)
{
	struct fixture *f = *state;

	check_ok(env_pwrite(f->file, "old", 3, 0));
	env_fault_arm(&f->fault, ENV_FAULT_ERROR, EIO, 2);
	check_ok(env_pwrite(f->file, "1", 1, 0));
	check_err(env_pwrite(f->file, "new", 3, 0), -EIO);
	check_content(f, "1ld");
	check_ok(env_pwrite(f->file, "new", 3, 0));
	check_content(f, "new");
}

static void
env_fault__range_fails_from_at_to_at_end(void **state)
{
	struct fixture *f = *state;

	env_fault_arm(&f->fault, ENV_FAULT_ERROR, EIO, 1);
	f->fault.at_end = f->fault.at + 1;
	check_err(env_sync(f->file), -EIO);
	check_err(env_sync(f->file), -EIO);
	check_ok(env_sync(f->file));
	check_eq(f->fault.syncs, 1);
}

static void
env_fault__short_writes_half(void **state)
{
	struct fixture *f = *state;

	env_fault_arm(&f->fault, ENV_FAULT_SHORT, EIO, 1);
	check_err(env_pwrite(f->file, "0123456789", 10, 0), -EIO);
	check_content(f, "01234");
	check_ok(env_pwrite(f->file, "0123456789", 10, 0));
	env_fault_arm(&f->fault, ENV_FAULT_SHORT, EIO, 1);
	check_err(env_truncate(f->file, 0), -EIO);
	check_content(f, "0123456789");
}

static void
env_fault__allocates_within_the_space(void **state)
{
	struct fixture *f = *state;
	uint64_t size;
	int err = env_allocate(f->file, 100);

	if (err == -ENOTSUP)
		check_skip("no allocation on this filesystem");
	check_ok(err);
	f->fault.space_left = 50;
	check_err(env_allocate(f->file, 151), -ENOSPC);
	check_ok(env_allocate(f->file, 150));
	/* What it has needs no more. */
	check_ok(env_allocate(f->file, 100));
	check_ok(env_size(f->file, &size));
	check_eq(size, 150);
	f->fault.space_left = UINT64_MAX;
	env_fault_arm(&f->fault, ENV_FAULT_ERROR, EDQUOT, 1);
	check_err(env_allocate(f->file, 200), -EDQUOT);
	check_ok(env_allocate(f->file, 200));
}

/* A part of the file, or the end of the case where files are not mapped. */
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
env_fault__counts_and_fails_what_is_done_by_mappings(void **state)
{
	struct fixture *f = *state;
	struct env_map *m = map_file(f, 0, 10), *other;

	check_eq(f->fault.ops, 1); /* the file's creation */
	check_ok(env_truncate(f->file, 10));
	check_ok(env_map_write(m, "0123456789", 10, 0));
	check_eq(f->fault.ops, 3);
	env_fault_arm(&f->fault, ENV_FAULT_ERROR, EDQUOT, 1);
	check_err(env_map_write(m, "abcdefghij", 10, 0), -EDQUOT);
	check_content(f, "0123456789");
	env_fault_arm(&f->fault, ENV_FAULT_SHORT, EIO, 1);
	check_err(env_map_write(m, "abcdefghij", 10, 0), -EIO);
	check_content(f, "abcde56789");
	env_fault_arm(&f->fault, ENV_FAULT_DEAD, EIO, 1);
	check_err(env_map_write(m, "x", 1, 0), -EIO);
	check_content(f, "abcde56789");
	env_fault_disarm(&f->fault);
	check_eq(f->fault.map_writes, 1);
	f->fault.maps_fail_at = f->fault.maps + 2;
	env_unmap(map_file(f, 5, 5));
	check_err(env_map(f->file, 0, 10, &other), -EIO);
	env_unmap(map_file(f, 5, 5));
	env_unmap(m);
}

static void
env_fault__what_is_copied_needs_no_space(void **state)
{
	struct fixture *f = *state;
	struct env_map *m = map_file(f, 0, 10);

	check_ok(env_truncate(f->file, 10));
	f->fault.space_left = 0;
	check_ok(env_map_write(m, "0123456789", 10, 0));
	check_content(f, "0123456789");
	env_unmap(m);
}

static void
env_fault__dead_env_stays_dead_but_can_be_read(void **state)
{
	struct fixture *f = *state;
	char data[3];
	unsigned done;

	check_ok(env_pwrite(f->file, "old", 3, 0));
	env_fault_arm(&f->fault, ENV_FAULT_DEAD, EIO, 2);
	check_ok(env_sync(f->file));
	for (int i = 0; i < 5; i++) {
		check_err(env_pwrite(f->file, "new", 3, 0), -EIO);
		check_err(env_sync(f->file), -EIO);
		check_err(change(f, &done), -EIO);
	}
	check_ok(env_pread_full(f->file, data, 3, 0));
	check_content(f, "old");
	env_fault_disarm(&f->fault);
	check_ok(env_pwrite(f->file, "new", 3, 0));
}

static void
env_fault__match_counts_only_its_paths(void **state)
{
	struct fixture *f = *state;
	char other[300];

	snprintf(other, sizeof(other), "%s/other", f->dir);
	f->fault.match = "other";
	env_fault_arm(&f->fault, ENV_FAULT_ERROR, EIO, 2);
	check_ok(env_sync(f->file));
	check_ok(env_mkdir(f->env, other));
	check_ok(env_sync(f->file));
	/* The second path of a rename counts too. */
	check_err(env_rename(f->env, f->path, other), -EIO);
	check_ok(env_sync(f->file));
	env_fault_arm(&f->fault, ENV_FAULT_DEAD, EIO, 1);
	check_ok(env_sync(f->file));
	check_err(env_sync_dir(f->env, other), -EIO);
	check_err(env_sync(f->file), -EIO);
}

static void
env_fault__space_left_ends_in_enospc(void **state)
{
	struct fixture *f = *state;
	uint64_t avail, total;

	f->fault.space_left = 12;
	check_ok(env_pwrite(f->file, "0123", 4, 0));
	check_ok(env_space(f->env, f->dir, &avail, &total));
	check_eq(avail, 8);
	check_err(env_pwrite(f->file, "0123456789", 10, 4), -ENOSPC);
	check_content(f, "012301234567");
	check_contains(f->log.last, "offset 12");
	check_err(env_pwrite(f->file, "x", 1, 0), -ENOSPC);
	check_ok(env_sync(f->file));
	f->fault.space_left = UINT64_MAX;
	check_ok(env_pwrite(f->file, "x", 1, 12));
	check_content(f, "012301234567x");
}

static void
env_fault__the_nth_read_fails(void **state)
{
	struct fixture *f = *state;
	char data[2];

	check_ok(env_pwrite(f->file, "ab", 2, 0));
	f->fault.reads_fail_at = 2;
	check_ok(env_pread_full(f->file, data, 2, 0));
	check_err(env_pread_full(f->file, data, 2, 0), -EIO);
	check_ok(env_pread_full(f->file, data, 2, 0));
	check_eq(f->fault.reads, 3);
}

static int
no_name_ends_in_tmp(void *ctx, const char *name)
{
	(void)ctx;
	return strstr(name, ".tmp") ? -EEXIST : 0;
}

static bool
content_is(struct fixture *f, const char *text)
{
	uint8_t *data;
	size_t size;
	bool same;

	check_ok(env_read_file(&f->base, f->path, 1000, &data, &size));
	same = bytes_eq(bytes_of(data, size), bytes_str(text));
	free(data);
	return same;
}

/* True if the replacement failed. */
static bool
replace_with_fault(struct fixture *f, enum env_fault_kind kind, unsigned n)
{
	int err;

	check_ok(env_replace_file(&f->base, f->dir, "file", bytes_str("old")));
	env_fault_arm(&f->fault, kind, EIO, n);
	err = env_replace_file(f->env, f->dir, "file", bytes_str("newer"));
	env_fault_disarm(&f->fault);
	if (err == 0) {
		check_true(content_is(f, "newer"));
		return false;
	}
	check_err(err, -EIO);
	check_true(content_is(f, "old") || content_is(f, "newer"));
	/* The dead cannot clean up; the next replacement does. */
	if (kind != ENV_FAULT_DEAD)
		check_ok(env_list(f->env, f->dir, no_name_ends_in_tmp, NULL));
	return true;
}

static void
env_fault__replace_file_leaves_old_or_new_at_every_op(void **state)
{
	static const enum env_fault_kind kinds[] = {
	    ENV_FAULT_ERROR, ENV_FAULT_SHORT, ENV_FAULT_DEAD};

	for (int k = 0; k < 3; k++) {
		unsigned n = 1;

		while (replace_with_fault(*state, kinds[k], n))
			n++;
		/* Create, write, sync, rename, sync of the directory. */
		check_eq(n, 6);
	}
}

static void
env_fault__full_disk_keeps_the_old_file(void **state)
{
	struct fixture *f = *state;

	check_ok(env_replace_file(f->env, f->dir, "file", bytes_str("old")));
	for (uint64_t left = 0; left < 5; left++) {
		f->fault.space_left = left;
		check_err(env_replace_file(
			      f->env, f->dir, "file", bytes_str("newer")),
		    -ENOSPC);
		check_content(f, "old");
	}
}

#define in_fixture(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(env_fault__the_nth_change_fails_and_no_other),
	    in_fixture(env_fault__error_does_nothing_and_passes),
	    in_fixture(env_fault__range_fails_from_at_to_at_end),
	    in_fixture(env_fault__short_writes_half),
	    in_fixture(env_fault__allocates_within_the_space),
	    in_fixture(env_fault__counts_and_fails_what_is_done_by_mappings),
	    in_fixture(env_fault__what_is_copied_needs_no_space),
	    in_fixture(env_fault__dead_env_stays_dead_but_can_be_read),
	    in_fixture(env_fault__match_counts_only_its_paths),
	    in_fixture(env_fault__space_left_ends_in_enospc),
	    in_fixture(env_fault__the_nth_read_fails),
	    in_fixture(env_fault__replace_file_leaves_old_or_new_at_every_op),
	    in_fixture(env_fault__full_disk_keeps_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
