/* Logs in files that were written ahead: of zeros, or of an earlier log. */
#include "tests/check.h"

#include "tests/support/wal_file.h"

#define SIZE 8192

/* Its number, and the numbers of its records are lower. */
#define OLD_NUMBER 6

/* Records are copied into the mapped file, a page at a time. */
static bool mapped;

static void
fill_with_zeros(struct wal_file *f)
{
	static const uint8_t zeros[SIZE];

	wal_file_store(f, bytes_of(zeros, SIZE));
}

/* Records of 1 to 60 bytes, one behind the other, to the very end; the header
 * is gone.  They promise what came before. */
static void
fill_with_stale(struct wal_file *f)
{
	struct wal_stamp stamp = {1, 1, 0};
	struct buf file = {0};
	struct wal *w;
	char text[64];

	env_unlink(&f->posix, f->path);
	check_ok(wal_create(
	    f->env, f->path, WAL_FILE_ID(WAL_KIND_LOG, OLD_NUMBER), 1, &w));
	for (; wal_size(w) < SIZE; stamp.durable = stamp.seq++) {
		size_t size = 1 + stamp.seq * 7 % 60;

		memset(text, (int)stamp.seq, size);
		text[size] = '\0';
		check_ok(wal_file_append(w, stamp, text));
	}
	wal_close(w);
	wal_file_load(f, &file);
	memset(file.data, 0, WAL_FILE_HEADER);
	wal_file_store(f, bytes_of(file.data, SIZE));
	buf_fini(&file);
}

/* A log laid over what is there. */
static struct wal *
lay(struct wal_file *f)
{
	struct wal *w;

	check_ok(wal_create_in(f->env, f->path,
	    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), 1, &w));
	check_eq(wal_prepared(w), SIZE);
	if (mapped)
		wal_map(w, &(const struct wal_mapping){.step = 4096});
	return w;
}

/* The same of a new file of stale records. */
static struct wal *
lay_over_stale(struct wal_file *f)
{
	wal_file_init(f);
	fill_with_stale(f);
	return lay(f);
}

/* Records from..to-1, each of which promises nothing. */
static void
append(struct wal *w, uint64_t from, uint64_t to, const char *text)
{
	for (uint64_t i = from; i < to; i++)
		check_ok(wal_file_append(w, (struct wal_stamp){i, 1, 0}, text));
}

/* --- writing ---------------------------------------------------------------
 */

static void
wal_prepared__appending_changes_no_size(void **state)
{
	struct wal_file f;
	struct wal *w;
	uint64_t end, i = 1;

	(void)state;
	wal_file_init(&f);
	for (int stale = 0; stale < 2; stale++) {
		if (stale)
			fill_with_stale(&f);
		else
			fill_with_zeros(&f);
		w = lay(&f);
		for (i = 1; wal_size(w) + 100 < SIZE; i++) {
			append(w, i, i + 1, "payload");
			check_eq(wal_file_size(&f), SIZE);
		}
		end = wal_size(w);
		wal_close(w);
		wal_file_check_end(&f, i - 1, end, stale);
	}
	wal_file_fini(&f);
}

static void
wal_prepared__a_log_outgrows_the_file(void **state)
{
	struct wal_file f;
	struct wal *w;
	uint64_t end;

	(void)state;
	w = lay_over_stale(&f);
	append(w, 1, 301, "some payload");
	end = wal_size(w);
	check_le(SIZE + 1, end);
	check_eq(wal_file_size(&f), mapped ? (end / 4096 + 1) * 4096 : end);
	check_eq(f.fault.map_writes, mapped ? 300 : 0);
	wal_close(w);
	wal_file_check_end(&f, 300, end, false);
	wal_file_fini(&f);
}

static void
wal_prepared__cut_makes_it_as_small_as_it_can_be(void **state)
{
	struct wal_file f;
	struct wal *w;
	uint64_t end;

	(void)state;
	w = lay_over_stale(&f);
	append(w, 1, 4, "payload");
	check_ok(wal_cut(w));
	check_eq(wal_file_size(&f), wal_size(w));
	append(w, 4, 5, "payload");
	end = wal_size(w);
	check_eq(wal_file_size(&f), mapped ? 4096 : end);
	wal_close(w);
	wal_file_check_end(&f, 4, end, false);
	wal_file_fini(&f);
}

/* --- a full disk -----------------------------------------------------------
 */

/* Half of a record is written, then there is no space; what is read is what
 * was there before, and writing goes on. */
static void
full_disk(enum env_fault_kind kind, uint64_t space, bool stays)
{
	struct wal_file f;
	struct wal *w;
	uint64_t end;

	w = lay_over_stale(&f);
	append(w, 1, 4, "payload");
	end = wal_size(w);
	if (kind != ENV_FAULT_NONE)
		env_fault_arm(&f.fault, kind, ENOSPC, 1);
	f.fault.space_left = space;
	check_err(
	    wal_file_append(w, (struct wal_stamp){4, 1, 0}, "other payload"),
	    -ENOSPC);
	env_fault_disarm(&f.fault);
	f.fault.space_left = UINT64_MAX;
	check_eq(wal_size(w), end);
	check_eq(wal_file_size(&f), stays ? SIZE : end);
	check_eq(wal_prepared(w), stays ? SIZE : 0);
	wal_file_check_end(&f, 3, end, stays);
	append(w, 4, 6, "x");
	end = wal_size(w);
	wal_close(w);
	wal_file_check_end(&f, 5, end, stays);
	wal_file_fini(&f);
}

static void
wal_prepared__full_disk_leaves_the_log_as_before(void **state)
{
	(void)state;
	full_disk(ENV_FAULT_ERROR, UINT64_MAX, true);
	full_disk(ENV_FAULT_SHORT, UINT64_MAX, true);
	/* Nor is there space to write over what was written: it is cut off. */
	full_disk(ENV_FAULT_NONE, 20, false);
	full_disk(ENV_FAULT_NONE, 0, false);
}

/* All of it was written, and still it failed. */
static ssize_t
write_and_fail(
    struct env_file *file, const void *data, size_t size, uint64_t offset)
{
	struct env env;

	env_posix_init(&env, (struct err_sink){0});
	check_eq(env.ops->pwrite(file, data, size, offset), size);
	file->env->ops = env.ops; /* what follows works */
	return -ENOSPC;
}

static void
wal_prepared__a_failed_record_does_not_come_back(void **state)
{
	struct wal_file f;
	struct env_ops ops;
	struct wal *w;
	uint64_t end;

	(void)state;
	wal_file_init(&f);
	fill_with_zeros(&f);
	check_ok(wal_create_in(&f.posix, f.path,
	    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), 1, &w));
	append(w, 1, 4, "payload");
	end = wal_size(w);
	ops = *f.posix.ops;
	ops.pwrite = write_and_fail;
	f.posix.ops = &ops;
	check_err(
	    wal_file_append(w, (struct wal_stamp){4, 1, 0}, "failed"), -ENOSPC);
	wal_file_check_end(&f, 3, end, true);
	wal_close(w);
	wal_file_fini(&f);
}

static void
wal_prepared__a_record_too_many_leaves_the_room(void **state)
{
	static char large[SIZE];
	struct wal_file f;
	struct wal *w;
	uint64_t end;

	(void)state;
	wal_file_init(&f);
	fill_with_zeros(&f);
	w = lay(&f);
	append(w, 1, 4, "payload");
	end = wal_size(w);
	memset(large, 'x', SIZE - 1);
	f.fault.space_left = SIZE;
	check_err(
	    wal_file_append(w, (struct wal_stamp){4, 1, 0}, large), -ENOSPC);
	/* The zeros over its header need none on most filesystems; here they
	 * do, so the room is lost with them. */
	check_eq(wal_file_size(&f), end);
	f.fault.space_left = UINT64_MAX;
	append(w, 4, 5, "payload");
	wal_close(w);

	fill_with_zeros(&f);
	w = lay(&f);
	append(w, 1, 4, "payload");
	env_fault_arm(&f.fault, ENV_FAULT_SHORT, ENOSPC, 1);
	check_err(
	    wal_file_append(w, (struct wal_stamp){4, 1, 0}, large), -ENOSPC);
	check_eq(wal_file_size(&f), SIZE);
	wal_file_check_end(&f, 3, end, true);
	wal_close(w);
	wal_file_fini(&f);
}

/* --- power cuts ------------------------------------------------------------
 */

#define SECTOR  512
#define RECORDS 40

/* Each sector as it was before the log or as it is with it; those below
 * `synced` are with it. */
static void
mix(const struct buf *before, const struct buf *with, uint64_t synced,
    struct check_rand *r, struct buf *out)
{
	check_ok(buf_assign(out, buf_bytes(with)));
	for (uint64_t at = 0; at < SIZE; at += SECTOR) {
		if (at + SECTOR <= synced || check_rand_one_in(r, 2))
			continue;
		/* The part of this sector that was synced was so with it. */
		memcpy(out->data + (at < synced ? synced : at),
		    before->data + (at < synced ? synced : at),
		    at < synced ? at + SECTOR - synced : SECTOR);
	}
}

/*
 * A log over stale records; a sync somewhere; a cut at which every other
 * sector behind it was lost.  What was synced is read, and a prefix of the
 * rest, in order: nothing of the old log, and no error.
 */
static void
cut_once(struct wal_file *f, struct check_rand *r)
{
	struct buf before = {0}, with = {0}, found = {0};
	uint64_t synced_seq = check_rand_below(r, RECORDS);
	uint64_t synced = 0, last;
	struct wal_tail tail = {0};
	struct wal *w;
	char text[200];
	int rc;

	fill_with_stale(f);
	wal_file_load(f, &before);
	w = lay(f);
	for (uint64_t i = 1; i <= RECORDS; i++) {
		struct wal_stamp stamp = {
		    i, 1, i > synced_seq ? synced_seq : 0};
		size_t size = check_rand_below(r, sizeof(text));

		memset(text, (int)('a' + i % 20), size);
		text[size] = '\0';
		check_ok(wal_file_append(w, stamp, text));
		if (i == synced_seq)
			synced = wal_size(w);
	}
	check_le(wal_size(w), SIZE);
	wal_close(w);
	wal_file_load(f, &with);
	mix(&before, &with, synced, r, &found);
	wal_file_store(f, buf_bytes(&found));
	rc = wal_file_read(f, &last, &tail);
	if (rc == -ENODATA) {
		check_eq(synced_seq, 0); /* the header was not synced */
	} else {
		check_ok(rc);
		check_le(synced_seq, last);
		check_le(last, RECORDS);
	}
	buf_fini(&before);
	buf_fini(&with);
	buf_fini(&found);
}

static void
wal_prepared__a_power_cut_leaves_a_prefix(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct wal_file f;

	(void)state;
	wal_file_init(&f);
	for (int i = 0; i < (check_long() ? 20000 : 500); i++)
		cut_once(&f, &r);
	wal_file_fini(&f);
}

/* From any byte of the last record on the file is as before. */
static void
wal_prepared__torn_at_every_byte_over_stale_records(void **state)
{
	struct buf before = {0}, with = {0};
	struct wal_file f;
	struct wal *w;
	uint64_t at, end;

	(void)state;
	wal_file_init(&f);
	fill_with_stale(&f);
	wal_file_load(&f, &before);
	w = lay(&f);
	append(w, 1, 5, "some payload that is not short");
	at = wal_size(w);
	append(w, 5, 6, "the last payload");
	end = wal_size(w);
	wal_close(w);
	wal_file_load(&f, &with);
	wal_file_check_end(&f, 5, end, true);
	while (end-- > at) {
		with.data[end] = before.data[end];
		wal_file_store(&f, buf_bytes(&with));
		wal_file_check_end(&f, 4, at, true);
	}
	buf_fini(&before);
	buf_fini(&with);
	wal_file_fini(&f);
}

/* Damage is told from a torn tail although stale records are behind it. */
static void
wal_prepared__damage_before_what_was_promised_is_found(void **state)
{
	struct buf file = {0};
	struct wal_file f;
	struct wal *w;
	uint64_t at[12];

	(void)state;
	w = lay_over_stale(&f);
	for (uint64_t i = 1; i <= 10; i++) {
		at[i] = wal_size(w);
		check_ok(wal_file_append(
		    w, (struct wal_stamp){i, 1, i > 5 ? 5 : 0}, "payload"));
	}
	wal_close(w);
	wal_file_load(&f, &file);
	for (unsigned i = 1; i <= 10; i++) {
		file.data[at[i] + 9] ^= 1;
		wal_file_store(&f, buf_bytes(&file));
		if (i <= 5)
			wal_file_check_damaged(&f, i - 1, at[i]);
		else
			wal_file_check_end(&f, i - 1, at[i], true);
		file.data[at[i] + 9] ^= 1;
	}
	buf_fini(&file);
	wal_file_fini(&f);
}

/* Before its header is there, a file is nothing, whatever else it holds. */
static void
wal_prepared__without_a_header_it_is_nothing(void **state)
{
	struct wal_file f;
	struct wal_tail tail;
	uint64_t last;

	(void)state;
	wal_file_init(&f);
	fill_with_zeros(&f);
	check_err(wal_file_read(&f, &last, &tail), -ENODATA);
	fill_with_stale(&f);
	check_err(wal_file_read(&f, &last, &tail), -ENODATA);
	check_str(f.message, "");
	wal_file_fini(&f);
}

static int
map_from_now_on(void **state)
{
	struct wal_file f;

	(void)state;
	wal_file_init(&f);
	mapped = wal_file_can_map(&f);
	wal_file_fini(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wal_prepared__appending_changes_no_size),
	    cmocka_unit_test(wal_prepared__a_log_outgrows_the_file),
	    cmocka_unit_test(wal_prepared__cut_makes_it_as_small_as_it_can_be),
	    cmocka_unit_test(wal_prepared__full_disk_leaves_the_log_as_before),
	    cmocka_unit_test(wal_prepared__a_failed_record_does_not_come_back),
	    cmocka_unit_test(wal_prepared__a_record_too_many_leaves_the_room),
	    cmocka_unit_test(wal_prepared__a_power_cut_leaves_a_prefix),
	    cmocka_unit_test(
		wal_prepared__torn_at_every_byte_over_stale_records),
	    cmocka_unit_test(
		wal_prepared__damage_before_what_was_promised_is_found),
	    cmocka_unit_test(wal_prepared__without_a_header_it_is_nothing),
	};
	/* Full disks are in test_wal_window.c. */
	const struct CMUnitTest tests_mapped[] = {
	    cmocka_unit_test(wal_prepared__appending_changes_no_size),
	    cmocka_unit_test(wal_prepared__a_log_outgrows_the_file),
	    cmocka_unit_test(wal_prepared__cut_makes_it_as_small_as_it_can_be),
	    cmocka_unit_test(wal_prepared__a_power_cut_leaves_a_prefix),
	    cmocka_unit_test(
		wal_prepared__torn_at_every_byte_over_stale_records),
	    cmocka_unit_test(
		wal_prepared__damage_before_what_was_promised_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
	       cmocka_run_group_tests(tests_mapped, map_from_now_on, NULL);
}
