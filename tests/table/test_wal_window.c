/* Logs that are written through memory: what is on disk, whatever happens. */
#include "engine/table/wal_window.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/support/forget.h"
#include "tests/support/wal_file.h"

#define STEP 4096

static const struct wal_mapping at_once = {.step = STEP};

static int
sync_nothing(struct env_file *file)
{
	(void)file;
	return 0;
}

/* A log of records that are copied, and no disk that is waited for; or the end
 * of the case where no file can be mapped. */
static struct wal *
begin(struct wal_file *f)
{
	static struct env_ops ops;
	struct wal *w;

	wal_file_init(f);
	wal_file_need_mapping(f);
	ops = *f->posix.ops;
	ops.sync = sync_nothing;
	f->posix.ops = &ops;
	w = wal_file_create(f);
	wal_map(w, &at_once);
	return w;
}

static uint64_t
size_of(struct wal_file *f)
{
	struct env_file *file;
	uint64_t size;

	check_ok(env_open(&f->posix, f->path, ENV_OPEN_READ, &file));
	check_ok(env_size(file, &size));
	env_close(file);
	return size;
}

static int
append_one(struct wal *w, uint64_t seq, size_t size)
{
	char *text = malloc(size + 1);
	int err;

	check_true(text != NULL);
	memset(text, (int)('a' + seq % 20), size);
	text[size] = '\0';
	err = wal_file_append(w, (struct wal_stamp){seq, 1, 0}, text);
	free(text);
	return err;
}

static void
append(struct wal *w, uint64_t from, uint64_t to, size_t size)
{
	for (uint64_t i = from; i < to; i++)
		check_ok(append_one(w, i, size));
}

static uint64_t
last_of(struct wal_file *f)
{
	struct wal_tail tail;
	uint64_t last;

	check_ok(wal_file_read(f, &last, &tail));
	return last;
}

/* Over so many bytes of records of another number. */
static struct wal *
lay_over_old(struct wal_file *f, uint64_t size)
{
	struct wal *w;

	check_ok(wal_create(
	    &f->posix, f->path, WAL_FILE_ID(WAL_KIND_LOG, 6), 1, &w));
	for (uint64_t i = 1; wal_size(w) < size; i++)
		append(w, i, i + 1, i * 37 % 3000);
	wal_close(w);
	check_ok(wal_create_in(f->env, f->path,
	    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), 1, &w));
	return w;
}

/* --- which way -------------------------------------------------------------
 */

static void
wal_window__grows_by_steps_and_is_cut_to_its_end(void **state)
{
	struct wal_file f;
	struct wal *w = begin(&f);
	uint64_t end;

	(void)state;
	append(w, 1, 101, 100);
	check_eq(f.fault.map_writes, 100);
	check_eq(size_of(&f), (wal_size(w) / STEP + 1) * STEP);
	check_eq(wal_prepared(w), 0);
	wal_file_check_end(&f, 100, wal_size(w), false);
	check_ok(wal_cut(w));
	check_eq(size_of(&f), wal_size(w));
	append(w, 101, 103, 100);
	check_ok(wal_cut(w));
	end = wal_size(w);
	wal_close(w);
	check_eq(size_of(&f), end);
	wal_file_check_end(&f, 102, end, false);
	wal_file_fini(&f);
}

static void
wal_window__goes_on_with_a_file(void **state)
{
	struct wal_file f;
	struct wal *w = begin(&f);
	uint64_t end;

	(void)state;
	append(w, 1, 50, 100);
	end = wal_size(w);
	wal_close(w); /* with zeros behind it */
	check_ok(wal_append_to(f.env, f.path,
	    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), end, &w));
	wal_map(w, &at_once);
	append(w, 50, 120, 100);
	check_eq(f.fault.map_writes, 119);
	wal_close(w);
	check_eq(last_of(&f), 119);
	wal_file_fini(&f);
}

/* Three times the same sizes; how many of them were copied. */
static uint64_t
copied_of_sizes(struct wal_file *f, struct wal *w)
{
	static const size_t sizes[] = {1, 8152, 8153, 100000, 3, 4056, 20000,
	    32728, 32729, 8152, 0, 12288};
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);
	uint64_t before = f->fault.map_writes, n;

	for (n = 1; n <= 3 * count; n++)
		append(w, n, n + 1, sizes[n % count]);
	wal_file_check_end(f, n - 1, wal_size(w), wal_prepared(w) > 0);
	check_ok(wal_cut(w));
	wal_close(w);
	check_eq(last_of(f), n - 1);
	return f->fault.map_writes - before;
}

static void
wal_window__large_records_are_written(void **state)
{
	struct wal_file f;
	struct wal *w = begin(&f);

	(void)state;
	check_eq(copied_of_sizes(&f, w), 3 * 10);
	env_unlink(&f.posix, f.path);
	w = lay_over_old(&f, 1u << 20);
	wal_map(w, &at_once);
	check_eq(copied_of_sizes(&f, w), 3 * 6);
	wal_file_fini(&f);
}

static void
wal_window__the_beginning_is_written(void **state)
{
	struct wal_mapping how = {.step = STEP, .from = 1000};
	struct wal_file f;
	struct wal *w = begin(&f);

	(void)state;
	wal_map(w, &how);
	for (uint64_t i = 1; wal_size(w) < 1000; i++) {
		append(w, i, i + 1, 10);
		check_eq(f.fault.map_writes, 0);
		check_eq(size_of(&f), wal_size(w));
	}
	append(w, f.fault.ops - 1, f.fault.ops, 10);
	check_eq(f.fault.map_writes, 1);
	wal_close(w);
	wal_file_fini(&f);
}

/* n records and a sync; how many of them were copied. */
static uint64_t
copied_before_sync(struct wal_file *f, struct wal *w, uint64_t *seq, unsigned n)
{
	uint64_t before = f->fault.map_writes;

	append(w, *seq, *seq + n, 10);
	*seq += n;
	check_ok(wal_sync(w));
	return f->fault.map_writes - before;
}

static void
wal_window__few_records_between_syncs_are_written(void **state)
{
	struct wal_mapping how = {.step = STEP, .run = 4};
	struct wal_file f;
	struct wal *w = begin(&f);
	uint64_t seq = 1;

	(void)state;
	wal_map(w, &how);
	check_eq(copied_before_sync(&f, w, &seq, 3), 0);
	check_eq(copied_before_sync(&f, w, &seq, 3), 0);
	/* From the fourth on, and then all, as long as there are so many. */
	check_eq(copied_before_sync(&f, w, &seq, 6), 3);
	check_eq(copied_before_sync(&f, w, &seq, 6), 6);
	check_eq(copied_before_sync(&f, w, &seq, 1), 1);
	check_eq(copied_before_sync(&f, w, &seq, 1), 0);
	check_eq(copied_before_sync(&f, w, &seq, 1), 0);
	wal_close(w);
	check_eq(last_of(&f), seq - 1);
	wal_file_fini(&f);
}

static void
wal_window__an_env_without_mappings_is_written(void **state)
{
	struct wal_file f;
	struct env_ops ops;
	struct wal *w = begin(&f);

	(void)state;
	wal_close(w);
	env_unlink(&f.posix, f.path);
	ops = *f.posix.ops;
	ops.map = NULL;
	f.posix.ops = &ops;
	w = wal_file_create(&f);
	wal_map(w, &at_once);
	append(w, 1, 100, 100);
	wal_file_check_end(&f, 99, wal_size(w), false);
	check_eq(f.fault.map_writes, 0);
	check_str(f.message, "");
	wal_close(w);
	wal_file_fini(&f);
}

/* --- failures --------------------------------------------------------------
 */

static void
wal_window__a_full_disk_leaves_the_log_as_before(void **state)
{
	struct wal_file f;
	struct wal *w = begin(&f);
	uint64_t end, seq = 1;

	(void)state;
	f.fault.space_left = 3 * STEP;
	while (!append_one(w, seq, 500))
		seq++;
	end = wal_size(w);
	/* The last bytes were written, one call a record. */
	check_le(3 * STEP - WAL_FILE_HEADER - 540, end);
	check_le(seq / 2, f.fault.map_writes);
	for (int i = 0; i < 10; i++)
		check_err(append_one(w, seq, 500), -ENOSPC);
	check_eq(wal_size(w), end);
	check_eq(size_of(&f), end);
	wal_file_check_end(&f, seq - 1, end, false);

	f.fault.space_left = UINT64_MAX;
	append(w, seq, seq + 100, 500);
	check_le(seq / 2 + 50, f.fault.map_writes);
	end = wal_size(w);
	wal_close(w);
	wal_file_check_end(&f, seq + 99, end, false);
	wal_file_fini(&f);
}

static void
wal_window__what_cannot_be_mapped_is_written(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		struct wal_file f;
		struct wal *w = begin(&f);
		uint64_t copied;

		f.fault.maps_fail_at = f.fault.maps + n;
		f.fault.error = EIO;
		append(w, 1, 200, 100);
		copied = f.fault.map_writes;
		check_le(copied, n * 40);
		check_contains(f.message, f.path);
		check_contains(f.message, "it is written with write(2)");
		append(w, 200, 300, 100);
		check_eq(f.fault.map_writes, copied);
		wal_file_check_end(&f, 299, wal_size(w), false);
		wal_close(w);
		wal_file_fini(&f);
	}
}

/* Each operation fails once, wholly or by half: no record is lost, and none is
 * there that was refused. */
static void
fail_once(bool over_old, enum env_fault_kind kind, int error, uint64_t n)
{
	struct wal_file f;
	struct wal *w = begin(&f);
	uint64_t done = 0;

	if (over_old) {
		wal_close(w);
		env_unlink(&f.posix, f.path);
		w = lay_over_old(&f, 12000);
		wal_map(w, &at_once);
	}
	env_fault_arm(&f.fault, kind, error, n);
	for (uint64_t i = 1; i <= 40; i++) {
		if (append_one(w, done + 1, 700) == 0)
			done++;
		else
			check_eq(kind, ENV_FAULT_DEAD);
		if (i == 20 && wal_sync(w) != 0)
			break; /* the log is at its end */
	}
	env_fault_disarm(&f.fault);
	wal_close(w);
	check_eq(last_of(&f), done);
	wal_file_fini(&f);
}

static void
wal_window__any_operation_may_fail(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 52; n++) {
		fail_once(n % 2, ENV_FAULT_ERROR, EIO, n);
		fail_once(n % 2, ENV_FAULT_SHORT, EFAULT, n);
		fail_once(!(n % 2), ENV_FAULT_ERROR, ENOSPC, n);
		fail_once(!(n % 2), ENV_FAULT_DEAD, EIO, n);
	}
}

/* The copy fails by half, and there is no space to write the record: what is
 * read is what was there before. */
static void
wal_window__a_record_that_fails_both_ways_is_taken_back(void **state)
{
	struct wal_file f;
	struct wal *w = begin(&f);
	uint64_t end;

	(void)state;
	for (int old = 0; old < 2; old++) {
		wal_close(w);
		env_unlink(&f.posix, f.path);
		w = old ? lay_over_old(&f, 12000) : wal_file_create(&f);
		wal_map(w, &at_once);
		append(w, 1, 6, 100);
		end = wal_size(w);
		env_fault_arm(&f.fault, ENV_FAULT_SHORT, ENOSPC, 1);
		f.fault.at_end = f.fault.at + 1;
		check_err(append_one(w, 6, 300), -ENOSPC);
		check_eq(wal_size(w), end);
		wal_file_check_end(&f, 5, end, true);
		append(w, 6, 20, 300);
		check_eq(last_of(&f), 19);
	}
	wal_close(w);
	wal_file_fini(&f);
}

/* Somebody else cuts the file to nothing: no signal, and what is written from
 * then on is there. */
static void
wal_window__a_file_cut_by_others_is_no_death(void **state)
{
	struct wal_file f;
	struct wal *w = begin(&f);
	uint8_t *data;
	size_t size;

	(void)state;
	append(w, 1, 11, 100);
	check_ok(truncate(f.path, 0));
	append(w, 11, 12, 100);
	check_contains(f.message, "cannot be written through memory");
	append(w, 12, 100, 100);
	check_eq(size_of(&f), wal_size(w));
	check_ok(env_read_file(&f.posix, f.path, 1u << 20, &data, &size));
	check_eq(data[size - 1], 'a' + 99 % 20);
	free(data);
	wal_close(w);
	wal_file_fini(&f);
}

/* --- the end of the process ------------------------------------------------
 */

/* The child: records of any size, and the number of the last that is written in
 * memory that is shared. */
static _Noreturn void
write_until_killed(struct wal_file *f, struct wal *w,
    volatile uint64_t *written, uint64_t seed)
{
	static uint8_t record[WAL_RECORD_HEADER + 9000];
	struct check_rand r = check_rand_of(seed);

	(void)f;
	for (uint64_t seq = 1;; seq++) {
		/* Mostly those that take long to copy. */
		size_t size = check_rand_one_in(&r, 4)
				  ? check_rand_below(&r, 200)
				  : 4000 + check_rand_below(&r, 4000);
		struct wal_stamp stamp = {seq, 1, 0};

		memset(record + WAL_RECORD_HEADER, (int)(seq % 251), size);
		if (wal_append(w, record, WAL_RECORD_HEADER + size, &stamp))
			_exit(1);
		*written = seq;
	}
}

static void
kill_once(struct wal_file *f, struct wal *w, volatile uint64_t *written,
    struct check_rand *r, unsigned *torn)
{
	uint64_t us = check_rand_below(r, 3000), seed = check_rand(r), last;
	struct wal_tail tail;
	pid_t pid;
	int status;

	*written = 0;
	pid = fork();
	check_le(0, pid);
	if (pid == 0)
		write_until_killed(f, w, written, seed);
	env_sleep_us(&f->posix, us);
	check_ok(kill(pid, SIGKILL));
	check_eq(waitpid(pid, &status, 0), pid);
	check_true(WIFSIGNALED(status));
	wal_close(w);
	check_ok(wal_file_read(f, &last, &tail));
	check_le(*written, last);
	check_le(last, *written + 1);
	*torn += tail.torn;
}

static void
wal_window__a_kill_at_any_moment_loses_nothing_written(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	volatile uint64_t *written;
	unsigned torn[2] = {0};
	struct wal_file f;

	(void)state;
	written = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check_true(written != MAP_FAILED);
	wal_file_init(&f);
	wal_file_need_mapping(&f);
	for (int i = 0; i < (check_long() ? 5000 : 100); i++) {
		const struct wal_mapping how = {.step = (size_t)STEP << i % 5};
		struct wal *w;

		if (i > 0)
			env_unlink(&f.posix, f.path);
		w = i % 2 ? lay_over_old(&f, 512u << 10) : wal_file_create(&f);
		wal_map(w, &how);
		kill_once(&f, w, written, &r, &torn[i % 2]);
	}
	/* In a new file that is the record in the making, most often. */
	check_le(1, torn[0]);
	wal_file_fini(&f);
	check_ok(munmap((void *)(uintptr_t)written, 4096));
}

/* --- power cuts ------------------------------------------------------------
 */

/* Sizes and syncs at random, then a cut; *synced is what a sync covered. */
static void
write_until_cut(
    struct forget *f, struct wal *w, struct check_rand *r, uint64_t *synced)
{
	const struct env_forget_how how = {
	    .keep = check_rand_one_in(r, 4) ? ENV_FORGET_KEEP_PREFIX
					    : ENV_FORGET_KEEP_RANDOM,
	    .seed = check_rand(r),
	};
	uint64_t seq = 1;

	env_forget_arm(
	    f->forget, 1 + check_rand_below(r, 100), &how, NULL, NULL);
	while (append_one(w, seq, check_rand_below(r, 2000)) == 0) {
		if (check_rand_one_in(r, 20) && wal_sync(w) == 0)
			*synced = seq;
		seq++;
	}
	wal_close(w);
}

static void
cut_once(struct forget *f, struct check_rand *r, bool grows)
{
	const struct wal_mapping how = {.step = STEP};
	const struct wal_id *id = WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER);
	uint64_t synced = 0, last = 0;
	struct wal_record record;
	struct wal_reader *reader;
	char path[300];
	struct wal *w;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/000007.log", f->dir);
	if (grows) {
		check_ok(wal_create(f->env, path, id, 1, &w));
		check_ok(wal_sync(w));
		check_ok(env_sync_dir(f->env, f->dir));
	} else {
		check_ok(wal_create_in(f->env, path, id, 1, &w));
		check_ok(wal_sync(w));
	}
	wal_map(w, &how);
	write_until_cut(f, w, r, &synced);
	check_ok(env_forget_restart(f->forget, NULL));
	check_ok(wal_reader_open(f->env, path, id, &reader));
	while ((rc = wal_reader_next(reader, &record)) > 0)
		check_eq(record.stamp.seq, ++last);
	wal_reader_close(reader);
	check_ok(rc);
	check_le(synced, last);
}

/* What a sync covered is there, and of the rest a prefix. */
static void
wal_window__a_power_cut_leaves_a_prefix(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint64_t copied = 0;
	struct wal_file need;
	struct forget f;

	(void)state;
	wal_file_init(&need);
	wal_file_need_mapping(&need);
	wal_file_fini(&need);
	for (int i = 0; i < (check_long() ? 5000 : 150); i++) {
		forget_init(&f);
		if (i % 2) {
			forget_put(&f, "000007.log", "");
			forget_cut_off(&f, "000007.log", 64u << 10);
			forget_sync(&f, "000007.log");
			forget_sync_names(&f);
		}
		cut_once(&f, &r, i % 2 == 0);
		copied += f.base.map_writes;
		forget_fini(&f);
	}
	check_le(150, copied);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wal_window__grows_by_steps_and_is_cut_to_its_end),
	    cmocka_unit_test(wal_window__goes_on_with_a_file),
	    cmocka_unit_test(wal_window__large_records_are_written),
	    cmocka_unit_test(wal_window__the_beginning_is_written),
	    cmocka_unit_test(wal_window__few_records_between_syncs_are_written),
	    cmocka_unit_test(wal_window__an_env_without_mappings_is_written),
	    cmocka_unit_test(wal_window__a_full_disk_leaves_the_log_as_before),
	    cmocka_unit_test(wal_window__what_cannot_be_mapped_is_written),
	    cmocka_unit_test(wal_window__any_operation_may_fail),
	    cmocka_unit_test(
		wal_window__a_record_that_fails_both_ways_is_taken_back),
	    cmocka_unit_test(wal_window__a_file_cut_by_others_is_no_death),
	    cmocka_unit_test(
		wal_window__a_kill_at_any_moment_loses_nothing_written),
	    cmocka_unit_test(wal_window__a_power_cut_leaves_a_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
