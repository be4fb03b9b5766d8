/* Logs that are written through memory: what is on disk, whatever happens. */
#include "engine/table/wal_window.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/support/unsynced.h"
#include "tests/support/wal_file.h"

#define STEP 4096

static const struct wal_mapping at_once = {.step = STEP};

/* A log of records that are copied, and no disk that is waited for; or the end
 * of the case where no file can be mapped. */
static struct wal *
begin(struct wal_file *f)
{
	static struct env_ops ops;
	struct wal *w;

	wal_file_init(f);
	wal_file_need_mapping(f);
	ops = unsynced_ops(&f->posix);
	f->posix.ops = &ops;
	w = wal_file_create(f);
	wal_map(w, &at_once);
	return w;
}

static void
append(struct wal *w, uint64_t from, uint64_t to, size_t size)
{
	for (uint64_t i = from; i < to; i++)
		check_ok(wal_file_append_one(w, i, size));
}

static uint64_t
last_of(struct wal_file *f)
{
	struct wal_tail tail;
	uint64_t last;

	check_ok(wal_file_read(f, &last, &tail));
	return last;
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
	check_eq(wal_file_size(&f), (wal_size(w) / STEP + 1) * STEP);
	check_eq(wal_prepared(w), 0);
	wal_file_check_end(&f, 100, wal_size(w), false);
	check_ok(wal_cut(w));
	check_eq(wal_file_size(&f), wal_size(w));
	append(w, 101, 103, 100);
	check_ok(wal_cut(w));
	end = wal_size(w);
	wal_close(w);
	check_eq(wal_file_size(&f), end);
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
	w = wal_file_lay_over_old(&f, 1u << 20);
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
		check_eq(wal_file_size(&f), wal_size(w));
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
	while (!wal_file_append_one(w, seq, 500))
		seq++;
	end = wal_size(w);
	/* The last bytes were written, one call a record. */
	check_le(3 * STEP - WAL_FILE_HEADER - 540, end);
	check_le(seq / 2, f.fault.map_writes);
	for (int i = 0; i < 10; i++)
		check_err(wal_file_append_one(w, seq, 500), -ENOSPC);
	check_eq(wal_size(w), end);
	check_eq(wal_file_size(&f), end);
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
		w = wal_file_lay_over_old(&f, 12000);
		wal_map(w, &at_once);
	}
	env_fault_arm(&f.fault, kind, error, n);
	for (uint64_t i = 1; i <= 40; i++) {
		if (wal_file_append_one(w, done + 1, 700) == 0)
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
		w = old ? wal_file_lay_over_old(&f, 12000)
			: wal_file_create(&f);
		wal_map(w, &at_once);
		append(w, 1, 6, 100);
		end = wal_size(w);
		env_fault_arm(&f.fault, ENV_FAULT_SHORT, ENOSPC, 1);
		f.fault.at_end = f.fault.at + 1;
		check_err(wal_file_append_one(w, 6, 300), -ENOSPC);
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
	check_eq(wal_file_size(&f), wal_size(w));
	check_ok(env_read_file(&f.posix, f.path, 1u << 20, &data, &size));
	check_eq(data[size - 1], 'a' + 99 % 20);
	free(data);
	wal_close(w);
	wal_file_fini(&f);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
