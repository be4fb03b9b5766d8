/* The writer of log files: what is on disk after it succeeded or failed. */
#include "tests/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/support/spec.h"
#include "tests/support/wal_file.h"

static uint64_t
nothing_durable(unsigned i)
{
	(void)i;
	return 0;
}

/* Operations of the fixed script below: a log with three records, a sync after
 * each.  Each append is tried twice when space is out. */
struct outcome {
	int create;
	int append[3];
	int again[3];
	int sync[3];
};

static struct outcome
run_script(struct wal_file *f)
{
	struct outcome o = {0};
	struct wal *w;

	o.create = wal_create(
	    f->env, f->path, WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), 1, &w);
	if (o.create)
		return o;
	for (unsigned i = 0; i < 3; i++) {
		struct wal_stamp stamp = {i + 1, 1, i};

		o.append[i] = wal_file_append(w, stamp, "some payload");
		if (o.append[i] == -ENOSPC)
			o.again[i] = wal_file_append(w, stamp, "other payload");
		o.sync[i] = wal_sync(w);
	}
	wal_close(w);
	return o;
}

/* The changing operations that run_script makes when nothing fails. */
#define SCRIPT_OPS 8

static void
wal__reads_back_what_was_appended(void **state)
{
	struct wal_file f;
	struct wal *w;
	struct wal_reader *r;
	struct wal_record record;
	size_t sizes[] = {0, 2, 5000, 300000, 5};
	uint8_t *big = malloc(WAL_RECORD_HEADER + 300000);
	uint64_t seq = 41, end;

	(void)state;
	wal_file_init(&f);
	memset(big, 'x', WAL_RECORD_HEADER + 300000);
	check_ok(wal_create(
	    f.env, f.path, WAL_FILE_ID(WAL_KIND_MANIFEST, 9), seq, &w));
	check_eq(wal_number(w), 9);
	for (unsigned i = 0; i < 5; i++) {
		struct wal_stamp stamp = {seq, i + 1, seq - 1};

		check_ok(
		    wal_append(w, big, WAL_RECORD_HEADER + sizes[i], &stamp));
		seq += i + 1;
	}
	check_ok(wal_sync(w));
	end = wal_size(w);
	wal_close(w);

	check_ok(wal_reader_open(
	    f.env, f.path, WAL_FILE_ID(WAL_KIND_MANIFEST, 9), &r));
	check_eq(wal_reader_first_seq(r), 41);
	seq = 41;
	for (unsigned i = 0; i < 5; i++) {
		check_eq(wal_reader_next(r, &record), 1);
		check_eq(record.stamp.seq, seq);
		check_eq(record.stamp.count, i + 1);
		check_eq(record.stamp.durable, seq - 1);
		check_bytes_eq(record.payload,
		    bytes_of(big + WAL_RECORD_HEADER, sizes[i]));
		seq += i + 1;
	}
	check_eq(wal_reader_next(r, &record), 0);
	struct wal_tail tail;
	wal_reader_tail(r, &tail);
	check_eq(tail.end, end);
	check_false(tail.torn);
	check_eq(tail.promised, seq - 6);
	wal_reader_close(r);
	free(big);
	wal_file_fini(&f);
}

/* The example in the specification: a file of one record. */
static void
wal__writes_and_reads_the_example_of_the_specification(void **state)
{
	struct wal_file f;
	struct wal *w;
	struct wal_reader *r;
	struct wal_record record;
	struct wal_stamp stamp = {41, 2, 40};
	struct buf file = {0};
	size_t size;
	uint8_t *example = spec_example("wal-record", &size);

	(void)state;
	check_true(example && size > WAL_RECORD_HEADER);
	wal_file_init(&f);
	check_ok(
	    wal_create(f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 7), 41, &w));
	memset(example, 0xff, WAL_RECORD_HEADER);
	check_ok(wal_append(w, example, size, &stamp));
	wal_close(w);
	wal_file_load(&f, &file);
	check_true(spec_check("wal-file", file.data, WAL_FILE_HEADER));
	check_true(spec_check("wal-record", file.data + WAL_FILE_HEADER,
	    file.size - WAL_FILE_HEADER));

	check_ok(
	    wal_reader_open(f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 7), &r));
	check_eq(wal_reader_first_seq(r), 41);
	check_eq(wal_reader_next(r, &record), 1);
	check_eq(record.stamp.seq, 41);
	check_eq(record.stamp.count, 2);
	check_eq(record.stamp.durable, 40);
	check_eq(record.offset, WAL_FILE_HEADER);
	check_true(spec_check(
	    "batch-payload", record.payload.data, record.payload.size));
	check_eq(wal_reader_next(r, &record), 0);
	wal_reader_close(r);
	buf_fini(&file);
	free(example);
	wal_file_fini(&f);
}

static void
wal__create_refuses_a_file_that_is_there(void **state)
{
	struct wal_file f;
	struct wal *w;

	(void)state;
	wal_file_init(&f);
	wal_close(wal_file_create(&f));
	check_err(
	    wal_create(f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 7), 1, &w),
	    -EEXIST);
	wal_file_fini(&f);
}

/* The disk is full at operation n of the script, then it is not any more. */
static void
full_disk_at(struct wal_file *f, enum env_fault_kind kind, unsigned n)
{
	uint64_t last;
	struct wal_tail tail;
	struct outcome o;

	env_unlink(&f->posix, f->path);
	env_fault_arm(&f->fault, kind, ENOSPC, n);
	o = run_script(f);
	env_fault_disarm(&f->fault);
	if (n <= 2) { /* the file, its header */
		check_err(o.create, -ENOSPC);
		o = run_script(f);
		check_ok(o.create);
	}
	/* Operations 3, 5 and 7 are the appends. */
	for (unsigned i = 0; i < 3; i++) {
		if (n == 3 + 2 * i)
			check_err(o.append[i], -ENOSPC);
		check_ok(o.again[i]);
	}
	check_ok(wal_file_read(f, &last, &tail));
	check_false(tail.torn);
	/* A failed sync, at 4, 6 and 8, ends the writing. */
	check_eq(last, n == 4 ? 1 : n == 6 ? 2 : 3);
}

static void
wal__full_disk_at_any_moment_leaves_the_log_usable(void **state)
{
	struct wal_file f;

	(void)state;
	wal_file_init(&f);
	for (unsigned n = 1; n <= SCRIPT_OPS; n++) {
		full_disk_at(&f, ENV_FAULT_ERROR, n);
		full_disk_at(&f, ENV_FAULT_SHORT, n);
	}
	wal_file_fini(&f);
}

static void
wal__full_disk_cuts_off_the_partial_record(void **state)
{
	struct wal_file f;
	struct wal *w;
	struct buf before = {0}, after = {0};

	(void)state;
	wal_file_init(&f);
	w = wal_file_create(&f);
	check_ok(wal_file_append(w, (struct wal_stamp){1, 1, 0}, "first"));
	wal_file_load(&f, &before);
	f.fault.space_left = 20;
	check_err(
	    wal_file_append(w, (struct wal_stamp){2, 1, 0}, "second"), -ENOSPC);
	f.fault.space_left = UINT64_MAX;
	wal_file_load(&f, &after);
	check_bytes_eq(buf_bytes(&after), buf_bytes(&before));
	check_eq(wal_size(w), before.size);
	check_ok(wal_file_append(w, (struct wal_stamp){2, 1, 0}, "second"));
	check_ok(wal_sync(w));
	wal_close(w);
	buf_fini(&before);
	buf_fini(&after);
	wal_file_fini(&f);
}

static void
check_poisoned(struct wal_file *f, struct wal *w, uint64_t next_seq)
{
	uint64_t size = wal_size(w);
	uint64_t ops = f->fault.ops;

	check_contains(f->message, f->path);
	check_contains(f->message, "nothing more is written");
	check_err(
	    wal_file_append(w, (struct wal_stamp){next_seq, 1, 0}, "later"),
	    -EROFS);
	check_err(wal_sync(w), -EROFS);
	check_eq(wal_size(w), size);
	check_eq(f->fault.ops, ops);
}

static void
wal__failing_cut_poisons(void **state)
{
	struct wal_file f;
	struct wal *w;

	(void)state;
	wal_file_init(&f);
	w = wal_file_create(&f);
	env_fault_arm(&f.fault, ENV_FAULT_DEAD, ENOSPC, 1);
	check_err(wal_file_append(w, (struct wal_stamp){1, 1, 0}, "x"), -EIO);
	env_fault_disarm(&f.fault);
	check_poisoned(&f, w, 1);
	wal_close(w);
	wal_file_fini(&f);
}

static void
wal__failed_write_poisons_and_keeps_what_was_there(void **state)
{
	struct wal_file f;
	struct wal *w;
	uint64_t last;
	struct wal_tail tail;
	enum env_fault_kind kinds[] = {
	    ENV_FAULT_ERROR, ENV_FAULT_SHORT, ENV_FAULT_DEAD};

	(void)state;
	wal_file_init(&f);
	for (unsigned k = 0; k < 3; k++) {
		env_unlink(&f.posix, f.path);
		w = wal_file_create(&f);
		check_ok(
		    wal_file_append(w, (struct wal_stamp){1, 1, 0}, "one"));
		env_fault_arm(&f.fault, kinds[k], EIO, 1);
		check_err(
		    wal_file_append(w, (struct wal_stamp){2, 1, 0}, "two"),
		    -EIO);
		env_fault_disarm(&f.fault);
		check_poisoned(&f, w, 2);
		wal_close(w);
		check_ok(wal_file_read(&f, &last, &tail));
		check_eq(last, 1);
	}
	wal_file_fini(&f);
}

static void
wal__failed_sync_poisons(void **state)
{
	struct wal_file f;
	struct wal *w;

	(void)state;
	wal_file_init(&f);
	w = wal_file_create(&f);
	check_ok(wal_file_append(w, (struct wal_stamp){1, 1, 0}, "one"));
	env_fault_arm(&f.fault, ENV_FAULT_ERROR, EIO, 1);
	check_err(wal_sync(w), -EIO);
	env_fault_disarm(&f.fault);
	check_poisoned(&f, w, 2);
	wal_close(w);
	wal_file_fini(&f);
}

/* --- going on with a file ------------------------------------------------ */

static void
wal__append_to_cuts_the_tail_and_goes_on(void **state)
{
	struct wal_file f;
	struct buf file = {0};
	struct wal_tail tail;
	uint64_t last, offsets[6];
	struct wal *w;

	(void)state;
	wal_file_init(&f);
	wal_file_fill(&f, 4, nothing_durable, offsets);
	wal_file_load(&f, &file);
	file.data[offsets[3] + 3] ^= 1;
	wal_file_store(&f, buf_bytes(&file));
	check_ok(wal_file_read(&f, &last, &tail));
	check_eq(last, 2);
	check_true(tail.torn);

	check_ok(wal_append_to(
	    f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 7), tail.end, &w));
	check_eq(f.fault.syncs, 1);
	check_eq(wal_size(w), offsets[3]);
	/* As long as the old record 3: the old record 4 would fit behind. */
	check_ok(wal_file_append(w, (struct wal_stamp){3, 1, 2}, "new"));
	wal_close(w);
	check_ok(wal_file_read(&f, &last, &tail));
	check_eq(last, 3);
	check_false(tail.torn);
	check_eq(tail.promised, 2);

	/* Nothing to cut, nothing to sync. */
	check_ok(wal_append_to(
	    f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 7), tail.end, &w));
	check_eq(f.fault.syncs, 1);
	wal_close(w);
	buf_fini(&file);
	wal_file_fini(&f);
}

static void
wal__append_to_fails_if_cutting_fails(void **state)
{
	struct wal_file f;
	struct wal *w;
	uint64_t offsets[4];

	(void)state;
	wal_file_init(&f);
	wal_file_fill(&f, 2, nothing_durable, offsets);
	for (unsigned n = 1; n <= 2; n++) { /* truncate, sync */
		wal_file_fill(&f, 2, nothing_durable, NULL);
		env_fault_arm(&f.fault, ENV_FAULT_ERROR, EIO, n);
		check_err(wal_append_to(f.env, f.path,
			      WAL_FILE_ID(WAL_KIND_LOG, 7), offsets[2], &w),
		    -EIO);
		env_fault_disarm(&f.fault);
	}
	check_err(wal_append_to(
		      f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 7), 100000, &w),
	    -EUCLEAN);
	check_contains(f.message, f.path);
	wal_file_fini(&f);
}

/* --- threads -------------------------------------------------------------- */

/* Syncs that take their time, of which the first fails. */
static atomic_uint slow_syncs;

static int
slow_failing_sync(struct env_file *file)
{
	unsigned n = atomic_fetch_add(&slow_syncs, 1);

	env_sleep_us(file->env, 50000);
	return n == 0 ? -EIO : 0;
}

static void *
sync_in_thread(void *arg)
{
	return (void *)(intptr_t)wal_sync(arg);
}

static void
wal__sync_beside_a_failing_one_does_not_succeed(void **state)
{
	struct wal_file f;
	struct env_ops ops;
	struct env env;
	struct wal *w;
	pthread_t threads[4];
	unsigned eio = 0, erofs = 0;

	(void)state;
	wal_file_init(&f);
	ops = *f.posix.ops;
	ops.sync = slow_failing_sync;
	env = f.posix;
	env.ops = &ops;
	check_ok(wal_create(&env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 7), 1, &w));
	for (unsigned i = 0; i < 4; i++)
		check_ok(pthread_create(&threads[i], NULL, sync_in_thread, w));
	for (unsigned i = 0; i < 4; i++) {
		void *rc;

		pthread_join(threads[i], &rc);
		eio += (intptr_t)rc == -EIO;
		erofs += (intptr_t)rc == -EROFS;
	}
	check_eq(eio, 1);
	check_eq(erofs, 3);
	check_eq(atomic_load(&slow_syncs), 1);
	wal_close(w);
	wal_file_fini(&f);
}

static atomic_bool stop_syncing;

static void *
sync_until_stopped(void *arg)
{
	intptr_t rc = 0;

	while (!rc && !atomic_load(&stop_syncing))
		rc = wal_sync(arg);
	return (void *)rc;
}

static void
wal__syncs_run_beside_appends(void **state)
{
	struct wal_file f;
	struct wal *w;
	pthread_t threads[2];
	struct wal_tail tail;
	uint64_t last;

	(void)state;
	wal_file_init(&f);
	w = wal_file_create(&f);
	for (unsigned i = 0; i < 2; i++)
		check_ok(
		    pthread_create(&threads[i], NULL, sync_until_stopped, w));
	for (unsigned i = 1; i <= 2000; i++)
		check_ok(
		    wal_file_append(w, (struct wal_stamp){i, 1, 0}, "payload"));
	atomic_store(&stop_syncing, true);
	for (unsigned i = 0; i < 2; i++) {
		void *rc;

		pthread_join(threads[i], &rc);
		check_eq((uintptr_t)rc, 0);
	}
	wal_close(w);
	check_ok(wal_file_read(&f, &last, &tail));
	check_eq(last, 2000);
	wal_file_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wal__reads_back_what_was_appended),
	    cmocka_unit_test(
		wal__writes_and_reads_the_example_of_the_specification),
	    cmocka_unit_test(wal__create_refuses_a_file_that_is_there),
	    cmocka_unit_test(
		wal__full_disk_at_any_moment_leaves_the_log_usable),
	    cmocka_unit_test(wal__full_disk_cuts_off_the_partial_record),
	    cmocka_unit_test(wal__failing_cut_poisons),
	    cmocka_unit_test(
		wal__failed_write_poisons_and_keeps_what_was_there),
	    cmocka_unit_test(wal__failed_sync_poisons),
	    cmocka_unit_test(wal__append_to_cuts_the_tail_and_goes_on),
	    cmocka_unit_test(wal__append_to_fails_if_cutting_fails),
	    cmocka_unit_test(wal__sync_beside_a_failing_one_does_not_succeed),
	    cmocka_unit_test(wal__syncs_run_beside_appends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
